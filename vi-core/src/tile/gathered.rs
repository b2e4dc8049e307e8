//! Rows of a table that are weighed against a vector many times over: brought together with units innermost, so that norms are found for many
//! units at once and nothing is summed across lanes but once at the end.

use super::rows::TINY;
use super::simd::{Isa, lanes, vectorised};

/// Pairs of packs of units that are worked on at once: their norms stay in registers, and half of their ratios beside [`STATES`] sums.
const PAIRS: usize = 6;

/// States whose sums are accumulated together.
const STATES: usize = 8;

/// The smallest number of units that is not less than `units` and that whole pairs of packs hold.
pub(crate) fn padded(units: usize) -> usize {
    units.next_multiple_of(2 * lanes())
}

/// The blocks that `padded` units are worked on in, of nearly the same size.
#[derive(Clone, Copy)]
struct Blocks {
    count: usize,
    /// Pairs of packs of a block; the first `larger` blocks have one more.
    size: usize,
    larger: usize,
}

impl Blocks {
    #[inline(always)]
    fn new(padded: usize, lanes: usize) -> Self {
        let pairs = padded / (2 * lanes);
        let count = pairs.div_ceil(PAIRS).max(1);
        Self { count, size: pairs / count, larger: pairs % count }
    }

    /// Pairs of packs before a block, and its own.
    #[inline(always)]
    fn at(self, block: usize) -> (usize, usize) {
        (block * self.size + block.min(self.larger), self.size + usize::from(block < self.larger))
    }
}

vectorised! {
    /// Brings together the first `states` entries of the rows of `table` that begin at `stride · values[i]`: `to` holds block after block,
    /// each `states × units of the block`. There are `padded` units; beyond the values, rows are zeros.
    pub(crate) fn gather(table: &[f64], stride: usize, states: usize, values: &[u32], padded: usize, to: &mut [f64])
        = gather_with;
}

#[inline(always)]
fn gather_with<S: Isa>(
    isa: S,
    table: &[f64],
    stride: usize,
    states: usize,
    values: &[u32],
    padded: usize,
    to: &mut [f64],
) {
    let blocks = Blocks::new(padded, S::W);
    for block in 0..blocks.count {
        let (before, pairs) = blocks.at(block);
        let (start, units) = (2 * S::W * before, 2 * S::W * pairs);
        let to = &mut to[start * states..][..units * states];
        let values = &values[start.min(values.len())..(start + units).min(values.len())];
        for (at, four) in (0..).step_by(4).zip(values.chunks(4)) {
            if let [a, b, c, d] = four {
                let row = |v: u32| &table[v as usize * stride..][..states];
                let (a, b, c, d) = (row(*a), row(*b), row(*c), row(*d));
                let quads =
                    a.as_chunks().0.iter().zip(b.as_chunks().0).zip(c.as_chunks().0).zip(d.as_chunks().0);
                for (k, (((a, b), c), d)) in (0..).step_by(4).zip(quads) {
                    for (i, column) in isa.turned([a, b, c, d]).iter().enumerate() {
                        to[(k + i) * units + at..][..4].copy_from_slice(column);
                    }
                }
                for k in states / 4 * 4..states {
                    to[k * units + at..][..4].copy_from_slice(&[a[k], b[k], c[k], d[k]]);
                }
            } else {
                for (at, v) in (at..).zip(four) {
                    for k in 0..states {
                        to[k * units + at] = table[*v as usize * stride + k];
                    }
                }
            }
        }
        if values.len() < units {
            for row in to.chunks_exact_mut(units) {
                row[values.len()..].fill(0.0);
            }
        }
    }
}

vectorised! {
    /// `norms[i] = Σ_k row(i)[k] theta[k]`, `ratios[i] = weights[i] / norms[i]`, `sums[k] = theta[k] Σ_i ratios[i] row(i)[k]` of the rows that
    /// [`gather`] brought together. There are as many units as weights and as many states as `theta` has entries. Units whose norm is below
    /// [`TINY`] have ratio 0; returns whether there is none of weight above 0. `lanes` has room for a pack for each state. Taken `backwards`
    /// every other time, rows that do not all fit in the cache are still there when they are needed again.
    pub(crate) fn weigh(
        rows: &[f64],
        weights: &[f64],
        theta: &[f64],
        lanes: &mut [f64],
        sums: &mut [f64],
        ratios: &mut [f64],
        norms: &mut [f64],
        backwards: bool,
    ) -> bool = weigh_with;
}

#[inline(always)]
fn weigh_with<S: Isa>(
    isa: S,
    rows: &[f64],
    weights: &[f64],
    theta: &[f64],
    lanes: &mut [f64],
    sums: &mut [f64],
    ratios: &mut [f64],
    norms: &mut [f64],
    backwards: bool,
) -> bool {
    let (states, padded) = (theta.len(), weights.len());
    let lanes = &mut lanes[..states * S::W];
    lanes.fill(0.0);
    let mut lost = isa.splat(0.0);
    let blocks = Blocks::new(padded, S::W);
    for n in 0..blocks.count {
        let (before, pairs) = blocks.at(if backwards { blocks.count - 1 - n } else { n });
        let (start, units) = (2 * S::W * before, 2 * S::W * pairs);
        let rows = &rows[start * states..][..units * states];
        let (weights, ratios, norms) =
            (&weights[start..][..units], &mut ratios[start..][..units], &mut norms[start..][..units]);
        lost = match pairs {
            1 => block::<S, 1>(isa, rows, weights, theta, lanes, ratios, norms, lost),
            2 => block::<S, 2>(isa, rows, weights, theta, lanes, ratios, norms, lost),
            3 => block::<S, 3>(isa, rows, weights, theta, lanes, ratios, norms, lost),
            4 => block::<S, 4>(isa, rows, weights, theta, lanes, ratios, norms, lost),
            5 => block::<S, 5>(isa, rows, weights, theta, lanes, ratios, norms, lost),
            6 => block::<S, 6>(isa, rows, weights, theta, lanes, ratios, norms, lost),
            _ => lost,
        };
    }
    let zero = isa.splat(0.0);
    for (k, four) in (0..).step_by(4).zip(lanes.chunks(4 * S::W)) {
        let mut packs = [zero; 4];
        for (pack, lanes) in packs.iter_mut().zip(four.chunks_exact(S::W)) {
            *pack = isa.load(lanes);
        }
        let totals = isa.sums(packs);
        for ((sum, theta), total) in sums[k..].iter_mut().zip(&theta[k..]).zip(totals) {
            *sum = total * theta;
        }
    }
    let [lost, ..] = isa.sums([lost, zero, zero, zero]);
    lost == 0.0
}

/// One block of `2 P` packs of units. Adds what its units say to `lanes`, and to `lost` the weights of those that are.
#[inline(always)]
fn block<S: Isa, const P: usize>(
    isa: S,
    rows: &[f64],
    weights: &[f64],
    theta: &[f64],
    lanes: &mut [f64],
    ratios: &mut [f64],
    norms: &mut [f64],
    mut lost: S::Pack,
) -> S::Pack {
    let (zero, tiny) = (isa.splat(0.0), isa.splat(TINY));
    let half = P * S::W;
    let mut low = [zero; P];
    let mut high = [zero; P];
    for (row, theta) in rows.chunks_exact(2 * half).zip(theta) {
        let theta = isa.splat(*theta);
        for p in 0..P {
            low[p] = isa.fma(isa.load(&row[p * S::W..]), theta, low[p]);
            high[p] = isa.fma(isa.load(&row[half + p * S::W..]), theta, high[p]);
        }
    }
    for (first, dots) in [(0, &mut low), (half, &mut high)] {
        for p in 0..P {
            let at = first + p * S::W;
            let (norm, weight) = (dots[p], isa.load(&weights[at..]));
            let ratio = isa.select_less(norm, tiny, zero, isa.div(weight, norm));
            lost = isa.fma(isa.select_less(norm, tiny, weight, zero), isa.splat(1.0), lost);
            isa.store(norm, &mut norms[at..]);
            isa.store(ratio, &mut ratios[at..]);
            dots[p] = ratio;
        }
    }
    for (first, ratios) in [(0, low), (half, high)] {
        let mut states = lanes.chunks_exact_mut(STATES * S::W);
        let mut at = first;
        for lanes in &mut states {
            add_states::<S, P, STATES>(isa, &rows[at..], 2 * half, &ratios, lanes);
            at += STATES * 2 * half;
        }
        let mut pairs = states.into_remainder().chunks_exact_mut(2 * S::W);
        for lanes in &mut pairs {
            add_states::<S, P, 2>(isa, &rows[at..], 2 * half, &ratios, lanes);
            at += 2 * 2 * half;
        }
        for lanes in pairs.into_remainder().chunks_exact_mut(S::W) {
            add_states::<S, P, 1>(isa, &rows[at..], 2 * half, &ratios, lanes);
        }
    }
    lost
}

/// `lanes[k] += Σ_p ratios[p] rows[k][p]` of `K` states, `stride` apart.
#[inline(always)]
fn add_states<S: Isa, const P: usize, const K: usize>(
    isa: S,
    rows: &[f64],
    stride: usize,
    ratios: &[S::Pack; P],
    lanes: &mut [f64],
) {
    let mut sums = [isa.splat(0.0); K];
    let lanes = &mut lanes[..K * S::W];
    let rows = &rows[..(K - 1) * stride + P * S::W];
    for k in 0..K {
        sums[k] = isa.load(&lanes[k * S::W..]);
    }
    for p in 0..P {
        for k in 0..K {
            sums[k] = isa.fma(isa.load(&rows[k * stride + p * S::W..]), ratios[p], sums[k]);
        }
    }
    for k in 0..K {
        isa.store(sums[k], &mut lanes[k * S::W..]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::on_every_isa;
    use super::*;

    /// Rows of values, some of which come twice, with weights.
    struct Case {
        table: Vec<f64>,
        stride: usize,
        values: Vec<u32>,
        weights: Vec<f64>,
        theta: Vec<f64>,
    }

    fn case(states: usize, units: usize) -> Case {
        let (stride, values) = (states.next_multiple_of(8), 17);
        let number = |n: usize| ((n * 37 + 11) % 101) as f64 / 101.0 + 1e-3;
        let mut table = vec![0.0; values * stride];
        for v in 0..values {
            for k in 0..states {
                table[v * stride + k] = number(v * states + k);
            }
        }
        let weights = (0..units).map(|i| 1.0 + (i % 3) as f64).collect();
        let theta = (0..states).map(|k| number(k * k + 5)).collect();
        Case { table, stride, values: (0..units).map(|i| (i * 5 % values) as u32).collect(), weights, theta }
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-13 * expected.abs()
    }

    fn check<S: Isa>(isa: S, states: usize, units: usize, backwards: bool) {
        let c = case(states, units);
        let padded = units.next_multiple_of(2 * S::W);
        let mut rows = vec![f64::NAN; states * padded];
        gather_with(isa, &c.table, c.stride, states, &c.values, padded, &mut rows);
        let mut weights = c.weights.clone();
        weights.resize(padded, 0.0);
        let (mut sums, mut ratios, mut norms) = (vec![0.0; states], vec![0.0; padded], vec![0.0; padded]);
        let mut lanes = vec![f64::NAN; states * S::W];
        assert!(weigh_with(
            isa,
            &rows,
            &weights,
            &c.theta,
            &mut lanes,
            &mut sums,
            &mut ratios,
            &mut norms,
            backwards
        ));
        let row = |i: usize| &c.table[c.values[i] as usize * c.stride..][..states];
        let mut expected = vec![0.0; states];
        for i in 0..units {
            let norm: f64 = row(i).iter().zip(&c.theta).map(|(b, t)| b * t).sum();
            assert!(close(norms[i], norm), "{states} states, {units} units: norm {i}");
            assert!(close(ratios[i], c.weights[i] / norm), "{states} states, {units} units: ratio {i}");
            for k in 0..states {
                expected[k] += c.weights[i] / norm * row(i)[k] * c.theta[k];
            }
        }
        assert!(ratios[units..].iter().all(|r| *r == 0.0));
        for k in 0..states {
            assert!(close(sums[k], expected[k]), "{states} states, {units} units: sum {k}");
        }
    }

    #[test]
    fn gathered_rows_are_weighed_as_a_plain_loop_does() {
        for states in [1, 2, 3, 7, 8, 9, 16, 23, 50] {
            for units in [1, 3, 8, 31, 48, 49, 97, 118, 250] {
                on_every_isa!(isa => {
                    check(isa, states, units, false);
                    check(isa, states, units, true);
                });
            }
        }
    }

    #[test]
    fn units_whose_norm_vanishes_are_told_if_they_count() {
        let (states, units) = (5, 21);
        let mut c = case(states, units);
        c.table[3 * c.stride..][..states].fill(1e-300);
        let gone: Vec<bool> = c.values.iter().map(|v| *v == 3).collect();
        assert!(gone.contains(&true));
        let padded = padded(units);
        let mut rows = vec![0.0; states * padded];
        gather(&c.table, c.stride, states, &c.values, padded, &mut rows);
        let mut weights = c.weights.clone();
        weights.resize(padded, 0.0);
        let (mut sums, mut ratios, mut norms) = (vec![0.0; states], vec![0.0; padded], vec![0.0; padded]);
        let mut lanes = vec![0.0; states * super::lanes()];
        let mut run = |weights: &[f64]| {
            weigh(&rows, weights, &c.theta, &mut lanes, &mut sums, &mut ratios, &mut norms, false)
        };
        assert!(!run(&weights));
        for (w, gone) in weights.iter_mut().zip(&gone) {
            *w = if *gone { 0.0 } else { *w };
        }
        assert!(run(&weights));
        assert!(gone.iter().zip(&ratios).all(|(gone, r)| (*r == 0.0) == *gone));
    }
}
