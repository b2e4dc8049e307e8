//! M-steps that are mixed with earlier ones: at most half the sweeps of plain ones, each E-step counted, to the same end.

use std::cell::RefCell;
use vi_core::fit::{Program, Progress};
use vi_core::prelude::*;
use vi_tests::data::{self, Noise};
use vi_tests::factors::{completion, factor_analysis as factors, ppca as components};
use vi_tests::law::{exact, monotone};

thread_local! {
    static SEEN: RefCell<Vec<(usize, f64)>> = const { RefCell::new(vec![]) };
}

fn saw(p: &Progress) {
    SEEN.with(|s| s.borrow_mut().push((p.iteration, p.objective)));
}

/// The objective, and how many E-steps it took, whether their outcome was kept or not.
fn traced<M: Program>(run: impl Fn(&Options) -> Fit<M>, mixed: bool, expand: bool) -> Vec<(usize, f64)> {
    let options = Options::new().tolerance(1e-10).max_iterations(100_000).threads(1).progress(saw);
    let fit = run(&options.expand(expand).accelerate(mixed));
    monotone(&fit.trace);
    assert!(fit.converged);
    let seen = SEEN.with(|s| std::mem::take(&mut *s.borrow_mut()));
    assert_eq!(seen.last().unwrap(), &(fit.iterations, fit.elbo()));
    seen
}

fn compared<M: Program>(what: &str, run: impl Fn(&Options) -> Fit<M>) {
    let runs = [(true, true), (false, true), (false, false)].map(|(m, e)| traced(&run, m, e));
    let ends = runs.each_ref().map(|r| r.last().unwrap().1);
    let top = ends.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let [mixed, expanded, plain] =
        runs.map(|r| r.iter().find(|x| x.1 > top - 1e-3).map_or(usize::MAX, |x| x.0));
    println!("{what}: {mixed} sweeps mixed, {expanded} expanded, {plain} plain; ends {ends:?}");
    // Plain sweeps that creep stop a little earlier.
    assert!(top - ends[0] < 1e-6 && ends.iter().all(|e| top - e < 1e-3), "{what}: {ends:?}");
    assert!(2 * mixed <= plain, "{what}: {mixed} and {plain}");
}

fn made(n: usize, d: usize, h: usize, noise: f64, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let f = DMatrix::from_fn(n, h, |_, _| g.normal());
    let rest = DMatrix::from_fn(n, d, |_, j| g.normal() * noise * (0.7 + 0.06 * j as f64));
    f * w.transpose() + rest.map_with_location(|_, j, x| x + 1.5 * j as f64)
}

#[test]
fn factor_analysis_takes_at_most_half_the_sweeps_at_any_noise() {
    // At the largest noise, a variance of seed 12 falls to its bound: another kind of end.
    for (noise, seeds) in [(0.3, [11, 12, 13]), (1.0, [11, 12, 13]), (2.0, [11, 13, 14])] {
        for seed in seeds {
            let x = made(400, 10, 3, noise, seed);
            let data = factors::Data { x: (&x).into() };
            compared(&format!("factor analysis, noise {noise}, seed {seed}"), |o| {
                factors::Model::new(3).fit(&data, o).unwrap()
            });
        }
    }
    let x = made(400, 10, 3, 0.1, 11);
    let data = factors::Data { x: (&x).into() };
    compared("factor analysis, noise 0.1", |o| factors::Model::new(3).fit(&data, o).unwrap());
}

#[test]
fn irises_take_at_most_half_the_sweeps() {
    let x = data::read("iris.csv");
    let data = components::Data { x: (&x).into() };
    compared("iris, 2 principal components", |o| components::Model::new(2).fit(&data, o).unwrap());
}

#[test]
fn a_mixed_fit_is_exact_and_says_so_in_its_plan() {
    let x = made(60, 5, 2, 0.8, 3);
    let data = factors::Data { x: (&x).into() };
    let fit = factors::Model::new(2).fit(&data, &Options::new().tolerance(1e-12)).unwrap();
    let n = x.nrows() as f64;
    let mu = &fit.params.mu;
    let mut cov = &fit.params.W * fit.params.W.transpose();
    (0..5).for_each(|d| cov[(d, d)] += fit.params.psi[d]);
    let inverse = cov.clone().try_inverse().unwrap();
    let square: f64 = x
        .row_iter()
        .map(|r| {
            let e = r.transpose() - mu;
            e.dot(&(&inverse * &e))
        })
        .sum();
    let by_hand = -0.5 * (n * (5.0 * std::f64::consts::TAU.ln() + cov.determinant().ln()) + square);
    exact(&fit, &data, by_hand);
    assert!(factors::PLAN.text.contains("each M-step is mixed"), "{}", factors::PLAN.text);
    // Where every unit is gone through, nothing is mixed unless it is asked for.
    assert!(!completion::PLAN.text.contains("mixed"), "{}", completion::PLAN.text);
}

#[test]
fn a_variance_that_falls_to_its_bound_leaves_the_objective_rising() {
    let x = made(400, 10, 3, 2.0, 12);
    let data = factors::Data { x: (&x).into() };
    let options = Options::new().tolerance(1e-10).threads(1).max_iterations(500);
    let model = factors::Model::new(3);
    let mixed = model.fit(&data, &options).unwrap();
    let plain = model.fit(&data, &options.clone().accelerate(false)).unwrap();
    monotone(&mixed.trace);
    assert!(mixed.converged && mixed.elbo() >= plain.elbo() - 1e-6, "{} and {}", mixed.elbo(), plain.elbo());
}
