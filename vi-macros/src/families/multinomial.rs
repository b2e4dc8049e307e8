use super::{Domain, Family, Param, Support, Way};

pub static FAMILY: Family = Family {
    name: "Multinomial",
    module: "multinomial",
    params: &[
        Param { positional: true, optional: false, ways: &[Way { name: "n", accepts: &[Domain::Count] }] },
        Param { positional: true, optional: false, ways: &[Way { name: "p", accepts: &[Domain::Simplex] }] },
    ],
    value: Support::CountVector,
    truncatable: false,
};
