//! What a user reads after a mistake: the whole text of rustc, held to the letter.
//!
//! One folder for each kind of mistake. After a change of wording, `TRYBUILD=overwrite cargo test -p vi-tests --test language mistakes` writes the
//! texts anew; read every one of them before it is committed.

#[test]
fn mistakes_are_told_in_the_words_of_the_model() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("ui/*/*.rs");
}
