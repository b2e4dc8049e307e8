//! The box of every array: the hull of its pieces, axis by axis.

use super::Checker;
use super::flatten::{Flat, Frame};
use super::ir::{Expr, ExprKind, Extent, Index, IndexTerm, Nominal, SizeId, Type};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast::Compare;
use proc_macro2::Ident;

/// How far one piece reaches along one axis.
struct Reach {
    /// One past its last position.
    end: Index,
    /// Where its range begins.
    low: Option<Index>,
    /// It runs over a range; otherwise it is a fixed position.
    ranges: bool,
}

impl<'a> Checker<'a> {
    pub(super) fn boxes(&mut self, flat: &Flat<'a>) {
        for array in 0..self.model.arrays.len() {
            let name = self.model.arrays[array].name.clone();
            let frames: Vec<&Frame> =
                flat.decls.iter().filter(|d| d.array.0 == array).map(|d| &d.frame).collect();
            self.model.arrays[array].plates = self.hull(&name, &frames);
        }
        for id in 0..self.model.lets.len() {
            let name = self.model.lets[id].name.clone();
            let frames: Vec<&Frame> = flat.lets.iter().filter(|l| l.id.0 == id).map(|l| &l.frame).collect();
            self.model.lets[id].plates = self.hull(&name, &frames);
        }
        self.boxed = true;
    }

    fn hull(&mut self, name: &Ident, frames: &[&Frame]) -> Vec<Extent> {
        let whole: Vec<&Frame> = frames.iter().copied().filter(|f| !f.broken).collect();
        self.unboxed |= whole.len() < frames.len();
        let Some(first) = whole.first() else { return Vec::new() };
        let rank = first.target.len();
        if let Some(other) = whole.iter().find(|f| f.target.len() != rank) {
            let loc = other.target.first().map_or(name.span().into(), |i| i.loc);
            self.unboxed = true;
            self.error(diagnostic::ranks_differ(name, loc, rank, other.target.len()));
            return Vec::new();
        }
        let axes: Option<Vec<Extent>> = (0..rank).map(|axis| self.axis_hull(name, &whole, axis)).collect();
        self.unboxed |= axes.is_none();
        axes.unwrap_or_default()
    }

    fn axis_hull(&mut self, name: &Ident, frames: &[&Frame], axis: usize) -> Option<Extent> {
        let mut best: Option<(Reach, Nominal)> = None;
        for frame in frames {
            let at = &frame.target[axis];
            let (end, ranges) = match at.as_bound() {
                Some(id) => (self.model.indices[id.0].high.clone(), true),
                None => (at.shift(1), false),
            };
            let mut end = self.outermost(&end, frame);
            end.loc = at.loc;
            let nominal = match at.as_bound() {
                Some(id) => self.model.indices[id.0].nominal,
                None => self.nominal_of_bound(&end)?,
            };
            let low = at.as_bound().map(|id| self.model.indices[id.0].low.clone());
            let reach = Reach { end, low, ranges };
            best = match best {
                None => Some((reach, nominal)),
                Some((old, size)) => match (size, nominal) {
                    // `y[t in 0..L]` and `y[t in L..T]`: one goes on where the other ends.
                    (Nominal::Size(a), Nominal::Size(b)) if a != b && begins_at(&reach, a) => {
                        Some((reach, nominal))
                    }
                    (Nominal::Size(a), Nominal::Size(b)) if a != b && begins_at(&old, b) => Some((old, size)),
                    (Nominal::Size(a), Nominal::Size(b)) if a != b => {
                        let (first, second) =
                            (self.model.show_nominal(size), self.model.show_nominal(nominal));
                        self.error(diagnostic::axis_of_two_sizes(name, at.loc, &first, &second));
                        return None;
                    }
                    // Where only one of them is a size, the literal positions are fixed positions within it.
                    (Nominal::Size(_), Nominal::Literal(_)) => Some((old, size)),
                    (Nominal::Literal(_), Nominal::Size(_)) => Some((reach, nominal)),
                    (Nominal::Size(_), Nominal::Size(_)) | (Nominal::Literal(_), Nominal::Literal(_)) => {
                        Some((further(old, reach), size))
                    }
                },
            };
        }
        let (reach, nominal) = best?;
        let nominal = match (nominal, reach.end.as_constant()) {
            (Nominal::Literal(_), Some(length)) => Nominal::Literal(u64::try_from(length).unwrap_or(0)),
            (nominal, _) => nominal,
        };
        Some(Extent { nominal, length: reach.end })
    }

    /// The largest value over the bound indices it moves with; subscripts of ragged sizes become positions along earlier axes.
    fn outermost(&self, end: &Index, frame: &Frame) -> Index {
        let mut end = end.clone();
        for id in frame.binds.iter().rev() {
            let moving = end.terms.iter().position(|(_, t)| t.same(&IndexTerm::Bound(*id)));
            if let Some(place) = moving {
                let (coefficient, _) = end.terms.remove(place);
                let var = &self.model.indices[id.0];
                let extreme = if coefficient > 0 { var.high.shift(-1) } else { var.low.clone() };
                end = end.plus(coefficient, &extreme);
            }
        }
        to_axes(&end, frame)
    }

    /// Guards that the fixed positions of a piece exist: an empty sequence has no first element.
    pub(super) fn existence_guards(&self, plates: &[Extent], target: &[Index]) -> Vec<Expr> {
        let mut guards = Vec::new();
        for (extent, at) in plates.iter().zip(target) {
            if at.as_bound().is_some() {
                continue;
            }
            let length = extent.length.at_position(target);
            if length.plus(-1, at).as_constant().is_none_or(|room| room <= 0) {
                guards.push(less(Compare::Lt, at, &length));
            }
            if at.as_constant().is_none() && !self.in_header(at) {
                guards.push(less(Compare::Le, &Index::constant(at.loc, 0), at));
            }
        }
        guards
    }

    /// `K - 1` of a header size: `Model::new` takes sizes of at least 1.
    fn in_header(&self, at: &Index) -> bool {
        at.as_shifted_size().is_some_and(|(id, _, offset)| offset >= -1 && self.header_sizes.contains(&id))
    }
}

/// Bound indices that are targets become positions along their axes.
pub fn to_axes(index: &Index, frame: &Frame) -> Index {
    index.replace(&mut |term| match term {
        IndexTerm::Bound(id) => {
            let axis = frame.target.iter().position(|t| t.as_bound() == Some(*id))?;
            Some(Index::of(index.loc, IndexTerm::Axis(axis)))
        }
        IndexTerm::Size(..) | IndexTerm::Read(_) | IndexTerm::Axis(_) => None,
    })
}

fn begins_at(reach: &Reach, size: SizeId) -> bool {
    reach.low.as_ref().is_some_and(|low| low.as_shifted_size().is_some_and(|(id, _, _)| id == size))
}

fn further(old: Reach, new: Reach) -> Reach {
    match new.end.plus(-1, &old.end).as_constant() {
        Some(difference) if difference > 0 => new,
        Some(_) => old,
        // Only the data can say which is longer: a range is trusted before a fixed position.
        None if new.ranges && !old.ranges => new,
        None => old,
    }
}

pub fn less(op: Compare, a: &Index, b: &Index) -> Expr {
    let side = |i: &Index| {
        let kind = match i.as_constant() {
            Some(value) => ExprKind::Int(value),
            None => ExprKind::Index(Box::new(Index { loc: a.loc, ..i.clone() })),
        };
        Box::new(Expr { loc: a.loc, ty: Type::Count, kind })
    };
    Expr { loc: a.loc, ty: Type::Bool, kind: ExprKind::Compare(op, side(a), side(b)) }
}
