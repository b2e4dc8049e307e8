//! The categories of the first latent under other names, in everything that is indexed by them.

use super::Emitter;
use super::expectation::has_law;
use super::uncertain::Gaussian;
use crate::density::symbol::{Elem, Ix, Var};
use crate::model::exchange::told_apart;
use crate::model::ir::{ArrayId, ElemKind, Nominal};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Permutes the categories of the first latent, wherever they are counted.
    pub(super) fn relabel_fn(&self) -> TokenStream {
        let globals = self.globals_type();
        let head = |params, posterior, lets, order| {
            quote! {
                fn relabel(#params: &mut #globals, #posterior: &mut Posterior, #lets: &mut Lets, #order: &[usize]) -> Result<(), &'static str>
            }
        };
        let unused = head(quote!(_params), quote!(_posterior), quote!(_lets), quote!(_order));
        let nominal = self.kernel.components.first().and_then(|c| c.locals.first()).map(|l| l.state.nominal);
        let Some(nominal @ Nominal::Size(size)) = nominal else {
            let why = match nominal {
                Some(_) => "they have no size of their own that other arrays could be indexed by",
                None => "it has none",
            };
            return quote!(#unused { Err(#why) });
        };
        if let Some(why) = told_apart(self.model, size).or_else(|| self.order_kept_along(nominal)) {
            return quote!(#unused { Err(#why) });
        }
        let mut body = TokenStream::new();
        for g in self.gaussians() {
            body.extend(self.relabel_covariances(&g, nominal));
        }
        for a in self.params().into_iter().chain(self.points()).chain(self.random()) {
            body.extend(self.relabel_values(a, nominal));
        }
        let mut lets = TokenStream::new();
        for l in self.reported() {
            let l = &self.model.lets[l];
            let n = &l.name;
            for (axis, _) in l.plates.iter().enumerate().filter(|(_, x)| x.nominal == nominal) {
                let inside = (0..axis).fold(
                    quote!(fit::permute(x, order);),
                    |inner, _| quote!(for x in x.iter_mut() { #inner }),
                );
                lets.extend(quote!({ let x = &mut lets.#n; #inside }));
            }
        }
        let tables = self.relabel_tables(nominal);
        let params = if body.is_empty() { quote!(_params) } else { quote!(params) };
        let named = if lets.is_empty() { quote!(_lets) } else { quote!(lets) };
        let head = head(params, quote!(posterior), named, quote!(order));
        quote! {
            #head {
                #body
                #tables
                #lets
                Ok(())
            }
        }
    }

    /// What of the posterior keeps the order of a size that the model itself does not tell apart.
    pub(super) fn order_kept_along(&self, nominal: Nominal) -> Option<String> {
        self.matrix_law_along(nominal).or_else(|| self.bounds_along(nominal))
    }

    /// Bounds of elements that belong to categories.
    fn bounds_along(&self, nominal: Nominal) -> Option<String> {
        let cut = self.kernel.sides.iter().map(|s| &self.model.arrays[s.element.array.0]);
        let array = cut.into_iter().find(|a| a.plates.iter().any(|p| p.nominal == nominal))?;
        Some(format!("the bounds of `{}` keep their order", array.name))
    }

    /// A distribution of a matrix whose rows are the categories.
    fn matrix_law_along(&self, nominal: Nominal) -> Option<String> {
        let along = |a: &ArrayId| match &self.model.arrays[a.0].elem.kind {
            ElemKind::SymPos(d) => d.nominal == nominal,
            ElemKind::Matrix(r, c) => r.nominal == nominal || c.nominal == nominal,
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_) => false,
        };
        let a = self.random().into_iter().find(along)?;
        Some(format!("the posterior of the matrix `{}` keeps their order", self.name(a)))
    }

    /// A value, or a distribution, for each element of an array.
    pub(super) fn relabel_values(&self, a: ArrayId, nominal: Nominal) -> TokenStream {
        let array = &self.model.arrays[a.0];
        let n = self.name(a);
        let depth = array.plates.len();
        let law = self.random().contains(&a) && has_law(self.model, a);
        let axes: Vec<_> = array.plates.iter().chain(array.elem.kind.axes()).map(|x| x.nominal).collect();
        let mut out = TokenStream::new();
        for (axis, _) in axes.iter().enumerate().filter(|(_, x)| **x == nominal) {
            let function = match (&array.elem.kind, axis.checked_sub(depth)) {
                (_, None) => quote!(fit::permute(x, order);),
                (ElemKind::Simplex(_), Some(_)) if law => quote!(x.relabel(order);),
                (ElemKind::Matrix(..) | ElemKind::SymPos(_), Some(0)) => {
                    quote!(*x = x.select_rows(order.iter());)
                }
                (ElemKind::Matrix(..) | ElemKind::SymPos(_), Some(_)) => {
                    quote!(*x = x.select_columns(order.iter());)
                }
                (
                    ElemKind::Real
                    | ElemKind::Positive
                    | ElemKind::Unit
                    | ElemKind::Bool
                    | ElemKind::Count
                    | ElemKind::Counts(_)
                    | ElemKind::Category(_)
                    | ElemKind::Simplex(_)
                    | ElemKind::Ordered(_)
                    | ElemKind::Vector(_),
                    Some(_),
                ) => quote!(*x = x.select_rows(order.iter());),
            };
            let inside =
                (0..axis.min(depth)).fold(function, |inner, _| quote!(for x in x.iter_mut() { #inner }));
            out.extend(quote!({ let x = &mut params.#n; #inside }));
        }
        out
    }

    /// Indices of an array's elements where nothing but its values is at hand.
    pub(super) fn indices_read(&self, a: ArrayId) -> Vec<Var> {
        let array = &self.model.arrays[a.0];
        let axes = array.plates.iter().chain(array.elem.kind.axes());
        axes.enumerate()
            .map(|(k, x)| Var::new(format!("at{k}"), x.nominal, Ix::constant(0), Ix::constant(0)))
            .collect()
    }

    /// A body for each element of a location, with extents read off the values; see [`indices_read`](Self::indices_read).
    pub(super) fn each_read(&self, a: ArrayId, body: TokenStream) -> TokenStream {
        let (scope, n, indices) = (self.scope(), self.name(a), self.indices_read(a));
        indices.iter().enumerate().rev().fold(body, |inner, (k, v)| {
            let before = indices[..k].iter().map(|v| scope.var(v));
            let v = scope.var(v);
            quote!(for #v in 0..params.#n #([#before])*.len() { #inner })
        })
    }

    /// Every pair of unknowns of a joint Normal moves with its elements.
    pub(super) fn relabel_covariances(&self, g: &Gaussian<'_>, nominal: Nominal) -> TokenStream {
        let r = g.regression;
        let field = &g.field;
        let scope = self.scope();
        let mut walks = TokenStream::new();
        let mut moved = false;
        for a in &r.arrays {
            let array = &self.model.arrays[a.0];
            let axes: Vec<_> = array.plates.iter().chain(array.elem.kind.axes()).map(|x| x.nominal).collect();
            moved |= axes.contains(&nominal);
            let new = self.indices_read(*a);
            let old: Vec<Var> = axes
                .iter()
                .zip(&new)
                .enumerate()
                .map(|(k, (x, own))| match *x == nominal {
                    true => Var::new(format!("was{k}"), *x, Ix::constant(0), Ix::constant(0)),
                    false => own.clone(),
                })
                .collect();
            let elem = |vars: &[Var]| Elem { array: *a, indices: vars.iter().map(Ix::var).collect() };
            let place = |e: &Elem| (self.copy_read(r, e, *a), self.unknown_read(r, e, *a));
            let ((copy, unknown), (from_copy, from)) = (place(&elem(&new)), place(&elem(&old)));
            let carried = old.iter().zip(&new).filter(|(was, v)| was != v).map(|(was, v)| {
                let (was, v) = (scope.var(was), scope.var(v));
                quote!(let #was = order[#v];)
            });
            let leaf = quote!(#(#carried)* moves.push([[#copy, #unknown], [#from_copy, #from]]););
            let walk = self.each_read(*a, leaf);
            walks.extend(walk);
        }
        if !moved {
            return TokenStream::new();
        }
        let starts = self.row_starts(r, &walks);
        quote! {{
            let mut moves = Vec::new();
            #starts
            #walks
            fit::carry(&mut params.#field, &moves);
        }}
    }

    /// Probabilities of the units' categories.
    fn relabel_tables(&self, nominal: Nominal) -> TokenStream {
        let mut body = TokenStream::new();
        for l in self
            .kernel
            .components
            .iter()
            .flat_map(|c| &c.locals)
            .filter(|l| l.back == 0 && l.state.nominal == nominal)
        {
            let n = self.name(l.array);
            let depth = self.model.arrays[l.array.0].plates.len().saturating_sub(1);
            let inside = (0..depth)
                .fold(quote!(x.relabel(order);), |inner, _| quote!(for x in x.iter_mut() { #inner }));
            body.extend(quote!({ let x = &mut posterior.#n; #inside }));
        }
        for c in &self.kernel.components {
            self.relabel_normals(c, nominal, &mut body);
            let Some(joint) = self.joint_field(c) else { continue };
            let depth = c.unit.len().saturating_sub(1);
            for (n, _) in c.locals.iter().enumerate().filter(|(_, l)| l.state.nominal == nominal) {
                // Locals of one nominal size have equally many states, but those behind may have others.
                let behind = c.locals[n + 1..].iter().map(|l| self.categories_of(l, quote!(posterior)));
                let inside = (0..depth).fold(
                    quote!(x.relabel_digit(order, inner);),
                    |inner, _| quote!(for x in x.iter_mut() { #inner }),
                );
                body.extend(quote!({ let inner = 1 #(* #behind)*; let x = &mut posterior.#joint; #inside }));
            }
        }
        for i in self.kernel.components.iter().flat_map(|c| &c.integrated) {
            let array = &self.model.arrays[i.array.0];
            let (name, depth) = (self.name(i.array), array.plates.len());
            let axes: Vec<Nominal> = array.plates.iter().map(|x| x.nominal).collect();
            let event = i.event.as_ref().filter(|v| v.nominal == nominal).map(|_| depth);
            let along = axes.iter().enumerate().filter(|(_, x)| **x == nominal).map(|(axis, _)| axis);
            for axis in along.chain(event) {
                let function =
                    if axis < depth { quote!(fit::permute(x, order);) } else { quote!(x.relabel(order);) };
                let inside = (0..axis).fold(function, |inner, _| quote!(for x in x.iter_mut() { #inner }));
                body.extend(quote!({ let x = &mut posterior.#name; #inside }));
            }
        }
        for c in &self.kernel.components {
            for (n, _) in c.locals.iter().enumerate().filter(|(_, l)| l.state.nominal == nominal) {
                let behind = c.locals[n + 1..].iter().map(|l| self.categories_of(l, quote!(posterior)));
                let inner = quote!(1 #(* #behind)*);
                for i in &c.integrated {
                    let name = self.name(i.array);
                    let depth = self.model.arrays[i.array.0].plates.len();
                    let inside = (0..depth).fold(
                        quote!(x.relabel_digit(order, inner);),
                        |inner, _| quote!(for x in x.iter_mut() { #inner }),
                    );
                    body.extend(quote!({ let inner = #inner; let x = &mut posterior.#name; #inside }));
                }
            }
        }
        body
    }
}
