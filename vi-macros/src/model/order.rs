//! The order of dependence, and proof that there is one.
//!
//! Statements depend on the pieces they read. Around a cycle of them, all reads must step the same way along some axis, or stay;
//! the steps then belong to earlier elements, and what stays must have an order of its own.

use super::Checker;
use super::coverage::{Covered, Holder, coverage_of, each_rest, place};
use super::ir::{Access, Expr, ExprKind, Index, IndexTerm, LetId, Model, Nominal, Role, StatementId};
use super::visit::each_access;
use super::world::{Bindings, Data, World};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast::Loc;
use std::collections::{BTreeMap, BTreeSet};

/// One statement reads a piece of another, or of its own array.
#[derive(Clone, Debug)]
struct Edge {
    reader: usize,
    read: usize,
    loc: Loc,
    access: *const Index,
    text: String,
    /// Along each plate axis of what is read, where the reader is indexed by the same size: the signs of (read − own position).
    steps: Vec<BTreeMap<usize, Signs>>,
    /// The map through which it reads, and whether that is given.
    through: Option<(String, bool)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Signs {
    earlier: bool,
    same: bool,
    later: bool,
}

impl Signs {
    fn add(&mut self, step: i64) {
        match step.signum() {
            -1 => self.earlier = true,
            0 => self.same = true,
            _ => self.later = true,
        }
    }
}

impl<'a> Checker<'a> {
    pub(super) fn order(&mut self) {
        let all: Vec<usize> = (0..self.model.statements.len()).collect();
        let edges = edges(&self.model);
        let mut kept = Vec::new();
        let mut mistakes = Vec::new();
        settle(&self.model, &all, edges, &mut kept, &mut mistakes);
        for mistake in mistakes {
            self.error(mistake);
        }
        self.model.order = sorted(&all, &kept).into_iter().map(StatementId).collect();
    }
}

/// The shortest way from a node to another, both ends included.
pub fn path(next: &[Vec<usize>], from: usize, to: usize) -> Option<Vec<usize>> {
    let mut came: BTreeMap<usize, usize> = BTreeMap::new();
    let mut front = vec![from];
    while !front.is_empty() {
        let mut further = Vec::new();
        for node in front {
            for n in &next[node] {
                if *n == to {
                    let mut path = vec![to, node];
                    let mut at = node;
                    while at != from {
                        at = came[&at];
                        path.push(at);
                    }
                    path.reverse();
                    return Some(path);
                }
                if *n != from && !came.contains_key(n) {
                    came.insert(*n, node);
                    further.push(*n);
                }
            }
        }
        front = further;
    }
    None
}

/// Edges of the given kinds of a cycle are dropped as earlier elements; the rest is kept for sorting.
fn settle(
    model: &Model,
    nodes: &[usize],
    edges: Vec<Edge>,
    kept: &mut Vec<(usize, usize)>,
    mistakes: &mut Vec<crate::report::Diagnostic>,
) {
    let components = components(nodes, &edges);
    let mut inside: BTreeMap<usize, Vec<Edge>> = BTreeMap::new();
    for edge in edges {
        if components[&edge.reader] == components[&edge.read] {
            inside.entry(components[&edge.reader]).or_default().push(edge);
        } else {
            kept.push((edge.reader, edge.read));
        }
    }
    for edges in inside.into_values() {
        let members: BTreeSet<usize> = edges.iter().flat_map(|e| [e.reader, e.read]).collect();
        let members: Vec<usize> = members.into_iter().collect();
        match direction(model, &members, &edges) {
            Some(rest) => settle(model, &members, rest, kept, mistakes),
            None => mistakes.push(no_order(model, &members, &edges)),
        }
    }
}

/// The strongly connected component of each node, named by its smallest member.
fn components(nodes: &[usize], edges: &[Edge]) -> BTreeMap<usize, usize> {
    let reach = |from: usize| {
        let mut seen = BTreeSet::from([from]);
        let mut stack = vec![from];
        while let Some(node) = stack.pop() {
            for edge in edges.iter().filter(|e| e.reader == node) {
                if seen.insert(edge.read) {
                    stack.push(edge.read);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<usize, BTreeSet<usize>> = nodes.iter().map(|n| (*n, reach(*n))).collect();
    let together =
        |n: usize| nodes.iter().copied().find(|m| reached[&n].contains(m) && reached[m].contains(&n));
    nodes.iter().map(|n| (*n, together(*n).unwrap_or(*n))).collect()
}

/// An axis along which every edge of the cycle stays or steps one way, and the edges that may stay.
fn direction(model: &Model, members: &[usize], edges: &[Edge]) -> Option<Vec<Edge>> {
    for axes in candidates(model, members) {
        let signs = |e: &Edge| e.steps.get(axes[&e.read])?.get(&axes[&e.reader]).copied();
        let all: Option<Vec<Signs>> = edges.iter().map(signs).collect();
        let Some(all) = all else { continue };
        let one_way = !all.iter().any(|s| s.earlier) || !all.iter().any(|s| s.later);
        if one_way && all.iter().any(|s| !s.same) {
            return Some(edges.iter().zip(&all).filter(|(_, s)| s.same).map(|(e, _)| e.clone()).collect());
        }
    }
    None
}

/// Ways to choose one axis of each member, all of the same size: the k-th axis of that size.
fn candidates(model: &Model, members: &[usize]) -> Vec<BTreeMap<usize, usize>> {
    let plates = |s: usize| &model.arrays[model.statements[s].array.0].plates;
    let mut found = Vec::new();
    let Some(first) = members.first() else { return found };
    let mut tried: Vec<(Nominal, usize)> = Vec::new();
    for extent in plates(*first) {
        let nth = tried.iter().filter(|(n, _)| *n == extent.nominal).count();
        tried.push((extent.nominal, nth));
        let axis_of = |s: usize| {
            let same = plates(s).iter().enumerate().filter(|(_, e)| e.nominal == extent.nominal);
            same.map(|(axis, _)| axis).nth(nth)
        };
        let axes: Option<BTreeMap<usize, usize>> = members.iter().map(|s| Some((*s, axis_of(*s)?))).collect();
        found.extend(axes);
    }
    found
}

fn no_order(model: &Model, members: &[usize], edges: &[Edge]) -> crate::report::Diagnostic {
    let name = |s: usize| model.arrays[model.statements[s].array.0].name.to_string();
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); model.statements.len()];
    for edge in edges {
        next[edge.reader].push(edge.read);
    }
    let mut shortest: Option<Vec<usize>> = None;
    for start in members {
        if let Some(path) = path(&next, *start, *start)
            && shortest.as_ref().is_none_or(|s| path.len() < s.len())
        {
            shortest = Some(path);
        }
    }
    let path = shortest.unwrap_or_else(|| vec![members[0], members[0]]);
    let mut names: Vec<String> = path.iter().map(|s| name(*s)).collect();
    names.dedup();
    if names.len() == 1 {
        names.push(names[0].clone());
    }
    let on_path: Vec<&Edge> =
        edges.iter().filter(|e| path.windows(2).any(|w| w[0] == e.reader && w[1] == e.read)).collect();
    let first = on_path.first().copied().unwrap_or(&edges[0]);
    if let Some(edge) = on_path.iter().find(|e| e.through.is_some())
        && let Some((map, given)) = &edge.through
    {
        let statement = &model.statements[edge.reader];
        let index = statement.binds.last().map_or("n".to_owned(), |id| model.indices[id.0].name.to_string());
        return diagnostic::recursion_through_map(edge.loc, &edge.text, map, &index, *given);
    }
    let steps = |later: bool| {
        let stepping = edges.iter().filter(move |e| {
            e.steps.iter().flat_map(|s| s.values()).any(|s| if later { s.later } else { s.earlier })
        });
        stepping.map(|e| e.text.clone()).collect::<BTreeSet<String>>()
    };
    let (earlier, later) = (steps(false), steps(true));
    if !earlier.is_empty() && !later.is_empty() {
        let reads: Vec<String> = earlier.union(&later).cloned().collect();
        names.dedup();
        return diagnostic::both_ways(first.loc, &names[..1], &reads);
    }
    let lines: BTreeSet<usize> = on_path.iter().map(|e| model.statements[e.reader].line).collect();
    let lines: Vec<usize> = lines.into_iter().collect();
    diagnostic::cycle(first.loc, &names, &lines)
}

/// Kahn's algorithm; among statements that are ready the first in the source comes first.
fn sorted(nodes: &[usize], kept: &[(usize, usize)]) -> Vec<usize> {
    let mut left: Vec<usize> = nodes.to_vec();
    let mut order = Vec::new();
    while !left.is_empty() {
        let waits =
            |s: &usize| kept.iter().any(|(reader, read)| reader == s && read != s && left.contains(read));
        // After a reported cycle nothing may be ready: the source order is as good as any.
        let next = left.iter().position(|s| !waits(s)).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}

/// All dependences between statements, found by counting through small worlds.
fn edges(model: &Model) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for mut world in World::generic(model) {
        world.possible = true;
        let mut covered: BTreeMap<Holder, Covered> = BTreeMap::new();
        for id in 0..model.arrays.len() {
            let holder = Holder::Array(super::ir::ArrayId(id));
            covered.insert(holder, coverage_of(&world, holder));
        }
        for id in 0..model.lets.len() {
            let holder = Holder::Let(LetId(id));
            covered.insert(holder, coverage_of(&world, holder));
        }
        for s in 0..model.statements.len() {
            Reader { world: &world, covered: &covered, statement: s, edges: &mut edges }.read();
        }
    }
    edges
}

struct Reader<'w, 'm> {
    world: &'w World<'m>,
    covered: &'w BTreeMap<Holder, Covered>,
    statement: usize,
    edges: &'w mut Vec<Edge>,
}

impl<'m> Reader<'_, 'm> {
    fn read(&mut self) {
        let model = self.world.model;
        let s = &model.statements[self.statement];
        let counts: Vec<Expr> = s
            .repeat
            .iter()
            .map(|a| Expr { loc: a.loc, ty: super::ir::Type::Count, kind: ExprKind::Read(a.clone()) })
            .collect();
        let exprs: Vec<&Expr> =
            s.guards.iter().chain(s.dist.iter().flat_map(|d| d.exprs())).chain(&counts).collect();
        let world = self.world;
        world.each_point(&s.binds, &Bindings::new(), &mut |at| {
            if world.holds(&s.guards, at, &Data::Unknown) == Some(false) {
                return;
            }
            let Some(own) = world.indices(&s.target, at, &Data::Unknown) else { return };
            for e in &exprs {
                self.in_expr(e, at, &own);
            }
        });
    }

    fn in_expr(&mut self, e: &Expr, at: &Bindings, own: &[i64]) {
        let world = self.world;
        each_access(world, e, at, &mut |holder, loc, indices, at| {
            for data in [Data::First, Data::Last] {
                self.in_access(holder, loc, indices, at, own, &data);
            }
        });
    }

    fn in_access(
        &mut self,
        holder: Holder,
        loc: Loc,
        indices: &[Index],
        at: &Bindings,
        own: &[i64],
        data: &Data,
    ) {
        let (world, model) = (self.world, self.world.model);
        let plates = holder.plates(model);
        // An index that no category bounds may be anywhere.
        let known: Vec<Option<i64>> =
            indices.iter().take(plates.len()).map(|i| world.index(i, at, data)).collect();
        let mut elements = Vec::new();
        match known.iter().copied().collect::<Option<Vec<i64>>>() {
            Some(positions) => each_rest(world, plates, &positions, &mut |e| elements.push(e.to_vec())),
            None => {
                let all = self.covered.get(&holder).into_iter().flat_map(|c| c.keys());
                let fits = |e: &&Vec<i64>| known.iter().zip(e.iter()).all(|(k, p)| k.is_none_or(|k| k == *p));
                elements.extend(all.filter(fits).cloned());
            }
        }
        for element in elements {
            let element = place(model, holder, element);
            let claims = self.covered.get(&holder).and_then(|c| c.get(&element)).cloned().unwrap_or_default();
            for (piece, point, _) in claims {
                match holder {
                    Holder::Array(id) => {
                        let read = model.arrays[id.0].pieces[piece].0;
                        self.add(read, loc, indices, holder, &element, own);
                    }
                    Holder::Let(id) => {
                        let value = &model.lets[id.0].pieces[piece].value;
                        self.in_expr(value, &point, own);
                    }
                }
            }
        }
    }

    fn add(
        &mut self,
        read: usize,
        loc: Loc,
        indices: &[Index],
        holder: Holder,
        element: &[i64],
        own: &[i64],
    ) {
        let model = self.world.model;
        let reader = self.statement;
        // The model does not move while it is read, so the address tells accesses apart.
        let access = indices.as_ptr();
        let known = |e: &Edge| e.reader == reader && e.read == read && e.access == access;
        let found = self.edges.iter().position(known);
        let n = found.unwrap_or_else(|| {
            let through = indices.iter().find_map(|i| {
                i.terms.iter().find_map(|(_, t)| match t {
                    IndexTerm::Read(map) => Some(map_name(model, map)),
                    IndexTerm::Bound(_) | IndexTerm::Size(..) | IndexTerm::Axis(_) => None,
                })
            });
            let steps = vec![BTreeMap::new(); element.len()];
            let text = format!("{}{}", holder.name(model), model.show_indices(indices));
            self.edges.push(Edge { reader, read, loc, access, text, steps, through });
            self.edges.len() - 1
        });
        for (axis, position) in element.iter().enumerate() {
            for (own_axis, own) in own.iter().enumerate() {
                self.edges[n].steps[axis].entry(own_axis).or_default().add(position - own);
            }
        }
    }
}

fn map_name(model: &Model, map: &Access) -> (String, bool) {
    let array = &model.arrays[map.array.0];
    (array.name.to_string(), matches!(array.role, Role::Given | Role::Const))
}
