//! Gaussian latents of units: what is read once, what is factorised once, and what may be expanded.

use super::expand::expanded;

const HEAD: &str = "param W: Matrix[D, H]; param mu: Vector[D]; param s2: Positive;";

/// The expansion of a block that has no mistakes.
#[track_caller]
fn module(params: &str, rest: &str) -> String {
    let text = expanded(&format!("pub mod model(H) {{ {params} {rest} }}"));
    assert!(!text.contains("compile_error"), "{text}");
    text
}

#[track_caller]
fn has(text: &str, part: &str) {
    assert!(text.contains(part), "no `{part}` in\n{text}");
}

#[track_caller]
fn lacks(text: &str, part: &str) {
    assert!(!text.contains(part), "`{part}` in\n{text}");
}

const FACTOR: &str = "latent f[n in N]: Vector[H] ~ Normal(0, var: 1);";

#[test]
fn data_that_enter_every_mean_alike_are_read_once() {
    let text = module(HEAD, &format!("{FACTOR} observed x[n in N] ~ Normal(W * f[n] + mu, var: s2);"));
    has(&text, "const COLLAPSED");
    has(&text, "data are read once: Cov(f[n]) is the same for each n");
    has(&text, "expansion: f is standard and reaches the data through W alone");
}

#[test]
fn a_missing_entry_changes_the_covariance_of_its_unit() {
    let text = module(
        HEAD,
        &format!("{FACTOR} observed x[n in N, d in D]: Real? ~ Normal(dot(W[d], f[n]) + mu[d], var: s2);")
            .replace("dot(W[d], f[n])", "sum(W[d, h] * f[n][h] for h in H)"),
    );
    lacks(&text, "COLLAPSED");
    has(&text, "f_patterns");
    has(&text, "expand_f");
}

#[test]
fn data_in_a_coefficient_give_each_unit_a_factor_of_its_own() {
    let text = module(
        "param m: Real; param v: Positive; param s2: Positive;",
        "given x[n in N, j in J]: Real; latent b[n in N] ~ Normal(m, var: v);
         observed y[n in N, j in J] ~ Normal(x[n, j] * b[n], var: s2);",
    );
    lacks(&text, "COLLAPSED");
    lacks(&text, "factorise");
    has(&text, "system.solve(");
}

#[test]
fn a_precision_from_the_data_is_not_the_same_in_every_unit() {
    let text = module(
        "param m: Real; param v: Positive;",
        "given s[n in N]: Positive; latent b[n in N] ~ Normal(m, var: v); observed y[n in N] ~ Normal(b[n], sd: s[n]);",
    );
    lacks(&text, "COLLAPSED");
    lacks(&text, "factorise");
}

#[test]
fn slopes_with_a_prior_are_not_expanded() {
    let text = module(
        "param W: Matrix[D, H]; param b[d in D, h in H] ~ Normal(0, var: 1); param s2: Positive;",
        &format!(
            "{FACTOR} observed x[n in N] ~ Normal(W * f[n] + [sum(b[d, h] * f[n][h] for h in H) for d in D], var: s2);"
        ),
    );
    lacks(&text, "expand_f");
}

#[test]
fn latents_that_are_not_standard_are_not_expanded() {
    let text = module(
        "param W: Matrix[D, H]; param m: Vector[H]; param s2: Positive;",
        "latent f[n in N]: Vector[H] ~ Normal(m, var: 1); observed x[n in N] ~ Normal(W * f[n], var: s2);",
    );
    lacks(&text, "expand_f");
    has(&text, "const COLLAPSED");
}

#[test]
fn a_latent_that_the_data_also_see_alone_is_not_expanded() {
    let text = module(
        "param w: Vector[H]; param s2: Positive;",
        &format!(
            "{FACTOR} observed x[n in N] ~ Normal(dot(w, f[n]), var: s2); observed y[n in N] ~ Normal(f[n], var: 1);"
        ),
    );
    lacks(&text, "expand_f");
}

#[test]
fn of_a_latent_and_its_uncertain_slope_one_is_eliminated_by_units_and_the_other_reads_its_moments() {
    for order in [["W", "f"], ["f", "W"]] {
        let latents = order.map(|a| match a {
            "W" => "latent W[d in D]: Vector[H] ~ Normal(0, var: 1);",
            _ => FACTOR,
        });
        let text = module(
            "param s2: Positive;",
            &format!("{} observed x[n in N, d in D] ~ Normal(dot(W[d], f[n]), var: s2);", latents.join(" ")),
        );
        has(&text, "eliminate_f");
        has(&text, "const COLLAPSED");
        has(&text, "let uncertain = system.uncertain();");
        lacks(&text, "eliminate_W");
        lacks(&text, "Product {");
    }
}

#[test]
fn an_uncertain_location_that_multiplies_nothing_is_summed_over_units() {
    let text = module(
        "param v: Positive;",
        "latent m ~ Normal(0, var: 1); latent b[h in H] ~ Normal(m, var: v); observed y[h in H] ~ Normal(b[h], var: 1);
         factorize { q(m); }",
    );
    lacks(&text, "eliminate_b");
}

#[test]
fn what_is_uncertain_and_carries_the_unit_leaves_its_latent_with_the_shared_ones() {
    let text = module(
        "param W: Matrix[D, H];",
        "latent u[n in N] ~ Gamma(shape: 2, rate: 2); latent tau ~ Gamma(shape: 1, rate: 1);
         latent f[n in N]: Vector[H] ~ Normal(0, var: 1); observed x[n in N] ~ Normal(W * f[n], prec: tau * u[n]);
         factorize { q(u); q(f); }",
    );
    lacks(&text, "eliminate_f");
}

#[test]
fn a_start_in_the_block_leaves_its_latent_with_the_shared_ones() {
    let text = module(
        HEAD,
        &format!(
            "{FACTOR} observed x[n in N] ~ Normal(W * f[n] + mu, var: s2); init {{ f[n in N] = [0.5 for h in H]; }}"
        ),
    );
    lacks(&text, "eliminate_f");
}

#[test]
fn factors_of_a_mixture_are_factorised_once_for_each_state() {
    let text = module(
        "param weight: Simplex[3]; param W[k in 0..3]: Matrix[D, H]; param s2: Positive;",
        &format!(
            "latent z[n in N] ~ Categorical(weight); {FACTOR} observed x[n in N] ~ Normal(W[z[n]] * f[n], var: s2);"
        ),
    );
    has(&text, "eliminate_z_f");
    has(&text, "system.factorise(key)");
    has(&text, "expand_f");
}

#[test]
fn units_that_do_not_exist_are_refused() {
    let text = expanded(
        "pub mod model { param v: Positive; latent b[k in 1..K] ~ Normal(0, var: v); observed y[k in 1..K] ~ Normal(b[k], var: 1); }",
    );
    assert!(text.contains("compile_error") && text.contains("an array with holes"), "{text}");
}
