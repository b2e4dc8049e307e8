//! Whether the values of a size may be renamed: a model that treats them all alike is the same model after any permutation of them.

use super::ir::{
    Access, ArrayId, Dist, ElemKind, Expr, ExprKind, Extent, Function, Index, IndexId, IndexTerm, Model,
    Nominal, Role, SizeId,
};
use crate::syntax::ast::Compare;

/// What tells the values of a size apart, in words that follow the name of the model; `None` if nothing does.
pub fn told_apart(model: &Model, size: SizeId) -> Option<String> {
    let look = Look { model, size, nominal: Nominal::Size(size) };
    look.arrays().or_else(|| look.statements()).or_else(|| look.lets()).or_else(|| look.constraints())
}

struct Look<'m> {
    model: &'m Model,
    size: SizeId,
    nominal: Nominal,
}

impl Look<'_> {
    fn size_name(&self) -> String {
        self.model.sizes[self.size.0].name.to_string()
    }

    fn arrays(&self) -> Option<String> {
        (0..self.model.arrays.len()).find_map(|a| {
            let array = &self.model.arrays[a];
            let (name, size) = (&array.name, self.size_name());
            let known = array.pieces.is_empty()
                || array.pieces.iter().any(|p| match self.model.statements[p.0].role {
                    Role::Const | Role::Given | Role::Observed => true,
                    Role::Latent | Role::Param => false,
                });
            if known && (self.along(ArrayId(a)) || self.is_category(&array.elem.kind)) {
                return Some(format!("`{name}` is known in the order of {size}"));
            }
            if matches!(&array.elem.kind, ElemKind::Ordered(d) if d.nominal == self.nominal) {
                return Some(format!("`{name}` is sorted along {size}"));
            }
            if array.elem.cells.is_some() && self.along(ArrayId(a)) {
                return Some(format!("`{name}` has zeros at some of {size}"));
            }
            let axes: Vec<&Extent> = array.plates.iter().chain(array.elem.kind.axes()).collect();
            axes.iter().find_map(|x| self.extent(x, &axes)).map(|why| format!("`{name}` {why}"))
        })
    }

    /// An axis that counts the size in part, or another whose length depends on it.
    fn extent(&self, x: &Extent, all: &[&Extent]) -> Option<String> {
        let mut ragged = false;
        x.length.each_term(&mut |t| match t {
            IndexTerm::Axis(n) => ragged |= all.get(*n).is_some_and(|x| x.nominal == self.nominal),
            IndexTerm::Bound(_) | IndexTerm::Size(..) | IndexTerm::Read(_) => {}
        });
        if ragged {
            return Some(format!("has lengths in the order of {}", self.size_name()));
        }
        (x.nominal == self.nominal && !self.is_whole_length(&x.length))
            .then(|| format!("has no entry for some of {}", self.size_name()))
    }

    fn is_whole_length(&self, length: &Index) -> bool {
        matches!(length.as_shifted_size(), Some((s, [], 0)) if s == self.size)
    }

    fn is_category(&self, kind: &ElemKind) -> bool {
        matches!(kind, ElemKind::Category(d) if d.nominal == self.nominal)
    }

    /// Whether an array has an axis of the size.
    fn along(&self, a: ArrayId) -> bool {
        let array = &self.model.arrays[a.0];
        array.plates.iter().chain(array.elem.kind.axes()).any(|x| x.nominal == self.nominal)
    }

    fn statements(&self) -> Option<String> {
        self.model.statements.iter().find_map(|s| {
            let array = &self.model.arrays[s.array.0];
            let own = self.along(s.array) || self.is_category(&array.elem.kind);
            let value = self.is_category(&array.elem.kind);
            let guards = || s.guards.iter().filter(|g| !(array.symmetric && self.is_half(g)));
            let args = || s.dist.iter().flat_map(Dist::exprs);
            let why = self
                .binds(&s.binds)
                .or_else(|| array.plates.iter().zip(&s.target).find_map(|(x, i)| self.index(x, i)))
                .or_else(|| guards().find_map(|g| self.expr(g, false, own)))
                .or_else(|| s.repeat.iter().find_map(|r| self.access(r)))
                .or_else(|| args().find_map(|e| self.expr(e, value, own)))
                .or_else(|| s.dist.as_ref().and_then(|d| self.arms(d)))
                .or_else(|| {
                    array.elem.min.iter().chain(&array.elem.max).find_map(|e| self.expr(e, false, own))
                });
            why.map(|why| format!("{why}, at `{}`", array.name))
        })
    }

    fn lets(&self) -> Option<String> {
        self.model.lets.iter().find_map(|l| {
            let axes: Vec<&Extent> = l.plates.iter().chain(l.ty.axes()).collect();
            let own = axes.iter().any(|x| x.nominal == self.nominal);
            let why = axes.iter().find_map(|x| self.extent(x, &axes)).or_else(|| {
                l.pieces.iter().find_map(|p| {
                    self.binds(&p.binds)
                        .or_else(|| l.plates.iter().zip(&p.target).find_map(|(x, i)| self.index(x, i)))
                        .or_else(|| p.guards.iter().find_map(|g| self.expr(g, false, own)))
                        .or_else(|| self.expr(&p.value, false, own))
                })
            });
            why.map(|why| format!("{why}, at `{}`", l.name))
        })
    }

    fn constraints(&self) -> Option<String> {
        self.model.constraints.iter().find_map(|c| {
            let exprs = c.guards.iter().chain(std::iter::once(&c.first)).chain(c.rest.iter().map(|(_, e)| e));
            self.binds(&c.binds).or_else(|| exprs.into_iter().find_map(|e| self.expr(e, false, false)))
        })
    }

    /// `a <= b` of two indices of the size: what makes an array symmetric.
    fn is_half(&self, guard: &Expr) -> bool {
        let own = |e: &Expr| matches!(&e.kind, ExprKind::Index(i) if self.counts(i));
        matches!(&guard.kind, ExprKind::Compare(_, a, b) if own(a) && own(b))
    }

    fn arms(&self, d: &Dist) -> Option<String> {
        match d {
            Dist::Family(_) => None,
            Dist::Match { on, arms } => {
                let ours = matches!(on.ty, super::ir::Type::Index(n) if n == self.nominal);
                (ours && arms.iter().any(|a| a.value.is_some()))
                    .then(|| format!("a `match` names one of {}", self.size_name()))
            }
        }
    }

    fn binds(&self, binds: &[IndexId]) -> Option<String> {
        binds.iter().find_map(|b| {
            let i = &self.model.indices[b.0];
            let whole = i.low.as_constant() == Some(0) && self.is_whole_length(&i.high);
            (i.nominal == self.nominal && !whole)
                .then(|| format!("`{}` runs over some of {} only", i.name, self.size_name()))
        })
    }

    /// Whether an index expression reads an index or a category of the size.
    fn counts(&self, i: &Index) -> bool {
        i.terms.iter().any(|(_, t)| match t {
            IndexTerm::Bound(b) => self.model.indices[b.0].nominal == self.nominal,
            IndexTerm::Read(access) => self.is_category(&self.model.arrays[access.array.0].elem.kind),
            IndexTerm::Size(..) | IndexTerm::Axis(_) => false,
        })
    }

    /// An index along an axis: of the size, it must be a bound index or a category and nothing else.
    fn index(&self, axis: &Extent, i: &Index) -> Option<String> {
        let plain =
            matches!(i.terms.as_slice(), [(1, IndexTerm::Bound(_) | IndexTerm::Read(_))]) && i.offset == 0;
        if axis.nominal == self.nominal && !plain {
            return Some(format!("one of {} is named", self.size_name()));
        }
        self.inside(i)
    }

    /// Reads inside an index.
    fn inside(&self, i: &Index) -> Option<String> {
        let mut reads: Vec<&Access> = vec![];
        i.each_access(&mut |a| reads.push(a));
        reads.into_iter().find_map(|a| self.access(a))
    }

    fn access(&self, a: &Access) -> Option<String> {
        let array = &self.model.arrays[a.array.0];
        let axes = array.plates.iter().chain(array.elem.kind.axes());
        axes.zip(&a.indices).find_map(|(x, i)| self.index(x, i))
    }

    /// `whole`: the place takes a category as one. `own`: a vector in its place may lie along the size.
    fn expr(&self, e: &Expr, whole: bool, own: bool) -> Option<String> {
        let number = || Some(format!("an index of {} is read as a number", self.size_name()));
        match &e.kind {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) => None,
            ExprKind::Index(i) => match self.counts(i) && !(whole && i.terms.len() == 1 && i.offset == 0) {
                true => number(),
                false => self.inside(i),
            },
            ExprKind::Read(a) => {
                let array = &self.model.arrays[a.array.0];
                match self.is_category(&array.elem.kind) && !whole {
                    true => number(),
                    false => self.access(a),
                }
            }
            ExprKind::Let(id, indices) => {
                let l = &self.model.lets[id.0];
                l.plates.iter().chain(l.ty.axes()).zip(indices).find_map(|(x, i)| self.index(x, i))
            }
            ExprKind::Unary(_, a) | ExprKind::Transpose(a) => self.expr(a, false, own),
            ExprKind::Binary(_, a, b) => self.expr(a, false, own).or_else(|| self.expr(b, false, own)),
            ExprKind::Compare(op, a, b) => {
                let alike = matches!(op, Compare::Eq | Compare::Ne);
                self.expr(a, alike, own).or_else(|| self.expr(b, alike, own))
            }
            ExprKind::Component(a, indices) => self
                .expr(a, false, own)
                .or_else(|| a.ty.axes().into_iter().zip(indices).find_map(|(x, i)| self.index(x, i))),
            ExprKind::Call(f, items) => {
                let whole = match f {
                    Function::Onehot => true,
                    Function::Dot
                    | Function::Exp
                    | Function::Log
                    | Function::Sqrt
                    | Function::Logit
                    | Function::Sigmoid
                    | Function::Diag
                    | Function::Trace => false,
                };
                items.iter().find_map(|i| self.expr(i, whole, own))
            }
            ExprKind::Vector(items) => match own {
                true => Some(format!("a vector is written out along {}", self.size_name())),
                false => items.iter().find_map(|i| self.expr(i, false, own)),
            },
            ExprKind::Comprehension { index, guard, body } => self
                .binds(&[*index])
                .or_else(|| guard.as_ref().and_then(|g| self.expr(g, false, own)))
                .or_else(|| self.expr(body, false, own)),
            ExprKind::Reduce { indices, guard, body, .. } => self
                .binds(indices)
                .or_else(|| guard.as_ref().and_then(|g| self.expr(g, false, own)))
                .or_else(|| self.expr(body, false, own)),
        }
    }
}
