//! What `+ - * / ^ and or` give for each pair of types.

use super::Checker;
use super::facts::constant_value;
use super::ir::{Expr, ExprKind, Extent, Type};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast::{Binary, Loc};

/// A type, as far as arithmetic is concerned.
enum Shape {
    Number,
    /// A vector; a literal has no extent of its own.
    Vector(Option<Extent>),
    Matrix(Extent, Extent, /* symmetric positive definite */ bool),
}

fn shape(ty: &Type) -> Shape {
    match ty {
        Type::Real | Type::Positive | Type::Unit | Type::Count | Type::Bool | Type::Index(_) => Shape::Number,
        Type::Simplex(d) | Type::Ordered(d) | Type::Vector(d) => Shape::Vector(Some(d.clone())),
        Type::Literal(_) => Shape::Vector(None),
        Type::Matrix(r, c) => Shape::Matrix(r.clone(), c.clone(), false),
        Type::SymPos(d) => Shape::Matrix(d.clone(), d.clone(), true),
    }
}

impl<'a> Checker<'a> {
    pub(super) fn binary(&mut self, loc: Loc, op: Binary, a: Expr, b: Expr) -> Option<Expr> {
        let ty = match op {
            Binary::Or | Binary::And => {
                self.must_be_bool(&a)?;
                self.must_be_bool(&b)?;
                Type::Bool
            }
            Binary::Add | Binary::Sub => {
                if let Some(index) = self.affine(loc, op, &a, &b) {
                    return Some(index);
                }
                self.sum_type(loc, op, &a, &b)?
            }
            Binary::Mul => self.product_type(loc, &a, &b)?,
            Binary::Div => match (shape(&a.ty), shape(&b.ty)) {
                (Shape::Number, Shape::Number) => Type::Real,
                (Shape::Vector(_), Shape::Number) => self.plain(&a.ty),
                (Shape::Matrix(r, c, spd), Shape::Number) => {
                    if spd && self.model.facts(&b).positive {
                        Type::SymPos(r)
                    } else {
                        Type::Matrix(r, c)
                    }
                }
                (_, Shape::Vector(_) | Shape::Matrix(..)) => return self.refuse_operator(loc, op, &a, &b),
            },
            Binary::Pow => match (shape(&a.ty), shape(&b.ty)) {
                (Shape::Number, Shape::Number) => {
                    self.must_have_power(&a, &b)?;
                    Type::Real
                }
                _ => return self.refuse_operator(loc, op, &a, &b),
            },
        };
        let number = ty.is_scalar() && ty_is_number(op);
        let mut expr = Expr { loc, ty, kind: ExprKind::Binary(op, Box::new(a), Box::new(b)) };
        if number {
            expr.ty = self.model.facts(&expr).scalar_type();
        }
        Some(expr)
    }

    /// Sums of indices, sizes and integers stay index expressions, so that guards can be reasoned about.
    fn affine(&self, loc: Loc, op: Binary, a: &Expr, b: &Expr) -> Option<Expr> {
        let (x, y) = (a.as_index()?, b.as_index()?);
        if x.terms.is_empty() && y.terms.is_empty() {
            return None;
        }
        let mut sum = x.plus(if op == Binary::Add { 1 } else { -1 }, &y);
        sum.loc = loc;
        Some(self.index_value(sum))
    }

    fn sum_type(&mut self, loc: Loc, op: Binary, a: &Expr, b: &Expr) -> Option<Type> {
        match (shape(&a.ty), shape(&b.ty)) {
            (Shape::Number, Shape::Number) => Some(Type::Real),
            (Shape::Number, Shape::Vector(_)) => Some(self.plain(&b.ty)),
            (Shape::Vector(_), Shape::Number) => Some(self.plain(&a.ty)),
            (Shape::Vector(x), Shape::Vector(y)) => {
                self.same_extent(b.loc, &a.ty, &b.ty)?;
                match (x, y, &a.ty, &b.ty) {
                    (Some(d), _, _, _) | (None, Some(d), _, _) => Some(Type::Vector(d)),
                    (None, None, Type::Literal(n), Type::Literal(m)) if n != m => {
                        self.error(diagnostic::literal_lengths(b.loc, *n, *m));
                        None
                    }
                    (None, None, ty, _) => Some(ty.clone()),
                }
            }
            (Shape::Matrix(r, c, x), Shape::Matrix(_, _, y)) => {
                self.same_extent(b.loc, &a.ty, &b.ty)?;
                if x && y && op == Binary::Add { Some(Type::SymPos(r)) } else { Some(Type::Matrix(r, c)) }
            }
            (Shape::Matrix(..), _) | (_, Shape::Matrix(..)) => self.refuse_operator(loc, op, a, b),
        }
    }

    fn product_type(&mut self, loc: Loc, a: &Expr, b: &Expr) -> Option<Type> {
        match (shape(&a.ty), shape(&b.ty)) {
            (Shape::Number, Shape::Number) => Some(Type::Real),
            (Shape::Number, Shape::Vector(_)) => Some(self.plain(&b.ty)),
            (Shape::Vector(_), Shape::Number) => Some(self.plain(&a.ty)),
            (Shape::Number, Shape::Matrix(r, c, spd)) | (Shape::Matrix(r, c, spd), Shape::Number) => {
                let factor = if a.ty.is_scalar() { a } else { b };
                if spd && self.model.facts(factor).positive {
                    Some(Type::SymPos(r))
                } else {
                    Some(Type::Matrix(r, c))
                }
            }
            (Shape::Matrix(r, c, _), Shape::Vector(d)) => {
                if d.is_some_and(|d| d.differs(&c)) {
                    return self.inner_mismatch(loc, a, b);
                }
                Some(Type::Vector(r))
            }
            (Shape::Matrix(r, c, _), Shape::Matrix(s, d, _)) => {
                if c.differs(&s) {
                    return self.inner_mismatch(loc, a, b);
                }
                Some(Type::Matrix(r, d))
            }
            (Shape::Vector(_), Shape::Vector(_) | Shape::Matrix(..)) => {
                self.refuse_operator(loc, Binary::Mul, a, b)
            }
        }
    }

    fn inner_mismatch(&mut self, loc: Loc, a: &Expr, b: &Expr) -> Option<Type> {
        let (x, y) = (self.model.show_type(&a.ty), self.model.show_type(&b.ty));
        let notes = vec![
            format!("`{}` is a `{x}`", self.model.show_expr(a)),
            format!("`{}` is a `{y}`", self.model.show_expr(b)),
        ];
        self.error(diagnostic::inner_mismatch(loc, &x, &y, notes));
        None
    }

    /// A simplex or an ordered vector is only a vector once something was done to it.
    fn plain(&self, ty: &Type) -> Type {
        match ty {
            Type::Simplex(d) | Type::Ordered(d) => Type::Vector(d.clone()),
            other => other.clone(),
        }
    }

    fn must_have_power(&mut self, base: &Expr, power: &Expr) -> Option<()> {
        let (x, p) = (self.model.facts(base), self.model.facts(power));
        let whole = constant_value(power).is_some_and(|p| p.fract() == 0.0) || p.whole;
        if x.nonnegative || whole {
            return Some(());
        }
        let found = self.model.show_type(&base.ty);
        self.error(diagnostic::power_of_real(base.loc, &self.model.show_expr(base), &found));
        None
    }

    fn refuse_operator<T>(&mut self, loc: Loc, op: Binary, a: &Expr, b: &Expr) -> Option<T> {
        let (x, y) = (self.model.show_type(&a.ty), self.model.show_type(&b.ty));
        let (left, right) = (self.model.show_expr(a), self.model.show_expr(b));
        let both_vectors = matches!((shape(&a.ty), shape(&b.ty)), (Shape::Vector(_), Shape::Vector(_)));
        let help = match (op, shape(&a.ty), shape(&b.ty)) {
            (Binary::Mul, _, _) if both_vectors => Some(format!(
                "write `dot({left}, {right})`, or `[… * … for d in D]` for one product per component"
            )),
            (Binary::Mul, Shape::Vector(_), Shape::Matrix(..)) => {
                Some(format!("write `{right}.t() * {left}`"))
            }
            (Binary::Add | Binary::Sub, Shape::Matrix(..), Shape::Number)
            | (Binary::Add | Binary::Sub, Shape::Number, Shape::Matrix(..)) => {
                Some("a multiple of the identity is written `diag([c for d in D])`".to_owned())
            }
            (Binary::Div | Binary::Pow, _, _) => {
                Some("write one component at a time: `[… for d in D]`".to_owned())
            }
            (Binary::Or | Binary::And | Binary::Add | Binary::Sub | Binary::Mul, _, _) => None,
        };
        self.error(diagnostic::operator_types(loc, op, &x, &y, help));
        None
    }
}

impl Expr {
    /// An index expression or an integer literal, as an index.
    pub fn as_index(&self) -> Option<super::ir::Index> {
        match &self.kind {
            ExprKind::Int(v) => Some(super::ir::Index::constant(self.loc, *v)),
            ExprKind::Index(index) => Some((**index).clone()),
            _ => None,
        }
    }
}

fn ty_is_number(op: Binary) -> bool {
    !matches!(op, Binary::Or | Binary::And)
}
