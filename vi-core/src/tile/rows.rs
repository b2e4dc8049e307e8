//! Rows of a table weighed against a vector: tables of finite latents that are products, without a table of their own.

use super::simd::{Isa, vectorised};

/// Units that are weighed at once.
pub(crate) const BLOCK: usize = 4;

/// Units whose norms are worked out before any of them is used.
const CHUNK: usize = 32;

/// A sum of products below this may have lost most of its terms to underflow.
pub(crate) const TINY: f64 = 1e-250;

vectorised! {
    /// `norms[i] = Σ_k row(i)[k] theta[k]`, `ratios[i] = weights[i] / norms[i]`, `sums[k] = Σ_i ratios[i] row(i)[k]`, where row(i) begins at
    /// `index[i]`. The number of units is a multiple of [`BLOCK`]. Units whose norm is below [`TINY`] have ratio 0; returns whether there is
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

/// P packs of states: θ, the sums and two rows stay in registers, so that each row is read once.
#[inline(always)]
fn in_registers<S: Isa, const P: usize>(isa: S, w: Weighing<'_>) -> bool {
    let stride = P * S::W;
    let zero = isa.splat(0.0);
    let (mut theta, mut sums) = ([zero; P], [zero; P]);
    for p in 0..P {
        theta[p] = isa.load(&w.theta[p * S::W..]);
    }
    let mut lost = 0.0;
    let pairs = w.weights.len() / 2;
    for n in 0..pairs {
        let at = 2 * if w.backwards { pairs - 1 - n } else { n };
        let (index, weights) = (&w.index[at..][..2], &w.weights[at..][..2]);
        let (a, b) = (&w.rows[index[0]..][..stride], &w.rows[index[1]..][..stride]);
        let (mut first, mut second) = ([zero; P], [zero; P]);
        // Two sums for each row: one would wait for itself.
        let mut dots = [zero; BLOCK];
        for p in 0..P {
            first[p] = isa.load(&a[p * S::W..][..S::W]);
            second[p] = isa.load(&b[p * S::W..][..S::W]);
            dots[p % 2] = isa.fma(first[p], theta[p], dots[p % 2]);
            dots[2 + p % 2] = isa.fma(second[p], theta[p], dots[2 + p % 2]);
        }
        let dots = isa.sums(dots);
        let norm = [dots[0] + dots[1], dots[2] + dots[3]];
        let mut ratio = [0.0; 2];
        for j in 0..2 {
            let quotient = weights[j] / norm[j];
            let small = norm[j] < TINY;
            ratio[j] = if small { 0.0 } else { quotient };
            lost += if small { weights[j] } else { 0.0 };
        }
        w.norms[at..][..2].copy_from_slice(&norm);
        w.ratios[at..][..2].copy_from_slice(&ratio);
        let (ra, rb) = (isa.splat(ratio[0]), isa.splat(ratio[1]));
        for p in 0..P {
            sums[p] = isa.fma(second[p], rb, isa.fma(first[p], ra, sums[p]));
        }
    }
    for p in 0..P {
        isa.store(sums[p], &mut w.sums[p * S::W..]);
    }
    lost == 0.0
}

/// Any number of packs.
#[inline(always)]
fn in_memory<S: Isa>(isa: S, w: Weighing<'_>) -> bool {
    let Weighing { rows, index, weights, theta, sums, ratios, norms, backwards } = w;
    let stride = theta.len();
    sums.fill(0.0);
    let mut whole = true;
    let chunks = weights.len().div_ceil(CHUNK);
    for n in 0..chunks {
        let start = CHUNK * if backwards { chunks - 1 - n } else { n };
        let len = CHUNK.min(weights.len() - start);
        let (index, weights) = (&index[start..][..len], &weights[start..][..len]);
        let (norms, ratios) = (&mut norms[start..][..len], &mut ratios[start..][..len]);
        // All norms first: a division waits long for its operands, and holds up whatever follows it.
        for (index, norms) in index.chunks_exact(BLOCK).zip(norms.chunks_exact_mut(BLOCK)) {
            let (a, b) = (&rows[index[0]..][..stride], &rows[index[1]..][..stride]);
            let (c, d) = (&rows[index[2]..][..stride], &rows[index[3]..][..stride]);
            let mut dots = [isa.splat(0.0); BLOCK];
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
        let mut lost = 0.0;
        for ((ratio, weight), norm) in ratios.iter_mut().zip(weights).zip(norms.iter()) {
            let quotient = weight / norm;
            let small = *norm < TINY;
            *ratio = if small { 0.0 } else { quotient };
            lost += if small { *weight } else { 0.0 };
        }
        whole &= lost == 0.0;
        for (index, ratios) in index.chunks_exact(BLOCK).zip(ratios.chunks_exact(BLOCK)) {
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
    whole
}
