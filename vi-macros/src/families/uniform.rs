use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Uniform",
    params: &[
        Param { positional: true, optional: true, ways: &[Way { name: "a", accepts: &[Domain::Real] }] },
        Param { positional: true, optional: true, ways: &[Way { name: "b", accepts: &[Domain::Real] }] },
    ],
    value: Support::RealOrCategory,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: Some(constructor),
};

/// −log(b − a) on [a, b]; on a Category, −log of the number of categories.
fn log_density(args: &Args) -> Lowered<Form> {
    if args.is_finite() {
        return Ok(Form::Terms(args.log(&Poly::index(&args.states())).scale(-1.0)));
    }
    let (a, b) = (args.scalar("a")?, args.scalar("b")?);
    let x = args.value();
    let width = Poly::apply(Func::Log, vec![b.sub(&a)]);
    let inside = Poly::apply(Func::LogInside, vec![x, a, b]);
    Ok(Form::Terms(inside.sub(&width)))
}

/// Over the categories of a finite value.
fn constructor(given: &Written) -> Constructor {
    if given.finite {
        return Constructor::named("Uniform", vec![Argument::States]);
    }
    Constructor::of_scalars("Uniform", given)
}
