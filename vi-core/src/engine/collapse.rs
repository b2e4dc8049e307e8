//! Gaussian latents of all units at once, where their posterior precision is the same in every unit and their means are affine in the data.
//!
//! ```text
//! √λ [C | T u] with u = (v − c, 1)  →  Q [R | S u; 0 | E u]
//! E f = R⁻¹ S u = B u     Cov f = (RᵀR)⁻¹     Σₙ log p(dataₙ) = N constant − ½ Σ_e eᵀ M e over the rows e of E
//! ```
//!
//! M = Σₙ u uᵀ is all that is read of the data, once: every statistic that is a second moment of data and latents follows from M, B and
//! Cov f, so a sweep costs the same whatever the number of units is.

use super::coefficients::Coefficients;
use super::gauss::compensated::Compensated;
use super::unit::{back_substitute, covariance, log_det, triangulate};
use crate::stats::{Cell, Moments};
use crate::tile::{self, packed_len};
use nalgebra::DMatrix;

/// Residual rows of a unit whose data are unknown, and what they make of the moments of the data.
#[derive(Clone, Debug, Default)]
pub struct Collapse {
    width: usize,
    /// What the data are measured from.
    gauge: Vec<f64>,
    /// Coefficients of the latents, coefficients of the data, the rest of the target about the gauge.
    rows: Vec<f64>,
    half_logs: f64,
    uncertain: Coefficients,
}

/// Moments of data and latents together, over all units.
#[derive(Debug)]
pub struct Joint {
    count: f64,
    /// What the data, then the latents are measured from; where nothing is said of latents, they are from 0.
    gauge: Vec<f64>,
    sum: Vec<f64>,
    square: Products,
    /// Σ log evidence of the units, without −½ log 2π of each row.
    pub log_evidence: f64,
    /// What its rounding is measured by.
    pub magnitude: f64,
}

/// Sums of products of two numbers, of units side by side.
#[derive(Debug)]
enum Products {
    /// `len × len`, by rows.
    Known(Vec<f64>),
    /// Each number of all units, one after another, to be multiplied as they are asked for; and the sum of the latents' covariances.
    Columns { columns: Vec<f64>, units: usize, cov: Vec<f64> },
}

impl Collapse {
    /// No rows yet, of `width` latents over data that are measured from a gauge.
    #[must_use]
    pub fn new(width: usize, gauge: &[f64]) -> Self {
        let mut rows = Collapse::default();
        rows.begin(width, gauge);
        rows
    }

    /// The same in place.
    pub(crate) fn begin(&mut self, width: usize, gauge: &[f64]) {
        self.width = width;
        self.gauge.clear();
        self.gauge.extend_from_slice(gauge);
        self.rows.clear();
        self.half_logs = 0.0;
        self.uncertain.begin(self.stride());
    }

    /// The rows that were written, each the coefficients of the latents, those of the data and the rest of the target, and how much log
    /// density they have besides their squares.
    pub(crate) fn written(&mut self) -> (&[f64], f64) {
        let (h, rows, gauge) = (self.width, &mut self.rows, &self.gauge);
        self.uncertain.rows(|row| {
            let start = rows.len();
            rows.extend_from_slice(row);
            rows[start + h..].iter_mut().for_each(|x| *x = -*x);
            about(&mut rows[start..], h, gauge);
        });
        (&self.rows, self.half_logs)
    }

    /// Numbers of a row.
    pub(crate) fn numbers(&self) -> usize {
        self.stride()
    }

    /// Where the coefficients of a row are uncertain: places of latents come first, then those of the data, then that of what is known.
    pub fn uncertain(&mut self) -> &mut Coefficients {
        self.uncertain.clear();
        &mut self.uncertain
    }

    fn stride(&self) -> usize {
        self.width + self.gauge.len() + 1
    }

    /// A new row of zeros: the latents' coefficients, the data's coefficients in the target, the rest of the target.
    pub fn row(&mut self) -> &mut [f64] {
        let (start, stride) = (self.rows.len(), self.stride());
        self.rows.resize(start + stride, 0.0);
        &mut self.rows[start..]
    }

    /// Ends the last row.
    pub fn weigh(&mut self, precision: f64, half_log: f64) {
        let start = self.rows.len() - self.stride();
        let root = precision.sqrt();
        let row = &mut self.rows[start..];
        // Before it is weighted: what balances its gauge does so to the last bit.
        about(row, self.width, &self.gauge);
        row.iter_mut().for_each(|x| *x *= root);
        self.half_logs += half_log;
    }

    /// The last `count` rows are the components of a vector with precision WᵀW, W lower triangular.
    pub(crate) fn whiten(&mut self, count: usize, whitener: &DMatrix<f64>, half_log: f64) {
        let stride = self.stride();
        let start = self.rows.len() - count * stride;
        let rows = &mut self.rows[start..];
        rows.chunks_exact_mut(stride).for_each(|row| about(row, self.width, &self.gauge));
        for i in (0..count).rev() {
            for column in 0..stride {
                let x: f64 = (0..=i).map(|j| whitener[(i, j)] * rows[j * stride + column]).sum();
                rows[i * stride + column] = x;
            }
        }
        self.half_logs += half_log;
    }

    /// Eliminates the latents from the rows of units whose data have these moments about the gauge. The log evidence is NaN if some direction is determined by nothing.
    #[must_use]
    pub fn solve(mut self, data: Cell<'_>) -> Joint {
        let (h, v, stride) = (self.width, data.gauge.len(), self.stride());
        self.written();
        while self.rows.len() < h * stride {
            self.row();
        }
        triangulate(&mut self.rows, h, stride, &mut vec![]);
        let mut factor = vec![0.0; h * h];
        for i in 0..h {
            factor[i * h + i..][..h - i].copy_from_slice(&self.rows[i * stride + i..][..h - i]);
        }
        let log_det = log_det(&factor, h);
        // B = R⁻¹ S, column by column of u.
        let mut map = vec![0.0; h * (v + 1)];
        let mut x = vec![0.0; h];
        for j in 0..=v {
            for (i, x) in x.iter_mut().enumerate() {
                *x = self.rows[i * stride + h + j];
            }
            back_substitute(&factor, &mut x);
            for (i, x) in x.iter().enumerate() {
                map[i * (v + 1) + j] = *x;
            }
        }
        let mut cov = vec![0.0; h * h];
        covariance(&factor, h, &mut cov);
        // M over u = (v − c, 1).
        let count = data.count;
        let side = v + 1;
        let mut moments = vec![0.0; side * side];
        for (i, row) in (0..v).map(|i| (i, &data.square[packed_len(i)..][..=i])) {
            moments[i * side..][..=i].copy_from_slice(row);
        }
        moments[v * side..][..v].copy_from_slice(data.sum);
        moments[v * side + v] = count;
        for i in 0..side {
            for j in 0..i {
                moments[j * side + i] = moments[i * side + j];
            }
        }
        let mut squares = vec![0.0; self.rows.len() / stride - h];
        tile::quadratic_forms(
            &moments,
            side,
            self.rows.get(h * stride + h..).unwrap_or_default(),
            stride,
            &mut squares,
        );
        let rest = squares.iter().map(|x| x.max(0.0)).sum::<f64>();
        let constant = self.half_logs - log_det + 0.5 * h as f64 * (2.0 * std::f64::consts::PI).ln();
        let log_evidence = count * constant - 0.5 * rest;
        let magnitude = count * (self.half_logs.abs() + log_det.abs()) + 0.5 * rest;
        let len = v + h;
        let (mut sum, mut square) = (vec![0.0; len], vec![0.0; len * len]);
        // Σ u f̄ᵀ, latent by latent.
        let cross: Vec<Vec<f64>> =
            map.chunks_exact(side).map(|b| moments.chunks_exact(side).map(|m| dot(m, b)).collect()).collect();
        sum[..v].copy_from_slice(data.sum);
        for i in 0..v {
            square[i * len..][..v].copy_from_slice(&moments[i * side..][..v]);
        }
        for (a, cross) in cross.iter().enumerate() {
            sum[v + a] = cross[v];
            for i in 0..v {
                square[i * len + v + a] = cross[i];
                square[(v + a) * len + i] = cross[i];
            }
            for b in 0..=a {
                let x = dot(cross, &map[b * side..][..side]) + count * cov[a * h + b];
                square[(v + a) * len + v + b] = x;
                square[(v + b) * len + v + a] = x;
            }
        }
        Joint {
            count,
            gauge: data.gauge.to_vec(),
            sum,
            square: Products::Known(square),
            log_evidence: if log_evidence.is_finite() { log_evidence } else { f64::NAN },
            magnitude,
        }
    }
}

/// Measures the data of a row's target from their gauge.
fn about(row: &mut [f64], width: usize, gauge: &[f64]) {
    let (row, rest) = row.split_at_mut(width + gauge.len());
    let mut sum = Compensated::new(rest[0]);
    row[width..].iter().zip(gauge).for_each(|(a, c)| sum.add_product(*a, *c));
    rest[0] = sum.value();
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for k in 0..4 {
            lanes[k] += x[k] * y[k];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + tail
}

/// Design vectors as affine functions of data and latents.
#[derive(Debug, Default)]
pub struct Forms {
    /// Where each component's terms end.
    ends: Vec<usize>,
    terms: Vec<(usize, f64)>,
    constants: Vec<f64>,
    /// Workspace: the sum of each component without its constant.
    sums: Vec<f64>,
}

impl Forms {
    /// No components.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.terms.clear();
        self.constants.clear();
    }

    /// A term of the next component: a datum, or a latent behind all data.
    pub fn term(&mut self, position: usize, coefficient: f64) {
        self.terms.push((position, coefficient));
    }

    /// Ends a component.
    pub fn end(&mut self, constant: f64) {
        self.ends.push(self.terms.len());
        self.constants.push(constant);
    }
}

impl Joint {
    /// Moments about a gauge, the data before the latents.
    pub(crate) fn new(
        count: f64,
        gauge: Vec<f64>,
        sum: impl Fn(usize) -> f64,
        square: impl Fn(usize, usize) -> f64,
    ) -> Joint {
        let len = gauge.len();
        let sum = (0..len).map(sum).collect();
        let square = Products::Known((0..len * len).map(|k| square(k / len, k % len)).collect());
        Joint { count, gauge, sum, square, log_evidence: 0.0, magnitude: 0.0 }
    }

    /// The same where few of many products will be asked for: from each number of all units, one after another, about the gauge, and the sum of
    /// the covariances of the latents, which come last.
    pub(crate) fn of_columns(units: usize, gauge: Vec<f64>, columns: Vec<f64>, cov: Vec<f64>) -> Joint {
        let sum = columns.chunks_exact(units.max(1)).map(|x| x.iter().sum()).collect();
        let square = Products::Columns { columns, units, cov };
        Joint { count: units as f64, gauge, sum, square, log_evidence: 0.0, magnitude: 0.0 }
    }

    /// Sums of products with number `i`: Σ over these (j, y) of y Σ over units of i times j.
    fn against(&self, i: usize, terms: &[(usize, f64)]) -> f64 {
        let len = self.sum.len();
        match &self.square {
            Products::Known(square) => {
                let square = &square[i * len..][..len];
                terms.iter().map(|(j, y)| y * square[*j]).sum()
            }
            Products::Columns { columns, units, cov } => {
                let side = cov.len().isqrt();
                let data = len - side;
                let column = |i: usize| &columns[i * units..][..*units];
                let own =
                    |j: usize| if i < data || j < data { 0.0 } else { cov[(i - data) * side + j - data] };
                terms.iter().map(|(j, y)| y * (dot(column(i), column(*j)) + own(*j))).sum()
            }
        }
    }

    /// Number of units.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Adds all units to a cell, their design vectors being these functions of data and latents.
    pub fn add(&self, forms: &mut Forms, moments: &mut Moments, cell: usize) {
        self.add_weighted(forms, moments, cell, 1.0);
    }

    /// The same, each unit with weight `w`.
    pub fn add_weighted(&self, forms: &mut Forms, moments: &mut Moments, cell: usize, w: f64) {
        // About the gauge of the moments.
        for (p, constant) in forms.constants.iter_mut().enumerate() {
            let start = if p == 0 { 0 } else { forms.ends[p - 1] };
            *constant -= moments.gauge(cell)[p];
            for (i, x) in &forms.terms[start..forms.ends[p]] {
                *constant += x * self.gauge.get(*i).copied().unwrap_or(0.0);
            }
        }
        let terms =
            |p: usize| &forms.terms[if p == 0 { 0..forms.ends[0] } else { forms.ends[p - 1]..forms.ends[p] }];
        forms.sums.clear();
        for p in 0..forms.ends.len() {
            let sum = terms(p).iter().map(|(i, x)| x * self.sum[*i]).sum();
            forms.sums.push(sum);
        }
        let (constants, sums) = (&forms.constants, &forms.sums);
        moments.add_sums(
            cell,
            w * self.count,
            |p| w * (sums[p] + self.count * constants[p]),
            |p, q| {
                let mut total = 0.0;
                for (i, x) in terms(p) {
                    total += x * self.against(*i, terms(q));
                }
                let (a, b) = (constants[p], constants[q]);
                w * (total + a * sums[q] + b * sums[p] + self.count * a * b)
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::unit::UnitNormals;
    use super::*;

    #[test]
    fn moments_of_the_data_say_what_the_units_say_one_by_one() {
        let (units, h, v) = (9, 2, 3);
        let x = |n: usize, d: usize| 100.0 + ((n * 7 + d * 5 + n * d) % 11) as f64 * 0.3;
        let w = |d: usize, k: usize| [0.7, -0.4, 1.1, 0.2, 0.9, -1.3][d * h + k];
        let (mu, precision) = ([99.0, 101.0, 100.5], [0.5, 2.0, 1.3]);
        let mut data = Moments::new(1, v, 1);
        data.set_gauge(&[100.0, 101.0, 99.5]);
        // u = (x₁, f₀, f₁, x₀ − 2 f₁ + 3)
        let mut by_unit = Moments::new(1, 4, 1);
        by_unit.set_gauge(&[98.0, 0.1, 0.0, 1.0]);
        let mut by_joint = by_unit.clone();
        let (mut normals, mut evidence) = (UnitNormals::default(), 0.0);
        for n in 0..units {
            let row: Vec<f64> = (0..v).map(|d| x(n, d)).collect();
            data.add_row(0, 1.0, &row);
            normals.begin(h, 1, 1);
            for k in 0..h {
                normals.row()[k] = 1.0;
                normals.weigh(1.0, 0.0);
            }
            for d in 0..v {
                normals.row().copy_from_slice(&[w(d, 0), w(d, 1), x(n, d) - mu[d]]);
                normals.weigh(precision[d], 0.5 * f64::ln(precision[d]));
            }
            evidence += normals.solve(0);
            let f = normals.mean(0);
            by_unit.add_row(0, 1.0, &[x(n, 1), f[0], f[1], x(n, 0) - 2.0 * f[1] + 3.0]);
            let spread = [(1, 0, 1.0), (2, 1, 1.0), (3, 1, -2.0)];
            by_unit.add_spread(0, 1.0, &spread, normals.cov(0), h);
        }
        let mut collapse = Collapse::new(h, data.cell(0).gauge);
        for k in 0..h {
            collapse.row()[k] = 1.0;
            collapse.weigh(1.0, 0.0);
        }
        for d in 0..v {
            let row = collapse.row();
            row[..h].copy_from_slice(&[w(d, 0), w(d, 1)]);
            row[h + d] = 1.0;
            row[h + v] = -mu[d];
            collapse.weigh(precision[d], 0.5 * f64::ln(precision[d]));
        }
        let joint = collapse.solve(data.cell(0));
        assert!((joint.log_evidence - evidence).abs() < 1e-11 * evidence.abs());
        let mut forms = Forms::default();
        forms.term(1, 1.0);
        forms.end(0.0);
        forms.term(v, 1.0);
        forms.end(0.0);
        forms.term(v + 1, 1.0);
        forms.end(0.0);
        forms.term(0, 1.0);
        forms.term(v + 1, -2.0);
        forms.end(3.0);
        joint.add(&mut forms, &mut by_joint, 0);
        let (a, b) = (by_unit.cell(0), by_joint.cell(0));
        assert_eq!(a.count, b.count);
        for i in 0..4 {
            assert!((a.sum[i] - b.sum[i]).abs() < 1e-11 * (1.0 + a.sum[i].abs()), "sum {i}");
            for j in 0..=i {
                let (x, y) = (a.square(i, j), b.square(i, j));
                assert!((x - y).abs() < 1e-11 * (1.0 + x.abs()), "({i}, {j}): {x} and {y}");
            }
        }
    }
}
