//! The distributions of the language, one file each: parameters in, log density, draws, moments and entropy out.
//!
//! Constructors are named by the arguments they take, as they are written in a model: `Gamma(shape: 2, rate: 1)` is
//! [`Gamma::shape_rate`]`(2.0, 1.0)`. The rules that hold for every family:
//!
//! - `log_density` is −∞ outside the support and never NaN for valid parameters; limits such as 0 · log 0 are taken.
//! - A parameter outside its domain makes `log_density`, the moments and the entropy NaN, and a real draw NaN (a count or
//!   a category drawn from an invalid law is 0). Constructors that must factor a matrix return [`DomainError`] instead.
//! - `log_interval(lo, hi)` is log P(lo ≤ X ≤ hi), from the tail that does not cancel; [`Truncated`] is built on it.
//! - Densities are with respect to Lebesgue measure on the coordinates named in the file, or to counting measure.
//!
//! ```
//! use vi_core::dist::{Normal, Poisson, Truncated};
//!
//! let half_normal = Truncated::new(Normal::mean_sd(0.0, 1.0), 0.0, f64::INFINITY);
//! assert!((half_normal.log_density(0.3) - (Normal::mean_sd(0.0, 1.0).log_density(0.3) + 2f64.ln())).abs() < 1e-15);
//! assert_eq!(half_normal.log_density(-0.3), f64::NEG_INFINITY);
//! assert!((Poisson::rate(2.0).log_interval(1.0, f64::INFINITY).exp() - (1.0 - (-2f64).exp())).abs() < 1e-15);
//! ```
//!
//! Nothing here knows of conjugacy; [`crate::family`] gives the exponential-family view. Quantiles, intervals and divergences, which are
//! asked of posteriors, are in [`crate::posterior`].

pub mod bernoulli;
pub mod beta;
pub mod binomial;
pub mod categorical;
pub mod cauchy;
pub mod constant;
mod count;
pub mod dirichlet;
pub mod exponential;
pub mod flat;
pub mod gamma;
pub mod geometric;
mod interval;
pub mod inverse_gamma;
pub mod inverse_wishart;
pub mod laplace;
pub mod log_normal;
pub(crate) mod matrix;
pub mod multinomial;
pub mod negative_binomial;
pub mod normal;
pub mod poisson;
pub mod power_gamma;
pub mod student_t;
mod truncated;
pub mod uniform;
pub mod wishart;

pub use bernoulli::{Bernoulli, BernoulliNatural};
pub use beta::{Beta, BetaMoments, BetaNatural};
pub use binomial::Binomial;
pub use categorical::{Categorical, Weights};
pub use cauchy::Cauchy;
pub use constant::Constant;
pub use dirichlet::{Dirichlet, DirichletNatural};
pub use exponential::Exponential;
pub use flat::Flat;
pub use gamma::Gamma;
pub(crate) use gamma::log_standard_gamma;
pub use geometric::Geometric;
pub use inverse_gamma::InverseGamma;
pub use inverse_wishart::{InverseWishart, InverseWishartMoments, InverseWishartNatural};
pub use laplace::Laplace;
pub use log_normal::LogNormal;
pub use multinomial::Multinomial;
pub use negative_binomial::NegativeBinomial;
pub use normal::{
    DiagNormal, MvNormal, MvNormalMoments, MvNormalNatural, Normal, NormalMoments, NormalNatural, Scale,
};
pub use poisson::{Poisson, PoissonNatural};
pub(crate) use power_gamma::gamma_kl;
pub use power_gamma::{PowerGamma, PowerGammaMoments, PowerGammaNatural};
pub use student_t::StudentT;
pub use truncated::{Ordinate, Truncated, TruncatedNormal, Univariate};
pub use uniform::{Uniform, UniformCategory};
pub use wishart::{Wishart, WishartMoments, WishartNatural};

/// An argument of a distribution that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{family}: `{argument}` {rule}")]
pub struct DomainError {
    /// The family, as written in a model.
    pub family: &'static str,
    /// The argument's name.
    pub argument: &'static str,
    /// What the argument must satisfy.
    pub rule: &'static str,
}

/// How far from 1 the sum of a probability vector may be.
pub const SIMPLEX_TOLERANCE: f64 = 1e-8;

pub(crate) fn is_positive(x: f64) -> bool {
    x > 0.0 && x < f64::INFINITY
}

pub(crate) fn is_simplex(p: &[f64]) -> bool {
    !p.is_empty() && p.iter().all(|&p| p >= 0.0) && excess_over_one(p).abs() <= SIMPLEX_TOLERANCE
}

/// Σₖ `p[k]` − 1 by compensated summation (Neumaier): it is multiplied by large concentrations.
fn excess_over_one(p: &[f64]) -> f64 {
    let (mut sum, mut carry) = (-1.0, 0.0);
    for &p in p {
        let next: f64 = sum + p;
        carry += if f64::abs(sum) >= p { (sum - next) + p } else { (p - next) + sum };
        sum = next;
    }
    sum + carry
}
