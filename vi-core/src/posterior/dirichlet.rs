//! Dirichlet: a probability vector.

use super::{Beta, VectorLaw, vector_questions};
use crate::dist::Dirichlet;
use crate::special::lgamma_bregman;
use nalgebra::{DMatrix, DVector};
use rand::Rng;
use std::borrow::Cow;

vector_questions!(['a] Dirichlet<'a>);

impl<'a> Dirichlet<'a> {
    /// Dirichlet with these concentrations, which it keeps.
    #[must_use]
    pub fn new(a: Vec<f64>) -> Dirichlet<'static> {
        Dirichlet { a: Cow::Owned(a) }
    }

    /// The law of `x[k]`: Beta(`a[k]`, Σ a − `a[k]`).
    ///
    /// The only coordinate of one is 1, which is no Beta: NaN.
    #[must_use]
    pub fn marginal(&self, k: usize) -> Beta {
        let rest = self.a.iter().enumerate().filter(|(other, _)| *other != k).map(|(_, a)| a).sum();
        Beta::a_b(self.a.get(k).copied().unwrap_or(f64::NAN), rest)
    }

    /// KL(q ‖ p) = Σₖ G(`a[k]`) − G(Σ a), where G is the divergence log Γ(p) − log Γ(q) − ψ(q)(p − q) of the parameter named;
    /// NaN if the two have different lengths.
    #[must_use]
    pub fn kl_to(&self, p: &Dirichlet<'_>) -> f64 {
        if !self.is_valid() || !p.is_valid() || self.a.len() != p.a.len() {
            return f64::NAN;
        }
        let coordinates: f64 = p.a.iter().zip(self.a.iter()).map(|(&p, &q)| lgamma_bregman(p, q)).sum();
        coordinates - lgamma_bregman(p.total(), self.total())
    }
}

impl<'a> VectorLaw for Dirichlet<'a> {
    type Coordinate = Beta;

    fn dimension(&self) -> usize {
        self.a.len()
    }

    fn mean(&self) -> DVector<f64> {
        self.expectation()
    }

    /// `m[i]` ([i = j] − `m[j]`)/(Σ a + 1), m = E x.
    fn cov(&self) -> DMatrix<f64> {
        let mean = self.expectation();
        let norm = self.total() + 1.0;
        DMatrix::from_fn(self.a.len(), self.a.len(), |i, j| {
            let factor = if i == j { 1.0 - mean[i] } else { -mean[j] };
            mean[i] * factor / norm
        })
    }

    fn log_density(&self, x: &[f64]) -> f64 {
        Dirichlet::log_density(self, x)
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> DVector<f64> {
        Dirichlet::sample(self, rng)
    }

    fn marginal(&self, k: usize) -> Beta {
        Dirichlet::marginal(self, k)
    }

    fn var(&self) -> DVector<f64> {
        self.variance()
    }
}
