//! Regressions by maximum likelihood: certified answers, designs that do not determine their coefficients, weights, and what may not matter.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::mv_normal;
use vi_tests::law::{close, monotone};

model! {
    pub mod line {
        given    x[n in N]: Vector[D];
        param    b: Real;   param w: Vector[D];   param s2: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, var: s2);
    }
}
model! {
    pub mod through_origin {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];
        observed y[n in N] ~ Normal(dot(w, x[n]), var: 1);
    }
}
model! {
    pub mod weighted {
        given    x[n in N]: Vector[D];
        given    times[n in N]: Positive;
        param    b: Real;   param w: Vector[D];   param tau: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, prec: tau * times[n]);
    }
}
model! {
    pub mod repeated {
        given    x[n in N]: Vector[D];
        given    times[n in N]: Count;
        param    b: Real;   param w: Vector[D];   param s2: Positive;
        for n in N repeat times[n] {
            observed y[n] ~ Normal(dot(w, x[n]) + b, var: s2);
        }
    }
}
model! {
    /// Several targets with a covariance of their own.
    pub mod multivariate {
        given    x[n in N]: Vector[P];
        param    W: Matrix[D, P];   param b: Vector[D];   param S: SymPos[D];
        observed y[n in N] ~ Normal(W * x[n] + b, cov: S);
    }
}
model! {
    /// Some of it is known, some of it is the same: structure by indices.
    pub mod structured {
        given    x[n in N]: Real;   given u[n in N]: Real;   given v[n in N]: Real;
        given    group[n in N]: Category[G];
        param    w: Real;   param common: Real;   param level[g in G]: Real;   param s2[g in G]: Positive;
        observed y[n in N] ~ Normal(level[group[n]] + 2 * x[n] + w * (u[n] - v[n]) + common * x[n] * u[n], var: s2[group[n]]);
    }
}
model! {
    /// Priors apart from the variance: neither can be profiled.
    pub mod independent_priors {
        given    x[n in N]: Vector[D];
        param    w[d in D] ~ Normal(0.5, var: 0.3);
        param    s2        ~ InverseGamma(shape: 3, scale: 2);
        observed y[n in N] ~ Normal(dot(w, x[n]), var: s2);
    }
}
model! {
    /// A prior in units of the variance: the joint mode has a closed form.
    pub mod joint_prior {
        given    x[n in N]: Vector[D];
        param    s2        ~ InverseGamma(shape: 3, scale: 2);
        param    w[d in D] ~ Normal(0.5, var: 0.3 * s2);
        observed y[n in N] ~ Normal(dot(w, x[n]), var: s2);
    }
}

fn thorough() -> Options {
    Options::new().tolerance(1e-15).max_iterations(10_000)
}

/// Employment in the USA 1947–1962, and what may explain it (Longley 1967).
const LONGLEY: [[f64; 7]; 16] = [
    [60323., 83.0, 234_289., 2356., 1590., 107_608., 1947.],
    [61122., 88.5, 259_426., 2325., 1456., 108_632., 1948.],
    [60171., 88.2, 258_054., 3682., 1616., 109_773., 1949.],
    [61187., 89.5, 284_599., 3351., 1650., 110_929., 1950.],
    [63221., 96.2, 328_975., 2099., 3099., 112_075., 1951.],
    [63639., 98.1, 346_999., 1932., 3594., 113_270., 1952.],
    [64989., 99.0, 365_385., 1870., 3547., 115_094., 1953.],
    [63761., 100.0, 363_112., 3578., 3350., 116_219., 1954.],
    [66019., 101.2, 397_469., 2904., 3048., 117_388., 1955.],
    [67857., 104.6, 419_180., 2822., 2857., 118_734., 1956.],
    [68169., 108.4, 442_769., 2936., 2798., 120_445., 1957.],
    [66513., 110.8, 444_546., 4681., 2637., 121_950., 1958.],
    [68655., 112.6, 482_704., 3813., 2552., 123_366., 1959.],
    [69564., 114.2, 502_601., 3931., 2514., 125_368., 1960.],
    [69331., 115.7, 518_173., 4806., 2572., 127_852., 1961.],
    [70551., 116.9, 554_894., 4007., 2827., 130_081., 1962.],
];

/// The answers certified by the National Institute of Standards and Technology (Statistical Reference Datasets).
#[test]
fn longley_has_its_certified_coefficients() {
    let x = DMatrix::from_fn(16, 6, |i, j| LONGLEY[i][j + 1]);
    let y: Vec<f64> = LONGLEY.iter().map(|r| r[0]).collect();
    let data = line::Data { x: (&x).into(), y: (&y).into() };
    let fit = line::Model::new().fit(&data, &Options::new()).unwrap();
    let certified = [
        15.061_872_271_373_3,
        -0.358_191_792_925_910e-1,
        -2.020_229_803_816_83,
        -1.033_226_867_173_59,
        -0.511_041_056_535_807e-1,
        1_829.151_464_613_55,
    ];
    assert!(fit.notes.is_empty(), "{:?}", fit.notes);
    for (found, expected) in fit.params.w.iter().zip(certified) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} and {expected}");
    }
    assert!((fit.params.b / -3_482_258.634_595_82 - 1.0).abs() < 1e-9, "{}", fit.params.b);
    let unbiased = (fit.params.s2 * 16.0 / 9.0).sqrt();
    assert!((unbiased / 304.854_073_561_965 - 1.0).abs() < 1e-9, "{unbiased}");
}

/// A polynomial of degree 5 whose coefficients are all 1 (Wampler 1970).
#[test]
fn a_polynomial_keeps_its_coefficients() {
    let x = DMatrix::from_fn(21, 6, |i, j| (i as f64).powi(j as i32));
    let y: Vec<f64> = (0..21).map(|i| (0..6).map(|j| (i as f64).powi(j)).sum()).collect();
    let data = through_origin::Data { x: (&x).into(), y: (&y).into() };
    let fit = through_origin::Model::new().fit(&data, &Options::new()).unwrap();
    assert!(fit.notes.is_empty(), "{:?}", fit.notes);
    for w in fit.params.w.iter() {
        assert!((w - 1.0).abs() < 1e-6, "{:?}", fit.params.w);
    }
}

/// Coefficients by Householder reflections of the rows.
fn by_reflections(x: &DMatrix<f64>, y: &[f64]) -> DVector<f64> {
    let qr = x.clone().qr();
    let right = qr.q().transpose() * DVector::from_column_slice(y);
    qr.r().solve_upper_triangular(&right).expect("columns that differ")
}

fn problem(n: usize, d: usize, seed: u64) -> (DMatrix<f64>, Vec<f64>) {
    let mut g = Noise::new(seed);
    let x = DMatrix::from_fn(n, d, |_, _| g.normal());
    let y = (0..n).map(|n| 1.5 * x[(n, 0)] - 0.3 * x[(n, d - 1)] + 0.8 * g.normal()).collect();
    (x, y)
}

#[test]
fn an_offset_of_regressors_and_target_moves_the_intercept_alone() {
    let (x, y) = problem(60, 3, 3);
    let with_one = x.clone().insert_column(0, 1.0);
    let by_hand = by_reflections(&with_one, &y);
    let far: Vec<f64> = y.iter().map(|v| v + 1e8).collect();
    let away = DMatrix::from_fn(60, 3, |i, j| x[(i, j)] + if j == 1 { 1e8 } else { 0.0 });
    for (x, y, at_x, at_y) in [(&x, &y, 0.0, 0.0), (&x, &far, 0.0, 1e8), (&away, &far, 1e8, 1e8)] {
        let data = line::Data { x: x.into(), y: y.into() };
        let fit = line::Model::new().fit(&data, &Options::new()).unwrap();
        for d in 0..3 {
            // The data themselves are rounded to 1.5e-8 there.
            close(fit.params.w[d], by_hand[d + 1], 1e-7);
        }
        let at_mean = fit.params.b + at_x * fit.params.w[1] - at_y;
        close(at_mean, by_hand[0], 1e-7);
        let rss: f64 = (0..60)
            .map(|i| (problem(60, 3, 3).1[i] - with_one.row(i).transpose().dot(&by_hand)).powi(2))
            .sum();
        close(fit.params.s2, rss / 60.0, 1e-7);
        let log = -30.0 * ((std::f64::consts::TAU * rss / 60.0).ln() + 1.0);
        close(fit.log_likelihood(), log, 1e-7);
    }
}

#[test]
fn columns_that_say_the_same_get_the_smallest_coefficients_and_a_note() {
    // The second column is twice the first, the fourth the sum of the second and the third.
    let (mut x, y) = problem(30, 4, 8);
    for i in 0..30 {
        x[(i, 1)] = 2.0 * x[(i, 0)];
        x[(i, 3)] = x[(i, 1)] + x[(i, 2)];
    }
    let data = through_origin::Data { x: (&x).into(), y: (&y).into() };
    let fit = through_origin::Model::new().fit(&data, &Options::new()).unwrap();
    let svd = x.clone().svd(true, true);
    let smallest = svd.solve(&DVector::from_column_slice(&y), 1e-9).unwrap();
    assert!(!fit.notes.is_empty());
    for d in 0..4 {
        close(fit.params.w[d], smallest[d], 1e-9);
    }
}

#[test]
fn more_columns_than_rows_are_met_exactly_and_said() {
    let (x, y) = problem(3, 5, 9);
    let data = through_origin::Data { x: (&x).into(), y: (&y).into() };
    let fit = through_origin::Model::new().fit(&data, &Options::new()).unwrap();
    assert!(!fit.notes.is_empty());
    let smallest = x.clone().svd(true, true).solve(&DVector::from_column_slice(&y), 1e-9).unwrap();
    for d in 0..5 {
        close(fit.params.w[d], smallest[d], 1e-9);
    }
    // With a variance of its own the likelihood has no bound.
    let data = line::Data { x: (&x).into(), y: (&y).into() };
    let error = line::Model::new().fit(&data, &Options::new());
    assert!(matches!(error, Err(vi_core::Error::Unbounded { .. })), "{:?}", error.map(|f| f.params));
}

#[test]
fn a_constant_column_beside_an_intercept_is_said() {
    for (value, offset) in [(1.0, 0.0), (3.0, 1e6), (0.0, 0.0)] {
        let (mut x, y) = problem(20, 3, 10);
        (0..20).for_each(|i| x[(i, 1)] = value);
        let y: Vec<f64> = y.iter().map(|v| v + offset).collect();
        let data = line::Data { x: (&x).into(), y: (&y).into() };
        let fit = line::Model::new().fit(&data, &Options::new()).unwrap();
        assert!(!fit.notes.is_empty(), "{value} {offset}");
        let others = x.clone().remove_column(1).insert_column(0, 1.0);
        let by_hand = by_reflections(&others, &y);
        let p = &fit.params;
        close(p.b + value * p.w[1], by_hand[0], 1e-10);
        close(p.w[0], by_hand[1], 1e-9);
        close(p.w[2], by_hand[2], 1e-9);
        let rss = (DVector::from_vec(y.clone()) - &others * by_hand).norm_squared();
        close(p.s2, rss / 20.0, 1e-8);
    }
}

#[test]
fn a_row_twice_is_a_weight_of_two() {
    let (x, y) = problem(15, 2, 11);
    let times: Vec<u64> = (0..15).map(|i| 1 + (i % 3)).collect();
    let (mut rows, mut targets) = (vec![], vec![]);
    for i in 0..15 {
        for _ in 0..times[i] {
            rows.push(x.row(i).into_owned());
            targets.push(y[i]);
        }
    }
    let long = DMatrix::from_rows(&rows);
    let written_out = line::Data { x: (&long).into(), y: (&targets).into() };
    let written_out = line::Model::new().fit(&written_out, &Options::new()).unwrap();
    let short = repeated::Data { x: (&x).into(), times: (&times).into(), y: (&y).into() };
    let short = repeated::Model::new().fit(&short, &Options::new()).unwrap();
    close(short.log_likelihood(), written_out.log_likelihood(), 1e-12);
    close(short.params.b, written_out.params.b, 1e-12);
    close(short.params.s2, written_out.params.s2, 1e-12);
    // A precision that is known up to a factor is a weight of the square, and not of the entropy.
    let real: Vec<f64> = times.iter().map(|t| *t as f64).collect();
    let data = weighted::Data { x: (&x).into(), times: (&real).into(), y: (&y).into() };
    let fit = weighted::Model::new().fit(&data, &Options::new()).unwrap();
    for d in 0..2 {
        close(fit.params.w[d], written_out.params.w[d], 1e-11);
    }
    let rss: f64 = (0..15)
        .map(|i| real[i] * (y[i] - fit.params.b - x.row(i).transpose().dot(&fit.params.w)).powi(2))
        .sum();
    close(fit.params.tau, 15.0 / rss, 1e-11);
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let (x, y) = problem(500, 3, 12);
    let order: Vec<usize> = (0..500).map(|i| (i * 77 + 13) % 500).collect();
    let turned = DMatrix::from_fn(500, 3, |i, j| x[(order[i], j)]);
    let other: Vec<f64> = order.iter().map(|i| y[*i]).collect();
    let a = line::Model::new().fit(&line::Data { x: (&x).into(), y: (&y).into() }, &Options::new()).unwrap();
    let b = line::Model::new()
        .fit(&line::Data { x: (&turned).into(), y: (&other).into() }, &Options::new())
        .unwrap();
    close(a.log_likelihood(), b.log_likelihood(), 1e-13);
    for d in 0..3 {
        close(a.params.w[d], b.params.w[d], 1e-13);
    }
}

#[test]
fn one_row_is_no_regression() {
    let x = DMatrix::from_row_slice(1, 2, &[1.0, 2.0]);
    let data = line::Data { x: (&x).into(), y: (&[3.0]).into() };
    let error = line::Model::new().fit(&data, &Options::new());
    assert!(matches!(error, Err(vi_core::Error::Unbounded { .. })), "{:?}", error.map(|f| f.params));
    let data = through_origin::Data { x: (&x).into(), y: (&[3.0]).into() };
    let fit = through_origin::Model::new().fit(&data, &Options::new()).unwrap();
    close(fit.params.w[0], 0.6, 1e-12);
    close(fit.params.w[1], 1.2, 1e-12);
}

#[test]
fn several_targets_are_regressions_whose_residuals_covary() {
    let (x, y) = problem(40, 3, 13);
    let mut g = Noise::new(14);
    let targets = DMatrix::from_fn(40, 2, |i, j| if j == 0 { y[i] } else { 0.7 * y[i] + g.normal() + 1e4 });
    let data = multivariate::Data { x: (&x).into(), y: (&targets).into() };
    let fit = multivariate::Model::new().fit(&data, &Options::new()).unwrap();
    let with_one = x.clone().insert_column(0, 1.0);
    let mut residual = DMatrix::zeros(40, 2);
    for j in 0..2 {
        let column: Vec<f64> = targets.column(j).iter().copied().collect();
        let by_hand = by_reflections(&with_one, &column);
        close(fit.params.b[j], by_hand[0], 1e-12);
        (0..3).for_each(|d| close(fit.params.W[(j, d)], by_hand[d + 1], 1e-8));
        residual.set_column(j, &(targets.column(j) - &with_one * by_hand));
    }
    let s = residual.transpose() * &residual / 40.0;
    for (found, expected) in fit.params.S.iter().zip(s.iter()) {
        close(*found, *expected, 1e-8);
    }
    let direct: f64 =
        (0..40).map(|i| mv_normal(residual.row(i).transpose().as_slice(), &DVector::zeros(2), &s)).sum();
    close(fit.log_likelihood(), direct, 1e-9);
}

#[test]
fn known_and_tied_coefficients_are_left_where_they_are() {
    let mut g = Noise::new(15);
    let n = 80;
    let (x, u, v) = (g.normals(n), g.normals(n), g.normals(n));
    let group: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| {
            group[i] as f64 + 2.0 * x[i] - 0.4 * (u[i] - v[i])
                + 0.9 * x[i] * u[i]
                + (0.3 + 0.4 * group[i] as f64) * g.normal()
        })
        .collect();
    let data = structured::Data {
        x: (&x).into(),
        u: (&u).into(),
        v: (&v).into(),
        group: (&group).into(),
        y: (&y).into(),
    };
    let fit = structured::Model::new().fit(&data, &thorough()).unwrap();
    monotone(&fit.trace);
    let p = &fit.params;
    // Weighted least squares at the variances found, and the variances of its residuals.
    let target: Vec<f64> = (0..n).map(|i| (y[i] - 2.0 * x[i]) / p.s2[group[i]].sqrt()).collect();
    let design = DMatrix::from_fn(n, 5, |i, j| {
        let value = match j {
            0 => u[i] - v[i],
            1 => x[i] * u[i],
            g => f64::from(u8::from(group[i] == g - 2)),
        };
        value / p.s2[group[i]].sqrt()
    });
    let by_hand = by_reflections(&design, &target);
    let found = [p.w, p.common, p.level[0], p.level[1], p.level[2]];
    for (found, expected) in found.into_iter().zip(by_hand.iter()) {
        close(found, *expected, 1e-6);
    }
    let residual = DVector::from_vec(target) - design * by_hand;
    for k in 0..3 {
        let own: Vec<f64> = (0..n).filter(|i| group[*i] == k).map(|i| residual[i].powi(2)).collect();
        close(own.iter().sum::<f64>() / own.len() as f64, 1.0, 1e-6);
    }
}

#[test]
fn independent_priors_reach_the_joint_mode_by_turns() {
    let (x, y) = problem(12, 2, 16);
    let data = independent_priors::Data { x: (&x).into(), y: (&y).into() };
    let fit = independent_priors::Model::new().fit(&data, &thorough()).unwrap();
    monotone(&fit.trace);
    let (w, s2) = (&fit.params.w, fit.params.s2);
    let rss: f64 = (0..12).map(|i| (y[i] - x[(i, 0)] * w[0] - x[(i, 1)] * w[1]).powi(2)).sum();
    // Derivatives of −6 log s2 − rss / 2 s2 − Σ (w − ½)² / 0.6 − 4 log s2 − 2 / s2.
    for d in 0..2 {
        let data: f64 =
            (0..12).map(|i| x[(i, d)] * (y[i] - x[(i, 0)] * w[0] - x[(i, 1)] * w[1])).sum::<f64>() / s2;
        close(data, (w[d] - 0.5) / 0.3, 1e-6);
    }
    close(s2, (0.5 * rss + 2.0) / 10.0, 1e-7);
    let prior = |w: f64| -0.5 * (std::f64::consts::TAU * 0.3).ln() - (w - 0.5).powi(2) / 0.6;
    let direct = -6.0 * (std::f64::consts::TAU * s2).ln() - 0.5 * rss / s2
        + prior(w[0])
        + prior(w[1])
        + vi_tests::density::inverse_gamma(s2, 3.0, 2.0);
    close(fit.log_posterior(), direct, 1e-11);
}

#[test]
fn a_prior_in_units_of_the_variance_has_its_mode_at_once() {
    let (x, y) = problem(12, 2, 17);
    let data = joint_prior::Data { x: (&x).into(), y: (&y).into() };
    let fit = joint_prior::Model::new().fit(&data, &Options::new()).unwrap();
    let target = DVector::from_vec(y.clone());
    let m0 = DVector::from_element(2, 0.5);
    let gram = x.transpose() * &x + DMatrix::identity(2, 2) / 0.3;
    let w = gram.try_inverse().unwrap() * (x.transpose() * &target + &m0 / 0.3);
    let square = (&target - &x * &w).norm_squared() + (&w - &m0).norm_squared() / 0.3;
    // 12 rows and 2 coefficients share the variance; its prior has exponent −4.
    let s2 = (0.5 * square + 2.0) / (0.5 * 14.0 + 4.0);
    close(fit.params.s2, s2, 1e-11);
    (0..2).for_each(|d| close(fit.params.w[d], w[d], 1e-11));
}
