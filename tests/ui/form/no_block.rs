use vi_core::prelude::*;

model! {

}

model! {
    pub mixture(K) {
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

model! {
    pub mod mixture(K);
}

fn main() {}
