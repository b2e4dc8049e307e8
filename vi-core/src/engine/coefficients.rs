//! Coefficients of Gaussian latents that are uncertain themselves: rows whose targets are 0.
//!
//! ```text
//! E λ (t − Σⱼ θⱼ cⱼ)² = λ (t − Σⱼ E θⱼ cⱼ)² + λ Σⱼₖ Cov(θⱼ, θₖ) cⱼ cₖ          cⱼ = aⱼᵀ v,  v = (latents, what is known)
//!                     = λ (t − Σⱼ E θⱼ cⱼ)² + |R v|²                            RᵀR = S = λ Σⱼₖ Cov(θⱼ, θₖ) aⱼ aₖᵀ
//! ```
//!
//! The second square is that of further rows (Barber and Chiappa 2006): S is a sum of positive terms over all rows of a unit, and no precision
//! matrix is formed.

use super::covariance::Entries;
use nalgebra::DMatrix;

/// S of one unit, and the terms of the row at hand.
#[derive(Clone, Debug, Default)]
pub struct Coefficients {
    side: usize,
    /// The upper triangle of S in a square, by rows.
    square: Vec<f64>,
    any: bool,
    /// The unknown, the place of what it is multiplied with in v, and its coefficient.
    terms: Vec<(usize, usize, f64)>,
    /// Where the terms of each component of a vector end.
    ends: Vec<usize>,
    row: Vec<f64>,
}

impl Coefficients {
    /// S = 0 over a v of this length.
    pub(crate) fn begin(&mut self, side: usize) {
        self.side = side;
        self.any = false;
    }

    /// Makes room for S where a row needs it first: most rows do not.
    fn open(&mut self) {
        if !self.any {
            self.square.clear();
            self.square.resize(self.side * self.side, 0.0);
            self.any = true;
        }
    }

    /// No terms: those of the next row follow.
    pub fn clear(&mut self) {
        self.terms.clear();
        self.ends.clear();
    }

    /// A term of the row: an unknown times a coefficient times what stands at a place of v.
    pub fn push(&mut self, unknown: usize, place: usize, coefficient: f64) {
        self.terms.push((unknown, place, coefficient));
    }

    /// Ends a component of a vector.
    pub fn end(&mut self) {
        self.ends.push(self.terms.len());
    }

    /// Adds the row's share of S.
    pub fn add(&mut self, precision: f64, covariance: &impl Entries) {
        self.open();
        for &(i, a, x) in &self.terms {
            let scaled = precision * x;
            for &(j, b, y) in self.terms.iter().filter(|(_, b, _)| a <= *b) {
                self.square[a * self.side + b] += scaled * y * covariance.entry(i, j);
            }
        }
    }

    /// The same of a vector whose components are coupled by a precision matrix.
    pub fn add_coupled(&mut self, precision: &DMatrix<f64>, covariance: &impl Entries) {
        self.open();
        let range = |d: usize| if d == 0 { 0..self.ends[0] } else { self.ends[d - 1]..self.ends[d] };
        for d in 0..self.ends.len() {
            for e in 0..self.ends.len() {
                let p = precision[(d, e)];
                if p == 0.0 {
                    continue;
                }
                for &(i, a, x) in &self.terms[range(d)] {
                    for &(j, b, y) in self.terms[range(e)].iter().filter(|(_, b, _)| a <= *b) {
                        self.square[a * self.side + b] += p * x * y * covariance.entry(i, j);
                    }
                }
            }
        }
    }

    /// The rows of R, and S = 0 again.
    ///
    /// In the order of v, so that what the rows say of the first places depends on nothing behind them. A pivot that is lost in rounding leaves
    /// no row, or one that is as small.
    pub(crate) fn rows(&mut self, mut each: impl FnMut(&[f64])) {
        if !self.any {
            return;
        }
        let (n, s) = (self.side, &mut self.square);
        for k in 0..n {
            let pivot = s[k * n + k];
            if pivot <= 0.0 {
                continue;
            }
            let root = pivot.sqrt();
            self.row.clear();
            self.row.resize(n, 0.0);
            self.row[k] = root;
            for j in k + 1..n {
                // |S_kj| ≤ (S_kk S_jj)^½, but for rounding.
                let limit = s[j * n + j].max(0.0).sqrt();
                self.row[j] = (s[k * n + j] / root).max(-limit).min(limit);
            }
            for i in k + 1..n {
                let x = self.row[i];
                if x != 0.0 {
                    for j in i..n {
                        s[i * n + j] -= x * self.row[j];
                    }
                }
            }
            each(&self.row);
        }
        self.any = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DVector;

    /// |R v|² at some v, and the same from the definition.
    fn both(u: &mut Coefficients, s: &DMatrix<f64>) {
        let mut found = DMatrix::zeros(s.nrows(), s.nrows());
        u.rows(|row| {
            let r = DVector::from_column_slice(row);
            found += &r * r.transpose();
        });
        assert!((&found - s).norm() < 1e-14 * s.norm(), "{found} {s}");
        u.rows(|_| panic!("S is 0 again"));
    }

    #[test]
    fn rows_have_the_square_that_uncertainty_adds() {
        let root = DMatrix::from_row_slice(3, 3, &[1.0, 0.2, -0.4, 0.0, 0.7, 0.3, 0.0, 0.0, 0.1]);
        let cov = &root * root.transpose();
        let mut u = Coefficients::default();
        u.begin(4);
        let mut s = DMatrix::zeros(4, 4);
        for (lambda, terms) in
            [(2.0, [(0, 0, 1.0), (1, 2, -3.0), (2, 3, 0.5)]), (0.5, [(1, 0, 2.0), (2, 0, 1.0), (0, 1, 1.0)])]
        {
            u.clear();
            for (i, a, x) in terms {
                u.push(i, a, x);
                for (j, b, y) in terms {
                    s[(a, b)] += lambda * x * y * cov[(i, j)];
                }
            }
            u.add(lambda, &cov);
        }
        both(&mut u, &s);
    }

    #[test]
    fn coupled_rows_have_it_too_and_what_is_of_lower_rank_has_fewer_rows() {
        let cov = DMatrix::from_row_slice(2, 2, &[2.0, 0.6, 0.6, 1.0]);
        let precision = DMatrix::from_row_slice(2, 2, &[1.5, -0.4, -0.4, 0.8]);
        let mut u = Coefficients::default();
        u.begin(3);
        u.clear();
        // Each unknown multiplies the sum of two latents.
        let terms = [[(0, 0, 1.0), (0, 1, 1.0)], [(1, 0, 1.0), (1, 1, 1.0)]];
        let mut s = DMatrix::zeros(3, 3);
        for (d, own) in terms.iter().enumerate() {
            for (i, a, x) in own {
                u.push(*i, *a, *x);
                for (e, other) in terms.iter().enumerate() {
                    for (j, b, y) in other {
                        s[(*a, *b)] += precision[(d, e)] * x * y * cov[(*i, *j)];
                    }
                }
            }
            u.end();
        }
        u.add_coupled(&precision, &cov);
        both(&mut u, &s);
    }

    #[test]
    fn what_is_no_number_is_not_hidden() {
        let mut u = Coefficients::default();
        u.begin(2);
        u.push(0, 0, f64::NAN);
        u.add(1.0, &DMatrix::identity(1, 1));
        let mut seen = false;
        u.rows(|row| seen |= row[0].is_nan());
        assert!(seen);
    }
}
