//! Laws of variational fits: changes of the data that must not matter, and blocks that are optimal given the others.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{digamma, ln_gamma};
use vi_tests::law::{close, monotone};
use vi_tests::textbook::{dirichlet_divergence, expected_logs};

model! {
    pub mod points(K, a0: Positive, m0: Vector[D], b0: Positive, w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: b0 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    pub mod counts(K, a0: Positive, c0: Positive, d0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   rate[k in K] ~ Gamma(shape: c0, rate: d0);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}

fn cloud(n: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    DMatrix::from_fn(n, 2, |i, d| g.normal() * (1.0 + d as f64) + if i % 3 == 0 { 4.0 } else { 0.0 })
}

fn responsibilities(n: usize, k: usize, seed: u64) -> Categories {
    let mut g = Noise::new(seed);
    Categories::from_rows(k, (0..n).flat_map(|_| g.simplex(k)).collect())
}

fn model(k: usize, scale: f64, shift: f64) -> points::Model {
    let m0 = DVector::from_vec(vec![0.5, -0.5]).map(|v| v * scale + shift);
    let w0 = DMatrix::from_row_slice(2, 2, &[0.8, 0.2, 0.2, 0.5]) / (scale * scale);
    points::Model::new(k, 0.7, m0, 0.3, w0, 3.5)
}

fn begun(z: Categories) -> Start<points::Model> {
    Start::Posterior(points::Posterior { z, ..Default::default() })
}

fn bits(x: &[f64]) -> Vec<u64> {
    x.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn every_sweep_rises_from_fifty_starts() {
    let x = cloud(80, 1);
    let data = points::Data { x: (&x).into() };
    for seed in 0..50 {
        let start = begun(responsibilities(80, 4, seed));
        let fit = model(4, 1.0, 0.0).fit_from(&data, start, &Options::new().max_iterations(80)).unwrap();
        monotone(&fit.trace);
        let total: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
        close(total, fit.elbo(), 1e-11);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let x = cloud(5000, 2);
    let data = points::Data { x: (&x).into() };
    let run = |threads| {
        let options = Options::new().threads(threads).max_iterations(6);
        model(3, 1.0, 0.0).fit_from(&data, begun(responsibilities(5000, 3, 1)), &options).unwrap()
    };
    let one = run(1);
    for threads in [2, 7] {
        let many = run(threads);
        assert_eq!(bits(&one.trace), bits(&many.trace));
        assert_eq!(one.posterior, many.posterior);
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let x = cloud(61, 3);
    let z = responsibilities(61, 2, 2);
    let turn = |n: usize| (n * 17 + 5) % 61;
    let turned = DMatrix::from_fn(61, 2, |n, d| x[(turn(n), d)]);
    let rows = (0..61).flat_map(|n| z.probs(turn(n)).to_vec()).collect();
    let options = Options::new().max_iterations(40).tolerance(0.0);
    let fit = |x: &DMatrix<f64>, z: Categories| {
        model(2, 1.0, 0.0).fit_from(&points::Data { x: x.into() }, begun(z), &options).unwrap()
    };
    let (a, b) = (fit(&x, z.clone()), fit(&turned, Categories::from_rows(2, rows)));
    for (u, v) in a.trace.iter().zip(&b.trace) {
        close(*v, *u, 1e-12);
    }
    for n in 0..61 {
        close(b.posterior.z.probs(n)[0], a.posterior.z.probs(turn(n))[0], 1e-9);
    }
}

#[test]
fn exchanged_labels_give_exchanged_components() {
    let x = cloud(60, 4);
    let z = responsibilities(60, 2, 3);
    let swapped = (0..60).flat_map(|n| [z.probs(n)[1], z.probs(n)[0]]).collect();
    let options = Options::new().max_iterations(40).tolerance(0.0);
    let fit = |z: Categories| {
        model(2, 1.0, 0.0).fit_from(&points::Data { x: (&x).into() }, begun(z), &options).unwrap()
    };
    let (a, b) = (fit(z.clone()), fit(Categories::from_rows(2, swapped)));
    close(b.elbo(), a.elbo(), 1e-12);
    for k in 0..2 {
        close(b.posterior.weight.mean()[k], a.posterior.weight.mean()[1 - k], 1e-9);
        let off = b.posterior.mean[k].mean() - a.posterior.mean[1 - k].mean();
        assert!(off.norm() < 1e-8, "{off}");
    }
}

/// y = c x + s with the priors moved along: every density gains a factor |c|⁻ᴰ and nothing else changes.
#[test]
fn units_of_measurement_do_not_matter() {
    let x = cloud(50, 5);
    let (c, s) = (8.0f64, 1024.0);
    let moved = x.map(|v| c * v + s);
    let options = Options::new().max_iterations(40).tolerance(0.0);
    let fit = |x: &DMatrix<f64>, m: points::Model| {
        m.fit_from(&points::Data { x: x.into() }, begun(responsibilities(50, 3, 6)), &options).unwrap()
    };
    let (a, b) = (fit(&x, model(3, 1.0, 0.0)), fit(&moved, model(3, c, s)));
    let jacobian = 100.0 * c.ln();
    assert_eq!(a.trace.len(), b.trace.len());
    for (u, v) in a.trace.iter().zip(&b.trace) {
        close(v + jacobian, *u, 1e-9);
    }
    for k in 0..3 {
        for d in 0..2 {
            close(b.posterior.mean[k].mean()[d], c * a.posterior.mean[k].mean()[d] + s, 1e-8);
            close(b.posterior.mean[k].sd()[d], c * a.posterior.mean[k].sd()[d], 1e-7);
        }
    }
}

/// As many sweeps as bring the moments, and not only the bound, to rest.
fn settled(
    model: &counts::Model,
    data: &counts::Data<'_>,
    start: Start<counts::Model>,
) -> Fit<counts::Model> {
    let mut state = model.start(data, start, &Options::new()).unwrap();
    for _ in 0..600 {
        model.step(&mut state).unwrap();
    }
    state.finish().unwrap()
}

/// E log p(y, z, weight, rate) + H(q) for any q of this form.
fn bound(y: &[u64], z: &[[f64; 2]], weight: &[f64], rate: &[(f64, f64)], prior: (f64, f64, f64)) -> f64 {
    let (a0, c0, d0) = prior;
    let log_weight = expected_logs(weight);
    let mut out = -dirichlet_divergence(weight, &[a0, a0]);
    for (c, d) in rate {
        // KL between two Gammas.
        out -=
            (c - c0) * digamma(*c) - ln_gamma(*c) + ln_gamma(c0) + c0 * (d.ln() - d0.ln()) + c * (d0 - d) / d;
    }
    for (y, z) in y.iter().zip(z) {
        for k in 0..2 {
            let (c, d) = rate[k];
            let log_p = *y as f64 * (digamma(c) - d.ln()) - c / d - ln_gamma(*y as f64 + 1.0);
            out += if z[k] > 0.0 { z[k] * (log_weight[k] + log_p - z[k].ln()) } else { 0.0 };
        }
    }
    out
}

#[test]
fn no_small_change_of_a_block_raises_the_bound() {
    let y = [0u64, 1, 9, 7, 0, 12, 2, 1, 4];
    let prior = (1.5, 2.0, 0.5);
    let data = counts::Data { y: (&y).into() };
    let start = Start::Posterior(counts::Posterior { z: responsibilities(9, 2, 7), ..Default::default() });
    let fit = settled(&counts::Model::new(2, prior.0, prior.1, prior.2), &data, start);
    let q = &fit.posterior;
    let z: Vec<[f64; 2]> = (0..9).map(|n| [q.z.probs(n)[0], q.z.probs(n)[1]]).collect();
    let (mean, var) = (q.weight.mean()[0], q.weight.var()[0]);
    let total = mean * (1.0 - mean) / var - 1.0;
    let weight = [mean * total, (1.0 - mean) * total];
    let rate: Vec<(f64, f64)> =
        q.rate.iter().map(|r| (r.mean().powi(2) / r.var(), r.mean() / r.var())).collect();
    let top = bound(&y, &z, &weight, &rate, prior);
    close(fit.elbo(), top, 1e-11);
    // Counts are whole: the blocks are what the other blocks' moments make of the prior.
    let size: f64 = z.iter().map(|z| z[0]).sum();
    close(weight[0], prior.0 + size, 1e-6);
    close(rate[0].1, prior.2 + size, 1e-6);
    let mut g = Noise::new(8);
    for _ in 0..30 {
        let d: Vec<f64> = (0..15).map(|_| g.normal()).collect();
        for t in [1e-3, -1e-3, 3e-2, -3e-2, 0.3, -0.3] {
            let moved = [weight[0] * f64::exp(t * d[0]), weight[1] * f64::exp(t * d[1])];
            assert!(bound(&y, &z, &moved, &rate, prior) < top + 1e-12, "weight, {t}");
            let moved: Vec<(f64, f64)> = (0..2)
                .map(|k| (rate[k].0 * f64::exp(t * d[2 + k]), rate[k].1 * f64::exp(t * d[4 + k])))
                .collect();
            assert!(bound(&y, &z, &weight, &moved, prior) < top + 1e-12, "rate, {t}");
            let moved: Vec<[f64; 2]> = (0..9)
                .map(|n| {
                    let odds = z[n][1] / z[n][0] * f64::exp(t * d[6 + n]);
                    [1.0 / (1.0 + odds), odds / (1.0 + odds)]
                })
                .collect();
            assert!(bound(&y, &moved, &weight, &rate, prior) < top + 1e-12, "z, {t}");
        }
    }
}

/// What was learned is held: new units get the posterior that the old ones would have had with the same values.
#[test]
fn new_units_are_placed_as_old_ones_were() {
    let y = [0u64, 1, 9, 7, 0, 12, 2, 1, 4];
    let data = counts::Data { y: (&y).into() };
    let start = Start::Posterior(counts::Posterior { z: responsibilities(9, 2, 7), ..Default::default() });
    let fit = settled(&counts::Model::new(2, 1.5, 2.0, 0.5), &data, start);
    let fresh = [9u64, 0, 4];
    let placed = fit.infer(&counts::Data { y: (&fresh).into() }).unwrap();
    for (i, n) in [(0, 2), (1, 0), (2, 8)] {
        for k in 0..2 {
            close(placed.posterior.z.probs(i)[k], fit.posterior.z.probs(n)[k], 1e-7);
        }
    }
    for k in 0..2 {
        assert_eq!(placed.posterior.rate[k], fit.posterior.rate[k]);
    }
}
