use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

fn main() {
    let single = [1.0_f32, 2.0];
    let _ = mixture::Data { x: (&single).into() };
    let _ = mixture::Data { x: single.len() };
}
