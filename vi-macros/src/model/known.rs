//! Data that others read and that may be missing: what is read becomes a latent, and the data say what it is where they have a value.
//!
//! ```text
//! observed x[n in N]: Real? ~ p      becomes      latent x[n in N] ~ p;   observed x[n in N]: Real? ~ x[n], up to nothing
//! ```
//!
//! From there on nothing need be known of it: a value is an observation like any other, and where there is none the element is integrated out.

use super::ir::{
    Access, Array, ArrayId, Dist, ElemKind, Expr, ExprKind, Model, Role, SizeSource, Statement, StatementId,
};
use crate::density::lower::is_read;
use crate::families;

/// Parts the arrays of numbers of which this holds into what is read and what is known of it.
pub fn part(model: &mut Model) {
    for a in (0..model.arrays.len()).map(ArrayId) {
        let array = &model.arrays[a.0];
        let observed = array.pieces.iter().all(|p| model.statements[p.0].role == Role::Observed);
        let numbers = matches!(
            array.elem.kind,
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Vector(_)
        );
        if array.missing && observed && numbers && !array.pieces.is_empty() && is_read(model, a) {
            part_one(model, a);
        }
    }
}

fn part_one(model: &mut Model, a: ArrayId) {
    let data = ArrayId(model.arrays.len());
    let pieces = model.arrays[a.0].pieces.clone();
    let mut array = Array { data_of: Some(a), pieces: vec![], ..model.arrays[a.0].clone() };
    for p in &pieces {
        let id = StatementId(model.statements.len());
        let s = &model.statements[p.0];
        let at = Access { loc: s.loc, array: a, indices: s.target.clone() };
        let ty = array.elem.kind.value_type();
        let value = Expr { loc: s.loc, ty, kind: ExprKind::Read(at) };
        let dist = Some(Dist::Family(families::known(value)));
        let said = Statement { id, array: data, dist, ..s.clone() };
        model.statements.push(said);
        model.order.push(id);
        array.pieces.push(id);
        model.statements[p.0].role = Role::Latent;
    }
    model.arrays.push(array);
    let latent = &mut model.arrays[a.0];
    (latent.role, latent.missing) = (Role::Latent, false);
    for source in model.sizes.iter_mut().flat_map(|s| &mut s.sources) {
        match source {
            SizeSource::Axis { array, .. } if *array == a => *array = data,
            SizeSource::Axis { .. }
            | SizeSource::Header { .. }
            | SizeSource::Value { .. }
            | SizeSource::LargestCategory { .. } => {}
        }
    }
}
