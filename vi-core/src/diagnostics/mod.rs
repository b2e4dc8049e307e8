//! How far an approximate posterior can be trusted, and whether two restarts found the same.

mod agreement;
mod assignment;
mod psis;

pub use agreement::Agreement;
pub use assignment::best_assignment;
pub use psis::Psis;
