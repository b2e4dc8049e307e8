//! The twenty programs of the language reference: their certificates, and the table of what the planner must say of them.

use super::{ok, planned};
use crate::plan::Claim;

/// The text of a program, by the number in front of its name.
#[track_caller]
fn program(number: &str) -> &'static str {
    let of = |(name, _): &&(&str, &str)| name.starts_with(number);
    crate::tests::programs::ALL
        .iter()
        .find(of)
        .map(|(_, source)| *source)
        .unwrap_or_else(|| panic!("no program {number}"))
}

#[track_caller]
fn certificate(number: &str) -> String {
    ok(program(number)).text
}

/// Number, claim, blocks in order (`[each]` after one that is updated element by element), part of each block's cost.
type Row = (&'static str, Claim, &'static [(&'static str, &'static str)]);

const TABLE: &[Row] = &[
    ("01", Claim::Exact, &[("z", "N·K·D²")]),
    ("02", Claim::MeanField, &[("z", "N·K·D²"), ("weight", "N·K"), ("mean, prec", "D³")]),
    ("03", Claim::Exact, &[("z", "N·K·D²")]),
    ("04", Claim::Exact, &[("z", "ΣT·K²")]),
    ("05", Claim::Exact, &[("x", "T·H³")]),
    ("06", Claim::MeanField, &[("z", "ΣI·K"), ("share", "ΣI·K"), ("topic", "ΣI·K")]),
    ("07", Claim::Exact, &[("f", "H³")]),
    ("08", Claim::MeanField, &[("tau, w", "D³"), ("alpha", "D")]),
    ("09", Claim::Exact, &[("u", "N·D")]),
    ("12", Claim::MeanField, &[("z [each]", "N²·K²"), ("weight", "N·K"), ("B", "N²·K²")]),
    ("13", Claim::Exact, &[("truth", "R·K")]),
    ("14", Claim::Exact, &[("mu, theta", "J")]),
    ("15", Claim::MeanField, &[("z", "N·K·D²"), ("v", "N·K"), ("mean, prec", "D³"), ("conc", "K")]),
    ("16", Claim::MeanField, &[("skill", "P³"), ("gap", "G")]),
    ("17", Claim::MeanField, &[("z", "T·K²"), ("x", "T·H³")]),
    ("18", Claim::Exact, &[("f", "N·H³")]),
    ("19", Claim::Exact, &[("active", "N")]),
    ("20", Claim::Exact, &[("f, z", "K·H³")]),
];

#[test]
fn the_table_of_the_language_reference() {
    for (number, claim, blocks) in TABLE {
        let p = ok(program(number));
        assert_eq!(p.plan.claim, *claim, "program {number}\n{}", p.text);
        let found: Vec<String> = p
            .plan
            .blocks
            .iter()
            .map(|b| {
                let mut names: Vec<String> = b.latents.iter().map(|a| p.name(*a)).collect();
                names.sort();
                format!("{}{}", names.join(", "), if b.each { " [each]" } else { "" })
            })
            .collect();
        let expected: Vec<&str> = blocks.iter().map(|(names, _)| *names).collect();
        assert_eq!(found, expected, "program {number}\n{}", p.text);
        for (b, (_, cost)) in p.plan.blocks.iter().zip(*blocks) {
            let terms = b.cost.trim_start_matches("at most ").trim_end_matches(", by fill");
            assert!(terms.split(" + ").any(|t| t == *cost), "program {number}: {} has no {cost}", b.cost);
        }
        assert_eq!(p.plan.obstacles.is_empty(), *claim == Claim::Exact, "program {number}");
    }
}

#[test]
fn units_of_the_programs() {
    let unit = |number: &str, block: usize| ok(program(number)).plan.blocks[block].unit.clone();
    assert_eq!(unit("01", 0), [0]);
    assert_eq!(unit("04", 0), [0]);
    assert_eq!(unit("05", 0), Vec::<usize>::new());
    assert_eq!(unit("06", 0), [0, 1]);
    assert_eq!(unit("12", 0), Vec::<usize>::new());
    assert_eq!(unit("14", 0), Vec::<usize>::new());
    assert_eq!(unit("20", 0), [0]);
}

#[test]
fn mixture() {
    insta::assert_snapshot!(certificate("01"), @r"
    EXACT: KL = 0 given (weight, mean, cov); the objective is the log-likelihood
    block {z[n]}, an independent copy for each n    cost N·K·D²
      1. z[n] is finite (K) and no term joins it to another latent: log-sum-exp    [lines 6, 7]
    update weight: counts, normalised
    update (mean[k], cov[k]): joint mode, closed form: every term in mean[k] is whitened by cov[k]
    ");
}

#[test]
fn bayesian_mixture() {
    insta::assert_snapshot!(certificate("02"), @r"
    MEAN-FIELD: 3 blocks; a lower bound
    block {z[n]}, an independent copy for each n    cost N·K·D²
      1. z[n] is finite (K) and no term joins it to another latent of its block: log-sum-exp    [lines 5, 6]
    block {weight}    cost N·K
      1. weight is Dirichlet, by its statistics    [lines 2, 5]
    block {prec[k], mean[k]}, an independent copy for each k    cost D³ + N·K·D²
      1. mean[k] enters at most squared: Gaussian, every row whitened by prec[k]; leaves a factor of prec[k]    [lines 4, 6]
      2. prec[k] is Wishart, by its statistics    [lines 3, 4, 6]
    turn 1: {z[n]}
    turn 2: {weight}, {prec[k], mean[k]}: no term joins them
    not one exact block:
      weight: integrating it couples all of z: counts inside a log-partition    [line 5]
      prec: integrating it leaves a log-partition that is not closed over mean (a matrix variable)    [line 4]
      mean: gated by z and still coupled to prec: a mixture with exponentially many components    [line 6]
      z: summing it leaves a log-sum-exp of terms in weight, prec and mean    [line 5]
    ");
}

#[test]
fn regularised_mixture() {
    insta::assert_snapshot!(certificate("03"), @r"
    EXACT: KL = 0 given (weight, mean, cov); the objective is the log-likelihood
    block {z[n]}, an independent copy for each n    cost N·K·D²
      1. z[n] is finite (K) and no term joins it to another latent: log-sum-exp    [lines 5, 6]
    update weight: counts, normalised
    update (mean[k], cov[k]): joint mode, closed form: every term in mean[k] is whitened by cov[k]
    ");
}

#[test]
fn hmm() {
    insta::assert_snapshot!(certificate("04"), @r"
    EXACT: KL = 0 given (start, trans, mean, cov, emit); the objective is the log-likelihood
    block {z[s, ·]}, an independent copy for each s    cost ΣT·K² + ΣT·K·D²
      1. z[s, t] is finite (K) and a chain: forward and backward over t    [lines 8, 9, 10, 11]
    update start: counts, normalised
    update trans[i]: counts, normalised
    update (mean[k], cov[k]): joint mode, closed form: every term in mean[k] is whitened by cov[k]
    update emit[k]: counts, normalised
    ");
}

#[test]
fn state_space() {
    insta::assert_snapshot!(certificate("05"), @r"
    EXACT: KL = 0 given (A, Q, C, R, m0, P0); the objective is the log-likelihood
    block {x[·]}    cost T·H³ + D²·H + T·D·H + D·H²
      1. x[t] enters at most squared along a chain: Gaussian scan over t    [lines 5, 6, 7]
    update (A, Q): joint mode, closed form: every term in A is whitened by Q
    update (C, R): joint mode, closed form: every term in C is whitened by R
    update (m0, P0): joint mode, closed form: every term in m0 is whitened by P0
    ");
}

#[test]
fn lda() {
    insta::assert_snapshot!(certificate("06"), @r"
    MEAN-FIELD: 3 blocks; a lower bound
    block {z[d, i]}, an independent copy for each d, i    cost ΣI·K
      1. z[d, i] is finite (K) and no term joins it to another latent of its block: log-sum-exp    [lines 7, 8]
    block {share[d]}, an independent copy for each d    cost ΣI·K
      1. share[d] is Dirichlet, by its statistics    [lines 5, 7]
    block {topic[k]}, an independent copy for each k    cost K·V + ΣI·K
      1. topic[k] is Dirichlet, by its statistics    [lines 2, 8]
    turn 1: {z[d, i]}
    turn 2: {share[d]}, {topic[k]}: no term joins them
    not one exact block:
      topic: integrating it couples all of z: counts inside a log-partition    [line 8]
      share: integrating it couples all of z: counts inside a log-partition    [line 7]
      z: summing it leaves a log-sum-exp of terms in topic and share    [line 8]
    ");
}

#[test]
fn factor_analysis() {
    insta::assert_snapshot!(certificate("07"), @r"
    EXACT: KL = 0 given (W, mu, psi); the objective is the log-likelihood
    block {f[n]}, an independent copy for each n    cost H³ + N·D·H + D·H²
      1. f[n] enters at most squared: Gaussian    [lines 5, 6]
    update (W, mu, psi[d]): joint mode, closed form: every term in W and mu is whitened by psi[d]
    ");
}

#[test]
fn ard_regression() {
    insta::assert_snapshot!(certificate("08"), @r"
    MEAN-FIELD: 2 blocks; a lower bound
    block {tau, w[·]}    cost D³ + N·D²
      1. w[d] enters at most squared: one dense or sparse Gaussian, every row whitened by tau; leaves a factor of tau    [lines 5, 6]
      2. tau is Gamma, by its statistics    [lines 3, 5, 6]
    block {alpha[d]}, an independent copy for each d    cost D
      1. alpha[d] is Gamma, by its statistics    [lines 4, 5]
    turn 1: {tau, w[·]}
    turn 2: {alpha[d]}
    not one exact block:
      tau: integrating it leaves a log-partition that is not closed over alpha and w (a positive variable)    [line 5]
      alpha: integrating it leaves a log-partition that is not closed over tau and w (a positive variable)    [line 5]
      w: its rows have two scales, tau and alpha    [line 5]
    ");
}

#[test]
fn robust_regression() {
    insta::assert_snapshot!(certificate("09"), @r"
    EXACT: KL = 0 given (w, tau, nu); the objective is the log-likelihood
    block {u[n]}, an independent copy for each n    cost N·D
      1. u[n] is Gamma, by its statistics    [lines 4, 5]
    update (w, tau): joint mode, closed form: every term in w is whitened by tau
    update nu: safeguarded Newton on exact derivatives
    ");
}

#[test]
fn logistic_needs_augmentation() {
    insta::assert_snapshot!(planned(program("10")).err().unwrap_or_default(), @r"
    no update for `w` and `b`: they enter through a logit

    help: write `param` in place of `latent` before `w` and `b`, or `factorize { q(w, b): Point; }`: both give the mode

    note: an exact update of this line needs auxiliary variables (augmentation), which are not available yet

    note: `w`: its terms hold {w, w², a nonlinear function of w}, which no distribution of the language has; nearest is Normal, with {x, x²}

    note: `b`: its terms hold {b, b², a nonlinear function of b}, which no distribution of the language has; nearest is Normal, with {x, x²}
    ");
}

#[test]
fn poisson_factorisation_needs_augmentation() {
    insta::assert_snapshot!(planned(program("11")).err().unwrap_or_default(), @r"
    no update for `user` and `item`: they enter through the log of a sum

    help: write `param` in place of `latent` before `user` and `item`, or `factorize { q(user, item): Point; }`: both give the mode

    note: an exact update of this line needs auxiliary variables (augmentation), which are not available yet

    note: `user`: its terms hold {user, log user, a nonlinear function of user}, which no distribution of the language has; nearest is Gamma, with {log x, x}

    note: `item`: its terms hold {item, log item, a nonlinear function of item}, which no distribution of the language has; nearest is Gamma, with {log x, x}
    ");
}

#[test]
fn block_model() {
    insta::assert_snapshot!(certificate("12"), @r"
    MEAN-FIELD: 3 blocks; a lower bound
    block {z[i]}, one element at a time    cost N²·K²
      1. z[i] is finite (K): its table, given all the others    [lines 4, 5]
    block {weight}    cost N·K
      1. weight is Dirichlet, by its statistics    [line 4]
    block {B[a, b]}, an independent copy for each a, b    cost N²·K²
      1. B[a, b] is Beta, by its statistics    [line 5]
    turn 1: {z[i]}
    turn 2: {weight}, {B[a, b]}: no term joins them
    not one exact block:
      weight: integrating it couples all of z: counts inside a log-partition    [line 4]
      B: integrating it couples all of z: counts inside a log-partition    [line 5]
      z: its elements are coupled in pairs (i and j): no finite frontier    [line 5]
    ");
}

#[test]
fn dawid_skene() {
    insta::assert_snapshot!(certificate("13"), @r"
    EXACT: KL = 0 given (prev, conf); the objective is the log-likelihood
    block {truth[n]}, an independent copy for each n    cost N·K + R·K
      1. truth[n] is finite (K) and no term joins it to another latent: log-sum-exp    [lines 5, 6]
    update prev: counts, normalised
    update conf[j, k]: counts, normalised
    ");
}

#[test]
fn eight_schools() {
    insta::assert_snapshot!(certificate("14"), @r"
    EXACT: KL = 0 given (tau2); the objective is the log-likelihood
    block {mu, theta[·]}    cost J
      1. theta[j] enters at most squared: Gaussian; leaves a factor of mu    [lines 5, 6]
      2. mu enters at most squared: Gaussian    [lines 3, 5, 6]
    update tau2: closed form in log x and 1/x
    ");
}

#[test]
fn dp_mixture() {
    insta::assert_snapshot!(certificate("15"), @r"
    MEAN-FIELD: 4 blocks; a lower bound
    block {z[n]}, an independent copy for each n    cost N·K·D²
      1. z[n] is finite (K) and no term joins it to another latent of its block: log-sum-exp    [lines 8, 9]
    block {v[k]}, an independent copy for each k    cost N·K
      1. v[k] is Beta, by its statistics    [lines 3, 8]
    block {prec[k], mean[k]}, an independent copy for each k    cost D³ + N·K·D²
      1. mean[k] enters at most squared: Gaussian, every row whitened by prec[k]; leaves a factor of prec[k]    [lines 7, 9]
      2. prec[k] is Wishart, by its statistics    [lines 6, 7, 9]
    block {conc}    cost K
      1. conc is Gamma, by its statistics    [lines 2, 3]
    turn 1: {z[n]}
    turn 2: {v[k]}, {prec[k], mean[k]}: no term joins them
    turn 3: {conc}
    not one exact block:
      conc: integrating it leaves a log-partition that is not closed over v (a positive variable)    [line 3]
      v: integrating it leaves a log-partition that is not closed over conc (a unit-interval variable)    [line 3]
      prec: integrating it leaves a log-partition that is not closed over mean (a matrix variable)    [line 7]
      mean: gated by z and still coupled to prec: a mixture with exponentially many components    [line 9]
      z: summing it leaves a log-sum-exp of terms in v, prec and mean    [line 8]
    ");
}

#[test]
fn ratings() {
    insta::assert_snapshot!(certificate("16"), @r"
    MEAN-FIELD: 2 blocks; a lower bound
    block {skill[·]}    cost at most P³ + G, by fill
      1. skill[p] enters at most squared: one dense or sparse Gaussian    [lines 3, 4]
    block {gap[g]}, an independent copy for each g    cost G
      1. gap[g] is truncated Normal, by its statistics    [lines 4, 5]
    turn 1: {skill[·]}
    turn 2: {gap[g]}
    not one exact block:
      skill: it meets gap, which is bounded, not Gaussian    [line 4]
      gap: integrating it leaves a log-partition that is not closed over skill (a bounded variable)    [line 4]
    ");
}

#[test]
fn switching() {
    insta::assert_snapshot!(certificate("17"), @r"
    MEAN-FIELD: 2 blocks; a lower bound
    block {z[·]}    cost T·K² + T·K·H² + K·H³
      1. z[t] is finite (K) and a chain: forward and backward over t    [lines 5, 6, 8]
    block {x[·]}    cost T·H³ + T·K·H² + K·H³ + D²·H + T·D·H + D·H²
      1. x[t] enters at most squared along a chain: Gaussian scan over t    [lines 7, 8, 9]
    turn 1: {z[·]}
    turn 2: {x[·]}
    update start: counts, normalised
    update trans[i]: counts, normalised
    update (A[k], Q[k]): joint mode, closed form: every term in A[k] is whitened by Q[k]
    update (C, R): joint mode, closed form: every term in C is whitened by R
    not one exact block:
      z: summing it leaves a log-sum-exp of terms in x    [line 8]
      x: gated by z along a chain: a mixture with exponentially many components    [line 8]
    ");
}

#[test]
fn completion() {
    insta::assert_snapshot!(certificate("18"), @r"
    EXACT: KL = 0 given (W, mu, s2); the objective is the log-likelihood
    block {f[n]}, an independent copy for each n    cost N·H³ + N·D·H + D·H²
      1. f[n] enters at most squared: Gaussian    [lines 3, 4]
    update (W[d], mu[d], s2): joint mode, closed form: every term in W[d] and mu[d] is whitened by s2
    ");
}

#[test]
fn zero_inflated() {
    insta::assert_snapshot!(certificate("19"), @r"
    EXACT: KL = 0 given (p, rate); the objective is the log-likelihood
    block {active[n]}, an independent copy for each n    cost N
      1. active[n] is finite (2) and no term joins it to another latent: log-sum-exp    [lines 3, 4]
    update p: a share of counts, closed form
    update rate: closed form in log x and x
    ");
}

#[test]
fn mixture_of_factors() {
    insta::assert_snapshot!(certificate("20"), @r"
    EXACT: KL = 0 given (weight, W, mu, psi); the objective is the log-likelihood
    block {z[n], f[n]}, an independent copy for each n    cost K·H³ + N·K·D·H + K·D·H² + N·K·H²
      1. f[n] enters at most squared: Gaussian; leaves a factor of z[n]    [lines 4, 5]
      2. z[n] is finite (K) and nothing else is left with it: log-sum-exp    [lines 3, 4, 5]
    update weight: counts, normalised
    update (W[k], mu[k], psi[d]): joint mode, closed form: every term in W[k] and mu[k] is whitened by psi[d]
    ");
}
