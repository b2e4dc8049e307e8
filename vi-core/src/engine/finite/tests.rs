//! Every elimination against the sum, the maximum and the law over all joint states of random small cases.

use super::batch;
use super::scan::{self, Chain, Pairs};
use super::table;
use super::tree::{self, Tree};
use super::{Choice, Factors, Failure, Max, Sample, Semiring, Sum};
use crate::rng;

/// A small problem in one notation for both shapes: a chain is the tree whose parents are the nodes before.
struct Case {
    states: usize,
    potential: Vec<f64>,
    parent: Vec<usize>,
    weights: Vec<f64>,
    factors: Factors,
    which: Vec<usize>,
}

/// All joint states with their log-probabilities.
struct Enumerated {
    joint: Vec<(Vec<usize>, f64)>,
    total: f64,
}

impl Case {
    fn len(&self) -> usize {
        self.parent.len()
    }

    fn chain(&self) -> Chain<'_> {
        Chain { log_potential: &self.potential, factors: &self.factors, which: Some(&self.which) }
    }

    fn tree(&self) -> Tree<'_> {
        Tree {
            log_potential: &self.potential,
            parent: &self.parent,
            factors: &self.factors,
            which: Some(&self.which),
        }
    }

    fn weight(&self, n: usize, j: usize, k: usize) -> f64 {
        self.weights[(self.which[n] * self.states + j) * self.states + k]
    }

    fn enumerate(&self) -> Enumerated {
        let (k, n) = (self.states, self.len());
        let joint: Vec<(Vec<usize>, f64)> = (0..k.pow(n as u32))
            .map(|code| {
                let z: Vec<usize> = (0..n).map(|i| code / k.pow(i as u32) % k).collect();
                let log = (0..n)
                    .map(|i| {
                        let edge = if self.parent[i] < i {
                            self.weight(i, z[self.parent[i]], z[i]).ln()
                        } else {
                            0.0
                        };
                        self.potential[i * k + z[i]] + edge
                    })
                    .sum();
                (z, log)
            })
            .collect();
        let largest = joint.iter().map(|j| j.1).fold(f64::NEG_INFINITY, f64::max);
        let total = if largest == f64::NEG_INFINITY {
            largest
        } else {
            largest + joint.iter().map(|j| (j.1 - largest).exp()).sum::<f64>().ln()
        };
        Enumerated { joint, total }
    }
}

impl Enumerated {
    fn probability(&self, of: impl Fn(&[usize]) -> bool) -> f64 {
        self.joint.iter().filter(|j| of(&j.0)).map(|j| (j.1 - self.total).exp()).sum()
    }

    fn best(&self) -> f64 {
        self.joint.iter().map(|j| j.1).fold(f64::NEG_INFINITY, f64::max)
    }

    fn log_of(&self, z: &[usize]) -> f64 {
        self.joint.iter().find(|j| j.0 == z).map_or(f64::NAN, |j| j.1)
    }
}

/// Random cases; `scale` is how far the log potentials spread, and about a quarter of everything is a structural zero.
fn case(seed: usize, chain: bool, scale: f64) -> Case {
    let mut g = rng::stream(7, "case", &[seed, usize::from(chain)]);
    let mut below = |n: usize| ((rng::uniform(&mut g) * n as f64) as usize).min(n - 1);
    let (states, n, matrices) = (1 + below(3), 1 + below(5), 1 + below(2));
    let zeros = below(2) == 0;
    let parent = (0..n).map(|i| if chain || i == 0 { i.saturating_sub(1) } else { below(i + 1) }).collect();
    let which = (0..n).map(|_| below(matrices)).collect();
    let potential = (0..n * states)
        .map(|_| {
            if zeros && below(5) == 0 {
                f64::NEG_INFINITY
            } else {
                (below(2001) as f64 / 1000.0 - 1.0) * scale
            }
        })
        .collect();
    // Rows are not normalised: some sum to less than 1, some to more.
    let weights: Vec<f64> = (0..matrices * states * states)
        .map(|_| if zeros && below(4) == 0 { 0.0 } else { (1 + below(1000)) as f64 / 1500.0 })
        .collect();
    let factors = Factors::new(states, weights.clone());
    Case { states, potential, parent, weights, factors, which }
}

#[track_caller]
pub(super) fn near(a: f64, b: f64, what: &str) {
    near_to(a, b, 1e-11, what);
}

#[track_caller]
fn near_to(a: f64, b: f64, rounding: f64, what: &str) {
    assert!(a == b || (a - b).abs() <= rounding * (1.0 + b.abs()), "{what}: {a} and {b}");
}

/// log p(x), marginals, pairs and the best states, whichever engine they come from.
struct Answer {
    total: f64,
    marginals: Vec<f64>,
    pairs: Vec<f64>,
    best: f64,
    states: Vec<usize>,
}

fn answer(c: &Case, chain: bool) -> Result<Answer, Failure> {
    let mut marginals = vec![f64::NAN; c.potential.len()];
    let mut pairs = vec![0.0; c.weights.len()];
    let mut states = vec![0; c.len()];
    let to = Some(Pairs { sums: &mut pairs, copies: 2.0 });
    let (total, best) = if chain {
        let mut w = scan::Workspace::default();
        (w.smooth(&c.chain(), &mut marginals, to)?, w.most_likely(&c.chain(), &mut states)?)
    } else {
        let mut w = tree::Workspace::default();
        (w.smooth(&c.tree(), &mut marginals, to)?, w.most_likely(&c.tree(), &mut states)?)
    };
    Ok(Answer { total, marginals, pairs, best, states })
}

fn check(c: &Case, chain: bool) -> bool {
    let by_hand = c.enumerate();
    let a = match answer(c, chain) {
        Ok(a) => a,
        Err(failure) => {
            assert_eq!(by_hand.total, f64::NEG_INFINITY, "{failure}");
            return false;
        }
    };
    // The enumeration subtracts logs of this size from one another.
    let rounding = 1e-11 + 16.0 * f64::EPSILON * by_hand.best().abs();
    let near = |a, b, what| near_to(a, b, rounding, what);
    near(a.total, by_hand.total, "log evidence");
    near(a.best, by_hand.best(), "best");
    near(by_hand.log_of(&a.states), by_hand.best(), "the best states");
    for n in 0..c.len() {
        for k in 0..c.states {
            let p = by_hand.probability(|z| z[n] == k);
            near(a.marginals[n * c.states + k], p, "marginal");
            if p == 0.0 {
                assert_eq!(a.marginals[n * c.states + k], 0.0, "a structural zero");
            }
        }
    }
    for (cell, sum) in a.pairs.iter().enumerate() {
        let (m, j, k) = (cell / c.states / c.states, cell / c.states % c.states, cell % c.states);
        let edges = (0..c.len()).filter(|n| c.parent[*n] < *n && c.which[*n] == m);
        let expected: f64 = edges.map(|n| by_hand.probability(|z| z[c.parent[n]] == j && z[n] == k)).sum();
        near(*sum, 2.0 * expected, "pair");
    }
    true
}

#[test]
fn eliminations_are_sums_and_maxima_over_all_states() {
    for chain in [true, false] {
        // At the second scale most states are e⁻¹⁰⁰⁰ times less likely than the best; at the third, the product of two exceeds any double.
        for scale in [1.0, 800.0, 1e6] {
            let possible = (0..300).filter(|seed| check(&case(*seed, chain, scale), chain)).count();
            assert!((200..300).contains(&possible), "{possible}");
        }
    }
}

#[test]
fn draws_follow_the_law_of_all_states() {
    for chain in [true, false] {
        for seed in 0..12 {
            let c = case(seed, chain, 1.5);
            let by_hand = c.enumerate();
            if by_hand.total == f64::NEG_INFINITY {
                continue;
            }
            let draws = 4000;
            let mut counts = vec![0.0; by_hand.joint.len()];
            let (mut scans, mut trees) = (scan::Workspace::default(), tree::Workspace::default());
            let mut z = vec![0; c.len()];
            for d in 0..draws {
                let mut g = rng::stream(11, "draw", &[seed, d]);
                let total = if chain {
                    scans.sample(&c.chain(), &mut g, &mut z)
                } else {
                    trees.sample(&c.tree(), &mut g, &mut z)
                };
                near(total.unwrap(), by_hand.total, "log evidence");
                let at = by_hand.joint.iter().position(|j| j.0 == z).unwrap();
                assert!(by_hand.joint[at].1 > f64::NEG_INFINITY, "a state of probability zero was drawn");
                counts[at] += 1.0;
            }
            let n = draws as f64;
            for (count, (z, log)) in counts.iter().zip(&by_hand.joint) {
                let p = (log - by_hand.total).exp();
                let error = 5.0 * (n * p * (1.0 - p)).sqrt() + 1e-6;
                assert!((count - n * p).abs() <= error.max(5.0), "{z:?}: {count} of {n}, expected {}", n * p);
            }
        }
    }
}

#[test]
fn filtering_sees_the_past_alone() {
    let mut ws = scan::Workspace::default();
    for seed in 0..50 {
        let c = case(seed, true, 2.0);
        let mut filtered = vec![0.0; c.potential.len()];
        if ws.filter(&c.chain(), &mut filtered).is_err() {
            continue;
        }
        for t in 0..c.len() {
            let past = Case {
                potential: c.potential[..(t + 1) * c.states].to_vec(),
                parent: c.parent[..=t].to_vec(),
                which: c.which[..=t].to_vec(),
                factors: c.factors.clone(),
                weights: c.weights.clone(),
                ..c
            };
            let by_hand = past.enumerate();
            for k in 0..c.states {
                near(filtered[t * c.states + k], by_hand.probability(|z| z[t] == k), "filtered");
            }
        }
    }
}

#[test]
fn a_state_that_underflowed_long_ago_can_still_win() {
    // State 1 cannot be entered or left. It falls 2000 nats behind at once, and gains 10 nats a step: at step 200 it is level.
    let factors = Factors::new(2, vec![1.0, 0.0, 0.0, 1.0]);
    let steps = 301;
    let potential: Vec<f64> = (0..steps).flat_map(|t| [0.0, if t == 0 { -2000.0 } else { 10.0 }]).collect();
    let chain = Chain { log_potential: &potential, factors: &factors, which: None };
    let mut ws = scan::Workspace::default();
    let mut marginals = vec![0.0; 2 * steps];
    near(ws.smooth(&chain, &mut marginals, None).unwrap(), 1000.0, "log evidence");
    assert!(marginals.chunks(2).all(|m| m[0] == 0.0 && m[1] == 1.0));
    let mut filtered = vec![0.0; 2 * steps];
    ws.filter(&chain, &mut filtered).unwrap();
    near(filtered[2 * 199], 1.0 / (1.0 + (-10f64).exp()), "one step before");
    near(filtered[2 * 200], 0.5, "level");
    let mut path = vec![9; steps];
    near(ws.most_likely(&chain, &mut path).unwrap(), 1000.0, "best");
    assert!(path.iter().all(|z| *z == 1));
    ws.sample(&chain, &mut rng::stream(1, "z", &[]), &mut path).unwrap();
    assert!(path.iter().all(|z| *z == 1));
}

#[test]
fn a_million_steps_neither_overflow_nor_drift() {
    // Two states that nothing tells apart: every step multiplies p(x) by the same number, known in closed form.
    let million = 1_000_000;
    let factors = Factors::new(2, vec![0.9, 0.1, 0.1, 0.9]);
    for (log, steps) in [(-1000.3, million), (0.7, 1000), (1000.3, 10_000)] {
        let potential = vec![log; 2 * steps];
        let chain = Chain { log_potential: &potential, factors: &factors, which: None };
        let mut ws = scan::Workspace::default();
        let (mut marginals, mut pairs) = (vec![0.0; 2 * steps], vec![0.0; 4]);
        let to = Pairs { sums: &mut pairs, copies: 1.0 };
        let total = ws.smooth(&chain, &mut marginals, Some(to)).unwrap();
        let expected = log * steps as f64 + 2f64.ln();
        assert!((total - expected).abs() <= 1e-13 * expected.abs(), "{total} {expected}");
        assert!(marginals.iter().all(|p| (p - 0.5).abs() < 1e-12));
        // A sum of a million numbers, added one by one.
        let rounding = steps as f64 * f64::EPSILON;
        near_to(pairs.iter().sum::<f64>(), (steps - 1) as f64, rounding, "pairs");
        near_to(pairs[0], 0.45 * (steps - 1) as f64, rounding, "stays");
        let mut path = vec![0; steps];
        let best = ws.most_likely(&chain, &mut path).unwrap();
        let expected = log * steps as f64 + 0.9f64.ln() * (steps - 1) as f64;
        assert!((best - expected).abs() <= 1e-13 * expected.abs(), "{best} {expected}");
        ws.sample(&chain, &mut rng::stream(2, "z", &[]), &mut path).unwrap();
        let moves = path.windows(2).filter(|z| z[0] != z[1]).count() as f64;
        let expected = 0.1 * (steps - 1) as f64;
        assert!((moves - expected).abs() < 5.0 * (0.9 * expected).sqrt(), "{moves}");
    }
    // As a tree without branches, with the deepest path there is.
    let potential = vec![-3.0; 2 * million];
    let parent: Vec<usize> = (0..million).map(|n| n.saturating_sub(1)).collect();
    let tree = Tree { log_potential: &potential, parent: &parent, factors: &factors, which: None };
    let total = tree::Workspace::default().log_evidence(&tree).unwrap();
    assert!((total - (2f64.ln() - 3.0 * million as f64)).abs() < 1e-6, "{total}");
}

/// Children that say the same of both states of their parent: log p = N log(½ eᵃ + ½ eᵇ) exactly, whatever the parent is.
#[test]
fn a_million_children_of_one_parent_round_nothing_off() {
    let n = 1_000_000;
    let (a, b) = (-0.7, -1.9);
    let mut potential: Vec<f64> = [a, b].into_iter().cycle().take(2 * (n + 1)).collect();
    potential[..2].fill(0.5_f64.ln());
    let parent = vec![0; n + 1];
    let factors = Factors::new(2, vec![0.5; 4]);
    let tree = Tree { log_potential: &potential, parent: &parent, factors: &factors, which: None };
    let exact = n as f64 * (0.5 * f64::exp(a) + 0.5 * f64::exp(b)).ln();
    let mut workspace = tree::Workspace::default();
    let mut marginals = vec![0.0; 2 * (n + 1)];
    let found =
        [workspace.log_evidence(&tree).unwrap(), workspace.smooth(&tree, &mut marginals, None).unwrap()];
    for found in found {
        assert!((found / exact - 1.0).abs() < 2e-15, "{found} and {exact}");
    }
    let mut states = vec![0; n + 1];
    let best = workspace.most_likely(&tree, &mut states).unwrap();
    let exact = n as f64 * (a + 0.5_f64.ln()) + 0.5_f64.ln();
    assert!((best / exact - 1.0).abs() < 2e-15, "{best} and {exact}");
    assert!(states[1..].iter().all(|s| *s == 0));
}

#[test]
fn leaks_are_counted_and_not_mended() {
    // Each step loses half of what is there.
    let factors = Factors::new(1, vec![0.5]);
    let potential = vec![0.0; 11];
    let chain = Chain { log_potential: &potential, factors: &factors, which: None };
    near(scan::Workspace::default().log_evidence(&chain).unwrap(), 10.0 * 0.5f64.ln(), "log evidence");
}

#[test]
fn an_impossible_step_is_named() {
    let factors = Factors::new(2, vec![1.0, 0.0, 0.0, 1.0]);
    let never = f64::NEG_INFINITY;
    let mut path = vec![0; 4];
    let mut ws = scan::Workspace::default();
    // Step 2 is possible by itself, but only from a state that step 0 excludes.
    let potential = [0.0, never, 0.0, 0.0, never, 0.0, 0.0, 0.0];
    let chain = Chain { log_potential: &potential, factors: &factors, which: None };
    let failure = Err(Failure::Impossible { at: 2 });
    assert_eq!(ws.log_evidence(&chain), failure);
    assert_eq!(ws.most_likely(&chain, &mut path), failure);
    assert_eq!(ws.sample(&chain, &mut rng::stream(1, "z", &[]), &mut path), failure);
    let potential = [0.0, 0.0, 0.0, f64::NAN];
    let chain = Chain { log_potential: &potential, factors: &factors, which: None };
    assert_eq!(ws.log_evidence(&chain), Err(Failure::NotFinite { at: 1 }));
    assert_eq!(ws.most_likely(&chain, &mut path), Err(Failure::NotFinite { at: 1 }));
    let tree =
        Tree { log_potential: &[0.0, never, never, 0.0], parent: &[0, 0], factors: &factors, which: None };
    assert_eq!(tree::Workspace::default().log_evidence(&tree), Err(Failure::Impossible { at: 0 }));
}

#[test]
fn nothing_at_all_has_probability_one() {
    let factors = Factors::new(3, vec![0.2; 9]);
    let chain = Chain { log_potential: &[], factors: &factors, which: None };
    assert_eq!(scan::Workspace::default().smooth(&chain, &mut [], None), Ok(0.0));
    let tree = Tree { log_potential: &[], parent: &[], factors: &factors, which: None };
    assert_eq!(tree::Workspace::default().smooth(&tree, &mut [], None), Ok(0.0));
}

fn eliminated<S: Semiring>(semiring: &mut S, table: &[f64], states: usize) -> (Vec<f64>, Vec<f64>) {
    let n = table.len() / states;
    let (mut table, mut total) = (table.to_vec(), vec![0.0; n]);
    table::eliminate(semiring, &mut table, states, n, &mut total, |_| true).unwrap();
    (table, total)
}

#[test]
fn a_table_is_summed_maximised_or_drawn() {
    let (states, n) = (3, 200);
    let never = f64::NEG_INFINITY;
    let unit = [0.3f64.ln() - 900.0, never, 0.7f64.ln() - 900.0];
    let table: Vec<f64> = unit.iter().flat_map(|u| vec![*u; n]).collect();
    let (probabilities, total) = eliminated(&mut Sum, &table, states);
    for i in 0..n {
        near(total[i], -900.0, "log evidence");
        near(probabilities[i], 0.3, "probability");
        assert_eq!(probabilities[n + i], 0.0);
    }
    let (best, total) = eliminated(&mut Max::default(), &table, states);
    assert!(table::chosen(&best, states, n).all(|k| k == 2));
    assert!(total.iter().all(|t| *t == unit[2]));
    let mut g = rng::stream(3, "table", &[]);
    let (drawn, total) = eliminated(&mut Sample(&mut g), &table, states);
    near(total[0], -900.0, "log evidence");
    let ones = table::chosen(&drawn, states, n).filter(|k| *k == 0).count() as f64;
    assert!((ones - 60.0).abs() < 5.0 * (n as f64 * 0.21).sqrt(), "{ones}");
    assert_eq!(drawn.iter().sum::<f64>(), n as f64);
}

#[test]
fn a_unit_without_an_answer_is_named_unless_it_counts_for_nothing() {
    let never = f64::NEG_INFINITY;
    let run = |counts: fn(usize) -> bool, bad: f64| {
        let mut table = [0.0, bad, 0.0, bad];
        table::eliminate(&mut Sum, &mut table, 2, 2, &mut [0.0; 2], counts)
    };
    assert_eq!(run(|_| true, never), Err(Failure::Impossible { at: 1 }));
    assert_eq!(run(|_| true, f64::NAN), Err(Failure::NotFinite { at: 1 }));
    assert_eq!(run(|i| i != 1, never), Ok(()));
}

#[test]
fn the_lowest_of_equals_is_chosen() {
    assert_eq!(Max::default().choose(&mut [1.0, 3.0, 3.0]), 1);
    assert_eq!(Max::default().choose_by_weight(&[0.25, 0.5, 0.5]), 1);
}

/// What a batch says of eight sequences.
pub(super) struct SideBySide {
    pub logs: [f64; 8],
    /// By units.
    pub smoothed: [Vec<f64>; 8],
    pub sums: Vec<f64>,
}

/// `potentials` are by units.
pub(super) fn side_by_side(
    factors: &Factors,
    lengths: [usize; 8],
    copies: [f64; 8],
    potentials: &[Vec<f64>],
) -> SideBySide {
    let states = factors.states();
    let mut side = batch::Batch::default();
    // What an earlier batch has left must not show.
    side.begin(factors, [15; 8], [1.0; 8]);
    let mut sevens: [Vec<f64>; 8] = std::array::from_fn(|_| vec![7.0; 15 * states]);
    side.advance(factors, 0..15, &mut sevens.each_mut().map(Vec::as_mut_slice));
    side.begin(factors, lengths, copies);
    for span in side.spans() {
        let counts = side.counts(&span);
        let mut tables: [Vec<f64>; 8] = std::array::from_fn(|lane| {
            let (n, potential) = (counts[lane], &potentials[lane][lengths[lane].min(span.start) * states..]);
            (0..states * n).map(|at| potential[at % n * states + at / n]).collect()
        });
        side.advance(factors, span, &mut tables.each_mut().map(Vec::as_mut_slice));
    }
    let logs = side.evidence();
    let mut smoothed: [Vec<f64>; 8] = std::array::from_fn(|lane| vec![0.0; lengths[lane] * states]);
    for span in side.spans().rev() {
        let counts = side.counts(&span);
        let mut tables = counts.map(|n| vec![0.0; n * states]);
        side.retreat(factors, span.clone(), &mut tables.each_mut().map(Vec::as_mut_slice));
        for (lane, table) in tables.iter().enumerate() {
            for (at, p) in table.iter().enumerate() {
                let n = counts[lane];
                smoothed[lane][(span.start + at % n) * states + at / n] = *p;
            }
        }
    }
    let mut sums = vec![0.0; factors.parts().len()];
    side.add_pairs(factors, &mut sums);
    SideBySide { logs, smoothed, sums }
}

#[test]
fn sequences_side_by_side_are_what_each_is_alone() {
    for seed in 0..40 {
        let mut g = rng::stream(5, "batch", &[seed]);
        let mut below = |n: usize| ((rng::uniform(&mut g) * n as f64) as usize).min(n - 1);
        let states = 1 + below(9);
        let scale = [1.0, 30.0, 300.0][below(3)];
        let zeros = below(2) == 0;
        let weights: Vec<f64> = (0..states * states)
            .map(|_| if zeros && below(4) == 0 { 0.0 } else { (1 + below(1000)) as f64 / 1500.0 })
            .collect();
        let factors = Factors::new(states, weights);
        assert!(batch::takes(&factors));
        let longest = if seed % 4 == 0 { 2 * batch::SPAN + 9 } else { 12 };
        // Where there are four sequences, the other lanes are left alone.
        let most = if seed % 5 == 0 { 4 } else { 8 };
        let lengths: [usize; 8] = std::array::from_fn(|lane| if lane < most { below(longest) } else { 0 });
        let potentials: Vec<Vec<f64>> = lengths
            .iter()
            .map(|n| {
                let one = |_| match below(10) {
                    0 if zeros => f64::NEG_INFINITY,
                    _ => (below(2001) as f64 / 1000.0 - 1.0) * scale,
                };
                (0..n * states).map(one).collect()
            })
            .collect();
        let copies = [1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0];
        let copies = if seed % 3 == 0 { [1.0; 8] } else { copies };
        let SideBySide { logs, smoothed, sums } = side_by_side(&factors, lengths, copies, &potentials);
        let mut expected = vec![0.0; states * states];
        for (lane, potential) in potentials.iter().enumerate() {
            let n = lengths[lane];
            let chain = Chain { log_potential: potential, factors: &factors, which: None };
            let mut marginals = vec![0.0; n * states];
            let mut pairs = vec![0.0; states * states];
            let to = Pairs { sums: &mut pairs, copies: copies[lane] };
            let alone = scan::Workspace::default().smooth(&chain, &mut marginals, Some(to));
            if logs[lane].is_nan() {
                let spread = potential.iter().filter(|p| p.is_finite()).any(|p| p.abs() > 80.0);
                assert!(alone.is_err() || spread, "a lane was lost without need");
                continue;
            }
            near(logs[lane], alone.unwrap(), "log evidence");
            expected.iter_mut().zip(&pairs).for_each(|(e, p)| *e += p);
            smoothed[lane].iter().zip(&marginals).for_each(|(p, m)| near(*p, *m, "marginal"));
        }
        sums.iter().zip(&expected).for_each(|(a, b)| near(*a, *b, "pairs"));
    }
}
