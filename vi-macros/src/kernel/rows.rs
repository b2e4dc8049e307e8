//! One statement as seen from one unit of a component: its loops, its guards, and what it adds.

use super::links::Places;
use super::split::{Splitter, cond_mentions, reads_data, solve_shift};
use super::{
    Body, Cell, Column, Component, DenseResidual, End, Loop, Pairs, RowCase, Rows, ScalarResidual, Stat,
    StatKind, Terms,
};
use crate::density::poly::{Factor, Poly, Term};
use crate::density::statement::{Case, Compared, Form, Residual, Scale, StatementDensity};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::Model;
use crate::report::Diagnostic;

/// Replaces indices of a statement by those of the unit it is seen from.
#[derive(Default, Clone)]
pub struct Renaming(pub Vec<(Var, Ix)>);

impl Renaming {
    pub fn poly(&self, p: &Poly) -> Poly {
        self.0.iter().fold(p.clone(), |p, (v, by)| p.substitute(v, by))
    }
    pub fn cond(&self, c: &Cond) -> Cond {
        self.0.iter().fold(c.clone(), |c, (v, by)| c.substitute(v, by))
    }
    pub fn elem(&self, e: &Elem) -> Elem {
        self.0.iter().fold(e.clone(), |e, (v, by)| e.substitute(v, by))
    }
    pub fn var(&self, v: &Var) -> Var {
        let (low, high) = self.0.iter().fold((v.low.clone(), v.high.clone()), |(l, h), (u, by)| {
            (l.substitute(u, by), h.substitute(u, by))
        });
        if low == v.low && high == v.high {
            v.clone()
        } else {
            Var::new(v.name.clone(), v.nominal, low, high)
        }
    }
}

pub struct RowBuilder<'a> {
    pub model: &'a Model,
    pub stats: &'a mut Vec<Stat>,
    /// Given maps that are inverted: one group table each.
    pub groups: &'a mut Vec<crate::model::ir::ArrayId>,
}

impl RowBuilder<'_> {
    /// A statement inside a component, or on its own.
    ///
    /// `places` says where in a component's chain the latents stand; where there is none, all belong to one unit.
    pub fn rows(
        &mut self,
        d: &StatementDensity,
        component: Option<&Component>,
        places: Option<&Places>,
    ) -> Result<Rows, Diagnostic> {
        let mut renaming = Renaming::default();
        let mut guards = vec![];
        let mut states = vec![];
        let mut solved: Vec<Var> = vec![];
        let mut members: Vec<(Var, Loop)> = vec![];
        if let Some(c) = component {
            for (n, g) in d.gathers.iter().enumerate() {
                let back = places.map_or(0, |p| p.back[n]);
                let Some(a) = super::links::local(c, g.elem.array, back) else {
                    if c.locals.iter().all(|l| l.array != g.elem.array) {
                        let (one, other) = (self.name(d.gathers[0].elem.array), self.name(g.elem.array));
                        return Err(mistakes::two_blocks(d.loc, &one, &other));
                    }
                    return Err(mistakes::not_local(d.loc, &self.name(g.elem.array)));
                };
                renaming.0.push((g.var.clone(), Ix::var(&c.locals[a].state)));
                if !states.contains(&a) {
                    states.push(a);
                }
            }
            // Every latent that is read must belong to one unit; the first one says which.
            let integrated = super::integrated::elements(self.model, d);
            let anchors = super::normals::anchors(self.model, d);
            let Some(first) = anchors.iter().chain(&integrated).next() else {
                return Err(mistakes::not_local(d.loc, &self.name(d.target.array)));
            };
            if let Some(e) = integrated.iter().find(|e| !c.integrated.iter().any(|i| i.array == e.array)) {
                return Err(mistakes::not_local(d.loc, &self.name(e.array)));
            }
            let plates = |ix: &[Ix]| ix.iter().take(c.unit.len()).cloned().collect::<Vec<Ix>>();
            let own = plates(places.map_or(&first.indices, |p| &p.unit));
            // In a chain, `places` has looked at the categories.
            let categories = anchors.iter().filter(|_| places.is_none());
            let elsewhere = |e: &&Elem| {
                let rank = c.rank_of(e.array);
                e.indices.iter().take(rank).ne(own.iter().take(rank))
            };
            if let Some(e) = categories.chain(&integrated).find(elsewhere) {
                return Err(mistakes::not_local(d.loc, &self.name(e.array)));
            }
            let seen_from = places.map_or(&first.indices, |p| &p.unit);
            for (unit, ix) in c.unit.iter().zip(seen_from) {
                let here = Ix::var(unit);
                if let Some((v, shift)) = solve_shift(ix).filter(|(v, _)| !solved.contains(v)) {
                    let by = here.plus(-1, &shift);
                    if shift != Ix::default() || v.low != Ix::constant(0) {
                        guards.push(Cond::Compare(Cmp::Le, v.low.clone(), by.clone()));
                    }
                    if shift != Ix::default() || renaming.var(&v).high != unit.high {
                        guards.push(Cond::Compare(Cmp::Lt, by.clone(), v.high.clone()));
                    }
                    renaming.0.push((v.clone(), by));
                    solved.push(v);
                } else if let [(1, IxTerm::Read(map))] = ix.terms.as_slice()
                    && ix.offset == 0
                    && let [over] = map.indices.as_slice()
                    && let Some(v) = over.as_var().filter(|v| !solved.contains(v))
                    && v.low == Ix::constant(0)
                {
                    let group = self.groups.iter().position(|m| *m == map.array).unwrap_or_else(|| {
                        self.groups.push(map.array);
                        self.groups.len() - 1
                    });
                    members.push((v.clone(), Loop::Members { var: v.clone(), of: here, group }));
                    solved.push(v.clone());
                } else if ix.terms.iter().all(|(_, t)| matches!(t, IxTerm::Size(..))) {
                    guards.push(Cond::Compare(Cmp::Eq, here, ix.clone()));
                } else {
                    return Err(mistakes::not_local(d.loc, &self.name(first.array)));
                }
            }
        }
        let mut loops: Vec<Loop> = vec![];
        for v in &d.vars {
            if let Some((_, l)) = members.iter().find(|(u, _)| u == v) {
                loops.push(l.clone());
            } else if !solved.contains(v) {
                let inner = renaming.var(v);
                if inner != *v {
                    renaming.0.push((v.clone(), Ix::var(&inner)));
                }
                loops.push(Loop::Range(inner));
            }
        }
        guards.extend(d.guards.iter().map(|c| renaming.cond(c)));
        let guards: Vec<Cond> =
            guards.into_iter().map(|c| renaming.cond(&c)).filter(|c| c.decided() != Some(true)).collect();
        let guards = without_implied(component, guards);
        let state_vars: Vec<Var> =
            component.map_or(vec![], |c| states.iter().map(|a| c.locals[*a].state.clone()).collect());
        let target = renaming.elem(&d.target);
        let mut cases = vec![];
        for case in &d.cases {
            cases.push(self.case(d, case, &renaming, &state_vars)?);
        }
        Ok(Rows {
            statement: d.id,
            line: d.line,
            loops,
            guards,
            target,
            missing: super::masked(self.model, d.target.array),
            copies: d.repeat.iter().map(|e| renaming.elem(e)).collect(),
            states,
            cases,
        })
    }

    /// A statement that reads the categories of two units of one array.
    pub fn pairs(&mut self, d: &StatementDensity) -> Result<Pairs, Diagnostic> {
        let refuse = || {
            let name = self.model.arrays[d.gathers[0].elem.array.0].name.to_string();
            mistakes::no_engine(d.loc, &name, "this way of joining units")
        };
        if d.gathers.iter().any(|g| g.elem.array == d.target.array) {
            let name = self.name(d.target.array);
            return Err(mistakes::not_generated(
                d.loc,
                "a chain whose elements take turns",
                &format!(
                    "read `{name}` at neighbours only, and leave out `q({name}[each])`: then all of it is one exact block"
                ),
            ));
        }
        let [first, second] = d.gathers.as_slice() else { return Err(refuse()) };
        if !d.repeat.is_empty() {
            return Err(refuse());
        }
        let mut ends = vec![];
        for g in [first, second] {
            let [at] = g.elem.indices.as_slice() else { return Err(refuse()) };
            let group = match at.terms.as_slice() {
                _ if at.as_var().is_some() => None,
                [(1, IxTerm::Read(map))] if at.offset == 0 => {
                    let over = match map.indices.as_slice() {
                        [i] => i.as_var().filter(|v| v.low == Ix::constant(0)).ok_or_else(refuse)?,
                        _ => return Err(refuse()),
                    };
                    let group = self.groups.iter().position(|m| *m == map.array).unwrap_or_else(|| {
                        self.groups.push(map.array);
                        self.groups.len() - 1
                    });
                    Some((over.clone(), group))
                }
                _ => return Err(refuse()),
            };
            ends.push(End { at: at.clone(), state: g.var.clone(), group });
        }
        let states = vec![first.var.clone(), second.var.clone()];
        let mut cases = vec![];
        for case in &d.cases {
            cases.push(self.case(d, case, &Renaming::default(), &states)?);
        }
        let plain = |c: &RowCase| {
            c.when.is_empty()
                && c.cells.is_empty()
                && match &c.body {
                    Body::Terms(t) => t.pointwise.is_none(),
                    Body::Scalar(s) => s.event.is_none() && s.normaliser.pointwise.is_none(),
                    Body::Dense(_) | Body::Equal { .. } => false,
                }
        };
        if cases.len() != 1 || !cases.iter().all(plain) {
            return Err(refuse());
        }
        let rows = Rows {
            statement: d.id,
            line: d.line,
            loops: d.vars.iter().map(|v| Loop::Range(v.clone())).collect(),
            guards: d.guards.iter().filter(|c| c.decided() != Some(true)).cloned().collect(),
            target: d.target.clone(),
            missing: super::masked(self.model, d.target.array),
            copies: vec![],
            states: vec![0, 1],
            cases,
        };
        let [a, b] = <[End; 2]>::try_from(ends).map_err(|_| refuse())?;
        Ok(Pairs { rows, ends: [a, b] })
    }

    fn name(&self, a: crate::model::ir::ArrayId) -> String {
        self.model.arrays[a.0].name.to_string()
    }

    fn case(
        &mut self,
        d: &StatementDensity,
        case: &Case,
        renaming: &Renaming,
        states: &[Var],
    ) -> Result<RowCase, Diagnostic> {
        let when: Vec<Cond> = case.when.iter().map(|c| renaming.cond(c)).collect();
        // A prior that is integrated has no constant: all of it is in the integral.
        let conditional =
            when.iter().any(|c| cond_mentions(c, states)) || self.model.integrated.contains(&d.target.array);
        let name = self.name(d.target.array);
        let taken = states.iter().chain(&d.vars).map(|v| v.name.clone()).collect();
        let mut split = Splitter { model: self.model, cells: vec![], taken };
        let normaliser = renaming.poly(&case.normaliser);
        let body = match &case.form {
            Form::Terms(p) => {
                let p = renaming.poly(p).add(&normaliser);
                let stats = &mut *self.stats;
                let terms = split
                    .terms(&p, states, conditional, &mut |kind, cells| stat_of(stats, d, &name, kind, cells))
                    .map_err(|_| mistakes::mixes(case.loc, case.family.name))?;
                Body::Terms(terms)
            }
            Form::Normal(r) => {
                self.residual(d, case, r, renaming, states, conditional, &name, &mut split, &normaliser)?
            }
            Form::Equal { value, to } => {
                let side = |c: &Compared| match c {
                    Compared::Index(i) => renaming.poly(&Poly::index(i)),
                    Compared::Number(p) => renaming.poly(p),
                };
                Body::Equal { value: side(value), to: side(to) }
            }
            Form::Flat => Body::Terms(Terms::default()),
        };
        self.stats.iter_mut().for_each(|s| s.closed = true);
        Ok(RowCase { when, cells: split.cells, body })
    }

    #[allow(clippy::too_many_arguments, reason = "one call site; the parts of one case")]
    fn residual(
        &mut self,
        d: &StatementDensity,
        case: &Case,
        r: &Residual,
        renaming: &Renaming,
        states: &[Var],
        conditional: bool,
        name: &str,
        split: &mut Splitter,
        normaliser: &Poly,
    ) -> Result<Body, Diagnostic> {
        let rho = renaming.poly(&r.rho);
        let half_log_two_pi = Poly::number(-0.5 * (2.0 * std::f64::consts::PI).ln());
        match &r.scale {
            Scale::Diagonal(prec) => {
                let prec = renaming.poly(prec);
                let design = split
                    .design(&rho, &[])
                    .filter(|d| states.is_empty() || d.is_linear())
                    .ok_or_else(|| not_linear(self.model, &rho, case.loc))?;
                // λ = weight (data) · precision (params)
                let [t] = prec.0.as_slice() else { return Err(mistakes::mixes(case.loc, case.family.name)) };
                let (data, params) =
                    split.split(t).map_err(|_| mistakes::mixes(case.loc, case.family.name))?;
                let params = split.at_cells(&params);
                let (weight, precision) = if params.factors.is_empty() {
                    (Poly(vec![data]), Poly::number(1.0))
                } else {
                    (Poly(vec![data]), Poly(vec![params]))
                };
                let mut vars = vec![];
                for x in &design.regressors {
                    let sums = &x.sums;
                    x.elems().flat_map(|e| &e.indices).for_each(|i| {
                        i.visit_vars(&mut |v| {
                            if !sums.contains(v) && !vars.contains(v) {
                                vars.push(v.clone());
                            }
                        });
                    });
                }
                for v in precision.0.iter().flat_map(|t| t.free_vars()) {
                    if !vars.contains(&v) {
                        vars.push(v);
                    }
                }
                let cells = split.as_cells(ordered(vars, states, r.event.as_ref()));
                let moments = self.moments(d, name, &design.columns, cells.clone());
                let count = (weight.as_number() != Some(1.0))
                    .then(|| stat_of(self.stats, d, name, StatKind::Sum(Poly::number(1.0)), cells));
                let positive = |e: &Elem| {
                    crate::density::normal_form::positive_kind(&self.model.arrays[e.array.0].elem.kind)
                        || !super::is_param(self.model, e.array)
                };
                let mut base = half_log_two_pi.add(&weight.log(&positive).scale(0.5));
                let mut normaliser = normaliser.clone();
                let mut latent = false;
                weight.visit_elems(&mut |e| latent |= self.model.integrated.contains(&e.array));
                if conditional || latent {
                    normaliser = normaliser.add(&base);
                    base = Poly::zero();
                }
                let stats = &mut *self.stats;
                let normaliser = split
                    .terms(&normaliser, states, conditional, &mut |c, cells| {
                        stat_of(stats, d, name, c, cells)
                    })
                    .map_err(|_| mistakes::mixes(case.loc, case.family.name))?;
                Ok(Body::Scalar(ScalarResidual {
                    event: r.event.clone(),
                    rho,
                    weight,
                    precision,
                    design,
                    moments,
                    count,
                    base,
                    normaliser,
                }))
            }
            Scale::Dense { factor, matrix, inverse } => {
                let Some(event) = r.event.clone() else {
                    return Err(mistakes::mixes(case.loc, case.family.name));
                };
                if !normaliser.is_zero() {
                    return Err(mistakes::not_generated(
                        case.loc,
                        "truncating a vector",
                        "give each component its own scale with `var:` or `sd:`",
                    ));
                }
                let (weight, factor) = self.latent_weight(&renaming.poly(factor));
                let mut matrix = matrix.clone();
                matrix.plates =
                    renaming.elem(&Elem { array: matrix.array, indices: matrix.plates.clone() }).indices;
                let matrix = split.matrix_at_cells(&matrix);
                if matrix.plates.iter().any(reads_data) || varies_by_data(self.model, &factor) {
                    return Err(mistakes::not_generated(
                        case.loc,
                        "a dense covariance that differs from row to row by the data",
                        "index it by a Category given",
                    ));
                }
                let design = split
                    .design(&rho, std::slice::from_ref(&event))
                    .filter(super::Design::is_linear)
                    .ok_or_else(|| not_linear(self.model, &rho, case.loc))?;
                let mut vars = vec![];
                for x in &design.regressors {
                    x.elems().flat_map(|e| &e.indices).for_each(|i| {
                        i.visit_vars(&mut |v| {
                            if !x.sums.contains(v) && *v != event && !vars.contains(v) {
                                vars.push(v.clone());
                            }
                        });
                    });
                }
                for i in &matrix.plates {
                    i.visit_vars(&mut |v| {
                        if !vars.contains(v) {
                            vars.push(v.clone());
                        }
                    });
                }
                let cells = split.as_cells(ordered(vars, states, None));
                let moments = self.moments(d, name, &design.columns, cells);
                let half_log = Poly::index(&event.high).mul(&half_log_two_pi);
                let mut base = half_log.clone();
                let mut normaliser = Terms::default();
                let mut count = None;
                if weight.as_number() != Some(1.0) {
                    let cells = self.stats[moments].cells.clone();
                    count = Some(stat_of(self.stats, d, name, StatKind::Sum(Poly::number(1.0)), cells));
                    let log = Poly::index(&event.high).mul(&weight.log(&|_| true).scale(0.5));
                    let stats = &mut *self.stats;
                    normaliser = split
                        .terms(&log, states, conditional, &mut |c, cells| stat_of(stats, d, name, c, cells))
                        .map_err(|_| mistakes::mixes(case.loc, case.family.name))?;
                    base = half_log.add(&normaliser.base);
                    normaliser.base = Poly::zero();
                }
                Ok(Body::Dense(DenseResidual {
                    event,
                    rho,
                    weight,
                    factor,
                    matrix,
                    inverse: *inverse,
                    design,
                    moments,
                    count,
                    base,
                    normaliser,
                }))
            }
        }
    }

    /// The part of a factor that is an integrated latent, and the rest.
    fn latent_weight(&self, factor: &Poly) -> (Poly, Poly) {
        let one = || Poly::number(1.0);
        let [t] = factor.0.as_slice() else { return (one(), factor.clone()) };
        let own = |f: &Factor| matches!(f, Factor::Elem(e) if self.model.integrated.contains(&e.array));
        let (weight, rest): (Vec<_>, Vec<_>) = t.factors.iter().cloned().partition(|(f, _)| own(f));
        if weight.is_empty() {
            return (one(), factor.clone());
        }
        let weight = Term { factors: weight, ..Term::number(1.0) };
        (Poly(vec![weight]), Poly(vec![Term { factors: rest, ..t.clone() }]))
    }

    fn moments(&mut self, d: &StatementDensity, name: &str, columns: &[Column], cells: Vec<Cell>) -> usize {
        let name = unique(self.stats, &format!("{name}_moments"));
        self.stats.push(Stat {
            name,
            cells,
            kind: StatKind::Moments { columns: columns.to_vec() },
            statement: d.id,
            closed: false,
        });
        self.stats.len() - 1
    }
}

/// At a unit that is there, a fixed position exists once the unit stands on it.
fn without_implied(component: Option<&Component>, mut guards: Vec<Cond>) -> Vec<Cond> {
    let Some(c) = component else { return guards };
    for u in &c.unit {
        let stands = |at: &Ix| guards.contains(&Cond::Compare(Cmp::Eq, Ix::var(u), at.clone()));
        let implied = guards
            .iter()
            .filter(|g| matches!(g, Cond::Compare(Cmp::Lt, at, end) if *end == u.high && stands(at)))
            .cloned()
            .collect::<Vec<_>>();
        guards.retain(|g| !implied.contains(g));
    }
    guards
}

/// States first, then plates, then the event: the order of the loops that fill a statistic.
fn ordered(mut vars: Vec<Var>, states: &[Var], event: Option<&Var>) -> Vec<Var> {
    vars.sort_by_key(|v| {
        let rank = if states.contains(v) {
            0
        } else if Some(v) == event {
            2
        } else {
            1
        };
        (rank, v.clone())
    });
    vars
}

fn varies_by_data(model: &Model, p: &Poly) -> bool {
    let mut data = false;
    p.visit_elems(&mut |e| {
        data |=
            !super::is_param(model, e.array) && model.arrays[e.array.0].role != crate::model::ir::Role::Const;
    });
    data
}

/// The statistic of this kind over these cells, found or made.
fn stat_of(
    stats: &mut Vec<Stat>,
    d: &StatementDensity,
    name: &str,
    kind: StatKind,
    cells: Vec<Cell>,
) -> usize {
    let what = match &kind {
        StatKind::Sum(coefficient) => {
            let same = |s: &Stat| {
                s.statement == d.id
                    && !s.closed
                    && s.cells == cells
                    && matches!(&s.kind, StatKind::Sum(c) if c == coefficient)
            };
            if let Some(i) = stats.iter().position(same) {
                return i;
            }
            match coefficient.as_number() {
                Some(1.0) => "count".to_string(),
                _ => format!("sum{}", words(coefficient)),
            }
        }
        StatKind::Moments { .. } => "moments".into(),
        StatKind::Taylor { .. } => "taylor".into(),
    };
    let name = unique(stats, &format!("{name}_{what}"));
    stats.push(Stat { name, cells, kind, statement: d.id, closed: false });
    stats.len() - 1
}

/// A short suffix that says what is summed.
fn words(p: &Poly) -> String {
    let [t] = p.0.as_slice() else { return String::new() };
    let mut out = String::new();
    for (f, e) in &t.factors {
        if let Factor::Apply(crate::density::poly::Func::Log, _) = f {
            out.push_str("_log");
        }
        if *e == crate::density::poly::Exponent::int(-1) {
            out.push_str("_inverse");
        }
        if *e == crate::density::poly::Exponent::int(2) {
            out.push_str("_square");
        }
    }
    out
}

fn unique(stats: &[Stat], name: &str) -> String {
    let taken = |n: &str| stats.iter().any(|s| s.name == n);
    if !taken(name) {
        return name.to_string();
    }
    (2..).map(|i| format!("{name}_{i}")).find(|n| !taken(n)).unwrap_or_default()
}

/// A product of unknowns in a mean: of params, or of latents that take turns.
fn not_linear(model: &Model, rho: &Poly, loc: crate::syntax::ast::Loc) -> Diagnostic {
    let mut latent = None;
    rho.visit_elems(&mut |e| {
        latent = latent.or(super::is_random(model, e.array).then_some(e.array));
    });
    match latent {
        Some(a) => mistakes::no_engine(
            loc,
            &model.arrays[a.0].name.to_string(),
            "a Gaussian posterior with uncertain coefficients",
        ),
        None => mistakes::not_linear(loc),
    }
}
