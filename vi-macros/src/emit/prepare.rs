//! What is checked of params, and tabulated of them once a sweep.

use super::Emitter;
use super::uncertain;
use crate::density::poly::Poly;
use crate::density::symbol::{Ix, Var, length};
use crate::kernel::Body;
use crate::model::ir::ElemKind;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn validate_fn(&self) -> TokenStream {
        let open = self.open();
        let globals = self.globals_type();
        let scope = self.scope();
        let checks = self.params().into_iter().chain(self.points()).map(|a| {
            let array = &self.model.arrays[a.0];
            let n = self.name(a);
            let text = n.to_string();
            let plates = self.plates_of(a);
            let at: Vec<Ix> = plates.iter().map(Ix::var).collect();
            let names: Vec<_> = plates.iter().map(|v| scope.var(v)).collect();
            let extent = |x: &crate::model::ir::Extent| scope.index(&length(&x.length, &at));
            let element = quote!(params.#n #([#names])*);
            let count = Literal::usize_unsuffixed(plates.len());
            let label = quote!(check::Name::new(#text, #count));
            let lower = crate::density::lower::Lower::new(self.model);
            let bounded = |base: TokenStream| {
                let mut rule = base;
                if let Some(m) = array.elem.min.as_ref().and_then(|e| lower.component(e, &[]).ok()) {
                    let m = scope.poly(&m);
                    rule = quote!(#rule.at_least(#m));
                }
                if let Some(m) = array.elem.max.as_ref().and_then(|e| lower.component(e, &[]).ok()) {
                    let m = scope.poly(&m);
                    rule = quote!(#rule.at_most(#m));
                }
                rule
            };
            let size_text = |x: &crate::model::ir::Extent| match x.nominal {
                crate::model::ir::Nominal::Literal(n) => n.to_string(),
                crate::model::ir::Nominal::Size(s) => self.model.sizes[s.0].name.to_string(),
            };
            let inner = match &array.elem.kind {
                ElemKind::Real => {
                    let rule = bounded(quote!(check::Interval::REAL));
                    quote!(check::one(#label, &[#(#names),*], #element, &#rule)?;)
                }
                ElemKind::Positive => {
                    // A scale may lie on its bound, and may have collapsed to it.
                    let rule = bounded(quote!(check::Interval::NON_NEGATIVE));
                    quote!(check::one(#label, &[#(#names),*], #element, &#rule)?;)
                }
                ElemKind::Unit => {
                    let rule = bounded(quote!(check::Interval::UNIT));
                    quote!(check::one(#label, &[#(#names),*], #element, &#rule)?;)
                }
                ElemKind::Simplex(x) => {
                    let (d, size) = (extent(x), size_text(x));
                    quote! {
                        check::size_is(#text, #element.len(), "entries", #size, #d)?;
                        check::simplex(#label, &[#(#names),*], #element.iter().copied())?;
                    }
                }
                ElemKind::Vector(x) | ElemKind::Ordered(x) => {
                    let (d, size) = (extent(x), size_text(x));
                    let taken = |c: &char| names.iter().any(|n| *n == c.to_string());
                    let entry = ('d'..='z').find(|c| !taken(c)).map(|c| format_ident!("{c}"));
                    quote! {
                        check::size_is(#text, #element.len(), "entries", #size, #d)?;
                        for #entry in 0..#d {
                            check::one(#label, &[#(#names,)* #entry], #element[#entry], &check::Interval::REAL)?;
                        }
                    }
                }
                ElemKind::Matrix(r, c) => {
                    let (rows, cols, rt, ct) = (extent(r), extent(c), size_text(r), size_text(c));
                    quote! {
                        check::size_is(#text, #element.nrows(), "rows", #rt, #rows)?;
                        check::size_is(#text, #element.ncols(), "columns", #ct, #cols)?;
                    }
                }
                ElemKind::SymPos(x) => {
                    let (d, size) = (extent(x), size_text(x));
                    quote! {
                        check::size_is(#text, #element.nrows(), "rows", #size, #d)?;
                        check::size_is(#text, #element.ncols(), "columns", #size, #d)?;
                        check::positive_definite(#label, &[#(#names),*], &data::RealRows::from(&#element))?;
                    }
                }
                ElemKind::Bool | ElemKind::Count | ElemKind::Counts(_) | ElemKind::Category(_) => quote!(),
            };
            let mut body = inner;
            for (k, v) in plates.iter().enumerate().rev() {
                let (name, high) = (scope.var(v), scope.index(&v.high));
                let outer = &names[..k];
                let size = size_text(&array.plates[k]);
                body = quote! {
                    check::size_is(#text, params.#n #([#outer])*.len(), "entries", #size, #high)?;
                    for #name in 0..#high { #body }
                };
            }
            body
        });
        let laws = self.law_sizes();
        quote! {
            fn validate(&self, context: &Context<'_>, params: &#globals) -> Result<(), Error> {
                #open
                #(#checks)*
                #laws
                Ok(())
            }
        }
    }

    /// That q of every shared latent has an element for each place, where it is set at all.
    fn law_sizes(&self) -> TokenStream {
        let scope = self.scope();
        let size_text = |x: crate::model::ir::Nominal| match x {
            crate::model::ir::Nominal::Literal(n) => n.to_string(),
            crate::model::ir::Nominal::Size(s) => self.model.sizes[s.0].name.to_string(),
        };
        let mut out = TokenStream::new();
        for a in self.random().into_iter().filter(|a| super::expectation::has_law(self.model, *a)) {
            let (n, text) = (self.name(a), self.name(a).to_string());
            let plates = self.plates_of(a);
            let names: Vec<_> = plates.iter().map(|v| scope.var(v)).collect();
            let at: Vec<Ix> = plates.iter().map(Ix::var).collect();
            let mut body = match &self.model.arrays[a.0].elem.kind {
                ElemKind::Simplex(x) => {
                    let (high, size) = (scope.index(&length(&x.length, &at)), size_text(x.nominal));
                    quote! {
                        if let Some(law) = params.#n #([#names])*.law() {
                            check::size_is(#text, law.a.len(), "coordinates", #size, #high)?;
                        }
                    }
                }
                ElemKind::Real
                | ElemKind::Positive
                | ElemKind::Unit
                | ElemKind::Bool
                | ElemKind::Count
                | ElemKind::Counts(_)
                | ElemKind::Category(_)
                | ElemKind::Ordered(_)
                | ElemKind::Vector(_)
                | ElemKind::Matrix(..)
                | ElemKind::SymPos(_) => quote!(),
            };
            for (k, v) in plates.iter().enumerate().rev() {
                let (name, high, size) = (scope.var(v), scope.index(&v.high), size_text(v.nominal));
                let outer = &names[..k];
                let walk = (!body.is_empty()).then(|| quote!(for #name in 0..#high { #body }));
                body = quote! {
                    check::size_is(#text, params.#n #([#outer])*.len(), "entries", #size, #high)?;
                    #walk
                };
            }
            out.extend(if plates.is_empty() { body } else { quote!(if !params.#n.is_empty() { #body }) });
        }
        out
    }

    pub(super) fn prepare_fn(&self) -> TokenStream {
        let open = self.open();
        let globals = self.globals_type();
        let scope = self.scope();
        let mut make = TokenStream::new();
        let mut names = vec![];
        for h in &self.kernel.hoists {
            let p = &h.value;
            let n = format_ident!("{}", h.name);
            let dims = h.over.iter().map(|v| scope.index(&v.high));
            let vars = h.over.iter().map(|v| scope.var(v));
            let value = scope.poly(p);
            make.extend(quote!(let #n = Table::from_fn([#(#dims),*], |[#(#vars),*]| #value);));
            names.push(n);
        }
        for (_, r) in crate::kernel::rows_of(self.kernel) {
            for c in &r.cases {
                if let Body::Scalar(s) = &c.body
                    && self.in_tables(r.statement)
                    && self.is_constant_spread(&s.design)
                    && let Some(value) = self.weighted(
                        &scope,
                        &s.precision,
                        &self.spreads(&scope, uncertain::Rows::One, &s.design, None),
                    )
                {
                    let n = self.spread_field(s.moments);
                    let cells = &self.kernel.stats[s.moments].cells;
                    let dims = cells.iter().map(|c| scope.index(&c.var.high));
                    let vars = cells.iter().map(|c| scope.var(&c.var));
                    make.extend(quote!(let #n = Table::from_fn([#(#dims),*], |[#(#vars),*]| #value);));
                    names.push(n);
                }
                let Body::Dense(d) = &c.body else { continue };
                let n = self.density_field(d);
                make.extend(if r.missing {
                    let tabulate = self.densities_name(d);
                    quote!(let #n = self.#tabulate(context, params)?;)
                } else {
                    self.tabulated_density(d)
                });
                names.push(n);
            }
        }
        quote! {
            fn prepare(&self, context: &Context<'_>, params: &#globals) -> Result<Prepared, Error> {
                #open
                #make
                Ok(Prepared { params: params.clone(), #(#names),* })
            }
        }
    }

    /// The density of a dense residual in each of its cells.
    pub(super) fn tabulated_density(&self, d: &crate::kernel::DenseResidual) -> TokenStream {
        let scope = self.scope();
        let n = self.density_field(d);
        let s = &self.kernel.stats[d.moments];
        let vars: Vec<Var> = s.cells.iter().map(|c| c.var.clone()).collect();
        let event = scope.var(&d.event);
        let high = scope.index(&d.event.high);
        let mean = if self.mean_only(d) {
            // x − ρ with the data left out: the mean alone.
            let mut p = Poly::zero();
            for x in &d.design.regressors {
                p = p.add(&Poly::elem(x.param.array, x.param.indices.clone()).scale(x.constant));
            }
            scope.poly(&p)
        } else {
            quote!(0.0)
        };
        let matrix = scope.matrix(&d.matrix);
        let factor = scope.poly(&d.factor);
        let text = self.model.arrays[d.matrix.array.0].name.to_string();
        let at: Vec<_> = d.matrix.plates.iter().map(|i| scope.index(i)).collect();
        let kind = match (d.matrix.cholesky, d.inverse) {
            (true, _) => quote!(dense::Scale::Cholesky),
            (false, true) => quote!(dense::Scale::Covariance),
            (false, false) => quote!(dense::Scale::Precision),
        };
        if self.is_uncertain(&d.design, &d.matrix, &d.factor) {
            let spread = if self.mean_only(d) {
                self.dense_row_spread(&scope, &d.design, &d.event, (&d.matrix, d.inverse, &d.factor))
            } else {
                None
            };
            let spread = spread.unwrap_or_else(|| quote!(0.0));
            let (p, half) = self.expected_precision(&scope, &d.matrix, d.inverse);
            let more = self.half_log_factor(&scope, &d.factor, &d.event);
            let p = match d.factor.as_number() {
                Some(1.0) => p,
                _ => {
                    let f = scope.grouped(&d.factor);
                    quote!((#p * #f))
                }
            };
            let body = scope.loops(
                &vars,
                quote! {
                    let mean: Vec<f64> = (0..#high).map(|#event| #mean).collect();
                    #n.push(dense::Density::expected(&mean, &#p, #half #more, #spread, mode::at(#text, &[#(#at),*]))?);
                },
            );
            return quote!(let mut #n = Vec::new(); #body);
        }
        let body = scope.loops(
            &vars,
            quote! {
                let mean: Vec<f64> = (0..#high).map(|#event| #mean).collect();
                #n.push(dense::Density::new(&mean, &#matrix, #kind, #factor, mode::at(#text, &[#(#at),*]))?);
            },
        );
        quote!(let mut #n = Vec::new(); #body)
    }
}
