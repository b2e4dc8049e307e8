//! Rows with a dense covariance, one at a time.

use super::Emitter;
use super::scope::Scope;
use crate::kernel::DenseResidual;
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
}
