//! Earthquakes: every number of kinds, the plan and the choice.

use vi_examples::earthquakes::{bic, counts, fit, mixture};

#[test]
fn one_to_four_kinds_of_years() {
    let (_, y) = counts().unwrap();
    let fits: Vec<String> = (1..=4).map(|kinds| fit(&y, kinds).unwrap().to_string()).collect();
    insta::assert_snapshot!(fits.join("\n"));
}

#[test]
fn likelihoods_are_the_published_ones_and_bic_chooses_two_kinds() {
    let (_, y) = counts().unwrap();
    let fits: Vec<_> = (1..=4).map(|kinds| fit(&y, kinds).unwrap()).collect();
    // The table of independent mixtures in Zucchini & MacDonald (2009), which gives −log L to four decimals.
    for (fit, published) in fits.iter().zip([391.9189, 360.3690, 356.8489, 356.7337]) {
        assert!((fit.log_likelihood() + published).abs() <= 1e-4, "{}", fit.log_likelihood());
    }
    let bics: Vec<f64> = fits.iter().map(|fit| bic(fit, y.len())).collect();
    assert!([0, 2, 3].iter().all(|other| bics[1] < bics[*other]), "{bics:?}");
}

#[test]
fn plan() {
    insta::assert_snapshot!(mixture::PLAN);
}
