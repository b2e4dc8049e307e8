//! Fisher's irises: three species, told apart without labels and with a few.

use crate::ascending;
use nalgebra::DMatrix;
use vi_core::prelude::*;

model! {
    /// Flowers as a mixture of Gaussians; nobody tells which species they are.
    pub mod clusters(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

model! {
    /// The same mixture where the species of some flowers is known: `observed`, with a `?` for the others.
    pub mod partly_labelled(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        observed z[n in N]: Category[K]? ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

/// In the order of the file, 50 flowers each.
pub const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// 150 flowers: length and width of sepals, length and width of petals, in cm.
///
/// # Errors
/// When the file cannot be read.
pub fn flowers() -> Result<DMatrix<f64>, Box<dyn std::error::Error>> {
    crate::table::read("iris.csv")
}

/// The species of flower `n`, an index into [`SPECIES`].
#[must_use]
pub fn species(n: usize) -> usize {
    n / 50
}

/// Three clusters, the best of several starts; short petals first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit_clusters(x: &DMatrix<f64>) -> Result<Fit<clusters::Model>, vi_core::Error> {
    let data = clusters::Data { x: x.into() };
    let mut fit = clusters::Model::new(SPECIES.len()).fit(&data, &Options::new().seed(1).restarts(16))?;
    let petal_lengths: Vec<f64> = fit.params.mean.iter().map(|mean| mean[2]).collect();
    fit.relabel(&ascending(&petal_lengths))?;
    Ok(fit)
}

/// The species of the first `known` flowers of each species; the others are missing.
#[must_use]
pub fn labels(flowers: usize, known: usize) -> Vec<Option<usize>> {
    (0..flowers).map(|n| (n % 50 < known).then(|| species(n))).collect()
}

/// Three species, of which `labels` names some. Begun at the clusters, each named by the labelled flowers in it: labels alone say
/// too little of the shape of a species when there are few of them.
///
/// # Errors
/// Whatever the fits return; a `Domain` error when two species have most of their labelled flowers in one cluster.
pub fn fit_partly_labelled(
    x: &DMatrix<f64>,
    labels: &[Option<usize>],
) -> Result<Fit<partly_labelled::Model>, vi_core::Error> {
    let mut clusters = fit_clusters(x)?;
    clusters.relabel(&cluster_of_species(&clusters.posterior.z, labels))?;
    let clusters::Params { weight, mean, cov } = clusters.params;
    let start = Start::Params(partly_labelled::Params { weight, mean, cov });
    let data = partly_labelled::Data { x: x.into(), z: labels.into() };
    partly_labelled::Model::new(SPECIES.len()).fit_from(&data, start, &Options::new())
}

/// The cluster in which most labelled flowers of each species are.
fn cluster_of_species(clusters: &Categories, labels: &[Option<usize>]) -> Vec<usize> {
    let mut together = DMatrix::<f64>::zeros(clusters.states(), SPECIES.len());
    for (n, label) in labels.iter().enumerate() {
        let Some(species) = *label else { continue };
        for (k, p) in clusters.probs(n).iter().enumerate() {
            together[(k, species)] += p;
        }
    }
    together.column_iter().map(|column| column.imax()).collect()
}

/// Flowers by species (rows) and by cluster (columns).
#[must_use]
pub fn cross_table(clusters: &Categories) -> [[usize; 3]; 3] {
    let mut table = [[0; 3]; 3];
    for n in 0..clusters.len() {
        table[species(n)][clusters.most_likely(n)] += 1;
    }
    table
}
