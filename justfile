# What a change must pass.
ci:
    .ci/run

# One test by name, in any crate.
test name="":
    cargo test --workspace {{name}}

# Old Faithful: the fit, the plan, and a picture.
faithful:
    cargo run -p vi-examples --example old_faithful

# Every example.
examples:
    cargo run -p vi-examples --example old_faithful
    cargo run -p vi-examples --example dawid_skene
    cargo run -p vi-examples --example earthquakes
    cargo run -p vi-examples --example iris
    cargo run --release -p vi-examples --example topics

# The module that a file with one block becomes.
expand file:
    EXPAND={{absolute_path(file)}} cargo test -q -p vi-macros write_expansion -- --nocapture

# Accept snapshots after reading them (needs cargo-insta).
review:
    cargo insta review

doc:
    cargo doc --workspace --no-deps --open

bench:
    cargo bench -p vi-core
