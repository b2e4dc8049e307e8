//! Variances whose likelihood is largest at their lower bound: EM creeps, the fit arrives.

use vi_core::Options;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::{close, monotone};

model! {
    pub mod eight_schools {
        given    s[j in J]: Positive;
        latent   mu ~ Normal(0, sd: 20);
        param    tau2: Positive(min: 1e-8);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    /// Two variances between, one for each kind.
    pub mod kinds(G) {
        given    kind[j in J]: Category[G];
        given    s[j in J]: Positive;
        param    tau2[g in G]: Positive(min: 1e-6);
        latent   theta[j in J] ~ Normal(0, var: tau2[kind[j]]);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    s2[k in K]: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}

const S: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];

/// log Normal(y; 0, diag(s² + t) + 400): mu and theta integrated out by hand.
fn log_marginal(y: &[f64], t: f64) -> f64 {
    let (mut log, mut weight, mut sum, mut square) = (0.0, 1.0 / 400.0, 0.0, 0.0);
    for (y, s) in y.iter().zip(S) {
        let v = s * s + t;
        log -= 0.5 * (2.0 * std::f64::consts::PI * v).ln();
        weight += 1.0 / v;
        sum += y / v;
        square += y * y / v;
    }
    log - 0.5 * (400.0f64 * weight).ln() - 0.5 * (square - sum * sum / weight)
}

#[test]
fn eight_schools_say_that_their_limit_is_the_bound() {
    let data = eight_schools::Data { s: (&S).into(), y: (&Y).into() };
    let fit = eight_schools::Model::new().fit(&data, &Options::new()).unwrap();
    // At 1e-8 the variance of an effect about its mean is the difference of two that are 1e10 times as large.
    assert!(fit.params.tau2 < 1e-3, "{}", fit.params.tau2);
    assert_eq!(fit.at_boundary, ["tau2"]);
    monotone(&fit.trace);
    assert_eq!(fit.trace.len(), fit.iterations + 1);
    close(fit.log_likelihood(), log_marginal(&Y, fit.params.tau2), 1e-9);
    // It is the maximum within the bounds, not only the end of the road.
    assert!((1..4000).all(|n| log_marginal(&Y, 0.1 * f64::from(n)) < fit.log_likelihood()));
    assert!(log_marginal(&Y, 1e-8) - fit.log_likelihood() < 1e-5);
}

#[test]
fn a_slow_fit_to_a_maximum_inside_is_not_taken_for_one_at_the_bound() {
    // The likelihood of these has its maximum near 1, where EM is slow too.
    let mut seen = [0; 2];
    for stretch in [1.1, 1.32, 1.36, 1.4, 1.5, 1.7, 2.0] {
        let y = Y.map(|y| stretch * y);
        let data = eight_schools::Data { s: (&S).into(), y: (&y).into() };
        let fit = eight_schools::Model::new().fit(&data, &Options::new().max_iterations(300)).unwrap();
        let slope = log_marginal(&y, 1e-3) - log_marginal(&y, 1e-8);
        assert_eq!(fit.at_boundary.is_empty(), slope > 0.0, "{stretch}: {} {slope}", fit.params.tau2);
        seen[usize::from(slope > 0.0)] += 1;
    }
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
}

#[test]
fn a_maximum_inside_stays_inside() {
    let y = Y.map(|y| 3.0 * y);
    let data = eight_schools::Data { s: (&S).into(), y: (&y).into() };
    let fit = eight_schools::Model::new().fit(&data, &Options::new().tolerance(1e-14)).unwrap();
    assert!(fit.at_boundary.is_empty() && fit.params.tau2 > 1.0, "{}", fit.params.tau2);
    let best = (1..40_000)
        .map(|n| 0.1 * f64::from(n))
        .max_by(|a, b| log_marginal(&y, *a).total_cmp(&log_marginal(&y, *b)))
        .unwrap();
    assert!((fit.params.tau2 - best).abs() < 0.2, "{} {best}", fit.params.tau2);
}

#[test]
fn only_those_that_belong_there_are_put_on_their_bounds() {
    let mut g = Noise::new(2);
    let kind: Vec<usize> = (0..40).map(|j| j % 2).collect();
    let s = vec![1.0; 40];
    // The second kind differs between its members; the first scatters less than its own noise.
    let y: Vec<f64> =
        kind.iter().map(|k| if *k == 0 { 0.6 * g.normal() } else { 3.0 * g.normal() }).collect();
    let data = kinds::Data { kind: (&kind).into(), s: (&s).into(), y: (&y).into() };
    let fit = kinds::Model::new(2).fit(&data, &Options::new().tolerance(1e-12)).unwrap();
    assert_eq!((fit.params.tau2[0], fit.at_boundary.as_slice()), (1e-6, ["tau2[0]".to_string()].as_slice()));
    let of = |k: usize| kind.iter().zip(&y).filter(move |(kind, _)| **kind == k).map(|(_, y)| y * y);
    assert!(of(0).sum::<f64>() / 20.0 < 1.0);
    // With one noise for all, the other variance is what the squares exceed it by.
    close(fit.params.tau2[1], of(1).sum::<f64>() / 20.0 - 1.0, 1e-4);
}

#[test]
fn a_mixture_is_left_alone() {
    let mut g = Noise::new(6);
    let x: Vec<f64> = (0..80).map(|n| if n % 2 == 0 { g.normal() } else { 6.0 + 0.3 * g.normal() }).collect();
    let data = mixture::Data { x: (&x).into() };
    let fit = mixture::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    assert!(fit.at_boundary.is_empty() && fit.params.s2.iter().all(|s| *s > 0.01));
    monotone(&fit.trace);
}
