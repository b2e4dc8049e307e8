//! Exponential families: natural ↔ standard parameters, log-partition, moments, mode, entropy, Kullback–Leibler divergence.
//!
//! ```text
//! p(x | η) = h(x) exp(⟨η, T(x)⟩ − A(η)),   E T(x) = ∇A(η)
//! ```
//!
//! A natural parameter holds one coefficient per statistic, named after it, so that the coefficients of a sum of terms
//! are the sums of their coefficients. Such sums need not be proper: every function that needs an integral says so with
//! [`Improper`]. The mode needs none, and is defined for any coefficients for which the maximum is attained.
//!
//! ```
//! use vi_core::dist::{Beta, BetaNatural};
//! use vi_core::family::ExponentialFamily;
//!
//! // Beta(2, 2) and three successes in four trials: coefficients add.
//! let prior = Beta::a_b(2.0, 2.0).natural();
//! let eta = BetaNatural { log_x: prior.log_x + 3.0, log_1mx: prior.log_1mx + 1.0 };
//! assert_eq!(Beta::from_natural(&eta), Ok(Beta::a_b(5.0, 3.0)));
//! assert_eq!(Beta::mode(&eta), Ok(4.0 / 6.0));
//! ```

/// Natural parameters for which what was asked does not exist, with the rule they break.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{family} is improper: {rule}")]
pub struct Improper {
    /// The family, as written in a model.
    pub family: &'static str,
    /// The condition that fails, with the values found.
    pub rule: String,
}

impl Improper {
    /// The family, and the condition that fails.
    pub fn new(family: &'static str, rule: impl Into<String>) -> Self {
        Self { family, rule: rule.into() }
    }
}

/// A family of distributions in its natural parameters.
pub trait ExponentialFamily: Sized {
    /// η: one coefficient per statistic.
    type Natural;
    /// Expectations of the statistics, in the form computations use them (a mean and a centred variance, say).
    type Moments;
    /// A point of the sample space.
    type Value;

    /// The natural parameter of this distribution.
    fn natural(&self) -> Self::Natural;

    /// The distribution with this natural parameter.
    ///
    /// # Errors
    /// [`Improper`] if h(x) exp⟨η, T(x)⟩ has no finite integral.
    fn from_natural(eta: &Self::Natural) -> Result<Self, Improper>;

    /// A(η) = log ∫ h(x) exp⟨η, T(x)⟩ dx.
    ///
    /// # Errors
    /// [`Improper`] if the integral is not finite.
    fn log_partition(eta: &Self::Natural) -> Result<f64, Improper>;

    /// ∇A(η) = E T(x).
    ///
    /// # Errors
    /// [`Improper`] as for [`Self::log_partition`].
    fn moments(eta: &Self::Natural) -> Result<Self::Moments, Improper>;

    /// argmax h(x) exp⟨η, T(x)⟩ over the closed support.
    ///
    /// # Errors
    /// [`Improper`] if the supremum is not attained, or is attained everywhere. Each family says which it gives of two.
    fn mode(eta: &Self::Natural) -> Result<Self::Value, Improper>;

    /// ⟨η, T(x)⟩ + log h(x): the log density without its normaliser; −∞ outside the support.
    fn log_kernel(eta: &Self::Natural, x: &Self::Value) -> f64;

    /// log p(x | η).
    ///
    /// # Errors
    /// [`Improper`] as for [`Self::log_partition`].
    fn natural_log_density(eta: &Self::Natural, x: &Self::Value) -> Result<f64, Improper> {
        Ok(Self::log_kernel(eta, x) - Self::log_partition(eta)?)
    }

    /// −E log p(x | η).
    ///
    /// # Errors
    /// [`Improper`] as for [`Self::log_partition`].
    fn natural_entropy(eta: &Self::Natural) -> Result<f64, Improper>;

    /// KL(q ‖ p) = A(p) − A(q) − ⟨∇A(q), p − q⟩, arranged so that it keeps its digits where q and p are close.
    ///
    /// # Errors
    /// [`Improper`] if either is.
    fn kl(q: &Self::Natural, p: &Self::Natural) -> Result<f64, Improper>;
}
