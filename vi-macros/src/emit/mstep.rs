//! M-steps: natural parameters read off the statistics, and the mode of each.

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::kernel::{
    Contribution, Design, MStep, MStepKind, MatrixResidual, MatrixSource, Regressor, Slot, Source,
};
use crate::model::ir::{ArrayId, ElemKind};
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
        let reads_data = steps.iter().any(|(_, body)| body.to_string().contains("data ."));
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
        let mut functions = TokenStream::new();
        let mut calls = TokenStream::new();
        for (n, (step, (doc, body))) in self.kernel.steps.iter().zip(&steps).enumerate() {
            let name = self.step_name(step, n);
            let docs = doc.iter().map(|d| quote!(#[doc = #d]));
            functions.extend(quote! {
                #(#docs)*
                fn #name(&self, sizes: &Sizes, #data stats: &Stats, params: &mut Params, #damping notes: &mut Notes) -> Result<(), Error> {
                    let &Sizes { #(#sizes),* } = sizes;
                    #body
                    Ok(())
                }
            });
            calls.extend(quote!(self.#name(sizes, #pass stats, &mut params, #pass_damping &mut notes)?;));
        }
        let functions = quote! {
            #functions

            /// θ = argmax ELBO(q, θ) for the statistics of q, one block of params after another.
            fn update_params(&self, sizes: &Sizes, #data stats: &Stats, current: &Params, #damping) -> Result<Maximised<Model>, Error> {
                let mut params = current.clone();
                let mut notes = Notes::default();
                #calls
                Ok(Maximised { params, at_boundary: notes.at_boundary, notes: notes.notes })
            }
        };
        Ok(Updates { functions, reads_data })
    }

    pub(super) fn step_name(&self, step: &MStep, n: usize) -> proc_macro2::Ident {
        let arrays = match &step.kind {
            MStepKind::Natural { array, .. } | MStepKind::Matrix { array, .. } => vec![*array],
            MStepKind::Regression(r) => r.arrays.clone(),
            MStepKind::Newton { arrays, .. } => arrays.clone(),
        };
        let names = arrays.iter().map(|a| self.name(*a).to_string()).collect::<Vec<_>>().join("_");
        let twice = self.kernel.steps[..n].iter().any(|s| match &s.kind {
            MStepKind::Natural { array, .. } | MStepKind::Matrix { array, .. } => arrays == [*array],
            MStepKind::Regression(r) => r.arrays == arrays,
            MStepKind::Newton { arrays: other, .. } => *other == arrays,
        });
        if twice { format_ident!("update_{names}_{n}") } else { format_ident!("update_{names}") }
    }

    pub(super) fn step(&self, step: &MStep) -> Result<(Vec<String>, TokenStream), Diagnostic> {
        match &step.kind {
            MStepKind::Natural { array, slots, terms } => Ok(self.natural(*array, slots, terms)),
            MStepKind::Matrix { array, inverse, terms, residuals } => {
                Ok(self.matrix(*array, *inverse, terms, residuals))
            }
            MStepKind::Regression(r) => Ok(self.regression(r)),
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
            let name = if name.chars().count() > 2 || vars.iter().any(|v| v.name == name) {
                names[n.min(3)].to_string()
            } else {
                name
            };
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
                let at = at.iter().map(|i| scope.index(i));
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
            Source::Square(rho) => {
                let rho = scope.poly(rho);
                (quote!(let rho = #rho;), Some(quote!(rho * rho)))
            }
            // Its own code in `newton`.
            Source::Taylor { .. } => (quote!(), None),
        }
    }

    pub fn source_of(&self, s: &Source) -> (TokenStream, Option<TokenStream>) {
        self.source(&self.scope(), s)
    }

    pub fn known_terms_of(&self, design: &Design) -> TokenStream {
        self.known_terms(&self.scope(), design, None)
    }

    pub(super) fn cell_at(&self, scope: &Scope<'_>, stat: usize, at: &[Ix]) -> TokenStream {
        let extents = self.kernel.stats[stat].cells.iter().map(|c| c.var.high.clone());
        let pairs: Vec<(Ix, Ix)> = at.iter().cloned().zip(extents).collect();
        scope.flat(&pairs)
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
                let value = match unknown.and_then(|f| f(&r.param)) {
                    Some(id) => quote!(Unknown(#id)),
                    None => {
                        let x = scope.elem(&r.param);
                        quote!(Known(#x))
                    }
                };
                let push = self.push_term(scope, r, &offsets, value);
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
    ) -> TokenStream {
        match r.column {
            None => {
                let c = Literal::f64_unsuffixed(r.constant.abs());
                let c = if r.constant < 0.0 { quote!(-#c) } else { quote!(#c) };
                quote!(terms.push(Term::constant(#c, #value));)
            }
            Some(n) => {
                let offset = &offsets[n];
                let within: Vec<(Ix, Ix)> = r.sums.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
                let at = if within.is_empty() {
                    quote!(#offset)
                } else {
                    let at = scope.flat(&within);
                    quote!(#offset + #at)
                };
                quote!(terms.push(Term::column(#at, #value));)
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
            let target: Vec<_> = self.symmetric(a, &t.target).iter().map(|i| scope.index(i)).collect();
            let slot = &slot_names[t.slot];
            let add = self.amount(&scope, &t.coefficient, source);
            let write = quote!(#setup #slot[[#(#target),*]] += #add;);
            let write = scope.guarded(&t.guards, write);
            body.extend(scope.loops(&t.over, write));
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
                quote! {
                    let counts: Vec<f64> = (0..#high).map(|#k_name| #counts[[#(#plate_at,)* #k_name]]).collect();
                    mode::simplex(&counts, #min, #label, &mut #element, notes)?;
                }
            }
            [Slot::Log, Slot::Log1m] => {
                let (p, q) = (&slot_names[0], &slot_names[1]);
                quote!(mode::unit(#p[[#(#at),*]], #q[[#(#at),*]], (#min, #max), #label, &mut #element, notes)?;)
            }
            _ => {
                let power = match slots.last() {
                    Some(Slot::Power(e)) => e.value(),
                    Some(Slot::Log | Slot::Log1m | Slot::LogDet | Slot::Inverse | Slot::Entry) | None => 1.0,
                };
                let power = if power < 0.0 {
                    let p = Literal::f64_unsuffixed(-power);
                    quote!(-#p)
                } else {
                    let p = Literal::f64_unsuffixed(power);
                    quote!(#p)
                };
                let (log, pow) = (&slot_names[0], &slot_names[1]);
                let event_at = events.iter().map(|v| {
                    let v = scope.var(v);
                    quote!([#v])
                });
                quote!(mode::power_gamma(#log[[#(#at),*]], #pow[[#(#at),*]], #power, (#min, #max), #label, &mut #element #(#event_at)*, notes)?;)
            }
        };
        let over: Vec<Var> = if matches!(slots, [Slot::Log]) { plates.clone() } else { all.clone() };
        let step = match self.symmetric_guard(a, &plates) {
            Some((guard, mirror)) => {
                let mirror_write = quote!(params.#name #mirror = #element;);
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
        let formula = match slots {
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
        let mut doc = vec![
            format!(" Updates `{name}`: the mode of its natural parameters."),
            String::new(),
            " ```text".into(),
        ];
        doc.extend(formula);
        doc.push(" ```".into());
        doc.push(String::new());
        doc.push(format!(" {} Closed form. Held fixed: q.", self.lines_of(terms)));
        (doc, body)
    }

    /// A symmetric array keeps its parameters in the cell with the smaller index first.
    pub(super) fn symmetric(&self, a: ArrayId, target: &[Ix]) -> Vec<Ix> {
        let _ = a;
        target.to_vec()
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
            Source::Square(_) => format!("{c}ρ² of its prior"),
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
                | Source::Taylor { stat, .. } => {
                    Some(self.model.statements[self.kernel.stats[*stat].statement.0].line)
                }
                Source::Prior | Source::Square(_) => None,
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

    pub(super) fn matrix(
        &self,
        a: ArrayId,
        inverse: bool,
        terms: &[Contribution],
        residuals: &[MatrixResidual],
    ) -> (Vec<String>, TokenStream) {
        let scope = self.scope();
        let (plates, events) = self.axes(a);
        let name = self.name(a);
        let text = name.to_string();
        let dims: Vec<(Ix, Ix)> = plates.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
        let count: Vec<_> = plates.iter().map(|v| scope.index(&v.high)).collect();
        let total = if count.is_empty() { quote!(1) } else { super::product(&count) };
        let dim = scope.index(&events[0].high);
        let mut body = quote! {
            let mut scatter = vec![DMatrix::<f64>::zeros(#dim, #dim); #total];
            let mut weight = vec![0.0; #total];
        };
        let sign = if inverse { -2.0 } else { 2.0 };
        for t in terms {
            let (setup, source) = self.source(&scope, &t.source);
            let (own, entry) = t.target.split_at(plates.len());
            let at: Vec<(Ix, Ix)> = own.iter().cloned().zip(plates.iter().map(|v| v.high.clone())).collect();
            let at = scope.flat(&at);
            let write = if entry.is_empty() {
                let add = self.amount(&scope, &t.coefficient.scale(sign), source);
                quote!(#setup weight[#at] += #add;)
            } else {
                let add = self.amount(&scope, &t.coefficient.scale(-2.0), source);
                let (d, e) = (scope.index(&entry[0]), scope.index(&entry[1]));
                quote!(#setup scatter[#at][(#d, #e)] += #add;)
            };
            body.extend(scope.loops(&t.over, scope.guarded(&t.guards, write)));
        }
        for r in residuals {
            let at: Vec<(Ix, Ix)> =
                r.target.iter().cloned().zip(plates.iter().map(|v| v.high.clone())).collect();
            let at = scope.flat(&at);
            let factor = match r.factor.as_number() {
                Some(1.0) => quote!(),
                _ => {
                    let f = scope.grouped(&r.factor);
                    quote!(* #f)
                }
            };
            let write = match &r.source {
                MatrixSource::Moments { stat, at: cell, design, event } => {
                    let field = format_ident!("{}", self.kernel.stats[*stat].name);
                    let cell = self.cell_at(&scope, *stat, cell);
                    let known = self.known_terms(&scope, design, None);
                    let (d, high) = (scope.var(event), scope.index(&event.high));
                    quote! {
                        let mut rows = Vec::with_capacity(#high);
                        for #d in 0..#high {
                            let mut terms = Vec::new();
                            #known
                            rows.push(terms);
                        }
                        scatter[#at] += least_squares::residual_scatter(stats.#field.cell(#cell), &rows) #factor;
                    }
                }
                MatrixSource::Prior { event, rho } => {
                    let (d, high) = (scope.var(event), scope.index(&event.high));
                    let rho = scope.poly(rho);
                    quote! {
                        let rho = DVector::from_fn(#high, |#d, _| #rho);
                        scatter[#at] += &rho * rho.transpose() #factor;
                    }
                }
            };
            body.extend(scope.loops(&r.over, scope.guarded(&r.guards, write)));
        }
        let (min, _) = self.bounds(a);
        let own = plates.iter().map(|v| {
            let v = scope.var(v);
            quote!([#v])
        });
        let position = plates.iter().map(|v| scope.var(v));
        let flat = scope.flat(&dims);
        let function = if inverse { quote!(mode::covariance) } else { quote!(mode::precision) };
        let step = quote! {
            #function(&scatter[#flat], weight[#flat], #min, mode::at(#text, &[#(#position),*]), &mut params.#name #(#own)*, notes)?;
        };
        body.extend(scope.loops(&plates, step));
        let formula = if inverse {
            format!(" {name} = scatter / weight")
        } else {
            format!(" {name} = weight · scatter⁻¹")
        };
        let doc = vec![
            format!(" Updates `{name}`: its mode given the residuals."),
            String::new(),
            " ```text".into(),
            formula,
            " scatter = Σ (expected outer products of residuals) + prior,  weight = Σ (expected counts) + prior".into(),
            " ```".into(),
        ];
        (doc, body)
    }
}
