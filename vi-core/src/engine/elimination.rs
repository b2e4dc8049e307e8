//! The update of a block of locations that all units share: rows come from priors and from moments, and then it is chosen how they are
//! eliminated.
//!
//! ```text
//! fronts of the pattern of rows      cost known before any number, about Σ width² · height
//! one matrix                         normal equations from moments: unknowns³
//! ```
//!
//! Whichever costs less is taken; once it was a matrix, later updates of the same fit make one too. Fronts are found once for one pattern. They
//! take rows: of moments, a root of them about their mean, so that it is linear in cells, and the targets are less what the unknowns explain as
//! they stand. Data far from the origin then cost no digits once the unknowns are near, with intercepts or without.

use super::covariance::{Covariance, Shape, part};
use super::gauss::fronts::{Fronts, SparseRows};
use super::gauss::order::Pattern;
use super::intercept::Intercept;
use super::least_squares::{Form, LeastSquares, Solution, Term, Value, product, root, unknown_forms};
use super::products::{self, Product};
use crate::Error;
use crate::stats::Cell;
use nalgebra::DMatrix;
use std::sync::Arc;

/// Blocks of fewer unknowns are eliminated as one matrix.
const SMALL: usize = 24;

/// How many times as much as fronts a matrix may cost that is taken instead: it goes over its numbers in long rows.
const LONG: f64 = 2.0;

/// Rows of a block.
#[derive(Clone, Debug)]
pub struct Elimination {
    shape: Shape,
    outputs: usize,
    way: Way,
    /// Of the first moments, should rows become a matrix.
    intercept: Option<Intercept>,
}

#[derive(Clone, Debug)]
enum Way {
    Matrix(LeastSquares),
    /// With the pattern that the last update found.
    Rows(SparseRows, Option<Arc<Pattern>>),
}

impl Elimination {
    /// No rows yet; `before` is the covariance of the last update.
    #[must_use]
    pub fn new(unknowns: usize, outputs: usize, before: &Covariance) -> Elimination {
        let shape = Shape { unknowns, ..before.shape() };
        let way = match before {
            Covariance::Fronts { law, .. } if law.unknowns() == unknowns => {
                Way::Rows(SparseRows::default(), Some(Arc::clone(law.pattern())))
            }
            Covariance::None(s) if !s.whole && (s.fronts || unknowns >= SMALL) => {
                Way::Rows(SparseRows::default(), None)
            }
            Covariance::None(_)
            | Covariance::Matrix(_)
            | Covariance::Centred { .. }
            | Covariance::Fronts { .. } => Way::Matrix(LeastSquares::new(unknowns, outputs)),
        };
        Elimination { shape, outputs, way, intercept: None }
    }

    /// See [`LeastSquares::add_row`].
    pub fn add_row(&mut self, weight: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
        let rows = match &mut self.way {
            Way::Matrix(system) => return system.add_row(weight, coefficients, targets),
            Way::Rows(rows, _) => rows,
        };
        one_row(rows, weight.sqrt(), coefficients, targets);
    }

    /// Says that rows to come join these unknowns, so that what they share is known before there are any.
    pub fn join(&mut self, unknowns: &[usize]) {
        if let Way::Rows(rows, _) = &mut self.way
            && !unknowns.is_empty()
        {
            rows.begin(unknowns.iter().copied());
        }
    }

    /// See [`LeastSquares::add_moments`].
    pub fn add_moments(&mut self, weight: f64, m: Cell<'_>, terms: &[Term]) {
        if m.count == 0.0 || weight == 0.0 {
            return;
        }
        let rows = match &mut self.way {
            Way::Matrix(system) => return system.add_moments(weight, m, terms),
            Way::Rows(rows, _) => rows,
        };
        if self.intercept.is_none() {
            self.intercept = Intercept::of_terms(&m, terms);
        }
        moment_rows(rows, weight.sqrt(), &m, terms, self.outputs);
    }

    /// See [`LeastSquares::add_coupled`].
    pub fn add_coupled(&mut self, precision: &DMatrix<f64>, m: Cell<'_>, terms: &[Vec<Term>]) {
        if m.count == 0.0 {
            return;
        }
        let rows = match &mut self.way {
            Way::Matrix(system) => return system.add_coupled(precision, m, terms),
            Way::Rows(rows, _) => rows,
        };
        let unknown: Vec<Vec<(usize, Form)>> = terms.iter().map(|t| unknown_forms(&m, t)).collect();
        let targets: Vec<Form> = terms.iter().enumerate().map(|(d, t)| target_form(&m, d, t)).collect();
        let mut entries = vec![];
        for (d, own) in unknown.iter().enumerate() {
            for (e, others) in unknown.iter().enumerate() {
                let p = precision[(d, e)];
                if p == 0.0 {
                    continue;
                }
                for (i, a) in own {
                    entries.extend(others.iter().map(|(j, b)| (*i, Some(*j), p * product(&m, a, b))));
                    entries.push((*i, None, p * product(&m, a, &targets[e])));
                }
            }
        }
        entry_rows(rows, &entries);
    }

    /// See [`LeastSquares::add_coupled_row`].
    pub fn add_coupled_row(
        &mut self,
        precision: &DMatrix<f64>,
        coefficients: &[Vec<(usize, f64)>],
        targets: &[f64],
    ) {
        let rows = match &mut self.way {
            Way::Matrix(system) => return system.add_coupled_row(precision, coefficients, targets),
            Way::Rows(rows, _) => rows,
        };
        let Some(chol) = nalgebra::Cholesky::new(precision.clone()) else {
            // Not a precision: whoever solves the system finds out.
            rows.begin([0]);
            rows.row([f64::NAN], targets.get(..1).unwrap_or(&[f64::NAN]));
            return;
        };
        let l = chol.l();
        rows.begin(coefficients.iter().flatten().map(|(i, _)| *i));
        for e in 0..coefficients.len() {
            let target: f64 = (e..coefficients.len()).map(|d| l[(d, e)] * targets[d]).sum();
            let scaled = coefficients
                .iter()
                .enumerate()
                .flat_map(|(d, own)| own.iter().map(move |(_, a)| (d, *a)))
                .map(|(d, a)| if d < e { 0.0 } else { l[(d, e)] * a });
            rows.row(scaled, &[target]);
        }
    }

    /// See [`LeastSquares::add_products`].
    pub fn add_products(&mut self, weight: f64, m: Cell<'_>, terms: &[Product], covariances: &[&Covariance]) {
        if m.count == 0.0 || weight == 0.0 {
            return;
        }
        let rows = match &mut self.way {
            Way::Matrix(system) => return system.add_products(weight, m, terms, covariances),
            Way::Rows(rows, _) => rows,
        };
        let mut entries = vec![];
        products::expected(weight, m, terms, covariances, |i, j, x| entries.push((i, j, x)));
        entry_rows(rows, &entries);
    }

    /// The means, and their covariance.
    ///
    /// # Errors
    /// [`Error::Improper`] if some direction is determined by nothing; [`Error::TooWide`].
    pub fn finish(self, names: &str, current: &DMatrix<f64>) -> Result<(Solution, Covariance), Error> {
        let Elimination { shape, way, intercept, .. } = self;
        let (mut rows, known) = match way {
            Way::Matrix(system) => return by_matrix(&system, names, current),
            Way::Rows(rows, known) => (rows, known),
        };
        let found = known.filter(|p| p.is_of(shape.unknowns, &rows.columns, &rows.ends));
        let pattern = found.unwrap_or_else(|| {
            Arc::new(Pattern::new(shape.unknowns, rows.columns.clone(), rows.ends.clone()))
        });
        let n = shape.unknowns as f64;
        let by_matrix_costs = n.powi(3);
        // Rows that read most of the unknowns are one front; as a matrix it may be kept where the data are.
        let intercept = intercept.filter(|i| 2 * i.slopes.len() >= shape.unknowns);
        let dense = intercept.is_some() || !shape.fronts && LONG * pattern.cost() > by_matrix_costs;
        let (entries, cost) = match dense {
            true => (n * n, by_matrix_costs),
            false => (pattern.entries() as f64, pattern.cost()),
        };
        if !shape.allows(entries, cost) {
            return Err(shape.too_wide(names, entries, cost));
        }
        let about = current.map(|x| if x.is_finite() { x } else { 0.0 });
        let (unknowns, outputs) = about.shape();
        rows.subtract(outputs, |i, o| about[(i, o)]);
        if dense {
            let mut system = LeastSquares::new(unknowns, outputs);
            let none = DMatrix::zeros(unknowns, outputs);
            let Some(intercept) = intercept else {
                rows.each(outputs, |coefficients, targets| system.add_row(1.0, coefficients, targets));
                let (solution, covariance) = by_matrix(&system, names, &none)?;
                return Ok((Solution { values: about + solution.values, ..solution }, covariance));
            };
            rows.each(outputs, |a, targets| system.add_row(1.0, &intercept.apply(a), targets));
            let (mut solution, covariance) = by_matrix(&system, names, &none)?;
            intercept.leave(&mut solution.values);
            solution.values += about;
            return Ok((solution, covariance.centred(intercept)));
        }
        let (law, step) =
            Fronts::eliminate(&pattern, &rows, outputs).map_err(|e| e.named(|_, _| names.to_string()))?;
        let values = about + DMatrix::from_column_slice(unknowns, outputs, &step);
        let covariance = Covariance::Fronts { law: Arc::new(law), budget: shape.budget };
        Ok((Solution { values, rank_deficient: false }, covariance))
    }
}

fn by_matrix(
    system: &LeastSquares,
    names: &str,
    current: &DMatrix<f64>,
) -> Result<(Solution, Covariance), Error> {
    let solution = system.solve(current);
    Ok((solution, system.covariance(names)?))
}

fn one_row(rows: &mut SparseRows, root: f64, coefficients: &[(usize, f64)], targets: &[f64]) {
    if coefficients.is_empty() || root == 0.0 {
        return;
    }
    rows.begin(coefficients.iter().map(|(i, _)| *i));
    let targets: Vec<f64> = targets.iter().map(|t| root * t).collect();
    rows.row(coefficients.iter().map(|(_, a)| root * a), &targets);
}

/// The target of a component less its known terms, over the columns of u about their gauges.
fn target_form(m: &Cell<'_>, target: usize, terms: &[Term]) -> Form {
    let (mut columns, mut constant) = (vec![(target, 1.0)], m.gauge[target]);
    for t in terms {
        let Value::Known(v) = t.value else { continue };
        let v = v * t.constant;
        match t.column {
            Some(c) => {
                columns.push((c, -v));
                constant -= v * m.gauge[c];
            }
            None => constant -= v,
        }
    }
    (columns, constant)
}

/// Rows whose squares are those behind moments: one at their mean, and a root of what is about it.
fn moment_rows(rows: &mut SparseRows, weight: f64, m: &Cell<'_>, terms: &[Term], outputs: usize) {
    let forms = unknown_forms(m, terms);
    if forms.is_empty() {
        return;
    }
    let targets: Vec<Form> = (0..outputs).map(|o| target_form(m, o, terms)).collect();
    let at_mean = |f: &Form| f.1 + f.0.iter().map(|(c, x)| x * m.sum[*c]).sum::<f64>() / m.count;
    rows.begin(forms.iter().map(|(i, _)| *i));
    let scale = weight * m.count.sqrt();
    let means: Vec<f64> = targets.iter().map(|t| scale * at_mean(t)).collect();
    rows.row(forms.iter().map(|(_, f)| scale * at_mean(f)), &means);
    let mut columns: Vec<usize> = forms.iter().flat_map(|(_, f)| f.0.iter().map(|(c, _)| *c)).collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.is_empty() {
        return;
    }
    // What is left of a square by rounding is nothing.
    let varies = |i: usize| {
        let mean = m.sum[i] / m.count;
        m.square(i, i) - m.sum[i] * mean > 16.0 * f64::EPSILON * m.square(i, i)
    };
    columns.retain(|c| varies(*c));
    let about = |i: usize, j: usize| m.square(i, j) - m.sum[i] * (m.sum[j] / m.count);
    let k = columns.len();
    let gram = DMatrix::from_fn(k, k, |i, j| about(columns[i], columns[j]));
    let rhs = DMatrix::from_fn(k, outputs, |i, o| {
        targets[o].0.iter().map(|(c, x)| x * about(columns[i], *c)).sum::<f64>()
    });
    let mut values = vec![0.0; outputs];
    root(&gram, &rhs, |row, target| {
        let along = |f: &Form| -> f64 {
            f.0.iter().filter_map(|(c, x)| Some(x * row[columns.binary_search(c).ok()?])).sum()
        };
        values.iter_mut().zip(target).for_each(|(v, t)| *v = weight * t);
        rows.row(forms.iter().map(|(_, f)| weight * along(f)), &values);
    });
}

/// Rows whose squares have these normal equations.
fn entry_rows(rows: &mut SparseRows, entries: &[(usize, Option<usize>, f64)]) {
    let mut unknowns: Vec<usize> = entries.iter().map(|(i, ..)| *i).collect();
    unknowns.sort_unstable();
    unknowns.dedup();
    if unknowns.is_empty() {
        return;
    }
    let at = |i: usize| unknowns.binary_search(&i).unwrap_or(0);
    let mut gram = DMatrix::<f64>::zeros(unknowns.len(), unknowns.len());
    let mut rhs = DMatrix::zeros(unknowns.len(), 1);
    for (i, j, x) in entries {
        match j {
            Some(j) => gram[(at(*i), at(*j))] += x,
            None => rhs[(at(*i), 0)] += x,
        }
    }
    rows.begin(unknowns.iter().copied());
    if !gram.iter().all(|x| x.is_finite()) {
        rows.row(gram.row(0).iter().map(|_| f64::NAN), &[f64::NAN]);
        return;
    }
    root(&gram, &rhs, |row, target| rows.row(row.iter().copied(), target));
}

impl Covariance {
    /// Cov of the unknowns at these places.
    #[must_use]
    pub fn block(&self, at: &[usize]) -> DMatrix<f64> {
        match self {
            Covariance::None(_) => DMatrix::zeros(at.len(), at.len()),
            Covariance::Matrix(m) => DMatrix::from_fn(at.len(), at.len(), |i, j| m[(at[i], at[j])]),
            Covariance::Centred { .. } => {
                DMatrix::from_fn(at.len(), at.len(), |i, j| self.entry(at[i], at[j]))
            }
            Covariance::Fronts { law, .. } => part(law, at),
        }
    }
}
