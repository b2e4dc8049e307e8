use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Binomial",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "n", accepts: &[Domain::Count] }] },
        Param {
            positional: true,
            optional: false,
            ways: &[
                Way { name: "p", accepts: &[Domain::Unit] },
                Way { name: "logit", accepts: &[Domain::Real] },
            ],
        },
    ],
    value: Support::Count,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(constructor),
};

/// log C(n, y) + y log p + (n − y) log(1 − p)
fn log_density(a: &Args) -> Lowered<Form> {
    let (n, y) = (a.scalar("n")?, a.value());
    let one = Poly::number(1.0);
    let choose = a.lgamma(&n.add(&one)).sub(&a.lgamma(&y.add(&one))).sub(&a.lgamma(&n.sub(&y).add(&one)));
    if a.has("p") {
        let p = a.scalar("p")?;
        return Ok(Form::Terms(choose.add(&y.mul(&a.log(&p))).add(&n.sub(&y).mul(&a.log(&one.sub(&p))))));
    }
    let eta = a.scalar("logit")?;
    Ok(Form::Terms(choose.add(&y.mul(&eta)).sub(&n.mul(&Poly::apply(Func::Softplus, vec![eta])))))
}

fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let p = if a.has("p") { a.scalar("p")? } else { Poly::apply(Func::Sigmoid, vec![a.scalar("logit")?]) };
    Ok(Poly::apply(Func::LogBinomialInterval, vec![a.scalar("n")?, p, low.clone(), high.clone()]))
}

/// The number of trials counts.
fn constructor(given: &Written) -> Constructor {
    let of = |name| if name == "n" { Argument::Count(name) } else { Argument::Scalar(name) };
    Constructor::named("Binomial", given.args.iter().map(|(name, _)| of(*name)).collect())
}
