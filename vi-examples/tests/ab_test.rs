//! Admissions: what is printed, and every number of it by another formula.

use vi_core::special::{lgamma, log_beta};
use vi_examples::ab_test::{DRAWS, departments, one_rate, own_rates};

#[test]
fn six_departments_and_their_total() {
    let lines: Vec<String> =
        departments().unwrap().iter().map(|d| format!("{:>3}  {}", d.name, d.compare().unwrap())).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn totals_are_the_published_ones() {
    let departments = departments().unwrap();
    let all = &departments[departments.len() - 1];
    // R's help page of `UCBAdmissions`: 4526 applicants, 2691 of them men; 1755 were admitted.
    assert_eq!((all.applied, all.admitted), ([2691, 1835], [1198, 557]));
}

#[test]
fn evidences_are_ratios_of_beta_functions() {
    for d in departments().unwrap() {
        let comparison = d.compare().unwrap();
        let end = |g: usize| {
            let admitted = d.admitted[g] as f64;
            (admitted, d.applied[g] as f64 - admitted)
        };
        let chosen: f64 = (0..2)
            .map(|g| lgamma(d.applied[g] as f64 + 1.0) - lgamma(end(g).0 + 1.0) - lgamma(end(g).1 + 1.0))
            .sum();
        let own: f64 = (0..2).map(|g| log_beta(end(g).0 + 1.0, end(g).1 + 1.0)).sum();
        let shared = log_beta(end(0).0 + end(1).0 + 1.0, end(0).1 + end(1).1 + 1.0);
        assert!((comparison.own.log_evidence() - chosen - own).abs() < 1e-9, "{}", d.name);
        assert!((comparison.shared.log_evidence() - chosen - shared).abs() < 1e-9, "{}", d.name);
    }
}

/// P(b > a) for two Beta laws with whole numbers as parameters: b's distribution function is a sum of Binomial terms, each of which has a
/// closed integral over a.
fn higher(a: (f64, f64), b: (f64, f64)) -> f64 {
    (0..b.0 as usize)
        .map(|i| {
            let i = i as f64;
            (log_beta(a.0 + i, a.1 + b.1) - (b.1 + i).ln() - log_beta(1.0 + i, b.1) - log_beta(a.0, a.1))
                .exp()
        })
        .sum()
}

#[test]
fn draws_agree_with_the_sum() {
    for d in departments().unwrap() {
        let end = |g: usize| {
            let admitted = d.admitted[g] as f64;
            (admitted + 1.0, d.applied[g] as f64 - admitted + 1.0)
        };
        let (found, expected) = (d.compare().unwrap().women_higher(DRAWS), higher(end(0), end(1)));
        let error = (expected * (1.0 - expected) / DRAWS as f64).sqrt();
        assert!((found - expected).abs() <= 5.0 * error + 1e-9, "{}: {found} and {expected}", d.name);
    }
}

#[test]
fn plans() {
    insta::assert_snapshot!(format!("{}\n{}", one_rate::PLAN, own_rates::PLAN));
}
