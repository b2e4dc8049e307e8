use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Binomial",
    module: "binomial",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "n", accepts: &[Domain::Count] }] },
        Param {
            positional: true,
            optional: false,
            ways: &[
                Way { name: "p", accepts: &[Domain::Unit] },
                Way { name: "logit", accepts: &[Domain::Real] },
            ],
        },
    ],
    value: Support::Count,
    truncatable: true,
};
