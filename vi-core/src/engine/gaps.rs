//! Coordinates of a vector that have no value, under a dense precision Λ = WᵀW: given those that have one, they are Gaussian.
//!
//! With r = x − mean, o for the coordinates that are there and m for those that are not,
//!
//! ```text
//! W r = Wₒ rₒ + Wₘ rₘ        Wₘ = Q₁ R
//! E rₘ = G rₒ,  G = −R⁻¹ Q₁ᵀ Wₒ        Cov rₘ = (RᵀR)⁻¹        log p(xₒ) = log p(xₒ, E xₘ) + ½ |m| log 2π − log |det R|
//! ```
//!
//! A row of which nothing is there has G without columns: its coordinates keep the law they have without data, and its evidence is 0.

use super::dense::Density;
use super::unit::{UnitNormals, back_substitute, covariance, triangulate};
use crate::stats::Moments;
use std::collections::HashMap;

/// Numbers that the solutions of patterns may hold together, before all are dropped.
const MOST: usize = 1 << 18;

/// Mean and variance of the values that each coordinate of an array has: where its missing ones begin.
#[derive(Clone, Debug, Default)]
pub struct There {
    /// Count, mean, Σ of squares about it.
    columns: Vec<(f64, f64, f64)>,
}

impl There {
    /// Takes in a coordinate, if it has a value.
    pub fn add(&mut self, d: usize, x: Option<f64>) {
        if self.columns.len() <= d {
            self.columns.resize(d + 1, (0.0, 0.0, 0.0));
        }
        let (count, mean, square) = &mut self.columns[d];
        if let Some(x) = x {
            *count += 1.0;
            let gap = x - *mean;
            *mean += gap / *count;
            *square += gap * (x - *mean);
        }
    }

    fn mean(&self, d: usize) -> f64 {
        self.columns.get(d).map_or(0.0, |c| c.1)
    }

    /// 1 where fewer than two values say nothing of it.
    fn var(&self, d: usize) -> f64 {
        match self.columns.get(d) {
            Some((count, _, square)) if *count > 1.0 => square / count,
            Some(_) | None => 1.0,
        }
    }
}

/// What the missing coordinates are given the others, for one pattern under one precision.
#[derive(Clone, Debug, Default)]
struct Solved {
    missing: Vec<usize>,
    /// G, by rows; 0 where a coordinate is missing.
    gain: Vec<f64>,
    cov: Vec<f64>,
    /// ½ |m| log 2π − log |det R|
    log: f64,
}

impl Solved {
    fn new(density: &Density, present: &[bool]) -> Solved {
        let w = density.whitener();
        let dim = present.len();
        let missing: Vec<usize> = (0..dim).filter(|d| !present[*d]).collect();
        let (m, stride) = (missing.len(), missing.len() + dim);
        let mut work = vec![0.0; dim * stride];
        for i in 0..dim {
            for (j, d) in missing.iter().enumerate() {
                work[i * stride + j] = w[(i, *d)];
            }
            for d in (0..dim).filter(|d| present[*d]) {
                work[i * stride + m + d] = w[(i, d)];
            }
        }
        triangulate(&mut work, m, stride, &mut vec![]);
        let mut root = vec![0.0; m * m];
        for i in 0..m {
            root[i * m + i..][..m - i].copy_from_slice(&work[i * stride + i..][..m - i]);
        }
        let mut gain = vec![0.0; m * dim];
        let mut column = vec![0.0; m];
        for d in (0..dim).filter(|d| present[*d]) {
            column.iter_mut().enumerate().for_each(|(i, x)| *x = -work[i * stride + m + d]);
            back_substitute(&root, &mut column);
            column.iter().enumerate().for_each(|(i, x)| gain[i * dim + d] = *x);
        }
        let mut cov = vec![0.0; m * m];
        covariance(&root, m, &mut cov);
        let log_det: f64 = (0..m).map(|i| root[i * m + i].abs().ln()).sum();
        let log = 0.5 * m as f64 * std::f64::consts::TAU.ln() - log_det;
        Solved { missing, gain, cov, log }
    }

    fn size(&self) -> usize {
        self.gain.len() + self.cov.len() + self.missing.len()
    }
}

/// The coordinates of the row at hand, and the solutions of the patterns met so far.
///
/// A pattern is solved once under each precision, which is known by its bits: params that change find nothing old.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    /// Whether no params are known yet: what is missing is then taken from [`There`].
    pub(crate) beginning: bool,
    present: Vec<bool>,
    /// E x of each coordinate, as the row's statement has it.
    mean: Vec<f64>,
    /// Coordinate, latent, coefficient: how E x − x moves with Gaussian latents of the unit, where x is the column of the row.
    slopes: Vec<(usize, usize, f64)>,
    known: HashMap<u64, HashMap<Vec<bool>, usize>>,
    solved: Vec<Solved>,
    size: usize,
    /// The solution of the row at hand, if some of it is missing.
    at: Option<usize>,
    begun: Solved,
    entries: Vec<(usize, usize, f64)>,
    slope: Vec<f64>,
}

impl Gaps {
    /// A new row.
    pub fn row(&mut self) {
        self.present.clear();
        self.mean.clear();
        self.slopes.clear();
        self.at = None;
    }

    /// The next coordinate; 0 stands for a value that is not there.
    #[inline]
    pub fn see(&mut self, x: Option<f64>) -> f64 {
        self.present.push(x.is_some());
        x.unwrap_or(0.0)
    }

    /// E x of the coordinate that was seen last.
    #[inline]
    pub fn expect(&mut self, mean: f64) {
        self.mean.push(mean);
    }

    /// ∂ (E x − x) / ∂ latent of the coordinate that was seen last, in parts. Latents whose coefficients are known are part of the column x.
    #[inline]
    pub fn slope(&mut self, latent: usize, by: f64) {
        self.slopes.push((self.present.len() - 1, latent, by));
    }

    fn is_whole(&self) -> bool {
        self.present.iter().all(|p| *p)
    }

    /// The solution of the row's pattern.
    fn solve(&mut self, density: &Density) -> &Solved {
        let stamp = density.stamp();
        let known = self.known.get(&stamp).and_then(|k| k.get(self.present.as_slice())).copied();
        let at = known.unwrap_or_else(|| {
            if self.size > MOST {
                self.known.clear();
                self.solved.clear();
                self.size = 0;
            }
            let solved = Solved::new(density, &self.present);
            self.size += solved.size();
            self.solved.push(solved);
            let at = self.solved.len() - 1;
            self.known.entry(stamp).or_default().insert(self.present.clone(), at);
            at
        });
        self.at = Some(at);
        &self.solved[at]
    }

    /// log p of the coordinates that are there, without −½ D log 2π: those that are not take their places in `x`.
    pub(crate) fn log_density(&mut self, density: &Density, x: &mut [f64]) -> f64 {
        if self.is_whole() {
            return density.one(x);
        }
        let solved = self.solve(density);
        fill(solved, density.mean(), x);
        let log = solved.log;
        density.one(x) + log
    }

    /// Replaces what is not there by its expectation, given what is there and [`expect`](Self::expect).
    pub(crate) fn complete(&mut self, density: &Density, there: &There, x: &mut [f64]) {
        if self.is_whole() {
            return;
        }
        if self.beginning {
            let missing: Vec<usize> = (0..x.len()).filter(|d| !self.present[*d]).collect();
            let m = missing.len();
            let mut cov = vec![0.0; m * m];
            for (a, d) in missing.iter().enumerate() {
                x[*d] = there.mean(*d);
                cov[a * m + a] = there.var(*d);
            }
            self.begun = Solved { missing, gain: vec![0.0; m * x.len()], cov, log: 0.0 };
            return;
        }
        self.solve(density);
        if let Some(at) = self.at {
            fill(&self.solved[at], &self.mean, x);
        }
    }

    /// The rows of a system whose coordinates these are, each `stride` numbers that are linear in the residual: those of a coordinate that is
    /// not there become what they are expected to be. Returns what is to be added to the log density.
    pub(crate) fn project(&mut self, density: &Density, rows: &mut [f64], stride: usize) -> f64 {
        if self.is_whole() {
            return 0.0;
        }
        let dim = self.present.len();
        let solved = self.solve(density);
        for (a, d) in solved.missing.iter().enumerate() {
            let gain = &solved.gain[a * dim..][..dim];
            for column in 0..stride {
                rows[d * stride + column] =
                    gain.iter().enumerate().map(|(o, g)| g * rows[o * stride + column]).sum();
            }
        }
        solved.log
    }

    fn current(&self) -> Option<&Solved> {
        if self.is_whole() {
            return None;
        }
        if self.beginning { Some(&self.begun) } else { self.at.map(|at| &self.solved[at]) }
    }

    /// How the completed coordinates move with the Gaussian latents of the unit, `width` in number: beside what a design vector has of them.
    pub fn follow(&mut self, width: usize, spread: &mut Vec<(usize, usize, f64)>) {
        let mut slope = std::mem::take(&mut self.slope);
        if let Some(solved) = self.current().filter(|_| !self.beginning) {
            let dim = self.present.len();
            for (a, d) in solved.missing.iter().enumerate() {
                slope.clear();
                slope.resize(width, 0.0);
                for (e, latent, by) in &self.slopes {
                    if e == d {
                        slope[*latent] += by;
                    } else {
                        slope[*latent] -= solved.gain[a * dim + e] * by;
                    }
                }
                spread.extend(slope.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(h, x)| (*d, h, *x)));
            }
        }
        self.slope = slope;
    }

    /// Adds w · Cov of the coordinates that are not there, which are the first of the design vector.
    pub fn add_spread(&mut self, stats: &mut Moments, cell: usize, w: f64) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        if let Some(solved) = self.current() {
            entries.extend(solved.missing.iter().enumerate().map(|(a, d)| (*d, a, 1.0)));
            stats.add_spread(cell, w, &entries, &solved.cov, solved.missing.len());
        }
        self.entries = entries;
    }
}

/// xₘ ← meanₘ + G (xₒ − meanₒ)
fn fill(solved: &Solved, mean: &[f64], x: &mut [f64]) {
    let dim = x.len();
    for (a, d) in solved.missing.iter().enumerate() {
        let gain = &solved.gain[a * dim..][..dim];
        let moved: f64 = gain.iter().zip(x.iter().zip(mean)).map(|(g, (x, m))| g * (x - m)).sum();
        x[*d] = mean[*d] + moved;
    }
}

impl UnitNormals {
    /// A vector of which some coordinates may be missing: its rows follow.
    pub fn begin_vector(&mut self) {
        self.gaps.row();
    }

    /// The next coordinate of the vector; 0 stands for a value that is not there.
    #[inline]
    pub fn see(&mut self, x: Option<f64>) -> f64 {
        self.gaps.see(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::dense::Scale;
    use crate::engine::mode;
    use nalgebra::{DMatrix, DVector};

    const DIM: usize = 4;

    fn covariance_matrix() -> DMatrix<f64> {
        let a = DMatrix::from_fn(DIM, DIM, |i, j| ((i * 7 + j * 3 + i * j) % 5) as f64 - 1.7);
        &a * a.transpose() + DMatrix::identity(DIM, DIM) * 0.5
    }

    /// Mean and covariance of the missing coordinates, and log p of the others, from blocks of the covariance.
    fn by_blocks(mean: &[f64], cov: &DMatrix<f64>, x: &[Option<f64>]) -> (DVector<f64>, DMatrix<f64>, f64) {
        let o: Vec<usize> = (0..DIM).filter(|d| x[*d].is_some()).collect();
        let m: Vec<usize> = (0..DIM).filter(|d| x[*d].is_none()).collect();
        let block = |a: &[usize], b: &[usize]| DMatrix::from_fn(a.len(), b.len(), |i, j| cov[(a[i], b[j])]);
        let r = DVector::from_fn(o.len(), |i, _| x[o[i]].unwrap() - mean[o[i]]);
        let inverse = block(&o, &o).try_inverse().unwrap();
        let gain = block(&m, &o) * &inverse;
        let at = DVector::from_fn(m.len(), |i, _| mean[m[i]]) + &gain * &r;
        let left = block(&m, &m) - &gain * block(&o, &m);
        let log = -0.5 * (r.transpose() * &inverse * &r)[0]
            - 0.5 * block(&o, &o).determinant().ln()
            - 0.5 * o.len() as f64 * std::f64::consts::TAU.ln();
        (at, left, log)
    }

    fn patterns() -> impl Iterator<Item = Vec<Option<f64>>> {
        (0..1 << DIM).map(|bits: usize| {
            (0..DIM).map(|d| (bits >> d & 1 == 1).then_some(1e3 + d as f64 * 0.7 - 1.0)).collect()
        })
    }

    fn density(mean: &[f64]) -> Density {
        Density::new(mean, &covariance_matrix(), Scale::Covariance, 1.0, mode::at("S", &[])).unwrap()
    }

    #[test]
    fn what_is_missing_is_the_conditional_of_one_dense_normal() {
        let (cov, mean) = (covariance_matrix(), [1e3, 1e3 - 2.0, 1e3 + 0.5, 1e3]);
        let density = density(&mean);
        let mut gaps = Gaps::default();
        let base = -0.5 * DIM as f64 * std::f64::consts::TAU.ln();
        // Twice: the second time every pattern is known.
        for x in patterns().chain(patterns()) {
            let (at, left, log) = by_blocks(&mean, &cov, &x);
            gaps.row();
            let mut row: Vec<f64> = x.iter().map(|x| gaps.see(*x)).collect();
            let got = gaps.log_density(&density, &mut row) + base;
            assert!((got - log).abs() < 1e-11, "{x:?}: {got} and {log}");
            gaps.row();
            let mut row: Vec<f64> = x.iter().map(|x| gaps.see(*x)).collect();
            mean.iter().for_each(|m| gaps.expect(*m));
            gaps.complete(&density, &There::default(), &mut row);
            let mut stats = Moments::new(1, DIM, 1);
            gaps.add_spread(&mut stats, 0, 2.0);
            let missing: Vec<usize> = (0..DIM).filter(|d| x[*d].is_none()).collect();
            for (i, d) in missing.iter().enumerate() {
                assert!((row[*d] - at[i]).abs() < 1e-10, "{x:?}");
                for (j, e) in missing.iter().enumerate() {
                    let got = stats.cell(0).square(*d, *e);
                    assert!((got - 2.0 * left[(i, j)]).abs() < 1e-11, "{x:?} ({d}, {e})");
                }
            }
        }
    }

    #[test]
    fn a_vector_of_which_nothing_is_there_is_its_prior_and_says_nothing() {
        let mean = [0.5, -1.0, 2.0, 3.0];
        let density = density(&mean);
        let mut gaps = Gaps::default();
        gaps.row();
        let mut row: Vec<f64> = (0..DIM).map(|_| gaps.see(None)).collect();
        let log = gaps.log_density(&density, &mut row) - 0.5 * DIM as f64 * std::f64::consts::TAU.ln();
        assert!(log.abs() < 1e-13, "{log}");
        assert_eq!(row, mean);
    }

    #[test]
    fn a_precision_that_changes_finds_no_old_solution() {
        let mean = [0.0; DIM];
        let (cov, mut gaps) = (covariance_matrix(), Gaps::default());
        for scale in [1.0, 2.0, 1.0] {
            let density =
                Density::new(&mean, &(&cov * scale), Scale::Covariance, 1.0, mode::at("S", &[])).unwrap();
            let x = [Some(0.3), None, Some(-1.0), None];
            gaps.row();
            let mut row: Vec<f64> = x.iter().map(|x| gaps.see(*x)).collect();
            let got = gaps.log_density(&density, &mut row) - 0.5 * DIM as f64 * std::f64::consts::TAU.ln();
            let (_, _, log) = by_blocks(&mean, &(&cov * scale), &x);
            assert!((got - log).abs() < 1e-12, "{scale}");
        }
    }
}
