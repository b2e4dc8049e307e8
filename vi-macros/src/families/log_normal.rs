use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "LogNormal",
    module: "log_normal",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "mean", accepts: &[Domain::Real] }] },
        Param {
            positional: false,
            optional: false,
            ways: &[
                Way { name: "var", accepts: &[Domain::Positive] },
                Way { name: "sd", accepts: &[Domain::Positive] },
                Way { name: "prec", accepts: &[Domain::Positive] },
            ],
        },
    ],
    value: Support::Positive,
    truncatable: true,
};
