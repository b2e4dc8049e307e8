use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[n], sd: 1);
    }
}

model! {
    pub mod regression {
        given    x[n in N]: Vector[D];
        param    w: Vector[E];
        given    e[n in N]: Vector[E];
        observed y[n in N] ~ Normal(dot(w, x[n]), sd: 1);
    }
}

fn main() {}
