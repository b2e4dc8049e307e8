//! What generated code provides of statements that join components, tables and rows that are read by several, of chains whose steps are alike,
//! and of what is not observed.

use super::parts::{Gate, Scratch, Statistics};
use crate::Error;
use crate::engine::collapse::{Collapse, Joint};
use crate::engine::unit::UnitNormals;
use std::fmt::Debug;
use std::ops::Range;

/// The types of a model.
pub trait Types: Clone + Debug + Send + Sync + Sized + 'static {
    /// Borrowed data.
    type Data<'a>: Copy + Send + Sync;
    /// What all units share, as the updates see it: the params, and q of the latents that are no unit's own.
    type Globals: Clone + Debug + Send + Sync + Default;
    /// Point estimates.
    type Params: Clone + Debug + Send + Sync + Default;
    /// Values of the latents.
    type Latents: Clone + Debug + Default;
    /// One q for each latent.
    type Posterior: Clone + Debug + Default;
    /// What is said of observed elements that have no value.
    type Imputed: Clone + Debug + Default + PartialEq;
    /// Reported `let`s.
    type Lets: Clone + Debug + Default;
    /// Expected sufficient statistics.
    type Stats: Statistics;
    /// Data with what is worked out from them once: sizes, groups, gauges, statistics that never change.
    type Context<'a>: Send + Sync;
    /// Functions of the params, tabulated once a sweep.
    type Prepared: Send + Sync;
}

/// The units of a component that a meeting reads, seen from one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// That unit.
    Here,
    /// The one before it in its sequence.
    Before,
    /// The joint states of both, the earlier one's outside.
    Step,
}

/// Statements that read what several components hold, and chains that have kinds of units. A model without any has none of this.
pub trait Joins: Types {
    /// Statements that read the latents of several components at one unit, by these components: they take turns, each with what is expected
    /// of the others.
    const MEETINGS: &'static [&'static [usize]] = &[];

    /// What is read of each component of each meeting; empty where all are read at one unit.
    const SPANS: &'static [&'static [Span]] = &[];

    /// Adds the log density of the statements of a meeting to a table over the joint states of its components (`states × units`, the first
    /// component's outside) that holds zeros.
    fn meet(
        &self,
        _context: &Self::Context<'_>,
        _at: &Self::Prepared,
        _meeting: usize,
        _units: Range<usize>,
        _table: &mut [f64],
        _scratch: &mut Scratch,
    ) {
    }

    /// Adds the statistics of the statements of a meeting, weighted by the probabilities of the joint states.
    fn collect_meeting(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _meeting: usize,
        _units: Range<usize>,
        _table: &[f64],
        _stats: &mut Self::Stats,
        _scratch: &mut Scratch,
    ) {
    }

    /// Rows of chains of Gaussians that categories of another component choose.
    const GATES: &'static [Gate] = &[];

    /// The unit whose state chooses the row of a unit of a chain; `None` where there is no such row.
    fn gate_unit(&self, _context: &Self::Context<'_>, _gate: usize, _unit: usize) -> Option<usize> {
        None
    }

    /// Writes the rows of a unit of a chain, or of the step to it, in one state of the categories.
    fn gate_rows(
        &self,
        _context: &Self::Context<'_>,
        _at: &Self::Prepared,
        _gate: usize,
        _unit: usize,
        _state: usize,
        _rows: &mut UnitNormals,
    ) {
    }

    /// Adds the statistics of these rows, weighted by the probabilities of the states.
    #[allow(clippy::too_many_arguments, reason = "a row, its weights, and where they go")]
    fn collect_gate(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _gate: usize,
        _unit: usize,
        _states: &[f64],
        _stats: &mut Self::Stats,
        _scratch: &mut Scratch,
    ) {
    }

    /// Chains of Gaussians whose rows are affine in the data of their unit, with coefficients that units of one kind share.
    const ALIKE: &'static [usize] = &[];

    /// Writes the weighted residual rows of a unit of such a chain, or of the step to it, its data unknown.
    fn alike_rows(
        &self,
        _context: &Self::Context<'_>,
        _at: &Self::Prepared,
        _component: usize,
        _unit: usize,
        _step: bool,
        _rows: &mut Collapse,
    ) {
    }

    /// Appends the data of units of such a chain; NaN where there is none.
    fn alike_data(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _units: Range<usize>,
        _data: &mut Vec<f64>,
    ) {
    }

    /// Adds the statistics of all units of the kind of this one, or of the steps to them, from the moments of their data and latents.
    fn alike_moments(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _unit: usize,
        _step: bool,
        _moments: &Joint,
        _stats: &mut Self::Stats,
    ) {
    }
}

/// Observed elements without a value.
pub trait Imputes: Types {
    /// What the posterior says of observed elements that have no value, or what Gaussians do that all data share.
    fn impute(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _posterior: &Self::Posterior,
    ) -> Result<Self::Imputed, Error> {
        Ok(Self::Imputed::default())
    }

    /// Whether unobserved elements have laws at values of latents that all units share.
    const IMPUTES_DRAWN: bool = false;

    /// What the posterior of the units says of observed elements that have no value, at these values of the latents that all units share.
    fn impute_drawn(
        &self,
        _context: &Self::Context<'_>,
        _params: &Self::Params,
        _posterior: &Self::Posterior,
        _shared: &Self::Latents,
    ) -> Result<Self::Imputed, Error> {
        Ok(Self::Imputed::default())
    }

    /// Takes what was found at one more draw into the mean of those before.
    fn average_imputed(_mean: &mut Self::Imputed, _next: Self::Imputed, _before: usize) {}

    /// Puts what was found for missing elements beside the latents.
    fn keep_imputed(_posterior: &mut Self::Posterior, _imputed: Self::Imputed) {}
}
