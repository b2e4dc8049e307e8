//! Arrays declared with `?`, whose elements may be missing.
//!
//! Each type takes what the plain view takes, and the same containers of `Option<T>`. Missing are `None`, NaN, the cells that a sparse
//! array does not list, and every element of an absent array.

use super::{Datum, Elements, Ragged1, Ragged2, View1, View2};
use crate::error::Error;
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

/// A view of either source, with the methods that read both alike.
macro_rules! partial {
    (
        $(#[$doc:meta])*
        $partial:ident of $view:ident { $($(#[$about:meta])* $method:ident($($arg:ident: $of:ty),*) -> $out:ty;)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $partial<'a, T> {
            source: Source<$view<'a, T>, $view<'a, Option<T>>>,
        }

        impl<T: Datum> $partial<'_, T> {
            $(
                $(#[$about])*
                #[inline]
                pub fn $method(&self, $($arg: $of),*) -> $out {
                    either!(self.source, view => view.$method($($arg),*))
                }
            )*

            /// The array has extents but no values: every element is missing.
            #[inline]
            pub fn is_absent(&self) -> bool {
                either!(self.source, view => view.is_absent())
            }

            /// `name` and the extents: an array of data is too long to read in a message.
            pub(super) fn shape(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                either!(self.source, view => view.shape(name, f))
            }
        }

        impl<'a, T: Datum> From<$view<'a, T>> for $partial<'a, T> {
            #[inline]
            fn from(view: $view<'a, T>) -> Self {
                $partial { source: Source::Plain(view) }
            }
        }

        impl<'a, T: Datum> From<$view<'a, Option<T>>> for $partial<'a, T> {
            #[inline]
            fn from(view: $view<'a, Option<T>>) -> Self {
                $partial { source: Source::Optional(view) }
            }
        }

        impl<T: Datum> fmt::Debug for $partial<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.shape(stringify!($partial), f)
            }
        }
    };
}

partial! {
    /// A borrowed one-index array x\[n\] whose elements may be missing.
    ///
    /// Made as [`PartialReals`](super::PartialReals) and its like from what [`View1`] is made from, and from the same containers of
    /// `Option<T>`; for `f64` a NaN is missing.
    ///
    /// ```
    /// use vi_core::data::{PartialCategories, PartialReals};
    ///
    /// let z: PartialCategories = (&[Some(2), None]).into();
    /// assert_eq!((z.get(0), z.get(1)), (Some(2), None));
    /// let x: PartialReals = (&[0.5, f64::NAN]).into();
    /// assert_eq!((x.get(0), x.get(1)), (Some(0.5), None));
    /// ```
    Partial1 of View1 {
        /// The extent N.
        len() -> usize;
        /// N = 0.
        is_empty() -> bool;
    }
}

impl<T: Datum> Partial1<'_, T> {
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

partial! {
    /// A borrowed two-index array x\[i, j\], a grid or one row per observation, whose elements may be missing.
    ///
    /// Made as [`PartialRealRows`](super::PartialRealRows) and its like from what [`View2`] is made from, and from the same
    /// containers of `Option<T>`; for `f64` a NaN is missing, and a cell that a
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
    Partial2 of View2 {
        /// The first extent I.
        nrows() -> usize;
        /// The second extent J. Of separate rows, the length of the first, or 0 if there is none.
        ncols() -> usize;
        /// I · J = 0.
        is_empty() -> bool;
        /// That separate rows have one length, as [`View2::validate`].
        ///
        /// # Errors
        ///
        /// [`Error::Shape`] naming the first row whose length is not that of row 0.
        validate(name: &str) -> Result<(), Error>;
    }
}

impl<T: Datum> Partial2<'_, T> {
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

partial! {
    /// A borrowed ragged array x\[s, t\] whose elements may be missing.
    ///
    /// Made as [`PartialRaggedReals`](super::PartialRaggedReals) and its like from what [`Ragged1`] is made from, and from the same
    /// containers of `Option<T>`; for `f64` a NaN is missing.
    PartialRagged1 of Ragged1 {
        /// The extent S of the first index.
        len() -> usize;
        /// S = 0.
        is_empty() -> bool;
        /// The extent T\[s\], for s < S.
        len_of(s: usize) -> usize;
    }
}

impl<T: Datum> PartialRagged1<'_, T> {
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

partial! {
    /// A borrowed array of matrices x\[s\]\[i, j\] whose elements may be missing: ragged rows of vectors, or one matrix per unit.
    ///
    /// Made as [`PartialRaggedRealRows`](super::PartialRaggedRealRows) and its like from what [`Ragged2`] is made from, and from the same
    /// containers of `Option<T>`; for `f64` a NaN is missing.
    PartialRagged2 of Ragged2 {
        /// The extent S of the first index.
        len() -> usize;
        /// S = 0.
        is_empty() -> bool;
        /// The number of rows at s.
        len_of(s: usize) -> usize;
        /// The number of columns at s.
        width_of(s: usize) -> usize;
        /// The columns of the first matrix, or 0 if there is none.
        ncols() -> usize;
        /// That all matrices have equally many columns, as [`Ragged2::validate_widths`].
        ///
        /// # Errors
        ///
        /// [`Error::Shape`] naming the first matrix that differs from the first of all.
        validate_widths(name: &str) -> Result<(), Error>;
        /// That all matrices have equally many rows, as [`Ragged2::validate_heights`].
        ///
        /// # Errors
        ///
        /// [`Error::Shape`] naming the first matrix that differs from the first of all.
        validate_heights(name: &str) -> Result<(), Error>;
    }
}

impl<'a, T: Datum> PartialRagged2<'a, T> {
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
            Source::Plain(view) => view.matrix(s).into(),
            Source::Optional(view) => view.matrix(s).into(),
        }
    }
}

impl PartialRagged2<'_, f64> {
    /// As [`Ragged2::copy_tile`], with NaN where an element is missing.
    pub fn copy_tile(&self, s: usize, rows: Range<usize>, out: &mut [f64]) {
        self.matrix(s).copy_tile(rows, out);
    }
}

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
