//! The E-step of a component: log potentials of a tile, and the statistics weighted by its probabilities.

use super::Emitter;
use super::scope::Scope;
use crate::density::poly::{Factor, Poly};
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::kernel::{Body, Column, Component, Loop, RowCase, Rows, Stat, Terms};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// What a row is read for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Pass {
    Potentials,
    Collect,
    Base,
}

impl Emitter<'_> {
    pub fn component_name(&self, c: &Component) -> String {
        self.component_names(c).join("_")
    }

    /// Latents of the unit itself: the finite ones, then what is integrated out or eliminated in their states.
    ///
    /// Where nothing but missing coordinates of a statement's own value is hidden, the value.
    pub fn component_names(&self, c: &Component) -> Vec<String> {
        if let Some(name) = self.name_of_gaps(c) {
            return vec![name];
        }
        c.arrays().iter().map(|a| self.model.arrays[a.0].name.to_string()).collect()
    }

    /// Inherent functions: one pair for each component, one for each fixed statement.
    pub fn passes(&self) -> TokenStream {
        let globals = self.globals_type();
        let mut out = TokenStream::new();
        for (i, c) in self.kernel.tabled().filter(|(_, c)| !c.beside) {
            let meeting = self.kernel.meetings.iter().any(|m| std::ptr::eq(c, &raw const m.component));
            let is_step = !meeting && !std::ptr::eq(c, &raw const self.kernel.components[i]);
            let latents = self.component_name(c);
            let name = if meeting {
                self.meeting_name(c)
            } else if is_step {
                self.passage_name(&self.kernel.components[i], c)
            } else {
                latents.clone()
            };
            let (potentials, collect, base) = (
                format_ident!("potentials_{name}"),
                format_ident!("collect_{name}"),
                format_ident!("constant_{name}"),
            );
            let open = self.open();
            let taken = self.as_taken(i, c);
            let (priors, others): (Vec<&Rows>, Vec<&Rows>) =
                taken.iter().partition(|r| self.is_integrated(r));
            let of_sequences = |r: &&Rows| is_step || meeting || self.is_of_sequence(c, r);
            let part = |all: Vec<&Rows>, pass: Pass| {
                let (of_sequences, of_units): (Vec<&Rows>, Vec<&Rows>) = match self.outlasts(c) {
                    true => all.into_iter().partition(of_sequences),
                    false => (vec![], all),
                };
                let rows = |rows: Vec<&Rows>| -> TokenStream {
                    rows.into_iter().map(|r| self.rows(i, c, r, pass)).collect()
                };
                let (first, rest) = (rows(of_sequences), rows(of_units));
                let rest = self.of_units(i, c, rest);
                quote!(#first #rest)
            };
            let prior = part(priors, Pass::Potentials);
            let add = part(others, Pass::Potentials);
            let clamp = (!is_step && !meeting).then(|| {
                let (clamps, beginnings) = (self.clamps(i, c), self.beginnings(i, c));
                let endings = self.endings(i, c);
                quote!(#clamps #beginnings #endings)
            });
            let (begin, begin_data, integrate) = self.integration(i, c);
            let (suppose, forget) = self.supposition(c);
            let supposing = self.suppose_fn(i, c);
            let (eliminate, refresh) = (self.eliminate_fn(i, c), self.refresh(c));
            let chain_rows = self.chain_rows_fn(i, c, &name, &taken);
            let normals = (c.has_normals() && !c.is_chain()).then(|| {
                let eliminate = self.eliminate_name(c);
                quote!(self.#eliminate(context, at, units.clone(), table, scratch);)
            });
            let measure = self.measure(c);
            let gather = part(taken.iter().collect(), Pass::Collect);
            let densities = self.densities_of(&taken);
            let expand = if meeting || is_step { TokenStream::new() } else { self.collect_expansions(i, c) };
            let whitened = self.collect_whitened(i, c);
            let constants: Vec<TokenStream> = c
                .rows
                .iter()
                .enumerate()
                .filter_map(|(n, r)| {
                    let n = proc_macro2::Literal::usize_unsuffixed(n);
                    let body = self.rows(i, c, r, Pass::Base);
                    let body = if self.is_of_sequence(c, r) { body } else { self.of_units(i, c, body) };
                    (!body.is_empty()).then(|| quote!(#n => { #body }))
                })
                .collect();
            let constants = (!constants.is_empty()).then(|| {
                quote! {
                    /// What depends on the data alone in one unit, by statement.
                    fn #base(&self, context: &Context<'_>, statement: usize, unit: usize) -> f64 {
                        #open
                        let units = unit..unit + 1;
                        let len = 1;
                        let mut constant = 0.0;
                        match statement {
                            #(#constants)*
                            _ => {}
                        }
                        constant
                    }
                }
            });
            let lines = self.lines(c.rows.iter().map(|r| r.line));
            let latents = latents.replace('_', ", ");
            let (doc, doc2, t) = if is_step {
                (
                    format!(
                        " log p of the step to a unit, for its {latents} and those before: lines {lines} of the model."
                    ),
                    format!(
                        " Adds the statistics of steps, weighted by q({latents}) of both units: what the M-step needs of lines {lines}."
                    ),
                    " `table` holds the states of the unit before by those of the unit itself.".to_string(),
                )
            } else {
                (
                    format!(
                        " log p({latents}, data; θ) of every state of every unit of a tile: lines {lines} of the model."
                    ),
                    format!(
                        " Adds the statistics of a tile, weighted by q({latents}): what the M-step needs of lines {lines}."
                    ),
                    self.table_note(c),
                )
            };
            if c.alike.is_some() {
                out.extend(quote!(#chain_rows #constants));
                continue;
            }
            out.extend(quote! {
                #[doc = #doc]
                #[doc = ""]
                #[doc = #t]
                fn #potentials(&self, context: &Context<'_>, at: &Prepared, units: Range<usize>, table: &mut [f64], scratch: &mut Scratch) {
                    #open
                    let params = &at.params;
                    let len = units.len();
                    #begin
                    #prior
                    #begin_data
                    #add
                    #normals
                    #integrate
                    #measure
                    #clamp
                }

                #eliminate

                #chain_rows

                #[doc = #doc2]
                fn #collect(&self, context: &Context<'_>, params: &#globals, units: Range<usize>, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                    #open
                    let len = units.len();
                    #suppose
                    #refresh
                    #densities
                    #gather
                    #forget
                    #expand
                    #whitened
                }

                #supposing

                #constants
            });
        }
        out.extend(self.gate_passes());
        out.extend(self.densities_fns());
        let pairs = self.kernel.components.iter().flat_map(|c| &c.pairs).map(|p| (&p.rows, true));
        for (r, is_pair) in
            self.kernel.fixed.iter().chain(&self.kernel.moving).map(|r| (r, false)).chain(pairs)
        {
            let name = self.fixed_name(r);
            let (collect, base) = (format_ident!("collect_{name}"), format_ident!("constant_{name}"));
            let open = self.open();
            let gather = self.fixed_rows(r, Pass::Collect);
            let constant = self.fixed_rows(r, Pass::Base);
            let constant = if constant.is_empty() {
                quote!(0.0)
            } else {
                quote! {
                    #open
                    let rows = usize::MAX;
                    let mut constant = 0.0;
                    #constant
                    constant
                }
            };
            let doc = format!(
                " Adds the statistics of line {}: no latent touches it, so they never change.",
                r.line
            );
            if !is_pair {
                out.extend(quote! {
                    #[doc = #doc]
                    fn #collect(&self, context: &Context<'_>, params: &#globals, rows: usize, stats: &mut Stats, scratch: &mut Scratch) {
                        #open
                        #gather
                    }
                });
            }
            out.extend(quote! {
                /// What depends on the data alone.
                fn #base(&self, context: &Context<'_>) -> f64 {
                    #constant
                }
            });
        }
        out
    }

    pub fn fixed_name(&self, r: &Rows) -> String {
        format!("{}_{}", self.model.arrays[r.target.array.0].name, r.line)
    }

    pub(super) fn table_note(&self, c: &Component) -> String {
        let states: Vec<String> = c.locals.iter().map(|l| l.state.name.clone()).collect();
        if states.is_empty() {
            return " `table` holds one number for each unit of the tile.".into();
        }
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
            [n] if !c.is_listed() => {
                let n = scope.var(n);
                quote!(let #n = #position;)
            }
            many => {
                let names = many.iter().map(|v| scope.var(v));
                let field = self.unit_field(index);
                quote!(let [#(#names),*] = context.#field[#position];)
            }
        }
    }

    /// The position of a joint state in the table.
    pub(super) fn state_index(&self, c: &Component) -> TokenStream {
        let scope = self.scope();
        let at: Vec<(Ix, Ix)> = c.locals.iter().map(|l| (Ix::var(&l.state), l.state.high.clone())).collect();
        let flat = scope.flat(&at);
        if at.len() <= 1 { flat } else { quote!((#flat)) }
    }

    pub(super) fn rows(&self, index: usize, c: &Component, r: &Rows, pass: Pass) -> TokenStream {
        if self.is_eliminated(r, pass) {
            return TokenStream::new();
        }
        let hidden = crate::kernel::touches(self.model, r) || crate::kernel::reads_normals(self.model, r);
        if !hidden && let Some(whole) = self.whole_tile(index, c, r, pass) {
            return self.unless_absent(r, whole);
        }
        let inner = self.row_body(Some(c), r, pass);
        if inner.is_empty() {
            return inner;
        }
        let looped = self.wrap(r, inner, false);
        let unit = self.unit_at(index, c, quote!(units.start + i));
        let all = quote! {
            for i in 0..len {
                #unit
                #looped
            }
        };
        self.unless_absent(r, all)
    }

    /// Whether a row has a part that depends on the data alone.
    pub(super) fn has_constant(&self, index: usize, c: &Component, r: &Rows) -> bool {
        !self.rows(index, c, r, Pass::Base).is_empty()
    }

    /// Loops and guards around a row.
    pub(super) fn wrap(&self, r: &Rows, inner: TokenStream, limited: bool) -> TokenStream {
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
                let groups = self.group_field(*group);
                quote!(for &#name in context.#groups.group(#of) { #body })
            }
        })
    }

    /// Copies of a unit: independent units that share one q.
    pub fn unit_copies<'c>(&self, c: &'c Component) -> &'c [Elem] {
        let own = c.rows.iter().find(|r| c.arrays().contains(&r.target.array));
        own.map_or(&[], |r| r.copies.as_slice())
    }

    /// Copies of a row inside one unit. Those of the unit itself do not sharpen its posterior: they count its evidence.
    pub(super) fn copies_inside(&self, c: &Component, r: &Rows) -> Vec<Elem> {
        let mut inside = r.copies.clone();
        for e in self.unit_copies(c) {
            if let Some(at) = inside.iter().position(|x| x == e) {
                inside.remove(at);
            }
        }
        inside
    }

    /// One row: its copies, its value if that may be missing, and what its cases add.
    pub(super) fn row_body(&self, c: Option<&Component>, r: &Rows, pass: Pass) -> TokenStream {
        self.row_in(self.scope(), c, r, pass)
    }

    pub(super) fn row_in(
        &self,
        scope: Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        pass: Pass,
    ) -> TokenStream {
        let mut scope = scope.with_hoists(&self.kernel.hoists);
        if let (Some(c), Pass::Collect) = (c, pass) {
            scope.expect = self.expected_statistics(c);
        }
        let copies = match (pass, c) {
            (Pass::Potentials | Pass::Base, Some(c)) => self.copies_inside(c, r),
            (Pass::Potentials | Pass::Collect | Pass::Base, _) => r.copies.clone(),
        };
        let weight = match copies.as_slice() {
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

    pub(super) fn cases(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        pass: Pass,
        weighted: bool,
    ) -> TokenStream {
        if pass != Pass::Potentials && self.kernel.is_known_in_unit(r.statement) {
            return TokenStream::new();
        }
        let inside = match pass {
            Pass::Potentials => self.potential(scope, c, r, weighted),
            Pass::Collect => self.collect_cases(scope, c, r, weighted),
            Pass::Base => self.base_cases(scope, c, r, weighted),
        };
        self.bind_cells(scope, c, r, inside)
    }

    /// `if a { … } else if b { … }`, over the cases of a `match`.
    pub(super) fn chain(
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

    pub(super) fn potential(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        weighted: bool,
    ) -> TokenStream {
        let Some(c) = c else { return TokenStream::new() };
        if crate::kernel::touches(self.model, r) {
            return self.integrated_potential(scope, c, r);
        }
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
    pub(super) fn case_value(&self, scope: &Scope<'_>, r: &Rows, case: &RowCase) -> TokenStream {
        match &case.body {
            Body::Terms(t) if case.when.is_empty() && self.value_poly(t).is_zero() => TokenStream::new(),
            Body::Terms(t) => scope.poly(&self.value_poly(t)),
            Body::Equal { value, to } => {
                let (a, b) = (scope.poly(value), scope.poly(to));
                quote!(if #a == #b { 0.0 } else { f64::NEG_INFINITY })
            }
            Body::Scalar(s) => self.scalar_value(scope, r, s),
            Body::Dense(d) if r.missing => self.gapped_value(scope, r, d),
            Body::Dense(d) => {
                let fill = self.residual_row(scope, d);
                let at = self.density_index(scope, d);
                let field = self.density_field(d);
                let spread = if self.mean_only(d) {
                    None
                } else {
                    self.dense_row_spread(scope, &d.design, &d.event, (&d.matrix, d.inverse, &d.factor))
                };
                let spread = spread.map(|s| quote!(- 0.5 * (#s)));
                quote! {
                    let row = &mut scratch.row;
                    row.clear();
                    #fill
                    at.#field[#at].one(row) #spread
                }
            }
        }
    }

    /// What the terms add to a potential, without their constants.
    pub(super) fn value_poly(&self, t: &Terms) -> Poly {
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
            // Not multiplied out: zero data make a term zero, even where the params' function is infinite.
            let data = match s.coefficient.0.as_slice() {
                [_] => s.coefficient.clone(),
                _ => Poly::factor(Factor::Paren(s.coefficient.clone())),
            };
            let one = data.mul(&s.params);
            all = all.add(&free.iter().rev().fold(one, |p, v| p.sum_over(v, &Cond::Always)));
        }
        all
    }

    pub(super) fn base_cases(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        weighted: bool,
    ) -> TokenStream {
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

    pub fn cell_index(&self, scope: &Scope<'_>, s: &Stat) -> TokenStream {
        let at: Vec<(Var, Ix)> = s.cells.iter().map(|c| (c.var.clone(), Ix::var(&c.var))).collect();
        scope.place(&at)
    }

    pub(super) fn fill_columns(
        &self,
        scope: &Scope<'_>,
        columns: &[Column],
        row: TokenStream,
    ) -> TokenStream {
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
}

fn mentions(c: &Cond, vars: &[Var]) -> bool {
    let mut found = false;
    c.visit_vars(&mut |v| found |= vars.contains(v));
    found
}
