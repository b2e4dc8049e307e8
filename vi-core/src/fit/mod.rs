//! Fitting: options, starts, the loop, and what a fit holds.

mod accelerate;
mod ahead;
mod alike;
mod canonical;
mod chain_start;
mod chained;
mod conditional;
mod coupled;
mod describe;
mod display;
mod drawn;
mod draws;
mod filtered;
mod floors;
mod fold;
mod gated;
mod held;
mod imputed;
mod joins;
mod lasting;
mod linked;
mod links;
pub(crate) mod marginal;
mod meetings;
mod mixed;
mod needs;
#[doc(hidden)]
pub mod nodes;
mod online;
mod options;
pub(crate) mod parts;
mod paths;
mod plan;
mod posterior;
mod predict;
pub mod program;
mod run;
mod runs;
mod sequence;
#[cfg(feature = "serde")]
mod serial;
mod start;
mod stochastic;
mod sweep;
mod trajectory;
mod units;
mod update;
mod verify;
mod whole;
mod within;

pub use ahead::{DrawnFuture, ForecastDraws, FutureLaw};
pub use canonical::{Canonical, Ordered, TurnBoth, TurnLaw, Turnable, Turned};
pub use conditional::{kept, mixed, mixed_vectors};
pub use describe::{Described, DescribedLaw, Describer, LawDescriber, Numbers};
pub use drawn::{Drawn, draws_for, let_stream};
pub use imputed::{Imputed, ImputedCategories, ImputedNumbers, MeanVar, Mixture, Moments};
pub use joins::{Imputes, Joins, Span, Types};
pub use links::Links;
pub use marginal::{Law, Marginal, Point};
pub use online::{
    Closed, Continues, Dense, Follows, Forecast, Known, MeanFieldStep, NormalStep, Online, Steady, Step,
    StudentStep,
};
pub use options::Options;
pub use paths::Path;
pub use plan::{Claim, Plan};
pub use posterior::{Categories, choose_rows, is_kept};
pub use program::{Component, ElboTerm, Evidence, Gate, Maximised, Program, Scratch, Statistics, Turn};
pub use program::{Place, carry, first_states, flip, permute, turn_lines};
pub use run::State;
pub use stochastic::{Schedule, fit_stochastic};
pub use trajectory::Trajectory;
pub use verify::Verification;
pub use whole::{accumulate, fit, infer};

use crate::Error;

/// What a fit says of new data.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "M::Imputed: serde::Serialize",
        deserialize = "M::Imputed: serde::Deserialize<'de>"
    ))
)]
#[non_exhaustive]
pub struct Predictive<M: Program> {
    /// log p(data of the unit; θ̂) for each unit of the latents, in the order of their index. A model without latents has one entry for all
    /// its data.
    pub log_density: Vec<f64>,
    /// Mean and variance, or probabilities, of what is absent or missing: one field for each observed array that no other reads. The latents
    /// of its unit are summed out under their posterior given what is there, at the params of the fit. Latents that all units share are
    /// averaged over 128 draws from their q: [`MeanVar::error`] is the standard error that this leaves.
    pub absent: M::Imputed,
    /// The Monte-Carlo standard error of each log density, where shared latents were averaged over draws from their q; `None` where nothing
    /// was drawn.
    pub error: Option<Vec<f64>>,
}

/// Where a fit begins.
///
/// A latent that is integrated out in every state of its unit has no start: the first M-step takes it at the moments of its prior, whatever
/// is said of it, and the first E-step finds its posterior.
#[derive(Clone, Debug)]
pub enum Start<M: Program> {
    /// The model's `init` block if it has one, else seeds spread over the data.
    Default,
    /// Params; those left unset are found by an M-step first, or as by default where those set tell no state from another.
    Params(M::Params),
    /// A posterior of the latents; an M-step comes first. Latents left unset are uniform.
    Posterior(M::Posterior),
    /// Values of the latents; an M-step comes first.
    Latents(M::Latents),
}

/// What [`Options::progress`] is told after every sweep.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Sweeps so far.
    pub iteration: usize,
    /// The objective after this sweep.
    pub objective: f64,
}

/// How one start of several ended.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct StartReport {
    /// The objective it reached.
    pub objective: Option<f64>,
    /// Sweeps it took.
    pub iterations: usize,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// The share of units whose most likely state is that of the best start, after the states were matched
    /// ([`Agreement`](crate::diagnostics::Agreement)): a start with another objective and the same states has found the same optimum but
    /// for what is left to gain. `None` for a single start, without kept locals, and where several latents share a table.
    pub agreement: Option<f64>,
}

/// A fitted model: params, posterior and how they were reached. It holds no data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fit<M: Program> {
    /// Sizes and constants.
    pub model: M,
    /// Point estimates.
    pub params: M::Params,
    /// One q for each latent; empty if locals were not kept.
    pub posterior: M::Posterior,
    /// The objective after the E-step of each sweep: log p(X; θ) + log p(θ) where the posterior is exact, a lower bound elsewhere.
    pub trace: Vec<f64>,
    /// Number of M-steps.
    pub iterations: usize,
    /// Whether the stopping rule was met.
    pub converged: bool,
    /// Params that lie on a bound.
    pub at_boundary: Vec<String>,
    /// What the last M-step had to say: empty components, rank-deficient regressions.
    pub notes: Vec<String>,
    /// Reported `let`s.
    pub lets: M::Lets,
    /// How every start ended.
    pub starts: Vec<StartReport>,
    /// What all units share, under which the posteriors of the units were taken.
    globals: M::Globals,
    elbo_terms: Vec<ElboTerm>,
    changes: Vec<ElboTerm>,
    log_prior: f64,
    magnitude: f64,
    units: usize,
    /// Categories of the first latent.
    states: usize,
    kept: bool,
    /// Not there after categories were renamed.
    totals: Option<run::Totals<M::Stats>>,
}

impl<M: Program> Fit<M> {
    fn new(model: M, globals: M::Globals) -> Self {
        Fit {
            model,
            params: M::params(&globals),
            globals,
            posterior: M::Posterior::default(),
            trace: vec![],
            iterations: 0,
            converged: false,
            at_boundary: vec![],
            notes: vec![],
            lets: M::Lets::default(),
            starts: vec![],
            elbo_terms: vec![],
            changes: vec![],
            log_prior: 0.0,
            magnitude: 0.0,
            units: 0,
            states: 0,
            kept: false,
            totals: None,
        }
    }

    /// Whether nothing that all units share is a point, and something is shared or integrated: the objective is then about the evidence.
    fn is_integrated(&self) -> bool {
        let shared = M::describe_shared(&self.posterior);
        M::describe(&self.params).is_empty()
            && (!shared.is_empty() || !M::CONDITIONAL.is_empty())
            && shared.iter().all(|d| d.sd.values.iter().any(|s| *s != 0.0))
    }

    /// The objective at the params of this fit: E_q log p(X, Z; θ) + H(q), plus log p(θ) where params have priors.
    #[must_use]
    pub fn elbo(&self) -> f64 {
        self.trace.last().copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// The objective term by term: E_q log p of every statement, the entropy of every block, the priors of params.
    #[must_use]
    pub fn elbo_terms(&self) -> &[ElboTerm] {
        &self.elbo_terms
    }

    /// What each term of the objective gained in the last sweep; the gains add up to that of the objective. The terms that still move
    /// belong to the blocks that have not converged, even where they cancel. Empty before the second sweep.
    #[must_use]
    pub fn changes(&self) -> &[ElboTerm] {
        &self.changes
    }

    /// What was proved of the posterior at compile time: the text of the plan.
    #[must_use]
    pub fn certificate(&self) -> &'static Plan {
        M::plan()
    }

    /// log p(X; θ̂) + log p(θ̂): the likelihood with the priors of params.
    #[must_use]
    pub fn log_posterior(&self) -> f64
    where
        M: ExactPosterior,
    {
        self.elbo()
    }

    /// log p(X; θ̂), without the priors of params.
    ///
    /// This method exists because the posterior of the latents was proved to be exact.
    #[must_use]
    pub fn log_likelihood(&self) -> f64
    where
        M: ExactPosterior,
    {
        self.elbo() - self.log_prior
    }

    /// log p(X), every unknown integrated out.
    #[must_use]
    pub fn log_evidence(&self) -> f64
    where
        M: ExactPosterior + NoParams,
    {
        self.elbo()
    }

    /// Log density of every unit of new data at the params of this fit, its latents summed out, and moments of what the data leave out:
    /// pass `Absent` for a whole array, or a missing value for an element of an array declared with `?`. Cells that a sparse array does not
    /// list are not predicted.
    ///
    /// # Errors
    /// What [`infer`](Self::infer) can meet with these data.
    pub fn predict(&self, data: &M::Data<'_>) -> Result<Predictive<M>, Error> {
        predict::predict(self, data)
    }

    /// Permutes the categories of the first latent: category k becomes what category `order[k]` was, in params, posteriors, draws and reported
    /// `let`s.
    ///
    /// # Errors
    /// [`Error::Domain`] if `order` is not a permutation of the categories. [`Error::CannotRelabel`] if the model tells its categories apart,
    /// so that under other names it would be another model: data or constants come in their order, or an index is a number.
    pub fn relabel(&mut self, order: &[usize]) -> Result<(), Error> {
        let mut seen = vec![false; order.len()];
        for (position, &k) in order.iter().enumerate() {
            if k >= order.len() || seen[k] {
                return Err(Error::Domain {
                    variable: "order".into(),
                    element: format!("order[{position}]"),
                    value: k.to_string(),
                    rule: "must be a permutation".into(),
                });
            }
            seen[k] = true;
        }
        if order.len() != self.states {
            return Err(Error::Domain {
                variable: "order".into(),
                element: "its length".into(),
                value: order.len().to_string(),
                rule: format!("must be the number of categories, {}", self.states),
            });
        }
        M::relabel(&mut self.globals, &mut self.posterior, &mut self.lets, order).map_err(|reason| {
            Error::CannotRelabel { model: M::NAME.to_string(), reason: reason.to_string() }
        })?;
        self.params = M::params(&self.globals);
        M::share(&self.globals, &mut self.posterior);
        // The statistics have the old names.
        self.totals = None;
        Ok(())
    }

    /// Posterior and likelihood of new data at the params of this fit.
    ///
    /// # Errors
    /// What [`fit`] can meet with these data.
    pub fn infer(&self, data: &M::Data<'_>) -> Result<Fit<M>, Error> {
        whole::infer_held(self, data)
    }
}

/// The posterior of the latents given the params is computed exactly: KL(q ‖ p) = 0. Implemented by `model!` only where it has proved it.
#[diagnostic::on_unimplemented(
    message = "the posterior of this model is not exact, so its likelihood is not known",
    label = "only a lower bound is: use `elbo()`",
    note = "print the model's `PLAN`: it names the step that fails and what would remove it"
)]
pub trait ExactPosterior: crate::private::Proved {}

/// Nothing is estimated by a point, so the evidence is the evidence of the model.
#[diagnostic::on_unimplemented(
    message = "this model has params, so its evidence is not defined",
    label = "use `log_likelihood()`, or give each `param` a prior and call it `latent`"
)]
pub trait NoParams: crate::private::Proved {}
