//! Count, sum and second moments of the vectors of a tile in one call: the statistics of a block that reads its data once.

use super::packed_len;
use super::reduce::{dot_with, products, sum_with};
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
        6 => triangle::<S, 6>(isa, square, u, d, n, w),
        3 => triangle::<S, 3>(isa, square, u, d, n, w),
        _ => triangle::<S, 2>(isa, square, u, d, n, w),
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

/// Blocks of four rows by `B` columns, which stay in registers while the vectors go by. The first rows make the block that is not full, since
/// theirs are the fewest columns.
#[inline(always)]
fn triangle<S: Isa, const B: usize>(
    isa: S,
    square: &mut [f64],
    u: &[f64],
    d: usize,
    n: usize,
    w: Option<&[f64]>,
) {
    let component = |j: usize| &u[j * n..][..n];
    let mut first = 0;
    while first < d {
        let end = if first == 0 && !d.is_multiple_of(4) { d % 4 } else { first + 4 };
        // Rows and columns past the end repeat the last one; their sums are dropped.
        let mut rows: [&[f64]; 4] = [&[]; 4];
        for r in 0..4 {
            rows[r] = component((first + r).min(end - 1));
        }
        for left in (0..end).step_by(B) {
            let mut columns: [&[f64]; B] = [&[]; B];
            for c in 0..B {
                columns[c] = component((left + c).min(end - 1));
            }
            let found = match w {
                Some(w) => products::<S, B, true>(isa, rows, columns, w),
                None => products::<S, B, false>(isa, rows, columns, &[]),
            };
            for (r, row) in (first..end).enumerate() {
                for (c, found) in found.iter().enumerate() {
                    if left + c <= row {
                        square[packed_len(row) + left + c] += found[r];
                    }
                }
            }
        }
        first = end;
    }
}
