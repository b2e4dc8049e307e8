use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Beta",
    module: "beta",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "a", accepts: &[Domain::Positive] }] },
        Param { positional: true, optional: false, ways: &[Way { name: "b", accepts: &[Domain::Positive] }] },
    ],
    value: Support::Unit,
    truncatable: true,
};
