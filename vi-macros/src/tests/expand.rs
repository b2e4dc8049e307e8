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

/// A mean that outlives its chain is one block with it, however it is written.
#[test]
fn a_chain_beside_its_mean_is_one_block() {
    for mean in ["mu + phi * x[t-1]", "mu + phi * (x[t-1] - mu)"] {
        let written = expanded(&format!(
            "pub mod reverting {{
                param    phi: Real;   param q: Positive;   param r: Positive;
                latent   mu           ~ Normal(1, var: 4);
                latent   x[0]         ~ Normal(0, var: q);
                latent   x[t in 1..T] ~ Normal({mean}, var: q);
                observed y[t in T]    ~ Normal(x[t], var: r);
            }}"
        ));
        assert!(written.contains("block {mu, x[·]}") && !written.contains("compile_error"), "{written}");
    }
}

/// What a refusal says to write has code.
#[test]
fn a_matrix_is_written_entry_by_entry() {
    let model = |entries: &str, matrix: &str| {
        expanded(&format!(
            "pub mod partly_fixed {{
                param    a: Real;   param phi: Real;   param q: Positive;
                {entries}
                latent   x[0]: Vector[2]         ~ Normal(0, var: 3);
                latent   x[t in 1..T]: Vector[2] ~ Normal({matrix} * x[t-1], var: q);
                observed y[t in T]               ~ Normal(x[t][0], var: q);
            }}"
        ))
    };
    let refused = model("", "[[1, a], [0, phi]]");
    assert!(refused.contains("a list of lists is no matrix"), "{refused}");
    assert!(refused.contains("as in `let A[0, 0] = 1; let A[0, 1] = a;`"), "{refused}");
    let entries = "let A[0, 0] = 1; let A[0, 1] = a; let A[1, 0] = 0; let A[1, 1] = phi;";
    let written = model(entries, "A");
    assert!(!written.contains("compile_error"), "{written}");
}

/// A location without a prior beside others that have one: its elements are those that the data read.
#[test]
fn flat_vectors_beside_effects_expand() {
    let text = expanded(
        "pub mod flat_groups {
            given    g[n in N]: Category[G];   given x[n in N]: Vector[P];
            param    v: Positive;   param s2: Positive;
            latent   beta: Vector[P] ~ Flat();
            latent   a[k in G]       ~ Normal(0, var: v);
            observed y[n in N]       ~ Normal(dot(beta, x[n]) + a[g[n]], var: s2);
        }",
    );
    assert!(!text.contains("compile_error") && !text.contains("G + 0"), "{text}");
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
