use super::{Constructor, Domain, Family, Param, Support, Way};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Bernoulli",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[
            Way { name: "p", accepts: &[Domain::Unit] },
            Way { name: "logit", accepts: &[Domain::Real] },
            Way { name: "probit", accepts: &[Domain::Real] },
        ],
    }],
    value: Support::Bool,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: Some(|given| Constructor::of_scalars("Bernoulli", given)),
};

/// x log p + (1 − x) log(1 − p)
fn log_density(a: &Args) -> Lowered<Form> {
    let x = a.value();
    let one = Poly::number(1.0);
    if a.has("p") {
        let p = a.scalar("p")?;
        return Ok(Form::Terms(x.mul(&a.log(&p)).add(&one.sub(&x).mul(&a.log(&one.sub(&p))))));
    }
    if a.has("logit") {
        let eta = a.scalar("logit")?;
        return Ok(Form::Terms(x.mul(&eta).sub(&Poly::apply(Func::Softplus, vec![eta]))));
    }
    let eta = a.scalar("probit")?;
    let yes = Poly::apply(Func::LogPhi, vec![eta.clone()]);
    let no = Poly::apply(Func::LogPhi, vec![eta.scale(-1.0)]);
    Ok(Form::Terms(x.mul(&yes).add(&one.sub(&x).mul(&no))))
}
