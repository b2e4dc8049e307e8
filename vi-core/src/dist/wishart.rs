//! The Wishart distribution of a symmetric positive definite matrix.
//!
//! ```text
//! p(X) = |X|^((dof−D−1)/2) exp(−½ tr(scale⁻¹ X)) / (2^(dof D/2) |scale|^(dof/2) Γ_D(dof/2)),   E X = dof · scale
//! ```
//!
//! Support: X symmetric positive definite, with Lebesgue measure on its lower triangle. Needs dof > D − 1. Source: Anderson,
//! *An Introduction to Multivariate Statistical Analysis*, ch. 7.

use super::gamma::log_standard_gamma;
use super::matrix::{cholesky, gram, inner, inverse_from_factor, log_det, relative_eigenvalues, solve_lower};
use super::{DomainError, is_positive};
use crate::family::{ExponentialFamily, Improper};
use crate::special::{
    digamma, lgamma_bregman, lgamma_d, standard_gamma_entropy, standard_gamma_log_density, x_minus_log1p,
};
use nalgebra::DMatrix;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::{LN_2, PI};

/// Wishart, by its degrees of freedom and the Cholesky factor of its scale matrix.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Parts"))]
pub struct Wishart {
    dof: f64,
    factor: DMatrix<f64>,
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts {
    dof: f64,
    factor: DMatrix<f64>,
}

#[cfg(feature = "serde")]
impl TryFrom<Parts> for Wishart {
    type Error = DomainError;

    fn try_from(Parts { dof, factor }: Parts) -> Result<Self, DomainError> {
        super::matrix::check_factor(&factor, factor.nrows(), "Wishart", "scale")?;
        if !is_valid_dof(dof, factor.nrows()) {
            return Err(DomainError { family: "Wishart", argument: "dof", rule: DOF_RULE });
        }
        Ok(Self { dof, factor })
    }
}

impl Wishart {
    /// `Wishart(dof: v, scale: V)`, of mean v V.
    ///
    /// # Errors
    /// If V is not symmetric positive definite, or v ≤ D − 1.
    pub fn dof_scale(dof: f64, scale: &DMatrix<f64>) -> Result<Self, DomainError> {
        let rule = |argument, rule| DomainError { family: "Wishart", argument, rule };
        let factor = cholesky(scale).ok_or(rule("scale", "must be symmetric and positive definite"))?;
        if !is_valid_dof(dof, factor.nrows()) {
            return Err(rule("dof", DOF_RULE));
        }
        Ok(Self { dof, factor })
    }

    /// Degrees of freedom.
    pub fn dof(&self) -> f64 {
        self.dof
    }

    /// The scale matrix.
    pub fn scale(&self) -> DMatrix<f64> {
        gram(&self.factor)
    }

    /// The Cholesky factor of the scale matrix.
    pub(crate) fn scale_factor(&self) -> &DMatrix<f64> {
        &self.factor
    }

    /// `scale[d,d]`; NaN for a row it does not have.
    pub(crate) fn scale_diagonal(&self, d: usize) -> f64 {
        if d < self.dimension() { self.factor.row(d).norm_squared() } else { f64::NAN }
    }

    /// The number of rows D.
    pub fn dimension(&self) -> usize {
        self.factor.nrows()
    }

    /// ½(dof−D−1) log|X| − ½ tr(scale⁻¹X) − ½ dof D log 2 − ½ dof log|scale| − log Γ_D(½dof); −∞ unless X is symmetric
    /// positive definite, NaN if it has another size.
    pub fn log_density(&self, x: &DMatrix<f64>) -> f64 {
        if x.shape() != self.factor.shape() {
            return f64::NAN;
        }
        match cholesky(x) {
            Some(root) => {
                bartlett_log_density(self.dof, &solve_lower(&self.factor, &root), log_det(&self.factor))
            }
            None => f64::NEG_INFINITY,
        }
    }

    /// One draw, by Bartlett's decomposition.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DMatrix<f64> {
        gram(&(&self.factor * bartlett(self.dof, self.dimension(), rng)))
    }

    /// E X = dof · scale.
    pub fn expectation(&self) -> DMatrix<f64> {
        self.scale() * self.dof
    }

    /// Var `X[i,j]` = dof (`scale[i,j]²` + `scale[i,i]` `scale[j,j]`).
    pub fn variance(&self) -> DMatrix<f64> {
        let v = self.scale();
        DMatrix::from_fn(v.nrows(), v.ncols(), |i, j| {
            self.dof * (v[(i, j)] * v[(i, j)] + v[(i, i)] * v[(j, j)])
        })
    }

    /// E log|X| = Σᵢ ψ(½(dof+1−i)) + D log 2 + log|scale|.
    pub fn expect_log_det(&self) -> f64 {
        expect_standard_log_det(self.dof, self.dimension()) + log_det(&self.factor)
    }

    /// −E log p(X).
    pub fn entropy(&self) -> f64 {
        bartlett_entropy(self.dof, self.dimension(), log_det(&self.factor))
    }
}

pub(super) const DOF_RULE: &str = "must be finite and greater than the number of rows minus 1";

pub(super) fn is_valid_dof(dof: f64, dimension: usize) -> bool {
    is_positive(dof - (dimension as f64 - 1.0)) && dimension > 0
}

/// The shapes ½(dof + 1 − i), i = 1..D, of Bartlett's halved squared diagonal.
fn shapes(dof: f64, dimension: usize) -> impl Iterator<Item = f64> {
    (0..dimension).map(move |i| 0.5 * (dof - i as f64))
}

/// log Wishart(X | dof, C Cᵀ) where C⁻¹ X C⁻ᵀ = T Tᵀ for a triangular T, and `log_det_scale` = log|C Cᵀ|.
///
/// Regrouped as gamma densities of `y[i]` = ½T[i,i]², whose large terms cancel one by one.
pub(super) fn bartlett_log_density(dof: f64, t: &DMatrix<f64>, log_det_scale: f64) -> f64 {
    let size = t.nrows() as f64;
    let off_diagonal = t.norm_squared() - t.diagonal().norm_squared();
    let diagonal: f64 = shapes(dof, t.nrows())
        .enumerate()
        .map(|(i, shape)| {
            let y = 0.5 * t[(i, i)] * t[(i, i)];
            let log_y = 2.0 * t[(i, i)].ln() - LN_2;
            standard_gamma_log_density(shape, y, log_y) + 0.5 * (i as f64 + 1.0 - size) * log_y
        })
        .sum();
    diagonal
        - 0.5 * off_diagonal
        - 0.5 * size * (size + 1.0) * LN_2
        - 0.25 * size * (size - 1.0) * PI.ln()
        - 0.5 * (size + 1.0) * log_det_scale
}

/// Minus the expectation of [`bartlett_log_density`].
pub(super) fn bartlett_entropy(dof: f64, dimension: usize, log_det_scale: f64) -> f64 {
    let size = dimension as f64;
    let diagonal: f64 = shapes(dof, dimension)
        .enumerate()
        .map(|(i, shape)| standard_gamma_entropy(shape) - 0.5 * (i as f64 + 1.0 - size) * digamma(shape))
        .sum();
    diagonal
        + 0.5 * size * (size + 1.0) * LN_2
        + 0.25 * size * (size - 1.0) * (1.0 + PI.ln())
        + 0.5 * (size + 1.0) * log_det_scale
}

/// E log|X| for the identity scale.
pub(super) fn expect_standard_log_det(dof: f64, dimension: usize) -> f64 {
    shapes(dof, dimension).map(|shape| digamma(shape) + LN_2).sum()
}

/// The lower triangular T of a draw T Tᵀ with the identity scale (Bartlett 1933).
pub(super) fn bartlett<R: Rng + ?Sized>(dof: f64, dimension: usize, rng: &mut R) -> DMatrix<f64> {
    let mut t = DMatrix::zeros(dimension, dimension);
    for (i, shape) in shapes(dof, dimension).enumerate() {
        for j in 0..i {
            t[(i, j)] = StandardNormal.sample(rng);
        }
        t[(i, i)] = (0.5 * (log_standard_gamma(shape, rng) + LN_2)).exp().max(f64::MIN_POSITIVE);
    }
    t
}

/// KL between Wishart laws of dof_q and dof_p, `ratios` being the eigenvalues of scale_p⁻¹ scale_q.
pub(crate) fn bartlett_kl(dof_q: f64, dof_p: f64, ratios: &[f64]) -> f64 {
    let scales: f64 = ratios.iter().map(|r| dof_q * x_minus_log1p(r - 1.0) + (dof_q - dof_p) * r.ln()).sum();
    let shapes: f64 =
        shapes(dof_q, ratios.len()).zip(shapes(dof_p, ratios.len())).map(|(q, p)| lgamma_bregman(p, q)).sum();
    0.5 * scales + shapes
}

/// The coefficients of the statistics {log|X|, X}: ½(dof − D − 1) and −½ scale⁻¹.
#[derive(Clone, Debug, PartialEq)]
pub struct WishartNatural {
    /// The coefficient of log|X|.
    pub log_det: f64,
    /// The coefficient of X, D × D and symmetric.
    pub x: DMatrix<f64>,
}

/// Expectations under a Wishart law.
#[derive(Clone, Debug, PartialEq)]
pub struct WishartMoments {
    /// E log|X|.
    pub log_det: f64,
    /// E X = dof · scale.
    pub x: DMatrix<f64>,
}

/// dof, and the Cholesky factor of scale⁻¹.
fn standard(eta: &WishartNatural) -> Result<(f64, DMatrix<f64>), Improper> {
    let factor = cholesky(&(&eta.x * -2.0)).ok_or_else(|| {
        Improper::new("Wishart", "the inverse scale, −2 × the coefficient of X, must be positive definite")
    })?;
    let dimension = factor.nrows();
    let dof = 2.0 * eta.log_det + dimension as f64 + 1.0;
    if is_valid_dof(dof, dimension) {
        Ok((dof, factor))
    } else {
        Err(Improper::new("Wishart", format!("dof = {dof} {DOF_RULE} (D = {dimension})")))
    }
}

impl ExponentialFamily for Wishart {
    type Natural = WishartNatural;
    type Moments = WishartMoments;
    type Value = DMatrix<f64>;

    fn natural(&self) -> WishartNatural {
        WishartNatural {
            log_det: 0.5 * (self.dof - self.dimension() as f64 - 1.0),
            x: inverse_from_factor(&self.factor) * -0.5,
        }
    }

    fn from_natural(eta: &WishartNatural) -> Result<Self, Improper> {
        let (dof, inverse_factor) = standard(eta)?;
        let factor = cholesky(&inverse_from_factor(&inverse_factor))
            .ok_or_else(|| Improper::new("Wishart", "the scale is not positive definite to rounding"))?;
        Ok(Self { dof, factor })
    }

    fn log_partition(eta: &WishartNatural) -> Result<f64, Improper> {
        let (dof, inverse_factor) = standard(eta)?;
        let dimension = inverse_factor.nrows();
        Ok(0.5 * dof * (dimension as f64 * LN_2 - log_det(&inverse_factor)) + lgamma_d(dimension, 0.5 * dof))
    }

    fn moments(eta: &WishartNatural) -> Result<WishartMoments, Improper> {
        let (dof, inverse_factor) = standard(eta)?;
        Ok(WishartMoments {
            log_det: expect_standard_log_det(dof, inverse_factor.nrows()) - log_det(&inverse_factor),
            x: inverse_from_factor(&inverse_factor) * dof,
        })
    }

    /// (dof − D − 1) scale, for a positive coefficient of log|X|.
    fn mode(eta: &WishartNatural) -> Result<DMatrix<f64>, Improper> {
        let factor = cholesky(&-&eta.x).filter(|_| is_positive(eta.log_det));
        let factor = factor.ok_or_else(|| {
            let rule = format!(
                "no mode: the coefficient of log|X|, {}, must be positive, and that of X negative definite",
                eta.log_det
            );
            Improper::new("Wishart", rule)
        })?;
        Ok(inverse_from_factor(&factor) * eta.log_det)
    }

    fn log_kernel(eta: &WishartNatural, x: &DMatrix<f64>) -> f64 {
        if x.shape() != eta.x.shape() {
            return f64::NAN;
        }
        cholesky(x).map_or(f64::NEG_INFINITY, |root| eta.log_det * log_det(&root) + inner(&eta.x, x))
    }

    fn natural_entropy(eta: &WishartNatural) -> Result<f64, Improper> {
        let (dof, inverse_factor) = standard(eta)?;
        Ok(bartlett_entropy(dof, inverse_factor.nrows(), -log_det(&inverse_factor)))
    }

    fn kl(q: &WishartNatural, p: &WishartNatural) -> Result<f64, Improper> {
        if q.x.shape() != p.x.shape() {
            return Err(Improper::new("Wishart", "the two have different sizes"));
        }
        let ((dof_q, inverse_q), (dof_p, inverse_p)) = (standard(q)?, standard(p)?);
        Ok(bartlett_kl(dof_q, dof_p, &relative_eigenvalues(&inverse_p, &inverse_q)))
    }
}
