//! Chains whose params are latents: sweeps against a textbook loop, bounds against the evidence summed over all paths, and what fits say of
//! themselves against the joint density at draws.

use vi_core::Start;
use vi_core::dist::Dirichlet;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{ln_gamma, log_sum_exp};
use vi_tests::law::{close, honest, monotone};
use vi_tests::textbook::{dirichlet_divergence, expected_logs};

model! {
    pub mod symbols(K, V, a: Positive = 1.0) {
        latent   start: Simplex[K]         ~ Dirichlet(a);
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(a);
        latent   emit[k in K]: Simplex[V]  ~ Dirichlet(a);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]: Category[V]? ~ Categorical(emit[z[t]]);
        factorize { q(z[..]); q(start); q(trans); q(emit); }
    }
}
model! {
    pub mod pointed(K) {
        latent   start: Simplex[K]         ~ Dirichlet(2);
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(2);
        latent   rate[k in K]              ~ Gamma(shape: 2, rate: 1);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
        factorize { q(start): Point; q(trans): Point; q(rate): Point; }
    }
}
model! {
    pub mod mapped(K) {
        param    start: Simplex[K]         ~ Dirichlet(2);
        param    trans[i in K]: Simplex[K] ~ Dirichlet(2);
        param    rate[k in K]              ~ Gamma(shape: 2, rate: 1);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod gaussians(K) {
        latent   start: Simplex[K]         ~ Dirichlet(1);
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]              ~ Gamma(shape: 2, rate: 2);
        latent   mean[k in K]              ~ Normal(0, prec: 0.2 * prec[k]);
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Real? ~ Normal(mean[z[s, t]], prec: prec[z[s, t]]);
        }
    }
}
model! {
    pub mod second_order(K) {
        latent   trans[i in K, j in K]: Simplex[K] ~ Dirichlet(1);
        latent   rate[k in K] ~ Gamma(shape: 1, rate: 0.5);
        latent   z[0]         ~ Uniform();
        latent   z[1]         ~ Uniform();
        latent   z[t in 2..T] ~ Categorical(trans[z[t-2], z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod tree(K) {
        given    parent[n in 1..N]: Category[n];
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent   p[k in K]    ~ Beta(1, 1);
        latent   z[0]         ~ Uniform();
        latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]]]);
        observed y[n in N]: Bool ~ Bernoulli(p[z[n]]);
    }
}
model! {
    pub mod coupled(K) {
        latent   a[i in K, j in K]: Simplex[K] ~ Dirichlet(1);
        latent   b[i in K]: Simplex[K] ~ Dirichlet(1);
        latent   mean[k in K, l in K] ~ Normal(0, var: 4);
        latent   tau          ~ Gamma(shape: 2, rate: 1);
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1], v[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1]]);
        observed y[t in T]    ~ Normal(mean[u[t], v[t]], prec: tau);
    }
}
model! {
    pub mod jumps(K) {
        given    y[0]: Real;
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent   a[i in K, k in K] ~ Normal(0, var: 1);
        latent   tau               ~ Gamma(shape: 2, rate: 1);
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in 1..T] ~ Normal(a[z[t-1], z[t]] * y[t-1], prec: tau);
    }
}
model! {
    pub mod switch {
        latent   stay         ~ Beta(3, 2);
        latent   leave        ~ Beta(2, 4);
        latent   rate[k in 0..2] ~ Gamma(shape: 2, rate: 1);
        latent   on[0]         ~ Bernoulli(0.5);
        latent   on[t in 1..T] ~ match on[t-1] { true => Bernoulli(stay), false => Bernoulli(leave) };
        observed y[t in T]     ~ Exponential(rate: rate[on[t]]);
    }
}

/// Dirichlet parameters of everything shared.
#[derive(Clone)]
struct Counts {
    start: Vec<f64>,
    trans: Vec<Vec<f64>>,
    emit: Vec<Vec<f64>>,
}

const K: usize = 2;
const V: usize = 3;

impl Counts {
    fn filled(x: f64) -> Self {
        Counts { start: vec![x; K], trans: vec![vec![x; K]; K], emit: vec![vec![x; V]; K] }
    }

    fn rows(&self) -> Vec<&Vec<f64>> {
        std::iter::once(&self.start).chain(&self.trans).chain(&self.emit).collect()
    }

    fn add(&mut self, z: &[usize], w: &[Option<usize>], by: f64) {
        self.start[z[0]] += by;
        z.windows(2).for_each(|p| self.trans[p[0]][p[1]] += by);
        z.iter().zip(w).for_each(|(z, w)| w.iter().for_each(|v| self.emit[*z][*v] += by));
    }

    /// E log of every probability.
    fn expected_logs(&self) -> Counts {
        let of = |a: &Vec<f64>| expected_logs(a);
        Counts {
            start: of(&self.start),
            trans: self.trans.iter().map(of).collect(),
            emit: self.emit.iter().map(of).collect(),
        }
    }

    /// What of these logs a path and its data take.
    fn along(&self, z: &[usize], w: &[Option<usize>]) -> f64 {
        let steps: f64 = z.windows(2).map(|p| self.trans[p[0]][p[1]]).sum();
        let seen = z.iter().zip(w).filter_map(|(z, w)| w.map(|v| self.emit[*z][v]));
        self.start[z[0]] + steps + seen.sum::<f64>()
    }
}

/// log ∫ Π p^c Dirichlet(p | a) dp = log B(a + c) − log B(a)
fn compound(a: &[f64], posterior: &[f64]) -> f64 {
    let log_b = |a: &[f64]| a.iter().map(|a| ln_gamma(*a)).sum::<f64>() - ln_gamma(a.iter().sum());
    log_b(posterior) - log_b(a)
}

fn paths(n: usize) -> Vec<Vec<usize>> {
    (0..K.pow(n as u32)).map(|code| (0..n).map(|t| code / K.pow(t as u32) % K).collect()).collect()
}

/// One sweep: q(z) by all paths, then every Dirichlet; and the bound after it.
fn sweep(q: &mut Counts, prior: f64, w: &[Option<usize>]) -> f64 {
    let all = paths(w.len());
    let before = q.expected_logs();
    let log: Vec<f64> = all.iter().map(|z| before.along(z, w)).collect();
    let total = log_sum_exp(&log);
    *q = Counts::filled(prior);
    all.iter().zip(&log).for_each(|(z, log)| q.add(z, w, (log - total).exp()));
    let after = q.expected_logs();
    let paths: f64 =
        all.iter().zip(&log).map(|(z, log)| (log - total).exp() * (after.along(z, w) - (log - total))).sum();
    let blank = Counts::filled(prior);
    paths - q.rows().iter().zip(blank.rows()).map(|(b, a)| dirichlet_divergence(b, a)).sum::<f64>()
}

/// log p(w): every path, with all probabilities integrated out.
fn evidence(prior: f64, w: &[Option<usize>]) -> f64 {
    let blank = Counts::filled(prior);
    let terms: Vec<f64> = paths(w.len())
        .iter()
        .map(|z| {
            let mut q = blank.clone();
            q.add(z, w, 1.0);
            q.rows().iter().zip(blank.rows()).map(|(b, a)| compound(a, b)).sum()
        })
        .collect();
    log_sum_exp(&terms)
}

fn random(seed: u64) -> Counts {
    let mut g = Noise::new(seed);
    let mut row = |n: usize| (0..n).map(|_| 0.5 + 4.0 * g.unit()).collect::<Vec<f64>>();
    Counts { start: row(K), trans: vec![row(K), row(K)], emit: vec![row(V), row(V)] }
}

fn start_at(q: &Counts) -> Start<symbols::Model> {
    let law = |a: &Vec<f64>| Marginal::from(Dirichlet::new(a.clone()));
    Start::Posterior(symbols::Posterior {
        start: law(&q.start),
        trans: q.trans.iter().map(law).collect(),
        emit: q.emit.iter().map(law).collect(),
        ..Default::default()
    })
}

#[test]
fn every_sweep_is_the_textbook_s_and_stays_below_the_evidence() {
    let w = [Some(0), Some(2), None, Some(2), Some(1), Some(0), Some(0)];
    let data = symbols::Data { w: (&w).into() };
    for (seed, prior) in [(1, 1.0), (2, 0.4), (3, 2.5)] {
        let mut q = random(seed);
        let model = symbols::Model::new(K, V).a(prior);
        let options = Options::new().tolerance(0.0).max_iterations(12);
        let fit = model.fit_from(&data, start_at(&q), &options).unwrap();
        monotone(&fit.trace);
        let by_hand: Vec<f64> = (0..fit.trace.len()).map(|_| sweep(&mut q, prior, &w)).collect();
        for (found, expected) in fit.trace.iter().zip(&by_hand) {
            close(*found, *expected, 1e-11);
        }
        for i in 0..K {
            let law = fit.posterior.trans[i].law().unwrap();
            law.a.iter().zip(&q.trans[i]).for_each(|(a, b)| close(*a, *b, 1e-10));
            let law = fit.posterior.emit[i].law().unwrap();
            law.a.iter().zip(&q.emit[i]).for_each(|(a, b)| close(*a, *b, 1e-10));
        }
        let top = evidence(prior, &w);
        assert!(fit.elbo() < top - 0.05 && fit.elbo() > top - 6.0, "{} and {top}", fit.elbo());
        honest(&fit, &data);
    }
}

#[test]
fn latents_that_are_points_are_params_with_priors() {
    let y = [2u64, 0, 7, 9, 1, 1, 6, 8, 0, 2];
    let options = Options::new().seed(5).max_iterations(40);
    let a = pointed::Model::new(2).fit(&pointed::Data { y: (&y).into() }, &options).unwrap();
    let b = mapped::Model::new(2).fit(&mapped::Data { y: (&y).into() }, &options).unwrap();
    assert_eq!(a.trace, b.trace);
    for t in 0..10 {
        assert_eq!(a.posterior.z.probs(t), b.posterior.z.probs(t));
    }
    for k in 0..2 {
        assert_eq!(a.posterior.rate[k].mean(), b.params.rate[k]);
    }
}

#[test]
fn gaussians_in_ragged_sequences_with_holes() {
    let mut g = Noise::new(3);
    let y: Vec<Vec<f64>> = [6, 0, 1, 9]
        .iter()
        .map(|n| {
            (0..*n).map(|t| if t % 4 == 2 { f64::NAN } else { g.normal() + 3.0 * (t % 2) as f64 }).collect()
        })
        .collect();
    let data = gaussians::Data { y: (&y).into() };
    let fit = gaussians::Model::new(2).fit(&data, &Options::new().seed(1).max_iterations(30)).unwrap();
    honest(&fit, &data);
}

#[test]
fn two_steps_back() {
    let y = [2u64, 0, 7, 9, 1, 1, 6, 8, 0, 2];
    let data = second_order::Data { y: (&y).into() };
    let fit = second_order::Model::new(2).fit(&data, &Options::new().seed(1).max_iterations(30)).unwrap();
    honest(&fit, &data);
}

#[test]
fn a_tree_with_shared_laws() {
    let parent = [0, 0, 0, 1, 1, 2, 5, 5, 0];
    let y = [true, false, true, true, false, false, false, false, true];
    let data = tree::Data { parent: (&parent).into(), y: (&y).into() };
    let fit = tree::Model::new(2).fit(&data, &Options::new().seed(1).max_iterations(30)).unwrap();
    honest(&fit, &data);
}

#[test]
fn coupled_chains_with_shared_laws() {
    let mut g = Noise::new(9);
    let y = g.normals(9);
    let data = coupled::Data { y: (&y).into() };
    let fit = coupled::Model::new(2).fit(&data, &Options::new().seed(1).max_iterations(30)).unwrap();
    honest(&fit, &data);
}

#[test]
fn regressions_on_the_past_by_jumps() {
    let mut g = Noise::new(9);
    let y = g.normals(9);
    let data = jumps::Data { y: (&y).into() };
    let fit = jumps::Model::new(2).fit(&data, &Options::new().seed(1).max_iterations(30)).unwrap();
    honest(&fit, &data);
}

#[test]
fn a_switch_with_shared_laws() {
    let y = [0.2, 1.3, 0.1, 4.0, 2.2, 0.3, 0.2];
    let data = switch::Data { y: (&y).into() };
    let fit = switch::Model::new().fit(&data, &Options::new().seed(1).max_iterations(30)).unwrap();
    honest(&fit, &data);
}

#[test]
fn new_sequences_are_added_to_a_fit() {
    let mut g = Noise::new(4);
    let mut seqs = |n: usize| -> Vec<Vec<f64>> {
        (0..n).map(|_| (0..12).map(|t| g.normal() + 4.0 * (t / 4 % 2) as f64).collect()).collect()
    };
    let (old, new) = (seqs(6), seqs(4));
    let options = Options::new().seed(1).max_iterations(200);
    let model = gaussians::Model::new(2);
    let before = model.fit(&gaussians::Data { y: (&old).into() }, &options).unwrap();
    let data = gaussians::Data { y: (&new).into() };
    let after = before.update(&data, &options).unwrap();
    let all = [old, new].concat();
    let whole = model.fit(&gaussians::Data { y: (&all).into() }, &options).unwrap();
    // Every step of every sequence counts once.
    let total = |f: &Fit<gaussians::Model>| {
        f.posterior.trans.iter().map(|t| t.law().unwrap().a.iter().sum::<f64>()).sum::<f64>()
    };
    close(total(&after), 4.0 + 10.0 * 11.0, 1e-10);
    close(total(&whole), 4.0 + 10.0 * 11.0, 1e-10);
    assert!(after.elbo() <= whole.elbo() + 1e-6, "{} and {}", after.elbo(), whole.elbo());
    assert!(after.elbo() > whole.elbo() - 20.0);
}
