use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Uniform",
    module: "uniform",
    params: &[
        Param { positional: true, optional: true, ways: &[Way { name: "a", accepts: &[Domain::Real] }] },
        Param { positional: true, optional: true, ways: &[Way { name: "b", accepts: &[Domain::Real] }] },
    ],
    value: Support::RealOrCategory,
    truncatable: false,
};
