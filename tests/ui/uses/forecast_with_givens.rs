use vi_core::prelude::*;

model! {
    /// What is given in each step moves a level.
    pub mod moved {
        given    u[t in T]: Real;
        param    q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 2);
        latent   x[t in 1..T] ~ Normal(x[t-1] + u[t], var: q);
        observed y[t in T]: Real? ~ Normal(x[t], var: r);
    }
}

model! {
    /// Sequences that count several times.
    pub mod weighted(K) {
        given    w[s in S]: Count;
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        for s in S repeat w[s] {
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]    ~ Normal(mean[z[s, t]], var: 1);
        }
    }
}

fn forecast(fit: &Fit<moved::Model>, data: &moved::Data<'_>) {
    let _ = fit.forecast(data, 3);
}

fn simulate(params: &weighted::Params, data: &weighted::Data<'_>) {
    let _ = weighted::Model::new(2).simulate(params, data, 1);
}

fn main() {}
