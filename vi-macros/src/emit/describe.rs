//! Params as text, and under other labels.

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
            let text = n.to_string();
            let walk = (0..x.plates.len())
                .fold(quote!(d.number(x);), |inner, _| quote!(d.open(x.len()); for x in x { #inner }));
            quote! {
                let mut d = fit::Describer::new(#text);
                let x = &lets.#n;
                #walk
                out.push(d.finish());
            }
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

    /// Permutes the categories of the first latent, wherever they are counted.
    pub(super) fn relabel_fn(&self) -> TokenStream {
        let nominal = self.kernel.components.first().and_then(|c| c.locals.first()).map(|l| l.state.nominal);
        let Some(nominal @ crate::model::ir::Nominal::Size(_)) = nominal else {
            return quote! {
                fn relabel(_params: &mut Params, _posterior: &mut Posterior, _order: &[usize]) {}
            };
        };
        let mut body = TokenStream::new();
        for a in self.params() {
            let array = &self.model.arrays[a.0];
            let n = self.name(a);
            let depth = array.plates.len();
            let axes: Vec<_> = array.plates.iter().chain(array.elem.kind.axes()).map(|x| x.nominal).collect();
            for (axis, _) in axes.iter().enumerate().filter(|(_, x)| **x == nominal) {
                let function = match (&array.elem.kind, axis.checked_sub(depth)) {
                    (_, None) => quote!(fit::permute(x, order);),
                    (ElemKind::Matrix(..) | ElemKind::SymPos(_), Some(0)) => {
                        quote!(*x = x.select_rows(order.iter());)
                    }
                    (ElemKind::Matrix(..) | ElemKind::SymPos(_), Some(_)) => {
                        quote!(*x = x.select_columns(order.iter());)
                    }
                    (
                        ElemKind::Real
                        | ElemKind::Positive
                        | ElemKind::Unit
                        | ElemKind::Bool
                        | ElemKind::Count
                        | ElemKind::Counts(_)
                        | ElemKind::Category(_)
                        | ElemKind::Simplex(_)
                        | ElemKind::Ordered(_)
                        | ElemKind::Vector(_),
                        Some(_),
                    ) => quote!(*x = x.select_rows(order.iter());),
                };
                let inside =
                    (0..axis.min(depth)).fold(function, |inner, _| quote!(for x in x.iter_mut() { #inner }));
                body.extend(quote!({ let x = &mut params.#n; #inside }));
            }
        }
        for l in self.kernel.components.iter().flat_map(|c| &c.locals).filter(|l| l.state.nominal == nominal)
        {
            let n = self.name(l.array);
            let depth = self.model.arrays[l.array.0].plates.len().saturating_sub(1);
            let inside = (0..depth)
                .fold(quote!(x.relabel(order);), |inner, _| quote!(for x in x.iter_mut() { #inner }));
            body.extend(quote!({ let x = &mut posterior.#n; #inside }));
        }
        for c in &self.kernel.components {
            self.relabel_normals(c, nominal, &mut body);
            let Some(joint) = self.joint_field(c) else { continue };
            let depth = c.unit.len().saturating_sub(1);
            for (n, _) in c.locals.iter().enumerate().filter(|(_, l)| l.state.nominal == nominal) {
                // Locals of one nominal size have equally many states, but those behind may have others.
                let behind = c.locals[n + 1..].iter().map(|l| {
                    let n = self.name(l.array);
                    if depth == 0 {
                        quote!(posterior.#n.states())
                    } else {
                        quote!(posterior.#n.first().map_or(1, Categories::states))
                    }
                });
                let inside = (0..depth).fold(
                    quote!(x.relabel_digit(order, inner);),
                    |inner, _| quote!(for x in x.iter_mut() { #inner }),
                );
                body.extend(quote!({ let inner = 1 #(* #behind)*; let x = &mut posterior.#joint; #inside }));
            }
        }
        quote! {
            fn relabel(params: &mut Params, posterior: &mut Posterior, order: &[usize]) {
                #body
            }
        }
    }
}
