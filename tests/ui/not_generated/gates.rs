use vi_core::prelude::*;

model! {
    /// The regimes of two steps decide one row.
    pub mod two_regimes(K) {
        param    trans[i in K]: Simplex[K];   param a[j in K, k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a[z[t-1], z[t]] * x[t-1], var: 1);
        observed y[t in T]    ~ Normal(x[t], var: 1);
    }
}

model! {
    /// Two sets of regimes, each with a q of its own, decide one row.
    pub mod two_blocks(K) {
        param    w: Simplex[K];   param a[j in K, k in K]: Real;
        latent   z[t in T]    ~ Categorical(w);
        latent   u[t in T]    ~ Categorical(w);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a[z[t], u[t]] * x[t-1], var: 1);
        observed y[t in T]    ~ Normal(x[t], var: 1);
        factorize { q(z); q(u); q(x); }
    }
}

model! {
    /// A vector's arms.
    pub mod arms(H) {
        param    w: Unit;   param Q: SymPos[H];   param R: SymPos[H];
        latent   z[t in T]    ~ Bernoulli(w);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ match z[t] { true => Normal(x[t-1], cov: Q), false => Normal(x[t-1], cov: R) };
        observed y[t in T]    ~ Normal(x[t][0], var: 1);
    }
}

model! {
    /// A category decides which element of the chain is read.
    pub mod which_element(K) {
        param    w: Simplex[K];
        latent   z[n in N]    ~ Categorical(w);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[k in 1..K] ~ Normal(x[k-1], var: 1);
        observed y[n in N]    ~ Normal(x[z[n]], var: 1);
    }
}

model! {
    /// A category of the whole series, beside those of its steps, chooses rows of the chain.
    pub mod fewer_indices(K, C) {
        param    w: Simplex[C];   param trans[c in C, i in K]: Simplex[K];   param a[k in K]: Real;
        latent   c[s in S]            ~ Categorical(w);
        latent   z[s in S, 0]         ~ Uniform();
        latent   z[s in S, t in 1..T] ~ Categorical(trans[c[s], z[s, t-1]]);
        latent   x[s in S, 0]         ~ Normal(0, var: 1);
        latent   x[s in S, t in 1..T] ~ Normal(a[z[s, t]] * x[s, t-1], var: 1);
        observed y[s in S, t in T]    ~ Normal(x[s, t], var: 1);
        factorize { q(c, z); q(x); }
    }
}

model! {
    /// Two steps back, by a regime.
    pub mod two_steps_back(K) {
        param    w: Simplex[K];   param a[k in K]: Real;   param b: Real;
        latent   z[t in T]    ~ Categorical(w);
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[1]         ~ Normal(0, var: 1);
        latent   x[t in 2..T] ~ Normal(a[z[t]] * x[t-1] + b * x[t-2], var: 1);
        observed y[t in T]    ~ Normal(x[t], var: 1);
        factorize { q(z); q(x); }
    }
}

fn main() {}
