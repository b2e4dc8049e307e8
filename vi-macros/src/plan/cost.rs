//! What one update of a block costs, as a polynomial in the sizes: `N·K·D²`, `ΣT·K²`, `T·H³`.

use super::Rule;
use super::blocks::Proved;
use super::closure::Elimination;
use super::edges::{Coupling, is_gaussian};
use super::interact::{Class, Factor, Interaction, Node, Statistic, is_parent_of, mention};
use super::passes::{Element, Pass, passes};
use crate::density::lower::is_hidden;
use crate::density::normal_form::{Monomial, Stat};
use crate::density::poly::Exponent;
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Ix, Var};
use crate::model::ir::{ArrayId, ElemKind, Extent, Model, Nominal, SizeId, StatementId};

/// A product of sizes, each with its power, in the order in which they were met.
type Product = Vec<(Nominal, usize)>;

pub fn cost(
    model: &Model,
    g: &Interaction,
    block: &Proved,
    densities: &[StatementDensity],
    monomials: &[Monomial],
) -> String {
    let factors = g.restrict(&block.nodes);
    // Statements of what is eliminated in the states of a unit: the unit remembers all categories they read.
    let inner =
        |a: ArrayId| block.nodes.iter().any(|n| g.nodes[*n].array == a && g.nodes[*n].class != Class::Finite);
    let deep: Vec<StatementId> =
        monomials.iter().filter(|m| m.atoms.iter().any(|a| inner(a.array))).map(|m| m.statement).collect();
    let filled: Vec<ArrayId> =
        block.steps.iter().filter_map(|s| filled(model, g, s, densities, monomials)).collect();
    let mut terms: Vec<Product> = block
        .steps
        .iter()
        .flat_map(|s| engine(model, g, s, (&factors, densities), (&deep, &filled)))
        .collect();
    let arrays: Vec<_> = block.nodes.iter().map(|n| g.nodes[*n].array).collect();
    for m in monomials.iter().filter(|m| m.atoms.iter().any(|a| arrays.contains(&a.array))) {
        let d = densities.iter().find(|d| d.id == m.statement);
        terms.extend(contraction(model, g, block, m, d));
    }
    let terms = leading(model, terms);
    if filled.is_empty() { terms } else { format!("at most {terms}, by fill") }
}

/// A Gaussian that is eliminated with others by fill: which of its elements meet is in the data, as no row sums over an axis of it.
fn filled(
    model: &Model,
    g: &Interaction,
    s: &Elimination,
    densities: &[StatementDensity],
    monomials: &[Monomial],
) -> Option<ArrayId> {
    let Rule::Gaussian { stack: true, .. } = &s.rule.rule else { return None };
    let array = g.nodes[s.nodes[0]].array;
    if s.rule.whitened_by.is_some() || model.arrays[array.0].plates.is_empty() {
        return None;
    }
    let summed = |m: &Monomial| {
        let d = densities.iter().find(|d| d.id == m.statement);
        let bound = |v: &Var| d.is_some_and(|d| d.vars.contains(v) || d.gathers.iter().any(|g| g.var == *v));
        let own = m.atoms.iter().filter(|a| a.array == array);
        own.flat_map(|a| &a.plates).filter_map(Ix::as_var).any(|v| !bound(v))
    };
    (!monomials.iter().any(summed)).then_some(array)
}

/// Summing one monomial over its indices, component indices first and cheapest first.
fn contraction(
    model: &Model,
    g: &Interaction,
    block: &Proved,
    m: &Monomial,
    d: Option<&StatementDensity>,
) -> Vec<Product> {
    let gaussian = |a: ArrayId| block.nodes.iter().any(|n| is_gaussian(g, *n) && g.nodes[*n].array == a);
    // What is computed: one entry for each of these.
    let mut output: Vec<Var> = vec![];
    // What is read: the indices of each thing in the term. Joint moments of one latent are one thing.
    let mut tensors: Vec<Vec<Var>> = vec![];
    let mut moments: Vec<(ArrayId, Vec<Var>)> = vec![];
    let mut degree = 0;
    for a in &m.atoms {
        let mut vars = vec![];
        a.plates.iter().chain(&a.events).for_each(|i| mention(i, &mut vars));
        if gaussian(a.array) {
            degree += if a.stat == Stat::Power(Exponent::int(2)) { 2 } else { 1 };
            output.extend(vars);
        } else if !is_hidden(model, a.array) {
            tensors.push(vars);
        } else {
            match moments.iter_mut().find(|(b, _)| *b == a.array) {
                Some((_, known)) => known.extend(vars),
                None => moments.push((a.array, vars)),
            }
        }
    }
    tensors.extend(moments.into_iter().map(|(_, vars)| vars));
    for (f, _) in m.coefficient.0.iter().flat_map(|t| &t.factors) {
        let mut vars = vec![];
        f.visit_vars(&mut |v| vars.push(v.clone()));
        tensors.push(vars);
    }
    let values: Vec<Var> = d.map_or(vec![], |d| d.gathers.iter().map(|g| g.var.clone()).collect());
    let plates: Vec<Var> = d.map_or(vec![], |d| d.vars.clone());
    let rank = |v: &Var| match (plates.contains(v), values.contains(v)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    let fixed = |v: &Var| tensors.iter().any(|t| t.contains(v));
    // A square whose coefficient does not vary over copies of the block is summed once for all of them.
    if degree == 2 {
        output.retain(|v| rank(v) > 0 || fixed(v));
    }
    for v in m.vars.iter().filter(|v| rank(v) < 2) {
        if !output.contains(v) && (degree != 2 || fixed(v)) && (degree == 0 || fixed(v)) {
            output.push(v.clone());
        }
    }
    let mut inner: Vec<Var> =
        m.vars.iter().filter(|v| rank(v) == 2 && !output.contains(v)).cloned().collect();
    let mut out = vec![];
    let mut product = |vars: &[Var]| {
        let mut vars: Vec<&Var> = m.vars.iter().filter(|v| vars.contains(v)).collect();
        vars.sort_by_key(|v| rank(v));
        let mut p = vec![];
        vars.iter().for_each(|v| times(&mut p, v.nominal, 1));
        out.push(p);
    };
    while !inner.is_empty() {
        let union = |v: &Var| {
            let mut all: Vec<Var> = vec![];
            for u in tensors.iter().filter(|t| t.contains(v)).flatten() {
                if !all.contains(u) {
                    all.push(u.clone());
                }
            }
            all
        };
        inner.sort_by_key(|v| {
            let all = union(v);
            (all.iter().filter(|u| rank(u) == 0).count(), all.len())
        });
        let v = inner.remove(0);
        let mut all = union(&v);
        product(&all);
        all.retain(|u| *u != v);
        tensors.retain(|t| !t.contains(&v));
        tensors.push(all);
    }
    let mut last = output.clone();
    for v in tensors.iter().flatten() {
        if !last.contains(v) {
            last.push(v.clone());
        }
    }
    product(&last);
    out
}

/// Tables, scans and factorisations.
fn engine(
    model: &Model,
    g: &Interaction,
    s: &Elimination,
    (factors, densities): (&[Factor], &[StatementDensity]),
    (deep, filled): (&[StatementId], &[ArrayId]),
) -> Vec<Product> {
    let mut out = vec![];
    let gates = s.scope.iter().map(|(n, _)| *n).filter(|n| g.nodes[*n].class == Class::Finite);
    let node = &g.nodes[s.nodes[0]];
    let array = &model.arrays[node.array.0];
    match &s.rule.rule {
        Rule::Family { .. } => return vec![],
        Rule::Scan { .. } | Rule::Tree { .. } => {
            array.plates.iter().for_each(|e| times(&mut out, e.nominal, 1));
            gates.for_each(|n| states(model, g, n, 1, &mut out));
            let part = |pass: Pass| {
                let mut part = out.clone();
                pass.elements().for_each(|(a, _)| states(model, g, s.nodes[*a], 1, &mut part));
                part
            };
            return steps(g, s, densities, deep).into_iter().map(part).collect();
        }
        Rule::Sum => {
            array.plates.iter().for_each(|e| times(&mut out, e.nominal, 1));
            s.nodes.iter().for_each(|n| states(model, g, *n, 1, &mut out));
            gates.for_each(|n| states(model, g, n, 1, &mut out));
        }
        Rule::GaussianScan { .. } => {
            array.plates.iter().for_each(|e| times(&mut out, e.nominal, 1));
            gates.for_each(|n| states(model, g, n, 1, &mut out));
            s.nodes.iter().for_each(|n| components(model, g, *n, &mut out));
        }
        Rule::Gaussian { stack, .. } => {
            let touching: Vec<&Factor> = factors.iter().filter(|f| f.touches(s.nodes[0])).collect();
            let structure = super::edges::structure(g, s.nodes[0], &touching);
            if let (Coupling::Chain { .. }, true) = (&structure.coupling, stack) {
                return beside_chain(model, g, s, &touching);
            }
            let hoisted = !squares_vary(model, node, s.nodes[0], &touching);
            for (k, e) in array.plates.iter().enumerate() {
                match (structure.unit[k], stack) {
                    // All may come to meet, be it through what was eliminated before.
                    (true, _) if filled.contains(&node.array) => times(&mut out, e.nominal, 3),
                    (true, _) if hoisted => {}
                    (true, _) => times(&mut out, e.nominal, 1),
                    (false, _) => times(&mut out, e.nominal, 3),
                }
            }
            gates.for_each(|n| states(model, g, n, 1, &mut out));
            // Components that never meet are solved one by one.
            for (k, e) in array.elem.kind.axes().into_iter().enumerate() {
                let apart = structure.unit.get(node.outer() + k).copied().unwrap_or(false);
                times(&mut out, e.nominal, if apart { 1 } else { 3 });
            }
        }
    }
    vec![out]
}

/// A chain beside Gaussians that outlive it: each step is a front of its own, which they are in as well.
fn beside_chain(model: &Model, g: &Interaction, s: &Elimination, touching: &[&Factor]) -> Vec<Product> {
    let array = &model.arrays[g.nodes[s.nodes[0]].array.0];
    let mut steps = vec![];
    array.plates.iter().for_each(|e| times(&mut steps, e.nominal, 1));
    let mut own = steps.clone();
    s.nodes.iter().for_each(|n| components(model, g, *n, &mut own));
    let mut out = vec![own];
    for n in touching.iter().flat_map(|f| &f.atoms).map(|a| a.node) {
        if s.nodes.contains(&n) || !is_gaussian(g, n) {
            continue;
        }
        let other = &model.arrays[g.nodes[n].array.0];
        let mut beside = steps.clone();
        for e in other.plates.iter().chain(other.elem.kind.axes()) {
            if array.plates.iter().all(|x| x.nominal != e.nominal) {
                times(&mut beside, e.nominal, 3);
            }
        }
        out.push(beside);
    }
    out
}

/// The parts of a step of a scan, or from a parent to a child: what its statements read of two units.
fn steps(
    g: &Interaction,
    s: &Elimination,
    densities: &[StatementDensity],
    deep: &[StatementId],
) -> Vec<Pass> {
    let place = |a: ArrayId| s.nodes.iter().position(|n| g.nodes[*n].array == a);
    let reads: Vec<Vec<Element>> = densities
        .iter()
        .map(|d| {
            let own: Vec<(usize, &Ix)> = d
                .gathers
                .iter()
                .filter_map(|g| Some((place(g.elem.array)?, g.elem.indices.last()?)))
                .collect();
            let base = own.first().map(|x| x.1);
            // Of a node and its parent, the node is ahead.
            let parent = |i: &&Ix| own.iter().any(|(_, c)| is_parent_of(g, i, c));
            let ahead = |i: &Ix| match s.rule.rule {
                Rule::Tree { .. } => -i64::from(parent(&i)),
                Rule::Sum
                | Rule::Scan { .. }
                | Rule::Family { .. }
                | Rule::Gaussian { .. }
                | Rule::GaussianScan { .. } => base.and_then(|b| i.plus(-1, b).as_constant()).unwrap_or(0),
            };
            let latest = own.iter().map(|(_, i)| ahead(i)).max().unwrap_or(0);
            own.iter().map(|(a, i)| (*a, (latest - ahead(i)).unsigned_abs() as usize)).collect()
        })
        .collect();
    let axis = matches!(s.rule.rule, Rule::Scan { .. });
    let remembered = reads.iter().zip(densities).flat_map(|(read, d)| {
        let more = usize::from(axis && deep.contains(&d.id));
        read.iter().map(move |(a, back)| (*a, if *back > 0 { back + more } else { 0 }))
    });
    let remembered: Vec<Element> = remembered.collect();
    let depth = |a: usize| remembered.iter().filter(|e| e.0 == a).map(|e| e.1).max().unwrap_or(1).max(1);
    let depths: Vec<usize> = (0..s.nodes.len()).map(depth).collect();
    let joined: Vec<Vec<Element>> =
        reads.into_iter().filter(|r| r.iter().any(|e| e.1 >= depths[e.0])).collect();
    passes(&depths, &joined)
}

/// Whether the quadratic part differs from one copy to the next.
fn squares_vary(model: &Model, node: &Node, n: usize, touching: &[&Factor]) -> bool {
    touching.iter().any(|f| {
        let degree: usize =
            f.of(n).map(|a| if a.stat == Statistic::Of(Stat::Power(Exponent::int(2))) { 2 } else { 1 }).sum();
        let holes = f.origin.statement.is_some_and(|s| model.arrays[model.statements[s.0].array.0].missing);
        let meets = |v: &Var| f.of(n).any(|a| a.ix[..node.plates].iter().any(|i| i.mentions(v)));
        let gated = f.atoms.iter().any(|a| a.node != n);
        degree == 2 && (holes || (!gated && f.ambient.iter().any(meets)))
    })
}

fn states(model: &Model, g: &Interaction, n: usize, power: usize, out: &mut Product) {
    let nominal = match &model.arrays[g.nodes[n].array.0].elem.kind {
        ElemKind::Category(extent) => extent.nominal,
        ElemKind::Bool
        | ElemKind::Real
        | ElemKind::Positive
        | ElemKind::Unit
        | ElemKind::Count
        | ElemKind::Counts(_)
        | ElemKind::Simplex(_)
        | ElemKind::Ordered(_)
        | ElemKind::Vector(_)
        | ElemKind::Matrix(..)
        | ElemKind::SymPos(_) => Nominal::Literal(2),
    };
    times(out, nominal, power);
}

fn components(model: &Model, g: &Interaction, n: usize, out: &mut Product) {
    let axes: Vec<&Extent> = model.arrays[g.nodes[n].array.0].elem.kind.axes();
    axes.iter().for_each(|e| times(out, e.nominal, 3));
}

fn times(p: &mut Product, n: Nominal, power: usize) {
    match p.iter_mut().find(|(m, _)| *m == n) {
        Some((_, k)) => *k += power,
        None => p.push((n, power)),
    }
}

/// The terms that no other term dominates, largest first as they were met.
fn leading(model: &Model, terms: Vec<Product>) -> String {
    let mut kept: Vec<Product> = vec![];
    let constant = |n: &Nominal| matches!(n, Nominal::Literal(_));
    let mut all: Vec<Product> = vec![];
    for mut t in terms {
        t.retain(|(n, _)| !constant(n));
        if !all.iter().any(|u| same(u, &t)) {
            all.push(t);
        }
    }
    for (i, t) in all.iter().enumerate() {
        if !all.iter().enumerate().any(|(j, u)| i != j && divides(t, u)) {
            kept.push(t.clone());
        }
    }
    let text: Vec<String> = kept.iter().map(|t| product(model, t)).filter(|t| !t.is_empty()).collect();
    if text.is_empty() { "1".into() } else { text.join(" + ") }
}

fn divides(a: &Product, b: &Product) -> bool {
    a.iter().all(|(n, k)| b.iter().any(|(m, l)| n == m && k <= l))
}

fn same(a: &Product, b: &Product) -> bool {
    divides(a, b) && divides(b, a)
}

fn product(model: &Model, p: &Product) -> String {
    let mut p = p.clone();
    let mut out = vec![];
    // S·T[s] is the sum of the lengths.
    let ragged: Vec<SizeId> = p
        .iter()
        .filter_map(|(n, _)| match n {
            Nominal::Size(s) if !model.sizes[s.0].over.is_empty() => Some(*s),
            Nominal::Size(_) | Nominal::Literal(_) => None,
        })
        .collect();
    let mut summed = vec![];
    for r in &ragged {
        for over in &model.sizes[r.0].over {
            if let Some((_, k)) = p.iter_mut().find(|(n, _)| *n == Nominal::Size(*over)) {
                *k -= 1;
                summed.push(*r);
            }
        }
    }
    for (n, k) in p.iter().filter(|(_, k)| *k > 0) {
        let Nominal::Size(s) = n else { continue };
        let name = model.sizes[s.0].name.to_string();
        let name = if summed.contains(s) { format!("Σ{name}") } else { name };
        out.push(match k {
            1 => name,
            2 => format!("{name}²"),
            3 => format!("{name}³"),
            k => format!("{name}^{k}"),
        });
    }
    out.join("·")
}
