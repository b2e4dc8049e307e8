use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Gamma",
    module: "gamma",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "shape", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[
                Way { name: "rate", accepts: &[Domain::Positive] },
                Way { name: "scale", accepts: &[Domain::Positive] },
            ],
        },
    ],
    value: Support::Positive,
    truncatable: true,
};
