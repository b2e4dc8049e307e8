//! Rows of a table weighed against a vector: tables of finite latents that are products, without a table of their own.

use super::simd::{Isa, MAX_LANES, vectorised};

/// Units that are weighed at once.
pub(crate) const BLOCK: usize = 8;

/// Rows, or packs of one, that registers hold beside what they are multiplied by.
const FOUR: usize = 4;

/// Units whose norms are worked out before any of them is used.
const CHUNK: usize = 32;

/// A sum of products below this may have lost most of its terms to underflow.
pub(crate) const TINY: f64 = 1e-250;

vectorised! {
    /// `norms[i] = Σ_k row(i)[k] theta[k]`, `ratios[i] = weights[i] / norms[i]`, `sums[k] = theta[k] Σ_i ratios[i] row(i)[k]`, where row(i)
    /// begins at `index[i]`. The number of units is a multiple of [`BLOCK`]. Units whose norm is below [`TINY`] have ratio 0; returns whether there is
    /// none of weight above 0. Taken `backwards` every other time, rows that do not all fit in the cache are still there when they are
    /// needed again.
    pub(crate) fn normalise(
        rows: &[f64],
        index: &[usize],
        weights: &[f64],
        theta: &[f64],
        sums: &mut [f64],
        ratios: &mut [f64],
        norms: &mut [f64],
        backwards: bool,
    ) -> bool = normalise_with;
}

/// The rows, weights and θ of [`normalise`], and where its results go.
struct Weighing<'a> {
    rows: &'a [f64],
    index: &'a [usize],
    weights: &'a [f64],
    theta: &'a [f64],
    sums: &'a mut [f64],
    ratios: &'a mut [f64],
    norms: &'a mut [f64],
    backwards: bool,
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "those of `normalise`, with the instruction set")]
fn normalise_with<S: Isa>(
    isa: S,
    rows: &[f64],
    index: &[usize],
    weights: &[f64],
    theta: &[f64],
    sums: &mut [f64],
    ratios: &mut [f64],
    norms: &mut [f64],
    backwards: bool,
) -> bool {
    let w = Weighing { rows, index, weights, theta, sums, ratios, norms, backwards };
    match w.theta.len() / S::W {
        1 => in_registers::<S, 1>(isa, w),
        2 => in_registers::<S, 2>(isa, w),
        3 => in_registers::<S, 3>(isa, w),
        4 => in_registers::<S, 4>(isa, w),
        5 => in_registers::<S, 5>(isa, w),
        6 => in_registers::<S, 6>(isa, w),
        7 => in_registers::<S, 7>(isa, w),
        _ => in_memory(isa, w),
    }
}

/// P packs of states: θ and the sums stay in registers, and eight rows at a time in the nearest cache.
#[inline(always)]
fn in_registers<S: Isa, const P: usize>(isa: S, w: Weighing<'_>) -> bool {
    let stride = P * S::W;
    let zero = isa.splat(0.0);
    let (mut theta, mut sums) = ([zero; P], [zero; P]);
    for p in 0..P {
        theta[p] = isa.load(&w.theta[p * S::W..]);
    }
    let mut lost = false;
    let blocks = w.weights.len() / BLOCK;
    for n in 0..blocks {
        let at = BLOCK * if w.backwards { blocks - 1 - n } else { n };
        let rows = block(w.rows, &w.index[at..], stride);
        let mut dots = [zero; BLOCK];
        for p in 0..P {
            for j in 0..BLOCK {
                dots[j] = isa.fma(isa.load(&rows[j][p * S::W..][..S::W]), theta[p], dots[j]);
            }
        }
        let norms = isa.sums_of_eight(dots);
        let weights = &w.weights[at..][..BLOCK];
        let mut ratios = [0.0; BLOCK];
        for j in 0..BLOCK {
            let quotient = weights[j] / norms[j];
            let small = norms[j] < TINY;
            ratios[j] = if small { 0.0 } else { quotient };
            lost |= small & (weights[j] > 0.0);
        }
        w.norms[at..][..BLOCK].copy_from_slice(&norms);
        w.ratios[at..][..BLOCK].copy_from_slice(&ratios);
        for j in 0..BLOCK {
            let ratio = isa.splat(ratios[j]);
            for p in 0..P {
                sums[p] = isa.fma(isa.load(&rows[j][p * S::W..][..S::W]), ratio, sums[p]);
            }
        }
    }
    for p in 0..P {
        isa.store(isa.mul(sums[p], theta[p]), &mut w.sums[p * S::W..]);
    }
    !lost
}

/// Any number of packs: θ and the sums are read once for four rows, which is what there are address registers for.
#[inline(always)]
fn in_memory<S: Isa>(isa: S, w: Weighing<'_>) -> bool {
    let Weighing { rows, index, weights, theta, sums, ratios, norms, backwards } = w;
    let stride = theta.len();
    sums.fill(0.0);
    let mut lost = false;
    let chunks = weights.len().div_ceil(CHUNK);
    for n in 0..chunks {
        let start = CHUNK * if backwards { chunks - 1 - n } else { n };
        let len = CHUNK.min(weights.len() - start);
        let (index, weights) = (&index[start..][..len], &weights[start..][..len]);
        let (norms, ratios) = (&mut norms[start..][..len], &mut ratios[start..][..len]);
        // All norms first: a division waits long for its operands, and holds up whatever follows it.
        for (index, norms) in index.chunks_exact(FOUR).zip(norms.chunks_exact_mut(FOUR)) {
            let (a, b) = (&rows[index[0]..][..stride], &rows[index[1]..][..stride]);
            let (c, d) = (&rows[index[2]..][..stride], &rows[index[3]..][..stride]);
            let mut dots = [isa.splat(0.0); FOUR];
            let packs = theta.chunks_exact(S::W).zip(a.chunks_exact(S::W)).zip(b.chunks_exact(S::W));
            for (((t, a), b), (c, d)) in packs.zip(c.chunks_exact(S::W).zip(d.chunks_exact(S::W))) {
                let t = isa.load(t);
                dots[0] = isa.fma(isa.load(a), t, dots[0]);
                dots[1] = isa.fma(isa.load(b), t, dots[1]);
                dots[2] = isa.fma(isa.load(c), t, dots[2]);
                dots[3] = isa.fma(isa.load(d), t, dots[3]);
            }
            norms.copy_from_slice(&isa.sums(dots));
        }
        for ((ratio, weight), norm) in ratios.iter_mut().zip(weights).zip(norms.iter()) {
            let quotient = weight / norm;
            let small = *norm < TINY;
            *ratio = if small { 0.0 } else { quotient };
            lost |= small & (*weight > 0.0);
        }
        for (index, ratios) in index.chunks_exact(FOUR).zip(ratios.chunks_exact(FOUR)) {
            let (a, b) = (&rows[index[0]..][..stride], &rows[index[1]..][..stride]);
            let (c, d) = (&rows[index[2]..][..stride], &rows[index[3]..][..stride]);
            let (ra, rb) = (isa.splat(ratios[0]), isa.splat(ratios[1]));
            let (rc, rd) = (isa.splat(ratios[2]), isa.splat(ratios[3]));
            let packs = sums.chunks_exact_mut(S::W).zip(a.chunks_exact(S::W)).zip(b.chunks_exact(S::W));
            for (((sum, a), b), (c, d)) in packs.zip(c.chunks_exact(S::W).zip(d.chunks_exact(S::W))) {
                let mut total = isa.fma(isa.load(a), ra, isa.load(sum));
                total = isa.fma(isa.load(b), rb, total);
                total = isa.fma(isa.load(c), rc, total);
                isa.store(isa.fma(isa.load(d), rd, total), sum);
            }
        }
    }
    for (sum, theta) in sums.iter_mut().zip(theta) {
        *sum *= theta;
    }
    !lost
}

/// The rows that begin at the first [`BLOCK`] indices. Written out: an array mapped by a closure is a call.
#[inline(always)]
fn block<'r>(rows: &'r [f64], index: &[usize], stride: usize) -> [&'r [f64]; BLOCK] {
    let row = |j: usize| &rows[index[j]..][..stride];
    [row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)]
}

vectorised! {
    /// row(v) ← row(v) + Σ ratios\[i\] theta(groups\[i\]) over i from `ends[v − 1]` to `ends[v]`, in order, where rows and thetas are `stride`
    /// long: each row is written once.
    pub(crate) fn add_rows(
        table: &mut [f64],
        stride: usize,
        ends: &[usize],
        groups: &[u32],
        ratios: &[f64],
        thetas: &[f64],
    ) = add_rows_with;
}

#[inline(always)]
fn add_rows_with<S: Isa>(
    isa: S,
    table: &mut [f64],
    stride: usize,
    ends: &[usize],
    groups: &[u32],
    ratios: &[f64],
    thetas: &[f64],
) {
    let mut start = 0;
    for (row, end) in table.chunks_exact_mut(stride).zip(ends) {
        let (groups, ratios) = (&groups[start..*end], &ratios[start..*end]);
        let mut at = 0;
        while stride - at >= FOUR * S::W {
            add_packs::<S, FOUR>(isa, &mut row[at..], groups, ratios, thetas, stride, at);
            at += FOUR * S::W;
        }
        while at < stride {
            add_packs::<S, 1>(isa, &mut row[at..], groups, ratios, thetas, stride, at);
            at += S::W;
        }
        start = *end;
    }
}

/// `P` packs of a row, from entry `at` of each theta.
#[inline(always)]
fn add_packs<S: Isa, const P: usize>(
    isa: S,
    row: &mut [f64],
    groups: &[u32],
    ratios: &[f64],
    thetas: &[f64],
    stride: usize,
    at: usize,
) {
    let row = &mut row[..P * S::W];
    let mut sums = [isa.splat(0.0); P];
    for p in 0..P {
        sums[p] = isa.load(&row[p * S::W..]);
    }
    for (group, ratio) in groups.iter().zip(ratios) {
        let theta = &thetas[*group as usize * stride + at..][..P * S::W];
        let ratio = isa.splat(*ratio);
        for p in 0..P {
            sums[p] = isa.fma(isa.load(&theta[p * S::W..]), ratio, sums[p]);
        }
    }
    for p in 0..P {
        isa.store(sums[p], &mut row[p * S::W..]);
    }
}

vectorised! {
    /// Asks for the rows of these values to be brought near.
    pub(crate) fn fetch(table: &[f64], stride: usize, values: &[u32]) = fetch_with;
}

#[inline(always)]
fn fetch_with<S: Isa>(isa: S, table: &[f64], stride: usize, values: &[u32]) {
    for v in values {
        isa.fetch(&table[*v as usize * stride..][..stride]);
    }
}

vectorised! {
    /// own ← prior + counts. Returns Σ |change| and Σ own.
    pub(crate) fn renew(own: &mut [f64], prior: &[f64], counts: &[f64]) -> (f64, f64) = renew_with;
}

#[inline(always)]
fn renew_with<S: Isa>(_: S, own: &mut [f64], prior: &[f64], counts: &[f64]) -> (f64, f64) {
    let (mut moved, mut total) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
    let n = own.len().min(prior.len()).min(counts.len());
    let (own, prior, counts) = (&mut own[..n], &prior[..n], &counts[..n]);
    let mut renew = |own: &mut f64, prior: f64, count: f64, lane: usize| {
        let new = prior + count;
        moved[lane] += (new - *own).abs();
        total[lane] += new;
        *own = new;
    };
    let whole = n / MAX_LANES * MAX_LANES;
    let packs = prior.chunks_exact(MAX_LANES).zip(counts.chunks_exact(MAX_LANES));
    for (own, (prior, counts)) in own.chunks_exact_mut(MAX_LANES).zip(packs) {
        for lane in 0..MAX_LANES {
            renew(&mut own[lane], prior[lane], counts[lane], lane);
        }
    }
    for i in whole..n {
        renew(&mut own[i], prior[i], counts[i], i - whole);
    }
    (moved.iter().sum(), total.iter().sum())
}
