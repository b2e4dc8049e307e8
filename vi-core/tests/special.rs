//! Special functions against values in 60 digits (`tests/fixtures/special.py`).

use vi_core::special::*;

const TABLE: &str = include_str!("../../tests/fixtures/special.csv");

fn value(function: &str, x: &[f64]) -> f64 {
    match function {
        "lgamma" => lgamma(x[0]),
        "lgamma_1p" => lgamma_1p(x[0]),
        "digamma" => digamma(x[0]),
        "trigamma" => trigamma(x[0]),
        "tetragamma" => tetragamma(x[0]),
        "log_minus_digamma" => log_minus_digamma(x[0]),
        "lgamma_half_step" => lgamma_half_step(x[0]),
        "standard_gamma_entropy" => standard_gamma_entropy(x[0]),
        "lgamma_bregman" => lgamma_bregman(x[0], x[1]),
        "log_beta" => log_beta(x[0], x[1]),
        "lgamma_d" => lgamma_d(x[0] as usize, x[1]),
        "stirling_error" => stirling_error(x[0]),
        "log_poisson_kernel" => log_poisson_kernel(x[0], x[1], x[1].ln()),
        "erf" => erf(x[0]),
        "normal_log_cdf" => normal_log_cdf(x[0]),
        "inverse_mills" => inverse_mills(x[0]),
        "normal_quantile" => normal_quantile(x[0]),
        "log1mexp" => log1mexp(x[0]),
        "log1pexp" => log1pexp(x[0]),
        "log_cosh" => log_cosh(x[0]),
        "log_add_exp" => log_add_exp(x[0], x[1]),
        "log_diff_exp" => log_diff_exp(x[0], x[1]),
        "x_minus_log1p" => x_minus_log1p(x[0]),
        "half_deviance" => half_deviance(x[0], x[1]),
        "log_gamma_inc_lower" | "log_gamma_inc_lower_huge" => log_gamma_inc(x[0], x[1]).0,
        "log_gamma_inc_upper" | "log_gamma_inc_upper_huge" => log_gamma_inc(x[0], x[1]).1,
        "log_beta_inc_lower" => log_beta_inc(x[0], x[1], x[2], 1.0 - x[2]).0,
        "log_beta_inc_upper" => log_beta_inc(x[0], x[1], x[2], 1.0 - x[2]).1,
        other => panic!("no function {other}"),
    }
}

/// Relative; logarithms of probabilities by incomplete functions are promised to fewer digits.
fn tolerance(function: &str) -> f64 {
    if function.contains("_inc_") { 1e-12 } else { 1e-14 }
}

#[test]
fn values_agree_with_the_reference() {
    let (mut seen, mut failures) = (0, Vec::new());
    for line in TABLE.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [function, arguments, expected] = fields[..] else { panic!("three fields: {line}") };
        let x: Vec<f64> = arguments.split(' ').map(|v| v.parse().expect("a number")).collect();
        let want: f64 = expected.parse().expect("a number");
        let got = value(function, &x);
        seen += 1;
        let error = (got - want).abs() / want.abs();
        let agrees = got == want || error <= tolerance(function);
        if !agrees {
            failures.push(format!("{line}: got {got:e}, off by {error:e}"));
        }
    }
    assert!(seen > 900, "only {seen} rows");
    assert!(failures.is_empty(), "{} of {seen} rows:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn inverse_digamma_undoes_digamma() {
    for x in [1e-300, 1e-12, 0.01, 0.1, 0.5, 1.0, 1.4616321449683622, 2.0, 7.5, 1e3, 1e8] {
        let back = inverse_digamma(digamma(x));
        // ψ(x) is known to an ulp, which is this much of x.
        let condition = (digamma(x) / (x * trigamma(x))).abs().max(1.0);
        assert!((back - x).abs() <= 1e-14 * condition * x, "{x:e} {back:e}");
    }
    assert_eq!(inverse_digamma(f64::NEG_INFINITY), 0.0);
    assert_eq!(inverse_digamma(f64::INFINITY), f64::INFINITY);
    assert!(inverse_digamma(f64::NAN).is_nan());
}

#[test]
fn limits_are_taken() {
    let infinity = f64::INFINITY;
    assert_eq!(log1mexp(0.0), -infinity);
    assert!(log1mexp(1.0).is_nan());
    assert_eq!(log_add_exp(-infinity, -infinity), -infinity);
    assert_eq!(log_add_exp(-infinity, 2.0), 2.0);
    assert_eq!(log_add_exp(3.0, 3.0), 3.0 + 2f64.ln());
    assert_eq!(log_diff_exp(3.0, 3.0), -infinity);
    assert_eq!(log_diff_exp(3.0, -infinity), 3.0);
    assert!(log_diff_exp(1.0, 2.0).is_nan());
    assert_eq!(log_sum_exp(&[]), -infinity);
    assert_eq!(log_sum_exp(&[-infinity, -infinity]), -infinity);
    assert_eq!(log_sum_exp(&[infinity, 0.0]), infinity);
    assert!(log_sum_exp(&[f64::NAN, infinity]).is_nan());
    assert_eq!(log_sum_exp(&[1000.0, 1000.0]), 1000.0 + 2f64.ln());
    assert_eq!(log1pexp(1e4), 1e4);
    assert_eq!(log_cosh(0.0), 0.0);
    assert_eq!(digamma(0.0), -infinity);
    assert!(digamma(-1.0).is_nan() && trigamma(-1.0).is_nan() && tetragamma(f64::NAN).is_nan());
    assert_eq!(digamma(infinity), infinity);
    assert_eq!(trigamma(infinity), 0.0);
    assert!(lgamma_d(3, 1.0).is_nan());
    assert_eq!(normal_log_cdf(-infinity), -infinity);
    assert_eq!(normal_log_cdf(infinity), 0.0);
    assert_eq!(inverse_mills(-infinity), infinity);
    assert_eq!(inverse_mills(infinity), 0.0);
    assert_eq!(normal_quantile(0.0), -infinity);
    assert_eq!(normal_quantile(0.5), 0.0);
    assert_eq!(normal_quantile(1.0), infinity);
    assert!(normal_quantile(1.5).is_nan());
    assert_eq!(half_deviance(0.0, 2.0), 2.0);
    assert_eq!(half_deviance(2.0, 0.0), infinity);
    assert_eq!(half_deviance(2.0, 2.0), 0.0);
    assert_eq!(log_poisson_kernel(0.0, 0.0, -infinity), 0.0);
    assert_eq!(log_gamma_inc(2.0, 0.0), (-infinity, 0.0));
    assert_eq!(log_gamma_inc(2.0, infinity), (0.0, -infinity));
    assert!(log_gamma_inc(-1.0, 1.0).0.is_nan());
    assert_eq!(log_beta_inc(2.0, 3.0, 0.0, 1.0), (-infinity, 0.0));
    assert_eq!(log_beta_inc(2.0, 3.0, 1.0, 0.0), (0.0, -infinity));
    assert_eq!(sigmoid(-infinity), 0.0);
    assert_eq!(sigmoid(infinity), 1.0);
}
