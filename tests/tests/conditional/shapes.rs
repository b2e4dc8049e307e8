//! Shapes of conditional blocks with Gaussians: whatever is drawn from q, log p − log q is the objective where the plan is exact, by the
//! distributions' own densities; elsewhere its mean is.

use vi_core::fit::Program;
use vi_core::prelude::*;
use vi_core::{Claim, Fit};
use vi_tests::data::Noise;
use vi_tests::law::{close, honest, monotone};

model! {
    pub mod ragged_chain_normals(K) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param mu[k in K]: Real;
        param v: Positive;
        param s2: Positive;
        for s in S {
            latent z[s, 0] ~ Categorical(start);
            latent z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            latent e[s, t in T[s]] ~ Normal(mu[z[s, t]], var: v);
            observed x[s, t in T[s]] ~ Normal(e[s, t], var: s2);
            observed y[s, t in T[s]]: Real? ~ Normal(2 * e[s, t], var: 1);
        }
    }
}
model! {
    pub mod tree_normals(K) {
        given parent[i in 1..N]: Category[i];
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param mu[k in K]: Real;
        param s2: Positive;
        latent z[0] ~ Categorical(start);
        latent z[i in 1..N] ~ Categorical(trans[z[parent[i]]]);
        latent e[i in N] ~ Normal(mu[z[i]], var: 2);
        observed x[i in N, d in D]: Real? ~ Normal(e[i], var: s2);
    }
}
model! {
    pub mod factor_hmm_numbers(K, Q) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param W[k in K, d in D]: Vector[Q];
        param psi[d in D]: Positive;
        latent z[0] ~ Categorical(start);
        latent z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent f[t in T, q in Q] ~ Normal(0, var: 1);
        observed x[t in T, d in D] ~ Normal(dot(W[z[t], d], f[t]), var: psi[d]);
    }
}
model! {
    pub mod dense_missing_hmm(K, Q) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param W[k in K]: Matrix[D, Q];
        param S: SymPos[D];
        latent z[0] ~ Categorical(start);
        latent z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent f[t in T]: Vector[Q] ~ Normal(0, var: 1);
        observed x[t in T]: Vector[D]? ~ Normal(W[z[t]] * f[t], cov: S);
    }
}
model! {
    pub mod scaled_inner(K) {
        param w: Simplex[K];
        param a[k in K]: Positive;
        param m[k in K, d in D]: Real;
        latent c[j in J] ~ Categorical(w);
        latent tau[j in J] ~ Gamma(shape: a[c[j]], rate: 1);
        latent mu[j in J, d in D] ~ Normal(m[c[j], d], prec: 0.5 * tau[j]);
        observed y[j in J, i in I, d in D]: Real? ~ Normal(mu[j, d], prec: tau[j]);
    }
}
model! {
    pub mod scaled_sd(K) {
        param w: Simplex[K];
        param m[k in K]: Real;
        latent c[j in J] ~ Categorical(w);
        latent v[j in J] ~ InverseGamma(shape: 2, scale: 3);
        latent mu[j in J] ~ Normal(m[c[j]], var: v[j]);
        latent nu[j in J] ~ Normal(mu[j], var: 2 * v[j]);
        observed y[j in J, i in I] ~ Normal(mu[j] + nu[j], var: v[j]);
    }
}
model! {
    pub mod scaled_vectors(K) {
        given x[r in R]: Vector[D];
        given g[r in R]: Category[J];
        param w: Simplex[K];
        param m[k in K]: Vector[D];
        param P[k in K]: SymPos[D];
        latent c[j in J] ~ Categorical(w);
        latent tau[j in J] ~ Gamma(shape: 2, rate: 3);
        latent b[j in J] ~ Normal(m[c[j]], prec: tau[j] * P[c[j]]);
        observed y[r in R]: Real? ~ Normal(dot(b[g[r]], x[r]), prec: tau[g[r]]);
    }
}
model! {
    pub mod nested_effects(K) {
        param w: Simplex[K];
        param m[k in K]: Real;
        param v[k in K]: Positive;
        param s2: Positive;
        latent c[j in J] ~ Categorical(w);
        latent b[j in J, i in I] ~ Normal(m[c[j]], var: v[c[j]]);
        observed y[j in J, i in I, r in R] ~ Normal(b[j, i], var: s2);
    }
}
model! {
    pub mod change_ng_shared_tau {
        latent change: Category[T] ~ Uniform();
        latent tau ~ Gamma(shape: 1, rate: 1);
        latent mu[k in 0..2] ~ Normal(0, prec: 0.1 * tau);
        observed y[t in T]: Real? ~ match t < change { true => Normal(mu[0], prec: tau), false => Normal(mu[1], prec: tau) };
    }
}
model! {
    pub mod shared_models_of_vectors {
        given x[n in N]: Vector[D];
        latent k ~ Bernoulli(0.5);
        latent w: Vector[D] ~ Normal(0, var: 3);
        latent b ~ Flat();
        observed y[n in N]: Real? ~ match k { true => Normal(dot(w, x[n]) + b, var: 1), false => Normal(b, var: 1) };
    }
}
model! {
    pub mod repeat_normals(K) {
        given n[j in J]: Count;
        param w: Simplex[K];
        param m[k in K]: Real;
        param v: Positive;
        for j in J repeat n[j] {
            latent c[j] ~ Categorical(w);
            latent b[j] ~ Normal(m[c[j]], var: v);
            observed y[j] ~ Normal(b[j], var: 1);
        }
    }
}
model! {
    pub mod uncertain_hmm_levels(K) {
        latent start: Simplex[K] ~ Dirichlet(1);
        latent trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent m[k in K] ~ Normal(0, sd: 10);
        latent q[k in K] ~ Gamma(shape: 2, rate: 2);
        latent s ~ Gamma(shape: 2, rate: 2);
        latent z[0] ~ Categorical(start);
        latent z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent e[t in T] ~ Normal(m[z[t]], prec: q[z[t]]);
        observed x[t in T, d in D] ~ Normal(e[t], prec: s);
    }
}

#[track_caller]
fn sound<M: Program>(fit: &Fit<M>, data: &M::Data<'_>) {
    assert_eq!(fit.certificate().claim, Claim::Exact);
    monotone(&fit.trace);
    for seed in 0..4 {
        let v = fit.verify(data, seed).expect("it verifies");
        assert!(v.is_exact(), "{}: spread {:e}, tolerance {:e}", M::NAME, v.spread(), v.tolerance);
    }
    let total: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
    close(total, fit.elbo(), 1e-10);
}

fn options() -> Options {
    Options::new().seed(3).max_iterations(12)
}

fn two_kinds(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    DMatrix::from_fn(rows, columns, |i, _| if i / 4 % 2 == 0 { 3.0 } else { -2.0 } + g.normal())
}

fn holes(x: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(x.nrows(), x.ncols(), |i, j| if (2 * i + j) % 5 == 0 { f64::NAN } else { x[(i, j)] })
}

#[test]
fn levels_of_steps_of_many_sequences_seen_twice() {
    let lengths = [7, 1, 4, 9, 3];
    let x: Vec<Vec<f64>> =
        lengths.iter().enumerate().map(|(s, n)| Noise::new(s as u64).normals(*n)).collect();
    let y: Vec<Vec<f64>> = x
        .iter()
        .map(|x| x.iter().enumerate().map(|(t, x)| if t == 2 { f64::NAN } else { x + 0.5 }).collect())
        .collect();
    let data = ragged_chain_normals::Data { x: (&x).into(), y: (&y).into() };
    sound(&ragged_chain_normals::Model::new(2).fit(&data, &options()).expect("it fits"), &data);
}

#[test]
fn levels_on_a_tree_with_holes() {
    let x = holes(&two_kinds(10, 3, 2));
    let parent = [0, 0, 1, 1, 2, 2, 3, 0, 7, 8];
    let data = tree_normals::Data { parent: (&parent).into(), x: (&x).into() };
    sound(&tree_normals::Model::new(2).fit(&data, &options()).expect("it fits"), &data);
}

#[test]
fn factors_of_steps_as_numbers_and_beside_a_dense_noise_with_holes() {
    let x = two_kinds(24, 3, 4);
    let data = factor_hmm_numbers::Data { x: (&x).into() };
    sound(&factor_hmm_numbers::Model::new(2, 2).fit(&data, &options()).expect("it fits"), &data);
    let x = holes(&x);
    let data = dense_missing_hmm::Data { x: (&x).into() };
    let fit = dense_missing_hmm::Model::new(2, 1).fit(&data, &options()).expect("it fits");
    monotone(&fit.trace);
    assert!(fit.verify(&data, 1).expect("it verifies").is_exact());
}

#[test]
fn vectors_measured_in_one_scale_of_a_unit() {
    let y: Vec<DMatrix<f64>> =
        (0..9).map(|j| holes(&(two_kinds(4, 2, j).add_scalar(2.0 * (j % 2) as f64)))).collect();
    let data = scaled_inner::Data { y: (&y).into() };
    sound(&scaled_inner::Model::new(2).fit(&data, &options()).expect("it fits"), &data);
    let y = two_kinds(12, 4, 8);
    let data = scaled_sd::Data { y: (&y).into() };
    sound(&scaled_sd::Model::new(2).fit(&data, &options()).expect("it fits"), &data);
    let mut g = Noise::new(6);
    let group: Vec<usize> = (0..40).map(|r| r % 8).collect();
    let x = DMatrix::from_fn(40, 2, |_, d| if d == 0 { 1.0 } else { g.normal() });
    let y: Vec<f64> = (0..40)
        .map(|r| if r == 13 { f64::NAN } else { (r % 2) as f64 * 3.0 * x[(r, 1)] + g.normal() })
        .collect();
    let data = scaled_vectors::Data { x: (&x).into(), g: (&group).into(), y: (&y).into() };
    sound(&scaled_vectors::Model::new(2).fit(&data, &options()).expect("it fits"), &data);
}

#[test]
fn effects_inside_a_unit_of_the_category() {
    let y: Vec<DMatrix<f64>> = (0..8).map(|j| two_kinds(3, 4, j).add_scalar(4.0 * (j % 2) as f64)).collect();
    let data = nested_effects::Data { y: (&y).into() };
    sound(&nested_effects::Model::new(2).fit(&data, &options()).expect("it fits"), &data);
}

#[test]
fn models_of_all_data_with_one_scale_and_with_a_flat_constant() {
    let y: Vec<f64> = two_kinds(15, 1, 9)
        .column(0)
        .iter()
        .enumerate()
        .map(|(t, y)| if t == 6 { f64::NAN } else { *y })
        .collect();
    let data = change_ng_shared_tau::Data { y: (&y).into() };
    sound(&change_ng_shared_tau::Model::new().fit(&data, &options()).expect("it fits"), &data);
    let x = two_kinds(15, 2, 5);
    let data = shared_models_of_vectors::Data { x: (&x).into(), y: (&y).into() };
    sound(&shared_models_of_vectors::Model::new().fit(&data, &options()).expect("it fits"), &data);
}

#[test]
fn copies_of_a_unit_count_its_evidence() {
    let y = [0.3, 4.0, 3.5, -1.0];
    let n = [1, 3, 0, 2];
    let data = repeat_normals::Data { n: (&n).into(), y: (&y).into() };
    let model = repeat_normals::Model::new(2);
    let fit = model.fit(&data, &options()).expect("it fits");
    monotone(&fit.trace);
    let long = [0.3, 4.0, 4.0, 4.0, -1.0, -1.0];
    let ones = [1; 6];
    let each = model
        .infer(&repeat_normals::Data { n: (&ones).into(), y: (&long).into() }, &fit.params)
        .expect("it infers");
    close(fit.log_likelihood(), each.log_likelihood(), 1e-12);
}

#[test]
fn levels_of_a_chain_whose_parameters_are_all_uncertain() {
    let x = two_kinds(30, 3, 11);
    let data = uncertain_hmm_levels::Data { x: (&x).into() };
    let fit = uncertain_hmm_levels::Model::new(2).fit(&data, &Options::new().seed(1)).expect("it fits");
    honest(&fit, &data);
}
