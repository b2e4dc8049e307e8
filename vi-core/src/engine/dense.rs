//! Normals with a dense scale: whitening, and the few matrix functions that generated code calls by name.

use super::collapse::Collapse;
use super::gaps::{Gaps, There};
use super::mode::Element;
use super::unit::UnitNormals;
use crate::Error;
use crate::data::View2;
use crate::linalg::{self, Cholesky};
use crate::tile::{self, NormalDensity, TileBuffer};
use nalgebra::DMatrix;
use std::hash::{DefaultHasher, Hasher};

/// What a matrix argument of a Normal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Σ
    Covariance,
    /// Λ
    Precision,
    /// L with Σ = L Lᵀ
    Cholesky,
}

/// log Normal(x | mean, Λ), less ½ D log 2π, which depends on nothing.
#[derive(Clone, Debug)]
pub struct Density {
    kernel: NormalDensity,
    /// W with Λ = Wᵀ W, lower triangular.
    whitener: DMatrix<f64>,
    /// Λ
    precision: DMatrix<f64>,
    half_log_det: f64,
    mean: Vec<f64>,
}

impl Density {
    /// `factor` multiplies the precision.
    ///
    /// # Errors
    /// [`Error::Unbounded`] if the matrix is not positive definite: the density has collapsed.
    pub fn new(
        mean: &[f64],
        matrix: &DMatrix<f64>,
        scale: Scale,
        factor: f64,
        what: Element<'_>,
    ) -> Result<Density, Error> {
        let (inverse_lower, half_log_det) =
            whitener(matrix, scale, factor).ok_or_else(|| Error::Unbounded {
                block: what.to_string(),
                component: what.at.first().copied(),
                reason: "it is not positive definite".to_string(),
            })?;
        let kernel = NormalDensity::new(mean, &linalg::pack_lower(&inverse_lower), half_log_det);
        let precision = inverse_lower.transpose() * &inverse_lower;
        Ok(Density { kernel, whitener: inverse_lower, precision, half_log_det, mean: mean.to_vec() })
    }

    /// E log Normal(x | mean, Λ) where mean and Λ are uncertain, less ½ D log 2π:
    /// ½ E log det Λ − ½ (x − E mean)ᵀ E Λ (x − E mean) − ½ spread.
    ///
    /// # Errors
    /// [`Error::Improper`] if E Λ is not positive definite.
    pub fn expected(
        mean: &[f64],
        precision: &DMatrix<f64>,
        half_log_det: f64,
        spread: f64,
        what: Element<'_>,
    ) -> Result<Density, Error> {
        let (inverse_lower, _) =
            whitener(precision, Scale::Precision, 1.0).ok_or_else(|| Error::Improper {
                element: what.to_string(),
                reason: "its expectation is not positive definite".to_string(),
            })?;
        let constant = half_log_det - 0.5 * spread;
        let kernel = NormalDensity::new(mean, &linalg::pack_lower(&inverse_lower), constant);
        Ok(Density {
            kernel,
            whitener: inverse_lower,
            precision: precision.clone(),
            half_log_det: constant,
            mean: mean.to_vec(),
        })
    }

    /// Whitens the last `count` rows of a unit, which are the components of one vector, and counts them `copies` times.
    pub fn whiten(&self, unit: &mut UnitNormals, count: usize, copies: f64) {
        unit.whiten(count, &self.whitener, copies, self.half_log_det);
    }

    /// The same of a vector of which some coordinates may be missing: what is left is the law of those that are there.
    pub fn whiten_present(&self, unit: &mut UnitNormals, count: usize, copies: f64) {
        let more = unit.project(self, count);
        unit.whiten(count, &self.whitener, copies, self.half_log_det + more);
    }

    /// The same where the data are unknown.
    pub fn whiten_all(&self, units: &mut Collapse, count: usize) {
        units.whiten(count, &self.whitener, self.half_log_det);
    }

    /// Adds the log density of the `n` columns of a tile.
    pub fn add(&self, tile: &[f64], n: usize, out: &mut [f64]) {
        self.kernel.add_log_density(tile, n, out);
    }

    /// Λ, or its expectation.
    #[must_use]
    pub fn precision(&self) -> &DMatrix<f64> {
        &self.precision
    }

    /// ½ log det Λ, or its expectation.
    #[must_use]
    pub fn half_log_det(&self) -> f64 {
        self.half_log_det
    }

    /// The log density of one vector.
    #[must_use]
    pub fn one(&self, x: &[f64]) -> f64 {
        let mut out = [0.0];
        self.kernel.add_log_density(x, 1, &mut out);
        out[0]
    }

    /// The log density of the coordinates of a vector that are there, plus ½ log 2π for each that is not.
    #[must_use]
    pub fn present(&self, x: &mut [f64], gaps: &mut Gaps) -> f64 {
        gaps.log_density(self, x)
    }

    /// Replaces the coordinates that are not there by their expectations given the others; before any params are known, by the mean of the
    /// values that other vectors have there.
    pub fn complete(&self, x: &mut [f64], there: &There, gaps: &mut Gaps) {
        gaps.complete(self, there, x);
    }

    pub(crate) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// W with Λ = Wᵀ W.
    pub(crate) fn whitener(&self) -> &DMatrix<f64> {
        &self.whitener
    }

    /// The bits of W in one number.
    pub(crate) fn stamp(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.whitener.iter().for_each(|x| hasher.write_u64(x.to_bits()));
        hasher.finish()
    }
}

/// (W, ½ log det Λ) with Λ = Wᵀ W and W lower triangular.
fn whitener(matrix: &DMatrix<f64>, scale: Scale, factor: f64) -> Option<(DMatrix<f64>, f64)> {
    if factor.is_nan() || factor <= 0.0 {
        return None;
    }
    let root = factor.sqrt();
    let dim = matrix.nrows() as f64;
    let covariance = match scale {
        Scale::Covariance => matrix.clone(),
        Scale::Precision => Cholesky::new(matrix).ok()?.inverse(),
        Scale::Cholesky => matrix * matrix.transpose(),
    };
    let chol = Cholesky::new(&covariance).ok()?;
    Some((chol.inverse_lower() * root, -0.5 * chol.log_det() + dim * root.ln()))
}

/// Σ w log Normal, less what depends on the data alone, from the scatter of the residuals and their weight; and the sum of the absolute
/// values of its terms.
///
/// # Errors
/// [`Error::NotFinite`] if the matrix is not positive definite.
pub fn expected(
    scatter: &DMatrix<f64>,
    weight: f64,
    matrix: &DMatrix<f64>,
    scale: Scale,
    factor: f64,
) -> Result<(f64, f64), Error> {
    let (w, half_log_det) = whitener(matrix, scale, factor)
        .ok_or_else(|| Error::NotFinite { what: "the expected density of a Normal".to_string() })?;
    let trace = (&w * scatter * w.transpose()).trace();
    let value = weight * half_log_det - 0.5 * trace;
    Ok((value, (weight * half_log_det).abs() + 0.5 * trace.abs()))
}

/// Σ w E log Normal, less what depends on the data alone, from the expected scatter of the residuals, their weight, E Λ and ½ E log det Λ;
/// and the sum of the absolute values of its terms.
#[must_use]
pub fn expected_uncertain(
    scatter: &DMatrix<f64>,
    weight: f64,
    precision: &DMatrix<f64>,
    half_log_det: f64,
) -> (f64, f64) {
    let trace = trace(precision, scatter);
    (weight * half_log_det - 0.5 * trace, (weight * half_log_det).abs() + 0.5 * trace.abs())
}

/// tr A B of symmetric matrices.
#[must_use]
pub fn trace(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    a.iter().zip(b.iter()).map(|(x, y)| x * y).sum()
}

/// log det of a symmetric positive definite matrix; NaN if it is not one.
#[must_use]
pub fn log_det(m: &DMatrix<f64>) -> f64 {
    Cholesky::new(m).map_or(f64::NAN, |c| c.log_det())
}

/// The inverse of a symmetric positive definite matrix; NaN if it is not one.
#[must_use]
pub fn inverse(m: &DMatrix<f64>) -> DMatrix<f64> {
    Cholesky::new(m).map_or_else(|_| DMatrix::from_element(m.nrows(), m.ncols(), f64::NAN), |c| c.inverse())
}

/// (L Lᵀ)_ij
#[must_use]
pub fn gram(l: &DMatrix<f64>, i: usize, j: usize) -> f64 {
    (0..=i.min(j)).map(|k| l[(i, k)] * l[(j, k)]).sum()
}

/// A matrix of the data.
#[must_use]
pub fn of_rows(rows: &View2<'_, f64>) -> DMatrix<f64> {
    DMatrix::from_fn(rows.nrows(), rows.ncols(), |i, j| rows.get(i, j))
}

/// A buffer of this length, kept from tile to tile.
pub fn tile(buffer: &mut TileBuffer, len: usize) -> &mut [f64] {
    if buffer.len() < len {
        *buffer = TileBuffer::new(len);
    }
    &mut buffer[..len]
}

/// Measures a tile from a gauge; no gauge is the origin.
pub fn shift(x: &mut [f64], n: usize, gauge: &[f64]) {
    if !gauge.is_empty() {
        tile::shift_tile(x, n, gauge);
    }
}
