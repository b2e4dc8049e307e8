//! Where EM of a chain of Gaussians begins.
//!
//! A first state that is sure of itself at a value that no data chose holds the whole chain there, and EM frees it by steps of the size of
//! that sureness. So at the start first states may be anywhere, and the scales of steps and data are found without them. How large steps are
//! beside the noise of data is what EM learns slowest: it begins from several ratios, and the likeliest is kept.

use super::program::{Program, Statistics};
use super::run::is_joint;
use super::sweep::Work;
use crate::Error;

/// A variance that says nothing, yet leaves the squares of its rows finite.
const ANYWHERE: f64 = 1e20;
/// A variance that data have determined.
const DETERMINED: f64 = 1e15;
/// Variances of steps, of those that the start would have without this.
const RATIOS: [f64; 4] = [1.0, 1e-1, 1e-2, 1e-4];
/// Sweeps from each of them.
const ROUNDS: usize = 6;

/// Globals for the chain that is all that is hidden; `None` where it has no scales, or where data do not determine its first states.
pub(super) fn begun<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    neutral: &M::Globals,
) -> Result<Option<M::Globals>, Error> {
    if work.components.len() != 1 || work.chain(0).is_none() || !is_joint::<M>() {
        return Ok(None);
    }
    let mut best: Option<(f64, M::Globals)> = None;
    for ratio in RATIOS {
        let mut globals = neutral.clone();
        if !model.loosen(&mut globals, ANYWHERE, ratio) {
            return Ok(None);
        }
        let Some(value) = rounds(model, work, &mut globals) else { continue };
        if value.is_finite() && best.as_ref().is_none_or(|b| value > b.0) {
            best = Some((value, globals));
        }
    }
    Ok(best.map(|b| b.1).filter(|g| model.is_settled(g, DETERMINED)))
}

/// Some sweeps with first states anywhere, and the log evidence before the last of them.
fn rounds<M: Program>(model: &M, work: &Work<'_, M>, globals: &mut M::Globals) -> Option<f64> {
    let mut value = f64::NEG_INFINITY;
    for _ in 0..ROUNDS {
        model.loosen(globals, ANYWHERE, 1.0);
        let mut stats = work.expect(model, globals).ok()?;
        value = stats.evidence().log;
        *globals = model.maximise(&work.context, &stats, globals, 1.0).ok()?.globals;
    }
    Some(value)
}
