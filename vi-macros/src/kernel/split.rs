//! Splits a polynomial into what is data and what is params, and names the cells where they meet.

use super::is_param;
use super::{Cell, Column, Design, Pointwise, Regressor, Separable, StatKind, Symbol, Terms};
use crate::density::poly::{Exponent, Factor, Num, Poly, Term};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm, Var};
use crate::model::ir::{Model, Nominal};

/// Data, params, or both in one function.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Side {
    Data,
    Params,
    Mixed,
}

pub fn side(model: &Model, f: &Factor) -> Side {
    let (mut unknown, mut data) = (false, false);
    f.visit_elems(&mut |e| {
        if is_param(model, e.array) {
            unknown = true;
        } else if model.arrays[e.array.0].role != crate::model::ir::Role::Const {
            data = true;
        }
    });
    match (unknown, data) {
        (false, _) => Side::Data,
        (true, false) => Side::Params,
        // A param read at a given index is still a function of params alone.
        (true, true) if matches!(f, Factor::Elem(_) | Factor::LogDet(_)) => Side::Params,
        (true, true) if only_as_index(model, f) => Side::Params,
        (true, true) => Side::Mixed,
    }
}

/// Whether data occur in a factor only inside subscripts.
fn only_as_index(model: &Model, f: &Factor) -> bool {
    fn poly(model: &Model, p: &Poly) -> bool {
        p.0.iter().all(|t| t.factors.iter().all(|(f, _)| factor(model, f)))
    }
    fn factor(model: &Model, f: &Factor) -> bool {
        match f {
            Factor::Elem(e) => {
                is_param(model, e.array) || model.arrays[e.array.0].role == crate::model::ir::Role::Const
            }
            Factor::LogDet(_)
            | Factor::Inverse(..)
            | Factor::Gram(..)
            | Factor::Index(_)
            | Factor::Infinity => true,
            Factor::Iverson(_) => false,
            Factor::Apply(_, args) => args.iter().all(|p| poly(model, p)),
            Factor::Paren(p) | Factor::Product(_, _, p) => poly(model, p),
        }
    }
    factor(model, f)
}

/// What the terms of a density come to, for one statement.
pub struct Splitter<'a> {
    pub model: &'a Model,
    /// Values of givens that params are read at, with the index that stands for each.
    pub cells: Vec<Cell>,
    /// Names of indices that are in scope already.
    pub taken: Vec<String>,
}

/// A term in which a function mixes data and params.
pub struct Inseparable;

impl<'a> Splitter<'a> {
    /// Nothing in scope yet.
    pub fn new(model: &'a Model) -> Self {
        Splitter { model, cells: vec![], taken: vec![] }
    }

    /// Pulls a polynomial apart. A term without params is a constant of the fit, unless a state decides its value or whether it counts
    /// (`conditional`), or it holds an integrated latent: then it is a statistic with coefficient 1. `stat` finds or makes the statistic for a coefficient over its cells.
    pub fn terms(
        &mut self,
        p: &Poly,
        states: &[Var],
        conditional: bool,
        stat: &mut dyn FnMut(StatKind, Vec<Cell>) -> usize,
    ) -> Result<Terms, Inseparable> {
        let mut out = Terms::default();
        let mut mixed = Poly::zero();
        // Data that multiply one function of params stand together: (n − y) log(1 − p) is 0 at y = n and p = 1, the difference of
        // n log(1 − p) and y log(1 − p) is not.
        let mut groups: Vec<(Term, Poly)> = vec![];
        for t in &p.0 {
            let t = &self.widened(t);
            let Ok((data, params)) = self.split(t) else {
                mixed = mixed.add(&Poly(vec![self.at_cells(t)]));
                continue;
            };
            if params.factors.is_empty() {
                let whole = Poly(vec![t.clone()]);
                let mut latent = false;
                t.visit_elems(&mut |e| latent |= self.model.integrated.contains(&e.array));
                if conditional || latent || states.iter().any(|s| t.mentions(s)) {
                    let stat = stat(StatKind::Sum(whole.clone()), vec![]);
                    out.separable.push(Separable { coefficient: whole, params: Poly::number(1.0), stat });
                } else {
                    out.base = out.base.add(&whole);
                }
                continue;
            }
            let params = self.at_cells(&params);
            let cells = self.cells_of(&params);
            // A sum index that only the data read is summed there; one that the params read is a cell.
            let coefficient = Term {
                sums: t.sums.iter().filter(|v| !cells.iter().any(|c| c.var == **v)).cloned().collect(),
                ..data
            };
            let coefficient = Poly(vec![coefficient]);
            let open = coefficient.0[0].sums.is_empty();
            let same = |(p, c): &&mut (Term, Poly)| {
                let scaled = Term { coef: params.coef, ..p.clone() };
                open && scaled == params && c.0.iter().all(|t| t.sums.is_empty())
            };
            match groups.iter_mut().find(same) {
                Some((p, sum)) => *sum = sum.add(&coefficient.scale(params.coef.0 / p.coef.0)),
                None => groups.push((params, coefficient)),
            }
        }
        for (params, coefficient) in groups {
            let cells = self.cells_of(&params);
            let stat = stat(StatKind::Sum(coefficient.clone()), cells);
            out.separable.push(Separable { coefficient, params: Poly(vec![params]), stat });
        }
        if !mixed.is_zero() {
            let (symbols, cells) = self.symbols(&mixed).ok_or(Inseparable)?;
            let stat = stat(StatKind::Taylor { value: mixed.clone(), symbols }, cells);
            out.pointwise = Some(Pointwise { value: mixed, stat });
        }
        Ok(out)
    }

    /// A sum whose range depends on another index, such as j in 0..k, goes over the whole axis under a condition: statistics and tables of
    /// params have one cell for each element.
    fn widened(&self, t: &Term) -> Term {
        let mut out = t.clone();
        for v in &t.sums {
            let whole = v.high.has_vars().then(|| self.whole_axis(t, v)).flatten();
            let Some(whole) = whole else { continue };
            out.sums.retain(|x| x != v);
            for (f, _) in &mut out.factors {
                *f = f.substitute(v, &Ix::var(&whole));
            }
            for g in &mut out.guard {
                *g = g.substitute(v, &Ix::var(&whole));
            }
            let below = Cond::Compare(Cmp::Lt, Ix::var(&whole), v.high.clone());
            out.factors.push((Factor::Iverson(below), Exponent::ONE));
            out.factors.sort();
            out.sums.push(whole);
        }
        out
    }

    fn whole_axis(&self, t: &Term, v: &Var) -> Option<Var> {
        let mut elems: Vec<Elem> = vec![];
        Poly(vec![t.clone()]).visit_elems(&mut |e| elems.push(e.clone()));
        elems.iter().filter(|e| is_param(self.model, e.array)).find_map(|e| {
            let axis = e.indices.iter().position(|i| i.as_var() == Some(v))?;
            let array = &self.model.arrays[e.array.0];
            let extent = array.plates.iter().chain(array.elem.kind.axes()).nth(axis)?;
            let high = crate::density::symbol::length(&extent.length, &e.indices);
            Some(Var::new(v.name.clone(), v.nominal, v.low.clone(), high))
        })
    }

    /// The elements a mixed function depends on, and the cells they live in. `None` if one array is read at two places.
    fn symbols(&self, p: &Poly) -> Option<(Vec<Symbol>, Vec<Cell>)> {
        let free: Vec<Var> = p.0.iter().flat_map(Term::free_vars).collect();
        let mut elems: Vec<Elem> = vec![];
        p.visit_elems(&mut |e| {
            if is_param(self.model, e.array) && !elems.contains(e) {
                elems.push(e.clone());
            }
        });
        let mut symbols: Vec<Symbol> = vec![];
        let mut cells: Vec<Var> = vec![];
        for e in elems {
            let mut over = vec![];
            let mut indices = vec![];
            for i in &e.indices {
                match i.as_var() {
                    Some(v) if !free.contains(v) => {
                        let twin = v.twin();
                        indices.push(Ix::var(&twin));
                        over.push(twin);
                    }
                    _ => {
                        i.visit_vars(&mut |v| {
                            if !cells.contains(v) {
                                cells.push(v.clone());
                            }
                        });
                        indices.push(i.clone());
                    }
                }
            }
            let symbol = Symbol { elem: Elem { array: e.array, indices }, over };
            match symbols.iter().find(|s| s.elem.array == e.array) {
                None => symbols.push(symbol),
                Some(s) if same_place(s, &symbol) => {}
                Some(_) => return None,
            }
        }
        Some((symbols, self.as_cells(cells)))
    }

    /// (data, params): the number goes with the params.
    pub fn split(&self, t: &Term) -> Result<(Term, Term), Inseparable> {
        let empty = Term { factors: vec![], sums: vec![], guard: vec![], coef: Num(1.0) };
        let mut data = Term { guard: t.guard.clone(), ..empty.clone() };
        let mut params = Term { coef: t.coef, ..empty };
        for (f, e) in &t.factors {
            match side(self.model, f) {
                Side::Data => data.factors.push((f.clone(), *e)),
                Side::Params => params.factors.push((f.clone(), *e)),
                Side::Mixed => return Err(Inseparable),
            }
        }
        if params.factors.is_empty() {
            data.coef = t.coef;
        } else {
            // Constants of the header multiply the params, so that one statistic serves every term.
            let (keep, moved): (Vec<_>, Vec<_>) = data.factors.drain(..).partition(|(f, _)| self.varies(f));
            data.factors = keep;
            params.factors.extend(moved);
            params.factors.sort();
        }
        Ok((data, params))
    }

    /// Whether a factor of data differs from row to row: it reads data or an index.
    fn varies(&self, f: &Factor) -> bool {
        let mut reads = false;
        f.visit_elems(&mut |e| reads |= self.model.arrays[e.array.0].role != crate::model::ir::Role::Const);
        f.visit_vars(&mut |_| reads = true);
        reads
    }

    /// Replaces givens inside subscripts of params by indices of their own.
    pub fn at_cells(&mut self, t: &Term) -> Term {
        let mut out = t.clone();
        for (f, _) in &mut out.factors {
            *f = self.factor_at_cells(f);
        }
        out
    }

    pub fn poly_at_cells(&mut self, p: &Poly) -> Poly {
        Poly(p.0.iter().map(|t| self.at_cells(t)).collect())
    }

    pub fn elem_at_cells(&mut self, e: &Elem) -> Elem {
        let indices = e
            .indices
            .iter()
            .enumerate()
            .map(|(axis, i)| if reads_data(i) { Ix::var(&self.cell(e, axis, i)) } else { i.clone() })
            .collect();
        Elem { array: e.array, indices }
    }

    pub fn matrix_at_cells(
        &mut self,
        m: &crate::density::poly::MatrixRef,
    ) -> crate::density::poly::MatrixRef {
        let e = self.elem_at_cells(&Elem { array: m.array, indices: m.plates.clone() });
        crate::density::poly::MatrixRef { plates: e.indices, ..m.clone() }
    }

    fn factor_at_cells(&mut self, f: &Factor) -> Factor {
        match f {
            Factor::Elem(e) if is_param(self.model, e.array) => Factor::Elem(self.elem_at_cells(e)),
            Factor::LogDet(m) => Factor::LogDet(self.matrix_at_cells(m)),
            Factor::Inverse(m, i, j) => Factor::Inverse(self.matrix_at_cells(m), i.clone(), j.clone()),
            Factor::Gram(m, i, j) => Factor::Gram(self.matrix_at_cells(m), i.clone(), j.clone()),
            Factor::Apply(g, args) => Factor::Apply(*g, args.iter().map(|p| self.poly_at_cells(p)).collect()),
            Factor::Paren(p) => Factor::Paren(self.poly_at_cells(p)),
            Factor::Product(v, c, p) => Factor::Product(v.clone(), c.clone(), self.poly_at_cells(p)),
            Factor::Elem(_) | Factor::Index(_) | Factor::Iverson(_) | Factor::Infinity => f.clone(),
        }
    }

    /// The index that stands for a given's value on an axis of a param.
    fn cell(&mut self, e: &Elem, axis: usize, value: &Ix) -> Var {
        if let Some(c) = self.cells.iter().find(|c| c.value == *value) {
            return c.var.clone();
        }
        let array = &self.model.arrays[e.array.0];
        let extents: Vec<_> = array.plates.iter().chain(array.elem.kind.axes()).collect();
        let high = extents
            .get(axis)
            .map_or(Ix::constant(1), |x| crate::density::symbol::length(&x.length, &e.indices));
        let nominal = extents.get(axis).map_or(Nominal::Literal(1), |x| x.nominal);
        let name = match nominal {
            Nominal::Size(s) => self.model.sizes[s.0].name.to_string().to_lowercase(),
            Nominal::Literal(_) => "c".into(),
        };
        let mut name = if name.chars().count() <= 2 { name } else { "c".into() };
        while self.taken.contains(&name) || self.cells.iter().any(|c| c.var.name == name) {
            name.push('′');
        }
        let var = Var::new(name, nominal, Ix::constant(0), high);
        self.cells.push(Cell { var: var.clone(), value: value.clone() });
        var
    }

    /// The cells a function of params lives on, in the order in which they stand.
    pub fn cells_of(&self, t: &Term) -> Vec<Cell> {
        self.as_cells(t.free_vars())
    }

    pub fn as_cells(&self, vars: Vec<Var>) -> Vec<Cell> {
        vars.into_iter()
            .map(|v| match self.cells.iter().find(|c| c.var == v) {
                Some(c) => c.clone(),
                None => Cell { value: Ix::var(&v), var: v },
            })
            .collect()
    }

    /// The design of a prior, which is a row of its own for each element: what it reads at a given stands at the given's value.
    pub fn row_design(model: &'a Model, rho: &Poly, target_over: &[Var]) -> Option<Design> {
        let mut split = Splitter::new(model);
        let mut design = split.design(rho, target_over)?;
        for c in &split.cells {
            design.substitute(&c.var, &c.value);
        }
        Some(design)
    }

    /// ρ as a target and regressors; `None` if it is not linear in the params.
    pub fn design(&mut self, rho: &Poly, target_over: &[Var]) -> Option<Design> {
        let mut target = Poly::zero();
        let mut columns = vec![];
        let mut regressors = vec![];
        for t in &rho.0 {
            let (data, params) = self.split(t).ok()?;
            let unknown: Vec<_> = params
                .factors
                .iter()
                .filter(|(f, _)| {
                    let mut u = false;
                    f.visit_elems(&mut |e| u |= is_param(self.model, e.array));
                    u
                })
                .cloned()
                .collect();
            match unknown.as_slice() {
                [] => target = target.add(&Poly(vec![t.clone()])),
                many if many.iter().all(|(f, e)| matches!(f, Factor::Elem(_)) && *e == Exponent::ONE) => {
                    let mut elems: Vec<Elem> = many
                        .iter()
                        .filter_map(|(f, _)| match f {
                            Factor::Elem(e) => Some(self.elem_at_cells(e)),
                            _ => None,
                        })
                        .collect();
                    let param = elems.remove(0);
                    let rest = Term {
                        factors: params
                            .factors
                            .iter()
                            .filter(|f| !many.contains(f))
                            .chain(&data.factors)
                            .cloned()
                            .collect(),
                        sums: vec![],
                        guard: t.guard.clone(),
                        coef: Num(-t.coef.0),
                    };
                    let number = rest.factors.is_empty() && rest.guard.is_empty();
                    if number {
                        regressors.push(Regressor {
                            param,
                            others: elems,
                            sums: t.sums.clone(),
                            component: None,
                            column: None,
                            constant: rest.coef.0,
                        });
                    } else {
                        let value = Poly(vec![rest]);
                        let component = target_over.iter().find(|v| value.mentions(v)).cloned();
                        columns
                            .push(Column { over: component.iter().chain(&t.sums).cloned().collect(), value });
                        regressors.push(Regressor {
                            param,
                            others: elems,
                            sums: t.sums.clone(),
                            component,
                            column: Some(columns.len()),
                            constant: 1.0,
                        });
                    }
                }
                _ => return None,
            }
        }
        columns.insert(0, Column { over: target_over.to_vec(), value: target });
        Some(Design { columns, regressors })
    }
}

/// Whether an index reads a value of the data.
pub fn reads_data(i: &Ix) -> bool {
    let mut found = false;
    i.visit_reads(&mut |_| found = true);
    found
}

/// Whether a condition reads one of these indices.
pub fn cond_mentions(c: &Cond, vars: &[Var]) -> bool {
    let mut found = false;
    c.visit_vars(&mut |v| found |= vars.contains(v));
    found
}

/// `(variable, constant)` of `v + c`, where c may hold sizes.
pub fn solve_shift(i: &Ix) -> Option<(Var, Ix)> {
    let mut var = None;
    let mut rest = Ix::constant(i.offset);
    for (c, t) in &i.terms {
        match t {
            IxTerm::Var(v) if *c == 1 && var.is_none() => var = Some(v.clone()),
            IxTerm::Size(..) => rest = rest.plus(*c, &Ix::term(t.clone())),
            IxTerm::Var(_) | IxTerm::Read(_) => return None,
        }
    }
    var.map(|v| (v, rest))
}

/// Whether two symbols are the same elements, however their own indices are called.
fn same_place(a: &Symbol, b: &Symbol) -> bool {
    a.over.len() == b.over.len()
        && a.elem.indices.iter().zip(&b.elem.indices).all(|(i, j)| {
            let own = |s: &Symbol, i: &Ix| i.as_var().is_some_and(|v| s.over.contains(v));
            i == j || own(a, i) && own(b, j)
        })
}
