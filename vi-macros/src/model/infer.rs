//! Element types of arrays without annotation: from the distributions, to a fixed point, since programs refer forward.

use super::Checker;
use super::flatten::{Flat, Frame};
use super::ir::{ElemKind, Expr, Extent, Nominal, Type};
use super::let_cycles::each_name;
use super::names::Symbol;
use crate::diagnostics::model as diagnostic;
use crate::families::{Family, Support};
use crate::syntax::ast;

/// What one piece says of the element type.
enum Evidence {
    /// It can be nothing else.
    Settled(ElemKind),
    /// This, unless another piece says more: `Normal(0, var: 1)` is a number or a vector of them.
    Open(ElemKind),
    /// Something it reads has no type yet, or the family does not tell.
    Unknown,
}

impl<'a> Checker<'a> {
    pub(super) fn infer(&mut self, flat: &Flat<'a>) {
        while self.settle(flat) || self.close(flat, true) || self.close(flat, false) || self.break_cycle(flat)
        {
        }
        for array in 0..self.model.arrays.len() {
            if self.known[array] || self.failed.iter().any(|f| f.0 == array) {
                continue;
            }
            if let Some(decl) = flat.decls.iter().find(|d| d.array.0 == array) {
                self.report_unknown(decl.ast);
            }
        }
    }

    /// One round over what still has no type. Whether anything was learnt.
    fn settle(&mut self, flat: &Flat<'a>) -> bool {
        let mut learnt = false;
        for decl in &flat.decls {
            if self.known[decl.array.0] || self.failed.contains(&decl.array) {
                continue;
            }
            if let Evidence::Settled(kind) = self.evidence(decl.ast, &decl.frame) {
                self.set_kind(decl.array, kind);
                learnt = true;
            }
        }
        for value in &flat.lets {
            if self.let_types[value.id.0].is_some() {
                continue;
            }
            let place = value.ast.ty.as_ref().and_then(|ty| {
                let kind = self.quietly(|this| this.written_kind(ty, &value.frame))?;
                kind.axes().first().map(|e| (*e).clone())
            });
            let typed = self.quietly(|this| {
                let value = this.expr(&value.ast.value, &value.frame.scope, place.as_ref())?;
                Some(value.ty)
            });
            if let Some(ty) = typed {
                let ty = match (ty, place) {
                    (Type::Literal(_), Some(extent)) => Type::Vector(extent),
                    (Type::Literal(n), None) => Type::Vector(Extent::literal(value.ast.loc, n as u64)),
                    (ty, _) => ty,
                };
                let ty = self.let_element(ty, &value.frame);
                self.let_types[value.id.0] = Some(ty.clone());
                self.model.lets[value.id.0].ty = ty;
                learnt = true;
            }
        }
        learnt
    }

    /// Extents that move with the position of the element are read off it.
    fn let_element(&self, ty: Type, frame: &Frame) -> Type {
        let at = |e: &Extent| Extent { nominal: e.nominal, length: super::extent::to_axes(&e.length, frame) };
        match ty {
            Type::Simplex(d) => Type::Simplex(at(&d)),
            Type::Ordered(d) => Type::Ordered(at(&d)),
            Type::Vector(d) => Type::Vector(at(&d)),
            Type::Matrix(r, c) => Type::Matrix(at(&r), at(&c)),
            Type::SymPos(d) => Type::SymPos(at(&d)),
            scalar => scalar,
        }
    }

    /// Takes open evidence at its word where nothing more can be learnt: first where all pieces are open, then where any is.
    fn close(&mut self, flat: &Flat<'a>, unanimous: bool) -> bool {
        let mut learnt = false;
        for array in 0..self.model.arrays.len() {
            if self.known[array] || self.failed.iter().any(|f| f.0 == array) {
                continue;
            }
            let mut open = None;
            let mut unknown = false;
            for decl in flat.decls.iter().filter(|d| d.array.0 == array) {
                match self.evidence(decl.ast, &decl.frame) {
                    Evidence::Open(kind) => open = Some(kind),
                    Evidence::Unknown => unknown = true,
                    Evidence::Settled(_) => {}
                }
            }
            if let Some(kind) = open
                && !(unanimous && unknown)
            {
                self.set_kind(super::ir::ArrayId(array), kind);
                learnt = true;
                if !unanimous {
                    return true;
                }
            }
        }
        learnt
    }

    /// Numbers that wait for each other's types are numbers; that they wait for each other's values is reported as a cycle.
    fn break_cycle(&mut self, flat: &Flat<'a>) -> bool {
        for decl in &flat.decls {
            let Some(ast::Dist::Family(call)) = &decl.ast.dist else { continue };
            let family = crate::families::find(&call.name.to_string());
            let is_open = family.is_some_and(|f| f.value == Support::RealOrVector);
            if self.known[decl.array.0] || self.failed.contains(&decl.array) || !is_open {
                continue;
            }
            let before = self.muted;
            let _ = self.evidence(decl.ast, &decl.frame);
            if self.muted == before && !self.reads_failed(decl.ast) {
                self.set_kind(decl.array, ElemKind::Real);
                return true;
            }
            // A mistake in its arguments, which the last visit reports.
            self.failed.push(decl.array);
        }
        false
    }

    fn reads_failed(&self, decl: &ast::Decl) -> bool {
        let mut failed = false;
        let calls = decl.dist.iter().flat_map(calls);
        for arg in calls.flat_map(|call| &call.args) {
            each_name(&arg.value, &mut Vec::new(), &mut |name| {
                failed |= match self.symbol(name) {
                    Some(Symbol::Array(id)) => self.failed.contains(&id),
                    Some(Symbol::Let(id)) => self.cyclic_lets.contains(&id.0),
                    Some(Symbol::Size(_)) | None => false,
                };
            });
        }
        failed
    }

    fn set_kind(&mut self, array: super::ir::ArrayId, kind: ElemKind) {
        self.model.arrays[array.0].elem.kind = kind;
        self.known[array.0] = true;
    }

    fn evidence(&mut self, decl: &'a ast::Decl, frame: &Frame<'a>) -> Evidence {
        let calls: Vec<&ast::FamilyCall> = match &decl.dist {
            None => return Evidence::Unknown,
            Some(dist) => calls(dist),
        };
        let mut open: Option<(ElemKind, bool)> = None;
        let mut unknown = false;
        for call in calls {
            let constant = call.name == "Constant";
            match self.quietly(|this| this.call_evidence(call, frame)) {
                Evidence::Settled(kind) => return Evidence::Settled(kind),
                // A constant takes the type that the other arms have.
                Evidence::Open(kind) if open.as_ref().is_none_or(|(_, c)| *c) => {
                    open = Some((kind, constant))
                }
                Evidence::Open(_) => {}
                Evidence::Unknown => unknown = true,
            }
        }
        match open {
            Some((kind, _)) if !unknown => Evidence::Open(kind),
            _ => Evidence::Unknown,
        }
    }

    fn call_evidence(&mut self, call: &'a ast::FamilyCall, frame: &Frame<'a>) -> Evidence {
        let Some(family) = crate::families::find(&call.name.to_string()) else { return Evidence::Unknown };
        let matched = self.match_arguments(family, call);
        let mut typed: Vec<(&'static str, Option<Expr>)> = Vec::new();
        for (name, e) in &matched.args {
            typed.push((name, self.expr(e, &frame.scope, None)));
        }
        if family.value == Support::RealOrVector {
            for ((_, e), (_, typed)) in matched.args.iter().zip(&typed) {
                if typed.is_none()
                    && let Some(extent) = self.vector_hint(e, frame)
                    && let Some(kind) = self.kind_in_axes(&ElemKind::Vector(extent), frame)
                {
                    return Evidence::Settled(kind);
                }
            }
        }
        let bound = |this: &mut Self, e: Option<&ast::Expr>| e.and_then(|e| this.expr(e, &frame.scope, None));
        let (min, max) = (bound(self, matched.min), bound(self, matched.max));
        let number = self.bounded_kind(min.as_ref(), max.as_ref());
        match self.value_kind(family, &typed, number) {
            Evidence::Settled(kind) => match self.kind_in_axes(&kind, frame) {
                Some(kind) => Evidence::Settled(kind),
                None => Evidence::Unknown,
            },
            other => other,
        }
    }

    /// The extent of a sum or product that is a vector whatever its unknown parts are: `A * x` has the rows of A.
    fn vector_hint(&mut self, e: &ast::Expr, frame: &Frame<'a>) -> Option<Extent> {
        if let Some(typed) = self.expr(e, &frame.scope, None) {
            return vector_extent(&typed);
        }
        match &e.kind {
            ast::ExprKind::Binary(ast::Binary::Add | ast::Binary::Sub, a, b) => {
                self.vector_hint(a, frame).or_else(|| self.vector_hint(b, frame))
            }
            ast::ExprKind::Binary(ast::Binary::Mul, a, b) => {
                if let Some(Type::Matrix(rows, _) | Type::SymPos(rows)) =
                    self.expr(a, &frame.scope, None).map(|a| a.ty)
                {
                    return Some(rows);
                }
                self.vector_hint(a, frame).or_else(|| self.vector_hint(b, frame))
            }
            ast::ExprKind::Binary(ast::Binary::Div, a, _) | ast::ExprKind::Unary(ast::Unary::Neg, a) => {
                self.vector_hint(a, frame)
            }
            _ => None,
        }
    }

    /// Real, or a part of the reals that `min:` and `max:` leave.
    fn bounded_kind(&self, min: Option<&Expr>, max: Option<&Expr>) -> ElemKind {
        let above_zero = min.is_some_and(|e| self.model.facts(e).nonnegative);
        let below_one = max.is_some_and(|e| self.model.facts(e).at_most_one);
        match (above_zero, below_one) {
            (true, true) => ElemKind::Unit,
            (true, false) => ElemKind::Positive,
            (false, _) => ElemKind::Real,
        }
    }

    fn value_kind(
        &self,
        family: &Family,
        args: &[(&'static str, Option<Expr>)],
        number: ElemKind,
    ) -> Evidence {
        use Evidence::{Open, Settled, Unknown};
        let first = args.first().and_then(|(_, e)| e.as_ref());
        match family.value {
            Support::Real => Settled(number),
            Support::Positive => Settled(ElemKind::Positive),
            Support::Unit => Settled(ElemKind::Unit),
            Support::Bool => Settled(ElemKind::Bool),
            Support::Count => Settled(ElemKind::Count),
            Support::RealOrVector => {
                let mut literal = None;
                for e in args.iter().filter_map(|(_, e)| e.as_ref()) {
                    match &e.ty {
                        Type::Literal(n) => literal = Some((e.loc, *n)),
                        ty => {
                            if let Some(d) = ty.axes().first() {
                                return Settled(ElemKind::Vector((*d).clone()));
                            }
                        }
                    }
                }
                if args.iter().any(|(_, e)| e.is_none()) {
                    return Unknown;
                }
                match literal {
                    Some((loc, n)) => Open(ElemKind::Vector(Extent::literal(loc, n as u64))),
                    None => Open(number),
                }
            }
            Support::CountVector => {
                let p = args.iter().find(|(name, _)| *name == "p").and_then(|(_, e)| e.as_ref());
                match p.and_then(vector_extent) {
                    Some(d) => Settled(ElemKind::Counts(d)),
                    None => Unknown,
                }
            }
            Support::Category => match first.and_then(vector_extent) {
                Some(d) => Settled(ElemKind::Category(d)),
                None => Unknown,
            },
            Support::Simplex => match first.map(|e| (&e.ty, vector_extent(e))) {
                Some((Type::Literal(_), Some(d))) => Open(ElemKind::Simplex(d)),
                Some((_, Some(d))) => Settled(ElemKind::Simplex(d)),
                _ => Unknown,
            },
            Support::SymPos => {
                let mut scale = args.iter().filter_map(|(_, e)| e.as_ref()).flat_map(|e| e.ty.axes());
                match scale.next() {
                    Some(d) => Settled(ElemKind::SymPos(d.clone())),
                    None => Unknown,
                }
            }
            Support::RealOrCategory => match args {
                [] => Unknown,
                [(_, a), (_, b)] => {
                    let a = a.as_ref();
                    if a.is_none() || b.is_none() {
                        return Open(ElemKind::Real);
                    }
                    Settled(self.bounded_kind(a, b.as_ref()))
                }
                _ => Settled(ElemKind::Real),
            },
            Support::Finite => match first.map(|e| (&e.ty, e.loc)) {
                Some((Type::Bool, _)) => Open(ElemKind::Bool),
                Some((Type::Index(Nominal::Size(size)), loc)) => {
                    Open(ElemKind::Category(Extent::of_size(loc, *size)))
                }
                Some((Type::Index(Nominal::Literal(n)), loc)) => {
                    Open(ElemKind::Category(Extent::literal(loc, *n)))
                }
                Some((Type::Count | Type::Unit | Type::Positive, _)) => Open(ElemKind::Count),
                _ => Unknown,
            },
        }
    }

    fn kind_in_axes(&mut self, kind: &ElemKind, frame: &Frame<'a>) -> Option<ElemKind> {
        let mut at =
            |e: &Extent| Some(Extent { nominal: e.nominal, length: self.in_axes(&e.length, frame)? });
        Some(match kind {
            ElemKind::Counts(d) => ElemKind::Counts(at(d)?),
            ElemKind::Category(d) => ElemKind::Category(at(d)?),
            ElemKind::Simplex(d) => ElemKind::Simplex(at(d)?),
            ElemKind::Ordered(d) => ElemKind::Ordered(at(d)?),
            ElemKind::Vector(d) => ElemKind::Vector(at(d)?),
            ElemKind::Matrix(r, c) => ElemKind::Matrix(at(r)?, at(c)?),
            ElemKind::SymPos(d) => ElemKind::SymPos(at(d)?),
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Bool | ElemKind::Count => {
                kind.clone()
            }
        })
    }

    fn report_unknown(&mut self, decl: &'a ast::Decl) {
        let Some(ast::Dist::Family(call)) = &decl.dist else {
            if decl.dist.is_none() {
                // A latent or observed without `~` is reported as that.
                if matches!(decl.role, ast::Role::Given | ast::Role::Param) {
                    self.error(diagnostic::needs_type(&decl.name, self.kind_of(&decl.name)));
                }
            } else {
                self.error(diagnostic::type_not_inferred(&decl.name, "Real"));
            }
            return;
        };
        // An unknown family, or a mistake inside an argument, is reported where it stands.
        let Some(family) = crate::families::find(&call.name.to_string()) else { return };
        let example = match family.value {
            Support::Simplex => "Simplex[K]",
            Support::SymPos => "SymPos[D]",
            Support::RealOrCategory | Support::Category | Support::Finite => "Category[K]",
            Support::CountVector => "Counts[V]",
            Support::RealOrVector | Support::Real => "Real",
            Support::Positive => "Positive",
            Support::Unit => "Unit",
            Support::Bool => "Bool",
            Support::Count => "Count",
        };
        let tells_nothing =
            matches!(family.value, Support::Simplex | Support::SymPos | Support::RealOrCategory);
        if tells_nothing {
            self.error(diagnostic::type_not_inferred(&decl.name, example));
        } else {
            self.unresolved.push(diagnostic::type_not_inferred(&decl.name, example));
        }
    }
}

fn calls(dist: &ast::Dist) -> Vec<&ast::FamilyCall> {
    match dist {
        ast::Dist::Family(call) => vec![call],
        ast::Dist::Match { arms, .. } => arms.iter().flat_map(|arm| calls(&arm.dist)).collect(),
    }
}

fn vector_extent(e: &Expr) -> Option<Extent> {
    match &e.ty {
        Type::Simplex(d) | Type::Ordered(d) | Type::Vector(d) => Some(d.clone()),
        Type::Literal(n) => Some(Extent::literal(e.loc, *n as u64)),
        Type::Real
        | Type::Positive
        | Type::Unit
        | Type::Count
        | Type::Bool
        | Type::Index(_)
        | Type::Matrix(..)
        | Type::SymPos(_) => None,
    }
}
