//! Numeric kernels on tiles: the loops that touch every unit in every iteration.
//!
//! A tile holds up to [`TILE`] consecutive units. Its data are component-major, `x[j · n + i]` for component `j` of unit
//! `i`, and the table of a finite block is state-major, `table[k · n + i]`, so that units are contiguous and every
//! kernel runs along them in vector lanes. Each kernel is compiled for several instruction sets and the best one of the
//! running machine is used: results may differ in the last bits between machines, but are the same for the same slices
//! on one machine.
//!
//! Shapes are the caller's contract. A slice too short for the stated shape panics; values never do.

pub(crate) mod abreast;
mod buffer;
#[cfg(test)]
mod chain_tests;
pub(crate) mod chains;
pub(crate) mod evidence;
mod exp;
mod forms;
mod gamma;
pub(crate) mod gathered;
pub(crate) mod kinds;
mod moments;
mod normal;
pub(crate) mod panels;
pub(crate) mod parts;
mod reduce;
pub(crate) mod rows;
mod scatter;
pub(crate) mod simd;
pub(crate) use simd::lanes;
mod table;
#[cfg(test)]
mod tests;
mod within;

pub use buffer::TileBuffer;
pub use exp::{exp, log};
pub use forms::quadratic_forms;
pub use gamma::{digamma, exp_digamma, lgamma};
pub use moments::{DiagMoments, Moments, StateMoments, add_vector};
pub use normal::{DiagNormalDensity, NormalDensity, add_square};
pub use reduce::{add_gram, add_scaled, add_weighted_gram, dot, gather_tile, shift_tile, sum};
pub use scatter::add_scatter;
pub use table::{log_evidence, maximise, normalise};
pub use within::all_within;

/// The largest number of units in a tile. Kernels accept any number; this one keeps a tile in the first-level cache.
pub const TILE: usize = 256;

/// Number of entries of a packed lower triangle of order `d`: `d (d + 1) / 2`, rows `(0,0), (1,0), (1,1), (2,0), …`.
#[must_use]
pub const fn packed_len(d: usize) -> usize {
    d * (d + 1) / 2
}
