//! Old Faithful.
use vi_core::prelude::*;

model! {
    /// Eruptions of Old Faithful as a mixture of Gaussians.
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rows = vec![];
    for r in
        csv::ReaderBuilder::new().has_headers(false).from_path("vi-examples/data/faithful.csv")?.records()
    {
        let r = r?;
        rows.push([r[0].parse::<f64>()?, r[1].parse::<f64>()?]);
    }
    let x = DMatrix::from_fn(rows.len(), 2, |i, j| rows[i][j]);
    let model = mixture::Model::new(2);
    let data = mixture::Data { x: (&x).into() };
    let fit = model.fit(&data, &Options::new().seed(1).restarts(8))?;
    println!("{fit}");
    println!("{}", fit.log_likelihood());
    println!("{:?}", fit.elbo_terms());
    println!("{:?}", fit.verify(&data, 1)?.spread());
    println!("{:?}", fit.starts);
    println!("{}", mixture::PLAN);
    Ok(())
}
