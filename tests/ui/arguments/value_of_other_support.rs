use vi_core::prelude::*;

model! {
    pub mod m {
        latent   tau: Positive ~ Normal(0, sd: 1);
        observed x[n in N] ~ Normal(0, prec: tau);
    }
}

model! {
    pub mod weights(K) {
        latent   w: Simplex[K] ~ Beta(1, 1);
        observed z[n in N] ~ Categorical(w);
    }
}

fn main() {}
