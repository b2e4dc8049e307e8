//! What is settled when data arrive: sizes, checks, groups, gauges.

use super::Emitter;
use super::types::Layout;
use crate::density::symbol::length;
use crate::kernel::{Component, Stat, StatKind};
use crate::model::ir::{ArrayId, ElemKind, Extent, Role, SizeSource};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// `let &Sizes { K, N, .. } = &context.sizes;` and the data.
    pub fn open(&self) -> TokenStream {
        let names = self.size_patterns();
        quote! {
            let &Sizes { #(#names),* } = &context.sizes;
            let data = &context.data;
        }
    }

    pub fn size_patterns(&self) -> Vec<TokenStream> {
        let pattern = |s: &crate::model::ir::Size| {
            let n = &s.name;
            if s.over.is_empty() { quote!(#n) } else { quote!(ref #n) }
        };
        self.model.sizes.iter().map(pattern).collect()
    }

    /// The field with the positions that a map sends to each unit.
    pub fn group_field(&self, group: usize) -> Ident {
        self.own_field(format!("{}_rows", self.model.arrays[self.kernel.groups[group].0].name))
    }

    /// The field with the indices of each unit of a component.
    pub fn unit_field(&self, component: usize) -> Ident {
        let first = |c: usize| self.component_names(&self.kernel.components[c]).into_iter().next();
        let name = first(component).unwrap_or_default();
        // Pieces of one array may be components of their own.
        match (0..component).filter(|c| first(*c) == first(component)).count() {
            0 => self.own_field(format!("{name}_units")),
            n => self.own_field(format!("{name}_units_{}", n + 1)),
        }
    }

    /// A field beside the sizes, none of which may be called alike.
    pub(super) fn own_field(&self, mut name: String) -> Ident {
        while self.model.sizes.iter().any(|s| s.name == name) {
            name.push('_');
        }
        format_ident!("{name}")
    }

    pub fn context(&self) -> TokenStream {
        let size_fields = self.model.sizes.iter().map(|s| {
            let n = &s.name;
            let doc = format!(" The size {n}.");
            if s.over.is_empty() {
                quote!(#[doc = #doc] pub #n: usize)
            } else {
                quote!(#[doc = #doc] pub #n: Lengths)
            }
        });
        let data = self.data_type(quote!('a));
        let size_types = self.model.sizes.iter().map(|s| {
            let n = &s.name;
            if s.over.is_empty() { quote!(#n: usize) } else { quote!(#n: Lengths) }
        });
        let groups = (0..self.kernel.groups.len()).map(|g| {
            let n = self.group_field(g);
            let doc = format!(
                " The positions that `{}` sends to each unit.",
                self.model.arrays[self.kernel.groups[g].0].name
            );
            quote!(#[doc = #doc] pub #n: Groups)
        });
        let units = self.kernel.components.iter().enumerate().filter(|(_, c)| c.is_listed()).map(|(i, c)| {
            let n = self.unit_field(i);
            let rank = Literal::usize_unsuffixed(c.unit.len());
            let doc = format!(" The indices of each unit of `{}`.", self.component_names(c)[0]);
            quote!(#[doc = #doc] pub #n: Vec<[usize; #rank]>)
        });
        let gauges = self.gauges().map(|s| {
            let n = format_ident!("{}_gauge", s.name);
            let doc = format!(" Where `{}` are measured from.", s.name);
            quote!(#[doc = #doc] pub #n: Vec<f64>)
        });
        let patterns = self
            .pattern_fields()
            .into_iter()
            .map(|(n, _)| quote!(#[doc = " Which rows each unit has."] pub #n: Patterns,));
        let there = self
            .there_fields()
            .into_iter()
            .map(|(n, _)| quote!(#[doc = " Where the values lie that are there."] pub #n: There,));
        let expand =
            self.expands().then(|| quote!(#[doc = " Whether updates are expanded."] pub expand: bool,));
        let budget = (!self.gaussians().is_empty())
            .then(|| quote!(#[doc = " How much may be eliminated together."] pub budget: usize,));
        let draws = self.draws_field();
        let phantom = if self.borrows() {
            quote!()
        } else {
            quote!(#[doc = " No field borrows."] pub lifetime: std::marker::PhantomData<&'a ()>,)
        };
        quote! {
            /// The sizes of the data at hand.
            #[derive(Clone, Debug)]
            pub struct Sizes {
                #(#size_fields,)*
            }

            ::vi_core::private::serde_impls! { Sizes { #(#size_types),* } }

            /// Data, and what is worked out from them once.
            #[derive(Clone, Debug)]
            pub struct Context<'a> {
                /// The data.
                pub data: #data,
                /// Their sizes.
                pub sizes: Sizes,
                #(#groups,)*
                #(#units,)*
                #(#gauges,)*
                #(#patterns)*
                #(#there)*
                #expand
                #budget
                #draws
                #phantom
            }
        }
    }

    pub fn gauges(&self) -> impl Iterator<Item = &Stat> {
        self.kernel.gathered().map(|(_, s)| s).filter(|s| matches!(s.kind, StatKind::Moments { .. }))
    }

    /// How long an axis of an array of data is; plates first.
    fn data_axis(&self, a: ArrayId, axis: usize, ragged: bool) -> TokenStream {
        let n = self.name(a);
        match (self.layout(a), axis) {
            (Layout::One, _) => quote!(data.#n.len()),
            (Layout::Two, 0) => quote!(data.#n.nrows()),
            (Layout::Two, _) => quote!(data.#n.ncols()),
            (Layout::RaggedOne | Layout::RaggedTwo, 0) => quote!(data.#n.len()),
            (Layout::RaggedOne | Layout::RaggedTwo, 1) if ragged => quote!(data.#n.len_of(s)),
            // `validate_heights` holds the matrices to one height.
            (Layout::RaggedOne | Layout::RaggedTwo, 1) => {
                quote!(if data.#n.is_empty() { 0 } else { data.#n.len_of(0) })
            }
            (Layout::RaggedTwo, _) => quote!(data.#n.ncols()),
            (Layout::Scalar | Layout::RaggedOne, _) => quote!(1),
        }
    }

    /// How long an axis of a constant or a param is, once it is there.
    fn value_axis(&self, base: TokenStream, a: ArrayId, axis: usize) -> TokenStream {
        let array = &self.model.arrays[a.0];
        let plates = array.plates.len();
        if axis < plates {
            let at = (0..axis).map(|_| quote!([0]));
            return quote!(#base #(#at)*.len());
        }
        let first = (0..plates).fold(base, |b, _| quote!(#b.first()));
        let first = if plates == 0 { quote!(Some(&#first)) } else { first };
        // Nested plates: Option all the way down.
        let length = match (&array.elem.kind, axis - plates) {
            (ElemKind::Matrix(..), 1) => quote!(ncols()),
            (ElemKind::Matrix(..) | ElemKind::SymPos(_), _) => quote!(nrows()),
            (
                ElemKind::Real
                | ElemKind::Positive
                | ElemKind::Unit
                | ElemKind::Bool
                | ElemKind::Count
                | ElemKind::Counts(_)
                | ElemKind::Category(_)
                | ElemKind::Simplex(_)
                | ElemKind::Ordered(_)
                | ElemKind::Vector(_),
                _,
            ) => quote!(len()),
        };
        if plates <= 1 { quote!(#first.map_or(0, |v| v.#length)) } else { quote!(0) }
    }

    fn what(&self, a: ArrayId, axis: usize) -> &'static str {
        match (self.layout(a), axis) {
            (Layout::Two, 0) | (Layout::RaggedTwo, 1) => "rows",
            (Layout::Two, _) | (Layout::RaggedTwo, 2) => "columns",
            (Layout::One | Layout::RaggedOne, 0) | (Layout::Scalar, _) => "entries",
            (Layout::RaggedTwo, _) => "matrices",
            (Layout::One | Layout::RaggedOne, _) => "entries",
        }
    }

    /// Settles every size from its first source and compares it with the others.
    fn sizes(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for s in &self.model.sizes {
            let name = &s.name;
            let text = name.to_string();
            let mut known: Option<(TokenStream, String, &'static str)> = None;
            // A param says something only where it is set; then a later source is not asked.
            let mut soft = false;
            for source in &s.sources {
                let (length, from, what) = match source {
                    SizeSource::Header { .. } => (quote!(self.#name), text.clone(), ""),
                    SizeSource::Axis { array, axis, offset } => {
                        let raw = self.data_axis(*array, *axis, !s.over.is_empty());
                        let shifted = match *offset {
                            0 => raw,
                            o if o > 0 => {
                                let o = Literal::usize_unsuffixed(o as usize);
                                quote!(#raw + #o)
                            }
                            o => {
                                let o = Literal::usize_unsuffixed((-o) as usize);
                                quote!(#raw.saturating_sub(#o))
                            }
                        };
                        (shifted, self.model.arrays[array.0].name.to_string(), self.what(*array, *axis))
                    }
                    SizeSource::Value { array, axis } => {
                        let n = self.name(*array);
                        let is_const = self.model.arrays[array.0].role == Role::Const;
                        let base = if is_const { quote!(self.#n) } else { quote!(params.#n) };
                        let length = self.value_axis(base.clone(), *array, *axis);
                        if !is_const {
                            if known.is_some() && !soft {
                                continue;
                            }
                            let first = known.is_none();
                            soft = true;
                            if !first {
                                out.extend(quote!(let #name = if #name > 0 { #name } else { #length };));
                                continue;
                            }
                            (length, n.to_string(), "entries")
                        } else {
                            (length, n.to_string(), "entries")
                        }
                    }
                    SizeSource::LargestCategory { arrays } => {
                        if known.is_some() && !soft {
                            continue;
                        }
                        let largest = arrays.iter().map(|a| {
                            let n = self.name(*a);
                            if self.layout(*a) == Layout::Scalar {
                                quote!(data.#n + 1)
                            } else {
                                quote!(data.#n.largest().map_or(0, |v| v + 1))
                            }
                        });
                        let largest = quote!([#(#largest),*].into_iter().max().unwrap_or(0));
                        if soft {
                            out.extend(quote!(let #name = if #name > 0 { #name } else { #largest };));
                            continue;
                        }
                        (largest, String::new(), "")
                    }
                };
                if s.over.is_empty() {
                    match &known {
                        None => out.extend(quote!(let #name: usize = #length;)),
                        Some((_, first, first_what)) if first.is_empty() || *first == text => {
                            if !matches!(source, SizeSource::Header { .. }) {
                                out.extend(quote!(check::size_is(#from, #length, #what, #text, #name)?;));
                            }
                            let _ = first_what;
                        }
                        Some((_, first, first_what)) => {
                            out.extend(quote!(check::sizes_agree(#first, #name, #first_what, #from, #length, #what, #text)?;));
                        }
                    }
                } else {
                    let over = &self.model.sizes[s.over[0].0].name;
                    match &known {
                        None => out.extend(quote!(let #name: Lengths = (0..#over).map(|s| #length).collect();)),
                        Some((_, first, first_what)) => out.extend(
                            quote!(check::ragged_sizes_agree(#over, #first, |s| #name[s], #first_what, #from, |s| #length, #what, #text)?;),
                        ),
                    }
                }
                if known.is_none() {
                    known = Some((TokenStream::new(), from, what));
                }
            }
        }
        out
    }

    /// Checks every value of the data against its type.
    fn checks(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for a in self.data() {
            let array = &self.model.arrays[a.0];
            let n = self.name(a);
            let text = n.to_string();
            let plates = Literal::usize_unsuffixed(array.plates.len());
            let name = quote!(check::Name::new(#text, #plates));
            // A symmetric or partly declared array has elements that nobody reads.
            let whole = array.pieces.iter().all(|p| {
                let s = &self.model.statements[p.0];
                s.guards.is_empty()
                    && s.target.iter().all(|t| !t.terms.is_empty())
                    && s.binds.iter().all(|b| {
                        self.model.indices[b.0].low.terms.is_empty()
                            && self.model.indices[b.0].low.offset == 0
                    })
            });
            let view = match self.layout(a) {
                Layout::RaggedTwo if array.plates.len() == 1 => {
                    quote!(data.#n.validate_widths(#text)?; data.#n.validate_heights(#text)?;)
                }
                Layout::RaggedTwo => quote!(data.#n.validate_widths(#text)?;),
                Layout::Two => quote!(data.#n.validate(#text)?;),
                Layout::Scalar | Layout::One | Layout::RaggedOne => quote!(),
            };
            out.extend(view);
            let rule = match &array.elem.kind {
                ElemKind::Simplex(_) => {
                    out.extend(match self.layout(a) {
                        Layout::One => quote!(check::simplex_vector(#name, &data.#n)?;),
                        Layout::Two => quote!(check::simplex_rows(#name, &data.#n)?;),
                        Layout::Scalar | Layout::RaggedOne | Layout::RaggedTwo => quote!(),
                    });
                    continue;
                }
                ElemKind::SymPos(_) => {
                    out.extend(match self.layout(a) {
                        Layout::Two => quote!(check::positive_definite(#name, &[], &data.#n)?;),
                        Layout::RaggedTwo => quote!(for s in 0..data.#n.len() { check::positive_definite(#name, &[s], &data.#n.matrix(s))?; }),
                        Layout::Scalar | Layout::One | Layout::RaggedOne => quote!(),
                    });
                    continue;
                }
                ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..) | ElemKind::Ordered(_) => {
                    self.interval(a, quote!(check::Interval::REAL))
                }
                ElemKind::Positive => self.interval(a, quote!(check::Interval::POSITIVE)),
                ElemKind::Unit => self.interval(a, quote!(check::Interval::UNIT)),
                ElemKind::Count | ElemKind::Counts(_) => {
                    let max = array
                        .elem
                        .max
                        .as_ref()
                        .and_then(|e| self.constant(e))
                        .map_or(quote!(None), |m| quote!(Some(#m as u64)));
                    let min = array
                        .elem
                        .min
                        .as_ref()
                        .and_then(|e| self.constant(e))
                        .map_or(quote!(0), |m| quote!(#m as u64));
                    quote!(check::CountRange { min: #min, max: #max })
                }
                ElemKind::Category(extent) => {
                    if !extent
                        .length
                        .terms
                        .iter()
                        .all(|(_, t)| !matches!(t, crate::model::ir::IndexTerm::Axis(_)))
                    {
                        continue;
                    }
                    let count = self.scope().index(&length(&extent.length, &[]));
                    let size = self.scope_text(extent);
                    quote!(check::Category { size: #size, count: #count })
                }
                ElemKind::Bool => continue,
            };
            if !whole {
                continue;
            }
            out.extend(match (self.layout(a), array.missing) {
                (Layout::Scalar, false) => quote!(check::one(#name, &[], data.#n, &#rule)?;),
                (Layout::Scalar, true) => {
                    quote!(if let Some(value) = data.#n { check::one(#name, &[], value, &#rule)?; })
                }
                (Layout::One | Layout::Two | Layout::RaggedOne | Layout::RaggedTwo, _) => {
                    quote!(check::all(#name, &data.#n, &#rule)?;)
                }
            });
        }
        out
    }

    fn scope_text(&self, extent: &Extent) -> String {
        match extent.nominal {
            crate::model::ir::Nominal::Literal(n) => n.to_string(),
            crate::model::ir::Nominal::Size(s) => self.model.sizes[s.0].name.to_string(),
        }
    }

    pub(super) fn constant(&self, e: &crate::model::ir::Expr) -> Option<TokenStream> {
        let lower = crate::density::lower::Lower::new(self.model);
        let p = lower.component(e, &[]).ok()?;
        let mut fixed = true;
        p.visit_elems(&mut |x| {
            fixed &= self.model.arrays[x.array.0].role == Role::Const && x.indices.is_empty()
        });
        let value = self.scope().poly(&p);
        fixed.then(|| quote!((#value)))
    }

    /// A rule narrowed by the bounds of the type and of the statements' truncations.
    fn interval(&self, a: ArrayId, base: TokenStream) -> TokenStream {
        let array = &self.model.arrays[a.0];
        let mut rule = base;
        let mut bound = |min: &Option<crate::model::ir::Expr>, max: &Option<crate::model::ir::Expr>| {
            if let Some(m) = min.as_ref().and_then(|e| self.constant(e)) {
                rule = quote!(#rule.at_least(#m));
            }
            if let Some(m) = max.as_ref().and_then(|e| self.constant(e)) {
                rule = quote!(#rule.at_most(#m));
            }
        };
        bound(&array.elem.min, &array.elem.max);
        if let [one] = array.pieces.as_slice()
            && let Some(crate::model::ir::Dist::Family(call)) = &self.model.statements[one.0].dist
        {
            bound(&call.min, &call.max);
        }
        rule
    }

    /// What all units of a sequence share is known where there is one of them, unless a sequence has it without units.
    fn begun(&self, c: &Component) -> TokenStream {
        let scope = self.scope();
        let (Some(shared), Some((axis, outer))) = (c.lasting().next(), c.unit.split_last()) else {
            return TokenStream::new();
        };
        if self.outlasts(c) {
            return TokenStream::new();
        }
        let (name, plates) = (self.name(shared.array).to_string(), Literal::usize_unsuffixed(outer.len()));
        let (at, length) = (outer.iter().map(|v| scope.var(v)), scope.index(&axis.high));
        scope.loops(outer, quote!(check::begun(check::Name::new(#name, #plates), &[#(#at),*], #length)?;))
    }

    /// `fn context` of the program.
    pub fn context_fn(&self) -> TokenStream {
        let sizes = self.sizes();
        let checks = self.checks();
        let truncations = self.truncation_checks();
        let holes = self.hole_checks();
        let names: Vec<_> = self.model.sizes.iter().map(|s| s.name.clone()).collect();
        let groups = self.kernel.groups.iter().enumerate().map(|(g, a)| {
            let (field, map) = (self.group_field(g), self.name(*a));
            let ElemKind::Category(extent) = &self.model.arrays[a.0].elem.kind else { return quote!() };
            let n = self.scope().index(&length(&extent.length, &[]));
            quote!(let #field = Groups::of(&data.#map, #n);)
        });
        let group_fields: Vec<_> = (0..self.kernel.groups.len()).map(|g| self.group_field(g)).collect();
        let units = self.kernel.components.iter().enumerate().filter(|(_, c)| c.is_listed()).map(|(i, c)| {
            let field = self.unit_field(i);
            let at = c.unit.iter().map(|v| self.scope().var(v));
            let push = self.scope().guarded(&c.guards, quote!(#field.push([#(#at),*]);));
            let body = self.over_units(c, push);
            quote!(let mut #field = Vec::new(); #body)
        });
        let unit_fields: Vec<_> = self
            .kernel
            .components
            .iter()
            .enumerate()
            .filter(|(_, c)| c.is_listed())
            .map(|(i, _)| self.unit_field(i))
            .collect();
        // The origin at first; `gauge` moves it to where the data are.
        let gauges = self.gauges().map(|s| {
            let field = format_ident!("{}_gauge", s.name);
            quote!(let #field = Vec::new();)
        });
        let gauge_fields: Vec<_> = self.gauges().map(|s| format_ident!("{}_gauge", s.name)).collect();
        let begun = self.kernel.components.iter().map(|c| self.begun(c));
        let draws = self.draws();
        let patterns = self.pattern_fields();
        let pattern_names: Vec<_> = patterns.iter().map(|(n, _)| n.clone()).collect();
        let patterns = patterns.into_iter().map(|(n, made)| quote!(let #n = #made;));
        let expand = self.expands().then(|| quote!(, expand: options.expand));
        let budget = (!self.gaussians().is_empty()).then(|| quote!(, budget: options.budget));
        let options = if expand.is_some() || budget.is_some() { quote!(options) } else { quote!(_options) };
        let there = self.there_fields();
        let there_names: Vec<_> = there.iter().map(|(n, _)| n.clone()).collect();
        let there = there.into_iter().map(|(_, made)| made);
        let draws_field = draws.is_some().then(|| quote!(, draws));
        let phantom = if self.borrows() { quote!() } else { quote!(, lifetime: std::marker::PhantomData) };
        quote! {
            fn context<'a>(&self, data: &Self::Data<'a>, params: &Params, #options: &Options) -> Result<Self::Context<'a>, Error> {
                #sizes
                #checks
                #truncations
                #(#groups)*
                #(#units)*
                #(#begun)*
                #holes
                #(#gauges)*
                #draws
                #(#patterns)*
                #(#there)*
                let sizes = Sizes { #(#names),* };
                Ok(Context { data: *data, sizes #(, #group_fields)* #(, #unit_fields)* #(, #gauge_fields)* #(, #pattern_names)* #(, #there_names)* #expand #budget #draws_field #phantom })
            }
        }
    }
}
