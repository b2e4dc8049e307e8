//! Elements without a value: the law that each has in every state of its unit, mixed by q. And latents drawn from q.

use super::Emitter;
use super::direct::Use;
use super::types::Layout;
use crate::density::lower::{Lower, is_hidden, is_read};
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::kernel::{Component, Local, Rows};
use crate::model::ir::{ArrayId, ElemKind, Expr, Role, Statement, StatementId};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Observed arrays nobody reads: an element without a value changes nothing, and can be told from the rest.
    pub(super) fn leaves(&self) -> Vec<ArrayId> {
        if self.has_shared_latents() && !self.imputes_along() {
            let mut all = self.shared_leaves();
            all.extend(self.drawn_leaves());
            return all;
        }
        self.leaves_of_units()
    }

    fn leaves_of_units(&self) -> Vec<ArrayId> {
        // Of several Gaussian latents of one unit the marginals say too little; chains have a joint law.
        let array = |a: &ArrayId| &self.model.arrays[a.0];
        self.observed()
            .into_iter()
            .filter(|a| !is_hidden(self.model, *a) && !is_read(self.model, *a) && !self.in_step(*a))
            .filter(|a| array(a).data_of.is_none())
            .filter(|a| self.kernel.gates.iter().all(|g| g.table.rows.iter().all(|r| r.target.array != *a)))
            .filter(|a| array(a).pieces.iter().all(|p| self.model.statements[p.0].role == Role::Observed))
            .filter(|a| !matches!(array(a).elem.kind, ElemKind::Matrix(..) | ElemKind::SymPos(_)))
            .filter(|a| array(a).missing || self.layout(*a) != Layout::Scalar)
            .filter(|a| self.has_moments(*a))
            .collect()
    }

    fn has_shared_latents(&self) -> bool {
        self.hidden().iter().any(|a| self.is_shared_latent(*a))
    }

    /// Leaves that have laws at values of the latents that all units share, of which these are drawn.
    fn drawn_leaves(&self) -> Vec<ArrayId> {
        let along = self.imputes_along() || self.kernel.components.iter().any(Component::is_chain);
        if !self.has_shared_latents() || along {
            return vec![];
        }
        let exact = self.shared_leaves();
        self.leaves_of_units().into_iter().filter(|a| !exact.contains(a)).collect()
    }

    /// Whether a statement of the array reads two units that follow one another, or several blocks.
    pub(super) fn in_step(&self, a: ArrayId) -> bool {
        let steps = self.kernel.components.iter().filter_map(|c| c.link.as_deref());
        let meetings = self.kernel.meetings.iter().map(|m| &m.component);
        let all = steps.flat_map(|l| l.steps()).chain(meetings);
        all.flat_map(|c| &c.rows).any(|r| r.target.array == a)
    }

    /// Leaves whose elements may be missing: these have a field in `Posterior`.
    pub fn imputed(&self) -> Vec<ArrayId> {
        match (self.has_shared_latents(), self.imputes_along()) {
            (true, true) => vec![],
            (true, false) => self.shared_leaves(),
            (false, _) => self.leaves().into_iter().filter(|a| self.model.arrays[a.0].missing).collect(),
        }
    }

    pub fn imputed_type(&self, a: ArrayId) -> TokenStream {
        if self.model.arrays[a.0].elem.kind.is_finite() {
            quote!(fit::ImputedCategories)
        } else {
            quote!(fit::ImputedNumbers)
        }
    }

    /// The field that holds the table of several latents of one unit.
    pub fn joint_field(&self, c: &Component) -> Option<proc_macro2::Ident> {
        (c.locals.len() > 1).then(|| format_ident!("joint_{}", self.component_name(c)))
    }

    pub fn imputed_struct(&self) -> TokenStream {
        let fields = self.leaves().into_iter().map(|a| {
            let (n, t) = (self.name(a), self.imputed_type(a));
            let doc = format!(" Elements of `{n}`.");
            quote!(#[doc = #doc] pub #n: #t)
        });
        let serde = self.leaves().into_iter().map(|a| {
            let (n, t) = (self.name(a), self.imputed_type(a));
            quote!(#n: #t)
        });
        quote! {
            /// What is said of observed elements that have no value.
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct Imputed {
                #(#fields,)*
            }

            ::vi_core::private::serde_impls! { Imputed { #(#serde),* } }
        }
    }

    pub fn impute_fn(&self) -> TokenStream {
        if self.has_shared_latents() {
            if self.imputes_along() {
                return TokenStream::new();
            }
            let (exact, drawn) = (self.impute_shared_fn(), self.impute_drawn_fn());
            return quote!(#exact #drawn);
        }
        let statements = self.imputing(&self.leaves());
        let keep: Vec<_> = self.imputed().into_iter().map(|a| self.name(a)).collect();
        let keep = (!keep.is_empty()).then(|| {
            quote! {
                fn keep_imputed(posterior: &mut Posterior, imputed: Imputed) {
                    #(posterior.#keep = imputed.#keep;)*
                }
            }
        });
        if statements.is_empty() {
            return TokenStream::new();
        }
        let open = self.open();
        quote! {
            fn impute(&self, context: &Context<'_>, params: &Params, posterior: &Posterior) -> Result<Imputed, Error> {
                #open
                let mut imputed = Imputed::default();
                let mut latents = self.latents(context, &fit::first_states(&self.components(context)));
                #statements
                Ok(imputed)
            }

            #keep
        }
    }

    /// The elements of these arrays.
    fn imputing(&self, leaves: &[ArrayId]) -> TokenStream {
        let own = |s: &&Statement| s.dist.is_some() && leaves.contains(&s.array);
        self.model.statements.iter().filter(own).map(|s| self.impute(s)).collect()
    }

    fn impute_drawn_fn(&self) -> TokenStream {
        let leaves = self.drawn_leaves();
        let statements = self.imputing(&leaves);
        if statements.is_empty() {
            return TokenStream::new();
        }
        let shared = self.hidden().into_iter().filter(|a| self.is_shared_latent(*a)).map(|a| self.name(a));
        let fields = leaves.iter().map(|a| self.name(*a));
        let open = self.open();
        quote! {
            const IMPUTES_DRAWN: bool = true;

            fn impute_drawn(&self, context: &Context<'_>, params: &Params, posterior: &Posterior, shared: &Latents) -> Result<Imputed, Error> {
                #open
                let mut imputed = Imputed::default();
                let mut latents = self.latents(context, &fit::first_states(&self.components(context)));
                #(latents.#shared = shared.#shared.clone();)*
                #statements
                Ok(imputed)
            }

            fn average_imputed(mean: &mut Imputed, next: Imputed, before: usize) {
                #(mean.#fields.average(next.#fields, before);)*
            }
        }
    }

    pub(super) fn impute(&self, s: &Statement) -> TokenStream {
        let array = &self.model.arrays[s.array.0];
        let scope = self.direct_scope(Use::Mixture);
        let lower = Lower::direct(self.model);
        let vars: Vec<Var> = s.binds.iter().map(|b| lower.bind(*b)).collect();
        lower.plates.replace(vars.clone());
        let target = Elem { array: s.array, indices: s.target.iter().map(|i| lower.index(i)).collect() };
        let guards: Vec<Cond> = s.guards.iter().filter_map(|g| lower.cond(g).ok()).collect();
        let add = self.arms(&scope, &lower, s, &target, Use::Mixture, &[]);
        let mixed = self.over_states(s, &lower, add);
        let name = self.name(s.array);
        let at: Vec<_> = target.indices.iter().map(|i| scope.index(i)).collect();
        let raw = |extra: &[Ix]| {
            let mut indices = target.indices.clone();
            indices.extend_from_slice(extra);
            scope.raw(&Elem { array: s.array, indices })
        };
        let (condition, give) = match &array.elem.kind {
            kind if kind.is_finite() => (
                array.missing.then(|| raw(&[])).map(|raw| quote!(#raw.is_none())),
                quote!(mixture.give_category(&mut imputed.#name, &[#(#at),*]);),
            ),
            ElemKind::Vector(x) | ElemKind::Simplex(x) | ElemKind::Ordered(x) | ElemKind::Counts(x) => {
                let d = lower.axis(x, &target.indices, "d");
                let (n, high, raw) = (scope.var(&d), scope.index(&d.high), raw(&[Ix::var(&d)]));
                let missing = if array.missing { quote!(|#n| #raw.is_none()) } else { quote!(|_| true) };
                (
                    array.missing.then(|| quote!((0..#high).any(#missing))),
                    quote!(mixture.give_vector(&mut imputed.#name, &[#(#at),*], #missing);),
                )
            }
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Count
            | ElemKind::Bool
            | ElemKind::Category(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => (
                array.missing.then(|| raw(&[])).map(|raw| quote!(#raw.is_none())),
                quote!(mixture.give_number(&mut imputed.#name, &[#(#at),*]);),
            ),
        };
        let body = quote!(let mut mixture = fit::Mixture::default(); #mixed #give);
        let body = match condition {
            Some(c) => quote!(if #c { #body }),
            None => body,
        };
        let looped = scope.loops(&vars, scope.guarded(&guards, body));
        match (array.missing, self.layout(s.array)) {
            (false, _) => quote!(if data.#name.is_absent() { #looped }),
            // Almost everything is missing from a sparse array, and nobody wants all of it.
            (true, Layout::Two) => quote!(if !data.#name.is_sparse() { #looped }),
            (true, Layout::Scalar | Layout::One | Layout::RaggedOne | Layout::RaggedTwo) => looped,
        }
    }

    /// `add` for every state of the latents that a statement reads.
    fn over_states(&self, s: &Statement, lower: &Lower<'_>, add: TokenStream) -> TokenStream {
        let scope = self.direct_scope(Use::Mixture);
        if self.imputes_along() {
            return self.over_path(&scope, s, lower, add);
        }
        // Laws in every state, and of what is integrated out.
        let own = self.kernel.components.iter().find(|c| c.rows.iter().any(|r| r.statement == self.id_of(s)));
        let many = |c: &&Component| {
            !c.integrated.is_empty() || !c.locals.is_empty() && c.has_normals() && !c.is_chain()
        };
        if let Some(c) = own.filter(many) {
            let add = self.over_laws(&scope, c, s, lower, add);
            return self.over_categories(&scope, c, s, lower, add);
        }
        // The first of those with most indices.
        let mut read: Option<Elem> = None;
        self.each_argument(s, &mut |e| {
            self.model.each_read_deep(e, &mut |a| {
                let more = read.as_ref().is_none_or(|e| e.indices.len() < a.indices.len());
                if more && is_hidden(self.model, a.array) && !self.is_shared_latent(a.array) {
                    let indices = a.indices.iter().map(|i| lower.index(i)).collect();
                    read = Some(Elem { array: a.array, indices });
                }
            });
        });
        let normal = |e: &&Elem| crate::kernel::is_unit_normal(self.model, e.array);
        if let Some(e) = read.as_ref().filter(normal) {
            return self.over_points(&scope, e, add);
        }
        let found = read.and_then(|e| {
            let local = |c: &&Component| c.locals.iter().any(|l| l.array == e.array);
            self.kernel.components.iter().find(local).map(|c| (e.indices.clone(), c))
        });
        let Some((indices, c)) = found else {
            return quote!(let probability = 1.0; #add);
        };
        self.states_at(&scope, c, &indices, add)
    }

    fn id_of(&self, s: &Statement) -> StatementId {
        let at = self.model.statements.iter().position(|x| std::ptr::eq(x, s));
        StatementId(at.unwrap_or(usize::MAX))
    }

    /// `add` for every state of the unit that a statement belongs to.
    fn over_categories(
        &self,
        scope: &super::scope::Scope<'_>,
        c: &Component,
        s: &Statement,
        lower: &Lower<'_>,
        add: TokenStream,
    ) -> TokenStream {
        if c.locals.is_empty() {
            return quote!(let (state, probability) = (0, 1.0); #add);
        }
        let mut read: Vec<Elem> = vec![];
        self.each_argument(s, &mut |e| {
            self.model.each_read_deep(e, &mut |a| {
                if is_hidden(self.model, a.array) && c.holds(a.array) {
                    let rank = c.rank_of(a.array);
                    let indices = a.indices.iter().take(rank).map(|i| lower.index(i)).collect();
                    read.push(Elem { array: a.array, indices });
                }
            });
        });
        let category = |e: &&Elem| c.locals.iter().any(|l| l.array == e.array);
        let Some(e) = read.iter().find(category).or(read.first()) else {
            return quote!(let (state, probability) = (0, 1.0); #add);
        };
        if c.integrated.iter().any(|i| i.array == e.array && i.at.is_some()) {
            // The states are those of the step that reads it, with which it is mixed.
            let name = self.name(e.array);
            let at = e.indices.iter().map(|i| scope.index(i));
            let inner = c.integrated.iter().filter(|i| i.array == e.array).flat_map(|i| &i.inner);
            let first = inner.map(|_| quote!([0]));
            return quote! {
                let weights = posterior.#name #([#at])* #(#first)* .weights();
                for (state, probability) in weights.into_iter().enumerate() {
                    #add
                }
            };
        }
        self.states_at(scope, c, &e.indices, add)
    }

    /// `add` for every state of the unit at these indices, with its probability.
    fn states_at(
        &self,
        scope: &super::scope::Scope<'_>,
        c: &Component,
        indices: &[Ix],
        add: TokenStream,
    ) -> TokenStream {
        let mut at: Vec<_> = indices.iter().map(|i| scope.index(i)).collect();
        let of_all = c.lasting().next().is_some() && at.len() < c.unit.len();
        if of_all {
            // What all units of a sequence share is any unit's, and nothing else is read.
            at.push(quote!(0));
        }
        let q = self.joint_field(c).unwrap_or_else(|| self.name(c.locals[0].array));
        let (outer, last) = match at.as_slice() {
            [] => (vec![], quote!(0)),
            [outer @ .., last] => (outer.to_vec(), last.clone()),
        };
        let read = c.locals.iter().enumerate().filter(|(_, l)| l.back == 0 && (l.lasts || !of_all));
        let set = read.map(|(n, l)| {
            let name = self.name(l.array);
            let place = scope.nested(quote!(latents.#name), l.array, &at[..at.len() - usize::from(l.lasts)]);
            let extents: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
            let value = self.digit(l.array, n, &extents, quote!(state));
            quote!(#place = #value;)
        });
        quote! {
            for (state, &probability) in posterior.#q #([#outer])*.probs(#last).iter().enumerate() {
                #(#set)*
                #add
            }
        }
    }

    /// `add` for points with the mean and the covariance of a Gaussian latent: the laws of data are linear in it.
    fn over_points(&self, scope: &super::scope::Scope<'_>, e: &Elem, add: TokenStream) -> TokenStream {
        let name = self.name(e.array);
        let plates = crate::kernel::depth(self.model, e.array);
        let at: Vec<_> = e.indices[..plates].iter().map(|i| scope.index(i)).collect();
        let several = |c: &Component| c.normals.len() > 1 && c.normals.iter().any(|n| n.array == e.array);
        if let Some((_, c, joint)) = self.trajectories().find(|(_, c, _)| several(c)) {
            let (outer, last) = (&at[..plates - 1], &at[plates - 1]);
            let set = self.normal_offsets(c).into_iter().zip(&c.normals).map(|((a, start, size), n)| {
                let name = self.name(a);
                match n.over.is_empty() {
                    true => quote!(latents.#name #([#at])* = point[#start];),
                    false => quote!(latents.#name #([#at])* = point.rows(#start, #size).into_owned();),
                }
            });
            return quote! {
                mixture.over_points();
                let points = posterior.#joint #([#outer])*.points(#last);
                let probability = 1.0 / points.len() as f64;
                for point in points {
                    #(#set)*
                    #add
                }
            };
        }
        let points = match self.model.arrays[e.array.0].elem.kind.axes().len() {
            0 => quote!(unit_laws::number_points),
            _ => quote!(unit_laws::points),
        };
        quote! {
            mixture.over_points();
            let points = #points(&posterior.#name #([#at])*);
            let probability = 1.0 / points.len() as f64;
            for point in points {
                latents.#name #([#at])* = point;
                #add
            }
        }
    }

    /// How many categories a latent has, as a posterior knows.
    pub(super) fn categories_of(&self, l: &Local, posterior: TokenStream) -> TokenStream {
        let n = self.name(l.array);
        match self.model.arrays[l.array.0].plates.len() {
            0 | 1 => quote!(#posterior.#n.states()),
            _ => quote!(#posterior.#n.first().map_or(1, Categories::states)),
        }
    }

    /// The value of one of several latents in a joint state.
    pub(super) fn digit(
        &self,
        a: ArrayId,
        n: usize,
        extents: &[TokenStream],
        state: TokenStream,
    ) -> TokenStream {
        let value = digit_of(n, extents, state);
        if matches!(self.model.arrays[a.0].elem.kind, ElemKind::Bool) { quote!(#value == 1) } else { value }
    }

    pub(super) fn each_argument(&self, s: &Statement, visit: &mut impl FnMut(&Expr)) {
        use crate::model::ir::{Dist, FamilyCall};
        fn call(c: &FamilyCall, visit: &mut impl FnMut(&Expr)) {
            c.args.iter().map(|(_, e)| e).chain(&c.min).chain(&c.max).for_each(visit);
        }
        s.guards.iter().for_each(&mut *visit);
        match &s.dist {
            Some(Dist::Family(c)) => call(c, visit),
            Some(Dist::Match { on, arms, .. }) => {
                visit(on);
                arms.iter().for_each(|a| call(&a.call, visit));
            }
            None => {}
        }
    }

    /// Rows of an array that was given without values are not there; where single elements may be missing, each is looked at.
    pub(super) fn unless_absent(&self, r: &Rows, rows: TokenStream) -> TokenStream {
        if rows.is_empty() || r.missing || !self.may_be_absent(r.target.array) {
            return rows;
        }
        let name = self.name(r.target.array);
        quote!(if !data.#name.is_absent() { #rows })
    }

    /// Whether `Absent` may stand for the array: it is observed, and has an extent.
    pub(super) fn may_be_absent(&self, a: ArrayId) -> bool {
        let observed = |p: &StatementId| self.model.statements[p.0].role == Role::Observed;
        self.model.arrays[a.0].pieces.iter().any(observed)
            && !is_hidden(self.model, a)
            && self.layout(a) != Layout::Scalar
    }

    /// `sample` and `most_likely` of all latents together.
    pub fn choices(&self) -> TokenStream {
        let shared = self.hidden().iter().any(|a| self.is_shared_latent(*a));
        if let Some(choices) = self.normal_choices() {
            return choices;
        }
        let with_states: Vec<&Component> =
            self.kernel.components.iter().filter(|c| !c.locals.is_empty()).collect();
        if shared || with_states.is_empty() && self.model.integrated.is_empty() || self.has_normals() {
            return TokenStream::new();
        }
        if !self.model.integrated.is_empty() {
            return self.conditional_sample();
        }
        let names: Vec<_> = self
            .kernel
            .components
            .iter()
            .flat_map(|c| &c.locals)
            .filter(|l| l.back == 0)
            .map(|l| self.name(l.array))
            .collect();
        let rest = (names.len() < self.hidden().len()).then(|| quote!(..Latents::default()));
        let chosen = with_states.iter().map(|c| {
            let first = self.name(c.own_local().unwrap_or(&c.locals[0]).array);
            let q = self.joint_field(c).unwrap_or_else(|| first.clone());
            let states = match c.unit.len() {
                0 | 1 => quote!(self.#q.choose(choice)?),
                _ => quote!(fit::choose_rows(&self.#q, choice)?),
            };
            let is_bool = matches!(self.model.arrays[c.locals[0].array.0].elem.kind, ElemKind::Bool);
            if c.locals.len() == 1 && !c.unit.is_empty() && !is_bool {
                return quote!(let #first = #states;);
            }
            let extents: Vec<_> = c.locals.iter().map(|l| self.categories_of(l, quote!(self))).collect();
            let set = c.locals.iter().enumerate().filter(|(_, l)| l.back == 0).map(|(n, l)| {
                let name = self.name(l.array);
                let extents: Vec<_> =
                    (0..extents.len()).map(|n| format_ident!("extent_{n}")).map(|e| quote!(#e)).collect();
                let value = self.digit(l.array, n, &extents, quote!(state));
                let value = match c.unit.len() {
                    0 => quote!(states.first().map(|&state| #value).unwrap_or_default()),
                    1 if l.lasts => quote!(states.last().map(|&state| #value).unwrap_or_default()),
                    _ if l.lasts => {
                        quote!(states.iter().map(|row| row.last().map(|&state| #value).unwrap_or_default()).collect())
                    }
                    1 if self.outlasts(c) => {
                        quote!(states.iter().take(self.#name.len()).map(|&state| #value).collect())
                    }
                    _ if self.outlasts(c) => quote! {
                        states
                            .iter()
                            .zip(&self.#name)
                            .map(|(row, q)| row.iter().take(q.len()).map(|&state| #value).collect())
                            .collect()
                    },
                    1 => quote!(states.iter().map(|&state| #value).collect()),
                    _ => {
                        quote!(states.iter().map(|row| row.iter().map(|&state| #value).collect()).collect())
                    }
                };
                quote!(let #name = #value;)
            });
            // The first digit is what is left: its extent is not asked for.
            let extents = extents.iter().enumerate().skip(1).map(|(n, e)| {
                let name = format_ident!("extent_{n}");
                quote!(let #name = #e;)
            });
            quote! {
                let states = #states;
                #(#extents)*
                #(#set)*
            }
        });
        quote! {
            impl Posterior {
                /// Latents drawn from q: those of one unit jointly, one unit after another.
                ///
                /// # Errors
                /// [`Error::LocalsNotKept`] where there is no q: locals were not kept.
                pub fn sample(&self, rng: &mut impl rng::Rng) -> Result<Latents, Error> {
                    self.choose(&mut finite::Sample(rng))
                }

                /// The most likely latents: of one unit jointly, so that they may differ from the most likely one by one.
                ///
                /// # Errors
                /// As [`sample`](Self::sample).
                pub fn most_likely(&self) -> Result<Latents, Error> {
                    self.choose(&mut finite::Max::default())
                }

                fn choose(&self, choice: &mut impl finite::Choice) -> Result<Latents, Error> {
                    #(#chosen)*
                    Ok(Latents { #(#names,)* #rest })
                }
            }
        }
    }
}

/// The n-th digit of a joint state, the last of them varying fastest.
pub(super) fn digit_of(n: usize, extents: &[TokenStream], state: TokenStream) -> TokenStream {
    let behind = &extents[n + 1..];
    let inner = super::operand(&super::product(behind));
    let divided = if behind.is_empty() { state } else { quote!(#state / #inner) };
    let extent = super::operand(&extents[n]);
    if n == 0 { divided } else { quote!(#divided % #extent) }
}
