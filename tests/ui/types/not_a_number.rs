use vi_core::prelude::*;

model! {
    pub mod m(K) {
        param    weight: Simplex[K];
        given    x[n in N]: Vector[D];
        param    w: Vector[D];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(w * x[n], sd: 1);
        observed c[n in N] ~ Normal(exp(w), sd: 1);
    }
}

fn main() {}
