//! Gaussians in every state of a category, and of single steps of a chain: shared by all data, of one unit, and together with an integrated
//! scale. Evidence and laws against dense Normals, Student's t and sums over the states, written without the engine.

use vi_core::Error;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, ln_gamma, log_sum_exp};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    /// Does y depend on x at all? The coefficients of both models are integrated out.
    pub mod compared {
        given    x[n in N]: Vector[D];
        latent   linear ~ Bernoulli(0.4);
        latent   a ~ Normal(0, sd: 5);
        latent   w[d in D] ~ Normal(0, sd: 2);
        observed y[n in N]: Real? ~ match linear {
            true  => Normal(a + dot(w, x[n]), var: 1.5),
            false => Normal(a, var: 1.5),
        };
    }
}
model! {
    /// The same with an unknown precision of all rows.
    pub mod compared_scaled {
        given    x[n in N]: Vector[D];
        latent   linear ~ Bernoulli(0.4);
        latent   tau ~ Gamma(shape: 2, rate: 3);
        latent   w[d in D] ~ Normal(0, prec: 0.2 * tau);
        observed y[n in N] ~ match linear { true => Normal(dot(w, x[n]), prec: tau), false => Normal(0, prec: tau) };
    }
}
model! {
    /// A spike and a slab.
    pub mod spike {
        latent   slab ~ Bernoulli(0.5);
        latent   mean ~ match slab { true => Normal(0, sd: 3), false => Normal(0, sd: 0.01) };
        observed x[n in N] ~ Normal(mean, sd: 1);
    }
}
model! {
    /// The level changes once; the noise is learned.
    pub mod change {
        param    s2: Positive;
        latent   at: Category[T] ~ Uniform();
        latent   level[k in 0..2] ~ Normal(1, sd: 4);
        observed y[t in T] ~ match t < at { true => Normal(level[0], var: s2), false => Normal(level[1], var: s2) };
    }
}
model! {
    /// Groups of a few kinds, each with a location and a precision of its own.
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
    /// The variance itself, and observations listed one by one.
    pub mod listed(K) {
        given    group[r in R]: Category[J];
        given    s[r in R]: Positive;
        param    weight: Simplex[K];   param m[k in K]: Real;   param b[k in K]: Positive;
        latent   c[j in J]  ~ Categorical(weight);
        latent   v[j in J]  ~ InverseGamma(shape: 3, scale: b[c[j]]);
        latent   mu[j in J] ~ Normal(m[c[j]], var: 2 * v[j]);
        observed y[r in R]  ~ Normal(mu[group[r]], var: s[r] * v[group[r]]);
    }
}
model! {
    /// Factor analysis with heavy tails.
    pub mod heavy_factors(H) {
        param    W: Matrix[D, H];   param mu: Vector[D];   param psi[d in D]: Positive;
        latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
        latent   f[n in N]: Vector[H] ~ Normal(0, prec: u[n]);
        observed x[n in N, d in D] ~ Normal(dot(W[d], f[n]) + mu[d], prec: u[n] * psi[d]);
    }
}
model! {
    /// The same in kinds, the noise dense.
    pub mod heavy_kinds(K, H) {
        param    weight: Simplex[K];
        param    W[k in K]: Matrix[D, H];   param mu[k in K]: Vector[D];   param P: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
        latent   f[n in N]: Vector[H] ~ Normal(0, prec: u[n]);
        observed x[n in N] ~ Normal(W[z[n]] * f[n] + mu[z[n]], prec: u[n] * P);
    }
}
model! {
    /// Factors written as numbers with one more index.
    pub mod numbers(K, H) {
        param    weight: Simplex[K];
        param    W[k in K, d in D]: Vector[H];   param mu[k in K, d in D]: Real;   param psi[d in D]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   f[n in N, q in H] ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[z[n], d], f[n]) + mu[z[n], d], var: psi[d]);
    }
}
model! {
    pub mod vectors(K, H) {
        param    weight: Simplex[K];
        param    W[k in K, d in D]: Vector[H];   param mu[k in K, d in D]: Real;   param psi[d in D]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[z[n], d], f[n]) + mu[z[n], d], var: psi[d]);
    }
}
model! {
    /// A location and a precision at every step of a chain.
    pub mod steps(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    m[k in K]: Real;     param a[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   tau[t in T]  ~ Gamma(shape: a[z[t]], rate: 2);
        latent   mu[t in T]   ~ Normal(m[z[t]], prec: 0.5 * tau[t]);
        observed y[t in T, i in I] ~ Normal(mu[t], prec: tau[t]);
    }
}
model! {
    /// Everything about the kinds is uncertain.
    pub mod uncertain(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   m[k in K] ~ Normal(0, sd: 10);
        latent   t[k in K] ~ Gamma(shape: 2, rate: 2);
        latent   s ~ Gamma(shape: 2, rate: 2);
        latent   c[j in J] ~ Categorical(weight);
        latent   b[j in J] ~ Normal(m[c[j]], prec: t[c[j]]);
        observed y[j in J, i in I] ~ Normal(b[j], prec: s);
    }
}

fn diagonal(x: &[f64]) -> DMatrix<f64> {
    DMatrix::from_diagonal(&DVector::from_column_slice(x))
}

fn normals(n: usize, seed: u64) -> Vec<f64> {
    Noise::new(seed).normals(n)
}

/// Posterior mean and variance of the k-th coefficient of y = Z θ + ε with independent priors; and log p(y).
fn regression(
    z: &DMatrix<f64>,
    y: &DVector<f64>,
    prior: &[f64],
    noise: f64,
) -> (DVector<f64>, DMatrix<f64>, f64) {
    let cov_y = z * diagonal(prior) * z.transpose() + DMatrix::identity(y.len(), y.len()) * noise;
    let log = density::mv_normal(y.as_slice(), &DVector::zeros(y.len()), &cov_y);
    let gain = diagonal(prior) * z.transpose() * cov_y.try_inverse().expect("regular");
    (&gain * y, diagonal(prior) - &gain * z * diagonal(prior), log)
}

#[test]
fn two_regressions_are_compared_with_their_coefficients_integrated() {
    let (n, g) = (12, normals(36, 2));
    let x = DMatrix::from_fn(n, 2, |i, d| g[2 * i + d]);
    let y: Vec<f64> =
        (0..n).map(|i| if i == 4 { f64::NAN } else { 0.5 + 0.6 * x[(i, 0)] + g[24 + i] }).collect();
    let data = compared::Data { x: (&x).into(), y: (&y).into() };
    let fit = compared::Model::new().fit(&data, &Options::new()).expect("it fits");
    let kept: Vec<usize> = (0..n).filter(|i| !y[*i].is_nan()).collect();
    let of = |columns: usize| {
        let z = DMatrix::from_fn(kept.len(), columns, |i, k| if k == 0 { 1.0 } else { x[(kept[i], k - 1)] });
        let y = DVector::from_fn(kept.len(), |i, _| y[kept[i]]);
        regression(&z, &y, &[25.0, 4.0, 4.0][..columns], 1.5)
    };
    let (with, without) = (of(3), of(1));
    let logs = [0.6_f64.ln() + without.2, 0.4_f64.ln() + with.2];
    let total = log_sum_exp(&logs);
    exact(&fit, &data, total);
    let p = (logs[1] - total).exp();
    close(fit.posterior.linear.probs(0)[1], p, 1e-11);
    assert!(p > 0.01 && p < 0.99, "both models matter: {p}");
    close(fit.posterior.a.mean(), p * with.0[0] + (1.0 - p) * without.0[0], 1e-11);
    let (mean, cov) = (fit.posterior.w.mean(), fit.posterior.w.cov());
    for d in 0..2 {
        close(mean[d], p * with.0[1 + d], 1e-11);
        for e in 0..2 {
            let prior = if d == e { 4.0 } else { 0.0 };
            let own = |k: f64| (with.0[1 + d] - k * mean[d]) * (with.0[1 + e] - k * mean[e]);
            let apart = p * own(1.0) + (1.0 - p) * mean[d] * mean[e];
            close(cov[(d, e)], p * with.1[(1 + d, 1 + e)] + (1.0 - p) * prior + apart, 1e-10);
        }
    }
}

#[test]
fn two_regressions_with_one_unknown_precision_are_students() {
    let (n, g) = (9, normals(27, 5));
    let x = DMatrix::from_fn(n, 2, |i, d| g[2 * i + d]);
    let y: Vec<f64> = (0..n).map(|i| 0.8 * x[(i, 1)] + g[18 + i]).collect();
    let data = compared_scaled::Data { x: (&x).into(), y: (&y).into() };
    let fit = compared_scaled::Model::new().fit(&data, &Options::new()).expect("it fits");
    // One tau and one w for all data: more of these are no further unit.
    assert!(matches!(fit.update(&data, &Options::new()), Err(Error::CannotUpdate { .. })));
    let shape = |cov: &DMatrix<f64>| density::mv_student_t(&y, 4.0, &DVector::zeros(n), &(cov * 1.5));
    let unit = DMatrix::identity(n, n);
    let wide = &unit + &x * x.transpose() * 5.0;
    let logs = [0.6_f64.ln() + shape(&unit), 0.4_f64.ln() + shape(&wide)];
    let total = log_sum_exp(&logs);
    exact(&fit, &data, total);
    // tau in each model by its own closed form.
    let square = |cov: &DMatrix<f64>| {
        let y = DVector::from_column_slice(&y);
        (y.transpose() * cov.clone().try_inverse().expect("regular") * y)[0]
    };
    let a = 2.0 + 0.5 * n as f64;
    let rate = [3.0 + 0.5 * square(&unit), 3.0 + 0.5 * square(&wide)];
    let p: Vec<f64> = logs.iter().map(|l| (l - total).exp()).collect();
    close(fit.posterior.tau.mean(), p[0] * a / rate[0] + p[1] * a / rate[1], 1e-11);
    // w is its prior where nothing reads it, and Student's t either way.
    let inverse = (DMatrix::identity(2, 2) * 0.2 + x.transpose() * &x).try_inverse().expect("regular");
    let mean = &inverse * x.transpose() * DVector::from_column_slice(&y);
    for d in 0..2 {
        close(fit.posterior.w.mean()[d], p[1] * mean[d], 1e-11);
        let var = |v: f64, k: usize| v * rate[k] / (a - 1.0);
        let second = p[0] * var(5.0, 0) + p[1] * (var(inverse[(d, d)], 1) + mean[d] * mean[d]);
        close(fit.posterior.w.var()[d], second - (p[1] * mean[d]).powi(2), 1e-10);
    }
}

#[test]
fn a_spike_and_a_slab() {
    for shift in [0.0, 0.4, 3.0] {
        let x: Vec<f64> = normals(8, 3).iter().map(|x| x + shift).collect();
        let data = spike::Data { x: (&x).into() };
        let fit = spike::Model::new().fit(&data, &Options::new()).expect("it fits");
        let ones = DMatrix::from_element(8, 1, 1.0);
        let y = DVector::from_column_slice(&x);
        let of = [regression(&ones, &y, &[1e-4], 1.0), regression(&ones, &y, &[9.0], 1.0)];
        let logs: Vec<f64> = of.iter().map(|o| 0.5_f64.ln() + o.2).collect();
        let total = log_sum_exp(&logs);
        exact(&fit, &data, total);
        let p = (logs[1] - total).exp();
        close(fit.posterior.mean.mean(), p * of[1].0[0] + (1.0 - p) * of[0].0[0], 1e-11);
        let at = 0.3;
        let density = p * density::normal(at, of[1].0[0], of[1].1[(0, 0)]).exp()
            + (1.0 - p) * density::normal(at, of[0].0[0], of[0].1[(0, 0)]).exp();
        close(fit.posterior.mean.log_density(&at), density.ln(), 1e-9);
    }
}

#[test]
fn where_a_level_changes_its_two_values_are_integrated() {
    let y: Vec<f64> =
        normals(14, 7).iter().enumerate().map(|(t, e)| e + if t < 8 { 0.0 } else { 2.0 }).collect();
    let data = change::Data { y: (&y).into() };
    let model = change::Model::new();
    let log_p = |s2: f64| -> (f64, Vec<f64>, Vec<[f64; 2]>) {
        let mut means = vec![];
        let logs: Vec<f64> = (0..14)
            .map(|at| {
                let mut log = -(14.0_f64).ln();
                let mut mean = [0.0; 2];
                for (k, part) in [&y[..at], &y[at..]].iter().enumerate() {
                    let ones = DMatrix::from_element(part.len(), 1, 1.0);
                    let target = DVector::from_fn(part.len(), |i, _| part[i] - 1.0);
                    mean[k] = 1.0;
                    if !part.is_empty() {
                        let found = regression(&ones, &target, &[16.0], s2);
                        mean[k] += found.0[0];
                        log += found.2;
                    }
                }
                means.push(mean);
                log
            })
            .collect();
        (log_sum_exp(&logs), logs, means)
    };
    let p = change::Params { s2: 0.8 };
    let fit = model.infer(&data, &p).expect("it infers");
    let (total, logs, means) = log_p(0.8);
    exact(&fit, &data, total);
    for (at, log) in logs.iter().enumerate() {
        close(fit.posterior.at.probs(0)[at], (log - total).exp(), 1e-11);
    }
    for k in 0..2 {
        let mean: f64 = logs.iter().zip(&means).map(|(l, m)| (l - total).exp() * m[k]).sum();
        close(fit.posterior.level.mean()[k], mean, 1e-11);
    }
    let options = Options::new().tolerance(1e-13).max_iterations(3000);
    let fit = model.fit_from(&data, Start::Params(p), &options).expect("it fits");
    let s2 = fit.params.s2;
    exact(&fit, &data, log_p(s2).0);
    let slope = (log_p(s2 * 1.001).0 - log_p(s2 * 0.999).0) / 0.002;
    assert!(slope.abs() < 1e-4, "{slope}");
}

/// log p of observations of one group with a Normal–Gamma prior; then its posterior (mean, k, a, b).
fn normal_gamma(y: &[f64], (m, k0, a, b): (f64, f64, f64, f64)) -> (f64, [f64; 4]) {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n.max(1.0);
    let square: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
    let (k, an) = (k0 + n, a + 0.5 * n);
    let bn = b + 0.5 * square + 0.5 * k0 * n * (mean - m).powi(2) / k;
    let log = ln_gamma(an) - ln_gamma(a) + a * b.ln() - an * bn.ln() + 0.5 * (k0 / k).ln()
        - 0.5 * n * (2.0 * std::f64::consts::PI).ln();
    (log, [(k0 * m + n * mean) / k, k, an, bn])
}

fn groups(seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    DMatrix::from_fn(9, 5, |j, i| {
        if (2 * j + i) % 7 == 3 {
            return f64::NAN;
        }
        if j % 2 == 0 { 3.0 + 0.4 * g.normal() } else { -1.0 + 1.5 * g.normal() }
    })
}

#[test]
fn groups_of_kinds_have_locations_and_precisions_of_their_own() {
    let y = groups(4);
    let data = kinds::Data { y: (&y).into() };
    let p = kinds::Params {
        weight: DVector::from_column_slice(&[0.4, 0.6]),
        m: vec![-0.5, 2.0],
        a: vec![1.5, 4.0],
        b: vec![2.0, 0.7],
    };
    let model = kinds::Model::new(2);
    let fit = model.infer(&data, &p).expect("it infers");
    let mut total = 0.0;
    let (mut s, mut sm, mut counts) = ([0.0; 2], [0.0; 2], [0.0; 2]);
    for j in 0..9 {
        let own: Vec<f64> = y.row(j).iter().copied().filter(|y| !y.is_nan()).collect();
        let of: Vec<_> = (0..2).map(|k| normal_gamma(&own, (p.m[k], 0.3, p.a[k], p.b[k]))).collect();
        let logs: Vec<f64> = (0..2).map(|k| p.weight[k].ln() + of[k].0).collect();
        let log = log_sum_exp(&logs);
        total += log;
        let q: Vec<f64> = logs.iter().map(|l| (l - log).exp()).collect();
        close(fit.posterior.c.probs(j)[1], q[1], 1e-11);
        let (mut tau, mut mean) = (0.0, 0.0);
        for k in 0..2 {
            let [m, _, a, b] = of[k].1;
            tau += q[k] * a / b;
            mean += q[k] * m;
            s[k] += q[k] * a / b;
            sm[k] += q[k] * a / b * m;
            counts[k] += q[k];
        }
        close(fit.posterior.tau[j].mean(), tau, 1e-11);
        close(fit.posterior.mu[j].mean(), mean, 1e-11);
        let var: f64 = (0..2)
            .map(|k| {
                let [m, kn, a, b] = of[k].1;
                q[k] * (b / ((a - 1.0) * kn) + (m - mean).powi(2))
            })
            .sum();
        close(fit.posterior.mu[j].var(), var, 1e-10);
    }
    exact(&fit, &data, total);
    // The M-step is the textbook's: locations weighted by the expected precisions.
    let next =
        model.fit_from(&data, Start::Params(p.clone()), &Options::new().max_iterations(1)).expect("it fits");
    for k in 0..2 {
        close(next.params.m[k], sm[k] / s[k], 1e-10);
        close(next.params.weight[k], counts[k] / 9.0, 1e-10);
    }
    let fit = model
        .fit_from(&data, Start::Params(p), &Options::new().tolerance(1e-10).max_iterations(400))
        .expect("it fits");
    monotone(&fit.trace);
    let draws = fit.draw(&data, 1, 400).expect("it draws");
    let mean = draws.iter().map(|d| d.mu[3]).sum::<f64>() / 400.0;
    assert!((mean - fit.posterior.mu[3].mean()).abs() < 5.0 * (fit.posterior.mu[3].var() / 400.0).sqrt());
}

#[test]
fn variances_and_a_list_of_observations() {
    let mut g = Noise::new(9);
    let group: Vec<usize> = (0..30).map(|_| g.below(6)).chain([5]).collect();
    let s: Vec<f64> = group.iter().map(|_| 0.5 + g.unit()).collect();
    let y: Vec<f64> = group.iter().map(|j| 2.0 * (*j % 2) as f64 + g.normal()).collect();
    let data = listed::Data { group: (&group).into(), s: (&s).into(), y: (&y).into() };
    let p = listed::Params {
        weight: DVector::from_column_slice(&[0.3, 0.7]),
        m: vec![0.2, 1.7],
        b: vec![2.0, 4.0],
    };
    let fit = listed::Model::new(2).infer(&data, &p).expect("it infers");
    let total = (0..6)
        .map(|j| {
            let rows: Vec<usize> = (0..group.len()).filter(|r| group[*r] == j).collect();
            let own: Vec<f64> = rows.iter().map(|r| y[*r]).collect();
            let cov =
                DMatrix::from_fn(rows.len(), rows.len(), |i, k| 2.0 + if i == k { s[rows[i]] } else { 0.0 });
            let logs: Vec<f64> = (0..2)
                .map(|k| {
                    let mean = DVector::from_element(rows.len(), p.m[k]);
                    p.weight[k].ln() + density::mv_student_t(&own, 6.0, &mean, &(&cov * (p.b[k] / 3.0)))
                })
                .collect();
            log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, total);
    let fit = listed::Model::new(2).fit(&data, &Options::new().seed(1).max_iterations(100)).expect("it fits");
    monotone(&fit.trace);
}

#[test]
fn heavy_tails_of_factors_and_noise_together_are_multivariate_t() {
    let mut g = Noise::new(12);
    let x = DMatrix::from_fn(40, 3, |n, _| g.normal() * if n % 9 == 0 { 6.0 } else { 1.0 });
    let data = heavy_factors::Data { x: (&x).into() };
    let model = heavy_factors::Model::new(2);
    let fit = model.fit(&data, &Options::new().seed(1).max_iterations(30)).expect("it fits");
    let p = &fit.params;
    let noise: Vec<f64> = p.psi.iter().map(|p| 1.0 / p).collect();
    let cov = &p.W * p.W.transpose() + diagonal(&noise);
    let by_hand = (0..40)
        .map(|n| {
            let row: Vec<f64> = x.row(n).iter().copied().collect();
            density::mv_student_t(&row, 4.0, &p.mu, &cov)
        })
        .sum();
    exact(&fit, &data, by_hand);
    // Given the unit's scale, the factors are Normal.
    let row = x.row(0).transpose();
    let inverse = cov.clone().try_inverse().expect("regular");
    let mean = p.W.transpose() * &inverse * (&row - &p.mu);
    close(fit.posterior.f[0].mean()[1], mean[1], 1e-10);
    let square = ((&row - &p.mu).transpose() * &inverse * (&row - &p.mu))[0];
    let v = DMatrix::identity(2, 2) - p.W.transpose() * &inverse * &p.W;
    close(fit.posterior.f[0].cov()[(0, 1)], v[(0, 1)] * (2.0 + 0.5 * square) / 2.5, 1e-10);
    close(fit.posterior.u[0].mean(), 3.5 / (2.0 + 0.5 * square), 1e-10);
}

#[test]
fn heavy_tails_in_kinds() {
    let mut g = Noise::new(31);
    let x = DMatrix::from_fn(60, 3, |n, d| {
        (if n % 2 == 0 { 4.0 } else { -3.0 * d as f64 }) + g.normal() * if n % 11 == 0 { 5.0 } else { 1.0 }
    });
    let data = heavy_kinds::Data { x: (&x).into() };
    let fit =
        heavy_kinds::Model::new(2, 1).fit(&data, &Options::new().seed(2).max_iterations(40)).expect("fits");
    let p = &fit.params;
    let by_hand = (0..60)
        .map(|n| {
            let row: Vec<f64> = x.row(n).iter().copied().collect();
            let logs: Vec<f64> = (0..2)
                .map(|k| {
                    let cov = &p.W[k] * p.W[k].transpose() + p.P.clone().try_inverse().expect("regular");
                    p.weight[k].ln() + density::mv_student_t(&row, 4.0, &p.mu[k], &cov)
                })
                .collect();
            log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn factors_that_are_numbers_are_factors_that_are_vectors() {
    let mut g = Noise::new(6);
    let x = DMatrix::from_fn(50, 3, |n, d| {
        if (n + d) % 8 == 0 { f64::NAN } else { (if n % 2 == 0 { 3.0 } else { -2.0 }) + g.normal() }
    });
    let start = |g: &mut Noise| -> (Vec<Vec<DVector<f64>>>, Vec<Vec<f64>>) {
        let w = (0..2).map(|_| (0..3).map(|_| DVector::from_vec(g.normals(2))).collect()).collect();
        (w, vec![vec![2.0; 3], vec![-1.0; 3]])
    };
    let (w, mu) = start(&mut g);
    let weight = DVector::from_element(2, 0.5);
    let options = Options::new().max_iterations(20);
    let data = numbers::Data { x: (&x).into() };
    let p = numbers::Params { weight: weight.clone(), W: w.clone(), mu: mu.clone(), psi: vec![1.0; 3] };
    let one = numbers::Model::new(2, 2).fit_from(&data, Start::Params(p), &options.clone()).expect("it fits");
    assert!(one.verify(&data, 1).expect("it verifies").is_exact());
    monotone(&one.trace);
    let data = vectors::Data { x: (&x).into() };
    let p = vectors::Params { weight, W: w, mu, psi: vec![1.0; 3] };
    let model = vectors::Model::new(2, 2);
    let other = model.infer(&data, &p).expect("it infers");
    close(one.trace[0], other.log_likelihood(), 1e-12);
    let at_end = vectors::Params {
        weight: one.params.weight.clone(),
        W: one.params.W.clone(),
        mu: one.params.mu.clone(),
        psi: one.params.psi.clone(),
    };
    let other = model.infer(&data, &at_end).expect("it infers");
    close(one.log_likelihood(), other.log_likelihood(), 1e-12);
    for q in 0..2 {
        close(one.posterior.f[7].mean()[q], other.posterior.f[7].mean()[q], 1e-11);
    }
}

#[test]
fn a_location_and_a_precision_at_every_step_of_a_chain() {
    let mut g = Noise::new(19);
    let y = DMatrix::from_fn(6, 4, |t, _| if t < 3 { g.normal() } else { 4.0 + 2.0 * g.normal() });
    let data = steps::Data { y: (&y).into() };
    let p = steps::Params {
        start: DVector::from_column_slice(&[0.5, 0.5]),
        trans: vec![DVector::from_column_slice(&[0.7, 0.3]), DVector::from_column_slice(&[0.2, 0.8])],
        m: vec![0.0, 3.0],
        a: vec![2.0, 1.0],
    };
    let fit = steps::Model::new(2).infer(&data, &p).expect("it infers");
    let of: Vec<Vec<_>> = (0..6)
        .map(|t| {
            let row: Vec<f64> = y.row(t).iter().copied().collect();
            (0..2).map(|k| normal_gamma(&row, (p.m[k], 0.5, p.a[k], 2.0))).collect()
        })
        .collect();
    let mut logs = vec![];
    for path in 0..64_usize {
        let state = |t: usize| path >> t & 1;
        let chain: f64 = (1..6).map(|t| p.trans[state(t - 1)][state(t)].ln()).sum();
        logs.push(p.start[state(0)].ln() + chain + (0..6).map(|t| of[t][state(t)].0).sum::<f64>());
    }
    let total = log_sum_exp(&logs);
    exact(&fit, &data, total);
    let q: f64 = (0..64_usize).filter(|path| path >> 2 & 1 == 1).map(|path| (logs[path] - total).exp()).sum();
    close(fit.posterior.z.probs(2)[1], q, 1e-11);
    close(fit.posterior.mu[2].mean(), (1.0 - q) * of[2][0].1[0] + q * of[2][1].1[0], 1e-11);
    let fit = steps::Model::new(2).fit(&data, &Options::new().seed(1).max_iterations(50)).expect("it fits");
    monotone(&fit.trace);
}

#[test]
fn effects_go_with_their_category_when_all_else_is_uncertain() {
    let mut g = Noise::new(23);
    let y = DMatrix::from_fn(25, 4, |j, _| if j % 2 == 0 { 3.0 } else { -2.0 } + g.normal());
    let data = uncertain::Data { y: (&y).into() };
    let fit = uncertain::Model::new(2).fit(&data, &Options::new().seed(2).restarts(2)).expect("it fits");
    honest(&fit, &data);
    let shown = format!("{}", uncertain::PLAN);
    assert!(shown.contains("block {c[j], b[j]}, an independent copy for each j"), "{shown}");
}
