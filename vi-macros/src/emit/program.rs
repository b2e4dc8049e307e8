//! `Stats`, `Prepared`, and the implementation of the runtime's trait.

use super::Emitter;
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::kernel::{Body, HoistValue, Rows, Source, StatKind};
use crate::model::ir::{ArrayId, ElemKind, Role};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub fn stats(&self) -> TokenStream {
        let mut fields = TokenStream::new();
        let mut merge = TokenStream::new();
        let mut clear = TokenStream::new();
        let mut scale = TokenStream::new();
        let mut serde: Vec<TokenStream> = vec![];
        for s in &self.kernel.stats {
            let n = format_ident!("{}", s.name);
            let line = self.model.statements[s.statement.0].line;
            match &s.kind {
                StatKind::Sum(c) => {
                    let r = Literal::usize_unsuffixed(s.cells.len());
                    let what = crate::density::print::poly(c, self.model);
                    let doc = format!(" Σ weight · {what} over line {line}.");
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
                    let doc = format!(" Weighted moments of line {line}, about a gauge.");
                    fields.extend(quote!(#[doc = #doc] pub #n: Moments,));
                    scale.extend(quote!(self.#n.scale(by);));
                    serde.push(quote!(#n: Moments));
                }
            }
            merge.extend(quote!(self.#n += &other.#n;));
            clear.extend(quote!(self.#n.clear();));
        }
        let mut prepared = TokenStream::new();
        for h in &self.kernel.hoists {
            let n = format_ident!("{}", h.name);
            match &h.value {
                HoistValue::Scalar(p) => {
                    let r = Literal::usize_unsuffixed(h.over.len());
                    let doc = format!(" {}", crate::density::print::poly(p, self.model));
                    prepared.extend(quote!(#[doc = #doc] pub #n: Table<#r>,));
                }
                HoistValue::Whitener { .. } => {}
            }
        }
        for (_, r) in crate::kernel::rows_of(self.kernel) {
            for c in &r.cases {
                if let Body::Dense(d) = &c.body {
                    let n = self.density_field(d);
                    let doc = format!(" The density of line {}, for each cell.", r.line);
                    prepared.extend(quote!(#[doc = #doc] pub #n: Vec<dense::Density>,));
                }
            }
        }
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

            impl Statistics for Stats {
                fn merge(&mut self, other: &Self) {
                    #merge
                    self.evidence.log += other.evidence.log;
                    self.evidence.magnitude += other.evidence.magnitude;
                }

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
                pub params: Params,
                #prepared
            }
        }
    }

    pub fn program(&self, reads_data: bool) -> TokenStream {
        let with_data = if reads_data { quote!(&context.data,) } else { quote!() };
        let data = self.data_type(quote!('a));
        let name = self.model.name.to_string();
        let context = self.context_fn();
        let parts = [
            self.components_fn(),
            self.neutral_fn(),
            self.overlay_fn(),
            self.validate_fn(),
            self.prepare_fn(),
            self.zero_fn(),
            self.dispatch_fn(),
            self.terms_fn(),
            self.direct_fn(),
            self.posterior_fn(),
            self.init_fn(),
            self.describe_fn(),
            self.relabel_fn(),
        ];
        let open = self.open();
        let lets = self.let_values();
        let series = self.kernel.stats.iter().any(|s| matches!(s.kind, StatKind::Taylor { .. }));
        quote! {
            impl Program for Model {
                type Data<'a> = #data;
                type Params = Params;
                type Latents = Latents;
                type Posterior = Posterior;
                type Lets = Lets;
                type Stats = Stats;
                type Context<'a> = Context<'a>;
                type Prepared = Prepared;

                const NAME: &'static str = #name;

                fn plan() -> &'static Plan {
                    PLAN
                }

                #context
                #(#parts)*

                fn maximise(&self, context: &Context<'_>, stats: &Stats, current: &Params, damping: f64) -> Result<Maximised<Model>, Error> {
                    self.update_params(&context.sizes, #with_data stats, current, damping)
                }

                const SERIES: bool = #series;

                fn lets(&self, context: &Context<'_>, params: &Params) -> Result<Lets, Error> {
                    #open
                    let mut lets = Lets::default();
                    #lets
                    Ok(lets)
                }
            }
        }
    }

    fn components_fn(&self) -> TokenStream {
        let scope = self.scope();
        let open = self.open();
        let items = self.kernel.components.iter().enumerate().map(|(i, c)| {
            let name = c
                .locals
                .iter()
                .map(|l| self.model.arrays[l.array.0].name.to_string())
                .collect::<Vec<_>>()
                .join(", ");
            let units = match c.unit.as_slice() {
                [] => quote!(1),
                [n] => scope.index(&n.high),
                _ => {
                    let f = format_ident!("units_{i}");
                    quote!(context.#f.len())
                }
            };
            let states: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
            let joint = c.locals.len() > 1;
            let states = super::product(&states);
            quote!(Component { name: #name, units: #units, states: #states, joint: #joint })
        });
        let rows = self.kernel.fixed.iter().chain(&self.kernel.moving).map(|r| {
            let n = r.loops.first().map_or(quote!(1), |l| match l {
                crate::kernel::Loop::Range(v) => scope.index(&v.high),
                crate::kernel::Loop::Members { .. } => quote!(1),
            });
            quote!(+ (#n) as f64)
        });
        let names = self.kernel.components.iter().enumerate().map(|(i, c)| {
            let n = Literal::usize_unsuffixed(i);
            let unit = self.unit_at(i, c, quote!(unit));
            let first = self.model.arrays[c.locals[0].array.0].name.to_string();
            let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
            let text =
                if at.is_empty() { first } else { format!("{first}[{}]", vec!["{}"; at.len()].join(", ")) };
            quote!(#n => { #unit format!(#text, #(#at),*) })
        });
        quote! {
            fn components(&self, context: &Context<'_>) -> Vec<Component> {
                #open
                vec![#(#items),*]
            }

            fn observations(&self, context: &Context<'_>) -> f64 {
                #open
                self.components(context).iter().map(|c| c.units as f64).sum::<f64>() #(#rows)*
            }

            fn unit_name(&self, context: &Context<'_>, component: usize, unit: usize) -> String {
                match component {
                    #(#names)*
                    _ => String::new(),
                }
            }
        }
    }

    /// A value that breaks no bound: 0, 1, ½, the middle of a simplex, the identity.
    fn neutral_value(&self, a: ArrayId) -> TokenStream {
        let scope = self.scope();
        let array = &self.model.arrays[a.0];
        let mut plates: Vec<Var> = vec![];
        for (n, x) in array.plates.iter().enumerate() {
            let at: Vec<Ix> = plates.iter().map(Ix::var).collect();
            plates.push(Var::new(format!("i{n}"), x.nominal, Ix::constant(0), length(&x.length, &at)));
        }
        let at: Vec<Ix> = plates.iter().map(Ix::var).collect();
        let extent = |x: &crate::model::ir::Extent| scope.index(&length(&x.length, &at));
        let lower = crate::density::lower::Lower::new(self.model);
        let bound = |e: &Option<crate::model::ir::Expr>, open: f64| {
            let open = if open.is_infinite() {
                if open > 0.0 { quote!(f64::INFINITY) } else { quote!(f64::NEG_INFINITY) }
            } else {
                let x = Literal::f64_unsuffixed(open);
                quote!(#x)
            };
            e.as_ref().and_then(|e| lower.component(e, &[]).ok()).map_or(open, |p| scope.poly(&p))
        };
        let (min, max) = (bound(&array.elem.min, f64::NEG_INFINITY), bound(&array.elem.max, f64::INFINITY));
        let value = match &array.elem.kind {
            ElemKind::Real => quote!(0.0_f64.clamp(#min, #max)),
            ElemKind::Positive => quote!(1.0_f64.clamp(#min, #max)),
            ElemKind::Unit => quote!(0.5_f64.clamp(#min, #max)),
            ElemKind::Bool => quote!(false),
            ElemKind::Count | ElemKind::Category(_) => quote!(0),
            ElemKind::Counts(d) => {
                let d = extent(d);
                quote!(DVector::zeros(#d))
            }
            ElemKind::Simplex(d) => {
                let d = extent(d);
                quote!(DVector::from_element(#d, 1.0 / #d as f64))
            }
            ElemKind::Ordered(d) => {
                let d = extent(d);
                quote!(DVector::from_fn(#d, |i, _| i as f64))
            }
            ElemKind::Vector(d) => {
                let d = extent(d);
                quote!(DVector::zeros(#d))
            }
            ElemKind::Matrix(r, c) => {
                let (r, c) = (extent(r), extent(c));
                quote!(DMatrix::zeros(#r, #c))
            }
            ElemKind::SymPos(d) => {
                let d = extent(d);
                quote!(DMatrix::identity(#d, #d))
            }
        };
        plates.iter().rev().fold(value, |inner, v| {
            let (n, high) = (scope.var(v), scope.index(&v.high));
            quote!((0..#high).map(|#n| #inner).collect::<Vec<_>>())
        })
    }

    fn neutral_fn(&self) -> TokenStream {
        let open = self.open();
        let fields = self.params().into_iter().map(|a| {
            let n = self.name(a);
            let v = self.neutral_value(a);
            quote!(#n: #v)
        });
        quote! {
            fn neutral(&self, context: &Context<'_>, given: &Params) -> Result<Params, Error> {
                #open
                let neutral = Params { #(#fields),* };
                Ok(Self::overlay(given, neutral))
            }
        }
    }

    fn overlay_fn(&self) -> TokenStream {
        let params = self.params();
        let fields = params.iter().map(|a| {
            let n = self.name(*a);
            let unset = self.is_unset(*a, quote!(given.#n));
            quote!(#n: if #unset { fitted.#n } else { given.#n.clone() })
        });
        let complete = params.iter().map(|a| {
            let n = self.name(*a);
            let unset = self.is_unset(*a, quote!(params.#n));
            quote!(&& !(#unset))
        });
        let set = params.iter().map(|a| {
            let n = self.name(*a);
            let unset = self.is_unset(*a, quote!(params.#n));
            quote!(|| !(#unset))
        });
        quote! {
            fn is_complete(params: &Params) -> bool {
                true #(#complete)*
            }

            fn is_set(params: &Params) -> bool {
                false #(#set)*
            }

            fn overlay(given: &Params, fitted: Params) -> Params {
                Params { #(#fields),* }
            }
        }
    }

    fn validate_fn(&self) -> TokenStream {
        let open = self.open();
        let scope = self.scope();
        let checks = self.params().into_iter().map(|a| {
            let array = &self.model.arrays[a.0];
            let n = self.name(a);
            let text = n.to_string();
            let mut plates: Vec<Var> = vec![];
            for (k, x) in array.plates.iter().enumerate() {
                let at: Vec<Ix> = plates.iter().map(Ix::var).collect();
                plates.push(Var::new(format!("i{k}"), x.nominal, Ix::constant(0), length(&x.length, &at)));
            }
            let at: Vec<Ix> = plates.iter().map(Ix::var).collect();
            let names: Vec<_> = plates.iter().map(|v| scope.var(v)).collect();
            let extent = |x: &crate::model::ir::Extent| scope.index(&length(&x.length, &at));
            let element = quote!(params.#n #([#names])*);
            let count = Literal::usize_unsuffixed(plates.len());
            let label = quote!(check::Name::new(#text, #count));
            let lower = crate::density::lower::Lower::new(self.model);
            let bounded = |base: TokenStream| {
                let mut rule = base;
                if let Some(m) = array.elem.min.as_ref().and_then(|e| lower.component(e, &[]).ok()) {
                    let m = scope.poly(&m);
                    rule = quote!(#rule.at_least(#m));
                }
                if let Some(m) = array.elem.max.as_ref().and_then(|e| lower.component(e, &[]).ok()) {
                    let m = scope.poly(&m);
                    rule = quote!(#rule.at_most(#m));
                }
                rule
            };
            let size_text = |x: &crate::model::ir::Extent| match x.nominal {
                crate::model::ir::Nominal::Literal(n) => n.to_string(),
                crate::model::ir::Nominal::Size(s) => self.model.sizes[s.0].name.to_string(),
            };
            let inner = match &array.elem.kind {
                ElemKind::Real => {
                    let rule = bounded(quote!(check::Interval::REAL));
                    quote!(check::one(#label, &[#(#names),*], #element, &#rule)?;)
                }
                ElemKind::Positive => {
                    // A scale may lie on its bound, and may have collapsed to it.
                    let rule = bounded(quote!(check::Interval::NON_NEGATIVE));
                    quote!(check::one(#label, &[#(#names),*], #element, &#rule)?;)
                }
                ElemKind::Unit => {
                    let rule = bounded(quote!(check::Interval::UNIT));
                    quote!(check::one(#label, &[#(#names),*], #element, &#rule)?;)
                }
                ElemKind::Simplex(x) => {
                    let (d, size) = (extent(x), size_text(x));
                    quote! {
                        check::size_is(#text, #element.len(), "entries", #size, #d)?;
                        check::simplex(#label, &[#(#names),*], #element.iter().copied())?;
                    }
                }
                ElemKind::Vector(x) | ElemKind::Ordered(x) => {
                    let (d, size) = (extent(x), size_text(x));
                    quote! {
                        check::size_is(#text, #element.len(), "entries", #size, #d)?;
                        for d in 0..#d {
                            check::one(#label, &[#(#names,)* d], #element[d], &check::Interval::REAL)?;
                        }
                    }
                }
                ElemKind::Matrix(r, c) => {
                    let (rows, cols, rt, ct) = (extent(r), extent(c), size_text(r), size_text(c));
                    quote! {
                        check::size_is(#text, #element.nrows(), "rows", #rt, #rows)?;
                        check::size_is(#text, #element.ncols(), "columns", #ct, #cols)?;
                    }
                }
                ElemKind::SymPos(x) => {
                    let (d, size) = (extent(x), size_text(x));
                    quote! {
                        check::size_is(#text, #element.nrows(), "rows", #size, #d)?;
                        check::size_is(#text, #element.ncols(), "columns", #size, #d)?;
                        check::positive_definite(#label, &[#(#names),*], &data::RealRows::from(&#element))?;
                    }
                }
                ElemKind::Bool | ElemKind::Count | ElemKind::Counts(_) | ElemKind::Category(_) => quote!(),
            };
            let mut body = inner;
            for (k, v) in plates.iter().enumerate().rev() {
                let (name, high) = (scope.var(v), scope.index(&v.high));
                let outer = &names[..k];
                let size = size_text(&array.plates[k]);
                body = quote! {
                    check::size_is(#text, params.#n #([#outer])*.len(), "entries", #size, #high)?;
                    for #name in 0..#high { #body }
                };
            }
            body
        });
        quote! {
            fn validate(&self, context: &Context<'_>, params: &Params) -> Result<(), Error> {
                #open
                #(#checks)*
                Ok(())
            }
        }
    }

    fn prepare_fn(&self) -> TokenStream {
        let open = self.open();
        let scope = self.scope();
        let mut make = TokenStream::new();
        let mut names = vec![];
        for h in &self.kernel.hoists {
            let HoistValue::Scalar(p) = &h.value else { continue };
            let n = format_ident!("{}", h.name);
            let dims = h.over.iter().map(|v| scope.index(&v.high));
            let vars = h.over.iter().map(|v| scope.var(v));
            let value = scope.poly(p);
            make.extend(quote!(let #n = Table::from_fn([#(#dims),*], |[#(#vars),*]| #value);));
            names.push(n);
        }
        for (_, r) in crate::kernel::rows_of(self.kernel) {
            for c in &r.cases {
                let Body::Dense(d) = &c.body else { continue };
                let n = self.density_field(d);
                let s = &self.kernel.stats[d.moments];
                let vars: Vec<Var> = s.cells.iter().map(|c| c.var.clone()).collect();
                let event = scope.var(&d.event);
                let high = scope.index(&d.event.high);
                let mean = if self.mean_only(d) {
                    // x − ρ with the data left out: the mean alone.
                    let mut p = Poly::zero();
                    for x in &d.design.regressors {
                        p = p.add(&Poly::elem(x.param.array, x.param.indices.clone()).scale(x.constant));
                    }
                    scope.poly(&p)
                } else {
                    quote!(0.0)
                };
                let matrix = scope.matrix(&d.matrix);
                let factor = scope.poly(&d.factor);
                let text = self.model.arrays[d.matrix.array.0].name.to_string();
                let at: Vec<_> = d.matrix.plates.iter().map(|i| scope.index(i)).collect();
                let kind = match (d.matrix.cholesky, d.inverse) {
                    (true, _) => quote!(dense::Scale::Cholesky),
                    (false, true) => quote!(dense::Scale::Covariance),
                    (false, false) => quote!(dense::Scale::Precision),
                };
                let body = scope.loops(
                    &vars,
                    quote! {
                        let mean: Vec<f64> = (0..#high).map(|#event| #mean).collect();
                        #n.push(dense::Density::new(&mean, &#matrix, #kind, #factor, mode::at(#text, &[#(#at),*]))?);
                    },
                );
                make.extend(quote!(let mut #n = Vec::new(); #body));
                names.push(n);
            }
        }
        quote! {
            fn prepare(&self, context: &Context<'_>, params: &Params) -> Result<Prepared, Error> {
                #open
                #make
                Ok(Prepared { params: params.clone(), #(#names),* })
            }
        }
    }

    fn zero_fn(&self) -> TokenStream {
        let open = self.open();
        let scope = self.scope();
        let fields = self.kernel.stats.iter().map(|s| {
            let n = format_ident!("{}", s.name);
            let dims: Vec<_> = s.cells.iter().map(|c| scope.index(&c.var.high)).collect();
            match &s.kind {
                StatKind::Sum(_) => quote!(let #n = Table::zeros([#(#dims),*]);),
                StatKind::Taylor { symbols, .. } => {
                    let p = self.symbols_len(symbols);
                    quote!(let #n = Table::zeros([#(#dims,)* 1 + #p + #p * #p]);)
                }
                StatKind::Moments { columns } => {
                    let cells = if dims.is_empty() { quote!(1) } else { super::product(&dims) };
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
        let names: Vec<_> = self.kernel.stats.iter().map(|s| format_ident!("{}", s.name)).collect();
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
        quote! {
            fn zero(&self, context: &Context<'_>) -> Stats {
                #open
                #(#fields)*
                Stats { #(#names,)* evidence: Evidence::default(), sizes: None }
            }

            fn fixed(&self, context: &Context<'_>, rows: usize) -> Stats {
                let mut stats = self.zero(context);
                let (params, mut scratch) = (Params::default(), Scratch::default());
                #(#fixed)*
                stats
            }

            fn moving(&self, context: &Context<'_>, params: &Params, stats: &mut Stats) {
                let mut scratch = Scratch::default();
                #(#moving)*
            }

            fn gauge(&self, context: &mut Context<'_>, pilot: &Stats) {
                #(#gauge)*
            }
        }
    }

    /// The extent of the component index, where that is the last cell: every component has its own gauge.
    fn gauge_count(&self, s: &crate::kernel::Stat) -> Option<TokenStream> {
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

    fn dispatch_fn(&self) -> TokenStream {
        let arms = |prefix: &str, args: TokenStream| -> Vec<TokenStream> {
            self.kernel
                .components
                .iter()
                .enumerate()
                .map(|(i, c)| {
                    let f = format_ident!("{prefix}_{}", self.component_name(c));
                    let i = Literal::usize_unsuffixed(i);
                    quote!(#i => self.#f(#args),)
                })
                .collect()
        };
        let potentials = arms("potentials", quote!(context, at, units, table, scratch));
        let collect = arms("collect", quote!(context, params, units, table, stats, scratch));
        let mut constants = TokenStream::new();
        let mut unit_constants = TokenStream::new();
        for (i, c) in self.kernel.components.iter().enumerate() {
            let f = format_ident!("constant_{}", self.component_name(c));
            let index = Literal::usize_unsuffixed(i);
            let count = Literal::usize_unsuffixed(c.rows.len());
            for (n, r) in c.rows.iter().enumerate() {
                let n = Literal::usize_unsuffixed(n);
                let name = self.term_name(r);
                constants.extend(quote! {
                    out.push((#name.to_string(), (0..self.components(context)[#index].units).map(|unit| self.#f(context, #n, unit)).sum()));
                });
            }
            unit_constants.extend(
                quote!(#index => (0..#count).map(|statement| self.#f(context, statement, unit)).sum(),),
            );
        }
        for r in self.kernel.fixed.iter().chain(&self.kernel.moving) {
            let f = format_ident!("constant_{}", self.fixed_name(r));
            let name = self.term_name(r);
            constants.extend(quote!(out.push((#name.to_string(), self.#f(context)));));
        }
        quote! {
            fn potentials(&self, context: &Context<'_>, at: &Prepared, component: usize, units: Range<usize>, table: &mut [f64], scratch: &mut Scratch) {
                match component {
                    #(#potentials)*
                    _ => {}
                }
            }

            fn collect(&self, context: &Context<'_>, params: &Params, component: usize, units: Range<usize>, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                match component {
                    #(#collect)*
                    _ => {}
                }
            }

            fn constants(&self, context: &Context<'_>) -> Vec<(String, f64)> {
                let mut out: Vec<(String, f64)> = Vec::new();
                #constants
                out
            }

            fn unit_constant(&self, context: &Context<'_>, component: usize, unit: usize) -> f64 {
                match component {
                    #unit_constants
                    _ => 0.0,
                }
            }
        }
    }

    fn term_name(&self, r: &Rows) -> String {
        let n = &self.model.arrays[r.target.array.0].name;
        let twice =
            crate::kernel::rows_of(self.kernel).filter(|(_, x)| x.target.array == r.target.array).count() > 1;
        if twice { format!("E log p({n}), line {}", r.line) } else { format!("E log p({n})") }
    }

    /// Σ statistic · function of params, for one statement.
    fn expected(&self, r: &Rows) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        let separable = |s: &crate::kernel::Separable, out: &mut TokenStream| {
            let stat = &self.kernel.stats[s.stat];
            let field = format_ident!("{}", stat.name);
            let at: Vec<_> = stat.cells.iter().map(|c| scope.var(&c.var)).collect();
            let vars: Vec<Var> = stat.cells.iter().map(|c| c.var.clone()).collect();
            let value = scope.poly(&s.params);
            out.extend(scope.loops(
                &vars,
                quote! {
                    let piece = special::times(stats.#field[[#(#at),*]], #value);
                    term += piece;
                    magnitude += piece.abs();
                },
            ));
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
                    let prec = scope.grouped(&x.precision);
                    let half = crate::kernel::half_log(self.model, &x.precision);
                    let count = match x.count {
                        Some(n) => self.source_of(&Source::Sum { stat: n, at }).1,
                        None => self.source_of(&Source::Count { stat: x.moments, at }).1,
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
                    out.extend(scope.loops(&vars, quote! {
                            #setup
                            term += -0.5 * #prec * #square;
                            magnitude += 0.5 * f64::abs(#prec) * least_squares::residual_magnitude(cell, &terms);
                            #log
                        }));
                }
                Body::Dense(d) => {
                    let stat = &self.kernel.stats[d.moments];
                    let field = format_ident!("{}", stat.name);
                    let vars: Vec<Var> = stat.cells.iter().map(|c| c.var.clone()).collect();
                    let at: Vec<(Ix, Ix)> = vars.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
                    let cell = scope.flat(&at);
                    let (e, high) = (scope.var(&d.event), scope.index(&d.event.high));
                    let known = self.known_terms_of(&d.design);
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
                            let (value, size) = dense::expected(&least_squares::residual_scatter(cell, &rows), cell.count, &#matrix, #kind, #factor)?;
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

    fn terms_fn(&self) -> TokenStream {
        let open = self.open();
        let mut all = TokenStream::new();
        let mut fixed: Vec<String> = vec![];
        for (component, r) in crate::kernel::rows_of(self.kernel) {
            let name = self.term_name(r);
            let sum = self.expected(r);
            all.extend(quote! {
                let (mut term, mut magnitude) = (0.0, 0.0_f64);
                #sum
                out.push(ElboTerm { name: #name.to_string(), value: term, magnitude });
            });
            if component.is_none() {
                fixed.push(name);
            }
        }
        quote! {
            fn is_fixed(term: &str) -> bool {
                let fixed: &[&str] = &[#(#fixed),*];
                fixed.contains(&term)
            }

            fn expected_terms(&self, context: &Context<'_>, stats: &Stats, params: &Params) -> Result<Vec<ElboTerm>, Error> {
                #open
                let mut out = Vec::new();
                #all
                Ok(out)
            }
        }
    }

    fn direct_fn(&self) -> TokenStream {
        let open = self.open();
        let prior = self.density_sum(|s| s.role == Role::Param);
        let joint = self.density_sum(|s| matches!(s.role, Role::Observed | Role::Latent));
        quote! {
            fn log_prior(&self, context: &Context<'_>, params: &Params) -> Result<f64, Error> {
                #open
                let mut total = 0.0;
                #prior
                Ok(total)
            }

            fn log_joint(&self, context: &Context<'_>, latents: &Latents, params: &Params) -> Result<f64, Error> {
                #open
                let mut total = 0.0;
                #joint
                Ok(total)
            }
        }
    }

    fn posterior_fn(&self) -> TokenStream {
        let open = self.open();
        let scope = self.scope();
        let mut fields = TokenStream::new();
        let mut latents = TokenStream::new();
        let mut from = TokenStream::new();
        let mut started = TokenStream::new();
        for (index, c) in self.kernel.components.iter().enumerate() {
            let i = Literal::usize_unsuffixed(index);
            let unit = self.unit_at(index, c, quote!(unit));
            let mut marginals = TokenStream::new();
            for (n, l) in c.locals.iter().enumerate() {
                let name = self.name(l.array);
                let states = scope.index(&l.state.high);
                let inner: Vec<_> = c.locals[n + 1..].iter().map(|l| scope.index(&l.state.high)).collect();
                let inner = if inner.is_empty() { quote!(1) } else { super::product(&inner) };
                let marginal = if c.locals.len() == 1 {
                    quote!(tables[#i].clone())
                } else {
                    quote!(tables[#i].marginal(#states, #inner))
                };
                let nested = match c.unit.as_slice() {
                    [outer, second] => {
                        let (o, high, len) =
                            (scope.var(outer), scope.index(&outer.high), scope.index(&second.high));
                        quote!(#marginal.nested((0..#high).map(|#o| #len)))
                    }
                    _ => quote!(#marginal),
                };
                fields.extend(quote!(posterior.#name = #nested;));
                let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
                let is_bool = matches!(self.model.arrays[l.array.0].elem.kind, ElemKind::Bool);
                let value = quote!((state / (#inner)) % (#states));
                let value = if is_bool { quote!((#value) == 1) } else { value };
                let (plates, _) = self.plates_of(l.array);
                let zero = if is_bool { quote!(false) } else { quote!(0) };
                let empty = plates.iter().rev().fold(zero, |inner, v| {
                    let (n, high) = (scope.var(v), scope.index(&v.high));
                    quote!((0..#high).map(|#n| #inner).collect::<Vec<_>>())
                });
                latents.extend(quote! {
                    latents.#name = #empty;
                    for (unit, &state) in states[#i].iter().enumerate() {
                        #unit
                        latents.#name #([#at])* = #value;
                    }
                });
                let as_index = if is_bool { quote!(usize::from(v)) } else { quote!(v) };
                let one_hot = match c.unit.len() {
                    0 => {
                        let v =
                            if is_bool { quote!(usize::from(latents.#name)) } else { quote!(latents.#name) };
                        quote!(Categories::one_hot(&[#v], #states))
                    }
                    1 => {
                        quote!(Categories::one_hot(&latents.#name.iter().map(|&v| #as_index).collect::<Vec<usize>>(), #states))
                    }
                    _ => {
                        quote!(latents.#name.iter().map(|row| Categories::one_hot(&row.iter().map(|&v| #as_index).collect::<Vec<usize>>(), #states)).collect())
                    }
                };
                from.extend(quote!(posterior.#name = #one_hot;));
                // A start from probabilities; what is observed overrules it.
                let given = match c.unit.as_slice() {
                    [] => quote!((!given.#name.is_empty()).then(|| given.#name.probs(0))),
                    [n] => {
                        let n = scope.var(n);
                        quote!((#n < given.#name.len()).then(|| given.#name.probs(#n)))
                    }
                    [s, t] => {
                        let (s, t) = (scope.var(s), scope.var(t));
                        quote!(given.#name.get(#s).filter(|row| #t < row.len()).map(|row| row.probs(#t)))
                    }
                    _ => quote!(None::<&[f64]>),
                };
                let init = self.init_probabilities(l.array, &at);
                let observed = if self.model.arrays[l.array.0].missing {
                    let known = if is_bool { quote!(usize::from(known)) } else { quote!(known) };
                    quote! {
                        if let Some(known) = data.#name.get(#(#at),*) {
                            own = (0..#states).map(|s| f64::from(u8::from(s == #known))).collect();
                            begun = true;
                        }
                    }
                } else {
                    quote!()
                };
                marginals.extend(quote! {
                    let mut own = vec![1.0 / (#states) as f64; #states];
                    #init
                    if let Some(probs) = #given {
                        check::size_is("the start", probs.len(), "categories", "its latent", #states)?;
                        own = probs.to_vec();
                        begun = true;
                    }
                    #observed
                    for (state, p) in out.iter_mut().enumerate() {
                        *p *= own[(state / (#inner)) % (#states)];
                    }
                });
            }
            started.extend(quote! {
                #i => {
                    #unit
                    out.fill(1.0);
                    #marginals
                }
            });
        }
        quote! {
            fn posterior(&self, context: &Context<'_>, tables: Vec<Categories>) -> Posterior {
                #open
                let mut posterior = Posterior::default();
                #fields
                posterior
            }

            fn latents(&self, context: &Context<'_>, states: &[Vec<usize>]) -> Latents {
                #open
                let mut latents = Latents::default();
                #latents
                latents
            }

            fn from_latents(&self, context: &Context<'_>, latents: &Latents) -> Result<Posterior, Error> {
                #open
                let mut posterior = Posterior::default();
                #from
                Ok(posterior)
            }

            fn started(&self, context: &Context<'_>, component: usize, unit: usize, given: &Posterior, out: &mut [f64]) -> Result<bool, Error> {
                #open
                let mut begun = false;
                match component {
                    #started
                    _ => {}
                }
                Ok(begun)
            }
        }
    }

    fn plates_of(&self, a: ArrayId) -> (Vec<Var>, ()) {
        let array = &self.model.arrays[a.0];
        let mut vars: Vec<Var> = vec![];
        for (n, x) in array.plates.iter().enumerate() {
            let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
            vars.push(Var::new(format!("i{n}"), x.nominal, Ix::constant(0), length(&x.length, &at)));
        }
        (vars, ())
    }

    /// `init { z[n] = … }` of a latent: its probabilities, or its category.
    fn init_probabilities(&self, a: ArrayId, at: &[proc_macro2::Ident]) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for init in self.model.init.iter().filter(|i| i.array == a) {
            let lower = crate::density::lower::Lower::direct(self.model);
            let mut binds = TokenStream::new();
            for (i, name) in init.target.iter().zip(at) {
                if let [(1, crate::model::ir::IndexTerm::Bound(b))] = i.terms.as_slice() {
                    let v = lower.bind(*b);
                    let v = scope.var(&v);
                    if v != *name {
                        binds.extend(quote!(let #v = #name;));
                    }
                }
            }
            let value = if crate::density::lower::rank(&init.value.ty) == 0 {
                let Ok(crate::density::lower::Finite::Index(i)) = lower.finite(&init.value) else { continue };
                let i = scope.index(&i);
                quote!({ let start = #i; own.iter_mut().enumerate().for_each(|(s, p)| *p = f64::from(u8::from(s == start))); })
            } else {
                let v = Var::new(
                    "state",
                    crate::model::ir::Nominal::Literal(0),
                    Ix::constant(0),
                    Ix::constant(0),
                );
                let Ok(p) = lower.component(&init.value, &[Ix::var(&v)]) else { continue };
                let p = scope.poly(&p);
                quote!(own.iter_mut().enumerate().for_each(|(state, p)| *p = #p);)
            };
            out.extend(quote!({ #binds #value begun = true; }));
        }
        out
    }

    fn init_fn(&self) -> TokenStream {
        let open = self.open();
        let scope = self.scope();
        let mut set = TokenStream::new();
        let mut seen: Vec<ArrayId> = vec![];
        for init in self.model.init.iter().filter(|i| crate::kernel::is_param(self.model, i.array)) {
            let n = self.name(init.array);
            if !seen.contains(&init.array) {
                seen.push(init.array);
                let neutral = self.neutral_value(init.array);
                set.extend(quote!(params.#n = #neutral;));
            }
            let lower = crate::density::lower::Lower::direct(self.model);
            let mut vars: Vec<Var> = init.binds.iter().map(|b| lower.bind(*b)).collect();
            let mut indices: Vec<Ix> = init.target.iter().map(|i| lower.index(i)).collect();
            let guards: Vec<_> = init.guards.iter().filter_map(|g| lower.cond(g).ok()).collect();
            let mut events: Vec<Ix> = vec![];
            let array = &self.model.arrays[init.array.0];
            for (k, x) in array.elem.kind.axes().into_iter().enumerate() {
                let v = Var::new(format!("e{k}"), x.nominal, Ix::constant(0), length(&x.length, &indices));
                events.push(Ix::var(&v));
                vars.push(v);
            }
            indices.extend(events.iter().cloned());
            let Ok(p) = lower.component(&init.value, &events) else { continue };
            let value = scope.poly(&p);
            let place = scope.elem(&Elem { array: init.array, indices });
            let write = scope.guarded(&guards, quote!(#place = #value;));
            set.extend(scope.loops(&vars, write));
        }
        let latents = self
            .kernel
            .components
            .iter()
            .enumerate()
            .filter(|(_, c)| c.locals.iter().any(|l| self.model.init.iter().any(|i| i.array == l.array)));
        let latents = latents.map(|(i, _)| Literal::usize_unsuffixed(i));
        quote! {
            fn init(&self, context: &Context<'_>) -> Result<Params, Error> {
                #open
                let mut params = Params::default();
                #set
                Ok(params)
            }

            fn inits_latents(&self, component: usize) -> bool {
                let with_init: &[usize] = &[#(#latents),*];
                with_init.contains(&component)
            }
        }
    }

    fn describe_fn(&self) -> TokenStream {
        let params = self.params().into_iter().map(|a| {
            let array = &self.model.arrays[a.0];
            let n = self.name(a);
            let text = n.to_string();
            let leaf = match array.elem.kind {
                ElemKind::Real
                | ElemKind::Positive
                | ElemKind::Unit
                | ElemKind::Bool
                | ElemKind::Count
                | ElemKind::Category(_) => quote!(number),
                ElemKind::Counts(_) | ElemKind::Simplex(_) | ElemKind::Ordered(_) | ElemKind::Vector(_) => {
                    quote!(vector)
                }
                ElemKind::Matrix(..) | ElemKind::SymPos(_) => quote!(matrix),
            };
            let depth = array.plates.len();
            let walk = (0..depth)
                .fold(quote!(d.#leaf(x);), |inner, _| quote!(d.open(x.len()); for x in x { #inner }));
            quote! {
                let mut d = fit::Describer::new(#text);
                let x = &params.#n;
                #walk
                out.push(d.finish());
            }
        });
        let lets = self.reported().into_iter().map(|l| {
            let x = &self.model.lets[l];
            let n = &x.name;
            let text = n.to_string();
            let walk = (0..x.plates.len())
                .fold(quote!(d.number(x);), |inner, _| quote!(d.open(x.len()); for x in x { #inner }));
            quote! {
                let mut d = fit::Describer::new(#text);
                let x = &lets.#n;
                #walk
                out.push(d.finish());
            }
        });
        quote! {
            fn describe(params: &Params) -> Vec<Described> {
                let mut out = Vec::new();
                #(#params)*
                out
            }

            fn describe_lets(lets: &Lets) -> Vec<Described> {
                let mut out = Vec::new();
                #(#lets)*
                out
            }
        }
    }

    /// Permutes the categories of the first latent, wherever they are counted.
    fn relabel_fn(&self) -> TokenStream {
        let nominal = self.kernel.components.first().map(|c| c.locals[0].state.nominal);
        let Some(nominal @ crate::model::ir::Nominal::Size(_)) = nominal else {
            return quote! {
                fn relabel(_params: &mut Params, _posterior: &mut Posterior, _order: &[usize]) {}
            };
        };
        let mut body = TokenStream::new();
        for a in self.params() {
            let array = &self.model.arrays[a.0];
            let n = self.name(a);
            let depth = array.plates.len();
            let axes: Vec<_> = array.plates.iter().chain(array.elem.kind.axes()).map(|x| x.nominal).collect();
            for (axis, _) in axes.iter().enumerate().filter(|(_, x)| **x == nominal) {
                let function = match (&array.elem.kind, axis.checked_sub(depth)) {
                    (_, None) => quote!(fit::permute(x, order);),
                    (ElemKind::Matrix(..) | ElemKind::SymPos(_), Some(0)) => {
                        quote!(*x = x.select_rows(order.iter());)
                    }
                    (ElemKind::Matrix(..) | ElemKind::SymPos(_), Some(_)) => {
                        quote!(*x = x.select_columns(order.iter());)
                    }
                    (
                        ElemKind::Real
                        | ElemKind::Positive
                        | ElemKind::Unit
                        | ElemKind::Bool
                        | ElemKind::Count
                        | ElemKind::Counts(_)
                        | ElemKind::Category(_)
                        | ElemKind::Simplex(_)
                        | ElemKind::Ordered(_)
                        | ElemKind::Vector(_),
                        Some(_),
                    ) => quote!(*x = x.select_rows(order.iter());),
                };
                let inside =
                    (0..axis.min(depth)).fold(function, |inner, _| quote!(for x in x.iter_mut() { #inner }));
                body.extend(quote!({ let x = &mut params.#n; #inside }));
            }
        }
        for l in self.kernel.components.iter().flat_map(|c| &c.locals).filter(|l| l.state.nominal == nominal)
        {
            let n = self.name(l.array);
            let depth = self.model.arrays[l.array.0].plates.len().saturating_sub(1);
            let inside = (0..depth)
                .fold(quote!(x.relabel(order);), |inner, _| quote!(for x in x.iter_mut() { #inner }));
            body.extend(quote!({ let x = &mut posterior.#n; #inside }));
        }
        quote! {
            fn relabel(params: &mut Params, posterior: &mut Posterior, order: &[usize]) {
                #body
            }
        }
    }
}
