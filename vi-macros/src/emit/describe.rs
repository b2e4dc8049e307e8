//! Params as text.

use super::Emitter;
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    pub(super) fn describe_fn(&self) -> TokenStream {
        let params = self.params().into_iter().map(|a| {
            let array = &self.model.arrays[a.0];
            let n = self.name(a);
            let text = n.to_string();
            let leaf = match array.elem.kind {
                ElemKind::Real
                | ElemKind::Positive
                | ElemKind::Unit
                | ElemKind::Bool
                | ElemKind::Count
                | ElemKind::Category(_) => quote!(number),
                ElemKind::Counts(_) | ElemKind::Simplex(_) | ElemKind::Ordered(_) | ElemKind::Vector(_) => {
                    quote!(vector)
                }
                ElemKind::Matrix(..) | ElemKind::SymPos(_) => quote!(matrix),
            };
            let depth = array.plates.len();
            let walk = (0..depth)
                .fold(quote!(d.#leaf(x);), |inner, _| quote!(d.open(x.len()); for x in x { #inner }));
            quote! {
                let mut d = fit::Describer::new(#text);
                let x = &params.#n;
                #walk
                out.push(d.finish());
            }
        });
        let lets = self.reported().into_iter().map(|l| {
            let x = &self.model.lets[l];
            let n = &x.name;
            let described = |text: String, leaf: TokenStream| {
                let walk =
                    (0..x.plates.len()).fold(leaf, |inner, _| quote!(d.open(x.len()); for x in x { #inner }));
                quote! {
                    let mut d = fit::Describer::new(#text);
                    let x = &lets.#n;
                    #walk
                    out.push(d.finish());
                }
            };
            if !self.is_drawn(l) {
                return described(n.to_string(), quote!(d.number(x);));
            }
            let mean = described(n.to_string(), quote!(d.number(&x.mean());));
            let sd = described(format!("sd {n}"), quote!(d.number(&x.sd());));
            quote!(#mean #sd)
        });
        let lets: Vec<TokenStream> = lets.collect();
        let shared: Vec<TokenStream> = (0..self.model.arrays.len())
            .map(ArrayId)
            .filter(|a| self.is_shared_latent(*a))
            .map(|a| {
                let n = self.name(a);
                let text = n.to_string();
                let depth = self.marginal_plates(a).len();
                let walk = (0..depth)
                    .fold(quote!(d.law(x);), |inner, _| quote!(d.open(x.len()); for x in x { #inner }));
                quote! {
                    let mut d = fit::LawDescriber::new(#text);
                    let x = &posterior.#n;
                    #walk
                    out.push(d.finish());
                }
            })
            .collect();
        let describe_shared = (!shared.is_empty()).then(|| {
            quote! {
                fn describe_shared(posterior: &Posterior) -> Vec<fit::DescribedLaw> {
                    let mut out = Vec::new();
                    #(#shared)*
                    out
                }
            }
        });
        let describe_lets = (!lets.is_empty()).then(|| {
            quote! {
                fn describe_lets(lets: &Lets) -> Vec<Described> {
                    let mut out = Vec::new();
                    #(#lets)*
                    out
                }
            }
        });
        quote! {
            fn describe(params: &Params) -> Vec<Described> {
                let mut out = Vec::new();
                #(#params)*
                out
            }

            #describe_shared

            #describe_lets
        }
    }
}
