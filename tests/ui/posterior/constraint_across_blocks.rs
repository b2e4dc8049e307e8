use vi_core::prelude::*;

model! {
    pub mod ratings {
        given    winner[g in G]: Category[P];   given loser[g in G]: Category[P];
        latent   skill[p in P] ~ Normal(0, var: 1);
        observed s[g in G] ~ Normal(skill[winner[g]], sd: 1);
        for g in G { constrain skill[winner[g]] > skill[loser[g]]; }
    }
}

model! {
    pub mod outcome {
        latent   skill[p in P] ~ Normal(0, var: 1);
        observed x[p in P] ~ Normal(skill[p], sd: 1);
        for p in P { constrain x[p] > 0; }
    }
}

fn main() {}
