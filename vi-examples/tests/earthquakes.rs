//! Earthquakes: every number of kinds, the plan and the choice.

use vi_examples::earthquakes::{bic, counts, fit, mixture};

#[test]
fn one_to_four_kinds_of_years() {
    let (_, y) = counts().unwrap();
    let fits: Vec<String> = (1..=4).map(|kinds| fit(&y, kinds).unwrap().to_string()).collect();
    insta::assert_snapshot!(fits.join("\n"));
}

#[test]
fn bic_chooses_two_kinds() {
    let (_, y) = counts().unwrap();
    let bics: Vec<f64> = (1..=4).map(|kinds| bic(&fit(&y, kinds).unwrap(), y.len())).collect();
    // The table of independent mixtures in Zucchini & MacDonald (2009), which gives one decimal.
    for (bic, published) in bics.iter().zip([788.5, 734.8, 737.1, 746.2]) {
        assert!((bic - published).abs() <= 0.05, "{bics:?}");
    }
}

#[test]
fn plan() {
    insta::assert_snapshot!(mixture::PLAN);
}
