//! Models written to trap the planner into a claim it may not make, and near twins of them for which the claim is right.

use super::claims::verify;
use super::{compiled, planned};
use crate::plan::Claim;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    Exact,
    MeanField,
    Refused,
    /// Either word would do; what matters is that it is true.
    True,
}

use Expect::{Exact, MeanField, Refused, True};

const MODELS: &[(&str, Expect, &str)] = &[
    (
        "two reads through two maps couple an arbitrary graph",
        MeanField,
        "mod m(N, K) { given f[r in R]: Category[N]; given g[r in R]: Category[N]; param w: Simplex[K]; param B[a in K, b in K]: Real; latent z[n in N] ~ Categorical(w); observed y[r in R] ~ Normal(B[z[f[r]], z[g[r]]], sd: 1); }",
    ),
    (
        "one map alone is a scatter",
        Exact,
        "mod m(N, K) { given f[r in R]: Category[N]; param w: Simplex[K]; param mu[k in K]: Real; latent z[n in N] ~ Categorical(w); observed y[r in R] ~ Normal(mu[z[f[r]]], sd: 1); }",
    ),
    (
        "an element and its image under a map",
        MeanField,
        "mod m(N, K) { given f[n in N]: Category[N]; param w: Simplex[K]; param B[a in K, b in K]: Real; latent z[n in N] ~ Categorical(w); observed y[n in N] ~ Normal(B[z[n], z[f[n]]], sd: 1); }",
    ),
    (
        "the same map twice is one element",
        Exact,
        "mod m(N, K) { given f[r in R]: Category[N]; param w: Simplex[K]; param B[a in K, b in K]: Real; latent z[n in N] ~ Categorical(w); observed y[r in R] ~ Normal(B[z[f[r]], z[f[r]]], sd: 1); }",
    ),
    (
        "symmetric pairs",
        MeanField,
        "mod m(N, K) { param w: Simplex[K]; param B[a in K, b in K if a <= b]: Unit; latent z[i in N] ~ Categorical(w); observed y[i in N, j in N if i < j] ~ Bernoulli(B[z[i], z[j]]); }",
    ),
    (
        "the diagonal of the pairs only",
        Exact,
        "mod m(N, K) { param w: Simplex[K]; param B[a in K, b in K]: Unit; latent z[i in N] ~ Categorical(w); observed y[i in N, j in N if i == j] ~ Bernoulli(B[z[i], z[j]]); }",
    ),
    (
        "a symmetric array read in the order it is kept in",
        Exact,
        "mod m(N, K) { param w: Simplex[K]; param p[k in K, l in K]: Unit; latent u[i in N] ~ Categorical(w); latent z[i in N, j in N if i <= j] ~ Categorical(w); observed y[i in N, j in N if i < j] ~ Bernoulli(p[z[i, j], u[i]]); }",
    ),
    (
        "a symmetric array read against the order it is kept in",
        Exact,
        "mod m(N, K) { param w: Simplex[K]; param p[k in K, l in K]: Unit; latent u[i in N] ~ Categorical(w); latent z[i in N, j in N if i <= j] ~ Categorical(w); observed y[i in N, j in N if i < j] ~ Bernoulli(p[z[j, i], u[i]]); }",
    ),
    (
        "a global category over a plate of finite elements",
        Exact,
        "mod m(N, K) { param w: Simplex[K]; param A[k in K]: Simplex[K]; param mu[k in K]: Real; latent c ~ Categorical(w); latent z[n in N] ~ Categorical(A[c]); observed x[n in N] ~ Normal(mu[z[n]], sd: 1); }",
    ),
    (
        "a global category and a chain",
        Exact,
        "mod m(T, K) { param w: Simplex[K]; param A[k in K, c in K]: Simplex[K]; param mu[k in K]: Real; latent c ~ Categorical(w); latent z[0] ~ Categorical(w); latent z[t in 1..T] ~ Categorical(A[z[t-1], c]); observed x[t in T] ~ Normal(mu[z[t]], sd: 1); }",
    ),
    (
        "rows and columns meet in a table",
        MeanField,
        "mod m(N, M, K) { param w: Simplex[K]; param B[a in K, b in K]: Real; latent r[n in N] ~ Categorical(w); latent c[m in M] ~ Categorical(w); observed y[n in N, m in M] ~ Normal(B[r[n], c[m]], sd: 1); }",
    ),
    (
        "a chain and columns that see it at every step",
        MeanField,
        "mod m(T, M, K) { param w: Simplex[K]; param A[k in K]: Simplex[K]; param B[a in K, b in K]: Real; latent z[0] ~ Categorical(w); latent z[t in 1..T] ~ Categorical(A[z[t-1]]); latent c[m in M] ~ Categorical(w); observed y[t in T, m in M] ~ Normal(B[z[t], c[m]], sd: 1); }",
    ),
    (
        "a gate on a Gaussian chain",
        MeanField,
        "mod m(T, K) { param w: Simplex[K]; param a[k in K]: Real; latent z[t in T] ~ Categorical(w); latent x[0] ~ Normal(0, sd: 1); latent x[t in 1..T] ~ Normal(a[z[t]] * x[t-1], sd: 1); observed y[t in T] ~ Normal(x[t], sd: 1); }",
    ),
    (
        "a lagged gate without a Gaussian chain",
        True,
        "mod m(T, K) { param w: Simplex[K]; param a[k in K]: Real; latent z[t in T] ~ Categorical(w); latent x[0] ~ Normal(0, sd: 1); latent x[t in 1..T] ~ Normal(a[z[t-1]], sd: 1); observed y[t in T] ~ Normal(x[t], sd: 1); }",
    ),
    (
        "a lagged gate of a chain over separate Gaussians",
        True,
        "mod m(T, K) { param w: Simplex[K]; param A[k in K]: Simplex[K]; param a[k in K]: Real; latent z[0] ~ Categorical(w); latent z[t in 1..T] ~ Categorical(A[z[t-1]]); latent x[t in 1..T] ~ Normal(a[z[t-1]] + a[z[t]], sd: 1); observed y[t in 1..T] ~ Normal(x[t], sd: 1); }",
    ),
    (
        "a gate outside and one Gaussian inside",
        MeanField,
        "mod m(N, K) { param w: Simplex[K]; param a[k in K]: Real; latent z[n in N] ~ Categorical(w); latent x ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(a[z[n]] * x, sd: 1); }",
    ),
    (
        "one gate over a plate of Gaussians",
        Exact,
        "mod m(N, K) { param w: Simplex[K]; param a[k in K]: Real; latent z ~ Categorical(w); latent x[n in N] ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(a[z] * x[n], sd: 1); }",
    ),
    (
        "one scale shared by Gaussians of two plates",
        Exact,
        "mod m(N, M) { latent s ~ Gamma(shape: 2, rate: 1); latent x[n in N] ~ Normal(0, prec: s); latent u[m in M] ~ Normal(0, prec: 3 * s); observed y[n in N] ~ Normal(x[n], prec: 2 * s); observed v[m in M] ~ Normal(u[m], prec: s); }",
    ),
    (
        "rows of two powers of one scale",
        MeanField,
        "mod m(N) { latent s ~ Gamma(shape: 2, rate: 1); latent x ~ Normal(0, var: s); observed y[n in N] ~ Normal(x, prec: s); }",
    ),
    (
        "a row without the scale",
        MeanField,
        "mod m(N) { latent s ~ Gamma(shape: 2, rate: 1); latent x ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(x, prec: s); }",
    ),
    (
        "a scale as variance with an inverse-Gamma prior",
        Exact,
        "mod m(N) { latent s ~ InverseGamma(shape: 2, scale: 1); latent x ~ Normal(0, var: s); observed y[n in N] ~ Normal(x, var: 2 * s); }",
    ),
    (
        "a scale as variance with a Gamma prior",
        Refused,
        "mod m(N) { latent s ~ Gamma(shape: 2, rate: 1); observed y[n in N] ~ Normal(0, var: s); observed w[n in N] ~ Exponential(rate: s ^ 2); }",
    ),
    (
        "two scales on one Gaussian",
        MeanField,
        "mod m(N) { latent s ~ Gamma(shape: 2, rate: 1); latent t ~ Gamma(shape: 2, rate: 1); latent x ~ Normal(0, prec: s); observed y[n in N] ~ Normal(x, prec: t); }",
    ),
    (
        "a scale per element of a chain",
        MeanField,
        "mod m(T) { latent s[t in T] ~ Gamma(shape: 2, rate: 1); latent x[0] ~ Normal(0, prec: s[0]); latent x[t in 1..T] ~ Normal(x[t-1], prec: s[t]); observed y[t in T] ~ Normal(x[t], sd: 1); }",
    ),
    (
        "a scale gated by a category",
        True,
        "mod m(N, K) { param w: Simplex[K]; latent s[k in K] ~ Gamma(shape: 2, rate: 1); latent z[n in N] ~ Categorical(w); observed y[n in N] ~ Normal(0, prec: s[z[n]]); }",
    ),
    (
        "a mixture of scales, one for each",
        True,
        "mod m(N, K) { param w: Simplex[K]; param r[k in K]: Positive; latent z[n in N] ~ Categorical(w); latent s[n in N] ~ Gamma(shape: 2, rate: r[z[n]]); observed y[n in N] ~ Normal(0, prec: s[n]); }",
    ),
    (
        "products of two Gaussians",
        MeanField,
        "mod m(N, M) { latent u[n in N] ~ Normal(0, sd: 1); latent v[m in M] ~ Normal(0, sd: 1); observed y[n in N, m in M] ~ Normal(u[n] * v[m], sd: 1); }",
    ),
    (
        "the square of a Gaussian",
        Refused,
        "mod m(N) { latent u ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(u ^ 2, sd: 1); }",
    ),
    (
        "products of pairs of one Gaussian array",
        True,
        "mod m(N) { latent u[n in N] ~ Normal(0, sd: 1); observed y[i in N, j in N if i < j] ~ Normal(u[i] * u[j], sd: 1); }",
    ),
    (
        "products of pairs that may coincide",
        Refused,
        "mod m(N) { latent u[n in N] ~ Normal(0, sd: 1); observed y[i in N, j in N] ~ Normal(u[i] * u[j], sd: 1); }",
    ),
    (
        "differences through maps",
        Exact,
        "mod m(N) { given f[r in R]: Category[N]; given g[r in R]: Category[N]; latent u[n in N] ~ Normal(0, sd: 1); observed y[r in R] ~ Normal(u[f[r]] - u[g[r]], sd: 1); }",
    ),
    (
        "two chains with separate data",
        Exact,
        "mod m(T, K) { param w: Simplex[K]; param A[k in K]: Simplex[K]; param mu[k in K]: Real; latent a[0] ~ Categorical(w); latent a[t in 1..T] ~ Categorical(A[a[t-1]]); latent b[0] ~ Categorical(w); latent b[t in 1..T] ~ Categorical(A[b[t-1]]); observed x[t in T] ~ Normal(mu[a[t]], sd: 1); observed y[t in T] ~ Normal(mu[b[t]], sd: 1); }",
    ),
    (
        "two chains that run against each other",
        True,
        "mod m(T, K) { param w: Simplex[K]; param A[k in K]: Simplex[K]; param B[a in K, b in K]: Real; latent a[0] ~ Categorical(w); latent a[t in 1..T] ~ Categorical(A[a[t-1]]); latent b[0] ~ Categorical(w); latent b[t in 1..T] ~ Categorical(A[b[t-1]]); observed x[t in T] ~ Normal(B[a[t], b[T-1-t]], sd: 1); }",
    ),
    (
        "a chain read at its two ends",
        True,
        "mod m(T, K) { param w: Simplex[K]; param A[k in K]: Simplex[K]; param B[a in K, b in K]: Real; latent a[0] ~ Categorical(w); latent a[t in 1..T] ~ Categorical(A[a[t-1]]); observed x[t in T] ~ Normal(B[a[t], a[0]], sd: 1); }",
    ),
    (
        "two lags",
        Exact,
        "mod m(T, K) { param w: Simplex[K]; param A[i in K, j in K]: Simplex[K]; param mu[k in K]: Real; latent z[t in 0..2] ~ Categorical(w); latent z[t in 2..T] ~ Categorical(A[z[t-1], z[t-2]]); observed x[t in T] ~ Normal(mu[z[t]], sd: 1); }",
    ),
    (
        "a tree by parents",
        Exact,
        "mod m(N, K) { given parent[n in 1..N]: Category[n]; param w: Simplex[K]; param A[k in K]: Simplex[K]; param mu[k in K]: Real; latent z[0] ~ Categorical(w); latent z[n in 1..N] ~ Categorical(A[z[parent[n]]]); observed x[n in N] ~ Normal(mu[z[n]], sd: 1); }",
    ),
    (
        "siblings of a tree that also see each other",
        MeanField,
        "mod m(N, K) { given parent[n in 1..N]: Category[n]; param w: Simplex[K]; param A[k in K, l in K]: Simplex[K]; param mu[k in K]: Real; latent z[0] ~ Categorical(w); latent z[n in 1..N] ~ Categorical(A[z[parent[n]], z[n-1]]); observed x[n in N] ~ Normal(mu[z[n]], sd: 1); }",
    ),
    (
        "two parents by two maps",
        MeanField,
        "mod m(N, K) { given f[n in 1..N]: Category[n]; given g[n in 1..N]: Category[n]; param w: Simplex[K]; param A[k in K, l in K]: Simplex[K]; latent z[0] ~ Categorical(w); latent z[n in 1..N] ~ Categorical(A[z[f[n]], z[g[n]]]); observed x[n in N] ~ Normal(z[n], sd: 1); }",
    ),
    (
        "missing data read elsewhere",
        True,
        "mod m(N, K) { param w: Simplex[K]; param mu[k in K]: Real; observed z[n in N]: Category[K]? ~ Categorical(w); observed x[n in N] ~ Normal(mu[z[n]], sd: 1); }",
    ),
    (
        "missing data read across",
        MeanField,
        "mod m(N, K) { given f[r in R]: Category[N]; param w: Simplex[K]; param B[a in K, b in K]: Real; observed z[n in N]: Category[K]? ~ Categorical(w); observed x[r in R, n in N] ~ Normal(B[z[n], z[f[r]]], sd: 1); }",
    ),
    (
        "missing Gaussian data in an autoregression",
        Exact,
        "mod m(T) { param a: Real; observed y[0]: Real? ~ Normal(0, sd: 1); observed y[t in 1..T]: Real? ~ Normal(a * y[t-1], sd: 1); }",
    ),
    (
        "a category that says which element is read",
        True,
        "mod m(N, K) { param w: Simplex[K]; param p: Simplex[N]; param mu[k in K]: Real; latent z[n in N] ~ Categorical(w); latent c ~ Categorical(p); observed x ~ Normal(mu[z[c]], sd: 1); observed y[n in N] ~ Normal(0, sd: 1); }",
    ),
    (
        "a category that says which Gaussian is read",
        True,
        "mod m(N, M) { param p: Simplex[M]; latent u[m in M] ~ Normal(0, sd: 1); latent c[n in N] ~ Categorical(p); observed x[n in N] ~ Normal(u[c[n]], sd: 1); }",
    ),
    (
        "copies under a repeat with a shared category",
        True,
        "mod m(N, K) { given r[n in N]: Count; param w: Simplex[K]; param A[k in K]: Simplex[K]; param mu[k in K]: Real; latent c ~ Categorical(w); for n in N repeat r[n] { latent z[n] ~ Categorical(A[c]); observed x[n] ~ Normal(mu[z[n]], sd: 1); } }",
    ),
    (
        "repeated rows of one Gaussian",
        Exact,
        "mod m(N) { given r[n in N]: Positive; latent u ~ Normal(0, sd: 1); for n in N repeat r[n] { observed x[n] ~ Normal(u, sd: 1); } }",
    ),
    (
        "copies under a repeat with a shared Gaussian",
        True,
        "mod m(N) { given r[n in N]: Count; latent u ~ Normal(0, sd: 1); for n in N repeat r[n] { latent v[n] ~ Normal(u, sd: 1); observed x[n] ~ Normal(v[n], sd: 1); } }",
    ),
    (
        "yes and no summed over a plate",
        MeanField,
        "mod m(N) { given w[n in N]: Real; latent b[n in N] ~ Bernoulli(0.3); observed x ~ Normal(sum(b[n] * w[n] for n in N), sd: 1); }",
    ),
    (
        "a Dirichlet over categories",
        MeanField,
        "mod m(N, K) { latent w: Simplex[K] ~ Dirichlet(1); param mu[k in K]: Real; latent z[n in N] ~ Categorical(w); observed x[n in N] ~ Normal(mu[z[n]], sd: 1); }",
    ),
    (
        "a Dirichlet over observed categories",
        Exact,
        "mod m(N, K) { latent w: Simplex[K] ~ Dirichlet(1); observed z[n in N] ~ Categorical(w); }",
    ),
    (
        "a Beta that two lines share",
        Exact,
        "mod m(N) { latent q ~ Beta(1, 2); observed x[n in N] ~ Bernoulli(q); observed y[n in N] ~ Geometric(q); }",
    ),
    (
        "two Betas in one product",
        True,
        "mod m(N) { latent q ~ Beta(1, 2); latent r ~ Beta(1, 2); observed x[n in N] ~ Bernoulli(q * r); }",
    ),
    (
        "a rate of rates",
        MeanField,
        "mod m(N) { latent s ~ Gamma(shape: 2, rate: 1); latent t[n in N] ~ Gamma(shape: 2, rate: s); observed x[n in N] ~ Poisson(t[n]); }",
    ),
    (
        "a constraint that joins two blocks",
        True,
        "mod m { latent a ~ Normal(0, sd: 1); latent b ~ Normal(0, sd: 1); constrain a < b; observed x ~ Normal(a, sd: 1); }",
    ),
    (
        "a match that compares two elements",
        MeanField,
        "mod m(N, K) { param w: Simplex[K]; latent z[n in N] ~ Categorical(w); observed e[i in N, j in N if i < j] ~ match z[i] == z[j] { true => Bernoulli(0.9), false => Bernoulli(0.2) }; }",
    ),
    (
        "a changepoint over a plate of rates",
        True,
        "mod m(T) { latent c: Category[T] ~ Uniform(); latent lo ~ Gamma(shape: 1, rate: 1); latent hi ~ Gamma(shape: 1, rate: 1); observed x[t in T] ~ match t < c { true => Poisson(lo), false => Poisson(hi) }; }",
    ),
    (
        "a truncated Gaussian with data",
        True,
        "mod m(N) { latent a ~ Normal(0, sd: 1, min: 0); latent b ~ Normal(a, sd: 1); observed x[n in N] ~ Normal(b, sd: 1); }",
    ),
    (
        "data truncated at a latent mean",
        Refused,
        "mod m(N) { latent a ~ Normal(0, sd: 1); observed x[n in N] ~ Normal(a, sd: 1, min: 0); }",
    ),
];

#[test]
fn claims_about_adversarial_models_are_true() {
    let (mut wrong, mut unexpected) = (vec![], vec![]);
    let (mut exact, mut mean_field, mut refused, mut checked) = (0, 0, 0, 0);
    for (name, expected, source) in MODELS {
        let c = match compiled(source) {
            Ok(c) => c,
            Err(e) => {
                refused += 1;
                if !matches!(expected, Refused | True) {
                    unexpected.push(format!("{name}: {e}"));
                }
                println!("{name}: does not compile: {}", e.lines().next().unwrap_or_default());
                continue;
            }
        };
        for w in super::agree::worlds(&c, 3) {
            wrong.extend(super::agree::disagreement(&c, &c.monomials, &w).map(|e| format!("{name}: {e}")));
        }
        let plan = match planned(&c) {
            Ok(plan) => plan,
            Err(e) => {
                refused += 1;
                if !matches!(expected, Refused | True) {
                    unexpected.push(format!("{name}: {e}"));
                }
                println!("{name}: refused: {}", e.lines().next().unwrap_or_default());
                continue;
            }
        };
        let as_expected = match plan.claim {
            Claim::Exact => {
                exact += 1;
                matches!(expected, Exact | True)
            }
            Claim::MeanField => {
                mean_field += 1;
                matches!(expected, MeanField | True)
            }
        };
        let text = crate::plan::render(&plan, &c.model);
        println!("{name}: {:?}", plan.claim);
        if !as_expected {
            unexpected.push(format!("{name}: expected {expected:?}\n{text}"));
        }
        for seed in [1, 2] {
            if let Some(found) = verify(&c, &plan, seed) {
                checked += 1;
                if let Some(e) = found.false_claims.first() {
                    wrong.push(format!("{name}: {e}\n{text}"));
                }
                if plan.claim == Claim::MeanField && !found.dependence && seed == 1 {
                    println!("{name}: MEAN-FIELD, but no dependence across its blocks was found");
                }
            }
        }
    }
    println!(
        "adversarial: {} models, {exact} exact, {mean_field} mean field, {refused} refused, {checked} checks",
        MODELS.len()
    );
    assert!(wrong.is_empty(), "false:\n{}", wrong.join("\n\n"));
    assert!(unexpected.is_empty(), "unexpected:\n{}", unexpected.join("\n\n"));
}
