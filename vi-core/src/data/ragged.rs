//! Arrays whose later extents depend on the first index.

use super::{Absent, Elements, Value, View2};
use crate::error::{Error, Mismatch};
use nalgebra::{DMatrix, DVector};
use std::fmt;
use std::ops::{ControlFlow, Range};

/// A borrowed ragged array x\[s, t\], s = 0..S, t = 0..T\[s\].
///
/// Made by `.into()` from `&[Vec<T>]`, `&[Vec<T>; N]`, `&Vec<Vec<T>>`, `&[DVector<T>]`, `&[DVector<T>; N]`, `&Vec<DVector<T>>`, where
/// all lengths are one from `&DMatrix<T>`, `&[[T; M]]`, `&[[T; M]; N]`, `&Vec<[T; M]>`, or from `Absent(&lengths)`, where T is `f64`
/// (reals), `usize` (categories), `u64` (counts) or `bool`.
///
/// ```
/// use vi_core::data::RaggedCategories;
///
/// let words = vec![vec![4, 1, 1], vec![], vec![2]];
/// let word: RaggedCategories = (&words).into();
/// assert_eq!((word.len(), word.len_of(0), word.get(0, 2)), (3, 3, 1));
/// ```
#[derive(Clone, Copy)]
pub struct Ragged1<'a, T> {
    layout: Layout<'a, T>,
}

#[derive(Clone, Copy)]
enum Layout<'a, T> {
    Vecs(&'a [Vec<T>]),
    Vectors(&'a [DVector<T>]),
    Grid(View2<'a, T>),
    Absent(&'a [usize]),
}

impl<'a, T: Value> Ragged1<'a, T> {
    /// The extent S of the first index.
    #[inline]
    pub fn len(&self) -> usize {
        match self.layout {
            Layout::Vecs(rows) => rows.len(),
            Layout::Vectors(rows) => rows.len(),
            Layout::Grid(grid) => grid.nrows(),
            Layout::Absent(lengths) => lengths.len(),
        }
    }

    /// S = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The extent T\[s\], for s < S.
    #[inline]
    pub fn len_of(&self, s: usize) -> usize {
        match self.layout {
            Layout::Vecs(rows) => rows[s].len(),
            Layout::Vectors(rows) => rows[s].len(),
            Layout::Grid(grid) => grid.ncols(),
            Layout::Absent(lengths) => lengths[s],
        }
    }

    /// The array has extents but no values.
    #[inline]
    pub fn is_absent(&self) -> bool {
        matches!(self.layout, Layout::Absent(_))
    }

    /// x\[s, t\], for s < S and t < T\[s\]. Of an absent array, [`Value::ABSENT`].
    #[inline(always)]
    pub fn get(&self, s: usize, t: usize) -> T {
        match self.layout {
            Layout::Vecs(rows) => rows[s][t],
            Layout::Vectors(rows) => rows[s].as_slice()[t],
            Layout::Grid(grid) => grid.get(s, t),
            Layout::Absent(_) => T::ABSENT,
        }
    }

    /// The values x\[s, ·\], where they lie side by side: not those of a column-major grid, nor of an absent array.
    #[inline]
    pub fn row(&self, s: usize) -> Option<&'a [T]> {
        match self.layout {
            Layout::Vecs(rows) => Some(&rows[s]),
            Layout::Vectors(rows) => Some(rows[s].as_slice()),
            Layout::Grid(grid) => match grid.strided() {
                Some((data, row, 1)) => Some(&data[s * row..s * row + grid.ncols()]),
                Some(_) | None => None,
            },
            Layout::Absent(_) => None,
        }
    }

    /// out\[i\] = x\[s, range.start + i\], for the `range.len()` entries of `out`.
    pub fn copy_range(&self, s: usize, range: Range<usize>, out: &mut [T]) {
        match self.layout {
            Layout::Vecs(rows) => out.copy_from_slice(&rows[s][range]),
            Layout::Vectors(rows) => out.copy_from_slice(&rows[s].as_slice()[range]),
            Layout::Grid(grid) => out.iter_mut().zip(range).for_each(|(out, t)| *out = grid.get(s, t)),
            Layout::Absent(_) => out.fill(T::ABSENT),
        }
    }
}

impl<T: Value> Elements for Ragged1<'_, T> {
    type Value = T;

    fn all_in_pieces(&self, mut holds: impl FnMut(&[T]) -> bool) -> bool {
        match self.layout {
            Layout::Vecs(rows) => rows.iter().all(|row| holds(row)),
            Layout::Vectors(rows) => rows.iter().all(|row| holds(row.as_slice())),
            Layout::Grid(grid) => grid.all_in_pieces(holds),
            Layout::Absent(_) => false,
        }
    }

    fn visit<B>(&self, mut f: impl FnMut(&[usize], T) -> ControlFlow<B>) -> ControlFlow<B> {
        if self.is_absent() {
            return ControlFlow::Continue(());
        }
        (0..self.len()).try_for_each(|s| (0..self.len_of(s)).try_for_each(|t| f(&[s, t], self.get(s, t))))
    }
}

impl<T: Value> Ragged1<'_, T> {
    /// `name` and the extents: an array of data is too long to read in a message.
    pub(super) fn shape(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{name}({} rows)", if self.is_absent() { "absent " } else { "" }, self.len())
    }
}

impl<T: Value> fmt::Debug for Ragged1<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape("Ragged1", f)
    }
}

impl<'a, T: Value> From<&'a [Vec<T>]> for Ragged1<'a, T> {
    fn from(data: &'a [Vec<T>]) -> Self {
        Ragged1 { layout: Layout::Vecs(data) }
    }
}

impl<'a, T: Value, const N: usize> From<&'a [Vec<T>; N]> for Ragged1<'a, T> {
    fn from(data: &'a [Vec<T>; N]) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a Vec<Vec<T>>> for Ragged1<'a, T> {
    fn from(data: &'a Vec<Vec<T>>) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a [DVector<T>]> for Ragged1<'a, T> {
    fn from(data: &'a [DVector<T>]) -> Self {
        Ragged1 { layout: Layout::Vectors(data) }
    }
}

impl<'a, T: Value, const N: usize> From<&'a [DVector<T>; N]> for Ragged1<'a, T> {
    fn from(data: &'a [DVector<T>; N]) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a Vec<DVector<T>>> for Ragged1<'a, T> {
    fn from(data: &'a Vec<DVector<T>>) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a DMatrix<T>> for Ragged1<'a, T> {
    fn from(data: &'a DMatrix<T>) -> Self {
        Ragged1 { layout: Layout::Grid(data.into()) }
    }
}

impl<'a, T: Value, const M: usize> From<&'a [[T; M]]> for Ragged1<'a, T> {
    fn from(data: &'a [[T; M]]) -> Self {
        Ragged1 { layout: Layout::Grid(data.into()) }
    }
}

impl<'a, T: Value, const M: usize, const N: usize> From<&'a [[T; M]; N]> for Ragged1<'a, T> {
    fn from(data: &'a [[T; M]; N]) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value, const M: usize> From<&'a Vec<[T; M]>> for Ragged1<'a, T> {
    fn from(data: &'a Vec<[T; M]>) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<Absent<&'a [usize]>> for Ragged1<'a, T> {
    fn from(Absent(lengths): Absent<&'a [usize]>) -> Self {
        Ragged1 { layout: Layout::Absent(lengths) }
    }
}

impl<'a, T: Value, const N: usize> From<Absent<&'a [usize; N]>> for Ragged1<'a, T> {
    fn from(Absent(lengths): Absent<&'a [usize; N]>) -> Self {
        Absent(lengths.as_slice()).into()
    }
}

impl<'a, T: Value> From<Absent<&'a Vec<usize>>> for Ragged1<'a, T> {
    fn from(Absent(lengths): Absent<&'a Vec<usize>>) -> Self {
        Absent(lengths.as_slice()).into()
    }
}

/// A borrowed array of matrices x\[s\]\[i, j\], whose extents may depend on s: ragged rows of vectors, or one matrix per unit.
///
/// Made by `.into()` from `&[DMatrix<T>]`, `&[DMatrix<T>; N]`, `&Vec<DMatrix<T>>`, or `Absent(&shapes)` with (rows, columns) for each s,
/// where T is `f64` (reals), `usize` (categories), `u64` (counts) or `bool`.
///
/// ```
/// use nalgebra::DMatrix;
/// use vi_core::data::RaggedRealRows;
///
/// let sequences = vec![DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]), DMatrix::zeros(5, 2)];
/// let x: RaggedRealRows = (&sequences).into();
/// assert_eq!((x.len(), x.len_of(1), x.get(0, 1, 0)), (2, 5, 3.0));
/// ```
#[derive(Clone, Copy)]
pub struct Ragged2<'a, T> {
    matrices: Matrices<'a, T>,
}

#[derive(Clone, Copy)]
enum Matrices<'a, T> {
    Given(&'a [DMatrix<T>]),
    Absent(&'a [(usize, usize)]),
}

impl<'a, T: Value> Ragged2<'a, T> {
    /// The extent S of the first index.
    #[inline]
    pub fn len(&self) -> usize {
        match self.matrices {
            Matrices::Given(matrices) => matrices.len(),
            Matrices::Absent(shapes) => shapes.len(),
        }
    }

    /// S = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows at s: T\[s\] where the rows are the vectors x\[s, t\].
    #[inline]
    pub fn len_of(&self, s: usize) -> usize {
        self.shape_of(s).0
    }

    /// The number of columns at s.
    #[inline]
    pub fn width_of(&self, s: usize) -> usize {
        self.shape_of(s).1
    }

    /// The columns of the first matrix, or 0 if there is none: the one width, once [`validate_widths`](Self::validate_widths) has
    /// passed.
    #[inline]
    pub fn ncols(&self) -> usize {
        if self.is_empty() { 0 } else { self.width_of(0) }
    }

    /// The array has extents but no values.
    #[inline]
    pub fn is_absent(&self) -> bool {
        matches!(self.matrices, Matrices::Absent(_))
    }

    /// x\[s\]\[i, j\]. Of an absent array, [`Value::ABSENT`].
    #[inline]
    pub fn get(&self, s: usize, i: usize, j: usize) -> T {
        match self.matrices {
            Matrices::Given(matrices) => View2::from(&matrices[s]).get(i, j),
            Matrices::Absent(_) => T::ABSENT,
        }
    }

    /// Appends x\[s\]\[i, ·\].
    #[inline]
    pub fn push_row(&self, s: usize, i: usize, out: &mut Vec<T>) {
        self.matrix(s).push_row(i, out);
    }

    /// The matrix at s.
    #[inline]
    pub fn matrix(&self, s: usize) -> View2<'a, T> {
        match self.matrices {
            Matrices::Given(matrices) => (&matrices[s]).into(),
            Matrices::Absent(shapes) => Absent(shapes[s]).into(),
        }
    }

    /// A tile of rows of the matrix at s, transposed, as [`View2::copy_tile`].
    pub fn copy_tile(&self, s: usize, rows: Range<usize>, out: &mut [T]) {
        self.matrix(s).copy_tile(rows, out);
    }

    /// That all matrices have equally many columns. `name` is the array's.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] naming the first matrix that differs from the first of all.
    pub fn validate_widths(&self, name: &str) -> Result<(), Error> {
        self.validate_extents(name, "columns", |s| self.width_of(s))
    }

    /// That all matrices have equally many rows: where the array is one matrix per unit. `name` is the array's.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] naming the first matrix that differs from the first of all.
    pub fn validate_heights(&self, name: &str) -> Result<(), Error> {
        self.validate_extents(name, "rows", |s| self.len_of(s))
    }

    fn validate_extents(
        &self,
        name: &str,
        what: &'static str,
        extent: impl Fn(usize) -> usize,
    ) -> Result<(), Error> {
        match (1..self.len()).find(|&s| extent(s) != extent(0)) {
            None => Ok(()),
            Some(at) => {
                let (name, length, first) = (name.to_string(), extent(at), extent(0));
                Err(Mismatch::Uneven { name, at, length, first, what }.into())
            }
        }
    }

    fn shape_of(&self, s: usize) -> (usize, usize) {
        match self.matrices {
            Matrices::Given(matrices) => matrices[s].shape(),
            Matrices::Absent(shapes) => shapes[s],
        }
    }
}

impl<T: Value> Elements for Ragged2<'_, T> {
    type Value = T;

    fn all_in_pieces(&self, mut holds: impl FnMut(&[T]) -> bool) -> bool {
        (0..self.len()).all(|s| self.matrix(s).all_in_pieces(&mut holds))
    }

    fn visit<B>(&self, mut f: impl FnMut(&[usize], T) -> ControlFlow<B>) -> ControlFlow<B> {
        (0..self.len()).try_for_each(|s| self.matrix(s).visit(|at, value| f(&[s, at[0], at[1]], value)))
    }
}

impl<T: Value> Ragged2<'_, T> {
    /// `name` and the extents: an array of data is too long to read in a message.
    pub(super) fn shape(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{name}({} matrices)", if self.is_absent() { "absent " } else { "" }, self.len())
    }
}

impl<T: Value> fmt::Debug for Ragged2<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape("Ragged2", f)
    }
}

impl<'a, T: Value> From<&'a [DMatrix<T>]> for Ragged2<'a, T> {
    fn from(data: &'a [DMatrix<T>]) -> Self {
        Ragged2 { matrices: Matrices::Given(data) }
    }
}

impl<'a, T: Value, const N: usize> From<&'a [DMatrix<T>; N]> for Ragged2<'a, T> {
    fn from(data: &'a [DMatrix<T>; N]) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a Vec<DMatrix<T>>> for Ragged2<'a, T> {
    fn from(data: &'a Vec<DMatrix<T>>) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<Absent<&'a [(usize, usize)]>> for Ragged2<'a, T> {
    fn from(Absent(shapes): Absent<&'a [(usize, usize)]>) -> Self {
        Ragged2 { matrices: Matrices::Absent(shapes) }
    }
}

impl<'a, T: Value, const N: usize> From<Absent<&'a [(usize, usize); N]>> for Ragged2<'a, T> {
    fn from(Absent(shapes): Absent<&'a [(usize, usize); N]>) -> Self {
        Absent(shapes.as_slice()).into()
    }
}

impl<'a, T: Value> From<Absent<&'a Vec<(usize, usize)>>> for Ragged2<'a, T> {
    fn from(Absent(shapes): Absent<&'a Vec<(usize, usize)>>) -> Self {
        Absent(shapes.as_slice()).into()
    }
}
