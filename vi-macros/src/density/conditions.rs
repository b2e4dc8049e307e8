//! Finite expressions: conditions, indices, and the values of categories.

use super::lower::{Finite, Lower, Lowered};
use super::symbol::{Cmp, Cond, Elem, Ix};
use crate::diagnostics::density as mistakes;
use crate::model::ir::{Expr, ExprKind, IndexTerm};
use crate::syntax::ast::{Binary, Unary};

impl Lower<'_> {
    /// A Bool expression as a condition.
    pub fn cond(&self, e: &Expr) -> Lowered<Cond> {
        match &e.kind {
            ExprKind::Bool(true) => Ok(Cond::Always),
            ExprKind::Bool(false) => Ok(Cond::Not(Box::new(Cond::Always))),
            ExprKind::Unary(Unary::Not, a) => Ok(Cond::Not(Box::new(self.cond(a)?))),
            ExprKind::Binary(Binary::And, a, b) => Ok(Cond::And(vec![self.cond(a)?, self.cond(b)?])),
            ExprKind::Binary(Binary::Or, a, b) => Ok(Cond::Or(vec![self.cond(a)?, self.cond(b)?])),
            ExprKind::Compare(op, a, b) => match (self.finite(a)?, self.finite(b)?) {
                (Finite::Index(i), Finite::Index(j)) => Ok(Cond::compare(*op, i, j)),
                (Finite::Cond(_), _) | (_, Finite::Cond(_)) => Err(mistakes::not_an_index(e.loc)),
            },
            ExprKind::Read(a) => {
                let elem =
                    Elem { array: a.array, indices: a.indices.iter().map(|i| self.index(i)).collect() };
                if self.hides(a.array) {
                    return Ok(Cond::Compare(Cmp::Eq, self.value_of(&elem), Ix::constant(1)));
                }
                Ok(Cond::Read(elem))
            }
            ExprKind::Let(id, indices) => {
                let l = &self.model.lets[id.0];
                let [piece] = l.pieces.as_slice() else { return Err(mistakes::not_an_index(e.loc)) };
                for (target, ix) in piece.target.iter().zip(indices) {
                    if let [(1, IndexTerm::Bound(b))] = target.terms.as_slice() {
                        let ix = self.index(ix);
                        self.bind_to(*b, ix);
                    }
                }
                self.cond(&piece.value)
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Index(_)
            | ExprKind::Unary(Unary::Neg, _)
            | ExprKind::Binary(..)
            | ExprKind::Transpose(_)
            | ExprKind::Component(..)
            | ExprKind::Call(..)
            | ExprKind::Vector(_)
            | ExprKind::Comprehension { .. }
            | ExprKind::Reduce { .. } => Err(mistakes::not_an_index(e.loc)),
        }
    }

    /// A finite expression: an index, a category, a number that is one, or a condition.
    pub fn finite(&self, e: &Expr) -> Lowered<Finite> {
        match &e.kind {
            ExprKind::Int(n) => Ok(Finite::Index(Ix::constant(*n))),
            ExprKind::Bool(b) => Ok(Finite::Index(Ix::constant(i64::from(*b)))),
            ExprKind::Index(i) => Ok(Finite::Index(self.index(i))),
            ExprKind::Read(a) => {
                let elem =
                    Elem { array: a.array, indices: a.indices.iter().map(|i| self.index(i)).collect() };
                Ok(Finite::Index(self.value_of(&elem)))
            }
            ExprKind::Let(id, indices) => {
                let l = &self.model.lets[id.0];
                let [piece] = l.pieces.as_slice() else { return Err(mistakes::not_an_index(e.loc)) };
                for (target, ix) in piece.target.iter().zip(indices) {
                    if let [(1, IndexTerm::Bound(b))] = target.terms.as_slice() {
                        let ix = self.index(ix);
                        self.bind_to(*b, ix);
                    }
                }
                self.finite(&piece.value)
            }
            ExprKind::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
                match (self.finite(a)?, self.finite(b)?) {
                    (Finite::Index(i), Finite::Index(j)) => {
                        Ok(Finite::Index(i.plus(if *op == Binary::Add { 1 } else { -1 }, &j)))
                    }
                    (Finite::Cond(_), _) | (_, Finite::Cond(_)) => Err(mistakes::not_an_index(e.loc)),
                }
            }
            ExprKind::Compare(..)
            | ExprKind::Binary(Binary::And | Binary::Or, ..)
            | ExprKind::Unary(Unary::Not, _) => Ok(Finite::Cond(self.cond(e)?)),
            ExprKind::Float(_)
            | ExprKind::Unary(Unary::Neg, _)
            | ExprKind::Binary(..)
            | ExprKind::Transpose(_)
            | ExprKind::Component(..)
            | ExprKind::Call(..)
            | ExprKind::Vector(_)
            | ExprKind::Comprehension { .. }
            | ExprKind::Reduce { .. } => Err(mistakes::not_an_index(e.loc)),
        }
    }
}
