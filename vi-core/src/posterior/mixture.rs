//! A finite mixture: the marginal of a real whose law depends on a finite latent.

use super::{RealLaw, UNDEFINED, questions};
use crate::dist::{DomainError, Ordinate, is_simplex};
use crate::rng::categorical;
use crate::special::log_sum_exp;
use rand::Rng;

/// p(x) = Σₖ `weights[k]` p(x | component k)
///
/// ```
/// use vi_core::dist::Normal;
/// use vi_core::posterior::Mixture;
///
/// let x = Mixture::new(vec![0.25, 0.75], vec![Normal::mean_sd(-2.0, 1.0), Normal::mean_sd(2.0, 1.0)])?;
/// assert_eq!(x.mean(), 1.0);
/// // The variance within the components, and that of their means.
/// assert!((x.var() - (1.0 + 4.0 * 0.75)).abs() < 1e-14);
/// assert!((x.cdf(x.quantile(0.3)) - 0.3).abs() < 1e-15);
/// # Ok::<(), vi_core::dist::DomainError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "Parts<D>", bound(deserialize = "D: serde::Deserialize<'de>"))
)]
pub struct Mixture<D> {
    weights: Vec<f64>,
    components: Vec<D>,
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Parts<D> {
    weights: Vec<f64>,
    components: Vec<D>,
}

#[cfg(feature = "serde")]
impl<D> TryFrom<Parts<D>> for Mixture<D> {
    type Error = DomainError;

    fn try_from(parts: Parts<D>) -> Result<Self, DomainError> {
        Mixture::new(parts.weights, parts.components)
    }
}

/// What `weights` must be for this number of components.
pub(super) fn check_weights(weights: &[f64], components: usize) -> Result<(), DomainError> {
    let rule = |rule| DomainError { family: "Mixture", argument: "weights", rule };
    if weights.len() != components {
        return Err(rule("must be as many as there are components"));
    }
    if !is_simplex(weights) {
        return Err(rule("must be at least 0 and sum to 1"));
    }
    Ok(())
}

impl<D> Mixture<D> {
    /// The mixture of `components` with these weights.
    ///
    /// # Errors
    /// If there are not as many weights as components, or none, or they are negative or do not sum to 1.
    pub fn new(weights: Vec<f64>, components: Vec<D>) -> Result<Self, DomainError> {
        check_weights(&weights, components.len())?;
        Ok(Mixture { weights, components })
    }

    /// Of weights that have been checked for another mixture.
    pub(super) fn of_checked(weights: Vec<f64>, components: Vec<D>) -> Self {
        Mixture { weights, components }
    }

    /// The probability of each component.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The law given each state.
    #[must_use]
    pub fn components(&self) -> &[D] {
        &self.components
    }

    /// The components that have weight: the others may be anything.
    fn weighted(&self) -> impl Iterator<Item = (f64, &D)> {
        self.weights.iter().copied().zip(&self.components).filter(|(w, _)| *w > 0.0)
    }
}

questions!([D: RealLaw] Mixture<D>);

impl<D: RealLaw> Mixture<D> {
    /// log Σₖ `weights[k]` p(x | component k)
    #[must_use]
    pub fn log_density(&self, x: f64) -> f64 {
        RealLaw::log_density(self, x)
    }

    /// One draw: of a component, and from it.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        RealLaw::sample(self, rng)
    }
}

impl<D: RealLaw> RealLaw for Mixture<D> {
    fn mean(&self) -> f64 {
        self.weighted().map(|(w, law)| w * law.mean()).sum()
    }

    /// Σₖ `weights[k]` (Var(x | k) + (E(x | k) − E x)²)
    fn var(&self) -> f64 {
        let mean = RealLaw::mean(self);
        let of = |law: &D| {
            let gap = law.mean() - mean;
            law.var() + gap * gap
        };
        self.weighted().map(|(w, law)| w * of(law)).sum()
    }

    fn log_density(&self, x: f64) -> f64 {
        let terms: Vec<f64> = self.weighted().map(|(w, law)| w.ln() + law.log_density(x)).collect();
        log_sum_exp(&terms)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        let (lower, upper): (Vec<f64>, Vec<f64>) = self
            .weighted()
            .map(|(w, law)| {
                let (lower, upper) = law.log_tails(x);
                (w.ln() + lower, w.ln() + upper)
            })
            .unzip();
        if lower.iter().any(|v| v.is_nan()) {
            return UNDEFINED;
        }
        (log_sum_exp(&lower).min(0.0), log_sum_exp(&upper).min(0.0))
    }

    /// By bisection of the doubles between the least and the greatest of the components' quantiles, which enclose it.
    fn quantile_of(&self, tails: (f64, f64)) -> f64 {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (_, law) in self.weighted() {
            let quantile = law.quantile_of(tails);
            if quantile.is_nan() {
                return quantile;
            }
            low = low.min(quantile);
            high = high.max(quantile);
        }
        let (log_p, log_q) = tails;
        // At p = 0 and at p = 1 the ends of the support.
        if low == high || log_p == f64::NEG_INFINITY {
            return low;
        }
        if log_q == f64::NEG_INFINITY {
            return high;
        }
        f64::least(low, high, |x| {
            let (lower, upper) = self.log_tails(x);
            if log_p < log_q { lower >= log_p } else { upper <= log_q }
        })
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        drawn(&self.weights, &self.components, rng).map_or(f64::NAN, |law| law.sample(rng))
    }
}

/// A component, in proportion to the weights.
pub(super) fn drawn<'a, D, R: Rng + ?Sized>(
    weights: &[f64],
    components: &'a [D],
    rng: &mut R,
) -> Option<&'a D> {
    components.get(categorical(&mut &mut *rng, weights))
}
