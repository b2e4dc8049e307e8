//! A stochastic block model of Zachary's karate club: kinds of members by whom they are friends with.
//!
//! `cargo run -p vi-examples --example karate`

use vi_examples::karate::{INSTRUCTOR, block_model, fit, friendships, kinds};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let y = friendships()?;
    println!("{}", block_model::PLAN);
    println!("kinds  bound on log p(friendships)");
    let mut best = None;
    for k in 1..=6 {
        let fit = fit(&y, k)?;
        println!("{k:>5}  {:.4}", fit.elbo());
        if best.as_ref().is_none_or(|(_, bound)| fit.elbo() > *bound) {
            best = Some((fit.clone(), fit.elbo()));
        }
    }
    let Some((fit, _)) = best else { return Ok(()) };
    println!("\nkinds of the best bound (members counted from 1; * sided with the instructor):");
    for members in kinds(&fit) {
        let names: Vec<String> = members
            .iter()
            .map(|i| format!("{}{}", i + 1, if INSTRUCTOR.contains(i) { "*" } else { "" }))
            .collect();
        println!("  {}", names.join(" "));
    }
    Ok(())
}
