use vi_core::prelude::*;

model! {
    pub mod walk {
        latent   z[t in 1..T] ~ Normal(z[t-1], sd: 1);
        observed x[t in T] ~ Normal(0, sd: 1);
    }
}

fn main() {}
