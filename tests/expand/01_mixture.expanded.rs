/// Eruptions of Old Faithful as a mixture of Gaussians.
///
/// ```text
/// log p(data, latents; params) = sum over
///   log p(z[n])  Categorical(p: weight)    [line 6]
///   log p(x[n])  Normal(mean: mean[z[n]], cov: cov[z[n]])    [line 7]
/// EXACT: KL = 0 given (weight, mean, cov); the objective is the log-likelihood
/// block {z[n]}, an independent copy for each n    cost N·K·D²
///   1. z[n] is finite (K) and no term joins it to another latent: log-sum-exp    [lines 6, 7]
/// update weight: counts, normalised
/// update (mean[k], cov[k]): joint mode, closed form: every term in mean[k] is whitened by cov[k]
/// ```
#[allow(non_snake_case, reason = "names are the model's own")]
#[allow(
    clippy::too_many_arguments,
    clippy::needless_range_loop,
    clippy::manual_range_contains,
    clippy::approx_constant,
    clippy::neg_multiply,
    clippy::possible_missing_comma,
    clippy::cast_precision_loss,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "one shape of loop serves every model, and its indices are called as on paper"
)]
pub mod mixture {
    use ::std::ops::Range;
    use ::vi_core::private::{
        Categories, Claim, Component, DMatrix, DVector, Described, ElboTerm, Error,
        Evidence, ExactPosterior, Fit, Imputes, Joins, LeastSquares, Maximised, Moments,
        Notes, Options, Plan, Program, Scratch, Start, State, Statistics, Table, Term,
        Types, chart, check, columns, data, dense, dist, finite, fit, least_squares,
        mode, rng, special,
    };
    use ::vi_core::private::least_squares::Value::{Known, Unknown};
    /// What was proved of this model when it was compiled.
    pub static PLAN: &Plan = &Plan {
        model: "mixture",
        claim: Claim::Exact,
        text: "EXACT: KL = 0 given (weight, mean, cov); the objective is the log-likelihood\nblock {z[n]}, an independent copy for each n    cost N·K·D²\n  1. z[n] is finite (K) and no term joins it to another latent: log-sum-exp    [lines 6, 7]\nupdate weight: counts, normalised\nupdate (mean[k], cov[k]): joint mode, closed form: every term in mean[k] is whitened by cov[k]\n",
    };
    /// Sizes and constants of the model.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Model {
        /// The size K.
        pub K: usize,
    }
    ::vi_core::private::serde_impls! {
        Model { K : usize }
    }
    impl Model {
        /// The sizes and constants without a default, in the order of the header.
        #[must_use]
        pub fn new(K: usize) -> Self {
            Model { K }
        }
        /// Sets the size K.
        #[must_use]
        pub fn K(mut self, K: usize) -> Self {
            self.K = K;
            self
        }
    }
    /// What is observed and what is given. Fields borrow: write `(&x).into()`.
    #[derive(Clone, Copy, Debug)]
    pub struct Data<'a> {
        /// `x[N]: Vector[D]`
        pub x: data::RealRows<'a>,
    }
    /// Point estimates. A field left as `Default` gives it is unset: a fit finds it by an M-step first.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Params {
        /// `weight: Simplex[K]`
        pub weight: DVector<f64>,
        /// `mean[K]: Vector[D]`
        pub mean: Vec<DVector<f64>>,
        /// `cov[K]: SymPos[D]`
        pub cov: Vec<DMatrix<f64>>,
    }
    impl Default for Params {
        fn default() -> Self {
            Params {
                weight: DVector::zeros(0),
                mean: Vec::new(),
                cov: Vec::new(),
            }
        }
    }
    ::vi_core::private::serde_impls! {
        Params { weight : DVector < f64 >, mean : Vec < DVector < f64 > >, cov : Vec <
        DMatrix < f64 > > }
    }
    /// Values of the latents.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Latents {
        /// `z[N]: Category[K]`
        pub z: Vec<usize>,
    }
    /// One q for each latent.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Posterior {
        /// q(z)
        pub z: Categories,
    }
    impl Posterior {
        /// Latents drawn from q: those of one unit jointly, one unit after another.
        ///
        /// # Errors
        /// [`Error::LocalsNotKept`] where there is no q: locals were not kept.
        pub fn sample(&self, rng: &mut impl rng::Rng) -> Result<Latents, Error> {
            self.choose(&mut finite::Sample(rng))
        }
        /// The most likely latents: of one unit jointly, so that they may differ from the most likely one by one.
        ///
        /// # Errors
        /// As [`sample`](Self::sample).
        pub fn most_likely(&self) -> Result<Latents, Error> {
            self.choose(&mut finite::Max::default())
        }
        fn choose(&self, choice: &mut impl finite::Choice) -> Result<Latents, Error> {
            let z = self.z.choose(choice)?;
            Ok(Latents { z })
        }
    }
    ::vi_core::private::serde_impls! {
        Posterior { z : Categories }
    }
    /// What is said of observed elements that have no value.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Imputed {
        /// Elements of `x`.
        pub x: fit::ImputedNumbers,
    }
    ::vi_core::private::serde_impls! {
        Imputed { x : fit::ImputedNumbers }
    }
    /// Reported `let`s, at the params of the fit.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Lets {}
    ::vi_core::private::serde_impls! {
        Lets {}
    }
    impl Model {
        /// Fits the model: EM to convergence from the best of `options.restarts` starts.
        ///
        /// # Errors
        /// Data that break a rule of the model, sizes that disagree, a likelihood without a maximum.
        pub fn fit(
            &self,
            data: &Data<'_>,
            options: &Options,
        ) -> Result<Fit<Model>, Error> {
            fit::fit(self, data, &Start::Default, options)
        }
        /// Fits from a given start.
        ///
        /// # Errors
        /// See [`fit`](Self::fit); a start that does not fit the data.
        pub fn fit_from(
            &self,
            data: &Data<'_>,
            start: Start<Model>,
            options: &Options,
        ) -> Result<Fit<Model>, Error> {
            fit::fit(self, data, &start, options)
        }
        /// E-step only: posterior and likelihood at known params.
        ///
        /// # Errors
        /// See [`fit`](Self::fit); params that are unset or out of bounds.
        pub fn infer(
            &self,
            data: &Data<'_>,
            params: &Params,
        ) -> Result<Fit<Model>, Error> {
            fit::infer(self, data, params, &Options::new())
        }
        /// The fit before its first sweep; [`step`](Self::step) carries one out.
        ///
        /// # Errors
        /// See [`fit`](Self::fit).
        pub fn start<'a>(
            &self,
            data: &Data<'a>,
            start: Start<Model>,
            options: &Options,
        ) -> Result<State<'a, Model>, Error> {
            State::new(self, data, &start, options)
        }
        /// One sweep: M-step, then E-step. Returns what the objective gained.
        ///
        /// # Errors
        /// See [`fit`](Self::fit).
        pub fn step(&self, state: &mut State<'_, Model>) -> Result<f64, Error> {
            state.step()
        }
        /// log p(data, latents; params), without the priors of params.
        ///
        /// # Errors
        /// Sizes that disagree, values out of bounds.
        pub fn log_joint(
            &self,
            data: &Data<'_>,
            latents: &Latents,
            params: &Params,
        ) -> Result<f64, Error> {
            let context = self.context(data, params, &Options::new())?;
            self.validate(&context, params)?;
            Program::log_joint(self, &context, latents, params)
        }
        /// Fits by minibatches of units: for more of them than a sweep should take.
        ///
        /// # Errors
        /// See [`fit`](Self::fit); a schedule out of bounds.
        pub fn fit_stochastic(
            &self,
            data: &Data<'_>,
            options: &Options,
            schedule: fit::Schedule,
        ) -> Result<Fit<Model>, Error> {
            fit::fit_stochastic(self, data, options, schedule)
        }
        /// Expected sufficient statistics at known params: one E-step. They add up over data sets.
        ///
        /// # Errors
        /// See [`infer`](Self::infer).
        pub fn accumulate(
            &self,
            data: &Data<'_>,
            params: &Params,
        ) -> Result<Stats, Error> {
            let mut stats = fit::accumulate(self, data, params)?;
            stats.sizes = Some(self.context(data, params, &Options::new())?.sizes);
            Ok(stats)
        }
        /// The params that maximise the ELBO for these statistics; params without a statistic keep their values.
        ///
        /// # Errors
        /// A likelihood without a maximum; statistics that [`accumulate`](Self::accumulate) did not make.
        pub fn maximise(
            &self,
            stats: &Stats,
            current: &Params,
        ) -> Result<Params, Error> {
            let Some(sizes) = &stats.sizes else {
                return Err(Error::NotFinite {
                    what: "statistics that `accumulate` did not make".to_string(),
                });
            };
            self.update_params(sizes, stats, current).map(|m| m.globals)
        }
    }
    /// Data and latents drawn from the model.
    #[derive(Clone, Debug)]
    pub struct Simulated<'a> {
        /// The givens that were drawn under.
        pub given: Data<'a>,
        /// Drawn values of `x`.
        pub x: DMatrix<f64>,
        /// The latents behind the data.
        pub latents: Latents,
    }
    impl Simulated<'_> {
        /// The draw as data, with the givens it was made under.
        #[must_use]
        pub fn data(&self) -> Data<'_> {
            Data { x: (&self.x).into() }
        }
    }
    impl Model {
        /// Draws latents and observations, in the order in which they depend on one another. Observed arrays in `data` say only how
        /// many there are: pass `Absent`.
        ///
        /// # Errors
        /// Sizes that disagree, and params outside their bounds.
        pub fn simulate<'a>(
            &self,
            params: &Params,
            data: &Data<'a>,
            seed: u64,
        ) -> Result<Simulated<'a>, Error> {
            let given = *data;
            let context = self.context(data, params, &Options::new())?;
            self.validate(&context, params)?;
            let &Sizes { K, N, D } = &context.sizes;
            let mut latents = Latents {
                z: (0..N).map(|_| 0).collect::<Vec<_>>(),
            };
            let mut x = DMatrix::from_element(N, D, 0.0);
            for n in 0..N {
                latents.z[n] = dist::Categorical::p(
                        &(0..K).map(|k| params.weight[k]).collect::<Vec<f64>>(),
                    )
                    .sample(&mut rng::stream(seed, "z", &[n]));
            }
            for n in 0..N {
                let draw = dist::MvNormal::mean_cov(
                        &(0..D)
                            .map(|d| params.mean[latents.z[n]][d])
                            .collect::<Vec<f64>>(),
                        &DMatrix::from_fn(
                            D,
                            D,
                            |d, d2| params.cov[latents.z[n]][(d, d2)],
                        ),
                    )?
                    .sample(&mut rng::stream(seed, "x", &[n]));
                for d in 0..D {
                    x[(n, d)] = draw[d];
                }
            }
            Ok(Simulated { given, x, latents })
        }
    }
    /// The sizes of the data at hand.
    #[derive(Clone, Debug)]
    pub struct Sizes {
        /// The size K.
        pub K: usize,
        /// The size N.
        pub N: usize,
        /// The size D.
        pub D: usize,
    }
    ::vi_core::private::serde_impls! {
        Sizes { K : usize, N : usize, D : usize }
    }
    /// Data, and what is worked out from them once.
    #[derive(Clone, Debug)]
    pub struct Context<'a> {
        /// The data.
        pub data: Data<'a>,
        /// Their sizes.
        pub sizes: Sizes,
        /// Where `x_moments` are measured from.
        pub x_moments_gauge: Vec<f64>,
    }
    /// Expected sufficient statistics. They add up: over units, threads, machines and data sets.
    #[derive(Clone, Debug)]
    pub struct Stats {
        /// Σ q: expected counts of line 6.
        pub z_count: Table<1>,
        /// Moments of line 7 weighted by q, about a gauge.
        pub x_moments: Moments,
        /// Σ log p of the units that were added.
        pub evidence: Evidence,
        /// The sizes they belong to.
        pub sizes: Option<Sizes>,
    }
    ::vi_core::private::serde_impls! {
        Stats { z_count : Table < 1 >, x_moments : Moments, evidence : Evidence, sizes :
        Option < Sizes > }
    }
    impl Statistics for Stats {
        fn merge(&mut self, other: &Self) {
            self.z_count += &other.z_count;
            self.x_moments += &other.x_moments;
            self.evidence.log += other.evidence.log;
            self.evidence.magnitude += other.evidence.magnitude;
        }
        fn fits(&self, other: &Self) -> bool {
            self.z_count.fits(&other.z_count) && self.x_moments.fits(&other.x_moments)
        }
        fn clear(&mut self) {
            self.z_count.clear();
            self.x_moments.clear();
            self.evidence = Evidence::default();
        }
        fn scale(&mut self, by: f64) {
            self.z_count.values_mut().iter_mut().for_each(|x| *x *= by);
            self.x_moments.scale(by);
            self.evidence.log *= by;
            self.evidence.magnitude *= by;
        }
        fn evidence(&mut self) -> &mut Evidence {
            &mut self.evidence
        }
    }
    impl ::std::ops::AddAssign<&Stats> for Stats {
        fn add_assign(&mut self, other: &Stats) {
            self.merge(other);
        }
    }
    /// Functions of the params, tabulated once a sweep.
    #[derive(Clone, Debug)]
    pub struct Prepared {
        /// The params themselves.
        pub params: Params,
        /// log weight[k]
        pub log_weight: Table<1>,
        /// The density of line 7, for each cell.
        pub x_density: Vec<dense::Density>,
    }
    impl Model {
        /// log p(z, data; θ) of every state of every unit of a tile: lines 6, 7 of the model.
        ///
        /// `table` holds the states (k) by the units of the tile, units fastest.
        fn potentials_z(
            &self,
            context: &Context<'_>,
            at: &Prepared,
            units: Range<usize>,
            table: &mut [f64],
            scratch: &mut Scratch,
        ) {
            let &Sizes { K, D, .. } = &context.sizes;
            let data = &context.data;
            let len = units.len();
            for k in 0..K {
                for entry in &mut table[k * len..][..len] {
                    *entry += at.log_weight[[k]];
                }
            }
            if !data.x.is_absent() {
                let tile = dense::tile(&mut scratch.tile, D * len);
                data.x.copy_tile(units.clone(), tile);
                for k in 0..K {
                    at.x_density[k].add(tile, len, &mut table[k * len..][..len]);
                }
            }
        }
        /// Adds the statistics of a tile, weighted by q(z): what the M-step needs of lines 6, 7.
        fn collect_z(
            &self,
            context: &Context<'_>,
            _params: &Params,
            units: Range<usize>,
            table: &[f64],
            stats: &mut Stats,
            scratch: &mut Scratch,
        ) {
            let &Sizes { K, D, .. } = &context.sizes;
            let data = &context.data;
            let len = units.len();
            for k in 0..K {
                let probs = &table[k * len..][..len];
                stats.z_count[[k]] += columns::sum(probs);
            }
            if !data.x.is_absent() {
                let tile = dense::tile(&mut scratch.tile, D * len);
                data.x.copy_tile(units.clone(), tile);
                dense::shift(tile, len, &context.x_moments_gauge);
                stats.x_moments.add_tile(tile, len, table);
            }
        }
        /// What depends on the data alone in one unit, by statement.
        fn constant_z(
            &self,
            context: &Context<'_>,
            statement: usize,
            _unit: usize,
        ) -> f64 {
            let &Sizes { D, .. } = &context.sizes;
            let data = &context.data;
            let mut constant = 0.0;
            if statement == 1 && !data.x.is_absent() {
                constant += -0.9189385332046727 * (D as f64);
            }
            constant
        }
        /// Updates `weight`: the mode of its natural parameters.
        ///
        /// ```text
        /// weight ∝ c,   c = z_count
        /// ```
        ///
        /// Line 6 of the model. Closed form. Held fixed: q.
        fn update_weight(
            &self,
            sizes: &Sizes,
            stats: &Stats,
            params: &mut Params,
            notes: &mut Notes,
        ) -> Result<(), Error> {
            let &Sizes { K, .. } = sizes;
            let mut log_weight = Table::zeros([K]);
            for k in 0..K {
                log_weight[[k]] += stats.z_count[[k]];
            }
            let counts: Vec<f64> = (0..K).map(|k| log_weight[[k]]).collect();
            mode::simplex(
                &counts,
                0.0,
                mode::at("weight", &[]),
                &mut params.weight,
                notes,
            )?;
            Ok(())
        }
        /// Updates `mean`: weighted least squares from the moments of the data.
        ///
        /// ```text
        /// mean = argmin Σ q (x[n, d] − mean[k, d])²
        /// ```
        fn update_mean(
            &self,
            sizes: &Sizes,
            stats: &Stats,
            params: &mut Params,
            notes: &mut Notes,
        ) -> Result<(), Error> {
            let &Sizes { K, D, .. } = sizes;
            for k in 0..K {
                let mut system = LeastSquares::new(1, D);
                let terms = vec![Term::constant(1.0, Unknown(0))];
                system.add_moments(1.0, stats.x_moments.cell(k), &terms);
                let mut current = DMatrix::zeros(1, D);
                for d in 0..D {
                    current[(0, d)] = params.mean[k][d];
                }
                let solution = system.solve(&current);
                if solution.rank_deficient {
                    notes.rank_deficient("mean");
                }
                for d in 0..D {
                    params.mean[k][d] = solution.values[(0, d)];
                }
            }
            Ok(())
        }
        /// Updates `cov`: its mode given the residuals.
        ///
        /// ```text
        /// cov = scatter / weight
        /// scatter = Σ (expected outer products of residuals) + prior,  weight = Σ (expected counts) + prior
        /// ```
        fn update_cov(
            &self,
            sizes: &Sizes,
            stats: &Stats,
            params: &mut Params,
            notes: &mut Notes,
        ) -> Result<(), Error> {
            let &Sizes { K, D, .. } = sizes;
            let mut scatter = vec![DMatrix:: < f64 > ::zeros(D, D); K];
            let mut weight = vec![0.0; K];
            for k in 0..K {
                weight[k] += stats.x_moments.count(k);
            }
            for k in 0..K {
                let mut rows = Vec::with_capacity(D);
                for d in 0..D {
                    let terms = vec![Term::constant(1.0, Known(params.mean[k] [d]))];
                    rows.push(terms);
                }
                scatter[k]
                    += least_squares::residual_scatter(stats.x_moments.cell(k), &rows);
            }
            for k in 0..K {
                mode::covariance(
                    &scatter[k],
                    weight[k],
                    0.0,
                    mode::at("cov", &[k]),
                    &mut params.cov[k],
                    notes,
                )?;
            }
            Ok(())
        }
        /// θ = argmax ELBO(q, θ) for the statistics of q, one block of params after another.
        fn update_params(
            &self,
            sizes: &Sizes,
            stats: &Stats,
            current: &Params,
        ) -> Result<Maximised<Model>, Error> {
            let mut params = current.clone();
            let mut notes = Notes::default();
            self.update_weight(sizes, stats, &mut params, &mut notes)?;
            self.update_mean(sizes, stats, &mut params, &mut notes)?;
            self.update_cov(sizes, stats, &mut params, &mut notes)?;
            Ok(Maximised {
                globals: params,
                at_boundary: notes.at_boundary,
                notes: notes.notes,
            })
        }
    }
    impl Types for Model {
        type Data<'a> = Data<'a>;
        type Globals = Params;
        type Params = Params;
        type Latents = Latents;
        type Posterior = Posterior;
        type Imputed = Imputed;
        type Lets = Lets;
        type Stats = Stats;
        type Context<'a> = Context<'a>;
        type Prepared = Prepared;
    }
    impl Joins for Model {}
    impl Imputes for Model {
        fn impute(
            &self,
            context: &Context<'_>,
            params: &Params,
            posterior: &Posterior,
        ) -> Result<Imputed, Error> {
            let &Sizes { N, D, .. } = &context.sizes;
            let data = &context.data;
            let mut imputed = Imputed::default();
            let mut latents = self
                .latents(context, &fit::first_states(&self.components(context)));
            if data.x.is_absent() {
                for n in 0..N {
                    let mut mixture = fit::Mixture::default();
                    for (state, &probability) in posterior.z.probs(n).iter().enumerate()
                    {
                        latents.z[n] = state;
                        mixture
                            .add(
                                probability,
                                &dist::MvNormal::mean_cov(
                                    &(0..D)
                                        .map(|d| params.mean[latents.z[n]][d])
                                        .collect::<Vec<f64>>(),
                                    &DMatrix::from_fn(
                                        D,
                                        D,
                                        |d, d2| params.cov[latents.z[n]][(d, d2)],
                                    ),
                                )?,
                            );
                    }
                    mixture.give_vector(&mut imputed.x, &[n], |_| true);
                }
            }
            Ok(imputed)
        }
    }
    impl Program for Model {
        const NAME: &'static str = "mixture";
        fn plan() -> &'static Plan {
            PLAN
        }
        fn context<'a>(
            &self,
            data: &Self::Data<'a>,
            _params: &Params,
            _options: &Options,
        ) -> Result<Self::Context<'a>, Error> {
            let K: usize = self.K;
            let N: usize = data.x.nrows();
            let D: usize = data.x.ncols();
            data.x.validate("x")?;
            check::all(check::Name::new("x", 1), &data.x, &check::Interval::REAL)?;
            let x_moments_gauge = Vec::new();
            let sizes = Sizes { K, N, D };
            Ok(Context {
                data: *data,
                sizes,
                x_moments_gauge,
            })
        }
        fn components(&self, context: &Context<'_>) -> Vec<Component> {
            let &Sizes { K, N, .. } = &context.sizes;
            vec![
                Component { name : "z", units : N, states : K, first : K, joint : false }
            ]
        }
        fn observations(&self, context: &Context<'_>) -> f64 {
            self.components(context).iter().map(|c| c.units as f64).sum::<f64>()
        }
        fn unit_name(
            &self,
            _context: &Context<'_>,
            component: usize,
            unit: usize,
        ) -> String {
            if component == 0 {
                let n = unit;
                format!("z[{}]", n)
            } else {
                String::new()
            }
        }
        fn neutral(
            &self,
            context: &Context<'_>,
            given: &Params,
        ) -> Result<Params, Error> {
            let &Sizes { K, D, .. } = &context.sizes;
            let params = Params {
                weight: DVector::from_element(K, 1.0 / K as f64),
                mean: (0..K).map(|_| DVector::zeros(D)).collect::<Vec<_>>(),
                cov: (0..K).map(|_| DMatrix::identity(D, D)).collect::<Vec<_>>(),
            };
            Ok(Self::overlay(given, params))
        }
        fn is_complete(params: &Params) -> bool {
            !params.weight.is_empty() && !params.mean.is_empty()
                && !params.cov.is_empty()
        }
        fn is_set(params: &Params) -> bool {
            !params.weight.is_empty() || !params.mean.is_empty()
                || !params.cov.is_empty()
        }
        fn overlay(given: &Params, fitted: Params) -> Params {
            Params {
                weight: if given.weight.is_empty() {
                    fitted.weight
                } else {
                    given.weight.clone()
                },
                mean: if given.mean.is_empty() {
                    fitted.mean
                } else {
                    given.mean.clone()
                },
                cov: if given.cov.is_empty() { fitted.cov } else { given.cov.clone() },
            }
        }
        fn validate(&self, context: &Context<'_>, params: &Params) -> Result<(), Error> {
            let &Sizes { K, D, .. } = &context.sizes;
            check::size_is("weight", params.weight.len(), "entries", "K", K)?;
            check::simplex(
                check::Name::new("weight", 0),
                &[],
                params.weight.iter().copied(),
            )?;
            check::size_is("mean", params.mean.len(), "entries", "K", K)?;
            for k in 0..K {
                check::size_is("mean", params.mean[k].len(), "entries", "D", D)?;
                for d in 0..D {
                    check::one(
                        check::Name::new("mean", 1),
                        &[k, d],
                        params.mean[k][d],
                        &check::Interval::REAL,
                    )?;
                }
            }
            check::size_is("cov", params.cov.len(), "entries", "K", K)?;
            for k in 0..K {
                check::size_is("cov", params.cov[k].nrows(), "rows", "D", D)?;
                check::size_is("cov", params.cov[k].ncols(), "columns", "D", D)?;
                check::positive_definite(
                    check::Name::new("cov", 1),
                    &[k],
                    &data::RealRows::from(&params.cov[k]),
                )?;
            }
            Ok(())
        }
        fn prepare(
            &self,
            context: &Context<'_>,
            params: &Params,
        ) -> Result<Prepared, Error> {
            let &Sizes { K, D, .. } = &context.sizes;
            let log_weight = Table::from_fn([K], |[k]| params.weight[k].ln());
            let mut x_density = Vec::new();
            for k in 0..K {
                let mean: Vec<f64> = (0..D).map(|d| params.mean[k][d]).collect();
                x_density
                    .push(
                        dense::Density::new(
                            &mean,
                            &params.cov[k],
                            dense::Scale::Covariance,
                            1.0,
                            mode::at("cov", &[k]),
                        )?,
                    );
            }
            Ok(Prepared {
                params: params.clone(),
                log_weight,
                x_density,
            })
        }
        fn zero(&self, context: &Context<'_>) -> Stats {
            let &Sizes { K, D, .. } = &context.sizes;
            let z_count = Table::zeros([K]);
            let mut x_moments = Moments::new(K, D, 1);
            x_moments.set_gauge(&context.x_moments_gauge);
            Stats {
                z_count,
                x_moments,
                evidence: Evidence::default(),
                sizes: None,
            }
        }
        fn fixed(&self, context: &Context<'_>, _rows: usize) -> Stats {
            self.zero(context)
        }
        fn gauge(&self, context: &mut Context<'_>, pilot: &Stats) {
            context.x_moments_gauge = pilot.x_moments.mean();
        }
        fn potentials(
            &self,
            context: &Context<'_>,
            at: &Prepared,
            component: usize,
            units: Range<usize>,
            table: &mut [f64],
            scratch: &mut Scratch,
        ) {
            if component == 0 {
                self.potentials_z(context, at, units, table, scratch);
            }
        }
        fn collect(
            &self,
            context: &Context<'_>,
            params: &Params,
            component: usize,
            units: Range<usize>,
            table: &[f64],
            stats: &mut Stats,
            scratch: &mut Scratch,
        ) {
            if component == 0 {
                self.collect_z(context, params, units, table, stats, scratch);
            }
        }
        fn constants(&self, context: &Context<'_>) -> Vec<(String, f64)> {
            let out: Vec<(String, f64)> = vec![
                ("E log p(x)".to_string(), (0..self.components(context) [0].units).map(|
                unit | self.constant_z(context, 1, unit)).sum())
            ];
            out
        }
        fn unit_constant(
            &self,
            context: &Context<'_>,
            component: usize,
            unit: usize,
        ) -> f64 {
            if component == 0 {
                (0..2).map(|statement| self.constant_z(context, statement, unit)).sum()
            } else {
                0.0
            }
        }
        fn expected_terms(
            &self,
            context: &Context<'_>,
            stats: &Stats,
            params: &Params,
        ) -> Result<Vec<ElboTerm>, Error> {
            let &Sizes { K, D, .. } = &context.sizes;
            let mut out = Vec::new();
            let (mut term, mut magnitude) = (0.0, 0.0_f64);
            for k in 0..K {
                let piece = special::times(stats.z_count[[k]], params.weight[k].ln());
                term += piece;
                magnitude += piece.abs();
            }
            out.push(ElboTerm {
                name: "E log p(z)".to_string(),
                value: term,
                magnitude,
            });
            let (mut term, mut magnitude) = (0.0, 0.0_f64);
            for k in 0..K {
                let mut rows = Vec::with_capacity(D);
                for d in 0..D {
                    let terms = vec![Term::constant(1.0, Known(params.mean[k] [d]))];
                    rows.push(terms);
                }
                let cell = stats.x_moments.cell(k);
                let (value, size) = dense::expected(
                    &least_squares::residual_scatter(cell, &rows),
                    cell.count,
                    &params.cov[k],
                    dense::Scale::Covariance,
                    1.0,
                )?;
                term += value;
                magnitude += size;
            }
            out.push(ElboTerm {
                name: "E log p(x)".to_string(),
                value: term,
                magnitude,
            });
            Ok(out)
        }
        fn log_joint(
            &self,
            context: &Context<'_>,
            latents: &Latents,
            params: &Params,
        ) -> Result<f64, Error> {
            let &Sizes { K, N, D } = &context.sizes;
            let data = &context.data;
            let mut total = 0.0;
            for n in 0..N {
                total
                    += dist::Categorical::p(
                            &(0..K).map(|k| params.weight[k]).collect::<Vec<f64>>(),
                        )
                        .log_density(latents.z[n]);
            }
            if !data.x.is_absent() {
                for n in 0..N {
                    total
                        += dist::MvNormal::mean_cov(
                                &(0..D)
                                    .map(|d| params.mean[latents.z[n]][d])
                                    .collect::<Vec<f64>>(),
                                &DMatrix::from_fn(
                                    D,
                                    D,
                                    |d, d2| params.cov[latents.z[n]][(d, d2)],
                                ),
                            )?
                            .log_density(
                                &(0..D).map(|d| data.x.get(n, d)).collect::<Vec<_>>(),
                            );
                }
            }
            Ok(total)
        }
        fn posterior(
            &self,
            _context: &Context<'_>,
            tables: Vec<Categories>,
        ) -> Posterior {
            Posterior { z: tables[0].clone() }
        }
        fn latents(&self, context: &Context<'_>, states: &[Vec<usize>]) -> Latents {
            let &Sizes { N, .. } = &context.sizes;
            let mut latents = Latents {
                z: (0..N).map(|_| 0).collect::<Vec<_>>(),
            };
            for (unit, &state) in states[0].iter().enumerate() {
                let n = unit;
                latents.z[n] = state;
            }
            latents
        }
        fn posterior_of_values(
            &self,
            context: &Context<'_>,
            latents: &Latents,
        ) -> Result<Posterior, Error> {
            let &Sizes { K, .. } = &context.sizes;
            Ok(Posterior {
                z: Categories::one_hot(&latents.z, K),
            })
        }
        fn started(
            &self,
            context: &Context<'_>,
            component: usize,
            unit: usize,
            given: &Posterior,
            out: &mut [f64],
        ) -> Result<bool, Error> {
            let &Sizes { K, .. } = &context.sizes;
            let mut begun = false;
            if component == 0 {
                let n = unit;
                out.fill(1.0);
                let mut own = vec![1.0 / K as f64; K];
                if let Some(probs) = (n < given.z.len()).then(|| given.z.probs(n)) {
                    check::size_is(
                        "the start",
                        probs.len(),
                        "categories",
                        "its latent",
                        K,
                    )?;
                    own = probs.to_vec();
                    begun = true;
                }
                for (state, p) in out.iter_mut().enumerate() {
                    *p *= own[state];
                }
            }
            Ok(begun)
        }
        fn describe(params: &Params) -> Vec<Described> {
            let mut out = Vec::new();
            let mut d = fit::Describer::new("weight");
            let x = &params.weight;
            d.vector(x);
            out.push(d.finish());
            let mut d = fit::Describer::new("mean");
            let x = &params.mean;
            d.open(x.len());
            for x in x {
                d.vector(x);
            }
            out.push(d.finish());
            let mut d = fit::Describer::new("cov");
            let x = &params.cov;
            d.open(x.len());
            for x in x {
                d.matrix(x);
            }
            out.push(d.finish());
            out
        }
        fn coordinates(params: &Params, to: &mut chart::Writer) -> Result<(), Error> {
            {
                let x = &params.weight;
                to.simplex(x.as_slice());
            }
            {
                let x = &params.mean;
                for x in x {
                    to.vector(x);
                }
            }
            {
                let x = &params.cov;
                for x in x {
                    to.sym_pos(x)?;
                }
            }
            Ok(())
        }
        fn at_coordinates(
            like: &Params,
            from: &mut chart::Reader<'_>,
        ) -> Result<Params, Error> {
            let mut params = like.clone();
            params.weight = {
                let x = &like.weight;
                from.simplex(x.as_slice())?
            };
            params.mean = {
                let x = &like.mean;
                x.iter()
                    .map(|x| from.vector(x.len()))
                    .collect::<Result<Vec<_>, Error>>()?
            };
            params.cov = {
                let x = &like.cov;
                x.iter()
                    .map(|x| from.sym_pos(x.nrows()))
                    .collect::<Result<Vec<_>, Error>>()?
            };
            Ok(params)
        }
        fn relabel(
            params: &mut Params,
            posterior: &mut Posterior,
            _lets: &mut Lets,
            order: &[usize],
        ) -> Result<(), &'static str> {
            {
                let x = &mut params.weight;
                *x = x.select_rows(order.iter());
            }
            {
                let x = &mut params.mean;
                fit::permute(x, order);
            }
            {
                let x = &mut params.cov;
                fit::permute(x, order);
            }
            {
                let x = &mut posterior.z;
                x.relabel(order);
            }
            Ok(())
        }
        fn maximise(
            &self,
            context: &Context<'_>,
            stats: &Stats,
            current: &Params,
            _damping: f64,
        ) -> Result<Maximised<Model>, Error> {
            self.update_params(&context.sizes, stats, current)
        }
        fn gather(&self, params: &Params, _posterior: &Posterior) -> Params {
            params.clone()
        }
        fn params(globals: &Params) -> Params {
            globals.clone()
        }
    }
    impl ::vi_core::private::Proved for Model {}
    impl ExactPosterior for Model {}
}
