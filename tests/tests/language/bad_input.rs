//! Data, sizes and starts that break a rule: each gives the error that says so, or the right answer, and nothing panics.

use vi_core::Error;
use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod floored(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D](min: 1e-3);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod line(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    var[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], var: var[z[n]]);
    }
}
model! {
    pub mod raters(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prev: Simplex[K];
        param    conf[j in J, k in K]: Simplex[K];
        latent   truth[n in N] ~ Categorical(prev);
        observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
    }
}
model! {
    pub mod trials(K) {
        given    total[n in N]: Count;
        param    weight: Simplex[K];
        param    p[k in K]: Unit;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Binomial(total[n], p[z[n]]);
    }
}
model! {
    pub mod gammas(K) {
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Gamma(shape: a[z[n]], rate: r[z[n]]);
    }
}
model! {
    pub mod regression {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];   param b: Real;   param s2: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, var: s2);
    }
}
model! {
    pub mod bounded(K, m: Vector[K]) {
        param    weight: Simplex[K];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(m[z[n]], sd: 2.0, max: 4);
    }
}

fn options() -> Options {
    Options::new().seed(1).max_iterations(200)
}

/// The domain error of an element: its name, its value, its rule.
#[track_caller]
fn domain<T: std::fmt::Debug>(result: Result<T, Error>, element: &str, value: &str, rule: &str) {
    match result {
        Err(Error::Domain { variable, element: e, value: v, rule: r }) => {
            assert!(element.contains(&variable), "{variable} in {element}");
            assert_eq!((e.as_str(), v.as_str()), (element, value));
            assert!(r.contains(rule), "{r}");
        }
        other => panic!("expected a domain error of {element}, found {other:?}"),
    }
}

fn fit_line(x: &[f64], k: usize) -> Result<Fit<line::Model>, Error> {
    line::Model::new(k).fit(&line::Data { x: x.into() }, &options())
}

#[test]
fn what_is_not_a_number_is_named() {
    domain(fit_line(&[1.0, 2.0, f64::NAN, 4.0], 2), "x[2]", "NaN", "must be");
    domain(fit_line(&[1.0, f64::INFINITY, 3.0], 2), "x[1]", "inf", "must be");
    domain(fit_line(&[f64::NEG_INFINITY, 1.0, 3.0], 1), "x[0]", "-inf", "must be");
    let mut x = DMatrix::from_fn(6, 2, |i, j| (i * i + 3 * j) as f64);
    x[(3, 1)] = f64::NAN;
    domain(
        mixture::Model::new(2).fit(&mixture::Data { x: (&x).into() }, &options()),
        "x[3][1]",
        "NaN",
        "must be",
    );
}

#[test]
fn values_outside_of_a_support_are_named() {
    let y = [1.0, -2.5, 3.0];
    domain(gammas::Model::new(1).fit(&gammas::Data { y: (&y).into() }, &options()), "y[1]", "-2.5", "> 0");
    let (total, y) = ([4u64, 4, 4], [1u64, 5, 2]);
    let data = trials::Data { total: (&total).into(), y: (&y).into() };
    // Five successes in four trials.
    match trials::Model::new(1).fit(&data, &options()) {
        Err(Error::Impossible { at }) => assert!(at.contains("[1]"), "{at}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_above_the_bound_of_a_truncated_family_is_refused() {
    let y = [1.0, 5.0, 3.0];
    let failed = bounded::Model::new(1, DVector::from_element(1, 0.0))
        .fit(&bounded::Data { y: (&y).into() }, &options());
    let text = failed.expect_err("5 is above the bound 4").to_string();
    assert!(text.contains("y[1]"), "{text}");
}

#[test]
fn categories_outside_of_their_range_are_named() {
    let (item, who) = ([0usize, 1, 2], [0usize, 0, 1]);
    let label = [0usize, 2, 1];
    let data = raters::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    domain(raters::Model::new(2).fit(&data, &options()), "label[1]", "2", "2");
}

#[test]
fn sizes_that_disagree_are_both_named() {
    let (item, who) = ([0usize, 1, 2], [0usize, 0]);
    let label = [0usize, 1, 1];
    let data = raters::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    let text = raters::Model::new(2).fit(&data, &options()).unwrap_err().to_string();
    assert!(text.contains("who") && text.contains('2') && text.contains('3') && text.contains('R'), "{text}");

    let x = DMatrix::from_fn(5, 2, |i, j| (i * i + j) as f64);
    let y = [1.0, 2.0, 3.0, 4.0];
    let text = regression::Model::new()
        .fit(&regression::Data { x: (&x).into(), y: (&y).into() }, &options())
        .unwrap_err()
        .to_string();
    assert!(text.contains('x') && text.contains('y') && text.contains('5') && text.contains('4'), "{text}");
}

#[test]
fn params_of_another_shape_are_refused() {
    let x = DMatrix::from_fn(6, 2, |i, j| (i * i + 3 * j) as f64);
    let data = mixture::Data { x: (&x).into() };
    let model = mixture::Model::new(2);
    let good = mixture::Params {
        weight: DVector::from_vec(vec![0.5, 0.5]),
        mean: vec![DVector::zeros(2), DVector::from_vec(vec![20.0, 20.0])],
        cov: vec![DMatrix::identity(2, 2) * 50.0; 2],
    };
    model.infer(&data, &good).unwrap();
    let mut p = good.clone();
    p.weight = DVector::from_vec(vec![0.5, 0.2, 0.3]);
    assert!(model.infer(&data, &p).unwrap_err().to_string().contains("weight"));
    let mut p = good.clone();
    p.weight = DVector::from_vec(vec![0.5, 0.4]);
    assert!(model.infer(&data, &p).unwrap_err().to_string().contains("weight"));
    let mut p = good.clone();
    p.mean[1] = DVector::zeros(3);
    assert!(model.infer(&data, &p).unwrap_err().to_string().contains("mean"));
    let mut p = good.clone();
    p.cov[1] = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0]);
    assert!(model.infer(&data, &p).unwrap_err().to_string().contains("cov"));
    let mut p = good.clone();
    p.mean[0][1] = f64::NAN;
    assert!(model.infer(&data, &p).unwrap_err().to_string().contains("mean"));
    let p = mixture::Params { weight: good.weight.clone(), ..Default::default() };
    assert!(model.infer(&data, &p).is_err(), "an E-step needs every param");
}

#[test]
fn a_start_of_another_size_is_refused() {
    let x = [1.0, 2.0, 3.5, 9.0];
    let data = line::Data { x: (&x).into() };
    for z in [Categories::one_hot(&[0, 1, 0], 2), Categories::one_hot(&[0, 1, 2, 0], 3)] {
        let failed = line::Model::new(2).fit_from(&data, Start::Posterior(line::Posterior { z }), &options());
        assert!(failed.is_err(), "{failed:?}");
    }
    let failed = line::Model::new(2).fit_from(
        &data,
        Start::Latents(line::Latents { z: vec![0, 1, 2, 0] }),
        &options(),
    );
    assert!(failed.is_err(), "{failed:?}");
    let failed =
        line::Model::new(2).fit_from(&data, Start::Latents(line::Latents { z: vec![0, 1] }), &options());
    assert!(failed.is_err(), "{failed:?}");
}

#[test]
fn no_data_say_nothing() {
    // Nothing was observed: the likelihood is 1 whatever the params, so either answer is right, but a panic is not.
    if let Ok(fit) = fit_line(&[], 2) {
        assert_eq!(fit.log_likelihood(), 0.0);
    }
    let x = DMatrix::<f64>::zeros(0, 2);
    if let Ok(fit) = mixture::Model::new(2).fit(&mixture::Data { x: (&x).into() }, &options()) {
        assert_eq!(fit.log_likelihood(), 0.0);
    }
    let none: [usize; 0] = [];
    let data = raters::Data { item: (&none).into(), who: (&none).into(), label: (&none).into() };
    let _ = raters::Model::new(2).fit(&data, &options());
}

#[test]
fn a_likelihood_without_a_maximum_is_unbounded() {
    #[track_caller]
    fn unbounded<T: std::fmt::Debug>(result: Result<T, Error>, block: &str) {
        match result {
            Err(Error::Unbounded { block: b, reason, .. }) => {
                assert!(b.contains(block), "{b}");
                assert!(!reason.is_empty());
            }
            other => panic!("expected Unbounded of {block}, found {other:?}"),
        }
    }
    unbounded(fit_line(&[3.0], 1), "var");
    unbounded(fit_line(&[3.0, 3.0, 3.0], 1), "var");
    // Two columns that are one.
    let x = DMatrix::from_fn(8, 2, |i, _| (i * i) as f64);
    unbounded(mixture::Model::new(1).fit(&mixture::Data { x: (&x).into() }, &options()), "cov");
    // A constant column.
    let x = DMatrix::from_fn(8, 2, |i, j| if j == 0 { 1.5 } else { (i * i) as f64 });
    unbounded(mixture::Model::new(1).fit(&mixture::Data { x: (&x).into() }, &options()), "cov");
    // Fewer rows than columns.
    let x = DMatrix::from_fn(2, 3, |i, j| (i + j * j) as f64);
    unbounded(mixture::Model::new(1).fit(&mixture::Data { x: (&x).into() }, &options()), "cov");
    // A perfect fit.
    let x = DMatrix::from_fn(5, 1, |i, _| i as f64);
    let y = [1.0, 3.0, 5.0, 7.0, 9.0];
    unbounded(
        regression::Model::new().fit(&regression::Data { x: (&x).into(), y: (&y).into() }, &options()),
        "s2",
    );
}

#[test]
fn a_floor_makes_it_bounded() {
    let x = DMatrix::from_fn(8, 2, |i, j| if j == 0 { 1.5 } else { (i * i) as f64 });
    let fit = floored::Model::new(1).fit(&floored::Data { x: (&x).into() }, &options()).unwrap();
    let values: Vec<f64> = (0..8).map(|i| (i * i) as f64).collect();
    let mean = values.iter().sum::<f64>() / 8.0;
    let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 8.0;
    assert!((fit.params.cov[0][(0, 0)] - 1e-3).abs() < 1e-12, "the floor holds");
    assert!((fit.params.cov[0][(1, 1)] - var).abs() < 1e-9);
    assert!(!fit.at_boundary.is_empty(), "and is reported");
}

#[test]
fn more_components_than_rows() {
    // With a floor every component has a best place; the likelihood is what it says.
    let x = DMatrix::from_row_slice(3, 2, &[0.0, 0.0, 5.0, 1.0, -3.0, 4.0]);
    let data = floored::Data { x: (&x).into() };
    let fit = floored::Model::new(5).fit(&data, &options()).unwrap();
    assert!(fit.verify(&data, 1).unwrap().is_exact());
    // Without one, some component ends on one row.
    match mixture::Model::new(5).fit(&mixture::Data { x: (&x).into() }, &options()) {
        Err(Error::Unbounded { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_that_are_all_the_same_have_a_fit_with_a_floor() {
    let x = DMatrix::from_element(10, 2, 2.5);
    let data = floored::Data { x: (&x).into() };
    let fit = floored::Model::new(2).fit(&data, &options()).unwrap();
    for k in 0..2 {
        assert!((&fit.params.cov[k] - DMatrix::identity(2, 2) * 1e-3).norm() < 1e-12);
    }
    let by_hand = -10.0 * (std::f64::consts::TAU.ln() + 1e-3f64.ln());
    assert!((fit.log_likelihood() - by_hand).abs() < 1e-9);
}

#[test]
fn data_that_cannot_be_are_impossible() {
    // Success and failure are both seen, but no class has failures.
    let (total, y) = ([3u64, 3], [3u64, 1]);
    let data = trials::Data { total: (&total).into(), y: (&y).into() };
    let p = trials::Params { weight: DVector::from_vec(vec![0.5, 0.5]), p: vec![1.0, 1.0] };
    match trials::Model::new(2).infer(&data, &p) {
        Err(Error::Impossible { at }) => assert!(at.contains("[1]"), "{at}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_component_without_rows_keeps_its_params() {
    let x = [1.0, 2.0, 3.0, 4.5];
    let data = line::Data { x: (&x).into() };
    let z = Categories::one_hot(&[0, 0, 0, 0], 2);
    let fit =
        line::Model::new(2).fit_from(&data, Start::Posterior(line::Posterior { z }), &options()).unwrap();
    assert_eq!(fit.params.weight[1], 0.0);
    assert!(fit.params.mean[1].is_finite() && fit.params.var[1] > 0.0);
    assert!((fit.params.mean[0] - 2.625).abs() < 1e-12);
}

#[test]
fn columns_that_repeat_each_other_give_the_smallest_coefficients() {
    let x = DMatrix::from_fn(6, 2, |i, _| i as f64);
    let y: Vec<f64> = (0..6).map(|i| 2.0 * i as f64 + if i % 2 == 0 { 0.5 } else { -0.5 }).collect();
    let data = regression::Data { x: (&x).into(), y: (&y).into() };
    let fit = regression::Model::new().fit(&data, &options()).unwrap();
    assert!((fit.params.w[0] - fit.params.w[1]).abs() < 1e-9, "{}", fit.params.w);
    assert!(!fit.notes.is_empty(), "a rank-deficient regression is reported");
}
