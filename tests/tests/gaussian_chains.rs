//! Chains of Gaussian latents: E-steps against dense Normals of whole sequences, sweeps against EM as textbooks write it (Kalman, Rauch, Tung and
//! Striebel; Shumway and Stoffer).
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

use vi_core::prelude::*;
use vi_tests::data::{Noise, read};
use vi_tests::density::mv_normal;
use vi_tests::law::{close, digits, exact};

model! {
    pub mod local_level {
        param    m0: Real;   param p0: Positive;   param q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(m0, var: p0);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}

/// Cov of x[0..n] where x[0] has variance p0 and each step adds q.
fn walk(n: usize, p0: f64, q: f64) -> DMatrix<f64> {
    DMatrix::from_fn(n, n, |i, j| p0 + q * i.min(j) as f64)
}

#[test]
fn the_nile_with_known_variances_has_the_published_likelihood() {
    let y = read("nile.csv").column(0).iter().copied().collect::<Vec<f64>>();
    let data = local_level::Data { y: (&y).into() };
    let params = local_level::Params { m0: 0.0, p0: 1e7, q: 1469.1, r: 15099.0 };
    let fit = local_level::Model::new().infer(&data, &params).unwrap();
    digits(fit.log_likelihood(), "-641.585578459");
    exact(&fit, &data, -641.585_578_459);
}

#[test]
fn the_posterior_of_a_level_is_the_dense_normal_given_the_data() {
    let mut noise = Noise::new(3);
    for n in [1, 2, 3, 17] {
        let y: Vec<f64> = (0..n).map(|t| 0.2 * t as f64 + noise.normal()).collect();
        let data = local_level::Data { y: (&y).into() };
        let params = local_level::Params { m0: 0.3, p0: 2.0, q: 0.7, r: 1.3 };
        let fit = local_level::Model::new().infer(&data, &params).unwrap();
        let prior = walk(n, 2.0, 0.7);
        let of_data = &prior + DMatrix::identity(n, n) * 1.3;
        let mean = DVector::from_element(n, 0.3);
        exact(&fit, &data, mv_normal(&y, &mean, &of_data));
        let gain = &prior * of_data.clone().try_inverse().unwrap();
        let smoothed = &mean + &gain * (DVector::from_column_slice(&y) - &mean);
        let left = &prior - &gain * &prior;
        for t in 0..n {
            close(fit.posterior.x[t].mean(), smoothed[t], 1e-12);
            close(fit.posterior.x[t].var(), left[(t, t)], 1e-12);
            let (low, high) = fit.posterior.x[t].interval(0.95);
            close(high - low, 2.0 * 1.959_963_984_540_054 * left[(t, t)].sqrt(), 1e-12);
        }
    }
}
