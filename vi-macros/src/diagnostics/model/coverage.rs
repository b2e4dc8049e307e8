//! Overlaps, gaps, reads out of range, cycles.

use super::names::quoted;
use crate::report::Diagnostic;
use crate::syntax::ast::Loc;

/// `z[0] ~ …; z[t in T] ~ …`: write `z[t in 1..T]`.
pub fn overlap(loc: Loc, element: &str, line: usize, random: bool, small: Option<i64>) -> Diagnostic {
    let title = if random {
        format!("`{element}` is given two distributions")
    } else {
        format!("`{element}` is declared twice")
    };
    let d = Diagnostic::new(loc, title)
        .help("let the pieces begin where others end, as in `z[0]` and `z[t in 1..T]`")
        .note(format!("the first is on line {line} of the model"));
    match small {
        Some(size) => d.note(format!("this happens where a size is {size}")),
        None => d,
    }
}

/// `for s in S { latent m ~ …; }`: write `latent m[s] ~ …`.
pub fn missing_index(loc: Loc, name: &str, element: &str, index: &str) -> Diagnostic {
    let own = if element == name { String::new() } else { "…, ".to_owned() };
    Diagnostic::new(loc, format!("`{element}` is declared once for every `{index}`"))
        .help(format!("write `{name}[{own}{index}]`, or declare it outside of the `for`"))
}

/// `x[t-1]` at t = 0, where no statement declares `x[0]`.
pub fn gap(loc: Loc, element: &str, read: &str, point: &str) -> Diagnostic {
    let at = if point.is_empty() { String::new() } else { format!(" at {point}") };
    let d = Diagnostic::new(loc, format!("`{element}` is not declared: `{read}`{at} reads it"));
    d.help(format!("declare it: `{element} ~ …;`"))
        .note("whatever is read needs a declaration; a distribution, if it is random")
}

/// `z[t-1]` under `t in T`.
pub fn out_of_range(loc: Loc, read: &str, element: &str, point: &str, before: bool, end: &str) -> Diagnostic {
    let title = match (point.is_empty(), read == element) {
        (true, true) => format!("`{element}` does not exist"),
        (true, false) => format!("`{read}` reads `{element}`"),
        (false, _) => format!("at {point} this reads `{element}`"),
    };
    let d = Diagnostic::new(loc, title);
    if before {
        d.help("write the first step separately: `z[0] ~ …;` and `z[t in 1..T] ~ …`")
            .note("positions count from 0")
    } else {
        d.help("shorten the range, or write the last step separately")
            .note(format!("positions end before `{end}`"))
    }
}

/// `a ~ Normal(b, …); b ~ Normal(a, …)`
pub fn cycle(loc: Loc, path: &[String], lines: &[usize]) -> Diagnostic {
    let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
    let shown = path.join(" → ");
    let word = if lines.len() == 1 { "line" } else { "lines" };
    Diagnostic::new(loc, format!("each needs the other first: `{shown}`"))
        .help("let one of them come first, or read an earlier element, as in `x[t - 1]`")
        .note(format!("read on {word} {} of the model", lines.join(", ")))
}

/// `x[t] ~ Normal(x[t-1] + x[t+1], …)`
pub fn both_ways(loc: Loc, path: &[String], reads: &[String]) -> Diagnostic {
    Diagnostic::new(loc, format!("`{}` reads both earlier and later elements", path.join(" → ")))
        .help("let all reads point the same way")
        .note(format!("the reads are {}", quoted(reads)))
}

/// `x[n] ~ Normal(x[parent[n]], …)` where parent may be anything.
pub fn recursion_through_map(loc: Loc, read: &str, map: &str, index: &str, given: bool) -> Diagnostic {
    let d = Diagnostic::new(loc, format!("`{read}` may read the element itself, or a later one"));
    if given {
        d.help(format!("declare `given {map}[{index} in 1..N]: Category[{index}];`"))
            .note("that type says that the value is less than the index, and is checked when data arrive")
    } else {
        d.note(format!("`{map}` is not given, so the order of the elements would be random"))
    }
}

/// `let a = b; let b = a;`
pub fn let_cycle(loc: Loc, path: &[String]) -> Diagnostic {
    Diagnostic::new(loc, format!("a `let` cannot depend on itself: `{}`", path.join(" → ")))
        .help("write a recursion as a latent")
        .note("a `let` is a name for an expression")
}
