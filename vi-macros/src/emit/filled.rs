//! What chains without a filter have in place of one: those that are eliminated by fill with Gaussians that outlive their steps, and those beside
//! which something is uncertain that new steps know nothing of.

use super::Emitter;
use super::unmet::unmet;
use crate::density::symbol::Elem;
use crate::kernel::links::Along;
use crate::kernel::{Component, Design, Regression};
use crate::model::ir::{ArrayId, Dist, ElemKind, FamilyCall, Statement};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// A filter and forecasts that nothing can use; nothing where no such block has a chain in it, or units follow one another beside it.
    pub(super) fn no_filter(&self) -> Option<TokenStream> {
        let linked = |c: &Component| c.link.as_ref().is_some_and(|l| l.along == Along::Axis);
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
        Some(self.without_filter(&message, &label, &notes))
    }

    /// The same of a chain beside other blocks, or beside scales and coefficients that a new sequence does not have.
    pub(super) fn no_filter_beside(&self) -> TokenStream {
        let linked = |c: &&Component| c.link.as_deref().is_some_and(|l| l.along == Along::Axis);
        let chains = || self.kernel.components.iter().filter(linked);
        let Some(c) = chains().find(|c| c.is_chain()).or_else(|| chains().next()) else {
            return TokenStream::new();
        };
        let quoted = |all: &[ArrayId]| {
            let names: Vec<String> = all.iter().map(|a| format!("`{}`", self.name(*a))).collect();
            names.join(", ")
        };
        let (own, axis) = (quoted(&c.arrays()), c.unit.last());
        let others: Vec<ArrayId> = self
            .kernel
            .components
            .iter()
            .filter(|o| !std::ptr::eq(*o, c))
            .flat_map(Component::arrays)
            .collect();
        let along = |a: &ArrayId| {
            let array = &self.model.arrays[a.0];
            array
                .plates
                .iter()
                .chain(array.elem.kind.axes())
                .any(|x| axis.is_some_and(|v| v.nominal == x.nominal))
        };
        let moving: Vec<ArrayId> = self.random().into_iter().filter(along).collect();
        let scale = c.whitened.as_ref().map(|w| w.scale.array);
        let beside: Vec<ArrayId> = self.random().into_iter().filter(|a| Some(*a) != scale).collect();
        let label = if !others.is_empty() {
            format!("blocks take turns with that of {own}: {}", quoted(&others))
        } else if !moving.is_empty() {
            format!("what is uncertain beside it changes along it: {}", quoted(&moving))
        } else if let Some(scale) = scale {
            let scale = quoted(&[scale]);
            match beside.is_empty() {
                true => format!(
                    "{scale} is a scale that sequences or other data share: more is known of it than one sequence says"
                ),
                false => format!(
                    "its rows have the scale {scale} in common, and more is uncertain: {}",
                    quoted(&beside)
                ),
            }
        } else {
            return TokenStream::new();
        };
        // What all units share is held by `infer`; elements of steps to come are not there to be held.
        let again = if others.is_empty() && !moving.is_empty() { "`fit`" } else { "`infer` or `fit`" };
        let held = moving.iter().any(|a| self.model.groups.iter().any(|g| g.vars.iter().any(|v| v.0 == *a)));
        let apart = match held && others.is_empty() {
            true => format!("take {} out of `factorize`; or ", quoted(&moving)),
            false => String::new(),
        };
        let note = format!(
            "{apart}append the steps to come to the data, their observations missing (`[…]: …?`), and {again} again: `posterior` then holds their laws"
        );
        self.without_filter(&format!("{own} has no filter and no forecast"), &label, &[note])
    }

    /// A filter and forecasts that nothing can use.
    fn without_filter(&self, message: &str, label: &str, notes: &[String]) -> TokenStream {
        let data = self.data_type(quote!('_));
        let has_filter = unmet(&format_ident!("HasFilter"), message, label, notes);
        quote! {
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
        }
    }
}

impl Emitter<'_> {
    /// Locations beside a chain written as states that hardly move, which have a filter.
    fn as_states(&self, chain: ArrayId, block: &Regression) -> Option<String> {
        let model = self.model;
        let array = &model.arrays[chain.0];
        let stepped = |s: &Statement| matches!(s.binds.as_slice(), [_]) && s.target.len() == 1;
        let step = array.pieces.iter().map(|p| &model.statements[p.0]).find(|s| stepped(s))?;
        // That of the chain, whose steps are squares.
        let Some(Dist::Family(FamilyCall { family, .. })) = &step.dist else { return None };
        let family = family.name;
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
                "`latent {name}[0]{kind} ~ {law}; latent {name}[{t} in 1..{high}] ~ {family}({name}[{t}-1], var: 1e-12);`"
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
