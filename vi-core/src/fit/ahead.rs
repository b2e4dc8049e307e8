//! What comes after the data of a Gaussian chain: its law where that is closed, and else its law at draws of what is uncertain beside it.

use super::chained::{Chained, Desk};
use super::filtered::{self, Memory};
use super::online::{Continues, Follows, Forecast, MeanFieldStep};
use super::program::Program;
use super::sweep::Work;
use super::{Fit, Links, Marginal, MeanVar, Options, Trajectory};
use crate::Error;
use crate::dist::{Normal, PowerGamma};
use crate::posterior::{Mixture, RealLaw};

/// Rows of the first steps of a sequence of which nothing is seen: of the step to each, and its own. Later ones have those of the last.
type Unseen = Vec<[(Vec<f64>, f64); 2]>;

/// Those of every sequence: givens and params may tell sequences apart.
fn unseen<M: Continues>(
    model: &M,
    context: &M::Context<'_>,
    params: &M::Params,
    links: &Links,
    prepare: impl Fn(&M::Context<'_>) -> Result<M::Prepared, Error>,
) -> Result<Vec<Unseen>, Error> {
    if links.sequences() == 0 {
        return Ok(vec![]);
    }
    let h = links.normals().unwrap_or(0);
    model.unobserved(context, links.order() + 1, |few| {
        let context = model.context(few, params, &Options::default())?;
        let at = prepare(&context)?;
        let Some(few) = model.links(&context, 0) else { return Ok(vec![]) };
        let mut system = super::alike::RowsOf::default();
        let mut rows = |first: usize, unit: usize, step: bool| {
            if step && unit == first {
                return (vec![], 0.0);
            }
            system.write(model, (&context, &at), 0, (unit, step), h);
            let (rows, log) = system.written();
            (rows.to_vec(), log)
        };
        let mut all = Vec::with_capacity(few.sequences());
        for units in (0..few.sequences()).map(|s| few.sequence(s)) {
            let first = units.start;
            all.push(units.map(|unit| [rows(first, unit, true), rows(first, unit, false)]).collect());
        }
        Ok(all)
    })
}

/// Smooths the steps after a sequence from what is known of its last ones. Returns how many steps come before these in what was smoothed.
///
/// Rows are known at a scale of 1, and their moments are wanted at what it is expected to be.
fn go_on<M: Program>(
    (job, desk): (&Chained<'_, '_, M>, &mut Desk),
    s: usize,
    (memory, scale): (&Memory, f64),
    unseen: &Unseen,
) -> Result<usize, Error> {
    let (units, fold, root) = (job.links.sequence(s), job.fold(), scale.sqrt());
    let scaled = |rows: &[f64]| -> Vec<f64> { rows.iter().map(|x| root * x).collect() };
    let (known, past) = (memory.steps().min(fold.order), memory.steps());
    // What is known fills a block of its own: its last places.
    let begin = if known > 0 { fold.order } else { 0 };
    let steps = begin + units.len();
    let mut log = 0.0;
    desk.begin();
    if known > 0 {
        desk.known(&scaled(memory.triangle().0), fold, known);
    }
    for t in begin..steps {
        let Some([joined, own]) = unseen.get((past + t - begin).min(unseen.len() - 1)) else { continue };
        log += desk.rows((&scaled(&joined.0), joined.1), fold, t, true);
        log += desk.rows((&scaled(&own.0), own.1), fold, t, false);
        desk.end_of_block(&mut log, fold, t, steps);
    }
    desk.settle(fold);
    let name = |block: usize| {
        let t = (block * fold.order).saturating_sub(begin);
        job.model.unit_name(&job.work.context, 0, units.start + t)
    };
    desk.smooth_one().map_err(|e| e.named(|block, _| name(block)))?;
    Ok(begin)
}

/// The steps after each sequence.
pub(super) fn forecast<M: Continues>(
    fit: &Fit<M>,
    work: &Work<'_, M>,
    links: &Links,
    steps: usize,
) -> Result<Forecast<M>, Error> {
    let (model, options) = (&fit.model, Options::default());
    let mut globals = work.filter_globals(fit)?;
    let memories = work.follow((model, &globals), links, &mut |_, _, _| Ok(()))?;
    let unseen = unseen(model, &work.context, &fit.params, links, |c| filtered::prepare(model, c, &globals))?;
    model.unobserved(&work.context, steps, |data| {
        let future = Work::new(model, data, &fit.params, &options)?;
        let mut posterior = model.posterior(&future.context, vec![future.chain_table(0)]);
        let Some(ahead) = future.links(0) else {
            return Err(Error::NotFinite { what: "a forecast without latents".into() });
        };
        let mut scales: Vec<PowerGamma> = vec![];
        for (s, memory) in memories.iter().enumerate().filter(|(s, _)| !ahead.sequence(*s).is_empty()) {
            let first = ahead.sequence(s).start;
            if let Some(scale) = memory.scale {
                model.set_scale(&future.context, &mut globals, first, Marginal::Law(scale.law));
            }
            if M::SCALED {
                scales.extend(model.scale_at(&future.context, &globals, first).law());
            }
        }
        let at = model.prepare(&future.context, &globals)?;
        let job = Chained { model, work: &future, globals: &globals, at: &at, index: 0, links: ahead };
        let (mut desk, mut paths) = (Desk::default(), vec![]);
        for (s, memory) in memories.iter().enumerate().filter(|(s, _)| !ahead.sequence(*s).is_empty()) {
            let scale = scales.get(paths.len()).map_or(1.0, |law| law.shape / law.rate);
            let begin = go_on((&job, &mut desk), s, (memory, scale), &unseen[s])?;
            job.share_one(&mut desk, (s, begin), &mut posterior);
            if M::SCALED {
                paths.push(job.law(&desk, (begin, ahead.sequence(s).len())));
            }
        }
        M::share(&globals, &mut posterior);
        let absent = if M::SCALED {
            model.impute_along(&future.context, &fit.params, &M::Latents::default(), &paths, &scales)?
        } else {
            super::predict::absent(model, &future.context, &fit.params, &globals, &posterior)?
        };
        Ok(Forecast { posterior, absent })
    })
}

/// What is said of the steps after the data at one draw of the latents that all units share.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DrawnFuture<M: Program> {
    /// The drawn values; latents of steps are not among them.
    pub shared: M::Latents,
    /// The joint law of the latents of the steps to come, sequence by sequence: Gaussian at these values.
    pub states: Vec<Trajectory>,
    /// Mean and variance of what will be observed, and intervals where its law is a Normal at these values.
    pub absent: M::Imputed,
}

/// What is said of the steps after the data where coefficients or scales beside a chain are uncertain.
///
/// ```text
/// θ⁽ˢ⁾ ~ q(θ)        p(future) ≈ 1/S Σₛ ∫ q(x[T−1]) p(future | x[T−1], θ⁽ˢ⁾) dx[T−1]
/// ```
///
/// The same θ acts in every step, so that the future is no Gaussian however q is, and has no closed form. θ is drawn, all else is integrated:
/// given a draw every law here is exact. q(x\\[T−1\\]) is what the filter knows after the last step ([`MeanFieldStep`]), independent of θ as q
/// has it. Answers carry their Monte-Carlo errors.
#[derive(Clone, Debug)]
pub struct ForecastDraws<M: Program> {
    draws: Vec<DrawnFuture<M>>,
}

impl<M: Program> ForecastDraws<M> {
    /// Every draw, in order.
    #[must_use]
    pub fn draws(&self) -> &[DrawnFuture<M>] {
        &self.draws
    }

    /// The law of what will be observed: `which` picks an element of [`DrawnFuture::absent`], such as `|y| y.y.get([3])`. `None` if there is no
    /// such element, or its law given a draw is no Normal.
    pub fn absent(&self, which: impl Fn(&M::Imputed) -> Option<&MeanVar>) -> Option<FutureLaw> {
        FutureLaw::new(
            self.draws.iter().map(|d| which(&d.absent).and_then(MeanVar::normal)).collect::<Option<_>>()?,
        )
    }

    /// The law of a number of the latents of a step to come, counted array by array in the order of the fields of `Latents`. `None` if there is
    /// no such sequence, step or number.
    #[must_use]
    pub fn state(&self, sequence: usize, step: usize, number: usize) -> Option<FutureLaw> {
        let law = |d: &DrawnFuture<M>| {
            let path = d.states.get(sequence).filter(|p| step < p.len() && number < p.width())?;
            Some(Normal::mean_var(path.mean(step)[number], path.cov(step)[(number, number)]))
        };
        FutureLaw::new(self.draws.iter().map(law).collect::<Option<_>>()?)
    }
}

/// A number of the future: a mixture of Normals, one for each draw of what is uncertain beside a chain. Answers are of this mixture; with each
/// comes the Monte-Carlo standard error that a finite number of draws leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct FutureLaw(Mixture<Normal>);

impl FutureLaw {
    fn new(laws: Vec<Normal>) -> Option<Self> {
        let share = 1.0 / laws.len() as f64;
        Mixture::new(vec![share; laws.len()], laws).ok().map(FutureLaw)
    }

    /// The mixture itself.
    #[must_use]
    pub fn mixture(&self) -> &Mixture<Normal> {
        &self.0
    }

    /// E x, and its error.
    #[must_use]
    pub fn mean(&self) -> (f64, f64) {
        self.averaged(RealLaw::mean)
    }

    /// √Var x, and its error: that of E (x − E x)² by the rule for √.
    #[must_use]
    pub fn sd(&self) -> (f64, f64) {
        let mean = RealLaw::mean(&self.0);
        let (var, error) = self.averaged(|law| RealLaw::var(law) + (RealLaw::mean(law) - mean).powi(2));
        (var.sqrt(), 0.5 * error / var.sqrt())
    }

    /// The x with p(≤ x) = `p`, and its error: that of p(≤ x) over the density there.
    #[must_use]
    pub fn quantile(&self, p: f64) -> (f64, f64) {
        let x = self.0.quantile(p);
        let (_, error) = self.averaged(|law| law.cdf(x));
        (x, error / self.0.log_density(x).exp())
    }

    /// The interval that leaves (1 − level)/2 on either side, and the error of each end.
    #[must_use]
    pub fn interval(&self, level: f64) -> ((f64, f64), (f64, f64)) {
        let tail = 0.5 * (1.0 - level);
        let (low, high) = (self.quantile(tail), self.quantile(1.0 - tail));
        ((low.0, high.0), (low.1, high.1))
    }

    /// The mean of a function of the draws, and its standard error.
    fn averaged(&self, of: impl Fn(&Normal) -> f64) -> (f64, f64) {
        let values: Vec<f64> = self.0.components().iter().map(of).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let square: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        (mean, (square / (count - 1.0) / count).sqrt())
    }
}

impl<M: Continues + Follows<Step = MeanFieldStep>> Fit<M> {
    /// The `steps` steps after the end of each sequence, where coefficients or scales beside its chain are uncertain: their laws at so many draws
    /// of these from q, and mixed over the draws. Same seed, same draws, however many are asked for.
    ///
    /// # Errors
    /// What [`infer`](Self::infer) can meet with these data, and at a draw; [`Error::NotFinite`] without draws.
    pub fn forecast_draws(
        &self,
        data: &M::Data<'_>,
        steps: usize,
        draws: usize,
        seed: u64,
    ) -> Result<ForecastDraws<M>, Error> {
        if draws == 0 {
            return Err(Error::NotFinite { what: "a forecast from no draws".into() });
        }
        let (model, options) = (&self.model, Options::default());
        let work = Work::new(model, data, &self.params, &options)?;
        model.validate(&work.context, &self.globals)?;
        let Some(links) = work.chain(0) else {
            return Err(Error::NotFinite { what: "a forecast without latents".into() });
        };
        let memories = work.follow((model, &self.globals), links, &mut |_, _, _| Ok(()))?;
        model.unobserved(&work.context, steps, |ahead| {
            let future = Work::new(model, ahead, &self.params, &options)?;
            let Some(ahead) = future.links(0) else {
                return Err(Error::NotFinite { what: "a forecast without latents".into() });
            };
            let mut desk = Desk::default();
            let drawn = (0..draws).map(|draw| {
                let mut shared = M::Latents::default();
                let mut rng = crate::rng::stream(seed, "forecast", &[draw]);
                model.draw_shared(&future.context, &self.globals, &mut rng, &mut shared)?;
                let points = model.posterior_of_values(&future.context, &shared)?;
                let values = model.gather(&self.params, &points);
                // Shapes that values do not have, such as covariances, come from the neutral globals; they are 0 for a value.
                let values = M::overlay(&values, model.neutral(&future.context, &values)?);
                let at = model.prepare(&future.context, &values)?;
                let unseen =
                    unseen(model, &work.context, &self.params, links, |c| model.prepare(c, &values))?;
                let job = Chained { model, work: &future, globals: &values, at: &at, index: 0, links: ahead };
                let mut states = Vec::with_capacity(memories.len());
                for (s, memory) in memories.iter().enumerate() {
                    let units = ahead.sequence(s).len();
                    let begin =
                        if units > 0 { go_on((&job, &mut desk), s, (memory, 1.0), &unseen[s])? } else { 0 };
                    states.push(job.law(&desk, (begin, units)));
                }
                let absent = model.impute_along(&future.context, &self.params, &shared, &states, &[])?;
                Ok(DrawnFuture { shared, states, absent })
            });
            Ok(ForecastDraws { draws: drawn.collect::<Result<_, Error>>()? })
        })
    }
}
