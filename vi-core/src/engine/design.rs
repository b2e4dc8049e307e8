//! Design vectors of a tile of units, component by component, for moments that take a tile as a whole.
//!
//! ```text
//! for units in design::tiles(0..N) {
//!     design.begin(units, 1 + D);
//!     design.column(|n| y[n]);
//!     design.rows(x);                    u[n] = (y[n], x[n, 0], …, x[n, D−1])
//!     moments.add_design(cell, design);
//! }
//! ```

use crate::data::View2;
use crate::tile::TileBuffer;
use std::ops::Range;

/// Units of a tile. As a number of cache lines it is odd, so that the components of one unit do not all fall on the same few sets of a cache.
const UNITS: usize = 248;

/// A range of units, cut into tiles.
pub fn tiles(units: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = units.end;
    units.step_by(UNITS).map(move |start| start..end.min(start + UNITS))
}

/// The design vectors of some units, and their weights where these are not 1.
#[derive(Debug, Default)]
pub struct Design {
    units: Range<usize>,
    /// Those of the units that count, where not all do.
    chosen: Option<Vec<usize>>,
    dim: usize,
    /// Component-major, without a gap between components.
    values: TileBuffer,
    filled: usize,
    weights: Vec<f64>,
    weighted: bool,
}

impl Design {
    /// Vectors of length `dim` of these units, without components yet; each counts once.
    pub fn begin(&mut self, units: Range<usize>, dim: usize) {
        if self.values.len() < dim * units.len() {
            self.values = TileBuffer::new(dim * units.len().max(UNITS));
        }
        (self.units, self.chosen, self.dim) = (units, None, dim);
        (self.filled, self.weighted) = (0, false);
    }

    /// The same of those units that a condition holds for.
    pub fn begin_where(&mut self, units: Range<usize>, dim: usize, counts: impl Fn(usize) -> bool) {
        let mut chosen = self.chosen.take().unwrap_or_default();
        self.begin(units.clone(), dim);
        chosen.clear();
        chosen.extend(units.filter(|unit| counts(*unit)));
        self.chosen = Some(chosen);
    }

    /// Sets the next component of every vector.
    pub fn column(&mut self, value: impl Fn(usize) -> f64) {
        let n = self.len();
        let out = &mut self.values[self.filled * n..][..n];
        match &self.chosen {
            None => out.iter_mut().zip(self.units.clone()).for_each(|(out, unit)| *out = value(unit)),
            Some(chosen) => out.iter_mut().zip(chosen).for_each(|(out, unit)| *out = value(*unit)),
        }
        self.filled += 1;
    }

    /// Sets as many components as the array has columns, to the units' rows of it.
    pub fn rows(&mut self, data: &View2<'_, f64>) {
        if self.chosen.is_some() {
            return (0..data.ncols()).for_each(|j| self.column(|unit| data.get(unit, j)));
        }
        let n = self.len();
        data.copy_tile(self.units.clone(), &mut self.values[self.filled * n..][..data.ncols() * n]);
        self.filled += data.ncols();
    }

    /// Counts every vector as often as this says.
    pub fn weigh(&mut self, weight: impl Fn(usize) -> f64) {
        self.weights.clear();
        match &self.chosen {
            None => self.weights.extend(self.units.clone().map(weight)),
            Some(chosen) => self.weights.extend(chosen.iter().map(|unit| weight(*unit))),
        }
        self.weighted = true;
    }

    /// Length of the vectors.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of the vectors.
    fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.units.len(), Vec::len)
    }

    /// Measures the vectors from a gauge. Returns how many there are, their components, and their weights where these are not 1.
    pub(crate) fn measured(&mut self, gauge: &[f64]) -> (usize, &[f64], Option<&[f64]>) {
        let n = self.len();
        let values = &mut self.values[..self.dim * n];
        crate::tile::shift_tile(values, n, &gauge[..self.dim]);
        (n, values, self.weighted.then_some(self.weights.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Sparse;
    use crate::stats::Moments;
    use nalgebra::DMatrix;

    #[test]
    fn tiles_of_design_vectors_are_their_rows() {
        let (units, width) = (2 * UNITS + 7, 3);
        let x = DMatrix::from_fn(units, width, |n, j| ((n * 7 + j * 5 + n * j) % 23) as f64 - 3.0);
        let y = |n: usize| (n % 5) as f64;
        let weight = |n: usize| (n % 4) as f64 * 0.5;
        let gauge = [1.0, 7.0, 8.0, 9.0];
        let sparse = Sparse::from_triplets(
            units,
            width,
            (0..units).flat_map(|n| (0..width).map(move |j| (n, j))).map(|(n, j)| (n, j, x[(n, j)])),
        )
        .expect("cells in their places");
        for (counts, weighted) in [(false, false), (true, false), (false, true), (true, true)] {
            let counted = |n: usize| !counts || n % 3 != 1;
            let mut by_row = Moments::new(1, 1 + width, 1);
            by_row.set_gauge(&gauge);
            let empty = by_row.clone();
            for n in (5..units).filter(|n| counted(*n)) {
                let row: Vec<f64> = std::iter::once(y(n)).chain(x.row(n).iter().copied()).collect();
                by_row.add_row(0, if weighted { weight(n) } else { 1.0 }, &row);
            }
            for view in [View2::from(&x), View2::from(&sparse)] {
                let (mut by_tile, mut design) = (empty.clone(), Design::default());
                for units in tiles(5..units) {
                    if counts {
                        design.begin_where(units, 1 + width, counted);
                    } else {
                        design.begin(units, 1 + width);
                    }
                    design.column(y);
                    design.rows(&view);
                    if weighted {
                        design.weigh(weight);
                    }
                    by_tile.add_design(0, &mut design);
                }
                let (a, b) = (by_row.cell(0), by_tile.cell(0));
                assert!((a.count - b.count).abs() < 1e-12 * a.count);
                for i in 0..=width {
                    assert!((a.sum[i] - b.sum[i]).abs() < 1e-12 * (1.0 + a.sum[i].abs()));
                    for j in 0..=i {
                        assert!(
                            (a.square(i, j) - b.square(i, j)).abs() < 1e-12 * (1.0 + a.square(i, j).abs())
                        );
                    }
                }
            }
        }
    }
}
