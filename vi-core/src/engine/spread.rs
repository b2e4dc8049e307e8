//! Covariances of a block of locations from the laws of its elements: what [`law`](super::law) makes marginals of, read backwards.
//!
//! Between elements whose laws are apart nothing is known: their covariance is 0.

use crate::dist::MvNormal;
use crate::dist::{Normal, PowerGamma, StudentT, Truncated};
use crate::engine::law::MatrixScale;
use crate::fit::Marginal;
use crate::posterior::{MvStudentT, VectorLaw};
use nalgebra::DMatrix;

/// Entries of covariances, before it is known how many there are and of what size.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<(usize, [usize; 2], f64)>);

impl Spread {
    /// An entry of the covariance of one copy.
    pub fn add(&mut self, copy: usize, at: [usize; 2], value: f64) {
        self.0.push((copy, at, value));
    }

    /// One covariance for each copy.
    #[must_use]
    pub fn covariances(&self) -> Vec<DMatrix<f64>> {
        let copies = self.0.iter().map(|(c, ..)| c + 1).max().unwrap_or(0);
        let size = self.0.iter().map(|(_, at, _)| at[0].max(at[1]) + 1).max().unwrap_or(0);
        let mut out = vec![DMatrix::zeros(size, size); copies];
        for (copy, at, value) in &self.0 {
            out[*copy][(at[0], at[1])] = *value;
        }
        out
    }
}

/// Var x of a Normal within an interval; `None` of a point.
#[must_use]
pub fn cut_number(q: &Marginal<Truncated<Normal>>) -> Option<f64> {
    q.law().map(Truncated::var)
}

/// Var x; `None` of a point.
#[must_use]
pub fn number(q: &Marginal<Normal>) -> Option<f64> {
    q.law().map(|d| d.sd * d.sd)
}

/// Cov x; `None` of a point.
#[must_use]
pub fn vector(q: &Marginal<MvNormal<'static>>) -> Option<DMatrix<f64>> {
    q.law().map(VectorLaw::cov)
}

/// rate/shape of xᵖ ~ Gamma: scale² of Student's t for c = 1.
fn unit(scale: &Marginal<PowerGamma>) -> Option<f64> {
    scale.law().map(|g| g.rate / g.shape)
}

/// c where x | τ ~ Normal(·, var: c / τᵖ) with this law of τ.
#[must_use]
pub fn scaled_number(q: &Marginal<StudentT>, scale: &Marginal<PowerGamma>) -> Option<f64> {
    Some(q.law()?.scale.powi(2) / unit(scale)?)
}

/// C where x | τ ~ Normal(·, cov: C / τᵖ) with this law of τ.
#[must_use]
pub fn scaled_vector(q: &Marginal<MvStudentT>, scale: &Marginal<PowerGamma>) -> Option<DMatrix<f64>> {
    Some(q.law()?.scale() / unit(scale)?)
}

/// c where x | Σ ~ Normal(·, cov: c Σ) with this law of Σ.
#[must_use]
pub fn whitened_vector(q: &Marginal<MvStudentT>, scale: &impl MatrixScale) -> Option<f64> {
    let (matrix, _) = scale.student()?;
    Some(q.law()?.scale().trace() / matrix.trace())
}
