//! Means with products of unknowns: each is Normal given the others.

use vi_core::prelude::*;
use vi_tests::data;

model! {
    pub mod multilinear {
        latent   a ~ Normal(1, var: 2);
        latent   b ~ Normal(-1, var: 3);
        latent   c ~ Normal(0.5, var: 1);
        observed y[n in N] ~ Normal(a * b + b * c, var: 0.5);
    }
}
model! {
    pub mod factor_analysis(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: psi);
    }
}
model! {
    pub mod ppca(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    s2: Positive;
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: s2);
    }
}

#[test]
fn multilinear_means_climb_below_the_evidence() {
    let y = vec![0.3, -0.8, 1.1, 0.2];
    let data = multilinear::Data { y: (&y).into() };
    let fit = multilinear::Model::new().fit(&data, &Options::new().max_iterations(2000)).unwrap();
    assert!(fit.trace.windows(2).all(|w| w[1] >= w[0] - 1e-12));
    // log ∫ p(y | a b + b c) over a + c and b on a grid: a + c ~ Normal(1.5, var: 3).
    let (mut sum, step) = (0.0, 0.02);
    let normal = |x: f64, m: f64, v: f64| {
        (-(x - m) * (x - m) / (2.0 * v)).exp() / (2.0 * std::f64::consts::PI * v).sqrt()
    };
    for i in -600..=600 {
        for j in -600..=600 {
            let (s, b) = (1.5 + f64::from(i) * step, -1.0 + f64::from(j) * step);
            let like: f64 = y.iter().map(|x| normal(*x, s * b, 0.5)).product();
            sum += normal(s, 1.5, 3.0) * normal(b, -1.0, 3.0) * like * step * step;
        }
    }
    let evidence = sum.ln();
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 3.0, "{} {evidence}", fit.elbo());
}

#[test]
fn principal_components_of_iris() {
    let x = data::read("iris.csv");
    let data = ppca::Data { x: (&x).into() };
    let w = DMatrix::from_fn(4, 2, |i, j| if i == j { 1.0 } else { 0.3 });
    let start = Start::Params(ppca::Params { W: w, ..Default::default() });
    let options = Options::new().max_iterations(1500).tolerance(1e-11);
    let fit = ppca::Model::new(2).fit_from(&data, start, &options).unwrap();
    println!("{} {:?} {}", fit.elbo(), fit.params.s2, fit.trace.len());
    assert!((fit.log_likelihood() - -404.962_780).abs() < 1e-4);
    assert!((fit.params.s2 - 0.050_682_147_9).abs() < 1e-5);
}

#[test]
fn a_start_without_a_word_finds_the_components() {
    let x = data::read("iris.csv");
    let data = ppca::Data { x: (&x).into() };
    let options = Options::new().max_iterations(600).tolerance(1e-9).seed(4);
    let fit = ppca::Model::new(1).fit(&data, &options).unwrap();
    assert!((fit.log_likelihood() - -470.669_458).abs() < 1e-3, "{}", fit.log_likelihood());
    assert!((fit.params.s2 - 0.114_139_080).abs() < 1e-4);
    assert!(fit.verify(&data, 1).unwrap().is_exact());
    let data = factor_analysis::Data { x: (&x).into() };
    let fit = factor_analysis::Model::new(1).fit(&data, &options).unwrap();
    assert!(fit.trace.windows(2).all(|w| w[1] >= w[0] - 1e-9 * w[0].abs()));
    assert!(fit.log_likelihood() > -470.669_458);
}
