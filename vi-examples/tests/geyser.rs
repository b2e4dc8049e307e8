//! Eruptions in their order: what is printed, and what memory is worth.

use vi_examples::geyser::{eruptions, eruptions_in_order, expected, fit, fit_apart};

#[test]
fn a_short_eruption_is_never_followed_by_another() {
    let (wait, y) = eruptions_in_order().unwrap();
    let chain = fit(&wait, &y).unwrap();
    insta::assert_snapshot!(chain);
    assert!(chain.params.trans[0][0] < 0.01);

    // The same law without memory is the chain whose rows are equal: it cannot do better.
    let apart = fit_apart(&wait, &y).unwrap();
    assert!(chain.log_likelihood() > apart.log_likelihood() + 20.0);

    // Known the eruptions before, the next is foretold better than by their mean.
    let expected = expected(&chain, &wait, &y).unwrap();
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let squares = |of: &dyn Fn(usize) -> f64| (1..y.len()).map(|t| (y[t] - of(t)).powi(2)).sum::<f64>();
    assert!(squares(&|t| expected[t]) < squares(&|_| mean));
}

#[test]
fn plan() {
    insta::assert_snapshot!(eruptions::PLAN);
}
