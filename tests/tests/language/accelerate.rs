//! Extrapolated sweeps: fewer of them, to the same optimum, never downwards.

use vi_core::fit::Program;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

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
    pub mod vb(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    pub mod blocks_first(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
        factorize { q(weight); q(mean, prec); q(z[each]); }
    }
}
model! {
    pub mod line {
        given    x[n in N]: Real;
        latent   a   ~ Normal(0, prec: 0.01);
        latent   b   ~ Normal(0, prec: 0.01);
        latent   tau ~ Gamma(shape: 1, rate: 1);
        observed y[n in N] ~ Normal(a + b * x[n], prec: tau);
        factorize { q(a); q(b); q(tau); }
    }
}
model! {
    pub mod bounded(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    s2[k in K]: Positive(min: 0.8);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}

/// Two groups that overlap: EM creeps.
fn overlapping(n: usize) -> DMatrix<f64> {
    let mut g = Noise::new(5);
    DMatrix::from_fn(n, 2, |i, _| 1.9 * (i % 2) as f64 + g.normal())
}

#[track_caller]
fn quicker<M: Program>(plain: &Fit<M>, fast: &Fit<M>) {
    assert!(plain.converged && fast.converged);
    assert!(plain.iterations > 40, "not a slow fit: {} sweeps", plain.iterations);
    assert!(2 * fast.iterations <= plain.iterations, "{} against {}", fast.iterations, plain.iterations);
    close(fast.elbo(), plain.elbo(), 1e-7);
    for pair in fast.trace.windows(2) {
        assert!(pair[1] >= pair[0] - 1e-12 * pair[0].abs(), "{pair:?}");
    }
}

fn options() -> Options {
    Options::new().seed(2).tolerance(1e-9).max_iterations(20_000)
}

#[test]
fn em_of_components_that_overlap() {
    let x = overlapping(300);
    let data = em::Data { x: (&x).into() };
    let plain = em::Model::new(2).fit(&data, &options()).unwrap();
    let fast = em::Model::new(2).fit(&data, &options().accelerate(true)).unwrap();
    quicker(&plain, &fast);
    assert!(fast.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn variational_bayes_of_components_that_overlap() {
    let x = overlapping(300);
    let data = vb::Data { x: (&x).into() };
    let model = vb::Model::new(2, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let plain = model.fit(&data, &options()).unwrap();
    let fast = model.fit(&data, &options().accelerate(true)).unwrap();
    quicker(&plain, &fast);
    // The terms of the objective add up to it: what was kept of a leap belongs together.
    let sum: f64 = fast.elbo_terms().iter().map(|t| t.value).sum();
    close(sum, fast.elbo(), 1e-10);
}

#[test]
fn blocks_that_come_before_the_units_leap_too() {
    let x = overlapping(300);
    let data = blocks_first::Data { x: (&x).into() };
    let model = blocks_first::Model::new(2, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let plain = model.fit(&data, &options()).unwrap();
    let fast = model.fit(&data, &options().accelerate(true)).unwrap();
    quicker(&plain, &fast);
    let sum: f64 = fast.elbo_terms().iter().map(|t| t.value).sum();
    close(sum, fast.elbo(), 1e-10);
}

#[test]
fn blocks_that_lean_on_each_other() {
    let mut g = Noise::new(8);
    let x: Vec<f64> = (0..40).map(|n| 4.0 + 0.1 * n as f64).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.0 + 0.5 * x + 0.3 * g.normal()).collect();
    let data = line::Data { x: (&x).into(), y: (&y).into() };
    let plain = line::Model::new().fit(&data, &options()).unwrap();
    let fast = line::Model::new().fit(&data, &options().accelerate(true)).unwrap();
    quicker(&plain, &fast);
    close(fast.posterior.b.mean(), plain.posterior.b.mean(), 1e-3);
}

#[test]
fn a_param_on_its_bound_stays_there() {
    let x: Vec<f64> = overlapping(200).column(0).iter().map(|x| 0.6 * x).collect();
    let data = bounded::Data { x: (&x).into() };
    let plain = bounded::Model::new(2).fit(&data, &options()).unwrap();
    let fast = bounded::Model::new(2).fit(&data, &options().accelerate(true)).unwrap();
    assert!(!plain.at_boundary.is_empty());
    assert_eq!(fast.at_boundary, plain.at_boundary);
    close(fast.elbo(), plain.elbo(), 1e-7);
    assert!(fast.iterations <= plain.iterations);
    assert!(fast.params.s2.iter().all(|s| *s >= 0.8), "{:?}", fast.params.s2);
}
