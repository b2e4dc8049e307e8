//! The closure table: what can be summed or integrated out exactly, and the factor that is left.

use super::Rule;
use super::edges::{Coupling, Frame, Structure, Way, fresh, front, is_gaussian, lag, structure};
use super::interact::{Class, Factor, Incidence, Interaction, Origin, Statistic};
use super::refusal::{self, Refusal};
use super::statistics;
use super::whiten::{Whitener, whitener};
use crate::density::normal_form::Stat;
use crate::density::poly::Exponent;
use crate::density::symbol::{Ix, Var};

/// One step of elimination.
#[derive(Clone, Debug)]
pub struct Elimination {
    pub nodes: Vec<usize>,
    pub rule: NodeRule,
    /// Along a scanned axis: the greatest distance between two elements in one factor.
    pub lag: usize,
    pub scope: Vec<(usize, Vec<Ix>)>,
    pub lines: Vec<usize>,
    pub produced: Vec<Factor>,
}

/// A [`Rule`] that names its whitener by node.
#[derive(Clone, Debug)]
pub struct NodeRule {
    pub rule: Rule,
    pub whitened_by: Option<usize>,
}

/// Eliminates a node from the current factors, or says what stands in the way.
pub fn eliminate(g: &Interaction, node: usize, factors: &[Factor]) -> Result<Elimination, Refusal> {
    let touching: Vec<&Factor> = factors.iter().filter(|f| f.touches(node)).collect();
    let s = structure(g, node, &touching);
    match g.nodes[node].class {
        Class::Finite => finite(g, node, &s, &touching, factors),
        Class::Gaussian => gaussian(g, node, &s, &touching, factors),
        Class::Interval
        | Class::Positive
        | Class::PositiveInterval
        | Class::Unit
        | Class::UnitInterval
        | Class::Simplex
        | Class::Matrix
        | Class::Ordered
        | Class::Count => leaf(g, node, &s, &touching),
    }
}

/// The neighbours of some nodes: other nodes, with the factor where each was met first.
fn neighbours(touching: &[&Factor], own: &dyn Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = vec![];
    for (n, f) in touching.iter().enumerate() {
        for a in f.atoms.iter().filter(|a| !own(a.node)) {
            if !out.iter().any(|(m, _)| *m == a.node) {
                out.push((a.node, n));
            }
        }
    }
    out.sort_unstable();
    out
}

fn lines(touching: &[&Factor]) -> Vec<usize> {
    let mut out: Vec<usize> = touching.iter().flat_map(|f| f.origin.lines.iter().copied()).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Rewritten factors; structure has made sure that all members agree.
fn framed(frame: &Frame, touching: &[&Factor]) -> Option<Vec<Factor>> {
    touching.iter().map(|f| frame.rewrite(f)).collect()
}

fn scope_of(factors: &[Factor], own: &dyn Fn(usize) -> bool) -> Vec<(usize, Vec<Ix>)> {
    let mut out: Vec<(usize, Vec<Ix>)> = vec![];
    for a in factors.iter().flat_map(|f| &f.atoms).filter(|a| !own(a.node)) {
        let next = (a.node, a.ix.clone());
        if !out.contains(&next) {
            out.push(next);
        }
    }
    out.sort_by_key(|(n, _)| *n);
    out
}

/// What the result of a step depends on, as a factor.
fn produce(touching: &[&Factor], position: &[Var], atoms: Vec<Incidence>) -> Factor {
    let origin = match touching.first() {
        Some(f) => Origin { lines: lines(touching), ..f.origin.clone() },
        None => Origin { statement: None, loc: proc_macro2::Span::call_site().into(), lines: vec![] },
    };
    Factor { atoms, vars: vec![], ambient: position.to_vec(), guards: vec![], origin, hard: false }
}

fn indicators(scope: &[(usize, Vec<Ix>)]) -> Vec<Incidence> {
    scope
        .iter()
        .map(|(n, ix)| Incidence {
            node: *n,
            ix: ix.clone(),
            events: vec![],
            stat: Statistic::Of(Stat::Indicator),
        })
        .collect()
}

/// Row 1: a table, or a scan of tables.
fn finite(
    g: &Interaction,
    node: usize,
    s: &Structure,
    touching: &[&Factor],
    all: &[Factor],
) -> Result<Elimination, Refusal> {
    if let Coupling::Pairs { one, other } = &s.coupling {
        return Err(refusal::all_pairs(g, node, one, other, touching[s.culprit.unwrap_or(0)]));
    }
    let others = neighbours(touching, &|n| n == node);
    let infinite: Vec<usize> =
        others.iter().map(|(n, _)| *n).filter(|n| g.nodes[*n].class != Class::Finite).collect();
    if let Some((_, at)) = others.iter().find(|(n, _)| infinite.contains(n)) {
        return Err(refusal::log_sum_exp(g, node, &infinite, touching[*at]));
    }
    let frame = Frame::of(node, s);
    let Some(rows) = framed(&frame, touching) else {
        return Err(refusal::scattered(g, node, touching[0]));
    };
    let wide = rows.iter().enumerate().find_map(|(n, f)| {
        f.atoms.iter().find(|a| a.node != node && !frame.fixes(&a.ix)).map(|a| (a.node, n))
    });
    let rule = |rule: Rule| NodeRule { rule, whitened_by: None };
    let Some((other, at)) = wide else {
        let scope = scope_of(&rows, &|n| n == node);
        let produced = match scope.is_empty() {
            true => vec![],
            false => vec![produce(touching, &frame.position, indicators(&scope))],
        };
        let axis = |k: usize| g.nodes[node].axes.get(k).cloned().unwrap_or_default();
        let rule = rule(match s.coupling {
            Coupling::Chain { axis: k } => Rule::Scan { axis: axis(k) },
            Coupling::Tree { axis: k } => Rule::Tree { axis: axis(k) },
            Coupling::None | Coupling::Pairs { .. } => Rule::Sum,
        });
        let lag = match s.coupling {
            Coupling::Chain { axis } => lag(touching, &[node], &[axis]),
            Coupling::None | Coupling::Tree { .. } | Coupling::Pairs { .. } => 0,
        };
        return Ok(Elimination { nodes: vec![node], rule, lag, scope, lines: lines(touching), produced });
    };
    let (axis, way) = match s.coupling {
        Coupling::Chain { axis } => (axis, Way::Chain),
        Coupling::Tree { axis } => (axis, Way::Tree(None)),
        Coupling::None | Coupling::Pairs { .. } => return Err(refusal::wide(g, node, other, touching[at])),
    };
    let tree = matches!(way, Way::Tree(_));
    // Several chains that advance together, or latents of one tree: their joint state is the frontier.
    let front = match front(g, node, s, axis, all, way) {
        Ok(front) if front.latents.len() > 1 => front,
        Ok(_) => return Err(refusal::wide(g, node, other, touching[at])),
        Err(partner) => return Err(refusal::outside_frontier(g, node, partner, other, touching[at])),
    };
    let own = |n: usize| front.latents.contains(&n);
    let joint: Vec<&Factor> = all.iter().filter(|f| f.atoms.iter().any(|a| own(a.node))).collect();
    let infinite: Vec<usize> = neighbours(&joint, &own)
        .into_iter()
        .map(|(n, _)| n)
        .filter(|n| g.nodes[*n].class != Class::Finite)
        .collect();
    let rows = framed(&front.frame, &joint);
    let (Some(rows), true) = (rows, infinite.is_empty()) else {
        let partner = infinite.first().copied().unwrap_or(other);
        return Err(refusal::outside_frontier(g, node, partner, other, touching[at]));
    };
    let scope = scope_of(&rows, &own);
    if !scope.iter().all(|(_, ix)| front.frame.fixes(ix)) {
        return Err(refusal::wide(g, node, other, touching[at]));
    }
    let produced = match scope.is_empty() {
        true => vec![],
        false => vec![produce(&joint, &front.frame.position, indicators(&scope))],
    };
    let axis = g.nodes[node].axes.get(axis).cloned().unwrap_or_default();
    Ok(Elimination {
        nodes: front.latents.clone(),
        rule: rule(if tree { Rule::Tree { axis } } else { Rule::Scan { axis } }),
        lag: if tree { 0 } else { lag(&joint, &front.latents, &front.scanned) },
        scope,
        lines: lines(&joint),
        produced,
    })
}

/// Rows 2 and 3 for everything that is neither finite nor Gaussian: the log-partition, once or for each value of the finite neighbours.
fn leaf(g: &Interaction, node: usize, s: &Structure, touching: &[&Factor]) -> Result<Elimination, Refusal> {
    let others = neighbours(touching, &|n| n == node);
    let open: Vec<usize> =
        others.iter().map(|(n, _)| *n).filter(|n| g.nodes[*n].class != Class::Finite).collect();
    if let Some((_, at)) = others.iter().find(|(n, _)| open.contains(n)) {
        return Err(refusal::not_closed(g, node, &open, touching[*at]));
    }
    if let Some(at) = s.culprit {
        return Err(refusal::self_coupled(g, node, touching[at]));
    }
    let name = statistics::family(g.nodes[node].class, node, touching)
        .map_err(|u| refusal::no_family(g, node, &u, touching))?;
    if s.unit.iter().any(|u| !u) {
        return Err(refusal::self_coupled(g, node, touching[0]));
    }
    let frame = Frame::of(node, s);
    let Some(rows) = framed(&frame, touching) else {
        return Err(refusal::scattered(g, node, touching[0]));
    };
    let scope = scope_of(&rows, &|n| n == node);
    if let Some((n, _)) = scope.iter().find(|(_, ix)| !frame.fixes(ix)) {
        let at = touching.iter().find(|f| f.touches(*n)).unwrap_or(&touching[0]);
        return Err(refusal::counts(g, node, *n, at));
    }
    let produced = match scope.is_empty() {
        true => vec![],
        false => vec![produce(touching, &frame.position, indicators(&scope))],
    };
    let rule = NodeRule { rule: Rule::Family { family: name }, whitened_by: None };
    Ok(Elimination { nodes: vec![node], rule, lag: 0, scope, lines: lines(touching), produced })
}

/// Rows 4 to 6: linear Gaussian elimination, once for each value of finite neighbours, possibly with one scale.
fn gaussian(
    g: &Interaction,
    node: usize,
    s: &Structure,
    touching: &[&Factor],
    all: &[Factor],
) -> Result<Elimination, Refusal> {
    let chain = match s.coupling {
        Coupling::Chain { axis } => Some(axis),
        Coupling::None | Coupling::Tree { .. } | Coupling::Pairs { .. } => None,
    };
    // Gaussian chains that advance together are one chain.
    let joint = chain.and_then(|axis| {
        let near: Vec<Factor> = all.iter().map(|f| only(f, &|n| is_gaussian(g, n))).collect();
        let front = front(g, node, s, axis, &near, Way::Chain).ok()?;
        (front.latents.len() > 1).then_some(front)
    });
    let (frame, latents, scanned) = match joint {
        Some(front) => (front.frame, front.latents, front.scanned),
        None => (Frame::of(node, s), vec![node], chain.into_iter().collect()),
    };
    let own = |n: usize| latents.contains(&n);
    let touching: Vec<&Factor> = match latents.len() {
        1 => touching.to_vec(),
        _ => all.iter().filter(|f| f.atoms.iter().any(|a| own(a.node))).collect(),
    };
    for f in &touching {
        quadratic(g, node, f)?;
    }
    let others = neighbours(&touching, &own);
    let open = |n: &usize| match g.nodes[*n].class {
        Class::Finite | Class::Gaussian | Class::Positive | Class::PositiveInterval | Class::Matrix => false,
        Class::Interval
        | Class::Unit
        | Class::UnitInterval
        | Class::Simplex
        | Class::Ordered
        | Class::Count => true,
    };
    if let Some((n, at)) = others.iter().find(|(n, _)| open(n)) {
        return Err(refusal::not_gaussian(g, node, *n, touching[*at]));
    }
    let Some(rows) = framed(&frame, &touching) else {
        return Err(refusal::scattered(g, node, touching[0]));
    };
    let of_class = |class: &dyn Fn(Class) -> bool| -> Vec<usize> {
        others.iter().map(|(n, _)| *n).filter(|n| class(g.nodes[*n].class)).collect()
    };
    let gates = of_class(&|c| c == Class::Finite);
    let rest = of_class(&|c| c != Class::Finite);
    for (n, f) in rows.iter().enumerate() {
        if let Some(a) = f.atoms.iter().find(|a| gates.contains(&a.node) && !frame.fixes(&a.ix)) {
            return Err(refusal::gated(g, node, a.node, s, &rest, touching[n]));
        }
    }
    let unit = |n: usize, k: usize| frame.members.iter().any(|(m, axes)| *m == n && axes.contains(&k));
    let scale = whitener(g, &frame, &rows, &|n| is_gaussian(g, n), &unit)
        .map_err(|u| refusal::unwhitened(g, node, &u, &touching))?;
    let scope = scope_of(&rows, &own);
    let produced = gaussian_result(g, &frame, &scope, scale.as_ref(), &touching);
    let free = scope.iter().any(|(n, ix)| is_gaussian(g, *n) && !frame.fixes(&ix[..g.nodes[*n].outer()]));
    // What outlives the chain stands beside every step of it: they are eliminated together, by fill.
    let outlived = scope.iter().any(|(n, _)| is_gaussian(g, *n));
    let rule = match (chain, free || outlived) {
        (Some(axis), false) => Rule::GaussianScan {
            axis: g.nodes[node].axes.get(axis).cloned().unwrap_or_default(),
            whitened_by: None,
        },
        (Some(_), true) | (None, _) => {
            Rule::Gaussian { whitened_by: None, stack: s.coupling != Coupling::None }
        }
    };
    let rule = NodeRule { rule, whitened_by: scale.map(|w| w.node) };
    let lag = match rule.rule {
        Rule::GaussianScan { .. } => lag(&touching, &latents, &scanned),
        Rule::Gaussian { .. } | Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } | Rule::Family { .. } => 0,
    };
    Ok(Elimination { nodes: latents, rule, lag, scope, lines: lines(&touching), produced })
}

/// A factor with only some of its atoms.
fn only(f: &Factor, keep: &dyn Fn(usize) -> bool) -> Factor {
    let mut f = f.clone();
    f.atoms.retain(|a| keep(a.node));
    f
}

/// Degree at most two in all Gaussians together, and nothing but powers of them.
fn quadratic(g: &Interaction, node: usize, f: &Factor) -> Result<(), Refusal> {
    let mut degree = 0;
    for a in f.atoms.iter().filter(|a| is_gaussian(g, a.node)) {
        degree += match &a.stat {
            Statistic::Of(Stat::Power(p)) if *p == Exponent::ONE => 1,
            Statistic::Of(Stat::Power(p)) if *p == Exponent::int(2) => 2,
            Statistic::Of(
                Stat::Power(_)
                | Stat::Indicator
                | Stat::Log
                | Stat::Log1m
                | Stat::LogDet
                | Stat::Inverse
                | Stat::Opaque(_),
            )
            | Statistic::Support => return Err(refusal::not_quadratic(g, node, a.node, f)),
        };
    }
    if degree > 2 {
        return Err(refusal::bilinear(g, node, f));
    }
    Ok(())
}

/// What is left of Gaussian rows: rows in the other Gaussians, the same gates, and the terms of the scale.
fn gaussian_result(
    g: &Interaction,
    frame: &Frame,
    scope: &[(usize, Vec<Ix>)],
    scale: Option<&Whitener>,
    touching: &[&Factor],
) -> Vec<Factor> {
    let gates: Vec<_> = scope.iter().filter(|(n, _)| g.nodes[*n].class == Class::Finite).cloned().collect();
    let rows: Vec<_> = scope.iter().filter(|(n, _)| is_gaussian(g, *n)).cloned().collect();
    let mut out = vec![];
    let matrix = scale.is_some_and(|w| g.nodes[w.node].class == Class::Matrix);
    let mut push = |mut atoms: Vec<Incidence>, events: Option<[Ix; 2]>, log: bool, extra: &[Var]| {
        atoms.extend(indicators(&gates));
        if let Some(w) = scale {
            let stat = match (log, matrix) {
                (false, _) => w.stat.clone(),
                (true, true) => Stat::LogDet,
                (true, false) => Stat::Log,
            };
            let events = events.map(|e| e.to_vec()).unwrap_or_default();
            atoms.push(Incidence { node: w.node, ix: w.ix.clone(), events, stat: Statistic::Of(stat) });
        }
        if !atoms.is_empty() {
            let mut position = frame.position.clone();
            position.extend_from_slice(extra);
            out.push(produce(touching, &position, atoms));
        }
    };
    let pair = || [Ix::var(&fresh("d")), Ix::var(&fresh("e"))];
    push(vec![], None, true, &[]);
    push(vec![], matrix.then(pair), false, &[]);
    let power = |n: usize, ix: Vec<Ix>, p: i64| Incidence {
        node: n,
        ix,
        events: vec![],
        stat: Statistic::Of(Stat::Power(Exponent::int(p))),
    };
    let rows = distinct(frame, rows);
    for (i, (n, ix)) in rows.iter().enumerate() {
        let (d, e) = (fresh("d"), fresh("e"));
        let ends = [Ix::var(&d), Ix::var(&e)];
        // The row axis stands against the matrix; whatever else is free stays so.
        let along = |n: usize, ix: &[Ix], by: &Ix| -> Vec<Ix> {
            let axis = scale.and_then(|w| w.rows.iter().find(|(m, _)| *m == n)).map(|(_, k)| *k);
            ix.iter().enumerate().map(|(k, x)| if axis == Some(k) { by.clone() } else { x.clone() }).collect()
        };
        push(vec![power(*n, along(*n, ix, &ends[0]), 1)], matrix.then(|| ends.clone()), false, &[]);
        if !matrix {
            push(vec![power(*n, ix.clone(), 2)], None, false, &[]);
        }
        for (m, jx) in &rows[..=i] {
            let other = apart(frame, jx);
            push(
                vec![power(*n, along(*n, ix, &ends[0]), 1), power(*m, along(*m, &other, &ends[1]), 1)],
                matrix.then(|| ends.clone()),
                false,
                &[],
            );
        }
    }
    out
}

/// Scope entries that differ only in the names of free indices are one.
fn distinct(frame: &Frame, rows: Vec<(usize, Vec<Ix>)>) -> Vec<(usize, Vec<Ix>)> {
    let mut out: Vec<(usize, Vec<Ix>)> = vec![];
    for (n, ix) in rows {
        let next = (n, renamed(frame, &ix, &mut |k| super::edges::place(k)));
        if !out.contains(&next) {
            out.push(next);
        }
    }
    out
}

/// The same entry with its free indices renamed, so that two of them need not be equal.
fn apart(frame: &Frame, ix: &[Ix]) -> Vec<Ix> {
    renamed(frame, ix, &mut |_| fresh("f"))
}

fn renamed(frame: &Frame, ix: &[Ix], name: &mut dyn FnMut(usize) -> Var) -> Vec<Ix> {
    let mut free: Vec<Var> = vec![];
    ix.iter().for_each(|i| {
        i.visit_vars(&mut |v| {
            if !frame.position.contains(v) && !free.contains(v) {
                free.push(v.clone());
            }
        });
    });
    let mut out = ix.to_vec();
    for (k, v) in free.iter().enumerate() {
        let by = Ix::var(&name(k));
        out = out.iter().map(|i| i.substitute(v, &by)).collect();
    }
    out
}
