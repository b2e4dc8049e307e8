//! Topics of newspaper articles: what each is about in its most probable words, and the shares of one article.
//!
//! `cargo run --release -p vi-examples --example topics`

use vi_examples::topics::{fit, read, report, topics};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = read()?;
    let fit = fit(&corpus, 12, 60)?;
    println!("{}", report(&fit, &corpus));
    println!("{}", topics::PLAN);
    Ok(())
}
