//! Assembles statements, `let`s, constraints, groups and starting values, once every type is known.

use super::Checker;
use super::flatten::{Flat, Frame, RawConstrain, RawDecl, RawInit, RawLet};
use super::ir::{
    Access, Arm, Constraint, Dist, ElemKind, Expr, ExprKind, Extent, Group, Index, Init, LetPiece, Role,
    Statement, StatementId, Type,
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
                    let role = self.model.arrays[access.array.0].role;
                    reported |= matches!(role, Role::Latent | Role::Param);
                });
            }
            self.model.lets[id].reported = reported;
        }
        for decl in &flat.decls {
            if let Some(ty) = &decl.ast.ty {
                self.elem_bounds(decl.array, ty);
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
                    let given = matches!(self.model.arrays[array.0].role, Role::Given | Role::Const);
                    if !given || !matches!(ty, Type::Count | Type::Positive) {
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
            ast::Dist::Match { span, on, arms } => {
                let on = self.expr(on, &frame.scope, None);
                let mut typed = Vec::new();
                for arm in arms {
                    let call = match &arm.dist {
                        ast::Dist::Family(call) => self.family_call(call, &frame.scope, kind, name),
                        ast::Dist::Match { span, .. } => {
                            self.error(diagnostic::nested_match((*span).into()));
                            None
                        }
                    };
                    let value = match arm.pat {
                        ast::Pat::True => Some(1),
                        ast::Pat::False => Some(0),
                        ast::Pat::Int(value) => Some(value),
                        ast::Pat::Wild => None,
                    };
                    typed.push(call.map(|call| Arm { loc: arm.pat_span.into(), value, call }));
                }
                let on = on?;
                self.arms_cover(&on, arms, *span)?;
                let arms = typed.into_iter().collect::<Option<Vec<Arm>>>()?;
                Some(Dist::Match { loc: (*span).into(), on, arms })
            }
        }
    }

    fn let_piece(&mut self, value: &RawLet<'a>) {
        let frame = &value.frame;
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
            loc: raw.ast.loc,
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
