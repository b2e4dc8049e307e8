//! log P(lo ≤ X ≤ hi) of a continuous law, from the log probabilities of its tails.

use crate::special::{log_add_exp, log_diff_exp, log1mexp};
use std::f64::consts::LN_2;

/// The two log probabilities at a point: (log P(X ≤ x), log P(X > x)).
pub(super) type Tails = (f64, f64);

/// Everything below the point, nothing above.
pub(super) const ALL: Tails = (0.0, f64::NEG_INFINITY);
/// Nothing below the point, everything above.
pub(super) const NOTHING: Tails = (f64::NEG_INFINITY, 0.0);

/// log P(lo < X ≤ hi) from the tails at lo and at hi: a difference of the tails on the side where they are small.
pub(super) fn between(lo: Tails, hi: Tails) -> f64 {
    if hi.0 < -LN_2 {
        log_diff_exp(hi.0, lo.0.min(hi.0))
    } else if lo.1 < -LN_2 {
        log_diff_exp(lo.1, hi.1.min(lo.1))
    } else {
        log1mexp(log_add_exp(lo.0, hi.1).min(0.0))
    }
}

/// log P(lo ≤ X ≤ hi) of a continuous law; `narrow` integrates the density over the interval, or returns
/// the difference of tails it is given.
///
/// Where the interval holds less than a tenth of what lies below it and of what lies above it, the difference of tails
/// loses digits. A density that is log-concave in the integration's coordinate then varies by less than a tenth over
/// the interval, and quadrature is exact to rounding.
pub(super) fn continuous(
    lo: f64,
    hi: f64,
    tails: impl Fn(f64) -> Tails,
    narrow: impl FnOnce(f64) -> f64,
) -> f64 {
    if lo.is_nan() || hi.is_nan() {
        return f64::NAN;
    }
    if lo >= hi {
        return f64::NEG_INFINITY;
    }
    let (below, above) = (tails(lo), tails(hi));
    let mass = between(below, above);
    let cancels = mass < above.0.min(below.1) - 2.3 && lo.is_finite() && hi.is_finite();
    if cancels { narrow(mass) } else { mass }
}
