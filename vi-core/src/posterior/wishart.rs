//! Wishart: a precision matrix.

use super::{Gamma, InverseWishart};
use crate::dist::Wishart;
use crate::dist::matrix::relative_eigenvalues;
use crate::dist::wishart::bartlett_kl;
use nalgebra::DMatrix;

impl Wishart {
    /// E X = dof · scale.
    #[must_use]
    pub fn mean(&self) -> DMatrix<f64> {
        self.expectation()
    }

    /// Var `X[i,j]` = dof (`scale[i,j]²` + `scale[i,i]` `scale[j,j]`).
    #[must_use]
    pub fn var(&self) -> DMatrix<f64> {
        self.variance()
    }

    /// √Var `X[i,j]`.
    #[must_use]
    pub fn sd(&self) -> DMatrix<f64> {
        self.variance().map(f64::sqrt)
    }

    /// The law of `X[d,d]`: Gamma(½ dof, rate: 1/(2 `scale[d,d]`)).
    #[must_use]
    pub fn marginal(&self, d: usize) -> Gamma {
        Gamma::shape_rate(0.5 * self.dof(), 0.5 / self.scale_diagonal(d))
    }

    /// The law of X⁻¹: of the covariance matrix, if X is a precision.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use vi_core::dist::Wishart;
    ///
    /// let precision = Wishart::dof_scale(6.0, &DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0]))?;
    /// // E X⁻¹ = scale⁻¹/(dof − D − 1)
    /// let want = DMatrix::from_row_slice(2, 2, &[1.0, -0.5, -0.5, 2.0]) / 1.75 / 3.0;
    /// assert!((precision.inverse().mean() - want).norm() < 1e-14);
    /// # Ok::<(), vi_core::dist::DomainError>(())
    /// ```
    #[must_use]
    pub fn inverse(&self) -> InverseWishart {
        InverseWishart::of_inverse(self)
    }

    /// KL(q ‖ p) = ½ Σᵢ (dof_q (rᵢ − 1 − log rᵢ) + (dof_q − dof_p) log rᵢ) + Σᵢ G(½(dof + 1 − i)), with r the eigenvalues of
    /// scale_p⁻¹ scale_q and G the divergence log Γ(p) − log Γ(q) − ψ(q)(p − q) of the parameter named; NaN if the two have different
    /// sizes.
    #[must_use]
    pub fn kl_to(&self, p: &Wishart) -> f64 {
        if self.dimension() != p.dimension() {
            return f64::NAN;
        }
        bartlett_kl(self.dof(), p.dof(), &relative_eigenvalues(self.scale_factor(), p.scale_factor()))
    }
}
