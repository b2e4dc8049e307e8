//! Units whose rows have the same coefficients and precisions: factorised once for all of them.
//!
//! ```text
//! √λ C = Q R          E f = R⁻¹ Qᵀ (√λ t) = G (√λ t)          |√λ (t − C E f)|² is what a unit's rows leave
//! ```
//!
//! Units differ in their targets alone, and in which of their rows are there.

use super::unit::{back_substitute, covariance, log_det, triangulate};
use std::collections::HashMap;

/// Which rows each unit has.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    /// The pattern of each unit; empty where all units have all rows, or where a unit seldom shares its pattern with others.
    of: Vec<u32>,
    count: usize,
}

/// Units that must share a pattern on the average for its factor to be worth keeping.
const SHARED: usize = 8;

/// Patterns that are kept at most: their factors are in memory at once.
const MOST: usize = 1024;

impl Patterns {
    /// `rows` lists of a unit which of its rows are there.
    #[must_use]
    pub fn new(units: usize, mut rows: impl FnMut(usize, &mut Vec<usize>)) -> Patterns {
        let (mut known, mut key): (HashMap<Vec<usize>, u32>, Vec<usize>) = (HashMap::new(), vec![]);
        let mut of = Vec::with_capacity(units);
        for unit in 0..units {
            key.clear();
            rows(unit, &mut key);
            let next = known.len() as u32;
            let id = match known.get(&key) {
                Some(id) => *id,
                None if known.len() == MOST => return Patterns::default(),
                None => {
                    known.insert(key.clone(), next);
                    next
                }
            };
            of.push(id);
        }
        let count = known.len();
        if count * SHARED > units { Patterns::default() } else { Patterns { of, count } }
    }

    /// Whether units share patterns.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        self.count > 0
    }

    /// The pattern of a unit.
    #[must_use]
    pub fn of(&self, unit: usize) -> usize {
        self.of.get(unit).map_or(0, |id| *id as usize)
    }
}

/// The factor of a pattern in a state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Factor {
    /// √λ C, by rows.
    rows: Vec<f64>,
    /// √λ
    roots: Vec<f64>,
    /// Targets of the last rows, where they are the same in all units.
    pub fixed: Vec<f64>,
    /// G, by rows of the latents.
    gain: Vec<f64>,
    /// R, by rows.
    pub root: Vec<f64>,
    pub cov: Vec<f64>,
    /// The log evidence of rows without residual.
    constant: f64,
}

impl Factor {
    /// From rows of `width` coefficients, times √λ; the last of them have targets that are known.
    pub fn new(rows: Vec<f64>, (roots, fixed): (Vec<f64>, Vec<f64>), width: usize, half_logs: f64) -> Factor {
        let (h, m) = (width, roots.len());
        let stride = h + m;
        let mut work = vec![0.0; m.max(h) * stride];
        for i in 0..m {
            work[i * stride..][..h].copy_from_slice(&rows[i * h..][..h]);
            work[i * stride + h + i] = 1.0;
        }
        triangulate(&mut work, h, stride, &mut vec![]);
        let mut root = vec![0.0; h * h];
        for i in 0..h {
            root[i * h + i..][..h - i].copy_from_slice(&work[i * stride + i..][..h - i]);
        }
        let log_det = log_det(&root, h);
        let mut gain = vec![0.0; h * m];
        let mut column = vec![0.0; h];
        for j in 0..m {
            for (i, x) in column.iter_mut().enumerate() {
                *x = work[i * stride + h + j];
            }
            back_substitute(&root, &mut column);
            for (i, x) in column.iter().enumerate() {
                gain[i * m + j] = *x;
            }
        }
        let mut cov = vec![0.0; h * h];
        covariance(&root, h, &mut cov);
        let constant = half_logs - log_det + 0.5 * h as f64 * (2.0 * std::f64::consts::PI).ln();
        Factor { rows, roots, fixed, gain, root, cov, constant }
    }

    /// Whether nothing determines some latent.
    pub fn is_undetermined(&self) -> bool {
        self.constant.is_nan() && self.rows.iter().all(|x| x.is_finite())
    }

    /// E f for these targets, which are weighted in place. Returns the log evidence.
    pub fn solve(&self, targets: &mut [f64], mean: &mut [f64]) -> f64 {
        let (h, m) = (mean.len(), self.roots.len());
        for (t, root) in targets.iter_mut().zip(&self.roots) {
            *t *= root;
        }
        if m > 0 {
            for (x, g) in mean.iter_mut().zip(self.gain.chunks_exact(m)) {
                *x = g.iter().zip(&*targets).map(|(g, t)| g * t).sum();
            }
        } else {
            mean.fill(0.0);
        }
        let mut rest = 0.0;
        if h > 0 {
            for (c, t) in self.rows.chunks_exact(h).zip(&*targets) {
                let left = t - c.iter().zip(&*mean).map(|(c, x)| c * x).sum::<f64>();
                rest += left * left;
            }
        }
        let evidence = self.constant - 0.5 * rest;
        if evidence.is_finite() { evidence } else { f64::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_kept_where_units_share_them() {
        let few = Patterns::new(40, |n, rows| rows.extend([2, 3].into_iter().filter(|k| n % k == 0)));
        assert!(few.are_shared());
        assert_eq!(few.of(0), few.of(6));
        assert_ne!(few.of(0), few.of(3));
        let many = Patterns::new(12, |n, rows| rows.extend((0..4).filter(|b| n >> b & 1 == 1)));
        assert!(!many.are_shared());
        assert_eq!(many.of(5), 0);
    }
}
