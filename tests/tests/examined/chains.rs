//! Chains with weights, mixtures in their states, channels with holes, and states that are partly known.

use super::oracle::{Move, enumerate, is_maximum, normal, poisson, sound};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{gamma, log_sum_exp, negative_binomial, student_t};
use vi_tests::law::close;

model! {
    pub mod weighted(K, C) {
        given w[s in S]: Count;
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param mix[k in K]: Simplex[C];
        param mean[k in K, c in C]: Real;
        param s2[c in C]: Positive;
        param rate[k in K]: Positive;
        for s in S repeat w[s] {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            latent   c[s, t in T[s]]    ~ Categorical(mix[z[s, t]]);
            observed x[s, t in T[s]]: Real?  ~ Normal(mean[z[s, t], c[s, t]], var: s2[c[s, t]]);
            observed n[s, t in T[s]]: Count? ~ Poisson(rate[z[s, t]]);
        }
    }
}
model! {
    /// Steps that regressions decide, counts with more variance than their mean, and outliers.
    pub mod driven(K) {
        given    u[t in T]: Vector[P];
        param    w[i in K, j in K]: Vector[P];
        param    mean[k in K]: Real;   param s[k in K]: Positive;   param nu: Positive;
        param    mu[k in K]: Positive; param r[k in K]: Positive;
        param    a[k in K]: Positive;  param b[k in K]: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(logit: [dot(w[z[t-1], j], u[t]) for j in K]);
        observed y[t in T]: Real?     ~ StudentT(mean[z[t]], scale: s[z[t]], dof: nu);
        observed n[t in T]: Count?    ~ NegativeBinomial(mean: mu[z[t]], dispersion: r[z[t]]);
        observed g[t in T]: Positive? ~ Gamma(shape: a[z[t]], rate: b[z[t]]);
    }
}

model! {
    /// Three chains that add up.
    pub mod added(K, L, M) {
        param    a[i in K]: Simplex[K];   param b[i in L]: Simplex[L];   param c[i in M]: Simplex[M];
        param    u0[k in K]: Real;        param v0[l in L]: Real;        param w0[m in M]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   w[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1]]);
        latent   w[t in 1..T] ~ Categorical(c[w[t-1]]);
        observed y[t in T]: Real? ~ Normal(u0[u[t]] + v0[v[t]] + w0[w[t]], var: s2);
    }
}

type Rows<T> = Vec<Vec<T>>;

fn params(g: &mut Noise, k: usize, c: usize) -> weighted::Params {
    weighted::Params {
        start: g.weights(k),
        trans: g.rows(k, k),
        mix: g.rows(k, c),
        mean: (0..k).map(|_| g.normals(c)).collect(),
        s2: (0..c).map(|_| 0.5 + g.unit()).collect(),
        rate: (0..k).map(|_| 1.0 + 5.0 * g.unit()).collect(),
    }
}

fn made(g: &mut Noise, lengths: &[usize]) -> (Rows<f64>, Rows<Option<u64>>) {
    let real = |g: &mut Noise| if g.unit() < 0.3 { f64::NAN } else { 2.0 * g.normal() };
    let x = lengths.iter().map(|n| (0..*n).map(|_| real(g)).collect()).collect();
    let count = |g: &mut Noise| (g.unit() > 0.3).then(|| g.poisson(3.0));
    (x, lengths.iter().map(|n| (0..*n).map(|_| count(g)).collect()).collect())
}

fn joint(p: &weighted::Params, x: &[f64], n: &[Option<u64>], z: &[usize]) -> f64 {
    let of = |t: usize| {
        let k = z[t];
        let from = if t == 0 { p.start[k] } else { p.trans[z[t - 1]][k] };
        let kinds: Vec<f64> =
            (0..p.s2.len()).map(|c| p.mix[k][c].ln() + normal(x[t], p.mean[k][c], p.s2[c])).collect();
        from.ln() + log_sum_exp(&kinds) + poisson(n[t], p.rate[k])
    };
    (0..z.len()).map(of).sum()
}

#[test]
fn mixtures_in_the_states_of_sequences_with_weights_and_holes_are_enumerated() {
    let mut g = Noise::new(5);
    for (k, c, lengths) in [
        (3, 2, vec![4, 0, 1, 5, 3]),
        (1, 1, vec![3, 0, 1]),
        (2, 1, vec![1]),
        (1, 3, vec![4, 2]),
        (2, 2, vec![0, 3]),
    ] {
        let (x, n) = made(&mut g, &lengths);
        let w: Vec<u64> = [2, 1, 0, 1, 3].into_iter().take(lengths.len()).collect();
        let data = weighted::Data { w: (&w).into(), x: (&x).into(), n: (&n).into() };
        let p = params(&mut g, k, c);
        let fit = weighted::Model::new(k, c).infer(&data, &p).unwrap();
        let paths: Vec<_> =
            (0..x.len()).map(|s| enumerate(x[s].len(), k, |z| joint(&p, &x[s], &n[s], z))).collect();
        let total: f64 = paths.iter().zip(&w).map(|(p, w)| *w as f64 * p.evidence).sum();
        close(fit.log_likelihood(), total, 1e-11);
        // Of a sequence that counts often, or not at all, the density is that of one.
        let each = fit.predict(&data).unwrap().log_density;
        for (s, paths) in paths.iter().enumerate() {
            close(each[s], paths.evidence, 1e-11);
            if w[s] > 0 {
                for (t, m) in paths.marginals.iter().enumerate() {
                    (0..k).for_each(|k| close(fit.posterior.z[s].probs(t)[k], m[k], 1e-11));
                }
                if c == 1 && !x[s].is_empty() {
                    let path = fit.posterior.z[s].path().unwrap();
                    assert_eq!(path.states, paths.path);
                    close(path.log_joint, paths.best, 1e-11);
                }
            }
        }
    }
}

#[test]
fn a_weight_is_a_number_of_copies_of_a_sequence() {
    let mut g = Noise::new(6);
    let (x, n) = made(&mut g, &[12, 0, 9, 16, 1]);
    let w = [2_u64, 1, 1, 0, 3];
    let data = weighted::Data { w: (&w).into(), x: (&x).into(), n: (&n).into() };
    let model = weighted::Model::new(2, 2);
    let p = params(&mut g, 2, 2);
    let options = Options::new().max_iterations(10).tolerance(0.0).accelerate(false);
    let fit = sound(&data, &options, |o| model.fit_from(&data, Start::Params(p.clone()), o));
    let copies: Vec<usize> = (0..5).flat_map(|s| (0..w[s]).map(move |_| s)).collect();
    let (x, n): (Rows<f64>, Rows<Option<u64>>) =
        copies.iter().map(|s| (x[*s].clone(), n[*s].clone())).unzip();
    let once = vec![1_u64; copies.len()];
    let data = weighted::Data { w: (&once).into(), x: (&x).into(), n: (&n).into() };
    let other = model.fit_from(&data, Start::Params(p.clone()), &options).unwrap();
    fit.trace.iter().zip(&other.trace).for_each(|(a, b)| close(*a, *b, 1e-11));
    fit.params
        .mean
        .iter()
        .flatten()
        .zip(other.params.mean.iter().flatten())
        .for_each(|(a, b)| close(*a, *b, 1e-9));
}

#[test]
fn steps_that_regressions_decide_are_enumerated() {
    let mut g = Noise::new(24);
    let (k, t) = (2, 10);
    let u = DMatrix::from_fn(t, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y: Vec<f64> = (0..t).map(|t| if t == 3 { f64::NAN } else { g.normal() }).collect();
    let n: Vec<Option<u64>> = (0..t).map(|t| (t != 1).then(|| g.poisson(4.0))).collect();
    let gs: Vec<f64> = (0..t).map(|t| if t == 5 { f64::NAN } else { g.gamma(3, 1.0) }).collect();
    let data = driven::Data { u: (&u).into(), y: (&y).into(), n: (&n).into(), g: (&gs).into() };
    let model = driven::Model::new(k);
    let p = driven::Params {
        w: (0..k).map(|_| (0..k).map(|_| DVector::from_vec(g.normals(2))).collect()).collect(),
        mean: vec![-0.5, 1.0],
        s: vec![0.8, 1.3],
        nu: 4.0,
        mu: vec![2.0, 6.0],
        r: vec![3.0, 1.5],
        a: vec![2.0, 3.0],
        b: vec![1.0, 0.7],
    };
    let joint = |p: &driven::Params, z: &[usize]| {
        let of = |t: usize| {
            let k = z[t];
            let from = if t == 0 {
                0.5_f64.ln()
            } else {
                let eta: Vec<f64> = (0..2).map(|j| p.w[z[t - 1]][j].dot(&u.row(t).transpose())).collect();
                eta[k] - log_sum_exp(&eta)
            };
            let real = if y[t].is_nan() { 0.0 } else { student_t(y[t], p.nu, p.mean[k], p.s[k]) };
            let count = n[t].map_or(0.0, |n| negative_binomial(n, p.mu[k], p.r[k]));
            from + real + count + if gs[t].is_nan() { 0.0 } else { gamma(gs[t], p.a[k], p.b[k]) }
        };
        (0..t).map(of).sum::<f64>()
    };
    let by_hand = |p: &driven::Params| enumerate(t, k, |z| joint(p, z)).evidence;
    close(model.infer(&data, &p).unwrap().log_likelihood(), by_hand(&p), 1e-11);
    let options = Options::new().max_iterations(2).tolerance(0.0);
    let fit = sound(&data, &options, |o| model.fit_from(&data, Start::Params(p.clone()), o));
    close(fit.log_likelihood(), by_hand(&fit.params), 1e-10);
}

#[test]
fn a_weighted_chain_is_at_a_maximum() {
    let mut g = Noise::new(16);
    let lengths = [5, 4, 6, 3, 5, 4];
    let x: Rows<f64> =
        lengths.iter().map(|n| (0..*n).map(|t| (t / 2 % 2) as f64 * 5.0 + g.normal()).collect()).collect();
    let n: Rows<Option<u64>> = lengths
        .iter()
        .map(|n| (0..*n).map(|t| (t != 1).then(|| g.poisson([1.0, 6.0][t / 2 % 2]))).collect())
        .collect();
    let w = [1_u64, 2, 1, 0, 3, 1];
    let data = weighted::Data { w: (&w).into(), x: (&x).into(), n: (&n).into() };
    let model = weighted::Model::new(2, 1);
    let options = Options::new().tolerance(1e-13).max_iterations(2000).seed(3);
    let fit = sound(&data, &options, |o| model.fit(&data, o));
    let by_hand = |p: &weighted::Params| {
        let one = |s: usize| w[s] as f64 * enumerate(x[s].len(), 2, |z| joint(p, &x[s], &n[s], z)).evidence;
        (0..x.len()).map(one).sum::<f64>()
    };
    close(fit.log_likelihood(), by_hand(&fit.params), 1e-11);
    let moves: [Move<'_, weighted::Params>; 4] =
        [&|p, h| p.mean[0][0] += h, &|p, h| p.mean[1][0] += h, &|p, h| p.s2[0] += h, &|p, h| p.rate[1] += h];
    is_maximum(&fit.params, by_hand, &moves);
}

#[test]
fn three_chains_are_enumerated_and_data_they_explain_without_error_are_refused() {
    let mut g = Noise::new(14);
    let y: Vec<f64> = (0..4).map(|i| if i == 1 { f64::NAN } else { g.normal() }).collect();
    let data = added::Data { y: (&y).into() };
    let model = added::Model::new(2, 3, 2);
    let p = added::Params {
        a: g.rows(2, 2),
        b: g.rows(3, 3),
        c: g.rows(2, 2),
        u0: g.normals(2),
        v0: g.normals(3),
        w0: g.normals(2),
        s2: 0.7,
    };
    let parts = |z: usize| (z / 6, z / 2 % 3, z % 2);
    let joint = |z: &[usize]| {
        let of = |t: usize| {
            let (u, v, w) = parts(z[t]);
            let from = match t {
                0 => 1.0 / 12.0,
                _ => {
                    let (i, j, k) = parts(z[t - 1]);
                    p.a[i][u] * p.b[j][v] * p.c[k][w]
                }
            };
            from.ln() + normal(y[t], p.u0[u] + p.v0[v] + p.w0[w], p.s2)
        };
        (0..4).map(of).sum::<f64>()
    };
    close(model.infer(&data, &p).unwrap().log_likelihood(), enumerate(4, 12, joint).evidence, 1e-11);
    let options = Options::new().max_iterations(40).tolerance(0.0);
    let error = model.fit_from(&data, Start::Params(p.clone()), &options).unwrap_err();
    assert!(matches!(error, vi_core::Error::Unbounded { .. }), "{error}");
}
