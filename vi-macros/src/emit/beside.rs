//! Chains of Gaussians beside latents that all their steps share: what a filter holds of these, and what the future is seen through.

use super::Emitter;
use super::scope::Scope;
use crate::density::lower::Lower;
use crate::density::symbol::{Elem, Ix};
use crate::kernel::{Component, Whitened, is_unit_normal};
use crate::model::ir::Statement;
use proc_macro2::TokenStream;
use quote::quote;

/// What is uncertain beside a chain of Gaussians.
pub(super) enum Beside<'k> {
    Nothing,
    /// A scale for each sequence that all rows have in common, and nothing else: states and scale have one exact law.
    Scale(&'k Whitened),
    /// Coefficients and scales with a q of their own.
    Uncertain,
}

impl Emitter<'_> {
    /// What is uncertain beside a chain; `None` where a filter has no meaning: of something that changes along the chain nothing is known in
    /// new steps, and of a scale that several sequences or other statements share more is known than one sequence says.
    pub(super) fn beside<'k>(&self, c: &'k Component) -> Option<Beside<'k>> {
        let random = self.random();
        if random.is_empty() {
            return Some(Beside::Nothing);
        }
        let axis = c.unit.last()?;
        let along = random.iter().any(|a| {
            let array = &self.model.arrays[a.0];
            array.plates.iter().chain(array.elem.kind.axes()).any(|x| x.nominal == axis.nominal)
        });
        if along || !self.kernel.gates.is_empty() || !self.kernel.meetings.is_empty() {
            return None;
        }
        let Some(w) = &c.whitened else { return Some(Beside::Uncertain) };
        let own = random == [w.scale.array] && w.scale.indices.len() + 1 == c.unit.len();
        let alone = self.kernel.fixed.is_empty() && self.kernel.moving.is_empty();
        (own && alone).then_some(Beside::Scale(w))
    }

    /// The trait's side of a scale.
    pub(super) fn scale_fns(&self, c: &Component, beside: &Beside<'_>) -> TokenStream {
        let Beside::Scale(w) = beside else { return TokenStream::new() };
        let (law, globals, open) = (self.scale_law(w), self.globals_type(), self.open());
        let place = law.to_string();
        let unit = match w.scale.indices.is_empty() {
            true => quote!(),
            false => self.unit_at(0, c, quote!(unit)),
        };
        let to: TokenStream = place.replacen("params", "globals", 1).parse().unwrap_or_default();
        quote! {
            const SCALED: bool = true;

            fn scale_at(&self, context: &Context<'_>, globals: &#globals, unit: usize) -> Marginal<dist::PowerGamma> {
                #open
                #unit
                #to.clone()
            }

            fn set_scale(&self, context: &Context<'_>, globals: &mut #globals, unit: usize, law: Marginal<dist::PowerGamma>) {
                #open
                #unit
                #to = law;
            }
        }
    }

    /// Whether unobserved elements have laws at values of what is uncertain beside a chain, but none together with it.
    pub(super) fn imputes_along(&self) -> bool {
        let [c] = self.kernel.components.as_slice() else { return false };
        c.is_chain()
            && matches!(self.beside(c), Some(Beside::Scale(_) | Beside::Uncertain))
            && self.open_axis().is_some()
    }

    /// What the joint laws of sequences say of elements without a value.
    pub(super) fn impute_along(&self) -> TokenStream {
        let [c] = self.kernel.components.as_slice() else { return TokenStream::new() };
        let leaves = if self.imputes_along() { self.leaves() } else { vec![] };
        if leaves.is_empty() {
            return TokenStream::new();
        }
        let own = |s: &&Statement| s.dist.is_some() && leaves.contains(&s.array);
        let statements: TokenStream =
            self.model.statements.iter().filter(own).map(|s| self.impute(s)).collect();
        let shared: Vec<_> =
            self.hidden().into_iter().filter(|a| self.is_shared_latent(*a)).map(|a| self.name(a)).collect();
        let at_mean = match &c.whitened {
            Some(w) => {
                let (name, power) = (self.name(w.scale.array), super::number(w.power.value().recip()));
                let one = quote!((law.shape / law.rate).powf(#power));
                match w.scale.indices.is_empty() {
                    true => quote!(latents.#name = scales.first().map_or(f64::NAN, |law| #one);),
                    false => quote!(latents.#name = scales.iter().map(|law| #one).collect();),
                }
            }
            None => quote!(#(latents.#shared = shared.#shared.clone();)*),
        };
        let open = self.open();
        quote! {
            fn impute_along(&self, context: &Context<'_>, params: &Params, shared: &Latents, paths: &[fit::Trajectory], scales: &[dist::PowerGamma]) -> Result<Imputed, Error> {
                #open
                let mut imputed = Imputed::default();
                let mut latents = self.latents(context, &fit::first_states(&self.components(context)));
                #at_mean
                #statements
                Ok(imputed)
            }
        }
    }

    /// `add` for points with the mean and the covariance of all latents of a step.
    pub(super) fn over_path(
        &self,
        scope: &Scope<'_>,
        s: &Statement,
        lower: &Lower<'_>,
        add: TokenStream,
    ) -> TokenStream {
        let mut read: Option<Vec<Ix>> = None;
        self.each_argument(s, &mut |e| {
            self.model.each_read_deep(e, &mut |a| {
                if read.is_none() && is_unit_normal(self.model, a.array) {
                    read = Some(a.indices.iter().map(|i| lower.index(i)).collect());
                }
            });
        });
        let ([c], Some(indices)) = (self.kernel.components.as_slice(), read) else {
            return quote!(mixture.over_points(); let probability = 1.0; #add);
        };
        let at: Vec<_> = indices.iter().take(c.unit.len()).map(|i| scope.index(i)).collect();
        let (sequence, step) = match at.as_slice() {
            [outer, step] => (outer.clone(), step.clone()),
            [step] => (quote!(0), step.clone()),
            _ => return TokenStream::new(),
        };
        let set = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, size), n)| {
            let e = Elem { array: a, indices: indices.iter().take(c.unit.len()).cloned().collect() };
            let (name, at) = (self.name(a), e.indices.iter().map(|i| scope.index(i)));
            match n.over.is_empty() {
                true => quote!(latents.#name #([#at])* = point[#start];),
                false => quote!(latents.#name #([#at])* = point.rows(#start, #size).into_owned();),
            }
        });
        let scale = c.whitened.is_some().then(|| quote!(mixture.over_scale(scales[#sequence].shape);));
        quote! {
            mixture.over_points();
            #scale
            let points = paths[#sequence].points(#step);
            let probability = 1.0 / points.len() as f64;
            for point in points {
                #(#set)*
                #add
            }
        }
    }
}
