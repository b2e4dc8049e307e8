use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Categorical",
    module: "categorical",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[
            Way { name: "p", accepts: &[Domain::Simplex] },
            Way { name: "logit", accepts: &[Domain::Vector] },
        ],
    }],
    value: Support::Category,
    truncatable: false,
};
