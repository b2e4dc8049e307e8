//! Solutions of least squares, and the covariance of what was solved for.

use super::stacked::{self, Row};
use super::{LeastSquares, Solution};
use crate::Error;
use crate::engine::covariance::Covariance;
use crate::engine::gauss::dense::Dense;
use crate::engine::intercept::Intercept;
use nalgebra::{Cholesky, DMatrix, Dyn};

impl LeastSquares {
    /// Solves the normal equations; an unknown that no row determines keeps the value it has in `current`.
    #[must_use]
    pub fn solve(&self, current: &DMatrix<f64>) -> Solution {
        let n = self.unknowns;
        let (total, right) = self.total();
        let scale: Vec<f64> = (0..n).map(|i| total[(i, i)].sqrt()).collect();
        let used: Vec<usize> = (0..n).filter(|i| scale[*i] > 0.0).collect();
        let mut values = current.clone();
        let mut rank_deficient = (0..n).any(|i| self.touched[i] && total[(i, i)] == 0.0);
        if !used.is_empty() {
            let gram = DMatrix::from_fn(used.len(), used.len(), |i, j| {
                total[(used[i], used[j])] / (scale[used[i]] * scale[used[j]])
            });
            let rhs = DMatrix::from_fn(used.len(), self.outputs, |i, o| right[(used[i], o)] / scale[used[i]]);
            let chol = well_conditioned(&gram);
            let close = chol.as_ref().is_none_or(|c| smallest_pivot(c) < CLOSE);
            let solution = match (close.then(|| self.stacked(&used)).flatten(), chol) {
                (Some(posterior), _) => {
                    let mut mean = vec![0.0; used.len()];
                    let mut solution = DMatrix::zeros(used.len(), self.outputs);
                    for o in 0..self.outputs {
                        posterior.mean(o, &mut mean);
                        (0..used.len()).for_each(|k| solution[(k, o)] = mean[k] * scale[used[k]]);
                    }
                    solution
                }
                (None, Some(chol)) => {
                    let mut solution = chol.solve(&rhs);
                    let mut residual = rhs;
                    residual.gemm(-1.0, &gram, &solution, 1.0);
                    chol.solve_mut(&mut residual);
                    solution += residual;
                    solution
                }
                (None, None) => {
                    rank_deficient = true;
                    let unit: Vec<f64> = used.iter().map(|i| scale[*i]).collect();
                    let free = self.gauge.as_ref().and_then(|g| used.iter().position(|i| *i == g.id));
                    least_norm(&gram, &rhs, &unit, free)
                }
            };
            for (k, &i) in used.iter().enumerate() {
                for o in 0..self.outputs {
                    values[(i, o)] = solution[(k, o)] / scale[i];
                }
            }
        }
        if let Some(g) = &self.gauge {
            for o in 0..self.outputs {
                let mut shift = g.target[o];
                for (id, c) in &g.slopes {
                    shift -= c * values[(*id, o)];
                }
                if scale[g.id] > 0.0 {
                    values[(g.id, o)] += shift / g.constant;
                }
            }
        }
        Solution { values, rank_deficient }
    }
}

impl LeastSquares {
    /// Minimises within bounds on the unknowns, for one right-hand side; an unknown that no row determines keeps its value in `current`.
    #[must_use]
    pub fn solve_within(&self, current: &DMatrix<f64>, bounds: &[(f64, f64)]) -> Solution {
        let n = self.unknowns;
        let (gram, right) = self.total();
        let mut gram = gram.into_owned();
        let mut rhs = right.column(0).into_owned();
        let mut start: Vec<f64> = current.column(0).iter().copied().collect();
        let mut bounds = bounds.to_vec();
        // Back from the gauge: θ₀′ = θ₀ − target/κ + Σ (cⱼ/κ) θⱼ. An intercept without bounds may stay there.
        let mut shift = None;
        if let Some(g) = self.gauge.as_ref().filter(|g| gram[(g.id, g.id)] > 0.0) {
            let offset = g.target[0] / g.constant;
            let slopes: Vec<(usize, f64)> = g.slopes.iter().map(|(j, c)| (*j, c / g.constant)).collect();
            if slopes.is_empty() || bounds[g.id] == (f64::NEG_INFINITY, f64::INFINITY) {
                bounds[g.id] = (bounds[g.id].0 - offset, bounds[g.id].1 - offset);
                start[g.id] += slopes.iter().map(|(j, c)| c * start[*j]).sum::<f64>() - offset;
                shift = Some((g.id, offset, slopes));
            } else {
                let mut back = DMatrix::identity(n, n);
                slopes.iter().for_each(|(j, c)| back[(g.id, *j)] = *c);
                rhs += gram.column(g.id) * offset;
                rhs = back.transpose() * rhs;
                gram = back.transpose() * gram * back;
            }
        }
        let found = crate::engine::bounded::minimise(&gram, &rhs, &bounds, &start);
        let mut x = found.x;
        if let Some((id, offset, slopes)) = shift {
            x[id] += offset - slopes.iter().map(|(j, c)| c * x[*j]).sum::<f64>();
        }
        Solution {
            values: DMatrix::from_column_slice(n, 1, x.as_slice()),
            rank_deficient: found.rank_deficient,
        }
    }
}

impl LeastSquares {
    /// The covariance of the unknowns: the inverse of Σ w a aᵀ, in units of the scale that was left out of the weights. An intercept is kept at
    /// the gauge.
    ///
    /// # Errors
    /// [`Error::Improper`] if some direction is determined by nothing.
    pub fn covariance(&self, names: &str) -> Result<Covariance, Error> {
        let n = self.unknowns;
        let (total, _) = self.total();
        let scale: Vec<f64> = (0..n).map(|i| total[(i, i)].sqrt()).collect();
        let improper = || Error::Improper {
            element: names.to_string(),
            reason: "neither its prior nor the data determine it".to_string(),
        };
        if !scale.iter().all(|s| *s > 0.0 && s.is_finite()) {
            return Err(improper());
        }
        let unit = DMatrix::from_fn(n, n, |i, j| total[(i, j)] / (scale[i] * scale[j]));
        let chol = well_conditioned(&unit);
        let close = chol.as_ref().is_none_or(|c| smallest_pivot(c) < CLOSE);
        let all: Vec<usize> = (0..n).collect();
        let matrix = match (close.then(|| self.stacked(&all)).flatten(), chol) {
            (Some(posterior), _) => {
                let mut cov = vec![0.0; n * n];
                posterior.covariance(&mut cov);
                DMatrix::from_row_slice(n, n, &cov)
            }
            (None, Some(chol)) => {
                let inverse = chol.inverse();
                DMatrix::from_fn(n, n, |i, j| inverse[(i, j)] / (scale[i] * scale[j]))
            }
            (None, None) => return Err(improper()),
        };
        let Some(g) = &self.gauge else { return Ok(Covariance::Matrix(matrix)) };
        // κ θ₀ = κ θ₀′ − Σ cⱼ θⱼ, up to a constant.
        let slopes: Vec<(usize, f64)> =
            g.slopes.iter().filter(|(_, c)| *c != 0.0).map(|(j, c)| (*j, c / g.constant)).collect();
        if slopes.is_empty() {
            return Ok(Covariance::Matrix(matrix));
        }
        Ok(Covariance::Centred { matrix, intercept: Intercept { id: g.id, slopes } })
    }
}

/// Pivots below this, of a matrix whose diagonal is 1, have lost half of their digits.
const CLOSE: f64 = 1e-8;

impl LeastSquares {
    /// The same system from rows, for some of the unknowns; `None` without rows of priors, from which alone there is something to gain, or
    /// where some direction is determined by nothing.
    fn stacked(&self, used: &[usize]) -> Option<Dense> {
        if self.rows.is_empty() {
            return None;
        }
        let at = |i: &usize| used.iter().position(|u| u == i);
        let gram = DMatrix::from_fn(used.len(), used.len(), |i, j| self.gram[(used[i], used[j])]);
        let rhs = DMatrix::from_fn(used.len(), self.outputs, |i, o| self.rhs[(used[i], o)]);
        let rows: Vec<Row> = self
            .rows
            .iter()
            .map(|r| Row {
                coefficients: r.coefficients.iter().filter_map(|(i, a)| Some((at(i)?, *a))).collect(),
                ..r.clone()
            })
            .collect();
        stacked::eliminate(&gram, &rhs, &rows).ok()
    }
}

/// The Cholesky factor, unless a pivot of the unit-diagonal matrix says that a direction is lost in rounding.
pub(in crate::engine) fn well_conditioned(gram: &DMatrix<f64>) -> Option<Cholesky<f64, Dyn>> {
    let chol = Cholesky::new(gram.clone())?;
    let floor = gram.nrows() as f64 * 4.0 * f64::EPSILON;
    (smallest_pivot(&chol) > floor).then_some(chol)
}

fn smallest_pivot(chol: &Cholesky<f64, Dyn>) -> f64 {
    chol.l_dirty().diagonal().iter().fold(f64::INFINITY, |m, x| m.min(x * x))
}

/// The solution of equations in unit columns whose unknowns, in their own units, have the least sum of squares; one is not counted.
pub(in crate::engine) fn least_norm(
    gram: &DMatrix<f64>,
    rhs: &DMatrix<f64>,
    unit: &[f64],
    free: Option<usize>,
) -> DMatrix<f64> {
    let eigen = gram.clone().symmetric_eigen();
    let largest = eigen.eigenvalues.iter().fold(0.0_f64, |m, x| m.max(*x));
    let floor = largest * gram.nrows() as f64 * 16.0 * f64::EPSILON;
    let inverse = eigen.eigenvalues.map(|x| if x > floor { 1.0 / x } else { 0.0 });
    let v = &eigen.eigenvectors;
    let in_units = |m: DMatrix<f64>| DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)] / unit[i]);
    let open: Vec<_> = (0..v.ncols()).filter(|j| inverse[*j] == 0.0).map(|j| v.column(j)).collect();
    let mut x = in_units(v * DMatrix::from_diagonal(&inverse) * v.transpose() * rhs);
    if !open.is_empty() {
        stacked::shortest(&mut x, &in_units(DMatrix::from_columns(&open)), free);
    }
    DMatrix::from_fn(x.nrows(), x.ncols(), |i, j| x[(i, j)] * unit[i])
}
