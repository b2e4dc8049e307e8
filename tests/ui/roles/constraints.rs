use vi_core::prelude::*;

model! {
    pub mod without_latents {
        param    a: Real;
        observed x[n in N] ~ Normal(a, sd: 1);
        constrain a > 0;
    }
}

model! {
    pub mod equality {
        latent   a ~ Normal(0, sd: 1);
        observed x[n in N] ~ Normal(a, sd: 1);
        constrain a == 0;
    }
}

fn main() {}
