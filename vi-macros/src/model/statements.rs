//! Assembles statements, `let`s, constraints, groups and starting values, once every type is known.

use super::Checker;
use super::flatten::{Flat, Frame, RawConstrain, RawDecl, RawInit, RawLet};
use super::ir::{
    Access, Arm, Cells, Constraint, Dist, ElemKind, Expr, ExprKind, Extent, FamilyCall, Group, Index, Init,
    LetPiece, Nominal, Role, Statement, StatementId, Type,
};
use super::names::{Symbol, role};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast;

impl<'a> Checker<'a> {
    pub(super) fn statements(&mut self, flat: &Flat<'a>) {
        for value in &flat.lets {
            self.let_piece(value);
        }
        for id in 0..self.model.lets.len() {
            let mut reported = false;
            for piece in &self.model.lets[id].pieces {
                self.model.each_read_deep(&piece.value, &mut |access| {
                    reported |= self.has_role(access.array, Role::Latent);
                    reported |= self.has_role(access.array, Role::Param);
                });
            }
            self.model.lets[id].reported = reported;
        }
        for decl in &flat.decls {
            self.declaration(decl);
            if let Some(ty) = &decl.ast.ty {
                self.elem_bounds(decl.array, ty);
                self.cells(decl, ty);
            }
            self.statement(decl);
        }
        for constrain in &flat.constrains {
            self.constraint(constrain);
        }
        for init in &flat.inits {
            self.starting_value(init);
        }
        for factorize in &flat.factorize {
            self.groups(factorize);
        }
        // A type that cannot be made out usually follows from a mistake that was just reported.
        let unresolved = std::mem::take(&mut self.unresolved);
        if self.report.is_empty() {
            unresolved.into_iter().for_each(|d| self.error(d));
        }
    }

    fn statement(&mut self, decl: &RawDecl<'a>) {
        let frame = &decl.frame;
        let guards = self.frame_guards(frame);
        let repeat = self.repeats(frame);
        let array = &self.model.arrays[decl.array.0];
        let name = array.name.to_string();
        let kind = self.known[decl.array.0].then(|| kind_at(&array.elem.kind, &frame.target));
        let plates = array.plates.clone();
        let dist = decl.ast.dist.as_ref().map(|dist| self.dist(dist, frame, kind.as_ref(), &name));
        let sound = !frame.broken && !matches!(dist, Some(None)) && guards.is_some();
        let mut guards = guards.unwrap_or_default();
        if !frame.broken && plates.len() == frame.target.len() {
            guards.extend(self.existence_guards(&plates, &frame.target));
        }
        let id = StatementId(self.model.statements.len());
        if !sound {
            self.broken.push(id);
        }
        self.model.arrays[decl.array.0].pieces.push(id);
        self.blocks.push(frame.blocks.clone());
        self.model.statements.push(Statement {
            id,
            loc: decl.ast.loc,
            line: self.line(decl.ast.loc),
            role: role(decl.ast.role),
            array: decl.array,
            binds: frame.binds.clone(),
            target: frame.target.clone(),
            guards,
            repeat,
            dist: dist.flatten(),
        });
    }

    /// The guards of a frame; `None` after a mistake.
    fn frame_guards(&mut self, frame: &Frame<'a>) -> Option<Vec<Expr>> {
        let typed: Vec<Option<Expr>> = frame.guards.iter().map(|g| self.condition(g, &frame.scope)).collect();
        let mut guards = Vec::new();
        for guard in typed.into_iter().collect::<Option<Vec<_>>>()? {
            if let Some((loc, array)) = self.random_read(&guard) {
                let array = &self.model.arrays[array.0];
                let role = super::print::role_name(array.role);
                let (name, finite) = (array.name.to_string(), array.elem.kind.is_finite());
                self.error(diagnostic::guard_reads(loc, &name, role, finite));
                return None;
            }
            conjuncts(guard, &mut guards);
        }
        Some(guards)
    }

    fn repeats(&mut self, frame: &Frame<'a>) -> Vec<Access> {
        let mut repeats = Vec::new();
        for count in &frame.repeat {
            match self.symbol(&count.name) {
                Some(Symbol::Array(array)) => {
                    let Some(access) = self.access(count.loc, array, &count.indices, &frame.scope) else {
                        continue;
                    };
                    let Some(ty) = self.slice_type(&access) else { continue };
                    if !self.is_given(array) || !matches!(ty, Type::Count | Type::Positive) {
                        let found = self.model.show_type(&ty);
                        self.error(diagnostic::repeat_of(&count.name, count.loc, &found));
                        continue;
                    }
                    repeats.push(access);
                }
                Some(Symbol::Size(_) | Symbol::Let(_)) => {
                    let found = self.kind_of(&count.name);
                    self.error(diagnostic::repeat_of(&count.name, count.loc, found));
                }
                None => self.unknown_name(&count.name, &frame.scope),
            }
        }
        repeats
    }

    fn dist(
        &mut self,
        dist: &'a ast::Dist,
        frame: &Frame<'a>,
        kind: Option<&ElemKind>,
        name: &str,
    ) -> Option<Dist> {
        match dist {
            ast::Dist::Family(call) => {
                Some(Dist::Family(self.family_call(call, &frame.scope, kind, name)?))
            }
            ast::Dist::Match { span, .. } => {
                let mut cases = Vec::new();
                self.cases(dist, frame, kind, name, None, &mut cases)?;
                self.joined(*span, cases)
            }
        }
    }

    /// The distributions of a `match`, each with the pattern and the condition that select it. One inside an arm is opened up.
    fn cases(
        &mut self,
        dist: &'a ast::Dist,
        frame: &Frame<'a>,
        kind: Option<&ElemKind>,
        name: &str,
        given: Option<Case>,
        into: &mut Vec<Case>,
    ) -> Option<()> {
        let (span, on, arms) = match dist {
            ast::Dist::Family(call) => {
                let call = self.family_call(call, &frame.scope, kind, name)?;
                if let Some(given) = given {
                    into.push(Case { call: Some(call), ..given });
                }
                return Some(());
            }
            ast::Dist::Match { span, on, arms } => (*span, on, arms),
        };
        let on = self.expr(on, &frame.scope, None);
        let covers = on.as_ref().and_then(|on| self.arms_cover(on, arms, span));
        let mut earlier: Vec<Expr> = Vec::new();
        let mut sound = true;
        for arm in arms {
            let loc = ast::Loc::from(arm.pat_span);
            let bool = |kind| Expr { loc, ty: Type::Bool, kind };
            let (value, condition) = match (&on, arm.pat) {
                (None, _) => (None, bool(ExprKind::Bool(true))),
                (Some(on), ast::Pat::True) => (Some(1), on.clone()),
                (Some(on), ast::Pat::False) => {
                    (Some(0), bool(ExprKind::Unary(ast::Unary::Not, Box::new(on.clone()))))
                }
                (Some(on), ast::Pat::Int(value)) => {
                    let literal = i64::try_from(value).unwrap_or(i64::MAX);
                    let literal = Expr { loc, ty: Type::Count, kind: ExprKind::Int(literal) };
                    let on = Box::new(on.clone());
                    (Some(value), bool(ExprKind::Compare(ast::Compare::Eq, on, Box::new(literal))))
                }
                (Some(_), ast::Pat::Wild) => {
                    let others =
                        earlier.iter().map(|e| bool(ExprKind::Unary(ast::Unary::Not, Box::new(e.clone()))));
                    (None, others.reduce(both).unwrap_or(bool(ExprKind::Bool(true))))
                }
            };
            earlier.push(condition.clone());
            let (nested, condition) = match &given {
                Some(outer) => (true, both(outer.condition.clone(), condition)),
                None => (false, condition),
            };
            let case = Case { on: on.clone(), nested, value, condition, call: None };
            sound &= self.cases(&arm.dist, frame, kind, name, Some(case), into).is_some();
        }
        covers?;
        sound.then_some(())
    }

    /// One `match` on what was typed; or, where one was inside another, on the number of the case.
    fn joined(&mut self, span: proc_macro2::Span, cases: Vec<Case>) -> Option<Dist> {
        let loc = ast::Loc::from(span);
        let nested = cases.iter().any(|c| c.nested);
        let mut number: Option<Expr> = None;
        let mut arms = Vec::new();
        let ty = Type::Index(Nominal::Literal(cases.len() as u64));
        let mut on = None;
        for (n, case) in cases.into_iter().enumerate() {
            let value = if nested { Some(n as u64) } else { case.value };
            arms.push(Arm { value, call: case.call? });
            on = on.or(case.on);
            let expr = |kind| Expr { loc, ty: ty.clone(), kind };
            if n > 0 {
                let weight = Box::new(expr(ExprKind::Int(n as i64)));
                let term = match n {
                    1 => case.condition,
                    _ => expr(ExprKind::Binary(ast::Binary::Mul, weight, Box::new(case.condition))),
                };
                number = Some(match number {
                    None => term,
                    Some(sum) => expr(ExprKind::Binary(ast::Binary::Add, Box::new(sum), Box::new(term))),
                });
            }
        }
        let on = if nested { number } else { on };
        Some(Dist::Match { on: on?, arms })
    }

    /// `Simplex[k in K if …]`
    fn cells(&mut self, decl: &RawDecl<'a>, ty: &'a ast::Type) {
        let ast::TypeKind::Simplex(ast::SimplexDim::Bind(binders)) = &ty.kind else { return };
        let (Some(guard), [ast::Bind::In { name, range }]) = (&binders.guard, binders.binds.as_slice())
        else {
            return;
        };
        let mut scope = decl.frame.scope.clone();
        let Some(index) = self.new_index(name, range, &scope) else { return };
        scope.bind(name, Index::bound(name.span().into(), index));
        let Some(guard) = self.condition(guard, &scope) else { return };
        if let Some((loc, array)) = self.random_read(&guard) {
            let array = &self.model.arrays[array.0];
            let (name, role) = (array.name.to_string(), super::print::role_name(array.role));
            self.error(diagnostic::guard_reads(loc, &name, role, false));
            return;
        }
        self.model.arrays[decl.array.0].elem.cells = Some(Cells { loc: ty.loc, guard });
    }

    fn let_piece(&mut self, value: &RawLet<'a>) {
        let frame = &value.frame;
        if let Some(bound) = value.ast.ty.as_ref().and_then(|ty| ty.min.as_ref().or(ty.max.as_ref())) {
            self.error(diagnostic::bounds_of_a_let(bound.loc, &value.ast.name.to_string()));
        }
        let written = value.ast.ty.as_ref().and_then(|ty| self.written_kind(ty, frame));
        let place = match &written {
            Some(kind) => kind_at(kind, &frame.target).axes().first().map(|e| (*e).clone()),
            None => match &self.let_types[value.id.0] {
                Some(ty) => ty
                    .axes()
                    .first()
                    .map(|e| Extent { nominal: e.nominal, length: e.length.at_position(&frame.target) }),
                None => None,
            },
        };
        let guards = self.frame_guards(frame);
        let Some(e) = self.expr(&value.ast.value, &frame.scope, place.as_ref()) else {
            if self.let_types[value.id.0].is_none() && self.report.is_empty() {
                self.unresolved.push(diagnostic::let_without_type(&value.ast.name));
            }
            return;
        };
        if let Some(kind) = &written {
            let kind = kind_at(kind, &frame.target);
            if !self.value_fits(&e, &kind) {
                let (found, wanted) = (self.model.show_type(&e.ty), self.model.show_kind(&kind));
                self.error(diagnostic::value_of_wrong_type(e.loc, &found, &wanted));
            }
        }
        let Some(mut guards) = guards else { return };
        if frame.broken {
            return;
        }
        let plates = self.model.lets[value.id.0].plates.clone();
        if plates.len() == frame.target.len() {
            guards.extend(self.existence_guards(&plates, &frame.target));
        }
        let piece = LetPiece {
            loc: value.ast.loc,
            line: self.line(value.ast.loc),
            binds: frame.binds.clone(),
            target: frame.target.clone(),
            guards,
            value: e,
        };
        self.unify_let(value, &written, &piece.value);
        self.let_blocks.push((frame.blocks.clone(), value.id, piece.line));
        self.model.lets[value.id.0].pieces.push(piece);
    }

    /// The pieces of a `let` have one type: that of numbers widens, anything else must agree.
    fn unify_let(&mut self, value: &RawLet<'a>, written: &Option<ElemKind>, e: &Expr) {
        let id = value.id.0;
        let widened = match (written, &self.let_types[id]) {
            (Some(kind), _) => kind.value_type(),
            (None, None) => return,
            (None, Some(old)) if old.is_scalar() && e.ty.is_scalar() => {
                let both = super::facts::Facts::of_type(old).and(super::facts::Facts::of_type(&e.ty));
                match (old, &e.ty) {
                    (Type::Bool, Type::Bool) => Type::Bool,
                    (Type::Index(x), Type::Index(y)) if x == y => Type::Index(*x),
                    _ => both.scalar_type(),
                }
            }
            (None, Some(old)) => {
                let agree = std::mem::discriminant(old) == std::mem::discriminant(&e.ty)
                    || matches!((old, &e.ty), (Type::Vector(_), Type::Literal(_) | Type::Simplex(_)));
                if !agree {
                    let (first, second) = (self.model.show_type(old), self.model.show_type(&e.ty));
                    let name = &value.ast.name;
                    self.error(diagnostic::declared_with_two_types(name, e.loc, &first, &second));
                }
                return;
            }
        };
        self.let_types[id] = Some(widened.clone());
        self.model.lets[id].ty = widened;
    }

    fn constraint(&mut self, raw: &RawConstrain<'a>) {
        let frame = &raw.frame;
        let guards = self.frame_guards(frame);
        let first = self.expr(&raw.ast.first, &frame.scope, None);
        let mut rest = Vec::new();
        for (op, _, e) in &raw.ast.rest {
            rest.push(self.expr(e, &frame.scope, None).map(|e| (*op, e)));
        }
        let (Some(guards), Some(first)) = (guards, first) else { return };
        let Some(rest) = rest.into_iter().collect::<Option<Vec<_>>>() else { return };
        let constraint = Constraint {
            loc: raw.ast.loc,
            line: self.line(raw.ast.loc),
            binds: frame.binds.clone(),
            guards,
            first,
            rest,
        };
        self.check_constraint(&constraint, raw);
        if !frame.broken {
            self.constraint_blocks.push(frame.blocks.clone());
            self.model.constraints.push(constraint);
        }
    }

    fn starting_value(&mut self, raw: &RawInit<'a>) {
        let frame = &raw.frame;
        let guards = self.frame_guards(frame);
        let array = &self.model.arrays[raw.array.0];
        let plates = array.plates.clone();
        let known = self.known[raw.array.0];
        let kind = kind_at(&array.elem.kind, &frame.target);
        if frame.target.len() != plates.len() {
            if !frame.broken {
                let rank = (plates.len(), frame.target.len());
                self.error(diagnostic::init_rank(&raw.ast.name, raw.ast.loc, rank.0, rank.1));
            }
            return;
        }
        for (index, extent) in frame.target.iter().zip(&plates) {
            let place = super::resolve::Place { name: raw.ast.name.clone() };
            self.index_fits(index, extent.nominal, Some(&place));
        }
        let place = match &kind {
            ElemKind::Category(d) => Some(d.clone()),
            ElemKind::Bool => Some(Extent::literal(raw.ast.loc, 2)),
            other => other.axes().first().map(|e| (*e).clone()),
        };
        let Some(value) = self.expr(&raw.ast.value, &frame.scope, place.as_ref()) else { return };
        if !known {
            return;
        }
        self.check_start(raw, &value, &kind);
        let Some(guards) = guards else { return };
        self.model.init.push(Init {
            line: self.line(raw.ast.loc),
            array: raw.array,
            binds: frame.binds.clone(),
            target: frame.target.clone(),
            guards,
            value,
        });
    }

    fn groups(&mut self, factorize: &'a ast::Factorize) {
        for group in &factorize.groups {
            let mut vars = Vec::new();
            for var in &group.vars {
                match self.symbol(&var.name) {
                    Some(Symbol::Array(id)) => vars.push((id, var.over, ast::Loc::from(var.name.span()))),
                    Some(Symbol::Size(_) | Symbol::Let(_)) => {
                        let kind = self.kind_of(&var.name);
                        self.error(diagnostic::factorize_of_what(&var.name, kind));
                    }
                    None => self.unknown_name(&var.name, &super::names::Scope::default()),
                }
            }
            let group = Group {
                loc: group.loc,
                line: self.line(group.loc),
                vars,
                form: group.form.map(|(form, span)| (form, span.into())),
            };
            self.check_group(&group);
            self.model.groups.push(group);
        }
    }
}

/// A distribution of a `match`, and when it is taken.
#[derive(Clone)]
struct Case {
    /// What the innermost `match` looks at.
    on: Option<Expr>,
    nested: bool,
    value: Option<u64>,
    condition: Expr,
    call: Option<FamilyCall>,
}

fn both(a: Expr, b: Expr) -> Expr {
    let loc = a.loc;
    Expr { loc, ty: Type::Bool, kind: ExprKind::Binary(ast::Binary::And, Box::new(a), Box::new(b)) }
}

/// `a and b` as two guards.
fn conjuncts(guard: Expr, into: &mut Vec<Expr>) {
    match guard.kind {
        ExprKind::Binary(ast::Binary::And, a, b) => {
            conjuncts(*a, into);
            conjuncts(*b, into);
        }
        kind => into.push(Expr { loc: guard.loc, ty: guard.ty, kind }),
    }
}

/// The element type at a position: extents that depend on it are read off the indices.
pub fn kind_at(kind: &ElemKind, target: &[Index]) -> ElemKind {
    let at = |e: &Extent| Extent { nominal: e.nominal, length: e.length.at_position(target) };
    match kind {
        ElemKind::Counts(d) => ElemKind::Counts(at(d)),
        ElemKind::Category(d) => ElemKind::Category(at(d)),
        ElemKind::Simplex(d) => ElemKind::Simplex(at(d)),
        ElemKind::Ordered(d) => ElemKind::Ordered(at(d)),
        ElemKind::Vector(d) => ElemKind::Vector(at(d)),
        ElemKind::Matrix(r, c) => ElemKind::Matrix(at(r), at(c)),
        ElemKind::SymPos(d) => ElemKind::SymPos(at(d)),
        ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Bool | ElemKind::Count => {
            kind.clone()
        }
    }
}
