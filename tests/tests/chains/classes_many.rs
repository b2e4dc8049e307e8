//! Mixtures of chains of many sequences, beside a plain forward and backward for each class; by mean field; and from the default start.

use vi_core::dist::{Dirichlet, PowerGamma};
use vi_core::prelude::*;
use vi_core::{Error, Start};
use vi_tests::data::Noise;
use vi_tests::density::log_sum_exp;
use vi_tests::law::{close, honest, monotone};

model! {
    /// Classes that differ by how states follow one another, and by nothing else.
    pub mod moves(C, K, V) {
        param    w: Simplex[C];
        param    trans[c in C, i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        for s in S {
            latent   c[s]               ~ Categorical(w);
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s], z[s, t-1]]);
            observed x[s, t in T[s]]    ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    pub mod laws(C, K) {
        latent w: Simplex[C]                    ~ Dirichlet(1.0);
        latent trans[c in C, i in K]: Simplex[K] ~ Dirichlet(1.0);
        latent rate[c in C, k in K]             ~ Gamma(shape: 2, rate: 0.5);
        for s in S {
            latent   c[s]               ~ Categorical(w);
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s], z[s, t-1]]);
            observed y[s, t in T[s]]: Count? ~ Poisson(rate[c[s], z[s, t]]);
        }
    }
}
model! {
    /// The same, written with a class for each step.
    pub mod carried(C, K) {
        latent w: Simplex[C]                    ~ Dirichlet(1.0);
        latent trans[c in C, i in K]: Simplex[K] ~ Dirichlet(1.0);
        latent rate[c in C, k in K]             ~ Gamma(shape: 2, rate: 0.5);
        for s in S {
            latent   c[s, 0]            ~ Categorical(w);
            latent   c[s, t in 1..T[s]] ~ Constant(c[s, t-1]);
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s, t], z[s, t-1]]);
            observed y[s, t in T[s]]: Count? ~ Poisson(rate[c[s, t], z[s, t]]);
        }
    }
}

/// log p(x | class) of one sequence, the smoothed states and the expected steps.
fn smooth(trans: &[DVector<f64>], emit: &[DVector<f64>], x: &[usize]) -> (f64, Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let (k, n) = (trans.len(), x.len());
    let mut alpha: Vec<Vec<f64>> = vec![];
    let mut log = 0.0;
    for (t, v) in x.iter().enumerate() {
        let prior = |j: usize| match t {
            0 => 1.0 / k as f64,
            _ => (0..k).map(|i| alpha[t - 1][i] * trans[i][j]).sum(),
        };
        let row: Vec<f64> = (0..k).map(|j| prior(j) * emit[j][*v]).collect();
        let sum: f64 = row.iter().sum();
        log += sum.ln();
        alpha.push(row.iter().map(|a| a / sum).collect());
    }
    let mut beta = vec![vec![1.0; k]; n];
    let mut steps = vec![vec![0.0; k]; k];
    for t in (0..n.saturating_sub(1)).rev() {
        let ahead: Vec<f64> = (0..k).map(|j| emit[j][x[t + 1]] * beta[t + 1][j]).collect();
        let row: Vec<f64> = (0..k).map(|i| (0..k).map(|j| trans[i][j] * ahead[j]).sum()).collect();
        let total: f64 = (0..k).map(|i| alpha[t][i] * row[i]).sum();
        for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))) {
            steps[i][j] += alpha[t][i] * trans[i][j] * ahead[j] / total;
        }
        let sum: f64 = row.iter().sum();
        beta[t] = row.iter().map(|b| b / sum).collect();
    }
    let gamma = alpha.iter().zip(&beta).map(|(a, b)| {
        let sum: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        a.iter().zip(b).map(|(a, b)| a * b / sum).collect()
    });
    let gamma = gamma.collect();
    (log, gamma, steps)
}

fn drawn(g: &mut Noise, law: &DVector<f64>) -> usize {
    let (mut u, mut k) = (g.unit(), 0);
    while k + 1 < law.len() && u > law[k] {
        u -= law[k];
        k += 1;
    }
    k
}

fn sequences(g: &mut Noise, p: &moves::Params, lengths: &[usize]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let of = |g: &mut Noise, n: usize| {
        let c = drawn(g, &p.w);
        let mut z = g.below(p.emit.len());
        let x = (0..n)
            .map(|t| {
                if t > 0 {
                    z = drawn(g, &p.trans[c][z]);
                }
                drawn(g, &p.emit[z])
            })
            .collect();
        (c, x)
    };
    lengths.iter().map(|n| of(g, *n)).unzip()
}

/// Likelihood, classes and the next M-step.
fn check(p: &moves::Params, x: &Vec<Vec<usize>>) {
    let (classes, k) = (p.w.len(), p.emit.len());
    let v = p.emit[0].len();
    let model = moves::Model::new(classes, k, v);
    let data = moves::Data { x: x.into() };
    let fit = model.infer(&data, p).unwrap();
    let mut total = 0.0;
    let mut w = vec![0.0; classes];
    let mut trans = vec![vec![vec![0.0; k]; k]; classes];
    let mut emit = vec![vec![0.0; v]; k];
    for (s, x) in x.iter().enumerate() {
        let each: Vec<_> = (0..classes).map(|c| smooth(&p.trans[c], &p.emit, x)).collect();
        let logs: Vec<f64> = each.iter().zip(p.w.iter()).map(|(e, w)| e.0 + w.ln()).collect();
        let evidence = log_sum_exp(&logs);
        total += evidence;
        for (c, (_, gamma, steps)) in each.iter().enumerate() {
            let q = (logs[c] - evidence).exp();
            close(fit.posterior.c.probs(s)[c], q, 1e-9);
            w[c] += q;
            for (i, row) in steps.iter().enumerate() {
                row.iter().enumerate().for_each(|(j, n)| trans[c][i][j] += q * n);
            }
            for (t, row) in gamma.iter().enumerate() {
                row.iter().enumerate().for_each(|(j, p)| emit[j][x[t]] += q * p);
            }
        }
    }
    close(fit.log_likelihood(), total, 1e-11);
    let next = model.maximise(&model.accumulate(&data, p).unwrap(), p).unwrap();
    let row = |found: &DVector<f64>, counts: &[f64]| {
        let sum: f64 = counts.iter().sum();
        counts.iter().zip(found.iter()).for_each(|(n, f)| close(*f, n / sum, 1e-8));
    };
    row(&next.w, &w);
    for c in 0..classes {
        (0..k).for_each(|i| row(&next.trans[c][i], &trans[c][i]));
    }
    (0..k).for_each(|i| row(&next.emit[i], &emit[i]));
}

fn two_movers() -> moves::Params {
    moves::Params {
        w: vec![0.4, 0.6].into(),
        trans: vec![
            vec![vec![0.9, 0.1].into(), vec![0.1, 0.9].into()],
            vec![vec![0.2, 0.8].into(), vec![0.7, 0.3].into()],
        ],
        emit: vec![vec![0.8, 0.15, 0.05].into(), vec![0.1, 0.2, 0.7].into()],
    }
}

#[test]
fn many_sequences_of_many_lengths_are_what_each_class_says() {
    let mut g = Noise::new(3);
    let p =
        moves::Params { w: g.weights(3), trans: (0..3).map(|_| g.rows(4, 4)).collect(), emit: g.rows(4, 5) };
    let lengths: Vec<usize> = (0..37).map(|s| 1 + s * 7 % 53).collect();
    let (_, x) = sequences(&mut g, &p, &lengths);
    check(&p, &x);
}

#[test]
fn sequences_so_long_that_one_class_is_out_of_the_question() {
    let mut g = Noise::new(4);
    let p = two_movers();
    let (_, x) = sequences(&mut g, &p, &[20_000, 3, 9_000, 15_000]);
    check(&p, &x);
}

#[test]
fn classes_that_differ_by_their_steps_alone_are_found() {
    let mut g = Noise::new(5);
    let truth = two_movers();
    let (class, x) = sequences(&mut g, &truth, &[60; 40]);
    let model = moves::Model::new(2, 2, 3);
    let data = moves::Data { x: (&x).into() };
    let options = Options::new().seed(1).restarts(2).max_iterations(80);
    let fit = model.fit(&data, &options).unwrap();
    monotone(&fit.trace);
    let at_truth = model.infer(&data, &truth).unwrap().log_likelihood();
    assert!(fit.log_likelihood() > at_truth, "{} and {at_truth}", fit.log_likelihood());
    let same = (0..40).filter(|s| fit.posterior.c.most_likely(*s) == class[*s]).count();
    assert!(same.max(40 - same) >= 37, "{same} of 40");
    let options = options.max_iterations(5);
    let few = model.fit(&data, &options).unwrap();
    for threads in [2, 3] {
        assert_eq!(model.fit(&data, &options.clone().threads(threads)).unwrap().trace, few.trace);
    }
}

#[test]
fn what_a_filter_remembers_does_not_grow() {
    let mut g = Noise::new(9);
    let p = two_movers();
    let (_, x) = sequences(&mut g, &p, &[400]);
    let data = moves::Data { x: (&x).into() };
    let fit = moves::Model::new(2, 2, 3).infer(&data, &p).unwrap();
    let mut online = fit.online();
    let mut sizes = vec![];
    let mut total = 0.0;
    for t in 0..400usize {
        let window = vec![x[0][t.saturating_sub(1)..=t].to_vec()];
        total += online.push(&moves::Data { x: (&window).into() }).unwrap().log_density;
        if t == 2 || t == 399 {
            // Numbers that are kept, and room for them.
            sizes.push(format!("{online:?}").matches(',').count());
        }
    }
    assert_eq!(sizes[0], sizes[1]);
    close(total, fit.log_likelihood(), 1e-11);
}

#[test]
fn observations_that_no_class_allows_are_named() {
    let mut p = moves::Params {
        w: vec![0.5, 0.5].into(),
        trans: vec![vec![vec![1.0, 0.0].into(), vec![0.0, 1.0].into()]; 2],
        emit: vec![vec![1.0, 0.0].into(), vec![0.0, 1.0].into()],
    };
    let x = vec![vec![0, 0], vec![0, 0, 1]];
    let (model, data) = (moves::Model::new(2, 2, 2), moves::Data { x: (&x).into() });
    let error = model.infer(&data, &p).unwrap_err();
    assert!(matches!(&error, Error::Impossible { at } if at == "z[1, 2]"), "{error}");
    // One class may leave its state: then it is that class.
    p.trans[1] = vec![vec![0.5, 0.5].into(), vec![0.5, 0.5].into()];
    let fit = model.infer(&data, &p).unwrap();
    assert_eq!(fit.posterior.c.probs(1), [0.0, 1.0]);
    close(fit.posterior.c.probs(0)[1], 0.5 / 1.5, 1e-12);
}

#[test]
fn laws_that_are_latent_are_those_of_a_class_carried_along() {
    let mut g = Noise::new(6);
    let y: Vec<Vec<Option<u64>>> = [9usize, 1, 14, 6, 11]
        .iter()
        .enumerate()
        .map(|(s, n)| {
            let rate = |t: usize| if (t / (1 + 2 * (s % 2))).is_multiple_of(2) { 1.0 } else { 6.0 };
            (0..*n).map(|t| (t % 6 != 4).then(|| g.poisson(rate(t)))).collect()
        })
        .collect();
    let options = Options::new().tolerance(0.0).max_iterations(25);
    let mut laws_of = |n: usize| -> Vec<f64> { (0..n).map(|_| 0.5 + 2.0 * g.unit()).collect() };
    let w = Marginal::from(Dirichlet::new(laws_of(2)));
    let trans: Vec<Vec<Marginal<Dirichlet<'static>>>> =
        (0..2).map(|_| (0..2).map(|_| Marginal::from(Dirichlet::new(laws_of(2)))).collect()).collect();
    let rate: Vec<Vec<Marginal<PowerGamma>>> = (0..2)
        .map(|_| {
            laws_of(2)
                .iter()
                .enumerate()
                .map(|(k, a)| Marginal::from(PowerGamma::shape_rate_power(a + 3.0 * k as f64, 1.0, 1.0)))
                .collect()
        })
        .collect();
    let data = laws::Data { y: (&y).into() };
    let start =
        laws::Posterior { w: w.clone(), trans: trans.clone(), rate: rate.clone(), ..Default::default() };
    let fit = laws::Model::new(2, 2).fit_from(&data, Start::Posterior(start), &options).unwrap();
    honest(&fit, &data);
    let start = carried::Posterior { w, trans, rate, ..Default::default() };
    let other = carried::Data { y: (&y).into() };
    let other = carried::Model::new(2, 2).fit_from(&other, Start::Posterior(start), &options).unwrap();
    for (a, b) in fit.trace.iter().zip(&other.trace) {
        close(*a, *b, 1e-11);
    }
    for s in 0..5 {
        for c in 0..2 {
            close(fit.posterior.c.probs(s)[c], other.posterior.c[s].probs(0)[c], 1e-9);
        }
    }
    // From the default start.
    let fit = laws::Model::new(2, 2).fit(&data, &Options::new().seed(2).max_iterations(40)).unwrap();
    honest(&fit, &data);
}
