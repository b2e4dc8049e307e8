//! Data against the bounds of a truncation that are not the type's own: those that are data, those of counts, and those of one
//! piece of an array.

use super::Emitter;
use super::types::Layout;
use crate::density::lower::{Lower, is_unknown};
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var};
use crate::model::ir::{Dist, ElemKind, FamilyCall, Role, Statement};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// One loop for each truncated statement that [`checks`](Self::checks) has not covered.
    pub(super) fn truncation_checks(&self) -> TokenStream {
        self.model.statements.iter().filter_map(|s| self.truncation_check(s)).collect()
    }

    fn truncation_check(&self, s: &Statement) -> Option<TokenStream> {
        let array = &self.model.arrays[s.array.0];
        let Some(Dist::Family(call)) = &s.dist else { return None };
        let finite = matches!(array.elem.kind, ElemKind::Count);
        let real = matches!(array.elem.kind, ElemKind::Real | ElemKind::Positive | ElemKind::Unit);
        if s.role != Role::Observed || !(finite || real) || self.layout(s.array) == Layout::Scalar {
            return None;
        }
        let lower = Lower::new(self.model);
        let vars: Vec<Var> = s.binds.iter().map(|b| lower.bind(*b)).collect();
        lower.plates.replace(vars.clone());
        let side = |e: &Option<crate::model::ir::Expr>| {
            e.as_ref().and_then(|e| lower.component(e, &[]).ok()).filter(|p| self.is_known(p))
        };
        let (low, high) = (side(&call.min), side(&call.max));
        if low.is_none() && high.is_none() || real && self.covers(call, array.pieces.len()) {
            return None;
        }
        let indices: Vec<Ix> = s.target.iter().map(|i| lower.index(i)).collect();
        let guards = s.guards.iter().map(|g| lower.cond(g).ok()).collect::<Option<Vec<_>>>()?;
        if !lower.gathers.borrow().is_empty() {
            return None;
        }
        let scope = self.scope();
        let target = Elem { array: s.array, indices };
        let (n, raw) = (self.name(s.array), scope.raw(&target));
        let text = n.to_string();
        let plates = proc_macro2::Literal::usize_unsuffixed(array.plates.len());
        let at = target.indices.iter().map(|i| scope.index(i));
        let mut rule = quote!(check::Interval::REAL);
        if let Some(p) = low {
            let p = scope.poly(&p);
            rule = quote!(#rule.at_least(#p));
        }
        if let Some(p) = high {
            let p = scope.poly(&p);
            rule = quote!(#rule.at_most(#p));
        }
        let value = if finite { quote!(value as f64) } else { quote!(value) };
        let test = quote!(check::one(check::Name::new(#text, #plates), &[#(#at),*], #value, &#rule)?;);
        let body = if array.missing {
            quote!(if let Some(value) = #raw { #test })
        } else {
            quote!(let value = #raw; #test)
        };
        let body = scope.loops(&vars, scope.guarded(&guards, body));
        Some(quote!(if !data.#n.is_absent() { #body }))
    }

    /// Numbers, constants and givens: no param, and nothing that may be missing.
    fn is_known(&self, p: &Poly) -> bool {
        let mut known = true;
        p.visit_elems(&mut |e| {
            known &= !is_unknown(self.model, e.array) && !self.model.arrays[e.array.0].missing;
        });
        known
    }

    /// Whether every bound is a number that the check of the whole array holds it to.
    fn covers(&self, call: &FamilyCall, pieces: usize) -> bool {
        pieces == 1 && [&call.min, &call.max].into_iter().flatten().all(|e| self.constant(e).is_some())
    }
}
