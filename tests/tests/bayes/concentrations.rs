//! Params without a closed form that split over a component: Newton component by component is Newton on all of them.

use nalgebra::{DMatrix, DVector};
use vi_core::engine::newton::{self, Domain};
use vi_core::prelude::*;
use vi_core::special::{digamma, lgamma, trigamma};

const K: usize = 3;
const V: usize = 4;

model! {
    /// Shares of kinds that are known: every concentration has a component of its own.
    pub mod labelled(K) {
        given    kind[n in N]: Category[K];
        param    a[k in K, v in V]: Positive;
        observed share[n in N]: Simplex[V] ~ Dirichlet(a[kind[n]]);
    }
}

model! {
    /// A mixture of the same.
    pub mod mixed(K) {
        param    weight: Simplex[K];
        param    a[k in K, v in V]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed share[n in N]: Simplex[V] ~ Dirichlet(a[z[n]]);
    }
}

model! {
    /// A hyperparameter joins the components: nothing splits.
    pub mod joined(K) {
        given    kind[n in N]: Category[K];
        param    rate: Positive ~ Gamma(shape: 3, rate: 1);
        param    a[k in K, v in V]: Positive ~ Gamma(shape: 2, rate: rate);
        observed share[n in N]: Simplex[V] ~ Dirichlet(a[kind[n]]);
    }
}

const TRUTH: [[f64; V]; K] = [[6.0, 1.0, 2.0, 1.5], [0.8, 5.0, 0.9, 3.0], [2.0, 2.0, 9.0, 0.7]];

/// Shares and their kinds, kind by kind in turn.
fn study(n: usize) -> (Vec<DVector<f64>>, Vec<usize>) {
    let kinds: Vec<usize> = (0..n).map(|i| i % K).collect();
    let shares = kinds
        .iter()
        .enumerate()
        .map(|(i, k)| {
            let law = vi_core::dist::Dirichlet::a(&TRUTH[*k]);
            law.sample(&mut vi_core::rng::stream(3, "share", &[i]))
        })
        .collect();
    (shares, kinds)
}

/// argmax over all K · V concentrations at once of Σ r[n, k] log Dirichlet(share[n] | a[k]), with one Hessian.
fn jointly(shares: &[DVector<f64>], r: impl Fn(usize, usize) -> f64, start: &[f64]) -> Vec<f64> {
    let size = K * V;
    let mut weight = [0.0; K];
    let mut log = vec![0.0; size];
    for (n, share) in shares.iter().enumerate() {
        for k in 0..K {
            weight[k] += r(n, k);
            (0..V).for_each(|v| log[k * V + v] += r(n, k) * share[v].ln());
        }
    }
    let objective = |a: &[f64]| {
        let mut value = 0.0;
        let (mut gradient, mut hessian) = (DVector::zeros(size), DMatrix::zeros(size, size));
        for k in 0..K {
            let total: f64 = a[k * V..][..V].iter().sum();
            value += weight[k] * lgamma(total);
            for i in k * V..(k + 1) * V {
                value += (a[i] - 1.0) * log[i] - weight[k] * lgamma(a[i]);
                gradient[i] = log[i] + weight[k] * (digamma(total) - digamma(a[i]));
                hessian[(i, i)] -= weight[k] * trigamma(a[i]);
                (k * V..(k + 1) * V).for_each(|j| hessian[(i, j)] += weight[k] * trigamma(total));
            }
        }
        (value, gradient, hessian)
    };
    newton::maximise(start, &[Domain::POSITIVE; K * V], objective).values
}

fn flat(a: &[Vec<f64>]) -> Vec<f64> {
    a.iter().flatten().copied().collect()
}

#[track_caller]
fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * e.abs(), "{found:?} is not {expected:?}");
    }
}

#[test]
fn component_by_component_is_all_at_once() {
    let (shares, kinds) = study(300);
    let data = labelled::Data { share: (&shares).into(), kind: (&kinds).into() };
    let fit = labelled::Model::new(K).fit(&data, &Options::new().tolerance(1e-12)).unwrap();
    let r = |n: usize, k: usize| f64::from(u8::from(kinds[n] == k));
    let found = flat(&fit.params.a);
    close(&found, &jointly(&shares, r, &[1.0; K * V]), 1e-6);
    // The estimates are near what the shares were drawn from.
    close(&found, TRUTH.as_flattened(), 0.35);
}

#[test]
fn responsibilities_weigh_the_components() {
    let (shares, _) = study(300);
    let data = mixed::Data { share: (&shares).into() };
    let options = Options::new().seed(1).restarts(4).tolerance(1e-13).max_iterations(3000);
    let fit = mixed::Model::new(K).fit(&data, &options).unwrap();
    assert!(fit.converged);
    // Where EM stops, an M-step over everything at once changes nothing.
    let r = |n: usize, k: usize| fit.posterior.z.probs(n)[k];
    let found = flat(&fit.params.a);
    close(&found, &jointly(&shares, r, &found), 1e-4);
    assert!(fit.verify(&data, 5).unwrap().is_exact());
}

#[test]
fn a_term_that_joins_components_keeps_them_together() {
    let (shares, kinds) = study(120);
    let data = joined::Data { share: (&shares).into(), kind: (&kinds).into() };
    let fit = joined::Model::new(K).fit(&data, &Options::new().tolerance(1e-12)).unwrap();
    let log_posterior = |a: &[f64], rate: f64| {
        let mut total = 2.0 * rate.ln() - rate;
        for (share, k) in shares.iter().zip(&kinds) {
            let a = &a[k * V..][..V];
            total += lgamma(a.iter().sum())
                + a.iter().zip(share.iter()).map(|(a, x)| (a - 1.0) * x.ln() - lgamma(*a)).sum::<f64>();
        }
        total + a.iter().map(|a| 2.0 * rate.ln() + a.ln() - rate * a).sum::<f64>()
    };
    let a = flat(&fit.params.a);
    let rate = fit.params.rate;
    let best = log_posterior(&a, rate);
    for i in 0..K * V {
        for factor in [0.999, 1.001] {
            let mut moved = a.clone();
            moved[i] *= factor;
            assert!(log_posterior(&moved, rate) < best, "a[{i}] can rise");
        }
    }
    assert!(log_posterior(&a, rate * 1.001) < best && log_posterior(&a, rate * 0.999) < best);
}
