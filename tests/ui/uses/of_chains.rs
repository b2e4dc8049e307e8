use vi_core::prelude::*;

model! {
    /// Categories that follow one another.
    pub mod regimes(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];   param mean[k in K]: Real;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(mean[z[t]], var: 1);
    }
}

model! {
    /// A coefficient of each step, held apart from the level.
    pub mod held_apart {
        given    c[t in T]: Real;
        latent   b[t in T]    ~ Normal(0, var: 10);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: 1);
        observed y[t in T]    ~ Normal(x[t] + c[t] * b[t], var: 1);
        factorize { q(b); q(x); }
    }
}

model! {
    /// Loadings that are latents.
    pub mod loadings(H) {
        latent   W[d in D, h in H] ~ Normal(0, var: 1);
        latent   f[n in N, h in H] ~ Normal(0, var: 1);
        observed y[n in N, d in D] ~ Normal(sum(W[d, h] * f[n, h] for h in H), var: 1);
        factorize { q(W); q(f); }
    }
}

model! {
    /// Coefficients that stay beside every level.
    pub mod lasting {
        given    u[t in T]: Vector[K];
        param    q: Positive;   param r: Positive;
        latent   b[k in K]    ~ Normal(0, var: 4);
        latent   x[0]         ~ Normal(0, var: 100);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t] + dot(b, u[t]), var: r);
    }
}

fn densities(fit: &Fit<regimes::Model>, data: &regimes::Data<'_>) -> Result<(), vi_core::Error> {
    fit.log_densities(data)?;
    Ok(())
}

fn filter(fit: &Fit<held_apart::Model>, data: &held_apart::Data<'_>) -> Result<(), vi_core::Error> {
    fit.filter(data)?;
    Ok(())
}

fn ahead(fit: &Fit<lasting::Model>, data: &lasting::Data<'_>) -> Result<(), vi_core::Error> {
    fit.filter(data)?;
    Ok(())
}

fn oriented(fit: &Fit<loadings::Model>) -> Fit<loadings::Model> {
    fit.canonical()
}

fn main() {}
