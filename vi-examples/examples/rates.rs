//! How often does a pump fail that was watched for a short time only? As often as it did, drawn towards what the others did.
//!
//! `cargo run -p vi-examples --example rates`

use vi_examples::pumps::{Shrinkage, pumps, rates};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pumps = pumps()?;
    let fit = pumps.fit()?;
    println!("rates ~ Gamma({:.3}, rate: b), b ~ Gamma(0.1, rate: 1)\n", pumps.shape());
    println!("{}", Shrinkage(&pumps, &fit));
    println!("where the bound comes from:");
    for term in fit.elbo_terms() {
        println!("{:>12.4}  {}", term.value, term.name);
    }
    println!("\n{}", rates::PLAN);
    Ok(())
}
