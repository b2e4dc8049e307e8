use super::{Constructor, Domain, Family, Param, Support, Way, standard};
use crate::density::lower::Lowered;
use crate::density::poly::{Exponent, Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "StudentT",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "mean", accepts: &[Domain::Real] }] },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "scale", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "dof", accepts: &[Domain::Positive] }],
        },
    ],
    value: Support::Real,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("StudentT", given)),
};

/// log Γ((ν + 1)/2) − log Γ(ν/2) − ½ log(νπ) − log s − (ν + 1)/2 log(1 + ((x − μ)/s)²/ν)
fn log_density(a: &Args) -> Lowered<Form> {
    let (mean, s, dof) = (a.scalar("mean")?, a.scalar("scale")?, a.scalar("dof")?);
    let next = dof.add(&Poly::number(1.0)).scale(0.5);
    let t = a.value().sub(&mean);
    let ratio = t.mul(&t).mul(&s.pow(Exponent::int(-2))).mul(&dof.recip());
    let terms = Poly::apply(Func::LGamma, vec![next.clone()])
        .sub(&Poly::apply(Func::LGamma, vec![dof.scale(0.5)]))
        .sub(&a.log(&dof).scale(0.5))
        .sub(&Poly::number(0.5 * std::f64::consts::PI.ln()))
        .sub(&a.log(&s))
        .sub(&next.mul(&Poly::apply(Func::Log, vec![Poly::number(1.0).add(&ratio)])));
    Ok(Form::Terms(terms))
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let (mean, root) = (a.scalar("mean")?, a.scalar("scale")?.recip());
    Ok(Poly::apply(
        Func::LogStudentInterval,
        vec![a.scalar("dof")?, standard(low, &mean, &root), standard(high, &mean, &root)],
    ))
}
