use vi_core::prelude::*;

model! {
    #[exact(yes)]
    pub mod m {
        #[exact]
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

fn main() {}
