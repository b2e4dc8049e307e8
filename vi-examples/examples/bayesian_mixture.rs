//! How many kinds of eruptions are there? Six components are offered, and those that the data do not need end up empty.
//!
//! `cargo run -p vi-examples --example bayesian_mixture [picture.svg]`

use nalgebra::DMatrix;
use plotters::prelude::*;
use std::path::{Path, PathBuf};
use vi_core::prelude::*;
use vi_examples::bayesian_mixture::{FEW, comparable_bound, components, fits, mixture};
use vi_examples::old_faithful::{self, eruptions};
use vi_examples::picture::{ellipse, eruption_chart};

type Failure = Box<dyn std::error::Error>;

const OFFERED: usize = 6;

fn main() -> Result<(), Failure> {
    let x = eruptions()?;
    let path = fits(&x, OFFERED, FEW)?;
    println!("{OFFERED} components offered, weight ~ Dirichlet({FEW})");
    for fit in &path {
        println!("\nbound {:.4}, components that are not empty (posterior mean ± sd):", fit.elbo());
        println!("eruptions  weight         mean (min, min)                    covariance");
        for component in components(fit) {
            println!("{component}");
        }
    }

    println!("\nthe same eruptions by EM: every `latent` but z is a `param`, without its prior");
    println!("           weight         mean (min, min)                    covariance");
    let em = old_faithful::fit(&x)?;
    for k in 0..em.params.weight.len() {
        let (mean, cov) = (&em.params.mean[k], &em.params.cov[k]);
        println!(
            "           {:.3}          ({:.3}, {:.2})                     [{:.4} {:.3}; {:.3} {:.2}]",
            em.params.weight[k],
            mean[0],
            mean[1],
            cov[(0, 0)],
            cov[(0, 1)],
            cov[(1, 0)],
            cov[(1, 1)]
        );
    }

    println!("\nweight ~ Dirichlet(1): the bound compares numbers of components, which a likelihood cannot");
    println!("offered  in use      bound  + log of the ways to name them");
    for offered in 1..=OFFERED {
        let path = fits(&x, offered, 1.0)?;
        let fit = path.last().ok_or("there is no fit")?;
        println!(
            "{offered:>7}  {:>6}  {:>9.3}  {:>9.3}",
            components(fit).len(),
            fit.elbo(),
            comparable_bound(fit)
        );
    }
    println!("\n{}", mixture::PLAN);

    let picture = std::env::args().nth(1).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/bayesian_mixture.svg"),
        PathBuf::from,
    );
    draw(&x, &path, &picture)?;
    println!("picture: {}", picture.display());
    Ok(())
}

const BEFORE: RGBColor = RGBColor(90, 90, 90);
const LEFT: RGBColor = RGBColor(0, 90, 160);

/// Two standard deviations of every component of the first fit (thin) and of the last (thick), the more transparent the less its weight.
fn draw(x: &DMatrix<f64>, path: &[Fit<mixture::Model>], picture: &Path) -> Result<(), Failure> {
    let (Some(first), Some(last)) = (path.first(), path.last()) else { return Ok(()) };
    let root = SVGBackend::new(picture, (820, 600)).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("Old Faithful, {OFFERED} components offered: {} left", components(last).len());
    let mut chart = eruption_chart(&root, &title)?;
    let points = (0..x.nrows()).map(|n| (x[(n, 0)], x[(n, 1)]));
    chart.draw_series(points.map(|at| Circle::new(at, 3, BLACK.mix(0.25).filled())))?;
    for (fit, colour, width, name) in [
        (first, BEFORE, 2, "where coordinate ascent stops"),
        (last, LEFT, 4, "left when each may be dissolved"),
    ] {
        let (weight, q) = (fit.posterior.weight.mean(), &fit.posterior);
        for k in 0..OFFERED {
            let line = ellipse(&q.mean[k].mean(), &q.cov[k].mean(), 2.0)?;
            // The root keeps a component of a few eruptions visible.
            // To the digits that are the same on every machine.
            let opacity = (weight[k].sqrt() * 1000.0).round() / 1000.0;
            chart.draw_series(LineSeries::new(line, colour.mix(opacity).stroke_width(width)))?;
        }
        chart
            .draw_series(std::iter::empty::<Circle<(f64, f64), i32>>())?
            .label(format!("2σ of the components {name}"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(width)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .label_font(("sans-serif", 15))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}
