//! Weighted residual rows of one block of unknowns.

use super::HALF_LOG_TAU;
use nalgebra::DMatrix;

/// The rows of exp(log_factor − ½ Σ (target − Σⱼ aⱼ xⱼ)²), with one target for each right-hand side.
///
/// A buffer to be filled again and again: nothing is allocated once it has grown.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    unknowns: usize,
    rights: usize,
    /// A row's coefficients and then its targets.
    entries: Vec<f64>,
    log_factor: f64,
}

impl Rows {
    /// No rows yet, for `unknowns` unknowns and `rights` right-hand sides that share all coefficients.
    #[must_use]
    pub fn new(unknowns: usize, rights: usize) -> Rows {
        Rows { unknowns, rights, ..Rows::default() }
    }

    /// No rows any more, and another shape.
    pub fn reset(&mut self, unknowns: usize, rights: usize) {
        (self.unknowns, self.rights) = (unknowns, rights);
        self.clear();
    }

    /// No rows any more.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.log_factor = 0.0;
    }

    /// Number of unknowns.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.unknowns
    }

    /// Number of right-hand sides.
    #[must_use]
    pub fn rights(&self) -> usize {
        self.rights
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len().checked_div(self.unknowns + self.rights).unwrap_or(0)
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The logarithm of what multiplies the exponential of the squares.
    #[must_use]
    pub fn log_factor(&self) -> f64 {
        self.log_factor
    }

    /// The rows one after another: coefficients, then targets.
    #[must_use]
    pub fn entries(&self) -> &[f64] {
        &self.entries
    }

    /// Normal(target | Σ aⱼ xⱼ, var: weight⁻²), where coefficients of one unknown add up. A weight of 0 is no row.
    pub fn density(&mut self, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        self.copies(1.0, weight, coefficients, targets);
    }

    /// The same density to the power of `copies`: as many rows that are alike. No copies are no row.
    pub fn copies(&mut self, copies: f64, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        if copies != 0.0 && weight != 0.0 {
            self.log_factor += copies * (weight.abs().ln() - HALF_LOG_TAU);
            self.square(if copies == 1.0 { weight } else { weight * copies.sqrt() }, coefficients, targets);
        }
    }

    /// exp(−½ weight² (target − Σ aⱼ xⱼ)²) without the constant of a density: what uncertain coefficients add, or a term whose constant is
    /// an expectation that [`add_log`](Self::add_log) takes.
    pub fn square(&mut self, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        if weight == 0.0 {
            return;
        }
        let start = self.entries.len();
        self.entries.resize(start + self.unknowns + self.rights, 0.0);
        let (row, right) = self.entries[start..].split_at_mut(self.unknowns);
        for &(j, a) in coefficients {
            row[j] += weight * a;
        }
        right.iter_mut().zip(targets).for_each(|(to, t)| *to = weight * t);
    }

    /// MvNormal(targets | A x, prec: WᵀW) with a triangular whitener W: row d of A is `coefficients[d]`, and there is one
    /// right-hand side.
    pub fn whitened(&mut self, whitener: &DMatrix<f64>, coefficients: &[&[(usize, f64)]], targets: &[f64]) {
        let dim = targets.len();
        for d in 0..dim {
            let start = self.entries.len();
            self.entries.resize(start + self.unknowns + self.rights, 0.0);
            let (row, right) = self.entries[start..].split_at_mut(self.unknowns);
            for e in 0..dim {
                let w = whitener[(d, e)];
                if w != 0.0 {
                    coefficients[e].iter().for_each(|&(j, a)| row[j] += w * a);
                    right[0] += w * targets[e];
                }
            }
            self.log_factor += whitener[(d, d)].abs().ln() - HALF_LOG_TAU;
        }
    }

    /// exp(−½ vᵀ S v) for v = (x of `unknowns`, targets): what uncertain coefficients add, as S = Σ Λ\[d, e\] Cov(w\[d\], w\[e\]) over the
    /// coefficients of v in the components d, e of a mean. S is symmetric and positive semidefinite; there are as many rows as its rank.
    pub fn uncertain(&mut self, s: &DMatrix<f64>, unknowns: &[usize]) {
        let (width, n, k) = (self.unknowns + self.rights, unknowns.len(), self.rights);
        roots(s, |root| {
            let start = self.entries.len();
            self.entries.resize(start + width, 0.0);
            let (row, right) = self.entries[start..].split_at_mut(width - k);
            unknowns.iter().zip(root).for_each(|(j, x)| row[*j] -= x);
            right.copy_from_slice(&root[n..n + k]);
        });
    }

    /// Multiplies by exp(x).
    pub fn add_log(&mut self, x: f64) {
        self.log_factor += x;
    }
}

/// Vectors r with S = Σ r rᵀ, for a symmetric positive semidefinite S: Cholesky's, largest pivot first, until what is left is rounding.
pub(super) fn roots(s: &DMatrix<f64>, mut each: impl FnMut(&[f64])) {
    let n = s.nrows();
    let mut left = s.clone();
    let mut root = vec![0.0; n];
    for _ in 0..n {
        let rest =
            |i: usize| if left[(i, i)] > n as f64 * f64::EPSILON * s[(i, i)] { left[(i, i)] } else { 0.0 };
        let pivot = (0..n).fold(0, |p, i| if rest(i) > rest(p) { i } else { p });
        let value = rest(pivot);
        // A NaN goes on to where it is found.
        if value == 0.0 && s.iter().all(|x| x.is_finite()) {
            return;
        }
        (0..n).for_each(|i| root[i] = left[(i, pivot)] / left[(pivot, pivot)].sqrt());
        each(&root);
        for i in 0..n {
            for j in 0..n {
                left[(i, j)] = if i == pivot || j == pivot { 0.0 } else { left[(i, j)] - root[i] * root[j] };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(s: &DMatrix<f64>, rank: usize) {
        let mut sum = DMatrix::zeros(s.nrows(), s.nrows());
        let mut count = 0;
        roots(s, |root| {
            let root = nalgebra::DVector::from_column_slice(root);
            sum += &root * root.transpose();
            count += 1;
        });
        assert_eq!(count, rank);
        for i in 0..s.nrows() {
            for j in 0..s.nrows() {
                let scale = (s[(i, i)] * s[(j, j)]).sqrt();
                assert!((sum[(i, j)] - s[(i, j)]).abs() <= 1e-14 * scale, "{sum} {s}");
            }
        }
    }

    #[test]
    fn a_semidefinite_matrix_is_the_sum_of_its_roots() {
        check(&DMatrix::zeros(0, 0), 0);
        check(&DMatrix::zeros(3, 3), 0);
        check(&DMatrix::from_row_slice(2, 2, &[4.0, 2.0, 2.0, 3.0]), 2);
        // A zero variance in the middle, units far apart, and a rank of one.
        let a = nalgebra::DVector::from_column_slice(&[1e-8, 0.0, 3e6]);
        check(&(&a * a.transpose()), 1);
        let b = nalgebra::DVector::from_column_slice(&[2e-8, 0.0, -1e6]);
        check(&(&a * a.transpose() + &b * b.transpose()), 2);
    }
}
