//! Schools: what is printed, and the same by the formulas of the textbook.

use vi_examples::schools::{TAUS, effects, schools};

#[test]
fn eight_schools() {
    insta::assert_snapshot!(schools().unwrap().shrinkage().unwrap());
}

#[test]
fn maximum_likelihood_is_at_the_bound() {
    let schools = schools().unwrap();
    let fit = schools.fit().unwrap();
    assert!(fit.converged);
    assert_eq!(fit.params.tau2, 1.0);
    assert_eq!(fit.at_boundary, ["tau2"]);
    assert!(fit.trace.windows(2).all(|w| w[1] >= w[0] - 1e-10));
    // The best of all variances that are allowed.
    assert!((fit.log_likelihood() - schools.at(1.0).unwrap().log_likelihood()).abs() < 1e-12);
    assert!(fit.log_likelihood() > schools.at(1.5).unwrap().log_likelihood());
}

/// The common effect given tau from precisions, and each school's as an average of its own estimate and the common one.
#[test]
fn effects_are_averages_weighted_by_precisions() {
    let schools = schools().unwrap();
    for tau in TAUS {
        let fit = schools.at(tau).unwrap();
        let total: Vec<f64> = schools.error.iter().map(|s| 1.0 / (s * s + tau * tau)).collect();
        let var_mu = 1.0 / (1.0 / 400.0 + total.iter().sum::<f64>());
        let mu = var_mu * total.iter().zip(&schools.effect).map(|(w, y)| w * y).sum::<f64>();
        assert!((fit.posterior.mu.mean() - mu).abs() < 1e-9);
        assert!((fit.posterior.mu.var() - var_mu).abs() < 1e-8);
        // log p(y | tau) = log p(y, mu | tau) − log p(mu | y, tau) at any mu; here at 0.
        let normal = |x: f64, var: f64| -0.5 * ((2.0 * std::f64::consts::PI * var).ln() + x * x / var);
        let joint: f64 = schools.effect.iter().zip(&total).map(|(y, w)| normal(*y, 1.0 / w)).sum::<f64>();
        let evidence = joint + normal(0.0, 400.0) - normal(mu, var_mu);
        assert!((fit.log_likelihood() - evidence).abs() < 1e-9, "{}", fit.log_likelihood());
        for j in 0..8 {
            let (own, common) = (1.0 / schools.error[j].powi(2), 1.0 / (tau * tau));
            let mean = (own * schools.effect[j] + common * mu) / (own + common);
            let var = 1.0 / (own + common) + (common / (own + common)).powi(2) * var_mu;
            assert!((fit.posterior.theta.mean()[j] - mean).abs() < 1e-9);
            assert!((fit.posterior.theta.var()[j] - var).abs() < 1e-8);
        }
    }
}

#[test]
fn an_average_over_tau_does_not_depend_on_its_grid() {
    let schools = schools().unwrap();
    let (coarse, fine) = (schools.averaged(50.0, 98).unwrap(), schools.averaged(50.0, 490).unwrap());
    for (a, b) in coarse.iter().zip(&fine) {
        assert!((a.0 - b.0).abs() < 2e-3 && (a.1 - b.1).abs() < 2e-3, "{a:?} and {b:?}");
    }
}

#[test]
fn a_variance_below_its_bound_is_refused() {
    assert!(matches!(schools().unwrap().at(0.5), Err(vi_core::Error::Domain { .. })));
}

#[test]
fn plan() {
    insta::assert_snapshot!(effects::PLAN);
}
