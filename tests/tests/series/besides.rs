//! Gaussian chains beside Gaussians that outlive them, in one block: a coefficient or a mean that all steps share, against one dense Normal.

use nalgebra::DMatrix;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Known};
use vi_tests::law::{close, exact, honest};

model! {
    /// A random walk and a regression on inputs, in one mean.
    pub mod regression {
        given    u[t in T]: Vector[D];
        param    v: Positive;
        param    q: Positive;
        param    r: Positive;
        latent   b[d in D]    ~ Normal(0, var: v);
        latent   x[0]         ~ Normal(1, var: 3);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]: Real? ~ Normal(x[t] + dot(b, u[t]), var: r);
    }
}
model! {
    /// The coefficients of `regression` as states that hardly move: what has a filter.
    pub mod as_states {
        given    u[t in T]: Vector[D];
        param    v: Positive;
        param    q: Positive;
        param    r: Positive;
        latent   b[0]: Vector[D] ~ Normal(0, var: v);
        latent   b[t in 1..T]    ~ Normal(b[t-1], var: 1e-12);
        latent   x[0]         ~ Normal(1, var: 3);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]: Real? ~ Normal(x[t] + dot(b[t], u[t]), var: r);
    }
}
model! {
    /// An unknown mean of the first state, which is the drift as well.
    pub mod drift {
        param    phi: Real;
        param    q: Positive;
        param    r: Positive;
        latent   mu           ~ Normal(0, var: 100);
        latent   x[0]         ~ Normal(mu, var: 2);
        latent   x[t in 1..T] ~ Normal(0.1 * mu + phi * x[t-1], var: q);
        observed y[t in T]: Real? ~ Normal(x[t], var: r);
    }
}

/// Every third value or so is missing, and the last few are.
pub fn with_gaps(y: &[f64], u: &mut Noise) -> Vec<f64> {
    let n = y.len();
    y.iter()
        .enumerate()
        .map(|(t, y)| if n > 3 && (t + 3 > n || u.below(4) == 0) { f64::NAN } else { *y })
        .collect()
}

/// A variance is that of the dense posterior.
#[track_caller]
pub fn same_var(found: f64, known: &Known, v: usize) {
    assert!((found / known.var(v) - 1.0).abs() < 1e-10, "{found:e} {:e}", known.var(v));
}

/// Numeric derivative of the log of the evidence in the log of each positive param.
#[track_caller]
pub fn stationary(at: &[f64], mut evidence: impl FnMut(&[f64]) -> f64, within: f64) {
    for k in 0..at.len() {
        let h = 1e-4;
        let mut moved = |by: f64| {
            let mut p = at.to_vec();
            p[k] *= f64::exp(by);
            evidence(&p)
        };
        let slope = (moved(h) - moved(-h)) / (2.0 * h);
        assert!(slope.abs() < within, "param {k}: slope {slope:e}");
    }
}

struct Regressed {
    b: Vec<usize>,
    x: Vec<usize>,
    known: Known,
}

fn regressed(u: &DMatrix<f64>, y: &[f64], p: &regression::Params) -> Regressed {
    let mut dense = Dense::new();
    let b: Vec<usize> = (0..u.ncols()).map(|_| dense.add(0.0, &[], p.v)).collect();
    let mut x: Vec<usize> = vec![];
    let mut seen = vec![];
    for t in 0..y.len() {
        x.push(match t {
            0 => dense.add(1.0, &[], 3.0),
            _ => dense.add(0.0, &[(x[t - 1], 1.0)], p.q),
        });
        if !y[t].is_nan() {
            let mut form = vec![(x[t], 1.0)];
            form.extend((0..b.len()).map(|d| (b[d], u[(t, d)])));
            seen.push((dense.add(0.0, &form, p.r), y[t]));
        }
    }
    Regressed { b, x, known: dense.given(&seen) }
}

fn series(n: usize, dim: usize, u: &mut Noise) -> (DMatrix<f64>, Vec<f64>) {
    let inputs = DMatrix::from_fn(n, dim, |_, _| u.normal());
    let b: Vec<f64> = (0..dim).map(|_| 2.0 * u.normal()).collect();
    let mut level = 1.0;
    let y = (0..n)
        .map(|t| {
            level += 0.4 * u.normal();
            level + (0..dim).map(|d| b[d] * inputs[(t, d)]).sum::<f64>() + 0.7 * u.normal()
        })
        .collect();
    (inputs, y)
}

#[test]
fn a_walk_beside_coefficients_is_one_dense_normal() {
    let mut u = Noise::new(1);
    for (n, dim, gaps, q) in [
        (40, 3, true, 0.2),
        (40, 3, true, 1e-12),
        (25, 1, false, 2.0),
        (1, 2, false, 0.5),
        (2, 2, false, 0.5),
        (3, 4, false, 0.1),
        (6, 2, false, 1e-12),
    ] {
        let (inputs, y) = series(n, dim, &mut u);
        let y = if gaps { with_gaps(&y, &mut u) } else { y };
        let data = regression::Data { u: (&inputs).into(), y: (&y).into() };
        let params = regression::Params { v: 1.7, q, r: 0.6 };
        let fit = regression::Model::new().infer(&data, &params).unwrap();
        let Regressed { b, x, known } = regressed(&inputs, &y, &params);
        exact(&fit, &data, known.log_evidence);
        let law = fit.posterior.x.law().unwrap();
        let (mean, var) = (law.mean(), law.var());
        for (t, v) in x.iter().enumerate() {
            close(mean[t], known.mean(*v), 1e-10);
            same_var(var[t], &known, *v);
        }
        // Neighbours, and the coefficients.
        for t in 1..n {
            let mut c = vec![0.0; n];
            (c[t], c[t - 1]) = (1.0, -1.0);
            let step = known.var(x[t]) + known.var(x[t - 1]) - 2.0 * known.cov[(x[t], x[t - 1])];
            let found = law.combination(&c).var();
            assert!((found - step).abs() < 1e-10 * known.var(x[t]), "{t}: {found:e} {step:e}");
        }
        let (mean, cov) = (fit.posterior.b.mean(), fit.posterior.b.cov());
        for (i, v) in b.iter().enumerate() {
            close(mean[i], known.mean(*v), 1e-10);
            for (j, w) in b.iter().enumerate() {
                let scale = (known.var(*v) * known.var(*w)).sqrt();
                assert!((cov[(i, j)] - known.cov[(*v, *w)]).abs() < 1e-10 * scale);
            }
        }
        // Each M-step is that of the moments of the dense posterior.
        let mut state =
            regression::Model::new().start(&data, Start::Params(params), &Options::new()).unwrap();
        regression::Model::new().step(&mut state).unwrap();
        let next = state.finish().unwrap().params;
        let v = b.iter().map(|v| known.square(0.0, &[(*v, 1.0)])).sum::<f64>() / dim as f64;
        close(next.v, v, 1e-10);
        if n > 1 && q > 1e-6 {
            let steps = (1..n).map(|t| known.square(0.0, &[(x[t], 1.0), (x[t - 1], -1.0)]));
            close(next.q, steps.sum::<f64>() / (n - 1) as f64, 1e-9);
        }
        let seen: Vec<usize> = (0..n).filter(|t| !y[*t].is_nan()).collect();
        let left = seen.iter().map(|t| {
            let mut form = vec![(x[*t], -1.0)];
            form.extend((0..dim).map(|d| (b[d], -inputs[(*t, d)])));
            known.square(y[*t], &form)
        });
        close(next.r, left.sum::<f64>() / seen.len() as f64, 1e-9);
    }
}

#[test]
fn coefficients_that_hardly_move_say_the_same_and_have_a_filter() {
    let mut u = Noise::new(9);
    let (inputs, y) = series(30, 2, &mut u);
    let y = with_gaps(&y, &mut u);
    let data = as_states::Data { u: (&inputs).into(), y: (&y).into() };
    let fit = as_states::Model::new().infer(&data, &as_states::Params { v: 1.7, q: 0.3, r: 0.6 }).unwrap();
    let params = regression::Params { v: 1.7, q: 0.3, r: 0.6 };
    let Regressed { known, .. } = regressed(&inputs, &y, &params);
    close(fit.log_likelihood(), known.log_evidence, 1e-9);
    let said: f64 = fit.log_densities(&data).unwrap()[0].iter().map(|d| d.unwrap()).sum();
    close(said, known.log_evidence, 1e-9);
    let filtered = fit.filter(&data).unwrap();
    for t in [4, 17, 29] {
        let seen = DMatrix::from_fn(t + 1, 2, |i, j| inputs[(i, j)]);
        let Regressed { b, x, known } = regressed(&seen, &y[..=t], &params);
        close(filtered.x[t].mean(), known.mean(x[t]), 1e-9);
        close(filtered.x[t].var(), known.var(x[t]), 1e-9);
        for (i, v) in b.iter().enumerate() {
            close(filtered.b[t].mean()[i], known.mean(*v), 1e-9);
            close(filtered.b[t].cov()[(i, i)], known.var(*v), 1e-9);
        }
    }
}

#[test]
fn em_ends_where_the_evidence_is_stationary() {
    let mut u = Noise::new(2);
    let (inputs, y) = series(80, 3, &mut u);
    let y = with_gaps(&y, &mut u);
    let data = regression::Data { u: (&inputs).into(), y: (&y).into() };
    let options = Options::new().tolerance(1e-13).max_iterations(20_000);
    let fit = regression::Model::new().fit(&data, &options).unwrap();
    honest(&fit, &data);
    let evidence = |p: &[f64]| {
        regressed(&inputs, &y, &regression::Params { v: p[0], q: p[1], r: p[2] }).known.log_evidence
    };
    let at = [fit.params.v, fit.params.q, fit.params.r];
    close(fit.log_likelihood(), evidence(&at), 1e-10);
    stationary(&at, evidence, 2e-4);
}

#[test]
fn what_is_missing_in_the_future_is_a_forecast() {
    let mut u = Noise::new(3);
    let (inputs, mut y) = series(30, 2, &mut u);
    y[26..].fill(f64::NAN);
    y[7] = f64::NAN;
    let data = regression::Data { u: (&inputs).into(), y: (&y).into() };
    let params = regression::Params { v: 2.0, q: 0.3, r: 0.5 };
    let fit = regression::Model::new().infer(&data, &params).unwrap();
    let Regressed { b, x, known } = regressed(&inputs, &y, &params);
    let json = serde_json::to_string(&fit).unwrap();
    let again: Fit<regression::Model> = serde_json::from_str(&json).unwrap();
    assert_eq!(again.posterior, fit.posterior);
    for t in (0..30).filter(|t| y[*t].is_nan()) {
        let own = [(x[t], 1.0), (b[0], inputs[(t, 0)]), (b[1], inputs[(t, 1)])];
        let mean = own.iter().map(|(v, a)| a * known.mean(*v)).sum::<f64>();
        let law = fit.posterior.y.get([t]).unwrap();
        close(law.mean(), mean, 1e-10);
        close(law.var(), params.r + known.square(-mean, &own), 1e-10);
    }
    assert_eq!(fit.posterior.y.len(), 5);
    assert!(fit.posterior.y.get([3]).is_none());
    // Draws are joint.
    let draws = fit.draw(&data, 5, 4000).unwrap();
    let form = |z: &regression::Latents| z.x[29] + z.b[0] * inputs[(29, 0)] + z.b[1] * inputs[(29, 1)];
    let mean = draws.iter().map(form).sum::<f64>() / draws.len() as f64;
    let var = draws.iter().map(|z| (form(z) - mean).powi(2)).sum::<f64>() / draws.len() as f64;
    let own = [(x[29], 1.0), (b[0], inputs[(29, 0)]), (b[1], inputs[(29, 1)])];
    let expected = own.iter().map(|(v, a)| a * known.mean(*v)).sum::<f64>();
    let spread = known.square(-expected, &own);
    assert!((mean - expected).abs() < 4.0 * (spread / 4000.0).sqrt());
    assert!((var / spread - 1.0).abs() < 0.12, "{var} {spread}");
}

fn drifted(y: &[f64], p: &drift::Params) -> (usize, Vec<usize>, Known) {
    let mut dense = Dense::new();
    let mu = dense.add(0.0, &[], 100.0);
    let mut x: Vec<usize> = vec![];
    let mut seen = vec![];
    for t in 0..y.len() {
        x.push(match t {
            0 => dense.add(0.0, &[(mu, 1.0)], 2.0),
            _ => dense.add(0.0, &[(mu, 0.1), (x[t - 1], p.phi)], p.q),
        });
        if !y[t].is_nan() {
            seen.push((dense.add(0.0, &[(x[t], 1.0)], p.r), y[t]));
        }
    }
    (mu, x, dense.given(&seen))
}

#[test]
fn an_unknown_mean_of_the_first_state_and_of_the_drift() {
    let mut u = Noise::new(4);
    for n in [1, 2, 30] {
        let mut level = 5.0;
        let y: Vec<f64> = (0..n)
            .map(|_| {
                level = 0.5 + 0.9 * level + 0.5 * u.normal();
                level + 0.4 * u.normal()
            })
            .collect();
        let y = with_gaps(&y, &mut u);
        let data = drift::Data { y: (&y).into() };
        let params = drift::Params { phi: 0.8, q: 0.4, r: 0.2 };
        let fit = drift::Model::new().infer(&data, &params).unwrap();
        let (mu, x, known) = drifted(&y, &params);
        exact(&fit, &data, known.log_evidence);
        close(fit.posterior.mu.mean(), known.mean(mu), 1e-10);
        same_var(fit.posterior.mu.var(), &known, mu);
        for (t, v) in x.iter().enumerate() {
            close(fit.posterior.x.mean()[t], known.mean(*v), 1e-10);
            same_var(fit.posterior.x.var()[t], &known, *v);
        }
        if n < 30 {
            continue;
        }
        // The slope of the state is a param beside an uncertain state and an uncertain mean.
        let mut state = drift::Model::new().start(&data, Start::Params(params), &Options::new()).unwrap();
        drift::Model::new().step(&mut state).unwrap();
        let next = state.finish().unwrap().params;
        let (mut top, mut bottom) = (0.0, 0.0);
        for t in 1..n {
            top += known.product((0.0, &[(x[t], 1.0), (mu, -0.1)]), (0.0, &[(x[t - 1], 1.0)]));
            bottom += known.square(0.0, &[(x[t - 1], 1.0)]);
        }
        close(next.phi, top / bottom, 1e-10);
        let fit =
            drift::Model::new().fit(&data, &Options::new().tolerance(1e-13).max_iterations(20_000)).unwrap();
        honest(&fit, &data);
        let evidence = |p: &[f64]| drifted(&y, &drift::Params { phi: p[0], q: p[1], r: p[2] }).2.log_evidence;
        stationary(&[fit.params.phi, fit.params.q, fit.params.r], evidence, 1e-3);
    }
}

/// `cargo test --release -p vi-tests --test series -- --ignored --nocapture a_sweep_takes_time`
#[test]
#[ignore = "a measurement: its outcome depends on the machine"]
fn a_sweep_takes_time_linear_in_the_length() {
    let mut u = Noise::new(10);
    for n in [2500, 5000, 10_000, 20_000] {
        let (inputs, y) = series(n, 3, &mut u);
        let data = regression::Data { u: (&inputs).into(), y: (&y).into() };
        let params = regression::Params { v: 1.0, q: 0.2, r: 0.5 };
        let begun = std::time::Instant::now();
        let options = Options::new().budget(65_536);
        let mut state = regression::Model::new().start(&data, Start::Params(params), &options).unwrap();
        let first = begun.elapsed();
        let sweeps: Vec<f64> = (0..10)
            .map(|_| {
                let begun = std::time::Instant::now();
                regression::Model::new().step(&mut state).unwrap();
                begun.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        let begun = std::time::Instant::now();
        let fit = state.finish().unwrap();
        let least = sweeps.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "T = {n}: start {first:.1?}, sweep {least:.1} ms of {sweeps:.1?}, end {:.1?}, {:.3}",
            begun.elapsed(),
            fit.elbo()
        );
    }
}
