//! Visits every read of an expression.

use super::ir::{Access, Dist, Expr, ExprKind, FamilyCall, Index, IndexTerm, LetId, Model};

impl Model {
    /// Every read of an array, those inside indices too, and those of the `let`s it reads.
    pub fn each_read_deep<'m>(&'m self, e: &'m Expr, visit: &mut dyn FnMut(&'m Access)) {
        let mut seen = Vec::new();
        self.read_deep(e, &mut seen, visit);
    }

    fn read_deep<'m>(&'m self, e: &'m Expr, seen: &mut Vec<LetId>, visit: &mut dyn FnMut(&'m Access)) {
        let mut lets = Vec::new();
        e.each_read(visit, &mut |id| lets.push(id));
        for id in lets {
            // A `let` that reads itself is reported elsewhere; here it must only end.
            if !seen.contains(&id) {
                seen.push(id);
                for piece in &self.lets[id.0].pieces {
                    self.read_deep(&piece.value, seen, visit);
                }
            }
        }
    }
}

impl Expr {
    /// Every read of an array, those inside indices too, and every read of a `let`.
    pub fn each_read<'e>(&'e self, visit: &mut dyn FnMut(&'e Access), on_let: &mut dyn FnMut(LetId)) {
        match &self.kind {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) => {}
            ExprKind::Index(index) => index.each_access(visit),
            ExprKind::Read(access) => access.each_access(visit),
            ExprKind::Let(id, indices) => {
                on_let(*id);
                indices.iter().for_each(|i| i.each_access(visit));
            }
            ExprKind::Unary(_, a) | ExprKind::Transpose(a) => a.each_read(visit, on_let),
            ExprKind::Binary(_, a, b) | ExprKind::Compare(_, a, b) => {
                a.each_read(visit, on_let);
                b.each_read(visit, on_let);
            }
            ExprKind::Component(a, indices) => {
                a.each_read(visit, on_let);
                indices.iter().for_each(|i| i.each_access(visit));
            }
            ExprKind::Call(_, items) | ExprKind::Vector(items) => {
                items.iter().for_each(|i| i.each_read(visit, on_let));
            }
            ExprKind::Comprehension { guard, body, .. } | ExprKind::Reduce { guard, body, .. } => {
                if let Some(guard) = guard {
                    guard.each_read(visit, on_let);
                }
                body.each_read(visit, on_let);
            }
        }
    }
}

impl Access {
    fn each_access<'e>(&'e self, visit: &mut dyn FnMut(&'e Access)) {
        visit(self);
        self.indices.iter().for_each(|i| i.each_access(visit));
    }
}

impl Index {
    pub fn each_access<'e>(&'e self, visit: &mut dyn FnMut(&'e Access)) {
        self.each_term(&mut |term| {
            if let IndexTerm::Read(access) = term {
                visit(access);
            }
        });
    }
}

impl Dist {
    /// Every expression of a distribution: what it matches on, and the arguments of all arms.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Dist::Family(call) => call.exprs(),
            Dist::Match { on, arms, .. } => {
                let arms = arms.iter().flat_map(|arm| arm.call.exprs());
                std::iter::once(on).chain(arms).collect()
            }
        }
    }
}

impl FamilyCall {
    pub fn exprs(&self) -> Vec<&Expr> {
        self.args.iter().map(|(_, e)| e).chain(&self.min).chain(&self.max).collect()
    }
}
