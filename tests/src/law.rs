//! What holds of every fit, whatever the model.

use vi_core::fit::Program;
use vi_core::{Claim, ExactPosterior, Fit};

/// Rounding that a sum of this magnitude may carry.
const ULPS: f64 = 64.0 * f64::EPSILON;

/// Two numbers are the same to so many parts of the larger (or of 1).
///
/// # Panics
/// If they are not.
#[track_caller]
pub fn close(found: f64, expected: f64, relative: f64) {
    let scale = expected.abs().max(1.0);
    assert!((found - expected).abs() <= relative * scale, "found {found:.15e}, expected {expected:.15e}");
}

/// A number is another one, to the digits that are printed of it.
///
/// # Panics
/// If it is not.
#[track_caller]
pub fn digits(found: f64, printed: &str) {
    let decimals = printed.split('.').nth(1).map_or(0, str::len);
    let unit = 10f64.powi(-(decimals as i32));
    let expected: f64 = printed.parse().expect("a number");
    // Half a unit of the last digit, and what the printed number itself is off by.
    assert!(
        (found - expected).abs() <= 0.500_001 * unit + 4.0 * f64::EPSILON * expected.abs(),
        "found {found:.15}, expected {printed}"
    );
}

/// The objective never falls by more than rounding.
///
/// # Panics
/// If it does.
#[track_caller]
pub fn monotone(trace: &[f64]) {
    for (i, w) in trace.windows(2).enumerate() {
        assert!(w[1] >= w[0] - 1e3 * ULPS * w[0].abs().max(1.0), "step {i}: {} then {}", w[0], w[1]);
    }
}

/// A fit of a model whose posterior was proved exact: the zero-variance check holds for several seeds, the trace rises,
/// the terms of the ELBO add up, and the log likelihood is the one that was worked out by hand.
///
/// # Panics
/// If one of these fails.
#[track_caller]
pub fn exact<M: Program + ExactPosterior>(fit: &Fit<M>, data: &M::Data<'_>, by_hand: f64) {
    monotone(&fit.trace);
    for seed in 0..3 {
        let v = fit.verify(data, seed).expect("data that were fitted can be verified");
        assert!(v.is_exact(), "{}: spread {:e}, tolerance {:e}\n{fit}", M::NAME, v.spread(), v.tolerance);
    }
    close(fit.log_likelihood(), by_hand, 1e-10);
    let total: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
    close(total, fit.elbo(), 1e-10);
    let kept = fit.trace.len() - 1;
    assert!(
        kept == fit.iterations || M::MIXED && kept < fit.iterations,
        "one objective after every sweep that was kept and one before the first"
    );
}

/// What a fit says of itself agrees with the distributions' own densities, at draws from its posterior: log p − log q is one number where
/// the plan claims exactness, and its mean is the bound elsewhere. The trace rises and the terms add up.
///
/// # Panics
/// If one of these fails.
#[track_caller]
pub fn honest<M: Program>(fit: &Fit<M>, data: &M::Data<'_>) {
    let exact = fit.certificate().claim == Claim::Exact;
    monotone(&fit.trace);
    let total: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
    close(total, fit.elbo(), 1e-9);
    let mut off = vec![];
    // What is one number needs no many draws.
    for seed in 0..if exact { 4 } else { 40 } {
        let v = fit.verify(data, seed).expect("data that were fitted can be verified");
        assert!(
            !exact || v.is_exact(),
            "{}: spread {:e}, tolerance {:e}\n{fit}",
            M::NAME,
            v.spread(),
            v.tolerance
        );
        off.extend(v.values.iter().map(|x| x - v.objective));
    }
    let n = off.len() as f64;
    let mean = off.iter().sum::<f64>() / n;
    let error = (off.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
    let rounding = 1e-9 * fit.elbo().abs().max(1.0);
    assert!(
        mean.abs() <= 5.0 * error + rounding,
        "{}: E log p − log q is {mean} ± {error} off the bound\n{fit}",
        M::NAME
    );
}
