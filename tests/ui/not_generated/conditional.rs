use vi_core::prelude::*;

model! {
    /// A matrix in every state.
    pub mod matrices(nu: Positive, W: SymPos[D]) {
        latent   wide ~ Bernoulli(0.5);
        latent   prec ~ match wide { true => Wishart(dof: nu, scale: 0.1 * W), false => Wishart(dof: nu, scale: W) };
        observed x[n in N] ~ Normal(0, prec: prec);
    }
}

model! {
    /// A scale for each step of a chain but the first.
    pub mod late(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];   param tau[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   u[t in 1..T] ~ Gamma(shape: 2, rate: 2);
        observed x[t in 1..T] ~ Normal(0, prec: u[t] * tau[z[t]]);
    }
}

model! {
    /// The category of another unit.
    pub mod neighbour(K) {
        param    w: Simplex[K];   param m[k in K]: Real;
        latent   z[n in N] ~ Categorical(w);
        latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
        observed x[n in 0..N-1] ~ Normal(m[z[n+1]], prec: u[n]);
    }
}

model! {
    /// Ragged inside a unit.
    pub mod ragged(K) {
        param    w: Simplex[K];   param a[k in K]: Positive;
        latent   z[s in S] ~ Categorical(w);
        latent   u[s in S, t in T[s]] ~ Gamma(shape: a[z[s]], rate: 1);
        observed y[s in S, t in T[s]] ~ Poisson(u[s, t]);
    }
}

model! {
    /// Copies.
    pub mod copies(K) {
        given    count[n in N]: Count;
        param    w: Simplex[K];   param a[k in K]: Positive;
        for n in N repeat count[n] {
            latent   z[n] ~ Categorical(w);
            latent   u[n] ~ Gamma(shape: a[z[n]], rate: 1);
            observed y[n] ~ Poisson(u[n]);
        }
    }
}

model! {
    /// Some units have one.
    pub mod some(K) {
        given    has[n in N]: Bool;
        param    w: Simplex[K];   param a[k in K]: Positive;
        latent   z[n in N] ~ Categorical(w);
        latent   u[n in N if has[n]] ~ Gamma(shape: a[z[n]], rate: 1);
        observed y[n in N if has[n]] ~ Poisson(u[n]);
    }
}

model! {
    /// What is read of it is no statistic of its family.
    #[exact]
    pub mod no_statistic(K) {
        param    w: Simplex[K];   param a[k in K]: Positive;
        latent   z[n in N] ~ Categorical(w);
        latent   u[n in N] ~ Gamma(shape: a[z[n]], rate: 1);
        observed y[n in N] ~ NegativeBinomial(mean: u[n], dispersion: 2);
    }
}

fn main() {}
