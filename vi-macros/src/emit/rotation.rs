//! Expansion of products that are uncertain on both sides: the function that turns one against the other.

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{Expansion, Prior, Rotation, Turning, is_random};
use crate::model::ir::ArrayId;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The lines of a slope: the indices that number them, and the code that reads one of them.
struct Lines {
    others: Vec<Var>,
    /// The components of a line.
    inner: Var,
    /// `row`, and `at` where it has a covariance.
    read: TokenStream,
    places: TokenStream,
    /// What stands for the line.
    line: TokenStream,
    /// The covariance of its block.
    cov: Option<TokenStream>,
}

impl Emitter<'_> {
    fn rotations(&self) -> impl Iterator<Item = (&Expansion, &Rotation)> {
        self.kernel.expansions.iter().filter_map(|e| Some((e, e.rotation.as_ref()?)))
    }

    /// One function for each latent that is turned against its slopes.
    pub(super) fn rotate(&self) -> TokenStream {
        self.rotations().map(|(e, r)| self.rotation(e, r)).collect()
    }

    /// The function that the runtime calls.
    pub(super) fn rotation_fn(&self) -> TokenStream {
        let calls: TokenStream = self
            .rotations()
            .map(|(e, _)| {
                let name = format_ident!("rotate_{}", self.name(e.latent));
                quote!(self.#name(context, stats, params);)
            })
            .collect();
        if calls.is_empty() {
            return calls;
        }
        let globals = self.globals_type();
        quote! {
            fn rotate(&self, context: &Context<'_>, stats: &Stats, params: &mut #globals) {
                if context.expand {
                    #calls
                }
            }
        }
    }

    fn rotation(&self, e: &Expansion, r: &Rotation) -> TokenStream {
        let scope = self.scope();
        let name = format_ident!("rotate_{}", self.name(e.latent));
        let (globals, open) = (self.globals_type(), self.open());
        let field = format_ident!("{}", self.kernel.stats[e.stat].name);
        let shift = self.shifted(&scope, r);
        let (mut forms, mut turns) = (TokenStream::new(), TokenStream::new());
        for s in &r.slopes {
            let lines = self.slope_lines(&scope, s.array, s.axis);
            forms.extend(self.priors_of_lines(&scope, s.array, s.axis, s.prior.as_ref(), &lines));
            turns.extend(self.turned(s.array, &[(s.axis, Turning::Against)], false));
            if let Some(cov) = &lines.cov {
                let places = &lines.places;
                turns.extend(scope.loops(
                    &lines.others,
                    quote!(#places rotation::turn_rows(&mut #cov, &at, &turned.against);),
                ));
            }
        }
        let body = quote!(#shift #forms if let Some(turned) = rotation.turn() { #turns });
        let uses = self.turning_traits(&body);
        let doc = self.rotation_doc(e, r);
        let doc = doc.iter().map(|d| quote!(#[doc = #d]));
        quote! {
            #(#doc)*
            fn #name(&self, context: &Context<'_>, stats: &Stats, params: &mut #globals) {
                #uses
                #open
                let Some(mut rotation) = rotation::Rotation::of(stats.#field.cell(0)) else { return };
                #body
            }
        }
    }

    fn rotation_doc(&self, e: &Expansion, r: &Rotation) -> Vec<String> {
        let latent = self.name(e.latent);
        let slopes: Vec<String> = r.slopes.iter().map(|s| self.name(s.array).to_string()).collect();
        let mut law: Vec<String> = vec![];
        for s in &r.shifts {
            let (b, w) = (self.name(s.array), self.name(s.slope));
            law.push(format!("{latent} ← {latent} − a, {b} ← {b} + {w} a"));
        }
        law.push(format!("{latent} ← T {latent}"));
        law.extend(slopes.iter().map(|w| format!("{w} ← {w} T⁻¹")));
        vec![
            format!(
                " Turns q({latent}) against q({}): their products, and so the density of the data, are the same. T is that of the highest bound.",
                slopes.join(", ")
            ),
            String::new(),
            " ```text".into(),
            format!(" {}", law.join("          ")),
            " ```".into(),
        ]
    }

    fn slope_lines(&self, scope: &Scope<'_>, a: ArrayId, axis: usize) -> Lines {
        let (plates, events) = self.axes(a);
        let all: Vec<Var> = plates.into_iter().chain(events).collect();
        let inner = all[axis].clone();
        let others = all.iter().enumerate().filter(|(n, _)| *n != axis).map(|(_, v)| v.clone()).collect();
        let e = Elem { array: a, indices: all.iter().map(Ix::var).collect() };
        let (v, high, place) = (scope.var(&inner), scope.index(&inner.high), scope.elem(&e));
        let read = quote!(let row: Vec<f64> = (0..#high).map(|#v| #place).collect(););
        let Some(g) = self.gaussian_of(a).filter(|_| is_random(self.model, a)) else {
            return Lines { others, inner, read, places: quote!(), line: quote!((&row, None)), cov: None };
        };
        let (copy, at) = (self.copy(scope, g.regression, &e), self.unknown(scope, g.regression, &e));
        let at = at.unwrap_or_default();
        let places = quote!(let at: Vec<usize> = (0..#high).map(|#v| #at).collect(););
        let field = &g.field;
        let cov = quote!(params.#field[#copy]);
        let read = quote!(#read #places);
        Lines { others, inner, read, places, line: quote!((&row, Some((&#cov, &at)))), cov: Some(cov) }
    }

    /// A precision at the indices of the array's own axes.
    fn at_axes(&self, a: ArrayId, prior: &Prior, p: &Poly) -> Poly {
        let (plates, events) = self.axes(a);
        plates
            .iter()
            .chain(&events)
            .zip(&prior.at)
            .fold(p.clone(), |p, (own, theirs)| p.substitute(theirs, &Ix::var(own)))
    }

    fn priors_of_lines(
        &self,
        scope: &Scope<'_>,
        a: ArrayId,
        axis: usize,
        prior: Option<&Prior>,
        lines: &Lines,
    ) -> TokenStream {
        let (v, high) = (scope.var(&lines.inner), scope.index(&lines.inner.high));
        let (read, line) = (&lines.read, &lines.line);
        let count = lines.cov.as_ref().map(|_| quote!(rotation.count(1);));
        let Some(prior) = prior else {
            return count.map(|c| scope.loops(&lines.others, c)).unwrap_or_default();
        };
        match prior.split(axis) {
            Some((own, others)) => {
                let own = scope.poly(&self.at_axes(a, prior, &own));
                let others = scope.poly(&self.at_axes(a, prior, &others));
                let each = scope.loops(&lines.others, quote!(#read lines.add(#others, #line); #count));
                quote! {
                    let mut lines = rotation::Lines::new((0..#high).map(|#v| #own).collect());
                    #each
                    rotation.add(lines);
                }
            }
            None => {
                let p = scope.poly(&self.at_axes(a, prior, &prior.precision));
                let each = scope.loops(
                    &lines.others,
                    quote!(#read for #v in 0..#high { lines[#v].add(#p, #line); } #count),
                );
                quote! {
                    let mut lines: Vec<rotation::Lines> = (0..#high).map(|#v| rotation::Lines::of(#high, #v)).collect();
                    #each
                    lines.into_iter().for_each(|own| rotation.add(own));
                }
            }
        }
    }

    /// What moves with the mean of the latent.
    fn shifted(&self, scope: &Scope<'_>, r: &Rotation) -> TokenStream {
        if r.shifts.is_empty() {
            return TokenStream::new();
        }
        let (mut known, mut moved) = (TokenStream::new(), TokenStream::new());
        for s in &r.shifts {
            let Some(slope) = r.slopes.iter().find(|w| w.array == s.slope) else { continue };
            let lines = self.slope_lines(scope, slope.array, slope.axis);
            let b = Elem { array: s.array, indices: lines.others.iter().map(Ix::var).collect() };
            let place = scope.elem(&b);
            let to = match (&lines.cov, self.gaussian_of(s.array)) {
                (Some(cov), Some(g)) => self.unknown(scope, g.regression, &b).map(|to| (cov, to)),
                _ => None,
            };
            let covariance = match &to {
                Some((cov, to)) => quote!(&at.iter().map(|i| #cov.entry(#to, *i)).collect::<Vec<f64>>()),
                None => quote!(&[]),
            };
            if let Some(prior) = &s.prior {
                let precision = self.constant_precision(scope, prior, &lines.others);
                let (read, line) = (&lines.read, &lines.line);
                known.extend(scope.loops(
                    &lines.others,
                    quote!(#read rotation.add_constant(#precision, #line, #place, #covariance);),
                ));
            }
            moved.extend(self.shift(s.array, slope.array, slope.axis));
            if let Some((cov, to)) = to {
                let places = &lines.places;
                moved.extend(
                    scope.loops(
                        &lines.others,
                        quote!(#places rotation::shift_row(&mut #cov, #to, &at, &shift);),
                    ),
                );
            }
        }
        quote!(#known if let Some(shift) = rotation.shift() { #moved })
    }

    fn constant_precision(&self, scope: &Scope<'_>, prior: &Prior, at: &[Var]) -> TokenStream {
        let p = prior
            .at
            .iter()
            .zip(at)
            .fold(prior.precision.clone(), |p, (theirs, own)| p.substitute(theirs, &Ix::var(own)));
        scope.poly(&p)
    }

    /// What the plan says of one.
    pub(super) fn rotation_text(&self, latent: ArrayId, r: &Rotation) -> String {
        let names = |all: Vec<ArrayId>| {
            let all: Vec<String> = all.iter().map(|a| self.name(*a).to_string()).collect();
            all.join(", ")
        };
        let x = self.name(latent);
        let slopes = names(r.slopes.iter().map(|s| s.array).collect());
        let mean = match r.shifts.is_empty() {
            true => String::new(),
            false => {
                format!("; {} takes what E({x}) gives up", names(r.shifts.iter().map(|s| s.array).collect()))
            }
        };
        format!(
            "expansion: {x} meets the data only in products with {slopes}, so both are turned, {x} by T and {slopes} by T⁻ᵀ, to where the objective\n  is highest{mean}\n"
        )
    }
}
