//! Turns of a product of two blocks that are both uncertain: c · x with x → T x and c → T⁻ᵀ c is the same product.
//!
//! Under q(x) q(c) the likelihood is a function of the product, so that what a turn changes of the objective is known in closed form. With N
//! standard vectors x, L lines c with a Gaussian q, and priors −½ Σ w gₕ cₕ² of the lines,
//!
//! ```text
//! J(T) = (N − L) log |det T| − ½ tr(T Φ Tᵀ) − ½ Σₕ gₕ (B M Bᵀ)ₕₕ,   B = T⁻ᵀ,   Φ = Σ E x xᵀ,   M = Σ w E c cᵀ
//! ```
//!
//! At its maximum T Φ Tᵀ and B M Bᵀ are both diagonal, which is a generalised eigenvalue problem; the lengths of its axes are roots of quadratic
//! equations. Where lines have priors that do not share their g, it is climbed. A turn that would lower J is never taken.
//!
//! Where a constant b stands beside every line, x → x − a and b → b + c · a is the same mean too.
//!
//! Source: Luttinen & Ilin (2010), *Transformations in variational Bayesian factor analysis to speed up learning*, Neurocomputing 73.

use super::covariance::Covariance;
use crate::linalg::Cholesky;
use crate::stats::Cell;
use nalgebra::{DMatrix, DVector};

/// Steps of a climb.
const STEPS: usize = 100;
/// Earlier steps that say how J is curved.
const MEMORY: usize = 8;
/// A share of what a step promised.
const ARMIJO: f64 = 1e-4;

/// x' = T x.
#[derive(Clone, Debug)]
pub struct Turn {
    /// T
    pub along: DMatrix<f64>,
    /// T⁻ᵀ: of indices that are summed with x.
    pub against: DMatrix<f64>,
}

/// One line c: its mean, and its place in the covariance of its block. A line without one is a point.
pub type Line<'a> = (&'a [f64], Option<(&'a Covariance, &'a [usize])>);

/// Lines whose priors share g.
#[derive(Clone, Debug)]
pub struct Lines {
    /// gₕ
    pub scale: Vec<f64>,
    /// M = Σ w E c cᵀ
    pub square: DMatrix<f64>,
}

/// J, and where x stands.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Φ = Σ E x xᵀ
    second: DMatrix<f64>,
    /// Σ E x
    sum: DVector<f64>,
    /// N
    weight: f64,
    /// L
    lines: f64,
    forms: Vec<Lines>,
    /// Σ π E c cᵀ and Σ π E c b over the constants beside the lines.
    beside: (DMatrix<f64>, DVector<f64>),
}

/// E c cᵀ
fn square((mean, law): Line<'_>) -> DMatrix<f64> {
    let cov = |i: usize, j: usize| law.map_or(0.0, |(c, at)| c.entry(at[i], at[j]));
    DMatrix::from_fn(mean.len(), mean.len(), |i, j| mean[i] * mean[j] + cov(i, j))
}

impl Lines {
    /// No lines yet.
    #[must_use]
    pub fn new(scale: Vec<f64>) -> Self {
        let width = scale.len();
        Lines { scale, square: DMatrix::zeros(width, width) }
    }

    /// Those of which one component alone has a prior.
    #[must_use]
    pub fn of(width: usize, component: usize) -> Self {
        Lines::new((0..width).map(|h| if h == component { 1.0 } else { 0.0 }).collect())
    }

    /// Adds a line whose prior has the precisions w g.
    pub fn add(&mut self, w: f64, line: Line<'_>) {
        self.square += square(line) * w;
    }
}

impl Rotation {
    /// From Σ w (1, x)(1, x)ᵀ; `None` where there is nothing.
    #[must_use]
    pub fn of(m: Cell<'_>) -> Option<Rotation> {
        let (n, g) = (m.gauge.len(), m.gauge);
        let raw =
            |i: usize, j: usize| m.square(i, j) + g[i] * m.sum[j] + m.sum[i] * g[j] + m.count * g[i] * g[j];
        let second = DMatrix::from_fn(n, n, raw);
        let sum = DVector::from_fn(n, |i, _| m.sum[i] + m.count * g[i]);
        (n > 0 && m.count > 0.0 && second.iter().all(|x| x.is_finite())).then(|| Rotation {
            beside: (DMatrix::zeros(n, n), DVector::zeros(n)),
            second,
            sum,
            weight: m.count,
            lines: 0.0,
            forms: vec![],
        })
    }

    /// Counts lines with a q of their own.
    pub fn count(&mut self, lines: usize) {
        self.lines += lines as f64;
    }

    /// Adds what priors say of lines.
    pub fn add(&mut self, lines: Lines) {
        match self.forms.iter_mut().find(|f| f.scale == lines.scale) {
            Some(f) => f.square += lines.square,
            None => self.forms.push(lines),
        }
    }

    /// A constant b beside a line, with the prior −½ π b²; `covariance` is that of b with the line.
    pub fn add_constant(&mut self, precision: f64, line: Line<'_>, b: f64, covariance: &[f64]) {
        let mean =
            DVector::from_fn(line.0.len(), |i, _| line.0[i] * b + covariance.get(i).copied().unwrap_or(0.0));
        self.beside.0 += square(line) * precision;
        self.beside.1 += mean * precision;
    }

    /// The a of x → x − a that raises the objective most: −½ Σ E |x − a|² − ½ Σ π E (b + c · a)² is a square in it.
    pub fn shift(&mut self) -> Option<Vec<f64>> {
        let n = self.sum.len();
        let right = &self.sum - &self.beside.1;
        let gram = DMatrix::identity(n, n) * self.weight + &self.beside.0;
        let a = Cholesky::new(&gram).ok()?.inverse() * &right;
        let gain = 0.5 * a.dot(&right);
        let magnitude = self.second.trace() + self.beside.1.amax();
        if !(gain > 64.0 * f64::EPSILON * magnitude && a.iter().all(|x| x.is_finite())) {
            return None;
        }
        self.second +=
            &a * a.transpose() * self.weight - &self.sum * a.transpose() - &a * self.sum.transpose();
        self.sum -= &a * self.weight;
        Some(a.as_slice().to_vec())
    }

    /// The turn that raises the objective most, if one does.
    #[must_use]
    pub fn turn(&self) -> Option<Turn> {
        let t = match self.forms.as_slice() {
            [] => self.closed(&vec![0.0; self.sum.len()], &(&self.second * 0.0)),
            [f] => self.closed(&f.scale, &f.square),
            [_, _, ..] => self.climbed(),
        }?;
        let against = t.clone().try_inverse()?.transpose();
        if !t.iter().chain(against.iter()).all(|x| x.is_finite()) {
            return None;
        }
        let (before, magnitude) = self.value()?;
        let turned = self.turned(&t, &against);
        let (after, more) = turned.value()?;
        let gain = after - before + (self.weight - self.lines) * t.determinant().abs().ln();
        if gain.is_nan() || gain <= 64.0 * f64::EPSILON * magnitude.max(more) {
            return None;
        }
        Some(Turn { along: t, against })
    }

    /// J but for the determinant, and what its rounding is measured by.
    fn value(&self) -> Option<(f64, f64)> {
        let forms: f64 = self.forms.iter().map(Lines::value).sum();
        let value = -0.5 * (self.second.trace() + forms);
        value.is_finite().then_some((value, value.abs() + (self.weight - self.lines).abs()))
    }

    fn turned(&self, along: &DMatrix<f64>, against: &DMatrix<f64>) -> Rotation {
        let both = |m: &DMatrix<f64>, by: &DMatrix<f64>| {
            let turned = by * m * by.transpose();
            (&turned + turned.transpose()) * 0.5
        };
        let mut out = self.clone();
        out.second = both(&self.second, along);
        out.sum = along * &self.sum;
        out.forms.iter_mut().for_each(|f| f.square = both(&f.square, against));
        out
    }

    /// The maximum where all lines share g: axes in which Φ is the identity and M diagonal, the largest of M where g is smallest. Along each of
    /// them J is ½ ν log s − ½ s − ½ g λ / s.
    fn closed(&self, scale: &[f64], square: &DMatrix<f64>) -> Option<DMatrix<f64>> {
        let n = scale.len();
        let factor = Cholesky::new(&self.second).ok()?;
        let lower = factor.lower();
        let inner = lower.transpose() * square * lower;
        let eigen = ((&inner + inner.transpose()) * 0.5).symmetric_eigen();
        let mut axes: Vec<usize> = (0..n).collect();
        axes.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        let mut places: Vec<usize> = (0..n).collect();
        places.sort_by(|a, b| scale[*a].total_cmp(&scale[*b]));
        let volume = self.weight - self.lines;
        let white = factor.inverse_lower();
        let mut t = DMatrix::zeros(n, n);
        for (axis, place) in axes.into_iter().zip(places) {
            let p = scale[place] * eigen.eigenvalues[axis].max(0.0);
            let root = (volume * volume + 4.0 * p).sqrt();
            let s = if volume >= 0.0 { 0.5 * (volume + root) } else { 2.0 * p / (root - volume) };
            if !(s > 0.0 && s.is_finite()) {
                return None;
            }
            let mut row = eigen.eigenvectors.column(axis).transpose() * &white * s.sqrt();
            // Of the two that point along an axis, that which turns less.
            if row[row.transpose().icamax()] < 0.0 {
                row.neg_mut();
            }
            t.row_mut(place).copy_from(&row);
        }
        Some(t)
    }

    /// dJ/dE at T → (I + E) T, and the curvature of each of its entries without that between them.
    fn slope(&self) -> (DMatrix<f64>, DMatrix<f64>) {
        let n = self.sum.len();
        let mut slope = DMatrix::identity(n, n) * (self.weight - self.lines) - &self.second;
        let mut curve = DMatrix::from_fn(n, n, |_, h| self.second[(h, h)]);
        for f in &self.forms {
            for j in 0..n {
                for h in 0..n {
                    slope[(j, h)] += f.square[(j, h)] * f.scale[h];
                    curve[(j, h)] += f.square[(j, j)] * f.scale[h];
                }
            }
        }
        (slope, curve)
    }

    /// A climb by quasi-Newton steps, each of which raises J.
    fn climbed(&self) -> Option<DMatrix<f64>> {
        let n = self.sum.len();
        let volume = self.weight - self.lines;
        let (mut at, mut t) = (self.clone(), DMatrix::identity(n, n));
        let mut known: Vec<(DMatrix<f64>, DMatrix<f64>)> = vec![];
        let (mut slope, mut curve) = at.slope();
        for _ in 0..STEPS {
            let mut along = direction(&slope, &curve, &known);
            if along.dot(&slope) <= 0.0 {
                known.clear();
                along = slope.component_div(&curve);
            }
            let promised = along.dot(&slope);
            let (before, magnitude) = at.value()?;
            if promised.is_nan() || promised <= 1e-14 * magnitude {
                break;
            }
            let mut step = (0.5 / along.amax()).min(1.0);
            let taken = std::iter::repeat_with(|| {
                let e = &along * step;
                let by = DMatrix::identity(n, n) + &e;
                let to = by.clone().try_inverse().map(|inverse| at.turned(&by, &inverse.transpose()));
                let det = by.determinant();
                let better = to.filter(|to| {
                    let gain = to.value().map(|(after, _)| after - before + volume * det.ln());
                    det > 0.0 && gain.is_some_and(|g| g >= ARMIJO * step * promised)
                });
                step *= 0.5;
                better.map(|to| (e, by, to))
            });
            let Some((e, by, to)) = taken.take(40).flatten().next() else { break };
            at = to;
            t = by * t;
            let (next, next_curve) = at.slope();
            let fall = &slope - &next;
            if fall.dot(&e) > 1e-12 * fall.norm() * e.norm() {
                known.push((e, fall));
                if known.len() > MEMORY {
                    known.remove(0);
                }
            }
            (slope, curve) = (next, next_curve);
        }
        Some(t)
    }
}

impl Lines {
    /// Σ gₕ Mₕₕ
    fn value(&self) -> f64 {
        self.scale.iter().enumerate().map(|(h, g)| g * self.square[(h, h)]).sum()
    }
}

/// The step that earlier ones suggest (Nocedal 1980), from curvatures that are known.
fn direction(
    slope: &DMatrix<f64>,
    curve: &DMatrix<f64>,
    known: &[(DMatrix<f64>, DMatrix<f64>)],
) -> DMatrix<f64> {
    let mut q = slope.clone();
    let mut weights = vec![];
    for (s, y) in known.iter().rev() {
        let a = s.dot(&q) / s.dot(y);
        q -= y * a;
        weights.push(a);
    }
    q.component_div_assign(curve);
    for ((s, y), a) in known.iter().zip(weights.into_iter().rev()) {
        let b = y.dot(&q) / s.dot(y);
        q += s * (a - b);
    }
    q
}

/// The covariance of a block in which one line turned.
pub fn turn_rows(cov: &mut Covariance, at: &[usize], by: &DMatrix<f64>) {
    let Some(cov) = cov.whole() else { return };
    for columns in [false, true] {
        for other in 0..cov.nrows() {
            let place = |i: usize| if columns { (other, at[i]) } else { (at[i], other) };
            let old = DVector::from_fn(at.len(), |i, _| cov[place(i)]);
            let new = by * old;
            (0..at.len()).for_each(|i| cov[place(i)] = new[i]);
        }
    }
}

/// The covariance of a block in which b became b + c · a.
pub fn shift_row(cov: &mut Covariance, b: usize, at: &[usize], by: &[f64]) {
    let Some(cov) = cov.whole() else { return };
    for columns in [false, true] {
        for other in 0..cov.nrows() {
            let place = |i: usize| if columns { (other, i) } else { (i, other) };
            let more: f64 = at.iter().zip(by).map(|(i, a)| cov[place(*i)] * a).sum();
            cov[place(b)] += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of which none says much about the next.
    fn numbers(n: usize, m: usize, seed: f64) -> DMatrix<f64> {
        DMatrix::from_fn(n, m, |i, j| (seed + 37.7 * i as f64 + 91.3 * j as f64).sin() * 2.0)
    }

    fn positive(n: usize, seed: f64) -> DMatrix<f64> {
        let a = numbers(n, n + 2, seed);
        &a * a.transpose() + DMatrix::identity(n, n) * 0.1
    }

    fn made(n: usize, lines: usize, scales: &[&[f64]]) -> Rotation {
        let forms = scales.iter().enumerate();
        Rotation {
            second: positive(n, 1.0) * 20.0,
            sum: DVector::zeros(n),
            weight: 50.0,
            lines: lines as f64,
            forms: forms
                .map(|(k, g)| Lines { scale: g.to_vec(), square: positive(n, 5.0 + k as f64) })
                .collect(),
            beside: (DMatrix::zeros(n, n), DVector::zeros(n)),
        }
    }

    /// J at a turn.
    fn objective(r: &Rotation, t: &DMatrix<f64>) -> f64 {
        let b = t.clone().try_inverse().unwrap().transpose();
        let forms = r.forms.iter().map(|f| {
            let k = &b * &f.square * b.transpose();
            (0..k.nrows()).map(|h| f.scale[h] * k[(h, h)]).sum::<f64>()
        });
        let volume = (r.weight - r.lines) * t.determinant().abs().ln();
        volume - 0.5 * (t * &r.second * t.transpose()).trace() - 0.5 * forms.sum::<f64>()
    }

    #[test]
    fn a_climb_ends_where_the_closed_form_does_or_at_another_order_of_its_axes() {
        // More lines than vectors: the volume pulls the other way.
        for lines in [4, 49, 80] {
            let r = made(3, lines, &[&[1.0, 1.0, 1.0]]);
            let closed = r.closed(&r.forms[0].scale, &r.forms[0].square).unwrap();
            let climbed = r.climbed().unwrap();
            let (a, b) = (objective(&r, &closed), objective(&r, &climbed));
            assert!((a - b).abs() < 1e-6 * a.abs(), "{lines} lines: {a} and {b}");
        }
        let r = made(3, 10, &[&[0.3, 2.0, 9.0]]);
        let closed = r.closed(&r.forms[0].scale, &r.forms[0].square).unwrap();
        assert!(objective(&r, &r.climbed().unwrap()) <= objective(&r, &closed) + 1e-9);
    }

    #[test]
    fn the_end_of_a_climb_is_flat_and_above_where_it_began() {
        let r = made(3, 12, &[&[1.0, 0.2, 5.0], &[3.0, 1.0, 0.1]]);
        let t = r.turn().unwrap().along;
        let top = objective(&r, &t);
        assert!(top > objective(&r, &DMatrix::identity(3, 3)));
        for seed in 0..200 {
            let e = numbers(3, 3, f64::from(seed)) * [1e-4, 0.01, 0.1][seed as usize % 3];
            assert!(objective(&r, &((DMatrix::identity(3, 3) + e) * &t)) <= top + 1e-7);
        }
    }

    #[test]
    fn a_turn_at_the_top_is_none() {
        let mut r = made(2, 6, &[&[2.0, 0.5]]);
        let turn = r.turn().unwrap();
        r = r.turned(&turn.along, &turn.against);
        assert!(r.turn().is_none_or(|t| (t.along - DMatrix::identity(2, 2)).norm() < 1e-6));
    }
}
