use super::{Constructor, Domain, Family, Param, Support, Way, is_infinite};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "InverseGamma",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "shape", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "scale", accepts: &[Domain::Positive] }],
        },
    ],
    value: Support::Positive,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("InverseGamma", given)),
};

/// −(shape + 1) log x − scale / x + shape log scale − log Γ(shape)
fn log_density(a: &Args) -> Lowered<Form> {
    let (shape, scale) = (a.scalar("shape")?, a.scalar("scale")?);
    let x = a.value();
    let terms = shape
        .add(&Poly::number(1.0))
        .mul(&a.log(&x))
        .scale(-1.0)
        .sub(&scale.mul(&x.recip()))
        .add(&shape.mul(&a.log(&scale)))
        .sub(&a.lgamma(&shape));
    Ok(Form::Terms(terms))
}

/// 1/x is Gamma(shape, rate: scale).
fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let scale = a.scalar("scale")?;
    let upper = if is_infinite(low) || low.is_zero() { Poly::infinity(1.0) } else { scale.mul(&low.recip()) };
    let lower = if is_infinite(high) { Poly::zero() } else { scale.mul(&high.recip()) };
    Ok(Poly::apply(Func::LogGammaInterval, vec![a.scalar("shape")?, lower, upper]))
}
