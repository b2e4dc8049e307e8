use vi_core::prelude::*;

model! {
    #[exact]
    pub mod bayesian_mixture(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   mean[k in K] ~ Normal(0, sd: 10);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
    }
}

model! {
    #[exact]
    pub mod switching(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    a[k in K]: Real;     param r: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[t in 1..T] ~ Normal(a[z[t]] * x[t-1], var: 1);
        observed y[t in T]    ~ Normal(x[t], var: r);
    }
}

fn main() {}
