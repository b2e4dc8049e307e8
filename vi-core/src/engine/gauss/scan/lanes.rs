//! Means of several sequences side by side, forwards and backwards through the maps of their steps.

use super::factors::Factors;
use super::{Patterns, Sequence, panels};
use crate::engine::gauss::HALF_LOG_TAU;
use crate::engine::gauss::compensated::Compensated;
use crate::tile::simd::{Isa, vectorised};

/// Sequences that are computed at once, if there is more than one. A multiple of every number of lanes in a pack.
pub(super) const LANES: usize = 8;

/// Sequences of which every one begins like the one before it, the longest first, and what they are computed on.
pub(super) struct Sweep<'a> {
    pub patterns: &'a Patterns,
    pub factors: &'a Factors,
    /// The steps of the longest.
    pub path: &'a [u32],
    pub sequences: &'a [Sequence<'a>],
    pub desk: &'a mut Desk,
}

/// Kept from sweep to sweep.
#[derive(Clone, Debug, Default)]
pub(super) struct Desk {
    /// (u, 1), a row of lanes each.
    inputs: Vec<f64>,
    /// (z̃, τ, squares of data alone), a row of lanes each; backwards (z, x).
    column: Vec<f64>,
    product: Vec<f64>,
    /// At t: z\[t−1\], and after the sweep back x\[t\]; measured from the gauge.
    pub states: Vec<f64>,
    /// z̃ after the last step of each sequence.
    ends: Vec<f64>,
    squares: [f64; LANES],
    /// log evidence of each sequence
    pub log_evidence: [f64; LANES],
}

impl Desk {
    /// Lanes of a sweep over so many sequences.
    pub fn lanes(sequences: usize) -> usize {
        if sequences == 1 { 1 } else { LANES }
    }

    /// z̃ after the last step of a lane.
    pub fn end(&self, lane: usize, state: usize) -> &[f64] {
        &self.ends[lane * state..][..state]
    }

    /// Component `i` at step t of the lanes.
    pub fn state(&self, lanes: usize, state: usize, t: usize, i: usize) -> &[f64] {
        &self.states[(t * state + i) * lanes..][..lanes]
    }
}

vectorised! {
    /// z of every step, and the log evidence.
    pub(super) fn forward(sweep: &mut Sweep<'_>) = forward_with;
}

vectorised! {
    /// x of every step, after [`forward`].
    pub(super) fn backward(sweep: &mut Sweep<'_>) = backward_with;
}

#[inline(always)]
fn forward_with<I: Isa>(isa: I, sweep: &mut Sweep<'_>) {
    if sweep.sequences.len() == 1 {
        return forward_packs::<I, 0>(isa, sweep);
    }
    match I::W {
        2 => forward_packs::<I, 4>(isa, sweep),
        4 => forward_packs::<I, 2>(isa, sweep),
        _ => forward_packs::<I, 1>(isa, sweep),
    }
}

#[inline(always)]
fn backward_with<I: Isa>(isa: I, sweep: &mut Sweep<'_>) {
    if sweep.sequences.len() == 1 {
        return backward_packs::<I, 0>(isa, sweep);
    }
    match I::W {
        2 => backward_packs::<I, 4>(isa, sweep),
        4 => backward_packs::<I, 2>(isa, sweep),
        _ => backward_packs::<I, 1>(isa, sweep),
    }
}

#[inline(always)]
fn forward_packs<I: Isa, const P: usize>(isa: I, sweep: &mut Sweep<'_>) {
    let lanes = panels::lanes::<I, P>();
    let Sweep { patterns, factors, path, sequences, desk } = sweep;
    let (h, m) = (factors.state, patterns.inputs());
    desk.inputs.clear();
    desk.inputs.resize((m + 1) * lanes, 0.0);
    desk.inputs[m * lanes..].fill(1.0);
    desk.column.clear();
    desk.column.resize((h + factors.reduced.most_rows) * lanes, 0.0);
    desk.product.resize(desk.product.len().max(factors.most_rows * lanes), 0.0);
    desk.states.resize(desk.states.len().max(path.len() * h * lanes), 0.0);
    desk.ends.resize(h * LANES, 0.0);
    desk.squares.fill(0.0);
    let gauge = patterns.input_gauge();
    let mut constant = Compensated::default();
    let mut block = [0.0; LANES];
    let mut active = sequences.len();
    while active > 0 && sequences[active - 1].is_empty() {
        active -= 1;
        desk.log_evidence[active] = 0.0;
    }
    for (t, &step) in path.iter().enumerate() {
        let pattern = factors.pattern(step);
        let reads = patterns.reads(pattern);
        for (lane, sequence) in sequences[..active].iter().enumerate() {
            let u = &sequence.inputs[t * m..][..m];
            for i in 0..m {
                if reads[i] {
                    desk.inputs[i * lanes + lane] = u[i] - gauge[i];
                }
            }
        }
        let (of_pattern, of_step) = (factors.reduced.map(pattern), factors.forward(step));
        let columns = factors.columns(pattern);
        let targets = &mut desk.column[h * lanes..][..of_pattern.len() / (m + 1) * lanes];
        panels::multiply::<I, P>(isa, of_pattern, m + 1, &desk.inputs, targets);
        add_squares(&targets[(columns - h) * lanes..], lanes, &mut block);
        let rows = of_step.len().checked_div(columns).unwrap_or(0);
        let product = &mut desk.product[..rows * lanes];
        panels::multiply::<I, P>(isa, of_step, columns, &desk.column, product);
        let (z, rest) = product.split_at(h * lanes);
        let (carried, residual) = rest.split_at(h * lanes);
        desk.states[t * h * lanes..][..h * lanes].copy_from_slice(z);
        desk.column[..h * lanes].copy_from_slice(carried);
        add_squares(residual, lanes, &mut block);
        // Sums of sums: long sequences cost no digits.
        if t % 64 == 63 {
            desk.squares.iter_mut().zip(&mut block).for_each(|(to, from)| *to += std::mem::take(from));
        }
        constant.add(patterns.log_factor(pattern) - factors.log_det(step) + h as f64 * HALF_LOG_TAU);
        while active > 0 && sequences[active - 1].len() == t + 1 {
            active -= 1;
            for i in 0..h {
                desk.ends[active * h + i] = desk.column[i * lanes + active];
            }
            let (log_det, _) = factors.end(step);
            desk.log_evidence[active] =
                constant.value() - log_det - 0.5 * (desk.squares[active] + block[active]);
        }
    }
}

#[inline(always)]
fn add_squares(rows: &[f64], lanes: usize, sums: &mut [f64; LANES]) {
    for row in rows.chunks_exact(lanes) {
        for (sum, r) in sums.iter_mut().zip(row) {
            *sum += r * r;
        }
    }
}

#[inline(always)]
fn backward_packs<I: Isa, const P: usize>(isa: I, sweep: &mut Sweep<'_>) {
    let lanes = panels::lanes::<I, P>();
    let Sweep { factors, path, sequences, desk, .. } = sweep;
    let h = factors.state;
    let size = h * lanes;
    desk.column.clear();
    desk.column.resize(2 * size, 0.0);
    desk.product.resize(desk.product.len().max(panels::rows(h) * lanes), 0.0);
    let mut active = 0;
    for (t, &step) in path.iter().enumerate().rev() {
        while active < sequences.len() && sequences[active].len() == t + 1 {
            let (_, inverse) = factors.end(step);
            let end = &desk.ends[active * h..][..h];
            for i in 0..h {
                desk.column[size + i * lanes + active] =
                    (i..h).map(|j| inverse[i * h + j] * end[j]).sum::<f64>();
            }
            active += 1;
        }
        let states = &mut desk.states[t * size..][..size];
        desk.column[..size].copy_from_slice(states);
        states.copy_from_slice(&desk.column[size..]);
        if t > 0 {
            panels::multiply::<I, P>(isa, factors.backward(step), 2 * h, &desk.column, &mut desk.product);
            desk.column[size..].copy_from_slice(&desk.product[..size]);
        }
    }
}
