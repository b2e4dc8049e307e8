//! Polynomials over factors: the one normal form of scalar expressions.
//!
//! A [`Poly`] is a sum of [`Term`]s; a term is a number times powers of factors, summed over bound indices. Logarithms are pulled apart where
//! positivity allows it, so that the statistics of every variable stand alone.

use super::interval::Interval;
use super::pinned::collapse;
use super::symbol::{Cond, Elem, Ix, Var};
use crate::model::ir::ArrayId;
use std::cmp::Ordering;

/// A number that orders, so that terms can be sorted.
#[derive(Clone, Copy, Debug)]
pub struct Num(pub f64);

impl PartialEq for Num {
    fn eq(&self, other: &Num) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Num {}
impl PartialOrd for Num {
    fn partial_cmp(&self, other: &Num) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Num {
    fn cmp(&self, other: &Num) -> Ordering {
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}
impl std::hash::Hash for Num {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0 + 0.0).to_bits().hash(state);
    }
}

/// A rational exponent in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Exponent {
    pub num: i64,
    pub den: i64,
}

impl Exponent {
    pub const ONE: Exponent = Exponent { num: 1, den: 1 };

    pub fn new(num: i64, den: i64) -> Exponent {
        fn gcd(a: i64, b: i64) -> i64 {
            if b == 0 { a.abs().max(1) } else { gcd(b, a % b) }
        }
        let g = gcd(num, den) * den.signum();
        Exponent { num: num / g, den: den / g }
    }

    pub fn int(n: i64) -> Exponent {
        Exponent { num: n, den: 1 }
    }

    pub fn plus(self, other: Exponent) -> Exponent {
        Exponent::new(self.num * other.den + other.num * self.den, self.den * other.den)
    }

    pub fn times(self, other: Exponent) -> Exponent {
        Exponent::new(self.num * other.num, self.den * other.den)
    }

    pub fn value(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    pub fn is_zero(self) -> bool {
        self.num == 0
    }

    /// The exponent a number stands for, if it is a small fraction.
    pub fn of(x: f64) -> Option<Exponent> {
        [1i64, 2, 3, 4].into_iter().find_map(|den| {
            let n = x * den as f64;
            (n.fract() == 0.0 && n.abs() < 1e6).then(|| Exponent::new(n as i64, den))
        })
    }
}

/// A symmetric positive definite matrix: an array element with a matrix value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MatrixRef {
    pub array: ArrayId,
    pub plates: Vec<Ix>,
    /// The number of rows.
    pub dim: Ix,
    /// The array holds a Cholesky factor L of the matrix.
    pub cholesky: bool,
}

impl MatrixRef {
    pub fn substitute(&self, v: &Var, by: &Ix) -> MatrixRef {
        MatrixRef {
            array: self.array,
            plates: self.plates.iter().map(|i| i.substitute(v, by)).collect(),
            dim: self.dim.substitute(v, by),
            cholesky: self.cholesky,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Func {
    Log,
    Exp,
    LGamma,
    Digamma,
    Trigamma,
    /// log Γ_d(x), the multivariate gamma function; arguments (d, x)
    LGammaD,
    /// log(1 + exp x)
    Softplus,
    Sigmoid,
    /// log Φ(x)
    LogPhi,
    Abs,
    /// 0 where a ≤ x ≤ b and −∞ elsewhere; arguments (x, a, b)
    LogInside,
    /// φ(x) / Φ(x)
    InverseMills,
    /// −1, 0 or 1
    Sign,
    /// φ(x) / (Φ(b) − Φ(a)); arguments (x, a, b)
    PhiIntervalSlope,
    /// log(Φ(b) − Φ(a)); arguments (a, b)
    LogPhiInterval,
    /// log(P(shape, b) − P(shape, a)) of the regularised lower incomplete gamma function; arguments (shape, a, b)
    LogGammaInterval,
    /// log(I_b(p, q) − I_a(p, q)) of the regularised incomplete beta function; arguments (p, q, a, b)
    LogBetaInterval,
    /// log P(a ≤ Y ≤ b) of a Poisson; arguments (rate, a, b)
    LogPoissonInterval,
    /// log P(a ≤ Y ≤ b) of a Binomial; arguments (n, p, a, b)
    LogBinomialInterval,
    /// log P(a ≤ Y ≤ b) of a negative Binomial; arguments (mean, dispersion, a, b)
    LogNegativeBinomialInterval,
    /// log P(a ≤ T ≤ b) of a standard Student-t; arguments (dof, a, b)
    LogStudentInterval,
    /// log P(a ≤ X ≤ b) of a standard Laplace; arguments (a, b)
    LogLaplaceInterval,
    /// log P(a ≤ X ≤ b) of a standard Cauchy; arguments (a, b)
    LogCauchyInterval,
    /// The derivative of the log probability of an interval in one of its arguments; arguments as there
    IntervalSlope(Interval, usize),
    /// Its second derivative in two of them
    IntervalCurvature(Interval, usize, usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Factor {
    /// An index or a size as a number.
    Index(Ix),
    Elem(Elem),
    /// log det of a matrix.
    LogDet(MatrixRef),
    /// An entry of the inverse of a matrix.
    Inverse(MatrixRef, Ix, Ix),
    /// An entry of a matrix given by its Cholesky factor.
    Gram(MatrixRef, Ix, Ix),
    /// 1 where the condition holds.
    Iverson(Cond),
    Apply(Func, Vec<Poly>),
    /// A sum that is raised to a power.
    Paren(Poly),
    /// Π over an index.
    Product(Var, Cond, Poly),
    /// ±∞, for open bounds.
    Infinity,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    pub factors: Vec<(Factor, Exponent)>,
    /// Bound indices the term is summed over, with a condition.
    pub sums: Vec<Var>,
    pub guard: Vec<Cond>,
    pub coef: Num,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Poly(pub Vec<Term>);

impl Term {
    pub fn number(x: f64) -> Term {
        Term { factors: vec![], sums: vec![], guard: vec![], coef: Num(x) }
    }

    fn mul(&self, other: &Term) -> Term {
        let mut other = other.clone();
        for v in self.sums.iter() {
            if other.sums.contains(v) || other.mentions(v) {
                other = other.rename(v, &v.twin());
            }
        }
        let mut out = self.clone();
        for v in other.sums.clone() {
            if out.mentions(&v) && !out.sums.contains(&v) {
                other = other.rename(&v, &v.twin());
            }
        }
        for (f, e) in &other.factors {
            out.push_factor(f.clone(), *e);
        }
        out.coef = Num(out.coef.0 * other.coef.0);
        out.sums.extend(other.sums);
        for g in other.guard {
            if !out.guard.contains(&g) {
                out.guard.push(g);
            }
        }
        out.factors.sort();
        out
    }

    pub(super) fn push_factor(&mut self, f: Factor, e: Exponent) {
        if let Factor::Iverson(_) = f {
            // Idempotent: [c]·[c] = [c].
            if !self.factors.iter().any(|(g, _)| *g == f) {
                self.factors.push((f, Exponent::ONE));
            }
            return;
        }
        match self.factors.iter().position(|(g, _)| *g == f) {
            Some(i) => {
                self.factors[i].1 = self.factors[i].1.plus(e);
                if self.factors[i].1.is_zero() {
                    self.factors.remove(i);
                }
            }
            None => self.factors.push((f, e)),
        }
    }

    /// Renames a bound index.
    fn rename(&self, from: &Var, to: &Var) -> Term {
        let by = Ix::var(to);
        let mut out = self.clone();
        out.sums = self.sums.iter().map(|v| if v == from { to.clone() } else { v.clone() }).collect();
        out.guard = self.guard.iter().map(|g| g.substitute(from, &by)).collect();
        out.factors = self.factors.iter().map(|(f, e)| (f.substitute(from, &by), *e)).collect();
        out.factors.sort();
        out
    }

    pub fn mentions(&self, v: &Var) -> bool {
        let mut found = false;
        self.visit_vars(&mut |u| found |= u == v);
        found
    }

    /// Every index, bound ones included.
    pub fn visit_vars(&self, f: &mut impl FnMut(&Var)) {
        for v in &self.sums {
            v.low.visit_vars(f);
            v.high.visit_vars(f);
            f(v);
        }
        self.guard.iter().for_each(|g| g.visit_vars(f));
        self.factors.iter().for_each(|(x, _)| x.visit_vars(f));
    }

    /// Indices that are not summed over.
    pub fn free_vars(&self) -> Vec<Var> {
        let mut out: Vec<Var> = vec![];
        self.visit_vars(&mut |v| {
            if !out.contains(v) {
                out.push(v.clone());
            }
        });
        out.retain(|v| !self.sums.contains(v));
        out
    }

    pub fn visit_elems(&self, f: &mut impl FnMut(&Elem)) {
        for v in &self.sums {
            v.low.visit_reads(f);
            v.high.visit_reads(f);
        }
        self.guard.iter().for_each(|g| g.visit_elems(f));
        self.factors.iter().for_each(|(x, _)| x.visit_elems(f));
    }
}

impl Factor {
    pub fn substitute(&self, v: &Var, by: &Ix) -> Factor {
        match self {
            Factor::Index(i) => Factor::Index(i.substitute(v, by)),
            Factor::Elem(e) => Factor::Elem(e.substitute(v, by)),
            Factor::LogDet(m) => Factor::LogDet(m.substitute(v, by)),
            Factor::Inverse(m, i, j) => {
                Factor::Inverse(m.substitute(v, by), i.substitute(v, by), j.substitute(v, by))
            }
            Factor::Gram(m, i, j) => {
                Factor::Gram(m.substitute(v, by), i.substitute(v, by), j.substitute(v, by))
            }
            Factor::Iverson(c) => Factor::Iverson(c.substitute(v, by)),
            Factor::Apply(g, args) => Factor::Apply(*g, args.iter().map(|a| a.substitute(v, by)).collect()),
            Factor::Paren(p) => Factor::Paren(p.substitute(v, by)),
            Factor::Product(u, c, p) if u != v => {
                let u2 = respan(u, v, by);
                let (c, p) = if u2 == *u {
                    (c.clone(), p.clone())
                } else {
                    (c.substitute(u, &Ix::var(&u2)), p.substitute(u, &Ix::var(&u2)))
                };
                Factor::Product(u2, c.substitute(v, by), p.substitute(v, by))
            }
            Factor::Product(..) => self.clone(),
            Factor::Infinity => Factor::Infinity,
        }
    }

    pub fn visit_vars(&self, f: &mut impl FnMut(&Var)) {
        match self {
            Factor::Index(i) => i.visit_vars(f),
            Factor::Elem(e) => e.indices.iter().for_each(|i| i.visit_vars(f)),
            Factor::LogDet(m) => m.plates.iter().for_each(|i| i.visit_vars(f)),
            Factor::Inverse(m, i, j) | Factor::Gram(m, i, j) => {
                m.plates.iter().for_each(|i| i.visit_vars(f));
                i.visit_vars(f);
                j.visit_vars(f);
            }
            Factor::Iverson(c) => c.visit_vars(f),
            Factor::Apply(_, args) => args.iter().flat_map(|a| &a.0).for_each(|t| {
                for v in t.free_vars() {
                    f(&v);
                }
            }),
            Factor::Paren(p) => p.0.iter().for_each(|t| {
                for v in t.free_vars() {
                    f(&v);
                }
            }),
            Factor::Product(u, c, p) => {
                let mut inner = vec![];
                c.visit_vars(&mut |v| inner.push(v.clone()));
                p.0.iter().for_each(|t| inner.extend(t.free_vars()));
                u.low.visit_vars(&mut |v| inner.push(v.clone()));
                u.high.visit_vars(&mut |v| inner.push(v.clone()));
                inner.iter().filter(|v| *v != u).for_each(f);
            }
            Factor::Infinity => {}
        }
    }

    pub fn visit_elems(&self, f: &mut impl FnMut(&Elem)) {
        match self {
            Factor::Index(i) => i.visit_reads(f),
            Factor::Elem(e) => {
                f(e);
                e.indices.iter().for_each(|i| i.visit_reads(f));
            }
            Factor::LogDet(m) => {
                f(&Elem { array: m.array, indices: m.plates.clone() });
                m.plates.iter().for_each(|i| i.visit_reads(f));
            }
            Factor::Inverse(m, i, j) | Factor::Gram(m, i, j) => {
                f(&Elem { array: m.array, indices: m.plates.clone() });
                m.plates.iter().for_each(|i| i.visit_reads(f));
                i.visit_reads(f);
                j.visit_reads(f);
            }
            Factor::Iverson(c) => c.visit_elems(f),
            Factor::Apply(_, args) => args.iter().flat_map(|a| &a.0).for_each(|t| t.visit_elems(f)),
            Factor::Paren(p) => p.0.iter().for_each(|t| t.visit_elems(f)),
            Factor::Product(_, c, p) => {
                c.visit_elems(f);
                p.0.iter().for_each(|t| t.visit_elems(f));
            }
            Factor::Infinity => {}
        }
    }
}

/// The same index with a substitution carried out in its range.
fn respan(u: &Var, v: &Var, by: &Ix) -> Var {
    if u.low.mentions(v) || u.high.mentions(v) {
        Var::new(u.name.clone(), u.nominal, u.low.substitute(v, by), u.high.substitute(v, by))
    } else {
        u.clone()
    }
}

impl Poly {
    pub fn zero() -> Poly {
        Poly(vec![])
    }

    pub fn number(x: f64) -> Poly {
        if x == 0.0 { Poly::zero() } else { Poly(vec![Term::number(x)]) }
    }

    pub fn factor(f: Factor) -> Poly {
        Poly::power(f, Exponent::ONE)
    }

    fn power(f: Factor, e: Exponent) -> Poly {
        let mut t = Term::number(1.0);
        t.factors.push((f, e));
        Poly(vec![t])
    }

    pub fn index(i: &Ix) -> Poly {
        match i.as_constant() {
            Some(c) => Poly::number(c as f64),
            None => Poly::factor(Factor::Index(i.clone())),
        }
    }

    pub fn elem(array: ArrayId, indices: Vec<Ix>) -> Poly {
        Poly::factor(Factor::Elem(Elem { array, indices }))
    }

    pub fn iverson(c: Cond) -> Poly {
        match c.decided() {
            Some(true) => Poly::number(1.0),
            Some(false) => Poly::zero(),
            None => Poly::factor(Factor::Iverson(c)),
        }
    }

    pub fn infinity(sign: f64) -> Poly {
        Poly::factor(Factor::Infinity).scale(sign)
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_number(&self) -> Option<f64> {
        match self.0.as_slice() {
            [] => Some(0.0),
            [t] if t.factors.is_empty() && t.sums.is_empty() && t.guard.is_empty() => Some(t.coef.0),
            _ => None,
        }
    }

    pub fn scale(&self, x: f64) -> Poly {
        let terms = self.0.iter().map(|t| Term { coef: Num(t.coef.0 * x), ..t.clone() });
        if x == 0.0 { Poly::zero() } else { Poly(terms.collect()) }
    }

    pub fn add(&self, other: &Poly) -> Poly {
        let mut out = self.0.clone();
        out.extend(other.0.iter().cloned());
        Poly(out).merged()
    }

    pub fn sub(&self, other: &Poly) -> Poly {
        self.add(&other.scale(-1.0))
    }

    /// Combines equal terms and drops those that cancel; terms keep the order in which they first stood.
    fn merged(self) -> Poly {
        let mut out: Vec<Term> = vec![];
        for t in self.0 {
            match out.iter_mut().find(|u| u.factors == t.factors && u.sums == t.sums && u.guard == t.guard) {
                Some(u) => u.coef = Num(u.coef.0 + t.coef.0),
                None => out.push(t),
            }
        }
        out.retain(|t| t.coef.0 != 0.0);
        Poly(out)
    }

    pub fn mul(&self, other: &Poly) -> Poly {
        let mut out = vec![];
        for a in &self.0 {
            for b in &other.0 {
                out.push(a.mul(b));
            }
        }
        Poly(out).merged()
    }

    /// A power. Sums stay in parentheses unless the power is a small whole number.
    pub fn pow(&self, e: Exponent) -> Poly {
        if e.is_zero() {
            return Poly::number(1.0);
        }
        if e == Exponent::ONE {
            return self.clone();
        }
        match self.0.as_slice() {
            [] => Poly::zero(),
            [t] if t.sums.is_empty() && t.guard.is_empty() && (t.coef.0 > 0.0 || e.den == 1) => {
                let mut out = Term::number(t.coef.0.powf(e.value()));
                for (f, g) in &t.factors {
                    let power = if matches!(f, Factor::Iverson(_)) { Exponent::ONE } else { g.times(e) };
                    out.factors.push((f.clone(), power));
                }
                Poly(vec![out])
            }
            _ if e.den == 1 && (2..=3).contains(&e.num) => (1..e.num).fold(self.clone(), |p, _| p.mul(self)),
            _ => Poly::power(Factor::Paren(self.clone()), e),
        }
    }

    pub fn recip(&self) -> Poly {
        self.pow(Exponent::int(-1))
    }

    pub fn sum_over(&self, v: &Var, guard: &Cond) -> Poly {
        let mut out = Poly::zero();
        for t in &self.0 {
            let mut t = t.clone();
            t.sums.insert(0, v.clone());
            if *guard != Cond::Always {
                t.guard.push(guard.clone());
            }
            out.0.push(t);
        }
        // A sum over [v = i] is the term at i.
        Poly(out.0.into_iter().map(collapse).collect()).merged()
    }

    pub fn substitute(&self, v: &Var, by: &Ix) -> Poly {
        let mut out = vec![];
        for t in &self.0 {
            let mut t = t.clone();
            let mut captured = vec![];
            by.visit_vars(&mut |u| {
                if t.sums.contains(u) {
                    captured.push(u.clone());
                }
            });
            for u in captured {
                t = t.rename(&u, &u.twin());
            }
            for u in t.sums.clone() {
                let w = respan(&u, v, by);
                if w != u {
                    t = t.rename(&u, &w);
                }
            }
            let mut new = Term { factors: vec![], sums: t.sums.clone(), guard: vec![], coef: t.coef };
            for g in &t.guard {
                let g = g.substitute(v, by);
                match g.decided() {
                    Some(true) => {}
                    Some(false) => new.coef = Num(0.0),
                    None => new.guard.push(g),
                }
            }
            for (f, e) in &t.factors {
                match f.substitute(v, by) {
                    Factor::Iverson(c) if c.decided() == Some(true) => {}
                    Factor::Iverson(c) if c.decided() == Some(false) => new.coef = Num(0.0),
                    Factor::Index(i) if i.as_constant().is_some() => {
                        new.coef = Num(new.coef.0 * (i.offset as f64).powf(e.value()));
                    }
                    f => new.push_factor(f, *e),
                }
            }
            new.factors.sort();
            out.push(collapse(new));
        }
        Poly(out).merged()
    }

    pub fn visit_elems(&self, f: &mut impl FnMut(&Elem)) {
        self.0.iter().for_each(|t| t.visit_elems(f));
    }

    /// Whether an element of an array is read.
    pub fn mentions_array(&self, a: crate::model::ir::ArrayId) -> bool {
        let mut found = false;
        self.visit_elems(&mut |e| found |= e.array == a);
        found
    }

    pub fn mentions(&self, v: &Var) -> bool {
        self.0.iter().any(|t| t.free_vars().contains(v))
    }

    pub fn apply(f: Func, args: Vec<Poly>) -> Poly {
        Poly::factor(Factor::Apply(f, args))
    }
}
