//! Values of a latent that stand for its law where the moments of data are worked out: what is a polynomial of low degree in it has the same
//! expectation over them.
//!
//! ```text
//! E f(x) = Σ wᵢ f(xᵢ),  f of degree ≤ 3:   xᵢ = μ + σ (γ/2 ± √(1 + γ²/4)),   w = (1 ∓ γ/2 / √(1 + γ²/4)) / 2
//! ```
//!
//! γ is the skewness. This is the rule of Gauss with two nodes, so that they lie inside the support.

use super::Marginal;
use super::marginal::Law;
use crate::dist::{Beta, Dirichlet, MvNormal, Normal, PowerGamma, StudentT};
use crate::posterior::{Mixture, MvStudentT, RealLaw, VectorLaw, VectorMixture};
use nalgebra::DVector;

/// The law of a latent given a state of its unit.
pub trait InState {
    /// That law.
    type Given: Law;

    /// [`Marginal::Unset`] where there is none.
    fn given(&self, state: usize) -> Marginal<Self::Given>;
}

impl<D: RealLaw + Law<Value = f64>> InState for Marginal<Mixture<D>> {
    type Given = D;

    fn given(&self, state: usize) -> Marginal<D> {
        let law = self.law().and_then(|m| m.components().get(state).cloned());
        law.map_or(Marginal::Unset, Marginal::Law)
    }
}

impl<D: VectorLaw + Law<Value = DVector<f64>>> InState for Marginal<VectorMixture<D>> {
    type Given = D;

    fn given(&self, state: usize) -> Marginal<D> {
        let law = self.law().and_then(|m| m.components().get(state).cloned());
        law.map_or(Marginal::Unset, Marginal::Law)
    }
}

macro_rules! one_state {
    ($($law:ty),*) => {$(
        impl InState for Marginal<$law> {
            type Given = $law;

            fn given(&self, _state: usize) -> Marginal<$law> {
                self.clone()
            }
        }
    )*};
}

one_state!(PowerGamma, Beta, Dirichlet<'static>, Normal, MvNormal<'static>, StudentT, MvStudentT);

/// Mean, standard deviation and skewness.
type Shape = (f64, f64, f64);

fn pair((mean, sd, skewness): Shape) -> Vec<(f64, f64)> {
    let half = 0.5 * skewness;
    let root = (1.0 + half * half).sqrt();
    vec![
        (mean + sd * (half + root), 0.5 * (1.0 - half / root)),
        (mean + sd * (half - root), 0.5 * (1.0 + half / root)),
    ]
}

/// Nodes for what is a polynomial in a latent.
pub trait Nodes: Law {
    /// Values, and the weight of each.
    fn nodes(&self) -> Vec<(Self::Value, f64)>;
}

/// Of a power, where the statistic is none: then nothing is a polynomial in x itself.
impl Nodes for PowerGamma {
    fn nodes(&self) -> Vec<(f64, f64)> {
        let root = self.shape.sqrt();
        pair((self.shape / self.rate, root / self.rate, 2.0 / root))
    }
}

impl Nodes for Beta {
    fn nodes(&self) -> Vec<(f64, f64)> {
        let (a, b) = (self.a, self.b);
        let skewness = 2.0 * (b - a) * (a + b + 1.0).sqrt() / ((a + b + 2.0) * (a * b).sqrt());
        pair((RealLaw::mean(self), RealLaw::var(self).sqrt(), skewness))
    }
}

/// Categories are linear in their probabilities: one node.
impl Nodes for Dirichlet<'static> {
    fn nodes(&self) -> Vec<(DVector<f64>, f64)> {
        vec![(VectorLaw::mean(self), 1.0)]
    }
}

/// Nodes of a latent given a state.
#[must_use]
pub fn nodes<Q: InState>(q: &Q, state: usize) -> Vec<(<Q::Given as Law>::Value, f64)>
where
    Q::Given: Nodes,
{
    match q.given(state) {
        Marginal::Law(law) => law.nodes(),
        Marginal::Point(x) => vec![(x, 1.0)],
        Marginal::Unset => vec![],
    }
}

/// The value of a scale at which a variance is what it is on the average, where that is as 1/xᵖ. Where that has no expectation
/// ([`diverges`]), any other value.
#[must_use]
pub fn scale_node<Q: InState<Given = PowerGamma>>(q: &Q, state: usize) -> Vec<(f64, f64)> {
    match q.given(state) {
        Marginal::Law(law) => {
            let shape = if law.shape > 1.0 { law.shape - 1.0 } else { law.shape };
            vec![((shape / law.rate).powf(1.0 / law.power), 1.0)]
        }
        Marginal::Point(x) => vec![(x, 1.0)],
        Marginal::Unset => vec![],
    }
}

/// Whether E 1/xᵖ = ∞.
#[must_use]
pub fn diverges<Q: InState<Given = PowerGamma>>(q: &Q, state: usize) -> bool {
    q.given(state).law().is_some_and(|law| law.shape <= 1.0)
}

/// Points that have the mean and the covariance of a Gaussian, or of Student's t, given a state: what is linear in it has its moments over them.
#[must_use]
pub fn vector_points<Q>(q: &Q, state: usize) -> Vec<DVector<f64>>
where
    Q: InState,
    Q::Given: VectorLaw + Law<Value = DVector<f64>>,
{
    let Marginal::Law(law) = q.given(state) else { return vec![] };
    let mean = VectorLaw::mean(&law);
    let Some(root) = nalgebra::Cholesky::new(VectorLaw::cov(&law)) else { return vec![mean] };
    let root = root.l() * (mean.len() as f64).sqrt();
    root.column_iter().flat_map(|s| [&mean + s, &mean - s]).collect()
}

/// The same of a number.
#[must_use]
pub fn number_points<Q>(q: &Q, state: usize) -> Vec<f64>
where
    Q: InState,
    Q::Given: RealLaw + Law<Value = f64>,
{
    let Marginal::Law(law) = q.given(state) else { return vec![] };
    let (mean, sd) = (RealLaw::mean(&law), RealLaw::var(&law).sqrt());
    vec![mean + sd, mean - sd]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(nodes: &[(f64, f64)]) -> [f64; 4] {
        std::array::from_fn(|k| nodes.iter().map(|(x, w)| w * x.powi(k as i32)).sum())
    }

    #[test]
    fn two_nodes_have_three_moments() {
        let g = PowerGamma { shape: 0.3, rate: 1.7, power: 1.0 };
        let nodes = g.nodes();
        assert!(nodes.iter().all(|(x, w)| *x > 0.0 && *w > 0.0));
        let raw = [1.0, 0.3 / 1.7, 0.3 * 1.3 / 1.7_f64.powi(2), 0.3 * 1.3 * 2.3 / 1.7_f64.powi(3)];
        for (found, by_hand) in moments(&nodes).iter().zip(raw) {
            assert!((found - by_hand).abs() < 1e-14, "{found} and {by_hand}");
        }
        let (a, b) = (0.4, 2.5);
        let nodes = Beta { a, b }.nodes();
        assert!(nodes.iter().all(|(x, w)| (0.0..1.0).contains(x) && *w > 0.0));
        let (first, n) = (a / (a + b), a + b);
        let second = first * (a + 1.0) / (n + 1.0);
        let raw = [1.0, first, second, second * (a + 2.0) / (n + 2.0)];
        for (found, by_hand) in moments(&nodes).iter().zip(raw) {
            assert!((found - by_hand).abs() < 1e-14, "{found} and {by_hand}");
        }
    }
}
