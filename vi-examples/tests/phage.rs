//! Stretches of a genome: what is printed, and what another program finds.

use vi_examples::phage::{bic, cut, fit, read, stretches};

#[test]
fn a_genome_is_cut_where_another_program_cuts_it() {
    let base = read().unwrap();
    assert_eq!(base.len(), 48_502);
    let two = fit(&base, 2).unwrap();
    // hmmlearn 0.3.3, whose starts were told that states last.
    assert!((two.log_likelihood() + 66_678.071275).abs() < 1e-4, "{}", two.log_likelihood());
    let one = fit(&base, 1).unwrap();
    let count = |b: usize| base.iter().filter(|x| **x == b).count() as f64;
    let entropy: f64 = (0..4).map(|b| count(b) * (count(b) / base.len() as f64).ln()).sum();
    assert!((one.log_likelihood() - entropy).abs() < 1e-6);
    assert!(bic(&two, &base) < bic(&one, &base));

    let stretches: String =
        cut(&two).unwrap().iter().map(|(r, kind)| format!("{kind} {}..={}\n", r.start + 1, r.end)).collect();
    let freq: Vec<String> = two
        .params
        .freq
        .iter()
        .map(|f| f.iter().map(|p| format!("{p:.4} ")).collect::<String>() + "\n")
        .collect();
    insta::assert_snapshot!(freq.concat() + &stretches);
}

#[test]
fn plan() {
    insta::assert_snapshot!(stretches::PLAN);
}
