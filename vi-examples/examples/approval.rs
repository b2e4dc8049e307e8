//! Approval of the president where in some quarters nobody asked: what it was then, and how sure that is.
//!
//! `cargo run -p vi-examples --example approval [picture.svg]`

use plotters::style::RGBColor;
use std::path::{Path, PathBuf};
use vi_examples::approval::{approval, fit, polls};
use vi_examples::series::{Band, Frame, Known, draw};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (quarters, poll) = polls()?;
    let fit = fit(&poll)?;
    println!("{fit}");
    let mean = fit.params.mean;
    let known: Vec<Known> = quarters
        .iter()
        .zip(&fit.posterior.apart)
        .map(|(at, q)| {
            let (low, high) = q.interval(0.95);
            Known { at: *at, mean: mean + q.mean(), interval: (mean + low, mean + high) }
        })
        .collect();
    println!(
        "quarters without a poll: what it would have said, and the interval that holds it with probability 0.95"
    );
    let mut imputed = vec![];
    for (at, q) in fit.posterior.poll.iter() {
        let Some(interval) = q.interval(0.95) else { continue };
        println!("{:.2}   {:.1}   {:.1} to {:.1}", quarters[at[0]], q.mean(), interval.0, interval.1);
        imputed.push(Known { at: quarters[at[0]], mean: q.mean(), interval });
    }

    let picture = std::env::args()
        .nth(1)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/approval.svg"), PathBuf::from);
    let frame = Frame {
        title: "Approval of the president, and quarters in which nobody asked (95 %)",
        axes: ("year", "approve (per cent)"),
        x: 1944.0..1976.0,
        y: 10.0..110.0,
    };
    let asked = quarters.iter().copied().zip(poll.iter().copied());
    let asked: Vec<(f64, f64)> = asked.filter(|(_, y)| !y.is_nan()).collect();
    let bands = [Band { name: "approval", known: &known, colour: RGBColor(40, 90, 200) }];
    let single = Band { name: "poll that was not taken", known: &imputed, colour: RGBColor(200, 80, 40) };
    draw(&picture, &frame, ("poll", &asked), &bands, Some(&single))?;
    println!("\ndrawn: {}\n", picture.display());
    println!("{}", approval::PLAN);
    Ok(())
}
