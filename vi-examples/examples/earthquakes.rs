//! How many kinds of years are there? Poisson mixtures of the yearly number of earthquakes, chosen by BIC.
//!
//! `cargo run -p vi-examples --example earthquakes`

use vi_examples::earthquakes::{bic, counts, fit, mixture};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (years, y) = counts()?;
    let fits = (1..=4).map(|kinds| fit(&y, kinds)).collect::<Result<Vec<_>, _>>()?;
    let best = fits
        .iter()
        .min_by(|a, b| bic(a, y.len()).total_cmp(&bic(b, y.len())))
        .ok_or("there is nothing to choose from")?;

    println!("kinds  log-likelihood      BIC  share of years × earthquakes per year");
    for fit in &fits {
        let kinds: Vec<String> = fit
            .params
            .rate
            .iter()
            .zip(fit.params.weight.iter())
            .map(|(rate, share)| format!("{share:.3} × {rate:.2}"))
            .collect();
        println!(
            "{:>5}  {:>14.4}  {:>7.2}  {}{}",
            fit.params.rate.len(),
            fit.log_likelihood(),
            bic(fit, y.len()),
            kinds.join(",  "),
            if std::ptr::eq(fit, best) { "   ← chosen" } else { "" }
        );
    }

    let busiest = best.params.rate.len() - 1;
    let active: Vec<String> = (0..y.len())
        .filter(|t| best.posterior.z.most_likely(*t) == busiest)
        .map(|t| format!("{} ({})", years[t], y[t]))
        .collect();
    println!("\nyears of the most active kind, with their earthquakes: {}\n", active.join(", "));
    println!("{}", mixture::PLAN);
    Ok(())
}
