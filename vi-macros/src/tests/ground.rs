//! Exactness checked element by element: small sizes, every factor written out, every elimination of the plan carried out on single elements.
//!
//! Nothing lifted is used here: no axes, no aliases, no frames. What the planner proves about arrays must hold for their elements, and the
//! scope of a finite step must not grow with the sizes.

use super::elimination::Shape;
use crate::density::normal_form::Stat;
use crate::density::symbol::{Ix, IxTerm, Var};
use crate::plan::blocks;
use crate::plan::closure::Elimination;
use crate::plan::interact::{Class, Interaction, Statistic};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

type Element = (usize, Vec<i64>);

/// A factor over elements; a scale's power is kept to compare.
#[derive(Clone, Debug)]
struct Ground {
    scope: BTreeSet<Element>,
    powers: BTreeMap<Element, String>,
}

/// Where every index runs over `0..n`, components over `0..2`, and maps hold arbitrary but fixed values.
fn ground(g: &Interaction, n: i64) -> Vec<Ground> {
    let mut out = vec![];
    for f in &g.factors {
        let mut vars: Vec<Var> = vec![];
        for a in &f.atoms {
            a.ix.iter().for_each(|i| {
                i.visit_vars(&mut |v| {
                    if !vars.contains(v) {
                        vars.push(v.clone());
                    }
                })
            });
        }
        let mut at = vec![0; vars.len()];
        'all: loop {
            if let Some(one) = instance(g, f, &vars, &at, n) {
                out.push(one);
            }
            for k in 0..at.len() {
                at[k] += 1;
                if at[k] < n {
                    continue 'all;
                }
                at[k] = 0;
            }
            break;
        }
    }
    out
}

fn instance(
    g: &Interaction,
    f: &crate::plan::interact::Factor,
    vars: &[Var],
    at: &[i64],
    n: i64,
) -> Option<Ground> {
    let mut one = Ground { scope: BTreeSet::new(), powers: BTreeMap::new() };
    for a in &f.atoms {
        let ix: Option<Vec<i64>> = a.ix.iter().map(|i| value(g, i, vars, at, n)).collect();
        let e = (a.node, ix?);
        if e.1.iter().any(|i| *i < 0 || *i >= n) {
            return None;
        }
        if let Statistic::Of(Stat::Power(p)) = &a.stat {
            one.powers.insert(e.clone(), format!("{p:?}"));
        }
        one.scope.insert(e);
    }
    Some(one)
}

fn value(g: &Interaction, i: &Ix, vars: &[Var], at: &[i64], n: i64) -> Option<i64> {
    let mut out = i.offset;
    for (c, t) in &i.terms {
        out += c * match t {
            IxTerm::Var(v) => at[vars.iter().position(|u| u == v)?],
            IxTerm::Size(..) => n,
            IxTerm::Read(e) => {
                let inner = value(g, &e.indices[0], vars, at, n)?;
                let scrambled = (inner * 7919 + 104_729 * (e.array.0 as i64 + 3)) / 3 % 1009;
                match g.parents.iter().any(|(p, _)| *p == e.array) {
                    // The root has no parent.
                    true if inner < 1 => return None,
                    true => scrambled.rem_euclid(inner),
                    false => scrambled.rem_euclid(n),
                }
            }
        };
    }
    Some(out)
}

/// The largest scope of a finite step met while carrying out the steps, or what is wrong with them.
fn carry_out(g: &Interaction, steps: &[Elimination], n: i64) -> Result<usize, String> {
    let mut factors = ground(g, n);
    let mut widest = 0;
    for s in steps {
        let class = g.nodes[s.nodes[0]].class;
        loop {
            let mut left: Vec<Element> = factors
                .iter()
                .flat_map(|f| f.scope.iter().cloned())
                .filter(|e| s.nodes.contains(&e.0))
                .collect();
            left.sort();
            left.dedup();
            if left.is_empty() {
                break;
            }
            // A Gaussian step takes everything that is joined; any other takes the element with the fewest neighbours.
            let taken: BTreeSet<Element> = match class {
                Class::Gaussian => joined(&factors, &left),
                _ => {
                    let best = left
                        .iter()
                        .min_by_key(|e| neighbours(&factors, &BTreeSet::from([(*e).clone()])).len());
                    BTreeSet::from([best.cloned().unwrap_or_default()])
                }
            };
            let scope = neighbours(&factors, &taken);
            let finite = scope.iter().filter(|e| g.nodes[e.0].class == Class::Finite).count();
            widest = widest.max(finite);
            let (touching, rest): (Vec<_>, Vec<_>) =
                factors.into_iter().partition(|f| f.scope.iter().any(|e| taken.contains(e)));
            factors = rest;
            let mut left_over = Ground { scope: scope.clone(), powers: BTreeMap::new() };
            let infinite: Vec<&Element> =
                scope.iter().filter(|e| g.nodes[e.0].class != Class::Finite).collect();
            if class == Class::Gaussian {
                let scales: Vec<&&Element> =
                    infinite.iter().filter(|e| g.nodes[e.0].class != Class::Gaussian).collect();
                if let [scale] = scales.as_slice() {
                    let powers: BTreeSet<_> =
                        touching.iter().map(|f| f.powers.get(**scale).cloned()).collect();
                    if powers.len() != 1 || powers.contains(&None) {
                        return Err(format!("{taken:?} is not scaled by {scale:?} alone: {powers:?}"));
                    }
                    left_over
                        .powers
                        .insert((**scale).clone(), powers.into_iter().flatten().next().unwrap_or_default());
                } else if scales.len() > 1 {
                    return Err(format!("{taken:?} has scales {scales:?}"));
                }
            } else if !infinite.is_empty() {
                return Err(format!("{taken:?} meets {infinite:?}"));
            }
            if !left_over.scope.is_empty() {
                factors.push(left_over);
            }
        }
    }
    Ok(widest)
}

fn neighbours(factors: &[Ground], of: &BTreeSet<Element>) -> BTreeSet<Element> {
    factors
        .iter()
        .filter(|f| f.scope.iter().any(|e| of.contains(e)))
        .flat_map(|f| f.scope.iter().cloned())
        .filter(|e| !of.contains(e))
        .collect()
}

fn joined(factors: &[Ground], among: &[Element]) -> BTreeSet<Element> {
    let mut out = BTreeSet::from([among[0].clone()]);
    loop {
        let before = out.len();
        let near = neighbours(factors, &out);
        out.extend(near.into_iter().filter(|e| among.contains(e)));
        if out.len() == before {
            return out;
        }
    }
}

/// A random shape: arrays over two plates, terms that read them shifted, through maps, at fixed places or at free indices.
fn random(rng: &mut ChaCha8Rng) -> Option<(String, Vec<String>)> {
    let axes = ["n", "m"];
    let names = ["a", "b", "c"];
    // A third of the shapes is about chains and trees alone, a third about one scale.
    let style = rng.random_range(0..3);
    let (chains, scales) = (style == 1, style == 2);
    let count = if chains { rng.random_range(1..=2) } else { rng.random_range(2..=3) };
    let mut classes = vec![];
    let mut plates: Vec<Vec<&str>> = vec![];
    for k in 0..count {
        classes.push(match (chains, scales, k) {
            (true, ..) => "finite",
            (_, true, 0) => "gaussian",
            (_, true, 1) => "positive",
            _ => ["finite", "finite", "gaussian", "positive"][rng.random_range(0..4)],
        });
        plates.push(match rng.random_range(if chains { 2..8 } else { 0..5 }) {
            0 => vec![],
            1 | 2 => vec![axes[0]],
            3 => vec![axes[1]],
            _ => axes.to_vec(),
        });
    }
    let read = |rng: &mut ChaCha8Rng, k: usize| -> String {
        let ix: Vec<String> = plates[k]
            .iter()
            .map(|p| match (chains, rng.random_range(0..24)) {
                (_, 0 | 1) | (true, 2..=7) => format!("{p}-1"),
                (false, 7) | (true, 8) => format!("up<{p}>"),
                (_, 9) => format!("down<{p}>"),
                (false, 2) => format!("f({p})"),
                (false, 3) => format!("h({p})"),
                (false, 4) => format!("f({p}-1)"),
                (false, 5) => "0".into(),
                (false, 6) => "r".into(),
                (false, 8) => axes[rng.random_range(0..2)].into(),
                (true | false, _) => (*p).into(),
            })
            .collect();
        format!("{}[{}]", names[k], ix.join(","))
    };
    let mut terms = vec![];
    for k in 0..count {
        // Its own line: every element has a prior.
        let own = format!("{}[{}]", names[k], plates[k].join(","));
        terms.push(match classes[k] {
            "gaussian" => format!("{own}^2"),
            "positive" => format!("log {own}"),
            _ => own,
        });
    }
    for _ in 0..rng.random_range(if chains { 2..=3 } else { 1..=3 }) {
        let mut words = vec![];
        let mut degree = 0;
        for _ in 0..rng.random_range(2..=if chains { 2 } else { 4 }) {
            let k = rng.random_range(0..count);
            if classes[k] == "gaussian" {
                degree += 1;
                if degree > 2 {
                    continue;
                }
            }
            words.push(read(rng, k));
        }
        terms.push(words.join(" "));
    }
    // Every row scaled, so that whitening has something to find; not always by the same power.
    let gaussian = (0..count).find(|k| classes[*k] == "gaussian");
    let scale = (0..count).find(|k| classes[*k] == "positive");
    if let (Some(x), Some(s), true) = (gaussian, scale, scales) {
        let by = format!("{}[{}]", names[s], plates[s].join(","));
        for t in terms.iter_mut().filter(|t| t.contains(&format!("{}[", names[x]))) {
            if !t.contains(&format!("{}[", names[s])) {
                let power = if rng.random_bool(0.2) { "^-1" } else { "" };
                *t = format!("{by}{power} {t}");
            }
        }
    }
    terms.retain(|t| !t.is_empty());
    let nodes: Vec<String> = (0..count).map(|k| format!("{}: {}", names[k], classes[k])).collect();
    let used = |k: usize| terms.iter().any(|t| t.contains(&format!("{}[", names[k])));
    (0..count).all(used).then(|| (nodes.join(", "), terms))
}

#[test]
fn what_is_called_exact_is_exact_element_by_element() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut exact, mut coupled) = (0, 0);
    for _ in 0..1300 {
        let Some((nodes, terms)) = random(&mut rng) else { continue };
        let words: Vec<&str> = terms.iter().map(String::as_str).collect();
        let shape = Shape::new(&nodes, &words);
        for proof in blocks::prove(&shape.g, &[]) {
            for b in proof.blocks.iter().filter(|b| !b.each && b.nodes.len() + usize::from(proof.exact) > 1) {
                let mut g = shape.g.clone();
                g.factors = g.restrict(&b.nodes);
                let at =
                    |n| carry_out(&g, &b.steps, n).unwrap_or_else(|e| panic!("{nodes}\n{terms:#?}\n{e}"));
                let (small, large) = (at(4), at(7));
                exact += 1;
                coupled += usize::from(b.nodes.len() > 1);
                // Two lagged slices of three arrays at most; more means that it grows with the sizes.
                assert!(
                    large <= 6 && large <= small + 3,
                    "{nodes}\n{terms:#?}\nscopes of {small}, then {large}"
                );
            }
        }
    }
    assert!(exact > 500 && coupled > 200, "too few exact shapes to mean anything: {exact}, {coupled}");
}
