//! Symbols of shared latents to Rust: what stands for them is an expectation under their q.

use super::scope::Scope;
use crate::density::normal_form::as_elem;
use crate::density::poly::{Exponent, Poly};
use crate::density::symbol::Elem;
use crate::kernel::is_random;
use crate::model::ir::{ArrayId, ElemKind, Model};
use proc_macro2::TokenStream;
use quote::quote;

/// Whether a latent's q is a registered family, not a Gaussian over several elements.
pub fn has_law(model: &Model, a: ArrayId) -> bool {
    is_random(model, a)
        && matches!(
            model.arrays[a.0].elem.kind,
            ElemKind::Positive | ElemKind::Unit | ElemKind::Simplex(_) | ElemKind::SymPos(_)
        )
}

impl Scope<'_> {
    /// Whether an element has a family for its q, so that what stands for it is an expectation.
    pub(super) fn has_law(&self, a: ArrayId) -> bool {
        !self.by_value && has_law(self.model, a)
    }

    /// q of the element that holds this one, and the indices inside it.
    pub(super) fn law(&self, e: &Elem) -> (TokenStream, Vec<TokenStream>) {
        let name = self.array(e.array);
        let plates = self.model.arrays[e.array.0].plates.len();
        let (outer, inner) = e.indices.split_at(plates.min(e.indices.len()));
        let outer = outer.iter().map(|i| self.index(i));
        let inner = inner.iter().map(|i| self.index(i)).collect();
        (quote!(params.#name #([#outer])*), inner)
    }

    /// E of a power of an element, under its q.
    pub(super) fn expectation(&self, e: &Elem, power: Exponent) -> TokenStream {
        let (law, inner) = self.law(e);
        match (&self.model.arrays[e.array.0].elem.kind, inner.as_slice()) {
            (ElemKind::Positive, _) => {
                let p = super::number(power.value());
                quote!(#law.expect_power(#p))
            }
            (ElemKind::Simplex(_), [k]) => quote!(#law.expect(#k)),
            (ElemKind::SymPos(_), [i, j]) => {
                let plates = &e.indices[..self.model.arrays[e.array.0].plates.len()];
                let mean = self.unchanged(e.array, "mean", plates, quote!(#law.mean()));
                quote!(#mean[(#i, #j)])
            }
            _ => quote!(#law.mean()),
        }
    }

    /// E of the logarithm of an element, or of its complement.
    pub(super) fn expected_log(&self, p: &Poly) -> Option<TokenStream> {
        let (e, method) = match as_elem(p) {
            Some(e) => (e, quote!(expect_log)),
            None => (as_elem(&Poly::number(1.0).sub(p))?, quote!(expect_log1m)),
        };
        if !self.has_law(e.array) {
            return None;
        }
        let (law, inner) = self.law(&e);
        Some(quote!(#law.#method(#(#inner),*)))
    }
}
