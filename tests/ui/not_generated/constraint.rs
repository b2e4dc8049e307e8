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

fn main() {}
