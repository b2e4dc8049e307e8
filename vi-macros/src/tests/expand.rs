//! Expansions, formatted as `cargo expand` shows them.

use super::programs;

/// The expansion of a block, pretty-printed.
pub fn expanded(source: &str) -> String {
    let tokens: proc_macro2::TokenStream = source.parse().expect("the source lexes");
    let out = crate::pipeline::expand(tokens).to_string();
    match syn::parse_file(&out) {
        Ok(file) => prettyplease::unparse(&file),
        Err(e) => {
            let at = e.span().start().column;
            let near: String = out.chars().skip(at.saturating_sub(200)).take(300).collect();
            panic!("the expansion does not parse: {e} near\n{near}")
        }
    }
}

/// Writes the expansion of a file: `EXPAND=model.vi cargo test -p vi-macros write_expansion`.
#[test]
fn write_expansion() {
    let Ok(path) = std::env::var("EXPAND") else { return };
    let source = std::fs::read_to_string(&path).expect("the file reads");
    println!("{}", expanded(&source));
}

#[test]
fn programs_with_local_finite_latents_expand() {
    for (name, source) in programs::ALL {
        if ["01", "03", "13", "19"].iter().any(|n| name.starts_with(n)) {
            let text = expanded(source);
            assert!(!text.contains("compile_error"), "{name}: {text}");
        }
    }
}
