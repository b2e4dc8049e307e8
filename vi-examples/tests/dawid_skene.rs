//! Dawid & Skene: both fits and both plans as a user reads them.

use vi_examples::dawid_skene::{judgements, likelihood, smoothed};

#[test]
fn maximum_likelihood() {
    insta::assert_snapshot!(judgements().unwrap().fit_likelihood().unwrap());
}

#[test]
fn posterior_mode() {
    insta::assert_snapshot!(judgements().unwrap().fit_smoothed().unwrap());
}

#[test]
fn most_likely_grades() {
    let fit = judgements().unwrap().fit_likelihood().unwrap();
    let truth = &fit.posterior.truth;
    let grades: Vec<String> = (0..truth.len()).map(|n| (truth.most_likely(n) + 1).to_string()).collect();
    // Found by an independent program from the same start.
    assert_eq!(
        grades.join(" "),
        "1 4 2 2 2 2 1 3 2 2 4 3 1 2 1 1 1 1 2 2 2 2 2 2 1 1 2 1 1 1 1 3 1 2 2 4 2 3 3 1 1 1 2 1 2"
    );
}

#[test]
fn plan_of_the_likelihood() {
    insta::assert_snapshot!(likelihood::PLAN);
}

#[test]
fn plan_of_the_posterior_mode() {
    insta::assert_snapshot!(smoothed::PLAN);
}
