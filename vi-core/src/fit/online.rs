//! What is known before all data are there: filtered states, forecasts, and one step at a time.

use super::program::{Component, Program, Scratch};
use super::sweep::Work;
use super::{Categories, Fit, Links, Marginal, Options, Trajectory, ahead, filtered, within};
use crate::Error;
use crate::dist::PowerGamma;
use crate::engine::finite::{Factors, Failure, Parts, Semiring, Sum, scan};
use crate::error::Mismatch;
use nalgebra::{DMatrix, DVector};

/// A model whose latents are one chain along an axis, of categories or of Gaussians. Implemented by `model!` where that is so.
#[diagnostic::on_unimplemented(
    message = "this model has no filter: its latents are not one chain along an axis, in one block",
    label = "no latent follows on the step before, or latents that change along the chain have a block of their own beside it",
    note = "what `factorize` holds apart from a chain has a block of its own: take it out of `factorize`, or declare it as a param, such as `param b[t in T]: Real;`",
    note = "Gaussian chains have a filter unless something uncertain beside them changes along the chain, or is a scale in common with more than one sequence"
)]
pub trait Follows: Program {
    /// What one more observation says: [`Step`] where the latents are categories, [`NormalStep`] where they are Gaussian, [`StudentStep`]
    /// where they have an unknown scale in common with the data, [`MeanFieldStep`] where anything else is uncertain beside them.
    type Step: From<Known>;

    /// Whether the latents along the axis are Gaussian.
    #[doc(hidden)]
    const GAUSSIAN: bool = false;

    /// Whether each sequence has an unknown scale that all its rows have in common.
    #[doc(hidden)]
    const SCALED: bool = false;

    /// Whether data are one sequence, whatever they are.
    #[doc(hidden)]
    const LONE: bool = false;

    /// q of the scale of the sequence that a unit is of.
    #[doc(hidden)]
    fn scale_at(
        &self,
        _context: &Self::Context<'_>,
        _globals: &Self::Globals,
        _unit: usize,
    ) -> Marginal<PowerGamma> {
        Marginal::Unset
    }

    /// Sets it.
    #[doc(hidden)]
    fn set_scale(
        &self,
        _context: &Self::Context<'_>,
        _globals: &mut Self::Globals,
        _unit: usize,
        _law: Marginal<PowerGamma>,
    ) {
    }
}

/// A model of which two neighbouring steps say all there is to say, wherever along the axis they stand. Implemented by `model!` where that is so.
#[diagnostic::on_unimplemented(
    message = "a step of this model depends on where along the axis it is",
    label = "its latents are no chain, or a statement reads a position as a number, compares it, or looks further back than one step",
    note = "pass all data so far to `filter`"
)]
pub trait Steady: Follows {}

/// A model whose data can be continued along the axis of its chain. Implemented by `model!` where that is so.
#[diagnostic::on_unimplemented(
    message = "this model has no axis along which its data go on",
    label = "its latents are no chain along an axis, or something uncertain beside them changes along it",
    note = "pass longer data whose future is missing to `predict`"
)]
pub trait Continues: Follows {
    /// Hands over data of as many sequences, each of so many steps, of which nothing is observed.
    #[doc(hidden)]
    fn unobserved<R>(
        &self,
        context: &Self::Context<'_>,
        steps: usize,
        then: impl FnOnce(&Self::Data<'_>) -> R,
    ) -> R;

    /// What the joint laws of Gaussian latents along the sequences say of observed elements that have no value, at values of the latents that
    /// all units share; where sequences have scales, at their expectations, which these laws are measured in.
    #[doc(hidden)]
    fn impute_along(
        &self,
        _context: &Self::Context<'_>,
        _params: &Self::Params,
        _shared: &Self::Latents,
        _paths: &[Trajectory],
        _scales: &[PowerGamma],
    ) -> Result<Self::Imputed, Error> {
        Ok(Self::Imputed::default())
    }
}

/// What is said of the steps after the data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Forecast<M: Program> {
    /// q of the latents of each step to come, step 0 being the first after the data: probabilities of categories; of Gaussians their means
    /// and covariances, and the joint law of all steps; where a scale in common with the data is unknown, Student's t.
    pub posterior: M::Posterior,
    /// Mean and variance, or probabilities, of what will be observed. Of a Normal and of Student's t also intervals, and covariances of vectors.
    pub absent: M::Imputed,
}

/// What one more observation says of Gaussian latents.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NormalStep {
    /// E(x\[t\] | y\[0..=t\]) of all latents of the step, array by array in the order of the fields of `Latents`. NaN where a diffuse start and the
    /// data so far do not determine it.
    pub mean: DVector<f64>,
    /// Cov(x\[t\] | y\[0..=t\]); NaN where the mean is.
    pub cov: DMatrix<f64>,
    /// log p(y\[t\] | y\[0..t\]). After a diffuse start it is `None` until the data determine all latents of a step; what that step has is
    /// log p(y\[0..=t\]), so that the sum over all steps is the log-likelihood.
    pub log_density: Option<f64>,
}

/// What one more observation says of Gaussian latents that have an unknown scale in common with the data: exact, and Student's t (West and
/// Harrison 1997, section 4.5).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StudentStep {
    /// E(x\[t\] | y\[0..=t\]) of all latents of the step, array by array in the order of the fields of `Latents`. NaN where a diffuse start
    /// and the data so far do not determine it.
    pub mean: DVector<f64>,
    /// The scale matrix of x\[t\] | y\[0..=t\]: its covariance is this times dof / (dof − 2). NaN where the mean is.
    pub scale: DMatrix<f64>,
    /// Degrees of freedom.
    pub dof: f64,
    /// log p(y\[t\] | y\[0..t\]), latents and scale integrated out; their sum is the log evidence. After a diffuse start as in
    /// [`NormalStep::log_density`].
    pub log_density: Option<f64>,
}

/// What one more observation says of Gaussian latents beside coefficients or scales that are uncertain too, at their q in the fit.
///
/// The law of x\[t\] is the last marginal of q(x\[0\], …, x\[t\]) ∝ exp E log p(x\[0..=t\], y\[0..=t\]), the expectation over q of everything
/// else: the E-step of the fit on the data so far. After the last step it is the smoothed marginal. It is no conditional law of the model:
/// the past is read through E log p, whose expectation over coefficients counts for each step apart.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MeanFieldStep {
    /// E x\[t\] of all latents of the step, array by array in the order of the fields of `Latents`. NaN where it is not determined.
    pub mean: DVector<f64>,
    /// Cov x\[t\]; NaN where the mean is.
    pub cov: DMatrix<f64>,
    /// What the step adds to log ∫ exp E log p(x, y) dx: the chain's part of the lower bound, that of shared latents left out. It is no
    /// predictive density. After a diffuse start as in [`NormalStep::log_density`].
    pub bound: Option<f64>,
}

/// Steps that have a density given the data before.
#[diagnostic::on_unimplemented(
    message = "the steps of this model have no predictive densities in closed form",
    label = "beside its chain are coefficients or scales that are uncertain, or its latents are categories",
    note = "`predict` gives the density of whole sequences; of categories, `push` of `online()` gives that of each step"
)]
pub trait Dense: sealed::Sealed {}

/// Steps whose future has a law in closed form.
#[diagnostic::on_unimplemented(
    message = "the future of this model has no law in closed form",
    label = "coefficients or scales beside its chain are uncertain, and the same in every step",
    note = "`forecast_draws` averages over draws of them"
)]
pub trait Closed: sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Step {}
    impl Sealed for super::NormalStep {}
    impl Sealed for super::StudentStep {}
}

impl Dense for NormalStep {}
impl Dense for StudentStep {}
impl Closed for Step {}
impl Closed for NormalStep {}
impl Closed for StudentStep {}

/// What a filter finds.
#[doc(hidden)]
#[derive(Debug)]
pub struct Known {
    pub(super) probs: Vec<f64>,
    pub(super) mean: DVector<f64>,
    pub(super) cov: DMatrix<f64>,
    pub(super) dof: f64,
    pub(super) log_density: Option<f64>,
}

impl From<Known> for Step {
    fn from(k: Known) -> Self {
        Step { probs: k.probs, log_density: k.log_density.unwrap_or(f64::NAN) }
    }
}

impl From<Known> for NormalStep {
    fn from(k: Known) -> Self {
        NormalStep { mean: k.mean, cov: k.cov, log_density: k.log_density }
    }
}

impl From<Known> for StudentStep {
    fn from(k: Known) -> Self {
        StudentStep { mean: k.mean, scale: k.cov, dof: k.dof, log_density: k.log_density }
    }
}

impl From<Known> for MeanFieldStep {
    fn from(k: Known) -> Self {
        MeanFieldStep { mean: k.mean, cov: k.cov, bound: k.log_density }
    }
}

/// What one more observation says of categories.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// p(z\[t\] | x\[0..=t\]) of the joint states of the step's latents, the last of them varying fastest.
    pub probs: Vec<f64>,
    /// log p(x\[t\] | x\[0..t\])
    pub log_density: f64,
}

/// Filters one sequence, one step at a time: what it remembers does not grow.
#[derive(Clone, Debug)]
pub struct Online<M: Program> {
    model: M,
    params: M::Params,
    globals: M::Globals,
    /// Log probabilities of the states handed on.
    message: Vec<f64>,
    steps: usize,
    workspace: scan::Workspace,
    /// Of Gaussian latents, and how many numbers of how many steps are handed on.
    memory: filtered::Memory,
    shape: Option<(usize, usize)>,
    at: filtered::Tabulated<M>,
}

impl<M: Program> Fit<M> {
    /// New data, of the sizes that the params have.
    fn at_work<'a>(&self, data: &M::Data<'a>) -> Result<Work<'a, M>, Error>
    where
        M: Follows,
    {
        let work = Work::new(&self.model, data, &self.params, &Options::default())?;
        // New sequences have scales of their own.
        if !M::SCALED {
            self.model.validate(&work.context, &self.globals)?;
        }
        Ok(work)
    }

    /// p(z\[t\] | x\[0..=t\]) of every step of new data, at the params of this fit: what is known at the time.
    ///
    /// Gaussian latents that a diffuse start leaves open are [unset](crate::Marginal::Unset) until the data determine them. A filter has no joint law of
    /// several steps, and what is missing is not imputed. Where the latents of a sequence have an unknown scale in common with its data, the laws are Student's t, what is known of
    /// the scale at the time is integrated out, and the scale has the law that all data of its sequence leave. Where anything else is uncertain
    /// beside the chain, its q is that of the fit: see [`MeanFieldStep`].
    ///
    /// # Errors
    /// What [`infer`](Self::infer) can meet with these data.
    pub fn filter(&self, data: &M::Data<'_>) -> Result<M::Posterior, Error>
    where
        M: Follows,
    {
        let work = self.at_work(data)?;
        if M::CHAINED
            && let Some(links) = work.chain(0)
        {
            return work.filtered_normals(self, links);
        }
        let tables = work.filtered(&self.model, &self.globals)?;
        let mut posterior = self.model.posterior(&work.context, tables);
        work.filtered_within(&self.model, &self.globals, &mut posterior)?;
        Ok(posterior)
    }

    /// log p(y\[t\] | y\[0..t\]) of every step of every sequence of new data, at the params of this fit. Those of a sequence add up to its
    /// log-likelihood, which [`predict`](Self::predict) gives.
    ///
    /// `None` after a diffuse start until the data determine all latents of a step; what that step has is log p(y\[0..=t\]).
    ///
    /// # Errors
    /// What [`infer`](Self::infer) can meet with these data.
    pub fn log_densities(&self, data: &M::Data<'_>) -> Result<Vec<Vec<Option<f64>>>, Error>
    where
        M: Follows<Step: Dense>,
    {
        let work = self.at_work(data)?;
        match work.chain(0) {
            Some(links) => work.log_densities(self, links),
            None => Ok(vec![]),
        }
    }

    /// The `steps` steps after the end of each sequence, at the params of this fit: q of their latents, and moments of what will be observed.
    ///
    /// What is given of whole sequences is taken from `data`. Where a `given` has the index of the chain, its values after the data are not
    /// known: there append the steps to come to the data, the givens written and the observations missing, and [`infer`](Self::infer) them. Nothing
    /// comes after those steps that could say more of them, so that the posteriors of their latents and of what is missing are the forecast.
    ///
    /// # Errors
    /// What [`infer`](Self::infer) can meet with these data.
    pub fn forecast(&self, data: &M::Data<'_>, steps: usize) -> Result<Forecast<M>, Error>
    where
        M: Continues + Follows<Step: Closed>,
    {
        let model = &self.model;
        let work = self.at_work(data)?;
        if M::CHAINED
            && let Some(links) = work.chain(0)
        {
            return ahead::forecast(self, &work, links, steps);
        }
        let filtered = work.filtered(model, &self.globals)?;
        // Two steps of nothing tell what a first step and a later one of a sequence are without observations.
        let ahead = |context: &M::Context<'_>| -> Result<Categories, Error> {
            let (Some(links), Some(future), Some(filtered)) =
                (work.links(0), model.links(context, 0), filtered.first())
            else {
                return Ok(Categories::default());
            };
            let at = model.prepare(context, &self.globals)?;
            let states = filtered.states();
            let mut scratch = Scratch::default();
            let mut onward = Onward::new(links, states, steps);
            for s in 0..links.sequences() {
                let first = future.sequence(s).start;
                let mut tables = [vec![0.0; states], vec![0.0; states]];
                for (unit, table) in (first..).zip(&mut tables) {
                    model.potentials(context, &at, 0, unit..unit + 1, table, &mut scratch);
                }
                let mut step = vec![0.0; links.parts().len()];
                model.step(context, &at, 0, first + 1, &mut step, &mut scratch);
                let step = Factors::in_parts(links.parts().clone(), step);
                if steps == 0 && links.outlasts() {
                    // No step is to come, and what the sequence has without steps is what is known of it now.
                    onward.probs.extend_from_slice(
                        filtered.probs(links.sequence(s).start.max(links.last(s).unwrap_or(0))),
                    );
                    continue;
                }
                let last = links.last(s).map(|last| filtered.probs(last));
                onward.go_on(last, &tables, &step, steps);
            }
            Ok(Categories::from_rows(states, onward.probs))
        };
        let said = |context: &M::Context<'_>, ahead: Categories| {
            let mut posterior = model.posterior(context, vec![ahead.clone()]);
            within::unobserved(model, context, &self.globals, &ahead, &mut posterior)?;
            let absent = super::predict::absent(model, context, &self.params, &self.globals, &posterior)?;
            Ok(Forecast { posterior, absent })
        };
        if steps >= 2 {
            return model.unobserved(&work.context, steps, |future| {
                let context = model.context(future, &self.params, &Options::default())?;
                said(&context, ahead(&context)?)
            });
        }
        let few = model.unobserved(&work.context, 2, |two| {
            ahead(&model.context(two, &self.params, &Options::default())?)
        })?;
        model.unobserved(&work.context, steps, |future| {
            said(&model.context(future, &self.params, &Options::default())?, few)
        })
    }

    /// A filter that takes one step at a time, at the params of this fit.
    ///
    /// ```
    /// # use vi_core::prelude::*;
    /// # model! {
    /// #     mod weather(K, V) {
    /// #         param    start: Simplex[K];
    /// #         param    trans[i in K]: Simplex[K];
    /// #         param    emit[k in K]: Simplex[V];
    /// #         latent   z[0]         ~ Categorical(start);
    /// #         latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
    /// #         observed w[t in T]    ~ Categorical(emit[z[t]]);
    /// #     }
    /// # }
    /// # let params = weather::Params {
    /// #     start: vec![0.6, 0.4].into(),
    /// #     trans: vec![vec![0.7, 0.3].into(), vec![0.4, 0.6].into()],
    /// #     emit: vec![vec![0.1, 0.4, 0.5].into(), vec![0.6, 0.3, 0.1].into()],
    /// # };
    /// let w = [0, 1, 2];
    /// let fit = weather::Model::new(2, 3).infer(&weather::Data { w: (&w).into() }, &params)?;
    /// let mut filter = fit.online();
    /// let mut total = filter.push(&weather::Data { w: (&w[..1]).into() })?.log_density;
    /// for window in w.windows(2) {
    ///     total += filter.push(&weather::Data { w: window.into() })?.log_density;
    /// }
    /// assert!((total - fit.log_likelihood()).abs() < 1e-12);
    /// # Ok::<(), vi_core::Error>(())
    /// ```
    #[must_use]
    pub fn online(&self) -> Online<M>
    where
        M: Steady,
    {
        Online {
            model: self.model.clone(),
            params: self.params.clone(),
            globals: self.globals.clone(),
            message: vec![],
            steps: 0,
            workspace: scan::Workspace::default(),
            memory: filtered::Memory::default(),
            shape: None,
            at: filtered::Tabulated::default(),
        }
    }
}

impl<M: Follows> Online<M> {
    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Takes one more step. The data are a window of one sequence: the first step alone, and later the step before and the new one, since
    /// statements may look back. Where Gaussian latents look `L` steps back (`x[t-2]`), the window grows to the `L` steps before and the new one.
    ///
    /// # Errors
    /// [`Error::Shape`] if the window has another length; [`Error::Impossible`] if the new step has probability zero.
    pub fn push(&mut self, window: &M::Data<'_>) -> Result<M::Step, Error> {
        if M::GAUSSIAN {
            return self.push_normals(window).map(M::Step::from);
        }
        self.push_categories(window).map(M::Step::from)
    }

    fn push_normals(&mut self, window: &M::Data<'_>) -> Result<Known, Error> {
        let model = &self.model;
        let context = model.context(window, &self.params, &Options::default())?;
        if M::SCALED && self.steps == 0 {
            self.globals = filtered::at_first(model, &context, &self.params)?;
        }
        // A window may be of another width at any step.
        model.validate(&context, &self.globals)?;
        let units = model.components(&context).first().map_or(0, |c| c.units);
        // Windows are of one length from some step on: which units follow one another was looked at then.
        let (h, order) = match self.shape.filter(|(_, order)| M::LONE && self.steps > *order) {
            Some(shape) => shape,
            None => {
                let links = model.links(&context, 0).filter(|l| l.sequences() == 1);
                let Some(links) = links else {
                    let wanted = 1 + self.steps.min(self.shape.map_or(1, |s| s.1));
                    return Err(Mismatch::Window { steps: units, wanted }.into());
                };
                (links.normals().unwrap_or(0), links.order())
            }
        };
        let wanted = 1 + self.steps.min(order);
        if units != wanted {
            return Err(Mismatch::Window { steps: units, wanted }.into());
        }
        self.shape = Some((h, order));
        // Tables of params depend on the sizes of a window, which are the same from here on.
        let at = self.at.of(wanted == order + 1, || filtered::prepare(model, &context, &self.globals))?;
        if self.steps == 0 {
            self.memory.begin((h, order), model.scale_at(&context, &self.globals, 0))?;
        }
        let held = filtered::Held { model, context: &context, at: &*at };
        let taken = self.memory.advance(&held, (h, units - 1, self.steps > 0));
        taken.map_err(|e| e.named(|t, _| format!("step {t} of the filter")))?;
        self.steps += 1;
        Ok(self.memory.known(h, model.unit_constant(&context, 0, units - 1)))
    }

    fn push_categories(&mut self, window: &M::Data<'_>) -> Result<Known, Error> {
        let work = Work::new(&self.model, window, &self.params, &Options::default())?;
        self.model.validate(&work.context, &self.globals)?;
        let wanted = if self.steps == 0 { 1 } else { 2 };
        let Some(Component { units, states, .. }) = work.components.first().copied() else {
            return Err(Error::NotFinite { what: "a window without latents".into() });
        };
        let one = work.links(0).is_some_and(|l| l.sequences() == 1);
        if units != wanted || !one {
            return Err(Mismatch::Window { steps: units, wanted }.into());
        }
        let unit = units - 1;
        let at = self.model.prepare(&work.context, &self.globals)?;
        let mut scratch = Scratch::default();
        let mut table = vec![0.0; states];
        self.model.potentials(&work.context, &at, 0, unit..unit + 1, &mut table, &mut scratch);
        let size = work.links(0).map_or(states, Links::frontier);
        let inner = (states / size.max(1)).max(1);
        let mut now: Vec<f64> = table.chunks(inner).map(Sum::total).collect();
        if self.steps > 0 {
            let parts = work.links(0).map_or_else(Parts::default, |l| l.parts().clone());
            let mut logs = vec![0.0; parts.len()];
            self.model.step(&work.context, &at, 0, unit, &mut logs, &mut scratch);
            let factors = Factors::in_parts(parts, logs);
            let mut before = vec![0.0; size];
            self.workspace.predict(&self.message, &factors, 0, &mut before);
            now.iter_mut().zip(&before).for_each(|(n, b)| *n += b);
        }
        let total = Sum::total(&now);
        let failure = match total {
            t if t.is_finite() => None,
            t if t == f64::NEG_INFINITY => Some(Failure::Impossible { at: 0 }),
            _ => Some(Failure::NotFinite { at: 0 }),
        };
        if let Some(failure) = failure {
            return Err(failure.named(|_| format!("step {} of the filter", self.steps)));
        }
        let leaves = table.chunks(inner).zip(&now);
        let probs = leaves
            .flat_map(|(t, n)| {
                let own = Sum::total(t);
                t.iter().map(move |x| if *x == f64::NEG_INFINITY { 0.0 } else { (n - total + x - own).exp() })
            })
            .collect();
        now.iter_mut().for_each(|n| *n -= total);
        self.message = now;
        self.steps += 1;
        let constant = self.model.unit_constant(&work.context, 0, unit);
        let log_density = Some(total + constant);
        let (mean, cov) = (DVector::zeros(0), DMatrix::zeros(0, 0));
        Ok(Known { probs, mean, cov, dof: f64::INFINITY, log_density })
    }
}

impl<M: Program> Work<'_, M> {
    /// Filtered probabilities of the joint states of every unit of linked components.
    fn filtered(&self, model: &M, globals: &M::Globals) -> Result<Vec<Categories>, Error> {
        let at = model.prepare(&self.context, globals)?;
        (0..self.components.len())
            .map(|index| match self.links(index) {
                Some(links) => self.linked_filter(model, globals, &at, index, links),
                None => Ok(Categories::default()),
            })
            .collect()
    }
}

/// Probabilities of the steps after each sequence, of which nothing is observed.
struct Onward {
    states: usize,
    /// States that are not handed on, for each that is.
    inner: usize,
    workspace: scan::Workspace,
    probs: Vec<f64>,
}

impl Onward {
    fn new(links: &Links, states: usize, steps: usize) -> Self {
        Onward {
            states,
            inner: (states / links.frontier().max(1)).max(1),
            workspace: scan::Workspace::default(),
            probs: Vec::with_capacity(links.sequences() * steps * states),
        }
    }

    /// Writes those of one sequence, from what is known of its last step: nothing, if it has none. `first` and `later` are what the model says
    /// of a step itself, `step` of that from one to the next.
    fn go_on(&mut self, last: Option<&[f64]>, [first, later]: &[Vec<f64>; 2], step: &Factors, steps: usize) {
        let inner = self.inner;
        // What is not handed on, given what is.
        let shares = |own: &[f64]| -> Vec<f64> { own.chunks(inner).flat_map(normalised).collect() };
        let (begun, after): (Vec<f64>, Vec<f64>) = (shares(first), shares(later));
        let mut now: Option<Vec<f64>> =
            last.map(|probs| probs.chunks(inner).map(|c| c.iter().sum::<f64>().ln()).collect());
        for _ in 0..steps {
            let (next, shares) = match &now {
                Some(now) => {
                    let mut next = vec![0.0; self.states / inner];
                    self.workspace.predict(now, step, 0, &mut next);
                    (next, &after)
                }
                None => (first.chunks(inner).map(Sum::total).collect(), &begun),
            };
            let p = normalised(&next);
            // In a state that cannot be nothing has a share.
            let each = |s: usize| if p[s / inner] > 0.0 { p[s / inner] * shares[s] } else { 0.0 };
            self.probs.extend((0..self.states).map(each));
            now = Some(next);
        }
    }
}

/// Probabilities by their logarithms.
fn normalised(logs: &[f64]) -> Vec<f64> {
    let total = Sum::total(logs);
    logs.iter().map(|x| (x - total).exp()).collect()
}
