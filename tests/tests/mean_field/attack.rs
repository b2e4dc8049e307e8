//! Conjugate models at the edges: shared precisions, crossed and nested effects, missing rows, copies, pieces of arrays.

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
    pub mod lognormal_mf {
        latent mu ~ Normal(0, sd: 2);
        latent tau ~ Gamma(shape: 2, rate: 1);
        observed y[n in N] ~ LogNormal(mu, prec: tau);
    }
}
#[test]
fn lognormal_mf_is_honest() {
    let y = positive(7, 2);
    let data = lognormal_mf::Data { y: (&y).into() };
    let fit = lognormal_mf::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod poisson_product {
        latent r ~ Gamma(shape: 2, rate: 1);
        latent s ~ Gamma(shape: 1, rate: 1);
        observed y[n in N] ~ Poisson(r * s);
    }
}
#[test]
fn poisson_product_is_honest() {
    let y = vec![1u64, 4, 0, 3];
    let data = poisson_product::Data { y: (&y).into() };
    let fit = poisson_product::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod exp_product {
        latent r ~ Gamma(shape: 2, rate: 1);
        latent s ~ Gamma(shape: 1, rate: 1);
        observed y[n in N] ~ Exponential(rate: r * s);
    }
}
#[test]
fn exp_product_is_honest() {
    let y = positive(7, 2);
    let data = exp_product::Data { y: (&y).into() };
    let fit = exp_product::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod exp_ratio {
        latent r ~ Gamma(shape: 2, rate: 1);
        latent s ~ InverseGamma(shape: 3, scale: 1);
        observed y[n in N] ~ Exponential(rate: r / s);
    }
}
#[test]
fn exp_ratio_is_honest() {
    let y = positive(7, 2);
    let data = exp_ratio::Data { y: (&y).into() };
    let fit = exp_ratio::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod weights {
        given w[n in N]: Positive;
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu ~ Normal(0.3, prec: 0.1 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau * w[n]);
    }
}
#[test]
fn weights_is_honest() {
    let y = noise(7, 1);
    let w = positive(7, 5);
    let data = weights::Data { y: (&y).into(), w: (&w).into() };
    let fit = weights::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod three_scales {
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent alpha[d in D] ~ Gamma(shape: 2, rate: 1);
        latent lambda ~ Gamma(shape: 2, rate: 1);
        latent mu[d in D] ~ Normal(0, prec: tau * alpha[d] * lambda);
        observed y[n in N, d in D] ~ Normal(mu[d], prec: tau);
    }
}
#[test]
fn three_scales_is_honest() {
    let y = table(6, 3, 1);
    let data = three_scales::Data { y: (&y).into() };
    let fit = three_scales::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod by_group {
        given g[n in N]: Category[G];
        latent mu ~ Normal(0, sd: 2);
        latent theta[j in G] ~ Normal(mu, var: 0.5);
        observed y[n in N] ~ Normal(theta[g[n]], var: 0.7);
    }
}
#[test]
fn by_group_is_honest() {
    let y = noise(9, 1);
    let g = vec![0usize, 2, 1, 2, 2, 0, 0, 1, 1];
    let data = by_group::Data { y: (&y).into(), g: (&g).into() };
    let fit = by_group::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod by_group_tau {
        given g[n in N]: Category[G];
        latent tau ~ Gamma(shape: 1, rate: 1);
        latent lam[j in G] ~ Gamma(shape: 1, rate: 2);
        latent mu ~ Normal(0, prec: 0.2);
        latent theta[j in G] ~ Normal(mu, prec: tau);
        observed y[n in N] ~ Normal(theta[g[n]], prec: lam[g[n]]);
    }
}
#[test]
fn by_group_tau_is_honest() {
    let y = noise(9, 1);
    let g = vec![0usize, 2, 1, 2, 2, 0, 0, 1, 1];
    let data = by_group_tau::Data { y: (&y).into(), g: (&g).into() };
    let fit = by_group_tau::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod crossed {
        given g[n in N]: Category[G];
        given h[n in N]: Category[H];
        latent c ~ Normal(0, sd: 3);
        latent a[i in G] ~ Normal(0, var: 0.5);
        latent b[i in H] ~ Normal(0, var: 0.9);
        observed y[n in N] ~ Normal(c + a[g[n]] + b[h[n]], var: 0.7);
    }
}
#[test]
fn crossed_is_honest() {
    let y = noise(12, 1);
    let g = turns(12, 3);
    let h = vec![0usize, 1, 1, 0, 3, 2, 2, 3, 1, 0, 1, 3];
    let data = crossed::Data { y: (&y).into(), g: (&g).into(), h: (&h).into() };
    let fit = crossed::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod crossed_joint {
        given g[n in N]: Category[G];
        given h[n in N]: Category[H];
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent c ~ Normal(1, prec: tau);
        latent a[i in G] ~ Normal(0, prec: 2 * tau);
        latent b[i in H] ~ Normal(0, prec: 3 * tau);
        observed y[n in N] ~ Normal(c + a[g[n]] + b[h[n]], prec: tau);
    }
}
#[test]
fn crossed_joint_is_honest() {
    let y = noise(12, 1);
    let g = turns(12, 3);
    let h = vec![0usize, 1, 1, 0, 3, 2, 2, 3, 1, 0, 1, 3];
    let data = crossed_joint::Data { y: (&y).into(), g: (&g).into(), h: (&h).into() };
    let fit = crossed_joint::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod coinciding {
        given g[n in N]: Category[P];
        given h[n in N]: Category[P];
        latent s[p in P] ~ Normal(0.2, var: 2);
        observed y[n in N] ~ Normal(s[g[n]] + 2 * s[h[n]], var: 0.7);
    }
}
#[test]
fn coinciding_is_honest() {
    let y = noise(6, 1);
    let g = vec![0usize, 1, 2, 0, 1, 2];
    let h = vec![0usize, 2, 1, 1, 1, 0];
    let data = coinciding::Data { y: (&y).into(), g: (&g).into(), h: (&h).into() };
    let fit = coinciding::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod two_levels {
        given g[n in N]: Category[G];
        given r[j in G]: Category[R];
        latent top ~ Normal(0, sd: 3);
        latent mid[i in R] ~ Normal(top, var: 0.6);
        latent low[j in G] ~ Normal(mid[r[j]], var: 0.5);
        observed y[n in N] ~ Normal(low[g[n]], var: 0.7);
    }
}
#[test]
fn two_levels_is_honest() {
    let y = noise(12, 1);
    let g = turns(12, 4);
    let r = vec![0usize, 1, 1, 0];
    let data = two_levels::Data { y: (&y).into(), g: (&g).into(), r: (&r).into() };
    let fit = two_levels::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod two_levels_tau {
        given g[n in N]: Category[G];
        given r[j in G]: Category[R];
        latent t1 ~ Gamma(shape: 2, rate: 1);
        latent t2 ~ Gamma(shape: 2, rate: 2);
        latent t3 ~ Gamma(shape: 2, rate: 3);
        latent top ~ Normal(0, sd: 3);
        latent mid[i in R] ~ Normal(top, prec: t1);
        latent low[j in G] ~ Normal(mid[r[j]], prec: t2);
        observed y[n in N] ~ Normal(low[g[n]], prec: t3);
    }
}
#[test]
fn two_levels_tau_is_honest() {
    let y = noise(12, 1);
    let g = turns(12, 4);
    let r = vec![0usize, 1, 1, 0];
    let data = two_levels_tau::Data { y: (&y).into(), g: (&g).into(), r: (&r).into() };
    let fit = two_levels_tau::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod wishart_shared(w0: SymPos[D]) {
        given g[n in N]: Category[G];
        latent prec ~ Wishart(dof: 4, scale: w0);
        latent mean[k in G] ~ Normal(0.5, prec: 0.5 * prec);
        observed x[n in N] ~ Normal(mean[g[n]], prec: prec);
    }
}
#[test]
fn wishart_shared_is_honest() {
    let x = table(9, 2, 1);
    let g = turns(9, 3);
    let data = wishart_shared::Data { x: (&x).into(), g: (&g).into() };
    let fit = wishart_shared::Model::new(DMatrix::identity(2, 2)).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod wishart_b0(w0: SymPos[D]) {
        latent b0 ~ Gamma(shape: 2, rate: 1);
        latent prec ~ Wishart(dof: 4, scale: w0);
        latent mean: Vector[D] ~ Normal(0.5, prec: b0 * prec);
        observed x[n in N] ~ Normal(mean, prec: prec);
    }
}
#[test]
fn wishart_b0_is_honest() {
    let x = table(9, 2, 1);
    let data = wishart_b0::Data { x: (&x).into() };
    let fit = wishart_b0::Model::new(DMatrix::identity(2, 2)).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod wishart_two_readers(w0: SymPos[D]) {
        latent prec ~ Wishart(dof: 4, scale: w0);
        observed x[n in N] ~ Normal(0, prec: prec);
        observed u[m in M] ~ Normal(1, prec: 2 * prec);
    }
}
#[test]
fn wishart_two_readers_is_honest() {
    let x = table(9, 2, 1);
    let u = table(4, 2, 2);
    let data = wishart_two_readers::Data { x: (&x).into(), u: (&u).into() };
    let fit = wishart_two_readers::Model::new(DMatrix::identity(2, 2)).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod wishart_regression(w0: SymPos[D]) {
        given t[n in N]: Real;
        latent prec ~ Wishart(dof: 4, scale: w0);
        latent a: Vector[D] ~ Normal(0, prec: prec);
        latent b: Vector[D] ~ Normal(0, prec: 2 * prec);
        observed x[n in N] ~ Normal(a + t[n] * b, prec: prec);
    }
}
#[test]
fn wishart_regression_is_honest() {
    let x = table(9, 2, 1);
    let t = noise(9, 3);
    let data = wishart_regression::Data { x: (&x).into(), t: (&t).into() };
    let fit = wishart_regression::Model::new(DMatrix::identity(2, 2)).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod wishart_regression_split(w0: SymPos[D]) {
        given t[n in N]: Real;
        latent prec ~ Wishart(dof: 4, scale: w0);
        latent a: Vector[D] ~ Normal(0, var: 2);
        latent b: Vector[D] ~ Normal(0, var: 3);
        observed x[n in N] ~ Normal(a + t[n] * b, prec: prec);
    }
}
#[test]
fn wishart_regression_split_is_honest() {
    let x = table(9, 2, 1);
    let t = noise(9, 3);
    let data = wishart_regression_split::Data { x: (&x).into(), t: (&t).into() };
    let fit = wishart_regression_split::Model::new(DMatrix::identity(2, 2)).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod dirichlet_two {
        given a[v in V]: Positive;
        given t[m in M]: Count;
        latent p: Simplex[V] ~ Dirichlet(a);
        observed y[n in N] ~ Categorical(p);
        observed q[m in M] ~ Multinomial(t[m], p);
    }
}
#[test]
fn dirichlet_two_is_honest() {
    let y = turns(9, 3);
    let q = DMatrix::from_row_slice(2, 3, &[1u64, 0, 3, 2, 2, 0]);
    let data = dirichlet_two::Data {
        y: (&y).into(),
        q: (&q).into(),
        t: (&[4u64, 4]).into(),
        a: (&[0.5, 1.0, 2.0]).into(),
    };
    let fit = dirichlet_two::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod dirichlet_rows(V = 3) {
        given g[n in N]: Category[G];
        latent p[j in G]: Simplex[V] ~ Dirichlet(0.7);
        observed y[n in N] ~ Categorical(p[g[n]]);
        observed u[m in M] ~ Categorical(p[1]);
    }
}
#[test]
fn dirichlet_rows_is_honest() {
    let y = turns(9, 3);
    let g = turns(9, 2);
    let u = turns(6, 3);
    let data = dirichlet_rows::Data { y: (&y).into(), g: (&g).into(), u: (&u).into() };
    let fit = dirichlet_rows::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod missing {
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu ~ Normal(0, prec: tau);
        observed y[n in N]: Real? ~ Normal(mu, prec: tau);
    }
}
#[test]
fn missing_is_honest() {
    let y = vec![0.3, f64::NAN, 1.0, f64::NAN, -2.0];
    let data = missing::Data { y: (&y).into() };
    let fit = missing::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod repeat_count {
        given c[n in N]: Count;
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu ~ Normal(0, prec: tau);
        for n in N repeat c[n] { observed y[n] ~ Normal(mu, prec: tau); }
    }
}
#[test]
fn repeat_count_is_honest() {
    let y = noise(7, 1);
    let c = vec![5u64, 0, 2, 1, 3, 0, 1];
    let data = repeat_count::Data { y: (&y).into(), c: (&c).into() };
    let fit = repeat_count::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod repeat_mixture(K) {
        given c[n in N]: Count;
        latent w: Simplex[K] ~ Dirichlet(1);
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu[k in K] ~ Normal(0, prec: tau);
        for n in N repeat c[n] { latent z[n] ~ Categorical(w);
        observed y[n] ~ Normal(mu[z[n]], prec: tau); }
    }
}
#[test]
fn repeat_mixture_is_honest() {
    let y = noise(7, 1);
    let c = vec![5u64, 0, 2, 1, 3, 0, 1];
    let data = repeat_mixture::Data { y: (&y).into(), c: (&c).into() };
    let fit = repeat_mixture::Model::new(2).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod ragged {
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu[s in S] ~ Normal(0, prec: tau);
        observed y[s in S, i in I[s]] ~ Normal(mu[s], prec: tau);
    }
}
#[test]
fn ragged_is_honest() {
    let y = vec![vec![0.1, 0.4], vec![], vec![1.0, 2.0, -1.0]];
    let data = ragged::Data { y: (&y).into() };
    let fit = ragged::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod literal {
        latent mu[k in 0..3] ~ Normal(0, var: 2);
        latent tau[k in 0..3] ~ Gamma(shape: 2, rate: 1);
        observed y[n in N, k in 0..3] ~ Normal(mu[k], prec: tau[k]);
    }
}
#[test]
fn literal_is_honest() {
    let y = table(5, 3, 2);
    let data = literal::Data { y: (&y).into() };
    let fit = literal::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod symmetric_gamma {
        latent mu[i in N, j in N if i <= j] ~ Gamma(shape: 1, rate: 2);
        observed y[i in N, j in N] ~ Poisson(mu[i, j]);
    }
}
#[test]
fn symmetric_gamma_is_honest() {
    let y = DMatrix::from_row_slice(3, 3, &[1u64, 0, 2, 3, 1, 1, 0, 5, 2]);
    let data = symmetric_gamma::Data { y: (&y).into() };
    let fit = symmetric_gamma::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod pieces(K) {
        latent x[0] ~ Normal(1, var: 2);
        latent x[k in 1..K] ~ Normal(0, var: 3);
        observed y[k in K] ~ Normal(x[k], var: 0.4);
    }
}
#[test]
fn pieces_is_honest() {
    let y = noise(4, 2);
    let data = pieces::Data { y: (&y).into() };
    let fit = pieces::Model::new(4).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod pieces_tau(K) {
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent x[0] ~ Normal(1, prec: tau);
        latent x[k in 1..K] ~ Normal(0, prec: 3 * tau);
        observed y[k in K] ~ Normal(x[k], prec: tau);
    }
}
#[test]
fn pieces_tau_is_honest() {
    let y = noise(4, 2);
    let data = pieces_tau::Data { y: (&y).into() };
    let fit = pieces_tau::Model::new(4).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod pieces_gamma(K) {
        latent x[0] ~ Gamma(shape: 2, rate: 1);
        latent x[k in 1..K] ~ Gamma(shape: 3, rate: 4);
        observed y[k in K] ~ Poisson(x[k]);
    }
}
#[test]
fn pieces_gamma_is_honest() {
    let y = vec![1u64, 0, 3, 7];
    let data = pieces_gamma::Data { y: (&y).into() };
    let fit = pieces_gamma::Model::new(4).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod pieces_read_first(K) {
        latent x[0] ~ Normal(1, var: 2);
        latent x[k in 1..K] ~ Normal(x[0], var: 3);
        observed y[k in K] ~ Normal(x[k], var: 0.4);
    }
}
#[test]
fn pieces_read_first_is_honest() {
    let y = noise(4, 2);
    let data = pieces_read_first::Data { y: (&y).into() };
    let fit = pieces_read_first::Model::new(4).fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod flat {
        latent mu ~ Flat();
        observed y[n in N] ~ Normal(mu, var: 0.5);
    }
}
#[test]
fn flat_is_honest() {
    let y = noise(7, 1);
    let data = flat::Data { y: (&y).into() };
    let fit = flat::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
model! {
    pub mod flat_tau {
        latent tau ~ Gamma(shape: 2, rate: 1);
        latent mu ~ Flat();
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
#[test]
fn flat_tau_is_honest() {
    let y = noise(7, 1);
    let data = flat_tau::Data { y: (&y).into() };
    let fit = flat_tau::Model::new().fit(&data, &options()).unwrap();
    honest(&fit, &data);
}
