//! Weights of steps that are looked up: units of one kind have the same, and their probabilities are added up together.

use super::chains::{LANES, Lanes};
use super::panels::PANEL;
use super::simd::Isa;

/// Weights of every kind of unit.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// `(kinds + 1) × stride`, the states of a kind side by side; the last kind weighs nothing.
    pub weight: &'a [f64],
    /// What was taken out of the logarithm of the weights of each kind; 0 of the last.
    pub shift: &'a [f64],
    /// States, rounded up to whole panels.
    pub stride: usize,
}

/// Where the weights of some steps are.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// `steps × states`, step by step; so many come before the first of the steps at hand.
    Steps(&'a [Lanes], usize),
    /// Those of the kind of the unit of each lane; after its last unit a lane has no weight.
    Kinds { known: Known<'a>, which: [&'a [u32]; LANES] },
}

impl<'a> Known<'a> {
    /// The kind of the unit of each lane.
    #[inline(always)]
    pub(super) fn at(self, which: &[&'a [u32]; LANES], n: usize) -> [usize; LANES] {
        let none = self.shift.len() - 1;
        let mut out = [none; LANES];
        for l in 0..LANES {
            if let Some(kind) = which[l].get(n) {
                out[l] = *kind as usize;
            }
        }
        out
    }
}

/// The weights of a step, one kind in each lane. `out` is `stride` long.
#[inline(always)]
pub(super) fn look_up<S: Isa>(isa: S, known: Known<'_>, kinds: [usize; LANES], out: &mut [Lanes]) {
    let mut rows: [&[[f64; PANEL]]; LANES] = [&[]; LANES];
    let panels = known.stride / PANEL;
    for l in 0..LANES {
        rows[l] = &known.weight[kinds[l] * known.stride..][..known.stride].as_chunks::<PANEL>().0[..panels];
    }
    let out = &mut out.as_chunks_mut::<PANEL>().0[..panels];
    for g in 0..panels {
        for half in [0, 4] {
            let columns =
                isa.turned([&rows[half][g], &rows[half + 1][g], &rows[half + 2][g], &rows[half + 3][g]]);
            for i in 0..PANEL {
                out[g][i][half..half + 4].copy_from_slice(&columns[i]);
            }
        }
    }
}

/// `sums[kind of the lane, k] += p[k]` for every lane. `p` is `stride` long, with zeros behind the states.
#[inline(always)]
pub(super) fn add_by_kind<S: Isa>(
    isa: S,
    p: &[Lanes],
    kinds: [usize; LANES],
    stride: usize,
    sums: &mut [f64],
) {
    for (g, p) in p.as_chunks::<PANEL>().0.iter().enumerate() {
        for half in [0, 4] {
            let mut square = [&[0.0; PANEL]; PANEL];
            for i in 0..PANEL {
                square[i] = p[i][half..].first_chunk().unwrap_or(&[0.0; PANEL]);
            }
            let lanes = isa.turned(square);
            for l in 0..4 {
                let at = kinds[half + l] * stride + g * PANEL;
                let sum = &mut sums[at..at + PANEL];
                for i in 0..PANEL {
                    sum[i] += lanes[l][i];
                }
            }
        }
    }
}
