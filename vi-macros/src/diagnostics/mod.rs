//! One constructor for each mistake: where first, then what; the doc comment shows the mistake and its repair.

pub mod density;
pub mod plan;
