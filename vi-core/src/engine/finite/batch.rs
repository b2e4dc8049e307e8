//! Sequences of different lengths side by side, in scaled probabilities: a few instructions for eight sequences at once.
//!
//! One largest potential is taken out of each step, and each step is divided by its sum. A lane in which a number comes near the smallest that
//! a double can hold is reported as lost, and its sequence is for [`scan`](super::scan), which works in logs.
//!
//! Where no transition is nearly impossible, none is lost: what comes after a step tells two states j and k apart by at most the largest
//! factor\[k, l\] / factor\[j, l\], so that a state that has fallen far enough behind stays there, and may be taken for 0.

use super::factors::Factors;
use super::messages::Total;
use crate::tile;
use crate::tile::chains::{self, LANES, Lanes, SMALLEST};
use crate::tile::parts::{self, Blocks};
use std::ops::Range;

/// Steps that are taken together: what one of them touches is still in the cache for the next.
pub const SPAN: usize = 64;

/// Whether steps of these laws can be taken in scaled probabilities: one law for all, and no weight that is nearly zero.
#[must_use]
pub fn takes(factors: &Factors) -> bool {
    factors.len() == 1
        && factors.weights(0).iter().all(|w| *w == 0.0 || (*w >= SMALLEST && *w < f64::INFINITY))
}

/// From here on a transition is possible: what is below `SMALLEST` of another state stays below 1e-50 of it.
const POSSIBLE: f64 = 1e-100;

/// The least weight of a step: the product of those of its parts.
fn least(factors: &Factors) -> f64 {
    let part = |p: usize| factors.part(0, p).weight.iter().copied().fold(f64::INFINITY, f64::min);
    (0..factors.parts().each().len()).map(part).product()
}

/// The parts of a step; `transposed` holds their weights with the later state outside.
fn blocks<'a>(factors: &'a Factors, transposed: &'a [f64]) -> Vec<Blocks<'a>> {
    let of = |(p, part): (usize, &'a super::parts::Part)| Blocks {
        blocks: part.blocks,
        rows: part.rows,
        cols: part.cols,
        weight: factors.part(0, p).weight,
        transposed: &transposed[part.start..][..part.len()],
        from: part.from.as_deref(),
    };
    factors.parts().each().iter().enumerate().map(of).collect()
}

/// A few sequences side by side, and what is worked out of them: forward by [`Batch::advance`] in spans of steps, then backward by
/// [`Batch::retreat`].
#[derive(Clone, Debug, Default)]
pub struct Batch {
    states: usize,
    lengths: [usize; LANES],
    steps: usize,
    /// Whether a state that is far behind may come back.
    strict: bool,
    /// How often each lane counts; 0 where it is lost.
    copies: Lanes,
    weight: Vec<f64>,
    /// Filtered probabilities.
    alpha: Vec<f64>,
    /// Smoothed probabilities of a span.
    smooth: Vec<f64>,
    shift: Vec<Lanes>,
    scale: Vec<Lanes>,
    pairs: Vec<f64>,
    transposed: Vec<f64>,
    /// Of the step after those that backward has reached.
    after: Vec<Lanes>,
    room: Vec<Lanes>,
    between: parts::Room,
    /// Lanes that need another engine.
    lost: [bool; LANES],
    logs: Vec<f64>,
}

impl Batch {
    /// Room for sequences of these lengths, each of which counts so often.
    pub fn begin(&mut self, factors: &Factors, lengths: [usize; LANES], copies: Lanes) {
        let (states, parts) = (factors.states(), factors.parts());
        self.states = states;
        self.lengths = lengths;
        self.copies = copies;
        self.steps = lengths.into_iter().max().unwrap_or(0);
        self.strict = least(factors) < POSSIBLE || parts.shares_digits();
        let size = self.steps * states * LANES;
        self.weight.resize(self.weight.len().max(size), 0.0);
        self.alpha.resize(self.alpha.len().max(size), 0.0);
        self.shift.resize(self.shift.len().max(self.steps), [0.0; LANES]);
        self.scale.resize(self.scale.len().max(self.steps), [0.0; LANES]);
        self.logs.resize(self.logs.len().max(self.steps * LANES), 0.0);
        self.pairs.clear();
        self.pairs.resize(parts.len() * tile::lanes(), 0.0);
        self.smooth.resize(self.smooth.len().max(SPAN * states * LANES), 0.0);
        self.transposed.clear();
        for (p, part) in parts.each().iter().enumerate() {
            let f = factors.part(0, p);
            let turned = |n: usize| {
                let (block, col, row) = (n / part.rows / part.cols, n / part.rows % part.cols, n % part.rows);
                f.weight[(block * part.rows + row) * part.cols + col]
            };
            self.transposed.extend((0..part.len()).map(turned));
        }
        self.after.clear();
        self.after.resize(states, [0.0; LANES]);
        self.lost = [false; LANES];
    }

    /// Spans of steps, in order.
    pub fn spans(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        let steps = self.steps;
        (0..steps.div_ceil(SPAN)).map(move |n| n * SPAN..(n * SPAN + SPAN).min(steps))
    }

    /// How many of these steps the sequence of each lane has.
    #[must_use]
    pub fn counts(&self, span: &Range<usize>) -> [usize; LANES] {
        self.lengths.map(|n| n.min(span.end).saturating_sub(span.start))
    }

    /// Takes the next steps: log potentials of each lane (`states × n`, state-major).
    pub fn advance(&mut self, factors: &Factors, span: Range<usize>, tables: &[&[f64]; LANES]) {
        let (states, row) = (self.states, self.states * LANES);
        let counts = self.counts(&span);
        let b = &mut self.weight[span.start * row..span.end * row];
        chains::spread(tables, &counts, states, span.len(), b);
        let from = span.start.saturating_sub(1);
        let alpha = &mut self.alpha[from * row..span.end * row];
        let (shift, scale) = (&mut self.shift[span.clone()], &mut self.scale[span.clone()]);
        let (lengths, first, strict, lost) = (&self.lengths, span.start, self.strict, &mut self.lost);
        if factors.parts().is_dense() {
            let factor = factors.weights(0);
            chains::forward(b, factor, states, lengths, first, strict, alpha, shift, scale, lost);
        } else {
            let (each, end) = (blocks(factors, &self.transposed), factors.parts().end());
            let room = &mut self.between;
            parts::forward(b, &each, end, states, lengths, first, strict, alpha, shift, scale, room, lost);
        }
    }

    /// log p(x) of every lane when all steps are taken; NaN where it is lost.
    pub fn evidence(&mut self) -> Lanes {
        let logs = &mut self.logs[..self.steps * LANES];
        tile::log(self.scale[..self.steps].as_flattened(), logs);
        let mut totals = [Total::default(); LANES];
        for (t, (logs, shift)) in logs.as_chunks::<LANES>().0.iter().zip(&self.shift).enumerate() {
            for lane in 0..LANES {
                // A sequence that has ended adds nothing.
                let here = t < self.lengths[lane];
                totals[lane].add(if here { shift[lane] } else { 0.0 });
                totals[lane].add(if here { logs[lane] } else { 0.0 });
            }
        }
        let row = self.states * LANES;
        for (lost, total) in self.lost.iter_mut().zip(&totals) {
            *lost |= !total.value().is_finite();
        }
        for lane in (0..LANES).filter(|lane| self.lost[*lane]) {
            // Nothing of it may reach the sums over lanes, not even what is no number.
            self.lengths[lane] = 0;
            self.copies[lane] = 0.0;
            for x in [&mut self.weight, &mut self.alpha] {
                x[..self.steps * row].iter_mut().skip(lane).step_by(LANES).for_each(|x| *x = 0.0);
            }
            self.scale[..self.steps].iter_mut().for_each(|scale| scale[lane] = 1.0);
        }
        std::array::from_fn(|lane| if self.lost[lane] { f64::NAN } else { totals[lane].value() })
    }

    /// Goes back over some steps, the last ones first, and leaves the smoothed probabilities of each lane (`states × n`, state-major).
    /// Of a lane that is lost nothing is left.
    pub fn retreat(&mut self, factors: &Factors, span: Range<usize>, tables: &mut [&mut [f64]; LANES]) {
        let (states, row) = (self.states, self.states * LANES);
        let counts = self.counts(&span);
        let smooth = &mut self.smooth[..span.len() * row];
        let b = &self.weight[span.start * row..self.steps * row];
        let (lengths, first, copies) = (&self.lengths, span.start, &self.copies);
        let (scale, alpha) =
            (&self.scale[span.start..self.steps], &self.alpha[span.start * row..span.end * row]);
        let (after, pairs) = (&mut self.after, &mut self.pairs);
        if factors.parts().is_dense() {
            let (f, room) = (&self.transposed, &mut self.room);
            chains::backward(b, f, states, lengths, first, scale, alpha, copies, after, room, smooth, pairs);
        } else {
            let (each, end) = (blocks(factors, &self.transposed), factors.parts().end());
            let room = &mut self.between;
            parts::backward(
                b, &each, end, states, lengths, first, scale, alpha, copies, after, room, smooth, pairs,
            );
        }
        chains::gather(smooth, states, &counts, tables);
    }

    /// Adds the sums over neighbours of every lane that is not lost, each as often as it counts.
    pub fn add_pairs(&self, factors: &Factors, sums: &mut [f64]) {
        let weights = factors.weights(0);
        for ((sum, f), lanes) in sums.iter_mut().zip(weights).zip(self.pairs.chunks_exact(tile::lanes())) {
            *sum += f * lanes.iter().sum::<f64>();
        }
    }
}
