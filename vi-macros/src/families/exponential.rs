use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Exponential",
    module: "exponential",
    params: &[Param {
        positional: false,
        optional: false,
        ways: &[
            Way { name: "rate", accepts: &[Domain::Positive] },
            Way { name: "mean", accepts: &[Domain::Positive] },
        ],
    }],
    value: Support::Positive,
    truncatable: true,
};
