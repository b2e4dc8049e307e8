//! Sequences of different lengths side by side, in scaled probabilities: a few instructions for eight sequences at once.
//!
//! One largest potential is taken out of each step, and each step is divided by its sum. A lane in which a number comes near the smallest that
//! a double can hold is reported as lost, and its sequence is for [`scan`](super::scan), which works in logs.
//!
//! Where no transition is nearly impossible, none is lost: what comes after a step tells two states j and k apart by at most the largest
//! factor\[k, l\] / factor\[j, l\], so that a state that has fallen far enough behind stays there, and may be taken for 0.

use super::factors::Factors;
use super::kinds::Kinds;
use crate::tile;
use crate::tile::chains::{self, LANES, Lanes, SMALLEST, Steps, To};
use crate::tile::kinds::Weights;
use crate::tile::panels::{pack, packed, unfold};
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

/// The least weight of a step, and the largest: the products of those of its parts.
fn extremes(factors: &Factors) -> (f64, f64) {
    let parts = (0..factors.parts().each().len()).map(|p| factors.part(0, p).weight);
    parts.fold((1.0, 1.0), |(least, most), weight| {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for w in weight {
            (low, high) = (low.min(*w), high.max(*w));
        }
        (least * low, most * high.max(1.0))
    })
}

/// The parts of a step; `panels` and `transposed` hold the matrices of all of them.
fn blocks<'a>(factors: &'a Factors, panels: &'a [f64], transposed: &'a [f64]) -> Vec<Blocks<'a>> {
    let (mut at, mut turned) = (0, 0);
    let mut of = |part: &'a super::parts::Part| {
        let (start, other) = (at, turned);
        at += part.blocks * packed(part.rows, part.cols);
        turned += part.blocks * packed(part.cols, part.rows);
        Blocks {
            blocks: part.blocks,
            rows: part.rows,
            cols: part.cols,
            panels: &panels[start..at],
            transposed: &transposed[other..turned],
            from: part.from.as_deref(),
        }
    };
    factors.parts().each().iter().map(&mut of).collect()
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
    /// Weights of steps that are not looked up.
    weight: Vec<f64>,
    /// Filtered probabilities, not divided by their sums unless that is strict.
    alpha: Vec<f64>,
    /// What the next step divides by.
    carry: Lanes,
    /// Smoothed probabilities of a span.
    smooth: Vec<f64>,
    shift: Vec<Lanes>,
    scale: Vec<Lanes>,
    pairs: Vec<f64>,
    panels: Vec<f64>,
    transposed: Vec<f64>,
    /// Of the step after those that backward has reached.
    after: Vec<Lanes>,
    room: chains::Room,
    between: parts::Room,
    /// Lanes that need another engine.
    lost: [bool; LANES],
    logs: Vec<Lanes>,
}

impl Batch {
    /// Room for sequences of these lengths, each of which counts so often.
    pub fn begin(&mut self, factors: &Factors, lengths: [usize; LANES], copies: Lanes) {
        let (states, parts) = (factors.states(), factors.parts());
        self.states = states;
        self.lengths = lengths;
        self.copies = copies;
        self.steps = lengths.into_iter().max().unwrap_or(0);
        let (least, most) = extremes(factors);
        self.strict = least < POSSIBLE || most > POSSIBLE.recip() || parts.shares_digits();
        self.alpha.resize(self.alpha.len().max(self.steps * states * LANES), 0.0);
        self.shift.resize(self.shift.len().max(self.steps), [0.0; LANES]);
        self.scale.resize(self.scale.len().max(self.steps), [0.0; LANES]);
        self.logs.resize(self.logs.len().max(self.steps), [0.0; LANES]);
        self.pairs.clear();
        self.pairs.resize(parts.len() * tile::lanes(), 0.0);
        self.carry = [1.0; LANES];
        self.panels.clear();
        self.transposed.clear();
        for (p, part) in parts.each().iter().enumerate() {
            let (rows, cols) = (part.rows, part.cols);
            let blocks = factors.part(0, p).weight.chunks_exact((rows * cols).max(1));
            for f in blocks {
                pack(rows, cols, |j, k| f[j * cols + k], &mut self.panels);
                pack(cols, rows, |k, j| f[j * cols + k], &mut self.transposed);
            }
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
        self.weight.resize(self.weight.len().max(self.steps * row), 0.0);
        let b = &mut self.weight[span.start * row..span.end * row];
        chains::spread(tables, &counts, states, span.len(), b);
        let steps = Steps { states, lengths: &self.lengths, first: span.start, strict: self.strict };
        chains::to_weights(b, steps, &mut self.shift[span.clone()], &mut self.lost);
        let b = std::mem::take(&mut self.weight);
        self.go_on(factors, &span, Weights::Steps(b[span.start * row..span.end * row].as_chunks().0));
        self.weight = b;
    }

    /// Takes the next steps, whose units are of these kinds.
    pub fn advance_by_kind(
        &mut self,
        factors: &Factors,
        span: Range<usize>,
        kinds: &Kinds,
        which: [&[u32]; LANES],
    ) {
        for (lane, which) in which.iter().enumerate() {
            let low = kinds.take_out(which, lane, &mut self.shift[span.clone()]);
            self.lost[lane] |= self.strict && low;
        }
        self.go_on(factors, &span, Weights::Kinds { known: kinds.known(), which });
    }

    fn go_on(&mut self, factors: &Factors, span: &Range<usize>, b: Weights<'_>) {
        let row = self.states * LANES;
        let from = span.start.saturating_sub(1);
        let alpha = &mut self.alpha[from * row..span.end * row];
        let (scale, carry, lost) = (&mut self.scale[span.clone()], &mut self.carry, &mut self.lost);
        let steps =
            Steps { states: self.states, lengths: &self.lengths, first: span.start, strict: self.strict };
        if factors.parts().is_dense() {
            chains::forward(b, &self.panels, steps, alpha, scale, carry, &mut self.room, lost);
        } else {
            let (each, end) = (blocks(factors, &self.panels, &self.transposed), factors.parts().end());
            parts::forward(b, &each, end, steps, alpha, scale, carry, &mut self.between, lost);
        }
    }

    /// log p(x) of every lane when all steps are taken; NaN where it is lost.
    pub fn evidence(&mut self) -> Lanes {
        let logs = &mut self.logs[..self.steps];
        tile::log(self.scale[..self.steps].as_flattened(), logs.as_flattened_mut());
        let totals = chains::totals(&self.shift[..self.steps], logs);
        let row = self.states * LANES;
        for (lost, total) in self.lost.iter_mut().zip(&totals) {
            *lost |= !total.is_finite();
        }
        for lane in (0..LANES).filter(|lane| self.lost[*lane]) {
            // Nothing of it may reach the sums over lanes, not even what is no number.
            self.lengths[lane] = 0;
            self.copies[lane] = 0.0;
            for x in [&mut self.weight, &mut self.alpha] {
                let end = x.len().min(self.steps * row);
                x[..end].iter_mut().skip(lane).step_by(LANES).for_each(|x| *x = 0.0);
            }
            self.scale[..self.steps].iter_mut().for_each(|scale| scale[lane] = 1.0);
        }
        std::array::from_fn(|lane| if self.lost[lane] { f64::NAN } else { totals[lane] })
    }

    /// Goes back over some steps, the last ones first, and leaves the smoothed probabilities of each lane (`states × n`, state-major).
    /// Of a lane that is lost nothing is left.
    pub fn retreat(&mut self, factors: &Factors, span: Range<usize>, tables: &mut [&mut [f64]; LANES]) {
        let (states, row) = (self.states, self.states * LANES);
        let counts = self.counts(&span);
        let (weight, mut smooth) = (std::mem::take(&mut self.weight), std::mem::take(&mut self.smooth));
        smooth.resize(smooth.len().max(SPAN * row), 0.0);
        let b = Weights::Steps(weight[span.start * row..self.steps * row].as_chunks().0);
        self.go_back(factors, &span, b, To::Steps(&mut smooth[..span.len() * row]));
        chains::gather(&smooth[..span.len() * row], states, &counts, tables);
        (self.weight, self.smooth) = (weight, smooth);
    }

    /// The same of units of these kinds, and of those that follow them; their smoothed probabilities are added to the sums of their kinds.
    pub fn retreat_by_kind(
        &mut self,
        factors: &Factors,
        span: Range<usize>,
        kinds: &Kinds,
        which: [&[u32]; LANES],
        sums: &mut [f64],
    ) {
        let none: &[u32] = &[];
        let which = std::array::from_fn(|lane| if self.lost[lane] { none } else { which[lane] });
        self.go_back(factors, &span, Weights::Kinds { known: kinds.known(), which }, To::Kinds(sums));
    }

    fn go_back(&mut self, factors: &Factors, span: &Range<usize>, b: Weights<'_>, to: To<'_>) {
        let (scale, alpha) =
            (&self.scale[span.start..self.steps], &self.alpha[..span.end * self.states * LANES]);
        let (copies, after, pairs) = (&self.copies, &mut self.after, &mut self.pairs);
        let steps =
            Steps { states: self.states, lengths: &self.lengths, first: span.start, strict: self.strict };
        if factors.parts().is_dense() {
            let (panels, room) = (&self.transposed, &mut self.room);
            chains::backward(b, panels, steps, scale, alpha, copies, after, room, to, pairs);
        } else {
            let (each, end) = (blocks(factors, &self.panels, &self.transposed), factors.parts().end());
            let room = &mut self.between;
            parts::backward(b, &each, end, steps, scale, alpha, copies, after, room, to, pairs);
        }
    }

    /// Adds the sums over neighbours of every lane that is not lost, each as often as it counts.
    pub fn add_pairs(&self, factors: &Factors, sums: &mut [f64]) {
        let mut left = self.pairs.as_slice();
        for (p, part) in factors.parts().each().iter().enumerate() {
            let size = part.rows * part.cols;
            for block in 0..part.blocks {
                let weight = &factors.part(0, p).weight[block * size..][..size];
                let sums = &mut sums[part.start + block * size..][..size];
                left = unfold(left, tile::lanes(), [part.rows, part.cols], |at, sum| {
                    sums[at] += weight[at] * sum
                });
            }
        }
    }
}
