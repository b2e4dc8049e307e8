//! Latents on a tree: each is joined to its parent, which comes before it.
//!
//! ```text
//! p(z, x) = Πₙ exp(log_potential[n, z[n]]) · Π factor[z[parent[n]], z[n]] over n that are not roots
//! λ[n, k] = log_potential[n, k] + Σ over children c of log ⊕ᵢ factor[k, i] exp(λ[c, i])       moved so that its largest entry is 0
//! p(z[n] = k | z[parent[n]] = j, x) ∝ factor[j, k] exp(λ[n, k])                               mixed, maximised or drawn, downwards
//! ```
//!
//! Steps go in [parts](super::parts), where a node has several latents. Because parents come first, both passes are loops over n: no
//! recursion, whatever the depth.

use super::descents::Descents;
use super::factors::Factors;
use super::messages::{self, Total};
use super::scan::Pairs;
use super::{Choice, Failure, Max, Sample, Semiring, Sum};

/// One tree, or several side by side.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    /// `N × states`, a node's states side by side. A root holds its own law as well.
    pub log_potential: &'a [f64],
    /// `parent[n] < n`; a node whose entry is not smaller than itself is a root.
    pub parent: &'a [usize],
    /// The weights from parent to child.
    pub factors: &'a Factors,
    /// Which of the factors leads to node n; `None`: the only one. Entries of roots are not read.
    pub which: Option<&'a [usize]>,
}

impl<'a> Tree<'a> {
    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.log_potential.len().checked_div(self.factors.states()).unwrap_or(0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn parent(&self, n: usize) -> Option<usize> {
        (self.parent[n] < n).then_some(self.parent[n])
    }

    fn index(&self, n: usize) -> usize {
        self.which.map_or(0, |w| w[n])
    }
}

/// What the eliminations of a tree write on.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// λ, node by node.
    messages: Vec<f64>,
    descents: Descents,
    to_parent: Vec<f64>,
}

impl Workspace {
    /// log p(x).
    ///
    /// # Errors
    /// [`Failure`], naming a node whose subtree is impossible.
    pub fn log_evidence(&mut self, tree: &Tree<'_>) -> Result<f64, Failure> {
        self.upward::<Sum>(tree)
    }

    /// log p(x), p(z\[n\] | x) of every node in `marginals` (`N × states`), and the sums of pairs (parent, child) where they are asked for.
    ///
    /// # Errors
    /// See [`log_evidence`](Self::log_evidence).
    pub fn smooth(
        &mut self,
        tree: &Tree<'_>,
        marginals: &mut [f64],
        mut pairs: Option<Pairs<'_>>,
    ) -> Result<f64, Failure> {
        let total = self.upward::<Sum>(tree)?;
        let states = tree.factors.states();
        for n in 0..tree.len() {
            let message = &self.messages[n * states..][..states];
            let (above, own) = marginals.split_at_mut(n * states);
            let own = &mut own[..states];
            let Some(parent) = tree.parent(n) else {
                own.copy_from_slice(message);
                messages::normalise(own);
                continue;
            };
            let (table, copies) = match &mut pairs {
                None => (None, 1.0),
                Some(p) => {
                    let size = tree.factors.parts().len();
                    (Some(&mut p.sums[tree.index(n) * size..][..size]), p.copies)
                }
            };
            let given = &above[parent * states..][..states];
            self.descents.downward(message, tree.factors, tree.index(n), given, own, table, copies);
        }
        Ok(total)
    }

    /// p(z\[parent\[n\]\] = j, z\[n\] = k | x) of one node that is no root (`states × states`).
    ///
    /// # Errors
    /// See [`log_evidence`](Self::log_evidence).
    pub fn pair(&mut self, tree: &Tree<'_>, n: usize) -> Result<Vec<f64>, Failure> {
        let states = tree.factors.states();
        let mut marginals = vec![0.0; tree.len() * states];
        self.smooth(tree, &mut marginals, None)?;
        let (mut own, mut out) = (vec![0.0; states], vec![0.0; states * states]);
        let message = &self.messages[n * states..][..states];
        let given = &marginals[tree.parent[n] * states..][..states];
        let step = Factors::from_logs(states, tree.factors.expanded(tree.index(n)));
        self.descents.resize(&step);
        self.descents.downward(message, &step, 0, given, &mut own, Some(&mut out), 1.0);
        Ok(out)
    }

    /// The most likely states of all nodes together, and log p(x, states).
    ///
    /// # Errors
    /// See [`log_evidence`](Self::log_evidence).
    pub fn most_likely(&mut self, tree: &Tree<'_>, states: &mut [usize]) -> Result<f64, Failure> {
        self.choose(tree, &mut Max::default(), states)
    }

    /// log p(x), and states drawn from p(z | x).
    ///
    /// # Errors
    /// See [`log_evidence`](Self::log_evidence).
    pub fn sample(
        &mut self,
        tree: &Tree<'_>,
        rng: &mut impl rand::Rng,
        states: &mut [usize],
    ) -> Result<f64, Failure> {
        self.choose(tree, &mut Sample(rng), states)
    }

    /// What the semiring chooses: upwards with ⊕, then one state after another, roots first; and log ⊕ over all states.
    ///
    /// # Errors
    /// See [`log_evidence`](Self::log_evidence).
    pub fn choose<C: Choice>(
        &mut self,
        tree: &Tree<'_>,
        choice: &mut C,
        chosen: &mut [usize],
    ) -> Result<f64, Failure> {
        let total = self.upward::<C>(tree)?;
        let states = tree.factors.states();
        for n in 0..tree.len() {
            let message = &self.messages[n * states..][..states];
            chosen[n] = match tree.parent(n) {
                Some(parent) => {
                    self.descents.choose(choice, message, tree.factors, tree.index(n), chosen[parent])
                }
                None => {
                    let weights = &mut self.descents.weights()[..states];
                    weights.copy_from_slice(message);
                    choice.choose(weights)
                }
            };
        }
        Ok(total)
    }

    /// λ of every node, and log ⊕ over all states.
    fn upward<S: Semiring>(&mut self, tree: &Tree<'_>) -> Result<f64, Failure> {
        let (states, len) = (tree.factors.states(), tree.len());
        self.descents.resize(tree.factors);
        self.to_parent.clear();
        self.to_parent.resize(states, 0.0);
        self.messages.clear();
        self.messages.extend_from_slice(&tree.log_potential[..len * states]);
        let mut total = Total::default();
        for n in (0..len).rev() {
            let (above, own) = self.messages.split_at_mut(n * states);
            let own = &mut own[..states];
            total.add(messages::settle(own, n)?);
            match tree.parent(n) {
                None => total.add(S::total(own)),
                Some(parent) => {
                    let to_parent = &mut self.to_parent;
                    total.add(self.descents.upward::<S>(own, tree.factors, tree.index(n), to_parent));
                    // Kept apart: a plain sum over a million children would round off digits.
                    total.add(messages::raise(to_parent));
                    let parent = &mut above[parent * states..][..states];
                    parent.iter_mut().zip(&self.to_parent).for_each(|(p, m)| *p += m);
                }
            }
        }
        Ok(total.value())
    }
}
