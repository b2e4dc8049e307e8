use vi_core::prelude::*;

model! {
    pub mod uncertain_mean {
        param    S: SymPos[D];
        latent   mu: Vector[D] ~ Normal(0, var: 10);
        observed x[n in N]: Vector[D]? ~ Normal(mu, cov: S);
    }
}

fn main() {}
