//! Gaussian latents of a unit, given the unit's residuals: eliminated by orthogonal transformations of weighted residual rows.
//!
//! ```text
//! log p(f, data) = Σᵣ ½ log λᵣ − ½ λᵣ (tᵣ − cᵣᵀ f)² + constant        √λ [C | t] = Q [R | s; 0 | e]
//! q(f) = Normal(R⁻¹ s, (RᵀR)⁻¹)        log p(data) = Σᵣ ½ log λᵣ − ½ |e|² − log |det R| + ½ H log 2π + constant
//! ```
//!
//! A row that is not there, because its datum is missing, is left out; nothing is subtracted, and no precision matrix is formed.

use super::coefficients::Coefficients;
use super::dense::Density;
use super::gaps::Gaps;
use super::pattern::Factor;
use crate::rng::Rng;
use crate::tile::simd::{Isa, vectorised};
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

/// Residual rows of one unit, and the posteriors of the units of a tile.
///
/// A *slot* is a unit in a state. All storage is kept from tile to tile.
#[derive(Clone, Debug, Default)]
pub struct UnitNormals {
    width: usize,
    /// `width + 1` numbers for each row: the coefficients and the target, times √λ.
    rows: Vec<f64>,
    /// Σ ½ log λ
    half_logs: f64,
    /// What the uncertainty of the rows' coefficients adds to their squares.
    uncertain: Coefficients,
    dots: Vec<f64>,
    mean: Vec<f64>,
    /// R, row by row.
    factor: Vec<f64>,
    cov: Vec<f64>,
    /// Slots that share a factor, one after another: 1 where each has its own.
    shared: usize,
    /// Targets of a unit whose factor is known.
    targets: Vec<f64>,
    /// √λ of the rows of a factor that is being made.
    roots: Vec<f64>,
    /// Factors of patterns and states at the current params.
    factors: Vec<Option<Factor>>,
    /// Whether nothing determines some latent of the tile at hand.
    pub(crate) undetermined: bool,
    /// Whether the posteriors are those of the tile at hand.
    pub(crate) fresh: bool,
    /// Missing coordinates of vectors with a dense scale.
    pub(crate) gaps: Gaps,
}

/// Roots of precisions from here on are of numbers that are known: `model!` gives these the precision 2³³². Nothing of them is drawn.
pub(crate) const KNOWN: f64 = 1e49;

impl UnitNormals {
    /// Makes room for the posteriors of `slots`, of which `shared` in sequence have one covariance.
    pub fn begin(&mut self, width: usize, slots: usize, shared: usize) {
        self.width = width;
        self.shared = shared.max(1);
        let factors = slots.div_ceil(self.shared);
        self.mean.resize(slots * width, 0.0);
        self.factor.resize(factors * width * width, 0.0);
        self.cov.resize(factors * width * width, 0.0);
        self.undetermined = false;
        self.clear();
    }

    /// The same, with every mean and covariance 0.
    pub fn begin_at_zero(&mut self, width: usize, slots: usize) {
        self.begin(width, slots, 1);
        self.mean.fill(0.0);
        self.cov.fill(0.0);
    }

    /// The rows that were written, each the coefficients and the target, and how much log density they have besides their squares.
    pub(crate) fn written(&mut self) -> (&[f64], f64) {
        self.settle();
        (&self.rows, self.half_logs)
    }

    /// Where the coefficients of a row are uncertain: the place of each latent is its own, and that of what is known is behind them.
    pub fn uncertain(&mut self) -> &mut Coefficients {
        self.uncertain.clear();
        &mut self.uncertain
    }

    /// Ends the rows of a unit with those of uncertain coefficients. Returns how many these are.
    fn settle(&mut self) -> usize {
        let (h, start) = (self.width, self.rows.len());
        let rows = &mut self.rows;
        self.uncertain.rows(|row| {
            rows.extend_from_slice(row);
            // (rᵀf + r₁)²: the target is what is known, on the other side.
            let last = rows.len() - 1;
            rows[last] = -row[h];
        });
        (self.rows.len() - start) / (h + 1)
    }

    /// The mean and the covariance, row by row, of a slot: to be written.
    pub(crate) fn moments_mut(&mut self, slot: usize) -> (&mut [f64], &mut [f64]) {
        let h = self.width;
        (&mut self.mean[slot * h..][..h], &mut self.cov[slot * h * h..][..h * h])
    }

    /// Whether the posteriors of the tile at hand are here already.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// No rows: those of the next unit follow.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.half_logs = 0.0;
        self.uncertain.begin(self.width + 1);
    }

    /// A new row of zeros: the coefficient of each latent, then the target.
    pub fn row(&mut self) -> &mut [f64] {
        let start = self.rows.len();
        self.rows.resize(start + self.width + 1, 0.0);
        &mut self.rows[start..]
    }

    /// Ends the last row: its precision, and how often it counts with what half log density.
    pub fn weigh(&mut self, precision: f64, half_log: f64) {
        let start = self.rows.len() - self.width - 1;
        let root = precision.sqrt();
        self.rows[start..].iter_mut().for_each(|x| *x *= root);
        self.half_logs += half_log;
    }

    /// Ends the last row: it says what is known of a latent.
    pub fn known(&mut self) {
        let precision = f64::powi(2.0, 332);
        self.weigh(precision, 0.5 * (precision / std::f64::consts::TAU).ln());
    }

    /// How much log density rows have besides their squares that are weighted already.
    pub(crate) fn add_half_log(&mut self, half_log: f64) {
        self.half_logs += half_log;
    }

    /// All rows, and what they have besides their squares, count so often.
    pub(crate) fn count(&mut self, copies: f64) {
        let root = copies.sqrt();
        self.rows.iter_mut().for_each(|x| *x *= root);
        self.half_logs *= copies;
    }

    /// The last `count` rows are the components of a vector with precision WᵀW, W lower triangular: W times each of their columns takes
    /// their place. They count `copies` times.
    pub(crate) fn whiten(&mut self, count: usize, whitener: &DMatrix<f64>, copies: f64, half_log: f64) {
        let stride = self.width + 1;
        let start = self.rows.len() - count * stride;
        let rows = &mut self.rows[start..];
        let scale = copies.sqrt();
        for column in 0..stride {
            // Row i of the product reads rows up to i, which are still as they were.
            for i in (0..count).rev() {
                let x: f64 = (0..=i).map(|j| whitener[(i, j)] * rows[j * stride + column]).sum();
                rows[i * stride + column] = scale * x;
            }
        }
        self.half_logs += copies * half_log;
    }

    /// The last `count` rows are the components of a vector, some of which may be missing: these become what they are expected to be given
    /// the others. Returns what is to be added to the log density.
    pub(crate) fn project(&mut self, density: &Density, count: usize) -> f64 {
        let stride = self.width + 1;
        let start = self.rows.len() - count * stride;
        self.gaps.project(density, &mut self.rows[start..], stride)
    }

    /// Whether the rows of a pattern in a state have been factorised at the current params.
    #[must_use]
    pub fn knows(&self, key: usize) -> bool {
        self.factors.get(key).is_some_and(Option::is_some)
    }

    /// Ends a row of coefficients of a pattern.
    pub fn weigh_pattern(&mut self, precision: f64, half_log: f64) {
        self.roots.push(precision.sqrt());
        self.weigh(precision, half_log);
    }

    /// Factorises the rows that were taken in for a pattern in a state.
    pub fn factorise(&mut self, key: usize) {
        if self.factors.len() <= key {
            self.factors.resize_with(key + 1, || None);
        }
        let more = self.settle();
        let (h, stride) = (self.width, self.width + 1);
        let rows = self.rows.chunks_exact(stride).flat_map(|row| row[..h].to_vec()).collect();
        let mut roots = std::mem::take(&mut self.roots);
        let fixed = self.rows.chunks_exact(stride).skip(roots.len()).map(|row| row[h]).collect();
        roots.resize(roots.len() + more, 1.0);
        self.factors[key] = Some(Factor::new(rows, (roots, fixed), h, self.half_logs));
        self.clear();
    }

    /// The target of the next row of a unit whose pattern is known.
    pub fn target(&mut self, x: f64) {
        self.targets.push(x);
    }

    /// q of the latents of a slot from the targets of its rows. Returns the log evidence, as [`solve`](Self::solve) does.
    pub fn solve_pattern(&mut self, slot: usize, key: usize) -> f64 {
        let h = self.width;
        let Some(factor) = self.factors.get(key).and_then(Option::as_ref) else { return f64::NAN };
        let own = slot / self.shared * h * h..(slot / self.shared + 1) * h * h;
        self.factor[own.clone()].copy_from_slice(&factor.root);
        self.cov[own].copy_from_slice(&factor.cov);
        self.undetermined |= factor.is_undetermined();
        self.targets.extend_from_slice(&factor.fixed);
        let evidence = factor.solve(&mut self.targets, &mut self.mean[slot * h..][..h]);
        self.targets.clear();
        evidence
    }

    /// q of the latents of a slot. Returns the log evidence of its rows, without their −½ log 2π; NaN if some direction is determined by nothing.
    pub fn solve(&mut self, slot: usize) -> f64 {
        let (rest, log_det) = self.reduce(slot);
        let h = self.width as f64;
        let evidence = self.half_logs - 0.5 * rest - log_det + 0.5 * h * (2.0 * std::f64::consts::PI).ln();
        if evidence.is_finite() { evidence } else { f64::NAN }
    }

    /// The same where a scale multiplies all rows that is not known: what is left without it, and Σ ρ² at the mean, which it multiplies.
    ///
    /// Until [`measure`](Self::measure) says what is expected of the scale, the covariance is that at 1.
    pub fn solve_scaled(&mut self, slot: usize) -> (f64, f64) {
        let (rest, log_det) = self.reduce(slot);
        let h = self.width as f64;
        let log = self.half_logs - log_det + 0.5 * h * (2.0 * std::f64::consts::PI).ln();
        (if log.is_finite() { log } else { f64::NAN }, rest)
    }

    /// The covariance of a slot is that of its rows over this scale.
    pub fn measure(&mut self, slot: usize, scale: f64) {
        let size = self.width * self.width;
        self.cov[slot / self.shared * size..][..size].iter_mut().for_each(|x| *x /= scale);
    }

    /// Mean and covariance of a slot; what is left of the squares, and log |det R|.
    fn reduce(&mut self, slot: usize) -> (f64, f64) {
        self.settle();
        let (h, stride) = (self.width, self.width + 1);
        while self.rows.len() < h * stride {
            self.row();
        }
        let rest = triangulate(&mut self.rows, h, stride, &mut self.dots);
        let factor = &mut self.factor[slot / self.shared * h * h..][..h * h];
        for i in 0..h {
            factor[i * h..][..i].fill(0.0);
            factor[i * h + i..][..h - i].copy_from_slice(&self.rows[i * stride + i..][..h - i]);
        }
        let log_det = log_det(factor, h);
        self.undetermined |= log_det.is_nan() && rest.is_finite();
        let mean = &mut self.mean[slot * h..][..h];
        for (i, m) in mean.iter_mut().enumerate() {
            *m = self.rows[i * stride + h];
        }
        back_substitute(factor, mean);
        covariance(factor, h, &mut self.cov[slot / self.shared * h * h..][..h * h]);
        (rest, log_det)
    }

    /// Sets q of some of the latents of a slot, independent of the others; their covariances with those are 0.
    pub fn set(&mut self, slot: usize, start: usize, mean: &[f64], cov: &DMatrix<f64>) {
        let h = self.width;
        self.mean[slot * h + start..][..mean.len()].copy_from_slice(mean);
        let whole = &mut self.cov[slot / self.shared * h * h..][..h * h];
        for i in 0..mean.len() {
            let row = &mut whole[(start + i) * h..][..h];
            row.fill(0.0);
            for j in 0..mean.len() {
                row[start + j] = cov[(i, j)];
            }
        }
    }

    /// E f of a slot.
    #[must_use]
    pub fn mean(&self, slot: usize) -> &[f64] {
        &self.mean[slot * self.width..][..self.width]
    }

    /// Cov f of a slot, row by row.
    #[must_use]
    pub fn cov(&self, slot: usize) -> &[f64] {
        let size = self.width * self.width;
        &self.cov[slot / self.shared * size..][..size]
    }

    /// The same as a matrix, of some of the latents.
    #[must_use]
    pub fn block(&self, slot: usize, start: usize, len: usize) -> DMatrix<f64> {
        let cov = self.cov(slot);
        DMatrix::from_fn(len, len, |i, j| cov[(start + i) * self.width + start + j])
    }

    /// One draw from q of a slot, and log q of it; `scale` multiplies its rows.
    pub fn draw(&self, slot: usize, scale: f64, rng: &mut impl Rng, values: &mut Vec<f64>) -> f64 {
        let h = self.width;
        let factor = &self.factor[slot / self.shared * h * h..][..h * h];
        values.clear();
        let mut log = 0.0;
        for i in 0..h {
            let pivot = factor[i * h + i].abs();
            let noise: f64 = StandardNormal.sample(rng);
            if pivot >= KNOWN {
                values.push(0.0);
                continue;
            }
            values.push(noise);
            log +=
                pivot.ln() + 0.5 * scale.ln() - 0.5 * noise * noise - 0.5 * (2.0 * std::f64::consts::PI).ln();
        }
        back_substitute(factor, values);
        let root = scale.sqrt();
        values.iter_mut().for_each(|x| *x /= root);
        for (x, m) in values.iter_mut().zip(self.mean(slot)) {
            *x += m;
        }
        log
    }

    /// Σ |u| (|R| (|x| + |m|)), u = R (x − m), at values of a slot: what the rounding of squares of rows is measured by, of which R is the triangle.
    #[must_use]
    pub fn reach(&self, slot: usize, scale: f64, values: &[f64]) -> f64 {
        let h = self.width;
        let factor = &self.factor[slot / self.shared * h * h..][..h * h];
        let mean = self.mean(slot);
        let mut sum = 0.0;
        for i in (0..h).filter(|i| factor[i * h + i].abs() < KNOWN) {
            let (mut white, mut reach) = (0.0, 0.0);
            for j in i..h {
                white += factor[i * h + j] * (values[j] - mean[j]);
                reach += factor[i * h + j].abs() * (values[j].abs() + mean[j].abs());
            }
            sum += f64::abs(white) * reach;
        }
        scale * sum
    }
}

vectorised! {
    /// Householder reflections of the first `h` columns of rows of `stride` numbers; `dots` is workspace. Returns what is left of the squares of column `h`.
    pub(crate) fn triangulate(rows: &mut [f64], h: usize, stride: usize, dots: &mut Vec<f64>) -> f64 = triangulate_with;
}

/// As many times as large may a row be that stays below another.
const FAR_LARGER: f64 = 16.0;

#[inline(always)]
fn triangulate_with<S: Isa>(_: S, rows: &mut [f64], h: usize, stride: usize, dots: &mut Vec<f64>) -> f64 {
    let m = rows.len() / stride;
    for j in 0..h {
        let (mut square, mut largest) = (0.0, j);
        for i in j..m {
            let x = rows[i * stride + j];
            square += x * x;
            largest = if x.abs() > rows[largest * stride + j].abs() { i } else { largest };
        }
        let norm = f64::sqrt(square);
        if norm == 0.0 {
            continue;
        }
        // What a row far larger than the top one leaves of itself below it would be a difference of large numbers.
        if rows[largest * stride + j].abs() > FAR_LARGER * rows[j * stride + j].abs() {
            let (top, below) = rows[j * stride..].split_at_mut(stride);
            top.swap_with_slice(&mut below[(largest - j - 1) * stride..][..stride]);
        }
        let head = rows[j * stride + j];
        let alpha = if head > 0.0 { -norm } else { norm };
        // v = x − α e₁, and vᵀv = 2 (|x|² − α x₁).
        let half = square - alpha * head;
        rows[j * stride + j] = head - alpha;
        // vᵀA / (½ vᵀv), row by row: rows lie together in memory.
        let (top, below) = rows[j * stride..].split_at_mut(stride);
        let first = top[j];
        dots.clear();
        dots.extend(top[j + 1..].iter().map(|x| first * x));
        for row in below.chunks_exact(stride).take(m - j - 1) {
            let v = row[j];
            for (d, x) in dots.iter_mut().zip(&row[j + 1..]) {
                *d += v * x;
            }
        }
        for d in dots.iter_mut() {
            *d /= half;
        }
        for (x, d) in top[j + 1..].iter_mut().zip(dots.iter()) {
            *x -= first * d;
        }
        for row in below.chunks_exact_mut(stride).take(m - j - 1) {
            let v = row[j];
            for (x, d) in row[j + 1..].iter_mut().zip(dots.iter()) {
                *x -= v * d;
            }
        }
        top[j] = alpha;
    }
    (h..m).map(|i| rows[i * stride + h] * rows[i * stride + h]).sum()
}

/// log |det R|; NaN if a pivot is lost in the rounding of its column: then no row tells that latent apart from those before it.
pub(crate) fn log_det(factor: &[f64], h: usize) -> f64 {
    let mut total = 0.0;
    for j in 0..h {
        let length = (0..=j).map(|i| factor[i * h + j] * factor[i * h + j]).sum::<f64>().sqrt();
        let pivot = factor[j * h + j].abs();
        if pivot <= h as f64 * f64::EPSILON * length {
            return f64::NAN;
        }
        total += pivot.ln();
    }
    total
}

/// x ← R⁻¹ x
pub(crate) fn back_substitute(factor: &[f64], x: &mut [f64]) {
    let h = x.len();
    for i in (0..h).rev() {
        let known: f64 = (i + 1..h).map(|j| factor[i * h + j] * x[j]).sum();
        x[i] = (x[i] - known) / factor[i * h + i];
    }
}

/// (RᵀR)⁻¹ = R⁻¹ R⁻ᵀ: a sum of squares.
pub(crate) fn covariance(factor: &[f64], h: usize, cov: &mut [f64]) {
    // Row i of R⁻¹ in the upper triangle first.
    for j in 0..h {
        for i in (0..=j).rev() {
            let known: f64 = (i + 1..=j).map(|k| factor[i * h + k] * cov[k * h + j]).sum();
            let unit = if i == j { 1.0 } else { 0.0 };
            cov[i * h + j] = (unit - known) / factor[i * h + i];
        }
    }
    for i in 0..h {
        for j in i..h {
            // Entry (i, j) reads rows i and j from column j on: neither is overwritten before its turn.
            let x: f64 = (j..h).map(|k| cov[i * h + k] * cov[j * h + k]).sum();
            cov[i * h + j] = x;
        }
    }
    for i in 0..h {
        for j in 0..i {
            cov[i * h + j] = cov[j * h + i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DVector;

    /// Rows with precisions; the last row weighs nothing.
    fn system() -> (Vec<[f64; 4]>, Vec<f64>) {
        let rows: Vec<[f64; 4]> = (0..7)
            .map(|i| std::array::from_fn(|j| ((i * 5 + j * 3 + i * j) % 7) as f64 - 2.5 + 0.1 * i as f64))
            .collect();
        (rows, vec![1.0, 0.5, 2.0, 3.0, 0.25, 1.5, 0.7])
    }

    #[test]
    fn rows_are_the_dense_normal_they_stand_for() {
        let (rows, precision) = system();
        let mut unit = UnitNormals::default();
        unit.begin(3, 1, 1);
        for (r, p) in rows.iter().zip(&precision) {
            unit.row().copy_from_slice(r);
            unit.weigh(*p, 0.5 * p.ln());
        }
        let evidence = unit.solve(0);
        let c = DMatrix::from_fn(7, 3, |i, j| rows[i][j]);
        let t = DVector::from_fn(7, |i, _| rows[i][3]);
        let lambda = DMatrix::from_diagonal(&DVector::from_column_slice(&precision));
        let information = c.transpose() * &lambda * &c;
        let cov = information.clone().try_inverse().unwrap();
        let mean = &cov * c.transpose() * &lambda * &t;
        let left = &t - &c * &mean;
        let by_hand = 0.5 * precision.iter().map(|p| p.ln()).sum::<f64>()
            - 0.5 * (left.transpose() * &lambda * &left)[0]
            - 0.5 * information.determinant().ln()
            + 1.5 * (2.0 * std::f64::consts::PI).ln();
        assert!((evidence - by_hand).abs() < 1e-12, "{evidence} and {by_hand}");
        for i in 0..3 {
            assert!((unit.mean(0)[i] - mean[i]).abs() < 1e-12);
            for j in 0..3 {
                assert!((unit.cov(0)[i * 3 + j] - cov[(i, j)]).abs() < 1e-12, "({i}, {j})");
            }
        }
    }

    #[test]
    fn a_dense_precision_is_the_sum_over_pairs_of_components() {
        let root = DMatrix::from_row_slice(2, 2, &[1.5, 0.0, -0.4, 0.8]);
        let (rows, _) = system();
        let mut unit = UnitNormals::default();
        unit.begin(3, 1, 1);
        for r in &rows[..4] {
            unit.row().copy_from_slice(r);
            unit.weigh(1.0, 0.0);
        }
        for r in &rows[4..6] {
            unit.row().copy_from_slice(r);
        }
        unit.whiten(2, &root, 2.0, 0.0);
        unit.solve(0);
        let c = DMatrix::from_fn(6, 3, |i, j| rows[i][j]);
        let mut lambda = DMatrix::identity(6, 6);
        lambda.view_mut((4, 4), (2, 2)).copy_from(&(root.transpose() * &root * 2.0));
        let cov = (c.transpose() * lambda * c).try_inverse().unwrap();
        for i in 0..9 {
            assert!((unit.cov(0)[i] - cov[(i / 3, i % 3)]).abs() < 1e-12);
        }
    }

    #[test]
    fn a_direction_that_nothing_determines_has_no_evidence() {
        let mut unit = UnitNormals::default();
        unit.begin(2, 1, 1);
        unit.row()[0] = 1.0;
        unit.weigh(1.0, 0.0);
        assert!(unit.solve(0).is_nan());
    }

    #[test]
    fn draws_have_the_density_they_say() {
        let (rows, _) = system();
        let mut unit = UnitNormals::default();
        unit.begin(3, 1, 1);
        for r in &rows {
            unit.row().copy_from_slice(r);
            unit.weigh(1.0, 0.0);
        }
        unit.solve(0);
        let law = crate::engine::law::vector(unit.mean(0), &unit.block(0, 0, 3));
        let (mut rng, mut values) = (crate::rng::stream(1, "draws", &[]), vec![]);
        for _ in 0..5 {
            let log = unit.draw(0, 1.0, &mut rng, &mut values);
            let by_law = law.log_density(&DVector::from_column_slice(&values));
            assert!((log - by_law).abs() < 1e-11, "{log} and {by_law}");
        }
    }
}
