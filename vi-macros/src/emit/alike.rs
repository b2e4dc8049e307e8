//! Chains of Gaussians whose units are of kinds: rows written once for each kind, their data unknown, and statistics read off moments.

use super::Emitter;
use super::normals::RowPart;
use super::types::Layout;
use crate::kernel::{Alike, Collapse, Component, DataRow, Rows, masked, reads_normals};
use crate::model::ir::ElemKind;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    fn alike(&self) -> impl Iterator<Item = (TokenStream, usize, &Component, &Alike)> {
        let all = self.kernel.components.iter().enumerate();
        all.filter_map(|(i, c)| {
            let n = Literal::usize_unsuffixed(i);
            Some((quote!(#n), i, c, c.alike.as_ref()?))
        })
    }

    /// The function that writes the rows of one unit of a kind, or of the step to it, and the one that reads their statistics off moments.
    pub(super) fn alike_rows_fn(
        &self,
        index: usize,
        c: &Component,
        name: &str,
        (x, rows): (&Collapse, &[Rows]),
    ) -> TokenStream {
        let (f, g) = (format_ident!("rows_{name}"), format_ident!("moments_{name}"));
        let open = self.open();
        let unit = self.unit_at(index, c, quote!(unit));
        let own: Vec<&Rows> = rows.iter().filter(|r| reads_normals(self.model, r)).collect();
        let lines = self.lines(own.iter().map(|r| r.line));
        let each = own.iter().map(|r| self.collapsed_rows(c, x, r));
        let add = own.iter().map(|r| self.collapsed_moments(c, x, r));
        let what = if c.link.is_some() { "a unit" } else { "the step to a unit" };
        let doc = format!(" The weighted residual rows of {what}, its data unknown: lines {lines}.");
        let doc2 =
            format!(" Adds the statistics of lines {lines} from the moments of all units of one kind.");
        quote! {
            #[doc = #doc]
            fn #f(&self, context: &Context<'_>, at: &Prepared, unit: usize, system: &mut Collapse) {
                #open
                let params = &at.params;
                #unit
                #(#each)*
            }

            #[doc = #doc2]
            fn #g(&self, context: &Context<'_>, unit: usize, joint: &Joint, stats: &mut Stats) {
                #open
                #unit
                let mut forms = Forms::default();
                #(#add)*
            }
        }
    }

    /// The trait's side of it.
    pub(super) fn alike_fns(&self) -> TokenStream {
        let (mut list, mut rows, mut moments, mut data) = (vec![], quote!(), quote!(), quote!());
        for (n, i, c, x) in self.alike() {
            let names = [self.component_name(c), self.linked_name(c)];
            let [own_rows, step_rows] = names.each_ref().map(|name| format_ident!("rows_{name}"));
            let [own, step] = names.each_ref().map(|name| format_ident!("moments_{name}"));
            let (unit, read) = (self.unit_at(i, c, quote!(unit)), self.data_of_unit(c, &x.data));
            rows.extend(quote! {
                #n => if step {
                    self.#step_rows(context, at, unit, system)
                } else {
                    self.#own_rows(context, at, unit, system)
                },
            });
            moments.extend(quote! {
                #n => if step {
                    self.#step(context, unit, joint, stats)
                } else {
                    self.#own(context, unit, joint, stats)
                },
            });
            data.extend(quote!(#n => for unit in units { #unit #read },));
            list.push(n);
        }
        if list.is_empty() {
            return TokenStream::new();
        }
        let open = self.open();
        quote! {
            const ALIKE: &'static [usize] = &[#(#list),*];

            fn alike_rows(&self, context: &Context<'_>, at: &Prepared, component: usize, unit: usize, step: bool, system: &mut Collapse) {
                match component {
                    #rows
                    _ => {}
                }
            }

            fn alike_data(&self, context: &Context<'_>, component: usize, units: Range<usize>, row: &mut Vec<f64>) {
                #open
                match component {
                    #data
                    _ => {}
                }
            }

            fn alike_moments(&self, context: &Context<'_>, component: usize, unit: usize, step: bool, joint: &Joint, stats: &mut Stats) {
                match component {
                    #moments
                    _ => {}
                }
            }
        }
    }

    /// Appends the data of a unit; NaN where there is no datum.
    fn data_of_unit(&self, c: &Component, x: &Collapse) -> TokenStream {
        let scope = self.scope();
        let read = |d: &DataRow| {
            let e = d.element();
            let value = if masked(self.model, e.array) {
                let raw = scope.raw(&e);
                quote!(#raw.unwrap_or(f64::NAN))
            } else {
                scope.elem(&e)
            };
            let read = self.whole_row(d).unwrap_or_else(|| scope.loops(&d.over, quote!(row.push(#value);)));
            let none = scope.loops(&d.over, quote!(row.push(f64::NAN);));
            let mut there: Vec<TokenStream> = vec![];
            if self.may_be_absent(d.array) {
                let name = self.name(d.array);
                there.push(quote!(!data.#name.is_absent()));
            }
            for i in d.at.iter().flatten().filter(|i| i.offset < 0) {
                let (name, back) = (c.unit.last().map(|v| scope.var(v)), (-i.offset) as usize);
                let back = Literal::usize_unsuffixed(back);
                there.push(quote!(#name >= #back));
            }
            match there.is_empty() {
                true => read,
                false => quote!(if #(#there)&&* { #read } else { #none }),
            }
        };
        x.data.iter().map(read).collect()
    }

    /// Reads a row at once, where it is one of a matrix of numbers.
    fn whole_row(&self, d: &DataRow) -> Option<TokenStream> {
        let array = &self.model.arrays[d.array.0];
        let numbers = match array.elem.kind {
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Vector(_) => {
                !masked(self.model, d.array)
            }
            ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => false,
        };
        let matrix = matches!(self.layout(d.array), Layout::Two | Layout::RaggedTwo);
        let (last, at) = d.at.split_last()?;
        if !numbers || !matrix || last.is_some() || at.iter().any(Option::is_none) {
            return None;
        }
        let (name, scope) = (self.name(d.array), self.scope());
        let at = at.iter().flatten().map(|i| scope.index(i));
        Some(quote!(data.#name.push_row(#(#at,)* row);))
    }

    /// Which units of a chain are of one kind.
    pub(super) fn alike_units(&self, index: usize, c: &Component) -> Option<TokenStream> {
        let (x, link) = (c.alike.as_ref()?, c.link.as_deref()?);
        let scope = self.scope();
        let len = self.data_len(&x.data);
        let unit = self.unit_at(index, c, quote!(unit));
        let mut key: Vec<TokenStream> = vec![];
        for (kind, step) in [(&x.units, false), (&x.steps, true)] {
            for cond in &kind.conds {
                let cond = scope.cond(cond);
                key.push(if step {
                    quote!(usize::from(!first && #cond))
                } else {
                    quote!(usize::from(#cond))
                });
            }
            for value in &kind.values {
                let value = scope.index(value);
                key.push(if step { quote!(if first { 0 } else { #value }) } else { value });
            }
        }
        let there = |c: &Component| -> TokenStream {
            let with = c.rows.iter().filter(|r| r.missing && reads_normals(self.model, r));
            with.map(|r| self.normal_rows(c, r, RowPart::Presence)).collect()
        };
        let (own, of_step) = (there(c), there(&link.step));
        let asked = !of_step.is_empty() || !x.steps.conds.is_empty() || !x.steps.values.is_empty();
        let first = if asked { quote!(first) } else { quote!(_) };
        let of_step = (!of_step.is_empty()).then(|| quote!(if !first { #of_step }));
        let body = match (own.is_empty() && of_step.is_none(), key.is_empty()) {
            (true, true) => return Some(quote!(.alike(#len, |_, _| ()))),
            (true, false) => quote!([#(#key),*]),
            (false, true) => quote!(let mut rows = Vec::new(); #own #of_step rows),
            (false, false) => quote!(let mut rows = Vec::new(); #own #of_step (rows, [#(#key),*])),
        };
        Some(quote!(.alike(#len, |unit, #first| { #unit #body })))
    }
}
