//! Filters and forecasts of chains beside uncertain coefficients and scales: the filter against dense quadratic forms of the expected log joint,
//! the forecast against moments and against plain simulation under q.

use nalgebra::{DMatrix, DVector};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    /// Everything is uncertain.
    pub mod returning {
        latent   a                     ~ Normal(0, var: 1);
        latent   c                     ~ Normal(1, var: 0.5);
        latent   q                     ~ Gamma(shape: 2, rate: 1);
        latent   r                     ~ Gamma(shape: 2, rate: 1);
        for s in S {
            latent   x[s, 0]           ~ Normal(0.5, var: 2);
            latent   x[s, t in 1..T[s]] ~ Normal(a * x[s, t-1], prec: q);
            observed y[s, t in T[s]]: Real? ~ Normal(c * x[s, t], prec: r);
        }
    }
}
model! {
    /// Vectors, with relevances of the columns of A.
    pub mod space(H) {
        latent   alpha[h in H]         ~ Gamma(shape: 1, rate: 1);
        latent   A[i in H]: Vector[H]  ~ Normal(0, prec: alpha);
        latent   C[d in D]: Vector[H]  ~ Normal(0, var: 1);
        latent   q                     ~ Gamma(shape: 3, rate: 1);
        latent   r                     ~ Gamma(shape: 3, rate: 1);
        latent   x[0]: Vector[H]       ~ Normal(0, var: 1);
        latent   x[t in 1..T]          ~ Normal(A * x[t-1], prec: q);
        observed y[t in T, d in D]     ~ Normal(dot(C[d], x[t]), prec: r);
    }
}

fn sequences(seed: u64) -> Vec<Vec<Option<f64>>> {
    let g = &mut Noise::new(seed);
    [14, 1, 0, 9]
        .iter()
        .map(|n| {
            let mut x = 0.5;
            (0..*n)
                .map(|t| {
                    x = 0.8 * x + 0.7 * g.normal();
                    (t % 5 != 2).then_some(x + 0.5 * g.normal())
                })
                .collect()
        })
        .collect()
}

fn fitted(y: &[Vec<Option<f64>>]) -> Fit<returning::Model> {
    let data = returning::Data { y: y.into() };
    returning::Model::new().fit(&data, &Options::new().max_iterations(2000).tolerance(1e-11)).unwrap()
}

/// Mean and covariance of x[0..n], and log ∫ exp E log p(x, y) dx, of the expected log joint on these data.
fn expected(fit: &Fit<returning::Model>, y: &[Option<f64>]) -> (DVector<f64>, DMatrix<f64>, f64) {
    let p = &fit.posterior;
    let (a, c) = (p.a.law().unwrap(), p.c.law().unwrap());
    let (q, r) = (p.q.law().unwrap(), p.r.law().unwrap());
    let (am, av, cm, cv) = (a.mean, a.sd().powi(2), c.mean, c.sd().powi(2));
    let log_tau = (2.0 * std::f64::consts::PI).ln();
    let (eq, er) = (p.q.mean(), p.r.mean());
    let (lq, lr) = (q.expect_log(), r.expect_log());
    let n = y.len();
    let mut precision = DMatrix::<f64>::zeros(n, n);
    let mut linear = DVector::<f64>::zeros(n);
    let mut constant = 0.0;
    precision[(0, 0)] += 0.5;
    linear[0] += 0.25;
    constant += -0.5 * log_tau - 0.5 * 2f64.ln() - 0.5 * 0.125;
    for t in 0..n {
        if t > 0 {
            precision[(t, t)] += eq;
            precision[(t - 1, t - 1)] += eq * (am * am + av);
            precision[(t, t - 1)] -= eq * am;
            precision[(t - 1, t)] -= eq * am;
            constant += -0.5 * log_tau + 0.5 * lq;
        }
        if let Some(y) = y[t] {
            precision[(t, t)] += er * (cm * cm + cv);
            linear[t] += er * cm * y;
            constant += -0.5 * log_tau + 0.5 * lr - 0.5 * er * y * y;
        }
    }
    let cov = precision.clone().try_inverse().unwrap();
    let mean = &cov * &linear;
    let log_det = precision.cholesky().unwrap().l().diagonal().iter().map(|x| 2.0 * x.ln()).sum::<f64>();
    let log = constant + 0.5 * linear.dot(&mean) + 0.5 * n as f64 * log_tau - 0.5 * log_det;
    (mean, cov, log)
}

#[test]
fn a_filter_is_the_last_marginal_of_the_expected_log_joint_of_the_data_so_far() {
    let y = sequences(1);
    let fit = fitted(&y);
    let data = returning::Data { y: (&y).into() };
    let filtered = fit.filter(&data).unwrap();
    assert_eq!(filtered.a, fit.posterior.a);
    for (s, y) in y.iter().enumerate() {
        for t in 0..y.len() {
            let (mean, cov, _) = expected(&fit, &y[..=t]);
            close(filtered.x[s][t].mean(), mean[t], 1e-10);
            close(filtered.x[s][t].var(), cov[(t, t)], 1e-10);
        }
        if let Some(last) = y.len().checked_sub(1) {
            // Coefficients were updated once more after the last E-step of the fit.
            close(filtered.x[s][last].mean(), fit.posterior.x[s][last].mean(), 1e-5);
            close(filtered.x[s][last].var(), fit.posterior.x[s][last].var(), 1e-5);
        }
    }
}

#[test]
fn one_step_at_a_time_adds_up_to_the_chain_s_part_of_the_bound() {
    let y = sequences(2);
    let fit = fitted(&y);
    let y = &y[0];
    let mut online = fit.online();
    let mut total = 0.0;
    for t in 0..y.len() {
        let window = vec![y[t.saturating_sub(1)..=t].to_vec()];
        let step = online.push(&returning::Data { y: (&window).into() }).unwrap();
        let (mean, cov, log) = expected(&fit, &y[..=t]);
        total += step.bound.unwrap();
        close(step.mean[0], mean[t], 1e-10);
        close(step.cov[(0, 0)], cov[(t, t)], 1e-10);
        close(total, log, 1e-10);
    }
}

/// A draw of the path of one sequence after its data, by the statements themselves under q.
fn simulated(fit: &Fit<returning::Model>, last: (f64, f64), steps: usize, g: &mut Noise) -> Vec<f64> {
    let p = &fit.posterior;
    let a = p.a.mean() + p.a.sd() * g.normal();
    let c = p.c.mean() + p.c.sd() * g.normal();
    let mut gamma = |shape: f64, rate: f64| {
        // Marsaglia and Tsang (2000), for shapes above 1.
        let d = shape - 1.0 / 3.0;
        loop {
            let z = g.normal();
            let v = (1.0 + z / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && g.unit().ln() < 0.5 * z * z + d - d * v + d * v.ln() {
                return d * v / rate;
            }
        }
    };
    let (q, r) = (p.q.law().unwrap(), p.r.law().unwrap());
    let (q, r) = (gamma(q.shape, q.rate), gamma(r.shape, r.rate));
    let mut x = last.0 + last.1.sqrt() * g.normal();
    (0..steps)
        .map(|_| {
            x = a * x + g.normal() / q.sqrt();
            c * x + g.normal() / r.sqrt()
        })
        .collect()
}

#[test]
fn a_forecast_has_the_moments_of_one_step_and_the_law_of_plain_simulation() {
    let y = sequences(3);
    let fit = fitted(&y);
    let data = returning::Data { y: (&y).into() };
    let (steps, draws) = (4, 1500);
    let ahead = fit.forecast_draws(&data, steps, draws, 7).unwrap();
    let p = &fit.posterior;
    let second = |m: f64, sd: f64| m * m + sd * sd;
    let (q, r) = (p.q.law().unwrap(), p.r.law().unwrap());
    let (vq, vr) = (q.rate / (q.shape - 1.0), r.rate / (r.shape - 1.0));
    for s in [0, 1, 3] {
        let last = &p.x[s][y[s].len() - 1];
        // E a x and E (a x)² + E 1/q, by independence under q.
        let mean = p.a.mean() * last.mean();
        let square = second(p.a.mean(), p.a.sd()) * second(last.mean(), last.sd()) + vq;
        let state = ahead.state(s, 0, 0).unwrap();
        let (found, error) = state.mean();
        assert!((found - mean).abs() < 5.0 * error + 1e-12, "{found} {mean} {error}");
        let (sd, error) = state.sd();
        let exact = (square - mean * mean).sqrt();
        assert!((sd - exact).abs() < 5.0 * error, "{sd} {exact} {error}");
        let seen = ahead.absent(|d| d.y.get([s, 0])).unwrap();
        let (found, error) = seen.mean();
        assert!((found - p.c.mean() * mean).abs() < 5.0 * error);
        let of_seen = second(p.c.mean(), p.c.sd()) * square + vr - (p.c.mean() * mean).powi(2);
        let (sd, error) = seen.sd();
        assert!((sd - of_seen.sqrt()).abs() < 5.0 * error, "{sd} {} {error}", of_seen.sqrt());

        let mut g = Noise::new(40 + s as u64);
        let many = 20_000;
        let paths: Vec<Vec<f64>> =
            (0..many).map(|_| simulated(&fit, (last.mean(), last.var()), steps, &mut g)).collect();
        for k in 0..steps {
            let law = ahead.absent(|d| d.y.get([s, k])).unwrap();
            for level in [0.05, 0.25, 0.5, 0.9] {
                let (x, error) = law.quantile(level);
                // The share below, with the errors of both sides on the scale of probabilities.
                let below = paths.iter().filter(|p| p[k] <= x).count() as f64 / f64::from(many);
                let own = (level * (1.0 - level) / f64::from(many)).sqrt();
                let other = error * law.mixture().log_density(x).exp();
                let spread = (own * own + other * other).sqrt();
                assert!((below - level).abs() < 5.0 * spread, "{s} {k}: {below} {level} {spread}");
            }
            let ((low, high), _) = law.interval(0.9);
            close(low, law.quantile(0.05).0, 1e-12);
            close(high, law.quantile(0.95).0, 1e-12);
        }
    }
    // A sequence without data begins with the prior of its first step.
    let begun = ahead.state(2, 0, 0).unwrap();
    close(begun.mean().0, 0.5, 1e-12);
    close(begun.sd().0, 2f64.sqrt(), 1e-12);
    assert!(ahead.state(2, 4, 0).is_none() && ahead.state(4, 0, 0).is_none());
}

#[test]
fn draws_depend_on_the_seed_alone_and_more_of_them_begin_with_the_same() {
    let y = sequences(4);
    let fit = fitted(&y);
    let data = returning::Data { y: (&y).into() };
    let ten = fit.forecast_draws(&data, 3, 10, 1).unwrap();
    let more = fit.forecast_draws(&data, 3, 20, 1).unwrap();
    for (one, other) in ten.draws().iter().zip(more.draws()) {
        assert_eq!(one.states, other.states);
        assert_eq!(one.absent, other.absent);
        assert_eq!(one.shared.a, other.shared.a);
    }
    let other = fit.forecast_draws(&data, 3, 10, 2).unwrap();
    assert!(ten.draws()[0].shared.a != other.draws()[0].shared.a);
    assert!(fit.forecast_draws(&data, 3, 0, 1).is_err());
}

/// The law of vectors at each draw, by hand.
#[test]
fn given_a_draw_the_future_of_vectors_is_the_dense_normal_at_its_values() {
    let g = &mut Noise::new(5);
    let (n, h, d, steps) = (20, 2, 3, 3);
    let y = DMatrix::from_fn(n, d, |_, _| g.normal());
    let data = space::Data { y: (&y).into() };
    let fit = space::Model::new(h).fit(&data, &Options::new().max_iterations(200).seed(3)).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let last = (filtered.x[n - 1].mean(), filtered.x[n - 1].cov());
    let smoothed = (fit.posterior.x[n - 1].mean(), fit.posterior.x[n - 1].cov());
    assert!((&last.0 - &smoothed.0).norm() < 1e-6 && (&last.1 - &smoothed.1).norm() < 1e-6);
    let ahead = fit.forecast_draws(&data, steps, 30, 9).unwrap();
    for draw in ahead.draws() {
        let z = &draw.shared;
        let rows = |rows: &[DVector<f64>]| DMatrix::from_fn(rows.len(), h, |i, j| rows[i][j]);
        let (a, c) = (rows(&z.A), rows(&z.C));
        let (mut m, mut v) = last.clone();
        for k in 0..steps {
            m = &a * m;
            v = &a * v * a.transpose() + DMatrix::identity(h, h) / z.q;
            assert!((draw.states[0].mean(k) - &m).norm() < 1e-8 * (1.0 + m.norm()));
            assert!((draw.states[0].cov(k) - &v).norm() < 1e-8 * v.norm());
            let seen = &c * &v * c.transpose() + DMatrix::identity(d, d) / z.r;
            let mean = &c * &m;
            for i in 0..d {
                let found = draw.absent.y.get([k, i]).unwrap();
                close(found.mean(), mean[i], 1e-7);
                close(found.var(), seen[(i, i)], 1e-7);
            }
        }
    }
}
