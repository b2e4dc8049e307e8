//! Small worlds: the model with small numbers for its sizes, in which every index can be counted through.
//!
//! Bounds and guards differ by constants from sizes and from each other, so what goes wrong for some sizes goes wrong for small ones,
//! and a world gives the example that the message shows. A long range is visited near its ends and near the literals only.

use super::ir::{
    Access, ElemKind, Expr, ExprKind, Extent, Function, Index, IndexId, IndexTerm, Model, SizeId, SizeSource,
};
use crate::syntax::ast::{Binary, Compare, Reducer, Unary};
use std::collections::BTreeMap;

/// Values of the bound indices.
pub type Bindings = BTreeMap<IndexId, i64>;

/// What a read of data is taken to be.
#[derive(Clone, Debug)]
pub enum Data {
    /// Nothing: whatever depends on it is not known.
    Unknown,
    /// Every category at the start of its range, or at the end.
    First,
    Last,
    /// These elements have these values; others are asked for.
    Given(BTreeMap<(usize, Vec<i64>), f64>),
}

pub struct World<'m> {
    pub model: &'m Model,
    sizes: Vec<i64>,
    /// Ranges longer than this are visited near their ends.
    longest: i64,
    literals: Vec<i64>,
    /// All sizes are this small: what goes wrong here may be right for larger ones.
    pub small: Option<i64>,
    /// Visit what only may be there, because data decide.
    pub possible: bool,
}

impl<'m> World<'m> {
    /// Worlds in which every size is larger than the literals of the model, and no two relations between sizes are the same.
    pub fn generic(model: &'m Model) -> Vec<World<'m>> {
        let literals = literals(model);
        let base = 3 + literals.iter().copied().filter(|l| *l < 1000).max().unwrap_or(0);
        let n = model.sizes.len() as i64;
        let shapes: [&dyn Fn(i64) -> i64; 3] = [&|_| 0, &|id| id % 3, &|id| (n - id) % 4];
        shapes.iter().map(|shape| World::with(model, &literals, &|id| base + shape(id))).collect()
    }

    /// Worlds that also try sizes of one and two.
    pub fn all(model: &'m Model) -> Vec<World<'m>> {
        let literals = literals(model);
        let mut worlds = World::generic(model);
        worlds.extend((1..=2).map(|size| {
            let world = World::with(model, &literals, &|_| size);
            World { small: Some(size), ..world }
        }));
        worlds
    }

    fn with(model: &'m Model, literals: &[i64], size: &dyn Fn(i64) -> i64) -> World<'m> {
        let sizes = (0..model.sizes.len()).map(|id| size(id as i64)).collect();
        let mut world =
            World { model, sizes, longest: 8, literals: literals.to_vec(), possible: false, small: None };
        // `R = W + 1` holds unless the user says otherwise; `K = 3` is only a default.
        for id in 0..model.sizes.len() {
            let header = model.sizes[id].sources.first();
            if let Some(SizeSource::Header { default: Some(default) }) = header
                && !default.terms.is_empty()
                && let Some(value) = world.index(default, &Bindings::new(), &Data::Unknown)
            {
                world.sizes[id] = value.max(1);
            }
        }
        world
    }

    /// The value of an index, where it is known.
    pub fn index(&self, index: &Index, at: &Bindings, data: &Data) -> Option<i64> {
        let mut sum = index.offset;
        for (coefficient, term) in &index.terms {
            let value = match term {
                IndexTerm::Bound(id) => *at.get(id)?,
                IndexTerm::Size(id, over) => self.size(*id, &self.indices(over, at, data)?),
                IndexTerm::Read(access) => self.read(access, at, data)? as i64,
                IndexTerm::Axis(_) => return None,
            };
            sum = sum.checked_add(coefficient.checked_mul(value)?)?;
        }
        Some(sum)
    }

    pub fn indices(&self, indices: &[Index], at: &Bindings, data: &Data) -> Option<Vec<i64>> {
        indices.iter().map(|i| self.index(i, at, data)).collect()
    }

    /// Neighbouring rows of a ragged size differ by one.
    fn size(&self, id: SizeId, over: &[i64]) -> i64 {
        self.sizes[id.0] + over.iter().sum::<i64>().rem_euclid(2)
    }

    /// The length of an axis for an element at these positions.
    pub fn length(&self, extent: &Extent, positions: &[i64]) -> Option<i64> {
        let constants: Vec<Index> =
            positions.iter().map(|p| Index::constant(extent.length.loc, *p)).collect();
        self.index(&extent.length.at_position(&constants), &Bindings::new(), &Data::Unknown)
    }

    fn read(&self, access: &Access, at: &Bindings, data: &Data) -> Option<f64> {
        let positions = self.indices(&access.indices, at, data)?;
        let array = &self.model.arrays[access.array.0];
        if positions.len() != array.plates.len() {
            return None;
        }
        let last = match &array.elem.kind {
            ElemKind::Category(extent) => Some(self.length(extent, &positions)? - 1),
            ElemKind::Bool => Some(1),
            _ => None,
        };
        match data {
            Data::Unknown => None,
            Data::First => last.filter(|l| *l >= 0).map(|_| 0.0),
            Data::Last => last.filter(|l| *l >= 0).map(|l| l as f64),
            Data::Given(values) => values.get(&(access.array.0, positions)).copied(),
        }
    }

    /// The value of a condition or number; `None` where data decide.
    pub fn value(&self, e: &Expr, at: &Bindings, data: &Data) -> Option<f64> {
        let truth = |b: bool| if b { 1.0 } else { 0.0 };
        match &e.kind {
            ExprKind::Int(v) => Some(*v as f64),
            ExprKind::Float(v) => Some(*v),
            ExprKind::Bool(v) => Some(truth(*v)),
            ExprKind::Index(index) => self.index(index, at, data).map(|v| v as f64),
            ExprKind::Read(access) => self.read(access, at, data),
            ExprKind::Unary(Unary::Not, a) => Some(1.0 - self.value(a, at, data)?),
            ExprKind::Unary(Unary::Neg, a) => Some(-self.value(a, at, data)?),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.value(a, at, data), self.value(b, at, data));
                match (op, a, b) {
                    // One side may decide alone.
                    (Binary::And, Some(0.0), _) | (Binary::And, _, Some(0.0)) => Some(0.0),
                    (Binary::Or, Some(1.0), _) | (Binary::Or, _, Some(1.0)) => Some(1.0),
                    (Binary::And, Some(a), Some(b)) => Some(a.min(b)),
                    (Binary::Or, Some(a), Some(b)) => Some(a.max(b)),
                    (Binary::Add, Some(a), Some(b)) => Some(a + b),
                    (Binary::Sub, Some(a), Some(b)) => Some(a - b),
                    (Binary::Mul, Some(a), Some(b)) => Some(a * b),
                    (Binary::Div, Some(a), Some(b)) => Some(a / b),
                    (Binary::Pow, Some(a), Some(b)) => Some(a.powf(b)),
                    (_, None, _) | (_, _, None) => None,
                }
            }
            ExprKind::Compare(op, a, b) => {
                let (a, b) = (self.value(a, at, data)?, self.value(b, at, data)?);
                Some(truth(match op {
                    Compare::Eq => a == b,
                    Compare::Ne => a != b,
                    Compare::Lt => a < b,
                    Compare::Le => a <= b,
                    Compare::Gt => a > b,
                    Compare::Ge => a >= b,
                }))
            }
            ExprKind::Reduce { op, indices, guard, body } => {
                let mut total = match op {
                    Reducer::Sum | Reducer::Any => 0.0,
                    Reducer::Prod | Reducer::All => 1.0,
                };
                let mut known = true;
                self.each_point(indices, at, &mut |point| {
                    let kept = guard.as_ref().map_or(Some(1.0), |g| self.value(g, point, data));
                    match (kept, self.value(body, point, data)) {
                        (Some(0.0), _) => {}
                        (Some(_), Some(v)) => match op {
                            Reducer::Sum => total += v,
                            Reducer::Prod => total *= v,
                            Reducer::All => total = f64::min(total, v),
                            Reducer::Any => total = f64::max(total, v),
                        },
                        _ => known = false,
                    }
                });
                known.then_some(total)
            }
            ExprKind::Call(function, args) => {
                let first = self.value(args.first()?, at, data)?;
                match function {
                    Function::Exp => Some(first.exp()),
                    Function::Log => Some(first.ln()),
                    Function::Sqrt => Some(first.sqrt()),
                    Function::Logit => Some((first / (1.0 - first)).ln()),
                    Function::Sigmoid => Some(1.0 / (1.0 + (-first).exp())),
                    Function::Dot | Function::Diag | Function::Onehot | Function::Trace => None,
                }
            }
            ExprKind::Let(..)
            | ExprKind::Transpose(_)
            | ExprKind::Component(..)
            | ExprKind::Vector(_)
            | ExprKind::Comprehension { .. } => None,
        }
    }

    /// Whether all guards hold: `None` where data decide and nothing else refuses.
    pub fn holds(&self, guards: &[Expr], at: &Bindings, data: &Data) -> Option<bool> {
        let mut known = true;
        for guard in guards {
            match self.value(guard, at, data) {
                Some(0.0) => return Some(false),
                Some(_) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    /// Every value of the bound indices, outermost first.
    pub fn each_point(&self, binds: &[IndexId], at: &Bindings, visit: &mut dyn FnMut(&Bindings)) {
        let mut at = at.clone();
        self.points_from(binds, &mut at, visit);
    }

    fn points_from(&self, binds: &[IndexId], at: &mut Bindings, visit: &mut dyn FnMut(&Bindings)) {
        let Some((first, rest)) = binds.split_first() else { return visit(at) };
        let var = &self.model.indices[first.0];
        let ends = (self.index(&var.low, at, &Data::Unknown), self.index(&var.high, at, &Data::Unknown));
        let (Some(low), Some(high)) = ends else { return };
        for value in self.range(low, high) {
            at.insert(*first, value);
            self.points_from(rest, at, visit);
        }
        at.remove(first);
    }

    /// All values of a range, or those near its ends and the literals.
    pub fn range(&self, low: i64, high: i64) -> Vec<i64> {
        if high - low <= self.longest {
            return (low..high).collect();
        }
        let mut values: Vec<i64> = (low..low + 4).chain(high - 4..high).collect();
        for literal in &self.literals {
            values.extend((literal - 1..=literal + 1).filter(|v| (low..high).contains(v)));
        }
        values.sort_unstable();
        values.dedup();
        values
    }

    /// How a bound value reads best: `0`, or `T - 1` near the upper end.
    pub fn show_value(&self, id: IndexId, at: &Bindings) -> String {
        let var = &self.model.indices[id.0];
        let Some(value) = at.get(&id).copied() else { return String::new() };
        let low = self.index(&var.low, at, &Data::Unknown).unwrap_or(0);
        match self.index(&var.high, at, &Data::Unknown) {
            Some(high) if high - value < value - low && !var.high.terms.is_empty() => {
                self.model.show_index(&var.high.shift(value - high))
            }
            _ => value.to_string(),
        }
    }

    /// `t = 0, s = 1`: the bound indices an expression depends on.
    pub fn show_point(&self, ids: &[IndexId], at: &Bindings) -> String {
        let shown = ids.iter().filter(|id| at.contains_key(id));
        let shown: Vec<String> = shown
            .map(|id| format!("{} = {}", self.model.indices[id.0].name, self.show_value(*id, at)))
            .collect();
        shown.join(", ")
    }

    /// The positions of an element as text, `T - 1` rather than 4 near the end of an axis.
    pub fn show_positions(&self, plates: &[Extent], positions: &[i64]) -> String {
        if positions.is_empty() {
            return String::new();
        }
        let shown: Vec<String> = positions
            .iter()
            .enumerate()
            .map(|(axis, p)| {
                let extent = plates.get(axis);
                let length = extent.and_then(|e| self.length(e, positions));
                match (extent, length) {
                    (Some(extent), Some(length)) if length - p < *p && !extent.length.terms.is_empty() => {
                        let constants: Vec<Index> =
                            positions.iter().map(|p| Index::constant(extent.length.loc, *p)).collect();
                        let length_here = extent.length.at_position(&constants);
                        self.model.show_index(&length_here.shift(p - length))
                    }
                    _ => p.to_string(),
                }
            })
            .collect();
        format!("[{}]", shown.join(", "))
    }
}

/// The offsets and bounds that are written as numbers.
fn literals(model: &Model) -> Vec<i64> {
    let mut found = Vec::new();
    let mut note = |index: &Index| {
        if index.offset != 0 {
            found.push(index.offset.saturating_abs());
        }
    };
    for var in &model.indices {
        note(&var.low);
        note(&var.high);
    }
    for extent in model.arrays.iter().flat_map(|a| &a.plates) {
        note(&extent.length);
    }
    for s in &model.statements {
        s.target.iter().for_each(&mut note);
    }
    let mut in_expr = |e: &Expr| each_number(e, &mut note);
    for s in &model.statements {
        s.guards.iter().for_each(&mut in_expr);
        s.dist.iter().flat_map(|d| d.exprs()).for_each(&mut in_expr);
    }
    for piece in model.lets.iter().flat_map(|l| &l.pieces) {
        piece.guards.iter().for_each(&mut in_expr);
        in_expr(&piece.value);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Calls `note` on every index expression, and on whole literals of comparisons as constants.
fn each_number(e: &Expr, note: &mut dyn FnMut(&Index)) {
    match &e.kind {
        ExprKind::Index(index) => note(index),
        ExprKind::Compare(_, a, b) => {
            for side in [a, b] {
                if let ExprKind::Int(v) = side.kind {
                    note(&Index::constant(side.loc, v));
                }
                each_number(side, note);
            }
        }
        ExprKind::Read(access) => access.indices.iter().for_each(note),
        ExprKind::Let(_, indices) => indices.iter().for_each(note),
        ExprKind::Unary(_, a) | ExprKind::Transpose(a) => each_number(a, note),
        ExprKind::Binary(_, a, b) => {
            each_number(a, note);
            each_number(b, note);
        }
        ExprKind::Component(a, indices) => {
            each_number(a, note);
            indices.iter().for_each(note);
        }
        ExprKind::Call(_, items) | ExprKind::Vector(items) => items.iter().for_each(|i| each_number(i, note)),
        ExprKind::Comprehension { guard, body, .. } | ExprKind::Reduce { guard, body, .. } => {
            guard.iter().for_each(|g| each_number(g, note));
            each_number(body, note);
        }
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) => {}
    }
}
