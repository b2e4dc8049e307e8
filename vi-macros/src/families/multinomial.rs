use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written};
use crate::density::lower::Lowered;
use crate::density::poly::Poly;
use crate::density::statement::{Args, Form};
use crate::density::symbol::{Cond, Ix};

pub static FAMILY: Family = Family {
    name: "Multinomial",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "n", accepts: &[Domain::Count] }] },
        Param { positional: true, optional: false, ways: &[Way { name: "p", accepts: &[Domain::Simplex] }] },
    ],
    value: Support::CountVector,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: Some(constructor),
};

/// log n! − Σ log yᵥ! + Σ yᵥ log pᵥ
fn log_density(a: &Args) -> Lowered<Form> {
    let v = a.axes()[0].clone();
    let at = Ix::var(&v);
    let one = Poly::number(1.0);
    let y = a.value_at(std::slice::from_ref(&at));
    let body = y.mul(&a.log(&a.at("p", &at)?)).sub(&a.lgamma(&y.add(&one)));
    Ok(Form::Terms(a.lgamma(&a.scalar("n")?.add(&one)).add(&body.sum_over(&v, &Cond::Always))))
}

fn constructor(_: &Written) -> Constructor {
    Constructor::named("Multinomial", vec![Argument::Count("n"), Argument::Vector("p")])
}
