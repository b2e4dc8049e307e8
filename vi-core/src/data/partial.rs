//! Arrays declared with `?`, whose elements may be missing.
//!
//! Each type takes what the plain view takes, and the same containers of `Option<T>`. Missing are `None`, NaN, the cells that a sparse
//! array does not list, and every element of an absent array.

use super::{Absent, Datum, Elements, Ragged1, Ragged2, Sparse, View1, View2};
use crate::error::Error;
use nalgebra::{DMatrix, DVector};
use std::fmt;
use std::ops::{ControlFlow, Range};

/// A view of plain values, or of `Option`s. An absent array is the latter.
#[derive(Clone, Copy)]
enum Source<P, O> {
    Plain(P),
    Optional(O),
}

/// Evaluates an expression that is written alike for both sources.
macro_rules! either {
    ($source:expr, $view:ident => $value:expr) => {
        match $source {
            Source::Plain($view) => $value,
            Source::Optional($view) => $value,
        }
    };
}

/// `From` for a container of T and for the same container of `Option<T>`.
macro_rules! borrowed {
    ($partial:ident: $([$($length:ident)*] $plain:ty | $optional:ty;)*) => {$(
        impl<'a, T: Datum $(, const $length: usize)*> From<$plain> for $partial<'a, T> {
            fn from(data: $plain) -> Self {
                $partial { source: Source::Plain(data.into()) }
            }
        }

        impl<'a, T: Datum $(, const $length: usize)*> From<$optional> for $partial<'a, T> {
            fn from(data: $optional) -> Self {
                $partial { source: Source::Optional(data.into()) }
            }
        }
    )*};
}

macro_rules! absent {
    ($partial:ident: $([$($length:ident)*] $extents:ty;)*) => {$(
        impl<'a, T: Datum $(, const $length: usize)*> From<Absent<$extents>> for $partial<'a, T> {
            fn from(absent: Absent<$extents>) -> Self {
                $partial { source: Source::Optional(absent.into()) }
            }
        }
    )*};
}

macro_rules! debug {
    ($($partial:ident),*) => {$(
        impl<T: Datum> fmt::Debug for $partial<'_, T> {
            /// The shape: an array of data is too long to read in a message.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("partial ")?;
                either!(self.source, view => fmt::Debug::fmt(&view, f))
            }
        }
    )*};
}

debug!(Partial1, Partial2, PartialRagged1, PartialRagged2);

/// A borrowed one-index array x\[n\] whose elements may be missing.
///
/// Made from what [`View1`] is made from, and from the same containers of `Option<T>`; for `f64` a NaN is missing.
///
/// ```
/// use vi_core::data::{PartialCategories, PartialReals};
///
/// let z: PartialCategories = (&[Some(2), None]).into();
/// assert_eq!((z.get(0), z.get(1)), (Some(2), None));
/// let x: PartialReals = (&[0.5, f64::NAN]).into();
/// assert_eq!((x.get(0), x.get(1)), (Some(0.5), None));
/// ```
#[derive(Clone, Copy)]
pub struct Partial1<'a, T> {
    source: Source<View1<'a, T>, View1<'a, Option<T>>>,
}

impl<T: Datum> Partial1<'_, T> {
    /// The extent N.
    #[inline]
    pub fn len(&self) -> usize {
        either!(self.source, view => view.len())
    }

    /// N = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The array has an extent but no values: every element is missing.
    #[inline]
    pub fn is_absent(&self) -> bool {
        either!(self.source, view => view.is_absent())
    }

    /// x\[i\] unless it is missing, for i < N.
    #[inline]
    pub fn get(&self, i: usize) -> Option<T> {
        match self.source {
            Source::Plain(view) => view.get(i).present(),
            Source::Optional(view) => view.get(i).and_then(T::present),
        }
    }
}

impl Partial1<'_, f64> {
    /// As [`View1::copy_range`], with NaN where an element is missing.
    pub fn copy_range(&self, range: Range<usize>, out: &mut [f64]) {
        match self.source {
            Source::Plain(view) => view.copy_range(range, out),
            Source::Optional(_) => out.iter_mut().zip(range).for_each(|(out, i)| *out = or_nan(self.get(i))),
        }
    }
}

borrowed!(Partial1:
    [] &'a [T] | &'a [Option<T>];
    [N] &'a [T; N] | &'a [Option<T>; N];
    [] &'a Vec<T> | &'a Vec<Option<T>>;
    [] &'a DVector<T> | &'a DVector<Option<T>>;
);
absent!(Partial1: [] usize;);

/// A borrowed two-index array x\[i, j\], a grid or one row per observation, whose elements may be missing.
///
/// Made from what [`View2`] is made from, and from the same containers of `Option<T>`; for `f64` a NaN is missing, and a cell that a
/// `&Sparse<T>` does not list is missing for every T.
///
/// ```
/// use vi_core::data::{PartialCountRows, Sparse};
///
/// let sparse = Sparse::from_triplets(2, 2, [(0, 1, 3)])?;
/// let y: PartialCountRows = (&sparse).into();
/// assert_eq!((y.get(0, 1), y.get(1, 1)), (Some(3), None));
/// # Ok::<(), vi_core::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Partial2<'a, T> {
    source: Source<View2<'a, T>, View2<'a, Option<T>>>,
}

impl<'a, T: Datum> Partial2<'a, T> {
    /// The first extent I.
    #[inline]
    pub fn nrows(&self) -> usize {
        either!(self.source, view => view.nrows())
    }

    /// The second extent J. Of separate rows, the length of the first, or 0 if there is none.
    #[inline]
    pub fn ncols(&self) -> usize {
        either!(self.source, view => view.ncols())
    }

    /// I · J = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        either!(self.source, view => view.is_empty())
    }

    /// The array has extents but no values: every element is missing.
    #[inline]
    pub fn is_absent(&self) -> bool {
        either!(self.source, view => view.is_absent())
    }

    /// Whether the cells are listed: those that are not are missing.
    pub fn is_sparse(&self) -> bool {
        match self.source {
            Source::Plain(view) => view.sparse().is_some(),
            Source::Optional(view) => view.sparse().is_some(),
        }
    }

    /// x\[i, j\] unless it is missing, for i < I and j < J.
    #[inline]
    pub fn get(&self, i: usize, j: usize) -> Option<T> {
        match self.source {
            Source::Plain(view) => match view.sparse() {
                None => view.get(i, j).present(),
                Some(sparse) => sparse.get(i, j).and_then(T::present),
            },
            Source::Optional(view) => view.get(i, j).and_then(T::present),
        }
    }

    /// Calls `f(j, x[i, j])` for each element of row i that is present, by increasing j; of a sparse array at the cost of what the row
    /// lists.
    #[inline]
    pub fn visit_row(&self, i: usize, mut f: impl FnMut(usize, T)) {
        match self.source {
            Source::Plain(view) => view.visit_row(i, |j, value| {
                if let Some(value) = value.present() {
                    f(j, value);
                }
            }),
            Source::Optional(view) => view.visit_row(i, |j, value| {
                if let Some(value) = value.and_then(T::present) {
                    f(j, value);
                }
            }),
        }
    }

    /// That separate rows have one length, as [`View2::validate`].
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] naming the first row whose length is not that of row 0.
    pub fn validate(&self, name: &str) -> Result<(), Error> {
        either!(self.source, view => view.validate(name))
    }
}

impl Partial2<'_, f64> {
    /// As [`View2::copy_tile`], with NaN where an element is missing.
    pub fn copy_tile(&self, rows: Range<usize>, out: &mut [f64]) {
        match self.source {
            Source::Plain(view) if view.sparse().is_none() => view.copy_tile(rows, out),
            Source::Plain(_) | Source::Optional(_) => {
                let height = rows.len();
                out.fill(f64::NAN);
                for (b, i) in rows.enumerate() {
                    self.visit_row(i, |j, value| out[j * height + b] = value);
                }
            }
        }
    }
}

borrowed!(Partial2:
    [] &'a DMatrix<T> | &'a DMatrix<Option<T>>;
    [M] &'a [[T; M]] | &'a [[Option<T>; M]];
    [M N] &'a [[T; M]; N] | &'a [[Option<T>; M]; N];
    [M] &'a Vec<[T; M]> | &'a Vec<[Option<T>; M]>;
    [] &'a [DVector<T>] | &'a [DVector<Option<T>>];
    [N] &'a [DVector<T>; N] | &'a [DVector<Option<T>>; N];
    [] &'a Vec<DVector<T>> | &'a Vec<DVector<Option<T>>>;
    [] &'a Sparse<T> | &'a Sparse<Option<T>>;
);
absent!(Partial2: [] (usize, usize););

/// A borrowed ragged array x\[s, t\] whose elements may be missing.
///
/// Made from what [`Ragged1`] is made from, and from the same containers of `Option<T>`; for `f64` a NaN is missing.
#[derive(Clone, Copy)]
pub struct PartialRagged1<'a, T> {
    source: Source<Ragged1<'a, T>, Ragged1<'a, Option<T>>>,
}

impl<T: Datum> PartialRagged1<'_, T> {
    /// The extent S of the first index.
    #[inline]
    pub fn len(&self) -> usize {
        either!(self.source, view => view.len())
    }

    /// S = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The extent T\[s\], for s < S.
    #[inline]
    pub fn len_of(&self, s: usize) -> usize {
        either!(self.source, view => view.len_of(s))
    }

    /// The array has extents but no values: every element is missing.
    #[inline]
    pub fn is_absent(&self) -> bool {
        either!(self.source, view => view.is_absent())
    }

    /// x\[s, t\] unless it is missing, for s < S and t < T\[s\].
    #[inline]
    pub fn get(&self, s: usize, t: usize) -> Option<T> {
        match self.source {
            Source::Plain(view) => view.get(s, t).present(),
            Source::Optional(view) => view.get(s, t).and_then(T::present),
        }
    }
}

impl PartialRagged1<'_, f64> {
    /// As [`Ragged1::copy_range`], with NaN where an element is missing.
    pub fn copy_range(&self, s: usize, range: Range<usize>, out: &mut [f64]) {
        match self.source {
            Source::Plain(view) => view.copy_range(s, range, out),
            Source::Optional(_) => {
                out.iter_mut().zip(range).for_each(|(out, t)| *out = or_nan(self.get(s, t)))
            }
        }
    }
}

borrowed!(PartialRagged1:
    [] &'a [Vec<T>] | &'a [Vec<Option<T>>];
    [N] &'a [Vec<T>; N] | &'a [Vec<Option<T>>; N];
    [] &'a Vec<Vec<T>> | &'a Vec<Vec<Option<T>>>;
    [] &'a [DVector<T>] | &'a [DVector<Option<T>>];
    [N] &'a [DVector<T>; N] | &'a [DVector<Option<T>>; N];
    [] &'a Vec<DVector<T>> | &'a Vec<DVector<Option<T>>>;
    [] &'a DMatrix<T> | &'a DMatrix<Option<T>>;
    [M] &'a [[T; M]] | &'a [[Option<T>; M]];
    [M N] &'a [[T; M]; N] | &'a [[Option<T>; M]; N];
    [M] &'a Vec<[T; M]> | &'a Vec<[Option<T>; M]>;
);
absent!(PartialRagged1: [] &'a [usize]; [N] &'a [usize; N]; [] &'a Vec<usize>;);

/// A borrowed array of matrices x\[s\]\[i, j\] whose elements may be missing: ragged rows of vectors, or one matrix per unit.
///
/// Made from what [`Ragged2`] is made from, and from the same containers of `Option<T>`; for `f64` a NaN is missing.
#[derive(Clone, Copy)]
pub struct PartialRagged2<'a, T> {
    source: Source<Ragged2<'a, T>, Ragged2<'a, Option<T>>>,
}

impl<'a, T: Datum> PartialRagged2<'a, T> {
    /// The extent S of the first index.
    #[inline]
    pub fn len(&self) -> usize {
        either!(self.source, view => view.len())
    }

    /// S = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows at s.
    #[inline]
    pub fn len_of(&self, s: usize) -> usize {
        either!(self.source, view => view.len_of(s))
    }

    /// The number of columns at s.
    #[inline]
    pub fn width_of(&self, s: usize) -> usize {
        either!(self.source, view => view.width_of(s))
    }

    /// The columns of the first matrix, or 0 if there is none.
    #[inline]
    pub fn ncols(&self) -> usize {
        either!(self.source, view => view.ncols())
    }

    /// The array has extents but no values: every element is missing.
    #[inline]
    pub fn is_absent(&self) -> bool {
        either!(self.source, view => view.is_absent())
    }

    /// x\[s\]\[i, j\] unless it is missing.
    #[inline]
    pub fn get(&self, s: usize, i: usize, j: usize) -> Option<T> {
        match self.source {
            Source::Plain(view) => view.get(s, i, j).present(),
            Source::Optional(view) => view.get(s, i, j).and_then(T::present),
        }
    }

    /// The matrix at s.
    #[inline]
    pub fn matrix(&self, s: usize) -> Partial2<'a, T> {
        match self.source {
            Source::Plain(view) => Partial2 { source: Source::Plain(view.matrix(s)) },
            Source::Optional(view) => Partial2 { source: Source::Optional(view.matrix(s)) },
        }
    }

    /// That all matrices have equally many columns, as [`Ragged2::validate_widths`].
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] naming the first matrix that differs from the first of all.
    pub fn validate_widths(&self, name: &str) -> Result<(), Error> {
        either!(self.source, view => view.validate_widths(name))
    }

    /// That all matrices have equally many rows, as [`Ragged2::validate_heights`].
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] naming the first matrix that differs from the first of all.
    pub fn validate_heights(&self, name: &str) -> Result<(), Error> {
        either!(self.source, view => view.validate_heights(name))
    }
}

impl PartialRagged2<'_, f64> {
    /// As [`Ragged2::copy_tile`], with NaN where an element is missing.
    pub fn copy_tile(&self, s: usize, rows: Range<usize>, out: &mut [f64]) {
        self.matrix(s).copy_tile(rows, out);
    }
}

borrowed!(PartialRagged2:
    [] &'a [DMatrix<T>] | &'a [DMatrix<Option<T>>];
    [N] &'a [DMatrix<T>; N] | &'a [DMatrix<Option<T>>; N];
    [] &'a Vec<DMatrix<T>> | &'a Vec<DMatrix<Option<T>>>;
);
absent!(PartialRagged2: [] &'a [(usize, usize)]; [N] &'a [(usize, usize); N]; [] &'a Vec<(usize, usize)>;);

/// Only what is present is an element.
macro_rules! elements {
    ($($partial:ident),*) => {$(
        impl<T: Datum> Elements for $partial<'_, T> {
            type Value = T;

            fn visit<B>(&self, mut f: impl FnMut(&[usize], T) -> ControlFlow<B>) -> ControlFlow<B> {
                match self.source {
                    Source::Plain(view) => view.visit(|at, value| match value.present() {
                        Some(value) => f(at, value),
                        None => ControlFlow::Continue(()),
                    }),
                    Source::Optional(view) => view.visit(|at, value| match value.and_then(T::present) {
                        Some(value) => f(at, value),
                        None => ControlFlow::Continue(()),
                    }),
                }
            }
        }
    )*};
}

elements!(Partial1, PartialRagged1, PartialRagged2);

impl<T: Datum> Elements for Partial2<'_, T> {
    type Value = T;

    fn visit<B>(&self, mut f: impl FnMut(&[usize], T) -> ControlFlow<B>) -> ControlFlow<B> {
        (0..self.nrows()).try_for_each(|i| {
            let mut flow = ControlFlow::Continue(());
            self.visit_row(i, |j, value| {
                if flow.is_continue() {
                    flow = f(&[i, j], value);
                }
            });
            flow
        })
    }
}

fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}
