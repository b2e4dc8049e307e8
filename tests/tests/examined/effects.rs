//! Effects of groups, crossed and correlated, and factors of units: each as one dense Normal.

use super::oracle::{Move, is_maximum, sound};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::density::{log_sum_exp, mv_normal};
use vi_tests::law::close;

model! {
    pub mod correlated {
        given    group[n in N]: Category[J];
        given    x[n in N]: Vector[P];
        param    mu: Vector[P];   param cov: SymPos[P];   param s2: Positive;
        latent   b[j in J] ~ Normal(mu, cov: cov);
        observed y[n in N]: Real? ~ Normal(dot(b[group[n]], x[n]), var: s2);
    }
}
model! {
    pub mod crossed {
        given    i[n in N]: Category[I];   given j[n in N]: Category[J];
        param    mu: Real;   param a2: Positive;   param b2: Positive;   param s2: Positive;
        latent   a[i in I] ~ Normal(0, var: a2);
        latent   b[j in J] ~ Normal(0, var: b2);
        observed y[n in N]: Real? ~ Normal(mu + a[i[n]] + b[j[n]], var: s2);
    }
}
model! {
    pub mod analysers(K, H) {
        given  c[n in N]: Count;
        param  weight: Simplex[K];        param W[k in K]: Matrix[D, H];
        param  mu[k in K]: Vector[D];     param psi[d in D]: Positive;
        for n in N repeat c[n] {
            latent   z[n] ~ Categorical(weight);
            latent   f[n]: Vector[H] ~ Normal(0, var: 1);
            observed x[n]: Vector[D]? ~ Normal(W[z[n]] * f[n] + mu[z[n]], var: psi);
        }
    }
}

model! {
    pub mod restricted {
        given    i[n in N]: Category[I];   given j[n in N]: Category[J];   given x[n in N]: Vector[P];
        param    a2: Positive;   param b2: Positive;   param s2: Positive;
        latent   beta: Vector[P] ~ Flat();
        latent   a[k in I]       ~ Normal(0, var: a2);
        latent   b[k in J]       ~ Normal(0, var: b2);
        observed y[n in N]: Real? ~ Normal(dot(beta, x[n]) + a[i[n]] + b[j[n]], var: s2);
    }
}

fn seen(at: &[usize], y: &[f64]) -> Vec<(usize, f64)> {
    at.iter().zip(y).filter(|(_, y)| !y.is_nan()).map(|(a, y)| (*a, *y)).collect()
}

fn members(g: &mut Noise, n: usize, groups: usize) -> Vec<usize> {
    (0..n).map(|t| if t == 0 { groups - 1 } else { g.below(groups) }).collect()
}

#[test]
fn intercepts_and_slopes_that_vary_together_are_one_dense_normal() {
    let mut g = Noise::new(3);
    for (groups, width, n) in [(6, 2, 40), (1, 1, 3), (4, 3, 5), (5, 2, 1)] {
        let group = members(&mut g, n, groups);
        let x = DMatrix::from_fn(n, width, |_, i| if i == 0 { 1.0 } else { g.normal() });
        let effects: Vec<Vec<f64>> = (0..groups).map(|_| g.normals(width)).collect();
        let y: Vec<f64> = (0..n)
            .map(|i| {
                let mean: f64 = (0..width).map(|k| x[(i, k)] * (1.0 + effects[group[i]][k])).sum();
                if i % 5 == 4 { f64::NAN } else { mean + 0.5 * g.normal() }
            })
            .collect();
        let data = correlated::Data { group: (&group).into(), x: (&x).into(), y: (&y).into() };
        let dense = |p: &correlated::Params| {
            let mut d = Dense::new();
            let none = vec![vec![]; width];
            let b: Vec<_> = (0..groups).map(|_| d.add_vector(p.mu.as_slice(), &none, &p.cov)).collect();
            let row =
                |i: usize| -> Vec<(usize, f64)> { (0..width).map(|k| (b[group[i]][k], x[(i, k)])).collect() };
            let o: Vec<usize> = (0..n).map(|i| d.add(0.0, &row(i), p.s2)).collect();
            (d.given(&seen(&o, &y)), b)
        };
        let p =
            correlated::Params { mu: DVector::from_vec(g.normals(width)), cov: g.sym_pos(width), s2: 0.6 };
        let fit = correlated::Model::new().infer(&data, &p).unwrap();
        let (known, b) = dense(&p);
        close(fit.log_likelihood(), known.log_evidence, 1e-11);
        for (q, b) in fit.posterior.b.iter().zip(&b) {
            (0..width).for_each(|l| close(q.mean()[l], known.mean[b[l]], 1e-10));
            (0..width).for_each(|l| close(q.cov()[(l, 0)], known.cov[(b[l], b[0])], 1e-10));
        }
        if n == 40 {
            let options = Options::new().tolerance(1e-13).max_iterations(3000);
            let fit = sound(&data, &options, |o| correlated::Model::new().fit(&data, o));
            let moves: [Move<'_, correlated::Params>; 4] =
                [&|p, h| p.mu[1] += h, &|p, h| p.s2 += h, &|p, h| p.cov[(0, 0)] += h, &|p, h| {
                    p.cov[(0, 1)] += h;
                    p.cov[(1, 0)] += h;
                }];
            is_maximum(&fit.params, |p| dense(p).0.log_evidence, &moves);
        }
    }
}

#[test]
fn crossed_effects_are_one_dense_normal() {
    let mut g = Noise::new(14);
    for (ni, nj, n) in [(4, 5, 30), (1, 1, 4), (6, 2, 7)] {
        let (i, j) = (members(&mut g, n, ni), members(&mut g, n, nj));
        let y: Vec<f64> = (0..n)
            .map(|t| if t % 9 == 8 { f64::NAN } else { i[t] as f64 - 0.7 * j[t] as f64 + g.normal() })
            .collect();
        let data = crossed::Data { i: (&i).into(), j: (&j).into(), y: (&y).into() };
        let by_hand = |p: &crossed::Params| {
            let mut d = Dense::new();
            let a: Vec<usize> = (0..ni).map(|_| d.add(0.0, &[], p.a2)).collect();
            let b: Vec<usize> = (0..nj).map(|_| d.add(0.0, &[], p.b2)).collect();
            let o: Vec<usize> =
                (0..n).map(|t| d.add(p.mu, &[(a[i[t]], 1.0), (b[j[t]], 1.0)], p.s2)).collect();
            d.given(&seen(&o, &y)).log_evidence
        };
        let model = crossed::Model::new();
        let p = crossed::Params { mu: 0.2, a2: 1.2, b2: 0.6, s2: 0.8 };
        close(model.infer(&data, &p).unwrap().log_likelihood(), by_hand(&p), 1e-11);
        if n == 30 {
            let options = Options::new().tolerance(1e-13).max_iterations(3000);
            let fit = sound(&data, &options, |o| model.fit(&data, o));
            close(fit.log_likelihood(), by_hand(&fit.params), 1e-11);
            let moves: [Move<'_, crossed::Params>; 4] =
                [&|p, h| p.mu += h, &|p, h| p.a2 += h, &|p, h| p.b2 += h, &|p, h| p.s2 += h];
            is_maximum(&fit.params, by_hand, &moves);
        }
    }
}

#[test]
fn effects_beside_coefficients_without_a_prior_have_the_restricted_likelihood_wherever_the_data_lie() {
    let mut g = Noise::new(5);
    let n = 40;
    let (i, j): (Vec<usize>, Vec<usize>) = (0..n).map(|t| ([0, 1, 2, 4][t % 4], t % 6)).unzip();
    let x = DMatrix::from_fn(n, 2, |_, k| if k == 0 { 1.0 } else { g.normal() });
    let (a, b) = (g.normals(5), g.normals(6));
    let mut datum = |t: usize| a[i[t]] + b[j[t]] + x[(t, 1)] + 0.4 * g.normal();
    let y: Vec<f64> = (0..n).map(|t| if t % 7 == 3 { f64::NAN } else { datum(t) }).collect();
    let known = |p: &restricted::Params| {
        let mut d = Dense::new();
        let beta = [d.add_flat(), d.add_flat()];
        let a: Vec<usize> = (0..5).map(|_| d.add(0.0, &[], p.a2)).collect();
        let b: Vec<usize> = (0..6).map(|_| d.add(0.0, &[], p.b2)).collect();
        let form = |t: usize| [(beta[0], 1.0), (beta[1], x[(t, 1)]), (a[i[t]], 1.0), (b[j[t]], 1.0)];
        let o: Vec<usize> = (0..n).map(|t| d.add(0.0, &form(t), p.s2)).collect();
        (d.given(&seen(&o, &y)), beta, a)
    };
    let model = restricted::Model::new();
    for (offset, tolerance) in [(0.0, 1e-9), (1e8, 1e-6)] {
        let far: Vec<f64> = y.iter().map(|y| y + offset).collect();
        let data = restricted::Data { i: (&i).into(), j: (&j).into(), x: (&x).into(), y: (&far).into() };
        let p = restricted::Params { a2: 0.7, b2: 1.2, s2: 0.3 };
        let (by_hand, beta, a) = known(&p);
        let fit = model.infer(&data, &p).unwrap();
        close(fit.log_likelihood(), by_hand.log_evidence, tolerance);
        let q = &fit.posterior;
        close(q.beta.mean()[0] - offset, by_hand.mean(beta[0]), tolerance);
        close(q.beta.cov()[(0, 1)], by_hand.cov[(beta[0], beta[1])], tolerance);
        (0..5).for_each(|k| close(q.a.mean()[k], by_hand.mean(a[k]), tolerance));
        let options = Options::new().tolerance(1e-13).max_iterations(3000);
        let fit = sound(&data, &options, |o| model.fit(&data, o));
        let moves: [Move<'_, restricted::Params>; 3] =
            [&|p, h| p.a2 += h, &|p, h| p.b2 += h, &|p, h| p.s2 += h];
        is_maximum(&fit.params, |p| known(p).0.log_evidence, &moves);
    }
}

/// log p of each row by itself.
fn rows_by_hand(p: &analysers::Params, x: &DMatrix<f64>) -> Vec<f64> {
    let one = |n: usize| {
        let s: Vec<usize> = (0..x.ncols()).filter(|j| !x[(n, *j)].is_nan()).collect();
        let kind = |k: usize| {
            let cov =
                &p.W[k] * p.W[k].transpose() + DMatrix::from_diagonal(&DVector::from_vec(p.psi.clone()));
            let row: Vec<f64> = s.iter().map(|j| x[(n, *j)]).collect();
            let mean = DVector::from_fn(s.len(), |a, _| p.mu[k][s[a]]);
            let own = DMatrix::from_fn(s.len(), s.len(), |a, b| cov[(s[a], s[b])]);
            p.weight[k].ln() + if s.is_empty() { 0.0 } else { mv_normal(&row, &mean, &own) }
        };
        log_sum_exp(&(0..p.mu.len()).map(kind).collect::<Vec<_>>())
    };
    (0..x.nrows()).map(one).collect()
}

#[test]
fn factor_analysers_with_weights_and_holes_are_normals_of_what_is_there() {
    let mut g = Noise::new(7);
    for (k, h, d, n) in [(2, 1, 3, 40), (1, 2, 2, 16), (2, 3, 2, 20), (1, 1, 1, 5)] {
        let x = DMatrix::from_fn(n, d, |i, _| {
            if i == 1 || g.unit() < 0.2 { f64::NAN } else { (i % 2) as f64 * 4.0 + g.normal() }
        });
        let c: Vec<u64> = (0..n).map(|i| [1, 2, 0, 1][i % 4]).collect();
        let data = analysers::Data { c: (&c).into(), x: (&x).into() };
        let model = analysers::Model::new(k, h);
        let p = analysers::Params {
            weight: g.weights(k),
            W: (0..k).map(|_| DMatrix::from_fn(d, h, |_, _| g.normal())).collect(),
            mu: (0..k).map(|_| DVector::from_vec(g.normals(d))).collect(),
            psi: (0..d).map(|_| 0.5 + g.unit()).collect(),
        };
        let total = |rows: &[f64]| rows.iter().zip(&c).map(|(r, c)| r * *c as f64).sum::<f64>();
        let fit = model.infer(&data, &p).unwrap();
        let rows = rows_by_hand(&p, &x);
        close(fit.log_likelihood(), total(&rows), 1e-11);
        fit.predict(&data).unwrap().log_density.iter().zip(&rows).for_each(|(a, b)| close(*a, *b, 1e-11));
        if n == 40 {
            let options = Options::new().max_iterations(20).tolerance(0.0);
            let fit = sound(&data, &options, |o| model.fit_from(&data, Start::Params(p.clone()), o));
            close(fit.log_likelihood(), total(&rows_by_hand(&fit.params, &x)), 1e-10);
        }
    }
}
