//! Gaussian latents of each unit, whatever their rows: slopes, effects of groups, several sets of columns, mixtures.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::mv_normal;
use vi_tests::law::{close, exact};

model! {
    /// Slopes that differ from unit to unit.
    pub mod slopes {
        given    x[n in N, j in J]: Real;
        param    m: Real;   param v: Positive;   param a: Real;   param s2: Positive;
        latent   b[n in N] ~ Normal(m, var: v);
        observed y[n in N, j in J] ~ Normal(x[n, j] * b[n] + a, var: s2);
    }
}
model! {
    /// Two sets of columns that share their factors, with dense covariances of noise and factors.
    pub mod inter_battery(H) {
        param    W: Matrix[D, H];   param mu: Vector[D];   param S: SymPos[D];
        param    V: Matrix[E, H];   param nu: Vector[E];   param R: SymPos[E];
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, cov: S);
        observed y[n in N] ~ Normal(V * f[n] + nu, cov: R);
    }
}
model! {
    /// Units that a given map names, some of them without data.
    pub mod counties {
        given    county[r in R]: Category[J];
        given    floor[r in R]: Real;
        param    mu: Real;   param slope: Real;   param tau2: Positive;   param s2: Positive;
        latent   effect[j in J] ~ Normal(0, var: tau2);
        observed y[r in R] ~ Normal(mu + slope * floor[r] + effect[county[r]], var: s2);
    }
}
model! {
    /// Factors given a category, and then the category.
    pub mod mixture_of_factors(K, H) {
        param    weight: Simplex[K];   param W[k in K]: Matrix[D, H];   param mu[k in K]: Vector[D];
        param    psi[d in D]: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W[z[n]] * f[n] + mu[z[n]], var: psi);
    }
}
model! {
    /// A random effect with a law of its own in each state, over several rows.
    pub mod mixed_effects {
        given    x[n in N, j in J]: Real;
        param    weight: Simplex[2];   param slope[k in 0..2]: Real;   param v[k in 0..2]: Positive(min: 1e-6);
        param    s2: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        latent   b[n in N] ~ Normal(slope[z[n]], var: v[z[n]]);
        observed y[n in N, j in J] ~ Normal(x[n, j] * b[n], var: s2);
    }
}
model! {
    /// Units over two plates, ragged.
    pub mod visits {
        param    m: Real;   param v: Positive;
        latent   b[s in S, t in T[s]] ~ Normal(m, var: v);
        observed y[s in S, t in T[s]] ~ Normal(b[s, t], var: 1);
    }
}
model! {
    /// Nothing is known of an effect but what its data say.
    pub mod flat_effects {
        given    unit[r in R]: Category[J];
        param    s2: Positive;
        latent   b[j in J]: Real ~ Flat();
        observed y[r in R] ~ Normal(b[unit[r]], var: s2);
    }
}

fn made(n: usize, d: usize, h: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let f = DMatrix::from_fn(n, h, |_, _| g.normal());
    let noise = DMatrix::from_fn(n, d, |_, j| g.normal() * (0.3 + 0.1 * j as f64));
    f * w.transpose() + noise.map_with_location(|_, j, x| x + 1.5 * j as f64)
}

#[test]
fn slopes_of_units_are_integrated_out() {
    let mut g = Noise::new(11);
    let x = DMatrix::from_fn(25, 4, |_, _| g.normal() + 1.0);
    let b: Vec<f64> = (0..25).map(|_| 2.0 + 0.7 * g.normal()).collect();
    let y = DMatrix::from_fn(25, 4, |n, j| b[n] * x[(n, j)] - 1.0 + 0.4 * g.normal());
    let data = slopes::Data { x: (&x).into(), y: (&y).into() };
    let fit = slopes::Model::new().fit(&data, &Options::new().max_iterations(400)).unwrap();
    let p = &fit.params;
    let by_hand: f64 = (0..25)
        .map(|n| {
            let z = x.row(n).transpose();
            let cov = &z * z.transpose() * p.v + DMatrix::identity(4, 4) * p.s2;
            mv_normal(y.row(n).transpose().as_slice(), &z.map(|z| z * p.m + p.a), &cov)
        })
        .sum();
    exact(&fit, &data, by_hand);
    let z = x.row(3).transpose();
    let precision = 1.0 / p.v + z.norm_squared() / p.s2;
    close(fit.posterior.b[3].var(), 1.0 / precision, 1e-11);
    let right = p.m / p.v + z.dot(&y.row(3).transpose().map(|y| y - p.a)) / p.s2;
    close(fit.posterior.b[3].mean(), right / precision, 1e-11);
}

#[test]
fn dense_noise_and_two_sets_of_columns_are_one_normal() {
    let all = made(50, 5, 2, 13);
    let x = all.columns(0, 3).into_owned();
    let y = all.columns(3, 2).into_owned();
    let data = inter_battery::Data { x: (&x).into(), y: (&y).into() };
    let fit = inter_battery::Model::new(1).fit(&data, &Options::new().max_iterations(80)).unwrap();
    let p = &fit.params;
    let mut w = DMatrix::zeros(5, 1);
    w.rows_mut(0, 3).copy_from(&p.W);
    w.rows_mut(3, 2).copy_from(&p.V);
    let mut cov = &w * w.transpose();
    for i in 0..3 {
        (0..3).for_each(|j| cov[(i, j)] += p.S[(i, j)]);
    }
    for i in 0..2 {
        (0..2).for_each(|j| cov[(3 + i, 3 + j)] += p.R[(i, j)]);
    }
    let mu = DVector::from_iterator(5, p.mu.iter().chain(p.nu.iter()).copied());
    let by_hand: f64 = (0..50).map(|n| mv_normal(all.row(n).transpose().as_slice(), &mu, &cov)).sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn counties_of_radon_have_the_known_likelihood() {
    let path = format!("{}/data/radon.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (mut names, mut county, mut floor, mut y) = (vec![], vec![], vec![], vec![]);
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if !names.contains(&cells[1]) {
            names.push(cells[1]);
        }
        county.push(names.iter().position(|n| *n == cells[1]).unwrap());
        floor.push(cells[0].parse::<f64>().unwrap());
        y.push(cells[2].parse::<f64>().unwrap());
    }
    assert_eq!((y.len(), names.len()), (919, 85));
    let data = counties::Data { county: (&county).into(), floor: (&floor).into(), y: (&y).into() };
    let options = Options::new().max_iterations(5000).tolerance(1e-13);
    let fit = counties::Model::new().fit(&data, &options).unwrap();
    close(fit.log_likelihood(), -1_044.853_399_41, 1e-9);
    close(fit.params.mu, 1.491_969_533, 1e-5);
    close(fit.params.slope, -0.662_547_657, 1e-5);
    close(fit.params.tau2, 0.097_218_564_3, 1e-4);
    close(fit.params.s2, 0.526_157_410_7, 1e-5);
    close(fit.posterior.effect[0].mean(), -0.259_834_423, 1e-4);
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn a_mixture_of_factor_analysers_is_a_mixture_of_normals() {
    let mut g = Noise::new(23);
    let base = made(90, 4, 1, 21);
    let x = DMatrix::from_fn(90, 4, |n, d| base[(n, d)] + if n % 2 == 0 { 6.0 } else { 0.5 * g.normal() });
    let data = mixture_of_factors::Data { x: (&x).into() };
    let options = Options::new().max_iterations(80).seed(2);
    let fit = mixture_of_factors::Model::new(2, 1).fit(&data, &options).unwrap();
    let p = &fit.params;
    let laws: Vec<DMatrix<f64>> = (0..2)
        .map(|k| &p.W[k] * p.W[k].transpose() + DMatrix::from_diagonal(&DVector::from_column_slice(&p.psi)))
        .collect();
    let mut by_hand = 0.0;
    for n in 0..90 {
        let row = x.row(n).transpose();
        let joint: Vec<f64> =
            (0..2).map(|k| p.weight[k].ln() + mv_normal(row.as_slice(), &p.mu[k], &laws[k])).collect();
        let top = joint[0].max(joint[1]);
        let total = top + joint.iter().map(|j| (j - top).exp()).sum::<f64>().ln();
        by_hand += total;
        let mut mean = 0.0;
        for k in 0..2 {
            let r = (joint[k] - total).exp();
            close(fit.posterior.z.probs(n)[k], r, 1e-9);
            let gain = p.W[k].transpose() * laws[k].clone().try_inverse().unwrap();
            mean += r * (gain * (&row - &p.mu[k]))[0];
        }
        close(fit.posterior.f[n].mean()[0], mean, 1e-9);
    }
    exact(&fit, &data, by_hand);
    let mut turned = fit.clone();
    turned.relabel(&[1, 0]).unwrap();
    assert!((turned.posterior.f[5].mean() - fit.posterior.f[5].mean()).norm() < 1e-14);
    assert_eq!(turned.posterior.f[5].law().unwrap().weights()[0], fit.posterior.z.probs(5)[1]);
}

#[test]
fn effects_of_a_mixture_are_a_mixture_of_dense_normals() {
    let mut g = Noise::new(29);
    let x = DMatrix::from_fn(40, 3, |_, _| 1.0 + g.normal());
    let y = DMatrix::from_fn(40, 3, |n, j| {
        let b = if n % 3 == 0 { 4.0 } else { -1.0 };
        (b + 0.4 * ((n * 7 % 5) as f64 - 2.0)) * x[(n, j)] + 0.3 * g.normal()
    });
    let data = mixed_effects::Data { x: (&x).into(), y: (&y).into() };
    let fit = mixed_effects::Model::new().fit(&data, &Options::new().max_iterations(200)).unwrap();
    let p = &fit.params;
    let by_hand: f64 = (0..40)
        .map(|n| {
            let (u, v) = (x.row(n).transpose(), y.row(n).transpose());
            let joint: Vec<f64> = (0..2)
                .map(|k| {
                    let cov = &u * u.transpose() * p.v[k] + DMatrix::identity(3, 3) * p.s2;
                    p.weight[k].ln() + mv_normal(v.as_slice(), &(&u * p.slope[k]), &cov)
                })
                .collect();
            let top = joint[0].max(joint[1]);
            top + joint.iter().map(|j| (j - top).exp()).sum::<f64>().ln()
        })
        .sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn units_may_stand_on_a_ragged_plate() {
    let y = vec![vec![1.0, 4.0, -2.0], vec![], vec![0.5, 6.0]];
    let data = visits::Data { y: (&y).into() };
    let fit = visits::Model::new().fit(&data, &Options::new().max_iterations(500)).unwrap();
    let p = &fit.params;
    let by_hand: f64 = y
        .iter()
        .flatten()
        .map(|y| mv_normal(&[*y], &DVector::from_element(1, p.m), &DMatrix::from_element(1, 1, p.v + 1.0)))
        .sum();
    exact(&fit, &data, by_hand);
    close(fit.posterior.b[2][1].mean(), (p.m / p.v + 6.0) / (1.0 / p.v + 1.0), 1e-11);
}

#[test]
fn an_effect_that_nothing_determines_is_named() {
    let (unit, y) = (vec![0_usize, 0, 2, 2], vec![1.0, 2.0, 4.0, 6.0]);
    let data = flat_effects::Data { unit: (&unit).into(), y: (&y).into() };
    let model = flat_effects::Model::new();
    let error = model.infer(&data, &flat_effects::Params { s2: 1.0 }).unwrap_err();
    assert!(matches!(&error, vi_core::Error::Improper { element, .. } if element == "b[1]"), "{error}");
    let unit = vec![0_usize, 0, 1, 1];
    let data = flat_effects::Data { unit: (&unit).into(), y: (&y).into() };
    let fit = model.infer(&data, &flat_effects::Params { s2: 2.0 }).unwrap();
    close(fit.posterior.b[1].mean(), 5.0, 1e-13);
    close(fit.posterior.b[1].var(), 1.0, 1e-13);
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}
