//! Where EM of a chain of Gaussians begins.
//!
//! A first state that is sure of itself at a value that no data chose holds the whole chain there, and EM frees it by steps of the size of
//! that sureness. So at the start first states may be anywhere, and the scales of steps and data are found without them.
//!
//! EM learns slowest how large all variances are, where they begin too large, and how large those of steps are beside those of data. Both
//! are searched for by the likelihood first, by powers of ten. While coefficients of steps are unknown, the likelihood may not tell the two
//! apart, and hardly moves from where steps are next to nothing; so a few sweeps are made from equal ones too, and the likelier is taken.

use super::links::Links;
use super::program::Program;
use super::run::is_joint;
use super::sweep::Work;
use crate::Error;

/// A variance that says nothing beside those of data of the order of 1, yet leaves the squares of its rows finite.
const ANYWHERE: f64 = 1e20;
/// Of that, what a variance that data have determined is below.
const DETERMINED: f64 = 1e-5;
/// Powers of ten of the search, each as often as it helps. Data may be in any units: before anything else the first of them goes as far as there
/// are numbers, as otherwise steps would be made as large as the data and leave these without noise.
const STRIDES: [f64; 5] = [4.0, 2.0, 1.0, 0.5, 0.25];
const AS_OFTEN: usize = 4;
const AS_FAR: usize = 75;
/// Of all scales, and of those of steps.
const MOVES: [(f64, f64); 4] = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)];
/// Nats that a stride must gain: a scale whose limit is 0 is not to be lost so far away that nothing shows where it goes.
const MATTERS: f64 = 0.1;
/// Steps that the search looks at, of all sequences together.
const LOOKED_AT: usize = 4096;
/// Sweeps that follow, first states still anywhere.
const ROUNDS: usize = 6;

/// Globals for the chain that is all that is hidden; `None` where it has no scales, or where data do not determine its first states.
pub(super) fn begun<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    neutral: &M::Globals,
    restart: usize,
) -> Result<Option<M::Globals>, Error> {
    if work.components.len() != 1 || work.chain(0).is_none() || !is_joint::<M>() {
        return Ok(None);
    }
    if !model.loosen(&mut neutral.clone(), ANYWHERE, 1.0, 1.0) {
        return Ok(None);
    }
    let Some((mut likeliest, all)) = scaled(model, work, neutral, (ANYWHERE, true)) else { return Ok(None) };
    // Data of other units put their first states elsewhere: what says nothing is measured by the variances that were found.
    let anywhere = ANYWHERE * 10f64.powf(all.max(0.0));
    if anywhere > ANYWHERE {
        let Some((found, _)) = scaled(model, work, neutral, (anywhere, true)) else { return Ok(None) };
        likeliest = found;
    }
    // Where coefficients of steps are unknown, variances of steps and of data may be told apart by nothing yet: the other beginning is equal ones.
    let mut found: Vec<(f64, M::Globals)> = vec![];
    let equal = scaled(model, work, neutral, (anywhere, false)).map(|(globals, _)| globals);
    for begun in std::iter::once(likeliest).chain(equal) {
        let Some(globals) = rounds(model, work, begun, anywhere)? else { continue };
        let mut loose = globals.clone();
        model.loosen(&mut loose, anywhere, 1.0, 1.0);
        let value = work.chain(0).and_then(|c| likelihood(model, work, &loose, &c.first(LOOKED_AT)));
        found.push((value.unwrap_or(f64::NEG_INFINITY), globals));
    }
    if let [one, other] = found.as_slice()
        && other.0 > one.0 + MATTERS
    {
        found.swap(0, 1);
    }
    // Later starts begin at the other end.
    let at = if found.is_empty() { 0 } else { restart % found.len() };
    Ok(found.into_iter().nth(at).map(|(_, g)| g).filter(|g| model.is_settled(g, DETERMINED * anywhere)))
}

/// Sweeps during which first states stay anywhere.
fn rounds<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    mut globals: M::Globals,
    anywhere: f64,
) -> Result<Option<M::Globals>, Error> {
    for _ in 0..ROUNDS {
        model.loosen(&mut globals, anywhere, 1.0, 1.0);
        let Ok(stats) = work.expect(model, &globals) else { return Ok(None) };
        globals = model.maximise(&work.context, &stats, &globals, 1.0)?.globals;
    }
    Ok(Some(globals))
}

/// The likeliest scales: of all variances, whose power of ten comes with them, and of those of steps beside the others if these are not held at
/// their ratio. First states have this variance.
fn scaled<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    from: &M::Globals,
    (anywhere, apart): (f64, bool),
) -> Option<(M::Globals, f64)> {
    let some = work.chain(0)?.first(LOOKED_AT);
    let at = |all: f64, steps: f64| {
        let mut globals = from.clone();
        model.loosen(&mut globals, anywhere, 10f64.powf(all + steps), 10f64.powf(all));
        Some((likelihood(model, work, &globals, &some)?, globals))
    };
    let (mut all, mut steps) = (0.0, 0.0);
    let mut best = at(all, steps)?;
    for stride in STRIDES {
        for (more, larger) in MOVES.into_iter().take(if apart { 4 } else { 2 }) {
            for _ in 0..if larger == 0.0 && stride == STRIDES[0] { AS_FAR } else { AS_OFTEN } {
                let trial = (all + stride * more, steps + stride * larger);
                match at(trial.0, trial.1) {
                    Some(found) if found.0 > best.0 + MATTERS => {
                        best = found;
                        (all, steps) = trial;
                    }
                    Some(_) | None => break,
                }
            }
        }
    }
    Some((best.1, all))
}

/// The log likelihood of some steps; `None` where it is no number.
fn likelihood<M: Program>(model: &M, work: &Work<'_, M>, globals: &M::Globals, some: &Links) -> Option<f64> {
    let at = model.prepare(&work.context, globals).ok()?;
    let each = work.chain_evidences(model, globals, &at, 0, some).ok()?;
    Some(each.into_iter().sum::<f64>()).filter(|v| v.is_finite())
}
