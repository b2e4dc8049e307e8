//! Bayesian regressions: dense joint Normals and t densities where the posterior is exact, plain loops where it is cut.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, digamma, ln_gamma, log_integral, mv_normal, mv_student_t};
use vi_tests::law::{close, exact, monotone};

model! {
    pub mod known_noise(s: Positive, s2: Positive) {
        given    x[n in N]: Vector[D];
        latent   w[d in D] ~ Normal(0, sd: s);
        observed y[n in N] ~ Normal(dot(w, x[n]), var: s2);
    }
}
model! {
    /// Intercept and slopes in one block.
    pub mod with_intercept(s: Positive, s2: Positive) {
        given    x[n in N]: Vector[D];
        latent   b         ~ Normal(1, sd: 3);
        latent   w[d in D] ~ Normal(0, sd: s);
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, var: s2);
    }
}
model! {
    pub mod unknown_noise(k0: Positive, a0: Positive, b0: Positive) {
        given    x[n in N]: Vector[D];
        latent   tau       ~ Gamma(shape: a0, rate: b0);
        latent   w[d in D] ~ Normal(0, prec: k0 * tau);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}
model! {
    pub mod relevance(a0: Positive, b0: Positive) {
        given    x[n in N]: Vector[D];
        latent   tau           ~ Gamma(shape: a0, rate: b0);
        latent   alpha[d in D] ~ Gamma(shape: a0, rate: b0);
        latent   w[d in D]     ~ Normal(0, prec: tau * alpha[d]);
        observed y[n in N]     ~ Normal(dot(w, x[n]), prec: tau);
        factorize { q(w, tau); q(alpha); }
    }
}
model! {
    /// The precision of the coefficients is not that of the noise: w and tau must part.
    pub mod parted(k0: Positive, a0: Positive, b0: Positive) {
        given    x[n in N]: Vector[D];
        latent   tau       ~ Gamma(shape: a0, rate: b0);
        latent   w[d in D] ~ Normal(0, prec: k0);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
        factorize { q(w); q(tau); }
    }
}

fn problem(n: usize, d: usize, seed: u64) -> (DMatrix<f64>, Vec<f64>) {
    let mut g = Noise::new(seed);
    let x = DMatrix::from_fn(n, d, |_, _| g.normal());
    let y = (0..n).map(|n| 1.5 * x[(n, 0)] + 0.8 * g.normal()).collect();
    (x, y)
}

fn thorough() -> Options {
    Options::new().tolerance(0.0).max_iterations(5000)
}

#[test]
fn coefficients_of_a_regression_with_known_noise() {
    let (x, y) = problem(6, 2, 1);
    let (s, s2) = (2.0, 0.6);
    let data = known_noise::Data { x: (&x).into(), y: (&y).into() };
    let fit = known_noise::Model::new(s, s2).fit(&data, &Options::new()).unwrap();
    let total = &x * x.transpose() * (s * s) + DMatrix::identity(6, 6) * s2;
    exact(&fit, &data, mv_normal(&y, &DVector::zeros(6), &total));
    close(fit.log_evidence(), fit.elbo(), 1e-14);
    let gain = x.transpose() * total.try_inverse().unwrap() * (s * s);
    let mean = &gain * DVector::from_vec(y.clone());
    let cov = DMatrix::identity(2, 2) * (s * s) - &gain * &x * (s * s);
    for d in 0..2 {
        close(fit.posterior.w.mean()[d], mean[d], 1e-11);
        for e in 0..2 {
            close(fit.posterior.w.cov()[(d, e)], cov[(d, e)], 1e-11);
        }
    }
}

#[test]
fn an_intercept_with_a_prior_of_its_own() {
    let (x, y) = problem(7, 2, 2);
    let (s, s2) = (0.7, 0.9);
    let data = with_intercept::Data { x: (&x).into(), y: (&y).into() };
    let fit = with_intercept::Model::new(s, s2).fit(&data, &Options::new()).unwrap();
    let total =
        &x * x.transpose() * (s * s) + DMatrix::from_element(7, 7, 9.0) + DMatrix::identity(7, 7) * s2;
    let at = DVector::from_element(7, 1.0);
    exact(&fit, &data, mv_normal(&y, &at, &total));
    let weights = total.try_inverse().unwrap() * (DVector::from_vec(y.clone()) - at);
    close(fit.posterior.b.mean(), 1.0 + 9.0 * weights.sum(), 1e-11);
    let slopes = x.transpose() * &weights * (s * s);
    for d in 0..2 {
        close(fit.posterior.w.mean()[d], slopes[d], 1e-11);
    }
}

#[test]
fn coefficients_and_noise_are_one_block() {
    let (x, y) = problem(8, 3, 3);
    let (k0, a0, b0) = (0.5, 1.4, 0.8);
    let data = unknown_noise::Data { x: (&x).into(), y: (&y).into() };
    let fit = unknown_noise::Model::new(k0, a0, b0).fit(&data, &Options::new()).unwrap();
    let total = (&x * x.transpose() / k0 + DMatrix::identity(8, 8)) * (b0 / a0);
    exact(&fit, &data, mv_student_t(&y, 2.0 * a0, &DVector::zeros(8), &total));
    let gram = x.transpose() * &x + DMatrix::identity(3, 3) * k0;
    let v = gram.clone().try_inverse().unwrap();
    let target = DVector::from_vec(y.clone());
    let m = &v * x.transpose() * &target;
    let (a, b) = (a0 + 4.0, b0 + 0.5 * (target.norm_squared() - (m.transpose() * &gram * &m)[0]));
    close(fit.posterior.tau.mean(), a / b, 1e-11);
    close(fit.posterior.tau.var(), a / (b * b), 1e-11);
    for d in 0..3 {
        close(fit.posterior.w.mean()[d], m[d], 1e-11);
        for e in 0..3 {
            close(fit.posterior.w.cov()[(d, e)], v[(d, e)] * b / (a - 1.0), 1e-11);
        }
    }
}

/// q(w, tau) q(alpha) by hand: E w, E tau, E alpha and the bound after each sweep. Alpha begins at its prior's mean.
fn relevance_by_hand(
    x: &DMatrix<f64>,
    y: &[f64],
    a0: f64,
    b0: f64,
    sweeps: usize,
) -> (Vec<f64>, DVector<f64>, f64, Vec<f64>) {
    let (n, d) = (x.nrows() as f64, x.ncols());
    let y = DVector::from_column_slice(y);
    let mut alpha = vec![(a0, b0); d];
    let (mut trace, mut mean, mut tau) = (vec![], DVector::zeros(d), 0.0);
    let gamma_bound = |(a, b): (f64, f64)| {
        // E log p − E log q of a Gamma.
        let log = digamma(a) - b.ln();
        a0 * b0.ln() - ln_gamma(a0) + (a0 - 1.0) * log
            - b0 * a / b
            - (a * b.ln() - ln_gamma(a) + (a - 1.0) * log - a)
    };
    for _ in 0..sweeps {
        let e_alpha = DMatrix::from_fn(d, d, |i, j| if i == j { alpha[i].0 / alpha[i].1 } else { 0.0 });
        let gram = x.transpose() * x + e_alpha;
        let v = gram.clone().try_inverse().unwrap();
        mean = &v * x.transpose() * &y;
        let a = a0 + 0.5 * n;
        let b = b0 + 0.5 * (y.norm_squared() - (mean.transpose() * &gram * &mean)[0]);
        tau = a / b;
        let square = |i: usize| tau * mean[i] * mean[i] + v[(i, i)];
        for i in 0..d {
            alpha[i] = (a0 + 0.5, b0 + 0.5 * square(i));
        }
        let log_tau = digamma(a) - b.ln();
        let ln_tau_pi = (2.0 * std::f64::consts::PI).ln();
        let residual = (&y - x * &mean).norm_squared() * tau + (x * &v * x.transpose()).trace();
        let mut bound = 0.5 * (n * (log_tau - ln_tau_pi) - residual);
        for i in 0..d {
            let (p, q) = alpha[i];
            bound +=
                0.5 * (log_tau - ln_tau_pi + digamma(p) - q.ln() - p / q * square(i)) + gamma_bound(alpha[i]);
        }
        bound += 0.5 * (d as f64 * (ln_tau_pi + 1.0 - log_tau) + v.determinant().ln()) + gamma_bound((a, b));
        trace.push(bound);
    }
    (trace, mean, tau, alpha.iter().map(|(a, b)| a / b).collect())
}

#[test]
fn relevance_of_each_coefficient() {
    let (x, y) = problem(12, 3, 4);
    let (a0, b0) = (0.5, 0.3);
    let (expected, w, tau, alpha) = relevance_by_hand(&x, &y, a0, b0, 30);
    let model = relevance::Model::new(a0, b0);
    let data = relevance::Data { x: (&x).into(), y: (&y).into() };
    let mut state = model.start(&data, Start::Default, &thorough()).unwrap();
    while state.trace.len() < 30 {
        model.step(&mut state).unwrap();
    }
    for (sweep, (found, expected)) in state.trace.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() < 1e-10 * expected.abs(), "sweep {sweep}: {found} and {expected}");
    }
    monotone(&state.trace);
    let fit = state.finish().unwrap();
    close(fit.posterior.tau.mean(), tau, 1e-10);
    for d in 0..3 {
        close(fit.posterior.w.mean()[d], w[d], 1e-10);
        close(fit.posterior.alpha[d].mean(), alpha[d], 1e-10);
    }
}

#[test]
fn the_bound_of_relevance_is_below_the_evidence() {
    let (x, y) = problem(6, 1, 5);
    let (a0, b0) = (2.0, 1.5);
    let data = relevance::Data { x: (&x).into(), y: (&y).into() };
    let fit = relevance::Model::new(a0, b0).fit(&data, &thorough()).unwrap();
    // Given alpha everything is a t; alpha by quadrature over its log.
    let evidence = log_integral(-18.0, 6.0, |l| {
        let total = (&x * x.transpose() / l.exp() + DMatrix::identity(6, 6)) * (b0 / a0);
        mv_student_t(&y, 2.0 * a0, &DVector::zeros(6), &total) + density::gamma(l.exp(), a0, b0) + l
    });
    let gap = evidence - fit.elbo();
    assert!(gap > 1e-4 && gap < 0.5, "{gap}");
}

#[test]
fn noise_apart_from_coefficients_costs_something() {
    let (x, y) = problem(6, 2, 6);
    let (k0, a0, b0) = (0.8, 2.0, 1.0);
    let data = parted::Data { x: (&x).into(), y: (&y).into() };
    let fit = parted::Model::new(k0, a0, b0).fit(&data, &thorough()).unwrap();
    monotone(&fit.trace);
    let evidence = log_integral(-15.0, 6.0, |l| {
        let total = &x * x.transpose() / k0 + DMatrix::identity(6, 6) * (-l).exp();
        mv_normal(&y, &DVector::zeros(6), &total) + density::gamma(l.exp(), a0, b0) + l
    });
    let gap = evidence - fit.elbo();
    assert!(gap > 1e-4 && gap < 0.5, "{gap}");
    // Each block is the optimum given the other: E tau from E w, E w from E tau.
    let (w, cov) = (fit.posterior.w.mean(), fit.posterior.w.cov());
    let residual =
        (DVector::from_vec(y.clone()) - &x * &w).norm_squared() + (&x * &cov * x.transpose()).trace();
    let tau = (a0 + 3.0) / (b0 + 0.5 * residual);
    close(fit.posterior.tau.mean(), tau, 1e-7);
    let solved = (x.transpose() * &x * tau + DMatrix::identity(2, 2) * k0).try_inverse().unwrap()
        * x.transpose()
        * DVector::from_vec(y.clone())
        * tau;
    for d in 0..2 {
        close(w[d], solved[d], 1e-7);
    }
}

#[test]
fn data_far_from_the_origin_are_checked_as_well() {
    let mut g = Noise::new(17);
    let x = DMatrix::from_fn(40, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y: Vec<f64> = (0..40).map(|n| 1e6 + 2.0 * x[(n, 1)] + g.normal()).collect();
    let data = known_noise::Data { x: (&x).into(), y: (&y).into() };
    let fit = known_noise::Model::new(1e7, 1.0).fit(&data, &Options::new()).unwrap();
    let check = fit.verify(&data, 2).unwrap();
    assert!(check.is_exact(), "{} {}", check.spread(), check.tolerance);
    assert!(check.tolerance < 1e-6, "{}", check.tolerance);
}
