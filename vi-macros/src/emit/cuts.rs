//! Latents within an interval: their law from the Normal that it is cut from, and whether values keep to the bounds.

use super::Emitter;
use super::direct::Use;
use super::scope::Scope;
use crate::density::lower::Lower;
use crate::density::symbol::{Cond, Var};
use crate::kernel::Regression;
use crate::syntax::ast::Compare;
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// A Normal that was found is cut off at the bounds of its element.
    pub(super) fn cut(
        &self,
        scope: &Scope<'_>,
        r: &Regression,
        (law, at): (&proc_macro2::Ident, &TokenStream),
    ) -> TokenStream {
        let a = r.arrays[0];
        let field = self.gaussian_of(a).map(|g| g.field);
        let (_, e, ..) = self.location_loops(scope, r, a);
        let place = scope.elem(&e);
        let name = self.name(a).to_string();
        let indices = e.indices.iter().map(|i| scope.index(i));
        let sides: TokenStream = self
            .kernel
            .sides_of(a)
            .map(|s| {
                let (guards, bound) = s.at(&e);
                let bound = scope.poly(&bound);
                let write = match s.upper {
                    true => quote!(high = f64::min(high, #bound);),
                    false => quote!(low = f64::max(low, #bound);),
                };
                scope.guarded(&guards, write)
            })
            .collect();
        quote! {
            let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
            #sides
            let cut = law::cut(solution.values[(0, 0)], params.#field[#at].entry(0, 0), (low, high), mode::at(#name, &[#(#indices),*]))?;
            #place = cut.mean();
            params.#field[#at] = SharedCovariance::number(cut.var());
            params.#law[#at] = cut;
        }
    }

    /// Values that break a constraint have no density.
    pub(super) fn constraints(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for c in &self.model.constraints {
            let scope = self.direct_scope(Use::Density);
            let lower = Lower::direct(self.model);
            let vars: Vec<Var> = c.binds.iter().map(|b| lower.bind(*b)).collect();
            lower.plates.replace(vars.clone());
            let guards: Vec<Cond> = c.guards.iter().filter_map(|g| lower.cond(g).ok()).collect();
            let all = std::iter::once(&c.first).chain(c.rest.iter().map(|(_, e)| e));
            let sides: Vec<TokenStream> =
                all.filter_map(|e| lower.component(e, &[]).ok()).map(|p| scope.poly(&p)).collect();
            let holds = sides.windows(2).zip(&c.rest).map(|(pair, (op, _))| {
                let (a, b) = (&pair[0], &pair[1]);
                match op {
                    Compare::Eq => quote!(#a == #b),
                    Compare::Ne => quote!(#a != #b),
                    Compare::Lt => quote!(#a < #b),
                    Compare::Le => quote!(#a <= #b),
                    Compare::Gt => quote!(#a > #b),
                    Compare::Ge => quote!(#a >= #b),
                }
            });
            let inner = quote! {
                let holds = #(#holds)&&*;
                if !holds {
                    total = f64::NEG_INFINITY;
                }
            };
            out.extend(scope.loops(&vars, scope.guarded(&guards, inner)));
        }
        out
    }
}
