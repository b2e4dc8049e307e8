use vi_core::prelude::*;

model! {
    pub mod g1 {
        given x[t in T]: Real;
        param ql: Positive; param qs: Positive; param qw: Positive; param r: Positive; param beta: Real;
        latent level[0] ~ Normal(0, var: 100);
        latent slope[0] ~ Normal(0, var: 100);
        latent sa[0] ~ Normal(0, var: 100);
        latent sb[0] ~ Normal(0, var: 100);
        latent level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: ql);
        latent slope[t in 1..T] ~ Normal(slope[t-1], var: qs);
        latent sa[t in 1..T] ~ Normal(-sb[t-1], var: qw);
        latent sb[t in 1..T] ~ Normal(sa[t-1], var: qw);
        observed y[t in T]: Real? ~ Normal(level[t] + sa[t] + beta * x[t], var: r);
    }
}
model! {
    pub mod g1b {
        given x[t in T]: Real;
        param ql: Positive; param qs: Positive; param r: Positive;
        latent beta ~ Normal(0, sd: 10);
        latent level[0] ~ Normal(0, var: 100);
        latent slope[0] ~ Normal(0, var: 100);
        latent level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: ql);
        latent slope[t in 1..T] ~ Normal(slope[t-1], var: qs);
        observed y[t in T]: Real? ~ Normal(level[t] + beta * x[t], var: r);
        factorize { q(beta); }
    }
}
model! {
    pub mod g2 {
        given group[n in N]: Category[J];
        given x[n in N]: Vector[P];
        param mu: Vector[P];
        param cov: SymPos[P];
        param s2: Positive;
        latent b[j in J] ~ Normal(mu, cov: cov);
        observed y[n in N]: Real? ~ Normal(dot(b[group[n]], x[n]), var: s2);
    }
}
model! {
    pub mod g2b {
        given group[n in N]: Category[J];
        given x[n in N]: Vector[P];
        latent mu: Vector[P] ~ Normal(0, var: 100);
        latent prec: SymPos[P] ~ Wishart(dof: P + 1, scale: 1);
        latent tau ~ Gamma(shape: 1, rate: 1);
        latent b[j in J]: Vector[P] ~ Normal(mu, prec: prec);
        observed y[n in N]: Real? ~ Normal(dot(b[group[n]], x[n]), prec: tau);
    }
}
model! {
    pub mod g3 {
        given district[s in S]: Category[D];
        given school[n in N]: Category[S];
        param mu: Real; param sd2: Positive; param ss2: Positive; param s2: Positive;
        latent a[d in D] ~ Normal(mu, var: sd2);
        latent b[s in S] ~ Normal(a[district[s]], var: ss2);
        observed y[n in N]: Real? ~ Normal(b[school[n]], var: s2);
    }
}
model! {
    pub mod g4 {
        given  x[n in N]: Vector[D];
        param  nu: Positive;
        latent tau ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent alpha[d in D] ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent w[d in D] ~ Normal(0, prec: alpha[d]);
        latent u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed y[n in N]: Real? ~ Normal(dot(w, x[n]), prec: tau * u[n]);
    }
}
model! {
    pub mod g5(K, H) {
        given  c[n in N]: Count;
        param  weight: Simplex[K]; param W[k in K]: Matrix[D, H]; param mu[k in K]: Vector[D]; param psi[d in D]: Positive;
        for n in N repeat c[n] {
            latent   z[n] ~ Categorical(weight);
            latent   f[n]: Vector[H] ~ Normal(0, var: 1);
            observed x[n]: Vector[D]? ~ Normal(W[z[n]] * f[n] + mu[z[n]], var: psi);
        }
    }
}
model! {
    pub mod g7 {
        given  group[n in N]: Category[J];
        given  x[n in N]: Real;
        param  t2: Positive; param a2: Positive; param s2: Positive;
        latent m ~ Normal(0, sd: 100);
        latent m0 ~ Normal(0, sd: 100);
        latent slope[j in J] ~ Normal(m, var: t2);
        latent inter[j in J] ~ Normal(m0, var: a2);
        observed y[n in N]: Real? ~ Normal(inter[group[n]] + slope[group[n]] * x[n], var: s2);
    }
}
model! {
    pub mod g8 {
        given  x[n in N]: Vector[D];
        given  c[n in N]: Positive;
        param  alpha: Positive; param s2: Positive; param b: Real;
        latent w: Vector[D] ~ Normal(0, prec: alpha);
        observed y[n in N]: Real? ~ Normal(dot(w, x[n]) + b, var: s2 / c[n]);
    }
}
model! {
    pub mod g10(H) {
        latent alpha[h in H] ~ Gamma(shape: 1e-2, rate: 1e-2);
        latent W[d in D, h in H] ~ Normal(0, prec: alpha[h]);
        latent mu[d in D] ~ Normal(0, var: 100);
        latent psi[d in D] ~ Gamma(shape: 1, rate: 1);
        latent f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[d], f[n]) + mu[d], prec: psi[d]);
    }
}
model! {
    pub mod g11(H) {
        given u[s in S, t in T[s]]: Vector[U];
        param A: Matrix[H, H]; param B: Matrix[H, U]; param Q: SymPos[H];
        param C: Matrix[D, H]; param E: Matrix[D, U]; param r[d in D]: Positive;
        param m0: Vector[H]; param P0: SymPos[H];
        for s in S {
            latent   x[s, 0]                   ~ Normal(m0, cov: P0);
            latent   x[s, t in 1..T[s]]        ~ Normal(A * x[s, t-1] + B * u[s, t], cov: Q);
            observed y[s, t in T[s]]: Vector[D]? ~ Normal(C * x[s, t] + E * u[s, t], var: r);
        }
    }
}
model! {
    pub mod g12 {
        given  home[g in G]: Category[P]; given away[g in G]: Category[P];
        param  adv: Real; param s2: Positive;  param t2: Positive;
        latent skill[p in P] ~ Normal(0, var: t2);
        observed margin[g in G]: Real? ~ Normal(skill[home[g]] - skill[away[g]] + adv, var: s2);
    }
}
model! {
    pub mod g12b(beta2: Positive = 1.0) {
        given  home[g in G]: Category[P]; given away[g in G]: Category[P]; given won[g in G]: Bool;
        latent adv ~ Normal(0, var: 1);
        latent t ~ Gamma(shape: 1, rate: 1);
        latent skill[p in P] ~ Normal(0, prec: t);
        latent gap[g in G] ~ Normal(skill[home[g]] - skill[away[g]] + adv, var: 2 * beta2);
        for g in G if won[g] { constrain gap[g] > 0; }
        for g in G if not won[g] { constrain gap[g] <= 0; }
    }
}
model! {
    pub mod g17 {
        given x[s in S, t in T[s]]: Vector[P];
        param q[p in P]: Positive; param r: Positive;
        for s in S {
            latent beta[s, 0]: Vector[P] ~ Normal(0, var: 10);
            latent beta[s, t in 1..T[s]] ~ Normal(beta[s, t-1], var: q);
            observed y[s, t in T[s]]: Real? ~ Normal(dot(beta[s, t], x[s, t]), var: r);
        }
    }
}
model! {
    pub mod g18 {
        given  i[n in N]: Category[I]; given j[n in N]: Category[J];
        param  mu: Real; param a2: Positive; param b2: Positive; param s2: Positive;
        latent a[i in I] ~ Normal(0, var: a2);
        latent b[j in J] ~ Normal(0, var: b2);
        observed y[n in N]: Real? ~ Normal(mu + a[i[n]] + b[j[n]], var: s2);
    }
}
model! {
    pub mod g19 {
        param mu: Real; param s2: Positive; param r[c in C]: Positive; param shift[c in C]: Real; param gain[c in C]: Real;
        latent truth[n in N] ~ Normal(mu, var: s2);
        observed x[n in N, c in C]: Real? ~ Normal(gain[c] * truth[n] + shift[c], var: r[c]);
    }
}
model! {
    pub mod g21 {
        given dt[t in T]: Positive;
        param phi: Real; param q: Positive; param r: Positive;
        latent x[0]: Vector[2] ~ Normal([1, 0], var: 4);
        latent x[t in 1..T] ~ Normal([x[t-1][0] + dt[t] * x[t-1][1], phi * x[t-1][1]], var: q * dt[t]);
        observed y[t in T]: Real? ~ Normal(x[t][0], var: r);
    }
}
model! {
    pub mod g21b {
        given dt[t in T]: Positive;
        param phi: Real; param q: Positive; param r: Positive;
        latent x[0] ~ Normal(1, var: 4);
        latent v[0] ~ Normal(0, var: 4);
        latent x[t in 1..T] ~ Normal(x[t-1] + dt[t] * v[t-1], var: q * dt[t]);
        latent v[t in 1..T] ~ Normal(phi * v[t-1], var: q * dt[t]);
        observed y[t in T]: Real? ~ Normal(x[t], var: r);
    }
}
model! {
    pub mod g25 {
        latent tau ~ Gamma(shape: 2, rate: 1);
        for s in S {
            latent x[s, 0] ~ Normal(0, prec: 0.1 * tau);
            latent x[s, t in 1..T[s]] ~ Normal(0.9 * x[s, t-1], prec: 2 * tau);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t], prec: tau);
        }
    }
}
model! {
    pub mod g26 {
        given  x[n in N]: Vector[P];
        latent prec: SymPos[D] ~ Wishart(dof: D + 1, scale: 1);
        latent W[d in D]: Vector[P] ~ Normal(0, var: 10);
        observed y[n in N] ~ Normal([dot(W[d], x[n]) for d in D], prec: prec);
    }
}
model! {
    pub mod g26b {
        given  x[n in N]: Vector[P];
        param  cov: SymPos[D];
        param  W: Matrix[D, P];
        param  b: Vector[D];
        observed y[n in N]: Vector[D]? ~ Normal(W * x[n] + b, cov: cov);
    }
}
model! {
    pub mod g27(K) {
        given  x[n in N]: Vector[P];
        given  g[n in N]: Category[G];
        latent m: Vector[P] ~ Normal(0, var: 100);
        latent w[k in K]: Vector[P] ~ Normal(m, var: 1);
        latent weight: Simplex[K] ~ Dirichlet(1);
        latent z[n in N] ~ Categorical(weight);
        param  s2[g in G]: Positive;
        observed y[n in N]: Real? ~ Normal(dot(w[z[n]], x[n]), var: s2[g[n]]);
    }
}
model! {
    pub mod g28(H, K) {
        given group[n in N]: Category[J];
        param C: Matrix[D, H]; param mu: Vector[D]; param psi: Positive;
        latent a[j in J]: Vector[D] ~ Normal(0, var: 1);
        latent f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N]: Vector[D]? ~ Normal(C * f[n] + mu + a[group[n]], var: psi);
    }
}
model! {
    pub mod g29 {
        given x[j in J, n in N[j]]: Real;
        param cov: SymPos[2]; param s2: Positive; param mu: Vector[2];
        for j in J {
            latent b[j]: Vector[2] ~ Normal(mu, cov: cov);
            observed y[j, n in N[j]]: Real? ~ Normal(b[j][0] + b[j][1] * x[j, n] , var: s2);
        }
    }
}
model! {
    pub mod g30(H) {
        latent a[i in H] ~ Gamma(shape: 1, rate: 1);
        latent c[i in H] ~ Gamma(shape: 1, rate: 1);
        latent A[i in H, j in H] ~ Normal(0, prec: a[j]);
        latent C[d in D, h in H] ~ Normal(0, prec: c[h]);
        latent r[d in D] ~ Gamma(shape: 1, rate: 1);
        for s in S {
            latent x[s, 0]: Vector[H] ~ Normal(0, var: 1);
            latent x[s, t in 1..T[s]] ~ Normal([dot(A[i], x[s, t-1]) for i in H], var: 1);
            observed y[s, t in T[s], d in D]: Real? ~ Normal(dot(C[d], x[s, t]), prec: r[d]);
        }
    }
}
