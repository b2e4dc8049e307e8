//! Factors of the irises: what is printed, the closed form of the components, and what is said of measurements that were taken away.

use vi_examples::iris::flowers;
use vi_examples::iris_factors::{
    complete, components, factors, fit_components, fit_factors, places, rotation, with_holes,
};

#[test]
fn two_components() {
    insta::assert_snapshot!(fit_components(&flowers().unwrap(), 2).unwrap());
}

#[test]
fn one_factor() {
    insta::assert_snapshot!(fit_factors(&complete(&flowers().unwrap()), 1).unwrap());
}

#[test]
fn components_are_those_of_the_closed_form() {
    let x = flowers().unwrap();
    let mean = x.row_mean();
    let centred = nalgebra::DMatrix::from_fn(150, 4, |n, d| x[(n, d)] - mean[d]);
    let eigen = (centred.transpose() * &centred / 150.0).symmetric_eigen();
    let mut values: Vec<f64> = eigen.eigenvalues.iter().copied().collect();
    values.sort_by(|a, b| b.total_cmp(a));
    for count in 0..=3 {
        let fit = fit_components(&x, count).unwrap();
        let left = values[count..].iter().sum::<f64>() / (4 - count) as f64;
        assert!((fit.params.s2 - left).abs() < 1e-6, "{count}: {} and {left}", fit.params.s2);
        let turn = rotation(&fit.params.W);
        let loads = &fit.params.W * turn;
        for h in 0..count {
            // Each load is an eigenvector of the covariance, as long as its eigenvalue exceeds what is left.
            assert!((loads.column(h).norm_squared() - (values[h] - left)).abs() < 1e-4, "{count} {h}");
        }
    }
}

#[test]
fn the_first_component_tells_the_species_apart() {
    let places = places(&fit_components(&flowers().unwrap(), 2).unwrap());
    let most = places[..50].iter().map(|p| p.0[0]).fold(f64::MIN, f64::max);
    let least = places[50..].iter().map(|p| p.0[0]).fold(f64::MAX, f64::min);
    assert!(most < least, "{most} {least}");
}

#[test]
fn petals_that_were_not_measured_are_found() {
    let x = flowers().unwrap();
    let holes = with_holes(&x);
    let fit = fit_factors(&holes, 1).unwrap();
    let mut worst = 0.0_f64;
    for n in (0..150).filter(|n| holes[(*n, 2)].is_none()) {
        let mean = fit.params.W[2][0] * fit.posterior.f[n].mean()[0] + fit.params.mu[2];
        worst = worst.max((mean - x[(n, 2)]).abs());
    }
    assert!(worst < 1.3, "{worst}");
}

#[test]
fn plans() {
    insta::assert_snapshot!(format!("{}\n{}", components::PLAN, factors::PLAN));
}
