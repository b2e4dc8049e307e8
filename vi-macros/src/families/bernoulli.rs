use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Bernoulli",
    module: "bernoulli",
    params: &[Param {
        positional: true,
        optional: false,
        ways: &[
            Way { name: "p", accepts: &[Domain::Unit] },
            Way { name: "logit", accepts: &[Domain::Real] },
            Way { name: "probit", accepts: &[Domain::Real] },
        ],
    }],
    value: Support::Bool,
    truncatable: false,
};
