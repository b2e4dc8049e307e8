//! M-steps: natural parameters read off the statistics, and the mode of each.

use super::Emitter;
use super::scope::Scope;
use super::uncertain;
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::kernel::{Contribution, Design, MStep, MStepKind, Regressor, Slot, Source};
use crate::model::ir::{ArrayId, ElemKind};
use crate::plan::laws;
use crate::report::Diagnostic;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

/// The position of an element among the unknowns of a system, if it is one.
pub type Unknowns<'a> = dyn Fn(&Elem) -> Option<TokenStream> + 'a;

/// The code of the M-steps.
pub struct Updates {
    pub functions: TokenStream,
    /// Whether a step needs more than statistics.
    pub reads_data: bool,
}

impl Emitter<'_> {
    /// One function for each step, and one that calls them in order.
    pub fn maximise(&self) -> Result<Updates, Diagnostic> {
        let steps = self.kernel.steps.iter().map(|s| self.step(s)).collect::<Result<Vec<_>, _>>()?;
        // A prior may depend on a given; then statistics alone are not enough.
        let reads_data = steps.iter().any(|(_, body)| super::unused::identifiers(body).contains("data"));
        let (data, pass) = if reads_data {
            let data = self.data_type(quote!('_));
            (quote!(data: &#data,), quote!(data,))
        } else {
            (quote!(), quote!())
        };
        let damped = self.has_series();
        let damping = if damped { quote!(damping: f64,) } else { quote!() };
        let pass_damping = if damped { quote!(damping,) } else { quote!() };
        let sizes = self.size_patterns();
        let globals = self.globals_type();
        let mut functions = TokenStream::new();
        let mut calls = TokenStream::new();
        let mut blocks: Vec<(usize, TokenStream)> = vec![];
        for (n, (step, (doc, body))) in self.kernel.steps.iter().zip(&steps).enumerate() {
            let name = self.step_name(step, n);
            let docs = doc.iter().map(|d| quote!(#[doc = #d]));
            let (damping, pass_damping) = if step.block.is_some() {
                (quote!(), quote!())
            } else {
                (damping.clone(), pass_damping.clone())
            };
            functions.extend(quote! {
                #(#docs)*
                fn #name(&self, sizes: &Sizes, #data stats: &Stats, params: &mut #globals, #damping notes: &mut Notes) -> Result<(), Error> {
                    let &Sizes { #(#sizes),* } = sizes;
                    #body
                    Ok(())
                }
            });
            match step.block {
                None => calls
                    .extend(quote!(self.#name(sizes, #pass stats, &mut params, #pass_damping &mut notes)?;)),
                Some(b) => {
                    let call = quote!(self.#name(sizes, #pass stats, params, notes)?;);
                    match blocks.last_mut() {
                        Some((last, calls)) if *last == b => calls.extend(call),
                        _ => blocks.push((b, call)),
                    }
                }
            }
        }
        let arms = blocks.iter().map(|(b, calls)| {
            let b = Literal::usize_unsuffixed(*b);
            quote!(#b => { #calls })
        });
        let latents = (!blocks.is_empty()).then(|| {
            quote! {
                /// q(block) ∝ exp E log p, the other blocks held.
                fn update_block(&self, sizes: &Sizes, #data stats: &Stats, params: &mut #globals, block: usize, notes: &mut Notes) -> Result<(), Error> {
                    match block {
                        #(#arms)*
                        _ => {}
                    }
                    Ok(())
                }
            }
        });
        let (expand, _) = self.expand();
        let rotate = self.rotate();
        let functions = quote! {
            #functions

            #expand

            #rotate

            #latents

            /// θ = argmax ELBO(q, θ) for the statistics of q, one block of params after another.
            fn update_params(&self, sizes: &Sizes, #data stats: &Stats, current: &#globals, #damping) -> Result<Maximised<Model>, Error> {
                let mut params = current.clone();
                let mut notes = Notes::default();
                #calls
                Ok(Maximised { globals: params, at_boundary: notes.at_boundary, notes: notes.notes })
            }
        };
        Ok(Updates { functions, reads_data })
    }

    pub(super) fn step_name(&self, step: &MStep, n: usize) -> proc_macro2::Ident {
        let arrays = step.kind.arrays();
        let names = arrays.iter().map(|a| self.name(*a).to_string()).collect::<Vec<_>>().join("_");
        let twice = self.kernel.steps[..n].iter().any(|s| s.kind.arrays() == arrays);
        if twice { format_ident!("update_{names}_{n}") } else { format_ident!("update_{names}") }
    }

    pub(super) fn step(&self, step: &MStep) -> Result<(Vec<String>, TokenStream), Diagnostic> {
        match &step.kind {
            MStepKind::Natural { array, slots, terms } => Ok(self.natural(*array, slots, terms, step.block)),
            MStepKind::Matrix { array, inverse, terms, residuals } => {
                Ok(self.matrix(*array, *inverse, terms, residuals, step.block))
            }
            MStepKind::Regression(r) => Ok(self.regression(r, step.block, &[], &[])),
            MStepKind::Newton { arrays, terms } => self.newton(arrays, terms),
        }
    }

    /// Axes of an array with fresh indices: plates, then events.
    pub(super) fn axes(&self, a: ArrayId) -> (Vec<Var>, Vec<Var>) {
        let array = &self.model.arrays[a.0];
        let mut vars: Vec<Var> = vec![];
        let names = ["i", "j", "l", "m"];
        for (n, x) in array.plates.iter().chain(array.elem.kind.axes()).enumerate() {
            let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
            let name = match x.nominal {
                crate::model::ir::Nominal::Size(s) => self.model.sizes[s.0].name.to_string().to_lowercase(),
                crate::model::ir::Nominal::Literal(_) => names[n.min(3)].to_string(),
            };
            let free = |name: &str| vars.iter().all(|v| v.name != name);
            let name = [name.as_str(), names[n.min(3)]]
                .into_iter()
                .chain(names)
                .find(|name| name.chars().count() <= 2 && free(name))
                .map_or_else(|| format!("i{n}"), str::to_string);
            vars.push(Var::new(name, x.nominal, Ix::constant(0), length(&x.length, &at)));
        }
        let events = vars.split_off(array.plates.len());
        (vars, events)
    }

    pub(super) fn bounds(&self, a: ArrayId) -> (TokenStream, TokenStream) {
        let array = &self.model.arrays[a.0];
        let lower = crate::density::lower::Lower::new(self.model);
        let side = |e: &Option<crate::model::ir::Expr>, open: TokenStream| match e {
            Some(e) => lower.component(e, &[]).map_or(open.clone(), |p| self.scope().poly(&p)),
            None => open,
        };
        let (low, high) = match array.elem.kind {
            ElemKind::Positive
            | ElemKind::Simplex(_)
            | ElemKind::SymPos(_)
            | ElemKind::Count
            | ElemKind::Counts(_) => (quote!(0.0), quote!(f64::INFINITY)),
            ElemKind::Unit => (quote!(0.0), quote!(1.0)),
            ElemKind::Real
            | ElemKind::Bool
            | ElemKind::Category(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..) => (quote!(f64::NEG_INFINITY), quote!(f64::INFINITY)),
        };
        (side(&array.elem.min, low), side(&array.elem.max, high))
    }

    /// The number a contribution is multiplied with.
    pub(super) fn source(&self, scope: &Scope<'_>, s: &Source) -> (TokenStream, Option<TokenStream>) {
        match s {
            Source::Prior => (quote!(), None),
            Source::Sum { stat, at } => {
                let field = format_ident!("{}", self.kernel.stats[*stat].name);
                let at = self.cell_of_sums(scope, &self.kernel.stats[*stat], at);
                (quote!(), Some(quote!(stats.#field[[#(#at),*]])))
            }
            Source::Count { stat, at } => {
                let field = format_ident!("{}", self.kernel.stats[*stat].name);
                let cell = self.cell_at(scope, *stat, at);
                (quote!(), Some(quote!(stats.#field.count(#cell))))
            }
            Source::Residual { stat, at, design } => {
                let field = format_ident!("{}", self.kernel.stats[*stat].name);
                let cell = self.cell_at(scope, *stat, at);
                let terms = self.known_terms(scope, design, None);
                let setup = quote! {
                    let mut terms = Vec::new();
                    #terms
                    let cell = stats.#field.cell(#cell);
                    let square = least_squares::residual_square(cell, &terms);
                };
                (setup, Some(quote!(square)))
            }
            Source::Square { rho, .. } => {
                let rho = scope.poly(rho);
                (quote!(let rho = #rho;), Some(quote!(rho * rho)))
            }
            Source::Form { .. } | Source::PriorForm { .. } => self.vector_form(scope, s),
            // Its own code in `newton`.
            Source::Taylor { .. } => (quote!(), None),
        }
    }

    /// What the uncertainty of locations adds to a contribution.
    fn contribution_spread(&self, scope: &Scope<'_>, a: ArrayId, t: &Contribution) -> Option<TokenStream> {
        let spreads = match &t.source {
            Source::Residual { stat, at, design } => {
                self.spreads(scope, uncertain::Rows::Behind { stat: *stat, at }, design, Some(a))
            }
            Source::Square { design, .. } => self.spreads(scope, uncertain::Rows::One, design, Some(a)),
            Source::Form { .. } | Source::PriorForm { .. } => return self.form_spread(scope, a, t),
            Source::Prior | Source::Sum { .. } | Source::Count { .. } | Source::Taylor { .. } => return None,
        };
        self.weighted(scope, &t.coefficient, &spreads)
    }

    pub fn source_of(&self, s: &Source) -> (TokenStream, Option<TokenStream>) {
        self.source(&self.scope(), s)
    }

    pub fn known_terms_of(&self, design: &Design) -> TokenStream {
        self.known_terms(&self.scope(), design, None)
    }

    pub(super) fn cell_at(&self, scope: &Scope<'_>, stat: usize, at: &[Ix]) -> TokenStream {
        let cells = self.kernel.stats[stat].cells.iter().map(|c| c.var.clone());
        let at: Vec<(Var, Ix)> = cells.zip(at.iter().cloned()).collect();
        scope.place(&at)
    }

    /// Pushes every regressor of a design with its value at the params.
    pub(super) fn known_terms(
        &self,
        scope: &Scope<'_>,
        design: &Design,
        unknown: Option<&Unknowns<'_>>,
    ) -> TokenStream {
        let offsets = self.column_offsets(design);
        design
            .regressors
            .iter()
            .map(|r| {
                let own = unknown.and_then(|f| r.elems().find_map(|e| Some((e, f(e)?))));
                let (value, times) = match own {
                    Some((e, id)) => (quote!(Unknown(#id)), self.beside_in_product(scope, r, e)),
                    None => {
                        let x = super::product(&r.elems().map(|e| scope.elem(e)).collect::<Vec<_>>());
                        (quote!(Known(#x)), None)
                    }
                };
                let push = self.push_term(scope, r, &offsets, value, times);
                scope.loops(&r.sums, push)
            })
            .collect()
    }

    pub(super) fn push_term(
        &self,
        scope: &Scope<'_>,
        r: &Regressor,
        offsets: &[TokenStream],
        value: TokenStream,
        times: Option<TokenStream>,
    ) -> TokenStream {
        let times = times.map(|x| quote!(.times(#x)));
        match r.column {
            None => {
                let c = super::number(r.constant);
                quote!(terms.push(Term::constant(#c, #value) #times);)
            }
            Some(n) => {
                let offset = &offsets[n];
                let over = r.component.iter().chain(&r.sums);
                let within: Vec<(Ix, Ix)> = over.map(|v| (Ix::var(v), v.high.clone())).collect();
                let at = if within.is_empty() {
                    quote!(#offset)
                } else {
                    let at = scope.flat(&within);
                    quote!(#offset + #at)
                };
                quote!(terms.push(Term::column(#at, #value) #times);)
            }
        }
    }

    pub(super) fn column_offsets(&self, design: &Design) -> Vec<TokenStream> {
        (0..design.columns.len())
            .map(|n| if n == 0 { quote!(0) } else { self.columns_len(&design.columns[..n]) })
            .collect()
    }

    pub(super) fn natural(
        &self,
        a: ArrayId,
        slots: &[Slot],
        terms: &[Contribution],
        block: Option<usize>,
    ) -> (Vec<String>, TokenStream) {
        let scope = self.scope();
        let (plates, events) = self.axes(a);
        let name = self.name(a);
        let all: Vec<Var> = plates.iter().chain(&events).cloned().collect();
        let dims: Vec<_> = all.iter().map(|v| scope.index(&v.high)).collect();
        let slot_names: Vec<_> = slots
            .iter()
            .map(|s| match s {
                Slot::Log => format_ident!("log_{name}"),
                Slot::Log1m => format_ident!("log1m_{name}"),
                Slot::Power(_) | Slot::LogDet | Slot::Inverse | Slot::Entry => format_ident!("power_{name}"),
            })
            .collect();
        let mut body = TokenStream::new();
        for n in &slot_names {
            body.extend(quote!(let mut #n = Table::zeros([#(#dims),*]);));
        }
        for t in terms {
            let (setup, source) = self.source(&scope, &t.source);
            let target: Vec<_> = t.target.iter().map(|i| scope.index(i)).collect();
            let slot = &slot_names[t.slot];
            let add = self.amount(&scope, &t.coefficient, source);
            let spread = self.contribution_spread(&scope, a, t);
            let add = match spread {
                Some(spread) => quote!(#add + #spread),
                None => add,
            };
            let write = quote!(#setup #slot[[#(#target),*]] += #add;);
            let write = scope.guarded(&t.guards, write);
            body.extend(scope.loops(&t.over, write));
        }
        if self.model.arrays[a.0].symmetric {
            // What was read at [b, a] belongs to [a, b].
            let (i, j) = (scope.var(&plates[0]), scope.var(&plates[1]));
            let fold = slot_names.iter().map(|n| {
                quote! {
                    let mirrored = #n[[#j, #i]];
                    #n[[#i, #j]] += mirrored;
                }
            });
            body.extend(scope.loops(&plates, quote!(if #i < #j { #(#fold)* })));
        }
        // A prior alone says nothing of the numbers that data are about.
        if block.is_some() && terms.iter().any(|t| t.prior.is_none()) {
            body.extend(self.whitened_numbers(a, &slot_names));
        }
        if block.is_some() {
            // The integral over what a scale whitens takes one factor of its square root for each unknown.
            for g in self.whitened_by(a) {
                let r = g.regression;
                let Some(e) = &r.scale else { continue };
                let target: Vec<_> = e.indices.iter().map(|i| scope.index(i)).collect();
                let (_, total) = self.unknowns(&scope, r);
                let half = Literal::f64_unsuffixed((0.5 * r.power.value()).abs());
                let sign = if r.power.value() > 0.0 { quote!(-=) } else { quote!(+=) };
                let slot = &slot_names[0];
                body.extend(
                    scope.loops(&r.batch, quote!(#slot[[#(#target),*]] #sign #half * (#total) as f64;)),
                );
            }
        }
        let at: Vec<_> = all.iter().map(|v| scope.var(v)).collect();
        let own = plates.iter().map(|v| {
            let v = scope.var(v);
            quote!([#v])
        });
        let element = quote!(params.#name #(#own)*);
        let text = name.to_string();
        let position = plates.iter().map(|v| scope.var(v));
        let label = quote!(mode::at(#text, &[#(#position),*]));
        let (min, max) = self.bounds(a);
        let step = match slots {
            [Slot::Log] => {
                let counts = &slot_names[0];
                let k = &events[0];
                let (k_name, high) = (scope.var(k), scope.index(&k.high));
                let plate_at: Vec<_> = plates.iter().map(|v| scope.var(v)).collect();
                let take = match block {
                    None => quote!(mode::simplex(&counts, #min, #label, &mut #element, notes)?;),
                    Some(_) => quote!(#element = law::dirichlet(&counts, #label)?;),
                };
                quote! {
                    let counts: Vec<f64> = (0..#high).map(|#k_name| #counts[[#(#plate_at,)* #k_name]]).collect();
                    #take
                }
            }
            [Slot::Log, Slot::Log1m] => {
                let (p, q) = (&slot_names[0], &slot_names[1]);
                match block {
                    None => {
                        quote!(mode::unit(#p[[#(#at),*]], #q[[#(#at),*]], (#min, #max), #label, &mut #element, notes)?;)
                    }
                    Some(_) => quote!(#element = law::beta(#p[[#(#at),*]], #q[[#(#at),*]], #label)?;),
                }
            }
            _ => {
                let power = match slots.last() {
                    Some(Slot::Power(e)) => e.value(),
                    Some(Slot::Log | Slot::Log1m | Slot::LogDet | Slot::Inverse | Slot::Entry) | None => 1.0,
                };
                let power = super::number(power);
                let (log, pow) = (&slot_names[0], &slot_names[1]);
                let event_at = events.iter().map(|v| {
                    let v = scope.var(v);
                    quote!([#v])
                });
                match block {
                    None => {
                        quote!(mode::power_gamma(#log[[#(#at),*]], #pow[[#(#at),*]], #power, (#min, #max), #label, &mut #element #(#event_at)*, notes)?;)
                    }
                    Some(_) => {
                        quote!(#element #(#event_at)* = law::power_gamma(#log[[#(#at),*]], #pow[[#(#at),*]], #power, #label)?;)
                    }
                }
            }
        };
        let over: Vec<Var> = if matches!(slots, [Slot::Log]) { plates.clone() } else { all.clone() };
        let step = match self.symmetric_guard(a, &plates) {
            Some((guard, mirror)) => {
                let copy = if block.is_some() { quote!(#element.clone()) } else { quote!(#element) };
                let mirror_write = quote!(params.#name #mirror = #copy;);
                quote!(if #guard { #step #mirror_write })
            }
            None => step,
        };
        body.extend(scope.loops(&over, step));
        let sum = |slot: usize| {
            let parts: Vec<String> =
                terms.iter().filter(|t| t.slot == slot).map(|t| self.source_text(t)).collect();
            if parts.is_empty() { "0".to_string() } else { parts.join(" + ") }
        };
        let law = laws::of_support(&self.model.arrays[a.0].elem.kind, false).name();
        let formula = match slots {
            [Slot::Log] if block.is_some() => {
                vec![format!(" q({name}) = {law}(c + 1),   c = {}", sum(0))]
            }
            [Slot::Log, Slot::Log1m] if block.is_some() => vec![
                format!(" q({name}) = {law}(a + 1, b + 1)"),
                format!(" a = {}", sum(0)),
                format!(" b = {}", sum(1)),
            ],
            _ if block.is_some() => {
                let p = match slots.last() {
                    Some(Slot::Power(e)) => crate::density::print::power(*e),
                    _ => String::new(),
                };
                vec![
                    format!(" log q({name}) = η₁ log {name} + η₂ {name}{p} + constant"),
                    format!(" η₁ = {}", sum(0)),
                    format!(" η₂ = {}", sum(1)),
                ]
            }
            [Slot::Log] => vec![format!(" {name} ∝ c,   c = {}", sum(0))],
            [Slot::Log, Slot::Log1m] => {
                vec![format!(" {name} = a / (a + b)"), format!(" a = {}", sum(0)), format!(" b = {}", sum(1))]
            }
            _ => {
                let power = match slots.last() {
                    Some(Slot::Power(e)) => *e,
                    Some(Slot::Log | Slot::Log1m | Slot::LogDet | Slot::Inverse | Slot::Entry) | None => {
                        crate::density::poly::Exponent::ONE
                    }
                };
                let p = crate::density::print::power(power);
                vec![
                    format!(" maximise η₁ log {name} + η₂ {name}{p}"),
                    format!(" η₁ = {}", sum(0)),
                    format!(" η₂ = {}", sum(1)),
                ]
            }
        };
        let what = match block {
            None => format!(" Updates `{name}`: the mode of its natural parameters."),
            Some(_) => format!(" Updates q({name}): the distribution of these natural parameters."),
        };
        let mut doc = vec![what, String::new(), " ```text".into()];
        doc.extend(formula);
        doc.push(" ```".into());
        doc.push(String::new());
        doc.push(format!(
            " {} Closed form. Held fixed: {}.",
            self.lines_of(terms),
            if block.is_some() { "all else" } else { "q" }
        ));
        (doc, body)
    }

    pub(super) fn symmetric_guard(&self, a: ArrayId, plates: &[Var]) -> Option<(TokenStream, TokenStream)> {
        if !self.model.arrays[a.0].symmetric {
            return None;
        }
        let scope = self.scope();
        let (i, j) = (scope.var(&plates[0]), scope.var(&plates[1]));
        Some((quote!(#i <= #j), quote!([#j][#i])))
    }

    pub(super) fn amount(
        &self,
        scope: &Scope<'_>,
        coefficient: &Poly,
        source: Option<TokenStream>,
    ) -> TokenStream {
        match (coefficient.as_number(), source) {
            (Some(1.0), Some(s)) => s,
            (Some(-1.0), Some(s)) => quote!(-#s),
            (_, Some(s)) => {
                let c = scope.grouped(coefficient);
                let c = if coefficient.as_number().is_some_and(|x| x < 0.0) {
                    let c = scope.poly(coefficient);
                    quote!(#c)
                } else {
                    c
                };
                quote!(#c * #s)
            }
            (_, None) => scope.poly(coefficient),
        }
    }

    /// Where a contribution comes from, as it stands in a formula.
    fn source_text(&self, t: &Contribution) -> String {
        let number = |p: &Poly| match p.as_number() {
            Some(1.0) => String::new(),
            Some(-1.0) => "−".into(),
            _ => {
                let text = crate::density::print::poly(p, self.model);
                if p.0.len() > 1 { format!("({text}) ") } else { format!("{text} ") }
            }
        };
        let c = number(&t.coefficient);
        match &t.source {
            Source::Prior => format!("({}, prior)", crate::density::print::poly(&t.coefficient, self.model)),
            Source::Sum { stat, .. } => format!("{c}{}", self.kernel.stats[*stat].name),
            Source::Count { stat, .. } => format!("{c}count of {}", self.kernel.stats[*stat].name),
            Source::Residual { stat, .. } => format!("{c}Σ ρ² of {}", self.kernel.stats[*stat].name),
            Source::Square { .. } => format!("{c}ρ² of its prior"),
            Source::Form { stat, .. } => format!("{c}Σ ρᵀ M ρ of {}", self.kernel.stats[*stat].name),
            Source::PriorForm { .. } => format!("{c}ρᵀ M ρ of its prior"),
            Source::Taylor { stat, .. } => self.kernel.stats[*stat].name.clone(),
        }
    }

    /// `Lines 6 and 7 of the model.`, of the statements whose statistics are used.
    fn lines_of(&self, terms: &[Contribution]) -> String {
        let mut lines: Vec<usize> = terms
            .iter()
            .filter_map(|t| match &t.source {
                Source::Sum { stat, .. }
                | Source::Count { stat, .. }
                | Source::Residual { stat, .. }
                | Source::Form { stat, .. }
                | Source::Taylor { stat, .. } => {
                    Some(self.model.statements[self.kernel.stats[*stat].statement.0].line)
                }
                Source::Prior | Source::Square { .. } | Source::PriorForm { .. } => None,
            })
            .collect();
        lines.sort_unstable();
        lines.dedup();
        let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if lines.len() == 1 {
            format!("Line {text} of the model.")
        } else {
            format!("Lines {text} of the model.")
        }
    }
}
