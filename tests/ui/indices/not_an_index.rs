use vi_core::prelude::*;

model! {
    pub mod m(K) {
        given    a[n in N]: Real;
        param    p[k in K]: Unit;
        observed y[n in N] ~ Bernoulli(p[a[n]]);
    }
}

fn main() {}
