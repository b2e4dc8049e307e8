//! M-steps: natural parameters read off the statistics, and the mode of each.

use super::Emitter;
use super::scope::Scope;
use crate::density::derive::{derive, tidy};
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::diagnostics::kernel as mistakes;
use crate::kernel::{
    Contribution, Design, MStep, MStepKind, MatrixResidual, MatrixSource, Regression, RegressionRows,
    RegressionSource, Regressor, Slot, Source, StatKind,
};
use crate::model::ir::{ArrayId, ElemKind};
use crate::report::Diagnostic;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

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
        let sizes = self.size_patterns();
        let mut functions = TokenStream::new();
        let mut calls = TokenStream::new();
        for (n, (step, (doc, body))) in self.kernel.steps.iter().zip(&steps).enumerate() {
            let name = self.step_name(step, n);
            let docs = doc.iter().map(|d| quote!(#[doc = #d]));
            functions.extend(quote! {
                #(#docs)*
                fn #name(&self, sizes: &Sizes, #data stats: &Stats, params: &mut Params, damping: f64, notes: &mut Notes) -> Result<(), Error> {
                    let &Sizes { #(#sizes),* } = sizes;
                    #body
                    Ok(())
                }
            });
            calls.extend(quote!(self.#name(sizes, #pass stats, &mut params, damping, &mut notes)?;));
        }
        let functions = quote! {
            #functions

            /// θ = argmax ELBO(q, θ) for the statistics of q, one block of params after another.
            fn update_params(&self, sizes: &Sizes, #data stats: &Stats, current: &Params, damping: f64) -> Result<Maximised<Model>, Error> {
                let mut params = current.clone();
                let mut notes = Notes::default();
                #calls
                Ok(Maximised { params, at_boundary: notes.at_boundary, notes: notes.notes })
            }
        };
        Ok(Updates { functions, reads_data })
    }

    fn step_name(&self, step: &MStep, n: usize) -> proc_macro2::Ident {
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

    fn step(&self, step: &MStep) -> Result<(Vec<String>, TokenStream), Diagnostic> {
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
    fn axes(&self, a: ArrayId) -> (Vec<Var>, Vec<Var>) {
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

    fn bounds(&self, a: ArrayId) -> (TokenStream, TokenStream) {
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
    fn source(&self, scope: &Scope<'_>, s: &Source) -> (TokenStream, Option<TokenStream>) {
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

    fn cell_at(&self, scope: &Scope<'_>, stat: usize, at: &[Ix]) -> TokenStream {
        let extents = self.kernel.stats[stat].cells.iter().map(|c| c.var.high.clone());
        let pairs: Vec<(Ix, Ix)> = at.iter().cloned().zip(extents).collect();
        scope.flat(&pairs)
    }

    /// Pushes every regressor of a design with its value at the params.
    fn known_terms(
        &self,
        scope: &Scope<'_>,
        design: &Design,
        unknown: Option<&dyn Fn(&Elem) -> Option<TokenStream>>,
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

    fn push_term(
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

    fn column_offsets(&self, design: &Design) -> Vec<TokenStream> {
        (0..design.columns.len())
            .map(|n| if n == 0 { quote!(0) } else { self.columns_len(&design.columns[..n]) })
            .collect()
    }

    fn natural(&self, a: ArrayId, slots: &[Slot], terms: &[Contribution]) -> (Vec<String>, TokenStream) {
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
        let mut lines = vec![];
        for t in terms {
            let (setup, source) = self.source(&scope, &t.source);
            let target: Vec<_> = self.symmetric(a, &t.target).iter().map(|i| scope.index(i)).collect();
            let slot = &slot_names[t.slot];
            let add = self.amount(&scope, &t.coefficient, source);
            let write = quote!(#setup #slot[[#(#target),*]] += #add;);
            let write = scope.guarded(&t.guards, write);
            body.extend(scope.loops(&t.over, write));
            lines.push(self.contribution_text(t, slots, a));
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
        let mut doc = vec![
            format!(" Updates `{name}`: the mode of the sum of its natural parameters."),
            String::new(),
            " ```text".into(),
        ];
        doc.extend(lines.into_iter().map(|l| format!(" {l}")));
        doc.push(" ```".into());
        (doc, body)
    }

    /// A symmetric array keeps its parameters in the cell with the smaller index first.
    fn symmetric(&self, a: ArrayId, target: &[Ix]) -> Vec<Ix> {
        let _ = a;
        target.to_vec()
    }

    fn symmetric_guard(&self, a: ArrayId, plates: &[Var]) -> Option<(TokenStream, TokenStream)> {
        if !self.model.arrays[a.0].symmetric {
            return None;
        }
        let scope = self.scope();
        let (i, j) = (scope.var(&plates[0]), scope.var(&plates[1]));
        Some((quote!(#i <= #j), quote!([#j][#i])))
    }

    fn amount(&self, scope: &Scope<'_>, coefficient: &Poly, source: Option<TokenStream>) -> TokenStream {
        match (coefficient.as_number(), source) {
            (Some(1.0), Some(s)) => s,
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

    fn contribution_text(&self, t: &Contribution, slots: &[Slot], a: ArrayId) -> String {
        let name = self.name(a);
        let what = match slots[t.slot] {
            Slot::Log => format!("log {name}"),
            Slot::Log1m => format!("log(1 − {name})"),
            Slot::Power(e) if e.num == 1 && e.den == 1 => name.to_string(),
            Slot::Power(e) if e.den == 1 => format!("{name}^{}", e.num),
            Slot::Power(e) => format!("{name}^({}/{})", e.num, e.den),
            Slot::LogDet => format!("log det {name}"),
            Slot::Inverse => format!("{name}⁻¹"),
            Slot::Entry => name.to_string(),
        };
        let source = match &t.source {
            Source::Prior => "prior".to_string(),
            Source::Sum { stat, .. } => self.kernel.stats[*stat].name.clone(),
            Source::Count { stat, .. } => format!("count of {}", self.kernel.stats[*stat].name),
            Source::Residual { stat, .. } => {
                format!("squared residuals of {}", self.kernel.stats[*stat].name)
            }
            Source::Square(_) => "squared residual of its prior".into(),
            Source::Taylor { stat, .. } => self.kernel.stats[*stat].name.clone(),
        };
        format!("coefficient of {what} += {source}")
    }

    fn matrix(
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

    /// Axes of a location that are unknowns of one system: neither batch nor output.
    fn unknown_axes(&self, r: &Regression, a: ArrayId) -> Vec<usize> {
        let elem = r
            .rows
            .iter()
            .flat_map(|x| &design(x).regressors)
            .find(|x| x.param.array == a)
            .map(|x| x.param.clone());
        let Some(elem) = elem else { return vec![] };
        (0..elem.indices.len())
            .filter(|n| {
                let v = elem.indices[*n].as_var();
                !v.is_some_and(|v| r.batch.contains(v) || r.rows.iter().any(|x| self.is_output(r, x, v)))
            })
            .collect()
    }

    fn is_output(&self, r: &Regression, rows: &RegressionRows, v: &Var) -> bool {
        r.outputs.is_some() && design(rows).columns[0].over.contains(v)
    }

    fn regression(&self, r: &Regression) -> (Vec<String>, TokenStream) {
        let scope = self.scope();
        // Where each location's unknowns begin.
        let mut offsets: Vec<(ArrayId, TokenStream, Vec<usize>)> = vec![];
        let mut total = quote!(0);
        for a in &r.arrays {
            let axes = self.unknown_axes(r, *a);
            let (plates, events) = self.axes(*a);
            let all: Vec<Var> = plates.into_iter().chain(events).collect();
            let extents: Vec<_> = axes.iter().map(|n| scope.index(&all[*n].high)).collect();
            let size = if extents.is_empty() { quote!(1) } else { super::product(&extents) };
            offsets.push((*a, total.clone(), axes));
            total = if total.to_string() == "0" { size } else { quote!(#total + #size) };
        }
        let id = |e: &Elem| -> Option<TokenStream> {
            let (a, offset, axes) = offsets.iter().find(|(a, ..)| *a == e.array)?;
            let (plates, events) = self.axes(*a);
            let all: Vec<Var> = plates.into_iter().chain(events).collect();
            let at: Vec<(Ix, Ix)> =
                axes.iter().map(|n| (e.indices[*n].clone(), all[*n].high.clone())).collect();
            let at = scope.flat(&at);
            Some(if offset.to_string() == "0" { at } else { quote!(#offset + #at) })
        };
        let outputs = r.outputs.as_ref().map_or(quote!(1), |v| scope.index(&v.high));
        let mut fill = TokenStream::new();
        for rows in &r.rows {
            let precision = scope.poly(&rows.precision);
            let write = match &rows.source {
                RegressionSource::Moments { stat, at, design } => {
                    let field = format_ident!("{}", self.kernel.stats[*stat].name);
                    let cell = self.cell_at(&scope, *stat, at);
                    match &rows.dense {
                        Some((event, matrix, inverse)) if r.outputs.is_none() => {
                            let terms = self.known_terms(&scope, design, Some(&id));
                            let (d, high) = (scope.var(event), scope.index(&event.high));
                            let m = scope.matrix(matrix);
                            let m = if *inverse { quote!(dense::inverse(&#m)) } else { quote!(#m.clone()) };
                            quote! {
                                let mut rows = Vec::with_capacity(#high);
                                for #d in 0..#high {
                                    let mut terms = Vec::new();
                                    #terms
                                    rows.push(terms);
                                }
                                system.add_coupled(&(#m * (#precision)), stats.#field.cell(#cell), &rows);
                            }
                        }
                        _ => {
                            let terms = self.known_terms(&scope, design, Some(&id));
                            quote! {
                                let mut terms = Vec::new();
                                #terms
                                system.add_moments(#precision, stats.#field.cell(#cell), &terms);
                            }
                        }
                    }
                }
                RegressionSource::Prior { design, .. } => self.prior_row(r, rows, design, &id, precision),
            };
            let write = scope.guarded(&rows.guards, write);
            fill.extend(scope.loops(&rows.over, write));
        }
        let (read, write): (TokenStream, TokenStream) = offsets
            .iter()
            .map(|(a, _, axes)| {
                let (plates, events) = self.axes(*a);
                let all: Vec<Var> = plates.iter().chain(&events).cloned().collect();
                // Spell the element with the batch's own names.
                let elem = r
                    .rows
                    .iter()
                    .flat_map(|x| &design(x).regressors)
                    .find(|x| x.param.array == *a)
                    .map(|x| x.param.clone());
                let row = r.rows.iter().find(|x| design(x).regressors.iter().any(|y| y.param.array == *a));
                let mut indices: Vec<Ix> = vec![];
                let mut output = None;
                for (n, v) in all.iter().enumerate() {
                    let used = elem.as_ref().and_then(|e| e.indices.get(n)).and_then(Ix::as_var);
                    match used {
                        Some(u) if r.batch.contains(u) => indices.push(Ix::var(u)),
                        Some(u) if row.is_some_and(|x| self.is_output(r, x, u)) => {
                            output = Some(v.clone());
                            indices.push(Ix::var(v));
                        }
                        _ => indices.push(Ix::var(v)),
                    }
                }
                let e = Elem { array: *a, indices };
                let place = scope.elem(&e);
                let id = id(&e).unwrap_or_default();
                let o = output.as_ref().map_or(quote!(0), |v| {
                    let v = scope.var(v);
                    quote!(#v)
                });
                let mut loops: Vec<Var> = axes.iter().map(|n| all[*n].clone()).collect();
                loops.extend(output);
                let read = scope.loops(&loops, quote!(current[(#id, #o)] = #place;));
                let write = scope.loops(&loops, quote!(#place = solution.values[(#id, #o)];));
                (read, write)
            })
            .unzip();
        let names = r.arrays.iter().map(|a| self.name(*a).to_string()).collect::<Vec<_>>().join(", ");
        let inner = quote! {
            let mut system = LeastSquares::new(#total, #outputs);
            #fill
            let mut current = DMatrix::zeros(#total, #outputs);
            #read
            let solution = system.solve(&current);
            if solution.rank_deficient {
                notes.rank_deficient(#names);
            }
            #write
        };
        let body = scope.loops(&r.batch, inner);
        let clamp = self.clamp_locations(&r.arrays);
        let doc = vec![
            format!(" Updates `{names}`: weighted least squares from the moments of the data."),
            String::new(),
            " ```text".into(),
            " minimise Σ weight · (target − regressors · unknowns)²  + prior rows".into(),
            " ```".into(),
        ];
        (doc, quote!(#body #clamp))
    }

    fn clamp_locations(&self, arrays: &[ArrayId]) -> TokenStream {
        let scope = self.scope();
        arrays
            .iter()
            .filter(|a| {
                let e = &self.model.arrays[a.0].elem;
                e.min.is_some() || e.max.is_some()
            })
            .map(|a| {
                let (plates, events) = self.axes(*a);
                let all: Vec<Var> = plates.into_iter().chain(events).collect();
                let place = scope.elem(&Elem { array: *a, indices: all.iter().map(Ix::var).collect() });
                let (min, max) = self.bounds(*a);
                scope.loops(&all, quote!(#place = #place.clamp(#min, #max);))
            })
            .collect()
    }

    fn prior_row(
        &self,
        r: &Regression,
        rows: &RegressionRows,
        design: &Design,
        id: &dyn Fn(&Elem) -> Option<TokenStream>,
        precision: TokenStream,
    ) -> TokenStream {
        let scope = self.scope();
        // ρ = target − Σ coefficient · θ, every coefficient a number here.
        let target = scope.poly(&design.columns[0].value);
        let coefficient = |x: &Regressor| match x.column {
            None => {
                let c = Literal::f64_unsuffixed(x.constant.abs());
                if x.constant < 0.0 { quote!(-#c) } else { quote!(#c) }
            }
            Some(n) => scope.poly(&design.columns[n].value),
        };
        let mut unknown = TokenStream::new();
        let mut known = TokenStream::new();
        for x in &design.regressors {
            let c = coefficient(x);
            match id(&x.param) {
                Some(id) => unknown.extend(scope.loops(&x.sums, quote!(coefficients.push((#id, #c));))),
                None => {
                    let v = scope.elem(&x.param);
                    known.extend(scope.loops(&x.sums, quote!(target -= #c * #v;)));
                }
            }
        }
        match (&rows.dense, &r.outputs) {
            (Some((event, matrix, inverse)), None) => {
                let (d, high) = (scope.var(event), scope.index(&event.high));
                let m = scope.matrix(matrix);
                let m = if *inverse { quote!(dense::inverse(&#m)) } else { quote!(#m.clone()) };
                quote! {
                    let mut rows = Vec::with_capacity(#high);
                    let mut targets = Vec::with_capacity(#high);
                    for #d in 0..#high {
                        let mut coefficients = Vec::new();
                        #unknown
                        let mut target = #target;
                        #known
                        rows.push(coefficients);
                        targets.push(target);
                    }
                    system.add_coupled_row(&(#m * (#precision)), &rows, &targets);
                }
            }
            (Some((event, ..)), Some(_)) => {
                let (d, high) = (scope.var(event), scope.index(&event.high));
                quote! {
                    let mut targets = Vec::with_capacity(#high);
                    let mut coefficients = Vec::new();
                    for #d in 0..#high {
                        coefficients.clear();
                        #unknown
                        let mut target = #target;
                        #known
                        targets.push(target);
                    }
                    system.add_row(#precision, &coefficients, &targets);
                }
            }
            (None, _) => quote! {
                let mut coefficients = Vec::new();
                #unknown
                let mut target = #target;
                #known
                system.add_row(#precision, &coefficients, &[target]);
            },
        }
    }

    fn newton(
        &self,
        arrays: &[ArrayId],
        terms: &[Contribution],
    ) -> Result<(Vec<String>, TokenStream), Diagnostic> {
        let names = arrays.iter().map(|a| self.name(*a).to_string()).collect::<Vec<_>>().join(", ");
        let loc = self.model.arrays[arrays[0].0]
            .pieces
            .first()
            .map_or(self.name(arrays[0]).span().into(), |p| self.model.statements[p.0].loc);
        let refuse = || {
            mistakes::not_generated(
                loc,
                "maximising it needs a derivative that is not in the table, and",
                "hold it as a constant of the header",
            )
        };
        // Every array's elements form one vector of unknowns; where all plates agree element by element, the problem splits over them.
        let split = self.splits(arrays, terms);
        let (batch, _) = if split { self.axes(arrays[0]) } else { (vec![], vec![]) };
        let mut offsets: Vec<(ArrayId, TokenStream, Vec<Var>)> = vec![];
        let plain = self.scope();
        let mut total = quote!(0);
        for a in arrays {
            let (plates, events) = self.axes(*a);
            let own: Vec<Var> = if split { events } else { plates.into_iter().chain(events).collect() };
            let extents: Vec<_> = own.iter().map(|v| plain.index(&v.high)).collect();
            let size = if extents.is_empty() { quote!(1) } else { super::product(&extents) };
            offsets.push((*a, total.clone(), own));
            total = if total.to_string() == "0" { size } else { quote!(#total + #size) };
        }
        let plates = batch.len();
        let id = |scope: &Scope<'_>, e: &Elem| -> TokenStream {
            let Some((_, offset, own)) = offsets.iter().find(|(a, ..)| *a == e.array) else {
                return quote!(0);
            };
            let rest = if split { &e.indices[plates..] } else { &e.indices[..] };
            let at: Vec<(Ix, Ix)> = rest.iter().cloned().zip(own.iter().map(|v| v.high.clone())).collect();
            let at = scope.flat(&at);
            if offset.to_string() == "0" { at } else { quote!(#offset + #at) }
        };
        let mut scope = self.scope();
        for a in arrays {
            scope = scope.spell(*a, |scope, e| {
                let id = id(scope, e);
                quote!(x[#id])
            });
        }
        let mut code = TokenStream::new();
        for t in terms {
            // The batch's own indices stand where the term's were.
            let mut t = t.clone();
            if split {
                self.rename_batch(&mut t, arrays, &batch);
            }
            if let Source::Taylor { stat, at } = &t.source {
                let series = self.series(&plain, *stat, at, arrays, &id);
                let over: Vec<Var> = t.over.iter().filter(|v| !batch.contains(v)).cloned().collect();
                code.extend(plain.loops(&over, series));
                continue;
            }
            // Sources are at the current params, not at the trial point.
            let (setup, source) = self.source(&plain, &t.source);
            let weight = source.unwrap_or_else(|| quote!(1.0));
            let value = scope.poly(&t.coefficient);
            let mut inner = quote! {
                #setup
                let weight: f64 = #weight;
                value += weight * (#value);
            };
            for a in arrays {
                let (own_plates, own_events) = self.axes(*a);
                // Two primes, for the first derivative stands inside the term's own loops and around the second's.
                let fresh: Vec<Var> = if split {
                    own_events.iter().map(|v| twin(&twin(v))).collect()
                } else {
                    own_plates.iter().chain(&own_events).map(|v| twin(&twin(v))).collect()
                };
                let at: Vec<Ix> = if split {
                    batch.iter().chain(&fresh).map(Ix::var).collect()
                } else {
                    fresh.iter().map(Ix::var).collect()
                };
                let first = tidy(derive(&t.coefficient, *a, &at).ok_or_else(refuse)?);
                if first.is_zero() {
                    continue;
                }
                let i = id(&scope, &Elem { array: *a, indices: at.clone() });
                let g = scope.poly(&first);
                let mut second = quote!(gradient[#i] += weight * (#g););
                for b in arrays {
                    let (b_plates, b_events) = self.axes(*b);
                    let twins: Vec<Var> = if split {
                        b_events.iter().map(|v| twin(v)).collect()
                    } else {
                        b_plates.iter().chain(&b_events).map(twin).collect()
                    };
                    let at_b: Vec<Ix> = if split {
                        batch.iter().chain(&twins).map(Ix::var).collect()
                    } else {
                        twins.iter().map(Ix::var).collect()
                    };
                    let h = tidy(derive(&first, *b, &at_b).ok_or_else(refuse)?);
                    if h.is_zero() {
                        continue;
                    }
                    let j = id(&scope, &Elem { array: *b, indices: at_b.clone() });
                    let h = scope.poly(&h);
                    let add = quote!(hessian[(#i, #j)] += weight * (#h););
                    second.extend(scope.loops(&twins, add));
                }
                inner.extend(scope.loops(&fresh, second));
            }
            let inner = plain.guarded(&t.guards, inner);
            let over: Vec<Var> = t.over.iter().filter(|v| !batch.contains(v)).cloned().collect();
            code.extend(plain.loops(&over, inner));
        }
        let mut read = TokenStream::new();
        let mut write = TokenStream::new();
        for (a, _, own) in &offsets {
            let indices: Vec<Ix> = if split {
                batch.iter().chain(own).map(Ix::var).collect()
            } else {
                own.iter().map(Ix::var).collect()
            };
            let e = Elem { array: *a, indices };
            let place = plain.elem(&e);
            let n = id(&plain, &e);
            let (min, max) = self.bounds(*a);
            let domain = match self.model.arrays[a.0].elem.kind {
                ElemKind::Positive => quote!(newton::Domain::POSITIVE),
                ElemKind::Unit => quote!(newton::Domain::UNIT),
                ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..) => quote!(newton::Domain::REAL),
                ElemKind::Bool
                | ElemKind::Count
                | ElemKind::Counts(_)
                | ElemKind::Category(_)
                | ElemKind::Simplex(_)
                | ElemKind::Ordered(_)
                | ElemKind::SymPos(_) => return Err(refuse()),
            };
            read.extend(plain.loops(
                own,
                quote! {
                    start[#n] = #place;
                    domains[#n] = #domain.within(#min, #max);
                },
            ));
            write.extend(plain.loops(own, quote!(#place = found[#n];)));
        }
        let series = terms.iter().any(|t| matches!(t.source, Source::Taylor { .. }));
        let found = if series {
            quote!(let found = mode::newton_step(#names, &start, &domains, objective, damping, notes)?;)
        } else {
            quote!(let found = mode::newton(#names, &start, &domains, objective, notes)?;)
        };
        let inner = quote! {
            let mut start = vec![0.0; #total];
            let mut domains = vec![newton::Domain::REAL; #total];
            #read
            let objective = |x: &[f64]| {
                let mut value = 0.0;
                let mut gradient = DVector::zeros(#total);
                let mut hessian = DMatrix::zeros(#total, #total);
                #code
                (value, gradient, hessian)
            };
            #found
            #write
        };
        let body = plain.loops(&batch, inner);
        let doc = vec![
            format!(
                " Updates `{names}`: no closed form, so safeguarded Newton on derivatives taken when the model was compiled."
            ),
            String::new(),
            " The result is never worse than the current value.".into(),
        ];
        Ok((doc, body))
    }

    /// Adds a Taylor series that was collected at the current params.
    fn series(
        &self,
        scope: &Scope<'_>,
        stat: usize,
        at: &[Ix],
        arrays: &[ArrayId],
        id: &dyn Fn(&Scope<'_>, &Elem) -> TokenStream,
    ) -> TokenStream {
        let s = &self.kernel.stats[stat];
        let StatKind::Taylor { symbols, .. } = &s.kind else { return quote!() };
        let field = format_ident!("{}", s.name);
        let cells: Vec<_> = at.iter().map(|i| scope.index(i)).collect();
        // The symbols' cells are called as in the statistic; here they are where the sum over cells puts them.
        let place = |e: &Elem| Elem {
            array: e.array,
            indices: e
                .indices
                .iter()
                .map(|i| s.cells.iter().zip(at).fold(i.clone(), |i, (c, here)| i.substitute(&c.var, here)))
                .collect(),
        };
        let p = self.symbols_len(symbols);
        let mut out = quote!(value += stats.#field[[#(#cells,)* 0]];);
        for (n, a) in symbols.iter().enumerate().filter(|(_, a)| arrays.contains(&a.elem.array)) {
            let i = id(scope, &place(&a.elem));
            let from = self.symbol_position(symbols, n, &a.over);
            let mut inner = quote!(gradient[#i] += stats.#field[[#(#cells,)* 1 + #from]];);
            for (m, b) in symbols.iter().enumerate().filter(|(_, b)| arrays.contains(&b.elem.array)) {
                let twins: Vec<Var> = b.over.iter().map(twin).collect();
                let mut e = place(&b.elem);
                for (v, t) in b.over.iter().zip(&twins) {
                    e = e.substitute(v, &Ix::var(t));
                }
                let j = id(scope, &e);
                let to = self.symbol_position(symbols, m, &twins);
                let add =
                    quote!(hessian[(#i, #j)] += stats.#field[[#(#cells,)* 1 + #p + (#from) * (#p) + #to]];);
                inner.extend(scope.loops(&twins, add));
            }
            out.extend(scope.loops(&a.over, inner));
        }
        out
    }

    /// Whether every term reads every array at the same plate indices, each a plain index.
    fn splits(&self, arrays: &[ArrayId], terms: &[Contribution]) -> bool {
        let plates = self.model.arrays[arrays[0].0].plates.len();
        if arrays.iter().any(|a| self.model.arrays[a.0].plates.len() != plates) {
            return false;
        }
        terms.iter().all(|t| {
            let mut first: Option<Vec<Ix>> = None;
            let mut ok = true;
            t.coefficient.visit_elems(&mut |e| {
                if !arrays.contains(&e.array) {
                    return;
                }
                let here = e.indices[..plates].to_vec();
                ok &= here.iter().all(|i| i.as_var().is_some_and(|v| t.over.contains(v)));
                ok &= first.as_ref().is_none_or(|f| *f == here);
                first = Some(here);
            });
            ok
        })
    }

    fn rename_batch(&self, t: &mut Contribution, arrays: &[ArrayId], batch: &[Var]) {
        let mut from: Vec<Var> = vec![];
        t.coefficient.visit_elems(&mut |e| {
            if arrays.contains(&e.array) && from.is_empty() {
                from = e.indices[..batch.len()].iter().filter_map(|i| i.as_var().cloned()).collect();
            }
        });
        for (f, b) in from.iter().zip(batch) {
            let by = Ix::var(b);
            t.coefficient = t.coefficient.substitute(f, &by);
            t.guards = t.guards.iter().map(|g| g.substitute(f, &by)).collect();
            t.over = t.over.iter().map(|v| if v == f { b.clone() } else { v.clone() }).collect();
            match &mut t.source {
                Source::Sum { at, .. } | Source::Count { at, .. } | Source::Taylor { at, .. } => {
                    *at = at.iter().map(|i| i.substitute(f, &by)).collect()
                }
                Source::Residual { at, design, .. } => {
                    *at = at.iter().map(|i| i.substitute(f, &by)).collect();
                    for r in &mut design.regressors {
                        r.param = r.param.substitute(f, &by);
                    }
                }
                Source::Square(p) => *p = p.substitute(f, &by),
                Source::Prior => {}
            }
        }
    }
}

fn twin(v: &Var) -> Var {
    Var::new(format!("{}′", v.name), v.nominal, v.low.clone(), v.high.clone())
}

fn design(r: &RegressionRows) -> &Design {
    match &r.source {
        RegressionSource::Moments { design, .. } | RegressionSource::Prior { design, .. } => design,
    }
}
