//! Where does the genome of a virus change its composition? Chains of one to three kinds of stretches on bacteriophage lambda.
//!
//! `cargo run --release -p vi-examples --example phage` also draws `vi-examples/pictures/phage.svg`.

use vi_examples::phage::{BASES, bic, cut, draw, fit, gc, read, stretches};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = read()?;
    let fits = (1..=3).map(|kinds| fit(&base, kinds)).collect::<Result<Vec<_>, _>>()?;
    println!("kinds  log-likelihood        BIC");
    for (kinds, fit) in (1..).zip(&fits) {
        println!("{kinds:>5}  {:>14.2} {:>10.1}", fit.log_likelihood(), bic(fit, &base));
    }

    let best = fits.iter().min_by(|a, b| bic(a, &base).total_cmp(&bic(b, &base))).ok_or("no fit")?;
    println!("\n{best}\n");
    println!("columns of freq: {BASES}\n");
    println!("    from     to  bases  kind   G + C");
    for (range, kind) in cut(best)? {
        let share = gc(best.params.freq[kind].as_slice());
        println!("{:>8} {:>6} {:>6} {kind:>5}  {share:.4}", range.start + 1, range.end, range.len());
    }

    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/phage.svg");
    draw(&picture, best, &base)?;
    println!("\ndrawn: {}\n", picture.display());
    println!("{}", stretches::PLAN);
    Ok(())
}
