//! Units that are read once: the moments of their data, and what follows from them in every sweep.

use super::Emitter;
use super::coefficients::Place;
use super::scope::Scope;
use crate::density::poly::{Poly, Term};
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::{Body, Collapse, Column, Component, Part, RowCase, Rows, ScalarResidual, StatKind, part};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// What the runtime asks where units are read once.
    pub(super) fn collapse_fns(&self) -> TokenStream {
        let with: Vec<(usize, &Component, &Collapse)> = self
            .kernel
            .components
            .iter()
            .enumerate()
            .filter_map(|(i, c)| Some((i, c, c.collapse.as_ref()?)))
            .collect();
        if with.is_empty() {
            return TokenStream::new();
        }
        let open = self.open();
        let list = with.iter().map(|(i, ..)| Literal::usize_unsuffixed(*i));
        let fill = with.iter().map(|(i, c, x)| {
            let n = Literal::usize_unsuffixed(*i);
            let (dim, fill) = (self.data_len(x), self.data_tile(&c.unit[0], &x.data));
            quote!(#n => { design.begin(units, #dim); #fill })
        });
        let collapse = with.iter().map(|(i, c, x)| {
            let n = Literal::usize_unsuffixed(*i);
            let body = self.collapsed(c, x);
            quote!(#n => { #body })
        });
        quote! {
            const COLLAPSED: &'static [usize] = &[#(#list),*];

            fn data_tile(&self, context: &Context<'_>, component: usize, units: Range<usize>, design: &mut Design) {
                #open
                match component {
                    #(#fill)*
                    _ => {}
                }
            }

            /// Statistics of all units from the moments of their data: latents have one covariance, and means that are affine in the data.
            fn collapse(&self, context: &Context<'_>, at: &Prepared, component: usize, moments: &Moments, stats: &mut Stats) {
                #open
                let params = &at.params;
                match component {
                    #(#collapse)*
                    _ => {}
                }
            }
        }
    }

    pub(super) fn data_len(&self, x: &Collapse) -> TokenStream {
        let sizes: Vec<_> = x.data.iter().map(|d| self.extent(&d.over)).collect();
        if sizes.is_empty() { quote!(0) } else { quote!(#(#sizes)+*) }
    }

    pub(super) fn extent(&self, over: &[Var]) -> TokenStream {
        let scope = self.scope();
        let extents: Vec<_> = over.iter().map(|v| scope.index(&v.high)).collect();
        if extents.is_empty() { quote!(1) } else { super::product(&extents) }
    }

    /// The position of a datum among those of its unit.
    pub(super) fn datum(&self, scope: &Scope<'_>, c: &Component, x: &Collapse, e: &Elem) -> TokenStream {
        let mut before = vec![];
        for d in &x.data {
            if !d.holds(&c.unit, e) {
                before.push(self.extent(&d.over));
                continue;
            }
            let own = e.indices.iter().zip(&d.at).filter(|(_, at)| at.is_none()).map(|(i, _)| i.clone());
            let within: Vec<(Ix, Ix)> = own.zip(d.over.iter().map(|v| v.high.clone())).collect();
            let at = scope.flat(&within);
            return match (before.is_empty(), within.is_empty()) {
                (true, _) => at,
                (false, true) => quote!(#(#before)+*),
                (false, false) => quote!(#(#before)+* + #at),
            };
        }
        quote!(0)
    }

    fn collapsed(&self, c: &Component, x: &Collapse) -> TokenStream {
        let width = self.width(c);
        let rows: TokenStream = c.rows.iter().map(|r| self.collapsed_rows(c, x, r)).collect();
        let mut add: TokenStream = c.rows.iter().map(|r| self.collapsed_moments(c, x, r)).collect();
        for e in
            self.kernel.expansions.iter().filter(|e| std::ptr::eq(&self.kernel.components[e.component], c))
        {
            add.extend(self.add_joint(&self.scope(), c, x, e.stat, &Poly::number(1.0)));
        }
        quote! {
            let mut system = Collapse::new(#width, moments.cell(0).gauge);
            #rows
            let joint = system.solve(moments.cell(0));
            stats.evidence.log += joint.log_evidence;
            stats.evidence.magnitude += joint.magnitude;
            let mut forms = Forms::default();
            #add
        }
    }

    /// The rows of one statement, their data unknown.
    pub(super) fn collapsed_rows(&self, c: &Component, x: &Collapse, r: &Rows) -> TokenStream {
        let scope = self.scope().with_hoists(&self.kernel.hoists);
        let place = Place { component: c, collapse: Some(x) };
        self.affine(&scope, r, |case| match &case.body {
            Body::Scalar(s) => {
                let fill = self.collapsed_row(&scope, c, x, &s.rho);
                let mut lambda: Vec<TokenStream> = vec![];
                if s.weight.as_number() != Some(1.0) {
                    lambda.push(scope.grouped(&s.weight));
                }
                let mut half = quote!(0.0);
                if s.precision.as_number() != Some(1.0) {
                    lambda.push(self.hoisted_poly(&scope, &s.precision));
                    half = self.hoisted_poly(&scope, &crate::kernel::half_log(self.model, &s.precision));
                }
                let lambda = if lambda.is_empty() { quote!(1.0) } else { super::product(&lambda) };
                let uncertain = self.uncertain_row(&scope, place, s, false);
                self.components_there(&scope, r, s, quote!(#fill system.weigh(#lambda, #half); #uncertain))
            }
            Body::Dense(d) => {
                let fill = self.collapsed_row(&scope, c, x, &d.rho);
                let rows = scope.loops(std::slice::from_ref(&d.event), fill);
                let (field, at) = (self.density_field(d), self.density_index(&scope, d));
                let high = scope.index(&d.event.high);
                let uncertain = self.uncertain_vector(&scope, place, d, false);
                let system = if c.alike.is_some() { quote!(system) } else { quote!(&mut system) };
                quote!(#rows at.#field[#at].whiten_all(#system, #high); #uncertain)
            }
            Body::Terms(_) | Body::Equal { .. } => TokenStream::new(),
        })
    }

    /// What is written of each case of a statement, where its value is there, at the values of givens that it reads.
    fn affine(&self, scope: &Scope<'_>, r: &Rows, case: impl FnMut(&RowCase) -> TokenStream) -> TokenStream {
        let body = self.chain(scope, r, case);
        let mut body = self.bind_cells(scope, None, r, body);
        let inside = r.cases.iter().any(|c| matches!(&c.body, Body::Scalar(s) if s.event.is_some()));
        if r.missing && !inside && !body.is_empty() {
            let raw = scope.raw(&r.target);
            body = quote!(if #raw.is_some() { #body });
        }
        if body.is_empty() {
            return body;
        }
        let looped = self.wrap(r, body, false);
        self.unless_absent(r, looped)
    }

    /// The components of a vector that are there, one after another.
    fn components_there(
        &self,
        scope: &Scope<'_>,
        r: &Rows,
        s: &ScalarResidual,
        body: TokenStream,
    ) -> TokenStream {
        let Some(d) = &s.event else { return body };
        let body = if r.missing {
            let mut indices = r.target.indices.clone();
            indices.push(Ix::var(d));
            let raw = scope.raw(&Elem { array: r.target.array, indices });
            quote!(if #raw.is_some() { #body })
        } else {
            body
        };
        scope.loops(std::slice::from_ref(d), body)
    }

    fn collapsed_row(&self, scope: &Scope<'_>, c: &Component, x: &Collapse, rho: &Poly) -> TokenStream {
        let (width, len) = (self.width(c), self.data_len(x));
        let mut fixed = Poly::zero();
        let mut fill = TokenStream::new();
        for t in &rho.0 {
            let (at, rest) = match part(self.model, &c.unit, t) {
                Some(Part::Latent(e, rest)) => (self.normal_index(scope, c, &e), negated(rest)),
                Some(Part::Datum(e, rest)) => {
                    let at = self.datum(scope, c, x, &e);
                    (quote!(#width + #at), Poly(vec![rest]))
                }
                Some(Part::Fixed(t)) => {
                    fixed = fixed.add(&Poly(vec![t]));
                    continue;
                }
                None => continue,
            };
            let value = scope.poly(&rest);
            let write = scope.guarded(&t.guard, quote!(row[#at] += #value;));
            fill.extend(scope.loops(&t.sums, write));
        }
        let rest = (!fixed.is_zero()).then(|| {
            let fixed = scope.poly(&fixed);
            quote!(row[#width + #len] = #fixed;)
        });
        quote! {
            let row = system.row();
            #fill
            #rest
        }
    }

    /// Adds all units to the statistics of one statement.
    pub(super) fn collapsed_moments(&self, c: &Component, x: &Collapse, r: &Rows) -> TokenStream {
        let scope = self.scope();
        self.affine(&scope, r, |case| match &case.body {
            Body::Scalar(s) => {
                let count = s.count.map(|n| {
                    let stat = &self.kernel.stats[n];
                    let field = format_ident!("{}", stat.name);
                    let at = stat.cells.iter().map(|c| scope.var(&c.var));
                    quote!(stats.#field[[#(#at),*]] += joint.count();)
                });
                let add = self.add_joint(&scope, c, x, s.moments, &s.weight);
                let one = self.components_there(&scope, r, s, quote!(#add #count));
                let laws = self.kernel.roundings.iter().flat_map(|x| &x.laws);
                let round = laws
                    .filter(|l| self.kernel.stats[l.stat].statement == r.statement)
                    .map(|l| self.add_joint(&scope, c, x, l.stat, &Poly::number(1.0)));
                quote!(#one #(#round)*)
            }
            Body::Dense(d) => self.add_joint(&scope, c, x, d.moments, &Poly::number(1.0)),
            Body::Terms(_) | Body::Equal { .. } => TokenStream::new(),
        })
    }

    /// Adds all units to a statistic.
    fn add_joint(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        x: &Collapse,
        stat: usize,
        weight: &Poly,
    ) -> TokenStream {
        let s = &self.kernel.stats[stat];
        let StatKind::Moments { columns } = &s.kind else { return TokenStream::new() };
        let (field, at) = (format_ident!("{}", s.name), self.cell_index(scope, s));
        let push: TokenStream = columns.iter().map(|x_| self.form(scope, c, x, x_)).collect();
        let add = match weight.as_number() {
            Some(1.0) => quote!(joint.add(&mut forms, &mut stats.#field, #at);),
            _ => {
                let weight = scope.grouped(weight);
                quote!(joint.add_weighted(&mut forms, &mut stats.#field, #at, #weight);)
            }
        };
        quote! {
            forms.clear();
            #push
            #add
        }
    }

    /// A column as a function of data and latents.
    fn form(&self, scope: &Scope<'_>, c: &Component, x: &Collapse, column: &Column) -> TokenStream {
        let len = self.data_len(x);
        let mut fixed = Poly::zero();
        let mut push = TokenStream::new();
        for t in &column.value.0 {
            let (at, rest) = match part(self.model, &c.unit, t) {
                Some(Part::Latent(e, rest)) => {
                    let at = self.normal_index(scope, c, &e);
                    (quote!(#len + #at), rest)
                }
                Some(Part::Datum(e, rest)) => (self.datum(scope, c, x, &e), rest),
                Some(Part::Fixed(t)) => {
                    fixed = fixed.add(&Poly(vec![t]));
                    continue;
                }
                None => continue,
            };
            let value = scope.poly(&Poly(vec![rest]));
            let write = scope.guarded(&t.guard, quote!(forms.term(#at, #value);));
            push.extend(scope.loops(&t.sums, write));
        }
        let fixed = scope.poly(&fixed);
        scope.loops(&column.over, quote!(#push forms.end(#fixed);))
    }
}

fn negated(t: Term) -> Poly {
    Poly(vec![t]).scale(-1.0)
}
