//! Latents that all units share: q of each, where it starts, its share of the objective, draws from it.

use super::Emitter;
use super::expectation::has_law;
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{MStepKind, Regression, Turn, is_param, is_random};
use crate::model::ir::{ArrayId, ElemKind, Role};
use crate::plan::laws::{self, Law};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// The places of two elements of one marginal, and the scale that its covariance is measured in.
pub(super) struct Located {
    pub plates: Vec<Var>,
    /// The copies of the block that they belong to.
    pub copy: TokenStream,
    pub other: TokenStream,
    /// Their positions among the unknowns.
    pub one: TokenStream,
    pub two: TokenStream,
    pub scale: Option<(Ident, Vec<TokenStream>)>,
    /// Whether the scale is a matrix that whitens the components.
    pub outputs: bool,
}

impl<'a> Emitter<'a> {
    /// Latents of no finite type whose q is a distribution.
    pub(super) fn random(&self) -> Vec<ArrayId> {
        (0..self.model.arrays.len()).map(ArrayId).filter(|a| is_random(self.model, *a)).collect()
    }

    /// Latents that are held at a point.
    pub(super) fn points(&self) -> Vec<ArrayId> {
        let mut points = crate::plan::points(self.model);
        points.retain(|a| is_param(self.model, *a));
        points.sort_unstable();
        points
    }

    pub(super) fn has_globals(&self) -> bool {
        !self.random().is_empty() || !self.points().is_empty()
    }

    /// What the updates hold: the params, and q of the shared latents where there are any.
    pub(super) fn globals_type(&self) -> TokenStream {
        if self.has_globals() { quote!(Globals) } else { quote!(Params) }
    }

    /// `params`, or the globals with these params and nothing else set.
    pub(super) fn as_globals(&self) -> TokenStream {
        if self.has_globals() { quote!(&Self::gather_points(params, latents)) } else { quote!(params) }
    }

    /// The family of a latent's q.
    pub(super) fn law_type(&self, a: ArrayId) -> TokenStream {
        let inverse = self
            .kernel
            .steps
            .iter()
            .any(|s| matches!(&s.kind, MStepKind::Matrix { array, inverse: true, .. } if *array == a));
        spelt(&laws::of_support(&self.model.arrays[a.0].elem.kind, inverse))
    }

    /// The family of a marginal that a user sees.
    fn marginal_type(&self, a: ArrayId) -> TokenStream {
        if has_law(self.model, a) {
            return self.law_type(a);
        }
        let whitened = self.gaussian_of(a).is_some_and(|g| g.regression.scale.is_some());
        if self.kernel.is_cut(a) {
            return cut_law();
        }
        spelt(&laws::of_location(self.is_vector(a), whitened))
    }

    /// The law a point would have if it were none: it only says of what type the value is.
    fn point_type(&self, a: ArrayId) -> TokenStream {
        match self.model.arrays[a.0].elem.kind {
            ElemKind::Real => spelt(&laws::of_location(false, false)),
            ElemKind::Vector(_) | ElemKind::Ordered(_) => spelt(&laws::of_location(true, false)),
            _ => self.law_type(a),
        }
    }

    /// Plates of a marginal: a vector of numbers has none.
    pub(super) fn marginal_plates(&self, a: ArrayId) -> Vec<Var> {
        let mut plates = self.plates_of(a);
        if crate::kernel::is_unit_normal(self.model, a) {
            plates.truncate(crate::kernel::depth(self.model, a));
        }
        if !has_law(self.model, a) && is_random(self.model, a) && self.is_vector(a) {
            let event = matches!(self.model.arrays[a.0].elem.kind, ElemKind::Vector(_));
            if !event {
                plates.clear();
            }
        }
        plates
    }

    pub(super) fn shared_posterior_type(&self, a: ArrayId) -> TokenStream {
        let law = if is_random(self.model, a) { self.marginal_type(a) } else { self.point_type(a) };
        let component = self.kernel.components.iter().find(|c| c.normals.iter().any(|n| n.array == a));
        let inner = component.is_some_and(|c| self.model.arrays[a.0].plates.len() > c.unit.len());
        let vector = self.is_vector(a) || inner;
        let scaled = self.chain_scale(a).is_some() || self.unit_scale(a).is_some();
        let law = if scaled || inner { spelt(&laws::of_location(vector, scaled)) } else { law };
        let law = match component.is_some_and(|c| !c.locals.is_empty()) {
            true if vector => quote!(unit_laws::VectorMixture<#law>),
            true => quote!(unit_laws::Mixture<#law>),
            false => law,
        };
        self.marginal_plates(a).iter().fold(quote!(Marginal<#law>), |t, _| quote!(Vec<#t>))
    }

    /// `(0..high).map(|v| inner).collect()` for each plate.
    pub(super) fn nest(&self, plates: &[Var], inner: TokenStream) -> TokenStream {
        let scope = self.scope();
        plates.iter().rev().fold(inner, |inner, v| {
            let (n, high) = (scope.var(v), scope.index(&v.high));
            quote!((0..#high).map(|#n| #inner).collect::<Vec<_>>())
        })
    }

    /// The struct that updates read and write.
    pub(super) fn globals_struct(&self) -> TokenStream {
        if !self.has_globals() {
            return TokenStream::new();
        }
        let mut fields = TokenStream::new();
        let mut unset = TokenStream::new();
        let mut serde: Vec<TokenStream> = vec![];
        for a in self.params().into_iter().chain(self.points()) {
            let (n, t, v) = (self.name(a), self.owned(a), self.unset(a));
            let doc = format!(" The value of `{n}`.");
            fields.extend(quote!(#[doc = #doc] pub #n: #t,));
            unset.extend(quote!(#n: #v,));
            serde.push(quote!(#n: #t));
        }
        for a in self.random() {
            let n = self.name(a);
            if has_law(self.model, a) {
                let law = self.law_type(a);
                let t = self.plates_of(a).iter().fold(quote!(Marginal<#law>), |t, _| quote!(Vec<#t>));
                let doc = format!(" q({n})");
                fields.extend(quote!(#[doc = #doc] pub #n: #t,));
                let empty =
                    if self.plates_of(a).is_empty() { quote!(Marginal::Unset) } else { quote!(Vec::new()) };
                unset.extend(quote!(#n: #empty,));
                serde.push(quote!(#n: #t));
            } else {
                let (t, v) = (self.owned(a), self.unset(a));
                let doc = format!(" E {n}");
                fields.extend(quote!(#[doc = #doc] pub #n: #t,));
                unset.extend(quote!(#n: #v,));
                serde.push(quote!(#n: #t));
            }
        }
        for g in self.gaussians() {
            let n = &g.field;
            let names =
                g.regression.arrays.iter().map(|a| self.name(*a).to_string()).collect::<Vec<_>>().join(", ");
            let doc = match &g.regression.scale {
                Some(e) => format!(" Cov({names}), one for each copy, in units of `{}`.", self.name(e.array)),
                None => format!(" Cov({names}), one for each copy."),
            };
            fields.extend(quote!(#[doc = #doc] pub #n: Vec<SharedCovariance>,));
            unset.extend(quote!(#n: Vec::new(),));
            serde.push(quote!(#n: Vec<SharedCovariance>));
            if let Some(n) = &g.law {
                let law = cut_law();
                let doc = format!(" q({names}), one for each copy.");
                fields.extend(quote!(#[doc = #doc] pub #n: Vec<Marginal<#law>>,));
                unset.extend(quote!(#n: Vec::new(),));
                serde.push(quote!(#n: Vec<Marginal<#law>>));
            }
        }
        quote! {
            /// What all units share: a value for each point, a distribution for each latent.
            #[derive(Clone, Debug, PartialEq)]
            pub struct Globals {
                #fields
            }

            impl Default for Globals {
                fn default() -> Self {
                    Globals { #unset }
                }
            }

            ::vi_core::private::serde_impls! { Globals { #(#serde),* } }
        }
    }

    /// The rest of the trait for shared latents; where there are none, what connects params with themselves.
    pub(super) fn shared_fns(&self, reads_data: bool) -> TokenStream {
        if !self.has_globals() {
            return quote! {
                fn gather(&self, params: &Params, _posterior: &Posterior) -> Params {
                    params.clone()
                }

                fn params(globals: &Params) -> Params {
                    globals.clone()
                }
            };
        }
        let open = self.open();
        let params = self.params();
        let names: Vec<_> = params.iter().map(|a| self.name(*a)).collect();
        let gather = self.gather_fields();
        let gather = self.gather_spread(quote!(Globals { #(#names: params.#names.clone(),)* #gather }));
        let share = self.share_fields();
        let turns = self.kernel.turns.iter().map(|t| match t {
            Turn::Units => quote!(Turn::Units),
            Turn::Block(n) => {
                let n = Literal::usize_unsuffixed(*n);
                quote!(Turn::Block(#n))
            }
        });
        let with_data = if reads_data { quote!(&context.data,) } else { quote!() };
        let update = self.kernel.steps.iter().any(|s| s.block.is_some()).then(|| {
            quote! {
                fn update(&self, context: &Context<'_>, stats: &Stats, globals: &mut Globals, block: usize, notes: &mut Notes) -> Result<(), Error> {
                    self.update_block(&context.sizes, #with_data stats, globals, block, notes)
                }
            }
        });
        let (terms, whitened) = (self.shared_terms(), self.whitened_terms());
        let (draw, log_q) = self.shared_draws();
        let nested = self.nested_fns();
        quote! {
            fn gather(&self, params: &Params, posterior: &Posterior) -> Globals {
                #gather
            }

            fn params(globals: &Globals) -> Params {
                Params { #(#names: globals.#names.clone()),* }
            }

            fn share(params: &Globals, posterior: &mut Posterior) {
                #share
            }

            const TURNS: &'static [Turn] = &[#(#turns),*];

            #nested

            #update

            fn shared_terms(&self, context: &Context<'_>, params: &Globals) -> Result<Vec<ElboTerm>, Error> {
                #open
                let mut out = Vec::new();
                #terms
                #whitened
                Ok(out)
            }

            fn draw_shared(&self, context: &Context<'_>, params: &Globals, rng: &mut ChaCha8Rng, latents: &mut Latents) -> Result<(), Error> {
                #open
                #draw
                Ok(())
            }

            fn log_shared(&self, context: &Context<'_>, params: &Globals, latents: &Latents, magnitude: &mut f64) -> Result<f64, Error> {
                #open
                let mut total = 0.0;
                #log_q
                Ok(total)
            }
        }
    }

    /// q of every shared latent from what a user gives.
    fn gather_fields(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for a in self.points() {
            let n = self.name(a);
            let depth = self.plates_of(a).len();
            let leaf = quote!(x.mean());
            let value = (0..depth).fold(leaf, |inner, _| quote!(x.iter().map(|x| #inner).collect()));
            out.extend(quote!(#n: { let x = &posterior.#n; #value },));
        }
        for a in self.random() {
            let n = self.name(a);
            if has_law(self.model, a) {
                out.extend(quote!(#n: posterior.#n.clone(),));
                continue;
            }
            let depth = self.marginal_plates(a).len();
            let event = matches!(self.model.arrays[a.0].elem.kind, ElemKind::Vector(_));
            let leaf = if self.is_vector(a) && !event {
                quote!(x.mean().iter().copied().collect())
            } else {
                quote!(x.mean())
            };
            let value = (0..depth).fold(leaf, |inner, _| quote!(x.iter().map(|x| #inner).collect()));
            out.extend(quote!(#n: { let x = &posterior.#n; #value },));
        }
        for g in self.gaussians() {
            let n = &g.field;
            out.extend(quote!(#n: Vec::new(),));
            if let Some(n) = &g.law {
                let a = self.name(g.regression.arrays[0]);
                let depth = g.regression.batch.len();
                let all = match depth {
                    0 => quote!(vec![posterior.#a.clone()]),
                    _ => {
                        let flat = (1..depth).fold(
                            quote!(x.iter().cloned()),
                            |inner, _| quote!(x.iter().flat_map(|x| #inner)),
                        );
                        quote!({ let x = &posterior.#a; #flat.collect() })
                    }
                };
                out.extend(quote!(#n: #all,));
            }
        }
        out
    }

    /// The marginals that a user sees.
    fn share_fields(&self) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for a in self.points() {
            let n = self.name(a);
            let depth = self.plates_of(a).len();
            let value = (0..depth).fold(
                quote!(Marginal::Point(x.clone())),
                |inner, _| quote!(x.iter().map(|x| #inner).collect()),
            );
            out.extend(quote!(posterior.#n = { let x = &params.#n; #value };));
        }
        for a in self.random() {
            let n = self.name(a);
            if has_law(self.model, a) {
                out.extend(quote!(posterior.#n = params.#n.clone();));
                continue;
            }
            let Some(g) = self.gaussian_of(a) else { continue };
            let Located { plates, copy, other, one, two, scale, outputs } = self.located(g.regression, a);
            let scale = scale.map(|(name, at)| quote!(&params.#name #([#at])*));
            let at = plates.iter().map(|v| scope.var(v));
            let mean = quote!(params.#n #([#at])*);
            let field = &g.field;
            let value = if let Some(law) = &g.law {
                quote!(params.#law[#copy].clone())
            } else if self.is_vector(a) {
                let length = quote!(mean.len());
                // Numbers of one vector are unknowns of one copy, or each is of its own.
                let at = quote!(&(0..#length).map(|first| #one).collect::<Vec<_>>());
                let cov = match copy.to_string() == other.to_string() {
                    true => quote!(params.#field[#copy].block(#at)),
                    false => {
                        quote!(DMatrix::from_fn(#length, #length, |first, second| if #copy == #other { params.#field[#copy].entry(#one, #two) } else { 0.0 }))
                    }
                };
                let make = match (&scale, outputs) {
                    (Some(s), true) => {
                        quote!(law::whitened_vector(mean, params.#field[#copy].entry(#one, #one), #s))
                    }
                    (Some(s), false) => quote!(law::scaled_vector(mean, &#cov, #s)),
                    (None, _) if copy.to_string() == other.to_string() => {
                        quote!(law::part(mean, &params.#field[#copy], #at))
                    }
                    (None, _) => quote!(law::vector(mean, &#cov)),
                };
                let mean = quote!(#mean.as_slice());
                quote! {{ let mean = #mean; #make }}
            } else {
                let cov = quote!(params.#field[#copy].entry(#one, #one));
                match &scale {
                    Some(s) => quote!(law::scaled_number(#mean, #cov, #s)),
                    None => quote!(law::number(#mean, #cov)),
                }
            };
            let value = plates.iter().enumerate().rev().fold(value, |inner, (n_, v)| {
                let own = plates[..n_].iter().map(|v| scope.var(v));
                let name = scope.var(v);
                quote!((0..params.#n #([#own])*.len()).map(|#name| #inner).collect::<Vec<_>>())
            });
            // Before anything is set there is no covariance to read.
            let field = g.law.as_ref().unwrap_or(field);
            let starts = self.row_starts(g.regression, &value);
            out.extend(quote!(if !params.#field.is_empty() { #starts posterior.#n = #value; }));
        }
        out
    }

    /// Where a location stands in the covariances of its block. Extents are read off the values: no sizes are at hand here.
    pub(super) fn located(&self, r: &Regression, a: ArrayId) -> Located {
        let scope = self.scope();
        let event = matches!(self.model.arrays[a.0].elem.kind, ElemKind::Vector(_));
        let plates = self.marginal_plates(a);
        let own: Vec<Ix> = plates.iter().map(Ix::var).collect();
        let inner = |i: &str| {
            let v = Var::new(i, crate::model::ir::Nominal::Literal(0), Ix::constant(0), Ix::constant(0));
            let mut indices = own.clone();
            if self.is_vector(a) {
                indices.push(Ix::var(&v));
            }
            Elem { array: a, indices }
        };
        let (first, second) = (inner("first"), inner("second"));
        let position = |e: &Elem| (self.copy_read(r, e, a), self.unknown_read(r, e, a));
        let ((copy, one), (other, two)) = (position(&first), position(&second));
        let scale = r.scale.as_ref().map(|e| {
            let mut s = e.clone();
            // The scale at this element's own copy.
            for (b, i) in self.batch_of(r, a, &first) {
                s = s.substitute(&b, &i);
            }
            (self.name(s.array), s.indices.iter().map(|i| scope.index(i)).collect())
        });
        Located { plates, copy, other, one, two, scale, outputs: r.outputs.is_some() && event }
    }

    /// Batch indices of a block at an element.
    pub(super) fn batch_of(&self, r: &Regression, a: ArrayId, e: &Elem) -> Vec<(Var, Ix)> {
        let Some(own) = self.stands(r, a) else { return vec![] };
        r.batch
            .iter()
            .filter_map(|b| {
                let axis = own.indices.iter().position(|i| i.as_var() == Some(b))?;
                Some((b.clone(), e.indices.get(axis)?.clone()))
            })
            .collect()
    }

    /// The copy an element belongs to, its extents read off the values.
    pub(super) fn copy_read(&self, r: &Regression, e: &Elem, a: ArrayId) -> TokenStream {
        let scope = self.scope();
        let mut out: Option<TokenStream> = None;
        for (b, i) in self.batch_of(r, a, e) {
            let i = scope.index(&i);
            out = Some(match out {
                None => i,
                Some(o) => {
                    let high = self.extent_read(r, a, &b);
                    quote!((#o) * #high + #i)
                }
            });
        }
        out.unwrap_or_else(|| quote!(0))
    }

    fn extent_read(&self, r: &Regression, a: ArrayId, b: &Var) -> TokenStream {
        let axis = self.stands(r, a).and_then(|o| o.indices.iter().position(|i| i.as_var() == Some(b)));
        let n = self.name(a);
        let depth = axis.unwrap_or(0);
        let zeros = (0..depth).map(|_| quote!([0]));
        quote!(params.#n #(#zeros)*.len())
    }

    /// Fields of the globals before anything is known of them.
    pub(super) fn unset_shapes(&self) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for a in self.points() {
            let (n, v) = (self.name(a), self.neutral_value(a));
            out.extend(quote!(#n: #v,));
        }
        for a in self.random() {
            let n = self.name(a);
            let v = if has_law(self.model, a) {
                let plates = self.plates_of(a);
                self.nest(&plates, quote!(Marginal::Unset))
            } else {
                self.neutral_value(a)
            };
            out.extend(quote!(#n: #v,));
        }
        for g in self.gaussians() {
            let n = &g.field;
            let copies = self.copies(&scope, g.regression);
            let (_, total) = self.unknowns(&scope, g.regression);
            let names: Vec<String> = g.regression.arrays.iter().map(|a| self.name(*a).to_string()).collect();
            let (names, whole) = (names.join(", "), self.takes_all(&g));
            let none = match !whole && super::filled::chain_of(g.regression).is_some() {
                true => quote!(SharedCovariance::of_neighbours(#names, #total, context.budget)?),
                false => quote!(SharedCovariance::none(#names, #total, context.budget, #whole)?),
            };
            // Copies of different sizes are made one by one.
            let apart = g.regression.arrays.iter().flat_map(|a| self.axes_within(g.regression, *a));
            let apart = apart.into_iter().any(|v| g.regression.batch.iter().any(|b| v.high.mentions(b)));
            if apart {
                let push = scope.loops(&g.regression.batch, quote!(all.push(#none);));
                out.extend(quote!(#n: {
                    let mut all = Vec::with_capacity(#copies);
                    #push
                    all
                },));
            } else {
                out.extend(quote!(#n: vec![#none; #copies],));
            }
            if let Some(n) = &g.law {
                out.extend(quote!(#n: vec![Marginal::Unset; #copies],));
            }
        }
        out
    }

    /// Values of the shared latents as points.
    pub(super) fn shared_values(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for a in self.points().into_iter().chain(self.random()) {
            let n = self.name(a);
            let array = &self.model.arrays[a.0];
            let stacked = is_random(self.model, a)
                && !has_law(self.model, a)
                && self.is_vector(a)
                && !matches!(array.elem.kind, ElemKind::Vector(_));
            let depth = array.plates.len();
            let value = if stacked {
                quote!(Marginal::Point(DVector::from_column_slice(x)))
            } else {
                (0..depth).fold(
                    quote!(Marginal::Point(x.clone())),
                    |inner, _| quote!(x.iter().map(|x| #inner).collect()),
                )
            };
            let unset = self.is_unset(a, quote!(latents.#n));
            out.extend(quote!(if !#unset { posterior.#n = { let x = &latents.#n; #value }; }));
        }
        out
    }

    /// Params and points as globals, for checks of values.
    pub(super) fn gather_points(&self) -> TokenStream {
        if !self.has_globals() {
            return TokenStream::new();
        }
        let params = self.params().into_iter().map(|a| {
            let n = self.name(a);
            quote!(#n: params.#n.clone())
        });
        let points = self.points().into_iter().map(|a| {
            let n = self.name(a);
            quote!(#n: latents.#n.clone())
        });
        let rest = (!self.random().is_empty()).then(|| quote!(..Globals::default()));
        quote! {
            fn gather_points(params: &Params, latents: &Latents) -> Globals {
                Globals { #(#params,)* #(#points,)* #rest }
            }
        }
    }

    /// Whether a role's values are latents that all units share.
    pub(super) fn is_shared_latent(&self, a: ArrayId) -> bool {
        is_param(self.model, a)
            && self.model.arrays[a.0].pieces.iter().any(|p| self.model.statements[p.0].role == Role::Latent)
    }
}

pub(super) fn spelt(law: &Law) -> TokenStream {
    let path = law.path.iter().map(|part| format_ident!("{part}"));
    let lifetime = law.borrows.then(|| quote!(<'static>));
    quote!(#(#path)::* #lifetime)
}

/// The law of a location that is kept within an interval.
fn cut_law() -> TokenStream {
    quote!(dist::TruncatedNormal)
}
