//! Diabetes: what is printed, the textbook's answers, and which coefficients are switched off.

use nalgebra::DVector;
use vi_examples::diabetes::{MEASUREMENTS, patients, relevance, switched_off};

#[test]
fn a_relevance_for_each() {
    let fit = patients().unwrap().relevance().unwrap();
    insta::assert_snapshot!(format!("{fit}\n{:?}", switched_off(&fit)));
}

#[test]
fn least_squares_are_those_of_the_paper() {
    let patients = patients().unwrap();
    let fit = patients.least_squares().unwrap();
    // As they are printed for columns of unit length: a column of 442 entries with variance 1 is √442 long.
    let known = [-10.0, -239.8, 519.8, 324.4, -792.2, 476.7, 101.0, 177.1, 751.3, 67.6];
    for (found, known) in fit.params.w.iter().zip(known) {
        assert!((found * 442f64.sqrt() - known).abs() < 0.051, "{} and {known}", found * 442f64.sqrt());
    }
}

#[test]
fn the_penalty_is_that_of_the_highest_evidence() {
    let patients = patients().unwrap();
    let fit = patients.ridge().unwrap();
    let (alpha, tau) = (fit.params.alpha, fit.params.tau);
    let y = DVector::from_column_slice(&patients.y);
    let evidence = |alpha: f64, tau: f64| {
        let precision =
            patients.x.transpose() * &patients.x * tau + nalgebra::DMatrix::identity(10, 10) * alpha;
        let mean = precision.clone().try_inverse().unwrap() * patients.x.transpose() * &y * tau;
        let residual = (&y - &patients.x * &mean).norm_squared();
        5.0 * alpha.ln() + 221.0 * (tau / std::f64::consts::TAU).ln()
            - 0.5 * (tau * residual + alpha * mean.norm_squared() + precision.determinant().ln())
    };
    assert!((fit.log_likelihood() - evidence(alpha, tau)).abs() < 1e-7);
    for (a, t) in [(1.02, 1.0), (0.98, 1.0), (1.0, 1.02), (1.0, 0.98)] {
        assert!(evidence(alpha * a, tau * t) < evidence(alpha, tau));
    }
}

#[test]
fn relevances_are_at_their_fixed_point() {
    let fit = patients().unwrap().relevance().unwrap();
    let (w, tau) = (&fit.posterior.w, fit.posterior.tau.mean());
    let off = switched_off(&fit);
    assert!(off.contains(&"age") && off.contains(&"glucose") && !off.contains(&"bmi"), "{off:?}");
    for d in 0..MEASUREMENTS.len() {
        // E tau w² of a Normal-Gamma: the mean, and the variance given tau, which tau does not change. The variance of its t has
        // a / (a − 1) more.
        let a = 221.0 + 1e-6;
        let square = tau * w.mean()[d].powi(2) + tau * w.var()[d] * (a - 1.0) / a;
        let expected = (1e-6 + 0.5) / (1e-6 + 0.5 * square);
        let found = fit.posterior.alpha[d].mean();
        assert!((found / expected - 1.0).abs() < 1e-3, "{d}: {found} and {expected}");
    }
}

#[test]
fn plan() {
    insta::assert_snapshot!(relevance::PLAN);
}
