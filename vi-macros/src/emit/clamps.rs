//! Categories that are observed for some units.

use super::Emitter;
use crate::density::symbol::Var;
use crate::kernel::Component;
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Latents that are observed for some units: every other state is impossible there.
    pub(super) fn clamps(&self, index: usize, c: &Component) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for l in c.locals.iter().filter(|l| l.back == 0 && self.model.arrays[l.array.0].missing) {
            let name = self.name(l.array);
            let at = c.unit.iter().take(self.model.arrays[l.array.0].plates.len()).map(|v| scope.var(v));
            let unit = self.unit_at(index, c, quote!(units.start + i));
            let state = scope.var(&l.state);
            let states: Vec<Var> = c.locals.iter().map(|l| l.state.clone()).collect();
            let position = self.state_index(c);
            let known = if matches!(self.model.arrays[l.array.0].elem.kind, crate::model::ir::ElemKind::Bool)
            {
                quote!(usize::from(known))
            } else {
                quote!(known)
            };
            let rule_out = scope.loops(
                &states,
                quote!(if #state != #known { table[#position * len + i] = f64::NEG_INFINITY; }),
            );
            let clamp = quote! {
                for i in 0..len {
                    #unit
                    if let Some(known) = data.#name.get(#(#at),*) {
                        #rule_out
                    }
                }
            };
            out.extend(if l.lasts { clamp } else { self.of_units(index, c, clamp) });
        }
        out
    }
}
