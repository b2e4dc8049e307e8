//! Latents of every unit that are numbers: their posterior is exact given what is shared.

use vi_core::dist::StudentT;
use vi_core::prelude::*;
use vi_tests::data::Noise;

model! {
    pub mod robust_regression {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];   param tau: Positive;   param nu: Positive;
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau * u[n]);
    }
}
model! {
    pub mod completion(H) {
        param    W[d in D]: Vector[H];   param mu[d in D]: Real;   param s2: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H]         ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real?     ~ Normal(dot(W[d], f[n]) + mu[d], var: s2);
    }
}
model! {
    pub mod rates {
        param    a: Positive;   param b: Positive;
        given    exposure[n in N]: Positive;
        latent   rate[n in N] ~ Gamma(shape: a, rate: b);
        observed y[n in N] ~ Poisson(exposure[n] * rate[n]);
    }
}

#[test]
fn robust_regression_is_students() {
    let mut g = Noise::new(5);
    let n = 120;
    let x = DMatrix::from_fn(n, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y: Vec<f64> = (0..n)
        .map(|i| {
            let noise = g.normal() * if i % 11 == 0 { 8.0 } else { 0.5 };
            1.0 - 2.0 * x[(i, 1)] + noise
        })
        .collect();
    let data = robust_regression::Data { x: (&x).into(), y: (&y).into() };
    let fit = robust_regression::Model::new().fit(&data, &Options::new().max_iterations(3000)).unwrap();
    let p = &fit.params;
    let direct: f64 = (0..n)
        .map(|i| {
            let mean = p.w[0] * x[(i, 0)] + p.w[1] * x[(i, 1)];
            StudentT::mean_scale_dof(mean, 1.0 / p.tau.sqrt(), p.nu).log_density(y[i])
        })
        .sum();
    assert!((fit.log_likelihood() - direct).abs() < 1e-9 * direct.abs(), "{} {direct}", fit.log_likelihood());
    assert!((p.w[1] + 2.0).abs() < 0.2 && p.nu < 5.0, "{p:?}");
    assert!(fit.trace.windows(2).all(|t| t[1] >= t[0] - 1e-10 * t[0].abs()));
    assert!(fit.verify(&data, 3).unwrap().is_exact());
}

#[test]
fn completion_is_a_normal_of_what_was_seen() {
    let mut g = Noise::new(8);
    let (n, d) = (25, 4);
    let x = DMatrix::from_fn(n, d, |i, j| {
        let value = (i as f64 / 9.0) * (j as f64 - 1.0) + 0.3 * g.normal() + 2.0;
        if (i * 3 + j * 5) % 7 == 0 { None } else { Some(value) }
    });
    let data = completion::Data { x: (&x).into() };
    let fit = completion::Model::new(1).fit(&data, &Options::new().max_iterations(300)).unwrap();
    let p = &fit.params;
    let mut direct = 0.0;
    for i in 0..n {
        let seen: Vec<usize> = (0..d).filter(|j| x[(i, *j)].is_some()).collect();
        if seen.is_empty() {
            continue;
        }
        let cov = DMatrix::from_fn(seen.len(), seen.len(), |a, b| {
            p.W[seen[a]][0] * p.W[seen[b]][0] + if a == b { p.s2 } else { 0.0 }
        });
        let r = DVector::from_fn(seen.len(), |a, _| x[(i, seen[a])].unwrap() - p.mu[seen[a]]);
        let chol = nalgebra::Cholesky::new(cov).unwrap();
        let log_det: f64 = chol.l().diagonal().iter().map(|v| 2.0 * v.ln()).sum();
        direct -=
            0.5 * (seen.len() as f64 * (2.0 * std::f64::consts::PI).ln() + log_det + r.dot(&chol.solve(&r)));
    }
    assert!((fit.log_likelihood() - direct).abs() < 1e-9 * direct.abs(), "{} {direct}", fit.log_likelihood());
    assert!(fit.trace.windows(2).all(|t| t[1] >= t[0] - 1e-10 * t[0].abs()));
    assert!(fit.verify(&data, 3).unwrap().is_exact());
}

#[test]
fn rates_of_a_common_law_are_negative_binomial() {
    let y = vec![3_u64, 0, 17, 2, 5, 0, 29, 1];
    let exposure = vec![1.0, 0.5, 2.0, 1.5, 1.0, 0.7, 2.5, 1.0];
    let data = rates::Data { exposure: (&exposure).into(), y: (&y).into() };
    let fit = rates::Model::new().fit(&data, &Options::new().max_iterations(5000)).unwrap();
    let (a, b) = (fit.params.a, fit.params.b);
    let lgamma = vi_core::special::lgamma;
    let direct: f64 = y
        .iter()
        .zip(&exposure)
        .map(|(y, t)| {
            let y = *y as f64;
            lgamma(a + y) - lgamma(a) - lgamma(y + 1.0) + a * (b / (b + t)).ln() + y * (t / (b + t)).ln()
        })
        .sum();
    assert!((fit.log_likelihood() - direct).abs() < 1e-9 * direct.abs(), "{} {direct}", fit.log_likelihood());
    let v = fit.verify(&data, 3).unwrap();
    assert!(v.is_exact(), "{v:?} {:?} {:?}", fit.params, fit.posterior.rate[1]);
}
