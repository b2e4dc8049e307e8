//! Filters, forecasts, draws and one step at a time of series that have several orders, regressors or coefficients that outlast their steps.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Known};
use vi_tests::law::close;

model! {
    /// A level, its slope and four seasons that add up to noise: the parts of one chain look back one step and three.
    pub mod quarterly {
        param    q: Positive;   param v: Positive;   param w: Positive;   param r: Positive;
        for s in S {
            latent   level[s, 0]             ~ Normal(1, var: 9);
            latent   slope[s, 0]             ~ Normal(0, var: 1);
            latent   level[s, t in 1..T[s]]  ~ Normal(level[s, t-1] + slope[s, t-1], var: q);
            latent   slope[s, t in 1..T[s]]  ~ Normal(slope[s, t-1], var: v);
            latent   season[s, 0]            ~ Normal(0, var: 4);
            latent   season[s, 1]            ~ Normal(0, var: 4);
            latent   season[s, 2]            ~ Normal(0, var: 4);
            latent   season[s, t in 3..T[s]] ~ Normal(-season[s, t-1] - season[s, t-2] - season[s, t-3], var: w);
            observed y[s, t in T[s]]: Real?  ~ Normal(level[s, t] + season[s, t], var: r);
        }
    }
}
model! {
    /// Coefficients that walk, and errors that are an autoregression of order two.
    pub mod errors {
        given    u[t in T]: Vector[D];
        param    q[d in D]: Positive;   param a: Real;   param b: Real;   param s: Positive;   param r: Positive;
        latent   beta[0]: Vector[D]   ~ Normal(0, var: 2);
        latent   beta[t in 1..T]      ~ Normal(beta[t-1], var: q);
        latent   x[0]                 ~ Normal(0, var: 1);
        latent   x[1]                 ~ Normal(a * x[0], var: 1);
        latent   x[t in 2..T]         ~ Normal(a * x[t-1] + b * x[t-2], var: s);
        observed y[t in T]: Real?     ~ Normal(dot(beta[t], u[t]) + x[t], var: r);
    }
}

struct Laid {
    dense: Dense,
    /// The states of each step, in the order of the declarations.
    states: Vec<Vec<usize>>,
    data: Vec<usize>,
}

impl Laid {
    fn given(&self, y: &[f64]) -> Known {
        let pairs = self.data.iter().zip(y).filter(|(_, y)| !y.is_nan());
        let seen: Vec<(usize, f64)> = pairs.map(|(a, y)| (*a, *y)).collect();
        self.dense.given(&seen)
    }
}

fn quarterly_by_hand(p: &quarterly::Params, n: usize) -> Laid {
    let mut d = Dense::new();
    let (mut states, mut data): (Vec<Vec<usize>>, Vec<usize>) = (vec![], vec![]);
    for t in 0..n {
        let now = if t == 0 {
            vec![d.add(1.0, &[], 9.0), d.add(0.0, &[], 1.0)]
        } else {
            let last = &states[t - 1];
            let level = d.add(0.0, &[(last[0], 1.0), (last[1], 1.0)], p.q);
            vec![level, d.add(0.0, &[(last[1], 1.0)], p.v)]
        };
        let season = if t < 3 {
            d.add(0.0, &[], 4.0)
        } else {
            d.add(0.0, &[(states[t - 1][2], -1.0), (states[t - 2][2], -1.0), (states[t - 3][2], -1.0)], p.w)
        };
        data.push(d.add(0.0, &[(now[0], 1.0), (season, 1.0)], p.r));
        states.push([now, vec![season]].concat());
    }
    Laid { dense: d, states, data }
}

fn errors_by_hand(p: &errors::Params, u: &DMatrix<f64>) -> Laid {
    let mut d = Dense::new();
    let (mut states, mut data): (Vec<Vec<usize>>, Vec<usize>) = (vec![], vec![]);
    let wide = u.ncols();
    for t in 0..u.nrows() {
        let mut now: Vec<usize> = (0..wide)
            .map(|i| match t {
                0 => d.add(0.0, &[], 2.0),
                _ => d.add(0.0, &[(states[t - 1][i], 1.0)], p.q[i]),
            })
            .collect();
        now.push(match t {
            0 => d.add(0.0, &[], 1.0),
            1 => d.add(0.0, &[(states[0][wide], p.a)], 1.0),
            _ => d.add(0.0, &[(states[t - 1][wide], p.a), (states[t - 2][wide], p.b)], p.s),
        });
        let mut form: Vec<(usize, f64)> = (0..wide).map(|i| (now[i], u[(t, i)])).collect();
        form.push((now[wide], 1.0));
        data.push(d.add(0.0, &form, p.r));
        states.push(now);
    }
    Laid { dense: d, states, data }
}

fn with_holes(g: &mut Noise, n: usize) -> Vec<f64> {
    (0..n).map(|t| if t % 5 == 3 { f64::NAN } else { 0.3 * t as f64 + g.normal() }).collect()
}

#[test]
fn seasons_that_look_three_steps_back_are_filtered_forecast_and_taken_one_by_one() {
    let mut g = Noise::new(31);
    let p = quarterly::Params { q: 0.3, v: 0.05, w: 0.2, r: 0.5 };
    let y: Vec<Vec<f64>> = [11, 1, 0, 2, 3, 4].map(|n| with_holes(&mut g, n)).into();
    let data = quarterly::Data { y: (&y).into() };
    let fit = quarterly::Model::new().infer(&data, &p).unwrap();
    let (filtered, logs) = (fit.filter(&data).unwrap(), fit.log_densities(&data).unwrap());
    let mut total = 0.0;
    for (s, y) in y.iter().enumerate() {
        let laid = quarterly_by_hand(&p, y.len() + 5);
        let mut before = 0.0;
        for t in 0..y.len() {
            let known = laid.given(&y[..=t]);
            let at = &laid.states[t];
            for (q, v) in [&filtered.level, &filtered.slope, &filtered.season].iter().zip(at) {
                close(q[s][t].mean(), known.mean(*v), 1e-10);
                close(q[s][t].var(), known.var(*v), 1e-10);
            }
            close(logs[s][t].unwrap(), known.log_evidence - before, 1e-10);
            before = known.log_evidence;
        }
        total += before;
        let known = laid.given(y);
        for (t, at) in laid.states[..y.len()].iter().enumerate() {
            for (q, v) in [&fit.posterior.level, &fit.posterior.slope, &fit.posterior.season].iter().zip(at) {
                close(q[s][t].mean(), known.mean(*v), 1e-10);
                close(q[s][t].var(), known.var(*v), 1e-10);
            }
        }
        let ahead = fit.forecast(&data, 5).unwrap();
        for h in 0..5 {
            let at = &laid.states[y.len() + h];
            let own = [&ahead.posterior.level, &ahead.posterior.slope, &ahead.posterior.season];
            for (q, v) in own.iter().zip(at) {
                close(q[s][h].mean(), known.mean(*v), 1e-10);
                close(q[s][h].var(), known.var(*v), 1e-10);
            }
            let v = laid.data[y.len() + h];
            let seen = ahead.absent.y.get([s, h]).unwrap();
            close(seen.mean(), known.mean(v), 1e-10);
            close(seen.var(), known.var(v), 1e-10);
            let reach = 1.644_853_626_951_472_7 * known.var(v).sqrt();
            close(seen.interval(0.9).unwrap().1, known.mean(v) + reach, 1e-10);
        }
        let mut online = fit.online();
        for t in 0..y.len() {
            let window = vec![y[t.saturating_sub(3)..=t].to_vec()];
            let step = online.push(&quarterly::Data { y: (&window).into() }).unwrap();
            close(step.log_density.unwrap(), logs[s][t].unwrap(), 1e-12);
            let joint = &filtered.joint_level_slope_season[s];
            assert!((&step.mean - joint.mean(t)).norm() < 1e-11, "{} {}", step.mean, joint.mean(t));
            assert!((&step.cov - joint.cov(t)).norm() < 1e-11);
        }
    }
    close(total, fit.log_likelihood(), 1e-10);
    fit.predict(&data).unwrap().log_density.iter().zip(&logs).for_each(|(whole, own)| {
        close(*whole, own.iter().map(|l| l.unwrap()).sum(), 1e-11);
    });
}

/// The future of the regressors is known; so the data go on, and the observations are missing.
#[test]
fn regressors_of_the_future_are_data_whose_observations_are_missing() {
    let mut g = Noise::new(32);
    let p = errors::Params { q: vec![0.1, 0.02], a: 1.1, b: -0.4, s: 0.3, r: 0.2 };
    let model = errors::Model::new();
    for n in [9, 1, 2, 3] {
        let u = DMatrix::from_fn(n + 4, 2, |_, i| if i == 0 { 1.0 } else { g.normal() });
        let mut y = with_holes(&mut g, n);
        y.resize(n + 4, f64::NAN);
        let data = errors::Data { u: (&u).into(), y: (&y).into() };
        let laid = errors_by_hand(&p, &u);
        let fit = model.infer(&data, &p).unwrap();
        let (filtered, logs) = (fit.filter(&data).unwrap(), fit.log_densities(&data).unwrap());
        let known = laid.given(&y);
        close(fit.log_likelihood(), known.log_evidence, 1e-10);
        let mut online = fit.online();
        for t in 0..n + 4 {
            let now = laid.given(&y[..=t]);
            let at = &laid.states[t];
            for i in 0..2 {
                close(filtered.beta[t].mean()[i], now.mean(at[i]), 1e-10);
                close(filtered.beta[t].cov()[(i, 0)], now.cov[(at[i], at[0])], 1e-10);
                close(fit.posterior.beta[t].mean()[i], known.mean(at[i]), 1e-10);
            }
            close(filtered.x[t].var(), now.var(at[2]), 1e-10);
            close(fit.posterior.x[t].var(), known.var(at[2]), 1e-10);
            let first = t.saturating_sub(2);
            let window = u.rows(first, t + 1 - first).into_owned();
            let step = online.push(&errors::Data { u: (&window).into(), y: (&y[first..=t]).into() }).unwrap();
            close(step.log_density.unwrap(), logs[0][t].unwrap(), 1e-12);
            (0..3).for_each(|i| close(step.mean[i], now.mean(at[i]), 1e-10));
            if y[t].is_nan() {
                let seen = fit.posterior.y.get([t]).unwrap();
                let v = laid.data[t];
                close(seen.mean(), known.mean(v), 1e-10);
                close(seen.var(), known.var(v), 1e-10);
                let (low, high) = seen.interval(0.95).unwrap();
                close(high - low, 2.0 * 1.959_963_984_540_054 * known.var(v).sqrt(), 1e-10);
            }
        }
    }
}

/// The covariance of simulated data is that of the dense Normal, wherever the observations are missing in what was passed.
#[test]
fn simulated_data_of_several_orders_have_the_moments_of_the_model() {
    let p = quarterly::Params { q: 0.3, v: 0.05, w: 0.2, r: 0.5 };
    let e = errors::Params { q: vec![0.1], a: 1.1, b: -0.4, s: 0.3, r: 0.2 };
    let mut g = Noise::new(33);
    let n = 5;
    let u = DMatrix::from_fn(n, 1, |_, _| 1.0 + g.normal());
    let (first, second) = (quarterly_by_hand(&p, n), errors_by_hand(&e, &u));
    let draws = 6000;
    let lengths = [2, n];
    let mut all = [vec![], vec![]];
    for seed in 0..draws {
        let data = quarterly::Data { y: Absent(&lengths).into() };
        let drawn = quarterly::Model::new().simulate(&p, &data, seed).unwrap();
        all[0].push(drawn.y[1].clone());
        assert_eq!(drawn.y[0].len(), 2);
        let data = errors::Data { u: (&u).into(), y: Absent(n).into() };
        all[1].push(errors::Model::new().simulate(&e, &data, seed).unwrap().y.clone());
    }
    for (laid, draws) in [first, second].iter().zip(&all) {
        let none = laid.dense.given(&[]);
        let count = draws.len() as f64;
        for i in 0..n {
            for j in 0..=i {
                let (a, b) = (laid.data[i], laid.data[j]);
                let c = none.cov[(a, b)];
                let off = |y: &Vec<f64>| (y[i] - none.mean(a)) * (y[j] - none.mean(b));
                let found = draws.iter().map(off).sum::<f64>() / count;
                let error = ((none.var(a) * none.var(b) + c * c) / count).sqrt();
                assert!((found - c).abs() < 5.0 * error, "{i} {j}: {found} {c} ± {error}");
            }
        }
    }
}

model! {
    /// The first observation has a statement of its own, and noise within a step is a latent that nothing follows on.
    pub mod beginning {
        param    q: Positive;   param r: Positive;
        latent   x[0]                ~ Normal(0, var: 1);
        latent   x[t in 1..T]        ~ Normal(0.8 * x[t-1], var: q);
        latent   e[t in T]           ~ Normal(0.1 * x[t], var: 0.3);
        observed y[0]: Real?         ~ Normal(2 * x[0], var: r);
        observed y[t in 1..T]: Real? ~ Normal(x[t] + e[t], var: r);
    }
}

#[test]
fn a_first_observation_of_its_own_is_not_that_of_a_step_to_come() {
    let p = beginning::Params { q: 0.4, r: 0.6 };
    for y in [vec![1.0, 2.0, f64::NAN, 1.5], vec![0.7]] {
        let n = y.len();
        let data = beginning::Data { y: (&y).into() };
        let fit = beginning::Model::new().infer(&data, &p).unwrap();
        let mut d = Dense::new();
        let mut x = vec![d.add(0.0, &[], 1.0)];
        let mut data_at = vec![d.add(0.0, &[(x[0], 2.0)], p.r)];
        for t in 1..n + 3 {
            x.push(d.add(0.0, &[(x[t - 1], 0.8)], p.q));
            let e = d.add(0.0, &[(x[t], 0.1)], 0.3);
            data_at.push(d.add(0.0, &[(x[t], 1.0), (e, 1.0)], p.r));
        }
        let laid = Laid { dense: d, states: vec![], data: data_at };
        let known = laid.given(&y);
        close(fit.log_likelihood(), known.log_evidence, 1e-10);
        let longer = [y.clone(), vec![f64::NAN; 3]].concat();
        let ahead = fit.infer(&beginning::Data { y: (&longer).into() }).unwrap().posterior;
        for h in 0..3 {
            close(ahead.x[n + h].mean(), known.mean(x[n + h]), 1e-10);
            close(ahead.x[n + h].var(), known.var(x[n + h]), 1e-10);
            let seen = ahead.y.get([n + h]).unwrap();
            close(seen.mean(), known.mean(laid.data[n + h]), 1e-10);
            close(seen.var(), known.var(laid.data[n + h]), 1e-10);
        }
    }
}
