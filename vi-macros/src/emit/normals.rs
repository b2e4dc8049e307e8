//! Gaussian latents of a unit: its residual rows, their elimination, and the moments that stand where data stand.

use super::Emitter;
use super::rows::Pass;
use super::scope::Scope;
use crate::density::symbol::{Elem, Ix};
use crate::kernel::{
    Body, Column, Component, DenseResidual, RowCase, Rows, ScalarResidual, is_unit_normal, pulled, reads_normals,
};
use crate::model::ir::ArrayId;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// The mean of a latent of the unit, where code reads it.
pub(super) fn mean_name(array: &Ident) -> Ident {
    format_ident!("{array}_mean")
}

impl Emitter<'_> {
    /// How many numbers the Gaussian latents of a unit are.
    pub(super) fn width(&self, c: &Component) -> TokenStream {
        let sizes: Vec<_> = c.normals.iter().map(|n| self.width_of(&n.over)).collect();
        quote!(#(#sizes)+*)
    }

    fn width_of(&self, over: &[crate::density::symbol::Var]) -> TokenStream {
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
        let plates = self.model.arrays[e.array.0].plates.len();
        let start = self.normal_offsets(c).into_iter().find(|(a, ..)| *a == e.array).map(|x| x.1);
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
        let index = self.state_index(c);
        if index.to_string() == "0" { quote!(i) } else { quote!(#index * len + i) }
    }

    fn state_vars(&self, c: &Component) -> Vec<crate::density::symbol::Var> {
        c.locals.iter().map(|l| l.state.clone()).collect()
    }

    pub(super) fn eliminate_name(&self, c: &Component) -> Ident {
        format_ident!("eliminate_{}", self.component_name(c))
    }

    /// The function that eliminates the Gaussian latents of every unit of a tile.
    pub(super) fn eliminate_fn(&self, index: usize, c: &Component) -> TokenStream {
        if !c.has_normals() {
            return TokenStream::new();
        }
        let name = self.eliminate_name(c);
        let open = self.open();
        let scope = self.scope();
        let width = self.width(c);
        let unit = self.unit_at(index, c, quote!(units.start + i));
        let states = self.state_vars(c);
        let count: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
        let slots = if count.is_empty() {
            quote!(len)
        } else {
            let count = super::product(&count);
            quote!(#count * len)
        };
        let rows: Vec<TokenStream> =
            c.rows.iter().filter(|r| reads_normals(self.model, r)).map(|r| self.normal_rows(c, r)).collect();
        let slot = self.slot(c);
        let each = scope.loops(
            &states,
            quote! {
                system.clear();
                #(#rows)*
                let slot = #slot;
                table[slot] += system.solve(slot);
            },
        );
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
                for i in 0..len {
                    #unit
                    #each
                }
            }
        }
    }

    /// The weighted rows of one statement.
    fn normal_rows(&self, c: &Component, r: &Rows) -> TokenStream {
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
            let local = self.name(r.target.array);
            let raw = scope.raw(&r.target);
            scope.value.replace(Some((r.target.clone(), quote!(#local))));
            let body = self.normal_cases(&scope, c, r, weighted);
            scope.value.replace(None);
            quote!(if let Some(#local) = #raw { #weight #body })
        } else {
            let body = self.normal_cases(&scope, c, r, weighted);
            quote!(#weight #body)
        };
        let looped = self.wrap(r, body, false);
        self.unless_absent(r, looped)
    }

    fn normal_cases(&self, scope: &Scope<'_>, c: &Component, r: &Rows, weighted: bool) -> TokenStream {
        let inside = self.chain(scope, r, |case| self.normal_case(scope, c, r, case, weighted));
        self.bind_cells(scope, r, inside)
    }

    fn normal_case(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        r: &Rows,
        case: &RowCase,
        weighted: bool,
    ) -> TokenStream {
        match &case.body {
            Body::Scalar(s) => self.scalar_normal(scope, c, r, s, weighted),
            Body::Dense(d) => self.dense_normal(scope, c, d, weighted),
            Body::Terms(_) | Body::Equal { .. } => TokenStream::new(),
        }
    }

    /// Fills a new row: the coefficients of the latents, and the target less what is known of the mean.
    fn fill_normal(&self, scope: &Scope<'_>, c: &Component, rho: &crate::density::poly::Poly) -> TokenStream {
        let width = self.width(c);
        let mut target = crate::density::poly::Poly::zero();
        let mut coefficients = TokenStream::new();
        for t in &rho.0 {
            let Some((e, rest)) = pulled(self.model, t) else {
                target = target.add(&crate::density::poly::Poly(vec![t.clone()]));
                continue;
            };
            let at = self.normal_index(scope, c, &e);
            let rest = crate::density::poly::Poly(vec![crate::density::poly::Term { guard: vec![], ..rest }]);
            let value = scope.poly(&rest.scale(-1.0));
            let write = scope.guarded(&t.guard, quote!(row[#at] += #value;));
            coefficients.extend(scope.loops(&t.sums, write));
        }
        let target = scope.poly(&target);
        quote! {
            let row = system.row();
            #coefficients
            row[#width] = #target;
        }
    }

    fn scalar_normal(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        r: &Rows,
        s: &ScalarResidual,
        weighted: bool,
    ) -> TokenStream {
        let body = |scope: &Scope<'_>| {
            let fill = self.fill_normal(scope, c, &s.rho);
            let mut lambda: Vec<TokenStream> = vec![];
            if weighted {
                lambda.push(quote!(copies));
            }
            if s.weight.as_number() != Some(1.0) {
                lambda.push(scope.grouped(&s.weight));
            }
            let mut half = quote!(0.0);
            if s.precision.as_number() != Some(1.0) {
                lambda.push(self.hoisted_poly(scope, &s.precision));
                let log = crate::kernel::half_log(self.model, &s.precision);
                let log = self.hoisted_poly(scope, &log);
                half = if weighted { quote!(copies * #log) } else { log };
            }
            let lambda = if lambda.is_empty() { quote!(1.0) } else { super::product(&lambda) };
            quote! {
                #fill
                system.weigh(#lambda, #half);
            }
        };
        match &s.event {
            None => body(scope),
            Some(d) => {
                let inner = self.event_value(scope, r, d, body);
                scope.loops(std::slice::from_ref(d), inner)
            }
        }
    }

    fn dense_normal(&self, scope: &Scope<'_>, c: &Component, d: &DenseResidual, weighted: bool) -> TokenStream {
        let fill = self.fill_normal(scope, c, &d.rho);
        let rows = scope.loops(std::slice::from_ref(&d.event), fill);
        let (field, at) = (self.density_field(d), self.density_index(scope, d));
        let high = scope.index(&d.event.high);
        let copies = if weighted { quote!(copies) } else { quote!(1.0) };
        quote! {
            #rows
            at.#field[#at].whiten(system, #high, #copies);
        }
    }

    /// The posteriors of a tile, where its statistics are gathered without an E-step before.
    pub(super) fn refresh(&self, c: &Component) -> TokenStream {
        if !c.has_normals() {
            return TokenStream::new();
        }
        let scope = self.scope();
        let name = self.eliminate_name(c);
        let count: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
        let slots = if count.is_empty() {
            quote!(len)
        } else {
            let count = super::product(&count);
            quote!(#count * len)
        };
        quote! {
            if !scratch.normals.is_fresh() {
                let Ok(at) = self.prepare(context, params) else { return };
                self.#name(context, &at, units.clone(), &mut vec![0.0; #slots], scratch);
            }
        }
    }

    /// Binds the means of the latents of a unit in a state.
    pub(super) fn bind_means(&self, c: &Component, from: TokenStream) -> TokenStream {
        let parts = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, size), n)| {
            let name = mean_name(&self.name(a));
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
        (field, at, weight): (&Ident, &TokenStream, &TokenStream),
    ) -> TokenStream {
        let reads = |p: &crate::density::poly::Poly| {
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
                let rest = crate::density::poly::Poly(vec![crate::density::poly::Term { guard: vec![], ..rest }]);
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
            stats.#field.add_spread(#at, #weight, spread, scratch.normals.cov(slot), #width);
        }
    }

    /// Whether a pass over a statement is left to the elimination.
    pub(super) fn is_eliminated(&self, r: &Rows, pass: Pass) -> bool {
        pass == Pass::Potentials && reads_normals(self.model, r)
    }

    /// Whether any component has Gaussian latents.
    pub(super) fn has_normals(&self) -> bool {
        self.kernel.components.iter().any(Component::has_normals)
    }

    /// Fields of what a user sees: q before it is known, values before they are drawn, and points made of values.
    pub(super) fn normal_values(
        &self,
        c: &Component,
        fields: &mut TokenStream,
        empties: &mut TokenStream,
        from: &mut TokenStream,
    ) {
        for n in &c.normals {
            let name = self.name(n.array);
            let unset = self.nest(&self.plates_of(n.array), quote!(Marginal::Unset));
            fields.extend(quote!(#name: #unset,));
            let zero = self.neutral_value(n.array);
            empties.extend(quote!(#name: #zero,));
            let value = (0..c.unit.len()).fold(
                quote!(Marginal::Point(x.clone())),
                |inner, _| quote!(x.iter().map(|x| #inner).collect()),
            );
            from.extend(quote!(#name: { let x = &latents.#name; #value },));
        }
    }

    /// What the runtime asks of Gaussian latents of units.
    pub(super) fn normal_fns(&self) -> TokenStream {
        if !self.has_normals() {
            return TokenStream::new();
        }
        let scope = self.scope();
        let open = self.open();
        let with: Vec<_> = self.kernel.components.iter().enumerate().filter(|(_, c)| c.has_normals()).collect();
        let list = with.iter().map(|(i, _)| Literal::usize_unsuffixed(*i));
        let arms = with.iter().map(|(index, c)| {
            let i = Literal::usize_unsuffixed(*index);
            let unit = self.unit_at(*index, c, quote!(unit));
            let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
            let parts = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, size), n)| {
                let name = self.name(a);
                let law = if n.over.is_empty() {
                    quote!(law::number(normals.mean(slot)[#start], normals.block(slot, #start, 1)[(0, 0)]))
                } else {
                    quote!(law::vector(&normals.mean(slot)[#start..][..#size], &normals.block(slot, #start, #size)))
                };
                quote!(posterior.#name #([#at])* = #law;)
            });
            quote!(#i => { #unit #(#parts)* })
        });
        let sets = with.iter().map(|(index, c)| {
            let i = Literal::usize_unsuffixed(*index);
            let unit = self.unit_at(*index, c, quote!(unit));
            let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
            let parts = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, size), n)| {
                let name = self.name(a);
                if n.over.is_empty() {
                    quote!(latents.#name #([#at])* = values[#start];)
                } else {
                    quote!(latents.#name #([#at])*.copy_from_slice(&values[#start..][..#size]);)
                }
            });
            quote!(#i => { #unit #(#parts)* })
        });
        quote! {
            const NORMALS: &'static [usize] = &[#(#list),*];

            fn share_normals(&self, context: &Context<'_>, component: usize, unit: usize, slot: usize, normals: &UnitNormals, posterior: &mut Posterior) {
                #open
                match component {
                    #(#arms)*
                    _ => {}
                }
            }

            fn set_normals(&self, context: &Context<'_>, component: usize, unit: usize, values: &[f64], latents: &mut Latents) {
                #open
                match component {
                    #(#sets)*
                    _ => {}
                }
            }
        }
    }

    /// Draws for params that multiply latents of units, where all of them are 0: each in proportion to the spread of its residual.
    pub(super) fn perturb_slopes(&self) -> TokenStream {
        let mut seen: Vec<ArrayId> = vec![];
        let mut out = TokenStream::new();
        for c in self.kernel.components.iter().filter(|c| c.has_normals()) {
            for case in c.rows.iter().flat_map(|r| &r.cases) {
                let (design, moments, precision) = match &case.body {
                    Body::Scalar(s) => (&s.design, s.moments, Some(&s.precision)),
                    Body::Dense(d) => (&d.design, d.moments, None),
                    Body::Terms(_) | Body::Equal { .. } => continue,
                };
                for r in &design.regressors {
                    let reads = |n: usize| {
                        let mut found = false;
                        design.columns[n].value.visit_elems(&mut |e| found |= is_unit_normal(self.model, e.array));
                        found
                    };
                    if !r.column.is_some_and(reads) || seen.contains(&r.param.array) {
                        continue;
                    }
                    seen.push(r.param.array);
                    out.extend(self.perturb_slope(c, r, moments, precision));
                }
            }
        }
        out
    }

    fn perturb_slope(
        &self,
        c: &Component,
        r: &crate::kernel::Regressor,
        moments: usize,
        precision: Option<&crate::density::poly::Poly>,
    ) -> TokenStream {
        let scope = self.scope();
        let name = self.name(r.param.array);
        let array = &self.model.arrays[r.param.array.0];
        let leaf = match array.elem.kind.axes().len() {
            0 => quote!(std::slice::from_ref(x)),
            _ => quote!(x.as_slice()),
        };
        let values =
            (0..array.plates.len()).fold(quote!(#leaf.iter()), |inner, _| quote!(x.iter().flat_map(|x| #inner)));
        let mut loops: Vec<crate::density::symbol::Var> = vec![];
        for v in self.kernel.stats[moments].cells.iter().map(|x| &x.var).chain(&r.sums) {
            if r.param.indices.iter().any(|i| i.mentions(v)) && !loops.contains(v) {
                loops.push(v.clone());
            }
        }
        if let Some(v) = r.param.indices.iter().filter_map(Ix::as_var).find(|v| !loops.contains(v)) {
            loops.insert(0, v.clone());
        }
        let place = scope.elem(&r.param);
        let width = self.width(c);
        let precision = match precision.filter(|p| p.0.iter().flat_map(|t| t.free_vars()).all(|v| loops.contains(&v))) {
            Some(p) => scope.poly(p),
            None => quote!(1.0),
        };
        let draw = scope.loops(&loops, quote!(#place = products::slope(#precision, #width, rng);));
        quote! {
            if { let x = &params.#name; #values.all(|x| *x == 0.0) } {
                #draw
            }
        }
    }
}
