//! Coordinates without bounds: a block of params, or of variational laws, as one flat vector and back.
//!
//! | type | coordinates | back |
//! |---|---|---|
//! | Real | x | x |
//! | Positive | log x | exp u |
//! | Unit | log(x/(1−x)) | 1/(1+e⁻ᵘ) |
//! | Simplex | `log(x[k]/x[K])`, K the last entry that is not 0 | softmax |
//! | SymPos | the Cholesky factor by rows, its diagonal in logarithms | L Lᵀ |
//!
//! Entries of a simplex that are exactly 0 are left out and stay 0, so that a vector read back has the zeros of the one it is read
//! like. A value on a bound has an infinite coordinate and comes back exactly. Sources: Aitchison (1986), *The Statistical Analysis of
//! Compositional Data*; Pinheiro & Bates (1996), *Unconstrained parametrizations for variance-covariance matrices*.
//!
//! ```
//! use vi_core::chart::{Reader, Writer};
//!
//! let weight = [0.5, 0.0, 0.3, 0.2];
//! let mut flat = Writer::new();
//! flat.simplex(&weight);
//! flat.positive(2.0);
//! let flat = flat.into_flat();
//! assert_eq!(flat.len(), 3);
//!
//! let mut reader = Reader::new(&flat);
//! let back = reader.simplex(&weight)?;
//! assert!(back[1] == 0.0 && (back[0] - 0.5).abs() < 1e-15);
//! assert!((reader.positive()? - 2.0).abs() < 1e-15);
//! reader.finish()?;
//! # Ok::<(), vi_core::Error>(())
//! ```

mod laws;

use crate::Error;
use crate::engine::covariance::Covariance;
use crate::linalg::Cholesky;
use crate::special::{log_sum_exp, sigmoid};
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

/// What can be written to and read from a flat vector: laws, and arrays of them.
pub trait Charted: Sized {
    /// Appends the coordinates.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a matrix is not positive definite.
    fn write(&self, to: &mut Writer) -> Result<(), Error>;

    /// A value of the same shape, from its coordinates.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the coordinates are too few or too large, or are those of no value.
    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error>;
}

impl<T: Charted> Charted for Vec<T> {
    fn write(&self, to: &mut Writer) -> Result<(), Error> {
        self.iter().try_for_each(|x| x.write(to))
    }

    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
        self.iter().map(|x| x.read_like(from)).collect()
    }
}

/// Collects coordinates.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    flat: Vec<f64>,
}

impl Writer {
    /// Of no coordinates yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All coordinates so far.
    #[must_use]
    pub fn into_flat(self) -> Vec<f64> {
        self.flat
    }

    /// x
    pub fn real(&mut self, x: f64) {
        self.flat.push(x);
    }

    /// log x; −∞ at 0
    pub fn positive(&mut self, x: f64) {
        self.flat.push(x.ln());
    }

    /// log(x/(1−x)); ∓∞ at 0 and at 1
    pub fn unit(&mut self, x: f64) {
        self.flat.push(x.ln() - (-x).ln_1p());
    }

    /// Every entry.
    pub fn vector(&mut self, x: &DVector<f64>) {
        self.flat.extend(x.iter());
    }

    /// Every entry, column by column.
    pub fn matrix(&mut self, x: &DMatrix<f64>) {
        self.flat.extend(x.iter());
    }

    /// Log-ratios to the last entry that is not 0.
    pub fn simplex(&mut self, x: &[f64]) {
        let Some(last) = last_positive(x) else { return };
        let log_last = x[last].ln();
        self.flat.extend(x[..last].iter().filter(|x| **x > 0.0).map(|x| x.ln() - log_last));
    }

    /// The Cholesky factor of a symmetric positive definite matrix, by rows, its diagonal in logarithms.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if it is not positive definite.
    pub fn sym_pos(&mut self, x: &DMatrix<f64>) -> Result<(), Error> {
        let factor = Cholesky::new(x)
            .map_err(|_| Error::NotFinite { what: "the logarithm of a singular matrix".to_owned() })?;
        let lower = factor.lower();
        for i in 0..lower.nrows() {
            self.flat.extend((0..i).map(|j| lower[(i, j)]));
            self.positive(lower[(i, i)]);
        }
        Ok(())
    }

    /// The covariance of a block of locations: as [`sym_pos`](Self::sym_pos), or the root of its fronts, its diagonal in logarithms.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if it is not positive definite.
    pub fn covariance(&mut self, x: &Covariance) -> Result<(), Error> {
        match x {
            Covariance::None(s) => self.sym_pos(&DMatrix::zeros(s.unknowns.min(1), s.unknowns.min(1))),
            Covariance::Matrix(m) | Covariance::Centred { matrix: m, .. } => self.sym_pos(m),
            Covariance::Fronts { law, .. } => {
                for (diagonal, x) in law.coordinates() {
                    if diagonal {
                        self.positive(x);
                    } else {
                        self.real(x);
                    }
                }
                Ok(())
            }
        }
    }

    /// A law, or an array of laws.
    ///
    /// # Errors
    /// As for [`Charted::write`].
    pub fn put(&mut self, x: &impl Charted) -> Result<(), Error> {
        x.write(self)
    }
}

fn last_positive(x: &[f64]) -> Option<usize> {
    x.iter().rposition(|x| *x > 0.0)
}

/// Reads coordinates in the order they were written.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    flat: &'a [f64],
}

fn outside() -> Error {
    Error::NotFinite { what: "a value at these coordinates".to_owned() }
}

impl<'a> Reader<'a> {
    /// At the first coordinate.
    #[must_use]
    pub fn new(flat: &'a [f64]) -> Self {
        Reader { flat }
    }

    fn next(&mut self) -> Result<f64, Error> {
        match self.flat.split_first() {
            Some((first, rest)) if !first.is_nan() => {
                self.flat = rest;
                Ok(*first)
            }
            _ => Err(outside()),
        }
    }

    /// A real number.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if it is not finite, or not there.
    pub fn real(&mut self) -> Result<f64, Error> {
        self.next().and_then(finite)
    }

    /// A positive number; 0 for −∞.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if it overflows, or is not there.
    pub fn positive(&mut self) -> Result<f64, Error> {
        self.next().map(f64::exp).and_then(finite)
    }

    /// A number from 0 to 1.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if it is not there.
    pub fn unit(&mut self) -> Result<f64, Error> {
        self.next().map(sigmoid)
    }

    /// As many real numbers.
    ///
    /// # Errors
    /// As for [`real`](Self::real).
    pub fn vector(&mut self, len: usize) -> Result<DVector<f64>, Error> {
        self.matrix(len, 1).map(|m| m.column(0).into_owned())
    }

    /// A matrix of real numbers.
    ///
    /// # Errors
    /// As for [`real`](Self::real).
    pub fn matrix(&mut self, rows: usize, columns: usize) -> Result<DMatrix<f64>, Error> {
        let entries = (0..rows * columns).map(|_| self.real()).collect::<Result<Vec<_>, _>>()?;
        Ok(DMatrix::from_vec(rows, columns, entries))
    }

    /// A probability vector, with the zeros of `like`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a coordinate is ∞ or not there.
    pub fn simplex(&mut self, like: &[f64]) -> Result<DVector<f64>, Error> {
        let mut logs = DVector::from_element(like.len(), f64::NEG_INFINITY);
        let Some(last) = last_positive(like) else { return Ok(DVector::zeros(like.len())) };
        for k in (0..last).filter(|k| like[*k] > 0.0) {
            logs[k] = self.next()?;
        }
        logs[last] = 0.0;
        let norm = finite(log_sum_exp(logs.as_slice()))?;
        Ok(logs.map(|v| (v - norm).exp()))
    }

    /// A symmetric positive definite matrix of d rows.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if an entry overflows or is not there, or if the matrix is singular to rounding.
    pub fn sym_pos(&mut self, d: usize) -> Result<DMatrix<f64>, Error> {
        let lower = self.lower(d)?;
        let mut x = &lower * lower.transpose();
        x.fill_lower_triangle_with_upper_triangle();
        if x.iter().all(|v| v.is_finite()) && Cholesky::new(&x).is_ok() { Ok(x) } else { Err(outside()) }
    }

    /// The covariance of a block of locations that is kept as `like` is.
    ///
    /// # Errors
    /// As for [`sym_pos`](Self::sym_pos).
    pub fn covariance(&mut self, like: &Covariance) -> Result<Covariance, Error> {
        match like {
            Covariance::None(_) => Ok(like.clone()),
            Covariance::Matrix(m) => self.sym_pos(m.nrows()).map(Covariance::Matrix),
            Covariance::Centred { matrix, intercept } => {
                let matrix = self.sym_pos(matrix.nrows())?;
                Ok(Covariance::Centred { matrix, intercept: intercept.clone() })
            }
            Covariance::Fronts { law, budget } => {
                let law =
                    law.at_coordinates(|diagonal| if diagonal { self.positive() } else { self.real() })?;
                let law = Arc::new(law.map_err(|_| outside())?);
                Ok(Covariance::Fronts { law, budget: *budget })
            }
        }
    }

    fn lower(&mut self, d: usize) -> Result<DMatrix<f64>, Error> {
        let mut lower = DMatrix::zeros(d, d);
        for i in 0..d {
            for j in 0..i {
                lower[(i, j)] = self.real()?;
            }
            lower[(i, i)] = self.positive()?;
        }
        Ok(lower)
    }

    /// A law, or an array of laws, of the shape of `like`.
    ///
    /// # Errors
    /// As for [`Charted::read_like`].
    pub fn take<T: Charted>(&mut self, like: &T) -> Result<T, Error> {
        like.read_like(self)
    }

    /// Whether every coordinate was read.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if some are left: they were written by another shape.
    pub fn finish(self) -> Result<(), Error> {
        if self.flat.is_empty() { Ok(()) } else { Err(outside()) }
    }
}

fn finite(x: f64) -> Result<f64, Error> {
    if x.is_finite() { Ok(x) } else { Err(outside()) }
}

#[cfg(test)]
mod tests;
