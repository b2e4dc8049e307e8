//! Old Faithful as a mixture of two Gaussians: the fit, what was proved of it, and a picture.
//!
//! `cargo run -p vi-examples --example old_faithful [picture.svg]`

use nalgebra::DMatrix;
use plotters::prelude::*;
use std::path::{Path, PathBuf};
use vi_core::prelude::*;
use vi_examples::old_faithful::{eruptions, fit, mixture};
use vi_examples::picture::{ellipse, eruption_chart};

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
    let mut chart = eruption_chart(&root, &title)?;
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

/// The colours of the components, weighted by their probabilities.
fn blend(probs: &[f64]) -> RGBColor {
    let channel = |of: fn(&RGBColor) -> u8| {
        COLOURS.iter().zip(probs).map(|(c, p)| f64::from(of(c)) * p).sum::<f64>().round() as u8
    };
    RGBColor(channel(|c| c.0), channel(|c| c.1), channel(|c| c.2))
}
