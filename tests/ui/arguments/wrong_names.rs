use vi_core::prelude::*;

model! {
    pub mod unknown {
        latent   tau ~ Gamma(shape: 1, sape: 2);
        observed x[n in N] ~ Normal(0, prec: tau);
    }
}

model! {
    pub mod missing {
        latent   tau ~ Gamma(shape: 1);
        observed x[n in N] ~ Normal(0, prec: tau);
    }
}

model! {
    pub mod unnamed {
        latent   tau ~ Gamma(1, 2);
        observed x[n in N] ~ Normal(0, 1);
    }
}

model! {
    pub mod twice {
        latent   tau ~ Gamma(shape: 1, shape: 2, scal: 3);
        observed x[n in N] ~ Normal(0, sd: 1, var: 1);
    }
}

model! {
    pub mod all_at_once {
        observed x[n in N] ~ Normal(0, 1, standard_deviation: 2, variance: 3, deviation: 1);
    }
}

fn main() {}
