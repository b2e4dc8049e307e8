//! Models without a latent, against closed forms, and priors on params.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::{close, exact};

model! {
    pub mod linear {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];   param b: Real;   param s2: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, var: s2);
    }
}
model! {
    pub mod ridge(lambda: Positive = 0.5) {
        given    x[n in N]: Vector[D];
        param    w[d in D] ~ Normal(0, prec: lambda);
        observed y[n in N] ~ Normal(dot(w, x[n]), var: 2.0);
    }
}
model! {
    pub mod rate {
        param    r: Positive;
        observed y[n in N] ~ Poisson(r);
    }
}
model! {
    pub mod rate_map {
        param    r ~ Gamma(shape: 3, rate: 2);
        observed y[n in N] ~ Poisson(r);
    }
}
model! {
    pub mod shape_and_rate {
        param    a: Positive;   param r: Positive;
        observed y[n in N] ~ Gamma(shape: a, rate: r);
    }
}
model! {
    pub mod coin_map {
        param    p ~ Beta(3, 2);
        observed y[n in N] ~ Bernoulli(p);
    }
}
model! {
    pub mod independent_prior(K) {
        param    weight: Simplex[K] ~ Dirichlet(2.0);
        param    mean[k in K] ~ Normal(0, sd: 3);
        param    s2[k in K] ~ InverseGamma(shape: 2, scale: 1);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}
model! {
    pub mod vector_targets(K) {
        given    x[n in N]: Vector[P];
        param    weight: Simplex[K];
        param    W[k in K]: Matrix[D, P];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(W[z[n]] * x[n], cov: cov[z[n]]);
    }
}

#[test]
fn least_squares_solves_the_normal_equations() {
    let mut g = Noise::new(1);
    let x = DMatrix::from_fn(40, 2, |_, _| g.normal());
    let y: Vec<f64> = (0..40).map(|n| 2.0 * x[(n, 0)] - x[(n, 1)] + 3.0 + 0.3 * g.normal()).collect();
    let data = linear::Data { x: (&x).into(), y: (&y).into() };
    let fit = linear::Model::new().fit(&data, &Options::new()).unwrap();
    let design = DMatrix::from_fn(40, 3, |n, j| if j < 2 { x[(n, j)] } else { 1.0 });
    let target = DVector::from_vec(y.clone());
    let solved = (design.transpose() * &design).try_inverse().unwrap() * design.transpose() * &target;
    let s2 = (&target - &design * &solved).norm_squared() / 40.0;
    close(fit.params.w[0], solved[0], 1e-10);
    close(fit.params.w[1], solved[1], 1e-10);
    close(fit.params.b, solved[2], 1e-10);
    close(fit.params.s2, s2, 1e-10);
    exact(&fit, &data, -20.0 * ((std::f64::consts::TAU * s2).ln() + 1.0));
}

#[test]
fn a_normal_prior_on_coefficients_is_ridge_regression() {
    let mut g = Noise::new(2);
    let x = DMatrix::from_fn(30, 3, |_, _| g.normal());
    let y: Vec<f64> = (0..30).map(|n| x[(n, 0)] + g.normal()).collect();
    let data = ridge::Data { x: (&x).into(), y: (&y).into() };
    let fit = ridge::Model::new().fit(&data, &Options::new()).unwrap();
    let gram = x.transpose() * &x / 2.0 + DMatrix::identity(3, 3) * 0.5;
    let solved = gram.try_inverse().unwrap() * x.transpose() * DVector::from_vec(y.clone()) / 2.0;
    for d in 0..3 {
        close(fit.params.w[d], solved[d], 1e-11);
    }
    let prior: f64 = solved.iter().map(|w| density::normal(*w, 0.0, 2.0)).sum();
    let likelihood: f64 = (0..30).map(|n| density::normal(y[n], (x.row(n) * &solved)[0], 2.0)).sum();
    close(fit.log_likelihood(), likelihood, 1e-12);
    close(fit.log_posterior(), likelihood + prior, 1e-12);
}

#[test]
fn rates_and_chances_have_closed_forms() {
    let y = [3u64, 0, 4, 2, 6];
    let fit = rate::Model::new().fit(&rate::Data { y: (&y).into() }, &Options::new()).unwrap();
    close(fit.params.r, 3.0, 1e-14);
    close(fit.log_likelihood(), y.iter().map(|y| density::poisson(*y, 3.0)).sum(), 1e-13);
    let fit = rate_map::Model::new().fit(&rate_map::Data { y: (&y).into() }, &Options::new()).unwrap();
    close(fit.params.r, (15.0 + 2.0) / (5.0 + 2.0), 1e-14);
    close(fit.log_posterior() - fit.log_likelihood(), density::gamma(17.0 / 7.0, 3.0, 2.0), 1e-12);
    let y = [true, true, false, true];
    let fit = coin_map::Model::new().fit(&coin_map::Data { y: (&y).into() }, &Options::new()).unwrap();
    close(fit.params.p, 5.0 / 7.0, 1e-14);
}

#[test]
fn a_gamma_fit_solves_its_likelihood_equations() {
    let mut g = Noise::new(3);
    let y: Vec<f64> = (0..50).map(|_| g.gamma(3, 0.7)).collect();
    let data = shape_and_rate::Data { y: (&y).into() };
    let options = Options::new().tolerance(0.0).max_iterations(10_000);
    let fit = shape_and_rate::Model::new().fit(&data, &options).unwrap();
    // log a − ψ(a) = log ȳ − mean log y, by bisection, with ψ from differences of log Γ.
    let mean = y.iter().sum::<f64>() / 50.0;
    let s = mean.ln() - y.iter().map(|v| v.ln()).sum::<f64>() / 50.0;
    let digamma = |a: f64| (density::ln_gamma(a + 1e-4) - density::ln_gamma(a - 1e-4)) / 2e-4;
    let (mut low, mut high) = (0.1, 100.0);
    for _ in 0..200 {
        let mid: f64 = 0.5 * (low + high);
        if mid.ln() - digamma(mid) > s { low = mid } else { high = mid }
    }
    close(fit.params.a / low, 1.0, 1e-6);
    close(fit.params.r / (low / mean), 1.0, 1e-6);
    exact(&fit, &data, y.iter().map(|v| density::gamma(*v, fit.params.a, fit.params.r)).sum());
}

#[test]
fn independent_priors_on_mean_and_variance() {
    let mut g = Noise::new(4);
    let y: Vec<f64> = (0..60).map(|n| g.normal() + if n % 2 == 0 { 4.0 } else { 0.0 }).collect();
    let data = independent_prior::Data { y: (&y).into() };
    let model = independent_prior::Model::new(2);
    let fit = model.fit(&data, &Options::new().tolerance(0.0).max_iterations(5000)).unwrap();
    let objective = |p: &independent_prior::Params| {
        let likelihood: f64 = y
            .iter()
            .map(|y| log_sum_exp(&[0, 1].map(|k| p.weight[k].ln() + density::normal(*y, p.mean[k], p.s2[k]))))
            .sum();
        let prior: f64 = (0..2)
            .map(|k| density::normal(p.mean[k], 0.0, 9.0) + density::inverse_gamma(p.s2[k], 2.0, 1.0))
            .sum();
        (likelihood, prior + density::dirichlet(p.weight.as_slice(), &[2.0, 2.0]))
    };
    let (likelihood, prior) = objective(&fit.params);
    exact(&fit, &data, likelihood);
    close(fit.log_posterior(), likelihood + prior, 1e-11);
    let top = likelihood + prior;
    for k in 0..2 {
        for t in [1e-3, -1e-3] {
            let mut p = fit.params.clone();
            p.mean[k] += t;
            let (l, q) = objective(&p);
            assert!(l + q < top, "mean[{k}]");
            let mut p = fit.params.clone();
            p.s2[k] *= f64::exp(t);
            let (l, q) = objective(&p);
            assert!(l + q < top, "s2[{k}]");
        }
    }
}

#[test]
fn mixture_of_regressions_of_vectors() {
    let mut g = Noise::new(5);
    let x = DMatrix::from_fn(70, 3, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y = DMatrix::from_fn(70, 2, |n, d| {
        let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
        sign * (2.0 * x[(n, 1)] + d as f64) + 0.4 * ((n * 37 + d * 11) % 17) as f64 / 17.0
    });
    let data = vector_targets::Data { x: (&x).into(), y: (&y).into() };
    let fit = vector_targets::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let p = &fit.params;
    let by_hand = (0..70)
        .map(|n| {
            let row: Vec<f64> = y.row(n).iter().copied().collect();
            log_sum_exp(&[0usize, 1].map(|k| {
                p.weight[k].ln() + density::mv_normal(&row, &(&p.W[k] * x.row(n).transpose()), &p.cov[k])
            }))
        })
        .sum();
    exact(&fit, &data, by_hand);
}
