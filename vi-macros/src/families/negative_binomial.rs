use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "NegativeBinomial",
    module: "negative_binomial",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "mean", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "dispersion", accepts: &[Domain::Positive] }],
        },
    ],
    value: Support::Count,
    truncatable: true,
};
