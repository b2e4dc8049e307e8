//! Why a step of elimination is not licensed, in words, with the place.

use super::edges::{Coupling, Structure, is_gaussian};
use super::interact::{Class, Factor, Interaction, Origin};
use super::print::in_words;
use super::statistics::{Unmatched, written};
use super::whiten::Unwhitened;
use crate::density::symbol::{Ix, IxTerm};

/// One refused step.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub node: usize,
    pub reason: String,
    pub origin: Origin,
    pub kind: Kind,
}

/// What would have to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A step of this structure is not in the table.
    Structure,
    /// The statistics of one element are not those of a family: there is no update at all.
    NoFamily,
    /// A row lacks the scale that the others carry.
    Unscaled { scale: usize },
    /// Elements of one array meet; one at a time there is an update.
    SelfCoupled,
    /// Values are excluded across blocks.
    Hard,
    /// Two accesses that may be the same element.
    MayCoincide,
}

fn refuse(node: usize, f: &Factor, kind: Kind, reason: String) -> Refusal {
    Refusal { node, reason, origin: f.origin.clone(), kind }
}

fn names(g: &Interaction, nodes: &[usize]) -> String {
    let mut out: Vec<String> = vec![];
    for n in nodes {
        let name = format!("`{}`", g.nodes[*n].name);
        if !out.contains(&name) {
            out.push(name);
        }
    }
    match out.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "itself".into(),
    }
}

fn name(g: &Interaction, node: usize) -> String {
    format!("`{}`", g.nodes[node].name)
}

fn class(c: Class) -> &'static str {
    match c {
        Class::Finite => "finite",
        Class::Gaussian => "Gaussian",
        Class::Interval => "bounded",
        Class::Positive => "positive",
        Class::PositiveInterval => "bounded positive",
        Class::Unit => "unit-interval",
        Class::UnitInterval => "bounded",
        Class::Simplex => "simplex",
        Class::Matrix => "matrix",
        Class::Ordered => "ordered",
        Class::Count => "count",
    }
}

pub fn log_sum_exp(g: &Interaction, node: usize, others: &[usize], f: &Factor) -> Refusal {
    let reason = format!("summing it leaves a log-sum-exp of terms in {}", names(g, others));
    refuse(node, f, Kind::Structure, reason)
}

pub fn all_pairs(g: &Interaction, node: usize, one: &Ix, other: &Ix, f: &Factor) -> Refusal {
    let (a, b) = (index(g, one), index(g, other));
    let reason = match a == b {
        true => "its elements are coupled in pairs: no finite frontier".to_string(),
        false => format!("its elements are coupled in pairs ({a} and {b}): no finite frontier"),
    };
    refuse(node, f, Kind::SelfCoupled, reason)
}

pub fn scattered(_: &Interaction, node: usize, f: &Factor) -> Refusal {
    refuse(
        node,
        f,
        Kind::Structure,
        "one term reads its elements at positions that cannot be compared".into(),
    )
}

pub fn wide(g: &Interaction, node: usize, other: usize, f: &Factor) -> Refusal {
    let reason =
        format!("each element of it touches many elements of {}: no finite frontier", name(g, other));
    refuse(node, f, Kind::Structure, reason)
}

pub fn outside_frontier(g: &Interaction, node: usize, partner: usize, other: usize, f: &Factor) -> Refusal {
    let reason = match partner == node || partner == other {
        true => format!("its chain meets {} away from the frontier", name(g, other)),
        false => {
            format!(
                "its chain advances with {}, which {} joins away from the frontier",
                name(g, other),
                name(g, partner)
            )
        }
    };
    refuse(node, f, Kind::Structure, reason)
}

pub fn not_closed(g: &Interaction, node: usize, others: &[usize], f: &Factor) -> Refusal {
    let reason = format!(
        "integrating it leaves a log-partition that is not closed over {} (a {} variable)",
        names(g, others),
        class(g.nodes[node].class)
    );
    refuse(node, f, Kind::Structure, reason)
}

pub fn self_coupled(_: &Interaction, node: usize, f: &Factor) -> Refusal {
    refuse(
        node,
        f,
        Kind::SelfCoupled,
        "its elements meet in one term: their joint law is of no family of the language".into(),
    )
}

pub fn counts(g: &Interaction, node: usize, other: usize, f: &Factor) -> Refusal {
    let reason = format!("integrating it couples all of {}: counts inside a log-partition", name(g, other));
    refuse(node, f, Kind::Structure, reason)
}

pub fn no_family(g: &Interaction, node: usize, u: &Unmatched, touching: &[&Factor]) -> Refusal {
    let n = &g.nodes[node];
    let found: Vec<String> = u.found.iter().map(|s| written(s, &n.name)).collect();
    let near = match u.nearest {
        Some((family, statistics)) => {
            format!("; nearest is {}, with {{{statistics}}}", in_words(family))
        }
        None => String::new(),
    };
    let within = match n.class {
        Class::Interval | Class::PositiveInterval | Class::UnitInterval => " within bounds",
        Class::Finite
        | Class::Gaussian
        | Class::Positive
        | Class::Unit
        | Class::Simplex
        | Class::Matrix
        | Class::Ordered
        | Class::Count => "",
    };
    let reason = format!(
        "its terms hold {{{}}}{within}, which no distribution of the language has{near}",
        found.join(", ")
    );
    let origin = touching.first().map(|f| f.origin.clone()).unwrap_or_else(nowhere);
    Refusal { node, reason, origin, kind: Kind::NoFamily }
}

fn nowhere() -> Origin {
    Origin { statement: None, loc: proc_macro2::Span::call_site().into(), lines: vec![] }
}

pub fn not_gaussian(g: &Interaction, node: usize, other: usize, f: &Factor) -> Refusal {
    let reason =
        format!("it meets {}, which is {}, not Gaussian", name(g, other), class(g.nodes[other].class));
    refuse(node, f, Kind::Structure, reason)
}

pub fn not_quadratic(g: &Interaction, node: usize, other: usize, f: &Factor) -> Refusal {
    let reason = match node == other {
        true => "one of its terms is not quadratic".to_string(),
        false => format!("it meets {} in a term that is not quadratic", name(g, other)),
    };
    refuse(node, f, Kind::Structure, reason)
}

pub fn bilinear(g: &Interaction, node: usize, f: &Factor) -> Refusal {
    let others: Vec<usize> =
        f.atoms.iter().map(|a| a.node).filter(|n| is_gaussian(g, *n) && *n != node).collect();
    let reason = match others.is_empty() {
        true => "its elements multiply one another: degree above 2".to_string(),
        false => format!("it multiplies {}: degree above 2 together (bilinear)", names(g, &others)),
    };
    let kind = if others.is_empty() { Kind::SelfCoupled } else { Kind::Structure };
    refuse(node, f, kind, reason)
}

pub fn gated(
    g: &Interaction,
    node: usize,
    gate: usize,
    s: &Structure,
    rest: &[usize],
    f: &Factor,
) -> Refusal {
    let gate_name = name(g, gate);
    let reason = match &s.coupling {
        Coupling::Chain { .. } => {
            format!("gated by {gate_name} along a chain: a mixture with exponentially many components")
        }
        Coupling::Tree { .. } | Coupling::Pairs { .. } => {
            format!("gated by many elements of {gate_name}: a mixture with exponentially many components")
        }
        Coupling::None if !rest.is_empty() => format!(
            "gated by {gate_name} and still coupled to {}: a mixture with exponentially many components",
            names(g, rest)
        ),
        Coupling::None => format!("integrating it couples all of {gate_name}"),
    };
    refuse(node, f, Kind::Structure, reason)
}

pub fn unwhitened(g: &Interaction, node: usize, u: &Unwhitened, touching: &[&Factor]) -> Refusal {
    match u {
        Unwhitened::Several(scales) => {
            let f = touching.iter().find(|f| scales.iter().any(|s| f.touches(*s))).unwrap_or(&touching[0]);
            refuse(node, f, Kind::Structure, format!("its rows have two scales, {}", names(g, scales)))
        }
        Unwhitened::Elements(s, n) => {
            let reason = format!("its rows are scaled by different elements of {}", name(g, *s));
            refuse(node, touching[*n], Kind::Structure, reason)
        }
        Unwhitened::Missing(s, n) => {
            let reason = format!("not every term of it is scaled by {}", name(g, *s));
            refuse(node, touching[*n], Kind::Unscaled { scale: *s }, reason)
        }
        Unwhitened::Powers(s, n) => {
            let reason = format!("its rows are scaled by different powers of {}", name(g, *s));
            refuse(node, touching[*n], Kind::Structure, reason)
        }
        Unwhitened::Rows(s, n) => {
            let reason = format!("{} does not scale whole rows of it, so it does not cancel", name(g, *s));
            refuse(node, touching[*n], Kind::Structure, reason)
        }
    }
}

/// A constraint or a structural zero across two blocks, or across elements that are updated one at a time.
pub fn hard(g: &Interaction, node: usize, other: usize, f: &Factor) -> Refusal {
    let reason = match node == other {
        true => format!("elements of {} exclude one another, so none can be updated alone", name(g, node)),
        false => format!(
            "{} and {} exclude values of one another, and no exact block holds both",
            name(g, node),
            name(g, other)
        ),
    };
    refuse(node, f, Kind::Hard, reason)
}

pub fn may_coincide(_: &Interaction, node: usize, f: &Factor) -> Refusal {
    let reason = "two of its elements meet in one term and may be the same one".to_string();
    refuse(node, f, Kind::MayCoincide, reason)
}

/// An index as the user would write it.
pub fn index(g: &Interaction, i: &Ix) -> String {
    let mut out = String::new();
    for (c, t) in &i.terms {
        let t = match t {
            IxTerm::Var(v) => v.name.clone(),
            IxTerm::Size(..) => "a size".into(),
            IxTerm::Read(e) => {
                let at: Vec<String> = e.indices.iter().map(|x| index(g, x)).collect();
                format!("{}[{}]", g.given(e.array), at.join(", "))
            }
        };
        let sign = if out.is_empty() { "" } else { " + " };
        out += &if *c == 1 { format!("{sign}{t}") } else { format!("{sign}{c}·{t}") };
    }
    match (i.offset, out.is_empty()) {
        (0, false) => out,
        (c, true) => format!("{c}"),
        (c, false) if c < 0 => format!("{out}-{}", -c),
        (c, false) => format!("{out}+{c}"),
    }
}
