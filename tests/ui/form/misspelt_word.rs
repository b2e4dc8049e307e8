use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        parma    weight: Simplex[K];
        latnet   z[n in N] ~ Categorical(weight);
        x[n in N] ~ Normal(0, sd: 1);
        offset = 3;
    }
}

fn main() {}
