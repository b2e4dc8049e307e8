//! Statements of two units: what the others say of one, and the statistics of both.
//!
//! Where a statement is a sum of data times functions of the shared unknowns, the others enter through sums over their states alone:
//! Σ_j q_j(l) · data(i, j), one for each l, and only then is anything done for each pair of states.

use super::Emitter;
use super::scope::Scope;
use crate::density::symbol::Var;
use crate::kernel::{Body, Component, End, Loop, Pairs, Rows, Separable, StatKind, Terms};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn coupled(&self) -> Vec<usize> {
        let pairs = |(_, c): &(usize, &Component)| !c.pairs.is_empty();
        self.kernel.components.iter().enumerate().filter(pairs).map(|(i, _)| i).collect()
    }

    /// Inherent functions of the components whose units take turns.
    pub(super) fn pair_passes(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for c in self.kernel.components.iter().filter(|c| !c.pairs.is_empty()) {
            let name = self.component_name(c);
            let (couple, collect, profile) = (
                format_ident!("couple_{name}"),
                format_ident!("collect_pairs_{name}"),
                format_ident!("profile_{name}"),
            );
            let open = self.open();
            let globals = self.globals_type();
            let scope = self.scope();
            let states = scope.index(&c.locals[0].state.high);
            let units = scope.index(&c.unit[0].high);
            let add = c.pairs.iter().map(|p| {
                let (first, second) = (self.message(p, 0), self.message(p, 1));
                quote!(#first #second)
            });
            let gather = c.pairs.iter().map(|p| self.pair_statistics(p));
            let rows = c.pairs.iter().map(|p| {
                let (first, second) = (self.pair_profile(p, 0), self.pair_profile(p, 1));
                quote!(#first #second)
            });
            let lines = self.lines(c.pairs.iter().map(|p| p.rows.line));
            let doc =
                format!(" Adds E log p of lines {lines} to the table of one unit, under q of the others.");
            let doc2 = format!(" Adds the statistics of lines {lines}, weighted by q of both units.");
            let doc3 = format!(" Adds a unit's data of lines {lines} with each of the others.");
            out.extend(quote! {
                #[doc = #doc]
                fn #couple(&self, context: &Context<'_>, at: &Prepared, unit: usize, q: &[f64], table: &mut [f64]) {
                    #open
                    let params = &at.params;
                    let states = #states;
                    #(#add)*
                }

                #[doc = #doc2]
                fn #collect(&self, context: &Context<'_>, params: &#globals, q: &[f64], stats: &mut Stats) {
                    #open
                    let states = #states;
                    for unit in 0..#units {
                        #(#gather)*
                    }
                }

                #[doc = #doc3]
                fn #profile(&self, context: &Context<'_>, unit: usize, row: &mut [f64]) {
                    #open
                    #(#rows)*
                }
            });
        }
        out
    }

    /// The trait's side of it.
    pub(super) fn pair_fns(&self) -> TokenStream {
        let coupled = self.coupled();
        if coupled.is_empty() {
            return TokenStream::new();
        }
        let list = coupled.iter().map(|i| Literal::usize_unsuffixed(*i));
        let arms = |prefix: &str, args: TokenStream| -> Vec<TokenStream> {
            coupled
                .iter()
                .map(|i| {
                    let f = format_ident!("{prefix}_{}", self.component_name(&self.kernel.components[*i]));
                    let i = Literal::usize_unsuffixed(*i);
                    quote!(#i => self.#f(#args),)
                })
                .collect()
        };
        let couple = arms("couple", quote!(context, at, unit, q, table));
        let collect = arms("collect_pairs", quote!(context, &Default::default(), q, stats));
        let profile = arms("profile", quote!(context, unit, row));
        quote! {
            const COUPLED: &'static [usize] = &[#(#list),*];

            fn couple(&self, context: &Context<'_>, at: &Prepared, component: usize, unit: usize, q: &[f64], table: &mut [f64]) {
                match component {
                    #(#couple)*
                    _ => {}
                }
            }

            fn collect_pairs(&self, context: &Context<'_>, component: usize, q: &[f64], stats: &mut Stats) {
                match component {
                    #(#collect)*
                    _ => {}
                }
            }

            fn profile(&self, context: &Context<'_>, component: usize, unit: usize, row: &mut [f64]) {
                match component {
                    #(#profile)*
                    _ => {}
                }
            }
        }
    }

    /// Loops over the pairs in which a unit is the `own` end.
    fn partners(&self, p: &Pairs, own: usize, inner: TokenStream) -> TokenStream {
        let end: &End = &p.ends[own];
        let scope = self.scope();
        let bound: Var = match (&end.group, end.at.as_var()) {
            (Some((over, _)), _) => over.clone(),
            (None, Some(v)) => v.clone(),
            (None, None) => return TokenStream::new(),
        };
        let guarded = scope.guarded(&p.rows.guards, inner);
        let rest: Vec<Var> = p
            .rows
            .loops
            .iter()
            .filter_map(|l| match l {
                Loop::Range(v) if *v != bound => Some(v.clone()),
                Loop::Range(_) | Loop::Members { .. } => None,
            })
            .collect();
        let name = scope.var(&bound);
        match &end.group {
            Some((_, group)) => {
                let groups = self.group_field(*group);
                let looped = scope.loops(&rest, guarded);
                quote!(for &#name in context.#groups.group(unit) { #looped })
            }
            None => {
                let looped = scope.loops(&rest, guarded);
                quote!({ let #name = unit; #looped })
            }
        }
    }

    /// Binds the value of a pair if that may be missing.
    fn with_value(
        &self,
        scope: &Scope<'_>,
        r: &Rows,
        inner: impl FnOnce(&Scope<'_>) -> TokenStream,
    ) -> TokenStream {
        if !r.missing {
            return inner(scope);
        }
        let local = self.name(r.target.array);
        let raw = scope.raw(&r.target);
        scope.value.replace(Some((r.target.clone(), quote!(#local))));
        let body = inner(scope);
        scope.value.replace(None);
        quote!(if let Some(#local) = #raw { #body })
    }

    /// Terms whose data no state decides.
    fn by_sums<'t>(&self, p: &'t Pairs) -> Option<&'t Terms> {
        let [case] = p.rows.cases.as_slice() else { return None };
        let Body::Terms(t) = &case.body else { return None };
        let states = [&p.ends[0].state, &p.ends[1].state];
        let free = |s: &Separable| !states.iter().any(|v| s.coefficient.mentions(v));
        t.separable.iter().all(free).then_some(t)
    }

    /// Σ_j q_j(l) · data, for every term and state l of the other end, into `sums`.
    fn sums(&self, p: &Pairs, t: &Terms, own: usize) -> TokenStream {
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let other = &p.ends[1 - own];
        let partner = scope.index(&other.at);
        let body = self.with_value(&scope, &p.rows, |scope| {
            let adds = t.separable.iter().enumerate().map(|(n, s)| {
                let n = Literal::usize_unsuffixed(n);
                let x = scope.grouped(&s.coefficient);
                quote! {
                    let amount = #x;
                    if amount != 0.0 {
                        columns::add_scaled(&mut sums[#n * states..][..states], amount, other);
                    }
                }
            });
            quote! {
                let other = &q[#partner * states..][..states];
                #(#adds)*
            }
        });
        let count = Literal::usize_unsuffixed(t.separable.len());
        let looped = self.partners(p, own, body);
        quote! {
            let mut sums = vec![0.0; #count * states];
            #looped
        }
    }

    /// What the other ends say of the states of one.
    fn message(&self, p: &Pairs, own: usize) -> TokenStream {
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let (mine, theirs) = (&p.ends[own].state, &p.ends[1 - own].state);
        let (k, l) = (scope.var(mine), scope.var(theirs));
        if let Some(t) = self.by_sums(p) {
            let sums = self.sums(p, t, own);
            let adds = t.separable.iter().enumerate().map(|(n, s)| {
                let n = Literal::usize_unsuffixed(n);
                let value = scope.poly(&s.params);
                quote!(table[#k] += special::times(sums[#n * states + #l], #value);)
            });
            return quote! {{
                #sums
                for #l in 0..states {
                    for #k in 0..states {
                        #(#adds)*
                    }
                }
            }};
        }
        let partner = scope.index(&p.ends[1 - own].at);
        let body = self.with_value(&scope, &p.rows, |scope| {
            let value = self.case_value(scope, &p.rows, &p.rows.cases[0]);
            quote! {
                for #l in 0..states {
                    let weight = q[#partner * states + #l];
                    if weight > 0.0 {
                        for #k in 0..states {
                            let value: f64 = { #value };
                            table[#k] += weight * value;
                        }
                    }
                }
            }
        });
        self.partners(p, own, body)
    }

    /// The statistics of the pairs in which a unit is the first.
    fn pair_statistics(&self, p: &Pairs) -> TokenStream {
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let (k, l) = (scope.var(&p.ends[0].state), scope.var(&p.ends[1].state));
        if let Some(t) = self.by_sums(p) {
            let sums = self.sums(p, t, 0);
            let mut seen = vec![];
            let mut adds = TokenStream::new();
            for (n, s) in t.separable.iter().enumerate() {
                if seen.contains(&s.stat) {
                    continue;
                }
                seen.push(s.stat);
                let stat = &self.kernel.stats[s.stat];
                let StatKind::Sum(_) = &stat.kind else { continue };
                let n = Literal::usize_unsuffixed(n);
                let field = format_ident!("{}", stat.name);
                let at = stat.cells.iter().map(|c| scope.var(&c.var));
                adds.extend(quote!(stats.#field[[#(#at),*]] += own[#k] * sums[#n * states + #l];));
            }
            return quote! {{
                #sums
                let own = &q[unit * states..][..states];
                for #k in 0..states {
                    for #l in 0..states {
                        #adds
                    }
                }
            }};
        }
        let partner = scope.index(&p.ends[1].at);
        let body = self.with_value(&scope, &p.rows, |scope| {
            let inner = match &p.rows.cases[0].body {
                Body::Terms(t) => {
                    let mut out = TokenStream::new();
                    self.collect_terms(scope, t, &mut out);
                    out
                }
                Body::Scalar(s) => {
                    let mut out = TokenStream::new();
                    self.collect_terms(scope, &s.normaliser, &mut out);
                    out.extend(self.collect_moments(scope, s.moments, &s.weight));
                    if let Some(n) = s.count {
                        out.extend(self.collect_stat(scope, n));
                    }
                    out
                }
                Body::Dense(_) | Body::Equal { .. } => TokenStream::new(),
            };
            quote! {
                for #k in 0..states {
                    for #l in 0..states {
                        let responsibility = q[unit * states + #k] * q[#partner * states + #l];
                        if responsibility > 0.0 {
                            #inner
                        }
                    }
                }
            }
        });
        self.partners(p, 0, body)
    }

    fn pair_profile(&self, p: &Pairs, own: usize) -> TokenStream {
        let scope = self.scope();
        let partner = scope.index(&p.ends[1 - own].at);
        let body = self.with_value(&scope, &p.rows, |scope| {
            let x = match &p.rows.cases[0].body {
                Body::Terms(t) => t.separable.first().map(|s| scope.poly(&s.coefficient)),
                Body::Scalar(s) => s.design.columns.first().map(|c| scope.poly(&c.value)),
                Body::Dense(_) | Body::Equal { .. } => None,
            };
            let x = x.unwrap_or_else(|| quote!(1.0));
            quote!(row[#partner] += #x;)
        });
        self.partners(p, own, body)
    }
}
