//! What the tests share: data, textbook densities, and the laws that every fit obeys.

pub mod data;
pub mod density;
pub mod law;
pub mod stored;
