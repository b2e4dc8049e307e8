//! Chains that are eliminated by fill with Gaussians that outlive their steps: what they have in place of a filter.

use super::Emitter;
use super::unmet::unmet;
use crate::density::symbol::Elem;
use crate::kernel::links::Along;
use crate::kernel::{Design, Regression};
use crate::model::ir::ArrayId;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// A filter and forecasts that nothing can use; nothing where no such block has a chain in it, or units follow one another beside it.
    pub(super) fn no_filter(&self) -> Option<TokenStream> {
        let linked = |c: &crate::kernel::Component| c.link.as_ref().is_some_and(|l| l.along == Along::Axis);
        if self.kernel.components.iter().any(linked) {
            return None;
        }
        let (block, chain) =
            self.gaussians().into_iter().find_map(|g| Some((g.regression, chain_of(g.regression)?)))?;
        let names: Vec<String> = block.arrays.iter().map(|a| format!("`{}`", self.name(*a))).collect();
        let others: Vec<String> =
            block.arrays.iter().filter(|a| **a != chain).map(|a| format!("`{}`", self.name(*a))).collect();
        let chain = self.name(chain);
        let (message, label) = match others.as_slice() {
            [] => (
                format!("`{chain}` has no filter and no forecast: its steps are eliminated all at once"),
                "rows join elements that are no neighbours".to_string(),
            ),
            [..] => (
                format!("{} have no filter and no forecast: they are one block", names.join(", ")),
                format!(
                    "{} stays beside every step of `{chain}`, so that no step is done with",
                    others.join(", ")
                ),
            ),
        };
        let note = format!(
            "append the steps to come to the data, their observations missing (`[…]: …?`), and `infer` or `fit` again: `posterior.{chain}` then holds their laws"
        );
        let data = self.data_type(quote!('_));
        let has_filter = unmet(&format_ident!("HasFilter"), &message, &label, Some(&note));
        Some(quote! {
            const _: () = {
                #has_filter

                impl Follows for Model where for<'a> &'a Model: HasFilter {
                    type Step = fit::NormalStep;
                    const GAUSSIAN: bool = true;
                }

                impl Steady for Model where for<'a> &'a Model: HasFilter {}

                impl Continues for Model where for<'a> &'a Model: HasFilter {
                    fn unobserved<R>(&self, _context: &Context<'_>, _steps: usize, _then: impl FnOnce(&#data) -> R) -> R {
                        match HasFilter::never(self) {}
                    }
                }
            };
        })
    }
}

/// A location of a block of which one row reads two elements that are a known distance apart.
pub(super) fn chain_of(r: &Regression) -> Option<ArrayId> {
    r.rows.iter().find_map(|x| neighbours(x.design(), &r.arrays))
}

fn neighbours(d: &Design, of: &[ArrayId]) -> Option<ArrayId> {
    let own: Vec<&Elem> = d.regressors.iter().filter_map(|r| r.of(of)).collect();
    let apart = |a: &Elem, b: &Elem| {
        let mut distances = a.indices.iter().zip(&b.indices).map(|(i, j)| i.plus(-1, j).as_constant());
        a.array == b.array && distances.any(|d| d.is_some_and(|d| d != 0))
    };
    own.iter().enumerate().find_map(|(n, a)| own[..n].iter().any(|b| apart(a, b)).then_some(a.array))
}
