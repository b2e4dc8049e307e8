//! The Rust port of hmmlearn on the files of `peers.py`: `hmmlearn_rs_peer full|cat <folder> <iterations>` prints one line of JSON.
//!
//! A time is that of one iteration: of a whole fit less a fit of one iteration, by the number of the others.

#[path = "../../../examples/peers/npy.rs"]
mod npy;

use hmmlearn::core::{Fitted, Implementation};
use hmmlearn::covariance::CovarStore;
use hmmlearn::models::{CategoricalHmm, GaussianHmm};
use hmmlearn::ndarray::{Array1, Array2, Array3};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, folder, iterations] = args.as_slice() else {
        return Err("arguments: full|cat <folder> <iterations>".into());
    };
    let (folder, iterations) = (Path::new(folder), iterations.parse::<usize>()?);
    let real = |name: &str| npy::reals(&folder.join(format!("{name}.npy")));
    let ((short, _), (long, score)) = match kind.as_str() {
        "full" => (gaussian(&real, 1)?, gaussian(&real, iterations)?),
        "cat" => {
            let y = npy::integers(&folder.join("w3c_Y.npy"))?;
            (symbols(&real, &y, 1)?, symbols(&real, &y, iterations)?)
        }
        other => return Err(format!("{other}: full or cat").into()),
    };
    println!(
        "{{\"peer\": \"hmmlearn-rs\", \"iters\": {iterations}, \"marginal_s_per_iter\": {:.9}, \"loglik_or_elbo\": {score:.17e}}}",
        (long - short) / (iterations.max(2) - 1) as f64
    );
    Ok(())
}

type Load<'a> = dyn Fn(&str) -> Result<npy::Array<f64>, Box<dyn Error>> + 'a;
/// Seconds, and the log-likelihood of the final parameters.
type Run = Result<(f64, f64), Box<dyn Error>>;

fn gaussian(real: &Load<'_>, iterations: usize) -> Run {
    let x = real("w3g_X")?;
    let &[sequences, steps, dim] = x.shape.as_slice() else { return Err("sequences of vectors have three axes".into()) };
    let x = Array2::from_shape_vec((sequences * steps, dim), x.values)?;
    let start = Array1::from_vec(real("w3g_pi0")?.values);
    let states = start.len();
    let covs = CovarStore::Full(Array3::from_shape_vec((states, dim, dim), real("w3g_cov0")?.values)?);
    let model = GaussianHmm::new(states)
        .covariance_type(covs.covariance_type())
        .min_covar(0.0)
        .covars_prior(0.0)
        .covars_weight(0.0)
        .n_iter(iterations)
        .tol(f64::NEG_INFINITY)
        .init_params("")
        .implementation(Implementation::Scaling)
        .start_prob(start)
        .trans_mat(Array2::from_shape_vec((states, states), real("w3g_P0")?.values)?)
        .means(Array2::from_shape_vec((states, dim), real("w3g_mu0")?.values)?)
        .covars(covs);
    let lengths = vec![steps; sequences];
    let begun = Instant::now();
    let fit: Fitted<_> = model.fit(x.view(), Some(&lengths))?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok((seconds, fit.score(x.view(), Some(&lengths))?))
}

fn symbols(real: &Load<'_>, y: &npy::Array<i32>, iterations: usize) -> Run {
    let &[sequences, steps] = y.shape.as_slice() else { return Err("sequences of symbols have two axes".into()) };
    let emit = real("w3c_B0")?;
    let &[states, values] = emit.shape.as_slice() else { return Err("emissions have two axes".into()) };
    let y = Array2::from_shape_vec((sequences * steps, 1), y.values.iter().map(|v| f64::from(*v)).collect())?;
    let model = CategoricalHmm::new(states)
        .n_features(values)
        .n_iter(iterations)
        .tol(f64::NEG_INFINITY)
        .init_params("")
        .implementation(Implementation::Scaling)
        .start_prob(Array1::from_vec(real("w3c_pi0")?.values))
        .trans_mat(Array2::from_shape_vec((states, states), real("w3c_P0")?.values)?)
        .emissionprob(Array2::from_shape_vec((states, values), emit.values)?);
    let lengths = vec![steps; sequences];
    let begun = Instant::now();
    let fit = model.fit(y.view(), Some(&lengths))?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok((seconds, fit.score(y.view(), Some(&lengths))?))
}
