use vi_core::prelude::*;

model! {
    pub mod matches {
        given    one[g in G]: Category[P];   given other[g in G]: Category[P];
        latent   a[p in P] ~ Gamma(shape: 1, rate: 1);
        observed y[g in G] ~ Poisson(a[one[g]] * a[other[g]]);
    }
}

model! {
    pub mod inside_a_sum(K, N) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[n in N] ~ Categorical(weight);
        observed total ~ Normal(sum(mean[z[n]] for n in N), sd: 1);
    }
}

fn main() {}
