//! Gaussian latents of units as a user meets them: where they begin, their laws, draws and choices.

use super::Emitter;
use crate::density::symbol::{Ix, Var};
use crate::kernel::{Body, Component, is_random, is_unit_normal};
use crate::model::ir::ArrayId;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emitter<'_> {
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
            let plates = self.plates_of(n.array);
            let unset = self.nest(&plates[..c.unit.len()], quote!(Marginal::Unset));
            fields.extend(quote!(#name: #unset,));
            let zero = self.neutral_value(n.array);
            empties.extend(quote!(#name: #zero,));
            let point = match plates.len() > c.unit.len() {
                true => quote!(Marginal::Point(DVector::from_column_slice(x))),
                false => quote!(Marginal::Point(x.clone())),
            };
            let value = (0..c.unit.len()).fold(point, |inner, _| quote!(x.iter().map(|x| #inner).collect()));
            from.extend(quote!(#name: { let x = &latents.#name; #value },));
        }
        if let Some((_, _, name)) = self.trajectories().find(|(_, x, _)| std::ptr::eq(*x, c)) {
            let plates = self.plates_of(c.normals[0].array);
            let none = self.nest(&plates[..plates.len() - 1], quote!(fit::Trajectory::default()));
            fields.extend(quote!(#name: #none,));
            from.extend(quote!(#name: Default::default(),));
        }
    }

    /// What the runtime asks of Gaussian latents of units.
    pub(super) fn normal_fns(&self) -> TokenStream {
        if !self.has_normals() {
            return TokenStream::new();
        }
        let scope = self.scope();
        let open = self.open();
        let with: Vec<_> =
            self.kernel.components.iter().enumerate().filter(|(_, c)| c.has_normals()).collect();
        let list = with.iter().map(|(i, _)| Literal::usize_unsuffixed(*i));
        let arms = with.iter().map(|(index, c)| {
            let i = Literal::usize_unsuffixed(*index);
            let unit = self.unit_at(*index, c, quote!(unit));
            let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
            let parts = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, size), n)| {
                let name = self.name(a);
                let scale = self.unit_scale(a).map(|(_, scale)| self.unit_scale_law(&scale, &at));
                let law = match (n.over.is_empty(), c.locals.is_empty()) {
                    (true, true) if scale.is_some() => quote!(unit_laws::scaled_number(normals, &#scale, tile.0, #start)),
                    (false, true) if scale.is_some() => {
                        quote!(unit_laws::scaled_vector(normals, &#scale, tile.0, (#start, #size)))
                    }
                    (true, false) if scale.is_some() => {
                        quote!(unit_laws::scaled_mixture(normals, &#scale, table, tile, #start))
                    }
                    (false, false) if scale.is_some() => {
                        quote!(unit_laws::scaled_vector_mixture(normals, &#scale, table, tile, (#start, #size)))
                    }
                    (true, true) if c.whitened.is_some() => {
                        let w = c.whitened.as_ref().map(|w| (self.scale_law(w), self.scale_mean(w)));
                        let (law, mean) = w.unwrap_or_default();
                        quote!(law::scaled_number(normals.mean(tile.0)[#start], normals.block(tile.0, #start, 1)[(0, 0)] * #mean, &#law))
                    }
                    (false, true) if c.whitened.is_some() => {
                        let w = c.whitened.as_ref().map(|w| (self.scale_law(w), self.scale_mean(w)));
                        let (law, mean) = w.unwrap_or_default();
                        quote!(law::scaled_vector(&normals.mean(tile.0)[#start..][..#size], &(normals.block(tile.0, #start, #size) * #mean), &#law))
                    }
                    (true, true) => {
                        quote!(law::number(normals.mean(tile.0)[#start], normals.block(tile.0, #start, 1)[(0, 0)]))
                    }
                    (false, true) => {
                        quote!(law::vector(&normals.mean(tile.0)[#start..][..#size], &normals.block(tile.0, #start, #size)))
                    }
                    (true, false) => quote!(unit_laws::mixture(normals, table, tile, #start)),
                    (false, false) => quote!(unit_laws::vector_mixture(normals, table, tile, (#start, #size))),
                };
                quote!(posterior.#name #([#at])* = #law;)
            });
            quote!(#i => { #unit #(#parts)* })
        });
        let starts = with.iter().map(|(index, c)| {
            let i = Literal::usize_unsuffixed(*index);
            let unit = self.unit_at(*index, c, quote!(unit));
            let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
            let (width, slots) = (self.width(c), self.slots(c));
            let states = self.state_vars(c);
            let slot = self.slot(c);
            let unset = c.normals.iter().map(|n| {
                let name = self.name(n.array);
                if c.unit.is_empty() {
                    quote!(given.#name.is_unset())
                } else {
                    quote!(given.#name.is_empty())
                }
            });
            let parts = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, _), n)| {
                let name = self.name(a);
                let own = scope.value_at(quote!(given.#name), &at);
                let set = if n.over.is_empty() {
                    quote!(normals.set(slot, #start, &[q.mean()], &DMatrix::from_element(1, 1, q.var()));)
                } else {
                    quote!(normals.set(slot, #start, q.mean().as_slice(), &q.cov());)
                };
                let set = scope.loops(&states, quote!(let slot = #slot; #set));
                quote! {
                    let Some(q) = #own else { return false };
                    if q.is_unset() {
                        return false;
                    }
                    #set
                }
            });
            quote! {
                #i => {
                    if #(#unset)||* {
                        return false;
                    }
                    normals.begin(#width, #slots, 1);
                    for i in 0..len {
                        let unit = units.start + i;
                        #unit
                        #(#parts)*
                    }
                    true
                }
            }
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
        let globals = self.globals_type();
        let whitened = self.whitened_fns();
        let paths = self.share_path_fn();
        quote! {
            const NORMALS: &'static [usize] = &[#(#list),*];

            #whitened

            #paths

            fn share_normals(&self, context: &Context<'_>, params: &#globals, component: usize, unit: usize, tile: (usize, usize), table: &[f64], normals: &UnitNormals, posterior: &mut Posterior) {
                #open
                match component {
                    #(#arms)*
                    _ => {}
                }
            }

            fn start_normals(&self, context: &Context<'_>, component: usize, units: Range<usize>, given: &Posterior, normals: &mut UnitNormals) -> bool {
                #open
                let len = units.len();
                match component {
                    #(#starts)*
                    _ => false,
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
        // A row that a category chooses stands apart from the chain that it is of.
        let own = self.kernel.components.iter().filter(|c| c.has_normals()).map(|c| (c, &c.rows));
        let gated = self.kernel.gates.iter().filter(|g| !g.step);
        let gated = gated.map(|g| (&self.kernel.components[g.chain], &g.table.rows));
        for (c, rows) in own.chain(gated) {
            for case in rows.iter().flat_map(|r| &r.cases) {
                let (design, moments) = match &case.body {
                    Body::Scalar(s) => (&s.design, s.moments),
                    Body::Dense(d) => (&d.design, d.moments),
                    Body::Terms(_) | Body::Equal { .. } => continue,
                };
                for r in &design.regressors {
                    let reads = |n: usize| {
                        let mut found = false;
                        design.columns[n]
                            .value
                            .visit_elems(&mut |e| found |= is_unit_normal(self.model, e.array));
                        found
                    };
                    if !r.column.is_some_and(reads) || seen.contains(&r.param.array) {
                        continue;
                    }
                    seen.push(r.param.array);
                    out.extend(self.perturb_slope(c, r, moments, &case.body));
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
        body: &Body,
    ) -> TokenStream {
        let scope = self.scope();
        let name = self.name(r.param.array);
        let array = &self.model.arrays[r.param.array.0];
        let leaf = match array.elem.kind.axes().len() {
            0 => quote!(std::slice::from_ref(x)),
            _ => quote!(x.as_slice()),
        };
        let values = (0..array.plates.len())
            .fold(quote!(#leaf.iter()), |inner, _| quote!(x.iter().flat_map(|x| #inner)));
        let mut loops: Vec<Var> = vec![];
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
        let bound = |v: &Var| loops.contains(v);
        let precision = match body {
            Body::Scalar(s) if s.precision.0.iter().flat_map(|t| t.free_vars()).all(|v| bound(&v)) => {
                scope.poly(&s.precision)
            }
            // What a coordinate varies by, the others left alone.
            Body::Dense(d)
                if d.inverse
                    && !d.matrix.cholesky
                    && !is_random(self.model, d.matrix.array)
                    && bound(&d.event) =>
            {
                let plates = d.matrix.plates.iter().all(|i| {
                    let mut all = true;
                    i.visit_vars(&mut |v| all &= bound(v));
                    all
                });
                let (matrix, at) = (scope.matrix(&d.matrix), scope.var(&d.event));
                if plates { quote!(#matrix[(#at, #at)].recip()) } else { quote!(1.0) }
            }
            Body::Scalar(_) | Body::Dense(_) | Body::Terms(_) | Body::Equal { .. } => quote!(1.0),
        };
        let draw = scope.loops(&loops, quote!(#place = products::slope(#precision, #width, rng);));
        quote! {
            if { let x = &params.#name; #values.all(|x| *x == 0.0) } {
                #draw
            }
        }
    }

    /// Permutes the states that the laws of Gaussian latents are mixed over.
    pub(super) fn relabel_normals(
        &self,
        c: &Component,
        nominal: crate::model::ir::Nominal,
        body: &mut TokenStream,
    ) {
        for n in &c.normals {
            let name = self.name(n.array);
            for (at, _) in c.locals.iter().enumerate().filter(|(_, l)| l.state.nominal == nominal) {
                let behind = c.locals[at + 1..].iter().map(|l| {
                    let z = self.name(l.array);
                    match c.unit.len() {
                        0 | 1 => quote!(posterior.#z.states()),
                        _ => quote!(posterior.#z.first().map_or(1, Categories::states)),
                    }
                });
                let inside = (0..c.unit.len()).fold(
                    quote!(x.relabel_digit(order, inner);),
                    |inner, _| quote!(for x in x.iter_mut() { #inner }),
                );
                body.extend(quote!({ let inner = 1 #(* #behind)*; let x = &mut posterior.#name; #inside }));
            }
        }
    }
}
