//! Do flowers fall into species by themselves, and what do a few labels add?
//!
//! `cargo run -p vi-examples --example iris`

use vi_core::prelude::*;
use vi_examples::iris::{
    SPECIES, cross_table, fit_clusters, fit_partly_labelled, flowers, labels, partly_labelled,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x = flowers()?;
    let clusters = fit_clusters(&x)?;
    println!("no labels: log-likelihood {:.4}", clusters.log_likelihood());
    print_table(&clusters.posterior.z, "cluster");

    for known in [1, 5, 25] {
        let fit = fit_partly_labelled(&x, &labels(x.nrows(), known))?;
        println!("{known} flowers of each species labelled: log-likelihood {:.4}", fit.log_likelihood());
        print_table(&fit.posterior.z, "species");
    }
    println!("{}", partly_labelled::PLAN);
    Ok(())
}

fn print_table(z: &Categories, columns: &str) {
    println!("{:>12}  {columns} 0  {columns} 1  {columns} 2", "");
    for (name, row) in SPECIES.iter().zip(cross_table(z)) {
        let cells: Vec<String> =
            row.iter().map(|n| format!("{n:>width$}", width = columns.len() + 2)).collect();
        println!("{name:>12}  {}", cells.join("  "));
    }
    println!();
}
