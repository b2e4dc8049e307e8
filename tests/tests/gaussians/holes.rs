//! Matrices of which few entries are known: what is not there costs nothing and says nothing.

use vi_core::data::Sparse;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::factors::completion;
use vi_tests::law::close;

model! {
    /// Vectors with holes, each component with a variance of its own.
    pub mod vectors(H) {
        param    W: Matrix[D, H];   param mu: Vector[D];   param psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N]: Vector[D]? ~ Normal(W * f[n] + mu, var: psi);
    }
}

/// Entries (row, column, value), so many in each row.
fn entries(rows: usize, columns: usize, each: usize, noise: &mut Noise) -> Vec<(usize, usize, f64)> {
    let loadings = noise.normals(columns);
    (0..rows)
        .flat_map(|n| {
            let f = noise.normal();
            let mut at: Vec<usize> = (0..each).map(|_| noise.below(columns)).collect();
            at.sort_unstable();
            at.dedup();
            at.into_iter().map(|d| (n, d, loadings[d] * f + 1.0 + 0.3 * noise.normal())).collect::<Vec<_>>()
        })
        .collect()
}

/// Empty rows and columns between the others make 10⁹ cells of the matrix: whoever looked at each would not be done today.
#[test]
fn rows_and_columns_without_entries_change_nothing_and_are_not_looked_at() {
    let (rows, columns, every, other) = (1500, 300, 30, 100);
    let mut noise = Noise::new(1);
    let few = entries(rows, columns, 4, &mut noise);
    let spread = few.iter().map(|(n, d, x)| (n * every, d * other, *x));
    let dense = Sparse::from_triplets(rows, columns, few.iter().copied()).expect("cells in their places");
    let spread = Sparse::from_triplets(rows * every, columns * other, spread).expect("cells in their places");
    let loadings = noise.normals(columns);
    let fit = |x: &Sparse<f64>, width: usize, other: usize| {
        let start = completion::Params {
            W: (0..width).map(|d| DVector::from_element(1, loadings[d / other])).collect(),
            mu: vec![0.5; width],
            s2: 1.0,
        };
        let options = Options::new().max_iterations(4).expand(false).keep_locals(false);
        completion::Model::new(1)
            .fit_from(&completion::Data { x: x.into() }, Start::Params(start), &options)
            .expect("fits")
    };
    let (a, b) = (fit(&dense, columns, 1), fit(&spread, columns * other, other));
    close(b.log_likelihood(), a.log_likelihood(), 1e-11);
    close(b.params.s2, a.params.s2, 1e-10);
    for d in 0..columns {
        close(b.params.W[d * other][0], a.params.W[d][0], 1e-9);
        close(b.params.mu[d * other], a.params.mu[d], 1e-9);
        // A column without entries keeps what it began with.
        assert_eq!((b.params.W[d * other + 1][0], b.params.mu[d * other + 1]), (loadings[d], 0.5));
    }
}

#[test]
fn listed_entries_say_what_a_matrix_of_options_says() {
    let (rows, columns) = (60, 7);
    let mut noise = Noise::new(2);
    let few = entries(rows, columns, 5, &mut noise);
    let sparse = Sparse::from_triplets(rows, columns, few.iter().copied()).expect("cells in their places");
    let options = DMatrix::from_fn(rows, columns, |n, d| {
        few.iter().find(|(i, j, _)| (*i, *j) == (n, d)).map(|(_, _, x)| *x)
    });
    let start = || {
        Start::Params(vectors::Params {
            W: DMatrix::from_fn(columns, 2, |d, h| 0.2 + 0.1 * d as f64 - 0.3 * h as f64),
            mu: DVector::from_element(columns, 0.5),
            psi: vec![1.0; columns],
        })
    };
    let fit = |data: vectors::Data<'_>| {
        let options = Options::new().max_iterations(20);
        vectors::Model::new(2).fit_from(&data, start(), &options).expect("fits")
    };
    let (a, b) = (fit(vectors::Data { x: (&sparse).into() }), fit(vectors::Data { x: (&options).into() }));
    assert_eq!(a.log_likelihood().to_bits(), b.log_likelihood().to_bits());
    assert_eq!(a.params.W, b.params.W);
    assert_eq!(a.params.psi, b.params.psi);
}
