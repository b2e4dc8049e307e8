//! Letters of a text: what is printed, and what a reader of Russian knows.

use vi_examples::letters::{fit, kinds, letters, read};

#[test]
fn vowels_and_consonants_part_by_themselves() {
    let w = read().unwrap();
    assert_eq!(w.len(), 1365);
    let chain = fit(&w, 2).unwrap();
    // The best of twenty starts of another program.
    assert!((chain.log_likelihood() + 3969.8135).abs() < 1e-3, "{}", chain.log_likelihood());
    let table = kinds(&chain, &w);
    let first: String = table.iter().filter(|(_, _, shares)| shares[0] > 0.5).map(|(c, ..)| *c).collect();
    // The soft sign stands where a vowel would, and of ю, one of the rarest letters, most stand after vowels.
    assert_eq!(first, "аеиоуыьэя");
    let trans: Vec<String> =
        chain.params.trans.iter().map(|row| format!("{:.4} {:.4}\n", row[0], row[1])).collect();
    let shares: Vec<String> =
        table.iter().map(|(c, count, shares)| format!("{c} {count:>4} {:.3}\n", shares[0])).collect();
    insta::assert_snapshot!(trans.concat() + &shares.concat());
}

#[test]
fn letters_of_one_kind_are_counted() {
    let w = read().unwrap();
    let one = fit(&w, 1).unwrap();
    let counts: Vec<f64> = (0..32).map(|v| w.iter().filter(|x| **x == v).count() as f64).collect();
    let entropy: f64 = counts.iter().filter(|n| **n > 0.0).map(|n| n * (n / w.len() as f64).ln()).sum();
    assert!((one.log_likelihood() - entropy).abs() < 1e-8);
}

#[test]
fn plan() {
    insta::assert_snapshot!(letters::PLAN);
}
