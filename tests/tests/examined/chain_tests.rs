use super::chains::*;
use super::tools::*;
use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::law::{close, monotone};

type Reals = Vec<Vec<f64>>;
type Counts = Vec<Vec<Option<u64>>>;

fn c1_data(g: &mut Noise, lens: &[usize]) -> (Reals, Counts) {
    let x = lens.iter().map(|n| (0..*n).map(|_| if g.unit() < 0.3 { f64::NAN } else { 2.0 * g.normal() }).collect()).collect();
    let n = lens.iter().map(|n| (0..*n).map(|_| (g.unit() > 0.3).then(|| g.poisson(3.0))).collect()).collect();
    (x, n)
}
fn c1_params(g: &mut Noise, k: usize, c: usize) -> c1::Params {
    c1::Params { start: g.weights(k), trans: g.rows(k, k), mix: g.rows(k, c), mean: (0..k).map(|_| g.normals(c)).collect(),
        s2: (0..c).map(|_| 0.5 + g.unit()).collect(), rate: (0..k).map(|_| 1.0 + 5.0 * g.unit()).collect() }
}
fn c1_seq(p: &c1::Params, x: &[f64], n: &[Option<u64>], z: &[usize]) -> f64 {
    let c = p.s2.len();
    (0..z.len()).map(|t| {
        let k = z[t];
        let from = if t == 0 { p.start[k] } else { p.trans[z[t-1]][k] };
        let e = lse(&(0..c).map(|c| p.mix[k][c].ln() + norm(x[t], p.mean[k][c], p.s2[c])).collect::<Vec<_>>());
        from.ln() + e + pois(n[t], p.rate[k])
    }).sum()
}
fn c1_ll(p: &c1::Params, x: &Reals, n: &Counts, w: &[u64]) -> f64 {
    let k = p.rate.len();
    (0..x.len()).map(|s| if x[s].is_empty() { 0.0 } else { w[s] as f64 * enumerate(x[s].len(), k, |z| c1_seq(p, &x[s], &n[s], z)).0 }).sum()
}

#[test]
fn c1_weights_mixtures_and_missing_channels() {
    let mut g = Noise::new(5);
    for (k, c, lens) in [(3, 2, vec![4, 0, 1, 5, 3]), (1, 1, vec![3, 0, 1]), (2, 1, vec![1]), (1, 3, vec![4, 2]), (2, 2, vec![0, 0, 3])] {
        let (x, n) = c1_data(&mut g, &lens);
        let w: Vec<u64> = (0..lens.len()).map(|s| [2, 1, 0, 1, 3][s]).collect();
        let p = c1_params(&mut g, k, c);
        let data = c1::Data { w: (&w).into(), x: (&x).into(), n: (&n).into() };
        let m = c1::Model::new(k, c);
        let fit = m.infer(&data, &p).unwrap();
        same(fit.log_likelihood(), c1_ll(&p, &x, &n, &w));
        for s in 0..x.len() {
            if x[s].is_empty() || w[s] == 0 { continue; }
            let (total, marg, best, at) = enumerate(x[s].len(), k, |z| c1_seq(&p, &x[s], &n[s], z));
            for t in 0..x[s].len() { for i in 0..k { same(fit.posterior.z[s].probs(t)[i], marg[t][i]); } }
            let path = fit.posterior.z[s].path().unwrap();
            println!("path {:?} {:?} {} {best} {}", path, at, path.log_joint, best - total);
        }
        for s in 0..x.len() { println!("{s}: {}", if x[s].is_empty() { 0.0 } else {enumerate(x[s].len(), k, |z| c1_seq(&p, &x[s], &n[s], z)).0}); }
        let pred = fit.predict(&data).unwrap();
        println!("predict {:?}", pred.log_density);
        fit.filter(&data).unwrap();
    }
}

#[test]
fn c1_fits_are_maxima_and_a_weight_is_a_copy() {
    let mut g = Noise::new(6);
    let lens = [12, 0, 9, 16, 1];
    let (x, n) = c1_data(&mut g, &lens);
    let w = vec![2u64, 1, 1, 0, 3];
    let data = c1::Data { w: (&w).into(), x: (&x).into(), n: (&n).into() };
    let m = c1::Model::new(2, 2);
    let p = c1_params(&mut g, 2, 2);
    let o = Options::new().max_iterations(30).tolerance(0.0).accelerate(false);
    let fit = hammer("c1", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), o.clone());
    let (mut x2, mut n2) = (vec![], vec![]);
    for s in 0..5 { for _ in 0..w[s] { x2.push(x[s].clone()); n2.push(n[s].clone()); } }
    let w2 = vec![1u64; x2.len()];
    let d2 = c1::Data { w: (&w2).into(), x: (&x2).into(), n: (&n2).into() };
    let f2 = m.fit_from(&d2, Start::Params(p.clone()), &o).unwrap();
    for (a, b) in fit.trace.iter().zip(&f2.trace) { close(*a, *b, 1e-10); }
    for (a, b) in fit.params.mean.iter().flatten().zip(f2.params.mean.iter().flatten()) { close(*a, *b, 1e-7); }
    // everything missing
    let x0: Reals = lens.iter().map(|n| vec![f64::NAN; *n]).collect();
    let n0: Counts = lens.iter().map(|n| vec![None; *n]).collect();
    let d0 = c1::Data { w: (&w).into(), x: (&x0).into(), n: (&n0).into() };
    let f0 = m.infer(&d0, &p).unwrap();
    assert!(f0.log_likelihood().abs() < 1e-12);
    (0..2).for_each(|k| same(f0.posterior.z[0].probs(0)[k], p.start[k]));
    match m.fit(&d0, &Options::new()) { Ok(f) => println!("all missing: {f}"), Err(e) => println!("all missing: {e}") }
    let f3 = fit.update(&d2, &Options::new()).unwrap();
    monotone(&f3.trace);
    let r = fit.posterior.z[0].sample_path(&mut stream(1, "a", &[1])).unwrap();
    assert_eq!(r.len(), 12);
    let empty: (Reals, Counts) = (vec![], vec![]);
    let we: Vec<u64> = vec![];
    let de = c1::Data { w: (&we).into(), x: (&empty.0).into(), n: (&empty.1).into() };
    println!("empty {:?}", m.fit(&de, &Options::new()).map(|f| f.elbo()).map_err(|e| e.to_string()));
    let wz = vec![0u64; 5];
    let dz = c1::Data { w: (&wz).into(), x: (&x).into(), n: (&n).into() };
    println!("zero weights {:?}", m.fit(&dz, &Options::new()).map(|f| f.elbo()).map_err(|e| e.to_string()));
    // defaults, restarts
    hammer("c1 default", &data, |o| m.fit(&data, &o), Options::new().restarts(3).seed(2));
}

#[test]
fn c1_scales() {
    let mut g = Noise::new(7);
    let lens = [30, 20, 25];
    let (x, n) = c1_data(&mut g, &lens);
    let w = vec![1u64, 1, 2];
    let m = c1::Model::new(2, 2);
    let base = m.fit(&c1::Data { w: (&w).into(), x: (&x).into(), n: (&n).into() }, &Options::new().max_iterations(20)).unwrap();
    let seen: f64 = (0..3).map(|s| w[s] as f64 * x[s].iter().filter(|v| !v.is_nan()).count() as f64).sum();
    for (scale, offset) in [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e8)] {
        let y: Reals = x.iter().map(|r| r.iter().map(|v| v * scale + offset).collect()).collect();
        let f = m.fit(&c1::Data { w: (&w).into(), x: (&y).into(), n: (&n).into() }, &Options::new().max_iterations(20)).unwrap();
        println!("{scale} {offset}: {} against {}", f.elbo() + seen * f64::ln(scale), base.elbo());
        close(f.elbo() + seen * f64::ln(scale), base.elbo(), 1e-6);
    }
}

// ---- c2
#[test]
fn c2_regressions_with_relevance_in_states() {
    let mut g = Noise::new(8);
    for (k, d, lens) in [(2, 3, vec![12, 0, 1, 20]), (1, 1, vec![8]), (3, 2, vec![1, 1, 2, 9])] {
        let x: Vec<DMatrix<f64>> = lens.iter().map(|n| DMatrix::from_fn(*n, d, |_, j| if j == 0 { 1.0 } else { g.normal() })).collect();
        let y: Reals = lens.iter().enumerate().map(|(s, n)| (0..*n).map(|t| {
            if g.unit() < 0.2 { f64::NAN } else { let k = (t / 4) % 2; (k as f64 * 4.0 - 2.0) * x[s][(t, d - 1)] + 0.3 * g.normal() } }).collect()).collect();
        let data = c2::Data { x: (&x).into(), y: (&y).into() };
        let m = c2::Model::new(k);
        let fit = hammer("c2", &data, |o| m.fit(&data, &o), Options::new().tolerance(1e-13).max_iterations(3000));
        // fixed point by hand
        let q = &fit.posterior;
        for i in 0..k {
            let et = q.tau[i].mean();
            let mut a = DMatrix::from_fn(d, d, |r, c| if r == c { q.alpha[i][r].mean() } else { 0.0 });
            let mut b = DVector::zeros(d);
            let mut n = 0.0;
            for s in 0..lens.len() { for t in 0..lens[s] {
                if y[s][t].is_nan() { continue; }
                let r = q.z[s].probs(t)[i];
                let v = x[s].row(t).transpose();
                a += &v * v.transpose() * (r * et);
                b += &v * (r * et * y[s][t]);
                n += r;
            } }
            let cov = a.try_inverse().unwrap();
            let mean = &cov * b;
            
            for j in 0..d { close(q.b[i][j].mean(), mean[j], 1e-4); close(q.b[i][j].var(), cov[(j, j)], 1e-4);
                close(q.alpha[i][j].mean(), 1.5 / (1.0 + 0.5 * (mean[j].powi(2) + cov[(j, j)])), 1e-4);
            }
            let mut ss = 0.0;
            for s in 0..lens.len() { for t in 0..lens[s] {
                if y[s][t].is_nan() { continue; }
                let v = x[s].row(t).transpose();
                ss += q.z[s].probs(t)[i] * ((y[s][t] - v.dot(&mean)).powi(2) + (v.transpose() * &cov * &v)[(0, 0)]);
            } }
            close(q.tau[i].mean(), (1.0 + 0.5 * n) / (1.0 + 0.5 * ss), 1e-4);
        }
        let up = fit.update(&data, &Options::new()).unwrap();
        monotone(&up.trace);
        println!("{:?}", fit.predict(&data).map(|_| ()).map_err(|e| e.to_string()));
        println!("{:?}", m.simulate(&fit.params, &data, 2).map(|_| ()).map_err(|e| e.to_string()));
    }
}

// ---- c3
#[test]
fn c3_trees_of_counts_with_laws_for_their_rates() {
    let mut g = Noise::new(9);
    for (k, n) in [(3, 1), (1, 5), (2, 8), (3, 30)] {
        let parent: Vec<usize> = (0..n).map(|i: usize| if i == 0 { 0 } else { g.below(i) }).collect();
        let e: Vec<f64> = (0..n).map(|_| 0.2 + 3.0 * g.unit()).collect();
        let y: Vec<Option<u64>> = (0..n).map(|i| (g.unit() > 0.2).then(|| g.poisson(if i % 2 == 0 { 1.0 } else { 12.0 } * e[i]))).collect();
        let data = c3::Data { parent: (&parent).into(), exposure: (&e).into(), y: (&y).into() };
        let m = c3::Model::new(k);
        let fit = hammer("c3", &data, |o| m.fit(&data, &o), Options::new().tolerance(1e-13).max_iterations(2000));
        let q = &fit.posterior;
        for i in 0..k {
            let (mut a, mut b) = (1.0, 0.1);
            for j in 0..n { if let Some(c) = y[j] { a += q.z.probs(j)[i] * c as f64; b += q.z.probs(j)[i] * e[j]; } }
            close(q.rate[i].mean(), a / b, 1e-5);
        }
        // q(z) by enumeration from expectations
        if n <= 8 {
            let dg = vi_tests::density::digamma;
            let el = |i: usize| -> (f64, f64) { // E log rate, E rate
                let (mut a, mut b) = (1.0, 0.1);
                for j in 0..n { if let Some(c) = y[j] { a += q.z.probs(j)[i] * c as f64; b += q.z.probs(j)[i] * e[j]; } }
                (dg(a) - f64::ln(b), a / b)
            };
            let _ = el;
            let (_, marg, _, _) = enumerate(n, k, |z| {
                let mut v = q.root.expect_log(z[0]);
                for j in 0..n {
                    if j > 0 { v += q.trans[z[parent[j]]].expect_log(z[j]); }
                    if let Some(c) = y[j] { let (l, r) = el(z[j]); v += c as f64 * l - e[j] * r; }
                }
                v
            });
            for j in 0..n { for i in 0..k { close(q.z.probs(j)[i], marg[j][i], 1e-5); } }
        }
        fit.posterior.z.path().unwrap();
        println!("{:?}", m.simulate(&fit.params, &data, 2).map(|_| ()).map_err(|e| e.to_string()));
        println!("{:?}", fit.predict(&data).map(|_| ()).map_err(|e| e.to_string()));
        monotone(&fit.update(&data, &Options::new()).unwrap().trace);
    }
}

// ---- c4
fn c4_seq(p: &c4::Params, y: &[f64], z: &[usize]) -> f64 {
    let k = p.a.len() as f64;
    (1..y.len()).map(|t| { let i = z[t - 1];
        norm(y[t], p.a[i] * y[t-1] + p.b[i], p.s2[i]) + if t == 1 { -k.ln() } else { p.trans[z[t-2]][i].ln() } }).sum()
}
#[test]
fn c4_autoregression_in_states() {
    let mut g = Noise::new(10);
    for (k, lens) in [(2, vec![6, 1, 2, 8]), (1, vec![4, 3]), (3, vec![6]), (2, vec![0, 5])] {
        let y: Reals = lens.iter().map(|n| (0..*n).map(|_| 1.0 + g.normal()).collect()).collect();
        let data = c4::Data { y: (&y).into() };
        let m = c4::Model::new(k);
        let p = c4::Params { trans: g.rows(k, k), a: g.normals(k), b: g.normals(k), s2: (0..k).map(|_| 0.5 + g.unit()).collect() };
        let by_hand = |p: &c4::Params| y.iter().map(|r| if r.len() < 2 { 0.0 } else { enumerate(r.len() - 1, k, |z| c4_seq(p, r, z)).0 }).sum::<f64>();
        let fit = m.infer(&data, &p);
        match fit { Ok(f) => {
            same(f.log_likelihood(), by_hand(&p));
            println!("fi {:?}", f.filter(&data).map(|_| ()).map_err(|e| e.to_string()));
        }, Err(e) => println!("c4 {lens:?}: {e}") }
        if lens.len() == 4 {
            let fit = hammer("c4", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().tolerance(0.0).max_iterations(60));
            same(fit.log_likelihood(), by_hand(&fit.params));
        }
    }
}

// ---- c5
#[test]
fn c5_inputs_choose_transitions_and_some_states_are_known() {
    let mut g = Noise::new(11);
    let (k, u, v) = (3, 2, 4);
    for (n, t) in [(3, 4), (1, 1), (2, 5)] {
        let ui = DMatrix::from_fn(n, t, |_, _| g.below(u));
        let z = DMatrix::from_fn(n, t, |_, _| (g.unit() < 0.3).then(|| g.below(k)));
        let w = DMatrix::from_fn(n, t, |_, _| (g.unit() < 0.8).then(|| g.below(v)));
        let p = c5::Params { start: g.weights(k), trans: (0..u).map(|_| g.rows(k, k)).collect(), emit: g.rows(k, v) };
        let m = c5::Model::new(k, u, v);
        let data = c5::Data { u: (&ui).into(), z: (&z).into(), w: (&w).into() };
        let seq = |p: &c5::Params, s: usize, q: &[usize]| -> f64 { (0..t).map(|i| {
            if let Some(a) = z[(s, i)] { if a != q[i] { return f64::NEG_INFINITY; } }
            let from = if i == 0 { p.start[q[0]] } else { p.trans[ui[(s, i)]][q[i-1]][q[i]] };
            from.ln() + w[(s, i)].map_or(0.0, |a| p.emit[q[i]][a].ln()) }).sum() };
        let f = m.infer(&data, &p).unwrap();
        same(f.log_likelihood(), (0..n).map(|s| enumerate(t, k, |q| seq(&p, s, q)).0).sum());
        for s in 0..n { let e = enumerate(t, k, |q| seq(&p, s, q));
            for i in 0..t { for a in 0..k { same(f.posterior.z[s].probs(i)[a], e.1[i][a]); } }
            let path = f.posterior.z[s].path().unwrap();
            assert_eq!(path.states, e.3); 
            println!("{} {} {}", path.log_joint, e.2, e.0);
        }
        hammer("c5", &data, |o| m.fit(&data, &o), Options::new().max_iterations(50));
        println!("{:?}", m.simulate(&p, &data, 2).map(|_| ()).map_err(|e| e.to_string()));
        println!("fi {:?}", f.filter(&data).map(|_| ()).map_err(|e| e.to_string()));
    }
}

// ---- c6
#[test]
fn c6_left_to_right() {
    let mut g = Noise::new(12);
    let lens = [6usize, 1, 0, 4];
    let y: Counts = lens.iter().map(|n| (0..*n).map(|t| (g.unit() < 0.9).then(|| g.poisson(2.0 * (t + 1) as f64))).collect()).collect();
    let data = c6::Data { y: (&y).into() };
    let m = c6::Model::new();
    let p = c6::Params { p: vec![0.3, 0.6], rate: vec![2.0, 5.0, 9.0] };
    let seq = |p: &c6::Params, y: &[Option<u64>], z: &[usize]| -> f64 {
        let tr = [[p.p[0], 1.0 - p.p[0], 0.0], [0.0, p.p[1], 1.0 - p.p[1]], [0.0, 0.0, 1.0]];
        (0..z.len()).map(|t| if t == 0 { if z[0] == 0 { 0.0 } else { f64::NEG_INFINITY } } else { tr[z[t-1]][z[t]].ln() }).sum::<f64>()
            + (0..z.len()).map(|t| pois(y[t], p.rate[z[t]])).sum::<f64>() };
    let hand = |p: &c6::Params| y.iter().map(|r| if r.is_empty() { 0.0 } else { enumerate(r.len(), 3, |z| seq(p, r, z)).0 }).sum::<f64>();
    let f = m.infer(&data, &p).unwrap();
    same(f.log_likelihood(), hand(&p));
    for s in 0..4 { if lens[s] > 0 { let e = enumerate(lens[s], 3, |z| seq(&p, &y[s], z)); assert_eq!(f.posterior.z[s].path().unwrap().states, e.3); same(f.posterior.z[s].path().unwrap().log_joint, e.2); } }
    let fit = hammer("c6", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().tolerance(1e-14).max_iterations(3000));
    same(fit.log_likelihood(), hand(&fit.params));
    stationary("c6", &fit.params, hand, &[("rate0", &|p, h| p.rate[0] += h), ("rate1", &|p, h| p.rate[1] += h), ("rate2", &|p, h| p.rate[2] += h)]);
    println!("{:?}", m.simulate(&p, &data, 2).map(|_| ()).map_err(|e| e.to_string()));
    hammer("c6 default", &data, |o| m.fit(&data, &o), Options::new().max_iterations(50));
}

// ---- c7b
#[test]
fn c7_sequences_of_groups() {
    let mut g = Noise::new(13);
    let (k, gr) = (2, 3);
    let lens = [4usize, 0, 1, 6, 3];
    let of = vec![0usize, 2, 2, 0, 2];
    let y: Reals = lens.iter().map(|n| (0..*n).map(|_| if g.unit() < 0.2 { f64::NAN } else { 3.0 * g.normal() }).collect()).collect();
    let m = c7b::Model::new(k);
    let data = c7b::Data { of: (&of).into(), y: (&y).into() };
    let p = c7b::Params { start: g.rows(gr, k), trans: (0..gr).map(|_| g.rows(k, k)).collect(), mean: (0..gr).map(|_| g.normals(k)).collect(), s2: 1.3 };
    let hand = |p: &c7b::Params| (0..5).map(|s| if lens[s] == 0 { 0.0 } else { enumerate(lens[s], k, |z| (0..z.len()).map(|t| { let h = of[s];
        (if t == 0 { p.start[h][z[0]] } else { p.trans[h][z[t-1]][z[t]] }).ln() + norm(y[s][t], p.mean[h][z[t]], p.s2) }).sum()).0 }).sum::<f64>();
    let f = m.infer(&data, &p).unwrap();
    same(f.log_likelihood(), hand(&p));
    let fit = hammer("c7b", &data, |o| m.fit(&data, &o), Options::new().max_iterations(50));
    same(fit.log_likelihood(), hand(&fit.params));
}

// ---- c8
#[test]
fn c8_three_chains() {
    let mut g = Noise::new(14);
    for (k, l, mm, t) in [(2, 3, 2, 4), (1, 2, 1, 4), (2, 2, 2, 1)] {
        let y: Vec<f64> = (0..t).map(|i| if i == 1 { f64::NAN } else { g.normal() }).collect();
        let m = c8::Model::new(k, l, mm);
        let data = c8::Data { y: (&y).into() };
        let p = c8::Params { a: g.rows(k, k), b: g.rows(l, l), c: g.rows(mm, mm), u0: g.normals(k), v0: g.normals(l), w0: g.normals(mm), s2: 0.7 };
        let hand = |p: &c8::Params| enumerate(t, k * l * mm, |z| (0..t).map(|i| {
            let s = |z: usize| (z / (l * mm), z / mm % l, z % mm);
            let (u, v, w) = s(z[i]);
            let tr = if i == 0 { -((k * l * mm) as f64).ln() } else { let (a, b, c) = s(z[i-1]); (p.a[a][u] * p.b[b][v] * p.c[c][w]).ln() };
            tr + norm(y[i], p.u0[u] + p.v0[v] + p.w0[w], p.s2) }).sum()).0;
        let f = m.infer(&data, &p).unwrap();
        same(f.log_likelihood(), hand(&p));
        if t == 1 { continue; }
        let fit = hammer("c8", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().max_iterations(15).tolerance(0.0));
        same(fit.log_likelihood(), hand(&fit.params));
    }
    let y: Vec<f64> = g.normals(400);
    let data = c8::Data { y: (&y).into() };
    let fit = hammer("c8 long", &data, |o| c8::Model::new(2, 3, 2).fit(&data, &o), Options::new().max_iterations(30));
    fit.posterior.u.path().unwrap();
    let e = c8::Model::new(20, 20, 20).fit(&data, &Options::new()).unwrap_err();
    println!("{e}");
    println!("{:?}", fit.forecast(&data, 2).map(|_| ()).map_err(|e| e.to_string()));
    println!("{:?}", fit.filter(&data).map(|_| ()).map_err(|e| e.to_string()));
}

// ---- c10
#[test]
fn c10_a_change_with_missing_years() {
    let mut g = Noise::new(15);
    for n in [1usize, 2, 9] {
        let y: Vec<Option<u64>> = (0..n).map(|t| (t % 4 != 2).then(|| g.poisson(if t < 4 { 5.0 } else { 1.0 }))).collect();
        let x: Vec<f64> = (0..n).map(|t| if t == 0 { f64::NAN } else { g.normal() }).collect();
        let data = c10::Data { y: (&y).into(), x: (&x).into() };
        let m = c10::Model::new();
        let fit = hammer("c10", &data, |o| m.fit(&data, &o), Options::new());
        let lg = vi_tests::density::ln_gamma;
        let part = |ys: &[Option<u64>]| { let (mut c, mut e, mut f) = (0.0, 0.0, 0.0); for y in ys.iter().flatten() { c += *y as f64; e += 1.0; f += lg(*y as f64 + 1.0); } lg(1.0 + c) - (1.0 + c) * f64::ln(1.0 + e) - f };
        let logs: Vec<f64> = (0..n).map(|c| -(n as f64).ln() + part(&y[..c]) + part(&y[c..])).collect();
        let seen: Vec<f64> = x.iter().copied().filter(|v| !v.is_nan()).collect();
        let (h, ss) = (seen.len() as f64 / 2.0, seen.iter().map(|v| v * v).sum::<f64>());
        let ev = lse(&logs) + lg(1.0 + h) - (1.0 + h) * (1.0 + 0.5 * ss).ln() - h * std::f64::consts::TAU.ln();
        same(fit.log_evidence(), ev);
        for c in 0..n { same(fit.posterior.change.probs(0)[c], (logs[c] - lse(&logs)).exp()); }
    }
}

// ---- c11
#[test]
fn c11_two_kinds_of_chains_share_transitions() {
    let mut g = Noise::new(16);
    for (t, u) in [(5usize, 4usize), (1, 3), (4, 1), (0, 3)] {
        let y: Vec<f64> = g.normals(t);
        let n: Vec<Option<u64>> = (0..u).map(|i| (i != 1).then(|| g.poisson(4.0))).collect();
        let data = c11::Data { y: (&y).into(), n: (&n).into() };
        let m = c11::Model::new(2);
        let p = c11::Params { trans: g.rows(2, 2), mean: vec![0.3, -1.0], s2: 0.8, rate: vec![2.0, 6.0] };
        let hand = |p: &c11::Params| {
            let a = if t == 0 { 0.0 } else { enumerate(t, 2, |z| (0..t).map(|i| (if i == 0 { 0.5 } else { p.trans[z[i-1]][z[i]] }).ln() + norm(y[i], p.mean[z[i]], p.s2)).sum()).0 };
            a + enumerate(u, 2, |z| (0..u).map(|i| (if i == 0 { 0.5 } else { p.trans[z[i-1]][z[i]] }).ln() + pois(n[i], p.rate[z[i]])).sum()).0 };
        let f = m.infer(&data, &p);
        match f { Ok(f) => same(f.log_likelihood(), hand(&p)), Err(e) => println!("c11 {t} {u} {e}") }
        if t == 5 {
            let fit = hammer("c11", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().max_iterations(20).tolerance(0.0));
            same(fit.log_likelihood(), hand(&fit.params));
        }
    }
}

#[test]
fn c13_effects_of_sequences() {
    let mut g = Noise::new(17);
    let lens = [10usize, 0, 1, 7, 20];
    let e: Reals = lens.iter().map(|n| (0..*n).map(|_| 0.5 + g.unit()).collect()).collect();
    let y: Counts = lens.iter().map(|n| (0..*n).map(|t| (t % 5 != 3).then(|| g.poisson(if t % 8 < 4 { 2.0 } else { 10.0 }))).collect()).collect();
    let data = c13::Data { e: (&e).into(), y: (&y).into() };
    let m = c13::Model::new(2);
    let fit = hammer("c13", &data, |o| m.fit(&data, &o), Options::new().tolerance(1e-13).max_iterations(3000));
    let q = &fit.posterior;
    for s in 0..5 {
        let (mut a, mut b) = (2.0, 2.0);
        for t in 0..lens[s] { if let Some(c) = y[s][t] { a += c as f64; b += e[s][t] * (0..2).map(|k| q.z[s].probs(t)[k] * q.rate[k].mean()).sum::<f64>(); } }
        close(q.own[s].mean(), a / b, 1e-4);
    }
    println!("{:?}", fit.predict(&data).map(|p| p.log_density).map_err(|e| e.to_string()));
}

#[test]
fn c14_many_switches() {
    let mut g = Noise::new(18);
    let (k, d, t) = (3, 4, 5);
    let y = DMatrix::from_fn(t, d, |_, _| (g.unit() < 0.7).then(|| g.unit() < 0.5));
    let m = c14::Model::new(k);
    let data = c14::Data { y: (&y).into() };
    let p = c14::Params { start: g.weights(k), trans: g.rows(k, k), p: (0..k).map(|_| (0..d).map(|_| 0.1 + 0.8 * g.unit()).collect()).collect() };
    let hand = |p: &c14::Params| enumerate(t, k, |z| (0..t).map(|i| (if i == 0 { p.start[z[0]] } else { p.trans[z[i-1]][z[i]] }).ln()
        + (0..d).map(|j| y[(i, j)].map_or(0.0, |b| if b { p.p[z[i]][j].ln() } else { (1.0 - p.p[z[i]][j]).ln() })).sum::<f64>()).sum()).0;
    same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
    let fit = hammer("c14", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().max_iterations(20).tolerance(0.0));
    same(fit.log_likelihood(), hand(&fit.params));
    hammer("c14 default", &data, |o| m.fit(&data, &o), Options::new());
}

#[test]
fn c15_four_families() {
    let mut g = Noise::new(19);
    let (k, v) = (2, 3);
    for t in [6usize, 60] {
        let n: Vec<u64> = (0..t).map(|i| (i % 4) as u64 * 3).collect();
        let a: Vec<Option<u64>> = n.iter().map(|n| (g.unit() < 0.8).then(|| (g.unit() * (*n as f64 + 0.999)) as u64)).collect();
        let b = DMatrix::from_fn(t, v, |i, j| u64::from(j == i % 3) * 3);
        let c: Vec<Option<u64>> = (0..t).map(|i| (g.unit() < 0.8).then(|| g.poisson(if i % 10 < 5 { 2.0 } else { 9.0 }))).collect();
        let gg: Vec<f64> = (0..t).map(|i| if i % 7 == 3 { f64::NAN } else { g.gamma(3, 1.0) }).collect();
        let data = c15::Data { n: (&n).into(), a: (&a).into(), b: (&b).into(), c: (&c).into(), g: (&gg).into() };
        let m = c15::Model::new(k);
        let p = c15::Params { trans: g.rows(k, k), p: vec![0.3, 0.7], q: g.rows(k, v), mu: vec![2.0, 8.0], r: vec![3.0, 1.5], ga: vec![2.0, 3.0], gb: vec![1.0, 0.7] };
        let hand = |p: &c15::Params| enumerate(t, k, |z| (0..t).map(|i| { let s = z[i];
            (if i == 0 { 0.5 } else { p.trans[z[i-1]][s] }).ln() + a[i].map_or(0.0, |y| vi_tests::density::binomial(y, n[i], p.p[s]))
            + vi_tests::density::multinomial(&(0..v).map(|j| b[(i, j)]).collect::<Vec<_>>(), p.q[s].as_slice())
            + c[i].map_or(0.0, |y| vi_tests::density::negative_binomial(y, p.mu[s], p.r[s]))
            + if gg[i].is_nan() { 0.0 } else { vi_tests::density::gamma(gg[i], p.ga[s], p.gb[s]) } }).sum()).0;
        if t < 10 { same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p)); }
        let fit = hammer("c15", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().max_iterations(40).tolerance(0.0));
        if t < 10 { same(fit.log_likelihood(), hand(&fit.params)); }
    }
}

#[test]
fn c17_orders_and_covariates() {
    let mut g = Noise::new(20);
    let (k, t, pd) = (2, 7, 2);
    let x = DMatrix::from_fn(t, pd, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y = g.normals(t);
    let m = c17::Model::new(k);
    let data = c17::Data { x: (&x).into(), y: (&y).into() };
    let p = c17::Params { trans: g.rows(k, k), phi: vec![DVector::from_vec(vec![0.5, 0.1]), DVector::from_vec(vec![-0.4, 0.2])],
        beta: vec![DVector::from_vec(vec![0.0, 1.0]), DVector::from_vec(vec![0.3, -1.0])], s2: vec![0.7, 1.2] };
    let hand = |p: &c17::Params| enumerate(t, k, |z| (0..t).map(|i| { let s = z[i];
        (if i == 0 { 0.5 } else { p.trans[z[i-1]][s] }).ln() + if i < 2 { norm(y[i], 0.0, 10.0) } else {
            norm(y[i], p.phi[s][0] * y[i-1] + p.phi[s][1] * y[i-2] + p.beta[s].dot(&x.row(i).transpose()), p.s2[s]) } }).sum()).0;
    same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
    let x = DMatrix::from_fn(200, pd, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let mut y = vec![0.0; 200];
    for i in 2..200 { y[i] = if (i / 20) % 2 == 0 { 0.7 * y[i-1] + 1.0 } else { -0.5 * y[i-1] + 0.3 * y[i-2] - x[(i, 1)] } + 0.3 * g.normal(); }
    let data = c17::Data { x: (&x).into(), y: (&y).into() };
    let fit = hammer("c17", &data, |o| m.fit(&data, &o), Options::new().restarts(4));
    println!("{:?}", fit.filter(&data).map(|_| ()).map_err(|e| e.to_string()));
    println!("{:?}", fit.predict(&data).map(|p| p.log_density).map_err(|e| e.to_string()));
    // collinear covariates
    let xc = DMatrix::from_fn(200, pd, |_, _| 1.0);
    let dc = c17::Data { x: (&xc).into(), y: (&y).into() };
    hammer("c17 collinear", &dc, |o| m.fit(&dc, &o), Options::new().max_iterations(30));
}

#[test]
fn c20_a_hierarchy_of_means() {
    let mut g = Noise::new(21);
    for (k, lens) in [(2, vec![20usize, 0, 1, 30]), (1, vec![5]), (3, vec![1, 1])] {
        let y: Reals = lens.iter().map(|n| (0..*n).map(|t| if t % 6 == 4 { f64::NAN } else { (t / 5 % 2) as f64 * 4.0 + g.normal() }).collect()).collect();
        let data = c20::Data { y: (&y).into() };
        let m = c20::Model::new(k);
        let fit = hammer("c20", &data, |o| m.fit(&data, &o), Options::new().tolerance(1e-13).max_iterations(3000));
        monotone(&fit.update(&data, &Options::new()).unwrap().trace);
        println!("{:?}", fit.filter(&data).map(|_| ()).map_err(|e| e.to_string()));
    }
}

#[test]
fn c21_student_states() {
    let mut g = Noise::new(22);
    let (k, t) = (2, 6);
    let y: Vec<f64> = (0..t).map(|i| if i == 2 { f64::NAN } else { g.normal() }).collect();
    let data = c21::Data { y: (&y).into() };
    let m = c21::Model::new(k);
    let p = c21::Params { trans: g.rows(k, k), mean: vec![-1.0, 1.0], s: vec![0.5, 1.2], nu: 4.0 };
    let hand = |p: &c21::Params| enumerate(t, k, |z| (0..t).map(|i| { let s = z[i];
        (if i == 0 { 0.5 } else { p.trans[z[i-1]][s] }).ln() + if y[i].is_nan() { 0.0 } else { vi_tests::density::student_t(y[i], p.nu, p.mean[s], p.s[s]) } }).sum()).0;
    same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
    let y: Vec<f64> = (0..150).map(|i| if i % 31 == 7 { 30.0 } else { (i / 15 % 2) as f64 * 5.0 + g.normal() }).collect();
    let data = c21::Data { y: (&y).into() };
    hammer("c21", &data, |o| m.fit(&data, &o), Options::new());
}

#[test]
fn c22_a_switch_and_zeros() {
    let mut g = Noise::new(23);
    for t in [1usize, 8] {
        let y: Vec<Option<u64>> = (0..t).map(|i| (i % 4 != 1).then(|| if i % 3 == 0 { 0 } else { g.poisson(3.0) })).collect();
        let data = c22::Data { y: (&y).into() };
        let m = c22::Model::new();
        let p = c22::Params { up: 0.2, down: 0.3, p: 0.4, rate: 2.5 };
        let hand = |p: &c22::Params| enumerate(t, 2, |z| (0..t).map(|i| { let on = z[i] == 1;
            let pr = if i == 0 { p.p } else if z[i-1] == 1 { 1.0 - p.down } else { p.up };
            (if on { pr } else { 1.0 - pr }).ln() + y[i].map_or(0.0, |y| if on { vi_tests::density::poisson(y, p.rate) } else if y == 0 { 0.0 } else { f64::NEG_INFINITY }) }).sum()).0;
        let f = m.infer(&data, &p).unwrap();
        same(f.log_likelihood(), hand(&p));
        println!("path {:?}", f.posterior.on.path().unwrap());
        println!("{:?}", f.forecast(&data, 2).map(|_| ()).map_err(|e| e.to_string()));
        hammer("c22", &data, |o| m.fit(&data, &o), Options::new());
    }
}

#[test]
fn c19_transitions_by_covariates() {
    let mut g = Noise::new(24);
    let (k, t, pd) = (2, 6, 2);
    let x = DMatrix::from_fn(t, pd, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y = g.normals(t);
    let data = c19::Data { x: (&x).into(), y: (&y).into() };
    let m = c19::Model::new(k);
    let p = c19::Params { w: (0..k).map(|_| (0..k).map(|_| DVector::from_vec(g.normals(pd))).collect()).collect(), mean: vec![-0.5, 1.0] };
    let hand = |p: &c19::Params| enumerate(t, k, |z| (0..t).map(|i| { let s = z[i];
        (if i == 0 { (0.5f64).ln() } else { let v = x.row(i).transpose(); let e: Vec<f64> = (0..k).map(|j| p.w[z[i-1]][j].dot(&v)).collect(); e[s] - lse(&e) })
        + norm(y[i], p.mean[s], 1.0) }).sum()).0;
    same(m.infer(&data, &p).unwrap().log_likelihood(), hand(&p));
    let fit = hammer("c19", &data, |o| m.fit_from(&data, Start::Params(p.clone()), &o), Options::new().max_iterations(30).tolerance(0.0));
    same(fit.log_likelihood(), hand(&fit.params));
}
