//! The model stage: what it accepts, and what it says of mistakes.

use super::programs;
use crate::model::{self, ir::Model};
use crate::report::{Diagnostic, Report};
use crate::syntax;

fn checked(source: &str) -> (Option<Model>, Vec<Diagnostic>) {
    let mut report = Report::new();
    let tokens = source.parse().expect("the source is made of tokens");
    let model = syntax::parse(tokens, &mut report).and_then(|block| model::check(&block, &mut report));
    (model, report.take())
}

#[test]
fn every_program_of_the_language_checks() {
    for (name, source) in programs::ALL {
        let (model, mistakes) = checked(source);
        let text: Vec<String> = mistakes.iter().map(Diagnostic::message).collect();
        assert!(text.is_empty(), "{name}: {}", text.join("\n"));
        assert!(model.is_some(), "{name}");
    }
}
