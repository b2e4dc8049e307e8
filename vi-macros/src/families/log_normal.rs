use super::{Constructor, Domain, Family, Param, Support, Way, is_infinite, standard};
use crate::density::lower::Lowered;
use crate::density::poly::{Exponent, Func, Poly};
use crate::density::statement::{Args, Form, Residual, Scale};

pub static FAMILY: Family = Family {
    name: "LogNormal",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "mean", accepts: &[Domain::Real] }] },
        Param {
            positional: false,
            optional: false,
            ways: &[
                Way { name: "var", accepts: &[Domain::Positive] },
                Way { name: "sd", accepts: &[Domain::Positive] },
                Way { name: "prec", accepts: &[Domain::Positive] },
            ],
        },
    ],
    value: Support::Positive,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("LogNormal", given)),
};

/// A Normal for log x, kept as the residual log x − μ, and −log x for the change of variable.
fn log_density(a: &Args) -> Lowered<Form> {
    let log_x = a.log(&a.value());
    let rho = log_x.sub(&a.scalar("mean")?);
    let scale = Scale::Diagonal(precision(a)?);
    Ok(Form::Normal(Residual { event: None, rho, scale, log_jacobian: log_x.scale(-1.0) }))
}

fn precision(a: &Args) -> Lowered {
    if a.has("var") {
        Ok(a.scalar("var")?.recip())
    } else if a.has("sd") {
        Ok(a.scalar("sd")?.pow(Exponent::int(-2)))
    } else {
        a.scalar("prec")
    }
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let (mean, root) = (a.scalar("mean")?, precision(a)?.pow(Exponent::new(1, 2)));
    let log = |p: &Poly| if is_infinite(p) { p.clone() } else { Poly::apply(Func::Log, vec![p.clone()]) };
    let low = if low.is_zero() { Poly::infinity(-1.0) } else { log(low) };
    Ok(Poly::apply(
        Func::LogPhiInterval,
        vec![standard(&low, &mean, &root), standard(&log(high), &mean, &root)],
    ))
}
