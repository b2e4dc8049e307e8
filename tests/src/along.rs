//! Paths through the values a param may take, of a direction that noise decides: at distance 0 the value itself.

use crate::data::Noise;
use nalgebra::{DMatrix, DVector};

/// x + t d
pub fn real(x: f64, t: f64, g: &mut Noise) -> f64 {
    x + t * g.normal()
}

/// x exp(t d)
pub fn positive(x: f64, t: f64, g: &mut Noise) -> f64 {
    x * (t * g.normal()).exp()
}

/// The odds times exp(t d).
pub fn unit(x: f64, t: f64, g: &mut Noise) -> f64 {
    let odds = x / (1.0 - x) * (t * g.normal()).exp();
    odds / (1.0 + odds)
}

/// Every coordinate on its own.
pub fn vector(x: &DVector<f64>, t: f64, g: &mut Noise) -> DVector<f64> {
    x.map(|v| real(v, t, g))
}

/// Every entry on its own.
pub fn matrix(x: &DMatrix<f64>, t: f64, g: &mut Noise) -> DMatrix<f64> {
    x.map(|v| real(v, t, g))
}

/// Every weight times exp(t d), normalised: zeros stay.
pub fn simplex(x: &DVector<f64>, t: f64, g: &mut Noise) -> DVector<f64> {
    let raw = x.map(|v| positive(v, t, g));
    &raw / raw.sum()
}

/// (I + t N) S (I + t N)ᵀ
pub fn sym_pos(x: &DMatrix<f64>, t: f64, g: &mut Noise) -> DMatrix<f64> {
    let n = x.nrows();
    let a = DMatrix::from_fn(n, n, |i, j| f64::from(i == j) + 0.4 * t * g.normal());
    let moved = &a * x * a.transpose();
    (&moved + moved.transpose()) / 2.0
}

/// Every weight vector on its own.
#[must_use]
pub fn simplices(x: &[DVector<f64>], t: f64, g: &mut Noise) -> Vec<DVector<f64>> {
    x.iter().map(|row| simplex(row, t, g)).collect()
}

/// Every number on its own.
#[must_use]
pub fn reals(x: &[f64], t: f64, g: &mut Noise) -> Vec<f64> {
    x.iter().map(|v| real(*v, t, g)).collect()
}

/// Every positive number on its own.
#[must_use]
pub fn positives(x: &[f64], t: f64, g: &mut Noise) -> Vec<f64> {
    x.iter().map(|v| positive(*v, t, g)).collect()
}
