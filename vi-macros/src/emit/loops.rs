//! Conditions, loops and places in flat tables, as they are spelt where code stands.

use super::scope::Scope;
use crate::density::symbol::{Cmp, Cond, Ix, Var};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

impl Scope<'_> {
    pub fn cond(&self, c: &Cond) -> TokenStream {
        match c {
            Cond::Compare(op, a, b) => {
                // Terms with a minus sign change sides, so that nothing is subtracted below zero.
                let d = a.plus(-1, b);
                let left = Ix {
                    terms: d.terms.iter().filter(|(c, _)| *c > 0).cloned().collect(),
                    offset: d.offset.max(0),
                };
                let right = Ix {
                    terms: d.terms.iter().filter(|(c, _)| *c < 0).map(|(c, t)| (-c, t.clone())).collect(),
                    offset: (-d.offset).max(0),
                };
                let (a, b) = (self.index(&left), self.index(&right));
                match op {
                    Cmp::Eq => quote!(#a == #b),
                    Cmp::Ne => quote!(#a != #b),
                    Cmp::Lt => quote!(#a < #b),
                    Cmp::Le => quote!(#a <= #b),
                }
            }
            Cond::Read(e) => self.raw(e),
            Cond::Not(c) => {
                let c = self.cond(c);
                quote!(!(#c))
            }
            Cond::And(cs) => {
                let cs = cs.iter().map(|c| self.cond(c));
                quote!((#(#cs)&&*))
            }
            Cond::Or(cs) => {
                let cs = cs.iter().map(|c| self.cond(c));
                quote!((#(#cs)||*))
            }
            Cond::Always => quote!(true),
        }
    }

    /// `for i in low..high { body }`, outermost first.
    pub fn loops(&self, vars: &[Var], body: TokenStream) -> TokenStream {
        vars.iter().rev().fold(body, |body, v| {
            let (name, low, high) = (self.var(v), self.index(&v.low), self.index(&v.high));
            quote!(for #name in #low..#high { #body })
        })
    }

    /// `if !(guards) { continue; }`
    pub fn guarded(&self, guards: &[Cond], body: TokenStream) -> TokenStream {
        let guards: Vec<_> =
            guards.iter().filter(|g| g.decided() != Some(true)).map(|g| self.cond(g)).collect();
        if guards.is_empty() { body } else { quote!(if #(#guards)&&* { #body }) }
    }

    /// An element of nested arrays, if it is there.
    pub fn value_at(&self, base: TokenStream, at: &[Ident]) -> TokenStream {
        match at {
            [] => quote!(Some(&#base)),
            [first, rest @ ..] => {
                rest.iter().fold(quote!(#base.get(#first)), |x, i| quote!(#x.and_then(|x| x.get(#i))))
            }
        }
    }

    /// A row-major position over these indices.
    pub fn flat(&self, at: &[(Ix, Ix)]) -> TokenStream {
        let mut out: Option<TokenStream> = None;
        for (depth, (i, extent)) in at.iter().enumerate() {
            let n = self.index(extent);
            let simple = i.terms.len() + usize::from(i.offset != 0) <= 1;
            let i = self.index(i);
            out = Some(match out {
                None if simple || at.len() == 1 => i,
                None => quote!((#i)),
                Some(o) if depth == 1 => quote!(#o * #n + #i),
                Some(o) => quote!((#o) * #n + #i),
            });
        }
        out.unwrap_or_else(|| quote!(0))
    }
}
