//! Trends with next to no noise in twice the digits, chains that only their data join, values that others read, regressors that say the same,
//! and series too short or too equal to say much.

use super::oracle::sound;
use std::ops::{Add, Div, Mul, Neg, Sub};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::law::close;
use vi_tests::series::{diffuse, panel, state_space, trend};

model! {
    /// Nothing but the observations joins the steps.
    pub mod moving_average {
        param    theta: Real;   param q: Positive;   param r: Positive;
        latent   e[t in T]           ~ Normal(0, var: q);
        observed y[0]: Real?         ~ Normal(e[0], var: r);
        observed y[t in 1..T]: Real? ~ Normal(e[t] + theta * e[t-1], var: r);
    }
}
model! {
    /// An autoregression of values that may be missing: a latent carries what is read.
    pub mod autoregression {
        param    a: Real;   param b: Real;   param q: Positive;
        latent   v[0]            ~ Normal(0, var: 4);
        latent   v[t in 1..T]    ~ Normal(a * v[t-1] + b, var: q);
        observed y[t in T]: Real? ~ Normal(v[t], var: 1e-9);
    }
}
model! {
    /// What all sensors have in common and what each has for itself.
    pub mod common_and_own {
        param    a: Real;   param c[d in D]: Real;   param q: Positive;   param w: Positive;   param r: Positive;
        latent   x[0]            ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal(a * x[t-1], var: q);
        latent   z[0]: Vector[D] ~ Normal(0, var: 1);
        latent   z[t in 1..T]    ~ Normal(0.5 * z[t-1], var: w);
        observed y[t in T, d in D]: Real? ~ Normal(c[d] * x[t] + z[t][d], var: r);
    }
}
model! {
    pub mod free_level {
        param    m0: Real;   param p0: Positive;   param q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(m0, var: p0);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}
model! {
    pub mod driven {
        given    u[t in T]: Vector[U];
        param    a: Real;   param w: Vector[U];   param v: Vector[U];   param q: Positive;   param r: Positive;
        latent   x[0]             ~ Normal(0, var: 1);
        latent   x[t in 1..T]     ~ Normal(a * x[t-1] + dot(w, u[t]), var: q);
        observed y[t in T]: Real? ~ Normal(x[t] + dot(v, u[t]), var: r);
    }
}

/// Twice the digits of an `f64`: a sum of two that do not overlap (Dekker 1971).
#[derive(Clone, Copy, Debug)]
struct Twice(f64, f64);

fn exact_sum(a: f64, b: f64) -> Twice {
    let s = a + b;
    let c = s - a;
    Twice(s, (a - (s - c)) + (b - c))
}

impl Twice {
    fn ln(self) -> Twice {
        // One step of Newton from the rounded logarithm: x e^(−l) = 1 + d, and e^(−l) is worked out by its series on a small rest.
        let l = self.0.ln();
        let power = (l / std::f64::consts::LN_2).round();
        let ln2 = Twice(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
        let rest = Twice(l, 0.0) - ln2 * Twice(power, 0.0);
        let (mut term, mut e) = (Twice(1.0, 0.0), Twice(1.0, 0.0));
        for n in 1..30 {
            term = term * -rest / Twice(f64::from(n), 0.0);
            e = e + term;
        }
        let two = 2f64.powf(-power);
        let d = self * e * Twice(two, 0.0) - Twice(1.0, 0.0);
        Twice(l, 0.0) + d - d * d * Twice(0.5, 0.0)
    }
}

impl Add for Twice {
    type Output = Twice;
    fn add(self, o: Twice) -> Twice {
        let s = exact_sum(self.0, o.0);
        let t = exact_sum(self.1, o.1);
        let s = exact_sum(s.0, s.1 + t.0);
        exact_sum(s.0, s.1 + t.1)
    }
}
impl Neg for Twice {
    type Output = Twice;
    fn neg(self) -> Twice {
        Twice(-self.0, -self.1)
    }
}
impl Sub for Twice {
    type Output = Twice;
    fn sub(self, o: Twice) -> Twice {
        self + -o
    }
}
impl Mul for Twice {
    type Output = Twice;
    fn mul(self, o: Twice) -> Twice {
        let p = self.0 * o.0;
        exact_sum(p, self.0.mul_add(o.0, -p) + self.0 * o.1 + self.1 * o.0)
    }
}
impl Div for Twice {
    type Output = Twice;
    fn div(self, o: Twice) -> Twice {
        let a = Twice(self.0 / o.0, 0.0);
        let left = self - a * o;
        let b = Twice(left.0 / o.0, 0.0);
        let left = left - b * o;
        a + b + Twice(left.0 / o.0, 0.0)
    }
}

/// A banded precision, its right-hand side and log p so far, from rows coefficient · x = value ± √var.
struct Rows {
    n: usize,
    precision: Vec<[Twice; BAND]>,
    target: Vec<Twice>,
    log: Twice,
}

const BAND: usize = 4;
const ZERO: Twice = Twice(0.0, 0.0);

impl Rows {
    fn new(n: usize) -> Self {
        Rows { n, precision: vec![[ZERO; BAND]; n], target: vec![ZERO; n], log: ZERO }
    }

    fn add(&mut self, form: &[(usize, f64)], value: f64, var: f64) {
        let (value, var) = (Twice(value, 0.0), Twice(var, 0.0));
        for &(i, a) in form {
            let a = Twice(a, 0.0);
            self.target[i] = self.target[i] + a * value / var;
            for &(j, b) in form.iter().filter(|(j, _)| *j <= i) {
                self.precision[i][i - j] = self.precision[i][i - j] + a * Twice(b, 0.0) / var;
            }
        }
        let tau = Twice(std::f64::consts::TAU, 2.449_293_598_294_706_4e-16);
        self.log = self.log - Twice(0.5, 0.0) * (value * value / var + (tau * var).ln());
    }

    /// Means and variances, and log ∫.
    fn solve(mut self) -> (Vec<f64>, Vec<f64>, f64) {
        let n = self.n;
        // L D Lᵀ within the band.
        for i in 0..n {
            for j in i.saturating_sub(BAND - 1)..=i {
                let mut s = self.precision[i][i - j];
                for k in i.saturating_sub(BAND - 1)..j {
                    if j - k < BAND {
                        s = s - self.precision[i][i - k] * self.precision[j][j - k] * self.precision[k][0];
                    }
                }
                self.precision[i][i - j] = if i == j { s } else { s / self.precision[j][0] };
            }
        }
        let l = &self.precision;
        let solve = |b: &[Twice]| {
            let mut x = b.to_vec();
            for i in 0..n {
                for k in i.saturating_sub(BAND - 1)..i {
                    x[i] = x[i] - l[i][i - k] * x[k];
                }
            }
            (0..n).for_each(|i| x[i] = x[i] / l[i][0]);
            for i in (0..n).rev() {
                for k in i + 1..(i + BAND).min(n) {
                    x[i] = x[i] - l[k][k - i] * x[k];
                }
            }
            x
        };
        let mean = solve(&self.target);
        let unit = |i: usize| (0..n).map(|j| Twice(f64::from(u8::from(i == j)), 0.0)).collect::<Vec<_>>();
        let var = (0..n).map(|i| solve(&unit(i))[i].0).collect();
        let tau = Twice(std::f64::consts::TAU, 2.449_293_598_294_706_4e-16);
        let mut log = self.log;
        for i in 0..n {
            log = log + Twice(0.5, 0.0) * (mean[i] * self.target[i] + tau.ln() - l[i][0].ln());
        }
        (mean.iter().map(|m| m.0).collect(), var, log.0)
    }
}

fn trend_rows(y: &[Option<f64>], (q, w, r): (f64, f64, f64), diffuse: bool) -> Rows {
    let mut rows = Rows::new(2 * y.len());
    for (t, y) in y.iter().enumerate() {
        match t {
            0 if diffuse => {}
            0 => {
                rows.add(&[(0, 1.0)], 1.0, 9.0);
                rows.add(&[(1, 1.0)], 0.0, 4.0);
            }
            _ => {
                rows.add(&[(2 * t, 1.0), (2 * t - 2, -1.0), (2 * t - 1, -1.0)], 0.0, q);
                rows.add(&[(2 * t + 1, 1.0), (2 * t - 1, -1.0)], 0.0, w);
            }
        }
        if let Some(y) = y {
            rows.add(&[(2 * t, 1.0)], *y, r);
        }
    }
    rows
}

#[track_caller]
fn twelve_digits(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found:.17e} {expected:.17e}");
}

#[test]
fn a_trend_with_next_to_no_noise_keeps_twelve_digits() {
    let mut g = Noise::new(41);
    for n in [2, 3, 100] {
        let y: Vec<Option<f64>> =
            (0..n).map(|t| (t < 2 || t % 7 != 3).then(|| 3.0 + 0.2 * t as f64 + g.normal())).collect();
        for (q, w) in
            [(1e-4, 1e-4), (1e-8, 1e-8), (1e-12, 1e-12), (1e-14, 1e-14), (1e-14, 1e-6), (1e-3, 1e-14)]
        {
            let r = 1.3;
            let (mean, var, log) = trend_rows(&y, (q, w, r), false).solve();
            let data = trend::Data { y: (&y).into() };
            let fit = trend::Model::new().infer(&data, &trend::Params { q, w, r }).unwrap();
            close(fit.log_likelihood(), log, 1e-12);
            let last = fit.filter(&data).unwrap();
            twelve_digits(last.slope[n - 1].mean(), mean[2 * n - 1]);
            for t in 0..n {
                twelve_digits(fit.posterior.level[t].mean(), mean[2 * t]);
                twelve_digits(fit.posterior.slope[t].mean(), mean[2 * t + 1]);
                twelve_digits(fit.posterior.level[t].var(), var[2 * t]);
                twelve_digits(fit.posterior.slope[t].var(), var[2 * t + 1]);
            }
            let (mean, var, log) = trend_rows(&y, (q, w, r), true).solve();
            let data = diffuse::Data { y: (&y).into() };
            let fit = diffuse::Model::new().infer(&data, &diffuse::Params { q, w, r }).unwrap();
            close(fit.log_likelihood(), log, 1e-12);
            for t in 0..n {
                twelve_digits(fit.posterior.level[t].mean(), mean[2 * t]);
                twelve_digits(fit.posterior.slope[t].mean(), mean[2 * t + 1]);
                twelve_digits(fit.posterior.level[t].var(), var[2 * t]);
                twelve_digits(fit.posterior.slope[t].var(), var[2 * t + 1]);
            }
        }
    }
}

fn seen(at: &[usize], y: &[f64]) -> Vec<(usize, f64)> {
    at.iter().zip(y).filter(|(_, y)| !y.is_nan()).map(|(a, y)| (*a, *y)).collect()
}

#[test]
fn steps_that_only_the_data_join_are_one_chain() {
    let mut g = Noise::new(42);
    let p = moving_average::Params { theta: 0.7, q: 1.2, r: 0.1 };
    for n in [1, 2, 12] {
        let mut y: Vec<f64> = (0..n).map(|t| if t % 5 == 4 { f64::NAN } else { g.normal() }).collect();
        y.extend([f64::NAN; 3]);
        let mut d = Dense::new();
        let e: Vec<usize> = (0..n + 3).map(|_| d.add(0.0, &[], p.q)).collect();
        let form = |t: usize| match t {
            0 => vec![(e[0], 1.0)],
            _ => vec![(e[t], 1.0), (e[t - 1], p.theta)],
        };
        let at: Vec<usize> = (0..n + 3).map(|t| d.add(0.0, &form(t), p.r)).collect();
        let known = d.given(&seen(&at, &y));
        let data = moving_average::Data { y: (&y).into() };
        let model = moving_average::Model::new();
        let fit = model.infer(&data, &p).unwrap();
        close(fit.log_likelihood(), known.log_evidence, 1e-11);
        for t in 0..n + 3 {
            close(fit.posterior.e[t].mean(), known.mean(e[t]), 1e-11);
        }
        let mut online = fit.online();
        let mut total = 0.0;
        for t in 0..n {
            let step = online.push(&moving_average::Data { y: y[t.saturating_sub(1)..=t].into() }).unwrap();
            total += step.log_density.unwrap();
            close(total, d.given(&seen(&at[..=t], &y[..=t])).log_evidence, 1e-11);
            close(step.mean[0], d.given(&seen(&at[..=t], &y[..=t])).mean(e[t]), 1e-11);
        }
        if n == 12 {
            let fit = sound(&data, &Options::new(), |o| model.fit(&data, o));
            assert!(fit.log_likelihood() >= known.log_evidence - 2.0);
        }
    }
}

/// What the refusal of a missing value that others read says to write: the same law to the noise that was added.
#[test]
fn a_latent_carries_what_others_read_of_a_missing_value() {
    let mut g = Noise::new(43);
    let p = autoregression::Params { a: 0.8, b: 0.5, q: 0.6 };
    let mut y: Vec<f64> = (0..14).map(|t| if t % 4 == 2 { f64::NAN } else { 2.0 + g.normal() }).collect();
    y[5] = f64::NAN;
    let mut d = Dense::new();
    let mut at = vec![d.add(0.0, &[], 4.0)];
    (1..14).for_each(|t| at.push(d.add(p.b, &[(at[t - 1], p.a)], p.q)));
    let known = d.given(&seen(&at, &y));
    let data = autoregression::Data { y: (&y).into() };
    let fit = autoregression::Model::new().infer(&data, &p).unwrap();
    close(fit.log_likelihood(), known.log_evidence, 1e-7);
    for t in (0..14).filter(|t| y[*t].is_nan()) {
        close(fit.posterior.y.get([t]).unwrap().mean(), known.mean(at[t]), 1e-7);
        close(fit.posterior.y.get([t]).unwrap().var(), known.var(at[t]), 1e-7);
    }
    let whole: Vec<f64> = (0..60)
        .map(|_| g.normal())
        .scan(2.0, |v, e| {
            *v = 0.8 * *v + 0.5 + e;
            Some(*v)
        })
        .collect();
    let data = autoregression::Data { y: (&whole).into() };
    let fit = sound(&data, &Options::new(), |o| autoregression::Model::new().fit(&data, o));
    // Least squares of each value on the one before.
    let x = DMatrix::from_fn(59, 2, |t, i| if i == 0 { whole[t] } else { 1.0 });
    let target = DVector::from_column_slice(&whole[1..]);
    let w = (x.transpose() * &x).try_inverse().unwrap() * x.transpose() * target;
    close(fit.params.a, w[0], 1e-6);
    close(fit.params.b, w[1], 1e-6);
}

#[test]
fn a_common_state_and_one_for_each_sensor_are_one_dense_normal() {
    let mut g = Noise::new(44);
    for (n, wide) in [(8, 3), (1, 2), (5, 1)] {
        let p = common_and_own::Params { a: 0.9, c: g.normals(wide), q: 0.5, w: 0.3, r: 0.2 };
        let y = DMatrix::from_fn(n, wide, |t, i| if (t + i) % 4 == 3 { f64::NAN } else { g.normal() });
        let mut d = Dense::new();
        let (mut x, mut z, mut at): (Vec<usize>, Vec<Vec<usize>>, Vec<Vec<usize>>) = (vec![], vec![], vec![]);
        for t in 0..n {
            x.push(if t == 0 { d.add(0.0, &[], 1.0) } else { d.add(0.0, &[(x[t - 1], p.a)], p.q) });
            let own = (0..wide).map(|i| match t {
                0 => d.add(0.0, &[], 1.0),
                _ => d.add(0.0, &[(z[t - 1][i], 0.5)], p.w),
            });
            let own: Vec<usize> = own.collect();
            at.push((0..wide).map(|i| d.add(0.0, &[(x[t], p.c[i]), (own[i], 1.0)], p.r)).collect());
            z.push(own);
        }
        let values: Vec<f64> = (0..n).flat_map(|t| (0..wide).map(move |i| (t, i))).map(|i| y[i]).collect();
        let known = d.given(&seen(&at.concat(), &values));
        let data = common_and_own::Data { y: (&y).into() };
        let model = common_and_own::Model::new();
        let fit = model.infer(&data, &p).unwrap();
        close(fit.log_likelihood(), known.log_evidence, 1e-11);
        for t in 0..n {
            close(fit.posterior.x[t].mean(), known.mean(x[t]), 1e-11);
            for i in 0..wide {
                close(fit.posterior.z[t].mean()[i], known.mean(z[t][i]), 1e-11);
                close(fit.posterior.z[t].cov()[(i, 0)], known.cov[(z[t][i], z[t][0])], 1e-11);
            }
        }
        let ahead = fit.forecast(&data, 2).unwrap();
        // Two steps on from the last.
        let last = [vec![x[n - 1]], z[n - 1].clone()].concat();
        let v = p.a.powi(4) * known.var(last[0]) + (1.0 + p.a * p.a) * p.q;
        close(ahead.posterior.x[1].var(), v, 1e-11);
        let cross = p.a.powi(2) * 0.25 * known.cov[(last[0], last[1])];
        let own = 0.5f64.powi(4) * known.var(last[1]) + 1.25 * p.w;
        let seen = p.c[0] * p.c[0] * v + own + 2.0 * p.c[0] * cross + p.r;
        close(ahead.absent.y.get([1, 0]).unwrap().var(), seen, 1e-11);
        sound(&data, &Options::new().max_iterations(30).tolerance(0.0), |o| model.fit(&data, o));
    }
}

/// Two columns that say the same and one that is always zero: the smallest coefficients, said in the fit, and the likelihood of one column.
#[test]
fn regressors_of_a_chain_that_say_the_same_share_the_smallest_coefficients() {
    let mut g = Noise::new(45);
    let n = 40;
    let own = g.normals(n);
    let mut x = 0.0;
    let y: Vec<f64> = (0..n)
        .map(|t| {
            x = 0.6 * x + own[t] + 0.5 * g.normal();
            x + 0.4 * own[t] + 0.3 * g.normal()
        })
        .collect();
    let u = DMatrix::from_fn(n, 3, |t, i| if i == 2 { 0.0 } else { own[t] });
    let one = DMatrix::from_fn(n, 1, |t, _| own[t]);
    let options = Options::new().max_iterations(4000).tolerance(1e-12);
    let model = driven::Model::new();
    let data = driven::Data { u: (&u).into(), y: (&y).into() };
    let fit = sound(&data, &options, |o| model.fit(&data, o));
    let alone = model.fit(&driven::Data { u: (&one).into(), y: (&y).into() }, &options).unwrap();
    close(fit.log_likelihood(), alone.log_likelihood(), 1e-7);
    for w in [&fit.params.w, &fit.params.v] {
        close(w[0], w[1], 1e-9);
        close(w[2], 0.0, 1e-12);
    }
    close(fit.params.w[0] + fit.params.w[1], alone.params.w[0], 1e-3);
    let text = fit.to_string();
    assert!(text.contains("w: the regressors are collinear; the solution of least norm was taken"), "{text}");
}

#[test]
fn sequences_too_short_or_too_few_say_so_or_nothing() {
    let model = panel::Model::new();
    let p = panel::Params { m0: 0.2, p0: 1.5, a: 0.5, q: 1.0, c: 0.9, b: 0.3, r: 0.8 };
    for y in [
        vec![],
        vec![vec![]],
        vec![vec![]; 3],
        vec![vec![Some(1.0)]],
        vec![vec![Some(1.0)], vec![Some(2.0)], vec![Some(0.4)]],
        vec![vec![None; 4]],
    ] {
        let y: Vec<Vec<Option<f64>>> = y;
        let data = panel::Data { y: (&y).into() };
        let fit = model.infer(&data, &p).unwrap();
        let v = p.c * p.c * p.p0 + p.r;
        let one = |y: f64| {
            let off = y - p.c * p.m0 - p.b;
            -0.5 * ((std::f64::consts::TAU * v).ln() + off * off / v)
        };
        let total: f64 = y.iter().flatten().flatten().map(|y| one(*y)).sum();
        close(fit.log_likelihood(), total, 1e-12);
        assert_eq!(fit.forecast(&data, 2).unwrap().posterior.x.len(), y.len());
        // A fit has an answer or words: never a panic, never a number that is none.
        match model.fit_from(&data, Start::Params(p.clone()), &Options::new().max_iterations(50)) {
            Ok(fit) => assert!(!fit.to_string().contains("NaN"), "{fit}"),
            Err(e) => assert!(!e.to_string().contains("NaN"), "{e}"),
        }
        if let Err(e) = model.fit(&data, &Options::new().max_iterations(50)) {
            assert!(!e.to_string().contains("NaN"), "{e}");
        }
    }
}

#[test]
fn columns_that_do_not_vary_are_a_likelihood_without_a_bound_that_says_so() {
    let mut g = Noise::new(46);
    let n = 60;
    let mut x = 0.0;
    let varied: Vec<f64> = (0..n)
        .map(|_| {
            x = 0.8 * x + g.normal();
            x + 0.4 * g.normal()
        })
        .collect();
    let model = state_space::Model::new(1);
    let y = DMatrix::from_fn(n, 2, |t, i| if i == 0 { varied[t] } else { 0.0 });
    let error = model.fit(&state_space::Data { y: (&y).into() }, &Options::new()).unwrap_err().to_string();
    assert!(error.contains("unbounded in `R`") && error.contains("min:"), "{error}");
    let equal = vec![vec![Some(3.0); 20]; 2];
    let error = panel::Model::new().fit(&panel::Data { y: (&equal).into() }, &Options::new()).unwrap_err();
    assert!(error.to_string().contains("unbounded in `r`"), "{error}");
}

/// Data in other units: params follow, and the likelihood changes by the units alone.
#[test]
fn units_of_the_data_change_the_params_and_not_the_path() {
    let mut g = Noise::new(47);
    let n = 50;
    let mut x = DVector::from_vec(vec![0.0, 0.0]);
    let a = DMatrix::from_row_slice(2, 2, &[0.9, 0.2, -0.2, 0.7]);
    let c = DMatrix::from_fn(3, 2, |_, _| g.normal());
    let rows: Vec<DVector<f64>> = (0..n)
        .map(|_| {
            x = &a * &x + DVector::from_vec(g.normals(2));
            &c * &x + 0.5 * DVector::from_vec(g.normals(3))
        })
        .collect();
    let model = state_space::Model::new(2);
    let options = Options::new().max_iterations(60).tolerance(0.0).seed(3);
    let run = |unit: f64| {
        let y = DMatrix::from_fn(n, 3, |t, i| unit * rows[t][i]);
        let data = state_space::Data { y: (&y).into() };
        sound(&data, &options, |o| model.fit(&data, o))
    };
    let one = run(1.0);
    for unit in [1e-6, 1e7, 1e12] {
        let other = run(unit);
        let shift = (n * 3) as f64 * unit.ln();
        close(other.log_likelihood() + shift, one.log_likelihood(), 1e-9);
        close(other.params.R[(1, 2)] / unit / unit, one.params.R[(1, 2)], 1e-6);
        close(other.params.A[(0, 1)], one.params.A[(0, 1)], 1e-6);
    }
    let level: Vec<f64> = g
        .normals(60)
        .iter()
        .scan(0.0, |x, e| {
            *x += e;
            Some(*x + 0.7 * g.normal())
        })
        .collect();
    let fit = |unit: f64| {
        let y: Vec<f64> = level.iter().map(|y| unit * y).collect();
        let options = Options::new().max_iterations(2000).tolerance(1e-10);
        let data = free_level::Data { y: (&y).into() };
        free_level::Model::new().fit(&data, &options).unwrap().log_likelihood() + 60.0 * unit.ln()
    };
    let one = fit(1.0);
    for unit in [1e-9, 1e5, 1e10, 1e13] {
        close(fit(unit), one, 1e-7);
    }
}
