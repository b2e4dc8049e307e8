//! Second moments of design vectors about a gauge, one set for each cell.
//!
//! ```text
//! count = Σ w        sum = Σ w (u − c)        square = Σ w (u − c)(u − c)ᵀ
//! ```
//!
//! They are additive, so they stream, add up over threads and merge over machines. The gauge c keeps them accurate when the data lie far
//! from the origin: about the origin, an offset of 10⁸ would cost all sixteen digits.

use crate::engine::design::Design;
use crate::tile::{StateMoments, add_scatter, add_vector, packed_len};

/// The longest design vector that is added without calling a kernel.
const SHORT: usize = 4;

/// Totals of a cell of numbers: count, sum, square.
const CELL: usize = 3;

/// Moments of `dim`-vectors in `cells` cells.
#[derive(Clone, Debug)]
pub struct Moments {
    /// `gauges × dim`; cell c is measured from gauge c mod gauges.
    gauge: Vec<f64>,
    gauges: usize,
    inner: StateMoments,
    /// Workspace of [`add_components`](Self::add_components).
    by_state: Option<StateMoments>,
}

/// The moments of one cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// Σ w
    pub count: f64,
    /// Σ w (u − c)
    pub sum: &'a [f64],
    /// Σ w (u − c)(u − c)ᵀ, the lower triangle row by row
    pub square: &'a [f64],
    /// c
    pub gauge: &'a [f64],
}

impl Cell<'_> {
    /// Σ w (uᵢ − cᵢ)(uⱼ − cⱼ)
    #[inline]
    #[must_use]
    pub fn square(&self, i: usize, j: usize) -> f64 {
        let (row, column) = if i < j { (j, i) } else { (i, j) };
        self.square[row * (row + 1) / 2 + column]
    }
}

impl Moments {
    /// No data yet; the gauge is the origin. `gauges` is how many gauges the cells take turns with: 1, or the extent of the last cell axis.
    #[must_use]
    pub fn new(cells: usize, dim: usize, gauges: usize) -> Self {
        let gauges = gauges.max(1);
        Moments {
            gauge: vec![0.0; gauges * dim],
            gauges,
            inner: StateMoments::full(cells, dim),
            by_state: None,
        }
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.inner.states()
    }

    /// Length of the design vectors.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.inner.dimension()
    }

    /// Whether the other moments have the same cells, gauges and length of design vectors.
    #[must_use]
    pub fn fits(&self, other: &Moments) -> bool {
        self.cells() == other.cells() && self.dim() == other.dim() && self.gauges == other.gauges
    }

    /// The gauge of a cell.
    #[must_use]
    pub fn gauge(&self, cell: usize) -> &[f64] {
        let dim = self.dim();
        &self.gauge[(cell % self.gauges) * dim..][..dim]
    }

    /// Sets the gauges of empty moments. A component that is not finite becomes 0.
    pub fn set_gauge(&mut self, gauge: &[f64]) {
        for (to, from) in self.gauge.iter_mut().zip(gauge) {
            *to = if from.is_finite() { *from } else { 0.0 };
        }
    }

    /// The weighted mean over the cells that share a gauge, one for each gauge: where a gauge belongs.
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        let dim = self.dim();
        let mut out = self.gauge.clone();
        for g in 0..self.gauges {
            let cells = || (g..self.cells()).step_by(self.gauges);
            let count: f64 = cells().map(|c| self.count(c)).sum();
            for i in 0..dim {
                let sum: f64 = cells().map(|c| self.inner.sum(c)[i]).sum();
                if count > 0.0 {
                    out[g * dim + i] += sum / count;
                }
            }
        }
        out
    }

    /// Adds one design vector with weight `w`.
    #[inline]
    pub fn add_row(&mut self, cell: usize, w: f64, u: &[f64]) {
        let dim = u.len();
        let at = if self.gauges == 1 { 0 } else { (cell % self.gauges) * dim };
        let gauge = &self.gauge[at..at + dim];
        let features = 1 + dim + packed_len(dim);
        let totals = &mut self.inner.totals_mut()[cell * features..][..features];
        if dim > SHORT {
            add_vector(totals, w, u, gauge);
            return;
        }
        totals[0] += w;
        let (sum, square) = totals[1..].split_at_mut(dim);
        let mut k = 0;
        for i in 0..dim {
            let wi = w * (u[i] - gauge[i]);
            sum[i] += wi;
            for j in 0..=i {
                square[k] += wi * (u[j] - gauge[j]);
                k += 1;
            }
        }
    }

    /// Adds the design vectors of a tile of units to a cell. They are measured from its gauge afterwards.
    pub fn add_design(&mut self, cell: usize, design: &mut Design) {
        let dim = self.dim();
        let at = (cell % self.gauges) * dim;
        let (n, u, weights) = design.measured(&self.gauge[at..at + dim]);
        let features = 1 + dim + packed_len(dim);
        add_scatter(&mut self.inner.totals_mut()[cell * features..][..features], u, dim, n, weights);
    }

    /// Adds w · Cov(u) for a row u that is linear in uncertain latents: `spread` says (position in u, latent, coefficient), and `cov` is the
    /// covariance of `width` latents.
    pub fn add_spread(
        &mut self,
        cell: usize,
        w: f64,
        spread: &[(usize, usize, f64)],
        cov: &[f64],
        width: usize,
    ) {
        let dim = self.dim();
        let features = 1 + dim + packed_len(dim);
        let square = &mut self.inner.totals_mut()[cell * features + 1 + dim..][..packed_len(dim)];
        for &(p, a, x) in spread {
            let row = &mut square[p * (p + 1) / 2..];
            for &(q, b, y) in spread {
                if q <= p {
                    row[q] += w * x * y * cov[a * width + b];
                }
            }
        }
    }

    /// Adds a count, and the sums and products about the gauge that these functions give.
    pub(crate) fn add_sums(
        &mut self,
        cell: usize,
        count: f64,
        sum: impl Fn(usize) -> f64,
        square: impl Fn(usize, usize) -> f64,
    ) {
        let dim = self.dim();
        let features = 1 + dim + packed_len(dim);
        let totals = &mut self.inner.totals_mut()[cell * features..][..features];
        totals[0] += count;
        for p in 0..dim {
            totals[1 + p] += sum(p);
            for q in 0..=p {
                totals[1 + dim + p * (p + 1) / 2 + q] += square(p, q);
            }
        }
    }

    /// Adds `n` units of as many components as there are gauges, measured from them and component-major, where every component of every
    /// state has a cell of its own, the component last; `weights` is `states × n`.
    pub fn add_components(&mut self, x: &[f64], n: usize, weights: &[f64]) {
        let components = self.gauges;
        let states = self.cells() / components.max(1);
        let sums = self.by_state.get_or_insert_with(|| StateMoments::diagonal(states, components));
        sums.clear();
        sums.add_weighted(x, n, weights);
        let cells = self.inner.totals_mut().chunks_exact_mut(CELL);
        for (cell, totals) in cells.enumerate() {
            let (state, component) = (cell / components, cell % components);
            totals[0] += sums.count(state);
            totals[1] += sums.sum(state)[component];
            totals[2] += sums.square(state)[component];
        }
    }

    /// Adds `n` design vectors, measured from the gauge and component-major, to every cell with its own weights (`cells × n`).
    pub fn add_tile(&mut self, u: &[f64], n: usize, weights: &[f64]) {
        self.inner.add_weighted(u, n, weights);
    }

    /// Adds to the totals of a cell what was summed about its gauge elsewhere: Σ w, then Σ w (u − c), then the lower triangle of
    /// Σ w (u − c)(u − c)ᵀ row by row.
    pub(crate) fn add_totals(&mut self, cell: usize, totals: &[f64]) {
        let features = 1 + self.dim() + packed_len(self.dim());
        let to = &mut self.inner.totals_mut()[cell * features..][..features];
        to.iter_mut().zip(totals).for_each(|(to, x)| *to += x);
    }

    /// The moments of a cell.
    #[must_use]
    pub fn cell(&self, cell: usize) -> Cell<'_> {
        let square = self.inner.square(cell);
        Cell { count: self.inner.count(cell), sum: self.inner.sum(cell), square, gauge: self.gauge(cell) }
    }

    /// Σ w of a cell.
    #[must_use]
    pub fn count(&self, cell: usize) -> f64 {
        self.inner.count(cell)
    }

    /// Back to no data; the gauge stays.
    pub fn clear(&mut self) {
        self.inner.clear();
    }

    /// Multiplies all weights.
    pub fn scale(&mut self, by: f64) {
        self.inner.totals_mut().iter_mut().for_each(|x| *x *= by);
    }

    /// Moves the moments to another gauge.
    fn recentre(&mut self, gauge: &[f64]) {
        let dim = self.dim();
        let features = 1 + dim + packed_len(dim);
        let (gauges, old) = (self.gauges, self.gauge.clone());
        for (cell, totals) in self.inner.totals_mut().chunks_mut(features).enumerate() {
            let at = (cell % gauges) * dim;
            let shift: Vec<f64> = (0..dim).map(|i| old[at + i] - gauge[at + i]).collect();
            let count = totals[0];
            let (sum, square) = totals[1..].split_at_mut(dim);
            let mut k = 0;
            for i in 0..dim {
                for j in 0..=i {
                    square[k] += shift[i] * sum[j] + sum[i] * shift[j] + count * shift[i] * shift[j];
                    k += 1;
                }
            }
            for i in 0..dim {
                sum[i] += count * shift[i];
            }
        }
        self.gauge.copy_from_slice(gauge);
    }
}

/// Adds moments of the same shape; where the gauges differ, the right side is moved to the left one's.
impl std::ops::AddAssign<&Moments> for Moments {
    fn add_assign(&mut self, other: &Moments) {
        if self.gauge == other.gauge {
            self.inner.merge(&other.inner);
        } else {
            let mut moved = other.clone();
            moved.recentre(&self.gauge);
            self.inner.merge(&moved.inner);
        }
    }
}

#[cfg(feature = "serde")]
mod serial {
    use super::{Moments, StateMoments};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Repr {
        cells: usize,
        dim: usize,
        gauge: Vec<f64>,
        totals: Vec<f64>,
    }

    impl Serialize for Moments {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            Repr {
                cells: self.cells(),
                dim: self.dim(),
                gauge: self.gauge.clone(),
                totals: self.inner.totals().to_vec(),
            }
            .serialize(s)
        }
    }

    impl<'de> Deserialize<'de> for Moments {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            let repr = Repr::deserialize(d)?;
            let mut inner = StateMoments::full(repr.cells, repr.dim);
            if inner.totals().len() != repr.totals.len() {
                return Err(serde::de::Error::custom("moments: the totals do not fit the shape"));
            }
            inner.totals_mut().copy_from_slice(&repr.totals);
            let gauges = repr.gauge.len().checked_div(repr.dim).unwrap_or(1).max(1);
            Ok(Moments { gauge: repr.gauge, gauges, inner, by_state: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_move_between_gauges() {
        let rows = [[1e8 + 1.0, 2.0], [1e8 + 3.0, -1.0], [1e8 - 2.0, 0.5]];
        let mut a = Moments::new(1, 2, 1);
        a.set_gauge(&[1e8, 0.0]);
        let mut b = Moments::new(1, 2, 1);
        b.set_gauge(&[1e8 + 2.0, 1.0]);
        for (n, r) in rows.iter().enumerate() {
            (if n < 2 { &mut a } else { &mut b }).add_row(0, 1.0 + n as f64, r);
        }
        a += &b;
        let cell = a.cell(0);
        let by_hand = |f: &dyn Fn(&[f64; 2]) -> f64| -> f64 {
            rows.iter().enumerate().map(|(n, r)| (1.0 + n as f64) * f(&[r[0] - 1e8, r[1]])).sum()
        };
        assert!((cell.count - 6.0).abs() < 1e-15);
        assert!((cell.sum[0] - by_hand(&|r| r[0])).abs() < 1e-12);
        assert!((cell.square(0, 1) - by_hand(&|r| r[0] * r[1])).abs() < 1e-12);
        assert!((cell.square(0, 0) - by_hand(&|r| r[0] * r[0])).abs() < 1e-12);
    }

    #[test]
    fn components_of_a_tile_are_rows_of_their_cells() {
        let (states, dim, n) = (3, 2, 70);
        let gauge = [0.5, -1.0];
        let x = |i: usize, d: usize| ((i * 7 + d * 3) % 11) as f64 * 0.25 - 1.0;
        let w: Vec<f64> = (0..states * n).map(|i| ((i * 5) % 9) as f64 / 9.0).collect();
        let mut by_row = Moments::new(states * dim, 1, dim);
        by_row.set_gauge(&gauge);
        let mut by_tile = by_row.clone();
        for i in 0..n {
            for k in 0..states {
                for d in 0..dim {
                    by_row.add_row(k * dim + d, w[k * n + i], &[x(i, d)]);
                }
            }
        }
        let tile: Vec<f64> = (0..dim).flat_map(|d| (0..n).map(move |i| x(i, d) - gauge[d])).collect();
        by_tile.add_components(&tile, n, &w);
        for cell in 0..states * dim {
            let (a, b) = (by_row.cell(cell), by_tile.cell(cell));
            assert!((a.count - b.count).abs() < 1e-12, "{cell}");
            assert!((a.sum[0] - b.sum[0]).abs() < 1e-12, "{cell}");
            assert!((a.square[0] - b.square[0]).abs() < 1e-12, "{cell}");
        }
    }

    #[test]
    fn long_rows_add_up_to_their_tile() {
        let (dim, n) = (SHORT + 5, 40);
        let gauge: Vec<f64> = (0..dim).map(|d| d as f64 * 0.1).collect();
        let x = |i: usize, d: usize| ((i * 13 + d * 5) % 17) as f64 * 0.25;
        let w: Vec<f64> = (0..n).map(|i| 0.1 + (i % 3) as f64).collect();
        let mut by_row = Moments::new(1, dim, 1);
        by_row.set_gauge(&gauge);
        let mut by_tile = by_row.clone();
        for i in 0..n {
            let row: Vec<f64> = (0..dim).map(|d| x(i, d)).collect();
            by_row.add_row(0, w[i], &row);
        }
        let tile: Vec<f64> =
            (0..dim).flat_map(|d| (0..n).map(move |i| (i, d))).map(|(i, d)| x(i, d) - gauge[d]).collect();
        by_tile.add_tile(&tile, n, &w);
        let (a, b) = (by_row.cell(0), by_tile.cell(0));
        for i in 0..dim {
            assert!((a.sum[i] - b.sum[i]).abs() < 1e-11 * (1.0 + a.sum[i].abs()));
            for j in 0..=i {
                assert!((a.square(i, j) - b.square(i, j)).abs() < 1e-11 * (1.0 + a.square(i, j).abs()));
            }
        }
    }
}
