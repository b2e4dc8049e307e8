//! The Dirichlet distribution.
//!
//! ```text
//! p(x) = Γ(Σₖ a[k]) / Πₖ Γ(a[k]) · Πₖ x[k]^(a[k] − 1)
//! ```
//!
//! Support: `x[k]` ≥ 0, Σₖ `x[k]` = 1; the density is with respect to Lebesgue measure on any K − 1 of the coordinates. On the
//! boundary it is its limit, −∞ where coordinates disagree. Source: Kotz, Balakrishnan & Johnson, *Continuous
//! Multivariate Distributions* 1, ch. 49.

use super::beta::times_log;
use super::gamma::log_standard_gamma;
use super::{excess_over_one, is_positive, is_simplex};
use crate::family::{ExponentialFamily, Improper};
use crate::special::{
    digamma, lgamma, lgamma_bregman, log_sum_exp, standard_gamma_entropy, standard_gamma_log_density,
};
use nalgebra::DVector;
use rand::Rng;
use std::borrow::Cow;

/// Dirichlet with one concentration per coordinate.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dirichlet<'a> {
    /// The exponent of each coordinate, plus 1.
    pub a: Cow<'a, [f64]>,
}

impl<'a> Dirichlet<'a> {
    /// `Dirichlet(a)` for a vector a.
    pub fn a(a: &'a [f64]) -> Self {
        Self { a: Cow::Borrowed(a) }
    }

    /// `Dirichlet(a)` for a scalar a, over k coordinates.
    pub fn symmetric(a: f64, k: usize) -> Self {
        Self { a: Cow::Owned(vec![a; k]) }
    }

    pub(crate) fn is_valid(&self) -> bool {
        !self.a.is_empty() && self.a.iter().all(|&a| is_positive(a))
    }

    pub(crate) fn total(&self) -> f64 {
        crate::tile::sum(&self.a)
    }

    /// log Γ(Σ a) − Σₖ log Γ(`a[k]`) + Σₖ (`a[k]` − 1) log `x[k]`; −∞ off the simplex, NaN if x has another length.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        if !self.is_valid() || x.len() != self.a.len() {
            return f64::NAN;
        }
        if !is_simplex(x) || self.a.iter().zip(x).any(|(&a, &x)| a > 1.0 && x == 0.0) {
            return f64::NEG_INFINITY;
        }
        // As for the beta law: Gamma densities at total · x[k], whose large terms cancel within each coordinate.
        let total = self.total();
        let log_total = total.ln();
        let coordinates: f64 = self
            .a
            .iter()
            .zip(x)
            .map(|(&a, &x)| standard_gamma_log_density(a, total * x, log_total + x.ln()))
            .sum();
        coordinates - standard_gamma_log_density(total, total, log_total)
            + (self.a.len() as f64 - 1.0) * log_total
            + total * excess_over_one(x)
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        if !self.is_valid() {
            return DVector::from_element(self.a.len(), f64::NAN);
        }
        let logs = DVector::from_iterator(self.a.len(), self.a.iter().map(|&a| log_standard_gamma(a, rng)));
        let log_sum = log_sum_exp(logs.as_slice());
        logs.map(|v| (v - log_sum).exp())
    }

    /// E `x[k]` = `a[k]`/Σ a.
    pub fn expectation(&self) -> DVector<f64> {
        let total = if self.is_valid() { self.total() } else { f64::NAN };
        DVector::from_iterator(self.a.len(), self.a.iter().map(|a| a / total))
    }

    /// Var `x[k]` = m (1 − m)/(Σ a + 1), m = E `x[k]`.
    pub fn variance(&self) -> DVector<f64> {
        let total = self.total();
        self.expectation().map(|m| m * (1.0 - m) / (total + 1.0))
    }

    /// E log `x[k]` = ψ(`a[k]`) − ψ(Σ a).
    pub fn expect_log(&self, k: usize) -> f64 {
        self.a.get(k).map_or(f64::NAN, |&a| digamma(a) - digamma(self.total()))
    }

    /// Σₖ log Γ(`a[k]`) − log Γ(Σ a) + (Σ a − K) ψ(Σ a) − Σₖ (`a[k]` − 1) ψ(`a[k]`).
    pub fn entropy(&self) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let total = self.total();
        self.a.iter().map(|&a| standard_gamma_entropy(a)).sum::<f64>()
            - standard_gamma_entropy(total)
            - (self.a.len() as f64 - 1.0) * digamma(total)
    }
}

/// The coefficients `a[k]` − 1 of the statistics log `x[k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DirichletNatural {
    /// `a[k]` − 1.
    pub log_x: Vec<f64>,
}

impl ExponentialFamily for Dirichlet<'static> {
    type Natural = DirichletNatural;
    /// E log `x[k]` = ψ(`a[k]`) − ψ(Σ a).
    type Moments = DVector<f64>;
    type Value = DVector<f64>;

    fn natural(&self) -> DirichletNatural {
        DirichletNatural { log_x: self.a.iter().map(|a| a - 1.0).collect() }
    }

    fn from_natural(eta: &DirichletNatural) -> Result<Self, Improper> {
        let dirichlet = Self { a: eta.log_x.iter().map(|c| c + 1.0).collect() };
        if dirichlet.is_valid() {
            return Ok(dirichlet);
        }
        let worst = dirichlet.a.iter().position(|&a| !is_positive(a)).map(|k| (k, dirichlet.a[k]));
        Err(Improper::new(
            "Dirichlet",
            match worst {
                Some((k, a)) => format!("a[{k}] = {a} must be positive and finite"),
                None => "it needs at least one coordinate".to_owned(),
            },
        ))
    }

    fn log_partition(eta: &DirichletNatural) -> Result<f64, Improper> {
        let dirichlet = Self::from_natural(eta)?;
        Ok(dirichlet.a.iter().map(|&a| lgamma(a)).sum::<f64>() - lgamma(dirichlet.total()))
    }

    fn moments(eta: &DirichletNatural) -> Result<DVector<f64>, Improper> {
        let dirichlet = Self::from_natural(eta)?;
        let total = digamma(dirichlet.total());
        Ok(DVector::from_iterator(dirichlet.a.len(), dirichlet.a.iter().map(|&a| digamma(a) - total)))
    }

    /// (`a[k]` − 1)/Σ(a − 1), the relative frequencies if the coefficients are counts.
    fn mode(eta: &DirichletNatural) -> Result<DVector<f64>, Improper> {
        let total: f64 = eta.log_x.iter().sum();
        if eta.log_x.iter().all(|&c| c >= 0.0) && is_positive(total) {
            return Ok(DVector::from_iterator(eta.log_x.len(), eta.log_x.iter().map(|c| c / total)));
        }
        let least = eta.log_x.iter().copied().fold(f64::INFINITY, f64::min);
        let rule = format!("no single mode: the least exponent a − 1 is {least}, their sum is {total}");
        Err(Improper::new("Dirichlet", rule))
    }

    fn log_kernel(eta: &DirichletNatural, x: &DVector<f64>) -> f64 {
        if x.len() != eta.log_x.len() {
            return f64::NAN;
        }
        if !is_simplex(x.as_slice()) || eta.log_x.iter().zip(x.iter()).any(|(&c, &x)| c > 0.0 && x == 0.0) {
            return f64::NEG_INFINITY;
        }
        eta.log_x.iter().zip(x.iter()).map(|(&c, x)| times_log(c, x.ln())).sum()
    }

    fn natural_entropy(eta: &DirichletNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|dirichlet| dirichlet.entropy())
    }

    fn kl(q: &DirichletNatural, p: &DirichletNatural) -> Result<f64, Improper> {
        let (q, p) = (Self::from_natural(q)?, Self::from_natural(p)?);
        if q.a.len() != p.a.len() {
            return Err(Improper::new("Dirichlet", "the two have different numbers of coordinates"));
        }
        let coordinates: f64 = p.a.iter().zip(q.a.iter()).map(|(&p, &q)| lgamma_bregman(p, q)).sum();
        Ok(coordinates - lgamma_bregman(p.total(), q.total()))
    }
}
