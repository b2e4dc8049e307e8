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
    pub mod state_space(H) {
        param    A: Matrix[H, H];   param Q: SymPos[H];
        param    C: Matrix[D, H];   param R: SymPos[D];
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(A * x[t-1], cov: Q);
        observed y[t in T]    ~ Normal(C * x[t], cov: R);
    }
}

fn main() {}
