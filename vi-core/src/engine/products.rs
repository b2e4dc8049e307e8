//! Residuals with products of unknowns: y − Σ u · a · b with a and b in different blocks, each a Normal given the other.
//!
//! ```text
//! E (y − Σₛ tₛ)² = (y − Σₛ E tₛ)² + Σₛₜ Cov(tₛ, tₜ)
//! ```
//!
//! Factors of one term lie in different blocks, so its mean is the product of their means; two terms are correlated through the blocks they
//! share. Nothing is subtracted: for each shared block E x x′ = E x E x′ + C, and Cov gathers the products that hold at least one C.

use super::covariance::{Covariance, Entries};
use super::least_squares::{Form, LeastSquares, product};
use crate::stats::Cell;
use nalgebra::DMatrix;

/// One unknown in a product: its mean, and where its covariance is.
#[derive(Clone, Copy, Debug)]
pub struct Uncertain {
    /// E x
    pub mean: f64,
    /// Which of the covariances holds it, and its position there; `None` for a point.
    pub block: Option<(usize, usize)>,
}

/// A term of the mean: data times a product of unknowns.
#[derive(Clone, Debug)]
pub struct Product {
    /// Position of the data in u; `None` is the constant 1.
    pub column: Option<usize>,
    /// A number in front.
    pub constant: f64,
    /// The unknown that is solved for, if it is one of the factors.
    pub unknown: Option<usize>,
    /// The other factors.
    pub factors: Vec<Uncertain>,
}

/// Numbers that are all 0 become small draws: at 0 every factor of a product holds the others at 0.
pub fn off_zero<'x>(values: impl IntoIterator<Item = &'x mut f64>, rng: &mut rand_chacha::ChaCha8Rng) {
    use rand_distr::{Distribution, StandardNormal};
    let values: Vec<&mut f64> = values.into_iter().collect();
    if values.iter().all(|x| **x == 0.0) {
        for x in values {
            let draw: f64 = StandardNormal.sample(rng);
            *x = 0.5 * draw;
        }
    }
}

/// Where a param begins that multiplies one of `width` standard Normals: so that together they are as large as the residual they explain.
pub fn slope(precision: f64, width: usize, rng: &mut rand_chacha::ChaCha8Rng) -> f64 {
    use rand_distr::{Distribution, StandardNormal};
    let draw: f64 = StandardNormal.sample(rng);
    let sd = (precision * width.max(1) as f64).sqrt().recip();
    if sd.is_finite() { draw * sd } else { draw }
}

/// Φ^½ with Φ = Σ w x xᵀ / Σ w; `None` where there is nothing, or Φ is not positive definite.
#[must_use]
pub fn expansion(m: Cell<'_>) -> Option<DMatrix<f64>> {
    let dim = m.gauge.len();
    if m.count <= 0.0 || dim == 0 {
        return None;
    }
    let raw = |i: usize, j: usize| {
        m.square(i, j) + m.gauge[i] * m.sum[j] + m.sum[i] * m.gauge[j] + m.count * m.gauge[i] * m.gauge[j]
    };
    root(DMatrix::from_fn(dim, dim, |i, j| raw(i, j) / m.count))
}

/// Σ w x / Σ w and Φ^½ with Φ the covariance about it; `None` where there is nothing, or Φ is not positive definite.
#[must_use]
pub fn expansion_about_mean(m: Cell<'_>) -> Option<(Vec<f64>, DMatrix<f64>)> {
    let dim = m.gauge.len();
    if m.count <= 0.0 || dim == 0 {
        return None;
    }
    let off = |i: usize| m.sum[i] / m.count;
    let phi = DMatrix::from_fn(dim, dim, |i, j| m.square(i, j) / m.count - off(i) * off(j));
    Some(((0..dim).map(|i| m.gauge[i] + off(i)).collect(), root(phi)?))
}

fn root(phi: DMatrix<f64>) -> Option<DMatrix<f64>> {
    if !phi.iter().all(|x| x.is_finite()) {
        return None;
    }
    let eigen = phi.symmetric_eigen();
    let usable = eigen.eigenvalues.iter().all(|x| *x > 0.0 && x.is_finite());
    usable.then(|| {
        let roots = eigen.eigenvalues.map(f64::sqrt);
        &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
    })
}

impl Product {
    fn mean(&self) -> f64 {
        self.factors.iter().map(|f| f.mean).product::<f64>() * self.constant
    }

    fn form(&self, m: &Cell<'_>) -> Form {
        match self.column {
            Some(c) => (vec![(c, 1.0)], m.gauge[c]),
            None => (vec![], 1.0),
        }
    }
}

/// Cov of two products, the unknowns that are solved for left out.
fn covariance<C: Entries>(a: &Product, b: &Product, covariances: &[&C]) -> f64 {
    // E and Cov of the part that was gone through.
    let (mut mean, mut cov) = (a.constant * b.constant, 0.0);
    for x in &a.factors {
        let partner = x.block.and_then(|(block, i)| {
            let other = b.factors.iter().find_map(|y| match y.block {
                Some((own, j)) if own == block => Some((y.mean, j)),
                _ => None,
            })?;
            Some((other.0, covariances[block].entry(i, other.1)))
        });
        match partner {
            Some((other, c)) => {
                let square = x.mean * other;
                cov = cov * (square + c) + mean * c;
                mean *= square;
            }
            None => {
                cov *= x.mean;
                mean *= x.mean;
            }
        }
    }
    for y in &b.factors {
        let shared = y
            .block
            .is_some_and(|(block, _)| a.factors.iter().any(|x| x.block.is_some_and(|(own, _)| own == block)));
        if !shared {
            cov *= y.mean;
        }
    }
    cov
}

/// Σ w Σₛₜ Cov(tₛ, tₜ): what uncertainty adds to Σ w ρ².
#[must_use]
pub fn spread<C: Entries>(m: Cell<'_>, terms: &[Product], covariances: &[&C]) -> f64 {
    if m.count == 0.0 {
        return 0.0;
    }
    let forms: Vec<Form> = terms.iter().map(|t| t.form(&m)).collect();
    let mut s = 0.0;
    for (i, a) in terms.iter().enumerate() {
        for (j, b) in terms.iter().enumerate() {
            let c = covariance(a, b, covariances);
            if c != 0.0 {
                s += c * product(&m, &forms[i], &forms[j]);
            }
        }
    }
    s
}

/// The normal equations of rows whose coefficients are products of other unknowns, under their expectation, entry by entry: at a pair of
/// unknowns, or on the right of one.
pub(super) fn expected(
    weight: f64,
    m: Cell<'_>,
    terms: &[Product],
    covariances: &[&Covariance],
    mut add: impl FnMut(usize, Option<usize>, f64),
) {
    if m.count == 0.0 || weight == 0.0 {
        return;
    }
    let forms: Vec<Form> = terms.iter().map(|t| t.form(&m)).collect();
    // The target less what is held, at the means.
    let mut rest: Form = (vec![(0, 1.0)], m.gauge[0]);
    for (t, form) in terms.iter().zip(&forms) {
        if t.unknown.is_none() {
            let mean = t.mean();
            rest.0.extend(form.0.iter().map(|(c, x)| (*c, -mean * x)));
            rest.1 -= mean * form.1;
        }
    }
    for (a, form) in terms.iter().zip(&forms) {
        let Some(i) = a.unknown else { continue };
        let mut target = a.mean() * product(&m, form, &rest);
        for (b, other) in terms.iter().zip(&forms) {
            let cov = covariance(a, b, covariances);
            match b.unknown {
                Some(j) => add(i, Some(j), weight * (a.mean() * b.mean() + cov) * product(&m, form, other)),
                None if cov != 0.0 => target -= cov * product(&m, form, other),
                None => {}
            }
        }
        add(i, None, weight * target);
    }
}

impl LeastSquares {
    /// Adds the rows behind moments whose coefficients are products of other unknowns, under their expectation.
    pub fn add_products(&mut self, weight: f64, m: Cell<'_>, terms: &[Product], covariances: &[&Covariance]) {
        expected(weight, m, terms, covariances, |i, j, x| self.add_entry(i, j, x));
    }

    /// Adds to the equations at a pair of unknowns, or on the right of one.
    pub(super) fn add_entry(&mut self, i: usize, j: Option<usize>, x: f64) {
        match j {
            Some(j) => self.add_gram(i, j, x),
            None => self.add_right(i, x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Moments;

    /// E over x = (x₀, x₁) ~ Normal(mean, C) and z ~ Normal by brute force: moments of products written out.
    #[test]
    fn a_square_is_its_expectation() {
        let (mean, z) = ([0.7, -1.2], (2.0, 0.3));
        let c = DMatrix::from_row_slice(2, 2, &[0.5, 0.2, 0.2, 0.9]);
        let v = DMatrix::from_element(1, 1, z.1);
        let rows = [[1.5, 2.0, -1.0], [0.3, 0.4, 2.5]];
        let mut moments = Moments::new(1, 3, 1);
        moments.set_gauge(&[0.2, 0.1, -0.4]);
        rows.iter().for_each(|u| moments.add_row(0, 1.0, u));
        let x = |i: usize| Uncertain { mean: mean[i], block: Some((0, i)) };
        let other = Uncertain { mean: z.0, block: Some((1, 0)) };
        // ρ = u₀ − u₁ x₀ z − u₂ x₁ − 3 z
        let terms = [
            Product { column: Some(1), constant: 1.0, unknown: None, factors: vec![x(0), other] },
            Product { column: Some(2), constant: 1.0, unknown: None, factors: vec![x(1)] },
            Product { column: None, constant: 3.0, unknown: None, factors: vec![other] },
        ];
        let found = spread(moments.cell(0), &terms, &[&c, &v]);
        let second = |i: usize, j: usize| mean[i] * mean[j] + c[(i, j)];
        let zz = z.0 * z.0 + z.1;
        let expected: f64 = rows
            .iter()
            .map(|u| {
                let mean_term = u[1] * mean[0] * z.0 + u[2] * mean[1] + 3.0 * z.0;
                let square = u[1] * u[1] * second(0, 0) * zz
                    + u[2] * u[2] * second(1, 1)
                    + 9.0 * zz
                    + 2.0 * u[1] * u[2] * second(0, 1) * z.0
                    + 2.0 * 3.0 * u[1] * mean[0] * zz
                    + 2.0 * 3.0 * u[2] * mean[1] * z.0;
                square - mean_term * mean_term
            })
            .sum();
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}
