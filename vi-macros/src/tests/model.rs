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

#[test]
fn checked_models_print() {
    for name in [
        "04_hmm",
        "06_lda",
        "12_block_model",
        "13_dawid_skene",
        "15_dp_mixture",
        "16_ratings",
        "17_switching",
        "19_zero_inflated",
    ] {
        let (_, source) = programs::ALL.iter().find(|(n, _)| *n == name).expect("the program is in the list");
        let (model, _) = checked(source);
        let text = model.map(|m| m.to_string()).unwrap_or_default();
        insta::assert_snapshot!(format!("model_{name}"), text, source);
    }
}

/// What a diagnostic points at, as it stands in the source.
fn pointed_at(source: &str, mistake: &Diagnostic) -> String {
    let (start, end) = (mistake.loc.start.start(), mistake.loc.end.end());
    let lines: Vec<&str> = source.lines().collect();
    let cut = |line: usize, from: usize, to: usize| -> String {
        lines[line - 1].chars().skip(from).take(to - from).collect()
    };
    if start.line == end.line {
        return cut(start.line, start.column, end.column);
    }
    format!("{} …", cut(start.line, start.column, lines[start.line - 1].chars().count()))
}

/// The items make a model whose only mistakes are these: for each the text it points at, and words of its message.
#[track_caller]
fn refuses(source: &str, expected: &[(&str, &str)]) {
    let (_, mistakes) = checked(source);
    let found: Vec<String> =
        mistakes.iter().map(|m| format!("at `{}`: {}", pointed_at(source, m), m.message())).collect();
    let found = found.join("\n--\n");
    assert_eq!(mistakes.len(), expected.len(), "{source}\nfound:\n{found}");
    for (place, words) in expected {
        let hit = mistakes.iter().any(|m| pointed_at(source, m) == *place && m.message().contains(words));
        assert!(hit, "{source}\nexpected at `{place}`: {words}\nfound:\n{found}");
    }
    for mistake in &mistakes {
        let title = &mistake.title;
        assert!(title.chars().count() < 70, "the title is too long: {title}");
        assert!(!title.ends_with('.'), "{title}");
        let first = title.chars().next().unwrap_or('`');
        assert!(!first.is_uppercase(), "{title}");
    }
}

#[track_caller]
fn accepts(source: &str) -> Model {
    let (model, mistakes) = checked(source);
    let text: Vec<String> =
        mistakes.iter().map(|m| format!("at `{}`: {}", pointed_at(source, m), m.message())).collect();
    assert!(text.is_empty(), "{source}\n{}", text.join("\n--\n"));
    model.expect("a model without mistakes is returned")
}

mod alias;
mod corpus;
mod coverage;
mod names;
mod types;
