//! The same of several sequences, ragged or not, of vectors, and with uncertain precisions.

use super::besides::{same_var, stationary, with_gaps};
use nalgebra::DMatrix;
use vi_core::Claim;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Known};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    /// Sequences of different lengths with an effect each, and a coefficient that all share; observations have weights.
    pub mod panel {
        given    u[s in S, t in T[s]]: Real;
        given    w[s in S, t in T[s]]: Positive;
        param    va: Positive;
        param    q: Positive;
        param    r: Positive;
        latent   mu ~ Normal(0, var: 50);
        latent   b  ~ Normal(0, var: 4);
        for s in S {
            latent   a[s]               ~ Normal(mu, var: va);
            latent   x[s, 0]            ~ Normal(a[s], var: 1);
            latent   x[s, t in 1..T[s]] ~ Normal(0.9 * x[s, t-1], var: q);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t] + a[s] + b * u[s, t], var: r / w[s, t]);
        }
    }
}
model! {
    /// The same where nothing is shared by sequences: as many blocks as there are.
    pub mod apart {
        param    q: Positive;
        param    r: Positive;
        for s in S {
            latent   a[s]               ~ Normal(0, var: 4);
            latent   x[s, 0]            ~ Normal(0, var: 1);
            latent   x[s, t in 1..T[s]] ~ Normal(x[s, t-1], var: q);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t] + (t + 1) * a[s], var: r);
        }
    }
}
model! {
    /// States of several numbers, read by several observations.
    pub mod vectors {
        given    A: Matrix[H, H];
        given    u[s in S, t in T[s]]: Vector[D];
        param    C[e in E, h in H]: Real;
        param    Q: SymPos[H];
        param    r[e in E]: Positive;
        latent   m: Vector[H]             ~ Normal(0, var: 9);
        latent   b[e in E, d in D]        ~ Normal(0, var: 2);
        for s in S {
            latent   x[s, 0]: Vector[H]   ~ Normal(m, cov: Q);
            latent   x[s, t in 1..T[s]]   ~ Normal(A * x[s, t-1], cov: Q);
            observed y[s, t in T[s], e in E]: Real?
                ~ Normal(sum(C[e, h] * x[s, t][h] for h in H) + dot(b[e], u[s, t]), var: r[e]);
        }
    }
}
model! {
    /// Precisions with priors, two steps back: the Gaussians are one block.
    pub mod bayes {
        given    u[t in T]: Real;
        latent   v ~ Gamma(shape: 2, rate: 2);
        latent   q ~ Gamma(shape: 3, rate: 1);
        latent   r ~ Gamma(shape: 2, rate: 1);
        latent   b            ~ Normal(0, prec: v);
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[1]         ~ Normal(0, var: 10);
        latent   x[t in 2..T] ~ Normal(0.6 * x[t-1] + 0.3 * x[t-2] + b, prec: q);
        observed y[t in T]: Real? ~ Normal(x[t] + b * u[t], prec: r);
    }
}

struct Panel {
    u: Vec<Vec<f64>>,
    w: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
}

struct Paneled {
    mu: usize,
    b: usize,
    a: Vec<usize>,
    x: Vec<Vec<usize>>,
    known: Known,
}

fn panel_of(lengths: &[usize], u: &mut Noise) -> Panel {
    let mut out = Panel { u: vec![], w: vec![], y: vec![] };
    for n in lengths {
        let effect = 3.0 + u.normal();
        let mut level = u.normal();
        let inputs: Vec<f64> = (0..*n).map(|_| u.normal()).collect();
        out.w.push((0..*n).map(|_| 0.5 + 2.0 * u.unit()).collect());
        let y: Vec<f64> = (0..*n)
            .map(|t| {
                level = 0.9 * level + 0.5 * u.normal();
                level + effect + 1.5 * inputs[t] + 0.6 * u.normal()
            })
            .collect();
        out.y.push(with_gaps(&y, u));
        out.u.push(inputs);
    }
    out
}

fn paneled(d: &Panel, p: &panel::Params) -> Paneled {
    let mut dense = Dense::new();
    let mu = dense.add(0.0, &[], 50.0);
    let b = dense.add(0.0, &[], 4.0);
    let (mut effects, mut states, mut seen) = (vec![], vec![], vec![]);
    for (s, y) in d.y.iter().enumerate() {
        let a = dense.add(0.0, &[(mu, 1.0)], p.va);
        let mut x: Vec<usize> = vec![];
        for t in 0..y.len() {
            x.push(match t {
                0 => dense.add(0.0, &[(a, 1.0)], 1.0),
                _ => dense.add(0.0, &[(x[t - 1], 0.9)], p.q),
            });
            if !y[t].is_nan() {
                let form = [(x[t], 1.0), (a, 1.0), (b, d.u[s][t])];
                seen.push((dense.add(0.0, &form, p.r / d.w[s][t]), y[t]));
            }
        }
        effects.push(a);
        states.push(x);
    }
    Paneled { mu, b, a: effects, x: states, known: dense.given(&seen) }
}

#[test]
fn ragged_sequences_with_effects_beside_a_coefficient_that_all_share() {
    let mut u = Noise::new(5);
    for lengths in [vec![9, 1, 14, 0, 6], vec![1], vec![12, 12, 12]] {
        let d = panel_of(&lengths, &mut u);
        let data = panel::Data { u: (&d.u).into(), w: (&d.w).into(), y: (&d.y).into() };
        let params = panel::Params { va: 1.3, q: 0.3, r: 0.5 };
        let fit = panel::Model::new().infer(&data, &params).unwrap();
        let Paneled { mu, b, a, x, known } = paneled(&d, &params);
        exact(&fit, &data, known.log_evidence);
        for (q, v) in [(&fit.posterior.mu, mu), (&fit.posterior.b, b)] {
            close(q.mean(), known.mean(v), 1e-10);
            same_var(q.var(), &known, v);
        }
        for s in 0..lengths.len() {
            close(fit.posterior.a.mean()[s], known.mean(a[s]), 1e-10);
            same_var(fit.posterior.a.var()[s], &known, a[s]);
            assert_eq!(fit.posterior.x[s].len(), lengths[s]);
            for t in 0..lengths[s] {
                close(fit.posterior.x[s][t].mean(), known.mean(x[s][t]), 1e-10);
                same_var(fit.posterior.x[s][t].var(), &known, x[s][t]);
            }
        }
        for (s, y) in d.y.iter().enumerate() {
            for t in (0..y.len()).filter(|t| y[*t].is_nan()) {
                let form = [(x[s][t], 1.0), (a[s], 1.0), (b, d.u[s][t])];
                let mean = form.iter().map(|(v, c)| c * known.mean(*v)).sum::<f64>();
                let law = fit.posterior.y.get([s, t]).unwrap();
                close(law.mean(), mean, 1e-10);
                close(law.var(), params.r / d.w[s][t] + known.square(-mean, &form), 1e-10);
            }
        }
        let mut state = panel::Model::new().start(&data, Start::Params(params), &Options::new()).unwrap();
        panel::Model::new().step(&mut state).unwrap();
        let next = state.finish().unwrap().params;
        let effects = a.iter().map(|a| known.square(0.0, &[(*a, 1.0), (mu, -1.0)]));
        close(next.va, effects.sum::<f64>() / a.len() as f64, 1e-10);
        let pairs: Vec<f64> = x
            .iter()
            .flat_map(|x| x.windows(2).map(|w| known.square(0.0, &[(w[1], 1.0), (w[0], -0.9)])))
            .collect();
        if !pairs.is_empty() {
            close(next.q, pairs.iter().sum::<f64>() / pairs.len() as f64, 1e-10);
        }
        let (mut count, mut left) = (0, 0.0);
        for (s, y) in d.y.iter().enumerate() {
            for t in (0..y.len()).filter(|t| !y[*t].is_nan()) {
                count += 1;
                left += d.w[s][t] * known.square(y[t], &[(x[s][t], -1.0), (a[s], -1.0), (b, -d.u[s][t])]);
            }
        }
        close(next.r, left / f64::from(count), 1e-10);
    }
}

#[test]
fn fits_of_ragged_sequences_are_stationary_and_do_not_depend_on_threads() {
    let mut u = Noise::new(6);
    let d = panel_of(&[15, 3, 22, 9, 0, 18, 1, 12], &mut u);
    let data = panel::Data { u: (&d.u).into(), w: (&d.w).into(), y: (&d.y).into() };
    let options = Options::new().tolerance(1e-13).max_iterations(20_000);
    let fit = panel::Model::new().fit(&data, &options.clone().threads(1)).unwrap();
    honest(&fit, &data);
    let other = panel::Model::new().fit(&data, &options.threads(3)).unwrap();
    assert_eq!(fit.params, other.params);
    assert_eq!(fit.posterior, other.posterior);
    let at = [fit.params.va, fit.params.q, fit.params.r];
    let evidence = |p: &[f64]| paneled(&d, &panel::Params { va: p[0], q: p[1], r: p[2] }).known.log_evidence;
    close(fit.log_likelihood(), evidence(&at), 1e-10);
    stationary(&at, evidence, 1e-3);
    // A start from laws of numbers one by one is a start, too.
    let start = Start::Posterior(fit.posterior.clone());
    let again = panel::Model::new().fit_from(&data, start, &Options::new().max_iterations(50)).unwrap();
    monotone(&again.trace);
}

#[test]
fn sequences_with_nothing_in_common_are_blocks_of_their_own() {
    let mut u = Noise::new(7);
    let lengths = [11, 2, 0, 30, 1];
    let y: Vec<Vec<f64>> = lengths
        .iter()
        .map(|n| {
            let slope = u.normal();
            let y: Vec<f64> = (0..*n).map(|t| slope * (t + 1) as f64 + u.normal()).collect();
            with_gaps(&y, &mut u)
        })
        .collect();
    let data = apart::Data { y: (&y).into() };
    let params = apart::Params { q: 0.5, r: 0.7 };
    let fit = apart::Model::new().infer(&data, &params).unwrap();
    let mut dense = Dense::new();
    let (mut effects, mut states, mut seen) = (vec![], vec![], vec![]);
    for y in &y {
        let a = dense.add(0.0, &[], 4.0);
        let mut x: Vec<usize> = vec![];
        for t in 0..y.len() {
            x.push(match t {
                0 => dense.add(0.0, &[], 1.0),
                _ => dense.add(0.0, &[(x[t - 1], 1.0)], 0.5),
            });
            if !y[t].is_nan() {
                seen.push((dense.add(0.0, &[(x[t], 1.0), (a, (t + 1) as f64)], 0.7), y[t]));
            }
        }
        effects.push(a);
        states.push(x);
    }
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    for s in 0..lengths.len() {
        close(fit.posterior.a[s].mean(), known.mean(effects[s]), 1e-10);
        same_var(fit.posterior.a[s].var(), &known, effects[s]);
        for t in 0..lengths[s] {
            close(fit.posterior.x[s][t].mean(), known.mean(states[s][t]), 1e-10);
            same_var(fit.posterior.x[s][t].var(), &known, states[s][t]);
        }
    }
    honest(&apart::Model::new().fit(&data, &Options::new()).unwrap(), &data);
}

#[test]
fn states_of_several_numbers_beside_their_mean_and_coefficients() {
    let mut u = Noise::new(8);
    let (h, dim, e) = (2, 2, 3);
    let lengths = [8, 1, 13];
    let a = DMatrix::from_row_slice(h, h, &[0.8, 0.3, -0.2, 0.7]);
    let cov = DMatrix::from_row_slice(h, h, &[0.5, 0.2, 0.2, 0.4]);
    let c = DMatrix::from_fn(e, h, |_, _| u.normal());
    let inputs: Vec<DMatrix<f64>> =
        lengths.iter().map(|n| DMatrix::from_fn(*n, dim, |_, _| u.normal())).collect();
    let r = [0.3, 0.6, 0.9];
    let y: Vec<DMatrix<f64>> = lengths
        .iter()
        .map(|n| DMatrix::from_fn(*n, e, |_, _| if u.below(5) == 0 { f64::NAN } else { 3.0 * u.normal() }))
        .collect();
    let data = vectors::Data { A: (&a).into(), u: (&inputs).into(), y: (&y).into() };
    let params = vectors::Params {
        C: (0..e).map(|i| (0..h).map(|k| c[(i, k)]).collect()).collect(),
        Q: cov.clone(),
        r: r.to_vec(),
    };
    let fit = vectors::Model::new().infer(&data, &params).unwrap();
    let mut dense = Dense::new();
    let m: Vec<usize> = (0..h).map(|_| dense.add(0.0, &[], 9.0)).collect();
    let b: Vec<Vec<usize>> = (0..e).map(|_| (0..dim).map(|_| dense.add(0.0, &[], 2.0)).collect()).collect();
    let (mut states, mut seen) = (vec![], vec![]);
    for (s, y) in y.iter().enumerate() {
        let mut x: Vec<Vec<usize>> = vec![];
        for t in 0..lengths[s] {
            let forms: Vec<Vec<(usize, f64)>> = (0..h)
                .map(|i| match t {
                    0 => vec![(m[i], 1.0)],
                    _ => (0..h).map(|j| (x[t - 1][j], a[(i, j)])).collect(),
                })
                .collect();
            x.push(dense.add_vector(&vec![0.0; h], &forms, &cov));
            for i in (0..e).filter(|i| !y[(t, *i)].is_nan()) {
                let mut form: Vec<(usize, f64)> = (0..h).map(|k| (x[t][k], c[(i, k)])).collect();
                form.extend((0..dim).map(|d| (b[i][d], inputs[s][(t, d)])));
                seen.push((dense.add(0.0, &form, r[i]), y[(t, i)]));
            }
        }
        states.push(x);
    }
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    for k in 0..h {
        close(fit.posterior.m.mean()[k], known.mean(m[k]), 1e-10);
        for s in 0..lengths.len() {
            for t in 0..lengths[s] {
                close(fit.posterior.x[s][t].mean()[k], known.mean(states[s][t][k]), 1e-10);
                let cov = fit.posterior.x[s][t].cov();
                for l in 0..h {
                    let (v, w) = (states[s][t][k], states[s][t][l]);
                    let scale = (known.var(v) * known.var(w)).sqrt();
                    assert!((cov[(k, l)] - known.cov[(v, w)]).abs() < 1e-10 * scale);
                }
            }
        }
    }
    let fit = vectors::Model::new().fit(&data, &Options::new().max_iterations(60)).unwrap();
    honest(&fit, &data);
}

#[test]
fn with_uncertain_precisions_the_gaussians_are_one_block() {
    let mut u = Noise::new(9);
    let n = 40;
    let inputs: Vec<f64> = (0..n).map(|_| u.normal()).collect();
    let mut level = [0.0, 0.0];
    let y: Vec<f64> = (0..n)
        .map(|t| {
            level = [0.6 * level[0] + 0.3 * level[1] + 0.5 + 0.5 * u.normal(), level[0]];
            level[0] + 0.5 * inputs[t] + 0.7 * u.normal()
        })
        .collect();
    let y = with_gaps(&y, &mut u);
    let data = bayes::Data { u: (&inputs).into(), y: (&y).into() };
    let options = Options::new().tolerance(1e-13).max_iterations(10_000);
    let fit = bayes::Model::new().fit(&data, &options).unwrap();
    assert_eq!(fit.certificate().claim, Claim::MeanField);
    honest(&fit, &data);
    // At the fixed point the Gaussians are the dense posterior at the expected precisions.
    let (v, q, r) = (fit.posterior.v.mean(), fit.posterior.q.mean(), fit.posterior.r.mean());
    let mut dense = Dense::new();
    let b = dense.add(0.0, &[], 1.0 / v);
    let mut x: Vec<usize> = vec![];
    let mut seen = vec![];
    for t in 0..n {
        x.push(match t {
            0 | 1 => dense.add(0.0, &[], 10.0),
            _ => dense.add(0.0, &[(x[t - 1], 0.6), (x[t - 2], 0.3), (b, 1.0)], 1.0 / q),
        });
        if !y[t].is_nan() {
            seen.push((dense.add(0.0, &[(x[t], 1.0), (b, inputs[t])], 1.0 / r), y[t]));
        }
    }
    let known = dense.given(&seen);
    close(fit.posterior.b.mean(), known.mean(b), 1e-5);
    assert!((fit.posterior.b.var() / known.var(b) - 1.0).abs() < 1e-5);
    for t in 0..n {
        close(fit.posterior.x.mean()[t], known.mean(x[t]), 1e-5);
        assert!((fit.posterior.x.var()[t] / known.var(x[t]) - 1.0).abs() < 1e-5);
    }
}
