//! A chain as its data come in: one step after another, with memory for one.

use super::Patterns;
use crate::engine::gauss::compensated::Compensated;
use crate::engine::gauss::householder::{invert_upper, solve_upper, triangularise};
use crate::engine::gauss::{Failure, HALF_LOG_TAU};
use nalgebra::{DMatrix, DVector};

/// p(x\[t\] | y\[0..=t\]) and log p(y\[0..=t\]).
///
/// Further steps by patterns without observations forecast: mean and covariance are then those of the future.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    state: usize,
    steps: usize,
    /// `[R̃ z̃]`, by rows.
    carry: Vec<f64>,
    gauge: Vec<f64>,
    log_constant: Compensated,
    squares: Compensated,
    stack: Vec<f64>,
    sizes: Vec<f64>,
    inverse: Vec<f64>,
    /// log p of the last step's data given those before it, were the states before and after it determined.
    last: f64,
    /// log |det R̃|
    log_det: f64,
    /// Whether the states before and after the last step are determined.
    open: (bool, bool),
}

impl Filter {
    /// Before the first step.
    #[must_use]
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Number of steps taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether no step was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// Takes the rows of one more step. All steps have the same gauge of the state.
    ///
    /// # Errors
    /// [`Failure::Undetermined`] if no row determines the state before, [`Failure::NotFinite`]; the filter is then of no use.
    pub fn step(&mut self, patterns: &Patterns, pattern: usize, inputs: &[f64]) -> Result<(), Failure> {
        let (h, m) = (patterns.state(), patterns.inputs());
        let first = self.steps == 0;
        if first {
            self.state = h;
            self.gauge.clear();
            self.gauge.extend_from_slice(patterns.state_gauge());
            self.carry.clear();
            self.carry.resize(h * (h + 1), 0.0);
        }
        let rows = patterns.rows(pattern).chunks_exact(patterns.width());
        let (height, width) = (h + rows.len().max(h), 2 * h + 1);
        self.stack.clear();
        self.stack.resize(height * width, 0.0);
        let stack = &mut self.stack;
        for (i, row) in self.carry.chunks_exact(h + 1).enumerate() {
            for j in 0..h {
                stack[j * height + i] = if first { f64::from(i == j) } else { row[j] };
            }
            stack[2 * h * height + i] = row[h];
        }
        let reads = patterns.reads(pattern);
        for (i, row) in rows.enumerate() {
            for j in if first { h } else { 0 }..2 * h {
                stack[j * height + h + i] = row[j];
            }
            let mut target = row[2 * h + m];
            for k in 0..m {
                if reads[k] {
                    target += row[2 * h + k] * (inputs[k] - patterns.input_gauge()[k]);
                }
            }
            stack[2 * h * height + h + i] = target;
        }
        triangularise(stack, height, 2 * h, 2 * h, &mut self.sizes);
        if !stack.iter().all(|x| x.is_finite()) {
            return Err(Failure::NotFinite { block: self.steps });
        }
        let at = |i: usize, j: usize| stack[j * height + i];
        let factor = patterns.log_factor(pattern) + h as f64 * HALF_LOG_TAU;
        self.log_constant.add(factor);
        self.last = factor + self.log_det;
        for j in 0..h {
            if at(j, j) == 0.0 {
                return Err(Failure::Undetermined { block: self.steps.saturating_sub(1), column: j });
            }
            let log = at(j, j).abs().ln();
            self.log_constant.add(-log);
            self.last -= log;
        }
        for i in 0..h {
            for j in 0..h {
                self.carry[i * (h + 1) + j] = at(h + i, h + j);
            }
            self.carry[i * (h + 1) + h] = at(h + i, 2 * h);
        }
        (2 * h..height).for_each(|i| self.squares.add(at(i, 2 * h) * at(i, 2 * h)));
        let squares: f64 = (2 * h..height).map(|i| at(i, 2 * h) * at(i, 2 * h)).sum();
        self.log_det = (0..h).map(|j| self.carry[j * (h + 2)].abs().ln()).sum();
        self.last -= self.log_det + 0.5 * squares;
        self.open = (!first && self.open.1, self.determined().is_err());
        self.steps += 1;
        Ok(())
    }

    /// E(x\[t\] | y\[0..=t\])
    ///
    /// # Errors
    /// [`Failure::Undetermined`] if what came so far does not determine the state.
    pub fn mean(&self, mean: &mut [f64]) -> Result<(), Failure> {
        self.determined()?;
        let h = self.state;
        (0..h).for_each(|i| mean[i] = self.carry[i * (h + 1) + h]);
        solve_upper(&self.carry, h + 1, &mut mean[..h]);
        mean.iter_mut().zip(&self.gauge).for_each(|(x, c)| *x += c);
        Ok(())
    }

    /// Cov(x\[t\] | y\[0..=t\]), by rows.
    ///
    /// # Errors
    /// See [`mean`](Self::mean).
    pub fn covariance(&mut self, covariance: &mut [f64]) -> Result<(), Failure> {
        self.determined()?;
        let h = self.state;
        self.inverse.resize(h * h, 0.0);
        invert_upper(&self.carry, h + 1, h, &mut self.inverse);
        crate::engine::gauss::dense::outer_square_upper(&self.inverse, h, covariance);
        Ok(())
    }

    /// log p(y\[0..=t\]); 0 before the first step.
    ///
    /// # Errors
    /// See [`mean`](Self::mean).
    pub fn log_evidence(&self) -> Result<f64, Failure> {
        self.determined()?;
        let h = self.state;
        let mut total = self.log_constant;
        if self.steps > 0 {
            (0..h).for_each(|j| total.add(-self.carry[j * (h + 2)].abs().ln()));
        }
        Ok(total.value() - 0.5 * self.squares.value())
    }

    /// log p(y\[t\] | y\[0..t\]) of the last step, from that step alone: no digits are lost however long the sequence is. Where the data
    /// before did not determine the state, log p(y\[0..=t\]), so that the sum over steps is the log evidence. `None` while the state is not
    /// determined: there is no number yet.
    #[must_use]
    pub fn log_density(&self) -> Option<f64> {
        match self.open {
            (_, true) => None,
            (true, false) => self.log_evidence().ok(),
            (false, false) => Some(self.last),
        }
    }

    /// `[R̃ z̃]`, by rows: all that is known of the state, as residual rows. Its gauge is that of the patterns.
    #[must_use]
    pub fn triangle(&self) -> &[f64] {
        &self.carry
    }

    /// Mean and covariance, by rows, of the unknowns that are determined; NaN for the others.
    pub fn determined_part(&self, mean: &mut [f64], covariance: &mut [f64]) {
        determined_part(&self.carry, self.state, &self.gauge, mean, covariance);
    }

    fn determined(&self) -> Result<(), Failure> {
        let h = self.state;
        match (0..h).find(|j| self.carry[j * (h + 2)] == 0.0) {
            Some(column) => Err(Failure::Undetermined { block: self.steps.saturating_sub(1), column }),
            None => Ok(()),
        }
    }
}

/// Mean and covariance of the unknowns of a triangle with its targets that are determined; NaN for the others.
pub(super) fn determined_part(
    carry: &[f64],
    h: usize,
    gauge: &[f64],
    mean: &mut [f64],
    covariance: &mut [f64],
) {
    let root = DMatrix::from_fn(h, h, |i, j| carry[i * (h + 1) + j]);
    let target = DVector::from_fn(h, |i, _| carry[i * (h + 1) + h]);
    // Unknowns of different units are compared with their own.
    let scales: Vec<f64> = root.column_iter().map(|c| c.norm()).collect();
    let scale = |j: usize| if scales[j] > 0.0 { scales[j] } else { 1.0 };
    let scaled = DMatrix::from_fn(h, h, |i, j| root[(i, j)] / scale(j));
    let svd = scaled.svd(true, true);
    let (Some(u), Some(vt)) = (&svd.u, &svd.v_t) else {
        mean.fill(f64::NAN);
        return covariance.fill(f64::NAN);
    };
    let least = h as f64 * f64::EPSILON * svd.singular_values.amax();
    let known: Vec<usize> = (0..h).filter(|k| svd.singular_values[*k] > least).collect();
    let lost = |i: usize| 1.0 - known.iter().map(|k| vt[(*k, i)] * vt[(*k, i)]).sum::<f64>() > 1e-9;
    for i in 0..h {
        let along = |k: &usize| vt[(*k, i)] * u.column(*k).dot(&target) / svd.singular_values[*k];
        mean[i] = match lost(i) {
            true => f64::NAN,
            false => known.iter().map(along).sum::<f64>() / scale(i) + gauge[i],
        };
        for j in 0..h {
            let both = |k: &usize| vt[(*k, i)] * vt[(*k, j)] / svd.singular_values[*k].powi(2);
            covariance[i * h + j] = match lost(i) || lost(j) {
                true => f64::NAN,
                false => known.iter().map(both).sum::<f64>() / (scale(i) * scale(j)),
            };
        }
    }
}
