//! Filters and forecasts of chains with an unknown scale in common with their data: Student's t, against recursions and dense densities.

use nalgebra::{DMatrix, DVector};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{ln_gamma, student_t};
use vi_tests::law::close;

model! {
    pub mod level(w: Positive) {
        latent   tau                ~ Gamma(shape: 2, rate: 3);
        latent   x[0]               ~ Normal(1, prec: 0.1 * tau);
        latent   x[t in 1..T]       ~ Normal(x[t-1], prec: tau / w);
        observed y[t in T]: Real?   ~ Normal(x[t], prec: tau);
    }
}
model! {
    /// A level and a slope that nothing is known of, vectors of data, and a variance for each series.
    pub mod trends {
        given    c: Vector[D];
        for s in S {
            latent   v[s]                        ~ InverseGamma(shape: 1.2, scale: 2);
            latent   level[s, 0]                 ~ Flat();
            latent   slope[s, 0]                 ~ Flat();
            latent   level[s, t in 1..T[s]]      ~ Normal(level[s, t-1] + slope[s, t-1], var: 0.4 * v[s]);
            latent   slope[s, t in 1..T[s]]      ~ Normal(slope[s, t-1], var: 0.1 * v[s]);
            observed y[s, t in T[s], d in D]: Real? ~ Normal(c[d] * level[s, t], var: v[s]);
        }
    }
}

fn series(seed: u64, n: usize) -> Vec<Option<f64>> {
    let g = &mut Noise::new(seed);
    let mut x = 1.0;
    (0..n)
        .map(|t| {
            x += 0.4 * g.normal();
            (t % 5 != 3).then_some(x + 0.8 * g.normal())
        })
        .collect()
}

/// What is known of a level by the recursions of West and Harrison (1997), table 4.1: mean, its variance over that of an observation, degrees
/// of freedom and their sum of squares; and the log densities of the data.
struct Recursions {
    steps: Vec<[f64; 4]>,
    logs: Vec<f64>,
}

fn recursions(y: &[Option<f64>], w: f64, (a, b): (f64, f64), m0: f64, c0: f64) -> Recursions {
    let (mut n, mut d, mut m, mut c) = (2.0 * a, 2.0 * b, m0, c0);
    let (mut steps, mut logs) = (vec![], vec![]);
    for (t, y) in y.iter().enumerate() {
        let r = if t == 0 { c } else { c + w };
        c = r;
        let mut log = 0.0;
        if let Some(y) = y {
            let (q, e) = (r + 1.0, y - m);
            let square = q * d / n;
            log = ln_gamma(0.5 * (n + 1.0))
                - ln_gamma(0.5 * n)
                - 0.5 * (n * std::f64::consts::PI * square).ln()
                - 0.5 * (n + 1.0) * (e * e / (n * square)).ln_1p();
            m += r / q * e;
            c = r * (1.0 - r / q);
            n += 1.0;
            d += e * e / q;
        }
        steps.push([m, c, n, d]);
        logs.push(log);
    }
    Recursions { steps, logs }
}

#[test]
fn the_filter_of_a_level_is_that_of_the_recursions_and_its_densities_add_up_to_the_evidence() {
    for (n, w) in [(1, 0.3), (40, 0.05), (40, 2.0)] {
        let y = series(4, n);
        let data = level::Data { y: (&y).into() };
        let fit = level::Model::new(w).fit(&data, &Options::new()).unwrap();
        let by_hand = recursions(&y, w, (2.0, 3.0), 1.0, 10.0);
        let filtered = fit.filter(&data).unwrap();
        let logs = fit.log_densities(&data).unwrap();
        let mut online = fit.online();
        for t in 0..n {
            let [m, c, dof, d] = by_hand.steps[t];
            let q = filtered.x[t].law().unwrap();
            close(q.mean, m, 1e-11);
            close(q.dof, dof, 1e-13);
            close(q.scale * q.scale, c * d / dof, 1e-10);
            close(logs[0][t].unwrap(), by_hand.logs[t], 1e-10);
            let step = online.push(&level::Data { y: (&y[t.saturating_sub(1)..=t]).into() }).unwrap();
            assert_eq!((step.mean[0], step.dof), (q.mean, q.dof));
            close(step.scale[(0, 0)], q.scale * q.scale, 1e-14);
            assert_eq!(step.log_density, logs[0][t]);
        }
        // At the end the filter knows what the fit knows.
        let (last, smoothed) = (filtered.x[n - 1].law().unwrap(), fit.posterior.x[n - 1].law().unwrap());
        close(last.mean, smoothed.mean, 1e-11);
        close(last.scale, smoothed.scale, 1e-10);
        close(last.dof, smoothed.dof, 1e-13);
        close(filtered.tau.law().unwrap().rate, fit.posterior.tau.law().unwrap().rate, 1e-11);
        close(logs[0].iter().map(|l| l.unwrap()).sum(), fit.log_evidence(), 1e-11);
    }
}

#[test]
fn a_filter_of_other_data_begins_from_the_prior_again() {
    let (y, other) = (series(4, 30), series(5, 12));
    let model = level::Model::new(0.5);
    let fit = model.fit(&level::Data { y: (&y).into() }, &Options::new()).unwrap();
    let again = model.fit(&level::Data { y: (&other).into() }, &Options::new()).unwrap();
    let logs = fit.log_densities(&level::Data { y: (&other).into() }).unwrap();
    close(logs[0].iter().map(|l| l.unwrap()).sum(), again.log_evidence(), 1e-11);
}

#[test]
fn a_forecast_is_student_s_t_by_the_recursions_and_by_the_posterior_of_a_missing_future() {
    let (n, h, w) = (17, 4, 0.7);
    let y = series(6, n);
    let data = level::Data { y: (&y).into() };
    let fit = level::Model::new(w).fit(&data, &Options::new()).unwrap();
    let ahead = fit.forecast(&data, h).unwrap();
    let [m, c, dof, d] = recursions(&y, w, (2.0, 3.0), 1.0, 10.0).steps[n - 1];
    let longer: Vec<Option<f64>> = y.iter().copied().chain((0..h).map(|_| None)).collect();
    let whole = level::Model::new(w).fit(&level::Data { y: (&longer).into() }, &Options::new()).unwrap();
    for k in 0..h {
        let scale = (c + w * (k + 1) as f64) * d / dof;
        let q = ahead.posterior.x[k].law().unwrap();
        close(q.mean, m, 1e-11);
        close(q.scale * q.scale, scale, 1e-10);
        close(q.dof, dof, 1e-13);
        let smoothed = whole.posterior.x[n + k].law().unwrap();
        close(q.mean, smoothed.mean, 1e-11);
        close(q.scale, smoothed.scale, 1e-10);
        let seen = ahead.absent.y.get([k]).unwrap();
        let square = scale + d / dof;
        close(seen.mean(), m, 1e-11);
        close(seen.var(), square * dof / (dof - 2.0), 1e-10);
        assert_eq!(seen.dof().map(f64::round), Some(dof.round()));
        // The interval has its probability, by the trapezoid rule on the density.
        let (low, high) = seen.interval(0.9).unwrap();
        let cells = 20_000;
        let width = (high - low) / f64::from(cells);
        let inside: f64 = (0..=cells)
            .map(|i| {
                let x = low + width * f64::from(i);
                let end = if i == 0 || i == cells { 0.5 } else { 1.0 };
                end * student_t(x, dof, m, square.sqrt()).exp() * width
            })
            .sum();
        close(inside, 0.9, 1e-6);
        close(low + high, 2.0 * m, 1e-9);
    }
    assert_eq!(fit.forecast(&data, 0).unwrap().posterior.x.len(), 0);
}

#[test]
fn a_forecast_without_data_is_the_prior() {
    let none: Vec<Option<f64>> = vec![];
    let y = series(6, 5);
    let fit = level::Model::new(0.5).fit(&level::Data { y: (&y).into() }, &Options::new()).unwrap();
    let ahead = fit.forecast(&level::Data { y: (&none).into() }, 3).unwrap();
    for k in 0..3 {
        let q = ahead.posterior.x[k].law().unwrap();
        close(q.mean, 1.0, 1e-12);
        close(q.dof, 4.0, 1e-12);
        close(q.scale * q.scale, (10.0 + 0.5 * k as f64) * 1.5, 1e-11);
    }
}

/// log p(y) of a series of trends with flat starts, less that of its first `begun` steps: by dense densities with starts of an enormous
/// variance, whose part cancels.
fn dense(y: &DMatrix<Option<f64>>, c: &DVector<f64>, steps: usize) -> f64 {
    let n = 2 * steps;
    let mut noise = DMatrix::<f64>::zeros(n, n);
    let mut move_on = DMatrix::<f64>::identity(n, n);
    for t in 0..steps {
        let size = if t == 0 { [1e5, 1e5] } else { [0.4, 0.1] };
        noise[(2 * t, 2 * t)] = size[0];
        noise[(2 * t + 1, 2 * t + 1)] = size[1];
        if t > 0 {
            move_on[(2 * t, 2 * t - 2)] = -1.0;
            move_on[(2 * t, 2 * t - 1)] = -1.0;
            move_on[(2 * t + 1, 2 * t - 1)] = -1.0;
        }
    }
    let root = move_on.try_inverse().unwrap();
    let cov = &root * noise * root.transpose();
    let seen: Vec<(usize, usize)> = (0..steps)
        .flat_map(|t| (0..c.len()).map(move |d| (t, d)))
        .filter(|(t, d)| y[(*t, *d)].is_some())
        .collect();
    let of_data = DMatrix::from_fn(seen.len(), seen.len(), |i, j| {
        let ((t, d), (u, e)) = (seen[i], seen[j]);
        c[d] * c[e] * cov[(2 * t, 2 * u)] + if i == j { 1.0 } else { 0.0 }
    });
    let values: Vec<f64> = seen.iter().map(|(t, d)| y[(*t, *d)].unwrap()).collect();
    // Two numbers of each series are spent on its start, which the flat density leaves out of the degrees of freedom: the scale is held here.
    let inverse = of_data.clone().try_inverse().unwrap();
    let v = DVector::from_vec(values.clone());
    let square = (v.transpose() * &inverse * &v)[0];
    let log_det = of_data.cholesky().unwrap().l().diagonal().iter().map(|x| 2.0 * x.ln()).sum::<f64>();
    let (a, b, m) = (1.2, 2f64, values.len() as f64 - 2.0);
    // ∫ (2π)^(−m/2) v^(−m/2) e^(−square/2v) InverseGamma(v; a, b) dv, but for the start's factor.
    -0.5 * m * (2.0 * std::f64::consts::PI).ln() - 0.5 * log_det + 0.5 * (2.0 * 1e5f64.ln()) + a * b.ln()
        - ln_gamma(a)
        + ln_gamma(a + 0.5 * m)
        - (a + 0.5 * m) * (b + 0.5 * square).ln()
}

#[test]
fn flat_starts_of_ragged_series_spend_no_degrees_of_freedom_but_those_they_take() {
    let mut g = Noise::new(8);
    let c = DVector::from_vec(vec![1.0, -0.5]);
    let y: Vec<DMatrix<Option<f64>>> = [9, 5]
        .iter()
        .map(|n| DMatrix::from_fn(*n, 2, |t, d| ((t + d) % 4 != 3).then(|| 0.3 * t as f64 + g.normal())))
        .collect();
    let data = trends::Data { c: (&c).into(), y: (&y).into() };
    let fit = trends::Model::new().fit(&data, &Options::new()).unwrap();
    let logs = fit.log_densities(&data).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let mut total = 0.0;
    for (s, y) in y.iter().enumerate() {
        // The slope is known from the second step on.
        assert_eq!(logs[s][0], None);
        let mut so_far = 0.0;
        for t in 1..y.nrows() {
            so_far += logs[s][t].unwrap();
            close(so_far, dense(y, &c, t + 1), 2e-4);
        }
        total += so_far;
        let last = y.nrows() - 1;
        let (q, smoothed) =
            (filtered.slope[s][last].law().unwrap(), fit.posterior.slope[s][last].law().unwrap());
        close(q.mean, smoothed.mean, 1e-9);
        close(q.scale, smoothed.scale, 1e-9);
        close(q.dof, smoothed.dof, 1e-12);
    }
    close(total, fit.log_evidence(), 1e-10);
    let ahead = fit.forecast(&data, 3).unwrap();
    let longer: Vec<DMatrix<Option<f64>>> =
        y.iter().map(|y| y.clone().resize(y.nrows() + 3, 2, None)).collect();
    let longer = trends::Data { c: (&c).into(), y: (&longer).into() };
    let whole = trends::Model::new().fit(&longer, &Options::new()).unwrap();
    for (s, y) in y.iter().enumerate() {
        for k in 0..3 {
            let (q, smoothed) = (
                ahead.posterior.level[s][k].law().unwrap(),
                whole.posterior.level[s][y.nrows() + k].law().unwrap(),
            );
            close(q.mean, smoothed.mean, 1e-8);
            close(q.scale, smoothed.scale, 1e-8);
            close(q.dof, smoothed.dof, 1e-12);
            let v = whole.posterior.v[s].law().unwrap();
            let seen = ahead.absent.y.get([s, k, 1]).unwrap();
            close(seen.mean(), -0.5 * q.mean, 1e-8);
            let square = 0.25 * q.scale * q.scale + v.rate / v.shape;
            close(seen.var(), square * q.dof / (q.dof - 2.0), 1e-8);
        }
    }
}
