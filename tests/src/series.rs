//! Chains of Gaussians that several files of tests are about.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

use vi_core::prelude::*;

model! {
    pub mod panel {
        param    m0: Real;   param p0: Positive;   param a: Real;   param q: Positive;
        param    c: Real;    param b: Real;        param r: Positive;
        for s in S {
            latent   x[s, 0]                 ~ Normal(m0, var: p0);
            latent   x[s, t in 1..T[s]]      ~ Normal(a * x[s, t-1], var: q);
            observed y[s, t in T[s]]: Real?  ~ Normal(c * x[s, t] + b, var: r);
        }
    }
}
model! {
    pub mod state_space(H) {
        param    A: Matrix[H, H];   param Q: SymPos[H];
        param    C: Matrix[D, H];   param R: SymPos[D];
        param    m0: Vector[H];     param P0: SymPos[H];
        latent   x[0]         ~ Normal(m0, cov: P0);
        latent   x[t in 1..T] ~ Normal(A * x[t-1], cov: Q);
        observed y[t in T]    ~ Normal(C * x[t], cov: R);
    }
}
model! {
    /// A level and its slope.
    pub mod trend {
        param    q: Positive;   param w: Positive;   param r: Positive;
        latent   level[0]         ~ Normal(1, var: 9);
        latent   slope[0]         ~ Normal(0, var: 4);
        latent   slope[t in 1..T] ~ Normal(slope[t-1], var: w);
        latent   level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: q);
        observed y[t in T]: Real? ~ Normal(level[t], var: r);
    }
}
model! {
    /// The same, of which nothing is known at first.
    pub mod diffuse {
        param    q: Positive;   param w: Positive;   param r: Positive;
        latent   level[0]         ~ Flat();
        latent   slope[0]         ~ Flat();
        latent   level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: q);
        latent   slope[t in 1..T] ~ Normal(slope[t-1], var: w);
        observed y[t in T]: Real? ~ Normal(level[t], var: r);
    }
}
model! {
    /// Statements that look back at data, and a given.
    pub mod pushed {
        given    u[t in T]: Real;
        param    q: Positive;   param r: Positive;   param k: Real;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(0.9 * x[t-1] + k * u[t], var: q);
        observed y[0]         ~ Normal(x[0], var: r);
        observed y[t in 1..T] ~ Normal(x[t] + 0.5 * y[t-1], var: r);
    }
}
