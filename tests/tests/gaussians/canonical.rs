//! `canonical()`: one orientation of factors and states, which changes nothing that can be observed.

use vi_core::prelude::*;
use vi_tests::data::{self, Noise};
use vi_tests::factors::{analysers, completion, factor_analysis as factors};
use vi_tests::law::close;
use vi_tests::series::state_space;

model! {
    /// Steps of one size in every direction: only rotations are left.
    pub mod round_steps(H) {
        param    A: Matrix[H, H];   param C: Matrix[D, H];   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(A * x[t-1], var: 1);
        observed y[t in T]    ~ Normal(C * x[t], var: r);
    }
}

fn made(n: usize, d: usize, h: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let f = DMatrix::from_fn(n, h, |_, _| g.normal());
    let noise = DMatrix::from_fn(n, d, |_, j| g.normal() * (0.3 + 0.1 * j as f64));
    f * w.transpose() + noise
}

/// Columns are orthogonal, ordered by length, and positive in their largest entry.
#[track_caller]
fn is_oriented(w: &DMatrix<f64>) {
    let products = w.transpose() * w;
    let size = products.trace().max(1e-300);
    for i in 0..w.ncols() {
        for j in 0..i {
            assert!(products[(i, j)].abs() < 1e-12 * size, "({i}, {j}): {}", products[(i, j)]);
        }
        assert!(i == 0 || products[(i, i)] <= products[(i - 1, i - 1)], "{i}");
        let largest = w.column(i).iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
        assert!(largest >= 0.0);
    }
}

#[test]
fn factors_turn_with_their_loadings_and_the_likelihood_stays() {
    let x = made(80, 6, 3, 4);
    let data = factors::Data { x: (&x).into() };
    let model = factors::Model::new(3);
    let fit = model.fit(&data, &Options::new().max_iterations(50)).unwrap();
    let turned = fit.canonical();
    is_oriented(&turned.params.W);
    let (w, v) = (&fit.params.W, &turned.params.W);
    assert!((w * w.transpose() - v * v.transpose()).norm() < 1e-13 * w.norm_squared());
    assert_eq!(fit.params.psi, turned.params.psi);
    let again = model.infer(&data, &turned.params).unwrap();
    close(again.log_likelihood(), fit.log_likelihood(), 1e-12);
    for n in 0..80 {
        let (q, by_engine) = (&turned.posterior.f[n], &again.posterior.f[n]);
        assert!((q.mean() - by_engine.mean()).norm() < 1e-11);
        assert!((q.cov() - by_engine.cov()).norm() < 1e-12);
        assert!((v * q.mean() - w * fit.posterior.f[n].mean()).norm() < 1e-11);
    }
    assert!(turned.verify(&data, 1).unwrap().is_exact());
    let fresh = made(10, 6, 3, 5);
    let fresh = factors::Data { x: (&fresh).into() };
    let (a, b) = (fit.predict(&fresh).unwrap(), turned.predict(&fresh).unwrap());
    for (a, b) in a.log_density.iter().zip(&b.log_density) {
        close(*a, *b, 1e-12);
    }
    let twice = turned.canonical();
    assert!((&twice.params.W - v).norm() < 1e-13 * v.norm());
}

#[test]
fn starts_that_end_in_one_optimum_end_in_one_orientation() {
    let x = data::read("iris.csv");
    let data = factors::Data { x: (&x).into() };
    let fit = |seed: u64, threads: usize| {
        let options = Options::new().seed(seed).threads(threads).tolerance(1e-13).max_iterations(20_000);
        factors::Model::new(1).fit(&data, &options).unwrap().canonical()
    };
    let first = fit(1, 1);
    assert_eq!(first.params, fit(1, 2).params);
    for seed in 2..5 {
        let other = fit(seed, 1);
        close(other.log_likelihood(), first.log_likelihood(), 1e-9);
        assert!((&other.params.W - &first.params.W).norm() < 1e-3, "seed {seed}");
    }
}

#[test]
fn loadings_that_are_rows_turn_too() {
    let full = made(60, 5, 2, 9);
    let x = full.map_with_location(|n, d, v| ((n * 5 + d * 3) % 4 != 0).then_some(v));
    let data = completion::Data { x: (&x).into() };
    let model = completion::Model::new(2);
    let fit = model.fit(&data, &Options::new().max_iterations(40)).unwrap();
    let turned = fit.canonical();
    is_oriented(&DMatrix::from_fn(5, 2, |d, h| turned.params.W[d][h]));
    close(model.infer(&data, &turned.params).unwrap().log_likelihood(), fit.log_likelihood(), 1e-12);
}

#[test]
fn each_category_of_a_mixture_has_an_orientation_of_its_own() {
    let (a, b) = (made(60, 5, 2, 1), made(60, 5, 2, 2));
    let x = DMatrix::from_fn(120, 5, |n, d| if n < 60 { a[(n, d)] } else { b[(n - 60, d)] + 4.0 });
    let data = analysers::Data { x: (&x).into() };
    let model = analysers::Model::new(2, 2);
    let fit = model.fit(&data, &Options::new().seed(3).max_iterations(40)).unwrap();
    let turned = fit.canonical();
    turned.params.W.iter().for_each(is_oriented);
    let again = model.infer(&data, &turned.params).unwrap();
    close(again.log_likelihood(), fit.log_likelihood(), 1e-12);
    for n in 0..120 {
        let (q, by_engine) = (&turned.posterior.f[n], &again.posterior.f[n]);
        assert!((q.mean() - by_engine.mean()).norm() < 1e-10, "unit {n}");
        assert!((q.cov() - by_engine.cov()).norm() < 1e-10, "unit {n}");
    }
}

#[test]
fn states_with_free_laws_get_steps_of_size_one() {
    let y = made(60, 4, 2, 12);
    let data = state_space::Data { y: (&y).into() };
    let model = state_space::Model::new(2);
    let fit = model.fit(&data, &Options::new().max_iterations(15)).unwrap();
    let turned = fit.canonical();
    let p = &turned.params;
    assert!((&p.Q - DMatrix::identity(2, 2)).norm() < 1e-12);
    is_oriented(&p.C);
    let again = model.infer(&data, p).unwrap();
    close(again.log_likelihood(), fit.log_likelihood(), 1e-12);
    for t in 0..60 {
        let (q, by_engine) = (&turned.posterior.x[t], &again.posterior.x[t]);
        assert!((q.mean() - by_engine.mean()).norm() < 1e-10 * (1.0 + q.mean().norm()), "step {t}");
        assert!((q.cov() - by_engine.cov()).norm() < 1e-10 * (1.0 + q.cov().norm()), "step {t}");
    }
    let twice = turned.canonical();
    assert!((&twice.params.A - &p.A).norm() < 1e-11);
    assert!((&twice.params.C - &p.C).norm() < 1e-11 * p.C.norm());
}

#[test]
fn steps_that_are_round_allow_rotations_alone() {
    let y = made(50, 4, 2, 13);
    let data = round_steps::Data { y: (&y).into() };
    let model = round_steps::Model::new(2);
    let start = round_steps::Params {
        A: DMatrix::from_row_slice(2, 2, &[0.7, 0.2, -0.1, 0.5]),
        C: DMatrix::from_fn(4, 2, |i, j| 0.3 + 0.2 * i as f64 - 0.3 * j as f64 * (i % 2) as f64),
        r: 0.5,
    };
    let fit = model.infer(&data, &start).unwrap();
    let turned = fit.canonical();
    is_oriented(&turned.params.C);
    close(turned.params.C.norm(), start.C.norm(), 1e-13);
    close(turned.params.A.trace(), start.A.trace(), 1e-13);
    close(model.infer(&data, &turned.params).unwrap().log_likelihood(), fit.log_likelihood(), 1e-12);
}
