//! How far an approximate posterior can be trusted.

mod psis;

pub use psis::Psis;
