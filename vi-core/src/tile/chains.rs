//! Sequences side by side, one in each lane: forward and backward through all of them at once.
//!
//! Arrays are `steps × states × LANES`, lanes fastest. A lane whose sequence has ended has the weight 0 in every state.

use super::exp::exp_pack;
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
    /// Some steps forward: log potentials become weights, in place, and the filtered probabilities follow from those of the step before.
    ///
    /// ```text
    /// shift[t] = maxₖ b[t, k]         b[t, k] ← exp(b[t, k] − shift[t])
    /// α[t, k] = b[t, k] Σⱼ α[t−1, j] factor[j, k] / scale[t]        scale[t] = Σₖ of what it divides
    /// ```
    ///
    /// `factor` is `states × states`, the earlier state outside; `first` is the number of the first of these steps, and without a step
    /// before it every state is as likely as its weight. A lane in which a step has no weight, or one that is no number, gets a scale that
    /// has no finite logarithm. Where `strict`, lanes that meet a number too small are marked in `lost`.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn forward(b: &mut [f64], factor: &[f64], states: usize, lengths: &[usize; LANES], first: usize, strict: bool, alpha: &mut [f64], shift: &mut [Lanes], scale: &mut [Lanes], lost: &mut [bool; LANES]) = forward_with;
}

vectorised! {
    /// Some steps backward: smoothed probabilities from filtered ones, and the products of neighbours, added up over steps and lanes.
    ///
    /// ```text
    /// w[t+1, k] = b[t+1, k] β[t+1, k] / scale[t+1]       β[t, j] = Σₖ factor[j, k] w[t+1, k]
    /// pairs[j, k] += Σ copies α[t, j] w[t+1, k]          to be multiplied by factor[j, k]
    /// smooth[t, j] = α[t, j] β[t, j]
    /// ```
    ///
    /// `alpha` and `smooth` hold the steps from `first` on, `b` and `scale` those and all that follow; `after` is β of the step that
    /// follows, and is left as that of the first. `transposed` has the later state outside. `pairs` is
    /// `states × states × `[`lanes`](super::lanes): what stands there is still to be added over the last index.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn backward(b: &[f64], transposed: &[f64], states: usize, lengths: &[usize; LANES], first: usize, scale: &[Lanes], alpha: &[f64], copies: &Lanes, after: &mut [Lanes], room: &mut Vec<Lanes>, smooth: &mut [f64], pairs: &mut [f64]) = backward_with;
}

#[inline(always)]
pub(super) fn forward_with<S: Isa>(
    isa: S,
    b: &mut [f64],
    factor: &[f64],
    states: usize,
    lengths: &[usize; LANES],
    first: usize,
    strict: bool,
    alpha: &mut [f64],
    shift: &mut [Lanes],
    scale: &mut [Lanes],
    lost: &mut [bool; LANES],
) {
    let mut bad = [0.0; LANES];
    to_weights(isa, b, states, strict, shift, &mut bad);
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks_mut::<LANES>().0);
    let before = usize::from(first > 0);
    for (n, (b, scale)) in b.chunks_exact(states).zip(scale).enumerate() {
        let (before, now) = alpha.split_at_mut((n + before) * states);
        let now = &mut now[..states];
        if before.is_empty() {
            now.copy_from_slice(b);
        } else {
            product(isa, &before[before.len() - states..], factor, states, Some(b), now);
        }
        divide(isa, now, first + n, lengths, strict, scale, &mut bad);
    }
    for l in 0..LANES {
        lost[l] |= bad[l] > 0.0;
    }
}

/// Divides the weights of a step by their sum; those of sequences that have ended become 0.
#[inline(always)]
pub(super) fn divide<S: Isa>(
    isa: S,
    now: &mut [Lanes],
    t: usize,
    lengths: &[usize; LANES],
    strict: bool,
    scale: &mut Lanes,
    bad: &mut Lanes,
) {
    let one = isa.splat(1.0);
    total(isa, now, scale);
    let mut inverse = [0.0; LANES];
    for p in (0..LANES).step_by(S::W) {
        isa.store(isa.div(one, isa.load(&scale[p..])), &mut inverse[p..]);
    }
    if lengths.iter().any(|n| t >= *n) {
        for l in (0..LANES).filter(|l| t >= lengths[*l]) {
            (inverse[l], scale[l]) = (0.0, 1.0);
        }
    }
    for p in (0..LANES).step_by(S::W) {
        let inverse = isa.load(&inverse[p..]);
        for a in &mut *now {
            isa.store(isa.mul(isa.load(&a[p..]), inverse), &mut a[p..]);
        }
    }
    if strict {
        mark_small(isa, now, bad);
    }
}

/// Marks lanes with a number that is nearly zero: zero itself is a structural zero.
#[inline(always)]
pub(super) fn mark_small<S: Isa>(isa: S, now: &[Lanes], bad: &mut Lanes) {
    let (zero, one, smallest) = (isa.splat(0.0), isa.splat(1.0), isa.splat(SMALLEST));
    for p in (0..LANES).step_by(S::W) {
        let mut small = isa.load(&bad[p..]);
        for a in now {
            let a = isa.load(&a[p..]);
            small = isa.select_less(a, smallest, isa.select_less(zero, a, one, small), small);
        }
        isa.store(small, &mut bad[p..]);
    }
}

/// Log potentials become weights, and lanes with one too small are marked.
#[inline(always)]
pub(super) fn to_weights<S: Isa>(
    isa: S,
    b: &mut [f64],
    states: usize,
    strict: bool,
    shift: &mut [Lanes],
    bad: &mut Lanes,
) {
    let (never, lowest, one) = (isa.splat(f64::NEG_INFINITY), isa.splat(LOWEST), isa.splat(1.0));
    for (row, shift) in b.chunks_exact_mut(states * LANES).zip(shift) {
        let row = row.as_chunks_mut::<LANES>().0;
        for p in (0..LANES).step_by(S::W) {
            // A step without weight keeps it: nothing is left of −∞ less a number.
            let mut top = isa.splat(f64::MIN);
            for x in &*row {
                top = isa.max(isa.load(&x[p..]), top);
            }
            isa.store(top, &mut shift[p..]);
            let mut low = isa.load(&bad[p..]);
            for x in &mut *row {
                let log = isa.sub(isa.load(&x[p..]), top);
                isa.store(exp_pack(isa, log), &mut x[p..]);
                if strict {
                    low = isa.select_less(log, lowest, isa.select_less(never, log, one, low), low);
                }
            }
            isa.store(low, &mut bad[p..]);
        }
    }
}

/// `out = Σₖ x[k]`, lane by lane.
#[inline(always)]
fn total<S: Isa>(isa: S, x: &[Lanes], out: &mut Lanes) {
    let one = isa.splat(1.0);
    let (fours, rest) = x.as_chunks::<4>();
    for p in (0..LANES).step_by(S::W) {
        // Four sums, so that additions need not wait for each other.
        let mut sums = [isa.splat(0.0); 4];
        for x in fours {
            for i in 0..4 {
                sums[i] = isa.fma(isa.load(&x[i][p..]), one, sums[i]);
            }
        }
        for x in rest {
            sums[0] = isa.fma(isa.load(&x[p..]), one, sums[0]);
        }
        let (low, high) = (isa.fma(sums[0], one, sums[1]), isa.fma(sums[2], one, sums[3]));
        isa.store(isa.fma(low, one, high), &mut out[p..]);
    }
}

/// `out = Σₖ x[k] y[k]`, lane by lane.
#[inline(always)]
fn dot<S: Isa>(isa: S, x: &[Lanes], y: &[Lanes], out: &mut Lanes) {
    let one = isa.splat(1.0);
    let (xs, x) = x.as_chunks::<4>();
    let (ys, y) = y.as_chunks::<4>();
    for p in (0..LANES).step_by(S::W) {
        let mut sums = [isa.splat(0.0); 4];
        for (x, y) in xs.iter().zip(ys) {
            for i in 0..4 {
                sums[i] = isa.fma(isa.load(&x[i][p..]), isa.load(&y[i][p..]), sums[i]);
            }
        }
        for (x, y) in x.iter().zip(y) {
            sums[0] = isa.fma(isa.load(&x[p..]), isa.load(&y[p..]), sums[0]);
        }
        let (low, high) = (isa.fma(sums[0], one, sums[1]), isa.fma(sums[2], one, sums[3]));
        isa.store(isa.fma(low, one, high), &mut out[p..]);
    }
}

/// `out[k] = weight[k] Σⱼ x[j] factor[j, k]` for so many k, lane by lane.
#[inline(always)]
pub(super) fn product<S: Isa>(
    isa: S,
    x: &[Lanes],
    factor: &[f64],
    states: usize,
    weight: Option<&[Lanes]>,
    out: &mut [Lanes],
) {
    let mut k = 0;
    if S::W == LANES {
        while k + 8 <= states {
            product_of::<S, 8, 1>(isa, x, factor, states, k, weight, out);
            k += 8;
        }
        while k + 4 <= states {
            product_of::<S, 4, 1>(isa, x, factor, states, k, weight, out);
            k += 4;
        }
        while k < states {
            product_of::<S, 1, 1>(isa, x, factor, states, k, weight, out);
            k += 1;
        }
    } else {
        while k + 4 <= states {
            product_of::<S, 4, 2>(isa, x, factor, states, k, weight, out);
            k += 4;
        }
        while k < states {
            product_of::<S, 1, 2>(isa, x, factor, states, k, weight, out);
            k += 1;
        }
    }
}

/// `K` sums for `Q` packs at a time stay in registers.
#[inline(always)]
fn product_of<S: Isa, const K: usize, const Q: usize>(
    isa: S,
    x: &[Lanes],
    factor: &[f64],
    states: usize,
    k: usize,
    weight: Option<&[Lanes]>,
    out: &mut [Lanes],
) {
    let out = &mut out[k..k + K];
    let weight = weight.map(|w| &w[k..k + K]);
    for p in (0..LANES).step_by(S::W * Q) {
        let mut sums = [[isa.splat(0.0); Q]; K];
        let mut from = k;
        for x in x {
            let row = &factor[from..from + K];
            from += states;
            let mut a = [isa.splat(0.0); Q];
            for q in 0..Q {
                a[q] = isa.load(&x[p + q * S::W..]);
            }
            for i in 0..K {
                let f = isa.splat(row[i]);
                for q in 0..Q {
                    sums[i][q] = isa.fma(a[q], f, sums[i][q]);
                }
            }
        }
        if let Some(weight) = weight {
            for i in 0..K {
                for q in 0..Q {
                    sums[i][q] = isa.mul(sums[i][q], isa.load(&weight[i][p + q * S::W..]));
                }
            }
        }
        for i in 0..K {
            for q in 0..Q {
                isa.store(sums[i][q], &mut out[i][p + q * S::W..]);
            }
        }
    }
}

/// Numbers of one array whose products of neighbours are added up in registers: few enough that three such arrays stay in the nearest cache.
pub(super) const BLOCK: usize = 256;

#[inline(always)]
pub(super) fn backward_with<S: Isa>(
    isa: S,
    b: &[f64],
    transposed: &[f64],
    states: usize,
    lengths: &[usize; LANES],
    first: usize,
    scale: &[Lanes],
    alpha: &[f64],
    copies: &Lanes,
    after: &mut [Lanes],
    room: &mut Vec<Lanes>,
    smooth: &mut [f64],
    pairs: &mut [f64],
) {
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks::<LANES>().0);
    let smooth = smooth.as_chunks_mut::<LANES>().0;
    let block = (BLOCK / states.max(1)).clamp(2, 32);
    room.resize(room.len().max(2 * states * block), [0.0; LANES]);
    let (ws, betas) = room.split_at_mut(states * block);
    let mut end = alpha.len() / states.max(1);
    while end > 0 {
        let start = end.saturating_sub(block);
        let filtered = &alpha[start * states..end * states];
        for n in (start..end).rev() {
            let here = (n - start) * states;
            let w = &mut ws[here..here + states];
            let (beta, next) = betas[here..].split_at_mut(states);
            let after = if n + 1 < end { &next[..states] } else { &*after };
            if n + 1 < scale.len() {
                weigh(isa, &b[(n + 1) * states..][..states], after, &scale[n + 1], w);
                product(isa, w, transposed, states, None, beta);
            } else {
                w.fill([0.0; LANES]);
            }
            end_with_one(beta, first + n, lengths);
        }
        balance(isa, filtered, &mut betas[..filtered.len()], states, first + start, lengths);
        after.copy_from_slice(&betas[..states]);
        let ws = &mut ws[..filtered.len()];
        multiply(ws, copies);
        let columns = |steps| Columns { steps, stride: states, first: 0 };
        add_products(isa, columns(filtered), columns(ws), [states; 2], pairs);
        smoothed(isa, filtered, betas, &mut smooth[start * states..end * states]);
        end = start;
    }
}

/// `w = b β / scale`
#[inline(always)]
pub(super) fn weigh<S: Isa>(isa: S, b: &[Lanes], beta: &[Lanes], scale: &Lanes, w: &mut [Lanes]) {
    for p in (0..LANES).step_by(S::W) {
        let inverse = isa.div(isa.splat(1.0), isa.load(&scale[p..]));
        for ((w, b), beta) in w.iter_mut().zip(b).zip(beta) {
            let b = isa.mul(isa.load(&b[p..]), inverse);
            isa.store(isa.mul(b, isa.load(&beta[p..])), &mut w[p..]);
        }
    }
}

/// Nothing follows the last step of a sequence.
#[inline(always)]
pub(super) fn end_with_one(beta: &mut [Lanes], t: usize, lengths: &[usize; LANES]) {
    if lengths.iter().any(|n| t + 1 >= *n) {
        for beta in beta {
            for l in 0..LANES {
                beta[l] = if t + 1 < lengths[l] { beta[l] } else { 1.0 };
            }
        }
    }
}

/// Σ α β is 1 in every step but for rounding, which would add up over many steps.
#[inline(always)]
pub(super) fn balance<S: Isa>(
    isa: S,
    alpha: &[Lanes],
    betas: &mut [Lanes],
    states: usize,
    first: usize,
    lengths: &[usize; LANES],
) {
    let mut inverse = [0.0; LANES];
    dot(isa, &betas[..states], &alpha[..states], &mut inverse);
    for l in 0..LANES {
        inverse[l] = if first < lengths[l] { 1.0 / inverse[l] } else { 1.0 };
    }
    for p in (0..LANES).step_by(S::W) {
        let inverse = isa.load(&inverse[p..]);
        for beta in &mut *betas {
            isa.store(isa.mul(isa.load(&beta[p..]), inverse), &mut beta[p..]);
        }
    }
}

/// Each lane as often as it counts.
#[inline(always)]
pub(super) fn multiply(ws: &mut [Lanes], copies: &Lanes) {
    if copies.iter().any(|c| *c != 1.0) {
        for w in ws {
            for l in 0..LANES {
                w[l] *= copies[l];
            }
        }
    }
}

/// `out = α β`
#[inline(always)]
pub(super) fn smoothed<S: Isa>(isa: S, alpha: &[Lanes], beta: &[Lanes], out: &mut [Lanes]) {
    for ((out, a), beta) in out.iter_mut().zip(alpha).zip(beta) {
        for p in (0..LANES).step_by(S::W) {
            isa.store(isa.mul(isa.load(&a[p..]), isa.load(&beta[p..])), &mut out[p..]);
        }
    }
}

/// Some of the numbers of each step: `steps[t · stride + first + j]`.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub steps: &'a [Lanes],
    pub stride: usize,
    pub first: usize,
}

/// `pairs[j, k] += Σ a[t, j] w[t, k]`, over steps and packs of lanes.
#[inline(always)]
pub(super) fn add_products<S: Isa>(
    isa: S,
    a: Columns<'_>,
    w: Columns<'_>,
    [rows, cols]: [usize; 2],
    pairs: &mut [f64],
) {
    let mut j = 0;
    if S::W == LANES {
        while j + 4 <= rows {
            add_rows::<S, 4>(isa, a, w, cols, j, pairs);
            j += 4;
        }
    }
    while j + 2 <= rows {
        add_rows::<S, 2>(isa, a, w, cols, j, pairs);
        j += 2;
    }
    while j < rows {
        add_rows::<S, 1>(isa, a, w, cols, j, pairs);
        j += 1;
    }
}

#[inline(always)]
fn add_rows<S: Isa, const J: usize>(
    isa: S,
    a: Columns<'_>,
    w: Columns<'_>,
    cols: usize,
    j: usize,
    pairs: &mut [f64],
) {
    let mut k = 0;
    while k + 4 <= cols {
        add_corner::<S, J, 4>(isa, a, w, cols, (j, k), pairs);
        k += 4;
    }
    while k < cols {
        add_corner::<S, J, 1>(isa, a, w, cols, (j, k), pairs);
        k += 1;
    }
}

/// `J × K` sums stay in registers.
#[inline(always)]
fn add_corner<S: Isa, const J: usize, const K: usize>(
    isa: S,
    a: Columns<'_>,
    w: Columns<'_>,
    cols: usize,
    (j, k): (usize, usize),
    pairs: &mut [f64],
) {
    let mut sums = [[isa.splat(0.0); K]; J];
    for r in 0..J {
        let row = &pairs[((j + r) * cols + k) * S::W..][..K * S::W];
        for c in 0..K {
            sums[r][c] = isa.load(&row[c * S::W..]);
        }
    }
    let (x, y) = (a.steps.chunks_exact(a.stride), w.steps.chunks_exact(w.stride));
    for (x, y) in x.zip(y) {
        let (x, y) = (&x[a.first + j..][..J], &y[w.first + k..][..K]);
        for p in (0..LANES).step_by(S::W) {
            let mut later = [isa.splat(0.0); K];
            for c in 0..K {
                later[c] = isa.load(&y[c][p..]);
            }
            for r in 0..J {
                let earlier = isa.load(&x[r][p..]);
                for c in 0..K {
                    sums[r][c] = isa.fma(earlier, later[c], sums[r][c]);
                }
            }
        }
    }
    for r in 0..J {
        let row = &mut pairs[((j + r) * cols + k) * S::W..][..K * S::W];
        for c in 0..K {
            isa.store(sums[r][c], &mut row[c * S::W..]);
        }
    }
}

vectorised! {
    /// Puts a table for each lane (`states × n[lane]`, state-major) into the lanes of `n` steps; −∞ where a lane has no more units.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn spread(tables: &[&[f64]; LANES], counts: &[usize; LANES], states: usize, n: usize, steps: &mut [f64]) = spread_with;
}

vectorised! {
    /// The inverse of [`spread`].
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn gather(steps: &[f64], states: usize, counts: &[usize; LANES], tables: &mut [&mut [f64]; LANES]) = gather_with;
}

#[inline(always)]
pub(super) fn spread_with<S: Isa>(
    isa: S,
    tables: &[&[f64]; LANES],
    counts: &[usize; LANES],
    states: usize,
    n: usize,
    steps: &mut [f64],
) {
    let steps = &mut steps.as_chunks_mut::<LANES>().0[..n * states];
    let full = counts.iter().all(|c| *c == n);
    for k in 0..states {
        let mut rows: [&[f64]; LANES] = [&[]; LANES];
        for l in 0..LANES {
            rows[l] = &tables[l][k * counts[l]..][..counts[l]];
        }
        let mut first = 0;
        while full && first + 4 <= n {
            for half in [0, 4] {
                let mut square = [&[0.0; 4]; 4];
                for l in 0..4 {
                    square[l] = rows[half + l][first..].first_chunk().unwrap_or(&[0.0; 4]);
                }
                let columns = isa.turned(square);
                for i in 0..4 {
                    steps[(first + i) * states + k][half..half + 4].copy_from_slice(&columns[i]);
                }
            }
            first += 4;
        }
        for i in first..n {
            for l in 0..LANES {
                steps[i * states + k][l] = rows[l].get(i).copied().unwrap_or(f64::NEG_INFINITY);
            }
        }
    }
}

#[inline(always)]
pub(super) fn gather_with<S: Isa>(
    isa: S,
    steps: &[f64],
    states: usize,
    counts: &[usize; LANES],
    tables: &mut [&mut [f64]; LANES],
) {
    let steps = steps.as_chunks::<LANES>().0;
    let all = counts.iter().copied().min().unwrap_or(0) / 4 * 4;
    for k in 0..states {
        for first in (0..all).step_by(4) {
            for half in [0, 4] {
                let mut square = [&[0.0; 4]; 4];
                for i in 0..4 {
                    square[i] = steps[(first + i) * states + k][half..].first_chunk().unwrap_or(&[0.0; 4]);
                }
                let rows = isa.turned(square);
                for l in 0..4 {
                    let lane = half + l;
                    tables[lane][k * counts[lane] + first..][..4].copy_from_slice(&rows[l]);
                }
            }
        }
        for (lane, table) in tables.iter_mut().enumerate() {
            let n = counts[lane];
            for i in all..n {
                table[k * n + i] = steps[i * states + k][lane];
            }
        }
    }
}
