//! Where uncertain coefficients of Gaussian latents end: with ever more data at maximum likelihood, and with more of them than are needed at none.

use nalgebra::{DMatrix, DVector};
use vi_core::Options;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::monotone;

model! {
    pub mod components(H) {
        latent   gamma[h in H]        ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: gamma);
        latent   b[d in D]            ~ Normal(0, prec: 1e-3);
        latent   r                    ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]) + b[d], prec: r);
    }
}
model! {
    pub mod by_likelihood(H) {
        param    C[d in D]: Vector[H];   param b[d in D]: Real;   param s2: Positive;
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]) + b[d], var: s2);
    }
}
model! {
    pub mod chain {
        latent   a                     ~ Normal(0, var: 1);
        latent   q                     ~ Gamma(shape: 1, rate: 1);
        for s in S {
            latent   x[s, 0]           ~ Normal(0, var: 1);
            latent   x[s, t in 1..T]   ~ Normal(a * x[s, t-1], prec: q);
            observed y[s, t in T]      ~ Normal(x[s, t], var: 0.1);
        }
    }
}
model! {
    pub mod chain_by_likelihood {
        param    a: Real;   param q: Positive;
        for s in S {
            latent   x[s, 0]           ~ Normal(0, var: 1);
            latent   x[s, t in 1..T]   ~ Normal(a * x[s, t-1], prec: q);
            observed y[s, t in T]      ~ Normal(x[s, t], var: 0.1);
        }
    }
}

/// Rows around a plane of two directions.
fn plane(n: usize, d: usize, seed: u64, spread: f64) -> DMatrix<f64> {
    let g = &mut Noise::new(seed);
    let slopes = DMatrix::from_fn(d, 2, |i, k| g.normal() + if i % 2 == k { 1.5 } else { 0.0 });
    DMatrix::from_fn(n, 2, |_, _| g.normal()) * slopes.transpose()
        + DMatrix::from_fn(n, d, |_, j| spread * g.normal() + j as f64)
}

fn repeated(y: &DMatrix<f64>, m: usize) -> DMatrix<f64> {
    DMatrix::from_fn(y.nrows() * m, y.ncols(), |n, d| y[(n % y.nrows(), d)])
}

/// Errors fall by as much as the data grow.
fn at_rate_one(errors: &[f64]) {
    for e in errors.windows(2) {
        let ratio = e[1] / e[0];
        assert!(ratio > 0.07 && ratio < 0.14, "{errors:?}");
    }
}

#[test]
fn components_of_data_that_are_repeated_become_those_of_the_likelihood() {
    let y = plane(30, 4, 3, 0.5);
    let options = Options::new().seed(1).max_iterations(5000).tolerance(1e-14);
    let p =
        by_likelihood::Model::new(2).fit(&by_likelihood::Data { y: (&y).into() }, &options).unwrap().params;
    let covariance = |c: &[DVector<f64>], s2: f64| {
        DMatrix::from_fn(4, 4, |i, j| c[i].dot(&c[j]) + if i == j { s2 } else { 0.0 })
    };
    let by_likelihood = covariance(&p.C, p.s2);
    let errors: Vec<f64> = [100, 1000]
        .iter()
        .map(|m| {
            let y = repeated(&y, *m);
            let fit = components::Model::new(2).fit(&components::Data { y: (&y).into() }, &options).unwrap();
            let c: Vec<DVector<f64>> = fit.posterior.C.iter().map(|c| c.mean()).collect();
            (covariance(&c, 1.0 / fit.posterior.r.mean()) - &by_likelihood).norm()
        })
        .collect();
    at_rate_one(&errors);
}

#[test]
fn a_chain_of_data_that_are_repeated_becomes_that_of_the_likelihood() {
    let g = &mut Noise::new(7);
    let mut x = [0.0; 6];
    let y = DMatrix::from_fn(6, 12, |_, _| 0.0).map_with_location(|s, _, _| {
        x[s] = 0.7 * x[s] + 0.8 * g.normal();
        x[s] + 0.3 * g.normal()
    });
    let options = Options::new().seed(1).max_iterations(3000).tolerance(1e-14);
    let data = chain_by_likelihood::Data { y: (&y).into() };
    let p = chain_by_likelihood::Model::new().fit(&data, &options).unwrap().params;
    let errors: Vec<f64> = [10, 100, 1000]
        .iter()
        .map(|m| {
            let y = repeated(&y, *m);
            let fit = chain::Model::new().fit(&chain::Data { y: (&y).into() }, &options).unwrap();
            (fit.posterior.a.mean() - p.a).hypot(fit.posterior.q.mean() - p.q)
        })
        .collect();
    at_rate_one(&errors);
}

#[test]
fn components_that_are_not_needed_are_none() {
    let y = plane(150, 6, 5, 0.3);
    let options = Options::new().seed(1).max_iterations(3000).tolerance(1e-9);
    let fit = components::Model::new(5).fit(&components::Data { y: (&y).into() }, &options).unwrap();
    monotone(&fit.trace);
    let mut sizes: Vec<f64> =
        (0..5).map(|h| fit.posterior.C.iter().map(|c| c.mean()[h].powi(2)).sum::<f64>()).collect();
    sizes.sort_by(f64::total_cmp);
    assert!(sizes[3] > 1.0 && sizes[2] < 1e-3, "{sizes:?}");
    assert!((fit.posterior.r.mean() - 1.0 / 0.09).abs() < 1.5, "{:?}", fit.posterior.r);
    // Two, and no more, are as good.
    let two = components::Model::new(2).fit(&components::Data { y: (&y).into() }, &options).unwrap();
    assert!(two.elbo() > fit.elbo());
}
