//! Symbols to Rust: how an index, an element or a function is spelt where code stands.

use super::invariant::Around;
use super::locals::LOCALS;
use crate::density::normal_form::as_elem;
use crate::density::poly::{Exponent, Factor, Func, MatrixRef, Poly, Term};
use crate::density::symbol::{Cond, Elem, Ix, IxTerm, Var};
use crate::kernel::{Hoist, Slot, find_in, is_param, is_unit_normal};
use crate::model::ir::{ArrayId, ElemKind, Model, Role, SizeId};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};
use std::cell::RefCell;
use std::rc::Rc;

/// What stands for a statistic of an integrated latent.
pub type Expect<'a> = Rc<dyn Fn(&Scope<'_>, &Elem, &Slot) -> TokenStream + 'a>;

type Spell<'a> = Box<dyn Fn(&Scope<'_>, &Elem) -> TokenStream + 'a>;

/// Where code stands: what the names in it mean.
pub struct Scope<'a> {
    pub model: &'a Model,
    /// Tabulated functions of params, read from `at`.
    pub hoists: Option<&'a [Hoist]>,
    /// Arrays that are spelt otherwise here.
    pub spelt: Vec<(ArrayId, Spell<'a>)>,
    /// The observed value of this row, where it may be missing.
    pub value: RefCell<Option<(Elem, TokenStream)>>,
    /// Factors that were computed already.
    pub locals: RefCell<Vec<(Factor, Ident)>>,
    /// The loops that are being written, the outermost first.
    pub around: RefCell<Vec<Around>>,
    /// Latents are values here, not distributions to take expectations under.
    pub by_value: bool,
    /// Moments are added elsewhere.
    pub without_moments: bool,
    /// Where latents are integrated out: their expected statistics.
    pub expect: Option<Expect<'a>>,
}

impl<'a> Scope<'a> {
    pub fn new(model: &'a Model) -> Self {
        Scope {
            model,
            hoists: None,
            spelt: vec![],
            value: RefCell::new(None),
            locals: RefCell::new(vec![]),
            around: RefCell::new(vec![]),
            by_value: false,
            without_moments: false,
            expect: None,
        }
    }

    pub fn with_hoists(mut self, hoists: &'a [Hoist]) -> Self {
        self.hoists = Some(hoists);
        self
    }

    /// Header constants by their bare names: inside `Model::new`.
    pub fn spell_consts_bare(mut self) -> Self {
        for (n, a) in self.model.arrays.iter().enumerate() {
            if a.role == Role::Const {
                let id = ArrayId(n);
                self.spelt.push((
                    id,
                    Box::new(move |scope: &Scope<'_>, e: &Elem| {
                        let at: Vec<TokenStream> = e.indices.iter().map(|i| scope.index(i)).collect();
                        let name = scope.array(id);
                        scope.nested(quote!(#name), id, &at)
                    }),
                ));
            }
        }
        self
    }

    pub fn spell(mut self, array: ArrayId, f: impl Fn(&Scope<'_>, &Elem) -> TokenStream + 'a) -> Self {
        self.spelt.push((array, Box::new(f)));
        self
    }

    pub fn var(&self, v: &Var) -> Ident {
        let primes = v.name.matches('′').count();
        let name = v.name.replace('′', "");
        let name = if primes > 0 {
            format!("{name}{}", primes + 1)
        } else if LOCALS.contains(&name.as_str()) {
            format!("{name}_")
        } else {
            name
        };
        Ident::new(&name, Span::call_site())
    }

    pub fn size(&self, s: SizeId) -> Ident {
        let name = &self.model.sizes[s.0].name;
        Ident::new(&name.to_string(), Span::call_site())
    }

    pub fn array(&self, a: ArrayId) -> Ident {
        self.model.arrays[a.0].name.clone()
    }

    /// An index as a `usize`.
    pub fn index(&self, i: &Ix) -> TokenStream {
        let mut out = TokenStream::new();
        let mut first = true;
        let (plus, minus): (Vec<_>, Vec<_>) = i.terms.iter().partition(|(c, _)| *c > 0);
        for (c, t) in plus.iter().chain(&minus) {
            let term = match t {
                IxTerm::Var(v) => {
                    let v = self.var(v);
                    quote!(#v)
                }
                IxTerm::Size(s, args) => {
                    let s = self.size(*s);
                    let args = args.iter().map(|a| self.index(a));
                    quote!(#s #([#args])*)
                }
                IxTerm::Read(e) => self.read_index(e),
            };
            let n = Literal::usize_unsuffixed(c.unsigned_abs() as usize);
            let term = if c.unsigned_abs() == 1 { term } else { quote!(#n * #term) };
            out.extend(match (first, *c > 0) {
                (true, true) => term,
                (true, false) => quote!(0 - #term),
                (false, true) => quote!(+ #term),
                (false, false) => quote!(- #term),
            });
            first = false;
        }
        let n = Literal::usize_unsuffixed(i.offset.unsigned_abs() as usize);
        match (first, i.offset) {
            (true, _) => quote!(#n),
            (false, 0) => out,
            (false, o) if o > 0 => quote!(#out + #n),
            (false, _) => quote!(#out - #n),
        }
    }

    fn read_index(&self, e: &Elem) -> TokenStream {
        let raw = self.raw(e);
        match self.model.arrays[e.array.0].elem.kind {
            ElemKind::Bool => quote!(usize::from(#raw)),
            ElemKind::Count | ElemKind::Counts(_) => quote!((#raw as usize)),
            ElemKind::Category(_)
            | ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => raw,
        }
    }

    /// An element as it is stored.
    pub fn raw(&self, e: &Elem) -> TokenStream {
        if let Some((known, spelling)) = &*self.value.borrow()
            && known == e
        {
            return spelling.clone();
        }
        if let Some((_, f)) = self.spelt.iter().find(|(a, _)| *a == e.array) {
            return f(self, e);
        }
        let array = &self.model.arrays[e.array.0];
        let name = self.array(e.array);
        let indices: Vec<TokenStream> = e.indices.iter().map(|i| self.index(i)).collect();
        if !self.by_value && is_unit_normal(self.model, e.array) {
            let back = crate::kernel::back(self.model, e);
            let depth = crate::kernel::depth(self.model, e.array);
            let (mean, within) = (super::normals::mean_name(&name, back), &indices[depth..]);
            return quote!(#mean #([#within])*);
        }
        match array.role {
            Role::Const => self.nested(quote!(self.#name), e.array, &indices),
            Role::Given | Role::Observed if indices.is_empty() => quote!(data.#name),
            Role::Given | Role::Observed => quote!(data.#name.get(#(#indices),*)),
            Role::Param => self.nested(quote!(params.#name), e.array, &indices),
            Role::Latent if self.by_value => self.nested(quote!(latents.#name), e.array, &indices),
            Role::Latent => self.nested(quote!(params.#name), e.array, &indices),
        }
    }

    /// `Vec`s around a number, a `DVector` or a `DMatrix`.
    pub fn nested(&self, base: TokenStream, a: ArrayId, indices: &[TokenStream]) -> TokenStream {
        let plates = self.model.arrays[a.0].plates.len().min(indices.len());
        let (outer, inner) = indices.split_at(plates);
        let base = quote!(#base #([#outer])*);
        match inner {
            [] => base,
            [i] => quote!(#base[#i]),
            _ => quote!(#base[(#(#inner),*)]),
        }
    }

    /// An element as an `f64`.
    pub fn elem(&self, e: &Elem) -> TokenStream {
        if let Some(expected) = self.integrated(e, &Slot::Power(Exponent::ONE)) {
            return expected;
        }
        if self.has_law(e.array) && !self.is_spelt(e.array) {
            return self.expectation(e, Exponent::ONE);
        }
        let raw = self.raw(e);
        let param = is_param(self.model, e.array);
        match self.model.arrays[e.array.0].elem.kind {
            ElemKind::Bool => quote!(f64::from(u8::from(#raw))),
            ElemKind::Count | ElemKind::Counts(_) | ElemKind::Category(_) if !param => quote!((#raw as f64)),
            ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => raw,
        }
    }

    /// E of a statistic of an integrated latent.
    fn integrated(&self, e: &Elem, slot: &Slot) -> Option<TokenStream> {
        let expect = self.expect.as_ref().filter(|_| self.model.integrated.contains(&e.array))?;
        Some(expect(self, e, slot))
    }

    fn integrated_log(&self, p: &Poly) -> Option<TokenStream> {
        let (e, slot) = match as_elem(p) {
            Some(e) => (e, Slot::Log),
            None => (as_elem(&Poly::number(1.0).sub(p))?, Slot::Log1m),
        };
        self.integrated(&e, &slot)
    }

    /// A polynomial as an `f64`.
    pub fn poly(&self, p: &Poly) -> TokenStream {
        let mut out = TokenStream::new();
        for (n, t) in p.0.iter().enumerate() {
            let (sign, body) = self.term(t);
            out.extend(match (n, sign) {
                (0, false) => body,
                (0, true) => quote!(-#body),
                (_, false) => quote!(+ #body),
                (_, true) => quote!(- #body),
            });
        }
        if p.0.is_empty() { quote!(0.0) } else { out }
    }

    /// A polynomial that stands as a factor.
    pub fn grouped(&self, p: &Poly) -> TokenStream {
        let body = self.poly(p);
        let single =
            p.0.len() == 1 && !self.term(&p.0[0]).0 && p.0[0].factors.len() <= 1 && p.0[0].coef.0 == 1.0;
        if single || p.as_number().is_some_and(|x| x >= 0.0) { body } else { quote!((#body)) }
    }

    /// (negative, the term without its sign)
    fn term(&self, t: &Term) -> (bool, TokenStream) {
        let negative = t.coef.0 < 0.0;
        let mut up: Vec<TokenStream> = vec![];
        let mut down: Vec<TokenStream> = vec![];
        let mut logs: Vec<TokenStream> = vec![];
        let mut conds: Vec<TokenStream> = vec![];
        self.enter(&t.sums);
        for (f, e) in &t.factors {
            if let Factor::Iverson(c) = f {
                conds.push(self.cond(c));
                continue;
            }
            let hoisted = self.hoisted(f, *e);
            let is_log = matches!(f, Factor::Apply(Func::Log | Func::LogPhi, _)) && *e == Exponent::ONE;
            match hoisted {
                Some(h) if is_log => logs.push(h),
                Some(h) => up.push(h),
                None if is_log => logs.push(self.factor(f)),
                None => self.power(f, *e, &mut up, &mut down),
            }
        }
        let size = t.coef.0.abs();
        let number = super::size(size);
        let mut product: Option<TokenStream> = None;
        let times =
            |p: Option<TokenStream>, x: &TokenStream| Some(p.map_or_else(|| x.clone(), |p| quote!(#p * #x)));
        if size != 1.0 || up.is_empty() && logs.is_empty() {
            product = times(product, &quote!(#number));
        }
        for x in &up {
            product = times(product, x);
        }
        // A logarithm alone is what there is to divide.
        if product.is_none() && !down.is_empty() {
            product = Some(logs.remove(0));
        }
        for x in &down {
            product = product.map(|p| quote!(#p / #x));
        }
        // A count of zero times log 0 is zero.
        let risky = !up.is_empty();
        for (n, x) in logs.iter().enumerate() {
            product = match product {
                Some(p) if risky && n == 0 => Some(quote!(special::times(#p, #x))),
                Some(p) => Some(quote!(#p * #x)),
                None => Some(x.clone()),
            };
        }
        let mut body = product.unwrap_or_else(|| quote!(#number));
        if !conds.is_empty() {
            body = quote!((if #(#conds)&&* { #body } else { 0.0 }));
        }
        for (n, v) in t.sums.iter().enumerate().rev() {
            let (name, low, high) = (self.var(v), self.index(&v.low), self.index(&v.high));
            let innermost = n + 1 == t.sums.len();
            let filter = if innermost && !t.guard.is_empty() {
                let guards = t.guard.iter().map(|g| self.cond(g));
                quote!(.filter(|&#name| #(#guards)&&*))
            } else {
                TokenStream::new()
            };
            let before = self.leave();
            body = self.after(before, quote!((#low..#high)#filter.map(|#name| #body).sum::<f64>()));
        }
        (negative, body)
    }

    fn hoisted(&self, f: &Factor, e: Exponent) -> Option<TokenStream> {
        let hoists = self.hoists?;
        let mut param = false;
        f.visit_elems(&mut |x| param |= is_param(self.model, x.array));
        if !param {
            return None;
        }
        let value = crate::kernel::single(f, e);
        let (n, over) = find_in(hoists, &value)?;
        let name = format_ident!("{}", hoists[n].name);
        let at = over.iter().map(|v| self.var(v));
        Some(quote!(at.#name[[#(#at),*]]))
    }

    pub(super) fn is_spelt(&self, a: ArrayId) -> bool {
        self.spelt.iter().any(|(b, _)| *b == a)
    }

    fn power(&self, f: &Factor, e: Exponent, up: &mut Vec<TokenStream>, down: &mut Vec<TokenStream>) {
        if let Factor::Elem(x) = f
            && self.has_law(x.array)
        {
            up.push(self.expectation(x, e));
            return;
        }
        if let Factor::Elem(x) = f
            && let Some(expected) = self.integrated(x, &Slot::Power(e))
        {
            up.push(expected);
            return;
        }
        let x = self.factor(f);
        match (e.num, e.den) {
            (1, 1) => up.push(x),
            (-1, 1) => down.push(x),
            (n @ 2..=3, 1) => up.extend((0..n).map(|_| x.clone())),
            (n, 1) if n > 0 => {
                let n = Literal::i64_unsuffixed(n);
                up.push(quote!(#x.powi(#n)));
            }
            (-2, 1) => down.push(quote!((#x * #x))),
            (n, 1) => {
                let n = Literal::i64_unsuffixed(-n);
                down.push(quote!(#x.powi(#n)));
            }
            (1, 2) => up.push(quote!(#x.sqrt())),
            (-1, 2) => down.push(quote!(#x.sqrt())),
            (n, d) => {
                let p = Literal::f64_unsuffixed((n as f64 / d as f64).abs());
                if n > 0 { up.push(quote!(#x.powf(#p))) } else { down.push(quote!(#x.powf(#p))) }
            }
        }
    }

    fn factor(&self, f: &Factor) -> TokenStream {
        if let Some((_, name)) = self.locals.borrow().iter().find(|(g, _)| g == f) {
            return quote!(#name);
        }
        match f {
            Factor::Index(i) => {
                let single = i.terms.len() + usize::from(i.offset != 0) <= 1;
                let i = self.index(i);
                if single { quote!((#i as f64)) } else { quote!(((#i) as f64)) }
            }
            Factor::Elem(e) => self.elem(e),
            Factor::LogDet(m) if self.has_law(m.array) => {
                let (law, _) = self.law(&Elem { array: m.array, indices: m.plates.clone() });
                quote!(#law.expect_log_det())
            }
            Factor::Inverse(m, i, j) if self.has_law(m.array) => {
                let (law, _) = self.law(&Elem { array: m.array, indices: m.plates.clone() });
                let (i, j) = (self.index(i), self.index(j));
                let inverse = self.unchanged(m.array, "inverse", &m.plates, quote!(#law.expect_inverse()));
                quote!(#inverse[(#i, #j)])
            }
            Factor::LogDet(m) => {
                let m = self.matrix(m);
                quote!(dense::log_det(&#m))
            }
            Factor::Inverse(m, i, j) => {
                let (value, i, j) = (self.matrix(m), self.index(i), self.index(j));
                let inverse = self.unchanged(m.array, "inverse", &m.plates, quote!(dense::inverse(&#value)));
                quote!(#inverse[(#i, #j)])
            }
            Factor::Gram(m, i, j) => {
                let (m, i, j) = (self.matrix(m), self.index(i), self.index(j));
                quote!(dense::gram(&#m, #i, #j))
            }
            Factor::Iverson(c) => {
                let c = self.cond(c);
                quote!(f64::from(u8::from(#c)))
            }
            Factor::Apply(Func::Log, args) => {
                match self.integrated_log(&args[0]).or_else(|| self.expected_log(&args[0])) {
                    Some(expected) => expected,
                    None => self.apply(Func::Log, args),
                }
            }
            Factor::Apply(g, args) => self.apply(*g, args),
            Factor::Paren(p) => {
                let p = self.poly(p);
                quote!((#p))
            }
            Factor::Product(v, c, p) => {
                let (name, low, high) = (self.var(v), self.index(&v.low), self.index(&v.high));
                let filter = match c {
                    Cond::Always => TokenStream::new(),
                    Cond::Compare(..) | Cond::Read(_) | Cond::Not(_) | Cond::And(_) | Cond::Or(_) => {
                        let c = self.cond(c);
                        quote!(.filter(|&#name| #c))
                    }
                };
                self.enter(std::slice::from_ref(v));
                let p = self.poly(p);
                let before = self.leave();
                self.after(before, quote!((#low..#high)#filter.map(|#name| #p).product::<f64>()))
            }
            Factor::Infinity => quote!(f64::INFINITY),
        }
    }

    pub fn matrix(&self, m: &MatrixRef) -> TokenStream {
        let e = Elem { array: m.array, indices: m.plates.clone() };
        let array = &self.model.arrays[m.array.0];
        match array.role {
            Role::Given | Role::Observed => {
                let name = self.array(m.array);
                let at = m.plates.iter().map(|i| self.index(i));
                if array.plates.is_empty() {
                    quote!(dense::of_rows(&data.#name))
                } else {
                    quote!(dense::of_rows(&data.#name.matrix(#(#at),*)))
                }
            }
            Role::Const | Role::Latent | Role::Param => self.raw(&e),
        }
    }

    fn apply(&self, f: Func, args: &[Poly]) -> TokenStream {
        let arg = |n: usize| self.poly(&args[n]);
        // A method of a bare literal needs to know the literal's type.
        let method = |n: usize| match args[n].as_number() {
            Some(x) if x >= 0.0 && x.is_finite() => {
                let x = Literal::f64_suffixed(x);
                quote!(#x)
            }
            Some(_) | None => self.grouped(&args[n]),
        };
        let call = |name: &str| {
            let name = format_ident!("{name}");
            let args = args.iter().map(|a| self.poly(a));
            quote!(special::#name(#(#args),*))
        };
        match f {
            Func::Log => {
                let x = method(0);
                quote!(#x.ln())
            }
            Func::Exp => {
                let x = method(0);
                if args[0].0.len() == 1 && args[0].0[0].coef.0 < 0.0 {
                    let x = arg(0);
                    quote!((#x).exp())
                } else {
                    quote!(#x.exp())
                }
            }
            Func::Abs => {
                let x = method(0);
                quote!(#x.abs())
            }
            Func::LGamma => call("lgamma"),
            Func::Digamma => call("digamma"),
            Func::Trigamma => call("trigamma"),
            Func::Softplus => call("log1pexp"),
            Func::Sigmoid => call("sigmoid"),
            Func::LogPhi => call("normal_log_cdf"),
            Func::InverseMills => call("inverse_mills"),
            Func::LGammaD => {
                let (d, x) = (arg(0), arg(1));
                quote!(special::lgamma_d((#d) as usize, #x))
            }
            Func::Sign => {
                let x = method(0);
                quote!(#x.signum())
            }
            Func::LogInside => call("log_inside"),
            Func::LogPhiInterval => call("log_normal_interval"),
            Func::PhiIntervalSlope => call("normal_interval_slope"),
            Func::LogGammaInterval => call("log_gamma_interval"),
            Func::LogBetaInterval => call("log_beta_interval"),
            Func::LogPoissonInterval => call("log_poisson_interval"),
            Func::LogBinomialInterval => call("log_binomial_interval"),
            Func::LogNegativeBinomialInterval => call("log_negative_binomial_interval"),
            Func::LogStudentInterval => call("log_student_interval"),
            Func::LogLaplaceInterval => call("log_laplace_interval"),
            Func::LogCauchyInterval => call("log_cauchy_interval"),
            Func::IntervalSlope(law, i) => {
                let name = format_ident!("{}_interval_slope", law.name());
                let (i, args) = (Literal::usize_unsuffixed(i), args.iter().map(|a| self.poly(a)));
                quote!(special::#name(#i, #(#args),*))
            }
            Func::IntervalCurvature(law, i, j) => {
                let name = format_ident!("{}_interval_curvature", law.name());
                let (i, j) = (Literal::usize_unsuffixed(i), Literal::usize_unsuffixed(j));
                let args = args.iter().map(|a| self.poly(a));
                quote!(special::#name(#i, #j, #(#args),*))
            }
        }
    }
}
