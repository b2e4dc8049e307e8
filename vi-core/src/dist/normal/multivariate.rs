//! The multivariate normal distribution.
//!
//! ```text
//! p(x) = (2π)^(−D/2) det(cov)^(−½) exp(−½ (x − mean)ᵀ cov⁻¹ (x − mean)),   cov = prec⁻¹ = chol cholᵀ
//! ```
//!
//! Support: vectors of D reals. Source: Kotz, Balakrishnan & Johnson, *Continuous Multivariate Distributions* 1, ch. 45.

use crate::dist::DomainError;
use crate::dist::matrix::{cholesky, gram, inverse_from_factor, log_det, relative_eigenvalues};
use crate::engine::covariance::part;
use crate::engine::gauss::fronts::Fronts;
use crate::family::{ExponentialFamily, Improper};
use crate::special::{HALF_LN_2PI, x_minus_log1p};
use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use std::borrow::Cow;
use std::sync::Arc;

/// Normal over vectors, by its mean and a Cholesky factor.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Parts"))]
pub struct MvNormal<'a> {
    mean: Cow<'a, [f64]>,
    factor: Factor,
}

/// A lower triangular matrix with a positive diagonal, or a joint law.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Factor {
    /// cov = L Lᵀ.
    Covariance(DMatrix<f64>),
    /// prec = R Rᵀ.
    Precision(DMatrix<f64>),
    /// The covariance of these unknowns of a joint law. What follows from variances alone takes no D × D matrix.
    Fronts(Arc<Fronts>, Vec<usize>),
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts {
    mean: Vec<f64>,
    factor: Factor,
}

#[cfg(feature = "serde")]
impl TryFrom<Parts> for MvNormal<'_> {
    type Error = DomainError;

    fn try_from(Parts { mean, factor }: Parts) -> Result<Self, DomainError> {
        match &factor {
            Factor::Covariance(lower) | Factor::Precision(lower) => {
                crate::dist::matrix::check_factor(lower, mean.len(), "Normal", "cov")?;
            }
            Factor::Fronts(law, at) => {
                if at.len() != mean.len() || at.iter().any(|i| *i >= law.unknowns()) {
                    return Err(DomainError { family: "Normal", argument: "cov", rule: SAME_SIZE });
                }
            }
        }
        Ok(Self { mean: Cow::Owned(mean), factor })
    }
}

const NOT_POSITIVE_DEFINITE: &str = "must be symmetric and positive definite";

impl<'a> MvNormal<'a> {
    /// `Normal(mean, cov: C)`.
    ///
    /// # Errors
    /// If C is not symmetric positive definite, or not D × D.
    pub fn mean_cov(mean: &'a [f64], cov: &DMatrix<f64>) -> Result<Self, DomainError> {
        let factor = factored(mean, "cov", cov)?;
        Ok(Self { mean: Cow::Borrowed(mean), factor: Factor::Covariance(factor) })
    }

    /// `Normal(mean, cov: C)` that owns its mean.
    ///
    /// # Errors
    /// If C is not symmetric positive definite, or not D × D.
    pub fn owned(mean: Vec<f64>, cov: &DMatrix<f64>) -> Result<MvNormal<'static>, DomainError> {
        let factor = factored(&mean, "cov", cov)?;
        Ok(MvNormal { mean: Cow::Owned(mean), factor: Factor::Covariance(factor) })
    }

    /// `Normal(mean, prec: P)`.
    ///
    /// # Errors
    /// If P is not symmetric positive definite, or not D × D.
    pub fn mean_prec(mean: &'a [f64], prec: &DMatrix<f64>) -> Result<Self, DomainError> {
        let factor = factored(mean, "prec", prec)?;
        Ok(Self { mean: Cow::Borrowed(mean), factor: Factor::Precision(factor) })
    }

    /// `Normal(mean, chol: L)`, cov = L Lᵀ; only the lower triangle of L is read.
    ///
    /// # Errors
    /// If L is not D × D with a positive diagonal and finite elements.
    pub fn mean_chol(mean: &'a [f64], chol: &DMatrix<f64>) -> Result<Self, DomainError> {
        let rule = |rule| DomainError { family: "Normal", argument: "chol", rule };
        if chol.shape() != (mean.len(), mean.len()) {
            return Err(rule(SAME_SIZE));
        }
        let lower = chol.lower_triangle();
        if lower.iter().any(|v| !v.is_finite()) || lower.diagonal().iter().any(|&v| v <= 0.0) {
            return Err(rule("must be finite, with a positive diagonal"));
        }
        Ok(Self { mean: Cow::Borrowed(mean), factor: Factor::Covariance(lower) })
    }

    /// The law of some unknowns of a joint one.
    pub(crate) fn of_fronts(mean: Vec<f64>, law: &Arc<Fronts>, at: &[usize]) -> MvNormal<'static> {
        MvNormal { mean: Cow::Owned(mean), factor: Factor::Fronts(Arc::clone(law), at.to_vec()) }
    }

    /// The joint law that this is a part of, and which.
    pub(crate) fn fronts(&self) -> Option<(&Arc<Fronts>, &[usize])> {
        match &self.factor {
            Factor::Fronts(law, at) => Some((law, at)),
            Factor::Covariance(_) | Factor::Precision(_) => None,
        }
    }

    /// Of all unknowns of a joint law: each once.
    fn is_all(law: &Fronts, at: &[usize]) -> bool {
        law.unknowns() == at.len() && at.iter().enumerate().all(|(i, was)| i == *was)
    }

    /// The same law, owning its mean.
    #[must_use]
    pub fn into_owned(self) -> MvNormal<'static> {
        MvNormal { mean: Cow::Owned(self.mean.into_owned()), factor: self.factor }
    }

    pub(crate) fn mean_slice(&self) -> &[f64] {
        &self.mean
    }

    /// The lower Cholesky factor of the covariance; `None` where the precision is singular to rounding.
    pub(crate) fn covariance_factor(&self) -> Option<DMatrix<f64>> {
        match &self.factor {
            Factor::Covariance(l) => Some(l.clone()),
            Factor::Precision(r) => cholesky(&inverse_from_factor(r)),
            Factor::Fronts(law, at) => cholesky(&part(law, at)),
        }
    }

    /// √(cᵀ cov c), for c of the right length.
    pub(crate) fn combination_sd(&self, c: &DVector<f64>) -> f64 {
        match &self.factor {
            Factor::Covariance(l) => l.tr_mul(c).norm(),
            Factor::Precision(r) => r.solve_lower_triangular(c).map_or(f64::NAN, |white| white.norm()),
            Factor::Fronts(law, at) => law.variance(at.iter().copied().zip(c.iter().copied())).sqrt(),
        }
    }

    /// Var `x[d]`.
    pub(crate) fn coordinate_variance(&self, d: usize) -> f64 {
        match &self.factor {
            Factor::Covariance(l) => l.row(d).norm_squared(),
            Factor::Precision(_) => {
                let unit = DVector::from_fn(self.mean.len(), |i, _| if i == d { 1.0 } else { 0.0 });
                self.combination_sd(&unit).powi(2)
            }
            Factor::Fronts(law, at) => law.covariance(at[d], at[d]),
        }
    }

    /// The number of coordinates D.
    pub fn dimension(&self) -> usize {
        self.mean.len()
    }

    fn log_det_covariance(&self) -> f64 {
        match &self.factor {
            Factor::Covariance(l) => log_det(l),
            Factor::Precision(r) => -log_det(r),
            Factor::Fronts(law, at) if Self::is_all(law, at) => -2.0 * law.log_det(),
            Factor::Fronts(law, at) => cholesky(&part(law, at)).map_or(f64::NAN, |l| log_det(&l)),
        }
    }

    /// −½ D log 2π − ½ log det cov − ½ (x − mean)ᵀ cov⁻¹ (x − mean); NaN if x has another length.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        if x.len() != self.mean.len() {
            return f64::NAN;
        }
        if x.iter().any(|v| !v.is_finite()) {
            return f64::NEG_INFINITY;
        }
        let residual = DVector::from_iterator(x.len(), x.iter().zip(self.mean.iter()).map(|(x, m)| x - m));
        let white = match &self.factor {
            Factor::Covariance(l) => match l.solve_lower_triangular(&residual) {
                Some(white) => white,
                None => return f64::NAN,
            },
            Factor::Precision(r) => r.tr_mul(&residual),
            Factor::Fronts(law, at) if Self::is_all(law, at) => {
                let mut square = 0.0;
                law.whiten(residual.as_slice(), residual.as_slice(), |white, _| square += white * white);
                return law.log_density(square);
            }
            Factor::Fronts(..) => {
                let Some(l) = self.covariance_factor() else { return f64::NAN };
                let Some(white) = l.solve_lower_triangular(&residual) else { return f64::NAN };
                return -0.5 * white.norm_squared()
                    - 0.5 * log_det(&l)
                    - self.mean.len() as f64 * HALF_LN_2PI;
            }
        };
        -0.5 * white.norm_squared() - 0.5 * self.log_det_covariance() - self.mean.len() as f64 * HALF_LN_2PI
    }

    /// log p of the coordinates that have a value: −½ |o| log 2π − ½ log det covₒₒ − ½ (xₒ − meanₒ)ᵀ covₒₒ⁻¹ (xₒ − meanₒ).
    pub fn log_density_of(&self, value: impl Fn(usize) -> Option<f64>) -> f64 {
        let there: Vec<(usize, f64)> = self.there(value);
        if there.len() == self.mean.len() {
            return self.log_density(&there.iter().map(|(_, x)| *x).collect::<Vec<_>>());
        }
        if there.iter().any(|(_, x)| !x.is_finite()) {
            return f64::NEG_INFINITY;
        }
        let cov = self.variance();
        let Some(factor) = cholesky(&block(&cov, &there)) else { return f64::NAN };
        let Some(white) = factor.solve_lower_triangular(&self.residual(&there)) else { return f64::NAN };
        -0.5 * white.norm_squared() - 0.5 * log_det(&factor) - there.len() as f64 * HALF_LN_2PI
    }

    /// Mean and variance of every coordinate given those that have a value; of these, the value and 0.
    pub fn moments_given(&self, value: impl Fn(usize) -> Option<f64>) -> Vec<(f64, f64)> {
        let there = self.there(value);
        let cov = self.variance();
        let mut out: Vec<(f64, f64)> = (0..self.mean.len()).map(|d| (self.mean[d], cov[(d, d)])).collect();
        let factor = cholesky(&block(&cov, &there));
        for (d, (mean, var)) in out.iter_mut().enumerate() {
            if let Some((_, x)) = there.iter().find(|(o, _)| *o == d) {
                (*mean, *var) = (*x, 0.0);
                continue;
            }
            // L⁻¹ cov(o, d) and L⁻¹ (x − mean): their product moves the mean, and the square of the first is what the variance loses.
            let cross = DVector::from_iterator(there.len(), there.iter().map(|(o, _)| cov[(*o, d)]));
            let halves = factor.as_ref().and_then(|l| {
                Some((l.solve_lower_triangular(&cross)?, l.solve_lower_triangular(&self.residual(&there))?))
            });
            (*mean, *var) = halves.map_or((f64::NAN, f64::NAN), |(c, r)| {
                (*mean + c.dot(&r), (*var - c.norm_squared()).max(0.0))
            });
        }
        out
    }

    /// Their covariance given those that `value` has: zeros in the rows and columns of these.
    #[must_use]
    pub fn covariance_given(&self, value: impl Fn(usize) -> Option<f64>) -> DMatrix<f64> {
        let there = self.there(value);
        let cov = self.variance();
        let dim = self.mean.len();
        // L⁻¹ cov(o, ·), whose products are what the covariance loses.
        let cross = DMatrix::from_fn(there.len(), dim, |o, d| cov[(there[o].0, d)]);
        let known = cholesky(&block(&cov, &there)).and_then(|l| l.solve_lower_triangular(&cross));
        let mut out = known.map_or_else(|| DMatrix::repeat(dim, dim, f64::NAN), |c| cov - c.transpose() * c);
        for (o, _) in there {
            out.row_mut(o).fill(0.0);
            out.column_mut(o).fill(0.0);
        }
        out
    }

    fn there(&self, value: impl Fn(usize) -> Option<f64>) -> Vec<(usize, f64)> {
        (0..self.mean.len()).filter_map(|d| value(d).map(|x| (d, x))).collect()
    }

    fn residual(&self, there: &[(usize, f64)]) -> DVector<f64> {
        DVector::from_iterator(there.len(), there.iter().map(|(d, x)| x - self.mean[*d]))
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        let mut white = || DVector::from_fn(self.mean.len(), |_, _| StandardNormal.sample(rng));
        let spread = match &self.factor {
            Factor::Covariance(l) => l * white(),
            Factor::Precision(r) => {
                let white = white();
                r.tr_solve_lower_triangular(&white).unwrap_or_else(|| white.map(|_| f64::NAN))
            }
            Factor::Fronts(law, at) => {
                let mut all: Vec<f64> = (0..law.unknowns()).map(|_| StandardNormal.sample(rng)).collect();
                law.colour(&mut all);
                DVector::from_iterator(at.len(), at.iter().map(|i| all[*i]))
            }
        };
        spread + DVector::from_row_slice(&self.mean)
    }

    /// E x = mean.
    pub fn expectation(&self) -> DVector<f64> {
        DVector::from_row_slice(&self.mean)
    }

    /// The covariance matrix.
    pub fn variance(&self) -> DMatrix<f64> {
        match &self.factor {
            Factor::Covariance(l) => gram(l),
            Factor::Precision(r) => inverse_from_factor(r),
            Factor::Fronts(law, at) => part(law, at),
        }
    }

    /// The precision matrix, the inverse of the covariance.
    pub fn precision(&self) -> DMatrix<f64> {
        match &self.factor {
            Factor::Covariance(l) => inverse_from_factor(l),
            Factor::Precision(r) => gram(r),
            Factor::Fronts(..) => match self.covariance_factor() {
                Some(l) => inverse_from_factor(&l),
                None => DMatrix::from_element(self.mean.len(), self.mean.len(), f64::NAN),
            },
        }
    }

    /// ½ D log 2πe + ½ log det cov.
    pub fn entropy(&self) -> f64 {
        self.mean.len() as f64 * (0.5 + HALF_LN_2PI) + 0.5 * self.log_det_covariance()
    }
}

fn block(cov: &DMatrix<f64>, at: &[(usize, f64)]) -> DMatrix<f64> {
    DMatrix::from_fn(at.len(), at.len(), |i, j| cov[(at[i].0, at[j].0)])
}

const SAME_SIZE: &str = "must have as many rows and columns as `mean` has coordinates";

fn factored(
    mean: &[f64],
    argument: &'static str,
    matrix: &DMatrix<f64>,
) -> Result<DMatrix<f64>, DomainError> {
    let rule = |rule| DomainError { family: "Normal", argument, rule };
    if matrix.shape() != (mean.len(), mean.len()) {
        return Err(rule(SAME_SIZE));
    }
    cholesky(matrix).ok_or(rule(NOT_POSITIVE_DEFINITE))
}

/// The coefficients of the statistics {x, x xᵀ}: prec·mean and −½ prec.
#[derive(Clone, Debug, PartialEq)]
pub struct MvNormalNatural {
    /// The coefficient of x, of length D.
    pub x: DVector<f64>,
    /// The coefficient of x xᵀ, D × D and symmetric.
    pub xx: DMatrix<f64>,
}

/// The mean, and the centred second moment: E x xᵀ = mean meanᵀ + cov.
#[derive(Clone, Debug, PartialEq)]
pub struct MvNormalMoments {
    /// E x.
    pub mean: DVector<f64>,
    /// E (x − E x)(x − E x)ᵀ.
    pub cov: DMatrix<f64>,
}

fn precision_factor(eta: &MvNormalNatural) -> Result<DMatrix<f64>, Improper> {
    let size = eta.x.len();
    if eta.xx.shape() != (size, size) || eta.x.iter().any(|v| !v.is_finite()) {
        return Err(Improper::new("Normal", "the coefficients of x and x xᵀ must be finite and of one size"));
    }
    cholesky(&(&eta.xx * -2.0)).ok_or_else(|| {
        Improper::new("Normal", "the precision, −2 × the coefficient of x xᵀ, must be positive definite")
    })
}

/// R⁻ᵀ R⁻¹ b, and R⁻¹ b.
fn solve(factor: &DMatrix<f64>, b: &DVector<f64>) -> Option<(DVector<f64>, DVector<f64>)> {
    let half = factor.solve_lower_triangular(b)?;
    Some((factor.tr_solve_lower_triangular(&half)?, half))
}

fn mean_of(eta: &MvNormalNatural, factor: &DMatrix<f64>) -> Result<(DVector<f64>, DVector<f64>), Improper> {
    solve(factor, &eta.x).ok_or_else(|| Improper::new("Normal", "the precision is singular"))
}

impl ExponentialFamily for MvNormal<'static> {
    type Natural = MvNormalNatural;
    type Moments = MvNormalMoments;
    type Value = DVector<f64>;

    fn natural(&self) -> MvNormalNatural {
        let precision = self.precision();
        MvNormalNatural { x: &precision * DVector::from_row_slice(&self.mean), xx: precision * -0.5 }
    }

    fn from_natural(eta: &MvNormalNatural) -> Result<Self, Improper> {
        let factor = precision_factor(eta)?;
        let (mean, _) = mean_of(eta, &factor)?;
        Ok(Self { mean: Cow::Owned(mean.as_slice().to_vec()), factor: Factor::Precision(factor) })
    }

    fn log_partition(eta: &MvNormalNatural) -> Result<f64, Improper> {
        let factor = precision_factor(eta)?;
        let (_, half) = mean_of(eta, &factor)?;
        Ok(0.5 * half.norm_squared() - 0.5 * log_det(&factor) + eta.x.len() as f64 * HALF_LN_2PI)
    }

    fn moments(eta: &MvNormalNatural) -> Result<MvNormalMoments, Improper> {
        let factor = precision_factor(eta)?;
        let (mean, _) = mean_of(eta, &factor)?;
        Ok(MvNormalMoments { mean, cov: inverse_from_factor(&factor) })
    }

    fn mode(eta: &MvNormalNatural) -> Result<DVector<f64>, Improper> {
        mean_of(eta, &precision_factor(eta)?).map(|(mean, _)| mean)
    }

    fn log_kernel(eta: &MvNormalNatural, x: &DVector<f64>) -> f64 {
        if x.len() != eta.x.len() || eta.xx.shape() != (x.len(), x.len()) {
            return f64::NAN;
        }
        eta.x.dot(x) + x.dot(&(&eta.xx * x))
    }

    fn natural_entropy(eta: &MvNormalNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|law| law.entropy())
    }

    /// ½ Σᵢ (rᵢ − 1 − log rᵢ) + ½ |R_pᵀ (mean_q − mean_p)|², r the eigenvalues of prec_p cov_q.
    fn kl(q: &MvNormalNatural, p: &MvNormalNatural) -> Result<f64, Improper> {
        if q.x.len() != p.x.len() {
            return Err(Improper::new("Normal", "the two have different numbers of coordinates"));
        }
        let (factor_q, factor_p) = (precision_factor(q)?, precision_factor(p)?);
        let (mean_q, _) = mean_of(q, &factor_q)?;
        let (mean_p, _) = mean_of(p, &factor_p)?;
        let shape: f64 =
            relative_eigenvalues(&factor_p, &factor_q).iter().map(|r| x_minus_log1p(r - 1.0)).sum();
        Ok(0.5 * shape + 0.5 * factor_p.tr_mul(&(mean_q - mean_p)).norm_squared())
    }
}
