//! What the pictures of Old Faithful share: axes, and ellipses.

use nalgebra::{DMatrix, DVector};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

type Failure = Box<dyn std::error::Error>;

/// A chart with the duration of an eruption to the right and the waiting time upwards.
pub type EruptionChart<'a, 'p> =
    ChartContext<'a, SVGBackend<'p>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws axes, mesh and title.
///
/// # Errors
/// When the picture cannot be written.
pub fn eruption_chart<'a, 'p>(
    root: &'a DrawingArea<SVGBackend<'p>, Shift>,
    title: &str,
) -> Result<EruptionChart<'a, 'p>, Failure> {
    let mut chart = ChartBuilder::on(root)
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
    Ok(chart)
}

/// The points at Mahalanobis distance `radius` from the mean: mean + radius · L (cos φ, sin φ) with L Lᵀ = cov.
///
/// # Errors
/// When `cov` is not positive definite.
pub fn ellipse(mean: &DVector<f64>, cov: &DMatrix<f64>, radius: f64) -> Result<Vec<(f64, f64)>, Failure> {
    let l = cov.clone().cholesky().ok_or("a covariance is not positive definite")?.l();
    Ok((0..=120)
        .map(|i| {
            let (sin, cos) = (f64::from(i) / 120.0 * std::f64::consts::TAU).sin_cos();
            let at = mean + radius * &l * DVector::from_vec(vec![cos, sin]);
            (at[0], at[1])
        })
        .collect())
}
