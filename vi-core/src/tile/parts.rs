//! Sequences side by side whose steps go in parts: block matrices one after another, between which states may change places.
//!
//! Arrays are as in [`chains`](super::chains). What comes into a part is ordered by block and row, what goes out by block and column.

use super::chains::{
    BLOCK, Columns, LANES, Lanes, SMALLEST, add_products, mark_small, product, rescale, settle, weigh,
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

vectorised! {
    /// [`chains::forward`](super::chains::forward) in parts; `end` says where each state stands in what goes out of the last part.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn forward(b: &[f64], parts: &[Blocks<'_>], end: Option<&[usize]>, states: usize, lengths: &[usize; LANES], strict: bool, alpha: &mut [f64], scale: &mut [Lanes], lost: &mut [bool; LANES]) = forward_with;
}

vectorised! {
    /// [`chains::backward`](super::chains::backward) in parts: `pairs` holds those of every part, one part after another.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn backward(b: &[f64], parts: &[Blocks<'_>], end: Option<&[usize]>, states: usize, lengths: &[usize; LANES], scale: &[Lanes], alpha: &mut [f64], pairs: &mut [f64]) = backward_with;
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
        product(isa, &x[block * part.rows..][..part.rows], weight, part.cols, out);
    }
}

#[inline(always)]
pub(super) fn forward_with<S: Isa>(
    isa: S,
    b: &[f64],
    parts: &[Blocks<'_>],
    end: Option<&[usize]>,
    states: usize,
    lengths: &[usize; LANES],
    strict: bool,
    alpha: &mut [f64],
    scale: &mut [Lanes],
    lost: &mut [bool; LANES],
) {
    let mut bad = [0.0; LANES];
    let smallest = if strict { SMALLEST } else { 0.0 };
    let widest = parts.iter().map(|p| p.inward().max(p.outward())).max().unwrap_or(0);
    let (mut inward, mut outward) = (vec![[0.0; LANES]; widest], vec![[0.0; LANES]; widest]);
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks_mut::<LANES>().0);
    for (t, scale) in scale.iter_mut().enumerate() {
        let (before, now) = alpha.split_at_mut(t * states);
        let now = &mut now[..states];
        let b = &b[t * states..][..states];
        if t == 0 {
            now.copy_from_slice(b);
        } else {
            for (p, part) in parts.iter().enumerate() {
                let source = if p == 0 { &before[(t - 1) * states..] } else { &outward };
                let x = &mut inward[..part.inward()];
                gather(source, part.from, x);
                // What is lost between parts would not show at the end.
                if strict && p > 0 {
                    mark_small(x, smallest, &mut bad);
                }
                through(isa, part, x, &mut outward);
            }
            gather(&outward, end, now);
            for (a, b) in now.iter_mut().zip(b) {
                for l in 0..LANES {
                    a[l] *= b[l];
                }
            }
        }
        rescale(now, t, lengths, smallest, scale, &mut bad);
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
    scale: &[Lanes],
    alpha: &mut [f64],
    pairs: &mut [f64],
) {
    let (b, alpha) = (b.as_chunks::<LANES>().0, alpha.as_chunks_mut::<LANES>().0);
    let pairs = pairs.as_chunks_mut::<LANES>().0;
    let mut after = vec![[0.0; LANES]; states];
    let mut weighed = vec![[0.0; LANES]; states];
    let mut betas = vec![[0.0; LANES]; states * BLOCK];
    let widest = parts.iter().map(|p| p.inward().max(p.outward())).max().unwrap_or(0);
    let (mut between, mut backward) = (vec![[0.0; LANES]; widest], vec![[0.0; LANES]; widest]);
    // Of each part, for a few steps: what comes in, and the weights of what goes out.
    let mut xs: Vec<Vec<Lanes>> = parts.iter().map(|p| vec![[0.0; LANES]; p.inward() * BLOCK]).collect();
    let mut ws: Vec<Vec<Lanes>> = parts.iter().map(|p| vec![[0.0; LANES]; p.outward() * BLOCK]).collect();
    let mut stop = scale.len();
    while stop > 0 {
        let start = stop.saturating_sub(BLOCK);
        let filtered = &mut alpha[start * states..stop * states];
        for t in (start..stop).rev() {
            let i = t - start;
            let now = &filtered[i * states..][..states];
            let beta = &mut betas[i * states..][..states];
            if t + 1 < scale.len() {
                weigh(&b[(t + 1) * states..][..states], &after, &scale[t + 1], &mut weighed);
                for (p, part) in parts.iter().enumerate() {
                    let x = &mut xs[p][i * part.inward()..][..part.inward()];
                    gather(if p == 0 { now } else { &between }, part.from, x);
                    if p + 1 < parts.len() {
                        through(isa, part, x, &mut between);
                    }
                }
                scatter(&weighed, end, &mut between[..states]);
                for (p, part) in parts.iter().enumerate().rev() {
                    let w = &mut ws[p][i * part.outward()..][..part.outward()];
                    w.copy_from_slice(&between[..part.outward()]);
                    let back = Blocks { rows: part.cols, cols: part.rows, weight: part.transposed, ..*part };
                    through(isa, &back, w, &mut backward);
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
            settle(now, t, lengths, beta, &mut after);
        }
        let mut at = 0;
        for ((part, x), w) in parts.iter().zip(&xs).zip(&ws) {
            let (n, size) = (stop - start, part.rows * part.cols);
            for block in 0..part.blocks {
                let x = Columns {
                    steps: &x[..n * part.inward()],
                    stride: part.inward(),
                    first: block * part.rows,
                };
                let w = Columns {
                    steps: &w[..n * part.outward()],
                    stride: part.outward(),
                    first: block * part.cols,
                };
                add_products(isa, x, w, part.cols, &mut pairs[at..][..size]);
                at += size;
            }
        }
        for (a, beta) in filtered.iter_mut().zip(&betas) {
            for l in 0..LANES {
                a[l] *= beta[l];
            }
        }
        stop = start;
    }
}
