//! Variational algorithms as textbooks print them, in plain loops: what generated code is compared with, sweep by sweep.

pub mod bayes_state_space;
pub mod blocks;
pub mod dense;
pub mod mixture;
pub mod state_space;
pub mod switching;
pub mod topics;

use crate::density::{digamma, ln_gamma, ln_multigamma};
use nalgebra::DMatrix;

/// E log x\[k\] under a Dirichlet.
#[must_use]
pub fn expected_logs(a: &[f64]) -> Vec<f64> {
    let total = digamma(a.iter().sum());
    a.iter().map(|a| digamma(*a) - total).collect()
}

/// KL(Dirichlet(a) ‖ Dirichlet(b)).
#[must_use]
pub fn dirichlet_divergence(a: &[f64], b: &[f64]) -> f64 {
    let constant = |a: &[f64]| ln_gamma(a.iter().sum()) - a.iter().map(|a| ln_gamma(*a)).sum::<f64>();
    let logs = expected_logs(a);
    constant(a) - constant(b) + (0..a.len()).map(|k| (a[k] - b[k]) * logs[k]).sum::<f64>()
}

/// A Wishart posterior, E Λ = dof · scale.
#[derive(Clone, Debug)]
pub struct Wishart {
    /// Degrees of freedom.
    pub dof: f64,
    /// Scale.
    pub scale: DMatrix<f64>,
}

impl Wishart {
    /// Bishop (B.81): E log det Λ.
    #[must_use]
    pub fn log_det(&self) -> f64 {
        let d = self.scale.nrows();
        (0..d).map(|i| digamma((self.dof - i as f64) / 2.0)).sum::<f64>()
            + d as f64 * 2f64.ln()
            + self.scale.determinant().ln()
    }

    /// E Λ.
    #[must_use]
    pub fn mean(&self) -> DMatrix<f64> {
        &self.scale * self.dof
    }

    /// Bishop (B.79): log of the constant in front of the density.
    #[must_use]
    pub fn log_constant(&self) -> f64 {
        let d = self.scale.nrows();
        -self.dof / 2.0 * self.scale.determinant().ln()
            - self.dof * d as f64 / 2.0 * 2f64.ln()
            - ln_multigamma(self.dof / 2.0, d)
    }

    /// E log p(Λ) under another Wishart.
    ///
    /// # Panics
    /// If the scale of the other is singular.
    #[must_use]
    pub fn expected_density(&self, under: &Wishart) -> f64 {
        let d = self.scale.nrows() as f64;
        let inverse = self.scale.clone().try_inverse().expect("a scale can be inverted");
        self.log_constant() + (self.dof - d - 1.0) / 2.0 * under.log_det()
            - 0.5 * (inverse * under.mean()).trace()
    }
}
