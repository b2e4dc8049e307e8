//! Quantiles against roots in 40 digits (`tests/fixtures/quantiles.py`).

use vi_core::special::{
    beta_quantile, gamma_quantile, log_beta_inc, log_gamma_inc, log_tails, student_quantile,
};

const TABLE: &str = include_str!("../../tests/fixtures/quantiles.csv");

fn swapped((p, q): (f64, f64)) -> (f64, f64) {
    (q, p)
}

fn value(function: &str, x: &[f64]) -> f64 {
    match (function, x) {
        ("gamma_lower", [a, p]) => gamma_quantile(*a, log_tails(*p)),
        ("gamma_upper", [a, p]) => gamma_quantile(*a, swapped(log_tails(*p))),
        ("beta_lower_x", [a, b, p]) => beta_quantile(*a, *b, log_tails(*p)).0,
        ("beta_lower_y", [a, b, p]) => beta_quantile(*a, *b, log_tails(*p)).1,
        ("beta_upper_x", [a, b, p]) => beta_quantile(*a, *b, swapped(log_tails(*p))).0,
        ("beta_upper_y", [a, b, p]) => beta_quantile(*a, *b, swapped(log_tails(*p))).1,
        ("student_lower", [dof, p]) => student_quantile(*dof, log_tails(*p)),
        other => panic!("no function {other:?}"),
    }
}

#[test]
fn quantiles_agree_with_the_reference() {
    let (mut seen, mut failures) = (0, vec![]);
    let mut worst = 0.0f64;
    for line in TABLE.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [function, arguments, expected] = fields[..] else { panic!("three fields: {line}") };
        let x: Vec<f64> = arguments.split(' ').map(|v| v.parse().expect("a number")).collect();
        let want: f64 = expected.parse().expect("a number");
        let got = value(function, &x);
        seen += 1;
        let error = (got - want).abs() / want.abs();
        worst = worst.max(error);
        if error.is_nan() || error > 1e-13 {
            failures.push(format!("{line}: got {got:e}, off by {error:e}"));
        }
    }
    println!("worst {worst:e}");
    assert!(seen > 700, "only {seen} rows");
    assert!(failures.is_empty(), "{} of {seen} rows:\n{}", failures.len(), failures.join("\n"));
}

/// What no table of doubles holds: arguments of any magnitude, where the tail that was matched must come back.
#[test]
fn quantiles_undo_the_incomplete_functions() {
    let sizes = [1e-6, 1e-3, 0.04, 0.3, 0.99, 1.0, 1.01, 3.0, 40.0, 1e3, 1e6];
    let tails = [1e-300, 1e-100, 1e-20, 1e-5, 0.02, 0.3, 0.4999999, 0.5];
    let agree = |target: f64, got: f64, derivative: f64, what: &str| {
        // The point is known to an ulp or two, which is this much of the logarithm of the tail.
        let tolerance = 1e-12 * target.abs().max(1e-2) + 8.0 * f64::EPSILON * derivative.abs();
        assert!((got - target).abs() <= tolerance, "{what}: {got} is not {target}");
    };
    for a in sizes {
        for p in tails {
            for upper in [false, true] {
                let target = if upper { swapped(log_tails(p)) } else { log_tails(p) };
                let x = gamma_quantile(a, target);
                assert!(x >= 0.0 && x.is_finite(), "gamma {a} {p} {upper}: {x}");
                if x > 1e-290 {
                    let (lower, above) = log_gamma_inc(a, x);
                    agree(
                        p.ln(),
                        if upper { above } else { lower },
                        a + x,
                        &format!("gamma {a} {p:e} {upper}: {x:e}"),
                    );
                }
                for b in sizes.into_iter().filter(|b| a + b < 1.5e6) {
                    let (x, y) = beta_quantile(a, b, target);
                    assert!((x + y - 1.0).abs() < 4.0 * f64::EPSILON, "beta {a} {b} {p} {upper}: {x} {y}");
                    if x.min(y) > 1e-290 {
                        let (lower, above) = log_beta_inc(a, b, x, y);
                        let got = if upper { above } else { lower };
                        agree(p.ln(), got, a + b, &format!("beta {a} {b} {p:e} {upper}: {x:e} {y:e}"));
                    }
                }
            }
        }
    }
}

#[test]
fn ends_and_invalid_arguments() {
    assert_eq!(gamma_quantile(2.0, log_tails(0.0)), 0.0);
    assert_eq!(gamma_quantile(2.0, log_tails(1.0)), f64::INFINITY);
    assert_eq!(beta_quantile(2.0, 3.0, log_tails(0.0)), (0.0, 1.0));
    assert_eq!(beta_quantile(2.0, 3.0, log_tails(1.0)), (1.0, 0.0));
    assert_eq!(student_quantile(3.0, log_tails(0.0)), f64::NEG_INFINITY);
    assert_eq!(student_quantile(3.0, log_tails(1.0)), f64::INFINITY);
    assert!(student_quantile(3.0, log_tails(0.5)).abs() < 1e-15);
    for p in [-0.1, 1.1, f64::NAN] {
        assert!(gamma_quantile(2.0, log_tails(p)).is_nan());
        assert!(beta_quantile(2.0, 2.0, log_tails(p)).0.is_nan());
        assert!(student_quantile(2.0, log_tails(p)).is_nan());
    }
    for a in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(gamma_quantile(a, log_tails(0.5)).is_nan());
        assert!(beta_quantile(a, 1.0, log_tails(0.5)).1.is_nan());
        assert!(student_quantile(a, log_tails(0.5)).is_nan());
    }
    // Far in the tail of a law that has hardly any moments: x itself is below the least double.
    let t = student_quantile(0.01, log_tails(1e-3));
    assert!(t < -1e250 && t.is_finite());
}
