//! Elements without a value beside latents that have a law in every state: values of these stand for their laws, so that what is linear in a
//! Gaussian, or a polynomial in an integrated latent, has its own moments over them.

use super::Emitter;
use super::scope::Scope;
use crate::density::lower::{Lower, is_hidden};
use crate::density::poly::{Exponent, Poly};
use crate::density::symbol::Elem;
use crate::kernel::{Body, Component, Own, Slot, Terms, own_terms};
use crate::model::ir::{ArrayId, ElemKind, Statement, StatementId};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// How an integrated latent enters the moments of a statement's value.
#[derive(Clone, Copy, PartialEq)]
enum Enters {
    /// The variance is as its power −1, and the mean is without it.
    Scale,
    /// Mean and variance are polynomials in it.
    Polynomial,
}

impl Emitter<'_> {
    /// Whether the moments of an array's elements are known where they have no value.
    pub(super) fn has_moments(&self, a: ArrayId) -> bool {
        self.model.arrays[a.0].pieces.iter().all(|p| {
            let Some(c) = self.component_of(*p) else { return true };
            let several = c.is_chain() || c.normals.len() == 1 && c.normals[0].over.len() <= 1;
            let inner = |a: ArrayId| self.model.arrays[a.0].plates.len() > c.unit.len();
            let normals = !self.reads_normals_of(c, *p)
                || several
                    && (c.locals.is_empty() || !c.is_chain())
                    && !c.normals.iter().any(|n| inner(n.array));
            normals && self.enters(c, *p).is_some()
        })
    }

    fn component_of(&self, s: StatementId) -> Option<&Component> {
        self.kernel.components.iter().find(|c| c.rows.iter().any(|r| r.statement == s))
    }

    fn reads_normals_of(&self, c: &Component, s: StatementId) -> bool {
        c.rows.iter().any(|r| r.statement == s && crate::kernel::reads_normals(self.model, r))
    }

    /// How each integrated latent that a statement reads enters it; `None` if its moments do not follow.
    fn enters(&self, c: &Component, s: StatementId) -> Option<Vec<(ArrayId, Enters)>> {
        let mut out: Vec<(ArrayId, Enters)> = vec![];
        let (mut with, mut without) = (false, false);
        for r in c.rows.iter().filter(|r| r.statement == s) {
            let kind = &self.model.arrays[r.target.array.0].elem.kind;
            for case in &r.cases {
                let (own, enters) = match &case.body {
                    Body::Scalar(x) => (own_terms(c, &x.weight)?.1, Enters::Scale),
                    Body::Dense(x) => (own_terms(c, &x.weight)?.1, Enters::Scale),
                    Body::Terms(t) => (own_of(c, t)?, Enters::Polynomial),
                    Body::Equal { .. } => {
                        without = true;
                        continue;
                    }
                };
                with |= !own.is_empty() && enters == Enters::Scale;
                without |= own.is_empty();
                let linear = match enters {
                    Enters::Scale => matches!(kind, ElemKind::Real | ElemKind::Vector(_)),
                    Enters::Polynomial => own.iter().all(|o| self.is_polynomial(c, o, &r.target, kind)),
                };
                if !own.is_empty() && !linear {
                    return None;
                }
                for o in own {
                    let next = (c.integrated[o.latent].array, enters);
                    if out.iter().any(|x| x.0 == next.0 && x.1 != next.1) {
                        return None;
                    }
                    if !out.contains(&next) {
                        out.push(next);
                    }
                }
            }
        }
        // Where a case is without the scale, its variance is finite whatever that of the scale is.
        (!with || !without).then_some(out)
    }

    /// Whether the moments of a count or a category are polynomials in a latent, by the terms of its density: what counts the value multiplies
    /// the logarithm of the latent itself.
    fn is_polynomial(&self, c: &Component, o: &Own, target: &Elem, kind: &ElemKind) -> bool {
        let i = &c.integrated[o.latent];
        let counts = |p: &Poly| {
            let mut found = false;
            p.visit_elems(&mut |e| found |= e.array == target.array);
            found
        };
        let logarithm = matches!(i.slots[o.slot], Slot::Log);
        if logarithm && i.event.is_none() && !counts(&o.coefficient) {
            return false;
        }
        match &self.model.arrays[i.array.0].elem.kind {
            ElemKind::Unit => kind.is_finite() || matches!(kind, ElemKind::Count),
            ElemKind::Positive => matches!(kind, ElemKind::Count) && i.power == Exponent::ONE,
            ElemKind::Simplex(_) => kind.is_finite(),
            ElemKind::Real
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => false,
        }
    }

    /// `add` for values of the latents that have a law in `state`, each with its share of `probability`.
    pub(super) fn over_laws(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        s: &Statement,
        lower: &Lower<'_>,
        add: TokenStream,
    ) -> TokenStream {
        let mut read: Vec<Elem> = vec![];
        self.each_argument(s, &mut |e| {
            self.model.each_read_deep(e, &mut |a| {
                let plates = self.model.arrays[a.array.0].plates.len();
                let indices: Vec<_> = a.indices.iter().take(plates).map(|i| lower.index(i)).collect();
                let e = Elem { array: a.array, indices };
                if is_hidden(self.model, a.array) && !read.contains(&e) {
                    read.push(e);
                }
            });
        });
        let enters = s_enters(self, c, s);
        let mut out = add;
        for (n, e) in read.iter().enumerate() {
            let name = self.name(e.array);
            let at: Vec<_> = e.indices.iter().map(|i| scope.index(i)).collect();
            let (place, q) = (quote!(latents.#name #([#at])*), quote!(&posterior.#name #([#at])*));
            if let Some((_, how)) = enters.iter().find(|x| x.0 == e.array) {
                let (nodes, limit) = match how {
                    Enters::Scale => (
                        quote!(fit::nodes::scale_node),
                        quote! {
                            if fit::nodes::diverges(#q, state) {
                                mixture.without_variance(probability);
                            }
                        },
                    ),
                    Enters::Polynomial => (quote!(fit::nodes::nodes), TokenStream::new()),
                };
                out = quote! {
                    #limit
                    for (node, share) in #nodes(#q, state) {
                        let probability = probability * share;
                        #place = node;
                        #out
                    }
                };
            } else if c.normals.iter().any(|x| x.array == e.array) {
                let points = match self.model.arrays[e.array.0].elem.kind.axes().len() {
                    0 => quote!(fit::nodes::number_points),
                    _ => quote!(fit::nodes::vector_points),
                };
                let all = format_ident!("points_{n}");
                out = quote! {
                    let #all = #points(#q, state);
                    let probability = probability / #all.len() as f64;
                    for point in #all {
                        #place = point;
                        #out
                    }
                };
            }
        }
        out
    }
}

fn s_enters(e: &Emitter<'_>, c: &Component, s: &Statement) -> Vec<(ArrayId, Enters)> {
    let own = e.model.statements.iter().position(|x| std::ptr::eq(x, s));
    own.and_then(|n| e.enters(c, StatementId(n))).unwrap_or_default()
}

/// The terms that hold an integrated latent.
fn own_of(c: &Component, t: &Terms) -> Option<Vec<Own>> {
    let mut out = vec![];
    for s in &t.separable {
        out.extend(own_terms(c, &s.coefficient)?.1);
    }
    if let Some(p) = &t.pointwise {
        out.extend(own_terms(c, &p.value)?.1);
    }
    Some(out)
}
