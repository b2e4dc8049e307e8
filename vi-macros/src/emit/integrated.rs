//! Latents that are integrated out in every state of their unit: natural parameters from the rows that hold them, and what is expected.

use super::Emitter;
use super::scope::{Expect, Scope};
use crate::density::poly::Poly;
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::kernel::{
    Body, Component, DenseResidual, Integrated, Own, Pointwise, RowCase, Rows, ScalarResidual, Terms,
    own_terms,
};
use crate::plan::laws;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use std::rc::Rc;

impl<'a> Emitter<'a> {
    /// The component that holds an integrated latent, and which of its latents it is.
    pub(super) fn integrated_of(&self, a: crate::model::ir::ArrayId) -> Option<(usize, &'a Integrated)> {
        self.kernel
            .components
            .iter()
            .enumerate()
            .find_map(|(n, c)| c.integrated.iter().find(|i| i.array == a).map(|i| (n, i)))
    }

    /// Whether a row is the prior of an integrated latent.
    pub(super) fn is_integrated(&self, r: &Rows) -> bool {
        self.model.integrated.contains(&r.target.array)
    }

    /// Whether the parameters of a latent's prior are uncertain: averaged over them, it does not integrate to 1.
    fn has_uncertain_prior(&self, c: &Component, a: crate::model::ir::ArrayId) -> bool {
        let mut uncertain = false;
        let mut see =
            |p: &Poly| p.visit_elems(&mut |e| uncertain |= crate::kernel::is_random(self.model, e.array));
        for case in c.rows.iter().filter(|r| r.target.array == a).flat_map(|r| &r.cases) {
            if let Body::Terms(t) = &case.body {
                t.separable.iter().for_each(|s| see(&s.params));
                t.pointwise.iter().for_each(|p| see(&p.value));
            }
        }
        uncertain
    }

    /// Around the rows of a tile: coefficients of 0, the end of the priors, and the log-partitions.
    pub(super) fn integration(&self, index: usize, c: &Component) -> (TokenStream, TokenStream, TokenStream) {
        let (mut begin, mut data, mut end) = (TokenStream::new(), TokenStream::new(), TokenStream::new());
        if c.integrated.is_empty() {
            return (begin, data, end);
        }
        let count = Literal::usize_unsuffixed(c.integrated.len());
        let states = self.states(c);
        begin.extend(quote!(scratch.integrals(#count);));
        for (n, i) in c.integrated.iter().enumerate() {
            let n = Literal::usize_unsuffixed(n);
            let (elements, statistics) = self.extents(i);
            let (law, power) = (self.integrated_law(i), super::number(i.power.value()));
            begin.extend(match self.is_there(index, c, i) {
                None => quote!(scratch.integrals[#n].begin(#states, #elements, #statistics, len);),
                Some(there) => {
                    quote!(scratch.integrals[#n].begin_where(#states, #elements, #statistics, len, |i| { #there });)
                }
            });
            if !self.has_uncertain_prior(c, i.array) {
                data.extend(quote!(scratch.integrals[#n].begin_data();));
            }
            end.extend(quote!(scratch.magnitude += scratch.integrals[#n].integrate::<#law>(#power, table);));
        }
        end.extend(quote!(scratch.integrated = true;));
        (begin, data, end)
    }

    /// Around the statistics of a tile: where no potentials came before, the latents are taken as their priors have them.
    pub(super) fn supposition(&self, c: &Component) -> (TokenStream, TokenStream) {
        if c.integrated.is_empty() {
            return (TokenStream::new(), TokenStream::new());
        }
        let suppose = format_ident!("suppose_{}", self.component_name(c));
        (
            quote! {
                if !scratch.integrated {
                    self.#suppose(context, params, units.clone(), scratch);
                }
            },
            quote!(scratch.integrated = false;),
        )
    }

    /// The moments of integrated latents under their priors.
    pub(super) fn suppose_fn(&self, index: usize, c: &Component) -> TokenStream {
        if c.integrated.is_empty() {
            return TokenStream::new();
        }
        let suppose = format_ident!("suppose_{}", self.component_name(c));
        let (begin, data, end) = self.integration(index, c);
        let (open, globals, states) = (self.open(), self.globals_type(), self.states(c));
        let scope = self.scope();
        let unit = self.unit_at(index, c, quote!(units.start + i));
        let priors = c.rows.iter().filter(|r| c.integrated.iter().any(|i| i.array == r.target.array));
        let rows: TokenStream = priors
            .map(|r| {
                let of_sequence = self.is_of_sequence(c, r);
                let inner = self.integrated_potential(&scope, c, r);
                let inner = self.bind_cells(&scope, Some(c), r, inner);
                let looped = self.wrap(r, inner, false);
                let all = quote!(for i in 0..len { #unit #looped });
                if of_sequence { all } else { self.of_units(index, c, all) }
            })
            .collect();
        let names: Vec<String> =
            c.integrated.iter().map(|i| self.model.arrays[i.array.0].name.to_string()).collect();
        let doc = format!(" What is expected of {} under its prior, in every state.", names.join(", "));
        quote! {
            #[doc = #doc]
            fn #suppose(&self, context: &Context<'_>, params: &#globals, units: Range<usize>, scratch: &mut Scratch) {
                #open
                let len = units.len();
                let table = &mut vec![0.0; #states * len];
                #begin
                #rows
                #data
                #end
            }
        }
    }

    pub(super) fn states(&self, c: &Component) -> TokenStream {
        let scope = self.scope();
        let states: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
        match states.as_slice() {
            [] => quote!(1),
            [one] => super::operand(one),
            many => {
                let product = super::product(many);
                quote!((#product))
            }
        }
    }

    /// How many elements a unit has, and how many statistics each.
    fn extents(&self, i: &Integrated) -> (TokenStream, TokenStream) {
        let scope = self.scope();
        let inner: Vec<_> = i.inner.iter().map(|v| scope.index(&v.high)).collect();
        let elements = if inner.is_empty() { quote!(1) } else { super::product(&inner) };
        let slots = Literal::usize_unsuffixed(i.slots.len());
        let statistics = i.event.as_ref().map_or(quote!(#slots), |v| scope.index(&v.high));
        (elements, statistics)
    }

    /// The family, of which the element is one.
    pub(super) fn integrated_law(&self, i: &Integrated) -> TokenStream {
        super::shared::spelt(&laws::of_support(&self.model.arrays[i.array.0].elem.kind, false))
    }

    /// Which element of its unit, and which of its statistics.
    pub(super) fn place(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        i: &Integrated,
        e: &Elem,
        slot: usize,
    ) -> [TokenStream; 2] {
        let plates = self.model.arrays[i.array.0].plates.len();
        let at: Vec<(Ix, Ix)> = i
            .inner
            .iter()
            .zip(&e.indices[c.rank_of(i.array)..plates])
            .map(|(v, ix)| (ix.clone(), v.high.clone()))
            .collect();
        let slot = Literal::usize_unsuffixed(slot);
        let statistic = match (&i.event, e.indices.get(plates)) {
            (Some(_), Some(k)) => scope.index(k),
            (Some(_), None) | (None, _) => quote!(#slot),
        };
        [scope.flat(&at), statistic]
    }

    /// What stands for a statistic while the statistics of a tile are gathered.
    pub(super) fn expected_statistics<'e>(&'e self, c: &'e Component) -> Option<Expect<'e>> {
        if c.integrated.is_empty() {
            return None;
        }
        Some(Rc::new(move |scope, e, slot| {
            let Some((n, i)) = c.integrated.iter().enumerate().find(|(_, i)| i.array == e.array) else {
                return quote!(f64::NAN);
            };
            let at = i.slots.iter().position(|s| s == slot).unwrap_or_default();
            let state = self.state_index(c);
            let [element, statistic] = self.place(scope, c, i, e, at);
            let n = Literal::usize_unsuffixed(n);
            quote!(scratch.integrals[#n].expect(#state, #element, #statistic, i))
        }))
    }

    /// One row that holds an integrated latent: what adds to its natural parameters, and to the table. What is left of a prior is its
    /// normaliser, which the integral has.
    pub(super) fn integrated_potential(&self, scope: &Scope<'_>, c: &Component, r: &Rows) -> TokenStream {
        let table = !self.is_integrated(r) || self.has_uncertain_prior(c, r.target.array);
        let states: Vec<Var> = c.locals.iter().map(|l| l.state.clone()).collect();
        let body = self.chain(scope, r, |case| self.integrated_case(scope, c, r, case, table));
        scope.loops(&states, body)
    }

    fn integrated_case(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        r: &Rows,
        case: &RowCase,
        table: bool,
    ) -> TokenStream {
        match &case.body {
            Body::Terms(t) => self.integrated_terms(scope, c, t, TokenStream::new(), table),
            Body::Scalar(s) => {
                let body = |scope: &Scope<'_>| self.integrated_scalar(scope, c, s, table);
                match &s.event {
                    None => body(scope),
                    Some(d) => {
                        let inner = self.event_value(scope, r, d, body);
                        scope.loops(std::slice::from_ref(d), inner)
                    }
                }
            }
            Body::Dense(d) => self.integrated_dense(scope, c, d, table),
            Body::Equal { .. } => TokenStream::new(),
        }
    }

    /// −½ w λ ρ² + ½ log wλ, with the latent in w.
    fn integrated_scalar(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        s: &ScalarResidual,
        table: bool,
    ) -> TokenStream {
        let rho = scope.poly(&s.rho);
        let Some((plain, own)) = own_terms(c, &s.weight) else { return TokenStream::new() };
        let mut log = TokenStream::new();
        let mut lambda = TokenStream::new();
        if s.precision.as_number() != Some(1.0) {
            let prec = self.hoisted_poly(scope, &s.precision);
            lambda = quote!(* #prec);
            let half = crate::kernel::half_log(self.model, &s.precision);
            let half = self.hoisted_poly(scope, &half);
            log = half;
        }
        let spread = self.scalar_spread(scope, s).map(|s| quote!(- 0.5 * (#s)));
        let square = quote!(-0.5 * rho * rho #lambda #spread);
        let mut out = quote!(let rho = #rho;);
        for o in &own {
            out.extend(self.add_own(scope, c, o, Some(&square)));
        }
        if !plain.is_zero() {
            let w = scope.grouped(&plain);
            log = match plain.as_number() {
                Some(1.0) => joined(square.clone(), log),
                _ => {
                    let square = super::operand(&square);
                    joined(quote!(#w * #square), log)
                }
            };
        }
        out.extend(self.integrated_terms(scope, c, &s.normaliser, log, table));
        out
    }

    /// −½ w ρᵀΛρ + ½ log det wΛ, with the latent in w.
    fn integrated_dense(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        d: &DenseResidual,
        table: bool,
    ) -> TokenStream {
        let fill = self.residual_row(scope, d);
        let (at, field) = (self.density_index(scope, d), self.density_field(d));
        let spread = if self.mean_only(d) {
            None
        } else {
            self.dense_row_spread(scope, &d.design, &d.event, (&d.matrix, d.inverse, &d.factor))
        };
        let spread = spread.map(|s| quote!(- 0.5 * (#s)));
        let Some((plain, own)) = own_terms(c, &d.weight) else { return TokenStream::new() };
        let square = quote!(square);
        let mut out = quote! {
            let row = &mut scratch.row;
            row.clear();
            #fill
            let constant = at.#field[#at].half_log_det();
            let square = at.#field[#at].one(row) - constant #spread;
        };
        for o in &own {
            out.extend(self.add_own(scope, c, o, Some(&square)));
        }
        let log = if plain.is_zero() { quote!(constant) } else { quote!(constant + square) };
        out.extend(self.integrated_terms(scope, c, &d.normaliser, log, table));
        out
    }

    /// Terms of a row, and a value that goes to the table with them.
    pub(super) fn integrated_terms(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        t: &Terms,
        more: TokenStream,
        table: bool,
    ) -> TokenStream {
        let mut rest = Terms::default();
        let mut out = TokenStream::new();
        let mut all: Vec<Own> = vec![];
        if let Some(p) = &t.pointwise {
            let Some((plain, own)) = own_terms(c, &p.value) else { return TokenStream::new() };
            own.iter().for_each(|o| out.extend(self.add_own(scope, c, o, None)));
            rest.pointwise = (!plain.is_zero()).then_some(Pointwise { value: plain, stat: p.stat });
        }
        for s in &t.separable {
            let Some((plain, _)) = own_terms(c, &s.coefficient) else { return TokenStream::new() };
            if !plain.is_zero() {
                let mut s = s.clone();
                s.coefficient = plain;
                rest.separable.push(s);
            }
        }
        for s in &t.separable {
            let free = self.component_cells(&self.kernel.stats[s.stat]);
            let Some((_, own)) = own_terms(c, &s.coefficient) else { return TokenStream::new() };
            for mut o in own {
                o.coefficient = o.coefficient.mul(&s.params);
                o.over = free.iter().cloned().chain(o.over).collect();
                // Coefficients of one statistic are one sum.
                let same = |p: &&mut Own| {
                    (p.latent, p.slot) == (o.latent, o.slot)
                        && (&p.element, &p.over, &p.guards) == (&o.element, &o.over, &o.guards)
                };
                match all.iter_mut().find(same) {
                    Some(p) => p.coefficient = p.coefficient.add(&o.coefficient),
                    None => all.push(o),
                }
            }
        }
        all.iter().for_each(|o| out.extend(self.add_own(scope, c, o, None)));
        let value = self.value_poly(&rest);
        if table && (!value.is_zero() || !more.is_empty()) {
            let index = self.state_index(c);
            let value = if value.is_zero() { more } else { joined(scope.poly(&value), more) };
            out.extend(quote!(table[#index * len + i] += #value;));
        }
        out
    }

    fn add_own(&self, scope: &Scope<'_>, c: &Component, o: &Own, times: Option<&TokenStream>) -> TokenStream {
        let i = &c.integrated[o.latent];
        let n = Literal::usize_unsuffixed(o.latent);
        let state = self.state_index(c);
        let [element, statistic] = self.place(scope, c, i, &o.element, o.slot);
        let value = match (times, o.coefficient.as_number()) {
            (Some(t), Some(1.0)) => t.clone(),
            (Some(t), _) => {
                let (x, t) = (scope.grouped(&o.coefficient), super::operand(t));
                quote!(#x * #t)
            }
            (None, _) => scope.poly(&o.coefficient),
        };
        let add = quote!(scratch.integrals[#n].add(#state, #element, #statistic, i, #value););
        let guards: Vec<Cond> = o.guards.clone();
        scope.loops(&o.over, scope.guarded(&guards, add))
    }

    /// `Vec<Marginal<Mixture<dist::PowerGamma>>>`: one law for each state, or one law.
    pub(super) fn integrated_type(&self, a: crate::model::ir::ArrayId) -> TokenStream {
        let Some((n, i)) = self.integrated_of(a) else { return quote!(()) };
        let law = self.integrated_law(i);
        let inner = match (self.kernel.components[n].locals.is_empty(), &i.event) {
            (true, _) => quote!(Marginal<#law>),
            (false, None) => quote!(Marginal<integrals::Mixture<#law>>),
            (false, Some(_)) => quote!(Marginal<integrals::VectorMixture<#law>>),
        };
        self.plates_of(a).iter().fold(inner, |t, _| quote!(Vec<#t>))
    }

    /// Whether the `i`-th unit of a tile has a latent, where not all units do.
    fn is_there(&self, index: usize, c: &Component, i: &Integrated) -> Option<TokenStream> {
        let cond = match i.is_there(&c.unit) {
            Some(cond) => self.scope().cond(&cond),
            None => self.unit_is_there(c)?,
        };
        let unit = self.unit_at(index, c, quote!(units.start + i));
        Some(quote!(#unit #cond))
    }
}

fn joined(a: TokenStream, b: TokenStream) -> TokenStream {
    if b.is_empty() { a } else { quote!(#a + #b) }
}
