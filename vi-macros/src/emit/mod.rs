//! Kernel to Rust: formatting only.

mod admixture;
mod alike;
mod beside;
mod blocks;
mod bounds;
mod canon;
mod cells;
mod chains;
mod clamps;
mod coefficients;
mod collapse;
mod collect;
mod conditional;
mod context;
mod continues;
mod coordinates;
mod cuts;
mod dense_rows;
mod describe;
mod design;
mod direct;
mod expansion;
mod expectation;
mod filled;
mod floors;
mod forms;
mod gaps;
mod gates;
mod holes;
mod impute;
mod imputed_shared;
mod integrated;
mod invariant;
mod lets;
mod links;
mod locals;
mod loops;
mod looseness;
mod matrices;
mod meetings;
mod module;
mod mstep;
mod normal_laws;
mod normals;
mod nothing;
mod outlasting;
mod pairs;
mod plain;
mod prepare;
mod program;
mod ragged;
mod regression;
mod relabel;
mod residuals;
mod rotation;
mod round;
mod rows;
mod scaled;
mod scope;
mod shared;
mod simulate;
mod smooth;
mod spread;
mod starts;
mod statistics;
mod taylor;
mod tiles;
mod trajectories;
mod types;
mod uncertain;
mod unmet;
mod unused;
mod visits;
mod whitened;
mod within_states;

use crate::density::lower::is_hidden;
use crate::density::symbol::Elem;
use crate::kernel::{Kernel, StatKind};
use crate::model::ir::{ArrayId, Model, Role};
use crate::plan::Plan;
use crate::report::Report;
use crate::syntax::ast::Block;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use scope::Scope;

pub struct Emitter<'a> {
    model: &'a Model,
    plan: &'a Plan,
    kernel: &'a Kernel<'a>,
}

/// The module of a model.
pub fn emit(model: &Model, plan: &Plan, kernel: &Kernel<'_>, report: &mut Report) -> Option<TokenStream> {
    let emitter = Emitter { model, plan, kernel };
    match emitter.module() {
        Ok(tokens) => Some(tokens),
        Err(mistake) => {
            report.push(mistake);
            None
        }
    }
}

/// What stands in for a module that has mistakes.
///
/// They stand inside it: rustc then takes every path into the module for one of them, and reports no use of the model besides.
pub fn placeholder(block: &Block, mistakes: &TokenStream) -> TokenStream {
    let (vis, name) = (&block.vis, &block.name);
    quote!(#vis mod #name { #mistakes })
}

impl<'a> Emitter<'a> {
    fn scope(&self) -> Scope<'a> {
        Scope::new(self.model)
    }

    /// Whether some statistics are Taylor series.
    fn has_series(&self) -> bool {
        self.kernel.stats.iter().any(|s| matches!(s.kind, StatKind::Taylor { .. }))
    }

    fn name(&self, a: ArrayId) -> Ident {
        self.model.arrays[a.0].name.clone()
    }

    /// What is known of an element of a latent, where data may say what it is.
    fn data_of(&self, e: &Elem) -> Option<Elem> {
        let array = self.model.arrays.iter().position(|x| x.data_of == Some(e.array))?;
        Some(Elem { array: ArrayId(array), indices: e.indices.clone() })
    }

    /// Latents, and observed arrays whose missing elements are latents.
    fn hidden(&self) -> Vec<ArrayId> {
        (0..self.model.arrays.len())
            .map(ArrayId)
            .filter(|a| self.model.arrays[a.0].role != Role::Const && is_hidden(self.model, *a))
            .collect()
    }
}

/// An expression that stands as an operand: in parentheses unless it is one already.
fn operand(e: &TokenStream) -> TokenStream {
    let loose = e
        .clone()
        .into_iter()
        .any(|t| matches!(t, proc_macro2::TokenTree::Punct(p) if "+-*/%".contains(p.as_char())));
    if loose { quote!((#e)) } else { e.clone() }
}

/// A number, its sign in front: a literal has none.
fn number(x: f64) -> TokenStream {
    let size = size(x.abs());
    if x < 0.0 { quote!(-#size) } else { quote!(#size) }
}

/// A number that is not negative; one of many digits by its power of ten.
fn size(x: f64) -> TokenStream {
    let far = |x: f64| x >= 1e16 || x != 0.0 && x < 1e-5;
    match format!("{x:e}").parse() {
        Ok(digits) if far(x) && x.is_finite() => digits,
        Ok(_) | Err(_) => Literal::f64_unsuffixed(x).into_token_stream(),
    }
}

/// a * b * c
fn product(factors: &[TokenStream]) -> TokenStream {
    let mut out = TokenStream::new();
    for (n, f) in factors.iter().enumerate() {
        let f = if factors.len() == 1 { f.clone() } else { operand(f) };
        out.extend(if n == 0 { quote!(#f) } else { quote!(* #f) });
    }
    out
}
