//! A latent whose posterior is a point is a param with a prior, bit for bit; and what data that are there many times do to a posterior.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod normal_latent {
        latent   tau ~ Gamma(shape: 2, rate: 1);
        latent   mu  ~ Normal(0, prec: tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(mu, tau): Point; }
    }
}
model! {
    pub mod normal_param {
        param    tau ~ Gamma(shape: 2, rate: 1);
        param    mu  ~ Normal(0, prec: tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    pub mod mixture_latent(K) {
        latent   weight: Simplex[K] ~ Dirichlet(2);
        latent   s2[k in K]   ~ InverseGamma(shape: 2, scale: 1);
        latent   mean[k in K] ~ Normal(0, var: 10 * s2[k]);
        latent   z[n in N]    ~ Categorical(weight);
        observed y[n in N]    ~ Normal(mean[z[n]], var: s2[z[n]]);
        factorize { q(weight): Point; q(mean, s2): Point; }
    }
}
model! {
    pub mod mixture_param(K) {
        param    weight: Simplex[K] ~ Dirichlet(2);
        param    s2[k in K]   ~ InverseGamma(shape: 2, scale: 1);
        param    mean[k in K] ~ Normal(0, var: 10 * s2[k]);
        latent   z[n in N]    ~ Categorical(weight);
        observed y[n in N]    ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}
model! {
    /// Only one of two is a point: the other is still integrated out.
    pub mod half_latent(K) {
        latent   weight: Simplex[K] ~ Dirichlet(2);
        latent   rate[k in K] ~ Gamma(shape: 2, rate: 0.5);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
        factorize { q(rate): Point; }
    }
}
model! {
    pub mod half_param(K) {
        latent   weight: Simplex[K] ~ Dirichlet(2);
        param    rate[k in K] ~ Gamma(shape: 2, rate: 0.5);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}
model! {
    pub mod counts_em(K) {
        param    weight: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}
model! {
    pub mod counts(K) {
        latent   weight: Simplex[K] ~ Dirichlet(2);
        latent   rate[k in K] ~ Gamma(shape: 2, rate: 0.5);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}
model! {
    pub mod repeated_counts(K) {
        given    copies[n in N]: Count;
        latent   weight: Simplex[K] ~ Dirichlet(2);
        latent   rate[k in K] ~ Gamma(shape: 2, rate: 0.5);
        for n in N repeat copies[n] {
            latent   z[n] ~ Categorical(weight);
            observed y[n] ~ Poisson(rate[z[n]]);
        }
    }
}

fn thorough() -> Options {
    Options::new().tolerance(0.0).max_iterations(5000)
}

fn responsibilities(n: usize, seed: u64) -> Categories {
    let mut g = Noise::new(seed);
    Categories::from_rows(2, (0..n).flat_map(|_| g.simplex(2)).collect())
}

fn bits(x: impl IntoIterator<Item = f64>) -> Vec<u64> {
    x.into_iter().map(f64::to_bits).collect()
}

fn numbers(n: usize) -> Vec<f64> {
    let mut g = Noise::new(9);
    (0..n).map(|n| g.normal() + if n % 3 == 0 { 4.0 } else { 0.0 }).collect()
}

const COUNTS: [u64; 12] = [0, 2, 9, 11, 1, 0, 7, 8, 1, 3, 12, 2];

#[test]
fn points_of_a_model_without_other_latents() {
    let y = numbers(9);
    let data = normal_latent::Data { y: (&y).into() };
    let a = normal_latent::Model::new().fit(&data, &Options::new()).unwrap();
    let data = normal_param::Data { y: (&y).into() };
    let b = normal_param::Model::new().fit(&data, &Options::new()).unwrap();
    assert_eq!(bits(a.trace.clone()), bits(b.trace.clone()));
    assert_eq!(a.iterations, b.iterations);
    assert_eq!(a.posterior.mu.mean().to_bits(), b.params.mu.to_bits());
    assert_eq!(a.posterior.tau.mean().to_bits(), b.params.tau.to_bits());
    assert_eq!(a.posterior.mu.var(), 0.0);
    assert!(a.verify(&normal_latent::Data { y: (&y).into() }, 1).unwrap().is_exact());
    // A point counts as a param in the claim.
    assert_eq!(a.log_posterior().to_bits(), b.log_posterior().to_bits());
    assert_eq!(a.log_likelihood().to_bits(), b.log_likelihood().to_bits());
}

#[test]
fn points_of_a_mixture() {
    let y = numbers(30);
    for seed in 0..5 {
        let options = Options::new().max_iterations(60).tolerance(0.0);
        let data = mixture_latent::Data { y: (&y).into() };
        let start = Start::Posterior(mixture_latent::Posterior {
            z: responsibilities(30, seed),
            ..Default::default()
        });
        let a = mixture_latent::Model::new(2).fit_from(&data, start, &options).unwrap();
        let data = mixture_param::Data { y: (&y).into() };
        let start = Start::Posterior(mixture_param::Posterior { z: responsibilities(30, seed) });
        let b = mixture_param::Model::new(2).fit_from(&data, start, &options).unwrap();
        assert_eq!(bits(a.trace.clone()), bits(b.trace.clone()));
        assert_eq!(a.posterior.z, b.posterior.z);
        let weight = a.posterior.weight.mean();
        assert_eq!(bits(weight.iter().copied()), bits(b.params.weight.iter().copied()));
        for k in 0..2 {
            assert_eq!(a.posterior.mean[k].mean().to_bits(), b.params.mean[k].to_bits());
            assert_eq!(a.posterior.s2[k].mean().to_bits(), b.params.s2[k].to_bits());
        }
        assert_eq!(a.log_posterior().to_bits(), b.log_posterior().to_bits());
        assert_eq!(a.log_likelihood().to_bits(), b.log_likelihood().to_bits());
        assert!(a.verify(&mixture_latent::Data { y: (&y).into() }, 1).unwrap().is_exact());
    }
}

#[test]
fn one_point_among_distributions() {
    let options = Options::new().max_iterations(60).tolerance(0.0);
    for seed in 0..5 {
        let z = responsibilities(12, seed);
        let data = half_latent::Data { y: (&COUNTS).into() };
        let start = Start::Posterior(half_latent::Posterior { z: z.clone(), ..Default::default() });
        let a = half_latent::Model::new(2).fit_from(&data, start, &options).unwrap();
        let data = half_param::Data { y: (&COUNTS).into() };
        let start = Start::Posterior(half_param::Posterior { z, ..Default::default() });
        let b = half_param::Model::new(2).fit_from(&data, start, &options).unwrap();
        assert_eq!(bits(a.trace.clone()), bits(b.trace.clone()));
        for k in 0..2 {
            assert_eq!(a.posterior.rate[k].mean().to_bits(), b.params.rate[k].to_bits());
        }
        assert_eq!(a.posterior.weight.mean(), b.posterior.weight.mean());
        assert!(a.posterior.weight.var()[0] > 0.0);
    }
}

#[test]
fn a_row_twice_is_a_row_that_counts_twice() {
    let twice: Vec<u64> = COUNTS.iter().flat_map(|y| [*y, *y]).collect();
    let z = responsibilities(12, 3);
    let both: Vec<f64> = (0..24).flat_map(|n| z.probs(n / 2).to_vec()).collect();
    let options = Options::new().max_iterations(40).tolerance(0.0);
    let data = counts::Data { y: (&twice).into() };
    let start =
        Start::Posterior(counts::Posterior { z: Categories::from_rows(2, both), ..Default::default() });
    let rows = counts::Model::new(2).fit_from(&data, start, &options).unwrap();
    let data = repeated_counts::Data { copies: (&[2u64; 12]).into(), y: (&COUNTS).into() };
    let start = Start::Posterior(repeated_counts::Posterior { z, ..Default::default() });
    let counted = repeated_counts::Model::new(2).fit_from(&data, start, &options).unwrap();
    assert_eq!(rows.trace.len(), counted.trace.len());
    for (a, b) in rows.trace.iter().zip(&counted.trace) {
        close(*b, *a, 1e-12);
    }
    for k in 0..2 {
        close(counted.posterior.rate[k].mean(), rows.posterior.rate[k].mean(), 1e-10);
        close(counted.posterior.rate[k].var(), rows.posterior.rate[k].var(), 1e-10);
        close(counted.posterior.weight.mean()[k], rows.posterior.weight.mean()[k], 1e-10);
    }
}

#[test]
fn a_row_that_counts_never_is_not_there() {
    let copies: Vec<u64> = (0..12).map(|n| u64::from(n % 4 != 1)).collect();
    let few: Vec<u64> = (0..12).filter(|n| n % 4 != 1).map(|n| COUNTS[n]).collect();
    let z = responsibilities(12, 4);
    let few_z: Vec<f64> = (0..12).filter(|n| n % 4 != 1).flat_map(|n| z.probs(n).to_vec()).collect();
    let options = Options::new().max_iterations(40).tolerance(0.0);
    let data = counts::Data { y: (&few).into() };
    let start =
        Start::Posterior(counts::Posterior { z: Categories::from_rows(2, few_z), ..Default::default() });
    let a = counts::Model::new(2).fit_from(&data, start, &options).unwrap();
    let data = repeated_counts::Data { copies: (&copies).into(), y: (&COUNTS).into() };
    let start = Start::Posterior(repeated_counts::Posterior { z, ..Default::default() });
    let b = repeated_counts::Model::new(2).fit_from(&data, start, &options).unwrap();
    for (u, v) in a.trace.iter().zip(&b.trace) {
        close(*v, *u, 1e-12);
    }
}

/// With every row m times the prior is one part in m of what is known: posterior means come as close to maximum likelihood, and variances
/// fall as fast.
#[test]
fn many_copies_lead_to_maximum_likelihood_at_rate_one_over_m() {
    let z = responsibilities(12, 5);
    let start = Start::Posterior(counts_em::Posterior { z: z.clone() });
    let em = counts_em::Model::new(2)
        .fit_from(&counts_em::Data { y: (&COUNTS).into() }, start, &thorough())
        .unwrap();
    let at = |m: u64| {
        let copies = vec![m; 12];
        let data = repeated_counts::Data { copies: (&copies).into(), y: (&COUNTS).into() };
        let start = Start::Posterior(repeated_counts::Posterior { z: z.clone(), ..Default::default() });
        let q = repeated_counts::Model::new(2).fit_from(&data, start, &thorough()).unwrap().posterior;
        let off: Vec<f64> = (0..2).map(|k| q.rate[k].mean() - em.params.rate[k]).collect();
        let spread: Vec<f64> = (0..2).map(|k| q.rate[k].var()).collect();
        (off, spread)
    };
    let (near, far) = (at(10_000), at(1000));
    for k in 0..2 {
        assert!(far.0[k].abs() > 1e-6, "a prior that does not show tests nothing");
        let ratio = far.0[k] / near.0[k];
        assert!((ratio - 10.0).abs() < 0.3, "rate[{k}] comes closer by a factor of {ratio}, not 10");
        let ratio = far.1[k] / near.1[k];
        assert!((ratio - 10.0).abs() < 0.3, "var of rate[{k}] falls by a factor of {ratio}, not 10");
    }
}
