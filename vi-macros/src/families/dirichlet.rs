use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Dirichlet",
    module: "dirichlet",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[Way { name: "a", accepts: &[Domain::PositiveVector, Domain::Positive] }],
    }],
    value: Support::Simplex,
    truncatable: false,
};
