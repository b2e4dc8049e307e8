use vi_core::prelude::*;

model! {
    /// A hidden Markov model.
    pub mod hmm(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed x[t in T]    ~ Normal(mean[z[t]], sd: 1);
    }
}

fn main() {}
