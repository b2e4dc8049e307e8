//! What the README shows of an expansion is what this version of the macro writes.

use super::expand::expanded;
use super::programs;

const README: &str = include_str!("../../../README.md");

/// The contents of the first fence of a language after a heading.
#[track_caller]
fn fenced(heading: &str, language: &str) -> String {
    let (_, section) = README.split_once(heading).expect("the README has the heading");
    let (_, block) = section.split_once(&format!("```{language}\n")).expect("the section has the fence");
    let (block, _) = block.split_once("\n```").expect("the fence ends");
    trimmed(block)
}

/// Indentation differs between a module and an excerpt.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn mixture() -> String {
    let (_, source) =
        programs::ALL.iter().find(|(name, _)| name.starts_with("01")).expect("program 1 is listed");
    trimmed(&expanded(source))
}

#[test]
fn the_excerpt_is_in_the_expansion() {
    let expansion = mixture();
    for piece in fenced("## The code it becomes", "rust,ignore").split("\n// …\n") {
        assert!(
            expansion.contains(piece.trim()),
            "the README shows what the macro no longer writes:\n{piece}"
        );
    }
}

#[test]
fn the_plan_is_in_the_expansion() {
    let plan = fenced("## The code it becomes", "text");
    let doc: Vec<String> = plan.lines().map(|line| format!("/// {line}").trim_end().to_string()).collect();
    let expansion: Vec<String> =
        mixture().lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in doc {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(expansion.contains(&line), "the README shows a plan that has changed: {line}");
    }
}
