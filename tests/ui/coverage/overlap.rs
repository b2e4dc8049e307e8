use vi_core::prelude::*;

model! {
    pub mod walk {
        latent   z[0]      ~ Normal(0, sd: 1);
        latent   z[t in T] ~ Normal(0, sd: 1);
        observed x[t in T] ~ Normal(z[t], sd: 1);
    }
}

model! {
    pub mod forgotten_index {
        for s in S {
            latent   m ~ Normal(0, sd: 1);
            observed x[s] ~ Normal(m, sd: 1);
        }
    }
}

fn main() {}
