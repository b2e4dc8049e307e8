//! The multinomial distribution: how often each category came up in n independent trials.
//!
//! ```text
//! p(x) = n! Πₖ p[k]^x[k] / x[k]!
//! ```
//!
//! Support: counts `x[k]` that sum to n. Source: Johnson, Kotz & Balakrishnan, *Discrete Multivariate Distributions*, ch. 35.

use super::binomial::Binomial;
use super::{excess_over_one, is_simplex};
use crate::special::{lgamma_1p, log_poisson_kernel};
use nalgebra::DVector;
use rand::Rng;

/// Multinomial with n trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Multinomial<'a> {
    /// The number of trials.
    pub n: u64,
    /// The probability of each category.
    pub p: &'a [f64],
}

impl<'a> Multinomial<'a> {
    /// `Multinomial(n, p)`: p sums to 1 within [`super::SIMPLEX_TOLERANCE`], and is taken as it is.
    pub fn n_p(n: u64, p: &'a [f64]) -> Self {
        Self { n, p }
    }

    /// log n! + Σₖ (`x[k]` log `p[k]` − log `x[k]`!); −∞ unless x sums to n, NaN if x has another length than p.
    pub fn log_density(&self, x: &[u64]) -> f64 {
        if !is_simplex(self.p) || x.len() != self.p.len() {
            return f64::NAN;
        }
        if x.iter().try_fold(0u64, |sum, &x| sum.checked_add(x)) != Some(self.n) {
            return f64::NEG_INFINITY;
        }
        // Independent Poisson counts of means n p[k], given that they sum to n.
        let n = self.n as f64;
        let log_n = n.ln();
        let counts: f64 =
            self.p.iter().zip(x).map(|(&p, &x)| log_poisson_kernel(x as f64, n * p, log_n + p.ln())).sum();
        counts - log_poisson_kernel(n, n, log_n) + n * excess_over_one(self.p)
    }

    /// One draw: each count is binomial given those before it.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Vec<u64> {
        let mut counts = vec![0; self.p.len()];
        if !is_simplex(self.p) {
            return counts;
        }
        let mut left = self.n;
        // Suffix sums: what is left of 1 cancels when it is taken by subtraction.
        let mut mass: Vec<f64> = self.p.to_vec();
        for k in (1..mass.len()).rev() {
            mass[k - 1] += mass[k];
        }
        for k in 0..self.p.len() {
            if left == 0 || mass[k] <= 0.0 {
                break;
            }
            let is_last = mass.get(k + 1).is_none_or(|&rest| rest == 0.0);
            counts[k] =
                if is_last { left } else { Binomial::n_p(left, (self.p[k] / mass[k]).min(1.0)).sample(rng) };
            left -= counts[k];
        }
        counts
    }

    /// E `x[k]` = n `p[k]`.
    pub fn expectation(&self) -> DVector<f64> {
        let n = if is_simplex(self.p) { self.n as f64 } else { f64::NAN };
        DVector::from_iterator(self.p.len(), self.p.iter().map(|p| n * p))
    }

    /// Var `x[k]` = n `p[k]` (1 − `p[k]`).
    pub fn variance(&self) -> DVector<f64> {
        self.expectation().zip_map(&DVector::from_row_slice(self.p), |mean, p| mean * (1.0 - p))
    }

    /// −log n! − n Σₖ `p[k]` log `p[k]` + Σₖ E log `x[k]`!, the last summed over the binomial law of `x[k]`.
    pub fn entropy(&self) -> f64 {
        if !is_simplex(self.p) {
            return f64::NAN;
        }
        let n = self.n as f64;
        let category = |&p: &f64| {
            if p == 0.0 {
                return 0.0;
            }
            -n * p * p.ln() + Binomial::n_p(self.n, p.min(1.0)).expect(|k, _| lgamma_1p(k))
        };
        self.p.iter().map(category).sum::<f64>() - lgamma_1p(n)
    }
}
