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
    pub mod two_back_beside_categories(K) {
        param    pi: Simplex[K];   param b: Real;   param q[k in K]: Positive;   param r: Positive;
        latent   z[t in T]    ~ Categorical(pi);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[1]         ~ Normal(0, var: 1);
        latent   x[t in 2..T] ~ Normal(x[t-1] + b * x[t-2], var: q[z[t]]);
        observed y[t in T]    ~ Normal(x[t], var: r);
        factorize { q(z); q(x); }
    }
}

model! {
    pub mod begins_late {
        param    q: Positive;   param r: Positive;
        latent   x[1]         ~ Normal(0, var: 1);
        latent   x[t in 2..T] ~ Normal(x[t-1], var: q);
        observed y[t in 1..T] ~ Normal(x[t], var: r);
    }
}

model! {
    pub mod slopes_of_states_that_stay(H) {
        param    A: Matrix[H, H];   param Q: SymPos[H];   param r: Positive;
        latent   mu: Vector[H] ~ Normal(0, var: 10);
        latent   x[0]          ~ Normal(mu, cov: Q);
        latent   x[t in 1..T]  ~ Normal(A * x[t-1], cov: Q);
        observed y[t in T]     ~ Normal(x[t], var: r);
    }
}

model! {
    pub mod beside_a_product {
        param    q: Positive;   param r: Positive;
        latent   a            ~ Normal(0, var: 1);
        latent   b            ~ Normal(0, var: 1);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a * b * x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}

fn main() {}
