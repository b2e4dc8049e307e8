//! Alias analysis within a factor: which elements of one array can meet, and what a neighbour's index is a function of.
//!
//! Everything here errs on the side of coupling: two accesses are the same element only if they are written the same, and are a known distance
//! apart only if their difference is a number.

use super::interact::{Class, Factor, Incidence, Interaction, is_parent_of};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm, Var};
use crate::model::ir::Nominal;

/// How the elements of one array are joined by the factors that touch it.
#[derive(Clone, Debug)]
pub struct Structure {
    /// Axes along which every factor stays at one position: the rest of the array falls into independent copies.
    pub unit: Vec<bool>,
    pub coupling: Coupling,
    /// A factor that couples two elements.
    pub culprit: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coupling {
    None,
    /// Offsets along one axis.
    Chain {
        axis: usize,
    },
    /// Each element and its parent, along one axis.
    Tree {
        axis: usize,
    },
    /// Anything else; the two positions that meet.
    Pairs {
        one: Ix,
        other: Ix,
    },
}

enum Edge {
    Offset(usize),
    Parent(usize, Ix),
    Other,
}

/// The structure of a node under some factors.
pub fn structure(g: &Interaction, node: usize, factors: &[&Factor]) -> Structure {
    let n = &g.nodes[node];
    let axes = n.outer() + n.events;
    let mut out = Structure { unit: vec![true; axes], coupling: Coupling::None, culprit: None };
    let mut parent: Option<(usize, Ix)> = None;
    for (at, f) in factors.iter().enumerate() {
        let atoms: Vec<&Incidence> = f.of(node).collect();
        for (i, a) in atoms.iter().enumerate() {
            for b in &atoms[..i] {
                for (k, unit) in out.unit.iter_mut().enumerate() {
                    *unit &= a.ix[k] == b.ix[k];
                }
                let Some(edge) = edge(g, n.outer(), b, a) else { continue };
                out.culprit.get_or_insert(at);
                out.coupling = match (out.coupling, edge) {
                    (Coupling::None, Edge::Offset(axis)) => Coupling::Chain { axis },
                    (Coupling::Chain { axis }, Edge::Offset(k)) if k == axis => Coupling::Chain { axis },
                    (Coupling::None, Edge::Parent(axis, map)) => {
                        parent = Some((axis, map));
                        Coupling::Tree { axis }
                    }
                    (Coupling::Tree { axis }, Edge::Parent(k, map))
                        if parent.as_ref() == Some(&(k, map.clone())) =>
                    {
                        Coupling::Tree { axis }
                    }
                    (pairs @ Coupling::Pairs { .. }, _) => pairs,
                    (
                        Coupling::None | Coupling::Chain { .. } | Coupling::Tree { .. },
                        Edge::Offset(_) | Edge::Parent(..) | Edge::Other,
                    ) => {
                        out.culprit = Some(at);
                        let k = (0..n.outer()).find(|k| a.ix[*k] != b.ix[*k]).unwrap_or(0);
                        Coupling::Pairs { one: b.ix[k].clone(), other: a.ix[k].clone() }
                    }
                };
            }
        }
    }
    out
}

fn edge(g: &Interaction, outer: usize, a: &Incidence, b: &Incidence) -> Option<Edge> {
    let differing: Vec<usize> = (0..outer).filter(|k| a.ix[*k] != b.ix[*k]).collect();
    let [k] = differing.as_slice() else {
        return (!differing.is_empty()).then_some(Edge::Other);
    };
    let (x, y) = (&a.ix[*k], &b.ix[*k]);
    if y.plus(-1, x).as_constant().is_some() {
        return Some(Edge::Offset(*k));
    }
    for (child, parent) in [(x, y), (y, x)] {
        if child.as_var().is_some() && is_parent_of(g, parent, child) {
            return canonical_parent(a, *k, child, parent)
                .map(|map| Edge::Parent(*k, map))
                .or(Some(Edge::Other));
        }
    }
    Some(Edge::Other)
}

/// The parent map as a function of the element's own position, so that two factors can be compared; none if it reads anything else.
fn canonical_parent(a: &Incidence, axis: usize, child: &Ix, parent: &Ix) -> Option<Ix> {
    let mut out = parent.clone();
    for (k, e) in a.ix.iter().enumerate() {
        let own = if k == axis { child } else { e };
        if let Some(v) = own.as_var() {
            out = out.substitute(v, &Ix::var(&place(k)));
        }
    }
    let mut free = false;
    out.visit_vars(&mut |v| free |= !(0..a.ix.len()).any(|k| *v == place(k)));
    (!free).then_some(out)
}

thread_local! {
    static PLACES: std::cell::RefCell<Vec<Var>> = const { std::cell::RefCell::new(vec![]) };
}

/// A fixed variable for the k-th axis of whatever is looked at.
pub fn place(k: usize) -> Var {
    PLACES.with(|p| {
        let mut p = p.borrow_mut();
        while p.len() <= k {
            let name = format!("p{}", p.len());
            p.push(fresh(&name));
        }
        p[k].clone()
    })
}

pub fn fresh(name: &str) -> Var {
    Var::new(name, Nominal::Literal(0), Ix::default(), Ix::default())
}

/// A set of arrays with aligned axes, seen from one position along the axes they share.
#[derive(Clone, Debug)]
pub struct Frame {
    /// One variable for each shared axis.
    pub position: Vec<Var>,
    /// For each member, its axis for each shared axis.
    pub members: Vec<(usize, Vec<usize>)>,
}

impl Frame {
    /// The frame of one node: its unit axes.
    pub fn of(node: usize, s: &Structure) -> Frame {
        let axes: Vec<usize> = (0..s.unit.len()).filter(|k| s.unit[*k]).collect();
        Frame { position: axes.iter().map(|_| fresh("p")).collect(), members: vec![(node, axes)] }
    }

    pub fn holds(&self, node: usize) -> bool {
        self.members.iter().any(|(n, _)| *n == node)
    }

    /// Rewrites a factor so that the members' shared axes read the position. `None` if two members stand at different ones.
    pub fn rewrite(&self, f: &Factor) -> Option<Factor> {
        let mut f = f.clone();
        let (first, axes) =
            f.atoms.iter().enumerate().find_map(|(n, a)| {
                self.members.iter().find(|(m, _)| *m == a.node).map(|(_, axes)| (n, axes))
            })?;
        for (k, p) in axes.iter().zip(&self.position) {
            let e = f.atoms[first].ix[*k].clone();
            rename(&mut f, &e, p);
        }
        let at: Vec<Ix> = axes.iter().map(|k| f.atoms[first].ix[*k].clone()).collect();
        let agree = f.atoms.iter().all(|a| {
            self.members
                .iter()
                .filter(|(m, _)| *m == a.node)
                .all(|(_, axes)| axes.iter().zip(&at).all(|(k, e)| a.ix[*k] == *e))
        });
        agree.then_some(f)
    }

    /// Whether an index tuple is known once the position is.
    pub fn fixes(&self, ix: &[Ix]) -> bool {
        let mut free = false;
        ix.iter().for_each(|i| i.visit_vars(&mut |v| free |= !self.position.contains(v)));
        !free
    }
}

/// Replaces what an index expression stands for by a variable, wherever that can be done without solving equations.
fn rename(f: &mut Factor, e: &Ix, by: &Var) {
    let p = Ix::var(by);
    if let Some((v, c)) = e.as_shifted_var() {
        let (v, value) = (v.clone(), p.plus(-1, &Ix::constant(c)));
        if v == *by {
            return;
        }
        each_index(f, &mut |i| *i = i.substitute(&v, &value));
        let mentioned = f.ambient.contains(&v);
        f.ambient.retain(|u| *u != v);
        if mentioned && !f.ambient.contains(by) {
            f.ambient.push(by.clone());
        }
        return;
    }
    match e.terms.as_slice() {
        [] => {}
        [(1, t @ (IxTerm::Read(_) | IxTerm::Size(..)))] => {
            let value = p.plus(-1, &Ix::constant(e.offset));
            let t = t.clone();
            each_index(f, &mut |i| *i = replace_term(i, &t, &value));
        }
        _ => {
            let e = e.clone();
            each_index(f, &mut |i| {
                if let Some(c) = i.plus(-1, &e).as_constant() {
                    *i = p.plus(1, &Ix::constant(c));
                }
            });
        }
    }
}

fn each_index(f: &mut Factor, change: &mut dyn FnMut(&mut Ix)) {
    for a in &mut f.atoms {
        a.ix.iter_mut().for_each(&mut *change);
        a.events.iter_mut().for_each(&mut *change);
    }
}

fn replace_term(i: &Ix, t: &IxTerm, by: &Ix) -> Ix {
    let mut out = Ix::constant(i.offset);
    for (c, u) in &i.terms {
        let u = if u == t {
            by.clone()
        } else {
            match u {
                IxTerm::Var(_) => Ix::term(u.clone()),
                IxTerm::Size(s, args) => {
                    Ix::term(IxTerm::Size(*s, args.iter().map(|a| replace_term(a, t, by)).collect()))
                }
                IxTerm::Read(e) => Ix::term(IxTerm::Read(Elem {
                    array: e.array,
                    indices: e.indices.iter().map(|a| replace_term(a, t, by)).collect(),
                })),
            }
        };
        out = out.plus(*c, &u);
    }
    out
}

/// Arrays that are scanned together: all of one class, each with the scanned axis and the same others, and nothing else along the axis.
pub struct Front {
    pub frame: Frame,
    pub latents: Vec<usize>,
    /// The scanned axis of each.
    pub scanned: Vec<usize>,
}

/// The greatest distance in one factor between elements of some arrays, along the axis of each.
pub fn lag(factors: &[&Factor], latents: &[usize], scanned: &[usize]) -> usize {
    let mut out = 0;
    for f in factors {
        let at: Vec<&Ix> = f
            .atoms
            .iter()
            .filter_map(|a| latents.iter().position(|n| *n == a.node).map(|k| &a.ix[scanned[k]]))
            .collect();
        for (n, x) in at.iter().enumerate() {
            for y in &at[..n] {
                let distance = x.plus(-1, y).as_constant().and_then(|c| usize::try_from(c.abs()).ok());
                out = out.max(distance.unwrap_or(0));
            }
        }
    }
    out
}

/// How elements that stand along one axis in one factor are related.
#[derive(Clone, Debug)]
pub enum Way {
    /// By known distances.
    Chain,
    /// Each is a child or its parent, by one map for all.
    Tree(Option<Ix>),
}

impl Way {
    fn joins(&self, g: &Interaction, a: &Ix, b: &Ix) -> bool {
        match self {
            Way::Chain => a.plus(-1, b).as_constant().is_some(),
            Way::Tree(_) => a == b || is_parent_of(g, a, b) || is_parent_of(g, b, a),
        }
    }

    /// Whether all of some elements, each with its axis, are as this says; of the map the first that is met is learnt.
    fn holds(&mut self, g: &Interaction, at: &[(&Incidence, usize)]) -> bool {
        let own = |(a, k): &(&Incidence, usize)| a.ix[*k].clone();
        let Some(first) = at.first().map(own) else { return true };
        match self {
            Way::Chain => at.iter().all(|x| own(x).plus(-1, &first).as_constant().is_some()),
            Way::Tree(map) => {
                let children = at.iter().filter(|x| at.iter().any(|y| is_parent_of(g, &own(y), &own(x))));
                let Some(child) = children.map(own).next() else { return at.iter().all(|x| own(x) == first) };
                at.iter().all(|(a, k)| {
                    let here = &a.ix[*k];
                    let up = is_parent_of(g, here, &child).then(|| canonical_parent(a, *k, &child, here));
                    match up {
                        None => *here == child,
                        Some(None) => false,
                        Some(Some(up)) => *map.get_or_insert_with(|| up.clone()) == up,
                    }
                })
            }
        }
    }
}

/// The partners of a chain or a tree, or the one that stands in the way.
pub fn front(
    g: &Interaction,
    node: usize,
    s: &Structure,
    axis: usize,
    factors: &[Factor],
    mut way: Way,
) -> Result<Front, usize> {
    let n = &g.nodes[node];
    let shared: Vec<usize> = (0..n.outer()).filter(|k| *k != axis).collect();
    if shared.iter().any(|k| !s.unit[*k]) {
        return Err(node);
    }
    // For each member: its axes in the order of the shared ones, then the scanned one.
    let mut members: Vec<(usize, Vec<usize>, usize)> = vec![(node, shared.clone(), axis)];
    let position: Vec<Var> = shared.iter().map(|_| fresh("p")).collect();
    let frame = |members: &[(usize, Vec<usize>, usize)]| Frame {
        position: position.clone(),
        members: members.iter().map(|(m, axes, _)| (*m, axes.clone())).collect(),
    };
    'again: loop {
        let here = frame(&members);
        for f in factors.iter().filter(|f| members.iter().any(|(m, ..)| f.touches(*m))) {
            let Some(r) = here.rewrite(f) else { return Err(stranger(f, node)) };
            // All along the scanned axis at known distances, or each at a node or its parent.
            let scanned: Vec<(&Incidence, usize)> = r
                .atoms
                .iter()
                .filter_map(|a| members.iter().find(|(m, ..)| *m == a.node).map(|(.., k)| (a, *k)))
                .collect();
            let base = scanned[0].0.ix[scanned[0].1].clone();
            if !way.holds(g, &scanned) {
                return Err(stranger(f, node));
            }
            let at: Vec<Ix> = r
                .atoms
                .iter()
                .find_map(|a| {
                    members
                        .iter()
                        .find(|(m, ..)| *m == a.node)
                        .map(|(_, axes, _)| axes.iter().map(|k| a.ix[*k].clone()).collect())
                })
                .unwrap_or_default();
            for a in &r.atoms {
                if here.holds(a.node) || here.fixes(&a.ix[..g.nodes[a.node].outer()]) {
                    continue;
                }
                let m = &g.nodes[a.node];
                if m.class != n.class || m.outer() != n.outer() {
                    return Err(a.node);
                }
                let Some(k) = (0..m.outer()).find(|k| way.joins(g, &a.ix[*k], &base)) else {
                    return Err(a.node);
                };
                let mut axes: Vec<usize> = vec![];
                for e in &at {
                    let Some(j) = (0..m.outer()).find(|j| *j != k && !axes.contains(j) && a.ix[*j] == *e)
                    else {
                        return Err(a.node);
                    };
                    axes.push(j);
                }
                members.push((a.node, axes, k));
                continue 'again;
            }
        }
        let latents = members.iter().map(|(m, ..)| *m).collect();
        let scanned = members.iter().map(|(.., k)| *k).collect();
        return Ok(Front { frame: here, latents, scanned });
    }
}

fn stranger(f: &Factor, node: usize) -> usize {
    f.atoms.iter().map(|a| a.node).find(|n| *n != node).unwrap_or(node)
}

/// Whether two positions differ wherever the factor applies.
pub fn distinct(g: &Interaction, f: &Factor, a: &[Ix], b: &[Ix]) -> bool {
    a.iter().zip(b).any(|(x, y)| {
        let apart = y.plus(-1, x).as_constant().is_some_and(|c| c != 0);
        apart || is_parent_of(g, x, y) || is_parent_of(g, y, x) || f.guards.iter().any(|c| excludes(c, x, y))
    })
}

/// Whether a guard says that two indices are not equal.
fn excludes(c: &Cond, x: &Ix, y: &Ix) -> bool {
    match c {
        Cond::Compare(Cmp::Ne | Cmp::Lt, a, b) => (a == x && b == y) || (a == y && b == x),
        Cond::And(all) => all.iter().any(|c| excludes(c, x, y)),
        Cond::Not(inner) => match inner.as_ref() {
            Cond::Compare(Cmp::Eq | Cmp::Le, a, b) => (a == x && b == y) || (a == y && b == x),
            Cond::Compare(Cmp::Ne | Cmp::Lt, ..)
            | Cond::Read(_)
            | Cond::Not(_)
            | Cond::And(_)
            | Cond::Or(_)
            | Cond::Always => false,
        },
        Cond::Compare(Cmp::Eq | Cmp::Le, ..) | Cond::Read(_) | Cond::Or(_) | Cond::Always => false,
    }
}

pub fn is_gaussian(g: &Interaction, node: usize) -> bool {
    g.nodes[node].class == Class::Gaussian
}
