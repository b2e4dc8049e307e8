//! The flow of the Nile: its level with what is known of it, and the ten years that follow.
//!
//! `cargo run -p vi-examples --example nile [picture.svg]`

use plotters::style::RGBColor;
use std::path::{Path, PathBuf};
use vi_examples::nile::{fit, flows, local_level};
use vi_examples::series::{Band, Frame, Known, draw};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (years, flow) = flows()?;
    let fit = fit(&flow)?;
    println!("{fit}");
    let level: Vec<Known> = years
        .iter()
        .zip(&fit.posterior.level)
        .map(|(year, q)| Known { at: *year, mean: q.mean(), interval: q.interval(0.95) })
        .collect();

    // What was known at the time, and what it said of the year to come.
    let data = local_level::Data { flow: (&flow).into() };
    let filtered = fit.filter(&data)?;
    let logs = fit.log_densities(&data)?;
    println!("year   flow   level then   level now   log density of the year's flow");
    for t in [0, 1, 27, 28, 29, 41, 42, 43] {
        let (then, now) = (&filtered.level[t], &fit.posterior.level[t]);
        let log = logs[0][t].map_or("open".into(), |l| format!("{l:.3}"));
        println!("{}   {:>4}   {:>10.1}   {:>9.1}   {log:>8}", years[t], flow[t], then.mean(), now.mean());
    }

    let ahead = fit.forecast(&data, 10)?;
    println!("\nyears to come: flow, and the interval that holds it with probability 0.95");
    let last = years[years.len() - 1];
    let mut future = vec![];
    for (h, (_, flow)) in ahead.absent.flow.iter().enumerate() {
        let Some(interval) = flow.interval(0.95) else { continue };
        let year = last + 1.0 + h as f64;
        println!("{year}   {:.1}   {:.1} to {:.1}", flow.mean(), interval.0, interval.1);
        future.push(Known { at: year, mean: flow.mean(), interval });
    }

    let picture = std::env::args()
        .nth(1)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/nile.svg"), PathBuf::from);
    let frame = Frame {
        title: "The Nile at Aswan: its level, and ten years to come (95 %)",
        axes: ("year", "flow (10⁸ m³)"),
        x: 1869.0..1983.0,
        y: 400.0..1450.0,
    };
    let seen: Vec<(f64, f64)> = years.iter().copied().zip(flow.iter().copied()).collect();
    let bands = [
        Band { name: "level", known: &level, colour: RGBColor(200, 80, 40) },
        Band { name: "flow to come", known: &future, colour: RGBColor(40, 90, 200) },
    ];
    draw(&picture, &frame, ("flow", &seen), &bands, None)?;
    println!("\ndrawn: {}\n", picture.display());
    println!("{}", local_level::PLAN);
    Ok(())
}
