//! Blocks that meet: products, pairs, mixtures, scales over several plates; data far from 0, very small, or none.

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
fn table(n: usize, d: usize, seed: u64) -> DMatrix<f64> {
    DMatrix::from_vec(n, d, noise(n * d, seed))
}
fn turns(n: usize, k: usize) -> Vec<usize> {
    (0..n).map(|i| (i * 5 + i / 3) % k).collect()
}
model! {
    pub mod exp_prior {
        latent r ~ Exponential(mean: 2);
        observed y[n in N] ~ Poisson(r);
    }
}
#[test]
fn exp_prior_is_honest() {
    let y = vec![1u64, 4, 0, 3];
    let data = exp_prior::Data { y: (&y).into() };
    let fit = exp_prior::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod product_tau {
        latent a ~ Normal(1, var: 1);
        latent b ~ Normal(0.5, var: 1);
        latent tau ~ Gamma(shape: 2, rate: 1);
        observed y[n in N] ~ Normal(a * b, prec: tau);
    }
}
#[test]
fn product_tau_is_honest() {
    let y = noise(7, 1);
    let data = product_tau::Data { y: (&y).into() };
    let fit = product_tau::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod product_rows(K) {
        latent u[i in I, k in K] ~ Normal(0, var: 1);
        latent v[j in J, k in K] ~ Normal(0, var: 2);
        latent tau ~ Gamma(shape: 2, rate: 1);
        observed y[i in I, j in J] ~ Normal(sum(u[i, k] * v[j, k] for k in K), prec: tau);
    }
}
#[test]
fn product_rows_is_honest() {
    let y = table(4, 3, 1);
    let data = product_rows::Data { y: (&y).into() };
    let fit = product_rows::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod product_rows_missing(K) {
        latent u[i in I, k in K] ~ Normal(0, var: 1);
        latent v[j in J, k in K] ~ Normal(0, var: 2);
        latent c ~ Normal(0, var: 1);
        latent tau ~ Gamma(shape: 2, rate: 1);
        observed y[i in I, j in J]: Real? ~ Normal(c + sum(u[i, k] * v[j, k] for k in K), prec: tau);
    }
}
#[test]
fn product_rows_missing_is_honest() {
    let mut y = table(4, 3, 1);
    y[(0, 0)] = f64::NAN;
    y[(3, 1)] = f64::NAN;
    let data = product_rows_missing::Data { y: (&y).into() };
    let fit = product_rows_missing::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod triple {
        latent a ~ Normal(1, var: 1);
        latent b ~ Normal(0.5, var: 1);
        latent c ~ Normal(0.5, var: 1);
        latent tau ~ Gamma(shape: 2, rate: 1);
        observed y[n in N] ~ Normal(a * b * c + a, prec: tau);
    }
}
#[test]
fn triple_is_honest() {
    let y = noise(7, 1);
    let data = triple::Data { y: (&y).into() };
    let fit = triple::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod prior_product {
        latent a ~ Normal(1, var: 1);
        latent b ~ Normal(0.5, var: 1);
        latent mu ~ Normal(a * b, var: 0.4);
        observed y[n in N] ~ Normal(mu, var: 0.5);
    }
}
#[test]
fn prior_product_is_honest() {
    let y = noise(7, 1);
    let data = prior_product::Data { y: (&y).into() };
    let fit = prior_product::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod prior_gamma_map {
        given r[n in N]: Category[R];
        latent b[i in R] ~ Gamma(shape: 2, rate: 1);
        latent l[n in N] ~ Gamma(shape: 1.5, rate: b[r[n]]);
        observed y[n in N] ~ Poisson(l[n]);
    }
}
#[test]
fn prior_gamma_map_is_honest() {
    let y = vec![1u64, 4, 0, 3, 2];
    let r = vec![1usize, 0, 1, 0, 0];
    let data = prior_gamma_map::Data { y: (&y).into(), r: (&r).into() };
    let fit = prior_gamma_map::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod prior_scale_map {
        given r[n in N]: Category[R];
        latent b[i in R] ~ Gamma(shape: 2, rate: 1);
        latent l[n in N] ~ Normal(0, prec: b[r[n]]);
        observed y[n in N] ~ Normal(l[n], var: 0.4);
    }
}
#[test]
fn prior_scale_map_is_honest() {
    let y = noise(5, 3);
    let r = vec![1usize, 0, 1, 0, 0];
    let data = prior_scale_map::Data { y: (&y).into(), r: (&r).into() };
    let fit = prior_scale_map::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod scale_other_plate {
        latent tau[i in I] ~ Gamma(shape: 2, rate: 1);
        latent mu[j in J] ~ Normal(0, var: 2);
        observed y[i in I, j in J] ~ Normal(mu[j], prec: tau[i]);
    }
}
#[test]
fn scale_other_plate_is_honest() {
    let y = table(4, 3, 3);
    let data = scale_other_plate::Data { y: (&y).into() };
    let fit = scale_other_plate::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod scale_two_plates {
        latent tau[i in I] ~ Gamma(shape: 2, rate: 1);
        latent lam[j in J] ~ Gamma(shape: 1, rate: 1);
        latent mu[j in J] ~ Normal(0, prec: lam[j]);
        observed y[i in I, j in J] ~ Normal(mu[j], prec: tau[i] * lam[j]);
    }
}
#[test]
fn scale_two_plates_is_honest() {
    let y = table(4, 3, 3);
    let data = scale_two_plates::Data { y: (&y).into() };
    let fit = scale_two_plates::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod self_loops(K) {
        latent w: Simplex[K] ~ Dirichlet(1);
        latent B[a in K, b in K] ~ Beta(1, 2);
        latent z[i in N] ~ Categorical(w);
        observed y[i in N, j in N] ~ Bernoulli(B[z[i], z[j]]);
    }
}
#[test]
fn self_loops_is_honest() {
    let y = DMatrix::from_fn(6, 6, |i, j| (i * 7 + j * 3) % 5 < 2);
    let data = self_loops::Data { y: (&y).into() };
    let fit = self_loops::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod listed_loops(K) {
        given a[e in E]: Category[N];
        given b[e in E]: Category[N];
        latent w: Simplex[K] ~ Dirichlet(1);
        latent B[a in K, b in K] ~ Beta(1, 2);
        latent z[i in N] ~ Categorical(w);
        observed y[e in E] ~ Bernoulli(B[z[a[e]], z[b[e]]]);
        factorize { q(z[each]); }
    }
}
#[test]
fn listed_loops_is_honest() {
    let y = vec![true, false, true, true, false];
    let a = vec![0usize, 1, 2, 2, 3];
    let b = vec![1usize, 1, 0, 3, 3];
    let data = listed_loops::Data { y: (&y).into(), a: (&a).into(), b: (&b).into() };
    let fit = listed_loops::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod pairs_missing(K) {
        latent w: Simplex[K] ~ Dirichlet(1);
        latent B[a in K, b in K] ~ Beta(1, 2);
        latent z[i in N] ~ Categorical(w);
        observed y[i in N, j in N if i != j]: Bool? ~ Bernoulli(B[z[i], z[j]]);
    }
}
#[test]
fn pairs_missing_is_honest() {
    let mut y = DMatrix::from_fn(6, 6, |i, j| Some((i * 7 + j * 3) % 5 < 2));
    y[(0, 1)] = None;
    y[(4, 2)] = None;
    let data = pairs_missing::Data { y: (&y).into() };
    let fit = pairs_missing::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod pairs_normal(K) {
        latent w: Simplex[K] ~ Dirichlet(1);
        latent B[a in K, b in K] ~ Normal(0, var: 3);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu[k in K] ~ Normal(0, var: 2);
        latent z[i in N] ~ Categorical(w);
        observed x[i in N] ~ Normal(mu[z[i]], prec: tau);
        observed y[i in N, j in N if i < j] ~ Normal(B[z[i], z[j]], prec: tau);
    }
}
#[test]
fn pairs_normal_is_honest() {
    let y = table(6, 6, 2);
    let x = noise(6, 4);
    let data = pairs_normal::Data { y: (&y).into(), x: (&x).into() };
    let fit = pairs_normal::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod pairs_k1(K) {
        latent w: Simplex[K] ~ Dirichlet(1);
        latent B[a in K, b in K if a <= b] ~ Beta(1, 2);
        latent z[i in N] ~ Categorical(w);
        observed y[i in N, j in N if i < j] ~ Bernoulli(B[z[i], z[j]]);
    }
}
#[test]
fn pairs_k1_is_honest() {
    let y = DMatrix::from_fn(6, 6, |i, j| (i * 7 + j * 3) % 5 < 2);
    let data = pairs_k1::Data { y: (&y).into() };
    let fit = pairs_k1::Model::new(1).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod collinear {
        given x[n in N]: Vector[D];
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent w[d in D] ~ Normal(0, prec: tau);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}
#[test]
fn collinear_is_honest() {
    let y = noise(6, 1);
    let x = DMatrix::from_fn(6, 2, |i, _| i as f64);
    let data = collinear::Data { y: (&y).into(), x: (&x).into() };
    let fit = collinear::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod collinear_param_wide {
        given x[n in N]: Vector[D];
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent w[d in D] ~ Normal(0, var: 1e8);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}
#[test]
fn collinear_param_wide_is_honest() {
    let y = noise(3, 1);
    let x = table(3, 5, 2);
    let data = collinear_param_wide::Data { y: (&y).into(), x: (&x).into() };
    let fit = collinear_param_wide::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod offset_mf {
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu ~ Normal(1e6, var: 1e3);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
#[test]
fn offset_mf_is_honest() {
    let y: Vec<f64> = noise(9, 1).iter().map(|v| v + 1e6).collect();
    let data = offset_mf::Data { y: (&y).into() };
    let fit = offset_mf::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod tiny {
        latent tau ~ Gamma(shape: 0.1, rate: 1e-13);
        latent mu ~ Normal(0, prec: tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
#[test]
fn tiny_is_honest() {
    let y: Vec<f64> = noise(9, 1).iter().map(|v| v * 1e-6).collect();
    let data = tiny::Data { y: (&y).into() };
    let fit = tiny::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod huge {
        latent tau ~ Gamma(shape: 0.1, rate: 1e10);
        latent mu ~ Normal(0, var: 1e13);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
#[test]
fn huge_is_honest() {
    let y: Vec<f64> = noise(9, 1).iter().map(|v| v * 1e6).collect();
    let data = huge::Data { y: (&y).into() };
    let fit = huge::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod empty {
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu ~ Normal(0, prec: tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
#[test]
fn empty_is_honest() {
    let y: Vec<f64> = vec![];
    let data = empty::Data { y: (&y).into() };
    let fit = empty::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod empty_mixture(K) {
        latent w: Simplex[K] ~ Dirichlet(1);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu[k in K] ~ Normal(0, prec: tau);
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(mu[z[n]], prec: tau);
    }
}
#[test]
fn empty_mixture_is_honest() {
    let y: Vec<f64> = vec![];
    let data = empty_mixture::Data { y: (&y).into() };
    let fit = empty_mixture::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod one_row(K) {
        latent w: Simplex[K] ~ Dirichlet(1);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu[k in K] ~ Normal(0, var: 1);
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(mu[z[n]], prec: tau);
    }
}
#[test]
fn one_row_is_honest() {
    let y: Vec<f64> = vec![0.4];
    let data = one_row::Data { y: (&y).into() };
    let fit = one_row::Model::new(3).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod one_component(K) {
        latent w: Simplex[K] ~ Dirichlet(1);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu[k in K] ~ Normal(0, prec: tau);
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(mu[z[n]], prec: tau);
    }
}
#[test]
fn one_component_is_honest() {
    let y = noise(7, 1);
    let data = one_component::Data { y: (&y).into() };
    let fit = one_component::Model::new(1).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod by_given_simplex(K = 3, V = 2) {
        given c[n in N]: Category[K];
        latent p[k in K]: Simplex[V] ~ Dirichlet(0.5);
        observed y[n in N] ~ Categorical(p[c[n]]);
    }
}
#[test]
fn by_given_simplex_is_honest() {
    let y = turns(9, 2);
    let c = turns(9, 3);
    let data = by_given_simplex::Data { y: (&y).into(), c: (&c).into() };
    let fit = by_given_simplex::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod match_pair {
        given b[n in N]: Bool;
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu ~ Normal(0, prec: tau);
        observed y[n in N] ~ match b[n] { true => Normal(mu, prec: tau), false => Normal(0, prec: 3 * tau) };
    }
}
#[test]
fn match_pair_is_honest() {
    let y = noise(7, 1);
    let b = vec![true, false, true, true, false, true, false];
    let data = match_pair::Data { y: (&y).into(), b: (&b).into() };
    let fit = match_pair::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod zero_inflated {
        latent p ~ Beta(1, 1);
        latent r ~ Gamma(shape: 1, rate: 1);
        latent a[n in N] ~ Bernoulli(p);
        observed y[n in N] ~ match a[n] { true => Poisson(r), false => Constant(0) };
    }
}
#[test]
fn zero_inflated_is_honest() {
    let y = vec![0u64, 0, 3, 1, 0];
    let data = zero_inflated::Data { y: (&y).into() };
    let fit = zero_inflated::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod local_gamma {
        latent mu ~ Normal(0, var: 3);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent u[n in N] ~ Gamma(shape: 2, rate: 2);
        observed y[n in N] ~ Normal(mu, prec: tau * u[n]);
    }
}
#[test]
fn local_gamma_is_honest() {
    let y = noise(7, 1);
    let data = local_gamma::Data { y: (&y).into() };
    let fit = local_gamma::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod local_gamma_hyper {
        param nu: Positive;
        latent mu ~ Normal(0, var: 3);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed y[n in N] ~ Normal(mu, prec: tau * u[n]);
    }
}
#[test]
fn local_gamma_hyper_is_honest() {
    let y = noise(7, 1);
    let data = local_gamma_hyper::Data { y: (&y).into() };
    let fit = local_gamma_hyper::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod laplace_mixture {
        latent lam ~ Gamma(shape: 2, rate: 1);
        latent u[n in N] ~ Exponential(rate: lam);
        latent mu ~ Normal(0, var: 3);
        observed y[n in N] ~ Normal(mu, prec: u[n]);
    }
}
#[test]
fn laplace_mixture_is_honest() {
    let y = noise(7, 1);
    let data = laplace_mixture::Data { y: (&y).into() };
    let fit = laplace_mixture::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod weibull_like {
        latent lam ~ Gamma(shape: 2, rate: 1);
        latent b ~ InverseGamma(shape: 2, scale: lam);
        observed y[n in N] ~ Exponential(mean: b);
    }
}
#[test]
fn weibull_like_is_honest() {
    let y = positive(7, 2);
    let data = weibull_like::Data { y: (&y).into() };
    let fit = weibull_like::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod inverse_prior {
        latent b ~ Gamma(shape: 2, rate: 1);
        latent v ~ InverseGamma(shape: 3, scale: b);
        latent mu ~ Normal(0, var: v);
        observed y[n in N] ~ Normal(mu, var: 2 * v);
    }
}
#[test]
fn inverse_prior_is_honest() {
    let y = noise(7, 1);
    let data = inverse_prior::Data { y: (&y).into() };
    let fit = inverse_prior::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod point_simplex(K) {
        latent w: Simplex[K] ~ Dirichlet(2);
        latent mu[k in K] ~ Normal(0, var: 3);
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(mu[z[n]], var: 0.5);
        factorize { q(mu): Point; }
    }
}
#[test]
fn point_simplex_is_honest() {
    let y = noise(7, 1);
    let data = point_simplex::Data { y: (&y).into() };
    let fit = point_simplex::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod observed_parent {
        latent b ~ Normal(0, var: 2);
        latent tau ~ Gamma(shape: 2, rate: 1);
        observed y[0] ~ Normal(0, prec: tau);
        observed y[t in 1..T] ~ Normal(b * y[t-1], prec: tau);
    }
}
#[test]
fn observed_parent_is_honest() {
    let y = noise(7, 1);
    let data = observed_parent::Data { y: (&y).into() };
    let fit = observed_parent::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
