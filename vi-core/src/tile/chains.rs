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
    /// a step has no weight are marked in `lost`, and where `strict`, those in which one is too small.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn weights(b: &mut [f64], states: usize, lengths: &[usize; LANES], strict: bool, shift: &mut [Lanes], lost: &mut [bool; LANES]) = weights_with;
}

vectorised! {
    /// The filtered probabilities of every step, and what each was divided by:
    ///
    /// ```text
    /// α[t, k] = b[t, k] Σⱼ α[t−1, j] factor[j, k] / scale[t]        scale[t] = Σₖ of what it divides
    /// ```
    ///
    /// `factor` is `states × states`, the earlier state outside. Lanes that met a step without weight are marked in `lost`, and
    /// where `strict`, those that met a number too small.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn forward(b: &[f64], factor: &[f64], states: usize, lengths: &[usize; LANES], strict: bool, alpha: &mut [f64], scale: &mut [Lanes], lost: &mut [bool; LANES]) = forward_with;
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
    /// `transposed` has the later state outside.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn backward(b: &[f64], transposed: &[f64], states: usize, lengths: &[usize; LANES], scale: &[Lanes], alpha: &mut [f64], pairs: &mut [f64]) = backward_with;
}

#[inline(always)]
pub(super) fn weights_with<S: Isa>(
    isa: S,
    b: &mut [f64],
    states: usize,
    lengths: &[usize; LANES],
    strict: bool,
    shift: &mut [Lanes],
    lost: &mut [bool; LANES],
) {
    let mut bad = [0.0; LANES];
    let lowest = if strict { LOWEST } else { f64::NEG_INFINITY };
    for (t, (row, shift)) in b.chunks_exact_mut(states * LANES).zip(shift).enumerate() {
        let (steps, _) = row.as_chunks_mut::<LANES>();
        let mut top = [f64::NEG_INFINITY; LANES];
        for x in &*steps {
            for l in 0..LANES {
                top[l] = if x[l] > top[l] { x[l] } else { top[l] };
            }
        }
        for l in 0..LANES {
            let here = t < lengths[l];
            let known = top[l].abs() < f64::INFINITY;
            bad[l] = if here && !known { 1.0 } else { bad[l] };
            shift[l] = if here && known { top[l] } else { 0.0 };
            // Where a sequence has ended nothing is left.
            top[l] = if here { shift[l] } else { f64::INFINITY };
        }
        for x in steps {
            for l in 0..LANES {
                let log = x[l] - top[l];
                let low = (log < lowest) & (log > f64::NEG_INFINITY) | log.is_nan();
                bad[l] = if low & (t < lengths[l]) { 1.0 } else { bad[l] };
                x[l] = if log.is_nan() { f64::NEG_INFINITY } else { log };
            }
        }
        for x in row {
            *x = exp_one(isa, *x);
        }
    }
    for l in 0..LANES {
        lost[l] |= bad[l] > 0.0;
    }
}

/// `out[k] = Σⱼ x[j] factor[j, k]`, lane by lane.
#[inline(always)]
pub(super) fn product<S: Isa>(isa: S, x: &[Lanes], factor: &[f64], states: usize, out: &mut [Lanes]) {
    let (blocks, rest) = out.as_chunks_mut::<4>();
    let first = 4 * blocks.len();
    for (n, block) in blocks.iter_mut().enumerate() {
        for p in (0..LANES).step_by(S::W) {
            let mut sums = [isa.splat(0.0); 4];
            for (x, row) in x.iter().zip(factor.chunks_exact(states)) {
                let a = isa.load(&x[p..]);
                let f: &[f64; 4] = row[4 * n..4 * n + 4].try_into().unwrap_or(&[0.0; 4]);
                sums[0] = isa.fma(a, isa.splat(f[0]), sums[0]);
                sums[1] = isa.fma(a, isa.splat(f[1]), sums[1]);
                sums[2] = isa.fma(a, isa.splat(f[2]), sums[2]);
                sums[3] = isa.fma(a, isa.splat(f[3]), sums[3]);
            }
            isa.store(sums[0], &mut block[0][p..]);
            isa.store(sums[1], &mut block[1][p..]);
            isa.store(sums[2], &mut block[2][p..]);
            isa.store(sums[3], &mut block[3][p..]);
        }
    }
    for (n, out) in rest.iter_mut().enumerate() {
        for p in (0..LANES).step_by(S::W) {
            let mut sum = isa.splat(0.0);
            for (x, row) in x.iter().zip(factor.chunks_exact(states)) {
                sum = isa.fma(isa.load(&x[p..]), isa.splat(row[first + n]), sum);
            }
            isa.store(sum, &mut out[p..]);
        }
    }
}

#[inline(always)]
pub(super) fn forward_with<S: Isa>(
    isa: S,
    b: &[f64],
    factor: &[f64],
    states: usize,
    lengths: &[usize; LANES],
    strict: bool,
    alpha: &mut [f64],
    scale: &mut [Lanes],
    lost: &mut [bool; LANES],
) {
    let mut bad = [0.0; LANES];
    let smallest = if strict { SMALLEST } else { 0.0 };
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks_mut::<LANES>().0);
    for (t, scale) in scale.iter_mut().enumerate() {
        let (before, now) = alpha.split_at_mut(t * states);
        let now = &mut now[..states];
        let b = &b[t * states..][..states];
        if t == 0 {
            now.copy_from_slice(b);
        } else {
            product(isa, &before[(t - 1) * states..], factor, states, now);
            for (a, b) in now.iter_mut().zip(b) {
                for l in 0..LANES {
                    a[l] *= b[l];
                }
            }
        }
        rescale(now, t, lengths, smallest, scale, &mut bad);
    }
    for l in 0..LANES {
        lost[l] |= bad[l] > 0.0;
    }
}

/// Divides the states of step t by their sum, which is left in `scale`.
#[inline(always)]
pub(super) fn rescale(
    now: &mut [Lanes],
    t: usize,
    lengths: &[usize; LANES],
    smallest: f64,
    scale: &mut Lanes,
    bad: &mut Lanes,
) {
    let mut total = [0.0; LANES];
    for x in &*now {
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
    for x in now {
        for l in 0..LANES {
            x[l] *= inverse[l];
            // Zero is a structural zero; NaN and what is nearly zero are neither.
            bad[l] = if (x[l] == 0.0) | (x[l] >= smallest) { bad[l] } else { 1.0 };
        }
    }
}

/// Marks lanes in which a number is too small.
#[inline(always)]
pub(super) fn mark_small(now: &[Lanes], smallest: f64, bad: &mut Lanes) {
    for x in now {
        for l in 0..LANES {
            bad[l] = if (x[l] == 0.0) | (x[l] >= smallest) { bad[l] } else { 1.0 };
        }
    }
}

/// Steps whose products of neighbours are added up in registers.
pub(super) const BLOCK: usize = 16;

#[inline(always)]
pub(super) fn backward_with<S: Isa>(
    isa: S,
    b: &[f64],
    transposed: &[f64],
    states: usize,
    lengths: &[usize; LANES],
    scale: &[Lanes],
    alpha: &mut [f64],
    pairs: &mut [f64],
) {
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks_mut::<LANES>().0);
    let pairs = pairs.as_chunks_mut::<LANES>().0;
    let mut after = vec![[0.0; LANES]; states];
    let mut ws = vec![[0.0; LANES]; states * BLOCK];
    let mut betas = vec![[0.0; LANES]; states * BLOCK];
    let mut end = scale.len();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let filtered = &mut alpha[start * states..end * states];
        for t in (start..end).rev() {
            let here = (t - start) * states;
            let now = &filtered[here..here + states];
            let (w, beta) = (&mut ws[here..here + states], &mut betas[here..here + states]);
            if t + 1 < scale.len() {
                weigh(&b[(t + 1) * states..][..states], &after, &scale[t + 1], w);
                product(isa, w, transposed, states, beta);
            } else {
                w.fill([0.0; LANES]);
            }
            settle(now, t, lengths, beta, &mut after);
        }
        let a = Columns { steps: filtered, stride: states, first: 0 };
        add_products(isa, a, Columns { steps: &ws, stride: states, first: 0 }, states, pairs);
        for (a, beta) in filtered.iter_mut().zip(&betas) {
            for l in 0..LANES {
                a[l] *= beta[l];
            }
        }
        end = start;
    }
}

/// `w[k] = b[k] after[k] / scale`
#[inline(always)]
pub(super) fn weigh(b: &[Lanes], after: &[Lanes], scale: &Lanes, w: &mut [Lanes]) {
    let mut inverse = [0.0; LANES];
    for l in 0..LANES {
        inverse[l] = 1.0 / scale[l];
    }
    for ((w, b), after) in w.iter_mut().zip(b).zip(after) {
        for l in 0..LANES {
            w[l] = b[l] * after[l] * inverse[l];
        }
    }
}

/// β of step t, which is 1 at the end of a sequence, so that Σ α β is 1.
#[inline(always)]
pub(super) fn settle(
    filtered: &[Lanes],
    t: usize,
    lengths: &[usize; LANES],
    beta: &mut [Lanes],
    after: &mut [Lanes],
) {
    let mut total = [0.0; LANES];
    for (beta, a) in beta.iter_mut().zip(filtered) {
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
    for (beta, after) in beta.iter_mut().zip(after) {
        for l in 0..LANES {
            beta[l] *= inverse[l];
        }
        *after = *beta;
    }
}

/// Some columns of a matrix whose rows are steps.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub steps: &'a [Lanes],
    /// Columns of a row.
    pub stride: usize,
    pub first: usize,
}

/// `pairs[j, k] += Σₜ a[t, j] w[t, k]`, lane by lane; `cols` of w.
#[inline(always)]
pub(super) fn add_products<S: Isa>(isa: S, a: Columns<'_>, w: Columns<'_>, cols: usize, pairs: &mut [Lanes]) {
    for (j, row) in pairs.chunks_exact_mut(cols).enumerate() {
        let (blocks, rest) = row.as_chunks_mut::<4>();
        let first = w.first + 4 * blocks.len();
        for (n, block) in blocks.iter_mut().enumerate() {
            for p in (0..LANES).step_by(S::W) {
                let mut sums = [
                    isa.load(&block[0][p..]),
                    isa.load(&block[1][p..]),
                    isa.load(&block[2][p..]),
                    isa.load(&block[3][p..]),
                ];
                for (a_t, w_t) in a.steps.chunks_exact(a.stride).zip(w.steps.chunks_exact(w.stride)) {
                    let x = isa.load(&a_t[a.first + j][p..]);
                    let at = w.first + 4 * n;
                    let w: &[Lanes; 4] = w_t[at..at + 4].try_into().unwrap_or(&[[0.0; LANES]; 4]);
                    sums[0] = isa.fma(x, isa.load(&w[0][p..]), sums[0]);
                    sums[1] = isa.fma(x, isa.load(&w[1][p..]), sums[1]);
                    sums[2] = isa.fma(x, isa.load(&w[2][p..]), sums[2]);
                    sums[3] = isa.fma(x, isa.load(&w[3][p..]), sums[3]);
                }
                isa.store(sums[0], &mut block[0][p..]);
                isa.store(sums[1], &mut block[1][p..]);
                isa.store(sums[2], &mut block[2][p..]);
                isa.store(sums[3], &mut block[3][p..]);
            }
        }
        for (n, sum) in rest.iter_mut().enumerate() {
            for p in (0..LANES).step_by(S::W) {
                let mut total = isa.load(&sum[p..]);
                for (a_t, w_t) in a.steps.chunks_exact(a.stride).zip(w.steps.chunks_exact(w.stride)) {
                    total = isa.fma(isa.load(&a_t[a.first + j][p..]), isa.load(&w_t[first + n][p..]), total);
                }
                isa.store(total, &mut sum[p..]);
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
