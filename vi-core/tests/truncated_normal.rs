//! Moments and entropies of Normals within an interval, against integrals in fifty digits (mpmath), and what else is asked of them.

use vi_core::dist::{Normal, Truncated};

/// (mean, sd, min, max) of the Normal and its bounds; (E, Var, entropy) within them.
const INTEGRALS: [([f64; 4], [f64; 3]); 10] = [
    ([0.0, 1.0, 0.0, f64::INFINITY], [0.7978845608028654, 0.3633802276324187, 0.7257913526447274]),
    ([1.5, 2.0, -1.0, 0.5], [-0.1700488698852906, 0.18024488520224946, 0.38814689357275683]),
    ([0.0, 1.0, 3.9375, f64::INFINITY], [4.166059463388936, 0.04780768460142575, -0.47699417268705113]),
    ([0.0, 1.0, 4.125, f64::INFINITY], [4.344909510175553, 0.044513077860192464, -0.5154415675667585]),
    ([0.0, 1.0, 30.0, f64::INFINITY], [30.033259667433676, 0.001103771511890091, -2.4034104116333688]),
    ([0.0, 1.0, 1000.0, f64::INFINITY], [1000.000999998, 9.999940000499995e-7, -5.907757278974637]),
    ([-20.0, 0.5, 0.0, 0.125], [0.012478960478978698, 0.000154984680797693, -3.3837561356229657]),
    ([0.0, 1.0, -0.25, 0.125], [-0.06177101220765253, 0.011663592964999601, -0.9808656290263399]),
    ([5.0, 2.0, f64::NEG_INFINITY, -10.0], [-10.257932782207533, 0.06447894674970445, -0.355181222486261]),
    ([0.0, 1.0, 10.0, 10.0009765625], [10.000487486483888, 7.947247818248144e-8, -6.931475779620771]),
];

#[track_caller]
fn close(found: f64, expected: f64, relative: f64) {
    assert!((found / expected - 1.0).abs() <= relative, "found {found:e}, expected {expected:e}");
}

#[test]
fn moments_keep_their_digits_however_far_out_the_interval_lies() {
    for ([mean, sd, min, max], [e, var, entropy]) in INTEGRALS {
        let law = Truncated::new(Normal::mean_sd(mean, sd), min, max);
        close(law.mean(), e, 1e-14);
        close(law.var(), var, 1e-12);
        // log Z and the square that it is measured against are of the size of half the distance squared.
        let nearest = (mean.clamp(min, max) - mean) / sd;
        let off = (law.entropy() - entropy).abs();
        assert!(off < 1e-14 * (10.0 + nearest * nearest), "{off:e} at {nearest}");

        // The same from the other side.
        let mirrored = Truncated::new(Normal::mean_sd(-mean, sd), -max, -min);
        close(mirrored.mean(), -e, 1e-14);
        close(mirrored.var(), var, 1e-12);
    }
}

#[test]
fn quantiles_invert_the_distribution_function() {
    for ([mean, sd, min, max], _) in INTEGRALS {
        let law = Truncated::new(Normal::mean_sd(mean, sd), min, max);
        for p in [1e-6, 0.05, 0.5, 0.95, 0.999] {
            let x = law.quantile(p);
            assert!(min <= x && x <= max);
            // A step of x is as much of the law as its digits hold.
            let digits = 4.0 * f64::EPSILON * x.abs() / law.sd();
            assert!((law.cdf(x) - p).abs() < 1e-11 + digits, "{p}: {} at {x}", law.cdf(x));
            assert!((law.survival(x) - (1.0 - p)).abs() < 1e-11 + digits);
        }
        let (low, high) = law.interval(0.9);
        assert!(low < law.mean() && law.mean() < high);
    }
}

#[test]
fn an_interval_without_probability_has_no_moments() {
    for (min, max) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0)] {
        let law = Truncated::new(Normal::mean_sd(0.0, 1.0), min, max);
        assert!(law.mean().is_nan() && law.var().is_nan());
    }
    assert!(Truncated::new(Normal::mean_sd(0.0, -1.0), 0.0, 1.0).mean().is_nan());
    let open = Truncated::new(Normal::mean_sd(0.3, 2.0), f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!((open.mean(), open.var()), (0.3, 4.0));
    close(open.entropy(), Normal::mean_sd(0.3, 2.0).entropy(), 1e-15);
}
