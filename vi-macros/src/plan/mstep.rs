//! Params: the mode of the terms they are in, in closed form where the terms allow it.
//!
//! The same factors as for latents, but maximised: no log-determinant is left behind, so a location and its scale have a joint mode whenever the
//! scale cancels from the location's solution.

use super::align;
use super::interact::{Class, Factor, Incidence, Interaction, Statistic};
use super::statistics::{Shape, power_gamma, statistics};
use super::whiten::whitener;
use super::{Maximise, Update};
use crate::density::normal_form::Stat;
use crate::density::poly::Exponent;
use crate::density::symbol::{Ix, IxTerm};
use crate::diagnostics::plan as mistakes;
use crate::model::ir::Model;
use crate::report::Report;

/// A group of nodes and how it is maximised.
#[derive(Clone, Debug)]
pub struct Group {
    pub nodes: Vec<usize>,
    pub rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    Simplex,
    Unit,
    PowerGamma(Exponent),
    Regression { scale: Option<usize> },
    Scale,
    Newton,
}

/// The M-step, in the order of declaration.
pub fn updates(model: &Model, g: &Interaction, report: &mut Report) -> Vec<Update> {
    for (n, node) in g.nodes.iter().enumerate() {
        let loc = declared(model, g, n);
        if node.class == Class::Finite || node.class == Class::Count {
            report.push(mistakes::discrete_param(loc, &node.name));
        } else if !g.factors.iter().any(|f| f.touches(n)) {
            report.push(mistakes::param_in_no_term(loc, &node.name));
        }
    }
    let array = |n: usize| g.nodes[n].array;
    groups(g)
        .into_iter()
        .map(|group| Update {
            params: group.nodes.iter().map(|n| array(*n)).collect(),
            rule: match group.rule {
                Rule::Simplex => Maximise::Simplex,
                Rule::Unit => Maximise::Unit,
                Rule::PowerGamma(power) => Maximise::PowerGamma { power },
                Rule::Regression { scale } => {
                    Maximise::Regression { scale: scale.map(array), joint: scale.is_some() }
                }
                Rule::Scale => Maximise::Scale,
                Rule::Newton => Maximise::Newton,
            },
        })
        .collect()
}

fn declared(model: &Model, g: &Interaction, n: usize) -> crate::syntax::ast::Loc {
    let a = &model.arrays[g.nodes[n].array.0];
    match a.pieces.first() {
        Some(p) => model.statements[p.0].loc,
        None => a.name.span().into(),
    }
}

/// Every node in exactly one group.
pub fn groups(g: &Interaction) -> Vec<Group> {
    let mut out: Vec<Group> = vec![];
    for n in 0..g.nodes.len() {
        let rule = alone(g, n);
        // Locations in the same residuals are solved together, as long as they do not multiply.
        let home = out.iter().position(|group| {
            let joined: Vec<usize> = group.nodes.iter().copied().chain([n]).collect();
            matches!((&group.rule, &rule), (Rule::Regression { .. }, Rule::Regression { .. }))
                && meet(g, &group.nodes, &[n])
                && g.factors.iter().all(|f| degree(f, &joined).is_some_and(|d| d <= 2))
        });
        match home {
            Some(k) => out[k].nodes.push(n),
            None => out.push(Group { nodes: vec![n], rule }),
        }
    }
    let out = with_scales(g, out);
    let mut out = smooth(g, out);
    out.iter_mut().for_each(|group| group.nodes.sort_by_key(|n| (scale_last(*n, &group.rule), *n)));
    out.sort_by_key(|group| group.nodes.iter().min().copied());
    out
}

fn scale_last(n: usize, rule: &Rule) -> bool {
    *rule == Rule::Regression { scale: Some(n) }
}

fn meet(g: &Interaction, a: &[usize], b: &[usize]) -> bool {
    g.factors.iter().any(|f| a.iter().any(|n| f.touches(*n)) && b.iter().any(|n| f.touches(*n)))
}

/// The degree in some Gaussian nodes; none if a term is not a polynomial in them.
fn degree(f: &Factor, nodes: &[usize]) -> Option<i64> {
    let mut out = 0;
    for a in f.atoms.iter().filter(|a| nodes.contains(&a.node)) {
        match &a.stat {
            Statistic::Of(Stat::Power(p)) if p.den == 1 && p.num > 0 => out += p.num,
            Statistic::Support
            | Statistic::Of(
                Stat::Power(_)
                | Stat::Indicator
                | Stat::Log
                | Stat::Log1m
                | Stat::LogDet
                | Stat::Inverse
                | Stat::Opaque(_),
            ) => return None,
        }
    }
    Some(out)
}

/// The mode of one node, everything else held.
fn alone(g: &Interaction, n: usize) -> Rule {
    let touching: Vec<&Factor> = g.factors.iter().filter(|f| f.touches(n)).collect();
    let class = g.nodes[n].class;
    let found = statistics(class, n, &touching);
    // Two elements of one array in a term make the elements depend on one another.
    let coupled = touching.iter().any(|f| f.of(n).count() > 1);
    let within = |allowed: &[Shape]| found.iter().all(|s| allowed.contains(s));
    match class {
        Class::Gaussian if g.factors.iter().all(|f| degree(f, &[n]).is_some_and(|d| d <= 2)) => {
            Rule::Regression { scale: None }
        }
        Class::Simplex if within(&[Shape::Log]) && !coupled => Rule::Simplex,
        Class::Unit | Class::UnitInterval if within(&[Shape::Log, Shape::Log1m]) && !coupled => Rule::Unit,
        Class::Positive | Class::PositiveInterval if !coupled => match power_gamma(Class::Positive, &found) {
            Some(p) => Rule::PowerGamma(p),
            None if within(&[Shape::Log]) => Rule::PowerGamma(Exponent::ONE),
            None if is_location(g, n, &found) => Rule::Regression { scale: None },
            None => Rule::Newton,
        },
        Class::Matrix
            if !coupled
                && (within(&[Shape::LogDet, Shape::Inverse])
                    || within(&[Shape::LogDet, Shape::Power(Exponent::ONE)])) =>
        {
            Rule::Scale
        }
        Class::Interval | Class::Positive | Class::PositiveInterval | Class::Unit | Class::UnitInterval
            if is_location(g, n, &found) =>
        {
            Rule::Regression { scale: None }
        }
        Class::Finite
        | Class::Gaussian
        | Class::Interval
        | Class::Positive
        | Class::PositiveInterval
        | Class::Unit
        | Class::UnitInterval
        | Class::Simplex
        | Class::Matrix
        | Class::Ordered
        | Class::Count => Rule::Newton,
    }
}

/// Whether a number with bounds stands in squares of residuals alone: then its mode is that of least squares within the bounds.
fn is_location(g: &Interaction, n: usize, found: &[Shape]) -> bool {
    let square = Shape::Power(Exponent::int(2));
    let degrees: Vec<Option<i64>> = g.factors.iter().map(|f| degree(f, &[n])).collect();
    found.iter().all(|s| *s == square || *s == Shape::Power(Exponent::ONE))
        && degrees.iter().all(|d| d.is_some_and(|d| d <= 2))
        && degrees.contains(&Some(2))
}

/// Joins locations with the scale that cancels from their solution.
fn with_scales(g: &Interaction, groups: Vec<Group>) -> Vec<Group> {
    let mut out: Vec<Group> = vec![];
    let closed = |n: usize| {
        groups.iter().any(|b| b.nodes == [n] && matches!(b.rule, Rule::PowerGamma(_) | Rule::Scale))
    };
    for group in &groups {
        if !matches!(group.rule, Rule::Regression { .. }) {
            continue;
        }
        // Within bounds the solution depends on a whole matrix of scales, but not on one number.
        let bounded = group.nodes.iter().any(|n| g.nodes[*n].class != Class::Gaussian);
        let scale = scale_of(g, &group.nodes)
            .filter(|s| closed(*s) && !(bounded && g.nodes[*s].class == Class::Matrix));
        let rule = Rule::Regression { scale };
        match out.iter_mut().find(|b| scale.is_some() && b.rule == rule) {
            Some(b) if !meet(g, &b.nodes, &group.nodes) => b.nodes.extend(&group.nodes),
            earlier => {
                // Locations that multiply take turns; the last of them leaves the residuals that the scale is made of.
                if let Some(b) = earlier {
                    b.rule = Rule::Regression { scale: None };
                }
                out.push(Group { nodes: group.nodes.clone(), rule });
            }
        }
    }
    let mut taken = vec![];
    for b in &mut out {
        if let Rule::Regression { scale: Some(s) } = b.rule {
            b.nodes.push(s);
            taken.push(s);
        }
    }
    let rest = groups
        .into_iter()
        .filter(|b| !matches!(b.rule, Rule::Regression { .. }) && !b.nodes.iter().any(|n| taken.contains(n)));
    out.extend(rest);
    out
}

/// The scale that every term of some locations carries in the same way, if there is one.
pub fn scale_of(g: &Interaction, locations: &[usize]) -> Option<usize> {
    let touching: Vec<Factor> =
        g.factors.iter().filter(|f| locations.iter().any(|n| f.touches(*n))).cloned().collect();
    let frame = align::shared(g, locations, &touching);
    let rows: Vec<Factor> = touching.iter().map(|f| frame.rewrite(f)).collect::<Option<_>>()?;
    let unit = |n: usize, k: usize| frame.members.iter().any(|(m, axes)| *m == n && axes.contains(&k));
    let w = whitener(g, &frame, &rows, &|n| locations.contains(&n), &unit).ok()??;
    Some(w.node)
}

/// Params that share a nonlinear term climb together.
fn smooth(g: &Interaction, groups: Vec<Group>) -> Vec<Group> {
    let mut out = groups;
    loop {
        let pair = (0..out.len()).find_map(|i| {
            (0..out.len())
                .find(|j| *j != i && out[i].rule == Rule::Newton && joins(g, &out[i].nodes, &out[*j]))
                .map(|j| (i, j))
        });
        let Some((i, j)) = pair else { return out };
        let nodes = out[j].nodes.clone();
        out[i].nodes.extend(nodes);
        out.remove(j);
    }
}

/// Whether a single param shares a term that is not linear in both with a group, at the same plates.
fn joins(g: &Interaction, group: &[usize], other: &Group) -> bool {
    let simple = match &other.rule {
        Rule::PowerGamma(_) | Rule::Newton | Rule::Unit => true,
        Rule::Regression { scale: None } => false,
        Rule::Simplex | Rule::Scale | Rule::Regression { scale: Some(_) } => false,
    };
    let nonlinear = |a: &Incidence| {
        matches!(a.stat, Statistic::Of(Stat::Opaque(_) | Stat::Log | Stat::Log1m | Stat::LogDet))
    };
    simple
        && g.factors.iter().any(|f| {
            let ours = f.atoms.iter().filter(|a| group.contains(&a.node));
            let theirs: Vec<_> = f.atoms.iter().filter(|a| other.nodes.contains(&a.node)).collect();
            ours.into_iter().any(|a| {
                theirs.iter().any(|b| (nonlinear(a) || nonlinear(b)) && plates(g, f, a) == plates(g, f, b))
            })
        })
}

/// The plates of an element in a term; what is bound inside a nonlinear function is no plate.
fn plates(g: &Interaction, f: &Factor, a: &Incidence) -> Vec<Ix> {
    let plate = |i: &&Ix| {
        i.terms.iter().all(|(_, t)| match t {
            IxTerm::Var(v) => f.vars.contains(v),
            IxTerm::Size(..) | IxTerm::Read(_) => true,
        })
    };
    a.ix[..g.nodes[a.node].outer()].iter().filter(plate).cloned().collect()
}
