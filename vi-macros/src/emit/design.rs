//! Rows that are read once: their design vectors go to the kernels a tile of units at a time.

use super::Emitter;
use super::rows::Pass;
use super::scope::Scope;
use super::types::Layout;
use crate::density::normal_form::as_elem;
use crate::density::poly::Poly;
use crate::density::symbol::{Cond, Elem, Ix, Var, length};
use crate::kernel::{Body, Column, DataRow, Loop, Rows, Stat, StatKind, Terms};
use crate::model::ir::{ArrayId, ElemKind, Role};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// Moments of a statement that tiles can be added to.
struct Tiled<'a> {
    /// The loop that is cut into tiles, which becomes the innermost one.
    unit: Var,
    /// Whether it was the outermost one.
    outermost: bool,
    /// The component index of a vector with a scale for each component.
    event: Option<&'a Var>,
    stat: &'a Stat,
    columns: &'a [Column],
    weight: &'a Poly,
}

impl Emitter<'_> {
    /// The rows of a statement that no latent touches.
    pub(super) fn fixed_rows(&self, r: &Rows, pass: Pass) -> TokenStream {
        let tiles = if pass == Pass::Collect { self.design_tiles(r) } else { None };
        let mut scope = self.scope();
        scope.without_moments = tiles.is_some();
        let inner = self.row_in(scope, None, r, pass);
        let rows = if inner.is_empty() { inner } else { self.wrap(r, inner, true) };
        self.unless_absent(r, quote!(#tiles #rows))
    }

    /// The moments of a statement that no latent touches, added tile by tile; the rest of its statistics is left to be added row by row.
    ///
    /// `None` where the rows of a loop do not all belong to one cell, or where what is added is more than the row.
    fn design_tiles(&self, r: &Rows) -> Option<TokenStream> {
        let t = self.tiled(r)?;
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let unit = scope.var(&t.unit);
        let mut conditions: Vec<TokenStream> = vec![];
        let (inner, outer): (Vec<&Cond>, Vec<&Cond>) = r.guards.iter().partition(|g| reads(g, &t.unit));
        conditions.extend(inner.iter().filter(|g| g.decided() != Some(true)).map(|g| scope.cond(g)));
        if r.missing {
            let mut target = r.target.clone();
            target.indices.extend(t.event.map(Ix::var));
            let raw = scope.raw(&target);
            conditions.push(quote!(#raw.is_some()));
            scope.value.replace(Some((target, quote!(#raw.unwrap_or_default()))));
        }
        let dim = self.columns_len(t.columns);
        let begin = if conditions.is_empty() {
            quote!(design.begin(units, #dim);)
        } else {
            quote!(design.begin_where(units, #dim, |#unit| #(#conditions)&&*);)
        };
        let weigh = self.weights(&scope, r, &t).map(|(weight, varies)| {
            let argument = argument(&unit, varies);
            quote!(design.weigh(|#argument| #weight);)
        });
        let fill: TokenStream = t.columns.iter().map(|c| self.tile_columns(&scope, &t.unit, c)).collect();
        let (field, cell) = (format_ident!("{}", t.stat.name), self.cell_index(&scope, t.stat));
        let units = self.tiled_range(&scope, &t);
        let tiles = quote! {
            for units in design::tiles(#units) {
                let design = &mut scratch.design;
                #begin
                #weigh
                #fill
                stats.#field.add_design(#cell, design);
            }
        };
        let inside = t.event.map_or(tiles.clone(), |d| scope.loops(std::slice::from_ref(d), tiles));
        scope.value.replace(None);
        let rest = Rows {
            loops: r.loops.iter().filter(|l| !is_over(l, &t.unit)).cloned().collect(),
            guards: outer.into_iter().cloned().collect(),
            ..r.clone()
        };
        Some(self.wrap(&rest, self.bind_cells(&scope, None, &rest, inside), !t.outermost))
    }

    fn tiled<'r>(&'r self, r: &'r Rows) -> Option<Tiled<'r>> {
        let [case] = r.cases.as_slice() else { return None };
        let (event, moments, weight, normaliser): (_, _, _, &Terms) = match &case.body {
            Body::Scalar(s) => (s.event.as_ref(), s.moments, &s.weight, &s.normaliser),
            Body::Dense(d) if !r.missing => (None, d.moments, &d.weight, &d.normaliser),
            Body::Dense(_) | Body::Terms(_) | Body::Equal { .. } => return None,
        };
        let rounded = self.kernel.roundings.iter().flat_map(|x| &x.laws);
        let alone = case.when.is_empty()
            && normaliser.inside().is_none()
            && normaliser.pointwise.is_none()
            && rounded.clone().all(|l| self.kernel.stats[l.stat].statement != r.statement);
        let scalar = event.is_some() || self.model.arrays[r.target.array.0].elem.kind.axes().is_empty();
        if !alone || r.missing && !scalar {
            return None;
        }
        let stat = &self.kernel.stats[moments];
        let StatKind::Moments { columns } = &stat.kind else { return None };
        let fixed = |v: &Var| {
            let cells = stat.cells.iter().chain(&case.cells);
            cells.clone().all(|c| c.var != *v && !c.value.mentions(v))
        };
        let at = r.loops.iter().enumerate().rposition(|(n, l)| {
            let Loop::Range(v) = l else { return false };
            fixed(v) && r.loops[n + 1..].iter().all(|later| !depends(later, v))
        })?;
        let Loop::Range(unit) = &r.loops[at] else { return None };
        Some(Tiled { unit: unit.clone(), outermost: at == 0, event, stat, columns, weight })
    }

    /// How often a row counts, and whether that differs between the rows of a tile; `None` for once.
    fn weights(&self, scope: &Scope<'_>, r: &Rows, t: &Tiled<'_>) -> Option<(TokenStream, bool)> {
        let mut parts: Vec<TokenStream> = r.copies.iter().map(|e| scope.elem(e)).collect();
        let mut varies = r.copies.iter().any(|e| e.indices.iter().any(|i| i.mentions(&t.unit)));
        if t.weight.as_number() != Some(1.0) {
            parts.push(scope.grouped(t.weight));
            varies |= t.weight.mentions(&t.unit);
        }
        (!parts.is_empty()).then(|| (super::product(&parts), varies))
    }

    /// The range of the loop that is cut; that of the outermost one ends after the first `rows`.
    fn tiled_range(&self, scope: &Scope<'_>, t: &Tiled<'_>) -> TokenStream {
        let (low, high) = (scope.index(&t.unit.low), scope.index(&t.unit.high));
        if !t.outermost {
            return quote!(#low..#high);
        }
        if t.unit.low == Ix::constant(0) {
            quote!(0..rows.min(#high))
        } else {
            quote!(#low..rows.saturating_add(#low).min(#high))
        }
    }

    /// Some components of the design vectors of a tile.
    fn tile_columns(&self, scope: &Scope<'_>, unit: &Var, c: &Column) -> TokenStream {
        if let Some(e) = as_elem(&c.value)
            && self.is_row(&e, unit, &c.over)
        {
            let name = self.name(e.array);
            return quote!(design.rows(&data.#name););
        }
        let value = scope.poly(&c.value);
        let argument = argument(&scope.var(unit), c.value.mentions(unit));
        scope.loops(&c.over, quote!(design.column(|#argument| #value);))
    }

    /// Whether an element, with these indices running over all they can, is a unit's whole row of a matrix of reals.
    fn is_row(&self, e: &Elem, unit: &Var, over: &[Var]) -> bool {
        let ([first, second], [v]) = (e.indices.as_slice(), over) else { return false };
        *first == Ix::var(unit)
            && *second == Ix::var(v)
            && v.low == Ix::constant(0)
            && self.row_length(e.array, unit) == Some(v.high.clone())
    }

    /// The length of a unit's row of a matrix of reals, all of them there.
    fn row_length(&self, a: ArrayId, unit: &Var) -> Option<Ix> {
        let array = &self.model.arrays[a.0];
        let reals = matches!(
            array.elem.kind,
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Simplex(_) | ElemKind::Vector(_)
        );
        let is_data = |r: Role| matches!(r, Role::Observed | Role::Given);
        let data = array.pieces.iter().all(|p| is_data(self.model.statements[p.0].role));
        let plain = reals && data && !array.missing && !array.symmetric && self.layout(a) == Layout::Two;
        let axis = array.plates.iter().chain(array.elem.kind.axes()).nth(1)?;
        plain.then(|| length(&axis.length, &[Ix::var(unit)]))
    }

    /// The data of the units of a component that is read once.
    pub(super) fn data_tile(&self, unit: &Var, arrays: &[DataRow]) -> TokenStream {
        let scope = self.scope();
        let fill = arrays.iter().map(|d| {
            let mut indices = vec![Ix::var(unit)];
            indices.extend(d.over.iter().map(Ix::var));
            let e = Elem { array: d.array, indices };
            let name = self.name(d.array);
            let read = if self.is_row(&e, unit, &d.over) {
                quote!(design.rows(&data.#name);)
            } else {
                let (unit, value) = (scope.var(unit), scope.elem(&e));
                scope.loops(&d.over, quote!(design.column(|#unit| #value);))
            };
            if !self.may_be_absent(d.array) {
                return read;
            }
            // No row of an absent array is read: what stands here counts for nothing.
            let none = scope.loops(&d.over, quote!(design.column(|_| 0.0);));
            quote!(if data.#name.is_absent() { #none } else { #read })
        });
        quote!(#(#fill)*)
    }
}

fn argument(unit: &proc_macro2::Ident, read: bool) -> TokenStream {
    if read { quote!(#unit) } else { quote!(_) }
}

fn reads(c: &Cond, v: &Var) -> bool {
    let mut found = false;
    c.visit_vars(&mut |u| found |= u == v);
    found
}

fn is_over(l: &Loop, v: &Var) -> bool {
    matches!(l, Loop::Range(u) if u == v)
}

/// Whether what a loop goes over depends on an index.
fn depends(l: &Loop, v: &Var) -> bool {
    match l {
        Loop::Range(u) => u.low.mentions(v) || u.high.mentions(v),
        Loop::Members { of, .. } => of.mentions(v),
    }
}
