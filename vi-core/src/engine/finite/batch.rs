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
use crate::tile::abreast;
use crate::tile::chains::{self, LANES, Lanes, SMALLEST, Steps, To, block_of};
use crate::tile::evidence::{Evidence, add_scales, add_shifts};
use crate::tile::kinds::Weights;
use crate::tile::panels::{pack, packed, unfold};
use crate::tile::parts::{self, Blocks};
use std::ops::Range;

/// The most steps whose tables are made together.
pub const SPAN: usize = 240;

/// Numbers of the table of a lane for one span, about: those of all lanes stay in the cache.
const NUMBERS: usize = 1536;

/// Steps of a span: an odd multiple of 16, so that the rows of a table do not all fall on the same few lines of the nearest cache.
fn span_of(states: usize) -> usize {
    (NUMBERS / states.max(1)).clamp(64, SPAN - 16) / 32 * 32 + 16
}

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

/// A range in pieces of that length.
fn pieces(range: &Range<usize>, length: usize) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
    let Range { start, end } = *range;
    (0..(end - start).div_ceil(length)).map(move |n| {
        let from = start + n * length;
        from..(from + length).min(end)
    })
}

/// A few sequences side by side, and what is worked out of them: forward by [`Batch::advance`] in spans of steps, then backward by
/// [`Batch::retreat`].
#[derive(Clone, Debug, Default)]
pub struct Batch {
    states: usize,
    lengths: [usize; LANES],
    /// Lanes that sequences are in: four or all.
    lanes: usize,
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
    /// Smoothed probabilities of a few steps.
    smooth: Vec<f64>,
    /// What is taken out of the weights of a span of one lane.
    shift: Vec<f64>,
    scale: Vec<Lanes>,
    evidence: Evidence,
    pairs: Vec<f64>,
    panels: Vec<f64>,
    transposed: Vec<f64>,
    /// Of the step after those that backward has reached.
    after: Vec<Lanes>,
    room: chains::Room,
    between: parts::Room,
    /// Lanes that need another engine.
    lost: [bool; LANES],
}

impl Batch {
    /// Room for sequences of these lengths, each of which counts so often.
    pub fn begin(&mut self, factors: &Factors, lengths: [usize; LANES], copies: Lanes) {
        let (states, parts) = (factors.states(), factors.parts());
        self.states = states;
        self.lengths = lengths;
        // Half of them, if packs are no wider.
        let half = lengths[LANES / 2..].iter().all(|n| *n == 0) && tile::lanes() <= LANES / 2;
        self.lanes = if half { LANES / 2 } else { LANES };
        self.copies = copies;
        self.steps = lengths.into_iter().max().unwrap_or(0);
        let (least, most) = extremes(factors);
        self.strict = least < POSSIBLE || most > POSSIBLE.recip() || parts.shares_digits();
        self.alpha.resize(self.alpha.len().max(self.steps * states * LANES), 0.0);
        self.shift.resize(SPAN, 0.0);
        self.evidence = Evidence::default();
        self.scale.resize(self.scale.len().max(self.steps), [0.0; LANES]);
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

    /// Spans of steps, in order, none longer than [`SPAN`].
    pub fn spans(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        pieces(&(0..self.steps), span_of(self.states))
    }

    /// The steps of a span that are taken together: what one of them touches is still in the nearest cache for the next.
    fn blocks(
        &self,
        factors: &Factors,
        span: &Range<usize>,
    ) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        pieces(span, if factors.parts().is_dense() { block_of(self.states) } else { SPAN })
    }

    /// How many of these steps the sequence of each lane has.
    #[must_use]
    pub fn counts(&self, span: &Range<usize>) -> [usize; LANES] {
        self.lengths.map(|n| n.min(span.end).saturating_sub(span.start))
    }

    /// Takes the next steps: log potentials of each lane (`states × n`, state-major), in the place of which weights are left.
    pub fn advance(&mut self, factors: &Factors, span: Range<usize>, tables: &mut [&mut [f64]; LANES]) {
        let (states, row) = (self.states, self.states * LANES);
        let counts = self.counts(&span);
        for (lane, table) in tables.iter_mut().enumerate().filter(|(lane, _)| counts[*lane] > 0) {
            let shift = &mut self.shift[..counts[lane]];
            self.lost[lane] |= abreast::to_weights(table, states, shift, self.strict);
            add_shifts(&mut self.evidence, lane, shift);
        }
        let mut weight = std::mem::take(&mut self.weight);
        weight.resize(weight.len().max(self.steps * row), 0.0);
        for block in self.blocks(factors, &span) {
            let b = weight[block.start * row..block.end * row].as_chunks_mut().0;
            abreast::spread(self.lanes, tables, &counts, block.start - span.start, states, b);
            self.go_on(factors, &block, Weights::Steps(b, 0));
        }
        self.weight = weight;
        add_scales(&mut self.evidence, &self.scale[span]);
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
            let shift = &mut self.shift[..which.len()];
            self.lost[lane] |= kinds.take_out(which, shift) && self.strict;
            add_shifts(&mut self.evidence, lane, shift);
        }
        self.go_on(factors, &span, Weights::Kinds { known: kinds.known(), which });
        add_scales(&mut self.evidence, &self.scale[span]);
    }

    fn go_on(&mut self, factors: &Factors, span: &Range<usize>, b: Weights<'_>) {
        let row = self.states * LANES;
        let from = span.start.saturating_sub(1);
        let alpha = &mut self.alpha[from * row..span.end * row];
        let (scale, carry, lost) = (&mut self.scale[span.clone()], &mut self.carry, &mut self.lost);
        let steps = Steps {
            states: self.states,
            lanes: self.lanes,
            lengths: &self.lengths,
            first: span.start,
            strict: self.strict,
        };
        if factors.parts().is_dense() {
            chains::forward(b, &self.panels, steps, alpha, scale, carry, &mut self.room, lost);
        } else {
            let (each, end) = (blocks(factors, &self.panels, &self.transposed), factors.parts().end());
            parts::forward(b, &each, end, steps, alpha, scale, carry, &mut self.between, lost);
        }
    }

    /// log p(x) of every lane when all steps are taken; NaN where it is lost.
    pub fn evidence(&mut self) -> Lanes {
        let totals = self.evidence.total();
        let row = self.states * LANES;
        for (lost, total) in self.lost[..self.lanes].iter_mut().zip(&totals) {
            *lost |= !total.is_finite();
        }
        for lane in (0..self.lanes).filter(|lane| self.lost[*lane]) {
            // Nothing of it may reach the sums over lanes, not even what is no number.
            self.lengths[lane] = 0;
            self.copies[lane] = 0.0;
            for x in [&mut self.weight, &mut self.alpha] {
                let end = x.len().min(self.steps * row);
                x[..end].iter_mut().skip(lane).step_by(LANES).for_each(|x| *x = 0.0);
            }
            self.scale[..self.steps].iter_mut().for_each(|scale| scale[lane] = 1.0);
        }
        std::array::from_fn(|lane| match () {
            () if lane >= self.lanes => 0.0,
            () if self.lost[lane] => f64::NAN,
            () => totals[lane],
        })
    }

    /// Goes back over some steps, the last ones first, and leaves the smoothed probabilities of each lane (`states × n`, state-major).
    /// Of a lane that is lost nothing is left.
    pub fn retreat(&mut self, factors: &Factors, span: Range<usize>, tables: &mut [&mut [f64]; LANES]) {
        let (states, row) = (self.states, self.states * LANES);
        let counts = self.counts(&span);
        let (weight, mut smooth) = (std::mem::take(&mut self.weight), std::mem::take(&mut self.smooth));
        smooth.resize(smooth.len().max(span.len() * row), 0.0);
        let b = weight[..self.steps * row].as_chunks().0;
        for block in self.blocks(factors, &span).rev() {
            let smooth = &mut smooth[..block.len() * row];
            self.go_back(factors, &block, Weights::Steps(b, block.start), To::Steps(smooth));
            abreast::gather(smooth.as_chunks().0, &counts, block.start - span.start, states, tables);
        }
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
        let steps = Steps {
            states: self.states,
            lanes: self.lanes,
            lengths: &self.lengths,
            first: span.start,
            strict: self.strict,
        };
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
