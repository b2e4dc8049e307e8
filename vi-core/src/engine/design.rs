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
