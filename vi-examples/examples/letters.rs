//! Which letters are vowels? A chain of two kinds of letters on three paragraphs of Dostoevsky, which knows no letter from another.
//!
//! `cargo run -p vi-examples --example letters` also draws `vi-examples/pictures/letters.svg`.

use vi_examples::letters::{draw, fit, kinds, letters, read};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let w = read()?;
    let (chain, apart) = (fit(&w, 2)?, fit(&w, 1)?);
    println!("{chain}");
    println!("log-likelihood if no letter knew the one before  {:.2}", apart.log_likelihood());

    let table = kinds(&chain, &w);
    let [trans0, trans1] = [&chain.params.trans[0], &chain.params.trans[1]];
    for (k, name) in ["the kind that hardly follows itself", "the other kind"].into_iter().enumerate() {
        let own: String = table.iter().filter(|(_, _, shares)| shares[k] > 0.5).map(|(c, ..)| *c).collect();
        println!("{name}: {own}");
    }
    let unsure: Vec<String> = table
        .iter()
        .filter(|(_, _, shares)| shares[0] > 0.02 && shares[0] < 0.98)
        .map(|(c, count, shares)| format!("{c} {:.2} (of {count})", shares[0]))
        .collect();
    println!("sometimes of the one, sometimes of the other: {}", unsure.join(", "));
    println!("the first kind after itself {:.3}, after the other {:.3}", trans0[0], trans1[0]);
    println!("(vowels in Eugene Onegin, as Markov counted them in 1913: 0.128 and 0.663)");

    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/letters.svg");
    draw(&picture, &table)?;
    println!("drawn: {}\n", picture.display());
    println!("{}", letters::PLAN);
    Ok(())
}
