//! A step of a tree, part after part: upward with any semiring, and downward by probabilities or by choices.

use super::Sum;
use super::factors::Factors;
use super::messages::{Desk, raise};
use super::semiring::{Choice, Semiring, Step};
use crate::tile::parts::{gather, scatter};

/// Workspace of a step from a node to one of its children.
#[derive(Clone, Debug, Default)]
pub(super) struct Descents {
    desk: Desk,
    /// What comes up to each part, where there are several or states change places.
    messages: Vec<Vec<f64>>,
    /// What comes into a part, from either side.
    inward: Vec<f64>,
    /// Probabilities of what goes out of a part.
    outward: Vec<f64>,
}

impl Descents {
    pub fn resize(&mut self, factors: &Factors) {
        let parts = factors.parts();
        let widest = parts.widest().max(parts.states());
        self.desk.resize(widest);
        if !parts.is_dense() {
            self.messages.resize(parts.each().len(), vec![]);
            self.messages.iter_mut().zip(parts.each()).for_each(|(m, p)| m.resize(p.outward(), 0.0));
            self.outward.resize(widest, 0.0);
            self.inward.resize(widest, 0.0);
        }
    }

    /// Room for the log weights of states.
    pub fn weights(&mut self) -> &mut Vec<f64> {
        &mut self.desk.column
    }

    /// `out[j] = log ⊕ₖ weight[j, k] exp(below[k])` but for the number that is returned, for a message whose largest entry is 0.
    pub fn upward<S: Semiring>(
        &mut self,
        below: &[f64],
        factors: &Factors,
        m: usize,
        out: &mut [f64],
    ) -> f64 {
        let parts = factors.parts();
        if parts.is_dense() {
            S::over_columns(below, Step(factors.part(m, 0)), &mut self.desk, out);
            return 0.0;
        }
        let shift = self.come_up::<S>(below, factors, m);
        self.go_up::<S>(factors, m, 0);
        let first = &parts.each()[0];
        scatter(&self.inward[..first.inward()], first.from.as_deref(), out);
        shift
    }

    /// What comes up to each part, moved so that its largest entry is 0; and the sum of what they were moved by.
    fn come_up<S: Semiring>(&mut self, below: &[f64], factors: &Factors, m: usize) -> f64 {
        let parts = factors.parts();
        let last = parts.each().len() - 1;
        scatter(below, parts.end(), &mut self.messages[last]);
        let mut shift = 0.0;
        for (p, part) in parts.each().iter().enumerate().skip(1).rev() {
            self.go_up::<S>(factors, m, p);
            let above = &mut self.messages[p - 1];
            scatter(&self.inward[..part.inward()], part.from.as_deref(), above);
            shift += raise(above);
        }
        shift
    }

    fn go_up<S: Semiring>(&mut self, factors: &Factors, m: usize, p: usize) {
        let factor = factors.part(m, p);
        let out = &mut self.inward[..factor.inward()];
        S::over_columns(&self.messages[p], Step(factor), &mut self.desk, out);
    }

    /// Probabilities of a node's states, given those of its parent and what comes up from below. The joint probabilities of each part are added
    /// to `pairs`, times `copies`.
    pub fn downward(
        &mut self,
        below: &[f64],
        factors: &Factors,
        m: usize,
        given: &[f64],
        out: &mut [f64],
        mut pairs: Option<&mut [f64]>,
        copies: f64,
    ) {
        let parts = factors.parts();
        if parts.is_dense() {
            self.desk.condition_on_rows(below, factors.part(m, 0), given, out, pairs, copies);
            return;
        }
        self.come_up::<Sum>(below, factors, m);
        for (p, part) in parts.each().iter().enumerate() {
            let inward = &mut self.inward[..part.inward()];
            gather(if p == 0 { given } else { &self.outward }, part.from.as_deref(), inward);
            let table = pairs.as_deref_mut().map(|t| &mut t[part.start..][..part.len()]);
            let outward = &mut self.outward[..part.outward()];
            self.desk.condition_on_rows(
                &self.messages[p],
                factors.part(m, p),
                inward,
                outward,
                table,
                copies,
            );
        }
        gather(&self.outward, parts.end(), out);
    }

    /// A node's state, given that of its parent and what comes up from below.
    pub fn choose<C: Choice>(
        &mut self,
        choice: &mut C,
        below: &[f64],
        factors: &Factors,
        m: usize,
        parent: usize,
    ) -> usize {
        let parts = factors.parts();
        let dense = parts.is_dense();
        if !dense {
            self.come_up::<C>(below, factors, m);
        }
        let mut at = parent;
        for (p, part) in parts.each().iter().enumerate() {
            let message = if dense { below } else { &self.messages[p] };
            at = place_of(at, part.from.as_deref());
            let block = at / part.rows;
            let weights = &mut self.desk.column[..part.cols];
            weights.copy_from_slice(&message[block * part.cols..][..part.cols]);
            let logs = factors.part(m, p).log_row(at);
            weights.iter_mut().zip(logs).for_each(|(w, log)| *w += log);
            at = block * part.cols + choice.choose(weights);
        }
        place_of(at, parts.end())
    }
}

/// Which place reads this one, where each has one to read.
fn place_of(at: usize, from: Option<&[usize]>) -> usize {
    from.and_then(|from| from.iter().position(|f| *f == at)).unwrap_or(at)
}
