//! q of a chain of Gaussians, held while other blocks have their turn.

use super::fold::write_pair;
use crate::engine::gauss::scan::Scan;
use crate::engine::unit::UnitNormals;

/// q of a chain: moments of each unit, and the conditional law of the one before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub width: usize,
    mean: Vec<f64>,
    cov: Vec<f64>,
    /// x\[t−1\] = R⁻¹ ε + K x\[t\] + constant, by rows; nothing at the first unit of a sequence.
    inverse: Vec<f64>,
    slope: Vec<f64>,
    /// log of what its rows integrate to.
    pub log: f64,
    pub magnitude: f64,
}

impl Held {
    /// Takes in a sequence that was smoothed alone.
    pub fn take(&mut self, scan: &Scan, units: usize, width: usize) {
        self.width = width;
        let square = width * width;
        for t in 0..units {
            self.mean.extend_from_slice(scan.mean(0, t));
            self.cov.extend_from_slice(scan.covariance(0, t));
            if t == 0 {
                self.inverse.resize(self.inverse.len() + square, 0.0);
                self.slope.resize(self.slope.len() + square, 0.0);
            } else {
                let (inverse, slope) = scan.gains(0, t);
                self.inverse.extend_from_slice(inverse);
                self.slope.extend_from_slice(slope);
            }
        }
        let log = scan.log_evidence(0);
        self.log += log;
        self.magnitude += log.abs();
    }

    pub fn append(&mut self, other: &Held) {
        self.width = self.width.max(other.width);
        self.mean.extend_from_slice(&other.mean);
        self.cov.extend_from_slice(&other.cov);
        self.inverse.extend_from_slice(&other.inverse);
        self.slope.extend_from_slice(&other.slope);
        self.log += other.log;
        self.magnitude += other.magnitude;
    }

    fn mean(&self, unit: usize) -> &[f64] {
        &self.mean[unit * self.width..][..self.width]
    }

    fn square<'s>(&self, of: &'s [f64], unit: usize) -> &'s [f64] {
        let size = self.width * self.width;
        &of[unit * size..][..size]
    }

    /// Cov x\[t\].
    fn cov(&self, unit: usize) -> &[f64] {
        self.square(&self.cov, unit)
    }

    /// E of the log density of rows of a unit, or of the step to it.
    pub fn expected(&self, (rows, log): (&[f64], f64), unit: usize, step: bool, w: &mut Vec<f64>) -> f64 {
        let h = self.width;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let mut total = 0.0;
        for row in rows.chunks_exact(if step { 2 * h + 1 } else { h + 1 }) {
            let (target, coefficients) = row.split_last().unwrap_or((&0.0, &[]));
            let (before, own) = coefficients.split_at(if step { h } else { 0 });
            let mut off = dot(own, self.mean(unit)) - target;
            w.clear();
            w.extend_from_slice(own);
            if step {
                off += dot(before, self.mean(unit - 1));
                let (inverse, slope) = (self.square(&self.inverse, unit), self.square(&self.slope, unit));
                for j in 0..h {
                    let column = |of: &[f64]| (0..h).map(|i| of[i * h + j] * before[i]).sum::<f64>();
                    let free = column(inverse);
                    total += free * free;
                    w[j] += column(slope);
                }
            }
            let cov = self.cov(unit);
            total += off * off + (0..h).map(|i| w[i] * dot(&cov[i * h..][..h], w)).sum::<f64>();
        }
        log - 0.5 * total
    }

    /// Writes E x\[t\] and Cov x\[t\].
    pub fn unit_moments(&self, to: &mut UnitNormals, slot: usize, unit: usize) {
        let (mean, cov) = to.moments_mut(slot);
        mean.copy_from_slice(self.mean(unit));
        cov.copy_from_slice(self.cov(unit));
    }

    /// Writes the same of (x\[t−1\], x\[t\]).
    pub fn step_moments(&self, to: &mut UnitNormals, unit: usize) {
        let h = self.width;
        let (own, slope) = (self.cov(unit), self.square(&self.slope, unit));
        let cross = |i: usize, j: usize| (0..h).map(|l| slope[i * h + l] * own[l * h + j]).sum();
        write_pair(to, [self.mean(unit - 1), self.mean(unit)], self.cov(unit - 1), own, cross);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::gauss::scan::{Patterns, Row, Sequence};

    #[test]
    fn the_square_of_a_step_keeps_its_digits_where_the_states_do_not_tell_it() {
        // x0 ~ Normal(0, var: 1), x1 ~ Normal(x0, var: q), y ~ Normal(x1, var: r).
        let (r, y) = (1e-6_f64, 0.7_f64);
        for q in [1e-3_f64, 1e-8, 1e-14, 1e-20] {
            let mut patterns = Patterns::new(1, 1);
            let first = patterns.begin();
            patterns.density(1.0, Row { current: &[1.0], ..Row::default() });
            let second = patterns.begin();
            patterns.density((1.0 / q).sqrt(), Row { previous: &[-1.0], current: &[1.0], ..Row::default() });
            patterns.density((1.0 / r).sqrt(), Row { current: &[1.0], inputs: &[1.0], ..Row::default() });
            let mut scan = Scan::new();
            scan.smooth(&patterns, &[Sequence::new(&[first, second], &[0.0, y])]).expect("a proper chain");
            let mut held = Held::default();
            held.take(&scan, 2, 1);
            // The precision matrix has the determinant d; E and Var of the step, and −½ E of its square over q.
            let d = 1.0 / q + 1.0 / r + 1.0 / (q * r);
            let square = (1.0 + 1.0 / r) / d + (y / r / d).powi(2);
            let root = (1.0 / q).sqrt();
            let found = held.expected((&[-root, root, 0.0], 0.0), 1, true, &mut vec![]);
            // The means lose what the states have before the step.
            let lost = 4.0 * f64::EPSILON * root * (2.0 * y) * (square.sqrt() * root);
            assert!(
                (found + 0.5 * square / q).abs() < 1e-13 + lost,
                "{q:e}: {found:e} and {:e}",
                -0.5 * square / q
            );
        }
    }
}
