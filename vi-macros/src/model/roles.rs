//! What each role may do: who needs a distribution, who may be constrained, started or grouped.

use super::Checker;
use super::flatten::{Flat, RawConstrain, RawDecl, RawInit};
use super::ir::{Constraint, ElemKind, Expr, ExprKind, Group, Model, Nominal, Role, Type};
use crate::diagnostics::model as diagnostic;
use crate::families::Domain;
use crate::syntax::ast::{self, Compare};
use proc_macro2::Span;

impl<'a> Checker<'a> {
    /// Who has a distribution, and who must write a type.
    pub(super) fn declaration(&mut self, decl: &RawDecl<'a>) {
        let ast = decl.ast;
        let name = &ast.name;
        match (ast.role, &ast.dist) {
            (ast::Role::Observed | ast::Role::Latent, None) => {
                self.error(diagnostic::needs_distribution(name, ast.role));
                self.failed.push(decl.array);
            }
            (ast::Role::Given, Some(dist)) => {
                let loc = match dist {
                    ast::Dist::Family(call) => call.loc,
                    ast::Dist::Match { span, .. } => (*span).into(),
                };
                self.error(diagnostic::given_has_no_distribution(loc, name));
            }
            (ast::Role::Given, None) if !self.known[decl.array.0] => {
                self.failed.push(decl.array);
                self.error(diagnostic::needs_type(name, "a `given`"));
            }
            (ast::Role::Observed | ast::Role::Latent | ast::Role::Param, Some(_))
            | (ast::Role::Given | ast::Role::Param, None) => {}
        }
        if let (Some(span), ast::Role::Given | ast::Role::Latent | ast::Role::Param) = (ast.missing, ast.role)
        {
            self.error(diagnostic::missing_of_role(span, name, ast.role));
        }
        if let (
            Some(span),
            ElemKind::Simplex(_) | ElemKind::SymPos(_) | ElemKind::Matrix(..) | ElemKind::Ordered(_),
        ) = (ast.missing, &self.model.arrays[decl.array.0].elem.kind)
        {
            let kind = self.model.show_kind(&self.model.arrays[decl.array.0].elem.kind);
            self.error(diagnostic::missing_of_type(span, &kind));
        }
    }

    /// `B[a in K, b in K if a <= b]` holds each pair once.
    pub(super) fn symmetries(&mut self) {
        for id in 0..self.model.arrays.len() {
            let array = &self.model.arrays[id];
            let ([first, second], [piece]) = (array.plates.as_slice(), array.pieces.as_slice()) else {
                continue;
            };
            let statement = &self.model.statements[piece.0];
            let [a, b] = statement.target.as_slice() else { continue };
            let (Some(a), Some(b)) = (a.as_bound(), b.as_bound()) else { continue };
            let bound = |e: &Expr| e.as_index().and_then(|i| i.as_bound());
            let triangle = statement.guards.iter().any(|g| match &g.kind {
                ExprKind::Compare(Compare::Le, x, y) => bound(x) == Some(a) && bound(y) == Some(b),
                ExprKind::Compare(Compare::Ge, x, y) => bound(x) == Some(b) && bound(y) == Some(a),
                _ => false,
            });
            self.model.arrays[id].symmetric = triangle && !first.differs(second);
        }
    }

    /// A latent of a `repeat` stands for independent copies, so nothing outside can read «the» value.
    pub(super) fn scopes(&mut self, flat: &Flat<'a>) {
        let mut home: Vec<Option<Vec<usize>>> = vec![None; self.model.arrays.len()];
        for decl in &flat.decls {
            if decl.ast.role == ast::Role::Latent && !decl.frame.blocks.is_empty() {
                home[decl.array.0] = Some(decl.frame.blocks.clone());
            }
        }
        let mut outside = Vec::new();
        let mut check = |model: &Model, blocks: &[usize], e: &Expr| {
            model.each_read_deep(e, &mut |access| {
                if let Some(home) = &home[access.array.0]
                    && !blocks.starts_with(home)
                {
                    outside.push((access.loc, model.arrays[access.array.0].name.to_string()));
                }
            });
        };
        for (s, blocks) in self.model.statements.iter().zip(&self.blocks) {
            for e in s.dist.iter().flat_map(|d| d.exprs()) {
                check(&self.model, blocks, e);
            }
        }
        for (blocks, id, line) in &self.let_blocks {
            for piece in self.model.lets[id.0].pieces.iter().filter(|p| p.line == *line) {
                check(&self.model, blocks, &piece.value);
            }
        }
        for (c, blocks) in self.model.constraints.iter().zip(&self.constraint_blocks) {
            for e in std::iter::once(&c.first).chain(c.rest.iter().map(|(_, e)| e)) {
                check(&self.model, blocks, e);
            }
        }
        for (loc, name) in outside {
            self.error(diagnostic::read_outside_repeat(loc, &name));
        }
    }

    /// Plans do not depend on the value of a size, so arms over a size need `_`.
    pub(super) fn arms_cover(&mut self, on: &Expr, arms: &[ast::Arm], span: Span) -> Option<()> {
        let values: Option<u64> = match &on.ty {
            Type::Bool => Some(2),
            Type::Index(Nominal::Literal(n)) => Some(*n),
            Type::Index(Nominal::Size(_)) | Type::Count => None,
            found => {
                let found = self.model.show_type(found);
                self.error(diagnostic::match_on(on.loc, &self.model.show_expr(on), &found));
                return None;
            }
        };
        let is_bool = matches!(on.ty, Type::Bool);
        let mut seen: Vec<u64> = Vec::new();
        let mut wild = false;
        let mut sound = true;
        for arm in arms {
            let complete = wild || values.is_some_and(|n| seen.len() as u64 == n);
            if complete {
                self.error(diagnostic::unreachable_arm(arm.pat_span));
                sound = false;
                continue;
            }
            let value = match arm.pat {
                ast::Pat::Wild => {
                    wild = true;
                    continue;
                }
                ast::Pat::True | ast::Pat::False if !is_bool => {
                    let found = self.model.show_type(&on.ty);
                    self.error(diagnostic::pattern_type(arm.pat_span, &found));
                    sound = false;
                    continue;
                }
                ast::Pat::True => 1,
                ast::Pat::False => 0,
                ast::Pat::Int(value) => value,
            };
            if values.is_some_and(|n| value >= n) {
                let found = self.model.show_type(&on.ty);
                self.error(diagnostic::pattern_type(arm.pat_span, &found));
                sound = false;
            } else if seen.contains(&value) {
                self.error(diagnostic::unreachable_arm(arm.pat_span));
                sound = false;
            } else {
                seen.push(value);
            }
        }
        let covered = wild || values.is_some_and(|n| seen.len() as u64 >= n);
        if !covered && sound {
            let missing = match (is_bool, seen.contains(&0)) {
                (true, true) => "true".to_owned(),
                (true, false) => "false".to_owned(),
                (false, _) => match values {
                    Some(n) => (0..n).find(|v| !seen.contains(v)).unwrap_or(0).to_string(),
                    None => "_".to_owned(),
                },
            };
            self.error(diagnostic::arms_do_not_cover(span, &missing));
            return None;
        }
        sound.then_some(())
    }

    pub(super) fn check_constraint(&mut self, constraint: &Constraint, raw: &RawConstrain<'a>) {
        let sides: Vec<&Expr> =
            std::iter::once(&constraint.first).chain(constraint.rest.iter().map(|(_, e)| e)).collect();
        let mut latent = false;
        let mut other = None;
        for side in &sides {
            if !side.ty.is_scalar() {
                let found = self.model.show_type(&side.ty);
                self.error(diagnostic::not_a_number(side.loc, &found));
                return;
            }
            self.model.each_read_deep(side, &mut |access| {
                let array = &self.model.arrays[access.array.0];
                if self.has_role(access.array, Role::Latent) || array.missing {
                    latent = true;
                } else if self.has_role(access.array, Role::Observed) {
                    other = Some((access.loc, array.name.to_string()));
                }
            });
        }
        if let Some((loc, name)) = other {
            self.error(diagnostic::constrain_observed(loc, &name));
        } else if !latent {
            self.error(diagnostic::constrain_no_latent(constraint.loc));
        }
        for (n, (op, span, _)) in raw.ast.rest.iter().enumerate() {
            let finite = sides[n].ty.is_finite() && sides[n + 1].ty.is_finite();
            if matches!(op, Compare::Eq | Compare::Ne) && !finite {
                self.error(diagnostic::equality_constraint(*span));
            }
        }
    }

    pub(super) fn check_start(&mut self, raw: &RawInit<'a>, value: &Expr, kind: &ElemKind) {
        let latent = self.has_role(raw.array, Role::Latent);
        if !latent && !self.has_role(raw.array, Role::Param) {
            let name = &raw.ast.name;
            self.error(diagnostic::init_of_what(name, self.kind_of(name)));
            return;
        }
        let mut outside = None;
        self.model.each_read_deep(value, &mut |access| {
            let read = &self.model.arrays[access.array.0];
            if !self.is_given(access.array) {
                outside = Some((access.loc, read.name.to_string(), read.role));
            }
        });
        if let Some((loc, name, role)) = outside {
            self.error(diagnostic::init_reads(loc, &name, super::print::role_name(role)));
            return;
        }
        let fits = match kind {
            ElemKind::Category(d) => {
                self.value_fits(value, kind) || (latent && self.in_domain(value, Domain::Vector, Some(d)))
            }
            ElemKind::Bool => {
                self.value_fits(value, kind) || (latent && self.in_domain(value, Domain::Unit, None))
            }
            // Its sum is compared with 1 when the data arrive.
            ElemKind::Simplex(d) => {
                self.in_domain(value, Domain::Vector, Some(d)) && self.model.facts(value).nonnegative
            }
            _ => self.value_fits(value, kind),
        };
        if !fits {
            let (found, wanted) = (self.model.show_type(&value.ty), self.model.show_kind(kind));
            self.error(diagnostic::value_of_wrong_type(value.loc, &found, &wanted));
        }
    }

    pub(super) fn check_group(&mut self, group: &Group) {
        for (n, (id, over, loc)) in group.vars.iter().enumerate() {
            let array = &self.model.arrays[id.0];
            let name = array.name.clone();
            if !self.has_role(*id, Role::Latent) && !array.missing {
                let kind = self.kind_of(&name);
                self.error(diagnostic::factorize_of_what_at(*loc, &name, kind));
            }
            if over.is_some() && self.axes(*id).is_empty() {
                self.error(diagnostic::factorize_over_scalar(*loc, &name));
            }
            let earlier = self.model.groups.iter().flat_map(|g| &g.vars).chain(&group.vars[..n]);
            if earlier.into_iter().any(|(other, _, _)| other == id) {
                self.error(diagnostic::factorized_twice(*loc, &name));
            }
        }
    }
}
