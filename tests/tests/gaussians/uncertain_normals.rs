//! Gaussian latents of units and of chains whose coefficients and scales are uncertain too: sweeps against variational Bayes as textbooks write it.

use nalgebra::{DMatrix, DVector};
use vi_core::posterior::{MvNormal, Normal, PowerGamma};
use vi_core::prelude::*;
use vi_core::{Options, Start};
use vi_tests::data::Noise;
use vi_tests::law::{close, honest, monotone};
use vi_tests::textbook::bayes_state_space::{Precision, Rows, Sequence, Vb};

model! {
    /// Principal components whose number is found.
    pub mod components(H) {
        latent   gamma[h in H]        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: gamma);
        latent   b[d in D]            ~ Normal(0, prec: 0.01);
        latent   r                    ~ Gamma(shape: 0.5, rate: 0.5);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]) + b[d], prec: r);
    }
}
model! {
    /// The same, but any entry may be missing.
    pub mod completion(H) {
        latent   gamma[h in H]            ~ Gamma(shape: 0.5, rate: 0.5);
        latent   C[d in D]: Vector[H]     ~ Normal(0, prec: gamma);
        latent   b[d in D]                ~ Normal(0, prec: 0.01);
        latent   r                        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   x[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed y[n in N, d in D]: Real? ~ Normal(dot(C[d], x[n]) + b[d], prec: r);
    }
}
model! {
    /// Every matrix and every noise is uncertain; sequences have lengths of their own, inputs, and holes.
    pub mod space(H) {
        given    u[s in S, t in T[s]]: Vector[K];
        latent   alpha[h in H]        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   A[i in H]: Vector[H] ~ Normal(0, prec: alpha);
        latent   B[i in H]: Vector[K] ~ Normal(0, prec: 0.1);
        latent   q[i in H]            ~ Gamma(shape: 0.5, rate: 0.5);
        latent   gamma[h in H]        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: gamma);
        latent   b[d in D]            ~ Normal(0, prec: 0.01);
        latent   r[d in D]            ~ Gamma(shape: 0.5, rate: 0.5);
        for s in S {
            latent   x[s, 0]: Vector[H]          ~ Normal(0, var: 1);
            latent   x[s, t in 1..T[s]]          ~ Normal(A * x[s, t-1] + B * u[s, t], prec: q);
            observed y[s, t in T[s]]: Vector[D]? ~ Normal(C * x[s, t] + b, prec: r);
        }
    }
}

const PRIOR: Precision = Precision { shape: 0.5, rate: 0.5 };

/// Independent elements: what a start from marginals says.
fn rows(noise: &mut Noise, n: usize, p: usize) -> Rows {
    let cov = (0..n).map(|_| DMatrix::from_diagonal(&DVector::from_fn(p, |_, _| 0.02 + 0.1 * noise.unit())));
    Rows { cov: cov.collect(), mean: DMatrix::from_fn(n, p, |_, _| noise.normal()) }
}

fn precisions(noise: &mut Noise, n: usize) -> Vec<Precision> {
    (0..n).map(|_| Precision { shape: 2.0 + noise.unit(), rate: 1.0 + noise.unit() }).collect()
}

/// q of everything that is shared, somewhere.
fn begin(seed: u64, h: usize, d: usize, k: usize, noises: usize) -> Vb {
    let g = &mut Noise::new(seed);
    Vb {
        a: rows(g, h, h + k),
        c: rows(g, d, h + 1),
        alpha: precisions(g, h),
        gamma: precisions(g, h),
        q: precisions(g, h),
        r: precisions(g, noises),
        noise: (0..d).map(|d| d.min(noises - 1)).collect(),
        prior: PRIOR,
        inputs: 0.1,
        offset: 0.01,
        x: vec![],
    }
}

fn law(p: &Precision) -> Marginal<PowerGamma> {
    Marginal::Law(PowerGamma { shape: p.shape, rate: p.rate, power: 1.0 })
}

/// Columns `from..to` of every row, as vectors.
fn vectors(rows: &Rows, from: usize, to: usize) -> Vec<Marginal<MvNormal<'static>>> {
    let part = |i: usize| {
        let mean: Vec<f64> = (from..to).map(|k| rows.mean[(i, k)]).collect();
        let cov = rows.cov[i].view((from, from), (to - from, to - from)).into_owned();
        Marginal::Law(MvNormal::owned(mean, &cov).unwrap())
    };
    (0..rows.cov.len()).map(part).collect()
}

/// One column, as numbers.
fn numbers(rows: &Rows, k: usize) -> Vec<Marginal<Normal>> {
    (0..rows.cov.len())
        .map(|i| Marginal::Law(Normal::mean_var(rows.mean[(i, k)], rows.cov[i][(k, k)])))
        .collect()
}

fn same_precisions(found: &[Marginal<PowerGamma>], expected: &[Precision]) {
    for (f, e) in found.iter().zip(expected) {
        let f = f.law().unwrap();
        close(f.shape, e.shape, 1e-9);
        close(f.rate, e.rate, 1e-9);
    }
}

fn same_rows(found: &[Marginal<MvNormal<'static>>], rows: &Rows, from: usize) {
    for (i, q) in found.iter().enumerate() {
        let (mean, cov) = (q.mean(), q.cov());
        for k in 0..mean.len() {
            close(mean[k], rows.mean[(i, from + k)], 1e-9);
            for m in 0..mean.len() {
                close(cov[(k, m)], rows.cov[i][(from + k, from + m)], 1e-9);
            }
        }
    }
}

fn same_numbers(found: &[Marginal<Normal>], rows: &Rows, k: usize) {
    for (i, q) in found.iter().enumerate() {
        close(q.mean(), rows.mean[(i, k)], 1e-9);
        close(q.var(), rows.cov[i][(k, k)], 1e-9);
    }
}

/// Rows around a plane; `missing` says which entries are not there.
fn table(n: usize, d: usize, seed: u64, missing: impl Fn(usize, usize) -> bool) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let slopes = DMatrix::from_fn(d, 2, |_, _| g.normal());
    DMatrix::from_fn(n, d, |_, _| g.normal()).map_with_location(|_, _, e| 0.3 * e)
        + DMatrix::from_fn(n, 2, |_, _| g.normal()) * slopes.transpose()
        + DMatrix::from_fn(n, d, |i, j| if missing(i, j) { f64::NAN } else { 3.0 * j as f64 })
}

/// The same as sequences of one step.
fn as_sequences(y: &DMatrix<f64>) -> Vec<Sequence> {
    let row = |i: usize| y.row(i).iter().map(|y| (!y.is_nan()).then_some(*y)).collect();
    (0..y.nrows()).map(|i| Sequence { y: vec![row(i)], u: vec![vec![]] }).collect()
}

/// Sweeps of a model of components beside the textbook's, q of the units included.
macro_rules! sweeps_of_components {
    ($module:ident, $y:expr, $h:expr) => {{
        let (y, h) = (&$y, $h);
        let all = as_sequences(y);
        let mut by_hand = begin(3, h, y.ncols(), 0, 1);
        let data = $module::Data { y: y.into() };
        let start = $module::Posterior {
            gamma: by_hand.gamma.iter().map(law).collect(),
            C: vectors(&by_hand.c, 0, h),
            b: numbers(&by_hand.c, h),
            r: law(&by_hand.r[0]),
            ..Default::default()
        };
        let model = $module::Model::new(h);
        let mut state =
            model.start(&data, Start::Posterior(start.clone()), &Options::new().expand(false)).unwrap();
        by_hand.states(&all);
        for sweep in 0..12 {
            by_hand.loadings(&all);
            by_hand.states(&all);
            by_hand.relevances_of_loadings();
            by_hand.observation_noise(&all);
            close(state.trace[sweep], by_hand.elbo(&all, false), 1e-10);
            same_precisions(&state.posterior.gamma, &by_hand.gamma);
            same_precisions(std::slice::from_ref(&state.posterior.r), &by_hand.r);
            same_rows(&state.posterior.C, &by_hand.c, 0);
            same_numbers(&state.posterior.b, &by_hand.c, h);
            model.step(&mut state).unwrap();
        }
        let fit = state.finish().unwrap();
        monotone(&fit.trace);
        by_hand.loadings(&all);
        by_hand.states(&all);
        for (q, (mean, cov)) in fit.posterior.x.iter().zip(&by_hand.x) {
            assert!((q.mean() - mean).norm() < 1e-9 && (q.cov() - cov).norm() < 1e-10);
        }
        let options = Options::new().max_iterations(4000).tolerance(1e-9);
        honest(&model.fit_from(&data, Start::Posterior(start), &options).unwrap(), &data);
    }};
}

#[test]
fn sweeps_of_principal_components_are_the_textbook_s() {
    sweeps_of_components!(components, table(40, 5, 1, |_, _| false), 2);
}

#[test]
fn sweeps_with_missing_entries_are_the_textbook_s_whether_units_share_what_is_there_or_not() {
    sweeps_of_components!(completion, table(40, 5, 2, |i, j| (i + j) % 4 == 0), 2);
    sweeps_of_components!(completion, table(30, 5, 4, |i, j| (i * i + 3 * j * i + j) % 5 == 0 || i == 7), 3);
}

/// Driven sequences, one of a single step and one of which nothing is seen; some entries are missing.
fn sequences(seed: u64, lengths: &[usize], d: usize) -> Vec<Sequence> {
    let mut g = Noise::new(seed);
    let c = DMatrix::from_fn(d, 2, |_, _| g.normal());
    let a = DMatrix::from_row_slice(2, 2, &[0.8, 0.3, -0.2, 0.7]);
    lengths
        .iter()
        .enumerate()
        .map(|(s, n)| {
            let mut x = DVector::from_fn(2, |_, _| g.normal());
            let mut out = Sequence::default();
            for t in 0..*n {
                let u = vec![1.0, (0.7 * t as f64).sin()];
                if t > 0 {
                    x = &a * x + DVector::from_fn(2, |i, _| 0.4 * g.normal() + 0.5 * u[i]);
                }
                let y = &c * &x;
                let there = |d: usize| s != 2 && !(s + 2 * t + 3 * d).is_multiple_of(7);
                out.y.push((0..d).map(|d| there(d).then_some(y[d] + 0.3 * g.normal() + d as f64)).collect());
                out.u.push(u);
            }
            out
        })
        .collect()
}

fn matrices(all: &[Sequence]) -> (Vec<DMatrix<f64>>, Vec<DMatrix<f64>>) {
    let table = |s: &Sequence, of: &dyn Fn(&Sequence, usize, usize) -> f64, width: usize| {
        DMatrix::from_fn(s.y.len(), width, |t, i| of(s, t, i))
    };
    let y = |s: &Sequence, t: usize, d: usize| s.y[t][d].unwrap_or(f64::NAN);
    let u = |s: &Sequence, t: usize, k: usize| s.u[t][k];
    (
        all.iter().map(|s| table(s, &y, s.y[0].len())).collect(),
        all.iter().map(|s| table(s, &u, s.u[0].len())).collect(),
    )
}

#[test]
fn sweeps_of_a_state_space_are_the_textbook_s() {
    let (h, d) = (2, 3);
    let all = sequences(5, &[9, 1, 4, 13, 6], d);
    let (y, u) = matrices(&all);
    let mut by_hand = begin(7, h, d, 2, d);
    let data = space::Data { y: (&y).into(), u: (&u).into() };
    let start = space::Posterior {
        alpha: by_hand.alpha.iter().map(law).collect(),
        A: vectors(&by_hand.a, 0, h),
        B: vectors(&by_hand.a, h, h + 2),
        q: by_hand.q.iter().map(law).collect(),
        gamma: by_hand.gamma.iter().map(law).collect(),
        C: vectors(&by_hand.c, 0, h),
        b: numbers(&by_hand.c, h),
        r: by_hand.r.iter().map(law).collect(),
        ..Default::default()
    };
    let model = space::Model::new(h);
    let mut state = model.start(&data, Start::Posterior(start), &Options::new()).unwrap();
    for sweep in 0..12 {
        by_hand.states(&all);
        by_hand.transitions(&all);
        by_hand.process_noise(&all);
        by_hand.loadings(&all);
        by_hand.observation_noise(&all);
        by_hand.relevances_of_transitions();
        by_hand.relevances_of_loadings();
        close(state.trace[sweep], by_hand.elbo(&all, true), 1e-9);
        same_precisions(&state.posterior.alpha, &by_hand.alpha);
        same_precisions(&state.posterior.gamma, &by_hand.gamma);
        same_precisions(&state.posterior.q, &by_hand.q);
        same_precisions(&state.posterior.r, &by_hand.r);
        same_rows(&state.posterior.A, &by_hand.a, 0);
        same_rows(&state.posterior.B, &by_hand.a, h);
        same_rows(&state.posterior.C, &by_hand.c, 0);
        same_numbers(&state.posterior.b, &by_hand.c, h);
        model.step(&mut state).unwrap();
    }
    let fit = state.finish().unwrap();
    monotone(&fit.trace);
    by_hand.states(&all);
    for (q, (mean, cov)) in fit.posterior.x.iter().zip(&by_hand.x) {
        for (t, q) in q.iter().enumerate() {
            assert!((q.mean() - mean.rows(t * h, h)).norm() < 1e-9);
            assert!((q.cov() - cov.view((t * h, t * h), (h, h))).norm() < 1e-10);
        }
    }
    honest(&fit, &data);
}

#[test]
fn a_start_from_factors_is_a_regression_on_them() {
    let (y, h) = (table(20, 4, 6, |_, _| false), 2);
    let all = as_sequences(&y);
    let g = &mut Noise::new(9);
    let x: Vec<DVector<f64>> = (0..20).map(|_| DVector::from_fn(h, |_, _| g.normal())).collect();
    let mut by_hand = begin(3, h, 4, 0, 1);
    by_hand.gamma = vec![PRIOR; h];
    by_hand.r = vec![PRIOR];
    by_hand.x = x.iter().map(|x| (x.clone(), DMatrix::zeros(h, h))).collect();
    by_hand.loadings(&all);
    let data = components::Data { y: (&y).into() };
    let start =
        components::Posterior { x: x.into_iter().map(Marginal::Point).collect(), ..Default::default() };
    let state = components::Model::new(h).start(&data, Start::Posterior(start), &Options::new()).unwrap();
    same_rows(&state.posterior.C, &by_hand.c, 0);
    same_numbers(&state.posterior.b, &by_hand.c, h);
}
