use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K]
        param    mean[k in K]: Real;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
    }
}

fn main() {}
