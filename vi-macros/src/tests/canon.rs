//! Which models have an orientation to choose, and which chains are expanded.

use super::expand::expanded;

#[track_caller]
fn module(body: &str) -> String {
    let text = expanded(&format!("pub mod model(H) {{ {body} }}"));
    assert!(!text.contains("compile_error"), "{text}");
    text
}

const FACTOR: &str = "latent f[n in N]: Vector[H] ~ Normal(0, var: 1);";
const SEEN: &str = "observed x[n in N] ~ Normal(W * f[n] + mu, var: s2);";

#[track_caller]
fn oriented(body: &str, what: &str) {
    let text = module(body);
    assert!(text.contains("fit::Canonical for Model"), "{text}");
    assert!(text.contains(what), "no `{what}` in\n{text}");
}

#[track_caller]
fn not_oriented(body: &str) {
    let text = module(body);
    assert!(!text.contains("Canonical"), "{text}");
}

#[test]
fn free_loadings_of_standard_factors_have_an_orientation() {
    oriented(
        &format!("param W: Matrix[D, H]; param mu: Vector[D]; param s2: Positive; {FACTOR} {SEEN}"),
        "orientation: f and W say the same of the data under any rotation T;",
    );
}

#[test]
fn factors_with_a_covariance_of_their_own_may_be_turned_by_any_matrix() {
    oriented(
        "param W: Matrix[D, H]; param P: SymPos[H]; param s2: Positive;
         latent f[n in N]: Vector[H] ~ Normal(0, cov: P); observed x[n in N] ~ Normal(W * f[n], var: s2);",
        "under any invertible T",
    );
}

#[test]
fn what_a_prior_or_a_scale_tells_apart_has_none() {
    not_oriented(
        "param W: Matrix[D, H]; param v[h in H]: Positive; param s2: Positive;
         latent f[n in N]: Vector[H] ~ Normal(0, var: v); observed x[n in N] ~ Normal(W * f[n], var: s2);",
    );
    not_oriented(
        "given a[n in N]: Vector[H]; param W: Matrix[D, H]; param s2: Positive;
         latent f[n in N]: Vector[H] ~ Normal(a[n], var: 1); observed x[n in N] ~ Normal(W * f[n], var: s2);",
    );
    // Loadings that another statement reads by themselves.
    not_oriented(&format!(
        "param W: Matrix[D, H]; param mu: Vector[D]; param s2: Positive; {FACTOR} {SEEN}
         given u: Vector[H]; observed y: Vector[D] ~ Normal(W * u, var: s2);"
    ));
    not_oriented(&format!(
        "param W: Matrix[D, H]; param mu: Vector[D]; param s2: Positive; {FACTOR} {SEEN}
         let first = W[0, 0];"
    ));
}

#[test]
fn loadings_with_a_law_leave_rotations_open_if_it_is_round_else_order_and_signs() {
    let model = |law: &str, rest: &str| {
        format!(
            "{rest} {law}; param s2: Positive; {FACTOR}
             observed x[n in N, d in D] ~ Normal(dot(W[d], f[n]), var: s2);"
        )
    };
    let (rotation, order) = ("under any rotation T", "in any order of the directions and with any signs");
    for role in ["param", "latent"] {
        oriented(&model(&format!("{role} W[d in D]: Vector[H] ~ Normal(0, var: 1)"), ""), rotation);
        let own = model(
            &format!("{role} W[d in D]: Vector[H] ~ Normal(0, var: v[d])"),
            "given v[d in D]: Positive;",
        );
        oriented(&own, rotation);
        let each = "latent a[h in H] ~ Gamma(shape: 1, rate: 1);";
        oriented(&model(&format!("{role} W[d in D]: Vector[H] ~ Normal(0, prec: a)"), each), order);
        // Known scales have an order, and a mean has a direction.
        let known = "given a[h in H]: Positive;";
        not_oriented(&model(&format!("{role} W[d in D]: Vector[H] ~ Normal(0, prec: a)"), known));
        not_oriented(&model(&format!("{role} W[d in D]: Vector[H] ~ Normal(1, var: 1)"), ""));
        not_oriented(&model(
            &format!("{role} W[d in D]: Vector[H] ~ Normal(0, prec: a)"),
            "latent a[h in H] ~ Gamma(shape: b[h], rate: 1); given b[h in H]: Positive;",
        ));
    }
}

#[test]
fn chains_are_expanded_where_every_step_is_standard() {
    let chain = |begin: &str, step: &str| {
        format!(
            "param A: Matrix[H, H]; param C: Matrix[D, H]; param r: Positive; param q: Positive;
             latent x[0]: Vector[H] ~ {begin}; latent x[t in 1..T] ~ Normal(A * x[t-1], var: {step});
             observed y[t in T] ~ Normal(C * x[t], var: r); observed e[t in T] ~ Normal(0, var: q);"
        )
    };
    let text = module(&chain("Normal(0, var: 1)", "1"));
    assert!(text.contains("expansion: steps of x are standard"), "{text}");
    let text = module(&chain("Normal(0, var: 4)", "1"));
    assert!(!text.contains("expand_x"), "{text}");
    let text = module(&chain("Normal(0, var: 1)", "q"));
    assert!(!text.contains("expand_x") && text.contains("under any rotation T"), "{text}");
    let text = module(&chain("Flat()", "1"));
    assert!(!text.contains("expand_x"), "{text}");
}

#[test]
fn a_mean_is_given_back_only_to_a_constant_that_nothing_else_reads() {
    let text = |rest: &str| {
        module(&format!(
            "param W: Matrix[D, H]; param mu: Vector[D]; param s2: Positive; {FACTOR} {SEEN} {rest}"
        ))
    };
    assert!(text("").contains("E(f) and Cov(f) are maximised too and given back to mu and W"));
    let other = text("observed y ~ Normal(mu, var: s2);");
    assert!(other.contains("so Cov(f) is maximised too and given back to W"), "{other}");
}
