//! Derivatives of log probabilities of intervals, against values in 40 digits (`tests/fixtures/truncation.py`).

use vi_core::special::*;

const TABLE: &str = include_str!("../../tests/fixtures/truncation.csv");

fn value(function: &str, i: usize, j: usize, x: &[f64]) -> f64 {
    match function {
        "normal_interval_slope" => normal_interval_slope(x[0], x[1], x[2]),
        "gamma_interval_slope" => gamma_interval_slope(i, x[0], x[1], x[2]),
        "gamma_interval_curvature" => gamma_interval_curvature(i, j, x[0], x[1], x[2]),
        "beta_interval_slope" => beta_interval_slope(i, x[0], x[1], x[2], x[3]),
        "beta_interval_curvature" => beta_interval_curvature(i, j, x[0], x[1], x[2], x[3]),
        "poisson_interval_slope" => poisson_interval_slope(i, x[0], x[1], x[2]),
        "poisson_interval_curvature" => poisson_interval_curvature(i, j, x[0], x[1], x[2]),
        "binomial_interval_slope" => binomial_interval_slope(i, x[0], x[1], x[2], x[3]),
        "binomial_interval_curvature" => binomial_interval_curvature(i, j, x[0], x[1], x[2], x[3]),
        "negative_binomial_interval_slope" => negative_binomial_interval_slope(i, x[0], x[1], x[2], x[3]),
        "negative_binomial_interval_curvature" => {
            negative_binomial_interval_curvature(i, j, x[0], x[1], x[2], x[3])
        }
        _ => panic!("no function {function}"),
    }
}

/// What a difference of two values of this size rounds to: a curvature is a variance less a trigamma function, or a square of a slope
/// less another.
fn scale(function: &str, i: usize, j: usize, x: &[f64], want: f64) -> f64 {
    if let Some(law) = function.strip_suffix("_curvature") {
        let slope = format!("{law}_slope");
        let (a, b) = (value(&slope, i, 0, x), value(&slope, j, 0, x));
        return want.abs().max((a * b).abs());
    }
    want.abs().max(if function.starts_with("normal") { 0.0 } else { 0.1 })
}

#[test]
fn derivatives_of_intervals_are_right_to_12_digits() {
    let mut seen = 0;
    for line in TABLE.lines().skip(1) {
        let parts: Vec<&str> = line.split(',').collect();
        let index = |s: &str| if s.is_empty() { 0 } else { s.parse().unwrap() };
        let (i, j) = (index(parts[1]), index(parts[2]));
        let x: Vec<f64> = parts[3].split(';').map(|t| t.replace('+', "").parse().unwrap()).collect();
        let want: f64 = parts[4].parse().unwrap();
        let got = value(parts[0], i, j, &x);
        let error = (got - want).abs() / scale(parts[0], i, j, &x, want);
        assert!(error < 1e-12, "{line}: {got} is off by {error:e}");
        seen += 1;
    }
    assert!(seen > 80, "only {seen} rows");
}

/// Laws whose derivatives are read off the density: against differences of the log probability itself.
#[test]
fn derivatives_in_the_bounds_match_differences() {
    type Law = (fn(f64, f64) -> f64, fn(usize, f64, f64) -> f64, fn(usize, usize, f64, f64) -> f64);
    let laws: [Law; 3] = [
        (log_laplace_interval, laplace_interval_slope, laplace_interval_curvature),
        (log_cauchy_interval, cauchy_interval_slope, cauchy_interval_curvature),
        (
            |a, b| log_student_interval(4.5, a, b),
            |i, a, b| student_interval_slope(i + 1, 4.5, a, b),
            |i, j, a, b| student_interval_curvature(i + 1, j + 1, 4.5, a, b),
        ),
    ];
    let h = 1e-3;
    let difference =
        |f: &dyn Fn(f64) -> f64| (f(-2.0 * h) - 8.0 * f(-h) + 8.0 * f(h) - f(2.0 * h)) / (12.0 * h);
    for (value, slope, curvature) in laws {
        for (a, b) in [(-1.5, 0.75), (0.5, 4.0), (-7.0, -2.0), (2.0, f64::INFINITY), (f64::NEG_INFINITY, 1.0)]
        {
            for i in 0..2 {
                let moved = |h: f64| if i == 0 { (a + h, b) } else { (a, b + h) };
                let want = difference(&|h| value(moved(h).0, moved(h).1));
                let got = slope(i, a, b);
                assert!((got - want).abs() < 1e-9, "({a}, {b}) in {i}: {got} for {want}");
                for j in 0..2 {
                    let want = difference(&|h| slope(j, moved(h).0, moved(h).1));
                    let got = curvature(i, j, a, b);
                    assert!((got - want).abs() < 1e-9, "({a}, {b}) in {i}, {j}: {got} for {want}");
                }
            }
        }
    }
}
