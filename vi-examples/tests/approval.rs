//! Approval with gaps: what is printed, and bands that widen where nobody asked.

use vi_examples::approval::{approval, fit, known, log_odds, polls};

#[test]
fn approval_with_gaps() {
    let (quarters, poll) = polls().unwrap();
    let fit = fit(&log_odds(&poll)).unwrap();
    let imputed: Vec<String> = known(&quarters, &fit)
        .1
        .iter()
        .map(|k| format!("{:.2}: {:.1}, {:.1} to {:.1}", k.at, k.mean, k.interval.0, k.interval.1))
        .collect();
    insta::assert_snapshot!(format!("{fit}\n{}", imputed.join("\n")));
}

#[test]
fn bands_widen_in_the_gaps_and_most_in_the_longer_ones() {
    let (_, poll) = polls().unwrap();
    let fit = fit(&log_odds(&poll)).unwrap();
    let sd = |t: usize| fit.posterior.odds[t].sd();
    let missing: Vec<usize> = (0..poll.len()).filter(|t| poll[*t].is_nan()).collect();
    assert_eq!(missing, [0, 14, 15, 30, 110, 111]);
    let widest = (0..poll.len()).filter(|t| !poll[*t].is_nan()).map(sd).fold(0.0, f64::max);
    assert!(missing.iter().all(|t| sd(*t) > widest), "{widest}");
    assert!(sd(14) > sd(30) && sd(111) > sd(30));
}

#[test]
fn plan() {
    insta::assert_snapshot!(approval::PLAN);
}
