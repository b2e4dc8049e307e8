use vi_core::prelude::*;

model! {
    #[allow(missing_docs)]
    pub mod m {
        /// The mean.
        #[cfg(test)]
        param    mu: Real;
        observed x[n in N] ~ Normal(mu, sd: 1);
    }
}

fn main() {}
