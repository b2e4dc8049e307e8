#![allow(missing_docs)]
use vi_core::prelude::*;
model! {
    pub mod crossed(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K, l in K]: Real;
        latent   a[0]         ~ Uniform();
        latent   a[t in 1..T] ~ Categorical(trans[a[t-1]]);
        latent   b[0]         ~ Uniform();
        latent   b[r in 1..R] ~ Categorical(trans[b[r-1]]);
        observed y[t in T, r in R] ~ Normal(mean[a[t], b[r]], var: 1);
    }
}
model! {
    pub mod classes(K, C) {
        param    w: Simplex[C];
        param    trans[c in C, i in K]: Simplex[K];
        param    mean[k in K]: Real;
        for s in S {
            latent   c[s]            ~ Categorical(w);
            latent   z[s, 0]         ~ Uniform();
            latent   z[s, t in 1..T] ~ Categorical(trans[c[s], z[s, t-1]]);
            observed y[s, t in T]    ~ Normal(mean[z[s, t]], var: 1);
        }
    }
}
model! {
    pub mod first(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K, l in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(mean[z[0], z[t]], var: 1);
    }
}
model! {
    pub mod permuted(K) {
        given    perm[r in R]: Category[T];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[r in R]    ~ Normal(mean[z[perm[r]]], var: 1);
        given    x[t in T]: Real;
    }
}
model! {
    pub mod loops(K) {
        given    perm[t in 1..T]: Category[T];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[perm[t]]]);
        observed y[t in T]    ~ Normal(mean[z[t]], var: 1);
    }
}
model! {
    pub mod guarded(K) {
        given    has[t in T]: Bool;
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T if has[t]] ~ Categorical(trans[z[t-1]]);
        observed y[t in T if has[t]]    ~ Normal(mean[z[t]], var: 1);
    }
}
model! {
    pub mod grand(K) {
        given    parent[n in 1..N]: Category[n];
        param    trans[i in K, j in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]], z[0]]);
        observed y[n in N]    ~ Normal(mean[z[n]], var: 1);
    }
}
model! {
    pub mod each(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(mean[z[t]], var: 1);
        factorize { q(z[each]); }
    }
}
model! {
    pub mod apart(K) {
        param    a[i in K]: Simplex[K];
        param    mean[k in K, l in K]: Real;
        latent   u[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[0]         ~ Uniform();
        latent   v[t in 1..T] ~ Categorical(a[v[t-1]]);
        observed y[t in T]    ~ Normal(mean[u[t], v[t]], var: 1);
        factorize { q(u); q(v); }
    }
}
model! {
    pub mod point(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(mean[z[t]], var: 1);
        factorize { q(z): Point; }
    }
}
model! {
    pub mod spectral(K) {
        given    m[r in R]: Category[T];
        given    l[r in R]: Category[T];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K, l in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[r in R]    ~ Normal(mean[z[m[r]], z[l[r]]], var: 1);
    }
}
fn main() {}
