use vi_core::prelude::*;

model! {
    /// A bound that is estimated.
    pub mod threshold {
        param    least: Real;
        latent   mu          ~ Normal(0, var: 10);
        latent   x[n in N]   ~ Normal(mu, var: 1);
        observed y[n in N]   ~ Normal(x[n], var: 1);
        for n in N { constrain x[n] > least; }
    }
}

model! {
    /// Elements of one vector, each of which is kept positive.
    pub mod weights {
        given    x[n in N]: Vector[D];
        latent   w[d in D]: Positive ~ Normal(0, sd: 1, min: 0);
        observed y[n in N] ~ Normal(w[0], var: 1);
        for d in D { constrain w[d] < 2; }
    }
}

fn main() {}
