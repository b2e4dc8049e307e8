use super::{Constructor, Domain, Family, Param, Support, Way, standard};
use crate::density::lower::Lowered;
use crate::density::poly::{Exponent, Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Cauchy",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "mean", accepts: &[Domain::Real] }] },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "scale", accepts: &[Domain::Positive] }],
        },
    ],
    value: Support::Real,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("Cauchy", given)),
};

/// −log(π s) − log(1 + ((x − μ)/s)²)
fn log_density(a: &Args) -> Lowered<Form> {
    let (mean, s) = (a.scalar("mean")?, a.scalar("scale")?);
    let t = a.value().sub(&mean);
    let ratio = t.mul(&t).mul(&s.pow(Exponent::int(-2)));
    let tail = Poly::apply(Func::Log, vec![Poly::number(1.0).add(&ratio)]);
    Ok(Form::Terms(Poly::number(-std::f64::consts::PI.ln()).sub(&a.log(&s)).sub(&tail)))
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let (mean, root) = (a.scalar("mean")?, a.scalar("scale")?.recip());
    Ok(Poly::apply(Func::LogCauchyInterval, vec![standard(low, &mean, &root), standard(high, &mean, &root)]))
}
