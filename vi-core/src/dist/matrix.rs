//! Factors of symmetric positive definite matrices, as the matrix laws need them.

#[cfg(feature = "serde")]
use super::DomainError;
use nalgebra::{Cholesky, DMatrix};

/// The lower Cholesky factor; `None` unless `m` is finite, square, symmetric to rounding and positive definite.
pub(crate) fn cholesky(m: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    if !m.is_square() || m.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let n = m.nrows();
    for i in 0..n {
        for j in 0..i {
            let scale = (m[(i, i)].abs() * m[(j, j)].abs()).sqrt();
            if (m[(i, j)] - m[(j, i)]).abs() > 1e-8 * scale {
                return None;
            }
        }
    }
    Cholesky::new(m.clone()).map(|c| c.unpack())
}

/// log det(L Lᵀ) for a triangular L.
pub(crate) fn log_det(factor: &DMatrix<f64>) -> f64 {
    2.0 * factor.diagonal().iter().map(|v| v.ln()).sum::<f64>()
}

/// L⁻¹ B for a lower triangular L; NaN everywhere if L is singular.
pub(crate) fn solve_lower(factor: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    factor.solve_lower_triangular(b).unwrap_or_else(|| DMatrix::from_element(b.nrows(), b.ncols(), f64::NAN))
}

/// (L Lᵀ)⁻¹ for a lower triangular L, symmetric to the last bit.
pub(crate) fn inverse_from_factor(factor: &DMatrix<f64>) -> DMatrix<f64> {
    let inverse = solve_lower(factor, &DMatrix::identity(factor.nrows(), factor.nrows()));
    let mut product = inverse.tr_mul(&inverse);
    product.fill_lower_triangle_with_upper_triangle();
    product
}

/// L Lᵀ, symmetric to the last bit.
pub(crate) fn gram(factor: &DMatrix<f64>) -> DMatrix<f64> {
    let mut product = factor * factor.transpose();
    product.fill_lower_triangle_with_upper_triangle();
    product
}

/// The eigenvalues of B⁻¹A from the Cholesky factors of A and B.
pub(crate) fn relative_eigenvalues(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Vec<f64> {
    let whitened = gram(&solve_lower(b, a));
    // The iteration for the eigenvalues does not end on values that are not finite.
    if whitened.iter().any(|v| !v.is_finite()) {
        return vec![f64::NAN; whitened.nrows()];
    }
    whitened.symmetric_eigenvalues().iter().copied().collect()
}

/// Σᵢⱼ `a[i,j]` `b[i,j]` = tr(aᵀ b).
pub(crate) fn inner(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    a.iter().zip(b.iter()).map(|(a, b)| a * b).sum()
}

/// What a lower Cholesky factor of `size` rows must be that was read from outside.
#[cfg(feature = "serde")]
pub(crate) fn check_factor(
    factor: &DMatrix<f64>,
    size: usize,
    family: &'static str,
    argument: &'static str,
) -> Result<(), DomainError> {
    let is_lower = || (0..size).all(|j| (0..j).all(|i| factor[(i, j)] == 0.0));
    let is_factor = factor.shape() == (size, size)
        && factor.iter().all(|v| v.is_finite())
        && factor.diagonal().iter().all(|&v| v > 0.0)
        && is_lower();
    let rule = "must be a lower triangular factor of the right size, finite and with a positive diagonal";
    if is_factor { Ok(()) } else { Err(DomainError { family, argument, rule }) }
}
