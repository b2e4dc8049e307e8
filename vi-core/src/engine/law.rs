//! Posteriors: the distribution with given natural parameters, where [`mode`](super::mode) takes their mode.
//!
//! | natural parameter | posterior | improper |
//! |---|---|---|
//! | Σ cₖ log πₖ | Dirichlet(c + 1) | some cₖ ≤ −1 |
//! | a log p + b log(1 − p) | Beta(a + 1, b + 1) | a or b ≤ −1 |
//! | η₁ log x + η₂ xᵖ | xᵖ ~ Gamma((η₁ + 1)/p, −η₂) | either is not positive |
//! | ½ w log det Λ − ½ tr Λ S | Wishart(w + D + 1, S⁻¹) | S is singular, w ≤ −2 |
//! | −½ w log det Σ − ½ tr Σ⁻¹ S | inverse-Wishart(w − D − 1, S) | S is singular, w ≤ 2D |

use super::covariance::Covariance;
use super::mode::Element;
use super::unit::KNOWN;
use crate::Error;
use crate::dist::{
    Beta, Dirichlet, InverseWishart, MvNormal, Normal, PowerGamma, StudentT, Truncated, Wishart,
};
use crate::family::{ExponentialFamily, Improper};
use crate::fit::Marginal;
use crate::posterior::{MvStudentT, RealLaw};
use nalgebra::{DMatrix, DVector};

fn improper(what: Element<'_>, reason: &Improper) -> Error {
    Error::Improper { element: what.to_string(), reason: reason.to_string() }
}

fn finite(what: Element<'_>, numbers: &[f64]) -> Result<(), Error> {
    if numbers.iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    Err(Error::NotFinite { what: format!("the natural parameters of {what}") })
}

/// q(π) ∝ exp Σ cₖ log πₖ.
pub fn dirichlet(counts: &[f64], what: Element<'_>) -> Result<Marginal<Dirichlet<'static>>, Error> {
    finite(what, counts)?;
    let eta = crate::dist::DirichletNatural { log_x: counts.to_vec() };
    Dirichlet::from_natural(&eta).map(Marginal::Law).map_err(|e| improper(what, &e))
}

/// q(p) ∝ exp(a log p + b log(1 − p)).
pub fn beta(a: f64, b: f64, what: Element<'_>) -> Result<Marginal<Beta>, Error> {
    finite(what, &[a, b])?;
    let eta = crate::dist::BetaNatural { log_x: a, log_1mx: b };
    Beta::from_natural(&eta).map(Marginal::Law).map_err(|e| improper(what, &e))
}

/// q(x) ∝ exp(η₁ log x + η₂ xᵖ).
pub fn power_gamma(log: f64, power: f64, p: f64, what: Element<'_>) -> Result<Marginal<PowerGamma>, Error> {
    finite(what, &[log, power])?;
    let eta = crate::dist::PowerGammaNatural { log_x: log, x_power: power, power: p };
    PowerGamma::from_natural(&eta).map(Marginal::Law).map_err(|e| improper(what, &e))
}

/// q(Λ) ∝ exp(½ w log det Λ − ½ tr Λ S).
pub fn wishart(scatter: &DMatrix<f64>, weight: f64, what: Element<'_>) -> Result<Marginal<Wishart>, Error> {
    finite(what, scatter.as_slice())?;
    finite(what, &[weight])?;
    let eta = crate::dist::WishartNatural { log_det: 0.5 * weight, x: symmetric(scatter) * -0.5 };
    Wishart::from_natural(&eta).map(Marginal::Law).map_err(|e| improper(what, &e))
}

/// q(Σ) ∝ exp(−½ w log det Σ − ½ tr Σ⁻¹ S).
pub fn inverse_wishart(
    scatter: &DMatrix<f64>,
    weight: f64,
    what: Element<'_>,
) -> Result<Marginal<InverseWishart>, Error> {
    finite(what, scatter.as_slice())?;
    finite(what, &[weight])?;
    let eta =
        crate::dist::InverseWishartNatural { log_det: -0.5 * weight, inverse: symmetric(scatter) * -0.5 };
    InverseWishart::from_natural(&eta).map(Marginal::Law).map_err(|e| improper(what, &e))
}

fn symmetric(m: &DMatrix<f64>) -> DMatrix<f64> {
    (m + m.transpose()) * 0.5
}

/// The scale that a block of locations is measured in.
#[derive(Clone, Copy, Debug)]
pub enum Whitening<'a> {
    /// Cov(θ) = C.
    None,
    /// Cov(θ | τ) = C / τᵖ, by the value of τᵖ.
    Scalar(f64),
    /// Cov(θ | Λ) = C ⊗ Λ⁻¹.
    Precision(&'a DMatrix<f64>),
    /// Cov(θ | Σ) = C ⊗ Σ.
    Covariance(&'a DMatrix<f64>),
}

impl Whitening<'_> {
    /// A root R of the covariance of the outputs, R Rᵀ.
    pub(super) fn root(self, outputs: usize) -> Result<DMatrix<f64>, Error> {
        let not = || Error::NotFinite { what: "the root of a scale".to_string() };
        match self {
            Whitening::None => Ok(DMatrix::identity(outputs, outputs)),
            Whitening::Scalar(tau) => Ok(DMatrix::identity(outputs, outputs) / tau.sqrt()),
            Whitening::Covariance(s) => {
                Ok(crate::linalg::Cholesky::new(s).map_err(|_| not())?.lower().clone())
            }
            Whitening::Precision(p) => {
                Ok(crate::linalg::Cholesky::new(p).map_err(|_| not())?.inverse_lower().transpose())
            }
        }
    }
}

/// ½ log det 2πe (C ⊗ S) with −log det S = `log_precision`: the entropy of a block of locations, given or averaged over its scale.
#[must_use]
pub fn entropy(covariance: &Covariance, outputs: usize, log_precision: f64) -> f64 {
    let n = covariance.unknowns() as f64;
    let own =
        outputs as f64 * (0.5 * n * (1.0 + (2.0 * std::f64::consts::PI).ln()) + 0.5 * covariance.log_det());
    own - 0.5 * n * log_precision
}

/// One draw of θ (unknowns × outputs).
pub fn draw(
    mean: &DMatrix<f64>,
    covariance: &Covariance,
    scale: Whitening<'_>,
    rng: &mut rand_chacha::ChaCha8Rng,
) -> DMatrix<f64> {
    use rand_distr::{Distribution, StandardNormal};
    let (n, outputs) = mean.shape();
    let white = DMatrix::from_fn(n, outputs, |_, _| StandardNormal.sample(rng));
    match covariance.colour(white, scale) {
        Some(spread) => mean + spread,
        None => mean.map(|_| f64::NAN),
    }
}

/// log q(θ). What its rounding is measured by is added to `magnitude`: a covariance is known to one part in 2⁵³ of each entry, which the
/// quadratic form (θ − m)ᵀ Σ⁻¹ (θ − m) feels by Σᵢⱼ |uᵢ Σᵢⱼ uⱼ|, u = Σ⁻¹ (θ − m).
#[must_use]
pub fn log_density(
    value: &DMatrix<f64>,
    mean: &DMatrix<f64>,
    covariance: &Covariance,
    scale: Whitening<'_>,
    magnitude: &mut f64,
) -> f64 {
    let (n, outputs) = mean.shape();
    let Some(inverse) = scale.root(outputs).ok().and_then(DMatrix::try_inverse) else { return f64::NAN };
    let log_det_columns = inverse.determinant().abs().ln();
    let mut apart = value - mean;
    let mut sizes = value.abs() + mean.abs();
    let covariance = match covariance {
        Covariance::None(_) => return f64::NAN,
        Covariance::Matrix(m) => m,
        Covariance::Centred { matrix, intercept } => {
            intercept.enter(&mut apart);
            intercept.reach(&mut sizes);
            matrix
        }
        Covariance::Fronts { law, .. } => {
            let apart = apart * inverse.transpose();
            let reach = sizes * inverse.transpose().abs();
            let mut total = n as f64 * log_det_columns;
            for o in 0..outputs {
                let mut square = 0.0;
                law.whiten(apart.column(o).as_slice(), reach.column(o).as_slice(), |white, reach| {
                    square += white * white;
                    *magnitude += reach * white.abs();
                });
                total += law.log_density(square);
            }
            return total;
        }
    };
    let Ok(rows) = crate::linalg::Cholesky::new(covariance) else { return f64::NAN };
    let lower = rows.inverse_lower();
    let white = &lower * apart * inverse.transpose();
    let solved = (lower.transpose() * &white).abs();
    *magnitude += (covariance.abs() * &solved).dot(&solved);
    // Far from the origin the distance from the mean has lost digits before it is whitened.
    let reach = lower.abs() * sizes * inverse.transpose().abs();
    *magnitude += reach.dot(&white.abs());
    -0.5 * (n * outputs) as f64 * (2.0 * std::f64::consts::PI).ln() - 0.5 * outputs as f64 * rows.log_det()
        + n as f64 * log_det_columns
        - 0.5 * white.norm_squared()
}

/// The marginal of one number; unset where nothing determines it, and a point where it is known.
#[must_use]
pub fn number(mean: f64, variance: f64) -> Marginal<Normal> {
    if mean.is_nan() {
        return Marginal::Unset;
    }
    if variance.sqrt() <= KNOWN.recip() {
        Marginal::Point(mean)
    } else {
        Marginal::Law(Normal::mean_var(mean, variance))
    }
}

/// A Normal within an interval.
///
/// # Errors
/// [`Error::Domain`] if the interval holds no probability; [`Error::NotFinite`] if the Normal is none.
pub fn cut(
    mean: f64,
    variance: f64,
    (low, high): (f64, f64),
    what: Element<'_>,
) -> Result<Marginal<Truncated<Normal>>, Error> {
    finite(what, &[mean, variance])?;
    if low.is_nan() || high.is_nan() {
        return Err(Error::NotFinite { what: format!("a bound of {what}") });
    }
    let law = Truncated::new(Normal::mean_var(mean, variance), low, high);
    if low < high && law.log_mass() > f64::NEG_INFINITY && RealLaw::var(&law).is_finite() {
        return Ok(Marginal::Law(law));
    }
    Err(Error::Domain {
        variable: what.name.to_string(),
        element: what.to_string(),
        value: format!("within {low} and {high}"),
        rule: "must have some probability".into(),
    })
}

/// The marginal of a vector; unset where nothing determines one of its numbers.
#[must_use]
pub fn vector(mean: &[f64], covariance: &DMatrix<f64>) -> Marginal<MvNormal<'static>> {
    if mean.iter().any(|m| m.is_nan()) {
        return Marginal::Unset;
    }
    match MvNormal::owned(mean.to_vec(), covariance) {
        Ok(law) => Marginal::Law(law),
        Err(_) => Marginal::Point(DVector::from_column_slice(mean)),
    }
}

/// The marginal of a vector of unknowns of a block.
#[must_use]
pub fn part(mean: &[f64], covariance: &Covariance, at: &[usize]) -> Marginal<MvNormal<'static>> {
    if let Covariance::Fronts { law, .. } = covariance
        && mean.iter().all(|m| !m.is_nan())
    {
        return Marginal::Law(MvNormal::of_fronts(mean.to_vec(), law, at));
    }
    vector(mean, &covariance.block(at))
}

/// (scale², dof) of Student's t that is left of Normal(·, var: c / τᵖ) for τᵖ ~ Gamma.
fn student(c: f64, scale: &Marginal<PowerGamma>) -> Option<(f64, f64)> {
    scale.law().map(|g| (c * g.rate / g.shape, 2.0 * g.shape))
}

/// The marginal of one number whose scale is uncertain too.
#[must_use]
pub fn scaled_number(mean: f64, c: f64, scale: &Marginal<PowerGamma>) -> Marginal<StudentT> {
    match student(c, scale) {
        Some((square, dof)) if square > 0.0 => {
            Marginal::Law(StudentT::mean_scale_dof(mean, square.sqrt(), dof))
        }
        _ => Marginal::Point(mean),
    }
}

/// The marginal of a vector whose scale is one uncertain number.
#[must_use]
pub fn scaled_vector(mean: &[f64], c: &DMatrix<f64>, scale: &Marginal<PowerGamma>) -> Marginal<MvStudentT> {
    student(1.0, scale)
        .and_then(|(square, dof)| MvStudentT::mean_scale_dof(mean, &(c * square), dof).ok())
        .map_or_else(|| Marginal::Point(DVector::from_column_slice(mean)), Marginal::Law)
}

/// A matrix that whitens a vector.
pub trait MatrixScale {
    /// (scale matrix, dof) of Student's t that is left of Normal(·, cov: Σ) when Σ is integrated out.
    fn student(&self) -> Option<(DMatrix<f64>, f64)>;
}

impl MatrixScale for Marginal<Wishart> {
    fn student(&self) -> Option<(DMatrix<f64>, f64)> {
        let law = self.law()?;
        let dof = law.dof() - law.dimension() as f64 + 1.0;
        Some((super::dense::inverse(&law.scale()) / dof, dof))
    }
}

impl MatrixScale for Marginal<InverseWishart> {
    fn student(&self) -> Option<(DMatrix<f64>, f64)> {
        let law = self.law()?;
        let dof = law.dof() - law.dimension() as f64 + 1.0;
        Some((law.scale() / dof, dof))
    }
}

/// The marginal of a vector with covariance c · Σ, Σ uncertain.
#[must_use]
pub fn whitened_vector(mean: &[f64], c: f64, scale: &impl MatrixScale) -> Marginal<MvStudentT> {
    scale
        .student()
        .and_then(|(matrix, dof)| MvStudentT::mean_scale_dof(mean, &(matrix * c), dof).ok())
        .map_or_else(|| Marginal::Point(DVector::from_column_slice(mean)), Marginal::Law)
}
