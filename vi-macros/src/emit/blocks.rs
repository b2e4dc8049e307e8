//! Blocks of shared latents: their part of the objective, draws from them, and where they begin.

use super::Emitter;
use super::expectation::has_law;
use super::scope::Scope;
use super::uncertain;
use super::uncertain::Gaussian;
use crate::density::statement::{Form, Scale};
use crate::density::symbol::{Elem, Ix};
use crate::kernel::{MStep, MStepKind, MatrixSource, RegressionRows, RegressionSource};
use crate::model::ir::ArrayId;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// −½ log 2π
const HALF_LOG_TWO_PI: f64 = 0.918_938_533_204_672_8;

impl Emitter<'_> {
    /// E log p of the statements of shared latents, and the entropy of each block.
    pub(super) fn shared_terms(&self) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for d in &self.kernel.latent_priors {
            let text = format!("E log p({})", self.name(d.target.array));
            let mut body = TokenStream::new();
            for case in &d.cases {
                let inner = match &case.form {
                    Form::Terms(p) => {
                        let p = scope.poly(&p.add(&case.normaliser));
                        quote!(let piece = #p; term += piece; magnitude += f64::abs(piece);)
                    }
                    Form::Normal(r) => match &r.scale {
                        Scale::Diagonal(precision) => {
                            let design = crate::kernel::Splitter::row_design(self.model, &r.rho, &[]);
                            let spread = design.as_ref().and_then(|d| {
                                self.weighted(
                                    &scope,
                                    precision,
                                    &self.spreads(&scope, uncertain::Rows::One, d, None),
                                )
                            });
                            let spread = spread.map(|s| quote!(- 0.5 * (#s)));
                            let rho = scope.poly(&r.rho);
                            let half = scope.poly(&crate::kernel::half_log(self.model, precision));
                            let precision = scope.grouped(precision);
                            let base = Literal::f64_unsuffixed(HALF_LOG_TWO_PI);
                            let one = quote! {
                                let rho = #rho;
                                let piece = #half - #base - 0.5 * #precision * rho * rho #spread;
                                term += piece;
                                magnitude += f64::abs(piece);
                            };
                            scope.loops(r.event.as_slice(), one)
                        }
                        Scale::Dense { factor, matrix, inverse } => {
                            let Some(event) = &r.event else { continue };
                            let over = std::slice::from_ref(event);
                            let design = crate::kernel::Splitter::row_design(self.model, &r.rho, over);
                            let spread = design.as_ref().and_then(|x| {
                                self.dense_row_spread(&scope, x, event, (matrix, *inverse, factor))
                            });
                            let spread = spread.map(|s| quote!(- 0.5 * (#s)));
                            let rho = scope.poly(&r.rho);
                            let (p, half) = self.expected_precision(&scope, matrix, *inverse);
                            let more = self.half_log_factor(&scope, factor, event);
                            let factor = scope.grouped(factor);
                            let (d, high) = (scope.var(event), scope.index(&event.high));
                            let base = Literal::f64_unsuffixed(HALF_LOG_TWO_PI);
                            quote! {
                                let rho = DVector::from_fn(#high, |#d, _| #rho);
                                let piece = #half #more - #base * #high as f64
                                    - 0.5 * #factor * dense::trace(&#p, &(&rho * rho.transpose())) #spread;
                                term += piece;
                                magnitude += f64::abs(piece);
                            }
                        }
                    },
                    Form::Equal { .. } | Form::Flat => continue,
                };
                let whens = scope.guarded(&case.when, inner);
                body.extend(whens);
            }
            let body = scope.loops(&d.vars, scope.guarded(&d.guards, body));
            out.extend(quote! {
                let (mut term, mut magnitude) = (0.0, 0.0_f64);
                #body
                out.push(ElboTerm { name: #text.to_string(), value: term, magnitude });
            });
        }
        for (_, arrays) in self.block_arrays() {
            let names: Vec<String> = arrays.iter().map(|a| self.name(*a).to_string()).collect();
            let text = format!("H({})", names.join(", "));
            let mut body = TokenStream::new();
            for a in arrays.iter().filter(|a| has_law(self.model, **a)) {
                let n = self.name(*a);
                let plates = self.plates_of(*a);
                let at: Vec<_> = plates.iter().map(|v| scope.var(v)).collect();
                let one = quote!(term += params.#n #([#at])*.entropy(););
                let one = match self.symmetric_guard(*a, &plates) {
                    Some((guard, _)) => quote!(if #guard { #one }),
                    None => one,
                };
                body.extend(scope.loops(&plates, one));
            }
            for g in self.gaussians().iter().filter(|g| arrays.contains(&g.regression.arrays[0])) {
                body.extend(self.gaussian_entropy(&scope, g));
            }
            out.extend(quote! {
                let mut term = 0.0;
                #body
                out.push(ElboTerm { name: #text.to_string(), value: term, magnitude: f64::abs(term) });
            });
        }
        out
    }

    fn gaussian_entropy(&self, scope: &Scope<'_>, g: &Gaussian<'_>) -> TokenStream {
        let r = g.regression;
        let field = &g.field;
        let at: Vec<(Ix, Ix)> = r.batch.iter().map(|b| (Ix::var(b), b.high.clone())).collect();
        let at = scope.flat(&at);
        if let Some(law) = &g.law {
            return scope.loops(&r.batch, quote!(term += params.#law[#at].entropy();));
        }
        let outputs = r.outputs.as_ref().map_or(quote!(1), |v| scope.index(&v.high));
        let log = match &r.scale {
            None => quote!(0.0),
            Some(e) => {
                let name = self.name(e.array);
                let at = e.indices.iter().map(|i| scope.index(i));
                let law = quote!(params.#name #([#at])*);
                let power = super::number(r.power.value());
                if r.outputs.is_some() {
                    quote!(#power * #law.expect_log_det())
                } else {
                    quote!(#power * #law.expect_log())
                }
            }
        };
        scope.loops(&r.batch, quote!(term += law::entropy(&params.#field[#at], #outputs, #log);))
    }

    /// The arrays of each block of shared latents.
    fn block_arrays(&self) -> Vec<(usize, Vec<ArrayId>)> {
        let mut out: Vec<(usize, Vec<ArrayId>)> = vec![];
        for s in &self.kernel.steps {
            let Some(b) = s.block else { continue };
            let arrays = s.kind.arrays();
            match out.iter_mut().find(|(n, _)| *n == b) {
                Some((_, all)) => all.extend(arrays),
                None => out.push((b, arrays)),
            }
        }
        out
    }

    /// Joint draws of every block, and the log density of values: scales first, then what they whiten.
    pub(super) fn shared_draws(&self) -> (TokenStream, TokenStream) {
        let scope = self.scope();
        let mut draw = TokenStream::new();
        let mut log_q = TokenStream::new();
        for a in self.points() {
            let n = self.name(a);
            draw.extend(quote!(latents.#n = params.#n.clone();));
        }
        for a in self.random().into_iter().filter(|a| has_law(self.model, *a)) {
            let n = self.name(a);
            let plates = self.plates_of(a);
            let at: Vec<_> = plates.iter().map(|v| scope.var(v)).collect();
            let (sample, density) = match self.symmetric_guard(a, &plates) {
                Some((guard, mirror)) => {
                    let empty = self.nest(&plates, quote!(f64::NAN));
                    let value = quote!(params.#n #([#at])*.sample(rng));
                    let fill = scope.loops(
                        &plates,
                        quote!(if #guard { let value = #value; latents.#n #([#at])* = value; latents.#n #mirror = value; }),
                    );
                    (
                        quote!(latents.#n = #empty; #fill),
                        quote!(if #guard { total += params.#n #([#at])*.log_density(&latents.#n #([#at])*); }),
                    )
                }
                None => {
                    let value = self.nest(&plates, quote!(params.#n #([#at])*.sample(rng)));
                    (
                        quote!(latents.#n = #value;),
                        quote!(total += params.#n #([#at])*.log_density(&latents.#n #([#at])*);),
                    )
                }
            };
            draw.extend(sample);
            log_q.extend(scope.loops(&plates, density));
        }
        for g in self.gaussians() {
            let r = g.regression;
            let (offsets, total) = self.unknowns(&scope, r);
            let outputs = r.outputs.as_ref().map_or(quote!(1), |v| scope.index(&v.high));
            let at: Vec<(Ix, Ix)> = r.batch.iter().map(|b| (Ix::var(b), b.high.clone())).collect();
            let at = scope.flat(&at);
            let field = &g.field;
            let scale = match &r.scale {
                None => quote!(law::Whitening::None),
                Some(e) => {
                    let name = self.name(e.array);
                    let at = e.indices.iter().map(|i| scope.index(i));
                    let value = quote!(latents.#name #([#at])*);
                    match (r.outputs.is_some(), r.power.value()) {
                        (true, p) if p < 0.0 => quote!(law::Whitening::Covariance(&#value)),
                        (true, _) => quote!(law::Whitening::Precision(&#value)),
                        (false, p) => {
                            let p = super::number(p);
                            quote!(law::Whitening::Scalar(f64::powf(#value, #p)))
                        }
                    }
                }
            };
            let mut read = TokenStream::new();
            let mut write = TokenStream::new();
            let mut values = TokenStream::new();
            let mut empty = TokenStream::new();
            for (a, _, _) in &offsets {
                let n = self.name(*a);
                empty.extend(quote!(latents.#n = params.#n.clone();));
                let (loops, place, id, o) = self.location_loops(&scope, r, *a);
                let latent = self.latent_place(&scope, *a, &place);
                let mean = scope.elem(&place);
                read.extend(scope.loops(&loops, quote!(mean[(#id, #o)] = #mean;)));
                write.extend(scope.loops(&loops, quote!(#latent = draw[(#id, #o)];)));
                values.extend(scope.loops(&loops, quote!(value[(#id, #o)] = #latent;)));
            }
            draw.extend(empty);
            if let (Some(law), Some((a, ..))) = (&g.law, offsets.first()) {
                let (_, place, ..) = self.location_loops(&scope, r, *a);
                let latent = self.latent_place(&scope, *a, &place);
                draw.extend(scope.loops(&r.batch, quote!(#latent = params.#law[#at].sample(rng);)));
                log_q.extend(scope.loops(&r.batch, quote!(total += params.#law[#at].log_density(&#latent);)));
                continue;
            }
            draw.extend(scope.loops(
                &r.batch,
                quote! {
                    let mut mean = DMatrix::zeros(#total, #outputs);
                    #read
                    let draw = law::draw(&mean, &params.#field[#at], #scale, rng);
                    #write
                },
            ));
            log_q.extend(scope.loops(
                &r.batch,
                quote! {
                    let mut mean = DMatrix::zeros(#total, #outputs);
                    let mut value = DMatrix::zeros(#total, #outputs);
                    #read
                    #values
                    total += law::log_density(&value, &mean, &params.#field[#at], #scale, magnitude);
                },
            ));
        }
        (draw, log_q)
    }

    fn latent_place(&self, scope: &Scope<'_>, a: ArrayId, e: &Elem) -> TokenStream {
        let n = self.name(a);
        let at: Vec<TokenStream> = e.indices.iter().map(|i| scope.index(i)).collect();
        scope.nested(quote!(latents.#n), a, &at)
    }

    /// q where nothing but the priors is known.
    pub(super) fn at_priors(&self) -> Result<TokenStream, crate::report::Diagnostic> {
        let mut blocks: Vec<Vec<&MStep>> = vec![];
        for s in self.kernel.steps.iter().filter(|s| s.block.is_some()) {
            match blocks.last_mut() {
                Some(last) if last[0].block == s.block => last.push(s),
                _ => blocks.push(vec![s]),
            }
        }
        let all = |b: &[&MStep]| b.iter().flat_map(|s| s.kind.arrays()).collect::<Vec<ArrayId>>();
        // What a prior reads comes before it.
        let mut ordered: Vec<&MStep> = vec![];
        while !blocks.is_empty() {
            let ready = blocks.iter().position(|b| {
                let reads = self.prior_reads(&all(b));
                !blocks.iter().any(|o| all(o) != all(b) && all(o).iter().any(|a| reads.contains(a)))
            });
            ordered.extend(blocks.remove(ready.unwrap_or(0)));
        }
        let mut body = TokenStream::new();
        for step in ordered {
            let arrays = step.kind.arrays();
            let from = |id: Option<crate::model::ir::StatementId>| {
                id.is_some_and(|id| arrays.contains(&self.model.statements[id.0].array))
            };
            // A prior that adds no statistic is a prior still; a flat one says nothing.
            let flat = self
                .kernel
                .latent_priors
                .iter()
                .filter(|d| arrays.contains(&d.target.array))
                .all(|d| d.cases.iter().all(|c| matches!(c.form, Form::Flat)));
            let diffuse: Vec<ArrayId> = self
                .kernel
                .latent_priors
                .iter()
                .filter(|d| arrays.contains(&d.target.array))
                .filter(|d| d.cases.iter().any(|c| matches!(c.form, Form::Flat)))
                .map(|d| d.target.array)
                .collect();
            let mut step = step.clone();
            let mut to_come = vec![];
            let empty = match &mut step.kind {
                MStepKind::Natural { terms, array, .. } => {
                    let whitens: Vec<ArrayId> =
                        self.whitened_by(*array).iter().flat_map(|g| g.regression.arrays.clone()).collect();
                    // The priors of what it whitens are part of the joint prior.
                    terms.retain(|t| {
                        from(t.prior)
                            || t.prior.is_some_and(|id| whitens.contains(&self.model.statements[id.0].array))
                    });
                    flat
                }
                MStepKind::Matrix { terms, residuals, array, .. } => {
                    let whitens: Vec<ArrayId> =
                        self.whitened_by(*array).iter().flat_map(|g| g.regression.arrays.clone()).collect();
                    let joint = |id: crate::model::ir::StatementId| {
                        whitens.contains(&self.model.statements[id.0].array)
                    };
                    terms.retain(|t| from(t.prior) || t.prior.is_some_and(joint));
                    residuals.retain(|r| match &r.source {
                        MatrixSource::Prior { statement, .. } => from(Some(*statement)) || joint(*statement),
                        MatrixSource::Moments { .. } => false,
                    });
                    flat
                }
                MStepKind::Regression(r) => {
                    // Neighbours of neighbours are far apart: what data join is looked up in their rows.
                    if super::filled::chain_of(r).is_some() && r.outputs.is_none() {
                        let data = |x: &&RegressionRows| matches!(x.source, RegressionSource::Moments { .. });
                        to_come = r.rows.iter().filter(data).cloned().collect();
                    }
                    r.rows.retain(|x| match &x.source {
                        RegressionSource::Prior { statement, .. } => from(Some(*statement)),
                        RegressionSource::Moments { .. } => false,
                    });
                    r.rows.is_empty()
                }
                MStepKind::Newton { .. } => true,
            };
            if empty {
                continue;
            }
            let (_, inner) = match &step.kind {
                MStepKind::Regression(r) => self.regression(r, step.block, &diffuse, &to_come),
                MStepKind::Natural { .. } | MStepKind::Matrix { .. } | MStepKind::Newton { .. } => {
                    self.step(&step)?
                }
            };
            body.extend(quote!({ #inner }));
        }
        Ok(body)
    }

    fn prior_reads(&self, arrays: &[ArrayId]) -> Vec<ArrayId> {
        let mut out = vec![];
        for d in self.kernel.latent_priors.iter().filter(|d| arrays.contains(&d.target.array)) {
            for case in &d.cases {
                let mut see = |p: &crate::density::poly::Poly| {
                    p.visit_elems(&mut |e| {
                        if !arrays.contains(&e.array) {
                            out.push(e.array);
                        }
                    });
                };
                match &case.form {
                    Form::Terms(p) => see(p),
                    Form::Normal(r) => {
                        see(&r.rho);
                        match &r.scale {
                            Scale::Diagonal(p) => see(p),
                            Scale::Dense { factor, matrix, .. } => {
                                see(factor);
                                if !arrays.contains(&matrix.array) {
                                    out.push(matrix.array);
                                }
                            }
                        }
                    }
                    Form::Equal { .. } | Form::Flat => {}
                }
            }
        }
        out
    }
}
