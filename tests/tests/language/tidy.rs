//! Order in the house: what no compiler checks, read off the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below a folder of the workspace whose name ends so, with its path from the root and its text.
fn sources(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("the entry reads").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root()).expect("the path is below the root");
                let text = fs::read_to_string(&path).expect("the file is text");
                found.push((name.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no `{ending}` in `{folder}`");
    found
}

fn rust() -> Vec<(String, String)> {
    ["vi-macros/src", "vi-core/src", "vi-core/tests", "vi-examples", "tests/src", "tests/tests", "tests/ui"]
        .iter()
        .flat_map(|folder| sources(folder, ".rs"))
        .collect()
}

#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn a_link_in_a_document_leads_to_a_file() {
    let mut problems = vec![];
    for name in
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "tests/data/README.md", "vi-examples/data/README.md"]
    {
        let place = root().join(name);
        let text = fs::read_to_string(&place).expect("the document is there");
        let mut fenced = false;
        let lines = text.lines().filter(|line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fence && !fenced
        });
        let targets =
            lines.flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
        let (mut links, folder) = (0, place.parent().expect("a document is in a folder"));
        for target in targets.map(|t| t.split('#').next().unwrap_or(t)).filter(|t| !t.contains("://")) {
            links += 1;
            if !target.is_empty() && !folder.join(target).exists() {
                problems.push(format!("{name}: `{target}` is not there"));
            }
        }
        assert!(links > 0 || name != "README.md", "the README links to no file");
    }
    none(&problems);
}

#[test]
fn a_file_has_at_most_600_lines() {
    let mut problems = vec![];
    for (name, text) in rust() {
        let lines = text.lines().count();
        if lines > 600 {
            problems.push(format!("{name} has {lines} lines: divide it by what its parts are about"));
        }
    }
    none(&problems);
}

#[test]
fn a_file_is_named_after_what_it_holds() {
    let mut problems = vec![];
    for (name, _) in rust() {
        for part in name.trim_end_matches(".rs").split('/') {
            if ["util", "utils", "common", "helper", "helpers", "misc", "lib2", "stuff"].contains(&part) {
                problems.push(format!("{name}: `{part}` says nothing of what is in it"));
            }
        }
    }
    none(&problems);
}

/// The compiler follows the algebra. A model that it knows by name would be a special case.
const MODELS: &[&str] = &[
    "gmm",
    "hmm",
    "lda",
    "kalman",
    "viterbi",
    "baum",
    "dawid",
    "skene",
    "ppca",
    "trueskill",
    "slds",
    "blockmodel",
    "block_model",
    "eight_schools",
    "factor_analysis",
    "state_space",
    "topic",
    "ratings",
    "zero_inflated",
    "completion",
];

#[test]
fn the_compiler_knows_no_model_by_name() {
    let mut problems = vec![];
    for (name, text) in sources("vi-macros/src", ".rs") {
        if name.starts_with("vi-macros/src/tests/") {
            continue;
        }
        for (n, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let mut words = lower.split(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(word) = words.find(|w| MODELS.contains(w)) {
                problems.push(format!("{name}:{}: `{word}`", n + 1));
            }
        }
    }
    none(&problems);
}

/// How a distribution is made is a column of its family: code is written from that, and knows none.
#[test]
fn code_is_written_without_knowing_a_family_by_name() {
    let families: Vec<String> = sources("vi-macros/src/families", ".rs")
        .iter()
        .filter_map(|(_, text)| Some(text.split_once("    name: \"")?.1.split_once('"')?.0.to_string()))
        .collect();
    assert!(families.len() > 20, "the families are no longer found by their names: {families:?}");
    let mut problems = vec![];
    for (name, text) in sources("vi-macros/src/emit", ".rs") {
        for (n, line) in text.lines().enumerate() {
            // What a statement's density is made of is no family, though a variant is called alike.
            let line = line.replace("Form::Normal", "").replace("Form::Flat", "");
            if line.trim_start().starts_with("//") {
                continue;
            }
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(word) = words.find(|w| families.iter().any(|f| f == w)) {
                problems.push(format!("{name}:{}: `{word}`", n + 1));
            }
        }
    }
    none(&problems);
}

/// `mod a;` and `pub mod a;` of a file.
fn modules<'a>(text: &'a str, declared: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(declared)?.strip_suffix(';')).collect()
}

#[test]
fn a_distribution_has_one_file_on_either_side() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("the list of modules reads");
    let (symbolic, numeric) = (read("vi-macros/src/families/mod.rs"), read("vi-core/src/dist/mod.rs"));
    let symbolic = modules(&symbolic, "mod ");
    // Posteriors can be of this family; no statement can.
    let numeric: Vec<&str> =
        modules(&numeric, "pub mod ").into_iter().filter(|m| *m != "power_gamma").collect();
    assert_eq!(symbolic, numeric);

    let mut files: Vec<String> = sources("vi-macros/src/families", ".rs")
        .into_iter()
        .filter_map(|(name, _)| Some(Path::new(&name).file_stem()?.to_string_lossy().into_owned()))
        .filter(|name| name != "mod")
        .collect();
    files.sort();
    assert_eq!(symbolic, files);
}

/// A function that makes a diagnostic, and the titles it can give: each as the fixed words between what is filled in.
struct Constructor {
    place: String,
    titles: Vec<Vec<String>>,
}

/// The string literal that begins at the start of `text`.
fn literal(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => out.push(chars.next()?),
            c => out.push(c),
        }
    }
}

/// The fixed words of a format string.
fn fixed(format: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => {
                chars.next();
                parts.last_mut().expect("never empty").push(c);
            }
            '{' => {
                chars.by_ref().find(|c| *c == '}');
                parts.push(String::new());
            }
            c => parts.last_mut().expect("never empty").push(c),
        }
    }
    parts
}

/// The titles in the body of a constructor: what stands in the second place of `Diagnostic::new`, in `let title`, and in assignments to one.
fn titles(body: &str) -> Vec<Vec<String>> {
    let mut found = vec![];
    for (at, _) in body.match_indices('"') {
        let before = body[..at].trim_end();
        let is_format = before.ends_with("format!(");
        let head = before.strip_suffix("format!(").unwrap_or(before).trim_end();
        let from = head.rfind("Diagnostic::new(").into_iter().chain(head.rfind("title =")).max();
        let Some(from) = from else { continue };
        let between = &head[from..];
        // A help or a note, or the next argument of `format!`, is no title.
        let ended = [".help(", ".note(", ";\n    d", "quoted("].iter().any(|end| between.contains(end));
        let first = between.matches('"').count() == 0 || is_format || between.ends_with("=>");
        if let (false, true, Some(text)) = (ended, first, literal(&body[at..])) {
            found.push(if is_format { fixed(&text) } else { vec![text] });
        }
    }
    // Too few fixed words would be found anywhere.
    found.retain(|parts| {
        parts.iter().map(|p| p.chars().filter(|c| c.is_alphabetic()).count()).sum::<usize>() >= 6
    });
    found
}

fn constructors() -> Vec<Constructor> {
    let mut all = vec![];
    for (name, text) in sources("vi-macros/src/diagnostics", ".rs") {
        for item in text.split("\npub fn ").skip(1) {
            let body = item.split("\n}").next().unwrap_or(item);
            let signature = body.split('{').next().unwrap_or(body);
            if signature.contains("-> Diagnostic") && body.contains("Diagnostic::new") {
                let function = item.split('(').next().unwrap_or(item);
                all.push(Constructor { place: format!("{name}: {function}"), titles: titles(body) });
            }
        }
    }
    all
}

/// Whether a line of text holds these parts in this order.
fn holds(line: &str, parts: &[String]) -> bool {
    let mut rest = line;
    parts.iter().all(|part| match rest.find(part.as_str()) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// What an earlier stage always refuses first. A later stage says it all the same, because it must say something.
const UNREACHABLE: &[&str] = &[
    "density.rs: not_an_index",
    "density.rs: literal_too_short",
    "density.rs: missing_argument",
    "indices.rs: for_without_range",
    "types.rs: let_without_type",
];

#[test]
fn every_mistake_has_a_test() {
    let mut texts = sources("tests/ui", ".stderr");
    texts.extend(sources("vi-macros/src/tests", ".rs"));
    let told: Vec<&str> = texts.iter().flat_map(|(_, text)| text.lines()).collect();
    let constructors = constructors();
    assert!(constructors.len() > 100, "only {} constructors were found", constructors.len());
    let mut problems = vec![];
    for constructor in &constructors {
        if constructor.titles.is_empty() {
            problems.push(format!("{}: no title was found", constructor.place));
            continue;
        }
        let shown = constructor.titles.iter().any(|title| told.iter().any(|line| holds(line, title)));
        let unreachable = UNREACHABLE.iter().any(|name| constructor.place.ends_with(name));
        let title = constructor.titles[0].join("…");
        match (shown, unreachable) {
            (false, false) => problems.push(format!("{}: no test shows «{title}»", constructor.place)),
            (true, true) => problems.push(format!("{}: «{title}» can be reached", constructor.place)),
            (true, false) | (false, true) => {}
        }
    }
    none(&problems);
}

#[test]
fn a_mistake_is_told_in_one_short_line_and_mended_in_another() {
    let mut problems = vec![];
    for (name, text) in sources("tests/ui", ".stderr") {
        for block in text.split("\nerror").map(|b| b.strip_prefix("error").unwrap_or(b)) {
            // Errors with a code are rustc's own.
            let Some(title) = block.strip_prefix(": ").and_then(|b| b.lines().next()) else { continue };
            let mut wrong = |what: &str| problems.push(format!("{name}: «{title}» {what}"));
            if title.chars().count() >= 70 {
                wrong("is too long");
            }
            if title.ends_with('.') || title.starts_with(char::is_uppercase) {
                wrong("is written as a sentence");
            }
            // Nothing can be written in place of what only waits for its code.
            if !block.contains("       help: ") && !title.ends_with("not generated yet") {
                wrong("says nothing of what to write instead");
            }
        }
    }
    none(&problems);
}

#[test]
fn every_folder_of_mistakes_has_its_texts() {
    let mistakes = sources("tests/ui", ".rs");
    let texts: Vec<String> = sources("tests/ui", ".stderr").into_iter().map(|(name, _)| name).collect();
    let mut problems = vec![];
    for (name, _) in &mistakes {
        if !texts.contains(&name.replace(".rs", ".stderr")) {
            problems.push(format!("{name} has no text"));
        }
    }
    for text in &texts {
        if !mistakes.iter().any(|(name, _)| *text == name.replace(".rs", ".stderr")) {
            problems.push(format!("{text} belongs to no mistake"));
        }
    }
    none(&problems);
}
