//! Hidden Markov models of many sequences of equal length.

use super::{Job, npy};
use std::error::Error;
use vi_core::prelude::*;

model! {
    /// Normals with full covariances.
    pub mod normals(K) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param mean[k in K]: Vector[D];
        param cov[k in K]: SymPos[D];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed x[s, t in T[s]]    ~ Normal(mean[z[s, t]], cov: cov[z[s, t]]);
        }
    }
}

model! {
    /// Symbols.
    pub mod symbols(K, V) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param emit[k in K]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]    ~ Categorical(emit[z[s, t]]);
        }
    }
}

pub fn fit_normals(job: &Job<'_>) -> Result<(), Box<dyn Error>> {
    let x = (job.real)("X")?;
    let &[_, steps, dim] = x.shape.as_slice() else {
        return Err("sequences of vectors have three axes".into());
    };
    let rows: Vec<DMatrix<f64>> =
        x.values.chunks(steps * dim).map(|s| DMatrix::from_row_slice(steps, dim, s)).collect();
    let covs = (job.real)("cov0")?.values;
    let (start, trans) = chain(job)?;
    let params = normals::Params {
        start,
        trans,
        mean: (job.real)("mu0")?.values.chunks(dim).map(DVector::from_column_slice).collect(),
        cov: covs.chunks(dim * dim).map(|c| DMatrix::from_row_slice(dim, dim, c)).collect(),
    };
    let model = normals::Model::new(params.start.len());
    job.run(&model, &normals::Data { x: (&rows).into() }, &Start::Params(params), size_of_val(&*x.values))
}

pub fn fit_symbols(job: &Job<'_>, y: &npy::Array<i32>) -> Result<(), Box<dyn Error>> {
    let &[_, steps] = y.shape.as_slice() else { return Err("sequences of symbols have two axes".into()) };
    let rows: Vec<Vec<usize>> = y
        .values
        .chunks(steps)
        .map(|s| s.iter().map(|v| usize::try_from(*v)).collect::<Result<_, _>>())
        .collect::<Result<_, _>>()?;
    let emit = (job.real)("B0")?;
    let &[states, values] = emit.shape.as_slice() else { return Err("emissions have two axes".into()) };
    let (start, trans) = chain(job)?;
    let emit = emit.values.chunks(values).map(DVector::from_column_slice).collect();
    let model = symbols::Model::new(states, values);
    let start = Start::Params(symbols::Params { start, trans, emit });
    job.run(&model, &symbols::Data { y: (&rows).into() }, &start, 8 * y.values.len())
}

/// The law of the first state, and of the next given each.
type Chain = (DVector<f64>, Vec<DVector<f64>>);

fn chain(job: &Job<'_>) -> Result<Chain, Box<dyn Error>> {
    let start = DVector::from_vec((job.real)("pi0")?.values);
    let trans = (job.real)("P0")?.values.chunks(start.len()).map(DVector::from_column_slice).collect();
    Ok((start, trans))
}
