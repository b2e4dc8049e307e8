//! What the engines are held to: one dense multivariate Normal.

use nalgebra::{DMatrix, DVector};
use vi_core::rng::{Rng, uniform};

pub const LOG_TAU: f64 = 1.837_877_066_409_345_3;

/// Reproducible numbers in [−1, 1).
pub fn noise(rng: &mut impl Rng) -> f64 {
    2.0 * uniform(rng) - 1.0
}

#[track_caller]
pub fn close(got: f64, want: f64, tolerance: f64) {
    let scale = want.abs().max(1.0);
    assert!(
        (got - want).abs() <= tolerance * scale,
        "{got} should be {want}: off by {:e}",
        (got - want).abs() / scale
    );
}

/// Variables given in order, each Normal given those before it: their joint mean and covariance.
#[derive(Default)]
pub struct Joint {
    pub mean: Vec<f64>,
    pub cov: Vec<Vec<f64>>,
}

impl Joint {
    /// Normal(offset + Σ a x, var)
    pub fn add(&mut self, coefficients: &[(usize, f64)], offset: f64, var: f64) -> usize {
        let new = self.mean.len();
        let mean = offset + coefficients.iter().map(|(j, a)| a * self.mean[*j]).sum::<f64>();
        let with: Vec<f64> =
            (0..new).map(|i| coefficients.iter().map(|(j, a)| a * self.cov[*j][i]).sum()).collect();
        let own = var + coefficients.iter().map(|(j, a)| a * with[*j]).sum::<f64>();
        for i in 0..new {
            self.cov[i].push(with[i]);
        }
        self.mean.push(mean);
        self.cov.push(with);
        self.cov[new].push(own);
        new
    }

    /// log density of what is observed, and mean and covariance of `hidden` given it.
    pub fn given(&self, observed: &[(usize, f64)], hidden: &[usize]) -> (f64, DVector<f64>, DMatrix<f64>) {
        let n = observed.len();
        let s = DMatrix::from_fn(n, n, |i, j| self.cov[observed[i].0][observed[j].0]);
        let r = DVector::from_fn(n, |i, _| observed[i].1 - self.mean[observed[i].0]);
        let cross = DMatrix::from_fn(hidden.len(), n, |i, j| self.cov[hidden[i]][observed[j].0]);
        let prior = DMatrix::from_fn(hidden.len(), hidden.len(), |i, j| self.cov[hidden[i]][hidden[j]]);
        let m0 = DVector::from_fn(hidden.len(), |i, _| self.mean[hidden[i]]);
        if n == 0 {
            return (0.0, m0, prior);
        }
        let chol = s.cholesky().expect("a covariance of observations");
        let log_det = 2.0 * chol.l().diagonal().iter().map(|x| x.ln()).sum::<f64>();
        let solved = chol.solve(&r);
        let evidence = -0.5 * (n as f64 * LOG_TAU + log_det + r.dot(&solved));
        (evidence, m0 + &cross * solved, prior - &cross * chol.solve(&cross.transpose()))
    }
}

/// exp(log_factor − ½ Σ (target − a·x)²) by its quadratic form.
pub fn quadratic_form(rows: &[(Vec<f64>, f64)], log_factor: f64) -> (f64, DVector<f64>, DMatrix<f64>) {
    let n = rows.first().map_or(0, |r| r.0.len());
    let mut j = DMatrix::zeros(n, n);
    let mut h = DVector::zeros(n);
    for (a, target) in rows {
        let a = DVector::from_column_slice(a);
        j += &a * a.transpose();
        h += a * *target;
    }
    let cov = j.clone().try_inverse().expect("determined");
    let mean = &cov * &h;
    let rss: f64 = rows
        .iter()
        .map(|(a, target)| {
            let r = target - a.iter().zip(mean.iter()).map(|(a, x)| a * x).sum::<f64>();
            r * r
        })
        .sum();
    let evidence = log_factor + 0.5 * n as f64 * LOG_TAU - 0.5 * j.determinant().ln() - 0.5 * rss;
    (evidence, mean, cov)
}
