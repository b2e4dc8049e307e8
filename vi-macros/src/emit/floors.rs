//! Params with a lower bound of their own, put on it where M-steps carry them there ever more slowly.

use super::Emitter;
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Params whose numbers have a bound that the user wrote, and scales of chains of Gaussians: these vanish where a first state is known by
    /// itself, or where there is no drift or no noise.
    fn floored(&self) -> Vec<ArrayId> {
        let scales = self.chain_scales();
        let has_floor = |a: &ArrayId| {
            let elem = &self.model.arrays[a.0].elem;
            let scale = scales.iter().any(|s| s.array == *a && s.power.num > 0);
            match elem.kind {
                ElemKind::Real | ElemKind::Positive | ElemKind::Unit => scale || elem.min.is_some(),
                ElemKind::SymPos(_) => scale && elem.min.is_none(),
                ElemKind::Bool
                | ElemKind::Count
                | ElemKind::Counts(_)
                | ElemKind::Category(_)
                | ElemKind::Simplex(_)
                | ElemKind::Ordered(_)
                | ElemKind::Vector(_)
                | ElemKind::Matrix(..) => false,
            }
        };
        self.params().into_iter().filter(has_floor).collect()
    }

    pub(super) fn floors_fn(&self) -> Option<TokenStream> {
        let floored = self.floored();
        if floored.is_empty() {
            return None;
        }
        let (open, scope, globals) = (self.open(), self.scope(), self.globals_type());
        let walks: TokenStream = floored
            .into_iter()
            .map(|a| {
                let (n, (min, _)) = (self.name(a), self.bounds(a));
                let text = n.to_string();
                let plates = self.plates_of(a);
                let at: Vec<_> = plates.iter().map(|v| scope.var(v)).collect();
                let place = quote!(params.#n #([#at])*);
                let matrix = matches!(self.model.arrays[a.0].elem.kind, ElemKind::SymPos(_));
                let put = if matrix {
                    quote!(falls && mode::to_singular(&mut #place, &next.#n #([#at])*, share, keep))
                } else {
                    quote! {{
                        let fall = #place - next.#n #([#at])*;
                        let room = #place - #min;
                        falls && room > 0.0 && fall > share * room && {
                            #place = #min + keep * room;
                            true
                        }
                    }}
                };
                let put = quote! {
                    let name = mode::at(#text, &[#(#at),*]).to_string();
                    let falls = only.is_none_or(|o| o == name);
                    if #put {
                        names.push(name);
                    }
                };
                scope.loops(&plates, put)
            })
            .collect();
        Some(quote! {
            const FLOORED: bool = true;

            fn to_floors(&self, context: &Context<'_>, params: &mut #globals, next: &#globals, (share, keep): (f64, f64), only: Option<&str>) -> Vec<String> {
                #open
                let mut names = Vec::new();
                #walks
                names
            }
        })
    }
}
