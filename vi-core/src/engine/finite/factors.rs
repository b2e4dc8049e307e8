//! Weights between the states of two latents.

use super::parts::Parts;

/// Non-negative weights from the states of one unit to those of the next, with their logs: a transition law for each of several kinds of
/// steps. Rows may sum to anything.
///
/// Where a step is one matrix, entry `[m, j, k]` is the weight of state k after (or below) state j; where it goes in [`Parts`], `m` stands
/// before the weights of all of them.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Factors {
    parts: Parts,
    weight: Vec<f64>,
    log: Vec<f64>,
}

/// One part of a step of one kind: a matrix in each block.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a> {
    pub blocks: usize,
    pub rows: usize,
    pub cols: usize,
    pub weight: &'a [f64],
    pub log: &'a [f64],
}

impl Factors {
    /// `weight` holds one or more `states × states` matrices, row by row.
    #[must_use]
    pub fn new(states: usize, weight: Vec<f64>) -> Self {
        let mut log = vec![0.0; weight.len()];
        crate::tile::log(&weight, &mut log);
        Factors { parts: Parts::dense(states), weight, log }
    }

    /// From the logarithms of the weights.
    #[must_use]
    pub fn from_logs(states: usize, log: Vec<f64>) -> Self {
        Factors::in_parts(Parts::dense(states), log)
    }

    /// Steps in parts, from the logarithms of their weights.
    #[must_use]
    pub fn in_parts(parts: Parts, log: Vec<f64>) -> Self {
        let mut weight = vec![0.0; log.len()];
        crate::tile::exp(&log, &mut weight);
        Factors { parts, weight, log }
    }

    /// Number of states on either side.
    #[must_use]
    pub fn states(&self) -> usize {
        self.parts.states()
    }

    /// How a step goes.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Number of kinds of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weight.len().checked_div(self.parts.len()).unwrap_or(0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weight.is_empty()
    }

    /// All weights of the steps of one kind.
    pub(super) fn weights(&self, m: usize) -> &[f64] {
        &self.weight[m * self.parts.len()..][..self.parts.len()]
    }

    /// The logarithm of the weight of every state after every state, for one kind of steps.
    pub(crate) fn expanded(&self, m: usize) -> Vec<f64> {
        let log = &self.log[m * self.parts.len()..][..self.parts.len()];
        if self.parts.is_dense() { log.to_vec() } else { self.parts.expand(log) }
    }

    /// The logarithm of the weight of one state after another.
    pub(crate) fn log_weight(&self, m: usize, before: usize, after: usize) -> f64 {
        let log = &self.log[m * self.parts.len()..][..self.parts.len()];
        if self.parts.is_dense() {
            return log[before * self.parts.states() + after];
        }
        self.parts.log_weight(log, before, after)
    }

    /// One part of a step.
    pub(super) fn part(&self, m: usize, p: usize) -> Factor<'_> {
        let part = &self.parts.each()[p];
        let at = m * self.parts.len() + part.start;
        Factor {
            blocks: part.blocks,
            rows: part.rows,
            cols: part.cols,
            weight: &self.weight[at..][..part.len()],
            log: &self.log[at..][..part.len()],
        }
    }
}

impl<'a> Factor<'a> {
    pub fn inward(&self) -> usize {
        self.blocks * self.rows
    }

    pub fn outward(&self) -> usize {
        self.blocks * self.cols
    }

    /// Of (block, row).
    pub fn row(&self, at: usize) -> &'a [f64] {
        &self.weight[at * self.cols..][..self.cols]
    }

    pub fn log_row(&self, at: usize) -> &'a [f64] {
        &self.log[at * self.cols..][..self.cols]
    }

    /// log weight\[·\] of (block, column), over the rows of its block.
    pub fn log_column(&self, at: usize) -> impl Iterator<Item = f64> + Clone + 'a {
        let (block, col) = (at / self.cols, at % self.cols);
        let size = self.rows * self.cols;
        self.log[block * size..][..size].iter().skip(col).step_by(self.cols).copied()
    }
}
