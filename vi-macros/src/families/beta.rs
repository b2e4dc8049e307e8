use super::{Constructor, Domain, Family, Param, Support, Way, is_infinite};
use crate::density::lower::Lowered;
use crate::density::poly::{Func, Poly};
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Beta",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "a", accepts: &[Domain::Positive] }] },
        Param { positional: true, optional: false, ways: &[Way { name: "b", accepts: &[Domain::Positive] }] },
    ],
    value: Support::Unit,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(|given| Constructor::of_scalars("Beta", given)),
};

/// (a − 1) log x + (b − 1) log(1 − x) + log Γ(a + b) − log Γ(a) − log Γ(b)
fn log_density(args: &Args) -> Lowered<Form> {
    let (a, b) = (args.scalar("a")?, args.scalar("b")?);
    let x = args.value();
    let one = Poly::number(1.0);
    let terms = a
        .sub(&one)
        .mul(&args.log(&x))
        .add(&b.sub(&one).mul(&args.log(&one.sub(&x))))
        .add(&args.lgamma(&a.add(&b)))
        .sub(&args.lgamma(&a))
        .sub(&args.lgamma(&b));
    Ok(Form::Terms(terms))
}

fn log_interval(args: &Args, low: &Poly, high: &Poly) -> Lowered {
    let low = if is_infinite(low) { Poly::zero() } else { low.clone() };
    let high = if is_infinite(high) { Poly::number(1.0) } else { high.clone() };
    Ok(Poly::apply(Func::LogBetaInterval, vec![args.scalar("a")?, args.scalar("b")?, low, high]))
}
