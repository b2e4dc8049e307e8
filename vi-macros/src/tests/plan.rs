//! Plans of the programs of the language reference, of variants of them, and of models that must be refused.

mod aliases;
mod conditional;
mod programs;
mod refused;
mod refused_steps;
mod steps;
mod turns;
mod updates;
mod variants;

use crate::model::ir::Model;
use crate::plan::print::rule_name;
use crate::plan::{Block, Claim, Plan, Rule, render};
use crate::report::Report;
use crate::{density, model, plan, syntax};

struct Planned {
    plan: Plan,
    model: Model,
    text: String,
}

/// The plan of a model, or the mistakes.
fn planned(source: &str) -> Result<Planned, String> {
    let mut report = Report::new();
    let out = stages(source, &mut report);
    let mistakes: Vec<String> = report.take().iter().map(|d| d.message()).collect();
    match (out, mistakes.is_empty()) {
        (Some(out), true) => Ok(out),
        _ => Err(mistakes.join("\n---\n")),
    }
}

fn stages(source: &str, report: &mut Report) -> Option<Planned> {
    let block = syntax::parse(source.parse().expect("tokens"), report)?;
    let model = model::check(&block, report)?;
    if !report.is_empty() {
        return None;
    }
    let densities = density::statement::densities(&model, report);
    let monomials = density::normal_form::normal_form(&model, &densities);
    let plan = plan::plan(&model, &densities, &monomials, report)?;
    let text = render(&plan, &model);
    Some(Planned { plan, model, text })
}

impl Planned {
    fn name(&self, a: crate::model::ir::ArrayId) -> String {
        self.model.arrays[a.0].name.to_string()
    }

    fn block(&self, b: &Block) -> String {
        let mut names: Vec<String> = b.latents.iter().map(|a| self.name(*a)).collect();
        names.sort();
        let kind = match (b.point, b.each) {
            (true, _) => " point",
            (_, true) => " each",
            (false, false) => "",
        };
        let steps: Vec<String> = b
            .trace
            .iter()
            .map(|s| {
                let who: Vec<String> = s.latents.iter().map(|a| self.name(*a)).collect();
                let by = match &s.rule {
                    Rule::Gaussian { whitened_by, .. } | Rule::GaussianScan { whitened_by, .. } => {
                        *whitened_by
                    }
                    Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } | Rule::Family { .. } => None,
                };
                let by = by.map(|a| format!(" / {}", self.name(a))).unwrap_or_default();
                format!("{} {}{by}", who.join("×"), rule_name(&s.rule))
            })
            .collect();
        format!("{{{}}}{kind}: {}", names.join(", "), steps.join("; "))
    }

    /// The claim, then a line for each block.
    fn summary(&self) -> Vec<String> {
        let claim = match self.plan.claim {
            Claim::Exact => "EXACT",
            Claim::MeanField => "MEAN-FIELD",
        };
        std::iter::once(claim.into()).chain(self.plan.blocks.iter().map(|b| self.block(b))).collect()
    }
}

#[track_caller]
fn ok(source: &str) -> Planned {
    planned(source).unwrap_or_else(|e| panic!("{e}"))
}

/// The claim and the blocks.
#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let p = ok(source);
    let summary = p.summary();
    assert!(summary == expected, "found\n    {}\n\n{}", summary.join("\n    "), p.text);
}

/// The claim and the blocks, and why it is no better: `name: part of the reason`.
#[track_caller]
fn check_not_exact(source: &str, expected: &[&str], reasons: &[&str]) {
    check(source, expected);
    let p = ok(source);
    let found: Vec<String> = p
        .plan
        .obstacles
        .iter()
        .map(|o| format!("{}: {}", p.name(o.latent), o.reason.replace('`', "")))
        .collect();
    for r in reasons {
        let (name, part) = r.split_once(": ").expect("`name: reason`");
        assert!(
            found.iter().any(|f| f.starts_with(&format!("{name}: ")) && f.contains(part)),
            "no «{r}» in\n    {}",
            found.join("\n    ")
        );
    }
    assert!(!found.is_empty());
}

/// No plan, and the message says all of this.
#[track_caller]
fn check_err(source: &str, expected: &[&str]) {
    match planned(source) {
        Ok(p) => panic!("this was planned:\n{}", p.text),
        Err(e) => expected.iter().for_each(|part| assert!(e.contains(part), "no «{part}» in\n{e}")),
    }
}
