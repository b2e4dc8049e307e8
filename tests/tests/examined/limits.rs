//! Likelihoods without a maximum whose terms cancel on the way up, and fits that more data cannot be added to: each by its own words.

use vi_core::{Error, prelude::*};

model! {
    mod waits {
        param    shape: Positive;   param rate: Positive;
        observed x[n in N] ~ Gamma(shape: shape, rate: rate);
    }
}

model! {
    mod shares {
        param    a: Positive;   param b: Positive;
        observed x[n in N] ~ Beta(a, b);
    }
}

model! {
    mod scales {
        param    shape: Positive;   param scale: Positive;
        observed x[n in N] ~ InverseGamma(shape: shape, scale: scale);
    }
}

model! {
    mod portions(V) {
        param    a[v in V]: Positive;
        observed x[n in N]: Simplex[V] ~ Dirichlet(a);
    }
}

model! {
    mod kinds(K) {
        param    weight: Simplex[K];
        param    shape[k in K]: Positive;   param rate[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Gamma(shape: shape[z[n]], rate: rate[z[n]]);
    }
}

model! {
    mod series {
        latent   v[s in S]                   ~ InverseGamma(shape: 2, scale: 2);
        latent   x[s in S, 0]                ~ Normal(0, var: v[s]);
        latent   x[s in S, t in 1..T[s]]     ~ Normal(x[s, t-1], var: v[s]);
        observed y[s in S, t in T[s]]        ~ Normal(x[s, t], var: 2 * v[s]);
    }
}

#[track_caller]
fn check_unbounded<T>(found: Result<T, Error>, names: &[&str]) {
    match found {
        Err(Error::Unbounded { block, reason, .. }) => {
            names.iter().for_each(|n| assert!(block.contains(n), "{block}"));
            assert!(reason.contains("max:"), "{reason}");
        }
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("a fit of a likelihood without a maximum"),
    }
}

#[test]
fn the_shape_of_equal_data_has_no_maximum() {
    for x in [vec![2.0], vec![0.3; 7], vec![1e-13; 3], vec![7e9; 40]] {
        let data = waits::Data { x: (&x).into() };
        check_unbounded(waits::Model::new().fit(&data, &Options::new()), &["shape", "rate"]);
    }
    let x = vec![0.37; 5];
    check_unbounded(shares::Model::new().fit(&shares::Data { x: (&x).into() }, &Options::new()), &["a", "b"]);
    let data = scales::Data { x: (&x).into() };
    check_unbounded(scales::Model::new().fit(&data, &Options::new()), &["shape", "scale"]);
    let x = vec![DVector::from_vec(vec![0.25, 0.35, 0.4]); 4];
    let data = portions::Data { x: (&x).into() };
    check_unbounded(portions::Model::new(3).fit(&data, &Options::new()), &["a"]);
}

/// Data within a thousandth of one another have a large shape, and that is found: 1 / s² to first order.
#[test]
fn a_large_shape_is_no_divergence() {
    for (unit, s) in [(2.0, 1e-3), (1e-13, 1e-2), (5e8, 1e-4)] {
        let x: Vec<f64> = (0..40).map(|n| unit * (1.0 + if n % 2 == 0 { s } else { -s })).collect();
        let fit = waits::Model::new().fit(&waits::Data { x: (&x).into() }, &Options::new()).unwrap();
        assert!((fit.params.shape * s * s - 1.0).abs() < 1e-2, "{unit}, {s}: {}", fit.params.shape);
        assert!((fit.params.shape / fit.params.rate / unit - 1.0).abs() < 1e-6);
    }
}

#[test]
fn a_component_with_one_datum_has_no_maximum() {
    let mut x: Vec<f64> = (0..30).map(|n| 1.0 + 0.1 * f64::from(n)).collect();
    x.push(50.0);
    let begin =
        kinds::Params { weight: vec![0.95, 0.05].into(), shape: vec![6.0, 2500.0], rate: vec![2.4, 50.0] };
    let data = kinds::Data { x: (&x).into() };
    check_unbounded(kinds::Model::new(2).fit_from(&data, Start::Params(begin), &Options::new()), &["shape"]);
}

#[test]
fn a_fit_that_takes_no_more_data_says_what_is_in_the_way() {
    let y = vec![vec![0.3, -0.2, 1.0], vec![0.7, 0.1]];
    let data = series::Data { y: (&y).into() };
    let fit = series::Model::new().fit(&data, &Options::new()).unwrap();
    let error = fit.update(&data, &Options::new()).unwrap_err().to_string();
    assert!(error.contains("in units of `v`") || error.contains("`v`, which all data share"), "{error}");
    assert!(!error.contains("every index"), "{error}");
}
