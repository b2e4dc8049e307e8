//! Chains, trees and what looks like them that must not be called exact, each with the reason.

use super::{check, check_not_exact};

const CHAIN: &str = "
    latent   z[0] ~ Categorical(trans[0]);
    latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);";

#[test]
fn switching_linear_dynamical_system() {
    check_not_exact(
        &format!(
            "pub mod switching(K) {{
                param    trans[i in K]: Simplex[K];   param a[k in K]: Real;
                {CHAIN}
                latent   x[0] ~ Normal(0, sd: 1);
                latent   x[t in 1..T] ~ Normal(a[z[t]] * x[t-1], sd: 1);
                observed y[t in T] ~ Normal(x[t], sd: 1);
            }}"
        ),
        &["MEAN-FIELD", "{z}: z scan over t", "{x}: x Gaussian scan over t"],
        &["x: gated by z along a chain: a mixture with exponentially many components"],
    );
}

#[test]
fn coupled_chains_of_which_one_gates_a_gaussian_chain() {
    check_not_exact(
        "pub mod gated(K) {
            param    A[i in K]: Simplex[K];   param B[i in K, k in K]: Simplex[K];   param s[k in K]: Positive;
            latent   a[0] ~ Categorical(A[0]);
            latent   a[t in 1..T] ~ Categorical(A[a[t-1]]);
            latent   b[0] ~ Categorical(A[0]);
            latent   b[t in 1..T] ~ Categorical(B[b[t-1], a[t]]);
            latent   x[0] ~ Normal(0, sd: 1);
            latent   x[t in 1..T] ~ Normal(x[t-1], var: s[a[t]]);
            observed y[t in T] ~ Normal(x[t], sd: 1);
        }",
        &["MEAN-FIELD", "{a, b}: a×b scan over t", "{x}: x Gaussian scan over t"],
        &["x: gated by a along a chain"],
    );
}

#[test]
fn chain_that_meets_many_categories_at_every_step() {
    check_not_exact(
        &format!(
            "pub mod raters(K, L) {{
                param    trans[i in K]: Simplex[K];   param kinds: Simplex[L];   param p[k in K, l in L]: Unit;
                {CHAIN}
                latent   c[m in M] ~ Categorical(kinds);
                observed y[t in T, m in M] ~ Bernoulli(p[z[t], c[m]]);
            }}"
        ),
        &["MEAN-FIELD", "{z}: z scan over t", "{c}: c log-sum-exp"],
        &["z: its chain meets c away from the frontier", "c: each element of it touches many elements of z"],
    );
}

#[test]
fn a_scale_that_several_positions_share_through_a_lag() {
    check_not_exact(
        "pub mod lagged_scale {
            latent   s[t in T] ~ Gamma(shape: 1, rate: 1);
            latent   x[t in T] ~ Normal(0, prec: s[t]);
            observed y[t in 1..T] ~ Normal(x[t], prec: s[t-1]);
        }",
        &["MEAN-FIELD", "{x}: x Gaussian", "{s}: s Gamma"],
        &["x: its rows are scaled by different elements of s"],
    );
}

#[test]
fn a_map_that_need_not_be_a_parent() {
    check_not_exact(
        "pub mod graph(K) {
            given    other[n in N]: Category[N];
            param    w: Simplex[K];   param p[i in K, j in K]: Unit;
            latent   z[n in N] ~ Categorical(w);
            observed y[n in N if other[n] != n] ~ Bernoulli(p[z[n], z[other[n]]]);
        }",
        &["MEAN-FIELD", "{z} each: z log-sum-exp"],
        &["z: its elements are coupled in pairs (n and other[n])"],
    );
}

#[test]
fn a_map_that_may_point_forward_is_no_parent() {
    let source = |values: &str| {
        format!(
            "pub mod forward(K) {{
                given    up[n in 1..N]: Category[{values}];
                param    w: Simplex[K];   param p[i in K, j in K]: Unit;
                latent   z[n in N] ~ Categorical(w);
                observed y[n in 1..N if up[n] != n] ~ Bernoulli(p[z[n], z[up[n]]]);
            }}"
        )
    };
    check(&source("n"), &["EXACT", "{z}: z tree over n"]);
    check_not_exact(
        &source("n + 2"),
        &["MEAN-FIELD", "{z} each: z log-sum-exp"],
        &["z: its elements are coupled in pairs (n and up[n])"],
    );
}

#[test]
fn two_parents_are_no_tree() {
    check_not_exact(
        "pub mod dag(K) {
            given    up[n in 1..N]: Category[n];   given down[n in 1..N]: Category[n];
            param    root: Simplex[K];   param trans[i in K]: Simplex[K];   param p[i in K, j in K]: Unit;
            latent   z[0] ~ Categorical(root);
            latent   z[n in 1..N] ~ Categorical(trans[z[up[n]]]);
            observed y[n in 1..N] ~ Bernoulli(p[z[n], z[down[n]]]);
        }",
        &["MEAN-FIELD", "{z} each: z log-sum-exp"],
        &["z: its elements are coupled in pairs"],
    );
}

#[test]
fn lattice() {
    check_not_exact(
        "pub mod lattice(K) {
            param    w: Simplex[K];   param right[k in K]: Simplex[K];   param p[i in K, j in K]: Unit;
            latent   z[0, j in J] ~ Categorical(w);
            latent   z[i in 1..I, j in J] ~ Categorical(right[z[i-1, j]]);
            observed y[i in I, j in 1..J] ~ Bernoulli(p[z[i, j-1], z[i, j]]);
        }",
        &["MEAN-FIELD", "{z} each: z log-sum-exp"],
        &["z: its elements are coupled in pairs (j-1 and j)"],
    );
}

#[test]
fn ring() {
    check_not_exact(
        &format!(
            "pub mod ring(K) {{
                param    trans[i in K]: Simplex[K];   param p[i in K, j in K]: Unit;
                {CHAIN}
                observed closed ~ Bernoulli(p[z[0], z[T-1]]);
                observed x[t in T] ~ Normal(z[t], sd: 1);
            }}"
        ),
        &["MEAN-FIELD", "{z} each: z log-sum-exp"],
        &["z: its elements are coupled in pairs"],
    );
}

#[test]
fn gamma_chains_have_no_joint_law() {
    check_not_exact(
        "pub mod volatility {
            latent   s[0] ~ Gamma(shape: 2, rate: 2);
            latent   s[t in 1..T] ~ Gamma(shape: 2, rate: s[t-1]);
            observed y[t in T] ~ Normal(0, prec: s[t]);
        }",
        &["MEAN-FIELD", "{s} each: s Gamma"],
        &["s: its elements meet in one term"],
    );
}

#[test]
fn a_lagged_gate_is_a_gate_all_the_same() {
    // x[t] alone is exact given z[t-1], and z stays a chain.
    check(
        &format!(
            "pub mod lagged(K) {{
                param    trans[i in K]: Simplex[K];   param s[k in K]: Positive;
                {CHAIN}
                latent   x[0] ~ Normal(0, sd: 1);
                latent   x[t in 1..T] ~ Normal(0, var: s[z[t-1]]);
                observed y[t in T] ~ Normal(x[t], sd: 1);
            }}"
        ),
        &["EXACT", "{x, z}: x Gaussian; z scan over t"],
    );
    // Read also one step later, it couples z[t-1] and z[t]: still a chain.
    check(
        &format!(
            "pub mod lagged(K) {{
                param    trans[i in K]: Simplex[K];   param s[k in K]: Positive;
                {CHAIN}
                latent   x[0] ~ Normal(0, sd: 1);
                latent   x[t in 1..T] ~ Normal(0, var: s[z[t-1]]);
                observed y[t in T] ~ Normal(x[t], var: s[z[t]]);
            }}"
        ),
        &["EXACT", "{x, z}: x Gaussian; z scan over t"],
    );
}

#[test]
fn second_order_chains_say_so() {
    let source = "pub mod second(K) {
            param    w: Simplex[K];   param trans[i in K, j in K]: Simplex[K];   param m[k in K]: Real;
            latent   z[0] ~ Categorical(w);
            latent   z[1] ~ Categorical(w);
            latent   z[t in 2..T] ~ Categorical(trans[z[t-2], z[t-1]]);
            observed x[t in T] ~ Normal(m[z[t]], sd: 1);
        }";
    check(source, &["EXACT", "{z}: z scan over t"]);
    assert_eq!(super::ok(source).plan.blocks[0].trace[0].lag, 2);
}

#[test]
fn chains_of_different_sequences_that_share_a_chain() {
    // b advances with every a[s]: the frontier is all sequences at once.
    check_not_exact(
        "pub mod weather(K) {
            param    A[i in K, j in K]: Simplex[K];   param B[i in K]: Simplex[K];   param m[k in K]: Real;
            latent   b[0] ~ Categorical(B[0]);
            latent   b[t in 1..T] ~ Categorical(B[b[t-1]]);
            latent   a[s in S, 0] ~ Categorical(B[0]);
            latent   a[s in S, t in 1..T] ~ Categorical(A[a[s, t-1], b[t]]);
            observed x[s in S, t in T] ~ Normal(m[a[s, t]], sd: 1);
        }",
        &["MEAN-FIELD", "{b}: b scan over t", "{a}: a scan over t"],
        &["b: its chain meets a away from the frontier", "a: its chain meets b away from the frontier"],
    );
}

#[test]
fn a_scale_of_every_step_is_not_one_scale() {
    check_not_exact(
        "pub mod stochastic_scale {
            latent   s[t in T] ~ Gamma(shape: 2, rate: 2);
            latent   x[0] ~ Normal(0, prec: s[0]);
            latent   x[t in 1..T] ~ Normal(x[t-1], prec: s[t]);
            observed y[t in T] ~ Normal(x[t], prec: s[t]);
        }",
        &["MEAN-FIELD", "{x}: x Gaussian scan over t", "{s}: s Gamma"],
        &["x: its rows are scaled by different elements of s"],
    );
}
