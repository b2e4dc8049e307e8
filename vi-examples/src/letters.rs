//! The letters of a Russian text, one after another, after A. A. Markov: he counted vowels and consonants in *Eugene Onegin*; here nobody
//! says which letters are which.

use crate::ascending;
use plotters::prelude::*;
use vi_core::prelude::*;

model! {
    /// Letters of several kinds, the kind of a letter depending on that of the letter before.
    pub mod letters(K, V) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]    ~ Categorical(emit[z[t]]);
    }
}

/// The alphabet of 1866, as far as it is still in use.
pub const ALPHABET: &str = "абвгдежзийклмнопрстуфхцчшщъыьэюя";

/// Positions in the alphabet of the letters of the text; what is no letter is left out.
///
/// # Errors
/// When the file cannot be read.
pub fn read() -> Result<Vec<usize>, std::io::Error> {
    let text = std::fs::read_to_string(crate::table::path("crime_and_punishment.txt"))?;
    let lower = text.chars().flat_map(char::to_lowercase);
    Ok(lower.filter_map(|c| ALPHABET.chars().position(|a| a == c)).collect())
}

/// The chain of `kinds` kinds of letters, the best of several starts; the kind that follows itself the least is the first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(w: &[usize], kinds: usize) -> Result<Fit<letters::Model>, vi_core::Error> {
    let data = letters::Data { w: w.into() };
    let options = Options::new().seed(1).restarts(3).tolerance(1e-9);
    let mut fit = letters::Model::new(kinds, ALPHABET.chars().count()).fit(&data, &options)?;
    let stays: Vec<f64> = (0..kinds).map(|k| fit.params.trans[k][k]).collect();
    fit.relabel(&ascending(&stays))?;
    Ok(fit)
}

/// How often each letter of the text is of each kind: the letter, its number in the text, and the shares of the kinds.
#[must_use]
pub fn kinds(fit: &Fit<letters::Model>, w: &[usize]) -> Vec<(char, usize, Vec<f64>)> {
    let states = fit.params.emit.len();
    let mut out: Vec<_> = ALPHABET.chars().map(|c| (c, 0, vec![0.0; states])).collect();
    for (t, v) in w.iter().enumerate() {
        let (_, count, shares) = &mut out[*v];
        *count += 1;
        shares.iter_mut().zip(fit.posterior.z.probs(t)).for_each(|(s, p)| *s += p);
    }
    out.retain(|(_, count, _)| *count > 0);
    for (_, count, shares) in &mut out {
        shares.iter_mut().for_each(|s| *s /= *count as f64);
    }
    out
}

/// Draws a bar for each letter, as high as it is frequent: dark as far as it is of the first kind.
///
/// # Errors
/// When the picture cannot be written.
pub fn draw(
    file: &std::path::Path,
    kinds: &[(char, usize, Vec<f64>)],
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(file, (860, 380)).into_drawing_area();
    root.fill(&WHITE)?;
    let highest = kinds.iter().map(|k| k.1).max().unwrap_or(1) as f64;
    let mut chart = ChartBuilder::on(&root)
        .caption("Letters of two kinds, found by what follows what", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(12)
        .y_label_area_size(60)
        .build_cartesian_2d(-0.5..kinds.len() as f64 - 0.5, -0.12 * highest..1.05 * highest)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_labels(0)
        .y_desc("in the text")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .y_label_formatter(&|y| if *y < 0.0 { String::new() } else { format!("{y:.0}") })
        .draw()?;
    let (first, other) = (RGBColor(200, 80, 40), RGBColor(40, 90, 200));
    for (at, (letter, count, shares)) in kinds.iter().enumerate() {
        let (x, top) = (at as f64, *count as f64);
        let split = shares[0] * top;
        let bar = |low: f64, high: f64, colour: RGBColor| {
            Rectangle::new([(x - 0.36, low), (x + 0.36, high)], colour.mix(0.75).filled())
        };
        chart.draw_series([bar(0.0, split, first), bar(split, top, other)])?;
        let style = ("sans-serif", 17).into_font().color(&BLACK);
        chart.draw_series([Text::new(letter.to_string(), (x - 0.22, -0.02 * highest), style)])?;
    }
    root.present()?;
    Ok(())
}
