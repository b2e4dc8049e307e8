//! Many sequences at once against each on its own, and against recursions in logarithms: lengths, holes, zeros, and data far from every state.

use vi_core::Error;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{log_sum_exp, normal};
use vi_tests::law::close;

model! {
    pub mod gaussians(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        param    s2[k in K]: Positive;
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Real? ~ Normal(mean[z[s, t]], var: s2[z[s, t]]);
        }
    }
}

struct ByHand {
    evidence: f64,
    /// log p(z[t] = k | y)
    marginals: Vec<Vec<f64>>,
    /// Expected numbers of steps from i to j.
    steps: Vec<Vec<f64>>,
    best: f64,
}

/// Forward and backward in logarithms.
fn by_hand(p: &gaussians::Params, y: &[f64]) -> ByHand {
    let k = p.start.len();
    let data = |t: usize, i: usize| match y[t].is_nan() {
        true => 0.0,
        false => normal(y[t], p.mean[i], p.s2[i]),
    };
    let n = y.len();
    let mut alpha = vec![vec![0.0; k]; n];
    let mut beta = vec![vec![0.0; k]; n];
    let mut best = vec![vec![0.0; k]; n];
    for t in 0..n {
        for j in 0..k {
            let before = |from: &[Vec<f64>]| -> Vec<f64> {
                (0..k).map(|i| from[t - 1][i] + p.trans[i][j].ln()).collect()
            };
            let (sum, top) = match t {
                0 => (p.start[j].ln(), p.start[j].ln()),
                _ => (
                    log_sum_exp(&before(&alpha)),
                    before(&best).into_iter().fold(f64::NEG_INFINITY, f64::max),
                ),
            };
            alpha[t][j] = sum + data(t, j);
            best[t][j] = top + data(t, j);
        }
    }
    for t in (0..n.saturating_sub(1)).rev() {
        for i in 0..k {
            let terms: Vec<f64> =
                (0..k).map(|j| p.trans[i][j].ln() + data(t + 1, j) + beta[t + 1][j]).collect();
            beta[t][i] = log_sum_exp(&terms);
        }
    }
    let evidence = alpha.last().map_or(0.0, |a| log_sum_exp(a));
    let mut steps = vec![vec![0.0; k]; k];
    for t in 1..n {
        for i in 0..k {
            for j in 0..k {
                let log = alpha[t - 1][i] + p.trans[i][j].ln() + data(t, j) + beta[t][j] - evidence;
                steps[i][j] += log.exp();
            }
        }
    }
    let marginals = (0..n).map(|t| (0..k).map(|i| alpha[t][i] + beta[t][i] - evidence).collect()).collect();
    let best = best.last().map_or(0.0, |b| b.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    ByHand { evidence, marginals, steps, best }
}

/// Everything of a batch is that of its sequences.
#[track_caller]
fn check(p: &gaussians::Params, y: &Vec<Vec<f64>>) {
    let k = p.start.len();
    let model = gaussians::Model::new(k);
    let data = gaussians::Data { y: y.into() };
    let fit = model.infer(&data, p).unwrap();
    let all: Vec<ByHand> = y.iter().map(|y| by_hand(p, y)).collect();
    close(fit.log_likelihood(), all.iter().map(|h| h.evidence).sum(), 1e-11);
    let each = fit.predict(&data).unwrap().log_density;
    for (s, h) in all.iter().enumerate() {
        close(each[s], h.evidence, 1e-11);
        let q = &fit.posterior.z[s];
        for (t, m) in h.marginals.iter().enumerate() {
            for i in 0..k {
                close(q.probs(t)[i], m[i].exp(), 1e-9);
                if m[i] == f64::NEG_INFINITY {
                    assert_eq!(q.probs(t)[i], 0.0, "what is impossible is 0");
                }
            }
        }
        close(q.path().unwrap().log_joint, h.best, 1e-11);
    }
    // Transitions of the M-step: pooled expected steps.
    let next = model.maximise(&model.accumulate(&data, p).unwrap(), p).unwrap();
    for i in 0..k {
        let row: Vec<f64> = (0..k).map(|j| all.iter().map(|h| h.steps[i][j]).sum()).collect();
        let total: f64 = row.iter().sum();
        for j in 0..k {
            if total > 0.0 {
                close(next.trans[i][j], row[j] / total, 1e-9);
            }
        }
    }
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}

fn sequences(lengths: &[usize], seed: u64, value: impl Fn(&mut Noise) -> f64) -> Vec<Vec<f64>> {
    let mut g = Noise::new(seed);
    lengths.iter().map(|n| (0..*n).map(|_| value(&mut g)).collect()).collect()
}

fn params(k: usize, seed: u64) -> gaussians::Params {
    let mut g = Noise::new(seed);
    gaussians::Params {
        start: g.weights(k),
        trans: g.rows(k, k),
        mean: (0..k).map(|i| 2.0 * i as f64 + g.normal()).collect(),
        s2: (0..k).map(|_| 0.3 + g.unit()).collect(),
    }
}

#[test]
fn many_lengths_at_once() {
    let lengths: Vec<usize> = (0..70).map(|s| [17, 0, 1, 40, 3, 2, 17, 17][s % 8] + s / 16).collect();
    for k in 1..=5 {
        check(&params(k, k as u64), &sequences(&lengths, 3, |g| 3.0 * g.normal()));
    }
}

#[test]
fn more_states_than_lanes() {
    let lengths = [30, 2, 31, 0, 9, 30, 30, 5, 1, 12];
    for k in [8, 9, 17] {
        check(&params(k, k as u64), &sequences(&lengths, 4, |g| 8.0 * g.unit()));
    }
}

#[test]
fn holes_anywhere() {
    let lengths: Vec<usize> = (0..40).map(|s| (s * 7) % 23).collect();
    let y = sequences(&lengths, 5, |g| if g.unit() < 0.6 { f64::NAN } else { 3.0 * g.normal() });
    check(&params(3, 6), &y);
}

#[test]
fn data_a_thousand_deviations_away() {
    let lengths: Vec<usize> = (0..40).map(|s| 1 + (s * 7) % 23).collect();
    let mut p = params(3, 7);
    p.s2 = vec![1e-3, 0.5, 2e-2];
    let y = sequences(&lengths, 5, |g| if g.unit() < 0.1 { 60.0 * g.normal() } else { g.normal() });
    check(&p, &y);
}

#[test]
fn chains_that_go_one_way() {
    let lengths: Vec<usize> = (0..40).map(|s| 1 + (s * 7) % 23).collect();
    let mut p = params(3, 8);
    p.start = vec![1.0, 0.0, 0.0].into();
    p.trans = vec![vec![0.9, 0.1, 0.0].into(), vec![0.0, 0.8, 0.2].into(), vec![0.0, 0.0, 1.0].into()];
    check(&p, &sequences(&lengths, 5, |g| 3.0 * g.normal()));
    // Sudden evidence for a state that the chain has just left for good: only what is next to impossible explains it.
    p.s2 = vec![1e-2; 3];
    p.mean = vec![0.0, 10.0, 20.0];
    let y = (0..20).map(|s| vec![0.0, 0.1, 10.0, 9.9, 20.0, 0.0, 20.0 + 0.01 * s as f64]).collect();
    check(&p, &y);
}

#[test]
fn states_that_hardly_ever_change() {
    let mut p = params(2, 9);
    p.trans = vec![vec![1.0 - 1e-300, 1e-300].into(), vec![1e-200, 1.0].into()];
    let y = (0..20).map(|s| vec![p.mean[0], p.mean[0], p.mean[1] + 0.01 * s as f64, p.mean[1]]).collect();
    check(&p, &y);
}

#[test]
fn one_impossible_sequence_among_many_is_named() {
    let mut y = sequences(&[12; 40], 5, |g| 0.1 * g.normal());
    y[23][7] = 1e200;
    let error =
        gaussians::Model::new(2).infer(&gaussians::Data { y: (&y).into() }, &params(2, 1)).unwrap_err();
    assert!(matches!(&error, Error::Impossible { at } if at == "z[23, 7]"), "{error}");
}
