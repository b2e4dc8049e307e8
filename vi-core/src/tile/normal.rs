//! Log densities of normal distributions at all units of a tile.

use super::packed_len;
use super::simd::{Isa, MAX_LANES, vectorised};
use crate::linalg::{Cholesky, pack_lower};

/// Rows of `L⁻¹` whose products are accumulated together.
const ROWS: usize = 4;

/// A multivariate normal distribution prepared for evaluation: its mean `m` and `L⁻¹`, where `Σ = L Lᵀ`.
///
/// Differences `x − m` are formed before they are whitened, so nothing cancels however far the data lie from 0.
#[derive(Clone, Debug)]
pub struct NormalDensity {
    mean: Vec<f64>,
    /// `L⁻¹` in blocks of [`ROWS`] rows, each stored by columns up to its last diagonal entry, and before each column the component of
    /// the mean that it multiplies.
    panels: Vec<f64>,
    log_norm: f64,
}

impl NormalDensity {
    /// From the mean (`d` entries), `L⁻¹` as a packed lower triangle, and the logarithm of the normalising constant,
    /// `−½ d log 2π + Σ_j log L⁻¹[j,j]`, to which a log weight may be added.
    ///
    /// # Panics
    /// If `inv_chol` is shorter than `d (d + 1) / 2`.
    #[must_use]
    pub fn new(mean: &[f64], inv_chol: &[f64], log_norm: f64) -> Self {
        let d = mean.len();
        let mut panels = Vec::new();
        for first in (0..d).step_by(ROWS) {
            let rows = ROWS.min(d - first);
            for column in 0..first + rows {
                panels.push(mean[column]);
                for row in first..first + rows {
                    panels.push(if column <= row { inv_chol[packed_len(row) + column] } else { 0.0 });
                }
            }
        }
        Self { mean: mean.to_vec(), panels, log_norm }
    }

    /// The density `N(x | m, Σ)` from the factor of `Σ`.
    ///
    /// # Panics
    /// If `mean` has more entries than `Σ` has rows.
    #[must_use]
    pub fn from_cholesky(mean: &[f64], covariance: &Cholesky) -> Self {
        let log_norm = -0.5 * (mean.len() as f64 * std::f64::consts::TAU.ln() + covariance.log_det());
        Self::new(mean, &pack_lower(&covariance.inverse_lower()), log_norm)
    }

    /// `out[i] += log_norm − ½ ‖L⁻¹ (x_i − m)‖²`; `x` is `d × n`, component-major, `out` has `n` entries.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn add_log_density(&self, x: &[f64], n: usize, out: &mut [f64]) {
        add_quadratic(self, x, n, self.log_norm, -0.5, out);
    }

    /// `out[i] += ‖L⁻¹ (x_i − m)‖²`, the squared Mahalanobis distance; shapes as in [`Self::add_log_density`].
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn add_squared_distance(&self, x: &[f64], n: usize, out: &mut [f64]) {
        add_quadratic(self, x, n, 0.0, 1.0, out);
    }
}

/// A normal distribution with independent components, prepared for evaluation.
#[derive(Clone, Debug)]
pub struct DiagNormalDensity {
    /// Mean and precision of each component.
    components: Vec<(f64, f64)>,
    log_norm: f64,
}

impl DiagNormalDensity {
    /// From mean and precision of each component, and the logarithm of the normalising constant,
    /// `½ Σ_j log(precision[j] / 2π)`, to which a log weight may be added.
    #[must_use]
    pub fn new(mean: &[f64], precision: &[f64], log_norm: f64) -> Self {
        Self { components: mean.iter().copied().zip(precision.iter().copied()).collect(), log_norm }
    }

    /// `out[i] += log_norm − ½ Σ_j precision[j] (x[j,i] − m[j])²`; `x` is `d × n`, component-major, `out` has `n`.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn add_log_density(&self, x: &[f64], n: usize, out: &mut [f64]) {
        add_diag_quadratic(self, x, n, self.log_norm, -0.5, out);
    }
}

vectorised! {
    /// `out[i] += constant + factor ‖L⁻¹ (x_i − m)‖²`
    fn add_quadratic(normal: &NormalDensity, x: &[f64], n: usize, constant: f64, factor: f64, out: &mut [f64])
        = add_quadratic_with;
}

vectorised! {
    /// `out[i] += constant + factor Σ_j precision[j] (x[j,i] − m[j])²`
    fn add_diag_quadratic(normal: &DiagNormalDensity, x: &[f64], n: usize, constant: f64, factor: f64, out: &mut [f64])
        = add_diag_quadratic_with;
}

vectorised! {
    /// `out[i] += constant − ½ precision (x[i] − mean)²` for the shorter of the two lengths.
    pub fn add_square(x: &[f64], mean: f64, precision: f64, constant: f64, out: &mut [f64]) = add_square_with;
}

#[inline(always)]
fn add_square_with<S: Isa>(isa: S, x: &[f64], mean: f64, precision: f64, constant: f64, out: &mut [f64]) {
    let factor = -0.5 * precision;
    for (out, &x) in out.iter_mut().zip(x) {
        let residual = x - mean;
        *out += isa.scalar_fma(factor * residual, residual, constant);
    }
}

#[inline(always)]
pub(super) fn add_quadratic_with<S: Isa>(
    isa: S,
    normal: &NormalDensity,
    x: &[f64],
    n: usize,
    constant: f64,
    factor: f64,
    out: &mut [f64],
) {
    match normal.mean.len() {
        1 => add_small::<S, 1>(isa, normal, x, n, (constant, factor), out),
        2 => add_small::<S, 2>(isa, normal, x, n, (constant, factor), out),
        3 => add_small::<S, 3>(isa, normal, x, n, (constant, factor), out),
        4 => add_small::<S, 4>(isa, normal, x, n, (constant, factor), out),
        _ => add_large(isa, normal, x, n, (constant, factor), out),
    }
}

/// Few components: those of a group of units stay in registers.
#[inline(always)]
fn add_small<S: Isa, const D: usize>(
    isa: S,
    normal: &NormalDensity,
    x: &[f64],
    n: usize,
    finish: (f64, f64),
    out: &mut [f64],
) {
    let start = match S::W {
        8 => small_groups::<S, D, 4>(isa, normal, x, n, 0, finish, out),
        _ => small_groups::<S, D, 2>(isa, normal, x, n, 0, finish, out),
    };
    let start = small_groups::<S, D, 1>(isa, normal, x, n, start, finish, out);
    if start < n {
        let mut last = [[0.0; MAX_LANES]; D];
        for (j, last) in last.iter_mut().enumerate() {
            isa.store(isa.load_partial(&x[j * n + start..][..n - start]), last);
        }
        let mut padded = [0.0; MAX_LANES];
        small_groups::<S, D, 1>(isa, normal, last.as_flattened(), MAX_LANES, 0, finish, &mut padded);
        for (out, value) in out[start..n].iter_mut().zip(padded) {
            *out += value;
        }
    }
}

/// Adds to `out` the values of the units from `start` on, in groups of `G · W`; returns where the last group ends.
#[inline(always)]
fn small_groups<S: Isa, const D: usize, const G: usize>(
    isa: S,
    normal: &NormalDensity,
    x: &[f64],
    n: usize,
    mut start: usize,
    (constant, factor): (f64, f64),
    out: &mut [f64],
) -> usize {
    let (mean, factors) = (&normal.mean[..D], &normal.panels[..D * (1 + D)]);
    let (scale, constant) = (isa.splat(factor), isa.splat(constant));
    while n - start >= G * S::W {
        let mut centred = [[isa.splat(0.0); G]; D];
        for j in 0..D {
            let mean = isa.splat(mean[j]);
            let values = &x[j * n + start..][..G * S::W];
            for g in 0..G {
                centred[j][g] = isa.sub(isa.load(&values[g * S::W..]), mean);
            }
        }
        let mut norm = [isa.splat(0.0); G];
        for r in 0..D {
            let mut whitened = [isa.splat(0.0); G];
            for j in 0..D {
                if j <= r {
                    let factor = isa.splat(factors[j * (1 + D) + 1 + r]);
                    for g in 0..G {
                        whitened[g] = isa.fma(factor, centred[j][g], whitened[g]);
                    }
                }
            }
            for g in 0..G {
                norm[g] = isa.fma(whitened[g], whitened[g], norm[g]);
            }
        }
        let out = &mut out[start..][..G * S::W];
        for g in 0..G {
            let value = isa.fma(scale, norm[g], constant);
            let out = &mut out[g * S::W..];
            isa.store(isa.add(isa.load(out), value), out);
        }
        start += G * S::W;
    }
    start
}

/// Any number of components. Every block of rows takes the differences anew: adders are idle where registers are not.
#[inline(always)]
fn add_large<S: Isa>(
    isa: S,
    normal: &NormalDensity,
    x: &[f64],
    n: usize,
    finish: (f64, f64),
    out: &mut [f64],
) {
    // As many packs as the registers hold beside four rows of accumulators. One pack by itself waits for its own sums, so that four make
    // two pairs.
    let packs = n / S::W;
    let start = match S::W {
        8 => groups::<S, 4>(isa, normal, x, n, (0, n), finish, out),
        4 => {
            let threes = packs / 3 - usize::from(packs % 3 == 1 && packs > 1);
            groups::<S, 3>(isa, normal, x, n, (0, threes * 3 * S::W), finish, out)
        }
        _ => 0,
    };
    let start = groups::<S, 2>(isa, normal, x, n, (start, n), finish, out);
    let start = groups::<S, 1>(isa, normal, x, n, (start, n), finish, out);
    if start < n {
        let d = normal.mean.len();
        // Small arrays are cheaper to clear than the heap is to ask.
        match d {
            ..=16 => rest(isa, normal, x, n, start, finish, out, &mut [0.0; 16 * MAX_LANES]),
            17..=64 => rest(isa, normal, x, n, start, finish, out, &mut [0.0; 64 * MAX_LANES]),
            65.. => rest(isa, normal, x, n, start, finish, out, &mut vec![0.0; d * MAX_LANES]),
        }
    }
}

/// The units from `start` on, fewer than a pack.
#[inline(always)]
fn rest<S: Isa>(
    isa: S,
    normal: &NormalDensity,
    x: &[f64],
    n: usize,
    start: usize,
    finish: (f64, f64),
    out: &mut [f64],
    last: &mut [f64],
) {
    for (j, column) in last.chunks_exact_mut(S::W).take(normal.mean.len()).enumerate() {
        column[..n - start].copy_from_slice(&x[j * n + start..][..n - start]);
    }
    let mut padded = [0.0; MAX_LANES];
    groups::<S, 1>(isa, normal, last, S::W, (0, S::W), finish, &mut padded);
    for (out, value) in out[start..n].iter_mut().zip(padded) {
        *out += value;
    }
}

/// Adds to `out` the values of the units from `start` to `end` in groups of `G · W`; returns where the last group ends.
#[inline(always)]
fn groups<S: Isa, const G: usize>(
    isa: S,
    normal: &NormalDensity,
    x: &[f64],
    n: usize,
    (mut start, end): (usize, usize),
    (constant, factor): (f64, f64),
    out: &mut [f64],
) -> usize {
    let d = normal.mean.len();
    let (factor, constant) = (isa.splat(factor), isa.splat(constant));
    while end - start >= G * S::W {
        let x = &x[start..];
        let mut norm = [isa.splat(0.0); G];
        let mut panels = normal.panels.as_slice();
        let mut first = 0;
        while d - first >= ROWS {
            let (panel, after) = panels.split_at((1 + ROWS) * (first + ROWS));
            add_norm_of_rows::<S, ROWS, G>(isa, panel, first, x, n, &mut norm);
            panels = after;
            first += ROWS;
        }
        match d - first {
            1 => add_norm_of_rows::<S, 1, G>(isa, panels, first, x, n, &mut norm),
            2 => add_norm_of_rows::<S, 2, G>(isa, panels, first, x, n, &mut norm),
            3 => add_norm_of_rows::<S, 3, G>(isa, panels, first, x, n, &mut norm),
            _ => {}
        }
        let out = &mut out[start..][..G * S::W];
        for g in 0..G {
            let value = isa.fma(factor, norm[g], constant);
            let out = &mut out[g * S::W..];
            isa.store(isa.add(isa.load(out), value), out);
        }
        start += G * S::W;
    }
    start
}

/// Adds to `norm` the squares of the `R` rows of `L⁻¹ (x − m)` from row `first` on; `x` begins at the first unit of the group, `n` apart
/// from component to component.
#[inline(always)]
fn add_norm_of_rows<S: Isa, const R: usize, const G: usize>(
    isa: S,
    panel: &[f64],
    first: usize,
    x: &[f64],
    n: usize,
    norm: &mut [S::Pack; G],
) {
    let mut whitened = [[isa.splat(0.0); G]; R];
    let (rectangle, triangle) = panel.split_at(first * (1 + R));
    let mut at = 0;
    for column in rectangle.chunks_exact(1 + R) {
        let values = differences::<S, G>(isa, column[0], &x[at..][..G * S::W]);
        at += n;
        for r in 0..R {
            let factor = isa.splat(column[1 + r]);
            for g in 0..G {
                whitened[r][g] = isa.fma(factor, values[g], whitened[r][g]);
            }
        }
    }
    let triangle = &triangle[..R * (1 + R)];
    for j in 0..R {
        let column = &triangle[j * (1 + R)..][..1 + R];
        let values = differences::<S, G>(isa, column[0], &x[at..][..G * S::W]);
        at += n;
        for r in 0..R {
            if r >= j {
                let factor = isa.splat(column[1 + r]);
                for g in 0..G {
                    whitened[r][g] = isa.fma(factor, values[g], whitened[r][g]);
                }
            }
        }
    }
    for r in 0..R {
        for g in 0..G {
            norm[g] = isa.fma(whitened[r][g], whitened[r][g], norm[g]);
        }
    }
}

/// m − x: the sign is lost in the square, and the subtraction reads the units from memory.
#[inline(always)]
fn differences<S: Isa, const G: usize>(isa: S, mean: f64, x: &[f64]) -> [S::Pack; G] {
    let mean = isa.splat(mean);
    let mut values = [mean; G];
    for g in 0..G {
        values[g] = isa.sub(mean, isa.load(&x[g * S::W..]));
    }
    values
}

#[inline(always)]
pub(super) fn add_diag_quadratic_with<S: Isa>(
    isa: S,
    normal: &DiagNormalDensity,
    x: &[f64],
    n: usize,
    constant: f64,
    factor: f64,
    out: &mut [f64],
) {
    const GROUP: usize = 32;
    for start in (0..n).step_by(GROUP) {
        let len = GROUP.min(n - start);
        let mut norm = [0.0; GROUP];
        for (j, &(mean, precision)) in normal.components.iter().enumerate() {
            let values = &x[j * n + start..][..len];
            for (norm, &value) in norm.iter_mut().zip(values) {
                let centred = value - mean;
                *norm = isa.scalar_fma(precision * centred, centred, *norm);
            }
        }
        for (out, &norm) in out[start..][..len].iter_mut().zip(&norm) {
            *out += isa.scalar_fma(factor, norm, constant);
        }
    }
}
