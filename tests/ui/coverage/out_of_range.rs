use vi_core::prelude::*;

model! {
    pub mod before_the_first {
        latent   z[t in T] ~ Normal(z[t-1], sd: 1);
        observed x[t in T] ~ Normal(z[t], sd: 1);
    }
}

model! {
    pub mod after_the_last {
        latent   z[t in T] ~ Normal(0, sd: 1);
        observed x[t in T] ~ Normal(z[t+1], sd: 1);
    }
}

fn main() {}
