//! Multivariate Student's t: a mean vector whose precision matrix is not known.
//!
//! ```text
//! p(x) = Γ(½(dof+D)) / (Γ(½dof) (π dof)^(D/2) |scale|^½) · (1 + (x − mean)ᵀ scale⁻¹ (x − mean)/dof)^(−½(dof+D))
//! ```
//!
//! Source: Kotz & Nadarajah, *Multivariate t Distributions and Their Applications*, ch. 1.

use super::{StudentT, VectorLaw, Wishart, vector_questions};
use crate::dist::matrix::{cholesky, gram, inverse_from_factor, log_det};
use crate::dist::{DomainError, is_positive, log_standard_gamma};
use crate::special::{HALF_LN_2PI, lgamma_bregman, log_minus_digamma};
use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// Student's t over vectors of D reals, by its centre, the Cholesky factor of its scale matrix and its degrees of freedom.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Parts"))]
pub struct MvStudentT {
    mean: Vec<f64>,
    factor: DMatrix<f64>,
    dof: f64,
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts {
    mean: Vec<f64>,
    factor: DMatrix<f64>,
    dof: f64,
}

#[cfg(feature = "serde")]
impl TryFrom<Parts> for MvStudentT {
    type Error = DomainError;

    fn try_from(Parts { mean, factor, dof }: Parts) -> Result<Self, DomainError> {
        crate::dist::matrix::check_factor(&factor, mean.len(), "StudentT", "scale")?;
        checked(mean, factor, dof)
    }
}

fn checked(mean: Vec<f64>, factor: DMatrix<f64>, dof: f64) -> Result<MvStudentT, DomainError> {
    let rule = |argument, rule| DomainError { family: "StudentT", argument, rule };
    if !mean.iter().all(|m| m.is_finite()) {
        return Err(rule("mean", "must be finite"));
    }
    if !is_positive(dof) {
        return Err(rule("dof", "must be positive and finite"));
    }
    Ok(MvStudentT { mean, factor, dof })
}

vector_questions!([] MvStudentT);

impl MvStudentT {
    /// Student's t with this centre, scale matrix and degrees of freedom. The scale is not the covariance, which is
    /// scale · dof/(dof − 2).
    ///
    /// # Errors
    /// If the scale is not symmetric positive definite or not D × D, `mean` not finite, or `dof` not positive.
    pub fn mean_scale_dof(mean: &[f64], scale: &DMatrix<f64>, dof: f64) -> Result<Self, DomainError> {
        let rule = |rule| DomainError { family: "StudentT", argument: "scale", rule };
        if scale.shape() != (mean.len(), mean.len()) {
            return Err(rule("must have as many rows and columns as `mean` has coordinates"));
        }
        let factor = cholesky(scale).ok_or(rule("must be symmetric and positive definite"))?;
        checked(mean.to_vec(), factor, dof)
    }

    /// The law of x where x | Λ ~ Normal(mean, prec: weight · Λ) and Λ ~ Wishart(v, V): of dof v − D + 1 and scale
    /// V⁻¹/(weight · dof).
    ///
    /// Source: Bernardo & Smith, *Bayesian Theory*, appendix A.2.
    ///
    /// ```
    /// use nalgebra::DMatrix;
    /// use vi_core::dist::Wishart;
    /// use vi_core::posterior::MvStudentT;
    ///
    /// let precision = Wishart::dof_scale(7.0, &DMatrix::from_row_slice(2, 2, &[0.5, 0.1, 0.1, 0.3]))?;
    /// let mean = MvStudentT::normal_wishart(&[1.0, -1.0], 10.0, &precision)?;
    /// // Cov x = E (weight Λ)⁻¹
    /// assert!((mean.cov() - precision.inverse().mean() / 10.0).norm() < 1e-14);
    /// assert!((mean.marginal(1).mean() + 1.0).abs() < 1e-15);
    /// # Ok::<(), vi_core::dist::DomainError>(())
    /// ```
    ///
    /// # Errors
    /// If `mean` has not as many coordinates as Λ has rows or is not finite, or `weight` is not positive.
    pub fn normal_wishart(mean: &[f64], weight: f64, precision: &Wishart) -> Result<Self, DomainError> {
        if !is_positive(weight) {
            return Err(DomainError {
                family: "StudentT",
                argument: "weight",
                rule: "must be positive and finite",
            });
        }
        let dof = precision.dof() - precision.dimension() as f64 + 1.0;
        let scale = inverse_from_factor(precision.scale_factor()) / (weight * dof);
        Self::mean_scale_dof(mean, &scale, dof)
    }

    /// The number of coordinates D.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// Degrees of freedom.
    #[must_use]
    pub fn dof(&self) -> f64 {
        self.dof
    }

    /// The scale matrix.
    #[must_use]
    pub fn scale(&self) -> DMatrix<f64> {
        gram(&self.factor)
    }

    /// The log density at the centre: the gamma functions are joined, because they cancel for many degrees of freedom.
    fn log_peak(&self) -> f64 {
        let (half_dof, half_size) = (0.5 * self.dof, 0.5 * self.mean.len() as f64);
        lgamma_bregman(half_dof + half_size, half_dof)
            - half_size * (log_minus_digamma(half_dof) + 2.0 * HALF_LN_2PI)
            - 0.5 * log_det(&self.factor)
    }

    /// The formula of this file's head; NaN if x has another length.
    #[must_use]
    pub fn log_density(&self, x: &[f64]) -> f64 {
        if x.len() != self.mean.len() {
            return f64::NAN;
        }
        if x.iter().any(|v| !v.is_finite()) {
            return f64::NEG_INFINITY;
        }
        let residual = DVector::from_iterator(x.len(), x.iter().zip(&self.mean).map(|(x, m)| x - m));
        let Some(white) = self.factor.solve_lower_triangular(&residual) else { return f64::NAN };
        let size = self.mean.len() as f64;
        self.log_peak() - 0.5 * (self.dof + size) * (white.norm_squared() / self.dof).ln_1p()
    }

    /// −E log p(x).
    #[must_use]
    pub fn entropy(&self) -> f64 {
        let (half_dof, size) = (0.5 * self.dof, self.mean.len() as f64);
        let half = half_dof + 0.5 * size;
        let digamma_step = (size / self.dof).ln_1p() - log_minus_digamma(half) + log_minus_digamma(half_dof);
        half * digamma_step - self.log_peak()
    }

    /// One draw: a normal vector over the root of one chi-squared over its degrees of freedom.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        let white = DVector::from_fn(self.mean.len(), |_, _| StandardNormal.sample(rng));
        let log_precision = log_standard_gamma(0.5 * self.dof, rng) - (0.5 * self.dof).ln();
        let spread = (-0.5 * log_precision).exp().min(f64::MAX);
        &self.factor * white * spread + DVector::from_row_slice(&self.mean)
    }

    /// The law of `x[d]`: of scale √`scale[d,d]` and the same dof.
    #[must_use]
    pub fn marginal(&self, d: usize) -> StudentT {
        match self.mean.get(d) {
            Some(mean) => StudentT::mean_scale_dof(*mean, self.factor.row(d).norm(), self.dof),
            None => StudentT::mean_scale_dof(f64::NAN, f64::NAN, self.dof),
        }
    }
}

impl VectorLaw for MvStudentT {
    type Coordinate = StudentT;

    fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// `mean` for dof > 1; NaN otherwise, where it does not exist.
    fn mean(&self) -> DVector<f64> {
        let exists = self.dof > 1.0;
        DVector::from_iterator(self.mean.len(), self.mean.iter().map(|m| if exists { *m } else { f64::NAN }))
    }

    /// scale · dof/(dof − 2) for dof > 2; for 1 < dof ≤ 2 ∞ on the diagonal, and NaN elsewhere.
    fn cov(&self) -> DMatrix<f64> {
        if self.dof > 2.0 {
            return self.scale() * (self.dof / (self.dof - 2.0));
        }
        let diagonal = if self.dof > 1.0 { f64::INFINITY } else { f64::NAN };
        DMatrix::from_fn(self.mean.len(), self.mean.len(), |i, j| if i == j { diagonal } else { f64::NAN })
    }

    fn log_density(&self, x: &[f64]) -> f64 {
        MvStudentT::log_density(self, x)
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        MvStudentT::sample(self, rng)
    }

    fn marginal(&self, d: usize) -> StudentT {
        MvStudentT::marginal(self, d)
    }
}
