//! The params that alone are a scale in a chain of Gaussians, and the power of them that a variance is.

use super::{Body, Component, Rows, is_param, is_random};
use crate::density::poly::{Exponent, Factor};
use crate::model::ir::{ArrayId, Model};

/// Where a scale stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the law of a first state.
    First,
    /// In the law of a step.
    Step,
    /// In that of data.
    Data,
}

/// A scale that is one param: variances are `param ^ power`.
#[derive(Debug, Clone, Copy)]
pub struct ChainScale {
    pub array: ArrayId,
    pub place: Place,
    pub power: Exponent,
}

/// The scales of a chain. What stands in several places is where it changes most: in steps before first states.
pub fn chain_scales(model: &Model, c: &Component) -> Vec<ChainScale> {
    let mut out: Vec<ChainScale> = vec![];
    let steps = c.link.iter().flat_map(|l| &l.step.rows);
    for (r, joined) in steps.map(|r| (r, true)).chain(c.rows.iter().map(|r| (r, false))) {
        let latent = c.normals.iter().any(|n| n.array == r.target.array);
        let place = match (latent, joined) {
            (true, true) => Place::Step,
            (true, false) => Place::First,
            (false, _) => Place::Data,
        };
        for (array, power) in scales(model, r) {
            if out.iter().all(|s| s.array != array) {
                out.push(ChainScale { array, place, power });
            }
        }
    }
    out
}

fn scales(model: &Model, r: &Rows) -> Vec<(ArrayId, Exponent)> {
    let of_case = |body: &Body| match body {
        Body::Scalar(s) => match s.precision.0.as_slice() {
            [t] => match t.factors.as_slice() {
                [(Factor::Elem(e), x)] if is_held(model, e.array) => {
                    Some((e.array, Exponent::new(-x.num, x.den)))
                }
                _ => None,
            },
            _ => None,
        },
        Body::Dense(d) if d.factor.as_number().is_some() && is_held(model, d.matrix.array) => {
            let root = if d.matrix.cholesky { 2 } else { 1 };
            Some((d.matrix.array, Exponent::int(if d.inverse { root } else { -root })))
        }
        Body::Dense(_) | Body::Terms(_) | Body::Equal { .. } => None,
    };
    r.cases.iter().filter_map(|c| of_case(&c.body)).collect()
}

/// Whether an unknown has a value: what has a law of its own begins at its prior.
fn is_held(model: &Model, a: ArrayId) -> bool {
    is_param(model, a) && !is_random(model, a)
}
