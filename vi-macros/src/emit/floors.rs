//! Params with a lower bound of their own, put on it where M-steps carry them there ever more slowly.

use super::Emitter;
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Params whose numbers have a bound that the user wrote.
    fn floored(&self) -> Vec<ArrayId> {
        let number = |a: &ArrayId| match self.model.arrays[a.0].elem.kind {
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit => true,
            ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => false,
        };
        let has_floor = |a: &ArrayId| self.model.arrays[a.0].elem.min.is_some();
        self.params().into_iter().filter(|a| number(a) && has_floor(a)).collect()
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
                let put = quote! {
                    let fall = params.#n #([#at])* - next.#n #([#at])*;
                    let room = params.#n #([#at])* - #min;
                    if room > 0.0 && fall > share * room {
                        params.#n #([#at])* = #min + keep * room;
                        names.push(mode::at(#text, &[#(#at),*]).to_string());
                    }
                };
                scope.loops(&plates, put)
            })
            .collect();
        Some(quote! {
            const FLOORED: bool = true;

            fn to_floors(&self, context: &Context<'_>, params: &mut #globals, next: &#globals, share: f64, keep: f64) -> Vec<String> {
                #open
                let mut names = Vec::new();
                #walks
                names
            }
        })
    }
}
