use super::gauss::*;
use super::tools::*;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::law::{close, monotone};

fn holes(g: &mut Noise, n: usize, share: f64, f: impl Fn(usize, &mut Noise) -> f64) -> Vec<f64> {
    (0..n).map(|i| { let v = f(i, g); if g.unit() < share { f64::NAN } else { v } }).collect()
}
fn seen(at: &[usize], y: &[f64]) -> Vec<(usize, f64)> {
    at.iter().zip(y).filter(|(_, y)| !y.is_nan()).map(|(a, y)| (*a, *y)).collect()
}
fn say<T>(what: &str, r: Result<T, vi_core::Error>) -> Option<T> {
    match r { Ok(v) => { println!("{what}: ok"); Some(v) } Err(e) => { println!("{what}: {e}"); None } }
}

// ---- g1: trend, season, regression
fn g1_dense(p: &g1::Params, x: &[f64]) -> (Dense, Vec<[usize; 4]>, Vec<usize>) {
    let mut d = Dense::new();
    let (mut st, mut obs): (Vec<[usize; 4]>, Vec<usize>) = (vec![], vec![]);
    for t in 0..x.len() {
        let s = if t == 0 { [0; 4].map(|_| d.add(0.0, &[], 100.0)) } else { let q = st[t-1];
            [d.add(0.0, &[(q[0], 1.0), (q[1], 1.0)], p.ql), d.add(0.0, &[(q[1], 1.0)], p.qs), d.add(0.0, &[(q[3], -1.0)], p.qw), d.add(0.0, &[(q[2], 1.0)], p.qw)] };
        obs.push(d.add(p.beta * x[t], &[(s[0], 1.0), (s[2], 1.0)], p.r));
        st.push(s);
    }
    (d, st, obs)
}
#[test]
fn g1_trend_season_and_regression() {
    let mut g = Noise::new(1);
    for t in [1usize, 2, 12] {
        let x = g.normals(t);
        let y = holes(&mut g, t, 0.25, |i, g| 0.3 * i as f64 + [1.0, 0.0, -1.0, 0.0][i % 4] + 0.2 * g.normal());
        let data = g1::Data { x: (&x).into(), y: (&y).into() };
        let m = g1::Model::new();
        let p = g1::Params { ql: 0.1, qs: 0.01, qw: 0.05, r: 0.4, beta: 0.7 };
        let hand = |p: &g1::Params| { let (d, _, o) = g1_dense(p, &x); d.given(&seen(&o, &y)).log_evidence };
        let f = m.infer(&data, &p).unwrap();
        close(f.log_likelihood(), hand(&p), 1e-9);
        let (d, st, o) = g1_dense(&p, &x);
        let k = d.given(&seen(&o, &y));
        for i in 0..t {
            close(f.posterior.level[i].mean(), k.mean[st[i][0]], 1e-8);
            close(f.posterior.slope[i].var(), k.cov[(st[i][1], st[i][1])], 1e-8);
            close(f.posterior.sb[i].mean(), k.mean[st[i][3]], 1e-8);
        }
        if t == 12 {
            let fit = hammer("g1", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().tolerance(0.0).max_iterations(500));
            close(fit.log_likelihood(), hand(&fit.params), 1e-8);
            hammer("g1 default", &data, |o| m.fit(&data, &o), Options::new());
            say("filter", fit.filter(&data)); say("log densities", fit.log_densities(&data)); 
             say("predict", fit.predict(&data)); say("sim", m.simulate(&p, &data, 3));
            say("update", fit.update(&data, &Options::new()));
        }
    }
    for (scale, offset) in [(1e-8, 0.0), (1e8, 0.0)] {
        let x = g.normals(60);
        let y = holes(&mut g, 60, 0.1, |i, g| (0.3 * i as f64 + [1.0, 0.0, -1.0, 0.0][i % 4] + 0.2 * g.normal()) * scale + offset);
        let data = g1::Data { x: (&x).into(), y: (&y).into() };
        hammer("g1 scale", &data, |o| g1::Model::new().fit(&data, &o), Options::new().max_iterations(100));
    }
}

#[test]
fn g1b_a_coefficient_beside_a_chain() {
    let mut g = Noise::new(2);
    for t in [1usize, 3, 30] {
        let x = g.normals(t);
        let y = holes(&mut g, t, 0.2, |i, g| 0.3 * i as f64 + 2.0 * x[i] + 0.2 * g.normal());
        let data = g1b::Data { x: (&x).into(), y: (&y).into() };
        let fit = hammer("g1b", &data, |o| g1b::Model::new().fit(&data, &o), Options::new().max_iterations(200));
        let (mut a, mut b) = (0.01, 0.0);
        for i in 0..t { if !y[i].is_nan() { a += x[i] * x[i] / fit.params.r; b += x[i] * (y[i] - fit.posterior.level[i].mean()) / fit.params.r; } }
        println!("{} {} ", fit.posterior.beta.mean(), b / a);
        say("predict", fit.predict(&data));
    }
}

// ---- g2
fn correlated(p: &g2::Params, group: &[usize], x: &DMatrix<f64>, j: usize) -> (Dense, Vec<Vec<usize>>, Vec<usize>) {
    let mut d = Dense::new();
    let q = p.mu.len();
    let b: Vec<Vec<usize>> = (0..j).map(|_| d.add_vector(p.mu.as_slice(), &vec![vec![]; q], &p.cov)).collect();
    let o = (0..group.len()).map(|n| { let f: Vec<(usize, f64)> = (0..q).map(|i| (b[group[n]][i], x[(n, i)])).collect(); d.add(0.0, &f, p.s2) }).collect();
    (d, b, o)
}
#[test]
fn g2_correlated_intercepts_and_slopes() {
    let mut g = Noise::new(3);
    for (j, q, n) in [(6usize, 2usize, 40usize), (1, 1, 3), (4, 3, 5), (5, 2, 1)] {
        let mut group: Vec<usize> = (0..n).map(|_| g.below(j)).collect();
        group[0] = j - 1;
        let x = DMatrix::from_fn(n, q, |_, i| if i == 0 { 1.0 } else { g.normal() });
        let eff: Vec<Vec<f64>> = (0..j).map(|_| { let a = g.normal(); (0..q).map(|i| 2.0 + a + 1.5 * g.normal() + i as f64).collect() }).collect();
        let y = holes(&mut g, n, 0.2, |i, g| (0..q).map(|k| x[(i, k)] * eff[group[i]][k]).sum::<f64>() + 0.5 * g.normal());
        let data = g2::Data { group: (&group).into(), x: (&x).into(), y: (&y).into() };
        let m = g2::Model::new();
        let p = g2::Params { mu: DVector::from_vec(g.normals(q)), cov: g.sym_pos(q), s2: 0.6 };
        let hand = |p: &g2::Params| { let (d, _, o) = correlated(p, &group, &x, j); d.given(&seen(&o, &y)).log_evidence };
        let f = m.infer(&data, &p).unwrap();
        same(f.log_likelihood(), hand(&p));
        let (d, b, o) = correlated(&p, &group, &x, j);
        let k = d.given(&seen(&o, &y));
        for i in 0..j { for l in 0..q { same(f.posterior.b[i].mean()[l], k.mean[b[i][l]]); same(f.posterior.b[i].cov()[(l, 0)], k.cov[(b[i][l], b[i][0])]); } }
        if n == 40 {
            let fit = hammer("g2", &data, |o| m.fit(&data, &o), Options::new().tolerance(0.0).max_iterations(2000));
            close(fit.log_likelihood(), hand(&fit.params), 1e-9);
            stationary("g2", &fit.params, hand, &[("mu0", &|p, h| p.mu[0] += h), ("mu1", &|p, h| p.mu[1] += h), ("s2", &|p, h| p.s2 += h),
                ("c00", &|p, h| p.cov[(0, 0)] += h), ("c01", &|p, h| { p.cov[(0, 1)] += h; p.cov[(1, 0)] += h; }), ("c11", &|p, h| p.cov[(1, 1)] += h)]);
            println!("sweeps of g2 with default options: {}", m.fit(&data, &Options::new()).unwrap().iterations);
            say("predict", fit.predict(&data)); say("sim", m.simulate(&p, &data, 3)); say("update", fit.update(&data, &Options::new()));
        } else { match m.fit(&data, &Options::new().max_iterations(200)) { Ok(f) => println!("{n} rows: {f}"), Err(e) => println!("{n} rows: {e}") } }
    }
}
#[test]
fn g2b_correlated_effects_by_vb() {
    let mut g = Noise::new(4);
    for (j, q, n) in [(6usize, 2usize, 60usize), (1, 1, 2)] {
        let mut group: Vec<usize> = (0..n).map(|_| g.below(j)).collect();
        group[0] = j - 1;
        let x = DMatrix::from_fn(n, q, |_, i| if i == 0 { 1.0 } else { g.normal() });
        let y = holes(&mut g, n, 0.2, |i, g| group[i] as f64 + x[(i, q - 1)] * (group[i] as f64 - 2.0) + 0.5 * g.normal());
        let data = g2b::Data { group: (&group).into(), x: (&x).into(), y: (&y).into() };
        let m = g2b::Model::new();
        let fit = hammer("g2b", &data, |o| m.fit(&data, &o), Options::new().tolerance(1e-13).max_iterations(3000));
        monotone(&fit.update(&data, &Options::new()).unwrap().trace);
        println!("{}", g2b::PLAN);
        say("predict", fit.predict(&data)); say("sim", m.simulate(&fit.params, &data, 3));
    }
}

// ---- g3
#[test]
fn g3_schools_in_districts() {
    let mut g = Noise::new(5);
    let (nd, ns, n) = (3usize, 7usize, 40usize);
    let district: Vec<usize> = (0..ns).map(|s| s % nd).collect();
    let school: Vec<usize> = (0..n).map(|i| if i == 0 { ns - 1 } else { g.below(ns) }).collect();
    let y = holes(&mut g, n, 0.2, |i, g| district[school[i]] as f64 * 2.0 + school[i] as f64 * 0.3 + g.normal());
    let data = g3::Data { district: (&district).into(), school: (&school).into(), y: (&y).into() };
    let m = g3::Model::new();
    let p = g3::Params { mu: 0.5, sd2: 2.0, ss2: 0.7, s2: 1.1 };
    let hand = |p: &g3::Params| { let mut d = Dense::new();
        let a: Vec<usize> = (0..nd).map(|_| d.add(p.mu, &[], p.sd2)).collect();
        let b: Vec<usize> = (0..ns).map(|s| d.add(0.0, &[(a[district[s]], 1.0)], p.ss2)).collect();
        let o: Vec<usize> = (0..n).map(|i| d.add(0.0, &[(b[school[i]], 1.0)], p.s2)).collect();
        d.given(&seen(&o, &y)).log_evidence };
    println!("{}", g3::PLAN);
    let f = m.infer(&data, &p).unwrap();
    println!("g3 {} {}", f.elbo(), hand(&p));
    let fit = hammer("g3", &data, |o| m.fit(&data, &o), Options::new().tolerance(1e-12).max_iterations(4000));
    println!("g3 {} {}", fit.elbo(), hand(&fit.params));
    stationary("g3", &fit.params, hand, &[("mu", &|p, h| p.mu += h), ("s2", &|p, h| p.s2 += h), ("ss2", &|p, h| p.ss2 += h), ("sd2", &|p, h| p.sd2 += h)]);
}

// ---- g4
#[test]
fn g4_robust_regression_with_relevance() {
    let mut g = Noise::new(6);
    for (n, d) in [(60usize, 3usize), (1, 1), (4, 6)] {
        let x = DMatrix::from_fn(n, d, |_, _| g.normal());
        let y = holes(&mut g, n, 0.1, |i, g| 2.0 * x[(i, 0)] + if i % 13 == 5 { 20.0 } else { 0.3 * g.normal() });
        let data = g4::Data { x: (&x).into(), y: (&y).into() };
        let m = g4::Model::new();
        let fit = hammer("g4", &data, |o| m.fit(&data, &o), Options::new());
        say("predict", fit.predict(&data)); say("sim", m.simulate(&fit.params, &data, 3)); say("update", fit.update(&data, &Options::new()));
        println!("{}", g4::PLAN);
    }
}

// ---- g5
fn g5_ll(p: &g5::Params, x: &DMatrix<f64>, c: &[u64]) -> f64 {
    let d = x.ncols();
    (0..x.nrows()).map(|n| { if c[n] == 0 { return 0.0; }
        let s: Vec<usize> = (0..d).filter(|j| !x[(n, *j)].is_nan()).collect();
        c[n] as f64 * lse(&(0..p.mu.len()).map(|k| { let cov = &p.W[k] * p.W[k].transpose() + DMatrix::from_diagonal(&DVector::from_vec(p.psi.clone()));
            p.weight[k].ln() + if s.is_empty() { 0.0 } else {
                let sub = DMatrix::from_fn(s.len(), s.len(), |a, b| cov[(s[a], s[b])]);
                vi_tests::density::mv_normal(&s.iter().map(|j| x[(n, *j)]).collect::<Vec<_>>(), &DVector::from_fn(s.len(), |a, _| p.mu[k][s[a]]), &sub) } }).collect::<Vec<_>>()) }).sum()
}
#[test]
fn g5_mixtures_of_factor_analysers_with_holes_and_weights() {
    let mut g = Noise::new(7);
    for (k, h, d, n) in [(2usize, 1usize, 3usize, 40usize), (1, 2, 2, 16), (2, 3, 2, 20), (1, 1, 1, 5)] {
        let x = DMatrix::from_fn(n, d, |i, _| if i == 1 || g.unit() < 0.2 { f64::NAN } else { (i % 2) as f64 * 4.0 + g.normal() });
        let c: Vec<u64> = (0..n).map(|i| [1, 2, 0, 1][i % 4]).collect();
        let data = g5::Data { c: (&c).into(), x: (&x).into() };
        let m = g5::Model::new(k, h);
        let p = g5::Params { weight: g.weights(k), W: (0..k).map(|_| DMatrix::from_fn(d, h, |_, _| g.normal())).collect(),
            mu: (0..k).map(|_| DVector::from_vec(g.normals(d))).collect(), psi: (0..d).map(|_| 0.5 + g.unit()).collect() };
        let f = m.infer(&data, &p).unwrap();
        same(f.log_likelihood(), g5_ll(&p, &x, &c));
        let fit = hammer("g5", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().max_iterations(300).tolerance(0.0));
        close(fit.log_likelihood(), g5_ll(&fit.params, &x, &c), 1e-8);
        if n == 40 { stationary("g5", &fit.params, |p| g5_ll(p, &x, &c), &[("W", &|p, h| p.W[0][(0, 0)] += h), ("mu", &|p, h| p.mu[1][2] += h)]); }
        hammer("g5 default", &data, |o| m.fit(&data, &o), Options::new().max_iterations(50));
        println!("{}", fit.canonical());
        say("predict", fit.predict(&data)); say("update", fit.update(&data, &Options::new()));
    }
}

// ---- g7
#[test]
fn g7_slopes_with_a_shared_mean() {
    let mut g = Noise::new(8);
    let (j, n) = (5usize, 30usize);
    let group: Vec<usize> = (0..n).map(|i| i % j).collect();
    let x = g.normals(n);
    let y = holes(&mut g, n, 0.2, |i, g| group[i] as f64 + x[i] * (1.0 + 0.5 * group[i] as f64) + 0.5 * g.normal());
    let data = g7::Data { group: (&group).into(), x: (&x).into(), y: (&y).into() };
    let m = g7::Model::new();
    let p = g7::Params { t2: 0.5, a2: 1.5, s2: 0.4 };
    let hand = |p: &g7::Params| { let mut d = Dense::new();
        let mm = d.add(0.0, &[], 1e4); let m0 = d.add(0.0, &[], 1e4);
        let s: Vec<usize> = (0..j).map(|_| d.add(0.0, &[(mm, 1.0)], p.t2)).collect();
        let i0: Vec<usize> = (0..j).map(|_| d.add(0.0, &[(m0, 1.0)], p.a2)).collect();
        let o: Vec<usize> = (0..n).map(|i| d.add(0.0, &[(i0[group[i]], 1.0), (s[group[i]], x[i])], p.s2)).collect();
        d.given(&seen(&o, &y)).log_evidence };
    println!("{}", g7::PLAN);
    let f = m.infer(&data, &p).unwrap();
    println!("g7: {} {}", f.elbo(), hand(&p));
    close(f.elbo(), hand(&p), 1e-8);
    let fit = hammer("g7", &data, |o| m.fit(&data, &o), Options::new().tolerance(0.0).max_iterations(2000));
    close(fit.elbo(), hand(&fit.params), 1e-8);
    stationary("g7", &fit.params, hand, &[("t2", &|p, h| p.t2 += h), ("a2", &|p, h| p.a2 += h), ("s2", &|p, h| p.s2 += h)]);
    say("predict", fit.predict(&data)); say("sim", m.simulate(&p, &data, 3)); say("update", fit.update(&data, &Options::new()));
}

// ---- g8
#[test]
fn g8_ridge_by_type_two_likelihood() {
    let mut g = Noise::new(9);
    for (n, d, collinear) in [(30usize, 3usize, false), (30, 3, true), (4, 8, false), (1, 1, false)] {
        let x = DMatrix::from_fn(n, d, |_, _| g.normal());
        let x = if collinear { DMatrix::from_fn(n, d, |i, j| if j == 2 { 2.0 * x[(i, 0)] } else { x[(i, j)] }) } else { x };
        let c: Vec<f64> = (0..n).map(|_| 0.5 + 2.0 * g.unit()).collect();
        let y = holes(&mut g, n, 0.1, |i, g| 3.0 + 1.5 * x[(i, 0)] + 0.5 * g.normal());
        let data = g8::Data { x: (&x).into(), c: (&c).into(), y: (&y).into() };
        let m = g8::Model::new();
        let hand = |p: &g8::Params| { let mut de = Dense::new();
            let w: Vec<usize> = (0..d).map(|_| de.add(0.0, &[], 1.0 / p.alpha)).collect();
            let o: Vec<usize> = (0..n).map(|i| { let f: Vec<(usize, f64)> = (0..d).map(|j| (w[j], x[(i, j)])).collect(); de.add(p.b, &f, p.s2 / c[i]) }).collect();
            de.given(&seen(&o, &y)).log_evidence };
        let p = g8::Params { alpha: 0.7, s2: 0.4, b: 1.0 };
        same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
        if n > 1 {
            let fit = hammer("g8", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().tolerance(0.0).max_iterations(3000));
            close(fit.log_likelihood(), hand(&fit.params), 1e-7);
            if n == 30 { stationary("g8", &fit.params, hand, &[("alpha", &|p, h| p.alpha += h * p.alpha), ("s2", &|p, h| p.s2 += h * p.s2), ("b", &|p, h| p.b += h)]); }
            say("predict", fit.predict(&data)); say("sim", m.simulate(&p, &data, 3)); say("update", fit.update(&data, &Options::new()));
        } else { match m.fit(&data, &Options::new()) { Ok(f) => println!("one row {f}"), Err(e) => println!("one row {e}") } }
    }
}

// ---- g10
#[test]
fn g10_latent_loadings_with_holes() {
    let mut g = Noise::new(10);
    for (n, d, h) in [(40usize, 5usize, 2usize), (3, 2, 4), (1, 1, 1), (6, 3, 1)] {
        let x = DMatrix::from_fn(n, d, |i, j| if i == 0 || g.unit() < 0.25 { f64::NAN } else { (i % 5) as f64 * (1.0 - 0.5 * j as f64) + 0.3 * g.normal() });
        let data = g10::Data { x: (&x).into() };
        let m = g10::Model::new(h);
        let fit = hammer("g10", &data, |o| m.fit(&data, &o), Options::new().max_iterations(300));
        say("predict", fit.predict(&data)); say("sim", m.simulate(&fit.params, &data, 3)); say("update", fit.update(&data, &Options::new()));
    }
}

// ---- g11
fn g11_dense(p: &g11::Params, u: &DMatrix<f64>) -> (Dense, Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut d = Dense::new();
    let h = p.m0.len(); let dd = p.r.len();
    let (mut st, mut ob): (Vec<Vec<usize>>, Vec<Vec<usize>>) = (vec![], vec![]);
    for t in 0..u.nrows() {
        let ut = u.row(t).transpose();
        let s = if t == 0 { d.add_vector(p.m0.as_slice(), &vec![vec![]; h], &p.P0) } else {
            let c = &p.B * &ut;
            let f: Vec<Vec<(usize, f64)>> = (0..h).map(|i| (0..h).map(|j| (st[t-1][j], p.A[(i, j)])).collect()).collect();
            d.add_vector(c.as_slice(), &f, &p.Q) };
        let e = &p.E * &ut;
        let o = (0..dd).map(|i| { let f: Vec<(usize, f64)> = (0..h).map(|j| (s[j], p.C[(i, j)])).collect(); d.add(e[i], &f, p.r[i]) }).collect();
        st.push(s); ob.push(o);
    }
    (d, st, ob)
}
#[test]
fn g11_inputs_ragged_with_holes() {
    let mut g = Noise::new(11);
    for (h, dd, uu, lens) in [(2usize, 3usize, 2usize, vec![6usize, 1, 0, 4]), (1, 1, 1, vec![1]), (3, 2, 1, vec![2, 5]), (2, 2, 2, vec![0, 0, 3])] {
        let u: Vec<DMatrix<f64>> = lens.iter().map(|t| DMatrix::from_fn(*t, uu, |_, _| g.normal())).collect();
        let y: Vec<DMatrix<f64>> = lens.iter().map(|t| DMatrix::from_fn(*t, dd, |i, _| if i == 2 || g.unit() < 0.2 { f64::NAN } else { g.normal() })).collect();
        let m = g11::Model::new(h);
        let data = g11::Data { u: (&u).into(), y: (&y).into() };
        let p = g11::Params { A: DMatrix::from_fn(h, h, |i, j| if i == j { 0.7 } else { 0.1 * g.normal() }), B: DMatrix::from_fn(h, uu, |_, _| g.normal()), Q: g.sym_pos(h),
            C: DMatrix::from_fn(dd, h, |_, _| g.normal()), E: DMatrix::from_fn(dd, uu, |_, _| g.normal()), r: (0..dd).map(|_| 0.4 + g.unit()).collect(), m0: DVector::from_vec(g.normals(h)), P0: g.sym_pos(h) };
        let see = |s: usize, o: &Vec<Vec<usize>>| -> Vec<(usize, f64)> { (0..lens[s]).flat_map(|t| (0..dd).map(move |i| (t, i))).filter(|(t, i)| !y[s][(*t, *i)].is_nan()).map(|(t, i)| (o[t][i], y[s][(t, i)])).collect() };
        let hand = |p: &g11::Params| (0..lens.len()).map(|s| { if lens[s] == 0 { return 0.0; } let (d, _, o) = g11_dense(p, &u[s]); d.given(&see(s, &o)).log_evidence }).sum::<f64>();
        let f = m.infer(&data, &p).unwrap();
        same(f.log_likelihood(), hand(&p));
        for s in 0..lens.len() { if lens[s] == 0 { continue; } let (d, st, o) = g11_dense(&p, &u[s]); let k = d.given(&see(s, &o));
            for t in 0..lens[s] { for i in 0..h { same(f.posterior.x[s][t].mean()[i], k.mean[st[t][i]]); same(f.posterior.x[s][t].cov()[(i, 0)], k.cov[(st[t][i], st[t][0])]); }
                for i in 0..dd { if y[s][(t, i)].is_nan() { 
                    if let Some(pr) = say("predict", f.predict(&data)) { let _ = pr; } } } } }
        if lens.len() == 4 && lens[0] > 0 {
            let fit = hammer("g11", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().tolerance(0.0).max_iterations(40));
            close(fit.log_likelihood(), hand(&fit.params), 1e-6);
             say("filter", fit.filter(&data)); say("ld", fit.log_densities(&data)); say("sim", m.simulate(&p, &data, 3)); say("update", fit.update(&data, &Options::new().max_iterations(5)));
            println!("{}", fit.canonical());
        }
        match m.fit(&data, &Options::new().max_iterations(60)) { Ok(f) => println!("{f}"), Err(e) => println!("{lens:?} {e}") }
    }
}

// ---- g12
#[test]
fn g12_margins_of_games() {
    let mut g = Noise::new(12);
    let (pl, n) = (6usize, 25usize);
    let home: Vec<usize> = (0..n).map(|i| if i == 0 { pl - 1 } else { g.below(pl) }).collect();
    let away: Vec<usize> = (0..n).map(|i| (home[i] + 1 + g.below(pl - 1)) % pl).collect();
    let y = holes(&mut g, n, 0.2, |i, g| home[i] as f64 - away[i] as f64 + 1.0 + g.normal());
    let data = g12::Data { home: (&home).into(), away: (&away).into(), margin: (&y).into() };
    let m = g12::Model::new();
    let hand = |p: &g12::Params| { let mut d = Dense::new();
        let s: Vec<usize> = (0..pl).map(|_| d.add(0.0, &[], p.t2)).collect();
        let o: Vec<usize> = (0..n).map(|i| d.add(p.adv, &[(s[home[i]], 1.0), (s[away[i]], -1.0)], p.s2)).collect();
        d.given(&seen(&o, &y)).log_evidence };
    let p = g12::Params { adv: 0.4, s2: 0.9, t2: 2.0 };
    same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
    let fit = hammer("g12", &data, |o| m.fit(&data, &o), Options::new().tolerance(0.0).max_iterations(3000));
    close(fit.log_likelihood(), hand(&fit.params), 1e-9);
    stationary("g12", &fit.params, hand, &[("adv", &|p, h| p.adv += h), ("s2", &|p, h| p.s2 += h), ("t2", &|p, h| p.t2 += h)]);
    // one plays itself
    let h2 = vec![0usize, 1, 2]; let a2 = vec![0usize, 2, 1]; let y2 = [1.0, 2.0, -1.0];
    let d2 = g12::Data { home: (&h2).into(), away: (&a2).into(), margin: (&y2).into() };
    let hand2 = |p: &g12::Params| { let mut d = Dense::new();
        let s: Vec<usize> = (0..3).map(|_| d.add(0.0, &[], p.t2)).collect();
        let o: Vec<usize> = (0..3).map(|i| if h2[i] == a2[i] { d.add(p.adv, &[], p.s2) } else { d.add(p.adv, &[(s[h2[i]], 1.0), (s[a2[i]], -1.0)], p.s2) }).collect();
        d.given(&seen(&o, &y2)).log_evidence };
    same(m.infer(&d2, &p).unwrap().log_likelihood(), hand2(&p));
    let won: Vec<bool> = y.iter().map(|v| *v > 0.0).collect();
    let d3 = g12b::Data { home: (&home).into(), away: (&away).into(), won: (&won).into() };
    let f3 = hammer("g12b", &d3, |o| g12b::Model::new().fit(&d3, &o), Options::new());
    say("predict", f3.predict(&d3));
}

// ---- g17
#[test]
fn g17_dynamic_regressions() {
    let mut g = Noise::new(13);
    for (q, lens) in [(2usize, vec![6usize, 0, 1, 4]), (1, vec![1]), (3, vec![2, 2])] {
        let x: Vec<DMatrix<f64>> = lens.iter().map(|t| DMatrix::from_fn(*t, q, |_, j| if j == 0 { 1.0 } else { g.normal() })).collect();
        let y: Vec<Vec<f64>> = lens.iter().map(|t| holes(&mut g, *t, 0.2, |_, g| g.normal())).collect();
        let data = g17::Data { x: (&x).into(), y: (&y).into() };
        let m = g17::Model::new();
        let p = g17::Params { q: (0..q).map(|_| 0.1 + g.unit()).collect(), r: 0.5 };
        let build = |p: &g17::Params, s: usize| { let mut d = Dense::new(); let mut b: Vec<Vec<usize>> = vec![]; let mut o = vec![];
            for t in 0..lens[s] {
                let now: Vec<usize> = (0..q).map(|i| if t == 0 { d.add(0.0, &[], 10.0) } else { d.add(0.0, &[(b[t-1][i], 1.0)], p.q[i]) }).collect();
                let f: Vec<(usize, f64)> = (0..q).map(|i| (now[i], x[s][(t, i)])).collect();
                o.push(d.add(0.0, &f, p.r)); b.push(now); }
            (d, b, o) };
        let hand = |p: &g17::Params| (0..lens.len()).map(|s| if lens[s] == 0 { 0.0 } else { let (d, _, o) = build(p, s); d.given(&seen(&o, &y[s])).log_evidence }).sum::<f64>();
        let f = m.infer(&data, &p).unwrap();
        same(f.log_likelihood(), hand(&p));
        for s in 0..lens.len() { if lens[s] == 0 { continue; } let (d, b, o) = build(&p, s); let k = d.given(&seen(&o, &y[s]));
            for t in 0..lens[s] { for i in 0..q { same(f.posterior.beta[s][t].mean()[i], k.mean[b[t][i]]); } } }
        match m.fit(&data, &Options::new().max_iterations(300)) { Ok(f) => { close(f.log_likelihood(), hand(&f.params), 1e-8); monotone(&f.trace); println!("{f}") } Err(e) => println!("{lens:?} {e}") }
        if lens.len() == 4 { hammer("g17", &data, |o| m.fit(&data, &o), Options::new().max_iterations(200));
            say("filter", f.filter(&data));  say("ld", f.log_densities(&data)); say("sim", m.simulate(&p, &data, 1)); 
            // a future that is missing
            let xl: Vec<DMatrix<f64>> = lens.iter().map(|t| DMatrix::from_fn(*t + 2, q, |i, j| if i < *t && j > 0 { 0.5 } else { 1.0 })).collect();
            let yl: Vec<Vec<f64>> = y.iter().map(|r| r.iter().copied().chain([f64::NAN, f64::NAN]).collect()).collect();
            say("longer", f.predict(&g17::Data { x: (&xl).into(), y: (&yl).into() }));
        }
    }
}

// ---- g18
#[test]
fn g18_crossed_effects() {
    let mut g = Noise::new(14);
    for (ni, nj, n) in [(4usize, 5usize, 30usize), (1, 1, 4), (6, 2, 7)] {
        let i: Vec<usize> = (0..n).map(|t| if t == 0 { ni - 1 } else { g.below(ni) }).collect();
        let j: Vec<usize> = (0..n).map(|t| if t == 0 { nj - 1 } else { g.below(nj) }).collect();
        let y = holes(&mut g, n, 0.1, |t, g| i[t] as f64 - 0.7 * j[t] as f64 + g.normal());
        let data = g18::Data { i: (&i).into(), j: (&j).into(), y: (&y).into() };
        let m = g18::Model::new();
        let hand = |p: &g18::Params| { let mut d = Dense::new();
            let a: Vec<usize> = (0..ni).map(|_| d.add(0.0, &[], p.a2)).collect();
            let b: Vec<usize> = (0..nj).map(|_| d.add(0.0, &[], p.b2)).collect();
            let o: Vec<usize> = (0..n).map(|t| d.add(p.mu, &[(a[i[t]], 1.0), (b[j[t]], 1.0)], p.s2)).collect();
            d.given(&seen(&o, &y)).log_evidence };
        let p = g18::Params { mu: 0.2, a2: 1.2, b2: 0.6, s2: 0.8 };
        if n == 30 { println!("{}", g18::PLAN); }
        let f = m.infer(&data, &p).unwrap();
        same(f.elbo(), hand(&p));
        let fit = m.fit(&data, &Options::new().tolerance(0.0).max_iterations(3000));
        match fit { Ok(fit) => { monotone(&fit.trace); close(fit.elbo(), hand(&fit.params), 1e-7);
            if n == 30 { stationary("g18", &fit.params, hand, &[("mu", &|p, h| p.mu += h), ("s2", &|p, h| p.s2 += h), ("a2", &|p, h| p.a2 += h), ("b2", &|p, h| p.b2 += h)]);
                hammer("g18", &data, |o| m.fit(&data, &o), Options::new()); say("predict", fit.predict(&data)); say("sim", m.simulate(&p, &data, 1)); say("up", fit.update(&data, &Options::new())); } }
            Err(e) => println!("{n}: {e}") }
    }
}

// ---- g19
#[test]
fn g19_replicates_of_a_truth() {
    let mut g = Noise::new(15);
    for (n, c) in [(20usize, 3usize), (1, 1), (5, 1)] {
        let x = DMatrix::from_fn(n, c, |i, j| if i == 0 || g.unit() < 0.2 { f64::NAN } else { i as f64 * 0.3 * (1.0 + j as f64) + 0.2 * g.normal() });
        let data = g19::Data { x: (&x).into() };
        let m = g19::Model::new();
        let p = g19::Params { mu: 0.5, s2: 1.0, r: (0..c).map(|_| 0.3 + g.unit()).collect(), shift: g.normals(c), gain: g.normals(c) };
        let hand = |p: &g19::Params| (0..n).map(|i| { let mut d = Dense::new(); let t = d.add(p.mu, &[], p.s2);
            let o: Vec<usize> = (0..c).map(|k| d.add(p.shift[k], &[(t, p.gain[k])], p.r[k])).collect();
            let s: Vec<(usize, f64)> = (0..c).filter(|k| !x[(i, *k)].is_nan()).map(|k| (o[k], x[(i, k)])).collect();
            if s.is_empty() { 0.0 } else { d.given(&s).log_evidence } }).sum::<f64>();
        same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
        match m.fit(&data, &Options::new().max_iterations(500)) { Ok(f) => { monotone(&f.trace); close(f.log_likelihood(), hand(&f.params), 1e-7); println!("{f}"); say("predict", f.predict(&data)); say("up", f.update(&data, &Options::new())); } Err(e) => println!("{n} {c}: {e}") }
    }
}

// ---- g21
#[test]
fn g21_uneven_steps() {
    let mut g = Noise::new(16);
    for t in [1usize, 2, 8] {
        let dt: Vec<f64> = (0..t).map(|_| 0.2 + g.unit()).collect();
        let y = holes(&mut g, t, 0.2, |i, g| i as f64 * 0.5 + g.normal());
        let hand = |phi: f64, q: f64, r: f64, vector: bool| { let mut d = Dense::new(); let mut s: Vec<[usize; 2]> = vec![]; let mut o = vec![];
            for i in 0..t { let n = if i == 0 { [d.add(1.0, &[], 4.0), d.add(0.0, &[], 4.0)] } else { let b = s[i-1];
                    [d.add(0.0, &[(b[0], 1.0), (b[1], dt[i])], q * dt[i]), d.add(0.0, &[(b[1], phi)], q * dt[i])] };
                o.push(d.add(0.0, &[(n[0], 1.0)], r)); s.push(n); }
            let _ = vector; d.given(&seen(&o, &y)).log_evidence };
        let d1 = g21::Data { dt: (&dt).into(), y: (&y).into() };
        let d2 = g21b::Data { dt: (&dt).into(), y: (&y).into() };
        let p = g21::Params { phi: 0.8, q: 0.3, r: 0.5 };
        same(g21::Model::new().infer(&d1, &p).unwrap().log_likelihood(), hand(0.8, 0.3, 0.5, true));
        same(g21b::Model::new().infer(&d2, &g21b::Params { phi: 0.8, q: 0.3, r: 0.5 }).unwrap().log_likelihood(), hand(0.8, 0.3, 0.5, false));
        if t == 8 {
            let f1 = hammer("g21", &d1, |o| g21::Model::new().fit_from(&d1, Start::Params(p.clone()), &o), Options::new().tolerance(0.0).max_iterations(400));
            close(f1.log_likelihood(), hand(f1.params.phi, f1.params.q, f1.params.r, true), 1e-8);
            let f2 = hammer("g21b", &d2, |o| g21b::Model::new().fit_from(&d2, Start::Params(g21b::Params { phi: 0.8, q: 0.3, r: 0.5 }), &o), Options::new().tolerance(0.0).max_iterations(400));
            close(f1.log_likelihood(), f2.log_likelihood(), 1e-5);
            say("filter", f1.filter(&d1));  say("ld", f1.log_densities(&d1)); say("sim", g21::Model::new().simulate(&p, &d1, 1));
            g21::Model::new().fit(&d1, &Options::new()).unwrap();
        }
    }
}

// ---- g25
#[test]
fn g25_a_scale_in_common_of_ragged_chains() {
    let mut g = Noise::new(17);
    for lens in [vec![5usize, 0, 1, 3], vec![1], vec![0]] {
        let y: Vec<Vec<f64>> = lens.iter().map(|t| holes(&mut g, *t, 0.2, |_, g| 2.0 * g.normal())).collect();
        let data = g25::Data { y: (&y).into() };
        let f = hammer("g25", &data, |o| g25::Model::new().fit(&data, &o), Options::new());
        // tau integrated by quadrature over dense normals
        let at = |tau: f64| lens.iter().enumerate().map(|(s, t)| { if *t == 0 { return 0.0; } let mut d = Dense::new(); let mut x: Vec<usize> = vec![]; let mut o = vec![];
            for i in 0..*t { let v = if i == 0 { d.add(0.0, &[], 10.0 / tau) } else { d.add(0.0, &[(x[i-1], 0.9)], 0.5 / tau) }; o.push(d.add(0.0, &[(v, 1.0)], 1.0 / tau)); x.push(v); }
            let s = seen(&o, &y[s]); if s.is_empty() { 0.0 } else { d.given(&s).log_evidence } }).sum::<f64>();
        let e = vi_tests::density::log_integral(-20.0, 8.0, |l: f64| at(l.exp()) + vi_tests::density::gamma(l.exp(), 2.0, 1.0) + l);
        close(f.log_evidence(), e, 1e-7);
           say("sim", g25::Model::new().simulate(&f.params, &data, 1)); say("up", f.update(&data, &Options::new()));
    }
}

// ---- g26
#[test]
fn g26_several_outputs() {
    let mut g = Noise::new(18);
    for (n, q, d) in [(25usize, 2usize, 3usize), (1, 1, 1), (6, 2, 2)] {
        let x = DMatrix::from_fn(n, q, |_, j| if j == 0 { 1.0 } else { g.normal() });
        let y = DMatrix::from_fn(n, d, |i, j| x[(i, q - 1)] * (j as f64 - 1.0) + 0.5 * g.normal());
        let data = g26::Data { x: (&x).into(), y: (&y).into() };
        let f = hammer("g26", &data, |o| g26::Model::new().fit(&data, &o), Options::new());
        say("predict", f.predict(&data)); say("sim", g26::Model::new().simulate(&f.params, &data, 1)); say("up", f.update(&data, &Options::new()));
        let yh = y.map_with_location(|_, _, v| if g.unit() < 0.2 { f64::NAN } else { v });
        let dh = g26b::Data { x: (&x).into(), y: (&yh).into() };
        let m = g26b::Model::new();
        let hand = |p: &g26b::Params| (0..n).map(|i| { let s: Vec<usize> = (0..d).filter(|j| !yh[(i, *j)].is_nan()).collect(); if s.is_empty() { return 0.0; }
            let mean = &p.W * x.row(i).transpose() + &p.b;
            vi_tests::density::mv_normal(&s.iter().map(|j| yh[(i, *j)]).collect::<Vec<_>>(), &DVector::from_fn(s.len(), |a, _| mean[s[a]]), &DMatrix::from_fn(s.len(), s.len(), |a, b| p.cov[(s[a], s[b])])) }).sum::<f64>();
        match m.fit(&dh, &Options::new().tolerance(0.0).max_iterations(2000)) { Ok(f) => { monotone(&f.trace); close(f.log_likelihood(), hand(&f.params), 1e-8); println!("{f}");
            if n == 25 { stationary("g26b", &f.params, hand, &[("W", &|p, h| p.W[(0, 1)] += h), ("cov", &|p, h| p.cov[(0, 0)] += h)]); } }, Err(e) => println!("{n}: {e}") }
    }
}

// ---- g27
#[test]
fn g27_mixtures_of_regressions_with_a_shared_mean() {
    let mut g = Noise::new(19);
    for (n, k) in [(60usize, 2usize), (1, 1), (3, 3)] {
        let x = DMatrix::from_fn(n, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
        let gr: Vec<usize> = (0..n).map(|i| i % 2).collect();
        let y = holes(&mut g, n, 0.1, |i, g| if i % 3 == 0 { 3.0 * x[(i, 1)] } else { -2.0 + x[(i, 1)] } + (0.2 + gr[i] as f64) * g.normal());
        let data = g27::Data { x: (&x).into(), g: (&gr).into(), y: (&y).into() };
        match g27::Model::new(k).fit(&data, &Options::new()) { Ok(_) => { let f = hammer("g27", &data, |o| g27::Model::new(k).fit(&data, &o), Options::new().restarts(2)); say("predict", f.predict(&data)); say("sim", g27::Model::new(k).simulate(&f.params, &data, 1)); } Err(e) => println!("{n}: {e}") }
    }
}

// ---- g28: factors and group effects
#[test]
fn g28_factors_of_units_and_effects_of_groups() {
    let mut g = Noise::new(20);
    let (n, d, h, j) = (12usize, 3usize, 1usize, 3usize);
    let group: Vec<usize> = (0..n).map(|i| i % j).collect();
    let x = DMatrix::from_fn(n, d, |i, _| if g.unit() < 0.1 { f64::NAN } else { group[i] as f64 + g.normal() });
    let data = g28::Data { group: (&group).into(), x: (&x).into() };
    println!("{}", g28::PLAN);
    match g28::Model::new(h, 1).fit(&data, &Options::new()) { Ok(_) => { hammer("g28", &data, |o| g28::Model::new(h, 1).fit(&data, &o), Options::new()); } Err(e) => println!("g28: {e}") }
}

// ---- g29: rats, ragged and correlated
#[test]
fn g29_rats() {
    let mut g = Noise::new(21);
    for lens in [vec![5usize, 0, 1, 4, 6], vec![3], vec![1, 1]] {
        let x: Vec<Vec<f64>> = lens.iter().map(|n| (0..*n).map(|i| i as f64 - 2.0).collect()).collect();
        let y: Vec<Vec<f64>> = lens.iter().enumerate().map(|(j, n)| holes(&mut g, *n, 0.15, |i, g| 3.0 + j as f64 + (1.0 + 0.4 * j as f64) * i as f64 + 0.3 * g.normal())).collect();
        let data = g29::Data { x: (&x).into(), y: (&y).into() };
        let m = g29::Model::new();
        let p = g29::Params { cov: g.sym_pos(2), s2: 0.5, mu: DVector::from_vec(vec![2.0, 1.0]) };
        let hand = |p: &g29::Params| (0..lens.len()).map(|j| { let mut d = Dense::new(); let b = d.add_vector(p.mu.as_slice(), &vec![vec![]; 2], &p.cov);
            let o: Vec<usize> = (0..lens[j]).map(|i| d.add(0.0, &[(b[0], 1.0), (b[1], x[j][i])], p.s2)).collect(); let s = seen(&o, &y[j]); if s.is_empty() { 0.0 } else { d.given(&s).log_evidence } }).sum::<f64>();
        same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
        match m.fit(&data, &Options::new().max_iterations(1000)) { Ok(f) => { monotone(&f.trace); close(f.log_likelihood(), hand(&f.params), 1e-7); println!("{f}"); say("predict", f.predict(&data)); say("sim", m.simulate(&p, &data, 1)); } Err(e) => println!("{lens:?}: {e}") }
    }
}

// ---- g30
#[test]
fn g30_bayesian_state_space_with_relevance_ragged_with_holes() {
    let mut g = Noise::new(22);
    for (h, d, lens) in [(2usize, 3usize, vec![20usize, 0, 1, 9]), (1, 1, vec![1]), (3, 2, vec![6])] {
        let y: Vec<DMatrix<f64>> = lens.iter().map(|t| DMatrix::from_fn(*t, d, |i, j| if i == 3 || g.unit() < 0.2 { f64::NAN } else { (i as f64 * 0.5).sin() * (1.0 + j as f64) + 0.2 * g.normal() })).collect();
        let data = g30::Data { y: (&y[..]).into() };
        let m = g30::Model::new(h);
        let f = hammer("g30", &data, |o| m.fit(&data, &o), Options::new().max_iterations(200));
        println!("{}", g30::PLAN);
            say("up", f.update(&data, &Options::new().max_iterations(5)));
    }
}
