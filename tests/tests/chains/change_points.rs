//! Conditional blocks that all data share: change points with their rates integrated out, and models compared by a latent Bool. Every
//! answer is checked by the sum over the states in closed form.

use vi_core::prelude::*;
use vi_tests::data::{Noise, read};
use vi_tests::density::{self, ln_gamma, log_sum_exp};
use vi_tests::law::close;

model! {
    /// Counts of years, whose rate changes once.
    pub mod disasters(a: Positive = 1.0, b: Positive = 1.0) {
        latent   change: Category[T] ~ Uniform();
        latent   rate[k in 0..2] ~ Gamma(shape: a, rate: b);
        observed y[t in T]: Count? ~ match t < change { true => Poisson(rate[0]), false => Poisson(rate[1]) };
    }
}
model! {
    /// Several series, each with a change of its own; the prior of their rates is found by EM.
    pub mod panel {
        param    a: Positive;
        param    b: Positive;
        latent   change[s in S]: Category[T] ~ Uniform();
        latent   rate[s in S, k in 0..2] ~ Gamma(shape: a, rate: b);
        observed y[s in S, t in T] ~ match t < change[s] { true => Poisson(rate[s, 0]), false => Poisson(rate[s, 1]) };
    }
}
model! {
    /// A change of scale about a known mean.
    pub mod volatility {
        latent   change: Category[T] ~ Uniform();
        latent   tau[k in 0..2] ~ Gamma(shape: 2, rate: 3);
        observed y[t in T] ~ match t < change { true => Normal(1, prec: tau[0]), false => Normal(1, prec: tau[1]) };
    }
}
model! {
    /// Words whose frequencies change.
    pub mod style(V) {
        latent   change: Category[T] ~ Uniform();
        latent   share[k in 0..2]: Simplex[V] ~ Dirichlet(0.7);
        observed word[t in T] ~ match t < change { true => Categorical(share[0]), false => Categorical(share[1]) };
    }
}
model! {
    /// Whether a coin is fair, or nearly so.
    pub mod coin {
        latent   fair ~ Bernoulli(0.25);
        latent   p ~ match fair { true => Beta(50, 50), false => Beta(1, 1) };
        observed y[n in N] ~ Bernoulli(p);
    }
}
model! {
    /// Whether there is any change at all.
    pub mod whether {
        latent   changes ~ Bernoulli(0.5);
        latent   change: Category[T] ~ Uniform();
        latent   rate[k in 0..2] ~ Gamma(shape: 3, rate: 2);
        observed y[t in T] ~ match changes and t >= change { true => Poisson(rate[1]), false => Poisson(rate[0]) };
    }
}
model! {
    /// The regime of each year is a category of its own, the rates belong to all: no exact block.
    pub mod regimes {
        latent   z[t in T] ~ Bernoulli(0.5);
        latent   rate[k in 0..2] ~ Gamma(shape: 1, rate: 1);
        observed y[t in T] ~ match z[t] { true => Poisson(rate[0]), false => Poisson(rate[1]) };
    }
}

/// log of ∫ Gamma(r; a, b) Π Poisson(yₜ; r) dr
fn gamma_poisson(a: f64, b: f64, y: &[u64]) -> f64 {
    let s: u64 = y.iter().sum();
    let factorials: f64 = y.iter().map(|y| ln_gamma(*y as f64 + 1.0)).sum();
    a * b.ln() - ln_gamma(a) + ln_gamma(a + s as f64)
        - (a + s as f64) * (b + y.len() as f64).ln()
        - factorials
}

fn present(y: &[f64]) -> Vec<u64> {
    y.iter().filter(|v| !v.is_nan()).map(|v| *v as u64).collect()
}

fn exact_evidence<M: vi_core::private::Program + ExactPosterior + vi_core::private::NoParams>(
    fit: &Fit<M>,
    data: &M::Data<'_>,
    by_hand: f64,
) {
    close(fit.log_evidence(), by_hand, 1e-11);
    let v = fit.verify(data, 7).expect("it verifies");
    assert!(v.is_exact(), "spread {:e}, tolerance {:e}", v.spread(), v.tolerance);
    let total: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
    close(total, by_hand, 1e-10);
}

#[test]
fn coal_mining_disasters_have_the_evidence_of_the_sum_over_change_points() {
    let table = read("coal_annual.csv");
    let mut n: Vec<f64> = table.column(1).iter().copied().collect();
    for missing in [false, true] {
        if missing {
            n[10] = f64::NAN;
            n[40] = f64::NAN;
            n[111] = f64::NAN;
        }
        let y: Vec<Option<u64>> = n.iter().map(|v| (!v.is_nan()).then_some(*v as u64)).collect();
        let data = disasters::Data { y: (&y).into() };
        let model = disasters::Model::new().a(2.0).b(1.5);
        let fit = model.fit(&data, &Options::new()).expect("it fits");
        let t = y.len();
        let logs: Vec<f64> = (0..t)
            .map(|c| {
                -(t as f64).ln()
                    + gamma_poisson(2.0, 1.5, &present(&n[..c]))
                    + gamma_poisson(2.0, 1.5, &present(&n[c..]))
            })
            .collect();
        let log_evidence = log_sum_exp(&logs);
        exact_evidence(&fit, &data, log_evidence);
        let mut moments = [[0.0; 2]; 2];
        for c in 0..t {
            let p = (logs[c] - log_evidence).exp();
            close(fit.posterior.change.probs(0)[c], p, 1e-10);
            for (k, part) in [&n[..c], &n[c..]].iter().enumerate() {
                let y = present(part);
                let (a, b) = (2.0 + y.iter().sum::<u64>() as f64, 1.5 + y.len() as f64);
                moments[k][0] += p * a / b;
                moments[k][1] += p * a * (a + 1.0) / (b * b);
            }
        }
        for (k, m) in moments.iter().enumerate() {
            close(fit.posterior.rate[k].mean(), m[0], 1e-10);
            close(fit.posterior.rate[k].var(), m[1] - m[0] * m[0], 1e-9);
        }
        // Around 1890 the rate fell from about 3 to about 1.
        let year = 1851 + fit.posterior.change.most_likely(0);
        assert!((1886..=1895).contains(&year), "{year}");
        let (low, high) = fit.posterior.rate[0].interval(0.95);
        assert!(low > 2.5 && high < 3.8, "{low} {high}");
        assert!(fit.posterior.rate[1].interval(0.95).1 < 1.3);
    }
}

#[test]
fn draws_of_change_and_rates_are_joint() {
    let y: Vec<Option<u64>> = [5, 7, 4, 0, 1, 2, 0].iter().map(|v| Some(*v)).collect();
    let data = disasters::Data { y: (&y).into() };
    let fit = disasters::Model::new().fit(&data, &Options::new()).expect("it fits");
    let draws = fit.draw(&data, 1, 4000).expect("it draws");
    // Given the change, the first rate is Gamma(1 + Σ, 1 + count).
    for c in 0..7 {
        let of: Vec<f64> = draws.iter().filter(|d| d.change == c).map(|d| d.rate[0]).collect();
        if of.len() < 200 {
            continue;
        }
        let s: u64 = y[..c].iter().flatten().sum();
        let (a, b) = (1.0 + s as f64, 1.0 + c as f64);
        let mean = of.iter().sum::<f64>() / of.len() as f64;
        assert!((mean - a / b).abs() < 5.0 * (a / (b * b) / of.len() as f64).sqrt(), "{c}: {mean} {}", a / b);
    }
}

#[test]
fn no_years_at_all_and_one_year_are_answered() {
    let y: Vec<Option<u64>> = vec![Some(3)];
    let data = disasters::Data { y: (&y).into() };
    let fit = disasters::Model::new().fit(&data, &Options::new()).expect("it fits");
    exact_evidence(&fit, &data, gamma_poisson(1.0, 1.0, &[3]));
    let y: Vec<Option<u64>> = vec![None; 4];
    let data = disasters::Data { y: (&y).into() };
    let fit = disasters::Model::new().fit(&data, &Options::new()).expect("it fits");
    exact_evidence(&fit, &data, 0.0);
    close(fit.posterior.rate[0].mean(), 1.0, 1e-13);
    let y: Vec<Option<u64>> = vec![];
    let data = disasters::Data { y: (&y).into() };
    // There is no year to change in.
    assert!(disasters::Model::new().fit(&data, &Options::new()).is_err());
}

#[test]
fn a_panel_of_series_learns_the_prior_of_its_rates() {
    let mut g = Noise::new(2);
    let y = DMatrix::from_fn(25, 12, |s, t| {
        let rate = if t < s % 10 { 2.0 + (s % 3) as f64 } else { 6.0 };
        g.poisson(rate)
    });
    let data = panel::Data { y: (&y).into() };
    let options = Options::new().tolerance(1e-11).max_iterations(5000);
    let fit = panel::Model::new().fit(&data, &options).expect("it fits");
    let likelihood = |a: f64, b: f64| -> f64 {
        (0..25)
            .map(|s| {
                let row: Vec<u64> = y.row(s).iter().copied().collect();
                let logs: Vec<f64> = (0..12)
                    .map(|c| -(12f64).ln() + gamma_poisson(a, b, &row[..c]) + gamma_poisson(a, b, &row[c..]))
                    .collect();
                log_sum_exp(&logs)
            })
            .sum()
    };
    let (a, b) = (fit.params.a, fit.params.b);
    vi_tests::law::exact(&fit, &data, likelihood(a, b));
    for (da, db) in [(1.01, 1.0), (0.99, 1.0), (1.0, 1.01), (1.0, 0.99), (1.02, 1.02), (0.98, 0.98)] {
        assert!(likelihood(a * da, b * db) < likelihood(a, b) + 1e-6, "{da} {db}");
    }
}

#[test]
fn a_change_of_scale_is_summed_exactly() {
    let mut g = Noise::new(9);
    let y: Vec<f64> = (0..30).map(|t| 1.0 + g.normal() * if t < 18 { 0.5 } else { 3.0 }).collect();
    let data = volatility::Data { y: (&y).into() };
    let fit = volatility::Model::new().fit(&data, &Options::new()).expect("it fits");
    let part = |y: &[f64]| -> f64 {
        let (n, s): (f64, f64) = (y.len() as f64, y.iter().map(|v| (v - 1.0).powi(2)).sum());
        2.0 * 3f64.ln() - ln_gamma(2.0) + ln_gamma(2.0 + 0.5 * n)
            - (2.0 + 0.5 * n) * (3.0 + 0.5 * s).ln()
            - 0.5 * n * std::f64::consts::TAU.ln()
    };
    let logs: Vec<f64> = (0..30).map(|c| -(30f64).ln() + part(&y[..c]) + part(&y[c..])).collect();
    exact_evidence(&fit, &data, log_sum_exp(&logs));
    assert!((16..=20).contains(&fit.posterior.change.most_likely(0)));
}

#[test]
fn a_change_of_frequencies_is_summed_exactly() {
    let word: Vec<usize> = vec![0, 0, 1, 0, 0, 2, 2, 1, 2, 2, 2];
    let data = style::Data { word: (&word).into() };
    let fit = style::Model::new(3).fit(&data, &Options::new()).expect("it fits");
    let part = |w: &[usize]| -> f64 {
        let each: f64 = (0..3)
            .map(|v| ln_gamma(0.7 + w.iter().filter(|x| **x == v).count() as f64) - ln_gamma(0.7))
            .sum();
        ln_gamma(2.1) - ln_gamma(2.1 + w.len() as f64) + each
    };
    let logs: Vec<f64> = (0..11).map(|c| -(11f64).ln() + part(&word[..c]) + part(&word[c..])).collect();
    let total = log_sum_exp(&logs);
    exact_evidence(&fit, &data, total);
    let mean: f64 = (0..11)
        .map(|c| {
            let n = word[..c].iter().filter(|x| **x == 0).count() as f64;
            (logs[c] - total).exp() * (0.7 + n) / (2.1 + c as f64)
        })
        .sum();
    close(fit.posterior.share[0].mean()[0], mean, 1e-11);
}

#[test]
fn two_models_of_a_coin_are_compared_by_their_evidences() {
    let y: Vec<bool> = (0..40).map(|n| n % 4 != 0).collect();
    let data = coin::Data { y: (&y).into() };
    let fit = coin::Model::new().fit(&data, &Options::new()).expect("it fits");
    let beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let fair = 0.25_f64.ln() + beta(80.0, 60.0) - beta(50.0, 50.0);
    let free = 0.75_f64.ln() + beta(31.0, 11.0);
    let total = log_sum_exp(&[fair, free]);
    exact_evidence(&fit, &data, total);
    close(fit.posterior.fair.probs(0)[1], (fair - total).exp(), 1e-11);
    let p = (fair - total).exp() * 80.0 / 140.0 + (free - total).exp() * 31.0 / 42.0;
    close(fit.posterior.p.mean(), p, 1e-11);
    let log = log_sum_exp(&[
        fair - total + density::beta(0.6, 80.0, 60.0),
        free - total + density::beta(0.6, 31.0, 11.0),
    ]);
    close(fit.posterior.p.log_density(&0.6), log, 1e-11);
}

#[test]
fn whether_there_is_a_change_is_a_state_like_any_other() {
    let y: Vec<u64> = vec![1, 0, 2, 1, 5, 4, 6, 3];
    let data = whether::Data { y: (&y).into() };
    let fit = whether::Model::new().fit(&data, &Options::new()).expect("it fits");
    let change: Vec<f64> = (0..8)
        .map(|c| {
            0.5_f64.ln() - 8f64.ln() + gamma_poisson(3.0, 2.0, &y[..c]) + gamma_poisson(3.0, 2.0, &y[c..])
        })
        .collect();
    let none = 0.5_f64.ln() + gamma_poisson(3.0, 2.0, &y);
    let total = log_sum_exp(&[log_sum_exp(&change), none]);
    exact_evidence(&fit, &data, total);
    close(fit.posterior.changes.probs(0)[0], (none - total).exp(), 1e-11);
}

#[test]
fn rates_that_belong_to_all_regimes_are_not_claimed_to_be_exact() {
    let plan = regimes::PLAN.to_string();
    assert!(plan.contains("MEAN-FIELD"), "{plan}");
    let y: Vec<u64> = vec![1, 0, 2, 9, 8];
    let data = regimes::Data { y: (&y).into() };
    let fit = regimes::Model::new().fit(&data, &Options::new().seed(1).restarts(4)).expect("it fits");
    // The evidence by the sum over all regimes.
    let mut logs = vec![];
    for s in 0..32_u32 {
        let part =
            |on: bool| -> Vec<u64> { (0..5).filter(|t| ((s >> t) & 1 == 1) == on).map(|t| y[t]).collect() };
        logs.push(
            5.0 * 0.5_f64.ln() + gamma_poisson(1.0, 1.0, &part(true)) + gamma_poisson(1.0, 1.0, &part(false)),
        );
    }
    assert!(fit.elbo() < log_sum_exp(&logs) - 1e-6);
}
