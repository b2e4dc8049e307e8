//! Eight schools whose spread is unknown: given, averaged over exactly, or with a posterior of its own.

use crate::schools::Schools;
use plotters::prelude::*;
use vi_core::prelude::*;
use vi_core::special::log_sum_exp;

model! {
    /// Everything given the spread: one Normal, its evidence exact.
    pub mod given_spread {
        given    s[j in J]: Positive;
        latent   mu ~ Normal(0, sd: 5);
        param    tau2: Positive(min: 1e-6);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}

model! {
    /// Effects in units of their spread, the common effect a param: the same likelihood, another road to it.
    pub mod standard_effects {
        given    s[j in J]: Positive;
        param    mu: Real;   param tau: Real;
        latent   eta[j in J] ~ Normal(0, var: 1);
        observed y[j in J]   ~ Normal(mu + tau * eta[j], sd: s[j]);
    }
}

model! {
    /// A half-Cauchy prior of the spread, as an inverse Gamma whose scale is uncertain.
    pub mod uncertain_spread(scale: Positive = 5.0) {
        given    s[j in J]: Positive;
        latent   a    ~ InverseGamma(shape: 0.5, scale: 1 / scale^2);
        latent   tau2 ~ InverseGamma(shape: 0.5, scale: 1 / a);
        latent   mu   ~ Normal(0, sd: 5);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}

/// Spreads from the smallest on, their posterior densities under a half-Cauchy(5) prior, and every effect given each.
pub struct Spread {
    /// Values of tau, equally far apart.
    pub tau: Vec<f64>,
    /// p(tau | y) at each.
    pub density: Vec<f64>,
    /// Mean and standard deviation of each effect given tau.
    pub effects: Vec<Vec<(f64, f64)>>,
    /// log p(y)
    pub log_evidence: f64,
}

impl Spread {
    /// A mean under the posterior of tau.
    pub fn average(&self, value: impl Fn(usize) -> f64) -> f64 {
        let step = self.tau[1] - self.tau[0];
        (0..self.tau.len()).map(|i| self.density[i] * step * value(i)).sum()
    }

    /// Mean and standard deviation of an effect, tau averaged over.
    #[must_use]
    pub fn effect(&self, j: usize) -> (f64, f64) {
        let mean = self.average(|i| self.effects[i][j].0);
        let var = self.average(|i| self.effects[i][j].1.powi(2) + (self.effects[i][j].0 - mean).powi(2));
        (mean, var.sqrt())
    }
}

/// The posterior of the spread by midpoints of `steps` intervals up to `most`: each needs one exact posterior of the rest.
///
/// # Errors
/// Whatever `infer` returns.
pub fn spread(schools: &Schools, most: f64, steps: u32) -> Result<Spread, vi_core::Error> {
    let data = given_spread::Data { s: (&schools.error).into(), y: (&schools.effect).into() };
    let step = most / f64::from(steps);
    let (mut tau, mut logs, mut effects) = (vec![], vec![], vec![]);
    for i in 0..steps {
        let t = step * (f64::from(i) + 0.5);
        let fit = given_spread::Model::new().infer(&data, &given_spread::Params { tau2: t * t })?;
        let prior = (2.0 / (std::f64::consts::PI * 5.0)).ln() - (t * t / 25.0).ln_1p();
        tau.push(t);
        logs.push(fit.log_likelihood() + prior);
        let (mean, sd) = (fit.posterior.theta.mean(), fit.posterior.theta.sd());
        effects.push(mean.iter().copied().zip(sd.iter().copied()).collect());
    }
    let log_evidence = log_sum_exp(&logs) + step.ln();
    let density = logs.iter().map(|l| (l - log_evidence).exp()).collect();
    Ok(Spread { tau, density, effects, log_evidence })
}

/// Blocks that take turns: the effects, the spread, and the scale of its prior.
///
/// # Errors
/// Whatever the fit returns.
pub fn turns(schools: &Schools) -> Result<Fit<uncertain_spread::Model>, vi_core::Error> {
    let data = uncertain_spread::Data { s: (&schools.error).into(), y: (&schools.effect).into() };
    let options = Options::new().max_iterations(20_000).tolerance(1e-12);
    uncertain_spread::Model::new().fit(&data, &options)
}

/// Draws the mean of every effect given tau, over the posterior density of tau.
///
/// # Errors
/// When the picture cannot be written.
pub fn draw(file: &std::path::Path, spread: &Spread) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(file, (860, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Eight schools: what each gains, given how far they differ", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(60)
        .margin_right(24)
        .build_cartesian_2d(0.0..25.0, -6.0..28.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("standard deviation between schools")
        .y_desc("expected effect (points)")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .draw()?;
    let shown = spread.tau.iter().take_while(|t| **t < 25.0).count();
    // The density in arbitrary units, from the lower edge.
    let top = spread.density.iter().copied().fold(0.0, f64::max);
    let height = |i: usize| -6.0 + 9.0 * spread.density[i] / top;
    let mut area = vec![(spread.tau[0], -6.0)];
    area.extend((0..shown).map(|i| (spread.tau[i], height(i))));
    area.push((spread.tau[shown - 1], -6.0));
    chart.draw_series(std::iter::once(Polygon::new(area, RGBColor(40, 90, 200).mix(0.2))))?;
    chart.draw_series(std::iter::once(Text::new(
        "posterior density of that standard deviation",
        (5.4, -3.4),
        ("sans-serif", 15).into_font().color(&RGBColor(40, 90, 200)),
    )))?;
    let ends: Vec<f64> = spread.effects[shown - 1].iter().map(|effect| effect.0).collect();
    let labels = apart(&ends, 1.3);
    for (j, name) in ('A'..='H').enumerate() {
        let colour = COLOURS[j];
        let line = (0..shown).map(|i| (spread.tau[i], spread.effects[i][j].0));
        chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
        chart.draw_series(std::iter::once(Text::new(
            name.to_string(),
            (spread.tau[shown - 1] + 0.1, labels[j] + 0.6),
            ("sans-serif", 15).into_font().color(&colour),
        )))?;
    }
    root.present()?;
    Ok(())
}

/// Heights of labels: no two nearer than `gap`, each as near to its own as going up from the lowest allows.
fn apart(heights: &[f64], gap: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut out = heights.to_vec();
    for pair in order.windows(2) {
        out[pair[1]] = out[pair[1]].max(out[pair[0]] + gap);
    }
    out
}

const COLOURS: [RGBColor; 8] = [
    RGBColor(200, 40, 70),
    RGBColor(50, 140, 60),
    RGBColor(170, 120, 0),
    RGBColor(30, 110, 180),
    RGBColor(220, 100, 30),
    RGBColor(120, 40, 160),
    RGBColor(20, 150, 160),
    RGBColor(190, 50, 170),
];
