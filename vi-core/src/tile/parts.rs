//! Sequences side by side whose steps go in parts: block matrices one after another, between which states may change places.
//!
//! Arrays are as in [`chains`](super::chains). What comes into a part is ordered by block and row, what goes out by block and column.

use super::chains::{
    LANES, Lanes, Steps, To, balance, block_of, deliver, end_with_one, invert, mark, mark_small, multiply,
    settle, total, weigh, widened,
};
use super::kinds::Weights;
use super::panels::{Columns, Times, add_products, packed, product};
use super::simd::{Isa, vectorised};

/// One part of a step.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    pub blocks: usize,
    pub rows: usize,
    pub cols: usize,
    /// `rows × cols` of each block, in [panels](super::panels).
    pub panels: &'a [f64],
    /// The same of their transposes.
    pub transposed: &'a [f64],
    /// Where each (block, row) stands in what went out before, or among the states; `None`: as it is.
    pub from: Option<&'a [usize]>,
}

impl Blocks<'_> {
    fn inward(&self) -> usize {
        self.blocks * self.rows
    }

    fn outward(&self) -> usize {
        self.blocks * self.cols
    }
}

/// What is worked out between the parts of a step, kept to spare the allocation.
#[derive(Clone, Debug, Default)]
pub struct Room {
    row: Vec<Lanes>,
    inward: Vec<Lanes>,
    outward: Vec<Lanes>,
    weighed: Vec<Lanes>,
    /// Of each part, for a few steps: what comes in, and the weights of what goes out.
    xs: Vec<Vec<Lanes>>,
    ws: Vec<Vec<Lanes>>,
}

impl Room {
    fn take(&mut self, parts: &[Blocks<'_>], states: usize, width: usize, block: usize) {
        let widest = parts.iter().map(|p| p.inward().max(p.outward())).max().unwrap_or(0);
        widened(&mut self.row, width);
        widened(&mut self.inward, widest);
        widened(&mut self.outward, widest);
        widened(&mut self.weighed, states);
        self.xs.resize(parts.len(), vec![]);
        self.ws.resize(parts.len(), vec![]);
        for ((x, w), part) in self.xs.iter_mut().zip(&mut self.ws).zip(parts) {
            widened(x, part.inward() * block);
            widened(w, part.outward() * block);
        }
    }
}

vectorised! {
    /// [`chains::forward`](super::chains::forward) in parts; `end` says where each state stands in what goes out of the last part.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn forward(b: Weights<'_>, parts: &[Blocks<'_>], end: Option<&[usize]>, steps: Steps<'_>, alpha: &mut [f64], scale: &mut [Lanes], carry: &mut Lanes, room: &mut Room, lost: &mut [bool; LANES]) = forward_with;
}

vectorised! {
    /// [`chains::backward`](super::chains::backward) in parts: `pairs` holds those of every part, one part after another.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn backward(b: Weights<'_>, parts: &[Blocks<'_>], end: Option<&[usize]>, steps: Steps<'_>, scale: &[Lanes], alpha: &[f64], copies: &Lanes, beta: &mut [Lanes], room: &mut Room, to: To<'_>, pairs: &mut [f64]) = backward_with;
}

/// `out[n] = x[from[n]]`, or as it is.
#[inline(always)]
pub fn gather<T: Copy>(x: &[T], from: Option<&[usize]>, out: &mut [T]) {
    match from {
        None => out.copy_from_slice(&x[..out.len()]),
        Some(from) => out.iter_mut().zip(from).for_each(|(out, n)| *out = x[*n]),
    }
}

/// `out[from[n]] = x[n]`, or as it is.
#[inline(always)]
pub fn scatter<T: Copy>(x: &[T], from: Option<&[usize]>, out: &mut [T]) {
    match from {
        None => out.copy_from_slice(&x[..out.len()]),
        Some(from) => x.iter().zip(from).for_each(|(x, n)| out[*n] = *x),
    }
}

/// What goes out of a part.
#[inline(always)]
fn through<S: Isa>(isa: S, lanes: usize, part: &Blocks<'_>, x: &[Lanes], out: &mut [Lanes]) {
    let size = packed(part.rows, part.cols);
    for block in 0..part.blocks {
        let panels = &part.panels[block * size..][..size];
        let out = &mut out[block * part.cols..][..part.cols];
        product(isa, lanes, &x[block * part.rows..][..part.rows], panels, None, out);
    }
}

#[inline(always)]
pub(super) fn forward_with<S: Isa>(
    isa: S,
    b: Weights<'_>,
    parts: &[Blocks<'_>],
    end: Option<&[usize]>,
    steps: Steps<'_>,
    alpha: &mut [f64],
    scale: &mut [Lanes],
    carry: &mut Lanes,
    room: &mut Room,
    lost: &mut [bool; LANES],
) {
    let states = steps.states;
    let mut bad = [0.0; LANES];
    room.take(parts, states, b.width(), 1);
    let Room { row, inward, outward, weighed, .. } = room;
    let alpha = alpha.as_chunks_mut::<LANES>().0;
    let before = usize::from(steps.first > 0);
    for (n, scale) in scale.iter_mut().enumerate() {
        let b = b.at(isa, n, states, row);
        let (before, now) = alpha.split_at_mut((n + before) * states);
        let now = &mut now[..states];
        if before.is_empty() {
            now.copy_from_slice(b);
        } else {
            for (p, part) in parts.iter().enumerate() {
                let source = if p == 0 { &before[before.len() - states..] } else { &outward[..] };
                let x = &mut inward[..part.inward()];
                gather(source, part.from, x);
                // What is lost between parts would not show at the end.
                if steps.strict && p > 0 {
                    mark_small(isa, x, &mut bad);
                }
                through(isa, steps.lanes, part, x, outward);
            }
            let weighed = &mut weighed[..states];
            gather(outward, end, weighed);
            if steps.strict {
                mark_small(isa, weighed, &mut bad);
            }
            weigh(isa, weighed, Times { weight: b, all: &*carry }, now);
        }
        *scale = total(isa, now);
        settle(isa, now, steps.first + n, steps, scale, carry, &mut bad);
    }
    mark(lost, &bad);
}

#[inline(always)]
pub(super) fn backward_with<S: Isa>(
    isa: S,
    b: Weights<'_>,
    parts: &[Blocks<'_>],
    end: Option<&[usize]>,
    steps: Steps<'_>,
    scale: &[Lanes],
    alpha: &[f64],
    copies: &Lanes,
    beta: &mut [Lanes],
    room: &mut Room,
    mut to: To<'_>,
    pairs: &mut [f64],
) {
    let (states, first) = (steps.states, steps.first);
    let alpha = &alpha.as_chunks::<LANES>().0[first * states..];
    let block = block_of(states);
    room.take(parts, states, b.width(), block);
    let Room { row, inward: between, outward: backward, weighed, xs, ws } = room;
    let weighed = &mut weighed[..states];
    let mut stop = alpha.len() / states.max(1);
    while stop > 0 {
        let start = stop.saturating_sub(block);
        let filtered = &alpha[start * states..stop * states];
        for n in (start..stop).rev() {
            let i = n - start;
            let now = &filtered[i * states..][..states];
            if n + 1 < scale.len() {
                let mut inverse = [0.0; LANES];
                invert(isa, if steps.strict { &scale[n + 1] } else { &scale[n] }, &mut inverse);
                let weight = b.at(isa, n + 1, states, row);
                weigh(isa, beta, Times { weight, all: &inverse }, weighed);
                for (p, part) in parts.iter().enumerate() {
                    let x = &mut xs[p][i * part.inward()..][..part.inward()];
                    gather(if p == 0 { now } else { &between[..] }, part.from, x);
                    if p + 1 < parts.len() {
                        through(isa, steps.lanes, part, x, between);
                    }
                }
                scatter(weighed, end, &mut between[..states]);
                for (p, part) in parts.iter().enumerate().rev() {
                    let w = &mut ws[p][i * part.outward()..][..part.outward()];
                    w.copy_from_slice(&between[..part.outward()]);
                    let back = Blocks { rows: part.cols, cols: part.rows, panels: part.transposed, ..*part };
                    through(isa, steps.lanes, &back, w, backward);
                    match p {
                        0 => scatter(&backward[..states], part.from, beta),
                        _ => scatter(&backward[..part.inward()], part.from, &mut between[..part.inward()]),
                    }
                }
            } else {
                ws.iter_mut().zip(parts).for_each(|(w, part)| {
                    w[i * part.outward()..][..part.outward()].fill([0.0; LANES]);
                });
            }
            end_with_one(beta, first + n, steps, &scale[n]);
            deliver(isa, now, beta, b, n, row, &mut to);
        }
        balance(isa, &filtered[..states], beta, steps, first + start);
        let mut left = &mut *pairs;
        for ((part, x), w) in parts.iter().zip(&*xs).zip(&mut *ws) {
            let n = stop - start;
            let w = &mut w[..n * part.outward()];
            multiply(w, copies);
            for block in 0..part.blocks {
                let x = Columns {
                    steps: &x[..n * part.inward()],
                    stride: part.inward(),
                    first: block * part.rows,
                };
                let w = Columns { steps: w, stride: part.outward(), first: block * part.cols };
                left = add_products(isa, steps.lanes, x, w, [part.rows, part.cols], left);
            }
        }
        stop = start;
    }
}
