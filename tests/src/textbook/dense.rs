//! A linear-Gaussian chain as one Normal: all states and all data of a sequence at once.

use super::state_space::Textbook;
use crate::density::mv_normal;
use nalgebra::{DMatrix, DVector};

/// States and data of so many steps, each with its mean, and their joint covariance.
#[derive(Debug)]
pub struct Dense {
    /// Numbers of a state, and of an observation.
    pub sizes: (usize, usize),
    /// Of all states, then of all data.
    pub mean: DVector<f64>,
    /// The same.
    pub cov: DMatrix<f64>,
    steps: usize,
}

impl Dense {
    /// Of `steps` steps.
    #[must_use]
    pub fn new(model: &Textbook, steps: usize) -> Self {
        let (h, d) = (model.a.nrows(), model.c.nrows());
        let all = steps * (h + d);
        // Every number is a mean and a combination of independent noises.
        let mut mean = DVector::zeros(all);
        let mut noise = DMatrix::<f64>::zeros(all, all);
        let root = |m: &DMatrix<f64>| m.clone().cholesky().expect("positive definite").l();
        let (first, drift, error) = (root(&model.p0), root(&model.q), root(&model.r));
        for t in 0..steps {
            let at = t * h;
            if t == 0 {
                mean.rows_mut(0, h).copy_from(&model.m0);
                noise.view_mut((0, 0), (h, h)).copy_from(&first);
            } else {
                let moved = &model.a * mean.rows(at - h, h);
                mean.rows_mut(at, h).copy_from(&moved);
                let carried = &model.a * noise.rows(at - h, h);
                noise.rows_mut(at, h).copy_from(&carried);
                noise.view_mut((at, at), (h, h)).copy_from(&drift);
            }
            let seen = steps * h + t * d;
            let expected = &model.c * mean.rows(at, h) + &model.b;
            mean.rows_mut(seen, d).copy_from(&expected);
            let carried = &model.c * noise.rows(at, h);
            noise.rows_mut(seen, d).copy_from(&carried);
            noise.view_mut((seen, seen), (d, d)).copy_from(&error);
        }
        let cov = &noise * noise.transpose();
        Dense { sizes: (h, d), mean, cov, steps }
    }

    /// Positions of the state of a step.
    #[must_use]
    pub fn state(&self, t: usize) -> Vec<usize> {
        (t * self.sizes.0..(t + 1) * self.sizes.0).collect()
    }

    /// Positions of the data of a step.
    #[must_use]
    pub fn datum(&self, t: usize) -> Vec<usize> {
        let start = self.steps * self.sizes.0 + t * self.sizes.1;
        (start..start + self.sizes.1).collect()
    }

    fn seen(&self, y: &[Option<DVector<f64>>]) -> (Vec<usize>, Vec<f64>) {
        let mut out = (vec![], vec![]);
        for (t, y) in y.iter().enumerate() {
            if let Some(y) = y {
                out.0.extend(self.datum(t));
                out.1.extend(y.iter());
            }
        }
        out
    }

    /// Mean and covariance of what is at these positions, given data from the first step on.
    ///
    /// # Panics
    /// If the covariance of the data is singular.
    #[must_use]
    pub fn given(&self, y: &[Option<DVector<f64>>], of: &[usize]) -> (DVector<f64>, DMatrix<f64>) {
        let (at, values) = self.seen(y);
        let block = |rows: &[usize], cols: &[usize]| self.cov.select_rows(rows).select_columns(cols);
        let mean = |of: &[usize]| self.mean.select_rows(of);
        if at.is_empty() {
            return (mean(of), block(of, of));
        }
        let gain = block(of, &at) * block(&at, &at).try_inverse().expect("not singular");
        let apart = DVector::from_vec(values) - mean(&at);
        (mean(of) + &gain * apart, block(of, of) - gain * block(&at, of))
    }

    /// log p of these data.
    #[must_use]
    pub fn log_density(&self, y: &[Option<DVector<f64>>]) -> f64 {
        let (at, values) = self.seen(y);
        if at.is_empty() {
            return 0.0;
        }
        let cov = self.cov.select_rows(&at).select_columns(&at);
        mv_normal(&values, &self.mean.select_rows(&at), &cov)
    }
}
