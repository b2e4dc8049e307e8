use vi_core::prelude::*;

model! {
    pub mod m {
        latent   mu ~ Normal(0, sd: 1);
        observed x[n in N] ~ Normal(mo, sd: 1);
    }
}

model! {
    pub mod functions {
        param    a: Positive;
        observed x[n in N] ~ Normal(ln(a), sd: 1);
        observed y[n in N] ~ Normal(Gamma(1, 2), sd: 1);
    }
}

fn main() {}
