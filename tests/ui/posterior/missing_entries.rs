use vi_core::prelude::*;

model! {
    pub mod incomplete_rows(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N]: Vector[D]? ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

fn main() {}
