use super::{Constructor, Domain, Family, Param, Support, Way, is_infinite};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Gamma",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "shape", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[
                Way { name: "rate", accepts: &[Domain::Positive] },
                Way { name: "scale", accepts: &[Domain::Positive] },
            ],
        },
    ],
    value: Support::Positive,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("Gamma", given)),
};

/// (shape − 1) log x − rate x + shape log rate − log Γ(shape)
fn log_density(a: &Args) -> Lowered<Form> {
    let shape = a.scalar("shape")?;
    let rate = rate(a)?;
    let x = a.value();
    let terms = shape
        .sub(&Poly::number(1.0))
        .mul(&a.log(&x))
        .sub(&rate.mul(&x))
        .add(&shape.mul(&a.log(&rate)))
        .sub(&a.lgamma(&shape));
    Ok(Form::Terms(terms))
}

fn rate(a: &Args) -> Lowered {
    if a.has("rate") { a.scalar("rate") } else { Ok(a.scalar("scale")?.recip()) }
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let rate = rate(a)?;
    let low = if is_infinite(low) { Poly::zero() } else { rate.mul(low) };
    let high = if is_infinite(high) { high.clone() } else { rate.mul(high) };
    Ok(Poly::apply(Func::LogGammaInterval, vec![a.scalar("shape")?, low, high]))
}
