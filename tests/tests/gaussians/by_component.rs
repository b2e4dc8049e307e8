//! Vectors under a full covariance whose components have regressors of their own: coefficients that are tied, on a diagonal, or fixed in part.

use nalgebra::{DMatrix, DVector};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Form, Known};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    /// One coefficient for all components of a step, and one for all of what is seen; the scale of the steps is known.
    pub mod tied(q: Positive = 1.0) {
        param    a: Real;   param c: Real;   param R: SymPos[D];
        latent   x[0]: Vector[D]      ~ Normal(0, var: 2);
        latent   x[t in 1..T]         ~ Normal(a * x[t-1], var: q);
        observed y[t in T]: Vector[D]? ~ Normal(c * x[t], cov: R);
    }
}
model! {
    /// One coefficient for all components of a step, whose scale is free.
    pub mod steps {
        param    a: Real;   param Q: SymPos[D];   param r: Positive;
        latent   x[0]: Vector[D]       ~ Normal(0, var: 2);
        latent   x[t in 1..T]          ~ Normal(a * x[t-1], cov: Q);
        observed y[t in T]: Vector[D]? ~ Normal(x[t], var: r);
    }
}
model! {
    /// A trend whose level is the sum of what was before, and whose slope dies out.
    pub mod trend {
        param    phi: Real;   param Q: SymPos[2];   param r: Positive;
        latent   x[0]: Vector[2] ~ Normal(0, var: 2);
        latent   x[t in 1..T]    ~ Normal([x[t-1][0] + x[t-1][1], phi * x[t-1][1]], cov: Q);
        observed y[t in T]: Real? ~ Normal(x[t][0], var: r);
    }
}
model! {
    /// A coefficient for each component, of its own past alone.
    pub mod diagonal {
        param    a[d in D]: Real;   param Q: SymPos[D];
        observed y[0]: Vector[D]?         ~ Normal(0, var: 3);
        observed y[t in 1..T]: Vector[D]? ~ Normal([a[d] * y[t-1][d] for d in D], cov: Q);
    }
}
model! {
    /// Regressions of several outputs, each on regressors of its own, with errors that go together (Zellner 1962).
    pub mod unrelated {
        given    u[n in N, d in D]: Vector[K];
        param    B[d in D]: Vector[K];   param m: Vector[D];   param S: SymPos[D];
        observed y[n in N]: Vector[D]? ~ Normal([dot(B[d], u[n, d]) + m[d] for d in D], cov: S);
    }
}
model! {
    /// A tied coefficient with a prior.
    pub mod uncertain {
        given    u[n in N]: Vector[D];
        param    S: SymPos[D];
        latent   b ~ Normal(0, var: 4);
        observed y[n in N]: Vector[D] ~ Normal(b * u[n], cov: S);
    }
}

model! {
    /// Factors of as many components as there are outputs, all with one load; the data are read once.
    pub mod loaded {
        param    w: Real;   param mu: Vector[D];   param S: SymPos[D];
        latent   f[n in N]: Vector[D] ~ Normal(0, var: 1);
        observed y[n in N]: Vector[D] ~ Normal(w * f[n] + mu, cov: S);
    }
}
model! {
    /// The load is uncertain, and there are two kinds of units.
    pub mod kinds(K) {
        param    p: Simplex[K];   param S: SymPos[D];
        latent   w[k in K]            ~ Normal(0, var: 1);
        latent   z[n in N]            ~ Categorical(p);
        latent   f[n in N]: Vector[D] ~ Normal(0, var: 1);
        observed y[n in N]: Vector[D] ~ Normal(w[z[n]] * f[n], cov: S);
    }
}

fn matrix(seed: f64, d: usize) -> DMatrix<f64> {
    let root =
        DMatrix::from_fn(
            d,
            d,
            |i, j| if j <= i { 0.5 + 0.3 * (seed + (i * 3 + j) as f64).sin() } else { 0.0 },
        );
    &root * root.transpose()
}

fn holes(m: DMatrix<f64>, g: &mut Noise) -> DMatrix<f64> {
    m.map(|x| if g.below(4) == 0 { f64::NAN } else { x })
}

fn seen(vars: &[usize], row: impl Iterator<Item = f64>) -> Vec<(usize, f64)> {
    vars.iter().copied().zip(row).filter(|x| !x.1.is_nan()).collect()
}

/// Numeric slopes of a function of params are 0 at its maximum.
#[track_caller]
fn at_maximum(at: &[f64], f: impl Fn(&[f64]) -> f64) {
    for k in 0..at.len() {
        let h = 1e-5 * (1.0 + at[k].abs());
        let moved = |by: f64| {
            let mut p = at.to_vec();
            p[k] += by;
            f(&p)
        };
        let slope = (moved(h) - moved(-h)) / (2.0 * h);
        assert!(slope.abs() < 2e-4, "{k}: {slope}");
    }
}

fn options() -> Options {
    Options::new().tolerance(1e-14).max_iterations(20_000)
}

fn walks(n: usize, d: usize, seed: u64) -> DMatrix<f64> {
    let g = &mut Noise::new(seed);
    let mut x = DVector::zeros(d);
    let rows: Vec<_> = (0..n)
        .map(|_| {
            x = &x * 0.8 + DVector::from_fn(d, |_, _| g.normal());
            (&x * 1.2 + DVector::from_fn(d, |_, _| 0.6 * g.normal())).transpose()
        })
        .collect();
    holes(DMatrix::from_rows(&rows), g)
}

/// The dense Normal of steps a x + Q, seen as c x + R.
fn laid(y: &DMatrix<f64>, (a, q): (f64, &DMatrix<f64>), (c, r): (f64, &DMatrix<f64>)) -> Known {
    let d = y.ncols();
    let mut dense = Dense::new();
    let (mut all, mut before) = (vec![], vec![]);
    for t in 0..y.nrows() {
        before = match t {
            0 => (0..d).map(|_| dense.add(0.0, &[], 2.0)).collect(),
            _ => {
                let forms: Vec<Form> = before.iter().map(|v| vec![(*v, a)]).collect();
                dense.add_vector(&vec![0.0; d], &forms, q)
            }
        };
        let forms: Vec<Form> = before.iter().map(|v: &usize| vec![(*v, c)]).collect();
        let rows = dense.add_vector(&vec![0.0; d], &forms, r);
        all.extend(seen(&rows, y.row(t).iter().copied()));
    }
    dense.given(&all)
}

fn with(m: &DMatrix<f64>, (i, j): (usize, usize), by: f64) -> DMatrix<f64> {
    let mut m = m.clone();
    (m[(i, j)], m[(j, i)]) = (by, by);
    m
}

#[test]
fn coefficients_that_all_components_share() {
    let (d, one) = (2, DMatrix::identity(2, 2));
    let y = walks(40, d, 2);
    let data = tied::Data { y: (&y).into() };
    let model = tied::Model::new();
    let p = tied::Params { a: 0.6, c: 0.9, R: matrix(2.0, d) };
    let known = laid(&y, (p.a, &one), (p.c, &p.R));
    exact(&model.infer(&data, &p).unwrap(), &data, known.log_evidence);
    let fit = model.fit_from(&data, Start::Params(p), &options()).unwrap();
    monotone(&fit.trace);
    let p = fit.params;
    at_maximum(&[p.a, p.c], |q| laid(&y, (q[0], &one), (q[1], &p.R)).log_evidence);
    for at in [(0, 0), (1, 0), (1, 1)] {
        at_maximum(&[p.R[at]], |q| laid(&y, (p.a, &one), (p.c, &with(&p.R, at, q[0]))).log_evidence);
    }

    let data = steps::Data { y: (&y).into() };
    let model = steps::Model::new();
    let p = steps::Params { a: 0.6, Q: matrix(1.0, d), r: 0.4 };
    let known = laid(&y, (p.a, &p.Q), (1.0, &(&one * p.r)));
    exact(&model.infer(&data, &p).unwrap(), &data, known.log_evidence);
    let fit = model.fit_from(&data, Start::Params(p), &options()).unwrap();
    monotone(&fit.trace);
    let p = fit.params;
    at_maximum(&[p.a, p.r], |q| laid(&y, (q[0], &p.Q), (1.0, &(&one * q[1]))).log_evidence);
    for at in [(0, 0), (1, 0), (1, 1)] {
        at_maximum(&[p.Q[at]], |q| laid(&y, (p.a, &with(&p.Q, at, q[0])), (1.0, &(&one * p.r))).log_evidence);
    }
}

#[test]
fn a_matrix_of_which_a_part_is_fixed() {
    let n = 30;
    let g = &mut Noise::new(3);
    let (mut level, mut slope) = (0.0, 0.5);
    let y: Vec<f64> = (0..n)
        .map(|t| {
            (level, slope) = (level + slope + 0.5 * g.normal(), 0.8 * slope + 0.7 * g.normal());
            if t % 7 == 3 { f64::NAN } else { level + 0.4 * g.normal() }
        })
        .collect();
    let p = trend::Params { phi: 0.7, Q: matrix(0.5, 2), r: 0.3 };
    let mut dense = Dense::new();
    let (mut all, mut before) = (vec![], vec![]);
    for (t, y) in y.iter().enumerate() {
        before = match t {
            0 => vec![dense.add(0.0, &[], 2.0), dense.add(0.0, &[], 2.0)],
            _ => {
                let forms = vec![vec![(before[0], 1.0), (before[1], 1.0)], vec![(before[1], p.phi)]];
                dense.add_vector(&[0.0; 2], &forms, &p.Q)
            }
        };
        let row = dense.add(0.0, &[(before[0], 1.0)], p.r);
        all.extend(seen(&[row], std::iter::once(*y)));
    }
    let data = trend::Data { y: (&y).into() };
    let model = trend::Model::new();
    exact(&model.infer(&data, &p).unwrap(), &data, dense.given(&all).log_evidence);
    monotone(&model.fit_from(&data, Start::Params(p), &Options::new().max_iterations(200)).unwrap().trace);
}

#[test]
fn a_coefficient_for_each_component_and_gaps_in_what_it_multiplies() {
    let (n, d) = (60, 3);
    let g = &mut Noise::new(4);
    let y = holes(DMatrix::from_fn(n, d, |_, _| g.normal()), g);
    let lay = |p: &diagonal::Params| {
        let mut dense = Dense::new();
        let (mut all, mut before): (Vec<(usize, f64)>, Vec<usize>) = (vec![], vec![]);
        for t in 0..n {
            before = match t {
                0 => (0..d).map(|_| dense.add(0.0, &[], 3.0)).collect(),
                _ => {
                    let forms: Vec<Form> = before.iter().zip(&p.a).map(|(v, a)| vec![(*v, *a)]).collect();
                    dense.add_vector(&vec![0.0; d], &forms, &p.Q)
                }
            };
            all.extend(seen(&before, y.row(t).iter().copied()));
        }
        dense.given(&all).log_evidence
    };
    let data = diagonal::Data { y: (&y).into() };
    let model = diagonal::Model::new();
    let p = diagonal::Params { a: vec![0.5, -0.2, 0.3], Q: matrix(1.0, d) };
    exact(&model.infer(&data, &p).unwrap(), &data, lay(&p));
    let fit = model.fit(&data, &options()).unwrap();
    monotone(&fit.trace);
    let p = fit.params;
    at_maximum(&p.a.clone(), |q| lay(&diagonal::Params { a: q.to_vec(), ..p.clone() }));
    at_maximum(&[p.Q[(0, 0)], p.Q[(2, 2)]], |q| {
        let mut p = p.clone();
        (p.Q[(0, 0)], p.Q[(2, 2)]) = (q[0], q[1]);
        lay(&p)
    });
}

#[test]
fn regressions_that_seem_unrelated() {
    let (n, d, k) = (40, 2, 2);
    let g = &mut Noise::new(5);
    let u: Vec<DMatrix<f64>> = (0..n).map(|_| DMatrix::from_fn(d, k, |_, _| g.normal())).collect();
    let y = DMatrix::from_fn(n, d, |i, j| u[i][(j, 0)] - 0.5 * u[i][(j, 1)] + 0.3 * j as f64 + g.normal());
    let y = holes(y, g);
    let lay = |p: &unrelated::Params| {
        let mut total = 0.0;
        for i in 0..n {
            let mut dense = Dense::new();
            let mean: Vec<f64> = (0..d).map(|j| p.B[j].dot(&u[i].row(j).transpose()) + p.m[j]).collect();
            let rows = dense.add_vector(&mean, &vec![vec![]; d], &p.S);
            let known = seen(&rows, y.row(i).iter().copied());
            total += if known.is_empty() { 0.0 } else { dense.given(&known).log_evidence };
        }
        total
    };
    let data = unrelated::Data { u: (&u).into(), y: (&y).into() };
    let model = unrelated::Model::new();
    let fit = model.fit(&data, &options()).unwrap();
    monotone(&fit.trace);
    let p = fit.params.clone();
    close(fit.log_likelihood(), lay(&p), 1e-10);
    at_maximum(
        &[p.B[0][0], p.B[0][1], p.B[1][0], p.B[1][1], p.m[0], p.m[1], p.S[(0, 0)], p.S[(1, 1)]],
        |q| {
            let mut p = p.clone();
            p.B = vec![DVector::from_column_slice(&q[..2]), DVector::from_column_slice(&q[2..4])];
            p.m = DVector::from_column_slice(&q[4..6]);
            (p.S[(0, 0)], p.S[(1, 1)]) = (q[6], q[7]);
            lay(&p)
        },
    );
}

#[test]
fn a_tied_coefficient_with_a_prior_is_exact() {
    let (n, d) = (12, 3);
    let g = &mut Noise::new(6);
    let u = DMatrix::from_fn(n, d, |_, _| g.normal());
    let y = DMatrix::from_fn(n, d, |i, j| 0.7 * u[(i, j)] + g.normal());
    let p = uncertain::Params { S: matrix(3.0, d) };
    let mut dense = Dense::new();
    let b = dense.add(0.0, &[], 4.0);
    let mut all = vec![];
    for i in 0..n {
        let forms: Vec<Form> = (0..d).map(|j| vec![(b, u[(i, j)])]).collect();
        let rows = dense.add_vector(&vec![0.0; d], &forms, &p.S);
        all.extend(seen(&rows, y.row(i).iter().copied()));
    }
    let known = dense.given(&all);
    let data = uncertain::Data { u: (&u).into(), y: (&y).into() };
    let fit = uncertain::Model::new().infer(&data, &p).unwrap();
    exact(&fit, &data, known.log_evidence);
    honest(&fit, &data);
    close(fit.posterior.b.mean(), known.mean(b), 1e-10);
    close(fit.posterior.b.var(), known.var(b), 1e-10);
    monotone(&uncertain::Model::new().fit(&data, &Options::new()).unwrap().trace);
}

#[test]
fn one_load_for_all_components_of_a_factor() {
    let (n, d) = (30, 2);
    let y = walks(n, d, 7).map(|x| if x.is_nan() { 0.3 } else { x });
    let p = loaded::Params { w: 0.7, mu: DVector::from_vec(vec![0.2, -0.1]), S: matrix(1.0, d) };
    let data = loaded::Data { y: (&y).into() };
    let cov = &p.S + DMatrix::identity(d, d) * p.w.powi(2);
    let mut dense = Dense::new();
    let mut all = vec![];
    for i in 0..n {
        let rows = dense.add_vector(p.mu.as_slice(), &vec![vec![]; d], &cov);
        all.extend(seen(&rows, y.row(i).iter().copied()));
    }
    let fit = loaded::Model::new().infer(&data, &p).unwrap();
    exact(&fit, &data, dense.given(&all).log_evidence);
    assert!(loaded::PLAN.text.contains("data are read once"), "{}", loaded::PLAN.text);
    let fit = loaded::Model::new().fit_from(&data, Start::Params(p), &Options::new()).unwrap();
    monotone(&fit.trace);
    // Only S + w² I is determined, and at the maximum it is the covariance of the data.
    let centre = y.row_mean();
    let scatter: DMatrix<f64> =
        y.row_iter().map(|r| (r - &centre).transpose() * (r - &centre)).sum::<DMatrix<f64>>() / n as f64;
    let found = &fit.params.S + DMatrix::identity(d, d) * fit.params.w.powi(2);
    assert!((found - &scatter).norm() < 1e-3 * scatter.norm());

    let data = kinds::Data { y: (&y).into() };
    for seed in 1..4 {
        let options = Options::new().seed(seed).max_iterations(60);
        honest(&kinds::Model::new(2).fit(&data, &options).unwrap(), &data);
    }
}
