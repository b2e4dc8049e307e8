//! Categories in blocks of their own that statements join: each is whole, and sees what is expected of the others.

use vi_core::Start;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::log_sum_exp;
use vi_tests::law::{close, monotone};

model! {
    pub mod apart(K, L) {
        param    a[i in K]: Simplex[K];
        param    b[i in L]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1]]);
        observed y[t in T]: Real? ~ Normal(mean[u[t], v[t]], var: s2);
        factorize { q(u); q(v); }
    }
}
model! {
    pub mod together(K, L) {
        param    a[i in K]: Simplex[K];
        param    b[i in L]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1]]);
        observed y[t in T]: Real? ~ Normal(mean[u[t], v[t]], var: s2);
    }
}
model! {
    /// Sequences, with laws that are latent too.
    pub mod shared(K, L) {
        latent a[i in K]: Simplex[K] ~ Dirichlet(1.5);
        latent b[i in L]: Simplex[L] ~ Dirichlet(1.5);
        latent rate[k in K, l in L] ~ Gamma(shape: 2, rate: 1);
        for s in S {
            latent   u[s, 0]            ~ Uniform();
            latent   v[s, 0]            ~ Uniform();
            latent   u[s, t in 1..T[s]] ~ Categorical(a[u[s, t-1]]);
            latent   v[s, t in 1..T[s]] ~ Categorical(b[v[s, t-1]]);
            observed y[s, t in T[s]]    ~ Poisson(rate[u[s, t], v[s, t]]);
        }
        factorize { q(u); q(v); }
    }
}
model! {
    /// No chains: two labels of one unit.
    pub mod labels(K, L, V) {
        param    weight: Simplex[K];
        param    share: Simplex[L];
        param    emit[k in K, l in L]: Simplex[V];
        latent   c[n in N] ~ Categorical(weight);
        latent   d[n in N] ~ Categorical(share);
        observed w[n in N] ~ Categorical(emit[c[n], d[n]]);
        factorize { q(c); q(d); }
    }
}

fn params(g: &mut Noise, k: usize, l: usize) -> apart::Params {
    apart::Params {
        a: g.rows(k, k),
        b: g.rows(l, l),
        mean: (0..k).map(|_| g.normals(l)).collect(),
        s2: 0.5 + g.unit(),
    }
}

fn joined(p: &apart::Params) -> together::Params {
    together::Params { a: p.a.clone(), b: p.b.clone(), mean: p.mean.clone(), s2: p.s2 }
}

pub(super) fn assignments(elements: usize, states: usize) -> Vec<Vec<usize>> {
    (0..elements).fold(vec![vec![]], |all: Vec<Vec<usize>>, _| {
        all.iter().flat_map(|z| (0..states).map(|k| [z.as_slice(), &[k]].concat())).collect()
    })
}

/// The log joint density of every two assignments.
pub(super) fn joint(
    first: &[Vec<usize>],
    second: &[Vec<usize>],
    of: impl Fn(&Vec<usize>, &Vec<usize>) -> f64,
) -> Vec<Vec<f64>> {
    first.iter().map(|z| second.iter().map(|w| of(z, w)).collect()).collect()
}

/// q over whole assignments of two groups of latents, as coordinate ascent leaves it after each round; and its bound.
pub(super) struct Rounds {
    pub(super) first: Vec<f64>,
    pub(super) second: Vec<f64>,
    pub(super) bounds: Vec<f64>,
}

/// Both begin uniform, the first has the first turn. `joint[i][j]` is the log joint density of two assignments.
pub(super) fn by_hand(joint: &[Vec<f64>], rounds: usize) -> Rounds {
    let (n, m) = (joint.len(), joint[0].len());
    let (mut p, mut q) = (vec![1.0 / n as f64; n], vec![1.0 / m as f64; m]);
    let mut bounds = vec![];
    let normalised = |logs: Vec<f64>| -> Vec<f64> {
        let total = log_sum_exp(&logs);
        logs.iter().map(|x| (x - total).exp()).collect()
    };
    for _ in 0..rounds {
        p = normalised((0..n).map(|i| (0..m).map(|j| q[j] * joint[i][j]).sum()).collect());
        q = normalised((0..m).map(|j| (0..n).map(|i| p[i] * joint[i][j]).sum()).collect());
        let mut bound = 0.0;
        for i in 0..n {
            for j in 0..m {
                bound += p[i] * q[j] * (joint[i][j] - p[i].ln() - q[j].ln());
            }
        }
        bounds.push(bound);
    }
    Rounds { first: p, second: q, bounds }
}

/// The marginals of each element.
pub(super) fn marginals(all: &[Vec<usize>], q: &[f64], states: usize) -> Vec<Vec<f64>> {
    let one = |t: usize, k: usize| all.iter().zip(q).filter(|(z, _)| z[t] == k).map(|(_, q)| q).sum();
    (0..all[0].len()).map(|t| (0..states).map(|k| one(t, k)).collect()).collect()
}

#[test]
fn every_round_of_two_chains_is_that_of_whole_paths() {
    let mut g = Noise::new(4);
    let y = [0.4, f64::NAN, -1.0, 2.2];
    let (paths, others) = (assignments(4, 2), assignments(4, 3));
    let model = apart::Model::new(2, 3);
    let data = apart::Data { y: (&y).into() };
    for _ in 0..3 {
        let p = params(&mut g, 2, 3);
        let joint = joint(&paths, &others, |u, v| {
            let latents = apart::Latents { u: u.clone(), v: v.clone() };
            model.log_joint(&data, &latents, &p).unwrap()
        });
        let fit = model.infer(&data, &p).unwrap();
        let hand = by_hand(&joint, fit.trace.len());
        for (found, expected) in fit.trace.iter().zip(&hand.bounds) {
            close(*found, *expected, 1e-11);
        }
        for (q, expected, n) in [
            (&fit.posterior.u, marginals(&paths, &hand.first, 2), 2),
            (&fit.posterior.v, marginals(&others, &hand.second, 3), 3),
        ] {
            for (t, row) in expected.iter().enumerate() {
                (0..n).for_each(|k| close(q.probs(t)[k], row[k], 1e-10));
            }
        }
        // Neighbours, as each chain has them.
        let pair: f64 =
            paths.iter().zip(&hand.first).filter(|(z, _)| z[1] == 0 && z[2] == 1).map(|(_, q)| q).sum();
        close(fit.posterior.u.pair(2)[(0, 1)], pair, 1e-10);
        let evidence = log_sum_exp(&joint.concat());
        assert!(fit.elbo() < evidence, "{} and {evidence}", fit.elbo());
        // The objective is its terms.
        close(fit.elbo_terms().iter().map(|t| t.value).sum(), fit.elbo(), 1e-11);
        let exact =
            together::Model::new(2, 3).infer(&together::Data { y: (&y).into() }, &joined(&p)).unwrap();
        close(exact.log_likelihood(), evidence, 1e-11);
        assert!(!fit.verify(&data, 1).unwrap().is_exact());
        // What each cell of the mean is read off: expectations of a product.
        let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
        let far = by_hand(&joint, 100);
        let (qu, qv) = (marginals(&paths, &far.first, 2), marginals(&others, &far.second, 3));
        for k in 0..2 {
            for l in 0..3 {
                let weight = |t: usize| qu[t][k] * qv[t][l];
                let seen = [0, 2, 3];
                let total: f64 = seen.iter().map(|t| weight(*t)).sum();
                close(next.mean[k][l], seen.iter().map(|t| weight(*t) * y[*t]).sum::<f64>() / total, 1e-8);
            }
        }
    }
}

#[test]
fn one_block_is_never_worse_than_two() {
    let mut g = Noise::new(9);
    let (mut y, mut u, mut v) = (vec![], 0, 0);
    for _ in 0..80 {
        u = if g.unit() < 0.9 { u } else { 1 - u };
        v = if g.unit() < 0.8 { v } else { 1 - v };
        y.push([[-2.0, 0.5], [1.0, 3.0]][u][v] + 0.5 * g.normal());
    }
    let data = apart::Data { y: (&y).into() };
    let options = Options::new().seed(3).restarts(2).max_iterations(60);
    let finer = apart::Model::new(2, 2).fit(&data, &options).unwrap();
    monotone(&finer.trace);
    assert!(finer.trace.len() > 5);
    let model = together::Model::new(2, 2);
    let data = together::Data { y: (&y).into() };
    let held = model.infer(&data, &joined(&finer.params)).unwrap();
    assert!(held.log_likelihood() > finer.elbo(), "{} and {}", held.log_likelihood(), finer.elbo());
    let coarser = model.fit_from(&data, Start::Params(joined(&finer.params)), &options).unwrap();
    monotone(&coarser.trace);
    assert!(coarser.elbo() >= held.log_likelihood());
    // New data under held params.
    let again = finer.predict(&apart::Data { y: (&y[..5]).into() });
    assert!(again.is_err(), "units are no independent draws");
}

#[test]
fn laws_that_are_latent_too() {
    let mut g = Noise::new(12);
    let y: Vec<Vec<u64>> = [30, 1, 0, 25]
        .iter()
        .map(|n| (0..*n).map(|t| g.poisson(if t % 7 < 4 { 1.0 } else { 6.0 })).collect())
        .collect();
    let data = shared::Data { y: (&y).into() };
    let fit = shared::Model::new(2, 2).fit(&data, &Options::new().max_iterations(60)).unwrap();
    monotone(&fit.trace);
    assert!(fit.trace.len() > 5);
    close(fit.elbo_terms().iter().map(|t| t.value).sum(), fit.elbo(), 1e-10);
    assert_eq!(fit.posterior.u.len(), 4);
    for (s, row) in y.iter().enumerate() {
        assert_eq!((fit.posterior.u[s].len(), fit.posterior.v[s].len()), (row.len(), row.len()));
    }
    // The same bits on any number of threads.
    for threads in [1, 3] {
        let other =
            shared::Model::new(2, 2).fit(&data, &Options::new().max_iterations(60).threads(threads)).unwrap();
        assert_eq!(other.trace, fit.trace);
    }
}

#[test]
fn two_labels_of_one_unit() {
    let w = [0, 2, 1, 1];
    let model = labels::Model::new(2, 2, 3);
    let data = labels::Data { w: (&w).into() };
    let mut g = Noise::new(3);
    let p = labels::Params {
        weight: g.weights(2),
        share: g.weights(2),
        emit: (0..2).map(|_| g.rows(2, 3)).collect(),
    };
    let all = assignments(4, 2);
    let joint = joint(&all, &all, |c, d| {
        let latents = labels::Latents { c: c.clone(), d: d.clone() };
        model.log_joint(&data, &latents, &p).unwrap()
    });
    let fit = model.infer(&data, &p).unwrap();
    let hand = by_hand(&joint, fit.trace.len());
    for (found, expected) in fit.trace.iter().zip(&hand.bounds) {
        close(*found, *expected, 1e-11);
    }
    let expected = marginals(&all, &hand.second, 2);
    (0..4).for_each(|n| close(fit.posterior.d.probs(n)[1], expected[n][1], 1e-10));
    let fit = model.fit(&data, &Options::new().max_iterations(30)).unwrap();
    monotone(&fit.trace);
}
