//! Elements without a value beside latents that all units share: averages over draws from q, with their errors.

use vi_core::prelude::*;
use vi_tests::data::Noise;

model! {
    /// Coefficients in one exact block.
    mod line(D) {
        given    u[n in N]: Vector[D];
        latent   b: Vector[D] ~ Normal(0, var: 2);
        observed y[n in N]: Real? ~ Normal(dot(b, u[n]), var: 0.5);
    }
}

model! {
    /// A mixture of which everything is uncertain, with two channels.
    mod mixed(K, V) {
        latent   w ~ Dirichlet([1 for k in K]);
        latent   mu[k in K] ~ Normal(0, var: 100);
        latent   tau[k in K] ~ Gamma(shape: 2, rate: 1);
        latent   theta[k in K]: Simplex[V] ~ Dirichlet([1 for v in V]);
        latent   z[n in N] ~ Categorical(w);
        observed x[n in N]: Real? ~ Normal(mu[z[n]], prec: tau[z[n]]);
        observed c[n in N]: Category[V]? ~ Categorical(theta[z[n]]);
    }
}

model! {
    /// Factors of which the loadings are uncertain.
    mod factors(D, H) {
        latent   load[d in D]: Vector[H] ~ Normal(0, var: 1);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(load[d], f[n]), var: 0.3);
    }
}

model! {
    /// A chain of which everything is uncertain.
    mod steps(K) {
        latent   start ~ Dirichlet([1 for k in K]);
        latent   trans[i in K]: Simplex[K] ~ Dirichlet([1 for k in K]);
        latent   rate[k in K] ~ Gamma(shape: 2, rate: 0.5);
        latent   z[s in S, 0] ~ Categorical(start);
        latent   z[s in S, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
        observed y[s in S, t in T[s]]: Count? ~ Poisson(rate[z[s, t]]);
    }
}

/// Of 128 draws: an average lies within this many of its errors, and a variance of means within this share.
const ERRORS: f64 = 4.5;
const SHARE: f64 = 0.6;

/// `within` is the expected variance at a draw and `of_within` its variance over draws, `of_means` that of the mean.
fn near(found: &vi_core::fit::MeanVar, mean: f64, (within, of_within): (f64, f64), of_means: f64) {
    let error = (of_means / 128.0_f64).sqrt();
    assert!((found.mean() - mean).abs() <= ERRORS * error + 1e-12, "{found:?} {mean}");
    assert!((found.error() / error - 1.0).abs() < 0.4, "{found:?} {error}");
    let of_var = SHARE * of_means + ERRORS * (of_within / 128.0).sqrt();
    assert!((found.var() - within - of_means).abs() <= of_var, "{found:?} {within} {of_means}");
}

#[test]
fn a_missing_response_has_the_predictive_law_of_the_regression() {
    let mut noise = Noise::new(3);
    let u: Vec<[f64; 2]> = (0..12).map(|_| [noise.normal(), noise.normal()]).collect();
    let mut y: Vec<Option<f64>> = u.iter().map(|u| Some(u[0] - 2.0 * u[1] + 0.7 * noise.normal())).collect();
    (y[2], y[7]) = (None, None);
    let data = line::Data { u: (&u).into(), y: (&y).into() };
    let model = line::Model::new(2);
    let fit = model.fit(&data, &Options::new()).unwrap();
    let predicted = fit.predict(&data).unwrap();
    assert_eq!(predicted.absent.y.len(), 2);
    // prec = 1/2 + Σ u uᵀ / 0.5, of those that have a value
    let mut prec = nalgebra::DMatrix::<f64>::identity(2, 2) * 0.5;
    let mut h = nalgebra::DVector::<f64>::zeros(2);
    for (u, y) in u.iter().zip(&y) {
        if let Some(y) = y {
            let u = nalgebra::DVector::from_column_slice(u);
            prec += &u * u.transpose() * 2.0;
            h += u * (2.0 * y);
        }
    }
    let cov = prec.try_inverse().unwrap();
    let mean = &cov * h;
    for n in [2, 7] {
        let u = nalgebra::DVector::from_column_slice(&u[n]);
        let of_means = (u.transpose() * &cov * &u)[(0, 0)];
        let found = predicted.absent.y.get([n]).unwrap();
        assert!((found.mean() - u.dot(&mean)).abs() < 1e-10 && (found.var() - 0.5 - of_means).abs() < 1e-10);
        assert_eq!(found.error(), 0.0);
        assert_eq!(fit.posterior.y.get([n]), Some(found));
    }
    assert_eq!(fit.predict(&data).unwrap().absent, predicted.absent);
}

#[test]
fn missing_elements_of_a_mixture_have_the_moments_of_q() {
    let mut noise = Noise::new(5);
    let (mut x, mut c) = (vec![], vec![]);
    for n in 0..60 {
        x.push(Some(if n % 3 == 0 { -4.0 } else { 3.0 } + noise.normal()));
        c.push(Some((n % 3 == 0) as usize + (n % 7 == 0) as usize));
    }
    (x[4], x[6], c[6], c[11]) = (None, None, None, None);
    let data = mixed::Data { x: (&x).into(), c: (&c).into() };
    let fit = mixed::Model::new(2, 3).fit(&data, &Options::new().seed(1)).unwrap();
    let absent = fit.predict(&data).unwrap().absent;
    let q = &fit.posterior;
    for n in [4, 6] {
        let p = q.z.probs(n);
        let (mean, var): (Vec<f64>, Vec<f64>) =
            (0..2).map(|k| (q.mu[k].mean(), q.mu[k].law().unwrap().var())).unzip();
        let of = |k: usize| p[k] * mean[k];
        let centre = of(0) + of(1);
        // E 1/τ and the spread of states are the same at every draw, but for the draw's own τ and μ.
        let noise = |k: usize| {
            let law = q.tau[k].law().unwrap();
            p[k] * (law.rate / (law.shape - 1.0) + (mean[k] - centre).powi(2))
        };
        let of_means = p[0] * p[0] * var[0] + p[1] * p[1] * var[1];
        let found = absent.x.get([n]).unwrap();
        assert!((found.mean() - centre).abs() < ERRORS * (of_means / 128.0).sqrt(), "{found:?} {centre}");
        let whole = noise(0) + noise(1) + p[0] * var[0] + p[1] * var[1];
        assert!((found.var() / whole - 1.0).abs() < 0.15, "{found:?} {whole}");
    }
    for n in [6, 11] {
        let p = q.z.probs(n);
        let found = absent.c.get([n]).unwrap();
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (v, found) in found.iter().enumerate() {
            let exact: f64 = (0..2).map(|k| p[k] * q.theta[k].mean()[v]).sum();
            assert!((found - exact).abs() < 0.02, "{found} {exact}");
        }
    }
}

#[test]
fn a_missing_entry_of_uncertain_factors_is_the_product_of_their_means() {
    let mut noise = Noise::new(7);
    let load: Vec<f64> = (0..6).map(|_| noise.normal()).collect();
    let mut x = vec![[Some(0.0); 6]; 40];
    for row in &mut x {
        let f = noise.normal();
        for (x, load) in row.iter_mut().zip(&load) {
            *x = Some(load * f + 0.5 * noise.normal());
        }
    }
    let gone = [(0, 1), (3, 5), (3, 2), (17, 0)];
    gone.iter().for_each(|(n, d)| x[*n][*d] = None);
    let data = factors::Data { x: (&x).into() };
    let fit = factors::Model::new(6, 1).fit(&data, &Options::new().seed(2)).unwrap();
    let absent = fit.predict(&data).unwrap().absent;
    assert_eq!(absent.x.len(), gone.len());
    for (n, d) in gone {
        let (w, f) = (&fit.posterior.load[d], &fit.posterior.f[n]);
        let (w, vw) = (w.mean()[0], w.cov()[(0, 0)]);
        let (f, vf) = (f.mean()[0], f.cov()[(0, 0)]);
        let found = absent.x.get([n, d]).unwrap();
        // Var(w f) = w² var f + f² var w + var f var w, of which var f is in the variance at every draw.
        let within = (0.3 + (w * w + vw) * vf, (4.0 * w * w + 2.0 * vw) * vw * vf * vf);
        near(found, w * f, within, f * f * vw);
    }
}

#[test]
fn the_future_of_an_uncertain_chain_has_the_moments_of_q() {
    let y: Vec<Vec<Option<u64>>> = vec![
        (0..50)
            .map(|t| if t == 20 { None } else { Some(if (t / 8) % 2 == 0 { 1 + t % 2 } else { 9 + t % 3 }) })
            .collect(),
        (0..23).map(|t| Some(if (t / 8) % 2 == 0 { t % 3 } else { 11 - t % 2 })).collect(),
    ];
    let data = steps::Data { y: (&y).into() };
    let fit = steps::Model::new(2).fit(&data, &Options::new().seed(3)).unwrap();
    let mean_of = |p: &[f64]| (0..2).map(|k| p[k] * fit.posterior.rate[k].mean()).sum::<f64>();
    let of_means =
        |p: &[f64]| (0..2).map(|k| p[k] * p[k] * fit.posterior.rate[k].law().unwrap().var()).sum::<f64>();
    let absent = fit.predict(&data).unwrap().absent;
    let p = fit.posterior.z[0].probs(20);
    let found = absent.y.get([0, 20]).unwrap();
    assert!((found.mean() - mean_of(p)).abs() < ERRORS * (of_means(p) / 128.0).sqrt(), "{found:?}");
    let ahead = fit.forecast(&data, 3).unwrap();
    for s in 0..2 {
        for h in 0..3 {
            let p = ahead.posterior.z[s].probs(h);
            let found = ahead.absent.y.get([s, h]).unwrap();
            assert!(
                (found.mean() - mean_of(p)).abs() < ERRORS * (of_means(p) / 128.0).sqrt(),
                "{s} {h} {found:?}"
            );
            // Poisson: the variance at a rate is the rate.
            assert!(found.var() > found.mean(), "{found:?}");
        }
    }
}
