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

/// The macro runs at every keystroke of an editor. Best of five, since other work on the machine only lengthens a run:
/// `cargo test -p vi-macros -- --ignored --nocapture every_program_expands_within`.
#[test]
#[ignore = "a measurement: its outcome depends on the machine"]
fn every_program_expands_within_300_ms() {
    let limit = std::time::Duration::from_millis(300);
    for (name, source) in programs::ALL {
        let best = (0..5)
            .map(|_| {
                let tokens: proc_macro2::TokenStream = source.parse().expect("the source lexes");
                let begun = std::time::Instant::now();
                std::hint::black_box(crate::pipeline::expand(tokens));
                begun.elapsed()
            })
            .min()
            .expect("five runs");
        println!("{name}: {best:.1?}");
        assert!(best < limit, "{name}: {best:?}");
    }
}

/// The programs with golden expansions: files that are compiled beside the macro's own output, in `tests/expand`.
const GOLDEN: &[&str] = &["01_mixture", "13_dawid_skene"];

fn golden(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/expand")
        .join(format!("{name}.expanded.rs"))
}

/// Set `GOLDEN=write` to write the files anew; then read the difference.
#[test]
fn golden_expansions_are_what_the_macro_writes() {
    for name in GOLDEN {
        let (_, source) =
            programs::ALL.iter().find(|(n, _)| n.starts_with(name)).expect("a program of this name");
        let text = expanded(source);
        if std::env::var("GOLDEN").is_ok_and(|v| v == "write") {
            std::fs::write(golden(name), &text).expect("the golden file can be written");
        }
        let kept = std::fs::read_to_string(golden(name)).expect("the golden file is there");
        assert!(kept == text, "{name} expands to something else now: GOLDEN=write, then read the difference");
    }
}

#[test]
fn expansions_are_snapshots_with_their_source() {
    for (name, source) in programs::ALL.iter().filter(|(n, _)| ["03", "19"].iter().any(|p| n.starts_with(p)))
    {
        insta::with_settings!({ description => *source, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("expansion_{name}"), expanded(source));
        });
    }
}
