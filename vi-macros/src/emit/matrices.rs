//! Updates of covariances and precisions: from the scatter of residuals and its weight.

use super::Emitter;
use super::scope::Scope;
use super::uncertain;
use crate::density::poly::Poly;
use crate::density::symbol::Ix;
use crate::kernel::{Contribution, MatrixResidual, MatrixSource};
use crate::model::ir::ArrayId;
use crate::plan::laws;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn matrix(
        &self,
        a: ArrayId,
        inverse: bool,
        terms: &[Contribution],
        residuals: &[MatrixResidual],
        block: Option<usize>,
    ) -> (Vec<String>, TokenStream) {
        let scope = self.scope();
        let (plates, events) = self.axes(a);
        let name = self.name(a);
        let text = name.to_string();
        let dims: Vec<(Ix, Ix)> = plates.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
        let count: Vec<_> = plates.iter().map(|v| scope.index(&v.high)).collect();
        let total = if count.is_empty() { quote!(1) } else { super::product(&count) };
        let dim = scope.index(&events[0].high);
        let mut body = quote! {
            let mut scatter = vec![DMatrix::<f64>::zeros(#dim, #dim); #total];
            let mut weight = vec![0.0; #total];
        };
        let sign = if inverse { -2.0 } else { 2.0 };
        for t in terms {
            let (setup, source) = self.source(&scope, &t.source);
            let (own, entry) = t.target.split_at(plates.len());
            let at: Vec<(Ix, Ix)> = own.iter().cloned().zip(plates.iter().map(|v| v.high.clone())).collect();
            let at = scope.flat(&at);
            body.extend(scope.loops_around(&t.over, || {
                let write = if entry.is_empty() {
                    let add = self.amount(&scope, &t.coefficient.scale(sign), source);
                    quote!(#setup weight[#at] += #add;)
                } else {
                    let add = self.amount(&scope, &t.coefficient.scale(-2.0), source);
                    let (d, e) = (scope.index(&entry[0]), scope.index(&entry[1]));
                    quote!(#setup scatter[#at][(#d, #e)] += #add;)
                };
                scope.guarded(&t.guards, write)
            }));
        }
        for r in residuals {
            let at: Vec<(Ix, Ix)> =
                r.target.iter().cloned().zip(plates.iter().map(|v| v.high.clone())).collect();
            let at = scope.flat(&at);
            let factor = match r.factor.as_number() {
                Some(1.0) => quote!(),
                _ => {
                    let f = scope.grouped(&r.factor);
                    quote!(* #f)
                }
            };
            let write = match &r.source {
                MatrixSource::Moments { stat, at: cell, design, event } => {
                    let field = format_ident!("{}", self.kernel.stats[*stat].name);
                    let cell = self.cell_at(&scope, *stat, cell);
                    let known = self.known_terms(&scope, design, None);
                    let (d, high) = (scope.var(event), scope.index(&event.high));
                    let MatrixSource::Moments { at: own, .. } = &r.source else { continue };
                    let spread = self.scatter_spread(
                        &scope,
                        a,
                        &at,
                        &r.factor,
                        self.dense_spreads(
                            &scope,
                            uncertain::Rows::Behind { stat: *stat, at: own },
                            design,
                            event,
                        ),
                    );
                    quote! {
                        let mut rows = Vec::with_capacity(#high);
                        for #d in 0..#high {
                            let mut terms = Vec::new();
                            #known
                            rows.push(terms);
                        }
                        scatter[#at] += least_squares::residual_scatter(stats.#field.cell(#cell), &rows) #factor;
                        #spread
                    }
                }
                MatrixSource::Prior { event, rho, design, .. } => {
                    let spread = self.scatter_spread(
                        &scope,
                        a,
                        &at,
                        &r.factor,
                        self.dense_spreads(&scope, uncertain::Rows::One, design, event),
                    );
                    let (d, high) = (scope.var(event), scope.index(&event.high));
                    let rho = scope.poly(rho);
                    quote! {
                        let rho = DVector::from_fn(#high, |#d, _| #rho);
                        scatter[#at] += &rho * rho.transpose() #factor;
                        #spread
                    }
                }
            };
            body.extend(scope.loops(&r.over, scope.guarded(&r.guards, write)));
        }
        let (min, _) = self.bounds(a);
        let own = plates.iter().map(|v| {
            let v = scope.var(v);
            quote!([#v])
        });
        let position = plates.iter().map(|v| scope.var(v));
        let flat = scope.flat(&dims);
        if block.is_some() {
            for g in self.whitened_by(a) {
                let r = g.regression;
                let Some(e) = &r.scale else { continue };
                let target: Vec<(Ix, Ix)> =
                    e.indices.iter().cloned().zip(plates.iter().map(|v| v.high.clone())).collect();
                let target = scope.flat(&target);
                let (_, total) = self.unknowns(&scope, r);
                body.extend(scope.loops(&r.batch, quote!(weight[#target] -= (#total) as f64;)));
            }
            let function = if inverse { quote!(law::inverse_wishart) } else { quote!(law::wishart) };
            body.extend(scope.loops(&plates, quote! {
                params.#name #(#own)* = #function(&scatter[#flat], weight[#flat], mode::at(#text, &[#(#position),*]))?;
            }));
            let law = laws::of_support(&self.model.arrays[a.0].elem.kind, inverse).name();
            let formula = if inverse {
                format!(" q({name}) = {law}(dof: weight − D − 1, scale: scatter)")
            } else {
                format!(" q({name}) = {law}(dof: weight + D + 1, scale: scatter⁻¹)")
            };
            let doc = vec![
                format!(" Updates q({name}): the distribution of these natural parameters."),
                String::new(),
                " ```text".into(),
                formula,
                " scatter = Σ (expected outer products of residuals) + prior,  weight = Σ (expected counts) + prior".into(),
                " ```".into(),
            ];
            return (doc, body);
        }
        let function = if inverse { quote!(mode::covariance) } else { quote!(mode::precision) };
        let step = quote! {
            #function(&scatter[#flat], weight[#flat], #min, mode::at(#text, &[#(#position),*]), &mut params.#name #(#own)*, notes)?;
        };
        body.extend(scope.loops(&plates, step));
        let formula = if inverse {
            format!(" {name} = scatter / weight")
        } else {
            format!(" {name} = weight · scatter⁻¹")
        };
        let doc = vec![
            format!(" Updates `{name}`: its mode given the residuals."),
            String::new(),
            " ```text".into(),
            formula,
            " scatter = Σ (expected outer products of residuals) + prior,  weight = Σ (expected counts) + prior".into(),
            " ```".into(),
        ];
        (doc, body)
    }

    /// The same for the scatter of a matrix: a block that the matrix itself whitens adds nothing.
    fn scatter_spread(
        &self,
        scope: &Scope<'_>,
        a: ArrayId,
        at: &TokenStream,
        factor: &Poly,
        spreads: Vec<super::uncertain::Spread>,
    ) -> TokenStream {
        spreads
            .iter()
            .filter(|s| s.scale != Some(a))
            .map(|s| {
                let value = &s.value;
                let factor = crate::kernel::without(factor, s.scale);
                match factor.as_number() {
                    Some(1.0) => quote!(scatter[#at] += #value;),
                    _ => {
                        let factor = scope.grouped(&factor);
                        quote!(scatter[#at] += #value * #factor;)
                    }
                }
            })
            .collect()
    }
}
