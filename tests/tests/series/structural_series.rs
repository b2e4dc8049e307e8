//! Series from parts: seasons, trends, autoregressions behind noise, coefficients that drift, matrices of which only some entries are free;
//! against one dense Normal of the whole series, and against EM written from its moments.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Form, Known};
use vi_tests::law::{close, exact, monotone};

model! {
    /// A level, its slope and two harmonics of a period.
    pub mod harmonics(c1: Real, s1: Real, c2: Real, s2: Real) {
        param    q: Positive;   param v: Positive;   param w: Positive;   param r: Positive;
        latent   level[0] ~ Normal(1, var: 4);
        latent   slope[0] ~ Normal(0, var: 1);
        latent   a[0]     ~ Normal(0, var: 2);
        latent   b[0]     ~ Normal(0, var: 2);
        latent   e[0]     ~ Normal(0, var: 2);
        latent   f[0]     ~ Normal(0, var: 2);
        latent   level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: q);
        latent   slope[t in 1..T] ~ Normal(slope[t-1], var: v);
        latent   a[t in 1..T]     ~ Normal(c1 * a[t-1] + s1 * b[t-1], var: w);
        latent   b[t in 1..T]     ~ Normal(c1 * b[t-1] - s1 * a[t-1], var: w);
        latent   e[t in 1..T]     ~ Normal(c2 * e[t-1] + s2 * f[t-1], var: w);
        latent   f[t in 1..T]     ~ Normal(c2 * f[t-1] - s2 * e[t-1], var: w);
        observed y[t in T]: Real? ~ Normal(level[t] + a[t] + e[t], var: r);
    }
}
model! {
    /// Seasons that sum to a little noise, by a companion matrix that is known, and a noise that is diagonal.
    pub mod seasons(H, F: Matrix[H, H]) {
        param    q: Positive;   param w: Positive;   param r: Positive;
        latent   level[0]         ~ Normal(0, var: 10);
        latent   level[t in 1..T] ~ Normal(level[t-1], var: q);
        latent   s[0]: Vector[H]  ~ Normal(0, var: 3);
        latent   s[t in 1..T]     ~ Normal(F * s[t-1], var: w);
        observed y[t in T]        ~ Normal(level[t] + s[t][0], var: r);
    }
}
model! {
    /// An autoregression of order 2 behind noise: its first row is free, the second copies.
    pub mod second_order(copy: Positive) {
        param    a1: Real;   param a2: Real;   param q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 2);
        latent   z[0]         ~ Normal(0, var: 2);
        latent   x[t in 1..T] ~ Normal(a1 * x[t-1] + a2 * z[t-1], var: q);
        latent   z[t in 1..T] ~ Normal(x[t-1], var: copy);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}
model! {
    /// Coefficients that drift, each at its own pace.
    pub mod dynamic_regression {
        given    u[t in T]: Vector[D];
        param    q[d in D]: Positive;   param r: Positive;
        latent   b[0]: Vector[D]      ~ Normal(0, var: 2);
        latent   b[t in 1..T]         ~ Normal(b[t-1], var: q);
        observed y[t in T]: Real?     ~ Normal(dot(b[t], u[t]), var: r);
    }
}
model! {
    /// A diagonal of free drifts.
    pub mod diagonal(H) {
        param    a[h in H]: Real;   param q[h in H]: Positive;
        param    C: Matrix[D, H];   param R: SymPos[D];
        latent   x[0]: Vector[H] ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal(diag(a) * x[t-1], var: q);
        observed y[t in T]       ~ Normal(C * x[t], cov: R);
    }
}
model! {
    /// One drift for all states, and sensors of which the first reads each state as it is.
    pub mod tied {
        param    a: Real;   param q: Positive;   param g: Real;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   z[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a * x[t-1], var: q);
        latent   z[t in 1..T] ~ Normal(a * z[t-1] + 0.3 * x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t] + z[t], var: r);
        observed w[t in T]    ~ Normal(g * x[t] - g * z[t], var: 2 * r);
    }
}
model! {
    /// Everything before the first step is diffuse.
    pub mod diffuse_trend {
        param    q: Positive;   param v: Positive;   param r: Positive;
        latent   level[0] ~ Flat();
        latent   slope[0] ~ Flat();
        latent   level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: q);
        latent   slope[t in 1..T] ~ Normal(slope[t-1], var: v);
        observed y[t in T]: Real? ~ Normal(level[t], var: r);
    }
}

/// A series of states written out in the oracle: `next` gives the forms and variances of a step from the indices of the one before.
#[allow(clippy::type_complexity, reason = "a step as it is written in the tests")]
fn unrolled(
    steps: usize,
    first: &mut dyn FnMut(&mut Dense) -> Vec<usize>,
    next: &dyn Fn(usize, &[usize]) -> Vec<(Form, f64)>,
) -> (Dense, Vec<Vec<usize>>) {
    let mut dense = Dense::new();
    let mut states = vec![first(&mut dense)];
    for t in 1..steps {
        let rows = next(t, &states[t - 1]);
        states.push(rows.into_iter().map(|(form, var)| dense.add(0.0, &form, var)).collect());
    }
    (dense, states)
}

fn residual(own: usize, form: &Form) -> Form {
    let mut out = vec![(own, 1.0)];
    out.extend(form.iter().map(|(v, a)| (*v, -a)));
    out
}

fn average(known: &Known, forms: impl IntoIterator<Item = (f64, Form)>) -> f64 {
    let squares: Vec<f64> = forms.into_iter().map(|(c, f)| known.square(c, &f)).collect();
    squares.iter().sum::<f64>() / squares.len() as f64
}

fn wave(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    (0..n).map(|t| 0.2 * t as f64 + 2.0 * (t as f64 * 1.1).sin() + 0.7 * g.normal()).collect()
}

#[test]
fn a_level_a_slope_and_harmonics_are_one_chain_of_six() {
    let steps = 20;
    let mut y: Vec<Option<f64>> = wave(steps, 1).into_iter().map(Some).collect();
    y[4] = None;
    y[11] = None;
    let angle = std::f64::consts::TAU / 6.0;
    let [c1, s1, c2, s2] = [angle.cos(), angle.sin(), (2.0 * angle).cos(), (2.0 * angle).sin()];
    let model = harmonics::Model::new(c1, s1, c2, s2);
    let data = harmonics::Data { y: (&y).into() };
    let mut p = [0.3, 0.05, 0.1, 0.6];
    let begin = harmonics::Params { q: p[0], v: p[1], w: p[2], r: p[3] };
    let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
    for sweep in 0..5 {
        let found = &state.params;
        for (found, expected) in [found.q, found.v, found.w, found.r].into_iter().zip(p) {
            close(found, expected, 1e-9);
        }
        let forms = |b: &[usize]| -> Vec<Form> {
            vec![
                vec![(b[0], 1.0), (b[1], 1.0)],
                vec![(b[1], 1.0)],
                vec![(b[2], c1), (b[3], s1)],
                vec![(b[3], c1), (b[2], -s1)],
                vec![(b[4], c2), (b[5], s2)],
                vec![(b[5], c2), (b[4], -s2)],
            ]
        };
        let vars = [p[0], p[1], p[2], p[2], p[2], p[2]];
        let (mut dense, x) = unrolled(
            steps,
            &mut |d| {
                [(1.0, 4.0), (0.0, 1.0), (0.0, 2.0), (0.0, 2.0), (0.0, 2.0), (0.0, 2.0)]
                    .iter()
                    .map(|(m, v)| d.add(*m, &[], *v))
                    .collect()
            },
            &|_, b| forms(b).into_iter().zip(vars).collect(),
        );
        let signal = |t: usize| vec![(x[t][0], 1.0), (x[t][2], 1.0), (x[t][4], 1.0)];
        let seen: Vec<(usize, f64)> =
            (0..steps).filter_map(|t| y[t].map(|v| (dense.add(0.0, &signal(t), p[3]), v))).collect();
        let known = dense.given(&seen);
        close(state.trace[sweep], known.log_evidence, 1e-11);
        if sweep == 0 {
            let fit = model.infer(&data, &begin).unwrap();
            exact(&fit, &data, known.log_evidence);
            for t in 0..steps {
                let q = &fit.posterior;
                for (found, own) in
                    [&q.level[t], &q.slope[t], &q.a[t], &q.b[t], &q.e[t], &q.f[t]].iter().zip(&x[t])
                {
                    close(found.mean(), known.mean(*own), 1e-10);
                    close(found.var(), known.var(*own), 1e-10);
                }
            }
        }
        let of = |which: std::ops::Range<usize>| {
            let mut out = vec![];
            for t in 1..steps {
                let before = forms(&x[t - 1]);
                out.extend(which.clone().map(|i| (0.0, residual(x[t][i], &before[i]))));
            }
            out
        };
        let r = (0..steps).filter_map(|t| y[t].map(|v| (-v, signal(t)))).collect::<Vec<_>>();
        p = [
            average(&known, of(0..1)),
            average(&known, of(1..2)),
            average(&known, of(2..6)),
            average(&known, r),
        ];
        model.step(&mut state).unwrap();
    }
}

#[test]
fn seasons_by_a_companion_matrix_that_is_known() {
    let (h, steps) = (3, 16);
    // s[t] = −s[t−1] − s[t−2] − s[t−3] + noise.
    let f = DMatrix::from_fn(h, h, |i, j| if i == 0 { -1.0 } else { f64::from(u8::from(i == j + 1)) });
    let y = wave(steps, 2);
    let data = seasons::Data { y: (&y).into() };
    let model = seasons::Model::new(h, f.clone());
    let mut p = [0.4, 0.2, 0.8];
    let begin = seasons::Params { q: p[0], w: p[1], r: p[2] };
    let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
    for sweep in 0..6 {
        let found = &state.params;
        for (found, expected) in [found.q, found.w, found.r].into_iter().zip(p) {
            close(found, expected, 1e-9);
        }
        let forms = |b: &[usize]| -> Vec<Form> {
            let mut out = vec![vec![(b[0], 1.0)]];
            out.extend((0..h).map(|i| (0..h).map(|j| (b[1 + j], f[(i, j)])).collect::<Form>()));
            out
        };
        let (mut dense, x) = unrolled(
            steps,
            &mut |d| {
                let mut out = vec![d.add(0.0, &[], 10.0)];
                out.extend((0..h).map(|_| d.add(0.0, &[], 3.0)));
                out
            },
            &|_, b| {
                forms(b).into_iter().enumerate().map(|(i, f)| (f, if i == 0 { p[0] } else { p[1] })).collect()
            },
        );
        let signal = |t: usize| vec![(x[t][0], 1.0), (x[t][1], 1.0)];
        let seen: Vec<(usize, f64)> = (0..steps).map(|t| (dense.add(0.0, &signal(t), p[2]), y[t])).collect();
        let known = dense.given(&seen);
        close(state.trace[sweep], known.log_evidence, 1e-11);
        if sweep == 0 {
            let fit = model.infer(&data, &begin).unwrap();
            exact(&fit, &data, known.log_evidence);
            for t in 0..steps {
                close(fit.posterior.level[t].mean(), known.mean(x[t][0]), 1e-10);
                for i in 0..h {
                    close(fit.posterior.s[t].mean()[i], known.mean(x[t][1 + i]), 1e-10);
                    close(fit.posterior.s[t].cov()[(i, 0)], known.cov[(x[t][1 + i], x[t][1])], 1e-10);
                }
            }
        }
        let of = |which: std::ops::Range<usize>| {
            let mut out = vec![];
            for t in 1..steps {
                let before = forms(&x[t - 1]);
                out.extend(which.clone().map(|i| (0.0, residual(x[t][i], &before[i]))));
            }
            out
        };
        p = [
            average(&known, of(0..1)),
            average(&known, of(1..1 + h)),
            average(&known, (0..steps).map(|t| (-y[t], signal(t)))),
        ];
        model.step(&mut state).unwrap();
    }
}

/// E-step and M-step of `second_order` from dense moments.
fn second_order_by_hand(y: &[f64], copy: f64, p: &mut [f64; 4]) -> Known {
    let steps = y.len();
    let [a1, a2, q, r] = *p;
    let (mut dense, x) =
        unrolled(steps, &mut |d| vec![d.add(0.0, &[], 2.0), d.add(0.0, &[], 2.0)], &|_, b| {
            vec![(vec![(b[0], a1), (b[1], a2)], q), (vec![(b[0], 1.0)], copy)]
        });
    let seen: Vec<(usize, f64)> = (0..steps).map(|t| (dense.add(0.0, &[(x[t][0], 1.0)], r), y[t])).collect();
    let known = dense.given(&seen);
    let mut gram = DMatrix::<f64>::zeros(2, 2);
    let mut right = DVector::<f64>::zeros(2);
    for t in 1..steps {
        let one = |i: usize| (0.0, vec![(x[t - 1][i], 1.0)]);
        for i in 0..2 {
            let (c, f) = one(i);
            right[i] += known.product((c, &f), (0.0, &[(x[t][0], 1.0)]));
            for j in 0..2 {
                let (d, g) = one(j);
                gram[(i, j)] += known.product((c, &f), (d, &g));
            }
        }
    }
    let a = gram.try_inverse().unwrap() * right;
    p[0] = a[0];
    p[1] = a[1];
    p[2] = average(
        &known,
        (1..steps).map(|t| (0.0, residual(x[t][0], &vec![(x[t - 1][0], a[0]), (x[t - 1][1], a[1])]))),
    );
    p[3] = average(&known, (0..steps).map(|t| (-y[t], vec![(x[t][0], 1.0)])));
    known
}

#[test]
fn an_autoregression_of_order_two_behind_noise() {
    let mut g = Noise::new(3);
    let (mut x, mut before) = (0.0, 0.0);
    let y: Vec<f64> = (0..24)
        .map(|_| {
            (x, before) = (1.2 * x - 0.6 * before + g.normal(), x);
            x + 0.5 * g.normal()
        })
        .collect();
    for copy in [0.1, 1e-4] {
        let data = second_order::Data { y: (&y).into() };
        let model = second_order::Model::new(copy);
        let mut p = [0.8, -0.3, 1.0, 0.5];
        let begin = second_order::Params { a1: p[0], a2: p[1], q: p[2], r: p[3] };
        let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
        for sweep in 0..8 {
            let found = &state.params;
            for (found, expected) in [found.a1, found.a2, found.q, found.r].into_iter().zip(p) {
                close(found, expected, 1e-8);
            }
            let known = second_order_by_hand(&y, copy, &mut p);
            close(state.trace[sweep], known.log_evidence, 1e-9);
            if sweep == 0 {
                exact(&model.infer(&data, &begin).unwrap(), &data, known.log_evidence);
            }
            model.step(&mut state).unwrap();
        }
    }
    // As the copies become exact, what is left is the autoregression itself.
    let (a1, a2, q, r) = (1.1, -0.5, 0.9, 0.4);
    let mut dense = Dense::new();
    let mut states = vec![dense.add(0.0, &[], 2.0), dense.add(0.0, &[], 2.0)];
    for t in 2..=24 {
        states.push(dense.add(0.0, &[(states[t - 1], a1), (states[t - 2], a2)], q));
    }
    let seen: Vec<(usize, f64)> =
        (0..24).map(|t| (dense.add(0.0, &[(states[t + 1], 1.0)], r), y[t])).collect();
    let known = dense.given(&seen);
    let fit = second_order::Model::new(1e-13)
        .infer(&second_order::Data { y: (&y).into() }, &second_order::Params { a1, a2, q, r })
        .unwrap();
    close(fit.log_likelihood(), known.log_evidence, 1e-10);
    for t in 0..24 {
        close(fit.posterior.x[t].mean(), known.mean(states[t + 1]), 1e-9);
        close(fit.posterior.x[t].var(), known.var(states[t + 1]), 1e-9);
    }
}

#[test]
fn coefficients_that_drift_are_the_dense_normal() {
    let (steps, d) = (18, 3);
    let mut g = Noise::new(5);
    let u = DMatrix::from_fn(steps, d, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y: Vec<Option<f64>> = (0..steps)
        .map(|t| (t % 5 != 3).then_some(1.0 + 0.1 * t as f64 * u[(t, 1)] - u[(t, 2)] + 0.4 * g.normal()))
        .collect();
    let data = dynamic_regression::Data { u: (&u).into(), y: (&y).into() };
    let model = dynamic_regression::Model::new();
    let (mut q, mut r) = (vec![0.1, 0.3, 0.02], 0.5);
    let begin = dynamic_regression::Params { q: q.clone(), r };
    let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
    for sweep in 0..6 {
        (0..d).for_each(|i| close(state.params.q[i], q[i], 1e-9));
        close(state.params.r, r, 1e-9);
        let (mut dense, b) =
            unrolled(steps, &mut |m| (0..d).map(|_| m.add(0.0, &[], 2.0)).collect(), &|_, b| {
                (0..d).map(|i| (vec![(b[i], 1.0)], q[i])).collect()
            });
        let signal = |t: usize| (0..d).map(|i| (b[t][i], u[(t, i)])).collect::<Form>();
        let seen: Vec<(usize, f64)> =
            (0..steps).filter_map(|t| y[t].map(|v| (dense.add(0.0, &signal(t), r), v))).collect();
        let known = dense.given(&seen);
        close(state.trace[sweep], known.log_evidence, 1e-11);
        if sweep == 0 {
            let fit = model.infer(&data, &begin).unwrap();
            exact(&fit, &data, known.log_evidence);
            for t in 0..steps {
                for i in 0..d {
                    close(fit.posterior.b[t].mean()[i], known.mean(b[t][i]), 1e-10);
                    close(fit.posterior.b[t].cov()[(i, 1)], known.cov[(b[t][i], b[t][1])], 1e-10);
                }
            }
        }
        q = (0..d)
            .map(|i| average(&known, (1..steps).map(|t| (0.0, vec![(b[t][i], 1.0), (b[t - 1][i], -1.0)]))))
            .collect();
        r = average(&known, (0..steps).filter_map(|t| y[t].map(|v| (-v, signal(t)))));
        model.step(&mut state).unwrap();
    }
}

#[test]
fn a_diagonal_of_drifts_is_fitted_entry_by_entry() {
    let (steps, h, d) = (15, 2, 3);
    let mut g = Noise::new(7);
    let c0 = DMatrix::from_fn(d, h, |_, _| g.normal());
    let r0 = g.sym_pos(d);
    let y = DMatrix::from_fn(steps, d, |_, _| 1.5 * g.normal());
    let data = diagonal::Data { y: (&y).into() };
    let model = diagonal::Model::new(h);
    let (mut a, mut q) = (vec![0.8, -0.4], vec![0.5, 0.9]);
    let begin = diagonal::Params { a: a.clone(), q: q.clone(), C: c0.clone(), R: r0.clone() };
    let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
    let (mut c, mut r) = (c0, r0);
    for sweep in 0..5 {
        for i in 0..h {
            close(state.params.a[i], a[i], 1e-9);
            close(state.params.q[i], q[i], 1e-9);
        }
        assert!((&state.params.C - &c).norm() < 1e-9 && (&state.params.R - &r).norm() < 1e-9);
        let (mut dense, x) =
            unrolled(steps, &mut |m| (0..h).map(|_| m.add(0.0, &[], 1.0)).collect(), &|_, b| {
                (0..h).map(|i| (vec![(b[i], a[i])], q[i])).collect()
            });
        let mut seen = vec![];
        for t in 0..steps {
            let forms: Vec<Form> = (0..d).map(|i| (0..h).map(|j| (x[t][j], c[(i, j)])).collect()).collect();
            let own = dense.add_vector(&[0.0; 3], &forms, &r);
            seen.extend(own.into_iter().enumerate().map(|(i, v)| (v, y[(t, i)])));
        }
        let known = dense.given(&seen);
        close(state.trace[sweep], known.log_evidence, 1e-11);
        if sweep == 0 {
            exact(&model.infer(&data, &begin).unwrap(), &data, known.log_evidence);
        }
        let product = |v: usize, w: usize| known.product((0.0, &[(v, 1.0)]), (0.0, &[(w, 1.0)]));
        for i in 0..h {
            let (mut top, mut bottom) = (0.0, 0.0);
            for t in 1..steps {
                top += product(x[t][i], x[t - 1][i]);
                bottom += product(x[t - 1][i], x[t - 1][i]);
            }
            a[i] = top / bottom;
            q[i] = average(&known, (1..steps).map(|t| (0.0, vec![(x[t][i], 1.0), (x[t - 1][i], -a[i])])));
        }
        let (mut xx, mut yx) = (DMatrix::<f64>::zeros(h, h), DMatrix::<f64>::zeros(d, h));
        for t in 0..steps {
            for i in 0..h {
                (0..h).for_each(|j| xx[(i, j)] += product(x[t][i], x[t][j]));
                (0..d).for_each(|j| yx[(j, i)] += y[(t, j)] * known.mean(x[t][i]));
            }
        }
        c = &yx * xx.try_inverse().unwrap();
        let mut s = DMatrix::<f64>::zeros(d, d);
        for t in 0..steps {
            let form = |i: usize| (y[(t, i)], (0..h).map(|j| (x[t][j], -c[(i, j)])).collect::<Form>());
            for i in 0..d {
                for j in 0..d {
                    let ((a, f), (b, g)) = (form(i), form(j));
                    s[(i, j)] += known.product((a, &f), (b, &g));
                }
            }
        }
        r = s / steps as f64;
        model.step(&mut state).unwrap();
    }
}

#[test]
fn tied_drifts_and_loads_are_fitted_together() {
    let steps = 14;
    let (y, w) = (wave(steps, 8), wave(steps, 9));
    let data = tied::Data { y: (&y).into(), w: (&w).into() };
    let model = tied::Model::new();
    let mut p = [0.7, 0.5, 0.9, 0.6];
    let begin = tied::Params { a: p[0], q: p[1], g: p[2], r: p[3] };
    let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
    for sweep in 0..6 {
        let found = &state.params;
        for (found, expected) in [found.a, found.q, found.g, found.r].into_iter().zip(p) {
            close(found, expected, 1e-9);
        }
        let [a, q, g, r] = p;
        let (mut dense, x) =
            unrolled(steps, &mut |m| vec![m.add(0.0, &[], 1.0), m.add(0.0, &[], 1.0)], &|_, b| {
                vec![(vec![(b[0], a)], q), (vec![(b[1], a), (b[0], 0.3)], q)]
            });
        let mut seen = vec![];
        for t in 0..steps {
            seen.push((dense.add(0.0, &[(x[t][0], 1.0), (x[t][1], 1.0)], r), y[t]));
            seen.push((dense.add(0.0, &[(x[t][0], g), (x[t][1], -g)], 2.0 * r), w[t]));
        }
        let known = dense.given(&seen);
        close(state.trace[sweep], known.log_evidence, 1e-11);
        if sweep == 0 {
            exact(&model.infer(&data, &begin).unwrap(), &data, known.log_evidence);
        }
        let (mut top, mut bottom) = (0.0, 0.0);
        for t in 1..steps {
            for (own, known_part) in [(0, 0.0), (1, 0.3)] {
                let target = vec![(x[t][own], 1.0), (x[t - 1][0], -known_part)];
                top += known.product((0.0, &target), (0.0, &[(x[t - 1][own], 1.0)]));
                bottom += known.square(0.0, &[(x[t - 1][own], 1.0)]);
            }
        }
        let a = top / bottom;
        let steps_of = (1..steps).flat_map(|t| {
            [
                (0.0, vec![(x[t][0], 1.0), (x[t - 1][0], -a)]),
                (0.0, vec![(x[t][1], 1.0), (x[t - 1][1], -a), (x[t - 1][0], -0.3)]),
            ]
        });
        let q = average(&known, steps_of);
        let (mut top, mut bottom) = (0.0, 0.0);
        for t in 0..steps {
            let gap = vec![(x[t][0], 1.0), (x[t][1], -1.0)];
            top += known.product((w[t], &[]), (0.0, &gap));
            bottom += known.square(0.0, &gap);
        }
        let g = top / bottom;
        let mut total = 0.0;
        for t in 0..steps {
            total += known.square(-y[t], &[(x[t][0], 1.0), (x[t][1], 1.0)]);
            total += known.square(-w[t], &[(x[t][0], g), (x[t][1], -g)]) / 2.0;
        }
        p = [a, q, g, total / (2.0 * steps as f64)];
        model.step(&mut state).unwrap();
    }
}

#[test]
fn a_trend_from_nowhere_has_the_restricted_likelihood() {
    let steps = 15;
    let mut y: Vec<Option<f64>> = wave(steps, 10).into_iter().map(Some).collect();
    for t in [0, 6, 7, 14] {
        y[t] = None;
    }
    let data = diffuse_trend::Data { y: (&y).into() };
    let model = diffuse_trend::Model::new();
    let (q, v, r) = (0.3, 0.1, 0.9);
    let fit = model.infer(&data, &diffuse_trend::Params { q, v, r }).unwrap();
    let (mut dense, x) = unrolled(steps, &mut |m| vec![m.add_flat(), m.add_flat()], &|_, b| {
        vec![(vec![(b[0], 1.0), (b[1], 1.0)], q), (vec![(b[1], 1.0)], v)]
    });
    let seen: Vec<(usize, f64)> =
        (0..steps).filter_map(|t| y[t].map(|u| (dense.add(0.0, &[(x[t][0], 1.0)], r), u))).collect();
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    for t in 0..steps {
        close(fit.posterior.level[t].mean(), known.mean(x[t][0]), 1e-10);
        close(fit.posterior.level[t].var(), known.var(x[t][0]), 1e-10);
        close(fit.posterior.slope[t].mean(), known.mean(x[t][1]), 1e-10);
        close(fit.posterior.slope[t].var(), known.var(x[t][1]), 1e-10);
    }
    let fit = model.fit(&data, &Options::new().max_iterations(200)).unwrap();
    monotone(&fit.trace);
}

#[test]
fn a_trend_without_noise_is_a_line() {
    let steps = 30;
    let y: Vec<Option<f64>> = wave(steps, 11).into_iter().map(Some).collect();
    let data = diffuse_trend::Data { y: (&y).into() };
    let x = DMatrix::from_fn(steps, 2, |t, j| if j == 0 { 1.0 } else { t as f64 });
    let target = DVector::from_iterator(steps, y.iter().map(|y| y.unwrap()));
    let gram = x.transpose() * &x;
    let line = gram.clone().try_inverse().unwrap() * x.transpose() * &target;
    let cov = gram.clone().try_inverse().unwrap() * 0.8;
    let rss = (&target - &x * &line).norm_squared();
    let log = -0.5 * (28.0 * (std::f64::consts::TAU * 0.8).ln() + gram.determinant().ln() + rss / 0.8);
    for q in [1e-10, 1e-12, 1e-14, 1e-16, 1e-20] {
        let p = diffuse_trend::Params { q, v: q, r: 0.8 };
        let fit = diffuse_trend::Model::new().infer(&data, &p).unwrap();
        // What a drift of variance q adds over 30 steps.
        let slack = 1e6 * q + 1e-12;
        assert!(
            (fit.log_likelihood() - log).abs() < slack * log.abs(),
            "{q}: {} {log}",
            fit.log_likelihood()
        );
        for t in [0, 13, 29] {
            let mean = line[0] + line[1] * t as f64;
            assert!((fit.posterior.level[t].mean() - mean).abs() < slack, "{q} {t}");
            let at = x.row(t).transpose();
            let var = (at.transpose() * &cov * &at)[0];
            assert!((fit.posterior.level[t].var() - var).abs() < slack, "{q} {t}");
            assert!((fit.posterior.slope[t].mean() - line[1]).abs() < slack, "{q} {t}");
        }
    }
}

#[test]
fn an_offset_of_the_data_moves_a_diffuse_level_alone() {
    let y = wave(60, 12);
    let fits = [0.0, 1e8].map(|offset| {
        let y: Vec<Option<f64>> = y.iter().map(|v| Some(v + offset)).collect();
        let data = diffuse_trend::Data { y: (&y).into() };
        let begin = diffuse_trend::Params { q: 0.5, v: 0.1, r: 1.0 };
        let options = Options::new().max_iterations(30);
        diffuse_trend::Model::new().fit_from(&data, Start::Params(begin), &options).unwrap()
    });
    close(fits[1].log_likelihood(), fits[0].log_likelihood(), 1e-7);
    let (near, far) = (&fits[0].params, &fits[1].params);
    for (a, b) in [(near.q, far.q), (near.v, far.v), (near.r, far.r)] {
        close(b, a, 1e-6);
    }
    close(fits[1].posterior.level[30].mean() - 1e8, fits[0].posterior.level[30].mean(), 1e-6);
    close(fits[1].posterior.slope[30].mean(), fits[0].posterior.slope[30].mean(), 1e-6);
}
