//! Chains whose data can be continued: what a forecast needs is data of the future of which nothing is observed.

use super::Emitter;
use super::types::Layout;
use crate::density::lower::{is_hidden, is_read};
use crate::density::symbol::{Ix, Var, length};
use crate::kernel::Component;
use crate::kernel::links::Along;
use crate::model::ir::{ArrayId, Role};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// The axis along which the data of a model go on, if its latents are one chain and nothing else has that axis.
    fn open_axis(&self) -> Option<&Var> {
        let [c] = self.kernel.components.as_slice() else { return None };
        let link = c.link.as_deref().filter(|l| l.along == Along::Axis)?;
        let alike = link.kinds.as_ref().is_some_and(|k| k.conds.is_empty() && k.values.is_empty());
        let axis = c.unit.last()?;
        let place = c.unit.len() - 1;
        let mut others = (0..self.model.arrays.len()).map(ArrayId).filter(|a| {
            let array = &self.model.arrays[a.0];
            c.locals.iter().all(|l| l.array != *a)
                && array.plates.iter().chain(array.elem.kind.axes()).any(|x| x.nominal == axis.nominal)
        });
        let open = |a: ArrayId| {
            let array = &self.model.arrays[a.0];
            let observed = array.pieces.iter().all(|p| self.model.statements[p.0].role == Role::Observed);
            let here = array.plates.get(place).is_some_and(|x| x.nominal == axis.nominal);
            let plates = array.plates.len() + array.elem.kind.axes().len();
            observed
                && here
                && plates <= place + 2
                && (is_hidden(self.model, a) || !is_read(self.model, a))
                && !self.in_step(a)
        };
        (alike && c.unit.len() <= 2 && others.all(open)).then_some(axis)
    }

    pub(super) fn continues(&self) -> TokenStream {
        let chain =
            |c: &Component| !c.is_chain() && c.link.as_deref().is_some_and(|l| l.along == Along::Axis);
        let follows = matches!(self.kernel.components.as_slice(), [c] if chain(c));
        if !follows {
            return TokenStream::new();
        }
        let goes_on = self.goes_on();
        quote! {
            impl Follows for Model {}

            #goes_on
        }
    }

    fn goes_on(&self) -> TokenStream {
        let Some(axis) = self.open_axis() else { return TokenStream::new() };
        let scope = self.scope();
        let mut make = TokenStream::new();
        let mut fields = TokenStream::new();
        for a in self.data() {
            let array = &self.model.arrays[a.0];
            let name = self.name(a);
            let axes: Vec<_> = array.plates.iter().chain(array.elem.kind.axes()).collect();
            let Some(place) = axes.iter().position(|x| x.nominal == axis.nominal) else {
                fields.extend(quote!(#name: data.#name,));
                continue;
            };
            let extent = |n: usize| {
                let at: Vec<Ix> = (0..n).map(|_| Ix::constant(0)).collect();
                scope.index(&length(&axes[n].length, &at))
            };
            let value = match self.layout(a) {
                Layout::Scalar => quote!(data.#name),
                Layout::One => quote!(data::Absent(steps).into()),
                Layout::Two if place == 0 => {
                    let width = extent(1);
                    quote!(data::Absent((steps, #width)).into())
                }
                Layout::Two => {
                    let sequences = extent(0);
                    quote!(data::Absent((#sequences, steps)).into())
                }
                Layout::RaggedOne => {
                    let sequences = extent(0);
                    make.extend(quote!(let #name = vec![steps; #sequences];));
                    quote!(data::Absent(&#name).into())
                }
                Layout::RaggedTwo => {
                    let (sequences, width) = (extent(0), extent(2));
                    make.extend(quote!(let #name = vec![(steps, #width); #sequences];));
                    quote!(data::Absent(&#name).into())
                }
            };
            fields.extend(quote!(#name: #value,));
        }
        let open = self.open();
        let data = self.data_type(quote!('_));
        quote! {
            impl Continues for Model {
                fn unobserved<R>(&self, context: &Context<'_>, steps: usize, then: impl FnOnce(&#data) -> R) -> R {
                    #open
                    #make
                    then(&Data { #fields })
                }
            }
        }
    }
}
