//! Components whose units follow one another: which units do, and the functions of a step from one to the next.

use super::Emitter;
use crate::density::symbol::{Ix, Var};
use crate::kernel::links::{Along, Kinds};
use crate::kernel::{Component, Link, Local, Rows};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    fn linked(&self) -> impl Iterator<Item = (usize, &Component, &Link)> {
        self.kernel.components.iter().enumerate().filter_map(|(i, c)| Some((i, c, c.link.as_deref()?)))
    }

    /// The trait's side of it.
    pub(super) fn link_fns(&self) -> TokenStream {
        let mut links = TokenStream::new();
        let mut steps = TokenStream::new();
        let mut collects = TokenStream::new();
        for (i, c, link) in self.linked() {
            let index = Literal::usize_unsuffixed(i);
            let made = self.links_of(i, c, link);
            links.extend(quote!(#index => Some({ #made }),));
            if c.alike.is_some() {
                continue;
            }
            let (potentials, collect) = self.calls_of_step(c, link);
            steps.extend(quote!(#index => #potentials,));
            collects.extend(quote!(#index => #collect,));
        }
        if links.is_empty() {
            return links;
        }
        let open = self.open();
        let globals = self.globals_type();
        let in_parts = self.linked().any(|(_, _, link)| !link.rest.is_empty());
        let sizes = in_parts.then(|| open.clone());
        let kinds =
            [(false, quote!(LINKED)), (true, quote!(CHAINED))].into_iter().filter_map(|(chain, name)| {
                self.linked()
                    .any(|(_, c, _)| c.is_chain() == chain)
                    .then(|| quote!(const #name: bool = true;))
            });
        let links = quote! {
            #(#kinds)*

            fn links(&self, context: &Context<'_>, component: usize) -> Option<Links> {
                #open
                match component {
                    #links
                    _ => None,
                }
            }
        };
        if steps.is_empty() {
            return links;
        }
        quote! {
            #links

            fn step(&self, context: &Context<'_>, at: &Prepared, component: usize, unit: usize, table: &mut [f64], scratch: &mut Scratch) {
                #sizes
                match component {
                    #steps
                    _ => {}
                }
            }

            fn collect_step(&self, context: &Context<'_>, params: &#globals, component: usize, unit: usize, pairs: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                #sizes
                match component {
                    #collects
                    _ => {}
                }
            }
        }
    }

    pub(super) fn linked_name(&self, c: &Component) -> String {
        format!("step_{}", self.component_name(c))
    }

    /// The name of a part of a step, by what comes in with it.
    pub(super) fn passage_name(&self, c: &Component, step: &Component) -> String {
        match c.link.as_deref() {
            Some(link) if !link.rest.is_empty() => format!("step_{}", self.component_names(step).join("_")),
            Some(_) | None => self.linked_name(c),
        }
    }

    /// What computes the weights of a step, and what gathers its statistics: of its parts, one after another in the table.
    fn calls_of_step(&self, c: &Component, link: &Link) -> (TokenStream, TokenStream) {
        let scope = self.scope();
        let (mut potentials, mut collects) = (TokenStream::new(), TokenStream::new());
        for (n, step) in link.steps().enumerate() {
            let name = self.passage_name(c, step);
            let (potential, collect) = (format_ident!("potentials_{name}"), format_ident!("collect_{name}"));
            let last = n == link.rest.len();
            let size =
                super::product(&step.locals.iter().map(|l| scope.index(&l.state.high)).collect::<Vec<_>>());
            if !last {
                potentials.extend(quote!(let (part, table) = table.split_at_mut(#size);));
                collects.extend(quote!(let (part, pairs) = pairs.split_at(#size);));
            }
            let (table, pairs) =
                if last { (quote!(table), quote!(pairs)) } else { (quote!(part), quote!(part)) };
            let end = (!last).then(|| quote!(;));
            potentials.extend(quote!(self.#potential(context, at, unit..unit + 1, #table, scratch) #end));
            collects
                .extend(quote!(self.#collect(context, params, unit..unit + 1, #pairs, stats, scratch) #end));
        }
        if link.rest.is_empty() {
            (potentials, collects)
        } else {
            (quote!({ #potentials }), quote!({ #collects }))
        }
    }

    /// How a step goes from the states of one unit to those of the next, where that is not from any to any.
    fn parts_of_step(&self, c: &Component, link: &Link) -> Option<TokenStream> {
        let frontier = &c.locals[..link.frontier];
        let plain = link.rest.is_empty() && link.passes.iter().all(|p| p.kept.is_empty());
        if plain {
            return None;
        }
        let scope = self.scope();
        let at = |l: &Local, back: usize| frontier.iter().position(|f| f.array == l.array && f.back == back);
        let place = |n: Option<usize>| match n {
            Some(n) => {
                let n = Literal::usize_unsuffixed(n);
                quote!(Some(#n))
            }
            None => quote!(None),
        };
        let parts = link.steps().zip(&link.passes).map(|(step, pass)| {
            let digits = step.locals.iter().map(|l| {
                let extent = scope.index(&l.state.high);
                let earlier = if l.lasts { Some(0) } else { l.back.checked_sub(1) };
                let before = place(earlier.and_then(|back| at(l, back)));
                let after = place(at(l, l.back));
                quote!(finite::Digit { extent: #extent, before: #before, after: #after })
            });
            let kept = Literal::usize_unsuffixed(pass.kept.len());
            let lost = Literal::usize_unsuffixed(pass.lost.len());
            quote!(finite::Part::new(#kept, #lost, vec![#(#digits),*]))
        });
        Some(quote!(.in_parts(vec![#(#parts),*])))
    }

    /// The value of `Links` for a component.
    fn links_of(&self, i: usize, c: &Component, link: &Link) -> TokenStream {
        let scope = self.scope();
        let Some((axis, outer)) = c.unit.split_last() else { return quote!(Links::default()) };
        let along = if c.is_chain() {
            let width = self.width(c);
            let alike = self.alike_units(i, c);
            let order = (link.order() > 1).then(|| {
                let order = Literal::usize_unsuffixed(link.order());
                quote!(.of_order(#order))
            });
            quote!(Links::of_normals(#width, starts) #order #alike)
        } else {
            let size = super::product(
                &c.locals[..link.frontier].iter().map(|l| scope.index(&l.state.high)).collect::<Vec<_>>(),
            );
            quote!(Links::along(#size, starts))
        };
        let length = self.units_along(c);
        let begin = if outer.is_empty() {
            quote!(let starts = vec![0, #length];)
        } else {
            let push = scope.loops(
                outer,
                quote! {
                    end += #length;
                    starts.push(end);
                },
            );
            quote! {
                let mut end = 0;
                let mut starts = vec![0];
                #push
            }
        };
        let unit = self.unit_at(i, c, quote!(unit));
        let parents = match &link.along {
            Along::Axis => quote!(),
            Along::Tree(map) => {
                let at = c.unit.iter().map(Ix::var).collect();
                let parent = scope.raw(&crate::density::symbol::Elem { array: *map, indices: at });
                // What all nodes of a forest share is handed on from its first node to the other roots: by a step that no statement is of.
                let own = match c.lasting().next() {
                    Some(_) => quote!(0),
                    None => {
                        let own = scope.var(axis);
                        quote!(#own)
                    }
                };
                // A unit has a parent where some statement joins the two.
                let joins = link.steps().flat_map(|s| &s.rows).map(|r| {
                    let guards = r.guards.iter().map(|g| scope.cond(g));
                    if r.guards.is_empty() { quote!(true) } else { quote!((#(#guards)&&*)) }
                });
                let joins = match self.unit_is_there(c) {
                    Some(there) => quote!(#there && (#(#joins)||*)),
                    None => quote!(#(#joins)||*),
                };
                let push = self.over_units(c, quote!(parents.push(if #joins { #parent } else { #own });));
                quote! {
                    let mut parents = Vec::new();
                    #push
                }
            }
        };
        let tree = (link.along != Along::Axis).then(|| quote!(.on_trees(parents)));
        let kinds = link.kinds.as_ref().map(|k| {
            let conds = k.conds.iter().map(|x| {
                let cond = scope.cond(x);
                quote!(usize::from(#cond))
            });
            let values = k.values.iter().map(|x| scope.index(x));
            let parts: Vec<TokenStream> = conds.chain(values).collect();
            if parts.is_empty() {
                quote!(.by_kind(|_| ()))
            } else {
                quote!(.by_kind(|unit| { #unit [#(#parts),*] }))
            }
        });
        let parts = self.parts_of_step(c, link);
        let empty = self.empty_sequences(c);
        let alike = self.units_alike(i, c, link);
        quote! {
            #begin
            #parents
            #along #parts #tree #kinds #alike #empty
        }
    }

    /// The rows of a component as they are when it is their turn: a step is taken where a unit follows another, and needs not be told so.
    pub(super) fn as_taken(&self, index: usize, c: &Component) -> Vec<crate::kernel::Rows> {
        let mut rows = c.rows.clone();
        let of_step = |l: &&Link| l.steps().any(|s| std::ptr::eq(c, s));
        if let Some(link) = self.kernel.components[index].link.as_deref().filter(of_step) {
            rows.iter_mut()
                .for_each(|r| r.guards.retain(|g| !crate::kernel::links::always(&link.along, c, g)));
        }
        rows
    }

    /// What tells the kinds of units apart, where nothing but their own statements says anything of them.
    fn units_alike(&self, i: usize, c: &Component, link: &Link) -> Option<TokenStream> {
        let kinds = link.units.as_ref()?;
        let more = [self.clamps(i, c), self.beginnings(i, c), self.collect_expansions(i, c)];
        if more.iter().any(|t| !t.is_empty()) {
            return None;
        }
        let there = self.unit_is_there(c);
        let mut parts: Vec<TokenStream> = there.iter().map(|there| quote!(usize::from(#there))).collect();
        for (r, kinds) in c.rows.iter().zip(kinds) {
            let of_unit = there.clone().filter(|_| !self.is_of_sequence(c, r));
            for part in self.kinds_of_row(r, kinds) {
                let part = match &of_unit {
                    Some(there) => quote!(if #there { #part } else { 0 }),
                    None => part,
                };
                if parts.iter().all(|p| p.to_string() != part.to_string()) {
                    parts.push(part);
                }
            }
        }
        let unit = self.unit_at(i, c, quote!(unit));
        Some(match parts.as_slice() {
            [] => quote!(.with_units_alike(|_| ())),
            parts => quote!(.with_units_alike(|unit| { #unit [#(#parts),*] })),
        })
    }

    /// What tells units apart by one statement: whether it holds for them, and the values it reads, which are there where it holds.
    fn kinds_of_row(&self, r: &Rows, kinds: &Kinds) -> Vec<TokenStream> {
        let scope = self.scope();
        let holds: Vec<TokenStream> =
            r.guards.iter().filter(|g| g.decided() != Some(true)).map(|g| scope.cond(g)).collect();
        let mut parts: Vec<TokenStream> = vec![];
        if !holds.is_empty() {
            parts.push(quote!(usize::from(#(#holds)&&*)));
        }
        let (name, raw) = (self.name(r.target.array), scope.raw(&r.target));
        let mut conds: Vec<TokenStream> = holds;
        if !r.missing && self.may_be_absent(r.target.array) {
            conds.push(quote!(!data.#name.is_absent()));
        }
        let guarded = |x: TokenStream| match conds.as_slice() {
            [] => x,
            conds => quote!(if #(#conds)&&* { #x } else { 0 }),
        };
        if r.missing {
            // Another number than any value: that there is none.
            parts.push(guarded(quote!(usize::from(#raw.is_some()))));
        }
        let read = |scope: &super::scope::Scope<'_>| -> Vec<TokenStream> {
            let whens = kinds.conds.iter().filter(|c| !r.guards.contains(c)).map(|c| {
                let cond = scope.cond(c);
                quote!(usize::from(#cond))
            });
            whens.chain(kinds.values.iter().map(|x| scope.index(x))).collect()
        };
        let plain = read(&scope);
        let own = scope.value.replace(Some((r.target.clone(), quote!(#name))));
        let named = if r.missing { read(&scope) } else { plain.clone() };
        scope.value.replace(own);
        parts.extend(plain.into_iter().zip(named).map(|(plain, named)| {
            if plain.to_string() == named.to_string() {
                guarded(plain)
            } else if name == named.to_string() {
                guarded(quote!(#raw.unwrap_or(0)))
            } else {
                guarded(quote!(#raw.map_or(0, |#name| #named)))
            }
        }));
        parts
    }

    /// What would come before the first element of an array is nothing: the state that stands for it is the first.
    pub(super) fn beginnings(&self, index: usize, c: &Component) -> TokenStream {
        let scope = self.scope();
        let Some(link) = &c.link else { return TokenStream::new() };
        let states: Vec<Var> = c.locals.iter().map(|l| l.state.clone()).collect();
        let position = self.state_index(c);
        let unit = self.unit_at(index, c, quote!(units.start + i));
        let mut all = TokenStream::new();
        for l in &c.locals {
            let Some((_, begins)) = link.begins.iter().find(|(a, _)| *a == l.array) else { continue };
            let state = scope.var(&l.state);
            let before = c.unit.iter().zip(begins).enumerate().filter_map(|(k, (u, begin))| {
                let back = if k + 1 == c.unit.len() { l.back } else { 0 };
                let first = begin.plus(1, &Ix::constant(back as i64));
                let (u, bound) = (scope.var(u), scope.index(&first));
                (first != Ix::default()).then(|| quote!(#u < #bound))
            });
            let before: Vec<TokenStream> = before.collect();
            if before.is_empty() {
                continue;
            }
            let rule_out = scope
                .loops(&states, quote!(if #state != 0 { table[#position * len + i] = f64::NEG_INFINITY; }));
            all.extend(quote!(if #(#before)||* { #rule_out }));
        }
        if all.is_empty() {
            return all;
        }
        quote! {
            for i in 0..len {
                #unit
                #all
            }
        }
    }
}
