//! Models of many kinds compile, fit, and pass the zero-variance check.
use vi_core::data::Absent;
use vi_core::prelude::*;

model! {
    pub mod regularised_mixture(K, m0: Vector[D], s0: SymPos[D]) {
        param    weight: Simplex[K] ~ Dirichlet(2.0);
        param    cov[k in K]        ~ InverseWishart(dof: D + 2, scale: s0);
        param    mean[k in K]       ~ Normal(m0, cov: 100 * cov[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod dawid_skene(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prev: Simplex[K];
        param    conf[j in J, k in K]: Simplex[K] ~ Dirichlet(1.1);
        latent   truth[n in N] ~ Categorical(prev);
        observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
        init { conf[j in J, k in K] = 0.7 * onehot(k) + 0.3 / K; }
    }
}
model! {
    pub mod zero_inflated {
        param    p: Unit;   param rate: Positive;
        latent   active[n in N] ~ Bernoulli(p);
        observed y[n in N]      ~ match active[n] { true => Poisson(rate), false => Constant(0) };
    }
}
model! {
    pub mod diagonal(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    s2[k in K, d in D]: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}
model! {
    pub mod regressions(K) {
        given    x[n in N]: Vector[D];
        param    weight: Simplex[K];
        param    w[k in K]: Vector[D];
        param    b[k in K]: Real;
        param    s[k in K]: Positive(min: 1e-3);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(dot(w[z[n]], x[n]) + b[z[n]], sd: s[z[n]]);
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
    pub mod classes(K, V) {
        param    weight: Simplex[K];
        param    p[k in K, j in J]: Simplex[V];
        latent   c[n in N] ~ Categorical(weight);
        observed y[n in N, j in J]: Category[V]? ~ Categorical(p[c[n], j]);
    }
}
model! {
    pub mod linear {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];   param b: Real;  param s2: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, var: s2);
    }
}

fn rows(n: usize, d: usize) -> DMatrix<f64> {
    DMatrix::from_fn(n, d, |i, j| {
        ((i * 7919 + j * 104729) % 1000) as f64 / 250.0 + if i % 3 == 0 { 4.0 } else { 0.0 }
    })
}

#[test]
fn map_mixture() {
    let x = rows(120, 2);
    let model =
        regularised_mixture::Model::new(2, DVector::from_vec(vec![2.0, 2.0]), DMatrix::identity(2, 2));
    let data = regularised_mixture::Data { x: (&x).into() };
    let fit = model.fit(&data, &Options::new().threads(1)).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn labels() {
    let item: Vec<usize> = (0..60).map(|r| r / 3).collect();
    let who: Vec<usize> = (0..60).map(|r| r % 3).collect();
    let label: Vec<usize> = (0..60).map(|r| if r % 7 == 0 { (r / 3 + 1) % 2 } else { (r / 3) % 2 }).collect();
    let data = dawid_skene::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    let fit = dawid_skene::Model::new(2).fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn zeros() {
    let y: Vec<u64> = (0..80).map(|n| if n % 2 == 0 { 0 } else { (n % 5) as u64 }).collect();
    let data = zero_inflated::Data { y: (&y).into() };
    let fit = zero_inflated::Model::new().fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn diagonal_mixture() {
    let x = rows(150, 3);
    let data = diagonal::Data { x: (&x).into() };
    let fit = diagonal::Model::new(2).fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn mixture_of_regressions() {
    let x = rows(150, 2);
    let y: Vec<f64> = (0..150).map(|i| if i % 2 == 0 { 2.0 * x[(i, 0)] - 1.0 } else { -x[(i, 1)] + 5.0 } + ((i * 31) % 17) as f64 / 20.0).collect();
    let data = regressions::Data { x: (&x).into(), y: (&y).into() };
    let fit = regressions::Model::new(2).fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn mixture_of_gammas() {
    let y: Vec<f64> =
        (0..150).map(|i| if i % 2 == 0 { 1.0 } else { 8.0 } + ((i * 31) % 17) as f64 / 20.0).collect();
    let data = gammas::Data { y: (&y).into() };
    let fit = gammas::Model::new(2).fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn latent_classes() {
    let y = DMatrix::from_fn(100, 4, |i, j| {
        if (i + j) % 11 == 0 { None } else { Some(if i % 2 == 0 { (i * j) % 3 } else { (i + j) % 2 }) }
    });
    let data = classes::Data { y: (&y).into() };
    let fit = classes::Model::new(2, 3).fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn linear_regression() {
    let x = rows(150, 2);
    let y: Vec<f64> = (0..150).map(|i| 2.0 * x[(i, 0)] - 1.0 + ((i * 31) % 17) as f64 / 20.0).collect();
    let data = linear::Data { x: (&x).into(), y: (&y).into() };
    let fit = linear::Model::new().fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
    let sim = linear::Model::new()
        .simulate(&fit.params, &linear::Data { x: (&x).into(), y: Absent(150).into() }, 4)
        .unwrap();
    linear::Model::new().fit(&sim.data(), &Options::new()).unwrap();
}

model! {
    pub mod logistic_ml {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];   param b: Real;
        observed y[n in N] ~ Bernoulli(logit: dot(w, x[n]) + b);
    }
}
model! {
    pub mod overdispersed(K) {
        param    weight: Simplex[K];
        param    m[k in K]: Positive;
        param    r: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ NegativeBinomial(mean: m[z[n]], dispersion: r);
    }
}
model! {
    pub mod heavy(K) {
        param    weight: Simplex[K];
        param    m[k in K]: Real;
        param    s[k in K]: Positive(min: 0.01);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ StudentT(m[z[n]], scale: s[z[n]], dof: 4);
    }
}

#[test]
fn logistic_regression() {
    let x = rows(150, 2);
    let y: Vec<bool> = (0..150).map(|i| x[(i, 0)] - x[(i, 1)] + ((i * 31) % 17) as f64 / 4.0 > 2.0).collect();
    let data = logistic_ml::Data { x: (&x).into(), y: (&y).into() };
    let fit = logistic_ml::Model::new().fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    assert!(fit.converged && fit.iterations < 20);
    println!("{fit}");
}

#[test]
fn mixture_of_negative_binomials() {
    let y: Vec<u64> = (0..150).map(|i| if i % 2 == 0 { 1 } else { 12 } + ((i * 31) % 17) as u64).collect();
    let data = overdispersed::Data { y: (&y).into() };
    let fit = overdispersed::Model::new(2).fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn mixture_of_students() {
    let y: Vec<f64> =
        (0..150).map(|i| if i % 2 == 0 { 1.0 } else { 8.0 } + ((i * 31) % 17) as f64 / 20.0).collect();
    let data = heavy::Data { y: (&y).into() };
    let fit = heavy::Model::new(2).fit(&data, &Options::new()).unwrap();
    assert!(fit.verify(&data, 3).unwrap().is_exact(), "{:?}", fit.verify(&data, 3));
    println!("{fit}");
}

#[test]
fn a_fit_survives_serde_and_relabelling() {
    let x = rows(120, 3);
    let data = diagonal::Data { x: (&x).into() };
    let mut fit = diagonal::Model::new(2).fit(&data, &Options::new()).unwrap();
    let text = serde_json::to_string(&fit).unwrap();
    let back: Fit<diagonal::Model> = serde_json::from_str(&text).unwrap();
    assert_eq!((&back.params, &back.posterior, &back.trace), (&fit.params, &fit.posterior, &fit.trace));
    let before = fit.clone();
    fit.relabel(&[1, 0]).unwrap();
    assert_eq!(fit.params.mean[0], before.params.mean[1]);
    assert_eq!(fit.posterior.z.probs(7)[0], before.posterior.z.probs(7)[1]);
    assert_eq!(fit.infer(&data).unwrap().posterior.z.most_likely(7), fit.posterior.z.most_likely(7));
    assert!(fit.relabel(&[0, 0]).is_err() && fit.relabel(&[0]).is_err());
}

#[test]
fn predictive_densities_add_up_to_the_likelihood() {
    let x = rows(120, 3);
    let data = diagonal::Data { x: (&x).into() };
    let fit = diagonal::Model::new(2).fit(&data, &Options::new()).unwrap();
    let total: f64 = fit.predict(&data).unwrap().log_density.iter().sum();
    assert!((total - fit.log_likelihood()).abs() < 1e-10 * total.abs());
}
