use vi_core::prelude::*;

model! {
    pub mod m {
        given    a: Real ~ Normal(0, sd: 1);
        latent   b: Real;
        observed c[n in N]: Real;
        latent   d: Real? ~ Normal(0, sd: 1);
        param    e;
        let      f ~ Normal(0, sd: 1);
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

model! {
    pub mod checked {
        given    a: Real ~ Normal(0, sd: 1);
        latent   b: Real;
        observed c[n in N]: Real;
        latent   d: Real? ~ Normal(0, sd: 1);
        param    e;
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

fn main() {}
