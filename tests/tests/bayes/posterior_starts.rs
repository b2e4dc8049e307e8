//! A start from a posterior is that posterior: laws of locations bring their spread.

use vi_core::prelude::*;
use vi_core::{Options, Start};
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    /// Laws of vectors in units of a matrix.
    pub mod wishart(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    /// Laws of numbers in units of a number.
    pub mod gamma(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   tau[k in K]        ~ Gamma(shape: 2, rate: 2);
        latent   mean[k in K]       ~ Normal(0, prec: 0.05 * tau[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: tau[z[n]]);
    }
}
model! {
    /// Laws of numbers.
    pub mod known(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   mean[k in K]       ~ Normal(0, var: 20);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], var: 1);
    }
}

fn groups(n: usize) -> DMatrix<f64> {
    let mut g = Noise::new(8);
    DMatrix::from_fn(n, 2, |i, j| 2.0 * ((i % 3) * (j + 1)) as f64 + g.normal())
}

fn after(sweeps: usize) -> Options {
    Options::new().seed(3).max_iterations(sweeps).tolerance(0.0)
}

/// The next sweep from a posterior, units forgotten, is the next sweep of the fit that it is taken from.
macro_rules! goes_on {
    ($model:expr, $data:expr, $posterior:ident in $module:ident) => {{
        let (model, data) = (&$model, &$data);
        for sweeps in [0, 2] {
            let fit = model.fit(data, &after(sweeps)).unwrap();
            let next = model.fit(data, &after(sweeps + 1)).unwrap();
            let start = $module::Posterior { z: Default::default(), ..fit.$posterior.clone() };
            let from = model.fit_from(data, Start::Posterior(start), &after(0)).unwrap();
            close(from.elbo(), next.elbo(), 1e-12);
            // Points at the same means are another start.
            assert!(next.elbo() > fit.elbo() + 1e-9);
        }
    }};
}

#[test]
fn sweeps_go_on_from_a_posterior() {
    let x = groups(24);
    let column: Vec<f64> = x.column(0).iter().copied().collect();
    let model = wishart::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    goes_on!(model, wishart::Data { x: (&x).into() }, posterior in wishart);
    goes_on!(gamma::Model::new(3), gamma::Data { x: (&column).into() }, posterior in gamma);
    goes_on!(known::Model::new(3), known::Data { x: (&column).into() }, posterior in known);
}

#[test]
fn a_scale_that_is_left_out_leaves_no_spread_and_no_panic() {
    let x = groups(24);
    let column: Vec<f64> = x.column(0).iter().copied().collect();
    let data = gamma::Data { x: (&column).into() };
    let model = gamma::Model::new(3);
    let fit = model.fit(&data, &after(2)).unwrap();
    let start = gamma::Posterior { mean: fit.posterior.mean.clone(), ..Default::default() };
    let from = model.fit_from(&data, Start::Posterior(start), &Options::new()).unwrap();
    assert!(from.elbo().is_finite());
}
