//! Plans of the programs of the language reference, of variants of them, and of models that must be refused.

use crate::plan::{Plan, render};
use crate::report::Report;
use crate::{density, model, plan, syntax};

/// The plan of a model and its text, or the mistakes.
fn planned(source: &str) -> Result<(Plan, model::ir::Model, String), String> {
    let mut report = Report::new();
    let out = stages(source, &mut report);
    let mistakes: Vec<String> = report.take().iter().map(|d| d.message()).collect();
    match (out, mistakes.is_empty()) {
        (Some(out), true) => Ok(out),
        _ => Err(mistakes.join("\n---\n")),
    }
}

fn stages(source: &str, report: &mut Report) -> Option<(Plan, model::ir::Model, String)> {
    let tokens = source.parse().expect("tokens");
    let block = syntax::parse(tokens, report)?;
    let model = model::check(&block, report)?;
    if !report.is_empty() {
        return None;
    }
    let densities = density::statement::densities(&model, report);
    let monomials = density::normal_form::normal_form(&model, &densities);
    let plan = plan::plan(&model, &densities, &monomials, report)?;
    let text = render(&plan, &model);
    Some((plan, model, text))
}

#[test]
fn show() {
    for (name, source) in super::programs::ALL {
        println!("== {name}");
        match planned(source) {
            Ok((_, _, text)) => println!("{text}"),
            Err(e) => println!("ERROR {e}\n"),
        }
    }
}
