use vi_core::prelude::*;

model! {
    pub mod incomplete_steps {
        param    A: Matrix[D, D];
        param    S: SymPos[D];
        observed x[0]: Vector[D]?         ~ Normal(0, cov: S);
        observed x[t in 1..T]: Vector[D]? ~ Normal(A * x[t-1], cov: S);
    }
}

fn main() {}
