//! Numbers that others read and that may be missing: missing regressors, gaps in autoregressions, paths with holes, against one dense Normal.

use nalgebra::{DMatrix, DVector};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Known};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    /// A regressor that is missing here and there, and so is what it explains; a path of three.
    pub mod path {
        param    mu: Real;   param v: Positive;
        param    a: Real;    param c: Real;   param r: Positive;
        param    b: Real;    param d: Real;   param s: Positive;
        observed x[n in N]: Real? ~ Normal(mu, var: v);
        observed m[n in N]: Real? ~ Normal(a * x[n] + c, var: r);
        observed y[n in N]: Real? ~ Normal(b * m[n] + d * x[n], var: s);
    }
}
model! {
    /// Regressors with one covariance.
    pub mod regressors {
        param    mu: Vector[D];   param S: SymPos[D];
        param    b: Vector[D];    param c: Real;   param s2: Positive;
        observed x[n in N]: Vector[D]? ~ Normal(mu, cov: S);
        observed y[n in N]: Real?      ~ Normal(dot(b, x[n]) + c, var: s2);
    }
}
model! {
    /// An autoregression of the data themselves, with gaps.
    pub mod auto {
        param    a: Real;   param q: Positive;
        observed y[0]: Real?         ~ Normal(1, var: 4);
        observed y[t in 1..T]: Real? ~ Normal(a * y[t-1], var: q);
    }
}
model! {
    /// Of order two, in several sequences, with a level.
    pub mod second {
        param    a: Real;   param b: Real;   param c: Real;   param q: Positive;
        for s in S {
            observed y[s, 0]: Real?            ~ Normal(0, var: 4);
            observed y[s, 1]: Real?            ~ Normal(0, var: 4);
            observed y[s, t in 2..T[s]]: Real? ~ Normal(a * y[s, t-1] + b * y[s, t-2] + c, var: q);
        }
    }
}
model! {
    /// Vectors that follow one another.
    pub mod vectors {
        param    A: Matrix[D, D];   param Q: SymPos[D];
        observed y[0]: Vector[D]?         ~ Normal(0, var: 3);
        observed y[t in 1..T]: Vector[D]? ~ Normal(A * y[t-1], cov: Q);
    }
}

model! {
    /// Of each group one number is known or not, which all of its rows read.
    pub mod groups {
        given    g[n in N]: Category[J];
        param    mu: Real;   param v: Positive;   param b: Real;   param s: Positive;
        observed x[j in J]: Real? ~ Normal(mu, var: v);
        observed y[n in N]        ~ Normal(b * x[g[n]], var: s);
    }
}
model! {
    /// Slopes with a prior, beside regressors that are missing.
    pub mod slopes {
        param    v: Positive;   param s: Positive;
        latent   b ~ Normal(0, var: 4);
        latent   c ~ Normal(0, var: 4);
        observed x[n in N]: Real? ~ Normal(0, var: v);
        observed y[n in N]: Real? ~ Normal(b * x[n] + c, var: s);
    }
}
model! {
    /// Kinds of units, each with a regression of its own on what may be missing.
    pub mod kinds(K) {
        param    w: Simplex[K];   param mu[k in K]: Real;   param v[k in K]: Positive;   param b[k in K]: Real;   param s: Positive;
        latent   z[n in N] ~ Categorical(w);
        observed x[n in N]: Real? ~ Normal(mu[z[n]], var: v[z[n]]);
        observed y[n in N]: Real? ~ Normal(b[z[n]] * x[n], var: s);
    }
}
model! {
    /// A state that is seen exactly now and then, and with noise always.
    pub mod seen_state {
        param    phi: Real;   param q: Positive;   param r: Positive;
        observed x[0]: Real?         ~ Normal(0, var: 2);
        observed x[t in 1..T]: Real? ~ Normal(phi * x[t-1], var: q);
        observed y[t in T]: Real?    ~ Normal(x[t], var: r);
    }
}

model! {
    /// Differences of numbers of which some are known: what joins them all is no unit.
    pub mod differences {
        given    a[e in E]: Category[P];   given b[e in E]: Category[P];
        param    v: Positive;   param s: Positive;
        observed x[p in P]: Real? ~ Normal(1, var: v);
        observed d[e in E]: Real? ~ Normal(x[a[e]] - x[b[e]], var: s);
    }
}

model! {
    /// What is seen of a factor is read once more, and may be missing.
    pub mod mediator {
        param    k: Real;   param s: Positive;   param r: Positive;
        latent   f[n in N]        ~ Normal(0, var: 1);
        observed u[n in N]: Real? ~ Normal(f[n], var: s);
        observed w[n in N]: Real? ~ Normal(k * u[n] + f[n], var: r);
    }
}

/// A third or so is missing.
fn holes(x: &[f64], g: &mut Noise) -> Vec<f64> {
    x.iter().map(|x| if g.below(3) == 0 { f64::NAN } else { *x }).collect()
}

fn seen(vars: &[usize], values: &[f64]) -> Vec<(usize, f64)> {
    vars.iter().copied().zip(values.iter().copied()).filter(|x| !x.1.is_nan()).collect()
}

/// A law of the posterior is that of the dense Normal; what is known has no variance.
#[track_caller]
fn is_law(found: &Marginal<vi_core::posterior::Normal>, known: &Known, v: usize) {
    close(found.mean(), known.mean(v), 1e-10);
    assert!(
        (found.var() - known.var(v)).abs() < 1e-10 * (1.0 + known.var(v)),
        "{} {}",
        found.var(),
        known.var(v)
    );
}

/// Numeric slopes of a function of params are 0 at its maximum.
#[track_caller]
fn at_maximum(at: &[f64], f: impl Fn(&[f64]) -> f64) {
    for k in 0..at.len() {
        let h = 1e-5 * (1.0 + at[k].abs());
        let moved = |by: f64| {
            let mut p = at.to_vec();
            p[k] += by;
            f(&p)
        };
        let slope = (moved(h) - moved(-h)) / (2.0 * h);
        assert!(slope.abs() < 2e-4, "{k}: {slope}");
    }
}

struct Path {
    x: Vec<f64>,
    m: Vec<f64>,
    y: Vec<f64>,
}

impl Path {
    fn made(n: usize, seed: u64) -> Path {
        let g = &mut Noise::new(seed);
        let x: Vec<f64> = (0..n).map(|_| 1.0 + 1.5 * g.normal()).collect();
        let m: Vec<f64> = x.iter().map(|x| 0.8 * x - 0.5 + 0.6 * g.normal()).collect();
        let y: Vec<f64> = x.iter().zip(&m).map(|(x, m)| 0.7 * m - 0.4 * x + 0.5 * g.normal()).collect();
        Path { x: holes(&x, g), m: holes(&m, g), y: holes(&y, g) }
    }

    fn given(&self, p: &path::Params) -> (Vec<[usize; 3]>, Known) {
        let mut dense = Dense::new();
        let at: Vec<[usize; 3]> = (0..self.x.len())
            .map(|_| {
                let x = dense.add(p.mu, &[], p.v);
                let m = dense.add(p.c, &[(x, p.a)], p.r);
                [x, m, dense.add(0.0, &[(m, p.b), (x, p.d)], p.s)]
            })
            .collect();
        let of = |k: usize| at.iter().map(|v| v[k]).collect::<Vec<_>>();
        let all = [seen(&of(0), &self.x), seen(&of(1), &self.m), seen(&of(2), &self.y)].concat();
        let known = dense.given(&all);
        (at, known)
    }
}

#[test]
fn a_path_with_holes_is_one_dense_normal_and_em_climbs_to_its_maximum() {
    for (n, seed) in [(1, 1), (40, 2), (60, 3)] {
        let path = Path::made(n, seed);
        let data = path::Data { x: (&path.x).into(), m: (&path.m).into(), y: (&path.y).into() };
        let params = path::Params { mu: 0.4, v: 2.0, a: 0.5, c: -0.2, r: 0.7, b: 0.9, d: -0.1, s: 0.4 };
        let model = path::Model::new();
        let fit = model.infer(&data, &params).unwrap();
        let (at, known) = path.given(&params);
        exact(&fit, &data, known.log_evidence);
        for (n, [x, m, _]) in at.iter().enumerate() {
            is_law(&fit.posterior.x[n], &known, *x);
            is_law(&fit.posterior.m[n], &known, *m);
        }
        let draw = &fit.draw(&data, 1, 1).unwrap()[0];
        for n in (0..n).filter(|n| !path.x[*n].is_nan()) {
            assert_eq!(draw.x[n], path.x[n]);
        }
        // What is known adds up to the objective with what is not.
        let total: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
        close(total, fit.elbo(), 1e-10);
        if n > 1 {
            let options = Options::new().tolerance(1e-14).max_iterations(20_000);
            let fit = model.fit(&data, &options).unwrap();
            monotone(&fit.trace);
            let p = &fit.params;
            at_maximum(&[p.mu, p.v, p.a, p.c, p.r, p.b, p.d, p.s], |p| {
                let [mu, v, a, c, r, b, d, s] = *p else { panic!() };
                path.given(&path::Params { mu, v, a, c, r, b, d, s }).1.log_evidence
            });
        }
    }
}

#[test]
fn missing_regressors_with_a_covariance_of_their_own() {
    let (n, d) = (60, 2);
    let g = &mut Noise::new(5);
    let mut x = DMatrix::from_fn(n, d, |_, _| g.normal());
    for i in 0..n {
        x[(i, 1)] += 0.8 * x[(i, 0)];
    }
    let y: Vec<f64> = (0..n).map(|i| x[(i, 0)] - 0.5 * x[(i, 1)] + 0.6 * g.normal()).collect();
    let y = holes(&y, g);
    let x = x.map(|v| if g.below(5) == 0 { f64::NAN } else { v });
    let data = regressors::Data { x: (&x).into(), y: (&y).into() };
    let root = DMatrix::from_fn(d, d, |i, j| if j <= i { 0.4 + 0.3 * (i + 2 * j) as f64 } else { 0.0 });
    let params = regressors::Params {
        mu: DVector::from_fn(d, |i, _| 0.1 * i as f64),
        S: &root * root.transpose(),
        b: DVector::from_vec(vec![0.7, -0.3]),
        c: 0.25,
        s2: 0.3,
    };
    let dense = |p: &regressors::Params| {
        let mut dense = Dense::new();
        let (mut all, mut at) = (vec![], vec![]);
        for i in 0..n {
            let v = dense.add_vector(p.mu.as_slice(), &vec![vec![]; d], &p.S);
            let form: Vec<(usize, f64)> = v.iter().copied().zip(p.b.iter().copied()).collect();
            let w = dense.add(p.c, &form, p.s2);
            all.extend(seen(&v, &(0..d).map(|j| x[(i, j)]).collect::<Vec<_>>()));
            all.extend(seen(&[w], &[y[i]]));
            at.push(v);
        }
        (at, dense.given(&all))
    };
    let model = regressors::Model::new();
    let fit = model.infer(&data, &params).unwrap();
    let (at, known) = dense(&params);
    exact(&fit, &data, known.log_evidence);
    for (i, v) in at.iter().enumerate() {
        let q = &fit.posterior.x[i];
        for j in 0..d {
            close(q.mean()[j], known.mean(v[j]), 1e-10);
            for k in 0..d {
                close(q.cov()[(j, k)], known.cov[(v[j], v[k])], 1e-10);
            }
        }
    }
    let fit = model.fit(&data, &Options::new().tolerance(1e-14).max_iterations(20_000)).unwrap();
    monotone(&fit.trace);
    let p = fit.params.clone();
    at_maximum(&[p.b[0], p.b[1], p.c, p.s2, p.mu[0], p.mu[1], p.S[(0, 0)], p.S[(1, 1)]], |q| {
        let mut p = p.clone();
        (p.b, p.c, p.s2) = (DVector::from_column_slice(&q[..2]), q[2], q[3]);
        (p.mu[0], p.mu[1], p.S[(0, 0)], p.S[(1, 1)]) = (q[4], q[5], q[6], q[7]);
        dense(&p).1.log_evidence
    });
}

#[test]
fn gaps_in_an_autoregression_are_integrated_out() {
    for (n, seed) in [(1, 1), (2, 2), (50, 3)] {
        let g = &mut Noise::new(seed);
        let mut x = 1.0;
        let y: Vec<f64> = (0..n)
            .map(|_| {
                x = 0.8 * x + 0.5 * g.normal();
                x
            })
            .collect();
        let y = holes(&y, g);
        let dense = |a: f64, q: f64| {
            let mut dense = Dense::new();
            let mut at: Vec<usize> = vec![];
            for t in 0..n {
                at.push(if t == 0 { dense.add(1.0, &[], 4.0) } else { dense.add(0.0, &[(at[t - 1], a)], q) });
            }
            let known = dense.given(&seen(&at, &y));
            (at, known)
        };
        let data = auto::Data { y: (&y).into() };
        let model = auto::Model::new();
        let fit = model.infer(&data, &auto::Params { a: 0.6, q: 0.3 }).unwrap();
        let (at, known) = dense(0.6, 0.3);
        exact(&fit, &data, known.log_evidence);
        for (t, v) in at.iter().enumerate() {
            is_law(&fit.posterior.y[t], &known, *v);
        }
        let said: f64 = fit.log_densities(&data).unwrap()[0].iter().map(|d| d.unwrap()).sum();
        close(said, known.log_evidence, 1e-10);
        let ahead = fit.forecast(&data, 2).unwrap();
        let mut dense_ahead = Dense::new();
        let mut last = dense_ahead.add(known.mean(at[n - 1]), &[], known.var(at[n - 1]).max(1e-300));
        for h in 0..2 {
            last = dense_ahead.add(0.0, &[(last, 0.6)], 0.3);
            let known = dense_ahead.given(&[]);
            is_law(&ahead.posterior.y[h], &known, last);
        }
        if n > 2 {
            let fit = model.fit(&data, &Options::new().tolerance(1e-14).max_iterations(20_000)).unwrap();
            monotone(&fit.trace);
            at_maximum(&[fit.params.a, fit.params.q], |p| dense(p[0], p[1]).1.log_evidence);
        }
    }
}

#[test]
fn gaps_of_several_sequences_of_order_two() {
    let g = &mut Noise::new(8);
    let y: Vec<Vec<f64>> =
        [12, 2, 7, 3].iter().map(|n| holes(&(0..*n).map(|_| g.normal()).collect::<Vec<_>>(), g)).collect();
    let data = second::Data { y: (&y).into() };
    let p = second::Params { a: 0.5, b: -0.3, c: 0.2, q: 0.8 };
    let fit = second::Model::new().infer(&data, &p).unwrap();
    let mut total = 0.0;
    for y in &y {
        let mut dense = Dense::new();
        let mut at: Vec<usize> = vec![];
        for t in 0..y.len() {
            at.push(if t < 2 {
                dense.add(0.0, &[], 4.0)
            } else {
                dense.add(p.c, &[(at[t - 1], p.a), (at[t - 2], p.b)], p.q)
            });
        }
        total += dense.given(&seen(&at, y)).log_evidence;
    }
    exact(&fit, &data, total);
    monotone(&second::Model::new().fit(&data, &Options::new()).unwrap().trace);
}

#[test]
fn gaps_in_vectors_that_follow_one_another() {
    let (n, d) = (25, 2);
    let g = &mut Noise::new(4);
    let y = DMatrix::from_fn(n, d, |_, _| if g.below(3) == 0 { f64::NAN } else { g.normal() });
    let data = vectors::Data { y: (&y).into() };
    let params = vectors::Params {
        A: DMatrix::from_row_slice(2, 2, &[0.5, 0.2, -0.3, 0.6]),
        Q: DMatrix::from_row_slice(2, 2, &[0.8, 0.3, 0.3, 0.6]),
    };
    let fit = vectors::Model::new().infer(&data, &params).unwrap();
    let mut dense = Dense::new();
    let (mut all, mut before): (Vec<(usize, f64)>, Vec<usize>) = (vec![], vec![]);
    for t in 0..n {
        before = if t == 0 {
            (0..d).map(|_| dense.add(0.0, &[], 3.0)).collect()
        } else {
            let form = |i: usize| (0..d).map(|j| (before[j], params.A[(i, j)])).collect();
            dense.add_vector(&[0.0; 2], &[form(0), form(1)], &params.Q)
        };
        all.extend(seen(&before, &[y[(t, 0)], y[(t, 1)]]));
    }
    exact(&fit, &data, dense.given(&all).log_evidence);
    monotone(&vectors::Model::new().fit(&data, &Options::new().max_iterations(200)).unwrap().trace);
}

#[test]
fn a_number_of_each_group_that_may_be_missing() {
    let (n, j) = (30, 6);
    let g = &mut Noise::new(7);
    let group: Vec<usize> = (0..n).map(|i| i % j).collect();
    let x: Vec<f64> = holes(&(0..j).map(|_| 1.0 + g.normal()).collect::<Vec<_>>(), g);
    let y: Vec<f64> = (0..n).map(|_| 1.0 + g.normal()).collect();
    let data = groups::Data { g: (&group).into(), x: (&x).into(), y: (&y).into() };
    let p = groups::Params { mu: 0.5, v: 1.5, b: 0.8, s: 0.6 };
    let fit = groups::Model::new().infer(&data, &p).unwrap();
    let mut dense = Dense::new();
    let at: Vec<usize> = (0..j).map(|_| dense.add(p.mu, &[], p.v)).collect();
    let rows: Vec<usize> = (0..n).map(|i| dense.add(0.0, &[(at[group[i]], p.b)], p.s)).collect();
    let known = dense.given(&[seen(&at, &x), seen(&rows, &y)].concat());
    exact(&fit, &data, known.log_evidence);
    for (q, v) in fit.posterior.x.iter().zip(&at) {
        is_law(q, &known, *v);
    }
    monotone(&groups::Model::new().fit(&data, &Options::new()).unwrap().trace);
}

#[test]
fn slopes_with_a_prior_take_turns_with_what_is_missing_and_are_exact_where_nothing_is() {
    let path = Path::made(40, 11);
    let p = slopes::Params { v: 2.0, s: 0.5 };
    let model = slopes::Model::new();
    let data = slopes::Data { x: (&path.x).into(), y: (&path.m).into() };
    let fit = model.infer(&data, &p).unwrap();
    honest(&fit, &data);
    // Sweeps of a textbook: q(b, c) and q(x) in turn.
    let whole: Vec<f64> = path.x.iter().map(|x| if x.is_nan() { 0.3 } else { *x }).collect();
    let data = slopes::Data { x: (&whole).into(), y: (&path.m).into() };
    let fit = model.infer(&data, &p).unwrap();
    let mut dense = Dense::new();
    let (b, c) = (dense.add(0.0, &[], 4.0), dense.add(0.0, &[], 4.0));
    let x: Vec<usize> = whole.iter().map(|_| dense.add(0.0, &[], 2.0)).collect();
    let y: Vec<usize> = whole.iter().map(|x| dense.add(0.0, &[(b, *x), (c, 1.0)], 0.5)).collect();
    let known = dense.given(&[seen(&x, &whole), seen(&y, &path.m)].concat());
    close(fit.elbo(), known.log_evidence, 1e-10);
    close(fit.posterior.b.mean(), known.mean(b), 1e-9);
    close(fit.posterior.b.var(), known.var(b), 1e-9);
}

#[test]
fn kinds_of_units_whose_regressors_are_missing_are_summed_over() {
    let path = Path::made(40, 12);
    let data = kinds::Data { x: (&path.x).into(), y: (&path.m).into() };
    let p = kinds::Params {
        w: DVector::from_vec(vec![0.3, 0.7]),
        mu: vec![0.5, 1.5],
        v: vec![0.7, 2.0],
        b: vec![0.9, -0.2],
        s: 0.4,
    };
    let model = kinds::Model::new(2);
    let fit = model.infer(&data, &p).unwrap();
    let mut total = 0.0;
    for (n, (x, y)) in path.x.iter().zip(&path.m).enumerate() {
        let each: Vec<(f64, f64)> = (0..2)
            .map(|k| {
                let mut dense = Dense::new();
                let v = dense.add(p.mu[k], &[], p.v[k]);
                let w = dense.add(0.0, &[(v, p.b[k])], p.s);
                let known = dense.given(&[seen(&[v], &[*x]), seen(&[w], &[*y])].concat());
                (p.w[k] * known.log_evidence.exp(), known.mean(v))
            })
            .collect();
        let sum: f64 = each.iter().map(|e| e.0).sum();
        total += sum.ln();
        close(fit.posterior.x[n].mean(), each.iter().map(|e| e.0 * e.1).sum::<f64>() / sum, 1e-10);
    }
    exact(&fit, &data, total);
    monotone(&model.fit(&data, &Options::new()).unwrap().trace);
}

#[test]
fn a_state_that_is_seen_now_and_then() {
    let g = &mut Noise::new(3);
    let x = holes(&(0..40).map(|_| g.normal()).collect::<Vec<_>>(), g);
    let y = holes(&(0..40).map(|_| g.normal()).collect::<Vec<_>>(), g);
    let data = seen_state::Data { x: (&x).into(), y: (&y).into() };
    let p = seen_state::Params { phi: 0.7, q: 0.5, r: 0.4 };
    let fit = seen_state::Model::new().infer(&data, &p).unwrap();
    let mut dense = Dense::new();
    let (mut at, mut rows): (Vec<usize>, Vec<usize>) = (vec![], vec![]);
    for t in 0..40 {
        at.push(if t == 0 { dense.add(0.0, &[], 2.0) } else { dense.add(0.0, &[(at[t - 1], p.phi)], p.q) });
        rows.push(dense.add(0.0, &[(at[t], 1.0)], p.r));
    }
    let known = dense.given(&[seen(&at, &x), seen(&rows, &y)].concat());
    exact(&fit, &data, known.log_evidence);
    for (t, v) in at.iter().enumerate() {
        is_law(&fit.posterior.x[t], &known, *v);
    }
    monotone(&seen_state::Model::new().fit(&data, &Options::new()).unwrap().trace);
}

#[test]
fn numbers_that_all_data_share_of_which_some_are_known() {
    for (p, e, seed) in [(5, 9, 1), (90, 300, 2)] {
        let g = &mut Noise::new(seed);
        let ends: Vec<[usize; 2]> = (0..e)
            .map(|_| {
                let (i, j) = (g.below(p), g.below(p - 1));
                [i, if j >= i { j + 1 } else { j }]
            })
            .collect();
        let (a, b): (Vec<usize>, Vec<usize>) = ends.iter().map(|[i, j]| (*i, *j)).unzip();
        let x = holes(&(0..p).map(|_| 1.0 + g.normal()).collect::<Vec<_>>(), g);
        let d = holes(&(0..e).map(|_| g.normal()).collect::<Vec<_>>(), g);
        let data = differences::Data { a: (&a).into(), b: (&b).into(), x: (&x).into(), d: (&d).into() };
        let params = differences::Params { v: 1.3, s: 0.4 };
        let model = differences::Model::new();
        let fit = model.infer(&data, &params).unwrap();
        let mut dense = Dense::new();
        let at: Vec<usize> = (0..p).map(|_| dense.add(1.0, &[], params.v)).collect();
        let rows: Vec<usize> =
            ends.iter().map(|[i, j]| dense.add(0.0, &[(at[*i], 1.0), (at[*j], -1.0)], params.s)).collect();
        let known = dense.given(&[seen(&at, &x), seen(&rows, &d)].concat());
        exact(&fit, &data, known.log_evidence);
        let (mean, var) = (fit.posterior.x.mean(), fit.posterior.x.var());
        for (i, v) in at.iter().enumerate() {
            close(mean[i], known.mean(*v), 1e-10);
            assert!((var[i] - known.var(*v)).abs() < 1e-10 * (1.0 + known.var(*v)));
        }
        monotone(&model.fit(&data, &Options::new()).unwrap().trace);
    }
}

#[test]
fn a_factor_beside_what_is_known_of_it_in_part() {
    let g = &mut Noise::new(14);
    let n = 20;
    let (u, w): (Vec<f64>, Vec<f64>) = (0..n).map(|_| (g.normal(), g.normal())).unzip();
    let (u, w) = (holes(&u, g), holes(&w, g));
    let data = mediator::Data { u: (&u).into(), w: (&w).into() };
    let p = mediator::Params { k: 0.7, s: 0.5, r: 0.3 };
    let fit = mediator::Model::new().infer(&data, &p).unwrap();
    let mut dense = Dense::new();
    let at: Vec<[usize; 3]> = (0..n)
        .map(|_| {
            let f = dense.add(0.0, &[], 1.0);
            let u = dense.add(0.0, &[(f, 1.0)], p.s);
            [f, u, dense.add(0.0, &[(u, p.k), (f, 1.0)], p.r)]
        })
        .collect();
    let of = |k: usize| at.iter().map(|v| v[k]).collect::<Vec<_>>();
    let known = dense.given(&[seen(&of(1), &u), seen(&of(2), &w)].concat());
    exact(&fit, &data, known.log_evidence);
    for (n, [f, u, _]) in at.iter().enumerate() {
        is_law(&fit.posterior.f[n], &known, *f);
        is_law(&fit.posterior.u[n], &known, *u);
    }
    monotone(&mediator::Model::new().fit(&data, &Options::new()).unwrap().trace);
}
