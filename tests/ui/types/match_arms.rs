use vi_core::prelude::*;

model! {
    pub mod m {
        param    p: Unit;   param rate: Positive;
        latent   active[n in N] ~ Bernoulli(p);
        observed y[n in N]      ~ match active[n] { true => Poisson(rate) };
        observed u[n in N]      ~ match rate { _ => Poisson(rate) };
    }
}

fn main() {}
