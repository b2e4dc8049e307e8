use vi_core::prelude::*;

model! {
    pub mod c1(K, C) {
        given w[s in S]: Count;
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param mix[k in K]: Simplex[C];
        param mean[k in K, c in C]: Real;
        param s2[c in C]: Positive;
        param rate[k in K]: Positive;
        for s in S repeat w[s] {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            latent   c[s, t in T[s]]    ~ Categorical(mix[z[s, t]]);
            observed x[s, t in T[s]]: Real? ~ Normal(mean[z[s, t], c[s, t]], var: s2[c[s, t]]);
            observed n[s, t in T[s]]: Count? ~ Poisson(rate[z[s, t]]);
        }
    }
}
model! {
    pub mod c2(K) {
        given x[s in S, t in T[s]]: Vector[D];
        latent start: Simplex[K] ~ Dirichlet(1);
        latent trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent alpha[k in K, d in D] ~ Gamma(shape: 1, rate: 1);
        latent b[k in K, d in D] ~ Normal(0, prec: alpha[k, d]);
        latent tau[k in K] ~ Gamma(shape: 1, rate: 1);
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Real? ~ Normal(dot(b[z[s, t]], x[s, t]), prec: tau[z[s, t]]);
        }
    }
}
model! {
    pub mod c3(K) {
        given  parent[i in 1..N]: Category[i];
        given  exposure[i in N]: Positive;
        latent root: Simplex[K] ~ Dirichlet(1);
        latent trans[i in K]: Simplex[K] ~ Dirichlet(0.5);
        latent rate[k in K] ~ Gamma(shape: 1, rate: 0.1);
        latent z[0] ~ Categorical(root);
        latent z[i in 1..N] ~ Categorical(trans[z[parent[i]]]);
        observed y[i in N]: Count? ~ Poisson(exposure[i] * rate[z[i]]);
    }
}
model! {
    pub mod c4(K) {
        param trans[i in K]: Simplex[K];
        param a[k in K]: Real;
        param b[k in K]: Real;
        param s2[k in K]: Positive;
        for s in S {
            latent   z[s, 1]            ~ Uniform();
            latent   z[s, t in 2..T[s]] ~ Categorical(trans[z[s, t-1]]);
            given    y[s, 0]: Real;
            observed y[s, t in 1..T[s]] ~ Normal(a[z[s, t]] * y[s, t-1] + b[z[s, t]], var: s2[z[s, t]]);
        }
    }
}
model! {
    /// Inputs choose the transitions; some states are known.
    pub mod c5(K, U, V) {
        given u[n in N, t in T]: Category[U];
        param start: Simplex[K];
        param trans[u in U, i in K]: Simplex[K] ~ Dirichlet(1.5);
        param emit[k in K]: Simplex[V];
        observed z[n in N, 0]: Category[K]? ~ Categorical(start);
        observed z[n in N, t in 1..T]: Category[K]? ~ Categorical(trans[u[n, t], z[n, t-1]]);
        observed w[n in N, t in T]: Category[V]? ~ Categorical(emit[z[n, t]]);
    }
}
model! {
    pub mod c6 {
        param p[k in 0..2]: Unit;
        param rate[k in 0..3]: Positive;
        let trans[0] = [p[0], 1 - p[0], 0];
        let trans[1] = [0, p[1], 1 - p[1]];
        let trans[2] = [0, 0, 1];
        for s in S {
            latent   z[s, 0]            ~ Constant(0);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Count? ~ Poisson(rate[z[s, t]]);
        }
    }
}
model! {
    pub mod c7b(K) {
        given of[s in S]: Category[G];
        param start[g in G]: Simplex[K];
        param trans[g in G, i in K]: Simplex[K];
        param mean[g in G, k in K]: Real;
        param s2: Positive;
        for s in S {
            latent   z[s, 0]            ~ Categorical(start[of[s]]);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[of[s], z[s, t-1]]);
            observed y[s, t in T[s]]: Real? ~ Normal(mean[of[s], z[s, t]], var: s2);
        }
    }
}
model! {
    pub mod c8(K, L, M) {
        param a[i in K]: Simplex[K];
        param b[i in L]: Simplex[L];
        param c[i in M]: Simplex[M];
        param u0[k in K]: Real; param v0[l in L]: Real; param w0[m in M]: Real;
        param s2: Positive;
        latent u[0] ~ Uniform();
        latent v[0] ~ Uniform();
        latent w[0] ~ Uniform();
        latent u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent v[t in 1..T] ~ Categorical(b[v[t-1]]);
        latent w[t in 1..T] ~ Categorical(c[w[t-1]]);
        observed y[t in T]: Real? ~ Normal(u0[u[t]] + v0[v[t]] + w0[w[t]], var: s2);
    }
}
model! {
    /// Two change points.
    pub mod c10 {
        latent rate[i in 0..2] ~ Gamma(shape: 1, rate: 1);
        latent change: Category[T] ~ Uniform();
        latent tau ~ Gamma(shape: 1, rate: 1);
        observed y[t in T]: Count? ~ match t < change { true => Poisson(rate[0]), false => Poisson(rate[1]) };
        observed x[t in T]: Real? ~ Normal(0, prec: tau);
    }
}
model! {
    pub mod c11(K) {
        param trans[i in K]: Simplex[K];
        param mean[k in K]: Real;
        param s2: Positive;
        param rate[k in K]: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   v[0]         ~ Uniform();
        latent   v[t in 1..U] ~ Categorical(trans[v[t-1]]);
        observed y[t in T]: Real? ~ Normal(mean[z[t]], var: s2);
        observed n[t in U]: Count? ~ Poisson(rate[v[t]]);
    }
}
model! {
    pub mod c13(K) {
        given  e[s in S, t in T[s]]: Positive;
        param  trans[i in K]: Simplex[K];
        latent rate[k in K] ~ Gamma(shape: 1, rate: 1);
        latent own[s in S] ~ Gamma(shape: 2, rate: 2);
        for s in S {
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Count? ~ Poisson(e[s, t] * own[s] * rate[z[s, t]]);
        }
    }
}
model! {
    pub mod c14(K) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param p[k in K, d in D]: Unit;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T, d in D]: Bool? ~ Bernoulli(p[z[t], d]);
    }
}
model! {
    pub mod c15(K) {
        given  n[t in T]: Count;
        param trans[i in K]: Simplex[K];
        param p[k in K]: Unit;
        param q[k in K]: Simplex[V];
        param mu[k in K]: Positive;
        param r[k in K]: Positive;
        param ga[k in K]: Positive;
        param gb[k in K]: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed a[t in T]: Count? ~ Binomial(n[t], p[z[t]]);
        observed b[t in T]~ Multinomial(3, q[z[t]]);
        observed c[t in T]: Count? ~ NegativeBinomial(mean: mu[z[t]], dispersion: r[z[t]]);
        observed g[t in T]: Positive? ~ Gamma(shape: ga[z[t]], rate: gb[z[t]]);
    }
}
model! {
    /// Order two in the data, lagged states in the emission, covariates, tied states.
    pub mod c17(K) {
        given x[t in T]: Vector[P];
        param trans[i in K]: Simplex[K];
        param phi[k in K]: Vector[2];
        param beta[k in K]: Vector[P];
        param s2[k in K]: Positive(min: 1e-9);
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[0] ~ Normal(0, var: 10);
        observed y[1] ~ Normal(0, var: 10);
        observed y[t in 2..T] ~ Normal(phi[z[t]][0] * y[t-1] + phi[z[t]][1] * y[t-2] + dot(beta[z[t]], x[t]), var: s2[z[t]]);
    }
}
model! {
    pub mod c19(K) {
        given x[t in T]: Vector[P];
        param w[i in K, j in K]: Vector[P];
        param mean[k in K]: Real;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(logit: [dot(w[z[t-1], j], x[t]) for j in K]);
        observed y[t in T]    ~ Normal(mean[z[t]], var: 1);
    }
}
model! {
    /// Hidden Markov with a hierarchy of means and a shared noise scale, all latent.
    pub mod c20(K) {
        latent trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent m ~ Normal(0, sd: 10);
        latent t0 ~ Gamma(shape: 1, rate: 1);
        latent mean[k in K] ~ Normal(m, prec: t0);
        latent tau ~ Gamma(shape: 1, rate: 1);
        for s in S {
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Real? ~ Normal(mean[z[s, t]], prec: tau);
        }
    }
}
model! {
    /// A chain with Student emissions and a mixture inside.
    pub mod c21(K) {
        param trans[i in K]: Simplex[K];
        param mean[k in K]: Real;
        param s[k in K]: Positive;
        param nu: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]: Real? ~ StudentT(mean[z[t]], scale: s[z[t]], dof: nu);
    }
}
model! {
    /// Bool chain, hysteresis, zero inflation.
    pub mod c22 {
        param up: Unit; param down: Unit; param p: Unit;
        param rate: Positive;
        latent   on[0]         ~ Bernoulli(p);
        latent   on[t in 1..T] ~ match on[t-1] { true => Bernoulli(1 - down), false => Bernoulli(up) };
        observed y[t in T]: Count? ~ match on[t] { true => Poisson(rate), false => Constant(0) };
    }
}
