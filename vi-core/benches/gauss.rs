//! Chains of Gaussian states on one thread: EM of a state space, its parts, and smoothing.

use std::hint::black_box;

use divan::Bencher;
use em::{StateSpace, Workspace};
use nalgebra::{DMatrix, DVector};
use vi_core::engine::gauss::Rows;
use vi_core::engine::gauss::scan::{Filter, Patterns, Row, Scan, Sequence};
use vi_core::engine::gauss::tree::Tree;

#[path = "../tests/gauss/em.rs"]
mod em;

const STATE: usize = 4;
const OUTPUTS: usize = 8;
const SEQUENCES: usize = 20;
const STEPS: usize = 2_000;

fn main() {
    divan::main();
}

/// Reproducible numbers, roughly normal.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        (0..12)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1u64 << 53) as f64
            })
            .sum::<f64>()
            - 6.0
    }
}

/// Two slow rotations seen by eight outputs, and a start that knows neither.
fn workload(longest: usize) -> (StateSpace, Vec<Vec<f64>>) {
    let mut draw = noise(6);
    let mut a = DMatrix::zeros(STATE, STATE);
    for (i, angle) in [0.15_f64, 0.4].into_iter().enumerate() {
        let (sin, cos) = angle.sin_cos();
        let block = DMatrix::from_row_slice(2, 2, &[cos, -sin, sin, cos]) * 0.98;
        a.view_mut((2 * i, 2 * i), (2, 2)).copy_from(&block);
    }
    let c = DMatrix::from_fn(OUTPUTS, STATE, |_, _| draw());
    let data = (0..SEQUENCES)
        .map(|s| {
            let mut x = DVector::from_fn(STATE, |_, _| draw());
            (0..longest - s * (longest - STEPS) / SEQUENCES)
                .flat_map(|_| {
                    x = &a * &x + DVector::from_fn(STATE, |_, _| draw() * 0.1_f64.sqrt());
                    let y = &c * &x;
                    y.iter().map(|y| y + 0.7 * draw()).collect::<Vec<_>>()
                })
                .collect()
        })
        .collect();
    let start = StateSpace {
        a: DMatrix::identity(STATE, STATE) * 0.9,
        c: DMatrix::from_fn(OUTPUTS, STATE, |_, _| draw()),
        q: DMatrix::identity(STATE, STATE) * 0.5,
        r: DMatrix::identity(OUTPUTS, OUTPUTS),
        m0: DVector::zeros(STATE),
        p0: DMatrix::identity(STATE, STATE),
    };
    (start, data)
}

fn em_iteration(bencher: Bencher, longest: usize) {
    let (start, data) = workload(longest);
    let which: Vec<usize> = (0..longest).map(|t| usize::from(t > 0)).collect();
    let sequences: Vec<Sequence<'_>> =
        data.iter().map(|y| Sequence::new(&which[..y.len() / OUTPUTS], y)).collect();
    let mut on = Workspace::default();
    let mut model = start;
    bencher
        .counter(divan::counter::ItemsCount::new(data.iter().map(|y| y.len() / OUTPUTS).sum::<usize>()))
        .bench_local(|| model.step(black_box(&sequences), &mut on).expect("a likelihood"));
}

#[divan::bench]
fn em_iteration_of_equal_lengths(bencher: Bencher) {
    em_iteration(bencher, STEPS);
}

#[divan::bench]
fn em_iteration_of_ragged_lengths(bencher: Bencher) {
    em_iteration(bencher, 3 * STEPS / 2);
}

#[divan::bench]
fn evidence_alone(bencher: Bencher) {
    let (start, data) = workload(STEPS);
    let which: Vec<usize> = (0..STEPS).map(|t| usize::from(t > 0)).collect();
    let sequences: Vec<Sequence<'_>> = data.iter().map(|y| Sequence::new(&which, y)).collect();
    let mut patterns = Patterns::default();
    start.patterns(&mut patterns);
    let mut scan = Scan::new();
    bencher.bench_local(|| scan.evidence(&patterns, black_box(&sequences)));
}

/// A tenth of all values is missing, at random: every sequence factorises its own steps.
#[divan::bench]
fn smoothing_with_holes(bencher: Bencher) {
    let (start, data) = workload(STEPS);
    let mut patterns = Patterns::default();
    start.patterns(&mut patterns);
    let mut draw = noise(7);
    // Steps without any observation, as pattern 2.
    let (unit, a) = (DMatrix::<f64>::identity(STATE, STATE), -start.a.transpose());
    patterns.begin();
    for i in 0..STATE {
        let row = Row {
            previous: &a.as_slice()[i * STATE..][..STATE],
            current: &unit.as_slice()[i * STATE..][..STATE],
            ..Row::default()
        };
        patterns.density(start.q[(i, i)].sqrt().recip(), row);
    }
    let which: Vec<Vec<usize>> = (0..SEQUENCES)
        .map(|_| (0..STEPS).map(|t| if t == 0 { 0 } else { 1 + usize::from(draw() > 1.28) }).collect())
        .collect();
    let sequences: Vec<Sequence<'_>> = which.iter().zip(&data).map(|(w, y)| Sequence::new(w, y)).collect();
    let mut scan = Scan::new();
    bencher.bench_local(|| scan.smooth(&patterns, black_box(&sequences)));
}

/// A level with a slope, observed with noise.
fn trend() -> (Patterns, Vec<f64>) {
    let mut patterns = Patterns::new(2, 1);
    let observation = Row { current: &[1.0, 0.0], inputs: &[1.0], ..Row::default() };
    patterns.begin();
    patterns.density(1.0, Row { current: &[1.0, 0.0], ..Row::default() });
    patterns.density(1.0, Row { current: &[0.0, 1.0], ..Row::default() });
    patterns.density(1.0, observation);
    patterns.begin();
    patterns.density(10.0, Row { previous: &[-1.0, -1.0], current: &[1.0, 0.0], ..Row::default() });
    patterns.density(100.0, Row { previous: &[0.0, -1.0], current: &[0.0, 1.0], ..Row::default() });
    patterns.density(1.0, observation);
    let mut draw = noise(8);
    (patterns, (0..10_000).map(|_| draw()).collect())
}

#[divan::bench]
fn smoothing_of_ten_thousand_steps(bencher: Bencher) {
    let (patterns, y) = trend();
    let which: Vec<usize> = (0..y.len()).map(|t| usize::from(t > 0)).collect();
    let mut scan = Scan::new();
    bencher.bench_local(|| scan.smooth(&patterns, black_box(&[Sequence::new(&which, &y)])));
}

/// Coefficients that change at every step: nothing repeats.
#[divan::bench]
fn smoothing_of_ten_thousand_different_steps(bencher: Bencher) {
    let (_, y) = trend();
    let mut patterns = Patterns::new(2, 1);
    for t in 0..y.len() {
        let x = (t as f64 * 0.01).sin();
        patterns.begin();
        patterns.density(10.0, Row { previous: &[-1.0, 0.0], current: &[1.0, 0.0], ..Row::default() });
        patterns.density(20.0, Row { previous: &[0.0, -1.0], current: &[0.0, 1.0], ..Row::default() });
        patterns.density(1.0, Row { current: &[1.0, x], inputs: &[1.0], ..Row::default() });
        if t == 0 {
            patterns.density(1.0, Row { current: &[1.0, 0.0], ..Row::default() });
            patterns.density(1.0, Row { current: &[0.0, 1.0], ..Row::default() });
        }
    }
    let which: Vec<usize> = (0..y.len()).collect();
    let mut scan = Scan::new();
    bencher.bench_local(|| scan.smooth(&patterns, black_box(&[Sequence::new(&which, &y)])));
}

/// The same chain step by step, as its data come in.
#[divan::bench]
fn filtering_of_ten_thousand_steps(bencher: Bencher) {
    let (patterns, y) = trend();
    bencher.bench_local(|| {
        let mut filter = Filter::new();
        for (t, y) in black_box(&y).iter().enumerate() {
            filter.step(&patterns, usize::from(t > 0), std::slice::from_ref(y)).expect("rows");
        }
        filter.log_evidence()
    });
}

/// Lines with intercepts and slopes of their own around shared ones: a tree of depth one.
#[divan::bench]
fn hierarchy_of_ten_thousand_lines(bencher: Bencher) {
    let (groups, each) = (10_000, 10);
    let mut draw = noise(9);
    let y: Vec<f64> = (0..groups * each).map(|_| draw()).collect();
    let sizes = vec![2; groups + 1];
    let parents: Vec<usize> = (0..=groups).map(|n| if n == 0 { usize::MAX } else { 0 }).collect();
    let (mut tree, mut rows, shared) = (Tree::new(), Rows::default(), Rows::new(2, 1));
    bencher.bench_local(|| {
        tree.start(&sizes, &parents, 1);
        for group in black_box(&y).rchunks(each) {
            rows.reset(4, 1);
            for i in 0..2 {
                rows.density(2.0, &[(i, 1.0), (2 + i, -1.0)], &[0.0]);
            }
            for (i, y) in group.iter().enumerate() {
                rows.density(1.0, &[(0, 1.0), (1, i as f64 * 0.1)], &[*y]);
            }
            tree.eliminate(&rows).expect("rows");
        }
        tree.eliminate(&shared).expect("rows");
        tree.finish();
        tree.log_evidence(0)
    });
}
