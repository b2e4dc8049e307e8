//! What grade does each patient deserve, and how far can each observer be trusted? Dawid & Skene's data, at maximum likelihood and
//! with a prior.
//!
//! `cargo run -p vi-examples --example dawid_skene`

use nalgebra::DVector;
use vi_core::prelude::*;
use vi_examples::dawid_skene::{GRADES, judgements, smoothed};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let judgements = judgements()?;
    let likelihood = judgements.fit_likelihood()?;
    let smoothed = judgements.fit_smoothed()?;

    println!("maximum likelihood: log p(labels) = {:.6}", likelihood.log_likelihood());
    print_patients(&likelihood.posterior.truth);
    print_observers(&likelihood.params.prevalence, &likelihood.params.confusion);

    println!(
        "with Dirichlet(1.1) on every row of the confusions: log p(labels) = {:.6}, with the prior {:.6}",
        smoothed.log_likelihood(),
        smoothed.log_posterior()
    );
    print_patients(&smoothed.posterior.truth);
    print_observers(&smoothed.params.prevalence, &smoothed.params.confusion);

    let (a, b) = (&likelihood.posterior.truth, &smoothed.posterior.truth);
    let differ: Vec<String> = (0..a.len())
        .filter(|n| a.most_likely(*n) != b.most_likely(*n))
        .map(|n| format!("{}", n + 1))
        .collect();
    println!(
        "patients on whom the two disagree: {}\n",
        if differ.is_empty() { "none".into() } else { differ.join(", ") }
    );
    println!("{}", smoothed::PLAN);
    Ok(())
}

fn print_patients(truth: &Categories) {
    println!("\npatient  grade  probability");
    for n in 0..truth.len() {
        let grade = truth.most_likely(n);
        let p = truth.probs(n)[grade];
        let doubt = if p < 0.9 { "  in doubt" } else { "" };
        println!("{:>7}  {:>5}  {p:>11.4}{doubt}", n + 1, grade + 1);
    }
}

fn print_observers(prevalence: &DVector<f64>, confusion: &[Vec<DVector<f64>>]) {
    println!("\nobserver  true grade  said 1  said 2  said 3  said 4  errs in");
    for (j, rows) in confusion.iter().enumerate() {
        let errs: f64 = (0..GRADES).map(|k| prevalence[k] * (1.0 - rows[k][k])).sum();
        for (k, row) in rows.iter().enumerate() {
            let said: Vec<String> = row.iter().map(|p| format!("{p:>6.3}")).collect();
            let total = if k == 0 { format!("{:>6.1} %", 100.0 * errs) } else { String::new() };
            let name = if k == 0 { (j + 1).to_string() } else { String::new() };
            println!("{name:>8}  {:>10}  {}  {total}", k + 1, said.join("  "));
        }
    }
    println!();
}
