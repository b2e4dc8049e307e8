use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Laplace",
    module: "laplace",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "mean", accepts: &[Domain::Real] }] },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "scale", accepts: &[Domain::Positive] }],
        },
    ],
    value: Support::Real,
    truncatable: true,
};
