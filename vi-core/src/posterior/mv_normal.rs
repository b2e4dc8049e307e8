//! Normal over vectors: coefficients, a state, the means of several components.

use super::{Normal, VectorLaw, vector_questions};
use crate::dist::MvNormal;
use crate::dist::matrix::{relative_eigenvalues, solve_lower};
use crate::special::x_minus_log1p;
use nalgebra::{DMatrix, DVector};
use rand::Rng;

vector_questions!(['a] MvNormal<'a>);

impl<'a> MvNormal<'a> {
    /// The law of `x[d]`.
    #[must_use]
    pub fn marginal(&self, d: usize) -> Normal {
        match self.mean_slice().get(d) {
            Some(mean) => Normal::mean_var(*mean, self.coordinate_variance(d)),
            None => Normal::mean_sd(f64::NAN, f64::NAN),
        }
    }

    /// The law of Σ_d `c[d] x[d]`; NaN if c has another length.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use vi_core::dist::MvNormal;
    ///
    /// let x = MvNormal::mean_cov(&[1.0, 4.0], &DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 3.0]))?;
    /// let difference = x.combination(&[-1.0, 1.0]);
    /// assert!((difference.mean() - 3.0).abs() < 1e-14 && (difference.var() - 3.0).abs() < 1e-14);
    /// # Ok::<(), vi_core::dist::DomainError>(())
    /// ```
    #[must_use]
    pub fn combination(&self, c: &[f64]) -> Normal {
        if c.len() != self.dimension() {
            return Normal::mean_sd(f64::NAN, f64::NAN);
        }
        let mean = self.mean_slice().iter().zip(c).map(|(m, c)| m * c).sum();
        Normal::mean_sd(mean, self.combination_sd(&DVector::from_row_slice(c)))
    }

    /// KL(q ‖ p) = ½ Σᵢ (rᵢ − 1 − log rᵢ) + ½ (mean_q − mean_p)ᵀ cov_p⁻¹ (mean_q − mean_p), r the eigenvalues of cov_p⁻¹ cov_q; NaN if
    /// the two have different lengths.
    #[must_use]
    pub fn kl_to(&self, p: &MvNormal<'_>) -> f64 {
        if self.dimension() != p.dimension() {
            return f64::NAN;
        }
        let (Some(factor_q), Some(factor_p)) = (self.covariance_factor(), p.covariance_factor()) else {
            return f64::NAN;
        };
        let shape: f64 =
            relative_eigenvalues(&factor_q, &factor_p).iter().map(|r| x_minus_log1p(r - 1.0)).sum();
        let gap = self.mean() - p.mean();
        let white = solve_lower(&factor_p, &DMatrix::from_column_slice(gap.len(), 1, gap.as_slice()));
        0.5 * shape + 0.5 * white.norm_squared()
    }
}

impl<'a> VectorLaw for MvNormal<'a> {
    type Coordinate = Normal;

    fn dimension(&self) -> usize {
        MvNormal::dimension(self)
    }

    fn mean(&self) -> DVector<f64> {
        self.expectation()
    }

    fn cov(&self) -> DMatrix<f64> {
        self.variance()
    }

    fn log_density(&self, x: &[f64]) -> f64 {
        MvNormal::log_density(self, x)
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        MvNormal::sample(self, rng)
    }

    fn marginal(&self, d: usize) -> Normal {
        MvNormal::marginal(self, d)
    }

    fn var(&self) -> DVector<f64> {
        match self.fronts() {
            Some(_) => DVector::from_fn(self.dimension(), |d, _| self.coordinate_variance(d)),
            None => self.variance().diagonal(),
        }
    }
}
