//! Everything that is shared, as one flat vector without bounds and back: what extrapolation works on.

use super::Emitter;
use super::expectation::has_law;
use crate::kernel::is_param;
use crate::model::ir::{ArrayId, ElemKind, Nominal, Role};
use proc_macro2::TokenStream;
use quote::quote;

/// Whether a reading looks at the value it replaces.
fn names_value(take: &TokenStream) -> bool {
    super::unused::identifiers(take).contains("x")
}

impl Emitter<'_> {
    /// How a value is written and read; a finite one has no coordinates.
    fn charted(&self, a: ArrayId) -> Option<(TokenStream, TokenStream)> {
        let random = crate::kernel::is_random(self.model, a);
        Some(match self.model.arrays[a.0].elem.kind {
            _ if random && has_law(self.model, a) => {
                (quote!(to.put(x)?;), quote!(chart::Charted::read_like(x, from)))
            }
            // A mean has no bounds to keep, whatever its draws have.
            ElemKind::Real => (quote!(to.real(*x);), quote!(from.real())),
            ElemKind::Positive => (quote!(to.positive(*x);), quote!(from.positive())),
            ElemKind::Unit => (quote!(to.unit(*x);), quote!(from.unit())),
            ElemKind::Simplex(_) => (quote!(to.simplex(x.as_slice());), quote!(from.simplex(x.as_slice()))),
            ElemKind::Ordered(_) | ElemKind::Vector(_) => {
                (quote!(to.vector(x);), quote!(from.vector(x.len())))
            }
            ElemKind::Matrix(..) => (quote!(to.matrix(x);), quote!(from.matrix(x.nrows(), x.ncols()))),
            ElemKind::SymPos(_) => (quote!(to.sym_pos(x)?;), quote!(from.sym_pos(x.nrows()))),
            ElemKind::Bool | ElemKind::Count | ElemKind::Counts(_) | ElemKind::Category(_) => return None,
        })
    }

    /// Why more data cannot be added to a fit: unless every observed array has a plate of a size of its own, by which nothing shared is
    /// indexed.
    pub(super) fn stays(&self) -> Option<String> {
        if let Some(w) = self.kernel.components.iter().find_map(|c| c.whitened.as_ref()) {
            let scale = self.name(w.scale.array);
            return Some(format!("its latents are in units of `{scale}`, which changes with more data"));
        }
        if let Some(c) = self.kernel.components.iter().find(|c| c.unit.is_empty()) {
            let names: Vec<String> = c.arrays().iter().map(|a| format!("`{}`", self.name(*a))).collect();
            let names = names.join(", ");
            return Some(format!(
                "{names} belong to all data together, and are no units that more data could add to"
            ));
        }
        let lone = self.kernel.components.iter().filter(|c| c.unit.len() == 1).flat_map(|c| &c.integrated);
        if let Some(i) = lone.into_iter().find(|i| i.at.is_some()) {
            let name = self.name(i.array);
            return Some(format!("`{name}` belongs to one sequence, and more data would be another"));
        }
        let arrays = &self.model.arrays;
        let holds = |a: &ArrayId, n: Nominal| {
            let array = &arrays[a.0];
            array.plates.iter().chain(array.elem.kind.axes()).any(|x| x.nominal == n)
        };
        let params = (0..arrays.len()).map(ArrayId).filter(|a| is_param(self.model, *a));
        let params: Vec<ArrayId> = params.collect();
        let shared = |n: Nominal| params.iter().find(|a| holds(a, n));
        let full = arrays.iter().filter(|a| a.role == Role::Observed).find(|a| {
            !a.plates.iter().any(|p| matches!(p.nominal, Nominal::Size(_)) && shared(p.nominal).is_none())
        })?;
        let mut names: Vec<String> = vec![];
        for a in full.plates.iter().filter_map(|p| shared(p.nominal)) {
            let name = format!("`{}`", self.name(*a));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let y = &full.name;
        Some(match names.as_slice() {
            [] => format!("`{y}` has no index of which more data could have more"),
            [one] => format!("{one}, which all data share, has every index of `{y}`"),
            _ => format!("{}, which all data share, together have every index of `{y}`", names.join(" and ")),
        })
    }

    pub(super) fn coordinates_fn(&self) -> TokenStream {
        // A law within bounds has none: its moments do not say where it was cut.
        if self.gaussians().iter().any(|g| g.law.is_some()) {
            return TokenStream::new();
        }
        let (mut write, mut read) = (TokenStream::new(), TokenStream::new());
        let shared = (0..self.model.arrays.len()).map(ArrayId).filter(|a| is_param(self.model, *a));
        for a in shared {
            let Some((put, take)) = self.charted(a) else { continue };
            let n = self.name(a);
            let depth = self.model.arrays[a.0].plates.len();
            let put = (0..depth).fold(put, |inner, _| quote!(for x in x { #inner }));
            let take = (0..depth)
                .fold(take, |inner, _| quote!(x.iter().map(|x| #inner).collect::<Result<Vec<_>, Error>>()));
            write.extend(quote!({ let x = &params.#n; #put }));
            read.extend(if depth == 0 && !names_value(&take) {
                quote!(params.#n = #take?;)
            } else {
                quote!(params.#n = { let x = &like.#n; #take? };)
            });
        }
        for g in self.gaussians() {
            let n = &g.field;
            write.extend(quote!(for x in &params.#n { to.covariance(x)?; }));
            read.extend(quote!(for x in &mut params.#n { *x = from.covariance(x)?; }));
        }
        if write.is_empty() {
            return TokenStream::new();
        }
        let globals = self.globals_type();
        quote! {
            fn coordinates(params: &#globals, to: &mut chart::Writer) -> Result<(), Error> {
                #write
                Ok(())
            }

            fn at_coordinates(like: &#globals, from: &mut chart::Reader<'_>) -> Result<#globals, Error> {
                let mut params = like.clone();
                #read
                Ok(params)
            }
        }
    }
}
