//! One block of unknowns, whatever its rows.
//!
//! ```text
//! Q [A | targets] = [R z]        E x = R⁻¹ z      Cov x = R⁻¹ R⁻ᵀ      x = R⁻¹ (z + ε) is a draw
//!                   [0 S]        ‖ρ‖² = ‖S‖² of a right-hand side
//! ```
//!
//! Rows are taken in as they come, some at a time, and only the triangle is kept: cost m n², memory n². Several right-hand sides share one
//! triangle. Where they are a basis, targets = B u, they give posterior mean and evidence as functions of the data u:
//! E x = (R⁻¹ Z) u, ‖ρ‖² = ‖S u‖².

use super::householder::{invert_upper, solve_upper, triangularise};
use super::{Failure, HALF_LOG_TAU, Rows};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// The posterior of a block, and what it is computed on: to be used again for the next block.
///
/// ```
/// use vi_core::engine::gauss::{Rows, dense::Dense};
///
/// // x ~ Normal(0, var: 1), and 3 ~ Normal(2 x, var: 0.25).
/// let mut rows = Rows::new(1, 1);
/// rows.density(1.0, &[(0, 1.0)], &[0.0]);
/// rows.density(2.0, &[(0, 2.0)], &[3.0]);
/// let mut posterior = Dense::new();
/// posterior.eliminate(&rows)?;
/// let (mut mean, mut cov) = ([0.0], [0.0]);
/// posterior.mean(0, &mut mean);
/// posterior.covariance(&mut cov);
/// assert!((cov[0] - 1.0 / 17.0).abs() < 1e-15 && (mean[0] - 24.0 / 17.0).abs() < 1e-15);
/// # Ok::<(), vi_core::engine::gauss::Failure>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dense {
    unknowns: usize,
    rights: usize,
    log_factor: f64,
    log_det: f64,
    /// `[R Z; 0 S]`, by rows.
    triangle: Vec<f64>,
    /// R⁻¹, by rows.
    inverse: Vec<f64>,
    /// The triangle and some rows below it, by columns.
    stack: Vec<f64>,
    sizes: Vec<f64>,
}

/// Rows that are taken in at once, at least.
const CHUNK: usize = 32;

impl Dense {
    /// Nothing is allocated yet.
    #[must_use]
    pub fn new() -> Dense {
        Dense::default()
    }

    /// The posterior given these rows and no others.
    ///
    /// # Errors
    /// See [`finish`](Self::finish).
    pub fn eliminate(&mut self, rows: &Rows) -> Result<(), Failure> {
        self.start(rows.unknowns(), rows.rights());
        self.absorb(rows);
        self.finish()
    }

    /// No rows yet.
    pub fn start(&mut self, unknowns: usize, rights: usize) {
        (self.unknowns, self.rights) = (unknowns, rights);
        let width = unknowns + rights;
        self.triangle.clear();
        self.triangle.resize(width * width, 0.0);
        self.log_factor = 0.0;
        self.log_det = f64::NAN;
    }

    /// Takes in more rows, of the shape that [`start`](Self::start) was given.
    pub fn absorb(&mut self, rows: &Rows) {
        self.log_factor += rows.log_factor();
        self.absorb_entries(rows.entries());
    }

    /// Rows of coefficients and then targets.
    pub(super) fn absorb_entries(&mut self, rows: &[f64]) {
        let width = self.unknowns + self.rights;
        if width == 0 {
            return;
        }
        for some in rows.chunks(width * CHUNK.max(width)) {
            let height = width + some.len() / width;
            self.stack.clear();
            self.stack.resize(height * width, 0.0);
            for (i, row) in self.triangle.chunks_exact(width).chain(some.chunks_exact(width)).enumerate() {
                for (j, x) in row.iter().enumerate() {
                    self.stack[j * height + i] = *x;
                }
            }
            triangularise(&mut self.stack, height, self.unknowns, width, &mut self.sizes);
            for (i, row) in self.triangle.chunks_exact_mut(width).enumerate() {
                for (j, x) in row.iter_mut().enumerate() {
                    *x = self.stack[j * height + i];
                }
            }
        }
    }

    /// `[R Z; 0 S]`, by rows: all that is known of the rows taken in.
    pub(super) fn triangle(&self) -> &[f64] {
        &self.triangle
    }

    /// Goes on from a triangle.
    pub(super) fn set_triangle(&mut self, triangle: &[f64]) {
        self.triangle.copy_from_slice(triangle);
    }

    /// The posterior given all rows taken in. What follows it may be asked for only after it has returned `Ok`.
    ///
    /// # Errors
    /// [`Failure::Undetermined`] with the first unknown that no row tells apart from those before it, up to rounding.
    /// [`Failure::NotFinite`].
    pub fn finish(&mut self) -> Result<(), Failure> {
        let (n, width) = (self.unknowns, self.unknowns + self.rights);
        if !self.triangle.iter().all(|x| x.is_finite()) || !self.log_factor.is_finite() {
            return Err(Failure::NotFinite { block: 0 });
        }
        self.log_det = 0.0;
        for j in 0..n {
            let pivot = self.triangle[j * width + j];
            if pivot == 0.0 {
                return Err(Failure::Undetermined { block: 0, column: j });
            }
            self.log_det += pivot.abs().ln();
        }
        self.inverse.resize(n * n, 0.0);
        invert_upper(&self.triangle, width, n, &mut self.inverse);
        if !self.inverse.iter().all(|x| x.is_finite()) {
            return Err(Failure::NotFinite { block: 0 });
        }
        Ok(())
    }

    /// Number of unknowns.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.unknowns
    }

    /// log |det R|: minus half the log determinant of the covariance.
    #[must_use]
    pub fn log_det(&self) -> f64 {
        self.log_det
    }

    /// R of AᵀA = RᵀR, entry (i, j) with i ≤ j.
    #[must_use]
    pub fn root(&self, i: usize, j: usize) -> f64 {
        self.triangle[i * (self.unknowns + self.rights) + j]
    }

    /// R⁻¹, upper triangular, by rows.
    #[must_use]
    pub fn inverse_root(&self) -> &[f64] {
        &self.inverse
    }

    /// E x for one right-hand side.
    pub fn mean(&self, right: usize, mean: &mut [f64]) {
        let (n, width) = (self.unknowns, self.unknowns + self.rights);
        for i in 0..n {
            mean[i] = self.triangle[i * width + n + right];
        }
        solve_upper(&self.triangle, width, &mut mean[..n]);
    }

    /// min ‖targets − A x‖² for one right-hand side.
    #[must_use]
    pub fn residual(&self, right: usize) -> f64 {
        (0..=right).map(|i| self.residual_root(i, right)).map(|s| s * s).sum()
    }

    /// S, upper triangular in the right-hand sides: ‖S u‖² = min ‖B u − A x‖².
    #[must_use]
    pub fn residual_root(&self, i: usize, right: usize) -> f64 {
        self.triangle[(self.unknowns + i) * (self.unknowns + self.rights) + self.unknowns + right]
    }

    /// log ∫ exp(log_factor − ½ ‖targets − A x‖²) dx for one right-hand side.
    #[must_use]
    pub fn log_evidence(&self, right: usize) -> f64 {
        self.log_normaliser() - 0.5 * self.residual(right)
    }

    /// The log evidence of a right-hand side without residual.
    #[must_use]
    pub fn log_normaliser(&self) -> f64 {
        self.log_factor + self.unknowns as f64 * HALF_LOG_TAU - self.log_det
    }

    /// Cov x, by rows, symmetric to the last bit.
    pub fn covariance(&self, covariance: &mut [f64]) {
        let n = self.unknowns;
        outer_square_upper(&self.inverse, n, covariance);
    }

    /// Var(Σ aⱼ xⱼ), a sum of squares.
    #[must_use]
    pub fn variance(&self, coefficients: &[(usize, f64)]) -> f64 {
        let n = self.unknowns;
        let along =
            |i: usize| -> f64 { coefficients.iter().map(|&(j, a)| a * self.inverse[j * n + i]).sum() };
        (0..n).map(|i| along(i) * along(i)).sum()
    }

    /// A draw of x for one right-hand side.
    pub fn sample(&self, right: usize, rng: &mut impl Rng, x: &mut [f64]) {
        let (n, width) = (self.unknowns, self.unknowns + self.rights);
        for i in 0..n {
            let noise: f64 = StandardNormal.sample(rng);
            x[i] = self.triangle[i * width + n + right] + noise;
        }
        solve_upper(&self.triangle, width, &mut x[..n]);
    }
}

/// U Uᵀ of an upper triangular `n × n` matrix, by rows.
pub(super) fn outer_square_upper(u: &[f64], n: usize, square: &mut [f64]) {
    for i in 0..n {
        for j in 0..=i {
            let value: f64 = (i..n).map(|k| u[i * n + k] * u[j * n + k]).sum();
            square[i * n + j] = value;
            square[j * n + i] = value;
        }
    }
}
