use vi_core::prelude::*;

model! {
    pub mod bounds {
        given    v: Vector[D];
        param    a: Real;
        observed x[n in N] ~ Normal(0, sd: 1, min: v);
        observed y[n in N] ~ Normal(a ^ 0.5, sd: 1);
        observed u[n in N] ~ Normal(log(a), sd: 1);
    }
}

model! {
    pub mod conditions(K) {
        param    weight: Simplex[K];
        given    a[n in N]: Real;
        observed z[n in N if a[n]] ~ Categorical(weight);
    }
}

model! {
    pub mod arms(K) {
        param    p: Unit;
        latent   on[n in N] ~ Bernoulli(p);
        observed y[n in N]  ~ match on[n] { 7 => Poisson(1), _ => Poisson(2), true => Poisson(3) };
    }
}

model! {
    pub mod literals(K) {
        param    a[k in K]: Real;
        given    r[n in N]: Real;
        observed x[n in N] ~ Normal([1, 2][3], sd: 1);
        observed y[n in N] ~ Normal(dot(a, onehot(r[n])), sd: 1);
    }
}

fn main() {}
