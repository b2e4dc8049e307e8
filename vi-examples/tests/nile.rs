//! The Nile: what is printed, the published maximum, and the years to come.

use vi_examples::nile::{fit, flows, local_level};

#[test]
fn a_level_and_its_noise() {
    insta::assert_snapshot!(fit(&flows().unwrap().1).unwrap());
}

#[test]
fn the_maximum_is_the_published_one() {
    let fit = fit(&flows().unwrap().1).unwrap();
    // Durbin & Koopman, and independent programs to these digits.
    assert!((fit.log_likelihood() + 632.545_625).abs() < 1e-6, "{}", fit.log_likelihood());
    assert!((fit.params.noise - 15_098.5).abs() < 5.0, "{}", fit.params.noise);
    assert!((fit.params.drift - 1_469.2).abs() < 5.0, "{}", fit.params.drift);
}

#[test]
fn years_to_come_have_the_last_level_and_wider_and_wider_intervals() {
    let flow = flows().unwrap().1;
    let fit = fit(&flow).unwrap();
    let ahead = fit.forecast(&local_level::Data { flow: (&flow).into() }, 10).unwrap();
    let last = &fit.posterior.level[99];
    for h in 0..10 {
        let y = ahead.absent.flow.get([h]).unwrap();
        assert!((y.mean() - last.mean()).abs() < 1e-9);
        let var = last.var() + (h + 1) as f64 * fit.params.drift + fit.params.noise;
        assert!((y.var() - var).abs() < 1e-6, "{} and {var}", y.var());
    }
}

#[test]
fn plan() {
    insta::assert_snapshot!(local_level::PLAN);
}
