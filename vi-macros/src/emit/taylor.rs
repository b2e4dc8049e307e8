//! Functions of data and params together: value, gradient and Hessian, row by row.

use super::Emitter;
use super::scope::Scope;
use crate::density::derive::{derive, tidy};
use crate::density::poly::{Factor, Poly};
use crate::density::symbol::{Ix, Var};
use crate::kernel::{StatKind, Symbol};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Value, gradient and Hessian of a function of data and params, at the current params.
    pub(super) fn collect_taylor<'s>(&self, scope: &Scope<'s>, stat: usize) -> TokenStream {
        let s = &self.kernel.stats[stat];
        let StatKind::Taylor { value, symbols } = &s.kind else { return TokenStream::new() };
        // Where statistics are collected there are params, and no tables of functions of them.
        let known = scope.value.borrow().clone();
        let mut plain: Scope<'s> = Scope::new(scope.model);
        plain.expect.clone_from(&scope.expect);
        let scope = &plain;
        scope.value.replace(known);
        let field = format_ident!("{}", s.name);
        let at: Vec<_> = s.cells.iter().map(|c| scope.var(&c.var)).collect();
        let p = self.symbols_len(symbols);
        let over: Vec<Var> = symbols.iter().flat_map(|s| s.over.clone()).collect();
        let value_code = scope.poly(value);
        let mut derivatives = vec![];
        for (n, a) in symbols.iter().enumerate() {
            let Some(first) = derive(value, a.elem.array, &a.elem.indices).map(tidy) else { continue };
            let i = self.symbol_position(symbols, n, &a.over);
            let mut inner = vec![(vec![], quote!(1 + #i), first.clone())];
            for (m, b) in symbols.iter().enumerate() {
                let twin =
                    |v: &Var| Var::new(format!("{}′", v.name), v.nominal, v.low.clone(), v.high.clone());
                let twins: Vec<Var> = b.over.iter().map(twin).collect();
                let place =
                    b.over.iter().zip(&twins).fold(b.elem.clone(), |e, (v, t)| e.substitute(v, &Ix::var(t)));
                let Some(second) = derive(&first, place.array, &place.indices).map(tidy) else { continue };
                if second.is_zero() {
                    continue;
                }
                let j = self.symbol_position(symbols, m, &twins);
                inner.push((twins, quote!(1 + #p + (#i) * (#p) + #j), second));
            }
            derivatives.push((a.over.clone(), inner));
        }
        // What no loop over elements changes is computed once.
        let mut shared: Vec<(Factor, proc_macro2::Ident)> = vec![];
        let all: Vec<&Poly> =
            derivatives.iter().flat_map(|(_, inner)| inner.iter().map(|(_, _, p)| p)).collect();
        let mut loop_vars = over.clone();
        loop_vars
            .extend(derivatives.iter().flat_map(|(_, inner)| inner.iter().flat_map(|(t, _, _)| t.clone())));
        for p in all {
            for (f, _) in p.0.iter().flat_map(|t| &t.factors) {
                let mut varies = false;
                f.visit_vars(&mut |v| varies |= loop_vars.contains(v));
                if matches!(f, Factor::Apply(..) | Factor::Paren(_))
                    && !varies
                    && !shared.iter().any(|(g, _)| g == f)
                {
                    let name = format_ident!("f{}", shared.len());
                    shared.push((f.clone(), name));
                }
            }
        }
        let lets = shared.iter().map(|(f, name)| {
            let value = scope.poly(&Poly::factor(f.clone()));
            quote!(let #name = #value;)
        });
        let lets: TokenStream = lets.collect();
        scope.locals.replace(shared);
        let mut body = quote!(stats.#field[[#(#at,)* 0]] += responsibility * (#value_code););
        for (outer, inner) in derivatives {
            let mut code = TokenStream::new();
            for (twins, position, p) in inner {
                let d = scope.poly(&p);
                code.extend(
                    scope.loops(&twins, quote!(stats.#field[[#(#at,)* #position]] += responsibility * (#d);)),
                );
            }
            body.extend(scope.loops(&outer, code));
        }
        scope.locals.replace(vec![]);
        quote!(#lets #body)
    }

    /// Number of elements a Taylor series is taken in.
    pub fn symbols_len(&self, symbols: &[Symbol]) -> TokenStream {
        let scope = self.scope();
        let parts: Vec<_> = symbols
            .iter()
            .map(|s| {
                let extents: Vec<_> = s.over.iter().map(|v| scope.index(&v.high)).collect();
                if extents.is_empty() { quote!(1) } else { super::product(&extents) }
            })
            .collect();
        if let [one] = parts.as_slice() { quote!(#one) } else { quote!((#(#parts)+*)) }
    }

    /// The position of an element among them.
    pub fn symbol_position(&self, symbols: &[Symbol], n: usize, over: &[Var]) -> TokenStream {
        let scope = self.scope();
        let at: Vec<(Ix, Ix)> = over.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
        let here = scope.flat(&at);
        if n == 0 {
            return here;
        }
        let before = self.symbols_len(&symbols[..n]);
        if over.is_empty() { before } else { quote!(#before + #here) }
    }
}
