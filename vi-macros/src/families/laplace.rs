use super::{Constructor, Domain, Family, Param, Support, Way, standard};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Laplace",
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
    constructor: Some(|given| Constructor::of_scalars("Laplace", given)),
};

/// −log(2 s) − |x − μ| / s
fn log_density(a: &Args) -> Lowered<Form> {
    let (mean, s) = (a.scalar("mean")?, a.scalar("scale")?);
    let distance = Poly::apply(Func::Abs, vec![a.value().sub(&mean)]);
    Ok(Form::Terms(Poly::number(-std::f64::consts::LN_2).sub(&a.log(&s)).sub(&distance.mul(&s.recip()))))
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let (mean, root) = (a.scalar("mean")?, a.scalar("scale")?.recip());
    Ok(Poly::apply(Func::LogLaplaceInterval, vec![standard(low, &mean, &root), standard(high, &mean, &root)]))
}
