//! What generated code provides: the boundary between a model and the runtime, kept narrow.

use super::describe::{Described, DescribedLaw};
pub use super::joins::{Imputes, Joins, Types};
pub use super::parts::*;
use super::{Categories, Links, Options, Plan};
use crate::Error;
use crate::engine::design::Design;
use crate::engine::mode::Notes;
use crate::engine::unit::UnitNormals;
use crate::stats::Moments;
use std::ops::Range;

/// A model that was declared with [`model!`](crate::model), as the runtime sees it.
///
/// Only generated code implements this.
pub trait Program: Joins + Imputes {
    /// The name the user gave the block.
    const NAME: &'static str;

    /// The plan that was proved at compile time.
    fn plan() -> &'static Plan;

    /// Checks the data, settles the sizes and gathers what never changes.
    fn context<'a>(
        &self,
        data: &Self::Data<'a>,
        params: &Self::Params,
        options: &Options,
    ) -> Result<Self::Context<'a>, Error>;

    /// Number of units of each independent set of latents, and number of joint states of each unit.
    fn components(&self, context: &Self::Context<'_>) -> Vec<Component>;

    /// Independent copies of a unit that share its q: the `repeat` its latents are declared in. Terms and entropies count this often.
    fn copies(&self, _context: &Self::Context<'_>, _component: usize, _unit: usize) -> f64 {
        1.0
    }

    /// Number of observed elements: what the tolerance is counted per.
    fn observations(&self, context: &Self::Context<'_>) -> f64;

    /// Params that break no rule and say nothing, and latents at the moments of their priors, with what `given` has set.
    fn neutral(&self, context: &Self::Context<'_>, given: &Self::Globals) -> Result<Self::Globals, Error>;

    /// Whether every param and every shared latent has a value.
    fn is_complete(globals: &Self::Globals) -> bool;

    /// Whether any param or shared latent has a value.
    fn is_set(globals: &Self::Globals) -> bool;

    /// `fitted` where `given` is unset.
    fn overlay(given: &Self::Globals, fitted: Self::Globals) -> Self::Globals;

    /// The globals with these params, and these posteriors of shared latents.
    fn gather(&self, params: &Self::Params, posterior: &Self::Posterior) -> Self::Globals;

    /// The params among the globals.
    fn params(globals: &Self::Globals) -> Self::Params;

    /// Writes the marginals of the shared latents.
    fn share(_globals: &Self::Globals, _posterior: &mut Self::Posterior) {}

    /// The order of one sweep. Blocks that share a term take turns.
    const TURNS: &'static [Turn] = &[Turn::Units];

    /// Moves factors of products off zero, where the objective is flat in all of them at once.
    fn perturb(
        &self,
        _context: &Self::Context<'_>,
        _globals: &mut Self::Globals,
        _rng: &mut rand_chacha::ChaCha8Rng,
    ) {
    }

    /// Components whose units depend on one another: they are updated in sequence.
    const COUPLED: &'static [usize] = &[];

    /// Adds to a unit's table what the other units say of it; `q` holds their probabilities, unit by unit.
    fn couple(
        &self,
        _context: &Self::Context<'_>,
        _at: &Self::Prepared,
        _component: usize,
        _unit: usize,
        _q: &[f64],
        _table: &mut [f64],
    ) {
    }

    /// Adds the statistics of pairs of units.
    fn collect_pairs(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _q: &[f64],
        _stats: &mut Self::Stats,
    ) {
    }

    /// Adds a unit's data with each of the others: what units are grouped by at the start.
    fn profile(&self, _context: &Self::Context<'_>, _component: usize, _unit: usize, _row: &mut [f64]) {}

    /// Whether units of some component that have states follow one another; without it no code for that is compiled, and `links` is not asked.
    const LINKED: bool = false;

    /// Whether units of some component are chains of Gaussians; without it no code for that is compiled.
    const CHAINED: bool = false;

    /// How the units of a component follow one another, if they do.
    fn links(&self, _context: &Self::Context<'_>, _component: usize) -> Option<Links> {
        None
    }

    /// Adds the log density of the step to a unit, for all states of the unit before it and of its own (`states × states`, the earlier one's
    /// outside), to a table that holds zeros.
    fn step(
        &self,
        _context: &Self::Context<'_>,
        _at: &Self::Prepared,
        _component: usize,
        _unit: usize,
        _table: &mut [f64],
        _scratch: &mut Scratch,
    ) {
    }

    /// Writes the weighted residual rows of a unit of a chain of Gaussians, or of the step to it: the coefficients of the unit before it, its
    /// own, and the target.
    fn chain_rows(
        &self,
        _context: &Self::Context<'_>,
        _at: &Self::Prepared,
        _component: usize,
        _unit: usize,
        _step: bool,
        _rows: &mut UnitNormals,
    ) {
    }

    /// Adds the statistics of a step, weighted by the probabilities of both states; for all steps of one kind at once, by their sums.
    fn collect_step(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _component: usize,
        _unit: usize,
        _pairs: &[f64],
        _stats: &mut Self::Stats,
        _scratch: &mut Scratch,
    ) {
    }

    /// q of one block of shared latents ∝ exp E log p, everything else held.
    fn update(
        &self,
        _context: &Self::Context<'_>,
        _stats: &Self::Stats,
        _globals: &mut Self::Globals,
        _block: usize,
        _notes: &mut Notes,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Turns q of the units' latents, of which these are the statistics, against q of what they are multiplied with, where that raises the
    /// objective. What is left of the first are the statistics: the next thing is their E-step.
    fn rotate(&self, _context: &Self::Context<'_>, _stats: &Self::Stats, _globals: &mut Self::Globals) {}

    /// Blocks that carry the plate of the units: they take turns with the units' latents before the other blocks are updated.
    const LOCAL: &'static [usize] = &[];

    /// Whether [`nested`](Self::nested) has code. Then there are no params.
    const NESTED: bool = false;

    /// `passes` turns of the local blocks and the units' latents, then the units' latents once more: their statistics. With `groups`, those of
    /// these groups alone, and of the blocks that are not local.
    ///
    /// `None` where there is no code that does it at once; the turns are then taken one by one.
    fn nested(
        &self,
        _context: &Self::Context<'_>,
        _globals: &mut Self::Globals,
        _groups: Option<&[usize]>,
        _passes: usize,
        _threads: usize,
    ) -> Result<Option<Self::Stats>, Error> {
        Ok(None)
    }

    /// How many groups of units have a local block each, where [`nested`](Self::nested) has code.
    fn nested_groups(&self, _context: &Self::Context<'_>) -> usize {
        0
    }

    /// The objective without the terms of params and without constants, where the units' latents are optimal given the globals, and Σ of
    /// the absolute values that were added up. `None` wherever [`nested`](Self::nested) is.
    fn nested_bound(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _threads: usize,
    ) -> Result<Option<(f64, f64)>, Error> {
        Ok(None)
    }

    /// E log p of the statements of shared latents, and the entropies of their blocks.
    fn shared_terms(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
    ) -> Result<Vec<ElboTerm>, Error> {
        Ok(vec![])
    }

    /// Draws the shared latents, jointly.
    fn draw_shared(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _rng: &mut rand_chacha::ChaCha8Rng,
        _latents: &mut Self::Latents,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// log q of values of the shared latents. What its rounding is measured by is added to `magnitude`.
    fn log_shared(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _latents: &Self::Latents,
        _magnitude: &mut f64,
    ) -> Result<f64, Error> {
        Ok(0.0)
    }

    /// log p of the latents that are held at a point: part of their prior here, and of the joint density.
    fn log_points(&self, _context: &Self::Context<'_>, _globals: &Self::Globals) -> Result<f64, Error> {
        Ok(0.0)
    }

    /// Checks shapes and bounds of params.
    fn validate(&self, context: &Self::Context<'_>, globals: &Self::Globals) -> Result<(), Error>;

    /// Tabulates functions of the globals, or their expectations.
    fn prepare(&self, context: &Self::Context<'_>, globals: &Self::Globals) -> Result<Self::Prepared, Error>;

    /// Statistics of nothing, in the gauge of this context.
    fn zero(&self, context: &Self::Context<'_>) -> Self::Stats;

    /// Statistics of the statements that no latent touches, from the first `rows` positions of their outermost index.
    fn fixed(&self, context: &Self::Context<'_>, rows: usize) -> Self::Stats;

    /// Adds the statistics of statements that no latent touches but that are Taylor series about the current params.
    fn moving(&self, _context: &Self::Context<'_>, _globals: &Self::Globals, _stats: &mut Self::Stats) {}

    /// Why more data cannot come; empty if they can: every observed statement has a plate that no param and no shared latent has.
    const STAYS: &'static str = "";

    /// Whether some statistics are Taylor series, so that an M-step may overshoot.
    const SERIES: bool = false;

    /// Moves the gauges of the statistics to where the data of a pilot lie.
    fn gauge(&self, _context: &mut Self::Context<'_>, _pilot: &Self::Stats) {}

    /// Adds the log joint density of every state to a table (`states × units`, state-major) that holds zeros.
    fn potentials(
        &self,
        context: &Self::Context<'_>,
        at: &Self::Prepared,
        component: usize,
        units: Range<usize>,
        table: &mut [f64],
        scratch: &mut Scratch,
    );

    /// Adds the statistics of these units, weighted by the probabilities of their states.
    fn collect(
        &self,
        context: &Self::Context<'_>,
        globals: &Self::Globals,
        component: usize,
        units: Range<usize>,
        table: &[f64],
        stats: &mut Self::Stats,
        scratch: &mut Scratch,
    );

    /// θ = argmax ELBO(q, θ), given the statistics of q. Params without a statistic keep their values.
    ///
    /// `damping` shortens the steps of params that only a Taylor series is known for; at 0 they stay.
    fn maximise(
        &self,
        context: &Self::Context<'_>,
        stats: &Self::Stats,
        current: &Self::Globals,
        damping: f64,
    ) -> Result<Maximised<Self>, Error>;

    /// Whether a param has a lower bound that the user wrote.
    const FLOORED: bool = false;

    /// Params that an M-step carries more than `share` of the way to their lower bounds are put there, but for a part `keep` of the way.
    /// Returns their names.
    fn to_floors(
        &self,
        _context: &Self::Context<'_>,
        _globals: &mut Self::Globals,
        _next: &Self::Globals,
        _fall: (f64, f64),
        _only: Option<&str>,
    ) -> Vec<String> {
        vec![]
    }

    /// Gives the first states of chains of Gaussians this variance, and steps and data variances larger by these factors, where params are
    /// their scales. `false` where none are.
    fn loosen(&self, _globals: &mut Self::Globals, _first: f64, _step: f64, _data: f64) -> bool {
        false
    }

    /// Whether all variances of first states are below a limit.
    fn is_settled(&self, _globals: &Self::Globals, _limit: f64) -> bool {
        true
    }

    /// Whether no latent touches the statement of this term.
    fn is_fixed(_term: &str) -> bool {
        false
    }

    /// What depends on the data alone, by statement: computed once.
    fn constants(&self, context: &Self::Context<'_>) -> Vec<(String, f64)>;

    /// What depends on the data alone in one unit of a component.
    fn unit_constant(&self, context: &Self::Context<'_>, component: usize, unit: usize) -> f64;

    /// E_q log p of each statement but for its constant, from the statistics.
    fn expected_terms(
        &self,
        context: &Self::Context<'_>,
        stats: &Self::Stats,
        globals: &Self::Globals,
    ) -> Result<Vec<ElboTerm>, Error>;

    /// log p(θ), by the distributions' own densities.
    fn log_prior(&self, _context: &Self::Context<'_>, _globals: &Self::Globals) -> Result<f64, Error> {
        Ok(0.0)
    }

    /// log p(X, Z; θ) without the priors of params, by the distributions' own densities.
    fn log_joint(
        &self,
        context: &Self::Context<'_>,
        latents: &Self::Latents,
        params: &Self::Params,
    ) -> Result<f64, Error>;

    /// The state of a unit that the data fix, and the start that `init` or a user gives: probabilities of joint states.
    fn started(
        &self,
        context: &Self::Context<'_>,
        component: usize,
        unit: usize,
        given: &Self::Posterior,
        out: &mut [f64],
    ) -> Result<bool, Error>;

    /// What an `init` block sets; what it leaves out is unset.
    fn init(&self, _context: &Self::Context<'_>) -> Result<Self::Globals, Error> {
        Ok(Self::Globals::default())
    }

    /// Whether there is an `init` block that says anything of the latents of this component.
    fn inits_latents(&self, _component: usize) -> bool {
        false
    }

    /// Marginals of each latent from the joint tables of their components.
    fn posterior(&self, context: &Self::Context<'_>, tables: Vec<Categories>) -> Self::Posterior;

    /// Components whose units have Gaussian latents.
    const NORMALS: &'static [usize] = &[];

    /// Components whose statistics follow from the first two moments of the data of their units.
    const COLLAPSED: &'static [usize] = &[];

    /// Writes the data of units of such a component, unit by unit a design vector.
    fn data_tile(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _units: Range<usize>,
        _design: &mut Design,
    ) {
    }

    /// Adds the statistics of all units of such a component, and their evidence, from the moments of their data.
    fn collapse(
        &self,
        _context: &Self::Context<'_>,
        _at: &Self::Prepared,
        _component: usize,
        _data: &Moments,
        _stats: &mut Self::Stats,
    ) {
    }

    /// A drawn scale that all rows of a unit's Gaussian latents have in common, over that at which they are written: along a chain, its
    /// expectation.
    fn drawn_scale(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _unit: usize,
        _globals: &Self::Globals,
        _latents: &Self::Latents,
    ) -> f64 {
        1.0
    }

    /// Writes q of the Gaussian latents of the `i`-th unit of a tile, whose table holds the probabilities of its states.
    #[allow(clippy::too_many_arguments, reason = "a unit, its tile, and where its law goes")]
    fn share_normals(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _component: usize,
        _unit: usize,
        _tile: (usize, usize),
        _table: &[f64],
        _normals: &UnitNormals,
        _posterior: &mut Self::Posterior,
    ) {
    }

    /// Writes the joint law of the sequence that begins with this unit.
    fn share_path(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _unit: usize,
        _law: super::Trajectory,
        _posterior: &mut Self::Posterior,
    ) {
    }

    /// Takes q of the Gaussian latents of these units from a start. `false` if it says nothing of one of them.
    fn start_normals(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _units: Range<usize>,
        _given: &Self::Posterior,
        _normals: &mut UnitNormals,
    ) -> bool {
        false
    }

    /// Writes values of the Gaussian latents of a unit.
    fn set_normals(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _unit: usize,
        _values: &[f64],
        _latents: &mut Self::Latents,
    ) {
    }

    /// Components with latents that are integrated out in every state of their unit.
    const CONDITIONAL: &'static [usize] = &[];

    /// Writes the marginals of these latents, from a tile whose potentials have been gathered and whose table holds probabilities.
    fn conditionals(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _units: Range<usize>,
        _table: &[f64],
        _scratch: &Scratch,
        _posterior: &mut Self::Posterior,
    ) {
    }

    /// Writes the marginals of those that one unit of each sequence has.
    fn conditionals_once(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _units: Range<usize>,
        _table: &[f64],
        _scratch: &Scratch,
        _posterior: &mut Self::Posterior,
    ) {
    }

    /// Whether any of these units has a latent inside its states.
    fn hides(&self, _context: &Self::Context<'_>, _component: usize, _units: &Range<usize>) -> bool {
        true
    }

    /// Draws these latents, each unit in its state and by its own generator. Returns log q of the draws.
    #[allow(clippy::too_many_arguments, reason = "a tile, its states, and where the draws go")]
    fn realise(
        &self,
        _context: &Self::Context<'_>,
        _component: usize,
        _units: Range<usize>,
        _states: &[usize],
        _scratch: &Scratch,
        _rng: &mut dyn FnMut(usize) -> rand_chacha::ChaCha8Rng,
        _latents: &mut Self::Latents,
    ) -> f64 {
        0.0
    }

    /// Latents from the joint state of every unit of every component.
    fn latents(&self, context: &Self::Context<'_>, states: &[Vec<usize>]) -> Self::Latents;

    /// Start from values: each latent's q is all on one value.
    fn posterior_of_values(
        &self,
        context: &Self::Context<'_>,
        latents: &Self::Latents,
    ) -> Result<Self::Posterior, Error>;

    /// Reported `let`s at these params.
    fn lets(&self, _context: &Self::Context<'_>, _globals: &Self::Globals) -> Result<Self::Lets, Error> {
        Ok(Self::Lets::default())
    }

    /// Names and values of params, flat, in declaration order: for printing, comparing and accelerating.
    fn describe(params: &Self::Params) -> Vec<Described>;

    /// Means and standard deviations of the shared latents, in declaration order.
    fn describe_shared(_posterior: &Self::Posterior) -> Vec<DescribedLaw> {
        vec![]
    }

    /// Whether M-steps are mixed with earlier ones: where all that is hidden are latents of units that are read once, in products with params.
    const MIXED: bool = false;

    /// Appends the coordinates without bounds of everything that is shared. A model that appends none is not accelerated.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a covariance is singular: a latent without uncertainty has no coordinates.
    fn coordinates(_globals: &Self::Globals, _to: &mut crate::chart::Writer) -> Result<(), Error> {
        Ok(())
    }

    /// The globals at these coordinates, in the shape of `like`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if there are no globals at these coordinates.
    fn at_coordinates(
        like: &Self::Globals,
        _from: &mut crate::chart::Reader<'_>,
    ) -> Result<Self::Globals, Error> {
        Ok(like.clone())
    }

    /// Names and values of reported `let`s.
    fn describe_lets(_lets: &Self::Lets) -> Vec<Described> {
        vec![]
    }

    /// Permutes the categories of the first latent in everything that is indexed by them: category k becomes what category `order[k]` was.
    ///
    /// # Errors
    /// What the model tells its categories apart by; nothing has changed then.
    fn relabel(
        globals: &mut Self::Globals,
        posterior: &mut Self::Posterior,
        lets: &mut Self::Lets,
        order: &[usize],
    ) -> Result<(), &'static str>;

    /// A unit's name in an error message.
    fn unit_name(&self, context: &Self::Context<'_>, component: usize, unit: usize) -> String;
}
