//! `Stats` and what is read off them: sums that add up, and the expected log density of each statement.

use super::Emitter;
use super::uncertain;
use crate::density::symbol::{Ix, Var};
use crate::kernel::{Body, Rows, Source, StatKind};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub fn stats(&self) -> TokenStream {
        let globals = self.globals_type();
        let mut fields = TokenStream::new();
        let mut merge = TokenStream::new();
        let mut clear = TokenStream::new();
        let mut scale = TokenStream::new();
        let mut serde: Vec<TokenStream> = vec![];
        let mut fits: Vec<TokenStream> = vec![];
        for (at, s) in self.kernel.gathered() {
            let n = format_ident!("{}", s.name);
            let line = self.model.statements[s.statement.0].line;
            match &s.kind {
                StatKind::Sum(c) => {
                    let r = Literal::usize_unsuffixed(self.dims_of_sums(&self.scope(), s).len());
                    let what = crate::density::print::poly(c, self.model);
                    let doc = self.whitened_doc(at).unwrap_or_else(|| match c.as_number() {
                        Some(1.0) => format!(" Σ q: expected counts of line {line}."),
                        _ => format!(" Σ q · {what}, over line {line}."),
                    });
                    fields.extend(quote!(#[doc = #doc] pub #n: Table<#r>,));
                    scale.extend(quote!(self.#n.values_mut().iter_mut().for_each(|x| *x *= by);));
                    serde.push(quote!(#n: Table<#r>));
                }
                StatKind::Taylor { .. } => {
                    let r = Literal::usize_unsuffixed(s.cells.len() + 1);
                    let doc = format!(
                        " Value, gradient and Hessian of line {line} at the current params, one after another."
                    );
                    fields.extend(quote!(#[doc = #doc] pub #n: Table<#r>,));
                    scale.extend(quote!(self.#n.values_mut().iter_mut().for_each(|x| *x *= by);));
                    serde.push(quote!(#n: Table<#r>));
                }
                StatKind::Moments { .. } => {
                    let doc = format!(" Moments of line {line} weighted by q, about a gauge.");
                    fields.extend(quote!(#[doc = #doc] pub #n: Moments,));
                    scale.extend(quote!(self.#n.scale(by);));
                    serde.push(quote!(#n: Moments));
                }
            }
            merge.extend(quote!(self.#n += &other.#n;));
            fits.push(quote!(self.#n.fits(&other.#n)));
            clear.extend(quote!(self.#n.clear();));
        }
        let mut prepared = TokenStream::new();
        for h in &self.kernel.hoists {
            let n = format_ident!("{}", h.name);
            let r = Literal::usize_unsuffixed(h.over.len());
            let doc = format!(" {}", crate::density::print::poly(&h.value, self.model));
            prepared.extend(quote!(#[doc = #doc] pub #n: Table<#r>,));
        }
        for (_, r) in crate::kernel::rows_of(self.kernel) {
            for c in &r.cases {
                if let Body::Scalar(s) = &c.body
                    && self.in_tables(r.statement)
                    && !self.touched(&s.design).is_empty()
                    && self.is_constant_spread(&s.design)
                {
                    let n = self.spread_field(s.moments);
                    let rank = Literal::usize_unsuffixed(self.kernel.stats[s.moments].cells.len());
                    let doc = format!(
                        " What the uncertainty of locations adds to the weighted squares of line {}.",
                        r.line
                    );
                    prepared.extend(quote!(#[doc = #doc] pub #n: Table<#rank>,));
                }
                if let Body::Dense(d) = &c.body {
                    let n = self.density_field(d);
                    let doc = format!(" The density of line {}, for each cell.", r.line);
                    prepared.extend(quote!(#[doc = #doc] pub #n: Vec<dense::Density>,));
                }
            }
        }
        let fits = (!fits.is_empty()).then(|| {
            quote! {
                fn fits(&self, other: &Self) -> bool {
                    #(#fits)&&*
                }
            }
        });
        quote! {
            /// Expected sufficient statistics. They add up: over units, threads, machines and data sets.
            #[derive(Clone, Debug)]
            pub struct Stats {
                #fields
                /// Σ log p of the units that were added.
                pub evidence: Evidence,
                /// The sizes they belong to.
                pub sizes: Option<Sizes>,
            }

            ::vi_core::private::serde_impls! { Stats { #(#serde,)* evidence: Evidence, sizes: Option<Sizes> } }

            impl Statistics for Stats {
                fn merge(&mut self, other: &Self) {
                    #merge
                    self.evidence.log += other.evidence.log;
                    self.evidence.magnitude += other.evidence.magnitude;
                }

                #fits

                fn clear(&mut self) {
                    #clear
                    self.evidence = Evidence::default();
                }

                fn scale(&mut self, by: f64) {
                    #scale
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
                pub params: #globals,
                #prepared
            }
        }
    }

    pub(super) fn zero_fn(&self) -> TokenStream {
        let globals = self.globals_type();
        let open = self.open();
        let scope = self.scope();
        let fields = self.kernel.gathered().map(|(_, s)| {
            let n = format_ident!("{}", s.name);
            let dims: Vec<_> = s.cells.iter().map(|c| scope.index(&c.var.high)).collect();
            match &s.kind {
                StatKind::Sum(_) => {
                    let dims = self.dims_of_sums(&scope, s);
                    quote!(let #n = Table::zeros([#(#dims),*]);)
                }
                StatKind::Taylor { symbols, .. } => {
                    let p = self.symbols_len(symbols);
                    quote!(let #n = Table::zeros([#(#dims,)* 1 + #p + #p * #p]);)
                }
                StatKind::Moments { columns } => {
                    let vars: Vec<Var> = s.cells.iter().map(|c| c.var.clone()).collect();
                    let cells = scope.places(&vars);
                    let dim = self.columns_len(columns);
                    let gauges = self.gauge_count(s).unwrap_or_else(|| quote!(1));
                    let gauge = format_ident!("{}_gauge", s.name);
                    quote! {
                        let mut #n = Moments::new(#cells, #dim, #gauges);
                        #n.set_gauge(&context.#gauge);
                    }
                }
            }
        });
        let names: Vec<_> = self.kernel.gathered().map(|(_, s)| format_ident!("{}", s.name)).collect();
        let fixed = self.kernel.fixed.iter().map(|r| {
            let f = format_ident!("collect_{}", self.fixed_name(r));
            quote!(self.#f(context, &params, rows, &mut stats, &mut scratch);)
        });
        let moving = self.kernel.moving.iter().map(|r| {
            let f = format_ident!("collect_{}", self.fixed_name(r));
            quote!(self.#f(context, params, usize::MAX, stats, &mut scratch);)
        });
        let gauge = self.gauges().map(|s| {
            let (n, g) = (format_ident!("{}", s.name), format_ident!("{}_gauge", s.name));
            quote!(context.#g = pilot.#n.mean();)
        });
        let moving: Vec<TokenStream> = moving.collect();
        let moving = (!moving.is_empty()).then(|| {
            quote! {
                fn moving(&self, context: &Context<'_>, params: &#globals, stats: &mut Stats) {
                    let mut scratch = Scratch::default();
                    #(#moving)*
                }
            }
        });
        let gauge: Vec<TokenStream> = gauge.collect();
        let gauge = (!gauge.is_empty()).then(|| {
            quote! {
                fn gauge(&self, context: &mut Context<'_>, pilot: &Stats) {
                    #(#gauge)*
                }
            }
        });
        let fixed: Vec<TokenStream> = fixed.collect();
        let fixed = if fixed.is_empty() {
            quote!(self.zero(context))
        } else {
            quote! {
                let mut stats = self.zero(context);
                let (params, mut scratch) = (#globals::default(), Scratch::default());
                #(#fixed)*
                stats
            }
        };
        quote! {
            fn zero(&self, context: &Context<'_>) -> Stats {
                #open
                #(#fields)*
                Stats { #(#names,)* evidence: Evidence::default(), sizes: None }
            }

            fn fixed(&self, context: &Context<'_>, rows: usize) -> Stats {
                #fixed
            }

            #moving

            #gauge
        }
    }

    /// The extent of the component index, where that is the last cell: every component has its own gauge.
    pub(super) fn gauge_count(&self, s: &crate::kernel::Stat) -> Option<TokenStream> {
        let event = crate::kernel::rows_of(self.kernel).find_map(|(_, r)| {
            (r.statement == s.statement).then(|| {
                r.cases.iter().find_map(|c| match &c.body {
                    Body::Scalar(x) => x.event.clone(),
                    Body::Terms(_) | Body::Dense(_) | Body::Equal { .. } => None,
                })
            })
        })??;
        let last = s.cells.last()?;
        (last.var == event).then(|| self.scope().index(&event.high))
    }

    pub(super) fn term_name(&self, r: &Rows) -> String {
        let n = &self.model.arrays[r.target.array.0].name;
        let n =
            if self.model.says_what_is_known(r.statement) { format!("data of {n}") } else { n.to_string() };
        let twice =
            crate::kernel::rows_of(self.kernel).filter(|(_, x)| x.target.array == r.target.array).count() > 1;
        if twice { format!("E log p({n}), line {}", r.line) } else { format!("E log p({n})") }
    }

    /// Σ statistic · function of params, for one statement.
    pub(super) fn expected(&self, r: &Rows) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        let separable = |s: &crate::kernel::Separable, out: &mut TokenStream| {
            let stat = &self.kernel.stats[s.stat];
            let field = format_ident!("{}", stat.name);
            let vars: Vec<Var> = stat.cells.iter().map(|c| c.var.clone()).collect();
            let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
            let at = self.cell_of_sums(&scope, stat, &at);
            let value = scope.poly(&s.params);
            let add = quote! {
                let piece = special::times(stats.#field[[#(#at),*]], #value);
                term += piece;
                magnitude += piece.abs();
            };
            out.extend(scope.loops(&vars, scope.guarded(&s.guards(&stat.cells), add)));
        };
        let pointwise = |t: &crate::kernel::Terms, out: &mut TokenStream| {
            let Some(p) = &t.pointwise else { return };
            let stat = &self.kernel.stats[p.stat];
            let field = format_ident!("{}", stat.name);
            let vars: Vec<Var> = stat.cells.iter().map(|c| c.var.clone()).collect();
            let at: Vec<_> = vars.iter().map(|v| scope.var(v)).collect();
            out.extend(scope.loops(
                &vars,
                quote! {
                    let piece = stats.#field[[#(#at,)* 0]];
                    term += piece;
                    magnitude += piece.abs();
                },
            ));
        };
        for case in &r.cases {
            match &case.body {
                Body::Terms(t) => {
                    t.separable.iter().for_each(|s| separable(s, &mut out));
                    pointwise(t, &mut out);
                }
                Body::Scalar(x) => {
                    pointwise(&x.normaliser, &mut out);
                    x.normaliser.separable.iter().for_each(|s| separable(s, &mut out));
                    let stat = &self.kernel.stats[x.moments];
                    let vars: Vec<Var> = stat.cells.iter().map(|c| c.var.clone()).collect();
                    let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
                    let (setup, square) = self.source_of(&Source::Residual {
                        stat: x.moments,
                        at: at.clone(),
                        design: x.design.clone(),
                    });
                    if self.model.says_what_is_known(r.statement) {
                        let count = match x.count {
                            Some(n) => self.source_of(&Source::Sum { stat: n, at: at.clone() }).1,
                            None => self.source_of(&Source::Count { stat: x.moments, at: at.clone() }).1,
                        };
                        // No residual is left but what the precision itself leaves.
                        out.extend(scope.loops(&vars, quote!(term -= 0.5 * #count;)));
                        continue;
                    }
                    let prec = scope.grouped(&x.precision);
                    let half = crate::kernel::half_log(self.model, &x.precision);
                    let count = match x.count {
                        Some(n) => self.source_of(&Source::Sum { stat: n, at: at.clone() }).1,
                        None => self.source_of(&Source::Count { stat: x.moments, at: at.clone() }).1,
                    };
                    let log = if half.is_zero() {
                        quote!()
                    } else {
                        let half = scope.poly(&half);
                        quote! {
                            let piece = special::times(#count, #half);
                            term += piece;
                            magnitude += piece.abs();
                        }
                    };
                    let spreads = self.spreads(
                        &scope,
                        uncertain::Rows::Behind { stat: x.moments, at: &at },
                        &x.design,
                        None,
                    );
                    let spread = self.weighted(&scope, &x.precision, &spreads).map(|s| {
                        quote! {
                            let piece = 0.5 * (#s);
                            term -= piece;
                            magnitude += piece.abs();
                        }
                    });
                    out.extend(scope.loops(&vars, quote! {
                            #setup
                            #spread
                            term += -0.5 * #prec * #square;
                            magnitude += 0.5 * f64::abs(#prec) * least_squares::residual_magnitude(cell, &terms);
                            #log
                        }));
                }
                Body::Dense(d) => {
                    let stat = &self.kernel.stats[d.moments];
                    let field = format_ident!("{}", stat.name);
                    let vars: Vec<Var> = stat.cells.iter().map(|c| c.var.clone()).collect();
                    let at: Vec<(Var, Ix)> = vars.iter().map(|v| (v.clone(), Ix::var(v))).collect();
                    let cell = scope.place(&at);
                    let (e, high) = (scope.var(&d.event), scope.index(&d.event.high));
                    let known = self.known_terms_of(&d.design);
                    d.normaliser.separable.iter().for_each(|s| separable(s, &mut out));
                    let count = match d.count {
                        Some(n) => {
                            let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
                            self.source_of(&Source::Sum { stat: n, at }).1
                        }
                        None => Some(quote!(cell.count)),
                    };
                    if self.is_uncertain(&d.design, &d.matrix, &d.factor) {
                        let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
                        let body = self.expected_dense(&scope, d, &at, &cell, (&known, &count));
                        out.extend(scope.loops(&vars, body));
                        continue;
                    }
                    let matrix = scope.matrix(&d.matrix);
                    let factor = scope.poly(&d.factor);
                    let kind = match (d.matrix.cholesky, d.inverse) {
                        (true, _) => quote!(dense::Scale::Cholesky),
                        (false, true) => quote!(dense::Scale::Covariance),
                        (false, false) => quote!(dense::Scale::Precision),
                    };
                    out.extend(scope.loops(
                        &vars,
                        quote! {
                            let mut rows = Vec::with_capacity(#high);
                            for #e in 0..#high {
                                let mut terms = Vec::new();
                                #known
                                rows.push(terms);
                            }
                            let cell = stats.#field.cell(#cell);
                            let (value, size) = dense::expected(&least_squares::residual_scatter(cell, &rows), #count, &#matrix, #kind, #factor)?;
                            term += value;
                            magnitude += size;
                        },
                    ));
                }
                Body::Equal { .. } => {}
            }
        }
        out
    }

    /// Σ w E log Normal of a dense residual that something uncertain stands in.
    fn expected_dense(
        &self,
        scope: &super::scope::Scope<'_>,
        d: &crate::kernel::DenseResidual,
        at: &[Ix],
        cell: &TokenStream,
        (known, count): (&TokenStream, &Option<TokenStream>),
    ) -> TokenStream {
        let stat = &self.kernel.stats[d.moments];
        let field = format_ident!("{}", stat.name);
        let (e, high) = (scope.var(&d.event), scope.index(&d.event.high));
        let (p, half) = self.expected_precision(scope, &d.matrix, d.inverse);
        let more = self.half_log_factor(scope, &d.factor, &d.event);
        let rows = uncertain::Rows::Behind { stat: d.moments, at };
        let add = self
            .dense_weighted(scope, rows, &d.design, &d.event, (&d.matrix, d.inverse, &d.factor))
            .into_iter()
            .map(|spread| {
                quote! {
                    let piece = 0.5 * #spread;
                    term -= piece;
                    magnitude += piece.abs();
                }
            });
        let factor = scope.grouped(&d.factor);
        quote! {
            let mut rows = Vec::with_capacity(#high);
            for #e in 0..#high {
                let mut terms = Vec::new();
                #known
                rows.push(terms);
            }
            let cell = stats.#field.cell(#cell);
            let (value, size) = dense::expected_uncertain(&least_squares::residual_scatter(cell, &rows), #count, &(#p * #factor), #half #more);
            term += value;
            magnitude += size;
            #(#add)*
        }
    }

    pub(super) fn terms_fn(&self) -> TokenStream {
        let globals = self.globals_type();
        let open = self.open();
        let mut all = TokenStream::new();
        let mut fixed: Vec<String> = vec![];
        let coupled = self.coupled();
        for (component, r) in crate::kernel::rows_of(self.kernel) {
            if self.kernel.is_known_in_unit(r.statement) {
                continue;
            }
            let name = self.term_name(r);
            let sum = self.expected(r);
            all.extend(quote! {
                let (mut term, mut magnitude) = (0.0, 0.0_f64);
                #sum
                out.push(ElboTerm { name: #name.to_string(), value: term, magnitude });
            });
            // What no unit's evidence holds: the rest of a unit that takes turns is counted like what no latent touches.
            if component.is_none_or(|i| coupled.contains(&i)) {
                fixed.push(name);
            }
        }
        let is_fixed = (!fixed.is_empty()).then(|| {
            quote! {
                fn is_fixed(term: &str) -> bool {
                    [#(#fixed),*].contains(&term)
                }
            }
        });
        quote! {
            #is_fixed

            fn expected_terms(&self, context: &Context<'_>, stats: &Stats, params: &#globals) -> Result<Vec<ElboTerm>, Error> {
                #open
                let mut out = Vec::new();
                #all
                Ok(out)
            }
        }
    }
}
