//! What the pictures of series share: observations, and what is known of a quantity along an axis with the interval that holds it.

use plotters::prelude::*;
use std::ops::Range;
use std::path::Path;

/// What is known at one position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// The position.
    pub at: f64,
    /// The mean.
    pub mean: f64,
    /// The ends of an interval.
    pub interval: (f64, f64),
}

/// A line with a band around it.
pub struct Band<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// From left to right.
    pub known: &'a [Known],
    /// Its colour.
    pub colour: RGBColor,
}

/// What stands around a picture.
pub struct Frame<'a> {
    /// Above it.
    pub title: &'a str,
    /// Names of the axes.
    pub axes: (&'a str, &'a str),
    /// What is shown of the first axis.
    pub x: Range<f64>,
    /// What is shown of the second.
    pub y: Range<f64>,
}

/// Draws observations as dots, bands with their lines, and single quantities as dots on bars.
///
/// # Errors
/// When the picture cannot be written.
pub fn draw(
    file: &Path,
    frame: &Frame<'_>,
    observed: (&str, &[(f64, f64)]),
    bands: &[Band<'_>],
    single: Option<&Band<'_>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(file, (900, 460)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(frame.title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(frame.x.clone(), frame.y.clone())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc(frame.axes.0)
        .y_desc(frame.axes.1)
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for band in bands {
        let above = band.known.iter().map(|k| (k.at, k.interval.1));
        let below = band.known.iter().rev().map(|k| (k.at, k.interval.0));
        let area: Vec<(f64, f64)> = above.chain(below).collect();
        chart.draw_series(std::iter::once(Polygon::new(area, band.colour.mix(0.2))))?;
    }
    for band in bands {
        let colour = band.colour;
        let line = band.known.iter().map(|k| (k.at, k.mean));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(band.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)));
    }
    let dot = BLACK.mix(0.65).filled();
    chart
        .draw_series(observed.1.iter().map(|at| Circle::new(*at, 3, dot)))?
        .label(observed.0)
        .legend(move |(x, y)| Circle::new((x + 11, y), 3, dot));
    if let Some(single) = single {
        let colour = single.colour;
        let bar = |k: &Known| {
            PathElement::new([(k.at, k.interval.0), (k.at, k.interval.1)], colour.stroke_width(2))
        };
        chart.draw_series(single.known.iter().map(bar))?;
        chart
            .draw_series(single.known.iter().map(|k| Circle::new((k.at, k.mean), 4, colour.filled())))?
            .label(single.name)
            .legend(move |(x, y)| Circle::new((x + 11, y), 4, colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 15))
        .draw()?;
    root.present()?;
    Ok(())
}
