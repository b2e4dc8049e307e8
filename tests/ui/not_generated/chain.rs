use vi_core::prelude::*;

model! {
    /// A chain some of whose elements are not there.
    pub mod guarded(K) {
        given    has[t in T]: Bool;
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]                   ~ Uniform();
        latent   z[t in 1..T if has[t]] ~ Categorical(trans[z[t-1]]);
        observed y[t in T if has[t]]    ~ Normal(mean[z[t]], var: 1);
    }
}

model! {
    /// Time comes first.
    pub mod axis_first(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0, s in S]         ~ Uniform();
        latent   z[t in 1..T, s in S] ~ Categorical(trans[z[t-1, s]]);
        observed y[t in T, s in S]    ~ Normal(mean[z[t, s]], var: 1);
    }
}

model! {
    /// Every observation reads the first state.
    pub mod first(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K, l in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(mean[z[0], z[t]], var: 1);
    }
}

model! {
    /// Sequences in groups.
    pub mod nested(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[r in R, k in K]: Real;
        for r in R, s in S {
            latent   z[r, s, 0]         ~ Uniform();
            latent   z[r, s, t in 1..T] ~ Categorical(trans[z[r, s, t-1]]);
            observed y[r, s, t in T]    ~ Normal(mean[r, z[r, s, t]], var: 1);
        }
    }
}

model! {
    /// A chain that what another was two steps ago drives, each with a q of its own.
    pub mod apart(K) {
        param    a[i in K, j in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   u[0]         ~ Uniform();
        latent   u[1]         ~ Uniform();
        latent   u[t in 2..T] ~ Categorical(a[u[t-1], v[t-2]]);
        latent   v[0]         ~ Uniform();
        latent   v[t in 1..T] ~ Categorical(a[v[t-1], v[t-1]]);
        observed y[t in T]    ~ Normal(mean[u[t]], var: 1);
        factorize { q(u[..]); q(v[..]); }
    }
}

model! {
    /// One series, and means of its first step.
    pub mod first_mean(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   mu[k in K]   ~ Normal(0, var: 4);
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[0]         ~ Normal(mu[z[0]], var: 1);
        observed y[t in 1..T] ~ Normal(mean[z[t]], var: 1);
    }
}

fn main() {}
