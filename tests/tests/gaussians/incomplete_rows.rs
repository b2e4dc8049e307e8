//! Vectors with a dense covariance of which some coordinates are missing: against dense Normals of what is there, and against EM as Little and
//! Rubin write it.

use vi_core::prelude::*;
use vi_tests::data::{self, Noise};
use vi_tests::density::{log_sum_exp, mv_normal};
use vi_tests::law::{close, exact, monotone};

model! {
    pub mod one_normal {
        param    mu: Vector[D];   param S: SymPos[D];
        observed x[n in N]: Vector[D]? ~ Normal(mu, cov: S);
    }
}
model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];   param cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N]: Vector[D]? ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod regression {
        given    u[n in N]: Vector[P];
        param    B: Matrix[D, P];   param mu: Vector[D];   param S: SymPos[D];
        observed x[n in N]: Vector[D]? ~ Normal(B * u[n] + mu, cov: S);
    }
}
model! {
    pub mod factors(H) {
        param    W: Matrix[D, H];   param mu: Vector[D];   param S: SymPos[D];
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N]: Vector[D]? ~ Normal(W * f[n] + mu, cov: S);
    }
}
model! {
    pub mod at_a_point {
        latent   mu: Vector[D] ~ Normal(0, var: 4);   param S: SymPos[D];
        observed x[n in N]: Vector[D]? ~ Normal(mu, cov: S);
        factorize { q(mu): Point; }
    }
}
model! {
    /// Pieces of one array, the first of which has a law of its own.
    pub mod pieces {
        param    mu: Vector[D];   param S: SymPos[D];   param Q: SymPos[D];
        observed x[0]: Vector[D]?         ~ Normal(mu, cov: Q);
        observed x[n in 1..N]: Vector[D]? ~ Normal(mu, cov: S);
    }
}
model! {
    pub mod hidden_markov(K) {
        param    start: Simplex[K];   param trans[k in K]: Simplex[K];
        param    mean[k in K]: Vector[D];   param cov[k in K]: SymPos[D];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed x[t in T]: Vector[D]? ~ Normal(mean[z[t]], cov: cov[z[t]]);
    }
}
model! {
    pub mod state_space(H) {
        param    A: Matrix[H, H];   param Q: SymPos[H];   param C: Matrix[D, H];   param R: SymPos[D];
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(A * x[t-1], cov: Q);
        observed y[t in T]: Vector[D]? ~ Normal(C * x[t], cov: R);
    }
}

type Rows = DMatrix<Option<f64>>;

fn spread(dim: usize, seed: usize) -> DMatrix<f64> {
    let a = DMatrix::from_fn(dim, dim, |i, j| ((i * 7 + j * 3 + i * j + seed * 5) % 9) as f64 * 0.2 - 0.6);
    &a * a.transpose() + DMatrix::identity(dim, dim) * 0.4
}

/// Correlated rows with holes; the fifth row has nothing.
fn made(n: usize, dim: usize, seed: u64) -> Rows {
    let mut g = Noise::new(seed);
    let root = spread(dim, 1).cholesky().unwrap().l();
    let white = DMatrix::from_fn(n, dim, |_, _| g.normal());
    let x = white * root.transpose();
    x.map_with_location(|i, d, v| {
        (i != 4 && (i * 7 + d * 3 + (i / 3) * d) % 4 != 1)
            .then_some(v + 2.0 * d as f64 + if i % 2 == 0 { 3.0 } else { 0.0 })
    })
}

fn there(x: &Rows, n: usize) -> Vec<usize> {
    (0..x.ncols()).filter(|d| x[(n, *d)].is_some()).collect()
}

fn block(cov: &DMatrix<f64>, a: &[usize], b: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(a.len(), b.len(), |i, j| cov[(a[i], b[j])])
}

/// log p of what is there of a row.
fn log_row(x: &Rows, n: usize, mean: &DVector<f64>, cov: &DMatrix<f64>) -> f64 {
    let o = there(x, n);
    if o.is_empty() {
        return 0.0;
    }
    let seen: Vec<f64> = o.iter().map(|d| x[(n, *d)].unwrap()).collect();
    mv_normal(&seen, &DVector::from_fn(o.len(), |i, _| mean[o[i]]), &block(cov, &o, &o))
}

/// E x and Cov x of a row given what is there of it, in all coordinates.
fn completed(x: &Rows, n: usize, mean: &DVector<f64>, cov: &DMatrix<f64>) -> (DVector<f64>, DMatrix<f64>) {
    let dim = x.ncols();
    let o = there(x, n);
    let all: Vec<usize> = (0..dim).collect();
    if o.is_empty() {
        return (mean.clone(), cov.clone());
    }
    let gain = block(cov, &all, &o) * block(cov, &o, &o).try_inverse().unwrap();
    let r = DVector::from_fn(o.len(), |i, _| x[(n, o[i])].unwrap() - mean[o[i]]);
    let left = cov - &gain * block(cov, &o, &all);
    (mean + gain * r, left)
}

/// The covariance of a matrix whose entry (i, j) is shifted, and (j, i) with it.
fn nudged(m: &DMatrix<f64>, i: usize, j: usize, by: f64) -> DMatrix<f64> {
    let mut out = m.clone();
    out[(i, j)] += by;
    if i != j {
        out[(j, i)] += by;
    }
    out
}

/// Whether a function of one matrix is flat at it, by central differences along every entry.
fn flat(m: &DMatrix<f64>, symmetric: bool, log: impl Fn(&DMatrix<f64>) -> f64) {
    for i in 0..m.nrows() {
        for j in 0..if symmetric { i + 1 } else { m.ncols() } {
            let h = 1e-5;
            let at = |by: f64| {
                if symmetric {
                    return log(&nudged(m, i, j, by));
                }
                let mut to = m.clone();
                to[(i, j)] += by;
                log(&to)
            };
            let slope = (at(h) - at(-h)) / (2.0 * h);
            assert!(slope.abs() < 2e-4, "({i}, {j}): {slope:e}");
        }
    }
}

#[test]
fn sweeps_of_one_normal_are_those_of_little_and_rubin() {
    let (n, dim) = (40, 3);
    let x = made(n, dim, 5);
    let data = one_normal::Data { x: (&x).into() };
    let (mut mean, mut cov) = (DVector::from_element(dim, 0.5), DMatrix::identity(dim, dim) * 2.0);
    let model = one_normal::Model::new();
    let start = one_normal::Params { mu: mean.clone(), S: cov.clone() };
    let mut state = model.start(&data, Start::Params(start), &Options::new()).unwrap();
    for sweep in 0..25 {
        let by_hand: f64 = (0..n).map(|i| log_row(&x, i, &mean, &cov)).sum();
        close(state.trace[sweep], by_hand, 1e-12);
        let each: Vec<_> = (0..n).map(|i| completed(&x, i, &mean, &cov)).collect();
        mean = each.iter().map(|(m, _)| m).sum::<DVector<f64>>() / n as f64;
        cov = each.iter().map(|(m, c)| (m - &mean) * (m - &mean).transpose() + c).sum::<DMatrix<f64>>()
            / n as f64;
        model.step(&mut state).unwrap();
        assert!((&state.params.mu - &mean).norm() < 1e-11);
        assert!((&state.params.S - &cov).norm() < 1e-11);
    }
    let fit = state.finish().unwrap();
    exact(&fit, &data, (0..n).map(|i| log_row(&x, i, &mean, &cov)).sum());
}

#[test]
fn the_likelihood_of_what_is_there_is_flat_where_the_fit_ends() {
    let (n, dim) = (60, 3);
    let x = made(n, dim, 11);
    let data = one_normal::Data { x: (&x).into() };
    let options = Options::new().tolerance(1e-15).max_iterations(3000);
    let fit = one_normal::Model::new().fit(&data, &options).unwrap();
    let (mu, s) = (&fit.params.mu, &fit.params.S);
    let log = |mu: &DVector<f64>, s: &DMatrix<f64>| (0..n).map(|i| log_row(&x, i, mu, s)).sum::<f64>();
    exact(&fit, &data, log(mu, s));
    flat(s, true, |s| log(mu, s));
    flat(&DMatrix::from_column_slice(dim, 1, mu.as_slice()), false, |m| {
        log(&DVector::from_column_slice(m.as_slice()), s)
    });
}

#[test]
fn without_gaps_the_answer_is_the_mean_and_the_covariance_at_once() {
    let x = data::read("iris.csv");
    let full = x.map(Some);
    let data = one_normal::Data { x: (&full).into() };
    let fit = one_normal::Model::new().fit(&data, &Options::new()).unwrap();
    let n = x.nrows() as f64;
    let mean = x.row_sum().transpose() / n;
    let centred = DMatrix::from_fn(x.nrows(), 4, |i, d| x[(i, d)] - mean[d]);
    assert!((&fit.params.mu - &mean).norm() < 1e-12);
    assert!((&fit.params.S - centred.transpose() * &centred / n).norm() < 1e-12);
    assert!(fit.iterations <= 2, "{} sweeps", fit.iterations);
}

#[test]
fn imputed_values_are_the_conditional_of_their_row_and_a_row_without_any_is_the_prior() {
    let x = made(30, 3, 2);
    let data = one_normal::Data { x: (&x).into() };
    let fit = one_normal::Model::new().fit(&data, &Options::new()).unwrap();
    let (mu, s) = (&fit.params.mu, &fit.params.S);
    let mut count = 0;
    for i in 0..30 {
        let (mean, cov) = completed(&x, i, mu, s);
        for d in 0..3 {
            match fit.posterior.x.get([i, d]) {
                None => assert!(x[(i, d)].is_some()),
                Some(m) => {
                    count += 1;
                    close(m.mean(), mean[d], 1e-12);
                    close(m.var(), cov[(d, d)], 1e-11);
                }
            }
        }
    }
    assert_eq!(count, x.iter().filter(|x| x.is_none()).count());
    let prior = fit.posterior.x.get([4, 1]).unwrap();
    close(prior.mean(), mu[1], 1e-14);
    close(prior.var(), s[(1, 1)], 1e-14);
}

#[test]
fn a_row_without_any_value_changes_no_likelihood() {
    let x = made(30, 3, 2);
    let shorter = x.clone().remove_row(4);
    let params = one_normal::Params { mu: DVector::from_element(3, 1.0), S: spread(3, 2) };
    let model = one_normal::Model::new();
    let a = model.infer(&one_normal::Data { x: (&x).into() }, &params).unwrap();
    let b = model.infer(&one_normal::Data { x: (&shorter).into() }, &params).unwrap();
    close(a.log_likelihood(), b.log_likelihood(), 1e-14);
}

#[test]
fn data_far_from_zero_move_the_location_and_nothing_else() {
    let x = made(50, 3, 8);
    let shift = 1e7;
    let far: Rows = x.map(|v| v.map(|v| v + shift));
    let fit =
        |x: &Rows| one_normal::Model::new().fit(&one_normal::Data { x: x.into() }, &Options::new()).unwrap();
    let (a, b) = (fit(&x), fit(&far));
    assert_eq!(a.iterations, b.iterations);
    close(a.log_likelihood(), b.log_likelihood(), 1e-8);
    assert!((&a.params.S - &b.params.S).norm() < 1e-6);
    let off = (&a.params.mu - b.params.mu.map(|m| m - shift)).norm();
    assert!(off < 1e-6, "{off:e}");
}

#[test]
fn a_column_that_is_never_there_keeps_to_itself() {
    let x = made(30, 3, 2).map_with_location(|_, d, v| v.filter(|_| d != 1));
    let data = one_normal::Data { x: (&x).into() };
    let fit = one_normal::Model::new().fit(&data, &Options::new()).unwrap();
    let (mu, s) = (&fit.params.mu, &fit.params.S);
    exact(&fit, &data, (0..30).map(|i| log_row(&x, i, mu, s)).sum());
    assert!(s[(1, 1)] > 0.0 && s.iter().all(|v| v.is_finite()));
}

/// log p of every row in every component.
fn tables(x: &Rows, p: &mixture::Params) -> Vec<Vec<f64>> {
    let of =
        |i| (0..p.weight.len()).map(|k| p.weight[k].ln() + log_row(x, i, &p.mean[k], &p.cov[k])).collect();
    (0..x.nrows()).map(of).collect()
}

#[test]
fn sweeps_of_a_mixture_weigh_each_component_s_completion() {
    let (n, dim) = (50, 3);
    let x = made(n, dim, 6);
    let data = mixture::Data { x: (&x).into() };
    let mut p = mixture::Params {
        weight: DVector::from_column_slice(&[0.4, 0.6]),
        mean: vec![DVector::from_element(dim, 0.0), DVector::from_element(dim, 4.0)],
        cov: vec![spread(dim, 1), spread(dim, 2)],
    };
    let model = mixture::Model::new(2);
    let mut state = model.start(&data, Start::Params(p.clone()), &Options::new()).unwrap();
    for sweep in 0..15 {
        let table = tables(&x, &p);
        close(state.trace[sweep], table.iter().map(|row| log_sum_exp(row)).sum(), 1e-12);
        let old = p.clone();
        for k in 0..2 {
            let r: Vec<f64> = table.iter().map(|row| (row[k] - log_sum_exp(row)).exp()).collect();
            let total: f64 = r.iter().sum();
            let each: Vec<_> = (0..n).map(|i| completed(&x, i, &old.mean[k], &old.cov[k])).collect();
            let mean = each.iter().zip(&r).map(|((m, _), r)| m * *r).sum::<DVector<f64>>() / total;
            let squares =
                each.iter().zip(&r).map(|((m, c), r)| ((m - &mean) * (m - &mean).transpose() + c) * *r);
            p.cov[k] = squares.sum::<DMatrix<f64>>() / total;
            p.mean[k] = mean;
            p.weight[k] = total / n as f64;
        }
        model.step(&mut state).unwrap();
        for k in 0..2 {
            assert!((&state.params.mean[k] - &p.mean[k]).norm() < 1e-10, "sweep {sweep}");
            assert!((&state.params.cov[k] - &p.cov[k]).norm() < 1e-10, "sweep {sweep}");
        }
    }
    let fit = state.finish().unwrap();
    exact(&fit, &data, tables(&x, &p).iter().map(|row| log_sum_exp(row)).sum());
    // Imputed values mix what each component says.
    for (at, m) in fit.posterior.x.iter() {
        let (i, d) = (at[0], at[1]);
        let q = fit.posterior.z.probs(i);
        let each: Vec<_> = (0..2).map(|k| completed(&x, i, &p.mean[k], &p.cov[k])).collect();
        let mean: f64 = (0..2).map(|k| q[k] * each[k].0[d]).sum();
        let var: f64 = (0..2).map(|k| q[k] * (each[k].1[(d, d)] + (each[k].0[d] - mean).powi(2))).sum();
        close(m.mean(), mean, 1e-9);
        close(m.var(), var, 1e-9);
    }
}

#[test]
fn fits_of_a_mixture_rise_from_every_start_and_are_the_same_on_any_number_of_threads() {
    // More units than one leaf of the sums has.
    let x = made(2500, 3, 9);
    let data = mixture::Data { x: (&x).into() };
    for seed in 0..2 {
        let options = Options::new().seed(seed).max_iterations(8);
        let one = mixture::Model::new(3).fit(&data, &options.clone().threads(1)).unwrap();
        let two = mixture::Model::new(3).fit(&data, &options.threads(2)).unwrap();
        monotone(&one.trace);
        assert_eq!(one.trace, two.trace);
        assert_eq!(one.params.cov, two.params.cov);
    }
}

#[test]
fn a_regression_on_known_inputs_ends_where_the_likelihood_is_flat() {
    let (n, dim) = (60, 3);
    let mut g = Noise::new(4);
    let u = DMatrix::from_fn(n, 2, |_, _| g.normal());
    let b = DMatrix::from_row_slice(3, 2, &[1.0, 0.5, -0.7, 0.2, 0.0, 1.5]);
    let base = made(n, dim, 21);
    let x: Rows =
        base.map_with_location(|i, d, v| v.map(|v| v + (0..2).map(|p| b[(d, p)] * u[(i, p)]).sum::<f64>()));
    let data = regression::Data { u: (&u).into(), x: (&x).into() };
    let model = regression::Model::new();
    let log = |b: &DMatrix<f64>, mu: &DVector<f64>, s: &DMatrix<f64>| -> f64 {
        (0..n).map(|i| log_row(&x, i, &(b * u.row(i).transpose() + mu), s)).sum()
    };
    let start = regression::Params { B: b.clone(), mu: DVector::zeros(3), S: spread(3, 3) };
    let at = model.infer(&data, &start).unwrap();
    exact(&at, &data, log(&start.B, &start.mu, &start.S));
    let fit = model.fit(&data, &Options::new().tolerance(1e-15).max_iterations(3000)).unwrap();
    let p = &fit.params;
    exact(&fit, &data, log(&p.B, &p.mu, &p.S));
    flat(&p.S, true, |s| log(&p.B, &p.mu, s));
    flat(&p.B, false, |b| log(b, &p.mu, &p.S));
    for (at, m) in fit.posterior.x.iter() {
        let (i, d) = (at[0], at[1]);
        let (mean, cov) = completed(&x, i, &(&p.B * u.row(i).transpose() + &p.mu), &p.S);
        close(m.mean(), mean[d], 1e-11);
        close(m.var(), cov[(d, d)], 1e-11);
    }
}

#[test]
fn factors_and_missing_coordinates_of_a_row_are_one_dense_normal() {
    let (n, dim) = (40, 4);
    let x = made(n, dim, 13);
    let data = factors::Data { x: (&x).into() };
    let w = DMatrix::from_fn(dim, 2, |i, j| 0.4 + 0.3 * ((i * 3 + j * 5) % 5) as f64 - 0.5 * j as f64);
    let start = factors::Params { W: w.clone(), mu: DVector::from_element(dim, 1.0), S: spread(dim, 1) };
    let model = factors::Model::new(2);
    let log = |p: &factors::Params| -> f64 {
        let cov = &p.W * p.W.transpose() + &p.S;
        (0..n).map(|i| log_row(&x, i, &p.mu, &cov)).sum()
    };
    let at = model.infer(&data, &start).unwrap();
    exact(&at, &data, log(&start));
    // q(f) by the joint Normal of (f, x).
    let cov = &start.W * start.W.transpose() + &start.S;
    for i in 0..n {
        let o = there(&x, i);
        let r = DVector::from_fn(o.len(), |k, _| x[(i, o[k])].unwrap() - start.mu[o[k]]);
        let cross = DMatrix::from_fn(2, o.len(), |h, k| start.W[(o[k], h)]);
        let gain = &cross * block(&cov, &o, &o).try_inverse().unwrap_or_else(|| DMatrix::zeros(0, 0));
        assert!((at.posterior.f[i].mean() - &gain * r).norm() < 1e-11);
        assert!(
            (at.posterior.f[i].cov() - (DMatrix::identity(2, 2) - &gain * cross.transpose())).norm() < 1e-11
        );
        let (mean, left) = completed(&x, i, &start.mu, &cov);
        for d in (0..dim).filter(|d| x[(i, *d)].is_none()) {
            let m = at.posterior.x.get([i, d]).unwrap();
            close(m.mean(), mean[d], 1e-10);
            close(m.var(), left[(d, d)], 1e-10);
        }
    }
    // One sweep is one step of EM from the expected moments of (x, f); the factors' mean goes into mu and their covariance into W.
    let mut state = model.start(&data, Start::Params(start.clone()), &Options::new()).unwrap();
    model.step(&mut state).unwrap();
    let mut joint = DMatrix::zeros(dim + 3, dim + 3);
    for i in 0..n {
        let whole = dim + 2;
        let mut big = DMatrix::zeros(whole, whole);
        big.view_mut((0, 0), (dim, dim)).copy_from(&cov);
        big.view_mut((0, dim), (dim, 2)).copy_from(&start.W);
        big.view_mut((dim, 0), (2, dim)).copy_from(&start.W.transpose());
        big.view_mut((dim, dim), (2, 2)).copy_from(&DMatrix::identity(2, 2));
        let mean = DVector::from_fn(whole, |k, _| if k < dim { start.mu[k] } else { 0.0 });
        let row = DMatrix::from_fn(1, whole, |_, k| if k < dim { x[(i, k)] } else { None });
        let (m, c) = completed(&row, 0, &mean, &big);
        let at = DVector::from_fn(whole + 1, |k, _| if k < whole { m[k] } else { 1.0 });
        joint += &at * at.transpose();
        let mut corner = joint.view_mut((0, 0), (whole, whole));
        corner += c;
    }
    let gram = joint.view((dim, dim), (3, 3)).into_owned();
    let right = joint.view((dim, 0), (3, dim)).into_owned();
    let solved = gram.clone().try_inverse().unwrap() * &right;
    let scatter = joint.view((0, 0), (dim, dim)).into_owned() - right.transpose() * &solved;
    let plain = solved.rows(0, 2).transpose();
    let centre = gram.view((0, 2), (2, 1)).into_owned() / n as f64;
    assert!((&state.params.mu - (solved.row(2).transpose() + &plain * &centre)).norm() < 1e-10);
    assert!((&state.params.S - scatter / n as f64).norm() < 1e-10);
    let phi = gram.view((0, 0), (2, 2)).into_owned() / n as f64 - &centre * centre.transpose();
    let (got, wanted) = (&state.params.W * state.params.W.transpose(), &plain * phi * plain.transpose());
    assert!((got - wanted).norm() < 1e-10);
    for _ in 0..40 {
        model.step(&mut state).unwrap();
    }
    let fit = state.finish().unwrap();
    let params = fit.params.clone();
    exact(&fit, &data, log(&params));
}

#[test]
fn gaps_in_the_emissions_of_a_hidden_markov_chain_are_integrated_in_every_state() {
    let (t, dim) = (9, 2);
    let x = made(t, dim, 15);
    let data = hidden_markov::Data { x: (&x).into() };
    let p = hidden_markov::Params {
        start: DVector::from_column_slice(&[0.3, 0.7]),
        trans: vec![DVector::from_column_slice(&[0.8, 0.2]), DVector::from_column_slice(&[0.4, 0.6])],
        mean: vec![DVector::from_element(dim, 1.0), DVector::from_element(dim, 4.0)],
        cov: vec![spread(dim, 1), spread(dim, 3)],
    };
    let log = |p: &hidden_markov::Params| {
        let all: Vec<f64> = (0..1usize << t)
            .map(|path| {
                let state = |i: usize| path >> i & 1;
                let first = p.start[state(0)].ln();
                let steps: f64 = (1..t).map(|i| p.trans[state(i - 1)][state(i)].ln()).sum();
                let seen: f64 = (0..t).map(|i| log_row(&x, i, &p.mean[state(i)], &p.cov[state(i)])).sum();
                first + steps + seen
            })
            .collect();
        log_sum_exp(&all)
    };
    let model = hidden_markov::Model::new(2);
    let at = model.infer(&data, &p).unwrap();
    exact(&at, &data, log(&p));
    let long = made(400, dim, 16);
    let data = hidden_markov::Data { x: (&long).into() };
    let fit = model.fit(&data, &Options::new().seed(2).max_iterations(30)).unwrap();
    monotone(&fit.trace);
    assert_eq!(fit.posterior.x.len(), long.iter().filter(|x| x.is_none()).count());
}

#[test]
fn gaps_in_the_observations_of_a_state_space_are_those_of_one_dense_normal() {
    let (t, dim, h) = (8, 3, 2);
    let y = made(t, dim, 17);
    let data = state_space::Data { y: (&y).into() };
    let p = state_space::Params {
        A: DMatrix::from_row_slice(2, 2, &[0.8, 0.2, -0.1, 0.7]),
        Q: spread(2, 1) * 0.3,
        C: DMatrix::from_row_slice(3, 2, &[1.0, 0.0, 0.5, 0.5, 0.0, 1.0]),
        R: spread(3, 2),
    };
    let log = |p: &state_space::Params| {
        // Cov of all states, then of all that is there.
        let mut states = DMatrix::zeros(t * h, t * h);
        let mut own = DMatrix::identity(h, h);
        for i in 0..t {
            if i > 0 {
                own = &p.A * own * p.A.transpose() + &p.Q;
            }
            let mut cross = own.clone();
            for j in i..t {
                states.view_mut((j * h, i * h), (h, h)).copy_from(&cross);
                states.view_mut((i * h, j * h), (h, h)).copy_from(&cross.transpose());
                cross = &p.A * cross;
            }
        }
        let mut load = DMatrix::zeros(t * dim, t * h);
        let mut noise = DMatrix::zeros(t * dim, t * dim);
        for i in 0..t {
            load.view_mut((i * dim, i * h), (dim, h)).copy_from(&p.C);
            noise.view_mut((i * dim, i * dim), (dim, dim)).copy_from(&p.R);
        }
        let cov = &load * states * load.transpose() + noise;
        let flat = DMatrix::from_fn(1, t * dim, |_, k| y[(k / dim, k % dim)]);
        log_row(&flat, 0, &DVector::zeros(t * dim), &cov)
    };
    let model = state_space::Model::new(h);
    let at = model.infer(&data, &p).unwrap();
    exact(&at, &data, log(&p));
    let mut state = model.start(&data, Start::Params(p), &Options::new()).unwrap();
    for _ in 0..15 {
        model.step(&mut state).unwrap();
        close(*state.trace.last().unwrap(), log(&state.params), 1e-9);
    }
    monotone(&state.trace);
}

#[test]
fn a_mean_with_a_prior_is_held_at_its_mode() {
    let (n, dim) = (40, 3);
    let x = made(n, dim, 19);
    let data = at_a_point::Data { x: (&x).into() };
    let fit =
        at_a_point::Model::new().fit(&data, &Options::new().tolerance(1e-14).max_iterations(2000)).unwrap();
    monotone(&fit.trace);
    let (mu, s) = (fit.posterior.mu.mean(), &fit.params.S);
    let log = |mu: &DVector<f64>, s: &DMatrix<f64>| -> f64 {
        (0..n).map(|i| log_row(&x, i, mu, s)).sum::<f64>() - mu.norm_squared() / 8.0
    };
    flat(s, true, |s| log(&mu, s));
    flat(&DMatrix::from_column_slice(dim, 1, mu.as_slice()), false, |m| {
        log(&DVector::from_column_slice(m.as_slice()), s)
    });
}

#[test]
fn pieces_of_one_array_are_completed_each_by_its_own_law() {
    let (n, dim) = (25, 3);
    let x = made(n, dim, 20)
        .map_with_location(|i, d, v| if i == 0 { (d != 2).then_some(1.0 + d as f64) } else { v });
    let data = pieces::Data { x: (&x).into() };
    let p = pieces::Params { mu: DVector::from_element(dim, 1.0), S: spread(dim, 1), Q: spread(dim, 2) };
    let fit = pieces::Model::new().infer(&data, &p).unwrap();
    let own = |i: usize| if i == 0 { &p.Q } else { &p.S };
    let by_hand: f64 = (0..n).map(|i| log_row(&x, i, &p.mu, own(i))).sum();
    close(fit.log_likelihood(), by_hand, 1e-12);
    let (mean, cov) = completed(&x, 0, &p.mu, &p.Q);
    close(fit.posterior.x.get([0, 2]).unwrap().mean(), mean[2], 1e-12);
    close(fit.posterior.x.get([0, 2]).unwrap().var(), cov[(2, 2)], 1e-12);
}
