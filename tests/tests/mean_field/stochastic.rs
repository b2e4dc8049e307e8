//! Minibatches: near the answer of whole sweeps after a few passes.

use vi_core::fit::Schedule;
use vi_core::prelude::*;
use vi_core::{Error, Options};
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod vb(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    pub mod em(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

model! {
    /// The units' latents come last, so that a fit ends with what the minibatches made of the laws.
    pub mod one_group(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
        factorize { q(mean, prec); q(weight); q(z); }
    }
}

/// Sorted by group: what a minibatch of neighbours would never see.
fn groups(n: usize) -> DMatrix<f64> {
    let mut g = Noise::new(17);
    DMatrix::from_fn(n, 2, |i, j| 3.0 * (((3 * i / n) * (j + 1)) % 3) as f64 + g.normal())
}

#[test]
fn variational_bayes_by_minibatches() {
    let x = groups(1500);
    let data = vb::Data { x: (&x).into() };
    let model = vb::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let options = Options::new().seed(4);
    let batch = model.fit(&data, &options.clone().restarts(4)).unwrap();
    let schedule = Schedule { batch: 50, passes: 5, ..Schedule::default() };
    let fit = model.fit_stochastic(&data, &options, schedule).unwrap();
    assert!(fit.elbo() <= batch.elbo() + 1e-6 * batch.elbo().abs());
    close(fit.elbo(), batch.elbo(), 1e-3);
    // A single sweep from the same start is far from it: the minibatches did the work.
    let one = model.fit(&data, &options.clone().max_iterations(0)).unwrap();
    assert!(batch.elbo() - one.elbo() > 5.0 * (batch.elbo() - fit.elbo()), "{} {}", one.elbo(), fit.elbo());
    // It ends as any fit does.
    let sum: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
    close(sum, fit.elbo(), 1e-10);
    assert_eq!(fit.posterior.z.len(), 1500);
    close(fit.posterior.weight.law().unwrap().a.iter().sum::<f64>(), 1503.0, 1e-10);
    // Same seed, same minibatches.
    let again = model.fit_stochastic(&data, &options.clone().threads(1), schedule).unwrap();
    assert_eq!(again.elbo(), fit.elbo());
    let other = model.fit_stochastic(&data, &options.seed(5), schedule).unwrap();
    assert_ne!(other.elbo(), fit.elbo());
}

#[test]
fn em_by_minibatches() {
    let x = groups(1500);
    let data = em::Data { x: (&x).into() };
    let options = Options::new().seed(4);
    let batch = em::Model::new(3).fit(&data, &options.clone().restarts(4)).unwrap();
    let schedule = Schedule { batch: 50, passes: 5, ..Schedule::default() };
    let fit = em::Model::new(3).fit_stochastic(&data, &options, schedule).unwrap();
    close(fit.log_likelihood(), batch.log_likelihood(), 1e-3);
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn one_minibatch_of_everything_is_a_sweep() {
    let x = groups(90);
    let data = em::Data { x: (&x).into() };
    let options = Options::new().seed(4);
    let schedule = Schedule { batch: 1000, passes: 1, ..Schedule::default() };
    let fit = em::Model::new(3).fit_stochastic(&data, &options, schedule).unwrap();
    let whole = em::Model::new(3).fit(&data, &options.max_iterations(1)).unwrap();
    close(fit.elbo(), whole.elbo(), 1e-12);
}

#[test]
fn schedules_have_bounds() {
    let x = groups(30);
    let data = em::Data { x: (&x).into() };
    for (bad, name) in [
        (Schedule { batch: 0, ..Schedule::default() }, "schedule.batch"),
        (Schedule { kappa: 0.5, ..Schedule::default() }, "schedule.kappa"),
        (Schedule { kappa: f64::NAN, ..Schedule::default() }, "schedule.kappa"),
        (Schedule { tau0: 0.0, ..Schedule::default() }, "schedule.tau0"),
    ] {
        match em::Model::new(2).fit_stochastic(&data, &Options::new(), bad) {
            Err(Error::Domain { element, .. }) => assert_eq!(element, name),
            other => panic!("{other:?}"),
        }
    }
    // Without a pass it is one sweep from the start.
    let none = Schedule { passes: 0, ..Schedule::default() };
    let fit = em::Model::new(2).fit_stochastic(&data, &Options::new(), none).unwrap();
    let begun = em::Model::new(2).fit(&data, &Options::new().max_iterations(0)).unwrap();
    assert_eq!(fit.elbo(), begun.elbo());
}

/// With κ = τ₀ = 1 the weights are 1, ½, ⅓ …: after one pass of equal minibatches the averaged statistics are those of all data, and where
/// no category is uncertain the natural-gradient steps have arrived at the posterior.
#[test]
fn equal_weights_over_one_pass_are_the_batch_answer() {
    let x = groups(60).map(|x| x + 40.0);
    let data = one_group::Data { x: (&x).into() };
    let model = one_group::Model::new(1, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let batch = model.fit(&data, &Options::new()).unwrap();
    let by = |batch, kappa| {
        let schedule = Schedule { batch, kappa, tau0: 1.0, passes: 1 };
        model.fit_stochastic(&data, &Options::new().seed(3), schedule).unwrap()
    };
    let fit = by(15, 1.0);
    for d in 0..2 {
        close(fit.posterior.mean[0].mean()[d], batch.posterior.mean[0].mean()[d], 1e-12);
        close(fit.posterior.prec[0].mean()[(d, d)], batch.posterior.prec[0].mean()[(d, d)], 1e-9);
    }
    close(fit.elbo(), batch.elbo(), 1e-9);
    // Other weights favour some minibatches: it was the weights.
    let other = by(15, 0.6);
    assert!((other.posterior.mean[0].mean()[0] - batch.posterior.mean[0].mean()[0]).abs() > 1e-4);
    assert!(other.elbo() < batch.elbo() - 1e-4);
}
