//! Least squares with a lower and an upper bound on every unknown.
//!
//! ```text
//! minimise ½ xᵀ G x − rᵀ x   subject to   low ≤ x ≤ high
//! ```
//!
//! An active-set method (Stark & Parker 1995, *Bounded-variable least squares*): unknowns on a bound are held there, the others solve
//! their normal equations; a step that would leave the box stops at its side, and an unknown whose gradient points inward is let go.
//! The objective falls at every change of the set, so no set comes twice.

use super::least_squares::{least_norm, well_conditioned};
use nalgebra::{DMatrix, DVector};

/// The minimum, and whether some direction was determined by nothing.
pub(super) struct Minimum {
    pub x: DVector<f64>,
    pub rank_deficient: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Free,
    Low,
    High,
}

/// Minimises over the box, from `start` moved into it.
pub(super) fn minimise(
    gram: &DMatrix<f64>,
    rhs: &DVector<f64>,
    bounds: &[(f64, f64)],
    start: &[f64],
) -> Minimum {
    let n = rhs.len();
    let mut x = DVector::from_fn(n, |i, _| start[i].max(bounds[i].0).min(bounds[i].1));
    let mut side: Vec<Side> = (0..n)
        .map(|i| match x[i] {
            v if v <= bounds[i].0 => Side::Low,
            v if v >= bounds[i].1 => Side::High,
            _ => Side::Free,
        })
        .collect();
    // An unknown that nothing determines stays where it is.
    let used: Vec<bool> = (0..n).map(|i| gram[(i, i)] > 0.0).collect();
    let mut rank_deficient = false;
    let mut let_go: Option<usize> = None;
    for _ in 0..20 * n + 20 {
        // To the minimum over the free unknowns, or to the first side of the box on the way.
        loop {
            let free: Vec<usize> = (0..n).filter(|&i| used[i] && side[i] == Side::Free).collect();
            if free.is_empty() {
                break;
            }
            let (step, deficient) = newton_step(gram, rhs, &x, &free);
            rank_deficient |= deficient;
            let mut length = 1.0;
            let mut stop = None;
            for (k, &i) in free.iter().enumerate() {
                let bound = if step[k] < 0.0 { bounds[i].0 } else { bounds[i].1 };
                let room = (bound - x[i]) / step[k];
                if step[k] != 0.0 && room < length {
                    length = room.max(0.0);
                    stop = Some((i, bound));
                }
            }
            for (k, &i) in free.iter().enumerate() {
                x[i] = (x[i] + length * step[k]).max(bounds[i].0).min(bounds[i].1);
            }
            let Some((i, bound)) = stop else { break };
            x[i] = bound;
            side[i] = if bound == bounds[i].0 { Side::Low } else { Side::High };
            if length == 0.0 && let_go == Some(i) {
                // Its gradient was rounding.
                return Minimum { x, rank_deficient };
            }
        }
        let gradient = rhs - gram * &x;
        let inward = |i: usize| {
            let scaled = gradient[i] / gram[(i, i)].sqrt();
            match side[i] {
                Side::Low => scaled,
                Side::High => -scaled,
                Side::Free => 0.0,
            }
        };
        // What is left of a gradient after rounding of its sum.
        let noise = |i: usize| {
            let size = rhs[i].abs() + (0..n).map(|j| (gram[(i, j)] * x[j]).abs()).sum::<f64>();
            4.0 * f64::EPSILON * (n as f64) * size / gram[(i, i)].sqrt()
        };
        let best = (0..n)
            .filter(|&i| used[i] && bounds[i].0 < bounds[i].1 && inward(i) > noise(i))
            .max_by(|&a, &b| inward(a).total_cmp(&inward(b)));
        let Some(i) = best else { break };
        side[i] = Side::Free;
        let_go = Some(i);
    }
    Minimum { x, rank_deficient }
}

/// The step of some unknowns to their minimum, and whether it is not the only one.
fn newton_step(
    gram: &DMatrix<f64>,
    rhs: &DVector<f64>,
    x: &DVector<f64>,
    free: &[usize],
) -> (Vec<f64>, bool) {
    let scale: Vec<f64> = free.iter().map(|&i| gram[(i, i)].sqrt()).collect();
    let part =
        DMatrix::from_fn(free.len(), free.len(), |a, b| gram[(free[a], free[b])] / (scale[a] * scale[b]));
    let gradient = rhs - gram * x;
    let right = DMatrix::from_fn(free.len(), 1, |a, _| gradient[free[a]] / scale[a]);
    let (solution, deficient) = match well_conditioned(&part) {
        Some(chol) => {
            let first = chol.solve(&right);
            let residual = &right - &part * &first;
            (first + chol.solve(&residual), false)
        }
        None => (least_norm(&part, &right, &scale, None), true),
    };
    ((0..free.len()).map(|a| solution[(a, 0)] / scale[a]).collect(), deficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The minimum over every choice of sides, by enumeration.
    fn by_enumeration(gram: &DMatrix<f64>, rhs: &DVector<f64>, bounds: &[(f64, f64)]) -> f64 {
        let n = rhs.len();
        let value = |x: &DVector<f64>| 0.5 * x.dot(&(gram * x)) - rhs.dot(x);
        let mut best = f64::INFINITY;
        for code in 0..3usize.pow(n as u32) {
            let sides: Vec<usize> = (0..n).map(|i| code / 3usize.pow(i as u32) % 3).collect();
            let mut x = DVector::from_fn(n, |i, _| match sides[i] {
                0 => 0.0,
                1 => bounds[i].0,
                _ => bounds[i].1,
            });
            let free: Vec<usize> = (0..n).filter(|&i| sides[i] == 0).collect();
            let step = newton_step(gram, rhs, &x, &free).0;
            free.iter().zip(step).for_each(|(&i, s)| x[i] += s);
            let inside = (0..n).all(|i| x[i] >= bounds[i].0 && x[i] <= bounds[i].1);
            if inside && x.iter().all(|v| v.is_finite()) {
                best = best.min(value(&x));
            }
        }
        best
    }

    #[test]
    fn the_minimum_is_the_best_of_all_sets_of_sides() {
        let mut seed = 1u64;
        let mut unit = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        for trial in 0..300 {
            let n = 1 + trial % 5;
            let a = DMatrix::from_fn(n + 3, n, |_, _| unit() + 0.4);
            let gram = a.transpose() * &a;
            let rhs = DVector::from_fn(n, |_, _| 6.0 * unit());
            let bounds: Vec<(f64, f64)> = (0..n)
                .map(|i| match (trial + i) % 4 {
                    0 => (f64::NEG_INFINITY, f64::INFINITY),
                    1 => (0.0, f64::INFINITY),
                    2 => (-0.3, 0.4),
                    _ => (f64::NEG_INFINITY, 0.1),
                })
                .collect();
            let start: Vec<f64> = (0..n).map(|_| unit()).collect();
            let x = minimise(&gram, &rhs, &bounds, &start).x;
            let value = 0.5 * x.dot(&(&gram * &x)) - rhs.dot(&x);
            let want = by_enumeration(&gram, &rhs, &bounds);
            assert!((value - want).abs() <= 1e-10 * (1.0 + want.abs()), "trial {trial}: {value} for {want}");
        }
    }
}
