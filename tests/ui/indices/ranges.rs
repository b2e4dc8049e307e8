use vi_core::prelude::*;

model! {
    pub mod two_sizes(K, L) {
        param    a[k in 0..K + L]: Real;
        observed x[n in N] ~ Normal(a[0], sd: 1);
    }
}

model! {
    pub mod bare_position {
        for 0 { observed x[n in N] ~ Normal(0, sd: 1); }
    }
}

model! {
    pub mod moving_target {
        for t in T { observed x[t + 1] ~ Normal(0, sd: 1); }
    }
}

model! {
    pub mod three_indices(K) {
        param    a[k in K]: Real;
        observed x[n in N] ~ Normal(dot(a, [1 for i in K, j in K, k in K]), sd: 1);
    }
}

model! {
    pub mod part_of_a_simplex(K) {
        param    w: Simplex[k in 1..K if k > 2];
        observed z[n in N] ~ Categorical(w);
    }
}

model! {
    pub mod header(R = W + 1, W) {
        observed x[w in W, r in R] ~ Normal(0, sd: 1);
    }
}

fn main() {}
