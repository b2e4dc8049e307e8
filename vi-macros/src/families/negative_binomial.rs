use super::{Constructor, Domain, Family, Param, Support, Way};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "NegativeBinomial",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "mean", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "dispersion", accepts: &[Domain::Positive] }],
        },
    ],
    value: Support::Count,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("NegativeBinomial", given)),
};

/// log Γ(y + r) − log Γ(r) − log y! + r log(r / (r + m)) + y log(m / (r + m)), with mean m and dispersion r: the variance is m + m²/r.
fn log_density(a: &Args) -> Lowered<Form> {
    let (m, r, y) = (a.scalar("mean")?, a.scalar("dispersion")?, a.value());
    let log_total = Poly::apply(Func::Log, vec![r.add(&m)]);
    let terms = Poly::apply(Func::LGamma, vec![y.add(&r)])
        .sub(&Poly::apply(Func::LGamma, vec![r.clone()]))
        .sub(&a.lgamma(&y.add(&Poly::number(1.0))))
        .add(&r.mul(&a.log(&r).sub(&log_total)))
        .add(&y.mul(&a.log(&m).sub(&log_total)));
    Ok(Form::Terms(terms))
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    Ok(Poly::apply(
        Func::LogNegativeBinomialInterval,
        vec![a.scalar("mean")?, a.scalar("dispersion")?, low.clone(), high.clone()],
    ))
}
