use vi_core::prelude::*;

model! {
    /// Every line but the first and the last has a mistake of its own.
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K] Real;
        latent   z[n in N] ~ Categorcal(weight);
        latent   u[n in N] ~ Gamma(shape: 1, rat: 2);
        observed x[n in N] ~ Normal(mean[n], sd: 1);
    }
}

model! {
    pub mod names_and_types(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[n in N] ~ Categorcal(weight);
        latent   u[n in N] ~ Gamma(shape: 1, rat: 2);
        latent   v[n in N] ~ Normal(men[0], sd: 1);
        observed x[n in N] ~ Normal(mean[n], sd: 1);
    }
}

fn main() {}
