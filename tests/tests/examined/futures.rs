//! What is said to be done where a series has no filter: longer data whose observations are missing. And factors of few rows, of weights and
//! in any order.

use super::oracle::sound;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::density::{gamma, log_integral};
use vi_tests::law::close;

model! {
    pub mod shared_scale {
        latent tau ~ Gamma(shape: 2, rate: 1);
        for s in S {
            latent   x[s, 0]                ~ Normal(0, prec: 0.1 * tau);
            latent   x[s, t in 1..T[s]]     ~ Normal(0.9 * x[s, t-1], prec: 2 * tau);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t], prec: tau);
        }
    }
}
model! {
    pub mod regimes(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    a[k in K]: Real;     param q[k in K]: Positive;   param r: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[t in 1..T] ~ Normal(a[z[t]] * x[t-1], var: q[z[t]]);
        observed y[t in T]: Real? ~ Normal(x[t], var: r);
    }
}
model! {
    /// A mean of all and coefficients of regressors stay beside the level.
    pub mod beside {
        given    u[t in T]: Vector[D];
        param    q: Positive;   param r: Positive;   param a: Real;
        latent   mu           ~ Normal(0, var: 50);
        latent   b: Vector[D] ~ Normal(0, var: 10);
        latent   x[0]         ~ Normal(0, var: 3);
        latent   x[t in 1..T] ~ Normal(a * x[t-1], var: q);
        observed y[t in T]: Real? ~ Normal(mu + x[t] + dot(b, u[t]), var: r);
    }
}
model! {
    /// Everything uncertain, the rows in units of one precision, and an input.
    pub mod learned {
        given    u[t in T]: Real;
        latent   tau              ~ Gamma(shape: 2, rate: 3);
        latent   a                ~ Normal(0.5, var: 0.2);
        latent   b                ~ Normal(0, var: 1);
        latent   x[0]             ~ Normal(1, prec: 0.1 * tau);
        latent   x[t in 1..T]     ~ Normal(a * x[t-1] + b * u[t], prec: 2 * tau);
        observed y[t in T]: Real? ~ Normal(x[t], prec: tau);
    }
}

fn longer(y: &[f64], more: usize) -> Vec<f64> {
    y.iter().copied().chain(std::iter::repeat_n(f64::NAN, more)).collect()
}

/// Everything given tau, by one dense Normal for each sequence; and tau on a grid.
#[test]
fn the_future_of_sequences_that_share_a_scale_is_student_s() {
    let mut g = Noise::new(51);
    let short: Vec<Vec<f64>> = [5, 1, 3].iter().map(|n| g.normals(*n)).collect();
    let y: Vec<Vec<f64>> = short.iter().map(|y| longer(y, 2)).collect();
    let model = shared_scale::Model::new();
    let (before, after) = (shared_scale::Data { y: (&short).into() }, shared_scale::Data { y: (&y).into() });
    let fit = model.fit(&before, &Options::new()).unwrap();
    let again = sound(&after, &Options::new(), |o| model.fit(&after, o));
    close(fit.log_evidence(), again.log_evidence(), 1e-12);
    let held = fit.infer(&after).unwrap();
    // Log p(y | tau), and mean and variance of the last state of each sequence, which is a scale times the same at tau = 1.
    let one = |y: &Vec<f64>, tau: f64| {
        let mut d = Dense::new();
        let (mut x, mut seen) = (vec![], vec![]);
        for (t, y) in y.iter().enumerate() {
            x.push(match t {
                0 => d.add(0.0, &[], 10.0 / tau),
                _ => d.add(0.0, &[(x[t - 1], 0.9)], 0.5 / tau),
            });
            let at = d.add(0.0, &[(x[t], 1.0)], 1.0 / tau);
            seen.extend((!y.is_nan()).then_some((at, *y)));
        }
        let known = d.given(&seen);
        (known.log_evidence, known.mean(x[y.len() - 1]), known.var(x[y.len() - 1]))
    };
    let weigh = |tau: f64| y.iter().map(|y| one(y, tau).0).sum::<f64>() + gamma(tau, 2.0, 1.0);
    let total = log_integral(-12.0, 5.0, |l| weigh(l.exp()) + l);
    close(again.log_evidence(), total, 1e-8);
    let inverse = log_integral(-12.0, 5.0, |l| weigh(l.exp()));
    let variance = (inverse - total).exp();
    for (s, y) in y.iter().enumerate() {
        let (_, mean, var) = one(y, 1.0);
        for q in [&again.posterior.x[s][y.len() - 1], &held.posterior.x[s][y.len() - 1]] {
            close(q.mean(), mean, 1e-10);
            close(q.var(), var * variance, 1e-7);
        }
    }
}

/// After the data q of a step is that of its regime's coefficient and precision, averaged as mean field has it: where the regimes have one law,
/// that of a plain chain.
#[test]
fn the_future_of_regimes_is_that_of_missing_steps() {
    let mut g = Noise::new(52);
    let y = longer(&g.normals(9), 3);
    let data = regimes::Data { y: (&y).into() };
    let model = regimes::Model::new(2);
    let one = regimes::Params {
        start: vec![0.4, 0.6].into(),
        trans: vec![vec![0.9, 0.1].into(), vec![0.3, 0.7].into()],
        a: vec![0.8; 2],
        q: vec![0.5; 2],
        r: 0.3,
    };
    let fit = model.infer(&data, &one).unwrap();
    let mut d = Dense::new();
    let (mut x, mut seen) = (vec![], vec![]);
    let mut at = vec![];
    for (t, y) in y.iter().enumerate() {
        x.push(if t == 0 { d.add(0.0, &[], 10.0) } else { d.add(0.0, &[(x[t - 1], 0.8)], 0.5) });
        at.push(d.add(0.0, &[(x[t], 1.0)], 0.3));
        seen.extend((!y.is_nan()).then_some((at[t], *y)));
    }
    let known = d.given(&seen);
    close(fit.elbo(), known.log_evidence, 1e-9);
    let mut share = [0.4, 0.6];
    for t in 1..12 {
        share = [0.9 * share[0] + 0.3 * share[1], 0.1 * share[0] + 0.7 * share[1]];
        close(fit.posterior.z.probs(t)[0], share[0], 1e-9);
        close(fit.posterior.x[t].mean(), known.mean(x[t]), 1e-9);
        close(fit.posterior.x[t].var(), known.var(x[t]), 1e-9);
    }
    // Simulated: two regimes far apart, against the moments of plain recursions over both.
    let p = regimes::Params { a: vec![0.9, -0.5], q: vec![0.2, 2.0], ..one };
    let (n, draws) = (4, 20_000);
    let drawn: Vec<Vec<f64>> = (0..draws)
        .map(|s| model.simulate(&p, &regimes::Data { y: Absent(n).into() }, s).unwrap().y)
        .collect();
    // E x² [z = k]
    let (mut square, mut share) = ([4.0, 6.0], [0.4, 0.6]);
    for t in 0..n {
        if t > 0 {
            let move_to = |v: [f64; 2], k: usize| v[0] * p.trans[0][k] + v[1] * p.trans[1][k];
            let next: Vec<f64> =
                (0..2).map(|k| p.a[k] * p.a[k] * move_to(square, k) + p.q[k] * move_to(share, k)).collect();
            share = [move_to(share, 0), move_to(share, 1)];
            square = [next[0], next[1]];
        }
        let expected = square[0] + square[1] + p.r;
        let squares: Vec<f64> = drawn.iter().map(|y| y[t] * y[t]).collect();
        let mean = squares.iter().sum::<f64>() / draws as f64;
        let error = (squares.iter().map(|s| (s - mean).powi(2)).sum::<f64>()).sqrt() / draws as f64;
        assert!((mean - expected).abs() < 5.0 * error, "{t}: {mean} {expected} ± {error}");
    }
}

#[test]
fn the_future_beside_a_mean_and_coefficients_is_the_dense_normal() {
    let mut g = Noise::new(53);
    let p = beside::Params { q: 0.4, r: 0.2, a: 0.7 };
    let model = beside::Model::new();
    for n in [1, 8] {
        let u = DMatrix::from_fn(n + 3, 2, |_, _| g.normal());
        let y = longer(&g.normals(n), 3);
        let data = beside::Data { u: (&u).into(), y: (&y).into() };
        let fit = model.infer(&data, &p).unwrap();
        let mut d = Dense::new();
        let mu = d.add(0.0, &[], 50.0);
        let b = [d.add(0.0, &[], 10.0), d.add(0.0, &[], 10.0)];
        let (mut x, mut at) = (vec![], vec![]);
        for t in 0..n + 3 {
            x.push(if t == 0 { d.add(0.0, &[], 3.0) } else { d.add(0.0, &[(x[t - 1], p.a)], p.q) });
            at.push(d.add(0.0, &[(mu, 1.0), (x[t], 1.0), (b[0], u[(t, 0)]), (b[1], u[(t, 1)])], p.r));
        }
        let seen: Vec<(usize, f64)> = (0..n).map(|t| (at[t], y[t])).collect();
        let known = d.given(&seen);
        close(fit.log_likelihood(), known.log_evidence, 1e-10);
        close(fit.posterior.mu.mean(), known.mean(mu), 1e-10);
        for t in n..n + 3 {
            let q = fit.posterior.y.get([t]).unwrap();
            close(q.mean(), known.mean(at[t]), 1e-9);
            close(q.var(), known.var(at[t]), 1e-9);
            close(
                q.interval(0.5).unwrap().1,
                known.mean(at[t]) + 0.674_489_750_196_081_7 * known.var(at[t]).sqrt(),
                1e-9,
            );
        }
        // Draws: data that are simulated have the covariance of the prior.
        if n == 1 {
            let draws: Vec<Vec<f64>> = (0..6000)
                .map(|s| {
                    model.simulate(&p, &beside::Data { u: (&u).into(), y: Absent(4).into() }, s).unwrap().y
                })
                .collect();
            let prior = d.given(&[]);
            let (i, j) = (at[0], at[3]);
            let found = draws.iter().map(|y| y[0] * y[3]).sum::<f64>() / 6000.0;
            let c = prior.cov[(i, j)];
            assert!(
                (found - c).abs() < 5.0 * ((prior.var(i) * prior.var(j) + c * c) / 6000.0).sqrt(),
                "{found} {c}"
            );
        }
    }
}

/// Steps to come cost nothing at a fixed q of what all steps share, but for what their own uncertainty of coefficients says of the last state.
#[test]
fn a_future_beside_uncertain_coefficients_is_honest() {
    let mut g = Noise::new(54);
    let u = g.normals(24);
    let mut x = 1.0;
    let y: Vec<f64> = (0..20)
        .map(|t| {
            x = 0.6 * x + 0.8 * u[t] + 0.3 * g.normal();
            x + 0.4 * g.normal()
        })
        .collect();
    let y = longer(&y, 4);
    let data = learned::Data { u: (&u).into(), y: (&y).into() };
    let model = learned::Model::new();
    let fit = sound(&data, &Options::new().max_iterations(500), |o| model.fit(&data, o));
    let (a, b) = (fit.posterior.a.mean(), fit.posterior.b.mean());
    for t in 20..24 {
        let q = &fit.posterior.x[t];
        // The mean of a step beyond all data is the expected coefficients on the mean before, less what the spread of a takes.
        let plain = a * fit.posterior.x[t - 1].mean() + b * u[t];
        assert!((q.mean() - plain).abs() < 0.2 * (1.0 + plain.abs()), "{t}: {} {plain}", q.mean());
        assert!(q.var() > 0.0 && q.var().is_finite());
    }
    assert!(fit.posterior.x[23].var() > fit.posterior.x[10].var());
}
