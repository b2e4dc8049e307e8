//! Seconds of one sweep, on one thread, of models whose generated loops differ: dense, by component, a regression, counts, labels.
//! Data are drawn from a fixed formula; what matters here is their size.

use divan::Bencher;
use vi_core::State;
use vi_core::data::Sparse;
use vi_core::fit::Program;
use vi_core::prelude::*;

model! {
    /// Full covariances.
    pub mod dense(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    /// A variance for each component of the data.
    pub mod diagonal(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    s2[k in K, d in D]: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}
model! {
    /// A mixture of regressions.
    pub mod regressions(K) {
        given    x[n in N]: Vector[D];
        param    weight: Simplex[K];
        param    w[k in K]: Vector[D];
        param    b[k in K]: Real;
        param    s[k in K]: Positive(min: 1e-3);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(dot(w[z[n]], x[n]) + b[z[n]], sd: s[z[n]]);
    }
}
model! {
    /// A mixture of Poissons.
    pub mod counts(K) {
        param    weight: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}
model! {
    /// Dawid & Skene.
    pub mod labels(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prev: Simplex[K];
        param    conf[j in J, k in K]: Simplex[K] ~ Dirichlet(1.1);
        latent   truth[n in N] ~ Categorical(prev);
        observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
        init { conf[j in J, k in K] = 0.7 * onehot(k) + 0.3 / K; }
    }
}
model! {
    /// A matrix of which few entries are known.
    pub mod completion(H) {
        param    W[d in D]: Vector[H];   param mu[d in D]: Real;   param s2: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[d], f[n]) + mu[d], var: s2);
    }
}

fn main() {
    divan::main();
}

const N: usize = 20_000;
const D: usize = 8;
const K: usize = 8;

/// Clusters that overlap: a hash of the position, moved by the row's cluster.
fn rows() -> DMatrix<f64> {
    DMatrix::from_fn(N, D, |n, d| noise(n * D + d) + ((n + d) % K) as f64 * 0.5)
}

fn noise(n: usize) -> f64 {
    let hash = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// The params of an M-step from made-up probabilities, so that no time is spent on seeding.
fn probabilities(states: usize, units: usize) -> Vec<f64> {
    let row = |n: usize| {
        let p: Vec<f64> =
            (0..states).map(|k| 0.1 + noise(n * states + k) + f64::from(n % states == k)).collect();
        let total: f64 = p.iter().sum();
        p.into_iter().map(move |p| p / total)
    };
    (0..units).flat_map(row).collect()
}

fn sweep<M: Program>(bencher: Bencher<'_, '_>, model: &M, data: &M::Data<'_>, start: &Start<M>) {
    let options = Options::new().threads(1).keep_locals(false);
    bencher.bench_local(|| match State::new(model, data, start, &options) {
        Ok(state) => state.elbo(),
        Err(e) => panic!("{e}"),
    });
}

#[divan::bench]
fn mixture_of_dense_normals(bencher: Bencher<'_, '_>) {
    let x = rows();
    let z = Categories::from_rows(K, probabilities(K, N));
    let start = Start::Posterior(dense::Posterior { z });
    sweep(bencher, &dense::Model::new(K), &dense::Data { x: (&x).into() }, &start);
}

#[divan::bench]
fn mixture_of_diagonal_normals(bencher: Bencher<'_, '_>) {
    let x = rows();
    let z = Categories::from_rows(K, probabilities(K, N));
    let start = Start::Posterior(diagonal::Posterior { z });
    sweep(bencher, &diagonal::Model::new(K), &diagonal::Data { x: (&x).into() }, &start);
}

#[divan::bench]
fn mixture_of_regressions(bencher: Bencher<'_, '_>) {
    let x = rows();
    let y: Vec<f64> = (0..N).map(|n| x[(n, n % D)] + noise(n)).collect();
    let z = Categories::from_rows(K, probabilities(K, N));
    let start = Start::Posterior(regressions::Posterior { z });
    let data = regressions::Data { x: (&x).into(), y: (&y).into() };
    sweep(bencher, &regressions::Model::new(K), &data, &start);
}

#[divan::bench]
fn mixture_of_poissons(bencher: Bencher<'_, '_>) {
    let y: Vec<u64> = (0..N).map(|n| (noise(n) * 10.0) as u64 + (n % K) as u64).collect();
    let z = Categories::from_rows(K, probabilities(K, N));
    let start = Start::Posterior(counts::Posterior { z });
    sweep(bencher, &counts::Model::new(K), &counts::Data { y: (&y).into() }, &start);
}

#[divan::bench]
fn labels_of_many_workers(bencher: Bencher<'_, '_>) {
    let item: Vec<usize> = (0..5 * N).map(|r| r / 5).collect();
    let who: Vec<usize> = (0..5 * N).map(|r| (r * 7 + r / 5) % 50).collect();
    let label: Vec<usize> = (0..5 * N)
        .map(|r| if noise(r) < 0.7 { (r / 5) % K } else { (noise(3 * r) * K as f64) as usize })
        .collect();
    let data = labels::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    sweep(bencher, &labels::Model::new(K), &data, &Start::Default);
}

/// One sweep over so many entries of a matrix of 2000 × 1000, with eight factors.
#[divan::bench(args = [100_000, 200_000, 400_000])]
fn completion_of_a_matrix(bencher: Bencher<'_, '_>, entries: usize) {
    let (rows, columns) = (2_000, 1_000);
    // Every cell has the same chance, and none comes twice.
    let cells = (0..entries).map(|e| e * (rows * columns / entries) + (noise(e) * 5.0) as usize);
    let triplets = cells.map(|cell| {
        let (n, d) = (cell / columns, cell % columns);
        (n, d, noise(n) * noise(rows + d) + 0.1 * noise(cell))
    });
    let x = Sparse::from_triplets(rows, columns, triplets).unwrap_or_else(|e| panic!("{e}"));
    let data = completion::Data { x: (&x).into() };
    let options = Options::new().threads(1).keep_locals(false);
    match State::new(&completion::Model::new(8), &data, &Start::Default, &options) {
        Ok(mut state) => bencher.bench_local(|| state.step().map_or_else(|e| panic!("{e}"), drop)),
        Err(e) => panic!("{e}"),
    }
}
