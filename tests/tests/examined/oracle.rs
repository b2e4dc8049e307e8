//! Enumeration of paths, densities of what may be missing, and what every fit must do.

use std::fmt::Debug;
use vi_core::fit::Program;
use vi_core::prelude::*;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::honest;

/// All values of `n` categories of `k`.
fn assignments(n: usize, k: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![vec![]], |all: Vec<Vec<usize>>, _| {
        all.iter().flat_map(|z| (0..k).map(move |i| [z.as_slice(), &[i]].concat())).collect()
    })
}

/// What is known of categories from their joint log density with the data.
pub struct Paths {
    pub evidence: f64,
    pub marginals: Vec<Vec<f64>>,
    pub best: f64,
    pub path: Vec<usize>,
}

pub fn enumerate(n: usize, k: usize, joint: impl Fn(&[usize]) -> f64) -> Paths {
    let all = assignments(n, k);
    let logs: Vec<f64> = all.iter().map(|z| joint(z)).collect();
    let evidence = log_sum_exp(&logs);
    let mut marginals = vec![vec![0.0; k]; n];
    let (mut best, mut path) = (f64::NEG_INFINITY, vec![]);
    for (z, l) in all.iter().zip(&logs) {
        z.iter().zip(&mut marginals).for_each(|(k, m)| m[*k] += (l - evidence).exp());
        if *l > best {
            (best, path) = (*l, z.clone());
        }
    }
    Paths { evidence, marginals, best, path }
}

/// log N(x; m, v), and 0 where x is missing.
pub fn normal(x: f64, m: f64, v: f64) -> f64 {
    if x.is_nan() { 0.0 } else { density::normal(x, m, v) }
}

pub fn poisson(y: Option<u64>, rate: f64) -> f64 {
    y.map_or(0.0, |y| density::poisson(y, rate))
}

/// Two threads compute the same bits as one, and the fit is honest and prints numbers.
#[track_caller]
pub fn sound<M: Program>(
    data: &M::Data<'_>,
    options: &Options,
    fit: impl Fn(&Options) -> Result<Fit<M>, vi_core::Error>,
) -> Fit<M>
where
    M::Params: Debug,
    M::Posterior: Debug,
{
    let all = |f: &Fit<M>| format!("{:?} {:?} {:?}", f.trace, f.params, f.posterior);
    let one = fit(&options.clone().threads(1)).expect("a fit");
    let two = fit(&options.clone().threads(2)).expect("a fit");
    assert_eq!(all(&one), all(&two), "{}", M::NAME);
    let text = one.to_string();
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    honest(&one, data);
    one
}

/// A small move in one direction.
pub type Move<'a, P> = &'a dyn Fn(&mut P, f64);

/// A small move along any of these directions gains nothing.
#[track_caller]
pub fn is_maximum<P: Clone>(p: &P, f: impl Fn(&P) -> f64, moves: &[Move<'_, P>]) {
    let tolerance = 1e-4 * (1.0 + f(p).abs());
    for (n, go) in moves.iter().enumerate() {
        let at = |h: f64| {
            let mut p = p.clone();
            go(&mut p, h);
            f(&p)
        };
        let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
        assert!(slope.abs() < tolerance, "direction {n}: slope {slope}");
    }
}
