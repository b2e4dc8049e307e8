//! Chains that are eliminated by fill with Gaussians that outlive their steps: what they have in place of a filter.

use super::Emitter;
use super::unmet::unmet;
use crate::density::symbol::Elem;
use crate::kernel::links::Along;
use crate::kernel::{Design, Regression};
use crate::model::ir::{ArrayId, ElemKind, Statement};
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
        let (chain_array, chain) = (chain, self.name(chain));
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
        let mut notes = vec![format!(
            "append the steps to come to the data, their observations missing (`[…]: …?`), and `infer` or `fit` again: `posterior.{chain}` then holds their laws"
        )];
        notes.extend(self.as_states(chain_array, block));
        let data = self.data_type(quote!('_));
        let has_filter = unmet(&format_ident!("HasFilter"), &message, &label, &notes);
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

impl Emitter<'_> {
    /// Locations beside a chain written as states that hardly move, which have a filter.
    fn as_states(&self, chain: ArrayId, block: &Regression) -> Option<String> {
        let model = self.model;
        let array = &model.arrays[chain.0];
        let stepped = |s: &Statement| matches!(s.binds.as_slice(), [_]) && s.target.len() == 1;
        let step = array.pieces.iter().map(|p| &model.statements[p.0]).find(|s| stepped(s))?;
        let time = &model.indices[step.binds[0].0];
        let (t, high) = (&time.name, model.show_index(&time.high));
        let lines = block.arrays.iter().filter(|a| **a != chain).map(|a| {
            let array = &model.arrays[a.0];
            let [piece] = array.pieces.as_slice() else { return None };
            let s = &model.statements[piece.0];
            let kind = match (array.plates.as_slice(), &array.elem.kind) {
                ([], ElemKind::Real) => String::new(),
                ([], ElemKind::Vector(d)) | ([d], ElemKind::Real) => format!(": Vector[{}]", model.show_extent(d)),
                ([] | [_] | [_, _, ..], _) => return None,
            };
            // A law that depends on the index has none as one vector.
            let indices: Vec<String> = s.binds.iter().map(|b| model.indices[b.0].name.to_string()).collect();
            let plain = |law: &String| {
                law.split(|c: char| !c.is_alphanumeric() && c != '_').all(|word| indices.iter().all(|i| i != word))
            };
            let law = s.dist.as_ref().map(|d| model.show_dist(d)).filter(plain).unwrap_or("…".to_string());
            let name = &array.name;
            Some(format!(
                "`latent {name}[0]{kind} ~ {law}; latent {name}[{t} in 1..{high}] ~ Normal({name}[{t}-1], var: 1e-12);`"
            ))
        });
        let lines: Vec<String> = lines.collect::<Option<_>>()?;
        let arrays =
            block.arrays.iter().filter(|a| **a != chain).map(|a| format!("`{}[{t}]`", self.name(*a)));
        let read: Vec<String> = arrays.collect();
        (!lines.is_empty()).then(|| {
            format!(
                "states that hardly move have a filter: {}, read as {}",
                lines.join(" and "),
                read.join(" and ")
            )
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
