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
//! T is `f64` for reals, `usize` for categories, `u64` for counts and `bool` for Booleans; the aliases say it in words: [`Reals`],
//! [`CountRows`], [`PartialCategories`]. Where the array is declared with `?`, T may also be an `Option`, and NaN is missing.
//!
//! Everything counts from 0 as written in the model. Making a view checks nothing: [`check`] does, when a model receives its data. After
//! that, `get` indexes slices: an index out of range is a defect of the caller, not of the data.

pub mod check;
mod elements;
mod groups;
mod matrix;
mod partial;
mod ragged;
mod sparse;
mod value;
mod vector;

pub use elements::Elements;
pub use groups::Groups;
pub use matrix::View2;
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

macro_rules! aliases {
    ($($(#[$doc:meta])* $name:ident = $view:ident<$value:ty>;)*) => {$(
        $(#[$doc])*
        pub type $name<'a> = $view<'a, $value>;
    )*};
}

aliases! {
    /// One real for each unit.
    Reals = View1<f64>;
    /// One category for each unit.
    Categories = View1<usize>;
    /// One count for each unit.
    Counts = View1<u64>;
    /// One Boolean for each unit.
    Bools = View1<bool>;

    /// A row of reals for each unit, or a grid of them.
    RealRows = View2<f64>;
    /// A row of categories for each unit, or a grid of them.
    CategoryRows = View2<usize>;
    /// A row of counts for each unit, or a grid of them.
    CountRows = View2<u64>;
    /// A row of Booleans for each unit, or a grid of them.
    BoolRows = View2<bool>;

    /// A sequence of reals for each unit.
    RaggedReals = Ragged1<f64>;
    /// A sequence of categories for each unit.
    RaggedCategories = Ragged1<usize>;
    /// A sequence of counts for each unit.
    RaggedCounts = Ragged1<u64>;
    /// A sequence of Booleans for each unit.
    RaggedBools = Ragged1<bool>;

    /// A sequence of rows of reals, or a matrix, for each unit.
    RaggedRealRows = Ragged2<f64>;
    /// A sequence of rows of categories for each unit.
    RaggedCategoryRows = Ragged2<usize>;
    /// A sequence of rows of counts for each unit.
    RaggedCountRows = Ragged2<u64>;
    /// A sequence of rows of Booleans for each unit.
    RaggedBoolRows = Ragged2<bool>;

    /// [`Reals`] that may be missing.
    PartialReals = Partial1<f64>;
    /// [`Categories`] that may be missing.
    PartialCategories = Partial1<usize>;
    /// [`Counts`] that may be missing.
    PartialCounts = Partial1<u64>;
    /// [`Bools`] that may be missing.
    PartialBools = Partial1<bool>;

    /// [`RealRows`] of which elements may be missing.
    PartialRealRows = Partial2<f64>;
    /// [`CategoryRows`] of which elements may be missing.
    PartialCategoryRows = Partial2<usize>;
    /// [`CountRows`] of which elements may be missing.
    PartialCountRows = Partial2<u64>;
    /// [`BoolRows`] of which elements may be missing.
    PartialBoolRows = Partial2<bool>;

    /// [`RaggedReals`] of which elements may be missing.
    PartialRaggedReals = PartialRagged1<f64>;
    /// [`RaggedCategories`] of which elements may be missing.
    PartialRaggedCategories = PartialRagged1<usize>;
    /// [`RaggedCounts`] of which elements may be missing.
    PartialRaggedCounts = PartialRagged1<u64>;
    /// [`RaggedBools`] of which elements may be missing.
    PartialRaggedBools = PartialRagged1<bool>;

    /// [`RaggedRealRows`] of which elements may be missing.
    PartialRaggedRealRows = PartialRagged2<f64>;
    /// [`RaggedCategoryRows`] of which elements may be missing.
    PartialRaggedCategoryRows = PartialRagged2<usize>;
    /// [`RaggedCountRows`] of which elements may be missing.
    PartialRaggedCountRows = PartialRagged2<u64>;
    /// [`RaggedBoolRows`] of which elements may be missing.
    PartialRaggedBoolRows = PartialRagged2<bool>;
}
