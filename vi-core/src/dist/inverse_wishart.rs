//! The inverse-Wishart distribution: the law of X⁻¹ for X ~ Wishart(dof, scale⁻¹).
//!
//! ```text
//! p(X) = |scale|^(dof/2) |X|^(−(dof+D+1)/2) exp(−½ tr(scale X⁻¹)) / (2^(dof D/2) Γ_D(dof/2)),   mode = scale/(dof + D + 1)
//! ```
//!
//! Support: X symmetric positive definite, with Lebesgue measure on its lower triangle. Needs dof > D − 1. Source: Gelman et
//! al., *Bayesian Data Analysis*, appendix A.

use super::matrix::{cholesky, gram, inner, inverse_from_factor, log_det, relative_eigenvalues, solve_lower};
use super::wishart::{
    DOF_RULE, Wishart, bartlett, bartlett_entropy, bartlett_kl, bartlett_log_density,
    expect_standard_log_det, is_valid_dof,
};
use super::{DomainError, is_positive};
use crate::family::{ExponentialFamily, Improper};
use crate::special::lgamma_d;
use nalgebra::DMatrix;
use rand::Rng;
use std::f64::consts::LN_2;

/// Inverse-Wishart, by its degrees of freedom and the Cholesky factor of its scale matrix.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Parts"))]
pub struct InverseWishart {
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
impl TryFrom<Parts> for InverseWishart {
    type Error = DomainError;

    fn try_from(Parts { dof, factor }: Parts) -> Result<Self, DomainError> {
        super::matrix::check_factor(&factor, factor.nrows(), "InverseWishart", "scale")?;
        if !is_valid_dof(dof, factor.nrows()) {
            return Err(DomainError { family: "InverseWishart", argument: "dof", rule: DOF_RULE });
        }
        Ok(Self { dof, factor })
    }
}

impl InverseWishart {
    /// `InverseWishart(dof: v, scale: S)`, of mode S/(v + D + 1).
    ///
    /// # Errors
    /// If S is not symmetric positive definite, or v ≤ D − 1.
    pub fn dof_scale(dof: f64, scale: &DMatrix<f64>) -> Result<Self, DomainError> {
        let rule = |argument, rule| DomainError { family: "InverseWishart", argument, rule };
        let factor = cholesky(scale).ok_or(rule("scale", "must be symmetric and positive definite"))?;
        if !is_valid_dof(dof, factor.nrows()) {
            return Err(rule("dof", DOF_RULE));
        }
        Ok(Self { dof, factor })
    }

    /// The law of X⁻¹ for X of this law.
    pub(crate) fn of_inverse(law: &Wishart) -> Self {
        // (L Lᵀ)⁻¹ = QR of L⁻ᵀ: its triangular factor is unique up to signs.
        let inverse = solve_lower(law.scale_factor(), &DMatrix::identity(law.dimension(), law.dimension()));
        let mut factor = inverse.qr().unpack_r().transpose();
        for j in 0..factor.ncols() {
            if factor[(j, j)] < 0.0 {
                factor.column_mut(j).neg_mut();
            }
        }
        Self { dof: law.dof(), factor }
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

    /// ½dof log|scale| − ½(dof+D+1) log|X| − ½ tr(scale X⁻¹) − ½ dof D log 2 − log Γ_D(½dof); −∞ unless X is symmetric
    /// positive definite, NaN if it has another size.
    pub fn log_density(&self, x: &DMatrix<f64>) -> f64 {
        if x.shape() != self.factor.shape() {
            return f64::NAN;
        }
        let Some(root) = cholesky(x) else { return f64::NEG_INFINITY };
        // With scale = L Lᵀ and B = R⁻¹L for X = R Rᵀ: Lᵀ X⁻¹ L = BᵀB, and X⁻¹ is Wishart with scale L⁻ᵀL⁻¹.
        let b = solve_lower(&root, &self.factor);
        let jacobian = (self.dimension() as f64 + 1.0) * log_det(&root);
        bartlett_log_density(self.dof, &b, -log_det(&self.factor)) - jacobian
    }

    /// One draw, by Bartlett's decomposition of the inverse.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DMatrix<f64> {
        let t = bartlett(self.dof, self.dimension(), rng);
        // X⁻¹ = L⁻ᵀ T Tᵀ L⁻¹, so X = (L T⁻ᵀ)(L T⁻ᵀ)ᵀ.
        gram(&solve_lower(&t, &self.factor.transpose()).transpose())
    }

    /// E X = scale/(dof − D − 1); ∞ on the diagonal and NaN off it for dof ≤ D + 1, where it does not exist.
    pub fn expectation(&self) -> DMatrix<f64> {
        let excess = self.dof - self.dimension() as f64 - 1.0;
        if excess > 0.0 {
            return self.scale() / excess;
        }
        DMatrix::from_fn(
            self.dimension(),
            self.dimension(),
            |i, j| if i == j { f64::INFINITY } else { f64::NAN },
        )
    }

    /// With c = dof − D, Var `X[i,j]` = ((c+1) `s[i,j]²` + (c−1) `s[i,i]` `s[j,j]`) / (c (c−1)² (c−3)); NaN for dof ≤ D + 3.
    pub fn variance(&self) -> DMatrix<f64> {
        let s = self.scale();
        let c = self.dof - self.dimension() as f64;
        let norm = if c > 3.0 { c * (c - 1.0) * (c - 1.0) * (c - 3.0) } else { f64::NAN };
        DMatrix::from_fn(s.nrows(), s.ncols(), |i, j| {
            ((c + 1.0) * s[(i, j)] * s[(i, j)] + (c - 1.0) * s[(i, i)] * s[(j, j)]) / norm
        })
    }

    /// E log|X| = log|scale| − D log 2 − Σᵢ ψ(½(dof+1−i)).
    pub fn expect_log_det(&self) -> f64 {
        log_det(&self.factor) - expect_standard_log_det(self.dof, self.dimension())
    }

    /// −E log p(X).
    pub fn entropy(&self) -> f64 {
        bartlett_entropy(self.dof, self.dimension(), -log_det(&self.factor))
            + (self.dimension() as f64 + 1.0) * self.expect_log_det()
    }
}

/// The coefficients of the statistics {log|X|, X⁻¹}: −½(dof + D + 1) and −½ scale.
#[derive(Clone, Debug, PartialEq)]
pub struct InverseWishartNatural {
    /// The coefficient of log|X|.
    pub log_det: f64,
    /// The coefficient of X⁻¹, D × D and symmetric.
    pub inverse: DMatrix<f64>,
}

/// Expectations under an inverse-Wishart law.
#[derive(Clone, Debug, PartialEq)]
pub struct InverseWishartMoments {
    /// E log|X|.
    pub log_det: f64,
    /// E X⁻¹ = dof · scale⁻¹.
    pub inverse: DMatrix<f64>,
}

impl ExponentialFamily for InverseWishart {
    type Natural = InverseWishartNatural;
    type Moments = InverseWishartMoments;
    type Value = DMatrix<f64>;

    fn natural(&self) -> InverseWishartNatural {
        InverseWishartNatural {
            log_det: -0.5 * (self.dof + self.dimension() as f64 + 1.0),
            inverse: self.scale() * -0.5,
        }
    }

    fn from_natural(eta: &InverseWishartNatural) -> Result<Self, Improper> {
        let factor = cholesky(&(&eta.inverse * -2.0)).ok_or_else(|| {
            Improper::new(
                "InverseWishart",
                "the scale, −2 × the coefficient of X⁻¹, must be positive definite",
            )
        })?;
        let dimension = factor.nrows();
        let dof = -2.0 * eta.log_det - dimension as f64 - 1.0;
        if is_valid_dof(dof, dimension) {
            Ok(Self { dof, factor })
        } else {
            Err(Improper::new("InverseWishart", format!("dof = {dof} {DOF_RULE} (D = {dimension})")))
        }
    }

    fn log_partition(eta: &InverseWishartNatural) -> Result<f64, Improper> {
        let law = Self::from_natural(eta)?;
        let dimension = law.dimension();
        let scale = dimension as f64 * LN_2 - log_det(&law.factor);
        Ok(0.5 * law.dof * scale + lgamma_d(dimension, 0.5 * law.dof))
    }

    fn moments(eta: &InverseWishartNatural) -> Result<InverseWishartMoments, Improper> {
        let law = Self::from_natural(eta)?;
        Ok(InverseWishartMoments {
            log_det: law.expect_log_det(),
            inverse: inverse_from_factor(&law.factor) * law.dof,
        })
    }

    /// scale/(dof + D + 1), for a negative coefficient of log|X|.
    fn mode(eta: &InverseWishartNatural) -> Result<DMatrix<f64>, Improper> {
        if is_positive(-eta.log_det) && cholesky(&-&eta.inverse).is_some() {
            return Ok(&eta.inverse / eta.log_det);
        }
        let rule = format!(
            "no mode: the coefficient of log|X|, {}, must be negative, and that of X⁻¹ negative definite",
            eta.log_det
        );
        Err(Improper::new("InverseWishart", rule))
    }

    fn log_kernel(eta: &InverseWishartNatural, x: &DMatrix<f64>) -> f64 {
        if x.shape() != eta.inverse.shape() {
            return f64::NAN;
        }
        cholesky(x).map_or(f64::NEG_INFINITY, |root| {
            eta.log_det * log_det(&root) + inner(&eta.inverse, &inverse_from_factor(&root))
        })
    }

    fn natural_entropy(eta: &InverseWishartNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|law| law.entropy())
    }

    /// That of the inverses, which are Wishart.
    fn kl(q: &InverseWishartNatural, p: &InverseWishartNatural) -> Result<f64, Improper> {
        if q.inverse.shape() != p.inverse.shape() {
            return Err(Improper::new("InverseWishart", "the two have different sizes"));
        }
        let (q, p) = (Self::from_natural(q)?, Self::from_natural(p)?);
        Ok(bartlett_kl(q.dof, p.dof, &relative_eigenvalues(&p.factor, &q.factor)))
    }
}
