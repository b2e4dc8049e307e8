//! Gaussian latents of a unit: its residual rows, their elimination, and the moments that stand where data stand. Where the rows are the same
//! from unit to unit but for their targets, they are factorised once.

use super::Emitter;
use super::coefficients::Place;
use super::rows::Pass;
use super::scope::Scope;
use crate::density::poly::{Poly, Term};
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{
    Body, Column, Component, DenseResidual, Loop, RowCase, Rows, ScalarResidual, is_unit_normal, pulled,
    reads_normals,
};
use crate::model::ir::ArrayId;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// What is written of the rows of a unit.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum RowPart {
    Whole,
    /// All but the targets: the same in all units that have the same rows.
    Coefficients,
    Targets,
    /// Which of the rows are there.
    Presence,
}

/// The mean of a latent of the unit, where code reads it.
pub(super) fn mean_name(array: &Ident, back: usize) -> Ident {
    match back {
        0 => format_ident!("{array}_mean"),
        1 => format_ident!("{array}_before_mean"),
        n => format_ident!("{array}_before_{n}_mean"),
    }
}

impl Emitter<'_> {
    /// How many numbers the Gaussian latents of a unit are.
    pub(super) fn width(&self, c: &Component) -> TokenStream {
        let sizes: Vec<_> = c.normals.iter().map(|n| self.width_of(&n.over)).collect();
        quote!(#(#sizes)+*)
    }

    fn width_of(&self, over: &[Var]) -> TokenStream {
        let scope = self.scope();
        let extents: Vec<_> = over.iter().map(|v| scope.index(&v.high)).collect();
        if extents.is_empty() { quote!(1) } else { super::product(&extents) }
    }

    /// Where the numbers of each latent begin.
    pub(super) fn normal_offsets(&self, c: &Component) -> Vec<(ArrayId, TokenStream, TokenStream)> {
        let mut before: Vec<TokenStream> = vec![];
        let mut out = vec![];
        for n in &c.normals {
            let start = if before.is_empty() { quote!(0) } else { quote!(#(#before)+*) };
            let size = self.width_of(&n.over);
            out.push((n.array, start, size.clone()));
            before.push(size);
        }
        out
    }

    /// The position of an element among the Gaussian latents of its unit.
    pub(super) fn normal_index(&self, scope: &Scope<'_>, c: &Component, e: &Elem) -> TokenStream {
        let plates = crate::kernel::depth(self.model, e.array);
        // In a step the same array stands there twice.
        let back = if c.is_chain() { crate::kernel::back(self.model, e) } else { 0 };
        let mut offsets = self.normal_offsets(c).into_iter().zip(&c.normals);
        let start = offsets.find(|(_, n)| n.array == e.array && n.back == back).map(|(x, _)| x.1);
        let start = start.unwrap_or_else(|| quote!(0));
        match e.indices.get(plates) {
            None => start,
            Some(i) => {
                let i = scope.index(i);
                if start.to_string() == "0" { i } else { quote!(#start + #i) }
            }
        }
    }

    /// Where the posterior of a unit in a state is kept.
    pub(super) fn slot(&self, c: &Component) -> TokenStream {
        if c.beside {
            return quote!(i);
        }
        let index = self.state_index(c);
        if index.to_string() == "0" { quote!(i) } else { quote!(#index * len + i) }
    }

    /// How many units and states a tile has.
    pub(super) fn slots(&self, c: &Component) -> TokenStream {
        let scope = self.scope();
        let count: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
        if count.is_empty() {
            return quote!(len);
        }
        let count = super::product(&count);
        quote!(#count * len)
    }

    pub(super) fn state_vars(&self, c: &Component) -> Vec<Var> {
        c.locals.iter().map(|l| l.state.clone()).collect()
    }

    pub(super) fn eliminate_name(&self, c: &Component) -> Ident {
        format_ident!("eliminate_{}", self.component_name(c))
    }

    /// The function that eliminates the Gaussian latents of every unit of a tile.
    pub(super) fn eliminate_fn(&self, index: usize, c: &Component) -> TokenStream {
        if !c.has_normals() || c.is_chain() {
            return TokenStream::new();
        }
        let name = self.eliminate_name(c);
        let open = self.open();
        let width = self.width(c);
        let slots = self.slots(c);
        let each = self.eliminations(index, c);
        let latents: Vec<String> =
            c.normals.iter().map(|n| self.model.arrays[n.array.0].name.to_string()).collect();
        let lines = self.lines(c.rows.iter().filter(|r| reads_normals(self.model, r)).map(|r| r.line));
        let doc = format!(
            " q({}) of every unit of a tile from its weighted residual rows, lines {lines}; what is left of them is the unit's evidence.",
            latents.join(", ")
        );
        quote! {
            #[doc = #doc]
            fn #name(&self, context: &Context<'_>, at: &Prepared, units: Range<usize>, table: &mut [f64], scratch: &mut Scratch) {
                #open
                let params = &at.params;
                let len = units.len();
                let system = &mut scratch.normals;
                system.begin(#width, #slots, 1);
                #each
            }
        }
    }

    /// The weighted rows of one statement, or a part of them.
    pub(super) fn normal_rows(&self, c: &Component, r: &Rows, part: RowPart) -> TokenStream {
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let copies = self.copies_inside(c, r);
        let weighted = !copies.is_empty();
        let weight = weighted.then(|| {
            let copies = super::product(&copies.iter().map(|e| scope.elem(e)).collect::<Vec<_>>());
            quote!(let copies = #copies;)
        });
        let event_inside = r.cases.iter().any(|c| matches!(&c.body, Body::Scalar(s) if s.event.is_some()));
        let whole = self.model.arrays[r.target.array.0].elem.kind.axes().is_empty();
        let body = if r.missing && !event_inside && whole {
            let raw = scope.raw(&r.target);
            let body = self
                .if_there(&scope, &r.target, part, |scope| self.normal_cases(scope, c, r, (part, weighted)));
            if part == RowPart::Presence {
                self.presence(&scope, r, None, &raw)
            } else {
                quote!(#weight #body)
            }
        } else {
            let body = self.normal_cases(&scope, c, r, (part, weighted));
            quote!(#weight #body)
        };
        let looped = self.wrap(r, body, false);
        let end = (part == RowPart::Presence).then(|| quote!(rows.push(usize::MAX);));
        self.unless_absent(r, quote!(#looped #end))
    }

    /// Notes the place of a row that is there.
    fn presence(&self, scope: &Scope<'_>, r: &Rows, event: Option<&Var>, raw: &TokenStream) -> TokenStream {
        let loops = r.loops.iter().map(|l| match l {
            Loop::Range(v) | Loop::Members { var: v, .. } => v,
        });
        let at: Vec<Ident> = loops.chain(event).map(|v| scope.var(v)).collect();
        let note = match at.as_slice() {
            [] => quote!(rows.push(0);),
            [one] => quote!(rows.push(#one);),
            many => quote!(rows.extend([#(#many),*]);),
        };
        quote!(if #raw.is_some() { #note })
    }

    /// A body for an element that may be missing. Where its value is not read, only whether it is there matters.
    fn if_there(
        &self,
        scope: &Scope<'_>,
        e: &Elem,
        part: RowPart,
        body: impl Fn(&Scope<'_>) -> TokenStream,
    ) -> TokenStream {
        let local = self.name(e.array);
        let raw = scope.raw(e);
        scope.value.replace(Some((e.clone(), quote!(#local))));
        let body = body(scope);
        scope.value.replace(None);
        match part {
            RowPart::Coefficients => quote!(if #raw.is_some() { #body }),
            RowPart::Whole | RowPart::Targets | RowPart::Presence => {
                quote!(if let Some(#local) = #raw { #body })
            }
        }
    }

    fn normal_cases(&self, scope: &Scope<'_>, c: &Component, r: &Rows, part: (RowPart, bool)) -> TokenStream {
        let inside = self.chain(scope, r, |case| self.normal_case(scope, c, r, case, part));
        self.bind_cells(scope, Some(c), r, inside)
    }

    fn normal_case(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        r: &Rows,
        case: &RowCase,
        (part, weighted): (RowPart, bool),
    ) -> TokenStream {
        match &case.body {
            Body::Scalar(s) => self.scalar_normal(scope, c, r, s, (part, weighted)),
            Body::Dense(d) if r.missing => self.gapped_normal(scope, c, r, d, weighted),
            Body::Dense(d) => self.dense_normal(scope, c, d, weighted),
            Body::Terms(_) | Body::Equal { .. } => TokenStream::new(),
        }
    }

    /// Fills a new row: the coefficients of the latents, and the target less what is known of the mean.
    pub(super) fn fill_normal(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        rho: &Poly,
        part: RowPart,
    ) -> TokenStream {
        let width = self.width(c);
        let mut target = Poly::zero();
        let mut some_known = false;
        let mut coefficients = TokenStream::new();
        for t in &rho.0 {
            let Some((e, rest)) = pulled(self.model, t) else {
                target = target.add(&Poly(vec![t.clone()]));
                continue;
            };
            let at = self.normal_index(scope, c, &e);
            let rest = Poly(vec![Term { guard: vec![], ..rest }]);
            let value = scope.poly(&rest.scale(-1.0));
            let mut write = quote!(row[#at] += #value;);
            if let Some(data) = self.data_of(&e).filter(|data| !rho.mentions_array(data.array)) {
                let raw = scope.raw(&data);
                some_known = true;
                write = quote! {
                    match #raw {
                        Some(known) => row[#width] -= #value * known,
                        None => { #write }
                    }
                };
            }
            let write = scope.guarded(&t.guard, write);
            coefficients.extend(scope.loops(&t.sums, write));
        }
        let target = scope.poly(&target);
        match part {
            RowPart::Whole if some_known => quote! {
                let row = system.row();
                row[#width] = #target;
                #coefficients
            },
            RowPart::Whole => quote! {
                let row = system.row();
                #coefficients
                row[#width] = #target;
            },
            RowPart::Coefficients => quote! {
                let row = system.row();
                #coefficients
            },
            RowPart::Targets => quote!(system.target(#target);),
            RowPart::Presence => TokenStream::new(),
        }
    }

    fn scalar_normal(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        r: &Rows,
        s: &ScalarResidual,
        (part, weighted): (RowPart, bool),
    ) -> TokenStream {
        let body = |scope: &Scope<'_>| {
            let fill = self.fill_normal(scope, c, &s.rho, part);
            if self.kernel.is_known_in_unit(r.statement) {
                return quote!(#fill system.known(););
            }
            let mut lambda: Vec<TokenStream> = vec![];
            if weighted {
                lambda.push(quote!(copies));
            }
            let weight = self.unscaled_weight(c, s);
            if weight.as_number() != Some(1.0) {
                lambda.push(scope.grouped(&weight));
            }
            let mut half = quote!(0.0);
            if s.precision.as_number() != Some(1.0) {
                lambda.push(self.hoisted_poly(scope, &s.precision));
                let log = crate::kernel::half_log(self.model, &s.precision);
                let log = self.hoisted_poly(scope, &log);
                half = if weighted { quote!(copies * #log) } else { log };
            }
            // What a case that a state decides has besides its squares is no constant.
            let (plain, scales) = self.unscaled_terms(scope, c, &s.normaliser);
            let more = self.value_poly(&plain);
            if !more.is_zero() {
                let more = scope.grouped(&more);
                half = if weighted { quote!(#half + copies * #more) } else { quote!(#half + #more) };
            }
            let lambda = if lambda.is_empty() { quote!(1.0) } else { super::product(&lambda) };
            let uncertain = || {
                let place = Place { component: c, collapse: None };
                self.uncertain_row(scope, place, s, weighted)
            };
            match part {
                RowPart::Whole => {
                    let uncertain = uncertain();
                    quote!(#fill system.weigh(#lambda, #half); #uncertain #scales)
                }
                RowPart::Coefficients => {
                    let uncertain = uncertain();
                    quote!(#fill system.weigh_pattern(#lambda, #half); #uncertain)
                }
                RowPart::Targets | RowPart::Presence => fill,
            }
        };
        let Some(d) = &s.event else { return body(scope) };
        let inner = if r.missing {
            let mut indices = r.target.indices.clone();
            indices.push(Ix::var(d));
            let target = Elem { array: r.target.array, indices };
            if part == RowPart::Presence {
                self.presence(scope, r, Some(d), &scope.raw(&target))
            } else {
                self.if_there(scope, &target, part, body)
            }
        } else {
            body(scope)
        };
        scope.loops(std::slice::from_ref(d), inner)
    }

    fn dense_normal(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        d: &DenseResidual,
        weighted: bool,
    ) -> TokenStream {
        let fill = self.fill_normal(scope, c, &d.rho, RowPart::Whole);
        let rows = scope.loops(std::slice::from_ref(&d.event), fill);
        let (field, at) = (self.density_field(d), self.density_index(scope, d));
        let high = scope.index(&d.event.high);
        let copies = if weighted { quote!(copies) } else { quote!(1.0) };
        let uncertain = self.uncertain_vector(scope, Place { component: c, collapse: None }, d, weighted);
        let (_, scales) = self.unscaled_terms(scope, c, &d.normaliser);
        quote! {
            #rows
            at.#field[#at].whiten(system, #high, #copies);
            #uncertain
            #scales
        }
    }

    /// Whether some row of a unit may be missing.
    pub(super) fn has_patterns(&self, c: &Component) -> bool {
        c.hoisted && c.rows.iter().any(|r| r.missing && reads_normals(self.model, r))
    }

    /// The field with the pattern of each unit.
    fn pattern_field(&self, c: &Component) -> Ident {
        format_ident!("{}_patterns", self.component_name(c))
    }

    /// Fields of the context: their types, and how they are made.
    pub(super) fn pattern_fields(&self) -> Vec<(Ident, TokenStream)> {
        let scope = self.scope();
        let with = self.kernel.components.iter().enumerate().filter(|(_, c)| self.has_patterns(c));
        with.map(|(index, c)| {
            let parts: Vec<TokenStream> = c
                .rows
                .iter()
                .filter(|r| r.missing && reads_normals(self.model, r))
                .map(|r| self.normal_rows(c, r, RowPart::Presence))
                .collect();
            let (units, unit) = match c.unit.as_slice() {
                [n] if !c.is_listed() => {
                    let name = scope.var(n);
                    (scope.index(&n.high), quote!(let #name = unit;))
                }
                many => {
                    let names = many.iter().map(|v| scope.var(v));
                    let field = self.unit_field(index);
                    (quote!(#field.len()), quote!(let [#(#names),*] = #field[unit];))
                }
            };
            (self.pattern_field(c), quote!(Patterns::new(#units, |unit, rows| { #unit #(#parts)* })))
        })
        .collect()
    }

    /// The loop over the units of a tile that eliminates their Gaussian latents.
    fn eliminations(&self, index: usize, c: &Component) -> TokenStream {
        let scope = self.scope();
        let unit = self.unit_at(index, c, quote!(units.start + i));
        let states = self.state_vars(c);
        let slot = self.slot(c);
        let rows = |part: RowPart| -> TokenStream {
            let own = c.rows.iter().filter(|r| reads_normals(self.model, r));
            own.map(|r| self.normal_rows(c, r, part)).collect()
        };
        let whole = || {
            let (rows, solve) = (rows(RowPart::Whole), self.solve(&scope, c));
            scope.loops(
                &states,
                quote! {
                    system.clear();
                    #rows
                    let slot = #slot;
                    #solve
                },
            )
        };
        if !c.hoisted {
            let whole = whole();
            return quote!(for i in 0..len { #unit #whole });
        }
        let (coefficients, targets) = (rows(RowPart::Coefficients), rows(RowPart::Targets));
        let state = self.state_index(c);
        let count: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
        let with_pattern = self.has_patterns(c);
        let field = self.pattern_field(c);
        let key = match (with_pattern, count.is_empty()) {
            (false, _) => state,
            (true, true) => quote!(context.#field.of(units.start + i)),
            (true, false) => {
                let count = super::product(&count);
                quote!(context.#field.of(units.start + i) * (#count) + #state)
            }
        };
        let shared = scope.loops(
            &states,
            quote! {
                let key = #key;
                if !system.knows(key) {
                    #coefficients
                    system.factorise(key);
                }
                #targets
                let slot = #slot;
                table[slot] += system.solve_pattern(slot, key);
            },
        );
        if !with_pattern {
            return quote!(for i in 0..len { #unit #shared });
        }
        let whole = whole();
        quote! {
            for i in 0..len {
                #unit
                if context.#field.are_shared() {
                    #shared
                } else {
                    #whole
                }
            }
        }
    }

    /// The posteriors of a tile, where its statistics are gathered without an E-step before.
    pub(super) fn refresh(&self, c: &Component) -> TokenStream {
        if !c.has_normals() {
            return TokenStream::new();
        }
        if c.is_chain() {
            let width = self.width(c);
            return quote!(if !scratch.normals.is_fresh() { scratch.normals.begin_at_zero(#width, len); });
        }
        let name = self.eliminate_name(c);
        let (slots, measure) = (self.slots(c), self.measure(c));
        quote! {
            if !scratch.normals.is_fresh() {
                let Ok(at) = self.prepare(context, params) else { return };
                self.#name(context, &at, units.clone(), &mut vec![0.0; #slots], scratch);
                #measure
            }
        }
    }

    /// Binds the means of the latents of a unit in a state.
    pub(super) fn bind_means(&self, c: &Component, from: TokenStream) -> TokenStream {
        let parts = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, size), n)| {
            let name = mean_name(&self.name(a), n.back);
            if n.over.is_empty() {
                quote!(let #name = mean[#start];)
            } else if start.to_string() == "0" && c.normals.len() == 1 {
                quote!(let #name = mean;)
            } else {
                quote!(let #name = &mean[#start..][..#size];)
            }
        });
        quote! {
            let mean = #from;
            #(#parts)*
        }
    }

    /// What the uncertainty of the latents adds to the moments of a row.
    pub(super) fn add_spread(
        &self,
        scope: &Scope<'_>,
        columns: &[Column],
        to: (&Ident, &TokenStream, &TokenStream),
    ) -> TokenStream {
        self.add_spread_and(scope, columns, to, None)
    }

    /// The same, with what else of the row moves with the latents.
    pub(super) fn add_spread_and(
        &self,
        scope: &Scope<'_>,
        columns: &[Column],
        (field, at, weight): (&Ident, &TokenStream, &TokenStream),
        also: Option<&TokenStream>,
    ) -> TokenStream {
        let reads = |p: &Poly| {
            let mut found = false;
            p.visit_elems(&mut |e| found |= is_unit_normal(self.model, e.array));
            found
        };
        let Some(c) = self.kernel.components.iter().find(|c| {
            columns.iter().any(|x| {
                let mut found = false;
                x.value.visit_elems(&mut |e| found |= c.normals.iter().any(|n| n.array == e.array));
                found
            })
        }) else {
            return TokenStream::new();
        };
        // Rows of a step have the latents of both units.
        let before = |x: &Column| {
            let mut found = false;
            x.value.visit_elems(&mut |e| {
                found |= is_unit_normal(self.model, e.array) && crate::kernel::back(self.model, e) > 0;
            });
            found
        };
        let c = match &c.link {
            Some(link) if columns.iter().any(before) => &link.step,
            Some(_) | None => c,
        };
        let mut push = TokenStream::new();
        for (n, column) in columns.iter().enumerate().filter(|(_, x)| reads(&x.value)) {
            let offset = if n == 0 { quote!(0) } else { self.columns_len(&columns[..n]) };
            let within: Vec<(Ix, Ix)> = column.over.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
            let position = match (within.is_empty(), offset.to_string() == "0") {
                (true, _) => offset,
                (false, true) => scope.flat(&within),
                (false, false) => {
                    let at = scope.flat(&within);
                    quote!(#offset + #at)
                }
            };
            let mut inner = TokenStream::new();
            for t in &column.value.0 {
                let Some((e, rest)) = pulled(self.model, t) else { continue };
                let latent = self.normal_index(scope, c, &e);
                let rest = Poly(vec![Term { guard: vec![], ..rest }]);
                let value = scope.poly(&rest);
                let write = scope.guarded(&t.guard, quote!(spread.push((#position, #latent, #value));));
                inner.extend(scope.loops(&t.sums, write));
            }
            push.extend(scope.loops(&column.over, inner));
        }
        let width = self.width(c);
        quote! {
            let spread = &mut scratch.spread;
            spread.clear();
            #push
            #also
            stats.#field.add_spread(#at, #weight, spread, scratch.normals.cov(slot), #width);
        }
    }

    /// Whether a pass over a statement is left to the elimination.
    pub(super) fn is_eliminated(&self, r: &Rows, pass: Pass) -> bool {
        pass == Pass::Potentials && reads_normals(self.model, r)
    }
}
