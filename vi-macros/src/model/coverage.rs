//! The pieces of an array partition its box, and whatever is read is there.

use super::Checker;
use super::ir::{Access, ArrayId, Expr, ExprKind, Extent, Index, IndexId, LetId, Model, Role};
use super::visit::each_access;
use super::world::{Bindings, Data, World};
use crate::diagnostics::model as diagnostic;
use crate::report::Diagnostic;
use crate::syntax::ast::Loc;
use std::collections::BTreeMap;

/// Anything that holds elements piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    Array(ArrayId),
    Let(LetId),
}

/// One piece: where it stands, and its box.
#[derive(Clone, Copy)]
pub struct Piece<'m> {
    pub loc: Loc,
    pub line: usize,
    pub binds: &'m [IndexId],
    pub target: &'m [Index],
    pub guards: &'m [Expr],
    /// It gives a distribution, rather than only a declaration.
    pub random: bool,
}

/// Which pieces declare an element, and at which point of theirs. `true`: for certain.
pub type Covered = BTreeMap<Vec<i64>, Vec<(usize, Bindings, bool)>>;

impl Holder {
    pub fn pieces(self, model: &Model) -> Vec<Piece<'_>> {
        match self {
            Holder::Array(id) => model.arrays[id.0]
                .pieces
                .iter()
                .map(|s| &model.statements[s.0])
                .map(|s| Piece {
                    loc: s.loc,
                    line: s.line,
                    binds: &s.binds,
                    target: &s.target,
                    guards: &s.guards,
                    random: s.dist.is_some(),
                })
                .collect(),
            Holder::Let(id) => model.lets[id.0]
                .pieces
                .iter()
                .map(|p| Piece {
                    loc: p.loc,
                    line: p.line,
                    binds: &p.binds,
                    target: &p.target,
                    guards: &p.guards,
                    random: false,
                })
                .collect(),
        }
    }

    pub fn name(self, model: &Model) -> String {
        match self {
            Holder::Array(id) => model.arrays[id.0].name.to_string(),
            Holder::Let(id) => model.lets[id.0].name.to_string(),
        }
    }

    pub fn plates(self, model: &Model) -> &[Extent] {
        match self {
            Holder::Array(id) => &model.arrays[id.0].plates,
            Holder::Let(id) => &model.lets[id.0].plates,
        }
    }
}

/// Where an element is kept: a symmetric array keeps `[i, j]` and `[j, i]` in one place.
pub fn place(model: &Model, holder: Holder, mut positions: Vec<i64>) -> Vec<i64> {
    if let Holder::Array(id) = holder
        && model.arrays[id.0].symmetric
        && positions.len() >= 2
        && positions[0] > positions[1]
    {
        positions.swap(0, 1);
    }
    positions
}

impl<'a> Checker<'a> {
    pub(super) fn coverage(&mut self) {
        let model = &self.model;
        let broken: Vec<ArrayId> = self.broken.iter().map(|s| model.statements[s.0].array).collect();
        let whole = |holder: &Holder| match holder {
            Holder::Array(id) => {
                let array = &model.arrays[id.0];
                let boxed =
                    array.pieces.iter().all(|s| model.statements[s.0].target.len() == array.plates.len());
                !broken.contains(id) && boxed && (array.role == Role::Const || !array.pieces.is_empty())
            }
            Holder::Let(id) => {
                let value = &model.lets[id.0];
                self.let_pieces[id.0] == value.pieces.len()
                    && value.pieces.iter().all(|p| p.target.len() == value.plates.len())
            }
        };
        let holders: Vec<Holder> = (0..model.arrays.len())
            .map(|id| Holder::Array(ArrayId(id)))
            .chain((0..model.lets.len()).map(|id| Holder::Let(LetId(id))))
            .filter(whole)
            .collect();
        let mut found = Vec::new();
        for world in World::all(model) {
            for holder in &holders {
                found.extend(overlap(&world, *holder));
            }
        }
        for world in World::generic(model) {
            let covered: BTreeMap<Holder, Covered> =
                holders.iter().map(|h| (*h, coverage_of(&world, *h))).collect();
            let (mismatched, incomplete) = (&self.mismatched, self.incomplete);
            Reads { world: &world, covered: &covered, mismatched, incomplete, found: &mut found }.check_all();
        }
        // One example of each mistake, and no further one at the same place.
        let mut places: Vec<String> = Vec::new();
        for mistake in found {
            let place = format!("{:?}", mistake.loc.start);
            if !places.contains(&place) {
                places.push(place);
                self.error(mistake);
            }
        }
    }
}

pub fn coverage_of(world: &World<'_>, holder: Holder) -> Covered {
    let mut covered = Covered::new();
    for (n, piece) in holder.pieces(world.model).iter().enumerate() {
        world.each_point(piece.binds, &Bindings::new(), &mut |at| {
            let held = world.holds(piece.guards, at, &Data::Unknown);
            if held == Some(false) {
                return;
            }
            if let Some(positions) = world.indices(piece.target, at, &Data::Unknown) {
                let entry = covered.entry(place(world.model, holder, positions)).or_default();
                entry.push((n, at.clone(), held == Some(true)));
            }
        });
    }
    covered
}

fn overlap(world: &World<'_>, holder: Holder) -> Option<Diagnostic> {
    let pieces = holder.pieces(world.model);
    let covered = coverage_of(world, holder);
    for (positions, claims) in &covered {
        for (n, (second, at_second, certain)) in claims.iter().enumerate() {
            for (first, at_first, also_certain) in &claims[..n] {
                let (a, b) = (&pieces[*first], &pieces[*second]);
                let both = (*certain && *also_certain)
                    || can_both_hold(world, (a.guards, at_first), (b.guards, at_second));
                if !both {
                    continue;
                }
                let name = holder.name(world.model);
                let shown = world.show_positions(holder.plates(world.model), positions);
                let element = format!("{name}{shown}");
                // Within one piece the culprit is an index that the target does not carry.
                let loose = a.binds.iter().find(|id| at_first.get(id) != at_second.get(id));
                let loose =
                    (first == second).then(|| loose.map(|id| world.model.indices[id.0].name.to_string()));
                return Some(match loose.flatten() {
                    Some(index) => diagnostic::missing_index(b.loc, &name, &element, &index),
                    None => diagnostic::overlap(b.loc, &element, a.line, b.random && a.random, world.small),
                });
            }
        }
    }
    None
}

/// An element of a given array.
type Cell = (usize, Vec<i64>);

/// Whether some data satisfy both guards: the given numbers they read are tried at a few values each.
fn can_both_hold(world: &World<'_>, a: (&[Expr], &Bindings), b: (&[Expr], &Bindings)) -> bool {
    let mut cells: Vec<(Cell, Vec<f64>)> = Vec::new();
    for (guards, at) in [a, b] {
        for guard in guards {
            let numbers = numbers_near(guard);
            guard.each_read(
                &mut |access| {
                    if let Some(positions) = world.indices(&access.indices, at, &Data::Unknown) {
                        let cell = (access.array.0, positions);
                        match cells.iter_mut().find(|(c, _)| *c == cell) {
                            Some((_, values)) => values.extend(&numbers),
                            None => cells.push((cell, possible_values(world, access, &numbers))),
                        }
                    }
                },
                &mut |_| {},
            );
        }
    }
    const MOST_TRIALS: usize = 4096;
    let trials: usize = cells.iter().map(|(_, v)| v.len().max(1)).product();
    if trials > MOST_TRIALS {
        return false;
    }
    (0..trials).any(|trial| {
        let mut rest = trial;
        let mut values = BTreeMap::new();
        for (cell, options) in &cells {
            values.insert(cell.clone(), options[rest % options.len()]);
            rest /= options.len();
        }
        let data = Data::Given(values);
        world.holds(a.0, a.1, &data) == Some(true) && world.holds(b.0, b.1, &data) == Some(true)
    })
}

/// The literals of a guard, and numbers on both sides of each.
fn numbers_near(guard: &Expr) -> Vec<f64> {
    let mut numbers = vec![0.0, 1.0];
    fn literals(e: &Expr, into: &mut Vec<f64>) {
        if let Some(v) = super::facts::constant_value(e) {
            into.extend([v - 1.0, v - 0.5, v, v + 0.5, v + 1.0]);
            return;
        }
        match &e.kind {
            ExprKind::Unary(_, a) => literals(a, into),
            ExprKind::Binary(_, a, b) | ExprKind::Compare(_, a, b) => {
                literals(a, into);
                literals(b, into);
            }
            _ => {}
        }
    }
    literals(guard, &mut numbers);
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers
}

fn possible_values(world: &World<'_>, access: &Access, near: &[f64]) -> Vec<f64> {
    use super::ir::ElemKind;
    let allowed: &dyn Fn(f64) -> bool = match &world.model.arrays[access.array.0].elem.kind {
        ElemKind::Bool => &|v| v == 0.0 || v == 1.0,
        ElemKind::Category(_) | ElemKind::Count => &|v| v >= 0.0 && v.fract() == 0.0,
        ElemKind::Positive => &|v| v > 0.0,
        ElemKind::Unit => &|v| (0.0..=1.0).contains(&v),
        _ => &|_| true,
    };
    let mut values: Vec<f64> = near.iter().copied().filter(|v| allowed(*v)).collect();
    if values.is_empty() {
        values.push(1.0);
    }
    values
}

/// Checks every read of the model in one world.
struct Reads<'w, 'm> {
    world: &'w World<'m>,
    covered: &'w BTreeMap<Holder, Covered>,
    mismatched: &'w [String],
    incomplete: bool,
    found: &'w mut Vec<Diagnostic>,
}

impl<'m> Reads<'_, 'm> {
    fn check_all(&mut self) {
        let model = self.world.model;
        for s in &model.statements {
            let counts: Vec<Expr> = s.repeat.iter().map(count_expr).collect();
            let exprs: Vec<&Expr> =
                s.guards.iter().chain(s.dist.iter().flat_map(|d| d.exprs())).chain(&counts).collect();
            self.check_scope(&s.binds, &s.guards, &exprs);
        }
        for piece in model.lets.iter().flat_map(|l| &l.pieces) {
            let exprs: Vec<&Expr> = piece.guards.iter().chain([&piece.value]).collect();
            self.check_scope(&piece.binds, &piece.guards, &exprs);
        }
        for c in &model.constraints {
            let exprs: Vec<&Expr> =
                c.guards.iter().chain([&c.first]).chain(c.rest.iter().map(|(_, e)| e)).collect();
            self.check_scope(&c.binds, &c.guards, &exprs);
        }
        for init in &model.init {
            let exprs: Vec<&Expr> = init.guards.iter().chain([&init.value]).collect();
            self.check_scope(&init.binds, &init.guards, &exprs);
        }
    }

    fn check_scope(&mut self, binds: &[IndexId], guards: &[Expr], exprs: &[&Expr]) {
        let mut found = Vec::new();
        self.world.each_point(binds, &Bindings::new(), &mut |at| {
            // Where data decide whether the statement is there, they also decide whether what it reads is.
            if self.world.holds(guards, at, &Data::Unknown) != Some(true) {
                return;
            }
            for e in exprs {
                self.check_expr(e, at, &mut found);
            }
        });
        self.found.extend(found);
    }

    fn check_expr(&self, e: &Expr, at: &Bindings, found: &mut Vec<Diagnostic>) {
        each_access(self.world, e, at, &mut |holder, loc, indices, at| {
            for data in [Data::First, Data::Last] {
                if let Some(mistake) = self.check_read(holder, loc, indices, at, &data) {
                    found.push(mistake);
                    return;
                }
            }
        });
    }

    fn check_read(
        &self,
        holder: Holder,
        loc: Loc,
        indices: &[Index],
        at: &Bindings,
        data: &Data,
    ) -> Option<Diagnostic> {
        let (world, model) = (self.world, self.world.model);
        if !self.mismatched.is_empty() && self.mismatched.contains(&format!("{:?}", loc.start)) {
            return None;
        }
        let plates = holder.plates(model);
        let axes: Vec<Extent> = match holder {
            Holder::Array(id) => plates.iter().chain(model.arrays[id.0].elem.kind.axes()).cloned().collect(),
            Holder::Let(id) => plates.iter().chain(model.lets[id.0].ty.axes()).cloned().collect(),
        };
        let name = holder.name(model);
        let text = format!("{name}{}", model.show_indices(indices));
        let mut positions = Vec::new();
        for (index, extent) in indices.iter().zip(&axes) {
            let position = world.index(index, at, data)?;
            let length = world.length(extent, &positions)?;
            positions.push(position);
            if position < 0 || position >= length {
                let point = world.show_point(&mentioned(indices), at);
                let shown = world.show_positions(plates, &positions);
                let element = format!("{name}{shown}");
                let end = model.show_extent(extent);
                return Some(diagnostic::out_of_range(loc, &text, &element, &point, position < 0, &end));
            }
        }
        // Where the position is data, so is the answer.
        let certain = world.indices(indices, at, &Data::Unknown).is_some();
        let covered = self.covered.get(&holder)?;
        if !certain
            || self.incomplete
            || matches!(holder, Holder::Array(id) if model.arrays[id.0].role == Role::Const)
        {
            return None;
        }
        let mut gap = None;
        each_rest(world, plates, &positions[..positions.len().min(plates.len())], &mut |element| {
            if gap.is_none() && !covered.contains_key(&place(model, holder, element.to_vec())) {
                gap = Some(element.to_vec());
            }
        });
        let gap = gap?;
        let element = format!("{name}{}", world.show_positions(plates, &gap));
        let point = world.show_point(&mentioned(indices), at);
        Some(diagnostic::gap(loc, &element, &text, &point))
    }
}

/// The bound indices of an access, in the order they stand there.
fn mentioned(indices: &[Index]) -> Vec<IndexId> {
    let mut ids = Vec::new();
    for index in indices {
        index.each_term(&mut |term| {
            if let super::ir::IndexTerm::Bound(id) = term
                && !ids.contains(id)
            {
                ids.push(*id);
            }
        });
    }
    ids
}

/// All elements of an array that begin with these positions.
pub fn each_rest(world: &World<'_>, plates: &[Extent], positions: &[i64], visit: &mut dyn FnMut(&[i64])) {
    if positions.len() == plates.len() {
        return visit(positions);
    }
    let Some(length) = world.length(&plates[positions.len()], positions) else { return };
    for next in world.range(0, length) {
        let mut longer = positions.to_vec();
        longer.push(next);
        each_rest(world, plates, &longer, visit);
    }
}

fn count_expr(access: &Access) -> Expr {
    Expr { loc: access.loc, ty: super::ir::Type::Count, kind: ExprKind::Read(access.clone()) }
}
