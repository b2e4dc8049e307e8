//! What is known of a number from its expression alone: its sign, whether it is at most 1, whether it is whole.

use super::ir::{ElemKind, Expr, ExprKind, Function, Index, IndexTerm, Model, Type};
use crate::syntax::ast::{Binary, Reducer, Unary};

/// Of a vector or matrix: what holds of every component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub positive: bool,
    pub nonnegative: bool,
    pub at_most_one: bool,
    pub whole: bool,
}

impl Facts {
    const NONE: Facts = Facts { positive: false, nonnegative: false, at_most_one: false, whole: false };
    const POSITIVE: Facts = Facts { positive: true, nonnegative: true, ..Facts::NONE };
    const UNIT: Facts = Facts { at_most_one: true, ..Facts::POSITIVE };
    const COUNT: Facts = Facts { nonnegative: true, whole: true, ..Facts::NONE };
    const BOOL: Facts = Facts { at_most_one: true, ..Facts::COUNT };

    pub fn of_value(value: f64) -> Facts {
        Facts {
            positive: value > 0.0,
            nonnegative: value >= 0.0,
            at_most_one: value <= 1.0,
            whole: value.fract() == 0.0,
        }
    }

    pub fn of_kind(kind: &ElemKind) -> Facts {
        match kind {
            ElemKind::Real | ElemKind::Ordered(_) | ElemKind::Vector(_) | ElemKind::Matrix(..) => Facts::NONE,
            ElemKind::SymPos(_) => Facts::NONE,
            ElemKind::Positive => Facts::POSITIVE,
            ElemKind::Unit | ElemKind::Simplex(_) => Facts::UNIT,
            ElemKind::Count | ElemKind::Counts(_) | ElemKind::Category(_) => Facts::COUNT,
            ElemKind::Bool => Facts::BOOL,
        }
    }

    pub fn of_type(ty: &Type) -> Facts {
        match ty {
            Type::Real
            | Type::Ordered(_)
            | Type::Vector(_)
            | Type::Matrix(..)
            | Type::SymPos(_)
            | Type::Literal(_) => Facts::NONE,
            Type::Positive => Facts::POSITIVE,
            Type::Unit | Type::Simplex(_) => Facts::UNIT,
            Type::Count | Type::Index(_) => Facts::COUNT,
            Type::Bool => Facts::BOOL,
        }
    }

    pub fn and(self, other: Facts) -> Facts {
        Facts {
            positive: self.positive && other.positive,
            nonnegative: self.nonnegative && other.nonnegative,
            at_most_one: self.at_most_one && other.at_most_one,
            whole: self.whole && other.whole,
        }
    }

    fn or(self, other: Facts) -> Facts {
        Facts {
            positive: self.positive || other.positive,
            nonnegative: self.nonnegative || other.nonnegative,
            at_most_one: self.at_most_one || other.at_most_one,
            whole: self.whole || other.whole,
        }
    }

    fn plus(self, other: Facts) -> Facts {
        Facts {
            positive: self.nonnegative && other.nonnegative && (self.positive || other.positive),
            nonnegative: self.nonnegative && other.nonnegative,
            at_most_one: false,
            whole: self.whole && other.whole,
        }
    }

    fn times(self, other: Facts) -> Facts {
        let nonnegative = self.nonnegative && other.nonnegative;
        Facts {
            positive: self.positive && other.positive,
            nonnegative,
            at_most_one: nonnegative && self.at_most_one && other.at_most_one,
            whole: self.whole && other.whole,
        }
    }

    /// The narrowest type of a number with these facts.
    pub fn scalar_type(self) -> Type {
        if self.positive && self.at_most_one {
            Type::Unit
        } else if self.whole && self.nonnegative && !self.positive {
            Type::Count
        } else if self.positive {
            Type::Positive
        } else {
            Type::Real
        }
    }
}

impl Model {
    /// What every component of `expr` satisfies.
    pub fn facts(&self, expr: &Expr) -> Facts {
        if let Some(value) = constant_value(expr) {
            return Facts::of_value(value);
        }
        match &expr.kind {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) => Facts::of_type(&expr.ty),
            ExprKind::Index(index) => {
                let least = self.lower_bound(index);
                Facts {
                    positive: least.is_some_and(|l| l > 0),
                    nonnegative: least.is_some_and(|l| l >= 0),
                    at_most_one: false,
                    whole: true,
                }
            }
            ExprKind::Read(access) => Facts::of_kind(&self.arrays[access.array.0].elem.kind),
            ExprKind::Let(id, _) => match self.lets[id.0].pieces.as_slice() {
                [] => Facts::of_type(&expr.ty),
                pieces => pieces
                    .iter()
                    .map(|p| self.facts(&p.value))
                    .reduce(Facts::and)
                    .unwrap_or_default()
                    .or(Facts::of_type(&self.lets[id.0].ty)),
            },
            ExprKind::Unary(Unary::Neg, _) => Facts::NONE,
            ExprKind::Unary(Unary::Not, _) | ExprKind::Compare(..) => Facts::BOOL,
            ExprKind::Binary(op, a, b) => self.binary_facts(*op, a, b),
            ExprKind::Transpose(a) | ExprKind::Component(a, _) => self.facts(a),
            ExprKind::Call(function, args) => match function {
                Function::Dot => {
                    Facts { at_most_one: false, ..self.facts(&args[0]).times(self.facts(&args[1])) }
                }
                Function::Exp => Facts::POSITIVE,
                Function::Sqrt => Facts { whole: false, ..self.facts(&args[0]) },
                Function::Sigmoid => Facts::UNIT,
                Function::Log | Function::Logit => Facts::NONE,
                Function::Onehot => Facts::BOOL,
                Function::Diag => Facts { positive: false, ..self.facts(&args[0]) },
                Function::Trace => Facts::of_type(&expr.ty),
            },
            ExprKind::Vector(items) => {
                items.iter().map(|i| self.facts(i)).reduce(Facts::and).unwrap_or_default()
            }
            ExprKind::Comprehension { guard, body, .. } => {
                let body = self.facts(body);
                // A component that the guard leaves out is 0.
                if guard.is_some() { Facts { positive: false, ..body } } else { body }
            }
            ExprKind::Reduce { op, body, .. } => match op {
                Reducer::All | Reducer::Any => Facts::BOOL,
                // The empty product is 1.
                Reducer::Prod => Facts {
                    at_most_one: self.facts(body).at_most_one && self.facts(body).nonnegative,
                    ..self.facts(body)
                },
                Reducer::Sum => Facts { at_most_one: false, ..self.facts(body) },
            },
        }
    }

    fn binary_facts(&self, op: Binary, a: &Expr, b: &Expr) -> Facts {
        let (x, y) = (self.facts(a), self.facts(b));
        // Matrix products sum signed entries, so nothing carries over but what the entries of both have.
        let scalar = |e: &Expr| e.ty.is_scalar();
        match op {
            Binary::Or | Binary::And => Facts::BOOL,
            Binary::Add => x.plus(y),
            Binary::Sub => {
                // `1 - x` stays in the unit interval; strictly inside where x is.
                let complement = constant_value(a) == Some(1.0) && y.nonnegative && y.at_most_one;
                Facts {
                    positive: complement && y.positive,
                    nonnegative: complement,
                    at_most_one: complement,
                    whole: x.whole && y.whole,
                }
            }
            Binary::Mul if scalar(a) || scalar(b) => x.times(y),
            Binary::Mul => Facts { at_most_one: false, ..x.times(y) },
            Binary::Div => Facts {
                positive: x.positive && y.positive,
                nonnegative: x.nonnegative && y.positive,
                at_most_one: false,
                whole: false,
            },
            Binary::Pow => Facts {
                positive: x.positive,
                nonnegative: x.nonnegative || constant_value(b).is_some_and(|p| p % 2.0 == 0.0),
                at_most_one: x.nonnegative && x.at_most_one && y.nonnegative,
                whole: x.whole && y.whole && y.nonnegative,
            },
        }
    }

    /// A value the index never goes below, for sizes of at least 1.
    pub fn lower_bound(&self, index: &Index) -> Option<i64> {
        let mut index = index.clone();
        // Bound indices are replaced from the innermost outwards, so that what their ranges read is replaced after them.
        for id in (0..self.indices.len()).rev() {
            let var = &self.indices[id];
            let place = index.terms.iter().position(|(_, t)| matches!(t, IndexTerm::Bound(i) if i.0 == id));
            if let Some(place) = place {
                let (coefficient, _) = index.terms.remove(place);
                let end = if coefficient > 0 { var.low.clone() } else { var.high.shift(-1) };
                index = index.plus(coefficient, &end);
            }
        }
        let mut least = index.offset;
        for (coefficient, term) in &index.terms {
            match term {
                IndexTerm::Size(..) if *coefficient > 0 => least = least.saturating_add(*coefficient),
                IndexTerm::Read(_) | IndexTerm::Axis(_) if *coefficient > 0 => {}
                IndexTerm::Size(..) | IndexTerm::Read(_) | IndexTerm::Axis(_) | IndexTerm::Bound(_) => {
                    return None;
                }
            }
        }
        Some(least)
    }
}

/// The value of an expression of literals.
pub fn constant_value(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Int(v) => Some(*v as f64),
        ExprKind::Float(v) => Some(*v),
        ExprKind::Index(index) => index.as_constant().map(|v| v as f64),
        ExprKind::Unary(Unary::Neg, a) => constant_value(a).map(|v| -v),
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (constant_value(a)?, constant_value(b)?);
            match op {
                Binary::Add => Some(a + b),
                Binary::Sub => Some(a - b),
                Binary::Mul => Some(a * b),
                Binary::Div => Some(a / b),
                Binary::Pow => Some(a.powf(b)),
                Binary::Or | Binary::And => None,
            }
        }
        ExprKind::Bool(_)
        | ExprKind::Read(_)
        | ExprKind::Let(..)
        | ExprKind::Unary(Unary::Not, _)
        | ExprKind::Compare(..)
        | ExprKind::Transpose(_)
        | ExprKind::Component(..)
        | ExprKind::Call(..)
        | ExprKind::Vector(_)
        | ExprKind::Comprehension { .. }
        | ExprKind::Reduce { .. } => None,
    }
}
