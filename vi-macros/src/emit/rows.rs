//! The E-step of a component: log potentials of a tile, and the statistics weighted by its probabilities.

use super::Emitter;
use super::scope::Scope;
use crate::density::derive::{derive, tidy};
use crate::density::poly::{Factor, Poly};
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::kernel::{
    Body, Column, Component, DenseResidual, Loop, RowCase, Rows, ScalarResidual, Stat, StatKind, Symbol,
    Terms,
};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// What a row is read for.
#[derive(Clone, Copy, PartialEq)]
enum Pass {
    Potentials,
    Collect,
    Base,
}

impl Emitter<'_> {
    pub fn component_name(&self, c: &Component) -> String {
        c.locals.iter().map(|l| self.model.arrays[l.array.0].name.to_string()).collect::<Vec<_>>().join("_")
    }

    /// Inherent functions: one pair for each component, one for each fixed statement.
    pub fn passes(&self) -> TokenStream {
        let mut out = TokenStream::new();
        for (i, c) in self.kernel.components.iter().enumerate() {
            let name = self.component_name(c);
            let (potentials, collect, base) = (
                format_ident!("potentials_{name}"),
                format_ident!("collect_{name}"),
                format_ident!("constant_{name}"),
            );
            let open = self.open();
            let add = c.rows.iter().map(|r| self.rows(i, c, r, Pass::Potentials));
            let clamp = self.clamps(i, c);
            let gather = c.rows.iter().map(|r| self.rows(i, c, r, Pass::Collect));
            let constants = c.rows.iter().enumerate().map(|(n, r)| {
                let n = proc_macro2::Literal::usize_unsuffixed(n);
                let body = self.rows(i, c, r, Pass::Base);
                quote!(#n => { #body })
            });
            let lines = self.lines(c.rows.iter().map(|r| r.line));
            let doc = format!(
                " log p({}, data; θ) of every state of every unit of a tile: lines {lines} of the model.",
                name.replace('_', ", ")
            );
            let doc2 = format!(
                " Adds the statistics of a tile, weighted by q({}): what the M-step needs of lines {lines}.",
                name.replace('_', ", ")
            );
            let (t, s) = (self.table_note(c), "");
            let _ = s;
            out.extend(quote! {
                #[doc = #doc]
                #[doc = ""]
                #[doc = #t]
                fn #potentials(&self, context: &Context<'_>, at: &Prepared, units: Range<usize>, table: &mut [f64], scratch: &mut Scratch) {
                    #open
                    let params = &at.params;
                    let len = units.len();
                    #(#add)*
                    #clamp
                }

                #[doc = #doc2]
                fn #collect(&self, context: &Context<'_>, params: &Params, units: Range<usize>, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                    #open
                    let len = units.len();
                    #(#gather)*
                }

                /// What depends on the data alone in one unit, by statement.
                fn #base(&self, context: &Context<'_>, statement: usize, unit: usize) -> f64 {
                    #open
                    let (units, len) = (unit..unit + 1, 1);
                    let mut constant = 0.0;
                    match statement {
                        #(#constants)*
                        _ => {}
                    }
                    constant
                }
            });
        }
        for r in self.kernel.fixed.iter().chain(&self.kernel.moving) {
            let name = self.fixed_name(r);
            let (collect, base) = (format_ident!("collect_{name}"), format_ident!("constant_{name}"));
            let open = self.open();
            let gather = self.fixed_rows(r, Pass::Collect);
            let constant = self.fixed_rows(r, Pass::Base);
            let doc = format!(
                " Adds the statistics of line {}: no latent touches it, so they never change.",
                r.line
            );
            out.extend(quote! {
                #[doc = #doc]
                fn #collect(&self, context: &Context<'_>, params: &Params, rows: usize, stats: &mut Stats, scratch: &mut Scratch) {
                    #open
                    #gather
                }

                /// What depends on the data alone.
                fn #base(&self, context: &Context<'_>) -> f64 {
                    #open
                    let rows = usize::MAX;
                    let mut constant = 0.0;
                    #constant
                    constant
                }
            });
        }
        out
    }

    pub fn fixed_name(&self, r: &Rows) -> String {
        format!("{}_{}", self.model.arrays[r.target.array.0].name, r.line)
    }

    fn table_note(&self, c: &Component) -> String {
        let states: Vec<String> = c.locals.iter().map(|l| l.state.name.clone()).collect();
        format!(" `table` holds the states ({}) by the units of the tile, units fastest.", states.join(", "))
    }

    pub fn lines(&self, lines: impl Iterator<Item = usize>) -> String {
        let mut lines: Vec<usize> = lines.collect();
        lines.sort_unstable();
        lines.dedup();
        lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// `let n = units.start + i;`
    pub fn unit_at(&self, index: usize, c: &Component, position: TokenStream) -> TokenStream {
        let scope = self.scope();
        match c.unit.as_slice() {
            [] => quote!(),
            [n] => {
                let n = scope.var(n);
                quote!(let #n = #position;)
            }
            many => {
                let names = many.iter().map(|v| scope.var(v));
                let field = format_ident!("units_{index}");
                quote!(let [#(#names),*] = context.#field[#position];)
            }
        }
    }

    /// The position of a joint state in the table.
    fn state_index(&self, c: &Component) -> TokenStream {
        let scope = self.scope();
        let at: Vec<(Ix, Ix)> = c.locals.iter().map(|l| (Ix::var(&l.state), l.state.high.clone())).collect();
        let flat = scope.flat(&at);
        if at.len() == 1 { flat } else { quote!((#flat)) }
    }

    fn rows(&self, index: usize, c: &Component, r: &Rows, pass: Pass) -> TokenStream {
        if let Some(whole) = self.dense_tile(c, r, pass) {
            return whole;
        }
        let inner = self.row_body(Some(c), r, pass);
        if inner.is_empty() {
            return inner;
        }
        let looped = self.wrap(r, inner, false);
        let unit = self.unit_at(index, c, quote!(units.start + i));
        quote! {
            for i in 0..len {
                #unit
                #looped
            }
        }
    }

    fn fixed_rows(&self, r: &Rows, pass: Pass) -> TokenStream {
        let inner = self.row_body(None, r, pass);
        if inner.is_empty() { inner } else { self.wrap(r, inner, true) }
    }

    /// Loops and guards around a row.
    fn wrap(&self, r: &Rows, inner: TokenStream, limited: bool) -> TokenStream {
        let scope = self.scope();
        let guarded = scope.guarded(&r.guards, inner);
        r.loops.iter().enumerate().rev().fold(guarded, |body, (n, l)| match l {
            Loop::Range(v) => {
                let (name, low, high) = (scope.var(v), scope.index(&v.low), scope.index(&v.high));
                if limited && n == 0 {
                    quote!(for #name in (#low..#high).take(rows) { #body })
                } else {
                    quote!(for #name in #low..#high { #body })
                }
            }
            Loop::Members { var, of, group, .. } => {
                let (name, of) = (scope.var(var), scope.index(of));
                let groups = format_ident!("groups_{group}");
                quote!(for &#name in context.#groups.group(#of) { #body })
            }
        })
    }

    /// One row: its copies, its value if that may be missing, and what its cases add.
    fn row_body(&self, c: Option<&Component>, r: &Rows, pass: Pass) -> TokenStream {
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let weight = match r.copies.as_slice() {
            [] => None,
            copies => {
                let copies = super::product(&copies.iter().map(|e| scope.elem(e)).collect::<Vec<_>>());
                Some(quote!(let copies = #copies;))
            }
        };
        let event_inside = r.cases.iter().any(|c| matches!(&c.body, Body::Scalar(s) if s.event.is_some()));
        let missing =
            r.missing && !event_inside && self.model.arrays[r.target.array.0].elem.kind.axes().is_empty();
        if missing {
            let local = self.name(r.target.array);
            let raw = scope.raw(&r.target);
            scope.value.replace(Some((r.target.clone(), quote!(#local))));
            let body = self.cases(&scope, c, r, pass, weight.is_some());
            scope.value.replace(None);
            return if body.is_empty() { body } else { quote!(if let Some(#local) = #raw { #weight #body }) };
        }
        let body = self.cases(&scope, c, r, pass, weight.is_some());
        if body.is_empty() { body } else { quote!(#weight #body) }
    }

    fn cases(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        pass: Pass,
        weighted: bool,
    ) -> TokenStream {
        let inside = match pass {
            Pass::Potentials => self.potential(scope, c, r, weighted),
            Pass::Collect => self.collect_cases(scope, c, r, weighted),
            Pass::Base => self.base_cases(scope, c, r, weighted),
        };
        self.bind_cells(scope, r, inside)
    }

    /// Binds the values of givens that params are read at, before any loop over states.
    fn bind_cells(&self, scope: &Scope<'_>, r: &Rows, inside: TokenStream) -> TokenStream {
        if inside.is_empty() {
            return inside;
        }
        let used = inside.to_string();
        let mut bound: Vec<String> = vec![];
        let mut out = TokenStream::new();
        for c in r.cases.iter().flat_map(|c| &c.cells) {
            let name = scope.var(&c.var);
            let text = name.to_string();
            let read = used.split(|x: char| !x.is_alphanumeric() && x != '_').any(|w| w == text);
            if read && !bound.contains(&text) {
                let value = scope.index(&c.value);
                out.extend(quote!(let #name = #value;));
                bound.push(text);
            }
        }
        quote!(#out #inside)
    }

    /// `if a { … } else if b { … }`, over the cases of a `match`.
    fn chain(
        &self,
        scope: &Scope<'_>,
        r: &Rows,
        mut body: impl FnMut(&RowCase) -> TokenStream,
    ) -> TokenStream {
        if let [one] = r.cases.as_slice()
            && one.when.is_empty()
        {
            return body(one);
        }
        let mut out = TokenStream::new();
        let mut any = false;
        for (n, case) in r.cases.iter().enumerate() {
            let inside = body(case);
            any |= !inside.is_empty();
            let conds = case.when.iter().map(|w| scope.cond(w));
            let last = n + 1 == r.cases.len();
            out.extend(match (n, last) {
                (0, _) => quote!(if #(#conds)&&* { #inside }),
                (_, true) => quote!(else { #inside }),
                (_, false) => quote!(else if #(#conds)&&* { #inside }),
            });
        }
        if any { out } else { TokenStream::new() }
    }

    fn potential(&self, scope: &Scope<'_>, c: Option<&Component>, r: &Rows, weighted: bool) -> TokenStream {
        let Some(c) = c else { return TokenStream::new() };
        let value = self.chain(scope, r, |case| self.case_value(scope, r, case));
        if value.is_empty() {
            return value;
        }
        let simple = r.cases.len() == 1 && matches!(r.cases[0].body, Body::Terms(_) | Body::Equal { .. });
        let add = if weighted { quote!(copies * value) } else { quote!(value) };
        let index = self.state_index(c);
        let used: Vec<Var> = r.states.iter().map(|s| c.locals[*s].state.clone()).collect();
        let unused: Vec<Var> =
            c.locals.iter().map(|l| l.state.clone()).filter(|v| !used.contains(v)).collect();
        let inner = if simple && unused.is_empty() && !weighted {
            quote!(table[#index * len + i] += #value;)
        } else {
            let write = scope.loops(&unused, quote!(table[#index * len + i] += #add;));
            quote!(let value: f64 = { #value }; #write)
        };
        scope.loops(&used, inner)
    }

    /// The log density of one case, without what depends on the data alone: an expression.
    fn case_value(&self, scope: &Scope<'_>, r: &Rows, case: &RowCase) -> TokenStream {
        match &case.body {
            Body::Terms(t) => scope.poly(&self.value_poly(t)),
            Body::Equal { value, to } => {
                let (a, b) = (scope.poly(value), scope.poly(to));
                quote!(if #a == #b { 0.0 } else { f64::NEG_INFINITY })
            }
            Body::Scalar(s) => self.scalar_value(scope, r, s),
            Body::Dense(d) => {
                let fill = self.residual_row(scope, d);
                let at = self.density_index(scope, d);
                let field = self.density_field(d);
                quote! {
                    let row = &mut scratch.row;
                    row.clear();
                    #fill
                    at.#field[#at].one(row)
                }
            }
        }
    }

    /// What the terms add to a potential, without their constants.
    fn value_poly(&self, t: &Terms) -> Poly {
        let separable = self.terms_poly(t);
        match &t.pointwise {
            Some(p) => separable.add(&p.value),
            None => separable,
        }
    }

    pub fn terms_poly(&self, t: &Terms) -> Poly {
        let mut all = Poly::zero();
        for s in &t.separable {
            let free = self.component_cells(&self.kernel.stats[s.stat]);
            let one = s.coefficient.mul(&s.params);
            all = all.add(&free.iter().rev().fold(one, |p, v| p.sum_over(v, &Cond::Always)));
        }
        all
    }

    fn scalar_value(&self, scope: &Scope<'_>, r: &Rows, s: &ScalarResidual) -> TokenStream {
        let body = |scope: &Scope<'_>| {
            let rho = scope.poly(&s.rho);
            let has_precision = s.precision.as_number() != Some(1.0);
            let mut lambda: Vec<TokenStream> = vec![];
            if s.weight.as_number() != Some(1.0) {
                lambda.push(scope.grouped(&s.weight));
            }
            let mut log = TokenStream::new();
            if has_precision {
                let prec = self.hoisted_poly(scope, &s.precision);
                lambda.push(prec);
                let half = crate::kernel::half_log(self.model, &s.precision);
                let half = self.hoisted_poly(scope, &half);
                log = quote!(+ #half);
            }
            let normaliser = self.value_poly(&s.normaliser);
            if !normaliser.is_zero() {
                let n = scope.poly(&normaliser);
                log = quote!(#log + (#n));
            }
            quote! {
                let rho = #rho;
                value += -0.5 * #(#lambda *)* rho * rho #log;
            }
        };
        match &s.event {
            None => {
                let body = body(scope);
                quote! {
                    let mut value = 0.0;
                    #body
                    value
                }
            }
            Some(d) => {
                let inner = self.event_value(scope, r, d, body);
                let looped = scope.loops(std::slice::from_ref(d), inner);
                quote! {
                    let mut value = 0.0;
                    #looped
                    value
                }
            }
        }
    }

    /// Inside the loop over components: binds a component that may be missing.
    fn event_value(
        &self,
        scope: &Scope<'_>,
        r: &Rows,
        d: &Var,
        body: impl Fn(&Scope<'_>) -> TokenStream,
    ) -> TokenStream {
        if !r.missing {
            return body(scope);
        }
        let mut indices = r.target.indices.clone();
        indices.push(Ix::var(d));
        let target = Elem { array: r.target.array, indices };
        let local = self.name(target.array);
        let raw = scope.raw(&target);
        scope.value.replace(Some((target, quote!(#local))));
        let body = body(scope);
        scope.value.replace(None);
        quote!(if let Some(#local) = #raw { #body })
    }

    fn hoisted_poly(&self, scope: &Scope<'_>, p: &Poly) -> TokenStream {
        match crate::kernel::find_in(&self.kernel.hoists, p) {
            Some((n, over)) => {
                let name = format_ident!("{}", self.kernel.hoists[n].name);
                let at = over.iter().map(|v| scope.var(v));
                quote!(at.#name[[#(#at),*]])
            }
            None => scope.grouped(p),
        }
    }

    fn base_cases(&self, scope: &Scope<'_>, c: Option<&Component>, r: &Rows, weighted: bool) -> TokenStream {
        // A case that a state decides has no constant: what it adds counts with the probability of the state.
        let states: Vec<Var> = c.map_or(vec![], |c| c.locals.iter().map(|l| l.state.clone()).collect());
        if r.cases.iter().any(|case| case.when.iter().any(|w| mentions(w, &states))) {
            return TokenStream::new();
        }
        let weight = if weighted { quote!(copies *) } else { quote!() };
        self.chain(scope, r, |case| {
            let (base, event) = match &case.body {
                Body::Terms(t) => (t.base.clone(), None),
                Body::Scalar(s) => (s.base.add(&s.normaliser.base), s.event.clone()),
                Body::Dense(d) => (d.base.clone(), None),
                Body::Equal { value, to } => {
                    if c.is_some() {
                        return TokenStream::new();
                    }
                    let (a, b) = (scope.poly(value), scope.poly(to));
                    return quote!(if #a != #b { constant = f64::NEG_INFINITY; });
                }
            };
            if base.is_zero() {
                return TokenStream::new();
            }
            match event {
                None => {
                    let base = scope.poly(&base);
                    quote!(constant += #weight (#base);)
                }
                Some(d) => {
                    let inner = self.event_value(scope, r, &d, |scope| {
                        let base = scope.poly(&base);
                        quote!(constant += #weight (#base);)
                    });
                    scope.loops(std::slice::from_ref(&d), inner)
                }
            }
        })
    }

    fn collect_cases(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        weighted: bool,
    ) -> TokenStream {
        let body = self.chain(scope, r, |case| {
            let mut out = TokenStream::new();
            match &case.body {
                Body::Terms(t) => self.collect_terms(scope, t, &mut out),
                Body::Scalar(s) => {
                    let inner = |scope: &Scope<'_>| {
                        let mut out = TokenStream::new();
                        self.collect_terms(scope, &s.normaliser, &mut out);
                        out.extend(self.collect_moments(scope, s.moments, &s.weight));
                        if let Some(n) = s.count {
                            out.extend(self.collect_stat(scope, n));
                        }
                        out
                    };
                    out.extend(match &s.event {
                        None => inner(scope),
                        Some(d) => {
                            let body = self.event_value(scope, r, d, inner);
                            scope.loops(std::slice::from_ref(d), body)
                        }
                    });
                }
                Body::Dense(d) => out.extend(self.collect_moments(scope, d.moments, &Poly::number(1.0))),
                Body::Equal { .. } => {}
            }
            out
        });
        if body.is_empty() {
            return body;
        }
        let Some(c) = c else {
            return if weighted { quote!(let prob = copies; #body) } else { quote!(let prob = 1.0; #body) };
        };
        let used: Vec<Var> = r.states.iter().map(|s| c.locals[*s].state.clone()).collect();
        let unused: Vec<Var> =
            c.locals.iter().map(|l| l.state.clone()).filter(|v| !used.contains(v)).collect();
        let index = self.state_index(c);
        let weight = if weighted { quote!(copies *) } else { quote!() };
        let r = if unused.is_empty() {
            quote!(let prob = #weight table[#index * len + i];)
        } else {
            let sum = scope.loops(&unused, quote!(prob += table[#index * len + i];));
            quote!(let mut prob = 0.0; #sum let prob = #weight prob;)
        };
        // A state of probability 0 adds nothing, not even the 0 · ∞ of data it cannot have.
        scope.loops(&used, quote!(#r if prob > 0.0 { #body }))
    }

    fn collect_terms(&self, scope: &Scope<'_>, t: &Terms, out: &mut TokenStream) {
        let mut seen = vec![];
        for s in &t.separable {
            if !seen.contains(&s.stat) {
                seen.push(s.stat);
                out.extend(self.collect_stat(scope, s.stat));
            }
        }
        if let Some(p) = &t.pointwise {
            out.extend(self.collect_taylor(scope, p.stat));
        }
    }

    /// Value, gradient and Hessian of a function of data and params, at the current params.
    fn collect_taylor(&self, scope: &Scope<'_>, stat: usize) -> TokenStream {
        let s = &self.kernel.stats[stat];
        let StatKind::Taylor { value, symbols } = &s.kind else { return TokenStream::new() };
        let field = format_ident!("{}", s.name);
        let at: Vec<_> = s.cells.iter().map(|c| scope.var(&c.var)).collect();
        let p = self.symbols_len(symbols);
        let over: Vec<Var> = symbols.iter().flat_map(|s| s.over.clone()).collect();
        let value_code = scope.poly(value);
        let mut derivatives = vec![];
        for (n, a) in symbols.iter().enumerate() {
            let Some(first) = derive(value, a.elem.array, &a.elem.indices).map(tidy) else { continue };
            let i = self.symbol_position(symbols, n, &a.over);
            let mut inner = vec![(vec![], quote!(1 + #i), first.clone())];
            for (m, b) in symbols.iter().enumerate() {
                let twin =
                    |v: &Var| Var::new(format!("{}′", v.name), v.nominal, v.low.clone(), v.high.clone());
                let twins: Vec<Var> = b.over.iter().map(twin).collect();
                let place =
                    b.over.iter().zip(&twins).fold(b.elem.clone(), |e, (v, t)| e.substitute(v, &Ix::var(t)));
                let Some(second) = derive(&first, place.array, &place.indices).map(tidy) else { continue };
                if second.is_zero() {
                    continue;
                }
                let j = self.symbol_position(symbols, m, &twins);
                inner.push((twins, quote!(1 + #p + (#i) * (#p) + #j), second));
            }
            derivatives.push((a.over.clone(), inner));
        }
        // What no loop over elements changes is computed once.
        let mut shared: Vec<(Factor, proc_macro2::Ident)> = vec![];
        let all: Vec<&Poly> =
            derivatives.iter().flat_map(|(_, inner)| inner.iter().map(|(_, _, p)| p)).collect();
        let mut loop_vars = over.clone();
        loop_vars
            .extend(derivatives.iter().flat_map(|(_, inner)| inner.iter().flat_map(|(t, _, _)| t.clone())));
        for p in all {
            for (f, _) in p.0.iter().flat_map(|t| &t.factors) {
                let mut varies = false;
                f.visit_vars(&mut |v| varies |= loop_vars.contains(v));
                if matches!(f, Factor::Apply(..) | Factor::Paren(_))
                    && !varies
                    && !shared.iter().any(|(g, _)| g == f)
                {
                    let name = format_ident!("f{}", shared.len());
                    shared.push((f.clone(), name));
                }
            }
        }
        let lets = shared.iter().map(|(f, name)| {
            let value = scope.poly(&Poly::factor(f.clone()));
            quote!(let #name = #value;)
        });
        let lets: TokenStream = lets.collect();
        scope.locals.replace(shared);
        let mut body = quote!(stats.#field[[#(#at,)* 0]] += prob * (#value_code););
        for (outer, inner) in derivatives {
            let mut code = TokenStream::new();
            for (twins, position, p) in inner {
                let d = scope.poly(&p);
                code.extend(scope.loops(&twins, quote!(stats.#field[[#(#at,)* #position]] += prob * (#d);)));
            }
            body.extend(scope.loops(&outer, code));
        }
        scope.locals.replace(vec![]);
        quote!(#lets #body)
    }

    /// Number of elements a Taylor series is taken in.
    pub fn symbols_len(&self, symbols: &[Symbol]) -> TokenStream {
        let scope = self.scope();
        let parts: Vec<_> = symbols
            .iter()
            .map(|s| {
                let extents: Vec<_> = s.over.iter().map(|v| scope.index(&v.high)).collect();
                if extents.is_empty() { quote!(1) } else { super::product(&extents) }
            })
            .collect();
        if let [one] = parts.as_slice() { quote!(#one) } else { quote!((#(#parts)+*)) }
    }

    /// The position of an element among them.
    pub fn symbol_position(&self, symbols: &[Symbol], n: usize, over: &[Var]) -> TokenStream {
        let scope = self.scope();
        let at: Vec<(Ix, Ix)> = over.iter().map(|v| (Ix::var(v), v.high.clone())).collect();
        let here = scope.flat(&at);
        if n == 0 {
            return here;
        }
        let before = self.symbols_len(&symbols[..n]);
        if over.is_empty() { before } else { quote!(#before + #here) }
    }

    fn collect_stat(&self, scope: &Scope<'_>, stat: usize) -> TokenStream {
        let s: &Stat = &self.kernel.stats[stat];
        let StatKind::Sum(coefficient) = &s.kind else { return TokenStream::new() };
        let field = format_ident!("{}", s.name);
        let at = s.cells.iter().map(|c| scope.var(&c.var));
        let write = match coefficient.as_number() {
            Some(1.0) => quote!(stats.#field[[#(#at),*]] += prob;),
            _ => {
                let x = scope.grouped(coefficient);
                quote!(stats.#field[[#(#at),*]] += prob * #x;)
            }
        };
        // Cells that the row does not fix: the components of its value.
        let free: Vec<Var> = self.component_cells(s);
        scope.loops(&free, write)
    }

    /// Cells of a statistic that are bound by no loop around the row: sums inside the statement's terms.
    fn component_cells(&self, s: &Stat) -> Vec<Var> {
        let (_, rows) = crate::kernel::rows_of(self.kernel).find(|(_, r)| r.statement == s.statement).unzip();
        let Some(rows): Option<&Rows> = rows else { return vec![] };
        let mut bound: Vec<Var> = rows
            .loops
            .iter()
            .map(|l| match l {
                Loop::Range(v) | Loop::Members { var: v, .. } => v.clone(),
            })
            .collect();
        for c in &self.kernel.components {
            if c.rows.iter().any(|r| r.statement == s.statement) {
                bound.extend(c.unit.iter().cloned());
                bound.extend(c.locals.iter().map(|l| l.state.clone()));
            }
        }
        for case in &rows.cases {
            if let Body::Scalar(x) = &case.body {
                bound.extend(x.event.clone());
            }
        }
        s.cells
            .iter()
            .filter(|c| c.value == Ix::var(&c.var) && !bound.contains(&c.var))
            .map(|c| c.var.clone())
            .collect()
    }

    fn collect_moments(&self, scope: &Scope<'_>, stat: usize, weight: &Poly) -> TokenStream {
        let s = &self.kernel.stats[stat];
        let StatKind::Moments { columns } = &s.kind else { return TokenStream::new() };
        let field = format_ident!("{}", s.name);
        let at = self.cell_index(scope, s);
        let r = match weight.as_number() {
            Some(1.0) => quote!(prob),
            _ => {
                let w = scope.grouped(weight);
                quote!(prob * #w)
            }
        };
        if columns.iter().all(|c| c.over.is_empty()) {
            let u = columns.iter().map(|c| scope.poly(&c.value));
            return quote!(stats.#field.add_row(#at, #r, &[#(#u),*]););
        }
        let fill = self.fill_columns(scope, columns, quote!(row));
        quote! {
            let row = &mut scratch.row;
            row.clear();
            #fill
            stats.#field.add_row(#at, #r, row);
        }
    }

    pub fn cell_index(&self, scope: &Scope<'_>, s: &Stat) -> TokenStream {
        let at: Vec<(Ix, Ix)> = s.cells.iter().map(|c| (Ix::var(&c.var), c.var.high.clone())).collect();
        scope.flat(&at)
    }

    fn fill_columns(&self, scope: &Scope<'_>, columns: &[Column], row: TokenStream) -> TokenStream {
        columns
            .iter()
            .map(|c| {
                let x = scope.poly(&c.value);
                scope.loops(&c.over, quote!(#row.push(#x);))
            })
            .collect()
    }

    pub fn columns_len(&self, columns: &[Column]) -> TokenStream {
        let scope = self.scope();
        let parts = columns.iter().map(|c| {
            let extents: Vec<_> = c.over.iter().map(|v| scope.index(&v.high)).collect();
            if extents.is_empty() { quote!(1) } else { super::product(&extents) }
        });
        quote!(#(#parts)+*)
    }

    fn residual_row(&self, scope: &Scope<'_>, d: &DenseResidual) -> TokenStream {
        let x = if self.mean_only(d) { scope.poly(&d.design.columns[0].value) } else { scope.poly(&d.rho) };
        scope.loops(std::slice::from_ref(&d.event), quote!(row.push(#x);))
    }

    /// Whether the mean is params alone, so that it is part of the tabulated density.
    pub fn mean_only(&self, d: &DenseResidual) -> bool {
        d.design.columns.len() == 1
    }

    pub fn density_field(&self, d: &DenseResidual) -> proc_macro2::Ident {
        format_ident!("{}", self.kernel.stats[d.moments].name.replace("moments", "density"))
    }

    fn density_index(&self, scope: &Scope<'_>, d: &DenseResidual) -> TokenStream {
        self.cell_index(scope, &self.kernel.stats[d.moments])
    }

    /// A dense residual whose rows are the units: whole tiles go to the kernels.
    fn dense_tile(&self, c: &Component, r: &Rows, pass: Pass) -> Option<TokenStream> {
        let [RowCase { when, cells: data_cells, body: Body::Dense(d) }] = r.cases.as_slice() else {
            return None;
        };
        if !when.is_empty()
            || !data_cells.is_empty()
            || !r.loops.is_empty()
            || !r.guards.is_empty()
            || !r.copies.is_empty()
            || r.missing
            || c.unit.len() != 1
        {
            return None;
        }
        let s = &self.kernel.stats[d.moments];
        let states: Vec<Var> = c.locals.iter().map(|l| l.state.clone()).collect();
        let cells: Vec<Var> = s.cells.iter().map(|c| c.var.clone()).collect();
        if cells != states || !self.mean_only(d) {
            return None;
        }
        let plain = crate::density::normal_form::as_elem(&d.design.columns[0].value).filter(|e| {
            e.array == r.target.array && e.indices.len() == 2 && e.indices[0] == Ix::var(&c.unit[0])
        })?;
        let scope = self.scope();
        let name = self.name(plain.array);
        let dim = scope.index(&d.event.high);
        let (field, moments) = (self.density_field(d), format_ident!("{}", s.name));
        let gauge = format_ident!("{}_gauge", s.name);
        Some(match pass {
            Pass::Potentials => {
                let index = self.state_index(c);
                let add = scope.loops(
                    &states,
                    quote!(at.#field[#index].add(tile, len, &mut table[#index * len..][..len]);),
                );
                quote! {
                    let tile = dense::tile(&mut scratch.tile, #dim * len);
                    data.#name.copy_tile(units.clone(), tile);
                    #add
                }
            }
            Pass::Collect => quote! {
                let tile = dense::tile(&mut scratch.tile, #dim * len);
                data.#name.copy_tile(units.clone(), tile);
                dense::shift(tile, len, &context.#gauge);
                stats.#moments.add_tile(tile, len, table);
            },
            Pass::Base => {
                let base = scope.poly(&d.base);
                quote!(constant += #base;)
            }
        })
    }

    /// Latents that are observed for some units: every other state is impossible there.
    fn clamps(&self, index: usize, c: &Component) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for l in c.locals.iter().filter(|l| self.model.arrays[l.array.0].missing) {
            let name = self.name(l.array);
            let at = c.unit.iter().map(|v| scope.var(v));
            let unit = self.unit_at(index, c, quote!(units.start + i));
            let state = scope.var(&l.state);
            let states: Vec<Var> = c.locals.iter().map(|l| l.state.clone()).collect();
            let position = self.state_index(c);
            let known = if matches!(self.model.arrays[l.array.0].elem.kind, crate::model::ir::ElemKind::Bool)
            {
                quote!(usize::from(known))
            } else {
                quote!(known)
            };
            let rule_out = scope.loops(
                &states,
                quote!(if #state != #known { table[#position * len + i] = f64::NEG_INFINITY; }),
            );
            out.extend(quote! {
                for i in 0..len {
                    #unit
                    if let Some(known) = data.#name.get(#(#at),*) {
                        #rule_out
                    }
                }
            });
        }
        out
    }
}

fn mentions(c: &Cond, vars: &[Var]) -> bool {
    let mut found = false;
    c.visit_vars(&mut |v| found |= vars.contains(v));
    found
}
