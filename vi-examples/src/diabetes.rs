//! Which of ten measurements say how diabetes will progress: regressions whose coefficients each have a precision of their own.

use nalgebra::{DMatrix, DVector};
use plotters::prelude::*;
use vi_core::prelude::*;

model! {
    /// Maximum likelihood: every coefficient is free.
    pub mod least_squares {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];   param s2: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]), var: s2);
    }
}

model! {
    /// One precision for all coefficients, that of the highest evidence: ridge regression that chooses its penalty.
    pub mod ridge {
        given    x[n in N]: Vector[D];
        param    alpha: Positive;   param tau: Positive;
        latent   w[d in D]     ~ Normal(0, prec: alpha);
        observed y[n in N]     ~ Normal(dot(w, x[n]), prec: tau);
    }
}

model! {
    /// A precision for each coefficient. Where it grows, the coefficient is switched off.
    pub mod relevance(a0: Positive = 1e-6) {
        given    x[n in N]: Vector[D];
        latent   tau           ~ Gamma(shape: a0, rate: a0);
        latent   alpha[d in D] ~ Gamma(shape: a0, rate: a0);
        latent   w[d in D]     ~ Normal(0, prec: tau * alpha[d]);
        observed y[n in N]     ~ Normal(dot(w, x[n]), prec: tau);
        factorize { q(w, tau); q(alpha); }
    }
}

/// The measurements: age, sex, body mass index, blood pressure, and six of blood serum.
pub const MEASUREMENTS: [&str; 10] =
    ["age", "sex", "bmi", "pressure", "total chol.", "ldl", "hdl", "chol./hdl", "log triglyc.", "glucose"];

/// 442 patients.
pub struct Patients {
    /// The measurements, each centred and divided by its standard deviation.
    pub x: DMatrix<f64>,
    /// The progression after a year, centred.
    pub y: Vec<f64>,
}

/// The table of Efron, Hastie, Johnstone & Tibshirani (2004).
///
/// # Errors
/// When the file cannot be read.
pub fn patients() -> Result<Patients, Box<dyn std::error::Error>> {
    let mut table = crate::table::read("diabetes.csv")?;
    for (d, mut column) in table.column_iter_mut().enumerate() {
        let (mean, sd) = (column.mean(), column.variance().sqrt());
        let unit = if d < MEASUREMENTS.len() { sd } else { 1.0 };
        column.iter_mut().for_each(|v| *v = (*v - mean) / unit);
    }
    let y = table.column(MEASUREMENTS.len()).iter().copied().collect();
    Ok(Patients { x: table.columns(0, MEASUREMENTS.len()).into_owned(), y })
}

fn options() -> Options {
    Options::new().max_iterations(20_000).tolerance(1e-13)
}

impl Patients {
    /// Least squares.
    ///
    /// # Errors
    /// Whatever the fit returns.
    pub fn least_squares(&self) -> Result<Fit<least_squares::Model>, vi_core::Error> {
        let data = least_squares::Data { x: (&self.x).into(), y: (&self.y).into() };
        least_squares::Model::new().fit(&data, &options())
    }

    /// Standard errors of least squares, from the variance about it.
    #[must_use]
    pub fn standard_errors(&self, fit: &Fit<least_squares::Model>) -> DVector<f64> {
        let gram = (self.x.transpose() * &self.x).try_inverse();
        let s2 = fit.params.s2 * self.y.len() as f64 / (self.y.len() - MEASUREMENTS.len() - 1) as f64;
        gram.map_or_else(|| DVector::zeros(0), |g| g.diagonal().map(|v| (v * s2).sqrt()))
    }

    /// One penalty.
    ///
    /// # Errors
    /// Whatever the fit returns.
    pub fn ridge(&self) -> Result<Fit<ridge::Model>, vi_core::Error> {
        let data = ridge::Data { x: (&self.x).into(), y: (&self.y).into() };
        ridge::Model::new().fit(&data, &options())
    }

    /// A relevance for each.
    ///
    /// # Errors
    /// Whatever the fit returns.
    pub fn relevance(&self) -> Result<Fit<relevance::Model>, vi_core::Error> {
        let data = relevance::Data { x: (&self.x).into(), y: (&self.y).into() };
        relevance::Model::new().fit(&data, &options())
    }
}

/// The measurements whose posterior has 0 within two standard deviations: switched off.
#[must_use]
pub fn switched_off(fit: &Fit<relevance::Model>) -> Vec<&'static str> {
    let (mean, sd) = (fit.posterior.w.mean(), fit.posterior.w.sd());
    (0..MEASUREMENTS.len()).filter(|d| mean[*d].abs() < 2.0 * sd[*d]).map(|d| MEASUREMENTS[d]).collect()
}

/// Draws every coefficient with two standard deviations: least squares above, a relevance for each below.
///
/// # Errors
/// When the picture cannot be written.
pub fn draw(
    file: &std::path::Path,
    patients: &Patients,
    least_squares: &Fit<least_squares::Model>,
    relevance: &Fit<relevance::Model>,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(file, (860, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let count = MEASUREMENTS.len() as f64;
    let mut chart = ChartBuilder::on(&root)
        .caption(
            "Progression of diabetes: what a standard deviation of each measurement adds",
            ("sans-serif", 20),
        )
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(110)
        .build_cartesian_2d(-85.0..85.0, -0.5..count - 0.5)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("coefficient ± 2 standard deviations")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .y_labels(MEASUREMENTS.len())
        .y_label_formatter(&|v| {
            let at = count - 1.0 - v.round();
            MEASUREMENTS.get(at as usize).map_or(String::new(), ToString::to_string)
        })
        .draw()?;
    chart.draw_series(LineSeries::new([(0.0, -0.5), (0.0, count - 0.5)], BLACK.mix(0.5)))?;
    let errors = patients.standard_errors(least_squares);
    let rows = [
        ("least squares", RGBColor(140, 140, 140), 0.15, &least_squares.params.w, &errors),
        (
            "a relevance for each",
            RGBColor(200, 80, 40),
            -0.15,
            &relevance.posterior.w.mean(),
            &relevance.posterior.w.sd(),
        ),
    ];
    for (name, colour, shift, mean, sd) in rows {
        let at = |d: usize| count - 1.0 - d as f64 + shift;
        chart
            .draw_series((0..MEASUREMENTS.len()).map(|d| {
                let ends = vec![(mean[d] - 2.0 * sd[d], at(d)), (mean[d] + 2.0 * sd[d], at(d))];
                PathElement::new(ends, colour.stroke_width(2))
            }))?
            .label(name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(
            (0..MEASUREMENTS.len()).map(|d| Circle::new((mean[d], at(d)), 4, colour.filled())),
        )?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 15))
        .draw()?;
    root.present()?;
    Ok(())
}
