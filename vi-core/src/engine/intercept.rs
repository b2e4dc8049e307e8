//! An intercept kept in the midst of the data instead of at the origin.
//!
//! ```text
//! ψ₀ = θ₀ + Σⱼ cⱼ θⱼ      ψⱼ = θⱼ for the others
//! ```
//!
//! Where data are far from the origin, θ₀ is known far worse than any mean of theirs, and what one knows of it and of the slopes cancels in
//! every mean: of a variance of 1 beside c² = 10¹⁶ nothing would be left. With cⱼ where the regressors are, ψ₀ is such a mean.

use super::least_squares::{Term, Value};
use crate::stats::Cell;
use nalgebra::DMatrix;

/// Squares of distances from the origin beside those within the data.
const FAR: f64 = 1e4;

/// Which number is the intercept, and where the regressors of the others are.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Intercept {
    pub(super) id: usize,
    pub(super) slopes: Vec<(usize, f64)>,
}

impl Intercept {
    /// Of rows with one unknown beside the regressors: these at their gauge. `None` where there is no such unknown, or no regressor is so far
    /// away that digits are lost.
    pub(super) fn of_terms(m: &Cell<'_>, terms: &[Term]) -> Option<Intercept> {
        let mut constants = terms.iter().filter_map(|t| match (t.column, t.value) {
            (None, Value::Unknown(id)) => Some((id, t.constant)),
            _ => None,
        });
        let (id, constant) = constants.next()?;
        let far = |c: usize| FAR * m.square(c, c) < m.count * m.gauge[c] * m.gauge[c];
        if !terms.iter().filter_map(|t| t.column).any(far) {
            return None;
        }
        let slopes: Vec<(usize, f64)> = terms
            .iter()
            .filter_map(|t| match (t.column, t.value) {
                (Some(c), Value::Unknown(j)) => Some((j, t.constant * m.gauge[c] / constant)),
                _ => None,
            })
            .filter(|(_, c)| *c != 0.0 && c.is_finite())
            .collect();
        let alone = constants.next().is_none() && slopes.iter().all(|(j, _)| *j != id);
        (alone && !slopes.is_empty()).then_some(Intercept { id, slopes })
    }

    /// Σ a θ as a form in ψ.
    pub(super) fn apply(&self, a: &[(usize, f64)]) -> Vec<(usize, f64)> {
        let own: f64 = a.iter().filter(|(i, _)| *i == self.id).map(|(_, x)| x).sum();
        let mut out = a.to_vec();
        if own == 0.0 {
            return out;
        }
        for (j, c) in &self.slopes {
            match out.iter_mut().find(|(i, _)| i == j) {
                Some((_, x)) => *x -= own * c,
                None => out.push((*j, -own * c)),
            }
        }
        out
    }

    /// θ, where ψ stood: one in each column.
    pub(super) fn leave(&self, x: &mut DMatrix<f64>) {
        for o in 0..x.ncols() {
            x[(self.id, o)] -= self.slopes.iter().map(|(j, c)| c * x[(*j, o)]).sum::<f64>();
        }
    }

    /// ψ, where θ stood.
    pub(super) fn enter(&self, x: &mut DMatrix<f64>) {
        for o in 0..x.ncols() {
            x[(self.id, o)] += self.slopes.iter().map(|(j, c)| c * x[(*j, o)]).sum::<f64>();
        }
    }

    /// The sizes of all that [`enter`](Self::enter) adds up, where those of θ stood.
    pub(super) fn reach(&self, x: &mut DMatrix<f64>) {
        for o in 0..x.ncols() {
            x[(self.id, o)] += self.slopes.iter().map(|(j, c)| c.abs() * x[(*j, o)]).sum::<f64>();
        }
    }

    /// Unknowns times these signs.
    pub(super) fn mirror(&mut self, signs: &[f64]) {
        self.slopes.iter_mut().for_each(|(j, c)| *c *= signs[*j] * signs[self.id]);
    }

    /// Unknown i becomes what `from[i]` was.
    pub(super) fn renamed(&self, from: &[usize]) -> Intercept {
        let at = |old: usize| from.iter().position(|f| *f == old).unwrap_or(old);
        Intercept { id: at(self.id), slopes: self.slopes.iter().map(|(j, c)| (at(*j), *c)).collect() }
    }
}
