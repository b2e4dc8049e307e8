//! Scales that several statements read, and elements of one array at fixed and at given places.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::honest;

fn options() -> Options {
    Options::new().max_iterations(400).seed(3)
}
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    (0..n).map(|_| g.normal()).collect()
}
fn positive(n: usize, seed: u64) -> Vec<f64> {
    noise(n, seed).iter().map(|v| v.exp()).collect()
}
model! {
    pub mod two_gamma_same {
        latent r ~ Gamma(shape: 2, rate: 1);
        latent s ~ Gamma(shape: 1, rate: 1);
        observed y[n in N] ~ Gamma(shape: 2, rate: r * s);
        observed x[n in N] ~ Normal(0, prec: r);
    }
}
#[test]
fn two_gamma_same_is_honest() {
    let y = positive(5, 2);
    let x = noise(5, 1);
    let data = two_gamma_same::Data { y: (&y).into(), x: (&x).into() };
    let fit = two_gamma_same::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod half_and_gamma {
        latent r ~ Gamma(shape: 2, rate: 1);
        observed y[n in N] ~ Normal(0, prec: r);
        observed x[m in M] ~ Normal(0, prec: 2 * r);
    }
}
#[test]
fn half_and_gamma_is_honest() {
    let y = vec![3.0, 2.0];
    let x = noise(5, 1);
    let data = half_and_gamma::Data { y: (&y).into(), x: (&x).into() };
    let fit = half_and_gamma::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod beta_data {
        latent a ~ Gamma(shape: 2, rate: 1);
        observed y[n in N] ~ Beta(a, 1);
    }
}
#[test]
fn beta_data_is_honest() {
    let y = vec![0.1, 0.5, 0.7];
    let data = beta_data::Data { y: (&y).into() };
    let fit = beta_data::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod elementwise(K) {
        given c[n in N]: Category[K];
        latent a[k in K] ~ Normal(0, var: 1);
        latent t[k in K] ~ Gamma(shape: 2, rate: 1);
        observed y[n in N] ~ Normal(a[c[n]] - a[0], prec: t[c[n]]);
    }
}
#[test]
fn elementwise_is_honest() {
    let y = noise(6, 1);
    let c = vec![0usize, 1, 2, 2, 1, 0];
    let data = elementwise::Data { y: (&y).into(), c: (&c).into() };
    let fit = elementwise::Model::new(3).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod element_fixed_tau(K) {
        given c[n in N]: Category[K];
        latent t[k in K] ~ Gamma(shape: 2, rate: 1);
        latent a[k in K] ~ Normal(0, prec: t[k]);
        observed y[n in N] ~ Normal(a[c[n]], prec: t[0]);
    }
}
#[test]
fn element_fixed_tau_is_honest() {
    let y = noise(6, 1);
    let c = vec![0usize, 1, 2, 2, 1, 0];
    let data = element_fixed_tau::Data { y: (&y).into(), c: (&c).into() };
    let fit = element_fixed_tau::Model::new(3).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod let_scale {
        latent t ~ Gamma(shape: 2, rate: 1);
        let s = 1 / sqrt(2 * t);
        latent a ~ Normal(0, sd: s);
        let m2 = 3 * a + 1;
        observed y[n in N] ~ Normal(m2, sd: s);
    }
}
#[test]
fn let_scale_is_honest() {
    let y = noise(6, 1);
    let data = let_scale::Data { y: (&y).into() };
    let fit = let_scale::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod normal_gamma_two_means {
        latent t ~ Gamma(shape: 2, rate: 1);
        latent a ~ Normal(0, prec: 2 * t);
        latent b ~ Normal(a, prec: 3 * t);
        observed y[n in N] ~ Normal(a, prec: t);
        observed x[m in M] ~ Normal(b, prec: 4 * t);
    }
}
#[test]
fn normal_gamma_two_means_is_honest() {
    let y = noise(6, 1);
    let x = noise(4, 2);
    let data = normal_gamma_two_means::Data { y: (&y).into(), x: (&x).into() };
    let fit = normal_gamma_two_means::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod normal_gamma_plain_reader {
        latent t ~ Gamma(shape: 2, rate: 1);
        latent a ~ Normal(0, prec: 2 * t);
        observed y[n in N] ~ Normal(a, prec: t);
        observed x[m in M] ~ Normal(a, var: 1);
    }
}
#[test]
fn normal_gamma_plain_reader_is_honest() {
    let y = noise(6, 1);
    let x = noise(4, 2);
    let data = normal_gamma_plain_reader::Data { y: (&y).into(), x: (&x).into() };
    let fit = normal_gamma_plain_reader::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod normal_gamma_forced {
        latent t ~ Gamma(shape: 2, rate: 1);
        latent c ~ Gamma(shape: 2, rate: t);
        latent a ~ Normal(0, prec: 2 * t);
        observed y[n in N] ~ Normal(a, prec: t);
        observed x[m in M] ~ Normal(0, prec: c);
    }
}
#[test]
fn normal_gamma_forced_is_honest() {
    let y = noise(6, 1);
    let x = noise(4, 2);
    let data = normal_gamma_forced::Data { y: (&y).into(), x: (&x).into() };
    let fit = normal_gamma_forced::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod beta_conc_newton {
        param a: Positive(max: 50);
        latent p ~ Beta(a, 1);
        observed y[n in N] ~ Bernoulli(p);
    }
}
#[test]
fn beta_conc_newton_is_honest() {
    let y = vec![true, false, true];
    let data = beta_conc_newton::Data { y: (&y).into() };
    let fit = beta_conc_newton::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
