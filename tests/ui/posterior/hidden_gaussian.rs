use vi_core::prelude::*;

model! {
    pub mod m(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    s2: Positive;
        observed x[n in N]: Vector[D] ~ Normal(mu, cov: W * W.t() + s2);
    }
}

fn main() {}
