use vi_core::prelude::*;

model! {
    pub mod m {
        latent   a ~ Normal(0, sd: 1);
        latent   b ~ Normal(0, sd: 1);
        observed won ~ Constant(a > b);
    }
}

fn main() {}
