//! Small models that between them use every family, every way to write its arguments, truncation, and every construct of the language.

/// `observed x[n in N] ~ family` under latents, params and data that the arguments may read.
fn around(kind: &str, family: &str) -> String {
    format!(
        "mod m(K) {{ given a[n in N]: Real; given b[n in N]: Positive; given u[n in N]: Unit; given c[n in N]: Count;
         latent r ~ Normal(0, sd: 1); latent s ~ Gamma(shape: 2, rate: 1); latent q ~ Beta(1, 1);
         param v[k in K]: Real; param w[k in K]: Simplex[K]; latent z[n in N] ~ Categorical(w[0]);
         observed x[n in N]: {kind} ~ {family}; }}"
    )
}

/// Families over numbers, whole numbers or yes and no.
const SCALAR: &[(&str, &[&str])] = &[
    (
        "Real",
        &[
            "Normal(r, var: s)",
            "Normal(r + a[n], sd: s)",
            "Normal(v[z[n]], prec: s * b[n])",
            "Normal(r * a[n] - 2, sd: b[n], min: -1)",
            "Normal(r, var: s, max: 1)",
            "Normal(r, prec: s, min: -0.5, max: a[n] + 2)",
            "Normal(r ^ 2 + 1, var: s / b[n])",
            "Normal(-(a[n] * r) / b[n], var: s ^ 2)",
            "Normal(r, var: 1 / s)",
            "Normal(r, var: 1 + s)",
            "Normal(exp(r), sd: exp(a[n]))",
            "Normal(sqrt(s), var: 0.5)",
            "Normal(logit(q), sd: sigmoid(r))",
            "Normal(log(s * b[n]), sd: 1)",
            "StudentT(r, scale: s, dof: b[n])",
            "StudentT(v[z[n]], scale: 2, dof: 4, min: -1)",
            "StudentT(r, scale: s, dof: 3, min: -1, max: 1)",
            "Laplace(r, scale: s)",
            "Laplace(a[n], scale: s, max: 1)",
            "Cauchy(r, scale: s)",
            "Cauchy(r, scale: b[n], min: -1, max: 1)",
            "Uniform(-2, 2)",
            "Uniform(-2 - s, 2 + b[n])",
            "Normal(sum(v[k] * b[n] ^ k for k in K), sd: 1)",
            "Normal(sum(v[k] * v[j] * (k == j + 1) for k in K, j in K), sd: 1)",
            "Normal(sum(v[k] * (k == z[n] + 1) for k in K), sd: 1)",
            "Normal(sum(v[k] * (k == z[n]) for k in 1..K), sd: 1)",
            "Normal(sum(v[k] for k in K if k != z[n]), sd: 1)",
            "Normal(prod(v[k] for k in K), sd: 1)",
            "Normal(r * (z[n] == 0), sd: 1)",
        ],
    ),
    (
        "Positive",
        &[
            "Gamma(shape: s, rate: b[n])",
            "Gamma(shape: s + 1, scale: b[n])",
            "Gamma(shape: 2, rate: s * exp(r))",
            "Gamma(shape: 2, rate: s, min: 0.4)",
            "Gamma(shape: s, scale: b[n], min: 0.2, max: 4)",
            "InverseGamma(shape: s, scale: b[n])",
            "InverseGamma(shape: 2, scale: s, max: 3)",
            "Exponential(rate: s)",
            "Exponential(mean: s * b[n])",
            "Exponential(rate: s, min: 0.5)",
            "Exponential(mean: s, max: 2)",
            "LogNormal(r, var: s)",
            "LogNormal(v[z[n]], sd: b[n])",
            "LogNormal(r, prec: s)",
            "LogNormal(r, sd: 1, min: 0.5)",
            "LogNormal(r, sd: s, min: 0, max: 3)",
            "Normal(r, sd: 1, min: 0)",
        ],
    ),
    (
        "Unit",
        &[
            "Beta(1, s)",
            "Beta(s, b[n])",
            "Beta(s + 2, 3)",
            "Beta(2, 3, min: 0.2)",
            "Beta(s, 2, max: 0.95)",
            "Beta(2, b[n], min: 0.1, max: 0.9)",
        ],
    ),
    (
        "Bool",
        &[
            "Bernoulli(q)",
            "Bernoulli(q * u[n])",
            "Bernoulli(1 - q)",
            "Bernoulli(1 - q * u[n])",
            "Bernoulli(logit: r + a[n])",
            "Bernoulli(probit: r * v[z[n]])",
            "Bernoulli(w[0][z[n]])",
            "match z[n] { 0 => Bernoulli(q), _ => Bernoulli(0.25) }",
            "match c[n] > 2 { true => Bernoulli(q), false => Bernoulli(logit: r) }",
        ],
    ),
    (
        "Count",
        &[
            "Poisson(s)",
            "Poisson(s * b[n])",
            "Poisson(log: r + a[n])",
            "Poisson(s + b[n])",
            "Poisson(sum(exp(v[k]) * b[n] for k in K))",
            "Poisson(s, min: 1)",
            "Poisson(s, max: 6)",
            "Poisson(log: r, min: 1, max: 5)",
            "Binomial(c[n], q)",
            "Binomial(c[n], logit: r)",
            "Binomial(6, q, min: 1)",
            "Binomial(6, logit: r, min: 1, max: 4)",
            "NegativeBinomial(mean: s, dispersion: b[n])",
            "NegativeBinomial(mean: b[n], dispersion: s)",
            "NegativeBinomial(mean: s, dispersion: 2, min: 1)",
            "Geometric(q)",
            "Geometric(q, min: 1, max: 5)",
            "match z[n] { 0 => Constant(0), _ => Poisson(s) }",
            "match z[n] == 0 { true => Geometric(q), false => Poisson(s) }",
        ],
    ),
    (
        "Category[K]",
        &[
            "Categorical(w[z[n]])",
            "Categorical(w[0])",
            "Categorical(logit: v)",
            "Categorical(logit: [v[k] * a[n] for k in K])",
            "Uniform()",
            "Constant(z[n])",
        ],
    ),
];

/// Vectors, matrices and everything that is not one number.
const WHOLE: &[&str] = &[
    "mod m { latent mu: Vector[D] ~ Normal(0, var: 1); param s: Positive; observed x[n in N] ~ Normal(mu, var: s); }",
    "mod m { latent mu: Vector[D] ~ Normal(0, sd: 2); param s[d in D]: Positive; observed x[n in N] ~ Normal(mu, sd: s); }",
    "mod m { latent mu: Vector[D] ~ Normal(0, prec: 2); latent t[d in D] ~ Gamma(shape: 1, rate: 1); observed x[n in N]: Vector[D] ~ Normal(mu, prec: t); }",
    "mod m { param mu: Vector[D]; param S: SymPos[D]; param c: Positive; observed x[n in N] ~ Normal(mu, cov: c * S); }",
    "mod m { param mu: Vector[D]; param S: SymPos[D]; given c[n in N]: Positive; observed x[n in N] ~ Normal(mu, prec: S / c[n]); }",
    "mod m { param mu: Vector[D]; param S: SymPos[D]; observed x[n in N] ~ Normal(mu, cov: S); }",
    "mod m { param mu: Vector[D]; param L: Matrix[D, D]; observed x[n in N]: Vector[D] ~ Normal(mu, chol: L); }",
    "mod m { param mu: Vector[D]; param s: Positive; observed x[n in N]: Vector[D] ~ Normal(mu, cov: s); }",
    "mod m { param mu: Vector[D]; param a[d in D]: Positive; observed x[n in N]: Vector[D] ~ Normal(mu, cov: diag(a)); }",
    "mod m { param mu: Vector[D]; param a[d in D]: Positive; observed x[n in N]: Vector[D] ~ Normal(mu, prec: a); }",
    "mod m { given S: SymPos[D]; latent P ~ Wishart(dof: D + 2, scale: S); latent mu ~ Normal(0, prec: 3 * P); observed x[n in N]: Vector[D] ~ Normal(mu, prec: P); }",
    "mod m { given S: SymPos[D]; given c: Positive; latent P ~ Wishart(dof: D + 1, scale: c * S); observed x[n in N]: Vector[D] ~ Normal(0, prec: P); }",
    "mod m { latent P: SymPos[D] ~ Wishart(dof: D + 1, scale: 2); observed x[n in N]: Vector[D] ~ Normal(0, prec: P); }",
    "mod m { given v[d in D]: Positive; latent P: SymPos[D] ~ Wishart(dof: D + 1, scale: diag(v)); observed x[n in N]: Vector[D] ~ Normal(0, prec: P); }",
    "mod m { given S: SymPos[D]; latent C ~ InverseWishart(dof: D + 2, scale: S); observed x[n in N]: Vector[D] ~ Normal(0, cov: C); }",
    "mod m { given S: SymPos[D]; param C ~ InverseWishart(dof: D + 2, scale: S / 2); param mu ~ Normal(0, cov: 100 * C); observed x[n in N]: Vector[D] ~ Normal(mu, cov: C); }",
    "mod m { latent C: SymPos[D] ~ InverseWishart(dof: D + 2, scale: 3); observed x[n in N]: Vector[D] ~ Normal(0, cov: C); }",
    "mod m(K) { latent w: Simplex[K] ~ Dirichlet(2); observed z[n in N] ~ Categorical(w); }",
    "mod m(K) { given a[k in K]: Positive; latent w: Simplex[K] ~ Dirichlet(a); observed z[n in N] ~ Categorical(w); }",
    "mod m(K) { latent c ~ Gamma(shape: 1, rate: 1); latent w: Simplex[K] ~ Dirichlet(c); observed z[n in N] ~ Categorical(w); }",
    "mod m { given total[n in N]: Count; latent w: Simplex[V] ~ Dirichlet(1); observed y[n in N] ~ Multinomial(total[n], w); }",
    "mod m(K) { given total[n in N]: Count; param topic[k in K]: Simplex[V]; param w: Simplex[K]; latent z[n in N] ~ Categorical(w); observed y[n in N] ~ Multinomial(total[n], topic[z[n]]); }",
    // Symmetric arrays, aliased or not.
    "mod m(K) { latent B[a in K, b in K if a <= b] ~ Beta(2, 1); param w: Simplex[K]; latent z[i in N] ~ Categorical(w); observed y[i in N, j in N if i < j] ~ Bernoulli(B[z[i], z[j]]); }",
    "mod m(K) { latent B[a in K, b in K if a <= b] ~ Beta(2, 1); param w: Simplex[K]; latent z[i in N] ~ Categorical(w); observed y[i in N, j in N] ~ Bernoulli(B[z[i], z[j]]); }",
    "mod m(K) { latent B[a in K, b in K if a <= b] ~ Normal(0, sd: 1); param w: Simplex[K]; latent z[i in N] ~ Categorical(w); observed y[i in 1..N] ~ Normal(B[z[i], z[i-1]], sd: 1); }",
    // Recursion, both ways round; two lags; ends fixed.
    "mod m { param a: Real; latent x[0] ~ Normal(0, var: 1); latent x[t in 1..T] ~ Normal(a * x[t-1], var: 1); observed y[t in T] ~ Normal(x[t], sd: 1); }",
    "mod m(T) { latent x[T-1] ~ Normal(0, var: 1); latent x[t in 0..T-1] ~ Normal(x[t+1], var: 1); observed y[t in T] ~ Normal(x[t], sd: 1); }",
    "mod m { param a: Real; param b: Real; given y[t in 0..2]: Real; observed y[t in 2..T] ~ Normal(a * y[t-1] + b * y[t-2], var: 1); }",
    "mod m(K) { param p: Simplex[K]; param A[i in K, j in K]: Simplex[K]; latent z[t in 0..2] ~ Categorical(p); latent z[t in 2..T] ~ Categorical(A[z[t-1], z[t-2]]); observed y[t in T] ~ Normal(z[t], sd: 1); }",
    // Ragged plates, repeats, maps, holes and guards.
    "mod m { latent m[g in G] ~ Normal(0, sd: 1); observed x[g in G, i in I[g]] ~ Normal(m[g], sd: 1); }",
    "mod m(K) { param p: Simplex[K]; param A[i in K]: Simplex[K]; param mu[k in K]: Real; for s in S { latent z[s, 0] ~ Categorical(p); latent z[s, t in 1..T[s]] ~ Categorical(A[z[s, t-1]]); observed x[s, t in T[s]] ~ Normal(mu[z[s, t]], sd: 1); } }",
    "mod m { given w[n in N]: Positive; latent mu ~ Normal(0, sd: 1); for n in N repeat w[n] { observed x[n] ~ Normal(mu, sd: 1); } }",
    "mod m(K) { given c[n in N]: Count; param p: Simplex[K]; param mu[k in K]: Real; for n in N repeat c[n] { latent z[n] ~ Categorical(p); observed x[n] ~ Normal(mu[z[n]], sd: 1); } }",
    "mod m { given g[n in N]: Category[G]; given x[n in N]: Real; latent a[j in G] ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(a[g[n]] * x[n], sd: 1); }",
    "mod m { given f[n in N]: Bool; latent mu ~ Normal(0, sd: 1); observed x[n in N if f[n]] ~ Normal(mu, sd: 1); }",
    "mod m { latent u[i in N] ~ Normal(0, sd: 1); observed x[i in N, j in N if i != j] ~ Normal(u[i] * u[j], sd: 1); }",
    "mod m { given parent[n in 1..N]: Category[n]; param p: Unit; latent z[0] ~ Bernoulli(0.5); latent z[n in 1..N] ~ match z[parent[n]] { true => Bernoulli(p), false => Constant(false) }; observed x[n in N] ~ Normal(3 * z[n], sd: 1); }",
    "mod m { given parent[n in 1..N]: Category[n]; latent z[0] ~ Normal(0, sd: 1); latent z[n in 1..N] ~ Normal(z[parent[n]], sd: 1); observed x[n in N] ~ Normal(z[n], sd: 1); }",
    // Categories as indices of categories; tables of several.
    "mod m(K, L) { param w: Simplex[K]; param A[k in K, l in L]: Simplex[L]; param mu[k in K, l in L]: Real; latent a[n in N] ~ Categorical(w); latent b[n in N]: Category[L] ~ Uniform(); observed c[n in N] ~ Categorical(A[a[n], b[n]]); observed x[n in N] ~ Normal(mu[a[n], b[n]], sd: 1); }",
    "mod m(K) { param w: Simplex[K]; latent z[n in N] ~ Categorical(w); latent c: Category[N] ~ Uniform(); observed x ~ Normal(z[c], sd: 1); observed y[n in N] ~ Normal(0, sd: 1); }",
    "mod m { latent c: Category[T] ~ Uniform(); param lo: Positive; param hi: Positive; observed x[t in T] ~ match t < c { true => Poisson(lo), false => Poisson(hi) }; }",
    "mod m(K) { param w: Simplex[K]; latent z[n in N] ~ Categorical(w); observed e[i in N, j in N if i < j] ~ match z[i] == z[j] { true => Bernoulli(0.9), false => Bernoulli(0.2) }; }",
    "mod m { param p: Unit; latent b[n in N] ~ Bernoulli(p); observed x[n in N] ~ Normal(2 * b[n] - 1, sd: 1 + b[n]); }",
    "mod m { param p: Unit; latent b[n in N] ~ Bernoulli(p); latent d[n in N] ~ Bernoulli(0.5); observed x[n in N] ~ match b[n] and not d[n] { true => Normal(0, sd: 1), false => Normal(1, sd: 2) }; }",
    "mod m { given w[n in N]: Real; latent b[n in N] ~ Bernoulli(0.3); observed x ~ Normal(sum(b[n] * w[n] for n in N), sd: 1); }",
    // Missing values that others read.
    "mod m(K) { param w: Simplex[K]; param mu[k in K]: Real; observed z[n in N]: Category[K]? ~ Categorical(w); observed x[n in N] ~ Normal(mu[z[n]], sd: 1); }",
    "mod m { latent mu ~ Normal(0, sd: 1); observed x[n in N]: Real? ~ Normal(mu, sd: 1); observed y[n in N] ~ Normal(2 * x[n], sd: 1); }",
    // Lets: scalar, sticks, one per piece, through a gather.
    "mod m(K) { latent v[k in 0..K-1] ~ Beta(1, 2); let w[k in 0..K-1] = v[k] * prod(1 - v[j] for j in 0..k); let w[K-1] = prod(1 - v[j] for j in 0..K-1); observed z[n in N] ~ Categorical(w); }",
    "mod m { given x[n in N]: Vector[D]; latent w: Vector[D] ~ Normal(0, var: 1); let eta[n in N] = dot(w, x[n]); observed y[n in N] ~ Normal(eta[n], sd: 1); }",
    "mod m { param s: Positive; param t: Positive; let r = s / t; latent mu ~ Normal(0, var: r); observed x[n in N] ~ Normal(mu, prec: r * t); }",
    "mod m(K) { param a[k in K]: Real; let c[k in K] = exp(a[k]) + 1; latent z[n in N]: Category[K] ~ Uniform(); observed y[n in N] ~ Poisson(c[z[n]]); }",
    "mod m { param a[d in D]: Positive; let C = diag(a); let t = trace(C); observed x[n in N]: Vector[D] ~ Normal([0 for d in D], cov: diag(a)); observed s ~ Normal(t, sd: 1); }",
    // Matrices.
    "mod m(H) { param W: Matrix[D, H]; latent f[n in N]: Vector[H] ~ Normal(0, var: 1); observed x[n in N]: Vector[D] ~ Normal(W * f[n], var: 0.5); }",
    "mod m(H) { param W: Matrix[H, D]; latent f[n in N]: Vector[H] ~ Normal(0, var: 1); observed x[n in N]: Vector[D] ~ Normal(W.t() * f[n], sd: 2); }",
    "mod m(H) { param A: Matrix[D, H]; param B: Matrix[H, H]; latent f: Vector[H] ~ Normal(0, var: 1); observed x[n in N]: Vector[D] ~ Normal(A * B * f, sd: 2); }",
    "mod m(H) { latent U[n in N, h in H] ~ Normal(0, sd: 1); latent V[m in M, h in H] ~ Normal(0, sd: 1); observed Y[n in N, m in M] ~ Normal(dot(U[n], V[m]), sd: 1); }",
    "mod m(L) { latent a[l in L] ~ Normal(0, sd: 1); given y[t in T if t < L]: Real; observed y[t in L..T] ~ Normal(sum(a[l] * y[t - 1 - l] for l in L), sd: 1); }",
    "mod m { latent mu: Vector[3] ~ Normal([1, 2, 3], sd: [0.5, 1, 2]); observed x[n in N] ~ Normal(mu[1], sd: 1); }",
    "mod m(K) { latent z[n in N]: Category[K] ~ Uniform(); observed x[n in N]: Vector[K] ~ Normal(onehot(z[n]), sd: 1); }",
    "mod m(K) { param mu[k in K]: Vector[D]; latent z[n in N]: Category[K] ~ Uniform(); given d[n in N]: Category[D]; observed x[n in N] ~ Normal(mu[z[n]][d[n]], sd: 1); }",
    "mod m { latent x ~ Flat(); observed y[n in N] ~ Normal(x, sd: 1); }",
    // Scales of several powers, and scales of scales.
    "mod m { latent s ~ Gamma(shape: 1, rate: 1); observed x[n in N] ~ Normal(0, sd: s); observed y[n in N] ~ Normal(0, var: s); observed z[n in N] ~ Gamma(shape: 2, rate: s); }",
    "mod m { latent s ~ Gamma(shape: 1, rate: 1); latent t ~ Gamma(shape: 2, rate: s); latent mu ~ Normal(0, prec: t); observed x[n in N] ~ Normal(mu, prec: s * t); }",
    "mod m { param nu: Positive; latent u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2); observed y[n in N] ~ Normal(0, prec: u[n]); }",
    "mod m { latent s ~ Gamma(shape: 3, rate: 1); observed y[n in N] ~ Gamma(shape: s + 1, rate: 2); observed w[n in N] ~ Beta(s + 2, 1); }",
    "mod m { latent s ~ Gamma(shape: 3, rate: 1); observed y[n in N] ~ Normal(sqrt(s) * 2, sd: s ^ 0.5); observed w[n in N] ~ Poisson((2 * s) ^ 2); }",
];

pub fn all() -> Vec<String> {
    let scalar = SCALAR.iter().flat_map(|(kind, families)| families.iter().map(|f| around(kind, f)));
    scalar.chain(WHOLE.iter().map(|s| (*s).to_string())).collect()
}
