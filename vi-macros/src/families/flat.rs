use super::{Family, Support};
use crate::density::lower::Lowered;
use crate::density::statement::{Args, Form};

pub static FAMILY: Family = Family {
    name: "Flat",
    params: &[],
    value: Support::RealOrVector,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: None,
};

fn log_density(_: &Args) -> Lowered<Form> {
    Ok(Form::Flat)
}
