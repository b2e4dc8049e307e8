use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Constant",
    module: "constant",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[Way { name: "value", accepts: &[Domain::Any] }],
    }],
    value: Support::Finite,
    truncatable: false,
};
