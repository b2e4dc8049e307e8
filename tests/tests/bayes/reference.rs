//! Variational answers that were obtained outside this project, to the digits given, sweep by sweep where they are.
//!
//! Numbers of fifteen digits and more were worked out in 40 digits from the same updates: printed answers of other programs agree with them
//! to nine or more.

use vi_core::prelude::*;
use vi_tests::data::read;
use vi_tests::density::digamma;
use vi_tests::law::{close, digits, monotone};
use vi_tests::textbook::mixture as textbook;

model! {
    /// Mean and precision a priori independent.
    pub mod location(m0: Real, p0: Positive, a0: Positive, b0: Positive) {
        latent   mu  ~ Normal(m0, prec: p0);
        latent   tau ~ Gamma(shape: a0, rate: b0);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(mu); q(tau); }
    }
}
model! {
    /// The precision of the mean is that of the data, up to a factor: one exact block.
    pub mod joint_location(k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(0, prec: k0 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    /// The same, with the block cut in two.
    pub mod forced_location(k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(0, prec: k0 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(mu); q(tau); }
    }
}
model! {
    pub mod coins(K) {
        latent   weight: Simplex[K]     ~ Dirichlet(1e-5);
        latent   p[d in D, k in K]      ~ Beta(0.5, 0.5);
        latent   z[n in N]              ~ Categorical(weight);
        observed x[n in N, d in D]: Bool ~ Bernoulli(p[d, z[n]]);
        factorize { q(z); q(weight); q(p); }
    }
}
model! {
    pub mod separate_mixture(K, a0: Positive, m0: Vector[D], b0: Positive, w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K]      ~ Dirichlet(a0);
        latent   mean[k in K]: Vector[D] ~ Normal(m0, prec: b0);
        latent   prec[k in K]            ~ Wishart(dof: nu0, scale: w0);
        latent   z[n in N]               ~ Categorical(weight);
        observed x[n in N]               ~ Normal(mean[z[n]], prec: prec[z[n]]);
        factorize { q(mean); q(prec); q(z); q(weight); }
    }
}
model! {
    pub mod joint_mixture(K, a0: Positive, m0: Vector[D], b0: Positive, w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: b0 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
        factorize { q(weight); q(mean, prec); q(z); }
    }
}
model! {
    pub mod draws(K) {
        latent   p: Simplex[K] ~ Dirichlet(1);
        observed y[n in N]     ~ Categorical(p);
    }
}
model! {
    pub mod noisy_zero {
        latent   x         ~ Normal(3, var: 1);
        observed y[n in N] ~ Normal(x, var: 1);
    }
}

/// Sweeps by the number: bounds stop changing when moments are right to the square root of their rounding.
macro_rules! sweeps {
    ($model:expr, $data:expr, $start:expr, $sweeps:expr) => {{
        let model = $model;
        let mut state = model.start($data, $start, &Options::new()).unwrap();
        while state.trace.len() < $sweeps {
            model.step(&mut state).unwrap();
        }
        monotone(&state.trace);
        state.finish().unwrap()
    }};
}

/// Shape and rate of a Gamma by its mean and its variance.
fn shape_rate(mean: f64, var: f64) -> (f64, f64) {
    (mean * mean / var, mean / var)
}

fn row(x: &DMatrix<f64>) -> Vec<f64> {
    x.iter().copied().collect()
}

#[test]
fn mean_and_precision_of_ten_numbers() {
    let y = row(&read("normal_gamma_y.csv"));
    let data = location::Data { y: (&y).into() };
    let fit = sweeps!(location::Model::new(0.0, 1e-6, 1e-6, 1e-6), &data, Start::Default, 4);
    let expected = [-60.20956223084925, -58.20527147759008, -58.20289735367633, -58.20287520020297];
    for (found, expected) in fit.trace.iter().zip(expected) {
        close(*found, expected, 1e-12);
    }
}

#[test]
fn two_numbers() {
    let data = location::Data { y: (&[5.0, 7.0]).into() };
    let fit = sweeps!(location::Model::new(0.0, 0.01, 1.0, 1.0), &data, Start::Default, 60);
    digits(fit.posterior.mu.mean(), "5.9603207171");
    digits(fit.posterior.mu.var(), "0.6613213820");
    let (shape, rate) = shape_rate(fit.posterior.tau.mean(), fit.posterior.tau.var());
    close(shape, 2.0, 1e-12);
    digits(rate, "2.6628958275");
}

#[test]
fn one_number() {
    let data = location::Data { y: (&[0.5]).into() };
    let fit = sweeps!(location::Model::new(0.0, 10.0, 1.0, 1.0), &data, Start::Default, 60);
    let q = &fit.posterior;
    digits(fit.elbo(), "-1.2592065252");
    digits(q.tau.mean(), "1.31365589");
    let (shape, rate) = shape_rate(q.tau.mean(), q.tau.var());
    digits(digamma(shape) - rate.ln(), "-0.09616113");
    digits(q.mu.mean(), "0.05805621");
    digits(q.mu.var() + q.mu.mean().powi(2), "0.09175928");
}

#[test]
fn the_nile_by_one_normal() {
    let y = row(&read("nile.csv"));
    let model = joint_location::Model::new(1e-6, 1e-3, 1e-3);
    let data = joint_location::Data { y: (&y).into() };
    let exact = model.fit(&data, &Options::new()).unwrap();
    digits(exact.log_evidence(), "-671.6858439970");
    assert!(exact.verify(&data, 1).unwrap().is_exact());

    let data = forced_location::Data { y: (&y).into() };
    let fit = sweeps!(forced_location::Model::new(1e-6, 1e-3, 1e-3), &data, Start::Default, 20);
    digits(fit.elbo(), "-671.690835563740");
    digits(fit.posterior.mu.mean(), "919.3499908065");
    digits(1.0 / fit.posterior.mu.var(), "0.0035272114");
    let (shape, rate) = shape_rate(fit.posterior.tau.mean(), fit.posterior.tau.var());
    close(shape, 50.501, 1e-12);
    digits(rate, "1431754.303078");
    // The cut costs something, and less is lost where the two are one block.
    assert!(exact.log_evidence() - fit.elbo() > 4e-3);
}

#[test]
fn coins_of_ten_kinds() {
    let x = read("bernoulli_mixture_x.csv").map(|v| v == 1.0);
    let begin = read("bernoulli_mixture_p_init.csv");
    let data = coins::Data { x: (&x).into() };
    let p = begin.row_iter().map(|row| row.iter().map(|v| Point(*v).into()).collect()).collect();
    let start = Start::Posterior(coins::Posterior { p, ..Default::default() });
    let fit = sweeps!(coins::Model::new(10), &data, start, 17);
    // E log weight begins near −10⁵, so the first bound is a small difference.
    close(fit.trace[0], -687.2144954150228, 1e-11);
    close(fit.trace[16], -523.6921160098459, 1e-12);
}

fn plane() -> (DMatrix<f64>, DMatrix<f64>) {
    let x = read("vb_mixture_y.csv");
    let z = read("vb_mixture_z_init.csv");
    let one_hot = DMatrix::from_fn(x.nrows(), 10, |n, k| f64::from(z[(n, 0)] as usize == k));
    (x, one_hot)
}

#[test]
fn points_of_ten_components() {
    let (x, z) = plane();
    let prior = textbook::Prior {
        a0: 1e-5,
        b0: 1e-5,
        m0: DVector::zeros(2),
        w0: DMatrix::identity(2, 2) * 1e5,
        nu0: 2.0,
    };
    let data = separate_mixture::Data { x: (&x).into() };
    let model =
        separate_mixture::Model::new(10, prior.a0, prior.m0.clone(), prior.b0, prior.w0.clone(), prior.nu0);
    let start =
        Start::Posterior(separate_mixture::Posterior { z: Categories::from_probs(&z), ..Default::default() });
    let fit = sweeps!(model, &data, start, 61);
    // E log weight begins near −10⁵, so the first bound is a small difference.
    close(fit.trace[0], -1402.344721445007, 1e-11);
    close(fit.trace[60], -888.8463858356401, 1e-11);
    let by_hand = textbook::independent(&x, &z, &prior, 61);
    for (sweep, (found, expected)) in fit.trace.iter().zip(&by_hand.trace).enumerate() {
        assert!((found - expected).abs() < 1e-9 * expected.abs(), "sweep {sweep}: {found} and {expected}");
    }
}

#[test]
fn a_mixture_with_joint_means_and_precisions_is_the_textbook_s() {
    let (x, z) = plane();
    // A start without zeros, three components.
    let z = DMatrix::from_fn(x.nrows(), 3, |n, k| {
        let own: f64 = (0..10).filter(|j| j % 3 == k).map(|j| z[(n, j)]).sum();
        (own + 0.2) / 1.6
    });
    let prior = textbook::Prior {
        a0: 0.5,
        b0: 0.05,
        m0: DVector::from_vec(vec![0.3, -0.2]),
        w0: DMatrix::from_row_slice(2, 2, &[0.6, 0.1, 0.1, 0.4]),
        nu0: 3.0,
    };
    let data = joint_mixture::Data { x: (&x).into() };
    let model =
        joint_mixture::Model::new(3, prior.a0, prior.m0.clone(), prior.b0, prior.w0.clone(), prior.nu0);
    let start =
        Start::Posterior(joint_mixture::Posterior { z: Categories::from_probs(&z), ..Default::default() });
    let fit = sweeps!(model, &data, start, 40);
    let by_hand = textbook::conjugate(&x, &z, &prior, 40);
    for (sweep, (found, expected)) in fit.trace.iter().zip(&by_hand.trace).enumerate() {
        assert!((found - expected).abs() < 1e-9 * expected.abs(), "sweep {sweep}: {found} and {expected}");
    }
    let total: f64 = by_hand.weight.iter().sum();
    for k in 0..3 {
        close(fit.posterior.weight.mean()[k], by_hand.weight[k] / total, 1e-8);
        for d in 0..2 {
            close(fit.posterior.mean[k].mean()[d], by_hand.mean[k][d], 1e-7);
            for e in 0..2 {
                close(fit.posterior.prec[k].mean()[(d, e)], by_hand.prec[k].mean()[(d, e)], 1e-7);
            }
        }
    }
    for n in 0..x.nrows() {
        for k in 0..3 {
            close(fit.posterior.z.probs(n)[k], by_hand.z[(n, k)], 1e-7);
        }
    }
}

#[test]
fn draws_from_four_sides() {
    let model = draws::Model::new(4);
    // 1/4, and 1·1·2·1 / (4·5·6·7).
    for (y, evidence) in [(vec![1usize], -4f64.ln()), (vec![1, 0, 1, 2], -420f64.ln())] {
        let data = draws::Data { y: (&y).into() };
        let fit = model.fit(&data, &Options::new()).unwrap();
        close(fit.log_evidence(), evidence, 1e-14);
        close(fit.elbo(), fit.log_evidence(), 1e-14);
        assert!(fit.verify(&data, 2).unwrap().is_exact());
    }
}

#[test]
fn a_zero_that_should_have_been_three() {
    let data = noisy_zero::Data { y: (&[0.0]).into() };
    let fit = noisy_zero::Model::new().fit(&data, &Options::new()).unwrap();
    close(fit.posterior.x.mean(), 1.5, 1e-14);
    close(fit.posterior.x.var(), 0.5, 1e-14);
    digits(-fit.log_evidence(), "3.51551");
    assert!(fit.verify(&data, 3).unwrap().is_exact());
}
