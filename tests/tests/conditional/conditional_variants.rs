//! More conditional blocks: scales of matrices, labels that are partly known, frailties, states that are indices, bounds of Bayesian
//! models, and what a fit of one can do besides.

use vi_core::fit::Schedule;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, ln_gamma, log_sum_exp};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    /// The covariance divided by the latent, a vector's mean on covariates.
    pub mod covariances(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]] / u[n]);
    }
}
model! {
    pub mod labelled(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        observed z[n in N]: Category[K]? ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]] / u[n]);
    }
}
model! {
    /// Counts that vary more than Poisson's: negative binomial regression.
    pub mod frailty {
        given    x[n in N]: Real;
        param    a: Positive;   param b: Real;   param c: Real;
        latent   u[n in N] ~ Gamma(shape: a, rate: a);
        observed y[n in N] ~ Poisson(u[n] * exp(b + c * x[n]));
    }
}
model! {
    /// Which of several rates a unit has is a state, and an index.
    pub mod which(K) {
        param    w: Simplex[K];
        latent   z[n in N] ~ Categorical(w);
        latent   rate[n in N, k in K] ~ Gamma(shape: 2, rate: 1 + 3 * k);
        observed y[n in N, t in T] ~ Poisson(rate[n, z[n]]);
    }
}
model! {
    /// A weight that is given beside the one that is not, and a mean on covariates.
    pub mod regression(K) {
        given    x[n in N]: Vector[D];
        given    v[n in N]: Positive;
        param    w: Simplex[K];   param beta[k in K]: Vector[D];   param s2[k in K]: Positive;
        latent   z[n in N] ~ Categorical(w);
        latent   u[n in N] ~ Gamma(shape: 1.5, rate: 1.5);
        observed y[n in N]: Real? ~ Normal(dot(beta[z[n]], x[n]), var: s2[z[n]] * v[n] / u[n]);
    }
}
model! {
    /// All parameters uncertain, vectors: Normal–Wishart blocks beside the conditional one.
    pub mod bayes(K, W: SymPos[D]) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K] ~ Wishart(dof: D + 2, scale: W);
        latent   mean[k in K] ~ Normal(0, prec: 0.05 * prec[k]);
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * prec[z[n]]);
    }
}
model! {
    /// The rate of the rates is uncertain: its update reads their expectations.
    pub mod hyper(K) {
        param    w: Simplex[K];
        param    a[k in K]: Positive;
        latent   b ~ Gamma(shape: 2, rate: 1);
        latent   z[g in G] ~ Categorical(w);
        latent   rate[g in G] ~ Gamma(shape: a[z[g]], rate: b);
        observed y[g in G, r in R] ~ Poisson(rate[g]);
    }
}
model! {
    pub mod t_mixture(K, nu: Positive) {
        param    weight: Simplex[K];   param mean[k in K]: Real;   param tau[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * tau[z[n]]);
    }
}
model! {
    pub mod gaussian_mixture(K) {
        param    weight: Simplex[K];   param mean[k in K]: Real;   param tau[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], prec: tau[z[n]]);
    }
}

fn plane(n: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    DMatrix::from_fn(n, 2, |i, d| {
        let heavy = if i % 10 == 0 { 4.0 } else { 1.0 };
        (if i % 3 == 0 { 6.0 } else { -1.0 } + d as f64) + heavy * g.normal()
    })
}

#[test]
fn labels_that_are_known_are_kept_and_the_rest_are_multivariate_t() {
    let x = plane(90, 3);
    let z: Vec<Option<usize>> = (0..90).map(|n| (n % 4 == 0).then_some(usize::from(n % 3 == 0))).collect();
    let data = labelled::Data { z: (&z).into(), x: (&x).into() };
    let fit = labelled::Model::new(2).fit(&data, &Options::new().seed(1)).expect("it fits");
    let p = &fit.params;
    let by_hand: f64 = (0..90)
        .map(|n| {
            let row: Vec<f64> = x.row(n).iter().copied().collect();
            let logs: Vec<f64> = (0..2)
                .filter(|k| z[n].is_none_or(|z| z == *k))
                .map(|k| p.weight[k].ln() + density::mv_student_t(&row, 4.0, &p.mean[k], &p.cov[k]))
                .collect();
            log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn a_frailty_makes_poisson_regression_negative_binomial() {
    let mut g = Noise::new(5);
    let x: Vec<f64> = (0..400).map(|_| g.normal()).collect();
    let y: Vec<u64> = x
        .iter()
        .map(|x| {
            let u = g.gamma(3, 3.0);
            g.poisson(u * (0.7 + 0.5 * x).exp())
        })
        .collect();
    let data = frailty::Data { x: (&x).into(), y: (&y).into() };
    let options = Options::new().tolerance(1e-12).max_iterations(5000);
    let fit = frailty::Model::new().fit(&data, &options).expect("it fits");
    let log_likelihood = |a: f64, b: f64, c: f64| -> f64 {
        x.iter().zip(&y).map(|(x, y)| density::negative_binomial(*y, (b + c * x).exp(), a)).sum()
    };
    let p = &fit.params;
    exact(&fit, &data, log_likelihood(p.a, p.b, p.c));
    let at = log_likelihood(p.a, p.b, p.c);
    for (da, db, dc) in [
        (1.02, 0.0, 0.0),
        (0.98, 0.0, 0.0),
        (1.0, 0.01, 0.0),
        (1.0, -0.01, 0.0),
        (1.0, 0.0, 0.01),
        (1.0, 0.0, -0.01),
    ] {
        assert!(log_likelihood(p.a * da, p.b + db, p.c + dc) < at + 1e-7);
    }
    assert!((p.b - 0.7).abs() < 0.2 && (p.c - 0.5).abs() < 0.15, "{p:?}");
}

#[test]
fn a_state_may_be_the_index_of_the_latent() {
    let mut g = Noise::new(8);
    let y = DMatrix::from_fn(40, 5, |n, _| g.poisson(if n % 2 == 0 { 4.0 } else { 0.5 }));
    let data = which::Data { y: (&y).into() };
    let start = which::Params { w: DVector::from_column_slice(&[0.3, 0.3, 0.4]) };
    let model = which::Model::new(3);
    let fit = model.infer(&data, &start).expect("it infers");
    let mut by_hand = 0.0;
    for n in 0..40 {
        let s: f64 = y.row(n).iter().map(|y| *y as f64).sum();
        let base: f64 = y.row(n).iter().map(|y| ln_gamma(*y as f64 + 1.0)).sum();
        let logs: Vec<f64> = (0..3)
            .map(|k| {
                let b = 1.0 + 3.0 * k as f64;
                start.w[k].ln() + 2.0 * b.ln() + ln_gamma(2.0 + s) - (2.0 + s) * (b + 5.0).ln() - base
            })
            .collect();
        let total = log_sum_exp(&logs);
        by_hand += total;
        // The rate that is not read keeps its prior.
        let mean: f64 =
            (0..3).map(|k| (logs[k] - total).exp() * if k == 2 { (2.0 + s) / 12.0 } else { 2.0 / 7.0 }).sum();
        close(fit.posterior.rate[n][2].mean(), mean, 1e-11);
    }
    exact(&fit, &data, by_hand);
}

#[test]
fn regressions_in_kinds_have_students_errors() {
    let mut g = Noise::new(10);
    let n = 150;
    let x = DMatrix::from_fn(n, 2, |_, d| if d == 0 { 1.0 } else { g.normal() });
    let v: Vec<f64> = (0..n).map(|_| 0.5 + g.unit()).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| {
            if i % 13 == 5 {
                return f64::NAN;
            }
            let slope = if i % 2 == 0 { 3.0 } else { -3.0 };
            slope * x[(i, 1)] + g.normal() * if i % 17 == 0 { 6.0 } else { 0.4 }
        })
        .collect();
    let data = regression::Data { x: (&x).into(), v: (&v).into(), y: (&y).into() };
    let fit = regression::Model::new(2).fit(&data, &Options::new().seed(1).restarts(3)).expect("it fits");
    let p = &fit.params;
    let by_hand: f64 = (0..n)
        .filter(|i| !y[*i].is_nan())
        .map(|i| {
            let logs: Vec<f64> = (0..2)
                .map(|k| {
                    let mean = p.beta[k][0] * x[(i, 0)] + p.beta[k][1] * x[(i, 1)];
                    p.w[k].ln() + density::student_t(y[i], 3.0, mean, (p.s2[k] * v[i]).sqrt())
                })
                .collect();
            log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
    let slopes: Vec<f64> = (0..2).map(|k| p.beta[k][1]).collect();
    assert!(slopes.iter().any(|s| (s - 3.0).abs() < 0.3) && slopes.iter().any(|s| (s + 3.0).abs() < 0.3));
}

#[test]
fn bounds_of_bayesian_mixtures_are_those_of_their_own_densities() {
    let x = plane(40, 6);
    let data = bayes::Data { x: (&x).into() };
    let model = bayes::Model::new(2, DMatrix::identity(2, 2) * 0.3);
    let fit = model.fit(&data, &Options::new().seed(2)).expect("it fits");
    honest(&fit, &data);
    let predicted = fit.predict(&data).expect("it predicts");
    assert!(predicted.log_density.iter().all(|l| l.is_finite()));
    let mut g = Noise::new(2);
    let y = DMatrix::from_fn(20, 4, |i, _| g.poisson(if i % 2 == 0 { 1.0 } else { 6.0 }));
    let data = hyper::Data { y: (&y).into() };
    let fit = hyper::Model::new(2).fit(&data, &Options::new().seed(1)).expect("it fits");
    honest(&fit, &data);
    // b given the rates is Gamma(2 + Σ E a, 1 + Σ E rate).
    let rates: f64 = fit.posterior.rate.iter().map(Marginal::mean).sum();
    let shapes: f64 =
        (0..20).map(|n| (0..2).map(|k| fit.posterior.z.probs(n)[k] * fit.params.a[k]).sum::<f64>()).sum();
    let b = fit.posterior.b.law().expect("a law");
    close(b.shape, 2.0 + shapes, 1e-3);
    close(b.rate, 1.0 + rates, 1e-3);
}

#[test]
fn with_many_degrees_of_freedom_a_mixture_of_t_is_a_mixture_of_normals() {
    let mut g = Noise::new(44);
    let x: Vec<f64> = (0..100).map(|n| if n % 2 == 0 { 5.0 } else { 0.0 } + g.normal()).collect();
    let start = (DVector::from_column_slice(&[0.5, 0.5]), vec![0.5, 4.0], vec![1.0, 1.0]);
    let t = t_mixture::Params { weight: start.0.clone(), mean: start.1.clone(), tau: start.2.clone() };
    let normal = gaussian_mixture::Params { weight: start.0, mean: start.1, tau: start.2 };
    let options = Options::new().tolerance(1e-10);
    let a = t_mixture::Model::new(2, 1e8)
        .fit_from(&t_mixture::Data { x: (&x).into() }, Start::Params(t), &options)
        .expect("it fits");
    let b = gaussian_mixture::Model::new(2)
        .fit_from(&gaussian_mixture::Data { x: (&x).into() }, Start::Params(normal), &options)
        .expect("it fits");
    close(a.log_likelihood(), b.log_likelihood(), 1e-6);
    for k in 0..2 {
        close(a.params.mean[k], b.params.mean[k], 1e-5);
        close(a.params.tau[k], b.params.tau[k], 1e-5);
    }
}

#[test]
fn an_offset_of_the_data_changes_nothing_but_the_locations() {
    let mut g = Noise::new(12);
    let x: Vec<f64> = (0..200)
        .map(|n| if n % 2 == 0 { 5.0 } else { 0.0 } + (g.normal() * 1024.0).round() / 1024.0)
        .collect();
    let far: Vec<f64> = x.iter().map(|x| x + 1e8).collect();
    let model = t_mixture::Model::new(2, 4.0);
    let fit = |x: &[f64], offset: f64| {
        let start = t_mixture::Params {
            weight: DVector::from_column_slice(&[0.5, 0.5]),
            mean: vec![offset, offset + 4.0],
            tau: vec![1.0, 1.0],
        };
        let data = t_mixture::Data { x: x.into() };
        model.fit_from(&data, Start::Params(start), &Options::new().max_iterations(30)).expect("it fits")
    };
    let (near, far) = (fit(&x, 0.0), fit(&far, 1e8));
    // The locations themselves are rounded to 1.5e-8.
    close(far.log_likelihood(), near.log_likelihood(), 1e-8);
    for k in 0..2 {
        close(far.params.tau[k], near.params.tau[k], 1e-6);
        assert!((far.params.mean[k] - 1e8 - near.params.mean[k]).abs() < 1e-6);
    }
}

#[test]
fn minibatches_find_the_same_likelihood() {
    let mut g = Noise::new(15);
    let x: Vec<f64> = (0..4000)
        .map(|n| if n % 2 == 0 { 6.0 } else { -2.0 } + g.normal() / g.gamma(2, 2.0).sqrt())
        .collect();
    let data = t_mixture::Data { x: (&x).into() };
    let model = t_mixture::Model::new(2, 4.0);
    let full = model.fit(&data, &Options::new().seed(1)).expect("it fits");
    let fit = model.fit_stochastic(&data, &Options::new().seed(1), Schedule::default()).expect("it fits");
    let per_unit = (full.log_likelihood() - fit.log_likelihood()) / 4000.0;
    assert!((-1e-9..2e-3).contains(&per_unit), "{per_unit}");
}

#[test]
fn posteriors_survive_being_written_and_read() {
    let x = [0.3, 5.0, -2.0];
    let data = t_mixture::Data { x: (&x).into() };
    let params = t_mixture::Params {
        weight: DVector::from_column_slice(&[0.4, 0.6]),
        mean: vec![0.0, 4.0],
        tau: vec![1.0, 2.0],
    };
    let fit = t_mixture::Model::new(2, 3.0).infer(&data, &params).expect("it infers");
    let text = serde_json::to_string(&fit.posterior).expect("it is written");
    let read: t_mixture::Posterior = serde_json::from_str(&text).expect("it is read");
    assert_eq!(read, fit.posterior);
}

#[test]
fn sweeps_climb_where_categories_and_scales_meet_matrices() {
    for seed in 0..6 {
        let x = plane(60, 100 + seed);
        let data = covariances::Data { x: (&x).into() };
        let options = Options::new().seed(seed).max_iterations(100);
        if let Ok(fit) = covariances::Model::new(2).fit(&data, &options) {
            monotone(&fit.trace);
            assert!(fit.verify(&data, seed).expect("it verifies").is_exact());
        }
    }
}
