//! Models that must not be called exact, each with the reason. A false EXACT is the worst defect there can be.

use super::{check, check_err, check_not_exact};

#[test]
fn biclustering() {
    check_not_exact(
        "pub mod biclustering(K, L) {
            param    rows: Simplex[K];   param columns: Simplex[L];   param mean[k in K, l in L]: Real;
            latent   a[i in I] ~ Categorical(rows);
            latent   b[j in J] ~ Categorical(columns);
            observed y[i in I, j in J] ~ Normal(mean[a[i], b[j]], sd: 1);
        }",
        &["MEAN-FIELD", "{a}: a log-sum-exp", "{b}: b log-sum-exp"],
        &[
            "a: each element of it touches many elements of b",
            "b: each element of it touches many elements of a",
        ],
    );
}

#[test]
fn variance_in_one_line_and_precision_in_another() {
    check_not_exact(
        "pub mod powers {
            latent   tau ~ Gamma(shape: 2, rate: 1);
            latent   x[n in N] ~ Normal(0, var: tau);
            observed y[n in N] ~ Normal(x[n], prec: tau);
        }",
        &["MEAN-FIELD", "{x}: x Gaussian", "{tau}: tau GeneralisedInverseGaussian"],
        &["x: its rows are scaled by different powers of tau"],
    );
}

#[test]
fn pairs_through_two_maps() {
    check_not_exact(
        "pub mod games(K) {
            given    left[r in R]: Category[N];   given right[r in R]: Category[N];
            param    w: Simplex[K];   param p[i in K, j in K]: Unit;
            latent   z[n in N] ~ Categorical(w);
            observed y[r in R if left[r] != right[r]] ~ Bernoulli(p[z[left[r]], z[right[r]]]);
        }",
        &["MEAN-FIELD", "{z} each: z log-sum-exp"],
        &["z: its elements are coupled in pairs (left[r] and right[r])"],
    );
}

#[test]
fn leaves_that_join_two_elements_through_maps() {
    // Eliminating each u[r] is fine; what it leaves couples z in pairs.
    check_not_exact(
        "pub mod joints(K) {
            given    left[r in R]: Category[N];   given right[r in R]: Category[N];
            param    w: Simplex[K];   param p[i in K, j in K]: Simplex[K];   param q[k in K]: Unit;
            latent   z[n in N] ~ Categorical(w);
            latent   u[r in R if left[r] != right[r]] ~ Categorical(p[z[left[r]], z[right[r]]]);
            observed y[r in R if left[r] != right[r]] ~ Bernoulli(q[u[r]]);
        }",
        &["MEAN-FIELD", "{u}: u log-sum-exp", "{z} each: z log-sum-exp"],
        &["z: its elements are coupled in pairs"],
    );
}

#[test]
fn global_category_that_gates_plates_of_a_shared_gaussian() {
    // x[n] is exact given c and mu, and c is exact given mu: mu is what remains, gated by nothing but c.
    check(
        "pub mod shared(K) {
            param    w: Simplex[K];   param s[k in K]: Positive;
            latent   c ~ Categorical(w);
            latent   mu ~ Normal(0, sd: 1);
            latent   x[n in N] ~ Normal(mu, var: s[c]);
            observed y[n in N] ~ Normal(x[n], sd: 1);
        }",
        &["EXACT", "{c, mu, x}: x Gaussian; mu Gaussian; c log-sum-exp"],
    );
    // One gate for each n, and mu is a mixture over all of them.
    check_not_exact(
        "pub mod outliers(K) {
            param    w: Simplex[K];   param s[k in K]: Positive;
            latent   c[n in N] ~ Categorical(w);
            latent   mu ~ Normal(0, sd: 1);
            observed y[n in N] ~ Normal(mu, var: s[c[n]]);
        }",
        &["MEAN-FIELD", "{c}: c log-sum-exp", "{mu}: mu Gaussian"],
        &["mu: integrating it couples all of c"],
    );
}

#[test]
fn spikes_and_slabs_gate_every_weight() {
    check_not_exact(
        "pub mod spikes {
            given    x[n in N]: Vector[D];
            param    p: Unit;
            latent   on[d in D] ~ Bernoulli(p);
            latent   w[d in D] ~ Normal(0, var: 0.01 + on[d]);
            observed y[n in N] ~ Normal(dot(w, x[n]), sd: 1);
        }",
        &["MEAN-FIELD", "{on}: on log-sum-exp", "{w}: w Gaussian stack"],
        &["w: gated by many elements of on"],
    );
}

#[test]
fn copies_are_many_to_what_they_share() {
    // Given the shared category, the copies are independent: they are eliminated first, and leave a table.
    check(
        "pub mod copies(K, L, V) {
            param    w: Simplex[L];   param share[l in L]: Simplex[K];   param topic[k in K]: Simplex[V];
            given    count[i in I]: Count;
            latent   kind[i in I] ~ Categorical(w);
            for i in I repeat count[i] {
                latent   z[i] ~ Categorical(share[kind[i]]);
                observed word[i] ~ Categorical(topic[z[i]]);
            }
        }",
        &["EXACT", "{kind, z}: z log-sum-exp; kind log-sum-exp"],
    );
    // A Gaussian cannot be integrated first: it is gated by every copy.
    let gated = |repeat: &str| {
        format!(
            "pub mod gated(K) {{
                param    w: Simplex[K];   param s[k in K]: Positive;
                given    count[i in I]: Count;
                latent   x[i in I] ~ Normal(0, sd: 1);
                for i in I {repeat} {{
                    latent   z[i] ~ Categorical(w);
                    observed y[i] ~ Normal(x[i], var: s[z[i]]);
                }}
            }}"
        )
    };
    check(&gated(""), &["EXACT", "{x, z}: x Gaussian; z log-sum-exp"]);
    check_not_exact(
        &gated("repeat count[i]"),
        &["MEAN-FIELD", "{x}: x Gaussian", "{z}: z log-sum-exp"],
        &["x: integrating it couples all of z"],
    );
}

#[test]
fn symmetric_pairs() {
    // `z[i, j]` is `z[j, i]`, so it meets both u[i] and u[j], though no line reads it with two of them.
    check_not_exact(
        "pub mod pairs(K) {
            param    w: Simplex[K];   param p[k in K, l in K]: Unit;
            latent   u[i in N] ~ Categorical(w);
            latent   z[i in N, j in N if i <= j] ~ Categorical(w);
            observed y[i in N, j in N] ~ Bernoulli(p[z[i, j], u[i]]);
        }",
        &["MEAN-FIELD", "{u}: u log-sum-exp", "{z}: z log-sum-exp"],
        &["u: its elements are coupled in pairs"],
    );
}

#[test]
fn a_truncated_gaussian_is_not_gaussian() {
    check_not_exact(
        "pub mod truncated {
            latent   mu ~ Normal(0, sd: 1);
            latent   x[n in N] ~ Normal(mu, sd: 1);
            observed y[n in N] ~ Normal(x[n], sd: 1);
            for n in N { constrain x[n] > 0; }
        }",
        &["MEAN-FIELD", "{x}: x TruncatedNormal", "{mu}: mu Gaussian"],
        &["mu: it meets x, which is bounded, not Gaussian"],
    );
    check_not_exact(
        "pub mod half {
            latent   mu ~ Normal(0, sd: 1, min: 0);
            latent   x[n in N] ~ Normal(mu, sd: 1);
            observed y[n in N] ~ Normal(x[n], sd: 1);
        }",
        &["MEAN-FIELD", "{x}: x Gaussian", "{mu}: mu TruncatedNormal"],
        &["x: not every term of it is scaled by mu", "mu: not closed over x"],
    );
}

#[test]
fn a_bound_on_one_side_is_enough() {
    check_not_exact(
        "pub mod below {
            latent   mu ~ Normal(0, sd: 1, max: 2);
            latent   x[n in N] ~ Normal(mu, sd: 1);
            observed y[n in N] ~ Normal(x[n], sd: 1);
        }",
        &["MEAN-FIELD", "{x}: x Gaussian", "{mu}: mu TruncatedNormal"],
        &["x: it meets mu, which is bounded, not Gaussian"],
    );
}

#[test]
fn a_constraint_that_joins_two_blocks() {
    check_err(
        "pub mod race {
            latent   a[n in N] ~ Normal(0, sd: 1);
            latent   b[n in N] ~ Normal(0, sd: 1);
            observed y[n in N] ~ Normal(a[n] + b[n], sd: 1);
            for n in N { constrain a[n] > b[n]; }
        }",
        &["joins latents that no exact block holds together", "constrain gap > 0"],
    );
}

#[test]
fn a_copied_category_stays_in_the_block_of_its_source() {
    check(
        "pub mod copied(K) {
            param    w: Simplex[K];   param m[k in K]: Real;
            latent   a[n in N] ~ Categorical(w);
            latent   b[n in N] ~ Constant(a[n]);
            observed y[n in N] ~ Normal(m[b[n]], sd: 1);
        }",
        &["EXACT", "{a, b}: a log-sum-exp; b log-sum-exp"],
    );
}

#[test]
fn a_scale_in_the_direction_of_given_columns_does_not_cancel() {
    // The precision is Cᵀ Λ C: its determinant is no multiple of that of Λ.
    check_not_exact(
        "pub mod projected(nu: Positive, s0: SymPos[D]) {
            given    C: Matrix[D, H];
            latent   L ~ Wishart(dof: nu, scale: s0);
            latent   x: Vector[H] ~ Flat();
            observed y[n in N] ~ Normal(C * x, prec: L);
        }",
        &["MEAN-FIELD", "{L}: L Wishart", "{x}: x Gaussian"],
        &["x: L does not scale whole rows of it"],
    );
}

#[test]
fn coordinates_weighted_apart_do_not_cancel() {
    check_not_exact(
        "pub mod weighted(nu: Positive, s0: SymPos[D]) {
            given    c[n in N]: Vector[D];
            latent   L ~ Wishart(dof: nu, scale: s0);
            latent   x[d in D] ~ Flat();
            observed y[n in N]: Vector[D] ~ Normal([c[n][d] * x[d] for d in D], prec: L);
        }",
        &["MEAN-FIELD", "{L}: L Wishart", "{x}: x Gaussian stack"],
        &["x: L does not scale whole rows of it"],
    );
}

#[test]
fn positive_latents_that_multiply() {
    check_not_exact(
        "pub mod rates {
            latent   a[i in I] ~ Gamma(shape: 1, rate: 1);
            latent   b[j in J] ~ Gamma(shape: 1, rate: 1);
            observed y[i in I, j in J] ~ Poisson(a[i] * b[j]);
        }",
        &["MEAN-FIELD", "{a}: a Gamma", "{b}: b Gamma"],
        &["a: log-partition that is not closed over b"],
    );
}

#[test]
fn latents_that_no_family_fits_have_no_plan() {
    check_err(
        "pub mod shapes {
            latent   a ~ Gamma(shape: 1, rate: 1);
            observed y[n in N] ~ Gamma(shape: a, rate: 1);
        }",
        &["no update for `a`: it enters through a gamma function", "factorize { q(a): Point; }"],
    );
    check_err(
        "pub mod heavy {
            latent   x ~ StudentT(0, scale: 1, dof: 4);
            observed y[n in N] ~ Normal(x, sd: 1);
        }",
        &["no update for `x`"],
    );
    check_err(
        "pub mod log_scale {
            latent   s ~ LogNormal(0, sd: 1);
            observed y[n in N] ~ Normal(0, prec: s);
        }",
        &["`s`"],
    );
    check_err(
        "pub mod unit_scale {
            latent   p ~ Beta(2, 2);
            observed y[n in N] ~ Normal(p, sd: 1);
        }",
        &["`p` has no closed-form posterior", "nearest is Beta, with {log x, log(1 − x)}"],
    );
}

#[test]
fn squares_of_one_array_that_may_coincide() {
    check_err(
        "pub mod products {
            given    left[r in R]: Category[N];   given right[r in R]: Category[N];
            latent   x[n in N] ~ Normal(0, sd: 1);
            observed y[r in R] ~ Normal(x[left[r]] * x[right[r]], sd: 1);
        }",
        &["two elements of `x` in this line may be the same one", "if a[r] != b[r]"],
    );
    check_not_exact(
        "pub mod products {
            given    left[r in R]: Category[N];   given right[r in R]: Category[N];
            latent   x[n in N] ~ Normal(0, sd: 1);
            observed y[r in R if left[r] != right[r]] ~ Normal(x[left[r]] * x[right[r]], sd: 1);
        }",
        &["MEAN-FIELD", "{x} each: x Gaussian"],
        &["x: its elements multiply one another"],
    );
}

#[test]
fn a_sum_inside_a_function_joins_all_it_sums() {
    // Every on[n, j] of a row is in one nonlinear term.
    check_err(
        "pub mod features(J) {
            param    p: Unit;   param w[j in J]: Real;
            latent   on[n in N, j in J] ~ Bernoulli(p);
            observed y[n in N] ~ Poisson(log: sum(w[j] * on[n, j] for j in J));
        }",
        &["no update for `on`: it enters through an exponential"],
    );
    // A square of a sum is a polynomial: one element at a time.
    check_not_exact(
        "pub mod features(J) {
            param    p: Unit;   param w[j in J]: Real;
            latent   on[n in N, j in J] ~ Bernoulli(p);
            observed y[n in N] ~ Normal(sum(w[j] * on[n, j] for j in J), sd: 1);
        }",
        &["MEAN-FIELD", "{on} each: on log-sum-exp"],
        &["on: its elements are coupled in pairs"],
    );
}

#[test]
fn a_constraint_on_a_sum_joins_all_it_sums() {
    check_err(
        "pub mod total(J) {
            latent   x[j in J] ~ Normal(0, sd: 1);
            observed y[j in J] ~ Normal(x[j], sd: 1);
            constrain sum(x[j] for j in J) > 0;
        }",
        &["joins latents that no exact block holds together"],
    );
}

#[test]
fn categories_that_point_at_categories() {
    check_not_exact(
        "pub mod pointers(K, L) {
            param    w: Simplex[K];   param v: Simplex[L];   param m[l in L]: Real;
            latent   a[n in N] ~ Categorical(w);
            latent   z[k in K] ~ Categorical(v);
            observed y[n in N] ~ Normal(m[z[a[n]]], sd: 1);
        }",
        &["MEAN-FIELD", "{a}: a log-sum-exp", "{z}: z log-sum-exp"],
        &[
            "a: each element of it touches many elements of z",
            "z: each element of it touches many elements of a",
        ],
    );
}

#[test]
fn missing_coordinates_of_a_dense_row_are_integrated_out() {
    let source = |scale: &str| {
        format!(
            "pub mod rows(K) {{
                param    w: Simplex[K];   param m[k in K]: Vector[D];   param S: SymPos[D];   param v: Positive;
                latent   z[n in N] ~ Categorical(w);
                given    a[n in N]: Vector[D];
                observed b[n in N] ~ Normal(a[n], cov: S);
                observed x[n in N]: Vector[D]? ~ Normal(m[z[n]], {scale});
                observed c[n in N] ~ Normal(0, var: v);
            }}"
        )
    };
    check(&source("var: v"), &["EXACT", "{z}: z log-sum-exp"]);
    check(&source("cov: S"), &["EXACT", "{z}: z log-sum-exp"]);
}

#[test]
fn uniform_priors_truncate() {
    check(
        "pub mod uniform { latent x ~ Uniform(0, 1); observed y[n in N] ~ Normal(x, sd: 1); }",
        &["EXACT", "{x}: x TruncatedNormal"],
    );
    check_not_exact(
        "pub mod uniform {
            latent   x[n in N] ~ Uniform(0, 1);
            latent   mu ~ Normal(0, sd: 1);
            observed y[n in N] ~ Normal(x[n] + mu, sd: 1);
        }",
        &["MEAN-FIELD", "{x}: x TruncatedNormal", "{mu}: mu Gaussian"],
        &["mu: it meets x, which is bounded"],
    );
}

#[test]
fn counts_have_no_table() {
    check_err(
        "pub mod counts {
            latent   k[n in N] ~ Poisson(3);
            observed y[n in N] ~ Normal(k[n], sd: 1);
        }",
        &["`k`"],
    );
}

#[test]
fn one_array_is_not_half_param() {
    check_err(
        "pub mod start {
            param    x[0]: Real;
            latent   x[t in 1..T] ~ Normal(x[t-1], sd: 1);
            observed y[t in 1..T] ~ Normal(x[t], sd: 1);
        }",
        &["`x` is a param here and a latent elsewhere"],
    );
}

#[test]
fn a_gate_through_a_map_over_a_hierarchy() {
    // theta[j] is gated by the category of its group, and mu joins all of them.
    check_not_exact(
        "pub mod groups(K) {
            given    group[j in J]: Category[G];
            param    w: Simplex[K];   param v[k in K]: Positive;
            latent   c[g in G] ~ Categorical(w);
            latent   mu ~ Normal(0, sd: 10);
            latent   theta[j in J] ~ Normal(mu, var: v[c[group[j]]]);
            observed y[j in J] ~ Normal(theta[j], sd: 1);
        }",
        &["MEAN-FIELD", "{mu, theta}: theta Gaussian; mu Gaussian", "{c}: c log-sum-exp"],
        &["mu: integrating it couples all of c"],
    );
    // Without mu, the groups are apart.
    check(
        "pub mod groups(K) {
            given    group[j in J]: Category[G];
            param    w: Simplex[K];   param v[k in K]: Positive;
            latent   c[g in G] ~ Categorical(w);
            latent   theta[j in J] ~ Normal(0, var: v[c[group[j]]]);
            observed y[j in J] ~ Normal(theta[j], sd: 1);
        }",
        &["EXACT", "{c, theta}: theta Gaussian; c log-sum-exp"],
    );
}

#[test]
fn groups_that_make_no_sense() {
    let source = |role: &str, factorize: &str| {
        format!(
            "pub mod groups(K) {{
                param    w: Simplex[K];   {role} m[k in K] ~ Normal(0, sd: 1);
                latent   z[n in N] ~ Categorical(w);
                observed x[n in N]: Real? ~ Normal(m[z[n]], sd: 1);
                factorize {{ {factorize} }}
            }}"
        )
    };
    check_err(&source("latent", "q(x);"), &["`x` is not a latent, so it has no q"]);
    check_err(&source("latent", "q(z[each], m);"), &["`[each]` beside another latent"]);
    check_err(&source("latent", "q(z): Point;"), &["the param `z` has no continuous value"]);
}
