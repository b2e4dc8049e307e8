//! Parameter expansion of chains: steps that are standard Normals in every direction, of a state that any invertible T may turn with all that
//! meets it.
//!
//! x with steps of covariance Φ says the same of the data as Φ^−½ x with standard steps. So an M-step may maximise over Φ too, once for all of
//! the state's laws, and give it back to what turns with the state: it climbs at least as high.

use super::{Body, Canon, Column, Design, Kernel, Open, Stat, StatKind, Turning};
use crate::density::symbol::Var;
use crate::model::ir::ArrayId;

#[derive(Debug)]
pub struct Rounding {
    pub latent: ArrayId,
    /// Params that turn, with the indices of theirs that do.
    pub params: Vec<(ArrayId, Vec<(usize, Turning)>)>,
    pub laws: Vec<RoundLaw>,
}

/// One of the state's laws: its beginning, or its steps.
#[derive(Debug)]
pub struct RoundLaw {
    /// Σ q · (x, regressors)(x, regressors)ᵀ
    pub stat: usize,
    /// The component of the state.
    pub event: Var,
    /// Its residual; the target's column runs over the event.
    pub design: Design,
}

/// Adds the chains of a kernel that can be expanded, with the statistics they need.
pub fn expand(kernel: &mut Kernel<'_>) {
    let (mut out, mut all) = (vec![], vec![]);
    let rotated = |c: &&Canon| c.open == Open::Rotation { free: true } && !c.by_state;
    for canon in kernel.canons.iter().filter(rotated) {
        let (mut stats, first) = (vec![], kernel.stats.len() + all.len());
        if let Some(laws) = laws(kernel, canon, first, &mut stats) {
            out.push(Rounding { latent: canon.latent, params: canon.params.clone(), laws });
            all.append(&mut stats);
        }
    }
    kernel.roundings = out;
    kernel.stats.append(&mut all);
}

fn laws(kernel: &Kernel<'_>, canon: &Canon, first: usize, stats: &mut Vec<Stat>) -> Option<Vec<RoundLaw>> {
    let chain = kernel.components.iter().find(|c| c.is_chain() && c.holds(canon.latent))?;
    chain.link.as_ref().filter(|l| l.order() == 1)?;
    let name = &kernel.model.arrays[canon.latent.0].name;
    let rows = chain.rows.iter().chain(chain.link.iter().flat_map(|l| &l.step.rows));
    let mut out = vec![];
    for r in rows.filter(|r| r.target.array == canon.latent) {
        let [case] = r.cases.as_slice() else { return None };
        let Body::Scalar(s) = &case.body else { return None };
        let event = s.event.clone()?;
        let standard = s.precision.as_number() == Some(1.0)
            && s.weight.as_number() == Some(1.0)
            && s.normaliser.separable.is_empty()
            && s.normaliser.pointwise.is_none()
            && case.when.is_empty()
            && case.cells.is_empty()
            && r.copies.is_empty();
        let (target, others) = s.design.columns.split_first()?;
        if !standard || !target.over.is_empty() || others.iter().any(|c| c.value.mentions(&event)) {
            return None;
        }
        let target = Column { over: vec![event.clone()], value: target.value.clone() };
        let columns: Vec<Column> = std::iter::once(target).chain(others.iter().cloned()).collect();
        let which = stats.len();
        stats.push(Stat {
            name: if which == 0 {
                format!("{name}_expansion")
            } else {
                format!("{name}_expansion_{}", which + 1)
            },
            cells: vec![],
            kind: StatKind::Moments { columns: columns.clone() },
            closed: false,
            statement: r.statement,
        });
        let design = Design { columns, regressors: s.design.regressors.clone() };
        out.push(RoundLaw { stat: first + which, event, design });
    }
    (!out.is_empty()).then_some(out)
}
