//! Latents that all units share: which of them have code.

use super::build::rows_of;
use super::{Body, Kernel, chains, is_random};
use crate::density::statement::StatementDensity;
use crate::density::symbol::Elem;
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ElemKind, Model};
use crate::plan::{Block, Rule};
use crate::report::Diagnostic;

/// Uncertain locations stand in residuals alone: elsewhere their squares would be needed.
pub fn locations(kernel: &Kernel, densities: &[StatementDensity]) -> Result<(), Diagnostic> {
    let location = |e: &Elem| {
        let kind = &kernel.model.arrays[e.array.0].elem.kind;
        is_random(kernel.model, e.array)
            && matches!(
                kind,
                ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..) | ElemKind::Ordered(_)
            )
    };
    for (_, rows) in rows_of(kernel) {
        for case in &rows.cases {
            let terms = match &case.body {
                Body::Terms(t) => t,
                Body::Scalar(r) => &r.normaliser,
                Body::Dense(_) | Body::Equal { .. } => continue,
            };
            let mut found = None;
            for s in &terms.separable {
                s.params.visit_elems(&mut |e| found = found.or(location(e).then_some(e.array)));
            }
            if let Some(p) = &terms.pointwise {
                let random = |e: &Elem| is_random(kernel.model, e.array).then_some(e.array);
                p.value.visit_elems(&mut |e| found = found.or(random(e)));
            }
            if let Some(a) = found {
                let name = kernel.model.arrays[a.0].name.to_string();
                let d = densities.iter().find(|d| d.id == rows.statement);
                let loc = d.map_or_else(|| kernel.model.arrays[a.0].name.span().into(), |d| d.loc);
                return Err(mistakes::no_engine(loc, &name, "an expectation under this link"));
            }
        }
    }
    Ok(())
}

/// Of shared latents, families and Normals have code; chains do not.
pub fn rules(model: &Model, densities: &[StatementDensity], b: &Block) -> Result<(), Diagnostic> {
    for step in &b.trace {
        let recursion = step.latents.first().and_then(|a| model.arrays[a.0].pieces.last());
        let loc = recursion.map_or(b.loc, |p| model.statements[p.0].loc);
        let rule = match &step.rule {
            Rule::Family { .. } | Rule::Gaussian { .. } => continue,
            Rule::Sum => "a posterior for each state of a category".to_string(),
            Rule::Scan { axis } => format!("a scan over {axis}"),
            Rule::Tree { axis } => format!("a tree over {axis}"),
            Rule::GaussianScan { axis, .. } => {
                match chains::beside(model, b) {
                    // With another Gaussian it is eliminated by fill.
                    Some(a) if chains::is_gaussian_in(b, a) => continue,
                    Some(a) => {
                        let name = &model.arrays[a.0].name;
                        let mut apart = b.clone();
                        apart.latents.retain(|x| *x != a);
                        apart.trace.retain(|s| !s.latents.contains(&a));
                        let help = match chains::obstacle(model, densities, &apart).is_empty() {
                            true => format!("hold it apart: `factorize {{ q({name}); }}`"),
                            false => format!("hold it at a point: `factorize {{ q({name}): Point; }}`"),
                        };
                        let title = format!("a Gaussian chain in one block with `{name}`");
                        return Err(mistakes::not_generated(loc, &title, &help));
                    }
                    None => {}
                }
                let obstacle = chains::obstacle(model, densities, b);
                if obstacle == chains::REPEATED {
                    let title = format!("a Gaussian chain{obstacle}");
                    return Err(mistakes::not_generated(
                        loc,
                        &title,
                        "without `repeat`, pass a sequence as often as it counts",
                    ));
                }
                format!("a Gaussian scan over {axis}{obstacle}")
            }
        };
        let names =
            step.latents.iter().map(|a| model.arrays[a.0].name.to_string()).collect::<Vec<_>>().join(", ");
        return Err(mistakes::no_engine(loc, &names, &rule));
    }
    Ok(())
}
