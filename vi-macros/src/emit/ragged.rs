//! Places in flat tables of which rows differ in length: rows follow one another, and a row with its element is one index.

use super::Emitter;
use super::scope::Scope;
use crate::density::symbol::{Elem, Ix, IxTerm, Var};
use crate::kernel::{Regression, Stat};
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

    /// The same, worked out for those locations of a block whose rows this code reads.
    pub(super) fn row_starts(&self, r: &Regression, read_in: &TokenStream) -> TokenStream {
        let read = super::unused::identifiers(read_in);
        let with_rows = r.arrays.iter().filter(|a| self.has_rows(r, **a));
        with_rows
            .filter(|a| read.contains(&self.starts_name(**a).to_string()))
            .map(|a| {
                let (n, starts) = (self.name(*a), self.starts_name(*a));
                quote!(let #starts = spread::starts(&params.#n);)
            })
            .collect()
    }

    /// The place of a cell in a table of sums: one index where rows differ in length.
    pub(super) fn cell_of_sums(&self, scope: &Scope<'_>, s: &Stat, at: &[Ix]) -> Vec<TokenStream> {
        if !has_ragged_cells(s) {
            return at.iter().map(|i| scope.index(i)).collect();
        }
        let at: Vec<(Var, Ix)> = s.cells.iter().map(|c| c.var.clone()).zip(at.iter().cloned()).collect();
        vec![scope.place(&at)]
    }

    /// The extents of that table.
    pub(super) fn dims_of_sums(&self, scope: &Scope<'_>, s: &Stat) -> Vec<TokenStream> {
        let vars: Vec<Var> = s.cells.iter().map(|c| c.var.clone()).collect();
        if has_ragged_cells(s) {
            return vec![scope.places(&vars)];
        }
        vars.iter().map(|v| scope.index(&v.high)).collect()
    }

    /// The position among the unknowns, with extents read off the values.
    pub(super) fn unknown_read(&self, r: &Regression, e: &Elem, a: ArrayId) -> TokenStream {
        let scope = self.scope();
        let copy = self.batch_of(r, a, e);
        let mut before: Vec<TokenStream> = vec![];
        for b in &r.arrays {
            if *b == a {
                break;
            }
            let axes = self.unknown_axes(r, *b);
            let mut lens: Vec<TokenStream> = vec![];
            let rows = self.has_rows(r, *b);
            if rows {
                let starts = self.starts_name(*b);
                lens.push(quote!(#starts.total()));
            }
            lens.extend(
                axes.iter().skip(if rows { 2 } else { 0 }).map(|axis| self.length_read(r, *b, *axis, &copy)),
            );
            before.push(if lens.is_empty() { quote!(1) } else { super::product(&lens) });
        }
        let mut at: Option<TokenStream> = None;
        let rows = self.has_rows(r, a);
        for (k, axis) in self.unknown_axes(r, a).into_iter().enumerate() {
            let i = e.indices.get(axis).map_or(quote!(0), |i| scope.index(i));
            at = Some(match at {
                None if rows => {
                    let starts = self.starts_name(a);
                    quote!(#starts.before(#i))
                }
                Some(o) if rows && k == 1 => quote!(#o + #i),
                None => i,
                Some(o) => {
                    let length = self.length_read(r, a, axis, &copy);
                    quote!((#o) * #length + #i)
                }
            });
        }
        let at = at.unwrap_or_else(|| quote!(0));
        if before.is_empty() { at } else { quote!(#(#before)+* + #at) }
    }

    /// The extent of an axis of a location in one copy of its block.
    fn length_read(&self, r: &Regression, a: ArrayId, axis: usize, copy: &[(Var, Ix)]) -> TokenStream {
        let scope = self.scope();
        let n = self.name(a);
        if self.has_rows(r, a) {
            // Rows may be empty: any element tells.
            let inner = (2..axis).fold(quote!(x.len()), |inner, _| quote!(x.first().map_or(0, |x| #inner)));
            return quote!(params.#n.iter().flatten().next().map_or(0, |x| #inner));
        }
        let own = self.stands(r, a);
        let (plates, _) = self.axes(a);
        let ragged = plates.iter().any(|v| row_of(&v.high).is_some());
        let place = |k: usize| {
            let v = own.as_ref().filter(|_| ragged)?.indices.get(k)?.as_var()?;
            copy.iter().find(|(b, _)| b == v).map(|(_, i)| scope.index(i))
        };
        let before = (0..axis).map(|k| place(k).unwrap_or_else(|| quote!(0)));
        quote!(params.#n #([#before])*.len())
    }
}

fn has_ragged_cells(s: &Stat) -> bool {
    s.cells.iter().any(|c| row_of(&c.var.high).is_some())
}
