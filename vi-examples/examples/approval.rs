//! Approval of the president where in some quarters nobody asked: what it was then, and how sure that is.
//!
//! `cargo run -p vi-examples --example approval [picture.svg]`

use plotters::style::RGBColor;
use std::path::{Path, PathBuf};
use vi_examples::approval::{approval, fit, known, log_odds, polls};
use vi_examples::series::{Band, Frame, draw};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (quarters, poll) = polls()?;
    let fit = fit(&log_odds(&poll))?;
    println!("{fit}");
    let (every, absent) = known(&quarters, &fit);
    println!(
        "quarters without a poll: what it would have said, and the interval that holds it with probability 0.95"
    );
    for k in &absent {
        println!("{:.2}   {:.1}   {:.1} to {:.1}", k.at, k.mean, k.interval.0, k.interval.1);
    }

    let picture = std::env::args()
        .nth(1)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/approval.svg"), PathBuf::from);
    let frame = Frame {
        title: "Approval of the president, and quarters in which nobody asked (95 %)",
        axes: ("year", "approve (per cent)"),
        x: 1944.0..1976.0,
        y: 0.0..100.0,
    };
    let asked = quarters.iter().copied().zip(poll.iter().copied());
    let asked: Vec<(f64, f64)> = asked.filter(|(_, y)| !y.is_nan()).collect();
    let bands = [Band { name: "approval", known: &every, colour: RGBColor(40, 90, 200) }];
    let single = Band { name: "poll that was not taken", known: &absent, colour: RGBColor(200, 80, 40) };
    draw(&picture, &frame, ("poll", &asked), &bands, Some(&single))?;
    println!("\ndrawn: {}\n", picture.display());
    println!("{}", approval::PLAN);
    Ok(())
}
