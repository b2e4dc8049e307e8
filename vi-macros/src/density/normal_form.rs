//! The monomial normal form: log p = Σ_r w_r Σ over indices, c_r · Π statistics of single elements.
//!
//! What the planner reasons with. Squares of residuals are expanded here, and only here; the code that computes keeps them whole.

use super::lower::{Gather, is_unknown};
use super::poly::{Exponent, Factor, Func, Poly, Term};
use super::statement::{Case, Compared, Form, StatementDensity, expand_case};
use super::symbol::{Cond, Elem, Ix, Var};
use crate::model::ir::{ArrayId, ElemKind, Model, StatementId};
use crate::syntax::ast::Loc;

/// One monomial of one statement.
#[derive(Clone, Debug)]
pub struct Monomial {
    pub statement: StatementId,
    pub case: usize,
    pub line: usize,
    pub loc: Loc,
    /// Every index it is summed over: plates, gathered values, bound indices.
    pub vars: Vec<Var>,
    /// Guards of the statement, of the case and of the sums.
    pub guards: Vec<Cond>,
    /// `repeat`: multiplies the term and the entropies of the latents inside.
    pub copies: Vec<Elem>,
    /// Numbers, sizes and data.
    pub coefficient: Poly,
    /// Statistics of latents and params.
    pub atoms: Vec<Atom>,
}

/// A statistic of one element.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Atom {
    pub array: ArrayId,
    /// Plate indices; what an event index picks out is part of the same element.
    pub plates: Vec<Ix>,
    /// Event indices.
    pub events: Vec<Ix>,
    pub stat: Stat,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stat {
    /// [v = k] of a finite element, or its value as 0 or 1.
    Indicator,
    /// v^p
    Power(Exponent),
    Log,
    /// log(1 − v)
    Log1m,
    /// log det of a matrix
    LogDet,
    /// An entry of the inverse of a matrix
    Inverse,
    /// Anything else: no registered statistic of this element alone. Holds what it looked like.
    Opaque(Poly),
}

/// The monomials of every statement.
pub fn normal_form(model: &Model, densities: &[StatementDensity]) -> Vec<Monomial> {
    let mut out = vec![];
    for d in densities {
        for (n, case) in d.cases.iter().enumerate() {
            out.extend(monomials(model, d, n, case));
        }
    }
    out
}

fn monomials(model: &Model, d: &StatementDensity, n: usize, case: &Case) -> Vec<Monomial> {
    let positive = |e: &Elem| positive_kind(&model.arrays[e.array.0].elem.kind);
    let log = |p: &Poly| p.log(&positive);
    let base = |vars: Vec<Var>, guards: Vec<Cond>| Monomial {
        statement: d.id,
        case: n,
        line: d.line,
        loc: d.loc,
        vars,
        guards,
        copies: d.repeat.clone(),
        coefficient: Poly::number(1.0),
        atoms: vec![],
    };
    let mut guards = d.guards.clone();
    guards.extend(case.when.iter().cloned());
    match expand_case(case, &log) {
        Some(poly) => poly.0.iter().map(|t| monomial(model, d, case, t, &base, &guards)).collect(),
        None => {
            // A structural zero: touches every gathered element its condition reads, and the values it compares.
            let mut m = base(d.vars.clone(), guards.clone());
            if let Form::Equal { value, to } = &case.form {
                for side in [value, to] {
                    if let Compared::Number(p) = side {
                        let mut seen = vec![];
                        p.visit_elems(&mut |e| seen.push(e.clone()));
                        for e in seen.iter().filter(|e| is_unknown(model, e.array)) {
                            push(&mut m.atoms, atom(model, e, Stat::Opaque(p.clone())));
                        }
                    }
                }
            }
            gather_all(model, &d.gathers, &mut m);
            vec![m]
        }
    }
}

pub fn positive_kind(kind: &ElemKind) -> bool {
    matches!(kind, ElemKind::Positive | ElemKind::Unit | ElemKind::Simplex(_))
}

fn gather_all(model: &Model, gathers: &[Gather], m: &mut Monomial) {
    for g in gathers {
        push(&mut m.atoms, atom(model, &g.elem, Stat::Indicator));
        m.vars.push(g.var.clone());
    }
}

fn monomial(
    model: &Model,
    d: &StatementDensity,
    case: &Case,
    t: &Term,
    base: &impl Fn(Vec<Var>, Vec<Cond>) -> Monomial,
    guards: &[Cond],
) -> Monomial {
    let mut vars = d.vars.clone();
    vars.extend(t.sums.iter().cloned());
    let mut all = guards.to_vec();
    all.extend(t.guard.iter().cloned());
    let mut m = base(vars, all);
    let mut coefficient = Term { factors: vec![], sums: vec![], guard: vec![], coef: t.coef };
    for (f, e) in &t.factors {
        let mut unknowns = vec![];
        f.visit_elems(&mut |x| {
            if is_unknown(model, x.array) && !unknowns.contains(x) {
                unknowns.push(x.clone());
            }
        });
        if unknowns.is_empty() {
            coefficient.factors.push((f.clone(), *e));
            continue;
        }
        match simple(model, f, *e) {
            Some(a) => push(&mut m.atoms, a),
            None => {
                let whole = Poly(vec![Term {
                    factors: vec![(f.clone(), *e)],
                    sums: vec![],
                    guard: vec![],
                    coef: super::poly::Num(1.0),
                }]);
                for x in unknowns {
                    push(&mut m.atoms, atom(model, &x, Stat::Opaque(whole.clone())));
                }
            }
        }
    }
    m.coefficient = Poly(vec![coefficient]);
    // Σ_k [z = k] = 1: a gathered element belongs to the term only if its value does.
    for g in &d.gathers {
        let mut used = t.mentions(&g.var);
        for c in &case.when {
            c.visit_vars(&mut |v| used |= *v == g.var);
        }
        for other in &d.gathers {
            other.elem.indices.iter().for_each(|i| used |= i.mentions(&g.var));
        }
        if used {
            push(&mut m.atoms, atom(model, &g.elem, Stat::Indicator));
            m.vars.push(g.var.clone());
        }
    }
    m
}

fn push(atoms: &mut Vec<Atom>, a: Atom) {
    // I1: powers of one element merge, and an indicator is idempotent.
    if let Stat::Power(p) = &a.stat
        && let Some(b) =
            atoms.iter_mut().find(|b| b.array == a.array && b.plates == a.plates && b.events == a.events)
        && let Stat::Power(q) = &mut b.stat
    {
        *q = q.plus(*p);
        return;
    }
    if !(a.stat == Stat::Indicator && atoms.contains(&a)) {
        atoms.push(a);
    }
}

fn atom(model: &Model, e: &Elem, stat: Stat) -> Atom {
    let plates = model.arrays[e.array.0].plates.len().min(e.indices.len());
    Atom { array: e.array, plates: e.indices[..plates].to_vec(), events: e.indices[plates..].to_vec(), stat }
}

/// A factor that is a statistic of one element.
fn simple(model: &Model, f: &Factor, e: Exponent) -> Option<Atom> {
    match f {
        Factor::Elem(x) => {
            let kind = &model.arrays[x.array.0].elem.kind;
            let stat = if kind.is_finite() { Stat::Indicator } else { Stat::Power(e) };
            Some(atom(model, x, stat))
        }
        Factor::LogDet(m) if e == Exponent::ONE => {
            Some(Atom { array: m.array, plates: m.plates.clone(), events: vec![], stat: Stat::LogDet })
        }
        Factor::Inverse(m, i, j) if e == Exponent::ONE => Some(Atom {
            array: m.array,
            plates: m.plates.clone(),
            events: vec![i.clone(), j.clone()],
            stat: Stat::Inverse,
        }),
        Factor::Apply(Func::Log, args) if e == Exponent::ONE => {
            let inner = &args[0];
            if let Some(x) = as_elem(inner) {
                return Some(atom(model, &x, Stat::Log));
            }
            // log(1 − x)
            let rest = Poly::number(1.0).sub(inner);
            as_elem(&rest).map(|x| atom(model, &x, Stat::Log1m))
        }
        Factor::Index(_)
        | Factor::LogDet(_)
        | Factor::Inverse(..)
        | Factor::Gram(..)
        | Factor::Iverson(_)
        | Factor::Apply(..)
        | Factor::Paren(_)
        | Factor::Product(..)
        | Factor::Infinity => None,
    }
}

/// The element a polynomial is, if it is nothing else.
pub fn as_elem(p: &Poly) -> Option<Elem> {
    match p.0.as_slice() {
        [t] if t.coef.0 == 1.0 && t.sums.is_empty() && t.guard.is_empty() => match t.factors.as_slice() {
            [(Factor::Elem(e), Exponent::ONE)] => Some(e.clone()),
            _ => None,
        },
        _ => None,
    }
}
