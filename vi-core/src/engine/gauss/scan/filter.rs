//! A chain by patterns of rows as its data come in: one step after another, with memory for one.

use super::{Front, Patterns};
use crate::engine::gauss::Failure;

/// p(x\[t\] | y\[0..=t\]) and log p(y\[0..=t\]).
///
/// Further steps by patterns without observations forecast: mean and covariance are then those of the future.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    front: Front,
    gauge: Vec<f64>,
    /// Rows of a step with what its inputs are worked into the target.
    rows: Vec<f64>,
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
        self.front.steps()
    }

    /// Whether no step was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the rows of one more step. All steps have the same gauge of the state.
    ///
    /// # Errors
    /// [`Failure::Undetermined`] if no row determines the state before, [`Failure::NotFinite`]; the filter is then of no use.
    pub fn step(&mut self, patterns: &Patterns, pattern: usize, inputs: &[f64]) -> Result<(), Failure> {
        let (h, m) = (patterns.state(), patterns.inputs());
        if self.is_empty() {
            self.front.begin(h, 1);
            self.gauge.clear();
            self.gauge.extend_from_slice(patterns.state_gauge());
        }
        let reads = patterns.reads(pattern);
        self.rows.clear();
        for row in patterns.rows(pattern).chunks_exact(patterns.width()) {
            let mut target = row[2 * h + m];
            for k in 0..m {
                if reads[k] {
                    target += row[2 * h + k] * (inputs[k] - patterns.input_gauge()[k]);
                }
            }
            self.rows.extend_from_slice(&row[..2 * h]);
            self.rows.push(target);
        }
        self.front.add(&self.rows, patterns.log_factor(pattern), true);
        self.front.step()
    }

    /// E(x\[t\] | y\[0..=t\])
    ///
    /// # Errors
    /// [`Failure::Undetermined`] if what came so far does not determine the state.
    pub fn mean(&self, mean: &mut [f64]) -> Result<(), Failure> {
        self.determined()?;
        self.front.mean(mean);
        mean.iter_mut().zip(&self.gauge).for_each(|(x, c)| *x += c);
        Ok(())
    }

    /// Cov(x\[t\] | y\[0..=t\]), by rows.
    ///
    /// # Errors
    /// See [`mean`](Self::mean).
    pub fn covariance(&mut self, covariance: &mut [f64]) -> Result<(), Failure> {
        self.determined()?;
        self.front.covariance(covariance);
        Ok(())
    }

    /// log p(y\[0..=t\]); 0 before the first step.
    ///
    /// # Errors
    /// See [`mean`](Self::mean).
    pub fn log_evidence(&self) -> Result<f64, Failure> {
        self.determined()?;
        Ok(self.front.log_evidence())
    }

    /// log p(y\[t\] | y\[0..t\]) of the last step, from that step alone: no digits are lost however long the sequence is. Where the data
    /// before did not determine the state, log p(y\[0..=t\]), so that the sum over steps is the log evidence. `None` while the state is not
    /// determined: there is no number yet.
    #[must_use]
    pub fn log_density(&self) -> Option<f64> {
        self.front.log_density().map(|(log, _)| log)
    }

    /// `[R̃ z̃]`, by rows: all that is known of the state, as residual rows. Its gauge is that of the patterns.
    #[must_use]
    pub fn triangle(&self) -> &[f64] {
        self.front.triangle()
    }

    /// Mean and covariance, by rows, of the unknowns that are determined; NaN for the others.
    pub fn determined_part(&self, mean: &mut [f64], covariance: &mut [f64]) {
        self.front.determined_part(mean, covariance);
        mean.iter_mut().zip(&self.gauge).for_each(|(x, c)| *x += c);
    }

    fn determined(&self) -> Result<(), Failure> {
        match self.front.undetermined() {
            Some(column) => Err(Failure::Undetermined { block: self.len().saturating_sub(1), column }),
            None => Ok(()),
        }
    }
}
