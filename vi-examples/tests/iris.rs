//! Irises: both fits and both plans as a user reads them.

use vi_examples::iris::{
    clusters, cross_table, fit_clusters, fit_partly_labelled, flowers, labels, partly_labelled, species,
};

#[test]
fn three_clusters() {
    insta::assert_snapshot!(fit_clusters(&flowers().unwrap()).unwrap());
}

#[test]
fn five_labels_of_each_species() {
    let x = flowers().unwrap();
    let fit = fit_partly_labelled(&x, &labels(x.nrows(), 5)).unwrap();
    insta::assert_snapshot!(format!("{fit}\n{:?}", cross_table(&fit.posterior.z)));
}

#[test]
fn known_species_stay_what_they_are() {
    let x = flowers().unwrap();
    let labels = labels(x.nrows(), 5);
    let fit = fit_partly_labelled(&x, &labels).unwrap();
    for n in (0..x.nrows()).filter(|n| labels[*n].is_some()) {
        assert_eq!(fit.posterior.z.probs(n)[species(n)], 1.0, "flower {n}");
    }
}

#[test]
fn plan_of_the_clusters() {
    insta::assert_snapshot!(clusters::PLAN);
}

#[test]
fn plan_of_the_partly_labelled() {
    insta::assert_snapshot!(partly_labelled::PLAN);
}
