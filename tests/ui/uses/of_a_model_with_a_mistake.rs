use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[n in N] ~ Categorcal(weight);
        observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
    }
}

use mixture::{Data, Params};

struct Study<'a> {
    data: mixture::Data<'a>,
    fits: Vec<Fit<mixture::Model>>,
}

fn at(params: &Params) -> f64 {
    params.mean[0]
}

fn main() -> Result<(), vi_core::Error> {
    let x = [0.5, 1.5];
    let model = mixture::Model::new(2);
    let data = Data { x: (&x).into() };
    let fit = model.fit(&data, &Options::new().seed(1))?;
    println!("{fit} {} {}", fit.log_likelihood(), mixture::PLAN);
    println!("{:?} {}", fit.posterior.z.most_likely(0), at(&fit.params));
    let study = Study { data, fits: vec![fit] };
    println!("{}", study.fits.len());
    Ok(())
}
