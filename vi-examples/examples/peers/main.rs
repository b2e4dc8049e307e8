//! Our side of `benches/peers.py`: fixed data, fixed start, a fixed number of iterations; one line of JSON.
//!
//! ```text
//! peers mixture    <folder> <tag> <iterations> <threads> [locals]
//! peers labels     <folder> <tag> <iterations> <threads>
//! peers regression <folder> <tag> <iterations> <threads> [rows]
//! peers bayesian   <folder> <tag> <iterations> <threads>
//! peers chain      <folder> <tag> <iterations> <threads>
//! peers symbols    <folder> <tag> <iterations> <threads>
//! peers topics     <folder> <tag> <iterations> <threads> [file to write the topics to]
//! peers factors    <folder> <tag> <iterations> <threads>
//! peers seen       <folder> <tag> <iterations> <threads>      every second entry taken away
//! ```
//!
//! `<folder>` holds the arrays as NumPy stores them. Times are of single sweeps: the median and the least one on the clock; and the mean
//! time on the processor of the calling thread, which a busy machine lengthens less.

mod chains;
mod npy;

use std::error::Error;
use std::path::Path;
use std::time::Instant;
use vi_core::State;
use vi_core::dist::Dirichlet;
use vi_core::fit::Program;
use vi_core::prelude::*;

model! {
    /// A mixture of Normals with full covariances.
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

model! {
    /// Workers with a confusion matrix each, without priors: Dawid & Skene 1979.
    pub mod labels(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prev: Simplex[K];
        param    conf[j in J, k in K]: Simplex[K];
        latent   truth[n in N] ~ Categorical(prev);
        observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
    }
}

model! {
    /// Linear regression: no latent, so the data are read once.
    pub mod regression {
        given    x[n in N]: Vector[D];
        param    w: Vector[D];   param b: Real;   param s2: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, var: s2);
    }
}

model! {
    /// A mixture of Normals, every parameter with a prior.
    pub mod bayesian(K, m0: Vector[D], w0: SymPos[D], nu0: Positive, b0: Positive, a0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: b0 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}

model! {
    /// Latent Dirichlet allocation.
    pub mod topics(K, V, alpha: Positive = 0.1, eta: Positive = 0.01) {
        latent topic[k in K]: Simplex[V] ~ Dirichlet(eta);
        given  count[d in Docs, i in I[d]]: Count;
        for d in Docs {
            latent share[d]: Simplex[K] ~ Dirichlet(alpha);
            for i in I[d] repeat count[d, i] {
                latent   z[d, i]    ~ Categorical(share[d]);
                observed word[d, i] ~ Categorical(topic[z[d, i]]);
            }
        }
    }
}

model! {
    /// Factor analysis: the data are read once.
    pub mod factors(H) {
        param    W: Matrix[D, H];
        param    mu: Vector[D];
        param    psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: psi);
    }
}

model! {
    /// Factor analysis where any entry may be missing: each row is read in every sweep.
    pub mod seen(H) {
        param    W[d in D]: Vector[H];   param mu[d in D]: Real;   param psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[d], f[n]) + mu[d], var: psi[d]);
    }
}

/// Reads one of the peers' arrays.
type Load<'a> = dyn Fn(&str) -> Result<npy::Array<f64>, Box<dyn Error>> + 'a;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [what, folder, tag, iterations, threads, rest @ ..] = args.as_slice() else {
        return Err(
            "arguments: mixture|labels|regression|bayesian|chain|symbols|topics|factors|seen <folder> <tag> <iterations> <threads>"
                .into(),
        );
    };
    let folder = Path::new(folder);
    let job = Job {
        real: &|name| npy::reals(&folder.join(format!("{tag}_{name}.npy"))),
        iterations: iterations.parse()?,
        options: Options::new().threads(threads.parse()?).keep_locals(rest.contains(&"locals")),
    };
    match *what {
        "mixture" => fit_mixture(&job),
        "labels" => fit_labels(&job, &npy::integers(&folder.join(format!("{tag}_labels.npy")))?.values),
        "regression" => fit_regression(&job, rest.iter().find_map(|r| r.parse().ok())),
        "bayesian" => fit_bayesian(&job, &npy::integers(&folder.join(format!("{tag}_lab0.npy")))?.values),
        "chain" => chains::fit_normals(&job),
        "symbols" => chains::fit_symbols(&job, &npy::integers(&folder.join(format!("{tag}_Y.npy")))?),
        "topics" => {
            fit_topics(&job, &npy::integers(&folder.join(format!("{tag}_coo.npy")))?.values, rest.first())
        }
        "factors" => fit_factors(&job),
        "seen" => fit_seen(&job),
        _ => Err(format!(
            "{what}: mixture, labels, regression, bayesian, chain, symbols, topics, factors or seen"
        )
        .into()),
    }
}

struct Job<'a> {
    real: &'a Load<'a>,
    iterations: usize,
    options: Options,
}

fn fit_mixture(job: &Job<'_>) -> Result<(), Box<dyn Error>> {
    let x = matrix((job.real)("X")?, None);
    let weight = DVector::from_vec((job.real)("w0")?.values);
    let (means, covs) = ((job.real)("mu0")?.values, (job.real)("cov0")?.values);
    let (states, dim) = (weight.len(), x.ncols());
    let start = mixture::Params {
        weight,
        mean: means.chunks(dim).map(DVector::from_column_slice).collect(),
        cov: covs.chunks(dim * dim).map(|c| DMatrix::from_row_slice(dim, dim, c)).collect(),
    };
    let data = mixture::Data { x: (&x).into() };
    job.run(&mixture::Model::new(states), &data, &Start::Params(start), size_of_val(x.as_slice()))
}

fn fit_labels(job: &Job<'_>, rows: &[i32]) -> Result<(), Box<dyn Error>> {
    let column = |c: usize| -> Result<Vec<usize>, _> {
        rows.chunks(3).map(|r| usize::try_from(r[c])).collect::<Result<_, _>>()
    };
    let (item, who, label) = (column(0)?, column(1)?, column(2)?);
    let extent = |v: &[usize]| v.iter().max().map_or(0, |m| m + 1);
    let (items, states) = (extent(&item), extent(&label));
    // The majority vote: an item's posterior is the shares of its labels.
    let mut votes = vec![0.0; items * states];
    for (i, l) in item.iter().zip(&label) {
        votes[i * states + l] += 1.0;
    }
    for votes in votes.chunks_mut(states) {
        let total: f64 = votes.iter().sum();
        votes.iter_mut().for_each(|v| *v /= total);
    }
    let truth = Categories::from_rows(states, votes);
    let start = Start::Posterior(labels::Posterior { truth });
    let data = labels::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    job.run(&labels::Model::new(states), &data, &start, 3 * size_of_val(item.as_slice()))
}

fn fit_regression(job: &Job<'_>, rows: Option<usize>) -> Result<(), Box<dyn Error>> {
    let x = matrix((job.real)("X")?, rows);
    let mut y = (job.real)("y")?.values;
    y.truncate(x.nrows());
    let data = regression::Data { x: (&x).into(), y: (&y).into() };
    job.run(&regression::Model::new(), &data, &Start::Default, size_of_val(x.as_slice()))
}

/// The peers' priors: Dirichlet(1/K), and a Wishart about the covariance of the data.
fn fit_bayesian(job: &Job<'_>, labels: &[i32]) -> Result<(), Box<dyn Error>> {
    let x = matrix((job.real)("X")?, None);
    let labels = labels.iter().map(|l| usize::try_from(*l)).collect::<Result<Vec<_>, _>>()?;
    let states = labels.iter().max().map_or(0, |m| m + 1);
    let (n, dim) = (x.nrows() as f64, x.ncols());
    let mean = x.row_mean().transpose();
    let mut cov = DMatrix::zeros(dim, dim);
    for row in x.row_iter() {
        let r = row.transpose() - &mean;
        cov += &r * r.transpose() / (n - 1.0);
    }
    let scale = cov.try_inverse().ok_or("the covariance of the data is singular")?;
    let model = bayesian::Model::new(states, mean, scale, dim as f64, 1.0, 1.0 / states as f64);
    let z = Categories::one_hot(&labels, states);
    let start = Start::Posterior(bayesian::Posterior { z, ..Default::default() });
    job.run(&model, &bayesian::Data { x: (&x).into() }, &start, size_of_val(x.as_slice()))
}

/// Every pass, the documents begin anew at Dirichlet(1, …, 1), as the peers' do at draws close to it.
fn fit_topics(job: &Job<'_>, rows: &[i32], file: Option<&&str>) -> Result<(), Box<dyn Error>> {
    let start = (job.real)("lambda0")?;
    let &[states, values] = start.shape.as_slice() else { return Err("topics have two axes".into()) };
    let documents = rows.chunks(3).map(|r| r[0] as usize + 1).max().unwrap_or(0);
    let (mut word, mut count) = (vec![vec![]; documents], vec![vec![]; documents]);
    for r in rows.chunks(3) {
        let (document, value, times) = (usize::try_from(r[0])?, usize::try_from(r[1])?, u64::try_from(r[2])?);
        word[document].push(value);
        count[document].push(times);
    }
    let law = |a: &[f64]| Marginal::from(Dirichlet::new(a.to_vec()));
    let share = vec![law(&vec![1.0; states]); documents];
    let again = topics::Posterior { share: share.clone(), ..Default::default() };
    let topic = start.values.chunks(values).map(law).collect();
    let start = Start::Posterior(topics::Posterior { share, topic, ..Default::default() });
    let data = topics::Data { count: (&count).into(), word: (&word).into() };
    let fit =
        job.fit(&topics::Model::new(states, values), &data, &start, rows.len() * 16 / 3, Some(&again))?;
    if let Some(file) = file {
        let laws = fit.posterior.topic.iter().filter_map(Marginal::law);
        let bytes: Vec<u8> = laws.flat_map(|d| d.a.iter().flat_map(|a| a.to_le_bytes())).collect();
        std::fs::write(file, bytes)?;
    }
    Ok(())
}

fn fit_factors(job: &Job<'_>) -> Result<(), Box<dyn Error>> {
    let x = matrix((job.real)("X")?, None);
    let w = matrix((job.real)("W0")?, None);
    let (factors, dim) = (w.ncols(), x.ncols());
    let start = factors::Params { W: w, mu: x.row_mean().transpose(), psi: vec![1.0; dim] };
    let data = factors::Data { x: (&x).into() };
    job.run(&factors::Model::new(factors), &data, &Start::Params(start), size_of_val(x.as_slice()))
}

fn fit_seen(job: &Job<'_>) -> Result<(), Box<dyn Error>> {
    let x = matrix((job.real)("X")?, None);
    let w = matrix((job.real)("W0")?, None);
    let (factors, dim) = (w.ncols(), x.ncols());
    let mut state = 1_u64;
    let part = x.map(|v| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 63 == 0).then_some(v)
    });
    let start = seen::Params {
        W: (0..dim).map(|d| w.row(d).transpose()).collect(),
        mu: x.row_mean().iter().copied().collect(),
        psi: vec![1.0; dim],
    };
    let data = seen::Data { x: (&part).into() };
    job.run(&seen::Model::new(factors), &data, &Start::Params(start), size_of_val(part.as_slice()))
}

fn matrix(array: npy::Array<f64>, rows: Option<usize>) -> DMatrix<f64> {
    let dim = array.shape.last().copied().unwrap_or(1);
    let rows = rows.unwrap_or(usize::MAX).min(array.values.len() / dim);
    DMatrix::from_row_slice(rows, dim, &array.values[..rows * dim])
}

impl Job<'_> {
    fn run<M: Program>(
        &self,
        model: &M,
        data: &M::Data<'_>,
        start: &Start<M>,
        data_bytes: usize,
    ) -> Result<(), Box<dyn Error>> {
        self.fit(model, data, start, data_bytes, None).map(|_| ())
    }

    fn fit<M: Program>(
        &self,
        model: &M,
        data: &M::Data<'_>,
        start: &Start<M>,
        data_bytes: usize,
        again: Option<&M::Posterior>,
    ) -> Result<Fit<M>, Box<dyn Error>> {
        forget_peak();
        let begun = Instant::now();
        let mut state = State::new(model, data, start, &self.options)?;
        let setup = begun.elapsed().as_secs_f64();
        let mut clock = vec![];
        let used = on_processor();
        for _ in 0..self.iterations {
            let at = Instant::now();
            if let Some(q) = again {
                state.set(q)?;
            }
            state.step()?;
            clock.push(at.elapsed().as_secs_f64());
        }
        // Over all sweeps, because the system brings the figure up to date at its ticks only.
        let processor = (on_processor() - used) / self.iterations.max(1) as f64;
        let fit = state.finish()?;
        clock.sort_by(f64::total_cmp);
        println!(
            "{{\"peer\": \"vi\", \"workload\": \"{}\", \"iters\": {}, \"threads\": {}, \"setup_s\": {setup:.6}, \
             \"median_s_per_iter\": {:.9}, \"min_s_per_iter\": {:.9}, \"cpu_s_per_iter\": {:.9}, \"loglik_or_elbo\": {:.17e}, \"one_before\": {:.17e}, \
             \"data_mb\": {:.1}, \"peak_rss_mb\": {:.1}}}",
            M::NAME,
            self.iterations,
            self.options.threads,
            clock.get(clock.len() / 2).copied().unwrap_or(f64::NAN),
            clock.first().copied().unwrap_or(f64::NAN),
            processor,
            fit.elbo(),
            fit.trace.iter().rev().nth(1).copied().unwrap_or(f64::NAN),
            data_bytes as f64 / MIB,
            peak().unwrap_or(f64::NAN),
        );
        Ok(fit)
    }
}

const MIB: f64 = 1024.0 * 1024.0;

/// Seconds the calling thread has run. 0 where the system does not tell.
fn on_processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0) * 1e-9
}

/// Starts the measurement of peak memory anew, so that reading the files does not count.
fn forget_peak() {
    // Without it the peak is that of the whole process: an upper bound.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Peak resident memory in MiB.
fn peak() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
