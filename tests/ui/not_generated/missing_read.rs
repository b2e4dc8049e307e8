use vi_core::prelude::*;

model! {
    /// What is missing enters through a logit.
    pub mod through_a_logit {
        param    v: Positive;   param b: Real;
        observed x[n in N]: Real? ~ Normal(0, var: v);
        observed y[n in N] ~ Bernoulli(logit: b * x[n]);
    }
}

model! {
    /// What is missing has no Gaussian prior.
    pub mod positive {
        param    v: Positive;   param b: Real;
        observed x[n in N]: Positive? ~ Gamma(shape: 2, rate: v);
        observed y[n in N] ~ Normal(b * x[n], var: 1);
    }
}

model! {
    /// What is missing cannot be held at its mode beside data that are known.
    pub mod mode {
        param    v: Positive;   param b: Real;
        observed x[n in N]: Real? ~ Normal(0, var: v);
        observed y[n in N] ~ Normal(b * x[n], var: 1);
        factorize { q(x): Point; }
    }
}

model! {
    /// Counts are no numbers that a Gaussian could stand for.
    pub mod counts {
        param    r: Positive;   param b: Real;
        observed x[n in N]: Count? ~ Poisson(r);
        observed y[n in N] ~ Normal(b * x[n], var: 1);
    }
}

model! {
    /// What is missing has bounds.
    pub mod within_bounds {
        param    v: Positive;   param b: Real;
        observed x[n in N]: Real? ~ Normal(0, var: v, min: 0);
        observed y[n in N] ~ Normal(b * x[n], var: 1);
    }
}

model! {
    /// What is missing is constrained.
    pub mod constrained {
        param    v: Positive;   param b: Real;
        observed x[n in N]: Real? ~ Normal(0, var: v);
        observed y[n in N] ~ Normal(b * x[n], var: 1);
        for n in N { constrain x[n] > 0; }
    }
}

fn main() {}
