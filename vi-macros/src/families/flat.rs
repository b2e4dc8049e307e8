use super::{Family, Support};

pub static FAMILY: Family =
    Family { name: "Flat", module: "flat", params: &[], value: Support::RealOrVector, truncatable: false };
