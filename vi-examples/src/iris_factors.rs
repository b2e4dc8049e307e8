//! What the four measurements of an iris have in common: factors, which nobody told the species.

use nalgebra::{DMatrix, DVector};
use plotters::prelude::*;
use vi_core::prelude::*;

model! {
    /// One noise for all measurements: principal components, as a model.
    pub mod components(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    s2: Positive(min: 1e-6);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: s2);
    }
}

model! {
    /// A noise of its own for each measurement, any of which may be missing.
    pub mod factors(H) {
        param    W[d in D]: Vector[H];
        param    mu[d in D]: Real;
        param    psi[d in D]: Positive(min: 1e-6);
        latent   f[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[d], f[n]) + mu[d], var: psi[d]);
    }
}

/// The measurements, in the order of the file.
pub const MEASUREMENTS: [&str; 4] = ["sepal length", "sepal width", "petal length", "petal width"];

fn options() -> Options {
    Options::new().seed(1).max_iterations(5000).tolerance(1e-12)
}

/// `count` principal components.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit_components(x: &DMatrix<f64>, count: usize) -> Result<Fit<components::Model>, vi_core::Error> {
    components::Model::new(count).fit(&components::Data { x: x.into() }, &options())
}

/// `count` factors of measurements of which some are missing.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit_factors(x: &DMatrix<Option<f64>>, count: usize) -> Result<Fit<factors::Model>, vi_core::Error> {
    factors::Model::new(count).fit(&factors::Data { x: x.into() }, &options())
}

/// Every measurement is there.
#[must_use]
pub fn complete(x: &DMatrix<f64>) -> DMatrix<Option<f64>> {
    x.map(Some)
}

/// Without the petal length of every fourth flower.
#[must_use]
pub fn with_holes(x: &DMatrix<f64>) -> DMatrix<Option<f64>> {
    x.map_with_location(|n, d, v| (d != 2 || n % 4 != 3).then_some(v))
}

/// The rotation of the factors after which each explains as much as is left, and the first measurement's load is not negative. The
/// likelihood is the same for all rotations.
#[must_use]
pub fn rotation(w: &DMatrix<f64>) -> DMatrix<f64> {
    if w.ncols() == 0 {
        return DMatrix::zeros(0, 0);
    }
    let gram = (w.transpose() * w).symmetric_eigen();
    let mut order: Vec<usize> = (0..w.ncols()).collect();
    order.sort_by(|a, b| gram.eigenvalues[*b].total_cmp(&gram.eigenvalues[*a]));
    let columns: Vec<DVector<f64>> = order
        .iter()
        .map(|i| {
            let column = gram.eigenvectors.column(*i).into_owned();
            if (w * &column)[0] < 0.0 { -column } else { column }
        })
        .collect();
    DMatrix::from_columns(&columns)
}

/// Mean and standard deviation of the factors of every flower, after the [`rotation`] of the loads.
#[must_use]
pub fn places(fit: &Fit<components::Model>) -> Vec<(DVector<f64>, DVector<f64>)> {
    let turn = rotation(&fit.params.W).transpose();
    let each = fit.posterior.f.iter();
    each.map(|f| (&turn * f.mean(), (&turn * f.cov() * turn.transpose()).diagonal().map(f64::sqrt))).collect()
}

/// Draws the flowers at the means of their two components, coloured by the species that the fit was not told, with the ellipse of one
/// standard deviation that all of them have.
///
/// # Errors
/// When the picture cannot be written.
pub fn draw(file: &std::path::Path, fit: &Fit<components::Model>) -> Result<(), Box<dyn std::error::Error>> {
    let places = places(fit);
    let root = SVGBackend::new(file, (860, 520)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Irises by two components of four measurements", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(60)
        .build_cartesian_2d(-2.2..2.2, -3.0..3.2)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("first component")
        .y_desc("second component")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .draw()?;
    for (k, colour) in COLOURS.into_iter().enumerate() {
        let own = places.iter().enumerate().filter(|(n, _)| crate::iris::species(*n) == k);
        chart
            .draw_series(own.map(|(_, (at, _))| Circle::new((at[0], at[1]), 4, colour.mix(0.7).filled())))?
            .label(crate::iris::SPECIES[k])
            .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
    }
    if let Some((at, sd)) = places.first() {
        let ellipse = (0..=60).map(|i| {
            let (sin, cos) = (f64::from(i) / 60.0 * std::f64::consts::TAU).sin_cos();
            (at[0] + sd[0] * cos, at[1] + sd[1] * sin)
        });
        chart.draw_series(LineSeries::new(ellipse, BLACK.mix(0.7)))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 15))
        .draw()?;
    root.present()?;
    Ok(())
}

const COLOURS: [RGBColor; 3] = [RGBColor(40, 90, 200), RGBColor(200, 80, 40), RGBColor(60, 140, 60)];
