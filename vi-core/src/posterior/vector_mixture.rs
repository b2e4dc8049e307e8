//! A finite mixture of laws of a vector.

use super::mixture::{check_weights, drawn};
use super::{Mixture, VectorLaw, vector_questions};
use crate::dist::DomainError;
use crate::special::log_sum_exp;
use nalgebra::{DMatrix, DVector};
use rand::Rng;

/// p(x) = Σₖ `weights[k]` p(x | component k) for vectors x.
///
/// ```
/// use vi_core::dist::Dirichlet;
/// use vi_core::posterior::VectorMixture;
///
/// let kinds = vec![Dirichlet::new(vec![8.0, 1.0, 1.0]), Dirichlet::new(vec![1.0, 1.0, 8.0])];
/// let x = VectorMixture::new(vec![0.5, 0.5], kinds)?;
/// assert!((x.mean()[1] - 0.1).abs() < 1e-15);
/// // The law of one coordinate is a mixture of Betas: here it is symmetric about its mean.
/// let (low, high) = x.marginal(0).interval(0.9);
/// assert!(low < 0.05 && high > 0.9);
/// # Ok::<(), vi_core::dist::DomainError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "Parts<D>", bound(deserialize = "D: serde::Deserialize<'de> + VectorLaw"))
)]
pub struct VectorMixture<D> {
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
impl<D: VectorLaw> TryFrom<Parts<D>> for VectorMixture<D> {
    type Error = DomainError;

    fn try_from(parts: Parts<D>) -> Result<Self, DomainError> {
        VectorMixture::new(parts.weights, parts.components)
    }
}

vector_questions!([D: VectorLaw] VectorMixture<D>);

impl<D: VectorLaw> VectorMixture<D> {
    /// The mixture of `components` with these weights.
    ///
    /// # Errors
    /// If there are not as many weights as components, or none, or they are negative or do not sum to 1; or if the components have
    /// different dimensions.
    pub fn new(weights: Vec<f64>, components: Vec<D>) -> Result<Self, DomainError> {
        check_weights(&weights, components.len())?;
        if components.windows(2).any(|pair| pair[0].dimension() != pair[1].dimension()) {
            return Err(DomainError {
                family: "Mixture",
                argument: "components",
                rule: "must all have one dimension",
            });
        }
        Ok(VectorMixture { weights, components })
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

    fn weighted(&self) -> impl Iterator<Item = (f64, &D)> {
        self.weights.iter().copied().zip(&self.components).filter(|(w, _)| *w > 0.0)
    }

    /// log Σₖ `weights[k]` p(x | component k); NaN if x has another length.
    #[must_use]
    pub fn log_density(&self, x: &[f64]) -> f64 {
        VectorLaw::log_density(self, x)
    }

    /// One draw: of a component, and from it.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        VectorLaw::sample(self, rng)
    }

    /// The law of `x[d]`.
    #[must_use]
    pub fn marginal(&self, d: usize) -> Mixture<D::Coordinate> {
        VectorLaw::marginal(self, d)
    }
}

impl<D: VectorLaw> VectorLaw for VectorMixture<D> {
    type Coordinate = Mixture<D::Coordinate>;

    fn dimension(&self) -> usize {
        self.components.first().map_or(0, VectorLaw::dimension)
    }

    fn mean(&self) -> DVector<f64> {
        let zero = DVector::zeros(self.dimension());
        self.weighted().fold(zero, |sum, (w, law)| sum + law.mean() * w)
    }

    /// Σₖ `weights[k]` (Cov(x | k) + (E(x | k) − E x)(E(x | k) − E x)ᵀ)
    fn cov(&self) -> DMatrix<f64> {
        let mean = VectorLaw::mean(self);
        let zero = DMatrix::zeros(self.dimension(), self.dimension());
        self.weighted().fold(zero, |sum, (w, law)| {
            let gap = law.mean() - &mean;
            sum + (law.cov() + &gap * gap.transpose()) * w
        })
    }

    fn log_density(&self, x: &[f64]) -> f64 {
        let terms: Vec<f64> = self.weighted().map(|(w, law)| w.ln() + law.log_density(x)).collect();
        log_sum_exp(&terms)
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        match drawn(&self.weights, &self.components, rng) {
            Some(law) => law.sample(rng),
            None => DVector::from_element(self.dimension(), f64::NAN),
        }
    }

    fn marginal(&self, d: usize) -> Mixture<D::Coordinate> {
        let components = self.components.iter().map(|law| law.marginal(d)).collect();
        Mixture::of_checked(self.weights.clone(), components)
    }
}
