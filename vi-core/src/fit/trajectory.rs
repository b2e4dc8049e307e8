//! The joint law of Gaussian latents along one sequence, kept so that draws and neighbours can be asked for.

use crate::Error;
use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// q of the Gaussian latents of one sequence: x\[t\] holds all latents of step t, in the order of their parts.
///
/// ```text
/// x[T−1] = m[T−1] + G[T−1] ε        x[t] = m[t] + K[t] (x[t+1] − m[t+1]) + G[t] ε        ε ~ Normal(0, I)
/// ```
///
/// What repeats from step to step is kept once. What a filter says has means and covariances of single steps only.
///
/// ```
/// use vi_core::prelude::*;
///
/// model! {
///     mod level {
///         param    q: Positive;   param r: Positive;
///         latent   x[0]         ~ Flat();
///         latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
///         observed y[t in T]    ~ Normal(x[t], var: r);
///     }
/// }
/// let y = [3.0, 5.0];
/// let fit = level::Model::new().infer(&level::Data { y: (&y).into() }, &level::Params { q: 2.0, r: 1.0 })?;
/// // Var x[0] = Var x[1] = 3/4 and Cov(x[0], x[1]) = 1/4.
/// let (mean, cov) = fit.posterior.joint_x.pair(1).unwrap();
/// assert!((mean[0] - 3.5).abs() < 1e-14 && (mean[1] - 4.5).abs() < 1e-14);
/// assert!((cov[(0, 0)] - 0.75).abs() < 1e-14 && (cov[(0, 1)] - 0.25).abs() < 1e-14);
/// # Ok::<(), vi_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Trajectory {
    width: usize,
    /// Steps that are kept as one, where a step reads as many before it; 0 stands for 1.
    fold: usize,
    /// Number of steps.
    steps: usize,
    /// Numbers of each array of latents.
    parts: Vec<usize>,
    /// m, step by step.
    means: Vec<f64>,
    covs: Blocks,
    /// G and K of each step, one behind the other; none where only single steps are known.
    gains: Blocks,
}

/// Blocks of numbers of one size, of which those that equal the one before are stored once.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Blocks {
    values: Vec<f64>,
    which: Vec<u32>,
}

impl Blocks {
    fn push(&mut self, block: &[f64]) {
        let size = block.len();
        let last = self.values.len().checked_sub(size).map(|at| &self.values[at..]);
        let alike = |last: &[f64]| last.iter().zip(block).all(|(a, b)| a.to_bits() == b.to_bits());
        if self.which.is_empty() || !last.is_some_and(alike) {
            self.values.extend_from_slice(block);
        }
        self.which.push((self.values.len() / size.max(1)).saturating_sub(1) as u32);
    }

    fn get(&self, t: usize, size: usize) -> &[f64] {
        &self.values[self.which[t] as usize * size..][..size]
    }
}

impl Trajectory {
    /// So many steps to come, of so many numbers each.
    pub(super) fn new(width: usize, steps: usize) -> Self {
        Trajectory::folded(width, 1, steps)
    }

    /// The same, where `fold` steps come at once.
    pub(super) fn folded(width: usize, fold: usize, steps: usize) -> Self {
        Trajectory { width, fold, steps, parts: vec![width], ..Trajectory::default() }
    }

    /// Numbers of the steps that are kept as one.
    fn side(&self) -> usize {
        self.width * self.fold.max(1)
    }

    /// Where a step is kept.
    fn place(&self, t: usize) -> (usize, usize) {
        (t / self.fold.max(1), t % self.fold.max(1) * self.width)
    }

    /// A block of the covariance of two steps, by rows.
    fn between(&self, all: &[f64], i: usize, j: usize) -> DMatrix<f64> {
        let side = self.side();
        DMatrix::from_fn(self.width, self.width, |a, b| all[(i + a) * side + j + b])
    }

    /// A step of which mean and covariance are known; or as many as come at once.
    pub(super) fn push(&mut self, mean: &[f64], cov: &[f64]) {
        self.means.extend_from_slice(mean);
        self.covs.push(cov);
    }

    /// The law of the step that was pushed last, given the one after it.
    pub(super) fn join(&mut self, root: &[f64], slope: Option<&[f64]>) {
        let mut block = root.to_vec();
        block.extend_from_slice(slope.unwrap_or(&[]));
        block.resize(2 * self.side() * self.side(), 0.0);
        self.gains.push(&block);
    }

    /// Says how many numbers each array of latents has.
    #[doc(hidden)]
    #[must_use]
    pub fn of_parts(mut self, parts: &[usize]) -> Self {
        self.parts = parts.to_vec();
        self
    }

    /// Number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether there are none; so it is when locals were not kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Latent numbers of each step.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// E x\[t\]
    ///
    /// # Panics
    /// If there is no step `t`.
    #[must_use]
    pub fn mean(&self, t: usize) -> DVector<f64> {
        DVector::from_column_slice(&self.means[t * self.width..][..self.width])
    }

    /// Cov x\[t\], of all latents of the step together.
    ///
    /// # Panics
    /// If there is no step `t`.
    #[must_use]
    pub fn cov(&self, t: usize) -> DMatrix<f64> {
        assert!(t < self.len(), "no step {t}");
        let (block, at) = self.place(t);
        self.between(self.covs.get(block, self.side() * self.side()), at, at)
    }

    /// Mean and covariance of (x\[t−1\], x\[t\]). `None` for a first step, and where only single steps are known.
    ///
    /// # Panics
    /// If there is no step `t`.
    #[must_use]
    pub fn pair(&self, t: usize) -> Option<(DVector<f64>, DMatrix<f64>)> {
        assert!(t < self.len(), "no step {t}");
        let before = t.checked_sub(1)?;
        if self.gains.which.is_empty() {
            return None;
        }
        let (h, own) = (self.width, self.cov(t));
        let ((first, i), (second, j)) = (self.place(before), self.place(t));
        let (n, all) = (self.side(), self.covs.get(second, self.side() * self.side()));
        let cross = if first == second {
            self.between(all, i, j)
        } else {
            let slope = DMatrix::from_row_slice(n, n, self.gain(first).1);
            slope.rows(i, h) * DMatrix::from_row_slice(n, n, all).columns(j, h)
        };
        let mut mean = DVector::zeros(2 * h);
        let mut cov = DMatrix::zeros(2 * h, 2 * h);
        mean.rows_mut(0, h).copy_from(&self.mean(before));
        mean.rows_mut(h, h).copy_from(&self.mean(t));
        cov.view_mut((0, 0), (h, h)).copy_from(&self.cov(before));
        cov.view_mut((0, h), (h, h)).copy_from(&cross);
        cov.view_mut((h, 0), (h, h)).copy_from(&cross.transpose());
        cov.view_mut((h, h), (h, h)).copy_from(&own);
        Some((mean, cov))
    }

    /// (G\[t\], K\[t\]), by rows; of steps that are kept as one.
    fn gain(&self, t: usize) -> (&[f64], &[f64]) {
        let size = self.side() * self.side();
        self.gains.get(t, 2 * size).split_at(size)
    }

    /// All steps together, drawn from q: one row for each step.
    ///
    /// # Errors
    /// [`Error::LocalsNotKept`] where there is no joint law: locals were not kept, or a filter said this.
    pub fn sample_path(&self, rng: &mut impl Rng) -> Result<DMatrix<f64>, Error> {
        let (h, blocks) = (self.side(), self.covs.which.len());
        if self.gains.which.len() != blocks {
            return Err(Error::LocalsNotKept { what: "a draw of a path".into() });
        }
        let mut path = vec![0.0; blocks * h];
        let (mut noise, mut apart) = (vec![0.0; h], vec![0.0; h]);
        for t in (0..blocks).rev() {
            let (root, slope) = self.gain(t);
            noise.iter_mut().for_each(|z| *z = StandardNormal.sample(rng));
            if t + 1 < blocks {
                (0..h).for_each(|j| apart[j] = path[(t + 1) * h + j] - self.means[(t + 1) * h + j]);
            }
            for i in 0..h {
                let from: f64 = (0..h).map(|j| slope[i * h + j] * apart[j]).sum();
                let own: f64 = (i..h).map(|j| root[i * h + j] * noise[j]).sum();
                path[t * h + i] = self.means[t * h + i] + from + own;
            }
        }
        Ok(DMatrix::from_row_slice(self.len(), self.width, &path[..self.len() * self.width]))
    }

    /// The means of all steps, one row for each.
    #[must_use]
    pub fn means(&self) -> DMatrix<f64> {
        DMatrix::from_row_slice(self.len(), self.width, &self.means[..self.len() * self.width])
    }

    /// Points with the mean and the covariance of x\[t\].
    #[doc(hidden)]
    #[must_use]
    pub fn points(&self, t: usize) -> Vec<DVector<f64>> {
        let (mean, cov) = (self.mean(t), self.cov(t));
        let h = self.width;
        // A latent that is known exactly leaves its column empty.
        let mut root = DMatrix::<f64>::zeros(h, h);
        for j in 0..h {
            let left = cov[(j, j)] - (0..j).map(|k| root[(j, k)] * root[(j, k)]).sum::<f64>();
            if left <= h as f64 * f64::EPSILON * cov[(j, j)] {
                continue;
            }
            root[(j, j)] = left.sqrt();
            for i in j + 1..h {
                let known: f64 = (0..j).map(|k| root[(i, k)] * root[(j, k)]).sum();
                root[(i, j)] = (cov[(i, j)] - known) / root[(j, j)];
            }
        }
        root *= (h as f64).sqrt();
        root.column_iter().flat_map(|s| [&mean + s, &mean - s]).collect()
    }

    fn start(&self, part: usize) -> usize {
        self.parts[..part].iter().sum()
    }

    /// The numbers of an array among those of a path.
    #[doc(hidden)]
    #[must_use]
    pub fn numbers(&self, path: &DMatrix<f64>, part: usize) -> Vec<f64> {
        let start = self.start(part);
        path.row_iter().map(|x| x[start]).collect()
    }

    /// The vectors of an array among the numbers of a path.
    #[doc(hidden)]
    #[must_use]
    pub fn vectors(&self, path: &DMatrix<f64>, part: usize) -> Vec<DVector<f64>> {
        let (start, len) = (self.start(part), self.parts.get(part).copied().unwrap_or(0));
        path.row_iter().map(|x| x.columns(start, len).transpose()).collect()
    }
}
