use vi_core::prelude::*;

model! {
    pub mod m {
        param    mu: Real;
        observed x[n in N] ~ Norml(mu, sd: 1);
    }
}

model! {
    pub mod far {
        param    mu: Real;
        observed x[n in N] ~ Zipf(mu);
    }
}

fn main() {}
