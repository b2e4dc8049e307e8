//! How a model is fitted.

use super::Progress;

/// Settings of a fit. Every field is public, and has a setter of its name.
///
/// ```
/// use vi_core::Options;
/// let options = Options::new().seed(1).restarts(8).tolerance(1e-10);
/// assert_eq!(options.restarts, 8);
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Keys every random number of the fit. Same seed, same bits, on any number of threads.
    pub seed: u64,
    /// Number of starts; the best one is kept.
    pub restarts: usize,
    /// Most sweeps of one start. A fit that ends near bounds takes a few more, by which it knows which params they are the limits of.
    pub max_iterations: usize,
    /// Stop when a sweep gains less than this per observation, and so does all that is left to gain.
    pub tolerance: f64,
    /// Threads; 0 takes as many as the machine has.
    pub threads: usize,
    /// Most turns that blocks with a copy for each unit and the units' latents take before the other blocks are updated. The turns end
    /// sooner where they gain no more.
    pub inner_sweeps: usize,
    /// Most joint values of several categories that are enumerated together, and most numbers that have one joint Gaussian.
    pub budget: usize,
    /// Whether sweeps are extrapolated: fewer of them where convergence is slow, as of components that overlap. The objective never falls
    /// for it, but another optimum of several may be reached. Where the plan says that M-steps are mixed, this is done by
    /// [`anderson`](crate::engine::anderson), and unless it is set to `false`; elsewhere by [`squarem`](crate::engine::squarem), and only
    /// where it is set.
    pub accelerate: Option<bool>,
    /// Whether updates are expanded where the plan says that they can be: a standard latent's mean and covariance are chosen by the data too,
    /// and given back to what it is multiplied with; where that is uncertain too, both are turned to where the objective is highest. Fewer
    /// sweeps, and the objective never falls for it; of several optima, another may be reached.
    pub expand: bool,
    /// Called after every sweep.
    pub progress: Option<fn(&Progress)>,
    /// Whether the posterior of every unit is kept: an array of size units × states.
    pub keep_locals: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 0,
            restarts: 1,
            max_iterations: 1000,
            tolerance: 1e-8,
            threads: 0,
            inner_sweeps: 20,
            budget: 4096,
            accelerate: None,
            expand: true,
            progress: None,
            keep_locals: true,
        }
    }
}

impl Options {
    /// The defaults: seed 0, one start, at most 1000 sweeps, tolerance 10⁻⁸ per observation, all threads.
    #[must_use]
    pub fn new() -> Self {
        Options::default()
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`restarts`](Self::restarts).
    #[must_use]
    pub fn restarts(mut self, restarts: usize) -> Self {
        self.restarts = restarts;
        self
    }

    /// Sets [`max_iterations`](Self::max_iterations).
    #[must_use]
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets [`threads`](Self::threads).
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets [`inner_sweeps`](Self::inner_sweeps).
    #[must_use]
    pub fn inner_sweeps(mut self, inner_sweeps: usize) -> Self {
        self.inner_sweeps = inner_sweeps;
        self
    }

    /// Options under which data are looked at again for a fit that is there: what it needed, it was given.
    pub(super) fn unlimited() -> Self {
        Options::default().budget(usize::MAX)
    }

    /// Sets [`budget`](Self::budget).
    #[must_use]
    pub fn budget(mut self, budget: usize) -> Self {
        self.budget = budget;
        self
    }

    /// Sets [`accelerate`](Self::accelerate).
    #[must_use]
    pub fn accelerate(mut self, accelerate: bool) -> Self {
        self.accelerate = Some(accelerate);
        self
    }

    /// Sets [`expand`](Self::expand).
    #[must_use]
    pub fn expand(mut self, expand: bool) -> Self {
        self.expand = expand;
        self
    }

    /// Sets [`progress`](Self::progress).
    #[must_use]
    pub fn progress(mut self, progress: fn(&Progress)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Sets [`keep_locals`](Self::keep_locals).
    #[must_use]
    pub fn keep_locals(mut self, keep_locals: bool) -> Self {
        self.keep_locals = keep_locals;
        self
    }

    pub(crate) fn thread_count(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            n => n,
        }
    }
}
