//! Mean-field bounds against the evidence itself, by enumeration and quadrature: below it where a dependence was cut, and monotone on the way.

use vi_core::Fit;
use vi_core::fit::Program;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, ln_gamma, log_integral, log_sum_exp, mv_normal};
use vi_tests::law::{close, monotone};
use vi_tests::textbook::mixture as textbook;

model! {
    pub mod location(p0: Positive, a0: Positive, b0: Positive) {
        latent   mu  ~ Normal(0, prec: p0);
        latent   tau ~ Gamma(shape: a0, rate: b0);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    pub mod joint_location(k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(0, prec: k0 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    pub mod cut_location(k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(0, prec: k0 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(tau); q(mu); }
    }
}
model! {
    pub mod shares(K, m: Vector[K]) {
        latent   weight: Simplex[K] ~ Dirichlet(0.8);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(m[z[n]], sd: 1);
    }
}
model! {
    pub mod counts(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1.5);
        latent   rate[k in K] ~ Gamma(shape: 2, rate: 0.5);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}
model! {
    pub mod points(K, a0: Positive, m0: Vector[D], b0: Positive, w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: b0 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    pub mod items(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   p[k in K, d in D] ~ Beta(1, 2);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N, d in D]: Bool? ~ Bernoulli(p[z[n], d]);
    }
}
model! {
    pub mod product {
        latent   a ~ Gamma(shape: 2, rate: 1);
        latent   b ~ Gamma(shape: 3, rate: 2);
        observed y[n in N] ~ Poisson(a * b);
    }
}
model! {
    pub mod pooled {
        given    group[n in N]: Category[G];
        latent   beta ~ Gamma(shape: 2, rate: 1);
        latent   rate[g in G] ~ Gamma(shape: 1.5, rate: beta);
        observed y[n in N] ~ Poisson(rate[group[n]]);
    }
}
model! {
    /// Some labels are known.
    pub mod labelled(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1.5);
        latent   rate[k in K] ~ Gamma(shape: 2, rate: 0.5);
        observed z[n in N]: Category[K]? ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}

fn thorough() -> Options {
    Options::new().tolerance(0.0).max_iterations(3000)
}

fn random_rows(n: usize, k: usize, seed: u64) -> Categories {
    let mut g = Noise::new(seed);
    Categories::from_rows(k, (0..n).flat_map(|_| g.simplex(k)).collect())
}

/// The trace rises, its last entry is the sum of the reported terms, and it is below the evidence by a gap that is not rounding.
#[track_caller]
fn below<M: Program>(fit: &Fit<M>, evidence: f64, largest_gap: f64) {
    monotone(&fit.trace);
    let total: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
    close(total, fit.elbo(), 1e-11);
    let gap = evidence - fit.elbo();
    assert!(gap > 1e-5, "a dependence was cut, but {} is {evidence}", fit.elbo());
    assert!(gap < largest_gap, "{} is far below {evidence}", fit.elbo());
}

#[test]
fn a_mean_and_a_precision_that_are_independent_a_priori() {
    let y = [0.4, -1.0, 2.2, 0.9, 3.1];
    let (p0, a0, b0) = (0.3, 1.5, 0.7);
    let data = location::Data { y: (&y).into() };
    let fit = location::Model::new(p0, a0, b0).fit(&data, &thorough()).unwrap();
    let evidence = log_integral(-15.0, 6.0, |l| {
        let cov = DMatrix::identity(5, 5) * (-l).exp() + DMatrix::from_element(5, 5, 1.0 / p0);
        mv_normal(&y, &DVector::zeros(5), &cov) + density::gamma(l.exp(), a0, b0) + l
    });
    below(&fit, evidence, 0.5);
    assert!(!fit.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn coarser_blocks_give_a_bound_that_is_no_lower() {
    let y = [0.4, -1.0, 2.2, 0.9];
    for k0 in [0.05, 0.5, 5.0] {
        let data = joint_location::Data { y: (&y).into() };
        let coarse = joint_location::Model::new(k0, 1.5, 0.7).fit(&data, &thorough()).unwrap();
        let data = cut_location::Data { y: (&y).into() };
        let fine = cut_location::Model::new(k0, 1.5, 0.7).fit(&data, &thorough()).unwrap();
        below(&fine, coarse.log_evidence(), 0.5);
        // What is lost is the dependence of mu on tau: its mean is not, its spread is.
        close(fine.posterior.mu.mean(), coarse.posterior.mu.mean(), 1e-9);
        assert!(fine.posterior.mu.var() < coarse.posterior.mu.var());
    }
}

#[test]
fn shares_of_known_components() {
    let y = [0.3, 3.5, 2.0, -0.7, 4.1, 1.6];
    let data = shares::Data { y: (&y).into() };
    let fit = shares::Model::new(2, DVector::from_vec(vec![0.0, 3.0])).fit(&data, &thorough()).unwrap();
    let terms: Vec<f64> = (0..64usize)
        .map(|bits| {
            let ones = f64::from(bits.count_ones());
            let likelihood: f64 =
                (0..6).map(|n| density::normal(y[n], 3.0 * (bits >> n & 1) as f64, 1.0)).sum();
            likelihood + urn(&[6.0 - ones, ones], 0.8)
        })
        .collect();
    below(&fit, log_sum_exp(&terms), 1.0);
}

/// log probability of one sequence with these counts, drawn from a symmetric Dirichlet.
fn urn(counts: &[f64], a: f64) -> f64 {
    let total = a * counts.len() as f64;
    ln_gamma(total) - ln_gamma(total + counts.iter().sum::<f64>())
        + counts.iter().map(|c| ln_gamma(a + c) - ln_gamma(a)).sum::<f64>()
}

/// log evidence of counts that share a rate ~ Gamma(a, b).
fn shared_rate(y: &[u64], a: f64, b: f64) -> f64 {
    let (n, s) = (y.len() as f64, y.iter().sum::<u64>() as f64);
    a * b.ln() - ln_gamma(a) + ln_gamma(a + s)
        - (a + s) * (b + n).ln()
        - y.iter().map(|y| ln_gamma(*y as f64 + 1.0)).sum::<f64>()
}

/// log p(y) of a two-component mixture of counts; labels that are given hold.
fn counts_by_hand(y: &[u64], label: &[Option<usize>]) -> f64 {
    let n = y.len();
    let fits = |bits: usize| (0..n).all(|i| label[i].is_none_or(|l| l == bits >> i & 1));
    let terms: Vec<f64> = (0..1usize << n)
        .filter(|bits| fits(*bits))
        .map(|bits| {
            let own = |k: usize| (0..n).filter(|i| bits >> i & 1 == k).map(|i| y[i]).collect::<Vec<_>>();
            let (a, b) = (own(0), own(1));
            urn(&[a.len() as f64, b.len() as f64], 1.5)
                + shared_rate(&a, 2.0, 0.5)
                + shared_rate(&b, 2.0, 0.5)
        })
        .collect();
    log_sum_exp(&terms)
}

#[test]
fn a_mixture_of_counts_from_twenty_starts() {
    let y = [0u64, 1, 9, 7, 0, 12, 2, 1];
    let data = counts::Data { y: (&y).into() };
    let evidence = counts_by_hand(&y, &[None; 8]);
    for seed in 0..20 {
        let start = Start::Posterior(counts::Posterior { z: random_rows(8, 2, seed), ..Default::default() });
        let fit = counts::Model::new(2).fit_from(&data, start, &thorough()).unwrap();
        // Two labellings are alike: a posterior that knows only one of them loses log 2 at least.
        below(&fit, evidence, 5.0);
        assert!(evidence - fit.elbo() > 0.5);
    }
}

#[test]
fn a_mixture_of_counts_with_labels() {
    let y = [0u64, 1, 9, 7, 0, 12, 2, 1];
    let label = [Some(0), None, None, Some(1), None, None, None, Some(0)];
    let data = labelled::Data { z: (&label).into(), y: (&y).into() };
    let fit = labelled::Model::new(2).fit(&data, &thorough()).unwrap();
    below(&fit, counts_by_hand(&y, &label), 0.6);
    assert_eq!(fit.posterior.z.probs(3), [0.0, 1.0]);
    assert!(fit.posterior.rate[0].mean() < fit.posterior.rate[1].mean());
}

#[test]
fn a_mixture_of_gaussians_from_ten_starts() {
    let mut g = Noise::new(2);
    let x = DMatrix::from_fn(7, 2, |n, _| g.normal() + if n < 3 { 3.0 } else { 0.0 });
    let prior = textbook::Prior {
        a0: 0.7,
        b0: 0.3,
        m0: DVector::from_vec(vec![0.5, -0.5]),
        w0: DMatrix::from_row_slice(2, 2, &[0.8, 0.2, 0.2, 0.5]),
        nu0: 3.5,
    };
    let evidence = textbook::evidence(&x, &prior);
    let data = points::Data { x: (&x).into() };
    let model = points::Model::new(2, prior.a0, prior.m0.clone(), prior.b0, prior.w0.clone(), prior.nu0);
    for seed in 0..10 {
        let start = Start::Posterior(points::Posterior { z: random_rows(7, 2, seed), ..Default::default() });
        let fit = model.fit_from(&data, start, &thorough()).unwrap();
        below(&fit, evidence, 6.0);
    }
}

#[test]
fn classes_of_answers_some_of_them_missing() {
    let mut g = Noise::new(3);
    let y = DMatrix::from_fn(6, 3, |n, d| {
        let value = g.unit() < if n % 2 == 0 { 0.8 } else { 0.3 };
        if n + d == 4 { None } else { Some(value) }
    });
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let terms: Vec<f64> = (0..64usize)
        .map(|bits| {
            let mut out = urn(&[6.0 - f64::from(bits.count_ones()), f64::from(bits.count_ones())], 1.0);
            for k in 0..2 {
                for d in 0..3 {
                    let own = (0..6).filter(|n| bits >> n & 1 == k).filter_map(|n| y[(n, d)]);
                    let (on, off): (Vec<bool>, Vec<bool>) = own.partition(|v| *v);
                    out += ln_beta(1.0 + on.len() as f64, 2.0 + off.len() as f64) - ln_beta(1.0, 2.0);
                }
            }
            out
        })
        .collect();
    let evidence = log_sum_exp(&terms);
    let data = items::Data { y: (&y).into() };
    for seed in 0..10 {
        let start = Start::Posterior(items::Posterior { z: random_rows(6, 2, seed), ..Default::default() });
        below(&items::Model::new(2).fit_from(&data, start, &thorough()).unwrap(), evidence, 4.0);
    }
}

#[test]
fn a_rate_that_is_a_product() {
    let y = [3u64, 5, 2];
    let data = product::Data { y: (&y).into() };
    let fit = product::Model::new().fit(&data, &thorough()).unwrap();
    // a given b has a closed form: b by quadrature over its log.
    let evidence = log_integral(-12.0, 5.0, |l| {
        let b = l.exp();
        let (n, s) = (3.0, 10.0);
        let given_b = -ln_gamma(2.0) + ln_gamma(2.0 + s) - (2.0 + s) * (1.0 + n * b).ln() + s * l
            - y.iter().map(|y| ln_gamma(*y as f64 + 1.0)).sum::<f64>();
        given_b + density::gamma(b, 3.0, 2.0) + l
    });
    below(&fit, evidence, 1.0);
    // Shapes do not depend on the other block, rates do.
    let (a, b) = (fit.posterior.a.mean(), fit.posterior.b.mean());
    close(a, 12.0 / (1.0 + 3.0 * b), 1e-7);
    close(b, 13.0 / (2.0 + 3.0 * a), 1e-7);
}

#[test]
fn rates_that_share_a_prior() {
    let group = [0usize, 1, 1, 2, 0];
    let y = [2u64, 7, 5, 0, 1];
    let data = pooled::Data { group: (&group).into(), y: (&y).into() };
    let fit = pooled::Model::new().fit(&data, &thorough()).unwrap();
    let evidence = log_integral(-12.0, 5.0, |l| {
        let groups = (0..3).map(|g| {
            let own: Vec<u64> = (0..5).filter(|n| group[*n] == g).map(|n| y[n]).collect();
            shared_rate(&own, 1.5, l.exp())
        });
        groups.sum::<f64>() + density::gamma(l.exp(), 2.0, 1.0) + l
    });
    below(&fit, evidence, 0.5);
}
