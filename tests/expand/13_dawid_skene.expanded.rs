///
/// ```text
/// log p(data, latents; params) = sum over
///   log p(conf[j, k])  Dirichlet(a: 1.1)    [line 4]
///   log p(truth[n])    Categorical(p: prev)    [line 5]
///   log p(label[r])    Categorical(p: conf[who[r], truth[item[r]]])    [line 6]
/// EXACT: KL = 0 given (prev, conf); the objective is the log-likelihood
/// block {truth[n]}, an independent copy for each n    cost N·K + R·K
///   1. truth[n] is finite (K) and no term joins it to another latent: log-sum-exp    [lines 5, 6]
/// update prev: counts, normalised
/// update conf[j, k]: counts, normalised
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
pub mod dawid_skene {
    use ::std::ops::Range;
    use ::vi_core::private::{
        Categories, Claim, Component, DVector, Described, ElboTerm, Error, Evidence,
        ExactPosterior, Fit, Groups, Imputes, Joins, Maximised, Notes, Options, Plan,
        Program, Scratch, Start, State, Statistics, Table, Types, chart, check, columns,
        data, dist, finite, fit, mode, rng, special,
    };
    use ::vi_core::private::data::Elements as _;
    /// What was proved of this model when it was compiled.
    pub static PLAN: &Plan = &Plan {
        model: "dawid_skene",
        claim: Claim::Exact,
        text: "EXACT: KL = 0 given (prev, conf); the objective is the log-likelihood\nblock {truth[n]}, an independent copy for each n    cost N·K + R·K\n  1. truth[n] is finite (K) and no term joins it to another latent: log-sum-exp    [lines 5, 6]\nupdate prev: counts, normalised\nupdate conf[j, k]: counts, normalised\n",
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
        /// `item[R]: Category[N]`
        pub item: data::Categories<'a>,
        /// `who[R]: Category[J]`
        pub who: data::Categories<'a>,
        /// `label[R]: Category[K]`
        pub label: data::Categories<'a>,
    }
    /// Point estimates. A field left as `Default` gives it is unset: a fit finds it by an M-step first.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Params {
        /// `prev: Simplex[K]`
        pub prev: DVector<f64>,
        /// `conf[J, K]: Simplex[K]`
        pub conf: Vec<Vec<DVector<f64>>>,
    }
    impl Default for Params {
        fn default() -> Self {
            Params {
                prev: DVector::zeros(0),
                conf: Vec::new(),
            }
        }
    }
    ::vi_core::private::serde_impls! {
        Params { prev : DVector < f64 >, conf : Vec < Vec < DVector < f64 > > > }
    }
    /// Values of the latents.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Latents {
        /// `truth[N]: Category[K]`
        pub truth: Vec<usize>,
    }
    /// One q for each latent.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Posterior {
        /// q(truth)
        pub truth: Categories,
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
            let truth = self.truth.choose(choice)?;
            Ok(Latents { truth })
        }
    }
    ::vi_core::private::serde_impls! {
        Posterior { truth : Categories }
    }
    /// What is said of observed elements that have no value.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Imputed {
        /// Elements of `label`.
        pub label: fit::ImputedCategories,
    }
    ::vi_core::private::serde_impls! {
        Imputed { label : fit::ImputedCategories }
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
        /// Drawn values of `label`.
        pub label: Vec<usize>,
        /// The latents behind the data.
        pub latents: Latents,
    }
    impl Simulated<'_> {
        /// The draw as data, with the givens it was made under.
        #[must_use]
        pub fn data(&self) -> Data<'_> {
            Data {
                label: (&self.label).into(),
                ..self.given
            }
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
            let &Sizes { K, R, N, .. } = &context.sizes;
            let data = &context.data;
            let mut latents = Latents {
                truth: (0..N).map(|_| 0).collect::<Vec<_>>(),
            };
            let mut label = vec![0; R];
            for n in 0..N {
                latents.truth[n] = dist::Categorical::p(
                        &(0..K).map(|k| params.prev[k]).collect::<Vec<f64>>(),
                    )
                    .sample(&mut rng::stream(seed, "truth", &[n]));
            }
            for r in 0..R {
                label[r] = dist::Categorical::p(
                        &(0..K)
                            .map(|k| {
                                params
                                    .conf[data.who.get(r)][latents.truth[data.item.get(r)]][k]
                            })
                            .collect::<Vec<f64>>(),
                    )
                    .sample(&mut rng::stream(seed, "label", &[r]));
            }
            Ok(Simulated { given, label, latents })
        }
    }
    /// The sizes of the data at hand.
    #[derive(Clone, Debug)]
    pub struct Sizes {
        /// The size K.
        pub K: usize,
        /// The size R.
        pub R: usize,
        /// The size J.
        pub J: usize,
        /// The size N.
        pub N: usize,
    }
    ::vi_core::private::serde_impls! {
        Sizes { K : usize, R : usize, J : usize, N : usize }
    }
    /// Data, and what is worked out from them once.
    #[derive(Clone, Debug)]
    pub struct Context<'a> {
        /// The data.
        pub data: Data<'a>,
        /// Their sizes.
        pub sizes: Sizes,
        /// The positions that `item` sends to each unit.
        pub item_rows: Groups,
    }
    /// Expected sufficient statistics. They add up: over units, threads, machines and data sets.
    #[derive(Clone, Debug)]
    pub struct Stats {
        /// Σ q: expected counts of line 5.
        pub truth_count: Table<1>,
        /// Σ q: expected counts of line 6.
        pub label_count: Table<3>,
        /// Σ log p of the units that were added.
        pub evidence: Evidence,
        /// The sizes they belong to.
        pub sizes: Option<Sizes>,
    }
    ::vi_core::private::serde_impls! {
        Stats { truth_count : Table < 1 >, label_count : Table < 3 >, evidence :
        Evidence, sizes : Option < Sizes > }
    }
    impl Statistics for Stats {
        fn merge(&mut self, other: &Self) {
            self.truth_count += &other.truth_count;
            self.label_count += &other.label_count;
            self.evidence.log += other.evidence.log;
            self.evidence.magnitude += other.evidence.magnitude;
        }
        fn fits(&self, other: &Self) -> bool {
            self.truth_count.fits(&other.truth_count)
                && self.label_count.fits(&other.label_count)
        }
        fn clear(&mut self) {
            self.truth_count.clear();
            self.label_count.clear();
            self.evidence = Evidence::default();
        }
        fn scale(&mut self, by: f64) {
            self.truth_count.values_mut().iter_mut().for_each(|x| *x *= by);
            self.label_count.values_mut().iter_mut().for_each(|x| *x *= by);
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
        /// log prev[k]
        pub log_prev: Table<1>,
        /// log(conf[j, k, k′])
        pub log_conf: Table<3>,
    }
    impl Model {
        /// log p(truth, data; θ) of every state of every unit of a tile: lines 5, 6 of the model.
        ///
        /// `table` holds the states (k) by the units of the tile, units fastest.
        fn potentials_truth(
            &self,
            context: &Context<'_>,
            at: &Prepared,
            units: Range<usize>,
            table: &mut [f64],
            _scratch: &mut Scratch,
        ) {
            let &Sizes { K, .. } = &context.sizes;
            let data = &context.data;
            let len = units.len();
            for k in 0..K {
                for entry in &mut table[k * len..][..len] {
                    *entry += at.log_prev[[k]];
                }
            }
            if !data.label.is_absent() {
                for i in 0..len {
                    let n = units.start + i;
                    for &r in context.item_rows.group(n) {
                        let j = data.who.get(r);
                        let k2 = data.label.get(r);
                        for k in 0..K {
                            table[k * len + i] += at.log_conf[[j, k, k2]];
                        }
                    }
                }
            }
        }
        /// Adds the statistics of a tile, weighted by q(truth): what the M-step needs of lines 5, 6.
        fn collect_truth(
            &self,
            context: &Context<'_>,
            _params: &Params,
            units: Range<usize>,
            table: &[f64],
            stats: &mut Stats,
            _scratch: &mut Scratch,
        ) {
            let &Sizes { K, .. } = &context.sizes;
            let data = &context.data;
            let len = units.len();
            for k in 0..K {
                let probs = &table[k * len..][..len];
                stats.truth_count[[k]] += columns::sum(probs);
            }
            if !data.label.is_absent() {
                for i in 0..len {
                    let n = units.start + i;
                    for &r in context.item_rows.group(n) {
                        let j = data.who.get(r);
                        let k2 = data.label.get(r);
                        for k in 0..K {
                            let responsibility = table[k * len + i];
                            if responsibility > 0.0 {
                                stats.label_count[[j, k, k2]] += responsibility;
                            }
                        }
                    }
                }
            }
        }
        /// Updates `prev`: the mode of its natural parameters.
        ///
        /// ```text
        /// prev ∝ c,   c = truth_count
        /// ```
        ///
        /// Line 5 of the model. Closed form. Held fixed: q.
        fn update_prev(
            &self,
            sizes: &Sizes,
            stats: &Stats,
            params: &mut Params,
            notes: &mut Notes,
        ) -> Result<(), Error> {
            let &Sizes { K, .. } = sizes;
            let mut log_prev = Table::zeros([K]);
            for k in 0..K {
                log_prev[[k]] += stats.truth_count[[k]];
            }
            let counts: Vec<f64> = (0..K).map(|k| log_prev[[k]]).collect();
            mode::simplex(&counts, 0.0, mode::at("prev", &[]), &mut params.prev, notes)?;
            Ok(())
        }
        /// Updates `conf`: the mode of its natural parameters.
        ///
        /// ```text
        /// conf ∝ c,   c = label_count + (0.1, prior)
        /// ```
        ///
        /// Line 6 of the model. Closed form. Held fixed: q.
        fn update_conf(
            &self,
            sizes: &Sizes,
            stats: &Stats,
            params: &mut Params,
            notes: &mut Notes,
        ) -> Result<(), Error> {
            let &Sizes { K, J, .. } = sizes;
            let mut log_conf = Table::zeros([J, K, K]);
            for j in 0..J {
                for k in 0..K {
                    for k2 in 0..K {
                        log_conf[[j, k, k2]] += stats.label_count[[j, k, k2]];
                    }
                }
            }
            for j in 0..J {
                for k in 0..K {
                    for k2 in 0..K {
                        log_conf[[j, k, k2]] += 0.10000000000000009;
                    }
                }
            }
            for j in 0..J {
                for k in 0..K {
                    let counts: Vec<f64> = (0..K).map(|l| log_conf[[j, k, l]]).collect();
                    mode::simplex(
                        &counts,
                        0.0,
                        mode::at("conf", &[j, k]),
                        &mut params.conf[j][k],
                        notes,
                    )?;
                }
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
            self.update_prev(sizes, stats, &mut params, &mut notes)?;
            self.update_conf(sizes, stats, &mut params, &mut notes)?;
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
            let &Sizes { K, R, .. } = &context.sizes;
            let data = &context.data;
            let mut imputed = Imputed::default();
            let mut latents = self
                .latents(context, &fit::first_states(&self.components(context)));
            if data.label.is_absent() {
                for r in 0..R {
                    let mut mixture = fit::Mixture::default();
                    for (state, &probability) in posterior
                        .truth
                        .probs(data.item.get(r))
                        .iter()
                        .enumerate()
                    {
                        latents.truth[data.item.get(r)] = state;
                        mixture
                            .add_finite(
                                probability,
                                K,
                                &dist::Categorical::p(
                                    &(0..K)
                                        .map(|k| {
                                            params
                                                .conf[data.who.get(r)][latents.truth[data.item.get(r)]][k]
                                        })
                                        .collect::<Vec<f64>>(),
                                ),
                            );
                    }
                    mixture.give_category(&mut imputed.label, &[r]);
                }
            }
            Ok(imputed)
        }
    }
    impl Program for Model {
        const NAME: &'static str = "dawid_skene";
        fn plan() -> &'static Plan {
            PLAN
        }
        fn context<'a>(
            &self,
            data: &Self::Data<'a>,
            params: &Params,
            _options: &Options,
        ) -> Result<Self::Context<'a>, Error> {
            let K: usize = self.K;
            let R: usize = data.item.len();
            check::sizes_agree(
                "item",
                R,
                "entries",
                "who",
                data.who.len(),
                "entries",
                "R",
            )?;
            check::sizes_agree(
                "item",
                R,
                "entries",
                "label",
                data.label.len(),
                "entries",
                "R",
            )?;
            let J: usize = params.conf.len();
            let J = if J > 0 {
                J
            } else {
                [data.who.largest().map_or(0, |v| v + 1)].into_iter().max().unwrap_or(0)
            };
            let N: usize = [data.item.largest().map_or(0, |v| v + 1)]
                .into_iter()
                .max()
                .unwrap_or(0);
            check::all(
                check::Name::new("item", 1),
                &data.item,
                &check::Category {
                    size: "N",
                    count: N,
                },
            )?;
            check::all(
                check::Name::new("who", 1),
                &data.who,
                &check::Category {
                    size: "J",
                    count: J,
                },
            )?;
            check::all(
                check::Name::new("label", 1),
                &data.label,
                &check::Category {
                    size: "K",
                    count: K,
                },
            )?;
            let item_rows = Groups::of(&data.item, N);
            let sizes = Sizes { K, R, J, N };
            Ok(Context {
                data: *data,
                sizes,
                item_rows,
            })
        }
        fn components(&self, context: &Context<'_>) -> Vec<Component> {
            let &Sizes { K, N, .. } = &context.sizes;
            vec![
                Component { name : "truth", units : N, states : K, first : K, joint :
                false }
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
                format!("truth[{}]", n)
            } else {
                String::new()
            }
        }
        fn neutral(
            &self,
            context: &Context<'_>,
            given: &Params,
        ) -> Result<Params, Error> {
            let &Sizes { K, J, .. } = &context.sizes;
            let params = Params {
                prev: DVector::from_element(K, 1.0 / K as f64),
                conf: (0..J)
                    .map(|_| {
                        (0..K)
                            .map(|_| DVector::from_element(K, 1.0 / K as f64))
                            .collect::<Vec<_>>()
                    })
                    .collect::<Vec<_>>(),
            };
            Ok(Self::overlay(given, params))
        }
        fn is_complete(params: &Params) -> bool {
            !params.prev.is_empty() && !params.conf.is_empty()
        }
        fn is_set(params: &Params) -> bool {
            !params.prev.is_empty() || !params.conf.is_empty()
        }
        fn overlay(given: &Params, fitted: Params) -> Params {
            Params {
                prev: if given.prev.is_empty() {
                    fitted.prev
                } else {
                    given.prev.clone()
                },
                conf: if given.conf.is_empty() {
                    fitted.conf
                } else {
                    given.conf.clone()
                },
            }
        }
        fn validate(&self, context: &Context<'_>, params: &Params) -> Result<(), Error> {
            let &Sizes { K, J, .. } = &context.sizes;
            check::size_is("prev", params.prev.len(), "entries", "K", K)?;
            check::simplex(
                check::Name::new("prev", 0),
                &[],
                params.prev.iter().copied(),
            )?;
            check::size_is("conf", params.conf.len(), "entries", "J", J)?;
            for j in 0..J {
                check::size_is("conf", params.conf[j].len(), "entries", "K", K)?;
                for k in 0..K {
                    check::size_is("conf", params.conf[j][k].len(), "entries", "K", K)?;
                    check::simplex(
                        check::Name::new("conf", 2),
                        &[j, k],
                        params.conf[j][k].iter().copied(),
                    )?;
                }
            }
            Ok(())
        }
        fn prepare(
            &self,
            context: &Context<'_>,
            params: &Params,
        ) -> Result<Prepared, Error> {
            let &Sizes { K, J, .. } = &context.sizes;
            let log_prev = Table::from_fn([K], |[k]| params.prev[k].ln());
            let log_conf = Table::from_fn(
                [J, K, K],
                |[j, k, k2]| params.conf[j][k][k2].ln(),
            );
            Ok(Prepared {
                params: params.clone(),
                log_prev,
                log_conf,
            })
        }
        fn zero(&self, context: &Context<'_>) -> Stats {
            let &Sizes { K, J, .. } = &context.sizes;
            let truth_count = Table::zeros([K]);
            let label_count = Table::zeros([J, K, K]);
            Stats {
                truth_count,
                label_count,
                evidence: Evidence::default(),
                sizes: None,
            }
        }
        fn fixed(&self, context: &Context<'_>, _rows: usize) -> Stats {
            self.zero(context)
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
                self.potentials_truth(context, at, units, table, scratch);
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
                self.collect_truth(context, params, units, table, stats, scratch);
            }
        }
        fn constants(&self, _context: &Context<'_>) -> Vec<(String, f64)> {
            Vec::new()
        }
        fn unit_constant(
            &self,
            _context: &Context<'_>,
            _component: usize,
            _unit: usize,
        ) -> f64 {
            0.0
        }
        fn expected_terms(
            &self,
            context: &Context<'_>,
            stats: &Stats,
            params: &Params,
        ) -> Result<Vec<ElboTerm>, Error> {
            let &Sizes { K, J, .. } = &context.sizes;
            let mut out = Vec::new();
            let (mut term, mut magnitude) = (0.0, 0.0_f64);
            for k in 0..K {
                let piece = special::times(stats.truth_count[[k]], params.prev[k].ln());
                term += piece;
                magnitude += piece.abs();
            }
            out.push(ElboTerm {
                name: "E log p(truth)".to_string(),
                value: term,
                magnitude,
            });
            let (mut term, mut magnitude) = (0.0, 0.0_f64);
            for j in 0..J {
                for k in 0..K {
                    for k2 in 0..K {
                        let piece = special::times(
                            stats.label_count[[j, k, k2]],
                            params.conf[j][k][k2].ln(),
                        );
                        term += piece;
                        magnitude += piece.abs();
                    }
                }
            }
            out.push(ElboTerm {
                name: "E log p(label)".to_string(),
                value: term,
                magnitude,
            });
            Ok(out)
        }
        fn log_prior(
            &self,
            context: &Context<'_>,
            params: &Params,
        ) -> Result<f64, Error> {
            let &Sizes { K, J, .. } = &context.sizes;
            let mut total = 0.0;
            for j in 0..J {
                for k in 0..K {
                    total
                        += dist::Dirichlet::a(&(0..K).map(|_| 1.1).collect::<Vec<f64>>())
                            .log_density(
                                &(0..K).map(|k2| params.conf[j][k][k2]).collect::<Vec<_>>(),
                            );
                }
            }
            Ok(total)
        }
        fn log_joint(
            &self,
            context: &Context<'_>,
            latents: &Latents,
            params: &Params,
        ) -> Result<f64, Error> {
            let &Sizes { K, R, N, .. } = &context.sizes;
            let data = &context.data;
            let mut total = 0.0;
            for n in 0..N {
                total
                    += dist::Categorical::p(
                            &(0..K).map(|k| params.prev[k]).collect::<Vec<f64>>(),
                        )
                        .log_density(latents.truth[n]);
            }
            if !data.label.is_absent() {
                for r in 0..R {
                    total
                        += dist::Categorical::p(
                                &(0..K)
                                    .map(|k| {
                                        params
                                            .conf[data.who.get(r)][latents.truth[data.item.get(r)]][k]
                                    })
                                    .collect::<Vec<f64>>(),
                            )
                            .log_density(data.label.get(r));
                }
            }
            Ok(total)
        }
        fn posterior(
            &self,
            _context: &Context<'_>,
            tables: Vec<Categories>,
        ) -> Posterior {
            Posterior {
                truth: tables[0].clone(),
            }
        }
        fn latents(&self, context: &Context<'_>, states: &[Vec<usize>]) -> Latents {
            let &Sizes { N, .. } = &context.sizes;
            let mut latents = Latents {
                truth: (0..N).map(|_| 0).collect::<Vec<_>>(),
            };
            for (unit, &state) in states[0].iter().enumerate() {
                let n = unit;
                latents.truth[n] = state;
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
                truth: Categories::one_hot(&latents.truth, K),
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
                if let Some(probs) = (n < given.truth.len())
                    .then(|| given.truth.probs(n))
                {
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
        fn init(&self, context: &Context<'_>) -> Result<Params, Error> {
            let &Sizes { K, J, .. } = &context.sizes;
            let mut params = Params {
                conf: (0..J)
                    .map(|_| {
                        (0..K)
                            .map(|_| DVector::from_element(K, 1.0 / K as f64))
                            .collect::<Vec<_>>()
                    })
                    .collect::<Vec<_>>(),
                ..Params::default()
            };
            for j in 0..J {
                for k in 0..K {
                    for e0 in 0..K {
                        params.conf[j][k][e0] = (if k == e0 { 0.7 } else { 0.0 })
                            + 0.3 / (K as f64);
                    }
                }
            }
            Ok(params)
        }
        fn describe(params: &Params) -> Vec<Described> {
            let mut out = Vec::new();
            let mut d = fit::Describer::new("prev");
            let x = &params.prev;
            d.vector(x);
            out.push(d.finish());
            let mut d = fit::Describer::new("conf");
            let x = &params.conf;
            d.open(x.len());
            for x in x {
                d.open(x.len());
                for x in x {
                    d.vector(x);
                }
            }
            out.push(d.finish());
            out
        }
        fn coordinates(params: &Params, to: &mut chart::Writer) -> Result<(), Error> {
            {
                let x = &params.prev;
                to.simplex(x.as_slice());
            }
            {
                let x = &params.conf;
                for x in x {
                    for x in x {
                        to.simplex(x.as_slice());
                    }
                }
            }
            Ok(())
        }
        fn at_coordinates(
            like: &Params,
            from: &mut chart::Reader<'_>,
        ) -> Result<Params, Error> {
            let mut params = like.clone();
            params.prev = {
                let x = &like.prev;
                from.simplex(x.as_slice())?
            };
            params.conf = {
                let x = &like.conf;
                x.iter()
                    .map(|x| {
                        x
                            .iter()
                            .map(|x| from.simplex(x.as_slice()))
                            .collect::<Result<Vec<_>, Error>>()
                    })
                    .collect::<Result<Vec<_>, Error>>()?
            };
            Ok(params)
        }
        fn relabel(
            _params: &mut Params,
            _posterior: &mut Posterior,
            _lets: &mut Lets,
            _order: &[usize],
        ) -> Result<(), &'static str> {
            Err("`label` is known in the order of K")
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
