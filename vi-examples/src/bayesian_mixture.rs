//! Old Faithful once more, and nobody says how many kinds of eruptions there are: the components that the data do not need stay empty.

use crate::ascending;
use nalgebra::{DMatrix, DVector};
use std::fmt;
use vi_core::prelude::*;

model! {
    /// The mixture of [`old_faithful`](crate::old_faithful), where each `param` became a `latent` with a prior.
    pub mod mixture(K, m0: Vector[D], s0: SymPos[D], dof: Positive, b0: Positive = 0.01, a0: Positive = 1.0) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   cov[k in K]        ~ InverseWishart(dof: dof, scale: s0);
        latent   mean[k in K]       ~ Normal(m0, cov: cov[k] / b0);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

model! {
    /// The same model by precisions: their prior is a Wishart where that of the covariances is its inverse.
    pub mod by_precision(K, m0: Vector[D], w0: SymPos[D], dof: Positive, b0: Positive = 0.01, a0: Positive = 1.0) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   prec[k in K]       ~ Wishart(dof: dof, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: b0 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}

/// Where a component is expected before the data are seen: 3.5 minutes, 70 minutes, give or take ten times its own spread.
#[must_use]
pub fn prior_mean() -> DVector<f64> {
    DVector::from_vec(vec![3.5, 70.0])
}

/// The covariance expected of a component: 0.5 minutes and 8 minutes in standard deviations, and no correlation.
#[must_use]
pub fn prior_cov() -> DMatrix<f64> {
    DMatrix::from_diagonal(&DVector::from_vec(vec![0.25, 64.0]))
}

/// The vaguest whole number of degrees of freedom with which the expected covariance is the scale: D + 2.
pub const DOF: f64 = 4.0;

/// A Dirichlet that wants few components: almost all of its mass is where one of the weights is nearly 1.
pub const FEW: f64 = 1e-3;

/// Four starts are enough, as [`fits`] goes on from the best of them. An empty component leaves slowly, and the fit is to wait for it.
#[must_use]
pub fn options() -> Options {
    Options::new().seed(1).restarts(4).max_iterations(5000).tolerance(1e-10)
}

/// The model with `components` of them under weights ~ Dirichlet(`a0`).
#[must_use]
pub fn model(components: usize, a0: f64) -> mixture::Model {
    mixture::Model::new(components, prior_mean(), prior_cov(), DOF).a0(a0)
}

/// The fits of [`model()`] on the way to the highest bound found, the last of which it is.
///
/// Coordinate ascent moves eruptions between components one by one, so that a small component that nobody needs may stay: the way out is
/// worse than the end. Each fit after the first is the best of those that begin where one component of the last was dissolved.
///
/// # Errors
/// Whatever the fits return.
pub fn fits(
    x: &DMatrix<f64>,
    components: usize,
    a0: f64,
) -> Result<Vec<Fit<mixture::Model>>, vi_core::Error> {
    let (model, data) = (model(components, a0), mixture::Data { x: x.into() });
    let mut fits = vec![model.fit(&data, &options())?];
    loop {
        let z = &fits[fits.len() - 1].posterior.z;
        let mut best: Option<Fit<mixture::Model>> = None;
        for (k, eruptions) in z.counts().into_iter().enumerate() {
            if eruptions < 1.0 {
                continue;
            }
            let start = mixture::Posterior { z: dissolved(z, k), ..Default::default() };
            let fit = model.fit_from(&data, Start::Posterior(start), &options())?;
            if best.as_ref().is_none_or(|best| fit.elbo() > best.elbo()) {
                best = Some(fit);
            }
        }
        // What rounding and the stopping rule leave is no gain.
        match best {
            Some(fit) if fit.elbo() > fits[fits.len() - 1].elbo() + 1e-3 => fits.push(fit),
            _ => return Ok(fits),
        }
    }
}

/// `z` without component `k`: its eruptions go to the other components as these would have it.
fn dissolved(z: &Categories, k: usize) -> Categories {
    let others = 1.0 / (z.states().max(2) - 1) as f64;
    let rows = (0..z.len()).flat_map(|n| {
        let mut row = z.probs(n).to_vec();
        row[k] = 0.0;
        let left: f64 = row.iter().sum();
        for (j, p) in row.iter_mut().enumerate() {
            *p = match (left > 0.0, j == k) {
                (true, _) => *p / left,
                (false, false) => others,
                (false, true) if z.states() == 1 => 1.0,
                (false, true) => 0.0,
            };
        }
        row
    });
    Categories::from_rows(z.states(), rows.collect())
}

/// One component of a fit, as far as a person wants to know it.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its number in the fit.
    pub index: usize,
    /// The number of eruptions that are expected to be of this kind.
    pub eruptions: f64,
    /// Mean and standard deviation of its weight.
    pub weight: (f64, f64),
    /// The posterior mean of its mean.
    pub mean: DVector<f64>,
    /// The posterior standard deviations of its mean.
    pub mean_sd: DVector<f64>,
    /// The posterior mean of its covariance.
    pub cov: DMatrix<f64>,
}

/// The components that hold at least one eruption, short eruptions first.
#[must_use]
pub fn components(fit: &Fit<mixture::Model>) -> Vec<Component> {
    let q = &fit.posterior;
    let (weight, weight_sd) = (q.weight.mean(), q.weight.var().map(f64::sqrt));
    let all: Vec<Component> =
        q.z.counts()
            .into_iter()
            .enumerate()
            .filter(|(_, eruptions)| *eruptions >= 1.0)
            .map(|(k, eruptions)| Component {
                index: k,
                eruptions,
                weight: (weight[k], weight_sd[k]),
                mean: q.mean[k].mean(),
                mean_sd: q.mean[k].sd(),
                cov: q.cov[k].mean(),
            })
            .collect();
    let durations: Vec<f64> = all.iter().map(|c| c.mean[0]).collect();
    ascending(&durations).into_iter().map(|k| all[k].clone()).collect()
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9.1}  {:.3} ± {:.3}  ({:.3} ± {:.3}, {:.2} ± {:.2})  [{:.4} {:.3}; {:.3} {:.2}]",
            self.eruptions,
            self.weight.0,
            self.weight.1,
            self.mean[0],
            self.mean_sd[0],
            self.mean[1],
            self.mean_sd[1],
            self.cov[(0, 0)],
            self.cov[(0, 1)],
            self.cov[(1, 0)],
            self.cov[(1, 1)]
        )
    }
}

/// log(K! / E!) for K components of which E are empty and therefore alike: the number of ways to name them. A fit has found one of so many
/// equal posteriors, and the bound of all of them together is higher by about this much.
#[must_use]
pub fn log_labellings(components: usize, empty: usize) -> f64 {
    (empty + 1..=components).map(|k| (k as f64).ln()).sum()
}

/// What is comparable between numbers of components: the bound, and what the names of the components would add to it.
#[must_use]
pub fn comparable_bound(fit: &Fit<mixture::Model>) -> f64 {
    let counts = fit.posterior.z.counts();
    let empty = counts.iter().filter(|eruptions| **eruptions < 1.0).count();
    fit.elbo() + log_labellings(counts.len(), empty)
}
