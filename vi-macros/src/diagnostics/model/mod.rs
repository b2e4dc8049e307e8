//! Mistakes of the model stage, by kind.

mod calls;
mod coverage;
mod indices;
mod names;
mod roles;
mod types;

pub use calls::*;
pub use coverage::*;
pub use indices::*;
pub use names::*;
pub use roles::*;
pub use types::*;
