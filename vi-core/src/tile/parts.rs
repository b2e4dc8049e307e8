//! Sequences side by side whose steps go in parts: block matrices one after another, between which states may change places.
//!
//! Arrays are as in [`chains`](super::chains). What comes into a part is ordered by block and row, what goes out by block and column.

use super::chains::{
    BLOCK, Columns, LANES, Lanes, add_products, balance, divide, end_with_one, mark_small, multiply, product,
    smoothed, to_weights, weigh,
};
use super::simd::{Isa, vectorised};

/// One part of a step.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    pub blocks: usize,
    pub rows: usize,
    pub cols: usize,
    /// `blocks × rows × cols`
    pub weight: &'a [f64],
    /// `blocks × cols × rows`
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
    inward: Vec<Lanes>,
    outward: Vec<Lanes>,
    weighed: Vec<Lanes>,
    betas: Vec<Lanes>,
    /// Of each part, for a few steps: what comes in, and the weights of what goes out.
    xs: Vec<Vec<Lanes>>,
    ws: Vec<Vec<Lanes>>,
}

impl Room {
    fn take(&mut self, parts: &[Blocks<'_>], states: usize, block: usize) {
        let widest = parts.iter().map(|p| p.inward().max(p.outward())).max().unwrap_or(0);
        let widen = |x: &mut Vec<Lanes>, n: usize| x.resize(x.len().max(n), [0.0; LANES]);
        widen(&mut self.inward, widest);
        widen(&mut self.outward, widest);
        widen(&mut self.weighed, states);
        widen(&mut self.betas, states * block);
        self.xs.resize(parts.len(), vec![]);
        self.ws.resize(parts.len(), vec![]);
        for ((x, w), part) in self.xs.iter_mut().zip(&mut self.ws).zip(parts) {
            widen(x, part.inward() * block);
            widen(w, part.outward() * block);
        }
    }
}

vectorised! {
    /// [`chains::forward`](super::chains::forward) in parts; `end` says where each state stands in what goes out of the last part.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn forward(b: &mut [f64], parts: &[Blocks<'_>], end: Option<&[usize]>, states: usize, lengths: &[usize; LANES], first: usize, strict: bool, alpha: &mut [f64], shift: &mut [Lanes], scale: &mut [Lanes], room: &mut Room, lost: &mut [bool; LANES]) = forward_with;
}

vectorised! {
    /// [`chains::backward`](super::chains::backward) in parts: `pairs` holds those of every part, one part after another.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn backward(b: &[f64], parts: &[Blocks<'_>], end: Option<&[usize]>, states: usize, lengths: &[usize; LANES], first: usize, scale: &[Lanes], alpha: &[f64], copies: &Lanes, after: &mut [Lanes], room: &mut Room, smooth: &mut [f64], pairs: &mut [f64]) = backward_with;
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
fn through<S: Isa>(isa: S, part: &Blocks<'_>, x: &[Lanes], out: &mut [Lanes]) {
    let size = part.rows * part.cols;
    for block in 0..part.blocks {
        let weight = &part.weight[block * size..][..size];
        let out = &mut out[block * part.cols..][..part.cols];
        product(isa, &x[block * part.rows..][..part.rows], weight, part.cols, None, out);
    }
}

#[inline(always)]
pub(super) fn forward_with<S: Isa>(
    isa: S,
    b: &mut [f64],
    parts: &[Blocks<'_>],
    end: Option<&[usize]>,
    states: usize,
    lengths: &[usize; LANES],
    first: usize,
    strict: bool,
    alpha: &mut [f64],
    shift: &mut [Lanes],
    scale: &mut [Lanes],
    room: &mut Room,
    lost: &mut [bool; LANES],
) {
    let mut bad = [0.0; LANES];
    to_weights(isa, b, states, strict, shift, &mut bad);
    room.take(parts, states, 1);
    let Room { inward, outward, .. } = room;
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks_mut::<LANES>().0);
    let before = usize::from(first > 0);
    for (n, (b, scale)) in b.chunks_exact(states).zip(scale).enumerate() {
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
                if strict && p > 0 {
                    mark_small(isa, x, &mut bad);
                }
                through(isa, part, x, outward);
            }
            gather(outward, end, now);
            for (a, b) in now.iter_mut().zip(b) {
                for p in (0..LANES).step_by(S::W) {
                    isa.store(isa.mul(isa.load(&a[p..]), isa.load(&b[p..])), &mut a[p..]);
                }
            }
        }
        divide(isa, now, first + n, lengths, strict, scale, &mut bad);
    }
    for l in 0..LANES {
        lost[l] |= bad[l] > 0.0;
    }
}

#[inline(always)]
pub(super) fn backward_with<S: Isa>(
    isa: S,
    b: &[f64],
    parts: &[Blocks<'_>],
    end: Option<&[usize]>,
    states: usize,
    lengths: &[usize; LANES],
    first: usize,
    scale: &[Lanes],
    alpha: &[f64],
    copies: &Lanes,
    after: &mut [Lanes],
    room: &mut Room,
    smooth: &mut [f64],
    pairs: &mut [f64],
) {
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks::<LANES>().0);
    let smooth = smooth.as_chunks_mut::<LANES>().0;
    let steps = (BLOCK / states.max(1)).clamp(2, 32);
    room.take(parts, states, steps);
    let Room { inward: between, outward: backward, weighed, betas, xs, ws } = room;
    let weighed = &mut weighed[..states];
    let mut stop = alpha.len() / states.max(1);
    while stop > 0 {
        let start = stop.saturating_sub(steps);
        let filtered = &alpha[start * states..stop * states];
        for n in (start..stop).rev() {
            let i = n - start;
            let now = &filtered[i * states..][..states];
            let (beta, next) = betas[i * states..].split_at_mut(states);
            let after = if n + 1 < stop { &next[..states] } else { &*after };
            if n + 1 < scale.len() {
                weigh(isa, &b[(n + 1) * states..][..states], after, &scale[n + 1], weighed);
                for (p, part) in parts.iter().enumerate() {
                    let x = &mut xs[p][i * part.inward()..][..part.inward()];
                    gather(if p == 0 { now } else { &between[..] }, part.from, x);
                    if p + 1 < parts.len() {
                        through(isa, part, x, between);
                    }
                }
                scatter(weighed, end, &mut between[..states]);
                for (p, part) in parts.iter().enumerate().rev() {
                    let w = &mut ws[p][i * part.outward()..][..part.outward()];
                    w.copy_from_slice(&between[..part.outward()]);
                    let back = Blocks { rows: part.cols, cols: part.rows, weight: part.transposed, ..*part };
                    through(isa, &back, w, backward);
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
            end_with_one(beta, first + n, lengths);
        }
        balance(isa, filtered, &mut betas[..filtered.len()], states, first + start, lengths);
        after.copy_from_slice(&betas[..states]);
        let mut at = 0;
        for ((part, x), w) in parts.iter().zip(&*xs).zip(&mut *ws) {
            let (n, size) = (stop - start, part.rows * part.cols * S::W);
            let w = &mut w[..n * part.outward()];
            multiply(w, copies);
            for block in 0..part.blocks {
                let x = Columns {
                    steps: &x[..n * part.inward()],
                    stride: part.inward(),
                    first: block * part.rows,
                };
                let w = Columns { steps: w, stride: part.outward(), first: block * part.cols };
                add_products(isa, x, w, [part.rows, part.cols], &mut pairs[at..][..size]);
                at += size;
            }
        }
        smoothed(isa, filtered, betas, &mut smooth[start * states..stop * states]);
        stop = start;
    }
}
