//! Which measurements say how diabetes will progress within a year, and which can be left out?
//!
//! `cargo run -p vi-examples --example diabetes` also draws `vi-examples/pictures/diabetes.svg`.

use vi_examples::diabetes::{MEASUREMENTS, draw, patients, relevance, switched_off};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let patients = patients()?;
    let (free, ridge, each) = (patients.least_squares()?, patients.ridge()?, patients.relevance()?);
    let errors = patients.standard_errors(&free);
    println!("{:>14}    least squares    one penalty      a relevance for each   sd of the prior", "");
    for (d, name) in MEASUREMENTS.iter().enumerate() {
        let (one, own) = (&ridge.posterior.w, &each.posterior.w);
        let prior = (1.0 / (each.posterior.tau.mean() * each.posterior.alpha[d].mean())).sqrt();
        println!(
            "{name:>14}  {:>7.2} ± {:<5.2}  {:>7.2} ± {:<5.2}  {:>7.2} ± {:<5.2}         {prior:>7.2}",
            free.params.w[d],
            errors[d],
            one.mean()[d],
            one.sd()[d],
            own.mean()[d],
            own.sd()[d],
        );
    }
    println!("\nswitched off: {}", switched_off(&each).join(", "));
    println!("log-evidence of one penalty, at its best: {:.4}", ridge.log_likelihood());
    println!("lower bound of a relevance for each:      {:.4} (its priors are all but flat)", each.elbo());

    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/diabetes.svg");
    draw(&picture, &patients, &free, &each)?;
    println!("drawn: {}\n", picture.display());
    println!("{}", relevance::PLAN);
    Ok(())
}
