//! Coefficients that are integrated out: evidence in closed form, precisions of the priors by type-II maximum likelihood and by variational
//! Bayes, flat priors, and designs that do not determine the coefficients.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::density::{digamma, ln_gamma, mv_normal, mv_student_t};
use vi_tests::law::{close, exact, monotone};

model! {
    /// A prior with a mean and a matrix, an intercept of its own, weights that are known.
    pub mod conjugate(m0: Vector[D], P: SymPos[D], a0: Positive, b0: Positive) {
        given    x[n in N]: Vector[D];
        given    times[n in N]: Positive;
        latent   tau       ~ Gamma(shape: a0, rate: b0);
        latent   w: Vector[D] ~ Normal(m0, prec: tau * P);
        latent   b         ~ Normal(1, prec: 0.2 * tau);
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, prec: tau * times[n]);
    }
}
model! {
    /// The same with a variance.
    pub mod conjugate_variance(a0: Positive, b0: Positive) {
        given    x[n in N]: Vector[D];
        latent   s2        ~ InverseGamma(shape: a0, scale: b0);
        latent   w[d in D] ~ Normal(0, var: 2 * s2);
        observed y[n in N] ~ Normal(dot(w, x[n]), var: s2);
    }
}
model! {
    /// Ridge regression whose penalty maximises the evidence.
    pub mod ridge {
        given    x[n in N]: Vector[D];
        param    alpha: Positive;   param tau: Positive;
        latent   w[d in D] ~ Normal(0, prec: alpha);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}
model! {
    /// A penalty for every coefficient.
    pub mod relevance {
        given    x[n in N]: Vector[D];
        param    alpha[d in D]: Positive;   param tau: Positive;
        latent   w[d in D] ~ Normal(0, prec: alpha[d]);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}
model! {
    /// Penalties, noise and coefficients in three blocks.
    pub mod three_blocks(a0: Positive) {
        given    x[n in N]: Vector[D];
        latent   tau           ~ Gamma(shape: a0, rate: a0);
        latent   alpha[d in D] ~ Gamma(shape: a0, rate: a0);
        latent   w[d in D]     ~ Normal(0, prec: alpha[d]);
        observed y[n in N]     ~ Normal(dot(w, x[n]), prec: tau);
        factorize { q(w); q(tau); q(alpha[each]); }
    }
}
model! {
    pub mod flat {
        given    x[n in N]: Vector[D];
        param    s2: Positive;
        latent   w[d in D] ~ Flat();
        observed y[n in N] ~ Normal(dot(w, x[n]), var: s2);
    }
}
model! {
    pub mod wide(s: Positive) {
        given    x[n in N]: Vector[D];
        latent   w[d in D] ~ Normal(0, sd: s);
        observed y[n in N] ~ Normal(dot(w, x[n]), var: 1);
    }
}
model! {
    pub mod wide_scaled(k0: Positive) {
        given    x[n in N]: Vector[D];
        latent   tau       ~ Gamma(shape: 2, rate: 2);
        latent   w[d in D] ~ Normal(0, prec: k0 * tau);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}

fn problem(n: usize, d: usize, seed: u64) -> (DMatrix<f64>, Vec<f64>) {
    let mut g = Noise::new(seed);
    let x = DMatrix::from_fn(n, d, |_, _| g.normal());
    let y = (0..n).map(|n| 1.5 * x[(n, 0)] - 0.3 * x[(n, d - 1)] + 0.8 * g.normal()).collect();
    (x, y)
}

#[test]
fn a_normal_gamma_prior_of_any_shape_has_students_evidence() {
    let (x, y) = problem(9, 3, 21);
    let mut g = Noise::new(22);
    let m0 = DVector::from_vec(vec![0.3, -0.2, 1.0]);
    let p = g.sym_pos(3);
    let times: Vec<f64> = (0..9).map(|i| 0.5 + 0.25 * i as f64).collect();
    let (a0, b0) = (1.3, 0.9);
    let data = conjugate::Data { x: (&x).into(), times: (&times).into(), y: (&y).into() };
    let model = conjugate::Model::new(m0.clone(), p.clone(), a0, b0);
    let fit = model.fit(&data, &Options::new()).unwrap();
    let ones = DMatrix::from_element(9, 9, 5.0);
    let noise = DMatrix::from_diagonal(&DVector::from_iterator(9, times.iter().map(|t| 1.0 / t)));
    let v = &x * p.clone().try_inverse().unwrap() * x.transpose() + ones + noise;
    let mean = &x * &m0 + DVector::from_element(9, 1.0);
    let evidence = mv_student_t(&y, 2.0 * a0, &mean, &(&v * (b0 / a0)));
    exact(&fit, &data, evidence);
    close(fit.log_evidence(), evidence, 1e-12);
    let left = DVector::from_vec(y.clone()) - &mean;
    let inverse = v.try_inverse().unwrap();
    let b = b0 + 0.5 * (left.transpose() * &inverse * &left)[0];
    close(fit.posterior.tau.mean(), (a0 + 4.5) / b, 1e-12);
    let w = &m0 + p.try_inverse().unwrap() * x.transpose() * &inverse * &left;
    (0..3).for_each(|d| close(fit.posterior.w.mean()[d], w[d], 1e-11));
    close(fit.posterior.b.mean(), 1.0 + 5.0 * (&inverse * &left).sum(), 1e-11);
}

#[test]
fn a_variance_with_an_inverse_gamma_prior_is_the_same_block() {
    let (x, y) = problem(7, 2, 23);
    let (a0, b0) = (2.5, 1.7);
    let data = conjugate_variance::Data { x: (&x).into(), y: (&y).into() };
    let fit = conjugate_variance::Model::new(a0, b0).fit(&data, &Options::new()).unwrap();
    let v = &x * x.transpose() * 2.0 + DMatrix::identity(7, 7);
    let evidence = mv_student_t(&y, 2.0 * a0, &DVector::zeros(7), &(&v * (b0 / a0)));
    exact(&fit, &data, evidence);
    let target = DVector::from_vec(y.clone());
    let b = b0 + 0.5 * (target.transpose() * v.try_inverse().unwrap() * &target)[0];
    close(fit.posterior.s2.mean(), b / (a0 + 2.5), 1e-12);
}

/// The posterior of the coefficients and log p(y) at the precisions given.
fn given(x: &DMatrix<f64>, y: &[f64], alpha: &[f64], tau: f64) -> (f64, DVector<f64>, DMatrix<f64>) {
    let (n, d) = x.shape();
    let inverse = DMatrix::from_diagonal(&DVector::from_iterator(d, alpha.iter().map(|a| 1.0 / a)));
    let total = x * inverse * x.transpose() + DMatrix::identity(n, n) / tau;
    let precision = x.transpose() * x * tau + DMatrix::from_diagonal(&DVector::from_column_slice(alpha));
    let cov = precision.try_inverse().unwrap();
    let mean = &cov * x.transpose() * DVector::from_column_slice(y) * tau;
    (mv_normal(y, &DVector::zeros(n), &total), mean, cov)
}

#[test]
fn a_ridge_that_maximises_the_evidence_takes_the_steps_of_em() {
    let (x, y) = problem(20, 4, 24);
    let data = ridge::Data { x: (&x).into(), y: (&y).into() };
    let model = ridge::Model::new();
    let (mut alpha, mut tau) = (0.7, 2.0);
    let begin = ridge::Params { alpha, tau };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    for sweep in 0..20 {
        close(state.params.alpha, alpha, 1e-11);
        close(state.params.tau, tau, 1e-11);
        let (log, mean, cov) = given(&x, &y, &[alpha; 4], tau);
        close(state.trace[sweep], log, 1e-11);
        alpha = 4.0 / (mean.norm_squared() + cov.trace());
        let residual = (DVector::from_column_slice(&y) - &x * &mean).norm_squared();
        tau = 20.0 / (residual + (&x * &cov * x.transpose()).trace());
        model.step(&mut state).unwrap();
    }
    let options = Options::new().tolerance(1e-15).max_iterations(50_000);
    let fit = model.fit(&data, &options).unwrap();
    let (log, mean, cov) = given(&x, &y, &[fit.params.alpha; 4], fit.params.tau);
    exact(&fit, &data, log);
    (0..4).for_each(|d| close(fit.posterior.w.mean()[d], mean[d], 1e-10));
    assert!((fit.posterior.w.cov() - &cov).norm() < 1e-11);
    // Nothing about it is better.
    for (up, down) in [(1.01, 1.0), (0.99, 1.0), (1.0, 1.01), (1.0, 0.99)] {
        assert!(given(&x, &y, &[fit.params.alpha * up; 4], fit.params.tau * down).0 < log);
    }
}

#[test]
fn a_penalty_for_each_coefficient_takes_the_steps_of_em() {
    let (x, y) = problem(25, 3, 25);
    let data = relevance::Data { x: (&x).into(), y: (&y).into() };
    let model = relevance::Model::new();
    let (mut alpha, mut tau) = (vec![0.7, 1.0, 3.0], 2.0);
    let begin = relevance::Params { alpha: alpha.clone(), tau };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    for sweep in 0..15 {
        (0..3).for_each(|d| close(state.params.alpha[d], alpha[d], 1e-10));
        let (log, mean, cov) = given(&x, &y, &alpha, tau);
        close(state.trace[sweep], log, 1e-11);
        (0..3).for_each(|d| alpha[d] = 1.0 / (mean[d] * mean[d] + cov[(d, d)]));
        let residual = (DVector::from_column_slice(&y) - &x * &mean).norm_squared();
        tau = 25.0 / (residual + (&x * &cov * x.transpose()).trace());
        model.step(&mut state).unwrap();
    }
    // The second column says nothing: its penalty grows without end, and nothing breaks.
    let fit = model.fit(&data, &Options::new().max_iterations(3000)).unwrap();
    monotone(&fit.trace);
    assert!(fit.params.alpha.iter().all(|a| a.is_finite() && *a > 0.0), "{:?}", fit.params.alpha);
}

#[test]
fn three_blocks_take_the_textbook_s_steps() {
    let (x, y) = problem(30, 4, 26);
    let a0 = 1e-2;
    let data = three_blocks::Data { x: (&x).into(), y: (&y).into() };
    let model = three_blocks::Model::new(a0);
    let mut state = model.start(&data, Start::Default, &Options::new().tolerance(0.0)).unwrap();
    let (n, d) = (30.0, 4);
    let target = DVector::from_column_slice(&y);
    let (mut tau, mut alpha) = ((a0, a0), vec![(a0, a0); d]);
    let ln_tau_pi = std::f64::consts::TAU.ln();
    let bound = |(a, b): (f64, f64)| {
        let log = digamma(a) - b.ln();
        a0 * a0.ln() - ln_gamma(a0) + (a0 - 1.0) * log
            - a0 * a / b
            - (a * b.ln() - ln_gamma(a) + (a - 1.0) * log - a)
    };
    for sweep in 0..25 {
        let e_alpha: Vec<f64> = alpha.iter().map(|(a, b)| a / b).collect();
        let precision = x.transpose() * &x * (tau.0 / tau.1)
            + DMatrix::from_diagonal(&DVector::from_column_slice(&e_alpha));
        let cov = precision.try_inverse().unwrap();
        let mean = &cov * x.transpose() * &target * (tau.0 / tau.1);
        let square = (&target - &x * &mean).norm_squared() + (&x * &cov * x.transpose()).trace();
        tau = (a0 + 0.5 * n, a0 + 0.5 * square);
        for i in 0..d {
            alpha[i] = (a0 + 0.5, a0 + 0.5 * (mean[i].powi(2) + cov[(i, i)]));
        }
        let log_tau = digamma(tau.0) - tau.1.ln();
        let mut total = 0.5 * n * (log_tau - ln_tau_pi) - 0.5 * tau.0 / tau.1 * square + bound(tau);
        for i in 0..d {
            let (a, b) = alpha[i];
            let own = mean[i].powi(2) + cov[(i, i)];
            total += 0.5 * (digamma(a) - b.ln() - ln_tau_pi) - 0.5 * a / b * own + bound(alpha[i]);
        }
        total += 0.5 * (d as f64 * (1.0 + ln_tau_pi) + cov.determinant().ln());
        if state.trace.len() <= sweep {
            model.step(&mut state).unwrap();
        }
        close(state.trace[sweep], total, 1e-11);
    }
    monotone(&state.trace);
    let fit = state.finish().unwrap();
    close(fit.posterior.tau.mean(), tau.0 / tau.1, 1e-9);
}

#[test]
fn flat_coefficients_have_the_restricted_likelihood() {
    let (x, y) = problem(12, 3, 27);
    let data = flat::Data { x: (&x).into(), y: (&y).into() };
    let model = flat::Model::new();
    let fit = model.infer(&data, &flat::Params { s2: 0.7 }).unwrap();
    let mut dense = Dense::new();
    let w: Vec<usize> = (0..3).map(|_| dense.add_flat()).collect();
    let seen: Vec<(usize, f64)> = (0..12)
        .map(|i| (dense.add(0.0, &[(w[0], x[(i, 0)]), (w[1], x[(i, 1)]), (w[2], x[(i, 2)])], 0.7), y[i]))
        .collect();
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    for d in 0..3 {
        close(fit.posterior.w.mean()[d], known.mean(w[d]), 1e-11);
        close(fit.posterior.w.cov()[(d, 0)], known.cov[(w[d], w[0])], 1e-11);
    }
    // The maximum divides by the degrees of freedom that are left.
    let fit = model.fit(&data, &Options::new().tolerance(1e-15).max_iterations(5000)).unwrap();
    let w = fit.posterior.w.mean();
    let rss = (DVector::from_column_slice(&y) - &x * w).norm_squared();
    close(fit.params.s2, rss / 9.0, 1e-6);
}

#[test]
fn flat_coefficients_that_nothing_determines_are_named() {
    let (mut x, y) = problem(12, 3, 28);
    (0..12).for_each(|i| x[(i, 2)] = x[(i, 0)] - x[(i, 1)]);
    let data = flat::Data { x: (&x).into(), y: (&y).into() };
    let error = flat::Model::new().infer(&data, &flat::Params { s2: 0.7 }).unwrap_err();
    assert!(
        matches!(&error, vi_core::Error::Improper { element, .. } if element.starts_with('w')),
        "{error}"
    );
}

#[test]
fn columns_that_say_the_same_share_the_smallest_coefficients_under_any_prior() {
    let (mut x, y) = problem(12, 3, 29);
    (0..12).for_each(|i| x[(i, 2)] = x[(i, 0)] - x[(i, 1)]);
    let data = wide::Data { x: (&x).into(), y: (&y).into() };
    let scaled = wide_scaled::Data { x: (&x).into(), y: (&y).into() };
    let smallest = x.clone().svd(true, true).solve(&DVector::from_column_slice(&y), 1e-9).unwrap();
    let null = DVector::from_vec(vec![1.0, -1.0, -1.0]) / 3f64.sqrt();
    // Beyond, the posterior has no covariance in numbers of sixteen digits.
    for s in [1e2, 1e3, 1e4, 1e5, 1e6, 1e7] {
        let fit = wide::Model::new(s).fit(&data, &Options::new()).unwrap();
        for d in 0..3 {
            // A ridge of 1/s² beside a gram of order 10.
            close(fit.posterior.w.mean()[d], smallest[d], 1.0 / (s * s) + 1e-9);
        }
        // Along the direction that the data say nothing of, the prior is all there is.
        let along = (null.transpose() * fit.posterior.w.cov() * &null)[0];
        assert!((along / (s * s) - 1.0).abs() < 1e-6, "{s}: {along}");
        let fit = wide_scaled::Model::new(1.0 / (s * s)).fit(&scaled, &Options::new()).unwrap();
        for d in 0..3 {
            close(fit.posterior.w.mean()[d], smallest[d], 1.0 / (s * s) + 1e-9);
        }
    }
}

#[test]
fn more_coefficients_than_rows() {
    let (x, y) = problem(4, 9, 30);
    let data = ridge::Data { x: (&x).into(), y: (&y).into() };
    let fit = ridge::Model::new().infer(&data, &ridge::Params { alpha: 0.4, tau: 1.5 }).unwrap();
    let (log, mean, cov) = given(&x, &y, &[0.4; 9], 1.5);
    exact(&fit, &data, log);
    assert!((fit.posterior.w.mean() - mean).norm() < 1e-11);
    assert!((fit.posterior.w.cov() - cov).norm() < 1e-11);
}

#[test]
fn no_rows_leave_the_prior() {
    let x = DMatrix::<f64>::zeros(0, 3);
    let y: Vec<f64> = vec![];
    let data = ridge::Data { x: (&x).into(), y: (&y).into() };
    let fit = ridge::Model::new().infer(&data, &ridge::Params { alpha: 0.4, tau: 1.5 }).unwrap();
    close(fit.log_likelihood(), 0.0, 1e-14);
    close(fit.posterior.w.cov()[(1, 1)], 2.5, 1e-14);
    close(fit.posterior.w.cov()[(1, 0)], 0.0, 1e-14);
}

#[test]
fn offsets_of_the_target_are_taken_up_by_a_wide_intercept() {
    let (x, y) = problem(40, 2, 31);
    let mut results = vec![];
    for offset in [0.0, 1e8] {
        let with_one = x.clone().insert_column(0, 1.0);
        let y: Vec<f64> = y.iter().map(|v| v + offset).collect();
        let data = flat::Data { x: (&with_one).into(), y: (&y).into() };
        let fit =
            flat::Model::new().fit(&data, &Options::new().max_iterations(500).tolerance(1e-15)).unwrap();
        results.push((fit.log_likelihood(), fit.params.s2, fit.posterior.w.mean()));
    }
    close(results[1].1, results[0].1, 1e-6);
    close(results[1].0, results[0].0, 1e-6);
    close(results[1].2[0] - 1e8, results[0].2[0], 1e-6);
    close(results[1].2[1], results[0].2[1], 1e-6);
}
