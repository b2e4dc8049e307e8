//! Weighted least squares from moments.
//!
//! ```text
//! minimise over θ   Σ_rows w (target − Σⱼ aⱼ θⱼ − κ θ₀)²
//! ```
//!
//! Rows come as [`Moments`](crate::stats::Moments) of u = (targets, regressors), or one at a time (priors). The system is set up about the
//! gauge of the moments, so that data far from the origin cost no digits: with an intercept θ₀ the unknown is its value at the gauge.

mod solve;
mod stacked;

pub(super) use solve::{least_norm, well_conditioned};
pub(super) use stacked::root;

use super::covariance::Entries;
use crate::stats::Cell;
use nalgebra::DMatrix;
use stacked::Row;
use std::borrow::Cow;

/// A term of the mean: a column of u, or a constant, times an unknown or a value that is known here.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Position in u; `None` is the constant.
    pub column: Option<usize>,
    /// What it is multiplied with besides.
    pub constant: f64,
    /// What it multiplies.
    pub value: Value,
}

impl Term {
    /// A constant times a value.
    #[must_use]
    pub fn constant(constant: f64, value: Value) -> Term {
        Term { column: None, constant, value }
    }

    /// A column of u times a value.
    #[must_use]
    pub fn column(column: usize, value: Value) -> Term {
        Term { column: Some(column), constant: 1.0, value }
    }

    /// So many times the term.
    #[must_use]
    pub fn times(self, by: f64) -> Term {
        Term { constant: self.constant * by, ..self }
    }
}

/// An unknown of the system, or a number.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Position among the unknowns.
    Unknown(usize),
    /// Held fixed.
    Known(f64),
}

/// Normal equations for `outputs` right-hand sides that share their regressors.
#[derive(Clone, Debug)]
pub struct LeastSquares {
    unknowns: usize,
    outputs: usize,
    /// Of moments.
    gram: DMatrix<f64>,
    rhs: DMatrix<f64>,
    rows: Vec<Row>,
    /// Unknowns that moments were added of, be they 0.
    touched: Vec<bool>,
    gauge: Option<Gauge>,
}

/// κ θ₀ = κ θ₀′ + c_target − Σ cⱼ θⱼ: the intercept is solved for at the gauge.
#[derive(Clone, Debug)]
struct Gauge {
    id: usize,
    constant: f64,
    target: Vec<f64>,
    slopes: Vec<(usize, f64)>,
}

/// A solution.
#[derive(Clone, Debug)]
pub struct Solution {
    /// `unknowns × outputs`
    pub values: DMatrix<f64>,
    /// Some direction is determined by nothing; of all solutions that with the least sum of squares was taken, an intercept not counted. An
    /// unknown whose column is 0 about the intercept keeps the value it had.
    pub rank_deficient: bool,
}

impl LeastSquares {
    /// No rows yet.
    #[must_use]
    pub fn new(unknowns: usize, outputs: usize) -> Self {
        LeastSquares {
            unknowns,
            outputs,
            gram: DMatrix::zeros(unknowns, unknowns),
            rhs: DMatrix::zeros(unknowns, outputs),
            rows: vec![],
            touched: vec![false; unknowns],
            gauge: None,
        }
    }

    /// Adds one row: `weight · (target − Σ coefficient · unknown)²`, one target for each output.
    pub fn add_row(&mut self, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        let mut row: Vec<(usize, f64)> = coefficients.to_vec();
        let mut targets = targets.to_vec();
        if let Some(g) = &self.gauge
            && let Some(&(_, q)) = coefficients.iter().find(|(id, _)| *id == g.id)
        {
            let ratio = q / g.constant;
            for (t, c) in targets.iter_mut().zip(&g.target) {
                *t -= ratio * c;
            }
            row.extend(g.slopes.iter().map(|(id, c)| (*id, -ratio * c)));
        }
        self.rows.push(Row { weight, coefficients: row, targets });
    }

    /// The normal equations of moments and rows.
    fn total(&self) -> (Cow<'_, DMatrix<f64>>, Cow<'_, DMatrix<f64>>) {
        if self.rows.is_empty() {
            return (Cow::Borrowed(&self.gram), Cow::Borrowed(&self.rhs));
        }
        let (mut gram, mut rhs) = (self.gram.clone(), self.rhs.clone());
        self.rows.iter().for_each(|r| r.add_to(&mut gram, &mut rhs));
        (Cow::Owned(gram), Cow::Owned(rhs))
    }

    /// Adds the rows behind moments whose first `outputs` columns are the targets.
    pub fn add_moments(&mut self, weight: f64, m: Cell<'_>, terms: &[Term]) {
        if m.count == 0.0 || weight == 0.0 {
            return;
        }
        let outputs = self.outputs;
        let mut columns: Vec<(usize, usize)> = Vec::with_capacity(terms.len());
        columns.extend(terms.iter().filter_map(|t| match (t.column, t.value) {
            (Some(c), Value::Unknown(id)) => Some((c, id)),
            _ => None,
        }));
        let constants: Vec<(usize, f64)> = terms
            .iter()
            .filter_map(|t| match (t.column, t.value) {
                (None, Value::Unknown(id)) => Some((id, t.constant)),
                _ => None,
            })
            .collect();
        let known: Vec<(Option<usize>, f64)> = terms
            .iter()
            .filter_map(|t| match t.value {
                Value::Known(v) => Some((t.column, v * t.constant)),
                Value::Unknown(_) => None,
            })
            .collect();
        // The part of the mean that is constant at the gauge, as a form in the unknowns and a number for each output.
        let mut offset: Vec<f64> = m.gauge[..outputs].to_vec();
        for (c, v) in &known {
            let at = c.map_or(1.0, |c| m.gauge[c]);
            offset.iter_mut().for_each(|o| *o -= v * at);
        }
        if self.gauge.is_none()
            && let [(id, constant)] = constants.as_slice()
            // What multiplies a column as well is no intercept.
            && columns.iter().all(|(_, j)| j != id)
            && self.is_empty()
        {
            let slopes = columns.iter().map(|(c, id)| (*id, m.gauge[*c])).collect();
            self.gauge = Some(Gauge { id: *id, constant: *constant, target: offset.clone(), slopes });
        }
        let slopes = self.gauge.as_ref().map_or(0, |g| g.slopes.len());
        let mut one: Vec<(usize, f64)> = Vec::with_capacity(constants.len() + columns.len() + slopes);
        one.extend(&constants);
        one.extend(columns.iter().map(|(c, id)| (*id, m.gauge[*c])));
        if let Some(g) = &self.gauge
            && let Some(&(_, q)) = constants.iter().find(|(id, _)| *id == g.id)
        {
            let ratio = q / g.constant;
            for (o, c) in offset.iter_mut().zip(&g.target) {
                *o -= ratio * c;
            }
            one.extend(g.slopes.iter().map(|(id, c)| (*id, -ratio * c)));
        }
        // Merge and drop what cancels, so that a row about its own gauge is the intercept alone.
        one.sort_by_key(|(id, _)| *id);
        one.dedup_by(|again, first| {
            let same = again.0 == first.0;
            first.1 += if same { again.1 } else { 0.0 };
            same
        });
        one.retain(|(_, x)| *x != 0.0);
        let target = |o: usize, i: usize| -> f64 {
            // Σ w (u_o − known)(u_i), both about the gauge.
            let mut s = m.square(o, i);
            for (c, v) in &known {
                if let Some(c) = c {
                    s -= v * m.square(*c, i);
                }
            }
            s
        };
        let target_sum = |o: usize| -> f64 {
            let mut s = m.sum[o];
            for (c, v) in &known {
                if let Some(c) = c {
                    s -= v * m.sum[*c];
                }
            }
            s
        };
        columns.iter().for_each(|(_, i)| self.touched[*i] = true);
        for &(ci, i) in &columns {
            for &(cj, j) in &columns {
                self.gram[(i, j)] += weight * m.square(ci, cj);
            }
            for &(j, b) in &one {
                self.gram[(i, j)] += weight * b * m.sum[ci];
                self.gram[(j, i)] += weight * b * m.sum[ci];
            }
            for o in 0..outputs {
                self.rhs[(i, o)] += weight * (target(o, ci) + offset[o] * m.sum[ci]);
            }
        }
        for &(i, a) in &one {
            for &(j, b) in &one {
                self.gram[(i, j)] += weight * a * b * m.count;
            }
            for o in 0..outputs {
                self.rhs[(i, o)] += weight * a * (target_sum(o) + offset[o] * m.count);
            }
        }
    }

    /// Adds rows whose components are coupled by a precision matrix: unknown `id(term, d)` in component d.
    ///
    /// Only for systems with one right-hand side; the targets are the first D columns.
    pub fn add_coupled(&mut self, precision: &DMatrix<f64>, m: Cell<'_>, terms: &[Vec<Term>]) {
        let dim = precision.nrows();
        // Raw moments of (u, 1) about the origin are enough here: coupled systems have no common intercept to solve at the gauge.
        let raw = |a: Option<usize>, b: Option<usize>| -> f64 {
            match (a, b) {
                (Some(a), Some(b)) => {
                    m.square(a, b)
                        + m.gauge[a] * m.sum[b]
                        + m.sum[a] * m.gauge[b]
                        + m.count * m.gauge[a] * m.gauge[b]
                }
                (Some(a), None) | (None, Some(a)) => m.sum[a] + m.count * m.gauge[a],
                (None, None) => m.count,
            }
        };
        for d in 0..dim {
            for e in 0..dim {
                let p = precision[(d, e)];
                if p == 0.0 {
                    continue;
                }
                for t in &terms[d] {
                    let Value::Unknown(i) = t.value else { continue };
                    let mut right = raw(t.column, Some(e));
                    for s in &terms[e] {
                        let g = t.constant * s.constant * raw(t.column, s.column);
                        match s.value {
                            Value::Unknown(j) => self.gram[(i, j)] += p * g,
                            Value::Known(v) => right -= v * s.constant * raw(t.column, s.column),
                        }
                    }
                    self.rhs[(i, 0)] += p * t.constant * right;
                }
            }
        }
    }

    /// Adds one row with components coupled by a precision matrix: as many rows as it has components, whitened.
    pub fn add_coupled_row(
        &mut self,
        precision: &DMatrix<f64>,
        coefficients: &[Vec<(usize, f64)>],
        targets: &[f64],
    ) {
        let Some(chol) = nalgebra::Cholesky::new(precision.clone()) else {
            // Not a precision: whoever solves the system finds out.
            self.gram.fill(f64::NAN);
            return;
        };
        let l = chol.l();
        for e in 0..coefficients.len() {
            let mut row = vec![];
            let mut target = 0.0;
            for (d, own) in coefficients.iter().enumerate().skip(e) {
                row.extend(own.iter().map(|(i, a)| (*i, l[(d, e)] * a)));
                target += l[(d, e)] * targets[d];
            }
            row.sort_by_key(|(i, _)| *i);
            let row: Vec<(usize, f64)> = row
                .chunk_by(|a, b| a.0 == b.0)
                .map(|same| (same[0].0, same.iter().map(|x| x.1).sum()))
                .collect();
            self.add_row(1.0, &row, &[target]);
        }
    }

    pub(super) fn add_gram(&mut self, i: usize, j: usize, x: f64) {
        self.gram[(i, j)] += x;
    }

    pub(super) fn add_right(&mut self, i: usize, x: f64) {
        self.rhs[(i, 0)] += x;
    }

    /// Whether no row touches an unknown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.gram.iter().all(|x| *x == 0.0)
    }
}

/// Σᵢⱼ aᵢ Cᵢⱼ aⱼ: the variance of Σ a θ for θ of covariance C.
#[must_use]
pub fn quadratic(coefficients: &[(usize, f64)], covariance: &impl Entries) -> f64 {
    covariance.cross(coefficients, coefficients)
}

/// The coefficient of each unknown as a form over the columns of u about their gauges.
pub(super) fn unknown_forms(m: &Cell<'_>, terms: &[Term]) -> Vec<(usize, Form)> {
    let mut out: Vec<(usize, Form)> = vec![];
    for t in terms {
        let Value::Unknown(id) = t.value else { continue };
        let at = match out.iter().position(|(i, _)| *i == id) {
            Some(at) => at,
            None => {
                out.push((id, (vec![], 0.0)));
                out.len() - 1
            }
        };
        let form = &mut out[at].1;
        match t.column {
            Some(c) => {
                form.0.push((c, t.constant));
                form.1 += t.constant * m.gauge[c];
            }
            None => form.1 += t.constant,
        }
    }
    out
}

/// The same of the unknowns as a covariance keeps them: what they have in common with an intercept is taken out of their forms before any product.
fn kept_forms(m: &Cell<'_>, terms: &[Term], covariance: &impl Entries) -> Vec<(usize, Form)> {
    let mut forms = unknown_forms(m, terms);
    let Some(intercept) = covariance.intercept() else { return forms };
    let Some((_, own)) = forms.iter().find(|(i, _)| *i == intercept.id).cloned() else { return forms };
    for (j, c) in &intercept.slopes {
        let at = match forms.iter().position(|(i, _)| i == j) {
            Some(at) => at,
            None => {
                forms.push((*j, (vec![], 0.0)));
                forms.len() - 1
            }
        };
        let form = &mut forms[at].1;
        form.0.extend(own.0.iter().map(|(column, x)| (*column, -c * x)));
        form.1 -= c * own.1;
    }
    forms
}

fn kept_cross(covariance: &impl Entries, a: &[(usize, f64)], b: &[(usize, f64)]) -> f64 {
    match covariance.intercept() {
        None => covariance.cross(a, b),
        Some(_) => {
            a.iter().flat_map(|(i, x)| b.iter().map(move |(j, y)| x * y * covariance.kept(*i, *j))).sum()
        }
    }
}

/// Σ w Var(Σ terms): what the uncertainty of the unknowns adds to Σ w ρ².
#[must_use]
pub fn spread(m: Cell<'_>, terms: &[Term], covariance: &impl Entries) -> f64 {
    if m.count == 0.0 {
        return 0.0;
    }
    let forms = kept_forms(&m, terms, covariance);
    if let Some(at) = of_one_row(&m, &forms) {
        return m.count * kept_cross(covariance, &at, &at);
    }
    let mut s = 0.0;
    for (i, a) in &forms {
        for (j, b) in &forms {
            s += covariance.kept(*i, *j) * product(&m, a, b);
        }
    }
    s
}

/// Σ w Cov(Σ terms of component d, Σ terms of component e): what the uncertainty of the unknowns adds to Σ w ρ ρᵀ.
#[must_use]
pub fn spread_scatter(m: Cell<'_>, terms: &[Vec<Term>], covariance: &impl Entries) -> DMatrix<f64> {
    let dim = terms.len();
    let mut out = DMatrix::zeros(dim, dim);
    if m.count == 0.0 {
        return out;
    }
    let forms: Vec<_> = terms.iter().map(|t| kept_forms(&m, t, covariance)).collect();
    let rows: Option<Vec<_>> = forms.iter().map(|f| of_one_row(&m, f)).collect();
    if let Some(rows) = rows {
        return DMatrix::from_fn(dim, dim, |d, e| kept_cross(covariance, &rows[d], &rows[e])) * m.count;
    }
    for d in 0..dim {
        for e in 0..=d {
            let mut s = 0.0;
            for (i, a) in &forms[d] {
                for (j, b) in &forms[e] {
                    s += covariance.kept(*i, *j) * product(&m, a, b);
                }
            }
            out[(d, e)] = s;
            out[(e, d)] = s;
        }
    }
    out
}

/// Cov(Σ aθ of component d, Σ aθ of component e), for one row.
#[must_use]
pub fn row_scatter(coefficients: &[Vec<(usize, f64)>], covariance: &impl Entries) -> DMatrix<f64> {
    let dim = coefficients.len();
    DMatrix::from_fn(dim, dim, |d, e| covariance.cross(&coefficients[d], &coefficients[e]))
}

/// Forms at the mean of a cell, where no column that they read varies in it but by rounding: all of its rows are one.
fn of_one_row(m: &Cell<'_>, forms: &[(usize, Form)]) -> Option<Vec<(usize, f64)>> {
    let stays = |c: usize| {
        let mean = m.sum[c] / m.count;
        m.square(c, c) - m.sum[c] * mean <= 16.0 * f64::EPSILON * m.square(c, c)
    };
    forms
        .iter()
        .map(|(i, (columns, constant))| {
            let mut at = *constant;
            for (c, x) in columns {
                if !stays(*c) {
                    return None;
                }
                at += x * m.sum[*c] / m.count;
            }
            Some((*i, at))
        })
        .collect()
}

/// A linear form in u: its coefficients over the columns about their gauges, and its constant.
pub(super) type Form = (Vec<(usize, f64)>, f64);

/// The residual u_target − Σ terms, every term known.
pub(super) fn residual_form(m: &Cell<'_>, target: usize, terms: &[Term]) -> Form {
    let mut form = Vec::with_capacity(1 + terms.len());
    form.push((target, 1.0));
    let mut constant = m.gauge[target];
    for t in terms {
        let Value::Known(v) = t.value else { continue };
        match t.column {
            Some(c) => {
                form.push((c, -v));
                constant -= v * m.gauge[c];
            }
            None => constant -= v * t.constant,
        }
    }
    (form, constant)
}

pub(super) fn product(m: &Cell<'_>, a: &Form, b: &Form) -> f64 {
    let mut s = m.count * a.1 * b.1;
    for &(i, x) in &a.0 {
        s += x * b.1 * m.sum[i];
        for &(j, y) in &b.0 {
            s += x * y * m.square(i, j);
        }
    }
    for &(j, y) in &b.0 {
        s += y * a.1 * m.sum[j];
    }
    s
}

/// Σ w (u_0 − Σ terms)², every term known. Never negative; what is only the rounding of a sum that is 0 is 0.
#[must_use]
pub fn residual_square(m: Cell<'_>, terms: &[Term]) -> f64 {
    if m.count == 0.0 {
        return 0.0;
    }
    let form = residual_form(&m, 0, terms);
    let square = product(&m, &form, &form);
    if square > 16.0 * f64::EPSILON * magnitude(&m, &form) || square.is_nan() { square } else { 0.0 }
}

/// Σ w ρ ρᵀ with ρ_d = u_d − Σ terms of component d.
#[must_use]
pub fn residual_scatter(m: Cell<'_>, terms: &[Vec<Term>]) -> DMatrix<f64> {
    let dim = terms.len();
    if m.count == 0.0 {
        return DMatrix::zeros(dim, dim);
    }
    let forms: Vec<_> = terms.iter().enumerate().map(|(d, t)| residual_form(&m, d, t)).collect();
    let mut out = DMatrix::zeros(dim, dim);
    for d in 0..dim {
        for e in 0..=d {
            let s = product(&m, &forms[d], &forms[e]);
            out[(d, e)] = s;
            out[(e, d)] = s;
        }
    }
    out
}

/// The sum of the absolute values that [`residual_square`] adds up: what its rounding is measured by.
#[must_use]
pub fn residual_magnitude(m: Cell<'_>, terms: &[Term]) -> f64 {
    if m.count == 0.0 {
        return 0.0;
    }
    magnitude(&m, &residual_form(&m, 0, terms))
}

fn magnitude(m: &Cell<'_>, (form, constant): &Form) -> f64 {
    let mut s = m.count * constant * constant;
    for (n, &(i, x)) in form.iter().enumerate() {
        s += 2.0 * (x * constant * m.sum[i]).abs();
        for &(j, y) in &form[..n] {
            s += 2.0 * (x * y * m.square(i, j)).abs();
        }
        s += (x * x * m.square(i, i)).abs();
    }
    s
}
