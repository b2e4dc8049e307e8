use vi_core::prelude::*;

model! {
    pub mod m {
        given    w[n in N]: Real;
        param    a: Real;
        observed x[n in N] ~ Normal(a * w[n], sd: 1);
        init { x = 1; w[n in N] = 1; a = x[0]; }
    }
}

fn main() {}
