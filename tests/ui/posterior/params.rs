use vi_core::prelude::*;

model! {
    pub mod discrete(K) {
        param    k: Category[K];
        param    mean[k in K]: Real;
        param    unused: Real;
        observed x[n in N] ~ Normal(mean[k], sd: 1);
    }
}

fn main() {}
