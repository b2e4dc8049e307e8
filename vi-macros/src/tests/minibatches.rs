//! Minibatches are offered where units are independent and nothing belongs to few of them.

use super::expand::expanded;

#[track_caller]
fn check(source: &str, expected: bool) {
    assert_eq!(expanded(source).contains("pub fn fit_stochastic"), expected, "{source}");
}

#[test]
fn units_of_one_plate_that_share_everything() {
    check(
        "pub mod mixture(K) {
            latent weight: Simplex[K] ~ Dirichlet(1);
            latent m[k in K] ~ Normal(0, var: 9);
            latent z[n in N] ~ Categorical(weight);
            observed x[n in N] ~ Normal(m[z[n]], var: 1);
        }",
        true,
    );
    check(
        "pub mod workers(K) {
            given item[r in R]: Category[N];   given who[r in R]: Category[J];
            param prev: Simplex[K];   param conf[j in J, k in K]: Simplex[K];
            latent truth[n in N] ~ Categorical(prev);
            observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
        }",
        true,
    );
}

#[test]
fn documents_are_drawn_with_their_shares() {
    check(
        "pub mod lda(K, V) {
            latent topic[k in K]: Simplex[V] ~ Dirichlet(0.1);
            for d in Docs {
                latent share[d]: Simplex[K] ~ Dirichlet(0.1);
                latent z[d, i in I[d]] ~ Categorical(share[d]);
                observed word[d, i in I[d]] ~ Categorical(topic[z[d, i]]);
            }
        }",
        true,
    );
}

#[test]
fn groups_without_code_that_updates_them_one_by_one_have_no_minibatches() {
    check(
        "pub mod general(K, V) {
            latent topic[k in K]: Simplex[V] ~ Dirichlet(0.1);
            observed other[n in N] ~ Normal(0, sd: 1);
            for d in Docs {
                latent share[d]: Simplex[K] ~ Dirichlet(0.1);
                latent z[d, i in I[d]] ~ Categorical(share[d]);
                observed word[d, i in I[d]] ~ Categorical(topic[z[d, i]]);
            }
        }",
        false,
    );
}

#[test]
fn units_that_depend_on_one_another_and_series_have_no_minibatches() {
    check(
        "pub mod block_model(K) {
            latent weight: Simplex[K] ~ Dirichlet(1);
            latent B[a in K, b in K if a <= b] ~ Beta(1, 1);
            latent z[i in N] ~ Categorical(weight);
            observed y[i in N, j in N if i < j] ~ Bernoulli(B[z[i], z[j]]);
        }",
        false,
    );
    check(
        "pub mod heavy(K) {
            param weight: Simplex[K];
            param m[k in K]: Real;   param s[k in K]: Positive;
            latent z[n in N] ~ Categorical(weight);
            observed x[n in N] ~ Cauchy(m[z[n]], scale: s[z[n]]);
        }",
        false,
    );
    check("pub mod plain { param mu: Real; observed x[n in N] ~ Normal(mu, var: 1); }", false);
}
