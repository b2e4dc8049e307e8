//! Conjugate models, everything integrated out: evidence and moments against closed forms, multivariate t densities and quadrature.

use vi_core::fit::Program;
use vi_core::prelude::*;
use vi_core::{ExactPosterior, NoParams};
use vi_tests::data::Noise;
use vi_tests::density::{self, ln_gamma, log_integral, mv_normal, mv_student_t};
use vi_tests::law::{self, close};

model! {
    pub mod coins(a0: Positive, b0: Positive) {
        latent   p ~ Beta(a0, b0);
        observed y[n in N] ~ Bernoulli(p);
    }
}
model! {
    pub mod coins_by_group(a0: Positive, b0: Positive) {
        given    group[n in N]: Category[G];
        given    total[n in N]: Count;
        latent   p[g in G] ~ Beta(a0, b0);
        observed y[n in N] ~ Binomial(total[n], p[group[n]]);
    }
}
model! {
    pub mod waits(a0: Positive, b0: Positive) {
        latent   p ~ Beta(a0, b0);
        observed y[n in N] ~ Geometric(p);
    }
}
model! {
    pub mod weighted_coins(a0: Positive, b0: Positive) {
        given    copies[n in N]: Count;
        latent   p ~ Beta(a0, b0);
        for n in N repeat copies[n] { observed y[n] ~ Bernoulli(p); }
    }
}
model! {
    pub mod counts(a0: Positive, b0: Positive) {
        given    group[n in N]: Category[G];
        given    exposure[n in N]: Positive;
        latent   rate[g in G] ~ Gamma(shape: a0, rate: b0);
        observed y[n in N] ~ Poisson(exposure[n] * rate[group[n]]);
    }
}
model! {
    pub mod known_shape(a0: Positive, b0: Positive, s: Positive) {
        latent   r ~ Gamma(shape: a0, scale: 1 / b0);
        observed y[n in N] ~ Gamma(shape: s, rate: r);
        observed w[m in M] ~ Exponential(rate: r);
    }
}
model! {
    pub mod words {
        given    a[v in V]: Positive;
        given    total[n in N]: Count;
        latent   p: Simplex[V] ~ Dirichlet(a);
        observed y[n in N] ~ Multinomial(total[n], p);
    }
}
model! {
    pub mod known_variance(m0: Real, v0: Positive, s2: Positive) {
        latent   mu ~ Normal(m0, var: v0);
        observed y[n in N]: Real? ~ Normal(mu, var: s2);
    }
}
model! {
    pub mod known_cov(m0: Vector[D], v0: SymPos[D], s: SymPos[D]) {
        latent   mu ~ Normal(m0, cov: v0);
        observed x[n in N] ~ Normal(mu, cov: s);
    }
}
model! {
    pub mod by_prec(m0: Real, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        observed y[n in N] ~ Normal(m0, prec: tau);
    }
}
model! {
    pub mod by_prec_sd(m0: Real, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        observed y[n in N] ~ Normal(m0, sd: 1 / sqrt(tau));
    }
}
model! {
    pub mod by_var(m0: Real, a0: Positive, b0: Positive) {
        latent   v ~ InverseGamma(shape: a0, scale: b0);
        observed y[n in N] ~ Normal(m0, var: v);
    }
}
model! {
    pub mod by_var_sd(m0: Real, a0: Positive, b0: Positive) {
        latent   v ~ InverseGamma(shape: a0, scale: b0);
        observed y[n in N] ~ Normal(m0, sd: sqrt(v));
    }
}
model! {
    pub mod normal_gamma(m0: Real, k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(m0, prec: k0 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    pub mod normal_inverse_gamma(m0: Real, k0: Positive, a0: Positive, b0: Positive) {
        latent   v  ~ InverseGamma(shape: a0, scale: b0);
        latent   mu ~ Normal(m0, var: v / k0);
        observed y[n in N] ~ Normal(mu, var: v);
    }
}
model! {
    pub mod normal_inverse_gamma_sd(m0: Real, k0: Positive, a0: Positive, b0: Positive) {
        latent   v  ~ InverseGamma(shape: a0, scale: b0);
        latent   mu ~ Normal(m0, sd: sqrt(v / k0));
        observed y[n in N] ~ Normal(mu, sd: sqrt(v));
    }
}
model! {
    pub mod inverse_rates(a0: Positive, b0: Positive) {
        latent   s ~ InverseGamma(shape: a0, scale: b0);
        observed y[n in N] ~ Exponential(mean: s);
        observed w[m in M] ~ Normal(0, var: 2 * s);
    }
}
model! {
    pub mod log_normal_gamma(m0: Real, k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(m0, prec: k0 * tau);
        observed y[n in N] ~ LogNormal(mu, prec: tau);
    }
}
model! {
    pub mod normal_wishart(m0: Vector[D], k0: Positive, nu0: Positive, w0: SymPos[D]) {
        latent   prec ~ Wishart(dof: nu0, scale: w0);
        latent   mean ~ Normal(m0, prec: k0 * prec);
        observed x[n in N] ~ Normal(mean, prec: prec);
    }
}
model! {
    pub mod normal_inverse_wishart(m0: Vector[D], k0: Positive, nu0: Positive, s0: SymPos[D]) {
        latent   cov  ~ InverseWishart(dof: nu0, scale: s0);
        latent   mean ~ Normal(m0, cov: cov / k0);
        observed x[n in N] ~ Normal(mean, cov: cov);
    }
}

/// Nothing is estimated and nothing is lost: the bound is the evidence.
#[track_caller]
fn exact<M: Program + ExactPosterior + NoParams>(fit: &Fit<M>, data: &M::Data<'_>, evidence: f64) {
    law::exact(fit, data, evidence);
    close(fit.log_evidence(), evidence, 1e-11);
    close(fit.elbo(), evidence, 1e-11);
    close(fit.log_posterior(), evidence, 1e-11);
    // Blocks that wait for nobody are done after one sweep.
    assert!((fit.trace[0] - evidence).abs() < 1e-10 * evidence.abs().max(1.0), "{:?}", fit.trace);
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Mean and variance of a Beta.
fn beta_moments(a: f64, b: f64) -> (f64, f64) {
    (a / (a + b), a * b / ((a + b).powi(2) * (a + b + 1.0)))
}

fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    (0..n).map(|_| 1.0 + 1.5 * g.normal()).collect()
}

#[test]
fn beta_and_bernoulli() {
    let y = [true, false, true, true, false, true, true];
    let data = coins::Data { y: (&y).into() };
    let fit = coins::Model::new(1.5, 0.7).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, ln_beta(6.5, 2.7) - ln_beta(1.5, 0.7));
    let (mean, var) = beta_moments(6.5, 2.7);
    close(fit.posterior.p.mean(), mean, 1e-13);
    close(fit.posterior.p.var(), var, 1e-13);
    close(fit.posterior.p.sd(), var.sqrt(), 1e-13);
}

#[test]
fn beta_and_binomial_in_groups() {
    let group = [0usize, 1, 2, 1, 0, 2];
    let total = [4u64, 7, 3, 0, 6, 9];
    let y = [3u64, 2, 0, 0, 5, 9];
    let data = coins_by_group::Data { group: (&group).into(), total: (&total).into(), y: (&y).into() };
    let fit = coins_by_group::Model::new(2.0, 3.0).fit(&data, &Options::new()).unwrap();
    let chosen: f64 = (0..6)
        .map(|n| {
            let (t, y) = (total[n] as f64, y[n] as f64);
            ln_gamma(t + 1.0) - ln_gamma(y + 1.0) - ln_gamma(t - y + 1.0)
        })
        .sum();
    let ends: Vec<(f64, f64)> = (0..3)
        .map(|g| {
            let own = || (0..6).filter(|n| group[*n] == g);
            let on: u64 = own().map(|n| y[n]).sum();
            let off: u64 = own().map(|n| total[n] - y[n]).sum();
            (2.0 + on as f64, 3.0 + off as f64)
        })
        .collect();
    exact(&fit, &data, chosen + ends.iter().map(|(a, b)| ln_beta(*a, *b) - ln_beta(2.0, 3.0)).sum::<f64>());
    for (g, (a, b)) in ends.iter().enumerate() {
        let (mean, var) = beta_moments(*a, *b);
        close(fit.posterior.p[g].mean(), mean, 1e-13);
        close(fit.posterior.p[g].var(), var, 1e-13);
    }
}

#[test]
fn beta_and_geometric() {
    let y = [0u64, 3, 1, 7, 0];
    let data = waits::Data { y: (&y).into() };
    let fit = waits::Model::new(0.5, 0.5).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, ln_beta(5.5, 11.5) - ln_beta(0.5, 0.5));
    close(fit.posterior.p.mean(), 5.5 / 17.0, 1e-13);
}

#[test]
fn coins_that_count_several_times_or_never() {
    let (y, copies) = ([true, false, true, false], [3u64, 2, 0, 1]);
    let data = weighted_coins::Data { copies: (&copies).into(), y: (&y).into() };
    let fit = weighted_coins::Model::new(1.0, 1.0).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, ln_beta(4.0, 4.0) - ln_beta(1.0, 1.0));
    close(fit.posterior.p.mean(), 0.5, 1e-13);
}

#[test]
fn gamma_and_poisson_with_exposures() {
    let group = [0usize, 1, 1, 0, 1];
    let exposure = [1.5, 0.4, 2.0, 3.0, 1.0];
    let y = [2u64, 0, 5, 7, 1];
    let data = counts::Data { group: (&group).into(), exposure: (&exposure).into(), y: (&y).into() };
    let (a0, b0) = (1.3, 0.6);
    let fit = counts::Model::new(a0, b0).fit(&data, &Options::new()).unwrap();
    let mut evidence = 0.0;
    for g in 0..2 {
        let own = || (0..5).filter(|n| group[*n] == g);
        // Over log rate: the integrand falls off at both ends.
        evidence += log_integral(-20.0, 8.0, |l| {
            let likelihood: f64 = own().map(|n| density::poisson(y[n], exposure[n] * l.exp())).sum();
            likelihood + density::gamma(l.exp(), a0, b0) + l
        });
        let a = a0 + own().map(|n| y[n] as f64).sum::<f64>();
        let b = b0 + own().map(|n| exposure[n]).sum::<f64>();
        close(fit.posterior.rate[g].mean(), a / b, 1e-13);
        close(fit.posterior.rate[g].var(), a / (b * b), 1e-13);
    }
    exact(&fit, &data, evidence);
}

#[test]
fn gamma_and_gamma_of_known_shape() {
    let (y, w) = ([0.4, 1.7, 0.9], [2.2, 0.1]);
    let data = known_shape::Data { y: (&y).into(), w: (&w).into() };
    let fit = known_shape::Model::new(2.0, 1.5, 3.0).fit(&data, &Options::new()).unwrap();
    let evidence = log_integral(-20.0, 6.0, |l| {
        let r = l.exp();
        let likelihood = y.iter().map(|y| density::gamma(*y, 3.0, r)).sum::<f64>()
            + w.iter().map(|w| density::gamma(*w, 1.0, r)).sum::<f64>();
        likelihood + density::gamma(r, 2.0, 1.5) + l
    });
    exact(&fit, &data, evidence);
    close(fit.posterior.r.mean(), 13.0 / 6.8, 1e-13);
    close(fit.posterior.r.var(), 13.0 / (6.8 * 6.8), 1e-13);
}

#[test]
fn inverse_gamma_and_two_kinds_of_data() {
    let (y, w) = ([0.4, 1.7, 0.9], [2.2, -0.1]);
    let data = inverse_rates::Data { y: (&y).into(), w: (&w).into() };
    let fit = inverse_rates::Model::new(2.0, 1.5).fit(&data, &Options::new()).unwrap();
    let evidence = log_integral(-6.0, 20.0, |l| {
        let s = l.exp();
        let likelihood = y.iter().map(|y| density::gamma(*y, 1.0, 1.0 / s)).sum::<f64>()
            + w.iter().map(|w| density::normal(*w, 0.0, 2.0 * s)).sum::<f64>();
        likelihood + density::inverse_gamma(s, 2.0, 1.5) + l
    });
    exact(&fit, &data, evidence);
    let (a, b) = (2.0 + 3.0 + 1.0, 1.5 + 3.0 + (2.2f64.powi(2) + 0.01) / 4.0);
    close(fit.posterior.s.mean(), b / (a - 1.0), 1e-12);
    close(fit.posterior.s.var(), b * b / ((a - 1.0).powi(2) * (a - 2.0)), 1e-12);
}

#[test]
fn dirichlet_and_multinomial() {
    let a = [0.5, 1.0, 2.5];
    let y = DMatrix::from_row_slice(3, 3, &[2u64, 0, 1, 0, 0, 0, 4, 3, 1]);
    let total = [3u64, 0, 8];
    let data = words::Data { a: (&a).into(), total: (&total).into(), y: (&y).into() };
    let fit = words::Model::new().fit(&data, &Options::new()).unwrap();
    // The orders in which the counts may come, times the probability of one order, drawn from an urn (Pólya).
    let mut evidence = 0.0;
    let mut urn = a;
    for n in 0..3 {
        evidence += ln_gamma(total[n] as f64 + 1.0);
        for v in 0..3 {
            evidence -= ln_gamma(y[(n, v)] as f64 + 1.0);
            for _ in 0..y[(n, v)] {
                evidence += (urn[v] / urn.iter().sum::<f64>()).ln();
                urn[v] += 1.0;
            }
        }
    }
    exact(&fit, &data, evidence);
    let sum: f64 = urn.iter().sum();
    for v in 0..3 {
        let mean = urn[v] / sum;
        close(fit.posterior.p.mean()[v], mean, 1e-13);
        close(fit.posterior.p.var()[v], mean * (1.0 - mean) / (sum + 1.0), 1e-13);
    }
}

/// Mean and covariance of w given y = H w + noise, and log p(y), by the dense joint Normal.
fn condition(
    m: &DVector<f64>,
    v: &DMatrix<f64>,
    h: &DMatrix<f64>,
    noise: &DMatrix<f64>,
    y: &[f64],
) -> (DVector<f64>, DMatrix<f64>, f64) {
    let total = h * v * h.transpose() + noise;
    let gain = v * h.transpose() * total.clone().try_inverse().unwrap();
    let at = h * m;
    let mean = m + &gain * (DVector::from_column_slice(y) - &at);
    (mean, v - &gain * h * v, mv_normal(y, &at, &total))
}

#[test]
fn a_mean_of_known_variance_with_values_missing() {
    let y = [0.3, f64::NAN, 2.1, -0.4, f64::NAN, 1.6];
    let seen: Vec<f64> = y.iter().copied().filter(|v| !v.is_nan()).collect();
    let data = known_variance::Data { y: (&y).into() };
    let fit = known_variance::Model::new(-1.0, 4.0, 0.5).fit(&data, &Options::new()).unwrap();
    let (mean, var, evidence) = condition(
        &DVector::from_vec(vec![-1.0]),
        &DMatrix::from_element(1, 1, 4.0),
        &DMatrix::from_element(4, 1, 1.0),
        &(DMatrix::identity(4, 4) * 0.5),
        &seen,
    );
    exact(&fit, &data, evidence);
    close(fit.posterior.mu.mean(), mean[0], 1e-13);
    close(fit.posterior.mu.var(), var[(0, 0)], 1e-13);
}

#[test]
fn a_mean_vector_of_known_covariance() {
    let x = DMatrix::from_row_slice(4, 2, &[0.3, 1.0, -2.0, 0.4, 1.1, 1.2, 0.0, -0.7]);
    let m0 = DVector::from_vec(vec![0.5, -1.0]);
    let v0 = DMatrix::from_row_slice(2, 2, &[2.0, 0.6, 0.6, 1.0]);
    let s = DMatrix::from_row_slice(2, 2, &[0.9, -0.2, -0.2, 0.4]);
    let data = known_cov::Data { x: (&x).into() };
    let fit = known_cov::Model::new(m0.clone(), v0.clone(), s.clone()).fit(&data, &Options::new()).unwrap();
    let h = DMatrix::from_fn(8, 2, |i, j| f64::from(i % 2 == j));
    let noise = DMatrix::from_fn(8, 8, |i, j| if i / 2 == j / 2 { s[(i % 2, j % 2)] } else { 0.0 });
    let y: Vec<f64> = x.row_iter().flat_map(|r| [r[0], r[1]]).collect();
    let (mean, cov, evidence) = condition(&m0, &v0, &h, &noise, &y);
    exact(&fit, &data, evidence);
    for d in 0..2 {
        close(fit.posterior.mu.mean()[d], mean[d], 1e-12);
        for e in 0..2 {
            close(fit.posterior.mu.cov()[(d, e)], cov[(d, e)], 1e-12);
        }
    }
}

/// log ∫ Π Normal(y; m0, var: 1/τ) Gamma(τ; a, rate b) dτ, by quadrature over log τ.
fn unknown_precision(y: &[f64], m0: f64, a: f64, b: f64) -> f64 {
    log_integral(-25.0, 8.0, |l| {
        y.iter().map(|y| density::normal(*y, m0, (-l).exp())).sum::<f64>() + density::gamma(l.exp(), a, b) + l
    })
}

#[test]
fn a_precision_or_a_variance_of_known_mean() {
    let y = numbers(7, 1);
    let (m0, a0, b0) = (0.5, 2.0, 1.2);
    let evidence = unknown_precision(&y, m0, a0, b0);
    let (a, b) = (a0 + 3.5, b0 + 0.5 * y.iter().map(|y| (y - m0).powi(2)).sum::<f64>());
    macro_rules! fitted {
        ($m:ident) => {{
            let data = $m::Data { y: (&y).into() };
            let fit = $m::Model::new(m0, a0, b0).fit(&data, &Options::new()).unwrap();
            exact(&fit, &data, evidence);
            fit.posterior
        }};
    }
    for tau in [fitted!(by_prec).tau, fitted!(by_prec_sd).tau] {
        close(tau.mean(), a / b, 1e-12);
        close(tau.var(), a / (b * b), 1e-12);
    }
    for v in [fitted!(by_var).v, fitted!(by_var_sd).v] {
        close(v.mean(), b / (a - 1.0), 1e-12);
        close(v.var(), b * b / ((a - 1.0).powi(2) * (a - 2.0)), 1e-12);
    }
}

#[test]
fn a_mean_and_its_precision() {
    let y = numbers(6, 2);
    let n = y.len();
    let (m0, k0, a0, b0) = (-0.5, 0.4, 1.7, 0.9);
    // Marginally y is a vector of Student's t: both the mean and the precision are integrated out.
    let scale = (DMatrix::identity(n, n) + DMatrix::from_element(n, n, 1.0 / k0)) * (b0 / a0);
    let evidence = mv_student_t(&y, 2.0 * a0, &DVector::from_element(n, m0), &scale);
    let (k, a) = (k0 + 6.0, a0 + 3.0);
    let m = (k0 * m0 + y.iter().sum::<f64>()) / k;
    let b = b0 + 0.5 * (y.iter().map(|y| (y - m).powi(2)).sum::<f64>() + k0 * (m - m0).powi(2));

    let data = normal_gamma::Data { y: (&y).into() };
    let fit = normal_gamma::Model::new(m0, k0, a0, b0).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, evidence);
    close(fit.posterior.tau.mean(), a / b, 1e-12);
    close(fit.posterior.tau.var(), a / (b * b), 1e-12);
    close(fit.posterior.mu.mean(), m, 1e-12);
    close(fit.posterior.mu.var(), b / ((a - 1.0) * k), 1e-12);

    macro_rules! by_variance {
        ($m:ident) => {
            let data = $m::Data { y: (&y).into() };
            let fit = $m::Model::new(m0, k0, a0, b0).fit(&data, &Options::new()).unwrap();
            exact(&fit, &data, evidence);
            close(fit.posterior.v.mean(), b / (a - 1.0), 1e-12);
            close(fit.posterior.mu.mean(), m, 1e-12);
            close(fit.posterior.mu.var(), b / ((a - 1.0) * k), 1e-12);
        };
    }
    by_variance!(normal_inverse_gamma);
    by_variance!(normal_inverse_gamma_sd);

    let positive: Vec<f64> = y.iter().map(|y| y.exp()).collect();
    let data = log_normal_gamma::Data { y: (&positive).into() };
    let fit = log_normal_gamma::Model::new(m0, k0, a0, b0).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, evidence - y.iter().sum::<f64>());
    close(fit.posterior.mu.mean(), m, 1e-12);
}

#[test]
fn a_mean_vector_and_its_covariance() {
    let mut g = Noise::new(3);
    let x = DMatrix::from_fn(6, 2, |_, d| g.normal() + d as f64);
    let m0 = DVector::from_vec(vec![0.2, 0.4]);
    let (k0, nu0) = (0.3, 4.5);
    let w0 = DMatrix::from_row_slice(2, 2, &[0.5, 0.1, 0.1, 0.3]);
    let s0 = w0.clone().try_inverse().unwrap();
    // One observation after another, each a t given those before it.
    let (mut k, mut nu, mut m, mut s) = (k0, nu0, m0.clone(), s0.clone());
    let mut evidence = 0.0;
    for row in x.row_iter() {
        let row = row.transpose();
        let dof = nu - 1.0;
        evidence += mv_student_t(row.as_slice(), dof, &m, &(&s * ((k + 1.0) / (k * dof))));
        let e = &row - &m;
        s += &e * e.transpose() * (k / (k + 1.0));
        m += e / (k + 1.0);
        k += 1.0;
        nu += 1.0;
    }
    let data = normal_wishart::Data { x: (&x).into() };
    let fit = normal_wishart::Model::new(m0.clone(), k0, nu0, w0).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, evidence);
    let prec = s.clone().try_inverse().unwrap() * nu;
    let cov = &s / (nu - 3.0);
    for d in 0..2 {
        close(fit.posterior.mean.mean()[d], m[d], 1e-12);
        close(fit.posterior.mean.var()[d], cov[(d, d)] / k, 1e-12);
        for e in 0..2 {
            close(fit.posterior.prec.mean()[(d, e)], prec[(d, e)], 1e-11);
        }
    }
    let data = normal_inverse_wishart::Data { x: (&x).into() };
    let fit = normal_inverse_wishart::Model::new(m0, k0, nu0, s0).fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, evidence);
    for d in 0..2 {
        close(fit.posterior.mean.mean()[d], m[d], 1e-12);
        for e in 0..2 {
            close(fit.posterior.cov.mean()[(d, e)], cov[(d, e)], 1e-11);
            close(fit.posterior.mean.cov()[(d, e)], cov[(d, e)] / k, 1e-11);
        }
    }
}

#[test]
fn without_data_the_posterior_is_the_prior() {
    let none: [bool; 0] = [];
    let fit = coins::Model::new(1.5, 0.7).fit(&coins::Data { y: (&none).into() }, &Options::new()).unwrap();
    close(fit.log_evidence(), 0.0, 1e-13);
    close(fit.posterior.p.mean(), 1.5 / 2.2, 1e-13);
    let none: [f64; 0] = [];
    let data = normal_gamma::Data { y: (&none).into() };
    let fit = normal_gamma::Model::new(-0.5, 0.4, 1.7, 0.9).fit(&data, &Options::new()).unwrap();
    close(fit.log_evidence(), 0.0, 1e-13);
    close(fit.posterior.mu.mean(), -0.5, 1e-13);
    close(fit.posterior.tau.mean(), 1.7 / 0.9, 1e-13);
}

/// q is the posterior: its density at any value is joint density over evidence.
#[test]
fn densities_of_posteriors_are_bayes_rule() {
    let y = [true, false, true, true];
    let data = coins::Data { y: (&y).into() };
    let model = coins::Model::new(1.5, 0.7);
    let fit = model.fit(&data, &Options::new()).unwrap();
    for p in [0.05, 0.3, 0.7, 0.99] {
        let joint = model.log_joint(&data, &coins::Latents { p }, &fit.params).unwrap();
        close(fit.posterior.p.log_density(&p), joint - fit.log_evidence(), 1e-12);
    }
    let y = numbers(5, 4);
    let data = normal_gamma::Data { y: (&y).into() };
    let model = normal_gamma::Model::new(0.0, 0.4, 1.7, 0.9);
    let fit = model.fit(&data, &Options::new()).unwrap();
    // Of a joint block only the density of the scale is at hand; that of the location is a t.
    for tau in [0.2, 0.7, 1.9] {
        let over_mu = log_integral(-30.0, 30.0, |mu| {
            model.log_joint(&data, &normal_gamma::Latents { tau, mu }, &fit.params).unwrap()
        });
        close(fit.posterior.tau.log_density(&tau), over_mu - fit.log_evidence(), 1e-11);
    }
}
