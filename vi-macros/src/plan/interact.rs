//! Monomials in, interaction hypergraph out: which latents meet in one term, and through which indices.
//!
//! A factor is a monomial with everything known left out. Its indices are the monomial's own, so that two accesses are compared by what they
//! read and never by how they are named.

use super::aliases;
use super::constraint;
use super::edges::fresh;
use crate::density::lower::{Gather, is_hidden, is_unknown};
use crate::density::normal_form::{Monomial, Stat};
use crate::density::poly::{Factor as PolyFactor, Func, Poly};
use crate::density::statement::{Form, StatementDensity};
use crate::density::symbol::{Cond, Ix, IxTerm, Var};
use crate::model::ir::{ArrayId, Dist, ElemKind, IndexTerm, Model, Role, StatementId};
use crate::report::Report;
use crate::syntax::ast::Loc;

#[derive(Clone, Debug, Default)]
pub struct Interaction {
    pub nodes: Vec<Node>,
    pub factors: Vec<Factor>,
    /// Given maps whose value is smaller than their own index, with the axis of that index: parents in a tree.
    pub parents: Vec<(ArrayId, usize)>,
    /// Names of all arrays, for messages.
    pub names: Vec<String>,
    /// Gaussians whose own law a category chooses, each with the category.
    pub chosen: Vec<(usize, usize)>,
    /// Whether laws that one element of a chain is drawn from take turns with it, whatever they are.
    pub laws_apart: bool,
}

/// An array with all its elements.
#[derive(Clone, Debug)]
pub struct Node {
    pub array: ArrayId,
    pub name: String,
    pub class: Class,
    pub plates: usize,
    /// One for every `repeat` around it: independent copies that share one q.
    pub copies: usize,
    /// Components that are elements of their own: those of a Gaussian vector, not those of a simplex.
    pub events: usize,
    /// How its plates and components are called where it is declared.
    pub axes: Vec<String>,
}

impl Node {
    /// Axes that tell elements apart: plates and copies.
    pub fn outer(&self) -> usize {
        self.plates + self.copies
    }
}

/// The support of one element: what decides which rule of the closure table can apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Finite,
    /// ℝ or ℝᴰ, without bounds.
    Gaussian,
    /// Part of ℝ: bounds, a constraint or a truncated prior.
    Interval,
    Positive,
    /// Part of the positive numbers.
    PositiveInterval,
    Unit,
    UnitInterval,
    Simplex,
    Matrix,
    Ordered,
    Count,
}

#[derive(Clone, Debug)]
pub struct Factor {
    pub atoms: Vec<Incidence>,
    /// What the term is summed over; empty for a factor that elimination left behind.
    pub vars: Vec<Var>,
    /// Indices on which the coefficient depends, and whatever else in the term is held fixed.
    pub ambient: Vec<Var>,
    /// Where it applies; read before any rewriting.
    pub guards: Vec<Cond>,
    pub origin: Origin,
    /// A structural zero or a constraint: it has no expectation outside a block that holds all of it.
    pub hard: bool,
}

/// Where a factor comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// `None` for a `constrain`.
    pub statement: Option<StatementId>,
    pub loc: Loc,
    /// Lines of all statements it was made from.
    pub lines: Vec<usize>,
}

/// A statistic of one element of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Incidence {
    pub node: usize,
    /// Plates, copies, and then the components that are elements of their own.
    pub ix: Vec<Ix>,
    /// Components inside an element: those of a simplex or of a matrix.
    pub events: Vec<Ix>,
    pub stat: Statistic,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Statistic {
    Of(Stat),
    /// Restricts where the element may lie; part of the base measure.
    Support,
}

impl Factor {
    pub fn touches(&self, node: usize) -> bool {
        self.atoms.iter().any(|a| a.node == node)
    }

    pub fn of(&self, node: usize) -> impl Iterator<Item = &Incidence> {
        self.atoms.iter().filter(move |a| a.node == node)
    }
}

impl Interaction {
    pub fn node(&self, array: ArrayId) -> Option<usize> {
        self.nodes.iter().position(|n| n.array == array)
    }

    pub fn given(&self, array: ArrayId) -> &str {
        self.names.get(array.0).map_or("…", String::as_str)
    }

    /// The same factors with only some nodes left; what is dropped becomes part of the coefficient.
    pub fn restrict(&self, keep: &[usize]) -> Vec<Factor> {
        let mut out = vec![];
        for f in &self.factors {
            if !f.atoms.iter().any(|a| keep.contains(&a.node)) {
                continue;
            }
            let mut f = f.clone();
            let (atoms, dropped): (Vec<_>, Vec<_>) =
                f.atoms.into_iter().partition(|a| keep.contains(&a.node));
            f.atoms = atoms;
            for a in &dropped {
                a.ix.iter().chain(&a.events).for_each(|i| mention(i, &mut f.ambient));
            }
            out.push(f);
        }
        out
    }
}

pub fn mention(i: &Ix, into: &mut Vec<Var>) {
    i.visit_vars(&mut |v| {
        if !into.contains(v) {
            into.push(v.clone());
        }
    });
}

/// The hypergraph over the arrays for which `is_node` holds.
pub fn interaction(
    model: &Model,
    densities: &[StatementDensity],
    monomials: &[Monomial],
    is_node: &dyn Fn(ArrayId) -> bool,
    report: &mut Report,
) -> Interaction {
    let names = model.arrays.iter().map(|a| a.name.to_string()).collect();
    let mut g = Interaction {
        parents: parent_maps(model),
        names,
        laws_apart: model.laws_apart,
        ..Interaction::default()
    };
    for n in 0..model.arrays.len() {
        if is_node(ArrayId(n)) {
            g.nodes.push(node(model, ArrayId(n)));
        }
    }
    let at = |g: &Interaction, a: ArrayId| g.nodes.iter().position(|n| n.array == a);
    for d in densities {
        let Some(n) = at(&g, d.target.array).filter(|n| g.nodes[*n].class == Class::Gaussian) else {
            continue;
        };
        let own = |x: &&Gather| d.target.indices.starts_with(&x.elem.indices);
        let by = d.gathers.iter().filter(own).filter_map(|x| at(&g, x.elem.array)).map(|c| (n, c));
        let by: Vec<_> = by.filter(|pair| !g.chosen.contains(pair)).collect();
        g.chosen.extend(by);
    }
    for m in monomials {
        let hard = densities
            .iter()
            .any(|d| d.id == m.statement && matches!(d.cases[m.case].form, Form::Equal { .. }));
        let origin = Origin { statement: Some(m.statement), loc: m.loc, lines: vec![m.line] };
        let f = monomial(model, &g, m, hard, origin);
        push(&mut g, model, f);
    }
    for c in &model.constraints {
        let joined = constraint::factor(model, &g, c);
        match joined {
            Ok(f) => push(&mut g, model, f),
            Err(mistake) => report.push(mistake),
        }
    }
    restrict_supports(&mut g);
    g
}

fn push(g: &mut Interaction, model: &Model, f: Factor) {
    if f.atoms.is_empty() {
        return;
    }
    let f = spread(f);
    // `B[i, j]` of a symmetric array is `B[j, i]`: whatever meets one meets the other, unless the order they are read in is known.
    let mut all = vec![f];
    for (n, node) in g.nodes.iter().enumerate() {
        for (i, j) in aliases::symmetric_axes(&model.arrays[node.array.0]) {
            let mut twins = vec![];
            for f in &mut all {
                let open = aliases::in_kept_order(model, g, f, n, (i, j));
                if !open.is_empty() {
                    let mut twin = f.clone();
                    open.iter().for_each(|a| twin.atoms[*a].ix.swap(i, j));
                    aliases::merge(node, &mut twin, n);
                    twins.push(twin);
                }
            }
            all.extend(twins);
        }
    }
    for f in &mut all {
        aliases::note_distinct(model, g, f);
    }
    g.factors.extend(all);
}

/// An index that is bound inside a function or a sum of the factor runs over all its values at once: it joins every element it reads.
fn spread(mut f: Factor) -> Factor {
    let mut inner: Vec<Var> = vec![];
    f.atoms.iter().for_each(|a| a.ix.iter().for_each(|i| mention(i, &mut inner)));
    inner.retain(|v| !f.vars.contains(v));
    let mut twins = vec![];
    for a in &f.atoms {
        let mut twin = a.clone();
        for v in &inner {
            let other = Ix::var(&v.twin());
            twin.ix.iter_mut().for_each(|i| *i = i.substitute(v, &other));
        }
        if twin.ix != a.ix {
            twins.push(twin);
        }
    }
    f.atoms.extend(twins);
    f
}

fn monomial(model: &Model, g: &Interaction, m: &Monomial, hard: bool, origin: Origin) -> Factor {
    let mut f = Factor {
        atoms: vec![],
        vars: m.vars.clone(),
        ambient: vec![],
        guards: m.guards.clone(),
        origin,
        hard,
    };
    let copies: Vec<Var> = m.copies.iter().map(|_| fresh("copy")).collect();
    f.vars.extend(copies.iter().cloned());
    let copies: Vec<Ix> = copies.iter().map(Ix::var).collect();
    for a in &m.atoms {
        match g.node(a.array) {
            Some(n) => f.atoms.push(incidence(
                g,
                n,
                &a.plates,
                &copies,
                &a.events,
                statistic(model, a.array, &a.stat),
            )),
            None => a.plates.iter().chain(&a.events).for_each(|i| mention(i, &mut f.ambient)),
        }
    }
    for t in &m.coefficient.0 {
        for v in t.free_vars() {
            if !f.ambient.contains(&v) {
                f.ambient.push(v);
            }
        }
    }
    for c in &m.guards {
        c.visit_vars(&mut |v| {
            if !f.ambient.contains(v) {
                f.ambient.push(v.clone());
            }
        });
    }
    f
}

pub fn incidence(
    g: &Interaction,
    n: usize,
    plates: &[Ix],
    copies: &[Ix],
    events: &[Ix],
    stat: Statistic,
) -> Incidence {
    let node = &g.nodes[n];
    let mut ix = plates.to_vec();
    // A term inside a `repeat` stands for each copy; a term outside one that still reads the latent would read all of them.
    for c in 0..node.copies {
        ix.push(copies.get(c).cloned().unwrap_or_else(|| Ix::var(&fresh("copy"))));
    }
    let mut inner = events.to_vec();
    if node.events > 0 {
        ix.append(&mut inner);
        // A component that is not spelled out is any component.
        while ix.len() < node.outer() + node.events {
            ix.push(Ix::var(&fresh("d")));
        }
    }
    Incidence { node: n, ix, events: inner, stat }
}

/// A density that is constant on an interval restricts the support and is no statistic.
fn statistic(model: &Model, array: ArrayId, stat: &Stat) -> Statistic {
    if let Stat::Opaque(p) = stat
        && is_indicator_of_interval(model, array, p)
    {
        return Statistic::Support;
    }
    Statistic::Of(stat.clone())
}

fn is_indicator_of_interval(model: &Model, array: ArrayId, p: &Poly) -> bool {
    let [t] = p.0.as_slice() else { return false };
    let [(PolyFactor::Apply(Func::LogInside, args), _)] = t.factors.as_slice() else { return false };
    let whole = crate::density::normal_form::as_elem(&args[0]).is_some_and(|e| e.array == array);
    let mut bounds_known = true;
    for bound in &args[1..] {
        bound.visit_elems(&mut |e| bounds_known &= !is_unknown(model, e.array));
    }
    whole && bounds_known
}

fn node(model: &Model, array: ArrayId) -> Node {
    let a = &model.arrays[array.0];
    let class = class(model, array);
    let copies = a.pieces.first().map_or(0, |p| model.statements[p.0].repeat.len());
    let events = match class {
        Class::Gaussian | Class::Interval => a.elem.kind.axes().len(),
        Class::Finite
        | Class::Positive
        | Class::PositiveInterval
        | Class::Unit
        | Class::UnitInterval
        | Class::Simplex
        | Class::Matrix
        | Class::Ordered
        | Class::Count => 0,
    };
    Node {
        array,
        name: a.name.to_string(),
        class,
        plates: a.plates.len(),
        copies,
        events,
        axes: axes(model, array),
    }
}

/// The names of the plate indices where the array is declared: the piece with the most bound ones names them.
pub fn axes(model: &Model, array: ArrayId) -> Vec<String> {
    let a = &model.arrays[array.0];
    let mut names = vec![String::new(); a.plates.len()];
    for p in &a.pieces {
        for (n, i) in model.statements[p.0].target.iter().enumerate() {
            if let [(1, IndexTerm::Bound(b))] = i.terms.as_slice()
                && names[n].is_empty()
            {
                names[n] = model.indices[b.0].name.to_string();
            }
        }
    }
    for (n, name) in names.iter_mut().enumerate() {
        if name.is_empty() {
            *name = format!("{n}");
        }
    }
    names
}

fn class(model: &Model, array: ArrayId) -> Class {
    let a = &model.arrays[array.0];
    let mut bounded = a.elem.min.is_some() || a.elem.max.is_some();
    for p in &a.pieces {
        let calls: Vec<_> = match &model.statements[p.0].dist {
            Some(Dist::Family(call)) => vec![call],
            Some(Dist::Match { arms, .. }) => arms.iter().map(|arm| &arm.call).collect(),
            None => vec![],
        };
        bounded |= calls.iter().any(|c| c.min.is_some() || c.max.is_some());
    }
    match (&a.elem.kind, bounded) {
        (ElemKind::Bool | ElemKind::Category(_), _) => Class::Finite,
        (ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..), false) => Class::Gaussian,
        (ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..), true) => Class::Interval,
        (ElemKind::Positive, false) => Class::Positive,
        (ElemKind::Positive, true) => Class::PositiveInterval,
        (ElemKind::Unit, false) => Class::Unit,
        (ElemKind::Unit, true) => Class::UnitInterval,
        (ElemKind::Simplex(_), _) => Class::Simplex,
        (ElemKind::SymPos(_), _) => Class::Matrix,
        (ElemKind::Ordered(_), _) => Class::Ordered,
        (ElemKind::Count | ElemKind::Counts(_), _) => Class::Count,
    }
}

/// A node that a constraint or an interval density touches does not range over its whole space.
fn restrict_supports(g: &mut Interaction) {
    let mut restricted = vec![];
    for f in &g.factors {
        for a in &f.atoms {
            if a.stat == Statistic::Support {
                restricted.push(a.node);
            }
        }
    }
    for n in restricted {
        let class = &mut g.nodes[n].class;
        *class = match *class {
            Class::Gaussian | Class::Interval => Class::Interval,
            Class::Positive | Class::PositiveInterval => Class::PositiveInterval,
            Class::Unit | Class::UnitInterval => Class::UnitInterval,
            same @ (Class::Finite | Class::Simplex | Class::Matrix | Class::Ordered | Class::Count) => same,
        };
    }
}

/// Given maps declared `parent[n]: Category[n]`: the value is smaller than the index.
fn parent_maps(model: &Model) -> Vec<(ArrayId, usize)> {
    let mut out = vec![];
    for (n, a) in model.arrays.iter().enumerate() {
        let known = !is_hidden(model, ArrayId(n)) && matches!(a.role, Role::Given | Role::Const);
        if let (true, ElemKind::Category(extent)) = (known, &a.elem.kind)
            && let [(1, IndexTerm::Axis(axis))] = extent.length.terms.as_slice()
            && extent.length.offset <= 0
        {
            out.push((ArrayId(n), *axis));
        }
    }
    out
}

/// Whether an index expression is a parent map read at `at`.
pub fn is_parent_of(g: &Interaction, e: &Ix, at: &Ix) -> bool {
    if let ([(1, IxTerm::Read(r))], 0) = (e.terms.as_slice(), e.offset) {
        return g.parents.iter().any(|(a, axis)| *a == r.array && r.indices.get(*axis) == Some(at));
    }
    false
}

/// Arrays whose posterior is wanted: latents, and arrays with missing entries that something else reads.
pub fn latents(model: &Model) -> Vec<ArrayId> {
    (0..model.arrays.len()).map(ArrayId).filter(|a| is_hidden(model, *a)).collect()
}
