//! The Bayesian mixture: the way to two components, the choice between numbers of them, and laws of its bound.

use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;
use vi_core::prelude::*;
use vi_core::special::lgamma_d;
use vi_examples::bayesian_mixture::{
    DOF, FEW, by_precision, comparable_bound, components, fits, mixture, model, options, prior_cov,
    prior_mean,
};
use vi_examples::old_faithful::eruptions;

/// Bound and components of a fit, as the example prints them.
fn text(fit: &Fit<mixture::Model>) -> String {
    let lines: Vec<String> = components(fit).iter().map(|c| format!("{c}\n")).collect();
    format!("bound {:.4}\n{}", fit.elbo(), lines.concat())
}

#[test]
fn six_components_become_two() {
    let path = fits(&eruptions().unwrap(), 6, FEW).unwrap();
    assert!(path.windows(2).all(|w| w[0].elbo() < w[1].elbo()));
    let last = &path[path.len() - 1];
    // The four that hold nothing are what they were before the data were seen.
    for (k, eruptions) in last.posterior.z.counts().into_iter().enumerate() {
        if eruptions < 1.0 {
            assert!((last.posterior.mean[k].mean() - prior_mean()).amax() < 1e-6);
            assert!((last.posterior.cov[k].mean() - prior_cov()).amax() < 1e-6);
        }
    }
    insta::assert_snapshot!(path.iter().map(text).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_bound_prefers_two_components() {
    let x = eruptions().unwrap();
    let lines: Vec<(f64, String)> = (1..=4)
        .map(|offered| {
            let path = fits(&x, offered, 1.0).unwrap();
            let fit = &path[path.len() - 1];
            (comparable_bound(fit), format!("{offered} {:.4} {:.4}", fit.elbo(), comparable_bound(fit)))
        })
        .collect();
    assert!([0, 2, 3].iter().all(|other| lines[*other].0 < lines[1].0 - 1.0));
    insta::assert_snapshot!(lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n"));
}

/// With one component nothing is cut, and the evidence has a closed form: the determinants of the scale before and after.
#[test]
fn the_bound_of_one_component_is_its_evidence() {
    let x = eruptions().unwrap();
    let fit = model(1, 1.0).fit(&mixture::Data { x: (&x).into() }, &options()).unwrap();
    let (n, b0) = (x.nrows() as f64, 0.01);
    let mean = DVector::from_fn(2, |d, _| x.column(d).sum() / n);
    let mut scatter = DMatrix::zeros(2, 2);
    for row in x.row_iter() {
        let d = row.transpose() - &mean;
        scatter += &d * d.transpose();
    }
    let shift = &mean - prior_mean();
    // E cov = s0 / (dof − D − 1), and the scale is `prior_cov` because dof = D + 2.
    let after = prior_cov() + scatter + &shift * shift.transpose() * (b0 * n / (b0 + n));
    let evidence = -n * PI.ln() + lgamma_d(2, (DOF + n) / 2.0) - lgamma_d(2, DOF / 2.0)
        + DOF / 2.0 * prior_cov().determinant().ln()
        - (DOF + n) / 2.0 * after.determinant().ln()
        + (b0 / (b0 + n)).ln();
    assert!((fit.elbo() - evidence).abs() < 1e-8, "{} and {evidence}", fit.elbo());
}

#[test]
fn precisions_and_covariances_say_the_same() {
    let x = eruptions().unwrap();
    // Long eruptions, short ones, and every tenth of either for the third component.
    let z: Vec<usize> =
        (0..x.nrows()).map(|n| if n % 10 == 0 { 2 } else { usize::from(x[(n, 0)] < 3.0) }).collect();
    let start = mixture::Posterior { z: Categories::one_hot(&z, 3), ..Default::default() };
    let data = mixture::Data { x: (&x).into() };
    let by_cov = model(3, 1.0).fit_from(&data, Start::Posterior(start), &options()).unwrap();
    let start = by_precision::Posterior { z: Categories::one_hot(&z, 3), ..Default::default() };
    let w0 = prior_cov().try_inverse().unwrap();
    let by_prec = by_precision::Model::new(3, prior_mean(), w0, DOF)
        .fit_from(&by_precision::Data { x: (&x).into() }, Start::Posterior(start), &options())
        .unwrap();
    assert_eq!(by_cov.trace.len(), by_prec.trace.len());
    for (a, b) in by_cov.trace.iter().zip(&by_prec.trace) {
        assert!((a - b).abs() < 1e-9 * a.abs(), "{a} and {b}");
    }
    for k in 0..3 {
        assert!((by_cov.posterior.mean[k].mean() - by_prec.posterior.mean[k].mean()).amax() < 1e-6);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let x = eruptions().unwrap();
    let trace = |threads| {
        let options = options().restarts(2).max_iterations(60).threads(threads);
        let fit = model(6, FEW).fit(&mixture::Data { x: (&x).into() }, &options).unwrap();
        fit.trace.iter().map(|f| f.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(trace(1), trace(3));
}

#[test]
fn plan() {
    insta::assert_snapshot!(mixture::PLAN);
}

#[test]
fn plan_by_precision() {
    insta::assert_snapshot!(by_precision::PLAN);
}
