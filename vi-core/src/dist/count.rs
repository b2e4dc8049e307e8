//! Sums over the support of a count law: intervals, and expectations without a closed form.

use super::interval::{self, NOTHING, Tails};
use crate::special::{gauss_legendre, log_sum_exp};

/// The counts k with lo ≤ k ≤ hi: the least, and the greatest if there is one. `None` if there are none.
pub(super) fn bounds(lo: f64, hi: f64) -> Option<(u64, Option<u64>)> {
    let least = lo.max(0.0).ceil();
    let greatest = hi.floor();
    if least > greatest || greatest.is_nan() || least == f64::INFINITY {
        return None;
    }
    Some((least as u64, (greatest < u64::MAX as f64).then_some(greatest as u64)))
}

/// Intervals of at most this many counts are summed, which cancels nowhere.
const SUMMED: u64 = 256;

/// log P(lo ≤ X ≤ hi) from the log density and the tails (log P(X ≤ k), log P(X > k)).
pub(super) fn interval(
    lo: f64,
    hi: f64,
    log_density: impl Fn(u64) -> f64,
    tails: impl Fn(u64) -> Tails,
) -> f64 {
    if lo.is_nan() || hi.is_nan() {
        return f64::NAN;
    }
    let Some((least, greatest)) = bounds(lo, hi) else { return f64::NEG_INFINITY };
    match greatest {
        Some(greatest) if greatest - least < SUMMED => {
            let terms: Vec<f64> = (least..=greatest).map(log_density).collect();
            log_sum_exp(&terms)
        }
        _ => {
            let below = if least == 0 { NOTHING } else { tails(least - 1) };
            interval::between(below, greatest.map_or(interval::ALL, tails))
        }
    }
}

/// Counts this close to the mode, and to 0, are summed one by one; the sum over the others is an integral.
const EXACT: f64 = 4096.0;

/// E f(X) = Σₖ p(k) f(k, log p(k)) for a unimodal law on 0..=`greatest` and an f of polynomial growth.
///
/// `log_density` and `f` take real k. Far from 0 and from the mode the sum is taken by the Euler–Maclaurin formula over
/// panels of doubling width, so that the work grows as the logarithm of the law's spread.
pub(super) fn expect(
    mode: f64,
    greatest: f64,
    log_density: impl Fn(f64) -> f64,
    f: impl Fn(f64, f64) -> f64,
) -> f64 {
    let term = |k: f64| {
        let log_p = log_density(k);
        if log_p < NEGLIGIBLE { 0.0 } else { log_p.exp() * f(k, log_p) }
    };
    let exact = |from: f64, to: f64| {
        let mut sum = 0.0;
        let mut k = from;
        while k <= to {
            sum += term(k);
            k += 1.0;
        }
        sum
    };
    let first = mode - EXACT;
    let last = (mode + EXACT).min(greatest);
    let below = if first <= 2.0 * EXACT {
        exact(0.0, first - 1.0)
    } else {
        let middle = (0.5 * (EXACT + first)).floor();
        exact(0.0, EXACT - 1.0) + panels(&term, EXACT, middle) + panels(&term, first - 1.0, middle + 1.0)
    };
    let above = if last >= greatest {
        0.0
    } else if greatest - last <= EXACT {
        exact(last + 1.0, greatest)
    } else {
        panels(&term, last + 1.0, greatest)
    };
    below + exact(first.max(0.0), last) + above
}

/// Log probabilities below this change no double-precision expectation.
const NEGLIGIBLE: f64 = -100.0;

/// Σ g(k) for the integers from `near` to `far` (on either side), over panels that double away from `near`.
///
/// ```text
/// Σₖ₌ₐᵇ g(k) = ∫ g from a−½ to b+½ − (g′(b+½) − g′(a−½))/24 + O(g‴)
/// ```
fn panels(g: &impl Fn(f64) -> f64, near: f64, far: f64) -> f64 {
    let away = if far >= near { 1.0 } else { -1.0 };
    let (start, end) = (near - 0.5 * away, far + 0.5 * away);
    let slope = |x: f64| g(x + 0.5) - g(x - 0.5);
    let mut sum = away * slope(start) / 24.0;
    let (mut at, mut width) = (start, EXACT);
    loop {
        let next = if away * (end - at) > width { at + away * width } else { end };
        if next == end && end.is_finite() {
            return sum + away * gauss_legendre(g, at, next) - away * slope(end) / 24.0;
        }
        let panel = away * gauss_legendre(g, at, next);
        sum += panel;
        if panel == 0.0 || !next.is_finite() || panel.is_nan() {
            return sum;
        }
        at = next;
        width *= 2.0;
    }
}
