//! Whether two accesses of one array are the same element, different elements, or either.
//!
//! Every independence claim rests on this, so both definite answers are proofs over all values of sizes, indices and data:
//! bounds of the bound indices, the guards, and the ranges of categories are the premises. Whatever cannot be expressed as
//! a linear inequality is left out of the premises, which can only make the answer `Unknown`.

use super::ir::{Access, ElemKind, Expr, ExprKind, Index, IndexId, IndexTerm, Model, Type};
use super::linear::{Inequality, infeasible};
use crate::syntax::ast::{Binary, Compare, Unary};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alias {
    /// One element, whatever the values.
    Same,
    /// Never one element.
    Distinct,
    Unknown,
}

/// How two accesses `a` and `b` of one array relate, where the guards hold.
///
/// With `same_binding` both are read in one instance of the statement: equal bound indices have equal values. Without, `b` is read in
/// an instance of its own, under the same guards; what is outside of both (sizes, data) is shared.
/// Lists of different length are compared as the slices they are: `Same` means the whole of both.
pub fn alias(model: &Model, a: &[Index], b: &[Index], guards: &[Expr], same_binding: bool) -> Alias {
    let copy = Copy { indices: model.indices.len() };
    let (b, second_guards) = if same_binding {
        (b.to_vec(), Vec::new())
    } else {
        (b.iter().map(|i| copy.index(i)).collect(), guards.iter().map(|g| copy.expr(g)).collect::<Vec<_>>())
    };
    let differences: Vec<Index> = a.iter().zip(&b).map(|(x, y)| x.plus(-1, y)).collect();
    let mut premises = Premises { model, copy, variables: Vec::new(), rows: Vec::new() };
    let mut cases = vec![Vec::new()];
    for guard in guards.iter().chain(&second_guards) {
        cases = product(&cases, &premises.condition(guard, true));
    }
    // Both accesses happen, so whatever they mention is in its range, even where it cancels.
    for index in a.iter().chain(&b) {
        premises.linear(index);
    }
    let differences: Vec<Inequality> = differences.iter().map(|d| premises.linear(d)).collect();
    premises.close();
    let refuted = |extra: &dyn Fn(&mut Vec<Inequality>)| {
        cases.iter().all(|case| {
            let mut system = premises.rows.clone();
            system.extend(case.iter().cloned());
            extra(&mut system);
            infeasible(&system)
        })
    };
    // Distinct: the premises and «equal on every axis» have no solution.
    let equal_everywhere = |system: &mut Vec<Inequality>| {
        for d in &differences {
            system.push(d.clone());
            system.push(minus(d));
        }
    };
    if refuted(&equal_everywhere) {
        return Alias::Distinct;
    }
    // Same: neither order is possible on any axis.
    let same = a.len() == b.len()
        && differences.iter().all(|d| {
            let below = d.negated_strictly();
            let above = minus(d).negated_strictly();
            refuted(&|system: &mut Vec<Inequality>| system.push(below.clone()))
                && refuted(&|system: &mut Vec<Inequality>| system.push(above.clone()))
        });
    if same { Alias::Same } else { Alias::Unknown }
}

/// Whether `a ≤ b` wherever the guards hold, both read in one instance of the statement.
pub fn at_most(model: &Model, a: &Index, b: &Index, guards: &[Expr]) -> bool {
    let mut premises = Premises {
        model,
        copy: Copy { indices: model.indices.len() },
        variables: Vec::new(),
        rows: Vec::new(),
    };
    let mut cases = vec![Vec::new()];
    for guard in guards {
        cases = product(&cases, &premises.condition(guard, true));
    }
    let above = premises.at_least(&a.shift(-1), b);
    premises.close();
    cases.iter().all(|case| {
        let mut system = premises.rows.clone();
        system.extend(case.iter().cloned());
        system.push(above.clone());
        infeasible(&system)
    })
}

/// [`alias`] of two accesses, which also knows that a symmetric array holds `[i, j]` and `[j, i]` in one place.
pub fn alias_access(model: &Model, a: &Access, b: &Access, guards: &[Expr], same_binding: bool) -> Alias {
    if a.array != b.array {
        return Alias::Distinct;
    }
    let straight = alias(model, &a.indices, &b.indices, guards, same_binding);
    let array = &model.arrays[a.array.0];
    if !array.symmetric || straight == Alias::Same {
        return straight;
    }
    let [i, j, rest @ ..] = b.indices.as_slice() else { return Alias::Unknown };
    if a.indices.len() < 2 {
        // A row of a symmetric array shares an element with every other row.
        return Alias::Unknown;
    }
    let swapped: Vec<Index> = [j, i].into_iter().chain(rest).cloned().collect();
    match (straight, alias(model, &a.indices, &swapped, guards, same_binding)) {
        (_, Alias::Same) => Alias::Same,
        (Alias::Distinct, Alias::Distinct) => Alias::Distinct,
        (Alias::Distinct | Alias::Unknown | Alias::Same, Alias::Distinct | Alias::Unknown) => Alias::Unknown,
    }
}

/// Renames bound indices to those of a second instance: index i becomes index n + i.
#[derive(Clone, Copy)]
struct Copy {
    indices: usize,
}

impl Copy {
    fn index(self, index: &Index) -> Index {
        index.replace(&mut |term| match term {
            IndexTerm::Bound(id) => Some(Index::bound(index.loc, IndexId(id.0 + self.indices))),
            IndexTerm::Size(..) | IndexTerm::Read(_) | IndexTerm::Axis(_) => None,
        })
    }

    fn access(self, access: &Access) -> Access {
        Access { indices: access.indices.iter().map(|i| self.index(i)).collect(), ..access.clone() }
    }

    /// The parts of a guard that [`Premises::condition`] reads; anything else stays as it is, and is not read.
    fn expr(self, e: &Expr) -> Expr {
        let kind = match &e.kind {
            ExprKind::Index(index) => ExprKind::Index(Box::new(self.index(index))),
            ExprKind::Read(access) => ExprKind::Read(self.access(access)),
            ExprKind::Unary(op, a) => ExprKind::Unary(*op, Box::new(self.expr(a))),
            ExprKind::Binary(op, a, b) => {
                ExprKind::Binary(*op, Box::new(self.expr(a)), Box::new(self.expr(b)))
            }
            ExprKind::Compare(op, a, b) => {
                ExprKind::Compare(*op, Box::new(self.expr(a)), Box::new(self.expr(b)))
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Let(..)
            | ExprKind::Transpose(_)
            | ExprKind::Component(..)
            | ExprKind::Call(..)
            | ExprKind::Vector(_)
            | ExprKind::Comprehension { .. }
            | ExprKind::Reduce { .. } => e.kind.clone(),
        };
        Expr { loc: e.loc, ty: e.ty.clone(), kind }
    }
}

/// What is known of the integers that occur: a variable for each distinct term, and the rows that bound them.
struct Premises<'m> {
    model: &'m Model,
    copy: Copy,
    variables: Vec<IndexTerm>,
    rows: Vec<Inequality>,
}

/// A disjunction of conjunctions.
type Cases = Vec<Vec<Inequality>>;

/// More cases than this are replaced by «anything».
const MOST_CASES: usize = 64;

impl Premises<'_> {
    fn variable(&mut self, term: &IndexTerm) -> usize {
        match self.variables.iter().position(|t| t.same(term)) {
            Some(n) => n,
            None => {
                self.variables.push(term.clone());
                self.variables.len() - 1
            }
        }
    }

    fn linear(&mut self, index: &Index) -> Inequality {
        let mut row = Inequality { constant: i128::from(index.offset), ..Inequality::default() };
        for (coefficient, term) in &index.terms {
            let variable = self.variable(term);
            *row.coefficients.entry(variable).or_insert(0) += i128::from(*coefficient);
        }
        row
    }

    /// `a ≥ b`
    fn at_least(&mut self, a: &Index, b: &Index) -> Inequality {
        self.linear(&a.plus(-1, b))
    }

    /// The bounds of every variable, and of the variables those bounds bring in.
    fn close(&mut self) {
        let mut next = 0;
        while next < self.variables.len() {
            let term = self.variables[next].clone();
            next += 1;
            let loc = self.model.name.span().into();
            let itself = Index::of(loc, term.clone());
            match &term {
                IndexTerm::Bound(id) => {
                    let n = self.copy.indices;
                    let (low, high) = if id.0 < n {
                        let var = &self.model.indices[id.0];
                        (var.low.clone(), var.high.clone())
                    } else {
                        let var = &self.model.indices[id.0 - n];
                        (self.copy.index(&var.low), self.copy.index(&var.high))
                    };
                    let above = self.at_least(&itself, &low);
                    let below = self.at_least(&high.shift(-1), &itself);
                    self.rows.extend([above, below]);
                }
                // A size may be 0: data can be empty.
                IndexTerm::Size(..) | IndexTerm::Axis(_) => {
                    let row = self.linear(&itself);
                    self.rows.push(row);
                }
                IndexTerm::Read(access) => {
                    let row = self.linear(&itself);
                    self.rows.push(row);
                    let array = &self.model.arrays[access.array.0];
                    let end = match &array.elem.kind {
                        ElemKind::Category(extent) => Some(extent.length.at_position(&access.indices)),
                        ElemKind::Bool => Some(Index::constant(loc, 2)),
                        ElemKind::Real
                        | ElemKind::Positive
                        | ElemKind::Unit
                        | ElemKind::Count
                        | ElemKind::Counts(_)
                        | ElemKind::Simplex(_)
                        | ElemKind::Ordered(_)
                        | ElemKind::Vector(_)
                        | ElemKind::Matrix(..)
                        | ElemKind::SymPos(_) => None,
                    };
                    if let Some(end) = end {
                        let row = self.at_least(&end.shift(-1), &itself);
                        self.rows.push(row);
                    }
                }
            }
        }
    }

    /// The cases in which the condition has this value. `[[]]`, anything, where it is not linear.
    fn condition(&mut self, e: &Expr, value: bool) -> Cases {
        let anything = vec![Vec::new()];
        match &e.kind {
            ExprKind::Bool(b) if *b == value => anything,
            ExprKind::Bool(_) => Vec::new(),
            ExprKind::Unary(Unary::Not, a) => self.condition(a, !value),
            ExprKind::Binary(op @ (Binary::And | Binary::Or), a, b) => {
                let (x, y) = (self.condition(a, value), self.condition(b, value));
                if (*op == Binary::And) == value {
                    product(&x, &y)
                } else {
                    limited(x.into_iter().chain(y).collect())
                }
            }
            ExprKind::Compare(op, a, b) => {
                let (Some(a), Some(b)) = (whole(self.model, a), whole(self.model, b)) else {
                    return anything;
                };
                let op = if value { *op } else { opposite(*op) };
                match op {
                    Compare::Ge => vec![vec![self.at_least(&a, &b)]],
                    Compare::Gt => vec![vec![self.at_least(&a, &b.shift(1))]],
                    Compare::Le => vec![vec![self.at_least(&b, &a)]],
                    Compare::Lt => vec![vec![self.at_least(&b, &a.shift(1))]],
                    Compare::Eq => vec![vec![self.at_least(&a, &b), self.at_least(&b, &a)]],
                    Compare::Ne => {
                        vec![vec![self.at_least(&a, &b.shift(1))], vec![self.at_least(&b, &a.shift(1))]]
                    }
                }
            }
            ExprKind::Read(_) if matches!(e.ty, Type::Bool) => match whole(self.model, e) {
                Some(bit) => {
                    let zero = Index::constant(e.loc, 0);
                    vec![vec![if value {
                        self.at_least(&bit, &zero.shift(1))
                    } else {
                        self.at_least(&zero, &bit)
                    }]]
                }
                None => anything,
            },
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Index(_)
            | ExprKind::Read(_)
            | ExprKind::Let(..)
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Transpose(_)
            | ExprKind::Component(..)
            | ExprKind::Call(..)
            | ExprKind::Vector(_)
            | ExprKind::Comprehension { .. }
            | ExprKind::Reduce { .. } => anything,
        }
    }
}

/// A whole number as an index: integers, indices, and reads of whole elements.
fn whole(model: &Model, e: &Expr) -> Option<Index> {
    match &e.kind {
        ExprKind::Int(v) => Some(Index::constant(e.loc, *v)),
        ExprKind::Bool(v) => Some(Index::constant(e.loc, i64::from(*v))),
        ExprKind::Index(index) => Some((**index).clone()),
        ExprKind::Read(access) => {
            let array = &model.arrays[access.array.0];
            let element = access.indices.len() == array.plates.len();
            let counts = matches!(array.elem.kind, ElemKind::Category(_) | ElemKind::Bool | ElemKind::Count);
            // A missing element has no value that two reads could agree on beforehand, but it has one.
            (element && counts).then(|| Index::of(e.loc, IndexTerm::Read(access.clone())))
        }
        ExprKind::Unary(Unary::Neg, a) => Some(Index::constant(e.loc, 0).plus(-1, &whole(model, a)?)),
        ExprKind::Binary(Binary::Add, a, b) => Some(whole(model, a)?.plus(1, &whole(model, b)?)),
        ExprKind::Binary(Binary::Sub, a, b) => Some(whole(model, a)?.plus(-1, &whole(model, b)?)),
        ExprKind::Binary(Binary::Mul, a, b) => {
            let (a, b) = (whole(model, a)?, whole(model, b)?);
            let zero = Index::constant(e.loc, 0);
            match (a.as_constant(), b.as_constant()) {
                (Some(factor), _) => Some(zero.plus(factor, &b)),
                (None, Some(factor)) => Some(zero.plus(factor, &a)),
                (None, None) => None,
            }
        }
        ExprKind::Float(_)
        | ExprKind::Let(..)
        | ExprKind::Unary(Unary::Not, _)
        | ExprKind::Binary(..)
        | ExprKind::Compare(..)
        | ExprKind::Transpose(_)
        | ExprKind::Component(..)
        | ExprKind::Call(..)
        | ExprKind::Vector(_)
        | ExprKind::Comprehension { .. }
        | ExprKind::Reduce { .. } => None,
    }
}

fn minus(row: &Inequality) -> Inequality {
    Inequality {
        coefficients: row.coefficients.iter().map(|(v, c)| (*v, -c)).collect(),
        constant: -row.constant,
    }
}

fn product(a: &Cases, b: &Cases) -> Cases {
    let joined = a.iter().flat_map(|x| b.iter().map(move |y| [x.clone(), y.clone()].concat()));
    limited(joined.collect())
}

fn limited(cases: Cases) -> Cases {
    if cases.len() > MOST_CASES { vec![Vec::new()] } else { cases }
}

fn opposite(op: Compare) -> Compare {
    match op {
        Compare::Eq => Compare::Ne,
        Compare::Ne => Compare::Eq,
        Compare::Lt => Compare::Ge,
        Compare::Le => Compare::Gt,
        Compare::Gt => Compare::Le,
        Compare::Ge => Compare::Lt,
    }
}
