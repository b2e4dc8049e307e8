//! How params are maximised.

use super::{check_err, ok};
use crate::plan::Maximise;

/// One line for each update: the params, then the rule.
#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let p = ok(source);
    let found: Vec<String> = p
        .plan
        .updates
        .iter()
        .map(|u| {
            let names: Vec<String> = u.params.iter().map(|a| p.name(*a)).collect();
            let rule = match &u.rule {
                Maximise::Simplex => "simplex".into(),
                Maximise::Unit => "unit".into(),
                Maximise::PowerGamma { power } => format!("power {}/{}", power.num, power.den),
                Maximise::Regression { scale, joint } => match scale {
                    Some(s) => format!("regression with {}, joint: {joint}", p.name(*s)),
                    None => format!("regression, joint: {joint}"),
                },
                Maximise::Scale => "scale".into(),
                Maximise::Newton => "newton".into(),
            };
            format!("{}: {rule}", names.join(", "))
        })
        .collect();
    assert!(found == expected, "found\n    {}\n\n{}", found.join("\n    "), p.text);
}

#[test]
fn a_location_and_the_scale_that_whitens_it_have_a_joint_mode() {
    check(
        "pub mod normal { param mu: Real; param s2: Positive; observed x[n in N] ~ Normal(mu, var: s2); }",
        &["mu, s2: regression with s2, joint: true"],
    );
    check(
        "pub mod normal { param mu: Vector[D]; param s: Positive; observed x[n in N] ~ Normal(mu, sd: s); }",
        &["mu, s: regression with s, joint: true"],
    );
    check(
        "pub mod normal { param mu: Vector[D]; param v: Vector[D]; param L: SymPos[D];
            given a[n in N]: Real;
            observed x[n in N] ~ Normal(a[n] * v + mu, prec: L); }",
        &["mu, v, L: regression with L, joint: true"],
    );
}

#[test]
fn independent_priors_leave_coordinates_of_the_mode() {
    check(
        "pub mod semi_conjugate {
            param mu ~ Normal(0, sd: 10);
            param tau ~ Gamma(shape: 2, rate: 1);
            observed x[n in N] ~ Normal(mu, prec: tau);
        }",
        &["mu: regression, joint: false", "tau: power 1/1"],
    );
    check(
        "pub mod conjugate {
            param tau ~ Gamma(shape: 2, rate: 1);
            param mu ~ Normal(0, prec: tau);
            observed x[n in N] ~ Normal(mu, prec: tau);
        }",
        &["mu, tau: regression with tau, joint: true"],
    );
}

#[test]
fn regressions_with_one_scale_are_one_update() {
    check(
        "pub mod shared {
            given a[n in N]: Real;   given b[m in M]: Real;
            param u: Real;   param v: Real;   param s2: Positive;
            observed x[n in N] ~ Normal(u * a[n], var: s2);
            observed y[m in M] ~ Normal(v * b[m], var: s2);
        }",
        &["u, v, s2: regression with s2, joint: true"],
    );
    check(
        "pub mod apart {
            given a[n in N]: Real;
            param u: Real;   param v: Real;   param s: Positive;   param t: Positive;
            observed x[n in N] ~ Normal(u * a[n], var: s);
            observed y[n in N] ~ Normal(u * a[n] + v, var: t);
        }",
        &["u, v: regression, joint: false", "s: power -1/1", "t: power -1/1"],
    );
}

#[test]
fn a_matrix_that_does_not_stand_against_whole_rows_does_not_cancel() {
    check(
        "pub mod projected {
            given    C: Matrix[D, H];
            param    x: Vector[H];   param L: SymPos[D];
            observed y[n in N] ~ Normal(C * x, prec: L);
        }",
        &["x: regression, joint: false", "L: scale"],
    );
}

#[test]
fn locations_that_multiply_take_turns() {
    check(
        "pub mod product {
            param a[i in I]: Real;   param b[j in J]: Real;   param s2: Positive(min: 1e-6);
            observed y[i in I, j in J] ~ Normal(a[i] * b[j], var: s2);
        }",
        &["a: regression, joint: false", "b, s2: regression with s2, joint: true"],
    );
}

#[test]
fn shapes_and_rates_climb_together() {
    check(
        "pub mod gammas { param a: Positive; param b: Positive; observed x[n in N] ~ Gamma(shape: a, rate: b); }",
        &["a, b: newton"],
    );
    check(
        "pub mod counts { param m: Positive; param r: Positive; observed x[n in N] ~ NegativeBinomial(mean: m, dispersion: r); }",
        &["m, r: newton"],
    );
}

#[test]
fn a_weight_vector_and_its_offset_climb_together() {
    check(
        "pub mod logistic {
            given    x[n in N]: Vector[D];
            param    w[d in D] ~ Normal(0, sd: 2);   param b: Real;
            observed y[n in N] ~ Bernoulli(logit: dot(w, x[n]) + b);
        }",
        &["w, b: newton"],
    );
}

#[test]
fn bounded_locations_are_least_squares_within_their_bounds() {
    check(
        "pub mod bounded { param mu: Real(min: 0); param s2: Positive; observed x[n in N] ~ Normal(mu, var: s2); }",
        &["mu, s2: regression with s2, joint: true"],
    );
    check(
        "pub mod positive { param mu: Positive; param s2: Positive; observed x[n in N] ~ Normal(mu, var: s2); }",
        &["mu, s2: regression with s2, joint: true"],
    );
    // Within bounds the solution depends on a whole covariance.
    check(
        "pub mod dense { param mu[d in D]: Real(min: 0); param cov: SymPos[D]; observed x[n in N] ~ Normal(mu, cov: cov); }",
        &["mu: regression, joint: false", "cov: scale"],
    );
}

#[test]
fn a_param_in_a_normaliser_is_not_conjugate() {
    check(
        "pub mod truncated { param m: Real; param s: Positive; observed x[n in N] ~ Normal(m, sd: s, min: 0); }",
        &["m, s: newton"],
    );
    check(
        "pub mod waiting { param r: Positive; observed x[n in N] ~ Exponential(rate: r, max: 10); }",
        &["r: newton"],
    );
}

#[test]
fn shares_and_simplices_are_counts() {
    check(
        "pub mod shares(K) {
            param p: Unit;   param w: Simplex[K] ~ Dirichlet(2);
            observed z[n in N] ~ Categorical(w);
            observed y[n in N] ~ Bernoulli(p);
        }",
        &["p: unit", "w: simplex"],
    );
}

#[test]
fn the_degrees_of_freedom_climb_alone() {
    let robust =
        crate::tests::programs::ALL.iter().find(|(name, _)| name.starts_with("09")).expect("program 9").1;
    check(robust, &["w, tau: regression with tau, joint: true", "nu: newton"]);
}

#[test]
fn points_are_maximised_as_params_are() {
    let source = |role: &str, factorize: &str| {
        format!(
            "pub mod normal {{
                {role} tau ~ Gamma(shape: 2, rate: 1);
                {role} mu ~ Normal(0, prec: tau);
                observed x[n in N] ~ Normal(mu, prec: tau);
                {factorize}
            }}"
        )
    };
    let expected = &["mu, tau: regression with tau, joint: true"];
    check(&source("param", ""), expected);
    check(&source("latent", "factorize { q(mu, tau): Point; }"), expected);
}

#[test]
fn params_that_nothing_determines() {
    check_err(
        "pub mod idle { param a: Real; param b: Real; observed x[n in N] ~ Normal(a, sd: 1); }",
        &["nothing in the model depends on the param `b`"],
    );
}
