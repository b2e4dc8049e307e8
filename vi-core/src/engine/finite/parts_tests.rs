//! Steps in parts against the same steps as one matrix.

use super::batch;
use super::scan::{self, Chain, Pairs};
use super::tests::{SideBySide, side_by_side};
use super::tree::{self, Tree};
use super::{Digit, Factors, Failure, Part, Parts};
use crate::rng;

fn lost(extent: usize, before: usize) -> Digit {
    Digit { extent, before: Some(before), after: None }
}

fn kept(extent: usize, before: usize, after: usize) -> Digit {
    Digit { extent, before: Some(before), after: Some(after) }
}

fn new(extent: usize, after: usize) -> Digit {
    Digit { extent, before: None, after: Some(after) }
}

/// Steps of several shapes, with extents that differ.
fn shapes(a: usize, b: usize) -> Vec<Parts> {
    vec![
        // (z[t−1], z[t−2]) to (z[t], z[t−1]).
        Parts::new(a * a, vec![Part::new(1, 1, vec![kept(a, 0, 1), lost(a, 1), new(a, 0)])]),
        // One more step back.
        Parts::new(
            a * a * a,
            vec![Part::new(2, 1, vec![kept(a, 0, 1), kept(a, 1, 2), lost(a, 2), new(a, 0)])],
        ),
        // Two chains that do not see one another.
        Parts::new(
            a * b,
            vec![
                Part::new(1, 1, vec![lost(b, 1), lost(a, 0), new(a, 0)]),
                Part::new(1, 1, vec![new(a, 0), lost(b, 1), new(b, 1)]),
            ],
        ),
        // The second chain looks at the first: it comes in first.
        Parts::new(
            a * b,
            vec![
                Part::new(1, 1, vec![lost(a, 0), lost(b, 1), new(b, 1)]),
                Part::new(1, 1, vec![new(b, 1), lost(a, 0), new(a, 0)]),
            ],
        ),
        // The first remembers two steps, the second one.
        Parts::new(
            a * a * b,
            vec![
                Part::new(2, 1, vec![kept(a, 0, 1), lost(a, 1), lost(b, 2), new(b, 2)]),
                Part::new(2, 1, vec![kept(a, 0, 1), new(b, 2), lost(a, 1), new(a, 0)]),
            ],
        ),
        // Both come in at once, and one is remembered.
        Parts::new(
            a * a * b,
            vec![Part::new(1, 2, vec![kept(a, 0, 1), lost(a, 1), lost(b, 2), new(a, 0), new(b, 2)])],
        ),
        // One digit lasts.
        Parts::new(a * b, vec![Part::new(1, 1, vec![kept(b, 1, 1), lost(a, 0), new(a, 0)])]),
        // All of them do.
        Parts::new(a * b, vec![Part::new(2, 0, vec![kept(a, 0, 0), kept(b, 1, 1)])]),
    ]
}

#[track_caller]
fn near(a: f64, b: f64, what: &str) {
    assert!(a == b || (a - b).abs() <= 1e-10 * (1.0 + b.abs()), "{what}: {a} and {b}");
}

/// The same with every number as the sum over what it stands for.
fn sums_of(parts: &Parts, dense: &[f64]) -> Vec<f64> {
    let states = parts.states();
    let mut out = vec![0.0; parts.len()];
    for (n, sum) in out.iter_mut().enumerate() {
        // A weight of 0 in one place rules out what goes through it.
        let mut log = vec![0.0; parts.len()];
        log[n] = f64::NEG_INFINITY;
        for j in 0..states {
            for k in 0..states {
                let through = parts.log_weight(&log, j, k) == f64::NEG_INFINITY
                    && parts.log_weight(&vec![0.0; parts.len()], j, k) > f64::NEG_INFINITY;
                *sum += if through { dense[j * states + k] } else { 0.0 };
            }
        }
    }
    out
}

struct Random(rand_chacha::ChaCha8Rng);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        ((rng::uniform(&mut self.0) * n as f64) as usize).min(n - 1)
    }

    fn weights(&mut self, n: usize, zeros: bool) -> Vec<f64> {
        let mut one =
            || if zeros && self.below(5) == 0 { 0.0 } else { (1 + self.below(1000)) as f64 / 1500.0 };
        (0..n).map(|_| one()).collect()
    }

    fn potentials(&mut self, n: usize, zeros: bool, scale: f64) -> Vec<f64> {
        let mut one = || match self.below(10) {
            0 if zeros => f64::NEG_INFINITY,
            _ => (self.below(2001) as f64 / 1000.0 - 1.0) * scale,
        };
        (0..n).map(|_| one()).collect()
    }
}

fn each(check: impl Fn(&Parts, &mut Random, bool, f64)) {
    for seed in 0..20 {
        let mut g = Random(rng::stream(6, "parts", &[seed]));
        let (a, b) = (1 + g.below(2), 1 + g.below(3));
        let (zeros, scale) = (g.below(2) == 0, [1.0, 30.0, 800.0][g.below(3)]);
        for parts in shapes(a, b) {
            check(&parts, &mut g, zeros, scale);
        }
    }
}

fn logs(weights: &[f64]) -> Vec<f64> {
    weights.iter().map(|w| w.ln()).collect()
}

/// The evidence, the marginals and the sums of pairs in parts are those of one matrix, of which the evidence is returned; or none has one.
fn alike(
    parts: &Parts,
    (found, p, pairs): (Result<f64, Failure>, &[f64], &[f64]),
    (expected, q, all): (Result<f64, Failure>, &[f64], &[f64]),
) -> Option<f64> {
    let Ok(expected) = expected else {
        assert_eq!(found, expected);
        return None;
    };
    near(found.unwrap(), expected, "log evidence");
    p.iter().zip(q).for_each(|(p, q)| near(*p, *q, "marginal"));
    let square = parts.states() * parts.states();
    for (found, all) in pairs.chunks(parts.len()).zip(all.chunks(square)) {
        let expected = sums_of(parts, all);
        found.iter().zip(&expected).for_each(|(a, b)| near(*a, *b, "pairs"));
    }
    Some(expected)
}

#[test]
fn a_step_in_parts_is_the_step_as_one_matrix() {
    each(|parts, g, zeros, scale| {
        let (states, steps, kinds) = (parts.states(), 1 + g.below(5), 1 + g.below(2));
        let which: Vec<usize> = (0..steps).map(|_| g.below(kinds)).collect();
        let factors = Factors::in_parts(parts.clone(), logs(&g.weights(kinds * parts.len(), zeros)));
        let dense: Vec<f64> = (0..kinds).flat_map(|m| factors.expanded(m)).collect();
        let dense = Factors::from_logs(states, dense);
        let potential = g.potentials(steps * states, zeros, scale);
        let one = Chain { log_potential: &potential, factors: &factors, which: Some(&which) };
        let other = Chain { factors: &dense, ..one };
        let (mut w, mut v) = (scan::Workspace::default(), scan::Workspace::default());
        let (mut p, mut q) = (vec![0.0; steps * states], vec![0.0; steps * states]);
        let (mut pairs, mut all) = (vec![0.0; kinds * parts.len()], vec![0.0; kinds * states * states]);
        let expected = v.smooth(&other, &mut q, Some(Pairs { sums: &mut all, copies: 2.0 }));
        let found = w.smooth(&one, &mut p, Some(Pairs { sums: &mut pairs, copies: 2.0 }));
        let Some(expected) = alike(parts, (found, &p, &pairs), (expected, &q, &all)) else { return };
        w.filter(&one, &mut p).unwrap();
        v.filter(&other, &mut q).unwrap();
        p.iter().zip(&q).for_each(|(p, q)| near(*p, *q, "filtered"));
        near(w.log_evidence(&one).unwrap(), expected, "log evidence");
        for t in 1..steps {
            let (a, b) = (w.pair(&one, t).unwrap(), v.pair(&other, t).unwrap());
            a.iter().zip(&b).for_each(|(a, b)| near(*a, *b, "one pair"));
        }
        let (mut path, mut best) = (vec![0; steps], vec![0; steps]);
        near(w.most_likely(&one, &mut path).unwrap(), v.most_likely(&other, &mut best).unwrap(), "best");
        let density = |z: &[usize]| -> f64 {
            let step = |t: usize| dense.log_weight(which[t], z[t - 1], z[t]);
            (0..steps).map(|t| potential[t * states + z[t]] + if t > 0 { step(t) } else { 0.0 }).sum()
        };
        near(density(&path), density(&best), "the best path");
        let message = g.potentials(states, false, scale);
        w.predict(&message, &factors, 0, &mut p[..states]);
        v.predict(&message, &dense, 0, &mut q[..states]);
        p[..states].iter().zip(&q).for_each(|(p, q)| near(*p, *q, "one step ahead"));
    });
}

#[test]
fn a_step_down_a_tree_in_parts_is_the_step_as_one_matrix() {
    each(|parts, g, zeros, scale| {
        let (states, nodes, kinds) = (parts.states(), 1 + g.below(6), 1 + g.below(2));
        let which: Vec<usize> = (0..nodes).map(|_| g.below(kinds)).collect();
        // A node that is its own parent is a root.
        let parent: Vec<usize> = (0..nodes).map(|n| g.below(n + 1)).collect();
        let factors = Factors::in_parts(parts.clone(), logs(&g.weights(kinds * parts.len(), zeros)));
        let dense: Vec<f64> = (0..kinds).flat_map(|m| factors.expanded(m)).collect();
        let dense = Factors::from_logs(states, dense);
        let potential = g.potentials(nodes * states, zeros, scale);
        let one = Tree { log_potential: &potential, parent: &parent, factors: &factors, which: Some(&which) };
        let other = Tree { factors: &dense, ..one };
        let (mut w, mut v) = (tree::Workspace::default(), tree::Workspace::default());
        let (mut p, mut q) = (vec![0.0; nodes * states], vec![0.0; nodes * states]);
        let (mut pairs, mut all) = (vec![0.0; kinds * parts.len()], vec![0.0; kinds * states * states]);
        let expected = v.smooth(&other, &mut q, Some(Pairs { sums: &mut all, copies: 2.0 }));
        let found = w.smooth(&one, &mut p, Some(Pairs { sums: &mut pairs, copies: 2.0 }));
        if alike(parts, (found, &p, &pairs), (expected, &q, &all)).is_none() {
            return;
        }
        for n in (1..nodes).filter(|n| parent[*n] < *n) {
            let (a, b) = (w.pair(&one, n).unwrap(), v.pair(&other, n).unwrap());
            a.iter().zip(&b).for_each(|(a, b)| near(*a, *b, "one pair"));
        }
        let (mut chosen, mut best) = (vec![0; nodes], vec![0; nodes]);
        near(w.most_likely(&one, &mut chosen).unwrap(), v.most_likely(&other, &mut best).unwrap(), "best");
        let density = |z: &[usize]| -> f64 {
            let step = |n: usize| dense.log_weight(which[n], z[parent[n]], z[n]);
            let node = |n: usize| potential[n * states + z[n]] + if parent[n] < n { step(n) } else { 0.0 };
            (0..nodes).map(node).sum()
        };
        near(density(&chosen), density(&best), "the best states");
        // Draws are possible, and of one node as often as they are likely.
        let (draws, last) = (200, nodes - 1);
        let mut counts = vec![0.0; states];
        for _ in 0..draws {
            w.sample(&one, &mut g.0, &mut chosen).unwrap();
            assert!(density(&chosen) > f64::NEG_INFINITY, "what is impossible was drawn");
            counts[chosen[last]] += 1.0;
        }
        for (count, p) in counts.iter().zip(&q[last * states..]) {
            let n = f64::from(draws);
            assert!((count - n * p).abs() <= 6.0 * (n * p * (1.0 - p)).sqrt() + 2.0, "{count}, {}", n * p);
        }
    });
}

#[test]
fn draws_of_steps_in_parts_have_the_marginals() {
    for (n, parts) in shapes(2, 3).iter().enumerate() {
        let mut g = Random(rng::stream(8, "drawn", &[n]));
        let (states, steps, draws) = (parts.states(), 4, 4000);
        let factors = Factors::in_parts(parts.clone(), logs(&g.weights(parts.len(), true)));
        let potential = g.potentials(steps * states, false, 1.5);
        let chain = Chain { log_potential: &potential, factors: &factors, which: None };
        let mut w = scan::Workspace::default();
        let (mut p, mut path) = (vec![0.0; steps * states], vec![0; steps]);
        w.smooth(&chain, &mut p, None).unwrap();
        let pair = w.pair(&chain, 2).unwrap();
        let (mut counts, mut pairs) = (vec![0.0; steps * states], vec![0.0; states * states]);
        for _ in 0..draws {
            w.sample(&chain, &mut g.0, &mut path).unwrap();
            path.iter().enumerate().for_each(|(t, z)| counts[t * states + z] += 1.0);
            pairs[path[1] * states + path[2]] += 1.0;
        }
        for (count, p) in counts.iter().chain(&pairs).zip(p.iter().chain(&pair)) {
            let n = draws as f64;
            assert!(*p > 0.0 || *count == 0.0, "what is impossible was drawn");
            assert!((count - n * p).abs() <= 5.0 * (n * p * (1.0 - p)).sqrt() + 2.0, "{count}, {}", n * p);
        }
    }
}

#[test]
fn sequences_side_by_side_in_parts_are_what_each_is_alone() {
    let mut lost_lanes = 0;
    let mut all_lanes = 0;
    for seed in 0..30 {
        let mut g = Random(rng::stream(9, "side", &[seed]));
        let (a, b) = (1 + g.below(3), 1 + g.below(5));
        let (zeros, scale) = (g.below(2) == 0, [1.0, 30.0][g.below(2)]);
        for parts in shapes(a, b) {
            let states = parts.states();
            let factors = Factors::in_parts(parts.clone(), logs(&g.weights(parts.len(), zeros)));
            assert!(batch::takes(&factors));
            // Longer than what is added up in registers.
            let longest = if seed % 5 == 0 { 90 } else { 40 };
            let most = if seed % 3 == 0 { 4 } else { 8 };
            let lengths: [usize; 8] =
                std::array::from_fn(|lane| if lane < most { g.below(longest) } else { 0 });
            let potentials: Vec<Vec<f64>> =
                lengths.iter().map(|n| g.potentials(n * states, zeros, scale)).collect();
            let copies = [1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0];
            let SideBySide { logs, smoothed, sums } = side_by_side(&factors, lengths, copies, &potentials);
            let mut expected = vec![0.0; parts.len()];
            for (lane, potential) in potentials.iter().enumerate() {
                let n = lengths[lane];
                let chain = Chain { log_potential: potential, factors: &factors, which: None };
                let (mut marginals, mut pairs) = (vec![0.0; n * states], vec![0.0; parts.len()]);
                let to = Pairs { sums: &mut pairs, copies: copies[lane] };
                let alone = scan::Workspace::default().smooth(&chain, &mut marginals, Some(to));
                all_lanes += 1;
                if logs[lane].is_nan() {
                    lost_lanes += usize::from(alone.is_ok());
                    continue;
                }
                near(logs[lane], alone.unwrap(), "log evidence");
                expected.iter_mut().zip(&pairs).for_each(|(e, p)| *e += p);
                smoothed[lane].iter().zip(&marginals).for_each(|(p, m)| near(*p, *m, "marginal"));
            }
            sums.iter().zip(&expected).for_each(|(a, b)| near(*a, *b, "pairs"));
        }
    }
    assert!(lost_lanes * 20 < all_lanes, "{lost_lanes} of {all_lanes} were lost without need");
}

#[test]
fn independent_units_have_the_products_of_their_laws() {
    each(|parts, g, _, _| {
        let states = parts.states();
        let law = |w: Vec<f64>| {
            let total: f64 = w.iter().sum();
            w.iter().map(|x| x / total).collect::<Vec<f64>>()
        };
        let (before, after) = (law(g.weights(states, false)), law(g.weights(states, false)));
        let mut sums = vec![0.0; parts.len()];
        parts.add_independent(&before, &after, &mut sums);
        for part in parts.each() {
            near(sums[part.start..][..part.len()].iter().sum(), 1.0, "all of a part");
        }
        if !parts.shares_digits() {
            let dense: Vec<f64> = before.iter().flat_map(|p| after.iter().map(move |q| p * q)).collect();
            let expected = sums_of(parts, &dense);
            sums.iter().zip(&expected).for_each(|(a, b)| near(*a, *b, "a pair"));
        }
    });
}
