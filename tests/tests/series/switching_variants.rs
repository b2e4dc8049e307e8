//! Further chains of Gaussians whose rows categories choose: of several blocks, lagged, shared by many steps, read by many.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::honest;
use vi_tests::textbook::switching::Switching;

model! {
    /// Regimes of the steps, and observations that are spoilt now and then: three blocks, the states between the other two. A second level has
    /// its own rows under the same regimes.
    pub mod three_blocks(K) {
        param    trans[i in K]: Simplex[K];   param a[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   bad[t in T]  ~ Bernoulli(0.1);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a[z[t]] * x[t-1], var: 0.3);
        latent   v[0]         ~ Normal(0, var: 1);
        latent   v[t in 1..T] ~ Normal(a[z[t]] * v[t-1], var: 0.5);
        observed y[t in T]    ~ match bad[t] { false => Normal(x[t], var: 0.2), true => Normal(x[t], var: 30) };
        observed w[t in T]    ~ Normal(v[t], var: 0.2);
        factorize { q(z[..]); q(x[..]); q(bad); q(v[..]); }
    }
}

model! {
    /// A regime for each season, of which every year has one.
    pub mod seasons(K) {
        given    season[t in T]: Category[M];
        param    w: Simplex[K];   param a[k in K]: Real;
        latent   z[m in M]    ~ Categorical(w);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a[z[season[t]]] * x[t-1], var: 1);
        observed y[t in T]    ~ Normal(x[t], var: 0.5);
    }
}

model! {
    /// Readings at some of the steps, several or none, whose noise is that of the step.
    pub mod readings(K) {
        given    at[n in N]: Category[T];
        param    w: Simplex[K];   param r[k in K]: Positive;
        latent   z[t in T]    ~ Categorical(w);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: 0.2);
        observed y[n in N]    ~ Normal(x[at[n]], var: r[z[at[n]]]);
    }
}

model! {
    /// A regime for each sequence, held apart.
    pub mod classes(K) {
        param    w: Simplex[K];   param a[k in K]: Real;
        latent   z[s in S]             ~ Categorical(w);
        latent   x[s in S, 0]          ~ Normal(0, var: 1);
        latent   x[s in S, t in 1..T]  ~ Normal(a[z[s]] * x[s, t-1], var: 1);
        observed y[s in S, t in T]     ~ Normal(x[s, t], var: 0.5);
        factorize { q(z); q(x); }
    }
}

model! {
    /// The regime before a step decides it, and has data of its own.
    pub mod lagged(K) {
        param    trans[i in K]: Simplex[K];   param a[k in K]: Real;   param rate[k in K]: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a[z[t-1]] * x[t-1], var: 0.3);
        observed y[t in T]    ~ Normal(x[t], var: 0.2);
        observed n[t in T]    ~ Poisson(rate[z[t]]);
    }
}

fn number(x: f64) -> DMatrix<f64> {
    DMatrix::from_element(1, 1, x)
}

fn numbers(x: &[f64]) -> Vec<DMatrix<f64>> {
    x.iter().map(|x| number(*x)).collect()
}

#[test]
fn a_regime_may_decide_the_step_that_follows_it() {
    let mut noise = Noise::new(9);
    let (mut x, mut z) = (0.0, 0usize);
    let mut y = vec![];
    let mut n = vec![];
    for t in 0..150 {
        if t > 0 {
            x = [0.9, -0.8][z] * x + 0.55 * noise.normal();
            z = if noise.unit() < 0.15 { 1 - z } else { z };
        }
        y.push(x + 0.45 * noise.normal());
        n.push(noise.poisson([1.0, 6.0][z]));
    }
    let data = lagged::Data { y: (&y).into(), n: (&n).into() };
    let begin = lagged::Params {
        trans: vec![DVector::from_row_slice(&[0.8, 0.2]), DVector::from_row_slice(&[0.2, 0.8])],
        a: vec![0.5, -0.5],
        rate: vec![1.5, 5.0],
    };
    let fit = lagged::Model::new(2).fit_from(&data, Start::Params(begin), &Options::new()).unwrap();
    honest(&fit, &data);
    assert!(fit.converged, "{fit}");
    assert!(fit.params.a[0] > 0.5 && fit.params.a[1] < -0.3, "{fit}");
}

#[test]
fn several_chains_and_categories_keep_one_bound() {
    let mut noise = Noise::new(23);
    let (mut x, mut v, mut z) = (0.0, 0.0, 0usize);
    let (mut y, mut w) = (vec![], vec![]);
    for t in 0..60 {
        z = if noise.unit() < 0.15 { 1 - z } else { z };
        x = [0.9, -0.8][z] * x + 0.55 * noise.normal();
        v = [0.9, -0.8][z] * v + 0.7 * noise.normal();
        y.push(x + if t % 11 == 6 { 5.5 } else { 0.45 } * noise.normal());
        w.push(v + 0.45 * noise.normal());
    }
    let data = three_blocks::Data { y: (&y).into(), w: (&w).into() };
    let begin = three_blocks::Params {
        trans: vec![DVector::from_row_slice(&[0.8, 0.2]), DVector::from_row_slice(&[0.2, 0.8])],
        a: vec![0.7, -0.7],
    };
    let model = three_blocks::Model::new(2);
    let known = model.infer(&data, &begin).unwrap();
    honest(&known, &data);
    for accelerate in [false, true] {
        let options = Options::new().accelerate(accelerate).max_iterations(200);
        let fit = model.fit_from(&data, Start::Params(begin.clone()), &options).unwrap();
        assert!(fit.elbo() > known.elbo());
        honest(&fit, &data);
    }
}

/// log p(y) where the step to t has the slope `a[regime(t)]`.
fn with_slopes(a: &[f64], regime: impl Fn(usize) -> usize, y: &[f64]) -> f64 {
    let one = |x: f64| DVector::from_element(1, x);
    let path: Vec<usize> = (0..y.len()).map(regime).collect();
    let k = a.len();
    let by_hand = Switching {
        start: DVector::from_element(k, 1.0),
        trans: DMatrix::from_element(k, k, 1.0),
        a: numbers(a),
        q: vec![number(1.0); k],
        c: vec![number(1.0); k],
        r: vec![number(0.5); k],
        m0: one(0.0),
        p0: number(1.0),
    };
    by_hand.log_density(&y.iter().map(|y| Some(one(*y))).collect(), &path)
}

#[test]
fn a_category_may_decide_many_steps() {
    let mut noise = Noise::new(41);
    let y: Vec<f64> = (0..12).map(|t| 1.5 * f64::from(t % 4 < 2) + noise.normal()).collect();
    let season: Vec<usize> = (0..12).map(|t| t % 4).collect();
    let data = seasons::Data { season: (&season).into(), y: (&y).into() };
    let (w, a) = (DVector::from_row_slice(&[0.6, 0.4]), vec![0.9, -0.4]);
    let model = seasons::Model::new(2);
    let fit = model.infer(&data, &seasons::Params { w: w.clone(), a: a.clone() }).unwrap();
    honest(&fit, &data);
    let logs: Vec<f64> = (0..16)
        .map(|code| {
            let of = |m: usize| code >> m & 1;
            (0..4).map(|m| w[of(m)].ln()).sum::<f64>() + with_slopes(&a, |t| of(season[t]), &y)
        })
        .collect();
    let evidence = vi_tests::density::log_sum_exp(&logs);
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 3.0, "{} and {evidence}", fit.elbo());

    let rows = DMatrix::from_fn(3, 4, |s, t| y[4 * s + t]);
    let data = classes::Data { y: (&rows).into() };
    let fit = classes::Model::new(2).infer(&data, &classes::Params { w: w.clone(), a: a.clone() }).unwrap();
    honest(&fit, &data);
    let evidence: f64 = (0..3)
        .map(|s| {
            let own: Vec<f64> = rows.row(s).iter().copied().collect();
            let logs: Vec<f64> = (0..2).map(|k| w[k].ln() + with_slopes(&a, |_| k, &own)).collect();
            vi_tests::density::log_sum_exp(&logs)
        })
        .sum();
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 2.0, "{} and {evidence}", fit.elbo());
}

#[test]
fn a_step_may_have_many_readings_or_none() {
    let mut noise = Noise::new(77);
    let at: Vec<usize> = (0..40).map(|_| noise.below(15)).chain([15]).collect();
    let y: Vec<f64> = at.iter().map(|t| if t % 5 == 3 { 6.0 } else { 0.5 } * noise.normal()).collect();
    let data = readings::Data { at: (&at).into(), y: (&y).into() };
    let begin = readings::Params { w: DVector::from_row_slice(&[0.7, 0.3]), r: vec![0.3, 20.0] };
    let fit = readings::Model::new(2).fit_from(&data, Start::Params(begin), &Options::new()).unwrap();
    honest(&fit, &data);
    // Several readings of one step are told apart from several steps.
    for t in (0..16).filter(|t| at.iter().filter(|a| *a == t).count() > 2) {
        let spread = fit.posterior.z.probs(t)[1];
        assert!(if t % 5 == 3 { spread > 0.5 } else { spread < 0.5 }, "{t}: {spread}");
    }
}
