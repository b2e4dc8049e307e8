//! Years of the earth, one after another: quiet and active ones follow their own kind.

use crate::ascending;
use plotters::prelude::*;
use vi_core::prelude::*;

model! {
    /// Years of several kinds, each kind with its own rate of earthquakes, and the kind of a year depending on that of the year before.
    pub mod regimes(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}

/// The chain of `kinds` Poisson laws, the best of several starts; quiet years first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(y: &[u64], kinds: usize) -> Result<Fit<regimes::Model>, vi_core::Error> {
    let data = regimes::Data { y: y.into() };
    let options = Options::new().seed(1).restarts(12).tolerance(1e-10);
    let mut fit = regimes::Model::new(kinds).fit(&data, &options)?;
    fit.relabel(&ascending(&fit.params.rate))?;
    Ok(fit)
}

/// Schwarz's criterion, −2 log p(y; θ̂) + p log T, with p = K² + K − 1 free parameters. Smaller is better.
#[must_use]
pub fn bic(fit: &Fit<regimes::Model>, years: usize) -> f64 {
    let kinds = fit.params.rate.len() as f64;
    (kinds * kinds + kinds - 1.0) * (years as f64).ln() - 2.0 * fit.log_likelihood()
}

/// Draws the earthquakes of each year, the rate of its kind on the most likely path, and forecasts with one standard deviation.
///
/// # Errors
/// When the picture cannot be written, or the fit kept no posterior.
pub fn draw(
    file: &std::path::Path,
    years: &[u32],
    y: &[u64],
    fit: &Fit<regimes::Model>,
    ahead: &[(f64, f64)],
) -> Result<(), Box<dyn std::error::Error>> {
    let (first, last) = (f64::from(years[0]), f64::from(years[years.len() - 1]));
    let end = last + ahead.len() as f64;
    let root = SVGBackend::new(file, (860, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Major earthquakes, and the rate of each year's kind", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(60)
        .build_cartesian_2d(first - 1.0..end + 1.0, 0.0..45.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("year")
        .y_desc("earthquakes of magnitude 7 or more")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    let path = fit.posterior.z.path()?.states;
    let steps = path.iter().enumerate().flat_map(|(t, k)| {
        let (year, rate) = (first + t as f64, fit.params.rate[*k]);
        [(year - 0.5, rate), (year + 0.5, rate)]
    });
    chart.draw_series(LineSeries::new(steps, RGBColor(200, 80, 40).stroke_width(2)))?;
    chart.draw_series(
        y.iter()
            .enumerate()
            .map(|(t, n)| Circle::new((first + t as f64, *n as f64), 3, BLACK.mix(0.6).filled())),
    )?;
    let centre = |h: usize| last + 1.0 + h as f64;
    let band = ahead.iter().enumerate().map(|(h, (mean, sd))| (centre(h), mean + sd));
    let below = ahead.iter().enumerate().rev().map(|(h, (mean, sd))| (centre(h), mean - sd));
    chart.draw_series(std::iter::once(Polygon::new(
        band.chain(below).collect::<Vec<_>>(),
        RGBColor(40, 90, 200).mix(0.25),
    )))?;
    let means = ahead.iter().enumerate().map(|(h, (mean, _))| (centre(h), *mean));
    chart.draw_series(LineSeries::new(means, RGBColor(40, 90, 200).stroke_width(2)))?;
    root.present()?;
    Ok(())
}
