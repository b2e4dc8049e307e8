//! Latents that nothing joins from unit to unit: one column of log potentials for each unit.

use super::{Failure, Semiring};

/// Eliminates the states of every unit, as [`Semiring::eliminate`] says, and finds the first unit that has no answer.
///
/// Units for which `counts` is false may have any: they stand for no copies.
///
/// # Errors
/// [`Failure`] of the first unit that counts and whose total is not finite.
pub fn eliminate<S: Semiring>(
    semiring: &mut S,
    table: &mut [f64],
    states: usize,
    n: usize,
    log_total: &mut [f64],
    counts: impl Fn(usize) -> bool,
) -> Result<(), Failure> {
    semiring.eliminate(table, states, n, log_total);
    match (0..n).find(|&i| !log_total[i].is_finite() && counts(i)) {
        None => Ok(()),
        Some(at) if log_total[at] == f64::NEG_INFINITY => Err(Failure::Impossible { at }),
        Some(at) => Err(Failure::NotFinite { at }),
    }
}

/// The state of each unit of a table that was eliminated by a [`Choice`](super::Choice).
pub fn chosen(table: &[f64], states: usize, n: usize) -> impl Iterator<Item = usize> + '_ {
    (0..n).map(move |i| (0..states).find(|k| table[k * n + i] > 0.0).unwrap_or(0))
}
