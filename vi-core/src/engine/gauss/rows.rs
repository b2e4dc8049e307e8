//! Weighted residual rows of one block of unknowns.

use super::HALF_LOG_TAU;
use nalgebra::DMatrix;

/// The rows of exp(log_factor − ½ Σ (target − Σⱼ aⱼ xⱼ)²), with one target for each right-hand side.
///
/// A buffer to be filled again and again: nothing is allocated once it has grown.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    unknowns: usize,
    rights: usize,
    /// A row's coefficients and then its targets.
    entries: Vec<f64>,
    log_factor: f64,
}

impl Rows {
    /// No rows yet, for `unknowns` unknowns and `rights` right-hand sides that share all coefficients.
    #[must_use]
    pub fn new(unknowns: usize, rights: usize) -> Rows {
        Rows { unknowns, rights, ..Rows::default() }
    }

    /// No rows any more, and another shape.
    pub fn reset(&mut self, unknowns: usize, rights: usize) {
        (self.unknowns, self.rights) = (unknowns, rights);
        self.clear();
    }

    /// No rows any more.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.log_factor = 0.0;
    }

    /// Number of unknowns.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.unknowns
    }

    /// Number of right-hand sides.
    #[must_use]
    pub fn rights(&self) -> usize {
        self.rights
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len().checked_div(self.unknowns + self.rights).unwrap_or(0)
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The logarithm of what multiplies the exponential of the squares.
    #[must_use]
    pub fn log_factor(&self) -> f64 {
        self.log_factor
    }

    /// The rows one after another: coefficients, then targets.
    #[must_use]
    pub fn entries(&self) -> &[f64] {
        &self.entries
    }

    /// Normal(target | Σ aⱼ xⱼ, var: weight⁻²), where coefficients of one unknown add up. A weight of 0 is no row.
    pub fn density(&mut self, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        self.copies(1.0, weight, coefficients, targets);
    }

    /// The same density to the power of `copies`: as many rows that are alike. No copies are no row.
    pub fn copies(&mut self, copies: f64, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        if copies != 0.0 && weight != 0.0 {
            self.log_factor += copies * (weight.abs().ln() - HALF_LOG_TAU);
            self.square(if copies == 1.0 { weight } else { weight * copies.sqrt() }, coefficients, targets);
        }
    }

    /// exp(−½ weight² (target − Σ aⱼ xⱼ)²) without the constant of a density: what uncertain coefficients add, or a term whose constant is
    /// an expectation that [`add_log`](Self::add_log) takes.
    pub fn square(&mut self, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        if weight == 0.0 {
            return;
        }
        let start = self.entries.len();
        self.entries.resize(start + self.unknowns + self.rights, 0.0);
        let (row, right) = self.entries[start..].split_at_mut(self.unknowns);
        for &(j, a) in coefficients {
            row[j] += weight * a;
        }
        right.iter_mut().zip(targets).for_each(|(to, t)| *to = weight * t);
    }

    /// MvNormal(targets | A x, prec: WᵀW) with a triangular whitener W: row d of A is `coefficients[d]`, and there is one
    /// right-hand side.
    pub fn whitened(&mut self, whitener: &DMatrix<f64>, coefficients: &[&[(usize, f64)]], targets: &[f64]) {
        let dim = targets.len();
        for d in 0..dim {
            let start = self.entries.len();
            self.entries.resize(start + self.unknowns + self.rights, 0.0);
            let (row, right) = self.entries[start..].split_at_mut(self.unknowns);
            for e in 0..dim {
                let w = whitener[(d, e)];
                if w != 0.0 {
                    coefficients[e].iter().for_each(|&(j, a)| row[j] += w * a);
                    right[0] += w * targets[e];
                }
            }
            self.log_factor += whitener[(d, d)].abs().ln() - HALF_LOG_TAU;
        }
    }

    /// Multiplies by exp(x).
    pub fn add_log(&mut self, x: f64) {
        self.log_factor += x;
    }
}
