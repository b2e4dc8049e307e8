//! Dynamic linear models whose rows all have one unknown precision in common: exact, and Student's t (West and Harrison 1997, ch. 4).

use nalgebra::{DMatrix, DVector};
use vi_core::prelude::*;
use vi_tests::data::{Noise, read};
use vi_tests::density::{ln_gamma, mv_student_t};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    pub mod level(w: Positive) {
        latent   tau                ~ Gamma(shape: 2, rate: 3);
        latent   x[0]               ~ Normal(1, prec: 0.1 * tau);
        latent   x[t in 1..T]       ~ Normal(x[t-1], prec: tau / w);
        observed y[t in T]: Real?   ~ Normal(x[t], prec: tau);
    }
}
model! {
    /// A scale for each of several ragged series.
    pub mod panel(H) {
        given    F: Matrix[H, H];   given c: Vector[H];
        for s in S {
            latent   tau[s]                  ~ Gamma(shape: 1.5, rate: 2);
            latent   x[s, 0]: Vector[H]      ~ Normal(0, prec: 0.2 * tau[s]);
            latent   x[s, t in 1..T[s]]      ~ Normal(F * x[s, t-1], prec: 4 * tau[s]);
            observed y[s, t in T[s]]         ~ Normal(dot(c, x[s, t]), prec: tau[s]);
        }
    }
}
model! {
    /// How fast the level drifts is learned.
    pub mod learned {
        param    w: Positive;
        latent   tau                ~ Gamma(shape: 2, rate: 3);
        latent   x[0]               ~ Normal(1, prec: 0.1 * tau);
        latent   x[t in 1..T]       ~ Normal(x[t-1], prec: tau / w);
        observed y[t in T]          ~ Normal(x[t], prec: tau);
    }
}
model! {
    /// How the level returns is uncertain too.
    pub mod returning {
        latent   tau                ~ Gamma(shape: 2, rate: 3);
        latent   a                  ~ Normal(0.5, var: 0.2);
        latent   x[0]               ~ Normal(1, prec: 0.1 * tau);
        latent   x[t in 1..T]       ~ Normal(a * x[t-1], prec: 2 * tau);
        observed y[t in T]          ~ Normal(x[t], prec: tau);
    }
}

fn series(seed: u64, n: usize) -> Vec<f64> {
    let g = &mut Noise::new(seed);
    let mut x = 1.0;
    (0..n)
        .map(|_| {
            x += 0.4 * g.normal();
            x + 0.8 * g.normal()
        })
        .collect()
}

/// Cov(x, x) of a level over the precision, and what is seen of it.
fn walk(n: usize, w: f64) -> DMatrix<f64> {
    DMatrix::from_fn(n, n, |i, j| 10.0 + w * i.min(j) as f64)
}

/// log p(y) by the recursions of West and Harrison, table 4.1.
fn recursions(y: &[Option<f64>], w: f64, (a, b): (f64, f64), m0: f64, c0: f64) -> f64 {
    let (mut n, mut d, mut m, mut c) = (2.0 * a, 2.0 * b, m0, c0);
    let mut total = 0.0;
    for (t, y) in y.iter().enumerate() {
        // c is the variance of the level over that of an observation.
        let r = if t == 0 { c } else { c + w };
        let Some(y) = y else {
            c = r;
            continue;
        };
        let (q, e) = (r + 1.0, y - m);
        let square = q * d / n;
        total += ln_gamma(0.5 * (n + 1.0))
            - ln_gamma(0.5 * n)
            - 0.5 * (n * std::f64::consts::PI * square).ln()
            - 0.5 * (n + 1.0) * (e * e / (n * square)).ln_1p();
        let gain = r / q;
        m += gain * e;
        c = r * (1.0 - gain);
        n += 1.0;
        d += e * e / q;
    }
    total
}

#[test]
fn the_evidence_of_a_level_is_student_s_by_the_recursions_and_by_one_dense_density() {
    for (n, w) in [(1, 0.3), (2, 0.3), (25, 0.05), (25, 2.0)] {
        let y: Vec<Option<f64>> =
            series(4, n).into_iter().enumerate().map(|(t, y)| (t % 5 != 3).then_some(y)).collect();
        let data = level::Data { y: (&y).into() };
        let fit = level::Model::new(w).fit(&data, &Options::new()).unwrap();
        let by_hand = recursions(&y, w, (2.0, 3.0), 1.0, 10.0);
        close(fit.log_evidence(), by_hand, 1e-11);
        exact(&fit, &data, by_hand);
        let seen: Vec<usize> = (0..n).filter(|t| y[*t].is_some()).collect();
        let values: Vec<f64> = seen.iter().map(|t| y[*t].unwrap()).collect();
        let prior = walk(n, w);
        let of_data = DMatrix::from_fn(seen.len(), seen.len(), |i, j| {
            prior[(seen[i], seen[j])] + if i == j { 1.0 } else { 0.0 }
        });
        let mean = DVector::from_element(seen.len(), 1.0);
        close(by_hand, mv_student_t(&values, 4.0, &mean, &(&of_data * 1.5)), 1e-11);
        let cross = DMatrix::from_fn(n, seen.len(), |i, j| prior[(i, seen[j])]);
        let gain = &cross * of_data.clone().try_inverse().unwrap();
        let gap = DVector::from_column_slice(&values) - mean;
        let rest = (gap.transpose() * of_data.try_inverse().unwrap() * &gap)[0];
        let (shape, rate) = (2.0 + 0.5 * seen.len() as f64, 3.0 + 0.5 * rest);
        let tau = fit.posterior.tau.law().unwrap();
        close(tau.shape, shape, 1e-12);
        close(tau.rate, rate, 1e-11);
        let smoothed = &gain * gap;
        let left = &prior - gain * cross.transpose();
        for t in 0..n {
            let q = fit.posterior.x[t].law().unwrap();
            close(fit.posterior.x[t].mean(), 1.0 + smoothed[t], 1e-11);
            close(q.dof, 2.0 * shape, 1e-12);
            close(q.scale * q.scale, left[(t, t)] * rate / shape, 1e-10);
        }
    }
}

#[test]
fn the_nile_has_the_evidence_of_the_recursions() {
    let y: Vec<f64> = read("nile.csv").column(0).iter().map(|y| y / 100.0).collect();
    let data = level::Data { y: (&y).into() };
    let seen: Vec<Option<f64>> = y.iter().copied().map(Some).collect();
    let fit = level::Model::new(0.1).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, recursions(&seen, 0.1, (2.0, 3.0), 1.0, 10.0));
}

#[test]
fn every_series_has_a_scale_of_its_own() {
    let lengths = [7, 1, 12];
    let y: Vec<Vec<f64>> = lengths.iter().enumerate().map(|(s, n)| series(s as u64, *n)).collect();
    let f = DMatrix::from_row_slice(2, 2, &[0.9, 0.4, -0.1, 0.7]);
    let c = DVector::from_vec(vec![1.0, 0.5]);
    let data = panel::Data { F: (&f).into(), c: (&c).into(), y: (&y).into() };
    let fit = panel::Model::new(2).fit(&data, &Options::new()).unwrap();
    let mut total = 0.0;
    for (s, y) in y.iter().enumerate() {
        let n = y.len();
        // x = L e with independent steps e.
        let mut root = DMatrix::<f64>::zeros(2 * n, 2 * n);
        for t in 0..n {
            let mut power = DMatrix::identity(2, 2);
            for k in (0..=t).rev() {
                let size = if k == 0 { 5f64.sqrt() } else { 0.5 };
                root.view_mut((2 * t, 2 * k), (2, 2)).copy_from(&(&power * size));
                power = &power * &f;
            }
        }
        let see = DMatrix::from_fn(n, 2 * n, |t, i| if i / 2 == t { c[i % 2] } else { 0.0 });
        let of_data = &see * &root * root.transpose() * see.transpose() + DMatrix::identity(n, n);
        total += mv_student_t(y, 3.0, &DVector::zeros(n), &(&of_data * (2.0 / 1.5)));
        let gap = DVector::from_column_slice(y);
        let rest = (gap.transpose() * of_data.try_inverse().unwrap() * &gap)[0];
        let tau = fit.posterior.tau[s].law().unwrap();
        close(tau.shape, 1.5 + 0.5 * n as f64, 1e-12);
        close(tau.rate, 2.0 + 0.5 * rest, 1e-11);
    }
    close(fit.log_evidence(), total, 1e-11);
    exact(&fit, &data, total);
}

#[test]
fn a_drift_is_learned_where_the_evidence_is_highest() {
    let y = series(9, 60);
    let seen: Vec<Option<f64>> = y.iter().copied().map(Some).collect();
    let data = learned::Data { y: (&y).into() };
    let options = Options::new().max_iterations(20_000).tolerance(1e-13);
    let fit = learned::Model::new().fit(&data, &options).unwrap();
    let of = |w: f64| recursions(&seen, w, (2.0, 3.0), 1.0, 10.0);
    let w = fit.params.w;
    exact(&fit, &data, of(w));
    let slope = (of(w * 1.001) - of(w / 1.001)) / (2.0 * 1.001f64.ln());
    assert!(slope.abs() < 1e-4, "{w} {slope}");
    assert!(of(w) > of(1.2 * w) && of(w) > of(w / 1.2));
}

#[test]
fn a_chain_in_units_of_a_scale_takes_turns_with_its_coefficients() {
    let y = series(11, 30);
    let data = returning::Data { y: (&y).into() };
    let options = Options::new().max_iterations(5000).tolerance(1e-12);
    let fit = returning::Model::new().fit(&data, &options).unwrap();
    monotone(&fit.trace);
    honest(&fit, &data);
    // ∫ over the coefficient on a grid: the bound lies below, not far.
    let step = 0.005;
    let logs: Vec<f64> = (-200..=280)
        .map(|i| {
            let a = f64::from(i) * step;
            let n = y.len();
            let mut cov = DMatrix::<f64>::zeros(n, n);
            let mut var = 10.0;
            for t in 0..n {
                if t > 0 {
                    var = a * a * var + 0.5;
                }
                let mut at = var;
                for k in t..n {
                    cov[(t, k)] = at;
                    cov[(k, t)] = at;
                    at *= a;
                }
            }
            cov += DMatrix::identity(n, n);
            let mean = DVector::from_fn(n, |t, _| a.powi(t as i32));
            let prior = -0.5 * (a - 0.5f64).powi(2) / 0.2 - 0.5 * (0.2 * 2.0 * std::f64::consts::PI).ln();
            mv_student_t(&y, 4.0, &mean, &(cov * 1.5)) + prior + step.ln()
        })
        .collect();
    let evidence = vi_tests::density::log_sum_exp(&logs);
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 1.0, "{} {evidence}", fit.elbo());
}
