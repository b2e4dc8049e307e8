//! The plain structs a user holds: `Model`, `Data`, `Params`, `Latents`, `Posterior`.

use super::Emitter;
use crate::model::ir::{ArrayId, ElemKind, IndexTerm, Role, SizeSource};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// How the values of a data array are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    Scalar,
    One,
    Two,
    RaggedOne,
    RaggedTwo,
}

impl Emitter<'_> {
    pub fn ids(&self, pick: impl Fn(&Role) -> bool) -> Vec<ArrayId> {
        (0..self.model.arrays.len())
            .map(ArrayId)
            .filter(|a| {
                let array = &self.model.arrays[a.0];
                if array.pieces.is_empty() {
                    pick(&array.role)
                } else {
                    array.pieces.iter().any(|p| pick(&self.model.statements[p.0].role))
                }
            })
            .collect()
    }

    pub fn consts(&self) -> Vec<ArrayId> {
        self.ids(|r| *r == Role::Const)
    }

    pub fn data(&self) -> Vec<ArrayId> {
        let mut all = self.ids(|r| matches!(r, Role::Given | Role::Observed));
        // In the order in which they are declared.
        all.sort_by_key(|a| self.model.arrays[a.0].data_of.unwrap_or(*a));
        all
    }

    pub fn params(&self) -> Vec<ArrayId> {
        self.ids(|r| *r == Role::Param)
    }

    /// `f64`, `DVector`, `DMatrix`, and `Vec` around it for each plate.
    pub fn owned(&self, a: ArrayId) -> TokenStream {
        let array = &self.model.arrays[a.0];
        let inner = match array.elem.kind {
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit => quote!(f64),
            ElemKind::Bool => quote!(bool),
            ElemKind::Count => quote!(u64),
            ElemKind::Category(_) => quote!(usize),
            ElemKind::Counts(_) => quote!(DVector<u64>),
            ElemKind::Simplex(_) | ElemKind::Ordered(_) | ElemKind::Vector(_) => quote!(DVector<f64>),
            ElemKind::Matrix(..) | ElemKind::SymPos(_) => quote!(DMatrix<f64>),
        };
        (0..array.plates.len()).fold(inner, |t, _| quote!(Vec<#t>))
    }

    /// The value that says "unset".
    pub fn unset(&self, a: ArrayId) -> TokenStream {
        let array = &self.model.arrays[a.0];
        if !array.plates.is_empty() {
            return quote!(Vec::new());
        }
        match array.elem.kind {
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit => quote!(f64::NAN),
            ElemKind::Bool => quote!(false),
            ElemKind::Count => quote!(0),
            ElemKind::Category(_) => quote!(0),
            ElemKind::Counts(_) | ElemKind::Simplex(_) | ElemKind::Ordered(_) | ElemKind::Vector(_) => {
                quote!(DVector::zeros(0))
            }
            ElemKind::Matrix(..) | ElemKind::SymPos(_) => quote!(DMatrix::zeros(0, 0)),
        }
    }

    pub fn is_unset(&self, a: ArrayId, value: TokenStream) -> TokenStream {
        let array = &self.model.arrays[a.0];
        let is_value = value.to_string().starts_with("latents");
        if array.plates.is_empty() && super::expectation::has_law(self.model, a) && !is_value {
            return quote!(#value.is_unset());
        }
        if !array.plates.is_empty() {
            return quote!(#value.is_empty());
        }
        match array.elem.kind {
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit => quote!(#value.is_nan()),
            ElemKind::Counts(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => quote!(#value.is_empty()),
            ElemKind::Bool | ElemKind::Count | ElemKind::Category(_) => quote!(false),
        }
    }

    pub fn layout(&self, a: ArrayId) -> Layout {
        let array = &self.model.arrays[a.0];
        let rank = array.plates.len() + array.elem.kind.axes().len();
        let ragged = array.plates.iter().any(|p| {
            p.length.terms.iter().any(|(_, t)| match t {
                IndexTerm::Size(_, args) => !args.is_empty(),
                IndexTerm::Bound(_) | IndexTerm::Read(_) | IndexTerm::Axis(_) => false,
            })
        });
        match (rank, ragged) {
            (0, _) => Layout::Scalar,
            (1, _) => Layout::One,
            (2, true) => Layout::RaggedOne,
            (2, false) => Layout::Two,
            (_, _) => Layout::RaggedTwo,
        }
    }

    /// The borrowed view of a data array.
    pub fn view(&self, a: ArrayId) -> TokenStream {
        let array = &self.model.arrays[a.0];
        let (plural, singular, scalar) = match array.elem.kind {
            ElemKind::Category(_) => ("Categories", "Category", quote!(usize)),
            ElemKind::Count | ElemKind::Counts(_) => ("Counts", "Count", quote!(u64)),
            ElemKind::Bool => ("Bools", "Bool", quote!(bool)),
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => ("Reals", "Real", quote!(f64)),
        };
        let name = match self.layout(a) {
            Layout::Scalar => return if array.missing { quote!(Option<#scalar>) } else { scalar },
            Layout::One => plural.to_string(),
            Layout::Two => format!("{singular}Rows"),
            Layout::RaggedOne => format!("Ragged{plural}"),
            Layout::RaggedTwo => format!("Ragged{singular}Rows"),
        };
        let name = if array.missing { format_ident!("Partial{name}") } else { format_ident!("{name}") };
        quote!(data::#name<'a>)
    }

    pub fn borrows(&self) -> bool {
        self.data().iter().any(|a| self.layout(*a) != Layout::Scalar)
    }

    /// `Data<'_>` or `Data`.
    pub fn data_type(&self, lifetime: TokenStream) -> TokenStream {
        if self.borrows() { quote!(Data<#lifetime>) } else { quote!(Data) }
    }

    /// Header sizes, with the default of those that have one.
    pub fn header_sizes(&self) -> Vec<(Ident, Option<TokenStream>)> {
        self.model
            .sizes
            .iter()
            .filter_map(|s| {
                s.sources.iter().find_map(|source| match source {
                    SizeSource::Header { default } => Some((
                        s.name.clone(),
                        default.as_ref().map(|d| {
                            let ix = crate::density::symbol::length(d, &[]);
                            self.scope().index(&ix)
                        }),
                    )),
                    SizeSource::Axis { .. }
                    | SizeSource::Value { .. }
                    | SizeSource::LargestCategory { .. } => None,
                })
            })
            .collect()
    }

    pub fn structs(&self) -> TokenStream {
        let model = self.model_struct();
        let data = self.data_struct();
        let params = self.params_struct();
        let latents = self.latents_struct();
        let posterior = self.posterior_struct();
        let lets = self.lets_struct();
        let globals = self.globals_struct();
        let imputed = self.imputed_struct();
        quote!(#model #data #params #latents #posterior #imputed #globals #lets)
    }

    fn model_struct(&self) -> TokenStream {
        let sizes = self.header_sizes();
        let size_fields = sizes.iter().map(|(n, _)| {
            let doc = format!(" The size {n}.");
            quote!(#[doc = #doc] pub #n: usize)
        });
        let consts = self.consts();
        let const_fields = consts.iter().map(|a| {
            let (n, t) = (self.name(*a), self.owned(*a));
            let doc = format!(" The constant {n}.");
            quote!(#[doc = #doc] pub #n: #t)
        });
        let required_sizes: Vec<_> =
            sizes.iter().filter(|(_, d)| d.is_none()).map(|(n, _)| n.clone()).collect();
        let required: Vec<_> =
            consts.iter().copied().filter(|a| self.model.arrays[a.0].default.is_none()).collect();
        let required_args =
            required_sizes.iter().map(|n| quote!(#n: usize)).chain(required.iter().map(|a| {
                let (n, t) = (self.name(*a), self.owned(*a));
                quote!(#n: #t)
            }));
        let defaults = sizes.iter().filter_map(|(n, d)| d.as_ref().map(|d| quote!(let #n = #d;))).chain(
            consts.iter().filter_map(|a| {
                let e = self.model.arrays[a.0].default.as_ref()?;
                let n = self.name(*a);
                let lower = crate::density::lower::Lower::new(self.model);
                let value = lower.component(e, &[]).ok()?;
                let value = self.scope().spell_consts_bare().poly(&value);
                Some(match self.model.arrays[a.0].elem.kind {
                    ElemKind::Count => quote!(let #n = (#value) as u64;),
                    _ => quote!(let #n: f64 = #value;),
                })
            }),
        );
        let serde: Vec<_> = sizes
            .iter()
            .map(|(n, _)| quote!(#n: usize))
            .chain(consts.iter().map(|a| {
                let (n, t) = (self.name(*a), self.owned(*a));
                quote!(#n: #t)
            }))
            .collect();
        let names: Vec<_> =
            sizes.iter().map(|(n, _)| n.clone()).chain(consts.iter().map(|a| self.name(*a))).collect();
        let size_setters = sizes.iter().map(|(n, _)| {
            let doc = format!(" Sets the size {n}.");
            quote! {
                #[doc = #doc]
                #[must_use]
                pub fn #n(mut self, #n: usize) -> Self {
                    self.#n = #n;
                    self
                }
            }
        });
        let const_setters = consts.iter().map(|a| {
            let (n, t) = (self.name(*a), self.owned(*a));
            let doc = format!(" Sets the constant {n}.");
            quote! {
                #[doc = #doc]
                #[must_use]
                pub fn #n(mut self, #n: #t) -> Self {
                    self.#n = #n;
                    self
                }
            }
        });
        let default_impl = if required_sizes.is_empty() && required.is_empty() {
            quote! {
                impl Default for Model {
                    fn default() -> Self {
                        Model::new()
                    }
                }
            }
        } else {
            TokenStream::new()
        };
        quote! {
            /// Sizes and constants of the model.
            #[derive(Clone, Debug, PartialEq)]
            pub struct Model {
                #(#size_fields,)*
                #(#const_fields,)*
            }

            ::vi_core::private::serde_impls! { Model { #(#serde),* } }

            impl Model {
                /// The sizes and constants without a default, in the order of the header.
                #[must_use]
                pub fn new(#(#required_args),*) -> Self {
                    #(#defaults)*
                    Model { #(#names),* }
                }
                #(#size_setters)*
                #(#const_setters)*
            }
            #default_impl
        }
    }

    fn data_struct(&self) -> TokenStream {
        let fields = self.data().into_iter().map(|a| {
            let (n, t) = (self.name(a), self.view(a));
            let docs = self.array_docs(a);
            quote!(#docs pub #n: #t)
        });
        let data = self.data_type(quote!('a));
        quote! {
            /// What is observed and what is given. Fields borrow: write `(&x).into()`.
            #[derive(Clone, Copy, Debug)]
            pub struct #data {
                #(#fields,)*
            }
        }
    }

    /// The user's words on an array, or its declaration.
    fn array_docs(&self, a: ArrayId) -> TokenStream {
        let array = &self.model.arrays[a.0];
        if array.docs.is_empty() {
            let doc = format!(" `{}`", self.declaration(a));
            return quote!(#[doc = #doc]);
        }
        let docs = &array.docs;
        quote!(#(#docs)*)
    }

    /// Such as `mean[K]: Vector[D]`.
    fn declaration(&self, a: ArrayId) -> String {
        let array = &self.model.arrays[a.0];
        let extent = |x: &crate::model::ir::Extent| self.extent_text(x);
        let plates: Vec<_> = array.plates.iter().map(extent).collect();
        let plates = if plates.is_empty() { String::new() } else { format!("[{}]", plates.join(", ")) };
        let kind = match &array.elem.kind {
            ElemKind::Real => "Real".into(),
            ElemKind::Positive => "Positive".into(),
            ElemKind::Unit => "Unit".into(),
            ElemKind::Bool => "Bool".into(),
            ElemKind::Count => "Count".into(),
            ElemKind::Counts(d) => format!("counts over {}", extent(d)),
            ElemKind::Category(d) => format!("Category[{}]", extent(d)),
            ElemKind::Simplex(d) => format!("Simplex[{}]", extent(d)),
            ElemKind::Ordered(d) => format!("Ordered[{}]", extent(d)),
            ElemKind::Vector(d) => format!("Vector[{}]", extent(d)),
            ElemKind::Matrix(r, c) => format!("Matrix[{}, {}]", extent(r), extent(c)),
            ElemKind::SymPos(d) => format!("SymPos[{}]", extent(d)),
        };
        format!("{}{plates}: {kind}{}", array.name, if array.missing { "?" } else { "" })
    }

    fn extent_text(&self, x: &crate::model::ir::Extent) -> String {
        use crate::model::ir::Nominal;
        match x.nominal {
            Nominal::Literal(n) => n.to_string(),
            Nominal::Size(s) => {
                let name = &self.model.sizes[s.0].name;
                match x.length.offset {
                    0 => name.to_string(),
                    o if o > 0 => format!("{name} + {o}"),
                    o => format!("{name} - {}", -o),
                }
            }
        }
    }

    fn params_struct(&self) -> TokenStream {
        let params = self.params();
        let fields = params.iter().map(|a| {
            let (n, t, docs) = (self.name(*a), self.owned(*a), self.array_docs(*a));
            quote!(#docs pub #n: #t)
        });
        let serde: Vec<_> =
            params.iter().map(|a| (self.name(*a), self.owned(*a))).map(|(n, t)| quote!(#n: #t)).collect();
        let unset = params.iter().map(|a| {
            let (n, v) = (self.name(*a), self.unset(*a));
            quote!(#n: #v)
        });
        quote! {
            /// Point estimates. A field left as `Default` gives it is unset: a fit finds it by an M-step first.
            #[derive(Clone, Debug, PartialEq)]
            pub struct Params {
                #(#fields,)*
            }

            impl Default for Params {
                fn default() -> Self {
                    Params { #(#unset),* }
                }
            }

            ::vi_core::private::serde_impls! { Params { #(#serde),* } }
        }
    }

    fn latents_struct(&self) -> TokenStream {
        let latents = self.hidden();
        let fields = latents.iter().map(|a| {
            let (n, t, docs) = (self.name(*a), self.owned(*a), self.array_docs(*a));
            quote!(#docs pub #n: #t)
        });
        let plain = quote! {
            /// Values of the latents.
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct Latents {
                #(#fields,)*
            }
        };
        if !self.has_globals() && self.model.integrated.is_empty() {
            return plain;
        }
        // Numbers that are not set must not look like zeros.
        let fields = latents.iter().map(|a| {
            let (n, t, docs) = (self.name(*a), self.owned(*a), self.array_docs(*a));
            quote!(#docs pub #n: #t)
        });
        let unset = latents.iter().map(|a| {
            let (n, v) = (self.name(*a), self.unset(*a));
            quote!(#n: #v)
        });
        quote! {
            /// Values of the latents.
            #[derive(Clone, Debug, PartialEq)]
            pub struct Latents {
                #(#fields,)*
            }

            impl Default for Latents {
                fn default() -> Self {
                    Latents { #(#unset),* }
                }
            }
        }
    }

    /// `Categories`, `Vec<Categories>` …: the last index of a category array is inside.
    pub fn posterior_type(&self, a: ArrayId) -> TokenStream {
        if self.model.integrated.contains(&a) {
            return self.integrated_type(a);
        }
        if self.is_shared_latent(a) || crate::kernel::is_unit_normal(self.model, a) {
            return self.shared_posterior_type(a);
        }
        let plates = self.model.arrays[a.0].plates.len();
        (1..plates).fold(quote!(Categories), |t, _| quote!(Vec<#t>))
    }

    fn posterior_struct(&self) -> TokenStream {
        let hidden = self.hidden();
        let fields = hidden.iter().map(|a| {
            let (n, t) = (self.name(*a), self.posterior_type(*a));
            let doc = format!(" q({n})");
            quote!(#[doc = #doc] pub #n: #t)
        });
        let joint: Vec<_> = self
            .kernel
            .components
            .iter()
            .filter_map(|c| {
                Some((self.joint_field(c)?, self.posterior_type(c.own_local().unwrap_or(&c.locals[0]).array)))
            })
            .collect();
        let joint_fields = joint.iter().map(|(n, t)| quote!(#[doc(hidden)] pub #n: #t));
        let paths: Vec<_> = self.trajectories().map(|(_, c, n)| (n, self.trajectory_type(c))).collect();
        let path_fields =
            paths.iter().map(|(n, t)| quote!(#[doc = " The joint law along each sequence."] pub #n: #t));
        let imputed = self.imputed().into_iter().map(|a| {
            let (n, t) = (self.name(a), self.imputed_type(a));
            let doc = format!(" What is said of elements of `{n}` that are missing.");
            quote!(#[doc = #doc] pub #n: #t)
        });
        let serde: Vec<_> = hidden
            .iter()
            .map(|a| (self.name(*a), self.posterior_type(*a)))
            .chain(joint.iter().cloned())
            .chain(paths.iter().cloned())
            .chain(self.imputed().into_iter().map(|a| (self.name(a), self.imputed_type(a))))
            .map(|(n, t)| quote!(#n: #t))
            .collect();
        let choices = self.choices();
        quote! {
            /// One q for each latent.
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct Posterior {
                #(#fields,)*
                #(#imputed,)*
                #(#joint_fields,)*
                #(#path_fields,)*
            }

            #choices

            ::vi_core::private::serde_impls! { Posterior { #(#serde),* } }
        }
    }

    fn lets_struct(&self) -> TokenStream {
        let fields = self.reported().into_iter().map(|l| {
            let (n, t) = (self.model.lets[l].name.clone(), self.let_type(l));
            let doc = format!(" The value of `{n}`.");
            quote!(#[doc = #doc] pub #n: #t)
        });
        let serde: Vec<_> = self
            .reported()
            .into_iter()
            .map(|l| (self.model.lets[l].name.clone(), self.let_type(l)))
            .map(|(n, t)| quote!(#n: #t))
            .collect();
        quote! {
            /// Reported `let`s, at the params of the fit.
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct Lets {
                #(#fields,)*
            }

            ::vi_core::private::serde_impls! { Lets { #(#serde),* } }
        }
    }
}
