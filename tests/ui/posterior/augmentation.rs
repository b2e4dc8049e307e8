use vi_core::prelude::*;

model! {
    /// Logistic regression with a prior on the coefficients.
    pub mod logistic(s: Positive = 2.5) {
        given    x[n in N]: Vector[D];
        latent   w[d in D] ~ Normal(0, sd: s);
        latent   b         ~ Normal(0, sd: 10);
        observed y[n in N] ~ Bernoulli(logit: dot(w, x[n]) + b);
    }
}

model! {
    /// Poisson factorisation.
    pub mod poisson_factorisation(K, a: Positive = 0.3, b: Positive = 1.0) {
        latent   user[i in I, k in K] ~ Gamma(shape: a, rate: b);
        latent   item[j in J, k in K] ~ Gamma(shape: a, rate: b);
        observed y[i in I, j in J]    ~ Poisson(sum(user[i, k] * item[j, k] for k in K));
    }
}

model! {
    pub mod probit {
        given    x[n in N]: Vector[D];
        latent   w: Vector[D] ~ Normal(0, sd: 1);
        observed y[n in N] ~ Bernoulli(probit: dot(w, x[n]));
    }
}

fn main() {}
