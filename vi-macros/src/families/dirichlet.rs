use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written};
use crate::density::lower::Lowered;
use crate::density::poly::Poly;
use crate::density::statement::{Args, Form};
use crate::density::symbol::{Cond, Ix};

pub static FAMILY: Family = Family {
    name: "Dirichlet",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[Way { name: "a", accepts: &[Domain::PositiveVector, Domain::Positive] }],
    }],
    value: Support::Simplex,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: Some(constructor),
};

/// Σ (aₖ − 1) log xₖ + log Γ(Σ aₖ) − Σ log Γ(aₖ)
fn log_density(args: &Args) -> Lowered<Form> {
    let k = args.axes()[0].clone();
    let at = Ix::var(&k);
    let a = args.at("a", &at)?;
    let log_x = args.log(&args.value_at(std::slice::from_ref(&at)));
    let body = a.sub(&Poly::number(1.0)).mul(&log_x).sub(&args.lgamma(&a)).sum_over(&k, &Cond::Always);
    let total = if a.mentions(&k) { a.sum_over(&k, &Cond::Always) } else { a.mul(&Poly::index(&k.high)) };
    Ok(Form::Terms(body.add(&args.lgamma(&total))))
}

fn constructor(_: &Written) -> Constructor {
    Constructor::named("Dirichlet", vec![Argument::Vector("a")])
}
