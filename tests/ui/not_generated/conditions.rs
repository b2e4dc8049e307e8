use vi_core::prelude::*;

model! {
    pub mod m {
        param    p: Unit;
        given    known[n in N]: Bool;
        latent   on[n in N if not known[n]] ~ Bernoulli(p);
        observed x[n in N if not known[n]] ~ Normal(on[n], sd: 1);
    }
}

model! {
    pub mod folded {
        param    mu: Positive;
        observed x[n in N] ~ Laplace(0, scale: 1 + mu, min: 0);
    }
}

model! {
    pub mod product {
        param    a: Real;   param b: Real;
        observed x[n in N] ~ Normal(exp(a * b), sd: 1);
    }
}

fn main() {}
