//! Chains of Gaussian latents: E-steps against dense Normals of whole sequences, sweeps against EM as textbooks write it (Kalman, Rauch, Tung and
//! Striebel; Shumway and Stoffer).

use vi_core::prelude::*;
use vi_tests::data::{Noise, read};
use vi_tests::density::mv_normal;
use vi_tests::law::{close, digits, exact, monotone};
use vi_tests::series::{panel, state_space};
use vi_tests::textbook::state_space::Textbook;

model! {
    pub mod local_level {
        param    m0: Real;   param p0: Positive;   param q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(m0, var: p0);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}

model! {
    pub mod diffuse_level {
        param    q: Positive;   param r: Positive;
        latent   x[0]         ~ Flat();
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}
model! {
    pub mod drift {
        param    q: Positive;   param r: Positive;
        for s in S {
            latent   x[s, 0]                ~ Flat();
            latent   x[s, t in 1..T[s]]     ~ Normal(x[s, t-1], var: q);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t], var: r);
        }
    }
}
model! {
    /// A level and its slope, which drifts.
    pub mod trend {
        param    q: Positive;   param w: Positive;   param r: Positive;
        latent   level[0]         ~ Normal(0, var: 100);
        latent   slope[0]         ~ Normal(0, var: 4);
        latent   slope[t in 1..T] ~ Normal(slope[t-1], var: w);
        latent   level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: q);
        observed y[t in T]        ~ Normal(level[t], var: r);
    }
}
model! {
    /// What is known pushes the state.
    pub mod driven(H) {
        given    u[t in T]: Vector[K];
        param    A: Matrix[H, H];   param B: Matrix[H, K];   param Q: SymPos[H];
        param    C: Matrix[D, H];   param R[d in D]: Positive(min: 1e-9);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(A * x[t-1] + B * u[t], cov: Q);
        observed y[t in T]    ~ Normal(C * x[t], var: R);
    }
}

model! {
    /// Steps of many sensors, some of them several times, each with noise of its own; the drift has a variance for each step.
    pub mod sensors {
        given    at[n in N]: Category[T];
        param    q[t in T]: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q[t]);
        observed y[n in N]    ~ Normal(x[at[n]], var: r);
        observed w[t in 1..T] ~ Normal(x[t] - x[t-1], var: 0.5);
    }
}

/// Cov of x[0..n] where x[0] has variance p0 and each step adds q.
fn walk(n: usize, p0: f64, q: f64) -> DMatrix<f64> {
    DMatrix::from_fn(n, n, |i, j| p0 + q * i.min(j) as f64)
}

#[test]
fn the_nile_with_known_variances_has_the_published_likelihood() {
    let y = read("nile.csv").column(0).iter().copied().collect::<Vec<f64>>();
    let data = local_level::Data { y: (&y).into() };
    let params = local_level::Params { m0: 0.0, p0: 1e7, q: 1469.1, r: 15099.0 };
    let fit = local_level::Model::new().infer(&data, &params).unwrap();
    digits(fit.log_likelihood(), "-641.585578459");
    exact(&fit, &data, -641.585_578_459);
}

#[test]
fn the_posterior_of_a_level_is_the_dense_normal_given_the_data() {
    let mut noise = Noise::new(3);
    for n in [1, 2, 3, 17] {
        let y: Vec<f64> = (0..n).map(|t| 0.2 * t as f64 + noise.normal()).collect();
        let data = local_level::Data { y: (&y).into() };
        let params = local_level::Params { m0: 0.3, p0: 2.0, q: 0.7, r: 1.3 };
        let fit = local_level::Model::new().infer(&data, &params).unwrap();
        let prior = walk(n, 2.0, 0.7);
        let of_data = &prior + DMatrix::identity(n, n) * 1.3;
        let mean = DVector::from_element(n, 0.3);
        exact(&fit, &data, mv_normal(&y, &mean, &of_data));
        let gain = &prior * of_data.clone().try_inverse().unwrap();
        let smoothed = &mean + &gain * (DVector::from_column_slice(&y) - &mean);
        let left = &prior - &gain * &prior;
        for t in 0..n {
            close(fit.posterior.x[t].mean(), smoothed[t], 1e-12);
            close(fit.posterior.x[t].var(), left[(t, t)], 1e-12);
            let (low, high) = fit.posterior.x[t].interval(0.95);
            close(high - low, 2.0 * 1.959_963_984_540_054 * left[(t, t)].sqrt(), 1e-12);
        }
    }
}

fn number(x: f64) -> DMatrix<f64> {
    DMatrix::from_element(1, 1, x)
}

/// A scalar chain.
fn scalar(a: f64, q: f64, c: f64, b: f64, r: f64, m0: f64, p0: f64) -> Textbook {
    let v = |x: f64| DVector::from_element(1, x);
    Textbook { a: number(a), q: number(q), c: number(c), b: v(b), r: number(r), m0: v(m0), p0: number(p0) }
}

#[test]
fn em_of_a_level_takes_the_steps_of_kalman_and_rauch_tung_striebel() {
    let mut noise = Noise::new(5);
    let mut level = 2.0;
    let y: Vec<f64> = (0..60)
        .map(|_| {
            level += 0.5 * noise.normal();
            level + noise.normal()
        })
        .collect();
    let data = local_level::Data { y: (&y).into() };
    let model = local_level::Model::new();
    let begin = local_level::Params { m0: 1.0, p0: 3.0, q: 1.0, r: 2.0 };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let mut by_hand = scalar(1.0, 1.0, 1.0, 0.0, 2.0, 1.0, 3.0);
    let all = [y.iter().map(|y| Some(DVector::from_element(1, *y))).collect::<Vec<_>>()];
    for sweep in 0..15 {
        let p = &state.params;
        for (found, expected) in
            [(p.m0, by_hand.m0[0]), (p.p0, by_hand.p0[0]), (p.q, by_hand.q[0]), (p.r, by_hand.r[0])]
        {
            close(found, expected, 1e-9);
        }
        let log_likelihood = by_hand.step(&all, (false, false, false));
        close(state.trace[sweep], log_likelihood, 1e-9);
        model.step(&mut state).unwrap();
    }
}

#[test]
fn em_of_a_state_space_takes_the_steps_of_shumway_and_stoffer() {
    let mut noise = Noise::new(11);
    let (h, d, n) = (2, 3, 80);
    let a = DMatrix::from_row_slice(2, 2, &[0.9, 0.2, -0.3, 0.8]);
    let c = DMatrix::from_fn(d, h, |_, _| noise.normal());
    let mut x = DVector::from_fn(h, |_, _| noise.normal());
    let y = DMatrix::from_rows(
        &(0..n)
            .map(|_| {
                x = &a * &x + DVector::from_fn(h, |_, _| 0.4 * noise.normal());
                (&c * &x + DVector::from_fn(d, |_, _| 0.3 * noise.normal())).transpose()
            })
            .collect::<Vec<_>>(),
    );
    let mut by_hand = Textbook {
        a: DMatrix::identity(h, h) * 0.5,
        q: noise.sym_pos(h),
        c: DMatrix::from_fn(d, h, |_, _| noise.normal()),
        b: DVector::zeros(d),
        r: noise.sym_pos(d),
        m0: DVector::from_element(h, 0.1),
        p0: noise.sym_pos(h),
    };
    let t = by_hand.clone();
    let begin = state_space::Params { A: t.a, Q: t.q, C: t.c, R: t.r, m0: t.m0, P0: t.p0 };
    let data = state_space::Data { y: (&y).into() };
    let model = state_space::Model::new(h);
    let all = [y.row_iter().map(|r| Some(r.transpose())).collect::<Vec<_>>()];
    let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
    for sweep in 0..12 {
        let p = &state.params;
        for (found, expected) in [
            (&p.A, &by_hand.a),
            (&p.Q, &by_hand.q),
            (&p.C, &by_hand.c),
            (&p.R, &by_hand.r),
            (&p.P0, &by_hand.p0),
        ] {
            for (f, e) in found.iter().zip(expected.iter()) {
                close(*f, *e, 1e-9);
            }
        }
        for (f, e) in p.m0.iter().zip(by_hand.m0.iter()) {
            close(*f, *e, 1e-9);
        }
        let log_likelihood = by_hand.step(&all, (false, true, true));
        close(state.trace[sweep], log_likelihood, 1e-9);
        model.step(&mut state).unwrap();
    }
    let fit = model.infer(&data, &begin).unwrap();
    let by_hand = Textbook {
        a: begin.A.clone(),
        q: begin.Q.clone(),
        c: begin.C.clone(),
        b: DVector::zeros(d),
        r: begin.R.clone(),
        m0: begin.m0.clone(),
        p0: begin.P0.clone(),
    }
    .smooth(&all[0]);
    exact(&fit, &data, by_hand.log_likelihood);
    for t in 0..n {
        assert!((fit.posterior.x[t].mean() - &by_hand.mean[t]).norm() < 1e-10, "step {t}");
        assert!((fit.posterior.x[t].cov() - &by_hand.cov[t]).norm() < 1e-10, "step {t}");
    }
}

/// Sequences of several lengths, one of a single step and one of which nothing is seen.
fn sequences(seed: u64, count: usize) -> Vec<Vec<Option<f64>>> {
    let mut noise = Noise::new(seed);
    (0..count)
        .map(|s| {
            let n = if s == 1 { 1 } else { 2 + noise.below(9) };
            let mut x = noise.normal();
            (0..n)
                .map(|t| {
                    x = 0.8 * x + 0.6 * noise.normal();
                    (s != 3 && (t + s) % 4 != 2).then_some(1.0 + x + 0.5 * noise.normal())
                })
                .collect()
        })
        .collect()
}

#[test]
fn ragged_sequences_with_holes_take_the_same_steps() {
    let y = sequences(21, 12);
    let data = panel::Data { y: (&y).into() };
    let model = panel::Model::new();
    let begin = panel::Params { m0: 0.2, p0: 1.5, a: 0.5, q: 1.0, c: 0.9, b: 0.3, r: 0.8 };
    let mut by_hand = scalar(0.5, 1.0, 0.9, 0.3, 0.8, 0.2, 1.5);
    let all: Vec<Vec<Option<DVector<f64>>>> =
        y.iter().map(|s| s.iter().map(|y| y.map(|y| DVector::from_element(1, y))).collect()).collect();
    let fit = model.infer(&data, &begin).unwrap();
    exact(&fit, &data, all.iter().map(|s| by_hand.smooth(s).log_likelihood).sum());
    for (s, sequence) in all.iter().enumerate() {
        let by_hand = by_hand.smooth(sequence);
        for t in 0..sequence.len() {
            close(fit.posterior.x[s][t].mean(), by_hand.mean[t][0], 1e-12);
            close(fit.posterior.x[s][t].var(), by_hand.cov[t][0], 1e-12);
        }
    }
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    for sweep in 0..15 {
        let p = &state.params;
        for (found, expected) in [
            (p.m0, by_hand.m0[0]),
            (p.p0, by_hand.p0[0]),
            (p.a, by_hand.a[0]),
            (p.q, by_hand.q[0]),
            (p.c, by_hand.c[0]),
            (p.b, by_hand.b[0]),
            (p.r, by_hand.r[0]),
        ] {
            close(found, expected, 1e-9);
        }
        let log_likelihood = by_hand.step(&all, (true, true, true));
        close(state.trace[sweep], log_likelihood, 1e-9);
        model.step(&mut state).unwrap();
    }
}

#[test]
fn a_sequence_of_which_nothing_is_seen_has_its_prior() {
    let y: Vec<Vec<Option<f64>>> = vec![vec![None; 6], vec![Some(1.0), None, Some(2.0)]];
    let data = panel::Data { y: (&y).into() };
    let params = panel::Params { m0: 0.2, p0: 1.5, a: 0.5, q: 1.0, c: 0.9, b: 0.3, r: 0.8 };
    let fit = panel::Model::new().infer(&data, &params).unwrap();
    let (mut mean, mut var) = (0.2, 1.5);
    for t in 0..6 {
        close(fit.posterior.x[0][t].mean(), mean, 1e-14);
        close(fit.posterior.x[0][t].var(), var, 1e-14);
        (mean, var) = (0.5 * mean, 0.25 * var + 1.0);
    }
}

#[test]
fn threads_change_no_bit() {
    let y = sequences(31, 900);
    let data = panel::Data { y: (&y).into() };
    let traces = [1, 2, 5].map(|threads| {
        let options = Options::new().max_iterations(5).threads(threads);
        panel::Model::new().fit(&data, &options).unwrap().trace
    });
    assert_eq!(traces[0], traces[1]);
    assert_eq!(traces[0], traces[2]);
}

/// log p(y) of a chain that is Normal as a whole: x = mean + noise, one step's state after another.
fn dense(
    (first, p0): (&DVector<f64>, &DMatrix<f64>),
    a: &DMatrix<f64>,
    q: &DMatrix<f64>,
    push: &dyn Fn(usize) -> DVector<f64>,
    (c, r): (&DMatrix<f64>, &DMatrix<f64>),
    y: &[Vec<f64>],
) -> f64 {
    let (h, d, n) = (a.nrows(), c.nrows(), y.len());
    let mut mean = DVector::zeros(n * h);
    let mut cov = DMatrix::zeros(n * h, n * h);
    let (mut m, mut p) = (first.clone(), p0.clone());
    for t in 0..n {
        if t > 0 {
            m = a * m + push(t);
            p = a * p * a.transpose() + q;
        }
        mean.rows_mut(t * h, h).copy_from(&m);
        let mut cross = p.clone();
        for s in t..n {
            cov.view_mut((s * h, t * h), (h, h)).copy_from(&cross);
            cov.view_mut((t * h, s * h), (h, h)).copy_from(&cross.transpose());
            cross = a * cross;
        }
    }
    let all = DMatrix::identity(n, n).kronecker(c);
    let noise = DMatrix::identity(n, n).kronecker(r);
    let of_data = &all * cov * all.transpose() + noise;
    assert_eq!(of_data.nrows(), n * d);
    mv_normal(&y.concat(), &(all * mean), &of_data)
}

#[test]
fn a_level_and_its_slope_are_one_chain() {
    let mut noise = Noise::new(41);
    let y: Vec<f64> = (0..25).map(|t| 0.3 * t as f64 + noise.normal()).collect();
    let data = trend::Data { y: (&y).into() };
    let model = trend::Model::new();
    let fit = model.infer(&data, &trend::Params { q: 0.4, w: 0.1, r: 1.2 }).unwrap();
    let diagonal = |a: f64, b: f64| DMatrix::from_diagonal(&DVector::from_vec(vec![a, b]));
    let by_hand = dense(
        (&DVector::zeros(2), &diagonal(100.0, 4.0)),
        &DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 0.0, 1.0]),
        &diagonal(0.4, 0.1),
        &|_| DVector::zeros(2),
        (&DMatrix::from_row_slice(1, 2, &[1.0, 0.0]), &number(1.2)),
        &y.iter().map(|y| vec![*y]).collect::<Vec<_>>(),
    );
    exact(&fit, &data, by_hand);
    let fit = model.fit(&data, &Options::new().max_iterations(30)).unwrap();
    monotone(&fit.trace);
    assert!(fit.posterior.slope[24].var() > 0.0);
}

#[test]
fn known_inputs_push_the_state_and_their_matrix_is_fitted() {
    let mut noise = Noise::new(43);
    let (h, d, k, n) = (2, 2, 2, 40);
    let u = DMatrix::from_fn(n, k, |_, _| noise.normal());
    let a = DMatrix::from_row_slice(2, 2, &[0.7, 0.1, -0.2, 0.6]);
    let b = DMatrix::from_row_slice(2, 2, &[1.5, -0.5, 0.3, 0.8]);
    let c = DMatrix::from_row_slice(2, 2, &[1.0, 0.4, -0.3, 1.1]);
    let mut x = DVector::zeros(h);
    let mut rows = vec![];
    for t in 0..n {
        x = &a * &x + &b * u.row(t).transpose() + DVector::from_fn(h, |_, _| 0.3 * noise.normal());
        rows.push((&c * &x + DVector::from_fn(d, |_, _| 0.2 * noise.normal())).transpose());
    }
    let y = DMatrix::from_rows(&rows);
    let data = driven::Data { u: (&u).into(), y: (&y).into() };
    let q = noise.sym_pos(h);
    let params = driven::Params { A: a.clone(), B: b.clone(), Q: q.clone(), C: c.clone(), R: vec![0.3, 0.5] };
    let model = driven::Model::new(h);
    let fit = model.infer(&data, &params).unwrap();
    let by_hand = dense(
        (&DVector::zeros(h), &DMatrix::identity(h, h)),
        &a,
        &q,
        &|t| &b * u.row(t).transpose(),
        (&c, &DMatrix::from_diagonal(&DVector::from_vec(vec![0.3, 0.5]))),
        &y.row_iter().map(|r| r.iter().copied().collect()).collect::<Vec<_>>(),
    );
    exact(&fit, &data, by_hand);
    let options = Options::new().max_iterations(60);
    let fit = model.fit_from(&data, Start::Params(params), &options).unwrap();
    monotone(&fit.trace);
    assert!(fit.log_likelihood() > by_hand + 1.0);
}

#[test]
fn draws_are_joint_draws_of_neighbours() {
    let y = vec![0.4, -0.2, 1.1];
    let data = local_level::Data { y: (&y).into() };
    let params = local_level::Params { m0: 0.0, p0: 1.0, q: 0.2, r: 2.0 };
    let fit = local_level::Model::new().infer(&data, &params).unwrap();
    let draws = fit.draw(&data, 7, 20_000).unwrap();
    let prior = walk(3, 1.0, 0.2);
    let gain = &prior * (&prior + DMatrix::identity(3, 3) * 2.0).try_inverse().unwrap();
    let mean = &gain * DVector::from_column_slice(&y);
    let cov = &prior - &gain * &prior;
    for i in 0..3 {
        for j in 0..3 {
            let found = draws.iter().map(|z| (z.x[i] - mean[i]) * (z.x[j] - mean[j])).sum::<f64>() / 2e4;
            // Five standard errors of a product of Normals.
            let error = 5.0 * ((cov[(i, i)] * cov[(j, j)] + cov[(i, j)].powi(2)) / 2e4).sqrt();
            assert!((found - cov[(i, j)]).abs() < error, "({i}, {j}): {found} and {}", cov[(i, j)]);
        }
    }
}

#[test]
fn a_fit_without_locals_is_the_same_fit() {
    let y = sequences(51, 6);
    let data = panel::Data { y: (&y).into() };
    let model = panel::Model::new();
    let options = Options::new().max_iterations(20);
    let kept = model.fit(&data, &options).unwrap();
    let bare = model.fit(&data, &options.clone().keep_locals(false)).unwrap();
    assert_eq!(kept.trace, bare.trace);
    assert!(bare.posterior.x.is_empty());
    let again = model.infer(&data, &bare.params).unwrap();
    assert_eq!(again.posterior.x[0][0].mean(), kept.posterior.x[0][0].mean());
}

#[test]
fn sequences_without_steps_say_nothing() {
    let mut y = sequences(61, 5);
    let without = y.clone();
    y.insert(2, vec![]);
    y.push(vec![]);
    let params = panel::Params { m0: 0.2, p0: 1.5, a: 0.5, q: 1.0, c: 0.9, b: 0.3, r: 0.8 };
    let fits = [&y, &without].map(|y| {
        let data = panel::Data { y: y.into() };
        let fit = panel::Model::new().infer(&data, &params).unwrap();
        fit.log_likelihood()
    });
    assert_eq!(fits[0], fits[1]);
}

#[test]
fn the_first_variance_of_one_sequence_falls_and_the_likelihood_rises_with_it() {
    let y = read("nile.csv").column(0).iter().copied().collect::<Vec<f64>>();
    let data = local_level::Data { y: (&y).into() };
    let begin = local_level::Params { m0: 1000.0, p0: 1e4, q: 1e3, r: 1e4 };
    let model = local_level::Model::new();
    let fit = model.fit_from(&data, Start::Params(begin), &Options::new().max_iterations(300)).unwrap();
    monotone(&fit.trace);
    let p = &fit.params;
    assert!(p.p0 < 20.0, "{}", p.p0);
    let certain = model.infer(&data, &local_level::Params { p0: 1e-9, ..p.clone() }).unwrap();
    assert!(certain.log_likelihood() > fit.log_likelihood());
    close(certain.posterior.x[0].mean(), p.m0, 1e-12);
}

#[test]
fn a_diffuse_level_of_the_nile_has_the_published_maximum() {
    let y = read("nile.csv").column(0).iter().copied().collect::<Vec<f64>>();
    let data = diffuse_level::Data { y: (&y).into() };
    let options = Options::new().max_iterations(20_000).tolerance(1e-13);
    let fit = diffuse_level::Model::new().fit(&data, &options).unwrap();
    digits(fit.log_likelihood(), "-632.545625");
    close(fit.params.r, 15_098.518, 1e-4);
    close(fit.params.q, 1_469.176_5, 1e-3);
    exact(&fit, &data, fit.log_likelihood());
}

#[test]
fn new_sequences_are_judged_one_by_one_and_what_is_missing_is_imputed() {
    let y = sequences(71, 7);
    let data = panel::Data { y: (&y).into() };
    let params = panel::Params { m0: 0.2, p0: 1.5, a: 0.5, q: 1.0, c: 0.9, b: 0.3, r: 0.8 };
    let by_hand = scalar(0.5, 1.0, 0.9, 0.3, 0.8, 0.2, 1.5);
    let fit = panel::Model::new().infer(&data, &params).unwrap();
    let predictive = fit.predict(&data).unwrap();
    for (s, y) in y.iter().enumerate() {
        let own: Vec<_> = y.iter().map(|y| y.map(|y| DVector::from_element(1, y))).collect();
        close(predictive.log_density[s], by_hand.smooth(&own).log_likelihood, 1e-12);
    }
}

#[test]
fn steps_that_differ_and_data_that_find_their_step_by_a_map_are_the_dense_normal() {
    let mut noise = Noise::new(81);
    let n = 9;
    let at: Vec<usize> = (0..20).map(|_| noise.below(n)).collect();
    let q: Vec<f64> = (0..n).map(|t| 0.2 + 0.1 * t as f64).collect();
    let y = noise.normals(20);
    let w = noise.normals(n);
    let data = sensors::Data { at: (&at).into(), y: (&y).into(), w: (&w).into() };
    let fit = sensors::Model::new().infer(&data, &sensors::Params { q: q.clone(), r: 0.7 }).unwrap();
    let mut prior = DMatrix::from_element(n, n, 1.0);
    for i in 0..n {
        for j in 0..n {
            prior[(i, j)] += q[1..=i.min(j)].iter().sum::<f64>();
        }
    }
    let mut loads = DMatrix::zeros(20 + n - 1, n);
    let mut cov = DMatrix::identity(20 + n - 1, 20 + n - 1) * 0.7;
    for (i, t) in at.iter().enumerate() {
        loads[(i, *t)] = 1.0;
    }
    for t in 1..n {
        (loads[(19 + t, t)], loads[(19 + t, t - 1)]) = (1.0, -1.0);
        cov[(19 + t, 19 + t)] = 0.5;
    }
    let of_data = &loads * &prior * loads.transpose() + cov;
    let seen = [&y[..], &w[1..]].concat();
    exact(&fit, &data, mv_normal(&seen, &DVector::zeros(20 + n - 1), &of_data));
    let gain = &prior * loads.transpose() * of_data.try_inverse().unwrap();
    let mean = &gain * DVector::from_column_slice(&seen);
    let left = &prior - &gain * &loads * &prior;
    for t in 0..n {
        close(fit.posterior.x[t].mean(), mean[t], 1e-12);
        close(fit.posterior.x[t].var(), left[(t, t)], 1e-12);
    }
}

#[test]
fn an_offset_of_the_data_changes_nothing_but_where_the_level_is() {
    let y = read("nile.csv").column(0).iter().copied().collect::<Vec<f64>>();
    let far: Vec<f64> = y.iter().map(|y| y + 1e7).collect();
    let fits = [(&y, 0.0), (&far, 1e7)].map(|(y, offset)| {
        let data = local_level::Data { y: y.into() };
        let begin = local_level::Params { m0: 1000.0 + offset, p0: 1e4, q: 1e3, r: 1e4 };
        let options = Options::new().max_iterations(20);
        local_level::Model::new().fit_from(&data, Start::Params(begin), &options).unwrap()
    });
    close(fits[0].log_likelihood(), fits[1].log_likelihood(), 1e-8);
    close(fits[0].params.q, fits[1].params.q, 1e-6);
    close(fits[0].params.r, fits[1].params.r, 1e-6);
}

#[test]
fn data_that_are_not_finite_or_of_another_length_are_errors() {
    let y = vec![1.0, f64::NAN, 2.0];
    let params = local_level::Params { m0: 0.0, p0: 1.0, q: 1.0, r: 1.0 };
    let model = local_level::Model::new();
    assert!(model.infer(&local_level::Data { y: (&y).into() }, &params).is_err());
    let y = vec![1.0, 2.0];
    let none = local_level::Params { q: -1.0, ..params.clone() };
    assert!(model.infer(&local_level::Data { y: (&y).into() }, &none).is_err());
    // Nothing determines a level without a prior and without data.
    let nothing: Vec<Vec<Option<f64>>> = vec![vec![None; 3]];
    let fit =
        drift::Model::new().infer(&drift::Data { y: (&nothing).into() }, &drift::Params { q: 1.0, r: 1.0 });
    let text = fit.unwrap_err().to_string();
    assert!(text.contains("x[0, 2]") && text.contains("neither its prior nor the data"), "{text}");
}
