//! One constructor for each mistake: where first, then what; the doc comment shows the mistake and its repair.

pub mod density;
pub mod kernel;
pub mod model;
pub mod plan;
pub mod syntax;

/// The candidate closest to `word` by edit distance, if one is close enough to be what was meant.
///
/// A swap of two neighbours counts once. A word that begins with the other (`parameter`, `param`) is close too.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let target = candidate.to_lowercase();
        let extends = |a: &str, b: &str| b.len() >= 3 && a.starts_with(b);
        let distance = if extends(&lower, &target) || extends(&target, &lower) {
            1
        } else {
            edit_distance(&lower, &target)
        };
        let allowed = (lower.chars().count().max(target.chars().count()) / 3).max(1);
        let short = target.chars().count() < 2 && distance > 0;
        if distance <= allowed && !short && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let shorter = rows[i - 1][j].min(rows[i][j - 1]) + 1;
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let least = replaced.min(shorter);
                if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
            };
        }
    }
    rows[a.len()][b.len()]
}

/// `text`, shortened so that a title stays under its length.
fn clip(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(length - 1).collect();
    clipped.push('…');
    clipped
}
