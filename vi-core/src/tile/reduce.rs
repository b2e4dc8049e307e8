//! Sums over the units of a tile, in an order fixed by the number of units, and the copy of a tile out of the data.

use super::packed_len;
use super::simd::{Isa, vectorised};

/// Copies units out of strided data and moves their origin: `tile[j · n + i] = data[i · row_stride + j · col_stride] − centre[j]`.
///
/// `centre` has one entry per component; `tile` is `d × n`, component-major.
///
/// # Panics
/// If `data` or `tile` is shorter than its shape.
pub fn gather_tile(
    data: &[f64],
    row_stride: usize,
    col_stride: usize,
    n: usize,
    centre: &[f64],
    tile: &mut [f64],
) {
    let d = centre.len();
    if n == 0 || d == 0 {
        return;
    }
    let tile = &mut tile[..d * n];
    if col_stride == 1 {
        // Whole rows are read in the order of memory; the tile is small enough to be written across.
        for i in 0..n {
            let row = &data[i * row_stride..][..d];
            for (j, (&value, &centre)) in row.iter().zip(centre).enumerate() {
                tile[j * n + i] = value - centre;
            }
        }
    } else {
        for (j, (column, &centre)) in tile.chunks_exact_mut(n).zip(centre).enumerate() {
            for (i, to) in column.iter_mut().enumerate() {
                *to = data[i * row_stride + j * col_stride] - centre;
            }
        }
    }
}

/// `x[j · n + i] −= centre[j]`: moves the origin of a component-major tile.
///
/// # Panics
/// If `x` is shorter than `centre.len() · n`.
pub fn shift_tile(x: &mut [f64], n: usize, centre: &[f64]) {
    for (j, &centre) in centre.iter().enumerate() {
        for value in &mut x[j * n..][..n] {
            *value -= centre;
        }
    }
}

vectorised! {
    /// `out[i] += a · x[i]` for the shorter of the two lengths.
    pub fn add_scaled(out: &mut [f64], a: f64, x: &[f64]) = add_scaled_with;
}

vectorised! {
    /// `Σ_i w[i] x[i]` over the shorter of the two lengths.
    pub fn dot(w: &[f64], x: &[f64]) -> f64 = dot_with;
}

vectorised! {
    /// `Σ_i w[i]`
    pub fn sum(w: &[f64]) -> f64 = sum_with;
}

/// Adds `Σ_i w[i] u_i u_iᵀ` to a packed lower triangle: the statistics of a regression on the design vector `u`.
///
/// `u` is `m × n`, component-major; `w` has `n` entries; `out` has `m (m + 1) / 2`.
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn add_weighted_gram(u: &[f64], m: usize, n: usize, w: &[f64], out: &mut [f64]) {
    add_gram_kernel(u, m, n, Some(&w[..n]), out);
}

/// Adds `Σ_i u_i u_iᵀ` to a packed lower triangle; shapes as in [`add_weighted_gram`].
///
/// # Panics
/// If a slice is shorter than its shape.
pub fn add_gram(u: &[f64], m: usize, n: usize, out: &mut [f64]) {
    add_gram_kernel(u, m, n, None, out);
}

vectorised! {
    fn add_gram_kernel(u: &[f64], m: usize, n: usize, w: Option<&[f64]>, out: &mut [f64]) = add_gram_with;
}

#[inline(always)]
pub(super) fn add_scaled_with<S: Isa>(isa: S, out: &mut [f64], a: f64, x: &[f64]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = isa.scalar_fma(a, x, *out);
    }
}

#[inline(always)]
pub(super) fn dot_with<S: Isa>(isa: S, w: &[f64], x: &[f64]) -> f64 {
    let n = w.len().min(x.len());
    let (w, x) = (&w[..n], &x[..n]);
    let mut partial = [isa.splat(0.0); 4];
    let mut i = 0;
    while n - i >= 4 * S::W {
        for g in 0..4 {
            partial[g] = isa.fma(isa.load(&w[i + g * S::W..]), isa.load(&x[i + g * S::W..]), partial[g]);
        }
        i += 4 * S::W;
    }
    while n - i >= S::W {
        partial[0] = isa.fma(isa.load(&w[i..]), isa.load(&x[i..]), partial[0]);
        i += S::W;
    }
    if i < n {
        partial[1] = isa.fma(isa.load_partial(&w[i..]), isa.load_partial(&x[i..]), partial[1]);
    }
    let [a, b, c, d] = isa.sums(partial);
    (a + b) + (c + d)
}

#[inline(always)]
pub(super) fn sum_with<S: Isa>(isa: S, w: &[f64]) -> f64 {
    let mut partial = [isa.splat(0.0); 4];
    let groups = w.chunks_exact(4 * S::W);
    let packs = groups.remainder().chunks_exact(S::W);
    let rest = packs.remainder();
    for group in groups {
        for g in 0..4 {
            partial[g] = isa.add(isa.load(&group[g * S::W..]), partial[g]);
        }
    }
    for pack in packs {
        partial[0] = isa.add(isa.load(pack), partial[0]);
    }
    partial[1] = isa.add(isa.load_partial(rest), partial[1]);
    let [a, b, c, d] = isa.sums(partial);
    (a + b) + (c + d)
}

#[inline(always)]
pub(super) fn add_gram_with<S: Isa>(
    isa: S,
    u: &[f64],
    m: usize,
    n: usize,
    w: Option<&[f64]>,
    out: &mut [f64],
) {
    // Square blocks waste least on the diagonal; four columns fit beside four rows only with 32 registers.
    if S::W == 8 {
        gram_blocks::<S, 4>(isa, u, m, n, w, out);
    } else {
        gram_blocks::<S, 2>(isa, u, m, n, w, out);
    }
}

/// Blocks of four rows by `B` columns, which stay in registers while the vectors go by. The first rows make the block that is not full, since
/// theirs are the fewest columns.
#[inline(always)]
pub(super) fn gram_blocks<S: Isa, const B: usize>(
    isa: S,
    u: &[f64],
    m: usize,
    n: usize,
    w: Option<&[f64]>,
    out: &mut [f64],
) {
    let component = |j: usize| &u[j * n..][..n];
    let mut first = 0;
    while first < m {
        let end = if first == 0 && !m.is_multiple_of(4) { m % 4 } else { first + 4 };
        // Rows and columns past the end repeat the last one; their sums are dropped.
        let mut rows: [&[f64]; 4] = [&[]; 4];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = component((first + r).min(end - 1));
        }
        for left in (0..end).step_by(B) {
            let mut columns: [&[f64]; B] = [&[]; B];
            for (c, column) in columns.iter_mut().enumerate() {
                *column = component((left + c).min(end - 1));
            }
            let products = match w {
                Some(w) => products::<S, B, true>(isa, rows, columns, w),
                None => products::<S, B, false>(isa, rows, columns, &[]),
            };
            for (c, sums) in products.iter().enumerate() {
                for (row, sum) in (first..end).zip(sums) {
                    if left + c <= row {
                        out[packed_len(row) + left + c] += sum;
                    }
                }
            }
        }
        first = end;
    }
}

/// `Σ_i w[i] rows[r][i] columns[c][i]` at `[c][r]`; without `WEIGHTED`, `w` is 1 and not read.
#[inline(always)]
pub(super) fn products<S: Isa, const B: usize, const WEIGHTED: bool>(
    isa: S,
    rows: [&[f64]; 4],
    columns: [&[f64]; B],
    w: &[f64],
) -> [[f64; 4]; B] {
    // One common length, so that the bounds of the loop below are checked once.
    let n = columns[0].len();
    let (mut rows, mut columns, w) = (rows, columns, if WEIGHTED { &w[..n] } else { w });
    for r in 0..4 {
        rows[r] = &rows[r][..n];
    }
    for c in 0..B {
        columns[c] = &columns[c][..n];
    }
    let mut partial = [[isa.splat(0.0); 4]; B];
    let whole = n - n % S::W;
    for i in (0..whole).step_by(S::W) {
        let mut of_columns = [isa.splat(0.0); B];
        for c in 0..B {
            of_columns[c] = isa.load(&columns[c][i..i + S::W]);
        }
        for r in 0..4 {
            let mut of_row = isa.load(&rows[r][i..i + S::W]);
            if WEIGHTED {
                of_row = isa.mul(of_row, isa.load(&w[i..i + S::W]));
            }
            for c in 0..B {
                partial[c][r] = isa.fma(of_row, of_columns[c], partial[c][r]);
            }
        }
    }
    if whole < n {
        let i = whole;
        let mut of_columns = [isa.splat(0.0); B];
        for c in 0..B {
            of_columns[c] = isa.load_partial(&columns[c][i..]);
        }
        for r in 0..4 {
            let mut of_row = isa.load_partial(&rows[r][i..]);
            if WEIGHTED {
                of_row = isa.mul(of_row, isa.load_partial(&w[i..]));
            }
            for c in 0..B {
                partial[c][r] = isa.fma(of_row, of_columns[c], partial[c][r]);
            }
        }
    }
    let mut sums = [[0.0; 4]; B];
    for c in 0..B {
        sums[c] = isa.sums(partial[c]);
    }
    sums
}
