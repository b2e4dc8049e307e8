//! Gaussian latents of units drawn and chosen together: those along a chain by its joint law, the others by their marginals.

use super::Emitter;
use crate::kernel::Component;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Chains of Gaussians, and the field that holds the joint law of each.
    pub(super) fn trajectories(&self) -> impl Iterator<Item = (usize, &Component, Ident)> {
        let chains = self.kernel.components.iter().enumerate();
        chains
            .filter(|(_, c)| c.is_chain() && c.whitened.is_none())
            .map(|(i, c)| (i, c, format_ident!("joint_{}", self.component_name(c))))
    }

    /// One law for each sequence.
    pub(super) fn trajectory_type(&self, c: &Component) -> TokenStream {
        (1..c.unit.len()).fold(quote!(fit::Trajectory), |t, _| quote!(Vec<#t>))
    }

    /// What the runtime hands over of a sequence.
    pub(super) fn share_path_fn(&self) -> TokenStream {
        let scope = self.scope();
        let arms: TokenStream = self
            .trajectories()
            .map(|(index, c, name)| {
                let i = Literal::usize_unsuffixed(index);
                let unit = self.unit_at(index, c, quote!(unit));
                let outer = c.unit[..c.unit.len() - 1].iter().map(|v| scope.var(v));
                let sizes = self.normal_offsets(c).into_iter().map(|x| x.2);
                quote!(#i => { #unit posterior.#name #([#outer])* = law.of_parts(&[#(#sizes),*]); })
            })
            .collect();
        if arms.is_empty() {
            return arms;
        }
        let open = self.open();
        quote! {
            fn share_path(&self, context: &Context<'_>, component: usize, unit: usize, law: fit::Trajectory, posterior: &mut Posterior) {
                #open
                match component {
                    #arms
                    _ => {}
                }
            }
        }
    }

    /// `sample` and `most_likely` where every component is a chain of Gaussians, or one Gaussian latent: its marginal is its joint law.
    pub(super) fn normal_choices(&self) -> Option<TokenStream> {
        let all = &self.kernel.components;
        let known = |c: &Component| {
            c.locals.is_empty() && c.whitened.is_none() && (c.is_chain() || c.normals.len() == 1)
        };
        let hidden: usize = all.iter().map(|c| c.normals.len()).sum();
        if all.is_empty() || !all.iter().all(known) || hidden < self.hidden().len() {
            return None;
        }
        let kept: TokenStream = all
            .iter()
            .map(|c| {
                let name = self.name(c.normals[0].array);
                quote!(fit::is_kept(&self.#name)?;)
            })
            .collect();
        let (paths, drawn) = self.chosen(&quote!(q.sample_path(rng)), &quote!(x.sample(rng)));
        let (means, middle) = self.chosen(&quote!(Ok(q.means())), &quote!(x.mean()));
        Some(quote! {
            impl Posterior {
                /// Latents drawn from q: those along a sequence together.
                ///
                /// # Errors
                /// [`Error::LocalsNotKept`] where there is no q: locals were not kept, or a filter knows no joint law of several steps.
                pub fn sample(&self, rng: &mut impl rng::Rng) -> Result<Latents, Error> {
                    #kept
                    #paths
                    Ok(Latents { #drawn })
                }

                /// The most likely latents: of a Normal, its mean.
                ///
                /// # Errors
                /// [`Error::LocalsNotKept`] where there is no q: locals were not kept.
                pub fn most_likely(&self) -> Result<Latents, Error> {
                    #kept
                    #means
                    Ok(Latents { #middle })
                }
            }
        })
    }

    /// The paths of all chains, `path` of each sequence `q`, and the fields that are read off them; `leaf` of the marginals of other latents.
    fn chosen(&self, path: &TokenStream, leaf: &TokenStream) -> (TokenStream, TokenStream) {
        let (mut paths, mut fields) = (TokenStream::new(), TokenStream::new());
        for (index, c) in self.kernel.components.iter().enumerate() {
            let Some((_, _, joint)) = self.trajectories().find(|(i, ..)| *i == index) else {
                let name = self.name(c.normals[0].array);
                let value = (0..c.unit.len())
                    .fold(leaf.clone(), |inner, _| quote!(x.iter().map(|x| #inner).collect()));
                fields.extend(quote!(#name: { let x = &self.#name; #value },));
                continue;
            };
            let outer = c.unit.len() - 1;
            let made = (0..outer).fold(
                path.clone(),
                |inner, _| quote!(q.iter().map(|q| #inner).collect::<Result<Vec<_>, Error>>()),
            );
            let made = if outer == 0 && path.to_string().starts_with("Ok") {
                quote!(q.means())
            } else {
                quote!(#made?)
            };
            paths.extend(quote!(let q = &self.#joint; let #joint = #made;));
            for (n, normal) in c.normals.iter().enumerate() {
                let (name, part) = (self.name(normal.array), Literal::usize_unsuffixed(n));
                let leaf = match normal.over.is_empty() {
                    true => quote!(q.numbers(path, #part)),
                    false => quote!(q.vectors(path, #part)),
                };
                let value = (0..outer)
                    .fold(leaf, |inner, _| quote!(q.iter().zip(path).map(|(q, path)| #inner).collect()));
                fields.extend(quote!(#name: { let (q, path) = (&self.#joint, &#joint); #value },));
            }
        }
        (paths, fields)
    }
}
