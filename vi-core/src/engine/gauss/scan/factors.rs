//! The factorisation of steps: everything that does not depend on data.

use super::memo::{Edges, NONE, Nodes};
use super::reduced::Reduced;
use super::{Patterns, panels};
use crate::engine::gauss::Failure;
use crate::engine::gauss::dense::outer_square_upper;
use crate::engine::gauss::householder::{invert_upper, solve_upper, triangularise};

/// The steps that were met, as edges from the carry before the step to the carry after it, and their pattern.
///
/// ```text
/// Q [ R̃[t−1]    0        | z̃[t−1]     ]   [ R  G      | z      ]    x[t−1] = R⁻¹ z − R⁻¹ G x[t]
///   [ previous  current  | inputs · u ] = [ 0  R̃[t]   | z̃[t]   ]    carried on
///                                         [ 0  0      | ρ      ]    squares that no unknown can reach
/// ```
///
/// The right-hand side is kept as a map of (z̃\[t−1\], τ), where τ are the targets of the pattern's rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Factors {
    pub state: usize,
    pub reduced: Reduced,
    /// R̃, upper triangular, by rows. Node 0 stands before the first step, where no rows are carried: its entries are no numbers.
    carries: Nodes,
    edges: Edges,
    /// Maps (z̃\[t−1\], τ) to (z, z̃, ρ), in panels, and where each begins.
    forward: Vec<f64>,
    forward_at: Vec<usize>,
    /// The most rows, padded, that a map has.
    pub most_rows: usize,
    /// For each step (R⁻¹, −R⁻¹ G), in panels and by rows.
    backward: Vec<f64>,
    gains: Vec<f64>,
    log_det: Vec<f64>,
    /// The column of x\[t−1\] that no row determines.
    lost: Vec<u32>,
    /// For each carry, which of `ends` it has.
    end_of: Vec<u32>,
    ends: Vec<End>,
    end_inverse: Vec<f64>,
    stack: Vec<f64>,
    carry: Vec<f64>,
    column: Vec<f64>,
    sizes: Vec<f64>,
}

/// A carry as the last one: R̃ x = z̃.
#[derive(Clone, Copy, Debug)]
struct End {
    log_det: f64,
    lost: u32,
}

impl Factors {
    /// Forgets everything.
    pub fn reset(&mut self, patterns: &Patterns) {
        self.state = patterns.state();
        self.reduced.reset(patterns);
        self.forget();
    }

    /// Forgets all steps.
    pub fn forget(&mut self) {
        let h = self.state;
        self.carries.reset(h * h);
        self.edges.clear();
        self.forward.clear();
        self.forward_at.clear();
        self.forward_at.push(0);
        self.backward.clear();
        self.gains.clear();
        self.log_det.clear();
        self.lost.clear();
        self.end_of.clear();
        self.ends.clear();
        self.end_inverse.clear();
        self.carry.clear();
        self.carry.resize(h * h, f64::NAN);
        self.carries.find_or_add(&self.carry);
        self.column.resize(h, 0.0);
        self.most_rows = 0;
    }

    /// Follows a sequence of patterns from its first step: the edge of every step.
    pub fn follow(
        &mut self,
        patterns: &Patterns,
        which: &[usize],
        path: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        path.clear();
        let mut carry = 0;
        for (t, &pattern) in which.iter().enumerate() {
            let edge = match self.edges.find(carry, pattern as u32) {
                Some(edge) => edge,
                None => self.compute(patterns, carry, pattern, t)?,
            };
            let lost = self.lost[edge as usize];
            if lost != NONE {
                return Err(Failure::Undetermined { block: t - 1, column: lost as usize });
            }
            path.push(edge);
            carry = self.edges.to(edge);
        }
        Ok(())
    }

    fn compute(&mut self, patterns: &Patterns, carry: u32, pattern: usize, t: usize) -> Result<u32, Failure> {
        let h = self.state;
        let rows = self.reduced.rows(pattern);
        let columns = h + self.reduced.targets(pattern);
        let width = 2 * h + columns;
        let real = h + rows.len().max(h);
        let height = real.next_multiple_of(4);
        self.stack.clear();
        self.stack.resize(height * width, 0.0);
        let first = carry == 0;
        for (i, row) in self.carries.get(carry).chunks_exact(h.max(1)).enumerate() {
            for j in i..h {
                self.stack[j * height + i] = if first { f64::from(i == j) } else { row[j] };
            }
            self.stack[(2 * h + i) * height + i] = 1.0;
        }
        // Before the first step there is 0, by rows that touch nothing else.
        let from = if first { h } else { 0 };
        for (i, (row, target)) in rows.enumerate() {
            (from..2 * h).for_each(|j| self.stack[j * height + h + i] = row[j]);
            if target != NONE {
                self.stack[(3 * h + target as usize) * height + h + i] = 1.0;
            }
        }
        let beyond = (real - 2 * h).min(columns);
        // More residual rows than their map has columns are made as many.
        let pivots = if real - 2 * h > columns { width } else { 2 * h };
        triangularise(&mut self.stack, height, 2 * h, pivots, &mut self.sizes);
        if !self.stack.iter().all(|x| x.is_finite()) || !patterns.log_factor(pattern).is_finite() {
            return Err(Failure::NotFinite { block: t });
        }
        let stack = &self.stack;
        let at = |i: usize, j: usize| stack[j * height + i];
        let lost = (0..h).find(|j| at(*j, *j) == 0.0);
        self.lost.push(lost.map_or(NONE, |j| j as u32));
        self.log_det.push((0..h).map(|j| at(j, j).abs().ln()).sum());
        let gain = self.gains.len();
        self.gains.resize(gain + 2 * h * h, 0.0);
        if lost.is_none() {
            self.carry.clear();
            self.carry.extend((0..h * h).map(|k| at(k / h, k % h)));
            let (inverse, slope) = self.gains[gain..].split_at_mut(h * h);
            invert_upper(&self.carry, h, h, inverse);
            let column = &mut self.column;
            for j in 0..h {
                (0..h).for_each(|i| column[i] = -at(i, h + j));
                solve_upper(&self.carry, h, column);
                (0..h).for_each(|i| slope[i * h + j] = column[i]);
            }
        }
        let gains = &self.gains[gain..];
        let side_by_side = |i: usize, j: usize| gains[if j < h { i * h + j } else { h * h + i * h + j - h }];
        panels::pack(h, 2 * h, side_by_side, &mut self.backward);
        panels::pack(2 * h + beyond, columns, |i, j| at(i, 2 * h + j), &mut self.forward);
        self.forward_at.push(self.forward.len());
        self.most_rows = self.most_rows.max(panels::rows(2 * h + beyond));

        self.carry.clear();
        self.carry.extend((0..h * h).map(|k| at(h + k / h, h + k % h)));
        let to = self.carries.find_or_add(&self.carry);
        Ok(self.edges.add(carry, pattern as u32, to))
    }

    /// Prepares what [`end`](Self::end) gives for a sequence whose last step is this edge.
    pub fn prepare_end(&mut self, edge: u32) -> Option<u32> {
        let h = self.state;
        let carry = self.edges.to(edge);
        self.end_of.resize(self.carries.len(), NONE);
        if self.end_of[carry as usize] == NONE {
            let root = self.carries.get(carry);
            let lost = (0..h).find(|j| root[j * h + j] == 0.0);
            let log_det = (0..h).map(|j| root[j * h + j].abs().ln()).sum();
            let start = self.end_inverse.len();
            self.end_inverse.resize(start + h * h, 0.0);
            if lost.is_none() {
                invert_upper(root, h, h, &mut self.end_inverse[start..]);
            }
            self.end_of[carry as usize] = self.ends.len() as u32;
            self.ends.push(End { log_det, lost: lost.map_or(NONE, |j| j as u32) });
        }
        let lost = self.ends[self.end_of[carry as usize] as usize].lost;
        (lost != NONE).then_some(lost)
    }

    /// (log det R̃, R̃⁻¹) after a step that was prepared.
    pub fn end(&self, edge: u32) -> (f64, &[f64]) {
        let end = self.end_of[self.edges.to(edge) as usize] as usize;
        let size = self.state * self.state;
        (self.ends[end].log_det, &self.end_inverse[end * size..][..size])
    }

    /// Number of steps that were factorised.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    pub fn pattern(&self, edge: u32) -> usize {
        self.edges.with(edge)
    }

    pub fn log_det(&self, edge: u32) -> f64 {
        self.log_det[edge as usize]
    }

    /// Whether the steps fill so much memory that it pays to forget them.
    pub fn is_large(&self) -> bool {
        self.forward.len() + self.backward.len() + self.gains.len() > 1 << 18
    }

    /// Columns of the forward map.
    pub fn columns(&self, pattern: usize) -> usize {
        self.state + self.reduced.targets(pattern)
    }

    pub fn forward(&self, edge: u32) -> &[f64] {
        &self.forward[self.forward_at[edge as usize]..self.forward_at[edge as usize + 1]]
    }

    pub fn backward(&self, edge: u32) -> &[f64] {
        let size = panels::len(self.state, 2 * self.state);
        &self.backward[edge as usize * size..][..size]
    }

    /// (R⁻¹, −R⁻¹ G), by rows.
    pub fn gains(&self, edge: u32) -> (&[f64], &[f64]) {
        let size = self.state * self.state;
        self.gains[edge as usize * 2 * size..][..2 * size].split_at(size)
    }
}

/// Smoothed covariances, as a walk from the last step to the first.
///
/// ```text
/// V[T−1] = R̃⁻¹ R̃⁻ᵀ      V[t−1] = R⁻¹ R⁻ᵀ + K V[t] Kᵀ      Cov(x[t−1], x[t]) = K V[t]      K = −R⁻¹ G
/// ```
#[derive(Clone, Debug, Default)]
pub(super) struct Covariances {
    state: usize,
    nodes: Nodes,
    /// From V\[t\] with the step that leads to t, to V\[t−1\].
    edges: Edges,
    /// K V\[t\] of each edge, and the node it starts from.
    cross: Vec<f64>,
    from: Vec<u32>,
    desk: Vec<f64>,
}

impl Covariances {
    pub fn reset(&mut self, state: usize) {
        self.state = state;
        self.nodes.reset(state * state);
        self.edges.clear();
        self.cross.clear();
        self.from.clear();
        self.desk.resize(state * state, 0.0);
    }

    /// Finds nothing of what was computed so far, which stays: the steps will have other numbers.
    pub fn forget(&mut self) {
        self.edges.forget();
    }

    /// The covariance of the last step.
    pub fn last(&mut self, factors: &Factors, edge: u32) -> u32 {
        let (_, inverse) = factors.end(edge);
        outer_square_upper(inverse, self.state, &mut self.desk);
        self.nodes.find_or_add(&self.desk)
    }

    /// The step from V\[t\] back, where `edge` led to t.
    pub fn back(&mut self, factors: &Factors, node: u32, edge: u32) -> u32 {
        self.edges.find(node, edge).unwrap_or_else(|| self.compute(factors, node, edge))
    }

    fn compute(&mut self, factors: &Factors, node: u32, edge: u32) -> u32 {
        let h = self.state;
        let (inverse, slope) = factors.gains(edge);
        let start = self.cross.len();
        let v = self.nodes.get(node);
        self.cross.extend((0..h * h).map(|k| {
            let (i, j) = (k / h, k % h);
            (0..h).map(|l| slope[i * h + l] * v[l * h + j]).sum::<f64>()
        }));
        let cross = &self.cross[start..];
        outer_square_upper(inverse, h, &mut self.desk);
        for i in 0..h {
            for j in 0..=i {
                let spread: f64 = (0..h).map(|l| cross[i * h + l] * slope[j * h + l]).sum();
                self.desk[i * h + j] += spread;
                self.desk[j * h + i] = self.desk[i * h + j];
            }
        }
        let to = self.nodes.find_or_add(&self.desk);
        self.from.push(node);
        self.edges.add(node, edge, to)
    }

    pub fn from(&self, edge: u32) -> u32 {
        self.from[edge as usize]
    }

    pub fn to(&self, edge: u32) -> u32 {
        self.edges.to(edge)
    }

    pub fn step(&self, edge: u32) -> u32 {
        self.edges.with(edge) as u32
    }

    pub fn covariance(&self, node: u32) -> &[f64] {
        self.nodes.get(node)
    }

    /// Cov(x\[t−1\], x\[t\]), by rows.
    pub fn cross(&self, edge: u32) -> &[f64] {
        let size = self.state * self.state;
        &self.cross[edge as usize * size..][..size]
    }

    pub fn len(&self) -> usize {
        self.edges.len()
    }
}
