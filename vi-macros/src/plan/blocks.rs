//! From elimination to blocks: the whole component if it can be had, else the largest blocks that can, found by fixed merges.

use super::Rule;
use super::closure::{Elimination, NodeRule};
use super::edges::{distinct, structure};
use super::eliminate::eliminate;
use super::interact::{Class, Factor, Interaction, Statistic};
use super::refusal::{self, Kind, Refusal};
use super::statistics;
use crate::density::normal_form::Stat;
use crate::density::poly::Exponent;

/// What was found for one connected component of the latents.
#[derive(Clone, Debug)]
pub struct Proof {
    pub blocks: Vec<Proved>,
    pub exact: bool,
    /// Why the component is not one exact block.
    pub obstacles: Vec<Refusal>,
    /// Latents without any update, and terms that no product of blocks can hold.
    pub stuck: Vec<Refusal>,
    /// Groups of the user that are not exact, by number.
    pub unmet: Vec<(usize, Vec<Refusal>)>,
}

#[derive(Clone, Debug)]
pub struct Proved {
    pub nodes: Vec<usize>,
    /// One element at a time.
    pub each: bool,
    pub steps: Vec<Elimination>,
    /// The user's group this is.
    pub group: Option<usize>,
}

/// A group of `factorize`, by nodes.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub nodes: Vec<usize>,
    pub each: bool,
}

/// A proof for every component, in the order of declaration.
pub fn prove(g: &Interaction, wanted: &[Wanted]) -> Vec<Proof> {
    components(g, wanted).iter().map(|c| component(g, c, wanted)).collect()
}

fn components(g: &Interaction, wanted: &[Wanted]) -> Vec<Vec<usize>> {
    let mut of: Vec<usize> = (0..g.nodes.len()).collect();
    let mut join = |nodes: &[usize]| {
        for w in nodes.windows(2) {
            let (a, b) = (of[w[0]], of[w[1]]);
            of.iter_mut().filter(|c| **c == a).for_each(|c| *c = b);
        }
    };
    for f in &g.factors {
        join(&f.atoms.iter().map(|a| a.node).collect::<Vec<_>>());
    }
    wanted.iter().for_each(|w| join(&w.nodes));
    let mut out: Vec<Vec<usize>> = vec![];
    for n in 0..g.nodes.len() {
        match out.iter_mut().find(|c| of[c[0]] == of[n]) {
            Some(c) => c.push(n),
            None => out.push(vec![n]),
        }
    }
    out
}

fn component(g: &Interaction, nodes: &[usize], wanted: &[Wanted]) -> Proof {
    let groups: Vec<(usize, &Wanted)> =
        wanted.iter().enumerate().filter(|(_, w)| w.nodes.iter().any(|n| nodes.contains(n))).collect();
    let mut out = Proof { blocks: vec![], exact: false, obstacles: vec![], stuck: vec![], unmet: vec![] };
    let whole = eliminate(g, nodes);
    if groups.is_empty() {
        match whole {
            Ok(steps) => {
                out.blocks.push(Proved { nodes: nodes.to_vec(), each: false, steps, group: None });
                out.exact = true;
                return out;
            }
            Err(refusals) => out.obstacles = refusals,
        }
    } else if let Err(refusals) = whole {
        out.obstacles = refusals;
    }
    for (n, w) in &groups {
        let joined = match w.nodes.as_slice() {
            [one] if w.each && self_coupled(g, *one) => Err(vec![]),
            _ => eliminate(g, &w.nodes),
        };
        let block = match (joined, w.nodes.as_slice()) {
            (Ok(steps), _) => Proved { nodes: w.nodes.clone(), each: false, steps, group: Some(*n) },
            (Err(_), [one]) if w.each => match one_at_a_time(g, *one) {
                Ok(step) => Proved { nodes: vec![*one], each: true, steps: vec![step], group: Some(*n) },
                Err(refusal) => {
                    out.stuck.push(refusal);
                    continue;
                }
            },
            (Err(refusals), _) => {
                out.unmet.push((*n, refusals));
                continue;
            }
        };
        out.blocks.push(block);
    }
    let grouped = |n: &usize| groups.iter().any(|(_, w)| w.nodes.contains(n));
    let mut free: Vec<Proved> = vec![];
    for n in nodes.iter().filter(|n| !grouped(n)) {
        match eliminate(g, &[*n]) {
            Ok(steps) => free.push(Proved { nodes: vec![*n], each: false, steps, group: None }),
            Err(refusals) => match one_at_a_time(g, *n) {
                Ok(step) => free.push(Proved { nodes: vec![*n], each: true, steps: vec![step], group: None }),
                Err(refusal) => out.stuck.extend(
                    refusals
                        .into_iter()
                        .filter(|r| r.kind == Kind::NoFamily)
                        .take(1)
                        .chain([refusal])
                        .take(1),
                ),
            },
        }
    }
    merge(g, &mut free);
    out.blocks.extend(free);
    out.exact = out.blocks.len() == 1 && !out.blocks[0].each && out.stuck.is_empty() && out.unmet.is_empty();
    if out.exact {
        out.obstacles.clear();
    }
    out.stuck.extend(torn(g, nodes, &out.blocks));
    out
}

fn self_coupled(g: &Interaction, node: usize) -> bool {
    let touching: Vec<&Factor> = g.factors.iter().filter(|f| f.touches(node)).collect();
    structure(g, node, &touching).culprit.is_some()
}

/// Merges pairs that share a term, in a fixed order of preference, until none can be merged.
fn merge(g: &Interaction, blocks: &mut Vec<Proved>) {
    'again: loop {
        let mut pairs: Vec<(usize, usize)> = vec![];
        for i in 0..blocks.len() {
            for j in i + 1..blocks.len() {
                let (a, b) = (&blocks[i], &blocks[j]);
                let apart = a.each || b.each || chain_and_family(g, a, b) || chain_and_family(g, b, a);
                if !apart && share_a_term(g, &a.nodes, &b.nodes) {
                    pairs.push((i, j));
                }
            }
        }
        pairs.sort_by_key(|(i, j)| preference(g, &blocks[*i].nodes, &blocks[*j].nodes));
        for (i, j) in pairs {
            let nodes: Vec<usize> = blocks[i].nodes.iter().chain(&blocks[j].nodes).copied().collect();
            if let Ok(steps) = eliminate(g, &nodes)
                && !between_steps(g, &steps)
            {
                blocks.remove(j);
                blocks[i] = Proved { nodes, each: false, steps, group: None };
                continue 'again;
            }
        }
        return;
    }
}

fn share_a_term(g: &Interaction, a: &[usize], b: &[usize]) -> bool {
    let touches = |f: &Factor, nodes: &[usize]| nodes.iter().any(|n| f.touches(*n));
    g.factors.iter().any(|f| touches(f, a) && touches(f, b))
}

/// A chain and something Gaussian that one of its elements reads, such as the mean of the first step: exact together, at the price of an
/// elimination that is the chain's nowhere else. They take turns. What each step has of its own is integrated out in the states of the step,
/// and so is a family that one step has, such as the law of the first state.
fn chain_and_family(g: &Interaction, chain: &Proved, other: &Proved) -> bool {
    let along = |s: &&Elimination| matches!(s.rule.rule, Rule::Scan { .. } | Rule::Tree { .. });
    let Some(scan) = chain.steps.iter().find(along) else { return false };
    let plates = scan.nodes.iter().map(|n| g.nodes[*n].outer()).max().unwrap_or(0);
    let of_step = |n: &usize| g.nodes[*n].outer() >= plates;
    let family = |n: &usize| matches!(g.nodes[*n].class, Class::Positive | Class::Unit | Class::Simplex);
    if !g.laws_apart && other.nodes.iter().all(family) {
        return false;
    }
    other.nodes.iter().all(|n| g.nodes[*n].class != Class::Finite) && !other.nodes.iter().all(of_step)
}

/// Whether something is integrated out in the states of two steps at once, beside a chain.
fn between_steps(g: &Interaction, steps: &[Elimination]) -> bool {
    let along = |s: &Elimination| matches!(s.rule.rule, Rule::Scan { .. } | Rule::Tree { .. });
    steps.iter().any(along)
        && steps.iter().filter(|s| s.nodes.iter().all(|n| g.nodes[*n].class != Class::Finite)).any(|s| {
            s.scope
                .iter()
                .enumerate()
                .any(|(i, (n, ix))| s.scope[..i].iter().any(|(m, jx)| n == m && ix != jx))
        })
}

/// A Gaussian with the category that chooses its law, Gaussians together, then chains, then a Gaussian and its scale, then the rest.
fn preference(g: &Interaction, a: &[usize], b: &[usize]) -> usize {
    let all = |nodes: &[usize], class: Class| nodes.iter().all(|n| g.nodes[*n].class == class);
    let scale =
        |nodes: &[usize]| nodes.iter().any(|n| matches!(g.nodes[*n].class, Class::Positive | Class::Matrix));
    let chosen = |a: &[usize], b: &[usize]| g.chosen.iter().any(|(n, c)| a.contains(n) && b.contains(c));
    if chosen(a, b) || chosen(b, a) {
        0
    } else if all(a, Class::Gaussian) && all(b, Class::Gaussian) {
        1
    } else if all(a, Class::Finite) && all(b, Class::Finite) {
        2
    } else if (all(a, Class::Gaussian) && scale(b)) || (all(b, Class::Gaussian) && scale(a)) {
        3
    } else {
        4
    }
}

/// The update of one element given every other, for arrays whose elements are all coupled.
fn one_at_a_time(g: &Interaction, node: usize) -> Result<Elimination, Refusal> {
    let factors = g.restrict(&[node]);
    let touching: Vec<&Factor> = factors.iter().collect();
    let class = g.nodes[node].class;
    let outer = g.nodes[node].outer();
    let family = statistics::family(class, node, &touching)
        .map_err(|u| refusal::no_family(g, node, &u, &offending(&touching, node)))?;
    for f in &touching {
        let atoms: Vec<_> = f.of(node).collect();
        for (n, a) in atoms.iter().enumerate() {
            for b in &atoms[..n] {
                let same = a.ix[..outer] == b.ix[..outer];
                if f.hard && !same {
                    return Err(refusal::hard(g, node, node, f));
                }
                if class != Class::Finite && !same && !distinct(g, f, &a.ix[..outer], &b.ix[..outer]) {
                    return Err(refusal::may_coincide(g, node, f));
                }
            }
        }
        if class == Class::Gaussian {
            for a in &atoms {
                let degree: i64 = atoms
                    .iter()
                    .filter(|b| b.ix[..outer] == a.ix[..outer])
                    .map(|b| match &b.stat {
                        Statistic::Of(Stat::Power(p)) if *p == Exponent::ONE => 1,
                        Statistic::Of(Stat::Power(p)) if *p == Exponent::int(2) => 2,
                        Statistic::Support
                        | Statistic::Of(
                            Stat::Power(_)
                            | Stat::Indicator
                            | Stat::Log
                            | Stat::Log1m
                            | Stat::LogDet
                            | Stat::Inverse
                            | Stat::Opaque(_),
                        ) => 3,
                    })
                    .sum();
                if degree > 2 {
                    return Err(refusal::not_quadratic(g, node, node, f));
                }
            }
        }
    }
    let rule = match class {
        Class::Finite => Rule::Sum,
        Class::Gaussian => Rule::Gaussian { whitened_by: None, stack: false },
        Class::Interval
        | Class::Positive
        | Class::PositiveInterval
        | Class::Unit
        | Class::UnitInterval
        | Class::Simplex
        | Class::Matrix
        | Class::Ordered
        | Class::Count => Rule::Family { family },
    };
    let mut lines: Vec<usize> = touching.iter().flat_map(|f| f.origin.lines.iter().copied()).collect();
    lines.sort_unstable();
    lines.dedup();
    let rule = NodeRule { rule, whitened_by: None };
    Ok(Elimination { nodes: vec![node], rule, lag: 0, scope: vec![], lines, produced: vec![] })
}

/// The factors that show what is wrong come first.
fn offending<'f>(touching: &[&'f Factor], node: usize) -> Vec<&'f Factor> {
    let opaque = |f: &&Factor| f.of(node).any(|a| matches!(a.stat, Statistic::Of(Stat::Opaque(_))));
    let mut out: Vec<&Factor> = touching.iter().copied().filter(|f| opaque(f)).collect();
    out.extend(touching.iter().copied().filter(|f| !opaque(f)));
    out
}

/// Constraints and structural zeros that two blocks share: the bound would be −∞.
fn torn(g: &Interaction, nodes: &[usize], blocks: &[Proved]) -> Vec<Refusal> {
    let mut out = vec![];
    for f in g.factors.iter().filter(|f| f.hard && f.atoms.iter().any(|a| nodes.contains(&a.node))) {
        let block = |n: usize| blocks.iter().position(|b| b.nodes.contains(&n));
        let first = f.atoms[0].node;
        if let Some(a) = f.atoms.iter().find(|a| block(a.node) != block(first)) {
            out.push(refusal::hard(g, first, a.node, f));
        }
    }
    out
}
