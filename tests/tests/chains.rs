//! Finite latents that follow one another: evidence, marginals, neighbours and paths against sums over every path.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

use vi_core::prelude::*;
use vi_tests::law::close;

model! {
    pub mod discrete(K, V) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]    ~ Categorical(emit[z[t]]);
    }
}
model! {
    pub mod hmm(K, V) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param mean[k in K]: Vector[D];
        param cov[k in K]: SymPos[D];
        param emit[k in K]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed x[s, t in T[s]]    ~ Normal(mean[z[s, t]], cov: cov[z[s, t]]);
            observed w[s, t in T[s]]    ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    pub mod bayesian(K, V) {
        latent   start: Simplex[K]      ~ Dirichlet(1);
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent   emit[k in K]: Simplex[V] ~ Dirichlet(1);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]    ~ Categorical(emit[z[t]]);
    }
}
model! {
    pub mod mixtures(K, C) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    weight[k in K]: Simplex[C];
        param    mean[k in K, c in C]: Real;
        param    s2: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   c[t in T]    ~ Categorical(weight[z[t]]);
        observed y[t in T]: Real? ~ Normal(mean[z[t], c[t]], var: s2);
    }
}
model! {
    pub mod second_order(K) {
        param    start: Simplex[K];
        param    first[i in K]: Simplex[K];
        param    trans[i in K, j in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[1]         ~ Categorical(first[z[0]]);
        latent   z[t in 2..T] ~ Categorical(trans[z[t-2], z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod factorial(K, L) {
        param    a[i in K]: Simplex[K];
        param    b[i in L]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1]]);
        observed y[t in T]    ~ Normal(mean[u[t], v[t]], var: s2);
    }
}
model! {
    pub mod driven(K, U) {
        given    input[t in 1..T]: Category[U];
        param    trans[c in U, i in K]: Simplex[K];
        param    a[k in K]: Real;
        param    s2[k in K]: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[input[t], z[t-1]]);
        given    y[0]: Real;
        observed y[t in 1..T] ~ Normal(a[z[t]] * y[t-1], var: s2[z[t]]);
    }
}
model! {
    pub mod jumps(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[i in K, k in K]: Real;
        param    s2: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in 1..T] ~ Normal(mean[z[t-1], z[t]], var: s2);
    }
}
model! {
    pub mod tree(K) {
        given    parent[n in 1..N]: Category[n];
        param    root: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[K];
        latent   z[0]         ~ Categorical(root);
        latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]]]);
        observed y[n in N]: Category[K]? ~ Categorical(emit[z[n]]);
    }
}
model! {
    pub mod labelled(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        observed z[0]: Category[K]?         ~ Categorical(start);
        observed z[t in 1..T]: Category[K]? ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(mean[z[t]], var: s2);
    }
}

fn known() -> discrete::Params {
    discrete::Params {
        start: vec![0.6, 0.4].into(),
        trans: vec![vec![0.7, 0.3].into(), vec![0.4, 0.6].into()],
        emit: vec![vec![0.1, 0.4, 0.5].into(), vec![0.6, 0.3, 0.1].into()],
    }
}

#[test]
fn a_published_chain_has_its_published_path_and_marginals() {
    let data = discrete::Data { w: (&[0, 1, 2]).into() };
    let fit = discrete::Model::new(2, 3).infer(&data, &known()).unwrap();
    let path = fit.posterior.z.path().unwrap();
    assert_eq!(path.states, [1, 0, 0]);
    close(path.log_joint.exp(), 0.01344, 1e-12);
    close(path.log_probability, path.log_joint - fit.log_likelihood(), 1e-12);
    for (t, p) in [0.231_703_03, 0.624_062_81, 0.863_977_06].into_iter().enumerate() {
        close(fit.posterior.z.probs(t)[0], p, 1e-7);
    }
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn the_evidence_of_a_hundred_observations_is_the_known_one() {
    let x = vi_tests::data::read("hmm_known_obs.csv");
    let w: Vec<usize> = x.iter().map(|v| *v as usize).collect();
    let data = discrete::Data { w: (&w).into() };
    let fit = discrete::Model::new(2, 3).infer(&data, &known()).unwrap();
    close(fit.log_likelihood(), -109.588_288_029_818_91, 1e-13);
}
