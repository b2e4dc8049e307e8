//! Covariances of locations: how large they are, and those whose laws a user gives: a start from a posterior is that posterior.

use super::Emitter;
use super::shared::Located;
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Globals with the covariances of those blocks whose locations all have laws.
    pub(super) fn gather_spread(&self, made: TokenStream) -> TokenStream {
        let gaussians = self.gaussians();
        if gaussians.is_empty() {
            return made;
        }
        let mut out = quote!(let mut made = #made;);
        for g in &gaussians {
            let field = &g.field;
            let unset = g.regression.arrays.iter().map(|a| {
                let n = self.name(*a);
                self.is_unset(*a, quote!(params.#n))
            });
            let walks: TokenStream =
                g.regression.arrays.iter().map(|a| self.spread_of(g.regression, *a)).collect();
            let starts = self.row_starts(g.regression, &walks);
            out.extend(quote! {
                let params = &made;
                let known = || -> Option<Vec<SharedCovariance>> {
                    if #(#unset)||* {
                        return None;
                    }
                    #starts
                    let mut entries = spread::Spread::default();
                    #walks
                    Some(entries.covariances())
                };
                made.#field = known().unwrap_or_default();
            });
        }
        quote!(#out made)
    }

    fn spread_of(&self, r: &crate::kernel::Regression, a: crate::model::ir::ArrayId) -> TokenStream {
        let scope = self.scope();
        let n = self.name(a);
        let Located { plates, copy, other, one, two, scale, outputs } = self.located(r, a);
        // A start may leave the scale out.
        let scale = scale.map(|(name, at)| match at.as_slice() {
            [] => quote!(&params.#name),
            [..] => quote!(params.#name #(.get(#at)?)*),
        });
        let at: Vec<TokenStream> = plates.iter().map(|v| scope.var(v)).map(|v| quote!([#v])).collect();
        let q = quote!(&posterior.#n #(#at)*);
        let add = match (self.is_vector(a), outputs, &scale) {
            _ if self.kernel.is_cut(a) => quote!(entries.add(#copy, [#one, #one], spread::cut_number(#q)?);),
            (false, _, None) => quote!(entries.add(#copy, [#one, #one], spread::number(#q)?);),
            (false, _, Some(s)) => {
                quote!(entries.add(#copy, [#one, #one], spread::scaled_number(#q, #s)?);)
            }
            (true, true, Some(s)) => {
                quote!(entries.add(#copy, [#one, #one], spread::whitened_vector(#q, #s)?);)
            }
            (true, _, None) if copy.to_string() == other.to_string() => {
                quote!(entries.add_vector(#copy, #q, |first| #one)?;)
            }
            (true, _, scale) => {
                let cov = match scale {
                    Some(s) => quote!(spread::scaled_vector(#q, #s)?),
                    None => quote!(spread::vector(#q)?),
                };
                quote! {
                    let cov = #cov;
                    for first in 0..cov.nrows() {
                        for second in 0..cov.nrows() {
                            if #copy == #other {
                                entries.add(#copy, [#one, #two], cov[(first, second)]);
                            }
                        }
                    }
                }
            }
        };
        plates.iter().enumerate().rev().fold(add, |inner, (k, v)| {
            let (own, v) = (&at[..k], scope.var(v));
            quote!(for #v in 0..params.#n #(#own)*.len() { #inner })
        })
    }
}
