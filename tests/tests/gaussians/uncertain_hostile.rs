//! Uncertain coefficients of Gaussian latents where data are few, far away, or not there.

use nalgebra::{DMatrix, DVector};
use vi_core::Options;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::{close, honest, monotone};

model! {
    pub mod components(H) {
        latent   gamma[h in H]            ~ Gamma(shape: 1, rate: 1);
        latent   C[d in D]: Vector[H]     ~ Normal(0, prec: gamma);
        latent   b[d in D]                ~ Flat();
        latent   r                        ~ Gamma(shape: 1, rate: 1);
        latent   x[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed y[n in N, d in D]: Real? ~ Normal(dot(C[d], x[n]) + b[d], prec: r);
    }
}
model! {
    pub mod proper(H) {
        latent   C[d in D]: Vector[H]     ~ Normal(0, prec: 1);
        latent   r                        ~ Gamma(shape: 1, rate: 1);
        latent   x[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed y[n in N, d in D]        ~ Normal(dot(C[d], x[n]), prec: r);
    }
}
model! {
    pub mod chain(H) {
        latent   A[i in H]: Vector[H]     ~ Normal(0, prec: 2);
        latent   C[d in D]: Vector[H]     ~ Normal(0, prec: 1);
        latent   r                        ~ Gamma(shape: 1, rate: 1);
        for s in S {
            latent   x[s, 0]: Vector[H]          ~ Normal(0, var: 1);
            latent   x[s, t in 1..T[s]]          ~ Normal(A * x[s, t-1], var: 0.3);
            observed y[s, t in T[s]]: Vector[D]? ~ Normal(C * x[s, t], prec: r);
        }
    }
}

fn options() -> Options {
    Options::new().seed(2).max_iterations(400).tolerance(1e-9)
}

fn table(n: usize, d: usize, seed: u64) -> DMatrix<f64> {
    let g = &mut Noise::new(seed);
    let slopes = DMatrix::from_fn(d, 1, |_, _| 1.0 + g.unit());
    DMatrix::from_fn(n, 1, |_, _| g.normal()) * slopes.transpose()
        + DMatrix::from_fn(n, d, |_, _| 0.4 * g.normal())
}

#[test]
fn an_offset_of_the_data_changes_nothing_but_the_location() {
    let y = table(30, 4, 1);
    let far = y.map(|y| y + 1e8);
    let fit = |y: &DMatrix<f64>| {
        components::Model::new(2).fit(&components::Data { y: y.into() }, &options()).unwrap()
    };
    let (near, away) = (fit(&y), fit(&far));
    // The data themselves lose eight digits.
    close(away.trace[0], near.trace[0], 1e-6);
    close(away.elbo(), near.elbo(), 1e-6);
    close(away.posterior.b[1].mean() - 1e8, near.posterior.b[1].mean(), 1e-6);
}

#[test]
fn more_components_than_columns_and_a_column_that_is_constant_have_an_answer() {
    let mut y = table(20, 3, 2);
    y.column_mut(1).fill(4.0);
    let data = components::Data { y: (&y).into() };
    let fit = components::Model::new(5).fit(&data, &options()).unwrap();
    monotone(&fit.trace);
    assert!((fit.posterior.b[1].mean() - 4.0).abs() < 0.2);
}

#[test]
fn rows_and_columns_without_entries_say_nothing() {
    let mut y = table(12, 3, 3);
    y.row_mut(5).fill(f64::NAN);
    let data = components::Data { y: (&y).into() };
    let fit = components::Model::new(1).fit(&data, &options()).unwrap();
    monotone(&fit.trace);
    assert!(fit.posterior.x[5].mean()[0].abs() < 1e-12 && (fit.posterior.x[5].var()[0] - 1.0).abs() < 1e-12);
    y.column_mut(0).fill(f64::NAN);
    // Nothing determines where a column lies that has no entry and a flat prior.
    let data = components::Data { y: (&y).into() };
    assert!(matches!(components::Model::new(1).fit(&data, &options()), Err(vi_core::Error::Improper { .. })));
}

#[test]
fn few_data_and_none_leave_the_prior() {
    let y = DMatrix::from_row_slice(1, 2, &[0.3, -0.2]);
    let fit = proper::Model::new(1).fit(&proper::Data { y: (&y).into() }, &options()).unwrap();
    monotone(&fit.trace);
    let none = DMatrix::<f64>::zeros(0, 2);
    let data = proper::Data { y: (&none).into() };
    let fit = proper::Model::new(1).fit(&data, &options()).unwrap();
    close(fit.elbo(), 0.0, 1e-12);
    close(fit.posterior.r.mean(), 1.0, 1e-12);
}

#[test]
fn sequences_without_steps_or_entries_say_nothing() {
    let y = table(14, 3, 4);
    let nothing = DMatrix::from_element(4, 3, f64::NAN);
    let with = vec![y.rows(0, 9).into_owned(), DMatrix::zeros(0, 3), y.rows(9, 5).into_owned()];
    let without = vec![y.rows(0, 9).into_owned(), y.rows(9, 5).into_owned()];
    let fit =
        |y: &Vec<DMatrix<f64>>| chain::Model::new(2).fit(&chain::Data { y: y.into() }, &options()).unwrap();
    let (one, other) = (fit(&with), fit(&without));
    assert_eq!(one.trace, other.trace);
    let unseen = vec![y.clone(), nothing];
    let data = chain::Data { y: (&unseen).into() };
    let fit = chain::Model::new(2).fit(&data, &options().max_iterations(2000)).unwrap();
    monotone(&fit.trace);
    honest(&fit, &data);
    // Nothing pulls a sequence that nobody saw, but the uncertainty of its steps.
    assert!(fit.posterior.x[1].iter().all(|x| x.mean().norm() < 1e-12));
}

#[test]
fn new_data_are_placed_under_the_fit_that_is_held() {
    let y = table(40, 3, 6);
    let (old, new) = (y.rows(0, 30).into_owned(), y.rows(30, 10).into_owned());
    let fit = proper::Model::new(1).fit(&proper::Data { y: (&old).into() }, &options()).unwrap();
    let data = proper::Data { y: (&new).into() };
    let placed = fit.infer(&data).unwrap();
    assert_eq!(placed.posterior.x.len(), 10);
    // q(x) at E r, with the spread of C beside its mean.
    let r = fit.posterior.r.mean();
    let (mut precision, mut right) = (1.0, DVector::zeros(10));
    for d in 0..3 {
        let c = &fit.posterior.C[d];
        precision += r * (c.mean()[0].powi(2) + c.cov()[(0, 0)]);
        right += new.column(d) * (r * c.mean()[0]);
    }
    for n in 0..10 {
        close(placed.posterior.x[n].mean()[0], right[n] / precision, 1e-10);
        close(placed.posterior.x[n].var()[0], 1.0 / precision, 1e-10);
    }
    let predicted = fit.predict(&data).unwrap();
    assert!(predicted.log_density.iter().all(|x| x.is_finite()));
}

#[test]
fn data_that_are_no_numbers_are_errors() {
    let mut y = table(10, 3, 7);
    y[(2, 1)] = f64::INFINITY;
    assert!(proper::Model::new(1).fit(&proper::Data { y: (&y).into() }, &options()).is_err());
    let y = vec![y];
    assert!(chain::Model::new(2).fit(&chain::Data { y: (&y).into() }, &options()).is_err());
}
