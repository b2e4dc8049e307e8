//! Values of expressions, and arithmetic of them.

use super::world::{Hole, Known};
use crate::syntax::ast::Binary;
use vi_core::prelude::DMatrix;

#[derive(Clone, Debug)]
pub enum Value {
    Number(f64),
    Vector(Vec<f64>),
    Matrix(DMatrix<f64>),
}

impl Value {
    pub fn map(self, f: impl Fn(f64) -> f64) -> Value {
        match self {
            Value::Number(x) => Value::Number(f(x)),
            Value::Vector(v) => Value::Vector(v.into_iter().map(f).collect()),
            Value::Matrix(m) => Value::Matrix(m.map(f)),
        }
    }

    pub fn component(self, ix: &[i64]) -> Known<Value> {
        let outside = || Hole(format!("component {ix:?}"));
        match (self, ix) {
            (v, []) => Ok(v),
            (Value::Vector(v), [i]) => v.get(*i as usize).copied().map(Value::Number).ok_or_else(outside),
            (Value::Matrix(m), [i]) if (*i as usize) < m.nrows() => {
                Ok(Value::Vector(m.row(*i as usize).iter().copied().collect()))
            }
            (Value::Matrix(m), [i, j]) => {
                m.get((*i as usize, *j as usize)).copied().map(Value::Number).ok_or_else(outside)
            }
            _ => Err(outside()),
        }
    }
}

pub fn arithmetic(op: Binary, a: Value, b: Value) -> Known<Value> {
    let f = |x: f64, y: f64| match op {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div => x / y,
        Binary::Pow => x.powf(y),
        Binary::Or | Binary::And => f64::NAN,
    };
    let shape = || Err(Hole("shapes".into()));
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => Ok(Value::Number(f(x, y))),
        (Value::Matrix(m), Value::Matrix(n)) if op == Binary::Mul => match m.ncols() == n.nrows() {
            true => Ok(Value::Matrix(m * n)),
            false => shape(),
        },
        (Value::Matrix(m), Value::Vector(v)) if op == Binary::Mul => match m.ncols() == v.len() {
            true => Ok(Value::Vector(
                (0..m.nrows()).map(|i| (0..v.len()).map(|j| m[(i, j)] * v[j]).sum()).collect(),
            )),
            false => shape(),
        },
        (Value::Number(x), v) => Ok(v.map(|y| f(x, y))),
        (v, Value::Number(y)) => Ok(v.map(|x| f(x, y))),
        (Value::Vector(u), Value::Vector(v)) if u.len() == v.len() => {
            Ok(Value::Vector(u.iter().zip(&v).map(|(x, y)| f(*x, *y)).collect()))
        }
        (Value::Matrix(m), Value::Matrix(n)) if m.shape() == n.shape() => Ok(Value::Matrix(m.zip_map(&n, f))),
        _ => shape(),
    }
}
