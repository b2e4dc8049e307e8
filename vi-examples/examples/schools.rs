//! How much does coaching add in each of eight schools, when what is found in one says something of the others?
//!
//! `cargo run -p vi-examples --example schools`

use vi_examples::schools::{effects, schools};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schools = schools()?;
    println!("{}", schools.shrinkage()?);
    let fit = schools.fit()?;
    println!("the variance between schools at maximum likelihood, by EM:\n{fit}");
    for param in &fit.at_boundary {
        println!("{param} is as small as it may be: one number for all schools would do\n");
    }
    println!("{}", effects::PLAN);
    Ok(())
}
