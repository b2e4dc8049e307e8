//! Least squares whose normal equations are close to singular: rows of priors below a root of what the data say.
//!
//! ```text
//! G = Lᵀ L by rows, largest pivot first, until what is left is rounding        [ L  c ]
//!                                                                              [ √w a  √w t ]  = Q [R z; 0 S]
//! ```
//!
//! A direction that the data do not determine is then exactly 0 in L, and is known from the priors alone, however weak they are beside the
//! data; in the sum of both it would be lost. Weak rows below strong ones keep their digits in the same way.

use crate::engine::gauss::dense::Dense;
use crate::engine::gauss::{Failure, Rows};
use nalgebra::DMatrix;

/// weight · (target − Σ coefficient · unknown)², one target for each output.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub weight: f64,
    pub coefficients: Vec<(usize, f64)>,
    pub targets: Vec<f64>,
}

impl Row {
    /// Adds it to normal equations.
    pub fn add_to(&self, gram: &mut DMatrix<f64>, rhs: &mut DMatrix<f64>) {
        for &(i, a) in &self.coefficients {
            for &(j, b) in &self.coefficients {
                gram[(i, j)] += self.weight * a * b;
            }
            for (o, t) in self.targets.iter().enumerate() {
                rhs[(i, o)] += self.weight * a * t;
            }
        }
    }
}

/// The unknowns given normal equations of data and rows of priors.
///
/// # Errors
/// [`Failure`] where neither determines some unknown, or a number is not finite.
pub(super) fn eliminate(gram: &DMatrix<f64>, rhs: &DMatrix<f64>, rows: &[Row]) -> Result<Dense, Failure> {
    let (n, outputs) = rhs.shape();
    let mut stack = Rows::new(n, outputs);
    let mut coefficients = Vec::with_capacity(n);
    root(gram, rhs, |row, targets| {
        coefficients.clear();
        coefficients.extend(row.iter().copied().enumerate());
        stack.square(1.0, &coefficients, targets);
    });
    for r in rows {
        stack.square(r.weight.sqrt(), &r.coefficients, &r.targets);
    }
    let mut posterior = Dense::new();
    posterior.eliminate(&stack)?;
    Ok(posterior)
}

/// Rows l and targets c with G = Σ l lᵀ and rhs = Σ l cᵀ, as many as the rank of G.
pub(in crate::engine) fn root(gram: &DMatrix<f64>, rhs: &DMatrix<f64>, mut each: impl FnMut(&[f64], &[f64])) {
    let (n, outputs) = rhs.shape();
    let (mut left, mut right) = (gram.clone(), rhs.clone());
    let (mut row, mut targets) = (vec![0.0; n], vec![0.0; outputs]);
    // Sums over many data are not as sharp as their last digit.
    let floor = |i: usize| 16.0 * n as f64 * f64::EPSILON * gram[(i, i)];
    let share = |left: &DMatrix<f64>, i: usize| {
        if left[(i, i)] > floor(i) { left[(i, i)] / gram[(i, i)] } else { 0.0 }
    };
    for _ in 0..n {
        let pivot = (0..n).fold(0, |p, i| if share(&left, i) > share(&left, p) { i } else { p });
        if share(&left, pivot) == 0.0 {
            return;
        }
        let length = left[(pivot, pivot)].sqrt();
        (0..n).for_each(|i| row[i] = left[(i, pivot)] / length);
        (0..outputs).for_each(|o| targets[o] = right[(pivot, o)] / length);
        each(&row, &targets);
        for i in 0..n {
            for j in 0..n {
                left[(i, j)] = if i == pivot || j == pivot { 0.0 } else { left[(i, j)] - row[i] * row[j] };
            }
            for o in 0..outputs {
                right[(i, o)] -= row[i] * targets[o];
            }
        }
    }
}

/// Of all x + N z, N a basis of what the equations leave open, the one whose entries outside of `free` have the least sum of squares.
pub(super) fn shortest(x: &mut DMatrix<f64>, basis: &DMatrix<f64>, free: Option<usize>) {
    let mut counted = basis.clone();
    let mut at = x.clone();
    if let Some(i) = free {
        counted.row_mut(i).fill(0.0);
        at.row_mut(i).fill(0.0);
    }
    let svd = counted.svd(true, true);
    let largest = svd.singular_values.max();
    if let Ok(z) = svd.solve(&at, largest * 1e-10) {
        *x -= basis * z;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DVector;

    #[test]
    fn a_prior_decides_where_the_data_say_nothing_however_weak_it_is() {
        // Two columns that are one another up to a factor.
        let a = DVector::from_vec(vec![1.0, 2.0]);
        let gram = &a * a.transpose() * 7.0;
        let rhs = DMatrix::from_column_slice(2, 1, (&a * 35.0).as_slice());
        for weight in [1e-4, 1e-12, 1e-24] {
            let rows: Vec<Row> =
                (0..2).map(|i| Row { weight, coefficients: vec![(i, 1.0)], targets: vec![0.0] }).collect();
            let posterior = eliminate(&gram, &rhs, &rows).unwrap();
            let (mut mean, mut cov) = (vec![0.0; 2], vec![0.0; 4]);
            posterior.mean(0, &mut mean);
            posterior.covariance(&mut cov);
            // Along (1, 2) / √5 precision 35 + w, across it w.
            assert!(
                (mean[0] - 35.0 / (35.0 + weight)).abs() < 1e-14 && (mean[1] - 2.0 * mean[0]).abs() < 1e-14
            );
            let across = (4.0 * cov[0] - 4.0 * cov[1] + cov[3]) / 5.0;
            assert!((across * weight - 1.0).abs() < 1e-12, "{across}");
        }
        assert!(eliminate(&gram, &rhs, &[]).is_err());
    }

    #[test]
    fn strong_rows_leave_weak_data_their_digits() {
        // Three numbers with precision 1e-2 each, tied to a common one by 1e14.
        let gram = DMatrix::from_diagonal(&DVector::from_vec(vec![1e-2, 1e-2, 1e-2, 0.0]));
        let rhs = DMatrix::from_column_slice(4, 1, &[1e-2, 2e-2, 6e-2, 0.0]);
        let rows: Vec<Row> = (0..3)
            .map(|i| Row { weight: 1e14, coefficients: vec![(i, -1.0), (3, 1.0)], targets: vec![0.0] })
            .collect();
        let posterior = eliminate(&gram, &rhs, &rows).unwrap();
        let (mut mean, mut cov) = (vec![0.0; 4], vec![0.0; 16]);
        posterior.mean(0, &mut mean);
        posterior.covariance(&mut cov);
        assert!((mean[3] - 3.0).abs() < 1e-13, "{mean:?}");
        assert!((cov[15] * 3e-2 - 1.0).abs() < 1e-13, "{cov:?}");
    }

    #[test]
    fn the_shortest_of_many_solutions() {
        let mut x = DMatrix::from_column_slice(3, 1, &[5.0, 0.0, 9.0]);
        let basis = DMatrix::from_column_slice(3, 1, &[2.0, -1.0, 4.0]);
        shortest(&mut x, &basis, Some(2));
        // (5, 0) − 2 (2, −1) = (1, 2), which is across (2, −1).
        for (found, expected) in x.iter().zip([1.0, 2.0, 1.0]) {
            assert!((found - expected).abs() < 1e-14);
        }
    }
}
