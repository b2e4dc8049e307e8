//! Scalar residuals of one row.

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{Rows, ScalarResidual};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// What the uncertainty of the locations takes from a row's log density, in units of its data weight.
    pub(super) fn scalar_spread(&self, scope: &Scope<'_>, s: &ScalarResidual) -> Option<TokenStream> {
        if self.touched(&s.design).is_empty() {
            return None;
        }
        if self.is_constant_spread(&s.design) {
            let field = self.spread_field(s.moments);
            let at = self.kernel.stats[s.moments].cells.iter().map(|c| scope.var(&c.var));
            return Some(quote!(at.#field[[#(#at),*]]));
        }
        self.weighted(scope, &s.precision, &self.spreads(scope, super::uncertain::Rows::One, &s.design, None))
    }

    pub(super) fn scalar_value(&self, scope: &Scope<'_>, r: &Rows, s: &ScalarResidual) -> TokenStream {
        let body = |scope: &Scope<'_>| {
            let rho = scope.poly(&s.rho);
            let has_precision = s.precision.as_number() != Some(1.0);
            let mut lambda: Vec<TokenStream> = vec![];
            if s.weight.as_number() != Some(1.0) {
                lambda.push(scope.grouped(&s.weight));
            }
            let mut log = TokenStream::new();
            if has_precision {
                let prec = self.hoisted_poly(scope, &s.precision);
                lambda.push(prec);
                let half = crate::kernel::half_log(self.model, &s.precision);
                let half = self.hoisted_poly(scope, &half);
                log = quote!(+ #half);
            }
            let normaliser = self.value_poly(&s.normaliser);
            if !normaliser.is_zero() {
                let n = scope.poly(&normaliser);
                log = quote!(#log + (#n));
            }
            if let Some(spread) = self.scalar_spread(scope, s) {
                let weight = match s.weight.as_number() {
                    Some(1.0) => quote!(),
                    _ => {
                        let w = scope.grouped(&s.weight);
                        quote!(* #w)
                    }
                };
                log = quote!(#log - 0.5 #weight * (#spread));
            }
            quote! {
                let rho = #rho;
                value += -0.5 * #(#lambda *)* rho * rho #log;
            }
        };
        match &s.event {
            None => {
                let body = body(scope);
                quote! {
                    let mut value = 0.0;
                    #body
                    value
                }
            }
            Some(d) => {
                let inner = self.event_value(scope, r, d, body);
                let looped = scope.loops(std::slice::from_ref(d), inner);
                quote! {
                    let mut value = 0.0;
                    #looped
                    value
                }
            }
        }
    }

    /// Inside the loop over components: binds a component that may be missing.
    pub(super) fn event_value(
        &self,
        scope: &Scope<'_>,
        r: &Rows,
        d: &Var,
        body: impl Fn(&Scope<'_>) -> TokenStream,
    ) -> TokenStream {
        if !r.missing {
            return body(scope);
        }
        let mut indices = r.target.indices.clone();
        indices.push(Ix::var(d));
        let target = Elem { array: r.target.array, indices };
        let local = self.name(target.array);
        let raw = scope.raw(&target);
        scope.value.replace(Some((target, quote!(#local))));
        let body = body(scope);
        scope.value.replace(None);
        quote!(if let Some(#local) = #raw { #body })
    }

    pub(super) fn hoisted_poly(&self, scope: &Scope<'_>, p: &Poly) -> TokenStream {
        match crate::kernel::find_in(&self.kernel.hoists, p) {
            Some((n, over)) => {
                let name = format_ident!("{}", self.kernel.hoists[n].name);
                let at = over.iter().map(|v| scope.var(v));
                quote!(at.#name[[#(#at),*]])
            }
            None => scope.grouped(p),
        }
    }
}
