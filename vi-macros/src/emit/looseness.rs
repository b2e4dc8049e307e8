//! Chains of Gaussians before anything is known of them: first states that may be anywhere, and steps and noise of another size.

use super::Emitter;
use crate::kernel::chain_scales::{ChainScale, Place, chain_scales};
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emitter<'_> {
    /// The scales of all chains.
    pub(super) fn chain_scales(&self) -> Vec<ChainScale> {
        let chains = self.kernel.components.iter().filter(|c| c.is_chain());
        chains.flat_map(|c| chain_scales(self.model, c)).collect()
    }

    /// A visit to every number of a param, or to every matrix.
    fn each_leaf(&self, a: ArrayId, number: TokenStream, matrix: TokenStream) -> TokenStream {
        let name = self.name(a);
        let kind = &self.model.arrays[a.0].elem.kind;
        let leaf = match kind {
            ElemKind::SymPos(_) | ElemKind::Matrix(..) => matrix,
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_) => number,
            ElemKind::Vector(_) => quote!(for x in x.iter_mut() { #number }),
        };
        let plates = self.model.arrays[a.0].plates.len();
        let walk = (0..plates).fold(leaf, |inner, _| quote!(for x in x.iter_mut() { #inner }));
        quote!({ let x = &mut params.#name; #walk })
    }

    /// The trait's side of it.
    pub(super) fn looseness_fns(&self) -> TokenStream {
        let scales = self.chain_scales();
        let (mut loosen, mut settled) = (TokenStream::new(), TokenStream::new());
        for s in &scales {
            let power = Literal::f64_unsuffixed(s.power.den as f64 / s.power.num as f64);
            let back = Literal::f64_unsuffixed(s.power.num as f64 / s.power.den as f64);
            let (low, high) = self.bounds(s.array);
            let elem = &self.model.arrays[s.array.0].elem;
            let kept = |x: TokenStream| match elem.min.is_some() || elem.max.is_some() {
                true => quote!(#x.clamp(#low, #high)),
                false => x,
            };
            let factor = match s.place {
                Place::First => None,
                Place::Step => Some(quote!(step)),
                Place::Data => Some(quote!(data)),
            };
            if let Some(factor) = factor {
                let grown = kept(quote!((*x * #factor.powf(#power))));
                let number = quote!(*x = #grown;);
                loosen.extend(self.each_leaf(s.array, number, quote!(*x *= #factor.powf(#power);)));
                continue;
            }
            let open = kept(quote!(first.powf(#power)));
            loosen.extend(self.each_leaf(
                s.array,
                quote!(*x = #open;),
                quote!(x.fill(0.0); x.fill_diagonal(first.powf(#power));),
            ));
            settled.extend(self.each_leaf(
                s.array,
                quote!(settled &= x.powf(#back) < limit;),
                quote!(settled &= x.diagonal().iter().all(|x| x.powf(#back) < limit);),
            ));
        }
        if loosen.is_empty() {
            return loosen;
        }
        let settled = (!settled.is_empty()).then(|| {
            let globals = self.globals_type();
            quote! {
                fn is_settled(&self, params: &#globals, limit: f64) -> bool {
                    let mut params = params.clone();
                    let mut settled = true;
                    #settled
                    settled
                }
            }
        });
        let globals = self.globals_type();
        quote! {
            fn loosen(&self, params: &mut #globals, first: f64, step: f64, data: f64) -> bool {
                #loosen
                true
            }

            #settled
        }
    }
}
