//! What a fit with shared latents says of itself: as text, by draws, of new data, of its restarts.

use vi_core::prelude::*;
use vi_tests::data::{self, Noise};
use vi_tests::density;
use vi_tests::law::close;

model! {
    pub mod normal_gamma(m0: Real, k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(m0, prec: k0 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    pub mod apart(m0: Real, k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(m0, prec: k0);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(mu); q(tau); }
    }
}
model! {
    pub mod line {
        given    x[n in N]: Real;
        latent   a ~ Normal(0, prec: 0.01);
        latent   b ~ Normal(0, prec: 0.01);
        observed y[n in N] ~ Normal(a + b * x[n], prec: 4);
        factorize { q(a); q(b); }
    }
}
model! {
    pub mod coins(a0: Positive, b0: Positive) {
        given    group[n in N]: Category[G];
        latent   p[g in G] ~ Beta(a0, b0);
        observed y[n in N] ~ Bernoulli(p[group[n]]);
    }
}
model! {
    pub mod mixture(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    pub mod half_and_half {
        param    rate: Positive;
        latent   p ~ Beta(2, 2);
        observed y[n in N] ~ Bernoulli(p);
        observed w[m in M] ~ Exponential(rate: rate);
    }
}

fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    (0..n).map(|_| 3.0 + 0.5 * g.normal()).collect()
}

fn three_groups(n: usize, apart: f64) -> DMatrix<f64> {
    let mut g = Noise::new(11);
    DMatrix::from_fn(n, 2, |i, j| apart * ((i % 3) * (j + 1) % 3) as f64 + g.normal())
}

#[test]
fn a_fit_says_what_it_knows_of_shared_latents() {
    let y = numbers(40, 1);
    let model = normal_gamma::Model::new(0.0, 0.1, 2.0, 1.0);
    let fit = model.fit(&normal_gamma::Data { y: (&y).into() }, &Options::new()).unwrap();
    insta::assert_snapshot!("an_exact_model", fit);
    // What is printed is what the posterior says.
    let text = fit.to_string();
    let (mean, sd) = (fit.posterior.mu.mean(), fit.posterior.mu.sd());
    assert!(text.contains(&format!("mu = {mean:.3}  sd {sd:.5}")), "{text}");

    let fit =
        apart::Model::new(0.0, 0.1, 2.0, 1.0).fit(&apart::Data { y: (&y).into() }, &Options::new()).unwrap();
    insta::assert_snapshot!("a_mean_field_model", fit);

    let x = three_groups(60, 6.0);
    let model = mixture::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let options = Options::new().seed(3).restarts(3);
    let fit = model.fit(&mixture::Data { x: (&x).into() }, &options).unwrap();
    insta::assert_snapshot!("a_mixture", fit);

    let (y, w) = ([true, true, false], [0.5, 1.5]);
    let data = half_and_half::Data { y: (&y).into(), w: (&w).into() };
    let fit = half_and_half::Model::new().fit(&data, &Options::new()).unwrap();
    let text = fit.to_string();
    assert!(text.contains("log-likelihood") && !text.contains("log-evidence"), "{text}");
}

#[test]
fn equal_ratios_prove_that_q_is_the_posterior() {
    let y = numbers(40, 2);
    let data = normal_gamma::Data { y: (&y).into() };
    let fit = normal_gamma::Model::new(0.0, 0.1, 2.0, 1.0).fit(&data, &Options::new()).unwrap();
    let psis = fit.psis(&data, 1, 200).unwrap();
    assert_eq!(psis.k_hat, f64::NEG_INFINITY);
    assert!(psis.advice().starts_with("q is the posterior itself"));
    close(psis.effective_draws, 200.0, 1e-8);
    assert!(fit.psis(&data, 1, 0).is_err());
}

#[test]
fn blocks_that_lean_on_each_other_are_not_to_be_trusted() {
    // Far from the origin, a slope and an intercept are all but one number.
    let x: Vec<f64> = (0..20).map(|n| 10.0 + 0.1 * n as f64).collect();
    let y: Vec<f64> = numbers(20, 3).iter().zip(&x).map(|(e, x)| e + 0.5 * x).collect();
    let data = line::Data { x: (&x).into(), y: (&y).into() };
    let leaning = line::Model::new().fit(&data, &Options::new()).unwrap().psis(&data, 1, 2000).unwrap();
    assert!(leaning.k_hat.is_finite() && leaning.k_hat > 0.7, "{}", leaning.k_hat);
    assert!(leaning.advice().starts_with("q is not to be trusted"), "{}", leaning.advice());
    // Given many numbers, a mean and a precision are nearly independent: q loses next to nothing.
    let y = numbers(200, 2);
    let data = apart::Data { y: (&y).into() };
    let fit = apart::Model::new(0.0, 1e-3, 0.1, 0.1).fit(&data, &Options::new()).unwrap();
    let psis = fit.psis(&data, 1, 2000).unwrap();
    assert!(psis.k_hat.is_finite() && psis.k_hat < 0.7, "{}", psis.k_hat);
    assert!(psis.effective_draws > 1900.0, "{}", psis.effective_draws);
    assert!(psis.advice().starts_with("q is"), "{}", psis.advice());
}

#[test]
fn draws_are_joint() {
    let y = numbers(12, 4);
    let data = normal_gamma::Data { y: (&y).into() };
    let fit = normal_gamma::Model::new(0.0, 0.5, 2.0, 1.0).fit(&data, &Options::new()).unwrap();
    let draws = fit.draw(&data, 9, 4000).unwrap();
    let count = draws.len() as f64;
    let mean = draws.iter().map(|l| l.mu).sum::<f64>() / count;
    let var = draws.iter().map(|l| (l.mu - mean).powi(2)).sum::<f64>() / count;
    close(mean, fit.posterior.mu.mean(), 0.01);
    close(var, fit.posterior.mu.var(), 0.1);
    // (mu − m)² τ has mean 1/κ whatever τ is, which independent draws of the two marginals would not give.
    let m = fit.posterior.mu.mean();
    let scaled = draws.iter().map(|l| (l.mu - m).powi(2) * l.tau).sum::<f64>() / count;
    close(scaled, 1.0 / 12.5, 0.06);
    // The first draws are those of a shorter request.
    assert_eq!(fit.draw(&data, 9, 2).unwrap()[1].mu, draws[1].mu);
}

#[test]
fn a_mixture_draws_its_units_too() {
    let x = three_groups(30, 8.0);
    let data = mixture::Data { x: (&x).into() };
    let model = mixture::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let fit = model.fit(&data, &Options::new().seed(3).restarts(4)).unwrap();
    for l in fit.draw(&data, 1, 20).unwrap() {
        assert_eq!((l.z.len(), l.weight.len(), l.mean.len()), (30, 3, 3));
        assert!((l.weight.sum() - 1.0).abs() < 1e-12);
        for (n, z) in l.z.iter().enumerate() {
            assert!(fit.posterior.z.probs(n)[*z] > 0.0);
        }
    }
    let psis = fit.psis(&data, 1, 500).unwrap();
    assert!(!psis.k_hat.is_nan() && psis.effective_draws >= 1.0);
}

#[test]
fn starts_agree_up_to_names() {
    let x = three_groups(90, 9.0);
    let data = mixture::Data { x: (&x).into() };
    let model = mixture::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let options = Options::new().seed(5).restarts(6);
    let fit = model.fit(&data, &options).unwrap();
    assert_eq!(fit.starts.len(), 6);
    for s in &fit.starts {
        let (objective, agreement) = (s.objective.unwrap(), s.agreement.unwrap());
        // Components far apart: starts that end at the same height have the same groups, others have not.
        assert_eq!((fit.elbo() - objective).abs() < 1e-3, agreement > 0.99, "{objective} {agreement}");
    }
    let without = model.fit(&data, &options.clone().keep_locals(false)).unwrap();
    assert!(without.starts.iter().all(|s| s.agreement.is_none()));
    assert!(model.fit(&data, &Options::new()).unwrap().starts[0].agreement.is_none());
}

#[test]
fn the_predictive_law_of_a_normal_is_a_student_t() {
    let y = numbers(9, 6);
    let (m0, k0, a0, b0) = (0.5, 0.3, 2.0, 1.5);
    let fit = normal_gamma::Model::new(m0, k0, a0, b0)
        .fit(&normal_gamma::Data { y: (&y).into() }, &Options::new())
        .unwrap();
    // Textbook posterior, then Student's t.
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let square: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
    let (k, a) = (k0 + n, a0 + 0.5 * n);
    let m = (k0 * m0 + n * mean) / k;
    let b = b0 + 0.5 * square + 0.5 * k0 * n * (mean - m0).powi(2) / k;
    for at in [2.0, 3.0, 4.5] {
        let new = [at];
        let said = fit.predict(&normal_gamma::Data { y: (&new).into() }).unwrap();
        let t = density::student_t(at, 2.0 * a, m, (b * (k + 1.0) / (a * k)).sqrt());
        close(said.log_density[0], t, 1e-9);
        assert_eq!(said.error, None);
    }
}

#[test]
fn an_average_over_draws_says_how_far_off_it_may_be() {
    let y = numbers(9, 6);
    let fit =
        apart::Model::new(0.5, 0.3, 2.0, 1.5).fit(&apart::Data { y: (&y).into() }, &Options::new()).unwrap();
    // ∫ Normal(y; m, v + 1/τ) q(τ) dτ, with q(μ) done by hand.
    let (mu, tau) = (&fit.posterior.mu, &fit.posterior.tau);
    let mut misses = 0;
    for at in [2.0, 2.5, 3.0, 3.5, 4.5] {
        let new = [at];
        let said = fit.predict(&apart::Data { y: (&new).into() }).unwrap();
        let exact = density::log_integral(1e-6, 60.0, |t| {
            density::normal(at, mu.mean(), mu.var() + 1.0 / t) + tau.log_density(&t)
        });
        let error = said.error.unwrap()[0];
        assert!(error > 0.0 && error < 0.3, "{error}");
        misses += usize::from((said.log_density[0] - exact).abs() > 3.0 * error);
    }
    assert_eq!(misses, 0);
}

#[test]
fn galaxies_are_read() {
    // Points in a plate: one mean and one spread for each group.
    let group: Vec<usize> = (0..82).map(|n| n % 3).collect();
    let y: Vec<bool> = data::read("galaxies.csv").iter().map(|x| *x > 20.0).collect();
    let data = coins::Data { group: (&group).into(), y: (&y[..82]).into() };
    let fit = coins::Model::new(1.0, 1.0).fit(&data, &Options::new()).unwrap();
    let text = fit.to_string();
    let row = text.lines().find(|l| l.starts_with("p = ")).unwrap();
    assert_eq!(row.matches(',').count(), 4, "{text}");
    assert!(row.contains(&format!("{:.4}", fit.posterior.p[1].mean())), "{text}");
    assert!(row.contains(&format!("{:.5}", fit.posterior.p[2].sd())), "{text}");
}

#[test]
fn the_last_sweep_is_told_term_by_term() {
    let x = three_groups(60, 2.0);
    let data = mixture::Data { x: (&x).into() };
    let model = mixture::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let options = Options::new().seed(3);
    let before = model.fit(&data, &options.clone().max_iterations(4)).unwrap();
    let after = model.fit(&data, &options.clone().max_iterations(5)).unwrap();
    for (change, (b, a)) in after.changes().iter().zip(before.elbo_terms().iter().zip(after.elbo_terms())) {
        assert_eq!((&change.name, &change.name), (&a.name, &b.name));
        assert!((change.value - (a.value - b.value)).abs() < 1e-9, "{change:?}");
    }
    assert_eq!(after.changes().len(), after.elbo_terms().len());
    let sum: f64 = after.changes().iter().map(|c| c.value).sum();
    assert!(sum > 0.0 && (sum - (after.elbo() - before.elbo())).abs() < 1e-9, "{sum}");
    assert!(model.fit(&data, &options.max_iterations(0)).unwrap().changes().is_empty());
}
