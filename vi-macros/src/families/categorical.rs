use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};
use crate::density::symbol::{Cond, Ix, Var};
use crate::model::ir::Nominal;

pub static FAMILY: Family = Family {
    name: "Categorical",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[
            Way { name: "p", accepts: &[Domain::Simplex] },
            Way { name: "logit", accepts: &[Domain::Vector] },
        ],
    }],
    value: Support::Category,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: Some(constructor),
};

/// log p_x, or x's score less log Σ exp of all scores.
fn log_density(a: &Args) -> Lowered<Form> {
    let x = a.value_index();
    if a.has("p") {
        return Ok(Form::Terms(a.log(&a.at("p", &x)?)));
    }
    let v = Var::new("v", Nominal::Literal(0), Ix::constant(0), a.states());
    let total = Poly::apply(Func::Exp, vec![a.at("logit", &Ix::var(&v))?]).sum_over(&v, &Cond::Always);
    Ok(Form::Terms(a.at("logit", &x)?.sub(&Poly::apply(Func::Log, vec![total]))))
}

fn constructor(given: &Written) -> Constructor {
    Constructor::named("Categorical", given.args.iter().map(|(name, _)| Argument::Vector(name)).collect())
}
