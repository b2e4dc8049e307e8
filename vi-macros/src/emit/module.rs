//! The module as a whole: what a user sees first, then what makes it work.

use super::Emitter;
use crate::plan::Claim;
use crate::report::Diagnostic;
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    pub fn module(&self) -> Result<TokenStream, Diagnostic> {
        let (vis, name) = (&self.model.vis, &self.model.name);
        let attrs = &self.model.attrs;
        let text = crate::plan::render(self.plan, self.model) + &self.reading_text();
        let title = name.to_string();
        let joint = self.joint_text();
        let docs = joint.iter().map(String::as_str).chain(text.lines()).map(|l| format!(" {l}"));
        let docs = quote!(#[doc = ""] #[doc = " ```text"] #(#[doc = #docs])* #[doc = " ```"]);
        let claim = match self.plan.claim {
            Claim::Exact => quote!(Claim::Exact),
            Claim::MeanField => quote!(Claim::MeanField),
        };
        let structs = self.structs();
        let gather_points = self.gather_points();
        let priors = self.priors_fn();
        let context = self.context();
        let stats = self.stats();
        let passes = self.passes();
        let pair_passes = self.pair_passes();
        let maximise = self.maximise()?;
        let program = self.program(maximise.reads_data);
        let interface = self.interface(maximise.reads_data);
        let maximise = maximise.functions;
        let simulate = self.simulate();
        let continues = self.continues();
        let canonical = self.canonical();
        let exact = match self.plan.claim {
            Claim::Exact => quote! {
                impl ::vi_core::private::Proved for Model {}
                impl ExactPosterior for Model {}
            },
            Claim::MeanField => quote!(),
        };
        let no_params = match (self.plan.claim, self.params().is_empty() && self.points().is_empty()) {
            (Claim::Exact, true) => quote!(impl NoParams for Model {}),
            (Claim::Exact | Claim::MeanField, _) => quote!(),
        };
        let items = quote! {
            /// What was proved of this model when it was compiled.
            pub static PLAN: &Plan = &Plan { model: #title, claim: #claim, text: #text };

            #structs
            #interface
            #simulate
            #context
            #stats

            impl Model {
                #passes
                #pair_passes
                #maximise
                #gather_points
                #priors
            }

            #program
            #continues
            #canonical
            #exact
            #no_params
        };
        let items = super::visits::visited(items, &self.holed());
        let items = super::nothing::without_nothing(items);
        let items = super::plain::plain(super::unused::without_unused(items));
        let uses = uses(&items);
        Ok(quote! {
            #(#attrs)*
            #docs
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
            #vis mod #name {
                #uses
                #items
            }
        })
    }

    /// The log-joint, statement by statement.
    fn joint_text(&self) -> Vec<String> {
        let mut out = vec!["log p(data, latents; params) = sum over".to_string()];
        let mut rows = vec![];
        for s in self.model.statements.iter().filter(|s| !self.model.says_what_is_known(s.id)) {
            let Some(dist) = &s.dist else { continue };
            let name = self.model.arrays[s.array.0].name.to_string();
            let at = if s.target.is_empty() { String::new() } else { self.model.show_indices(&s.target) };
            let at = if at.is_empty() || at.starts_with('[') { at } else { format!("[{at}]") };
            rows.push((format!("  log p({name}{at})"), self.model.show_dist(dist), s.line));
        }
        let wide = rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0);
        for (left, right, line) in rows {
            let pad = " ".repeat(wide - left.chars().count());
            out.push(format!("{left}{pad}  {right}    [line {line}]"));
        }
        out
    }

    /// Whether an unknown carries a plate of the units: a few of them are all its data, of which a minibatch holds none or too much.
    fn is_shared_by_few(&self, c: &crate::kernel::Component) -> bool {
        let unknowns = self.params().into_iter().chain(self.points()).chain(self.random());
        let mut plates = unknowns.flat_map(|a| &self.model.arrays[a.0].plates);
        plates.any(|x| c.unit.iter().any(|v| v.nominal == x.nominal))
    }

    /// The inherent methods that users call.
    fn interface(&self, reads_data: bool) -> TokenStream {
        let damping = if self.has_series() { quote!(, 1.0) } else { quote!() };
        let as_globals = self.as_globals();
        let shared = !self.random().is_empty() || !self.points().is_empty();
        let maximise = if reads_data || shared {
            quote!()
        } else {
            quote! {
                /// The params that maximise the ELBO for these statistics; params without a statistic keep their values.
                ///
                /// # Errors
                /// A likelihood without a maximum; statistics that [`accumulate`](Self::accumulate) did not make.
                pub fn maximise(&self, stats: &Stats, current: &Params) -> Result<Params, Error> {
                    let Some(sizes) = &stats.sizes else {
                        return Err(Error::NotFinite { what: "statistics that `accumulate` did not make".to_string() });
                    };
                    self.update_params(sizes, stats, current #damping).map(|m| m.globals)
                }
            }
        };
        let data = self.data_type(quote!('_));
        // Statistics at known params: only where params are all that is shared.
        let accumulate = (!shared).then(|| {
            quote! {
                /// Expected sufficient statistics at known params: one E-step. They add up over data sets.
                ///
                /// # Errors
                /// See [`infer`](Self::infer).
                pub fn accumulate(&self, data: &#data, params: &Params) -> Result<Stats, Error> {
                    let mut stats = fit::accumulate(self, data, params)?;
                    stats.sizes = Some(self.context(data, params, &Options::new())?.sizes);
                    Ok(stats)
                }
            }
        });
        // Minibatches need units that are independent given what they share, and sums over them.
        let one = matches!(
            self.kernel.components.as_slice(),
            [c] if !c.unit.is_empty() && c.pairs.is_empty() && !self.is_shared_by_few(c)
        );
        let by_groups = self.kernel.admixture.is_some();
        let drawn = if by_groups { "groups of units, each with a latent of its own" } else { "units" };
        let text = format!(" Fits by minibatches of {drawn}: for more of them than a sweep should take.");
        let stochastic = (by_groups || one && !self.has_series()).then(|| {
            quote! {
                #[doc = #text]
                ///
                /// # Errors
                /// See [`fit`](Self::fit); a schedule out of bounds.
                pub fn fit_stochastic(&self, data: &#data, options: &Options, schedule: fit::Schedule) -> Result<Fit<Model>, Error> {
                    fit::fit_stochastic(self, data, options, schedule)
                }
            }
        });
        let (data_a, life) =
            if self.borrows() { (quote!(Data<'a>), quote!(<'a>)) } else { (quote!(Data), quote!(<'a>)) };
        quote! {
            impl Model {
                /// Fits the model: EM to convergence from the best of `options.restarts` starts.
                ///
                /// # Errors
                /// Data that break a rule of the model, sizes that disagree, a likelihood without a maximum.
                pub fn fit(&self, data: &#data, options: &Options) -> Result<Fit<Model>, Error> {
                    fit::fit(self, data, &Start::Default, options)
                }

                /// Fits from a given start.
                ///
                /// # Errors
                /// See [`fit`](Self::fit); a start that does not fit the data.
                pub fn fit_from(&self, data: &#data, start: Start<Model>, options: &Options) -> Result<Fit<Model>, Error> {
                    fit::fit(self, data, &start, options)
                }

                /// E-step only: posterior and likelihood at known params.
                ///
                /// # Errors
                /// See [`fit`](Self::fit); params that are unset or out of bounds.
                pub fn infer(&self, data: &#data, params: &Params) -> Result<Fit<Model>, Error> {
                    fit::infer(self, data, params, &Options::new())
                }

                /// The fit before its first sweep; [`step`](Self::step) carries one out.
                ///
                /// # Errors
                /// See [`fit`](Self::fit).
                pub fn start #life(&self, data: &#data_a, start: Start<Model>, options: &Options) -> Result<State<'a, Model>, Error> {
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
                pub fn log_joint(&self, data: &#data, latents: &Latents, params: &Params) -> Result<f64, Error> {
                    let context = self.context(data, params, &Options::new())?;
                    self.validate(&context, #as_globals)?;
                    Program::log_joint(self, &context, latents, params)
                }

                #stochastic

                #accumulate

                #maximise
            }
        }
    }
}

/// The names that the items use, of those the runtime offers.
fn uses(items: &TokenStream) -> TokenStream {
    let used = super::unused::identifiers(items);
    let pick = |names: &[&str]| -> Vec<proc_macro2::Ident> {
        names.iter().filter(|n| used.contains(**n)).map(|n| quote::format_ident!("{n}")).collect()
    };
    let types = pick(&[
        "Categories",
        "Claim",
        "Collapse",
        "Component",
        "Continues",
        "DMatrix",
        "DVector",
        "Design",
        "Described",
        "ElboTerm",
        "Elimination",
        "Error",
        "Evidence",
        "ExactPosterior",
        "Fit",
        "Follows",
        "Forms",
        "Gate",
        "Groups",
        "Imputes",
        "Joins",
        "Joint",
        "There",
        "ChaCha8Rng",
        "LeastSquares",
        "Lengths",
        "Links",
        "Marginal",
        "Maximised",
        "Moments",
        "MvStudentT",
        "NoParams",
        "Notes",
        "Options",
        "Patterns",
        "Plan",
        "Predictive",
        "Product",
        "Program",
        "Scratch",
        "SharedCovariance",
        "Start",
        "State",
        "Statistics",
        "Steady",
        "Table",
        "Term",
        "Turn",
        "Types",
        "Uncertain",
        "UnitNormals",
    ]);
    let modules = pick(&[
        "admixture",
        "chart",
        "check",
        "columns",
        "data",
        "dense",
        "design",
        "dist",
        "finite",
        "integrals",
        "fit",
        "least_squares",
        "mode",
        "newton",
        "products",
        "quadratic",
        "rotation",
        "law",
        "spread",
        "rng",
        "special",
        "unit_laws",
    ]);
    let values = pick(&["Known", "Unknown"]);
    let elements = used.contains("largest").then(|| {
        quote!(
            use ::vi_core::private::data::Elements as _;
        )
    });
    let values =
        (!values.is_empty()).then(|| quote!(use ::vi_core::private::least_squares::Value::{#(#values),*};));
    quote! {
        use ::std::ops::Range;
        use ::vi_core::private::{#(#types,)* #(#modules),*};
        #values
        #elements
    }
}
