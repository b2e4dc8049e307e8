//! Linear models: a state space of many sequences, and a regression whose coefficients each have a relevance.

use super::{Job, matrix, npy, on_processor};
use std::error::Error;
use std::time::Instant;
use vi_core::prelude::*;

model! {
    /// A state space, everything of it unknown.
    pub mod series(H) {
        param A: Matrix[H, H];   param Q: SymPos[H];
        param C: Matrix[D, H];   param R: SymPos[D];
        param m0: Vector[H];     param P0: SymPos[H];
        for s in S {
            latent   x[s, 0]            ~ Normal(m0, cov: P0);
            latent   x[s, t in 1..T[s]] ~ Normal(A * x[s, t-1], cov: Q);
            observed y[s, t in T[s]]    ~ Normal(C * x[s, t], cov: R);
        }
    }
}

model! {
    /// Regression with a precision for each coefficient.
    pub mod relevance(a0: Positive) {
        given    x[n in N]: Vector[D];
        latent   alpha          ~ Gamma(shape: a0, rate: a0);
        latent   lambda[d in D] ~ Gamma(shape: a0, rate: a0);
        latent   w[d in D]      ~ Normal(0, prec: lambda[d]);
        observed y[n in N]      ~ Normal(dot(w, x[n]), prec: alpha);
    }
}

pub fn fit_series(job: &Job<'_>) -> Result<(), Box<dyn Error>> {
    let y = (job.real)("Y")?;
    let &[_, steps, dim] = y.shape.as_slice() else {
        return Err("sequences of vectors have three axes".into());
    };
    let rows: Vec<DMatrix<f64>> =
        y.values.chunks(steps * dim).map(|s| DMatrix::from_row_slice(steps, dim, s)).collect();
    let m0 = DVector::from_vec((job.real)("m0")?.values);
    let read = |name| -> Result<DMatrix<f64>, Box<dyn Error>> { Ok(matrix((job.real)(name)?, None)) };
    let model = series::Model::new(m0.len());
    let params = series::Params {
        A: read("A0")?,
        Q: read("Q0")?,
        C: read("C0")?,
        R: read("R0")?,
        m0,
        P0: read("V0")?,
    };
    job.run(&model, &series::Data { y: (&rows).into() }, &Start::Params(params), 8 * y.values.len())
}

/// Until nothing changes; the time of all of it, and what it came to.
pub fn fit_relevance(job: &Job<'_>) -> Result<(), Box<dyn Error>> {
    let x = matrix((job.real)("X")?, None);
    let y: npy::Array<f64> = (job.real)("y")?;
    let data = relevance::Data { x: (&x).into(), y: (&y.values).into() };
    let options = job.options.clone().max_iterations(job.iterations).tolerance(1e-15);
    let (begun, used) = (Instant::now(), on_processor());
    let fit = relevance::Model::new(1e-6).fit(&data, &options)?;
    let (seconds, processor) = (begun.elapsed().as_secs_f64(), on_processor() - used);
    let lambda: Vec<f64> = fit.posterior.lambda.iter().map(Marginal::mean).collect();
    println!(
        "{{\"peer\": \"vi\", \"workload\": \"relevance\", \"iters\": {}, \"converged\": {}, \"seconds_total\": {seconds:.6}, \
         \"cpu_seconds\": {processor:.6}, \"loglik_or_elbo\": {:.17e}, \"alpha\": {:.17e}, \"lambda\": {lambda:?}, \"w\": {:?}}}",
        fit.iterations,
        fit.converged,
        fit.elbo(),
        fit.posterior.alpha.mean(),
        fit.posterior.w.mean().as_slice(),
    );
    Ok(())
}
