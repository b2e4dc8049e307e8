use vi_core::prelude::*;

model! {
    pub mod m {
        param    w: Unit;
        observed x[n in N] ~ Normal([1, 2], sd: 1);
        observed y: Count ~ Poisson(log: "red");
    }
}

fn main() {}
