//! Were women less often admitted to Berkeley in 1973? In all departments together, yes; in each of them, no.
//!
//! `cargo run -p vi-examples --example ab_test`

use vi_examples::ab_test::{GROUPS, departments, one_rate, own_rates};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("admitted, mean of the posterior and 95 % interval; P(women > men);");
    println!("log Bayes factor of «a rate for each group» against «one rate», from two exact evidences\n");
    println!("department  {:<22}{:<23}P(w > m)  log Bayes factor", GROUPS[0], GROUPS[1]);
    for department in departments()? {
        let comparison = department.compare()?;
        let verdict = match comparison.log_bayes_factor() {
            log if log > 3.0 => "they differ",
            log if log < -1.0 => "one rate",
            _ => "undecided",
        };
        println!("{:>10}  {comparison}  {verdict}", department.name);
    }
    println!("\none rate:  {}\n\nown rates: {}", one_rate::PLAN, own_rates::PLAN);
    Ok(())
}
