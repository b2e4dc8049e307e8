//! Borrowed views of the containers in which users hold their data.
//!
//! The fields of a model's `Data` are views. They are `Copy`, hold no data of their own, and are made by `.into()`:
//!
//! | the array | plain | declared with `?` | made from |
//! |---|---|---|---|
//! | one index: `y[n]` | [`View1`] | [`Partial1`] | `&[T]`, `&[T; N]`, `&Vec<T>`, `&DVector<T>`, `Absent(n)` |
//! | two indices: `y[i, j]`; rows: `x[n]: Vector[D]` | [`View2`] | [`Partial2`] | `&DMatrix<T>`, slices, arrays and `Vec`s of `[T; M]` or `DVector<T>`, `&Sparse<T>`, `Absent((n, m))` |
//! | ragged: `y[s, t in T[s]]` | [`Ragged1`] | [`PartialRagged1`] | slices, arrays and `Vec`s of `Vec<T>` or `DVector<T>`, `&DMatrix<T>`, `Absent(&lengths)` |
//! | ragged rows; matrices: `x[s]: Matrix[D, H]` | [`Ragged2`] | [`PartialRagged2`] | slices, arrays and `Vec`s of `DMatrix<T>`, `Absent(&shapes)` |
//!
//! T is `f64` for reals, `usize` for categories, `u64` for counts and `bool` for Booleans. The fields are of the types that say it in
//! words: [`Reals`], [`CountRows`], [`PartialCategories`]. Where the array is declared with `?`, T may also be an `Option`, and NaN is
//! missing.
//!
//! Everything counts from 0 as written in the model. Making a view checks nothing: [`check`] does, when a model receives its data. After
//! that, `get` indexes slices: an index out of range is a defect of the caller, not of the data.

pub mod check;
mod elements;
mod groups;
mod lengths;
mod matrix;
mod named;
mod partial;
mod ragged;
mod sparse;
mod value;
mod vector;

pub use elements::Elements;
pub use groups::Groups;
pub use lengths::Lengths;
pub use matrix::View2;
pub use named::*;
pub use partial::{Partial1, Partial2, PartialRagged1, PartialRagged2};
pub use ragged::{Ragged1, Ragged2};
pub use sparse::Sparse;
pub use value::{Datum, Value};
pub use vector::View1;

/// An array that has extents but no values, for prediction and simulation: `Absent(n)`, `Absent((n, m))`, or `Absent(&lengths)`.
///
/// ```
/// use vi_core::data::{Absent, RaggedReals, Reals};
///
/// let y: Reals = Absent(100).into();
/// assert_eq!((y.len(), y.is_absent()), (100, true));
/// let x: RaggedReals = Absent(&[3, 0, 5]).into();
/// assert_eq!(x.len_of(2), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absent<E>(pub E);
