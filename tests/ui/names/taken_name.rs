use vi_core::prelude::*;

model! {
    pub mod m(K) {
        param    K: Real;
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

model! {
    pub mod method(step: Real) {
        observed x[n in N] ~ Normal(step, sd: 1);
    }
}

model! {
    pub mod index {
        observed x[n in N, n in M] ~ Normal(0, sd: 1);
    }
}

fn main() {}
