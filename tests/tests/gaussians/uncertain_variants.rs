//! Gaussian latents beside uncertain coefficients, locations and scales, in the forms that models take: each against the distributions' own
//! densities at draws from q, small ones against their evidence.

use nalgebra::{DMatrix, DVector};
use vi_core::Options;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{log_sum_exp, mv_normal, normal};
use vi_tests::law::{close, honest, monotone};

fn table(n: usize, d: usize, seed: u64) -> DMatrix<f64> {
    let g = &mut Noise::new(seed);
    let slopes = DMatrix::from_fn(d, 2, |_, _| g.normal());
    DMatrix::from_fn(n, 2, |_, _| g.normal()) * slopes.transpose()
        + DMatrix::from_fn(n, d, |_, _| 0.4 * g.normal())
}

fn options() -> Options {
    Options::new().seed(2).max_iterations(3000).tolerance(1e-10)
}

macro_rules! is_honest {
    ($fit:expr, $data:expr) => {{
        let fit = $fit.unwrap();
        monotone(&fit.trace);
        honest(&fit, &$data);
        fit
    }};
}

model! {
    /// A precision matrix of the noise that rows of loadings do not share.
    pub mod coupled(H, w0: SymPos[D]) {
        latent   lambda               ~ Wishart(dof: D + 2, scale: w0);
        latent   W[d in D]: Vector[H] ~ Normal(0, prec: 0.5);
        latent   mu: Vector[D]        ~ Normal(0, prec: 0.1);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N]            ~ Normal(W * f[n] + mu, prec: lambda);
    }
}
model! {
    /// Entries of a matrix are numbers of an array; the precision of each row is its own.
    pub mod entries(H) {
        latent   alpha[h in H]             ~ Gamma(shape: 1, rate: 1);
        latent   W[d in D, h in H]         ~ Normal(0, prec: alpha[h]);
        latent   psi[d in D]               ~ InverseGamma(shape: 2, scale: 1);
        latent   f[n in N]: Vector[H]      ~ Normal(0, var: 1);
        observed x[n in N, d in D]         ~ Normal(sum(W[d, h] * f[n][h] for h in H), var: psi[d]);
    }
}
model! {
    /// Loadings share the precision of the noise: they are eliminated with it.
    pub mod shared_scale(H) {
        latent   tau                    ~ Gamma(shape: 2, rate: 1);
        latent   W[d in D]: Vector[H]   ~ Normal(0, prec: 0.5 * tau);
        latent   f[n in N]: Vector[H]   ~ Normal(0, var: 1);
        observed x[n in N, d in D]      ~ Normal(dot(W[d], f[n]), prec: tau);
        factorize { q(W, tau); }
    }
}
model! {
    /// What is known of a unit enters beside its latent.
    pub mod regressors(H) {
        given    u[n in N]: Vector[K];
        latent   W[d in D]: Vector[H]   ~ Normal(0, prec: 0.5);
        latent   B[d in D]: Vector[K]   ~ Normal(0, prec: 0.1);
        latent   tau                    ~ Gamma(shape: 2, rate: 1);
        latent   f[n in N]: Vector[H]   ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[d], f[n]) + dot(B[d], u[n]), prec: tau);
    }
}
model! {
    /// The same where nothing may be missing: data are read once.
    pub mod regressors_once(H) {
        given    u[n in N]: Vector[K];
        latent   W[d in D]: Vector[H]   ~ Normal(0, prec: 0.5);
        latent   B[d in D]: Vector[K]   ~ Normal(0, prec: 0.1);
        latent   tau                    ~ Gamma(shape: 2, rate: 1);
        latent   f[n in N]: Vector[H]   ~ Normal(0, var: 1);
        observed x[n in N, d in D]      ~ Normal(dot(W[d], f[n]) + dot(B[d], u[n]), prec: tau);
    }
}
model! {
    /// Kinds of units, each with loadings of its own.
    pub mod kinds(K, H) {
        latent   weight: Simplex[K]               ~ Dirichlet(1);
        latent   W[k in K, d in D]: Vector[H]     ~ Normal(0, prec: 0.5);
        latent   mu[k in K, d in D]               ~ Normal(0, prec: 0.1);
        latent   tau                              ~ Gamma(shape: 2, rate: 1);
        latent   z[n in N]                        ~ Categorical(weight);
        latent   f[n in N]: Vector[H]             ~ Normal(0, var: 1);
        observed x[n in N, d in D]                ~ Normal(dot(W[z[n], d], f[n]) + mu[z[n], d], prec: tau);
        factorize { q(z, f); }
    }
}
model! {
    /// Loadings are held, the noise is not.
    pub mod held(H) {
        param    W[d in D]: Vector[H];
        latent   tau                    ~ Gamma(shape: 2, rate: 1);
        latent   m[h in H]              ~ Normal(0, var: 1);
        latent   f[n in N]: Vector[H]   ~ Normal(m, var: 1);
        observed x[n in N, d in D]      ~ Normal(dot(W[d], f[n]), prec: tau);
    }
}
model! {
    /// Steps of every time have a precision of their own: Student's t.
    pub mod jumps {
        latent   u[t in T]      ~ Gamma(shape: 2, rate: 2);
        latent   tau            ~ Gamma(shape: 2, rate: 1);
        latent   m              ~ Normal(0, var: 4);
        latent   x[0]           ~ Normal(m, var: 1);
        latent   x[t in 1..T]   ~ Normal(x[t-1], prec: u[t]);
        observed y[t in T]      ~ Normal(x[t], prec: tau);
        factorize { q(m); }
    }
}
model! {
    /// A dense noise of the steps, and one of what is seen.
    pub mod dense_chain(H, q0: SymPos[H], r0: SymPos[D]) {
        latent   Q                      ~ Wishart(dof: H + 2, scale: q0);
        latent   R                      ~ InverseWishart(dof: D + 3, scale: r0);
        latent   A[i in H]: Vector[H]   ~ Normal(0, prec: 2);
        latent   C[d in D]: Vector[H]   ~ Normal(0, prec: 1);
        latent   x[0]: Vector[H]        ~ Normal(0, var: 1);
        latent   x[t in 1..T]           ~ Normal(A * x[t-1], prec: Q);
        observed y[t in T]              ~ Normal(C * x[t], cov: R);
    }
}

#[test]
fn loadings_under_a_precision_matrix_are_honest() {
    let x = table(25, 3, 3);
    let data = coupled::Data { x: (&x).into() };
    let _ = is_honest!(coupled::Model::new(1, DMatrix::identity(3, 3) * 0.2).fit(&data, &options()), data);
}

#[test]
fn a_matrix_of_numbers_is_honest() {
    let x = table(25, 4, 4);
    let data = entries::Data { x: (&x).into() };
    let _ = is_honest!(entries::Model::new(2).fit(&data, &options()), data);
}

#[test]
fn loadings_that_share_the_scale_of_the_noise_are_honest() {
    let x = table(25, 4, 5);
    let data = shared_scale::Data { x: (&x).into() };
    let _ = is_honest!(shared_scale::Model::new(2).fit(&data, &options()), data);
}

#[test]
fn regressors_beside_a_latent_are_honest_and_read_once_or_unit_by_unit_they_say_the_same() {
    let x = table(25, 4, 6);
    let u = DMatrix::from_fn(25, 2, |n, k| if k == 0 { 1.0 } else { ((n * 7) % 5) as f64 - 2.0 });
    let data = regressors::Data { x: (&x).into(), u: (&u).into() };
    let one_by_one = is_honest!(regressors::Model::new(2).fit(&data, &options()), data);
    let data = regressors_once::Data { x: (&x).into(), u: (&u).into() };
    let once = is_honest!(regressors_once::Model::new(2).fit(&data, &options()), data);
    close(once.trace[0], one_by_one.trace[0], 1e-10);
    close(once.trace[20], one_by_one.trace[20], 1e-9);
}

#[test]
fn kinds_of_units_with_uncertain_loadings_are_honest() {
    let (x, y) = (table(20, 3, 7), table(20, 3, 8));
    let x = DMatrix::from_fn(40, 3, |n, d| if n < 20 { x[(n, d)] } else { y[(n - 20, d)] + 4.0 });
    let data = kinds::Data { x: (&x).into() };
    let _ = is_honest!(kinds::Model::new(2, 1).fit(&data, &options()), data);
}

#[test]
fn loadings_that_are_held_beside_a_noise_that_is_not_are_honest() {
    let x = table(25, 4, 9);
    let data = held::Data { x: (&x).into() };
    let _ = is_honest!(held::Model::new(1).fit(&data, &options()), data);
}

#[test]
fn steps_with_scales_of_their_own_are_honest() {
    let g = &mut Noise::new(10);
    let y: Vec<f64> = (0..25).map(|t| if t < 12 { 0.0 } else { 6.0 } + 0.3 * g.normal()).collect();
    let data = jumps::Data { y: (&y).into() };
    let fit = is_honest!(jumps::Model::new().fit(&data, &options()), data);
    let u: Vec<f64> = fit.posterior.u.iter().map(|u| u.mean()).collect();
    assert!((1..25).all(|t| u[t] >= u[12]), "{u:?}");
}

#[test]
fn chains_with_dense_noise_are_honest() {
    let y = table(30, 3, 11);
    let data = dense_chain::Data { y: (&y).into() };
    let model = dense_chain::Model::new(2, DMatrix::identity(2, 2), DMatrix::identity(3, 3));
    let _ = is_honest!(model.fit(&data, &options()), data);
}

model! {
    /// One loading for each of two sensors.
    pub mod two {
        latent   w[d in D]          ~ Normal(0.5, var: 1);
        latent   f[n in N]          ~ Normal(0, var: 1);
        observed x[n in N, d in D]  ~ Normal(w[d] * f[n], var: 0.3);
    }
}
model! {
    pub mod scalar {
        latent   a              ~ Normal(0.5, var: 0.5);
        latent   x[0]           ~ Normal(0, var: 1);
        latent   x[t in 1..T]   ~ Normal(a * x[t-1], var: 0.4);
        observed y[t in T]      ~ Normal(x[t], var: 0.2);
    }
}

#[test]
fn the_bound_of_components_is_below_the_evidence() {
    let x = DMatrix::from_row_slice(4, 2, &[0.9, 1.2, -1.4, -1.0, 0.2, 0.1, 2.0, 1.7]);
    let data = two::Data { x: (&x).into() };
    let fit = two::Model::new().fit(&data, &options()).unwrap();
    let step = 0.04;
    let mut logs = vec![];
    for i in -120..=140 {
        for j in -120..=140 {
            let w = DVector::from_vec(vec![f64::from(i) * step, f64::from(j) * step]);
            let cov = &w * w.transpose() + DMatrix::identity(2, 2) * 0.3;
            let rows: f64 = x.row_iter().map(|r| mv_normal(&[r[0], r[1]], &DVector::zeros(2), &cov)).sum();
            logs.push(rows + normal(w[0], 0.5, 1.0) + normal(w[1], 0.5, 1.0) + 2.0 * step.ln());
        }
    }
    let evidence = log_sum_exp(&logs);
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 3.0, "{} {evidence}", fit.elbo());
}

#[test]
fn the_bound_of_a_chain_is_below_the_evidence() {
    let y = vec![0.4, 0.7, 0.5, 0.2, -0.1, 0.3];
    let data = scalar::Data { y: (&y).into() };
    let fit = scalar::Model::new().fit(&data, &options()).unwrap();
    let (n, step) = (y.len(), 0.01);
    let logs: Vec<f64> = (-300..=400)
        .map(|i| {
            let a = f64::from(i) * step;
            let mut cov = DMatrix::<f64>::zeros(n, n);
            let mut var = 1.0;
            for t in 0..n {
                if t > 0 {
                    var = a * a * var + 0.4;
                }
                let mut at = var;
                for k in t..n {
                    cov[(t, k)] = at;
                    cov[(k, t)] = at;
                    at *= a;
                }
            }
            cov += DMatrix::identity(n, n) * 0.2;
            mv_normal(&y, &DVector::zeros(n), &cov) + normal(a, 0.5, 0.5) + step.ln()
        })
        .collect();
    let evidence = log_sum_exp(&logs);
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 1.0, "{} {evidence}", fit.elbo());
}

model! {
    pub mod of_params(H) {
        param    W[d in D]: Vector[H]   ~ Normal(0, prec: 0.5);
        param    A[h in H]: Vector[H]   ~ Normal(0, prec: 2);
        latent   r                      ~ Gamma(shape: 2, rate: 1);
        latent   x[0]: Vector[H]        ~ Normal(0, var: 1);
        latent   x[t in 1..T]           ~ Normal(A * x[t-1], var: 0.5);
        observed y[t in T, d in D]      ~ Normal(dot(W[d], x[t]), prec: r);
    }
}
model! {
    pub mod of_points(H) {
        latent   W[d in D]: Vector[H]   ~ Normal(0, prec: 0.5);
        latent   A[h in H]: Vector[H]   ~ Normal(0, prec: 2);
        latent   r                      ~ Gamma(shape: 2, rate: 1);
        latent   x[0]: Vector[H]        ~ Normal(0, var: 1);
        latent   x[t in 1..T]           ~ Normal(A * x[t-1], var: 0.5);
        observed y[t in T, d in D]      ~ Normal(dot(W[d], x[t]), prec: r);
        factorize { q(W): Point; q(A): Point; }
    }
}

#[test]
fn points_are_params_bit_for_bit() {
    let y = table(20, 3, 13);
    let options = Options::new().seed(5).max_iterations(30).tolerance(0.0);
    let by_params = of_params::Model::new(2).fit(&of_params::Data { y: (&y).into() }, &options).unwrap();
    let by_points = of_points::Model::new(2).fit(&of_points::Data { y: (&y).into() }, &options).unwrap();
    assert_eq!(by_params.trace, by_points.trace);
    for (p, q) in by_params.params.W.iter().zip(&by_points.posterior.W) {
        assert_eq!(*p, q.mean());
    }
    assert_eq!(by_params.posterior.r, by_points.posterior.r);
    assert_eq!(by_params.posterior.x, by_points.posterior.x);
}

#[test]
fn threads_change_no_bit() {
    let y = table(60, 3, 14);
    let data = dense_chain::Data { y: (&y).into() };
    let model = dense_chain::Model::new(2, DMatrix::identity(2, 2), DMatrix::identity(3, 3));
    let fit =
        |threads: usize| model.fit(&data, &options().max_iterations(10).threads(threads)).unwrap().trace;
    assert_eq!(fit(1), fit(2));
}
