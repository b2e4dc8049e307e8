//! Indices, elements and conditions as values that compare.

use crate::model::ir::{ArrayId, Index, IndexId, IndexTerm, Nominal, SizeId};
use crate::syntax::ast::Compare;
use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A named index: one of the user's, the component of an event, or the value a category takes.
#[derive(Clone)]
pub struct Var(Rc<VarData>);

pub struct VarData {
    id: usize,
    pub name: String,
    pub nominal: Nominal,
    /// `low ≤ i < high`
    pub low: Ix,
    pub high: Ix,
    /// The user's index this is, if it is one.
    pub user: Option<IndexId>,
}

thread_local! {
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

impl Var {
    pub fn new(name: impl Into<String>, nominal: Nominal, low: Ix, high: Ix) -> Var {
        Var::make(name.into(), nominal, low, high, None)
    }

    pub fn of_user(name: String, nominal: Nominal, low: Ix, high: Ix, user: IndexId) -> Var {
        Var::make(name, nominal, low, high, Some(user))
    }

    fn make(name: String, nominal: Nominal, low: Ix, high: Ix, user: Option<IndexId>) -> Var {
        let id = NEXT.with(|n| n.replace(n.get() + 1));
        Var(Rc::new(VarData { id, name, nominal, low, high, user }))
    }

    /// Another index over the same range: squaring a sum needs two.
    pub fn twin(&self) -> Var {
        Var::make(self.0.name.clone(), self.0.nominal, self.0.low.clone(), self.0.high.clone(), None)
    }
}

impl std::ops::Deref for Var {
    type Target = VarData;
    fn deref(&self) -> &VarData {
        &self.0
    }
}

impl PartialEq for Var {
    fn eq(&self, other: &Var) -> bool {
        self.0.id == other.0.id
    }
}
impl Eq for Var {}
impl PartialOrd for Var {
    fn partial_cmp(&self, other: &Var) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Var {
    fn cmp(&self, other: &Var) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}
impl Hash for Var {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}
impl std::fmt::Debug for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.0.name, self.0.id)
    }
}

/// An affine index expression in canonical order: Σ coefficient · term + offset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Ix {
    pub terms: Vec<(i64, IxTerm)>,
    pub offset: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IxTerm {
    Var(Var),
    Size(SizeId, Vec<Ix>),
    /// The value of a category or count of the data.
    Read(Elem),
}

impl Ix {
    pub fn constant(offset: i64) -> Ix {
        Ix { terms: vec![], offset }
    }

    pub fn var(v: &Var) -> Ix {
        Ix { terms: vec![(1, IxTerm::Var(v.clone()))], offset: 0 }
    }

    pub fn term(t: IxTerm) -> Ix {
        Ix { terms: vec![(1, t)], offset: 0 }
    }

    pub fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.offset)
    }

    /// The variable, if the expression is nothing else.
    pub fn as_var(&self) -> Option<&Var> {
        match (self.terms.as_slice(), self.offset) {
            ([(1, IxTerm::Var(v))], 0) => Some(v),
            _ => None,
        }
    }

    /// `(variable, offset)` if the expression is a variable and a constant.
    pub fn as_shifted_var(&self) -> Option<(&Var, i64)> {
        match self.terms.as_slice() {
            [(1, IxTerm::Var(v))] => Some((v, self.offset)),
            _ => None,
        }
    }

    pub fn plus(&self, factor: i64, other: &Ix) -> Ix {
        let mut terms = self.terms.clone();
        for (c, t) in &other.terms {
            match terms.iter_mut().find(|(_, u)| u == t) {
                Some((d, _)) => *d += factor * c,
                None => terms.push((factor * c, t.clone())),
            }
        }
        terms.retain(|(c, _)| *c != 0);
        terms.sort_by(|a, b| a.1.cmp(&b.1));
        Ix { terms, offset: self.offset + factor * other.offset }
    }

    /// Replaces a variable by an expression, also inside subscripts.
    pub fn substitute(&self, v: &Var, by: &Ix) -> Ix {
        let mut out = Ix::constant(self.offset);
        for (c, t) in &self.terms {
            let t = match t {
                IxTerm::Var(u) if u == v => by.clone(),
                IxTerm::Var(_) => Ix::term(t.clone()),
                IxTerm::Size(s, args) => {
                    Ix::term(IxTerm::Size(*s, args.iter().map(|a| a.substitute(v, by)).collect()))
                }
                IxTerm::Read(e) => Ix::term(IxTerm::Read(e.substitute(v, by))),
            };
            out = out.plus(*c, &t);
        }
        out
    }

    pub fn visit_vars(&self, f: &mut impl FnMut(&Var)) {
        for (_, t) in &self.terms {
            match t {
                IxTerm::Var(v) => f(v),
                IxTerm::Size(_, args) => args.iter().for_each(|a| a.visit_vars(f)),
                IxTerm::Read(e) => e.indices.iter().for_each(|a| a.visit_vars(f)),
            }
        }
    }

    pub fn mentions(&self, v: &Var) -> bool {
        let mut found = false;
        self.visit_vars(&mut |u| found |= u == v);
        found
    }

    /// Whether it depends on any index.
    pub fn has_vars(&self) -> bool {
        let mut found = false;
        self.visit_vars(&mut |_| found = true);
        found
    }

    pub fn visit_reads(&self, f: &mut impl FnMut(&Elem)) {
        for (_, t) in &self.terms {
            match t {
                IxTerm::Var(_) => {}
                IxTerm::Size(_, args) => args.iter().for_each(|a| a.visit_reads(f)),
                IxTerm::Read(e) => {
                    f(e);
                    e.indices.iter().for_each(|a| a.visit_reads(f));
                }
            }
        }
    }
}

/// One scalar element of an array: plates, then event axes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Elem {
    pub array: ArrayId,
    pub indices: Vec<Ix>,
}

impl Elem {
    pub fn substitute(&self, v: &Var, by: &Ix) -> Elem {
        Elem { array: self.array, indices: self.indices.iter().map(|i| i.substitute(v, by)).collect() }
    }
}

/// A condition on indices and data.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cond {
    Compare(Cmp, Ix, Ix),
    /// A Bool of the data.
    Read(Elem),
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
}

impl Cond {
    pub fn compare(op: Compare, a: Ix, b: Ix) -> Cond {
        match op {
            Compare::Eq => Cond::Compare(Cmp::Eq, a, b),
            Compare::Ne => Cond::Compare(Cmp::Ne, a, b),
            Compare::Lt => Cond::Compare(Cmp::Lt, a, b),
            Compare::Le => Cond::Compare(Cmp::Le, a, b),
            Compare::Gt => Cond::Compare(Cmp::Lt, b, a),
            Compare::Ge => Cond::Compare(Cmp::Le, b, a),
        }
    }

    pub fn substitute(&self, v: &Var, by: &Ix) -> Cond {
        match self {
            Cond::Compare(op, a, b) => Cond::Compare(*op, a.substitute(v, by), b.substitute(v, by)),
            Cond::Read(e) => Cond::Read(e.substitute(v, by)),
            Cond::Not(c) => Cond::Not(Box::new(c.substitute(v, by))),
            Cond::And(cs) => Cond::And(cs.iter().map(|c| c.substitute(v, by)).collect()),
            Cond::Or(cs) => Cond::Or(cs.iter().map(|c| c.substitute(v, by)).collect()),
            Cond::Always => Cond::Always,
        }
    }

    pub fn visit_vars(&self, f: &mut impl FnMut(&Var)) {
        match self {
            Cond::Compare(_, a, b) => {
                a.visit_vars(f);
                b.visit_vars(f);
            }
            Cond::Read(e) => e.indices.iter().for_each(|i| i.visit_vars(f)),
            Cond::Not(c) => c.visit_vars(f),
            Cond::And(cs) | Cond::Or(cs) => cs.iter().for_each(|c| c.visit_vars(f)),
            Cond::Always => {}
        }
    }

    pub fn visit_elems(&self, f: &mut impl FnMut(&Elem)) {
        match self {
            Cond::Compare(_, a, b) => {
                a.visit_reads(f);
                b.visit_reads(f);
            }
            Cond::Read(e) => {
                f(e);
                e.indices.iter().for_each(|i| i.visit_reads(f));
            }
            Cond::Not(c) => c.visit_elems(f),
            Cond::And(cs) | Cond::Or(cs) => cs.iter().for_each(|c| c.visit_elems(f)),
            Cond::Always => {}
        }
    }

    /// Whether the condition is decided by its form alone.
    pub fn decided(&self) -> Option<bool> {
        match self {
            Cond::Compare(op, a, b) => {
                let d = a.plus(-1, b).as_constant()?;
                Some(match op {
                    Cmp::Eq => d == 0,
                    Cmp::Ne => d != 0,
                    Cmp::Lt => d < 0,
                    Cmp::Le => d <= 0,
                })
            }
            Cond::Read(_) => None,
            Cond::Not(c) => c.decided().map(|b| !b),
            Cond::And(cs) => {
                let all: Vec<_> = cs.iter().map(Cond::decided).collect();
                if all.contains(&Some(false)) {
                    Some(false)
                } else {
                    all.iter().all(|c| *c == Some(true)).then_some(true)
                }
            }
            Cond::Or(cs) => {
                let all: Vec<_> = cs.iter().map(Cond::decided).collect();
                if all.contains(&Some(true)) {
                    Some(true)
                } else {
                    all.iter().all(|c| *c == Some(false)).then_some(false)
                }
            }
            Cond::Always => Some(true),
        }
    }
}

/// Turns an index of the checked model into a symbol; `read` says what stands for the value of an element.
pub fn index(i: &Index, vars: &dyn Fn(IndexId) -> Ix, read: &mut dyn FnMut(&Elem) -> Ix) -> Ix {
    let mut out = Ix::constant(i.offset);
    for (c, t) in &i.terms {
        let t = match t {
            IndexTerm::Bound(id) => vars(*id),
            IndexTerm::Size(s, args) => {
                Ix::term(IxTerm::Size(*s, args.iter().map(|a| index(a, vars, read)).collect()))
            }
            IndexTerm::Read(access) => {
                let e = Elem {
                    array: access.array,
                    indices: access.indices.iter().map(|a| index(a, vars, read)).collect(),
                };
                read(&e)
            }
            // An extent is turned into a symbol by `extent`, which replaces the axes first.
            IndexTerm::Axis(_) => Ix::default(),
        };
        out = out.plus(*c, &t);
    }
    out
}

/// The length of an axis, given the positions along earlier axes.
pub fn length(i: &Index, at: &[Ix]) -> Ix {
    let mut out = Ix::constant(i.offset);
    for (c, t) in &i.terms {
        let t = match t {
            IndexTerm::Axis(a) => at.get(*a).cloned().unwrap_or_default(),
            IndexTerm::Size(s, args) => {
                Ix::term(IxTerm::Size(*s, args.iter().map(|a| length(a, at)).collect()))
            }
            // Lengths are made of sizes, axes and numbers alone.
            IndexTerm::Bound(_) | IndexTerm::Read(_) => Ix::default(),
        };
        out = out.plus(*c, &t);
    }
    out
}
