//! Truncated families whose params are unknown: the normaliser moves with them, so nothing is conjugate.
//!
//! The normaliser is integrated here, by Simpson's rule or term by term. Optima of scipy 1.17.1:
//!
//! ```python
//! import numpy as np; from scipy import stats, optimize
//! y = np.array([0.4,1.9,2.2,0.7,3.1,1.3,2.6,0.2,1.7,4.0,2.9,1.1]); k = np.array([1,2,2,3,1,4,1,6,2,3])
//! best = lambda f: optimize.minimize(f, [0, 0], method='Nelder-Mead', options=dict(xatol=1e-12, fatol=1e-14, maxiter=10000))
//! best(lambda p: -stats.truncnorm.logpdf(y, -p[0]/np.exp(p[1]), np.inf, p[0], np.exp(p[1])).sum())
//! best(lambda p: -(stats.gamma.logpdf(y, np.exp(p[0]), scale=np.exp(-p[1])) - stats.gamma.logsf(0.1, np.exp(p[0]), scale=np.exp(-p[1]))).sum())
//! best(lambda p: -(stats.poisson.logpmf(k, np.exp(p[0])) - np.log(stats.poisson.cdf(6, np.exp(p[0])))).sum() + p[1]**2)
//! ```

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::{close, exact, monotone};

model! {
    pub mod normal { param m: Real; param s: Positive; observed y[n in N] ~ Normal(m, sd: s, min: 0, max: 6); }
}
model! {
    pub mod normal_known_sd { param m: Real; observed y[n in N] ~ Normal(m, sd: 1.5, min: 0); }
}
model! {
    pub mod exponential { param r: Positive; observed y[n in N] ~ Exponential(rate: r, max: 10); }
}
model! {
    pub mod poisson { param r: Positive; observed y[n in N] ~ Poisson(r, max: 6); }
}
model! {
    pub mod gamma { param a: Positive; param r: Positive; observed y[n in N] ~ Gamma(shape: a, rate: r, min: 0.5); }
}
model! {
    pub mod beta { param a: Positive; param b: Positive; observed y[n in N] ~ Beta(a, b, min: 0.125, max: 0.875); }
}
model! {
    pub mod binomial { param p: Unit; observed y[n in N] ~ Binomial(9, p, min: 1); }
}
model! {
    pub mod negative_binomial { param m: Positive; param r: Positive; observed y[n in N] ~ NegativeBinomial(mean: m, dispersion: r, min: 1); }
}
model! {
    pub mod log_normal { param m: Real; param v: Positive; observed y[n in N] ~ LogNormal(m, var: v, max: 4); }
}
model! {
    pub mod map { param m ~ Normal(0, sd: 0.5); param p ~ Gamma(shape: 2, rate: 1); observed y[n in N] ~ Normal(m, prec: p, min: 0); }
}
model! {
    pub mod by_row { given a[n in N]: Real; param m: Real; param s: Positive; observed y[n in N] ~ Normal(m, sd: s, min: a[n]); }
}
model! {
    pub mod regression { given x[n in N]: Vector[D]; param b: Vector[D]; param s: Positive; observed y[n in N] ~ Normal(dot(b, x[n]), sd: s, min: 0); }
}
model! {
    pub mod normals(K) {
        param w: Simplex[K]; param m[k in K]: Real; param s[k in K]: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(m[z[n]], sd: s[z[n]], min: 0);
    }
}
model! {
    pub mod shared_scale(K) {
        param w: Simplex[K]; param m[k in K]: Real; param v: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(m[z[n]], var: v, min: 0);
    }
}
model! {
    pub mod exponentials(K) {
        param w: Simplex[K]; param r[k in K]: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Exponential(rate: r[z[n]], max: 10);
    }
}
model! {
    pub mod poissons(K) {
        param w: Simplex[K]; param r[k in K]: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Poisson(r[z[n]], max: 20);
    }
}
model! {
    pub mod gammas(K) {
        param w: Simplex[K]; param a[k in K]: Positive; param r[k in K]: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Gamma(shape: a[z[n]], rate: r[z[n]], min: 0.5);
    }
}
model! {
    pub mod two_bounds(K) {
        param w: Simplex[K]; param m[k in K]: Real; param s: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(m[z[n]], sd: s, min: 0);
        observed x[n in N] ~ Normal(m[z[n]], sd: s);
    }
}

model! {
    pub mod gamma_above { param a: Positive; param r: Positive; observed y[n in N] ~ Gamma(shape: a, rate: r, min: 0.1); }
}

#[test]
fn optima_are_those_of_scipy() {
    let y = [0.4, 1.9, 2.2, 0.7, 3.1, 1.3, 2.6, 0.2, 1.7, 4.0, 2.9, 1.1];
    let fit = normals::Model::new(1).fit(&normals::Data { y: (&y).into() }, &options()).unwrap();
    close(fit.params.m[0], 1.470_546_70, 1e-7);
    close(fit.params.s[0], 1.390_770_70, 1e-7);
    close(fit.log_likelihood(), -17.410_371_137_519_1, 1e-12);
    let fit = gamma_above::Model::new().fit(&gamma_above::Data { y: (&y).into() }, &options()).unwrap();
    close(fit.params.a, 1.829_787_5, 1e-6);
    close(fit.params.r, 1.001_369_1, 1e-6);
    close(fit.log_likelihood(), -17.957_817_242_822_6, 1e-12);
    let k = [1u64, 2, 2, 3, 1, 4, 1, 6, 2, 3];
    let fit = poisson::Model::new().fit(&poisson::Data { y: (&k).into() }, &options()).unwrap();
    close(fit.params.r, 2.581_663_779, 1e-7);
    close(fit.log_likelihood(), -17.358_732_094_207_3, 1e-12);
}

model! {
    pub mod hurdle {
        param p: Unit; param r: Positive;
        latent a[n in N] ~ Bernoulli(p);
        observed y[n in N] ~ match a[n] { true => Poisson(r, min: 1, max: 12), false => Constant(0) };
    }
}
model! {
    pub mod above { param m: Real(min: 1.5); param s: Positive; observed y[n in N] ~ Normal(m, sd: s, min: 0); }
}
model! {
    pub mod partly { given x[n in N]: Real; param b: Real; param s: Positive; observed y[n in N]: Real? ~ Normal(b * x[n], sd: s, max: 6); }
}

#[test]
fn a_hurdle_between_two_bounds() {
    let mut g = Noise::new(17);
    let y: Vec<u64> = (0..150)
        .map(|_| {
            if g.unit() < 0.4 {
                0
            } else {
                std::iter::repeat_with(|| g.poisson(6.0)).find(|y| (1..=12).contains(y)).unwrap()
            }
        })
        .collect();
    let data = hurdle::Data { y: (&y).into() };
    let fit = hurdle::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass = log_sum_exp(&(1..=12).map(|k| density::poisson(k, p[1])).collect::<Vec<_>>());
        y.iter()
            .map(|y| if *y == 0 { (1.0 - p[0]).ln() } else { p[0].ln() + density::poisson(*y, p[1]) - mass })
            .sum::<f64>()
    };
    let at = [fit.params.p, fit.params.r];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

#[test]
fn a_bounded_location_of_a_truncated_family() {
    let y = [0.4, 1.9, 2.2, 0.7, 3.1, 1.3, 2.6, 0.2, 1.7, 4.0, 2.9, 1.1];
    let data = above::Data { y: (&y).into() };
    let fit = above::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| y.iter().map(|y| truncated_normal(*y, p[0], p[1] * p[1], 0.0, 99.0)).sum::<f64>();
    // Without its bound the location is 1.47 (see above).
    assert_eq!(fit.params.m, 1.5);
    exact(&fit, &data, of(&[1.5, fit.params.s]));
    stationary(&[fit.params.s], |p| of(&[1.5, p[0]]));
    assert!(fit.at_boundary.iter().any(|b| b.contains('m')), "{:?}", fit.at_boundary);
}

#[test]
fn a_regression_below_a_bound_with_missing_values() {
    let mut g = Noise::new(18);
    let x: Vec<f64> = (0..80).map(|_| 3.0 * g.unit()).collect();
    let y: Vec<Option<f64>> = x
        .iter()
        .map(|x| {
            let y = std::iter::repeat_with(|| 1.8 * x + g.normal()).find(|y| *y < 6.0);
            y.filter(|_| g.unit() < 0.8)
        })
        .collect();
    let data = partly::Data { x: (&x).into(), y: (&y).into() };
    let fit = partly::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let of = |x: &f64, y: f64| truncated_normal(-y, -p[0] * x, p[1] * p[1], -6.0, 99.0);
        x.iter().zip(&y).filter_map(|(x, y)| y.map(|y| of(x, y))).sum::<f64>()
    };
    let at = [fit.params.b, fit.params.s];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

/// log ∫ exp f, by Simpson's rule.
fn log_integral(f: impl Fn(f64) -> f64, a: f64, b: f64) -> f64 {
    let n = 4000;
    let step = (b - a) / n as f64;
    let weight = |i: usize| if i == 0 || i == n { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
    let terms: Vec<f64> = (0..=n).map(|i| f64::ln(weight(i) * step / 3.0) + f(a + step * i as f64)).collect();
    log_sum_exp(&terms)
}

/// log density of a Normal kept to [a, b].
fn truncated_normal(y: f64, m: f64, var: f64, a: f64, b: f64) -> f64 {
    // Beyond 40 standard deviations of the mean and of the bound there is nothing.
    let b = b.min(m.max(a) + 40.0 * var.sqrt());
    density::normal(y, m, var) - log_integral(|x| density::normal(x, m, var), a, b)
}

fn options() -> Options {
    Options::new().seed(3).threads(1).tolerance(1e-14).max_iterations(20_000)
}

/// The log likelihood is flat where the fit stopped.
#[track_caller]
fn stationary(at: &[f64], log_likelihood: impl Fn(&[f64]) -> f64) {
    for i in 0..at.len() {
        let h = 1e-3 * at[i].abs().max(0.1);
        let moved = |t: f64| {
            let mut x = at.to_vec();
            x[i] += t * h;
            log_likelihood(&x)
        };
        let slope = (moved(-2.0) - 8.0 * moved(-1.0) + 8.0 * moved(1.0) - moved(2.0)) / 12.0;
        let curvature = moved(1.0) + moved(-1.0) - 2.0 * moved(0.0);
        // What Newton's step would still gain.
        let gain = slope * slope / curvature.abs().max(1e-9);
        assert!(gain < 1e-7, "param {i} of {at:?}: slope {slope:e}, curvature {curvature:e}");
    }
}

fn normals_above_zero(n: usize) -> Vec<f64> {
    let mut g = Noise::new(5);
    std::iter::repeat_with(|| 1.0 + 1.5 * g.normal()).filter(|y| (0.0..6.0).contains(y)).take(n).collect()
}

#[test]
fn a_normal_between_two_bounds() {
    let y = normals_above_zero(200);
    let data = normal::Data { y: (&y).into() };
    let fit = normal::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| y.iter().map(|y| truncated_normal(*y, p[0], p[1] * p[1], 0.0, 6.0)).sum::<f64>();
    let at = [fit.params.m, fit.params.s];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
    assert!(normal::PLAN.text.contains("safeguarded Newton"), "{}", normal::PLAN);
    assert!(!normal::PLAN.text.contains("closed form"), "{}", normal::PLAN);
}

#[test]
fn a_normal_of_known_scale() {
    let y = normals_above_zero(100);
    let data = normal_known_sd::Data { y: (&y).into() };
    let fit = normal_known_sd::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| y.iter().map(|y| truncated_normal(*y, p[0], 2.25, 0.0, 99.0)).sum::<f64>();
    exact(&fit, &data, of(&[fit.params.m]));
    stationary(&[fit.params.m], of);
}

#[test]
fn an_exponential_below_a_bound() {
    let mut g = Noise::new(6);
    let y: Vec<f64> = std::iter::repeat_with(|| g.gamma(1, 0.2)).filter(|y| *y < 10.0).take(150).collect();
    let data = exponential::Data { y: (&y).into() };
    let fit = exponential::Model::new().fit(&data, &options()).unwrap();
    let of =
        |p: &[f64]| y.iter().map(|y| p[0].ln() - p[0] * y - (-(-10.0 * p[0]).exp()).ln_1p()).sum::<f64>();
    exact(&fit, &data, of(&[fit.params.r]));
    stationary(&[fit.params.r], of);
}

#[test]
fn counts_between_bounds() {
    let mut g = Noise::new(7);
    let y: Vec<u64> = std::iter::repeat_with(|| g.poisson(4.0)).filter(|y| *y <= 6).take(120).collect();
    let data = poisson::Data { y: (&y).into() };
    let fit = poisson::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass = log_sum_exp(&(0..=6).map(|k| density::poisson(k, p[0])).collect::<Vec<_>>());
        y.iter().map(|y| density::poisson(*y, p[0]) - mass).sum::<f64>()
    };
    exact(&fit, &data, of(&[fit.params.r]));
    stationary(&[fit.params.r], of);

    let y: Vec<u64> = y.iter().map(|y| 1 + y % 9).collect();
    let data = binomial::Data { y: (&y).into() };
    let fit = binomial::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass = (-(1.0 - p[0]).powi(9)).ln_1p();
        y.iter().map(|y| density::binomial(*y, 9, p[0]) - mass).sum::<f64>()
    };
    exact(&fit, &data, of(&[fit.params.p]));
    stationary(&[fit.params.p], of);

    let y: Vec<u64> = (0..150)
        .map(|_| {
            let rate = g.gamma(2, 0.5);
            1 + g.poisson(rate)
        })
        .collect();
    let data = negative_binomial::Data { y: (&y).into() };
    let fit = negative_binomial::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass = (-density::negative_binomial(0, p[0], p[1]).exp()).ln_1p();
        y.iter().map(|y| density::negative_binomial(*y, p[0], p[1]) - mass).sum::<f64>()
    };
    let at = [fit.params.m, fit.params.r];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

#[test]
fn a_gamma_and_a_beta() {
    let mut g = Noise::new(8);
    let y: Vec<f64> = std::iter::repeat_with(|| g.gamma(2, 0.8)).filter(|y| *y > 0.5).take(150).collect();
    let data = gamma::Data { y: (&y).into() };
    let fit = gamma::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass = log_integral(|x| density::gamma(x, p[0], p[1]), 0.5, 0.5 + 60.0 / p[1]);
        y.iter().map(|y| density::gamma(*y, p[0], p[1]) - mass).sum::<f64>()
    };
    let at = [fit.params.a, fit.params.r];
    exact(&fit, &data, of(&at));
    stationary(&at, of);

    let y: Vec<f64> = std::iter::repeat_with(|| {
        let (u, v) = (g.gamma(3, 1.0), g.gamma(2, 1.0));
        u / (u + v)
    })
    .filter(|y| (0.125..0.875).contains(y))
    .take(200)
    .collect();
    let data = beta::Data { y: (&y).into() };
    let fit = beta::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass = log_integral(|x| density::beta(x, p[0], p[1]), 0.125, 0.875);
        y.iter().map(|y| density::beta(*y, p[0], p[1]) - mass).sum::<f64>()
    };
    let at = [fit.params.a, fit.params.b];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

#[test]
fn a_log_normal_and_a_posterior_mode() {
    let y: Vec<f64> = normals_above_zero(120).iter().map(|y| (0.4 * y).exp().min(3.9)).collect();
    let data = log_normal::Data { y: (&y).into() };
    let fit = log_normal::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let inside = |y: f64| truncated_normal(y.ln(), p[0], p[1], p[0] - 40.0 * p[1].sqrt(), 4f64.ln());
        y.iter().map(|y| inside(*y) - y.ln()).sum::<f64>()
    };
    let at = [fit.params.m, fit.params.v];
    exact(&fit, &data, of(&at));
    stationary(&at, of);

    let y = normals_above_zero(60);
    let data = map::Data { y: (&y).into() };
    let fit = map::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| y.iter().map(|y| truncated_normal(*y, p[0], 1.0 / p[1], 0.0, 99.0)).sum::<f64>();
    let prior = |p: &[f64]| density::normal(p[0], 0.0, 0.25) + density::gamma(p[1], 2.0, 1.0);
    let at = [fit.params.m, fit.params.p];
    exact(&fit, &data, of(&at));
    close(fit.log_posterior(), of(&at) + prior(&at), 1e-10);
    stationary(&at, |p| of(p) + prior(p));
}

#[test]
fn bounds_and_means_that_differ_from_row_to_row() {
    let mut g = Noise::new(9);
    let a: Vec<f64> = (0..150).map(|_| g.normal()).collect();
    let y: Vec<f64> = a
        .iter()
        .map(|a| std::iter::repeat_with(|| 0.7 + 1.2 * g.normal()).find(|y| y > a).unwrap())
        .collect();
    let data = by_row::Data { a: (&a).into(), y: (&y).into() };
    let fit = by_row::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        y.iter().zip(&a).map(|(y, a)| truncated_normal(*y, p[0], p[1] * p[1], *a, 99.0)).sum::<f64>()
    };
    let at = [fit.params.m, fit.params.s];
    exact(&fit, &data, of(&at));
    stationary(&at, of);

    let x = DMatrix::from_fn(150, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y: Vec<f64> = (0..150)
        .map(|n| {
            let mean = 0.8 + 0.6 * x[(n, 1)];
            std::iter::repeat_with(|| mean + 0.9 * g.normal()).find(|y| *y > 0.0).unwrap()
        })
        .collect();
    let data = regression::Data { x: (&x).into(), y: (&y).into() };
    let fit = regression::Model::new().fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mean = |n: usize| p[0] * x[(n, 0)] + p[1] * x[(n, 1)];
        (0..150).map(|n| truncated_normal(y[n], mean(n), p[2] * p[2], 0.0, 99.0)).sum::<f64>()
    };
    let at = [fit.params.b[0], fit.params.b[1], fit.params.s];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

/// Two groups above zero.
fn two_groups(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    std::iter::repeat_with(|| {
        let far = g.unit() < 0.45;
        if far { 6.0 + g.normal() } else { 1.2 + 0.8 * g.normal() }
    })
    .filter(|y| *y > 0.0)
    .take(n)
    .collect()
}

/// log Σₖ wₖ f(y, k) summed over the data, with w from the first of two params that sum to 1.
fn mixture<T: Copy>(y: &[T], w: f64, f: impl Fn(T, usize) -> f64) -> f64 {
    y.iter().map(|y| log_sum_exp(&[w.ln() + f(*y, 0), (1.0 - w).ln() + f(*y, 1)])).sum()
}

#[test]
fn normals_of_a_mixture() {
    let y = two_groups(150, 10);
    let data = normals::Data { y: (&y).into() };
    let fit = normals::Model::new(2).fit(&data, &options()).unwrap();
    let of =
        |p: &[f64]| mixture(&y, p[0], |y, k| truncated_normal(y, p[1 + k], p[3 + k] * p[3 + k], 0.0, 99.0));
    let p = &fit.params;
    let at = [p.w[0], p.m[0], p.m[1], p.s[0], p.s[1]];
    exact(&fit, &data, of(&at));
    stationary(&at, of);

    let data = shared_scale::Data { y: (&y).into() };
    let fit = shared_scale::Model::new(2).fit(&data, &options()).unwrap();
    let of = |p: &[f64]| mixture(&y, p[0], |y, k| truncated_normal(y, p[1 + k], p[3], 0.0, 99.0));
    let p = &fit.params;
    let at = [p.w[0], p.m[0], p.m[1], p.v];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

#[test]
fn other_families_of_a_mixture() {
    let y: Vec<f64> = two_groups(200, 11).iter().map(|y| y * y / 6.0).filter(|y| *y < 10.0).collect();
    let data = exponentials::Data { y: (&y).into() };
    let fit = exponentials::Model::new(2).fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        mixture(&y, p[0], |y, k| {
            let r = p[1 + k];
            r.ln() - r * y - (-(-10.0 * r).exp()).ln_1p()
        })
    };
    let at = [fit.params.w[0], fit.params.r[0], fit.params.r[1]];
    exact(&fit, &data, of(&at));

    let y: Vec<f64> = two_groups(150, 12).iter().map(|y| y + 0.5).collect();
    let data = gammas::Data { y: (&y).into() };
    let fit = gammas::Model::new(2).fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass = [0, 1].map(|k| {
            let (a, r) = (p[1 + k], p[3 + k]);
            // In log x, where the density is smooth for any shape.
            log_integral(|t| density::gamma(t.exp(), a, r) + t, 0.5f64.ln(), ((60.0 + 6.0 * a) / r).ln())
        });
        mixture(&y, p[0], |y, k| density::gamma(y, p[1 + k], p[3 + k]) - mass[k])
    };
    let p = &fit.params;
    exact(&fit, &data, of(&[p.w[0], p.a[0], p.a[1], p.r[0], p.r[1]]));

    let mut g = Noise::new(13);
    let y: Vec<u64> = (0..200)
        .map(|_| {
            let rate = if g.unit() < 0.5 { 2.0 } else { 14.0 };
            std::iter::repeat_with(|| g.poisson(rate)).find(|y| *y <= 20).unwrap()
        })
        .collect();
    let data = poissons::Data { y: (&y).into() };
    let fit = poissons::Model::new(2).fit(&data, &options()).unwrap();
    let of = |p: &[f64]| {
        let mass =
            [0, 1].map(|k| log_sum_exp(&(0..=20).map(|j| density::poisson(j, p[1 + k])).collect::<Vec<_>>()));
        mixture(&y, p[0], |y, k| density::poisson(y, p[1 + k]) - mass[k])
    };
    let at = [fit.params.w[0], fit.params.r[0], fit.params.r[1]];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

#[test]
fn a_location_in_a_truncated_and_in_a_plain_statement() {
    let y = two_groups(120, 14);
    let mut g = Noise::new(15);
    let x: Vec<f64> = y.iter().map(|y| y + 0.3 * g.normal()).collect();
    let data = two_bounds::Data { y: (&y).into(), x: (&x).into() };
    let fit = two_bounds::Model::new(2).fit(&data, &options()).unwrap();
    let rows: Vec<(f64, f64)> = y.iter().copied().zip(x.iter().copied()).collect();
    let of = |p: &[f64]| {
        mixture(&rows, p[0], |(y, x), k| {
            let (m, v) = (p[1 + k], p[3] * p[3]);
            truncated_normal(y, m, v, 0.0, 99.0) + density::normal(x, m, v)
        })
    };
    let p = &fit.params;
    let at = [p.w[0], p.m[0], p.m[1], p.s];
    exact(&fit, &data, of(&at));
    stationary(&at, of);
}

/// A start at 0 is far from these data: without truncation first, the climb would end in the Exponential limit.
#[test]
fn where_the_data_lie_changes_nothing() {
    let y = normals_above_zero(100);
    let fit = |shift: f64| {
        // A power of two, added to numbers with few bits after the point.
        let a = vec![shift; 100];
        let y: Vec<f64> = y.iter().map(|y| (y * 1024.0).round() / 1024.0 + shift).collect();
        by_row::Model::new().fit(&by_row::Data { a: (&a).into(), y: (&y).into() }, &options()).unwrap()
    };
    let (here, there) = (fit(0.0), fit(1048576.0));
    monotone(&there.trace);
    close(there.log_likelihood(), here.log_likelihood(), 1e-6);
    assert!((there.params.m - 1048576.0 - here.params.m).abs() < 1e-3);
    assert!((there.params.s - here.params.s).abs() < 1e-3);

    let y: Vec<f64> = y.iter().map(|y| 1000.0 + y).collect();
    let fit = normals::Model::new(1).fit(&normals::Data { y: (&y).into() }, &options()).unwrap();
    // A thousand standard deviations from the bound, nothing is truncated.
    let mean = y.iter().sum::<f64>() / 100.0;
    let sd = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 100.0).sqrt();
    close(fit.params.m[0], mean, 1e-10);
    close(fit.params.s[0], sd, 1e-8);
}

/// A density that falls from the bound at once is best explained by a mean far below it: the likelihood approaches that of an
/// Exponential and has no maximum.
#[test]
fn a_likelihood_without_a_maximum_is_not_called_a_fit() {
    let mut g = Noise::new(16);
    let y: Vec<f64> = (0..100).map(|_| g.gamma(1, 1.0) * g.gamma(1, 1.0)).collect();
    match normals::Model::new(1).fit(&normals::Data { y: (&y).into() }, &options()) {
        Err(e) => assert!(matches!(e, vi_core::Error::Unbounded { .. }), "{e}"),
        Ok(fit) => {
            let mean = y.iter().sum::<f64>() / 100.0;
            let limit = -100.0 * (mean.ln() + 1.0);
            assert!(fit.log_likelihood() <= limit + 1e-6);
            assert!(fit.log_likelihood() > limit - 0.1, "{} for {limit}", fit.log_likelihood());
        }
    }
}

#[test]
fn data_outside_of_their_bounds_are_named() {
    let y = [1.0, 2.0, 0.5];
    let a = [0.0, 1.0, 1.0];
    let failed = by_row::Model::new().fit(&by_row::Data { a: (&a).into(), y: (&y).into() }, &options());
    let text = failed.expect_err("0.5 is below its bound 1").to_string();
    assert!(text.contains("y[2]") && text.contains("0.5"), "{text}");
    let failed = poisson::Model::new().fit(&poisson::Data { y: (&[2u64, 7, 1]).into() }, &options());
    let text = failed.expect_err("7 is above the bound 6").to_string();
    assert!(text.contains("y[1]") && text.contains('7'), "{text}");
}
