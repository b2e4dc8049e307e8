//! Mistakes of the model stage, by kind.

mod calls;
mod indices;
mod names;
mod roles;
mod types;

pub use calls::*;
pub use indices::*;
pub use names::*;
pub use roles::*;
pub use types::*;
