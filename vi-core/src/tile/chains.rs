//! Sequences side by side, one in each lane: forward and backward through all of them at once.
//!
//! Arrays are `steps × states × LANES`, lanes fastest. A lane whose sequence has ended has zeros.

use super::exp::exp_one;
use super::simd::{Isa, vectorised};

/// Sequences side by side.
pub const LANES: usize = 8;

/// What one number is for each lane.
pub type Lanes = [f64; LANES];

/// Probabilities below it may underflow when they are multiplied with each other: a lane that meets one is not to be trusted.
pub const SMALLEST: f64 = 1e-150;

/// The logarithm of [`SMALLEST`].
const LOWEST: f64 = -345.0;

vectorised! {
    /// Log potentials become weights, in place: `b[t, k] ← exp(b[t, k] − shift[t])` with the largest of a step as its shift. Lanes in which
    /// a weight is too small, or a step has none, are marked in `lost`.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn weights(b: &mut [f64], states: usize, lengths: &[usize; LANES], shift: &mut [Lanes], lost: &mut [bool; LANES]) = weights_with;
}

vectorised! {
    /// The filtered probabilities of every step, and what each was divided by:
    ///
    /// ```text
    /// α[t, k] = b[t, k] Σⱼ α[t−1, j] factor[j, k] / scale[t]        scale[t] = Σₖ of what it divides
    /// ```
    ///
    /// `factor` is `states × states`, the earlier state outside. Lanes that met a number too small are marked in `lost`.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn forward(b: &[f64], factor: &[f64], states: usize, lengths: &[usize; LANES], alpha: &mut [f64], scale: &mut [Lanes], lost: &mut [bool; LANES]) = forward_with;
}

vectorised! {
    /// Filtered probabilities become smoothed ones, in place, and the products of neighbours are added up:
    ///
    /// ```text
    /// w[t+1, k] = b[t+1, k] β[t+1, k] / scale[t+1]       β[t, j] = Σₖ factor[j, k] w[t+1, k]
    /// pairs[j, k] += Σₜ α[t, j] w[t+1, k]                to be multiplied by factor[j, k]
    /// α[t, j] ← α[t, j] β[t, j]
    /// ```
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn backward(b: &[f64], factor: &[f64], states: usize, lengths: &[usize; LANES], scale: &[Lanes], alpha: &mut [f64], pairs: &mut [f64]) = backward_with;
}

#[inline(always)]
pub(super) fn weights_with<S: Isa>(
    isa: S,
    b: &mut [f64],
    states: usize,
    lengths: &[usize; LANES],
    shift: &mut [Lanes],
    lost: &mut [bool; LANES],
) {
    let mut bad = [0.0; LANES];
    for (t, (row, shift)) in b.chunks_exact_mut(states * LANES).zip(shift).enumerate() {
        let mut top = [f64::NEG_INFINITY; LANES];
        for x in row.chunks_exact(LANES) {
            for l in 0..LANES {
                top[l] = if x[l] > top[l] { x[l] } else { top[l] };
            }
        }
        for l in 0..LANES {
            let here = t < lengths[l];
            if here && !(top[l].abs() < f64::INFINITY) {
                bad[l] = 1.0;
            }
            shift[l] = if here && top[l].abs() < f64::INFINITY { top[l] } else { 0.0 };
        }
        for x in row.chunks_exact_mut(LANES) {
            for l in 0..LANES {
                let log = x[l] - shift[l];
                let low = log < LOWEST && log > f64::NEG_INFINITY || log.is_nan();
                bad[l] = if low && t < lengths[l] { 1.0 } else { bad[l] };
                x[l] = if t < lengths[l] { exp_one(isa, log) } else { 0.0 };
            }
        }
    }
    for l in 0..LANES {
        lost[l] |= bad[l] > 0.0;
    }
}

/// `out[k] = Σⱼ x[j] factor[j · stride + k · step]` for four k at a time, lane by lane.
#[inline(always)]
fn product<S: Isa>(
    isa: S,
    x: &[f64],
    factor: &[f64],
    (row, column): (usize, usize),
    states: usize,
    out: &mut [f64],
) {
    let mut k = 0;
    while k + 4 <= states {
        for p in (0..LANES).step_by(S::W) {
            let mut sums = [isa.splat(0.0); 4];
            for j in 0..states {
                let a = isa.load(&x[j * LANES + p..]);
                let f = &factor[j * row + k * column..];
                sums[0] = isa.fma(a, isa.splat(f[0]), sums[0]);
                sums[1] = isa.fma(a, isa.splat(f[column]), sums[1]);
                sums[2] = isa.fma(a, isa.splat(f[2 * column]), sums[2]);
                sums[3] = isa.fma(a, isa.splat(f[3 * column]), sums[3]);
            }
            isa.store(sums[0], &mut out[k * LANES + p..]);
            isa.store(sums[1], &mut out[(k + 1) * LANES + p..]);
            isa.store(sums[2], &mut out[(k + 2) * LANES + p..]);
            isa.store(sums[3], &mut out[(k + 3) * LANES + p..]);
        }
        k += 4;
    }
    while k < states {
        for p in (0..LANES).step_by(S::W) {
            let mut sum = isa.splat(0.0);
            for j in 0..states {
                sum = isa.fma(isa.load(&x[j * LANES + p..]), isa.splat(factor[j * row + k * column]), sum);
            }
            isa.store(sum, &mut out[k * LANES + p..]);
        }
        k += 1;
    }
}

#[inline(always)]
pub(super) fn forward_with<S: Isa>(
    isa: S,
    b: &[f64],
    factor: &[f64],
    states: usize,
    lengths: &[usize; LANES],
    alpha: &mut [f64],
    scale: &mut [Lanes],
    lost: &mut [bool; LANES],
) {
    let size = states * LANES;
    let mut bad = [0.0; LANES];
    for (t, scale) in scale.iter_mut().enumerate() {
        let (before, now) = alpha.split_at_mut(t * size);
        let now = &mut now[..size];
        let b = &b[t * size..][..size];
        if t == 0 {
            now.copy_from_slice(b);
        } else {
            product(isa, &before[(t - 1) * size..], factor, (states, 1), states, now);
            for (a, b) in now.iter_mut().zip(b) {
                *a *= b;
            }
        }
        let mut total = [0.0; LANES];
        for x in now.chunks_exact(LANES) {
            for l in 0..LANES {
                total[l] += x[l];
            }
        }
        let mut inverse = [0.0; LANES];
        for l in 0..LANES {
            let here = t < lengths[l];
            inverse[l] = if here { 1.0 / total[l] } else { 0.0 };
            scale[l] = if here { total[l] } else { 1.0 };
        }
        for x in now.chunks_exact_mut(LANES) {
            for l in 0..LANES {
                x[l] *= inverse[l];
                // Zero is a structural zero; NaN and what is nearly zero are neither.
                bad[l] = if x[l] == 0.0 || x[l] >= SMALLEST { bad[l] } else { 1.0 };
            }
        }
    }
    for l in 0..LANES {
        lost[l] |= bad[l] > 0.0;
    }
}

#[inline(always)]
pub(super) fn backward_with<S: Isa>(
    isa: S,
    b: &[f64],
    factor: &[f64],
    states: usize,
    lengths: &[usize; LANES],
    scale: &[Lanes],
    alpha: &mut [f64],
    pairs: &mut [f64],
) {
    let size = states * LANES;
    let mut beta = vec![0.0; size];
    let mut w = vec![0.0; size];
    for t in (0..scale.len()).rev() {
        let now = &mut alpha[t * size..][..size];
        if t + 1 < scale.len() {
            let b = &b[(t + 1) * size..][..size];
            let scale = &scale[t + 1];
            for ((w, b), beta) in
                w.chunks_exact_mut(LANES).zip(b.chunks_exact(LANES)).zip(beta.chunks_exact(LANES))
            {
                for l in 0..LANES {
                    w[l] = b[l] * beta[l] / scale[l];
                }
            }
            for (j, row) in pairs.chunks_exact_mut(size).enumerate() {
                for p in (0..LANES).step_by(S::W) {
                    let a = isa.load(&now[j * LANES + p..]);
                    for k in 0..states {
                        let at = k * LANES + p;
                        let sum = isa.fma(a, isa.load(&w[at..]), isa.load(&row[at..]));
                        isa.store(sum, &mut row[at..]);
                    }
                }
            }
            product(isa, &w, factor, (1, states), states, &mut beta);
        }
        let mut total = [0.0; LANES];
        for (beta, a) in beta.chunks_exact_mut(LANES).zip(now.chunks_exact(LANES)) {
            for l in 0..LANES {
                beta[l] = if t + 1 < lengths[l] { beta[l] } else { 1.0 };
                total[l] += beta[l] * a[l];
            }
        }
        // Sums to 1 but for rounding, which would add up over many steps.
        let mut inverse = [0.0; LANES];
        for l in 0..LANES {
            inverse[l] = if t < lengths[l] { 1.0 / total[l] } else { 0.0 };
        }
        for (beta, a) in beta.chunks_exact_mut(LANES).zip(now.chunks_exact_mut(LANES)) {
            for l in 0..LANES {
                beta[l] *= inverse[l];
                a[l] *= beta[l];
            }
        }
    }
}

/// Puts a table of units (`states × n`, state-major) into one lane of some steps.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn spread(table: &[f64], states: usize, n: usize, lane: usize, steps: &mut [f64]) {
    for k in 0..states {
        let row = &table[k * n..][..n];
        for (i, x) in row.iter().enumerate() {
            steps[(i * states + k) * LANES + lane] = *x;
        }
    }
}

/// The inverse of [`spread`].
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn gather(steps: &[f64], states: usize, n: usize, lane: usize, table: &mut [f64]) {
    for k in 0..states {
        let row = &mut table[k * n..][..n];
        for (i, x) in row.iter_mut().enumerate() {
            *x = steps[(i * states + k) * LANES + lane];
        }
    }
}
