use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "InverseGamma",
    module: "inverse_gamma",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "shape", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "scale", accepts: &[Domain::Positive] }],
        },
    ],
    value: Support::Positive,
    truncatable: true,
};
