use vi_core::prelude::*;

model! {
    pub mod m(K) {
        param    weight: Simplex[K];
        param    p[k in K]: Unit;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Bernoulli(p[z[n], 0]);
        observed u[n in N] ~ Bernoulli(p);
    }
}

fn main() {}
