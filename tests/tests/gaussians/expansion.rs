//! Expanded updates: how many sweeps they save, and that they lose nothing.

use vi_core::prelude::*;
use vi_tests::data::{self, Noise};
use vi_tests::factors::{analysers, completion, factor_analysis as factors, ppca as components};
use vi_tests::law::monotone;

model! {
    pub mod round_steps(H) {
        param    A: Matrix[H, H];   param C: Matrix[D, H];   param m0: Vector[H];   param r[d in D]: Positive(min: 1e-9);
        latent   x[0]         ~ Normal(m0, var: 1);
        latent   x[t in 1..T] ~ Normal(A * x[t-1], var: 1);
        observed y[t in T]    ~ Normal(C * x[t], var: r);
    }
}

fn made(n: usize, d: usize, h: usize, noise: f64, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let f = DMatrix::from_fn(n, h, |_, _| g.normal());
    let rest = DMatrix::from_fn(n, d, |_, j| g.normal() * noise * (0.7 + 0.06 * j as f64));
    f * w.transpose() + rest.map_with_location(|_, j, x| x + 1.5 * j as f64)
}

/// Sweeps until the objective is within a thousandth of a nat of where it ends, with and without expansion.
fn sweeps(what: &str, run: impl Fn(bool) -> Vec<f64>) -> (usize, usize) {
    let traces = [run(true), run(false)];
    let ends = traces.each_ref().map(|t| {
        monotone(t);
        *t.last().unwrap()
    });
    assert!((ends[0] - ends[1]).abs() < 1e-3, "{what}: {} and {}", ends[0], ends[1]);
    let top = ends[0].max(ends[1]);
    let [with, without] = traces.map(|t| t.iter().position(|x| *x > top - 1e-3).unwrap_or(t.len()));
    println!("{what}: {with} sweeps with, {without} without");
    (with, without)
}

fn long(expand: bool) -> Options {
    Options::new().tolerance(1e-10).max_iterations(100_000).expand(expand).accelerate(false)
}

#[test]
fn factor_analysis_takes_fewer_sweeps() {
    for noise in [0.1, 0.3, 1.0, 2.0] {
        let x = made(400, 10, 3, noise, 11);
        let data = factors::Data { x: (&x).into() };
        let run = |expand| factors::Model::new(3).fit(&data, &long(expand)).unwrap().trace;
        let (with, without) = sweeps(&format!("factor analysis, noise {noise}"), run);
        assert!(with <= without, "noise {noise}: {with} and {without}");
    }
}

#[test]
fn irises_take_fewer_sweeps() {
    let x = data::read("iris.csv");
    let data = components::Data { x: (&x).into() };
    for h in [1, 2] {
        let run = |e| components::Model::new(h).fit(&data, &long(e)).unwrap().trace;
        let (with, without) = sweeps(&format!("iris, {h} principal components"), run);
        assert!(with <= without);
    }
}

#[test]
fn one_factor_of_irises_ends_no_lower() {
    // Without expansion another optimum is met on the way, a nat and a half below.
    let x = data::read("iris.csv");
    let data = factors::Data { x: (&x).into() };
    let run = |e| factors::Model::new(1).fit(&data, &long(e)).unwrap();
    let (with, without) = (run(true), run(false));
    monotone(&with.trace);
    monotone(&without.trace);
    for (what, fit) in [("with", &with), ("without", &without)] {
        println!("iris, one factor: {} after {} sweeps {what}", fit.elbo(), fit.iterations);
    }
    assert!(with.elbo() >= without.elbo() - 1e-6);
}

#[test]
fn matrices_with_holes_and_mixtures_take_no_more_sweeps() {
    let x = made(200, 8, 2, 0.3, 5);
    let x = x.map_with_location(|n, d, v| ((n * 5 + d * 3 + n / 7) % 3 != 0).then_some(v));
    let data = completion::Data { x: (&x).into() };
    let run = |e| completion::Model::new(2).fit(&data, &long(e).max_iterations(1500)).unwrap().trace;
    let (with, without) = sweeps("a third of the entries missing", run);
    assert!(with <= without);
    let (a, b) = (made(150, 6, 2, 0.4, 1), made(150, 6, 2, 0.4, 2));
    let x = DMatrix::from_fn(300, 6, |n, d| if n < 150 { a[(n, d)] } else { b[(n - 150, d)] + 6.0 });
    let data = analysers::Data { x: (&x).into() };
    let run = |e| analysers::Model::new(2, 2).fit(&data, &long(e).max_iterations(1500)).unwrap().trace;
    let (with, without) = sweeps("two factor analysers", run);
    assert!(with <= without);
}

#[test]
fn locations_that_begin_far_off_come_home_at_once() {
    let x = made(100, 6, 2, 0.1, 3);
    let data = components::Data { x: (&x).into() };
    let w = DMatrix::from_fn(6, 2, |i, j| 0.3 + 0.2 * ((i * 3 + j * 5) % 7) as f64 - 0.1 * (i + j) as f64);
    // The data are explained by factors far from 0.
    let mu = &w * DVector::from_column_slice(&[8.0, -5.0]);
    let start = components::Params { W: w, mu, s2: 0.5 };
    let model = components::Model::new(2);
    let run = |e| model.fit_from(&data, Start::Params(start.clone()), &long(e)).unwrap().trace;
    let (with, without) = sweeps("a start far off", run);
    assert!(2 * with <= without, "{with} and {without}");
}

/// T steps of a chain seen through five numbers.
fn walked(steps: usize, noise: f64) -> DMatrix<f64> {
    let mut g = Noise::new(7);
    let c = DMatrix::from_fn(5, 2, |_, _| 2.0 * g.normal());
    let a = DMatrix::from_row_slice(2, 2, &[0.9, 0.1, -0.2, 0.7]);
    let mut x = DVector::zeros(2);
    let mut y = DMatrix::zeros(steps, 5);
    for t in 0..steps {
        x = &a * x + DVector::from_fn(2, |_, _| g.normal());
        let row = &c * &x + DVector::from_fn(5, |_, _| noise * g.normal());
        y.row_mut(t).copy_from(&row.transpose());
    }
    y
}

fn first_steps() -> round_steps::Params {
    round_steps::Params {
        A: DMatrix::from_row_slice(2, 2, &[0.5, 0.1, 0.0, 0.4]),
        C: DMatrix::from_fn(5, 2, |i, j| 0.2 + 0.1 * ((i * 3 + j * 5) % 7) as f64),
        m0: DVector::from_column_slice(&[0.3, -0.2]),
        r: vec![1.0; 5],
    }
}

#[test]
fn standard_steps_of_a_chain_climb_faster_and_never_lower_the_objective() {
    for noise in [0.5, 1.0] {
        let y = walked(150, noise);
        let data = round_steps::Data { y: (&y).into() };
        let model = round_steps::Model::new(2);
        let run = |e| {
            let options = long(e).max_iterations(250);
            model.fit_from(&data, Start::Params(first_steps()), &options).unwrap().trace
        };
        let (with, without) = (run(true), run(false));
        monotone(&with);
        monotone(&without);
        let top = with.last().unwrap().max(*without.last().unwrap());
        let reached = |t: &[f64]| t.iter().position(|x| *x > top - 1e-3);
        println!(
            "standard steps, noise {noise}: {:?} sweeps with, {:?} without",
            reached(&with),
            reached(&without)
        );
        let first = reached(&with).unwrap();
        assert!(reached(&without).is_none_or(|n| first <= n), "noise {noise}");
    }
}

#[test]
fn a_sweep_of_standard_steps_is_that_of_free_steps_turned_back() {
    let (t, h, d) = (6, 2, 5);
    let y = walked(t, 0.4);
    let p = first_steps();
    // One dense Normal of all states.
    let mut information = DMatrix::<f64>::zeros(t * h, t * h);
    let mut shift = DVector::<f64>::zeros(t * h);
    for i in 0..t {
        let mut add = |row: usize, column: usize, m: DMatrix<f64>| {
            let mut view = information.view_mut((row * h, column * h), (h, h));
            view += m;
        };
        add(i, i, DMatrix::identity(h, h) + p.C.transpose() * &p.C);
        if i > 0 {
            add(i - 1, i - 1, p.A.transpose() * &p.A);
            add(i, i - 1, -p.A.clone());
            add(i - 1, i, -p.A.transpose());
        }
        let mut own = shift.rows_mut(i * h, h);
        own += p.C.transpose() * y.row(i).transpose();
        if i == 0 {
            own += &p.m0;
        }
    }
    let cov = information.try_inverse().unwrap();
    let mean = &cov * shift;
    let second = |i: usize, j: usize| -> DMatrix<f64> {
        cov.view((i * h, j * h), (h, h)) + mean.rows(i * h, h) * mean.rows(j * h, h).transpose()
    };
    let sum = |of: &dyn Fn(usize) -> DMatrix<f64>| (1..t).map(of).sum::<DMatrix<f64>>();
    let before = sum(&|i| second(i - 1, i - 1));
    let cross = sum(&|i| second(i, i - 1));
    let a = &cross * before.clone().try_inverse().unwrap();
    let m0: DVector<f64> = mean.rows(0, h).into_owned();
    let steps = sum(&|i| second(i, i)) - &a * cross.transpose() - &cross * a.transpose()
        + &a * before * a.transpose();
    let phi = (cov.view((0, 0), (h, h)) + steps) / t as f64;
    let all = (0..t).map(|i| second(i, i)).sum::<DMatrix<f64>>();
    let seen = (0..t).map(|i| y.row(i).transpose() * mean.rows(i * h, h).transpose()).sum::<DMatrix<f64>>();
    let c = seen * all.try_inverse().unwrap();
    let eigen = phi.symmetric_eigen();
    let power = |f: fn(f64) -> f64| {
        &eigen.eigenvectors
            * DMatrix::from_diagonal(&eigen.eigenvalues.map(f))
            * eigen.eigenvectors.transpose()
    };
    let (root, inverse) = (power(f64::sqrt), power(|x| x.sqrt().recip()));
    let data = round_steps::Data { y: (&y).into() };
    let model = round_steps::Model::new(2);
    let mut state = model.start(&data, Start::Params(p), &Options::new()).unwrap();
    model.step(&mut state).unwrap();
    assert_eq!(state.params.C.nrows(), d);
    assert!((&state.params.A - &inverse * a * &root).norm() < 1e-9);
    assert!((&state.params.C - c * &root).norm() < 1e-9);
    assert!((&state.params.m0 - inverse * m0).norm() < 1e-9);
}
