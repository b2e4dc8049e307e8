use vi_core::prelude::*;

model! {
    pub mod m {
        latent   loop ~ Normal(0, sd: 1);
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

model! {
    pub mod type {
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

fn main() {}
