use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Poisson",
    module: "poisson",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[
            Way { name: "rate", accepts: &[Domain::Positive] },
            Way { name: "log", accepts: &[Domain::Real] },
        ],
    }],
    value: Support::Count,
    truncatable: true,
};
