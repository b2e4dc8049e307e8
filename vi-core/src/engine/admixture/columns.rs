//! The table that all groups share, as their columns are read.

use crate::special;
use crate::tile::{self, TileBuffer};

/// β, the states of a value side by side.
pub(super) struct Columns {
    pub stride: usize,
    /// (values + 1) × stride, each row divided by its largest entry; zeros beyond the states and in the last row.
    pub scaled: TileBuffer,
    /// log of what each row was divided by.
    pub shift: Vec<f64>,
    /// ψ(Σ a) of each state's law.
    pub totals: Vec<f64>,
}

impl Columns {
    pub fn new(shared: &[&[f64]], states: usize, values: usize) -> Self {
        let stride = states.next_multiple_of(tile::lanes());
        let mut scaled = TileBuffer::new((values + 1) * stride);
        let mut row = vec![0.0; values];
        let mut totals = vec![];
        for (k, a) in shared.iter().enumerate() {
            let total = special::digamma(tile::sum(a));
            tile::digamma(a, &mut row);
            for (v, psi) in row.iter().enumerate() {
                scaled[v * stride + k] = psi - total;
            }
            totals.push(total);
        }
        let mut shift = vec![0.0; values];
        let mut logs = vec![0.0; states];
        for (shift, row) in shift.iter_mut().zip(scaled.chunks_exact_mut(stride.max(1))) {
            *shift = rescale(&mut logs, &mut row[..states]);
        }
        Columns { stride, scaled, shift, totals }
    }
}

/// exp(x − max x) in place of x; returns the maximum.
pub(super) fn rescale(logs: &mut [f64], x: &mut [f64]) -> f64 {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for (log, x) in logs.iter_mut().zip(x.iter()) {
        *log = x - top;
    }
    tile::exp(logs, x);
    top
}
