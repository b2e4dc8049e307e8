use vi_core::prelude::*;

model! {
    pub mod guard {
        param    p: Unit;
        latent   on[n in N] ~ Bernoulli(p);
        observed x[n in N if on[n]] ~ Normal(0, sd: 1);
    }
}

model! {
    pub mod copies {
        latent   c ~ Normal(0, sd: 1);
        for n in N repeat c { observed x[n] ~ Normal(c, sd: 1); }
    }
}

model! {
    pub mod outside(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        given    count[n in N]: Count;
        for n in N repeat count[n] { latent z[n] ~ Categorical(weight); }
        observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
    }
}

fn main() {}
