//! Did the rate of disasters in British coal mines change, and when? One change point, summed exactly, with its rates integrated out.
//!
//! `cargo run -p vi-examples --example coal [picture.svg]`

use plotters::prelude::*;
use std::path::{Path, PathBuf};
use vi_core::prelude::*;
use vi_examples::coal::{change_point, counts, expected_rates, fit, years_of_change};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (years, y) = counts()?;
    let fit = fit(&y)?;
    println!("{}", change_point::PLAN);
    println!("log evidence {:.4}", fit.log_evidence());
    let q = &fit.posterior;
    println!("P(the rate changed) = 1 − {:.1e}", q.changed.probs(0)[0]);

    let when = years_of_change(&fit);
    let mut order: Vec<usize> = (0..when.len()).collect();
    order.sort_by(|a, b| when[*b].total_cmp(&when[*a]));
    println!("\nfirst year of the later rate   probability");
    for &t in order.iter().take(6) {
        println!("{:>28}   {:.4}", years[t], when[t]);
    }
    for (name, rate) in ["before", "after"].iter().zip(&q.rate) {
        let (low, high) = rate.interval(0.95);
        println!("disasters a year {name}: {:.3}, 95 % between {low:.3} and {high:.3}", rate.mean());
    }
    let check = fit.verify(&change_point::Data { y: (&y).into() }, 1)?;
    println!("log p(y, z) − log q(z) differs by {:.1e} between draws of z", check.spread());

    let picture = std::env::args()
        .nth(1)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/coal.svg"), PathBuf::from);
    draw(&years, &y, &fit, &picture)?;
    println!("picture: {}", picture.display());
    Ok(())
}

const COUNT: RGBColor = RGBColor(0, 90, 160);
const CHANGE: RGBColor = RGBColor(204, 85, 0);

fn draw(years: &[u32], y: &[u64], fit: &Fit<change_point::Model>, picture: &Path) -> Result<(), Failure> {
    let root = SVGBackend::new(picture, (900, 560)).into_drawing_area();
    root.fill(&WHITE)?;
    let (first, last) = (f64::from(years[0]), f64::from(years[years.len() - 1]));
    let title = format!("Coal-mining disasters: log evidence −{:.3}", -fit.log_evidence());
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(60)
        .right_y_label_area_size(60)
        .build_cartesian_2d(first - 1.0..last + 1.0, 0.0..7.0)?
        .set_secondary_coord(first - 1.0..last + 1.0, 0.0..0.7);
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .x_desc("year")
        .y_desc("disasters")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    chart
        .configure_secondary_axes()
        .y_desc("probability of the change")
        .axis_desc_style(("sans-serif", 17))
        .label_style(("sans-serif", 15))
        .y_label_formatter(&|x| format!("{x:.1}"))
        .draw()?;
    let bar = |t: usize, height: f64| [(f64::from(years[t]) - 0.4, 0.0), (f64::from(years[t]) + 0.4, height)];
    chart.draw_series(
        y.iter().enumerate().map(|(t, y)| Rectangle::new(bar(t, *y as f64), COUNT.mix(0.35).filled())),
    )?;
    chart.draw_secondary_series(
        years_of_change(fit).iter().enumerate().map(|(t, p)| Rectangle::new(bar(t, *p), CHANGE.filled())),
    )?;
    let rates = expected_rates(fit);
    chart.draw_series(LineSeries::new(
        years.iter().zip(&rates).map(|(year, rate)| (f64::from(*year), *rate)),
        COUNT.stroke_width(3),
    ))?;
    root.present()?;
    Ok(())
}
