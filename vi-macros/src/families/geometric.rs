use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Geometric",
    module: "geometric",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[Way { name: "p", accepts: &[Domain::Unit] }],
    }],
    value: Support::Count,
    truncatable: true,
};
