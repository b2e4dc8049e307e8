use vi_core::prelude::*;

model! {
    pub mod rate {
        param    a: Real;
        latent   tau ~ Gamma(shape: 1, rate: a);
        observed x[n in N] ~ Normal(0, prec: tau);
    }
}

model! {
    pub mod probability {
        param    a: Real;
        observed x[n in N] ~ Bernoulli(a);
    }
}

model! {
    pub mod scale {
        observed x[n in N] ~ Normal(0, sd: -1);
    }
}

model! {
    pub mod simplex {
        observed z[n in N] ~ Categorical([0.2, 0.7]);
    }
}

fn main() {}
