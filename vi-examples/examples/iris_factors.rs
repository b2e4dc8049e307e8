//! What do four measurements of a flower have in common, and what does that say of one that was not taken?
//!
//! `cargo run -p vi-examples --example iris_factors` also draws `vi-examples/pictures/iris_factors.svg`.

use vi_examples::iris::flowers;
use vi_examples::iris_factors::{
    MEASUREMENTS, complete, components, draw, factors, fit_components, fit_factors, rotation, with_holes,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x = flowers()?;
    println!("components  log-likelihood  variance that is left");
    for count in 0..=3 {
        let fit = fit_components(&x, count)?;
        println!("{count:>10}  {:>14.4}  {:.5}", fit.log_likelihood(), fit.params.s2);
    }
    let two = fit_components(&x, 2)?;
    let loads = &two.params.W * rotation(&two.params.W);
    println!("\n{:>14}  two components", "");
    for (d, name) in MEASUREMENTS.iter().enumerate() {
        println!("{name:>14}  {:>6.3}  {:>6.3}", loads[(d, 0)], loads[(d, 1)]);
    }

    let one = fit_factors(&complete(&x), 1)?;
    println!("\none factor and a noise for each measurement: log-likelihood {:.4}", one.log_likelihood());
    println!("{:>14}  of which the factor explains", "variance");
    for (d, name) in MEASUREMENTS.iter().enumerate() {
        let (load, noise) = (one.params.W[d][0].powi(2), one.params.psi[d]);
        println!("{name:>14}  {:.3}  {:>5.1} %", load + noise, 100.0 * load / (load + noise));
    }

    let holes = with_holes(&x);
    let fit = fit_factors(&holes, 1)?;
    println!("\npetal lengths that were taken away, from the other measurements:");
    let (mut square, mut count) = (0.0, 0.0);
    for n in (0..x.nrows()).filter(|n| holes[(*n, 2)].is_none()) {
        let mean = fit.params.W[2][0] * fit.posterior.f[n].mean()[0] + fit.params.mu[2];
        square += (mean - x[(n, 2)]).powi(2);
        count += 1.0;
        if n % 50 == 3 {
            println!("  flower {n:>3}: {mean:.2} cm, was {:.1} cm", x[(n, 2)]);
        }
    }
    let all = x.column(2).variance().sqrt();
    println!(
        "  root of the mean square error {:.2} cm; petal lengths spread by {all:.2} cm",
        (square / count).sqrt()
    );

    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/iris_factors.svg");
    draw(&picture, &two)?;
    println!("drawn: {}\n", picture.display());
    println!("{}\n{}", components::PLAN, factors::PLAN);
    Ok(())
}
