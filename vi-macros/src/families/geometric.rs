use super::{Constructor, Domain, Family, Param, Support, Way, is_infinite};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Geometric",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[Way { name: "p", accepts: &[Domain::Unit] }],
    }],
    value: Support::Count,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("Geometric", given)),
};

/// log p + y log(1 − p): y failures before the first success.
fn log_density(a: &Args) -> Lowered<Form> {
    let p = a.scalar("p")?;
    Ok(Form::Terms(a.log(&p).add(&a.value().mul(&a.log(&Poly::number(1.0).sub(&p))))))
}

/// P(a ≤ Y ≤ b) = (1 − p)^a − (1 − p)^(b + 1)
fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let log_q = a.log(&Poly::number(1.0).sub(&a.scalar("p")?));
    let first = if is_infinite(low) { Poly::zero() } else { low.mul(&log_q) };
    if is_infinite(high) {
        return Ok(first);
    }
    let from = if is_infinite(low) { Poly::zero() } else { low.clone() };
    let steps = high.add(&Poly::number(1.0)).sub(&from);
    let tail = Poly::apply(Func::Exp, vec![steps.mul(&log_q)]);
    Ok(first.add(&Poly::apply(Func::Log, vec![Poly::number(1.0).sub(&tail)])))
}
