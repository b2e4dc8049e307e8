use vi_core::prelude::*;

model! {
    pub mod upwards(K) {
        param    prev: Simplex[K];
        param    conf[i in K]: Simplex[j in K if j >= i];
        latent   z[n in N] ~ Categorical(prev);
        observed x[n in N] ~ Categorical(conf[z[n]]);
    }
}

fn main() {}
