//! Latents that all units share, in residuals: where their unknowns lie, and what their uncertainty adds to a square.
//!
//! E (y − Σ aθ)² = (y − Σ a E θ)² + aᵀ Cov(θ) a: a sum of squares, never a difference of second moments. Where a scale τ whitens every
//! residual of θ, Cov(θ | τ) = C/τ, and E τ(y − Σ aθ)² = E τ (y − Σ a E θ)² + aᵀ C a.

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::{MatrixRef, Poly};
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{Design, MStepKind, Regression, Regressor, is_random, without};
use crate::model::ir::{ArrayId, ElemKind};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// A block of locations with a joint Normal for its q, given its scale.
pub(super) struct Gaussian<'k> {
    pub regression: &'k Regression,
    /// The field that holds one covariance for each copy.
    pub field: Ident,
    /// The field that holds one law for each copy, where the location is kept within an interval.
    pub law: Option<Ident>,
}

/// What the uncertainty of one block adds to the square of a residual.
pub(super) struct Spread {
    pub value: TokenStream,
    /// The scale it is measured in.
    pub scale: Option<ArrayId>,
    /// Whether that scale is a matrix that whitens all outputs at once.
    pub outputs: bool,
}

/// The rows of a residual that are looked at.
#[derive(Clone, Copy)]
pub(super) enum Rows<'r> {
    /// All those behind one cell of a statistic.
    Behind { stat: usize, at: &'r [Ix] },
    /// The row at the indices that are bound here.
    One,
}

impl<'a> Emitter<'a> {
    pub(super) fn gaussians(&self) -> Vec<Gaussian<'a>> {
        let mut out: Vec<Gaussian<'a>> = vec![];
        for step in &self.kernel.steps {
            let MStepKind::Regression(r) = &step.kind else { continue };
            if step.block.is_none() {
                continue;
            }
            let names = r.arrays.iter().map(|a| self.name(*a).to_string()).collect::<Vec<_>>().join("_");
            let field = |what: &str| {
                let mut field = format!("{names}_{what}");
                while self.model.arrays.iter().any(|a| a.name == field) {
                    field.push('_');
                }
                format_ident!("{field}")
            };
            let law = r.arrays.iter().any(|a| self.kernel.is_cut(*a)).then(|| field("law"));
            out.push(Gaussian { regression: r, field: field("cov"), law });
        }
        out
    }

    /// Whether all of a block's covariance is read or changed, and not only what its rows join.
    pub(super) fn takes_all(&self, g: &Gaussian<'_>) -> bool {
        let turned = self.kernel.expansions.iter().filter_map(|e| e.rotation.as_ref());
        let mut turned = turned.flat_map(|r| r.slopes.iter().map(|s| s.array));
        g.law.is_some() || g.regression.scale.is_some() || turned.any(|a| g.regression.arrays.contains(&a))
    }

    pub(super) fn gaussian_of(&self, a: ArrayId) -> Option<Gaussian<'a>> {
        self.gaussians().into_iter().find(|g| g.regression.arrays.contains(&a))
    }

    /// A location as it stands in the residuals of its block.
    pub(super) fn stands(&self, r: &Regression, a: ArrayId) -> Option<Elem> {
        let designs = self.rows_that_read(r, a).iter().flat_map(|x| &x.design().regressors);
        designs.flat_map(|x| x.elems()).find(|e| e.array == a).cloned()
    }

    /// Where each location's unknowns begin, the axes they run over, and how many unknowns there are.
    pub(super) fn unknowns(
        &self,
        scope: &Scope<'_>,
        r: &Regression,
    ) -> (Vec<(ArrayId, TokenStream, Vec<usize>)>, TokenStream) {
        let mut offsets: Vec<(ArrayId, TokenStream, Vec<usize>)> = vec![];
        let mut total = quote!(0);
        for a in &r.arrays {
            let axes = self.unknown_axes(r, *a);
            let all = self.axes_within(r, *a);
            let own: Vec<Var> = axes.iter().map(|n| all[*n].clone()).collect();
            let size = scope.places(&own);
            offsets.push((*a, total.clone(), axes));
            total = if total.to_string() == "0" { size } else { quote!(#total + #size) };
        }
        (offsets, total)
    }

    /// The position of an element among the unknowns of its copy of the block.
    pub(super) fn unknown(&self, scope: &Scope<'_>, r: &Regression, e: &Elem) -> Option<TokenStream> {
        let (offsets, _) = self.unknowns(scope, r);
        let (a, offset, axes) = offsets.iter().find(|(a, ..)| *a == e.array)?;
        let all = self.axes_within(r, *a);
        let at: Vec<(Var, Ix)> = axes.iter().map(|n| (all[*n].clone(), e.indices[*n].clone())).collect();
        let at = scope.place(&at);
        Some(if offset.to_string() == "0" { at } else { quote!(#offset + #at) })
    }

    /// Which copy of the block an element belongs to.
    pub(super) fn copy(&self, scope: &Scope<'_>, r: &Regression, e: &Elem) -> TokenStream {
        let own = self.stands(r, e.array);
        let at: Vec<(Ix, Ix)> = r
            .batch
            .iter()
            .map(|b| {
                let axis = own.as_ref().and_then(|o| o.indices.iter().position(|i| i.as_var() == Some(b)));
                let i = axis.and_then(|n| e.indices.get(n).cloned()).unwrap_or_else(|| Ix::var(b));
                (i, b.high.clone())
            })
            .collect();
        scope.flat(&at)
    }

    /// How many copies there are.
    pub(super) fn copies(&self, scope: &Scope<'_>, r: &Regression) -> TokenStream {
        let high: Vec<_> = r.batch.iter().map(|b| scope.index(&b.high)).collect();
        if high.is_empty() { quote!(1) } else { super::product(&high) }
    }

    /// The blocks that a residual's locations belong to, each with one of them.
    pub(super) fn touched(&self, design: &Design) -> Vec<(Gaussian<'a>, Elem)> {
        let mut out: Vec<(Gaussian<'a>, Elem)> = vec![];
        for e in design.regressors.iter().flat_map(|r| r.elems()) {
            if !is_random(self.model, e.array)
                || out.iter().any(|(g, _)| g.regression.arrays.contains(&e.array))
            {
                continue;
            }
            if let Some(g) = self.gaussian_of(e.array) {
                out.push((g, e.clone()));
            }
        }
        out
    }

    pub(super) fn scale_of(&self, g: &Gaussian<'_>) -> (Option<ArrayId>, bool) {
        let r = g.regression;
        (r.scale.as_ref().map(|e| e.array), r.outputs.is_some())
    }

    /// Var(Σ aθ) over some rows. A block that `joint` whitens is left out: its scale cancels.
    pub(super) fn spreads(
        &self,
        scope: &Scope<'_>,
        rows: Rows<'_>,
        design: &Design,
        joint: Option<ArrayId>,
    ) -> Vec<Spread> {
        if !design.is_affine(self.model) {
            return self.product_spread(scope, rows, design).into_iter().collect();
        }
        let touched = self.touched(design);
        touched
            .iter()
            .filter(|(g, _)| joint.is_none() || self.scale_of(g).0 != joint)
            .map(|(g, e)| {
                let (scale, outputs) = self.scale_of(g);
                Spread { value: self.variance(scope, rows, design, g, e), scale, outputs }
            })
            .collect()
    }

    /// Var(Σ aθ) through one block.
    fn variance(
        &self,
        scope: &Scope<'_>,
        rows: Rows<'_>,
        design: &Design,
        g: &Gaussian<'_>,
        e: &Elem,
    ) -> TokenStream {
        let (cov, copy) = (&g.field, self.copy(scope, g.regression, e));
        match rows {
            Rows::Behind { stat, at } => {
                let id = |e: &Elem| self.unknown(scope, g.regression, e);
                let terms = self.known_terms(scope, design, Some(&id));
                let cell = self.cell_of(scope, stat, at);
                quote! {{
                    let mut terms = Vec::new();
                    #terms
                    least_squares::spread(#cell, &terms, &params.#cov[#copy])
                }}
            }
            Rows::One => {
                let push = self.coefficients(scope, g, design);
                quote! {{
                    let mut coefficients = Vec::new();
                    #push
                    least_squares::quadratic(&coefficients, &params.#cov[#copy])
                }}
            }
        }
    }

    /// Cov(Σ aθ of component d, Σ aθ of component e) through one block.
    fn scatter(
        &self,
        scope: &Scope<'_>,
        rows: Rows<'_>,
        design: &Design,
        event: &Var,
        (g, e): (&Gaussian<'_>, &Elem),
    ) -> TokenStream {
        let (cov, copy) = (&g.field, self.copy(scope, g.regression, e));
        let (d, high) = (scope.var(event), scope.index(&event.high));
        match rows {
            Rows::Behind { stat, at } => {
                let id = |e: &Elem| self.unknown(scope, g.regression, e);
                let terms = self.known_terms(scope, design, Some(&id));
                let cell = self.cell_of(scope, stat, at);
                quote! {{
                    let mut rows = Vec::new();
                    for #d in 0..#high {
                        let mut terms = Vec::new();
                        #terms
                        rows.push(terms);
                    }
                    least_squares::spread_scatter(#cell, &rows, &params.#cov[#copy])
                }}
            }
            Rows::One => {
                let push = self.coefficients(scope, g, design);
                quote! {{
                    let mut rows = Vec::new();
                    for #d in 0..#high {
                        let mut coefficients = Vec::new();
                        #push
                        rows.push(coefficients);
                    }
                    least_squares::row_scatter(&rows, &params.#cov[#copy])
                }}
            }
        }
    }

    fn cell_of(&self, scope: &Scope<'_>, stat: usize, at: &[Ix]) -> TokenStream {
        let field = format_ident!("{}", self.kernel.stats[stat].name);
        let cell = self.cell_at(scope, stat, at);
        quote!(stats.#field.cell(#cell))
    }

    /// Moments of one row of a design. What uncertainty adds does not depend on the target: it may be left out.
    pub(super) fn one_row(
        &self,
        scope: &Scope<'_>,
        design: &Design,
        target: bool,
    ) -> (TokenStream, TokenStream) {
        let fill = match target {
            true => self.fill_columns(scope, &design.columns, quote!(row)),
            false => {
                let rest = self.fill_columns(scope, &design.columns[1..], quote!(row));
                quote!(row.push(0.0); #rest)
            }
        };
        let make = quote! {
            let mut row = Vec::new();
            #fill
            let mut moments = Moments::new(1, row.len(), 1);
            moments.add_row(0, 1.0, &row);
        };
        (make, quote!(moments.cell(0)))
    }

    /// What uncertainty adds to the square of a residual with products.
    fn product_spread(&self, scope: &Scope<'_>, rows: Rows<'_>, design: &Design) -> Option<Spread> {
        if self.touched(design).is_empty() {
            return None;
        }
        let (make, cell) = match rows {
            Rows::Behind { stat, at } => (quote!(), self.cell_of(scope, stat, at)),
            Rows::One => self.one_row(scope, design, false),
        };
        let (terms, covariances) = self.products(scope, design, None);
        let value = quote! {{
            #make
            let mut terms = Vec::new();
            #terms
            products::spread(#cell, &terms, &[#(#covariances),*])
        }};
        Some(Spread { value, scale: None, outputs: false })
    }

    /// Pushes the terms of a residual with products; the covariances they refer to, in order.
    pub(super) fn products(
        &self,
        scope: &Scope<'_>,
        design: &Design,
        own: Option<&Regression>,
    ) -> (TokenStream, Vec<TokenStream>) {
        let mut blocks = self.touched(design);
        if let Some(r) = own {
            blocks.retain(|(g, _)| g.regression.arrays != r.arrays);
        }
        let covariances = blocks
            .iter()
            .map(|(g, e)| {
                let (cov, copy) = (&g.field, self.copy(scope, g.regression, e));
                quote!(&params.#cov[#copy])
            })
            .collect();
        let offsets = self.column_offsets(design);
        let terms = design
            .regressors
            .iter()
            .map(|r| {
                let mine = own.and_then(|o| r.of(&o.arrays));
                let unknown = match (own, mine) {
                    (Some(o), Some(e)) => {
                        let id = self.unknown(scope, o, e).unwrap_or_default();
                        quote!(Some(#id))
                    }
                    _ => quote!(None),
                };
                let factors = r.elems().filter(|e| Some(*e) != mine).map(|e| {
                    let mean = scope.elem(e);
                    let block = blocks.iter().position(|(g, _)| g.regression.arrays.contains(&e.array));
                    let block = match block {
                        Some(n) => {
                            let id = self.unknown(scope, blocks[n].0.regression, e).unwrap_or_default();
                            let n = Literal::usize_unsuffixed(n);
                            quote!(Some((#n, #id)))
                        }
                        None => quote!(None),
                    };
                    quote!(Uncertain { mean: #mean, block: #block })
                });
                let (column, constant) = match r.column {
                    None => (quote!(None), super::number(r.constant)),
                    Some(n) => {
                        let offset = &offsets[n];
                        let over = &design.columns[n].over;
                        let within: Vec<(Ix, Ix)> =
                            over.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
                        let at = scope.flat(&within);
                        (if within.is_empty() { quote!(Some(#offset)) } else { quote!(Some(#offset + #at)) }, quote!(1.0))
                    }
                };
                scope.loops(
                    &r.sums,
                    quote! {
                        terms.push(Product { column: #column, constant: #constant, unknown: #unknown, factors: vec![#(#factors),*] });
                    },
                )
            })
            .collect();
        (terms, covariances)
    }

    /// Pushes what each unknown of a block is multiplied with in one row.
    fn coefficients(&self, scope: &Scope<'_>, g: &Gaussian<'_>, design: &Design) -> TokenStream {
        design
            .regressors
            .iter()
            .filter_map(|r| Some((r, r.of(&g.regression.arrays)?)))
            .map(|(r, e)| {
                let id = self.unknown(scope, g.regression, e).unwrap_or_default();
                let c = self.coefficient(scope, design, r);
                let c = match self.beside_in_product(scope, r, e) {
                    Some(x) => quote!((#c) * #x),
                    None => c,
                };
                scope.loops(&r.sums, quote!(coefficients.push((#id, #c));))
            })
            .collect()
    }

    pub(super) fn coefficient(&self, scope: &Scope<'_>, design: &Design, r: &Regressor) -> TokenStream {
        match r.column {
            None => super::number(r.constant),
            Some(n) => scope.poly(&design.columns[n].value),
        }
    }

    /// λ_b · spread_b, summed over blocks; nothing if no location is uncertain.
    pub(super) fn weighted(
        &self,
        scope: &Scope<'_>,
        precision: &Poly,
        spreads: &[Spread],
    ) -> Option<TokenStream> {
        let parts: Vec<TokenStream> = spreads
            .iter()
            .map(|s| {
                let lambda = without(precision, s.scale);
                let value = &s.value;
                match lambda.as_number() {
                    Some(1.0) => quote!(#value),
                    _ => {
                        let lambda = scope.grouped(&lambda);
                        quote!(#lambda * #value)
                    }
                }
            })
            .collect();
        (!parts.is_empty()).then(|| quote!(#(#parts)+*))
    }

    /// Whether what uncertainty adds is the same for every row of a cell.
    pub(super) fn is_constant_spread(&self, design: &Design) -> bool {
        design
            .regressors
            .iter()
            .all(|r| r.column.is_none() || !r.elems().any(|e| is_random(self.model, e.array)))
    }

    /// Arrays that stand in products: of each product the points, or the first.
    fn multiplied(&self) -> Vec<ArrayId> {
        let mut out = vec![];
        let designs =
            crate::kernel::rows_of(self.kernel).flat_map(|(_, r)| &r.cases).filter_map(|c| match &c.body {
                crate::kernel::Body::Scalar(s) => Some(&s.design),
                crate::kernel::Body::Dense(d) => Some(&d.design),
                crate::kernel::Body::Terms(_) | crate::kernel::Body::Equal { .. } => None,
            });
        for r in designs.flat_map(|d| &d.regressors).filter(|r| !r.others.is_empty()) {
            let points: Vec<ArrayId> =
                r.elems().map(|e| e.array).filter(|a| !is_random(self.model, *a)).collect();
            out.extend(if points.is_empty() { vec![r.param.array] } else { points });
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Breaks the symmetry of products.
    pub(super) fn perturb_fn(&self) -> TokenStream {
        let arrays = self.multiplied();
        let slopes = self.perturb_slopes();
        if arrays.is_empty() && slopes.is_empty() {
            return TokenStream::new();
        }
        let (globals, open) = (self.globals_type(), self.open());
        let all = arrays.iter().map(|a| {
            let n = self.name(*a);
            let array = &self.model.arrays[a.0];
            let leaf = match array.elem.kind.axes().len() {
                0 => quote!(std::slice::from_mut(x)),
                _ => quote!(x.as_mut_slice()),
            };
            let values = (0..array.plates.len())
                .fold(quote!(#leaf.iter_mut()), |inner, _| quote!(x.iter_mut().flat_map(|x| #inner)));
            quote!({ let x = &mut params.#n; products::off_zero(#values, rng); })
        });
        quote! {
            fn perturb(&self, context: &Context<'_>, params: &mut #globals, rng: &mut ChaCha8Rng) {
                #open
                #(#all)*
                #slopes
            }
        }
    }

    /// Whether a table of states reads a statement.
    pub(super) fn in_tables(&self, statement: crate::model::ir::StatementId) -> bool {
        self.kernel.tabled().any(|(_, c)| {
            c.rows.iter().chain(c.pairs.iter().map(|p| &p.rows)).any(|r| r.statement == statement)
        })
    }

    /// Where that is tabulated.
    pub(super) fn spread_field(&self, stat: usize) -> Ident {
        format_ident!("{}", self.kernel.stats[stat].name.replace("moments", "spread"))
    }

    /// Whether an expectation is needed where a dense residual is evaluated.
    pub(super) fn is_uncertain(&self, design: &Design, matrix: &MatrixRef, factor: &Poly) -> bool {
        let mut random = is_random(self.model, matrix.array) || !self.touched(design).is_empty();
        factor.visit_elems(&mut |e| random |= is_random(self.model, e.array));
        random
    }

    /// (E Λ, ½ E log det Λ) of a matrix in a Normal's scale, without its factor.
    pub(super) fn expected_precision(
        &self,
        scope: &Scope<'_>,
        m: &MatrixRef,
        inverse: bool,
    ) -> (TokenStream, TokenStream) {
        let matrix = scope.matrix(m);
        match (is_random(self.model, m.array), inverse, m.cholesky) {
            (true, false, _) => (quote!(#matrix.mean()), quote!(0.5 * #matrix.expect_log_det())),
            (true, true, _) => (quote!(#matrix.expect_inverse()), quote!(-0.5 * #matrix.expect_log_det())),
            (false, false, false) => (quote!(#matrix.clone()), quote!(0.5 * dense::log_det(&#matrix))),
            (false, true, false) => {
                (quote!(dense::inverse(&#matrix)), quote!(-0.5 * dense::log_det(&#matrix)))
            }
            (false, _, true) => (
                quote!(dense::inverse(&(&#matrix * #matrix.transpose()))),
                quote!(-0.5 * dense::log_det(&(&#matrix * #matrix.transpose()))),
            ),
        }
    }

    /// ½ D E log of the factor of a dense precision.
    pub(super) fn half_log_factor(&self, scope: &Scope<'_>, factor: &Poly, event: &Var) -> TokenStream {
        if factor.as_number() == Some(1.0) {
            return quote!();
        }
        let half = scope.grouped(&crate::kernel::half_log(self.model, factor));
        let high = scope.index(&event.high);
        quote!(+ #high as f64 * #half)
    }

    /// What uncertainty adds to Σ ρ ρᵀ over some rows; through a block that Λ itself whitens, the variance that all outputs share.
    pub(super) fn dense_spreads(
        &self,
        scope: &Scope<'_>,
        rows: Rows<'_>,
        design: &Design,
        event: &Var,
    ) -> Vec<Spread> {
        self.touched(design)
            .iter()
            .map(|(g, e)| {
                let (scale, outputs) = self.scale_of(g);
                let value = if outputs {
                    self.variance(scope, rows, design, g, e)
                } else {
                    self.scatter(scope, rows, design, event, (g, e))
                };
                Spread { value, scale, outputs }
            })
            .collect()
    }

    /// E ρᵀ Λ ρ − E ρᵀ E Λ E ρ over some rows under a dense scale, block by block.
    pub(super) fn dense_weighted(
        &self,
        scope: &Scope<'_>,
        rows: Rows<'_>,
        design: &Design,
        event: &Var,
        (matrix, inverse, factor): (&MatrixRef, bool, &Poly),
    ) -> Vec<TokenStream> {
        let high = scope.index(&event.high);
        self.dense_spreads(scope, rows, design, event)
            .iter()
            .map(|s| {
                let lambda = scope.grouped(&without(factor, s.scale));
                let value = &s.value;
                if s.outputs {
                    quote!(#high as f64 * #lambda * #value)
                } else {
                    let (precision, _) = self.expected_precision(scope, matrix, inverse);
                    quote!(#lambda * dense::trace(&#precision, &#value))
                }
            })
            .collect()
    }

    /// The same for one row, summed; nothing if no location is uncertain.
    pub(super) fn dense_row_spread(
        &self,
        scope: &Scope<'_>,
        design: &Design,
        event: &Var,
        scale: (&MatrixRef, bool, &Poly),
    ) -> Option<TokenStream> {
        let parts = self.dense_weighted(scope, Rows::One, design, event, scale);
        (!parts.is_empty()).then(|| quote!(#(#parts)+*))
    }

    /// The step that updates the scale which a block of locations is whitened by, if `a` is one: its degrees of freedom go down by the
    /// number of unknowns.
    pub(super) fn whitened_by(&self, a: ArrayId) -> Vec<Gaussian<'a>> {
        self.gaussians().into_iter().filter(|g| self.scale_of(g).0 == Some(a)).collect()
    }

    /// Whether a location is one vector for each element: a Vector, or numbers over the only index of a block.
    pub(super) fn is_vector(&self, a: ArrayId) -> bool {
        let array = &self.model.arrays[a.0];
        if matches!(array.elem.kind, ElemKind::Vector(_)) {
            return true;
        }
        let Some(g) = self.gaussian_of(a) else { return false };
        array.plates.len() == 1 && self.unknown_axes(g.regression, a) == [0]
    }
}
