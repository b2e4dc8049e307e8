//! Quadratic forms of vectors that a number multiplies: what its update reads.

use super::Emitter;
use super::scope::Scope;
use super::uncertain::{Rows, Spread};
use crate::kernel::{Contribution, Source, without};
use crate::model::ir::ArrayId;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Σ w ρᵀ M ρ at the current locations.
    pub(super) fn vector_form(&self, scope: &Scope<'_>, s: &Source) -> (TokenStream, Option<TokenStream>) {
        let (setup, scatter, matrix) = match s {
            Source::Form { stat, at, design, event, matrix, inverse } => {
                let field = format_ident!("{}", self.kernel.stats[*stat].name);
                let cell = self.cell_at(scope, *stat, at);
                let known = self.known_terms(scope, design, None);
                let (d, high) = (scope.var(event), scope.index(&event.high));
                let setup = quote! {
                    let mut rows = Vec::with_capacity(#high);
                    for #d in 0..#high {
                        let mut terms = Vec::new();
                        #known
                        rows.push(terms);
                    }
                };
                let scatter = quote!(least_squares::residual_scatter(stats.#field.cell(#cell), &rows));
                (setup, scatter, self.expected_precision(scope, matrix, *inverse).0)
            }
            Source::PriorForm { rho, event, matrix, inverse, .. } => {
                let (d, high) = (scope.var(event), scope.index(&event.high));
                let rho = scope.poly(rho);
                let setup = quote!(let rho = DVector::from_fn(#high, |#d, _| #rho););
                (setup, quote!((&rho * rho.transpose())), self.expected_precision(scope, matrix, *inverse).0)
            }
            Source::Prior
            | Source::Sum { .. }
            | Source::Count { .. }
            | Source::Residual { .. }
            | Source::Square { .. }
            | Source::Taylor { .. } => return (quote!(), None),
        };
        (setup, Some(quote!(dense::trace(&#matrix, &#scatter))))
    }

    /// What the uncertainty of locations adds to it; a block that the number itself whitens adds nothing.
    pub(super) fn form_spread(&self, scope: &Scope<'_>, a: ArrayId, t: &Contribution) -> Option<TokenStream> {
        let (spreads, event, matrix, inverse): (Vec<Spread>, _, _, _) = match &t.source {
            Source::Form { stat, at, design, event, matrix, inverse } => {
                let rows = Rows::Behind { stat: *stat, at };
                (self.dense_spreads(scope, rows, design, event), event, matrix, inverse)
            }
            Source::PriorForm { design, event, matrix, inverse, .. } => {
                (self.dense_spreads(scope, Rows::One, design, event), event, matrix, inverse)
            }
            Source::Prior
            | Source::Sum { .. }
            | Source::Count { .. }
            | Source::Residual { .. }
            | Source::Square { .. }
            | Source::Taylor { .. } => return None,
        };
        let parts: Vec<TokenStream> = spreads
            .iter()
            .filter(|s| s.scale != Some(a))
            .map(|s| {
                let coefficient = scope.grouped(&without(&t.coefficient, s.scale));
                let value = &s.value;
                if s.outputs {
                    let high = scope.index(&event.high);
                    quote!(#coefficient * #high as f64 * #value)
                } else {
                    let (precision, _) = self.expected_precision(scope, matrix, *inverse);
                    quote!(#coefficient * dense::trace(&#precision, &#value))
                }
            })
            .collect();
        (!parts.is_empty()).then(|| quote!(#(#parts)+*))
    }
}
