use std::fmt::Debug;
use vi_core::fit::Program;
use vi_core::prelude::*;
use vi_tests::law::{close, honest};

pub fn lse(x: &[f64]) -> f64 {
    let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if m == f64::NEG_INFINITY { return m; }
    m + x.iter().map(|v| (v - m).exp()).sum::<f64>().ln()
}
pub fn paths(n: usize, k: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![vec![]], |all: Vec<Vec<usize>>, _| {
        all.iter().flat_map(|z| (0..k).map(move |i| [z.as_slice(), &[i]].concat())).collect()
    })
}
pub fn norm(x: f64, m: f64, v: f64) -> f64 {
    if x.is_nan() { 0.0 } else { -0.5 * ((x - m).powi(2) / v + (std::f64::consts::TAU * v).ln()) }
}
pub fn pois(y: Option<u64>, r: f64) -> f64 {
    y.map_or(0.0, |y| vi_tests::density::poisson(y, r))
}
/// evidence, marginals of a discrete joint
pub fn enumerate(n: usize, k: usize, f: impl Fn(&[usize]) -> f64) -> (f64, Vec<Vec<f64>>, f64, Vec<usize>) {
    let all = paths(n, k);
    let logs: Vec<f64> = all.iter().map(|z| f(z)).collect();
    let total = lse(&logs);
    let mut m = vec![vec![0.0; k]; n];
    for (z, l) in all.iter().zip(&logs) {
        for t in 0..n { m[t][z[t]] += (l - total).exp(); }
    }
    let (mut best, mut at) = (f64::NEG_INFINITY, vec![]);
    for (z, l) in all.iter().zip(&logs) { if *l > best { best = *l; at = z.clone(); } }
    (total, m, best, at)
}
/// The same bits on 1 and 2 threads, an honest fit that prints.
#[track_caller]
pub fn hammer<M: Program>(what: &str, data: &M::Data<'_>, fit: impl Fn(Options) -> Result<Fit<M>, vi_core::Error>, o: Options) -> Fit<M>
where M::Params: Debug, M::Posterior: Debug {
    let a = fit(o.clone().threads(1)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let b = fit(o.threads(2)).unwrap();
    assert_eq!(format!("{:?}", a.trace), format!("{:?}", b.trace), "{what}: threads");
    assert_eq!(format!("{:?}", a.params), format!("{:?}", b.params), "{what}: threads");
    assert_eq!(format!("{:?}", a.posterior), format!("{:?}", b.posterior), "{what}: threads");
    let text = a.to_string();
    assert!(!text.contains("NaN") && !text.contains("inf"), "{what}\n{text}");
    println!("{what}\n{text}");
    honest(&a, data);
    a
}
/// A maximum: a move along any of these directions gains nothing.
#[track_caller]
pub fn stationary<P: Clone>(what: &str, p: &P, f: impl Fn(&P) -> f64, moves: &[(&str, &dyn Fn(&mut P, f64))]) {
    let here = f(p);
    for (name, go) in moves {
        let h = 1e-4;
        let (mut a, mut b) = (p.clone(), p.clone());
        go(&mut a, h); go(&mut b, -h);
        let (fa, fb) = (f(&a), f(&b));
        let slope = (fa - fb) / (2.0 * h);
        let tol = 1e-4 * (1.0 + here.abs());
        assert!(slope.abs() < tol, "{what} {name}: slope {slope} at {here}, {fa} {fb}");
    }
}
pub fn same(a: f64, b: f64) { close(a, b, 1e-10) }
