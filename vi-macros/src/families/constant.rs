use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written};
use crate::density::lower::Lowered;
use crate::density::statement::{Args, Compared, Form};

pub static FAMILY: Family = Family {
    name: "Constant",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[Way { name: "value", accepts: &[Domain::Any] }],
    }],
    value: Support::Finite,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: Some(constructor),
};

/// log [value = to]
fn log_density(a: &Args) -> Lowered<Form> {
    let value = if a.is_finite() { Compared::Index(a.value_index()) } else { Compared::Number(a.value()) };
    Ok(Form::Equal { value, to: a.copied()? })
}

fn constructor(_: &Written) -> Constructor {
    Constructor::named("Constant", vec![Argument::Value("value")])
}
