//! Whether a vector is seen to sum to 1: its total is written as a polynomial, and must be the constant 1.

use super::Checker;
use super::facts::constant_value;
use super::ir::{Expr, ExprKind, Extent, Function, Model, Type};
use crate::syntax::ast::{Binary, Unary};
use std::collections::BTreeMap;

/// Monomials (what is multiplied, by how it prints, with its power) to coefficients.
#[derive(Clone, Debug, Default)]
struct Polynomial(BTreeMap<BTreeMap<String, i64>, f64>);

impl Polynomial {
    fn constant(value: f64) -> Self {
        Polynomial(BTreeMap::from([(BTreeMap::new(), value)]))
    }

    fn atom(name: String, power: i64) -> Self {
        Polynomial(BTreeMap::from([(BTreeMap::from([(name, power)]), 1.0)]))
    }

    fn plus(mut self, factor: f64, other: &Polynomial) -> Self {
        for (monomial, coefficient) in &other.0 {
            *self.0.entry(monomial.clone()).or_insert(0.0) += factor * coefficient;
        }
        self
    }

    fn times(&self, other: &Polynomial) -> Self {
        let mut product = Polynomial::default();
        for (x, a) in &self.0 {
            for (y, b) in &other.0 {
                let mut monomial = x.clone();
                for (atom, power) in y {
                    *monomial.entry(atom.clone()).or_insert(0) += power;
                }
                monomial.retain(|_, power| *power != 0);
                *product.0.entry(monomial).or_insert(0.0) += a * b;
            }
        }
        product
    }

    /// Up to rounding of literals such as 0.1 + 0.2 + 0.7.
    fn is_one(&self) -> bool {
        self.0.iter().all(|(monomial, c)| {
            let wanted = if monomial.is_empty() { 1.0 } else { 0.0 };
            (c - wanted).abs() <= 1e-12
        }) && self.0.contains_key(&BTreeMap::new())
    }
}

impl<'a> Checker<'a> {
    pub(super) fn is_simplex(&self, e: &Expr) -> bool {
        match (&e.ty, &e.kind) {
            (Type::Simplex(_), _) => true,
            // The value of a `let` is compared with 1 when the data arrive.
            (_, ExprKind::Let(..)) => self.model.facts(e).nonnegative,
            _ => {
                self.model.facts(e).nonnegative
                    && self.model.total(e, None).is_some_and(|total| total.is_one())
            }
        }
    }
}

impl Model {
    /// The sum of the components of a vector; of a number, repeated over `extent`.
    fn total(&self, e: &Expr, extent: Option<&Extent>) -> Option<Polynomial> {
        let own = e.ty.axes().first().map(|d| (*d).clone());
        match (&e.ty, &e.kind) {
            (Type::Simplex(_), _) | (_, ExprKind::Call(Function::Onehot, _)) => {
                Some(Polynomial::constant(1.0))
            }
            (_, ExprKind::Vector(items)) => {
                let mut sum = Polynomial::default();
                for item in items {
                    sum = sum.plus(1.0, &self.polynomial(item));
                }
                Some(sum)
            }
            (ty, _) if ty.is_scalar() => {
                let length = self.length(extent?);
                Some(self.polynomial(e).times(&length))
            }
            (_, ExprKind::Binary(op @ (Binary::Add | Binary::Sub), a, b)) => {
                let extent = own.as_ref().or(extent);
                let sign = if *op == Binary::Add { 1.0 } else { -1.0 };
                Some(self.total(a, extent)?.plus(sign, &self.total(b, extent)?))
            }
            (_, ExprKind::Binary(Binary::Mul, a, b)) => match (a.ty.is_scalar(), b.ty.is_scalar()) {
                (true, false) => Some(self.polynomial(a).times(&self.total(b, extent)?)),
                (false, true) => Some(self.polynomial(b).times(&self.total(a, extent)?)),
                _ => None,
            },
            (_, ExprKind::Binary(Binary::Div, a, b)) if b.ty.is_scalar() => {
                Some(self.total(a, extent)?.times(&self.reciprocal(b)))
            }
            _ => None,
        }
    }

    fn length(&self, extent: &Extent) -> Polynomial {
        let mut length = Polynomial::constant(extent.length.offset as f64);
        for (coefficient, term) in &extent.length.terms {
            let alone = super::ir::Index::of(extent.length.loc, term.clone());
            let atom = Polynomial::atom(self.show_index(&alone), 1);
            length = length.plus(*coefficient as f64, &atom);
        }
        length
    }

    fn polynomial(&self, e: &Expr) -> Polynomial {
        if let Some(value) = constant_value(e) {
            return Polynomial::constant(value);
        }
        match &e.kind {
            ExprKind::Binary(Binary::Add, a, b) => self.polynomial(a).plus(1.0, &self.polynomial(b)),
            ExprKind::Binary(Binary::Sub, a, b) => self.polynomial(a).plus(-1.0, &self.polynomial(b)),
            ExprKind::Binary(Binary::Mul, a, b) => self.polynomial(a).times(&self.polynomial(b)),
            ExprKind::Binary(Binary::Div, a, b) => self.polynomial(a).times(&self.reciprocal(b)),
            ExprKind::Binary(Binary::Pow, a, b) => match constant_value(b) {
                Some(power) if power.fract() == 0.0 && (0.0..=8.0).contains(&power) => {
                    let base = self.polynomial(a);
                    (0..power as usize).fold(Polynomial::constant(1.0), |p, _| p.times(&base))
                }
                _ => Polynomial::atom(self.show_expr(e), 1),
            },
            ExprKind::Unary(Unary::Neg, a) => Polynomial::default().plus(-1.0, &self.polynomial(a)),
            ExprKind::Index(index) => {
                let length = Extent { nominal: super::ir::Nominal::Literal(0), length: (**index).clone() };
                self.length(&length)
            }
            _ => Polynomial::atom(self.show_expr(e), 1),
        }
    }

    fn reciprocal(&self, e: &Expr) -> Polynomial {
        match constant_value(e) {
            Some(value) => Polynomial::constant(1.0 / value),
            None => Polynomial::atom(self.show_expr(e), -1),
        }
    }
}
