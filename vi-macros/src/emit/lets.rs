//! Reported `let`s: values at the params, and draws where latents are read.

use super::Emitter;
use super::direct::Use;
use super::expectation::has_law;
use super::scope::Scope;
use crate::density::lower::{Lower, is_hidden, rank};
use crate::density::poly::{Exponent, Factor, Poly};
use crate::density::symbol::{Cond, Var, length};
use crate::kernel::is_random;
use crate::model::ir::{ArrayId, Type};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Numbers that read params or latents that all units share.
    pub fn reported(&self) -> Vec<usize> {
        (0..self.model.lets.len())
            .filter(|l| {
                let x = &self.model.lets[*l];
                let local = self.hidden_reads(*l).iter().any(|a| !self.is_shared_latent(*a));
                x.reported && !local && rank(&x.ty) == 0 && x.plates.len() <= 1 && !matches!(x.ty, Type::Bool)
            })
            .collect()
    }

    fn hidden_reads(&self, l: usize) -> Vec<ArrayId> {
        let mut out = vec![];
        for p in &self.model.lets[l].pieces {
            self.model.each_read_deep(&p.value, &mut |a| {
                if is_hidden(self.model, a.array) {
                    out.push(a.array);
                }
            });
        }
        out
    }

    /// Whether a `let` reads latents, so that it has a distribution.
    pub(super) fn is_drawn(&self, l: usize) -> bool {
        !self.hidden_reads(l).is_empty()
    }

    pub fn let_type(&self, l: usize) -> TokenStream {
        let leaf = if self.is_drawn(l) { quote!(fit::Drawn) } else { quote!(f64) };
        (0..self.model.lets[l].plates.len()).fold(leaf, |t, _| quote!(Vec<#t>))
    }

    pub fn let_values(&self) -> TokenStream {
        let (drawn, fixed): (Vec<usize>, Vec<usize>) =
            self.reported().into_iter().partition(|l| self.is_drawn(*l));
        let scope = self.scope();
        let mut out: TokenStream = fixed
            .into_iter()
            .map(|l| {
                let make = self.let_shape(l, quote!(0.0));
                let fill = self.each_element(l, &scope, &|place, value, _| quote!(#place = #value;));
                quote!(#make #fill)
            })
            .collect();
        if drawn.is_empty() {
            return out;
        }
        // Where every term holds one location, the mean is a function of the means.
        for l in &drawn {
            out.extend(self.let_shape(*l, quote!(fit::Drawn::default())));
            out.extend(self.each_element(*l, &scope, &|place, value, p| {
                if self.is_linear(p) { quote!(#place = fit::Drawn::known(#value);) } else { quote!() }
            }));
        }
        let counts = drawn.iter().map(|l| match self.model.lets[*l].plates.as_slice() {
            [] => quote!(1),
            [..] => {
                let n = &self.model.lets[*l].name;
                quote!(lets.#n.len())
            }
        });
        let direct = self.direct_scope(Use::Density);
        let add: TokenStream = drawn
            .iter()
            .map(|l| self.each_element(*l, &direct, &|place, value, _| quote!(#place.add(#value);)))
            .collect();
        quote! {
            #out
            for draw in 0..fit::draws_for(0 #(+ #counts)*) {
                let mut latents = Latents::default();
                self.draw_shared(context, params, &mut fit::let_stream(draw), &mut latents)?;
                let latents = &latents;
                #add
            }
        }
    }

    /// A `let` before its elements are known.
    fn let_shape(&self, l: usize, leaf: TokenStream) -> TokenStream {
        let x = &self.model.lets[l];
        let n = &x.name;
        match x.plates.as_slice() {
            [extent] => {
                let len = self.scope().index(&length(&extent.length, &[]));
                quote!(lets.#n = vec![#leaf; #len];)
            }
            [..] => TokenStream::new(),
        }
    }

    /// Something done with every element: its place, its value, and the value as a sum.
    fn each_element(
        &self,
        l: usize,
        scope: &Scope<'_>,
        act: &dyn Fn(TokenStream, TokenStream, Option<&Poly>) -> TokenStream,
    ) -> TokenStream {
        let x = &self.model.lets[l];
        let n = &x.name;
        let lower = Lower::direct(self.model);
        let mut out = TokenStream::new();
        for p in &x.pieces {
            let vars: Vec<Var> = p.binds.iter().map(|b| lower.bind(*b)).collect();
            let at: Vec<_> = p.target.iter().map(|i| scope.index(&lower.index(i))).collect();
            let guards: Vec<Cond> = p.guards.iter().filter_map(|g| lower.cond(g).ok()).collect();
            let value = lower.component(&p.value, &[]).ok();
            let spelt = value.as_ref().map_or(quote!(f64::NAN), |v| scope.poly(v));
            let body = act(quote!(lets.#n #([#at])*), spelt, value.as_ref());
            if !body.is_empty() {
                out.extend(scope.loops(&vars, scope.guarded(&guards, body)));
            }
        }
        out
    }

    /// Whether a sum has at most one uncertain factor in each term, a location.
    fn is_linear(&self, p: Option<&Poly>) -> bool {
        let uncertain = |a: ArrayId| is_random(self.model, a);
        let Some(p) = p else { return false };
        p.0.iter().all(|t| {
            let mut seen = 0;
            t.visit_elems(&mut |e| seen += usize::from(uncertain(e.array)));
            let own = t.factors.iter().filter(|(f, power)| {
                let location =
                    matches!(f, Factor::Elem(e) if uncertain(e.array) && !has_law(self.model, e.array));
                location && *power == Exponent::ONE
            });
            seen == own.count() && seen <= 1
        })
    }
}
