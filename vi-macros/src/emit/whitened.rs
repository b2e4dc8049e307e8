//! Chains of Gaussians with a scale in common: what the scale's own law takes of them, and theirs of it.

use super::Emitter;
use crate::density::symbol::Var;
use crate::kernel::{Component, Whitened};
use crate::model::ir::ArrayId;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    fn whitened(&self) -> impl Iterator<Item = (usize, &Component, &Whitened)> {
        let all = self.kernel.components.iter().enumerate();
        all.filter_map(|(i, c)| Some((i, c, c.whitened.as_ref()?)))
    }

    /// The scale that a latent of a chain is measured in.
    pub(super) fn chain_scale(&self, a: ArrayId) -> Option<&Whitened> {
        let own = |c: &Component| c.normals.iter().any(|n| n.array == a);
        self.whitened().find(|(_, c, _)| own(c)).map(|(.., w)| w)
    }

    /// q of the scale.
    pub(super) fn scale_law(&self, w: &Whitened) -> TokenStream {
        let (name, scope) = (self.name(w.scale.array), self.scope());
        let at = w.scale.indices.iter().map(|i| scope.index(i));
        quote!(params.#name #([#at])*)
    }

    /// E τᵖ
    pub(super) fn scale_mean(&self, w: &Whitened) -> TokenStream {
        let (law, power) = (self.scale_law(w), super::number(w.power.value()));
        quote!(#law.expect_power(#power))
    }

    fn fields(&self, w: &Whitened) -> (Ident, Ident, Vec<Var>) {
        let name = |n: usize| format_ident!("{}", self.kernel.stats[n].name);
        let cells = self.kernel.stats[w.count].cells.iter().map(|c| c.var.clone());
        (name(w.count), name(w.spread), cells.collect())
    }

    /// What a statistic of a chain's numbers says.
    pub(super) fn whitened_doc(&self, stat: usize) -> Option<String> {
        self.whitened().find_map(|(_, c, w)| {
            let (latents, tau) = (self.component_names(c).join(", "), self.name(w.scale.array));
            match stat {
                n if n == w.count => Some(format!(" How many numbers there are in {latents}.")),
                n if n == w.spread => {
                    Some(format!(" The same over E {tau}: what their variances add to the squares."))
                }
                _ => None,
            }
        })
    }

    /// Counts the numbers of each unit, and their variances in units of the scale.
    pub(super) fn collect_whitened(&self, index: usize, c: &Component) -> TokenStream {
        let Some(w) = &c.whitened else { return TokenStream::new() };
        let (count, spread, cells) = self.fields(w);
        let scope = self.scope();
        let at: Vec<_> = cells.iter().map(|v| scope.var(v)).collect();
        let unit = if at.is_empty() { quote!() } else { self.unit_at(index, c, quote!(units.start + i)) };
        let (width, mean) = (self.width(c), self.scale_mean(w));
        quote! {
            for i in 0..len {
                #unit
                let numbers = table[i] * (#width) as f64;
                stats.#count[[#(#at),*]] += numbers;
                stats.#spread[[#(#at),*]] += numbers / #mean;
            }
        }
    }

    /// What a scale's natural parameters take of the numbers it whitens: the integral over them.
    pub(super) fn whitened_numbers(&self, a: ArrayId, slots: &[Ident]) -> TokenStream {
        let [log, power] = slots else { return TokenStream::new() };
        let scope = self.scope();
        self.whitened()
            .filter(|(.., w)| w.scale.array == a)
            .map(|(_, _, w)| {
                let (count, spread, cells) = self.fields(w);
                let at: Vec<_> = cells.iter().map(|v| scope.var(v)).collect();
                let half = super::number(-0.5 * w.power.value());
                scope.loops(
                    &cells,
                    quote! {
                        #log[[#(#at),*]] += #half * stats.#count[[#(#at),*]];
                        #power[[#(#at),*]] += 0.5 * stats.#spread[[#(#at),*]];
                    },
                )
            })
            .collect()
    }

    /// The entropy of a chain given its scale, on the average, less that at the scale's expectation.
    pub(super) fn whitened_terms(&self) -> TokenStream {
        let scope = self.scope();
        self.whitened()
            .map(|(_, c, w)| {
                let latents = self.component_names(c).join(", ");
                let tau = self.name(w.scale.array);
                let text = format!("H({latents} | {tau}) − H({latents} | E {tau})");
                let (width, law, mean) = (self.width(c), self.scale_law(w), self.scale_mean(w));
                let power = super::number(w.power.value());
                let one = quote!(term += 0.5 * (#width) as f64 * (#mean.ln() - #power * #law.expect_log()););
                let body = scope.loops(&c.unit, one);
                quote! {
                    let mut term = 0.0;
                    #body
                    out.push(ElboTerm { name: #text.to_string(), value: term, magnitude: f64::abs(term) });
                }
            })
            .collect()
    }

    /// The trait's side: how a drawn scale compares with its expectation.
    pub(super) fn whitened_fns(&self) -> TokenStream {
        let arms: TokenStream = self
            .whitened()
            .map(|(i, c, w)| {
                let index = Literal::usize_unsuffixed(i);
                let unit = match w.scale.indices.is_empty() {
                    true => quote!(),
                    false => self.unit_at(i, c, quote!(unit)),
                };
                let (name, scope) = (self.name(w.scale.array), self.scope());
                let at = w.scale.indices.iter().map(|i| scope.index(i));
                let (power, mean) = (super::number(w.power.value()), self.scale_mean(w));
                quote!(#index => { #unit f64::powf(latents.#name #([#at])*, #power) / #mean })
            })
            .chain(self.drawn_unit_scales())
            .collect();
        if arms.is_empty() {
            return arms;
        }
        let (globals, open) = (self.globals_type(), self.open());
        quote! {
            fn drawn_scale(&self, context: &Context<'_>, component: usize, unit: usize, params: &#globals, latents: &Latents) -> f64 {
                #open
                match component {
                    #arms
                    _ => 1.0,
                }
            }
        }
    }
}
