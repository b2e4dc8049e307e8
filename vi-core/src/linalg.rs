//! Dense linear algebra of model size: factorisations that say where they fail, and regressions from sums of products.
//!
//! Whether a matrix is singular is decided after scaling to a unit diagonal, so it does not depend on the units the
//! components are measured in. Nothing here touches data; the sums over units are formed in [`crate::tile`].

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::tile::packed_len;

/// Why a matrix could not be factorised.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum MatrixError {
    /// The leading minor of order `pivot + 1` is not positive, up to rounding.
    #[error("the matrix is not positive definite: pivot {pivot} is {value:e} of its diagonal entry")]
    NotPositiveDefinite {
        /// Index of the failing pivot, from 0.
        pivot: usize,
        /// The pivot after scaling to a unit diagonal; or the diagonal entry itself where it is not positive.
        value: f64,
    },
    /// An entry is NaN or infinite.
    #[error("the matrix has an entry that is not finite")]
    NotFinite,
    /// The eigenvalue iteration did not converge.
    #[error("the eigenvalues of the matrix did not converge")]
    NoConvergence,
}

/// The factor of a symmetric positive definite matrix, `A = L Lᵀ` with `L` lower triangular.
#[derive(Clone, Debug, PartialEq)]
pub struct Cholesky {
    lower: DMatrix<f64>,
}

impl Cholesky {
    /// Factorises `A`, of which only the lower triangle is read.
    ///
    /// `A` is scaled to a unit diagonal first, and a pivot of at most `D ε` (`ε = 2⁻⁵²`) counts as 0.
    ///
    /// # Errors
    /// [`MatrixError::NotPositiveDefinite`] with the first such pivot; [`MatrixError::NotFinite`].
    pub fn new(a: &DMatrix<f64>) -> Result<Self, MatrixError> {
        let d = a.nrows().min(a.ncols());
        let mut scale = DVector::zeros(d);
        for i in 0..d {
            if !a.view((i, 0), (1, i + 1)).iter().all(|entry| entry.is_finite()) {
                return Err(MatrixError::NotFinite);
            }
            if a[(i, i)] <= 0.0 {
                return Err(MatrixError::NotPositiveDefinite { pivot: i, value: a[(i, i)] });
            }
            scale[i] = a[(i, i)].sqrt();
        }
        let threshold = d as f64 * f64::EPSILON;
        let mut lower = DMatrix::zeros(d, d);
        for j in 0..d {
            for i in j..d {
                lower[(i, j)] = if i == j { 1.0 } else { a[(i, j)] / scale[i] / scale[j] };
            }
        }
        for j in 0..d {
            for k in 0..j {
                let factor = lower[(j, k)];
                for i in j..d {
                    lower[(i, j)] -= lower[(i, k)] * factor;
                }
            }
            let pivot = lower[(j, j)];
            if pivot <= threshold || pivot.is_nan() {
                return Err(MatrixError::NotPositiveDefinite { pivot: j, value: pivot });
            }
            let root = pivot.sqrt();
            for i in j..d {
                lower[(i, j)] /= root;
            }
        }
        for j in 0..d {
            for i in j..d {
                lower[(i, j)] *= scale[i];
            }
        }
        Ok(Self { lower })
    }

    /// `L`
    #[must_use]
    pub fn lower(&self) -> &DMatrix<f64> {
        &self.lower
    }

    /// `log det A`
    #[must_use]
    pub fn log_det(&self) -> f64 {
        2.0 * self.lower.diagonal().iter().map(|pivot| pivot.ln()).sum::<f64>()
    }

    /// `L⁻¹`
    #[must_use]
    pub fn inverse_lower(&self) -> DMatrix<f64> {
        invert_lower(&self.lower)
    }

    /// `A⁻¹`
    #[must_use]
    pub fn inverse(&self) -> DMatrix<f64> {
        let inverse = self.inverse_lower();
        outer_square(&inverse.transpose())
    }

    /// `A⁻¹ B`
    ///
    /// # Panics
    /// If `B` has another number of rows than `A`.
    #[must_use]
    pub fn solve(&self, b: &DMatrix<f64>) -> DMatrix<f64> {
        let mut x = b.clone();
        let d = self.lower.nrows();
        for mut column in x.column_iter_mut() {
            for i in 0..d {
                let mut value = column[i];
                for k in 0..i {
                    value -= self.lower[(i, k)] * column[k];
                }
                column[i] = value / self.lower[(i, i)];
            }
            for i in (0..d).rev() {
                let mut value = column[i];
                for k in i + 1..d {
                    value -= self.lower[(k, i)] * column[k];
                }
                column[i] = value / self.lower[(i, i)];
            }
        }
        x
    }
}

/// The inverse of a lower triangular matrix; entries above the diagonal are not read. A zero on the diagonal gives
/// entries that are not finite.
#[must_use]
pub fn invert_lower(lower: &DMatrix<f64>) -> DMatrix<f64> {
    let d = lower.nrows().min(lower.ncols());
    let mut inverse = DMatrix::zeros(d, d);
    for j in 0..d {
        inverse[(j, j)] = 1.0 / lower[(j, j)];
        for i in j + 1..d {
            let mut value = 0.0;
            for k in j..i {
                value -= lower[(i, k)] * inverse[(k, j)];
            }
            inverse[(i, j)] = value / lower[(i, i)];
        }
    }
    inverse
}

/// The symmetric `d × d` matrix of a packed lower triangle (rows `(0,0), (1,0), (1,1), …`).
///
/// # Panics
/// If `packed` is shorter than `d (d + 1) / 2`.
#[must_use]
pub fn unpack_symmetric(packed: &[f64], d: usize) -> DMatrix<f64> {
    DMatrix::from_fn(d, d, |i, j| packed[packed_len(i.max(j)) + i.min(j)])
}

/// The lower triangular `d × d` matrix of a packed lower triangle, with zeros above the diagonal.
///
/// # Panics
/// If `packed` is shorter than `d (d + 1) / 2`.
#[must_use]
pub fn unpack_lower(packed: &[f64], d: usize) -> DMatrix<f64> {
    DMatrix::from_fn(d, d, |i, j| if j <= i { packed[packed_len(i) + j] } else { 0.0 })
}

/// The lower triangle of a square matrix, packed by rows.
#[must_use]
pub fn pack_lower(a: &DMatrix<f64>) -> Vec<f64> {
    (0..a.nrows().min(a.ncols())).flat_map(|i| (0..=i).map(move |j| a[(i, j)])).collect()
}

/// `A Aᵀ`, symmetric to the last bit.
#[must_use]
pub fn outer_square(a: &DMatrix<f64>) -> DMatrix<f64> {
    let mut square = DMatrix::zeros(a.nrows(), a.nrows());
    for i in 0..a.nrows() {
        for j in 0..=i {
            let value = a.row(i).iter().zip(a.row(j).iter()).map(|(x, y)| x * y).sum();
            square[(i, j)] = value;
            square[(j, i)] = value;
        }
    }
    square
}

/// The covariance `Σ ⪰ floor · I` that maximises `−log det Σ − tr(Σ⁻¹ S)`: the eigenvectors of `S`, and its eigenvalues
/// raised to `floor` where they are below. A symmetric `S` that satisfies the constraint is returned as it is.
///
/// # Errors
/// [`MatrixError::NotFinite`], [`MatrixError::NoConvergence`].
pub fn clip_eigenvalues(s: &DMatrix<f64>, floor: f64) -> Result<DMatrix<f64>, MatrixError> {
    let (values, vectors) = eigen(s)?;
    if values.iter().all(|&value| value >= floor) {
        return Ok(s.clone());
    }
    let mut clipped = rebuild(&vectors, values.iter().map(|value| value.max(floor)));
    // Rounding of the product may leave an eigenvalue below the floor by an ulp of the largest one; where the diagonal
    // shows it, it can be mended.
    for i in 0..clipped.nrows() {
        clipped[(i, i)] = clipped[(i, i)].max(floor);
    }
    Ok(clipped)
}

/// The symmetric positive semidefinite `R` with `R R = A`; eigenvalues below 0 count as 0.
///
/// # Errors
/// [`MatrixError::NotFinite`], [`MatrixError::NoConvergence`].
pub fn symmetric_sqrt(a: &DMatrix<f64>) -> Result<DMatrix<f64>, MatrixError> {
    let (values, vectors) = eigen(a)?;
    Ok(rebuild(&vectors, values.iter().map(|value| value.max(0.0).sqrt())))
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix.
fn eigen(a: &DMatrix<f64>) -> Result<(DVector<f64>, DMatrix<f64>), MatrixError> {
    if !a.iter().all(|entry| entry.is_finite()) {
        return Err(MatrixError::NotFinite);
    }
    let iterations = 100 * a.nrows().max(10);
    let eigen =
        SymmetricEigen::try_new(a.clone(), f64::EPSILON, iterations).ok_or(MatrixError::NoConvergence)?;
    Ok((eigen.eigenvalues, eigen.eigenvectors))
}

/// `Σ_k values[k] v_k v_kᵀ`, symmetric to the last bit.
fn rebuild(vectors: &DMatrix<f64>, values: impl Iterator<Item = f64>) -> DMatrix<f64> {
    let d = vectors.nrows();
    let mut sum = DMatrix::zeros(d, d);
    for (vector, value) in vectors.column_iter().zip(values) {
        for i in 0..d {
            let scaled = value * vector[i];
            for j in 0..=i {
                sum[(i, j)] += scaled * vector[j];
            }
        }
    }
    sum.fill_upper_triangle_with_lower_triangle();
    sum
}

/// The solution of a symmetric system.
#[derive(Clone, Debug, PartialEq)]
pub struct SymmetricSolution {
    /// `X` with `A X = B`, or the least-squares solution where `A` is singular.
    pub x: DMatrix<f64>,
    /// Rank of `A` after scaling to a unit diagonal; below its order, `x` is one of many solutions.
    pub rank: usize,
}

/// Solves `A X = B` for a symmetric positive semidefinite `A` (lower triangle read).
///
/// A nonsingular `A` is solved by Cholesky factorisation and one step of refinement. Otherwise, of all least-squares
/// solutions, the one with the smallest `Σ_i A[i,i] x_i²` is returned, and `rank` tells; a component with a zero
/// diagonal entry is 0.
///
/// # Errors
/// [`MatrixError::NotFinite`], [`MatrixError::NoConvergence`].
///
/// # Panics
/// If `B` has another number of rows than `A`.
pub fn solve_symmetric(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<SymmetricSolution, MatrixError> {
    let d = a.nrows();
    let scale = DVector::from_fn(d, |i, _| if a[(i, i)] > 0.0 { 1.0 / a[(i, i)].sqrt() } else { 0.0 });
    let scaled = DMatrix::from_fn(d, d, |i, j| a[(i.max(j), i.min(j))] * scale[i] * scale[j]);
    let right = DMatrix::from_fn(d, b.ncols(), |i, j| b[(i, j)] * scale[i]);
    if !right.iter().all(|entry| entry.is_finite()) {
        return Err(MatrixError::NotFinite);
    }
    let (mut x, rank) = match Cholesky::new(&scaled) {
        Ok(factor) => {
            let first = factor.solve(&right);
            let residual = &right - &scaled * &first;
            (&first + factor.solve(&residual), d)
        }
        Err(MatrixError::NotPositiveDefinite { .. }) => least_norm(&scaled, &right)?,
        Err(other) => return Err(other),
    };
    for i in 0..d {
        x.row_mut(i).scale_mut(scale[i]);
    }
    Ok(SymmetricSolution { x, rank })
}

/// `A⁺ B` and the rank of `A`, whose diagonal entries are 1 or 0.
fn least_norm(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<(DMatrix<f64>, usize), MatrixError> {
    let (values, vectors) = eigen(a)?;
    let threshold = values.amax() * a.nrows() as f64 * f64::EPSILON;
    let mut rank = 0;
    let mut x = DMatrix::zeros(b.nrows(), b.ncols());
    for (vector, &value) in vectors.column_iter().zip(values.iter()) {
        if value > threshold {
            rank += 1;
            x += vector * (vector.transpose() * b) / value;
        }
    }
    Ok((x, rank))
}

/// A weighted least-squares regression `y ≈ B a + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    /// `B`, `p × m`.
    pub coefficients: DMatrix<f64>,
    /// `b`, `p` entries; zeros without an intercept.
    pub intercept: DVector<f64>,
    /// `Σ w (y − B a − b)(y − B a − b)ᵀ`, `p × p`.
    pub residual: DMatrix<f64>,
    /// Rank of the scatter of the regressors; below `m`, `coefficients` are one of many solutions.
    pub rank: usize,
}

impl Regression {
    /// Solves the regression whose weighted products are `gram`: the packed lower triangle of `Σ w u uᵀ` for the design
    /// vector `u = (y_1 … y_p, a_1 … a_m)`, followed by 1 if there is an intercept.
    ///
    /// With an intercept the products are centred at the weighted means, so `y` and `a` should be measured from a
    /// gauge near them; the regression is then about that gauge, and [`Self::about_origin`] moves it.
    /// (A variance below `64 (p + m) ε` of the mean square about the gauge is the rounding of a constant.) The residual
    /// scatter is evaluated as a quadratic form in `(I, −B)`, whose error is of second order in that of `B`. Regressors
    /// that depend on each other get the coefficients of least norm in units of their own deviations. Without any
    /// weight the coefficients are 0.
    ///
    /// # Errors
    /// [`MatrixError::NotFinite`], [`MatrixError::NoConvergence`].
    ///
    /// # Panics
    /// If `gram` is shorter than its shape.
    pub fn from_gram(gram: &[f64], p: usize, m: usize, intercept: bool) -> Result<Self, MatrixError> {
        let order = p + m;
        let mut scatter = unpack_symmetric(gram, order);
        let mut mean = DVector::zeros(order);
        if intercept {
            let sums = &gram[packed_len(order)..][..=order];
            let count = sums[order];
            if count > 0.0 {
                for i in 0..order {
                    mean[i] = sums[i] / count;
                }
            }
            for i in 0..order {
                for j in 0..order {
                    scatter[(i, j)] -= sums[i.max(j)] * mean[i.min(j)];
                }
            }
            // What the difference leaves of a constant is the rounding of the sums, and no variance.
            let rounding = 64.0 * order as f64 * f64::EPSILON;
            for i in 0..order {
                if scatter[(i, i)] <= rounding * gram[packed_len(i) + i] {
                    scatter.row_mut(i).fill(0.0);
                    scatter.column_mut(i).fill(0.0);
                }
            }
        }
        let of_y = scatter.view((0, 0), (p, p));
        let of_a = scatter.view((p, p), (m, m)).clone_owned();
        let of_ay = scatter.view((p, 0), (m, p)).clone_owned();
        let SymmetricSolution { x, rank } = solve_symmetric(&of_a, &of_ay)?;
        let coefficients = x.transpose();

        let cross = &coefficients * &of_ay;
        let quadratic = &coefficients * &of_a * &x;
        let mut residual = DMatrix::zeros(p, p);
        for i in 0..p {
            for j in 0..=i {
                let value = of_y[(i, j)] - cross[(i, j)] - cross[(j, i)] + quadratic[(i, j)];
                let value = if i == j { value.max(0.0) } else { value };
                residual[(i, j)] = value;
                residual[(j, i)] = value;
            }
        }
        let intercept = mean.rows(0, p) - &coefficients * mean.rows(p, m);
        Ok(Self { coefficients, intercept, residual, rank })
    }

    /// The intercept for `y` and `a` themselves, where the products were formed from `y − y₀` and `a − a₀`:
    /// `b + y₀ − B a₀`.
    ///
    /// # Panics
    /// If `y0` has not `p` entries, or `a0` has not `m`.
    #[must_use]
    pub fn about_origin(&self, y0: &DVector<f64>, a0: &DVector<f64>) -> DVector<f64> {
        &self.intercept + y0 - &self.coefficients * a0
    }
}

#[cfg(test)]
mod tests;
