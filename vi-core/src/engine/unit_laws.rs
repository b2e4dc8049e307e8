//! Laws of the Gaussian latents of a unit: of each given its state, and mixed over the states.

use super::law;
use super::unit::UnitNormals;
use crate::dist::{MvNormal, Normal, PowerGamma, StudentT};
use crate::fit::Marginal;
use crate::posterior::MvStudentT;
pub use crate::posterior::{Mixture, VectorMixture};
use nalgebra::DVector;

/// The law of some of the latents of unit `i` of a tile of `len`, its states weighted by the table.
#[must_use]
pub fn vector_mixture(
    normals: &UnitNormals,
    table: &[f64],
    (i, len): (usize, usize),
    (start, size): (usize, usize),
) -> Marginal<VectorMixture<MvNormal<'static>>> {
    let slots = || (i..table.len()).step_by(len.max(1));
    let laws = slots().filter_map(|s| {
        law::vector(&normals.mean(s)[start..][..size], &normals.block(s, start, size)).law().cloned()
    });
    let made = VectorMixture::new(slots().map(|s| table[s]).collect(), laws.collect());
    made.map_or(Marginal::Unset, Marginal::Law)
}

/// The same of a number.
#[must_use]
pub fn mixture(
    normals: &UnitNormals,
    table: &[f64],
    (i, len): (usize, usize),
    start: usize,
) -> Marginal<Mixture<Normal>> {
    let slots = || (i..table.len()).step_by(len.max(1));
    let each: Vec<Marginal<Normal>> =
        slots().map(|s| law::number(normals.mean(s)[start], normals.block(s, start, 1)[(0, 0)])).collect();
    // What is known is the same in every state.
    if let Some(Marginal::Point(x)) = each.first()
        && each.iter().all(|q| matches!(q, Marginal::Point(y) if y == x))
    {
        return Marginal::Point(*x);
    }
    let laws = each.iter().filter_map(|q| q.law().cloned());
    let made = Mixture::new(slots().map(|s| table[s]).collect(), laws.collect());
    made.map_or(Marginal::Unset, Marginal::Law)
}

/// Points that have the mean and the covariance of q: what is linear in the latent has the moments of its mixture over them.
#[must_use]
pub fn points(q: &Marginal<MvNormal<'static>>) -> Vec<DVector<f64>> {
    let mean = q.mean();
    let Some(root) = nalgebra::Cholesky::new(q.cov()) else { return vec![mean] };
    let root = root.l() * (mean.len() as f64).sqrt();
    root.column_iter().flat_map(|s| [&mean + s, &mean - s]).collect()
}

/// The same of a number.
#[must_use]
pub fn number_points(q: &Marginal<Normal>) -> Vec<f64> {
    let (mean, sd) = (q.mean(), q.sd());
    vec![mean + sd, mean - sd]
}

/// The law of a number whose scale is integrated: its covariance is that at the scale's expectation, which is the square of Student's scale.
fn student(normals: &UnitNormals, scale: &PowerGamma, slot: usize, start: usize) -> StudentT {
    let square = normals.block(slot, start, 1)[(0, 0)];
    StudentT::mean_scale_dof(normals.mean(slot)[start], square.sqrt(), 2.0 * scale.shape)
}

fn vector_student(
    normals: &UnitNormals,
    scale: &PowerGamma,
    slot: usize,
    (start, size): (usize, usize),
) -> Option<MvStudentT> {
    let mean = &normals.mean(slot)[start..][..size];
    MvStudentT::mean_scale_dof(mean, &normals.block(slot, start, size), 2.0 * scale.shape).ok()
}

/// One of the latents of a unit without states, measured in a scale with this law.
#[must_use]
pub fn scaled_number(
    normals: &UnitNormals,
    scale: &Marginal<PowerGamma>,
    slot: usize,
    start: usize,
) -> Marginal<StudentT> {
    scale.law().map_or(Marginal::Unset, |g| Marginal::Law(student(normals, g, slot, start)))
}

/// The same of a vector.
#[must_use]
pub fn scaled_vector(
    normals: &UnitNormals,
    scale: &Marginal<PowerGamma>,
    slot: usize,
    part: (usize, usize),
) -> Marginal<MvStudentT> {
    let law = scale.law().and_then(|g| vector_student(normals, g, slot, part));
    law.map_or(Marginal::Unset, Marginal::Law)
}

/// One of the latents of unit `i` of a tile of `len`, measured in a scale with a law in each state; the states weighted by the table.
#[must_use]
pub fn scaled_mixture(
    normals: &UnitNormals,
    scale: &Marginal<Mixture<PowerGamma>>,
    table: &[f64],
    (i, len): (usize, usize),
    start: usize,
) -> Marginal<Mixture<StudentT>> {
    let Some(scale) = scale.law() else { return Marginal::Unset };
    let slots = || (i..table.len()).step_by(len.max(1));
    let laws = slots().zip(scale.components()).map(|(s, g)| student(normals, g, s, start));
    let made = Mixture::new(slots().map(|s| table[s]).collect(), laws.collect());
    made.map_or(Marginal::Unset, Marginal::Law)
}

/// The same of a vector.
#[must_use]
pub fn scaled_vector_mixture(
    normals: &UnitNormals,
    scale: &Marginal<Mixture<PowerGamma>>,
    table: &[f64],
    (i, len): (usize, usize),
    part: (usize, usize),
) -> Marginal<VectorMixture<MvStudentT>> {
    let Some(scale) = scale.law() else { return Marginal::Unset };
    let slots = || (i..table.len()).step_by(len.max(1));
    let laws = slots().zip(scale.components()).filter_map(|(s, g)| vector_student(normals, g, s, part));
    let made = VectorMixture::new(slots().map(|s| table[s]).collect(), laws.collect());
    made.map_or(Marginal::Unset, Marginal::Law)
}
