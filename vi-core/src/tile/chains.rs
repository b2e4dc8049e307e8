//! Sequences side by side, one in each lane: forward and backward through all of them at once.
//!
//! Arrays are `steps × states × LANES`, lanes fastest. A lane whose sequence has ended has the weight 0 in every state.
//!
//! ```text
//! α[t, k] = b[t, k] Σⱼ α[t−1, j] factor[j, k] / norm[t−1]           scale[t] = Σₖ of it: p(x[t] | x[0..t])
//! β[t, j] = Σₖ factor[j, k] w[t+1, k]        w[t+1, k] = b[t+1, k] β[t+1, k] norm[t+1] / (scale[t+1] norm[t])
//! ```
//!
//! `norm` is the sum over the states of what is kept of α. Where no number can come near the smallest there is, it is `scale`, so that no
//! step waits for a division: α is divided in the step that follows. Elsewhere (`strict`) it is 1. β is kept divided by it, so that α β is
//! the smoothed probability.

use super::kinds::{Weights, add_by_kind, look_up};
use super::panels::{Columns, Onward, Times, add_products, product, product_onward};
use super::simd::{Isa, vectorised};

/// Sequences side by side.
pub const LANES: usize = 8;

/// What one number is for each lane.
pub type Lanes = [f64; LANES];

/// Probabilities below it may underflow when they are multiplied with each other: a lane that meets one is not to be trusted.
pub const SMALLEST: f64 = 1e-150;

/// The logarithm of [`SMALLEST`].
pub const LOWEST: f64 = -345.0;

/// The sequences of the lanes, and the steps at hand.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    pub states: usize,
    /// Sequences are in this many of the lanes, the first four or all of them: the others need not be worked on, and mean nothing.
    pub lanes: usize,
    pub lengths: &'a [usize; LANES],
    /// The number of the first of these steps.
    pub first: usize,
    /// Whether a number can come near the smallest there is; lanes that meet one are then marked.
    pub strict: bool,
}

/// Where smoothed probabilities go.
pub enum To<'a> {
    /// `steps × states`
    Steps(&'a mut [f64]),
    /// Added up by the kinds of the units: `(kinds + 1) × stride`.
    Kinds(&'a mut [f64]),
}

/// Workspace of a few steps.
#[derive(Clone, Debug, Default)]
pub struct Room {
    row: Vec<Lanes>,
    smooth: Vec<Lanes>,
    ws: Vec<Lanes>,
}

vectorised! {
    /// Some steps forward. `alpha` begins with the step before these, if there is one; without it every state is as likely as its weight.
    /// `carry` is 1 / norm of the step before, and is left as that of the last.
    ///
    /// A lane in which a step has no weight, or one that is no number, gets a scale that has no finite logarithm.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn forward(b: Weights<'_>, panels: &[f64], steps: Steps<'_>, alpha: &mut [f64], scale: &mut [Lanes], carry: &mut Lanes, room: &mut Room, lost: &mut [bool; LANES]) = forward_with;
}

vectorised! {
    /// Some steps backward: smoothed probabilities from filtered ones, and the products of neighbours, added up over steps and lanes.
    ///
    /// ```text
    /// pairs[j, k] += Σ copies α[t, j] w[t+1, k]          to be multiplied by factor[j, k]
    /// ```
    ///
    /// `alpha` holds all steps up to the last of these, `b` and `scale` those from the first on and all that follow; `beta` is that of the
    /// step that follows, and is left as that of the first. `panels` are of the transposed factor. `pairs` is
    /// as [`unfold`](super::panels::unfold) reads it.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn backward(b: Weights<'_>, panels: &[f64], steps: Steps<'_>, scale: &[Lanes], alpha: &[f64], copies: &Lanes, beta: &mut [Lanes], room: &mut Room, to: To<'_>, pairs: &mut [f64]) = backward_with;
}

impl<'a> Weights<'a> {
    /// Those of a step; `row` is where they are put together.
    #[inline(always)]
    pub(super) fn at<'r, S: Isa>(self, isa: S, n: usize, states: usize, row: &'r mut [Lanes]) -> &'r [Lanes]
    where
        'a: 'r,
    {
        match self {
            Weights::Steps(b, before) => &b[(before + n) * states..][..states],
            Weights::Kinds { known, which } => {
                look_up(isa, known, known.at(&which, n), row);
                &row[..states]
            }
        }
    }

    /// Asks for the weights of a step to be brought near, [`AHEAD`] of this one.
    #[inline(always)]
    fn fetch<S: Isa>(self, isa: S, n: usize, states: usize) {
        if let Weights::Steps(b, before) = self
            && before + n >= AHEAD
        {
            isa.fetch(b[(before + n - AHEAD) * states..][..states].as_flattened());
        }
    }

    /// Room for a row.
    pub(super) fn width(self) -> usize {
        match self {
            Weights::Steps(..) => 0,
            Weights::Kinds { known, .. } => known.stride,
        }
    }
}

impl Steps<'_> {
    /// Whether every sequence has a step behind this one.
    pub(super) fn all_go_on(&self, t: usize) -> bool {
        self.at_work().iter().all(|n| t + 1 < *n)
    }

    fn at_work(&self) -> &[usize] {
        &self.lengths[..self.lanes]
    }
}

#[inline(always)]
pub(super) fn mark(lost: &mut [bool; LANES], bad: &Lanes) {
    for l in 0..LANES {
        lost[l] |= bad[l] > 0.0;
    }
}

#[inline(always)]
pub(super) fn forward_with<S: Isa>(
    isa: S,
    b: Weights<'_>,
    panels: &[f64],
    steps: Steps<'_>,
    alpha: &mut [f64],
    scale: &mut [Lanes],
    carry: &mut Lanes,
    room: &mut Room,
    lost: &mut [bool; LANES],
) {
    let states = steps.states;
    let mut bad = [0.0; LANES];
    let (row, plain) = (widened(&mut room.row, b.width()), widened(&mut room.ws, states));
    let alpha = alpha.as_chunks_mut::<LANES>().0;
    let before = usize::from(steps.first > 0);
    for (n, scale) in scale.iter_mut().enumerate() {
        let b = b.at(isa, n, states, row);
        let (before, now) = alpha.split_at_mut((n + before) * states);
        let now = &mut now[..states];
        let times = Times { weight: b, all: &*carry };
        *scale = if before.is_empty() {
            now.copy_from_slice(b);
            total(isa, now)
        } else {
            let before = &before[before.len() - states..];
            if steps.strict {
                product(isa, steps.lanes, before, panels, None, plain);
                // What is lost before it is weighed would not show behind it.
                mark_small(isa, plain, &mut bad);
                weigh(isa, plain, times, now);
                total(isa, now)
            } else {
                product(isa, steps.lanes, before, panels, Some(times), now)
            }
        };
        settle(isa, now, steps.first + n, steps, scale, carry, &mut bad);
    }
    mark(lost, &bad);
}

/// What the numbers of a step are divided by, now or in the step that follows. A sequence that has ended has none.
#[inline(always)]
pub(super) fn settle<S: Isa>(
    isa: S,
    now: &mut [Lanes],
    t: usize,
    steps: Steps<'_>,
    scale: &mut Lanes,
    carry: &mut Lanes,
    bad: &mut Lanes,
) {
    invert(isa, scale, carry);
    if t > 0 && !steps.all_go_on(t - 1) || t == 0 && steps.at_work().contains(&0) {
        for l in (0..LANES).filter(|l| t >= steps.lengths[*l]) {
            (carry[l], scale[l]) = (0.0, 1.0);
        }
    }
    if steps.strict {
        multiply_all(isa, now, carry);
        mark_small(isa, now, bad);
        *carry = [1.0; LANES];
    }
}

#[inline(always)]
pub(super) fn invert<S: Isa>(isa: S, x: &Lanes, out: &mut Lanes) {
    for p in (0..LANES).step_by(S::W) {
        isa.store(isa.div(isa.splat(1.0), isa.load(&x[p..])), &mut out[p..]);
    }
}

/// `x[k] ← x[k] by`
#[inline(always)]
fn multiply_all<S: Isa>(isa: S, x: &mut [Lanes], by: &Lanes) {
    for p in (0..LANES).step_by(S::W) {
        let by = isa.load(&by[p..]);
        for x in &mut *x {
            isa.store(isa.mul(isa.load(&x[p..]), by), &mut x[p..]);
        }
    }
}

/// `out[k] = x[k] times[k]`
#[inline(always)]
pub(super) fn weigh<S: Isa>(isa: S, x: &[Lanes], times: Times<'_>, out: &mut [Lanes]) {
    for p in (0..LANES).step_by(S::W) {
        let all = isa.load(&times.all[p..]);
        for ((x, weight), out) in x.iter().zip(times.weight).zip(&mut *out) {
            let weight = isa.mul(all, isa.load(&weight[p..]));
            isa.store(isa.mul(isa.load(&x[p..]), weight), &mut out[p..]);
        }
    }
}

/// Marks lanes with a number that is nearly zero: zero itself is a structural zero.
#[inline(always)]
pub(super) fn mark_small<S: Isa>(isa: S, now: &[Lanes], bad: &mut Lanes) {
    let (zero, one, smallest) = (isa.splat(0.0), isa.splat(1.0), isa.splat(SMALLEST));
    for p in (0..LANES).step_by(S::W) {
        let mut small = isa.load(&bad[p..]);
        for a in now {
            let a = isa.load(&a[p..]);
            small = isa.select_less(a, smallest, isa.select_less(zero, a, one, small), small);
        }
        isa.store(small, &mut bad[p..]);
    }
}

/// `Σₖ x[k]`, lane by lane.
#[inline(always)]
pub(super) fn total<S: Isa>(isa: S, x: &[Lanes]) -> Lanes {
    let mut out = [0.0; LANES];
    for p in (0..LANES).step_by(S::W) {
        let mut sum = isa.splat(0.0);
        for x in x {
            sum = isa.add(isa.load(&x[p..]), sum);
        }
        isa.store(sum, &mut out[p..]);
    }
    out
}

/// `Σₖ x[k] y[k]`, lane by lane.
#[inline(always)]
fn dot<S: Isa>(isa: S, x: &[Lanes], y: &[Lanes]) -> Lanes {
    let mut out = [0.0; LANES];
    for p in (0..LANES).step_by(S::W) {
        // Two sums, so that additions need not wait for each other.
        let mut sums = [isa.splat(0.0); 2];
        let (xs, x) = x.as_chunks::<2>();
        let (ys, y) = y.as_chunks::<2>();
        for (x, y) in xs.iter().zip(ys) {
            for i in 0..2 {
                sums[i] = isa.fma(isa.load(&x[i][p..]), isa.load(&y[i][p..]), sums[i]);
            }
        }
        for (x, y) in x.iter().zip(y) {
            sums[0] = isa.fma(isa.load(&x[p..]), isa.load(&y[p..]), sums[0]);
        }
        isa.store(isa.add(sums[0], sums[1]), &mut out[p..]);
    }
    out
}

/// Numbers of one array whose products of neighbours are added up in registers: few enough that four such arrays stay in the nearest cache.
const BLOCK: usize = 256;

/// Steps of a block, a multiple of four.
#[must_use]
pub fn block_of(states: usize) -> usize {
    (BLOCK / states.max(1)).clamp(4, 16) / 4 * 4
}

/// How many steps before they are needed numbers are asked for that do not stay in the cache from forward to backward.
const AHEAD: usize = 6;

#[inline(always)]
pub(super) fn backward_with<S: Isa>(
    isa: S,
    b: Weights<'_>,
    panels: &[f64],
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
    let alpha = alpha.as_chunks::<LANES>().0;
    let block = block_of(states);
    let row = widened(&mut room.row, b.width());
    let kept = widened(&mut room.smooth, b.width());
    let ws = widened(&mut room.ws, states * block);
    let mut end = alpha.len() / states.max(1) - first;
    while end > 0 {
        let start = end.saturating_sub(block);
        let filtered = &alpha[(first + start) * states..(first + end) * states];
        // Whether the step behind has left the weights of this one.
        let mut ready = false;
        for n in (start..end).rev() {
            if first + n >= AHEAD {
                isa.fetch(alpha[(first + n - AHEAD) * states..][..states].as_flattened());
            }
            b.fetch(isa, n, states);
            let here = (n - start) * states;
            let (next, w) = ws.split_at_mut(here);
            let (alpha, w, norm) = (&filtered[here..][..states], &mut w[..states], &scale[n]);
            let mut inverse = [0.0; LANES];
            if n + 1 == scale.len() {
                w.fill([0.0; LANES]);
            } else if !ready {
                invert(isa, if steps.strict { &scale[n + 1] } else { norm }, &mut inverse);
                weigh(isa, beta, Times { weight: b.at(isa, n + 1, states, row), all: &inverse }, w);
            }
            ready = n > start && n + 1 < scale.len() && steps.all_go_on(first + n);
            if ready {
                invert(isa, if steps.strict { norm } else { &scale[n - 1] }, &mut inverse);
                let times = Times { weight: b.at(isa, n, states, row), all: &inverse };
                let smooth = match &mut to {
                    To::Steps(out) => &mut out.as_chunks_mut::<LANES>().0[n * states..],
                    To::Kinds(_) => &mut *kept,
                };
                let onward = Onward { alpha, smooth, times, w: &mut next[here - states..] };
                product_onward(isa, steps.lanes, w, panels, onward);
                if let (To::Kinds(sums), Weights::Kinds { known, which }) = (&mut to, b) {
                    kept[states..].fill([0.0; LANES]);
                    add_by_kind(isa, kept, known.at(&which, n), known.stride, sums);
                }
            } else {
                if n + 1 < scale.len() {
                    product(isa, steps.lanes, w, panels, None, beta);
                }
                end_with_one(beta, first + n, steps, norm);
                deliver(isa, alpha, beta, b, n, row, &mut to);
            }
        }
        balance(isa, &filtered[..states], beta, steps, first + start);
        let ws = &mut ws[..filtered.len()];
        multiply(ws, copies);
        let columns = |steps| Columns { steps, stride: states, first: 0 };
        add_products(isa, steps.lanes, columns(filtered), columns(ws), [states; 2], pairs);
        end = start;
    }
}

pub(super) fn widened(x: &mut Vec<Lanes>, len: usize) -> &mut [Lanes] {
    x.resize(x.len().max(len), [0.0; LANES]);
    &mut x[..len]
}

/// Smoothed probabilities of step n of those of `b`; `row` is as wide as a row of weights.
#[inline(always)]
pub(super) fn deliver<S: Isa>(
    isa: S,
    alpha: &[Lanes],
    beta: &[Lanes],
    b: Weights<'_>,
    n: usize,
    row: &mut [Lanes],
    to: &mut To<'_>,
) {
    match (to, b) {
        (To::Kinds(sums), Weights::Kinds { known, which }) => {
            row[alpha.len()..].fill([0.0; LANES]);
            multiply_each(isa, alpha, beta, row);
            add_by_kind(isa, row, known.at(&which, n), known.stride, sums);
        }
        (To::Steps(out), Weights::Steps(..) | Weights::Kinds { .. }) => {
            let out = &mut out.as_chunks_mut::<LANES>().0[n * alpha.len()..];
            multiply_each(isa, alpha, beta, out);
        }
        (To::Kinds(_), Weights::Steps(..)) => {}
    }
}

/// `out[k] = x[k] y[k]`
#[inline(always)]
fn multiply_each<S: Isa>(isa: S, x: &[Lanes], y: &[Lanes], out: &mut [Lanes]) {
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        for p in (0..LANES).step_by(S::W) {
            isa.store(isa.mul(isa.load(&x[p..]), isa.load(&y[p..])), &mut out[p..]);
        }
    }
}

/// Nothing follows the last step of a sequence: β is 1 there.
#[inline(always)]
pub(super) fn end_with_one(beta: &mut [Lanes], t: usize, steps: Steps<'_>, norm: &Lanes) {
    if steps.all_go_on(t) {
        return;
    }
    for beta in beta {
        for l in 0..LANES {
            if t + 1 >= steps.lengths[l] {
                beta[l] = if steps.strict { 1.0 } else { 1.0 / norm[l] };
            }
        }
    }
}

/// Σ α β is 1 in every step but for rounding, which would add up over many steps.
#[inline(always)]
pub(super) fn balance<S: Isa>(isa: S, alpha: &[Lanes], beta: &mut [Lanes], steps: Steps<'_>, t: usize) {
    let sum = dot(isa, beta, alpha);
    let mut inverse = [0.0; LANES];
    invert(isa, &sum, &mut inverse);
    for l in 0..LANES {
        inverse[l] = if t < steps.lengths[l] { inverse[l] } else { 1.0 };
    }
    multiply_all(isa, beta, &inverse);
}

/// Each lane as often as it counts.
#[inline(always)]
pub(super) fn multiply(ws: &mut [Lanes], copies: &Lanes) {
    if copies.iter().any(|c| *c != 1.0) {
        for w in ws {
            for l in 0..LANES {
                w[l] *= copies[l];
            }
        }
    }
}
