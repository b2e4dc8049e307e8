//! What is known of Gaussian chains: filters, forecasts, draws and pairs, against one dense Normal of all states and data.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;
use vi_tests::series::{diffuse, panel, pushed, state_space, trend};
use vi_tests::textbook::dense::Dense;
use vi_tests::textbook::state_space::Textbook;

fn number(x: f64) -> DMatrix<f64> {
    DMatrix::from_element(1, 1, x)
}

const PANEL: panel::Params = panel::Params { m0: 0.2, p0: 1.5, a: 0.5, q: 1.0, c: 0.9, b: 0.3, r: 0.8 };

fn panel_by_hand() -> Textbook {
    let v = |x: f64| DVector::from_element(1, x);
    let p = &PANEL;
    Textbook {
        a: number(p.a),
        q: number(p.q),
        c: number(p.c),
        b: v(p.b),
        r: number(p.r),
        m0: v(p.m0),
        p0: number(p.p0),
    }
}

fn trend_by_hand(q: f64, w: f64, r: f64) -> Textbook {
    let diagonal = |a: f64, b: f64| DMatrix::from_diagonal(&DVector::from_vec(vec![a, b]));
    Textbook {
        a: DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 0.0, 1.0]),
        q: diagonal(q, w),
        c: DMatrix::from_row_slice(1, 2, &[1.0, 0.0]),
        b: DVector::zeros(1),
        r: number(r),
        m0: DVector::from_vec(vec![1.0, 0.0]),
        p0: diagonal(9.0, 4.0),
    }
}

/// Sequences of several lengths: one of a single step, one without any, one of which nothing is seen.
fn sequences(seed: u64) -> Vec<Vec<Option<f64>>> {
    let mut noise = Noise::new(seed);
    [7, 1, 0, 4, 9]
        .into_iter()
        .enumerate()
        .map(|(s, n)| (0..n).map(|t| (s != 3 && (t + s) % 4 != 2).then(|| 1.0 + noise.normal())).collect())
        .collect()
}

fn vectors(y: &[Option<f64>]) -> Vec<Option<DVector<f64>>> {
    y.iter().map(|y| y.map(|y| DVector::from_element(1, y))).collect()
}

/// A state space of two states and three observed numbers, and data.
fn spaces(seed: u64, n: usize) -> (Textbook, DMatrix<f64>) {
    let mut noise = Noise::new(seed);
    let model = Textbook {
        a: DMatrix::from_row_slice(2, 2, &[0.9, 0.2, -0.3, 0.8]),
        q: noise.sym_pos(2),
        c: DMatrix::from_fn(3, 2, |_, _| noise.normal()),
        b: DVector::zeros(3),
        r: noise.sym_pos(3),
        m0: DVector::from_vec(vec![0.3, -0.4]),
        p0: noise.sym_pos(2),
    };
    (model, DMatrix::from_fn(n, 3, |_, _| noise.normal()))
}

fn space_params(t: &Textbook) -> state_space::Params {
    let t = t.clone();
    state_space::Params { A: t.a, Q: t.q, C: t.c, R: t.r, m0: t.m0, P0: t.p0 }
}

fn rows(y: &DMatrix<f64>) -> Vec<Option<DVector<f64>>> {
    y.row_iter().map(|r| Some(r.transpose())).collect()
}

#[track_caller]
fn near(found: &DMatrix<f64>, expected: &DMatrix<f64>) {
    assert_eq!(found.shape(), expected.shape());
    found.iter().zip(expected.iter()).for_each(|(f, e)| close(*f, *e, 1e-10));
}

/// The interval of a Normal that leaves 2.5 % on either side.
fn ninety_five(mean: f64, var: f64) -> (f64, f64) {
    let reach = 1.959_963_984_540_054 * var.sqrt();
    (mean - reach, mean + reach)
}

#[test]
fn a_filter_of_ragged_sequences_with_holes_is_the_dense_normal_given_the_past() {
    let y = sequences(1);
    let data = panel::Data { y: (&y).into() };
    let fit = panel::Model::new().infer(&data, &PANEL).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let logs = fit.log_densities(&data).unwrap();
    let whole = fit.predict(&data).unwrap().log_density;
    let mut total = 0.0;
    for (s, y) in y.iter().enumerate() {
        let all = vectors(y);
        let dense = Dense::new(&panel_by_hand(), y.len());
        let mut own = 0.0;
        for t in 0..y.len() {
            let (mean, cov) = dense.given(&all[..=t], &dense.state(t));
            close(filtered.x[s][t].mean(), mean[0], 1e-10);
            close(filtered.x[s][t].var(), cov[(0, 0)], 1e-10);
            let ahead = dense.log_density(&all[..=t]) - dense.log_density(&all[..t]);
            close(logs[s][t].unwrap(), ahead, 1e-10);
            own += logs[s][t].unwrap();
        }
        assert_eq!(logs[s].len(), y.len());
        close(own, dense.log_density(&all), 1e-10);
        close(whole[s], own, 1e-10);
        total += own;
    }
    close(total, fit.log_likelihood(), 1e-10);
}

#[test]
fn a_filter_of_vectors_is_the_dense_normal_given_the_past() {
    let (by_hand, y) = spaces(2, 8);
    let data = state_space::Data { y: (&y).into() };
    let fit = state_space::Model::new(2).infer(&data, &space_params(&by_hand)).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let logs = fit.log_densities(&data).unwrap();
    let (dense, all) = (Dense::new(&by_hand, 8), rows(&y));
    for t in 0..8 {
        let (mean, cov) = dense.given(&all[..=t], &dense.state(t));
        assert!((filtered.x[t].mean() - mean).norm() < 1e-10);
        near(&filtered.x[t].cov(), &cov);
        let ahead = dense.log_density(&all[..=t]) - dense.log_density(&all[..t]);
        close(logs[0][t].unwrap(), ahead, 1e-10);
    }
    // A filter knows nothing of two steps together.
    assert!(filtered.joint_x.pair(3).is_none());
    let mut rng = vi_core::rng::stream(1, "test", &[]);
    assert!(filtered.sample(&mut rng).is_err());
    near(&filtered.joint_x.cov(3), &dense.given(&all[..=3], &dense.state(3)).1);
}

#[test]
fn a_forecast_of_every_sequence_is_the_dense_normal_given_its_data() {
    let y = sequences(3);
    let data = panel::Data { y: (&y).into() };
    let fit = panel::Model::new().infer(&data, &PANEL).unwrap();
    for steps in [0, 1, 2, 5] {
        let ahead = fit.forecast(&data, steps).unwrap();
        assert_eq!(ahead.posterior.x.len(), y.len());
        for (s, y) in y.iter().enumerate() {
            assert_eq!(ahead.posterior.x[s].len(), steps);
            let (dense, all) = (Dense::new(&panel_by_hand(), y.len() + steps), vectors(y));
            for h in 0..steps {
                let t = y.len() + h;
                let (mean, cov) = dense.given(&all, &dense.state(t));
                close(ahead.posterior.x[s][h].mean(), mean[0], 1e-10);
                close(ahead.posterior.x[s][h].var(), cov[(0, 0)], 1e-10);
                let (mean, cov) = dense.given(&all, &dense.datum(t));
                let found = ahead.absent.y.get([s, h]).unwrap();
                close(found.mean(), mean[0], 1e-10);
                close(found.var(), cov[(0, 0)], 1e-10);
                let (low, high) = found.interval(0.95).unwrap();
                let expected = ninety_five(mean[0], cov[(0, 0)]);
                close(low, expected.0, 1e-10);
                close(high, expected.1, 1e-10);
            }
        }
    }
}

#[test]
fn a_forecast_of_vectors_has_their_covariances_and_the_joint_law_of_its_steps() {
    let (by_hand, y) = spaces(4, 6);
    let data = state_space::Data { y: (&y).into() };
    let fit = state_space::Model::new(2).infer(&data, &space_params(&by_hand)).unwrap();
    let ahead = fit.forecast(&data, 4).unwrap();
    let (dense, all) = (Dense::new(&by_hand, 10), rows(&y));
    for h in 0..4 {
        let (mean, cov) = dense.given(&all, &dense.state(6 + h));
        assert!((ahead.posterior.x[h].mean() - mean).norm() < 1e-10);
        near(&ahead.posterior.x[h].cov(), &cov);
        let (mean, cov) = dense.given(&all, &dense.datum(6 + h));
        near(&ahead.absent.y.cov([h]).unwrap(), &cov);
        for d in 0..3 {
            let found = ahead.absent.y.get([h, d]).unwrap();
            close(found.mean(), mean[d], 1e-10);
            close(found.var(), cov[(d, d)], 1e-10);
            close(found.interval(0.95).unwrap().1, ninety_five(mean[d], cov[(d, d)]).1, 1e-10);
        }
    }
    for h in 1..4 {
        let both = [dense.state(5 + h), dense.state(6 + h)].concat();
        let (mean, cov) = dense.given(&all, &both);
        let found = ahead.posterior.joint_x.pair(h).unwrap();
        assert!((found.0 - mean).norm() < 1e-10);
        near(&found.1, &cov);
    }
    assert_eq!(ahead.posterior.joint_x.pair(0), None);
}

#[test]
fn a_level_and_its_slope_are_forecast_together() {
    let y = [Some(1.0), Some(2.5), None, Some(4.0), Some(4.5)];
    let data = trend::Data { y: (&y).into() };
    let fit = trend::Model::new().infer(&data, &trend::Params { q: 0.4, w: 0.1, r: 1.2 }).unwrap();
    let (dense, all) = (Dense::new(&trend_by_hand(0.4, 0.1, 1.2), 8), vectors(&y));
    let ahead = fit.forecast(&data, 3).unwrap();
    for h in 0..3 {
        let (mean, cov) = dense.given(&all, &dense.state(5 + h));
        close(ahead.posterior.level[h].mean(), mean[0], 1e-10);
        close(ahead.posterior.slope[h].var(), cov[(1, 1)], 1e-10);
        let (mean, cov) = dense.given(&all, &dense.datum(5 + h));
        close(ahead.absent.y.get([h]).unwrap().mean(), mean[0], 1e-10);
        close(ahead.absent.y.get([h]).unwrap().var(), cov[(0, 0)], 1e-10);
    }
    // What is missing inside is imputed by the level of its step.
    let (mean, cov) = dense.given(&all, &dense.datum(2));
    let found = fit.posterior.y.get([2]).unwrap();
    close(found.mean(), mean[0], 1e-10);
    close(found.var(), cov[(0, 0)], 1e-10);
    close(found.interval(0.95).unwrap().0, ninety_five(mean[0], cov[(0, 0)]).0, 1e-10);
}

#[test]
fn one_step_at_a_time_is_the_filter_bit_for_bit() {
    let (by_hand, y) = spaces(5, 12);
    let data = state_space::Data { y: (&y).into() };
    let fit = state_space::Model::new(2).infer(&data, &space_params(&by_hand)).unwrap();
    let (filtered, logs) = (fit.filter(&data).unwrap(), fit.log_densities(&data).unwrap());
    let mut online = fit.online();
    for t in 0..12_usize {
        let window = y.rows(t.saturating_sub(1), (t + 1).min(2)).into_owned();
        let step = online.push(&state_space::Data { y: (&window).into() }).unwrap();
        assert_eq!(step.mean, filtered.joint_x.mean(t), "step {t}");
        assert_eq!(step.cov, filtered.joint_x.cov(t), "step {t}");
        assert_eq!(step.log_density, logs[0][t], "step {t}");
    }
    assert_eq!(online.steps(), 12);
    let wrong = online.push(&state_space::Data { y: (&y).into() }).unwrap_err().to_string();
    assert!(wrong.contains("12 steps") && wrong.contains("needs 2"), "{wrong}");
    // A window of another width is an error, and the filter stands where it stood.
    let narrow = y.view((0, 0), (2, 2)).into_owned();
    let narrow = state_space::Data { y: (&narrow).into() };
    let e = online.push(&narrow).unwrap_err().to_string();
    assert!(e.contains("C has 3 rows"), "{e}");
    assert_eq!(online.steps(), 12);
    let errors =
        [fit.filter(&narrow).err(), fit.log_densities(&narrow).err(), fit.forecast(&narrow, 2).err()];
    errors.into_iter().for_each(|x| assert_eq!(x.unwrap().to_string(), e));
}

#[test]
fn one_step_at_a_time_knows_givens_and_looks_back_at_data() {
    let mut noise = Noise::new(6);
    let (u, y) = (noise.normals(9), noise.normals(9));
    let data = pushed::Data { u: (&u).into(), y: (&y).into() };
    let fit = pushed::Model::new().infer(&data, &pushed::Params { q: 0.5, r: 0.7, k: 1.3 }).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let (mut online, mut total) = (fit.online(), 0.0);
    for t in 0..9_usize {
        let own = t.saturating_sub(1)..=t;
        let step = online.push(&pushed::Data { u: u[own.clone()].into(), y: y[own].into() }).unwrap();
        assert_eq!(step.mean[0], filtered.x[t].mean());
        assert_eq!(step.cov[(0, 0)], filtered.x[t].var());
        total += step.log_density.unwrap();
    }
    close(total, fit.log_likelihood(), 1e-12);
}

#[test]
fn a_filter_says_what_a_diffuse_start_leaves_open() {
    let (q, w, r) = (0.3, 0.2, 1.5);
    let y = [None, Some(2.0), None, Some(5.0), Some(4.0), Some(6.5)];
    let data = diffuse::Data { y: (&y).into() };
    let fit = diffuse::Model::new().infer(&data, &diffuse::Params { q, w, r }).unwrap();
    let filtered = fit.filter(&data).unwrap();
    assert!(filtered.level[0].is_unset() && filtered.slope[0].is_unset());
    // One datum determines the level of its step, and nothing of the slope; a step later the level is open again.
    close(filtered.level[1].mean(), 2.0, 1e-12);
    close(filtered.level[1].var(), r, 1e-12);
    assert!(filtered.slope[1].is_unset() && filtered.slope[1].mean().is_nan());
    assert!(filtered.level[2].is_unset());
    // From the second datum on: the precision of all states so far, added up row by row.
    for t in 3..6 {
        let n = 2 * (t + 1);
        let (mut precision, mut target) = (DMatrix::<f64>::zeros(n, n), DVector::<f64>::zeros(n));
        let mut row = |coefficients: &[(usize, f64)], value: f64, var: f64| {
            for (i, a) in coefficients {
                target[*i] += a * value / var;
                coefficients.iter().for_each(|(j, b)| precision[(*i, *j)] += a * b / var);
            }
        };
        for s in 0..=t {
            if s > 0 {
                row(&[(2 * s, 1.0), (2 * s - 2, -1.0), (2 * s - 1, -1.0)], 0.0, q);
                row(&[(2 * s + 1, 1.0), (2 * s - 1, -1.0)], 0.0, w);
            }
            if let Some(y) = y[s] {
                row(&[(2 * s, 1.0)], y, r);
            }
        }
        let cov = precision.try_inverse().unwrap();
        let mean = &cov * target;
        close(filtered.level[t].mean(), mean[n - 2], 1e-10);
        close(filtered.slope[t].mean(), mean[n - 1], 1e-10);
        close(filtered.level[t].var(), cov[(n - 2, n - 2)], 1e-10);
        close(filtered.slope[t].var(), cov[(n - 1, n - 1)], 1e-10);
    }
    let logs = fit.log_densities(&data).unwrap();
    let known: Vec<bool> = logs[0].iter().map(Option::is_some).collect();
    assert_eq!(known, [false, false, false, true, true, true]);
    close(logs[0].iter().flatten().sum(), fit.log_likelihood(), 1e-10);

    let mut online = fit.online();
    for t in 0..6_usize {
        let step = online.push(&diffuse::Data { y: y[t.saturating_sub(1)..=t].into() }).unwrap();
        assert_eq!(step.log_density, logs[0][t]);
        assert_eq!(step.mean[0].to_bits(), filtered.joint_level_slope.mean(t)[0].to_bits());
        assert_eq!(step.cov[(1, 1)].is_nan(), t < 3);
    }
    // Nothing can be said of the future either.
    let short = [Some(1.0)];
    let e = fit.forecast(&diffuse::Data { y: (&short).into() }, 2).unwrap_err().to_string();
    assert!(e.contains("neither its prior nor the data"), "{e}");
}

#[test]
fn draws_of_paths_have_the_moments_of_the_joint_law() {
    let y = [Some(1.0), None, Some(2.0), Some(0.5)];
    let data = trend::Data { y: (&y).into() };
    let fit = trend::Model::new().infer(&data, &trend::Params { q: 0.4, w: 0.1, r: 1.2 }).unwrap();
    let dense = Dense::new(&trend_by_hand(0.4, 0.1, 1.2), 4);
    let (mean, cov) = dense.given(&vectors(&y), &(0..8).collect::<Vec<_>>());
    let mut rng = vi_core::rng::stream(5, "paths", &[]);
    let n = 20_000;
    let draws: Vec<Vec<f64>> = (0..n)
        .map(|_| {
            let z = fit.posterior.sample(&mut rng).unwrap();
            (0..4).flat_map(|t| [z.level[t], z.slope[t]]).collect()
        })
        .collect();
    let count = n as f64;
    for i in 0..8 {
        let found = draws.iter().map(|z| z[i]).sum::<f64>() / count;
        assert!((found - mean[i]).abs() < 5.0 * (cov[(i, i)] / count).sqrt(), "{i}: {found} and {}", mean[i]);
        for j in 0..8 {
            let found = draws.iter().map(|z| (z[i] - mean[i]) * (z[j] - mean[j])).sum::<f64>() / count;
            let error = 5.0 * ((cov[(i, i)] * cov[(j, j)] + cov[(i, j)].powi(2)) / count).sqrt();
            assert!((found - cov[(i, j)]).abs() < error, "({i}, {j}): {found} and {}", cov[(i, j)]);
        }
    }
    let middle = fit.posterior.most_likely().unwrap();
    (0..4).for_each(|t| close(middle.slope[t], mean[2 * t + 1], 1e-10));
}

#[test]
fn neighbours_have_the_covariances_of_the_joint_law() {
    let y = sequences(7);
    let data = panel::Data { y: (&y).into() };
    let fit = panel::Model::new().infer(&data, &PANEL).unwrap();
    for (s, y) in y.iter().enumerate() {
        let (dense, all) = (Dense::new(&panel_by_hand(), y.len()), vectors(y));
        assert_eq!(fit.posterior.joint_x[s].len(), y.len());
        for t in 1..y.len() {
            let both = [dense.state(t - 1), dense.state(t)].concat();
            let (mean, cov) = dense.given(&all, &both);
            let found = fit.posterior.joint_x[s].pair(t).unwrap();
            found.0.iter().zip(mean.iter()).for_each(|(f, e)| close(*f, *e, 1e-10));
            near(&found.1, &cov);
        }
    }
    let mut rng = vi_core::rng::stream(1, "test", &[]);
    let drawn = fit.posterior.sample(&mut rng).unwrap();
    let lengths: Vec<usize> = drawn.x.iter().map(Vec::len).collect();
    assert_eq!(lengths, [7, 1, 0, 4, 9]);
}

#[test]
fn draws_of_a_future_have_the_covariances_of_its_steps() {
    let (by_hand, y) = spaces(8, 5);
    let data = state_space::Data { y: (&y).into() };
    let fit = state_space::Model::new(2).infer(&data, &space_params(&by_hand)).unwrap();
    let ahead = fit.forecast(&data, 2).unwrap();
    let dense = Dense::new(&by_hand, 7);
    let (mean, cov) = dense.given(&rows(&y), &[dense.state(5), dense.state(6)].concat());
    let mut rng = vi_core::rng::stream(6, "paths", &[]);
    let draws: Vec<_> = (0..10_000).map(|_| ahead.posterior.sample(&mut rng).unwrap().x).collect();
    let at = |z: &[DVector<f64>], i: usize| z[i / 2][i % 2] - mean[i];
    for i in 0..4 {
        for j in 0..4 {
            let found = draws.iter().map(|z| at(z, i) * at(z, j)).sum::<f64>() / 1e4;
            let error = 5.0 * ((cov[(i, i)] * cov[(j, j)] + cov[(i, j)].powi(2)) / 1e4).sqrt();
            assert!((found - cov[(i, j)]).abs() < error, "({i}, {j}): {found} and {}", cov[(i, j)]);
        }
    }
}

#[test]
fn simulated_series_have_the_moments_of_the_model() {
    let (by_hand, _) = spaces(9, 1);
    let model = state_space::Model::new(2);
    let params = space_params(&by_hand);
    let dense = Dense::new(&by_hand, 2);
    let data = state_space::Data { y: Absent((2, 3)).into() };
    let draws: Vec<Vec<f64>> = (0..4000)
        .map(|seed| {
            let s = model.simulate(&params, &data, seed).unwrap();
            s.latents.x.iter().flat_map(|x| x.iter().copied().collect::<Vec<_>>()).collect()
        })
        .collect();
    for i in 0..4 {
        for j in 0..4 {
            let found =
                draws.iter().map(|z| (z[i] - dense.mean[i]) * (z[j] - dense.mean[j])).sum::<f64>() / 4e3;
            let c = &dense.cov;
            let error = 5.0 * ((c[(i, i)] * c[(j, j)] + c[(i, j)].powi(2)) / 4e3).sqrt();
            assert!((found - c[(i, j)]).abs() < error, "({i}, {j}): {found} and {}", c[(i, j)]);
        }
    }
}

#[test]
fn a_fit_with_its_joint_laws_survives_serde() {
    let y = sequences(11);
    let data = panel::Data { y: (&y).into() };
    let fit = panel::Model::new().infer(&data, &PANEL).unwrap();
    let text = serde_json::to_string(&fit).unwrap();
    let again: Fit<panel::Model> = serde_json::from_str(&text).unwrap();
    assert_eq!(again.posterior, fit.posterior);
    assert_eq!(again.forecast(&data, 2).unwrap().absent, fit.forecast(&data, 2).unwrap().absent);
}
