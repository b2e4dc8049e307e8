//! Chains of Gaussian latents: the weighted residual rows of a unit, and of the step to it from the one before.

use super::Emitter;
use super::normals::RowPart;
use crate::kernel::{Component, Rows, reads_normals};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// The function that writes the rows of one unit of a chain, or of the step to it.
    pub(super) fn chain_rows_fn(
        &self,
        index: usize,
        c: &Component,
        name: &str,
        rows: &[Rows],
    ) -> TokenStream {
        if !c.is_chain() {
            return TokenStream::new();
        }
        if let Some(x) = &c.alike {
            return self.alike_rows_fn(index, c, name, (&x.data, rows));
        }
        let f = format_ident!("rows_{name}");
        let open = self.open();
        let unit = self.unit_at(index, c, quote!(unit));
        let width = self.width(c);
        let own: Vec<&Rows> = rows.iter().filter(|r| reads_normals(self.model, r)).collect();
        let lines = self.lines(own.iter().map(|r| r.line));
        let each = own.iter().map(|r| self.normal_rows(c, r, RowPart::Whole));
        let what = if c.link.is_some() { "a unit" } else { "the step to a unit" };
        let doc = format!(" The weighted residual rows of {what}, lines {lines}.");
        quote! {
            #[doc = #doc]
            fn #f(&self, context: &Context<'_>, at: &Prepared, unit: usize, system: &mut UnitNormals) {
                #open
                let params = &at.params;
                #unit
                system.begin(#width, 0, 1);
                #(#each)*
            }
        }
    }

    /// The trait's side of it.
    pub(super) fn chain_fns(&self) -> TokenStream {
        let chains =
            self.kernel.components.iter().enumerate().filter(|(_, c)| c.is_chain() && c.alike.is_none());
        let arms: TokenStream = chains
            .map(|(i, c)| {
                let index = Literal::usize_unsuffixed(i);
                let own = format_ident!("rows_{}", self.component_name(c));
                let step = format_ident!("rows_{}", self.linked_name(c));
                quote! {
                    #index => if step {
                        self.#step(context, at, unit, system)
                    } else {
                        self.#own(context, at, unit, system)
                    },
                }
            })
            .collect();
        if arms.is_empty() {
            return arms;
        }
        quote! {
            fn chain_rows(&self, context: &Context<'_>, at: &Prepared, component: usize, unit: usize, step: bool, system: &mut UnitNormals) {
                match component {
                    #arms
                    _ => {}
                }
            }
        }
    }
}
