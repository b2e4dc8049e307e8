//! Two-index arrays: grids, and one row per observation.

use super::{Absent, Elements, Sparse, Value};
use crate::error::{Error, Mismatch};
use nalgebra::{DMatrix, DVector};
use std::fmt;
use std::ops::{ControlFlow, Range};

/// A borrowed two-index array x\[i, j\], i = 0..I, j = 0..J: a grid, or one row per observation.
///
/// Made by `.into()` from `&DMatrix<T>`, `&[[T; M]]`, `&[[T; M]; N]`, `&Vec<[T; M]>`, `&[DVector<T>]`, `&[DVector<T>; N]`,
/// `&Vec<DVector<T>>` (rows of one length), `&Sparse<T>`, or `Absent((n, m))`, where T is `f64` (reals), `usize` (categories), `u64`
/// (counts) or `bool`.
///
/// ```
/// use nalgebra::DMatrix;
/// use vi_core::data::RealRows;
///
/// let matrix = DMatrix::from_row_slice(3, 2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// let x: RealRows = (&matrix).into();
/// assert_eq!((x.nrows(), x.ncols(), x.get(2, 0)), (3, 2, 5.0));
///
/// let mut tile = [0.0; 4];
/// x.copy_tile(1..3, &mut tile);
/// assert_eq!(tile, [3.0, 5.0, 4.0, 6.0]);
/// ```
#[derive(Clone, Copy)]
pub struct View2<'a, T> {
    nrows: usize,
    ncols: usize,
    layout: Layout<'a, T>,
}

#[derive(Clone, Copy)]
enum Layout<'a, T> {
    /// x\[i, j\] = data\[i · row + j · column\]. One of the strides is 1.
    Strided {
        data: &'a [T],
        row: usize,
        column: usize,
    },
    Rows(&'a [DVector<T>]),
    Sparse(&'a Sparse<T>),
    Absent,
}

impl<'a, T: Value> View2<'a, T> {
    /// The first extent I.
    #[inline]
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// The second extent J. Of separate rows, the length of the first, or 0 if there is none.
    #[inline]
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// I · J = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.nrows == 0 || self.ncols == 0
    }

    /// The array has extents but no values.
    #[inline]
    pub fn is_absent(&self) -> bool {
        matches!(self.layout, Layout::Absent)
    }

    /// x\[i, j\], for i < I and j < J. Of an absent array, [`Value::ABSENT`].
    #[inline]
    pub fn get(&self, i: usize, j: usize) -> T {
        debug_assert!(i < self.nrows && j < self.ncols, "({i}, {j}) is outside of {self:?}");
        match self.layout {
            Layout::Strided { data, row, column } => data[i * row + j * column],
            Layout::Rows(rows) => rows[i].as_slice()[j],
            Layout::Sparse(sparse) => sparse.get(i, j).unwrap_or(T::UNLISTED),
            Layout::Absent => T::ABSENT,
        }
    }

    /// The sparse array behind the view, if it is one.
    #[inline]
    pub fn sparse(&self) -> Option<&'a Sparse<T>> {
        match self.layout {
            Layout::Sparse(sparse) => Some(sparse),
            Layout::Strided { .. } | Layout::Rows(_) | Layout::Absent => None,
        }
    }

    /// (data, row stride, column stride) with x\[i, j\] = data\[i · row stride + j · column stride\], if the array is held so.
    #[inline]
    pub fn strided(&self) -> Option<(&'a [T], usize, usize)> {
        match self.layout {
            Layout::Strided { data, row, column } => Some((data, row, column)),
            Layout::Rows(_) | Layout::Sparse(_) | Layout::Absent => None,
        }
    }

    /// Calls `f(j, x[i, j])` for j = 0, 1, …; of a sparse array only for the cells listed, and of an absent one not at all.
    #[inline]
    pub fn visit_row(&self, i: usize, mut f: impl FnMut(usize, T)) {
        match self.layout {
            Layout::Sparse(sparse) => {
                let (columns, values) = sparse.row(i);
                columns.iter().zip(values).for_each(|(&j, &value)| f(j, value));
            }
            Layout::Strided { .. } | Layout::Rows(_) => (0..self.ncols).for_each(|j| f(j, self.get(i, j))),
            Layout::Absent => (),
        }
    }

    /// Appends x\[i, ·\].
    #[inline]
    pub fn push_row(&self, i: usize, out: &mut Vec<T>) {
        match self.layout {
            Layout::Strided { data, row, column } => {
                out.extend((0..self.ncols).map(|j| data[i * row + j * column]));
            }
            Layout::Rows(rows) => out.extend_from_slice(rows[i].as_slice()),
            Layout::Sparse(_) | Layout::Absent => out.extend((0..self.ncols).map(|j| self.get(i, j))),
        }
    }

    /// out\[j\] = x\[i, j\], for the J entries of `out`.
    pub fn copy_row(&self, i: usize, out: &mut [T]) {
        self.copy_tile(i..i + 1, out);
    }

    /// out\[j · B + b\] = x\[rows.start + b, j\] for the B = `rows.len()` rows: a tile of rows, transposed, so that each column of it is
    /// contiguous. `out` has B · J entries.
    pub fn copy_tile(&self, rows: Range<usize>, out: &mut [T]) {
        let height = rows.len();
        debug_assert_eq!(out.len(), height * self.ncols, "a tile of {height} rows of {self:?}");
        match self.layout {
            Layout::Strided { .. } if self.is_empty() || height == 0 => (),
            Layout::Strided { data, row: 1, column } => {
                for (j, out) in out.chunks_exact_mut(height).enumerate() {
                    let start = j * column + rows.start;
                    out.copy_from_slice(&data[start..start + height]);
                }
            }
            Layout::Strided { data, row, .. } => {
                transpose(out, height, self.ncols, |b| {
                    let start = (rows.start + b) * row;
                    &data[start..start + self.ncols]
                });
            }
            Layout::Rows(vectors) => {
                transpose(out, height, self.ncols, |b| vectors[rows.start + b].as_slice())
            }
            Layout::Sparse(sparse) => {
                out.fill(T::UNLISTED);
                for b in 0..height {
                    let (columns, values) = sparse.row(rows.start + b);
                    for (&j, &value) in columns.iter().zip(values) {
                        out[j * height + b] = value;
                    }
                }
            }
            Layout::Absent => out.fill(T::ABSENT),
        }
    }

    /// That separate rows have one length. `name` is the array's.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] naming the first row whose length is not that of row 0.
    pub fn validate(&self, name: &str) -> Result<(), Error> {
        let Layout::Rows(rows) = self.layout else {
            return Ok(());
        };
        match rows.iter().position(|row| row.len() != self.ncols) {
            None => Ok(()),
            Some(at) => {
                let (name, length, first) = (name.to_string(), rows[at].len(), self.ncols);
                Err(Mismatch::Uneven { name, at, length, first, what: "entries" }.into())
            }
        }
    }
}

/// out\[j · height + b\] = row(b)\[j\].
fn transpose<'a, T: Value>(out: &mut [T], height: usize, width: usize, row: impl Fn(usize) -> &'a [T]) {
    // Eight destination columns at a time: their cache lines stay resident while the rows go by.
    const COLUMNS: usize = 8;
    for first in (0..width).step_by(COLUMNS) {
        let columns = first..(first + COLUMNS).min(width);
        for b in 0..height {
            let source = &row(b)[columns.clone()];
            for (at, &value) in source.iter().enumerate() {
                out[(first + at) * height + b] = value;
            }
        }
    }
}

impl<T: Value> Elements for View2<'_, T> {
    type Value = T;

    fn all_in_pieces(&self, mut holds: impl FnMut(&[T]) -> bool) -> bool {
        match self.layout {
            Layout::Strided { data, row: 1, column } => {
                (0..self.ncols).all(|j| holds(&data[j * column..][..self.nrows]))
            }
            Layout::Strided { data, row, .. } => {
                (0..self.nrows).all(|i| holds(&data[i * row..][..self.ncols]))
            }
            Layout::Rows(rows) => rows.iter().all(|row| holds(row.as_slice())),
            Layout::Sparse(_) | Layout::Absent => false,
        }
    }

    fn visit<B>(&self, mut f: impl FnMut(&[usize], T) -> ControlFlow<B>) -> ControlFlow<B> {
        match self.layout {
            Layout::Strided { .. } | Layout::Rows(_) => {
                (0..self.nrows).try_for_each(|i| (0..self.ncols).try_for_each(|j| f(&[i, j], self.get(i, j))))
            }
            Layout::Sparse(sparse) => {
                let mut unlisted = sparse.first_unlisted();
                for i in 0..self.nrows {
                    let (columns, values) = sparse.row(i);
                    for (&j, &value) in columns.iter().zip(values) {
                        if let Some(cell) = unlisted.take_if(|cell| *cell < [i, j]) {
                            f(&cell, T::UNLISTED)?;
                        }
                        f(&[i, j], value)?;
                    }
                }
                unlisted.map_or(ControlFlow::Continue(()), |cell| f(&cell, T::UNLISTED))
            }
            Layout::Absent => ControlFlow::Continue(()),
        }
    }
}

impl<T> View2<'_, T> {
    /// `name` and the extents: an array of data is too long to read in a message.
    pub(super) fn shape(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.layout {
            Layout::Strided { .. } | Layout::Rows(_) => "",
            Layout::Sparse(_) => "sparse ",
            Layout::Absent => "absent ",
        };
        write!(f, "{kind}{name}({} × {})", self.nrows, self.ncols)
    }
}

impl<T> fmt::Debug for View2<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape("View2", f)
    }
}

impl<'a, T: Value> From<&'a DMatrix<T>> for View2<'a, T> {
    fn from(data: &'a DMatrix<T>) -> Self {
        let (nrows, ncols) = data.shape();
        View2 { nrows, ncols, layout: Layout::Strided { data: data.as_slice(), row: 1, column: nrows } }
    }
}

impl<'a, T: Value, const M: usize> From<&'a [[T; M]]> for View2<'a, T> {
    fn from(data: &'a [[T; M]]) -> Self {
        View2 {
            nrows: data.len(),
            ncols: M,
            layout: Layout::Strided { data: data.as_flattened(), row: M, column: 1 },
        }
    }
}

impl<'a, T: Value, const M: usize, const N: usize> From<&'a [[T; M]; N]> for View2<'a, T> {
    fn from(data: &'a [[T; M]; N]) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value, const M: usize> From<&'a Vec<[T; M]>> for View2<'a, T> {
    fn from(data: &'a Vec<[T; M]>) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a [DVector<T>]> for View2<'a, T> {
    fn from(data: &'a [DVector<T>]) -> Self {
        View2 {
            nrows: data.len(),
            ncols: data.first().map_or(0, |row| row.len()),
            layout: Layout::Rows(data),
        }
    }
}

impl<'a, T: Value, const N: usize> From<&'a [DVector<T>; N]> for View2<'a, T> {
    fn from(data: &'a [DVector<T>; N]) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a Vec<DVector<T>>> for View2<'a, T> {
    fn from(data: &'a Vec<DVector<T>>) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a Sparse<T>> for View2<'a, T> {
    fn from(data: &'a Sparse<T>) -> Self {
        View2 { nrows: data.nrows(), ncols: data.ncols(), layout: Layout::Sparse(data) }
    }
}

impl<T: Value> From<Absent<(usize, usize)>> for View2<'_, T> {
    fn from(Absent((nrows, ncols)): Absent<(usize, usize)>) -> Self {
        View2 { nrows, ncols, layout: Layout::Absent }
    }
}
