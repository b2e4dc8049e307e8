use super::{Constructor, Domain, Family, Param, Support, Way, is_infinite};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Poisson",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[
            Way { name: "rate", accepts: &[Domain::Positive] },
            Way { name: "log", accepts: &[Domain::Real] },
        ],
    }],
    value: Support::Count,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("Poisson", given)),
};

/// y log rate − rate − log y!
fn log_density(a: &Args) -> Lowered<Form> {
    let y = a.value();
    let base = a.lgamma(&y.add(&Poly::number(1.0)));
    let (rate, log_rate) = if a.has("rate") {
        let rate = a.scalar("rate")?;
        let log_rate = a.log(&rate);
        (rate, log_rate)
    } else {
        let eta = a.scalar("log")?;
        (Poly::apply(Func::Exp, vec![eta.clone()]), eta)
    };
    Ok(Form::Terms(y.mul(&log_rate).sub(&rate).sub(&base)))
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let rate = if a.has("rate") { a.scalar("rate")? } else { Poly::apply(Func::Exp, vec![a.scalar("log")?]) };
    if is_infinite(high) && low.as_number() == Some(1.0) {
        // Without zeros: log(1 − exp(−rate)).
        return Ok(Poly::apply(
            Func::Log,
            vec![Poly::number(1.0).sub(&Poly::apply(Func::Exp, vec![rate.scale(-1.0)]))],
        ));
    }
    Ok(Poly::apply(Func::LogPoissonInterval, vec![rate, low.clone(), high.clone()]))
}
