//! `log_joint` of generated code against densities that were added up by hand with scipy (`fixtures/log_joints.py`). The same points
//! are held to the compiler's own tests for the programs whose code is not generated.

use vi_core::prelude::*;
use vi_tests::stored::{Point, points};

const TABLE: &str = include_str!("../../fixtures/log_joints.txt");

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod regularised_mixture(K, m0: Vector[D], s0: SymPos[D]) {
        param    weight: Simplex[K] ~ Dirichlet(2.0);
        param    cov[k in K]        ~ InverseWishart(dof: D + 2, scale: s0);
        param    mean[k in K]       ~ Normal(m0, cov: 100 * cov[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod dawid_skene(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prev: Simplex[K];
        param    conf[j in J, k in K]: Simplex[K] ~ Dirichlet(1.1);
        latent   truth[n in N] ~ Categorical(prev);
        observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
        init { conf[j in J, k in K] = 0.7 * onehot(k) + 0.3 / K; }
    }
}
model! {
    pub mod zero_inflated {
        param    p: Unit;   param rate: Positive;
        latent   active[n in N] ~ Bernoulli(p);
        observed y[n in N]      ~ match active[n] { true => Poisson(rate), false => Constant(0) };
    }
}

fn vector(p: &Point<'_>, name: &str, at: &[i64]) -> DVector<f64> {
    DVector::from_column_slice(p.row(name, at))
}

fn matrix(p: &Point<'_>, name: &str, at: &[i64], rows: usize) -> DMatrix<f64> {
    let all: Vec<f64> = (0..rows as i64).flat_map(|i| p.row(name, &[at, &[i]].concat()).to_vec()).collect();
    DMatrix::from_row_slice(rows, all.len() / rows, &all)
}

fn each<T>(n: usize, f: impl Fn(&[i64]) -> T) -> Vec<T> {
    (0..n as i64).map(|i| f(&[i])).collect()
}

/// Holds the joint density that was found to the stored one; how many points there were.
#[track_caller]
fn compare(program: &str, f: impl Fn(&Point<'_>) -> f64) {
    let stored = points(TABLE);
    let own: Vec<_> = stored.iter().filter(|p| p.program == program).collect();
    assert!(own.len() >= 5, "{program} has {} points", own.len());
    for p in own {
        let (found, expected) = (f(p), p.log_joint);
        assert!(
            found == expected || (found - expected).abs() <= 1e-11 * expected.abs().max(1.0),
            "{program}: found {found:.15e}, by hand {expected:.15e}"
        );
    }
}

#[test]
fn mixture_of_gaussians() {
    compare("01_mixture", |p| {
        let (k, d) = (p.size("K"), p.size("D"));
        let x = matrix(p, "x", &[], p.size("N"));
        let params = mixture::Params {
            weight: vector(p, "weight", &[]),
            mean: each(k, |at| vector(p, "mean", at)),
            cov: each(k, |at| matrix(p, "cov", at, d)),
        };
        let latents = mixture::Latents { z: p.whole("z") };
        mixture::Model::new(k).log_joint(&mixture::Data { x: (&x).into() }, &latents, &params).unwrap()
    });
}

#[test]
fn mixture_with_priors_of_params() {
    compare("03_regularised_mixture", |p| {
        let (k, d) = (p.size("K"), p.size("D"));
        let x = matrix(p, "x", &[], p.size("N"));
        let params = regularised_mixture::Params {
            weight: vector(p, "weight", &[]),
            mean: each(k, |at| vector(p, "mean", at)),
            cov: each(k, |at| matrix(p, "cov", at, d)),
        };
        let latents = regularised_mixture::Latents { z: p.whole("z") };
        let model = regularised_mixture::Model::new(k, vector(p, "m0", &[]), matrix(p, "s0", &[], d));
        let data = regularised_mixture::Data { x: (&x).into() };
        // The priors of params are no part of log p(x, z; θ), but of the objective: with every z summed out they are the difference.
        let fit = model.infer(&data, &params).unwrap();
        let prior = fit.log_posterior() - fit.log_likelihood();
        assert!((prior - p.log_prior).abs() <= 1e-11 * p.log_prior.abs().max(1.0), "{prior} {}", p.log_prior);
        model.log_joint(&data, &latents, &params).unwrap()
    });
}

#[test]
fn observers_and_their_confusions() {
    compare("13_dawid_skene", |p| {
        let (k, j) = (p.size("K"), p.size("J"));
        let (item, who, label) = (p.whole("item"), p.whole("who"), p.whole("label"));
        let params = dawid_skene::Params {
            prev: vector(p, "prev", &[]),
            conf: each(j, |a| each(k, |b| vector(p, "conf", &[a[0], b[0]]))),
        };
        let latents = dawid_skene::Latents { truth: p.whole("truth") };
        let data = dawid_skene::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
        let model = dawid_skene::Model::new(k);
        let fit = model.infer(&data, &params).unwrap();
        let prior = fit.log_posterior() - fit.log_likelihood();
        assert!((prior - p.log_prior).abs() <= 1e-11 * p.log_prior.abs().max(1.0), "{prior} {}", p.log_prior);
        model.log_joint(&data, &latents, &params).unwrap()
    });
}

#[test]
fn counts_with_too_many_zeros() {
    compare("19_zero_inflated", |p| {
        let y: Vec<u64> = p.whole("y").iter().map(|v| *v as u64).collect();
        let params = zero_inflated::Params { p: p.row("p", &[])[0], rate: p.row("rate", &[])[0] };
        let active = p.whole("active").iter().map(|v| *v == 1).collect();
        let data = zero_inflated::Data { y: (&y).into() };
        zero_inflated::Model::new().log_joint(&data, &zero_inflated::Latents { active }, &params).unwrap()
    });
}
