//! Where EM of Gaussian chains begins and ends: against the best of plain Kalman likelihoods.

use vi_core::prelude::*;
use vi_tests::data::{Noise, read};
use vi_tests::law::monotone;
use vi_tests::series::state_space;

model! {
    pub mod level {
        param    m0: Real;   param p0: Positive;   param q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(m0, var: p0);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}
model! {
    pub mod flat {
        param    q: Positive;   param r: Positive;
        latent   x[0]         ~ Flat();
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}
model! {
    pub mod sd_level {
        param    q: Positive;   param r: Positive;   param p0: Positive;   param m0: Real;
        latent   x[0]         ~ Normal(m0, sd: p0);
        latent   x[t in 1..T] ~ Normal(x[t-1], sd: q);
        observed y[t in T]    ~ Normal(x[t], prec: r);
    }
}

fn nile() -> Vec<f64> {
    read("nile.csv").column(0).iter().copied().collect()
}

/// log p(y) of a level whose first value is m0 itself, by Kalman's filter.
fn kalman(y: &[f64], m0: f64, q: f64, r: f64) -> f64 {
    let (mut m, mut p, mut total) = (m0, 0.0, 0.0);
    for (t, y) in y.iter().enumerate() {
        if t > 0 {
            p += q;
        }
        let s = p + r;
        total -= 0.5 * ((2.0 * std::f64::consts::PI * s).ln() + (y - m) * (y - m) / s);
        let gain = p / s;
        m += gain * (y - m);
        p *= 1.0 - gain;
    }
    total
}

/// The largest of them: one coordinate after another, by ever shorter steps.
fn best(y: &[f64]) -> f64 {
    let spread = y.iter().map(|x| (x - y[0]).powi(2)).sum::<f64>() / y.len() as f64;
    let at = |z: &[f64; 3]| kalman(y, z[0], z[1].exp(), z[2].exp());
    let mut z = [y[0], (0.1 * spread).ln(), spread.ln()];
    let mut steps = [spread.sqrt(), 2.0, 2.0];
    let mut value = at(&z);
    while steps[1] > 1e-7 {
        for i in 0..3 {
            for sign in [1.0, -1.0] {
                let mut trial = z;
                trial[i] += sign * steps[i];
                let found = at(&trial);
                if found > value {
                    (z, value) = (trial, found);
                }
            }
        }
        steps.iter_mut().for_each(|s| *s *= 0.93);
    }
    value
}

#[test]
fn a_level_with_everything_free_finds_the_likeliest_and_says_that_its_start_is_certain() {
    let y = nile();
    let known = best(&y);
    let data = level::Data { y: (&y).into() };
    let fit = level::Model::new().fit(&data, &Options::new()).unwrap();
    monotone(&fit.trace);
    assert!(fit.log_likelihood() <= known + 1e-6);
    assert!(fit.log_likelihood() > known - 1e-2, "{} and {known}", fit.log_likelihood());
    assert_eq!(fit.at_boundary, ["p0"]);
}

#[test]
fn the_start_is_within_a_nat_of_the_maximum_whatever_the_units_and_however_scales_are_written() {
    let y = nile();
    let known = best(&y);
    let first = |y: &[f64]| {
        let data = level::Data { y: y.into() };
        level::Model::new().fit(&data, &Options::new().max_iterations(0)).unwrap().log_likelihood()
    };
    for (scale, offset) in [(1.0, 0.0), (1e-5, 0.0), (1e5, 0.0), (1.0, 1e6)] {
        let other: Vec<f64> = y.iter().map(|y| scale * y + offset).collect();
        let found = first(&other) + y.len() as f64 * f64::ln(scale);
        assert!(found > known - 1.0, "{scale}, {offset}: {found} and {known}");
    }
    let data = sd_level::Data { y: (&y).into() };
    let other = sd_level::Model::new().fit(&data, &Options::new().max_iterations(0)).unwrap();
    assert!(other.log_likelihood() > known - 1.0, "{} and {known}", other.log_likelihood());
}

#[test]
fn noise_without_drift_and_drift_without_noise_are_limits() {
    let mut g = Noise::new(3);
    let noise = g.normals(60);
    let mut at = 0.0;
    let walk: Vec<f64> = (0..60)
        .map(|_| {
            at += g.normal();
            at
        })
        .collect();
    let log = |squares: f64, n: f64| -0.5 * n * ((2.0 * std::f64::consts::PI * squares / n).ln() + 1.0);
    // About their mean, less what the flat level is integrated over; and from one value to the next.
    let mean = noise.iter().sum::<f64>() / 60.0;
    let squares: f64 = noise.iter().map(|y| (y - mean).powi(2)).sum();
    let still = log(squares, 59.0) - 0.5 * f64::ln(60.0);
    let moved = log(walk.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum(), 59.0);
    for (y, name, known) in [(&noise, "q", still), (&walk, "r", moved)] {
        let data = flat::Data { y: y.into() };
        let fit = flat::Model::new().fit(&data, &Options::new()).unwrap();
        assert!((fit.log_likelihood() - known).abs() < 1e-4, "{name}: {} and {known}", fit.log_likelihood());
        assert_eq!(fit.at_boundary, [name], "{:?}", fit.params);
    }
}

#[test]
fn a_free_first_state_is_certain_where_there_is_no_drift_either() {
    let noise = Noise::new(3).normals(60);
    let data = level::Data { y: (&noise).into() };
    let fit = level::Model::new().fit(&data, &Options::new()).unwrap();
    let known = best(&noise);
    assert!((fit.log_likelihood() - known).abs() < 1e-3, "{} and {known}", fit.log_likelihood());
    assert_eq!(fit.at_boundary, ["p0", "q"]);
}

#[test]
fn a_state_space_with_everything_free_is_as_likely_as_the_one_the_data_came_from() {
    let mut g = Noise::new(5);
    let a = DMatrix::from_row_slice(2, 2, &[0.95, 0.1, -0.1, 0.9]);
    let c = DMatrix::from_fn(4, 2, |_, _| g.normal());
    let mut x = DVector::from_fn(2, |_, _| g.normal());
    let rows: Vec<_> = (0..150)
        .map(|_| {
            x = &a * &x + DVector::from_fn(2, |_, _| 0.5 * g.normal());
            (&c * &x + DVector::from_fn(4, |_, _| 0.5 * g.normal())).transpose()
        })
        .collect();
    let y = DMatrix::from_rows(&rows);
    let data = state_space::Data { y: (&y).into() };
    let truth = state_space::Params {
        A: a,
        Q: DMatrix::identity(2, 2) * 0.25,
        C: c,
        R: DMatrix::identity(4, 4) * 0.25,
        m0: DVector::zeros(2),
        P0: DMatrix::identity(2, 2),
    };
    let known = state_space::Model::new(2).infer(&data, &truth).unwrap().log_likelihood();
    let fit = state_space::Model::new(2).fit(&data, &Options::new().max_iterations(200)).unwrap();
    monotone(&fit.trace);
    assert!(fit.log_likelihood() > known, "{} and {known}", fit.log_likelihood());
    assert_eq!(fit.at_boundary, ["P0"]);
    let p0 = &fit.params.P0;
    assert!(p0.clone().cholesky().is_some() && p0.trace() < 1e-3, "{p0}");
}
