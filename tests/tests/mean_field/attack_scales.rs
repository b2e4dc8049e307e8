//! Scales that several statements read, and elements of one array at fixed and at given places.

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
model! {
    pub mod point_mixed {
        latent mu ~ Normal(0, var: 3);
        latent tau ~ Gamma(shape: 2, rate: 1);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(tau): Point; }
    }
}
#[test]
fn point_mixed_is_honest() {
    let y = noise(7, 1);
    let data = point_mixed::Data { y: (&y).into() };
    let fit = point_mixed::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod order {
        latent mu ~ Normal(0, var: 3);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent a ~ Gamma(shape: 1, rate: tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(a); q(tau); q(mu); }
    }
}
#[test]
fn order_is_honest() {
    let y = noise(7, 1);
    let data = order::Data { y: (&y).into() };
    let fit = order::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod unread {
        latent a ~ Gamma(shape: 2, rate: 1);
        latent b ~ Normal(0, var: 2);
        latent p ~ Beta(2, 3);
        latent s: Simplex[3] ~ Dirichlet(2);
        latent mu ~ Normal(0, var: 3);
        observed y[n in N] ~ Normal(mu, var: 1);
    }
}
#[test]
fn unread_is_honest() {
    let y = noise(7, 1);
    let data = unread::Data { y: (&y).into() };
    let fit = unread::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod unread_child {
        latent mu ~ Normal(0, var: 3);
        latent c ~ Normal(2 * mu, var: 1);
        observed y[n in N] ~ Normal(mu, var: 1);
    }
}
#[test]
fn unread_child_is_honest() {
    let y = noise(7, 1);
    let data = unread_child::Data { y: (&y).into() };
    let fit = unread_child::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod hyper_newton {
        param a: Positive;
        param b: Positive;
        latent r[n in N] ~ Gamma(shape: a, rate: b);
        observed y[n in N] ~ Poisson(r[n]);
    }
}
#[test]
fn hyper_newton_is_honest() {
    let y = vec![1u64, 0, 3, 7];
    let data = hyper_newton::Data { y: (&y).into() };
    let fit = hyper_newton::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod hyper_dirichlet {
        given t[n in N]: Count;
        param a: Positive;
        latent p[n in N]: Simplex[V] ~ Dirichlet(a);
        observed y[n in N] ~ Multinomial(t[n], p[n]);
    }
}
#[test]
fn hyper_dirichlet_is_honest() {
    let y = DMatrix::from_row_slice(3, 3, &[4u64, 0, 1, 0, 3, 2, 1, 1, 6]);
    let t = vec![5u64, 5, 8];
    let data = hyper_dirichlet::Data { y: (&y).into(), t: (&t).into() };
    let fit = hyper_dirichlet::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod hyper_beta {
        given t[n in N]: Count;
        param a: Positive;
        param b: Positive;
        latent p[n in N] ~ Beta(a, b);
        observed y[n in N] ~ Binomial(t[n], p[n]);
    }
}
#[test]
fn hyper_beta_is_honest() {
    let y = vec![1u64, 4, 3, 0];
    let t = vec![5u64; 4];
    let data = hyper_beta::Data { y: (&y).into(), t: (&t).into() };
    let fit = hyper_beta::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod hyper_mean {
        param m0: Real;
        param v: Positive;
        latent r[n in N] ~ Normal(m0, var: v);
        observed y[n in N] ~ Normal(r[n], var: 0.3);
    }
}
#[test]
fn hyper_mean_is_honest() {
    let y = noise(6, 2);
    let data = hyper_mean::Data { y: (&y).into() };
    let fit = hyper_mean::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
