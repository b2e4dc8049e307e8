//! Chains of Gaussians before anything is known of them: first states that may be anywhere, and steps and noise of another size.

use super::Emitter;
use crate::kernel::chain_scales::{ChainScale, Place, chain_scales};
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// x to a power.
fn raised(x: TokenStream, power: f64) -> TokenStream {
    let n = Literal::f64_unsuffixed(power);
    if power == 1.0 { x } else { quote!(#x.powf(#n)) }
}

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
            let of_variance = |x: TokenStream| raised(x, s.power.den as f64 / s.power.num as f64);
            let variance = |x: TokenStream| raised(x, s.power.num as f64 / s.power.den as f64);
            let (low, high) = self.bounds(s.array);
            let elem = &self.model.arrays[s.array.0].elem;
            let clamp = match elem.min.is_some() || elem.max.is_some() {
                true => quote!(*x = x.clamp(#low, #high);),
                false => quote!(),
            };
            let factor = match s.place {
                Place::First => None,
                Place::Step => Some(quote!(step)),
                Place::Data => Some(quote!(data)),
            };
            if let Some(factor) = factor {
                let grow = of_variance(factor);
                let grow = quote!(*x *= #grow;);
                loosen.extend(self.each_leaf(s.array, quote!(#grow #clamp), grow));
                continue;
            }
            let open = of_variance(quote!(first));
            loosen.extend(self.each_leaf(
                s.array,
                quote!(*x = #open; #clamp),
                quote!(x.fill(0.0); x.fill_diagonal(#open);),
            ));
            let now = variance(quote!(x));
            settled.extend(self.each_leaf(
                s.array,
                quote!(let x = *x; settled &= #now < limit;),
                quote!(settled &= x.diagonal().iter().all(|&x| #now < limit);),
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
