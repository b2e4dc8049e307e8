//! Stored data, and small data made up on the spot.

use nalgebra::{DMatrix, DVector};

/// The numbers of a file in `tests/data`; lines that do not start with a number are headers.
///
/// # Panics
/// If the file is not there or a row is not numeric.
#[must_use]
pub fn read(name: &str) -> DMatrix<f64> {
    let path = format!("{}/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let rows: Vec<Vec<f64>> = text
        .lines()
        .filter(|l| l.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        .map(|l| l.split(',').map(|v| v.trim().parse().expect("a number")).collect())
        .collect();
    DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
}

/// A stream of numbers in (0, 1) that needs no other crate: splitmix64.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// Another stream for every seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678))
    }

    /// Uniform on (0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        ((x >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard Normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (self.unit(), self.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Uniform on 0..n.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    /// Poisson, by counting arrivals.
    pub fn poisson(&mut self, rate: f64) -> u64 {
        let (mut n, mut t) = (0, -self.unit().ln());
        while t < rate {
            n += 1;
            t -= self.unit().ln();
        }
        n
    }

    /// Gamma with a whole shape: a sum of Exponentials.
    pub fn gamma(&mut self, shape: usize, rate: f64) -> f64 {
        (0..shape).map(|_| -self.unit().ln()).sum::<f64>() / rate
    }

    /// A probability vector, uniform on the simplex.
    pub fn simplex(&mut self, n: usize) -> Vec<f64> {
        let e: Vec<f64> = (0..n).map(|_| -self.unit().ln()).collect();
        let total: f64 = e.iter().sum();
        e.iter().map(|x| x / total).collect()
    }

    /// A probability vector away from the corners.
    pub fn weights(&mut self, n: usize) -> DVector<f64> {
        DVector::from_vec(self.simplex(n)).map(|v| (v + 0.1) / (1.0 + 0.1 * n as f64))
    }

    /// Several of them, one for each state.
    pub fn rows(&mut self, rows: usize, n: usize) -> Vec<DVector<f64>> {
        (0..rows).map(|_| self.weights(n)).collect()
    }

    /// Standard Normals.
    pub fn normals(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.normal()).collect()
    }

    /// A positive definite matrix.
    pub fn sym_pos(&mut self, n: usize) -> DMatrix<f64> {
        let a = DMatrix::from_fn(n, n, |_, _| self.normal());
        &a * a.transpose() + DMatrix::identity(n, n) * 0.7
    }
}
