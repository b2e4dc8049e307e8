//! What a sequence without units has all the same: a category that its units would share, a law that one of them would read. Such a sequence
//! gets one unit, of which only statements of the sequence itself are.

use super::Emitter;
use crate::kernel::{Component, Rows};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// Whether sequences of a component have latents without having units.
    pub(super) fn outlasts(&self, c: &Component) -> bool {
        let shared = c.lasting().next().is_some() || c.integrated.iter().any(|i| i.at.is_some());
        // Blocks that take turns find one another's units by position.
        let alone = self.kernel.components.len() == 1
            && self.kernel.gates.is_empty()
            && self.kernel.meetings.is_empty();
        shared && alone && c.link.is_some() && !c.is_chain() && !c.has_normals()
    }

    /// How many units a sequence has along the last axis.
    pub(super) fn units_along(&self, c: &Component) -> TokenStream {
        let length = c.unit.last().map_or(quote!(1), |axis| self.scope().index(&axis.high));
        if self.outlasts(c) { quote!(#length.max(1)) } else { length }
    }

    /// Which sequences have a unit that stands for none.
    pub(super) fn empty_sequences(&self, c: &Component) -> Option<TokenStream> {
        let (axis, outer) = c.unit.split_last().filter(|_| self.outlasts(c))?;
        let scope = self.scope();
        let length = scope.index(&axis.high);
        Some(match outer {
            [] => quote!(.with_empty(vec![#length == 0])),
            [s, ..] => {
                let (s, sequences) = (scope.var(s), scope.index(&s.high));
                quote!(.with_empty((0..#sequences).map(|#s| #length == 0).collect()))
            }
        })
    }

    /// Loops over all units.
    pub(super) fn over_units(&self, c: &Component, body: TokenStream) -> TokenStream {
        let scope = self.scope();
        match c.unit.split_last() {
            Some((axis, outer)) if self.outlasts(c) => {
                let (t, units) = (scope.var(axis), self.units_along(c));
                scope.loops(outer, quote!(for #t in 0..#units { #body }))
            }
            Some(_) | None => scope.loops(&c.unit, body),
        }
    }

    /// Whether the unit at hand is one of the data; `None` where all are.
    pub(super) fn unit_is_there(&self, c: &Component) -> Option<TokenStream> {
        let axis = c.unit.last().filter(|_| self.outlasts(c))?;
        let (t, length) = (self.scope().var(axis), self.scope().index(&axis.high));
        Some(quote!(#t < #length))
    }

    /// The same of a tile, which lies within one sequence.
    pub(super) fn tile_is_there(&self, index: usize, c: &Component) -> Option<TokenStream> {
        let there = self.unit_is_there(c)?;
        let unit = self.unit_at(index, c, quote!(units.start));
        Some(match c.is_listed() {
            true => quote!(!units.is_empty() && { #unit #there }),
            false => {
                let length = self.scope().index(&c.unit.last()?.high);
                quote!(0 < #length)
            }
        })
    }

    /// Whether a statement is of a sequence, not of one of its units.
    pub(super) fn is_of_sequence(&self, c: &Component, r: &Rows) -> bool {
        let of_units = |a| c.integrated.iter().any(|i| i.array == a && i.at.is_none());
        let mut own = r.states.iter().all(|n| c.locals[*n].lasts) && !of_units(r.target.array);
        for case in &r.cases {
            case.body.visit_polys(&mut |p| p.visit_elems(&mut |e| own &= !of_units(e.array)));
        }
        own
    }

    /// Statements of units, where the tile has any.
    pub(super) fn of_units(&self, index: usize, c: &Component, body: TokenStream) -> TokenStream {
        match self.tile_is_there(index, c).filter(|_| !body.is_empty()) {
            Some(there) => quote!(if #there { #body }),
            None => body,
        }
    }

    /// Categories of a unit that is not there are fixed at the first.
    pub(super) fn endings(&self, index: usize, c: &Component) -> TokenStream {
        let Some(there) = self.tile_is_there(index, c) else { return TokenStream::new() };
        let scope = self.scope();
        let states: Vec<_> = c.locals.iter().map(|l| l.state.clone()).collect();
        let position = self.state_index(c);
        let own = c.locals.iter().filter(|l| !l.lasts).map(|l| {
            let state = scope.var(&l.state);
            quote!(#state != 0)
        });
        let rule_out =
            scope.loops(&states, quote!(if #(#own)||* { table[#position * len + i] = f64::NEG_INFINITY; }));
        quote!(if !(#there) { for i in 0..len { #rule_out } })
    }
}
