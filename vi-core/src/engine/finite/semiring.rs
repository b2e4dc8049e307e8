//! What is done over the states of a latent.

use super::factors::Factor;
use super::messages::{self, Desk};
use crate::{rng, tile};

/// An addition ⊕ of log weights, and what becomes of a table of them.
pub trait Semiring {
    /// log ⊕ₖ exp(w\[k\])
    fn total(log_weights: &[f64]) -> f64;

    /// Eliminates the states of each unit of a table of log potentials (`states × n`, state-major) and leaves in their place what the
    /// semiring knows of the states: probabilities, or 1 at the chosen one and 0 elsewhere.
    fn eliminate(&mut self, table: &mut [f64], states: usize, n: usize, log_total: &mut [f64]);

    /// `out[k] = log ⊕ⱼ exp(message[j]) factor[j, k]` in each block, for a message whose largest entry is 0.
    #[doc(hidden)]
    fn over_rows(message: &[f64], factor: Step<'_>, desk: &mut Desk, out: &mut [f64]);

    /// `out[j] = log ⊕ₖ factor[j, k] exp(message[k])` in each block, for a message whose largest entry is 0.
    #[doc(hidden)]
    fn over_columns(message: &[f64], factor: Step<'_>, desk: &mut Desk, out: &mut [f64]);
}

/// A factor as the messages see it; private to the engine.
#[derive(Clone, Copy)]
pub struct Step<'a>(pub(super) Factor<'a>);

/// A semiring whose elimination can be undone: one state is chosen given those chosen before.
pub trait Choice: Semiring {
    /// A state, by its log weight. The weights are spent.
    fn choose(&mut self, log_weights: &mut [f64]) -> usize;

    /// A state, by its weight.
    fn choose_by_weight(&mut self, weights: &[f64]) -> usize;
}

/// log Σ exp: normalisers and probabilities.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum;

/// max: the best joint state, the lowest of equals.
#[derive(Clone, Debug, Default)]
pub struct Max {
    best: Vec<u32>,
}

/// log Σ exp, and draws from what is normalised.
#[derive(Debug)]
pub struct Sample<'r, R>(pub &'r mut R);

impl Semiring for Sum {
    fn total(log_weights: &[f64]) -> f64 {
        messages::log_sum_exp(log_weights.iter().copied())
    }

    fn eliminate(&mut self, table: &mut [f64], states: usize, n: usize, log_total: &mut [f64]) {
        tile::normalise(table, states, n, log_total);
    }

    fn over_rows(message: &[f64], factor: Step<'_>, desk: &mut Desk, out: &mut [f64]) {
        desk.sum_over_rows(message, factor.0);
        tile::log(&desk.sums[..out.len()], out);
        messages::redo_columns(message, factor.0, &desk.sums, out);
    }

    fn over_columns(message: &[f64], factor: Step<'_>, desk: &mut Desk, out: &mut [f64]) {
        desk.sum_over_columns(message, factor.0);
        tile::log(&desk.sums[..out.len()], out);
        messages::redo_rows(message, factor.0, &desk.sums, out);
    }
}

impl Semiring for Max {
    fn total(log_weights: &[f64]) -> f64 {
        log_weights.iter().copied().fold(f64::NEG_INFINITY, larger)
    }

    fn eliminate(&mut self, table: &mut [f64], states: usize, n: usize, log_total: &mut [f64]) {
        self.best.resize(self.best.len().max(n), 0);
        tile::maximise(table, states, n, log_total, &mut self.best);
        table[..states * n].fill(0.0);
        for (i, (best, total)) in self.best.iter().zip(&log_total[..n]).enumerate() {
            if *total > f64::NEG_INFINITY {
                table[*best as usize * n + i] = 1.0;
            }
        }
    }

    fn over_rows(message: &[f64], factor: Step<'_>, _desk: &mut Desk, out: &mut [f64]) {
        out.fill(f64::NEG_INFINITY);
        for (j, &m) in message.iter().enumerate() {
            let out = &mut out[j / factor.0.rows * factor.0.cols..][..factor.0.cols];
            for (out, &log) in out.iter_mut().zip(factor.0.log_row(j)) {
                *out = larger(*out, m + log);
            }
        }
    }

    fn over_columns(message: &[f64], factor: Step<'_>, _desk: &mut Desk, out: &mut [f64]) {
        for (j, out) in out.iter_mut().enumerate() {
            let message = &message[j / factor.0.rows * factor.0.cols..][..factor.0.cols];
            let sums = message.iter().zip(factor.0.log_row(j)).map(|(m, log)| m + log);
            *out = sums.fold(f64::NEG_INFINITY, larger);
        }
    }
}

impl Choice for Max {
    fn choose(&mut self, log_weights: &mut [f64]) -> usize {
        self.choose_by_weight(log_weights)
    }

    fn choose_by_weight(&mut self, weights: &[f64]) -> usize {
        (0..weights.len()).fold(0, |best, k| if weights[k] > weights[best] { k } else { best })
    }
}

impl<R: rand::Rng> Semiring for Sample<'_, R> {
    fn total(log_weights: &[f64]) -> f64 {
        Sum::total(log_weights)
    }

    fn eliminate(&mut self, table: &mut [f64], states: usize, n: usize, log_total: &mut [f64]) {
        tile::normalise(table, states, n, log_total);
        for i in 0..n {
            let drawn = rng::categorical_by(self.0, states, |k| table[k * n + i]);
            for k in 0..states {
                let p = &mut table[k * n + i];
                *p = if k == drawn && *p > 0.0 { 1.0 } else { 0.0 };
            }
        }
    }

    fn over_rows(message: &[f64], factor: Step<'_>, desk: &mut Desk, out: &mut [f64]) {
        Sum::over_rows(message, factor, desk, out);
    }

    fn over_columns(message: &[f64], factor: Step<'_>, desk: &mut Desk, out: &mut [f64]) {
        Sum::over_columns(message, factor, desk, out);
    }
}

impl<R: rand::Rng> Choice for Sample<'_, R> {
    fn choose(&mut self, log_weights: &mut [f64]) -> usize {
        messages::normalise(log_weights);
        rng::categorical(self.0, log_weights)
    }

    fn choose_by_weight(&mut self, weights: &[f64]) -> usize {
        rng::categorical(self.0, weights)
    }
}

/// The larger of two, NaN if either is: so that a number that is not one is seen at the end.
fn larger(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}
