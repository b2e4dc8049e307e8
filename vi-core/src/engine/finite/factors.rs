//! Weights between the states of two latents.

/// Square matrices of non-negative weights, with their logs: a transition law for each of several kinds of steps.
///
/// Entry `[m, j, k]` is the weight of state k after (or below) state j. Rows may sum to anything.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Factors {
    states: usize,
    weight: Vec<f64>,
    log: Vec<f64>,
}

/// One of the matrices.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a> {
    pub states: usize,
    pub weight: &'a [f64],
    pub log: &'a [f64],
}

impl Factors {
    /// `weight` holds one or more `states × states` matrices, row by row.
    #[must_use]
    pub fn new(states: usize, weight: Vec<f64>) -> Self {
        let mut log = vec![0.0; weight.len()];
        crate::tile::log(&weight, &mut log);
        Factors { states, weight, log }
    }

    /// From the logarithms of the weights.
    #[must_use]
    pub fn from_logs(states: usize, log: Vec<f64>) -> Self {
        let mut weight = vec![0.0; log.len()];
        crate::tile::exp(&log, &mut weight);
        Factors { states, weight, log }
    }

    /// Number of states on either side.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states
    }

    /// Number of matrices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.weight.len().checked_div(self.states * self.states).unwrap_or(0)
    }

    /// Whether there is no matrix.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weight.is_empty()
    }

    /// The logarithms of all weights.
    #[must_use]
    pub fn logs(&self) -> &[f64] {
        &self.log
    }

    pub(super) fn at(&self, m: usize) -> Factor<'_> {
        let size = self.states * self.states;
        Factor {
            states: self.states,
            weight: &self.weight[m * size..][..size],
            log: &self.log[m * size..][..size],
        }
    }
}

impl<'a> Factor<'a> {
    pub fn row(&self, j: usize) -> &'a [f64] {
        &self.weight[j * self.states..][..self.states]
    }

    pub fn log_row(&self, j: usize) -> &'a [f64] {
        &self.log[j * self.states..][..self.states]
    }

    /// log weight\[·, k\]
    pub fn log_column(&self, k: usize) -> impl Iterator<Item = f64> + Clone + 'a {
        self.log.iter().skip(k).step_by(self.states.max(1)).copied()
    }
}
