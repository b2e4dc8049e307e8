use super::{Constructor, Domain, Family, Param, Support, Way, is_infinite};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Exponential",
    params: &[Param {
        positional: false,
        optional: false,
        ways: &[
            Way { name: "rate", accepts: &[Domain::Positive] },
            Way { name: "mean", accepts: &[Domain::Positive] },
        ],
    }],
    value: Support::Positive,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("Exponential", given)),
};

/// log rate − rate x
fn log_density(a: &Args) -> Lowered<Form> {
    let rate = rate(a)?;
    Ok(Form::Terms(a.log(&rate).sub(&rate.mul(&a.value()))))
}

fn rate(a: &Args) -> Lowered {
    if a.has("rate") { a.scalar("rate") } else { Ok(a.scalar("mean")?.recip()) }
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let rate = rate(a)?;
    let low = if is_infinite(low) { Poly::zero() } else { rate.mul(low) };
    let high = if is_infinite(high) { high.clone() } else { rate.mul(high) };
    Ok(Poly::apply(Func::LogGammaInterval, vec![Poly::number(1.0), low, high]))
}
