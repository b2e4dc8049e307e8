//! Do active years follow active years? Chains of Poisson laws of the yearly number of earthquakes, the most likely kind of every year, and
//! the next ten years.
//!
//! `cargo run -p vi-examples --example regimes` also draws `vi-examples/pictures/regimes.svg`.

use vi_examples::earthquakes::{self, counts};
use vi_examples::regimes::{bic, draw, fit, regimes};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (years, y) = counts()?;
    println!("kinds  log-likelihood      BIC   of independent years");
    for kinds in 1..=4 {
        let (chain, apart) = (fit(&y, kinds)?, earthquakes::fit(&y, kinds)?);
        let (own, other) = (bic(&chain, y.len()), earthquakes::bic(&apart, y.len()));
        println!("{kinds:>5}  {:>14.4}  {own:>7.2}  {other:>7.2}", chain.log_likelihood());
    }
    let best = fit(&y, 3)?;
    println!("\n{best}");

    let path = best.posterior.z.path()?;
    let mut begun = 0;
    println!("the most likely kinds of years, all together (log-probability {:.3})", path.log_probability);
    for t in 1..=years.len() {
        if t == years.len() || path.states[t] != path.states[begun] {
            let rate = best.params.rate[path.states[begun]];
            println!("  {}–{}  kind {}, {rate:.1} a year", years[begun], years[t - 1], path.states[begun]);
            begun = t;
        }
    }

    let forecast = best.forecast(&regimes::Data { y: (&y).into() }, 10)?;
    let ahead: Vec<(f64, f64)> =
        (0..10).filter_map(|h| forecast.absent.y.get([h]).map(|m| (m.mean(), m.sd()))).collect();
    println!(
        "\nexpected in the years to come: {}",
        ahead.iter().map(|(mean, sd)| format!("{mean:.1} ± {sd:.1}")).collect::<Vec<_>>().join(", ")
    );

    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/regimes.svg");
    draw(&picture, &years, &y, &best, &ahead)?;
    println!("drawn: {}\n", picture.display());
    println!("{}", regimes::PLAN);
    Ok(())
}
