//! Rows with a dense covariance: whole tiles to the kernels.

use super::Emitter;
use super::rows::Pass;
use super::scope::Scope;
use crate::density::symbol::{Ix, Var};
use crate::kernel::{Body, Component, DenseResidual, RowCase, Rows};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn residual_row(&self, scope: &Scope<'_>, d: &DenseResidual) -> TokenStream {
        let x = if self.mean_only(d) { scope.poly(&d.design.columns[0].value) } else { scope.poly(&d.rho) };
        scope.loops(std::slice::from_ref(&d.event), quote!(row.push(#x);))
    }

    /// Whether the mean is params alone, so that it is part of the tabulated density.
    pub fn mean_only(&self, d: &DenseResidual) -> bool {
        d.design.columns.len() == 1
    }

    pub fn density_field(&self, d: &DenseResidual) -> proc_macro2::Ident {
        format_ident!("{}", self.kernel.stats[d.moments].name.replace("moments", "density"))
    }

    pub(super) fn density_index(&self, scope: &Scope<'_>, d: &DenseResidual) -> TokenStream {
        self.cell_index(scope, &self.kernel.stats[d.moments])
    }

    /// A dense residual whose rows are the units: whole tiles go to the kernels.
    pub(super) fn dense_tile(&self, c: &Component, r: &Rows, pass: Pass) -> Option<TokenStream> {
        let [RowCase { when, cells: data_cells, body: Body::Dense(d) }] = r.cases.as_slice() else {
            return None;
        };
        if !when.is_empty()
            || !data_cells.is_empty()
            || !r.loops.is_empty()
            || !r.guards.is_empty()
            || !r.copies.is_empty()
            || r.missing
            || c.unit.len() != 1
        {
            return None;
        }
        let s = &self.kernel.stats[d.moments];
        let states: Vec<Var> = c.locals.iter().map(|l| l.state.clone()).collect();
        let cells: Vec<Var> = s.cells.iter().map(|c| c.var.clone()).collect();
        if cells != states || !self.mean_only(d) {
            return None;
        }
        let plain = crate::density::normal_form::as_elem(&d.design.columns[0].value).filter(|e| {
            e.array == r.target.array && e.indices.len() == 2 && e.indices[0] == Ix::var(&c.unit[0])
        })?;
        let scope = self.scope();
        let name = self.name(plain.array);
        let dim = scope.index(&d.event.high);
        let (field, moments) = (self.density_field(d), format_ident!("{}", s.name));
        let gauge = format_ident!("{}_gauge", s.name);
        Some(match pass {
            Pass::Potentials => {
                let index = self.state_index(c);
                let add = scope.loops(
                    &states,
                    quote!(at.#field[#index].add(tile, len, &mut table[#index * len..][..len]);),
                );
                quote! {
                    let tile = dense::tile(&mut scratch.tile, #dim * len);
                    data.#name.copy_tile(units.clone(), tile);
                    #add
                }
            }
            Pass::Collect => quote! {
                let tile = dense::tile(&mut scratch.tile, #dim * len);
                data.#name.copy_tile(units.clone(), tile);
                dense::shift(tile, len, &context.#gauge);
                stats.#moments.add_tile(tile, len, table);
            },
            Pass::Base => {
                let base = scope.poly(&d.base);
                quote!(constant += #base;)
            }
        })
    }
}
