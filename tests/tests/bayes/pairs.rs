//! Units that are joined in pairs: each takes its turn, the others held.

use vi_core::prelude::*;
use vi_tests::textbook::blocks::{Blocks, Prior};

model! {
    pub mod block_model(K) {
        latent   weight: Simplex[K]             ~ Dirichlet(1);
        latent   B[a in K, b in K if a <= b]    ~ Beta(1, 1);
        latent   z[i in N]                      ~ Categorical(weight);
        observed y[i in N, j in N if i < j]     ~ Bernoulli(B[z[i], z[j]]);
    }
}
model! {
    /// The same edges, one row for each pair.
    pub mod listed(K) {
        given    from[e in E]: Category[N];
        given    to[e in E]: Category[N];
        latent   weight: Simplex[K]             ~ Dirichlet(1);
        latent   B[a in K, b in K if a <= b]    ~ Beta(1, 1);
        latent   z[i in N]                      ~ Categorical(weight);
        observed y[e in E]                      ~ Bernoulli(B[z[from[e]], z[to[e]]]);
        factorize { q(z[each]); }
    }
}
model! {
    /// Weighted and directed, by maximum likelihood.
    pub mod flows(K) {
        param    weight: Simplex[K];
        param    level[a in K, b in K]: Real;
        param    noise: Positive;
        latent   z[i in N]                      ~ Categorical(weight);
        observed y[i in N, j in N if i != j]    ~ Normal(level[z[i], z[j]], var: noise);
    }
}

fn graph(n: usize, seed: u64) -> DMatrix<bool> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    DMatrix::from_fn(n, n, |i, j| next() < if (i % 3 == 0) == (j % 3 == 0) { 0.7 } else { 0.15 })
}

fn start(n: usize, k: usize) -> DMatrix<f64> {
    let mut z = DMatrix::from_fn(n, k, |i, j| 1.0 + ((i * 7 + j * 3) % 5) as f64 / 3.0);
    for mut row in z.row_iter_mut() {
        let total: f64 = row.iter().sum();
        row /= total;
    }
    z
}

#[test]
fn every_sweep_is_the_textbook_s() {
    let y = graph(12, 5);
    let z = start(12, 2);
    let data = block_model::Data { y: (&y).into() };
    let begin = block_model::Posterior { z: Categories::from_probs(&z), ..Default::default() };
    let model = block_model::Model::new(2);
    let mut state = model.start(&data, Start::Posterior(begin), &Options::new()).unwrap();
    let mut book = Blocks::new(&y, z, Prior { a0: 1.0, b0: 1.0, c0: 1.0 });
    book.update_weight();
    book.update_edges();
    for _ in 0..12 {
        book.update_z();
        book.update_weight();
        book.update_edges();
        let (found, expected) = (state.elbo(), book.bound());
        assert!((found - expected).abs() < 1e-10 * expected.abs(), "{found} {expected}");
        state.step().unwrap();
    }
}

#[test]
fn a_list_of_edges_says_what_a_matrix_says() {
    let y = graph(10, 3);
    let (mut from, mut to, mut value) = (vec![], vec![], vec![]);
    for i in 0..10 {
        for j in i + 1..10 {
            from.push(i);
            to.push(j);
            value.push(y[(i, j)]);
        }
    }
    let z = Categories::from_probs(&start(10, 2));
    let matrix = block_model::Model::new(2)
        .fit_from(
            &block_model::Data { y: (&y).into() },
            Start::Posterior(block_model::Posterior { z: z.clone(), ..Default::default() }),
            &Options::new(),
        )
        .unwrap();
    let data = listed::Data { from: (&from).into(), to: (&to).into(), y: (&value).into() };
    let list = listed::Model::new(2)
        .fit_from(&data, Start::Posterior(listed::Posterior { z, ..Default::default() }), &Options::new())
        .unwrap();
    assert_eq!(matrix.trace.len(), list.trace.len());
    for (a, b) in matrix.trace.iter().zip(&list.trace) {
        assert!((a - b).abs() < 1e-10 * a.abs(), "{a} {b}");
    }
}

#[test]
fn groups_are_found() {
    let y = graph(60, 11);
    let data = block_model::Data { y: (&y).into() };
    let fit = block_model::Model::new(2).fit(&data, &Options::new().restarts(4)).unwrap();
    let first = fit.posterior.z.most_likely(0);
    let right = (0..60).filter(|i| (fit.posterior.z.most_likely(*i) == first) == (i % 3 == 0)).count();
    assert!(right >= 58, "{right} of 60");
    assert!(fit.trace.windows(2).all(|w| w[1] >= w[0] - 1e-9 * w[0].abs()));
}

#[test]
fn levels_of_flows_by_maximum_likelihood() {
    let n = 30;
    let level = [[0.0, 5.0], [-3.0, 2.0]];
    let y = DMatrix::from_fn(n, n, |i, j| {
        level[usize::from(i < 10)][usize::from(j < 10)] + 0.3 * (((i * 31 + j * 17) % 13) as f64 / 6.0 - 1.0)
    });
    let data = flows::Data { y: (&y).into() };
    let fit = flows::Model::new(2).fit(&data, &Options::new().restarts(4)).unwrap();
    let a = fit.posterior.z.most_likely(0);
    assert!((0..n).all(|i| (fit.posterior.z.most_likely(i) == a) == (i < 10)));
    let b = 1 - a;
    assert!((fit.params.level[a][b] - level[1][0]).abs() < 0.1);
    assert!((fit.params.level[b][a] - level[0][1]).abs() < 0.1);
    assert!(fit.trace.windows(2).all(|w| w[1] >= w[0] - 1e-9 * w[0].abs()));
}
