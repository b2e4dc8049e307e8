//! The change point of the coal-mining disasters: what is printed, and that the sums are those of the closed form.

use vi_examples::coal::{change_point, counts, expected_rates, fit, years_of_change};

#[test]
fn the_rate_changed_around_1890() {
    let (years, y) = counts().unwrap();
    let fit = fit(&y).unwrap();
    let q = &fit.posterior;
    let when = years_of_change(&fit);
    let mut text = format!("{fit}\nP(unchanged) = {:.3e}\n", q.changed.probs(0)[0]);
    for (t, p) in when.iter().enumerate().filter(|(_, p)| **p > 0.01) {
        text += &format!("{}: {p:.4}\n", years[t]);
    }
    for rate in &q.rate {
        let (low, high) = rate.interval(0.95);
        text += &format!("{:.4} ({low:.4}–{high:.4})\n", rate.mean());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_evidence_is_the_sum_over_all_years() {
    let (_, y) = counts().unwrap();
    let fit = fit(&y).unwrap();
    let factorials: f64 = y.iter().map(|y| (1..=*y).map(|k| (k as f64).ln()).sum::<f64>()).sum();
    // Gamma(2, 1) rates: ∫ = Γ(2 + s) / (1 + n)^(2 + s), and Γ(2 + s) = (1 + s)!
    let part = |y: &[u64]| {
        let s: u64 = y.iter().sum();
        (1..=s + 1).map(|k| (k as f64).ln()).sum::<f64>() - (2 + s) as f64 * (1.0 + y.len() as f64).ln()
    };
    let logs: Vec<f64> = (0..y.len())
        .map(|c| (0.5 / y.len() as f64).ln() + part(&y[..c]) + part(&y[c..]))
        .chain([0.5_f64.ln() + part(&y)])
        .collect();
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = top + logs.iter().map(|l| (l - top).exp()).sum::<f64>().ln() - factorials;
    assert!((fit.log_evidence() - total).abs() < 1e-10 * total.abs(), "{} {total}", fit.log_evidence());
    // A rate between the two, falling where the change may be.
    let rates = expected_rates(&fit);
    assert!(rates.windows(2).all(|r| r[1] <= r[0] + 1e-12));
    assert!(rates[0] > 2.9 && rates[111] < 1.1);
}

#[test]
fn plan() {
    insta::assert_snapshot!(change_point::PLAN);
}
