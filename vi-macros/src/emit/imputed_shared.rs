//! Elements without a value that Gaussians which all data share say something of: their law is a Normal.

use super::Emitter;
use super::uncertain::Rows as Behind;
use crate::density::lower::{is_hidden, is_read};
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Var};
use crate::kernel::{Body, Loop, Rows, ScalarResidual, is_random};
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Observed numbers that may be missing, and of which each is a form in Gaussians of shared blocks with a noise of known variance.
    pub(super) fn shared_leaves(&self) -> Vec<ArrayId> {
        if !self.kernel.components.is_empty() {
            return vec![];
        }
        let array = |a: &ArrayId| &self.model.arrays[a.0];
        let own = |a: ArrayId| self.kernel.fixed.iter().filter(move |r| r.target.array == a);
        self.observed()
            .into_iter()
            .filter(|a| {
                array(a).missing
                    && array(a).data_of.is_none()
                    && !is_hidden(self.model, *a)
                    && !is_read(self.model, *a)
            })
            .filter(|a| matches!(array(a).elem.kind, ElemKind::Real))
            .filter(|a| {
                own(*a).count() == array(a).pieces.len() && own(*a).all(|r| self.normal_of(r).is_some())
            })
            .collect()
    }

    /// The residual of such a statement, and what is known of its mean.
    fn normal_of<'r>(&self, r: &'r Rows) -> Option<(&'r ScalarResidual, Poly)> {
        let [case] = r.cases.as_slice() else { return None };
        let Body::Scalar(s) = &case.body else { return None };
        let touched = self.touched(&s.design);
        let plain = touched.iter().all(|(g, _)| g.regression.scale.is_none() && g.law.is_none());
        let mut known = true;
        let mut see = |e: &Elem| known &= !is_random(self.model, e.array);
        s.precision.visit_elems(&mut see);
        s.weight.visit_elems(&mut see);
        // u₀ = y − what data say of the mean.
        let rest = Poly::elem(r.target.array, r.target.indices.clone()).sub(&s.design.columns[0].value);
        let mut reads = false;
        rest.visit_elems(&mut |e| reads |= e.array == r.target.array);
        let alone = case.when.is_empty() && s.event.is_none();
        let open = r.loops.iter().all(|l| matches!(l, Loop::Range(_)));
        (!touched.is_empty() && plain && known && !reads && alone && open && s.design.is_affine(self.model))
            .then_some((s, rest))
    }

    pub(super) fn impute_shared_fn(&self) -> TokenStream {
        let leaves = self.shared_leaves();
        if leaves.is_empty() {
            return TokenStream::new();
        }
        let rows = self.kernel.fixed.iter().filter(|r| leaves.contains(&r.target.array));
        let give: TokenStream = rows.filter_map(|r| self.give_normal(r)).collect();
        let keep = leaves.iter().map(|a| self.name(*a));
        let open = self.open();
        quote! {
            fn impute(&self, context: &Context<'_>, params: &Globals, _posterior: &Posterior) -> Result<Imputed, Error> {
                #open
                let mut imputed = Imputed::default();
                #give
                Ok(imputed)
            }

            fn keep_imputed(posterior: &mut Posterior, imputed: Imputed) {
                #(posterior.#keep = imputed.#keep;)*
            }
        }
    }

    fn give_normal(&self, r: &Rows) -> Option<TokenStream> {
        let scope = self.scope();
        let (s, rest) = self.normal_of(r)?;
        let spread = self.spreads(&scope, Behind::One, &s.design, None);
        let spread = spread.iter().map(|s| &s.value);
        let terms: TokenStream = s
            .design
            .regressors
            .iter()
            .map(|x| {
                let c = self.coefficient(&scope, &s.design, x);
                let value = super::product(&x.elems().map(|e| scope.elem(e)).collect::<Vec<_>>());
                scope.loops(&x.sums, quote!(mean += (#c) * #value;))
            })
            .collect();
        let (rest, weight, precision) =
            (scope.poly(&rest), scope.grouped(&s.weight), scope.grouped(&s.precision));
        let (name, raw) = (self.name(r.target.array), scope.raw(&r.target));
        let at = r.target.indices.iter().map(|i| scope.index(i));
        let law = quote! {
            let mut mean = #rest;
            #terms
            let variance = 1.0 / (#weight * #precision) #(+ #spread)*;
            imputed.#name.give(&[#(#at),*], mean, variance);
        };
        let law = self.bind_cells(&scope, None, r, law);
        let give = quote!(if #raw.is_none() { #law });
        let loops: Vec<Var> = r
            .loops
            .iter()
            .filter_map(|l| match l {
                Loop::Range(v) => Some(v.clone()),
                Loop::Members { .. } => None,
            })
            .collect();
        Some(scope.loops(&loops, scope.guarded(&r.guards, give)))
    }
}
