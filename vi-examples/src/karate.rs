//! Friendships in a karate club: which members stand alike?

use crate::table;
use vi_core::prelude::*;

model! {
    /// Members of the same kind make friends with the same probabilities (Holland, Laskey & Leinhardt 1983).
    pub mod block_model(K) {
        latent   weight: Simplex[K]             ~ Dirichlet(1);
        latent   B[a in K, b in K if a <= b]    ~ Beta(1, 1);
        latent   z[i in N]                      ~ Categorical(weight);
        observed y[i in N, j in N if i < j]     ~ Bernoulli(B[z[i], z[j]]);
    }
}

/// Members who sided with the instructor when the club split, counted from 0.
pub const INSTRUCTOR: [usize; 17] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21];

/// Who is friends with whom: 34 × 34, the upper triangle filled.
///
/// # Errors
/// If the table cannot be read.
pub fn friendships() -> Result<DMatrix<bool>, Box<dyn std::error::Error>> {
    let mut y = DMatrix::from_element(34, 34, false);
    for row in table::read("karate.csv")?.row_iter() {
        let (a, b) = (row[0] as usize - 1, row[1] as usize - 1);
        y[(a.min(b), a.max(b))] = true;
    }
    Ok(y)
}

/// The best of 20 starts with this many kinds of members.
///
/// # Errors
/// What a fit can meet.
pub fn fit(y: &DMatrix<bool>, kinds: usize) -> Result<Fit<block_model::Model>, vi_core::Error> {
    let data = block_model::Data { y: y.into() };
    block_model::Model::new(kinds).fit(&data, &Options::new().seed(1).restarts(20))
}

/// Members by their most likely kind, the largest kind first.
#[must_use]
pub fn kinds(fit: &Fit<block_model::Model>) -> Vec<Vec<usize>> {
    let z = &fit.posterior.z;
    let mut out = vec![vec![]; z.states()];
    for i in 0..z.len() {
        out[z.most_likely(i)].push(i);
    }
    out.retain(|kind| !kind.is_empty());
    out.sort_by_key(|kind| (std::cmp::Reverse(kind.len()), kind[0]));
    out
}
