//! The plan as text: the claim, each block and why its steps are licensed, what it costs, and what stands in the way.

use super::interact::axes;
use super::{Block, Claim, Maximise, Obstacle, Plan, Rule, Step, Update};
use crate::density::poly::Exponent;

use crate::model::ir::{ArrayId, ElemKind, Extent, Model, Nominal};

/// The certificate: stable text, without addresses or spans.
pub fn render(plan: &Plan, model: &Model) -> String {
    let mut out = format!("{}\n", claim(plan, model));
    for b in &plan.blocks {
        out += &block(b, plan.claim, model);
    }
    out += &turns(plan, model);
    for u in &plan.updates {
        out += &update(u, model);
    }
    if !plan.obstacles.is_empty() {
        out += "not one exact block:\n";
        for o in &plan.obstacles {
            out += &obstacle(o, model);
        }
    }
    out
}

fn claim(plan: &Plan, model: &Model) -> String {
    let updates = !plan.updates.is_empty();
    let random = plan.blocks.iter().filter(|b| !b.point).count();
    match (plan.claim, random, updates) {
        (Claim::Exact, 0, _) => "EXACT: nothing is hidden; the objective is log p(data; params)".into(),
        (Claim::Exact, _, true) => format!(
            "EXACT: KL = 0 given ({}); the objective is the log-likelihood",
            plan.updates
                .iter()
                .flat_map(|u| u.params.iter().map(|a| name(model, *a)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        (Claim::Exact, _, false) => "EXACT: KL = 0; the objective is the log-evidence".into(),
        (Claim::MeanField, 1, _) => "MEAN-FIELD: elements of one array apart; a lower bound".into(),
        (Claim::MeanField, n, _) => format!("MEAN-FIELD: {n} blocks; a lower bound"),
    }
}

fn block(b: &Block, claim: Claim, model: &Model) -> String {
    let names: Vec<String> = b.latents.iter().map(|a| latent(model, *a, b)).collect();
    if b.point {
        return format!("point {}: its mode, as a param\n", names.join(", "));
    }
    let copies = units(model, b);
    let apart = if b.each { ", one element at a time" } else { "" };
    let over =
        if copies.is_empty() { String::new() } else { format!(", an independent copy for each {copies}") };
    let mut out = format!("block {}{over}{apart}    cost {}\n", set(b, model), b.cost);
    for (n, s) in b.trace.iter().enumerate() {
        let alone = match (n, claim) {
            (0, Claim::Exact) => "no term joins it to another latent",
            (0, Claim::MeanField) => "no term joins it to another latent of its block",
            _ => "nothing else is left with it",
        };
        out += &format!("  {}. {}    {}\n", n + 1, step(s, b, alone, model), lines(&s.lines));
    }
    out
}

/// Which blocks are updated together, where there are several.
fn turns(plan: &Plan, model: &Model) -> String {
    let mut out = String::new();
    if plan.turns.iter().map(Vec::len).sum::<usize>() < 2 {
        return out;
    }
    for (n, turn) in plan.turns.iter().enumerate() {
        let names: Vec<String> = turn.iter().map(|b| set(&plan.blocks[*b], model)).collect();
        let apart = if turn.len() > 1 { ": no term joins them" } else { "" };
        out += &format!("turn {}: {}{apart}\n", n + 1, names.join(", "));
    }
    out
}

/// `{mean[k], prec[k]}`
fn set(b: &Block, model: &Model) -> String {
    let names: Vec<String> = b.latents.iter().map(|a| latent(model, *a, b)).collect();
    format!("{{{}}}", names.join(", "))
}

/// `z[n]`, or `z[·]` along an axis that one block holds together.
fn latent(model: &Model, a: ArrayId, b: &Block) -> String {
    let names = axes(model, a);
    if names.is_empty() {
        return name(model, a);
    }
    let first = axes(model, b.latents[0]);
    let unit: Vec<&String> = b.unit.iter().map(|k| &first[*k]).collect();
    let shown: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(k, n)| {
            let own = a == b.latents[0] && b.unit.contains(&k);
            if own || b.each || unit.contains(&n) { n.clone() } else { "·".into() }
        })
        .collect();
    format!("{}[{}]", name(model, a), shown.join(", "))
}

fn units(model: &Model, b: &Block) -> String {
    let names = axes(model, b.latents[0]);
    b.unit.iter().map(|k| names[*k].clone()).collect::<Vec<_>>().join(", ")
}

fn step(s: &Step, b: &Block, alone: &str, model: &Model) -> String {
    let names: Vec<String> = s.latents.iter().map(|a| element(model, *a)).collect();
    let who = names.join(", ");
    let scope: Vec<String> = {
        let mut all: Vec<String> = vec![];
        for (a, _) in &s.scope {
            let n = element(model, *a);
            if !all.contains(&n) {
                all.push(n);
            }
        }
        all
    };
    let given =
        if scope.is_empty() { String::new() } else { format!("; leaves a factor of {}", scope.join(", ")) };
    match &s.rule {
        Rule::Sum if b.each => {
            format!("{who} is finite ({}): its table, given all the others", states(model, s.latents[0]))
        }
        Rule::Sum => {
            let touches = if scope.is_empty() { alone } else { "its neighbours are finite" };
            format!("{who} is finite ({}) and {touches}: log-sum-exp{given}", states(model, s.latents[0]))
        }
        Rule::Scan { axis } if s.latents.len() > 1 => {
            format!(
                "{who} are finite chains that advance together: scan over {axis}, their joint state the frontier{given}"
            )
        }
        Rule::Scan { axis } => {
            let frontier =
                if s.lag > 1 { format!(", its last {} the frontier", s.lag) } else { String::new() };
            format!(
                "{who} is finite ({}) and a chain: forward and backward over {axis}{frontier}{given}",
                states(model, s.latents[0])
            )
        }
        Rule::Tree { axis } if s.latents.len() > 1 => {
            format!(
                "{who} are finite and on one tree: up and down over {axis}, their joint state the frontier{given}"
            )
        }
        Rule::Tree { axis } => {
            format!(
                "{who} is finite ({}) and a tree: up and down over {axis}{given}",
                states(model, s.latents[0])
            )
        }
        Rule::Family { family } if b.each => {
            format!("{who} given all the others is {}, by its statistics", in_words(family))
        }
        Rule::Family { family } => format!("{who} is {}, by its statistics{given}", in_words(family)),
        Rule::Gaussian { whitened_by, stack } => {
            let how = if *stack { "one dense or sparse Gaussian" } else { "Gaussian" };
            format!("{who} enters at most squared: {how}{}{given}", whitened(model, *whitened_by))
        }
        Rule::GaussianScan { axis, whitened_by } => {
            format!(
                "{who} enters at most squared along a chain: Gaussian scan over {axis}{}{given}",
                whitened(model, *whitened_by)
            )
        }
    }
}

/// `InverseGamma` as a statistician writes it.
pub fn in_words(family: &str) -> String {
    if let Some(p) = family.strip_prefix("PowerGamma(").and_then(|p| p.strip_suffix(')')) {
        return format!("Gamma in x^{p}");
    }
    let mut words: Vec<String> = vec![];
    for c in family.chars() {
        match words.last_mut() {
            Some(w) if !c.is_uppercase() => w.push(c),
            Some(_) | None => words.push(c.into()),
        }
    }
    // All but the name itself are adjectives.
    let last = words.len().saturating_sub(1);
    words.iter_mut().take(last).for_each(|w| *w = w.to_lowercase());
    words.join(" ")
}

fn whitened(model: &Model, by: Option<ArrayId>) -> String {
    match by {
        Some(a) => format!(", every row whitened by {}", element(model, a)),
        None => String::new(),
    }
}

/// How many values a finite latent has, as it was declared.
fn states(model: &Model, a: ArrayId) -> String {
    match &model.arrays[a.0].elem.kind {
        ElemKind::Category(extent) => length(model, extent),
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
        | ElemKind::SymPos(_) => "2".into(),
    }
}

fn length(model: &Model, e: &Extent) -> String {
    match e.nominal {
        Nominal::Size(s) => model.sizes[s.0].name.to_string(),
        Nominal::Literal(n) => n.to_string(),
    }
}

fn lines(lines: &[usize]) -> String {
    let text: Vec<String> = lines.iter().map(usize::to_string).collect();
    match lines.len() {
        0 => String::new(),
        1 => format!("[line {}]", text[0]),
        _ => format!("[lines {}]", text.join(", ")),
    }
}

fn update(u: &Update, model: &Model) -> String {
    let names: Vec<String> = u.params.iter().map(|a| element(model, *a)).collect();
    let who = if names.len() == 1 { names[0].clone() } else { format!("({})", names.join(", ")) };
    let how = match &u.rule {
        Maximise::Simplex => "counts, normalised".into(),
        Maximise::Unit => "a share of counts, closed form".into(),
        Maximise::PowerGamma { power } => format!("closed form in log x and {}", power_of(*power)),
        Maximise::Regression { scale: Some(s), joint: true } => {
            let locations: Vec<String> =
                u.params.iter().filter(|a| *a != s).map(|a| element(model, *a)).collect();
            let solved = if bounded(u, model) { "least squares within the bounds" } else { "closed form" };
            format!(
                "joint mode, {solved}: every term in {} is whitened by {}",
                locations.join(" and "),
                element(model, *s)
            )
        }
        Maximise::Regression { .. } if bounded(u, model) => {
            "least squares within the bounds, given the scales: a coordinate of the mode".into()
        }
        Maximise::Regression { .. } => "least squares, given the scales: a coordinate of the mode".into(),
        Maximise::Scale => "closed form, given the residuals".into(),
        Maximise::Newton => "safeguarded Newton on exact derivatives".into(),
    };
    format!("update {who}: {how}\n")
}

/// Whether a location that is solved for has bounds.
fn bounded(u: &Update, model: &Model) -> bool {
    let scale = match &u.rule {
        Maximise::Regression { scale, .. } => *scale,
        Maximise::Simplex
        | Maximise::Unit
        | Maximise::PowerGamma { .. }
        | Maximise::Scale
        | Maximise::Newton => None,
    };
    u.params.iter().filter(|a| Some(**a) != scale).any(|a| model.arrays[a.0].elem.is_bounded())
}

fn power_of(p: Exponent) -> String {
    match (p.num, p.den) {
        (1, 1) => "x".into(),
        (-1, 1) => "1/x".into(),
        _ => format!("x^{}", super::statistics::exponent(p)),
    }
}

fn obstacle(o: &Obstacle, model: &Model) -> String {
    let at = match o.statement {
        Some(s) => format!("    [line {}]", model.statements[s.0].line),
        None => String::new(),
    };
    let help = match &o.help {
        Some(h) => format!("\n    help: {h}"),
        None => String::new(),
    };
    format!("  {}: {}{at}{help}\n", name(model, o.latent), o.reason.replace('`', ""))
}

fn name(model: &Model, a: ArrayId) -> String {
    model.arrays[a.0].name.to_string()
}

/// `mean[k]`: an element, with its indices named as where it is declared.
fn element(model: &Model, a: ArrayId) -> String {
    let axes = axes(model, a);
    match axes.is_empty() {
        true => name(model, a),
        false => format!("{}[{}]", name(model, a), axes.join(", ")),
    }
}

#[cfg(test)]
/// A rule in a few words.
pub fn rule_name(r: &Rule) -> String {
    match r {
        Rule::Sum => "log-sum-exp".into(),
        Rule::Scan { axis } => format!("scan over {axis}"),
        Rule::Tree { axis } => format!("tree over {axis}"),
        Rule::Family { family } => family.clone(),
        Rule::Gaussian { stack: false, .. } => "Gaussian".into(),
        Rule::Gaussian { stack: true, .. } => "Gaussian stack".into(),
        Rule::GaussianScan { axis, .. } => format!("Gaussian scan over {axis}"),
    }
}
