use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Normal",
    module: "normal",
    params: &[
        Param {
            positional: true,
            optional: false,
            ways: &[Way { name: "mean", accepts: &[Domain::Real, Domain::Vector] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[
                Way { name: "var", accepts: &[Domain::Positive, Domain::PositiveVector] },
                Way { name: "sd", accepts: &[Domain::Positive, Domain::PositiveVector] },
                Way { name: "prec", accepts: &[Domain::Positive, Domain::PositiveVector, Domain::SymPos] },
                Way { name: "cov", accepts: &[Domain::SymPos, Domain::Positive, Domain::PositiveVector] },
                Way { name: "chol", accepts: &[Domain::Matrix] },
            ],
        },
    ],
    value: Support::RealOrVector,
    truncatable: true,
};
