//! The genome of a virus cut into stretches of different composition, after G. A. Churchill, *Stochastic models for heterogeneous DNA
//! sequences*, Bulletin of Mathematical Biology 51 (1989), 79–94.

use crate::ascending;
use plotters::prelude::*;
use std::ops::Range;
use vi_core::prelude::*;

model! {
    /// Bases of a genome, whose frequencies differ from stretch to stretch.
    pub mod stretches(K, V) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    freq[k in K]: Simplex[V];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed base[t in T] ~ Categorical(freq[z[t]]);
        init { trans[i in K] = 0.999 * onehot(i) + 0.001 / K; }
    }
}

/// The bases, in the order of their numbers.
pub const BASES: &str = "ACGT";

/// The genome of bacteriophage lambda as positions in [`BASES`].
///
/// # Errors
/// When the file cannot be read, or holds anything but bases and ends of lines.
pub fn read() -> Result<Vec<usize>, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(crate::table::path("phage_lambda.txt"))?;
    let number = |c| BASES.find(c).ok_or_else(|| format!("phage_lambda.txt: `{c}` is no base").into());
    text.lines().flat_map(str::chars).map(number).collect()
}

/// How much of a composition is G or C.
#[must_use]
pub fn gc(freq: &[f64]) -> f64 {
    freq[1] + freq[2]
}

/// The chain of `kinds` kinds of stretches, the best of several starts; the kind with the least G and C is the first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(base: &[usize], kinds: usize) -> Result<Fit<stretches::Model>, vi_core::Error> {
    let data = stretches::Data { base: base.into() };
    let options = Options::new().seed(1).restarts(2);
    let mut fit = stretches::Model::new(kinds, BASES.len()).fit(&data, &options)?;
    let shares: Vec<f64> = (0..kinds).map(|k| gc(fit.params.freq[k].as_slice())).collect();
    fit.relabel(&ascending(&shares))?;
    Ok(fit)
}

/// Schwarz's criterion −2 log L + p log T, the smaller the better. The start of the only sequence is one of its kinds and is not counted.
#[must_use]
pub fn bic(fit: &Fit<stretches::Model>, base: &[usize]) -> f64 {
    let kinds = fit.params.freq.len();
    let free = kinds * (kinds - 1) + kinds * (BASES.len() - 1);
    (base.len() as f64).ln().mul_add(free as f64, -2.0 * fit.log_likelihood())
}

/// The stretches of the most probable path, with their kinds.
///
/// # Errors
/// Whatever the path returns.
pub fn cut(fit: &Fit<stretches::Model>) -> Result<Vec<(Range<usize>, usize)>, vi_core::Error> {
    let states = fit.posterior.z.path()?.states;
    let mut out: Vec<(Range<usize>, usize)> = vec![];
    for (t, k) in states.into_iter().enumerate() {
        match out.last_mut() {
            Some((range, kind)) if *kind == k => range.end = t + 1,
            _ => out.push((t..t + 1, k)),
        }
    }
    Ok(out)
}

/// Draws the share of G and C in windows along the genome, and behind it what was expected of the share, state by state.
///
/// # Errors
/// When the picture cannot be written.
pub fn draw(
    file: &std::path::Path,
    fit: &Fit<stretches::Model>,
    base: &[usize],
) -> Result<(), Box<dyn std::error::Error>> {
    const WINDOW: usize = 400;
    let root = SVGBackend::new(file, (860, 380)).into_drawing_area();
    root.fill(&WHITE)?;
    let thousands = base.len() as f64 / 1000.0;
    let mut chart = ChartBuilder::on(&root)
        .caption("Bacteriophage lambda, and its stretches of equal composition", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(50)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..thousands, 0.25..0.68)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("thousands of bases")
        .y_desc("share of G and C")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .draw()?;
    let window = |at: usize| at * WINDOW..((at + 1) * WINDOW).min(base.len());
    let middle = |r: &Range<usize>| (r.start + r.end) as f64 / 2000.0;
    let counted = (0..base.len().div_ceil(WINDOW)).map(window).map(|r| {
        let n = base[r.clone()].iter().filter(|b| matches!(**b, 1 | 2)).count();
        (middle(&r), n as f64 / r.len() as f64)
    });
    chart.draw_series(LineSeries::new(counted, BLACK.mix(0.45).stroke_width(1)))?;
    let share: Vec<f64> = fit.params.freq.iter().map(|f| gc(f.as_slice())).collect();
    let expected = (0..base.len()).step_by(20).map(|t| {
        let p = fit.posterior.z.probs(t);
        (t as f64 / 1000.0, p.iter().zip(&share).map(|(p, s)| p * s).sum())
    });
    chart.draw_series(LineSeries::new(expected, RGBColor(200, 80, 40).stroke_width(3)))?;
    root.present()?;
    Ok(())
}
