//! The joint law of categories that follow one another, kept so that paths can be asked for.

use crate::Error;
use crate::engine::finite::{Choice, Factors, Max, Semiring, Sum, scan, tree};
use nalgebra::DMatrix;

/// q of one sequence, or of one tree.
///
/// ```text
/// q(z) ∝ Πₜ exp(log_potential[t, z[t]]) · Πₜ factor[z[before t], z[t]]
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Paths {
    /// Joint states of a unit.
    pub(super) states: usize,
    /// Unit by unit. The states handed on are the leading digits.
    pub(super) log_potential: Vec<f64>,
    /// Between the states handed on.
    pub(super) factors: Factors,
    /// Which factor leads to each unit; empty if there is one.
    pub(super) which: Vec<usize>,
    /// On a tree, the parent of each unit.
    pub(super) parents: Vec<usize>,
    /// log Σ over all paths.
    pub(super) log_total: f64,
    /// What of log p(x, path) the potentials leave out: terms of the data alone.
    pub(super) constant: f64,
    /// What each joint state was before some were renamed; empty if none was.
    pub(super) names: Vec<usize>,
}

/// The most likely path.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Path {
    /// One state for each element.
    pub states: Vec<usize>,
    /// log q(states): of the path as a whole, given the data. Where several arrays share their states, of all of them.
    pub log_probability: f64,
    /// log p(data of the sequence, states; θ) where q is exact; under q of shared latents, its expectation.
    pub log_joint: f64,
}

impl Paths {
    pub(super) fn len(&self) -> usize {
        self.log_potential.len().checked_div(self.states).unwrap_or(0)
    }

    fn inner(&self) -> usize {
        self.states.checked_div(self.factors.states()).unwrap_or(1).max(1)
    }

    /// Potentials of the states handed on, the others eliminated.
    fn reduced<S: Semiring>(&self) -> Vec<f64> {
        let inner = self.inner();
        if inner == 1 {
            return self.log_potential.clone();
        }
        self.log_potential.chunks(inner).map(S::total).collect()
    }

    fn which(&self) -> Option<&[usize]> {
        (!self.which.is_empty()).then_some(&self.which)
    }

    fn chain<'a>(&'a self, log_potential: &'a [f64]) -> scan::Chain<'a> {
        scan::Chain { log_potential, factors: &self.factors, which: self.which() }
    }

    fn tree<'a>(&'a self, log_potential: &'a [f64]) -> tree::Tree<'a> {
        tree::Tree { log_potential, parent: &self.parents, factors: &self.factors, which: self.which() }
    }

    /// Joint states as the semiring chooses, and log ⊕ over all of them.
    pub(super) fn choose<C: Choice>(&self, choice: &mut C) -> Result<(Vec<usize>, f64), Error> {
        let reduced = self.reduced::<C>();
        let mut states = vec![0; self.len()];
        let total = if self.parents.is_empty() {
            scan::Workspace::default().choose(&self.chain(&reduced), choice, &mut states)
        } else {
            tree::Workspace::default().choose(&self.tree(&reduced), choice, &mut states)
        };
        let total = total.map_err(|failure| failure.named(|t| format!("element {t}")))?;
        let inner = self.inner();
        if inner > 1 {
            for (t, state) in states.iter_mut().enumerate() {
                let mut weights = self.log_potential[t * self.states + *state * inner..][..inner].to_vec();
                *state = *state * inner + choice.choose(&mut weights);
            }
        }
        if !self.names.is_empty() {
            let mut new = vec![0; self.states];
            self.names.iter().enumerate().for_each(|(name, was)| new[*was] = name);
            states.iter_mut().for_each(|state| *state = new[*state]);
        }
        Ok((states, total))
    }

    pub(super) fn path(&self) -> Result<Path, Error> {
        let (states, best) = self.choose(&mut Max::default())?;
        Ok(Path { states, log_probability: best - self.log_total, log_joint: best + self.constant })
    }

    /// log q of joint states.
    pub(super) fn log_density(&self, states: &[usize]) -> f64 {
        let inner = self.inner();
        let mut total = -self.log_total;
        for (t, state) in states.iter().map(|s| self.was(*s)).enumerate() {
            total += self.log_potential[t * self.states + state];
            if let Some(before) = self.before(t) {
                let which = self.which.get(t).copied().unwrap_or(0);
                total += self.factors.log_weight(which, self.was(states[before]) / inner, state / inner);
            }
        }
        total
    }

    /// A joint state under its first name.
    fn was(&self, state: usize) -> usize {
        self.names.get(state).copied().unwrap_or(state)
    }

    fn before(&self, t: usize) -> Option<usize> {
        if self.parents.is_empty() {
            t.checked_sub(1)
        } else {
            (self.parents[t] < t).then(|| self.parents[t])
        }
    }

    /// q of the joint states of a unit and the one before it; zeros for a first one.
    pub(super) fn pair(&self, t: usize) -> DMatrix<f64> {
        let (size, inner) = (self.factors.states(), self.inner());
        let Some(before) = self.before(t) else { return DMatrix::zeros(self.states, self.states) };
        let reduced = self.reduced::<Sum>();
        let pair = if self.parents.is_empty() {
            scan::Workspace::default().pair(&self.chain(&reduced), t)
        } else {
            tree::Workspace::default().pair(&self.tree(&reduced), t)
        };
        let Ok(pair) = pair else {
            return DMatrix::from_element(self.states, self.states, f64::NAN);
        };
        let share = |t: usize, s: usize| {
            let log = self.log_potential[t * self.states + s] - reduced[t * size + s / inner];
            if log.is_nan() { 0.0 } else { log.exp() }
        };
        DMatrix::from_fn(self.states, self.states, |j, k| {
            let (j, k) = (self.was(j), self.was(k));
            pair[j / inner * size + k / inner] * share(before, j) * share(t, k)
        })
    }

    /// The same law where the digit with `inner` joint states behind it is renamed: value k becomes what value `order[k]` was.
    pub(super) fn relabelled(&self, order: &[usize], inner: usize) -> Paths {
        let old = |s: usize| {
            let digit = s / inner % order.len().max(1);
            s - digit * inner + order[digit] * inner
        };
        Paths { names: (0..self.states).map(|s| self.was(old(s))).collect(), ..self.clone() }
    }
}
