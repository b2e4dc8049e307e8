//! `canonical()`: latents that the data leave open up to an orientation, turned into one, with all that meets them.

use super::Emitter;
use crate::kernel::{Canon, Turning};
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emitter<'_> {
    /// The implementation of the trait, where there is something to turn.
    pub(super) fn canonical(&self) -> TokenStream {
        if self.kernel.canons.is_empty() {
            return TokenStream::new();
        }
        let globals = self.globals_type();
        let each: TokenStream = self.kernel.canons.iter().map(|c| self.oriented(c)).collect();
        let uses = self.turning_traits(&each);
        let names: Vec<String> = self.kernel.canons.iter().map(|c| self.name(c.latent).to_string()).collect();
        let doc = format!(" One orientation of {}.", names.join(", "));
        quote! {
            #[doc = #doc]
            impl fit::Canonical for Model {
                fn orient(params: &mut #globals, posterior: &mut Posterior) {
                    #uses
                    #each
                }
            }
        }
    }

    fn oriented(&self, c: &Canon) -> TokenStream {
        let latent = self.name(c.latent);
        let loadings: Vec<(ArrayId, usize)> = c.loadings().collect();
        let lines = |(a, axis): &(ArrayId, usize), each: bool| {
            let name = self.name(*a);
            let axis = Literal::usize_unsuffixed(if each { axis - 1 } else { *axis });
            if each { quote!(params.#name[k].lines(#axis)) } else { quote!(params.#name.lines(#axis)) }
        };
        let turned = c.params.iter().map(|(a, axes)| self.turned(*a, axes, c.by_state));
        if c.by_state {
            let first = self.name(loadings[0].0);
            let all = loadings.iter().map(|l| lines(l, true));
            return quote! {
                {
                    let turned: Vec<fit::Turned> =
                        (0..params.#first.len()).map(|k| fit::Turned::of(&[#(#all),*].concat(), None)).collect();
                    for (k, turned) in turned.iter().enumerate() {
                        #(#turned)*
                    }
                    posterior.#latent.turn_law(&turned);
                }
            };
        }
        let all = loadings.iter().map(|l| lines(l, false));
        let scale = match c.scale {
            Some(a) => {
                let a = self.name(a);
                quote!(Some(&params.#a))
            }
            None => quote!(None),
        };
        quote! {
            {
                let turned = fit::Turned::of(&[#(#all),*].concat(), #scale);
                #(#turned)*
                posterior.#latent.turn_law(&[turned]);
            }
        }
    }

    /// The traits whose methods a body calls.
    pub(super) fn turning_traits(&self, body: &TokenStream) -> TokenStream {
        let called = super::unused::identifiers(body);
        let traits =
            [("turn", "Turnable"), ("lines", "Turnable"), ("turn_both", "TurnBoth"), ("turn_law", "TurnLaw")];
        let mut names: Vec<&str> = vec![];
        for (method, name) in traits {
            if called.contains(method) && !names.contains(&name) {
                names.push(name);
            }
        }
        let names = names.iter().map(|n| quote::format_ident!("{n}"));
        quote!(#(use fit::#names as _;)*)
    }

    pub(super) fn turned(&self, a: ArrayId, axes: &[(usize, Turning)], each: bool) -> TokenStream {
        let name = self.name(a);
        let place = if each { quote!(params.#name[k]) } else { quote!(params.#name) };
        let by = |way: &Turning| match way {
            Turning::Along => quote!(&turned.along),
            Turning::Against => quote!(&turned.against),
        };
        if let (ElemKind::SymPos(_), Some((_, way))) = (&self.model.arrays[a.0].elem.kind, axes.first()) {
            let by = by(way);
            return quote!(#place.turn_both(#by););
        }
        let turns = axes.iter().map(|(axis, way)| {
            let (axis, by) = (Literal::usize_unsuffixed(axis - usize::from(each)), by(way));
            quote!(#place.turn(#axis, #by);)
        });
        quote!(#(#turns)*)
    }

    /// What the plan says of orientations.
    pub(super) fn canonical_text(&self) -> String {
        let each = self.kernel.canons.iter().map(|c| {
            let name = self.name(c.latent);
            let turning: Vec<String> = c.params.iter().map(|(a, _)| self.name(*a).to_string()).collect();
            let what = if c.scale.is_some() { "any invertible T" } else { "any rotation T" };
            let own = if c.by_state { ", one for each category" } else { "" };
            format!(
                "orientation: {name} and {} say the same of the data under {what}{own}; `canonical()` chooses one\n",
                turning.join(", ")
            )
        });
        each.collect()
    }
}
