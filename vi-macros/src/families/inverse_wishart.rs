use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "InverseWishart",
    module: "inverse_wishart",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "dof", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "scale", accepts: &[Domain::SymPos, Domain::Positive] }],
        },
    ],
    value: Support::SymPos,
    truncatable: false,
};
