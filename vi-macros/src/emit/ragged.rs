//! Places in flat tables of which rows differ in length: rows follow one another, and a row with its element is one index.

use super::Emitter;
use super::scope::Scope;
use crate::density::symbol::{Ix, IxTerm, Var};
use crate::kernel::Regression;
use crate::model::ir::{ArrayId, SizeId};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// One index of a flat table.
enum Axis {
    Plain {
        at: Ix,
        extent: Ix,
    },
    /// An element of a row, whose length is that of the size at the row.
    Rows {
        size: SizeId,
        row: Ix,
        at: Ix,
    },
}

/// The size, and whose value its subscript is, of a length that depends on another index alone.
pub(super) fn row_of(length: &Ix) -> Option<(SizeId, &Var)> {
    match length.terms.as_slice() {
        [(1, IxTerm::Size(size, rows))] if length.offset == 0 => match rows.as_slice() {
            [row] => Some((*size, row.as_var()?)),
            _ => None,
        },
        _ => None,
    }
}

/// Indices with their values, rows and their elements put together.
fn merged(axes: &[(Var, Ix)]) -> Vec<Axis> {
    let mut out: Vec<Axis> = vec![];
    // Where each index went.
    let mut place: Vec<usize> = vec![];
    for (v, at) in axes {
        let row = row_of(&v.high).and_then(|(size, row)| {
            let known = axes.iter().position(|(u, _)| u == row).filter(|k| *k < place.len())?;
            Some((size, place[known], axes[known].1.clone()))
        });
        match row {
            Some((size, known, row)) if matches!(out[known], Axis::Plain { .. }) => {
                out[known] = Axis::Rows { size, row, at: at.clone() };
                place.push(known);
            }
            Some(_) | None => {
                let extent = axes.iter().fold(v.high.clone(), |high, (u, at)| high.substitute(u, at));
                place.push(out.len());
                out.push(Axis::Plain { at: at.clone(), extent });
            }
        }
    }
    out
}

impl Scope<'_> {
    /// The position of values of these indices.
    pub(super) fn place(&self, axes: &[(Var, Ix)]) -> TokenStream {
        let all = merged(axes);
        let plain: Option<Vec<(Ix, Ix)>> = all
            .iter()
            .map(|x| match x {
                Axis::Plain { at, extent } => Some((at.clone(), extent.clone())),
                Axis::Rows { .. } => None,
            })
            .collect();
        if let Some(plain) = plain {
            return self.flat(&plain);
        }
        let mut out: Option<TokenStream> = None;
        for x in &all {
            let (at, extent) = match x {
                Axis::Plain { at, extent } => (self.index(at), self.index(extent)),
                Axis::Rows { size, row, at } => {
                    let (size, row, at) = (self.size(*size), self.index(row), self.index(at));
                    (quote!(#size.before(#row) + #at), quote!(#size.total()))
                }
            };
            out = Some(match out {
                None => at,
                Some(o) => quote!((#o) * #extent + #at),
            });
        }
        out.unwrap_or_else(|| quote!(0))
    }

    /// How many positions there are.
    pub(super) fn places(&self, axes: &[Var]) -> TokenStream {
        let axes: Vec<(Var, Ix)> = axes.iter().map(|v| (v.clone(), Ix::var(v))).collect();
        let extents: Vec<TokenStream> = merged(&axes)
            .iter()
            .map(|x| match x {
                Axis::Plain { extent, .. } => self.index(extent),
                Axis::Rows { size, .. } => {
                    let size = self.size(*size);
                    quote!(#size.total())
                }
            })
            .collect();
        if extents.is_empty() { quote!(1) } else { super::product(&extents) }
    }
}

impl Emitter<'_> {
    /// Whether the second index of a location counts within the first, both of them unknowns of one system.
    pub(super) fn has_rows(&self, r: &Regression, a: ArrayId) -> bool {
        let (plates, _) = self.axes(a);
        let ragged = plates.get(1).is_some_and(|v| row_of(&v.high).is_some());
        ragged && self.unknown_axes(r, a).starts_with(&[0, 1])
    }

    /// Where rows of a location begin, read off its values.
    pub(super) fn starts_name(&self, a: ArrayId) -> Ident {
        format_ident!("{}_starts", self.name(a))
    }

    /// The same, worked out for all locations of a block that have rows.
    pub(super) fn row_starts(&self, r: &Regression) -> TokenStream {
        let with_rows = r.arrays.iter().filter(|a| self.has_rows(r, **a));
        with_rows
            .map(|a| {
                let (n, starts) = (self.name(*a), self.starts_name(*a));
                quote!(let #starts = spread::starts(&params.#n);)
            })
            .collect()
    }
}
