//! Where params begin: neutral values, what is set and what is not, `init`, probabilities of latents.

use super::Emitter;
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::model::ir::{ArrayId, ElemKind, IndexTerm};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emitter<'_> {
    /// A value that breaks no bound: 0, 1, ½, the middle of a simplex, the identity.
    pub(super) fn neutral_value(&self, a: ArrayId) -> TokenStream {
        let scope = self.scope();
        let array = &self.model.arrays[a.0];
        let plates = self.plates_of(a);
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
                let operand = super::operand(&d);
                quote!(DVector::from_element(#d, 1.0 / #operand as f64))
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

    pub(super) fn neutral_fn(&self) -> TokenStream {
        let open = self.open();
        let fields = self.params().into_iter().map(|a| {
            let n = self.name(a);
            let v = self.neutral_value(a);
            quote!(#n: #v)
        });
        let globals = self.globals_type();
        let make = if self.has_globals() {
            let shapes = self.unset_shapes();
            let priors = self.at_priors().unwrap_or_default();
            quote! {
                let mut params = Globals { #(#fields,)* #shapes };
                let mut notes = Notes::default();
                let notes = &mut notes;
                #priors
            }
        } else {
            quote!(let params = Params { #(#fields),* };)
        };
        quote! {
            fn neutral(&self, context: &Context<'_>, given: &#globals) -> Result<#globals, Error> {
                #open
                #make
                Ok(Self::overlay(given, params))
            }
        }
    }

    pub(super) fn overlay_fn(&self) -> TokenStream {
        let globals = self.globals_type();
        let mut params = self.params();
        params.extend(self.points());
        params.extend(self.random());
        let fields: Vec<TokenStream> = params
            .iter()
            .map(|a| {
                let n = self.name(*a);
                let unset = self.is_unset(*a, quote!(given.#n));
                quote!(#n: if #unset { fitted.#n } else { given.#n.clone() })
            })
            .collect();
        // A location that is given as a point has no spread until its first update.
        let covs: TokenStream = self
            .gaussians()
            .iter()
            .map(|g| {
                let f = &g.field;
                let law = g.law.as_ref().map(|l| {
                    let n = self.name(g.regression.arrays[0]);
                    let unset = self.is_unset(g.regression.arrays[0], quote!(given.#n));
                    quote!(#l: if #unset || given.#l.is_empty() { fitted.#l } else { given.#l.clone() },)
                });
                let given = g.regression.arrays.iter().map(|a| {
                    let n = self.name(*a);
                    let unset = self.is_unset(*a, quote!(given.#n));
                    quote!(!#unset)
                });
                quote! {
                    #f: if !given.#f.is_empty() {
                        given.#f.clone()
                    } else if #(#given)&&* {
                        fitted.#f.iter().map(SharedCovariance::of_points).collect()
                    } else {
                        fitted.#f
                    },
                    #law
                }
            })
            .collect();
        let complete: Vec<TokenStream> = params
            .iter()
            .map(|a| {
                let n = self.name(*a);
                let unset = self.is_unset(*a, quote!(params.#n));
                quote!(!#unset)
            })
            .collect();
        let complete = if complete.is_empty() { quote!(true) } else { quote!(#(#complete)&&*) };
        let set: Vec<TokenStream> = params
            .iter()
            .map(|a| {
                let n = self.name(*a);
                let unset = self.is_unset(*a, quote!(params.#n));
                quote!(!#unset)
            })
            .collect();
        let set = if set.is_empty() { quote!(false) } else { quote!(#(#set)||*) };
        quote! {
            fn is_complete(params: &#globals) -> bool {
                #complete
            }

            fn is_set(params: &#globals) -> bool {
                #set
            }

            fn overlay(given: &#globals, fitted: #globals) -> #globals {
                #globals { #(#fields,)* #covs }
            }
        }
    }

    pub(super) fn posterior_fn(&self) -> TokenStream {
        let open = self.open();
        let scope = self.scope();
        let mut fields = TokenStream::new();
        let mut latents = TokenStream::new();
        let mut empties = TokenStream::new();
        let mut from = TokenStream::new();
        let mut started = TokenStream::new();
        for (index, c) in self.kernel.components.iter().enumerate() {
            let i = Literal::usize_unsuffixed(index);
            let unit = self.unit_at(index, c, quote!(unit));
            let mut marginals = TokenStream::new();
            for (n, l) in c.locals.iter().enumerate().filter(|(_, l)| l.back == 0) {
                let name = self.name(l.array);
                let states = scope.index(&l.state.high);
                let inner: Vec<_> = c.locals[n + 1..].iter().map(|l| scope.index(&l.state.high)).collect();
                let inner = if inner.is_empty() { quote!(1) } else { super::product(&inner) };
                let marginal = if c.locals.len() == 1 {
                    quote!(tables[#i].clone())
                } else {
                    quote!(tables[#i].marginal(#states, #inner))
                };
                let spread = |table: TokenStream| match c.guards.is_empty() {
                    true => table,
                    false => {
                        let guards = c.guards.iter().map(|g| scope.cond(g));
                        let exists = scope.loops(&c.unit, quote!(exists.push(#(#guards)&&*);));
                        quote!({ let mut exists = Vec::new(); #exists #table.spread(&exists) })
                    }
                };
                let marginal = spread(marginal);
                let own_unit = &c.unit[..c.unit.len() - usize::from(l.lasts)];
                let nest = |table: TokenStream| match c.unit.as_slice() {
                    [outer, second] => {
                        let (o, high, len) =
                            (scope.var(outer), scope.index(&outer.high), scope.index(&second.high));
                        match self.outlasts(c) {
                            true => quote!(#table.nested_in((0..#high).map(|#o| (#len, #len.max(1))))),
                            false => quote!(#table.nested((0..#high).map(|#o| #len))),
                        }
                    }
                    [axis] if self.outlasts(c) => {
                        let len = scope.index(&axis.high);
                        quote!(#table.nested_in([(#len, #len.max(1))]).remove(0))
                    }
                    _ => table,
                };
                let whole = |table: TokenStream| match c.unit.as_slice() {
                    [outer, _] if self.outlasts(c) => {
                        let (o, high, units) =
                            (scope.var(outer), scope.index(&outer.high), self.units_along(c));
                        quote!(#table.nested_in((0..#high).map(|#o| (#units, #units))))
                    }
                    _ if self.outlasts(c) => table,
                    _ => nest(table),
                };
                // What all units of a sequence share, the last one knows best: before the data are smoothed, by all of them.
                let nested = match (l.lasts, c.unit.split_last()) {
                    (true, Some((axis, outer))) => {
                        let length = match self.outlasts(c) {
                            true => self.units_along(c),
                            false => scope.index(&axis.high),
                        };
                        let ends = match outer {
                            [] => quote!([#length]),
                            [s, ..] => {
                                let (o, high) = (scope.var(s), scope.index(&s.high));
                                quote!((0..#high).map(|#o| #length))
                            }
                        };
                        quote!(#marginal.at_ends(#ends))
                    }
                    (false, _) | (true, None) => nest(marginal),
                };
                fields.extend(quote!(#name: #nested,));
                if n == 0
                    && let Some(joint) = self.joint_field(c)
                {
                    let table = quote!(tables[#i].clone());
                    let table = whole(spread(table));
                    fields.extend(quote!(#joint: #table,));
                }
                let at: Vec<_> = own_unit.iter().map(|v| scope.var(v)).collect();
                let is_bool = matches!(self.model.arrays[l.array.0].elem.kind, ElemKind::Bool);
                let extents: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
                let value = self.digit(l.array, n, &extents, quote!(state));
                let operand = super::operand(&states);
                let digit = super::impute::digit_of(n, &extents, quote!(state));
                let plates = self.plates_of(l.array);
                let zero = if is_bool { quote!(false) } else { quote!(0) };
                let empty = plates.iter().rev().fold(zero, |inner, v| {
                    let (n, high) = (scope.var(v), scope.index(&v.high));
                    quote!((0..#high).map(|#n| #inner).collect::<Vec<_>>())
                });
                empties.extend(quote!(#name: #empty,));
                let set = quote!(latents.#name #([#at])* = #value;);
                let set = match self.unit_is_there(c).filter(|_| !l.lasts) {
                    Some(there) => quote!(if #there { #set }),
                    None => set,
                };
                latents.extend(quote! {
                    for (unit, &state) in states[#i].iter().enumerate() {
                        #unit
                        #set
                    }
                });
                let row = |values: TokenStream| {
                    if is_bool {
                        quote!(&#values.iter().map(|&v| usize::from(v)).collect::<Vec<_>>())
                    } else {
                        values
                    }
                };
                let one_hot = match own_unit.len() {
                    0 => {
                        let v =
                            if is_bool { quote!(usize::from(latents.#name)) } else { quote!(latents.#name) };
                        quote!(Categories::one_hot(&[#v], #states))
                    }
                    1 => {
                        let values =
                            if is_bool { row(quote!(latents.#name)) } else { quote!(&latents.#name) };
                        quote!(Categories::one_hot(#values, #states))
                    }
                    _ => {
                        let values = row(quote!(row));
                        quote!(latents.#name.iter().map(|row| Categories::one_hot(#values, #states)).collect())
                    }
                };
                from.extend(quote!(#name: #one_hot,));
                // A start from probabilities; what is observed overrules it.
                let given = match own_unit {
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
                    let there = self.unit_is_there(c).filter(|_| !l.lasts).map(|there| quote!(#there &&));
                    quote! {
                        if #there let Some(known) = data.#name.get(#(#at),*) {
                            own = (0..#states).map(|s| f64::from(u8::from(s == #known))).collect();
                            begun = true;
                        }
                    }
                } else {
                    quote!()
                };
                marginals.extend(quote! {
                    let mut own = vec![1.0 / #operand as f64; #states];
                    #init
                    if let Some(probs) = #given {
                        check::size_is("the start", probs.len(), "categories", "its latent", #states)?;
                        own = probs.to_vec();
                        begun = true;
                    }
                    #observed
                    for (state, p) in out.iter_mut().enumerate() {
                        *p *= own[#digit];
                    }
                });
            }
            self.normal_values(c, &mut fields, &mut empties, &mut from);
            if !c.locals.is_empty() {
                started.extend(quote! {
                    #i => {
                        #unit
                        out.fill(1.0);
                        #marginals
                    }
                });
            }
        }
        for i in self.kernel.components.iter().flat_map(|c| &c.integrated) {
            let name = self.name(i.array);
            let plates = self.plates_of(i.array);
            let unset = self.nest(&plates, quote!(Marginal::Unset));
            fields.extend(quote!(#name: #unset,));
            let value = match &i.event {
                Some(_) => quote!(DVector::zeros(0)),
                None => quote!(f64::NAN),
            };
            let empty = self.nest(&plates, value);
            empties.extend(quote!(#name: #empty,));
        }
        let shared_values = self.shared_values();
        let hidden = self.kernel.components.iter().map(|c| c.arrays().len()).sum::<usize>();
        let other = (hidden < self.hidden().len()).then(|| quote!(..Latents::default()));
        let joint = self.kernel.components.iter().any(|c| c.locals.len() > 1);
        let rest = (!self.imputed().is_empty() || hidden < self.hidden().len())
            .then(|| quote!(..Posterior::default()));
        // Values say nothing of what is integrated out.
        let unknown = if joint || !self.model.integrated.is_empty() {
            Some(quote!(..Posterior::default()))
        } else {
            rest.clone()
        };
        let made = if shared_values.is_empty() {
            quote!(Ok(Posterior { #from #unknown }))
        } else {
            quote! {
                let mut posterior = Posterior { #from #unknown };
                #shared_values
                Ok(posterior)
            }
        };
        let begun = if started.is_empty() {
            quote!(Ok(false))
        } else {
            quote! {
                #open
                let mut begun = false;
                match component {
                    #started
                    _ => {}
                }
                Ok(begun)
            }
        };
        quote! {
            fn posterior(&self, context: &Context<'_>, tables: Vec<Categories>) -> Posterior {
                #open
                Posterior { #fields #rest }
            }

            fn latents(&self, context: &Context<'_>, states: &[Vec<usize>]) -> Latents {
                #open
                let mut latents = Latents { #empties #other };
                #latents
                latents
            }

            fn posterior_of_values(&self, context: &Context<'_>, latents: &Latents) -> Result<Posterior, Error> {
                #open
                #made
            }

            fn started(&self, context: &Context<'_>, component: usize, unit: usize, given: &Posterior, out: &mut [f64]) -> Result<bool, Error> {
                #begun
            }
        }
    }

    /// Fresh indices over the plates of an array, called as in its declaration.
    pub(super) fn plates_of(&self, a: ArrayId) -> Vec<Var> {
        let array = &self.model.arrays[a.0];
        let mut vars: Vec<Var> = vec![];
        for (n, x) in array.plates.iter().enumerate() {
            let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
            let declared = array.pieces.iter().find_map(|p| {
                let target = self.model.statements[p.0].target.get(n)?;
                let [(1, IndexTerm::Bound(id))] = target.terms.as_slice() else { return None };
                Some(self.model.indices[id.0].name.to_string())
            });
            let name = declared.filter(|name| vars.iter().all(|v| v.name != *name));
            let name = name.unwrap_or_else(|| format!("i{n}"));
            vars.push(Var::new(name, x.nominal, Ix::constant(0), length(&x.length, &at)));
        }
        vars
    }

    /// `init { z[n] = … }` of a latent: its probabilities, or its category.
    pub(super) fn init_probabilities(&self, a: ArrayId, at: &[proc_macro2::Ident]) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for init in self.model.init.iter().filter(|i| i.array == a) {
            let lower = crate::density::lower::Lower::direct(self.model);
            let mut binds = TokenStream::new();
            for (i, name) in init.target.iter().zip(at) {
                if let [(1, IndexTerm::Bound(b))] = i.terms.as_slice() {
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

    pub(super) fn init_fn(&self) -> TokenStream {
        let open = self.open();
        let scope = self.scope();
        let mut set = TokenStream::new();
        let mut values = TokenStream::new();
        let mut seen: Vec<ArrayId> = vec![];
        for init in self.model.init.iter().filter(|i| {
            crate::kernel::is_param(self.model, i.array) && !super::expectation::has_law(self.model, i.array)
        }) {
            let n = self.name(init.array);
            if !seen.contains(&init.array) {
                seen.push(init.array);
                let neutral = self.neutral_value(init.array);
                values.extend(quote!(#n: #neutral,));
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
        let globals = self.globals_type();
        let all =
            seen.len() == self.params().len() && !self.hidden().iter().any(|a| self.is_shared_latent(*a));
        let rest = (!all).then(|| quote!(..#globals::default()));
        let init = (!set.is_empty()).then(|| {
            quote! {
                fn init(&self, context: &Context<'_>) -> Result<#globals, Error> {
                    #open
                    let mut params = #globals { #values #rest };
                    #set
                    Ok(params)
                }
            }
        });
        let latents: Vec<Literal> = latents.collect();
        let inits = (!latents.is_empty()).then(|| {
            quote! {
                fn inits_latents(&self, component: usize) -> bool {
                    [#(#latents),*].contains(&component)
                }
            }
        });
        quote!(#init #inits)
    }
}
