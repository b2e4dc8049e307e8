//! Pumps: what is printed, and the bound beside an evidence that is a one-dimensional integral.

use vi_core::special::{lgamma, log_sum_exp};
use vi_examples::pumps::{Pumps, Shrinkage, pumps, rates};

#[test]
fn ten_pumps() {
    let pumps = pumps().unwrap();
    insta::assert_snapshot!(Shrinkage(&pumps, &pumps.fit().unwrap()));
}

/// log p(failures, b): every rate has a closed integral given b.
fn log_joint(pumps: &Pumps, b: f64) -> f64 {
    let a = pumps.shape();
    let pump = |i: usize| {
        let (y, t) = (pumps.failures[i] as f64, pumps.hours[i]);
        a * b.ln() - lgamma(a) + y * t.ln() - lgamma(y + 1.0) + lgamma(a + y) - (a + y) * (b + t).ln()
    };
    let prior = -lgamma(0.1) + (0.1 - 1.0) * b.ln() - b;
    (0..pumps.hours.len()).map(pump).sum::<f64>() + prior
}

/// A grid over log b that is fine enough for the trapezium rule to be exact, and log p(failures, log b) on it.
fn grid(pumps: &Pumps) -> (Vec<(f64, f64)>, f64) {
    let step = 0.005;
    let at = (-2000..=800).map(|i| f64::from(i) * step);
    (at.map(|l: f64| (l.exp(), log_joint(pumps, l.exp()) + l)).collect(), step)
}

fn evidence(pumps: &Pumps) -> f64 {
    let (grid, step) = grid(pumps);
    log_sum_exp(&grid.iter().map(|(_, l)| *l).collect::<Vec<_>>()) + step.ln()
}

#[test]
fn the_bound_is_below_the_evidence_and_near_it() {
    let pumps = pumps().unwrap();
    let (fit, evidence) = (pumps.fit().unwrap(), evidence(&pumps));
    assert!(fit.trace.windows(2).all(|w| w[1] >= w[0] - 1e-9), "{:?}", fit.trace);
    let gap = evidence - fit.elbo();
    assert!(gap > 1e-4 && gap < 0.2, "a bound of {} on {evidence}", fit.elbo());
}

/// What the cut between b and the rates costs their means: little.
#[test]
fn means_are_near_the_exact_ones() {
    let pumps = pumps().unwrap();
    let (fit, (grid, step)) = (pumps.fit().unwrap(), grid(&pumps));
    let evidence = evidence(&pumps);
    let mean =
        |f: &dyn Fn(f64) -> f64| grid.iter().map(|(b, l)| f(*b) * (l - evidence).exp() * step).sum::<f64>();
    assert!((fit.posterior.b.mean() / mean(&|b| b) - 1.0).abs() < 0.03);
    for i in 0..10 {
        let (a, t) = (pumps.shape() + pumps.failures[i] as f64, pumps.hours[i]);
        let exact = mean(&|b| a / (b + t));
        assert!((fit.posterior.rate[i].mean() / exact - 1.0).abs() < 0.03, "pump {}", i + 1);
    }
}

#[test]
fn the_shape_is_that_of_the_literature() {
    assert!((pumps().unwrap().shape() - 1.802).abs() < 5e-4);
}

#[test]
fn plan() {
    insta::assert_snapshot!(rates::PLAN);
}
