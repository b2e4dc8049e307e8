use vi_core::prelude::*;

model! {
    /// Ratings from wins.
    pub mod ratings {
        given    winner[g in G]: Category[P];
        given    loser[g in G]: Category[P];
        latent   skill[p in P] ~ Normal(0, var: 1);
        latent   gap[g in G]   ~ Normal(skill[winner[g]] - skill[loser[g]], var: 2);
        for g in G { constrain gap[g] > 0; }
    }
}

model! {
    /// A rate for each kind.
    pub mod gated(K) {
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   rate[n in N] ~ Gamma(shape: 2, rate: a[z[n]]);
        observed y[n in N] ~ Poisson(rate[n]);
    }
}

fn main() {}
