use vi_core::prelude::*;

model! {
    pub mod lda(K, V, alpha: Positive = 0.1, eta: Positive = 0.01) {
        latent topic[k in K]: Simplex[V] ~ Dirichlet(eta);
        given  count[d in Docs, i in I[d]]: Count;
        for d in Docs {
            latent share[d]: Simplex[K] ~ Dirichlet(alpha);
            for i in I[d] repeat count[d, i] {
                latent   z[d, i]    ~ Categorical(share[d]);
                observed word[d, i] ~ Categorical(topic[z[d, i]]);
            }
        }
    }
}

model! {
    pub mod rate {
        latent   lambda ~ Gamma(shape: 1, rate: 1);
        observed x[n in N] ~ Poisson(lambda);
    }
}

fn main() {}
