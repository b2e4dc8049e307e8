//! M-steps without a closed form: Newton on symbolic derivatives, and steps along Taylor series.

use super::Emitter;
use super::mstep::Unknowns;
use super::scope::Scope;
use crate::density::derive::{derive, tidy};
use crate::density::interval::Interval;
use crate::density::poly::{Factor, Func, Poly};
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::diagnostics::kernel as mistakes;
use crate::kernel::{Contribution, Design, Source, StatKind};
use crate::model::ir::{ArrayId, ElemKind};
use crate::report::Diagnostic;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn newton(
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
        // Every array's elements form one vector of unknowns; over the leading plates on which all terms agree, the problem splits.
        let plates = self.splits(arrays, terms);
        let batch: Vec<Var> = self.axes(arrays[0]).0.into_iter().take(plates).collect();
        let own_axes = |a: ArrayId| -> Vec<Var> {
            let (plates_of, events) = self.axes(a);
            plates_of.into_iter().chain(events).skip(plates).collect()
        };
        let mut offsets: Vec<(ArrayId, TokenStream, Vec<Var>)> = vec![];
        let plain = self.scope();
        let mut total = quote!(0);
        for a in arrays {
            let own = own_axes(*a);
            let extents: Vec<_> = own.iter().map(|v| plain.index(&v.high)).collect();
            let size = if extents.is_empty() { quote!(1) } else { super::product(&extents) };
            offsets.push((*a, total.clone(), own));
            total = if total.to_string() == "0" { size } else { quote!(#total + #size) };
        }
        let id = |scope: &Scope<'_>, e: &Elem| -> TokenStream {
            let Some((_, offset, own)) = offsets.iter().find(|(a, ..)| *a == e.array) else {
                return quote!(0);
            };
            let at: Vec<(Ix, Ix)> =
                e.indices[plates..].iter().cloned().zip(own.iter().map(|v| v.high.clone())).collect();
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
        // A location far from its data starts where it would lie if nothing were truncated.
        let truncated = terms.iter().any(|t| reads_locations(&t.source, arrays));
        let only_whole = |code: TokenStream, part: bool| match truncated && part {
            true => quote!(if whole { #code }),
            false => code,
        };
        let mut code = TokenStream::new();
        for t in terms {
            // The batch's own indices stand where the term's were.
            let mut t = t.clone();
            self.rename_batch(&mut t, arrays, &batch);
            if let Source::Taylor { stat, at } = &t.source {
                let series = self.series(&plain, *stat, at, arrays, &id);
                let over: Vec<Var> = t.over.iter().filter(|v| !batch.contains(v)).cloned().collect();
                code.extend(only_whole(plain.loops(&over, series), true));
                continue;
            }
            let value = scope.poly(&t.coefficient);
            let unknown_locations = reads_locations(&t.source, arrays);
            let mut setup = TokenStream::new();
            let mut inner = match &t.source {
                Source::Residual { stat, at, design } if unknown_locations => {
                    let unknown = |e: &Elem| arrays.contains(&e.array).then(|| id(&plain, e));
                    let square = self.square(&plain, *stat, at, design, &unknown);
                    quote! {
                        #square
                        let (weight, factor) = (square.value, #value);
                        value += weight * factor;
                        square.add(factor, &mut gradient, &mut hessian);
                    }
                }
                source => {
                    // Other sources are at the current params, not at the trial point.
                    let (given, source) = self.source(&plain, source);
                    let weight = source.unwrap_or_else(|| quote!(1.0));
                    setup = quote! {
                        #given
                        let weight: f64 = #weight;
                    };
                    quote!(value += weight * (#value);)
                }
            };
            for a in arrays {
                // Two primes, for the first derivative stands inside the term's own loops and around the second's.
                let fresh: Vec<Var> = own_axes(*a).iter().map(|v| twin(&twin(v))).collect();
                let at: Vec<Ix> = batch.iter().chain(&fresh).map(Ix::var).collect();
                let first = tidy(derive(&t.coefficient, *a, &at).ok_or_else(refuse)?);
                if first.is_zero() {
                    continue;
                }
                let i = id(&scope, &Elem { array: *a, indices: at.clone() });
                share(&scope, &first);
                let g = scope.poly(&first);
                let mut second = quote!(gradient[#i] += weight * (#g););
                if unknown_locations {
                    second.extend(quote!(square.cross(#i, #g, &mut hessian);));
                }
                for b in arrays {
                    let twins: Vec<Var> = own_axes(*b).iter().map(twin).collect();
                    let at_b: Vec<Ix> = batch.iter().chain(&twins).map(Ix::var).collect();
                    let h = tidy(derive(&first, *b, &at_b).ok_or_else(refuse)?);
                    if h.is_zero() {
                        continue;
                    }
                    let j = id(&scope, &Elem { array: *b, indices: at_b.clone() });
                    share(&scope, &h);
                    let h = scope.poly(&h);
                    let add = quote!(hessian[(#i, #j)] += weight * (#h););
                    second.extend(scope.loops(&twins, add));
                }
                inner.extend(scope.loops(&fresh, second));
            }
            // Derivatives of an interval's probability stand in several places and are computed once.
            let shared = scope.locals.replace(vec![]);
            let lets = shared.iter().map(|(f, name)| {
                let value = scope.poly(&Poly::factor(f.clone()));
                quote!(let #name = #value;)
            });
            // What never happens has the logarithm of a structural zero, and counts nothing: 0 · log 0 = 0.
            if !setup.is_empty() && has_structural_zero(&t.coefficient) {
                inner = quote!(if weight != 0.0 { #inner });
            }
            let inner = plain.guarded(&t.guards, quote!(#(#lets)* #setup #inner));
            let over: Vec<Var> = t.over.iter().filter(|v| !batch.contains(v)).cloned().collect();
            code.extend(only_whole(plain.loops(&over, inner), has_interval(&t.coefficient)));
        }
        let mut read = TokenStream::new();
        let mut write = TokenStream::new();
        for (a, _, own) in &offsets {
            let indices: Vec<Ix> = batch.iter().chain(own).map(Ix::var).collect();
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
        let found = match (truncated, series) {
            (false, true) => {
                quote!(let found = mode::newton_step(#names, &start, &domains, objective, damping, notes)?;)
            }
            (false, false) => quote!(let found = mode::newton(#names, &start, &domains, objective, notes)?;),
            (true, true) => {
                quote!(let found = mode::truncated_step(#names, &start, &domains, objective, damping, notes)?;)
            }
            (true, false) => {
                quote!(let found = mode::truncated(#names, &start, &domains, objective, notes)?;)
            }
        };
        let whole = truncated.then(|| quote!(, whole: bool));
        let inner = quote! {
            let mut start = vec![0.0; #total];
            let mut domains = vec![newton::Domain::REAL; #total];
            #read
            let objective = |x: &[f64] #whole| {
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

    /// `square`: Σ weight · ρ² as a function of the unknown locations at a trial point.
    fn square(
        &self,
        scope: &Scope<'_>,
        stat: usize,
        at: &[Ix],
        design: &Design,
        unknown: &Unknowns<'_>,
    ) -> TokenStream {
        let field = format_ident!("{}", self.kernel.stats[stat].name);
        let cell = self.cell_at(scope, stat, at);
        let terms = self.known_terms(scope, design, Some(unknown));
        quote! {
            let mut terms = Vec::new();
            #terms
            let square = quadratic::residual(stats.#field.cell(#cell), &terms, x);
        }
    }

    /// Adds a Taylor series that was collected at the current params.
    pub(super) fn series(
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

    /// The number of leading plates at which every term reads every array alike: at plain indices of its own that run over all of them.
    pub(super) fn splits(&self, arrays: &[ArrayId], terms: &[Contribution]) -> usize {
        let plates = |a: &ArrayId| &self.model.arrays[a.0].plates;
        let mut shared = arrays.iter().map(|a| plates(a).len()).min().unwrap_or(0);
        for t in terms {
            let mut first: Option<Vec<Ix>> = None;
            let mut see = |e: &Elem| {
                if !arrays.contains(&e.array) {
                    return;
                }
                let whole = |(n, i): (usize, &Ix)| {
                    let high = length(&plates(&e.array)[n].length, &e.indices);
                    let whole = |v: &Var| t.over.contains(v) && v.low == Ix::constant(0) && v.high == high;
                    // A diagonal runs over no two indices.
                    !e.indices[..n].contains(i) && i.as_var().is_some_and(whole)
                };
                shared = e.indices[..shared].iter().enumerate().take_while(|at| whole(*at)).count();
                if let Some(first) = &first {
                    shared = e.indices[..shared].iter().zip(first).take_while(|(i, f)| i == f).count();
                }
                first = Some(e.indices[..shared].to_vec());
            };
            t.coefficient.visit_elems(&mut see);
            locations(&t.source).for_each(see);
        }
        // Of an array that is read symmetrically, one unknown stands in two rows.
        let in_part = |a: &ArrayId| shared < plates(a).len() && self.model.arrays[a.0].symmetric;
        if arrays.iter().any(in_part) { 0 } else { shared }
    }

    pub(super) fn rename_batch(&self, t: &mut Contribution, arrays: &[ArrayId], batch: &[Var]) {
        let mut from: Vec<Var> = vec![];
        let mut see = |e: &Elem| {
            if arrays.contains(&e.array) && from.is_empty() {
                from = e.indices[..batch.len()].iter().filter_map(|i| i.as_var().cloned()).collect();
            }
        };
        t.coefficient.visit_elems(&mut see);
        locations(&t.source).for_each(see);
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
                        for e in &mut r.others {
                            *e = e.substitute(f, &by);
                        }
                    }
                }
                Source::Square { rho, .. } => *rho = rho.substitute(f, &by),
                // Newton's steps have no forms of vectors.
                Source::Prior | Source::Form { .. } | Source::PriorForm { .. } => {}
            }
        }
    }
}

/// The params in the residual whose square a term multiplies.
fn locations(s: &Source) -> impl Iterator<Item = &Elem> {
    let design = match s {
        Source::Residual { design, .. } => Some(design),
        Source::Prior
        | Source::Sum { .. }
        | Source::Count { .. }
        | Source::Square { .. }
        | Source::Form { .. }
        | Source::PriorForm { .. }
        | Source::Taylor { .. } => None,
    };
    design.into_iter().flat_map(|d| &d.regressors).flat_map(|r| r.elems())
}

/// Gives every derivative of an interval's probability in a polynomial a name of its own.
fn share(scope: &Scope<'_>, p: &Poly) {
    let mut shared = scope.locals.borrow_mut();
    for (f, _) in p.0.iter().flat_map(|t| &t.factors) {
        let derivative = matches!(
            f,
            Factor::Apply(Func::PhiIntervalSlope | Func::IntervalSlope(..) | Func::IntervalCurvature(..), _)
        );
        if derivative && !shared.iter().any(|(g, _)| g == f) {
            let name = format_ident!("f{}", shared.len());
            shared.push((f.clone(), name));
        }
    }
}

fn has_interval(p: &Poly) -> bool {
    p.0.iter().flat_map(|t| &t.factors).any(
        |(f, _)| matches!(f, Factor::Apply(g, _) if *g == Func::LogPhiInterval || Interval::of(*g).is_some()),
    )
}

fn reads_locations(s: &Source, arrays: &[ArrayId]) -> bool {
    locations(s).any(|e| arrays.contains(&e.array))
}

fn twin(v: &Var) -> Var {
    Var::new(format!("{}′", v.name), v.nominal, v.low.clone(), v.high.clone())
}

/// A logarithm of what is nothing under some conditions on indices.
fn has_structural_zero(p: &Poly) -> bool {
    p.0.iter().flat_map(|t| &t.factors).any(|(f, _)| match f {
        Factor::Apply(Func::Log, args) => args.iter().any(|a| {
            let conditional = |t: &crate::density::poly::Term| {
                t.factors.iter().any(|(f, _)| matches!(f, Factor::Iverson(_)))
            };
            !a.0.is_empty() && a.0.iter().all(conditional)
        }),
        Factor::Apply(_, args) => args.iter().any(has_structural_zero),
        Factor::Paren(p) | Factor::Product(_, _, p) => has_structural_zero(p),
        Factor::Index(_)
        | Factor::Elem(_)
        | Factor::LogDet(_)
        | Factor::Inverse(..)
        | Factor::Gram(..)
        | Factor::Iverson(_)
        | Factor::Infinity => false,
    })
}
