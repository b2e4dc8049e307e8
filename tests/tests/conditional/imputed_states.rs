//! Elements without a value beside latents that are integrated out or eliminated in every state: their moments against those of the laws that
//! are known without these latents.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::close;

model! {
    pub mod heavy(K, nu: Positive = 4.0) {
        param    w: Simplex[K];   param m[k in K]: Real;   param tau[k in K]: Positive;
        latent   z[n in N] ~ Categorical(w);
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed x[n in N, d in D]: Real? ~ Normal(m[z[n]], prec: u[n] * tau[z[n]]);
    }
}
model! {
    /// Without a category.
    pub mod robust(nu: Positive = 5.0) {
        given    x[n in N]: Real;
        param    a: Real;   param b: Real;   param v: Positive;
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed y[n in N]: Real? ~ Normal(a + b * x[n], var: v / u[n]);
    }
}
model! {
    pub mod counts(K) {
        param    w: Simplex[K];   param a[k in K]: Positive;
        latent   z[g in G] ~ Categorical(w);
        latent   rate[g in G] ~ Gamma(shape: a[z[g]], rate: 2);
        given    length[r in R]: Positive;
        observed y[g in G, r in R]: Count? ~ Poisson(length[r] * rate[g]);
    }
}
model! {
    pub mod proportions(K, n: Count = 6) {
        param    w: Simplex[K];   param a[k in K]: Positive;
        latent   z[g in G] ~ Categorical(w);
        latent   p[g in G] ~ Beta(a[z[g]], 0.5);
        observed y[g in G, r in R]: Count? ~ Binomial(n, p[g]);
        observed b[g in G]: Bool? ~ Bernoulli(p[g]);
    }
}
model! {
    pub mod words(K, V) {
        param    w: Simplex[K];   param a[k in K]: Positive;
        latent   z[d in N] ~ Categorical(w);
        latent   share[d in N]: Simplex[V] ~ Dirichlet(a[z[d]]);
        observed word[d in N, i in I]: Category[V]? ~ Categorical(share[d]);
    }
}
model! {
    pub mod analysers(K, H) {
        param    weight: Simplex[K];
        param    W[k in K, d in D]: Vector[H];   param mu[k in K, d in D]: Real;   param psi[d in D]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[z[n], d], f[n]) + mu[z[n], d], var: psi[d]);
    }
}
model! {
    pub mod kinds(K, k0: Positive = 0.3) {
        param    weight: Simplex[K];
        param    m[k in K]: Real;   param a[k in K]: Positive;   param b[k in K]: Positive;
        latent   c[j in J]   ~ Categorical(weight);
        latent   tau[j in J] ~ Gamma(shape: a[c[j]], rate: b[c[j]]);
        latent   mu[j in J]  ~ Normal(m[c[j]], prec: k0 * tau[j]);
        observed y[j in J, i in I]: Real? ~ Normal(mu[j], prec: tau[j]);
    }
}
model! {
    /// A chain: what is to come has laws inside its states too.
    pub mod chain(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    m[k in K]: Real;   param a[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   u[t in T]    ~ Gamma(shape: 3, rate: 3);
        latent   rate[t in T] ~ Gamma(shape: a[z[t]], rate: 1);
        observed x[t in T]: Real?  ~ Normal(m[z[t]], prec: u[t]);
        observed y[t in T]: Count? ~ Poisson(rate[t]);
    }
}
model! {
    /// Times whose rate is a latent: their moments are no polynomials in it, and they have no field.
    pub mod times(K) {
        param    w: Simplex[K];   param a[k in K]: Positive;
        latent   z[n in N] ~ Categorical(w);
        latent   rate[n in N] ~ Gamma(shape: a[z[n]], rate: 1);
        observed y[n in N]: Positive? ~ Exponential(rate: rate[n]);
        observed c[n in N]: Count? ~ Poisson(rate[n]);
    }
}

fn simplex(x: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(x)
}

/// Mean and variance of a mixture.
fn mixed(q: &[f64], means: &[f64], vars: &[f64]) -> (f64, f64) {
    let mean: f64 = q.iter().zip(means).map(|(q, m)| q * m).sum();
    let var = (0..q.len()).map(|k| q[k] * (vars[k] + (means[k] - mean).powi(2))).sum();
    (mean, var)
}

#[test]
fn entries_of_mixtures_of_t_have_the_moments_of_t() {
    let mut g = Noise::new(1);
    let x = DMatrix::from_fn(8, 4, |n, d| {
        if n == 3 || (n + 2 * d) % 5 == 0 { f64::NAN } else { 3.0 * (n % 2) as f64 + g.normal() }
    });
    let p = heavy::Params { w: simplex(&[0.4, 0.6]), m: vec![0.0, 3.0], tau: vec![1.0, 0.6] };
    let data = heavy::Data { x: (&x).into() };
    let fit = heavy::Model::new(2).infer(&data, &p).expect("it infers");
    let mut seen = 0;
    for n in 0..8 {
        let own: Vec<f64> = x.row(n).iter().copied().filter(|x| !x.is_nan()).collect();
        let count = own.len() as f64;
        let q: Vec<f64> = fit.posterior.z.probs(n).to_vec();
        let vars: Vec<f64> = (0..2)
            .map(|k| {
                let square: f64 = own.iter().map(|x| p.tau[k] * (x - p.m[k]).powi(2)).sum();
                let (a, b) = (2.0 + 0.5 * count, 2.0 + 0.5 * square);
                b / ((a - 1.0) * p.tau[k])
            })
            .collect();
        let (mean, var) = mixed(&q, &p.m, &vars);
        for d in (0..4).filter(|d| x[(n, *d)].is_nan()) {
            let found = fit.posterior.x.get([n, d]).expect("it is missing");
            close(found.mean(), mean, 1e-12);
            close(found.var(), var, 1e-12);
            assert_eq!(found.interval(0.9), None);
            seen += 1;
        }
    }
    assert_eq!(fit.posterior.x.len(), seen);
    // Tails so heavy that there is no variance.
    let fit = heavy::Model::new(2).nu(2.0).infer(&data, &p).expect("it infers");
    assert_eq!(fit.posterior.x.get([3, 0]).expect("missing").var(), f64::INFINITY);
    assert!(fit.posterior.x.get([3, 0]).expect("missing").mean().is_finite());
    assert!(fit.posterior.x.get([0, 0]).expect("missing").var().is_finite());
}

#[test]
fn a_response_that_is_not_there_is_students() {
    let x = [0.0, 1.0, 2.0, 3.0];
    let y = [0.5, f64::NAN, 2.0, f64::NAN];
    let p = robust::Params { a: 0.2, b: 0.9, v: 0.7 };
    let data = robust::Data { x: (&x).into(), y: (&y).into() };
    let fit = robust::Model::new().infer(&data, &p).expect("it infers");
    for n in [1, 3] {
        let found = fit.posterior.y.get([n]).expect("it is missing");
        close(found.mean(), 0.2 + 0.9 * x[n], 1e-13);
        close(found.var(), 0.7 * 5.0 / 3.0, 1e-13);
    }
    assert_eq!(fit.posterior.y.get([0]), None);
}

#[test]
fn counts_are_negative_binomial_given_the_others() {
    let mut g = Noise::new(2);
    let length = [0.5, 2.0, 1.0];
    let y = DMatrix::from_fn(7, 3, |j, r| {
        let there = if j == 2 { r == 0 } else { (j + r) % 4 != 1 };
        there.then(|| g.poisson(length[r] * if j % 2 == 0 { 0.4 } else { 5.0 }))
    });
    let p = counts::Params { w: simplex(&[0.5, 0.5]), a: vec![0.6, 9.0] };
    let data = counts::Data { length: (&length).into(), y: (&y).into() };
    let fit = counts::Model::new(2).infer(&data, &p).expect("it infers");
    for ((j, r), y_jr) in (0..7).flat_map(|j| (0..3).map(move |r| (j, r))).map(|at| (at, y[at])) {
        let Some(found) = fit.posterior.y.get([j, r]) else {
            assert!(y_jr.is_some());
            continue;
        };
        let sum: f64 = y.row(j).iter().flatten().map(|y| *y as f64).sum();
        let exposure: f64 = (0..3).filter(|r| y[(j, *r)].is_some()).map(|r| length[r]).sum();
        let of: Vec<(f64, f64)> = (0..2)
            .map(|k| {
                let (a, b) = (p.a[k] + sum, 2.0 + exposure);
                (length[r] * a / b, length[r] * a / b + length[r] * length[r] * a / (b * b))
            })
            .collect();
        let q = fit.posterior.z.probs(j);
        let (mean, var) = mixed(q, &[of[0].0, of[1].0], &[of[0].1, of[1].1]);
        close(found.mean(), mean, 1e-12);
        close(found.var(), var, 1e-11);
    }
    assert!(fit.posterior.y.len() >= 3);
}

#[test]
fn proportions_make_beta_binomials_and_bools() {
    let y = DMatrix::from_row_slice(3, 2, &[Some(6), None, None, Some(0), None, None]);
    let b = [None, Some(true), None];
    let p = proportions::Params { w: simplex(&[0.3, 0.7]), a: vec![0.4, 3.0] };
    let data = proportions::Data { y: (&y).into(), b: (&b).into() };
    let fit = proportions::Model::new(2).infer(&data, &p).expect("it infers");
    let given = [(6.0, 0.0), (1.0, 6.0), (0.0, 0.0)];
    for (g, (yes, no)) in given.into_iter().enumerate() {
        let q = fit.posterior.z.probs(g);
        let law: Vec<(f64, f64)> = p.a.iter().map(|a| (a + yes, 0.5 + no)).collect();
        let means: Vec<f64> = law.iter().map(|(a, b)| 6.0 * a / (a + b)).collect();
        let vars: Vec<f64> = law
            .iter()
            .map(|(a, b)| 6.0 * a * b * (a + b + 6.0) / ((a + b).powi(2) * (a + b + 1.0)))
            .collect();
        let (mean, var) = mixed(q, &means, &vars);
        for r in (0..2).filter(|r| y[(g, *r)].is_none()) {
            let found = fit.posterior.y.get([g, r]).expect("it is missing");
            close(found.mean(), mean, 1e-12);
            close(found.var(), var, 1e-11);
        }
        if b[g].is_none() {
            close(fit.posterior.b.get([g]).expect("it is missing")[1], mean / 6.0, 1e-12);
        }
    }
}

#[test]
fn words_of_a_document_follow_its_own_shares() {
    let word = DMatrix::from_row_slice(2, 3, &[Some(2), Some(2), None, None, Some(0), Some(1)]);
    let p = words::Params { w: simplex(&[0.5, 0.5]), a: vec![0.2, 4.0] };
    let data = words::Data { word: (&word).into() };
    let fit = words::Model::new(2, 3).infer(&data, &p).expect("it infers");
    for (d, i, counts) in [(0, 2, [0.0, 0.0, 2.0]), (1, 0, [1.0, 1.0, 0.0])] {
        let found = fit.posterior.word.get([d, i]).expect("it is missing");
        let q = fit.posterior.z.probs(d);
        for v in 0..3 {
            let by_hand = (0..2).map(|k| q[k] * (p.a[k] + counts[v]) / (3.0 * p.a[k] + 2.0)).sum();
            close(found[v], by_hand, 1e-12);
        }
    }
}

#[test]
fn entries_beside_factors_in_kinds_are_those_of_dense_normals() {
    let mut g = Noise::new(9);
    let x = DMatrix::from_fn(10, 4, |n, d| if (n + d) % 3 == 0 { f64::NAN } else { 1.5 * g.normal() });
    let w: Vec<Vec<DVector<f64>>> =
        (0..2).map(|_| (0..4).map(|_| DVector::from_vec(g.normals(2))).collect()).collect();
    let p = analysers::Params {
        weight: simplex(&[0.4, 0.6]),
        W: w,
        mu: vec![vec![0.0; 4], vec![1.0, -1.0, 0.5, 0.0]],
        psi: vec![0.5, 0.6, 0.7, 0.8],
    };
    let data = analysers::Data { x: (&x).into() };
    let fit = analysers::Model::new(2, 2).infer(&data, &p).expect("it infers");
    for n in 0..10 {
        let (there, gone): (Vec<usize>, Vec<usize>) = (0..4).partition(|d| !x[(n, *d)].is_nan());
        let mut logs = vec![];
        let mut of = vec![];
        for k in 0..2 {
            let cov = DMatrix::from_fn(4, 4, |i, j| {
                p.W[k][i].dot(&p.W[k][j]) + if i == j { p.psi[i] } else { 0.0 }
            });
            let part =
                |a: &[usize], b: &[usize]| DMatrix::from_fn(a.len(), b.len(), |i, j| cov[(a[i], b[j])]);
            let mean = DVector::from_fn(there.len(), |i, _| p.mu[k][there[i]]);
            let row = DVector::from_fn(there.len(), |i, _| x[(n, there[i])]);
            logs.push(p.weight[k].ln() + density::mv_normal(row.as_slice(), &mean, &part(&there, &there)));
            let gain = part(&gone, &there) * part(&there, &there).try_inverse().expect("regular");
            let shift = &gain * (&row - &mean);
            let rest = part(&gone, &gone) - &gain * part(&there, &gone);
            of.push((shift, rest));
        }
        let total = log_sum_exp(&logs);
        let q: Vec<f64> = logs.iter().map(|l| (l - total).exp()).collect();
        for (i, d) in gone.iter().enumerate() {
            let means: Vec<f64> = (0..2).map(|k| p.mu[k][*d] + of[k].0[i]).collect();
            let vars: Vec<f64> = (0..2).map(|k| of[k].1[(i, i)]).collect();
            let (mean, var) = mixed(&q, &means, &vars);
            let found = fit.posterior.x.get([n, *d]).expect("it is missing");
            close(found.mean(), mean, 1e-11);
            close(found.var(), var, 1e-11);
        }
    }
}

#[test]
fn beside_a_location_and_a_precision_a_value_is_students() {
    let y = DMatrix::from_row_slice(2, 4, &[0.5, f64::NAN, 1.5, 2.0, -3.0, -2.0, f64::NAN, f64::NAN]);
    let p = kinds::Params {
        weight: simplex(&[0.4, 0.6]),
        m: vec![-0.5, 2.0],
        a: vec![1.5, 4.0],
        b: vec![2.0, 0.7],
    };
    let data = kinds::Data { y: (&y).into() };
    let fit = kinds::Model::new(2).infer(&data, &p).expect("it infers");
    for j in 0..2 {
        let own: Vec<f64> = y.row(j).iter().copied().filter(|y| !y.is_nan()).collect();
        let (n, mean) = (own.len() as f64, own.iter().sum::<f64>() / own.len() as f64);
        let square: f64 = own.iter().map(|y| (y - mean).powi(2)).sum();
        let q = fit.posterior.c.probs(j);
        let (mut means, mut vars) = (vec![], vec![]);
        for k in 0..2 {
            let (kn, a) = (0.3 + n, p.a[k] + 0.5 * n);
            let b = p.b[k] + 0.5 * square + 0.5 * 0.3 * n * (mean - p.m[k]).powi(2) / kn;
            means.push((0.3 * p.m[k] + n * mean) / kn);
            vars.push(b / (a - 1.0) * (1.0 + 1.0 / kn));
        }
        let (mean, var) = mixed(q, &means, &vars);
        for i in (0..4).filter(|i| y[(j, *i)].is_nan()) {
            let found = fit.posterior.y.get([j, i]).expect("it is missing");
            close(found.mean(), mean, 1e-12);
            close(found.var(), var, 1e-11);
        }
    }
}

#[test]
fn a_forecast_is_said_of_what_will_be_observed() {
    let x = [0.1, 3.5, 2.0, f64::NAN];
    let y = [Some(2), Some(8), None, Some(6)];
    let p = chain::Params {
        start: simplex(&[0.5, 0.5]),
        trans: vec![simplex(&[0.9, 0.1]), simplex(&[0.3, 0.7])],
        m: vec![0.0, 3.0],
        a: vec![1.0, 7.0],
    };
    let data = chain::Data { x: (&x).into(), y: (&y).into() };
    let fit = chain::Model::new(2).infer(&data, &p).expect("it infers");
    let q = fit.posterior.z.probs(3);
    let found = fit.posterior.x.get([3]).expect("it is missing");
    let (mean, var) = mixed(q, &p.m, &[1.5, 1.5]);
    close(found.mean(), mean, 1e-12);
    close(found.var(), var, 1e-12);
    let found = fit.posterior.y.get([2]).expect("it is missing");
    let (mean, var) = mixed(fit.posterior.z.probs(2), &p.a, &[2.0, 14.0]);
    close(found.mean(), mean, 1e-12);
    close(found.var(), var, 1e-12);
    let ahead = fit.forecast(&data, 2).expect("it looks ahead");
    let next = [q[0] * 0.9 + q[1] * 0.3, q[0] * 0.1 + q[1] * 0.7];
    let (mean, var) = mixed(&next, &p.m, &[1.5, 1.5]);
    let found = ahead.absent.x.get([0]).expect("nothing is there yet");
    close(found.mean(), mean, 1e-12);
    close(found.var(), var, 1e-12);
    let (mean, _) = mixed(&next, &p.a, &[0.0; 2]);
    close(ahead.absent.y.get([0]).expect("nothing is there yet").mean(), mean, 1e-12);
}

#[test]
fn what_has_no_such_moments_is_left_out_and_the_rest_is_there() {
    let (y, c) = ([0.3, f64::NAN], [None, Some(4)]);
    let p = times::Params { w: simplex(&[0.5, 0.5]), a: vec![1.0, 5.0] };
    let data = times::Data { y: (&y).into(), c: (&c).into() };
    let fit = times::Model::new(2).infer(&data, &p).expect("it infers");
    let (mean, _) = mixed(fit.posterior.z.probs(0), &[2.0 / 1.3, 6.0 / 1.3], &[0.0; 2]);
    close(fit.posterior.c.get([0]).expect("it is missing").mean(), mean, 1e-12);
}
