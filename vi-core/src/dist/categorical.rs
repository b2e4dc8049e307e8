//! The categorical distribution.
//!
//! ```text
//! p(k) = p[k] = exp(logit[k]) / Σⱼ exp(logit[j])
//! ```
//!
//! Support: k = 0, 1, …, K − 1.

use super::bernoulli::surprise;
use super::is_simplex;
use crate::family::{ExponentialFamily, Improper};
use crate::special::{half_deviance, log_sum_exp};
use nalgebra::DVector;
use rand::{Rng, RngExt};
use std::borrow::Cow;

/// Categorical over as many categories as it has weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Categorical<'a> {
    /// The probabilities, in the form they were given.
    pub weights: Weights<'a>,
}

/// The probabilities of a [`Categorical`].
#[derive(Clone, Debug, PartialEq)]
pub enum Weights<'a> {
    /// Probabilities that sum to 1.
    P(Cow<'a, [f64]>),
    /// Logits, the greatest of them, and log Σₖ exp(`logit[k]` − greatest): apart, they keep the digits of large logits.
    Logit(Cow<'a, [f64]>, f64, f64),
    /// Not a probability vector.
    Invalid,
}

impl<'a> Categorical<'a> {
    /// `Categorical(p)`: probabilities that sum to 1 within [`super::SIMPLEX_TOLERANCE`], taken as they are.
    pub fn p(p: &'a [f64]) -> Self {
        Self { weights: if is_simplex(p) { Weights::P(Cow::Borrowed(p)) } else { Weights::Invalid } }
    }

    /// `Categorical(logit: eta)`: log probabilities up to a common constant; −∞ for a category that is excluded.
    pub fn logit(eta: &'a [f64]) -> Self {
        Self { weights: Weights::from_logits(Cow::Borrowed(eta)) }
    }

    /// log `p[k]`; −∞ for a category out of range.
    pub fn log_density(&self, k: usize) -> f64 {
        match &self.weights {
            Weights::P(p) => p.get(k).map_or(f64::NEG_INFINITY, |p| p.ln()),
            Weights::Logit(eta, max, log_sum) => {
                eta.get(k).map_or(f64::NEG_INFINITY, |eta| eta - max - log_sum)
            }
            Weights::Invalid => f64::NAN,
        }
    }

    /// The number of categories.
    pub fn len(&self) -> usize {
        match &self.weights {
            Weights::P(w) | Weights::Logit(w, ..) => w.len(),
            Weights::Invalid => 0,
        }
    }

    /// Whether there is no category, which only an invalid law has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One draw, by inversion.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> usize {
        let mut left: f64 = rng.random();
        let mut last = 0;
        for k in 0..self.len() {
            let p = self.log_density(k).exp();
            if p > 0.0 {
                last = k;
                left -= p;
                if left < 0.0 {
                    break;
                }
            }
        }
        last
    }

    /// E `[x = k]` = `p[k]`, for each k.
    pub fn expectation(&self) -> DVector<f64> {
        DVector::from_iterator(self.len(), (0..self.len()).map(|k| self.log_density(k).exp()))
    }

    /// Var `[x = k]` = `p[k]` (1 − `p[k]`), for each k.
    pub fn variance(&self) -> DVector<f64> {
        self.expectation().map(|p| p * (1.0 - p))
    }

    /// −Σₖ `p[k]` log `p[k]`.
    pub fn entropy(&self) -> f64 {
        if self.is_empty() { f64::NAN } else { (0..self.len()).map(|k| surprise(self.log_density(k))).sum() }
    }
}

impl<'a> Weights<'a> {
    fn from_logits(eta: Cow<'a, [f64]>) -> Self {
        let max = eta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_sum = eta.iter().map(|eta| (eta - max).exp()).sum::<f64>().ln();
        if max.is_finite() && log_sum.is_finite() { Self::Logit(eta, max, log_sum) } else { Self::Invalid }
    }
}

fn proper(eta: &[f64]) -> Result<Categorical<'_>, Improper> {
    match Categorical::logit(eta) {
        Categorical { weights: Weights::Invalid } => {
            let log_sum = log_sum_exp(eta);
            Err(Improper::new(
                "Categorical",
                format!("the logits must have a finite log-sum-exp; it is {log_sum}"),
            ))
        }
        law => Ok(law),
    }
}

impl ExponentialFamily for Categorical<'static> {
    /// The coefficient of `[x = k]`, for each k, up to a common constant.
    type Natural = Vec<f64>;
    /// E `[x = k]` = `p[k]`.
    type Moments = DVector<f64>;
    type Value = usize;

    fn natural(&self) -> Vec<f64> {
        (0..self.len()).map(|k| self.log_density(k)).collect()
    }

    fn from_natural(eta: &Vec<f64>) -> Result<Self, Improper> {
        proper(eta)?;
        Ok(Self { weights: Weights::from_logits(Cow::Owned(eta.clone())) })
    }

    fn log_partition(eta: &Vec<f64>) -> Result<f64, Improper> {
        proper(eta).map(|_| log_sum_exp(eta))
    }

    fn moments(eta: &Vec<f64>) -> Result<DVector<f64>, Improper> {
        proper(eta).map(|law| law.expectation())
    }

    /// The most probable category, the first of them if several are.
    fn mode(eta: &Vec<f64>) -> Result<usize, Improper> {
        proper(eta)?;
        let first_best = |best: usize, k: usize| if eta[k] > eta[best] { k } else { best };
        Ok((0..eta.len()).reduce(first_best).unwrap_or(0))
    }

    fn log_kernel(eta: &Vec<f64>, x: &usize) -> f64 {
        eta.get(*x).copied().unwrap_or(f64::NEG_INFINITY)
    }

    fn natural_entropy(eta: &Vec<f64>) -> Result<f64, Improper> {
        proper(eta).map(|law| law.entropy())
    }

    fn kl(q: &Vec<f64>, p: &Vec<f64>) -> Result<f64, Improper> {
        let (mean_q, mean_p) = (Self::moments(q)?, Self::moments(p)?);
        if q.len() != p.len() {
            return Err(Improper::new("Categorical", "the two have different numbers of categories"));
        }
        Ok(mean_q.iter().zip(mean_p.iter()).map(|(&q, &p)| half_deviance(q, p)).sum())
    }
}
