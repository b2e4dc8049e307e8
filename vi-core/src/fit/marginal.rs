//! q of a latent that all units share: a distribution, or a point.

use crate::dist::{
    Beta, Dirichlet, InverseWishart, MvNormal, Normal, PowerGamma, StudentT, Truncated, Wishart,
};
use crate::engine::dense;
use crate::posterior::{MvStudentT, RealLaw, VectorLaw};
use crate::special::digamma;
use nalgebra::{DMatrix, DVector};
use rand::Rng;

/// A distribution that can be the q of a latent.
pub trait Law: Clone + std::fmt::Debug + PartialEq {
    /// A point of its sample space.
    type Value: Clone + std::fmt::Debug + PartialEq;

    /// E x, element by element.
    fn expect(&self) -> Self::Value;

    /// Var x, element by element.
    fn variance(&self) -> Self::Value;

    /// log q(x).
    fn density(&self, x: &Self::Value) -> f64;

    /// One draw.
    fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Self::Value;

    /// −E log q(x).
    fn uncertainty(&self) -> f64;

    /// What stands for a value that is not there.
    fn nothing() -> Self::Value;

    /// A value whose elements are all 0, of the shape of this one.
    fn zero(of: &Self::Value) -> Self::Value;
}

/// All mass on one value.
///
/// ```
/// use vi_core::{Marginal, Point, dist::Beta};
/// let p: Marginal<Beta> = Point(0.3).into();
/// assert_eq!(p.mean(), 0.3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Point<V>(pub V);

/// q of one latent, or of one of its elements.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        bound = "D: serde::Serialize + serde::de::DeserializeOwned, D::Value: serde::Serialize + serde::de::DeserializeOwned"
    )
)]
pub enum Marginal<D: Law> {
    /// Nothing is said of it: in a start, it begins at its prior's moments.
    #[default]
    Unset,
    /// All mass on one value: it has no entropy.
    Point(D::Value),
    /// A distribution.
    Law(D),
}

impl<D: Law> Marginal<D> {
    /// Whether nothing is said of it.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        matches!(self, Marginal::Unset)
    }

    /// The distribution, unless it is a point.
    #[must_use]
    pub fn law(&self) -> Option<&D> {
        match self {
            Marginal::Law(d) => Some(d),
            Marginal::Unset | Marginal::Point(_) => None,
        }
    }

    /// E x, element by element.
    #[must_use]
    pub fn mean(&self) -> D::Value {
        match self {
            Marginal::Unset => D::nothing(),
            Marginal::Point(v) => v.clone(),
            Marginal::Law(d) => d.expect(),
        }
    }

    /// Var x, element by element.
    #[must_use]
    pub fn var(&self) -> D::Value {
        match self {
            Marginal::Unset => D::nothing(),
            Marginal::Point(v) => D::zero(v),
            Marginal::Law(d) => d.variance(),
        }
    }

    /// log q(x); of a point, 0 at its value and −∞ elsewhere.
    #[must_use]
    pub fn log_density(&self, x: &D::Value) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) if v == x => 0.0,
            Marginal::Point(_) => f64::NEG_INFINITY,
            Marginal::Law(d) => d.density(x),
        }
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> D::Value {
        match self {
            Marginal::Unset => D::nothing(),
            Marginal::Point(v) => v.clone(),
            Marginal::Law(d) => d.draw(rng),
        }
    }

    /// −E log q. A point has none: it is counted as 0.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(_) => 0.0,
            Marginal::Law(d) => d.uncertainty(),
        }
    }
}

impl<D: Law> From<D> for Marginal<D> {
    fn from(law: D) -> Self {
        Marginal::Law(law)
    }
}

macro_rules! numbers {
    ($($law:ty),*) => {$(
        impl From<Point<f64>> for Marginal<$law> {
            fn from(p: Point<f64>) -> Self {
                Marginal::Point(p.0)
            }
        }

        impl Law for $law {
            type Value = f64;

            fn expect(&self) -> f64 {
                RealLaw::mean(self)
            }

            fn variance(&self) -> f64 {
                RealLaw::var(self)
            }

            fn density(&self, x: &f64) -> f64 {
                RealLaw::log_density(self, *x)
            }

            fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
                RealLaw::sample(self, rng)
            }

            fn uncertainty(&self) -> f64 {
                self.entropy()
            }

            fn nothing() -> f64 {
                f64::NAN
            }

            fn zero(_of: &f64) -> f64 {
                0.0
            }
        }

        impl Marginal<$law> {
            /// √Var x.
            #[must_use]
            pub fn sd(&self) -> f64 {
                self.var().sqrt()
            }

            /// The interval that leaves (1 − level)/2 on either side.
            #[must_use]
            pub fn interval(&self, level: f64) -> (f64, f64) {
                match self {
                    Marginal::Unset => (f64::NAN, f64::NAN),
                    Marginal::Point(v) => (*v, *v),
                    Marginal::Law(d) => RealLaw::interval(d, level),
                }
            }

            /// The least x with P(X ≤ x) ≥ p.
            #[must_use]
            pub fn quantile(&self, p: f64) -> f64 {
                match self {
                    Marginal::Unset => f64::NAN,
                    Marginal::Point(v) => *v,
                    Marginal::Law(d) => RealLaw::quantile(d, p),
                }
            }
        }
    )*};
}

numbers!(PowerGamma, Beta, Normal, StudentT, Truncated<Normal>);

macro_rules! vectors {
    ($($law:ty),*) => {$(
        impl From<Point<DVector<f64>>> for Marginal<$law> {
            fn from(p: Point<DVector<f64>>) -> Self {
                Marginal::Point(p.0)
            }
        }

        impl Law for $law {
            type Value = DVector<f64>;

            fn expect(&self) -> DVector<f64> {
                VectorLaw::mean(self)
            }

            fn variance(&self) -> DVector<f64> {
                VectorLaw::var(self)
            }

            fn density(&self, x: &DVector<f64>) -> f64 {
                VectorLaw::log_density(self, x.as_slice())
            }

            fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
                VectorLaw::sample(self, rng)
            }

            fn uncertainty(&self) -> f64 {
                self.entropy()
            }

            fn nothing() -> DVector<f64> {
                DVector::zeros(0)
            }

            fn zero(of: &DVector<f64>) -> DVector<f64> {
                of * 0.0
            }
        }

        impl Marginal<$law> {
            /// Standard deviation of each component.
            #[must_use]
            pub fn sd(&self) -> DVector<f64> {
                self.var().map(f64::sqrt)
            }

            /// The covariance matrix.
            #[must_use]
            pub fn cov(&self) -> DMatrix<f64> {
                match self {
                    Marginal::Unset => DMatrix::zeros(0, 0),
                    Marginal::Point(v) => DMatrix::zeros(v.len(), v.len()),
                    Marginal::Law(d) => VectorLaw::cov(d),
                }
            }

            /// For each component the interval that leaves (1 − level)/2 on either side.
            #[must_use]
            pub fn interval(&self, level: f64) -> Vec<(f64, f64)> {
                match self {
                    Marginal::Unset => vec![],
                    Marginal::Point(v) => v.iter().map(|x| (*x, *x)).collect(),
                    Marginal::Law(d) => VectorLaw::interval(d, level),
                }
            }
        }
    )*};
}

vectors!(Dirichlet<'static>, MvNormal<'static>, MvStudentT);

macro_rules! matrices {
    ($($law:ty),*) => {$(
        impl From<Point<DMatrix<f64>>> for Marginal<$law> {
            fn from(p: Point<DMatrix<f64>>) -> Self {
                Marginal::Point(p.0)
            }
        }

        impl Law for $law {
            type Value = DMatrix<f64>;

            fn expect(&self) -> DMatrix<f64> {
                self.expectation()
            }

            fn variance(&self) -> DMatrix<f64> {
                <$law>::variance(self)
            }

            fn density(&self, x: &DMatrix<f64>) -> f64 {
                self.log_density(x)
            }

            fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> DMatrix<f64> {
                self.sample(rng)
            }

            fn uncertainty(&self) -> f64 {
                self.entropy()
            }

            fn nothing() -> DMatrix<f64> {
                DMatrix::zeros(0, 0)
            }

            fn zero(of: &DMatrix<f64>) -> DMatrix<f64> {
                of * 0.0
            }
        }

        impl Marginal<$law> {
            /// E log det X.
            #[must_use]
            pub fn expect_log_det(&self) -> f64 {
                match self {
                    Marginal::Unset => f64::NAN,
                    Marginal::Point(v) => dense::log_det(v),
                    Marginal::Law(d) => d.expect_log_det(),
                }
            }

            /// Standard deviation of each element.
            #[must_use]
            pub fn sd(&self) -> DMatrix<f64> {
                self.var().map(f64::sqrt)
            }
        }
    )*};
}

matrices!(Wishart, InverseWishart);

/// Expectations of the statistics: what an update of another block reads.
impl Marginal<PowerGamma> {
    /// E xᵖ.
    #[must_use]
    pub fn expect_power(&self, p: f64) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => v.powf(p),
            Marginal::Law(d) => d.expect_power(p),
        }
    }

    /// E log x.
    #[must_use]
    pub fn expect_log(&self) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => v.ln(),
            Marginal::Law(d) => d.expect_log(),
        }
    }
}

impl Marginal<Beta> {
    /// E log x.
    #[must_use]
    pub fn expect_log(&self) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => v.ln(),
            Marginal::Law(d) => digamma(d.a) - digamma(d.a + d.b),
        }
    }

    /// E log(1 − x).
    #[must_use]
    pub fn expect_log1m(&self) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => (-v).ln_1p(),
            Marginal::Law(d) => digamma(d.b) - digamma(d.a + d.b),
        }
    }
}

impl Marginal<Dirichlet<'static>> {
    /// Coordinate k becomes what coordinate `order[k]` was.
    pub fn relabel(&mut self, order: &[usize]) {
        match self {
            Marginal::Unset => {}
            Marginal::Point(v) => *v = v.select_rows(order),
            Marginal::Law(d) => d.a = order.iter().map(|&k| d.a[k]).collect::<Vec<_>>().into(),
        }
    }

    /// E log x\[k\].
    #[must_use]
    pub fn expect_log(&self, k: usize) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => v.get(k).map_or(f64::NAN, |x| x.ln()),
            Marginal::Law(d) => d.expect_log(k),
        }
    }

    /// E x\[k\].
    #[must_use]
    pub fn expect(&self, k: usize) -> f64 {
        self.mean().get(k).copied().unwrap_or(f64::NAN)
    }
}

impl Marginal<InverseWishart> {
    /// E X⁻¹.
    #[must_use]
    pub fn expect_inverse(&self) -> DMatrix<f64> {
        match self {
            Marginal::Unset => DMatrix::zeros(0, 0),
            Marginal::Point(v) => dense::inverse(v),
            Marginal::Law(d) => dense::inverse(&d.scale()) * d.dof(),
        }
    }
}
