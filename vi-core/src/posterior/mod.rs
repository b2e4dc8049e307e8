//! What is known of one quantity after fitting: its posterior marginal, and questions to it.
//!
//! A marginal is a law of [`crate::dist`] and is asked the same things whatever its family. Of a real, with F the distribution function:
//!
//! | method | value |
//! |---|---|
//! | `mean()`, `var()`, `sd()` | E x, Var x, √Var x |
//! | `cdf(x)`, `survival(x)` | F(x) and 1 − F(x), each with the digits of its own tail |
//! | `quantile(p)` | the least x with F(x) ≥ p |
//! | `interval(level)` | F⁻¹ at (1 − level)/2 and at (1 + level)/2: equal tails |
//! | `log_density(x)`, `entropy()`, `sample(rng)` | as for every family |
//! | `kl_to(&p)` | KL(q ‖ p) = E_q log q(x)/p(x), where it has a closed form |
//!
//! Of a vector, `mean()`, `var()`, `sd()` and `interval(level)` are by coordinate, `cov()` is the matrix, and `marginal(d)` the law of one
//! coordinate: a [`Normal`] of [`MvNormal`], a [`Beta`] of [`Dirichlet`], a [`StudentT`] of [`MvStudentT`]. Matrix laws give those of
//! their diagonal. What is asked of a law with a parameter outside its domain, or of a coordinate that is not there, is NaN.
//!
//! | block | joint law | marginals |
//! |---|---|---|
//! | mean and precision of a Normal | Normal–Gamma | [`StudentT::normal_gamma`], [`Gamma`] |
//! | the same of vectors | Normal–Wishart | [`MvStudentT::normal_wishart`], [`Wishart`] |
//! | a standard deviation or a variance whose precision is Gamma | | [`Gamma::to_power`] |
//! | anything given a finite latent | a law for each of its states | [`Mixture`], [`VectorMixture`] |
//!
//! ```
//! use vi_core::dist::{Gamma, StudentT};
//!
//! // mean | prec ~ Normal(1, prec: 5 prec), prec ~ Gamma(3, 2)
//! let prec = Gamma::shape_rate(3.0, 2.0);
//! let mean = StudentT::normal_gamma(1.0, 5.0, &prec);
//! let (low, high) = mean.interval(0.95);
//! assert!((low + high - 2.0).abs() < 1e-13 && (mean.cdf(high) - 0.975).abs() < 1e-13);
//!
//! // The standard deviation is prec^(−½), so its quantiles are those of prec from the other end.
//! let sd = prec.to_power(-0.5);
//! assert!((sd.quantile(0.1) - prec.quantile(0.9).powf(-0.5)).abs() < 1e-12);
//! ```

mod beta;
mod dirichlet;
mod gamma;
mod inverse_gamma;
mod inverse_wishart;
mod mixture;
mod mv_normal;
mod mv_student_t;
mod normal;
mod power_gamma;
mod student_t;
mod truncated;
mod vector_mixture;
mod wishart;

pub use crate::dist::{
    Beta, Dirichlet, Gamma, InverseGamma, InverseWishart, MvNormal, Normal, PowerGamma, StudentT, Truncated,
    Wishart,
};
pub use mixture::Mixture;
pub use mv_student_t::MvStudentT;
pub use vector_mixture::VectorMixture;

use crate::special::log_tails;
use nalgebra::{DMatrix, DVector};
use rand::Rng;

/// The marginal of a real, as [`Mixture`] needs it.
///
/// The laws have the methods themselves; the trait is for code that is generic in them.
pub trait RealLaw {
    /// E x.
    fn mean(&self) -> f64;

    /// Var x.
    fn var(&self) -> f64;

    /// log p(x); −∞ outside the support.
    fn log_density(&self, x: f64) -> f64;

    /// (log P(X ≤ x), log P(X > x)).
    fn log_tails(&self, x: f64) -> (f64, f64);

    /// The quantile at p, from (log p, log(1 − p)).
    fn quantile_of(&self, tails: (f64, f64)) -> f64;

    /// One draw.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64;

    /// √Var x.
    fn sd(&self) -> f64 {
        self.var().sqrt()
    }

    /// P(X ≤ x).
    fn cdf(&self, x: f64) -> f64 {
        self.log_tails(x).0.exp()
    }

    /// P(X > x).
    fn survival(&self, x: f64) -> f64 {
        self.log_tails(x).1.exp()
    }

    /// The least x with P(X ≤ x) ≥ p.
    fn quantile(&self, p: f64) -> f64 {
        self.quantile_of(log_tails(p))
    }

    /// The interval that leaves (1 − level)/2 on either side.
    fn interval(&self, level: f64) -> (f64, f64) {
        let (outside, inside) =
            if (0.0..=1.0).contains(&level) { log_tails(0.5 * (1.0 - level)) } else { (f64::NAN, f64::NAN) };
        (self.quantile_of((outside, inside)), self.quantile_of((inside, outside)))
    }
}

/// The marginal of a vector, as [`VectorMixture`] needs it.
///
/// The laws have the methods themselves; the trait is for code that is generic in them.
pub trait VectorLaw {
    /// The family of one coordinate.
    type Coordinate: RealLaw;

    /// The number of coordinates.
    fn dimension(&self) -> usize;

    /// E x.
    fn mean(&self) -> DVector<f64>;

    /// E (x − E x)(x − E x)ᵀ.
    fn cov(&self) -> DMatrix<f64>;

    /// log p(x); −∞ outside the support, NaN if x has another length.
    fn log_density(&self, x: &[f64]) -> f64;

    /// One draw.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64>;

    /// The law of coordinate d; one of NaN for a coordinate it does not have.
    fn marginal(&self, d: usize) -> Self::Coordinate;

    /// Var `x[d]`.
    fn var(&self) -> DVector<f64> {
        DVector::from_fn(self.dimension(), |d, _| self.marginal(d).var())
    }

    /// √Var `x[d]`.
    fn sd(&self) -> DVector<f64> {
        self.var().map(f64::sqrt)
    }

    /// For each coordinate the interval that leaves (1 − level)/2 on either side.
    fn interval(&self, level: f64) -> Vec<(f64, f64)> {
        (0..self.dimension()).map(|d| self.marginal(d).interval(level)).collect()
    }
}

/// The questions to the marginal of a real, as methods that need no import.
macro_rules! questions {
    ([$($bounds:tt)*] $law:ty) => {
        impl<$($bounds)*> $law {
            /// E x; NaN where it does not exist.
            #[must_use]
            pub fn mean(&self) -> f64 {
                $crate::posterior::RealLaw::mean(self)
            }

            /// Var x; ∞ where only the mean is finite, NaN where it is not.
            #[must_use]
            pub fn var(&self) -> f64 {
                $crate::posterior::RealLaw::var(self)
            }

            /// √Var x.
            #[must_use]
            pub fn sd(&self) -> f64 {
                $crate::posterior::RealLaw::sd(self)
            }

            /// P(X ≤ x).
            #[must_use]
            pub fn cdf(&self, x: f64) -> f64 {
                $crate::posterior::RealLaw::cdf(self, x)
            }

            /// P(X > x), which keeps its digits where `cdf` is close to 1.
            #[must_use]
            pub fn survival(&self, x: f64) -> f64 {
                $crate::posterior::RealLaw::survival(self, x)
            }

            /// The least x with P(X ≤ x) ≥ p; NaN unless 0 ≤ p ≤ 1.
            #[must_use]
            pub fn quantile(&self, p: f64) -> f64 {
                $crate::posterior::RealLaw::quantile(self, p)
            }

            /// The interval that leaves (1 − level)/2 on either side; NaN unless 0 ≤ level ≤ 1.
            #[must_use]
            pub fn interval(&self, level: f64) -> (f64, f64) {
                $crate::posterior::RealLaw::interval(self, level)
            }
        }
    };
}

/// The questions to the marginal of a vector, as methods that need no import.
macro_rules! vector_questions {
    ([$($bounds:tt)*] $law:ty) => {
        impl<$($bounds)*> $law {
            /// E x; NaN where it does not exist.
            #[must_use]
            pub fn mean(&self) -> nalgebra::DVector<f64> {
                $crate::posterior::VectorLaw::mean(self)
            }

            /// E (x − E x)(x − E x)ᵀ.
            #[must_use]
            pub fn cov(&self) -> nalgebra::DMatrix<f64> {
                $crate::posterior::VectorLaw::cov(self)
            }

            /// Var `x[d]`, the diagonal of `cov`.
            #[must_use]
            pub fn var(&self) -> nalgebra::DVector<f64> {
                $crate::posterior::VectorLaw::var(self)
            }

            /// √Var `x[d]`.
            #[must_use]
            pub fn sd(&self) -> nalgebra::DVector<f64> {
                $crate::posterior::VectorLaw::sd(self)
            }

            /// For each coordinate the interval that leaves (1 − level)/2 on either side; NaN unless 0 ≤ level ≤ 1.
            #[must_use]
            pub fn interval(&self, level: f64) -> Vec<(f64, f64)> {
                $crate::posterior::VectorLaw::interval(self, level)
            }
        }
    };
}

pub(crate) use {questions, vector_questions};

/// Both tails of a law that is not valid.
const UNDEFINED: (f64, f64) = (f64::NAN, f64::NAN);
/// Both tails below the support.
const BELOW: (f64, f64) = (f64::NEG_INFINITY, 0.0);
/// Both tails above the support.
const ABOVE: (f64, f64) = (0.0, f64::NEG_INFINITY);

/// (log(1 − p), log p)
fn swapped((log_p, log_q): (f64, f64)) -> (f64, f64) {
    (log_q, log_p)
}
