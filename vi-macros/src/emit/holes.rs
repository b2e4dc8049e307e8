//! Reads of latents that a condition leaves out, found when data arrive.

use super::Emitter;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emitter<'_> {
    /// One loop for each read of an element that may not exist.
    pub(super) fn hole_checks(&self) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for r in &self.kernel.partial {
            let side = |e: &crate::density::symbol::Elem| {
                let name = self.name(e.array).to_string();
                let plates = Literal::usize_unsuffixed(e.indices.len());
                let at = e.indices.iter().map(|i| scope.index(i));
                quote!(check::Name::new(#name, #plates), &[#(#at),*])
            };
            let (element, reader) = (side(&r.element), side(&r.reader));
            let needed = r.needed.iter().map(|c| scope.cond(c));
            let test = quote!(check::exists(#element, #reader, #(#needed)&&*)?;);
            out.extend(scope.loops(&r.over, scope.guarded(&r.guards, test)));
        }
        out
    }
}
