//! The normal distribution of a vector whose coordinates are independent.
//!
//! ```text
//! p(x) = Π_d Normal(x[d] | mean[d], sd[d])
//! ```

use super::Normal;
use crate::dist::DomainError;
use nalgebra::DVector;
use rand::Rng;

/// Independent normal coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiagNormal<'a> {
    /// The mean of each coordinate.
    pub mean: &'a [f64],
    /// The scale of each coordinate, in the form it was given.
    pub scale: Scale<'a>,
}

/// The scales of a [`DiagNormal`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale<'a> {
    /// Variances.
    Var(&'a [f64]),
    /// Standard deviations.
    Sd(&'a [f64]),
    /// Precisions.
    Prec(&'a [f64]),
}

impl<'a> DiagNormal<'a> {
    /// `Normal(mean, var: v)` for vectors.
    ///
    /// # Errors
    /// If the lengths differ.
    pub fn mean_var(mean: &'a [f64], var: &'a [f64]) -> Result<Self, DomainError> {
        Self { mean, scale: Scale::Var(var) }.checked("var", var)
    }

    /// `Normal(mean, sd: s)` for vectors.
    ///
    /// # Errors
    /// If the lengths differ.
    pub fn mean_sd(mean: &'a [f64], sd: &'a [f64]) -> Result<Self, DomainError> {
        Self { mean, scale: Scale::Sd(sd) }.checked("sd", sd)
    }

    /// `Normal(mean, prec: t)` for vectors.
    ///
    /// # Errors
    /// If the lengths differ.
    pub fn mean_prec(mean: &'a [f64], prec: &'a [f64]) -> Result<Self, DomainError> {
        Self { mean, scale: Scale::Prec(prec) }.checked("prec", prec)
    }

    fn checked(self, argument: &'static str, scale: &[f64]) -> Result<Self, DomainError> {
        if self.mean.len() != scale.len() {
            return Err(DomainError { family: "Normal", argument, rule: "must be as long as `mean`" });
        }
        if !scale.iter().all(|&s| s > 0.0 && s.is_finite()) {
            return Err(DomainError { family: "Normal", argument, rule: "must be positive and finite" });
        }
        Ok(self)
    }

    /// The law of coordinate d; NaN parameters for a coordinate it does not have.
    pub fn coordinate(&self, d: usize) -> Normal {
        let at = |values: &[f64]| values.get(d).copied().unwrap_or(f64::NAN);
        let mean = at(self.mean);
        match self.scale {
            Scale::Var(var) => Normal::mean_var(mean, at(var)),
            Scale::Sd(sd) => Normal::mean_sd(mean, at(sd)),
            Scale::Prec(prec) => Normal::mean_prec(mean, at(prec)),
        }
    }

    fn coordinates(&self) -> impl ExactSizeIterator<Item = Normal> {
        (0..self.mean.len()).map(|d| self.coordinate(d))
    }

    /// Σ_d log Normal(`x[d]` | `mean[d]`, `sd[d]`); NaN if x has another length.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        if x.len() != self.mean.len() {
            return f64::NAN;
        }
        self.coordinates().zip(x).map(|(law, &x)| law.log_density(x)).sum()
    }

    /// Σ_d log Normal(`x[d]` | `mean[d]`, `sd[d]`) over the coordinates that have a value.
    pub fn log_density_of(&self, value: impl Fn(usize) -> Option<f64>) -> f64 {
        let present = self.coordinates().enumerate().filter_map(|(d, law)| value(d).map(|x| (law, x)));
        present.map(|(law, x)| law.log_density(x)).sum()
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        DVector::from_iterator(self.mean.len(), self.coordinates().map(|law| law.sample(rng)))
    }

    /// E x = mean.
    pub fn expectation(&self) -> DVector<f64> {
        DVector::from_iterator(self.mean.len(), self.coordinates().map(|law| law.expectation()))
    }

    /// Var `x[d]`.
    pub fn variance(&self) -> DVector<f64> {
        DVector::from_iterator(self.mean.len(), self.coordinates().map(|law| law.variance()))
    }

    /// The sum of the coordinates' entropies.
    pub fn entropy(&self) -> f64 {
        self.coordinates().map(|law| law.entropy()).sum()
    }
}
