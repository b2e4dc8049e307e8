//! Which blocks are updated together, and which take turns.

use super::{ok, planned};
use crate::density;
use crate::report::Report;
use crate::tests::programs::ALL;

/// The turns of a program, each as the latents of its blocks.
fn turns(source: &str) -> Vec<Vec<String>> {
    let p = ok(source);
    let names = |b: &usize| {
        let mut names: Vec<String> = p.plan.blocks[*b].latents.iter().map(|a| p.name(*a)).collect();
        names.sort();
        names.join(", ")
    };
    p.plan.turns.iter().map(|t| t.iter().map(names).collect()).collect()
}

#[track_caller]
fn check(source: &str, expected: &[&[&str]]) {
    let found = turns(source);
    assert!(found == expected, "{found:?}\n{}", ok(source).text);
}

#[track_caller]
fn program(number: &str) -> &'static str {
    ALL.iter()
        .find(|(name, _)| name.starts_with(number))
        .map(|(_, s)| *s)
        .unwrap_or_else(|| panic!("{number}"))
}

#[test]
fn blocks_of_the_programs_of_the_language_reference() {
    check(program("02"), &[&["z"], &["weight", "mean, prec"]]);
    check(program("06"), &[&["z"], &["share", "topic"]]);
    check(program("08"), &[&["tau, w"], &["alpha"]]);
    check(program("12"), &[&["z"], &["weight", "B"]]);
    check(program("15"), &[&["z"], &["v", "mean, prec"], &["conc"]]);
    check(program("16"), &[&["skill"], &["gap"]]);
    check(program("17"), &[&["z"], &["x"]]);
    check(program("01"), &[&["z"]]);
}

#[test]
fn a_block_without_neighbours_joins_the_first_turn() {
    check(
        "pub mod apart {
            latent tau ~ Gamma(shape: 2, rate: 1);
            latent mu ~ Normal(0, prec: 0.1);
            latent p ~ Beta(1, 1);
            observed y[n in N] ~ Normal(mu, prec: tau);
            observed b[m in M] ~ Bernoulli(p);
            factorize { q(mu); q(tau); q(p); }
        }",
        &[&["mu", "p"], &["tau"]],
    );
}

#[test]
fn the_order_of_the_user_is_kept_where_it_matters() {
    let chain = |order: &str| {
        format!(
            "pub mod chain {{
                latent a ~ Normal(0, var: 1);
                latent b ~ Normal(a, var: 1);
                latent c ~ Normal(b, var: 1);
                observed y[n in N] ~ Normal(c, var: 1);
                factorize {{ {order} }}
            }}"
        )
    };
    check(&chain("q(a); q(b); q(c);"), &[&["a"], &["b"], &["c"]]);
    check(&chain("q(a); q(c); q(b);"), &[&["a", "c"], &["b"]]);
    check(&chain("q(b); q(a); q(c);"), &[&["b"], &["a", "c"]]);
}

/// Read off the normal form, of which the planner's graph is a rewriting.
#[test]
fn no_term_holds_latents_of_two_blocks_of_one_turn() {
    let mut pairs = (0, 0);
    for (name, source) in ALL {
        let Ok(p) = planned(source) else { continue };
        let mut report = Report::new();
        let densities = density::statement::densities(&p.model, &mut report);
        let monomials = density::normal_form::normal_form(&p.model, &densities);
        assert!(report.take().is_empty());
        let turn = |b: usize| p.plan.turns.iter().position(|t| t.contains(&b));
        for (b, block) in p.plan.blocks.iter().enumerate().filter(|(_, b)| !b.point) {
            for (c, other) in p.plan.blocks.iter().enumerate().skip(b + 1).filter(|(_, b)| !b.point) {
                let joined = monomials.iter().any(|m| {
                    let holds =
                        |of: &crate::plan::Block| m.atoms.iter().any(|a| of.latents.contains(&a.array));
                    holds(block) && holds(other)
                });
                let (first, second) = (turn(b).expect("a turn"), turn(c).expect("a turn"));
                assert!(!joined || first < second, "{name}: {b} and {c}\n{}", p.text);
                if joined {
                    pairs.0 += 1;
                } else {
                    pairs.1 += usize::from(first == second);
                }
            }
        }
    }
    assert!(pairs.0 >= 10 && pairs.1 >= 4, "{pairs:?}");
}
