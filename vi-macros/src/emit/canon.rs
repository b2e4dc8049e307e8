//! `canonical()`: latents that the data leave open up to an orientation, turned into one, with all that meets them.

use super::Emitter;
use super::uncertain::Gaussian;
use crate::density::symbol::{Elem, Ix};
use crate::kernel::{Canon, Open, Turning, is_random};
use crate::model::ir::{ArrayId, ElemKind, Nominal};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emitter<'_> {
    /// The latents of which an orientation can be chosen, but for those along which a posterior keeps its order.
    fn canons(&self) -> impl Iterator<Item = &Canon> {
        self.kernel.canons.iter().filter(|c| match c.open {
            Open::Order(nominal) => self.order_kept_along(nominal).is_none(),
            Open::Any(_) | Open::Rotation { .. } => true,
        })
    }

    /// The implementation of the trait, where there is something to turn.
    pub(super) fn canonical(&self) -> TokenStream {
        let each: TokenStream = self.canons().map(|c| self.oriented(c)).collect();
        if each.is_empty() {
            return each;
        }
        let globals = self.globals_type();
        let uses = self.turning_traits(&each);
        let names: Vec<String> = self.canons().map(|c| self.name(c.latent).to_string()).collect();
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
        let all = quote!(&[#(#all),*].concat());
        let (chosen, rest) = match c.open {
            Open::Any(a) => {
                let a = self.name(a);
                (quote!(let turned = fit::Turned::of(#all, Some(&params.#a));), TokenStream::new())
            }
            Open::Rotation { free } => {
                let laws = if free { TokenStream::new() } else { self.turned_laws(c) };
                (quote!(let turned = fit::Turned::of(#all, None);), laws)
            }
            Open::Order(nominal) => {
                let chosen = quote! {
                    let fit::Ordered { order, signs } = fit::Ordered::of(#all);
                    let turned = fit::Turned::ordered(&order, &signs);
                    let order: &[usize] = &order;
                };
                (chosen, self.ordered(c, nominal))
            }
        };
        quote! {
            {
                #chosen
                #(#turned)*
                #rest
                posterior.#latent.turn_law(&[turned]);
            }
        }
    }

    /// The covariances of lines that turn.
    fn turned_laws(&self, c: &Canon) -> TokenStream {
        let scope = self.scope();
        let each = c.loadings().map(|(a, axis)| {
            let Some((g, copy, unknown)) = self.place_read(a) else { return TokenStream::new() };
            let indices = self.indices_read(a);
            let others = (0..indices.len()).filter(|k| *k != axis).map(|k| scope.var(&indices[k]));
            let at = scope.var(&indices[axis]);
            let place =
                quote!(fit::Place { line: vec![#(#others),*], at: #at, copy: #copy, unknown: #unknown });
            let walk = self.each_read(a, quote!(places.push(#place);));
            let (starts, field) = (self.row_starts(g.regression, &walk), &g.field);
            quote! {{
                let mut places = Vec::new();
                #starts
                #walk
                fit::turn_lines(&mut params.#field, places, &turned.against);
            }}
        });
        each.collect()
    }

    /// The block of a location that has a law, and where its element of [`indices_read`](Self::indices_read) stands there.
    fn place_read(&self, a: ArrayId) -> Option<(Gaussian<'_>, TokenStream, TokenStream)> {
        let g = self.gaussian_of(a).filter(|_| is_random(self.model, a))?;
        let e = Elem { array: a, indices: self.indices_read(a).iter().map(Ix::var).collect() };
        let (copy, unknown) = (self.copy_read(g.regression, &e, a), self.unknown_read(g.regression, &e, a));
        Some((g, copy, unknown))
    }

    /// Whatever else is counted by the components of the latent changes places with them; covariances of what turns have its signs.
    fn ordered(&self, c: &Canon, nominal: Nominal) -> TokenStream {
        let scope = self.scope();
        let turns = |a: &ArrayId| c.params.iter().any(|(b, _)| a == b);
        let mut out = TokenStream::new();
        for g in self.gaussians() {
            out.extend(self.relabel_covariances(&g, nominal));
        }
        for a in self.params().into_iter().chain(self.points()).chain(self.random()).filter(|a| !turns(a)) {
            out.extend(self.relabel_values(a, nominal));
        }
        for (a, axes) in &c.params {
            let Some((g, copy, unknown)) = self.place_read(*a) else { continue };
            let indices = self.indices_read(*a);
            let signs = axes.iter().map(|(axis, _)| {
                let v = scope.var(&indices[*axis]);
                quote!(signs[#v])
            });
            let sign = super::product(&signs.collect::<Vec<_>>());
            let flips = quote!(if #sign < 0.0 { flipped.push([#copy, #unknown]); });
            let walk = self.each_read(*a, flips);
            let (starts, field) = (self.row_starts(g.regression, &walk), &g.field);
            out.extend(quote! {{
                let mut flipped = Vec::new();
                #starts
                #walk
                fit::flip(&mut params.#field, &flipped);
            }});
        }
        out
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
        let each = self.canons().map(|c| {
            let name = self.name(c.latent);
            let turning: Vec<String> = c.params.iter().map(|(a, _)| self.name(*a).to_string()).collect();
            let turning = turning.join(", ");
            let own = if c.by_state { ", one for each category" } else { "" };
            match c.open {
                Open::Any(_) | Open::Rotation { .. } => {
                    let what = if let Open::Any(_) = c.open { "any invertible T" } else { "any rotation T" };
                    format!(
                        "orientation: {name} and {turning} say the same of the data under {what}{own}; `canonical()` chooses one\n"
                    )
                }
                Open::Order(_) => format!(
                    "orientation: {name} and {turning} say the same in any order of the directions and with any signs; `canonical()` chooses one\n"
                ),
            }
        });
        each.collect()
    }
}
