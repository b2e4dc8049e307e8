//! What theory says of latents that depend on one another given the data: neighbours, the best path, and draws, by enumeration.

use crate::enumerate::Case;
use crate::law::close;
use vi_core::ExactPosterior;
use vi_core::fit::Program;
use vi_core::prelude::*;

/// Draws behind a frequency.
const DRAWS: usize = 2000;

/// An array of one sequence or tree, as elements of a [`Case`].
pub struct Joined<'a, P> {
    /// Its q.
    pub q: &'a dyn Fn(&P) -> Categories,
    /// Where each of its elements stands among those of the case.
    pub elements: Vec<usize>,
    /// Which of its own elements each one follows.
    pub before: Vec<Option<usize>>,
    /// Whether an array listed before this one belongs to the same chain.
    pub partner: bool,
}

impl<'a, P> Joined<'a, P> {
    /// Elements in a row, each following the one before.
    pub fn chain(q: &'a dyn Fn(&P) -> Categories, elements: std::ops::Range<usize>) -> Self {
        let before = (0..elements.len()).map(|i| i.checked_sub(1)).collect();
        Joined { q, elements: elements.collect(), before, partner: false }
    }

    /// The same, sharing its states with the arrays before.
    #[must_use]
    pub fn beside(self) -> Self {
        Joined { partner: true, ..self }
    }

    /// Elements that follow these.
    #[must_use]
    pub fn following(self, before: Vec<Option<usize>>) -> Self {
        Joined { before, ..self }
    }
}

impl<M: Program + ExactPosterior> Case<'_, M> {
    /// Pairs of neighbours, the best path with its probabilities, draws, and the check of zero variance. `draw` makes the n-th draw.
    ///
    /// # Panics
    /// If one of them is not what the sums say.
    #[track_caller]
    pub fn joint_law(
        &self,
        p: &M::Params,
        data: &M::Data<'_>,
        arrays: &[Joined<'_, M::Posterior>],
        draw: &dyn Fn(&M::Posterior, usize) -> Vec<usize>,
    ) {
        let fit = (self.infer)(p);
        let all = self.assignments();
        let (posterior, evidence) = self.posterior(p);
        let top = (0..all.len()).fold(0, |best, n| if posterior[n] > posterior[best] { n } else { best });
        let together = |a: usize, j: usize, b: usize, k: usize| -> f64 {
            all.iter().zip(&posterior).filter(|(z, _)| z[a] == j && z[b] == k).map(|(_, q)| q).sum()
        };
        let (mut log_joint, mut log_probability) = (0.0, 0.0);
        for a in arrays {
            let q = (a.q)(&fit.posterior);
            assert_eq!(q.len(), a.elements.len(), "elements of an array");
            for (i, before) in a.before.iter().enumerate() {
                let pair = q.pair(i);
                assert_eq!(pair.shape(), (q.states(), q.states()));
                for j in 0..q.states() {
                    for k in 0..q.states() {
                        let expected = before.map_or(0.0, |b| together(a.elements[b], j, a.elements[i], k));
                        close(pair[(j, k)], expected, 1e-11);
                    }
                }
            }
            let path = q.path().unwrap();
            let best: Vec<usize> = a.elements.iter().map(|e| all[top][*e]).collect();
            assert_eq!(path.states, best, "the best path");
            if !a.partner {
                log_joint += path.log_joint;
                log_probability += path.log_probability;
            }
        }
        close(log_joint, (self.joint)(&all[top], p), 1e-11);
        close(log_probability, (self.joint)(&all[top], p) - evidence, 1e-10);
        self.draws(&fit, draw);
        for seed in 0..3 {
            let v = fit.verify(data, seed).unwrap();
            assert!(v.is_exact(), "spread {:e}, tolerance {:e}\n{fit}", v.spread(), v.tolerance);
        }
    }

    /// Frequencies of pairs of elements among draws are the probabilities; what is impossible is never drawn.
    fn draws(&self, fit: &Fit<M>, draw: &dyn Fn(&M::Posterior, usize) -> Vec<usize>) {
        let all = self.assignments();
        let (posterior, _) = self.posterior(&fit.params);
        let drawn: Vec<Vec<usize>> = (0..DRAWS).map(|d| draw(&fit.posterior, d)).collect();
        for z in &drawn {
            let at = all.iter().position(|a| a == z).expect("a draw is an assignment");
            assert!(posterior[at] > 0.0, "{z:?} is impossible and was drawn");
        }
        for a in 0..self.states.len() {
            for b in 0..a {
                for (j, k) in (0..self.states[a]).flat_map(|j| (0..self.states[b]).map(move |k| (j, k))) {
                    let here = |z: &[usize]| z[a] == j && z[b] == k;
                    let p: f64 = all.iter().zip(&posterior).filter(|(z, _)| here(z)).map(|(_, q)| q).sum();
                    let found = drawn.iter().filter(|z| here(z)).count() as f64 / DRAWS as f64;
                    let sd = (p * (1.0 - p) / DRAWS as f64).sqrt();
                    assert!(
                        (found - p).abs() < 5.0 * sd + 2.0 / DRAWS as f64,
                        "{a} = {j}, {b} = {k}: drawn {found}, probability {p}"
                    );
                }
            }
        }
    }
}
