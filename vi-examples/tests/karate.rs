//! The karate club: bounds, kinds and the plan.

use vi_examples::karate::{INSTRUCTOR, block_model, fit, friendships, kinds};

#[test]
fn bounds_and_kinds() {
    let y = friendships().unwrap();
    assert_eq!(y.iter().filter(|edge| **edge).count(), 78);
    let mut text = String::new();
    for k in 1..=4 {
        let fit = fit(&y, k).unwrap();
        text.push_str(&format!("{k}: {:.6}\n", fit.elbo()));
        for members in kinds(&fit) {
            text.push_str(&format!("  {members:?}\n"));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn four_kinds_respect_the_split() {
    let fit = fit(&friendships().unwrap(), 4).unwrap();
    let mixed: usize = kinds(&fit)
        .iter()
        .map(|k| {
            let own = k.iter().filter(|i| INSTRUCTOR.contains(i)).count();
            own.min(k.len() - own)
        })
        .sum();
    assert!(mixed <= 3, "{mixed} members stand with the other side");
}

#[test]
fn plan() {
    insta::assert_snapshot!(block_model::PLAN);
}
