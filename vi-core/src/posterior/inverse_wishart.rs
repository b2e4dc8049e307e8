//! Inverse-Wishart: a covariance matrix.

use super::InverseGamma;
use crate::dist::InverseWishart;
use crate::dist::matrix::relative_eigenvalues;
use crate::dist::wishart::bartlett_kl;
use nalgebra::DMatrix;

impl InverseWishart {
    /// E X = scale/(dof − D − 1); ∞ on the diagonal and NaN off it for dof ≤ D + 1, where it does not exist.
    #[must_use]
    pub fn mean(&self) -> DMatrix<f64> {
        self.expectation()
    }

    /// Var `X[i,j]`; NaN for dof ≤ D + 3.
    #[must_use]
    pub fn var(&self) -> DMatrix<f64> {
        self.variance()
    }

    /// √Var `X[i,j]`.
    #[must_use]
    pub fn sd(&self) -> DMatrix<f64> {
        self.variance().map(f64::sqrt)
    }

    /// The law of `X[d,d]`: InverseGamma(½(dof − D + 1), scale: ½ `scale[d,d]`).
    #[must_use]
    pub fn marginal(&self, d: usize) -> InverseGamma {
        let shape = 0.5 * (self.dof() - self.dimension() as f64 + 1.0);
        InverseGamma::shape_scale(shape, 0.5 * self.scale_diagonal(d))
    }

    /// KL(q ‖ p), that of the Wishart laws of X⁻¹; NaN if the two have different sizes.
    #[must_use]
    pub fn kl_to(&self, p: &InverseWishart) -> f64 {
        if self.dimension() != p.dimension() {
            return f64::NAN;
        }
        bartlett_kl(self.dof(), p.dof(), &relative_eigenvalues(p.scale_factor(), self.scale_factor()))
    }
}
