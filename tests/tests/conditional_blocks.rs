//! Conditional blocks: a family integrated out in every state of a category, and then the sum over the states.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

use vi_core::prelude::*;

model! {
    /// A mixture of Student's t, each a scale mixture of Normals.
    pub mod t_mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    tau[k in K]: Positive;
        param    nu: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * tau[z[n]]);
    }
}

#[test]
fn smoke() {
    let x: Vec<f64> = (0..60).map(|n| f64::from(n % 7) + if n % 3 == 0 { 10.0 } else { 0.0 } + 0.01 * f64::from(n)).collect();
    let data = t_mixture::Data { x: (&x).into() };
    let fit = t_mixture::Model::new(2).fit(&data, &Options::new().seed(1)).expect("it fits");
    println!("{fit}");
    println!("{:?}", fit.params);
    println!("{:?}", fit.elbo_terms());
    println!("{:?}", fit.log_likelihood());
    let v = fit.verify(&data, 1).expect("it verifies");
    println!("{} {}", v.spread(), v.tolerance);
    assert!(v.is_exact());
    println!("{:?}", fit.posterior.u[0].interval(0.9));
}
