use vi_core::prelude::*;

model! {
    /// A precision for each component.
    pub mod components {
        latent   tau[d in D]   ~ Gamma(shape: 2, rate: 1);
        latent   mu: Vector[D] ~ Normal(0, prec: 0.5 * tau);
        observed x[n in N]     ~ Normal(mu, prec: tau);
    }
}

fn main() {}
