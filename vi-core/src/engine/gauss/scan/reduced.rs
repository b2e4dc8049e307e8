//! Patterns made as small as they can be before data are seen.
//!
//! ```text
//! Q [current | inputs · u] = [ R  τ ]    rows of x[t] alone: no more of them than unknowns
//!                            [ 0  ρ ]    squares of data alone
//! ```

use super::memo::NONE;
use super::{Patterns, panels};
use crate::engine::gauss::householder::triangularise;

/// The rows of each pattern, with what their targets are as a map of (u, 1).
#[derive(Clone, Debug, Default)]
pub(super) struct Reduced {
    state: usize,
    /// Coefficients of (x\[t−1\], x\[t\]) and where the rows of each pattern end.
    rows: Vec<f64>,
    ends: Vec<usize>,
    /// Which of the pattern's targets each row has; without one it is 0.
    target: Vec<u32>,
    targets: Vec<usize>,
    /// Maps (u, 1) to (τ, ρ), in panels, and where each ends.
    maps: Vec<f64>,
    map_ends: Vec<usize>,
    /// The most rows, padded, that a map has.
    pub most_rows: usize,
    stack: Vec<f64>,
    sizes: Vec<f64>,
    row: Vec<f64>,
    /// Rows of the map in hand.
    hand: Vec<f64>,
}

impl Reduced {
    pub fn reset(&mut self, patterns: &Patterns) {
        self.state = patterns.state();
        self.rows.clear();
        self.ends.clear();
        self.target.clear();
        self.targets.clear();
        self.maps.clear();
        self.map_ends.clear();
        self.most_rows = 0;
        for pattern in 0..patterns.len() {
            self.reduce(patterns, pattern);
        }
    }

    fn reduce(&mut self, patterns: &Patterns, pattern: usize) {
        let (h, width) = (self.state, patterns.width());
        let columns = patterns.inputs() + 1;
        let all = || patterns.rows(pattern).chunks_exact(width);
        let alone = |row: &&[f64]| row[..h].iter().all(|x| *x == 0.0);
        self.hand.clear();
        for row in all().filter(|row| !alone(row)) {
            self.push(&row[..2 * h], row[2 * h..].iter().copied());
        }
        let own = all().filter(alone).count();
        // Squares of data alone: a map of more rows than columns is made one of as many.
        let beyond = own.saturating_sub(h);
        let residual = beyond.min(columns);
        if beyond == 0 {
            for row in all().filter(alone) {
                self.push(&row[..2 * h], row[2 * h..].iter().copied());
            }
        } else {
            let (height, of_stack) = (own.next_multiple_of(4), h + columns);
            let mut stack = std::mem::take(&mut self.stack);
            stack.clear();
            stack.resize(height * of_stack, 0.0);
            for (i, row) in all().filter(alone).enumerate() {
                row[h..].iter().enumerate().for_each(|(j, x)| stack[j * height + i] = *x);
            }
            let pivots = if beyond > columns { of_stack } else { h };
            triangularise(&mut stack, height, h, pivots, &mut self.sizes);
            let mut row = std::mem::take(&mut self.row);
            row.clear();
            row.resize(2 * h, 0.0);
            for i in 0..h {
                (0..h).for_each(|j| row[h + j] = stack[j * height + i]);
                self.push(&row, (h..of_stack).map(|j| stack[j * height + i]));
            }
            for i in h..h + residual {
                self.hand.extend((h..of_stack).map(|j| stack[j * height + i]));
            }
            (self.stack, self.row) = (stack, row);
        }
        let rows = self.hand.len() / columns;
        panels::pack(rows, columns, |i, j| self.hand[i * columns + j], &mut self.maps);
        self.map_ends.push(self.maps.len());
        self.most_rows = self.most_rows.max(panels::rows(rows));
        self.targets.push(rows - residual);
        self.ends.push(self.target.len());
    }

    /// A row, and its target unless that is always 0.
    fn push(&mut self, coefficients: &[f64], target: impl Iterator<Item = f64>) {
        self.rows.extend_from_slice(coefficients);
        let start = self.hand.len();
        self.hand.extend(target);
        if self.hand[start..].iter().all(|x| *x == 0.0) {
            self.hand.truncate(start);
            self.target.push(NONE);
        } else {
            let length = self.hand.len() - start;
            self.target.push((start / length) as u32);
        }
    }

    /// The rows of a pattern, and which target each has.
    pub fn rows(&self, pattern: usize) -> impl ExactSizeIterator<Item = (&[f64], u32)> {
        let start = if pattern == 0 { 0 } else { self.ends[pattern - 1] };
        let (h, end) = (self.state, self.ends[pattern]);
        (start..end).map(move |r| (&self.rows[r * 2 * h..][..2 * h], self.target[r]))
    }

    /// Number of targets that are not always 0.
    pub fn targets(&self, pattern: usize) -> usize {
        self.targets[pattern]
    }

    pub fn map(&self, pattern: usize) -> &[f64] {
        let start = if pattern == 0 { 0 } else { self.map_ends[pattern - 1] };
        &self.maps[start..self.map_ends[pattern]]
    }
}
