//! Missing coordinates of vectors under a dense covariance, beside latents whose coefficients are known, that choose their rows, or that leave no
//! bound on a likelihood; and params of another size than data say.

use super::oracle::{Move, is_maximum, sound};
use vi_core::Error;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Form};
use vi_tests::density::log_sum_exp;
use vi_tests::law::close;

model! {
    pub mod effects {
        given    g[n in N]: Category[G];   given x[n in N]: Vector[P];
        param    B: Matrix[D, P];   param T: SymPos[D];   param S: SymPos[D];
        latent   a[k in G]: Vector[D] ~ Normal(0, cov: T);
        observed y[n in N]: Vector[D]? ~ Normal(B * x[n] + a[g[n]], cov: S);
    }
}
model! {
    pub mod walk {
        param    a: Real;
        latent   prec: SymPos[D]         ~ Wishart(dof: D + 3, scale: 0.3);
        latent   x[0]: Vector[D]         ~ Normal(0, var: 1);
        latent   x[t in 1..T]: Vector[D] ~ Normal(a * x[t-1], var: 1);
        observed y[t in T]: Vector[D]?   ~ Normal(x[t], prec: prec);
    }
}
model! {
    pub mod switching(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    a[k in K]: Real;     param C: Vector[D];   param R[k in K]: SymPos[D];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a[z[t]] * x[t-1], var: 1);
        observed y[t in T]: Vector[D]? ~ Normal(C * x[t], cov: R[z[t]]);
    }
}
model! {
    pub mod views(H) {
        given    u[n in N]: Vector[P];
        param    W: Matrix[D, H];   param V: Matrix[E, H];   param B: Matrix[D, P];
        param    S: SymPos[D];      param R: SymPos[E];      param m: Vector[E];
        latent   f[n in N]: Vector[H]  ~ Normal(0, var: 1);
        observed x[n in N]: Vector[D]? ~ Normal(W * f[n] + B * u[n], cov: S);
        observed y[n in N]: Vector[E]? ~ Normal(V * f[n] + m, cov: R);
    }
}
model! {
    pub mod months(M) {
        given    m[t in T]: Category[M];
        param    c[m in M]: Real;   param q: Positive;   param r[m in M]: Positive;
        latent   x[0]         ~ Normal(0, var: 5);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]: Real? ~ Normal(x[t] + c[m[t]], var: r[m[t]]);
    }
}

/// Rows of which a quarter of the entries is missing, and all of row 4.
fn gappy(g: &mut Noise, n: usize, d: usize, value: impl Fn(usize, usize, &mut Noise) -> f64) -> DMatrix<f64> {
    DMatrix::from_fn(n, d, |i, j| if g.unit() < 0.25 || i == 4 { f64::NAN } else { value(i, j, g) })
}

/// A row of data whose coordinates have these forms.
fn see(
    d: &mut Dense,
    y: &DMatrix<f64>,
    n: usize,
    (mean, forms): (&[f64], &[Form]),
    cov: &DMatrix<f64>,
) -> Form {
    let at = d.add_vector(mean, forms, cov);
    (0..at.len()).filter(|j| !y[(n, *j)].is_nan()).map(|j| (at[j], y[(n, j)])).collect()
}

fn tilt(m: &mut DMatrix<f64>, h: f64) {
    m[(0, 1)] += h;
    m[(1, 0)] += h;
}

#[test]
fn a_covariance_beside_effects_of_groups_is_at_its_maximum() {
    let mut g = Noise::new(48);
    let (n, d, groups) = (24, 2, 5);
    let group: Vec<usize> = (0..n).map(|i| [0, 1, 2, 4][i % 4]).collect();
    let x = DMatrix::from_fn(n, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let effects: Vec<Vec<f64>> = (0..groups).map(|_| g.normals(d)).collect();
    let y = gappy(&mut g, n, d, |i, j, g| effects[group[i]][j] + x[(i, 1)] + 0.5 * g.normal());
    let data = effects::Data { g: (&group).into(), x: (&x).into(), y: (&y).into() };
    let by_hand = |p: &effects::Params| {
        let mut dense = Dense::new();
        let a: Vec<Vec<usize>> =
            (0..groups).map(|_| dense.add_vector(&[0.0; 2], &[vec![], vec![]], &p.T)).collect();
        let mut seen = vec![];
        for i in 0..n {
            let mean = &p.B * x.row(i).transpose();
            let forms: Vec<Form> = (0..d).map(|j| vec![(a[group[i]][j], 1.0)]).collect();
            seen.extend(see(&mut dense, &y, i, (mean.as_slice(), &forms), &p.S));
        }
        dense.given(&seen).log_evidence
    };
    let options = Options::new().tolerance(1e-14).max_iterations(3000);
    let fit = sound(&data, &options, |o| effects::Model::new().fit(&data, o));
    close(fit.log_likelihood(), by_hand(&fit.params), 1e-9);
    let moves: [Move<'_, effects::Params>; 4] =
        [&|p, h| p.B[(0, 1)] += h, &|p, h| tilt(&mut p.S, h), &|p, h| p.S[(1, 1)] += h, &|p, h| {
            tilt(&mut p.T, h)
        }];
    is_maximum(&fit.params, by_hand, &moves);
}

#[test]
fn a_precision_with_a_law_of_its_own_beside_a_walk_climbs_below_the_evidence() {
    let mut g = Noise::new(11);
    let (t, d) = (8, 2);
    let y = gappy(&mut g, t, d, |_, _, g| g.normal());
    let data = walk::Data { y: (&y).into() };
    let options = Options::new().tolerance(1e-14).max_iterations(3000);
    let fit = sound(&data, &options, |o| walk::Model::new().fit(&data, o));
    // The evidence by precisions drawn from their prior, as sums of squares of Normals.
    let one = |g: &mut Noise| {
        let rows = DMatrix::from_fn(5, d, |_, _| 0.3_f64.sqrt() * g.normal());
        let cov = (rows.transpose() * rows).try_inverse()?;
        let mut dense = Dense::new();
        let (mut x, mut seen) = (vec![], vec![]);
        for i in 0..t {
            let before = |j: usize| if i == 0 { vec![] } else { vec![(x[(i - 1) * d + j], fit.params.a)] };
            let now: Vec<usize> = (0..d).map(|j| dense.add(0.0, &before(j), 1.0)).collect();
            let forms: Vec<Form> = now.iter().map(|v| vec![(*v, 1.0)]).collect();
            x.extend(now);
            seen.extend(see(&mut dense, &y, i, (&[0.0; 2], &forms), &cov));
        }
        Some(dense.given(&seen).log_evidence)
    };
    let draws: Vec<f64> = (0..4000).filter_map(|_| one(&mut g)).collect();
    let evidence = log_sum_exp(&draws) - (draws.len() as f64).ln();
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 2.0, "{} and {evidence}", fit.elbo());
}

#[test]
fn regimes_with_covariances_of_their_own_stay_below_the_sum_over_paths() {
    let mut g = Noise::new(10);
    for t in [1, 5, 9] {
        let y = gappy(&mut g, t, 2, |_, _, g| g.normal());
        let data = switching::Data { y: (&y).into() };
        let p = switching::Params {
            start: g.weights(2),
            trans: g.rows(2, 2),
            a: vec![0.9, -0.4],
            C: DVector::from_vec(vec![1.0, 0.6]),
            R: (0..2).map(|_| g.sym_pos(2)).collect(),
        };
        let path = |p: &switching::Params, z: &[usize]| {
            let mut dense = Dense::new();
            let (mut x, mut seen): (Vec<usize>, Form) = (vec![], vec![]);
            let mut log = 0.0;
            for (i, k) in z.iter().enumerate() {
                log += if i == 0 { p.start[*k] } else { p.trans[z[i - 1]][*k] }.ln();
                let before = x.last().map(|v| (*v, p.a[*k]));
                x.push(dense.add(0.0, before.as_slice(), 1.0));
                let forms: Vec<Form> = p.C.iter().map(|c| vec![(x[i], *c)]).collect();
                seen.extend(see(&mut dense, &y, i, (&[0.0; 2], &forms), &p.R[*k]));
            }
            log + dense.given(&seen).log_evidence
        };
        let by_hand = |p: &switching::Params| super::oracle::enumerate(t, 2, |z| path(p, z)).evidence;
        let model = switching::Model::new(2);
        let known = model.infer(&data, &p).unwrap();
        assert!(known.elbo() <= by_hand(&p) + 1e-10 && known.elbo() > by_hand(&p) - 1.0);
        if t == 9 {
            let options = Options::new().max_iterations(3).tolerance(0.0);
            let fit = sound(&data, &options, |o| model.fit_from(&data, Start::Params(p.clone()), o));
            assert!(fit.elbo() <= by_hand(&fit.params) + 1e-10);
        }
    }
}

#[test]
fn two_covariances_that_vanish_together_are_a_likelihood_without_a_bound() {
    let mut g = Noise::new(36);
    let (n, d, e) = (25, 3, 2);
    let u = DMatrix::from_fn(n, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let f: Vec<Vec<f64>> = (0..n).map(|_| g.normals(2)).collect();
    let missing = |g: &mut Noise, i: usize, to: usize| g.unit() < 0.2 || (4..to).contains(&i);
    let x = DMatrix::from_fn(n, d, |i, j| {
        if missing(&mut g, i, 5) { f64::NAN } else { f[i][j % 2] + u[(i, 1)] + 0.5 * g.normal() }
    });
    let y = DMatrix::from_fn(n, e, |i, _| {
        if missing(&mut g, i, 6) { f64::NAN } else { f[i][0] - f[i][1] + 0.5 * g.normal() + 2.0 }
    });
    let data = views::Data { u: (&u).into(), x: (&x).into(), y: (&y).into() };
    let matrix = |g: &mut Noise, rows: usize| DMatrix::from_fn(rows, 2, |_, _| g.normal());
    let p = views::Params {
        W: matrix(&mut g, d),
        V: matrix(&mut g, e),
        B: matrix(&mut g, d),
        S: g.sym_pos(d),
        R: g.sym_pos(e),
        m: DVector::from_vec(g.normals(e)),
    };
    let model = views::Model::new(2);
    // What is missing of a row has a joint law.
    let known = model.infer(&data, &p).unwrap();
    for i in 0..n {
        let mut dense = Dense::new();
        let f = [dense.add(0.0, &[], 1.0), dense.add(0.0, &[], 1.0)];
        let forms = |m: &DMatrix<f64>| -> Vec<Form> {
            m.row_iter().map(|r| vec![(f[0], r[0]), (f[1], r[1])]).collect()
        };
        let at = dense.add_vector((&p.B * u.row(i).transpose()).as_slice(), &forms(&p.W), &p.S);
        let mut seen: Form = (0..d).filter(|j| !x[(i, *j)].is_nan()).map(|j| (at[j], x[(i, j)])).collect();
        seen.extend(see(&mut dense, &y, i, (p.m.as_slice(), &forms(&p.V)), &p.R));
        let by_hand = dense.given(&seen);
        let gone: Vec<usize> = (0..d).filter(|j| x[(i, *j)].is_nan()).collect();
        let Some(cov) = known.posterior.x.cov([i]) else {
            assert!(gone.is_empty());
            continue;
        };
        for (a, j) in gone.iter().enumerate() {
            for (b, k) in gone.iter().enumerate() {
                close(cov[(a, b)], by_hand.cov[(at[*j], at[*k])], 1e-10);
            }
        }
    }
    let options = Options::new().tolerance(0.0).max_iterations(3000);
    let error = model.fit_from(&data, Start::Params(p), &options).unwrap_err();
    assert!(matches!(error, Error::Unbounded { .. }), "{error}");
}

#[test]
fn params_of_another_size_are_refused_before_anything_reads_them() {
    let data = months::Data { m: (&[0, 1, 3]).into(), y: (&[1.0, 2.0, 3.0]).into() };
    let model = months::Model::new(4);
    for (c, r) in [(3, 4), (4, 3), (5, 4), (2, 2)] {
        let p = months::Params { c: vec![0.0; c], r: vec![1.0; r], q: 0.5 };
        let options = Options::new();
        let errors = [
            model.infer(&data, &p).unwrap_err(),
            model.fit_from(&data, Start::Params(p.clone()), &options).unwrap_err(),
            model.accumulate(&data, &p).unwrap_err(),
            model.simulate(&p, &data, 1).unwrap_err(),
        ];
        let wrong = if c == 4 { format!("r has {r} entries") } else { format!("c has {c} entries") };
        for e in errors {
            assert_eq!(e.to_string(), format!("{wrong} but M is 4"));
        }
    }
}
