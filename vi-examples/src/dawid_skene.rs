//! Five anaesthetists judge the fitness of 45 patients; nobody knows the truth (Dawid & Skene 1979).

use nalgebra::DMatrix;
use vi_core::prelude::*;

model! {
    /// Observers who err in their own ways, at maximum likelihood.
    pub mod likelihood(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prevalence: Simplex[K];
        param    confusion[j in J, k in K]: Simplex[K];
        latent   truth[n in N] ~ Categorical(prevalence);
        observed label[r in R] ~ Categorical(confusion[who[r], truth[item[r]]]);
    }
}

model! {
    /// The same observers with a prior that leaves no confusion impossible: the mode of the posterior.
    pub mod smoothed(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prevalence: Simplex[K];
        param    confusion[j in J, k in K]: Simplex[K] ~ Dirichlet(1.1);
        latent   truth[n in N] ~ Categorical(prevalence);
        observed label[r in R] ~ Categorical(confusion[who[r], truth[item[r]]]);
    }
}

/// Grades of fitness: 1 is fit for anaesthesia, 4 is not. Counted from 0 here.
pub const GRADES: usize = 4;

/// One entry for each of the 315 judgements, all counted from 0. Observer 0 saw every patient three times.
pub struct Judgements {
    /// Who was judged.
    pub patient: Vec<usize>,
    /// Who judged.
    pub observer: Vec<usize>,
    /// The grade given.
    pub grade: Vec<usize>,
}

/// Table 1 of Dawid & Skene (1979).
///
/// # Errors
/// When the file cannot be read.
pub fn judgements() -> Result<Judgements, Box<dyn std::error::Error>> {
    let table = crate::table::read("dawid_skene_1979.csv")?;
    let column = |j: usize| table.column(j).iter().map(|x| *x as usize - 1).collect();
    Ok(Judgements { patient: column(0), observer: column(1), grade: column(2) })
}

impl Judgements {
    /// The share of each grade among the judgements of each patient: where Dawid and Skene begin.
    #[must_use]
    pub fn vote_shares(&self) -> Categories {
        let patients = self.patient.iter().max().map_or(0, |n| n + 1);
        let mut votes = DMatrix::zeros(patients, GRADES);
        for (n, k) in self.patient.iter().zip(&self.grade) {
            votes[(*n, *k)] += 1.0;
        }
        Categories::from_probs(&votes)
    }

    /// Maximum likelihood, begun at the vote shares.
    ///
    /// # Errors
    /// Whatever the fit returns.
    pub fn fit_likelihood(&self) -> Result<Fit<likelihood::Model>, vi_core::Error> {
        let data = likelihood::Data {
            item: (&self.patient).into(),
            who: (&self.observer).into(),
            label: (&self.grade).into(),
        };
        let start = Start::Posterior(likelihood::Posterior { truth: self.vote_shares() });
        likelihood::Model::new(GRADES).fit_from(&data, start, &Options::new())
    }

    /// The posterior mode, begun at the vote shares.
    ///
    /// # Errors
    /// Whatever the fit returns.
    pub fn fit_smoothed(&self) -> Result<Fit<smoothed::Model>, vi_core::Error> {
        let data = smoothed::Data {
            item: (&self.patient).into(),
            who: (&self.observer).into(),
            label: (&self.grade).into(),
        };
        let start = Start::Posterior(smoothed::Posterior { truth: self.vote_shares() });
        smoothed::Model::new(GRADES).fit_from(&data, start, &Options::new())
    }
}
