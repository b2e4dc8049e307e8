//! What follows a short eruption? Two kinds of eruptions of Old Faithful in their order, with and without memory.
//!
//! `cargo run -p vi-examples --example geyser` also draws `vi-examples/pictures/geyser.svg`.

use vi_examples::geyser::{draw, eruptions, eruptions_in_order, fit, fit_apart};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (wait, y) = eruptions_in_order()?;
    let (chain, apart) = (fit(&wait, &y)?, fit_apart(&wait, &y)?);
    println!("{chain}");
    println!("log-likelihood without memory  {:.3}", apart.log_likelihood());
    println!("after a short eruption, a short one: {:.3}", chain.params.trans[0][0]);
    println!("after a long eruption, a short one:  {:.3}\n", chain.params.trans[1][0]);

    // What is known of each eruption by those before it alone, and by all.
    let data = eruptions::Data { wait: (&wait).into(), y: (&y).into() };
    let filtered = chain.filter(&data)?;
    let path = chain.posterior.z.path()?;
    println!(
        "the last twelve: wait (min), duration (min), P(long | so far), P(long | all), on the best path"
    );
    for t in y.len() - 12..y.len() {
        let kind = ["short", "long"][path.states[t]];
        println!(
            "{:>5.0} {:>7.2} {:>9.4} {:>9.4}  {kind}",
            60.0 * wait[t] + 70.0,
            y[t],
            filtered.z.probs(t)[1],
            chain.posterior.z.probs(t)[1]
        );
    }
    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/geyser.svg");
    draw(&picture, &chain, (&wait, &y))?;
    println!("\ndrawn: {}\n", picture.display());
    println!("{}", eruptions::PLAN);
    Ok(())
}
