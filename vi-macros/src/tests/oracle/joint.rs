//! The log joint of the programs of the language reference, against densities that were added up by hand with scipy
//! (`tests/fixtures/log_joints.py`).

use super::direct::Direct;
use super::interpret::Interpreter;
use super::stored::{Point, points};
use super::world::{Known, World};
use super::{Compiled, compiled};
use crate::model::ir::{Role, StatementId};
use crate::tests::programs;

const TABLE: &str = include_str!("../../../../tests/fixtures/log_joints.txt");

/// Whether two numbers are one up to rounding; −∞ is only itself.
fn same(found: f64, expected: f64, relative: f64) -> bool {
    found == expected || (found - expected).abs() <= relative * expected.abs().max(1.0)
}

/// Finds one statement's log density at a ground model.
type Density<'f> = &'f dyn Fn(&Compiled, &World, StatementId) -> Known<f64>;

/// Where the densities of all statements do not add up to the stored log joint and log prior of the params.
fn differences(relative: f64, keep: &dyn Fn(&Point<'_>) -> bool, f: Density<'_>) -> Vec<String> {
    let stored: Vec<Point<'_>> = points(TABLE);
    let mut wrong = vec![];
    for (name, source) in programs::ALL {
        let c = compiled(source).unwrap_or_else(|e| panic!("{name}: {e}"));
        let own: Vec<&Point<'_>> = stored.iter().filter(|p| p.program == *name && keep(p)).collect();
        assert!(!own.is_empty(), "{name} has no point in the table");
        for p in own {
            let world = World::stored(&c.model, p);
            let sum = |params: bool| -> f64 {
                let own = c.model.statements.iter().filter(|s| (s.role == Role::Param) == params);
                own.map(|s| {
                    f(&c, &world, s.id).unwrap_or_else(|e| panic!("{name}, line {}: {}", s.line, e.0))
                })
                .sum()
            };
            let feasible = Direct::new(&c.model, &world).feasible().expect("constraints can be read");
            let joint = if feasible { sum(false) } else { f64::NEG_INFINITY };
            let prior = sum(true);
            if !same(joint, p.log_joint, relative) || !same(prior, p.log_prior, relative) {
                wrong.push(format!("{name}: {joint} for {}, prior {prior} for {}", p.log_joint, p.log_prior));
            }
        }
    }
    wrong
}

#[test]
fn the_programs_have_the_joint_density_that_was_written_by_hand() {
    let wrong = differences(1e-11, &|_| true, &|c, world, id| Direct::new(&c.model, world).statement(id));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The normal form knows nothing of values that are missing: an engine leaves them out. Points that have some are left to the direct density.
#[test]
fn so_have_their_normal_forms() {
    let complete = |p: &Point<'_>| {
        p.program != "18_completion" || p.rows.iter().all(|r| !r.2.iter().any(|x| x.is_nan()))
    };
    let residual = differences(1e-10, &complete, &|c, world, id| {
        let mut interpreter = Interpreter::new(&c.model, world);
        c.densities.iter().find(|d| d.id == id).map_or(Ok(0.0), |d| interpreter.statement(d))
    });
    assert!(residual.is_empty(), "residual form:\n{}", residual.join("\n"));
    let monomials = differences(1e-10, &complete, &|c, world, id| {
        let mut interpreter = Interpreter::new(&c.model, world);
        let Some(d) = c.densities.iter().find(|d| d.id == id) else { return Ok(0.0) };
        c.monomials.iter().filter(|m| m.statement == id).map(|m| interpreter.monomial(m, d)).sum()
    });
    assert!(monomials.is_empty(), "normal form:\n{}", monomials.join("\n"));
}

#[test]
fn every_program_has_points_and_some_of_them_are_impossible() {
    let stored = points(TABLE);
    for (name, _) in programs::ALL {
        assert!(stored.iter().filter(|p| p.program == *name).count() >= 5, "{name}");
    }
    for impossible in ["16_ratings", "19_zero_inflated"] {
        assert!(stored.iter().any(|p| p.program == impossible && p.log_joint == f64::NEG_INFINITY));
        assert!(stored.iter().any(|p| p.program == impossible && p.log_joint.is_finite()));
    }
}
