//! Log probabilities of intervals: what a truncation divides by, and its derivatives.

use super::derive::derive;
use super::poly::{Func, Poly};
use super::symbol::Ix;
use crate::model::ir::ArrayId;

/// A law whose log P(a ≤ X ≤ b) has its derivatives in the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interval {
    Gamma,
    Beta,
    Poisson,
    Binomial,
    NegativeBinomial,
    Student,
    Laplace,
    Cauchy,
}

impl Interval {
    /// The law of a log probability of an interval.
    pub fn of(f: Func) -> Option<Interval> {
        Some(match f {
            Func::LogGammaInterval => Interval::Gamma,
            Func::LogBetaInterval => Interval::Beta,
            Func::LogPoissonInterval => Interval::Poisson,
            Func::LogBinomialInterval => Interval::Binomial,
            Func::LogNegativeBinomialInterval => Interval::NegativeBinomial,
            Func::LogStudentInterval => Interval::Student,
            Func::LogLaplaceInterval => Interval::Laplace,
            Func::LogCauchyInterval => Interval::Cauchy,
            Func::Log
            | Func::Exp
            | Func::LGamma
            | Func::Digamma
            | Func::Trigamma
            | Func::LGammaD
            | Func::Softplus
            | Func::Sigmoid
            | Func::LogPhi
            | Func::Abs
            | Func::LogInside
            | Func::InverseMills
            | Func::Sign
            | Func::PhiIntervalSlope
            | Func::LogPhiInterval
            | Func::IntervalSlope(..)
            | Func::IntervalCurvature(..) => return None,
        })
    }

    /// As its functions are called in the runtime.
    pub fn name(self) -> &'static str {
        match self {
            Interval::Gamma => "gamma",
            Interval::Beta => "beta",
            Interval::Poisson => "poisson",
            Interval::Binomial => "binomial",
            Interval::NegativeBinomial => "negative_binomial",
            Interval::Student => "student",
            Interval::Laplace => "laplace",
            Interval::Cauchy => "cauchy",
        }
    }

    /// Whether there is a derivative in an argument: not in counts, not in degrees of freedom.
    fn smooth_in(self, argument: usize) -> bool {
        match self {
            Interval::Gamma | Interval::Beta | Interval::Laplace | Interval::Cauchy => true,
            Interval::Poisson => argument == 0,
            Interval::Binomial => argument == 1,
            Interval::NegativeBinomial => argument < 2,
            Interval::Student => argument > 0,
        }
    }

    /// The chain rule over the arguments; `slope` is the derivative in one of them.
    pub fn derive(
        self,
        args: &[Poly],
        array: ArrayId,
        at: &[Ix],
        slope: &dyn Fn(usize) -> Func,
    ) -> Option<Poly> {
        let mut out = Poly::zero();
        for (n, arg) in args.iter().enumerate() {
            let inner = derive(arg, array, at)?;
            if inner.is_zero() {
                continue;
            }
            if !self.smooth_in(n) {
                return None;
            }
            out = out.add(&Poly::apply(slope(n), args.to_vec()).mul(&inner));
        }
        Some(out)
    }
}
