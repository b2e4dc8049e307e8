//! Rows that are the units themselves: a tile goes to the kernels as a whole, or is passed over state by state, units innermost, so that
//! writes are contiguous and what a state fixes stays in registers.

use super::Emitter;
use super::rows::Pass;
use crate::density::normal_form::as_elem;
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{Body, Component, DenseResidual, RowCase, Rows, ScalarResidual, Stat, StatKind, Terms};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// One pass over the rows of a tile, where every unit is one row in one case.
    pub(super) fn whole_tile(
        &self,
        index: usize,
        c: &Component,
        r: &Rows,
        pass: Pass,
    ) -> Option<TokenStream> {
        let [RowCase { when, cells, body }] = r.cases.as_slice() else { return None };
        let plain = when.is_empty()
            && cells.is_empty()
            && r.loops.is_empty()
            && r.guards.is_empty()
            && r.copies.is_empty()
            && !r.missing
            && in_rows(c);
        if !plain {
            return None;
        }
        let inside = match body {
            Body::Terms(t) => t.inside(),
            Body::Scalar(s) => s.normaliser.inside(),
            Body::Dense(_) | Body::Equal { .. } => None,
        };
        if inside.is_some() {
            return None;
        }
        match body {
            Body::Dense(d) => self.dense_tile(index, c, r, d, pass),
            Body::Scalar(s) if s.event.is_some() => self.component_tile(index, c, r, s, pass),
            Body::Scalar(s) => self.regression_tile(index, c, s, pass),
            Body::Terms(t) => self.terms_tile(index, c, r, t, pass),
            Body::Equal { .. } => None,
        }
    }

    /// A Normal with a dense scale.
    fn dense_tile(
        &self,
        n: usize,
        c: &Component,
        r: &Rows,
        d: &DenseResidual,
        pass: Pass,
    ) -> Option<TokenStream> {
        let s = &self.kernel.stats[d.moments];
        let states = states(c);
        if cells(s) != states || !self.mean_only(d) {
            return None;
        }
        let target = row_of(c, r, as_elem(&d.design.columns[0].value)?)?;
        let scope = self.scope();
        let name = self.name(target.array);
        let dim = scope.index(&d.event.high);
        let (field, moments) = (self.density_field(d), format_ident!("{}", s.name));
        let gauge = format_ident!("{}_gauge", s.name);
        let copy = self.copy_rows(n, c, &name);
        Some(match pass {
            Pass::Potentials => {
                let index = self.state_index(c);
                let add = scope.loops(
                    &states,
                    quote!(at.#field[#index].add(tile, len, &mut table[#index * len..][..len]);),
                );
                quote! {
                    let tile = dense::tile(&mut scratch.tile, #dim * len);
                    #copy
                    #add
                }
            }
            Pass::Collect => quote! {
                let tile = dense::tile(&mut scratch.tile, #dim * len);
                #copy
                dense::shift(tile, len, &context.#gauge);
                stats.#moments.add_tile(tile, len, table);
            },
            Pass::Base => {
                let base = scope.poly(&d.base);
                quote!(constant += #base;)
            }
        })
    }

    /// A Normal of independent components, each with its own mean and precision in every state.
    fn component_tile(
        &self,
        n: usize,
        c: &Component,
        r: &Rows,
        s: &ScalarResidual,
        pass: Pass,
    ) -> Option<TokenStream> {
        let event = s.event.clone()?;
        let stat = &self.kernel.stats[s.moments];
        let mut all = states(c);
        all.push(event.clone());
        let [column] = s.design.columns.as_slice() else { return None };
        if cells(stat) != all || !moments_alone(s) || !column.over.is_empty() {
            return None;
        }
        let target = row_of(c, r, as_elem(&column.value)?)?;
        if target.indices.last() != Some(&Ix::var(&event)) {
            return None;
        }
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let name = self.name(target.array);
        let (d, dim) = (scope.var(&event), scope.index(&event.high));
        let rows = self.copy_rows(n, c, &name);
        let copy = quote! {
            let tile = dense::tile(&mut scratch.tile, #dim * len);
            #rows
        };
        match pass {
            Pass::Potentials => {
                let mean = scope.poly(&column.value.sub(&s.rho));
                let (precision, half_log) = if s.precision.as_number() == Some(1.0) {
                    (quote!(1.0), quote!(0.0))
                } else {
                    let half_log = crate::kernel::half_log(self.model, &s.precision);
                    (self.hoisted_poly(&scope, &s.precision), self.hoisted_poly(&scope, &half_log))
                };
                let half_log = match self.scalar_spread(&scope, s) {
                    Some(spread) => quote!(#half_log - 0.5 * #spread),
                    None => half_log,
                };
                let index = self.state_index(c);
                let add = scope.loops(
                    &all,
                    quote! {
                        columns::add_square(&tile[#d * len..][..len], #mean, #precision, #half_log, &mut table[#index * len..][..len]);
                    },
                );
                Some(quote!(#copy #add))
            }
            Pass::Collect => {
                let moments = format_ident!("{}", stat.name);
                let gauge = format_ident!("{}_gauge", stat.name);
                Some(quote! {
                    #copy
                    dense::shift(tile, len, &context.#gauge);
                    stats.#moments.add_components(tile, len, table);
                })
            }
            Pass::Base => None,
        }
    }

    /// A Normal of numbers, whose design vectors make the columns of a tile.
    fn regression_tile(
        &self,
        index: usize,
        c: &Component,
        s: &ScalarResidual,
        pass: Pass,
    ) -> Option<TokenStream> {
        let stat = &self.kernel.stats[s.moments];
        let StatKind::Moments { columns } = &stat.kind else { return None };
        if pass != Pass::Collect || cells(stat) != states(c) || !moments_alone(s) {
            return None;
        }
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let fill = self.fill_columns(&scope, columns, quote!(row));
        let dim = self.columns_len(columns);
        let unit = self.unit_at(index, c, quote!(units.start + i));
        let moments = format_ident!("{}", stat.name);
        let gauge = format_ident!("{}_gauge", stat.name);
        Some(quote! {
            let tile = dense::tile(&mut scratch.tile, (#dim) * len);
            for i in 0..len {
                #unit
                let row = &mut scratch.row;
                row.clear();
                #fill
                columns::place(tile, len, i, row, &context.#gauge);
            }
            stats.#moments.add_tile(tile, len, table);
        })
    }

    /// Copies the rows of a tile, whose units are rows of one matrix.
    fn copy_rows(&self, n: usize, c: &Component, name: &proc_macro2::Ident) -> TokenStream {
        match c.unit.as_slice() {
            [sequence, _] => {
                let (sequence, field) = (self.scope().var(sequence), self.unit_field(n));
                quote! {
                    let [#sequence, start] = context.#field[units.start];
                    data.#name.copy_tile(#sequence, start..start + len, tile);
                }
            }
            _ => quote!(data.#name.copy_tile(units.clone(), tile);),
        }
    }

    /// Sums of products of data and params.
    fn terms_tile(
        &self,
        index: usize,
        c: &Component,
        r: &Rows,
        t: &Terms,
        pass: Pass,
    ) -> Option<TokenStream> {
        let states = states(c);
        if r.states.len() != states.len() {
            return None;
        }
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let at = self.state_index(c);
        let unit = self.unit_at(index, c, quote!(units.start + i));
        match pass {
            Pass::Potentials => {
                let poly = self.value_poly(t);
                if poly.is_zero() {
                    return None;
                }
                let value = scope.poly(&poly);
                let column = quote!(table[#at * len..][..len]);
                let add = if c.unit.iter().any(|v| poly.mentions(v)) {
                    quote! {
                        for (i, entry) in #column.iter_mut().enumerate() {
                            #unit
                            *entry += #value;
                        }
                    }
                } else {
                    quote!(for entry in &mut #column { *entry += #value; })
                };
                Some(scope.loops(&states, add))
            }
            Pass::Collect => {
                if t.pointwise.is_some() {
                    return None;
                }
                let mut stats: Vec<usize> = t.separable.iter().map(|s| s.stat).collect();
                stats.sort_unstable();
                stats.dedup();
                let mut sums = TokenStream::new();
                for n in stats {
                    let stat = &self.kernel.stats[n];
                    let StatKind::Sum(coefficient) = &stat.kind else { return None };
                    if cells(stat) != states {
                        return None;
                    }
                    let field = format_ident!("{}", stat.name);
                    let at = states.iter().map(|v| scope.var(v));
                    sums.extend(if coefficient.as_number() == Some(1.0) {
                        quote!(stats.#field[[#(#at),*]] += columns::sum(probs);)
                    } else {
                        let x = scope.grouped(coefficient);
                        // A state of probability 0 adds nothing, not even the 0 · ∞ of data it cannot have.
                        quote! {
                            let mut #field = 0.0;
                            for (i, &responsibility) in probs.iter().enumerate() {
                                #unit
                                if responsibility > 0.0 {
                                    #field += responsibility * #x;
                                }
                            }
                            stats.#field[[#(#at),*]] += #field;
                        }
                    });
                }
                let body = quote! {
                    let probs = &table[#at * len..][..len];
                    #sums
                };
                Some(if t.separable.is_empty() { TokenStream::new() } else { scope.loops(&states, body) })
            }
            Pass::Base => None,
        }
    }
}

/// Whether the units of a tile are consecutive rows of data: a tile of a chain lies within one sequence.
fn in_rows(c: &Component) -> bool {
    match c.unit.len() {
        1 => !c.is_listed(),
        2 => c.link.is_some() && c.guards.is_empty(),
        _ => false,
    }
}

fn states(c: &Component) -> Vec<Var> {
    c.locals.iter().map(|l| l.state.clone()).collect()
}

/// The cells of a statistic; none of them if one is not an index of its own.
fn cells(s: &Stat) -> Vec<Var> {
    if s.cells.iter().any(|c| c.value != Ix::var(&c.var)) {
        return vec![];
    }
    s.cells.iter().map(|c| c.var.clone()).collect()
}

/// Whether the moments are all that the M-step needs of a residual.
fn moments_alone(s: &ScalarResidual) -> bool {
    s.weight.as_number() == Some(1.0)
        && s.count.is_none()
        && s.normaliser.separable.is_empty()
        && s.normaliser.pointwise.is_none()
}

/// The target itself, as a row of a matrix of data.
fn row_of(c: &Component, r: &Rows, e: Elem) -> Option<Elem> {
    let plates = c.unit.len();
    let here = e.array == r.target.array && e.indices.len() == plates + 1;
    (here && e.indices.iter().zip(&c.unit).all(|(i, v)| *i == Ix::var(v))).then_some(e)
}
