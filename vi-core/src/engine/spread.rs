//! Covariances of a block of locations from the laws of its elements: what [`law`](super::law) makes marginals of, read backwards.
//!
//! Between elements whose laws are apart nothing is known: their covariance is 0.

use super::covariance::Covariance;
use super::gauss::fronts::Fronts;
use crate::data::Lengths;
use crate::dist::MvNormal;
use crate::dist::{Normal, PowerGamma, StudentT, Truncated};
use crate::engine::law::MatrixScale;
use crate::fit::Marginal;
use crate::posterior::{MvStudentT, VectorLaw};
use nalgebra::DMatrix;
use std::sync::Arc;

/// Entries of covariances, before it is known how many there are and of what size.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    entries: Vec<(usize, [usize; 2], f64)>,
    /// Laws that are parts of one: the copy, the joint law, and where its unknowns stand in it and in the block.
    parts: Vec<(usize, Arc<Fronts>, Vec<[usize; 2]>)>,
}

impl Spread {
    /// An entry of the covariance of one copy.
    pub fn add(&mut self, copy: usize, at: [usize; 2], value: f64) {
        self.entries.push((copy, at, value));
    }

    /// The law of a vector of which all numbers belong to one copy; `None` of a point.
    pub fn add_vector(
        &mut self,
        copy: usize,
        q: &Marginal<MvNormal<'static>>,
        at: impl Fn(usize) -> usize,
    ) -> Option<()> {
        let law = q.law()?;
        if let Some((joint, own)) = law.fronts() {
            let places = own.iter().enumerate().map(|(k, was)| [*was, at(k)]).collect();
            self.parts.push((copy, Arc::clone(joint), places));
            return Some(());
        }
        let cov = VectorLaw::cov(law);
        for first in 0..cov.nrows() {
            for second in 0..cov.nrows() {
                self.add(copy, [at(first), at(second)], cov[(first, second)]);
            }
        }
        Some(())
    }

    /// One covariance for each copy.
    #[must_use]
    pub fn covariances(mut self) -> Vec<Covariance> {
        let joint: Vec<Option<Covariance>> = {
            let copies = self.parts.iter().map(|(c, ..)| c + 1).max().unwrap_or(0);
            (0..copies).map(|c| self.joint(c)).collect()
        };
        for (copy, law, places) in std::mem::take(&mut self.parts) {
            if joint[copy].is_none() {
                let own: Vec<usize> = places.iter().map(|[was, _]| *was).collect();
                let cov = super::covariance::part(&law, &own);
                for (i, [_, one]) in places.iter().enumerate() {
                    for (j, [_, two]) in places.iter().enumerate() {
                        self.add(copy, [*one, *two], cov[(i, j)]);
                    }
                }
            }
        }
        let copies = self.entries.iter().map(|(c, ..)| c + 1).max().unwrap_or(0).max(joint.len());
        let size = self.entries.iter().map(|(_, at, _)| at[0].max(at[1]) + 1).max().unwrap_or(0);
        let whole = |c: usize| joint.get(c).is_some_and(Option::is_some);
        let mut out: Vec<DMatrix<f64>> = (0..copies)
            .map(|c| if whole(c) { DMatrix::zeros(0, 0) } else { DMatrix::zeros(size, size) })
            .collect();
        for (copy, at, value) in &self.entries {
            if !whole(*copy) {
                out[*copy][(at[0], at[1])] = *value;
            }
        }
        let mut joint = joint.into_iter();
        out.into_iter().map(|m| joint.next().flatten().unwrap_or(Covariance::Matrix(m))).collect()
    }

    /// The law that all parts of a copy are of, if they stand where they stood and numbers beside them have its variances.
    fn joint(&self, copy: usize) -> Option<Covariance> {
        let mut own = self.parts.iter().filter(|(c, ..)| *c == copy);
        let (_, law, places) = own.next()?;
        let stands = |places: &[[usize; 2]]| places.iter().all(|[was, at]| was == at);
        let same = stands(places) && own.all(|(_, other, places)| Arc::ptr_eq(law, other) && stands(places));
        let known = self.parts.iter().filter(|(c, ..)| *c == copy).map(|(.., p)| p.len()).sum::<usize>();
        let mut beside = self.entries.iter().filter(|(c, ..)| *c == copy);
        let rest = beside.clone().count();
        let fits = beside.all(|(_, [i, j], value)| {
            i == j && *i < law.unknowns() && (law.covariance(*i, *i) - value).abs() <= 1e-12 * value.abs()
        });
        (same && fits && known + rest == law.unknowns())
            .then(|| Covariance::Fronts { law: Arc::clone(law), budget: usize::MAX })
    }
}

/// Var x of a Normal within an interval; `None` of a point.
#[must_use]
pub fn cut_number(q: &Marginal<Truncated<Normal>>) -> Option<f64> {
    q.law().map(Truncated::var)
}

/// Var x; `None` of a point.
#[must_use]
pub fn number(q: &Marginal<Normal>) -> Option<f64> {
    q.law().map(|d| d.sd * d.sd)
}

/// Cov x; `None` of a point.
#[must_use]
pub fn vector(q: &Marginal<MvNormal<'static>>) -> Option<DMatrix<f64>> {
    q.law().map(VectorLaw::cov)
}

/// rate/shape of xᵖ ~ Gamma: scale² of Student's t for c = 1.
fn unit(scale: &Marginal<PowerGamma>) -> Option<f64> {
    scale.law().map(|g| g.rate / g.shape)
}

/// c where x | τ ~ Normal(·, var: c / τᵖ) with this law of τ.
#[must_use]
pub fn scaled_number(q: &Marginal<StudentT>, scale: &Marginal<PowerGamma>) -> Option<f64> {
    Some(q.law()?.scale.powi(2) / unit(scale)?)
}

/// C where x | τ ~ Normal(·, cov: C / τᵖ) with this law of τ.
#[must_use]
pub fn scaled_vector(q: &Marginal<MvStudentT>, scale: &Marginal<PowerGamma>) -> Option<DMatrix<f64>> {
    Some(q.law()?.scale() / unit(scale)?)
}

/// c where x | Σ ~ Normal(·, cov: c Σ) with this law of Σ.
#[must_use]
pub fn whitened_vector(q: &Marginal<MvStudentT>, scale: &impl MatrixScale) -> Option<f64> {
    let (matrix, _) = scale.student()?;
    Some(q.law()?.scale().trace() / matrix.trace())
}

/// Where the rows of a ragged array begin, one after another, and where the last ends.
#[must_use]
pub fn starts<T>(rows: &[Vec<T>]) -> Lengths {
    rows.iter().map(Vec::len).collect()
}
