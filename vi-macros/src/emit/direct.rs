//! The log-joint as it was written: each distribution's own density at the values of its arguments. No algebra was done on it.

use super::Emitter;
use super::scope::Scope;
use crate::density::lower::{Finite, Lower, is_hidden, rank};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, Var, length};
use crate::families::{Argument, Written};
use crate::model::ir::{Dist, ElemKind, Expr, FamilyCall, Role, Statement};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// What is done with the distribution of an element.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Use {
    Density,
    /// The density of what is held at a point.
    Prior,
    Draw,
    /// Its moments or probabilities, added to a mixture.
    Mixture,
}

impl Emitter<'_> {
    /// Σ log p over the statements that `pick` takes.
    pub fn density_sum(&self, pick: impl Fn(&Statement) -> bool) -> TokenStream {
        let mut out = TokenStream::new();
        for s in self.model.statements.iter().filter(|s| s.dist.is_some() && pick(s)) {
            out.extend(self.statement(s, Use::Density));
        }
        out
    }

    /// Σ log p over the statements of params and of points.
    pub fn prior_sum(&self, params: bool) -> TokenStream {
        let points = self.points();
        let prior = |s: &&Statement| params && s.role == Role::Param || points.contains(&s.array);
        self.model
            .statements
            .iter()
            .filter(|s| s.dist.is_some())
            .filter(prior)
            .map(|s| self.statement(s, Use::Prior))
            .collect()
    }

    /// Code that sees latents, and for a draw the data drawn so far.
    pub(super) fn direct_scope(&self, how: Use) -> Scope<'_> {
        let mut scope = self.scope();
        scope.by_value = how != Use::Prior;
        for a in self.hidden() {
            if self.model.arrays[a.0].role != Role::Latent {
                scope = scope.spell(a, move |scope, e| {
                    let at: Vec<TokenStream> = e.indices.iter().map(|i| scope.index(i)).collect();
                    let n = scope.array(a);
                    scope.nested(quote!(latents.#n), a, &at)
                });
            }
        }
        if how == Use::Draw {
            for a in self.observed() {
                if !is_hidden(self.model, a) || self.model.arrays[a.0].role != Role::Latent {
                    scope = scope.spell(a, move |scope, e| {
                        let at: Vec<TokenStream> = e.indices.iter().map(|i| scope.index(i)).collect();
                        self.stored(a, &at)
                    });
                }
            }
        }
        scope
    }

    pub(super) fn statement(&self, s: &Statement, how: Use) -> TokenStream {
        let scope = self.direct_scope(how);
        let lower = Lower::direct(self.model);
        let vars: Vec<Var> = s.binds.iter().map(|b| lower.bind(*b)).collect();
        lower.plates.replace(vars.clone());
        let target = Elem { array: s.array, indices: s.target.iter().map(|i| lower.index(i)).collect() };
        let guards: Vec<Cond> = s.guards.iter().filter_map(|g| lower.cond(g).ok()).collect();
        let weight: Vec<_> = s
            .repeat
            .iter()
            .map(|a| {
                scope.elem(&Elem {
                    array: a.array,
                    indices: a.indices.iter().map(|i| lower.index(i)).collect(),
                })
            })
            .collect();
        let body = self.arms(&scope, &lower, s, &target, how, &weight);
        let body = scope.loops(&vars, scope.guarded(&guards, body));
        let array = &self.model.arrays[s.array.0];
        if how == Use::Density && self.may_be_absent(s.array) && !array.missing {
            let name = &array.name;
            return quote!(if !data.#name.is_absent() { #body });
        }
        body
    }

    /// The distribution of an element, whichever arm of a `match` it is.
    pub(super) fn arms(
        &self,
        scope: &Scope<'_>,
        lower: &Lower<'_>,
        s: &Statement,
        target: &Elem,
        how: Use,
        weight: &[TokenStream],
    ) -> TokenStream {
        match s.dist.as_ref() {
            Some(Dist::Family(call)) => self.call(scope, lower, s, call, target, how, weight),
            Some(Dist::Match { on, arms, .. }) => {
                let Ok(on) = lower.finite(on) else { return TokenStream::new() };
                let mut out = TokenStream::new();
                for (n, arm) in arms.iter().enumerate() {
                    let inner = self.call(scope, lower, s, &arm.call, target, how, weight);
                    let cond = arm.value.map(|v| {
                        let c = match &on {
                            Finite::Index(i) => Cond::Compare(Cmp::Eq, i.clone(), Ix::constant(v as i64)),
                            Finite::Cond(c) if v == 1 => c.clone(),
                            Finite::Cond(c) => Cond::Not(Box::new(c.clone())),
                        };
                        scope.cond(&c)
                    });
                    let last = n + 1 == arms.len();
                    out.extend(match (cond, n, last) {
                        (Some(c), 0, _) => quote!(if #c { #inner }),
                        (Some(c), _, false) => quote!(else if #c { #inner }),
                        (_, 0, _) => quote!({ #inner }),
                        (_, _, _) => quote!(else { #inner }),
                    });
                }
                out
            }
            None => TokenStream::new(),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one element and everything its distribution is made of")]
    pub(super) fn call(
        &self,
        scope: &Scope<'_>,
        lower: &Lower<'_>,
        s: &Statement,
        call: &FamilyCall,
        target: &Elem,
        how: Use,
        weight: &[TokenStream],
    ) -> TokenStream {
        let array = &self.model.arrays[s.array.0];
        let Some(law) = self.law(scope, lower, call, target, &array.elem.kind) else {
            return TokenStream::new();
        };
        let name = self.name(s.array);
        let weight = if weight.is_empty() { quote!() } else { quote!(#(#weight *)*) };
        let axes: Vec<Var> = {
            let mut vars: Vec<Var> = vec![];
            for x in array.elem.kind.axes() {
                let fallback = if vars.is_empty() { "d" } else { "e" };
                let mut v = lower.axis(x, &target.indices, fallback);
                if vars.iter().any(|u| u.name == v.name) {
                    v = Var::new(format!("{}′", v.name), v.nominal, v.low.clone(), v.high.clone());
                }
                vars.push(v);
            }
            vars
        };
        let element = |extra: &[Ix]| {
            let mut indices = target.indices.clone();
            indices.extend_from_slice(extra);
            Elem { array: target.array, indices }
        };
        match how {
            Use::Density | Use::Prior => {
                let missing = array.missing && !is_hidden(self.model, s.array);
                let vector = |map: TokenStream| {
                    let (v, high) = (scope.var(&axes[0]), scope.index(&axes[0].high));
                    quote!((0..#high).map(|#v| #map).collect::<Vec<_>>())
                };
                match &array.elem.kind {
                    ElemKind::Vector(_) if missing => {
                        // The law of the components that are there.
                        let v = scope.var(&axes[0]);
                        let raw = scope.raw(&element(&[Ix::var(&axes[0])]));
                        quote!(total += #weight #law.log_density_of(|#v| #raw);)
                    }
                    ElemKind::Vector(_) | ElemKind::Simplex(_) | ElemKind::Ordered(_) => {
                        let value = vector(scope.raw(&element(&[Ix::var(&axes[0])])));
                        quote!(total += #weight #law.log_density(&#value);)
                    }
                    ElemKind::Counts(_) => {
                        let value = vector(scope.raw(&element(&[Ix::var(&axes[0])])));
                        quote!(total += #weight #law.log_density(&#value);)
                    }
                    ElemKind::SymPos(_) | ElemKind::Matrix(..) => {
                        let m = crate::density::poly::MatrixRef {
                            array: s.array,
                            plates: target.indices.clone(),
                            dim: axes[0].high.clone(),
                            cholesky: false,
                        };
                        let m = scope.matrix(&m);
                        quote!(total += #weight #law.log_density(&#m);)
                    }
                    ElemKind::Real
                    | ElemKind::Positive
                    | ElemKind::Unit
                    | ElemKind::Bool
                    | ElemKind::Count
                    | ElemKind::Category(_) => {
                        let raw = scope.raw(target);
                        if missing {
                            quote!(if let Some(value) = #raw { total += #weight #law.log_density(value); })
                        } else {
                            quote!(total += #weight #law.log_density(#raw);)
                        }
                    }
                }
            }
            Use::Mixture => match &array.elem.kind {
                ElemKind::Bool => quote!(mixture.add_finite(probability, 2, &#law);),
                ElemKind::Category(x) => {
                    let extent = scope.index(&length(&x.length, &target.indices));
                    quote!(mixture.add_finite(probability, #extent, &#law);)
                }
                // What is there of a vector says something of the rest, where its scale joins them.
                ElemKind::Vector(_) if array.missing && self.is_gapped(s.array) => {
                    let v = scope.var(&axes[0]);
                    let raw = scope.raw(&element(&[Ix::var(&axes[0])]));
                    quote!(mixture.add_given(probability, &#law, |#v| #raw);)
                }
                ElemKind::Real
                | ElemKind::Positive
                | ElemKind::Unit
                | ElemKind::Count
                | ElemKind::Counts(_)
                | ElemKind::Simplex(_)
                | ElemKind::Ordered(_)
                | ElemKind::Vector(_)
                | ElemKind::Matrix(..)
                | ElemKind::SymPos(_) => quote!(mixture.add(probability, &#law);),
            },
            Use::Draw => {
                let text = name.to_string();
                let at: Vec<_> = target.indices.iter().map(|i| scope.index(i)).collect();
                let place = |extra: &[Ix]| {
                    let e = element(extra);
                    let at: Vec<TokenStream> = e.indices.iter().map(|i| scope.index(i)).collect();
                    if s.role == Role::Observed && !is_hidden(self.model, s.array) {
                        (self.stored(s.array, &at), None)
                    } else {
                        let n = &name;
                        let latent = scope.nested(quote!(latents.#n), s.array, &at);
                        let also = (s.role == Role::Observed).then(|| self.stored(s.array, &at));
                        (latent, also)
                    }
                };
                let draw = quote!(#law.sample(&mut rng::stream(seed, #text, &[#(#at),*])));
                match &array.elem.kind {
                    ElemKind::Vector(_)
                    | ElemKind::Simplex(_)
                    | ElemKind::Ordered(_)
                    | ElemKind::Counts(_) => {
                        let v = &axes[0];
                        let (n, high) = (scope.var(v), scope.index(&v.high));
                        let (to, _) = place(&[Ix::var(v)]);
                        quote!(let draw = #draw; for #n in 0..#high { #to = draw[#n]; })
                    }
                    ElemKind::SymPos(_) | ElemKind::Matrix(..) => {
                        let (v, w) = (&axes[0], &axes[1]);
                        let (to, _) = place(&[Ix::var(v), Ix::var(w)]);
                        let (n, m) = (scope.var(v), scope.var(w));
                        let body = scope.loops(&axes, quote!(#to = draw[(#n, #m)];));
                        quote!(let draw = #draw; #body)
                    }
                    ElemKind::Real
                    | ElemKind::Positive
                    | ElemKind::Unit
                    | ElemKind::Bool
                    | ElemKind::Count
                    | ElemKind::Category(_) => {
                        let (to, also) = place(&[]);
                        let also = also.map(|a| quote!(#a = #to;));
                        quote!(#to = #draw; #also)
                    }
                }
            }
        }
    }

    /// The distribution at the values of its arguments: `dist::Gamma::shape_rate(a, b)`.
    pub(super) fn law(
        &self,
        scope: &Scope<'_>,
        lower: &Lower<'_>,
        call: &FamilyCall,
        target: &Elem,
        kind: &ElemKind,
    ) -> Option<TokenStream> {
        let arg = |n: &str| call.arg(n);
        let scalar = |e: &Expr| lower.component(e, &[]).map_or_else(|_| quote!(f64::NAN), |p| scope.poly(&p));
        let event = kind.axes().first().map(|x| (*x).clone());
        let states = match kind {
            ElemKind::Category(x) => Some(x.clone()),
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => event.clone(),
        };
        // A vector of the size of the value; a scalar is repeated.
        let vector = |e: &Expr| {
            let Some(x) = &states else { return quote!(vec![]) };
            let v = lower.axis(x, &target.indices, "d");
            let (n, high) = (scope.var(&v), scope.index(&v.high));
            let p = lower.component(e, &[Ix::var(&v)]).map_or_else(|_| quote!(f64::NAN), |p| scope.poly(&p));
            quote!((0..#high).map(|#n| #p).collect::<Vec<f64>>())
        };
        let matrix = |e: &Expr| {
            let Some(x) = &event else { return quote!(DMatrix::zeros(0, 0)) };
            let d = lower.axis(x, &target.indices, "d");
            let e2 = Var::new(format!("{}′", d.name), d.nominal, d.low.clone(), d.high.clone());
            let (n, m, high) = (scope.var(&d), scope.var(&e2), scope.index(&d.high));
            let at = [Ix::var(&d), Ix::var(&e2)];
            let entry = match rank(&e.ty) {
                2 => lower.component(e, &at).map_or_else(|_| quote!(f64::NAN), |p| scope.poly(&p)),
                1 => {
                    let p =
                        lower.component(e, &at[..1]).map_or_else(|_| quote!(f64::NAN), |p| scope.poly(&p));
                    quote!(if #n == #m { #p } else { 0.0 })
                }
                _ => {
                    let p = scalar(e);
                    quote!(if #n == #m { #p } else { 0.0 })
                }
            };
            quote!(DMatrix::from_fn(#high, #high, |#n, #m| #entry))
        };
        let given: Vec<(&'static str, usize)> = call.args.iter().map(|(n, e)| (*n, rank(&e.ty))).collect();
        let written = Written { args: &given, event: event.is_some(), finite: kind.is_finite() };
        let made = (call.family.constructor?)(&written);
        let args = made.args.iter().map(|a| match a {
            Argument::Scalar(n) => arg(n).map_or(quote!(f64::NAN), scalar),
            Argument::Count(n) => {
                let x = arg(n).map_or(quote!(f64::NAN), scalar);
                quote!((#x) as u64)
            }
            Argument::Vector(n) => {
                let x = arg(n).map_or(quote!(vec![]), vector);
                quote!(&#x)
            }
            Argument::Matrix(n) => {
                let x = arg(n).map_or(quote!(DMatrix::zeros(0, 0)), matrix);
                quote!(&#x)
            }
            Argument::States => match kind {
                ElemKind::Category(x) => scope.index(&length(&x.length, &target.indices)),
                ElemKind::Real
                | ElemKind::Positive
                | ElemKind::Unit
                | ElemKind::Bool
                | ElemKind::Count
                | ElemKind::Counts(_)
                | ElemKind::Simplex(_)
                | ElemKind::Ordered(_)
                | ElemKind::Vector(_)
                | ElemKind::Matrix(..)
                | ElemKind::SymPos(_) => quote!(2),
            },
            Argument::Value(n) => arg(n).map_or(quote!(0), |e| match (kind, lower.finite(e)) {
                (ElemKind::Bool, Ok(Finite::Index(i))) => {
                    let i = scope.index(&i);
                    quote!((#i == 1))
                }
                (ElemKind::Category(_), Ok(Finite::Index(i))) => scope.index(&i),
                (ElemKind::Count, _) => {
                    let x = scalar(e);
                    quote!((#x) as u64)
                }
                (_, Ok(Finite::Cond(c))) => scope.cond(&c),
                _ => scalar(e),
            }),
        });
        // The name that the user typed keeps its place, so that it can be hovered.
        let law = Ident::new(made.law, call.name.span());
        let function = format_ident!("{}", made.function);
        let fails = made.fallible.then(|| quote!(?));
        let law = quote!(dist::#law::#function(#(#args),*) #fails);
        if call.min.is_none() && call.max.is_none() {
            return Some(law);
        }
        let min = call.min.as_ref().map_or(quote!(f64::NEG_INFINITY), scalar);
        let max = call.max.as_ref().map_or(quote!(f64::INFINITY), scalar);
        Some(quote!(dist::Truncated::new(#law, #min, #max)))
    }
}
