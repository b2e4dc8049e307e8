//! Factors of each unit that several files of tests are about.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

use vi_core::prelude::*;

model! {
    pub mod factor_analysis(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: psi);
    }
}
model! {
    pub mod ppca(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    s2: Positive;
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: s2);
    }
}
model! {
    /// Loadings as rows, and entries that may be missing.
    pub mod completion(H) {
        param    W[d in D]: Vector[H];   param mu[d in D]: Real;   param s2: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H]         ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real?     ~ Normal(dot(W[d], f[n]) + mu[d], var: s2);
    }
}
model! {
    pub mod analysers(K, H) {
        param    weight: Simplex[K];   param W[k in K]: Matrix[D, H];   param mu[k in K]: Vector[D];   param psi[d in D]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W[z[n]] * f[n] + mu[z[n]], var: psi);
    }
}
