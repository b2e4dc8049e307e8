//! Ancestral sampling, and where its draws are kept.

use super::Emitter;
use super::direct::Use;
use super::types::Layout;
use super::unmet::unmet;
use crate::density::symbol::{Ix, Var, length};
use crate::model::ir::{ArrayId, Dist, ElemKind, Extent, Index, IndexTerm, Role};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Why no data are drawn: what conditions or repeats has no order in which to draw it.
    fn undrawn(&self) -> Option<String> {
        let improper = |d: &Dist| match d {
            Dist::Family(c) => c.family.constructor.is_none(),
            Dist::Match { arms, .. } => arms.iter().any(|a| a.call.family.constructor.is_none()),
        };
        if !self.model.constraints.is_empty() {
            return Some("a constraint conditions its latents, which are not drawn one after another".into());
        }
        for s in &self.model.statements {
            let name = &self.model.arrays[s.array.0].name;
            if !s.repeat.is_empty() {
                return Some(format!(
                    "`{name}` is under `repeat`, which says how often data count and not what they are"
                ));
            }
            if s.dist.as_ref().is_some_and(improper) {
                return Some(format!("the law of `{name}` is one that nothing is drawn from"));
            }
        }
        let loose = |a: &ArrayId| self.layout(*a) == Layout::RaggedTwo && !self.is_kept(*a);
        self.observed().into_iter().find(loose).map(|a| {
            let name = self.name(a);
            format!("draws of `{name}` are no rows of one width for each sequence")
        })
    }

    /// A `simulate` that nothing can use.
    fn draws_nothing(&self, label: &str) -> TokenStream {
        let data = self.data_type(quote!('_));
        let is_drawn = unmet(&format_ident!("IsDrawn"), "no data are drawn from this model", label, &[]);
        quote! {
            const _: () = {
                #is_drawn

                impl Model {
                    #[doc(hidden)]
                    pub fn simulate(&self, _params: &Params, _data: &#data, _seed: u64) -> Result<::std::convert::Infallible, Error>
                    where
                        for<'a> &'a Model: IsDrawn,
                    {
                        Ok(IsDrawn::never(self))
                    }
                }
            };
        }
    }

    /// `fn simulate`, where nothing conditions or repeats.
    pub fn simulate(&self) -> TokenStream {
        if let Some(why) = self.undrawn() {
            return self.draws_nothing(&why);
        }
        let observed: Vec<ArrayId> = self.observed();
        let fields = observed.iter().map(|a| {
            let (n, t) = (self.name(*a), self.store(*a));
            let doc = format!(" Drawn values of `{n}`.");
            quote!(#[doc = #doc] pub #n: #t)
        });
        let make = observed.iter().map(|a| {
            let n = self.name(*a);
            let empty = self.empty_store(*a);
            quote!(let mut #n = #empty;)
        });
        let latents = self.hidden();
        let make_latents = latents.iter().map(|a| {
            let n = self.name(*a);
            let (plates, kind) = self.model_axes(*a);
            let empty = self.scope_filled(&plates, kind);
            quote!(#n: #empty)
        });
        let mut draws = TokenStream::new();
        for id in &self.model.order {
            let s = &self.model.statements[id.0];
            if matches!(s.role, Role::Observed | Role::Latent) && s.dist.is_some() {
                draws.extend(self.statement(s, Use::Draw));
            }
        }
        let names: Vec<_> = observed.iter().map(|a| self.name(*a)).collect();
        let views = observed.iter().map(|a| {
            let n = self.name(*a);
            if self.layout(*a) == Layout::Scalar {
                if self.model.arrays[a.0].missing { quote!(#n: Some(self.#n)) } else { quote!(#n: self.#n) }
            } else {
                quote!(#n: (&self.#n).into())
            }
        });
        let data = self.data_type(quote!('a));
        let data_out = self.data_type(quote!('_));
        let open = self.open();
        let lifetime = if self.borrows() { quote!(<'a>) } else { quote!() };
        let elided = if self.borrows() { quote!(<'_>) } else { quote!() };
        let validate = if self.has_globals() {
            quote! {
                let globals = self.neutral(&context, &Self::gather_points(params, &Latents::default()))?;
                self.validate(&context, &globals)?;
            }
        } else {
            quote!(self.validate(&context, params)?;)
        };
        let rest = if observed.len() == self.data().len() { quote!() } else { quote!(, ..self.given) };
        quote! {
            /// Data and latents drawn from the model.
            #[derive(Clone, Debug)]
            pub struct Simulated #lifetime {
                /// The givens that were drawn under.
                pub given: #data,
                #(#fields,)*
                /// The latents behind the data.
                pub latents: Latents,
            }

            impl Simulated #elided {
                /// The draw as data, with the givens it was made under.
                #[must_use]
                pub fn data(&self) -> #data_out {
                    Data { #(#views),* #rest }
                }
            }

            impl Model {
                /// Draws latents and observations, in the order in which they depend on one another. Observed arrays in `data` say only how
                /// many there are: pass `Absent`.
                ///
                /// # Errors
                /// Sizes that disagree, and params outside their bounds.
                pub fn simulate #lifetime (&self, params: &Params, data: &#data, seed: u64) -> Result<Simulated #lifetime, Error> {
                    let given = *data;
                    let context = self.context(data, params, &Options::new())?;
                    #validate
                    #open
                    let mut latents = Latents { #(#make_latents),* };
                    #(#make)*
                    #draws
                    Ok(Simulated { given, #(#names,)* latents })
                }
            }
        }
    }

    /// Whether draws of an array of three indices are a matrix of one width for each sequence.
    fn is_kept(&self, a: ArrayId) -> bool {
        let array = &self.model.arrays[a.0];
        let kind = &array.elem.kind;
        match array.plates.as_slice() {
            [_, _] => kind.axes().len() == 1,
            [_, _, width] => {
                let within = |i: &Index| i.terms.iter().any(|(_, t)| matches!(t, IndexTerm::Axis(1)));
                let varies = width.length.terms.iter().any(|(_, t)| match t {
                    IndexTerm::Size(_, at) => at.iter().any(within),
                    IndexTerm::Bound(_) | IndexTerm::Read(_) | IndexTerm::Axis(_) => false,
                });
                kind.axes().is_empty() && !varies
            }
            _ => false,
        }
    }

    pub fn observed(&self) -> Vec<ArrayId> {
        self.ids(|r| *r == Role::Observed)
    }

    pub(super) fn model_axes(&self, a: ArrayId) -> (Vec<Var>, &ElemKind) {
        (self.plates_of(a), &self.model.arrays[a.0].elem.kind)
    }

    pub(super) fn scope_filled(&self, plates: &[Var], kind: &ElemKind) -> TokenStream {
        let scope = self.scope();
        let at: Vec<Ix> = plates.iter().map(Ix::var).collect();
        let extent = |x: &Extent| scope.index(&length(&x.length, &at));
        let zero = match kind {
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit => quote!(0.0),
            ElemKind::Bool => quote!(false),
            ElemKind::Count | ElemKind::Category(_) => quote!(0),
            ElemKind::Counts(d) | ElemKind::Simplex(d) | ElemKind::Ordered(d) | ElemKind::Vector(d) => {
                let d = extent(d);
                quote!(DVector::zeros(#d))
            }
            ElemKind::Matrix(r, c) => {
                let (r, c) = (extent(r), extent(c));
                quote!(DMatrix::zeros(#r, #c))
            }
            ElemKind::SymPos(d) => {
                let d = extent(d);
                quote!(DMatrix::zeros(#d, #d))
            }
        };
        plates.iter().rev().fold(zero, |inner, v| {
            let (n, high) = (scope.var(v), scope.index(&v.high));
            let inner_uses = inner.to_string().contains(&n.to_string());
            let n = if inner_uses { quote!(#n) } else { quote!(_) };
            quote!((0..#high).map(|#n| #inner).collect::<Vec<_>>())
        })
    }

    pub(super) fn element_type(&self, a: ArrayId) -> TokenStream {
        match self.model.arrays[a.0].elem.kind {
            ElemKind::Bool => quote!(bool),
            ElemKind::Count | ElemKind::Counts(_) => quote!(u64),
            ElemKind::Category(_) => quote!(usize),
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => quote!(f64),
        }
    }

    /// How simulated data are kept.
    pub(super) fn store(&self, a: ArrayId) -> TokenStream {
        let t = self.element_type(a);
        match self.layout(a) {
            Layout::Scalar => t,
            Layout::One => quote!(Vec<#t>),
            Layout::Two => quote!(DMatrix<#t>),
            Layout::RaggedOne => quote!(Vec<Vec<#t>>),
            Layout::RaggedTwo => quote!(Vec<DMatrix<#t>>),
        }
    }

    pub(super) fn empty_store(&self, a: ArrayId) -> TokenStream {
        let t = self.element_type(a);
        let zero = match t.to_string().as_str() {
            "bool" => quote!(false),
            "f64" => quote!(0.0),
            _ => quote!(0),
        };
        let scope = self.scope();
        let array = &self.model.arrays[a.0];
        let mut vars = self.plates_of(a);
        for x in array.elem.kind.axes() {
            let at: Vec<Ix> = vars.iter().map(Ix::var).collect();
            let name = format!("i{}", vars.len());
            vars.push(Var::new(name, x.nominal, Ix::constant(0), length(&x.length, &at)));
        }
        let first = vars.first().map(|v| scope.var(v));
        let high: Vec<_> = vars.iter().map(|v| scope.index(&v.high)).collect();
        match self.layout(a) {
            Layout::Scalar => zero,
            Layout::One => {
                let n = &high[0];
                quote!(vec![#zero; #n])
            }
            Layout::Two => {
                let (n, d) = (&high[0], &high[1]);
                quote!(DMatrix::from_element(#n, #d, #zero))
            }
            Layout::RaggedOne => {
                let (s, t) = (&high[0], &high[1]);
                quote!((0..#s).map(|#first| vec![#zero; #t]).collect::<Vec<_>>())
            }
            Layout::RaggedTwo => {
                let (s, t, d) = (&high[0], &high[1], &high[2]);
                quote!((0..#s).map(|#first| DMatrix::from_element(#t, #d, #zero)).collect::<Vec<_>>())
            }
        }
    }

    /// A place in the simulated data.
    pub(super) fn stored(&self, a: ArrayId, at: &[TokenStream]) -> TokenStream {
        let n = self.name(a);
        match (self.layout(a), at) {
            (Layout::Scalar, _) => quote!(#n),
            (Layout::One, [i]) => quote!(#n[#i]),
            (Layout::Two, [i, j]) => quote!(#n[(#i, #j)]),
            (Layout::RaggedOne, [i, j]) => quote!(#n[#i][#j]),
            (Layout::RaggedTwo, [i, j, k]) => quote!(#n[#i][(#j, #k)]),
            (Layout::One | Layout::Two | Layout::RaggedOne | Layout::RaggedTwo, _) => quote!(#n),
        }
    }
}
