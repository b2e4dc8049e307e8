//! Mixing of the last points of a slow fixed-point iteration.
//!
//! From points xᵢ and their images gᵢ = M(xᵢ), with residuals rᵢ = gᵢ − xᵢ, the next point is
//!
//! ```text
//! x' = g − ΔG γ,   γ = argmin |r − ΔR γ|² + ridge |γ|²
//! ```
//!
//! where ΔG and ΔR hold the differences of successive images and residuals: a secant method for r = 0 in as many directions as are remembered.
//! Whether x' is kept is for the caller to say, who knows the objective there. After one that was not, the ridge grows, and the oldest point
//! is forgotten.
//!
//! Sources: Walker & Ni (2011), *Anderson acceleration for fixed-point iterations*, SIAM Journal on Numerical Analysis 49; Henderson &
//! Varadhan (2019), *Damped Anderson acceleration with restarts and monotonicity control for accelerating EM and EM-like algorithms*,
//! Journal of Computational and Graphical Statistics 28.

use crate::linalg::Cholesky;
use nalgebra::{DMatrix, DVector};

/// Differences that are remembered.
const MEMORY: usize = 5;
/// The ridge, as a share of the largest square in ΔR: where it begins and ends.
const RIDGE: (f64, f64) = (1e-12, 1.0);

/// A point and its image.
type Pair = (Vec<f64>, Vec<f64>);

/// The last points and their images.
#[derive(Clone, Debug)]
pub struct Anderson {
    points: Vec<Pair>,
    ridge: f64,
}

impl Default for Anderson {
    fn default() -> Self {
        Anderson { points: vec![], ridge: RIDGE.0 }
    }
}

impl Anderson {
    /// Takes a point and its image. Returns where to go instead of the image; `None` where nothing else is known.
    ///
    /// Coordinates that are infinite, as those of a param on its bound, are those of the image. If the number of coordinates has changed,
    /// earlier points are forgotten.
    pub fn propose(&mut self, x: Vec<f64>, image: Vec<f64>) -> Option<Vec<f64>> {
        if x.len() != image.len() {
            return None;
        }
        if self.points.last().is_some_and(|(last, _)| last.len() != x.len()) {
            self.points.clear();
        }
        self.points.push((x, image));
        if self.points.len() > MEMORY + 1 {
            self.points.remove(0);
        }
        let (last, earlier) = self.points.split_last()?;
        let finite = |i: usize| self.points.iter().all(|(x, g)| x[i].is_finite() && g[i].is_finite());
        let used: Vec<usize> = (0..last.0.len()).filter(|i| finite(*i)).collect();
        if earlier.is_empty() || used.is_empty() {
            return None;
        }
        let difference = |f: &dyn Fn(&Pair, usize) -> f64| {
            DMatrix::from_fn(used.len(), earlier.len(), |i, k| {
                f(&self.points[k + 1], used[i]) - f(&self.points[k], used[i])
            })
        };
        let images = difference(&|(_, g), i| g[i]);
        let residuals = difference(&|(x, g), i| g[i] - x[i]);
        let residual = DVector::from_fn(used.len(), |i, _| last.1[used[i]] - last.0[used[i]]);
        let mut gram = residuals.transpose() * &residuals;
        let ridge = self.ridge * gram.diagonal().amax();
        for k in 0..earlier.len() {
            gram[(k, k)] += ridge + 1e-10 * gram[(k, k)];
        }
        let gamma = Cholesky::new(&gram).ok()?.inverse() * (residuals.transpose() * residual);
        let step = images * gamma;
        let mut target = last.1.clone();
        used.iter().zip(step.iter()).for_each(|(i, s)| target[*i] -= s);
        used.iter().all(|i| target[*i].is_finite()).then_some(target)
    }

    /// What became of the point that was proposed.
    pub fn tell(&mut self, kept: bool) {
        if kept {
            self.ridge = (0.1 * self.ridge).max(RIDGE.0);
        } else {
            self.ridge = (100.0 * self.ridge).clamp(1e-6, RIDGE.1);
            self.points.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_map_is_solved_in_as_many_steps_as_it_has_directions() {
        let map = |x: &[f64]| vec![0.99 * x[0] + 0.3, 0.9 * x[1] - 0.2 * x[0], 0.5 * x[2] + x[1]];
        let (mut x, mut anderson) = (vec![0.0; 3], Anderson::default());
        for _ in 0..6 {
            let image = map(&x);
            x = anderson.propose(x, image.clone()).unwrap_or(image);
            anderson.tell(true);
        }
        let off = map(&x).iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-6, "{off}");
    }

    #[test]
    fn what_is_on_a_bound_stays_there() {
        let mut anderson = Anderson::default();
        let mut x = vec![1.0, f64::NEG_INFINITY];
        for _ in 0..4 {
            let image = vec![0.5 * x[0], f64::NEG_INFINITY];
            x = anderson.propose(x, image.clone()).unwrap_or(image);
        }
        assert!(x[0].abs() < 1e-9 && x[1] == f64::NEG_INFINITY, "{x:?}");
    }
}
