//! Normal form ≡ residual form ≡ direct density, statement by statement, at random ground models.

use super::direct::Direct;
use super::interpret::Interpreter;
use super::models;
use super::world::{Known, World};
use super::{Compiled, compiled};
use crate::density::normal_form::Monomial;
use crate::tests::programs;

/// The largest relative difference of two numbers that should be one; 0 where both are −∞.
fn apart(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / a.abs().max(b.abs()).max(1.0) }
}

/// What disagrees at one ground model, if anything does.
pub fn disagreement(c: &Compiled, monomials: &[Monomial], world: &World) -> Option<String> {
    match compare(c, monomials, world) {
        Ok(out) => out,
        Err(hole) => Some(format!("reads what is not there: {}", hole.0)),
    }
}

fn compare(c: &Compiled, monomials: &[Monomial], world: &World) -> Known<Option<String>> {
    for d in &c.densities {
        let direct = Direct::new(&c.model, world).statement(d.id)?;
        let mut interpreter = Interpreter::new(&c.model, world);
        let residual = interpreter.statement(d)?;
        let mut sum = 0.0;
        for m in monomials.iter().filter(|m| m.statement == d.id) {
            sum += interpreter.monomial(m, d)?;
        }
        let bad = |x: f64| apart(x, direct).is_nan() || apart(x, direct) > 1e-10;
        if bad(residual) || bad(sum) {
            let text =
                format!("line {}: direct {direct}, residual form {residual}, normal form {sum}", d.line);
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// A few ground models of different sizes, one of each size first.
pub fn worlds(c: &Compiled, count: u64) -> Vec<World> {
    let all = (0..count).filter_map(|seed| {
        World::draw(&c.model, seed, &|_| match seed % 4 {
            0 => Some(2),
            1 => Some(3),
            _ => None,
        })
    });
    all.collect()
}

#[test]
fn the_programs_agree_with_their_densities() {
    let mut checks = 0;
    let mut wrong = vec![];
    for (name, source) in programs::ALL {
        let c = compiled(source).unwrap_or_else(|e| panic!("{name}: {e}"));
        let worlds = worlds(&c, 6);
        if worlds.len() < 4 {
            wrong.push(format!("{name}: only {} ground models", worlds.len()));
        }
        for w in &worlds {
            checks += c.densities.len();
            wrong.extend(disagreement(&c, &c.monomials, w).map(|e| format!("{name}: {e}")));
        }
    }
    println!("programs: {} models, {checks} statements compared", programs::ALL.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_models_agree_with_their_densities() {
    let (mut checks, mut models, mut wrong) = (0, 0, vec![]);
    for source in models::all() {
        let c = match compiled(&source) {
            Ok(c) => c,
            Err(e) => {
                wrong.push(format!("{source}\n  does not compile: {e}"));
                continue;
            }
        };
        models += 1;
        let worlds = worlds(&c, 6);
        if worlds.len() < 3 {
            wrong.push(format!("{source}\n  only {} ground models", worlds.len()));
        }
        for w in &worlds {
            checks += c.densities.len();
            if let Some(e) = disagreement(&c, &c.monomials, w) {
                wrong.push(format!("{source}\n  {e}"));
                break;
            }
        }
    }
    println!("others: {models} models, {checks} statements compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
