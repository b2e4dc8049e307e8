//! Chains that drive one another, each a block of its own: q of neighbours in one is what the steps of the other see, by whole paths.

use super::meetings::{assignments, by_hand, joint, marginals};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::log_sum_exp;
use vi_tests::law::{close, honest};

model! {
    /// The second chain moves as the first says.
    pub mod driven(K, L, V) {
        param    a[i in K]: Simplex[K];
        param    b[l in L, k in K]: Simplex[L];
        param    emit[l in L]: Simplex[V];
        latent   u[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[0]         ~ Uniform();
        latent   v[t in 1..T] ~ Categorical(b[v[t-1], u[t]]);
        observed y[t in T]: Category[V]? ~ Categorical(emit[v[t]]);
        factorize { q(u); q(v); }
    }
}
model! {
    /// Both look at where the other was, and meet in their data.
    pub mod mutual(K, L) {
        param    a[i in K, j in L]: Simplex[K];
        param    b[i in L, j in K]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1], v[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1], u[t-1]]);
        observed y[t in T]: Real? ~ Normal(mean[u[t], v[t]], var: s2);
        factorize { q(u); q(v); }
    }
}
model! {
    /// Sequences, with laws that are latent too.
    pub mod laws(K, L) {
        latent a[i in K]: Simplex[K] ~ Dirichlet(1.5);
        latent b[l in L, k in K]: Simplex[L] ~ Dirichlet(1.5);
        latent rate[l in L] ~ Gamma(shape: 2, rate: 1);
        for s in S {
            latent   u[s, 0]            ~ Uniform();
            latent   v[s, 0]            ~ Uniform();
            latent   u[s, t in 1..T[s]] ~ Categorical(a[u[s, t-1]]);
            latent   v[s, t in 1..T[s]] ~ Categorical(b[v[s, t-1], u[s, t]]);
            observed y[s, t in T[s]]    ~ Poisson(rate[v[s, t]]);
        }
        factorize { q(u); q(v); }
    }
}

/// q of two neighbours of a chain.
fn pair(all: &[Vec<usize>], q: &[f64], t: usize, j: usize, k: usize) -> f64 {
    all.iter().zip(q).filter(|(z, _)| z[t - 1] == j && z[t] == k).map(|(_, q)| q).sum()
}

#[test]
fn every_round_of_a_driven_chain_is_that_of_whole_paths() {
    let mut g = Noise::new(14);
    let y = [Some(0), None, Some(2), Some(1)];
    let (paths, others) = (assignments(4, 2), assignments(4, 3));
    let model = driven::Model::new(2, 3, 3);
    let data = driven::Data { y: (&y).into() };
    for _ in 0..3 {
        let p =
            driven::Params { a: g.rows(2, 2), b: (0..3).map(|_| g.rows(2, 3)).collect(), emit: g.rows(3, 3) };
        let joint = joint(&paths, &others, |u, v| {
            let latents = driven::Latents { u: u.clone(), v: v.clone() };
            model.log_joint(&data, &latents, &p).unwrap()
        });
        let fit = model.infer(&data, &p).unwrap();
        let hand = by_hand(&joint, fit.trace.len());
        assert!(fit.trace.len() > 3);
        for (found, expected) in fit.trace.iter().zip(&hand.bounds) {
            close(*found, *expected, 1e-11);
        }
        for (q, expected) in [
            (&fit.posterior.u, marginals(&paths, &hand.first, 2)),
            (&fit.posterior.v, marginals(&others, &hand.second, 3)),
        ] {
            for (t, row) in expected.iter().enumerate() {
                row.iter().enumerate().for_each(|(k, p)| close(q.probs(t)[k], *p, 1e-10));
            }
        }
        for (j, k) in (0..3).flat_map(|j| (0..3).map(move |k| (j, k))) {
            close(fit.posterior.v.pair(2)[(j, k)], pair(&others, &hand.second, 2, j, k), 1e-10);
        }
        let evidence = log_sum_exp(&joint.concat());
        assert!(fit.elbo() < evidence, "{} and {evidence}", fit.elbo());
        close(fit.elbo_terms().iter().map(|t| t.value).sum(), fit.elbo(), 1e-11);
        // What the rows of `b` are read off: q of neighbours of one chain, and q of the other.
        let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
        let far = by_hand(&joint, 100);
        let qu = marginals(&paths, &far.first, 2);
        for (l, k) in (0..3).flat_map(|l| (0..2).map(move |k| (l, k))) {
            let count =
                |m: usize| (1..4).map(|t| pair(&others, &far.second, t, l, m) * qu[t][k]).sum::<f64>();
            let all: f64 = (0..3).map(count).sum();
            (0..3).for_each(|m| close(next.b[l][k][m], count(m) / all, 1e-7));
        }
    }
}

#[test]
fn every_round_of_two_chains_that_look_at_each_other_is_that_of_whole_paths() {
    let mut g = Noise::new(15);
    let y = [0.4, f64::NAN, -1.0, 2.2];
    let (paths, others) = (assignments(4, 2), assignments(4, 3));
    let model = mutual::Model::new(2, 3);
    let data = mutual::Data { y: (&y).into() };
    for _ in 0..3 {
        let p = mutual::Params {
            a: (0..2).map(|_| g.rows(3, 2)).collect(),
            b: (0..3).map(|_| g.rows(2, 3)).collect(),
            mean: (0..2).map(|_| g.normals(3)).collect(),
            s2: 0.5 + g.unit(),
        };
        let joint = joint(&paths, &others, |u, v| {
            let latents = mutual::Latents { u: u.clone(), v: v.clone() };
            model.log_joint(&data, &latents, &p).unwrap()
        });
        let fit = model.infer(&data, &p).unwrap();
        let hand = by_hand(&joint, fit.trace.len());
        for (found, expected) in fit.trace.iter().zip(&hand.bounds) {
            close(*found, *expected, 1e-11);
        }
        let v = marginals(&others, &hand.second, 3);
        for (t, row) in v.iter().enumerate() {
            row.iter().enumerate().for_each(|(k, p)| close(fit.posterior.v.probs(t)[k], *p, 1e-10));
        }
        assert!(fit.elbo() < log_sum_exp(&joint.concat()));
        close(fit.elbo_terms().iter().map(|t| t.value).sum(), fit.elbo(), 1e-11);
    }
    let y: Vec<f64> = (0..60).map(|t| f64::from(t / 5 % 3) + 0.3 * g.normal()).collect();
    let data = mutual::Data { y: (&y).into() };
    let fit = mutual::Model::new(2, 2).fit(&data, &Options::new().seed(1).max_iterations(30)).unwrap();
    assert!(fit.trace.len() > 5);
    honest(&fit, &data);
}

#[test]
fn laws_of_driven_chains_that_are_latent_too() {
    let mut g = Noise::new(12);
    let y: Vec<Vec<u64>> = [30, 1, 0, 25]
        .iter()
        .map(|n| (0..*n).map(|t| g.poisson(if t % 7 < 4 { 1.0 } else { 6.0 })).collect())
        .collect();
    let data = laws::Data { y: (&y).into() };
    let options = Options::new().max_iterations(60);
    let fit = laws::Model::new(2, 2).fit(&data, &options).unwrap();
    assert!(fit.trace.len() > 5);
    honest(&fit, &data);
    for (s, row) in y.iter().enumerate() {
        assert_eq!((fit.posterior.u[s].len(), fit.posterior.v[s].len()), (row.len(), row.len()));
    }
    // Every step of every sequence counts once.
    let prior = 1.5 * 2.0 * 4.0;
    let counts: f64 = fit.posterior.b.iter().flatten().map(|b| b.law().unwrap().a.iter().sum::<f64>()).sum();
    close(counts, prior + 29.0 + 24.0, 1e-9);
    for threads in [1, 3] {
        let other = laws::Model::new(2, 2).fit(&data, &options.clone().threads(threads)).unwrap();
        assert_eq!(other.trace, fit.trace);
    }
}
