//! Latents that are integrated out in every state of their unit: marginals and draws.

use super::marginal::{Law, Marginal};
use super::needs::Needs;
use super::program::Program;
use super::sweep::Work;
use crate::dist::{Beta, Dirichlet};
use crate::posterior::{Mixture, RealLaw, VectorLaw, VectorMixture};
use crate::special::digamma;
use crate::{Error, rng};
use nalgebra::{DMatrix, DVector};
use rand::Rng;

impl<D: RealLaw + Law<Value = f64>> Law for Mixture<D> {
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

    /// NaN: the entropy of a mixture has no closed form. That of the block is part of the ELBO.
    fn uncertainty(&self) -> f64 {
        f64::NAN
    }

    fn nothing() -> f64 {
        f64::NAN
    }

    fn zero(_of: &f64) -> f64 {
        0.0
    }
}

impl<D: VectorLaw + Law<Value = DVector<f64>>> Law for VectorMixture<D> {
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

    /// NaN: the entropy of a mixture has no closed form. That of the block is part of the ELBO.
    fn uncertainty(&self) -> f64 {
        f64::NAN
    }

    fn nothing() -> DVector<f64> {
        DVector::zeros(0)
    }

    fn zero(of: &DVector<f64>) -> DVector<f64> {
        of * 0.0
    }
}

impl<D: VectorLaw + Law<Value = DVector<f64>>> Marginal<VectorMixture<D>> {
    /// The probability of each state; none where there is no law.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        self.law().map_or(vec![], |law| law.weights().to_vec())
    }

    /// One draw given a state.
    pub fn sample_given<R: Rng + ?Sized>(&self, state: usize, rng: &mut R) -> DVector<f64> {
        match self {
            Marginal::Unset => D::nothing(),
            Marginal::Point(v) => v.clone(),
            Marginal::Law(law) => law.components().get(state).map_or_else(D::nothing, |d| d.draw(rng)),
        }
    }

    /// Renames the states of which `inner` joint states of other categories are behind: state k becomes what state `order[k]` was.
    pub fn relabel_digit(&mut self, order: &[usize], inner: usize) {
        if let Marginal::Law(law) = self
            && let Ok(renamed) = VectorMixture::new(
                renamed(law.weights(), order, inner),
                renamed(law.components(), order, inner),
            )
        {
            *law = renamed;
        }
    }

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
}

impl<D: RealLaw + Law<Value = f64>> Marginal<Mixture<D>> {
    /// The probability of each state; none where there is no law.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        self.law().map_or(vec![], |law| law.weights().to_vec())
    }

    /// One draw given a state.
    pub fn sample_given<R: Rng + ?Sized>(&self, state: usize, rng: &mut R) -> f64 {
        match self {
            Marginal::Unset => D::nothing(),
            Marginal::Point(v) => *v,
            Marginal::Law(law) => law.components().get(state).map_or_else(D::nothing, |d| d.draw(rng)),
        }
    }

    /// Renames the states of which `inner` joint states of other categories are behind: state k becomes what state `order[k]` was.
    pub fn relabel_digit(&mut self, order: &[usize], inner: usize) {
        if let Marginal::Law(law) = self
            && let Ok(renamed) =
                Mixture::new(renamed(law.weights(), order, inner), renamed(law.components(), order, inner))
        {
            *law = renamed;
        }
    }

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

impl Marginal<VectorMixture<Dirichlet<'static>>> {
    /// Coordinate k becomes what coordinate `order[k]` was.
    pub fn relabel(&mut self, order: &[usize]) {
        match self {
            Marginal::Unset => {}
            Marginal::Point(v) => *v = v.select_rows(order),
            Marginal::Law(law) => {
                let turned =
                    law.components().iter().map(|d| Dirichlet::new(order.iter().map(|&k| d.a[k]).collect()));
                if let Ok(turned) = VectorMixture::new(law.weights().to_vec(), turned.collect()) {
                    *law = turned;
                }
            }
        }
    }

    /// E log x\[k\].
    #[must_use]
    pub fn expect_log(&self, k: usize) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => v.get(k).map_or(f64::NAN, |x| x.ln()),
            Marginal::Law(law) => weighted(law.weights(), law.components(), |d| d.expect_log(k)),
        }
    }
}

impl Marginal<Mixture<Beta>> {
    /// E log x.
    #[must_use]
    pub fn expect_log(&self) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => v.ln(),
            Marginal::Law(law) => {
                weighted(law.weights(), law.components(), |d| digamma(d.a) - digamma(d.a + d.b))
            }
        }
    }

    /// E log(1 − x).
    #[must_use]
    pub fn expect_log1m(&self) -> f64 {
        match self {
            Marginal::Unset => f64::NAN,
            Marginal::Point(v) => (-v).ln_1p(),
            Marginal::Law(law) => {
                weighted(law.weights(), law.components(), |d| digamma(d.b) - digamma(d.a + d.b))
            }
        }
    }
}

/// Σ w f over the components that can be.
fn weighted<D>(weights: &[f64], components: &[D], f: impl Fn(&D) -> f64) -> f64 {
    weights.iter().zip(components).filter(|(w, _)| **w > 0.0).map(|(w, d)| w * f(d)).sum()
}

/// How many units there is a q of.
///
/// # Errors
/// [`Error::LocalsNotKept`] if there is none.
pub fn kept<T>(q: &[T]) -> Result<usize, Error> {
    if q.is_empty() {
        return Err(Error::LocalsNotKept { what: "a choice of latents".into() });
    }
    Ok(q.len())
}

fn renamed<T: Clone>(old: &[T], order: &[usize], inner: usize) -> Vec<T> {
    let (inner, extent) = (inner.max(1), order.len().max(1));
    let from = |s: usize| {
        let digit = s / inner % extent;
        s - digit * inner + order.get(digit).map_or(digit, |o| *o) * inner
    };
    (0..old.len()).map(|s| old[from(s)].clone()).collect()
}

/// The mixture of the laws given each state, one after another.
#[must_use]
pub fn mixed<D: RealLaw + Law<Value = f64>>(
    weights: Vec<f64>,
    laws: impl Iterator<Item = Marginal<D>>,
) -> Marginal<Mixture<D>> {
    let laws: Option<Vec<D>> = laws.map(|m| m.law().cloned()).collect();
    laws.and_then(|laws| Mixture::new(weights, laws).ok()).map_or(Marginal::Unset, Marginal::Law)
}

/// The same for vectors.
#[must_use]
pub fn mixed_vectors<D: VectorLaw + Law<Value = DVector<f64>>>(
    weights: Vec<f64>,
    laws: impl Iterator<Item = Marginal<D>>,
) -> Marginal<VectorMixture<D>> {
    let laws: Option<Vec<D>> = laws.map(|m| m.law().cloned()).collect();
    laws.and_then(|laws| VectorMixture::new(weights, laws).ok()).map_or(Marginal::Unset, Marginal::Law)
}

impl<M: Program> Work<'_, M> {
    /// Writes the marginals of the latents that are integrated out in every state.
    pub fn conditionals(
        &self,
        model: &M,
        globals: &M::Globals,
        posterior: &mut M::Posterior,
    ) -> Result<(), Error> {
        if !M::HAS_CONDITIONAL {
            return Ok(());
        }
        let at = model.prepare(&self.context, globals)?;
        for &index in M::CONDITIONAL {
            let component = self.components[index];
            self.each_tile(model, globals, &at, index, component, &mut |units, table, _, scratch| {
                model.conditionals(&self.context, index, units.clone(), table, scratch, posterior);
                model.conditionals_once(&self.context, index, units, table, scratch, posterior);
            })?;
        }
        Ok(())
    }

    /// Draws them given the states of all units, and returns log q of the draws.
    pub fn realise(
        &self,
        model: &M,
        globals: &M::Globals,
        states: &[Vec<usize>],
        (seed, draw): (u64, usize),
        latents: &mut M::Latents,
    ) -> Result<f64, Error> {
        if !M::HAS_CONDITIONAL {
            return Ok(0.0);
        }
        let at = model.prepare(&self.context, globals)?;
        let mut log_q = 0.0;
        for &index in M::CONDITIONAL {
            let component = self.components[index];
            self.each_tile(model, globals, &at, index, component, &mut |units, _, _, scratch| {
                let states = &states[index][units.clone()];
                let mut rng = |unit: usize| rng::stream(seed, "draw conditional", &[draw, index, unit]);
                log_q += model.realise(&self.context, index, units, states, scratch, &mut rng, latents);
            })?;
        }
        Ok(log_q)
    }
}
