use vi_core::prelude::*;

model! {
    pub mod count {
        latent   rate ~ LogNormal(0, sd: 1);
        observed x[n in N] ~ Poisson(rate);
    }
}

model! {
    pub mod proportion {
        latent   p: Unit ~ Uniform(0, 1);
        latent   a ~ Gamma(shape: 1, rate: 1);
        observed q[n in N] ~ Beta(a, 1 + a);
        observed x[n in N] ~ Bernoulli(p);
    }
}

fn main() {}
