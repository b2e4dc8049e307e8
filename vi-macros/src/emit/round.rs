//! Parameter expansion of chains of Gaussians with standard steps.

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::Poly;
use crate::kernel::{Rounding, Rows};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Gathers the joint moments of all components of a step, beside what each needs for itself.
    pub(super) fn collect_round(&self, scope: &Scope<'_>, r: &Rows) -> TokenStream {
        let laws = self.kernel.roundings.iter().flat_map(|x| &x.laws);
        let own = laws.filter(|l| self.kernel.stats[l.stat].statement == r.statement);
        own.map(|l| self.collect_moments(scope, l.stat, &Poly::number(1.0))).collect()
    }

    /// The function that chooses Φ and turns all that meets the state.
    pub(super) fn expand_round(&self, x: &Rounding) -> (TokenStream, TokenStream) {
        let latent = self.name(x.latent);
        let name = format_ident!("expand_{latent}");
        let globals = self.globals_type();
        let sizes = self.size_patterns();
        let scope = self.scope();
        let laws = x.laws.iter().map(|l| {
            let field = format_ident!("{}", self.kernel.stats[l.stat].name);
            let (e, high) = (scope.var(&l.event), scope.index(&l.event.high));
            let known = self.known_terms_of(&l.design);
            quote! {
                let mut rows = Vec::with_capacity(#high);
                for #e in 0..#high {
                    let mut terms = Vec::new();
                    #known
                    rows.push(terms);
                }
                let cell = stats.#field.cell(0);
                steps.push((least_squares::residual_scatter(cell, &rows), cell.count));
            }
        });
        let turns: TokenStream = x.params.iter().map(|(a, axes)| self.turned(*a, axes, false)).collect();
        let uses = self.turning_traits(&turns);
        let turning: Vec<String> = x.params.iter().map(|(a, _)| format!("`{}`", self.name(*a))).collect();
        let doc = format!(
            " Lets the data choose the covariance Φ of the steps of `{latent}`, and gives it back to {}: the density of the data is the same.",
            turning.join(", ")
        );
        let function = quote! {
            #[doc = #doc]
            fn #name(&self, sizes: &Sizes, stats: &Stats, params: &mut #globals) {
                #uses
                let &Sizes { #(#sizes),* } = sizes;
                let mut steps = Vec::new();
                #(#laws)*
                let Some(turned) = fit::Turned::rounding(&steps) else { return };
                #turns
            }
        };
        (function, quote!(self.#name(&context.sizes, stats, &mut found.globals);))
    }

    /// What the plan says of them.
    pub(super) fn round_text(&self) -> String {
        let each = self.kernel.roundings.iter().map(|x| {
            let latent = self.name(x.latent);
            let turning: Vec<String> = x.params.iter().map(|(a, _)| self.name(*a).to_string()).collect();
            format!(
                "expansion: steps of {latent} are standard, so their covariance is maximised too and given back to {}\n",
                turning.join(", ")
            )
        });
        each.collect()
    }
}
