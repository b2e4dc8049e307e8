//! Eight schools with an unknown spread, against quadrature done elsewhere.

use vi_examples::school_forms::{spread, turns, uncertain_spread};
use vi_examples::schools::schools;

#[test]
fn averages_over_the_spread_are_the_known_ones() {
    let schools = schools().unwrap();
    let exact = spread(&schools, 2000.0, 10_000).unwrap();
    let near = |found: f64, known: f64| assert!((found - known).abs() < 2e-3, "{found} and {known}");
    near(exact.log_evidence, -31.311_347);
    near(exact.average(|i| exact.tau[i]), 3.597_705);
    let known = [6.211_884, 4.940_178, 3.927_004, 4.757_098, 3.615_477, 4.042_613, 6.296_724, 4.854_253];
    for (j, known) in known.into_iter().enumerate() {
        near(exact.effect(j).0, known);
    }
}

#[test]
fn blocks_that_take_turns_are_a_lower_bound_and_too_sure() {
    let schools = schools().unwrap();
    let (exact, blocks) = (spread(&schools, 200.0, 4000).unwrap(), turns(&schools).unwrap());
    let gap = exact.log_evidence - blocks.elbo();
    assert!(blocks.converged && gap > 0.0 && gap < 1.4, "{} {gap}", blocks.converged);
    for j in 0..8 {
        let (mean, sd) = exact.effect(j);
        assert!((blocks.posterior.theta.mean()[j] - mean).abs() < 2.0, "{j}");
        assert!(blocks.posterior.theta.sd()[j] < sd, "{j}");
    }
}

#[test]
fn plan() {
    insta::assert_snapshot!(uncertain_spread::PLAN);
}
