//! PLAN names a line that would make a fit exact only where that line has code.

use super::expand::expanded;

const LINE: &str = "leave it out of `factorize`";

#[track_caller]
fn check(source: &str, advised: bool) {
    let text = expanded(source);
    assert!(text.contains("together they would be exact"), "{text}");
    assert_eq!(text.contains(LINE), advised, "{source}");
}

#[test]
fn a_latent_that_one_block_could_hold_is_to_be_left_out() {
    check(
        "pub mod pairs(K) {
            param    w: Simplex[K];   param m[j in K, k in K]: Real;
            latent   u[n in N] ~ Categorical(w);
            latent   v[n in N] ~ Categorical(w);
            observed x[n in N] ~ Normal(m[u[n], v[n]], var: 1);
            factorize { q(u); q(v); }
        }",
        true,
    );
}

#[test]
fn the_law_of_a_first_state_is_to_be_left_out() {
    check(
        "pub mod first_law(K) {
            param    trans[i in K]: Simplex[K];
            param    mean[k in K]: Real;
            latent   init: Simplex[K] ~ Dirichlet(1.0);
            latent   z[0]         ~ Categorical(init);
            latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
            observed y[t in T]    ~ Normal(mean[z[t]], var: 1);
            factorize { q(init); }
        }",
        true,
    );
}

#[test]
fn a_latent_whose_joint_block_has_no_code_is_not() {
    check(
        "pub mod first_mean(K) {
            param    trans[i in K]: Simplex[K];
            param    mean[k in K]: Real;
            latent   mu[k in K]   ~ Normal(0, var: 4);
            latent   z[0]         ~ Uniform();
            latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
            observed y[0]         ~ Normal(mu[z[0]], var: 1);
            observed y[t in 1..T] ~ Normal(mean[z[t]], var: 1);
            factorize { q(mu); }
        }",
        false,
    );
}
