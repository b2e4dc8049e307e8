use vi_core::prelude::*;

model! {
    pub mod m(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    s2: Positive;
        observed x[n in N]: Vector[D] ~ Normal(mu, cov: W * W.t() + s2);
    }
}

model! {
    pub mod diagonal(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    s2: Positive;
        observed x[n in N]: Vector[D] ~ Normal(mu, cov: W * W.t() + diag([s2 for d in D]));
    }
}

model! {
    pub mod sum_of_two {
        param    S: SymPos[D];
        param    T: SymPos[D];
        observed x[n in N]: Vector[D] ~ Normal(0, cov: S + T);
    }
}

fn main() {}
