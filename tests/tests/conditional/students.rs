//! Regressions and mixtures with heavy tails: their limits, their degrees of freedom, and what may not matter.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{log_sum_exp, student_t};
use vi_tests::law::{close, exact, monotone};

model! {
    pub mod robust {
        given    x[n in N]: Vector[D];
        param    b: Real;   param w: Vector[D];   param tau: Positive;   param nu: Positive;
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, prec: tau * u[n]);
    }
}
model! {
    pub mod known_dof(nu: Positive) {
        given    x[n in N]: Vector[D];
        param    b: Real;   param w: Vector[D];   param tau: Positive;
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, prec: tau * u[n]);
    }
}
model! {
    /// Each kind has its own degrees of freedom.
    pub mod mixture(K) {
        param    weight: Simplex[K];   param mean[k in K]: Real;   param tau[k in K]: Positive;   param nu[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: nu[z[n]] / 2, rate: nu[z[n]] / 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * tau[z[n]]);
    }
}

fn problem(n: usize, seed: u64) -> (DMatrix<f64>, Vec<f64>) {
    let mut g = Noise::new(seed);
    let x = DMatrix::from_fn(n, 2, |_, _| g.normal());
    let y = (0..n)
        .map(|i| {
            let noise = g.normal() / (g.gamma(2, 2.0)).sqrt();
            0.5 + 1.5 * x[(i, 0)] - x[(i, 1)] + 0.6 * noise
        })
        .collect();
    (x, y)
}

/// The likelihood of a regression with Student's errors.
fn direct(x: &DMatrix<f64>, y: &[f64], b: f64, w: &[f64], tau: f64, nu: f64) -> f64 {
    (0..y.len()).map(|i| student_t(y[i], nu, b + w[0] * x[(i, 0)] + w[1] * x[(i, 1)], tau.powf(-0.5))).sum()
}

#[test]
fn robust_regression_with_known_dof_takes_the_steps_of_reweighting() {
    let (x, y) = problem(40, 1);
    let data = known_dof::Data { x: (&x).into(), y: (&y).into() };
    let nu = 3.0;
    let model = known_dof::Model::new(nu);
    let (mut beta, mut tau) = (DVector::from_vec(vec![0.0, 0.5, 0.5]), 1.0);
    let begin = known_dof::Params { b: 0.0, w: DVector::from_vec(vec![0.5, 0.5]), tau };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let design = x.clone().insert_column(0, 1.0);
    let target = DVector::from_column_slice(&y);
    for sweep in 0..15 {
        close(state.params.b, beta[0], 1e-11);
        close(state.params.w[1], beta[2], 1e-11);
        close(state.params.tau, tau, 1e-11);
        close(state.trace[sweep], direct(&x, &y, beta[0], &[beta[1], beta[2]], tau, nu), 1e-12);
        let left = &target - &design * &beta;
        let u = left.map(|r| (nu + 1.0) / (nu + tau * r * r));
        let weighted = DMatrix::from_diagonal(&u);
        beta = (design.transpose() * &weighted * &design).try_inverse().unwrap()
            * design.transpose()
            * &weighted
            * &target;
        let left = &target - &design * &beta;
        tau = 40.0 / left.iter().zip(u.iter()).map(|(r, u)| u * r * r).sum::<f64>();
        model.step(&mut state).unwrap();
    }
}

#[test]
fn unknown_degrees_of_freedom_are_stationary() {
    let (x, y) = problem(150, 2);
    let data = robust::Data { x: (&x).into(), y: (&y).into() };
    let options = Options::new().max_iterations(50_000).tolerance(1e-15);
    let fit = robust::Model::new().fit(&data, &options).unwrap();
    let p = &fit.params;
    let w = [p.w[0], p.w[1]];
    exact(&fit, &data, direct(&x, &y, p.b, &w, p.tau, p.nu));
    let at = |d: [f64; 5]| {
        direct(&x, &y, p.b + d[0], &[w[0] + d[1], w[1] + d[2]], p.tau * (1.0 + d[3]), p.nu * (1.0 + d[4]))
    };
    for i in 0..5 {
        let (mut up, mut down) = ([0.0; 5], [0.0; 5]);
        (up[i], down[i]) = (1e-4, -1e-4);
        let slope = (at(up) - at(down)) / 2e-4;
        assert!(slope.abs() < 2e-3, "{i}: {slope}");
    }
}

#[test]
fn many_degrees_of_freedom_are_normal_errors() {
    let (x, y) = problem(40, 3);
    let data = known_dof::Data { x: (&x).into(), y: (&y).into() };
    let design = x.clone().insert_column(0, 1.0);
    let target = DVector::from_column_slice(&y);
    let beta = (design.transpose() * &design).try_inverse().unwrap() * design.transpose() * &target;
    let rss = (&target - &design * &beta).norm_squared();
    let normal = -20.0 * ((std::f64::consts::TAU * rss / 40.0).ln() + 1.0);
    // Farther out, what a residual adds to the rate is lost beside it.
    for nu in [1e4, 1e6, 1e8] {
        let fit = known_dof::Model::new(nu).fit(&data, &Options::new()).unwrap();
        let slack = 1e4 / nu + 1e-9;
        close(fit.log_likelihood(), normal, slack);
        close(fit.params.b, beta[0], slack);
        close(fit.params.tau, 40.0 / rss, slack);
        close(fit.posterior.u[3].mean(), 1.0, slack);
    }
}

#[test]
fn errors_without_tails_want_degrees_of_freedom_without_end() {
    // Uniform errors: lighter than any t.
    let mut g = Noise::new(4);
    let x = DMatrix::from_fn(80, 2, |_, _| g.normal());
    let y: Vec<f64> = (0..80).map(|i| 1.0 + x[(i, 0)] + g.unit() - 0.5).collect();
    let data = robust::Data { x: (&x).into(), y: (&y).into() };
    let fit = robust::Model::new().fit(&data, &Options::new().max_iterations(2000)).unwrap();
    monotone(&fit.trace);
    let p = &fit.params;
    assert!(p.nu > 30.0 && p.nu.is_finite(), "{}", p.nu);
    close(fit.log_likelihood(), direct(&x, &y, p.b, &[p.w[0], p.w[1]], p.tau, p.nu), 1e-8);
    let design = x.clone().insert_column(0, 1.0);
    let target = DVector::from_column_slice(&y);
    let beta = (design.transpose() * &design).try_inverse().unwrap() * design.transpose() * &target;
    let rss = (&target - &design * &beta).norm_squared();
    let normal = -40.0 * ((std::f64::consts::TAU * rss / 80.0).ln() + 1.0);
    assert!(
        normal - fit.log_likelihood() < 1.0 && fit.log_likelihood() < normal + 1e-9,
        "{normal} {}",
        fit.log_likelihood()
    );
}

#[test]
fn an_offset_and_a_scale_move_location_and_precision_alone() {
    let (x, y) = problem(60, 5);
    let fits = [(0.0, 1.0), (1e8, 1.0), (0.0, 1e-6), (0.0, 1e6)].map(|(offset, scale)| {
        let y: Vec<f64> = y.iter().map(|v| scale * v + offset).collect();
        let begin = known_dof::Params {
            b: offset,
            w: DVector::from_vec(vec![scale, 0.0]),
            tau: 1.0 / (scale * scale),
        };
        let data = known_dof::Data { x: (&x).into(), y: (&y).into() };
        let options = Options::new().max_iterations(30);
        known_dof::Model::new(4.0).fit_from(&data, Start::Params(begin), &options).unwrap()
    });
    for (fit, (offset, scale)) in fits.iter().zip([(0.0, 1.0), (1e8, 1.0), (0.0, 1e-6), (0.0, 1e6_f64)]) {
        close((fit.params.b - offset) / scale, fits[0].params.b, 1e-6);
        close(fit.params.w[1] / scale, fits[0].params.w[1], 1e-6);
        close(fit.params.tau * scale * scale, fits[0].params.tau, 1e-6);
        close(fit.log_likelihood() + 60.0 * scale.ln(), fits[0].log_likelihood(), 1e-7);
    }
}

#[test]
fn kinds_with_their_own_degrees_of_freedom_are_stationary() {
    let mut g = Noise::new(6);
    let x: Vec<f64> = (0..400)
        .map(|i| {
            if i % 2 == 0 {
                -4.0 + g.normal() / g.gamma(1, 1.0).sqrt()
            } else {
                5.0 + 0.5 * g.normal() / g.gamma(4, 4.0).sqrt()
            }
        })
        .collect();
    let data = mixture::Data { x: (&x).into() };
    let options = Options::new().seed(2).max_iterations(20_000).tolerance(1e-14);
    let fit = mixture::Model::new(2).fit(&data, &options).unwrap();
    let p = &fit.params;
    let likelihood = |mean: &[f64], tau: &[f64], nu: &[f64]| -> f64 {
        x.iter()
            .map(|x| {
                let parts: Vec<f64> = (0..2)
                    .map(|k| p.weight[k].ln() + student_t(*x, nu[k], mean[k], tau[k].powf(-0.5)))
                    .collect();
                log_sum_exp(&parts)
            })
            .sum()
    };
    exact(&fit, &data, likelihood(&p.mean, &p.tau, &p.nu));
    for k in 0..2 {
        let moved = |v: &[f64], by: f64| {
            let mut v = v.to_vec();
            v[k] += by * v[k].abs();
            v
        };
        let slopes = [
            likelihood(&moved(&p.mean, 1e-4), &p.tau, &p.nu)
                - likelihood(&moved(&p.mean, -1e-4), &p.tau, &p.nu),
            likelihood(&p.mean, &moved(&p.tau, 1e-4), &p.nu)
                - likelihood(&p.mean, &moved(&p.tau, -1e-4), &p.nu),
            likelihood(&p.mean, &p.tau, &moved(&p.nu, 1e-4))
                - likelihood(&p.mean, &p.tau, &moved(&p.nu, -1e-4)),
        ];
        for (i, slope) in slopes.iter().enumerate() {
            assert!((slope / 2e-4).abs() < 2e-2, "kind {k}, {i}: {slope}");
        }
    }
}
