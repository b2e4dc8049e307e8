//! One hierarchy written in many ways: its spread a param, a standard deviation, a load, or a latent with a prior.

use vi_core::prelude::*;
use vi_tests::dense::Dense;
use vi_tests::density::{digamma, inverse_gamma, ln_gamma, log_integral};
use vi_tests::law::{close, exact, monotone};

model! {
    pub mod variance {
        given    s[j in J]: Positive;
        latent   mu ~ Normal(0, sd: 20);
        param    tau2: Positive(min: 1e-8);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    pub mod deviation {
        given    s[j in J]: Positive;
        latent   mu ~ Normal(0, sd: 20);
        param    tau: Positive(min: 1e-4);
        latent   theta[j in J] ~ Normal(mu, sd: tau);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    /// Effects in units of their spread.
    pub mod standard {
        given    s[j in J]: Positive;
        param    mu: Real;   param tau: Real;
        latent   eta[j in J] ~ Normal(0, var: 1);
        observed y[j in J]   ~ Normal(mu + tau * eta[j], sd: s[j]);
    }
}
model! {
    /// The common effect is a param.
    pub mod centred {
        given    s[j in J]: Positive;
        param    mu: Real;   param tau2: Positive(min: 1e-8);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    pub mod restricted {
        given    s[j in J]: Positive;
        latent   mu ~ Flat();
        param    tau2: Positive(min: 1e-8);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    /// The spread has a posterior.
    pub mod uncertain(a: Positive, b: Positive) {
        given    s[j in J]: Positive;
        latent   tau2 ~ InverseGamma(shape: a, scale: b);
        latent   mu ~ Normal(0, sd: 20);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    /// A precision with a Gamma prior is the same thing.
    pub mod precision(a: Positive, b: Positive) {
        given    s[j in J]: Positive;
        latent   k ~ Gamma(shape: a, rate: b);
        latent   mu ~ Normal(0, sd: 20);
        latent   theta[j in J] ~ Normal(mu, prec: k);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}

const S: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
/// Effects three times as far from one another as Rubin's, so that the maximum is inside.
const WIDE: [f64; 8] = [84.0, 24.0, -9.0, 21.0, -3.0, 3.0, 54.0, 36.0];
/// And farther.
const FAR: [f64; 8] = [140.0, 40.0, -15.0, 35.0, -5.0, 5.0, 90.0, 60.0];
const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];

fn thorough() -> Options {
    Options::new().max_iterations(20_000).tolerance(1e-14)
}

/// log p(y | tau2) with the prior variance of mu, or none.
fn evidence(y: &[f64], tau2: f64, prior: Option<f64>) -> vi_tests::dense::Known {
    let mut dense = Dense::new();
    let mu = match prior {
        Some(v) => dense.add(0.0, &[], v),
        None => dense.add_flat(),
    };
    let theta: Vec<usize> = (0..8).map(|_| dense.add(0.0, &[(mu, 1.0)], tau2)).collect();
    let seen: Vec<(usize, f64)> =
        (0..8).map(|j| (dense.add(0.0, &[(theta[j], 1.0)], S[j] * S[j]), y[j])).collect();
    dense.given(&seen)
}

#[test]
fn variance_and_deviation_have_one_maximum() {
    let a = variance::Model::new()
        .fit(&variance::Data { s: (&S).into(), y: (&WIDE).into() }, &thorough())
        .unwrap();
    let data = deviation::Data { s: (&S).into(), y: (&WIDE).into() };
    let b = deviation::Model::new().fit(&data, &thorough()).unwrap();
    close(a.log_likelihood(), b.log_likelihood(), 1e-9);
    close(a.params.tau2.sqrt(), b.params.tau, 1e-4);
    exact(&b, &data, evidence(&WIDE, b.params.tau.powi(2), Some(400.0)).log_evidence);
    let best =
        (1..4000).map(|t| evidence(&WIDE, f64::from(t), Some(400.0)).log_evidence).fold(f64::MIN, f64::max);
    assert!(a.log_likelihood() > best - 1e-6 && a.log_likelihood() < best + 1e-2);
}

#[test]
fn a_standard_effect_with_a_load_has_the_same_likelihood() {
    for y in [&Y, &WIDE, &FAR] {
        let data = standard::Data { s: (&S).into(), y: y.into() };
        let options = Options::new().max_iterations(200_000).tolerance(1e-15);
        let fit = standard::Model::new().fit(&data, &options).unwrap();
        monotone(&fit.trace);
        let (mu, tau2) = (fit.params.mu, fit.params.tau.powi(2));
        let direct: f64 = (0..8).map(|j| vi_tests::density::normal(y[j], mu, tau2 + S[j] * S[j])).sum();
        exact(&fit, &data, direct);
        let centred =
            centred::Model::new().fit(&centred::Data { s: (&S).into(), y: y.into() }, &options).unwrap();
        close(centred.log_likelihood(), fit.log_likelihood(), 1e-5);
        close(centred.params.mu, mu, 1e-2);
        for j in 0..8 {
            close(centred.posterior.theta[j].mean(), mu + fit.params.tau * fit.posterior.eta[j].mean(), 1e-2);
        }
    }
}

#[test]
fn a_flat_common_effect_is_restricted_maximum_likelihood() {
    let data = restricted::Data { s: (&S).into(), y: (&WIDE).into() };
    let fit = restricted::Model::new().fit(&data, &thorough()).unwrap();
    let known = evidence(&WIDE, fit.params.tau2, None);
    exact(&fit, &data, known.log_evidence);
    close(fit.posterior.mu.mean(), known.mean(0), 1e-10);
    close(fit.posterior.mu.var(), known.var(0), 1e-10);
    let (up, down) = (fit.params.tau2 * 1.001, fit.params.tau2 * 0.999);
    let slope = evidence(&WIDE, up, None).log_evidence - evidence(&WIDE, down, None).log_evidence;
    assert!((slope / 2e-3).abs() < 1e-4, "{slope}");
    let data = restricted::Data { s: (&S).into(), y: (&Y).into() };
    let fit = restricted::Model::new().fit(&data, &Options::new().max_iterations(5000)).unwrap();
    assert_eq!(fit.at_boundary, ["tau2"]);
}

#[test]
fn an_uncertain_spread_takes_turns_with_the_effects() {
    let (a, b) = (2.0, 50.0);
    let data = uncertain::Data { s: (&S).into(), y: (&Y).into() };
    let fit =
        uncertain::Model::new(a, b).fit(&data, &Options::new().tolerance(0.0).max_iterations(3000)).unwrap();
    monotone(&fit.trace);
    // The same by hand: given E 1/tau2 the effects are one Normal, given their squares tau2 is an inverse Gamma.
    let (shape, mut scale) = (a + 4.0, b);
    let mut known = evidence(&Y, 1.0, Some(400.0));
    for _ in 0..3000 {
        known = evidence(&Y, scale / shape, Some(400.0));
        scale = b + 0.5 * (1..9).map(|j| known.square(0.0, &[(j, 1.0), (0, -1.0)])).sum::<f64>();
    }
    // The bound is flat at its top: where it no longer changes, the blocks still may by the root of that.
    close(fit.posterior.tau2.mean(), scale / (shape - 1.0), 1e-6);
    close(fit.posterior.mu.mean(), known.mean(0), 1e-6);
    close(fit.posterior.mu.var(), known.var(0), 1e-6);
    let means = fit.posterior.theta.mean();
    (0..8).for_each(|j| close(means[j], known.mean(j + 1), 1e-6));
    // The bound: what the Normals give at E 1/tau2, with E log tau2 in place of the log of its inverse, and the KL of tau2.
    let precision = shape / scale;
    let log_gap = (digamma(shape) - scale.ln()) - precision.ln();
    let kl = (shape - a) * digamma(shape) - ln_gamma(shape)
        + ln_gamma(a)
        + a * (scale.ln() - b.ln())
        + shape * (b - scale) / scale;
    close(fit.elbo(), known.log_evidence + 4.0 * log_gap - kl, 1e-9);
    let evidence = log_integral(-8.0, 12.0, |l| {
        evidence(&Y, l.exp(), Some(400.0)).log_evidence + inverse_gamma(l.exp(), a, b) + l
    });
    assert!(fit.elbo() < evidence && evidence - fit.elbo() < 0.5, "{} {evidence}", fit.elbo());
    let data = precision::Data { s: (&S).into(), y: (&Y).into() };
    let other =
        precision::Model::new(a, b).fit(&data, &Options::new().tolerance(0.0).max_iterations(3000)).unwrap();
    close(other.elbo(), fit.elbo(), 1e-10);
    close(other.posterior.k.mean(), precision, 1e-6);
}
