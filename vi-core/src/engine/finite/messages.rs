//! Messages: the log weights of a latent's states after others were eliminated, moved so that the largest is 0.
//!
//! A step sums in probabilities, where it is a matrix product. A sum so small that what underflowed in it could matter is done again in
//! logs, entry by entry; messages themselves are logs, so nothing is ever lost from one step to the next.

use super::Failure;
use super::factors::Factor;
use crate::tile;

/// Entries below e⁻⁷⁰⁸ are 0 as probabilities. In a sum of at least this size they do not reach the last digit.
const SMALLEST: f64 = 1e-290;

/// Workspace of one step.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// exp of a message.
    pub(super) weights: Vec<f64>,
    /// Sums of weights over the states of one side of a factor.
    pub(super) sums: Vec<f64>,
    /// A message, or a share for each state of one side.
    pub(super) column: Vec<f64>,
}

impl Desk {
    pub(super) fn resize(&mut self, states: usize) {
        for buffer in [&mut self.weights, &mut self.sums, &mut self.column] {
            buffer.clear();
            buffer.resize(states, 0.0);
        }
    }

    /// `sums[k] = Σⱼ exp(message[j]) factor[j, k]`, block by block.
    pub(super) fn sum_over_rows(&mut self, message: &[f64], factor: Factor<'_>) {
        let weights = &mut self.weights[..factor.inward()];
        tile::exp(message, weights);
        let sums = &mut self.sums[..factor.outward()];
        sums.fill(0.0);
        let blocks = weights.chunks(factor.rows).zip(sums.chunks_mut(factor.cols));
        for (block, (weights, sums)) in blocks.enumerate() {
            for (j, &w) in weights.iter().enumerate() {
                if w != 0.0 {
                    for (sum, &f) in sums.iter_mut().zip(factor.row(block * factor.rows + j)) {
                        *sum += w * f;
                    }
                }
            }
        }
    }

    /// `sums[j] = Σₖ factor[j, k] exp(message[k])`, block by block.
    pub(super) fn sum_over_columns(&mut self, message: &[f64], factor: Factor<'_>) {
        let weights = &mut self.weights[..factor.outward()];
        tile::exp(message, weights);
        for (j, sum) in self.sums[..factor.inward()].iter_mut().enumerate() {
            let weights = &weights[j / factor.rows * factor.cols..][..factor.cols];
            *sum = weights.iter().zip(factor.row(j)).map(|(w, f)| w * f).sum();
        }
    }

    /// Probabilities of j given those of k behind it: `out[j] = Σₖ given[k] p(j | k)` with `p(j | k) ∝ exp(message[j]) factor[j, k]`, block
    /// by block. The joint probabilities are added to `pairs`, times `copies`.
    pub(super) fn condition_on_columns(
        &mut self,
        message: &[f64],
        factor: Factor<'_>,
        given: &[f64],
        out: &mut [f64],
        mut pairs: Option<&mut [f64]>,
        copies: f64,
    ) {
        let (rows, cols) = (factor.rows, factor.cols);
        self.sum_over_rows(message, factor);
        self.shares(given);
        for (j, (out, &w)) in out.iter_mut().zip(&self.weights[..factor.inward()]).enumerate() {
            let shares = &self.column[j / rows * cols..][..cols];
            let terms = factor.row(j).iter().zip(shares);
            *out = w * terms.map(|(f, share)| f * share).sum::<f64>();
            if let (Some(pairs), true) = (&mut pairs, w > 0.0) {
                let row = &mut pairs[j * cols..][..cols];
                for ((pair, &f), &share) in row.iter_mut().zip(factor.row(j)).zip(shares) {
                    *pair += copies * (w * (f * share));
                }
            }
        }
        for (k, &p) in given.iter().enumerate() {
            if p > 0.0 && self.sums[k] < SMALLEST {
                let first = k / cols * rows;
                let column = &mut self.column[..rows];
                let logs = message[first..][..rows].iter().zip(factor.log_column(k)).map(|(m, log)| m + log);
                column.iter_mut().zip(logs).for_each(|(c, log)| *c = log);
                normalise(column);
                for (j, (out, &share)) in out[first..][..rows].iter_mut().zip(&*column).enumerate() {
                    *out += p * share;
                    if let Some(pairs) = &mut pairs {
                        pairs[(first + j) * cols + k % cols] += copies * p * share;
                    }
                }
            }
        }
        rescale(out);
    }

    /// The same with the sides exchanged: `out[k] = Σⱼ given[j] p(k | j)` with
    /// `p(k | j) ∝ factor[j, k] exp(message[k])`.
    pub(super) fn condition_on_rows(
        &mut self,
        message: &[f64],
        factor: Factor<'_>,
        given: &[f64],
        out: &mut [f64],
        mut pairs: Option<&mut [f64]>,
        copies: f64,
    ) {
        let (rows, cols) = (factor.rows, factor.cols);
        self.sum_over_columns(message, factor);
        self.shares(given);
        out.fill(0.0);
        for (j, &share) in self.column[..factor.inward()].iter().enumerate() {
            if share > 0.0 {
                let block = j / rows * cols;
                let own = out[block..][..cols].iter_mut().zip(&self.weights[block..][..cols]);
                for (k, (out, &w)) in own.enumerate() {
                    let joint = w * (factor.row(j)[k] * share);
                    *out += joint;
                    if let Some(pairs) = &mut pairs {
                        pairs[j * cols + k] += copies * joint;
                    }
                }
            }
        }
        for (j, &p) in given.iter().enumerate() {
            if p > 0.0 && self.sums[j] < SMALLEST {
                let block = j / rows * cols;
                let column = &mut self.column[..cols];
                let logs = message[block..][..cols].iter().zip(factor.log_row(j)).map(|(m, log)| m + log);
                column.iter_mut().zip(logs).for_each(|(c, log)| *c = log);
                normalise(column);
                for (k, (out, &share)) in out[block..][..cols].iter_mut().zip(&*column).enumerate() {
                    *out += p * share;
                    if let Some(pairs) = &mut pairs {
                        pairs[j * cols + k] += copies * p * share;
                    }
                }
            }
        }
        rescale(out);
    }

    /// `column[k] = given[k] / sums[k]`, 0 where the sum is too small to be divided by.
    fn shares(&mut self, given: &[f64]) {
        for ((share, &p), &sum) in self.column.iter_mut().zip(given).zip(&self.sums) {
            *share = if sum < SMALLEST { 0.0 } else { p / sum };
        }
    }
}

/// Does the sums over rows again that are too small, in logs.
pub(super) fn redo_columns(message: &[f64], factor: Factor<'_>, sums: &[f64], out: &mut [f64]) {
    for (k, (out, &sum)) in out.iter_mut().zip(sums).enumerate() {
        if sum < SMALLEST {
            let message = &message[k / factor.cols * factor.rows..][..factor.rows];
            *out = log_sum_exp(message.iter().zip(factor.log_column(k)).map(|(m, log)| m + log));
        }
    }
}

/// Does the sums over columns again that are too small, in logs.
pub(super) fn redo_rows(message: &[f64], factor: Factor<'_>, sums: &[f64], out: &mut [f64]) {
    for (j, (out, &sum)) in out.iter_mut().zip(sums).enumerate() {
        if sum < SMALLEST {
            let message = &message[j / factor.rows * factor.cols..][..factor.cols];
            *out = log_sum_exp(message.iter().zip(factor.log_row(j)).map(|(m, log)| m + log));
        }
    }
}

/// log Σ exp; −∞ of nothing. An entry +∞ or NaN shows as such.
pub(super) fn log_sum_exp(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_finite() {
        largest + logs.map(|w| (w - largest).exp()).sum::<f64>().ln()
    } else {
        logs.sum()
    }
}

/// Log weights become probabilities; if all are −∞, zeros.
pub(super) fn normalise(weights: &mut [f64]) {
    let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shift = if largest.is_finite() { largest } else { 0.0 };
    weights.iter_mut().for_each(|w| *w = (*w - shift).exp());
    rescale(weights);
}

/// Divides by the sum, so that rounding does not add up over many steps.
fn rescale(probabilities: &mut [f64]) {
    let total: f64 = probabilities.iter().sum();
    if total > 0.0 {
        probabilities.iter_mut().for_each(|p| *p /= total);
    }
}

/// Moves a message so that its largest entry is 0, and gives that entry.
pub(super) fn settle(message: &mut [f64], at: usize) -> Result<f64, Failure> {
    let mut largest = f64::NEG_INFINITY;
    for &m in message.iter() {
        if m.is_nan() || m == f64::INFINITY {
            return Err(Failure::NotFinite { at });
        }
        largest = largest.max(m);
    }
    if largest == f64::NEG_INFINITY {
        return Err(Failure::Impossible { at });
    }
    message.iter_mut().for_each(|m| *m -= largest);
    Ok(largest)
}

/// Moves a message so that its largest entry is 0, if that is a number, and gives what was taken off.
pub(super) fn raise(message: &mut [f64]) -> f64 {
    let largest = message.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shift = if largest.is_finite() { largest } else { 0.0 };
    message.iter_mut().for_each(|m| *m -= shift);
    shift
}

/// A sum that keeps what additions round off (Neumaier 1974): a million steps cost no digits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    sum: f64,
    rest: f64,
}

impl Total {
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.rest += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    pub fn value(self) -> f64 {
        self.sum + self.rest
    }
}
