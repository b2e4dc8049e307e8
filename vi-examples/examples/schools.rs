//! How much does coaching add in each of eight schools, when what is found in one says something of the others?
//!
//! `cargo run -p vi-examples --example schools` also draws `vi-examples/pictures/schools.svg`.

use vi_core::prelude::*;
use vi_examples::school_forms::{draw, spread, standard_effects, turns, uncertain_spread};
use vi_examples::schools::{effects, schools};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schools = schools()?;
    println!("{}", schools.shrinkage()?);
    let fit = schools.fit()?;
    println!("the variance between schools at maximum likelihood, by EM:\n{fit}");
    for param in &fit.at_boundary {
        println!("{param} is as small as it may be: one number for all schools would do\n");
    }

    // In units of their spread the effects come to the same place by another road.
    let data = standard_effects::Data { s: (&schools.error).into(), y: (&schools.effect).into() };
    let standard = standard_effects::Model::new().fit(&data, &Options::new().max_iterations(5000))?;
    let (mu, tau) = (standard.params.mu, standard.params.tau.abs());
    println!(
        "effects written as mu + tau · eta, eta standard Normal: the likelihood is highest at mu = {mu:.3}, tau = {tau:.4}\n"
    );

    // A half-Cauchy prior of the spread: averaged over, and as a block that takes turns with the effects.
    let (exact, blocks) = (spread(&schools, 200.0, 4000)?, turns(&schools)?);
    println!("effects where tau has a half-Cauchy prior of scale 5");
    println!("school  tau averaged over  tau in a block of its own");
    let (means, sds) = (blocks.posterior.theta.mean(), blocks.posterior.theta.sd());
    for (j, name) in ('A'..='H').enumerate() {
        let (mean, sd) = exact.effect(j);
        println!("{name:>6}    {mean:>6.2} ± {sd:<5.2}        {:>6.2} ± {:.2}", means[j], sds[j]);
    }
    println!("log p(y) {:.4}, its lower bound {:.4}", exact.log_evidence, blocks.elbo());

    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/schools.svg");
    draw(&picture, &exact)?;
    println!("drawn: {}\n", picture.display());
    println!("{}\n{}", effects::PLAN, uncertain_spread::PLAN);
    Ok(())
}
