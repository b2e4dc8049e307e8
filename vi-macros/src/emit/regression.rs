//! M-steps of locations: normal equations from moments and prior rows.

use super::Emitter;
use super::scope::Scope;
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{Design, MStepKind, Regression, RegressionRows, RegressionSource, Regressor};
use crate::model::ir::ArrayId;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Axes of a location that are unknowns of one system: neither batch nor output.
    pub(super) fn unknown_axes(&self, r: &Regression, a: ArrayId) -> Vec<usize> {
        let rows = self.rows_that_read(r, a);
        let elem = rows.iter().flat_map(|x| &x.design().regressors).find_map(|x| x.of(&[a])).cloned();
        let Some(elem) = elem else { return vec![] };
        (0..elem.indices.len())
            .filter(|n| {
                let v = elem.indices[*n].as_var();
                !v.is_some_and(|v| r.batch.contains(v) || rows.iter().any(|x| self.is_output(r, x, v)))
            })
            .collect()
    }

    /// The indices of a location in one copy of its block: lengths that depend on which copy it is are those of the batch's own indices.
    pub(super) fn axes_within(&self, r: &Regression, a: ArrayId) -> Vec<Var> {
        let (plates, events) = self.axes(a);
        let mut all: Vec<Var> = plates.into_iter().chain(events).collect();
        let stands = self.stands(r, a);
        for n in 0..all.len() {
            let own = stands.as_ref().and_then(|e| e.indices.get(n)).and_then(Ix::as_var);
            let Some(b) = own.filter(|v| r.batch.contains(v)) else { continue };
            let (was, by) = (all[n].clone(), Ix::var(b));
            for v in &mut all[n + 1..] {
                if v.high.mentions(&was) {
                    *v = Var::new(v.name.clone(), v.nominal, v.low.clone(), v.high.substitute(&was, &by));
                }
            }
        }
        all
    }

    /// The rows that say which elements of a location there are: where only priors are left, a flat location has none of its own.
    pub(super) fn rows_that_read<'r>(&'r self, r: &'r Regression, a: ArrayId) -> &'r [RegressionRows] {
        let reads =
            |x: &RegressionRows| x.design().regressors.iter().flat_map(|y| y.elems()).any(|e| e.array == a);
        if r.rows.iter().any(reads) {
            return &r.rows;
        }
        let whole = self.kernel.steps.iter().find_map(|s| match &s.kind {
            MStepKind::Regression(whole) if whole.arrays == r.arrays => Some(&whole.rows),
            MStepKind::Regression(_)
            | MStepKind::Natural { .. }
            | MStepKind::Matrix { .. }
            | MStepKind::Newton { .. } => None,
        });
        whole.unwrap_or(&r.rows)
    }

    pub(super) fn is_output(&self, r: &Regression, rows: &RegressionRows, v: &Var) -> bool {
        r.outputs.is_some() && rows.design().columns[0].over.contains(v)
    }

    /// `diffuse` have no prior: where only priors are known, they stay about where they are. `to_come` are rows of which nothing but their
    /// unknowns is known yet.
    pub(super) fn regression(
        &self,
        r: &Regression,
        block: Option<usize>,
        diffuse: &[ArrayId],
        to_come: &[RegressionRows],
    ) -> (Vec<String>, TokenStream) {
        let scope = self.scope();
        let (offsets, total) = self.unknowns(&scope, r);
        let id = |e: &Elem| self.unknown(&scope, r, e);
        let outputs = r.outputs.as_ref().map_or(quote!(1), |v| scope.index(&v.high));
        let mut fill = TokenStream::new();
        for rows in &r.rows {
            let precision = scope.poly(&rows.precision);
            // Of a posterior, what multiplies an unknown may be a point.
            let linear = |d: &Design| if block.is_some() { d.is_affine(self.model) } else { d.is_linear() };
            if r.rows.iter().any(|x| !linear(x.design())) {
                let write = self.product_rows(&scope, r, rows, &precision);
                let write = scope.guarded(&rows.guards, write);
                fill.extend(scope.loops(&rows.over, write));
                continue;
            }
            let write = match &rows.source {
                RegressionSource::Moments { stat, at, design } => {
                    let field = format_ident!("{}", self.kernel.stats[*stat].name);
                    let cell = self.cell_at(&scope, *stat, at);
                    match &rows.dense {
                        Some((event, matrix, inverse)) if r.outputs.is_none() => {
                            let terms = self.known_terms(&scope, design, Some(&id));
                            let (d, high) = (scope.var(event), scope.index(&event.high));
                            let (m, _) = self.expected_precision(&scope, matrix, *inverse);
                            quote! {
                                let mut rows = Vec::with_capacity(#high);
                                for #d in 0..#high {
                                    let mut terms = Vec::new();
                                    #terms
                                    rows.push(terms);
                                }
                                system.add_coupled(&(#m * (#precision)), stats.#field.cell(#cell), &rows);
                            }
                        }
                        _ => {
                            let terms = self.known_terms(&scope, design, Some(&id));
                            quote! {
                                let mut terms = Vec::new();
                                #terms
                                system.add_moments(#precision, stats.#field.cell(#cell), &terms);
                            }
                        }
                    }
                }
                RegressionSource::Prior { design, .. } => self.prior_row(r, rows, design, &id, precision),
            };
            let write = scope.guarded(&rows.guards, write);
            fill.extend(scope.loops(&rows.over, write));
        }
        fill.extend(to_come.iter().map(|rows| self.joined(&scope, r, rows)));
        for a in diffuse {
            let (loops, e, id, _) = self.location_loops(&scope, r, *a);
            let place = scope.elem(&e);
            fill.extend(scope.loops(&loops, quote!(system.add_row(1.0, &[(#id, 1.0)], &[#place]);)));
        }
        let (read, write): (TokenStream, TokenStream) = offsets
            .iter()
            .map(|(a, ..)| {
                let (loops, e, id, o) = self.location_loops(&scope, r, *a);
                let place = scope.elem(&e);
                let read = scope.loops(&loops, quote!(current[(#id, #o)] = #place;));
                let write = scope.loops(&loops, quote!(#place = solution.values[(#id, #o)];));
                (read, write)
            })
            .unzip();
        let names = r.arrays.iter().map(|a| self.name(*a).to_string()).collect::<Vec<_>>().join(", ");
        let bounded: Vec<ArrayId> =
            r.arrays.iter().copied().filter(|a| self.model.arrays[a.0].elem.is_bounded()).collect();
        let (solve, noted) = if bounded.is_empty() {
            (quote!(let solution = system.solve(&current);), quote!())
        } else {
            let sides = bounded.iter().map(|a| {
                let (loops, _, id, _) = self.location_loops(&scope, r, *a);
                let (min, max) = self.bounds(*a);
                scope.loops(&loops, quote!(bounds[#id] = (#min, #max);))
            });
            let solve = quote! {
                let mut bounds = vec![(f64::NEG_INFINITY, f64::INFINITY); #total];
                #(#sides)*
                let solution = system.solve_within(&current, &bounds);
            };
            (solve, bounded.iter().map(|a| self.note_bounds(*a)).collect())
        };
        let inner = quote! {
            let mut system = LeastSquares::new(#total, #outputs);
            #fill
            let mut current = DMatrix::zeros(#total, #outputs);
            #read
            #solve
            if solution.rank_deficient {
                notes.rank_deficient(#names);
            }
            #write
        };
        let inner = match block {
            None => inner,
            Some(_) => {
                let gaussian = self.gaussian_of(r.arrays[0]);
                let law = gaussian.as_ref().and_then(|g| g.law.clone());
                let field = gaussian.map(|g| g.field);
                let at: Vec<(Ix, Ix)> = r.batch.iter().map(|b| (Ix::var(b), b.high.clone())).collect();
                let at = scope.flat(&at);
                let write = match law {
                    Some(law) => self.cut(&scope, r, (&law, &at)),
                    None => write,
                };
                quote! {
                    let mut system = Elimination::new(#total, #outputs, &params.#field[#at]);
                    #fill
                    let mut current = DMatrix::zeros(#total, #outputs);
                    #read
                    let (solution, covariance) = system.finish(#names, &current)?;
                    params.#field[#at] = covariance;
                    #write
                }
            }
        };
        let body = scope.loops(&r.batch, inner);
        if block.is_some() {
            let given = match &r.scale {
                Some(e) => format!(" | {}", crate::density::print::elem(e, self.model)),
                None => String::new(),
            };
            let doc = vec![
                format!(" Updates q({names}): the Gaussian whose log density is a sum of expected squares."),
                String::new(),
                " ```text".into(),
                format!(" log q({names}{given}) = −½ ({}) + constant", self.squares_text(r)),
                " ```".into(),
            ];
            return (doc, body);
        }
        let doc = vec![
            match bounded.is_empty() {
                true => format!(" Updates `{names}`: weighted least squares from the moments of the data."),
                false => format!(
                    " Updates `{names}`: weighted least squares within the bounds, from the moments of the data."
                ),
            },
            String::new(),
            " ```text".into(),
            format!(" {names} = argmin {}", self.squares_text(r)),
            " ```".into(),
        ];
        (doc, quote!(#body #noted))
    }

    /// Says which unknowns a row joins.
    fn joined(&self, scope: &Scope<'_>, r: &Regression, rows: &RegressionRows) -> TokenStream {
        let unknowns = rows.design().regressors.iter().filter_map(|x| {
            let id = self.unknown(scope, r, x.of(&r.arrays)?)?;
            Some(scope.loops(&x.sums, quote!(together.push(#id);)))
        });
        let unknowns: TokenStream = unknowns.collect();
        let unknowns = match &rows.dense {
            Some((event, ..)) => scope.loops(std::slice::from_ref(event), unknowns),
            None => unknowns,
        };
        let join = quote! {
            let mut together = Vec::new();
            #unknowns
            system.join(&together);
        };
        scope.loops(&rows.over, scope.guarded(&rows.guards, join))
    }

    /// Rows of a residual with products, under the expectation of the other factors.
    fn product_rows(
        &self,
        scope: &Scope<'_>,
        r: &Regression,
        rows: &RegressionRows,
        precision: &TokenStream,
    ) -> TokenStream {
        let (terms, covariances) = self.products(scope, rows.design(), Some(r));
        let add = |cell: TokenStream| {
            quote! {
                let mut terms = Vec::new();
                #terms
                system.add_products(#precision, #cell, &terms, &[#(#covariances),*]);
            }
        };
        match &rows.source {
            RegressionSource::Moments { stat, at, .. } => {
                let field = format_ident!("{}", self.kernel.stats[*stat].name);
                let cell = self.cell_at(scope, *stat, at);
                add(quote!(stats.#field.cell(#cell)))
            }
            RegressionSource::Prior { design, .. } => {
                let (make, cell) = self.one_row(scope, design, true);
                let add = add(cell);
                quote!(#make #add)
            }
        }
    }

    /// Loops over the elements of a location in one copy of its block: the element, its unknown and its output.
    pub(super) fn location_loops(
        &self,
        scope: &Scope<'_>,
        r: &Regression,
        a: ArrayId,
    ) -> (Vec<Var>, Elem, TokenStream, TokenStream) {
        let axes = self.unknown_axes(r, a);
        let all = self.axes_within(r, a);
        // Spell the element with the batch's own names.
        let elem = self.stands(r, a);
        let rows = self.rows_that_read(r, a);
        let row = rows.iter().find(|x| x.design().regressors.iter().any(|y| y.of(&[a]).is_some()));
        let mut indices: Vec<Ix> = vec![];
        let mut output = None;
        for (n, v) in all.iter().enumerate() {
            let used = elem.as_ref().and_then(|e| e.indices.get(n)).and_then(Ix::as_var);
            match used {
                Some(u) if r.batch.contains(u) => indices.push(Ix::var(u)),
                Some(u) if row.is_some_and(|x| self.is_output(r, x, u)) => {
                    output = Some(v.clone());
                    indices.push(Ix::var(v));
                }
                _ => indices.push(Ix::var(v)),
            }
        }
        let e = Elem { array: a, indices };
        let id = self.unknown(scope, r, &e).unwrap_or_default();
        let o = output.as_ref().map_or(quote!(0), |v| {
            let v = scope.var(v);
            quote!(#v)
        });
        let mut loops: Vec<Var> = axes.iter().map(|n| all[*n].clone()).collect();
        loops.extend(output);
        (loops, e, id, o)
    }

    /// `Σ (x − mean[k])²`, one sum for each residual.
    fn squares_text(&self, r: &Regression) -> String {
        let parts: Vec<String> = r
            .rows
            .iter()
            .map(|rows| {
                let d = rows.design();
                let target = &d.columns[0].value;
                let mut terms: Vec<(bool, String)> = vec![];
                if !target.is_zero() {
                    terms.push(signed(crate::density::print::poly(target, self.model)));
                }
                for x in &d.regressors {
                    let theta: Vec<String> =
                        x.elems().map(|e| crate::density::print::elem(e, self.model)).collect();
                    let theta = theta.join(" ");
                    let (negative, by) = match x.column {
                        None if x.constant.abs() == 1.0 => (x.constant < 0.0, String::new()),
                        None => (x.constant < 0.0, format!("{} ", x.constant.abs())),
                        Some(n) => {
                            let (negative, by) =
                                signed(crate::density::print::poly(&d.columns[n].value, self.model));
                            (negative, format!("{by} "))
                        }
                    };
                    terms.push((!negative, format!("{by}{theta}")));
                }
                // A square does not tell the sign of what is squared.
                if target.0.len() <= 1 && terms.first().is_some_and(|t| t.0) {
                    terms.iter_mut().for_each(|t| t.0 = !t.0);
                }
                let mut residual = String::new();
                for (n, (negative, term)) in terms.iter().enumerate() {
                    residual.push_str(match (n, negative) {
                        (0, false) => "",
                        (0, true) => "−",
                        (_, false) => " + ",
                        (_, true) => " − ",
                    });
                    residual.push_str(term);
                }
                let weight = match &rows.source {
                    RegressionSource::Moments { .. } => "q ",
                    RegressionSource::Prior { .. } => "",
                };
                let precision = match rows.precision.as_number() {
                    Some(1.0) => String::new(),
                    _ => format!("{} ", crate::density::print::poly(&rows.precision, self.model)),
                };
                format!("Σ {weight}{precision}({residual})²")
            })
            .collect();
        parts.join(" + ")
    }

    /// Says which elements of a location lie on a bound.
    fn note_bounds(&self, a: ArrayId) -> TokenStream {
        let scope = self.scope();
        let (plates, events) = self.axes(a);
        let all: Vec<Var> = plates.into_iter().chain(events).collect();
        let place = scope.elem(&Elem { array: a, indices: all.iter().map(Ix::var).collect() });
        let ((min, max), name) = (self.bounds(a), self.name(a).to_string());
        let at = all.iter().map(|v| scope.var(v));
        scope.loops(&all, quote!(notes.bounded(mode::at(#name, &[#(#at),*]), #place, (#min, #max));))
    }

    /// The values that an unknown is multiplied with, where there are any.
    pub(super) fn beside_in_product(
        &self,
        scope: &Scope<'_>,
        r: &Regressor,
        own: &Elem,
    ) -> Option<TokenStream> {
        let others: Vec<TokenStream> = r.elems().filter(|e| *e != own).map(|e| scope.elem(e)).collect();
        (!others.is_empty()).then(|| super::product(&others))
    }

    pub(super) fn prior_row(
        &self,
        r: &Regression,
        rows: &RegressionRows,
        design: &Design,
        id: &dyn Fn(&Elem) -> Option<TokenStream>,
        precision: TokenStream,
    ) -> TokenStream {
        let scope = self.scope();
        // ρ = target − Σ coefficient · θ, every coefficient a number here.
        let target = scope.poly(&design.columns[0].value);
        let mut unknown = TokenStream::new();
        let mut known = TokenStream::new();
        for x in &design.regressors {
            let c = self.coefficient(&scope, design, x);
            match x.elems().find_map(|e| Some((e, id(e)?))) {
                Some((e, id)) => {
                    let c = match self.beside_in_product(&scope, x, e) {
                        Some(by) => quote!((#c) * #by),
                        None => c,
                    };
                    unknown.extend(scope.loops(&x.sums, quote!(coefficients.push((#id, #c));)));
                }
                None => {
                    let v = super::product(&x.elems().map(|e| scope.elem(e)).collect::<Vec<_>>());
                    known.extend(scope.loops(&x.sums, quote!(target -= #c * #v;)));
                }
            }
        }
        match (&rows.dense, &r.outputs) {
            (Some((event, matrix, inverse)), None) => {
                let (d, high) = (scope.var(event), scope.index(&event.high));
                let (m, _) = self.expected_precision(&scope, matrix, *inverse);
                quote! {
                    let mut rows = Vec::with_capacity(#high);
                    let mut targets = Vec::with_capacity(#high);
                    for #d in 0..#high {
                        let mut coefficients = Vec::new();
                        #unknown
                        let mut target = #target;
                        #known
                        rows.push(coefficients);
                        targets.push(target);
                    }
                    system.add_coupled_row(&(#m * (#precision)), &rows, &targets);
                }
            }
            (Some((event, ..)), Some(_)) => {
                let (d, high) = (scope.var(event), scope.index(&event.high));
                quote! {
                    let mut targets = Vec::with_capacity(#high);
                    let mut coefficients = Vec::new();
                    for #d in 0..#high {
                        coefficients.clear();
                        #unknown
                        let mut target = #target;
                        #known
                        targets.push(target);
                    }
                    system.add_row(#precision, &coefficients, &targets);
                }
            }
            (None, _) => quote! {
                let mut coefficients = Vec::new();
                #unknown
                let mut target = #target;
                #known
                system.add_row(#precision, &coefficients, &[target]);
            },
        }
    }
}

/// Whether a printed sum begins with a minus sign, and what follows it.
fn signed(text: String) -> (bool, String) {
    match text.strip_prefix('−') {
        Some(rest) => (true, rest.to_string()),
        None => (false, text),
    }
}
