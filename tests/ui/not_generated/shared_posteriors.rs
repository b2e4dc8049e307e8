use vi_core::prelude::*;

model! {
    pub mod cut_off {
        latent   s ~ Normal(0, sd: 1, min: 0);
        observed y[n in N] ~ Normal(s, var: 0.5);
    }
}

model! {
    pub mod positive_location {
        latent   s ~ Exponential(rate: 2);
        observed y[n in N] ~ Normal(s, var: 0.5);
    }
}

model! {
    pub mod unit_location {
        latent   s ~ Beta(1, 1);
        observed y[n in N] ~ Normal(s, var: 0.5);
    }
}

model! {
    pub mod mirrored {
        latent   x[i in N, j in N if i <= j] ~ Normal(0, var: 2);
        observed y[i in N, j in N] ~ Normal(x[i, j], var: 0.5);
    }
}

model! {
    pub mod holes {
        latent   x[i in N, j in N if i < j] ~ Gamma(shape: 3, rate: 4);
        observed y[i in N, j in N if i < j] ~ Poisson(x[i, j]);
    }
}

model! {
    pub mod from_one(K) {
        latent   x[k in 1..K] ~ Gamma(shape: 3, rate: 4);
        observed y[k in 1..K] ~ Poisson(x[k]);
    }
}

model! {
    pub mod ragged {
        latent   r[s in S, i in I[s]] ~ Gamma(shape: 3, rate: 4);
        observed y[s in S, i in I[s]] ~ Poisson(r[s, i]);
    }
}

fn main() {}
