//! Old Faithful watched without a break for two weeks: a short eruption is never followed by another.

use plotters::prelude::*;
use vi_core::prelude::*;

model! {
    /// Kinds of eruptions, each following the one before by its own law; durations are Normal around a value that depends on the last wait.
    pub mod eruptions(K) {
        given    wait[t in T]: Real;
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    level[k in K]: Real;
        param    slope[k in K]: Real;
        param    s2[k in K]: Positive(min: 1e-4);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(level[z[t]] + slope[z[t]] * wait[t], var: s2[z[t]]);
    }
}

model! {
    /// The same kinds without memory.
    pub mod apart(K) {
        given    wait[t in T]: Real;
        param    weight: Simplex[K];
        param    level[k in K]: Real;
        param    slope[k in K]: Real;
        param    s2[k in K]: Positive(min: 1e-4);
        latent   z[t in T]    ~ Categorical(weight);
        observed y[t in T]    ~ Normal(level[z[t]] + slope[z[t]] * wait[t], var: s2[z[t]]);
    }
}

/// 299 eruptions in their order: the wait before each in hours from 70 minutes, and its duration in minutes. Durations of eruptions at night
/// were noted as 2, 3 or 4 only.
///
/// # Errors
/// When the file cannot be read.
pub fn eruptions_in_order() -> Result<(Vec<f64>, Vec<f64>), Box<dyn std::error::Error>> {
    let table = crate::table::read("geyser.csv")?;
    let wait = table.column(0).iter().map(|w| (w - 70.0) / 60.0).collect();
    Ok((wait, table.column(1).iter().copied().collect()))
}

/// The chain of two kinds; short eruptions first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(wait: &[f64], y: &[f64]) -> Result<Fit<eruptions::Model>, vi_core::Error> {
    let data = eruptions::Data { wait: wait.into(), y: y.into() };
    let mut fit = eruptions::Model::new(2).fit(&data, &Options::new().seed(1).restarts(8))?;
    fit.relabel(&crate::ascending(&fit.params.level))?;
    Ok(fit)
}

/// The same without memory.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit_apart(wait: &[f64], y: &[f64]) -> Result<Fit<apart::Model>, vi_core::Error> {
    let data = apart::Data { wait: wait.into(), y: y.into() };
    apart::Model::new(2).fit(&data, &Options::new().seed(1).restarts(8))
}

/// What is expected of each eruption, known those before it and the wait:
/// `E y[t] = Σ P(z[t] = k | y[0], …, y[t−1]) (level[k] + slope[k] · wait[t])`.
///
/// # Errors
/// Whatever the filter returns.
pub fn expected(fit: &Fit<eruptions::Model>, wait: &[f64], y: &[f64]) -> Result<Vec<f64>, vi_core::Error> {
    let data = eruptions::Data { wait: wait.into(), y: y.into() };
    let filtered = fit.filter(&data)?;
    let p = &fit.params;
    let mean = |k: usize, t: usize| p.slope[k].mul_add(wait[t], p.level[k]);
    let ahead = |t: usize, k: usize| match t {
        0 => p.start[k],
        _ => (0..p.level.len()).map(|i| filtered.z.probs(t - 1)[i] * p.trans[i][k]).sum(),
    };
    Ok((0..y.len()).map(|t| (0..p.level.len()).map(|k| ahead(t, k) * mean(k, t)).sum()).collect())
}

/// Draws the first eruptions in their order, coloured by their kind, and what was expected of each before it came.
///
/// # Errors
/// When the picture cannot be written.
pub fn draw(
    file: &std::path::Path,
    fit: &Fit<eruptions::Model>,
    (wait, y): (&[f64], &[f64]),
) -> Result<(), Box<dyn std::error::Error>> {
    const SHOWN: usize = 100;
    let root = SVGBackend::new(file, (860, 380)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Old Faithful: two kinds of eruptions, and what was expected of each", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(50)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..SHOWN as f64 + 1.0, 0.5..6.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("eruption, in the order of two weeks in August 1985")
        .y_desc("duration (min)")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    let at = |t: usize| t as f64 + 1.0;
    let expected = expected(fit, wait, y)?;
    let steps = (0..SHOWN).flat_map(|t| [(at(t) - 0.5, expected[t]), (at(t) + 0.5, expected[t])]);
    chart.draw_series(LineSeries::new(steps, BLACK.mix(0.3).stroke_width(2)))?;
    let path = fit.posterior.z.path()?.states;
    let colours = [RGBColor(200, 80, 40), RGBColor(40, 90, 200)];
    chart.draw_series((0..SHOWN).map(|t| Circle::new((at(t), y[t]), 4, colours[path[t] % 2].filled())))?;
    root.present()?;
    Ok(())
}
