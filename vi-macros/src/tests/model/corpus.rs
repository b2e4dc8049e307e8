//! Models that a user might write: each must check, and no change of one token may make the compiler panic.

use super::{accepts, checked};
use crate::tests::programs;
use proc_macro2::{TokenStream, TokenTree};

#[test]
fn other_models_check() {
    for source in [
        // Autoregression of order two, first values given.
        "mod ar { param a: Real; param b: Real; param s2: Positive; given y[t in 0..2]: Real;
         observed y[t in 2..T] ~ Normal(a * y[t-1] + b * y[t-2], var: s2); }",
        // Semi-supervised mixture.
        "mod semi(K) { param w: Simplex[K]; param mu[k in K]: Real; observed z[n in N]: Category[K]? ~ Categorical(w); observed x[n in N] ~ Normal(mu[z[n]], sd: 1); }",
        // Hierarchical regression with groups given by a map.
        "mod groups { given group[n in N]: Category[G]; given x[n in N]: Real; latent m ~ Normal(0, sd: 10); latent s ~ Normal(0, sd: 1, min: 0);
         latent a[g in G] ~ Normal(m, sd: s); latent b ~ Normal(0, sd: 1); latent tau ~ Gamma(shape: 1, rate: 1);
         observed y[n in N] ~ Normal(a[group[n]] + b * x[n], prec: tau); }",
        // Factorial hidden Markov model.
        "mod factorial(K, L) { param p: Simplex[K]; param q: Simplex[L]; param A[i in K]: Simplex[K]; param B[i in L]: Simplex[L]; param mu[k in K]: Real; param nu[l in L]: Real;
         latent a[0] ~ Categorical(p); latent a[t in 1..T] ~ Categorical(A[a[t-1]]); latent b[0] ~ Categorical(q); latent b[t in 1..T] ~ Categorical(B[b[t-1]]);
         observed x[t in T] ~ Normal(mu[a[t]] + nu[b[t]], sd: 1); }",
        // Multinomial topics, counts drawn together.
        "mod counts(K) { given total[n in N]: Count; param topic[k in K]: Simplex[V]; param w: Simplex[K]; latent z[n in N] ~ Categorical(w); observed y[n in N] ~ Multinomial(total[n], topic[z[n]]); }",
        // Poisson regression with exposure, and a saturated one.
        "mod glm { given e[n in N]: Positive; given x[n in N]: Vector[D]; latent w: Vector[D] ~ Normal(0, var: 1); observed y[n in N] ~ Poisson(e[n] * exp(dot(w, x[n]))); }",
        "mod glm2 { given x[n in N]: Vector[D]; latent w: Vector[D] ~ Normal(0, var: 1); observed y[n in N] ~ Poisson(log: dot(w, x[n])); }",
        // Changepoint: a latent category compared with an index.
        "mod change { latent c: Category[T] ~ Uniform(); latent lo ~ Gamma(shape: 1, rate: 1); latent hi ~ Gamma(shape: 1, rate: 1);
         observed y[t in T] ~ match t < c { true => Poisson(lo), false => Poisson(hi) }; }",
        // Local level with a latent scale.
        "mod level { latent s ~ Gamma(shape: 1, rate: 1); latent x[0] ~ Flat(); latent x[t in 1..T] ~ Normal(x[t-1], prec: s); observed y[t in T]: Real? ~ Normal(x[t], var: 1); }",
        // Matrix of arrays read as a whole.
        "mod low_rank(H) { latent U[n in N, h in H] ~ Normal(0, sd: 1); latent V[m in M, h in H] ~ Normal(0, sd: 1); observed Y[n in N, m in M] ~ Normal(dot(U[n], V[m]), sd: 1); }",
        // A tree given by parents.
        "mod tree { given parent[n in 1..N]: Category[n]; param p: Unit; latent z[0] ~ Bernoulli(0.5); latent z[n in 1..N] ~ match z[parent[n]] { true => Bernoulli(p), false => Constant(false) };
         observed x[n in N] ~ Normal(3 * z[n], sd: 1); }",
        // Item response.
        "mod irt { given who[r in R]: Category[P]; given what[r in R]: Category[Q]; latent ability[p in P] ~ Normal(0, sd: 1); latent hard[q in Q] ~ Normal(0, sd: 1);
         observed right[r in R] ~ Bernoulli(logit: ability[who[r]] - hard[what[r]]); }",
        // Capture of a table by its margins, ragged groups without a `for`.
        "mod ragged { latent m[g in G] ~ Normal(0, sd: 1); observed x[g in G, i in I[g]] ~ Normal(m[g], sd: 1); }",
        // Weighted observations, bounds, truncation by data.
        "mod censored { given lo[n in N]: Real; given w[n in N]: Positive; latent mu ~ Normal(0, sd: 1); for n in N repeat w[n] { observed x[n] ~ Normal(mu, sd: 1, min: lo[n]); } }",
        // Lags under a sum.
        "mod lags(L) { latent a[l in L] ~ Normal(0, sd: 1); given y[t in T if t < L]: Real; observed y[t in L..T] ~ Normal(sum(a[l] * y[t - 1 - l] for l in L), sd: 1); }",
        // Every pair once, both ways round.
        "mod pairs { latent u[i in N]: Vector[D] ~ Normal(0, var: 1); given one: Vector[D]; observed y[i in N, j in N if i != j] ~ Bernoulli(logit: dot(u[i], u[j])); }",
        // Linear constraints on latents, with bounds that are data.
        "mod bounded { given lo[n in N]: Real; latent x[n in N] ~ Normal(0, sd: 1); constrain lo[0] < x[0] <= 3; for n in 1..N { constrain x[n] - x[n-1] > lo[n]; } observed y[n in N] ~ Normal(x[n], sd: 1); }",
        // Nothing hidden.
        "mod plain { param mu: Real; param s: Positive; observed x[n in N] ~ Normal(mu, sd: s); }",
        // A matrix by comprehension, a diagonal covariance and a reported trace.
        "mod made(s: Positive) { param a[d in D]: Positive; let C = diag(a); let t = trace(C); observed x[n in N]: Vector[D] ~ Normal([0 for d in D], cov: C); }",
    ] {
        accepts(source);
    }
}

/// Every way to leave out or repeat one token.
fn damaged(tokens: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut results = Vec::new();
    for (n, tree) in trees.iter().enumerate() {
        let with = |middle: &[TokenTree]| -> TokenStream {
            trees[..n].iter().chain(middle).chain(&trees[n + 1..]).cloned().collect()
        };
        results.push(with(&[]));
        results.push(with(&[tree.clone(), tree.clone()]));
        if let Some(next) = trees.get(n + 1) {
            let rest = trees[n + 2..].iter();
            results.push(trees[..n].iter().chain([next, tree]).chain(rest).cloned().collect());
        }
        if let TokenTree::Group(group) = tree {
            for inside in damaged(group.stream()) {
                let mut group = proc_macro2::Group::new(group.delimiter(), inside);
                group.set_span(tree.span());
                results.push(with(&[group.into()]));
            }
        }
    }
    results
}

#[test]
fn damaged_programs_do_not_panic() {
    let mut refused = 0;
    for (name, source) in programs::ALL {
        let tokens: TokenStream = source.parse().expect("the source is made of tokens");
        for (n, damaged) in damaged(tokens).into_iter().enumerate() {
            // A third of them, chosen evenly, keeps the test short.
            if n % 3 != name.len() % 3 {
                continue;
            }
            let text = damaged.to_string();
            let (model, mistakes) = checked(&text);
            assert!(model.is_some() || !mistakes.is_empty(), "neither a model nor a mistake: {text}");
            refused += usize::from(!mistakes.is_empty());
        }
    }
    assert!(refused > 1000, "hardly anything was refused: {refused}");
}
