//! Variants of the programs, each one step to the side of a border.

use super::{check, check_err, check_not_exact};

#[test]
fn hidden_markov_model_with_latent_transitions() {
    check_not_exact(
        "pub mod hmm(K) {
            latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
            param    mean[k in K]: Real;
            for s in S {
                latent   z[s, 0]            ~ Categorical(trans[0]);
                latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
                observed x[s, t in T[s]]    ~ Normal(mean[z[s, t]], sd: 1);
            }
        }",
        &["MEAN-FIELD", "{z}: z scan over t", "{trans}: trans Dirichlet"],
        &["z: summing it leaves a log-sum-exp of terms in trans", "trans: integrating it couples all of z"],
    );
}

#[test]
fn factorial_hidden_markov_model() {
    check(
        "pub mod factorial(K, L) {
            param    A[i in K]: Simplex[K];
            param    B[i in L]: Simplex[L];
            param    mean[k in K, l in L]: Real;
            latent   a[0] ~ Categorical(A[0]);
            latent   a[t in 1..T] ~ Categorical(A[a[t-1]]);
            latent   b[0] ~ Categorical(B[0]);
            latent   b[t in 1..T] ~ Categorical(B[b[t-1]]);
            observed x[t in T] ~ Normal(mean[a[t], b[t]], sd: 1);
        }",
        &["EXACT", "{a, b}: a×b scan over t"],
    );
}

#[test]
fn state_space_with_a_latent_transition() {
    check_not_exact(
        "pub mod bayesian_state_space(H, S0: SymPos[H], P0: SymPos[H], nu: Positive) {
            latent   Q ~ InverseWishart(dof: nu, scale: S0);
            latent   A[j in H]: Vector[H] ~ Normal(0, cov: Q);                 // columns
            param    C: Matrix[D, H];   param R: SymPos[D];
            latent   x[0]         ~ Normal(0, cov: P0);
            latent   x[t in 1..T] ~ Normal(A.t() * x[t-1], cov: Q);
            observed y[t in T]    ~ Normal(C * x[t], cov: R);
        }",
        &["MEAN-FIELD", "{x}: x Gaussian scan over t", "{A, Q}: A Gaussian stack / Q; Q InverseWishart"],
        &["x: it multiplies A", "A: it multiplies x", "Q: log-partition that is not closed over"],
    );
}

#[test]
fn dynamic_linear_model_with_one_unknown_scale() {
    // West and Harrison's conjugate case.
    check(
        "pub mod one_scale {
            latent   tau ~ Gamma(shape: 1, rate: 1);
            latent   x[0]         ~ Normal(0, prec: tau);
            latent   x[t in 1..T] ~ Normal(x[t-1], prec: 10 * tau);
            observed y[t in T]    ~ Normal(x[t], prec: tau);
        }",
        &["EXACT", "{tau, x}: x Gaussian scan over t / tau; tau Gamma"],
    );
}

#[test]
fn local_level_with_two_unknown_scales() {
    check_not_exact(
        "pub mod two_scales {
            latent   q ~ Gamma(shape: 1, rate: 1);
            latent   r ~ Gamma(shape: 1, rate: 1);
            latent   x[0]         ~ Normal(0, sd: 10);
            latent   x[t in 1..T] ~ Normal(x[t-1], prec: q);
            observed y[t in T]    ~ Normal(x[t], prec: r);
        }",
        &["MEAN-FIELD", "{x}: x Gaussian scan over t", "{q}: q Gamma", "{r}: r Gamma"],
        &["x: its rows have two scales, q and r"],
    );
}

#[test]
fn factor_analysis_with_latent_loadings() {
    check_not_exact(
        "pub mod bayesian_factors(H) {
            latent   W[d in D]: Vector[H] ~ Normal(0, var: 1);
            latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
            observed x[n in N, d in D] ~ Normal(dot(W[d], f[n]), sd: 1);
        }",
        &["MEAN-FIELD", "{W}: W Gaussian", "{f}: f Gaussian"],
        &["f: it multiplies W: degree above 2 together (bilinear)", "W: it multiplies f"],
    );
}

fn regression(prior: &str) -> String {
    format!(
        "pub mod regression {{
            given    x[n in N]: Vector[D];
            latent   tau ~ Gamma(shape: 1e-3, rate: 1e-3);
            latent   alpha[d in D] ~ Gamma(shape: 1e-3, rate: 1e-3);
            latent   w[d in D] ~ Normal(0, prec: {prior});
            observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
        }}"
    )
}

#[test]
fn relevance_determination_on_the_scale_of_the_noise() {
    check_not_exact(
        &regression("tau * alpha[d]"),
        &["MEAN-FIELD", "{tau, w}: w Gaussian stack / tau; tau Gamma", "{alpha}: alpha Gamma"],
        &["w: its rows have two scales, tau and alpha"],
    );
}

#[test]
fn relevance_determination_on_a_scale_of_its_own() {
    check_not_exact(
        &regression("alpha[d]"),
        &["MEAN-FIELD", "{tau}: tau Gamma", "{w}: w Gaussian stack", "{alpha}: alpha Gamma"],
        &["w: its rows have two scales, tau and alpha"],
    );
}

#[test]
fn conjugate_regression() {
    check(
        "pub mod conjugate {
            given    x[n in N]: Vector[D];
            latent   tau ~ Gamma(shape: 1e-3, rate: 1e-3);
            param    alpha[d in D]: Positive;
            latent   w[d in D] ~ Normal(0, prec: tau * alpha[d]);
            observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
        }",
        &["EXACT", "{tau, w}: w Gaussian stack / tau; tau Gamma"],
    );
}

#[test]
fn semi_conjugate_regression_names_the_line_to_write() {
    let source = "pub mod semi_conjugate {
            given    x[n in N]: Vector[D];
            given    a[d in D]: Positive;
            latent   tau ~ Gamma(shape: 1e-3, rate: 1e-3);
            latent   w[d in D] ~ Normal(0, prec: a[d]);
            observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
        }";
    check_not_exact(
        source,
        &["MEAN-FIELD", "{tau}: tau Gamma", "{w}: w Gaussian stack"],
        &["w: not every term of it is scaled by tau"],
    );
    let help = super::ok(source).plan.obstacles.iter().find_map(|o| o.help.clone());
    assert_eq!(help.as_deref(), Some("w's line is not scaled by tau: write `prec: tau * a[d]`"));
    check_err(
        &source.replace("pub mod", "#[exact] pub mod"),
        &[
            "`#[exact]` is not met: `w`",
            "write `prec: tau * a[d]`",
            "not every term of it is scaled by `tau`",
        ],
    );
}

#[test]
fn mixture_of_student_ts() {
    check(
        "pub mod student_mixture(K) {
            param    weight: Simplex[K];   param mean[k in K]: Real;   param tau[k in K]: Positive;   param nu[k in K]: Positive;
            latent   z[n in N] ~ Categorical(weight);
            latent   u[n in N] ~ Gamma(shape: nu[z[n]] / 2, rate: nu[z[n]] / 2);
            observed x[n in N] ~ Normal(mean[z[n]], prec: tau[z[n]] * u[n]);
        }",
        &["EXACT", "{u, z}: u Gamma; z log-sum-exp"],
    );
}

#[test]
fn robust_regression_with_latent_weights() {
    check_not_exact(
        "pub mod robust(nu: Positive) {
            given    x[n in N]: Vector[D];
            latent   w[d in D] ~ Normal(0, sd: 10);
            param    tau: Positive;
            latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
            observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau * u[n]);
        }",
        &["MEAN-FIELD", "{u}: u Gamma", "{w}: w Gaussian stack"],
        &["w: its rows are scaled by different elements of u", "u: log-partition that is not closed over w"],
    );
}

#[test]
fn eight_schools_with_a_latent_variance() {
    check_not_exact(
        "pub mod schools {
            given    s[j in J]: Positive;
            latent   mu ~ Normal(0, sd: 20);
            latent   tau2 ~ InverseGamma(shape: 1, scale: 1);
            latent   theta[j in J] ~ Normal(mu, var: tau2);
            observed y[j in J] ~ Normal(theta[j], sd: s[j]);
        }",
        &["MEAN-FIELD", "{mu, theta}: theta Gaussian; mu Gaussian", "{tau2}: tau2 InverseGamma"],
        &["theta: not every term of it is scaled by tau2", "mu: not every term of it is scaled by tau2"],
    );
}

#[test]
fn chain_of_factor_analysers() {
    check(
        "pub mod chain_of_factors(K, H) {
            param    trans[i in K]: Simplex[K];
            param    W[k in K]: Matrix[D, H];   param psi[d in D]: Positive;
            latent   z[0] ~ Categorical(trans[0]);
            latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
            latent   f[t in T]: Vector[H] ~ Normal(0, var: 1);
            observed x[t in T] ~ Normal(W[z[t]] * f[t], var: psi);
        }",
        &["EXACT", "{f, z}: f Gaussian; z scan over t"],
    );
}

#[test]
fn hidden_markov_tree() {
    check(
        "pub mod tree(K) {
            given    parent[n in 1..N]: Category[n];
            param    root: Simplex[K];   param trans[i in K]: Simplex[K];   param mean[k in K]: Real;
            latent   z[0] ~ Categorical(root);
            latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]]]);
            observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
        }",
        &["EXACT", "{z}: z tree over n"],
    );
}

#[test]
fn characters_that_evolve_along_one_tree_are_one_block() {
    let source = |other: &str, map: &str| {
        format!(
            "pub mod tree(K, L) {{
                given    parent[n in 1..N]: Category[n];   {other}
                param    a[i in K]: Simplex[K];   param b[i in L, k in K]: Simplex[L];   param p[l in L]: Unit;
                latent   u[0] ~ Uniform();
                latent   v[0] ~ Uniform();
                latent   u[n in 1..N] ~ Categorical(a[u[parent[n]]]);
                latent   v[n in 1..N] ~ Categorical(b[v[{map}], u[n]]);
                observed x[n in N] ~ Bernoulli(p[v[n]]);
            }}"
        )
    };
    check(&source("", "parent[n]"), &["EXACT", "{u, v}: u×v tree over n"]);
    // Along two trees there is no order for both.
    check_not_exact(
        &source("given other[n in 1..N]: Category[n];", "other[n]"),
        &["MEAN-FIELD", "{u}: u tree over n", "{v}: v tree over n"],
        &["u: away from the frontier"],
    );
}

#[test]
fn mixture_of_state_spaces_runs_the_engine_once_for_each_component() {
    check(
        "pub mod mixture_of_chains(K, H) {
            param    weight: Simplex[K];   param A[k in K]: Matrix[H, H];   param Q[k in K]: SymPos[H];
            param    C: Matrix[D, H];   param R: SymPos[D];
            latent   c[s in S] ~ Categorical(weight);
            latent   x[s in S, 0] ~ Normal(0, var: 10);
            latent   x[s in S, t in 1..T[s]] ~ Normal(A[c[s]] * x[s, t-1], cov: Q[c[s]]);
            observed y[s in S, t in T[s]] ~ Normal(C * x[s, t], cov: R);
        }",
        &["EXACT", "{c, x}: x Gaussian scan over t; c log-sum-exp"],
    );
}

#[test]
fn mixture_of_hidden_markov_models() {
    check(
        "pub mod mixture_of_chains(K, M) {
            param    weight: Simplex[M];   param trans[m in M, i in K]: Simplex[K];   param mean[k in K]: Real;
            latent   c[s in S] ~ Categorical(weight);
            for s in S {
                latent   z[s, 0] ~ Categorical(trans[c[s], 0]);
                latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s], z[s, t-1]]);
                observed x[s, t in T[s]] ~ Normal(mean[z[s, t]], sd: 1);
            }
        }",
        &["EXACT", "{c, z}: z scan over t; c log-sum-exp"],
    );
}

#[test]
fn two_state_spaces_that_drive_one_another_are_scanned_together() {
    check(
        "pub mod coupled {
            latent   u[0] ~ Normal(0, sd: 1);
            latent   u[t in 1..T] ~ Normal(u[t-1], sd: 1);
            latent   v[0] ~ Normal(0, sd: 1);
            latent   v[t in 1..T] ~ Normal(v[t-1] + u[t-1], sd: 1);
            observed y[t in T] ~ Normal(v[t], sd: 1);
        }",
        &["EXACT", "{u, v}: u×v Gaussian scan over t"],
    );
}

#[test]
fn normal_inverse_wishart() {
    check(
        "pub mod niw(m0: Vector[D], s0: SymPos[D], nu: Positive) {
            latent   cov ~ InverseWishart(dof: nu, scale: s0);
            latent   mean ~ Normal(m0, cov: 4 * cov);
            observed x[n in N] ~ Normal(mean, cov: cov);
        }",
        &["EXACT", "{cov, mean}: mean Gaussian / cov; cov InverseWishart"],
    );
}

#[test]
fn independent_scales_of_coordinates_are_normal_gammas() {
    check(
        "pub mod coordinates {
            latent   tau[d in D] ~ Gamma(shape: 1, rate: 1);
            latent   mean[d in D] ~ Normal(0, prec: 2 * tau[d]);
            observed x[n in N, d in D] ~ Normal(mean[d], prec: tau[d]);
        }",
        &["EXACT", "{mean, tau}: mean Gaussian / tau; tau Gamma"],
    );
}

#[test]
fn standard_deviations_are_as_conjugate_as_precisions() {
    check(
        "pub mod deviations {
            latent   sigma ~ InverseGamma(shape: 2, scale: 1);
            observed x[n in N] ~ Normal(0, var: sigma);
        }",
        &["EXACT", "{sigma}: sigma InverseGamma"],
    );
}

#[test]
fn partly_labelled_data_counts_as_hidden() {
    check(
        "pub mod labelled(K) {
            param    weight: Simplex[K];   param mean[k in K]: Real;
            observed z[n in N]: Category[K]? ~ Categorical(weight);
            observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
        }",
        &["EXACT", "{z}: z log-sum-exp"],
    );
}

#[test]
fn missing_leaves_are_masked_out_and_missing_parents_are_not() {
    check("pub mod leaves { param mu: Real; observed x[n in N]: Real? ~ Normal(mu, sd: 1); }", &["EXACT"]);
    check(
        "pub mod parents {
            param a: Real;
            observed x[n in N]: Real? ~ Normal(0, sd: 1);
            observed y[n in N] ~ Normal(a * x[n], sd: 1);
        }",
        &["EXACT", "{x}: x Gaussian"],
    );
    check(
        "pub mod chain {
            param a: Real;
            observed y[0]: Real? ~ Normal(0, sd: 1);
            observed y[t in 1..T]: Real? ~ Normal(a * y[t-1], sd: 1);
        }",
        &["EXACT", "{y}: y Gaussian scan over t"],
    );
}

#[test]
fn a_point_latent_counts_as_a_param() {
    let source = |factorize: &str| {
        format!(
            "pub mod points(K) {{
                latent   weight: Simplex[K] ~ Dirichlet(2);
                param    mean[k in K]: Real;
                latent   z[n in N] ~ Categorical(weight);
                observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
                {factorize}
            }}"
        )
    };
    check(&source(""), &["MEAN-FIELD", "{z}: z log-sum-exp", "{weight}: weight Dirichlet"]);
    check(&source("factorize { q(weight): Point; }"), &["EXACT", "{weight} point: ", "{z}: z log-sum-exp"]);
}

#[test]
fn groups_of_factorize_are_honoured() {
    let source = |factorize: &str| {
        format!(
            "pub mod schools {{
                given    s[j in J]: Positive;
                latent   mu ~ Normal(0, sd: 20);
                latent   theta[j in J] ~ Normal(mu, var: 3);
                observed y[j in J] ~ Normal(theta[j], sd: s[j]);
                factorize {{ {factorize} }}
            }}"
        )
    };
    check(&source("q(theta[..], mu);"), &["EXACT", "{mu, theta}: theta Gaussian; mu Gaussian"]);
    check_not_exact(
        &source("q(theta[..]); q(mu);"),
        &["MEAN-FIELD", "{theta}: theta Gaussian", "{mu}: mu Gaussian"],
        &["theta: factorize holds it apart"],
    );
    check_not_exact(
        &source("q(mu);"),
        &["MEAN-FIELD", "{mu}: mu Gaussian", "{theta}: theta Gaussian"],
        &["mu: factorize holds it apart"],
    );
    check_err(&source("q(mu): Laplace;"), &["`Laplace` is not available yet"]);
    check_err(&source("q(mu); q(mu, theta);"), &["`mu` is in two groups"]);
}

#[test]
fn a_chain_held_element_by_element() {
    check_not_exact(
        "pub mod chain(K) {
            param    trans[i in K]: Simplex[K];
            param    mean[k in K]: Real;
            latent   z[0] ~ Categorical(trans[0]);
            latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
            observed x[t in T] ~ Normal(mean[z[t]], sd: 1);
            factorize { q(z[each]); }
        }",
        &["MEAN-FIELD", "{z} each: z log-sum-exp"],
        &["z: factorize holds it apart"],
    );
}

#[test]
fn a_group_that_is_not_exact_is_refused_with_the_failing_step() {
    check_err(
        "pub mod switching(K) {
            param    trans[i in K]: Simplex[K];   param a[k in K]: Real;
            latent   z[0] ~ Categorical(trans[0]);
            latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
            latent   x[0] ~ Normal(0, sd: 1);
            latent   x[t in 1..T] ~ Normal(a[z[t]] * x[t-1], sd: 1);
            observed y[t in T] ~ Normal(x[t], sd: 1);
            factorize { q(z[..], x[..]); }
        }",
        &["`q(z, x)` is not one exact block", "`x`: gated by `z` along a chain"],
    );
}
