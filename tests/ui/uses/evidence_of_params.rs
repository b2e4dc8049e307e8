use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

fn evidence(fit: &Fit<mixture::Model>) -> f64 {
    fit.log_evidence()
}

fn main() {}
