use vi_core::prelude::*;

model! {
    pub mod capped {
        param    a: Real;
        let      b: Real(min: 0) = 2 * a;
        observed x[n in N] ~ Normal(b, sd: 1);
    }
}

fn main() {}
