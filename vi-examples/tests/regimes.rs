//! Chains of years: what is printed, the published likelihoods, and the years to come.

use vi_examples::earthquakes::counts;
use vi_examples::regimes::{bic, fit, regimes};

#[test]
fn three_kinds_of_years() {
    let (_, y) = counts().unwrap();
    let fit = fit(&y, 3).unwrap();
    let path: String = fit.posterior.z.path().unwrap().states.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(format!("{fit}\n{path}"));
}

#[test]
fn likelihoods_are_the_known_ones() {
    let (_, y) = counts().unwrap();
    let fits: Vec<_> = (1..=3).map(|kinds| fit(&y, kinds).unwrap()).collect();
    // One kind is a Poisson law; of two, the best of many starts of other programs. Zucchini & MacDonald's -342.3183 has a stationary start.
    for (fit, known) in fits.iter().zip([-391.918_9, -341.878_701]) {
        assert!((fit.log_likelihood() - known).abs() <= 1e-4, "{}", fit.log_likelihood());
    }
    let two = &fits[1].params;
    for (found, known) in two
        .rate
        .iter()
        .chain(&two.trans[0])
        .chain(&two.trans[1])
        .zip([15.420_762, 26.018_237, 0.928_374, 0.071_626, 0.119_034, 0.880_966])
    {
        assert!((found - known).abs() < 2e-4, "{found} and {known}");
    }
    let bics: Vec<f64> = fits.iter().map(|fit| bic(fit, y.len())).collect();
    assert!(bics[1] < bics[0], "{bics:?}");
}

#[test]
fn the_years_to_come_end_in_what_is_usual() {
    let (_, y) = counts().unwrap();
    let fit = fit(&y, 2).unwrap();
    let forecast = fit.forecast(&regimes::Data { y: (&y).into() }, 400).unwrap();
    let [stay, leave] = [fit.params.trans[0][1], fit.params.trans[1][0]];
    let active = stay / (stay + leave);
    let usual = (1.0 - active) * fit.params.rate[0] + active * fit.params.rate[1];
    let last = forecast.absent.y.get([399]).unwrap();
    assert!((last.mean() - usual).abs() < 1e-6, "{} and {usual}", last.mean());
}

#[test]
fn plan() {
    insta::assert_snapshot!(regimes::PLAN);
}
