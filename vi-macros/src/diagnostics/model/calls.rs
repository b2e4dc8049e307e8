//! Family calls: their arguments and their values.

use crate::diagnostics::nearest;
use crate::families::{Domain, Family, Param};
use crate::report::Diagnostic;
use crate::syntax::ast::Loc;
use proc_macro2::Ident;

/// Everything that is wrong with the arguments of one call.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// Positions in the signature.
    pub missing: Vec<usize>,
    pub unknown: Vec<Ident>,
    pub duplicate: Vec<Ident>,
    /// Given by position where the family wants a name: where, and what.
    pub unnamed: Vec<(Loc, String)>,
    /// The call as it was typed, argument by argument.
    pub typed: Vec<String>,
}

impl Arguments {
    pub fn any(&self) -> bool {
        !(self.missing.is_empty()
            && self.unknown.is_empty()
            && self.duplicate.is_empty()
            && self.unnamed.is_empty())
    }
}

/// `Gamma(shape: 1, sape: 2)`: write `Gamma(shape: 1, rate: 2)`.
pub fn arguments(family: &Family, name: &Ident, loc: Loc, problems: &Arguments) -> Diagnostic {
    let nameless_only = problems.unknown.is_empty()
        && problems.duplicate.is_empty()
        && problems.missing.len() == problems.unnamed.len();
    if let (Some((place, _)), true) = (problems.unnamed.first(), nameless_only) {
        return nameless(family, name, *place, problems);
    }
    let mut parts = Vec::new();
    if !problems.missing.is_empty() {
        let missing: Vec<String> = problems.missing.iter().map(|n| way_names(&family.params[*n])).collect();
        parts.push(format!("needs {}", missing.join(" and ")));
    }
    if !problems.unknown.is_empty() {
        let unknown: Vec<String> = problems.unknown.iter().map(|n| format!("`{n}:`")).collect();
        parts.push(format!("has no {}", unknown.join(", ")));
    }
    if !problems.duplicate.is_empty() {
        let twice: Vec<String> = problems.duplicate.iter().map(|n| format!("`{n}:`")).collect();
        parts.push(format!("has {} twice", twice.join(", ")));
    }
    if !problems.unnamed.is_empty() {
        parts.push("needs the names of its arguments".to_owned());
    }
    let place = problems
        .unknown
        .first()
        .or(problems.duplicate.first())
        .map(|n| Loc::from(n.span()))
        .or(problems.unnamed.first().map(|(place, _)| *place))
        .unwrap_or(Loc { start: name.span(), end: loc.end });
    let title = format!("`{name}` {}", parts.join(", "));
    let mut d = if title.chars().count() < 70 {
        Diagnostic::new(place, title)
    } else {
        Diagnostic::new(place, format!("these are not the arguments of `{name}`")).note(title)
    };
    let missing = problems.missing.iter().map(|n| &family.params[*n]);
    let ways: Vec<&str> = missing.flat_map(|p| p.ways).map(|w| w.name).collect();
    for unknown in &problems.unknown {
        if let Some(near) = nearest(&unknown.to_string(), ways.iter().copied()) {
            d = d.help(format!("did you mean `{near}:`?"));
        }
    }
    d = d.help(format!("write `{}`", signature(family)));
    let ways: Vec<String> = family.params.iter().filter(|p| p.ways.len() > 1).map(way_names).collect();
    if !ways.is_empty() {
        d = d.note(format!("of {} exactly one is given", ways.join(", and of ")));
    }
    if family.truncatable {
        d = d.note("`min:` and `max:` may be added");
    }
    d
}

/// `Gamma(1, 2)`: write `Gamma(shape: 1, rate: 2)`.
fn nameless(family: &Family, name: &Ident, place: Loc, problems: &Arguments) -> Diagnostic {
    let mut names = problems.missing.iter().map(|n| &family.params[*n]);
    let mut others = Vec::new();
    let mut arguments = problems.typed.clone();
    for (_, text) in &problems.unnamed {
        let (Some(param), Some(slot)) = (names.next(), arguments.iter_mut().find(|a| *a == text)) else {
            continue;
        };
        *slot = format!("{}: {text}", param.ways[0].name);
        let rest: Vec<String> = param.ways[1..].iter().map(|w| format!("`{}:`", w.name)).collect();
        if !rest.is_empty() {
            others.push(format!("{} may stand in place of `{}:`", rest.join(", "), param.ways[0].name));
        }
    }
    let title = match problems.unnamed.len() {
        1 => format!("this argument of `{name}` needs its name"),
        _ => format!("these arguments of `{name}` need their names"),
    };
    let last = problems.unnamed.last().map_or(place, |(last, _)| *last);
    let d = Diagnostic::new(place.to(last), title).help(format!("write `{name}({})`", arguments.join(", ")));
    others
        .into_iter()
        .fold(d, Diagnostic::note)
        .note("texts differ in what they write there, so the name is never left out")
}

/// `Gamma(shape: > 0, rate: > 0)`
pub fn signature(family: &Family) -> String {
    let params: Vec<String> = family
        .params
        .iter()
        .map(|p| {
            let way = &p.ways[0];
            let domains: Vec<&str> = way.accepts.iter().map(|d| domain_in_signature(*d)).collect();
            let domains = domains.join(" | ");
            format!("{}: {domains}", way.name)
        })
        .collect();
    format!("{}({})", family.name, params.join(", "))
}

fn domain_in_signature(domain: Domain) -> &'static str {
    match domain {
        Domain::Real => "number",
        Domain::Positive => "> 0",
        Domain::Unit => "in 0..1",
        Domain::Count => "count",
        Domain::Any => "finite value",
        Domain::Vector => "vector",
        Domain::PositiveVector => "vector > 0",
        Domain::Simplex => "simplex",
        Domain::SymPos => "SymPos",
        Domain::Matrix => "matrix",
    }
}

/// `rate:` or `scale:`
fn way_names(param: &Param) -> String {
    let ways: Vec<String> = param.ways.iter().map(|w| format!("`{}:`", w.name)).collect();
    ways.join(" or ")
}

/// `Gamma(shape: a, rate: b)` where a is Real.
pub fn outside_domain(
    loc: Loc,
    text: &str,
    found: &str,
    family: &str,
    argument: &str,
    needed: &[&str],
    suggestion: Option<String>,
) -> Diagnostic {
    let needed = needed.join(" or ");
    if text.parse::<f64>().is_ok() {
        return Diagnostic::new(loc, format!("`{argument}:` of `{family}` cannot be `{text}`"))
            .help(format!("write {needed}"));
    }
    let d = Diagnostic::new(loc, format!("`{argument}:` of `{family}` cannot be `{found}`"));
    let d = match suggestion {
        Some(help) => d.help(help),
        None => d,
    };
    d.note(format!("`{text}` is `{found}`, and must be {needed}"))
}

/// `Categorical([0.2, 0.7])`: the components must add up to 1.
pub fn not_a_simplex(loc: Loc, text: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{text}` is not seen to sum to 1"))
        .help("write the last component as 1 minus the others, or name the vector with `let`")
        .note("a `let` is compared with 1 when the data arrive")
}

/// `x: Positive ~ Normal(…)`: write Gamma, or `min: 0`.
pub fn family_of_other_values(
    family: &Ident,
    gives: &str,
    array: &str,
    kind: &str,
    fitting: &[&str],
    by_bounds: bool,
) -> Diagnostic {
    let d = Diagnostic::new(family.span(), format!("`{family}` gives {gives}, but `{array}` is `{kind}`"));
    if fitting.is_empty() {
        d.help(format!("leave the type of `{array}` out, or change it"))
    } else {
        let d = d.help(format!("values of `{kind}` come from {}", fitting.join(", ")));
        if by_bounds { d.help(format!("or bound it: `{family}(…, min: 0)`")) } else { d }
    }
}
