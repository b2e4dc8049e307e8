//! Old Faithful: the fit and the plan as a user reads them.

use vi_core::Options;
use vi_examples::old_faithful::{eruptions, fit, mixture};

#[test]
fn two_gaussians() {
    insta::assert_snapshot!(fit(&eruptions().unwrap()).unwrap());
}

#[test]
fn plan() {
    insta::assert_snapshot!(mixture::PLAN);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let x = eruptions().unwrap();
    let data = mixture::Data { x: (&x).into() };
    let trace = |threads| {
        let options = Options::new().seed(1).restarts(3).threads(threads);
        let fit = mixture::Model::new(2).fit(&data, &options).unwrap();
        fit.trace.iter().map(|f| f.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(trace(1), trace(2));
    assert_eq!(trace(1), trace(5));
}
