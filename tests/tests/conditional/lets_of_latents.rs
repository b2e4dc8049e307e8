//! Functions of uncertain latents that a model reports: exact means where they are linear, seeded draws with their error elsewhere.

use vi_core::Options;
use vi_core::fit::Drawn;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::ln_gamma;
use vi_tests::law::close;

model! {
    pub mod trial(G) {
        given    arm[n in N]: Category[G];
        latent   p[g in G]    ~ Beta(1, 1);
        let      odds[g in G] = p[g] / (1 - p[g]);
        let      lift         = p[1] - p[0];
        observed y[n in N]    ~ Bernoulli(p[arm[n]]);
    }
}
model! {
    pub mod ratio {
        latent   tau       ~ Gamma(shape: 3, rate: 2);
        latent   mu        ~ Normal(1, prec: 2 * tau);
        let      signal    = mu * sqrt(tau);
        let      shifted   = 3 * mu - 1;
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    pub mod line {
        given    x[n in N]: Real;
        latent   a          ~ Normal(0, sd: 2);
        latent   b          ~ Normal(0, sd: 2);
        let      fitted[n in N] = a + b * x[n];
        observed y[n in N]  ~ Normal(a + b * x[n], var: 1.5);
    }
}
model! {
    pub mod sticks(K) {
        latent   v[k in 0..K-1] ~ Beta(1, 2);
        let      w[k in 0..K-1] = v[k] * prod(1 - v[j] for j in 0..k);
        let      w[K-1]         = prod(1 - v[j] for j in 0..K-1);
        latent   z[n in N]      ~ Categorical(w);
        latent   m[k in K]      ~ Normal(0, var: 9);
        observed x[n in N]      ~ Normal(m[z[n]], var: 1);
    }
}

/// Within five standard errors, which are there.
#[track_caller]
fn near(found: &Drawn, mean: f64, sd: f64) {
    assert!(found.error() > 0.0 && found.error() < 0.1 * sd, "{found:?}");
    assert!(
        (found.mean() - mean).abs() < 5.0 * found.error(),
        "{} ± {}, expected {mean}",
        found.mean(),
        found.error()
    );
    assert!((found.sd() / sd - 1.0).abs() < 0.2, "{}, expected {sd}", found.sd());
}

#[test]
fn odds_are_drawn_and_have_the_moments_of_a_beta_prime() {
    let arm: Vec<usize> = (0..60).map(|n| n % 2).collect();
    let y: Vec<bool> = (0..60).map(|n| n % 5 < 1 + 2 * (n % 2)).collect();
    let data = trial::Data { arm: (&arm).into(), y: (&y).into() };
    let fit = trial::Model::new(2).fit(&data, &Options::new()).unwrap();
    for g in 0..2 {
        let q = fit.posterior.p[g].law().unwrap();
        let (mean, b) = (q.a / (q.b - 1.0), q.b);
        let var = q.a * (q.a + b - 1.0) / ((b - 2.0) * (b - 1.0).powi(2));
        near(&fit.lets.odds[g], mean, var.sqrt());
    }
    let (p, q) = (&fit.posterior.p[0], &fit.posterior.p[1]);
    near(&fit.lets.lift, q.mean() - p.mean(), (p.var() + q.var()).sqrt());
    // The same draws every time, and in a file.
    let again = trial::Model::new(2).fit(&data, &Options::new().seed(9)).unwrap();
    assert_eq!(again.lets, fit.lets);
    let read: vi_core::Fit<trial::Model> =
        serde_json::from_str(&serde_json::to_string(&fit).unwrap()).unwrap();
    close(read.lets.lift.mean(), fit.lets.lift.mean(), 1e-14);
    assert!(fit.to_string().contains("sd lift"), "{fit}");
}

#[test]
fn latents_of_one_block_are_drawn_together() {
    let mut g = Noise::new(5);
    let y: Vec<f64> = (0..4).map(|_| 1.0 + 0.7 * g.normal()).collect();
    let fit = ratio::Model::new().fit(&ratio::Data { y: (&y).into() }, &Options::new()).unwrap();
    let tau = fit.posterior.tau.law().unwrap();
    let root = (ln_gamma(tau.shape + 0.5) - ln_gamma(tau.shape)).exp() / tau.rate.sqrt();
    let m = fit.posterior.mu.mean();
    // mu | tau ~ Normal(m, 1/(6 tau)): drawn apart from tau, the product would have another spread.
    let var = 1.0 / 6.0 + m * m * (tau.shape / tau.rate - root * root);
    near(&fit.lets.signal, m * root, var.sqrt());
    close(fit.lets.shifted.mean(), 3.0 * m - 1.0, 1e-14);
    assert_eq!(fit.lets.shifted.error(), 0.0);
    assert!((fit.lets.shifted.sd() / (3.0 * fit.posterior.mu.sd()) - 1.0).abs() < 0.2);
}

#[test]
fn what_is_linear_has_no_error() {
    let (x, y) = ([0.0, 1.0, 2.0, 5.0], [0.3, 1.9, 2.2, 7.0]);
    let fit =
        line::Model::new().fit(&line::Data { x: (&x).into(), y: (&y).into() }, &Options::new()).unwrap();
    // Two by two normal equations.
    let (aa, ab, bb) = (0.25 + 4.0 / 1.5, 8.0 / 1.5, 0.25 + 30.0 / 1.5);
    let det: f64 = aa * bb - ab * ab;
    for (x, found) in x.iter().zip(&fit.lets.fitted) {
        close(found.mean(), fit.posterior.a.mean() + fit.posterior.b.mean() * x, 1e-13);
        assert_eq!(found.error(), 0.0);
        let sd = ((bb - 2.0 * ab * x + aa * x * x) / det).sqrt();
        assert!((found.sd() / sd - 1.0).abs() < 0.15, "{} {sd}", found.sd());
    }
}

#[test]
fn sticks_add_up() {
    let x = [0.1, 3.2, -2.5, 0.3, 2.9, 7.0, 6.5];
    let fit = sticks::Model::new(3).fit(&sticks::Data { x: (&x).into() }, &Options::new()).unwrap();
    let w = &fit.lets.w;
    close(w.iter().map(Drawn::mean).sum(), 1.0, 1e-12);
    let v: Vec<f64> = fit.posterior.v.iter().map(|v| v.mean()).collect();
    for (found, mean) in w.iter().zip([v[0], v[1] * (1.0 - v[0]), (1.0 - v[0]) * (1.0 - v[1])]) {
        assert!((found.mean() - mean).abs() < 5.0 * found.error(), "{found:?} {mean}");
    }
}
