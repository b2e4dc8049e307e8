//! Tables of several sequences: log potentials become weights, and are put side by side and taken apart again.

use super::chains::{LANES, LOWEST, Lanes};
use super::exp::exp_packs;
use super::simd::{Isa, MAX_LANES, vectorised};

/// Packs whose exponentials are taken together.
const PACKS: usize = 4;

vectorised! {
    /// Log potentials (`states × n`, state-major) become weights, in place.
    ///
    /// ```text
    /// shift[t] = maxₖ table[k, t]         table[k, t] ← exp(table[k, t] − shift[t])
    /// ```
    ///
    /// Returns whether there is a weight below e^[`LOWEST`] that is not 0; asked only where `strict`. There are as many units as shifts.
    ///
    /// # Panics
    /// If the table is shorter than its shape.
    pub fn to_weights(table: &mut [f64], states: usize, shift: &mut [f64], strict: bool) -> bool = to_weights_with;
}

vectorised! {
    /// Puts the units from `first` on of a table for each lane (`states × counts[lane]`, state-major) into steps
    /// (`steps × states × LANES`); 0 where a lane has no more units. Only the first `lanes`, four or all.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn spread(lanes: usize, tables: &[&mut [f64]; LANES], counts: &[usize; LANES], first: usize, states: usize, steps: &mut [Lanes]) = spread_with;
}

vectorised! {
    /// The inverse of [`spread`].
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn gather(steps: &[Lanes], counts: &[usize; LANES], first: usize, states: usize, tables: &mut [&mut [f64]; LANES]) = gather_with;
}

#[inline(always)]
pub(super) fn to_weights_with<S: Isa>(
    isa: S,
    table: &mut [f64],
    states: usize,
    shift: &mut [f64],
    strict: bool,
) -> bool {
    let n = shift.len();
    let table = &mut table[..states * n];
    let mut low = isa.splat(0.0);
    let start = if strict {
        some_units::<S, 1, true>(isa, table, shift, 0, &mut low)
    } else {
        let start = some_units::<S, PACKS, false>(isa, table, shift, 0, &mut low);
        some_units::<S, 1, false>(isa, table, shift, start, &mut low)
    };
    if start < n {
        let rest = n - start;
        let mut top = [f64::MIN; MAX_LANES];
        for row in table.chunks_exact(n) {
            for (top, log) in top.iter_mut().zip(&row[start..]) {
                *top = if *log > *top { *log } else { *top };
            }
        }
        for row in table.chunks_exact_mut(n) {
            let row = &mut row[start..];
            let log = isa.sub(isa.load_partial(row), isa.load(&top));
            low = with_low(isa, log, low);
            let mut last = [0.0; MAX_LANES];
            let [weight] = exp_packs(isa, [log]);
            isa.store(weight, &mut last);
            row.copy_from_slice(&last[..rest]);
        }
        shift[start..].copy_from_slice(&top[..rest]);
    }
    let mut lows = [0.0; MAX_LANES];
    isa.store(low, &mut lows);
    strict && lows.iter().any(|low| *low > 0.0)
}

/// The units from `start` on, in groups of `N` packs; returns where the last group ends.
#[inline(always)]
fn some_units<S: Isa, const N: usize, const STRICT: bool>(
    isa: S,
    table: &mut [f64],
    shift: &mut [f64],
    mut start: usize,
    low: &mut S::Pack,
) -> usize {
    let n = shift.len();
    while n - start >= N * S::W {
        // A unit without weight keeps it: nothing is left of −∞ less a number.
        let mut top = [isa.splat(f64::MIN); N];
        for row in table.chunks_exact(n) {
            let row = &row[start..][..N * S::W];
            for i in 0..N {
                top[i] = isa.max(isa.load(&row[i * S::W..]), top[i]);
            }
        }
        let shift = &mut shift[start..][..N * S::W];
        for i in 0..N {
            isa.store(top[i], &mut shift[i * S::W..]);
        }
        for row in table.chunks_exact_mut(n) {
            let row = &mut row[start..][..N * S::W];
            let mut log = top;
            for i in 0..N {
                log[i] = isa.sub(isa.load(&row[i * S::W..]), isa.load(&shift[i * S::W..]));
            }
            if STRICT {
                for i in 0..N {
                    *low = with_low(isa, log[i], *low);
                }
            }
            let weight = exp_packs(isa, log);
            for i in 0..N {
                isa.store(weight[i], &mut row[i * S::W..]);
            }
        }
        start += N * S::W;
    }
    start
}

/// `low`, and 1 where a state is far behind the best one: no state at all is a structural zero.
#[inline(always)]
fn with_low<S: Isa>(isa: S, log: S::Pack, low: S::Pack) -> S::Pack {
    let (never, lowest) = (isa.splat(f64::NEG_INFINITY), isa.splat(LOWEST));
    isa.select_less(log, lowest, isa.select_less(never, log, isa.splat(1.0), low), low)
}

/// Lanes that are turned together.
const FOUR: usize = 4;

#[inline(always)]
pub(super) fn spread_with<S: Isa>(
    isa: S,
    lanes: usize,
    tables: &[&mut [f64]; LANES],
    counts: &[usize; LANES],
    first: usize,
    states: usize,
    steps: &mut [Lanes],
) {
    let n = steps.len() / states.max(1);
    // Four lanes at a time: where the rows of eight are stays in registers no more.
    for half in (0..lanes).step_by(FOUR) {
        let whole = whole_fours(&counts[half..half + FOUR], first, n);
        let (fours, rest) = steps.split_at_mut(whole * FOUR * states);
        for k in 0..states {
            let mut rows: [&[[f64; FOUR]]; FOUR] = [&[]; FOUR];
            for l in (0..FOUR).filter(|_| whole > 0) {
                let from = &tables[half + l][k * counts[half + l] + first..][..whole * FOUR];
                rows[l] = &from.as_chunks().0[..whole];
            }
            let mut steps = fours.chunks_exact_mut(states);
            for i in 0..whole {
                let columns = isa.turned([&rows[0][i], &rows[1][i], &rows[2][i], &rows[3][i]]);
                for (column, step) in columns.iter().zip(&mut steps) {
                    step[k][half..half + FOUR].copy_from_slice(column);
                }
            }
        }
        for (i, step) in (first + whole * FOUR..).zip(rest.chunks_exact_mut(states.max(1))) {
            for (k, to) in step.iter_mut().enumerate() {
                for l in half..half + FOUR {
                    to[l] = if i < counts[l] { tables[l][k * counts[l] + i] } else { 0.0 };
                }
            }
        }
    }
}

/// How many fours of units, of `n` from `first` on, every one of these lanes has.
#[inline(always)]
fn whole_fours(counts: &[usize], first: usize, n: usize) -> usize {
    let shortest = counts.iter().copied().min().unwrap_or(0);
    n.min(shortest.saturating_sub(first)) / FOUR
}

#[inline(always)]
pub(super) fn gather_with<S: Isa>(
    isa: S,
    steps: &[Lanes],
    counts: &[usize; LANES],
    first: usize,
    states: usize,
    tables: &mut [&mut [f64]; LANES],
) {
    let n = steps.len() / states.max(1);
    for (half, tables) in [0, FOUR].into_iter().zip(tables.as_chunks_mut::<FOUR>().0) {
        let whole = whole_fours(&counts[half..half + FOUR], first, n);
        let (fours, rest) = steps.split_at(whole * FOUR * states);
        for k in 0..states {
            let mut to = tables.each_mut().map(|table| &mut table[..]);
            for l in 0..FOUR {
                let table = std::mem::take(&mut to[l]);
                to[l] = if whole > 0 {
                    &mut table[k * counts[half + l] + first..][..whole * FOUR]
                } else {
                    &mut []
                };
            }
            let [a, b, c, d] = to.map(|row| row.as_chunks_mut::<FOUR>().0);
            let mut steps = fours.chunks_exact(states);
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                let mut square = [&[0.0; FOUR]; FOUR];
                for (column, step) in square.iter_mut().zip(&mut steps) {
                    *column = step[k][half..].first_chunk().unwrap_or(&[0.0; FOUR]);
                }
                [*a, *b, *c, *d] = isa.turned(square);
            }
        }
        for (i, step) in (first + whole * FOUR..).zip(rest.chunks_exact(states.max(1))) {
            for (l, table) in (half..).zip(&mut *tables).filter(|(l, _)| i < counts[*l]) {
                for (k, x) in step.iter().enumerate() {
                    table[k * counts[l] + i] = x[l];
                }
            }
        }
    }
}
