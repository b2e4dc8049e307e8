//! The statistics of a row, weighted by the probabilities of its states.

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::Poly;
use crate::density::symbol::{Ix, Var};
use crate::kernel::{Body, Component, Loop, Rows, Stat, StatKind, Terms};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn collect_cases(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        weighted: bool,
    ) -> TokenStream {
        let body = self.chain(scope, r, |case| {
            let mut out = TokenStream::new();
            match &case.body {
                Body::Terms(t) => {
                    self.collect_terms(scope, t, &mut out);
                    out = self.collect_inside(scope, t, out);
                }
                Body::Scalar(s) => {
                    let inner = |scope: &Scope<'_>| {
                        let mut out = TokenStream::new();
                        self.collect_terms(scope, &s.normaliser, &mut out);
                        out.extend(self.collect_moments(scope, s.moments, &s.weight));
                        // The normaliser may count the same rows.
                        if let Some(n) = s.count
                            && !s.normaliser.separable.iter().any(|x| x.stat == n)
                        {
                            out.extend(self.collect_stat(scope, n));
                        }
                        self.collect_inside(scope, &s.normaliser, out)
                    };
                    out.extend(match &s.event {
                        None => inner(scope),
                        Some(d) => {
                            let body = self.event_value(scope, r, d, inner);
                            scope.loops(std::slice::from_ref(d), body)
                        }
                    });
                    out.extend(self.collect_round(scope, r));
                }
                Body::Dense(d) if r.missing => out.extend(self.gapped_moments(scope, c, r, d)),
                Body::Dense(d) => {
                    self.collect_terms(scope, &d.normaliser, &mut out);
                    out.extend(self.collect_moments(scope, d.moments, &d.weight));
                    if let Some(n) = d.count {
                        out.extend(self.collect_stat(scope, n));
                    }
                }
                Body::Equal { .. } => {}
            }
            out
        });
        if body.is_empty() {
            return body;
        }
        let Some(c) = c else {
            return if weighted {
                quote!(let responsibility = copies; #body)
            } else {
                quote!(let responsibility = 1.0; #body)
            };
        };
        // What is expected of an integrated or a Gaussian latent differs between all joint states.
        let normal = crate::kernel::reads_normals(self.model, r);
        let hidden = normal || crate::kernel::touches(self.model, r);
        let all = 0..c.locals.len();
        let used: Vec<Var> =
            all.filter(|s| hidden || r.states.contains(s)).map(|s| c.locals[s].state.clone()).collect();
        let unused: Vec<Var> =
            c.locals.iter().map(|l| l.state.clone()).filter(|v| !used.contains(v)).collect();
        let index = self.state_index(c);
        let weight = if weighted { quote!(copies *) } else { quote!() };
        let r = if unused.is_empty() {
            quote!(let responsibility = #weight table[#index * len + i];)
        } else {
            let sum = scope.loops(&unused, quote!(responsibility += table[#index * len + i];));
            quote!(let mut responsibility = 0.0; #sum let responsibility = #weight responsibility;)
        };
        let means = normal.then(|| {
            let slot = self.slot(c);
            let means = self.bind_means(c, quote!(scratch.normals.mean(slot)));
            quote!(let slot = #slot; #means)
        });
        // A state of probability 0 adds nothing, not even the 0 · ∞ of data it cannot have.
        scope.loops(&used, quote!(#r if responsibility > 0.0 { #means #body }))
    }

    /// What lies outside of a truncation says nothing about the params inside it, whatever weight a start gives it.
    fn collect_inside(&self, scope: &Scope<'_>, t: &Terms, body: TokenStream) -> TokenStream {
        match t.inside() {
            None => body,
            Some(p) => {
                let inside = scope.poly(&p);
                quote!(if #inside == 0.0 { #body })
            }
        }
    }

    pub(super) fn collect_terms(&self, scope: &Scope<'_>, t: &Terms, out: &mut TokenStream) {
        let mut seen = vec![];
        for s in &t.separable {
            if !seen.contains(&s.stat) {
                seen.push(s.stat);
                out.extend(self.collect_stat(scope, s.stat));
            }
        }
        if let Some(p) = &t.pointwise {
            out.extend(self.collect_taylor(scope, p.stat));
        }
    }

    pub(super) fn collect_stat(&self, scope: &Scope<'_>, stat: usize) -> TokenStream {
        let s: &Stat = &self.kernel.stats[stat];
        let StatKind::Sum(coefficient) = &s.kind else { return TokenStream::new() };
        let field = format_ident!("{}", s.name);
        let at: Vec<Ix> = s.cells.iter().map(|c| Ix::var(&c.var)).collect();
        let at = self.cell_of_sums(scope, s, &at);
        let write = match coefficient.as_number() {
            Some(1.0) => quote!(stats.#field[[#(#at),*]] += responsibility;),
            _ => {
                let x = scope.grouped(coefficient);
                quote!(stats.#field[[#(#at),*]] += responsibility * #x;)
            }
        };
        // Cells that the row does not fix: the components of its value.
        let free: Vec<Var> = self.component_cells(s);
        scope.loops(&free, write)
    }

    /// Cells of a statistic that are bound by no loop around the row: sums inside the statement's terms.
    pub(super) fn component_cells(&self, s: &Stat) -> Vec<Var> {
        let (_, rows) = crate::kernel::rows_of(self.kernel).find(|(_, r)| r.statement == s.statement).unzip();
        let Some(rows): Option<&Rows> = rows else { return vec![] };
        let mut bound: Vec<Var> = rows
            .loops
            .iter()
            .map(|l| match l {
                Loop::Range(v) | Loop::Members { var: v, .. } => v.clone(),
            })
            .collect();
        for (_, c) in self.kernel.tabled() {
            if c.rows.iter().any(|r| r.statement == s.statement) {
                bound.extend(c.unit.iter().cloned());
                bound.extend(c.locals.iter().map(|l| l.state.clone()));
            }
        }
        for case in &rows.cases {
            if let Body::Scalar(x) = &case.body {
                bound.extend(x.event.clone());
            }
        }
        s.cells
            .iter()
            .filter(|c| c.value == Ix::var(&c.var) && !bound.contains(&c.var))
            .map(|c| c.var.clone())
            .collect()
    }

    pub(super) fn collect_moments(&self, scope: &Scope<'_>, stat: usize, weight: &Poly) -> TokenStream {
        let s = &self.kernel.stats[stat];
        let StatKind::Moments { columns } = &s.kind else { return TokenStream::new() };
        if scope.without_moments {
            return TokenStream::new();
        }
        let field = format_ident!("{}", s.name);
        let at = self.cell_index(scope, s);
        let r = match weight.as_number() {
            Some(1.0) => quote!(responsibility),
            _ => {
                let w = scope.grouped(weight);
                quote!(responsibility * #w)
            }
        };
        if columns.iter().all(|c| c.over.is_empty()) {
            let u = columns.iter().map(|c| scope.poly(&c.value));
            let spread = self.add_spread(scope, columns, (&field, &at, &r));
            return quote!(stats.#field.add_row(#at, #r, &[#(#u),*]); #spread);
        }
        let fill = self.fill_columns(scope, columns, quote!(row));
        let spread = self.add_spread(scope, columns, (&field, &at, &r));
        quote! {
            let row = &mut scratch.row;
            row.clear();
            #fill
            stats.#field.add_row(#at, #r, row);
            #spread
        }
    }
}
