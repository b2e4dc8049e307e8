//! Count, sum and second moments of the vectors of a tile in one call: the statistics of a block that reads its data once.

use super::packed_len;
use super::reduce::{dot_with, gram_blocks, sum_with};
use super::simd::{Isa, vectorised};

vectorised! {
    /// Adds `n` vectors of length `d` to `totals`: `Σ w`, then `Σ w u`, then the packed lower triangle of `Σ w u uᵀ`. Without weights, w is 1.
    ///
    /// `u` is `d × n`, component-major.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn add_scatter(totals: &mut [f64], u: &[f64], d: usize, n: usize, w: Option<&[f64]>) = add_scatter_with;
}

#[inline(always)]
pub(super) fn add_scatter_with<S: Isa>(
    isa: S,
    totals: &mut [f64],
    u: &[f64],
    d: usize,
    n: usize,
    w: Option<&[f64]>,
) {
    if n == 0 {
        return;
    }
    let (u, w) = (&u[..d * n], w.map(|w| &w[..n]));
    let (count, rest) = totals[..1 + d + packed_len(d)].split_at_mut(1);
    let (sums, square) = rest.split_at_mut(d);
    count[0] += w.map_or(n as f64, |w| sum_with(isa, w));
    for (total, x) in sums.iter_mut().zip(u.chunks_exact(n)) {
        *total += w.map_or_else(|| sum_with(isa, x), |w| dot_with(isa, w, x));
    }
    if n < S::W {
        return one_by_one(isa, square, u, d, n, w);
    }
    match S::COLUMNS {
        6 => gram_blocks::<S, 6>(isa, u, d, n, w, square),
        3 => gram_blocks::<S, 3>(isa, u, d, n, w, square),
        _ => gram_blocks::<S, 2>(isa, u, d, n, w, square),
    }
}

/// Fewer vectors than a pack has lanes.
#[inline(always)]
fn one_by_one<S: Isa>(isa: S, square: &mut [f64], u: &[f64], d: usize, n: usize, w: Option<&[f64]>) {
    for r in 0..n {
        let mut square = square.iter_mut();
        for i in 0..d {
            let weighted = w.map_or(1.0, |w| w[r]) * u[i * n + r];
            for (j, total) in (&mut square).take(i + 1).enumerate() {
                *total = isa.scalar_fma(weighted, u[j * n + r], *total);
            }
        }
    }
}
