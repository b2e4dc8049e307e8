//! Old Faithful as a mixture of two Gaussians: the fit, what was proved of it, and a picture.
//!
//! `cargo run -p vi-examples --example old_faithful [picture.svg]`

use nalgebra::{DMatrix, DVector};
use plotters::prelude::*;
use std::path::{Path, PathBuf};
use vi_core::prelude::*;
use vi_examples::old_faithful::{eruptions, fit, mixture};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let x = eruptions()?;
    let fit = fit(&x)?;
    println!("{fit}");
    println!("{}", mixture::PLAN);

    let check = fit.verify(&mixture::Data { x: (&x).into() }, 1)?;
    println!(
        "log p(x, z) − log q(z) differs by {:.1e} between draws of z: {}",
        check.spread(),
        if check.is_exact() { "q is the posterior" } else { "q is not the posterior" }
    );

    let picture = std::env::args().nth(1).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/old_faithful.svg"),
        PathBuf::from,
    );
    draw(&x, &fit, &picture)?;
    println!("picture: {}", picture.display());
    Ok(())
}

const COLOURS: [RGBColor; 2] = [RGBColor(0, 90, 160), RGBColor(204, 85, 0)];

fn draw(x: &DMatrix<f64>, fit: &Fit<mixture::Model>, picture: &Path) -> Result<(), Failure> {
    let root = SVGBackend::new(picture, (820, 600)).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("Old Faithful, 2 Gaussians: log-likelihood −{:.3}", -fit.log_likelihood());
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(60)
        .build_cartesian_2d(1.0..6.0, 35.0..105.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("duration of an eruption (min)")
        .y_desc("waiting time to the next eruption (min)")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;

    chart.draw_series((0..x.nrows()).map(|n| {
        let colour = blend(fit.posterior.z.probs(n));
        Circle::new((x[(n, 0)], x[(n, 1)]), 3, colour.mix(0.6).filled())
    }))?;
    for (k, colour) in COLOURS.iter().enumerate() {
        let (mean, cov) = (&fit.params.mean[k], &fit.params.cov[k]);
        let share = 100.0 * fit.params.weight[k];
        let name = format!("{share:.0} % near {:.2} min, {:.1} min (thick: 1σ, thin: 2σ)", mean[0], mean[1]);
        chart
            .draw_series(LineSeries::new(ellipse(mean, cov, 1.0)?, colour.stroke_width(3)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(3)));
        chart.draw_series(LineSeries::new(ellipse(mean, cov, 2.0)?, colour.stroke_width(1)))?;
        chart.draw_series([Cross::new((mean[0], mean[1]), 6, colour.stroke_width(3))])?;
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

/// The points at Mahalanobis distance `radius` from the mean: mean + radius · L (cos φ, sin φ) with L Lᵀ = cov.
fn ellipse(mean: &DVector<f64>, cov: &DMatrix<f64>, radius: f64) -> Result<Vec<(f64, f64)>, Failure> {
    let l = cov.clone().cholesky().ok_or("a covariance is not positive definite")?.l();
    Ok((0..=120)
        .map(|i| {
            let (sin, cos) = (f64::from(i) / 120.0 * std::f64::consts::TAU).sin_cos();
            let at = mean + radius * &l * DVector::from_vec(vec![cos, sin]);
            (at[0], at[1])
        })
        .collect())
}

/// The colours of the components, weighted by their probabilities.
fn blend(probs: &[f64]) -> RGBColor {
    let channel = |of: fn(&RGBColor) -> u8| {
        COLOURS.iter().zip(probs).map(|(c, p)| f64::from(of(c)) * p).sum::<f64>().round() as u8
    };
    RGBColor(channel(|c| c.0), channel(|c| c.1), channel(|c| c.2))
}
