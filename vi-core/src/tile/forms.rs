//! Quadratic forms of many vectors in one matrix.

use super::reduce::products;
use super::simd::{Isa, vectorised};

vectorised! {
    /// `out[r] = eᵣᵀ M eᵣ`, where eᵣ is the `side` numbers from `r · stride` on and `M` is symmetric, `side × side`.
    ///
    /// Every product M e is formed before it is weighed with e: where e is all but orthogonal to the matrix, what cancels does so among numbers
    /// of one size.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn quadratic_forms(matrix: &[f64], side: usize, rows: &[f64], stride: usize, out: &mut [f64]) = quadratic_forms_with;
}

#[inline(always)]
pub(super) fn quadratic_forms_with<S: Isa>(
    isa: S,
    matrix: &[f64],
    side: usize,
    rows: &[f64],
    stride: usize,
    out: &mut [f64],
) {
    match S::COLUMNS {
        6 => blocks::<S, 6>(isa, matrix, side, rows, stride, out),
        3 => blocks::<S, 3>(isa, matrix, side, rows, stride, out),
        _ => blocks::<S, 2>(isa, matrix, side, rows, stride, out),
    }
}

/// Four rows of the matrix by `B` vectors at a time.
#[inline(always)]
fn blocks<S: Isa, const B: usize>(
    isa: S,
    matrix: &[f64],
    side: usize,
    rows: &[f64],
    stride: usize,
    out: &mut [f64],
) {
    let n = out.len();
    out.fill(0.0);
    if side == 0 {
        return;
    }
    for first in (0..n).step_by(B) {
        // Vectors and rows past the end repeat the last one; their products are dropped.
        let mut vectors: [&[f64]; B] = [&[]; B];
        for c in 0..B {
            vectors[c] = &rows[(first + c).min(n - 1) * stride..][..side];
        }
        for top in (0..side).step_by(4) {
            let mut four: [&[f64]; 4] = [&[]; 4];
            for r in 0..4 {
                four[r] = &matrix[(top + r).min(side - 1) * side..][..side];
            }
            let found = products::<S, B, false>(isa, four, vectors, &[]);
            for (c, out) in out[first..].iter_mut().take(B).enumerate() {
                for (r, i) in (top..side).take(4).enumerate() {
                    *out += vectors[c][i] * found[c][r];
                }
            }
        }
    }
}
