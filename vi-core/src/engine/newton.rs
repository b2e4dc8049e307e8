//! Safeguarded Newton for the few numbers that have no closed form: a Gamma shape, the parameters of a Beta.
//!
//! The step is taken in coordinates without bounds (the logarithm of a positive number, the logit of a number between 0 and 1), with the
//! Hessian shifted until it is negative definite, and halved until the objective rises. The result is never worse than the start.

use nalgebra::{DMatrix, DVector};

/// Where a number may lie.
#[derive(Clone, Copy, Debug)]
pub struct Domain {
    /// Open unless finite: a finite bound is attained.
    pub min: f64,
    /// See `min`.
    pub max: f64,
    /// The coordinate in which steps are taken.
    pub chart: Chart,
}

/// A coordinate without bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chart {
    /// x
    Identity,
    /// log x
    Log,
    /// log(x / (1 − x))
    Logit,
}

impl Domain {
    /// All reals.
    pub const REAL: Domain = Domain { min: f64::NEG_INFINITY, max: f64::INFINITY, chart: Chart::Identity };
    /// x > 0
    pub const POSITIVE: Domain = Domain { min: 0.0, max: f64::INFINITY, chart: Chart::Log };
    /// 0 < x < 1
    pub const UNIT: Domain = Domain { min: 0.0, max: 1.0, chart: Chart::Logit };

    /// The same with tighter bounds.
    #[must_use]
    pub fn within(self, min: f64, max: f64) -> Domain {
        Domain { min: self.min.max(min), max: self.max.min(max), ..self }
    }

    fn to(self, x: f64) -> f64 {
        match self.chart {
            Chart::Identity => x,
            Chart::Log => x.ln(),
            Chart::Logit => (x / (1.0 - x)).ln(),
        }
    }

    fn from(self, u: f64) -> f64 {
        let x = match self.chart {
            Chart::Identity => u,
            Chart::Log => u.exp(),
            Chart::Logit => 1.0 / (1.0 + (-u).exp()),
        };
        x.clamp(self.min, self.max)
    }

    /// dx/du and d²x/du²
    fn derivatives(self, x: f64) -> (f64, f64) {
        match self.chart {
            Chart::Identity => (1.0, 0.0),
            Chart::Log => (x, x),
            Chart::Logit => (x * (1.0 - x), x * (1.0 - x) * (1.0 - 2.0 * x)),
        }
    }

    /// Whether x lies on a bound that it may attain.
    #[must_use]
    pub fn at_bound(self, x: f64) -> bool {
        let attained = |b: f64| b.is_finite() && x == b && !(self.chart != Chart::Identity && b == 0.0);
        attained(self.min) || attained(self.max)
    }
}

/// A maximum.
#[derive(Clone, Debug)]
pub struct Maximum {
    /// The numbers.
    pub values: Vec<f64>,
    /// The objective runs away along some coordinate, or rises to where it is nothing but rounding.
    pub unbounded: bool,
}

/// Maximises a smooth function given with its gradient and its Hessian.
///
/// `f` returns (value, gradient, Hessian) in the natural coordinates; a value that is not finite marks a point outside.
pub fn maximise(
    start: &[f64],
    domains: &[Domain],
    mut f: impl FnMut(&[f64]) -> (f64, DVector<f64>, DMatrix<f64>),
) -> Maximum {
    const ITERATIONS: usize = 100;
    // e^±60 of where it began: the likelihood does not stop rising.
    const FAR: f64 = 60.0;
    let dim = start.len();
    let mut x: Vec<f64> = start.iter().zip(domains).map(|(x, d)| x.clamp(d.min, d.max)).collect();
    let begin: Vec<f64> = x.iter().zip(domains).map(|(x, d)| d.to(*x)).collect();
    let (mut value, mut gradient, mut hessian) = f(&x);
    if !value.is_finite() {
        return Maximum { values: start.to_vec(), unbounded: false };
    }
    for _ in 0..ITERATIONS {
        let free: Vec<usize> = (0..dim)
            .filter(|&i| {
                let d = domains[i];
                !(d.at_bound(x[i])
                    && ((x[i] == d.min && gradient[i] <= 0.0) || (x[i] == d.max && gradient[i] >= 0.0)))
            })
            .collect();
        let Some((free, step, g)) = direction(&x, domains, &gradient, &hessian, free) else { break };
        let slope = step.dot(&g);
        if slope <= 1e-15 * (1.0 + value.abs()) {
            break;
        }
        // Reals have no scale of their own: only charts of bounded numbers limit the length.
        let longest = free
            .iter()
            .zip(step.iter())
            .filter(|(i, _)| domains[**i].chart != Chart::Identity)
            .map(|(_, s)| s.abs())
            .fold(0.0, f64::max);
        let mut t = if longest > 5.0 { 5.0 / longest } else { 1.0 };
        let mut moved = false;
        for _ in 0..50 {
            let mut trial = x.clone();
            for (a, &i) in free.iter().enumerate() {
                trial[i] = domains[i].from(domains[i].to(x[i]) + t * step[a]);
            }
            let (v, g, h) = f(&trial);
            if v.is_finite() && v >= value + 1e-4 * t * slope - 4.0 * f64::EPSILON * value.abs() && v >= value
            {
                moved = trial != x;
                (x, value, gradient, hessian) = (trial, v, g, h);
                break;
            }
            t *= 0.5;
        }
        if !moved {
            break;
        }
        let far =
            x.iter().zip(domains).zip(&begin).any(|((x, d), u)| {
                d.chart != Chart::Identity && (d.to(*x) - u).abs() > FAR && !d.at_bound(*x)
            });
        if far {
            return Maximum { values: x, unbounded: true };
        }
    }
    let unbounded = is_lost(&x, domains, value, &mut f) || rises_as_log(&x, domains, &mut f);
    Maximum { values: x, unbounded }
}

/// Whether some number has become so large that the objective is a small difference of large terms, of which rounding leaves no three digits.
///
/// The shape of equal data is such a number: a log b − log Γ(a) + (a − 1) log x − b x rises with ½ log a at b = a / x, while its terms grow
/// with a log a. Where rounding is as large as what a step gains, the search stops, at no maximum. A number that is large because its unit
/// is small moves the objective by its last digits only.
fn is_lost(
    x: &[f64],
    domains: &[Domain],
    value: f64,
    mut f: impl FnMut(&[f64]) -> (f64, DVector<f64>, DMatrix<f64>),
) -> bool {
    const LARGE: f64 = 1e10;
    const DIGITS: f64 = 1e-3;
    // What has next to no data weighs nothing.
    const LEAST: f64 = 1e-6;
    let large = |i: &usize| domains[*i].chart == Chart::Log && x[*i] > LARGE && !domains[*i].at_bound(x[*i]);
    (0..x.len()).filter(large).any(|i| {
        (-4..=4).any(|steps| {
            let mut near = x.to_vec();
            near[i] *= 1.0 + f64::from(steps) * 1e-11;
            (f(&near).0 - value).abs() > DIGITS * value.abs() + LEAST
        })
    })
}

/// Whether the objective rises with the logarithm of a common factor of all positive numbers, or of the large ones, for as far as it has digits.
///
/// Then it has no maximum, though the search may stop where directions are badly told apart. Beyond a maximum it falls instead, and towards a
/// limit it rises less and less.
fn rises_as_log(
    x: &[f64],
    domains: &[Domain],
    mut f: impl FnMut(&[f64]) -> (f64, DVector<f64>, DMatrix<f64>),
) -> bool {
    const LARGE: f64 = 1e6;
    // Of larger shapes the objective has few digits to compare.
    const LARGEST: f64 = 1e12;
    let open = |i: usize| domains[i].chart == Chart::Log && domains[i].max == f64::INFINITY;
    let largest = (0..x.len()).filter(|i| open(*i)).map(|i| x[i]).fold(0.0, f64::max);
    if largest < LARGE {
        return false;
    }
    [0.0, LARGE].into_iter().any(|least| {
        let mut at = |factor: f64| {
            let scaled = |(i, x): (usize, &f64)| match open(i) && *x > least {
                true => (x * factor).max(domains[i].min),
                false => *x,
            };
            f(&x.iter().enumerate().map(scaled).collect::<Vec<_>>()).0
        };
        [largest, largest.min(LARGEST), LARGE].into_iter().all(|size| {
            let values = [-2.0_f64, 0.0, 2.0].map(|u| at(u.exp() * size / largest));
            let (before, after) = (values[1] - values[0], values[2] - values[1]);
            before > 0.0 && after > 0.5 * before && after > 1e-4 * values[1].abs() + 1e-6
        })
    })
}

/// One Newton step from `start`, `damping` times its length and at most 2 in any coordinate without bounds.
pub fn step(
    start: &[f64],
    domains: &[Domain],
    mut f: impl FnMut(&[f64]) -> (f64, DVector<f64>, DMatrix<f64>),
    damping: f64,
) -> Vec<f64> {
    const LONGEST: f64 = 2.0;
    let x: Vec<f64> = start.iter().zip(domains).map(|(x, d)| x.clamp(d.min, d.max)).collect();
    let (_, gradient, hessian) = f(&x);
    let chart: Vec<(f64, f64)> = x.iter().zip(domains).map(|(x, d)| d.derivatives(*x)).collect();
    let n = x.len();
    let g = DVector::from_fn(n, |i, _| gradient[i] * chart[i].0);
    let h = DMatrix::from_fn(n, n, |i, j| {
        let second = if i == j { gradient[i] * chart[i].1 } else { 0.0 };
        hessian[(i, j)] * chart[i].0 * chart[j].0 + second
    });
    let Some(step) = ascent(&h, &g) else { return x };
    // Reals have no scale of their own: only charts of bounded numbers limit the length.
    let longest = step
        .iter()
        .zip(domains)
        .filter(|(_, d)| d.chart != Chart::Identity)
        .map(|(s, _)| s.abs())
        .fold(0.0, f64::max);
    let t = damping * if longest > LONGEST { LONGEST / longest } else { 1.0 };
    (0..n).map(|i| domains[i].from(domains[i].to(x[i]) + t * step[i])).collect()
}

/// Newton's step of the free numbers, and the gradient in their charts. A number that lies on a bound which the step would cross is held:
/// cut off there, the step of the others might lead down.
fn direction(
    x: &[f64],
    domains: &[Domain],
    gradient: &DVector<f64>,
    hessian: &DMatrix<f64>,
    mut free: Vec<usize>,
) -> Option<(Vec<usize>, DVector<f64>, DVector<f64>)> {
    while !free.is_empty() {
        let chart: Vec<(f64, f64)> = free.iter().map(|&i| domains[i].derivatives(x[i])).collect();
        let n = free.len();
        let g = DVector::from_fn(n, |a, _| gradient[free[a]] * chart[a].0);
        let h = DMatrix::from_fn(n, n, |a, b| {
            let second = if a == b { gradient[free[a]] * chart[a].1 } else { 0.0 };
            hessian[(free[a], free[b])] * chart[a].0 * chart[b].0 + second
        });
        let step = ascent(&h, &g)?;
        let crosses = |a: usize| {
            let (d, v) = (domains[free[a]], x[free[a]]);
            d.at_bound(v) && (v == d.min && step[a] < 0.0 || v == d.max && step[a] > 0.0)
        };
        let inside: Vec<usize> = (0..n).filter(|a| !crosses(*a)).map(|a| free[a]).collect();
        if inside.len() == n {
            return Some((free, step, g));
        }
        free = inside;
    }
    None
}

/// A step along which the objective rises: Newton's, with the Hessian shifted below zero where it is not.
fn ascent(h: &DMatrix<f64>, g: &DVector<f64>) -> Option<DVector<f64>> {
    if !(h.iter().all(|x| x.is_finite()) && g.iter().all(|x| x.is_finite())) {
        return None;
    }
    let size = h.diagonal().amax().max(1e-300);
    let mut shift = 0.0;
    for _ in 0..60 {
        let m = -h + DMatrix::identity(h.nrows(), h.nrows()) * shift;
        if let Some(chol) = nalgebra::Cholesky::new(m) {
            return Some(chol.solve(g));
        }
        shift = if shift == 0.0 { 1e-8 * size } else { shift * 10.0 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadratic_takes_one_step() {
        let max = maximise(&[5.0], &[Domain::REAL], |x| {
            (
                -(x[0] - 2.0).powi(2),
                DVector::from_element(1, -2.0 * (x[0] - 2.0)),
                DMatrix::from_element(1, 1, -2.0),
            )
        });
        assert!((max.values[0] - 2.0).abs() < 1e-14);
    }

    #[test]
    fn a_bound_is_attained() {
        let max = maximise(&[5.0], &[Domain::POSITIVE.within(3.0, f64::INFINITY)], |x| {
            (
                -(x[0] - 2.0).powi(2),
                DVector::from_element(1, -2.0 * (x[0] - 2.0)),
                DMatrix::from_element(1, 1, -2.0),
            )
        });
        assert_eq!(max.values, [3.0]);
    }

    /// −(x−1)² − (y+1)² + 1.9 (x−1)(y+1) over x, y ≥ 0: on the side y = 0, where x = 1.95.
    #[test]
    fn a_bound_that_a_step_would_cross_is_held() {
        let domain = Domain::REAL.within(0.0, f64::INFINITY);
        for start in [[0.0, 0.0], [3.0, 0.0], [0.0, 2.0], [5.0, 4.0]] {
            let max = maximise(&start, &[domain, domain], |v| {
                let (a, b) = (v[0] - 1.0, v[1] + 1.0);
                (
                    -a * a - b * b + 1.9 * a * b,
                    DVector::from_vec(vec![-2.0 * a + 1.9 * b, -2.0 * b + 1.9 * a]),
                    DMatrix::from_vec(2, 2, vec![-2.0, 1.9, 1.9, -2.0]),
                )
            });
            assert!(
                (max.values[0] - 1.95).abs() < 1e-12 && max.values[1] == 0.0,
                "{start:?}: {:?}",
                max.values
            );
        }
    }

    #[test]
    fn a_rising_objective_is_unbounded() {
        let max = maximise(&[1.0], &[Domain::POSITIVE], |x| {
            (
                x[0].ln(),
                DVector::from_element(1, 1.0 / x[0]),
                DMatrix::from_element(1, 1, -1.0 / (x[0] * x[0])),
            )
        });
        assert!(max.unbounded);
    }

    /// a log b − log Γ(a) + (a − 1) E log x − b E x and its derivatives.
    fn gamma(x: &[f64], log: f64, mean: f64) -> (f64, DVector<f64>, DMatrix<f64>) {
        use crate::special::{digamma, lgamma, trigamma};
        let (a, b) = (x[0], x[1]);
        (
            a * b.ln() - lgamma(a) + (a - 1.0) * log - b * mean,
            DVector::from_vec(vec![b.ln() - digamma(a) + log, a / b - mean]),
            DMatrix::from_vec(2, 2, vec![-trigamma(a), 1.0 / b, 1.0 / b, -a / (b * b)]),
        )
    }

    #[test]
    fn the_shape_of_equal_data_is_unbounded_in_any_unit_and_from_any_start() {
        for x in [1e-13, 0.3, 1.0, 2.0, 7e9] {
            for start in [[1.0, 1.0], [30.0, 2.0], [1e-3, 5.0], [1e9, 1e9 / x]] {
                let max = maximise(&start, &[Domain::POSITIVE; 2], |v| gamma(v, f64::ln(x), x));
                assert!(max.unbounded, "{x} from {start:?}: {:?}", max.values);
            }
        }
    }

    #[test]
    fn a_large_shape_and_a_rate_of_a_small_unit_are_found() {
        // E log x of data x (1 ± s) is log x + ½ log(1 − s²), so that the shape is nearly 1 / s².
        for (x, s) in [(2.0, 1e-5), (1e-13, 0.5), (1e-14, 1e-3), (3e8, 1e-4)] {
            let log = f64::ln(x) + 0.5 * f64::ln_1p(-s * s);
            let max = maximise(&[1.0, 1.0 / x], &[Domain::POSITIVE; 2], |v| gamma(v, log, x));
            assert!(!max.unbounded, "{x}, {s}: {:?}", max.values);
            assert!((max.values[1] * x / max.values[0] - 1.0).abs() < 1e-6, "{x}, {s}: {:?}", max.values);
            if s < 0.1 {
                assert!((max.values[0] * s * s - 1.0).abs() < 1e-2, "{x}, {s}: {:?}", max.values);
            }
        }
    }

    /// Student's t of data that are a Normal's: the likelihood rises to a limit as the degrees of freedom do, and is no error.
    #[test]
    fn a_limit_at_infinity_is_no_divergence() {
        let max = maximise(&[5.0], &[Domain::POSITIVE], |x| {
            (
                -1.0 / x[0] - 1.4,
                DVector::from_element(1, x[0].powi(-2)),
                DMatrix::from_element(1, 1, -2.0 * x[0].powi(-3)),
            )
        });
        assert!(!max.unbounded);
        // Its terms grow as those of a Student's t do, and their rounding with them.
        for begin in [1.0, 5.0, 1e4, 1e7] {
            let max = maximise(&[begin], &[Domain::POSITIVE], |x| {
                let big = x[0] * x[0].ln();
                (
                    (big - 1.0 / x[0] - 1.4) - big,
                    DVector::from_element(1, x[0].powi(-2)),
                    DMatrix::from_element(1, 1, -2.0 * x[0].powi(-3)),
                )
            });
            assert!(!max.unbounded, "{begin}: {:?}", max.values);
        }
    }

    /// Concentrations of equal proportions `x`, `n` times.
    fn dirichlet(a: &[f64], x: &[f64], n: f64) -> (f64, DVector<f64>, DMatrix<f64>) {
        use crate::special::{digamma, lgamma, trigamma};
        let all: f64 = a.iter().sum();
        let value: f64 = a.iter().zip(x).map(|(a, x)| (a - 1.0) * x.ln() - lgamma(*a)).sum();
        let k = a.len();
        (
            n * (value + lgamma(all)),
            DVector::from_fn(k, |i, _| n * (x[i].ln() - digamma(a[i]) + digamma(all))),
            DMatrix::from_fn(k, k, |i, j| n * (trigamma(all) - if i == j { trigamma(a[i]) } else { 0.0 })),
        )
    }

    #[test]
    fn concentrations_of_equal_proportions_are_unbounded() {
        for x in [&[0.37, 0.63][..], &[0.5, 0.5], &[0.25, 0.35, 0.4], &[1e-3, 0.2, 0.3, 0.499]] {
            for (n, start) in [(1.0, 1.0), (5.0, 1.0), (4.0, 30.0), (1000.0, 2e5)] {
                let domains = vec![Domain::POSITIVE; x.len()];
                let max = maximise(&vec![start; x.len()], &domains, |a| dirichlet(a, x, n));
                assert!(max.unbounded, "{x:?}, {n}: {max:?}");
            }
        }
    }
}
