//! Gaps in autoregressions of the data themselves: under regimes, with uncertain coefficients, along trees, one step at a time.

use vi_core::data::Absent;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::law::{close, exact, honest, monotone};

model! {
    /// Coefficients and scales by regime.
    pub mod regimes(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    a[k in K]: Real;     param q[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[0]: Real?         ~ Normal(0, var: 4);
        observed y[t in 1..T]: Real? ~ Normal(a[z[t]] * y[t-1], var: q[z[t]]);
    }
}
model! {
    /// An uncertain coefficient, level and scale.
    pub mod bayes {
        latent   a ~ Normal(0, var: 1);
        latent   c ~ Normal(0, var: 4);
        latent   tau ~ Gamma(shape: 2, rate: 1);
        observed y[0]: Real?         ~ Normal(0, var: 4);
        observed y[t in 1..T]: Real? ~ Normal(a * y[t-1] + c, prec: tau);
    }
}
model! {
    /// Traits of species by those of their ancestors, which are known for some.
    pub mod tree {
        given    parent[n in 1..N]: Category[n];
        param    a: Real;   param s: Positive;
        observed x[0]: Real?         ~ Normal(0, var: 3);
        observed x[n in 1..N]: Real? ~ Normal(a * x[parent[n]], var: s);
    }
}
model! {
    /// With an input, and an observation of what is missing.
    pub mod driven {
        given    u[t in T]: Real;
        param    a: Real;   param b: Real;   param q: Positive;   param r: Positive;
        observed y[0]: Real?         ~ Normal(0, var: 4);
        observed y[t in 1..T]: Real? ~ Normal(a * y[t-1] + b * u[t], var: q);
        observed w[t in T]: Real?    ~ Normal(y[t], var: r);
    }
}

/// A third or so is missing.
fn holes(n: usize, g: &mut Noise) -> Vec<f64> {
    let mut y = 0.0;
    (0..n)
        .map(|_| {
            y = 0.7 * y + g.normal();
            if g.below(3) == 0 { f64::NAN } else { y }
        })
        .collect()
}

fn seen(vars: &[usize], values: &[f64]) -> Vec<(usize, f64)> {
    vars.iter().copied().zip(values.iter().copied()).filter(|x| !x.1.is_nan()).collect()
}

#[test]
fn regimes_take_turns_with_gaps_and_are_exact_where_there_are_none() {
    let g = &mut Noise::new(2);
    let y = holes(40, g);
    let p = regimes::Params {
        start: DVector::from_vec(vec![0.4, 0.6]),
        trans: vec![DVector::from_vec(vec![0.8, 0.2]), DVector::from_vec(vec![0.3, 0.7])],
        a: vec![0.9, -0.3],
        q: vec![0.4, 1.5],
    };
    let model = regimes::Model::new(2);
    let data = regimes::Data { y: (&y).into() };
    honest(&model.infer(&data, &p).unwrap(), &data);
    monotone(&model.fit(&data, &Options::new().max_iterations(40)).unwrap().trace);
    // Without gaps: a sum over paths.
    let y: Vec<f64> = (0..7).map(|_| g.normal()).collect();
    let data = regimes::Data { y: (&y).into() };
    let fit = model.infer(&data, &p).unwrap();
    let normal =
        |x: f64, m: f64, v: f64| (-0.5 * (x - m).powi(2) / v).exp() / (std::f64::consts::TAU * v).sqrt();
    let total: f64 = (0..1usize << y.len())
        .map(|path| {
            let z = |t: usize| path >> t & 1;
            (1..y.len()).fold(p.start[z(0)] * normal(y[0], 0.0, 4.0), |w, t| {
                w * p.trans[z(t - 1)][z(t)] * normal(y[t], p.a[z(t)] * y[t - 1], p.q[z(t)])
            })
        })
        .sum();
    close(fit.elbo(), total.ln(), 1e-10);
}

#[test]
fn uncertain_coefficients_take_turns_with_gaps() {
    let g = &mut Noise::new(3);
    let y = holes(50, g);
    let data = bayes::Data { y: (&y).into() };
    let fit = bayes::Model::new().fit(&data, &Options::new().tolerance(1e-12).max_iterations(2000)).unwrap();
    honest(&fit, &data);
    for (t, y) in y.iter().enumerate().filter(|(_, y)| !y.is_nan()) {
        assert_eq!(fit.posterior.y[t].mean(), *y);
    }
}

#[test]
fn traits_that_are_known_of_some_species() {
    let g = &mut Noise::new(5);
    let n = 30;
    let parent: Vec<usize> = (0..n).map(|i| g.below(i.max(1))).collect();
    let x = holes(n, g);
    let data = tree::Data { parent: (&parent).into(), x: (&x).into() };
    let p = tree::Params { a: 0.8, s: 0.6 };
    let fit = tree::Model::new().infer(&data, &p).unwrap();
    let mut dense = Dense::new();
    let mut at: Vec<usize> = vec![];
    for i in 0..n {
        at.push(if i == 0 { dense.add(0.0, &[], 3.0) } else { dense.add(0.0, &[(at[parent[i]], p.a)], p.s) });
    }
    let known = dense.given(&seen(&at, &x));
    exact(&fit, &data, known.log_evidence);
    monotone(&tree::Model::new().fit(&data, &Options::new()).unwrap().trace);
}

#[test]
fn one_step_at_a_time_is_all_at_once_and_draws_have_no_gaps() {
    let g = &mut Noise::new(6);
    let n = 25;
    let (y, w) = (holes(n, g), holes(n, g));
    let u: Vec<f64> = (0..n).map(|_| g.normal()).collect();
    let p = driven::Params { a: 0.6, b: 0.4, q: 0.5, r: 0.3 };
    let model = driven::Model::new();
    let data = driven::Data { u: (&u).into(), y: (&y).into(), w: (&w).into() };
    let fit = model.infer(&data, &p).unwrap();
    let mut dense = Dense::new();
    let (mut at, mut rows): (Vec<usize>, Vec<usize>) = (vec![], vec![]);
    for t in 0..n {
        at.push(match t {
            0 => dense.add(0.0, &[], 4.0),
            _ => dense.add(p.b * u[t], &[(at[t - 1], p.a)], p.q),
        });
        rows.push(dense.add(0.0, &[(at[t], 1.0)], p.r));
    }
    let known = dense.given(&[seen(&at, &y), seen(&rows, &w)].concat());
    exact(&fit, &data, known.log_evidence);
    let (mut online, mut total) = (fit.online(), 0.0);
    for t in 0..n {
        let part = t.saturating_sub(1)..t + 1;
        let (u, y, w) = (&u[part.clone()], &y[part.clone()], &w[part]);
        let step = online.push(&driven::Data { u: u.into(), y: y.into(), w: w.into() }).unwrap();
        total += step.log_density.unwrap();
    }
    close(total, known.log_evidence, 1e-10);
    let absent = driven::Data { u: (&u).into(), y: Absent(n).into(), w: Absent(n).into() };
    let drawn = model.simulate(&p, &absent, 1).unwrap();
    assert_eq!(drawn.y, drawn.latents.y);
    assert!(model.infer(&drawn.data(), &p).unwrap().log_likelihood().is_finite());
}
