//! A step of a chain, part after part: forward with any semiring, and backward by probabilities or by choices.

use super::Sum;
use super::factors::Factors;
use super::messages::{Desk, raise};
use super::semiring::{Choice, Semiring, Step};
use crate::tile::parts::{gather, scatter};

/// Workspace of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    pub desk: Desk,
    /// What comes into each part, where there are several or states change places.
    messages: Vec<Vec<f64>>,
    /// What goes out of a part, or probabilities of it.
    outward: Vec<f64>,
    /// Probabilities of what comes into a part.
    inward: Vec<f64>,
}

impl Steps {
    pub fn resize(&mut self, factors: &Factors) {
        let parts = factors.parts();
        let widest = parts.widest().max(parts.states());
        self.desk.resize(widest);
        if !parts.is_dense() {
            self.messages.resize(parts.each().len(), vec![]);
            self.messages.iter_mut().zip(parts.each()).for_each(|(m, p)| m.resize(p.inward(), 0.0));
            self.outward.resize(widest, 0.0);
            self.inward.resize(widest, 0.0);
        }
    }

    /// `out[k] = log ⊕ⱼ exp(before[j]) weight[j, k]` but for the number that is returned, for a message whose largest entry is 0.
    pub fn forward<S: Semiring>(
        &mut self,
        before: &[f64],
        factors: &Factors,
        m: usize,
        out: &mut [f64],
    ) -> f64 {
        let parts = factors.parts();
        if parts.is_dense() {
            S::over_rows(before, Step(factors.part(m, 0)), &mut self.desk, out);
            return 0.0;
        }
        let shift = self.come_in::<S>(before, factors, m);
        let last = parts.each().len() - 1;
        self.go_out::<S>(factors, m, last);
        gather(&self.outward, parts.end(), out);
        shift
    }

    /// What comes into each part, each moved so that its largest entry is 0; and the sum of what they were moved by.
    fn come_in<S: Semiring>(&mut self, before: &[f64], factors: &Factors, m: usize) -> f64 {
        let parts = factors.parts().each();
        let mut shift = 0.0;
        for (p, part) in parts.iter().enumerate() {
            if p == 0 {
                gather(before, part.from.as_deref(), &mut self.messages[0]);
                continue;
            }
            self.go_out::<S>(factors, m, p - 1);
            gather(&self.outward, part.from.as_deref(), &mut self.messages[p]);
            shift += raise(&mut self.messages[p]);
        }
        shift
    }

    fn go_out<S: Semiring>(&mut self, factors: &Factors, m: usize, p: usize) {
        let factor = factors.part(m, p);
        let out = &mut self.outward[..factor.outward()];
        S::over_rows(&self.messages[p], Step(factor), &mut self.desk, out);
    }

    /// Probabilities of the states of the unit before, given those of the unit itself. The joint probabilities of each part are added to
    /// `pairs`, times `copies`.
    pub fn backward(
        &mut self,
        before: &[f64],
        factors: &Factors,
        m: usize,
        after: &[f64],
        out: &mut [f64],
        mut pairs: Option<&mut [f64]>,
        copies: f64,
    ) {
        let parts = factors.parts();
        if parts.is_dense() {
            self.desk.condition_on_columns(before, factors.part(m, 0), after, out, pairs, copies);
            return;
        }
        self.come_in::<Sum>(before, factors, m);
        scatter(after, parts.end(), &mut self.outward[..after.len()]);
        for (p, part) in parts.each().iter().enumerate().rev() {
            let table = pairs.as_deref_mut().map(|t| &mut t[part.start..][..part.len()]);
            let given = &self.outward[..part.outward()];
            let inward = &mut self.inward[..part.inward()];
            self.desk.condition_on_columns(
                &self.messages[p],
                factors.part(m, p),
                given,
                inward,
                table,
                copies,
            );
            match p {
                0 => scatter(inward, part.from.as_deref(), &mut out[..part.inward()]),
                _ => scatter(inward, part.from.as_deref(), &mut self.outward[..part.inward()]),
            }
        }
    }

    /// A state of the unit before, given the state of the unit itself.
    pub fn choose<C: Choice>(
        &mut self,
        choice: &mut C,
        before: &[f64],
        factors: &Factors,
        m: usize,
        after: usize,
    ) -> usize {
        let parts = factors.parts();
        let dense = parts.is_dense();
        if !dense {
            self.come_in::<C>(before, factors, m);
        }
        let mut at = parts.end().map_or(after, |end| end[after]);
        for (p, part) in parts.each().iter().enumerate().rev() {
            let message = if dense { before } else { &self.messages[p] };
            let block = at / part.cols;
            let weights = &mut self.desk.column[..part.rows];
            weights.copy_from_slice(&message[block * part.rows..][..part.rows]);
            let logs = factors.part(m, p).log_column(at);
            weights.iter_mut().zip(logs).for_each(|(w, log)| *w += log);
            at = block * part.rows + choice.choose(weights);
            at = part.from.as_ref().map_or(at, |from| from[at]);
        }
        at
    }
}
