//! The certificate at run time: for an exact posterior, log p(X, Z; θ) − log q(Z) is one number, whatever Z is drawn from q.

use super::Fit;
use super::program::Program;
use crate::Error;

/// Draws of Z that are compared.
const DRAWS: usize = 16;

/// What the draws said.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// log p(X, Z; θ) − log q(Z) for each draw, by the distributions' own densities: not by the algebra that made q.
    pub values: Vec<f64>,
    /// The objective without the priors of params.
    pub objective: f64,
    /// What rounding alone may cause.
    pub tolerance: f64,
}

impl Verification {
    /// The largest distance of a draw from the objective.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.values.iter().map(|v| (v - self.objective).abs()).fold(0.0, f64::max)
    }

    /// Whether every draw agrees with the objective to rounding: q is the posterior.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.spread() <= self.tolerance
    }
}

impl<M: Program> Fit<M> {
    /// Draws latents from q and compares log p(X, Z; θ) − log q(Z) with the objective.
    ///
    /// # Errors
    /// What an E-step at these params can meet with these data.
    pub fn verify(&self, data: &M::Data<'_>, seed: u64) -> Result<Verification, Error> {
        let work = super::draws::work(self, data)?;
        let tables = work.tables(&self.model, &self.globals)?;
        let points = self.model.log_points(&work.context, &self.globals)?;
        let mut values = vec![];
        let mut largest = 0.0_f64;
        for draw in 0..DRAWS {
            let drawn = super::draws::draw(self, &work, &tables, seed, draw)?;
            largest = largest.max(drawn.magnitude);
            values.push(drawn.log_p - points - drawn.log_q);
        }
        let units: f64 = tables.iter().map(|t| t.len() as f64).sum();
        let tolerance = 64.0 * f64::EPSILON * (self.magnitude.max(largest) + units);
        Ok(Verification { values, objective: self.elbo() - self.log_prior, tolerance })
    }
}
