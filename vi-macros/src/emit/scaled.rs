//! Gaussian latents of a unit whose rows all have one integrated latent as a factor of their precision: given it they are Gaussian, and what is
//! left of their integral are coefficients of its own statistics.
//!
//! ```text
//! ∫ Π √τᵖ exp −½ τᵖ ρ(f)² df = (2π)^(H/2) |det R|⁻¹ exp(½ (m − H) p log τ − ½ τᵖ min Σ ρ²)          f | τ ~ Normal(μ, V / τᵖ)
//! ```

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::Poly;
use crate::density::symbol::Elem;
use crate::kernel::{Component, ScalarResidual, Terms, own_terms, scale_of};
use crate::model::ir::ArrayId;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emitter<'_> {
    /// The component of a Gaussian latent that is measured in an integrated scale, and that scale.
    pub(super) fn unit_scale(&self, a: ArrayId) -> Option<(&Component, Elem)> {
        let c = self.kernel.components.iter().find(|c| c.normals.iter().any(|n| n.array == a))?;
        Some((c, scale_of(self.model, c)?.1))
    }

    /// Data in the precision of a row, without the scale.
    pub(super) fn unscaled_weight(&self, c: &Component, s: &ScalarResidual) -> Poly {
        match own_terms(c, &s.weight) {
            Some((_, own)) if !own.is_empty() => {
                own.iter().fold(Poly::zero(), |sum, o| sum.add(&o.coefficient))
            }
            Some(_) | None => s.weight.clone(),
        }
    }

    /// Terms of a row's normaliser without those of the scale, and what those add to its coefficients.
    pub(super) fn unscaled_terms(&self, scope: &Scope<'_>, c: &Component, t: &Terms) -> (Terms, TokenStream) {
        if c.integrated.is_empty() {
            return (t.clone(), TokenStream::new());
        }
        let mut plain = t.clone();
        for s in &mut plain.separable {
            if let Some((rest, _)) = own_terms(c, &s.coefficient) {
                s.coefficient = rest;
            }
        }
        plain.separable.retain(|s| !s.coefficient.is_zero());
        (plain, self.integrated_terms(scope, c, t, TokenStream::new(), false))
    }

    /// What ends the rows of a unit in a state: its evidence, and the coefficients of the scale.
    pub(super) fn solve(&self, scope: &Scope<'_>, c: &Component) -> TokenStream {
        let Some((n, scale)) = scale_of(self.model, c) else {
            return quote!(table[slot] += system.solve(slot););
        };
        let i = &c.integrated[n];
        let (state, width) = (self.state_index(c), self.width(c));
        let [element, log] = self.place(scope, c, i, &scale, 0);
        let [_, power] = self.place(scope, c, i, &scale, 1);
        let half = super::number(-0.5 * i.power.value());
        let n = Literal::usize_unsuffixed(n);
        quote! {
            let (log, square) = system.solve_scaled(slot);
            table[slot] += log;
            scratch.integrals[#n].add(#state, #element, #log, i, #half * (#width) as f64);
            scratch.integrals[#n].add(#state, #element, #power, i, -0.5 * square);
        }
    }

    /// Once the scale is known in every state, covariances are those at its expectation.
    pub(super) fn measure(&self, c: &Component) -> TokenStream {
        let Some((n, scale)) = scale_of(self.model, c) else { return TokenStream::new() };
        let scope = self.scope();
        let i = &c.integrated[n];
        let (state, slot) = (self.state_index(c), self.slot(c));
        let [element, power] = self.place(&scope, c, i, &scale, 1);
        let n = Literal::usize_unsuffixed(n);
        let body = scope.loops(
            &self.state_vars(c),
            quote! {
                let expected = scratch.integrals[#n].expect(#state, #element, #power, i);
                scratch.normals.measure(#slot, expected);
            },
        );
        quote!(for i in 0..len { #body })
    }

    /// `posterior.tau[j]`: the law of the scale of a unit.
    pub(super) fn unit_scale_law(&self, scale: &Elem, at: &[proc_macro2::Ident]) -> TokenStream {
        let name = self.name(scale.array);
        quote!(posterior.#name #([#at])*)
    }

    /// τᵖ as it was drawn for a unit.
    pub(super) fn drawn_unit_scales(&self) -> Vec<TokenStream> {
        let scope = self.scope();
        let all = self.kernel.components.iter().enumerate();
        all.filter_map(|(index, c)| {
            let (n, scale) = scale_of(self.model, c)?;
            let (name, power) = (self.name(scale.array), super::number(c.integrated[n].power.value()));
            let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
            let unit = self.unit_at(index, c, quote!(unit));
            let index = Literal::usize_unsuffixed(index);
            Some(quote!(#index => { #unit f64::powf(latents.#name #([#at])*, #power) }))
        })
        .collect()
    }
}
