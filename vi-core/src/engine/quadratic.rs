//! The square of a residual as a function of its locations, for M-steps in which they have no solution of their own.

use super::least_squares::{Form, Term, Value, product, residual_form};
use crate::stats::Cell;
use nalgebra::{DMatrix, DVector};

/// S(x) = Σ w ρ(x)² with its derivatives.
#[derive(Clone, Debug)]
pub struct Quadratic {
    /// S
    pub value: f64,
    slope: Vec<(usize, f64)>,
    curvature: Vec<(usize, usize, f64)>,
}

/// Σ w (u₀ − Σ terms)², the unknowns at x. About the gauge of the moments, so that data far from the origin cost no digits.
#[must_use]
pub fn residual(m: Cell<'_>, terms: &[Term], x: &[f64]) -> Quadratic {
    if m.count == 0.0 {
        return Quadratic { value: 0.0, slope: vec![], curvature: vec![] };
    }
    let at: Vec<Term> = terms
        .iter()
        .map(|t| match t.value {
            Value::Unknown(id) => Term { value: Value::Known(x[id]), ..*t },
            Value::Known(_) => *t,
        })
        .collect();
    let rho = residual_form(&m, 0, &at);
    // −∂ρ/∂x of each unknown.
    let parts: Vec<(usize, Form)> = terms
        .iter()
        .filter_map(|t| match (t.value, t.column) {
            (Value::Unknown(id), Some(c)) => Some((id, (vec![(c, 1.0)], m.gauge[c]))),
            (Value::Unknown(id), None) => Some((id, (vec![], t.constant))),
            (Value::Known(_), _) => None,
        })
        .collect();
    let slope = parts.iter().map(|(i, part)| (*i, -2.0 * product(&m, &rho, part))).collect();
    let curvature = parts
        .iter()
        .flat_map(|(i, a)| parts.iter().map(|(j, b)| (*i, *j, 2.0 * product(&m, a, b))))
        .collect();
    Quadratic { value: product(&m, &rho, &rho).max(0.0), slope, curvature }
}

impl Quadratic {
    /// Adds the derivatives of factor · S, the factor held.
    pub fn add(&self, factor: f64, gradient: &mut DVector<f64>, hessian: &mut DMatrix<f64>) {
        for (i, s) in &self.slope {
            gradient[*i] += factor * s;
        }
        for (i, j, c) in &self.curvature {
            hessian[(*i, *j)] += factor * c;
        }
    }

    /// Adds the mixed second derivatives of factor · S, where the factor's derivative in unknown `i` is `slope`.
    pub fn cross(&self, i: usize, slope: f64, hessian: &mut DMatrix<f64>) {
        for (j, s) in &self.slope {
            hessian[(i, *j)] += slope * s;
            hessian[(*j, i)] += slope * s;
        }
    }
}
