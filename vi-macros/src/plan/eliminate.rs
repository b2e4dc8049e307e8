//! One latent after another until nothing is left: a proof that the posterior of a set of arrays is computed exactly, given the rest.

use super::closure::{self, Elimination};
use super::edges::{Coupling, structure};
use super::interact::{Class, Factor, Interaction};
use super::refusal::Refusal;
use std::cmp::Reverse;

/// Eliminates a set of nodes, everything else held at its expectation; on failure, what stood in the way of each that was left.
pub fn eliminate(g: &Interaction, block: &[usize]) -> Result<Vec<Elimination>, Vec<Refusal>> {
    let mut factors = g.restrict(block);
    let mut left: Vec<usize> = block.to_vec();
    let mut steps = vec![];
    while !left.is_empty() {
        left.sort_by_key(|n| order(g, *n, &factors));
        let mut refusals = vec![];
        let mut next = None;
        for n in &left {
            match closure::eliminate(g, *n, &factors) {
                Ok(step) => {
                    next = Some(step);
                    break;
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        let Some(step) = next else {
            refusals.sort_by_key(|r| r.node);
            return Err(refusals);
        };
        factors.retain(|f| !step.nodes.iter().any(|n| f.touches(*n)));
        factors.extend(step.produced.iter().cloned());
        left.retain(|n| !step.nodes.contains(n));
        steps.push(step);
    }
    Ok(steps)
}

/// Leaf plates first, continuous before finite, what is not coupled to itself before chains, chains before what is coupled in any other way, and
/// then as declared.
fn order(g: &Interaction, node: usize, factors: &[Factor]) -> (Reverse<usize>, bool, usize, usize) {
    let n = &g.nodes[node];
    let touching: Vec<&Factor> = factors.iter().filter(|f| f.touches(node)).collect();
    let coupled = match structure(g, node, &touching).coupling {
        Coupling::None => 0,
        Coupling::Chain { .. } | Coupling::Tree { .. } => 1,
        Coupling::Pairs { .. } => 2,
    };
    (Reverse(n.outer()), n.class == Class::Finite, coupled, node)
}
