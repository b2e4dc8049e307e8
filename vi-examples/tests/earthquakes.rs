//! Earthquakes: every number of kinds, the plan and the choice.

use vi_examples::earthquakes::{bic, counts, fit, mixture};

#[test]
fn one_to_four_kinds_of_years() {
    let (_, y) = counts().unwrap();
    let fits: Vec<String> = (1..=4).map(|kinds| fit(&y, kinds).unwrap().to_string()).collect();
    insta::assert_snapshot!(fits.join("\n"));
}

#[test]
fn bic_chooses_three_kinds() {
    let (_, y) = counts().unwrap();
    let bics: Vec<f64> = (1..=4).map(|kinds| bic(&fit(&y, kinds).unwrap(), y.len())).collect();
    assert!([0, 1, 3].iter().all(|k| bics[2] < bics[*k]), "{bics:?}");
}

#[test]
fn plan() {
    insta::assert_snapshot!(mixture::PLAN);
}
