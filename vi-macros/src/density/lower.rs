//! Checked expressions to polynomials, one scalar component at a time.
//!
//! A read of a finite latent is *gathered*: its value becomes an index of its own, so that what is left has no finite latent in it.

use super::poly::{Exponent, Factor, Func, MatrixRef, Poly};
use super::symbol::{Cmp, Cond, Elem, Ix, Var, index, length};
use crate::diagnostics::density as mistakes;
use crate::model::ir::{
    Access, ArrayId, ElemKind, Expr, ExprKind, Extent, Function, Index, IndexId, IndexTerm, Model, Nominal,
    Role, Type,
};
use crate::report::Diagnostic;
use crate::syntax::ast::{Binary, Reducer, Unary};
use std::cell::RefCell;
use std::collections::HashMap;

/// A finite latent element and the index that stands for its value.
#[derive(Clone, Debug)]
pub struct Gather {
    pub elem: Elem,
    pub var: Var,
}

/// What a comparison or a category is turned into.
pub enum Finite {
    Index(Ix),
    Cond(Cond),
}

pub struct Lower<'a> {
    pub model: &'a Model,
    pub(super) vars: RefCell<HashMap<IndexId, Ix>>,
    pub gathers: RefCell<Vec<Gather>>,
    /// The indices bound around the statement: only these may stand in a gathered element.
    pub plates: RefCell<Vec<Var>>,
    /// Indices of the component and of the sums around what is lowered: one inside must not take their names.
    pub(super) around: RefCell<Vec<Var>>,
    /// Latents have values here: nothing is gathered.
    pub direct: bool,
}

/// An entry as a function of its index.
pub type Entry = Box<dyn Fn(&Ix) -> Lowered>;

/// A matrix argument: c·M, or a diagonal.
pub enum Matrix {
    Dense { factor: Poly, matrix: MatrixRef },
    Diagonal(Entry),
    Scalar(Poly),
}

pub type Lowered<T = Poly> = Result<T, Diagnostic>;

impl<'a> Lower<'a> {
    pub fn new(model: &'a Model) -> Self {
        Lower {
            model,
            vars: RefCell::default(),
            gathers: RefCell::default(),
            plates: RefCell::default(),
            around: RefCell::default(),
            direct: false,
        }
    }

    /// For code that knows the values of latents.
    pub fn direct(model: &'a Model) -> Self {
        Lower { direct: true, ..Lower::new(model) }
    }

    pub(super) fn hides(&self, a: ArrayId) -> bool {
        !self.direct && is_hidden(self.model, a)
    }

    /// Whether an element reads an index that a sum binds.
    pub(super) fn varies_in_sum(&self, e: &Elem) -> bool {
        let gathers = self.gathers.borrow();
        let plates = self.plates.borrow();
        let bound = |v: &Var| plates.contains(v) || gathers.iter().any(|g| g.var == *v);
        let mut inside = false;
        e.indices.iter().for_each(|i| i.visit_vars(&mut |v| inside |= !bound(v)));
        inside
    }

    /// A category that is read as an index inside a sum has no one value to gather.
    pub fn gathered_in_sum(&self, loc: crate::syntax::ast::Loc) -> Option<Diagnostic> {
        let gathers = self.gathers.borrow();
        let chained = |v: &Var| gathers.iter().any(|g| g.var == *v);
        for g in gathers.iter() {
            let mut inside = false;
            g.elem.indices.iter().for_each(|i| {
                i.visit_vars(&mut |v| inside |= !self.plates.borrow().contains(v) && !chained(v))
            });
            if inside {
                let name = self.model.arrays[g.elem.array.0].name.to_string();
                return Some(mistakes::gathered_in_sum(loc, &name));
            }
        }
        None
    }

    pub fn bind_to(&self, id: IndexId, by: Ix) {
        self.vars.borrow_mut().insert(id, by);
    }

    pub fn index(&self, i: &Index) -> Ix {
        let vars = self.vars.borrow().clone();
        index(i, &|id| vars.get(&id).cloned().unwrap_or_default(), &mut |e| self.value_of(e))
    }

    /// The value of a finite element as an index: gathered if it is latent, read from the data if not.
    pub fn value_of(&self, e: &Elem) -> Ix {
        if !self.hides(e.array) {
            return Ix::term(super::symbol::IxTerm::Read(e.clone()));
        }
        if let Some(g) = self.gathers.borrow().iter().find(|g| g.elem == *e) {
            return Ix::var(&g.var);
        }
        let (nominal, high, name) = self.states(e);
        let taken = self.gathers.borrow().iter().filter(|g| g.var.name.trim_end_matches('′') == name).count();
        let var = Var::new(format!("{name}{}", "′".repeat(taken)), nominal, Ix::constant(0), high);
        self.gathers.borrow_mut().push(Gather { elem: e.clone(), var: var.clone() });
        Ix::var(&var)
    }

    pub(super) fn states(&self, e: &Elem) -> (Nominal, Ix, String) {
        let array = &self.model.arrays[e.array.0];
        match &array.elem.kind {
            ElemKind::Category(extent) => {
                let high = length(&extent.length, &e.indices);
                (extent.nominal, high, self.name_for(extent.nominal, "k"))
            }
            ElemKind::Bool
            | ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => (Nominal::Literal(2), Ix::constant(2), "b".into()),
        }
    }

    pub fn positive(&self, e: &Elem) -> bool {
        let elem = &self.model.arrays[e.array.0].elem;
        match &elem.kind {
            ElemKind::Positive | ElemKind::Unit | ElemKind::Simplex(_) => true,
            ElemKind::SymPos(_) => {
                let n = e.indices.len();
                n >= 2 && e.indices[n - 1] == e.indices[n - 2]
            }
            ElemKind::Real
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..) => false,
        }
    }

    /// Whether an element is declared as a latent or a param. A value that may be missing is data where it is there.
    pub fn unknown(&self, e: &Elem) -> bool {
        let pieces = &self.model.arrays[e.array.0].pieces;
        pieces.iter().any(|p| matches!(self.model.statements[p.0].role, Role::Latent | Role::Param))
    }

    pub fn log(&self, p: &Poly) -> Poly {
        p.log(&|e| self.positive(e))
    }

    pub fn lgamma(&self, p: &Poly) -> Poly {
        Poly::lgamma(p, &|e| self.positive(e), &|e| self.unknown(e))
    }

    /// One component of an expression; a scalar where a vector is asked for is repeated.
    ///
    /// A comprehension's own index is replaced by the component's, so sums in it must know the name of that one.
    pub fn component(&self, e: &Expr, at: &[Ix]) -> Lowered {
        let depth = self.around.borrow().len();
        at.iter().for_each(|i| i.visit_vars(&mut |v| self.around.borrow_mut().push(v.clone())));
        let lowered = self.component_within(e, at);
        self.around.borrow_mut().truncate(depth);
        lowered
    }

    fn component_within(&self, e: &Expr, at: &[Ix]) -> Lowered {
        let rank = rank(&e.ty);
        if rank == 0 && !at.is_empty() {
            return self.component(e, &[]);
        }
        match &e.kind {
            ExprKind::Int(n) => Ok(Poly::number(*n as f64)),
            ExprKind::Float(x) => Ok(Poly::number(*x)),
            ExprKind::Bool(b) => Ok(Poly::number(f64::from(u8::from(*b)))),
            ExprKind::Index(i) => Ok(Poly::index(&self.index(i))),
            ExprKind::Read(a) => Ok(self.read(a, at)),
            ExprKind::Let(id, indices) => self.read_let(*id, indices, at),
            ExprKind::Unary(Unary::Neg, a) => Ok(self.component(a, at)?.scale(-1.0)),
            ExprKind::Unary(Unary::Not, _)
            | ExprKind::Compare(..)
            | ExprKind::Binary(Binary::Or | Binary::And, ..) => Ok(Poly::iverson(self.cond(e)?)),
            ExprKind::Binary(op, a, b) => self.binary(e, *op, a, b, at),
            ExprKind::Transpose(a) => {
                let flipped: Vec<Ix> = at.iter().rev().cloned().collect();
                self.component(a, &flipped)
            }
            ExprKind::Component(a, indices) => {
                let mut all: Vec<Ix> = indices.iter().map(|i| self.index(i)).collect();
                all.extend_from_slice(at);
                self.component(a, &all)
            }
            ExprKind::Call(f, args) => self.call(*f, e, args, at),
            ExprKind::Vector(items) => self.literal(e, items, at),
            ExprKind::Comprehension { index, guard, body } => {
                self.bind_to(*index, at[0].clone());
                let value = self.component(body, &at[1..])?;
                match guard {
                    Some(g) => Ok(Poly::iverson(self.cond(g)?).mul(&value)),
                    None => Ok(value),
                }
            }
            ExprKind::Reduce { op, indices, guard, body } => {
                self.reduce(*op, indices, guard.as_deref(), body, e)
            }
        }
    }

    pub(super) fn read(&self, a: &Access, at: &[Ix]) -> Poly {
        let mut indices: Vec<Ix> = a.indices.iter().map(|i| self.index(i)).collect();
        indices.extend_from_slice(at);
        let array = &self.model.arrays[a.array.0];
        let elem = Elem { array: a.array, indices };
        // Inside a sum a Bool stays a number: its element differs from term to term.
        if array.elem.kind.is_finite() && self.hides(a.array) && !self.varies_in_sum(&elem) {
            return Poly::index(&self.value_of(&elem));
        }
        Poly::elem(elem.array, elem.indices)
    }

    pub(super) fn read_let(&self, id: crate::model::ir::LetId, indices: &[Index], at: &[Ix]) -> Lowered {
        let l = &self.model.lets[id.0];
        let mut all: Vec<Ix> = indices.iter().map(|i| self.index(i)).collect();
        all.extend_from_slice(at);
        let (plates, events) = all.split_at(l.plates.len().min(all.len()));
        let mut out = Poly::zero();
        for piece in &l.pieces {
            let saved = self.vars.borrow().clone();
            let mut conds = vec![];
            for (target, ix) in piece.target.iter().zip(plates) {
                match target.terms.as_slice() {
                    [(1, IndexTerm::Bound(b))] if target.offset == 0 => {
                        self.bind_to(*b, ix.clone());
                        if l.pieces.len() > 1 {
                            let v = &self.model.indices[b.0];
                            let (low, high) = (self.index(&v.low), self.index(&v.high));
                            if low.as_constant() != Some(0) {
                                conds.push(Cond::Compare(Cmp::Le, low, ix.clone()));
                            }
                            conds.push(Cond::Compare(Cmp::Lt, ix.clone(), high));
                        }
                    }
                    _ => conds.push(Cond::Compare(Cmp::Eq, ix.clone(), self.index(target))),
                }
            }
            for g in &piece.guards {
                conds.push(self.cond(g)?);
            }
            // Binders of the let that are not in its target cannot occur: a let binds what it is indexed by.
            let value = self.component(&piece.value, events)?;
            *self.vars.borrow_mut() = saved;
            conds.retain(|c| c.decided() != Some(true));
            let when = match conds.len() {
                0 => Poly::number(1.0),
                1 => Poly::iverson(conds.remove(0)),
                _ => Poly::iverson(Cond::And(conds)),
            };
            out = out.add(&when.mul(&value));
        }
        Ok(out)
    }

    pub(super) fn binary(&self, e: &Expr, op: Binary, a: &Expr, b: &Expr, at: &[Ix]) -> Lowered {
        let (ra, rb) = (rank(&a.ty), rank(&b.ty));
        match op {
            Binary::Add => Ok(self.component(a, at)?.add(&self.component(b, at)?)),
            Binary::Sub => Ok(self.component(a, at)?.sub(&self.component(b, at)?)),
            Binary::Mul if ra == 2 && rb >= 1 => {
                let k = self.axis(&self.inner(a, 1), &[], "j");
                let mut left = vec![at[0].clone(), Ix::var(&k)];
                let mut right = vec![Ix::var(&k)];
                right.extend_from_slice(&at[1..]);
                left.truncate(2);
                let (left, right) = (self.component(a, &left)?, self.component(b, &right)?);
                Ok(left.mul(&right).sum_over(&k, &Cond::Always))
            }
            Binary::Mul => Ok(self.component(a, at)?.mul(&self.component(b, at)?)),
            Binary::Div => Ok(self.component(a, at)?.mul(&self.component(b, at)?.recip())),
            Binary::Pow => {
                let base = self.component(a, at)?;
                let power = self.component(b, &[])?;
                match power.as_number().and_then(Exponent::of) {
                    Some(p) => Ok(base.pow(p)),
                    None => Ok(Poly::apply(Func::Exp, vec![power.mul(&self.log(&base))])),
                }
            }
            // Handled by `cond`.
            Binary::Or | Binary::And => Ok(Poly::iverson(self.cond(e)?)),
        }
    }

    /// The extent of an axis of a vector or matrix expression.
    pub(super) fn inner(&self, e: &Expr, axis: usize) -> Extent {
        match (&e.ty, axis) {
            (Type::Matrix(r, _), 0) => r.clone(),
            (Type::Matrix(_, c), _) => c.clone(),
            (Type::SymPos(d) | Type::Vector(d) | Type::Simplex(d) | Type::Ordered(d), _) => d.clone(),
            (Type::Literal(n), _) => literal_extent(*n, e),
            (Type::Real | Type::Positive | Type::Unit | Type::Count | Type::Bool | Type::Index(_), _) => {
                literal_extent(1, e)
            }
        }
    }

    pub(super) fn call(&self, f: Function, e: &Expr, args: &[Expr], at: &[Ix]) -> Lowered {
        match f {
            Function::Dot => {
                let extent = match &args[0].ty {
                    Type::Literal(_) => self.inner(&args[1], 0),
                    Type::Vector(_)
                    | Type::Simplex(_)
                    | Type::Ordered(_)
                    | Type::Matrix(..)
                    | Type::SymPos(_)
                    | Type::Real
                    | Type::Positive
                    | Type::Unit
                    | Type::Count
                    | Type::Bool
                    | Type::Index(_) => self.inner(&args[0], 0),
                };
                let j = self.axis(&extent, &[], "j");
                let ix = [Ix::var(&j)];
                Ok(self
                    .component(&args[0], &ix)?
                    .mul(&self.component(&args[1], &ix)?)
                    .sum_over(&j, &Cond::Always))
            }
            Function::Exp => {
                let a = self.component(&args[0], at)?;
                // exp(log x) = x.
                if let [t] = a.0.as_slice()
                    && t.coef.0 == 1.0
                    && let [(Factor::Apply(Func::Log, inner), Exponent::ONE)] = t.factors.as_slice()
                {
                    return Ok(inner[0].clone());
                }
                Ok(Poly::apply(Func::Exp, vec![a]))
            }
            Function::Log => Ok(self.log(&self.component(&args[0], at)?)),
            Function::Sqrt => Ok(self.component(&args[0], at)?.pow(Exponent::new(1, 2))),
            Function::Logit => {
                let p = self.component(&args[0], at)?;
                Ok(self.log(&p).sub(&self.log(&Poly::number(1.0).sub(&p))))
            }
            Function::Sigmoid => Ok(Poly::apply(Func::Sigmoid, vec![self.component(&args[0], at)?])),
            Function::Diag => {
                let [i, j] = [at[0].clone(), at[1].clone()];
                let delta = Poly::iverson(Cond::Compare(Cmp::Eq, i.clone(), j));
                Ok(delta.mul(&self.component(&args[0], &[i])?))
            }
            Function::Onehot => match self.finite(&args[0])? {
                Finite::Index(i) => Ok(Poly::iverson(Cond::Compare(Cmp::Eq, i, at[0].clone()))),
                Finite::Cond(_) => Err(mistakes::not_an_index(e.loc)),
            },
            Function::Trace => {
                let j = self.axis(&self.inner(&args[0], 0), &[], "j");
                let ix = [Ix::var(&j), Ix::var(&j)];
                Ok(self.component(&args[0], &ix)?.sum_over(&j, &Cond::Always))
            }
        }
    }

    pub(super) fn literal(&self, e: &Expr, items: &[Expr], at: &[Ix]) -> Lowered {
        if let Some(c) = at.first().and_then(Ix::as_constant) {
            let item = usize::try_from(c)
                .ok()
                .and_then(|c| items.get(c))
                .ok_or_else(|| mistakes::literal_too_short(e.loc))?;
            return self.component(item, &at[1..]);
        }
        let mut out = Poly::zero();
        for (n, item) in items.iter().enumerate() {
            let here = Poly::iverson(Cond::Compare(Cmp::Eq, at[0].clone(), Ix::constant(n as i64)));
            out = out.add(&here.mul(&self.component(item, &at[1..])?));
        }
        Ok(out)
    }

    pub(super) fn reduce(
        &self,
        op: Reducer,
        indices: &[IndexId],
        guard: Option<&Expr>,
        body: &Expr,
        e: &Expr,
    ) -> Lowered {
        match op {
            Reducer::Sum | Reducer::Prod => {
                let depth = self.around.borrow().len();
                let mut vars: Vec<Var> = vec![];
                for i in indices {
                    vars.push(self.bind_sum(*i));
                    self.around.borrow_mut().push(vars[vars.len() - 1].clone());
                }
                let guard = guard.map_or(Ok(Cond::Always), |g| self.cond(g));
                let body = self.component(body, &[]);
                self.around.borrow_mut().truncate(depth);
                let (guard, mut p) = (guard?, body?);
                for (n, v) in vars.iter().enumerate().rev() {
                    let here = if n + 1 == vars.len() { guard.clone() } else { Cond::Always };
                    p = match op {
                        Reducer::Prod => Poly::factor(Factor::Product(v.clone(), here, p)),
                        Reducer::Sum | Reducer::All | Reducer::Any => p.sum_over(v, &here),
                    };
                }
                Ok(p)
            }
            Reducer::All | Reducer::Any => Err(mistakes::not_generated(
                e.loc,
                "`all` and `any`",
                "spell the condition with `and` and `or`",
            )),
        }
    }

    /// A matrix argument, as a multiple of one array's element or as a diagonal.
    pub fn matrix(&self, e: &Expr, dim: &Ix) -> Lowered<(Poly, Option<MatrixRef>)> {
        match (&e.kind, rank(&e.ty)) {
            (_, 0) => Ok((self.component(e, &[])?, None)),
            (ExprKind::Read(a), _) => {
                let plates = a.indices.iter().map(|i| self.index(i)).collect();
                let matrix = MatrixRef { array: a.array, plates, dim: dim.clone(), cholesky: false };
                Ok((Poly::number(1.0), Some(matrix)))
            }
            (ExprKind::Let(id, indices), _) => {
                let l = &self.model.lets[id.0];
                let [piece] = l.pieces.as_slice() else { return Err(mistakes::hidden_sum(e.loc)) };
                for (target, ix) in piece.target.iter().zip(indices) {
                    if let [(1, IndexTerm::Bound(b))] = target.terms.as_slice() {
                        let ix = self.index(ix);
                        self.bind_to(*b, ix);
                    }
                }
                self.matrix(&piece.value, dim)
            }
            (ExprKind::Binary(Binary::Mul, a, b), _) if rank(&a.ty) == 0 => {
                let (f, m) = self.matrix(b, dim)?;
                Ok((self.component(a, &[])?.mul(&f), m))
            }
            (ExprKind::Binary(Binary::Mul, a, b), _) if rank(&b.ty) == 0 => {
                let (f, m) = self.matrix(a, dim)?;
                Ok((self.component(b, &[])?.mul(&f), m))
            }
            (ExprKind::Binary(Binary::Div, a, b), _) if rank(&b.ty) == 0 => {
                let (f, m) = self.matrix(a, dim)?;
                Ok((self.component(b, &[])?.recip().mul(&f), m))
            }
            (
                ExprKind::Int(_)
                | ExprKind::Float(_)
                | ExprKind::Bool(_)
                | ExprKind::Index(_)
                | ExprKind::Unary(..)
                | ExprKind::Binary(..)
                | ExprKind::Compare(..)
                | ExprKind::Transpose(_)
                | ExprKind::Component(..)
                | ExprKind::Call(..)
                | ExprKind::Vector(_)
                | ExprKind::Comprehension { .. }
                | ExprKind::Reduce { .. },
                _,
            ) => Err(mistakes::hidden_sum(e.loc)),
        }
    }

    /// Whether a matrix argument is a diagonal: a vector, `diag(v)`.
    pub fn diagonal<'e>(&self, e: &'e Expr) -> Option<&'e Expr> {
        match (&e.kind, rank(&e.ty)) {
            (_, 0 | 1) => Some(e),
            (ExprKind::Call(Function::Diag, args), _) => Some(&args[0]),
            _ => None,
        }
    }
}

fn literal_extent(n: usize, e: &Expr) -> Extent {
    let length = Index { loc: e.loc, terms: vec![], offset: n as i64 };
    Extent { nominal: Nominal::Literal(n as u64), length }
}

pub fn rank(ty: &Type) -> usize {
    match ty {
        Type::Real | Type::Positive | Type::Unit | Type::Count | Type::Bool | Type::Index(_) => 0,
        Type::Simplex(_) | Type::Ordered(_) | Type::Vector(_) | Type::Literal(_) => 1,
        Type::Matrix(..) | Type::SymPos(_) => 2,
    }
}

/// Whether elements of an array may be unobserved and matter: latents, and what was declared with `?` and is read elsewhere.
///
/// A missing element that nobody reads integrates to 1: its row is masked, and no latent stands for it.
pub fn is_hidden(model: &Model, array: ArrayId) -> bool {
    let a = &model.arrays[array.0];
    a.pieces.iter().any(|p| model.statements[p.0].role == Role::Latent) || a.missing && is_read(model, array)
}

/// Whether any statement depends on the array.
pub fn is_read(model: &Model, array: ArrayId) -> bool {
    let mut found = false;
    let mut visit = |a: &Access| found |= a.array == array;
    for s in &model.statements {
        s.guards.iter().for_each(|g| model.each_read_deep(g, &mut visit));
        let mut call = |c: &crate::model::ir::FamilyCall| {
            c.args
                .iter()
                .map(|(_, e)| e)
                .chain(&c.min)
                .chain(&c.max)
                .for_each(|e| model.each_read_deep(e, &mut visit));
        };
        match &s.dist {
            Some(crate::model::ir::Dist::Family(c)) => call(c),
            Some(crate::model::ir::Dist::Match { on, arms, .. }) => {
                arms.iter().for_each(|a| call(&a.call));
                model.each_read_deep(on, &mut visit);
            }
            None => {}
        }
    }
    for c in &model.constraints {
        c.rest.iter().map(|(_, e)| e).chain([&c.first]).for_each(|e| model.each_read_deep(e, &mut visit));
    }
    found
}

pub fn is_unknown(model: &Model, array: ArrayId) -> bool {
    let a = &model.arrays[array.0];
    is_hidden(model, array) || a.pieces.iter().any(|p| model.statements[p.0].role == Role::Param)
}
