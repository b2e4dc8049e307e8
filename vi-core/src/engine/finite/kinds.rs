//! Weights of the units of every kind: what units of one kind say of their states is worked out once.

use crate::tile;
use crate::tile::chains::LOWEST;
use crate::tile::kinds::Known;
use crate::tile::panels::PANEL;

/// exp of the log potentials of each kind, as [`Batch`](super::batch::Batch) takes them.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    states: usize,
    stride: usize,
    /// `(kinds + 1) × stride`: the last weighs nothing.
    weight: Vec<f64>,
    shift: Vec<f64>,
    /// Whether some weight is nearly zero.
    low: Vec<bool>,
}

impl Kinds {
    /// Of log potentials, those of one kind after another.
    #[must_use]
    pub fn from_logs(states: usize, logs: &[f64]) -> Self {
        let stride = states.next_multiple_of(PANEL);
        let kinds = logs.len().checked_div(states).unwrap_or(0);
        let mut weight = vec![0.0; (kinds + 1) * stride];
        let mut shift = vec![0.0; kinds + 1];
        let mut low = vec![false; kinds + 1];
        let mut moved = vec![0.0; states];
        for (n, logs) in logs.chunks_exact(states.max(1)).enumerate() {
            // A kind without weight keeps it: nothing is left of −∞ less a number.
            let top = logs.iter().copied().fold(f64::MIN, f64::max);
            moved.iter_mut().zip(logs).for_each(|(m, log)| *m = log - top);
            tile::exp(&moved, &mut weight[n * stride..][..states]);
            low[n] = moved.iter().any(|m| *m < LOWEST && *m > f64::NEG_INFINITY);
            shift[n] = top;
        }
        Kinds { states, stride, weight, shift, low }
    }

    /// Zeros for the sums of all kinds.
    pub fn clear(&self, sums: &mut Vec<f64>) {
        sums.clear();
        sums.resize(self.weight.len(), 0.0);
    }

    /// The sums of every kind.
    pub fn each<'s>(&self, sums: &'s [f64]) -> impl Iterator<Item = &'s [f64]> {
        let (states, kinds) = (self.states, self.shift.len().saturating_sub(1));
        sums.chunks_exact(self.stride.max(1)).take(kinds).map(move |row| &row[..states])
    }

    pub(super) fn known(&self) -> Known<'_> {
        Known { weight: &self.weight, shift: &self.shift, stride: self.stride }
    }

    /// What was taken out of the weights of some units, and whether one of these is nearly zero.
    pub(super) fn take_out(&self, which: &[u32], shift: &mut [f64]) -> bool {
        let mut low = false;
        for (shift, kind) in shift.iter_mut().zip(which) {
            *shift = self.shift[*kind as usize];
            low |= self.low[*kind as usize];
        }
        low
    }
}
