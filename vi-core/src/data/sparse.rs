//! Sparse two-index arrays by rows.

use super::Value;
use crate::error::{Error, Mismatch};

/// A two-index array of which only some cells are listed, in compressed rows.
///
/// A cell that is not listed is 0, or missing where the model declares the array with `?`. A listed zero is a zero.
///
/// ```
/// use vi_core::data::Sparse;
///
/// let y = Sparse::from_triplets(2, 3, [(1, 2, 5u64), (0, 1, 4)])?;
/// assert_eq!((y.get(1, 2), y.get(0, 0), y.listed()), (Some(5), None, 2));
/// assert!(Sparse::from_triplets(2, 3, [(0, 0, 1u64), (0, 0, 1)]).is_err());
/// # Ok::<(), vi_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sparse<T> {
    ncols: usize,
    /// Row i holds entries offsets\[i\]..offsets\[i + 1\]: one more than there are rows.
    offsets: Vec<usize>,
    /// Increasing within a row.
    columns: Vec<usize>,
    values: Vec<T>,
}

impl<T: Value> Sparse<T> {
    /// An array of `nrows` × `ncols` with the cells (row, column, value), in any order.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] with [`Mismatch::Outside`] for a cell outside of the array, the first one in the order given, or else
    /// [`Mismatch::Duplicate`] for a cell listed twice, the first one by row and column.
    pub fn from_triplets(
        nrows: usize,
        ncols: usize,
        triplets: impl IntoIterator<Item = (usize, usize, T)>,
    ) -> Result<Sparse<T>, Error> {
        let mut cells: Vec<(usize, usize, T)> = triplets.into_iter().collect();
        if let Some(&(row, column, _)) =
            cells.iter().find(|&&(row, column, _)| row >= nrows || column >= ncols)
        {
            return Err(Mismatch::Outside { row, column, nrows, ncols }.into());
        }
        cells.sort_unstable_by_key(|&(row, column, _)| (row, column));
        if let Some(twice) = cells.windows(2).find(|two| (two[0].0, two[0].1) == (two[1].0, two[1].1)) {
            return Err(Mismatch::Duplicate { row: twice[0].0, column: twice[0].1 }.into());
        }
        let mut offsets = vec![0; nrows + 1];
        for &(row, _, _) in &cells {
            offsets[row + 1] += 1;
        }
        for row in 0..nrows {
            offsets[row + 1] += offsets[row];
        }
        let columns = cells.iter().map(|&(_, column, _)| column).collect();
        let values = cells.iter().map(|&(_, _, value)| value).collect();
        Ok(Sparse { ncols, offsets, columns, values })
    }

    /// The number of rows.
    #[inline]
    pub fn nrows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The number of columns.
    #[inline]
    pub fn ncols(&self) -> usize {
        self.ncols
    }

    /// The number of cells that are listed.
    #[inline]
    pub fn listed(&self) -> usize {
        self.values.len()
    }

    /// The columns listed in row `i`, increasing, and their values.
    #[inline]
    pub fn row(&self, i: usize) -> (&[usize], &[T]) {
        let range = self.offsets[i]..self.offsets[i + 1];
        (&self.columns[range.clone()], &self.values[range])
    }

    /// The value of a cell if it is listed, in time logarithmic in its row.
    #[inline]
    pub fn get(&self, i: usize, j: usize) -> Option<T> {
        let (columns, values) = self.row(i);
        columns.binary_search(&j).ok().map(|at| values[at])
    }

    /// The first cell by row and column that is not listed.
    pub(super) fn first_unlisted(&self) -> Option<[usize; 2]> {
        (0..self.nrows()).find_map(|i| {
            let columns = self.row(i).0;
            // Columns increase from 0 on without a gap for as long as they equal their position.
            let j =
                columns.iter().enumerate().position(|(at, &column)| column != at).unwrap_or(columns.len());
            (j < self.ncols).then_some([i, j])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_whatever_order_they_came_in() {
        let cells = [(2, 0, 1.0), (0, 3, 2.0), (2, 2, 3.0), (0, 1, 0.0)];
        let sparse = Sparse::from_triplets(4, 4, cells).unwrap();
        assert_eq!((sparse.nrows(), sparse.ncols(), sparse.listed()), (4, 4, 4));
        assert_eq!(sparse.row(0), (&[1, 3][..], &[0.0, 2.0][..]));
        assert_eq!(sparse.row(1), (&[][..], &[][..]));
        for i in 0..4 {
            for j in 0..4 {
                let expected = cells.iter().find(|&&(r, c, _)| (r, c) == (i, j)).map(|&(_, _, v)| v);
                assert_eq!(sparse.get(i, j), expected, "{i} {j}");
            }
        }
        let mut reversed = cells;
        reversed.reverse();
        assert_eq!(Sparse::from_triplets(4, 4, reversed).unwrap(), sparse);
    }

    #[test]
    fn a_cell_outside_or_listed_twice_is_an_error() {
        let outside = |row, column| Err(Error::from(Mismatch::Outside { row, column, nrows: 2, ncols: 3 }));
        assert_eq!(Sparse::from_triplets(2, 3, [(2, 0, true)]), outside(2, 0));
        assert_eq!(Sparse::from_triplets(2, 3, [(1, 3, true)]), outside(1, 3));
        assert_eq!(
            Sparse::from_triplets(2, 3, [(1, 1, 1.0), (0, 0, 2.0), (1, 1, 1.0)]),
            Err(Mismatch::Duplicate { row: 1, column: 1 }.into())
        );
    }

    #[test]
    fn empty_arrays_are_arrays() {
        let none: [(usize, usize, u64); 0] = [];
        let sparse = Sparse::from_triplets(0, 0, none).unwrap();
        assert_eq!((sparse.nrows(), sparse.ncols(), sparse.first_unlisted()), (0, 0, None));
        assert_eq!(Sparse::from_triplets(2, 0, none).unwrap().first_unlisted(), None);
    }

    #[test]
    fn the_first_unlisted_cell_is_in_reading_order() {
        let first = |cells: &[(usize, usize)]| {
            Sparse::from_triplets(2, 2, cells.iter().map(|&(i, j)| (i, j, 1u64))).unwrap().first_unlisted()
        };
        assert_eq!(first(&[]), Some([0, 0]));
        assert_eq!(first(&[(0, 0), (1, 0)]), Some([0, 1]));
        assert_eq!(first(&[(0, 0), (0, 1), (1, 1)]), Some([1, 0]));
        assert_eq!(first(&[(0, 0), (0, 1), (1, 0), (1, 1)]), None);
    }
}
