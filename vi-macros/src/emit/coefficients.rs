//! Coefficients of Gaussian latents that are uncertain: what they add to the squares of rows, as further rows.
//!
//! E (y − Σ θⱼ cⱼ)² = (y − Σ E θⱼ cⱼ)² + Σ Cov(θⱼ, θₖ) cⱼ cₖ where every cⱼ is affine in the latents of a unit; the second sum is a sum of squares in
//! them, whose rows the runtime finds.

use super::Emitter;
use super::scope::Scope;
use super::uncertain::Gaussian;
use crate::density::poly::{Poly, Term};
use crate::density::symbol::Elem;
use crate::kernel::{
    Collapse, Component, DenseResidual, Design, Part, ScalarResidual, part, pulled, without,
};
use proc_macro2::TokenStream;
use quote::quote;

/// Where the rows stand: of one unit, or of all units whose data are read once.
#[derive(Clone, Copy)]
pub(super) struct Place<'c> {
    pub component: &'c Component,
    pub collapse: Option<&'c Collapse>,
}

impl Emitter<'_> {
    /// What uncertainty adds to the square of a scalar residual; `weighted`: it counts `copies` times.
    pub(super) fn uncertain_row(
        &self,
        scope: &Scope<'_>,
        place: Place<'_>,
        s: &ScalarResidual,
        weighted: bool,
    ) -> TokenStream {
        let each = self.touched(&s.design);
        each.iter()
            .map(|(g, e)| {
                let push = self.uncertain_terms(scope, place, g, &s.design);
                let mut lambda: Vec<TokenStream> = if weighted { vec![quote!(copies)] } else { vec![] };
                if s.weight.as_number() != Some(1.0) {
                    lambda.push(scope.grouped(&s.weight));
                }
                let precision = without(&s.precision, self.scale_of(g).0);
                if precision.as_number() != Some(1.0) {
                    lambda.push(self.hoisted_poly(scope, &precision));
                }
                let lambda = if lambda.is_empty() { quote!(1.0) } else { super::product(&lambda) };
                let (cov, copy) = (&g.field, self.copy(scope, g.regression, e));
                quote! {
                    let uncertain = system.uncertain();
                    #push
                    uncertain.add(#lambda, &params.#cov[#copy]);
                }
            })
            .collect()
    }

    /// The same of a vector whose components are coupled.
    pub(super) fn uncertain_vector(
        &self,
        scope: &Scope<'_>,
        place: Place<'_>,
        d: &DenseResidual,
        weighted: bool,
    ) -> TokenStream {
        // What is uncertain of a mean alone is in the density's constant.
        if self.mean_only(d) {
            return TokenStream::new();
        }
        let each = self.touched(&d.design);
        each.iter()
            .map(|(g, e)| {
                let push = self.uncertain_terms(scope, place, g, &d.design);
                let (scale, outputs) = self.scale_of(g);
                let (cov, copy) = (&g.field, self.copy(scope, g.regression, e));
                let factor = without(&d.factor, scale);
                let copies = if weighted { quote!(copies *) } else { quote!() };
                if outputs {
                    let (high, factor) = (scope.index(&d.event.high), scope.grouped(&factor));
                    return quote! {
                        let uncertain = system.uncertain();
                        #push
                        uncertain.add(#copies #high as f64 * #factor, &params.#cov[#copy]);
                    };
                }
                let (field, at) = (self.density_field(d), self.density_index(scope, d));
                let precision = if factor == d.factor {
                    match weighted {
                        true => quote!(&(at.#field[#at].precision() * copies)),
                        false => quote!(at.#field[#at].precision()),
                    }
                } else {
                    let (p, _) = self.expected_precision(scope, &d.matrix, d.inverse);
                    let factor = scope.grouped(&factor);
                    quote!(&(#p * (#copies #factor)))
                };
                let rows = scope.loops(std::slice::from_ref(&d.event), quote!(#push uncertain.end();));
                quote! {
                    let uncertain = system.uncertain();
                    #rows
                    uncertain.add_coupled(#precision, &params.#cov[#copy]);
                }
            })
            .collect()
    }

    /// Pushes what each unknown of a block is multiplied with in a row.
    fn uncertain_terms(
        &self,
        scope: &Scope<'_>,
        place: Place<'_>,
        g: &Gaussian<'_>,
        design: &Design,
    ) -> TokenStream {
        let own = |e: &Elem| g.regression.arrays.contains(&e.array);
        design
            .regressors
            .iter()
            .filter(|r| own(&r.param))
            .map(|r| {
                let id = self.unknown(scope, g.regression, &r.param).unwrap_or_default();
                let push = match r.column {
                    None => {
                        let (at, value) = (self.known_place(place), super::number(r.constant));
                        quote!(uncertain.push(#id, #at, #value);)
                    }
                    Some(n) => {
                        let terms = &design.columns[n].value.0;
                        terms.iter().map(|t| self.uncertain_term(scope, place, &id, t)).collect()
                    }
                };
                scope.loops(&r.sums, push)
            })
            .collect()
    }

    /// One term of what an unknown is multiplied with.
    fn uncertain_term(&self, scope: &Scope<'_>, place: Place<'_>, id: &TokenStream, t: &Term) -> TokenStream {
        let mut known = None;
        let (at, rest) = match place.collapse {
            None => match pulled(self.model, t) {
                Some((e, rest)) => {
                    known = self.data_of(&e);
                    (self.normal_index(scope, place.component, &e), Term { guard: vec![], ..rest })
                }
                None => {
                    let value = scope.poly(&Poly(vec![t.clone()]));
                    let at = self.known_place(place);
                    return quote!(uncertain.push(#id, #at, #value););
                }
            },
            Some(x) => match part(self.model, &place.component.unit, t) {
                Some(Part::Latent(e, rest)) => (self.normal_index(scope, place.component, &e), rest),
                Some(Part::Datum(e, rest)) => {
                    let (width, at) =
                        (self.width(place.component), self.datum(scope, place.component, x, &e));
                    (quote!(#width + #at), rest)
                }
                Some(Part::Fixed(t)) => {
                    let value = scope.poly(&Poly(vec![t]));
                    let at = self.known_place(place);
                    return quote!(uncertain.push(#id, #at, #value););
                }
                None => return TokenStream::new(),
            },
        };
        let value = scope.poly(&Poly(vec![rest]));
        let mut push = quote!(uncertain.push(#id, #at, #value););
        if let Some(data) = known {
            let (raw, place) = (scope.raw(&data), self.known_place(place));
            push = quote! {
                match #raw {
                    Some(known) => uncertain.push(#id, #place, #value * known),
                    None => { #push }
                }
            };
        }
        scope.loops(&t.sums, scope.guarded(&t.guard, push))
    }

    /// The place of what is known.
    fn known_place(&self, place: Place<'_>) -> TokenStream {
        let width = self.width(place.component);
        match place.collapse {
            None => width,
            Some(x) => {
                let len = self.data_len(x);
                quote!(#width + #len)
            }
        }
    }
}
